/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <string.h>

#include "lib/ossl.h"
#include "lib/sigfmt_impl.h"

/*
 * Authenticode of PE images, as UEFI Secure Boot verifies it (UEFI 2.10,
 * 32.2; "Windows Authenticode Portable Executable Signature Format"): PKCS#7
 * SignedData around SpcIndirectDataContent, which has the image's digest.  Two
 * signed attributes, contentType and messageDigest: no time, which nobody who
 * verifies this could trust.
 */
#define SPC_INDIRECT_DATA "1.3.6.1.4.1.311.2.1.4"
#define ATTRS_MAX	  1024u

/*
 * Of the content, without its tag and length: SpcAttributeTypeAndOptionalValue
 * of SPC_PE_IMAGE_DATAOBJ (no flags, a file name of "<<<Obsolete>>>", as the
 * specification has it) and DigestInfo of SHA-256 up to the digest.
 */
static const uint8_t content_head[] = { 0x30, 0x33, 0x06, 0x0a, 0x2b, 0x06,
	0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x0f, 0x30, 0x25, 0x03, 0x01,
	0x00, 0xa0, 0x20, 0xa2, 0x1e, 0x80, 0x1c, 0x00, '<', 0x00, '<', 0x00,
	'<', 0x00, 'O', 0x00, 'b', 0x00, 's', 0x00, 'o', 0x00, 'l', 0x00, 'e',
	0x00, 't', 0x00, 'e', 0x00, '>', 0x00, '>', 0x00, '>', 0x30, 0x31, 0x30,
	0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
	0x05, 0x00, 0x04, 0x20 };
#define CONTENT_LEN (sizeof(content_head) + CS_SHA256_LEN)

static void
pkcs7_freep(PKCS7 **p)
{
	PKCS7_free(*p);
}

static void
object_freep(ASN1_OBJECT **p)
{
	ASN1_OBJECT_free(*p);
}

/* SpcIndirectDataContent, of the image's digest */
static int
set_content(PKCS7 *p7, const uint8_t der[2 + CONTENT_LEN])
{
	_cleanup_(pkcs7_freep) PKCS7 *c = PKCS7_new();
	ASN1_STRING *s = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
	ASN1_TYPE *t = ASN1_TYPE_new();

	if (c == NULL || s == NULL || t == NULL ||
	    ASN1_STRING_set(s, der, 2 + CONTENT_LEN) != 1) {
		ASN1_STRING_free(s);
		ASN1_TYPE_free(t);
		return CS_E_CRYPTO;
	}
	ASN1_TYPE_set(t, V_ASN1_SEQUENCE, s);
	c->type = OBJ_txt2obj(SPC_INDIRECT_DATA, 1);
	c->d.other = t;
	if (c->type == NULL || PKCS7_set_content(p7, c) != 1)
		return CS_E_CRYPTO;
	c = NULL;
	return 0;
}

/* In the order of their DER (X.690 11.6): the first is shorter. */
static int
add_attributes(PKCS7_SIGNER_INFO *si, const uint8_t der[2 + CONTENT_LEN])
{
	_cleanup_(object_freep) ASN1_OBJECT *type =
	    OBJ_txt2obj(SPC_INDIRECT_DATA, 1);
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	uint8_t md[CS_SHA256_LEN];

	if (type == NULL || s == NULL ||
	    sha256(der + 2, CONTENT_LEN, md) != 0 ||
	    ASN1_OCTET_STRING_set(s, md, sizeof(md)) != 1 ||
	    PKCS7_add_signed_attribute(si, NID_pkcs9_contentType, V_ASN1_OBJECT,
		type) != 1) {
		ASN1_OCTET_STRING_free(s);
		return CS_E_CRYPTO;
	}
	type = NULL;
	if (PKCS7_add_signed_attribute(si, NID_pkcs9_messageDigest,
		V_ASN1_OCTET_STRING, s) == 1)
		return 0;
	ASN1_OCTET_STRING_free(s);
	return CS_E_CRYPTO;
}

/* All but the signature; the same for the same job. */
static int
begin(const struct sigfmt_job *j, PKCS7 **ret, PKCS7_SIGNER_INFO **ret_si)
{
	_cleanup_(pkcs7_freep) PKCS7 *p7 = PKCS7_new();
	_cleanup_(x509_freep) X509 *x = sigfmt_get_cert(j);
	PKCS7_SIGNER_INFO *si = NULL;
	uint8_t der[2 + CONTENT_LEN] = { 0x30, CONTENT_LEN };

	if (j->subject->tbs_len != CS_SHA256_LEN)
		return CS_E_FORMAT_DIGEST;
	memcpy(der + 2, content_head, sizeof(content_head));
	memcpy(der + 2 + sizeof(content_head), j->subject->tbs, CS_SHA256_LEN);
	if (p7 == NULL || x == NULL ||
	    PKCS7_set_type(p7, NID_pkcs7_signed) != 1 ||
	    PKCS7_add_certificate(p7, x) != 1 || set_content(p7, der) != 0)
		return CS_E_CRYPTO;
	si = PKCS7_SIGNER_INFO_new();
	/* the certificate's public key: the private one is on the token */
	if (si == NULL ||
	    PKCS7_SIGNER_INFO_set(si, x, X509_get0_pubkey(x), EVP_sha256()) !=
		1 ||
	    PKCS7_add_signer(p7, si) != 1) {
		PKCS7_SIGNER_INFO_free(si);
		return CS_E_CRYPTO;
	}
	if (add_attributes(si, der) != 0)
		return CS_E_CRYPTO;
	*ret = take_ptr(p7);
	*ret_si = si;
	return 0;
}

static int
build(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	_cleanup_(pkcs7_freep) PKCS7 *p7 = NULL;
	_cleanup_(openssl_freep) unsigned char *der = NULL;
	PKCS7_SIGNER_INFO *si = NULL;
	int n;

	(void)done;
	if (begin(j, &p7, &si) != 0)
		return sigfmt_crypto(d, "Authenticode attributes");
	n = ASN1_item_i2d((const ASN1_VALUE *)si->auth_attr, &der,
	    ASN1_ITEM_rptr(PKCS7_ATTR_SIGN));
	return n <= 0 ? sigfmt_crypto(d, "Authenticode attributes") :
			buf_put(out, der, (size_t)n);
}

static int
assemble(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	_cleanup_(pkcs7_freep) PKCS7 *p7 = NULL;
	_cleanup_(openssl_freep) unsigned char *der = NULL;
	PKCS7_SIGNER_INFO *si = NULL;
	int n;

	if (begin(j, &p7, &si) != 0 ||
	    ASN1_STRING_set(si->enc_digest, done->v[0].p,
		(int)done->v[0].len) != 1)
		return sigfmt_crypto(d, "Authenticode signature");
	n = i2d_PKCS7(p7, &der);
	return n <= 0 ? sigfmt_crypto(d, "Authenticode encoding") :
			buf_put(out, der, (size_t)n);
}

/* The signature inside; all else is made again and compared. */
static int
read_signature(const uint8_t *sig, size_t len, struct sigfmt_sigs *ret)
{
	_cleanup_(pkcs7_freep) PKCS7 *p7 = NULL;
	STACK_OF(PKCS7_SIGNER_INFO) *all = NULL;
	const unsigned char *p = sig;
	const ASN1_OCTET_STRING *s;

	p7 = d2i_PKCS7(NULL, &p, (long)len);
	if (p7 != NULL && PKCS7_type_is_signed(p7))
		all = PKCS7_get_signer_info(p7);
	ERR_clear_error();
	if (all == NULL || sk_PKCS7_SIGNER_INFO_num(all) != 1)
		return CS_E_FORMAT;
	s = sk_PKCS7_SIGNER_INFO_value(all, 0)->enc_digest;
	if (s == NULL || ASN1_STRING_length(s) > (int)sizeof(ret->v[0].p))
		return CS_E_FORMAT;
	ret->n = 1;
	ret->v[0].len = (size_t)ASN1_STRING_length(s);
	memcpy(ret->v[0].p, ASN1_STRING_get0_data(s), ret->v[0].len);
	return 0;
}

static int
verify(const struct sigfmt_job *j, const uint8_t *sig, size_t len,
    struct diag *d)
{
	struct buf attrs = BUF_INIT(ATTRS_MAX);
	struct sigfmt_sigs s = { 0 };
	int r;

	if (j->key->cert == NULL)
		return diag_fail(d, CS_E_FORMAT, "the key's certificate",
		    "none");
	if (read_signature(sig, len, &s) != 0 ||
	    sigfmt_compare(&sigfmt_pe, j, &s, sig, len) != 0)
		return sigfmt_bad(d,
		    "an Authenticode signature by the policy's key",
		    "something else");
	r = build(j, NULL, &attrs, d);
	if (r == 0)
		r = sigfmt_verify_tbs(j, attrs.p, attrs.len, s.v[0].p,
		    s.v[0].len, d);
	buf_done(&attrs);
	return r;
}

static int
describe(const struct sigfmt_job *j, struct buf *out)
{
	int r = sigfmt_describe_cert(j, out);

	return r != 0 ?
	    r :
	    sigfmt_line(out, "attests", "the image; neither name nor time");
}

const struct sigfmt sigfmt_pe = {
	.name = "pe",
	.suffix = "pesig",
	.about = "Authenticode signature of a PE image, for UEFI Secure Boot",
	.verifier = "UEFI firmware, sbverify, osslsigncode verify",
	.algs = SIGFMT_ALG(KEY_RSA3072_PKCS1),
	.flags = SIGFMT_F_CERT,
	.rounds = 1,
	.install = SIGFMT_PE,
	.filehash = FILEHASH_PE,
	.describe = describe,
	.build = build,
	.assemble = assemble,
	.verify = verify,
	.public_key = sigfmt_pem_cert,
};
