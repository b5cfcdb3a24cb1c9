/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h wants the above */
#include <cmocka.h>
#include <string.h>

#include "host-tools/html.h"

/* What a text becomes; text may hold NULs. */
static char *
escaped(const char *text, size_t len)
{
	struct diag d = { 0 };
	struct html h = { 0 };
	char *out = NULL;
	size_t n = 0;

	h.f = open_memstream(&out, &n);
	assert_non_null(h.f);
	html_textn(&h, text, len);
	assert_int_equal(html_end(&h, &d), 0);
	assert_int_equal(fclose(h.f), 0);
	return out;
}

static const struct {
	const char *text;
	size_t len; /* 0: up to its NUL */
	const char *want;
} texts[] = {
	{ "", 0, "" },
	{ "plain text, 1.2.3", 0, "plain text, 1.2.3" },
	{ "<script>alert('x')</script>", 0,
	    "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" },
	{ "a \"b\" & c", 0, "a &quot;b&quot; &amp; c" },
	{ "&lt;", 0, "&amp;lt;" },
	{ "Zo\xc3\xab \xe6\xbc\xa2\xf0\x9f\x94\x92", 0,
	    "Zo\xc3\xab \xe6\xbc\xa2\xf0\x9f\x94\x92" },
	/* bidi: the name that reads as exe backwards, and isolates */
	{ "a\xe2\x80\xae"
	  "exe.bin",
	    0, "a[U+202E]exe.bin" },
	{ "\xe2\x81\xa6x\xe2\x81\xa9", 0, "[U+2066]x[U+2069]" },
	{ "\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f", 0, "[U+061C][U+200E][U+200F]" },
	/* zero width, soft hyphen, BOM, line separator, tag, Hangul filler */
	{ "a\xe2\x80\x8b"
	  "b\xc2\xad"
	  "c\xef\xbb\xbf",
	    0, "a[U+200B]b[U+00AD]c[U+FEFF]" },
	{ "\xe2\x80\xa8\xf3\xa0\x81\x81\xe3\x85\xa4", 0,
	    "[U+2028][U+E0041][U+3164]" },
	/* controls; tab and newline stay */
	{ "a\tb\nc", 0, "a\tb\nc" },
	{ "\x01\x1b[2J\x7f\r", 0, "[U+0001][U+001B][2J[U+007F][U+000D]" },
	{ "a\0b", 3, "a[U+0000]b" },
	{ "\xc2\x85", 0, "[U+0085]" },
	/* not UTF-8: overlong, surrogate, alone, cut */
	{ "\xc0\xbc", 0, "\\xc0\\xbc" },
	{ "\xed\xa0\x80", 0, "\\xed\\xa0\\x80" },
	{ "\xff<", 0, "\\xff&lt;" },
	{ "\xe2\x80", 0, "\\xe2\\x80" },
	{ "\xf4\x8f\xbf\xbf", 0, "[U+10FFFF]" },
};

static void
test_text(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++) {
		size_t len =
		    texts[i].len != 0 ? texts[i].len : strlen(texts[i].text);
		char *got = escaped(texts[i].text, len);

		assert_string_equal(got, texts[i].want);
		free(got);
	}
}

/* No byte of any kind becomes markup. */
static void
test_every_byte(void **state)
{
	char all[256], *got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	got = escaped(all, sizeof(all));
	assert_null(strpbrk(got, "<>\"'"));
	for (i = 0; got[i] != '\0'; i++)
		assert_true(got[i] == '\n' || got[i] == '\t' ||
		    (got[i] >= 0x20 && got[i] < 0x7f));
	free(got);
}

static void
test_elements(void **state)
{
	struct diag d = { 0 };
	struct html h = { 0 };
	char *out = NULL;
	size_t n = 0;

	(void)state;
	h.f = open_memstream(&out, &n);
	assert_non_null(h.f);
	html_el(&h, "td", NULL, "a<b");
	html_el(&h, "span", "code", "\xd7\xa9");
	html_time(&h, 0);
	html_time(&h, UINT64_C(253402300800));
	assert_int_equal(html_end(&h, &d), 0);
	assert_int_equal(fclose(h.f), 0);
	assert_string_equal(out,
	    "<td>a&lt;b</td><span class=\"code\"><bdi>\xd7\xa9</bdi></span>"
	    "<time datetime=\"1970-01-01T00:00:00Z\">1970-01-01 00:00:00"
	    "</time>second 253402300800");
	free(out);
}

/* A full disk is told, at the end and once. */
static void
test_full(void **state)
{
	struct diag d = { 0 };
	struct html h = { 0 };
	int i;

	(void)state;
	h.f = fopen("/dev/full", "w");
	assert_non_null(h.f);
	for (i = 0; i < 10000; i++)
		html_el(&h, "p", NULL, "more than a buffer");
	assert_int_equal(html_end(&h, &d), CS_E_IO);
	assert_non_null(strstr(d.found, "No space left"));
	(void)fclose(h.f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_elements),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
