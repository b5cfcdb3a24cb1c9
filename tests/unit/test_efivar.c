/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/efivar.h"

/* Signature lists and wishes that are refused; tests/ceremony/efivar.t signs. */
#define assert_code(r, want) assert_string_equal(err_id(r), err_id(want))
#define HEAD		     28u
#define ENTRY		     48u /* owner and a SHA-256 */

/* n entries of SHA-256 */
static size_t
sha_list(uint8_t *p, size_t n)
{
	static const uint8_t guid[] = { 0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50,
		0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28 };
	const size_t len = HEAD + n * ENTRY;

	memset(p, 0, len);
	memcpy(p, guid, sizeof(guid));
	p[16] = (uint8_t)len;
	p[17] = (uint8_t)(len >> 8);
	p[24] = ENTRY;
	return len;
}

static int
count(void *arg, const struct efivar_entry *e)
{
	assert_string_equal(e->type, "sha256");
	assert_int_equal(e->len, 32);
	++*(int *)arg;
	return 0;
}

static void
test_lists(void **state)
{
	/* one byte of two good lists changed */
	static const struct {
		size_t at;
		uint8_t to;
	} changes[] = {
		{ 0, 0x27 },  /* no such type */
		{ 16, HEAD }, /* no entries */
		{ 16, 0 },    /* shorter than itself */
		{ 16, 0xff }, /* not a whole number of entries */
		{ 17, 0x10 }, /* past the end */
		{ 20, 1 },    /* a header */
		{ 24, ENTRY + 1 },
		{ 24, 16 },
		{ 24, 0 },
	};
	uint8_t p[1024];
	size_t len = sha_list(p, 2), i;
	int n = 0;

	(void)state;
	len += sha_list(p + len, 3);
	assert_code(efivar_list_read(p, len, count, &n, NULL), 0);
	assert_int_equal(n, 5);
	assert_code(efivar_list_read(p, 0, count, &n, NULL), 0);
	for (i = 1; i < len; i++)
		if (i != HEAD + 2 * ENTRY)
			assert_code(efivar_list_read(p, i, NULL, NULL, NULL),
			    CS_E_EFIVAR);
	for (i = 0; i < ARRAY_LEN(changes); i++) {
		const uint8_t was = p[changes[i].at];

		p[changes[i].at] = changes[i].to;
		if (efivar_list_read(p, len, NULL, NULL, NULL) != CS_E_EFIVAR)
			fail_msg("change %zu", i);
		p[changes[i].at] = was;
	}
	/* a certificate that is none */
	p[0] = 0xa1;
	memcpy(p,
	    "\xa1\x59\xc0\xa5\xe4\x94\xa7\x4a\x87\xb5\xab\x15\x5c\x2b\xf0\x72",
	    16);
	p[16] = HEAD + ENTRY;
	p[17] = 0;
	assert_code(efivar_list_read(p, HEAD + ENTRY, NULL, NULL, NULL),
	    CS_E_EFIVAR);
}

#define WISH(append, list, time, type, variable)                        \
	"{\"append\":" append ",\"list\":\"" list "\",\"time\":\"" time \
	"\",\"type\":\"" type "\",\"variable\":\"" variable "\"}"
#define T "2026-11-25T02:00:00Z"

static void
test_wishes(void **state)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{ WISH("false", "", T, "efivar", "db"), 0 },
		{ WISH("false", "", "1998-01-01T00:00:00Z", "efivar", "PK"),
		    0 },
		{ WISH("true", "", T, "efivar", "db"), CS_E_EFIVAR },
		{ WISH("false", "", T, "efivar", "dbt"), CS_E_EFIVAR },
		{ WISH("false", "", T, "efivar", "DB"), CS_E_EFIVAR },
		{ WISH("false", "", T, "crl", "db"), CS_E_EFIVAR },
		{ WISH("false", "", "1997-12-31T23:59:59Z", "efivar", "db"),
		    CS_E_EFIVAR },
		{ WISH("false", "AAAA", T, "efivar", "db"), CS_E_EFIVAR },
		{ WISH("false", "*", T, "efivar", "db"), CS_E_EFIVAR },
		{ " " WISH("false", "", T, "efivar", "db"), CS_E_EFIVAR },
		{ "{}", CS_E_JSON_FIELD },
	};
	struct efivar_wish w;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		r = efivar_wish_read(rows[i].text, strlen(rows[i].text), &w,
		    NULL);
		if (r != rows[i].want)
			fail_msg("row %zu: %s", i, err_id(r));
		if (r == 0)
			efivar_wish_done(&w);
	}
}

/* What was written is read; a byte less, or another time, is not. */
static void
test_auth(void **state)
{
	struct efivar_wish w = { .variable = "db", .time = 1800000000 };
	struct buf out = BUF_INIT(4096);
	const uint8_t *sd, *list;
	uint8_t p[256];
	size_t sd_len, list_len;
	int64_t when = 0;

	(void)state;
	w.list_len = sha_list(p, 1);
	w.list = p;
	assert_code(efivar_auth(&w, (const uint8_t *)"sd", 2, &out), 0);
	assert_code(efivar_auth_read(out.p, out.len, &when, &sd, &sd_len, &list,
			&list_len),
	    0);
	assert_int_equal(when, w.time);
	assert_int_equal(sd_len, 2);
	assert_memory_equal(sd, "sd", 2);
	assert_int_equal(list_len, w.list_len);
	assert_memory_equal(list, p, list_len);
	assert_code(efivar_auth_read(out.p, 41, &when, &sd, &sd_len, &list,
			&list_len),
	    CS_E_FORMAT);
	out.p[7] = 1; /* padding of the time */
	assert_code(efivar_auth_read(out.p, out.len, &when, &sd, &sd_len, &list,
			&list_len),
	    CS_E_FORMAT);
	out.p[7] = 0;
	out.p[2] = 13; /* month */
	assert_code(efivar_auth_read(out.p, out.len, &when, &sd, &sd_len, &list,
			&list_len),
	    CS_E_FORMAT);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_wishes),
		cmocka_unit_test(test_auth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
