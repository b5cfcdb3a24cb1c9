/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* keys of tests/lib/mklog for "fuzz.example/log"; the corpus is its notes */
static const char vkeys[] =
    "fuzz.example/log+8dd82f4f+Aa5OvN6p3oPGjhvn89745UZJ"
    "KiIjiAAcnOk90xUmiwOs\n"
    "fuzz.example/log+1ee62807+AjBZMBMGByqGSM49AgEGCCqG"
    "SM49AwEHA0IABIt6k+ol2uYPftsXnyNYrF7f7Op+7412UpzY/9"
    "gFW2HOZStL9BKJSbuutO9SUdU+bDu4sE1dlnDqyC6zuSep3po=\n";

/* A set of keys that is read is written, and read again, the same. */
static void
fuzz_vkeys(const char *p, size_t len)
{
	struct note_vkeys a = { .n = 0 }, b = { .n = 0 };
	char text[NOTE_VKEYS_TEXT_MAX];

	if (note_vkeys_parse(p, len, &a, NULL) != 0)
		return;
	note_vkeys_format(&a, text);
	if (note_vkeys_parse(text, strlen(text), &b, NULL) != 0 || a.n != b.n ||
	    memcmp(a.v, b.v, a.n * sizeof(a.v[0])) != 0)
		abort();
}

/* A text that is read as a checkpoint has no second form. */
static void
fuzz_checkpoint(const char *p, size_t len)
{
	char text[CHECKPOINT_TEXT_MAX];
	struct checkpoint c;

	if (checkpoint_parse(p, len, &c, NULL) != 0)
		return;
	if (checkpoint_format(&c, text, NULL) != 0 || strlen(text) != len ||
	    memcmp(text, p, len) != 0)
		abort();
}

/* Base 64 has one text for one value, in the strict form. */
static void
fuzz_b64(const char *p, size_t len)
{
	_cleanup_free_ uint8_t *raw = malloc(b64_dec_max(len) + 1);
	_cleanup_free_ char *text = NULL;
	size_t n, any;

	if (raw == NULL)
		abort();
	if (b64_decode_any(p, len, raw, b64_dec_max(len), &any) != 0 ||
	    b64_decode(p, len, raw, b64_dec_max(len), &n) != 0)
		return;
	text = malloc(b64_enc_len(n) + 1);
	if (text == NULL)
		abort();
	b64_encode(raw, n, text);
	if (any != n || strlen(text) != len || memcmp(text, p, len) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct note_vkeys keys;
	const char *p = (const char *)data;
	struct checkpoint c, again;
	size_t text_len = 0;
	bool hit[NOTE_VKEYS_MAX];
	int r;

	if (keys.n == 0 &&
	    note_vkeys_parse(vkeys, strlen(vkeys), &keys, NULL) != 0)
		abort();
	fuzz_vkeys(p, size);
	fuzz_checkpoint(p, size);
	fuzz_b64(p, size);
	r = note_open(p, size, keys.v, keys.n, hit, &text_len, NULL);
	if (r == 0 &&
	    (text_len == 0 || text_len >= size || (!hit[0] && !hit[1])))
		abort();
	/* both keys: then each of them alone, and the text is a checkpoint */
	if (note_verify(p, size, keys.v, keys.n, &c, NULL) != 0)
		return 0;
	if (r != 0 || !hit[0] || !hit[1] ||
	    note_verify(p, size, &keys.v[0], 1, &again, NULL) != 0 ||
	    note_verify(p, size, &keys.v[1], 1, &again, NULL) != 0 ||
	    c.size != again.size || strcmp(c.origin, keys.v[0].name) != 0)
		abort();
	return 0;
}
