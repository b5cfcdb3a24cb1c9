/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TEST_SWTPM_H
#define CS_TEST_SWTPM_H

#include <sys/types.h>

/*
 * A real swtpm for tests.  The test listens on both sockets and swtpm
 * inherits them, so that a connection never comes too early.  Aborts on
 * failure.
 */
struct swtpm {
	char *dir;		/* absolute; state, sockets and log below it */
	char *tcti;
	char *log;		/* level 20, all commands and answers in hex */
	int server, ctrl;
	pid_t pid;
};

/* dir is absolute, exists and is empty */
void swtpm_make(struct swtpm *s, const char *dir);
void swtpm_start(struct swtpm *s);
void swtpm_kill(struct swtpm *s);	/* SIGKILL: the power is cut */
/* kills, removes the folder */
void swtpm_done(struct swtpm *s);

#endif
