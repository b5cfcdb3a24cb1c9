/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "appliance/core.h"

#define FLOOR INT64_C(1795000000) /* 2026-11-18T11:06:40Z */

static void
test_at_and_after(void **state)
{
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(core_clock_check(FLOOR, FLOOR, &d), 0);
	assert_int_equal(core_clock_check(FLOOR + 1, FLOOR, &d), 0);
	assert_int_equal(core_clock_check(0, 0, &d), 0);
	assert_int_equal(d.code, 0);
}

/* A clock fault is told as one: both times, and what to do. */
static void
test_behind(void **state)
{
	struct diag d = { 0 };
	char text[1024];

	(void)state;
	assert_int_equal(core_clock_check(FLOOR - 1, FLOOR, &d),
	    CS_E_CLOCK_FLOOR);
	assert_string_equal(err_id(d.code), "CLOCK-FLOOR");
	diag_format(&d, text, sizeof(text));
	assert_string_equal(text,
	    "CLOCK-FLOOR: the clock is behind the last logged time\n"
	    "  found: the clock says 2026-11-18T11:06:39Z, the last logged "
	    "time is 2026-11-18T11:06:40Z\n"
	    "  expected: a clock at or after it\n"
	    "  what to do: set the machine's clock; keys and certificates are "
	    "not the problem\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_and_after),
		cmocka_unit_test(test_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
