/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

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
	const struct sigfmt_job j = { &k, &s, 0 };
	struct buf out = BUF_INIT(SIGFMT_MAX);
	int h;

	if (pub == NULL && pubkey_from_spki(spki, sizeof(spki), &pub, NULL))
		abort();
	k.key = pub;
	if ((f->flags & SIGFMT_F_NAMESPACE) != 0)
		k.namespace = "example.org/x";
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
