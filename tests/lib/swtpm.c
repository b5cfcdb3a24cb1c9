/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/swtpm.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define must(x)                                 \
	do {                                    \
		if (!(x)) {                     \
			perror("swtpm.c: " #x); \
			abort();                \
		}                               \
	} while (0)

static int
listen_at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0 && strlen(path) < sizeof(a.sun_path));
	memcpy(a.sun_path, path, strlen(path) + 1);
	must(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	must(listen(fd, 4) == 0);
	return fd;
}

void
swtpm_make(struct swtpm *s, const char *dir)
{
	char *path;

	*s = (struct swtpm){ .pid = -1 };
	must(dir[0] == '/');
	s->dir = strdup(dir);
	must(s->dir != NULL);
	must(asprintf(&s->tcti, "swtpm:path=%s/s", dir) > 0);
	must(asprintf(&s->log, "%s/log", dir) > 0);
	must(asprintf(&path, "%s/s", dir) > 0);
	s->server = listen_at(path);
	free(path);
	must(asprintf(&path, "%s/s.ctrl", dir) > 0);
	s->ctrl = listen_at(path);
	free(path);
	swtpm_start(s);
}

static void
child(const struct swtpm *s)
{
	char *state, *log, *server, *ctrl;

	/* it ends with the test, whatever happens to that */
	must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	must(fcntl(s->server, F_SETFD, 0) == 0);
	must(fcntl(s->ctrl, F_SETFD, 0) == 0);
	must(asprintf(&state, "dir=%s", s->dir) > 0);
	must(asprintf(&log, "file=%s,level=20", s->log) > 0);
	must(asprintf(&server, "type=unixio,fd=%d", s->server) > 0);
	must(asprintf(&ctrl, "type=unixio,fd=%d", s->ctrl) > 0);
	execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state,
	    "--server", server, "--ctrl", ctrl, "--log", log, "--flags",
	    "not-need-init,startup-clear", (char *)NULL);
	must(0);
}

void
swtpm_start(struct swtpm *s)
{
	s->pid = fork();
	must(s->pid >= 0);
	if (s->pid == 0)
		child(s);
}

void
swtpm_kill(struct swtpm *s)
{
	if (s->pid <= 0)
		return;
	must(kill(s->pid, SIGKILL) == 0);
	must(waitpid(s->pid, NULL, 0) == s->pid);
	s->pid = -1;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

void
swtpm_done(struct swtpm *s)
{
	swtpm_kill(s);
	must(close(s->server) == 0 && close(s->ctrl) == 0);
	must(nftw(s->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
	free(s->dir);
	free(s->tcti);
	free(s->log);
}
