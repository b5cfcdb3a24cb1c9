/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tpm/attest_verify_private.h"

/* TCG EK Credential Profile, 3.1.2: tcg-kp-EKCertificate */
#define EK_USE	"2.23.133.8.1"
#define RSA_LEN 256u
#define RSA_E	65537u

/* The same, B.6.2, PolicyA: PolicySecret(TPM_RH_ENDORSEMENT), SHA-256 */
static const uint8_t policy_a[CS_SHA256_LEN] = { 0x83, 0x71, 0x97, 0x67, 0x44,
	0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd,
	0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33,
	0x14, 0x69, 0xaa };

static void
bld_freep(OSSL_PARAM_BLD **b)
{
	OSSL_PARAM_BLD_free(*b);
}
static void
param_freep(OSSL_PARAM **p)
{
	OSSL_PARAM_free(*p);
}
static void
bn_freep(BIGNUM **b)
{
	BN_free(*b);
}
static void
pkey_ctx_freep(EVP_PKEY_CTX **c)
{
	EVP_PKEY_CTX_free(*c);
}
static void
pkey_freep(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}
static void
x509_freep(X509 **x)
{
	X509_free(*x);
}
static void
store_freep(X509_STORE **s)
{
	X509_STORE_free(*s);
}
static void
store_ctx_freep(X509_STORE_CTX **c)
{
	X509_STORE_CTX_free(*c);
}
static void
bio_freep(BIO **b)
{
	(void)BIO_free(*b);
}
static void
openssl_freep(uint8_t **p)
{
	OPENSSL_free(*p);
}

/* B.3.3 and B.3.4: templates L-1 and L-2, unique all zeros */
void
attest_ek_template(enum attest_ek_kind kind, TPM2B_PUBLIC *ret)
{
	static const TPMT_SYM_DEF_OBJECT aes = {
		.algorithm = TPM2_ALG_AES,
		.keyBits.aes = 128,
		.mode.aes = TPM2_ALG_CFB,
	};
	TPMT_PUBLIC *p = &ret->publicArea;

	memset(ret, 0, sizeof(*ret));
	p->nameAlg = TPM2_ALG_SHA256;
	p->objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
	    TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_ADMINWITHPOLICY |
	    TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
	p->authPolicy.size = CS_SHA256_LEN;
	memcpy(p->authPolicy.buffer, policy_a, sizeof(policy_a));
	if (kind == ATTEST_EK_RSA) {
		p->type = TPM2_ALG_RSA;
		p->parameters.rsaDetail.symmetric = aes;
		p->parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
		p->parameters.rsaDetail.keyBits = RSA_LEN * 8;
		p->unique.rsa.size = RSA_LEN;
		return;
	}
	p->type = TPM2_ALG_ECC;
	p->parameters.eccDetail.symmetric = aes;
	p->parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
	p->parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
	p->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	p->unique.ecc.x.size = CS_SHA256_LEN;
	p->unique.ecc.y.size = CS_SHA256_LEN;
}

/* The template with this unique, and nothing else, is what was given. */
static bool
is_template(const TPM2B_PUBLIC *pub, const uint8_t *p, size_t len)
{
	struct buf want __attribute__((cleanup(buf_done))) =
	    BUF_INIT(ATTEST_MAX);
	TPM2B_PUBLIC t;

	attest_ek_template(pub->publicArea.type == TPM2_ALG_RSA ?
		ATTEST_EK_RSA :
		ATTEST_EK_ECC,
	    &t);
	t.publicArea.unique = pub->publicArea.unique;
	return attest_marshal_public(&t, &want) == 0 && want.len == len &&
	    memcmp(want.p, p, len) == 0;
}

static int
rsa_key(const TPM2B_PUBLIC_KEY_RSA *n, struct pubkey **ret, struct diag *d)
{
	_cleanup_(bld_freep) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	_cleanup_(bn_freep) BIGNUM *bn = BN_bin2bn(n->buffer, n->size, NULL);
	_cleanup_(pkey_ctx_freep) EVP_PKEY_CTX *ctx =
	    EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	_cleanup_(param_freep) OSSL_PARAM *params = NULL;
	_cleanup_(pkey_freep) EVP_PKEY *key = NULL;
	_cleanup_(openssl_freep) uint8_t *der = NULL;
	int len;

	if (bld == NULL || bn == NULL || ctx == NULL ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) != 1 ||
	    OSSL_PARAM_BLD_push_uint(bld, OSSL_PKEY_PARAM_RSA_E, RSA_E) != 1 ||
	    (params = OSSL_PARAM_BLD_to_param(bld)) == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1 ||
	    (len = i2d_PUBKEY(key, &der)) <= 0)
		return diag_fail(d, CS_E_CRYPTO, NULL, "an RSA key");
	return pubkey_from_spki(der, (size_t)len, ret, d);
}

int
attest_ek_parse(const uint8_t *pub, size_t len, struct pubkey **ret,
    struct diag *d)
{
	struct diag why = { 0 };
	TPM2B_PUBLIC p;
	int r;

	if (attest_unmarshal_public(pub, len, &p) != 0)
		return diag_fail(d, CS_E_ATTEST_EK_FORM, "a TPM2B_PUBLIC",
		    "%zu other bytes", len);
	if (!is_template(&p, pub, len) ||
	    (p.publicArea.type == TPM2_ALG_RSA &&
		p.publicArea.unique.rsa.size != RSA_LEN))
		return diag_fail(d, CS_E_ATTEST_EK_FORM,
		    "template L-1 (RSA 2048) or L-2 (ECC P-256)",
		    "another public area");
	r = p.publicArea.type == TPM2_ALG_RSA ?
	    rsa_key(&p.publicArea.unique.rsa, ret, &why) :
	    attest_ecc_key(&p.publicArea.unique.ecc, ret, &why);
	if (r != 0)
		return diag_fail(d, CS_E_ATTEST_EK_FORM, "a key", "%s",
		    why.found);
	return 0;
}

static int
load_store(const char *pem, size_t len, X509_STORE *store, size_t *ret_n)
{
	_cleanup_(bio_freep) BIO *bio = NULL;
	X509 *x;
	size_t n = 0;
	int ok = 1;

	if (len > INT32_MAX || (bio = BIO_new_mem_buf(pem, (int)len)) == NULL)
		return -1;
	while (
	    ok == 1 && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		ok = X509_STORE_add_cert(store, x);
		X509_free(x);
		n++;
	}
	*ret_n = n;
	return ok == 1 ? 0 : -1;
}

static int
check_chain(X509 *cert, const char *ca_pem, size_t ca_len, struct diag *d)
{
	_cleanup_(store_freep) X509_STORE *store = X509_STORE_new();
	_cleanup_(store_ctx_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	size_t n = 0;

	if (store == NULL || ctx == NULL)
		return diag_nomem(d);
	if (load_store(ca_pem, ca_len, store, &n) != 0 || n == 0)
		return diag_fail(d, CS_E_ATTEST_EK_CERT,
		    "CA certificates in PEM", "%zu certificates", n);
	if (X509_STORE_CTX_init(ctx, store, cert, NULL) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "X509_STORE_CTX_init");
	if (X509_verify_cert(ctx) != 1)
		return diag_fail(d, CS_E_ATTEST_EK_CERT,
		    "a chain to a self-signed certificate of that file", "%s",
		    X509_verify_cert_error_string(
			X509_STORE_CTX_get_error(ctx)));
	return 0;
}

static bool
has_ek_use(const X509 *cert)
{
	EXTENDED_KEY_USAGE *eku =
	    X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	char oid[32];
	bool found = false;
	int i;

	for (i = 0; eku != NULL && i < sk_ASN1_OBJECT_num(eku); i++)
		if (OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(eku, i),
			1) > 0 &&
		    strcmp(oid, EK_USE) == 0)
			found = true;
	EXTENDED_KEY_USAGE_free(eku);
	return found;
}

static int
cert_key(const X509 *cert, struct pubkey **ret)
{
	_cleanup_(openssl_freep) uint8_t *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	return len <= 0 ? CS_E_CRYPTO :
			  pubkey_from_spki(der, (size_t)len, ret, NULL);
}

/* NV indices are larger than the certificate: what follows it is padding */
static X509 *
parse_cert(const uint8_t *p, size_t len)
{
	const uint8_t *at = p;
	X509 *x = len > LONG_MAX ? NULL : d2i_X509(NULL, &at, (long)len);

	for (; x != NULL && at < p + len; at++)
		if (*at != 0x00 && *at != 0xff) {
			X509_free(x);
			return NULL;
		}
	return x;
}

int
attest_ek_check_cert(const struct pubkey *ek, const uint8_t *cert,
    size_t cert_len, const char *ca_pem, size_t ca_len, struct diag *d)
{
	_cleanup_(x509_freep) X509 *x = parse_cert(cert, cert_len);
	_cleanup_pubkey_ struct pubkey *key = NULL;

	if (x == NULL)
		return diag_fail(d, CS_E_ATTEST_EK_CERT, "a DER certificate",
		    "%zu other bytes", cert_len);
	if (cert_key(x, &key) != 0 || !pubkey_equal(key, ek))
		return diag_fail(d, CS_E_ATTEST_EK_KEY,
		    "the key of the endorsement key's public area",
		    "another key");
	if (!has_ek_use(x))
		return diag_fail(d, CS_E_ATTEST_EK_USE,
		    "extended key usage " EK_USE, "none such");
	return check_chain(x, ca_pem, ca_len, d);
}
