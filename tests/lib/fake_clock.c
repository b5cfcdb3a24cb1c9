/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Preloaded into coldseal-core: its wall clock is CS_FAKE_AHEAD seconds ahead
 * of the machine's.  So a log comes about whose last logged time is in the
 * future, signed by its real key.
 */

#include <stdlib.h>
#include <time.h>

time_t
time(time_t *ret)
{
	const char *ahead = getenv("CS_FAKE_AHEAD");
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += ahead != NULL ? atol(ahead) : 0;
	if (ret != NULL)
		*ret = ts.tv_sec;
	return ts.tv_sec;
}
