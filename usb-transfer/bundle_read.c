/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading a bundle, once, from front to back:
 *
 *	manifest -> rules for the type -> "type" -> member ... -> two zero
 *	blocks -> nothing
 *
 * The manifest names every member before its content comes, so each header
 * is known but for the size, and is compared with what it must be.
 */

#include <string.h>

#include "lib/hex.h"
#include "usb-transfer/bundle_private.h"

#define CHUNK (1u << 20)
#define LINE_MIN (64 + 2 + 1 + 1) /* hash, two spaces, name, newline */

struct reader {
	bundle_read_fn *read;
	void *arg;
	const struct bundle_sink *sink;
	uint8_t *buf;	 /* CHUNK bytes; pos .. len is not used yet */
	size_t pos, len;
	bool end;	 /* read() said so */
	struct hasher *h;
	char *manifest;	 /* lines cut apart in place */
	size_t manifest_len;
	struct bundle_line *lines;
	size_t n;
};

static void
reader_done(struct reader *rd)
{
	free(rd->buf);
	free(rd->manifest);
	free(rd->lines);
	hasher_free(&rd->h);
}

/* At least one more byte behind pos, or end. */
static int
fill(struct reader *rd, struct diag *d)
{
	size_t n = 0;
	int r;

	if (rd->pos == rd->len)
		rd->pos = rd->len = 0;
	if (rd->end)
		return 0;
	r = rd->read(rd->arg, rd->buf + rd->len, CHUNK - rd->len, &n, d);
	if (r != 0)
		return r;
	if (n > CHUNK - rd->len)
		return CS_E_INTERNAL;
	rd->end = n == 0;
	rd->len += n;
	return 0;
}

static int
truncated(struct diag *d, const char *where)
{
	return diag_fail(d, CS_E_BUNDLE_TRUNCATED, "the rest of the bundle",
	    "the end within %s", where);
}

/* n bytes in one piece, n at most one block. */
static int
take(struct reader *rd, size_t n, const char *where, const uint8_t **ret,
    struct diag *d)
{
	int r;

	if (rd->len - rd->pos < n && rd->pos > 0) {
		memmove(rd->buf, rd->buf + rd->pos, rd->len - rd->pos);
		rd->len -= rd->pos;
		rd->pos = 0;
	}
	while (rd->len - rd->pos < n) {
		r = fill(rd, d);
		if (r != 0)
			return r;
		if (rd->end && rd->len - rd->pos < n)
			return truncated(d, where);
	}
	*ret = rd->buf + rd->pos;
	rd->pos += n;
	return 0;
}

static bool
all_zero(const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

/* The size field: eleven octal digits; the rest is compared afterwards. */
static bool
header_size(const uint8_t *p, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i;

	for (i = 124; i < 135; i++) {
		if (p[i] < '0' || p[i] > '7')
			return false;
		v = v << 3 | (uint64_t)(p[i] - '0');
	}
	*ret = v;
	return true;
}

/*
 * The header that must stand here.  The first look at a wrong one is only for
 * a reason that helps: whatever it is, it is refused.
 */
static int
take_header(struct reader *rd, const char *name, uint64_t max, uint64_t *ret,
    struct diag *d)
{
	const size_t len = strlen(name);
	uint8_t want[BUNDLE_BLOCK];
	const uint8_t *p = NULL;
	uint64_t size = 0;
	int r;

	r = take(rd, BUNDLE_BLOCK, name, &p, d);
	if (r != 0)
		return r;
	if (all_zero(p, BUNDLE_BLOCK))
		return diag_fail(d, CS_E_BUNDLE_MISSING, name,
		    "the end of the archive");
	if (memcmp(p, name, len) != 0 || !all_zero(p + len, 100 - len))
		return diag_fail(d, CS_E_BUNDLE_RENAMED, name, "%.100s",
		    (const char *)p);
	if (!header_size(p, &size))
		return diag_fail(d, CS_E_BUNDLE_HEADER,
		    "a size of eleven octal digits", "another in %s", name);
	r = bundle_header(name, size, want, d);
	if (r != 0)
		return r;
	if (memcmp(p, want, sizeof(want)) != 0)
		return diag_fail(d, CS_E_BUNDLE_HEADER,
		    "the canonical ustar header", "another of %s", name);
	if (size > max)
		return diag_fail(d, CS_E_BUNDLE_LARGE, name,
		    "%llu bytes, the limit is %llu", (unsigned long long)size,
		    (unsigned long long)max);
	*ret = size;
	return 0;
}

static int
take_padding(struct reader *rd, const struct bundle_member *m, struct diag *d)
{
	const size_t n = bundle_padding(m->size);
	const uint8_t *p = NULL;
	int r;

	r = take(rd, n, m->name, &p, d);
	if (r != 0)
		return r;
	if (!all_zero(p, n))
		return diag_fail(d, CS_E_BUNDLE_PADDING, "zeros",
		    "other bytes after %s", m->name);
	return 0;
}

/* The content: each byte is hashed once and handed on where it lies. */
static int
take_content(struct reader *rd, const struct bundle_member *m, uint8_t sha[32],
    int (*keep)(struct reader *rd, const void *p, size_t n), struct diag *d)
{
	uint64_t left = m->size;
	size_t n;
	int r;

	r = hasher_reset(rd->h);
	while (r == 0 && left > 0) {
		if (rd->pos == rd->len && (r = fill(rd, d)) != 0)
			return r;
		if (rd->pos == rd->len)
			return truncated(d, m->name);
		n = rd->len - rd->pos;
		if (n > left)
			n = (size_t)left;
		r = hasher_update(rd->h, rd->buf + rd->pos, n);
		if (r == 0 && keep != NULL)
			r = keep(rd, rd->buf + rd->pos, n);
		if (r == 0)
			r = rd->sink->data(rd->sink->arg, rd->buf + rd->pos, n,
			    d);
		rd->pos += n;
		left -= n;
	}
	return r == 0 ? hasher_final(rd->h, sha, 32) : r;
}

static int
keep_manifest(struct reader *rd, const void *p, size_t n)
{
	memcpy(rd->manifest + rd->manifest_len, p, n);
	rd->manifest_len += n;
	return 0;
}

static int
line_bad(struct diag *d, size_t line)
{
	return diag_fail(d, CS_E_BUNDLE_MANIFEST,
	    "lines of SHA-256, two spaces, name", "line %zu", line + 1);
}

/* One line, cut apart in place; *ret_next is behind its newline. */
static int
split_line(struct reader *rd, char *p, size_t left, char **ret_next,
    struct diag *d)
{
	struct bundle_line *b = &rd->lines[rd->n];
	char *nl = memchr(p, '\n', left);

	if (nl == NULL || nl - p < LINE_MIN - 1)
		return line_bad(d, rd->n);
	*nl = '\0';
	/* a NUL inside would hide what follows it */
	if (strlen(p) != (size_t)(nl - p) || p[64] != ' ' || p[65] != ' ')
		return line_bad(d, rd->n);
	p[64] = '\0';
	if (hex_decode(p, b->sha256, 32) != 0)
		return line_bad(d, rd->n);
	b->name = p + 66;
	if (!bundle_name_ok(b->name))
		return diag_fail(d, CS_E_BUNDLE_NAME,
		    "a name of a-z, 0-9, '.', '/', '-'", "%s", b->name);
	*ret_next = nl + 1;
	return 0;
}

static int
parse_manifest(struct reader *rd, struct diag *d)
{
	char *p = rd->manifest, *end = p + rd->manifest_len, *q;
	size_t count = 0;
	int r;

	for (q = p; q < end; q++)
		count += *q == '\n';
	if (count > BUNDLE_MEMBERS_MAX)
		return diag_fail(d, CS_E_BUNDLE_LARGE, "at most 40000 members",
		    "%zu", count);
	rd->lines = calloc(count + 1, sizeof(*rd->lines));
	if (rd->lines == NULL)
		return diag_nomem(d);
	for (; p < end; rd->n++) {
		r = split_line(rd, p, (size_t)(end - p), &p, d);
		if (r != 0)
			return r;
	}
	return 0;
}

static int
take_manifest(struct reader *rd, uint8_t sha[32], struct diag *d)
{
	struct bundle_member m = { .name = "manifest" };
	int r;

	r = take_header(rd, m.name, BUNDLE_MANIFEST_MAX, &m.size, d);
	if (r != 0)
		return r;
	rd->manifest = malloc((size_t)m.size + 1);
	if (rd->manifest == NULL)
		return diag_nomem(d);
	r = rd->sink->begin(rd->sink->arg, &m, d);
	if (r == 0)
		r = take_content(rd, &m, sha, keep_manifest, d);
	if (r == 0)
		r = take_padding(rd, &m, d);
	if (r == 0)
		r = parse_manifest(rd, d);
	return r == 0 ? rd->sink->end(rd->sink->arg, &m, d) : r;
}

static int
take_member(struct reader *rd, size_t i, struct diag *d)
{
	const struct bundle_line *b = &rd->lines[i];
	struct bundle_member m = { .name = b->name,
		.sha256 = b->sha256,
		.left = rd->n - i - 1 };
	uint8_t sha[32];
	int r;

	r = take_header(rd, b->name, b->max, &m.size, d);
	if (r == 0)
		r = rd->sink->begin(rd->sink->arg, &m, d);
	if (r == 0)
		r = take_content(rd, &m, sha, NULL, d);
	if (r != 0)
		return r;
	if (memcmp(sha, b->sha256, sizeof(sha)) != 0)
		return diag_fail(d, CS_E_BUNDLE_HASH, "the manifest's SHA-256",
		    "another of %s", b->name);
	r = take_padding(rd, &m, d);
	return r == 0 ? rd->sink->end(rd->sink->arg, &m, d) : r;
}

/* Two zero blocks and the end of the input. */
static int
take_end(struct reader *rd, struct diag *d)
{
	const uint8_t *p = NULL;
	int i, r;

	for (i = 0; i < 2; i++) {
		r = take(rd, BUNDLE_BLOCK, "the end blocks", &p, d);
		if (r != 0)
			return r;
		if (!all_zero(p, BUNDLE_BLOCK))
			return diag_fail(d, CS_E_BUNDLE_TRAILING,
			    "two zero blocks after the last member",
			    "other bytes");
	}
	while (rd->pos == rd->len && !rd->end) {
		r = fill(rd, d);
		if (r != 0)
			return r;
	}
	return rd->pos == rd->len ?
	    0 :
	    diag_fail(d, CS_E_BUNDLE_TRAILING,
		"the end of the file after two zero blocks", "more bytes");
}

int
bundle_read(bundle_read_fn *read, void *arg, enum bundle_type want,
    const struct bundle_sink *sink, uint8_t ret_manifest[32], struct diag *d)
{
	_cleanup_(reader_done) struct reader rd = { .read = read,
		.arg = arg,
		.sink = sink };
	uint8_t sha[32];
	size_t i;
	int r;

	rd.buf = malloc(CHUNK);
	if (rd.buf == NULL)
		return diag_nomem(d);
	r = hasher_new(HASH_SHA256, &rd.h);
	if (r == 0)
		r = take_manifest(&rd, sha, d);
	if (r == 0)
		r = bundle_rules_check(want, rd.lines, rd.n, d);
	for (i = 0; r == 0 && i < rd.n; i++)
		r = take_member(&rd, i, d);
	if (r == 0)
		r = take_end(&rd, d);
	if (r == 0 && ret_manifest != NULL)
		memcpy(ret_manifest, sha, sizeof(sha));
	return r;
}
