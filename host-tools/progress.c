/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SHOW_EVERY_MS 200
#define MIB	      (1u << 20)

static int64_t
now_ms(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
progress_start(struct progress *p, const char *what, uint64_t total)
{
	memset(p, 0, sizeof(*p));
	p->what = what;
	p->total = total;
	p->start = now_ms();
	p->shown = p->start;
	p->on = isatty(STDERR_FILENO) == 1;
}

static void
show(const struct progress *p, int64_t now)
{
	double ms = (double)(now - p->start);
	double left = p->done == 0 ? 0 :
				     ms / (double)p->done *
		(double)(p->total > p->done ? p->total - p->done : 0) / 1000;

	(void)fprintf(stderr,
	    "\r%s: %" PRIu64 " of %" PRIu64 " MiB, "
	    "about %.0f s left\033[K",
	    p->what, p->done / MIB, p->total / MIB, left);
}

void
progress_add(struct progress *p, uint64_t bytes)
{
	int64_t now;

	p->done += bytes;
	if (!p->on)
		return;
	now = now_ms();
	if (now - p->shown < SHOW_EVERY_MS)
		return;
	p->shown = now;
	show(p, now);
}

void
progress_end(struct progress *p)
{
	if (p->on)
		(void)fprintf(stderr,
		    "\r%s: %" PRIu64 " bytes in %.1f s\033[K\n", p->what,
		    p->done, (double)(now_ms() - p->start) / 1000);
	p->on = false;
}
