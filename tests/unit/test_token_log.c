/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/hex.h"
#include "lib/sha.h"
#include "lib/token_log.h"

/*
 * Six entries of a real token, as the vendor's documentation of the command
 * GET LOG ENTRIES shows them: export of a key and its refusal, power on, a
 * session, the index being set.
 */
static const char *const real[] = {
	"002e4b00ea0001cf94997ecb00051f6d415f51f1f035a1b713e730e4464e4033",
	"002f4c004d0001aff7ffffcc00055de25496a60d478c2b9c801d8d32ca66b554",
	"0030000000ffff00000000000000000014ac7747ba9bbb243cfc70befeb5349b",
	"003103000affff0001ffff830000008bb20a8f25c025e693a8e869b433294a20",
	"0032040011ffff0001ffff840000008bebfae425c319ac7a0afbb8b92597de7c",
	"00336700020001ffffffffe7000002b92e395d1b706668737e1d2215813db47e",
};

static void
real_log(struct token_log *ret)
{
	uint8_t raw[ARRAY_LEN(real) * TOKEN_LOG_ENTRY_LEN];
	size_t i;

	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < ARRAY_LEN(real); i++)
		assert_int_equal(hex_decode(real[i],
				     raw + i * TOKEN_LOG_ENTRY_LEN,
				     TOKEN_LOG_ENTRY_LEN),
		    0);
	assert_int_equal(token_log_decode(raw, sizeof(raw), ret->v, &ret->n,
			     NULL),
	    0);
}

/* Written from the specification: a log that goes on after another entry. */
static void
add(struct token_log *log, uint8_t command, uint16_t key, uint8_t result)
{
	struct token_log_entry *e = &log->v[log->n];
	uint8_t in[TOKEN_LOG_ENTRY_LEN], full[CS_SHA256_LEN];

	assert_true(log->n < TOKEN_LOG_MAX);
	*e = (struct token_log_entry){
		.number = log->n == 0 ? 1 : (uint16_t)(e[-1].number + 1),
		.command = command,
		.length = 34,
		.session_key = 1,
		.target_key = key,
		.second_key = 0xffff,
		.result = result,
		.tick = (uint32_t)log->n * 1000u,
	};
	token_log_encode(e, in);
	memset(in + 16, 0x5a, 16);
	if (log->n != 0)
		memcpy(in + 16, e[-1].digest, 16);
	assert_int_equal(sha256(in, sizeof(in), full), 0);
	memcpy(e->digest, full, 16);
	log->n++;
}

static void
pin_of(const struct token_log *log, size_t i, struct token_log_pin *ret)
{
	ret->known = true;
	ret->number = log->v[i].number;
	memcpy(ret->digest, log->v[i].digest, sizeof(ret->digest));
}

static const struct token_log_pin nothing;

static void
judge(const struct token_log *log, const struct token_log_pin *pin,
    uint32_t uses, struct token_log_verdict *v)
{
	const struct token_log_asked a = { true, 0x0102, uses };

	assert_int_equal(token_log_judge(log, pin, &a, v), 0);
}

static void
has(const struct token_log_verdict *v, int code, const char *found)
{
	assert_int_equal(v->nchecks, 1);
	assert_int_equal(v->checks[0].code, code);
	if (strstr(v->checks[0].found, found) == NULL)
		fail_msg("%s in %s", found, v->checks[0].found);
}

static void
vendor_example(void **state)
{
	uint8_t raw[TOKEN_LOG_ENTRY_LEN], want[TOKEN_LOG_ENTRY_LEN];
	struct token_log_verdict v;
	struct token_log log;
	size_t i;

	(void)state;
	real_log(&log);
	assert_int_equal(log.n, 6);
	assert_int_equal(log.v[0].number, 46);
	assert_int_equal(log.v[0].command, 0x4b);
	assert_int_equal(log.v[0].length, 234);
	assert_int_equal(log.v[0].target_key, 0xcf94);
	assert_int_equal(log.v[0].second_key, 0x997e);
	assert_int_equal(log.v[0].tick, 335725);
	assert_int_equal(log.v[3].session_key, 0xffff);
	for (i = 0; i < log.n; i++) {
		token_log_encode(&log.v[i], raw);
		assert_int_equal(hex_decode(real[i], want, sizeof(want)), 0);
		assert_memory_equal(raw, want, sizeof(raw));
		assert_false(token_log_is_use(&log.v[i]));
	}
	judge(&log, &nothing, 0, &v);
	assert_int_equal(v.nchecks, 0);
	assert_int_equal(v.first, 0);
	assert_int_equal(v.used, 0);
}

static void
form(void **state)
{
	uint8_t raw[(TOKEN_LOG_MAX + 1) * TOKEN_LOG_ENTRY_LEN] = { 0 };
	struct token_log log;
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(token_log_decode(raw, 31, log.v, &log.n, &d),
	    CS_E_HSM_LOG_FORMAT);
	assert_int_equal(token_log_decode(raw, 33, log.v, &log.n, &d),
	    CS_E_HSM_LOG_FORMAT);
	assert_int_equal(token_log_decode(raw, sizeof(raw), log.v, &log.n, &d),
	    CS_E_HSM_LOG_FORMAT);
	assert_int_equal(token_log_decode(raw, 64u * TOKEN_LOG_ENTRY_LEN, log.v,
			     &log.n, &d),
	    0);
	assert_int_equal(log.n, 64);
	assert_int_equal(token_log_decode(raw, 0, log.v, &log.n, &d), 0);
	assert_int_equal(log.n, 0);
}

static void
drained_before(void **state)
{
	struct token_log_verdict v;
	struct token_log_pin pin;
	struct token_log log;
	size_t i;

	(void)state;
	real_log(&log);
	for (i = 0; i < log.n; i++) {
		pin_of(&log, i, &pin);
		judge(&log, &pin, 0, &v);
		assert_int_equal(v.nchecks, 0);
		assert_int_equal(v.first, i + 1);
	}
	/* the index was set: it is not there any more */
	pin_of(&log, 2, &pin);
	memmove(log.v, log.v + 3, 3 * sizeof(log.v[0]));
	log.n = 3;
	judge(&log, &pin, 0, &v);
	assert_int_equal(v.nchecks, 0);
	assert_int_equal(v.first, 0);
	/* nothing new */
	log.n = 0;
	judge(&log, &pin, 0, &v);
	assert_int_equal(v.nchecks, 0);
}

static void
altered(void **state)
{
	struct token_log_verdict v;
	struct token_log_pin pin;
	struct token_log log;

	(void)state;
	real_log(&log);
	log.v[4].target_key++;
	judge(&log, &nothing, 0, &v);
	has(&v, CS_E_HSM_LOG_CHAIN, "entry 50");
	real_log(&log);
	log.v[2].digest[15] ^= 1;
	judge(&log, &nothing, 0, &v);
	has(&v, CS_E_HSM_LOG_CHAIN, "entry 48");
	/* it does not go on from what was drained */
	real_log(&log);
	pin = (struct token_log_pin){ .known = true, .number = 45 };
	judge(&log, &pin, 0, &v);
	has(&v, CS_E_HSM_LOG_CHAIN, "entry 46");
}

static void
missing_entries(void **state)
{
	struct token_log_verdict v;
	struct token_log_pin pin;
	struct token_log log;

	(void)state;
	real_log(&log);
	memmove(log.v + 2, log.v + 3, 3 * sizeof(log.v[0]));
	log.n = 5;
	judge(&log, &nothing, 0, &v);
	has(&v, CS_E_HSM_LOG_GAP, "49 after 47");
	real_log(&log);
	pin = (struct token_log_pin){ .known = true, .number = 40 };
	judge(&log, &pin, 0, &v);
	has(&v, CS_E_HSM_LOG_GAP, "46 after 40");
	/* a token that was reset counts from 1 */
	log.n = 0;
	add(&log, 0xff, 0xffff, 0xff);
	judge(&log, &pin, 0, &v);
	has(&v, CS_E_HSM_LOG_GAP, "1 after 40");
	/* the number of the pin, and another digest */
	real_log(&log);
	pin_of(&log, 5, &pin);
	pin.digest[0] ^= 1;
	judge(&log, &pin, 0, &v);
	has(&v, CS_E_HSM_LOG_GAP, "46 after 51");
}

static void
numbers_wrap(void **state)
{
	struct token_log_verdict v;
	struct token_log_pin pin = { .known = true, .number = 65535 };
	struct token_log log = { .n = 0 };

	(void)state;
	log.v[0].number = 0;
	assert_int_equal(token_log_digest(&log.v[0], pin.digest,
			     log.v[0].digest),
	    0);
	log.n = 1;
	judge(&log, &pin, 0, &v);
	assert_int_equal(v.nchecks, 0);
}

static void
left_out(void **state)
{
	struct token_log_verdict v;
	struct token_log log;

	(void)state;
	real_log(&log);
	log.unlogged_boots = 1;
	judge(&log, &nothing, 0, &v);
	has(&v, CS_E_HSM_LOG_UNLOGGED, "1 starts, 0 logins");
	log.unlogged_boots = 0;
	log.unlogged_logins = 3;
	judge(&log, &nothing, 0, &v);
	has(&v, CS_E_HSM_LOG_UNLOGGED, "0 starts, 3 logins");
}

/* Every command that uses a private key, and nothing else. */
static void
uses(void **state)
{
	static const uint8_t all[] = { 0x47, 0x49, 0x55, 0x56, 0x57, 0x59, 0x5d,
		0x6a };
	struct token_log_entry e = { .command = 0 };
	unsigned c, n = 0;

	(void)state;
	for (c = 0; c < 256; c++) {
		e.command = (uint8_t)c;
		e.result = (uint8_t)(c | 0x80);
		n += token_log_is_use(&e);
		assert_int_equal(token_log_is_use(&e),
		    memchr(all, (int)c, sizeof(all)) != NULL);
		e.result = 0x7f;
		assert_false(token_log_is_use(&e));
	}
	assert_int_equal(n, sizeof(all));
}

static void
correlated(void **state)
{
	struct token_log_asked any = { false, 0, 2 };
	struct token_log_verdict v;
	struct token_log_pin pin;
	struct token_log log = { .n = 0 };

	(void)state;
	add(&log, 0x03, 1, 0x83);
	add(&log, 0x04, 1, 0x84);
	add(&log, 0x56, 0x0102, 0xd6);
	add(&log, 0x56, 0x0102, 0x0b); /* refused: no use */
	add(&log, 0x56, 0x0102, 0xd6);
	judge(&log, &nothing, 2, &v);
	assert_int_equal(v.nchecks, 0);
	assert_int_equal(v.used, 2);
	judge(&log, &nothing, 1, &v);
	has(&v, CS_E_HSM_LOG_FOREIGN, "2, 0 of them of other keys, where 1");
	judge(&log, &nothing, 3, &v);
	has(&v, CS_E_HSM_LOG_MISSING, "2 where 3");
	/* what was drained before does not count again */
	pin_of(&log, 2, &pin);
	judge(&log, &pin, 1, &v);
	assert_int_equal(v.nchecks, 0);
	/* another key, in place of ours and beside it */
	log.n = 4;
	add(&log, 0x47, 0x0666, 0xc7);
	judge(&log, &nothing, 1, &v);
	has(&v, CS_E_HSM_LOG_FOREIGN, "1 of them of other keys");
	judge(&log, &nothing, 2, &v);
	assert_int_equal(v.nchecks, 2);
	assert_int_equal(v.checks[0].code, CS_E_HSM_LOG_FOREIGN);
	assert_int_equal(v.checks[1].code, CS_E_HSM_LOG_MISSING);
	/* where the key's ID there is not known, the sum is */
	assert_int_equal(token_log_judge(&log, &nothing, &any, &v), 0);
	assert_int_equal(v.nchecks, 0);
}

static void
several(void **state)
{
	struct token_log_verdict v;
	struct token_log log;

	(void)state;
	real_log(&log);
	log.v[1].tick++;
	log.v[2].tick++;
	log.v[5].number++;
	log.unlogged_boots = 1;
	judge(&log, &nothing, 1, &v);
	assert_int_equal(v.nchecks, 4);
	assert_int_equal(v.checks[0].code, CS_E_HSM_LOG_CHAIN);
	assert_int_equal(v.checks[1].code, CS_E_HSM_LOG_GAP);
	assert_int_equal(v.checks[2].code, CS_E_HSM_LOG_UNLOGGED);
	assert_int_equal(v.checks[3].code, CS_E_HSM_LOG_MISSING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vendor_example),
		cmocka_unit_test(form),
		cmocka_unit_test(drained_before),
		cmocka_unit_test(altered),
		cmocka_unit_test(missing_entries),
		cmocka_unit_test(numbers_wrap),
		cmocka_unit_test(left_out),
		cmocka_unit_test(uses),
		cmocka_unit_test(correlated),
		cmocka_unit_test(several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
