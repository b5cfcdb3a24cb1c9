/* SPDX-License-Identifier: Apache-2.0 */
/* Linked to a test program, it runs one of its tests: that of CS_TEST_ONLY. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void only(void) __attribute__((constructor));

static void
only(void)
{
	const char *name = getenv("CS_TEST_ONLY");

	if (name != NULL)
		cmocka_set_test_filter(name);
}
