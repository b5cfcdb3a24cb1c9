/* SPDX-License-Identifier: Apache-2.0 */
#include "usb-transfer/link_stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* 0, or CS_E_LINK_TIME when the deadline (ms, monotonic; < 0: none) is over */
static int
wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left = -1;
	int n;

	do {
		if (deadline >= 0) {
			left = deadline - now_ms();
			if (left < 0)
				left = 0;
		}
		n = poll(&p, 1, (int)left);
	} while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : CS_E_LINK_TIME;
}

static int64_t
deadline_of(int timeout_ms)
{
	return timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
}

static int
stream_send(void *arg, const void *cells, size_t n, int timeout_ms,
    struct diag *d)
{
	const struct link_stream *s = arg;
	const uint8_t *p = cells;
	size_t left = n * LINK_CELL;
	int64_t end = deadline_of(timeout_ms);
	ssize_t k;

	while (left > 0) {
		k = send(s->fd, p, left, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (k > 0) {
			p += k;
			left -= (size_t)k;
		} else if (k == 0 || (errno != EAGAIN && errno != EINTR)) {
			return diag_fail(d, CS_E_LINK_GONE, "the other end",
			    "it closed the cable");
		} else if (wait_for(s->fd, POLLOUT, end) != 0) {
			return diag_fail(d, CS_E_LINK_TIME,
			    "somebody who takes cells", "nobody for %d ms",
			    timeout_ms);
		}
	}
	return 0;
}

static int
stream_recv(void *arg, void *cells, size_t n, int timeout_ms, struct diag *d)
{
	const struct link_stream *s = arg;
	uint8_t *p = cells;
	size_t want = n * LINK_CELL, got = 0;
	int64_t end = deadline_of(timeout_ms);
	ssize_t k;

	while (got < want) {
		k = recv(s->fd, p + got, want - got, MSG_DONTWAIT);
		if (k > 0) {
			got += (size_t)k;
			continue;
		}
		if (k < 0 && (errno == EAGAIN || errno == EINTR)) {
			if (wait_for(s->fd, POLLIN, end) == 0)
				continue;
			if (got == 0)
				return diag_fail(d, CS_E_LINK_TIME, "a cell",
				    "none in %d ms", timeout_ms);
		} else if (got == 0) {
			return diag_fail(d, CS_E_LINK_GONE, "the other end",
			    "it closed the cable");
		}
		return diag_fail(d, CS_E_LINK_SHORT, "whole cells",
		    "%zu of %zu bytes", got, want);
	}
	return 0;
}

static int
stream_drain(void *arg, struct diag *d)
{
	(void)arg;
	(void)d;
	return 0;
}

static void
stream_close(void *arg)
{
	struct link_stream *s = arg;

	close_fdp(&s->fd);
}

const struct link_ops link_stream_ops = { stream_send, stream_recv,
	stream_drain, stream_close };

int
link_stream_connect(const char *path, struct link_stream *ret, struct diag *d)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	_cleanup_fd_ int fd = -1;

	if (strlen(path) >= sizeof(a.sun_path))
		return diag_fail(d, CS_E_LINK_ADDRESS, "a shorter path", "%s",
		    path);
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return diag_errno(d, CS_E_LINK_IO, "socket");
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			return diag_errno(d, CS_E_LINK_CLOSED, "%s", path);
		return diag_errno(d, CS_E_LINK_IO, "%s", path);
	}
	ret->fd = take_fd(&fd);
	return 0;
}

/* --- the appliance's end ------------------------------------------------ */

static void
listener_fds(void *arg, struct pollfd *p)
{
	const struct link_listener *l = arg;

	p[0] = (struct pollfd){ .fd = l->listen_fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = l->conn.fd, .events = POLLIN };
}

/*
 * One host at a time: the next one is told, and shown out; but it waits at the
 * door until one that has gone is out.
 */
static void
take_caller(struct link_listener *l)
{
	struct pollfd p = { .fd = l->conn.fd };
	struct link_stream other;
	struct link busy;
	int fd;

	if (poll(&p, 1, 0) > 0)
		return;
	fd = accept4(l->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (l->conn.fd < 0) {
		l->conn.fd = fd;
		return;
	}
	other.fd = fd;
	if (link_init(&busy, LINK_APPLIANCE, &link_stream_ops, &other, NULL) ==
	    0)
		cs_ignore(link_say_busy(&busy, NULL));
	link_done(&busy);
}

static int
listener_event(void *arg, const struct pollfd *p, bool *ret_cell,
    bool *ret_lost, struct diag *d)
{
	struct link_listener *l = arg;
	char c;

	*ret_cell = *ret_lost = false;
	if ((p[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
		if (recv(l->conn.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
			*ret_cell = true;
		} else {
			*ret_lost = true;
			close_fdp(&l->conn.fd);
		}
	}
	if ((p[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
		return diag_fail(d, CS_E_LINK_IO, "a listening socket",
		    "an error");
	if ((p[0].revents & POLLIN) != 0)
		take_caller(l);
	return 0;
}

static void
listener_drop(void *arg)
{
	struct link_listener *l = arg;

	close_fdp(&l->conn.fd);
}

void
link_listener_port(struct link_listener *l, int listen_fd,
    struct link_port *ret)
{
	*l = (struct link_listener){ .listen_fd = listen_fd, .conn.fd = -1 };
	*ret = (struct link_port){ &link_stream_ops, &l->conn, l, listener_fds,
		listener_event, listener_drop };
}
