/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "appliance/core.h"

int64_t
core_now(void)
{
	return (int64_t)time(NULL);
}

int
core_clock_check(int64_t now, int64_t floor, struct diag *d)
{
	char is[21], was[21];

	if (now >= floor)
		return 0;
	time_format(now, is);
	time_format(floor, was);
	return diag_fail(d, CS_E_CLOCK_FLOOR, "a clock at or after it",
	    "the clock says %s, the last logged time is %s", is, was);
}
