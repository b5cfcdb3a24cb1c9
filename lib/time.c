/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>

#include "lib/json.h"

/*
 * RFC 3339 5.6 in the one form "YYYY-MM-DDTHH:MM:SSZ", years 1970 to 9999.
 * Leap seconds are not written: no document needs one.
 */
#define TIME_LEN 20u
#define TIME_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

static int
digits(const char *s, unsigned n)
{
	int v = 0;

	while (n-- > 0) {
		if (*s < '0' || *s > '9')
			return -1;
		v = v * 10 + (*s++ - '0');
	}
	return v;
}

int
time_parse(const char *s, int64_t *ret)
{
	struct tm tm = { 0 };
	char back[TIME_LEN + 1];
	int64_t t;
	int year;

	if (strnlen(s, TIME_LEN + 1) != TIME_LEN)
		return CS_E_TIME;
	year = digits(s, 4);
	if (year < 1970)
		return CS_E_TIME;
	tm.tm_year = year - 1900;
	tm.tm_mon = digits(s + 5, 2) - 1;
	tm.tm_mday = digits(s + 8, 2);
	tm.tm_hour = digits(s + 11, 2);
	tm.tm_min = digits(s + 14, 2);
	tm.tm_sec = digits(s + 17, 2);
	t = timegm(&tm);
	if (t < 0 || t > TIME_MAX)
		return CS_E_TIME;
	/* timegm() normalises; what was not normal does not come back equal */
	time_format(t, back);
	if (strcmp(back, s) != 0)
		return CS_E_TIME;
	*ret = t;
	return 0;
}

void
time_format(int64_t t, char out[21])
{
	struct tm tm = { 0 };
	time_t when;

	if (t < 0)
		t = 0;
	if (t > TIME_MAX)
		t = TIME_MAX;
	when = (time_t)t;
	if (gmtime_r(&when, &tm) == NULL ||
	    strftime(out, TIME_LEN + 1, "%Y-%m-%dT%H:%M:%SZ", &tm) != TIME_LEN)
		memcpy(out, "1970-01-01T00:00:00Z", TIME_LEN + 1);
}
