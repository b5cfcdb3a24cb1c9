/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/eventlog.h"
#include "tpm/attest_verify.h"

/* --- event logs --- */
static int
replay(const struct buf *b, struct attest_pcrs *ret)
{
	struct diag d;
	size_t n;

	return attest_log_replay(b->p, b->len, ret, &n, &d);
}

static void
test_log(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct attest_pcrs a, c;
	const uint8_t ones[32] = { [0 ... 31] = 0xff };
	const uint8_t three[32] = { [31] = 3 };
	size_t i, len;

	(void)state;
	eventlog_begin(&b);
	assert_int_equal(replay(&b, &a), 0);
	assert_memory_equal(a.value[17], ones, 32);
	eventlog_locality(&b, 3);
	assert_int_equal(replay(&b, &a), 0);
	assert_memory_equal(a.value[0], three, 32);
	eventlog_action(&b, 0, "crtm");
	eventlog_action(&b, 4, "boot");
	assert_int_equal(replay(&b, &a), 0);
	len = b.len;
	for (i = 0; i < len; i++) { /* no prefix but at an event's end */
		b.len = i;
		(void)replay(&b, &c);
	}
	b.len = len;
	eventlog_locality(&b, 3); /* too late */
	assert_int_equal(replay(&b, &c), CS_E_ATTEST_LOG_FORM);
	b.len = len;
	eventlog_action(&b, 24, "no such PCR");
	assert_int_equal(replay(&b, &c), CS_E_ATTEST_LOG_FORM);
	b.len = len - 1;
	assert_int_equal(replay(&b, &c), CS_E_ATTEST_LOG_FORM);
	buf_done(&b);
}

/* a bank in the header, a digest of an event: each is counted and known */
static void
test_log_fields(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		int want;
	} bad[] = {
		{ 0, 1, CS_E_ATTEST_LOG_FORM },	     /* PCR of the header */
		{ 4, 1, CS_E_ATTEST_LOG_FORM },	     /* type of the header */
		{ 8, 1, CS_E_ATTEST_LOG_FORM },	     /* digest of the header */
		{ 28, 1, CS_E_ATTEST_LOG_FORM },     /* length */
		{ 32, 'X', CS_E_ATTEST_LOG_FORM },   /* signature */
		{ 46, '2', CS_E_ATTEST_LOG_FORM },   /* its version */
		{ 56, 0, CS_E_ATTEST_LOG_FORM },     /* no bank */
		{ 56, 9, CS_E_ATTEST_LOG_FORM },     /* more than a TPM has */
		{ 60, 0x0b, CS_E_ATTEST_LOG_FORM },  /* SHA-256 of 20 bytes */
		{ 62, 0, CS_E_ATTEST_LOG_FORM },     /* digests of 0 bytes */
		{ 64, 0x0c, CS_E_ATTEST_LOG_BANK },  /* no SHA-256 */
		{ 66, 31, CS_E_ATTEST_LOG_FORM },    /* SHA-256 of 31 bytes */
		{ 68, 1, CS_E_ATTEST_LOG_FORM },     /* vendor bytes */
		{ 77, 1, CS_E_ATTEST_LOG_FORM },     /* one digest */
		{ 77, 0xff, CS_E_ATTEST_LOG_FORM },  /* 255 digests */
		{ 81, 0x0b, CS_E_ATTEST_LOG_FORM },  /* SHA-256 twice */
		{ 81, 0x77, CS_E_ATTEST_LOG_FORM },  /* an unknown bank */
		{ 138, 0xff, CS_E_ATTEST_LOG_FORM }, /* longer than the log */
	};
	struct buf b = BUF_INIT(4096);
	struct attest_pcrs p;
	uint8_t was;
	size_t i;

	(void)state;
	eventlog_begin(&b);
	assert_int_equal(b.len, 69);
	eventlog_action(&b, 7, "event");
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		was = b.p[bad[i].at];
		b.p[bad[i].at] = bad[i].value;
		if (replay(&b, &p) != bad[i].want)
			fail_msg("byte %zu = 0x%02x", bad[i].at, bad[i].value);
		b.p[bad[i].at] = was;
	}
	assert_int_equal(replay(&b, &p), 0);
	buf_done(&b);
}

/* --- logs that are well-formed but for one thing --- */
struct bank {
	uint16_t alg, len;
};

static void
put_header(struct buf *b, const struct bank *banks, size_t n, size_t more)
{
	static const uint8_t zero[80];
	size_t i;

	eventlog_u32(b, 0);
	eventlog_u32(b, 3);
	eventlog_bytes(b, zero, 20);
	eventlog_u32(b, (uint32_t)(16 + 4 + 4 + 4 + 4 * n + 1 + more));
	eventlog_bytes(b, "Spec ID Event03", 16);
	eventlog_bytes(b, zero, 8);
	eventlog_u32(b, (uint32_t)n);
	for (i = 0; i < n; i++) {
		eventlog_u16(b, banks[i].alg);
		eventlog_u16(b, banks[i].len);
	}
	eventlog_bytes(b, zero, 1 + more);
}

static void
put_event(struct buf *b, uint32_t pcr, uint32_t type, const struct bank *banks,
    size_t n, const void *data, size_t len)
{
	static const uint8_t zero[80];
	size_t i;

	eventlog_u32(b, pcr);
	eventlog_u32(b, type);
	eventlog_u32(b, (uint32_t)n);
	for (i = 0; i < n; i++) {
		eventlog_u16(b, banks[i].alg);
		eventlog_bytes(b, zero, banks[i].len);
	}
	eventlog_u32(b, (uint32_t)len);
	eventlog_bytes(b, data, len);
}

static void
assert_log(const struct bank *header, size_t nheader, size_t more,
    const struct bank *event, size_t nevent, int want)
{
	struct buf b = BUF_INIT(4096);
	struct attest_pcrs p;

	put_header(&b, header, nheader, more);
	put_event(&b, 7, 1, event, nevent, "x", 1);
	assert_string_equal(err_id(replay(&b, &p)), err_id(want));
	buf_done(&b);
}

static void
test_log_banks(void **state)
{
	const struct bank sha1 = { 4, 20 }, sha256 = { 11, 32 };
	const struct bank good[] = { sha256, sha1 };
	const struct bank swapped[] = { sha1, sha256 };
	const struct bank odd[][2] = {
		{ sha256, { 11, 32 } },	 /* twice */
		{ { 11, 20 }, sha1 },	 /* SHA-256 of another length */
		{ sha256, { 0x12, 0 } }, /* digests of no bytes */
		{ sha256, { 0x12, 65 } } /* longer than any */
	};
	const struct bank unknown[] = { sha256, { 0x77, 0 } };
	const struct bank twice[] = { sha256, sha256 };
	struct bank many[9] = { sha256 };
	size_t i;

	(void)state;
	assert_log(good, 2, 0, good, 2, 0);
	assert_log(good, 2, 0, swapped, 2, 0);
	for (i = 0; i < ARRAY_LEN(odd); i++)
		assert_log(odd[i], 2, 0, odd[i], 2, CS_E_ATTEST_LOG_FORM);
	for (i = 1; i < ARRAY_LEN(many); i++)
		many[i] = (struct bank){ (uint16_t)(0x100 + i), 20 };
	assert_log(many, 8, 0, many, 8, 0);
	assert_log(many, 9, 0, many, 9, CS_E_ATTEST_LOG_FORM);
	assert_log(good, 2, 1, good, 2, CS_E_ATTEST_LOG_FORM);
	assert_log(good, 2, 0, good, 1, CS_E_ATTEST_LOG_FORM);
	assert_log(good, 2, 0, unknown, 2, CS_E_ATTEST_LOG_FORM);
	assert_log(good, 2, 0, twice, 2, CS_E_ATTEST_LOG_FORM);
}

static void
test_log_limits(void **state)
{
	const struct bank sha256 = { 11, 32 };
	struct buf b = BUF_INIT(8u << 20);
	uint8_t locality[18] = "StartupLocality";
	_cleanup_free_ void *big = calloc(1, ATTEST_LOG_MAX);
	struct attest_pcrs p;
	size_t head, i;

	(void)state;
	assert_non_null(big);
	put_header(&b, &sha256, 1, 0);
	head = b.len;
	for (i = 0; i < 4; i++) {
		b.len = head;
		locality[16] = i == 3 ? 5 : 4;
		put_event(&b, i == 1, 3, &sha256, 1, locality,
		    i == 2 ? 18 : 17);
		assert_int_equal(replay(&b, &p),
		    i == 0 ? 0 : CS_E_ATTEST_LOG_FORM);
	}
	b.len = head;
	put_event(&b, 7, 1, &sha256, 1, big, ATTEST_LOG_MAX);
	assert_int_equal(replay(&b, &p), CS_E_ATTEST_LOG_FORM);
	b.len = head;
	for (i = 0; i < 65536; i++)
		put_event(&b, 7, 1, &sha256, 1, "", 0);
	assert_int_equal(replay(&b, &p), 0);
	put_event(&b, 7, 1, &sha256, 1, "", 0);
	assert_int_equal(replay(&b, &p), CS_E_ATTEST_LOG_FORM);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_log_fields),
		cmocka_unit_test(test_log_banks),
		cmocka_unit_test(test_log_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
