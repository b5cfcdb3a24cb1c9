/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "hsm/p11_private.h"

/* DER OID, RFC 5480 2.1.1.1 and RFC 8410 3 */
static const uint8_t oid_p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
	0x03, 0x01, 0x07 };
static const uint8_t oid_p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const uint8_t oid_ed25519[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };
/* PrintableString "edwards25519", PKCS#11 v3.0 2.3.5 */
static const uint8_t name_ed25519[] = { 0x13, 0x0c, 'e', 'd', 'w', 'a', 'r',
	'd', 's', '2', '5', '5', '1', '9' };

const struct p11_type_info p11_types[P11_TYPE_COUNT] = {
	[P11_RSA] = { .name = "RSA",
	    .ckk = CKK_RSA,
	    .generate = CKM_RSA_PKCS_KEY_PAIR_GEN },
	[P11_P256] = { .name = "P-256",
	    .ckk = CKK_EC,
	    .generate = CKM_EC_KEY_PAIR_GEN,
	    .params = oid_p256,
	    .params_len = sizeof(oid_p256),
	    .point_len = 65,
	    .group = "P-256" },
	[P11_P384] = { .name = "P-384",
	    .ckk = CKK_EC,
	    .generate = CKM_EC_KEY_PAIR_GEN,
	    .params = oid_p384,
	    .params_len = sizeof(oid_p384),
	    .point_len = 97,
	    .group = "P-384" },
	[P11_ED25519] = { .name = "Ed25519",
	    .ckk = CKK_EC_EDWARDS,
	    .generate = CKM_EC_EDWARDS_KEY_PAIR_GEN,
	    .params = name_ed25519,
	    .params_len = sizeof(name_ed25519),
	    .params_other = oid_ed25519,
	    .params_other_len = sizeof(oid_ed25519),
	    .point_len = 32 },
};

static void
pkey_freep(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}

static void
pkey_ctx_freep(EVP_PKEY_CTX **p)
{
	EVP_PKEY_CTX_free(*p);
}

static void
bn_freep(BIGNUM **p)
{
	BN_free(*p);
}

static void
bld_freep(OSSL_PARAM_BLD **p)
{
	OSSL_PARAM_BLD_free(*p);
}

static void
param_freep(OSSL_PARAM **p)
{
	OSSL_PARAM_free(*p);
}

int
p11_pubkey_type(const struct pubkey *k, enum p11_type *ret)
{
	static const struct {
		enum key_alg alg;
		enum p11_type type;
	} map[] = {
		{ KEY_P256, P11_P256 },
		{ KEY_P384, P11_P384 },
		{ KEY_ED25519, P11_ED25519 },
	};
	size_t i;

	if (EVP_PKEY_get_base_id(k->pkey) == EVP_PKEY_RSA) {
		*ret = P11_RSA;
		return 0;
	}
	for (i = 0; i < ARRAY_LEN(map); i++) {
		if (pubkey_fits(k, map[i].alg)) {
			*ret = map[i].type;
			return 0;
		}
	}
	return CS_E_KEY_TYPE;
}

static int
same(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	return a != NULL && a_len == b_len && memcmp(a, b, b_len) == 0;
}

int
p11_object_type(struct p11_session *s, CK_OBJECT_HANDLE h, enum p11_type *ret)
{
	_cleanup_free_ uint8_t *params = NULL;
	size_t len = 0, i;
	CK_KEY_TYPE ckk;

	if (p11_attr_ulong(s, h, CKA_KEY_TYPE, &ckk) != 0)
		return CS_E_KEY_TYPE;
	if (ckk == CKK_RSA) {
		*ret = P11_RSA;
		return 0;
	}
	if (p11_attr(s, h, CKA_EC_PARAMS, &params, &len) != 0)
		return CS_E_KEY_TYPE;
	for (i = 0; i < P11_TYPE_COUNT; i++) {
		const struct p11_type_info *t = &p11_types[i];

		if (t->ckk == ckk &&
		    (same(t->params, t->params_len, params, len) ||
			same(t->params_other, t->params_other_len, params,
			    len))) {
			*ret = (enum p11_type)i;
			return 0;
		}
	}
	return CS_E_KEY_TYPE;
}

static EVP_PKEY *
pkey_from_params(const char *type, OSSL_PARAM *params)
{
	_cleanup_(pkey_ctx_freep) EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *pkey = NULL;

	ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return pkey;
}

static EVP_PKEY *
rsa_pkey(struct p11_session *s, CK_OBJECT_HANDLE h)
{
	_cleanup_free_ uint8_t *n = NULL, *e = NULL;
	_cleanup_(bn_freep) BIGNUM *bn = NULL, *be = NULL;
	_cleanup_(bld_freep) OSSL_PARAM_BLD *bld = NULL;
	_cleanup_(param_freep) OSSL_PARAM *params = NULL;
	size_t n_len = 0, e_len = 0;

	if (p11_attr(s, h, CKA_MODULUS, &n, &n_len) != 0 ||
	    p11_attr(s, h, CKA_PUBLIC_EXPONENT, &e, &e_len) != 0)
		return NULL;
	bn = BN_bin2bn(n, (int)n_len, NULL);
	be = BN_bin2bn(e, (int)e_len, NULL);
	bld = OSSL_PARAM_BLD_new();
	if (bn == NULL || be == NULL || bld == NULL ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be) != 1)
		return NULL;
	params = OSSL_PARAM_BLD_to_param(bld);
	return params == NULL ? NULL : pkey_from_params("RSA", params);
}

size_t
p11_point_header(size_t len, uint8_t ret[3])
{
	ret[0] = 0x04;
	if (len < 0x80) {
		ret[1] = (uint8_t)len;
		return 2;
	}
	ret[1] = 0x81;
	ret[2] = (uint8_t)len;
	return 3;
}

/* In DER or bare */
static const uint8_t *
unwrap_point(const uint8_t *p, size_t len, size_t want)
{
	uint8_t header[3];
	size_t n = p11_point_header(want, header);

	if (len == want)
		return p;
	return len == n + want && memcmp(p, header, n) == 0 ? p + n : NULL;
}

static EVP_PKEY *
ec_pkey(struct p11_session *s, CK_OBJECT_HANDLE h,
    const struct p11_type_info *t)
{
	_cleanup_free_ uint8_t *point = NULL;
	OSSL_PARAM params[3];
	const uint8_t *bare;
	char group[16];
	size_t len = 0;

	if (p11_attr(s, h, CKA_EC_POINT, &point, &len) != 0)
		return NULL;
	bare = unwrap_point(point, len, t->point_len);
	if (bare == NULL)
		return NULL;
	if (t->group == NULL)
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bare,
		    t->point_len);
	(void)snprintf(group, sizeof(group), "%s", t->group);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
	    group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
	    point + (bare - point), t->point_len);
	params[2] = OSSL_PARAM_construct_end();
	return pkey_from_params("EC", params);
}

int
p11_object_pubkey(struct p11_session *s, CK_OBJECT_HANDLE h,
    struct pubkey **ret)
{
	_cleanup_(pkey_freep) EVP_PKEY *pkey = NULL;
	enum p11_type type = P11_RSA;
	unsigned char *der = NULL;
	int n, r;

	r = p11_object_type(s, h, &type);
	if (r != 0)
		return r;
	pkey =
	    type == P11_RSA ? rsa_pkey(s, h) : ec_pkey(s, h, &p11_types[type]);
	ERR_clear_error();
	if (pkey == NULL)
		return CS_E_HSM_KEY_ABSENT;
	n = i2d_PUBKEY(pkey, &der);
	if (n <= 0)
		return CS_E_KEY_TYPE;
	r = pubkey_from_spki(der, (size_t)n, ret, NULL);
	OPENSSL_free(der);
	return r;
}

int
p11_public_spki(struct p11_session *s, const uint8_t *id, size_t id_len,
    const char *label, struct pubkey **ret, struct diag *d)
{
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_OBJECT_HANDLE h = CK_INVALID_HANDLE;
	CK_ATTRIBUTE t[3];
	size_t n;
	int r;

	r = p11_id_ok(id_len, label, d);
	if (r != 0)
		return r;
	n = p11_key_template(t, &class, id, id_len, label);
	r = p11_find_one(s, t, n, "public key", &h, d);
	if (r != 0)
		return r;
	r = p11_object_pubkey(s, h, ret);
	if (r != 0)
		return diag_fail(d, r, "RSA, P-256, P-384 or Ed25519",
		    "a public key that is something else or unreadable");
	return 0;
}

int
p11_check_public(struct p11_session *s, const uint8_t *id, size_t id_len,
    const char *label, const uint8_t *spki, size_t spki_len, struct diag *d)
{
	_cleanup_pubkey_ struct pubkey *k = NULL;
	int r;

	r = p11_public_spki(s, id, id_len, label, &k, d);
	if (r != 0)
		return r;
	if (!same(spki, spki_len, k->spki, k->spki_len))
		return diag_fail(d, CS_E_HSM_KEY_MISMATCH,
		    "the public key that the policy names",
		    "another %s key under this ID",
		    EVP_PKEY_get0_type_name(k->pkey));
	return 0;
}
