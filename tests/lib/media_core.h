/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TEST_MEDIA_CORE_H
#define CS_TEST_MEDIA_CORE_H

#include <sys/types.h>

#include "lib/err.h"

/*
 * coldseal-intake or coldseal-export as a child of its own, and the core's
 * part of what they say to each other.  For tests with a stick behind them.
 */
struct media_child {
	pid_t pid;
	int sock;
};

/* path of the program; medium is used, not taken; arg, env as execve() */
int media_start(struct media_child *c, const char *path, int medium,
    const char *arg, char *const *env) CS_WUR;
/* The exit status, or 128 + signal */
int media_end(struct media_child *c);

struct media_taken {
	uint32_t docs, artifacts, progress;
	uint64_t bytes;		/* of all artifacts */
	char sha256[65];	/* of the last one */
	char type[32];		/* of the bundle */
};
/* Everything that intake brings, up to END.  What FAIL says is in *d. */
int media_take(struct media_child *c, struct media_taken *ret, struct diag *d)
    CS_WUR;

struct media_target {
	bool must_ask;
	char model[64], seems[96];
	uint64_t bytes;
};
struct media_put {
	uint32_t written, compared;	/* progress messages of each */
	char sha256[65];
	uint64_t size;
};
/* A response of one member, up to TARGET: nothing is written yet. */
int media_offer(struct media_child *c, const void *record, size_t n,
    struct media_target *ret, struct diag *d) CS_WUR;
/* GO, up to DONE. */
int media_go(struct media_child *c, struct media_put *ret, struct diag *d)
    CS_WUR;

#endif
