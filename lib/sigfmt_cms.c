/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#include "lib/ossl.h"
#include "lib/sigfmt_impl.h"
#include "lib/x509.h"

/*
 * "cms": a detached SignedData (RFC 5652 5) with one signer, its certificate,
 * and exactly three signed attributes: contentType (data), messageDigest and
 * signingTime.  A signature is checked twice, by OpenSSL and over attributes
 * that are encoded again here with the algorithm that the policy names.
 */
#define ATTRS_MAX (16u << 10)

static const int signed_attrs[] = { NID_pkcs9_contentType,
	NID_pkcs9_messageDigest, NID_pkcs9_signingTime };

static void
cms_freep(CMS_ContentInfo **p)
{
	CMS_ContentInfo_free(*p);
}

static void
certs_freep(STACK_OF(X509) * *p)
{
	sk_X509_pop_free(*p, X509_free);
}

X509 *
sigfmt_parse_cert(const struct policy_key *k)
{
	const unsigned char *p = k->cert;
	_cleanup_(x509_freep) X509 *x = NULL;

	if (k->cert == NULL)
		return NULL;
	x = d2i_X509(NULL, &p, (long)k->cert_len);
	ERR_clear_error();
	return x != NULL && p == k->cert + k->cert_len ? take_ptr(x) : NULL;
}

X509 *
sigfmt_get_cert(const struct sigfmt_job *j)
{
	if (j->cert == NULL)
		return sigfmt_parse_cert(j->key);
	return X509_up_ref(j->cert) == 1 ? j->cert : NULL;
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

	if (len == 0 || len > SIGFMT_MAX)
		return sigfmt_bad(d, "CMS of at most 64 KiB", "another size");
	c = d2i_CMS_ContentInfo(NULL, &p, (long)len);
	if (c == NULL || (size_t)(p - sig) != len)
		return sigfmt_bad(d, "one CMS ContentInfo", "something else");
	n = i2d_CMS_ContentInfo(c, &der);
	if (n <= 0 || (size_t)n != len || memcmp(der, sig, len) != 0)
		return sigfmt_bad(d, "DER", "another encoding");
	if (OBJ_obj2nid(CMS_get0_type(c)) != NID_pkcs7_signed ||
	    CMS_is_detached(c) != 1 ||
	    OBJ_obj2nid(CMS_get0_eContentType(c)) != NID_pkcs7_data)
		return sigfmt_bad(d, "detached SignedData over data",
		    "another content");
	*ret = take_ptr(c);
	return 0;
}

int
sigfmt_cms_signature(const uint8_t *der, size_t len, struct sigfmt_sigs *ret)
{
	const unsigned char *p = der;
	_cleanup_(cms_freep) CMS_ContentInfo *c =
	    d2i_CMS_ContentInfo(NULL, &p, (long)len);
	STACK_OF(CMS_SignerInfo) *all = NULL;
	const ASN1_OCTET_STRING *s;

	if (c != NULL)
		all = CMS_get0_SignerInfos(c);
	ERR_clear_error();
	if (all == NULL || sk_CMS_SignerInfo_num(all) != 1)
		return CS_E_FORMAT;
	s = CMS_SignerInfo_get0_signature(sk_CMS_SignerInfo_value(all, 0));
	ret->n = 1;
	ret->v[0].len = (size_t)ASN1_STRING_length(s);
	if (ret->v[0].len > sizeof(ret->v[0].p))
		return CS_E_FORMAT;
	memcpy(ret->v[0].p, ASN1_STRING_get0_data(s), ret->v[0].len);
	return 0;
}

/* The certificate the policy names, alone in the CMS, of this very key. */
static int
cms_cert(CMS_ContentInfo *c, const struct sigfmt_job *j, X509 **ret,
    struct diag *d)
{
	_cleanup_(certs_freep) STACK_OF(X509) *certs = CMS_get1_certs(c);
	STACK_OF(X509_CRL) *crls = CMS_get1_crls(c);
	_cleanup_(x509_freep) X509 *x = NULL;

	if (crls != NULL) {
		sk_X509_CRL_pop_free(crls, X509_CRL_free);
		return sigfmt_bad(d, "no revocation list inside", "one");
	}
	if (j->key->cert == NULL)
		return sigfmt_bad(d, "the key's certificate in the policy",
		    "none");
	x = sigfmt_get_cert(j);
	if (x == NULL ||
	    EVP_PKEY_eq(X509_get0_pubkey(x), j->key->key->pkey) != 1)
		return sigfmt_bad(d, "a certificate of the policy's key",
		    "another certificate in the policy");
	if (certs == NULL || sk_X509_num(certs) != 1 ||
	    X509_cmp(sk_X509_value(certs, 0), x) != 0)
		return sigfmt_bad(d, "the policy's certificate inside, alone",
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
		return sigfmt_bad(d, "one signer", "another number of signers");
	si = sk_CMS_SignerInfo_value(all, 0);
	if (CMS_SignerInfo_cert_cmp(si, x) != 0)
		return sigfmt_bad(d, "the policy's certificate as signer",
		    "another signer");
	CMS_SignerInfo_get0_algs(si, NULL, NULL, &md, NULL);
	if (md == NULL ||
	    OBJ_obj2nid(md->algorithm) !=
		OBJ_txt2nid(hash_name(key_alg_hash(a))))
		return sigfmt_bad(d, hash_name(key_alg_hash(a)),
		    "another digest");
	if (CMS_unsigned_get_attr_count(si) > 0 ||
	    CMS_signed_get_attr_count(si) != (int)ARRAY_LEN(signed_attrs))
		return sigfmt_bad(d,
		    "three signed attributes and no unsigned one",
		    "other attributes");
	for (i = 0; i < ARRAY_LEN(signed_attrs); i++)
		if (CMS_signed_get_attr_by_NID(si, signed_attrs[i], -1) < 0)
			return sigfmt_bad(d,
			    "contentType, messageDigest, signingTime",
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
		return sigfmt_bad(d, "the content type data", "another");
	md = CMS_signed_get0_data_by_OBJ(si,
	    OBJ_nid2obj(NID_pkcs9_messageDigest), -3, V_ASN1_OCTET_STRING);
	if (md == NULL)
		return sigfmt_bad(d, "one message digest", "none or several");
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

/* What no signature covers, as the list of digests, is as it is made here. */
static int
cms_compare(const struct sigfmt_job *job, CMS_SignerInfo *si,
    const uint8_t *der, size_t len, struct diag *d)
{
	struct sigfmt_job j = *job;
	struct sigfmt_sigs s = { .n = 1 };
	const ASN1_OCTET_STRING *sig = CMS_SignerInfo_get0_signature(si);
	X509_ATTRIBUTE *at;
	struct tm tm = { 0 };
	const ASN1_TYPE *t;

	at = CMS_signed_get_attr(si,
	    CMS_signed_get_attr_by_NID(si, NID_pkcs9_signingTime, -1));
	t = X509_ATTRIBUTE_count(at) == 1 ? X509_ATTRIBUTE_get0_type(at, 0) :
					    NULL;
	if (t == NULL ||
	    (t->type != V_ASN1_UTCTIME && t->type != V_ASN1_GENERALIZEDTIME) ||
	    ASN1_TIME_to_tm(t->value.asn1_string, &tm) != 1)
		return sigfmt_bad(d, "one time of signing", "another value");
	j.time = timegm(&tm);
	s.v[0].len = (size_t)ASN1_STRING_length(sig);
	if (s.v[0].len > sizeof(s.v[0].p))
		return sigfmt_bad(d, "a signature", "a longer one");
	memcpy(s.v[0].p, ASN1_STRING_get0_data(sig), s.v[0].len);
	if (sigfmt_compare(&sigfmt_cms, &j, &s, der, len) != 0)
		return sigfmt_bad(d, "CMS as it is made here",
		    "another structure");
	return 0;
}

static int
verify(const struct sigfmt_job *j, const uint8_t *sig, size_t len,
    struct diag *d)
{
	_cleanup_(cms_freep) CMS_ContentInfo *c = NULL;
	_cleanup_(x509_freep) X509 *x = NULL;
	const struct policy_key *k = j->key;
	CMS_SignerInfo *si = NULL;
	size_t digest_len;
	const uint8_t *digest = sigfmt_digest(j, &digest_len);
	int r;

	r = cms_decode(sig, len, &c, d);
	if (r == 0)
		r = cms_cert(c, j, &x, d);
	if (r == 0)
		r = cms_signer(c, x, k->alg, &si, d);
	if (r == 0)
		r = cms_bind(si, digest, digest_len, d);
	if (r != 0)
		return r;
	r = cms_signature(si, k->key, k->alg);
	if (r == 0 && CMS_SignerInfo_verify(si) != 1)
		r = CS_E_SIG;
	ERR_clear_error();
	if (r != 0)
		return diag_fail(d, r, "a signature by the policy's key",
		    "it does not verify");
	return cms_compare(j, si, sig, len, d);
}

/*
 * In the order of their DER (X.690 11.6), which is that of their lengths: 26,
 * 30 or 32, and 49 bytes or more.
 */
static int
add_attributes(CMS_SignerInfo *si, const uint8_t *digest, size_t len,
    int64_t when)
{
	_cleanup_(time_freep) ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)when);

	return t != NULL &&
		CMS_signed_add1_attr_by_NID(si, NID_pkcs9_contentType,
		    V_ASN1_OBJECT, OBJ_nid2obj(NID_pkcs7_data), -1) == 1 &&
		CMS_signed_add1_attr_by_NID(si, NID_pkcs9_signingTime, t->type,
		    t, -1) == 1 &&
		CMS_signed_add1_attr_by_NID(si, NID_pkcs9_messageDigest,
		    V_ASN1_OCTET_STRING, digest, (int)len) == 1 ?
	    0 :
	    CS_E_CRYPTO;
}

static int
set_algorithm(CMS_SignerInfo *si, enum key_alg alg)
{
	_cleanup_(algor_freep) X509_ALGOR *a = NULL;
	X509_ALGOR *sig = NULL;

	if (alg != KEY_RSA3072_PSS)
		return 0; /* the certificate's key says it */
	CMS_SignerInfo_get0_algs(si, NULL, NULL, NULL, &sig);
	return x509_algorithm(alg, &a) == 0 && sig != NULL &&
		X509_ALGOR_copy(sig, a) == 1 ?
	    0 :
	    CS_E_CRYPTO;
}

/* All but the signature; the same for the same job. */
static int
begin(const struct sigfmt_job *j, CMS_ContentInfo **ret,
    CMS_SignerInfo **ret_si)
{
	_cleanup_(cms_freep) CMS_ContentInfo *c = NULL;
	_cleanup_(x509_freep) X509 *x = sigfmt_get_cert(j);
	size_t len;
	const uint8_t *digest = sigfmt_digest(j, &len);
	CMS_SignerInfo *si;

	c = CMS_sign(NULL, NULL, NULL, NULL,
	    CMS_PARTIAL | CMS_DETACHED | CMS_BINARY);
	if (x == NULL || c == NULL)
		return CS_E_CRYPTO;
	/* the certificate's public key: the private one is on the token */
	si = CMS_add1_signer(c, x, X509_get0_pubkey(x),
	    EVP_get_digestbyname(hash_name(key_alg_hash(j->key->alg))),
	    CMS_PARTIAL | CMS_BINARY | CMS_NOSMIMECAP | CMS_DETACHED);
	if (si == NULL || set_algorithm(si, j->key->alg) != 0 ||
	    add_attributes(si, digest, len, j->time) != 0)
		return CS_E_CRYPTO;
	*ret = take_ptr(c);
	*ret_si = si;
	return 0;
}

static int
build(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	_cleanup_(cms_freep) CMS_ContentInfo *c = NULL;
	CMS_SignerInfo *si = NULL;
	int r;

	(void)done;
	r = begin(j, &c, &si);
	if (r == 0)
		r = cms_attrs(si, out);
	return r == 0 ? 0 : sigfmt_crypto(d, "CMS attributes");
}

static int
assemble(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	_cleanup_(cms_freep) CMS_ContentInfo *c = NULL;
	_cleanup_(openssl_freep) unsigned char *der = NULL;
	CMS_SignerInfo *si = NULL;
	int n;

	if (begin(j, &c, &si) != 0 ||
	    ASN1_STRING_set(CMS_SignerInfo_get0_signature(si), done->v[0].p,
		(int)done->v[0].len) != 1)
		return sigfmt_crypto(d, "CMS signature");
	n = i2d_CMS_ContentInfo(c, &der);
	return n <= 0 ? sigfmt_crypto(d, "CMS encoding") :
			buf_put(out, der, (size_t)n);
}

int
sigfmt_describe_cert(const struct sigfmt_job *j, struct buf *out)
{
	_cleanup_(x509_freep) X509 *x = sigfmt_get_cert(j);
	char subject[200] = "";

	if (x != NULL)
		cs_ignore(X509_NAME_oneline(X509_get_subject_name(x), subject,
			      sizeof(subject)) == NULL);
	ERR_clear_error();
	return sigfmt_line(out, "cert", subject);
}

static int
describe(const struct sigfmt_job *j, struct buf *out)
{
	int r = sigfmt_describe_cert(j, out);

	return r != 0 ? r :
			sigfmt_line(out, "attributes",
			    "content type, digest and time of signing");
}

int
sigfmt_pem_cert(const struct policy_key *k, struct buf *out, struct diag *d)
{
	return sigfmt_pem("CERTIFICATE", k->cert, k->cert_len, out, d);
}

const struct sigfmt sigfmt_cms = {
	.name = "cms",
	.suffix = "p7s",
	.about = "detached CMS with certificate, signs the time too",
	.verifier = "openssl cms -verify",
	.algs = SIGFMT_RSA | SIGFMT_EC,
	.flags = SIGFMT_F_CERT,
	.rounds = 1,
	.describe = describe,
	.build = build,
	.assemble = assemble,
	.verify = verify,
	.public_key = sigfmt_pem_cert,
};
