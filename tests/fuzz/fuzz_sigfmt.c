/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/sigfmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * "FORMAT\n" and a signature, or "check FORMAT\n" and the text of an artifact.
 * The corpus is signatures over "fuzz\n" by this key: what verifies is what
 * the same key would make again.
 */
static const uint8_t spki[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65,
	0x70, 0x03, 0x21, 0x00, 0x8a, 0x88, 0xe3, 0xdd, 0x74, 0x09, 0xf1, 0x95,
	0xfd, 0x52, 0xdb, 0x2d, 0x3c, 0xba, 0x5d, 0x72, 0xca, 0x67, 0x09, 0xbf,
	0x1d, 0x94, 0x12, 0x1b, 0xf3, 0x74, 0x88, 0x01, 0xb4, 0x0f, 0x6f,
	0x5c };
/* its OpenPGP certificate, of the user ID "fuzz" */
static uint8_t cert[] = { 0x99, 0x00, 0x33, 0x04, 0x65, 0x53, 0xf1, 0x00, 0x16,
	0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01, 0x01, 0x07,
	0x40, 0x8a, 0x88, 0xe3, 0xdd, 0x74, 0x09, 0xf1, 0x95, 0xfd, 0x52, 0xdb,
	0x2d, 0x3c, 0xba, 0x5d, 0x72, 0xca, 0x67, 0x09, 0xbf, 0x1d, 0x94, 0x12,
	0x1b, 0xf3, 0x74, 0x88, 0x01, 0xb4, 0x0f, 0x6f, 0x5c, 0xb5, 0x00, 0x04,
	0x66, 0x75, 0x7a, 0x7a, 0x89, 0x00, 0x78, 0x04, 0x13, 0x16, 0x0a, 0x00,
	0x2a, 0x05, 0x02, 0x65, 0x53, 0xf1, 0x00, 0x02, 0x1b, 0x03, 0x09, 0x10,
	0xe6, 0x08, 0xd7, 0x6b, 0xf4, 0xbc, 0xdf, 0x2b, 0x16, 0x21, 0x04, 0x74,
	0xfb, 0x18, 0xf5, 0x0e, 0x5f, 0xa8, 0xa7, 0x03, 0x25, 0xa3, 0xca, 0xe6,
	0x08, 0xd7, 0x6b, 0xf4, 0xbc, 0xdf, 0x2b, 0x00, 0x00, 0x06, 0xcc, 0x01,
	0x00, 0x9c, 0x27, 0xbe, 0x55, 0x50, 0x60, 0xdc, 0x6c, 0x94, 0xbf, 0x9e,
	0x3a, 0x21, 0xb2, 0xe5, 0x8e, 0x7b, 0x28, 0x26, 0x72, 0x39, 0xbf, 0x33,
	0x05, 0x52, 0x4b, 0xf8, 0x68, 0x41, 0xae, 0xab, 0x9c, 0x00, 0xfe, 0x3f,
	0xed, 0x26, 0x26, 0xee, 0x2d, 0x92, 0x76, 0x8a, 0x26, 0x4d, 0x1a, 0x20,
	0x66, 0x49, 0x29, 0x17, 0x30, 0x1a, 0x8b, 0xbc, 0x2a, 0xe6, 0x08, 0xca,
	0x2a, 0xce, 0xe9, 0xa4, 0x6b, 0x63, 0x07 };
/* a P-256 key and its X.509 certificate, for signatures in DER */
static const char ec_spki[] =
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEahdy9vMnw/XezRzWvVBaRurcw03A"
    "cTHw/xHMPykY8wCXg6YNGgHsitBDBalKElK2/Mw/5ydUyrmu0r39VFYhYg==";
static const char ec_cert[] =
    "MIIBCjCBsaADAgECAgEHMAoGCCqGSM49BAMCMA8xDTALBgNVBAMMBGZ1enowHhcN"
    "MjMxMTE0MjIxMzIwWhcNMzMwNTE4MDMzMzIwWjAPMQ0wCwYDVQQDDARmdXp6MFkw"
    "EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEahdy9vMnw/XezRzWvVBaRurcw03AcTHw"
    "/xHMPykY8wCXg6YNGgHsitBDBalKElK2/Mw/5ydUyrmu0r39VFYhYjAKBggqhkjO"
    "PQQDAgNIADBFAiAXl7pQUx3gsw1zodeuV0E6DnLbTd08caLM7kCd6xoAAAIhANmh"
    "kEr8YTzD7peyh7wx8XM9ZC3vQReSnzp15W/COZOI";
static const char text[] = "fuzz\n";

static void
one(const struct sigfmt *f, enum key_alg a, const uint8_t *p, size_t len,
    bool check)
{
	static struct pubkey *pub;
	const char *format = f->name;
	struct policy_key k = { .id = "k",
		.alg = a,
		.formats = { &format, 1 } };
	struct subject s = { .name = (char *)(uintptr_t) "a.bin",
		.size = sizeof(text) - 1 };
	const struct sigfmt_job j = { .key = &k, .subject = &s, .time = 0 };
	struct buf out = BUF_INIT(SIGFMT_MAX);
	int h;

	if (pub == NULL && pubkey_from_spki(spki, sizeof(spki), &pub, NULL))
		abort();
	k.key = pub;
	if ((f->flags & SIGFMT_F_NAMESPACE) != 0)
		k.namespace = "example.org/x";
	if (f->cert != NULL) {
		k.cert = cert;
		k.cert_len = sizeof(cert);
	}
	for (h = 0; h < HASH_COUNT; h++) {
		s.has[h] = true;
		if (hash_of((enum hash_alg)h, text, sizeof(text) - 1,
			s.digest[h]) != 0)
			abort();
	}
	if (!check) {
		cs_ignore(sigfmt_verify(format, &j, p, len, NULL));
		return;
	}
	s.text = (uint8_t *)(uintptr_t)p;
	s.text_len = len;
	/* what may be signed can be shown and built */
	if (sigfmt_check(format, &j, NULL) == 0 &&
	    (sigfmt_describe(format, &j, &out) != 0 ||
		f->build(&j, NULL, &out, NULL) != 0))
		abort();
	buf_done(&out);
}

static void
unpack(const char *b64, uint8_t **ret, size_t *ret_len)
{
	*ret = malloc(b64_dec_max(strlen(b64)) + 1);
	if (*ret == NULL ||
	    b64_decode(b64, strlen(b64), *ret, b64_dec_max(strlen(b64)),
		ret_len) != 0)
		abort();
}

/* "b64 FORMAT\n" and the base64 of a signature: those that are DER */
static void
der(const char *format, const uint8_t *p, size_t len)
{
	static struct pubkey *pub;
	static uint8_t *x509;
	static size_t x509_len;
	_cleanup_free_ uint8_t *spki_der = NULL;
	_cleanup_free_ uint8_t *sig = malloc(b64_dec_max(len) + 1);
	struct policy_key k = { .id = "k", .alg = KEY_P256 };
	struct subject s = { .name = (char *)(uintptr_t) "a.bin",
		.has = { [HASH_SHA256] = true } };
	const struct sigfmt_job j = { .key = &k, .subject = &s, .time = 0 };
	size_t n;

	if (pub == NULL) {
		unpack(ec_cert, &x509, &x509_len);
		unpack(ec_spki, &spki_der, &n);
		if (pubkey_from_spki(spki_der, n, &pub, NULL) != 0)
			abort();
	}
	k.key = pub;
	k.cert = x509;
	k.cert_len = x509_len;
	if (sig == NULL ||
	    sha256(text, sizeof(text) - 1, s.digest[HASH_SHA256]) != 0)
		abort();
	if (b64_decode((const char *)p, len, sig, b64_dec_max(len), &n) == 0)
		cs_ignore(sigfmt_verify(format, &j, sig, n, NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char word[] = "check ";
	const uint8_t *nl = size == 0 ? NULL : memchr(data, '\n', size);
	char name[SIGFMT_NAME_MAX + sizeof(word)] = "";
	const struct sigfmt *f;
	const char *format = name;
	bool check;
	size_t n;

	if (nl == NULL || (n = (size_t)(nl - data)) >= sizeof(name))
		return 0;
	memcpy(name, data, n);
	if (strncmp(name, "b64 ", 4) == 0) {
		der(name + 4, nl + 1, size - n - 1);
		return 0;
	}
	check = strncmp(name, word, strlen(word)) == 0;
	if (check)
		format += strlen(word);
	f = sigfmt_by_name(format);
	if (f == NULL || size - n - 1 > SIGFMT_TEXT_MAX)
		return 0;
	if ((f->algs & SIGFMT_ALG(KEY_ED25519)) != 0)
		one(f, KEY_ED25519, nl + 1, size - n - 1, check);
	if ((f->algs & SIGFMT_ALG(KEY_ED25519_BLAKE2B)) != 0)
		one(f, KEY_ED25519_BLAKE2B, nl + 1, size - n - 1, check);
	return 0;
}
