/* SPDX-License-Identifier: Apache-2.0 */

/*
 * coldseal-export: writes what the core hands it as a volume of its own over
 * the one medium it has (medium.h).  It parses nothing that was there, and
 * says by a few signatures what that seems to be, before it goes.
 *
 *	(FILE -> (PACK -> MEMBER*)*)* -> COMMIT -> TARGET
 *	  -> (core: GO) -> volume, compare, eject -> DONE
 */

#include <signal.h>
#include <string.h>
#include <time.h>

#include "lib/ipc.h"
#include "lib/proto.h"
#include "lib/sandbox.h"
#include "usb-transfer/fatvol.h"
#include "usb-transfer/medium.h"
#include "usb-transfer/outfiles.h"

#define SOCK	    3
#define PROGRESS_MS 100
#define DRAIN_MS    5000
#define CHUNK	    (1u << 20)

struct export
{
	struct outfiles out;
	struct medium medium;
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
	r = buf_put_u8(&b, fatvol_compares(done, total));
	if (r == 0)
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

/* What is about to be erased; the core says GO, or is gone. */
static int
ask_core(struct export *x, const struct fatvol_file *files, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(256);
	struct medium_look l;
	int r;

	r = medium_open(&x->medium, d);
	if (r == 0)
		r = medium_open_out(&x->medium, d);
	if (r == 0)
		r = fatvol_fits(x->medium.out.bytes, files, x->out.n, d);
	if (r == 0)
		r = medium_look(&x->medium, &l, d);
	if (r != 0)
		return r;
	r = buf_put_u8(&b, l.device || l.holds == MEDIUM_OTHER);
	if (r == 0)
		r = buf_put_cstr(&b, l.model);
	if (r == 0)
		r = buf_put_cstr(&b, l.seems);
	if (r == 0)
		r = buf_put_u64(&b, l.bytes);
	if (r == 0)
		r = ipc_send_buf(SOCK, EXPORT_TARGET, &b, -1);
	buf_done(&b);
	if (r == 0)
		r = ipc_recv(SOCK, &m, IPC_NO_TIMEOUT);
	if (r != 0 || m.type != EXPORT_GO || m.body.len != 0)
		return diag_fail(d, CS_E_IPC, "GO", "no GO");
	return 0;
}

static int
on_commit(struct export *x, struct diag *d)
{
	const struct fatvol_ops ops = { progress, x };
	struct fatvol_file v[OUTFILES_MAX];
	size_t i;
	int r;

	r = outfiles_finish(&x->out, d);
	for (i = 0; i < x->out.n; i++) {
		memcpy(v[i].name, x->out.v[i].name, sizeof(v[i].name));
		v[i].size = bundle_writer_size(x->out.v[i].w);
		v[i].part_bytes = PART_BYTES;
		v[i].read = read_bundle;
		v[i].arg = x->out.v[i].w;
	}
	if (r == 0)
		r = ask_core(x, v, d);
	if (r == 0)
		r = fatvol_write_to(&x->medium.out, v, x->out.n, &ops, d);
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

	if (argc > 2)
		return CS_EXIT_USAGE;
	(void)signal(SIGPIPE, SIG_IGN);
	r = medium_init(&x.medium, argc, argv, &d);
	if (r == CS_E_STICK_ARGUMENT)
		return CS_EXIT_USAGE;
	if (r == 0)
		r = sandbox_enter(argc == 2 ? SANDBOX_EXPORT_USB :
					      SANDBOX_EXPORT,
		    &d);
	while (r == 0)
		r = handle(&x, &d);
	if (r < 0)
		send_fail(r, &d);
	outfiles_done(&x.out);
	medium_done(&x.medium);
	return r == 1 ? CS_EXIT_OK : CS_EXIT_REFUSED;
}
