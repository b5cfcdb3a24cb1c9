/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* after those that it needs */
#include <cmocka.h>

void
expect_failed(const struct checks *c, const char *what, const int *codes)
{
	size_t i, k = 0;

	for (i = 0; i < c->n; i++) {
		if (c->v[i].pass)
			continue;
		if (codes[k] != c->v[i].code)
			fail_msg("%s: %s (%s), not %s", what,
			    err_id(c->v[i].code), c->v[i].found,
			    err_id(codes[k]));
		assert_true(c->v[i].found[0] != '\0');
		k++;
	}
	if (codes[k] != 0)
		fail_msg("%s: no %s", what, err_id(codes[k]));
}
