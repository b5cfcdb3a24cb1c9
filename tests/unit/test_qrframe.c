/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/b32.h"
#include "lib/qrframe.h"
#include "lib/qrtext.h"

/* RFC 4648 section 10, without padding */
static void
test_base32(void **state)
{
	static const char *const v[][2] = { { "", "" }, { "f", "MY" },
		{ "fo", "MZXQ" }, { "foo", "MZXW6" }, { "foob", "MZXW6YQ" },
		{ "fooba", "MZXW6YTB" }, { "foobar", "MZXW6YTBOI" } };
	static const char *const bad[] = { "M", "MZX", "MZXW6Y", "MZXW6YTBO",
		"MZ", "MZXR", "MZXW7", "MZXW6YR", "my", "M0",
		"MY======", "M=", "M8", " MY", "MY " };
	uint8_t out[16];
	char text[32];
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(v); i++) {
		const size_t len = strlen(v[i][0]);

		b32_encode((const uint8_t *)v[i][0], len, text);
		assert_string_equal(text, v[i][1]);
		assert_int_equal(strlen(text), b32_enc_len(len));
		assert_int_equal(b32_decode(text, strlen(text), out, len, &n),
		    0);
		assert_int_equal(n, len);
		assert_memory_equal(out, v[i][0], len);
		if (len > 0)
			assert_int_equal(b32_decode(text, strlen(text), out,
					     len - 1, &n),
			    CS_E_TOO_LARGE);
	}
	for (i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(b32_decode(bad[i], strlen(bad[i]), out,
				     sizeof(out), &n),
		    CS_E_B64);
}

static void
fill(uint8_t *p, size_t len, unsigned seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 37 + i / 256 + seed);
}

/* All lines, from the last to the first, each twice, with CRs and gaps */
static void
shuffled(const uint8_t *p, size_t len, size_t part, struct buf *out)
{
	struct buf f = BUF_INIT(1024);
	unsigned i, n = 0;

	assert_int_equal(qrframe_count(len, part, &n, NULL), 0);
	for (i = n; i > 0; i--) {
		assert_int_equal(qrframe_make(p, len, part, i, &f, NULL), 0);
		assert_int_equal(f.p[f.len - 1], 0);
		assert_int_equal(buf_putf(out, "%s\r\n\n%s\n", (char *)f.p,
				     (char *)f.p),
		    0);
	}
	buf_done(&f);
}

static void
test_round(void **state)
{
	static const size_t sizes[] = { 1, 79, 80, 81, 400, 1501, 7920 };
	struct buf text = BUF_INIT(1 << 20), back = BUF_INIT(1 << 16);
	uint8_t p[7921];
	size_t i;
	unsigned n;

	(void)state;
	fill(p, sizeof(p), 1);
	for (i = 0; i < ARRAY_LEN(sizes); i++) {
		buf_reset(&text);
		shuffled(p, sizes[i], QRFRAME_V5, &text);
		assert_true(qrframe_is(text.p, text.len));
		assert_int_equal(qrframe_join((char *)text.p, text.len, &back,
				     NULL),
		    0);
		assert_int_equal(back.len, sizes[i]);
		assert_memory_equal(back.p, p, sizes[i]);
		/* the last line need not end */
		assert_int_equal(qrframe_join((char *)text.p, text.len - 1,
				     &back, NULL),
		    0);
	}
	assert_int_equal(qrframe_count(7921, QRFRAME_V5, &n, NULL),
	    CS_E_QR_SIZE);
	assert_int_equal(qrframe_count(0, QRFRAME_V5, &n, NULL), CS_E_QR_SIZE);
	assert_int_equal(qrframe_make(p, 7921, QRFRAME_V5, 1, &text, NULL),
	    CS_E_QR_SIZE);
	assert_int_equal(qrframe_make(p, 100, QRFRAME_V5, 3, &text, NULL),
	    CS_E_INTERNAL);
	buf_done(&text);
	buf_done(&back);
}

static int
join(const char *text, struct diag *d)
{
	struct buf back = BUF_INIT(1 << 16);
	int r = qrframe_join(text, strlen(text), &back, d);

	buf_done(&back);
	return r;
}

/* SHA-256 of "foobar" begins with c3ab8ff1 */
static void
test_refused(void **state)
{
	static const struct {
		int code;
		const char *text;
	} t[] = {
		{ 0, "CSATT1:1/1:C3AB8FF1:MZXW6YTBOI" },
		{ 0, "CSATT1:2/2:C3AB8FF1:MJQXE\nCSATT1:1/2:C3AB8FF1:MZXW6" },
		{ CS_E_QR_FRAME, "" },
		{ CS_E_QR_FRAME, "\n\r\n" },
		{ CS_E_QR_FRAME, "QR-Code:CSATT1:1/1:C3AB8FF1:MZXW6YTBOI" },
		{ CS_E_QR_FRAME, "CSATT2:1/1:C3AB8FF1:MZXW6YTBOI" },
		{ CS_E_QR_FRAME, "CSATT1:0/1:C3AB8FF1:MZXW6YTBOI" },
		{ CS_E_QR_FRAME, "CSATT1:01/1:C3AB8FF1:MZXW6YTBOI" },
		{ CS_E_QR_FRAME, "CSATT1:2/1:C3AB8FF1:MZXW6YTBOI" },
		{ CS_E_QR_FRAME, "CSATT1:1/100:C3AB8FF1:MZXW6YTBOI" },
		{ CS_E_QR_FRAME, "CSATT1:1:C3AB8FF1:MZXW6YTBOI" },
		{ CS_E_QR_FRAME, "CSATT1:1/1:c3ab8ff1:MZXW6YTBOI" },
		{ CS_E_QR_FRAME, "CSATT1:1/1:C3AB8FF:MZXW6YTBOI" },
		{ CS_E_QR_FRAME, "CSATT1:1/1:C3AB8FF1" },
		{ CS_E_QR_FRAME, "CSATT1:1/1:C3AB8FF1:" },
		{ CS_E_QR_FRAME, "CSATT1:1/1:C3AB8FF1:MZXW6YTBOI " },
		{ CS_E_QR_FRAME, "CSATT1:1/1:C3AB8FF1:MZXW6YTBOJ" },
		{ CS_E_QR_FRAME, "CSATT1:1/1:C3AB8FF1:MZXW6YTBOI\nx" },
		{ CS_E_QR_DIGEST, "CSATT1:1/1:C3AB8FF2:MZXW6YTBOI" },
		{ CS_E_QR_DIGEST, "CSATT1:1/1:C3AB8FF1:MZXW6YTBOA" },
		{ CS_E_QR_OTHER,
		    "CSATT1:1/2:C3AB8FF1:MZXW6\nCSATT1:2/2:C3AB8FF2:MJQXE" },
		{ CS_E_QR_OTHER,
		    "CSATT1:1/2:C3AB8FF1:MZXW6\nCSATT1:2/3:C3AB8FF1:MJQXE" },
		{ CS_E_QR_OTHER,
		    "CSATT1:1/2:C3AB8FF1:MZXW6\nCSATT1:1/2:C3AB8FF1:MJQXE" },
		{ CS_E_QR_OTHER,
		    "CSATT1:1/2:C3AB8FF1:MZXW6\nCSATT1:1/2:C3AB8FF1:MZXQ" },
	};
	struct diag d = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++)
		if (join(t[i].text, &d) != t[i].code)
			fail_msg("%s", t[i].text);
	/* which to scan again */
	assert_int_equal(join("CSATT1:2/4:C3AB8FF1:MZXW6", &d),
	    CS_E_QR_MISSING);
	assert_string_equal(d.found, "of 4 not read: 1 3 4");
}

static void
measure(const struct buf *b, size_t *ret_lines, size_t *ret_columns)
{
	size_t i, columns = 0;

	*ret_lines = *ret_columns = 0;
	for (i = 0; i < b->len; i++) {
		if (b->p[i] == '\033') { /* ESC [ n m */
			i += 3;
		} else if (b->p[i] == '\n') {
			++*ret_lines;
			if (columns > *ret_columns)
				*ret_columns = columns;
			columns = 0;
		} else if ((b->p[i] & 0xc0) != 0x80) {
			columns++;
		}
	}
}

/* The longest lines fit where qrframe.h and core_attest.c say they do. */
static void
test_fits(void **state)
{
	static const struct {
		size_t part;
		enum qrtext_style style;
		size_t lines, columns;
	} t[] = {
		{ QRFRAME_V5, QRTEXT_UTF8, 23, 45 },
		{ QRFRAME_V5, QRTEXT_ASCII, 39, 78 },
		{ QRFRAME_V13, QRTEXT_UTF8, 39, 77 },
	};
	struct buf f = BUF_INIT(1024), code = BUF_INIT(QRTEXT_MAX);
	uint8_t p[QRFRAME_MAX * QRFRAME_V13];
	size_t i, lines, columns;

	(void)state;
	fill(p, sizeof(p), 3);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		assert_int_equal(qrframe_make(p, QRFRAME_MAX * t[i].part,
				     t[i].part, QRFRAME_MAX, &f, NULL),
		    0);
		assert_int_equal(f.len - 1,
		    QRFRAME_HEAD + b32_enc_len(t[i].part));
		buf_reset(&code);
		assert_int_equal(qrtext_draw((char *)f.p, t[i].style, &code),
		    0);
		measure(&code, &lines, &columns);
		assert_int_equal(lines, t[i].lines);
		assert_int_equal(columns, t[i].columns);
	}
	buf_done(&f);
	buf_done(&code);
}

static void
test_too_long(void **state)
{
	struct buf code = BUF_INIT(QRTEXT_MAX);
	static char text[5000];

	(void)state;
	memset(text, 'A', sizeof(text) - 1);
	assert_int_equal(qrtext_draw(text, QRTEXT_UTF8, &code), CS_E_QR_SIZE);
	text[4000] = '\0';
	assert_int_equal(qrtext_draw(text, QRTEXT_UTF8, &code), 0);
	buf_reset(&code);
	assert_int_equal(qrtext_draw(text, QRTEXT_ASCII, &code), 0);
	buf_done(&code);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base32),
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_fits),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
