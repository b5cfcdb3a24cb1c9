/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_PROGRESS_H
#define CS_PROGRESS_H

#include "lib/defs.h"

/* How far a long job is, on stderr; nothing if that is no terminal. */
struct progress {
	const char *what;	/* "hashing" */
	uint64_t total, done;	/* bytes */
	int64_t start, shown;	/* ms, monotonic */
	bool on;
};

void progress_start(struct progress *p, const char *what, uint64_t total);
void progress_add(struct progress *p, uint64_t bytes);
void progress_end(struct progress *p);

#endif
