/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "lib/key.h"
#include "lib/share.h"

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
bio_freep(BIO **b)
{
	BIO_free_all(*b);
}

static void
openssl_freep(unsigned char **p)
{
	OPENSSL_free(*p);
}

static int
crypto(struct diag *d, const char *what)
{
	ERR_clear_error();
	return diag_fail(d, CS_E_CRYPTO, NULL, "%s", what);
}

static int
cert_of(struct diag *d, const char *what)
{
	return diag_fail(d, CS_E_SHARE_CERT,
	    "one X.509 certificate of RSA 2048 to 4096, P-256 or P-384", "%s",
	    what);
}

/* The key usage (RFC 5280 4.2.1.3), where it is given, is for this. */
static int
check_usage(X509 *x, const struct pubkey *k, struct diag *d)
{
	const uint32_t usage = X509_get_key_usage(x); /* all bits if absent */

	switch (EVP_PKEY_get_base_id(k->pkey)) {
	case EVP_PKEY_RSA:
		return (usage & KU_KEY_ENCIPHERMENT) != 0 ?
		    0 :
		    cert_of(d, "one without keyEncipherment");
	case EVP_PKEY_EC:
		return (usage & KU_KEY_AGREEMENT) != 0 ?
		    0 :
		    cert_of(d, "one without keyAgreement");
	default:
		return cert_of(d, "another type of key");
	}
}

static int
load_cert(const uint8_t *der, size_t len, X509 **ret,
    uint8_t key_id[CS_SHA256_LEN], struct diag *d)
{
	_cleanup_(x509_freep) X509 *x = NULL;
	_cleanup_pubkey_ struct pubkey *k = NULL;
	const unsigned char *p = der;
	unsigned char *spki = NULL;
	int n, r = CS_E_SHARE_CERT;

	if (len <= INT32_MAX)
		x = d2i_X509(NULL, &p, (long)len);
	ERR_clear_error();
	if (x == NULL || p != der + len)
		return cert_of(d, "another thing");
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
	if (n > 0)
		r = pubkey_from_spki(spki, (size_t)n, &k, NULL);
	OPENSSL_free(spki);
	if (r != 0)
		return cert_of(d, "another type of key");
	if ((r = check_usage(x, k, d)) != 0)
		return r;
	memcpy(key_id, k->id, CS_SHA256_LEN);
	*ret = take_ptr(x);
	return 0;
}

int
share_cert_check(const uint8_t *cert_der, size_t cert_len,
    uint8_t ret_key_id[CS_SHA256_LEN], struct diag *d)
{
	_cleanup_(x509_freep) X509 *x = NULL;

	return load_cert(cert_der, cert_len, &x, ret_key_id, d);
}

/* OpenSSL would take PKCS#1 v1.5 for RSA and SHA-1 in the KDF for ECDH. */
static int
set_recipient(CMS_ContentInfo *cms, X509 *cert)
{
	CMS_RecipientInfo *ri =
	    CMS_add1_recipient_cert(cms, cert, CMS_KEY_PARAM);
	EVP_PKEY_CTX *c =
	    ri == NULL ? NULL : CMS_RecipientInfo_get0_pkey_ctx(ri);

	if (c == NULL)
		return 0;
	if (CMS_RecipientInfo_type(ri) == CMS_RECIPINFO_AGREE)
		return EVP_PKEY_CTX_set_ecdh_kdf_md(c, EVP_sha256()) == 1;
	return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) == 1;
}

/*
 * Not by CMS_final(), which would leave the record in a buffer of its own:
 * the cipher reads it where it is.
 */
static int
encrypt(CMS_ContentInfo *cms, struct secret *record)
{
	_cleanup_(bio_freep) BIO *chain = CMS_dataInit(cms, NULL);
	const int n = (int)secret_len(record);

	return chain != NULL && BIO_write(chain, secret_data(record), n) == n &&
	    BIO_flush(chain) == 1 && CMS_dataFinal(cms, chain) == 1;
}

int
share_seal(const uint8_t *cert_der, size_t cert_len, struct secret *record,
    struct buf *out, struct diag *d)
{
	_cleanup_(x509_freep) X509 *cert = NULL;
	_cleanup_(cms_freep) CMS_ContentInfo *cms = NULL;
	_cleanup_(openssl_freep) unsigned char *der = NULL;
	uint8_t key_id[CS_SHA256_LEN];
	int n, r;

	r = load_cert(cert_der, cert_len, &cert, key_id, d);
	if (r != 0)
		return r;
	cms = CMS_encrypt(NULL, NULL, EVP_aes_256_gcm(),
	    CMS_BINARY | CMS_PARTIAL);
	if (cms == NULL || !set_recipient(cms, cert) || !encrypt(cms, record))
		return crypto(d, "encrypting a share");
	n = i2d_CMS_ContentInfo(cms, &der);
	if (n <= 0)
		return crypto(d, "CMS encoding");
	buf_reset(out);
	r = buf_put(out, der, (size_t)n);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "%d bytes of CMS", n);
}

static int
not_cms(struct diag *d, const char *what)
{
	ERR_clear_error();
	return diag_fail(d, CS_E_SHARE_CMS,
	    "AuthEnvelopedData in DER for one recipient", "%s", what);
}

/* One AuthEnvelopedData in DER, not BER; nothing after it. */
static int
load_cms(const uint8_t *p, size_t len, CMS_ContentInfo **ret, struct diag *d)
{
	_cleanup_(cms_freep) CMS_ContentInfo *cms = NULL;
	_cleanup_(openssl_freep) unsigned char *again = NULL;
	const unsigned char *q = p;
	int n;

	if (len > SHARE_CMS_MAX)
		return diag_fail(d, CS_E_TOO_LARGE, "at most 16 KiB",
		    "%zu bytes", len);
	cms = d2i_CMS_ContentInfo(NULL, &q, (long)len);
	if (cms == NULL)
		return not_cms(d, "another thing");
	if (q != p + len)
		return diag_fail(d, CS_E_TRAILING, NULL,
		    "%zu bytes after the CMS", (size_t)(p + len - q));
	if (OBJ_obj2nid(CMS_get0_type(cms)) !=
	    NID_id_smime_ct_authEnvelopedData)
		return not_cms(d, "another type of CMS");
	if (sk_CMS_RecipientInfo_num(CMS_get0_RecipientInfos(cms)) != 1)
		return not_cms(d, "another number of recipients");
	n = i2d_CMS_ContentInfo(cms, &again);
	if (n < 0 || (size_t)n != len || memcmp(again, p, len) != 0)
		return not_cms(d, "another encoding than DER");
	*ret = take_ptr(cms);
	return 0;
}

/* Up to the end, which is where the tag is checked. */
static int
decrypt(CMS_ContentInfo *cms, struct secret **ret, struct diag *d)
{
	_cleanup_secret_ struct secret *s = NULL;
	_cleanup_(bio_freep) BIO *chain = CMS_dataInit(cms, NULL);
	size_t at = 0;
	int n, r;

	if (chain == NULL || BIO_method_type(chain) != BIO_TYPE_CIPHER)
		return not_cms(d, "one without a content that can be read");
	if ((r = secret_new(SHARE_RECORD_MAX + 1, &s)) != 0)
		return diag_fail(d, r, NULL, "memory for a share");
	while ((n = BIO_read(chain, secret_data(s) + at,
		    (int)(SHARE_RECORD_MAX + 1 - at))) > 0)
		at += (size_t)n;
	if (at > SHARE_RECORD_MAX)
		return diag_fail(d, CS_E_TOO_LARGE, "at most 640 bytes",
		    "more in the share");
	if (n < 0 || at == 0 || BIO_get_cipher_status(chain) != 1) {
		ERR_clear_error();
		return diag_fail(d, CS_E_SHARE_KEY,
		    "a share that is as it was encrypted",
		    "a wrong key, or a share that was changed");
	}
	if ((r = secret_set_len(s, at)) != 0)
		return diag_fail(d, r, NULL, "an empty share");
	*ret = take_ptr(s);
	return 0;
}

int
share_open(const uint8_t *cms_der, size_t len, EVP_PKEY *key,
    const uint8_t *cert_der, size_t cert_len, struct secret **ret,
    struct diag *d)
{
	_cleanup_(cms_freep) CMS_ContentInfo *cms = NULL;
	_cleanup_(x509_freep) X509 *cert = NULL;
	uint8_t key_id[CS_SHA256_LEN];
	int r;

	r = load_cert(cert_der, cert_len, &cert, key_id, d);
	if (r == 0)
		r = load_cms(cms_der, len, &cms, d);
	if (r != 0)
		return r;
	if (X509_check_private_key(cert, key) != 1) {
		ERR_clear_error();
		return diag_fail(d, CS_E_SHARE_KEY, "the certificate's own key",
		    "another key");
	}
	if (CMS_decrypt_set1_pkey(cms, key, cert) != 1) {
		ERR_clear_error();
		return diag_fail(d, CS_E_SHARE_KEY,
		    "a share for this certificate",
		    "one that is encrypted to another, or was changed");
	}
	return decrypt(cms, ret, d);
}
