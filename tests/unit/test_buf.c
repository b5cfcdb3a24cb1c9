/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "lib/buf.h"

static void
test_integers_are_big_endian(void **state)
{
	static const uint8_t want[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
		13, 14, 15 };
	struct buf b = BUF_INIT(64);

	(void)state;
	assert_int_equal(buf_put_u8(&b, 0x01), 0);
	assert_int_equal(buf_put_u16(&b, 0x0203), 0);
	assert_int_equal(buf_put_u32(&b, 0x04050607), 0);
	assert_int_equal(buf_put_u64(&b, UINT64_C(0x08090a0b0c0d0e0f)), 0);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.p, want, sizeof(want));
	buf_done(&b);
	assert_null(b.p);
	assert_int_equal(b.len, 0);
}

static void
test_limit(void **state)
{
	struct buf b = BUF_INIT(8);
	uint8_t eight[8] = { 0 };

	(void)state;
	assert_int_equal(buf_put(&b, eight, 8), 0);
	assert_int_equal(buf_put_u8(&b, 1), CS_E_TOO_LARGE);
	assert_int_equal(b.len, 8);
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	/* the length would fit, the bytes would not: nothing is put */
	assert_int_equal(buf_put_str(&b, eight, 5), CS_E_TOO_LARGE);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_put_str(&b, eight, 4), 0);
	assert_int_equal(b.len, 8);
	assert_int_equal(buf_put(&b, eight, SIZE_MAX), CS_E_TOO_LARGE);
	assert_int_equal(buf_put_str(&b, eight, SIZE_MAX), CS_E_TOO_LARGE);
	buf_done(&b);
	assert_int_equal(buf_put(&b, eight, 9), CS_E_TOO_LARGE);
	assert_int_equal(buf_put(&b, NULL, 0), 0);
	buf_done(&b);
}

static void
test_growth_keeps_content(void **state)
{
	struct buf b = BUF_INIT(100000);
	size_t i;

	(void)state;
	for (i = 0; i < 25000; i++)
		assert_int_equal(buf_put_u32(&b, (uint32_t)i), 0);
	assert_int_equal(buf_put_u8(&b, 0), CS_E_TOO_LARGE);
	for (i = 0; i < 25000; i++) {
		assert_int_equal(b.p[4 * i + 2], i >> 8);
		assert_int_equal(b.p[4 * i + 3], i & 0xff);
	}
	buf_done(&b);
}

static void
test_putf(void **state)
{
	struct buf b = BUF_INIT(10);

	(void)state;
	assert_int_equal(buf_putf(&b, "%s-%d", "abc", 42), 0);
	assert_int_equal(b.len, 6);
	assert_memory_equal(b.p, "abc-42", 6);
	assert_int_equal(buf_putf(&b, "%05d", 1), CS_E_TOO_LARGE);
	assert_int_equal(b.len, 6);
	assert_int_equal(buf_putf(&b, "%04d", 1), 0);
	buf_done(&b);
}

static void
test_read_back(void **state)
{
	struct buf b = BUF_INIT(256);
	struct rd r;
	uint8_t v8;
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;
	const uint8_t *p;
	size_t len;
	char *s;
	char fixed[6];

	(void)state;
	assert_int_equal(buf_put_u8(&b, 0xff), 0);
	assert_int_equal(buf_put_u16(&b, 0xfffe), 0);
	assert_int_equal(buf_put_u32(&b, 0xfffffffd), 0);
	assert_int_equal(buf_put_u64(&b, UINT64_MAX - 3), 0);
	assert_int_equal(buf_put_str(&b, "a\0b", 3), 0);
	assert_int_equal(buf_put_cstr(&b, "hello"), 0);
	assert_int_equal(buf_put_cstr(&b, "world"), 0);
	assert_int_equal(buf_put_cstr(&b, ""), 0);
	r = (struct rd)RD_INIT(b.p, b.len);
	assert_int_equal(rd_u8(&r, &v8), 0);
	assert_int_equal(v8, 0xff);
	assert_int_equal(rd_u16(&r, &v16), 0);
	assert_int_equal(v16, 0xfffe);
	assert_int_equal(rd_u32(&r, &v32), 0);
	assert_int_equal(v32, 0xfffffffd);
	assert_int_equal(rd_u64(&r, &v64), 0);
	assert_true(v64 == UINT64_MAX - 3);
	assert_int_equal(rd_str(&r, 3, &p, &len), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(p, "a\0b", 3);
	assert_int_equal(rd_cstr(&r, 5, &s), 0);
	assert_string_equal(s, "hello");
	free(s);
	assert_int_equal(rd_end(&r), CS_E_TRAILING);
	assert_int_equal(rd_cstr_into(&r, fixed, sizeof(fixed)), 0);
	assert_string_equal(fixed, "world");
	assert_int_equal(rd_cstr_into(&r, fixed, 1), 0);
	assert_string_equal(fixed, "");
	assert_int_equal(rd_end(&r), 0);
	buf_done(&b);
}

/* A failed read moves nothing and sets nothing. */
static void
test_truncated(void **state)
{
	static const uint8_t seven[7] = { 0 };
	struct rd r = RD_INIT(seven, 0);
	uint8_t v8 = 9;
	uint16_t v16 = 9;
	uint32_t v32 = 9;
	uint64_t v64 = 9;
	const uint8_t *p = NULL;

	(void)state;
	assert_int_equal(rd_u8(&r, &v8), CS_E_TRUNCATED);
	r.left = 1;
	assert_int_equal(rd_u16(&r, &v16), CS_E_TRUNCATED);
	r.left = 3;
	assert_int_equal(rd_u32(&r, &v32), CS_E_TRUNCATED);
	r.left = 7;
	assert_int_equal(rd_u64(&r, &v64), CS_E_TRUNCATED);
	assert_int_equal(rd_bytes(&r, 8, &p), CS_E_TRUNCATED);
	assert_true(v8 == 9 && v16 == 9 && v32 == 9 && v64 == 9 && p == NULL);
	assert_ptr_equal(r.p, seven);
	assert_int_equal(r.left, 7);
	assert_int_equal(rd_bytes(&r, 7, &p), 0);
	assert_ptr_equal(p, seven);
	assert_int_equal(rd_bytes(&r, 0, &p), 0);
	assert_int_equal(rd_end(&r), 0);
}

static void
test_strings_refused(void **state)
{
	static const uint8_t abc[] = { 0, 0, 0, 3, 'a', 'b', 'c' };
	static const uint8_t nul[] = { 0, 0, 0, 3, 'a', 0, 'c' };
	static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff, 'a' };
	struct rd r = RD_INIT(abc, sizeof(abc));
	const uint8_t *p;
	size_t len;
	char *s = NULL;
	char four[4];

	(void)state;
	assert_int_equal(rd_str(&r, 2, &p, &len), CS_E_TOO_LARGE);
	assert_int_equal(rd_cstr(&r, 2, &s), CS_E_TOO_LARGE);
	assert_int_equal(rd_cstr_into(&r, four, 3), CS_E_TOO_LARGE);
	assert_int_equal(rd_cstr_into(&r, four, 0), CS_E_TOO_LARGE);
	assert_int_equal(r.left, sizeof(abc));
	r.left--;
	assert_int_equal(rd_str(&r, 3, &p, &len), CS_E_TRUNCATED);
	assert_int_equal(rd_cstr(&r, 3, &s), CS_E_TRUNCATED);
	assert_ptr_equal(r.p, abc);
	r.left = 3;
	assert_int_equal(rd_str(&r, 3, &p, &len), CS_E_TRUNCATED);
	r = (struct rd)RD_INIT(nul, sizeof(nul));
	assert_int_equal(rd_cstr(&r, 3, &s), CS_E_TRAILING);
	assert_int_equal(rd_cstr_into(&r, four, 4), CS_E_TRAILING);
	assert_null(s);
	assert_int_equal(r.left, sizeof(nul));
	r = (struct rd)RD_INIT(huge, sizeof(huge));
	assert_int_equal(rd_str(&r, SIZE_MAX, &p, &len), CS_E_TRUNCATED);
	assert_int_equal(rd_str(&r, 100, &p, &len), CS_E_TOO_LARGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers_are_big_endian),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_growth_keeps_content),
		cmocka_unit_test(test_putf),
		cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_strings_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
