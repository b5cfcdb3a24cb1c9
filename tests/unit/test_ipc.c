/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "lib/ipc.h"

struct pair {
	int fd[2];
};

static int
setup(void **state)
{
	static struct pair p;

	*state = &p;
	return ipc_pair(p.fd);
}

static int
teardown(void **state)
{
	struct pair *p = *state;

	close_fdp(&p->fd[0]);
	close_fdp(&p->fd[1]);
	return 0;
}

static size_t
open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

/* One datagram as it is given, with nfds copies of stdin. */
static void
send_raw(int sock, const void *data, size_t len, size_t nfds)
{
	union {
		char raw[CMSG_SPACE(sizeof(int) * 8)];
		struct cmsghdr align;
	} ctl = { { 0 } };
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	size_t i;

	if (nfds > 0) {
		mh.msg_control = ctl.raw;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		for (i = 0; i < nfds; i++)
			memset(CMSG_DATA(c) + i * sizeof(int), 0, sizeof(int));
	}
	assert_int_equal(sendmsg(sock, &mh, 0), (ssize_t)len);
}

static void
test_round_trip(void **state)
{
	struct pair *p = *state;
	struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(100);
	int type;

	assert_true((fcntl(p->fd[0], F_GETFD) & FD_CLOEXEC) != 0);
	assert_true((fcntl(p->fd[1], F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(getsockopt(p->fd[0], SOL_SOCKET, SO_TYPE, &type,
			     &(socklen_t){ sizeof(type) }),
	    0);
	assert_int_equal(type, SOCK_SEQPACKET);
	assert_int_equal(buf_put_cstr(&b, "hello"), 0);
	assert_int_equal(ipc_send_buf(p->fd[0], 0x0102, &b, -1), 0);
	assert_int_equal(ipc_send(p->fd[0], 0xfffe, NULL, 0, -1), 0);
	assert_int_equal(ipc_recv(p->fd[1], &m, 1000), 0);
	assert_int_equal(m.type, 0x0102);
	assert_int_equal(m.body.len, b.len);
	assert_memory_equal(m.body.p, b.p, b.len);
	assert_int_equal(m.fd, -1);
	assert_int_equal(ipc_recv(p->fd[1], &m, IPC_NO_TIMEOUT), 0);
	assert_int_equal(m.type, 0xfffe);
	assert_int_equal(m.body.len, 0);
	ipc_msg_done(&m);
	buf_done(&b);
}

static void
test_descriptor(void **state)
{
	struct pair *p = *state;
	struct ipc_msg m = IPC_MSG_INIT;
	size_t before = open_fds();
	int pipefd[2];
	char c;

	assert_int_equal(pipe2(pipefd, O_CLOEXEC), 0);
	assert_int_equal(ipc_send(p->fd[0], 1, "x", 1, pipefd[0]), 0);
	assert_int_equal(ipc_send(p->fd[0], 2, "y", 1, -1), 0);
	assert_int_equal(close(pipefd[0]), 0);
	assert_int_equal(ipc_recv(p->fd[1], &m, 1000), 0);
	assert_true(m.fd >= 0);
	assert_true((fcntl(m.fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(write(pipefd[1], "q", 1), 1);
	assert_int_equal(read(m.fd, &c, 1), 1);
	assert_int_equal(c, 'q');
	/* the next message into the same struct lets go of it */
	assert_int_equal(ipc_recv(p->fd[1], &m, 1000), 0);
	assert_int_equal(m.fd, -1);
	assert_int_equal(close(pipefd[1]), 0);
	ipc_msg_done(&m);
	assert_int_equal(open_fds(), before);
}

static void
test_too_many_descriptors(void **state)
{
	struct pair *p = *state;
	struct ipc_msg m = IPC_MSG_INIT;
	size_t before = open_fds(), n;

	for (n = 2; n <= 8; n++) {
		send_raw(p->fd[0], "\0\1x", 3, n);
		assert_int_equal(ipc_recv(p->fd[1], &m, 1000), CS_E_IPC);
		assert_int_equal(m.type, 0);
		assert_int_equal(m.fd, -1);
		assert_int_equal(open_fds(), before);
	}
	ipc_msg_done(&m);
}

static void
test_other_control_refused(void **state)
{
	struct pair *p = *state;
	struct ipc_msg m = IPC_MSG_INIT;
	int on = 1;

	assert_int_equal(setsockopt(p->fd[1], SOL_SOCKET, SO_PASSCRED, &on,
			     sizeof(on)),
	    0);
	assert_int_equal(ipc_send(p->fd[0], 1, "x", 1, -1), 0);
	assert_int_equal(ipc_recv(p->fd[1], &m, 1000), CS_E_IPC);
	ipc_msg_done(&m);
}

static void
test_sizes(void **state)
{
	struct pair *p = *state;
	struct ipc_msg m = IPC_MSG_INIT;
	uint8_t *big = calloc(1, IPC_MAX + 1);

	assert_non_null(big);
	assert_int_equal(ipc_send(p->fd[0], 7, big, IPC_MAX - 1, -1),
	    CS_E_TOO_LARGE);
	assert_int_equal(ipc_send(p->fd[0], 7, big, IPC_MAX - 2, -1), 0);
	assert_int_equal(ipc_recv(p->fd[1], &m, 1000), 0);
	assert_int_equal(m.body.len, IPC_MAX - 2);
	/* more than fits: refused, not cut; what was there stays */
	send_raw(p->fd[0], big, IPC_MAX + 1, 0);
	assert_int_equal(ipc_recv(p->fd[1], &m, 1000), CS_E_IPC);
	assert_int_equal(m.type, 7);
	assert_int_equal(m.body.len, IPC_MAX - 2);
	send_raw(p->fd[0], big, 1, 0);
	assert_int_equal(ipc_recv(p->fd[1], &m, 1000), CS_E_IPC);
	send_raw(p->fd[0], big, 0, 0);
	assert_int_equal(ipc_recv(p->fd[1], &m, 1000), CS_E_IPC);
	/* a refused message's descriptor is not kept */
	send_raw(p->fd[0], big, 1, 1);
	assert_int_equal(ipc_recv(p->fd[1], &m, 1000), CS_E_IPC);
	assert_int_equal(m.fd, -1);
	free(big);
	ipc_msg_done(&m);
}

static void
test_peer_gone(void **state)
{
	struct pair *p = *state;
	struct ipc_msg m = IPC_MSG_INIT;

	/* what was sent before still comes */
	assert_int_equal(ipc_send(p->fd[0], 1, "x", 1, -1), 0);
	close_fdp(&p->fd[0]);
	assert_int_equal(ipc_recv(p->fd[1], &m, 1000), 0);
	assert_int_equal(ipc_recv(p->fd[1], &m, 1000), CS_E_IPC);
	/* EPIPE, and no SIGPIPE */
	assert_int_equal(ipc_send(p->fd[1], 1, "x", 1, -1), CS_E_IPC);
	assert_int_equal(ipc_send(-1, 1, "x", 1, -1), CS_E_IPC);
	assert_int_equal(ipc_recv(-1, &m, 0), CS_E_IPC);
	ipc_msg_done(&m);
}

static volatile sig_atomic_t alarms;

static void
on_alarm(int sig)
{
	(void)sig;
	alarms = alarms + 1;
}

/* A signal neither ends the wait early nor makes it longer. */
static void
test_timeout_and_signals(void **state)
{
	const struct sigaction sa = { .sa_handler = on_alarm };
	const struct itimerval often = { { 0, 20000 }, { 0, 20000 } };
	const struct itimerval off = { { 0, 0 }, { 0, 0 } };
	struct pair *p = *state;
	struct ipc_msg m = IPC_MSG_INIT;
	struct timespec a, b;
	int64_t ms;

	assert_int_equal(ipc_recv(p->fd[1], &m, 0), CS_E_IPC);
	assert_int_equal(sigaction(SIGALRM, &sa, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(ipc_recv(p->fd[1], &m, 150), CS_E_IPC);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
	ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
	assert_in_range(ms, 140, 5000);
	assert_true(alarms > 1);
	ipc_msg_done(&m);
}

static void
test_diag(void **state)
{
	struct buf b = BUF_INIT(1000), small = BUF_INIT(20);
	struct diag d = { 0 }, e = { 0 };
	struct rd r;

	(void)state;
	(void)diag_fail(&d, CS_E_HEX, "four", "five %d", 5);
	assert_int_equal(ipc_put_diag(&b, &d), 0);
	r = (struct rd)RD_INIT(b.p, b.len);
	assert_int_equal(ipc_get_diag(&r, &e), 0);
	assert_int_equal(rd_end(&r), 0);
	assert_int_equal(e.code, CS_E_HEX);
	assert_string_equal(e.found, "five 5");
	assert_string_equal(e.expected, "four");
	assert_int_equal(ipc_put_diag(&small, &d), CS_E_TOO_LARGE);
	assert_int_equal(small.len, 0);
	/* no failure: never on the wire */
	d.code = 0;
	assert_int_equal(ipc_put_diag(&b, &d), CS_E_INTERNAL);
	buf_done(&b);
	buf_done(&small);
}

static void
check_diag_refused(const char *id, const char *found, const char *expected,
    int want)
{
	struct buf b = BUF_INIT(2000);
	struct diag e = { .code = CS_E_IO };
	struct rd r;

	assert_int_equal(buf_put_cstr(&b, id), 0);
	assert_int_equal(buf_put_cstr(&b, found), 0);
	assert_int_equal(buf_put_cstr(&b, expected), 0);
	r = (struct rd)RD_INIT(b.p, b.len);
	assert_int_equal(ipc_get_diag(&r, &e), want);
	assert_int_equal(e.code, want == 0 ? CS_E_HEX : CS_E_IO);
	if (want != 0)
		assert_ptr_equal(r.p, b.p);
	buf_done(&b);
}

static void
test_diag_refused(void **state)
{
	char big[201];

	(void)state;
	memset(big, 'x', sizeof(big));
	big[200] = '\0';
	check_diag_refused("HEX", "", "", 0);
	check_diag_refused("HEX", big + 1, "", 0);
	check_diag_refused("HEX", big, "", CS_E_TOO_LARGE);
	check_diag_refused("HEX", "", big, CS_E_TOO_LARGE);
	check_diag_refused(big, "", "", CS_E_TOO_LARGE);
	check_diag_refused("OK", "", "", CS_E_IPC);
	check_diag_refused("", "", "", CS_E_IPC);
	check_diag_refused("NO-SUCH", "", "", CS_E_IPC);
	check_diag_refused("HEX", "a\033[2J", "", CS_E_IPC);
	check_diag_refused("HEX", "", "a\n", CS_E_IPC);
}

static void
test_permit(void **state)
{
	static const struct ipc_rule rules[] = { { 1, true }, { 2, false },
		{ 3, true } };
	struct ipc_state s = { rules, ARRAY_LEN(rules), 0 };
	struct ipc_state none = { NULL, 0, 0 };

	(void)state;
	assert_int_equal(ipc_permit(&s, 2), 0);
	assert_int_equal(ipc_permit(&s, 2), 0);
	assert_int_equal(ipc_permit(&s, 3), 0);
	assert_int_equal(ipc_permit(&s, 3), CS_E_IPC);
	assert_int_equal(ipc_permit(&s, 1), 0);
	assert_int_equal(ipc_permit(&s, 1), CS_E_IPC);
	assert_int_equal(ipc_permit(&s, 4), CS_E_IPC);
	assert_int_equal(ipc_permit(&s, 0), CS_E_IPC);
	assert_int_equal(ipc_permit(&none, 1), CS_E_IPC);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_descriptor, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_too_many_descriptors,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_control_refused,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_peer_gone, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_timeout_and_signals, setup,
		    teardown),
		cmocka_unit_test(test_diag),
		cmocka_unit_test(test_diag_refused),
		cmocka_unit_test(test_permit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
