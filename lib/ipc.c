/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ipc.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#define TYPE_LEN 2u

/*
 * CMSG_SPACE rounds up, so that two descriptors fit where one was asked
 * for.  Room for a few, so that a second one is seen, closed and refused.
 */
#define CTL_FDS 4u
union control {
	char raw[CMSG_SPACE(sizeof(int) * CTL_FDS)];
	struct cmsghdr align;
};

void
ipc_msg_done(struct ipc_msg *m)
{
	buf_done(&m->body);
	close_fdp(&m->fd);
}

int
ipc_pair(int ret_fd[2])
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) != 0)
		return CS_E_IPC;
	ret_fd[0] = sv[0];
	ret_fd[1] = sv[1];
	return 0;
}

static void
attach_fd(struct msghdr *mh, union control *ctl, int fd)
{
	struct cmsghdr *c;

	memset(ctl, 0, sizeof(*ctl));
	mh->msg_control = ctl->raw;
	mh->msg_controllen = CMSG_SPACE(sizeof(int));
	c = CMSG_FIRSTHDR(mh);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

int
ipc_send(int sock, uint16_t type, const void *body, size_t len, int fd)
{
	uint8_t head[TYPE_LEN] = { (uint8_t)(type >> 8), (uint8_t)type };
	struct iovec iov[2] = {
		{ .iov_base = head, .iov_len = sizeof(head) },
		{ .iov_base = (void *)(uintptr_t)body, .iov_len = len },
	};
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = len > 0 ? 2 : 1 };
	union control ctl;
	ssize_t n;

	if (len > IPC_MAX - TYPE_LEN)
		return CS_E_TOO_LARGE;
	if (fd >= 0)
		attach_fd(&mh, &ctl, fd);
	do
		n = sendmsg(sock, &mh, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)(sizeof(head) + len) ? 0 : CS_E_IPC;
}

int
ipc_send_buf(int sock, uint16_t type, const struct buf *body, int fd)
{
	return ipc_send(sock, type, body->p, body->len, fd);
}

static int64_t
now_ms(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int
wait_readable(int sock, int timeout_ms)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int64_t end = now_ms() + timeout_ms, left = timeout_ms;
	int n;

	for (;;) {
		n = poll(&p, 1, timeout_ms < 0 ? -1 : (int)left);
		if (n > 0)
			return 0; /* or hung up: recvmsg() tells */
		if (n == 0 || errno != EINTR)
			return CS_E_IPC;
		left = end - now_ms();
		if (left < 0)
			left = 0;
	}
}

/*
 * Takes every descriptor that came, since they are ours now; keeps the first
 * in *fd.  CS_E_IPC unless there was at most one, and nothing else.
 */
static int
take_control(struct msghdr *mh, int *fd)
{
	struct cmsghdr *c;
	size_t i, n, count = 0;
	int got, r = 0;

	for (c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
			r = CS_E_IPC;
			continue;
		}
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&got, CMSG_DATA(c) + i * sizeof(int),
			    sizeof(got));
			if (count++ == 0)
				*fd = got;
			else
				(void)close(got);
		}
	}
	return count > 1 ? CS_E_IPC : r;
}

int
ipc_recv(int sock, struct ipc_msg *ret, int timeout_ms)
{
	_cleanup_free_ uint8_t *raw = NULL;
	_cleanup_fd_ int fd = -1;
	union control ctl;
	struct iovec iov;
	struct msghdr mh = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ctl.raw,
		.msg_controllen = sizeof(ctl.raw) };
	ssize_t n;
	int r;

	if ((raw = malloc(IPC_MAX)) == NULL)
		return CS_E_NOMEM;
	iov.iov_base = raw;
	iov.iov_len = IPC_MAX;
	if ((r = wait_readable(sock, timeout_ms)) != 0)
		return r;
	do
		n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return CS_E_IPC;
	if ((r = take_control(&mh, &fd)) != 0)
		return r;
	if ((mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		return CS_E_IPC;
	if (n < (ssize_t)TYPE_LEN) /* 0: the peer is gone */
		return CS_E_IPC;
	buf_reset(&ret->body);
	ret->body.max = IPC_MAX - TYPE_LEN;
	r = buf_put(&ret->body, raw + TYPE_LEN, (size_t)n - TYPE_LEN);
	if (r != 0)
		return r;
	close_fdp(&ret->fd);
	ret->fd = take_fd(&fd);
	ret->type = (uint16_t)(raw[0] << 8 | raw[1]);
	return 0;
}

int
ipc_put_diag(struct buf *b, const struct diag *d)
{
	size_t len = b->len;
	int r;

	/* it stands for a failure; the peer would take "OK" for success */
	if (d->code == 0)
		return CS_E_INTERNAL;
	if ((r = buf_put_cstr(b, err_id(d->code))) == 0 &&
	    (r = buf_put_cstr(b, d->found)) == 0)
		r = buf_put_cstr(b, d->expected);
	if (r != 0)
		b->len = len;
	return r;
}

static bool
printable(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < 0x20 || *s > 0x7e)
			return false;
	return true;
}

int
ipc_get_diag(struct rd *r, struct diag *ret)
{
	struct diag d = { 0 };
	struct rd c = *r;
	char id[64];
	int e;

	if ((e = rd_cstr_into(&c, id, sizeof(id))) != 0 ||
	    (e = rd_cstr_into(&c, d.found, sizeof(d.found))) != 0 ||
	    (e = rd_cstr_into(&c, d.expected, sizeof(d.expected))) != 0)
		return e;
	d.code = err_from_id(id);
	if (d.code == 0 || !printable(d.found) || !printable(d.expected))
		return CS_E_IPC;
	*r = c;
	*ret = d;
	return 0;
}

int
ipc_permit(struct ipc_state *s, uint16_t type)
{
	uint64_t bit;
	size_t i;

	for (i = 0; i < s->count && i < 64; i++) {
		if (s->rules[i].type != type)
			continue;
		bit = UINT64_C(1) << i;
		if (s->rules[i].once && (s->used & bit) != 0)
			return CS_E_IPC;
		s->used |= bit;
		return 0;
	}
	return CS_E_IPC;
}
