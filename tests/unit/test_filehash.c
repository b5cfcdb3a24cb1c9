/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/filehash.h"

/*
 * What formats hash of files, by bytes; that stock tools compute the same is
 * in tests/ceremony/formats.t.
 */
#define FILE_MAX 8192u

struct file {
	size_t len;
	uint8_t p[FILE_MAX];
};

static int
digest(enum filehash_how how, const struct file *f, size_t step,
    uint8_t md[HASH_MAX_LEN])
{
	_cleanup_filehash_ struct filehash *h = NULL;
	size_t at, n, len = 0;
	int round, r = 0;

	assert_int_equal(filehash_new(how, HASH_SHA256, "end", 3, &h), 0);
	/* twice: a batch uses one for all */
	for (round = 0; round < 2; round++) {
		assert_int_equal(filehash_start(h, f->len), 0);
		for (at = 0; at < f->len; at += n) {
			n = f->len - at < step ? f->len - at : step;
			assert_int_equal(filehash_update(h, f->p + at, n), 0);
		}
		r = filehash_final(h, md, &len, NULL);
		assert_int_equal(len, r == 0 ? 32 : 0);
	}
	return r;
}

static void
same(enum filehash_how how, const struct file *f, const struct file *hashed)
{
	static const size_t steps[] = { 1, 7, 512, FILE_MAX };
	struct file all = *hashed;
	uint8_t md[HASH_MAX_LEN], want[HASH_MAX_LEN];
	size_t i;

	memcpy(all.p + all.len, "end", 3);
	assert_int_equal(hash_of(HASH_SHA256, all.p, all.len + 3, want), 0);
	for (i = 0; i < ARRAY_LEN(steps); i++) {
		assert_int_equal(digest(how, f, steps[i], md), 0);
		assert_memory_equal(md, want, 32);
	}
}

static void
put(struct file *f, size_t at, unsigned bytes, uint32_t v)
{
	for (; bytes > 0; bytes--, v >>= 8)
		f->p[at++] = (uint8_t)v;
}

static void
test_all(void **state)
{
	struct file f = { 300, "some bytes" };

	(void)state;
	same(FILEHASH_ALL, &f, &f);
	f.len = 0;
	same(FILEHASH_ALL, &f, &f);
}

/* --- PE ------------------------------------------------------------------- */
#define LFANEW	   72u
#define OPT	   (LFANEW + 24)
#define DIRS	   (OPT + 112)
#define SECTIONS   (DIRS + 128)
#define SECTION(i) (SECTIONS + 40 * (i))
#define HEADERS	   1024u

/* PE32+: headers, two sections with bytes and one without */
static void
make_pe(struct file *f)
{
	size_t i;

	*f = (struct file){ .len = HEADERS + 512 + 1024 };
	for (i = HEADERS; i < f->len; i++)
		f->p[i] = (uint8_t)i;
	memcpy(f->p, "MZ", 2);
	put(f, 60, 4, LFANEW);
	memcpy(f->p + LFANEW, "PE\0\0", 4);
	put(f, LFANEW + 6, 2, 3);
	put(f, LFANEW + 20, 2, 240);
	put(f, OPT, 2, 0x20b);
	put(f, OPT + 60, 4, HEADERS);
	put(f, OPT + 64, 4, 0x12345678);
	put(f, DIRS - 4, 4, 16);
	put(f, SECTION(0) + 16, 4, 512);
	put(f, SECTION(0) + 20, 4, HEADERS);
	put(f, SECTION(1) + 20, 4, 0x999);
	put(f, SECTION(2) + 16, 4, 1024);
	put(f, SECTION(2) + 20, 4, HEADERS + 512);
}

static void
leave_out(struct file *f, size_t at, size_t len)
{
	f->len -= len;
	memmove(f->p + at, f->p + at + len, f->len - at);
}

static void
test_pe(void **state)
{
	struct file f, want;

	(void)state;
	make_pe(&f);
	want = f;
	leave_out(&want, DIRS + 32, 8);
	leave_out(&want, OPT + 64, 4);
	same(FILEHASH_PE, &f, &want);
	/* the checksum is not hashed */
	put(&f, OPT + 64, 4, 0);
	same(FILEHASH_PE, &f, &want);
	/* PE32: directories 16 bytes before */
	put(&f, OPT, 2, 0x10b);
	put(&f, DIRS - 4, 4, 0);
	put(&f, DIRS - 20, 4, 16);
	put(&f, LFANEW + 20, 2, 224);
	memmove(f.p + SECTIONS - 16, f.p + SECTIONS, 120);
	want = f;
	leave_out(&want, DIRS - 16 + 32, 8);
	leave_out(&want, OPT + 64, 4);
	same(FILEHASH_PE, &f, &want);
}

static const struct {
	size_t at;
	unsigned bytes;
	uint32_t v;
	int more; /* bytes at the end */
	int want;
} bad_pe[] = {
	{ 0, 1, 'Z', 0, CS_E_FORMAT_FILE },
	{ 60, 4, 60, 0, CS_E_FORMAT_FILE },
	{ 60, 4, 0x20000, 0, CS_E_FORMAT_FILE },
	{ 60, 4, 0xffffffff, 0, CS_E_FORMAT_FILE },
	{ 60, 4, 2000, 0, CS_E_FORMAT_FILE },
	{ 60, 4, HEADERS + 512 + 1024 - 25, 0, CS_E_FORMAT_FILE },
	{ LFANEW, 1, 'N', 0, CS_E_FORMAT_FILE },
	{ LFANEW + 6, 2, 0, 0, CS_E_FORMAT_FILE },
	{ LFANEW + 6, 2, 97, 0, CS_E_FORMAT_FILE },
	{ LFANEW + 20, 2, 239, 0, CS_E_FORMAT_FILE },
	{ LFANEW + 20, 2, 100, 0, CS_E_FORMAT_FILE },
	{ LFANEW + 20, 2, 1, 0, CS_E_FORMAT_FILE },
	{ LFANEW + 20, 2, 0xffff, 0, CS_E_FORMAT_FILE },
	{ OPT, 2, 0x107, 0, CS_E_FORMAT_FILE },
	{ DIRS - 4, 4, 4, 0, CS_E_FORMAT_FILE },
	{ DIRS - 4, 4, 15, 0, CS_E_FORMAT_FILE },
	{ DIRS - 4, 4, 17, 0, CS_E_FORMAT_FILE },
	{ OPT + 60, 4, 300, 0, CS_E_FORMAT_FILE },
	{ OPT + 60, 4, 1 << 20, 0, CS_E_FORMAT_FILE },
	{ SECTION(2) + 16, 4, 1032, 0, CS_E_FORMAT_FILE },
	{ SECTION(2) + 16, 4, 0xffffffff, 0, CS_E_FORMAT_FILE },
	{ DIRS + 32, 1, 1, 0, CS_E_FORMAT_PE_SIGNED },
	{ DIRS + 36, 1, 1, 0, CS_E_FORMAT_PE_SIGNED },
	{ OPT + 60, 4, HEADERS - 512, 0, CS_E_FORMAT_PE_GAP },
	{ SECTION(0) + 20, 4, HEADERS + 512, 0, CS_E_FORMAT_PE_GAP },
	{ SECTION(2) + 20, 4, HEADERS + 520, 0, CS_E_FORMAT_PE_GAP },
	{ SECTION(2) + 20, 4, HEADERS + 504, 0, CS_E_FORMAT_PE_GAP },
	{ SECTION(1) + 16, 4, 8, 0, CS_E_FORMAT_PE_GAP },
	{ SECTION(2) + 16, 4, 1016, 0, CS_E_FORMAT_PE_OVERLAY },
	{ SECTION(2) + 16, 4, 0, 0, CS_E_FORMAT_PE_OVERLAY },
	{ 0, 1, 'M', 1, CS_E_FORMAT_PE_OVERLAY },
	{ SECTION(2) + 16, 4, 1028, 4, CS_E_FORMAT_PE_TAIL },
	{ SECTION(2) + 16, 4, 1025, 1, CS_E_FORMAT_PE_TAIL },
};

static void
refuses(enum filehash_how how, const struct file *f, size_t i, int want)
{
	uint8_t md[HASH_MAX_LEN];
	int r = digest(how, f, 100, md);

	if (r != want)
		fail_msg("case %zu: %s", i, err_id(r));
	assert_int_equal(digest(how, f, FILE_MAX, md), want);
}

static void
test_bad_pe(void **state)
{
	struct file f;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad_pe); i++) {
		make_pe(&f);
		put(&f, bad_pe[i].at, bad_pe[i].bytes, bad_pe[i].v);
		f.len += (size_t)bad_pe[i].more;
		refuses(FILEHASH_PE, &f, i, bad_pe[i].want);
	}
	make_pe(&f);
	for (f.len--; f.len > 0; f.len--)
		refuses(FILEHASH_PE, &f, f.len, CS_E_FORMAT_FILE);
}

/* --- RPM ------------------------------------------------------------------ */
#define SIG_AT	 96u
#define SIG_LEN	 (16 + 2 * 16 + 21) /* to 168 */
#define MAIN_AT	 168u
#define MAIN_LEN (16 + 3 * 16 + 40)

static void
put_be(struct file *f, size_t at, uint32_t v)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		f->p[at + i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Tag, type, offset, count */
static void
put_entry(struct file *f, size_t at, uint32_t tag, uint32_t offset)
{
	put_be(f, at, tag);
	put_be(f, at + 4, 7);
	put_be(f, at + 8, offset);
	put_be(f, at + 12, 16);
}

static void
put_header(struct file *f, size_t at, uint32_t region, uint32_t entries,
    uint32_t data)
{
	uint32_t i;

	put_be(f, at, 0x8eade801);
	put_be(f, at + 8, entries);
	put_be(f, at + 12, data);
	put_entry(f, at + 16, region, data - 16);
	for (i = 1; i < entries; i++)
		put_entry(f, at + 16 + 16 * i, 1000 + i, 0);
	put_entry(f, at + 16 + 16 * entries + data - 16, region,
	    0u - 16 * entries);
}

static void
make_rpm(struct file *f)
{
	*f = (struct file){ .len = MAIN_AT + MAIN_LEN + 100 };
	memcpy(f->p, "\xed\xab\xee\xdb\x03", 5);
	f->p[79] = 5;
	put_header(f, SIG_AT, 62, 2, 21);
	put_header(f, MAIN_AT, 63, 3, 40);
	memcpy(f->p + MAIN_AT + MAIN_LEN, "payload", 7);
}

static void
test_rpm(void **state)
{
	struct file f, want = { .len = MAIN_LEN };

	(void)state;
	make_rpm(&f);
	memcpy(want.p, f.p + MAIN_AT, MAIN_LEN);
	same(FILEHASH_RPM, &f, &want);
	/* neither lead nor payload: the header has its digest */
	f.p[10] = 'x';
	f.p[MAIN_AT + MAIN_LEN] = 'x';
	same(FILEHASH_RPM, &f, &want);
}

static const struct {
	size_t at;
	uint32_t v;
	int want;
} bad_rpm[] = {
	{ 0, 0xedabeedc, CS_E_FORMAT_FILE },
	{ 4, 0x04000000, CS_E_FORMAT_FILE },
	{ 76, 0x00000006, CS_E_FORMAT_FILE },
	{ 76, 0x00000105, CS_E_FORMAT_FILE },
	{ SIG_AT, 0x8eade802, CS_E_FORMAT_FILE },
	{ SIG_AT + 4, 1, CS_E_FORMAT_FILE },
	{ SIG_AT + 8, 0, CS_E_FORMAT_FILE },
	{ SIG_AT + 8, 0x10000, CS_E_FORMAT_FILE },
	{ SIG_AT + 8, 1, CS_E_FORMAT_RPM_REGION },
	{ SIG_AT + 12, 15, CS_E_FORMAT_RPM_REGION },
	{ SIG_AT + 12, 0x10000001, CS_E_FORMAT_FILE },
	{ SIG_AT + 12, 22, CS_E_FORMAT_RPM_REGION },
	{ SIG_AT + 16, 63, CS_E_FORMAT_RPM_REGION },
	{ SIG_AT + 20, 6, CS_E_FORMAT_RPM_REGION },
	{ SIG_AT + 24, 4, CS_E_FORMAT_RPM_REGION },
	{ SIG_AT + 28, 15, CS_E_FORMAT_RPM_REGION },
	{ SIG_AT + 32, 267, CS_E_FORMAT_RPM_SIGNED },
	{ SIG_AT + 32, 268, CS_E_FORMAT_RPM_SIGNED },
	{ SIG_AT + 32, 278, CS_E_FORMAT_RPM_SIGNED },
	{ SIG_AT + 32, 1002, CS_E_FORMAT_RPM_SIGNED },
	{ SIG_AT + 32, 1005, CS_E_FORMAT_RPM_SIGNED },
	{ SIG_AT + 32, 1006, CS_E_FORMAT_RPM_SIGNED },
	{ SIG_AT + SIG_LEN - 16, 61, CS_E_FORMAT_RPM_REGION },
	{ SIG_AT + SIG_LEN - 8, 0u - 16, CS_E_FORMAT_RPM_REGION },
	{ MAIN_AT, 0, CS_E_FORMAT_FILE },
	{ MAIN_AT + 8, 0, CS_E_FORMAT_FILE },
	{ MAIN_AT + 8, 2, CS_E_FORMAT_RPM_REGION },
	{ MAIN_AT + 8, 4, CS_E_FORMAT_RPM_REGION },
	{ MAIN_AT + 8, 0xffff, CS_E_FORMAT_FILE },
	{ MAIN_AT + 12, 0, CS_E_FORMAT_RPM_REGION },
	{ MAIN_AT + 12, 41, CS_E_FORMAT_RPM_REGION },
	{ MAIN_AT + 12, 0x10000001, CS_E_FORMAT_FILE },
	{ MAIN_AT + 16, 62, CS_E_FORMAT_RPM_REGION },
	{ MAIN_AT + 24, 8, CS_E_FORMAT_RPM_REGION },
	{ MAIN_AT + MAIN_LEN - 16, 64, CS_E_FORMAT_RPM_REGION },
	{ MAIN_AT + MAIN_LEN - 12, 6, CS_E_FORMAT_RPM_REGION },
	{ MAIN_AT + MAIN_LEN - 8, 0u - 32, CS_E_FORMAT_RPM_REGION },
	{ MAIN_AT + MAIN_LEN - 4, 17, CS_E_FORMAT_RPM_REGION },
};

static void
test_bad_rpm(void **state)
{
	struct file f;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad_rpm); i++) {
		make_rpm(&f);
		put_be(&f, bad_rpm[i].at, bad_rpm[i].v);
		refuses(FILEHASH_RPM, &f, i, bad_rpm[i].want);
	}
	make_rpm(&f);
	for (f.len = MAIN_AT + MAIN_LEN; f.len > 0; f.len--)
		refuses(FILEHASH_RPM, &f, f.len, CS_E_FORMAT_FILE);
	/* more than is looked at; no more than may be */
	make_rpm(&f);
	put_be(&f, SIG_AT + 12, 70000);
	put_be(&f, SIG_AT + 24, 70000 - 16);
	refuses(FILEHASH_RPM, &f, 0, CS_E_FORMAT_FILE);
}

/* No such way, and a suffix that has no room. */
static void
test_new(void **state)
{
	struct filehash *h = NULL;
	uint8_t suffix[FILEHASH_SUFFIX_MAX + 1] = { 0 };

	(void)state;
	assert_int_equal(filehash_new(FILEHASH_NONE, HASH_SHA256, NULL, 0, &h),
	    CS_E_HASH);
	assert_int_equal(filehash_new(FILEHASH_HOWS, HASH_SHA256, NULL, 0, &h),
	    CS_E_HASH);
	assert_int_equal(filehash_new(FILEHASH_ALL, HASH_COUNT, NULL, 0, &h),
	    CS_E_HASH);
	assert_int_equal(filehash_new(FILEHASH_ALL, HASH_SHA256, suffix,
			     sizeof(suffix), &h),
	    CS_E_TOO_LARGE);
	assert_null(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_pe),
		cmocka_unit_test(test_bad_pe),
		cmocka_unit_test(test_rpm),
		cmocka_unit_test(test_bad_rpm),
		cmocka_unit_test(test_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
