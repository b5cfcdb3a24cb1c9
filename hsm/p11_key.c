/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "hsm/p11_private.h"

/*
 * A private key shows little of itself.  It is the right one if its type is
 * right and the public key beside it, of the same CKA_ID, is the expected
 * one; an RSA private key shows its modulus, which is compared as well.
 */

/* What a key of this type makes in C_Sign */
static size_t
raw_sig_len(enum p11_type type, const struct pubkey *k)
{
	switch (type) {
	case P11_RSA:
		return (size_t)EVP_PKEY_get_size(k->pkey);
	case P11_P384:
		return 96;
	default:
		return 64;
	}
}

static int
check_use(struct p11_session *s, struct p11_key *k, struct diag *d)
{
	bool b = false;

	if (p11_attr_bool(s, k->h, CKA_SIGN, &b) == 0 && !b)
		return diag_fail(d, CS_E_HSM_MECH, "a key that may sign",
		    "CKA_SIGN is false");
	b = false;
	k->always_auth =
	    p11_attr_bool(s, k->h, CKA_ALWAYS_AUTHENTICATE, &b) == 0 && b;
	if (k->always_auth && s->pin == NULL)
		return diag_fail(d, CS_E_HSM_KEY_ALWAYS_AUTH,
		    "one login for all signatures",
		    "CKA_ALWAYS_AUTHENTICATE is true");
	return 0;
}

static int
mismatch(const char *what, struct diag *d)
{
	return diag_fail(d, CS_E_HSM_KEY_MISMATCH,
	    "the key that the policy names", "%s", what);
}

/* The public key object of the same ID: *ret_seen, and it is want. */
static int
check_beside(struct p11_session *s, const uint8_t *id, size_t id_len,
    const struct pubkey *want, bool *ret_seen, struct diag *d)
{
	_cleanup_pubkey_ struct pubkey *is = NULL;
	int r = p11_public_spki(s, id, id_len, NULL, &is, d);

	*ret_seen = r == 0;
	if (r == CS_E_HSM_KEY_ABSENT)
		return 0;
	if (r != 0)
		return r;
	return pubkey_equal(is, want) ?
	    0 :
	    mismatch("another public key under this ID", d);
}

static int
check_public(struct p11_session *s, CK_OBJECT_HANDLE h, const uint8_t *id,
    size_t id_len, enum p11_type type, const struct pubkey *want,
    struct diag *d)
{
	_cleanup_pubkey_ struct pubkey *inside = NULL;
	enum p11_type is = P11_TYPE_COUNT;
	bool beside = false;
	int r;

	if (p11_object_type(s, h, &is) != 0 || is != type)
		return mismatch("a private key of another type", d);
	r = p11_object_pubkey(s, h, &inside);
	if (r == 0 && !pubkey_equal(inside, want))
		return mismatch("another private key", d);
	r = check_beside(s, id, id_len, want, &beside, d);
	if (r != 0)
		return r;
	if (inside == NULL && !beside)
		return mismatch("no public key beside the private one", d);
	return 0;
}

int
p11_find_key(struct p11_session *s, const uint8_t *id, size_t id_len,
    const char *label, const uint8_t *spki, size_t spki_len,
    struct p11_key **ret, struct diag *d)
{
	_cleanup_p11_key_ struct p11_key *k = calloc(1, sizeof(*k));
	_cleanup_pubkey_ struct pubkey *want = NULL;
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE t[3];
	size_t n, i;
	int r;

	if (k == NULL)
		return diag_nomem(d);
	r = p11_id_ok(id_len, label, d);
	if (r == 0)
		r = pubkey_from_spki(spki, spki_len, &want, d);
	if (r == 0)
		r = p11_pubkey_type(want, &k->type);
	if (r != 0)
		return r;
	n = p11_key_template(t, &class, id, id_len, label);
	r = p11_find_one(s, t, n, "private key", &k->h, d);
	if (r == 0)
		r = check_public(s, k->h, id, id_len, k->type, want, d);
	if (r == 0)
		r = check_use(s, k, d);
	if (r != 0)
		return r;
	k->sig_len = raw_sig_len(k->type, want);
	for (i = 0; i < KEY_ALG_COUNT; i++)
		k->fits[i] = pubkey_fits(want, (enum key_alg)i);
	*ret = take_ptr(k);
	return 0;
}

void
p11_key_free(struct p11_key **k)
{
	free(*k);
	*k = NULL;
}
