/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/key_impl.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#define SPKI_MAX      4096u
#define PEM_MAX	      8192u
#define RSA_BITS_MIN  2048
#define RSA_BITS_MAX  4096
#define RSA_E_MIN     65537u
#define RSA_SIGN_BITS 3072

static const struct {
	const char *name;
	enum key_type type;
	enum hash_alg hash;
} algs[KEY_ALG_COUNT] = {
	[KEY_RSA3072_PKCS1] = { "rsa3072-pkcs1-sha256", TYPE_RSA, HASH_SHA256 },
	[KEY_RSA3072_PSS] = { "rsa3072-pss-sha256", TYPE_RSA, HASH_SHA256 },
	[KEY_P256] = { "ecdsa-p256-sha256", TYPE_P256, HASH_SHA256 },
	[KEY_P384] = { "ecdsa-p384-sha384", TYPE_P384, HASH_SHA384 },
	[KEY_ED25519] = { "ed25519-sha512", TYPE_ED25519, HASH_SHA512 },
	[KEY_ED25519_BLAKE2B] = { "ed25519-blake2b", TYPE_ED25519,
	    HASH_BLAKE2B },
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
bio_freep(BIO **p)
{
	BIO_free_all(*p);
}

const char *
key_alg_name(enum key_alg a)
{
	return (unsigned)a < KEY_ALG_COUNT ? algs[a].name : "unknown";
}

int
key_alg_from_name(const char *s, enum key_alg *ret)
{
	unsigned i;

	for (i = 0; i < KEY_ALG_COUNT; i++) {
		if (strcmp(algs[i].name, s) == 0) {
			*ret = (enum key_alg)i;
			return 0;
		}
	}
	/* FIPS 204: its name is known, and that it cannot be had here */
	return strncmp(s, "ml-dsa-", 7) == 0 ? CS_E_KEY_ML_DSA : CS_E_KEY_ALG;
}

enum hash_alg
key_alg_hash(enum key_alg a)
{
	return (unsigned)a < KEY_ALG_COUNT ? algs[a].hash : HASH_SHA256;
}

int
key_alg_is_ed25519(enum key_alg a)
{
	return (unsigned)a < KEY_ALG_COUNT && algs[a].type == TYPE_ED25519;
}

void
pubkey_free(struct pubkey **k)
{
	if (*k == NULL)
		return;
	EVP_PKEY_free((*k)->pkey);
	free((*k)->spki);
	free(*k);
	*k = NULL;
}

/* Index into key_curves[] or -1. */
static int
curve_of(const EVP_PKEY *p)
{
	char group[32];
	size_t i;

	if (EVP_PKEY_get_base_id(p) != EVP_PKEY_EC ||
	    EVP_PKEY_get_utf8_string_param(p, OSSL_PKEY_PARAM_GROUP_NAME, group,
		sizeof(group), NULL) != 1)
		return -1;
	for (i = 0; i < KEY_CURVES; i++)
		if (strcmp(key_curves[i].group, group) == 0)
			return (int)i;
	return -1;
}

/* The key's type; CS_E_KEY_TYPE if it is none of ours. */
static int
pkey_type(const EVP_PKEY *p, enum key_type *ret)
{
	int c;

	switch (EVP_PKEY_get_base_id(p)) {
	case EVP_PKEY_RSA:
		*ret = TYPE_RSA;
		return 0;
	case EVP_PKEY_ED25519:
		*ret = TYPE_ED25519;
		return 0;
	default:
		c = curve_of(p);
		if (c < 0)
			return CS_E_KEY_TYPE;
		*ret = key_curves[c].type;
		return 0;
	}
}

static int
rsa_check(const EVP_PKEY *p, struct diag *d)
{
	_cleanup_(bn_freep) BIGNUM *e = NULL;
	int bits = EVP_PKEY_get_bits(p);

	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return diag_fail(d, CS_E_KEY_TYPE, "RSA of 2048 to 4096 bits",
		    "RSA of %d bits", bits);
	if (EVP_PKEY_get_bn_param(p, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
		return CS_E_CRYPTO;
	if (!BN_is_odd(e) || BN_num_bits(e) > 64 || BN_get_word(e) < RSA_E_MIN)
		return diag_fail(d, CS_E_KEY_TYPE,
		    "an RSA exponent of 65537 or more, odd, 64 bits at most",
		    "another exponent");
	return 0;
}

static int
spki_alloc(const uint8_t *prefix, size_t prefix_len, size_t body, uint8_t **ret,
    size_t *ret_len)
{
	uint8_t *p = malloc(prefix_len + body);

	if (p == NULL)
		return CS_E_NOMEM;
	memcpy(p, prefix, prefix_len);
	*ret = p;
	*ret_len = prefix_len + body;
	return 0;
}

/*
 * The point is written uncompressed behind a constant prefix, so that
 * compressed, hybrid and explicit-parameter encodings of one key are one.
 */
static int
ec_normalise(const EVP_PKEY *p, uint8_t **ret, size_t *ret_len)
{
	_cleanup_(bn_freep) BIGNUM *x = NULL;
	_cleanup_(bn_freep) BIGNUM *y = NULL;
	_cleanup_free_ uint8_t *out = NULL;
	int c = curve_of(p), n, r;
	size_t len;

	if (c < 0 ||
	    EVP_PKEY_get_bn_param(p, OSSL_PKEY_PARAM_EC_PUB_X, &x) != 1 ||
	    EVP_PKEY_get_bn_param(p, OSSL_PKEY_PARAM_EC_PUB_Y, &y) != 1)
		return CS_E_KEY_TYPE;
	n = (int)key_curves[c].coordinate;
	r = spki_alloc(key_curves[c].prefix, key_curves[c].prefix_len,
	    2 * key_curves[c].coordinate, &out, &len);
	if (r != 0)
		return r;
	if (BN_bn2binpad(x, out + key_curves[c].prefix_len, n) != n ||
	    BN_bn2binpad(y, out + key_curves[c].prefix_len + n, n) != n)
		return CS_E_KEY_TYPE;
	*ret = take_ptr(out);
	*ret_len = len;
	return 0;
}

static int
ed25519_normalise(const EVP_PKEY *p, uint8_t **ret, size_t *ret_len)
{
	_cleanup_free_ uint8_t *out = NULL;
	size_t len, raw = 32;
	int r;

	r = spki_alloc(key_ed25519_prefix, KEY_ED25519_PREFIX, raw, &out, &len);
	if (r != 0)
		return r;
	if (EVP_PKEY_get_raw_public_key(p, out + KEY_ED25519_PREFIX, &raw) !=
		1 ||
	    raw != 32)
		return CS_E_KEY_TYPE;
	*ret = take_ptr(out);
	*ret_len = len;
	return 0;
}

static int
rsa_normalise(const EVP_PKEY *p, uint8_t **ret, size_t *ret_len)
{
	unsigned char *der = NULL;
	uint8_t *copy;
	int n = i2d_PUBKEY(p, &der);

	if (n <= 0)
		return CS_E_KEY_TYPE;
	copy = malloc((size_t)n);
	if (copy != NULL)
		memcpy(copy, der, (size_t)n);
	OPENSSL_free(der);
	if (copy == NULL)
		return CS_E_NOMEM;
	*ret = copy;
	*ret_len = (size_t)n;
	return 0;
}

static int
normalise(const EVP_PKEY *p, enum key_type t, uint8_t **ret, size_t *ret_len)
{
	switch (t) {
	case TYPE_RSA:
		return rsa_normalise(p, ret, ret_len);
	case TYPE_ED25519:
		return ed25519_normalise(p, ret, ret_len);
	default:
		return ec_normalise(p, ret, ret_len);
	}
}

static EVP_PKEY *
spki_decode(const uint8_t *der, size_t len, size_t *ret_left)
{
	const unsigned char *p = der;
	EVP_PKEY *k = d2i_PUBKEY(NULL, &p, (long)len);

	ERR_clear_error();
	if (k != NULL)
		*ret_left = len - (size_t)(p - der);
	return k;
}

/* The point is on the curve and of full order (SP 800-56A 5.6.2.3.3). */
static int
public_check(EVP_PKEY *p)
{
	_cleanup_(pkey_ctx_freep) EVP_PKEY_CTX *ctx = NULL;
	int ok;

	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, p, NULL);
	if (ctx == NULL)
		return CS_E_CRYPTO;
	ok = EVP_PKEY_public_check(ctx);
	ERR_clear_error();
	return ok == 1 ? 0 : CS_E_KEY_TYPE;
}

static int
check_type(EVP_PKEY *p, enum key_type *ret, struct diag *d)
{
	int r = pkey_type(p, ret);

	if (r == 0 && *ret == TYPE_RSA)
		return rsa_check(p, d);
	if (r == 0 && *ret != TYPE_ED25519)
		r = public_check(p);
	if (r != 0)
		return diag_fail(d, r, "RSA, P-256, P-384 or Ed25519",
		    "another type of key, or an invalid one");
	return 0;
}

static int
from_any(const uint8_t *der, size_t len, struct pubkey **ret, struct diag *d)
{
	_cleanup_(pkey_freep) EVP_PKEY *first = NULL;
	_cleanup_pubkey_ struct pubkey *k = NULL;
	enum key_type t = TYPE_RSA;
	size_t left = 0;
	int r;

	first = spki_decode(der, len, &left);
	if (first == NULL)
		return diag_fail(d, CS_E_KEY_TYPE, "SubjectPublicKeyInfo, DER",
		    "something else or an unknown type of key");
	if (left != 0)
		return diag_fail(d, CS_E_KEY_TYPE, "nothing after the key",
		    "%zu bytes after it", left);
	r = check_type(first, &t, d);
	if (r != 0)
		return r;
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return diag_nomem(d);
	r = normalise(first, t, &k->spki, &k->spki_len);
	if (r == 0)
		r = sha256(k->spki, k->spki_len, k->id);
	if (r != 0)
		return diag_fail(d, r, NULL, "the key cannot be encoded");
	if (k->spki_len == len && memcmp(k->spki, der, len) == 0)
		k->pkey = take_ptr(first);
	else
		k->pkey = spki_decode(k->spki, k->spki_len, &left);
	if (k->pkey == NULL || left != 0)
		return diag_fail(d, CS_E_KEY_TYPE, NULL,
		    "the key cannot be encoded");
	*ret = take_ptr(k);
	return 0;
}

/* The encoding is the normal one: nothing is to be decoded but the point. */
static int
from_normal(const uint8_t *der, size_t len, EVP_PKEY *pkey, struct pubkey **ret,
    struct diag *d)
{
	_cleanup_pubkey_ struct pubkey *k = calloc(1, sizeof(*k));
	int r;

	if (k == NULL) {
		EVP_PKEY_free(pkey);
		return diag_nomem(d);
	}
	k->pkey = pkey;
	r = spki_alloc(der, len, 0, &k->spki, &k->spki_len);
	if (r == 0)
		r = sha256(der, len, k->id);
	if (r != 0)
		return diag_fail(d, r, NULL, "the key cannot be encoded");
	*ret = take_ptr(k);
	return 0;
}

int
pubkey_from_spki(const uint8_t *der, size_t len, struct pubkey **ret,
    struct diag *d)
{
	EVP_PKEY *pkey = NULL;

	if (len == 0 || len > SPKI_MAX)
		return diag_fail(d, CS_E_KEY_TYPE, "SubjectPublicKeyInfo",
		    "%zu bytes", len);
	if (!key_is_normal(der, len))
		return from_any(der, len, ret, d);
	if (key_from_normal(der, len, &pkey) != 0)
		return diag_fail(d, CS_E_KEY_TYPE,
		    "RSA, P-256, P-384 or Ed25519", "an invalid key");
	return from_normal(der, len, pkey, ret, d);
}

int
pubkey_from_pem(const char *pem, size_t len, struct pubkey **ret,
    struct diag *d)
{
	static const char begin[] = "-----BEGIN PUBLIC KEY-----\n";
	static const char end[] = "-----END PUBLIC KEY-----\n";
	_cleanup_(bio_freep) BIO *bio = NULL;
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	long der_len = 0;
	int ok, r;

	if (len > PEM_MAX || len < sizeof(begin) - 1 + sizeof(end) - 1 ||
	    memcmp(pem, begin, sizeof(begin) - 1) != 0 ||
	    memcmp(pem + len - (sizeof(end) - 1), end, sizeof(end) - 1) != 0)
		return diag_fail(d, CS_E_KEY_TYPE,
		    "one PEM block \"PUBLIC KEY\" and nothing else",
		    "something else");
	/* a second block would begin inside: its dashes end the first */
	if (memmem(pem + 1, len - 1, "-----BEGIN", 10) != NULL)
		return diag_fail(d, CS_E_KEY_TYPE, "one PEM block",
		    "more than one");
	bio = BIO_new_mem_buf(pem, (int)len);
	if (bio == NULL)
		return diag_nomem(d);
	ok = PEM_read_bio(bio, &name, &header, &der, &der_len);
	ERR_clear_error();
	if (ok == 1 && header[0] == '\0' && der_len > 0)
		r = pubkey_from_spki(der, (size_t)der_len, ret, d);
	else
		r = diag_fail(d, CS_E_KEY_TYPE, "PEM", "malformed PEM");
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	return r;
}

int
pubkey_equal(const struct pubkey *a, const struct pubkey *b)
{
	return a->spki_len == b->spki_len &&
	    memcmp(a->spki, b->spki, a->spki_len) == 0;
}

int
pubkey_fits(const struct pubkey *k, enum key_alg a)
{
	enum key_type t;

	if ((unsigned)a >= KEY_ALG_COUNT || pkey_type(k->pkey, &t) != 0 ||
	    t != algs[a].type)
		return 0;
	return t != TYPE_RSA || EVP_PKEY_get_bits(k->pkey) == RSA_SIGN_BITS;
}

int
pubkey_to_pem(const struct pubkey *k, char **ret)
{
	_cleanup_(bio_freep) BIO *bio = NULL;
	char *data = NULL, *copy;
	long n;

	bio = BIO_new(BIO_s_mem());
	if (bio == NULL)
		return CS_E_NOMEM;
	if (PEM_write_bio(bio, PEM_STRING_PUBLIC, "", k->spki,
		(long)k->spki_len) <= 0)
		return CS_E_CRYPTO;
	n = BIO_get_mem_data(bio, &data);
	if (n <= 0)
		return CS_E_CRYPTO;
	copy = strndup(data, (size_t)n);
	if (copy == NULL)
		return CS_E_NOMEM;
	*ret = copy;
	return 0;
}
