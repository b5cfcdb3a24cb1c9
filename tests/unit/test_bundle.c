/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "lib/file.h"
#include "lib/hex.h"
#include "usb-transfer/bundle.h"

extern char **environ;

#define BLOCK	512u
#define RAW_MAX (64u << 20)
#define STOP	77 /* what a sink or source of ours answers */
#define A	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define G	"gggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg"
#define HASHED	"#" /* at the end of a name: the content's SHA-256 */
#define RECORD                     \
	{                          \
		"record.dsse", "r" \
	}
#define TYPE_OF(t)                                   \
	{                                            \
		"type", "coldseal-bundle v1 " t "\n" \
	}

/* A member as a test writes it down. */
struct part {
	const char *name, *data;
};

static void
put(struct buf *b, const void *p, size_t n)
{
	assert_int_equal(buf_put(b, p, n), 0);
}

static void
put_zeros(struct buf *b, size_t n)
{
	static const uint8_t zero[2 * BLOCK];

	assert_true(n <= sizeof(zero));
	put(b, zero, n);
}

static void
put_member(struct buf *b, const char *name, const void *data, size_t len)
{
	uint8_t h[BLOCK];

	assert_int_equal(bundle_header(name, len, h, NULL), 0);
	put(b, h, sizeof(h));
	put(b, data, len);
	put_zeros(b, -len % BLOCK);
}

/* "artifacts/#" becomes "artifacts/<sha256>" */
static void
full_name(const struct part *p, char out[256])
{
	const size_t n = strlen(p->name);
	char hex[65];

	if (n == 0 || p->name[n - 1] != '#') {
		(void)snprintf(out, 256, "%s", p->name);
		return;
	}
	assert_int_equal(sha256_hex(p->data, strlen(p->data), hex), 0);
	(void)snprintf(out, 256, "%.*s%s", (int)n - 1, p->name, hex);
}

static void
put_line(struct buf *b, const char *name, const void *data, size_t len)
{
	char hex[65];

	assert_int_equal(sha256_hex(data, len, hex), 0);
	assert_int_equal(buf_putf(b, "%s  %s\n", hex, name), 0);
}

/* An archive without any check: manifest text, then the parts, the end. */
static void
raw_archive(struct buf *b, const char *manifest, const struct part *v)
{
	struct buf m = BUF_INIT(RAW_MAX);
	const struct part *p;
	char name[256];

	for (p = v; manifest == NULL && p->name != NULL; p++) {
		full_name(p, name);
		put_line(&m, name, p->data, strlen(p->data));
	}
	if (manifest != NULL)
		put(&m, manifest, strlen(manifest));
	put_member(b, "manifest", m.p, m.len);
	buf_done(&m);
	for (p = v; p->name != NULL; p++) {
		full_name(p, name);
		put_member(b, name, p->data, strlen(p->data));
	}
	put_zeros(b, 2 * BLOCK);
}

/* --- the reader over bytes ---------------------------------------------- */

struct source {
	const uint8_t *p;
	size_t len, at, chunk; /* at most chunk bytes a call */
	size_t fail_at;	       /* error once this much was read; 0: never */
};

static int
source_read(void *arg, void *buf, size_t n, size_t *ret_n, struct diag *d)
{
	struct source *s = arg;

	if (s->fail_at != 0 && s->at >= s->fail_at)
		return diag_fail(d, CS_E_MEDIA_IO, NULL, "the test's error");
	if (n > s->chunk)
		n = s->chunk;
	if (n > s->len - s->at)
		n = s->len - s->at;
	memcpy(buf, s->p + s->at, n);
	s->at += n;
	*ret_n = n;
	return 0;
}

/* Writes down what it is told. */
struct seen {
	struct buf log;
	uint64_t got;
	int fail_begin, fail_data, fail_end;
};

static int
seen_begin(void *arg, const struct bundle_member *m, struct diag *d)
{
	struct seen *s = arg;

	(void)d;
	s->got = 0;
	assert_int_equal(buf_putf(&s->log, "%s %llu\n", m->name,
			     (unsigned long long)m->size),
	    0);
	return s->fail_begin;
}

static int
seen_data(void *arg, const void *p, size_t n, struct diag *d)
{
	struct seen *s = arg;

	(void)p;
	(void)d;
	assert_true(n > 0);
	s->got += n;
	return s->fail_data;
}

static int
seen_end(void *arg, const struct bundle_member *m, struct diag *d)
{
	struct seen *s = arg;

	(void)d;
	assert_true(s->got == m->size);
	return s->fail_end;
}

static int
read_bytes(const void *p, size_t len, enum bundle_type want, size_t chunk,
    struct seen *s, struct diag *d)
{
	struct source src = { .p = p, .len = len, .chunk = chunk };
	const struct bundle_sink sink = { seen_begin, seen_data, seen_end, s };

	return bundle_read(source_read, &src, want, &sink, NULL, d);
}

static int
verdict(const struct buf *b, enum bundle_type want)
{
	struct seen s = { .log = BUF_INIT(RAW_MAX) };
	struct diag d = { 0 };
	int r;

	r = read_bytes(b->p, b->len, want, 1u << 20, &s, &d);
	buf_done(&s.log);
	/* a refusal always says why */
	assert_int_equal(r, d.code);
	return r;
}

static void
expect_id(int code, int want)
{
	if (code != want)
		print_error("%s, expected %s\n", err_id(code), err_id(want));
	assert_int_equal(code, want);
}

/* A good request: two pieces of evidence, one artifact. */
static const struct part good[] = {
	TYPE_OF("request"),
	{ "request.dsse", "{\"payload\":\"\"}" },
	{ "evidence/" HASHED, "one" },
	{ "artifacts/" HASHED, "the artifact" },
	{ NULL, NULL },
};

static void
good_archive(struct buf *b)
{
	raw_archive(b, NULL, good);
	expect_id(verdict(b, BUNDLE_REQUEST), 0);
}

/* --- names, types, headers ---------------------------------------------- */

static void
test_types(void **state)
{
	enum bundle_type t, back = BUNDLE_TYPE_COUNT;
	char text[64], want[64];

	(void)state;
	for (t = 0; t < BUNDLE_TYPE_COUNT; t++) {
		assert_int_equal(bundle_type_from_name(bundle_type_name(t),
				     &back),
		    0);
		assert_int_equal(back, t);
		(void)snprintf(want, sizeof(want), "coldseal-bundle v1 %s\n",
		    bundle_type_name(t));
		assert_int_equal(bundle_type_text(t, text), strlen(want));
		assert_string_equal(text, want);
	}
	expect_id(bundle_type_from_name("Request", &back), CS_E_BUNDLE_TYPE);
	expect_id(bundle_type_from_name("", &back), CS_E_BUNDLE_TYPE);
}

static void
test_names(void **state)
{
	static const char *const fine[] = { "a", "manifest", "evidence/0",
		"tile/entries/x001/234.p/5", "a..b", ".a", "a.", "-" };
	static const char *const bad[] = { "", "/a", "a/", "a//b", ".", "..",
		"a/.", "a/..", "./a", "../a", "a/../b", "A", "a b", "a\\b",
		"a\n", "\x7f", "a_b", "\xc3\xa4", "a:b", "a\tb", "a*" };
	char longest[102];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(fine); i++)
		assert_int_equal(bundle_name_ok(fine[i]), 1);
	for (i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(bundle_name_ok(bad[i]), 0);
	memset(longest, 'a', sizeof(longest));
	longest[100] = '\0';
	assert_int_equal(bundle_name_ok(longest), 1);
	longest[100] = 'a';
	longest[101] = '\0';
	assert_int_equal(bundle_name_ok(longest), 0);
}

static void
test_header(void **state)
{
	uint8_t h[BLOCK];
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(bundle_header("a/b", 0777, h, &d), 0);
	assert_memory_equal(h, "a/b\0", 4);
	assert_memory_equal(h + 124, "00000000777\0", 12);
	assert_memory_equal(h + 257,
	    "ustar\0"
	    "00",
	    8);
	assert_int_equal(bundle_header("a", BUNDLE_SIZE_MAX, h, &d), 0);
	assert_memory_equal(h + 124, "77777777777\0", 12);
	expect_id(bundle_header("a", BUNDLE_SIZE_MAX + 1, h, &d),
	    CS_E_BUNDLE_LARGE);
	expect_id(bundle_header("A", 1, h, &d), CS_E_BUNDLE_NAME);
}

static void
fix_checksum(uint8_t *h)
{
	unsigned sum = 0;
	char text[16];
	size_t i;

	memset(h + 148, ' ', 8);
	for (i = 0; i < BLOCK; i++)
		sum += h[i];
	(void)snprintf(text, sizeof(text), "%06o", sum);
	memcpy(h + 148, text, 7);
}

static bool
in_size(size_t i)
{
	return i >= 124 && i < 136;
}

/* Every byte of every header: flipped, with and without a right checksum. */
static void
test_header_bytes(void **state)
{
	struct buf b = BUF_INIT(RAW_MAX);
	uint8_t keep[BLOCK];
	size_t at, i;
	int r, fixed;

	(void)state;
	good_archive(&b);
	/* manifest, its content, type's header, content, the next header */
	for (at = 0; at <= 4 * BLOCK; at += 2 * BLOCK) {
		memcpy(keep, b.p + at, BLOCK);
		for (i = 0; i < BLOCK; i++) {
			for (fixed = 0; fixed < 2; fixed++) {
				b.p[at + i] ^= 1;
				if (fixed == 1 && (i < 148 || i >= 156))
					fix_checksum(b.p + at);
				r = verdict(&b, BUNDLE_REQUEST);
				assert_int_not_equal(r, 0);
				if (!in_size(i))
					expect_id(r, CS_E_BUNDLE_HEADER);
				memcpy(b.p + at, keep, BLOCK);
			}
		}
	}
	buf_done(&b);
}

/* What other archivers write in the same fields. */
static void
test_header_forms(void **state)
{
	static const struct {
		size_t off;
		const char *bytes;
		size_t len;
		const char *what;
	} forms[] = {
		{ 100, "0000755", 7, "mode" },
		{ 108, "0001750", 7, "uid" },
		{ 116, "0001750", 7, "gid" },
		{ 124, "         24", 11, "size in blanks" },
		{ 124, "00000000024 ", 12, "size without NUL" },
		{ 124, "\x80\0\0\0\0\0\0\0\0\0\0\x14", 12, "base-256 size" },
		{ 124, "0000000002x", 11, "no octal digit" },
		{ 136, "14731462000", 11, "mtime" },
		{ 156, "\0", 1, "old file type" },
		{ 156, "1", 1, "hard link" },
		{ 156, "2", 1, "symbolic link" },
		{ 156, "3", 1, "character device" },
		{ 156, "5", 1, "folder" },
		{ 156, "x", 1, "pax header" },
		{ 156, "L", 1, "GNU long name" },
		{ 157, "/etc/passwd", 11, "link name" },
		{ 257, "ustar  ", 7, "GNU magic" },
		{ 263, "  ", 2, "version" },
		{ 265, "root", 4, "uname" },
		{ 297, "root", 4, "gname" },
		{ 329, "\0\0\0\0\0\0\0", 7, "empty devmajor" },
		{ 345, "a", 1, "prefix" },
		{ 500, "a", 1, "rest" },
	};
	struct buf b = BUF_INIT(RAW_MAX);
	uint8_t keep[BLOCK], *h;
	size_t i;

	(void)state;
	good_archive(&b);
	h = b.p + 2 * BLOCK;
	memcpy(keep, h, BLOCK);
	for (i = 0; i < ARRAY_LEN(forms); i++) {
		memcpy(h + forms[i].off, forms[i].bytes, forms[i].len);
		fix_checksum(h);
		if (verdict(&b, BUNDLE_REQUEST) != CS_E_BUNDLE_HEADER)
			fail_msg("%s was not refused", forms[i].what);
		memcpy(h, keep, BLOCK);
	}
	buf_done(&b);
}

/* The right form, the wrong number. */
static void
test_header_size(void **state)
{
	static const struct {
		const char *size;
		int code;
	} v[] = {
		{ "00000000000", CS_E_BUNDLE_HASH },
		{ "00000000001", CS_E_BUNDLE_PADDING },
		{ "77777777777", CS_E_BUNDLE_LARGE },
	};
	struct buf b = BUF_INIT(RAW_MAX);
	uint8_t keep[BLOCK], *h;
	size_t i;
	int r;

	(void)state;
	good_archive(&b);
	h = b.p + 2 * BLOCK;
	memcpy(keep, h, BLOCK);
	for (i = 0; i < ARRAY_LEN(v); i++) {
		memcpy(h + 124, v[i].size, 11);
		fix_checksum(h);
		r = verdict(&b, BUNDLE_REQUEST);
		/* the hash or the padding: whichever is looked at first */
		if (v[i].code == CS_E_BUNDLE_LARGE)
			expect_id(r, v[i].code);
		else
			assert_true(r == CS_E_BUNDLE_HASH ||
			    r == CS_E_BUNDLE_PADDING ||
			    r == CS_E_BUNDLE_HEADER);
		memcpy(h, keep, BLOCK);
	}
	buf_done(&b);
}

/* --- content ------------------------------------------------------------ */

static void
test_good(void **state)
{
	static const size_t chunks[] = { 1, 7, 511, 512, 513, 4096, 1u << 20 };
	struct buf b = BUF_INIT(RAW_MAX);
	char want[1024], art[65], ev[65];
	struct diag d = { 0 };
	size_t i;

	(void)state;
	good_archive(&b);
	assert_int_equal(sha256_hex("one", 3, ev), 0);
	assert_int_equal(sha256_hex("the artifact", 12, art), 0);
	(void)snprintf(want, sizeof(want),
	    "type 27\nrequest.dsse 14\n"
	    "evidence/%s 3\nartifacts/%s 12\n",
	    ev, art);
	for (i = 0; i < ARRAY_LEN(chunks); i++) {
		struct seen s = { .log = BUF_INIT(RAW_MAX) };

		assert_int_equal(read_bytes(b.p, b.len, BUNDLE_REQUEST,
				     chunks[i], &s, &d),
		    0);
		assert_int_equal(buf_put_u8(&s.log, 0), 0);
		assert_string_equal((char *)s.log.p, want);
		buf_done(&s.log);
	}
	buf_done(&b);
}

static void
test_manifest_hash(void **state)
{
	struct buf b = BUF_INIT(RAW_MAX);
	struct seen s = { .log = BUF_INIT(RAW_MAX) };
	const struct bundle_sink sink = { seen_begin, seen_data, seen_end, &s };
	struct source src = { .chunk = 1u << 20 };
	uint8_t got[32], want[32];
	size_t len = 0, i;

	(void)state;
	good_archive(&b);
	for (i = 124; i < 135; i++)
		len = len * 8 + (size_t)(b.p[i] - '0');
	assert_int_equal(sha256(b.p + BLOCK, len, want), 0);
	src.p = b.p;
	src.len = b.len;
	assert_int_equal(bundle_read(source_read, &src, BUNDLE_REQUEST, &sink,
			     got, NULL),
	    0);
	assert_memory_equal(got, want, 32);
	buf_done(&s.log);
	buf_done(&b);
}

static void
test_truncated(void **state)
{
	struct buf b = BUF_INIT(RAW_MAX);
	const size_t *cut;
	size_t whole, n;
	static const size_t odd[] = { 0, 1, 100, 511, 513, 1537, 0 };

	(void)state;
	good_archive(&b);
	whole = b.len;
	for (n = 0; n < whole; n += BLOCK) {
		b.len = n;
		expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_TRUNCATED);
	}
	for (cut = odd + 1; *cut != 0; cut++) {
		b.len = *cut;
		expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_TRUNCATED);
	}
	b.len = whole - 1;
	expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_TRUNCATED);
	buf_done(&b);
}

static void
test_trailing(void **state)
{
	struct buf b = BUF_INIT(RAW_MAX);
	size_t whole;

	(void)state;
	good_archive(&b);
	whole = b.len;
	put(&b, "x", 1);
	expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_TRAILING);
	b.len = whole;
	/* GNU tar fills its record with zeros */
	put_zeros(&b, BLOCK);
	expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_TRAILING);
	b.len = whole;
	b.p[whole - 1] = 1;
	expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_TRAILING);
	b.p[whole - 1] = 0;
	/* a member that the manifest does not have */
	b.len = whole - 2 * BLOCK;
	put_member(&b, "more", "more", 4);
	put_zeros(&b, 2 * BLOCK);
	expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_TRAILING);
	/* the same behind one zero block */
	b.len = whole - BLOCK;
	put_member(&b, "more", "more", 4);
	expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_TRAILING);
	buf_done(&b);
}

static void
test_padding(void **state)
{
	struct buf b = BUF_INIT(RAW_MAX);

	(void)state;
	good_archive(&b);
	b.p[2 * BLOCK - 1] ^= 1; /* the manifest's */
	expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_PADDING);
	b.p[2 * BLOCK - 1] ^= 1;
	b.p[4 * BLOCK - 1] ^= 1; /* type's */
	expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_PADDING);
	b.p[4 * BLOCK - 1] ^= 1;
	b.p[b.len - 2 * BLOCK - 1] ^= 1; /* the last member's */
	expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_PADDING);
	buf_done(&b);
}

static void
test_hash(void **state)
{
	struct buf b = BUF_INIT(RAW_MAX);

	(void)state;
	good_archive(&b);
	b.p[5 * BLOCK] ^= 1; /* request.dsse */
	expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_HASH);
	b.p[5 * BLOCK] ^= 1;
	b.p[b.len - 3 * BLOCK] ^= 1; /* the artifact */
	expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_HASH);
	b.p[b.len - 3 * BLOCK] ^= 1;
	b.p[3 * BLOCK] ^= 1; /* type's content, its hash is right */
	expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_HASH);
	buf_done(&b);
}

/* The manifest's own form. */
static void
test_manifest(void **state)
{
	static const struct {
		const char *line; /* after a good line for "type" */
		int code;
	} v[] = {
		{ A "  request.dsse", CS_E_BUNDLE_MANIFEST }, /* no newline */
		{ "\n", CS_E_BUNDLE_MANIFEST },
		{ A "\n", CS_E_BUNDLE_MANIFEST },
		{ A "  \n", CS_E_BUNDLE_MANIFEST },
		{ A " request.dsse\n", CS_E_BUNDLE_MANIFEST },
		{ A " *request.dsse\n", CS_E_BUNDLE_MANIFEST },
		{ A "\t\trequest.dsse\n", CS_E_BUNDLE_MANIFEST },
		{ " " A "  request.dsse\n", CS_E_BUNDLE_MANIFEST },
		{ "A" A "  request.dsse\n", CS_E_BUNDLE_MANIFEST },
		{ "\\" A "  request.dsse\n", CS_E_BUNDLE_MANIFEST },
		{ A "   request.dsse\n", CS_E_BUNDLE_NAME },
		{ A "  request.dsse\r\n", CS_E_BUNDLE_NAME },
		{ A "  Request.dsse\n", CS_E_BUNDLE_NAME },
		{ A "  ../request.dsse\n", CS_E_BUNDLE_NAME },
		{ A "  manifest\n", CS_E_BUNDLE_NAME },
		{ A "  " A A "\n", CS_E_BUNDLE_NAME },
		{ "", CS_E_BUNDLE_MISSING },
	};
	struct buf m = BUF_INIT(RAW_MAX), b = BUF_INIT(RAW_MAX);
	char upper[200];
	size_t i, head;

	(void)state;
	put_line(&m, "type", good[0].data, strlen(good[0].data));
	head = m.len;
	for (i = 0; i < ARRAY_LEN(v); i++) {
		m.len = head;
		put(&m, v[i].line, strlen(v[i].line) + 1);
		buf_reset(&b);
		raw_archive(&b, (char *)m.p, good);
		expect_id(verdict(&b, BUNDLE_REQUEST), v[i].code);
	}
	/* upper-case digits */
	(void)snprintf(upper, sizeof(upper), "%.63sF  request.dsse\n", A);
	m.len = head;
	put(&m, upper, strlen(upper) + 1);
	buf_reset(&b);
	raw_archive(&b, (char *)m.p, good);
	expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_MANIFEST);
	buf_reset(&b);
	raw_archive(&b, "", good);
	expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_MANIFEST);
	buf_done(&b);
	buf_done(&m);
}

/* A NUL must not hide what follows it in a name. */
static void
test_manifest_nul(void **state)
{
	struct buf m = BUF_INIT(RAW_MAX), b = BUF_INIT(RAW_MAX);

	(void)state;
	put_line(&m, "type", good[0].data, strlen(good[0].data));
	put(&m, A "  request.dsse\0x\n", 64 + 2 + 12 + 3);
	put_member(&b, "manifest", m.p, m.len);
	put_zeros(&b, 2 * BLOCK);
	expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_MANIFEST);
	buf_done(&b);
	buf_done(&m);
}

/* The archive's members against the manifest's list. */
static void
test_renamed(void **state)
{
	struct buf m = BUF_INIT(RAW_MAX), b = BUF_INIT(RAW_MAX);
	struct part v[ARRAY_LEN(good)];
	char name[256], *text;
	size_t i;
	int r;

	(void)state;
	memcpy(v, good, sizeof(v));
	for (i = 0; v[i].name != NULL; i++) {
		full_name(&v[i], name);
		put_line(&m, name, v[i].data, strlen(v[i].data));
	}
	assert_int_equal(buf_put_u8(&m, 0), 0);
	text = (char *)m.p;
	v[1].name = "request.dssf";
	raw_archive(&b, text, v);
	assert_int_equal(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_HEADER);
	/* one is missing: another one, or the end, stands in its place */
	v[1] = v[2];
	v[2] = v[3];
	v[3].name = NULL;
	buf_reset(&b);
	raw_archive(&b, text, v);
	assert_int_equal(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_HEADER);
	memcpy(v, good, sizeof(v));
	v[3].name = NULL;
	buf_reset(&b);
	raw_archive(&b, text, v);
	r = verdict(&b, BUNDLE_REQUEST);
	assert_true(r == CS_E_BUNDLE_HEADER || r == CS_E_BUNDLE_MISSING);
	/* swapped */
	memcpy(v, good, sizeof(v));
	v[2] = good[3];
	v[3] = good[2];
	buf_reset(&b);
	raw_archive(&b, text, v);
	assert_int_equal(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_HEADER);
	buf_done(&b);
	buf_done(&m);
}

/* --- what each type may hold -------------------------------------------- */

#define SIG(h)                              \
	{                                   \
		"signatures/" h ".sig", "s" \
	}
#define P7S(h)                              \
	{                                   \
		"signatures/" h ".p7s", "s" \
	}
#define PROOF(h)                               \
	{                                      \
		"proofs/" h ".tlog-proof", "p" \
	}
#define CHECKPOINT                \
	{                         \
		"checkpoint", "c" \
	}
#define POLICY                     \
	{                          \
		"policy.dsse", "p" \
	}

/* clang-format off */
static const struct order {
	const char *what;
	enum bundle_type type;
	int code;
	struct part v[9];
} orders[] = {
	{ "smallest request", BUNDLE_REQUEST, 0,
	    { TYPE_OF("request"), { "request.dsse", "x" } } },
	{ "no request", BUNDLE_REQUEST, CS_E_BUNDLE_MISSING,
	    { TYPE_OF("request") } },
	{ "artifact before request", BUNDLE_REQUEST, CS_E_BUNDLE_MISSING,
	    { TYPE_OF("request"), { "artifacts/" HASHED, "x" },
		{ "request.dsse", "x" } } },
	{ "artifact before evidence", BUNDLE_REQUEST, CS_E_BUNDLE_NAME,
	    { TYPE_OF("request"), { "request.dsse", "x" },
		{ "artifacts/" HASHED, "x" }, { "evidence/" HASHED, "y" } } },
	{ "not the artifact's hash", BUNDLE_REQUEST, CS_E_BUNDLE_NAME,
	    { TYPE_OF("request"), { "request.dsse", "x" },
		{ "artifacts/" A, "x" } } },
	{ "not the evidence's hash", BUNDLE_REQUEST, CS_E_BUNDLE_NAME,
	    { TYPE_OF("request"), { "request.dsse", "x" },
		{ "evidence/" A, "x" } } },
	{ "artifact with a name", BUNDLE_REQUEST, CS_E_BUNDLE_NAME,
	    { TYPE_OF("request"), { "request.dsse", "x" },
		{ "artifacts/firmware.bin", "x" } } },
	/* SHA-256: 3f79.. of "e", 3e23.. of "b" */
	{ "artifacts not sorted", BUNDLE_REQUEST, CS_E_BUNDLE_NAME,
	    { TYPE_OF("request"), { "request.dsse", "x" },
		{ "artifacts/" HASHED, "e" }, { "artifacts/" HASHED, "b" } } },
	{ "artifact twice", BUNDLE_REQUEST, CS_E_BUNDLE_DUPLICATE,
	    { TYPE_OF("request"), { "request.dsse", "x" },
		{ "artifacts/" HASHED, "x" }, { "artifacts/" HASHED, "x" } } },
	{ "evidence twice", BUNDLE_REQUEST, CS_E_BUNDLE_DUPLICATE,
	    { TYPE_OF("request"), { "request.dsse", "x" },
		{ "evidence/" HASHED, "x" }, { "evidence/" HASHED, "x" } } },
	{ "request twice", BUNDLE_REQUEST, CS_E_BUNDLE_DUPLICATE,
	    { TYPE_OF("request"), { "request.dsse", "x" },
		{ "request.dsse", "x" } } },
	{ "type twice", BUNDLE_REQUEST, CS_E_BUNDLE_DUPLICATE,
	    { TYPE_OF("request"), TYPE_OF("request"),
		{ "request.dsse", "x" } } },
	{ "something else", BUNDLE_REQUEST, CS_E_BUNDLE_NAME,
	    { TYPE_OF("request"), { "request.dsse", "x" },
		{ "readme", "x" } } },
	{ "type not first", BUNDLE_REQUEST, CS_E_BUNDLE_TYPE,
	    { { "request.dsse", "x" }, TYPE_OF("request") } },
	{ "type by another name", BUNDLE_REQUEST, CS_E_BUNDLE_TYPE,
	    { { "kind", "coldseal-bundle v1 request\n" },
		{ "request.dsse", "x" } } },
	{ "type of the future", BUNDLE_REQUEST, CS_E_BUNDLE_TYPE,
	    { { "type", "coldseal-bundle v2 request\n" },
		{ "request.dsse", "x" } } },
	{ "response for a request", BUNDLE_REQUEST, CS_E_BUNDLE_TYPE,
	    { TYPE_OF("response"), RECORD } },
	{ "request for a response", BUNDLE_RESPONSE, CS_E_BUNDLE_TYPE,
	    { TYPE_OF("request"), { "request.dsse", "x" } } },
	{ "audit for a response", BUNDLE_RESPONSE, CS_E_BUNDLE_TYPE,
	    { TYPE_OF("audit"), CHECKPOINT, POLICY } },
	{ "refusal", BUNDLE_RESPONSE, 0, { TYPE_OF("response"), RECORD } },
	{ "two signatures", BUNDLE_RESPONSE, 0,
	    { TYPE_OF("response"), RECORD, P7S(B), PROOF(B), SIG(A), PROOF(A),
		CHECKPOINT } },
	{ "no record", BUNDLE_RESPONSE, CS_E_BUNDLE_MISSING,
	    { TYPE_OF("response"), SIG(A), PROOF(A), CHECKPOINT } },
	{ "no proof", BUNDLE_RESPONSE, CS_E_BUNDLE_MISSING,
	    { TYPE_OF("response"), RECORD, SIG(A), CHECKPOINT } },
	{ "no signature", BUNDLE_RESPONSE, CS_E_BUNDLE_NAME,
	    { TYPE_OF("response"), RECORD, PROOF(A), CHECKPOINT } },
	{ "another's proof", BUNDLE_RESPONSE, CS_E_BUNDLE_MISSING,
	    { TYPE_OF("response"), RECORD, SIG(A), PROOF(B), CHECKPOINT } },
	{ "signature twice", BUNDLE_RESPONSE, CS_E_BUNDLE_DUPLICATE,
	    { TYPE_OF("response"), RECORD, SIG(A), PROOF(A), SIG(A), PROOF(A),
		CHECKPOINT } },
	{ "signature of a short name", BUNDLE_RESPONSE, CS_E_BUNDLE_NAME,
	    { TYPE_OF("response"), RECORD, SIG("aa"), PROOF("aa"),
		CHECKPOINT } },
	{ "signature of a long name", BUNDLE_RESPONSE, CS_E_BUNDLE_NAME,
	    { TYPE_OF("response"), RECORD, SIG(A "a"), PROOF(A "a"),
		CHECKPOINT } },
	{ "signature of no digits", BUNDLE_RESPONSE, CS_E_BUNDLE_NAME,
	    { TYPE_OF("response"), RECORD, SIG(G), PROOF(G), CHECKPOINT } },
	{ "another suffix", BUNDLE_RESPONSE, CS_E_BUNDLE_NAME,
	    { TYPE_OF("response"), RECORD, { "signatures/" A ".a-b", "s" },
		PROOF(A), CHECKPOINT } },
	{ "no suffix", BUNDLE_RESPONSE, CS_E_BUNDLE_NAME,
	    { TYPE_OF("response"), RECORD, { "signatures/" A ".", "s" },
		PROOF(A), CHECKPOINT } },
	{ "a suffix without a dot", BUNDLE_RESPONSE, CS_E_BUNDLE_NAME,
	    { TYPE_OF("response"), RECORD, { "signatures/" A "sig", "s" },
		PROOF(A), CHECKPOINT } },
	{ "two suffixes", BUNDLE_RESPONSE, CS_E_BUNDLE_NAME,
	    { TYPE_OF("response"), RECORD, { "signatures/" A ".a.b", "s" },
		PROOF(A), CHECKPOINT } },
	{ "a suffix of 9", BUNDLE_RESPONSE, CS_E_BUNDLE_NAME,
	    { TYPE_OF("response"), RECORD, { "signatures/" A ".abcdefghi", "s" },
		PROOF(A), CHECKPOINT } },
	{ "a suffix of 8", BUNDLE_RESPONSE, 0,
	    { TYPE_OF("response"), RECORD, { "signatures/" A ".abcdefg8", "s" },
		PROOF(A), CHECKPOINT } },
	{ "checkpoint first", BUNDLE_RESPONSE, CS_E_BUNDLE_NAME,
	    { TYPE_OF("response"), RECORD, CHECKPOINT, SIG(A), PROOF(A) } },
	{ "smallest audit", BUNDLE_AUDIT, 0,
	    { TYPE_OF("audit"), CHECKPOINT, POLICY } },
	{ "audit", BUNDLE_AUDIT, 0,
	    { TYPE_OF("audit"), CHECKPOINT, POLICY, { "tile/0/000.p/3", "t" },
		{ "tile/entries/000.p/3", "t" }, { "blobs/" HASHED, "x" } } },
	{ "audit with an answer of the TPM", BUNDLE_AUDIT, 0,
	    { TYPE_OF("audit"), CHECKPOINT, POLICY,
		{ "attest/answer.json", "a" }, { "tile/0/000", "t" } } },
	{ "two answers", BUNDLE_AUDIT, CS_E_BUNDLE_DUPLICATE,
	    { TYPE_OF("audit"), CHECKPOINT, POLICY,
		{ "attest/answer.json", "a" }, { "attest/answer.json", "a" } } },
	{ "an answer after tiles", BUNDLE_AUDIT, CS_E_BUNDLE_NAME,
	    { TYPE_OF("audit"), CHECKPOINT, POLICY, { "tile/0/000", "t" },
		{ "attest/answer.json", "a" } } },
	{ "another name beside the answer", BUNDLE_AUDIT, CS_E_BUNDLE_NAME,
	    { TYPE_OF("audit"), CHECKPOINT, POLICY,
		{ "attest/other.json", "a" } } },
	{ "attest", BUNDLE_ATTEST, 0,
	    { TYPE_OF("attest"), { "answer.json", "a" } } },
	{ "attest and more", BUNDLE_ATTEST, CS_E_BUNDLE_NAME,
	    { TYPE_OF("attest"), { "answer.json", "a" }, CHECKPOINT } },
	{ "empty attest", BUNDLE_ATTEST, CS_E_BUNDLE_MISSING,
	    { TYPE_OF("attest") } },
	{ "audit without checkpoint", BUNDLE_AUDIT, CS_E_BUNDLE_MISSING,
	    { TYPE_OF("audit"), POLICY } },
	{ "audit without policy", BUNDLE_AUDIT, CS_E_BUNDLE_MISSING,
	    { TYPE_OF("audit"), CHECKPOINT, { "tile/0/000.p/3", "t" } } },
	{ "tiles not sorted", BUNDLE_AUDIT, CS_E_BUNDLE_NAME,
	    { TYPE_OF("audit"), CHECKPOINT, POLICY, { "tile/1/000", "t" },
		{ "tile/0/000", "t" } } },
	{ "blobs before tiles", BUNDLE_AUDIT, CS_E_BUNDLE_NAME,
	    { TYPE_OF("audit"), CHECKPOINT, POLICY, { "blobs/" HASHED, "x" },
		{ "tile/0/000", "t" } } },
	{ "a blob's wrong name", BUNDLE_AUDIT, CS_E_BUNDLE_NAME,
	    { TYPE_OF("audit"), CHECKPOINT, POLICY, { "blobs/" A, "x" } } },
	{ "approval", BUNDLE_APPROVAL, 0,
	    { TYPE_OF("approval"), { "approval.dsse", "x" } } },
	{ "empty approval", BUNDLE_APPROVAL, CS_E_BUNDLE_MISSING,
	    { TYPE_OF("approval") } },
	{ "approval and more", BUNDLE_APPROVAL, CS_E_BUNDLE_NAME,
	    { TYPE_OF("approval"), { "approval.dsse", "x" },
		{ "request.dsse", "x" } } },
	{ "empty receipt", BUNDLE_RECEIPT, CS_E_BUNDLE_MISSING,
	    { TYPE_OF("receipt") } },
};
/* clang-format on */

static void
test_orders(void **state)
{
	struct buf b = BUF_INIT(RAW_MAX);
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < ARRAY_LEN(orders); i++) {
		buf_reset(&b);
		raw_archive(&b, NULL, orders[i].v);
		r = verdict(&b, orders[i].type);
		if (r != orders[i].code)
			fail_msg("%s: %s, expected %s", orders[i].what,
			    err_id(r), err_id(orders[i].code));
	}
	buf_done(&b);
}

/* A header of a size, and nothing behind it, is enough to be refused. */
static int
verdict_of_size(const char *name, uint64_t size)
{
	struct buf m = BUF_INIT(RAW_MAX), b = BUF_INIT(RAW_MAX);
	const bool is_request = strcmp(name, "request.dsse") == 0;
	uint8_t h[BLOCK];
	int r;

	put_line(&m, "type", good[0].data, strlen(good[0].data));
	put_line(&m, "request.dsse", "x", 1);
	if (!is_request)
		assert_int_equal(buf_putf(&m, "%s  %s\n", strchr(name, '/') + 1,
				     name),
		    0);
	put_member(&b, "manifest", m.p, m.len);
	put_member(&b, "type", good[0].data, strlen(good[0].data));
	if (!is_request)
		put_member(&b, "request.dsse", "x", 1);
	assert_int_equal(bundle_header(name, size, h, NULL), 0);
	put(&b, h, sizeof(h));
	r = verdict(&b, BUNDLE_REQUEST);
	buf_done(&b);
	buf_done(&m);
	return r;
}

static void
test_limits(void **state)
{
	struct buf b = BUF_INIT(RAW_MAX);
	uint8_t h[BLOCK];

	(void)state;
	expect_id(verdict_of_size("request.dsse", BUNDLE_DOC_MAX + 1),
	    CS_E_BUNDLE_LARGE);
	expect_id(verdict_of_size("evidence/" A, BUNDLE_DOC_MAX + 1),
	    CS_E_BUNDLE_LARGE);
	/* within the limit it is the missing content that is refused */
	expect_id(verdict_of_size("evidence/" A, BUNDLE_DOC_MAX),
	    CS_E_BUNDLE_TRUNCATED);
	expect_id(verdict_of_size("artifacts/" A, BUNDLE_SIZE_MAX),
	    CS_E_BUNDLE_TRUNCATED);
	assert_int_equal(bundle_header("manifest", BUNDLE_MANIFEST_MAX + 1, h,
			     NULL),
	    0);
	put(&b, h, sizeof(h));
	expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_LARGE);
	buf_done(&b);
}

static void
test_too_many(void **state)
{
	struct buf m = BUF_INIT(RAW_MAX), b = BUF_INIT(RAW_MAX);
	char line[128];
	size_t i;

	(void)state;
	put_line(&m, "type", good[0].data, strlen(good[0].data));
	for (i = 0; i < BUNDLE_MEMBERS_MAX; i++) {
		(void)snprintf(line, sizeof(line), A "  a%zu\n", i);
		put(&m, line, strlen(line));
	}
	put_member(&b, "manifest", m.p, m.len);
	expect_id(verdict(&b, BUNDLE_REQUEST), CS_E_BUNDLE_LARGE);
	buf_done(&b);
	buf_done(&m);
}

static void
test_callers_errors(void **state)
{
	struct buf b = BUF_INIT(RAW_MAX);
	struct diag d = { 0 };
	struct seen s = { .log = BUF_INIT(RAW_MAX), .fail_begin = STOP };
	const struct bundle_sink sink = { seen_begin, seen_data, seen_end, &s };
	struct source src = { .chunk = BLOCK, .fail_at = 3 * BLOCK };

	(void)state;
	good_archive(&b);
	assert_int_equal(read_bytes(b.p, b.len, BUNDLE_REQUEST, 1u << 20, &s,
			     &d),
	    STOP);
	s.fail_begin = 0;
	s.fail_data = STOP;
	assert_int_equal(read_bytes(b.p, b.len, BUNDLE_REQUEST, 1u << 20, &s,
			     &d),
	    STOP);
	s.fail_data = 0;
	s.fail_end = STOP;
	assert_int_equal(read_bytes(b.p, b.len, BUNDLE_REQUEST, 1u << 20, &s,
			     &d),
	    STOP);
	s.fail_end = 0;
	src.p = b.p;
	src.len = b.len;
	expect_id(bundle_read(source_read, &src, BUNDLE_REQUEST, &sink, NULL,
		      &d),
	    CS_E_MEDIA_IO);
	buf_done(&s.log);
	buf_done(&b);
}

/* --- writing ------------------------------------------------------------ */

static int
memory_file(const void *p, size_t n)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, p, n), 0);
	return fd;
}

static struct bundle_writer *
new_writer(enum bundle_type t)
{
	struct bundle_writer *w = NULL;

	assert_int_equal(bundle_writer_new(t, &w), 0);
	return w;
}

static void
add(struct bundle_writer *w, const char *name, const char *data)
{
	assert_int_equal(bundle_writer_add(w, name, data, strlen(data), NULL),
	    0);
}

/* A request whose artifact (data, len) comes from a descriptor. */
static struct bundle_writer *
request_writer(int fd, const uint8_t *data, size_t len)
{
	struct bundle_writer *w = new_writer(BUNDLE_REQUEST);
	char name[128] = "artifacts/";

	add(w, "request.dsse", good[1].data);
	assert_int_equal(sha256_hex(data, len, name + 10), 0);
	assert_int_equal(bundle_writer_add_fd(w, name, fd, 100, len, NULL,
			     NULL),
	    0);
	return w;
}

static uint8_t *
pattern(size_t n)
{
	uint8_t *p = malloc(n);
	size_t i;

	assert_non_null(p);
	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 7 + i / 251);
	return p;
}

/* The whole archive, through the random-access reader in odd pieces. */
static void
collect(struct bundle_writer *w, struct buf *b, size_t step)
{
	const uint64_t size = bundle_writer_size(w);
	_cleanup_free_ uint8_t *p = malloc(step);
	uint64_t off;

	for (off = 0; off < size; off += step) {
		const size_t n =
		    size - off < step ? (size_t)(size - off) : step;

		assert_int_equal(bundle_writer_read(w, off, p, n, NULL), 0);
		put(b, p, n);
	}
}

static int
count_calls(void *arg, uint64_t done, uint64_t total)
{
	uint64_t *last = arg;

	assert_true(done > *last && done <= total);
	*last = done;
	return 0;
}

static void
test_writer(void **state)
{
	static const size_t steps[] = { 1000, 512, 65536, 3u << 20 };
	const size_t len = (2u << 20) + 77;
	_cleanup_free_ uint8_t *data = pattern(len + 200);
	_cleanup_bundle_ struct bundle_writer *w = NULL;
	_cleanup_fd_ int fd = memory_file(data, len + 200), out = -1;
	struct buf whole = BUF_INIT(RAW_MAX), b = BUF_INIT(RAW_MAX);
	uint64_t last = 0;
	uint8_t *back;
	size_t i, n;

	(void)state;
	w = request_writer(fd, data + 100, len);
	assert_int_equal(bundle_writer_finish(w, NULL), 0);
	out = memory_file("", 0);
	assert_int_equal(bundle_writer_to_fd(w, out, count_calls, &last, NULL),
	    0);
	assert_true(last == bundle_writer_size(w));
	assert_int_equal(fd_read_file(out, RAW_MAX, &back, &n, NULL), 0);
	assert_true(n == bundle_writer_size(w));
	put(&whole, back, n);
	free(back);
	expect_id(verdict(&whole, BUNDLE_REQUEST), 0);
	for (i = 0; i < ARRAY_LEN(steps); i++) {
		buf_reset(&b);
		collect(w, &b, steps[i]);
		assert_int_equal(b.len, n);
		assert_memory_equal(b.p, whole.p, n);
	}
	/* backwards, and out of it */
	assert_int_equal(bundle_writer_read(w, 3 * BLOCK, b.p, 600, NULL), 0);
	assert_memory_equal(b.p, whole.p + 3 * BLOCK, 600);
	assert_int_equal(bundle_writer_read(w, 0, b.p, 600, NULL), 0);
	assert_memory_equal(b.p, whole.p, 600);
	assert_int_not_equal(bundle_writer_read(w, n - 1, b.p, 2, NULL), 0);
	buf_done(&b);
	buf_done(&whole);
}

/* The writer's bytes are the canonical ones. */
static void
test_writer_bytes(void **state)
{
	struct buf want = BUF_INIT(RAW_MAX), is = BUF_INIT(RAW_MAX);
	_cleanup_bundle_ struct bundle_writer *w = NULL;
	char name[256];
	size_t i;

	(void)state;
	good_archive(&want);
	w = new_writer(BUNDLE_REQUEST);
	for (i = 1; good[i].name != NULL; i++) {
		full_name(&good[i], name);
		add(w, name, good[i].data);
	}
	assert_int_equal(bundle_writer_finish(w, NULL), 0);
	collect(w, &is, 4096);
	assert_int_equal(is.len, want.len);
	assert_memory_equal(is.p, want.p, want.len);
	buf_done(&is);
	buf_done(&want);
}

static void
test_writer_refuses(void **state)
{
	_cleanup_bundle_ struct bundle_writer *w = NULL;
	_cleanup_fd_ int fd = memory_file("short", 5);
	struct diag d = { 0 };
	char name[256];
	size_t i, k;
	int r;

	(void)state;
	/* the order rules, the same table as the reader's */
	for (i = 0; i < ARRAY_LEN(orders); i++) {
		if (orders[i].code == CS_E_BUNDLE_TYPE ||
		    strcmp(orders[i].v[1].name == NULL ? "" :
							 orders[i].v[1].name,
			"type") == 0)
			continue;
		w = new_writer(orders[i].type);
		r = 0;
		for (k = 1; r == 0 && orders[i].v[k].name != NULL; k++) {
			full_name(&orders[i].v[k], name);
			r = bundle_writer_add(w, name, orders[i].v[k].data,
			    strlen(orders[i].v[k].data), &d);
		}
		if (r == 0)
			r = bundle_writer_finish(w, &d);
		if (r != orders[i].code)
			fail_msg("%s: %s, expected %s", orders[i].what,
			    err_id(r), err_id(orders[i].code));
		bundle_writer_free(&w);
	}
	w = new_writer(BUNDLE_REQUEST);
	assert_int_not_equal(bundle_writer_add_fd(w, "request.dsse", fd, 0, 6,
				 NULL, &d),
	    0);
	bundle_writer_free(&w);
	w = new_writer(BUNDLE_REQUEST);
	add(w, "request.dsse", "x");
	assert_int_equal(bundle_writer_finish(w, NULL), 0);
	assert_int_not_equal(bundle_writer_add(w, "x", "x", 1, &d), 0);
}

static void
test_writer_fd_closed(void **state)
{
	const size_t len = 300000;
	_cleanup_free_ uint8_t *data = pattern(len + 100);
	_cleanup_bundle_ struct bundle_writer *w = NULL;
	struct buf b = BUF_INIT(RAW_MAX);
	int fd = memory_file(data, len + 100);

	(void)state;
	w = request_writer(fd, data + 100, len);
	(void)close(fd); /* it has its own */
	assert_int_equal(bundle_writer_finish(w, NULL), 0);
	collect(w, &b, 1u << 20);
	expect_id(verdict(&b, BUNDLE_REQUEST), 0);
	buf_done(&b);
}

/* 40,000 members out of one descriptor, more than there are descriptors. */
static void
test_many(void **state)
{
	const size_t pairs = (BUNDLE_MEMBERS_MAX - 3) / 2;
	_cleanup_bundle_ struct bundle_writer *w = new_writer(BUNDLE_RESPONSE);
	_cleanup_fd_ int fd = memory_file("sp", 2);
	struct buf b = BUF_INIT(RAW_MAX);
	char name[128];
	size_t i;

	(void)state;
	add(w, "record.dsse", "r");
	for (i = 0; i < pairs; i++) {
		(void)snprintf(name, sizeof(name), "signatures/%064zx.sig", i);
		assert_int_equal(bundle_writer_add_fd(w, name, fd, 0, 1, NULL,
				     NULL),
		    0);
		(void)snprintf(name, sizeof(name), "proofs/%064zx.tlog-proof",
		    i);
		assert_int_equal(bundle_writer_add_fd(w, name, fd, 1, 1, NULL,
				     NULL),
		    0);
	}
	add(w, "checkpoint", "c");
	assert_int_equal(bundle_writer_finish(w, NULL), 0);
	collect(w, &b, 1u << 20);
	expect_id(verdict(&b, BUNDLE_RESPONSE), 0);
	buf_done(&b);
}

/* --- stock tools -------------------------------------------------------- */

static int
run(const char *const argv[], const char *dir, const char *out)
{
	posix_spawn_file_actions_t fa;
	int status = -1;
	pid_t pid;

	assert_int_equal(posix_spawn_file_actions_init(&fa), 0);
	assert_int_equal(posix_spawn_file_actions_addchdir_np(&fa, dir), 0);
	assert_int_equal(posix_spawn_file_actions_addopen(&fa, 1, out,
			     O_WRONLY | O_CREAT | O_TRUNC, 0600),
	    0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&fa, 1, 2), 0);
	assert_int_equal(posix_spawnp(&pid, argv[0], &fa, NULL,
			     (char *const *)(uintptr_t)argv, environ),
	    0);
	(void)posix_spawn_file_actions_destroy(&fa);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
test_stock_tools(void **state)
{
	static const char *const list[] = { "tar", "tvf", "b.tar", NULL };
	static const char *const extract[] = { "tar", "xf", "b.tar", NULL };
	static const char *const check[] = { "sha256sum", "--strict", "--quiet",
		"-c", "manifest", NULL };
	const char *tmp = getenv("TMPDIR");
	char dir[256], path[300];
	struct buf b = BUF_INIT(RAW_MAX);
	uint8_t *text;
	size_t n;

	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/cs-bundle.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/b.tar", dir);
	good_archive(&b);
	assert_int_equal(file_write_atomic(AT_FDCWD, path, b.p, b.len, 0600,
			     NULL),
	    0);
	buf_done(&b);
	assert_int_equal(run(list, dir, "list"), 0);
	(void)snprintf(path, sizeof(path), "%s/list", dir);
	assert_int_equal(file_read(AT_FDCWD, path, 65536, &text, &n, NULL), 0);
	assert_non_null(strstr((char *)text, "-rw-r--r-- 0/0"));
	assert_non_null(strstr((char *)text, "manifest\n"));
	/* no warning among the five lines */
	assert_null(strstr((char *)text, "tar:"));
	free(text);
	assert_int_equal(run(extract, dir, "out"), 0);
	assert_int_equal(run(check, dir, "out"), 0);
	assert_int_equal(run((const char *const[]){ "rm", "-rf", dir, NULL },
			     "/", "/dev/null"),
	    0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_header_bytes),
		cmocka_unit_test(test_header_forms),
		cmocka_unit_test(test_header_size),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_manifest_hash),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_trailing),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_manifest),
		cmocka_unit_test(test_manifest_nul),
		cmocka_unit_test(test_renamed),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_callers_errors),
		cmocka_unit_test(test_writer),
		cmocka_unit_test(test_writer_bytes),
		cmocka_unit_test(test_writer_refuses),
		cmocka_unit_test(test_writer_fd_closed),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_stock_tools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
