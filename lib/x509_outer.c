/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <string.h>

#include "lib/ossl.h"
#include "lib/x509.h"

/*
 * RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes (RFC 4055
 * 3.1 and 6); OpenSSL would take one only from a key that it signs with
 * itself.
 */
static const uint8_t pss_algorithm[] = { 0x30, 0x41, 0x06, 0x09, 0x2a, 0x86,
	0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x34, 0xa0, 0x0f, 0x30,
	0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
	0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
	0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
	0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa2, 0x03, 0x02, 0x01,
	0x20 };

/* Parameters: NULL for RSA (RFC 4055 5), none for the others */
static const struct {
	int nid, parameter;
} algorithms[KEY_ALG_COUNT] = {
	[KEY_RSA3072_PKCS1] = { NID_sha256WithRSAEncryption, V_ASN1_NULL },
	[KEY_P256] = { NID_ecdsa_with_SHA256, V_ASN1_UNDEF },
	[KEY_P384] = { NID_ecdsa_with_SHA384, V_ASN1_UNDEF },
	[KEY_ED25519] = { NID_ED25519, V_ASN1_UNDEF },
};

int
x509_algorithm(enum key_alg a, X509_ALGOR **ret)
{
	const unsigned char *p = pss_algorithm;
	_cleanup_(algor_freep) X509_ALGOR *x = NULL;

	if (a == KEY_RSA3072_PSS) {
		x = d2i_X509_ALGOR(NULL, &p, sizeof(pss_algorithm));
	} else if (algorithms[a].nid != 0) {
		x = X509_ALGOR_new();
		if (x != NULL &&
		    X509_ALGOR_set0(x, OBJ_nid2obj(algorithms[a].nid),
			algorithms[a].parameter, NULL) != 1)
			return CS_E_CRYPTO;
	}
	if (x == NULL)
		return CS_E_CRYPTO;
	*ret = take_ptr(x);
	return 0;
}

int
x509_outer(const unsigned char *tbs, int tbs_len, const X509_ALGOR *alg,
    const uint8_t *sig, size_t sig_len, uint8_t **ret, size_t *ret_len)
{
	_cleanup_(openssl_freep) unsigned char *alg_der = NULL;
	int alg_len = i2d_X509_ALGOR(alg, &alg_der);
	int bits = ASN1_object_size(0, (int)sig_len + 1, V_ASN1_BIT_STRING);
	int body = tbs_len + alg_len + bits;
	int size = ASN1_object_size(1, body, V_ASN1_SEQUENCE);
	unsigned char *p;

	if (tbs_len <= 0 || alg_len <= 0 || size <= 0)
		return CS_E_CRYPTO;
	p = malloc((size_t)size);
	if (p == NULL)
		return CS_E_NOMEM;
	*ret = p;
	*ret_len = (size_t)size;
	ASN1_put_object(&p, 1, body, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	memcpy(p, tbs, (size_t)tbs_len);
	p += tbs_len;
	memcpy(p, alg_der, (size_t)alg_len);
	p += alg_len;
	ASN1_put_object(&p, 0, (int)sig_len + 1, V_ASN1_BIT_STRING,
	    V_ASN1_UNIVERSAL);
	*p++ = 0; /* no unused bits */
	memcpy(p, sig, sig_len);
	return 0;
}
