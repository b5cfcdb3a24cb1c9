/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "appliance/core.h"

/* What ceremonies have added to the machine's clock; the log has it. */
static int64_t offset;

int64_t
core_now(void)
{
	return (int64_t)time(NULL) + offset;
}

void
core_clock_offset(int64_t seconds)
{
	offset = seconds;
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

/*
 * The time that a request is judged at.  One that sets the clock back may go
 * behind the last logged time: people say that this was wrong.
 */
int
core_time_of(struct core *c, const struct request *q, int64_t *ret,
    struct diag *d)
{
	*ret = change_time(q, core_now());
	if (q->action == CHANGE_CLOCK)
		return 0;
	return core_clock_check(*ret, ledger_floor(c->ledger), d);
}
