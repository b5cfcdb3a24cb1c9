/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/key.h"

/*
 * The formats of exported signatures.  "raw" is what the algorithm itself
 * defines.  "cms" is a detached SignedData (RFC 5652 5) with one signer, its
 * certificate, and exactly three signed attributes; the signature is checked
 * twice, by OpenSSL and over attributes that are encoded again here with the
 * algorithm that the policy names.
 */
#define CMS_MAX	  (64u << 10)
#define ATTRS_MAX (16u << 10)

typedef int (*sigfmt_fn)(const struct pubkey *, enum key_alg, const uint8_t *,
    size_t, const uint8_t *, size_t, const uint8_t *, size_t, struct diag *);

static const int signed_attrs[] = { NID_pkcs9_contentType,
	NID_pkcs9_messageDigest, NID_pkcs9_signingTime };

static void
cms_freep(CMS_ContentInfo **p)
{
	CMS_ContentInfo_free(*p);
}

static void
x509_freep(X509 **p)
{
	X509_free(*p);
}

static void
certs_freep(STACK_OF(X509) * *p)
{
	sk_X509_pop_free(*p, X509_free);
}

static void
openssl_freep(unsigned char **p)
{
	OPENSSL_free(*p);
}

static int
bad(struct diag *d, const char *expected, const char *found)
{
	ERR_clear_error();
	return diag_fail(d, CS_E_FORMAT, expected, "%s", found);
}

/* DER only: what is encoded again is what was given. */
static int
cms_decode(const uint8_t *sig, size_t len, CMS_ContentInfo **ret,
    struct diag *d)
{
	_cleanup_(cms_freep) CMS_ContentInfo *c = NULL;
	_cleanup_(openssl_freep) unsigned char *der = NULL;
	const unsigned char *p = sig;
	int n;

	if (len == 0 || len > CMS_MAX)
		return bad(d, "CMS of at most 64 KiB", "another size");
	c = d2i_CMS_ContentInfo(NULL, &p, (long)len);
	if (c == NULL || (size_t)(p - sig) != len)
		return bad(d, "one CMS ContentInfo", "something else");
	n = i2d_CMS_ContentInfo(c, &der);
	if (n <= 0 || (size_t)n != len || memcmp(der, sig, len) != 0)
		return bad(d, "DER", "another encoding");
	if (OBJ_obj2nid(CMS_get0_type(c)) != NID_pkcs7_signed ||
	    CMS_is_detached(c) != 1 ||
	    OBJ_obj2nid(CMS_get0_eContentType(c)) != NID_pkcs7_data)
		return bad(d, "detached SignedData over data",
		    "another content");
	*ret = take_ptr(c);
	return 0;
}

/* The certificate the policy names, alone in the CMS, of this very key. */
static int
cms_cert(CMS_ContentInfo *c, const struct pubkey *k, const uint8_t *der,
    size_t len, X509 **ret, struct diag *d)
{
	_cleanup_(certs_freep) STACK_OF(X509) *certs = CMS_get1_certs(c);
	STACK_OF(X509_CRL) *crls = CMS_get1_crls(c);
	_cleanup_(x509_freep) X509 *x = NULL;
	const unsigned char *p = der;

	if (crls != NULL) {
		sk_X509_CRL_pop_free(crls, X509_CRL_free);
		return bad(d, "no revocation list inside", "one");
	}
	if (der == NULL)
		return bad(d, "the key's certificate in the policy", "none");
	x = d2i_X509(NULL, &p, (long)len);
	if (x == NULL || (size_t)(p - der) != len ||
	    EVP_PKEY_eq(X509_get0_pubkey(x), k->pkey) != 1)
		return bad(d, "a certificate of the policy's key",
		    "another certificate in the policy");
	if (certs == NULL || sk_X509_num(certs) != 1 ||
	    X509_cmp(sk_X509_value(certs, 0), x) != 0)
		return bad(d, "the policy's certificate inside, alone",
		    "another set of certificates");
	*ret = take_ptr(x);
	return 0;
}

static int
cms_signer(CMS_ContentInfo *c, X509 *x, enum key_alg a, CMS_SignerInfo **ret,
    struct diag *d)
{
	STACK_OF(CMS_SignerInfo) *all = CMS_get0_SignerInfos(c);
	CMS_SignerInfo *si;
	X509_ALGOR *md = NULL;
	size_t i;

	if (all == NULL || sk_CMS_SignerInfo_num(all) != 1)
		return bad(d, "one signer", "another number of signers");
	si = sk_CMS_SignerInfo_value(all, 0);
	if (CMS_SignerInfo_cert_cmp(si, x) != 0)
		return bad(d, "the policy's certificate as signer",
		    "another signer");
	CMS_SignerInfo_get0_algs(si, NULL, NULL, &md, NULL);
	if (md == NULL ||
	    OBJ_obj2nid(md->algorithm) !=
		OBJ_txt2nid(hash_name(key_alg_hash(a))))
		return bad(d, hash_name(key_alg_hash(a)), "another digest");
	if (CMS_unsigned_get_attr_count(si) > 0 ||
	    CMS_signed_get_attr_count(si) != (int)ARRAY_LEN(signed_attrs))
		return bad(d, "three signed attributes and no unsigned one",
		    "other attributes");
	for (i = 0; i < ARRAY_LEN(signed_attrs); i++)
		if (CMS_signed_get_attr_by_NID(si, signed_attrs[i], -1) < 0)
			return bad(d, "contentType, messageDigest, signingTime",
			    "another signed attribute");
	CMS_SignerInfo_set1_signer_cert(si, x);
	*ret = si;
	return 0;
}

static int
cms_bind(CMS_SignerInfo *si, const uint8_t *digest, size_t len, struct diag *d)
{
	const ASN1_OBJECT *type;
	const ASN1_OCTET_STRING *md;

	type = CMS_signed_get0_data_by_OBJ(si,
	    OBJ_nid2obj(NID_pkcs9_contentType), -3, V_ASN1_OBJECT);
	if (type == NULL || OBJ_obj2nid(type) != NID_pkcs7_data)
		return bad(d, "the content type data", "another");
	md = CMS_signed_get0_data_by_OBJ(si,
	    OBJ_nid2obj(NID_pkcs9_messageDigest), -3, V_ASN1_OCTET_STRING);
	if (md == NULL)
		return bad(d, "one message digest", "none or several");
	if ((size_t)ASN1_STRING_length(md) != len ||
	    memcmp(ASN1_STRING_get0_data(md), digest, len) != 0)
		return diag_fail(d, CS_E_SIG, "the artifact's digest",
		    "another digest in the signed attributes");
	return 0;
}

static int
put_der_header(struct buf *b, uint8_t tag, size_t len)
{
	int r = buf_put_u8(b, tag);

	if (r != 0)
		return r;
	if (len < 0x80)
		return buf_put_u8(b, (uint8_t)len);
	if (len > 0xffff)
		return CS_E_TOO_LARGE;
	if (len > 0xff) {
		r = buf_put_u8(b, 0x82);
		return r != 0 ? r : buf_put_u16(b, (uint16_t)len);
	}
	r = buf_put_u8(b, 0x81);
	return r != 0 ? r : buf_put_u8(b, (uint8_t)len);
}

/* RFC 5652 5.4: the attributes are signed with the tag of a SET OF. */
static int
cms_attrs(const CMS_SignerInfo *si, struct buf *out)
{
	struct buf body __attribute__((cleanup(buf_done))) =
	    BUF_INIT(ATTRS_MAX);
	int i, n, r = 0;

	for (i = 0; r == 0 && i < CMS_signed_get_attr_count(si); i++) {
		_cleanup_(openssl_freep) unsigned char *der = NULL;

		n = i2d_X509_ATTRIBUTE(CMS_signed_get_attr(si, i), &der);
		if (n <= 0)
			return CS_E_CRYPTO;
		r = buf_put(&body, der, (size_t)n);
	}
	if (r == 0)
		r = put_der_header(out, 0x31, body.len);
	return r != 0 ? r : buf_put(out, body.p, body.len);
}

static int
cms_signature(const CMS_SignerInfo *si, const struct pubkey *k, enum key_alg a)
{
	struct buf attrs __attribute__((cleanup(buf_done))) =
	    BUF_INIT(ATTRS_MAX + 8);
	const ASN1_OCTET_STRING *sig;
	uint8_t md[HASH_MAX_LEN];
	unsigned int n = 0;
	int r = cms_attrs(si, &attrs);

	if (r != 0)
		return r;
	if (EVP_Digest(attrs.p, attrs.len, md, &n,
		EVP_get_digestbyname(hash_name(key_alg_hash(a))), NULL) != 1)
		return CS_E_CRYPTO;
	sig = CMS_SignerInfo_get0_signature((CMS_SignerInfo *)si);
	return pubkey_verify_digest(k, a, md, n, ASN1_STRING_get0_data(sig),
	    (size_t)ASN1_STRING_length(sig));
}

static int
cms_verify(const struct pubkey *k, enum key_alg a, const uint8_t *cert_der,
    size_t cert_len, const uint8_t *digest, size_t digest_len,
    const uint8_t *sig, size_t sig_len, struct diag *d)
{
	_cleanup_(cms_freep) CMS_ContentInfo *c = NULL;
	_cleanup_(x509_freep) X509 *x = NULL;
	CMS_SignerInfo *si = NULL;
	int r;

	if (a == KEY_ED25519)
		return bad(d, "an RSA or ECDSA key for cms", "Ed25519");
	r = cms_decode(sig, sig_len, &c, d);
	if (r == 0)
		r = cms_cert(c, k, cert_der, cert_len, &x, d);
	if (r == 0)
		r = cms_signer(c, x, a, &si, d);
	if (r == 0)
		r = cms_bind(si, digest, digest_len, d);
	if (r != 0)
		return r;
	r = cms_signature(si, k, a);
	if (r == 0 && CMS_SignerInfo_verify(si) != 1)
		r = CS_E_SIG;
	ERR_clear_error();
	if (r != 0)
		return diag_fail(d, r, "a signature by the policy's key",
		    "it does not verify");
	return 0;
}

static int
raw_verify(const struct pubkey *k, enum key_alg a, const uint8_t *cert_der,
    size_t cert_len, const uint8_t *digest, size_t digest_len,
    const uint8_t *sig, size_t sig_len, struct diag *d)
{
	int r;

	(void)cert_der;
	(void)cert_len;
	r = pubkey_verify_digest(k, a, digest, digest_len, sig, sig_len);
	if (r != 0)
		return diag_fail(d, r, "a signature by the policy's key",
		    "it does not verify");
	return 0;
}

static const struct {
	const char *name;
	const char *suffix;
	sigfmt_fn verify;
} formats[] = {
	{ "raw", "sig", raw_verify },
	{ "cms", "p7s", cms_verify },
};

static int
find(const char *format)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i].name, format) == 0)
			return (int)i;
	return -1;
}

int
sigfmt_verify(const char *format, const struct pubkey *k, enum key_alg a,
    const uint8_t *cert_der, size_t cert_len, const uint8_t *digest,
    size_t digest_len, const uint8_t *sig, size_t sig_len, struct diag *d)
{
	int i = find(format);

	if (i < 0)
		return diag_fail(d, CS_E_FORMAT, "raw or cms", "%s", format);
	return formats[i].verify(k, a, cert_der, cert_len, digest, digest_len,
	    sig, sig_len, d);
}

int
sigfmt_known(const char *format)
{
	return find(format) >= 0;
}

const char *
sigfmt_suffix(const char *format)
{
	int i = find(format);

	return i < 0 ? NULL : formats[i].suffix;
}
