/* SPDX-License-Identifier: Apache-2.0 */

/*
 * coldseal-intake: the only process that reads a foreign medium.  It has one
 * descriptor of blocks or of a stick (medium.h) and one socket to the core,
 * and can open nothing.  lib/proto.h has the messages.
 *
 *	find the file -> bundle -> DOC* -> HASH -> (core: HASH or STOP)
 *	  -> ARTIFACT* -> END, or FAIL at any point
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/filehash.h"
#include "lib/hex.h"
#include "lib/ipc.h"
#include "lib/proto.h"
#include "lib/file.h"
#include "lib/sandbox.h"
#include "usb-transfer/bundle.h"
#include "usb-transfer/fat.h"
#include "usb-transfer/media_names.h"
#include "usb-transfer/medium.h"

#define SOCK	    3
#define PROGRESS_MS 100
#define ANSWER_MS   120000
#define STOPPED	    1 /* the core said STOP: no error */

struct intake {
	struct medium medium;
	struct fat *fat; /* NULL: a stream */
	struct fat_file file;
	uint64_t done, size; /* of a stream */
	enum bundle_type type;
	int64_t told_ms; /* last progress */
	uint8_t *doc;	 /* of the member that is read, or NULL */
	size_t doc_len;
	bool artifact;
	bool asked; /* the core was asked for algorithms */
	uint32_t mask;
	struct hasher *extra[HASH_COUNT]; /* besides sha256 */
	struct filehash *own;		  /* the format's, or NULL */
	uint32_t artifacts;
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int
tell_progress(struct intake *in)
{
	struct buf b = BUF_INIT(64);
	int64_t now = now_ms();
	int r;

	if (now - in->told_ms < PROGRESS_MS)
		return 0;
	in->told_ms = now;
	r = buf_put_u64(&b, in->fat != NULL ? in->file.done : in->done);
	if (r == 0)
		r = buf_put_u64(&b, in->fat != NULL ? in->file.size : in->size);
	if (r == 0)
		r = ipc_send_buf(SOCK, INTAKE_PROGRESS, &b, -1);
	buf_done(&b);
	return r;
}

static int
read_file(void *arg, void *buf, size_t n, size_t *ret_n, struct diag *d)
{
	struct intake *in = arg;
	int r;

	r = fat_read(in->fat, &in->file, buf, n, ret_n, d);
	return r == 0 ? tell_progress(in) : r;
}

/* The format's own digest, if it has one. */
static int
read_own(struct intake *in, struct rd *rd)
{
	uint32_t how = 0, alg = 0;
	const uint8_t *suffix;
	size_t len;
	int r = rd_u32(rd, &how);

	if (r == 0)
		r = rd_u32(rd, &alg);
	if (r == 0)
		r = rd_str(rd, FILEHASH_SUFFIX_MAX, &suffix, &len);
	if (r != 0 || how == FILEHASH_NONE)
		return r;
	return filehash_new((enum filehash_how)how, (enum hash_alg)alg, suffix,
	    len, &in->own);
}

/* What coldseal-link passes on, as far as it has come. */
static int
read_stream(void *arg, void *buf, size_t n, size_t *ret_n, struct diag *d)
{
	struct intake *in = arg;
	ssize_t k;

	do
		k = read(MEDIUM_FD, buf, n);
	while (k < 0 && errno == EINTR);
	if (k < 0)
		return diag_errno(d, CS_E_IO, "the link");
	*ret_n = (size_t)k;
	in->done += (uint64_t)k;
	return tell_progress(in);
}

/* Documents are done: which algorithms, or is it decided already? */
static int
ask_core(struct intake *in, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(16);
	struct rd rd;
	size_t i;
	int r;

	in->asked = true;
	r = buf_put_u32(&b, in->artifacts);
	if (r == 0)
		r = ipc_send_buf(SOCK, INTAKE_HASH, &b, -1);
	buf_done(&b);
	if (r == 0)
		r = ipc_recv(SOCK, &m, ANSWER_MS);
	if (r != 0)
		return diag_fail(d, CS_E_IPC, "the core's answer", "none");
	if (m.type == INTAKE_STOP)
		return STOPPED;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	if (m.type != INTAKE_HASH || rd_u32(&rd, &in->mask) != 0 ||
	    read_own(in, &rd) != 0 || rd_end(&rd) != 0 ||
	    in->mask >> HASH_COUNT != 0)
		return diag_fail(d, CS_E_IPC, "HASH or STOP", "%#x", m.type);
	for (i = HASH_SHA256 + 1; r == 0 && i < HASH_COUNT; i++)
		if ((in->mask & HASH_BIT(i)) != 0)
			r = hasher_new((enum hash_alg)i, &in->extra[i]);
	return r;
}

static int
begin(void *arg, const struct bundle_member *m, struct diag *d)
{
	struct intake *in = arg;
	size_t i;
	int r = 0;

	in->artifact = strncmp(m->name, "artifacts/", 10) == 0;
	if (!in->artifact) {
		in->doc = malloc((size_t)m->size + 1);
		in->doc_len = 0;
		return in->doc == NULL ? diag_nomem(d) : 0;
	}
	if (!in->asked)
		r = ask_core(in, d);
	for (i = 0; r == 0 && i < HASH_COUNT; i++)
		if (in->extra[i] != NULL)
			r = hasher_reset(in->extra[i]);
	if (r == 0 && in->own != NULL)
		r = filehash_start(in->own, m->size);
	return r;
}

static int
data(void *arg, const void *p, size_t n, struct diag *d)
{
	struct intake *in = arg;
	size_t i;
	int r = 0;

	(void)d;
	if (!in->artifact) {
		memcpy(in->doc + in->doc_len, p, n);
		in->doc_len += n;
		return 0;
	}
	for (i = 0; r == 0 && i < HASH_COUNT; i++)
		if (in->extra[i] != NULL)
			r = hasher_update(in->extra[i], p, n);
	if (r == 0 && in->own != NULL)
		r = filehash_update(in->own, p, n);
	return r;
}

static int
send_doc(struct intake *in, const struct bundle_member *m, struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	struct buf b = BUF_INIT(256);
	int r;

	r = memfd_sealed("document", in->doc, in->doc_len, &fd, d);
	if (r == 0)
		r = buf_put_cstr(&b, m->name);
	if (r == 0)
		r = ipc_send_buf(SOCK, INTAKE_DOC, &b, fd);
	buf_done(&b);
	free(in->doc);
	in->doc = NULL;
	return r;
}

static int
put_digest(struct buf *b, uint32_t alg, const uint8_t *p, size_t n)
{
	int r;

	r = buf_put_u32(b, alg);
	return r == 0 ? buf_put_str(b, p, n) : r;
}

static int
put_own(struct buf *b, struct filehash *own)
{
	uint8_t digest[HASH_MAX_LEN];
	struct diag why = { 0 };
	size_t len = 0;
	int r;

	if (filehash_final(own, digest, &len, &why) == 0)
		return put_digest(b, 0, digest, len);
	r = buf_put_u32(b, 1);
	return r == 0 ? ipc_put_diag(b, &why) : r;
}

static int
send_artifact(struct intake *in, const struct bundle_member *m)
{
	struct buf b = BUF_INIT(1024);
	uint8_t digest[HASH_MAX_LEN];
	uint32_t n = 1, i;
	int r;

	for (i = 0; i < HASH_COUNT; i++)
		n += in->extra[i] != NULL;
	r = buf_put_cstr(&b, m->name + 10);
	if (r == 0)
		r = buf_put_u64(&b, m->size);
	if (r == 0)
		r = buf_put_u32(&b, n);
	if (r == 0)
		r = put_digest(&b, HASH_SHA256, m->sha256, 32);
	for (i = 0; r == 0 && i < HASH_COUNT; i++) {
		if (in->extra[i] == NULL)
			continue;
		r = hasher_final(in->extra[i], digest,
		    hash_len((enum hash_alg)i));
		if (r == 0)
			r = put_digest(&b, i, digest,
			    hash_len((enum hash_alg)i));
	}
	if (r == 0 && in->own != NULL)
		r = put_own(&b, in->own);
	if (r == 0)
		r = ipc_send_buf(SOCK, INTAKE_ARTIFACT, &b, -1);
	buf_done(&b);
	in->artifacts++;
	return r;
}

static int
end(void *arg, const struct bundle_member *m, struct diag *d)
{
	struct intake *in = arg;

	return in->artifact ? send_artifact(in, m) : send_doc(in, m, d);
}

static int
send_end(enum bundle_type type, const uint8_t manifest[32])
{
	struct buf b = BUF_INIT(256);
	char hex[65];
	int r;

	hex_encode(manifest, 32, hex);
	r = buf_put_cstr(&b, bundle_type_name(type));
	if (r == 0)
		r = buf_put_cstr(&b, hex);
	if (r == 0)
		r = ipc_send_buf(SOCK, INTAKE_END, &b, -1);
	buf_done(&b);
	return r;
}

static int
find(void *arg, const char *name, struct diag *d)
{
	struct intake *in = arg;

	return fat_find(in->fat, name, &in->file, d);
}

/*
 * A stream begins with what was announced: u8 type, u64 size (linkd_take.c).
 * The type is one that comes in, and the bundle has to be of it.
 */
static int
open_stream(struct intake *in, struct diag *d)
{
	uint8_t head[9];
	struct rd rd = RD_INIT(head, sizeof(head));
	size_t got = 0;
	uint8_t type = 0;
	ssize_t k;

	while (got < sizeof(head)) {
		k = read(MEDIUM_FD, head + got, sizeof(head) - got);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return diag_fail(d, CS_E_BUNDLE_TRUNCATED, "a bundle",
			    "the end of the stream");
		got += (size_t)k;
	}
	cs_ignore(rd_u8(&rd, &type));
	cs_ignore(rd_u64(&rd, &in->size));
	if (!media_name_in((enum bundle_type)type))
		return diag_fail(d, CS_E_BUNDLE_TYPE, "one that comes in",
		    "type %u", type);
	in->type = (enum bundle_type)type;
	return 0;
}

static int
open_source(struct intake *in, bundle_read_fn **ret, struct diag *d)
{
	struct stat st;
	int r;

	if (fstat(MEDIUM_FD, &st) == 0 && S_ISFIFO(st.st_mode)) {
		*ret = read_stream;
		return open_stream(in, d);
	}
	*ret = read_file;
	r = medium_open(&in->medium, d);
	if (r == 0)
		r = fat_open(&in->medium.dev, &in->fat, d);
	return r == 0 ? media_find_in(find, in, &in->type, d) : r;
}

static int
run(struct intake *in, struct diag *d)
{
	const struct bundle_sink sink = { begin, data, end, in };
	bundle_read_fn *from = NULL;
	uint8_t manifest[32];
	int r;

	r = open_source(in, &from, d);
	if (r == 0)
		r = bundle_read(from, in, in->type, &sink, manifest, d);
	if (r == 0 && !in->asked)
		r = ask_core(in, d);
	return r == 0 ? send_end(in->type, manifest) : r;
}

static void
send_fail(int code, struct diag *d)
{
	struct buf b = BUF_INIT(1024);

	if (d->code == 0)
		(void)diag_fail(d, code, NULL, "intake");
	if (ipc_put_diag(&b, d) == 0)
		cs_ignore(ipc_send_buf(SOCK, INTAKE_FAIL, &b, -1));
	buf_done(&b);
}

int
main(int argc, char **argv)
{
	static struct intake in;
	struct diag d = { 0 };
	size_t i;
	int r;

	if (argc > 2)
		return CS_EXIT_USAGE;
	(void)signal(SIGPIPE, SIG_IGN);
	r = medium_init(&in.medium, argc, argv, &d);
	if (r == CS_E_STICK_ARGUMENT)
		return CS_EXIT_USAGE;
	if (r == 0)
		r = sandbox_enter(argc == 2 ? SANDBOX_INTAKE_USB :
					      SANDBOX_INTAKE,
		    &d);
	if (r == 0)
		r = run(&in, &d);
	if (r == STOPPED)
		r = 0;
	if (r != 0)
		send_fail(r, &d);
	for (i = 0; i < HASH_COUNT; i++)
		hasher_free(&in.extra[i]);
	filehash_free(&in.own);
	free(in.doc);
	fat_close(&in.fat);
	medium_done(&in.medium);
	return r == 0 ? CS_EXIT_OK : CS_EXIT_REFUSED;
}
