/* SPDX-License-Identifier: Apache-2.0 */

/*
 * coldseal-export: writes what the core hands it as a volume of its own over
 * the one descriptor it has.  It parses nothing that was there.
 *
 *	(FILE -> (PACK -> MEMBER*)*)* -> COMMIT -> volume, compare -> DONE
 */

#include <signal.h>
#include <string.h>
#include <time.h>

#include "lib/ipc.h"
#include "lib/proto.h"
#include "lib/sandbox.h"
#include "usb-transfer/fatvol.h"
#include "usb-transfer/outfiles.h"

#define SOCK	    3
#define TARGET	    4
#define PROGRESS_MS 100
#define DRAIN_MS    5000
#define CHUNK	    (1u << 20)

struct export
{
	struct outfiles out;
	int64_t told_ms;
};

static int
read_bundle(void *arg, uint64_t off, void *buf, size_t n, struct diag *d)
{
	return bundle_writer_read(arg, off, buf, n, d);
}

static int
progress(void *arg, uint64_t done, uint64_t total)
{
	struct export *x = arg;
	struct buf b = BUF_INIT(64);
	struct timespec ts;
	int64_t now;
	int r;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	if (now - x->told_ms < PROGRESS_MS)
		return 0;
	x->told_ms = now;
	r = buf_put_u64(&b, done);
	if (r == 0)
		r = buf_put_u64(&b, total);
	if (r == 0)
		r = ipc_send_buf(SOCK, EXPORT_PROGRESS, &b, -1);
	buf_done(&b);
	return r;
}

static int
hash_bundle(struct bundle_writer *w, uint8_t ret[CS_SHA256_LEN], struct diag *d)
{
	_cleanup_free_ uint8_t *buf = malloc(CHUNK);
	uint64_t size = bundle_writer_size(w), off;
	struct hasher *h = NULL;
	int r;

	if (buf == NULL)
		return diag_nomem(d);
	r = hasher_new(HASH_SHA256, &h);
	for (off = 0; r == 0 && off < size; off += CHUNK) {
		size_t n = size - off > CHUNK ? CHUNK : (size_t)(size - off);

		r = bundle_writer_read(w, off, buf, n, d);
		if (r == 0)
			r = hasher_update(h, buf, n);
	}
	if (r == 0)
		r = hasher_final(h, ret, CS_SHA256_LEN);
	hasher_free(&h);
	return r;
}

static int
send_done(struct export *x, struct diag *d)
{
	uint8_t sha[OUTFILES_MAX][CS_SHA256_LEN];
	struct buf b = BUF_INIT(1024);
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < x->out.n; i++) {
		r = bundle_writer_check(x->out.v[i].w, d);
		if (r == 0)
			r = hash_bundle(x->out.v[i].w, sha[i], d);
	}
	if (r == 0)
		r = outfiles_put_done(&x->out,
		    (const uint8_t(*)[CS_SHA256_LEN])sha, &b);
	if (r == 0)
		r = ipc_send_buf(SOCK, EXPORT_DONE, &b, -1);
	buf_done(&b);
	return r;
}

static int
on_commit(struct export *x, struct diag *d)
{
	const struct fatvol_ops ops = { progress, x };
	struct fatvol_file v[OUTFILES_MAX];
	uint64_t bytes = 0;
	size_t i;
	int r;

	r = outfiles_finish(&x->out, d);
	for (i = 0; i < x->out.n; i++) {
		memcpy(v[i].name, x->out.v[i].name, sizeof(v[i].name));
		v[i].size = bundle_writer_size(x->out.v[i].w);
		v[i].read = read_bundle;
		v[i].arg = x->out.v[i].w;
	}
	if (r == 0)
		r = medium_size(TARGET, &bytes, d);
	if (r == 0)
		r = fatvol_write(TARGET, bytes, v, x->out.n, &ops, d);
	return r == 0 ? send_done(x, d) : r;
}

/* 0: go on; 1: done */
static int
handle(struct export *x, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	int r;

	if (ipc_recv(SOCK, &m, IPC_NO_TIMEOUT) != 0)
		return diag_fail(d, CS_E_IPC, "FILE, PACK, MEMBER, COMMIT",
		    "the core is gone");
	if (m.type != EXPORT_COMMIT)
		return outfiles_message(&x->out, &m, d);
	r = on_commit(x, d);
	return r == 0 ? 1 : r;
}

/*
 * The reason, and then whatever the core still sends: closing a socket with
 * unread messages would take the reason away from it.
 */
static void
send_fail(int code, struct diag *d)
{
	struct buf b = BUF_INIT(1024);

	if (d->code == 0)
		(void)diag_fail(d, code, NULL, "export");
	if (ipc_put_diag(&b, d) == 0)
		cs_ignore(ipc_send_buf(SOCK, EXPORT_FAIL, &b, -1));
	buf_done(&b);
	for (;;) {
		_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;

		if (ipc_recv(SOCK, &m, DRAIN_MS) != 0)
			break;
	}
}

int
main(int argc, char **argv)
{
	struct export x = { .out = OUTFILES_INIT };
	struct diag d = { 0 };
	int r;

	(void)argv;
	if (argc != 1)
		return CS_EXIT_USAGE;
	(void)signal(SIGPIPE, SIG_IGN);
	r = sandbox_enter(SANDBOX_EXPORT, &d);
	while (r == 0)
		r = handle(&x, &d);
	if (r < 0)
		send_fail(r, &d);
	outfiles_done(&x.out);
	return r == 1 ? CS_EXIT_OK : CS_EXIT_REFUSED;
}
