/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A cable that is cut: between a host and an appliance's socket, until so many
 * bytes have passed, both ways together; then one end is killed.
 *
 *	linkproxy LISTEN CONNECT BYTES host|PID|nobody
 *
 * Prints "ready" when it listens.  0: it cut; 3: the ends were done before.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int
unix_socket(const char *path, int listening)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (listening) {
		(void)unlink(path);
		r = bind(fd, (struct sockaddr *)&a, sizeof(a));
		if (r == 0)
			r = listen(fd, 1);
	} else {
		r = connect(fd, (struct sockaddr *)&a, sizeof(a));
	}
	if (fd < 0 || r != 0) {
		perror(path);
		exit(4);
	}
	return fd;
}

/* 1: more may come; 0: one end is done */
static int
pass(int from, int to, size_t *left)
{
	char buf[65536];
	size_t want = *left < sizeof(buf) ? *left : sizeof(buf), at = 0;
	ssize_t n = read(from, buf, want), k;

	if (n <= 0)
		return 0;
	*left -= (size_t)n;
	for (; at < (size_t)n; at += (size_t)k) {
		k = send(to, buf + at, (size_t)n - at, MSG_NOSIGNAL);
		if (k <= 0)
			return 0;
	}
	return 1;
}

static void
cut(int host, const char *victim)
{
	struct ucred peer = { 0 };
	socklen_t n = sizeof(peer);
	pid_t pid;

	if (strcmp(victim, "nobody") == 0)
		return;
	if (strcmp(victim, "host") == 0 &&
	    getsockopt(host, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0)
		pid = peer.pid;
	else
		pid = (pid_t)strtol(victim, NULL, 10);
	if (pid > 1)
		(void)kill(pid, SIGKILL);
}

int
main(int argc, char **argv)
{
	struct pollfd p[2];
	size_t left;
	int listening, more = 1, i;

	if (argc != 5)
		return 2;
	left = strtoul(argv[3], NULL, 10);
	listening = unix_socket(argv[1], 1);
	(void)puts("ready");
	(void)fflush(stdout);
	p[0].fd = accept(listening, NULL, NULL);
	p[1].fd = unix_socket(argv[2], 0);
	p[0].events = p[1].events = POLLIN;
	while (more && left > 0) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return 4;
		for (i = 0; i < 2 && more && left > 0; i++)
			if (p[i].revents != 0)
				more = pass(p[i].fd, p[1 - i].fd, &left);
	}
	if (left == 0)
		cut(p[0].fd, argv[4]);
	(void)unlink(argv[1]);
	return left == 0 ? 0 : 3;
}
