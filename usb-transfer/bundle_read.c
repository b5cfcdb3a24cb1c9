/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading a bundle as a stream:
 *
 *	manifest header -> manifest -> names against the type's table
 *	  -> (header compared -> data hashed -> padding zero -> hash) per member
 *	  -> two zero blocks -> the end
 */

#include <string.h>

#include "lib/hex.h"
#include "usb-transfer/bundle_private.h"

#define BUFFER (1u << 20)

struct reader {
	bundle_read_fn *read;
	void *arg;
	const struct bundle_sink *sink;
	uint8_t *buf;
	size_t pos, len;
	struct hasher *hash;
	struct bundle_entry *e;
	size_t n;
	char *text; /* the manifest; names point into it */
	struct diag *d;
};

static void
reader_done(struct reader *r)
{
	hasher_free(&r->hash);
	free(r->buf);
	free(r->e);
	free(r->text);
}

/* At least one byte in the buffer, or *ret_end. */
static int
fill(struct reader *r, bool *ret_end)
{
	size_t n = 0;
	int e;

	*ret_end = false;
	if (r->pos < r->len)
		return 0;
	r->pos = r->len = 0;
	e = r->read(r->arg, r->buf, BUFFER, &n, r->d);
	if (e != 0)
		return e;
	r->len = n;
	*ret_end = n == 0;
	return 0;
}

/* Hands out bytes from the buffer where they lie, at most want. */
static int
take(struct reader *r, uint64_t want, const uint8_t **ret, size_t *ret_n)
{
	bool end;
	int e;

	e = fill(r, &end);
	if (e != 0)
		return e;
	if (end)
		return diag_fail(r->d, CS_E_BUNDLE_TRUNCATED, "more bytes",
		    "the end");
	*ret_n = r->len - r->pos;
	if (*ret_n > want)
		*ret_n = (size_t)want;
	*ret = r->buf + r->pos;
	r->pos += *ret_n;
	return 0;
}

static int
take_block(struct reader *r, uint8_t out[TAR_BLOCK])
{
	const uint8_t *p;
	size_t done = 0, n;
	int e;

	while (done < TAR_BLOCK) {
		e = take(r, TAR_BLOCK - done, &p, &n);
		if (e != 0)
			return e;
		memcpy(out + done, p, n);
		done += n;
	}
	return 0;
}

/* The one field that is read: eleven octal digits and a NUL. */
static int
header_size(const uint8_t *h, uint64_t *ret)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 11; i++) {
		if (h[124 + i] < '0' || h[124 + i] > '7')
			return CS_E_BUNDLE_HEADER;
		v = v << 3 | (uint64_t)(h[124 + i] - '0');
	}
	if (h[135] != '\0')
		return CS_E_BUNDLE_HEADER;
	*ret = v;
	return 0;
}

static int
read_header(struct reader *r, const char *name, uint64_t *ret_size)
{
	uint8_t is[TAR_BLOCK], want[TAR_BLOCK];
	size_t i;
	int e;

	e = take_block(r, is);
	if (e != 0)
		return e;
	e = header_size(is, ret_size);
	if (e != 0)
		return diag_fail(r->d, e, "eleven octal digits of size",
		    "another field before %.100s", name);
	e = bundle_header(name, *ret_size, want, r->d);
	if (e != 0)
		return e;
	for (i = 0; i < TAR_BLOCK && is[i] == want[i]; i++)
		;
	if (i < TAR_BLOCK)
		return diag_fail(r->d, CS_E_BUNDLE_HEADER, name,
		    "another header, from byte %zu on", i);
	return 0;
}

static int
read_padding(struct reader *r, uint64_t size)
{
	uint64_t left = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
	const uint8_t *p;
	size_t n, i;
	int e;

	for (; left > 0; left -= n) {
		e = take(r, left, &p, &n);
		if (e != 0)
			return e;
		for (i = 0; i < n; i++)
			if (p[i] != 0)
				return diag_fail(r->d, CS_E_BUNDLE_PADDING,
				    "zeros", "%#x", p[i]);
	}
	return 0;
}

/* Data through the hash, and on to the sink or into copy. */
static int
read_data(struct reader *r, uint64_t size, uint8_t *copy, uint8_t ret_hash[32])
{
	uint64_t left = size;
	const uint8_t *p;
	size_t n;
	int e;

	e = hasher_reset(r->hash);
	while (e == 0 && left > 0) {
		e = take(r, left, &p, &n);
		if (e == 0)
			e = hasher_update(r->hash, p, n);
		if (e != 0)
			break;
		if (copy != NULL)
			memcpy(copy + (size - left), p, n);
		else if (r->sink->data != NULL)
			e = r->sink->data(r->sink->arg, p, n, r->d);
		left -= n;
	}
	if (e == 0)
		e = hasher_final(r->hash, ret_hash, 32);
	return e == 0 ? read_padding(r, size) : e;
}

/* "<64 hex>  <name>\n" */
static int
manifest_line(struct reader *r, char *line, char *end, struct bundle_entry *ret)
{
	char hex[65];

	if (end - line < 67 || line[64] != ' ' || line[65] != ' ')
		return diag_fail(r->d, CS_E_BUNDLE_MANIFEST,
		    "64 digits, two spaces, a name", "line %zu", r->n + 1);
	memcpy(hex, line, 64);
	hex[64] = '\0';
	*end = '\0';
	if (hex_decode(hex, ret->sha256, 32) != 0 ||
	    strlen(line + 66) != (size_t)(end - line - 66))
		return diag_fail(r->d, CS_E_BUNDLE_MANIFEST,
		    "lower-case hexadecimal", "line %zu", r->n + 1);
	ret->name = line + 66;
	if (bundle_name_ok(ret->name) == 0 ||
	    strcmp(ret->name, "manifest") == 0)
		return diag_fail(r->d, CS_E_BUNDLE_NAME,
		    "1 to 100 of a-z 0-9 . - /", "line %zu", r->n + 1);
	return 0;
}

static int
parse_manifest(struct reader *r, size_t len)
{
	size_t lines = 0, i;
	char *p = r->text, *end;
	int e;

	for (i = 0; i < len; i++)
		lines += r->text[i] == '\n';
	if (len == 0 || r->text[len - 1] != '\n')
		return diag_fail(r->d, CS_E_BUNDLE_MANIFEST,
		    "lines that end in a newline", "%zu bytes", len);
	if (lines > BUNDLE_MEMBERS_MAX)
		return diag_fail(r->d, CS_E_BUNDLE_LARGE,
		    "at most 40000 members", "%zu", lines);
	r->e = calloc(lines, sizeof(*r->e));
	if (r->e == NULL)
		return diag_nomem(r->d);
	while (r->n < lines) {
		end = memchr(p, '\n', len - (size_t)(p - r->text));
		if (end == NULL)
			return CS_E_INTERNAL;
		e = manifest_line(r, p, end, &r->e[r->n]);
		if (e != 0)
			return e;
		r->n++;
		p = end + 1;
	}
	return 0;
}

static int
read_manifest(struct reader *r, uint8_t ret_hash[32])
{
	uint64_t size;
	int e;

	e = read_header(r, "manifest", &size);
	if (e != 0)
		return e;
	if (size > BUNDLE_MANIFEST_MAX)
		return diag_fail(r->d, CS_E_BUNDLE_LARGE,
		    "a manifest of at most 8 MiB", "%llu bytes",
		    (unsigned long long)size);
	r->text = malloc((size_t)size + 1);
	if (r->text == NULL)
		return diag_nomem(r->d);
	e = read_data(r, size, (uint8_t *)r->text, ret_hash);
	if (e != 0)
		return e;
	r->text[size] = '\0';
	return parse_manifest(r, (size_t)size);
}

/*
 * The member "type" before the table is consulted: a response is not a
 * request with a strange name in it.
 */
static int
check_type(struct reader *r, enum bundle_type want)
{
	char text[64];
	uint8_t hash[32];
	size_t i;
	int n, e;

	for (i = 0; i < BUNDLE_TYPE_COUNT; i++) {
		n = bundle_type_text((enum bundle_type)i, text);
		e = sha256(text, (size_t)n, hash);
		if (e != 0)
			return e;
		if (strcmp(r->e[0].name, "type") != 0 ||
		    memcmp(hash, r->e[0].sha256, 32) != 0)
			continue;
		if (i == want)
			return 0;
		return diag_fail(r->d, CS_E_BUNDLE_TYPE, bundle_type_name(want),
		    "%s", bundle_type_name((enum bundle_type)i));
	}
	return diag_fail(r->d, CS_E_BUNDLE_TYPE, bundle_type_name(want),
	    "no known type");
}

static int
read_member(struct reader *r, size_t i)
{
	struct bundle_member m = { .name = r->e[i].name,
		.sha256 = r->e[i].sha256 };
	uint8_t hash[32];
	char is[65], want[65];
	int e;

	e = read_header(r, m.name, &m.size);
	if (e != 0)
		return e;
	if (m.size > bundle_limit(m.name))
		return diag_fail(r->d, CS_E_BUNDLE_LARGE, "a smaller member",
		    "%.100s: %llu bytes", m.name, (unsigned long long)m.size);
	if (r->sink->begin != NULL)
		e = r->sink->begin(r->sink->arg, &m, r->d);
	if (e == 0)
		e = read_data(r, m.size, NULL, hash);
	if (e != 0)
		return e;
	if (memcmp(hash, m.sha256, 32) != 0) {
		hex_encode(hash, 32, is);
		hex_encode(m.sha256, 32, want);
		return diag_fail(r->d, CS_E_BUNDLE_HASH, want, "%.100s: %s",
		    m.name, is);
	}
	return r->sink->end != NULL ? r->sink->end(r->sink->arg, &m, r->d) : 0;
}

static int
read_end(struct reader *r)
{
	uint8_t block[TAR_BLOCK];
	size_t k, i;
	bool end;
	int e;

	for (k = 0; k < 2; k++) {
		e = take_block(r, block);
		if (e != 0)
			return e;
		for (i = 0; i < TAR_BLOCK; i++)
			if (block[i] != 0)
				return diag_fail(r->d, CS_E_BUNDLE_TRAILING,
				    "two zero blocks", "another member");
	}
	e = fill(r, &end);
	if (e == 0 && !end)
		e = diag_fail(r->d, CS_E_BUNDLE_TRAILING, "the end",
		    "more bytes");
	return e;
}

int
bundle_read(bundle_read_fn *read, void *arg, enum bundle_type want,
    const struct bundle_sink *sink, uint8_t ret_manifest[32], struct diag *d)
{
	_cleanup_(reader_done) struct reader r = { .read = read,
		.arg = arg,
		.sink = sink,
		.d = d };
	uint8_t hash[32];
	size_t i;
	int e;

	r.buf = malloc(BUFFER);
	if (r.buf == NULL)
		return diag_nomem(d);
	e = hasher_new(HASH_SHA256, &r.hash);
	if (e == 0)
		e = read_manifest(&r, hash);
	if (e == 0)
		e = check_type(&r, want);
	if (e == 0)
		e = bundle_check_order(want, r.e, r.n, d);
	for (i = 0; e == 0 && i < r.n; i++)
		e = read_member(&r, i);
	if (e == 0)
		e = read_end(&r);
	if (e == 0 && ret_manifest != NULL)
		memcpy(ret_manifest, hash, 32);
	return e;
}
