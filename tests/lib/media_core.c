/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/media_core.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/filehash.h"
#include "lib/file.h"
#include "lib/ipc.h"
#include "lib/proto.h"

#define WAIT_MS	 600000
#define ABOVE_FD 20 /* above the numbers that the child gets */

int
media_start(struct media_child *c, const char *path, int medium,
    const char *arg, char *const *env)
{
	const char *argv[] = { path, arg, NULL };
	_cleanup_fd_ int s = -1, m = -1;
	posix_spawn_file_actions_t fa;
	int sv[2], r;

	if (ipc_pair(sv) != 0)
		return CS_E_IO;
	s = fcntl(sv[1], F_DUPFD_CLOEXEC, ABOVE_FD);
	m = fcntl(medium, F_DUPFD_CLOEXEC, ABOVE_FD);
	(void)close(sv[1]);
	c->sock = sv[0];
	if (s < 0 || m < 0 || posix_spawn_file_actions_init(&fa) != 0)
		return CS_E_IO;
	r = posix_spawn_file_actions_adddup2(&fa, s, 3);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&fa, m, 4);
	if (r == 0)
		r = posix_spawn(&c->pid, path, &fa, NULL,
		    (char *const *)(uintptr_t)argv, env);
	(void)posix_spawn_file_actions_destroy(&fa);
	return r == 0 ? 0 : CS_E_IO;
}

int
media_end(struct media_child *c)
{
	int status = -1;

	close_fdp(&c->sock);
	if (waitpid(c->pid, &status, 0) != c->pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The next message, or what FAIL says. */
static int
receive(const struct media_child *c, uint16_t fail, struct ipc_msg *m,
    struct diag *d)
{
	struct diag why = { 0 };
	struct rd rd;
	int r = ipc_recv(c->sock, m, WAIT_MS);

	if (r != 0 || m->type != fail)
		return r == 0 ? 0 : diag_fail(d, r, "a message", "none");
	rd = (struct rd)RD_INIT(m->body.p, m->body.len);
	r = ipc_get_diag(&rd, &why);
	if (r == 0)
		*d = why;
	return r == 0 ? why.code : r;
}

static int
send_mask(const struct media_child *c)
{
	struct buf b = BUF_INIT(64);
	int r = buf_put_u32(&b, 0);

	/* and no digest of a format's own */
	if (r == 0)
		r = buf_put_u32(&b, FILEHASH_NONE);
	if (r == 0)
		r = buf_put_u32(&b, HASH_SHA256);
	if (r == 0)
		r = buf_put_cstr(&b, "");
	if (r == 0)
		r = ipc_send_buf(c->sock, INTAKE_HASH, &b, -1);
	buf_done(&b);
	return r;
}

int
media_take(struct media_child *c, struct media_taken *ret, struct diag *d)
{
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	while (r == 0) {
		_cleanup_(ipc_msg_done) struct ipc_msg m = IPC_MSG_INIT;
		struct rd rd;
		uint64_t size = 0;

		r = receive(c, INTAKE_FAIL, &m, d);
		if (r != 0)
			break;
		rd = (struct rd)RD_INIT(m.body.p, m.body.len);
		switch (m.type) {
		case INTAKE_DOC:
			ret->docs++;
			break;
		case INTAKE_PROGRESS:
			ret->progress++;
			break;
		case INTAKE_HASH:
			r = send_mask(c);
			break;
		case INTAKE_ARTIFACT:
			r = rd_cstr_into(&rd, ret->sha256, sizeof(ret->sha256));
			if (r == 0)
				r = rd_u64(&rd, &size);
			ret->artifacts++;
			ret->bytes += size;
			break;
		case INTAKE_END:
			return rd_cstr_into(&rd, ret->type, sizeof(ret->type));
		default:
			r = CS_E_IPC;
		}
	}
	return r;
}

static int
send_member(const struct media_child *c, size_t n)
{
	struct buf b = BUF_INIT(256);
	int r = buf_put_cstr(&b, "record.dsse");

	if (r == 0)
		r = buf_put_u64(&b, 0);
	if (r == 0)
		r = buf_put_u64(&b, n);
	if (r == 0)
		r = ipc_send_buf(c->sock, EXPORT_MEMBER, &b, -1);
	buf_done(&b);
	return r;
}

static int
feed(const struct media_child *c, const void *record, size_t n, struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	struct buf b = BUF_INIT(256);
	int r = memfd_sealed("record", record, n, &fd, d);

	if (r == 0)
		r = buf_put_cstr(&b, "COLDSEAL.RSP");
	if (r == 0)
		r = buf_put_cstr(&b, "response");
	if (r == 0)
		r = ipc_send_buf(c->sock, EXPORT_FILE, &b, -1);
	buf_done(&b);
	if (r == 0)
		r = ipc_send(c->sock, EXPORT_PACK, NULL, 0, fd);
	if (r == 0)
		r = send_member(c, n);
	return r == 0 ? ipc_send(c->sock, EXPORT_COMMIT, NULL, 0, -1) : r;
}

int
media_offer(struct media_child *c, const void *record, size_t n,
    struct media_target *ret, struct diag *d)
{
	_cleanup_(ipc_msg_done) struct ipc_msg m = IPC_MSG_INIT;
	uint8_t must_ask = 0;
	struct rd rd;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = feed(c, record, n, d);
	if (r == 0)
		r = receive(c, EXPORT_FAIL, &m, d);
	if (r != 0 || m.type != EXPORT_TARGET)
		return r != 0 ? r : CS_E_IPC;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	r = rd_u8(&rd, &must_ask);
	if (r == 0)
		r = rd_cstr_into(&rd, ret->model, sizeof(ret->model));
	if (r == 0)
		r = rd_cstr_into(&rd, ret->seems, sizeof(ret->seems));
	if (r == 0)
		r = rd_u64(&rd, &ret->bytes);
	ret->must_ask = must_ask == 1;
	return r == 0 ? rd_end(&rd) : r;
}

static int
on_done(const struct ipc_msg *m, struct media_put *ret)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	char name[16];
	uint32_t n = 0;
	int r = rd_u32(&rd, &n);

	if (r == 0)
		r = n == 1 ? rd_cstr_into(&rd, name, sizeof(name)) : CS_E_IPC;
	if (r == 0)
		r = rd_cstr_into(&rd, ret->sha256, sizeof(ret->sha256));
	if (r == 0)
		r = rd_u64(&rd, &ret->size);
	return r == 0 ? rd_end(&rd) : r;
}

int
media_go(struct media_child *c, struct media_put *ret, struct diag *d)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	r = ipc_send(c->sock, EXPORT_GO, NULL, 0, -1);
	while (r == 0) {
		_cleanup_(ipc_msg_done) struct ipc_msg m = IPC_MSG_INIT;
		uint8_t comparing = 0;
		struct rd rd;

		r = receive(c, EXPORT_FAIL, &m, d);
		if (r == 0 && m.type == EXPORT_DONE)
			return on_done(&m, ret);
		if (r == 0 && m.type != EXPORT_PROGRESS)
			r = CS_E_IPC;
		rd = (struct rd)RD_INIT(m.body.p, m.body.len);
		if (r == 0)
			r = rd_u8(&rd, &comparing);
		ret->compared += comparing == 1;
		ret->written += comparing == 0;
	}
	return r;
}
