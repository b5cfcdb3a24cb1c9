/* SPDX-License-Identifier: Apache-2.0 */

/* Handing files to the export helper, which writes them as one volume. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "appliance/core_out.h"
#include "lib/file.h"
#include "lib/proto.h"

#define WHO	 "the export helper"
#define PACK_MAX (512u << 20)
#define MB	 UINT64_C(1000000)
#define GB	 UINT64_C(1000000000)

void
out_init(struct core *c, struct out *o)
{
	*o = (struct out){ .c = c, .sock = -1, .bytes.max = PACK_MAX };
}

int
out_open(struct out *o, struct diag *d)
{
	return helper_spawn(o->c, SUP_EXPORT, "", &o->sock, NULL, d);
}

void
out_done(struct out *o)
{
	buf_done(&o->bytes);
	free(o->v);
	o->v = NULL;
	close_fdp(&o->sock);
}

int
out_add(struct out *o, const char *name, const void *data, size_t len)
{
	struct out_member *v;
	int r;

	if (o->n == o->cap) {
		size_t cap = o->cap == 0 ? 64 : o->cap * 2;

		v = reallocarray(o->v, cap, sizeof(*v));
		if (v == NULL)
			return CS_E_NOMEM;
		o->v = v;
		o->cap = cap;
	}
	v = &o->v[o->n];
	if (snprintf(v->name, sizeof(v->name), "%s", name) >=
	    (int)sizeof(v->name))
		return CS_E_INTERNAL;
	v->off = o->bytes.len;
	v->len = len;
	r = buf_put(&o->bytes, data, len);
	if (r == 0)
		o->n++;
	return r;
}

int
out_file(struct out *o, const char *name, const char *type)
{
	struct buf b = BUF_INIT(256);
	int r;

	r = buf_put_cstr(&b, name);
	if (r == 0)
		r = buf_put_cstr(&b, type);
	if (r == 0)
		r = ipc_send_buf(o->sock, EXPORT_FILE, &b, -1);
	buf_done(&b);
	return r;
}

static int
send_member(struct out *o, const char *name, uint64_t off, uint64_t len)
{
	struct buf b = BUF_INIT(256);
	int r;

	r = buf_put_cstr(&b, name);
	if (r == 0)
		r = buf_put_u64(&b, off);
	if (r == 0)
		r = buf_put_u64(&b, len);
	if (r == 0)
		r = ipc_send_buf(o->sock, EXPORT_MEMBER, &b, -1);
	buf_done(&b);
	return r;
}

int
out_flush(struct out *o, struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	size_t i;
	int r;

	if (o->n == 0)
		return 0;
	r = memfd_sealed("members", o->bytes.p, o->bytes.len, &fd, d);
	if (r == 0)
		r = ipc_send(o->sock, EXPORT_PACK, NULL, 0, fd);
	for (i = 0; r == 0 && i < o->n; i++)
		r = send_member(o, o->v[i].name, o->v[i].off, o->v[i].len);
	buf_reset(&o->bytes);
	o->n = 0;
	return r;
}

int
out_state_file(struct out *o, int dirfd, const char *path, const char *name,
    struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;
	int r;

	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) != 0)
		return diag_errno(d, CS_E_IO, "%s", path);
	r = ipc_send(o->sock, EXPORT_PACK, NULL, 0, fd);
	return r == 0 ? send_member(o, name, 0, (uint64_t)st.st_size) : r;
}

int
out_reason(struct out *o, int r, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;

	if (r != CS_E_IPC)
		return r;
	return helper_recv(o->sock, EXPORT_FAIL, WHO, &m, d) != 0 &&
		d->code != 0 ?
	    d->code :
	    CS_E_IPC;
}

static int
one_file(struct out *o, struct rd *rd, json_t *files)
{
	char name[16], hex[65];
	uint64_t size = 0;
	int r;

	r = rd_cstr_into(rd, name, sizeof(name));
	if (r == 0)
		r = rd_cstr_into(rd, hex, sizeof(hex));
	if (r == 0)
		r = rd_u64(rd, &size);
	if (r != 0)
		return r;
	if (json_array_append_new(files,
		json_pack("{s:s, s:s, s:I}", "name", name, "sha256", hex,
		    "size", (json_int_t)size)) != 0)
		return CS_E_NOMEM;
	return say(o->c,
	    "written and read back: %s, %llu bytes\n"
	    "  sha256 %s\n",
	    name, (unsigned long long)size, hex);
}

static int
on_done(struct out *o, const struct ipc_msg *m, json_t **ret, struct diag *d)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	_cleanup_json_ json_t *files = json_array();
	uint32_t n = 0, i;
	int r;

	if (files == NULL)
		return diag_nomem(d);
	r = rd_u32(&rd, &n);
	for (i = 0; r == 0 && i < n && i < 8; i++)
		r = one_file(o, &rd, files);
	if (r == 0)
		r = rd_end(&rd);
	if (r == CS_E_CONSOLE_GONE || r == CS_E_NOMEM)
		return r;
	if (r != 0)
		return diag_fail(d, CS_E_IPC, "a list of files", WHO);
	*ret = take_ptr(files);
	return 0;
}

/* Printable ASCII: the model is the stick's own word. */
static int
get_text(struct rd *rd, char *out, size_t size)
{
	size_t i;
	int r;

	r = rd_cstr_into(rd, out, size);
	for (i = 0; r == 0 && out[i] != '\0'; i++)
		if (out[i] < 0x20 || out[i] > 0x7e)
			r = CS_E_IPC;
	return r;
}

/* What is about to be erased; the officer says so, where it may matter. */
static int
on_target(struct out *o, const struct ipc_msg *m, struct diag *d)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	char model[64] = "", seems[96] = "", line[401];
	uint64_t bytes = 0, unit;
	uint8_t must_ask = 1;
	int r;

	if (rd_u8(&rd, &must_ask) != 0 || must_ask > 1 ||
	    get_text(&rd, model, sizeof(model)) != 0 ||
	    get_text(&rd, seems, sizeof(seems)) != 0 ||
	    rd_u64(&rd, &bytes) != 0 || rd_end(&rd) != 0)
		return diag_fail(d, CS_E_IPC, "the OUT medium", WHO);
	unit = bytes < GB ? MB : GB;
	r = say(o->c,
	    "the OUT medium is: %s, %llu.%llu %s (%llu bytes)\n"
	    "  it seems to hold: %s\n",
	    model, (unsigned long long)(bytes / unit),
	    (unsigned long long)(bytes / (unit / 10) % 10),
	    unit == GB ? "GB" : "MB", (unsigned long long)bytes, seems);
	if (r == 0 && must_ask == 1) {
		r = ask(o->c,
		    "all that is on it will be erased.\ntype ERASE to go on: ",
		    line);
		if (r == 0 && strcmp(line, "ERASE") != 0)
			return diag_fail(d, CS_E_OUT_KEPT, "ERASE", "\"%.40s\"",
			    line);
	}
	return r == 0 ? ipc_send(o->sock, EXPORT_GO, NULL, 0, -1) : r;
}

static int
on_progress(struct out *o, const struct ipc_msg *m, struct diag *d)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	uint64_t done = 0, total = 0;
	uint8_t comparing = 0;

	if (rd_u8(&rd, &comparing) != 0 || comparing > 1 ||
	    rd_u64(&rd, &done) != 0 || rd_u64(&rd, &total) != 0 ||
	    rd_end(&rd) != 0)
		return diag_fail(d, CS_E_IPC, "a known message", WHO);
	return show_progress(o->c, comparing == 1 ? "comparing" : "writing",
	    done, total);
}

int
out_commit(struct out *o, json_t **ret_files, struct diag *d)
{
	bool asked = false;
	int r;

	r = ipc_send(o->sock, EXPORT_COMMIT, NULL, 0, -1);
	while (r == 0) {
		_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;

		r = helper_recv(o->sock, EXPORT_FAIL, WHO, &m, d);
		if (r != 0)
			return r;
		if (m.type == EXPORT_DONE)
			return on_done(o, &m, ret_files, d);
		r = m.type == EXPORT_TARGET && !asked ?
		    on_target(o, &m, d) :
		    m.type == EXPORT_PROGRESS ?
		    on_progress(o, &m, d) :
		    diag_fail(d, CS_E_IPC, "a known message", WHO);
		asked = asked || m.type == EXPORT_TARGET;
	}
	return r;
}
