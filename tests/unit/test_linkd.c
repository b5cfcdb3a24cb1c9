/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "lib/file.h"
#include "lib/ipc.h"
#include "lib/proto.h"
#include "lib/proto_link.h"
#include "lib/sha.h"
#include "usb-transfer/bundle.h"
#include "usb-transfer/link.h"
#include "usb-transfer/link_req.h"
#include "usb-transfer/link_stream.h"

/*
 * coldseal-link as it is, with a socket for the cable; the test plays the
 * core, the intake at the end of the pipe, and the host.  Programs: CS_BIN.
 */
extern char **environ;

#define WAIT_MS 20000
#define SIZE	300000u

struct rig {
	char path[108];
	pid_t pid;
	int core;
	int pipe; /* the intake's end */
	struct link host;
	struct link_stream fd;
	uint8_t bytes[SIZE];
	struct link_bundle bundle;
};

static void
start(struct rig *x, const char *seconds)
{
	const char *bin = getenv("CS_BIN"), *tmp = getenv("TMPDIR");
	const char *argv[] = { "coldseal-link", "test/log", seconds, NULL };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	posix_spawn_file_actions_t fa;
	char program[512];
	int sv[2], fd, s, l;
	size_t i;

	memset(x, 0, sizeof(*x));
	x->pipe = -1;
	(void)snprintf(x->path, sizeof(x->path), "%s/cs-linkd.%d",
	    tmp != NULL ? tmp : "/tmp", (int)getpid());
	(void)unlink(x->path);
	memcpy(a.sun_path, x->path, sizeof(a.sun_path));
	(void)snprintf(program, sizeof(program), "%s/coldseal-link",
	    bin != NULL ? bin : "build/bin");
	assert_int_equal(ipc_pair(sv), 0);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 4), 0);
	s = fcntl(sv[1], F_DUPFD_CLOEXEC, 20);
	l = fcntl(fd, F_DUPFD_CLOEXEC, 20);
	assert_int_equal(posix_spawn_file_actions_init(&fa), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&fa, s, 3), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&fa, l, 4), 0);
	assert_int_equal(posix_spawn(&x->pid, program, &fa, NULL,
			     (char *const *)(uintptr_t)argv, environ),
	    0);
	(void)posix_spawn_file_actions_destroy(&fa);
	(void)close(s);
	(void)close(l);
	(void)close(fd);
	(void)close(sv[1]);
	x->core = sv[0];
	for (i = 0; i < SIZE; i++)
		x->bytes[i] = (uint8_t)(i * 13 + i / 256);
	x->bundle.type = BUNDLE_REQUEST;
	x->bundle.size = SIZE;
	assert_int_equal(sha256(x->bytes, SIZE, x->bundle.sha256), 0);
}

static void
unplug(struct rig *x)
{
	link_done(&x->host);
}

/* exit status */
static int
stop(struct rig *x)
{
	int status;

	unplug(x);
	close_fdp(&x->core);
	close_fdp(&x->pipe);
	assert_int_equal(waitpid(x->pid, &status, 0), x->pid);
	(void)unlink(x->path);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
plug(struct rig *x)
{
	assert_int_equal(link_stream_connect(x->path, &x->fd, NULL), 0);
	assert_int_equal(link_init(&x->host, LINK_HOST, &link_stream_ops,
			     &x->fd, NULL),
	    0);
}

static void
connect_host(struct rig *x)
{
	plug(x);
	assert_int_equal(link_connect(&x->host, NULL), 0);
}

static void
core_says(struct rig *x, uint16_t type, int fd)
{
	assert_int_equal(ipc_send(x->core, type, NULL, 0, fd), 0);
}

static void
core_hears(struct rig *x, uint16_t type, int code)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct diag d = { 0 };
	struct rd r;

	assert_int_equal(ipc_recv(x->core, &m, WAIT_MS), 0);
	assert_int_equal(m.type, type);
	if (code == 0)
		return;
	r = (struct rd)RD_INIT(m.body.p, m.body.len);
	assert_int_equal(ipc_get_diag(&r, &d), 0);
	assert_int_equal(d.code, code);
}

static void
take(struct rig *x)
{
	int p[2];

	close_fdp(&x->pipe);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	core_says(x, LINK_TAKE, p[1]);
	(void)close(p[1]);
	x->pipe = p[0];
}

/* 0, or what the appliance refuses with, or how the session ended */
static int
answer(struct rig *x, uint8_t type, struct buf *ret)
{
	uint8_t data[LINK_DATA], got = 0;
	struct diag theirs = { 0 };
	struct rd r;
	size_t n = 0;
	int e;

	e = link_recv(&x->host, WAIT_MS, &got, data, &n, NULL);
	if (e != 0)
		return e;
	r = (struct rd)RD_INIT(data, n);
	if (got == LINK_NO) {
		assert_int_equal(ipc_get_diag(&r, &theirs), 0);
		return theirs.code;
	}
	assert_int_equal(got, type);
	buf_reset(ret);
	return buf_put(ret, data, n);
}

static int
ask(struct rig *x, enum link_type type, struct buf *body, struct buf *ret)
{
	int e = link_send(&x->host, type, body->p, body->len, NULL);

	buf_done(body);
	assert_int_equal(e, 0);
	return answer(x, (uint8_t)type, ret);
}

static int
have_of(struct buf *b, struct link_have *h)
{
	struct rd r = RD_INIT(b->p, b->len);
	int e = link_have_get(&r, h, NULL);

	buf_done(b);
	return e;
}

static int
put(struct rig *x, struct link_have *h)
{
	struct buf b = BUF_INIT(LINK_DATA), a = BUF_INIT(LINK_DATA);
	int r;

	assert_int_equal(link_bundle_put(&b, &x->bundle), 0);
	r = ask(x, LINK_PUT, &b, &a);
	if (r == 0)
		r = have_of(&a, h);
	buf_done(&a);
	return r;
}

static int
part(struct rig *x, uint64_t off, uint32_t n, struct link_have *h)
{
	const struct link_part p = { .offset = off, .len = n };
	struct buf b = BUF_INIT(LINK_DATA), a = BUF_INIT(LINK_DATA);
	int r;

	assert_int_equal(link_part_put(&b, &p, false), 0);
	assert_int_equal(link_send(&x->host, LINK_PART, b.p, b.len, NULL), 0);
	buf_done(&b);
	assert_int_equal(link_send_bytes(&x->host, x->bytes + off % SIZE, n,
			     NULL),
	    0);
	r = answer(x, LINK_PART, &a);
	if (r == 0)
		r = have_of(&a, h);
	buf_done(&a);
	return r;
}

static void
status(struct rig *x, struct link_status *st)
{
	struct buf b = BUF_INIT(1), a = BUF_INIT(LINK_DATA);
	struct rd r;

	assert_int_equal(ask(x, LINK_STATUS, &b, &a), 0);
	r = (struct rd)RD_INIT(a.p, a.len);
	assert_int_equal(link_status_get(&r, st, NULL), 0);
	buf_done(&a);
}

/* n bytes that the intake gets */
static void
intake_gets(struct rig *x, const uint8_t *p, size_t n)
{
	uint8_t buf[4096];
	ssize_t k;

	while (n > 0) {
		k = read(x->pipe, buf, n < sizeof(buf) ? n : sizeof(buf));
		assert_true(k > 0);
		assert_memory_equal(buf, p, (size_t)k);
		p += k;
		n -= (size_t)k;
	}
}

static bool
intake_sees_end(struct rig *x)
{
	struct pollfd p = { .fd = x->pipe, .events = POLLIN };
	char c;

	return poll(&p, 1, WAIT_MS) == 1 && read(x->pipe, &c, 1) == 0;
}

/* u8 0, u64 300000 */
static const uint8_t head[9] = { 0, 0, 0, 0, 0, 0, 4, 0x93, 0xe0 };

static void
test_take(void **state)
{
	static struct rig x;
	struct link_status st;
	struct link_have h;

	(void)state;
	start(&x, "60");
	connect_host(&x);
	assert_int_equal(put(&x, &h), 0);
	assert_int_equal(h.intake, LINK_NOT_ASKED);
	/* what nobody wants is thrown away, cell by cell */
	assert_int_equal(part(&x, 0, 5000, &h), 0);
	assert_int_equal(h.intake, LINK_NOT_ASKED);
	take(&x);
	do
		status(&x, &st);
	while (st.intake != LINK_ASKED);
	assert_int_equal(put(&x, &h), 0);
	assert_int_equal(h.intake, LINK_TAKING);
	assert_int_equal(h.have, 0);
	intake_gets(&x, head, sizeof(head));
	assert_int_equal(part(&x, 0, 100000, &h), 0);
	assert_int_equal(h.have, 100000);
	intake_gets(&x, x.bytes, 100000);
	/* another session goes on */
	unplug(&x);
	connect_host(&x);
	assert_int_equal(put(&x, &h), 0);
	assert_int_equal(h.have, 100000);
	assert_int_equal(part(&x, 100000, 200000, &h), 0);
	intake_gets(&x, x.bytes + 100000, 200000);
	core_hears(&x, LINK_TAKEN_ALL, 0);
	assert_true(intake_sees_end(&x));
	do
		assert_int_equal(put(&x, &h), 0);
	while (h.intake == LINK_TAKING);
	assert_int_equal(h.intake, LINK_JUDGING);
	assert_int_equal(stop(&x), 0);
}

static void
test_parts(void **state)
{
	static struct rig x;
	struct link_have h;

	(void)state;
	start(&x, "60");
	x.bundle.size = 100u << 20;
	take(&x);
	connect_host(&x);
	do
		assert_int_equal(put(&x, &h), 0);
	while (h.intake != LINK_TAKING);
	assert_int_equal(part(&x, 1, 10, &h), CS_E_LINK_OFFSET);
	assert_int_equal(part(&x, 0, 10, &h), 0);
	assert_int_equal(part(&x, 0, 10, &h), CS_E_LINK_OFFSET);
	/* nobody reads the pipe: there is an end to the room */
	while (h.room >= 200000)
		assert_int_equal(part(&x, h.have, 200000, &h), 0);
	assert_int_equal(h.intake, LINK_TAKING);
	assert_int_equal(part(&x, h.have, 200000, &h), CS_E_LINK_OFFSET);
	x.bundle.sha256[0] ^= 1;
	assert_int_equal(put(&x, &h), CS_E_LINK_OTHER);
	x.bundle.sha256[0] ^= 1;
	x.bundle.size++;
	assert_int_equal(put(&x, &h), CS_E_LINK_OTHER);
	assert_int_equal(stop(&x), 0);
}

static void
test_digest(void **state)
{
	static struct rig x;
	struct link_status st;
	struct link_have h;

	(void)state;
	start(&x, "60");
	x.bundle.size = 1000;
	take(&x);
	connect_host(&x);
	do
		assert_int_equal(put(&x, &h), 0);
	while (h.intake != LINK_TAKING);
	assert_int_equal(part(&x, 0, 1000, &h), 0);
	assert_int_equal(h.intake, LINK_REFUSED);
	core_hears(&x, LINK_FAIL, CS_E_LINK_DIGEST);
	status(&x, &st);
	assert_int_equal(st.intake, LINK_REFUSED);
	assert_int_equal(st.why.code, CS_E_LINK_DIGEST);
	/* it is not over with that bundle: somebody may ask again */
	assert_int_equal(put(&x, &h), 0);
	assert_int_equal(h.intake, LINK_NOT_ASKED);
	assert_int_equal(stop(&x), 0);
}

static void
test_deadline(void **state)
{
	static struct rig x;

	(void)state;
	start(&x, "1");
	take(&x);
	core_hears(&x, LINK_FAIL, CS_E_LINK_DEADLINE);
	assert_true(intake_sees_end(&x));
	assert_int_equal(stop(&x), 0);
}

static void
test_stop(void **state)
{
	static struct rig x;
	struct link_status st;
	struct link_have h;

	(void)state;
	start(&x, "60");
	take(&x);
	connect_host(&x);
	do
		assert_int_equal(put(&x, &h), 0);
	while (h.intake != LINK_TAKING);
	assert_int_equal(part(&x, 0, 1000, &h), 0);
	core_says(&x, LINK_STOP, -1);
	core_hears(&x, LINK_STOP, 0);
	intake_gets(&x, head, sizeof(head));
	intake_gets(&x, x.bytes, 1000);
	assert_true(intake_sees_end(&x));
	status(&x, &st);
	assert_int_equal(st.why.code, CS_E_LINK_STOPPED);
	assert_int_equal(stop(&x), 0);
}

/* An intake that knows enough: the rest is not sent. */
static void
test_enough(void **state)
{
	static struct rig x;
	struct link_have h;

	(void)state;
	start(&x, "60");
	take(&x);
	connect_host(&x);
	do
		assert_int_equal(put(&x, &h), 0);
	while (h.intake != LINK_TAKING);
	assert_int_equal(part(&x, 0, 1000, &h), 0);
	close_fdp(&x.pipe);
	do
		assert_int_equal(put(&x, &h), 0);
	while (h.intake == LINK_TAKING);
	assert_int_equal(h.intake, LINK_JUDGING);
	assert_int_equal(stop(&x), 0);
}

/* --- what ends a session, and leaves the link as it was ------------------- */

/* The cell in host.run, once more; then whatever comes is the end. */
static void
refuses_cell(struct rig *x, const uint8_t *cell)
{
	uint8_t in[LINK_CELL];

	assert_int_equal(link_stream_ops.send(&x->fd, cell, 1, 1000, NULL), 0);
	assert_int_equal(link_stream_ops.recv(&x->fd, in, 1, WAIT_MS, NULL),
	    CS_E_LINK_GONE);
	unplug(x);
}

static void
test_bad_cells(void **state)
{
	static struct rig x;
	uint8_t old[LINK_CELL], cell[LINK_CELL];
	struct link_status st;

	(void)state;
	start(&x, "60");
	/* no session at all */
	plug(&x);
	memset(cell, 0, sizeof(cell));
	refuses_cell(&x, cell);
	connect_host(&x);
	status(&x, &st);
	assert_string_equal(st.appliance, "test/log");
	/* the same again */
	memcpy(old, x.host.run, sizeof(old));
	assert_int_equal(link_send(&x.host, LINK_STATUS, NULL, 0, NULL), 0);
	memcpy(old, x.host.run, sizeof(old));
	assert_int_equal(link_stream_ops.recv(&x.fd, cell, 1, WAIT_MS, NULL),
	    0);
	refuses_cell(&x, old);
	/* of the session before */
	connect_host(&x);
	refuses_cell(&x, old);
	/* its own, back */
	connect_host(&x);
	status(&x, &st);
	refuses_cell(&x, x.host.run);
	/* one too early */
	connect_host(&x);
	x.host.sent++;
	assert_int_equal(link_send(&x.host, LINK_STATUS, NULL, 0, NULL), 0);
	assert_int_equal(link_stream_ops.recv(&x.fd, cell, 1, WAIT_MS, NULL),
	    CS_E_LINK_GONE);
	unplug(&x);
	/* a type that is no request; a body where none is */
	connect_host(&x);
	assert_int_equal(link_send(&x.host, LINK_NO, NULL, 0, NULL), 0);
	assert_int_equal(link_stream_ops.recv(&x.fd, cell, 1, WAIT_MS, NULL),
	    CS_E_LINK_GONE);
	unplug(&x);
	connect_host(&x);
	assert_int_equal(link_send(&x.host, LINK_STATUS, "x", 1, NULL), 0);
	assert_int_equal(link_stream_ops.recv(&x.fd, cell, 1, WAIT_MS, NULL),
	    CS_E_LINK_GONE);
	unplug(&x);
	/* half a cell */
	connect_host(&x);
	assert_int_equal(send(x.fd.fd, old, 100, 0), 100);
	unplug(&x);
	connect_host(&x);
	status(&x, &st);
	assert_int_equal(stop(&x), 0);
}

/* A hello in a session: the one before is over. */
static void
test_hello_inside(void **state)
{
	static struct rig x;
	struct link_status st;

	(void)state;
	start(&x, "60");
	connect_host(&x);
	status(&x, &st);
	assert_int_equal(link_connect(&x.host, NULL), 0);
	status(&x, &st);
	assert_int_equal(stop(&x), 0);
}

static void
test_busy(void **state)
{
	static struct rig x;
	struct link_stream fd;
	struct link_status st;
	struct link l;

	(void)state;
	start(&x, "60");
	connect_host(&x);
	assert_int_equal(link_stream_connect(x.path, &fd, NULL), 0);
	assert_int_equal(link_init(&l, LINK_HOST, &link_stream_ops, &fd, NULL),
	    0);
	assert_int_equal(link_connect(&l, NULL), CS_E_LINK_BUSY);
	link_done(&l);
	status(&x, &st);
	assert_int_equal(stop(&x), 0);
}

/* --- the way out ---------------------------------------------------------- */

static void
give(struct rig *x)
{
	_cleanup_fd_ int fd = -1;
	struct buf b = BUF_INIT(256);

	assert_int_equal(buf_put_cstr(&b, "COLDSEAL.RSP"), 0);
	assert_int_equal(buf_put_cstr(&b, "response"), 0);
	assert_int_equal(ipc_send_buf(x->core, EXPORT_FILE, &b, -1), 0);
	buf_reset(&b);
	assert_int_equal(memfd_sealed("m", x->bytes, 2000, &fd, NULL), 0);
	core_says(x, EXPORT_PACK, fd);
	assert_int_equal(buf_put_cstr(&b, "record.dsse"), 0);
	assert_int_equal(buf_put_u64(&b, 0), 0);
	assert_int_equal(buf_put_u64(&b, 2000), 0);
	assert_int_equal(ipc_send_buf(x->core, EXPORT_MEMBER, &b, -1), 0);
	buf_done(&b);
	core_says(x, EXPORT_COMMIT, -1);
}

static void
wait_ready(struct rig *x, struct link_status *st)
{
	do
		status(x, st);
	while (st->out != LINK_OUT_READY);
}

static int
get(struct rig *x, const char *name, uint64_t off, uint32_t n, uint8_t *p)
{
	struct link_part q = { .offset = off, .len = n };
	struct buf b = BUF_INIT(LINK_DATA), a = BUF_INIT(LINK_DATA);
	int r;

	memcpy(q.name, name, strlen(name));
	assert_int_equal(link_part_put(&b, &q, true), 0);
	r = ask(x, LINK_GET, &b, &a);
	buf_done(&a);
	return r == 0 ? link_recv_bytes(&x->host, p, n, NULL) : r;
}

static int
end(struct rig *x, const struct link_file *f)
{
	struct buf b = BUF_INIT(LINK_DATA), a = BUF_INIT(LINK_DATA);
	int r;

	assert_int_equal(link_file_put(&b, f), 0);
	r = ask(x, LINK_END, &b, &a);
	buf_done(&a);
	return r;
}

static void
test_give(void **state)
{
	static struct rig x;
	static uint8_t whole[20000], again[20000];
	struct link_file other;
	struct link_status st;
	uint8_t sha[32];
	uint32_t n;

	(void)state;
	start(&x, "60");
	connect_host(&x);
	assert_int_equal(get(&x, "COLDSEAL.RSP", 0, 1, whole),
	    CS_E_LINK_NO_FILE);
	give(&x);
	wait_ready(&x, &st);
	assert_int_equal(st.nfiles, 1);
	n = (uint32_t)st.files[0].size;
	assert_true(n > 2000 && n <= sizeof(whole));
	assert_int_equal(get(&x, "COLDSEAL.RSP", 0, n, whole), 0);
	core_hears(&x, EXPORT_PROGRESS, 0);
	assert_int_equal(sha256(whole, n, sha), 0);
	assert_memory_equal(sha, st.files[0].sha256, 32);
	assert_int_equal(get(&x, "COLDSEAL.RSP", 777, 999, again), 0);
	assert_memory_equal(again, whole + 777, 999);
	assert_int_equal(get(&x, "COLDSEAL.AUD", 0, 1, again),
	    CS_E_LINK_NO_FILE);
	other = st.files[0];
	other.sha256[31] ^= 1;
	assert_int_equal(end(&x, &other), CS_E_LINK_DIGEST);
	other = st.files[0];
	other.size--;
	assert_int_equal(end(&x, &other), CS_E_LINK_DIGEST);
	assert_int_equal(end(&x, &st.files[0]), 0);
	core_hears(&x, EXPORT_DONE, 0);
	/* it is the host's now, and a stop takes nothing back */
	core_says(&x, LINK_STOP, -1);
	core_hears(&x, LINK_STOP, 0);
	assert_int_equal(get(&x, "COLDSEAL.RSP", 0, n, again), 0);
	/* more than there is ends the session */
	assert_true(get(&x, "COLDSEAL.RSP", n - 1, 2, again) != 0);
	unplug(&x);
	connect_host(&x);
	status(&x, &st);
	assert_int_equal(st.out, LINK_OUT_READY);
	assert_int_equal(stop(&x), 0);
}

static void
test_give_stopped(void **state)
{
	static struct rig x;
	struct link_status st;
	struct link_file f;

	(void)state;
	start(&x, "60");
	connect_host(&x);
	give(&x);
	wait_ready(&x, &st);
	f = st.files[0];
	core_says(&x, LINK_STOP, -1);
	core_hears(&x, LINK_STOP, 0);
	status(&x, &st);
	assert_int_equal(st.out, LINK_OUT_NONE);
	assert_int_equal(end(&x, &f), CS_E_LINK_NO_FILE);
	assert_int_equal(stop(&x), 0);
}

static void
test_give_deadline(void **state)
{
	static struct rig x;

	(void)state;
	start(&x, "1");
	give(&x);
	core_hears(&x, EXPORT_FAIL, CS_E_LINK_DEADLINE);
	assert_int_equal(stop(&x), 0);
}

/* The core does not do that; if it does, there is an end. */
static void
test_core_wrong(void **state)
{
	static struct rig x;

	(void)state;
	start(&x, "60");
	core_says(&x, LINK_TAKEN_ALL, -1);
	core_hears(&x, LINK_FAIL, CS_E_IPC);
	assert_int_equal(stop(&x), 1);
	start(&x, "60");
	core_says(&x, LINK_TAKE, -1);
	core_hears(&x, LINK_FAIL, CS_E_IPC);
	assert_int_equal(stop(&x), 1);
	start(&x, "60");
	core_says(&x, EXPORT_COMMIT, -1);
	core_hears(&x, LINK_FAIL, CS_E_IPC);
	assert_int_equal(stop(&x), 1);
	start(&x, "60");
	core_says(&x, LINK_RESULT, -1);
	core_hears(&x, LINK_FAIL, CS_E_IPC);
	assert_int_equal(stop(&x), 1);
	start(&x, "0");
	assert_int_equal(stop(&x), CS_EXIT_USAGE);
	start(&x, "86401");
	assert_int_equal(stop(&x), CS_EXIT_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_enough),
		cmocka_unit_test(test_bad_cells),
		cmocka_unit_test(test_hello_inside),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_give),
		cmocka_unit_test(test_give_stopped),
		cmocka_unit_test(test_give_deadline),
		cmocka_unit_test(test_core_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
