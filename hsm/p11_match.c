/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <string.h>

#include "hsm/p11_private.h"

/*
 * Which one of the enrolled public keys is on a token: the token is asked for
 * each by its value, so that what else it holds does not matter (H1).
 */
static void
bn_freep(BIGNUM **p)
{
	BN_free(*p);
}

/* Objects that hold this value in this attribute; at most 2 */
static int
find_value(struct p11_session *s, enum p11_type type, CK_ATTRIBUTE value,
    CK_OBJECT_HANDLE ret[2], size_t *ret_n, struct diag *d)
{
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_KEY_TYPE ckk = p11_types[type].ckk;
	CK_ATTRIBUTE t[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_KEY_TYPE, &ckk, sizeof(ckk) },
		value,
	};

	return p11_find(s, t, ARRAY_LEN(t), ret, 2, ret_n, d);
}

#define VALUE_MAX 520u /* RSA-4096 and a leading zero */

/*
 * The value to look for, in out + 3, with room before it for the other form
 * (a DER header, or a leading zero); *ret_pre bytes of that.
 */
static int
search_value(const struct pubkey *k, enum p11_type type, uint8_t out[VALUE_MAX],
    size_t *ret_len, size_t *ret_pre)
{
	_cleanup_(bn_freep) BIGNUM *n = NULL;
	size_t len = p11_types[type].point_len;
	uint8_t header[3];

	if (type == P11_RSA) {
		if (EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_N, &n) !=
			1 ||
		    BN_num_bytes(n) > (int)VALUE_MAX - 3)
			return CS_E_KEY_TYPE;
		*ret_len = (size_t)BN_bn2bin(n, out + 3);
		*ret_pre = 1;
		out[2] = 0;
		return 0;
	}
	/* the point is the end of its SubjectPublicKeyInfo */
	if (k->spki_len < len)
		return CS_E_KEY_TYPE;
	memcpy(out + 3, k->spki + k->spki_len - len, len);
	*ret_pre = p11_point_header(len, header);
	memcpy(out + 3 - *ret_pre, header, *ret_pre);
	*ret_len = len;
	return 0;
}

/* 0 or more objects with this public key; the handle of one. */
static int
find_public(struct p11_session *s, const struct pubkey *k,
    CK_OBJECT_HANDLE *ret, size_t *ret_n, struct diag *d)
{
	uint8_t value[VALUE_MAX];
	CK_OBJECT_HANDLE h[2];
	size_t len = 0, pre = 0, n, i, form;
	enum p11_type type = P11_RSA;
	int r = p11_pubkey_type(k, &type);

	if (r == 0)
		r = search_value(k, type, value, &len, &pre);
	if (r != 0)
		return diag_fail(d, r, "an enrolled public key", "another");
	*ret_n = 0;
	for (form = 0; form < 2; form++) {
		const size_t before = form == 0 ? pre : 0;
		const CK_ATTRIBUTE a = { type == P11_RSA ? CKA_MODULUS :
							   CKA_EC_POINT,
			value + 3 - before, before + len };

		r = find_value(s, type, a, h, &n, d);
		if (r != 0)
			return r;
		for (i = 0; i < n; i++) {
			_cleanup_pubkey_ struct pubkey *is = NULL;

			/* the exponent or curve may be another */
			if (p11_object_pubkey(s, h[i], &is) == 0 &&
			    pubkey_equal(is, k)) {
				*ret = h[i];
				(*ret_n)++;
			}
		}
	}
	return 0;
}

/* The object's CKA_ID, which no other public key may have. */
static int
match_id(struct p11_session *s, CK_OBJECT_HANDLE h, struct p11_match *m,
    struct diag *d)
{
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	_cleanup_free_ uint8_t *id = NULL;
	CK_OBJECT_HANDLE again;
	CK_ATTRIBUTE t[3];
	size_t len = 0;

	if (p11_attr(s, h, CKA_ID, &id, &len) != 0 || len > sizeof(m->id))
		return diag_fail(d, CS_E_HSM_KEY_ABSENT,
		    "a CKA_ID of 1 to 64 bytes", "a key without one");
	memcpy(m->id, id, len);
	m->id_len = len;
	return p11_find_one(s, t, p11_key_template(t, &class, id, len, NULL),
	    "public key", &again, d);
}

int
p11_find_by_spki(struct p11_session *s, const struct p11_spki *list, size_t n,
    struct p11_match *ret, struct diag *d)
{
	CK_OBJECT_HANDLE h = CK_INVALID_HANDLE;
	struct p11_match m = { 0 };
	size_t i, here = 0, hits = 0;
	int r;

	for (i = 0; i < n; i++) {
		_cleanup_pubkey_ struct pubkey *k = NULL;

		r = pubkey_from_spki(list[i].der, list[i].len, &k, d);
		if (r == 0)
			r = find_public(s, k, &h, &here, d);
		if (r != 0)
			return r;
		hits += here;
		if (here > 0)
			m.index = i;
	}
	if (hits == 0)
		return diag_fail(d, CS_E_HSM_KEY_ABSENT,
		    "a key that the policy names", "none of %zu keys", n);
	if (hits > 1)
		return diag_fail(d, CS_E_HSM_KEY_AMBIGUOUS, "one key",
		    "%zu that the policy names", hits);
	r = match_id(s, h, &m, d);
	if (r == 0)
		*ret = m;
	return r;
}
