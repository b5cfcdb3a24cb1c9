/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Waits for a file of sysfs or /dev, without sleeping through what happens:
 * the kernel's uevents wake it, a quarter of a second bounds what sends none.
 * usage: await SECONDS there|gone|says PATH [TEXT]
 */

#include <fcntl.h>
#include <glob.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 250

static bool
there(const char *pattern)
{
	glob_t g;
	bool found;

	found = glob(pattern, GLOB_NOSORT, NULL, &g) == 0;
	globfree(&g);
	return found;
}

static bool
says(const char *path, const char *text)
{
	char buf[4096];
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	(void)close(fd);
	if (n < 0)
		return false;
	buf[n] = '\0';
	return strstr(buf, text) != NULL;
}

static int
uevents(void)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_KOBJECT_UEVENT);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static time_t
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

int
main(int argc, char **argv)
{
	struct pollfd p = { .events = POLLIN };
	char drop[4096];
	time_t end;

	if (argc < 4 || (strcmp(argv[2], "says") == 0) != (argc == 5))
		return 2;
	end = now() + atoi(argv[1]);
	p.fd = uevents();
	for (;;) {
		if (argc == 5 ? says(argv[3], argv[4]) :
				there(argv[3]) == (argv[2][0] == 't'))
			return 0;
		if (now() >= end)
			break;
		if (poll(&p, 1, TICK_MS) == 1)
			while (recv(p.fd, drop, sizeof(drop), 0) > 0)
				;
	}
	(void)fprintf(stderr, "await: not %s: %s %s\n", argv[2], argv[3],
	    argc == 5 ? argv[4] : "");
	return 1;
}
