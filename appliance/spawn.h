/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SPAWN_H
#define CS_SPAWN_H

#include <sys/types.h>

#include "lib/err.h"

/*
 * Starts a program that lies beside this one, with exactly the descriptors
 * given (they become 3, 4, 5 ...), a clean environment and nothing else.
 * The child dies with its parent.
 */
#define SPAWN_MAX_FDS	4
#define SPAWN_MAX_ARGS	16

struct spawn {
	const char *program;		/* "coldseal-core" */
	const char *args[SPAWN_MAX_ARGS];
	size_t nargs;
	int fds[SPAWN_MAX_FDS];		/* not taken */
	size_t nfds;
	const char *hsm_conf;		/* SOFTHSM2_CONF, or NULL */
	bool terminal;			/* keeps 0, 1, 2; else /dev/null for 0, 1 */
};

int spawn_start(const struct spawn *s, pid_t *ret_pid, struct diag *d) CS_WUR;

#endif
