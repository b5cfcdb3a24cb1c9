/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tlogproof.h"

#include <inttypes.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/buf.h"

#define MAGIC	  "c2sp.org/tlog-proof@v1"
#define EXTRA	  "extra "
#define EXTRA_MAX (64u << 10) /* characters */
#define INDEX	  "index "

static int
put_hashes(struct buf *b, const uint8_t (*hash)[32], size_t n)
{
	char text[45];
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		b64_encode(hash[i], 32, text);
		if ((r = buf_putf(b, "%s\n", text)) != 0)
			return r;
	}
	return 0;
}

int
tlogproof_format(uint64_t index, const uint8_t (*hash)[32], size_t n,
    const char *checkpoint, size_t checkpoint_len, char **ret, size_t *ret_len,
    struct diag *d)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(TLOGPROOF_MAX);
	struct tlogproof check;
	int r;

	if ((r = buf_putf(&b, MAGIC "\n" INDEX "%" PRIu64 "\n", index)) != 0 ||
	    (r = put_hashes(&b, hash, n)) != 0 ||
	    (r = buf_put_u8(&b, '\n')) != 0 ||
	    (r = buf_put(&b, checkpoint, checkpoint_len)) != 0 ||
	    (r = buf_put_u8(&b, '\0')) != 0)
		return diag_fail(d, r, NULL, "writing a tlog-proof");
	/* what is written can be read */
	if ((r = tlogproof_parse((const char *)b.p, b.len - 1, &check, d)) != 0)
		return r;
	*ret_len = b.len - 1;
	*ret = (char *)take_ptr(b.p);
	return 0;
}

struct lines {
	const char *p;
	size_t left;
	const char *line; /* without its newline */
	size_t len;
};

static bool
lines_next(struct lines *l)
{
	const char *nl = memchr(l->p, '\n', l->left);

	if (nl == NULL)
		return false;
	l->line = l->p;
	l->len = (size_t)(nl - l->p);
	l->left -= l->len + 1;
	l->p = nl + 1;
	return true;
}

static bool
lines_starts(const struct lines *l, const char *with)
{
	size_t n = strlen(with);

	return l->len >= n && memcmp(l->line, with, n) == 0;
}

/* Only its form is checked: nothing authenticates it. */
static int
parse_extra(const struct lines *l, struct diag *d)
{
	_cleanup_free_ uint8_t *out = NULL;
	const char *text = l->line + strlen(EXTRA);
	size_t len = l->len - strlen(EXTRA), n;

	if (len > EXTRA_MAX)
		return diag_fail(d, CS_E_TLOGPROOF, "at most 48 KiB of extra",
		    "%zu characters", len);
	if ((out = malloc(b64_dec_max(len) + 1)) == NULL)
		return diag_nomem(d);
	if (len == 0 || b64_decode(text, len, out, b64_dec_max(len), &n) != 0)
		return diag_fail(d, CS_E_TLOGPROOF, "base64 after \"extra\"",
		    "something else");
	return 0;
}

static int
parse_hashes(struct lines *l, struct tlogproof *t, struct diag *d)
{
	for (t->n = 0; lines_next(l); t->n++) {
		if (l->len == 0)
			return 0;
		if (t->n == MERKLE_MAX_PROOF)
			return diag_fail(d, CS_E_TLOGPROOF, "at most 54 hashes",
			    "more");
		if (b64_decode_exact(l->line, l->len, t->hash[t->n], 32) != 0)
			return diag_fail(d, CS_E_TLOGPROOF,
			    "base64 of a 32-byte hash",
			    "hash line %zu is not that", t->n + 1);
	}
	return diag_fail(d, CS_E_TLOGPROOF,
	    "a blank line before the checkpoint", "the end");
}

int
tlogproof_parse(const char *p, size_t len, struct tlogproof *ret,
    struct diag *d)
{
	struct lines l = { .p = p, .left = len };
	struct tlogproof t;
	int r;

	if (len > TLOGPROOF_MAX)
		return diag_fail(d, CS_E_TLOGPROOF, "at most 592 KiB",
		    "%zu bytes", len);
	if (!lines_next(&l) || l.len != strlen(MAGIC) ||
	    !lines_starts(&l, MAGIC))
		return diag_fail(d, CS_E_TLOGPROOF, MAGIC,
		    "another first line");
	if (!lines_next(&l))
		return diag_fail(d, CS_E_TLOGPROOF, "a second line", "the end");
	if (lines_starts(&l, EXTRA)) {
		if ((r = parse_extra(&l, d)) != 0)
			return r;
		if (!lines_next(&l))
			return diag_fail(d, CS_E_TLOGPROOF, "an index line",
			    "the end");
	}
	if (!lines_starts(&l, INDEX) ||
	    note_size_parse(l.line + strlen(INDEX), l.len - strlen(INDEX),
		&t.index) != 0)
		return diag_fail(d, CS_E_TLOGPROOF,
		    "\"index\" and a decimal without leading zeros", "\"%.*s\"",
		    (int)(l.len < 60 ? l.len : 60), l.line);
	if ((r = parse_hashes(&l, &t, d)) != 0)
		return r;
	if (l.left == 0)
		return diag_fail(d, CS_E_TLOGPROOF,
		    "a checkpoint after the blank line", "the end");
	t.checkpoint = l.p;
	t.checkpoint_len = l.left;
	*ret = t;
	return 0;
}

int
tlogproof_verify(const char *p, size_t len, const uint8_t leaf_hash[32],
    const struct note_vkey *keys, size_t nkeys, struct checkpoint *ret,
    uint64_t *ret_index, struct diag *d)
{
	struct tlogproof t;
	struct checkpoint c;
	int r;

	if ((r = tlogproof_parse(p, len, &t, d)) != 0)
		return r;
	if ((r = note_verify(t.checkpoint, t.checkpoint_len, keys, nkeys, &c,
		 d)) != 0)
		return r;
	r = merkle_verify_inclusion(t.index, c.size, leaf_hash,
	    (const uint8_t(*)[32])t.hash, t.n, c.root);
	if (r != 0)
		return diag_fail(d, r,
		    "a path from the leaf to the checkpoint's root",
		    "leaf %" PRIu64 " of %" PRIu64 ", %zu hashes", t.index,
		    c.size, t.n);
	if (ret != NULL)
		*ret = c;
	if (ret_index != NULL)
		*ret_index = t.index;
	return 0;
}
