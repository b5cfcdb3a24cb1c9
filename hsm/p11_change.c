/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "hsm/p11_private.h"

/* What a ceremony that was cut short left on the token, and taking away. */

#define OBJECTS_MAX 16u
#define CERTS_MAX   64u

/* The mechanism that it is limited to, where the token knows such a thing */
static int
check_mechanism(struct p11_session *s, CK_OBJECT_HANDLE h, enum key_alg alg,
    bool *ret_restricted, struct diag *d)
{
	const CK_MECHANISM_TYPE want = p11_mechanism_of(alg);
	_cleanup_free_ uint8_t *found = NULL;
	size_t len = 0;

	*ret_restricted =
	    p11_attr(s, h, CKA_ALLOWED_MECHANISMS, &found, &len) == 0;
	if (*ret_restricted &&
	    (len != sizeof(want) || memcmp(found, &want, len) != 0))
		return diag_fail(d, CS_E_HSM_KEY_MISMATCH, key_alg_name(alg),
		    "a key for another mechanism");
	return 0;
}

int
p11_find_made(struct p11_session *s, enum key_alg alg, const char *label,
    uint8_t id[P11_ID_MAX], size_t *ret_id_len, struct pubkey **ret,
    bool *ret_restricted, struct diag *d)
{
	_cleanup_pubkey_ struct pubkey *k = NULL;
	_cleanup_free_ uint8_t *found = NULL;
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE t[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_LABEL, (void *)(uintptr_t)label, strlen(label) },
	};
	CK_OBJECT_HANDLE h = 0;
	size_t len = 0;
	int r;

	r = p11_find_one(s, t, ARRAY_LEN(t), "private key", &h, d);
	if (r != 0)
		return r;
	if (p11_attr(s, h, CKA_ID, &found, &len) != 0 || len > P11_ID_MAX)
		return diag_fail(d, CS_E_HSM_KEY_UNSAFE, "a key with an ID",
		    "%s without one", label);
	r = p11_public_spki(s, found, len, label, &k, d);
	if (r != 0)
		return r;
	if (!pubkey_fits(k, alg))
		return diag_fail(d, CS_E_HSM_KEY_MISMATCH, key_alg_name(alg),
		    "a key of another type with the label %s", label);
	r = p11_check_made(s, h, d);
	if (r == 0)
		r = check_mechanism(s, h, alg, ret_restricted, d);
	if (r != 0)
		return r;
	memcpy(id, found, len);
	*ret_id_len = len;
	*ret = take_ptr(k);
	return 0;
}

/* Every object of a class that a template finds */
static int
destroy_all(struct p11_session *s, CK_ATTRIBUTE *t, size_t nt, struct diag *d)
{
	CK_OBJECT_HANDLE h[OBJECTS_MAX];
	size_t i, n = 0;
	int r = p11_find(s, t, nt, h, OBJECTS_MAX, &n, d);

	for (i = 0; r == 0 && i < n; i++) {
		CK_RV rv = s->f->C_DestroyObject(s->h, h[i]);

		if (rv != CKR_OK)
			r = p11_fail(rv, "C_DestroyObject", d);
	}
	return r;
}

static void
x509_freep(X509 **x)
{
	X509_free(*x);
}

/* About this key, and not by the key itself */
static bool
attests(const uint8_t *der, size_t len, const struct pubkey *k)
{
	const unsigned char *p = der;
	_cleanup_(x509_freep) X509 *x = d2i_X509(NULL, &p, (long)len);
	_cleanup_pubkey_ struct pubkey *is = NULL;
	unsigned char *spki = NULL;
	bool yes = false;
	int n;

	if (x != NULL && p == der + len) {
		n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
		yes = n > 0 &&
		    pubkey_from_spki(spki, (size_t)n, &is, NULL) == 0 &&
		    pubkey_equal(is, k) &&
		    X509_NAME_cmp(X509_get_subject_name(x),
			X509_get_issuer_name(x)) != 0;
		OPENSSL_free(spki);
	}
	ERR_clear_error();
	return yes;
}

int
p11_attestation(struct p11_session *s, const struct pubkey *k, uint8_t **ret,
    size_t *ret_len, struct diag *d)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_ATTRIBUTE t[] = { { CKA_CLASS, &class, sizeof(class) } };
	CK_OBJECT_HANDLE h[CERTS_MAX];
	size_t n = 0, i, len;
	int r = p11_find(s, t, ARRAY_LEN(t), h, CERTS_MAX, &n, d);

	for (i = 0; r == 0 && i < n; i++) {
		_cleanup_free_ uint8_t *der = NULL;

		if (p11_attr(s, h[i], CKA_VALUE, &der, &len) != 0 ||
		    !attests(der, len, k))
			continue;
		*ret = take_ptr(der);
		*ret_len = len;
		return 0;
	}
	return r != 0 ? r :
			diag_fail(d, CS_E_HSM_KEY_ABSENT,
			    "a certificate by the token", "none for this key");
}

int
p11_sweep(struct p11_session *s, const char *label, struct diag *d)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE t[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_LABEL, (void *)(uintptr_t)label, strlen(label) },
	};
	CK_OBJECT_HANDLE h;
	size_t n = 0;
	int r = p11_find(s, t, ARRAY_LEN(t), &h, 1, &n, d);

	if (r == 0 && n != 0)
		r = diag_fail(d, CS_E_HSM_KEY_AMBIGUOUS, "no private key",
		    "one with the label %s", label);
	class = CKO_PUBLIC_KEY;
	return r == 0 ? destroy_all(s, t, ARRAY_LEN(t), d) : r;
}

int
p11_destroy(struct p11_session *s, const uint8_t *id, size_t id_len,
    const uint8_t *spki, size_t spki_len, struct diag *d)
{
	static const CK_OBJECT_CLASS order[] = { CKO_PRIVATE_KEY,
		CKO_PUBLIC_KEY, CKO_CERTIFICATE };
	size_t i;
	int r;

	r = p11_id_ok(id_len, NULL, d);
	if (r == 0)
		r = p11_check_public(s, id, id_len, NULL, spki, spki_len, d);
	/* a ceremony that was cut short may have taken some of it */
	if (r != 0 && r != CS_E_HSM_KEY_ABSENT)
		return r;
	for (i = 0, r = 0; r == 0 && i < ARRAY_LEN(order); i++) {
		CK_OBJECT_CLASS class = order[i];
		CK_ATTRIBUTE t[3];

		r = destroy_all(s, t,
		    p11_key_template(t, &class, id, id_len, NULL), d);
	}
	return r;
}
