/* SPDX-License-Identifier: Apache-2.0 */

/*
 * selfsign.h makes certificates for signing with keys on a token; this one is
 * for key agreement, with a key that is nowhere but here.
 */

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "hsm/recover.h"

#define SESSION_CN "coldseal recovery"

struct recover_session {
	EVP_PKEY *key;
	unsigned char *cert;
	size_t cert_len;
};

static void
x509_freep(X509 **x)
{
	X509_free(*x);
}

void
recover_session_free(struct recover_session **sp)
{
	struct recover_session *s = *sp;

	if (s == NULL)
		return;
	EVP_PKEY_free(s->key); /* wipes it */
	OPENSSL_free(s->cert);
	free(s);
	*sp = NULL;
}

static int
set_serial(X509 *x)
{
	unsigned char b[16];
	BIGNUM *bn = NULL;
	int ok;

	if (RAND_bytes(b, sizeof(b)) != 1)
		return 0;
	b[0] = (unsigned char)((b[0] & 0x7f) | 0x40); /* positive, 127 bits */
	bn = BN_bin2bn(b, sizeof(b), NULL);
	ok = bn != NULL &&
	    BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) != NULL;
	BN_free(bn);
	return ok;
}

static int
add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	int ok;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e != NULL && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static int
fill(X509 *x, EVP_PKEY *key, int64_t now)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const unsigned char *)SESSION_CN, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, name) == 1 &&
	    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)now) != NULL &&
	    ASN1_TIME_set(X509_getm_notAfter(x),
		(time_t)(now + RECOVER_SESSION_SECONDS)) != NULL &&
	    X509_set_pubkey(x, key) == 1 &&
	    add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(x, NID_key_usage, "critical,keyAgreement") &&
	    add_extension(x, NID_subject_key_identifier, "hash") &&
	    X509_sign(x, key, EVP_sha384()) > 0;
}

int
recover_session_new(int64_t now, struct recover_session **ret, struct diag *d)
{
	_cleanup_recover_session_ struct recover_session *s = NULL;
	_cleanup_(x509_freep) X509 *x = X509_new();
	int n;

	s = calloc(1, sizeof(*s));
	if (s == NULL || x == NULL)
		return diag_nomem(d);
	s->key = EVP_EC_gen("P-384");
	n = s->key != NULL && fill(x, s->key, now) ? i2d_X509(x, &s->cert) : 0;
	if (n <= 0) {
		ERR_clear_error();
		return diag_fail(d, CS_E_CRYPTO, NULL,
		    "the key of the recovery");
	}
	s->cert_len = (size_t)n;
	*ret = take_ptr(s);
	return 0;
}

const uint8_t *
recover_session_cert(const struct recover_session *s, size_t *ret_len)
{
	*ret_len = s->cert_len;
	return s->cert;
}

int
recover_session_open(const struct recover_session *s, const uint8_t *cms,
    size_t len, struct secret **ret, struct diag *d)
{
	return share_open(cms, len, s->key, s->cert, s->cert_len, ret, d);
}
