/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/cms.h"

#include <openssl/asn1.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <string.h>

#define ATTRS_MAX 8

/*
 * AlgorithmIdentifier of RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a
 * salt of 32 bytes (RFC 4055 3.1 and 6); OpenSSL would take one only from a
 * key that it signs with itself.
 */
static const uint8_t pss_algorithm[] = { 0x30, 0x41, 0x06, 0x09, 0x2a, 0x86,
	0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x34, 0xa0, 0x0f, 0x30,
	0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
	0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
	0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
	0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa2, 0x03, 0x02, 0x01,
	0x20 };

static void
cms_freep(CMS_ContentInfo **c)
{
	CMS_ContentInfo_free(*c);
}

static void
x509_freep(X509 **x)
{
	X509_free(*x);
}

static void
algor_freep(X509_ALGOR **a)
{
	X509_ALGOR_free(*a);
}

static int
crypto(struct diag *d, const char *what)
{
	ERR_clear_error();
	return diag_fail(d, CS_E_CRYPTO, NULL, "%s", what);
}

static const EVP_MD *
digest_md(enum key_alg alg)
{
	return key_alg_hash(alg) == HASH_SHA384 ? EVP_sha384() : EVP_sha256();
}

struct der {
	unsigned char *p;
	int len;
};

/* X.690 11.6: the elements of a SET OF ascend as octet strings */
static int
compare_der(const void *va, const void *vb)
{
	const struct der *a = va, *b = vb;
	size_t n = (size_t)(a->len < b->len ? a->len : b->len);
	int c = memcmp(a->p, b->p, n);

	return c != 0 ? c : a->len - b->len;
}

/* The concatenation of v[0..n), under the tag of a SET OF; free(*ret) */
static int
join_set(const struct der *v, int n, uint8_t **ret, size_t *ret_len)
{
	int total = 0, size, i;
	unsigned char *p;

	for (i = 0; i < n; i++)
		total += v[i].len;
	size = ASN1_object_size(1, total, V_ASN1_SET);
	if (size <= 0 || (*ret = malloc((size_t)size)) == NULL)
		return CS_E_NOMEM;
	p = *ret;
	ASN1_put_object(&p, 1, total, V_ASN1_SET, V_ASN1_UNIVERSAL);
	for (i = 0; i < n; i++) {
		memcpy(p, v[i].p, (size_t)v[i].len);
		p += v[i].len;
	}
	*ret_len = (size_t)size;
	return 0;
}

/* RFC 5652 5.4: what is signed is the DER of the attributes as a SET OF. */
static int
signed_attributes(CMS_SignerInfo *si, uint8_t **ret, size_t *ret_len)
{
	struct der v[ATTRS_MAX] = { { NULL, 0 } };
	int n = CMS_signed_get_attr_count(si), i, r = 0;

	if (n <= 0 || n > ATTRS_MAX)
		return CS_E_CRYPTO;
	for (i = 0; i < n; i++) {
		v[i].len =
		    i2d_X509_ATTRIBUTE(CMS_signed_get_attr(si, i), &v[i].p);
		if (v[i].len <= 0)
			r = CS_E_CRYPTO;
	}
	qsort(v, (size_t)n, sizeof(v[0]), compare_der);
	if (r == 0)
		r = join_set(v, n, ret, ret_len);
	for (i = 0; i < n; i++)
		OPENSSL_free(v[i].p);
	return r;
}

static int
add_attributes(CMS_SignerInfo *si, const uint8_t *digest, size_t len,
    int64_t when)
{
	ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)when);
	int ok;

	ok = t != NULL &&
	    CMS_signed_add1_attr_by_NID(si, NID_pkcs9_contentType,
		V_ASN1_OBJECT, OBJ_nid2obj(NID_pkcs7_data), -1) == 1 &&
	    CMS_signed_add1_attr_by_NID(si, NID_pkcs9_messageDigest,
		V_ASN1_OCTET_STRING, digest, (int)len) == 1 &&
	    CMS_signed_add1_attr_by_NID(si, NID_pkcs9_signingTime, t->type, t,
		-1) == 1;
	ASN1_TIME_free(t);
	return ok ? 0 : CS_E_CRYPTO;
}

static int
set_algorithm(CMS_SignerInfo *si, enum key_alg alg)
{
	const unsigned char *p = pss_algorithm;
	_cleanup_(algor_freep) X509_ALGOR *a = NULL;
	X509_ALGOR *sig = NULL;

	if (alg != KEY_RSA3072_PSS)
		return 0; /* the certificate's key says it */
	a = d2i_X509_ALGOR(NULL, &p, sizeof(pss_algorithm));
	CMS_SignerInfo_get0_algs(si, NULL, NULL, NULL, &sig);
	return a != NULL && sig != NULL && X509_ALGOR_copy(sig, a) == 1 ?
	    0 :
	    CS_E_CRYPTO;
}

static int
sign_attributes(CMS_SignerInfo *si, const EVP_MD *md,
    const struct hsm_signer *signer, struct diag *d)
{
	_cleanup_free_ uint8_t *der = NULL;
	struct buf sig = BUF_INIT(HSM_SIG_MAX);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	size_t der_len = 0;
	int r;

	r = signed_attributes(si, &der, &der_len);
	if (r != 0 || EVP_Digest(der, der_len, digest, &n, md, NULL) != 1)
		return crypto(d, "signed attributes");
	r = signer->sign(signer->arg, digest, n, &sig, d);
	if (r == 0 &&
	    ASN1_STRING_set(CMS_SignerInfo_get0_signature(si), sig.p,
		(int)sig.len) != 1)
		r = crypto(d, "CMS signature");
	buf_done(&sig);
	return r;
}

static int
encode(CMS_ContentInfo *cms, struct buf *out, struct diag *d)
{
	unsigned char *der = NULL;
	int n, r;

	n = i2d_CMS_ContentInfo(cms, &der);
	if (n <= 0)
		return crypto(d, "CMS encoding");
	buf_reset(out);
	r = buf_put(out, der, (size_t)n);
	OPENSSL_free(der);
	return r;
}

static int
check_wish(const struct hsm_signer *signer, size_t digest_len, struct diag *d)
{
	if (signer->alg == KEY_ED25519)
		return diag_fail(d, CS_E_HSM_MECH, "RSA or ECDSA for cms", "%s",
		    key_alg_name(signer->alg));
	if (digest_len != hash_len(key_alg_hash(signer->alg)))
		return diag_fail(d, CS_E_HSM_DIGEST,
		    hash_name(key_alg_hash(signer->alg)), "%zu bytes",
		    digest_len);
	return 0;
}

/* One certificate, of a key that the algorithm can be used with */
static int
load_cert(const uint8_t *der, size_t len, enum key_alg alg, X509 **ret,
    struct diag *d)
{
	_cleanup_(x509_freep) X509 *x = NULL;
	_cleanup_pubkey_ struct pubkey *k = NULL;
	const unsigned char *p = der;
	unsigned char *spki = NULL;
	int n, r = CS_E_HSM_CERT;

	x = d2i_X509(NULL, &p, (long)len);
	ERR_clear_error();
	if (x == NULL || p != der + len)
		return diag_fail(d, CS_E_HSM_CERT, "one X.509 certificate",
		    "another thing");
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
	if (n > 0)
		r = pubkey_from_spki(spki, (size_t)n, &k, NULL);
	OPENSSL_free(spki);
	if (r != 0 || !pubkey_fits(k, alg))
		return diag_fail(d, CS_E_HSM_CERT, key_alg_name(alg),
		    "a certificate of another type of key");
	*ret = take_ptr(x);
	return 0;
}

int
cms_sign_digest(const uint8_t *cert_der, size_t cert_len,
    const struct hsm_signer *signer, const uint8_t *digest, size_t digest_len,
    int64_t signing_time, struct buf *out, struct diag *d)
{
	_cleanup_(cms_freep) CMS_ContentInfo *cms = NULL;
	_cleanup_(x509_freep) X509 *cert = NULL;
	const EVP_MD *md = digest_md(signer->alg);
	CMS_SignerInfo *si;
	int r;

	r = check_wish(signer, digest_len, d);
	if (r == 0)
		r = load_cert(cert_der, cert_len, signer->alg, &cert, d);
	if (r != 0)
		return r;
	cms = CMS_sign(NULL, NULL, NULL, NULL,
	    CMS_PARTIAL | CMS_DETACHED | CMS_BINARY);
	if (cms == NULL)
		return crypto(d, "CMS structure");
	/* the certificate's public key: the private one is on the token */
	si = CMS_add1_signer(cms, cert, X509_get0_pubkey(cert), md,
	    CMS_PARTIAL | CMS_BINARY | CMS_NOSMIMECAP | CMS_DETACHED);
	if (si == NULL || set_algorithm(si, signer->alg) != 0)
		return crypto(d, "CMS signer");
	if (add_attributes(si, digest, digest_len, signing_time) != 0)
		return crypto(d, "CMS attributes");
	r = sign_attributes(si, md, signer, d);
	return r == 0 ? encode(cms, out, d) : r;
}
