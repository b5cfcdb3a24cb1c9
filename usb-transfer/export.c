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
#include <sys/stat.h>
#include <time.h>

#include "lib/hex.h"
#include "lib/ipc.h"
#include "lib/proto.h"
#include "lib/sandbox.h"
#include "usb-transfer/bundle.h"
#include "usb-transfer/fatvol.h"
#include "usb-transfer/medium.h"

#define SOCK	    3
#define MAX_FILES   4u
#define PROGRESS_MS 100
#define DRAIN_MS    5000
#define CHUNK	    (1u << 20)

static const char *const allowed_names[] = { "COLDSEAL.RSP", "COLDSEAL.AUD",
	"COLDSEAL.ATT" };

struct out_file {
	char name[13];
	struct bundle_writer *w;
};

struct export
{
	struct out_file files[MAX_FILES];
	size_t n;
	int pack;
	struct medium medium;
	int64_t told_ms;
};

static int
protocol(struct diag *d, const char *what)
{
	return diag_fail(d, CS_E_IPC, "FILE, PACK, MEMBER, COMMIT in order",
	    "%s", what);
}

static int
on_file(struct export *x, struct rd *rd, struct diag *d)
{
	struct out_file *f = &x->files[x->n];
	enum bundle_type type;
	char name[16], type_name[16];
	size_t i;
	int r;

	if (x->n == MAX_FILES || rd_cstr_into(rd, name, sizeof(name)) != 0 ||
	    rd_cstr_into(rd, type_name, sizeof(type_name)) != 0 ||
	    rd_end(rd) != 0 || bundle_type_from_name(type_name, &type) != 0)
		return protocol(d, "FILE");
	for (i = 0; i < ARRAY_LEN(allowed_names); i++)
		if (strcmp(name, allowed_names[i]) == 0)
			break;
	if (i == ARRAY_LEN(allowed_names))
		return protocol(d, "another file name");
	for (i = 0; i < x->n; i++)
		if (strcmp(name, x->files[i].name) == 0)
			return protocol(d, "a file name twice");
	if (x->n > 0) {
		r = bundle_writer_finish(x->files[x->n - 1].w, d);
		if (r != 0)
			return r;
	}
	memcpy(f->name, name, strlen(name) + 1);
	r = bundle_writer_new(type, &f->w);
	if (r == 0)
		x->n++;
	return r;
}

static int
on_pack(struct export *x, struct ipc_msg *m, struct diag *d)
{
	struct stat st;

	if (m->fd < 0 || fstat(m->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return protocol(d, "PACK");
	close_fdp(&x->pack);
	x->pack = take_fd(&m->fd);
	return 0;
}

static int
on_member(struct export *x, struct rd *rd, struct diag *d)
{
	char name[BUNDLE_NAME_MAX + 1];
	uint64_t off, len;
	struct stat st;

	if (x->n == 0 || x->pack < 0 ||
	    rd_cstr_into(rd, name, sizeof(name)) != 0 ||
	    rd_u64(rd, &off) != 0 || rd_u64(rd, &len) != 0 || rd_end(rd) != 0)
		return protocol(d, "MEMBER");
	if (fstat(x->pack, &st) != 0 || off > (uint64_t)st.st_size ||
	    len > (uint64_t)st.st_size - off)
		return protocol(d, "a member outside its pack");
	return bundle_writer_add_fd(x->files[x->n - 1].w, name, x->pack, off,
	    len, NULL, d);
}

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
hash_bundle(struct bundle_writer *w, char ret_hex[65], struct diag *d)
{
	_cleanup_free_ uint8_t *buf = malloc(CHUNK);
	uint64_t size = bundle_writer_size(w), off;
	struct hasher *h = NULL;
	uint8_t digest[32];
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
		r = hasher_final(h, digest, 32);
	hasher_free(&h);
	if (r == 0)
		hex_encode(digest, 32, ret_hex);
	return r;
}

static int
send_done(struct export *x, struct diag *d)
{
	struct buf b = BUF_INIT(1024);
	char hex[65];
	size_t i;
	int r;

	r = buf_put_u32(&b, (uint32_t)x->n);
	for (i = 0; r == 0 && i < x->n; i++) {
		r = bundle_writer_check(x->files[i].w, d);
		if (r == 0)
			r = hash_bundle(x->files[i].w, hex, d);
		if (r == 0)
			r = buf_put_cstr(&b, x->files[i].name);
		if (r == 0)
			r = buf_put_cstr(&b, hex);
		if (r == 0)
			r = buf_put_u64(&b, bundle_writer_size(x->files[i].w));
	}
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
		r = fatvol_fits(x->medium.out.bytes, files, x->n, d);
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
		return protocol(d, "no GO");
	return 0;
}

static int
on_commit(struct export *x, struct diag *d)
{
	const struct fatvol_ops ops = { progress, x };
	struct fatvol_file v[MAX_FILES];
	size_t i;
	int r;

	if (x->n == 0)
		return protocol(d, "COMMIT of nothing");
	r = bundle_writer_finish(x->files[x->n - 1].w, d);
	for (i = 0; i < x->n; i++) {
		memcpy(v[i].name, x->files[i].name, sizeof(v[i].name));
		v[i].size = bundle_writer_size(x->files[i].w);
		v[i].part_bytes = PART_BYTES;
		v[i].read = read_bundle;
		v[i].arg = x->files[i].w;
	}
	if (r == 0)
		r = ask_core(x, v, d);
	if (r == 0)
		r = fatvol_write_to(&x->medium.out, v, x->n, &ops, d);
	return r == 0 ? send_done(x, d) : r;
}

/* 0: go on; 1: done */
static int
handle(struct export *x, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct rd rd;
	int r;

	if (ipc_recv(SOCK, &m, IPC_NO_TIMEOUT) != 0)
		return protocol(d, "the core is gone");
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	switch (m.type) {
	case EXPORT_FILE:
		return on_file(x, &rd, d);
	case EXPORT_PACK:
		return on_pack(x, &m, d);
	case EXPORT_MEMBER:
		return on_member(x, &rd, d);
	case EXPORT_COMMIT:
		r = on_commit(x, d);
		return r == 0 ? 1 : r;
	default:
		return protocol(d, "another message");
	}
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
	struct export x = { .pack = -1 };
	struct diag d = { 0 };
	size_t i;
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
	for (i = 0; i < x.n; i++)
		bundle_writer_free(&x.files[i].w);
	close_fdp(&x.pack);
	medium_done(&x.medium);
	return r == 1 ? CS_EXIT_OK : CS_EXIT_REFUSED;
}
