/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "hsm/p11_private.h"

/* Key pairs: at provisioning, and by a ceremony. */
#define ATTRS_MAX 16u

static const struct {
	enum p11_type type;
	CK_MECHANISM_TYPE use;
} algs[KEY_ALG_COUNT] = {
	[KEY_RSA3072_PKCS1] = { P11_RSA, CKM_RSA_PKCS },
	[KEY_RSA3072_PSS] = { P11_RSA, CKM_RSA_PKCS_PSS },
	[KEY_P256] = { P11_P256, CKM_ECDSA },
	[KEY_P384] = { P11_P384, CKM_ECDSA },
	[KEY_ED25519] = { P11_ED25519, CKM_EDDSA },
	[KEY_ED25519_BLAKE2B] = { P11_ED25519, CKM_EDDSA },
};

static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static const CK_ULONG rsa_bits = 3072;
static const CK_BYTE rsa_exponent[] = { 0x01, 0x00, 0x01 };

struct attrs {
	CK_ATTRIBUTE v[ATTRS_MAX];
	CK_ULONG n;
};

CK_MECHANISM_TYPE
p11_mechanism_of(enum key_alg alg)
{
	return algs[alg].use;
}

/* PKCS#11 has no const; a template is only read */
static void
add(struct attrs *a, CK_ATTRIBUTE_TYPE type, const void *p, size_t len)
{
	if (a->n < ATTRS_MAX)
		a->v[a->n++] =
		    (CK_ATTRIBUTE){ type, (void *)(uintptr_t)p, len };
}

static void
add_bool(struct attrs *a, CK_ATTRIBUTE_TYPE type, bool b)
{
	add(a, type, b ? &yes : &no, sizeof(yes));
}

static void
public_attrs(struct attrs *a, enum p11_type type, const uint8_t *id,
    size_t id_len, const char *label)
{
	add_bool(a, CKA_TOKEN, true);
	add_bool(a, CKA_PRIVATE, false);
	add_bool(a, CKA_VERIFY, true);
	add(a, CKA_ID, id, id_len);
	add(a, CKA_LABEL, label, strlen(label));
	if (type == P11_RSA) {
		add(a, CKA_MODULUS_BITS, &rsa_bits, sizeof(rsa_bits));
		add(a, CKA_PUBLIC_EXPONENT, rsa_exponent, sizeof(rsa_exponent));
	} else {
		add(a, CKA_EC_PARAMS, p11_types[type].params,
		    p11_types[type].params_len);
	}
}

static void
private_attrs(struct attrs *a, enum p11_type type, const uint8_t *id,
    size_t id_len, const char *label)
{
	add_bool(a, CKA_TOKEN, true);
	add_bool(a, CKA_PRIVATE, true);
	add_bool(a, CKA_SENSITIVE, true);
	add_bool(a, CKA_EXTRACTABLE, false);
	add_bool(a, CKA_SIGN, true);
	if (type == P11_RSA) {
		add_bool(a, CKA_DECRYPT, false);
		add_bool(a, CKA_UNWRAP, false);
	} else {
		add_bool(a, CKA_DERIVE, false);
	}
	add(a, CKA_ID, id, id_len);
	add(a, CKA_LABEL, label, strlen(label));
}

/* H7: neither the ID nor the label is on the token, in whatever class. */
static int
check_unused(struct p11_session *s, const uint8_t *id, size_t id_len,
    const char *label, struct diag *d)
{
	CK_ATTRIBUTE t[] = {
		{ CKA_ID, (void *)(uintptr_t)id, id_len },
		{ CKA_LABEL, (void *)(uintptr_t)label, strlen(label) },
	};
	CK_OBJECT_HANDLE h;
	size_t n = 0, i;
	int r;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		r = p11_find(s, &t[i], 1, &h, 1, &n, d);
		if (r != 0)
			return r;
		if (n != 0)
			return diag_fail(d, CS_E_HSM_KEY_AMBIGUOUS,
			    "an ID and a label that are not in use",
			    i == 0 ? "the ID is in use" :
				     "the label is in use");
	}
	return 0;
}

/* What the token says it made, not what it was asked for. */
int
p11_check_made(struct p11_session *s, CK_OBJECT_HANDLE h, struct diag *d)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		const char *name;
		bool want;
	} must[] = {
		{ CKA_PRIVATE, "CKA_PRIVATE", true },
		{ CKA_SENSITIVE, "CKA_SENSITIVE", true },
		{ CKA_ALWAYS_SENSITIVE, "CKA_ALWAYS_SENSITIVE", true },
		{ CKA_EXTRACTABLE, "CKA_EXTRACTABLE", false },
		{ CKA_NEVER_EXTRACTABLE, "CKA_NEVER_EXTRACTABLE", true },
		{ CKA_LOCAL, "CKA_LOCAL", true },
	};
	size_t i;
	bool b;

	for (i = 0; i < ARRAY_LEN(must); i++) {
		b = !must[i].want;
		if (p11_attr_bool(s, h, must[i].type, &b) != 0 ||
		    b != must[i].want)
			return diag_fail(d, CS_E_HSM_KEY_UNSAFE,
			    must[i].want ? "true" : "false", "%s",
			    must[i].name);
	}
	return 0;
}

/* The codes by which a token says that it does not know an attribute */
static bool
is_template_error(CK_RV rv)
{
	return rv == CKR_ATTRIBUTE_TYPE_INVALID ||
	    rv == CKR_ATTRIBUTE_VALUE_INVALID ||
	    rv == CKR_TEMPLATE_INCONSISTENT;
}

int
p11_generate(struct p11_session *s, enum key_alg alg, const uint8_t *id,
    size_t id_len, const char *label, struct pubkey **ret, bool *ret_restricted,
    struct diag *d)
{
	struct attrs pub = { .n = 0 }, priv = { .n = 0 };
	CK_OBJECT_HANDLE hpub = 0, hpriv = 0;
	bool restricted = true;
	CK_MECHANISM m = { 0 };
	CK_RV rv;
	int r;

	if ((unsigned)alg >= KEY_ALG_COUNT || label == NULL)
		return diag_fail(d, CS_E_INTERNAL, "an algorithm and a label",
		    "another");
	r = p11_id_ok(id_len, label, d);
	if (r == 0)
		r = check_unused(s, id, id_len, label, d);
	if (r != 0)
		return r;
	m.mechanism = p11_types[algs[alg].type].generate;
	public_attrs(&pub, algs[alg].type, id, id_len, label);
	private_attrs(&priv, algs[alg].type, id, id_len, label);
	add(&priv, CKA_ALLOWED_MECHANISMS, &algs[alg].use,
	    sizeof(algs[alg].use));
	rv = s->f->C_GenerateKeyPair(s->h, &m, pub.v, pub.n, priv.v, priv.n,
	    &hpub, &hpriv);
	if (is_template_error(rv)) {
		restricted = false;
		rv = s->f->C_GenerateKeyPair(s->h, &m, pub.v, pub.n, priv.v,
		    priv.n - 1, &hpub, &hpriv);
	}
	if (rv != CKR_OK)
		return p11_fail(rv, "C_GenerateKeyPair", d);
	r = p11_check_made(s, hpriv, d);
	if (r == 0 && p11_object_pubkey(s, hpub, ret) != 0)
		r = diag_fail(d, CS_E_HSM, "a readable public key", "none");
	if (r != 0) {
		(void)s->f->C_DestroyObject(s->h, hpriv);
		(void)s->f->C_DestroyObject(s->h, hpub);
		return r;
	}
	*ret_restricted = restricted;
	return 0;
}
