/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ossl.h"
#include "lib/sigfmt.h"
#include "lib/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * A wish, or after a dash the PEM of what is said to be signed.  What the
 * check lets through can be shown and built, and is the same each time.
 */
static struct policy_key key = { .id = "k", .alg = KEY_P256 };
static const char *format = "x509";

static void
add(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (e == NULL || X509_add_ext(x, e, -1) != 1)
		abort();
	X509_EXTENSION_free(e);
}

static void
make_issuer(void)
{
	_cleanup_(pkey_freep) EVP_PKEY *k = EVP_EC_gen("P-256");
	_cleanup_(x509_freep) X509 *x = X509_new();
	_cleanup_(openssl_freep) unsigned char *spki = NULL;
	unsigned char *der = NULL;
	X509_NAME *n;
	int len;

	if (k == NULL || x == NULL || (len = i2d_PUBKEY(k, &spki)) <= 0 ||
	    pubkey_from_spki(spki, (size_t)len, &key.key, NULL) != 0)
		abort();
	n = X509_get_subject_name(x);
	if (X509_set_version(x, X509_VERSION_3) != 1 ||
	    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
		(const unsigned char *)"CA", -1, -1, 0) != 1 ||
	    X509_set_issuer_name(x, n) != 1 ||
	    ASN1_TIME_set(X509_getm_notBefore(x), 0) == NULL ||
	    ASN1_TIME_set(X509_getm_notAfter(x), 4000000000) == NULL ||
	    X509_set_pubkey(x, k) != 1)
		abort();
	add(x, NID_basic_constraints, "critical,CA:TRUE");
	add(x, NID_key_usage, "critical,keyCertSign,cRLSign");
	add(x, NID_subject_key_identifier, "hash");
	if (X509_sign(x, k, EVP_sha256()) <= 0 ||
	    (len = i2d_X509(x, &der)) <= 0)
		abort();
	key.cert = der;
	key.cert_len = (size_t)len;
	key.formats = (struct policy_str_list){ &format, 1 };
}

static void
wish(const struct sigfmt_job *j)
{
	const struct sigfmt *f = sigfmt_by_name(format);
	struct buf a = BUF_INIT(SIGFMT_MAX), b = BUF_INIT(SIGFMT_MAX);
	struct buf text = BUF_INIT(SIGFMT_MAX);
	const struct sigfmt_sigs none = { 0 };

	if (sigfmt_check(format, j, NULL) == 0 &&
	    (f->build(j, &none, &a, NULL) != 0 ||
		f->build(j, &none, &b, NULL) != 0 || a.len != b.len ||
		memcmp(a.p, b.p, a.len) != 0 ||
		sigfmt_describe(format, j, &text) != 0))
		abort();
	buf_done(&a);
	buf_done(&b);
	buf_done(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct subject s = { .name = (char *)(uintptr_t) "w",
		.has = { [HASH_SHA256] = true } };
	const struct sigfmt_job j = { .key = &key, .subject = &s };

	if (key.cert == NULL)
		make_issuer();
	if (size > SIGFMT_MAX || sha256(data, size, s.digest[HASH_SHA256]) != 0)
		return 0;
	if (size > 0 && *data == '-') {
		cs_ignore(sigfmt_verify(format, &j, data, size, NULL));
		return 0;
	}
	s.text = (uint8_t *)(uintptr_t)data;
	s.text_len = size;
	wish(&j);
	return 0;
}
