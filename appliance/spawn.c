/* SPDX-License-Identifier: Apache-2.0 */
#include "appliance/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#define FIRST_FD 3

static int
program_path(const char *name, char *out, size_t size, struct diag *d)
{
	char self[PATH_MAX];
	ssize_t n;
	char *slash;

	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0)
		return diag_errno(d, CS_E_IO, "/proc/self/exe");
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (slash == NULL)
		return diag_fail(d, CS_E_INTERNAL, "an absolute path", "%s",
		    self);
	*slash = '\0';
	if (snprintf(out, size, "%s/%s", self, name) >= (int)size)
		return diag_fail(d, CS_E_TOO_LARGE, NULL, "%s", self);
	return 0;
}

/*
 * Moves the descriptors above all targets first, so that no dup2() closes
 * one that is still needed.
 */
static int
place_fds(const struct spawn *s)
{
	int moved[SPAWN_MAX_FDS];
	size_t i;

	for (i = 0; i < s->nfds; i++) {
		moved[i] =
		    fcntl(s->fds[i], F_DUPFD_CLOEXEC, FIRST_FD + SPAWN_MAX_FDS);
		if (moved[i] < 0)
			return -1;
	}
	for (i = 0; i < s->nfds; i++)
		if (dup2(moved[i], FIRST_FD + (int)i) < 0)
			return -1;
	return close_range(FIRST_FD + (unsigned int)s->nfds, ~0u,
	    CLOSE_RANGE_CLOEXEC);
}

static int
quiet_terminal(void)
{
	int fd;

	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0)
		return -1;
	return 0;
}

/* Returns only on failure. */
static void
child(const struct spawn *s, const char *path, pid_t parent)
{
	static const char *const base[] = { "LANG=C.UTF-8", "TZ=UTC0",
		"PATH=/usr/bin:/bin" };
	const char *env[ARRAY_LEN(base) + 2] = { NULL };
	const char *argv[SPAWN_MAX_ARGS + 2] = { NULL };
	char conf[PATH_MAX + 16];
	sigset_t none;
	size_t i, n = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		return;
	/* a Ctrl-C on the terminal must not end a ceremony half way */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	(void)signal(SIGTSTP, SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (i = 0; i < ARRAY_LEN(base); i++)
		env[n++] = base[i];
	if (s->hsm_conf != NULL && s->hsm_conf[0] != '\0') {
		(void)snprintf(conf, sizeof(conf), "SOFTHSM2_CONF=%s",
		    s->hsm_conf);
		env[n++] = conf;
	}
	argv[0] = s->program;
	for (i = 0; i < s->nargs; i++)
		argv[i + 1] = s->args[i];
	if ((!s->terminal && quiet_terminal() != 0) || place_fds(s) != 0)
		return;
	(void)execve(path, (char *const *)argv, (char *const *)env);
}

int
spawn_start(const struct spawn *s, pid_t *ret_pid, struct diag *d)
{
	char path[PATH_MAX];
	pid_t pid, parent = getpid();
	int r;

	if (s->nfds > SPAWN_MAX_FDS || s->nargs > SPAWN_MAX_ARGS)
		return diag_fail(d, CS_E_INTERNAL, NULL, "spawn table");
	r = program_path(s->program, path, sizeof(path), d);
	if (r != 0)
		return r;
	if (access(path, X_OK) != 0)
		return diag_errno(d, CS_E_IO, "%s", path);
	pid = fork();
	if (pid < 0)
		return diag_errno(d, CS_E_IO, "fork");
	if (pid == 0) {
		child(s, path, parent);
		_exit(127);
	}
	*ret_pid = pid;
	return 0;
}
