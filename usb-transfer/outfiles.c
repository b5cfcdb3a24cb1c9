/* SPDX-License-Identifier: Apache-2.0 */
#include "usb-transfer/outfiles.h"

#include <string.h>
#include <sys/stat.h>

#include "lib/hex.h"
#include "lib/proto.h"

static const char *const allowed_names[] = { "COLDSEAL.RSP", "COLDSEAL.AUD",
	"COLDSEAL.ATT" };

static int
protocol(struct diag *d, const char *what)
{
	return diag_fail(d, CS_E_IPC, "FILE, PACK, MEMBER, COMMIT in order",
	    "%s", what);
}

static int
on_file(struct outfiles *o, struct rd *rd, struct diag *d)
{
	struct outfile *f = &o->v[o->n];
	enum bundle_type type;
	char name[16], type_name[16];
	size_t i;
	int r;

	if (o->n == OUTFILES_MAX || rd_cstr_into(rd, name, sizeof(name)) != 0 ||
	    rd_cstr_into(rd, type_name, sizeof(type_name)) != 0 ||
	    rd_end(rd) != 0 || bundle_type_from_name(type_name, &type) != 0)
		return protocol(d, "FILE");
	for (i = 0; i < ARRAY_LEN(allowed_names); i++)
		if (strcmp(name, allowed_names[i]) == 0)
			break;
	if (i == ARRAY_LEN(allowed_names))
		return protocol(d, "another file name");
	for (i = 0; i < o->n; i++)
		if (strcmp(name, o->v[i].name) == 0)
			return protocol(d, "a file name twice");
	if (o->n > 0) {
		r = bundle_writer_finish(o->v[o->n - 1].w, d);
		if (r != 0)
			return r;
	}
	memcpy(f->name, name, strlen(name) + 1);
	r = bundle_writer_new(type, &f->w);
	if (r == 0)
		o->n++;
	return r;
}

static int
on_pack(struct outfiles *o, struct ipc_msg *m, struct diag *d)
{
	struct stat st;

	if (m->fd < 0 || fstat(m->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return protocol(d, "PACK");
	close_fdp(&o->pack);
	o->pack = take_fd(&m->fd);
	return 0;
}

static int
on_member(struct outfiles *o, struct rd *rd, struct diag *d)
{
	char name[BUNDLE_NAME_MAX + 1];
	uint64_t off, len;
	struct stat st;

	if (o->n == 0 || o->pack < 0 ||
	    rd_cstr_into(rd, name, sizeof(name)) != 0 ||
	    rd_u64(rd, &off) != 0 || rd_u64(rd, &len) != 0 || rd_end(rd) != 0)
		return protocol(d, "MEMBER");
	if (fstat(o->pack, &st) != 0 || off > (uint64_t)st.st_size ||
	    len > (uint64_t)st.st_size - off)
		return protocol(d, "a member outside its pack");
	return bundle_writer_add_fd(o->v[o->n - 1].w, name, o->pack, off, len,
	    NULL, d);
}

void
outfiles_done(struct outfiles *o)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		bundle_writer_free(&o->v[i].w);
	o->n = 0;
	close_fdp(&o->pack);
}

int
outfiles_message(struct outfiles *o, struct ipc_msg *m, struct diag *d)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);

	switch (m->type) {
	case EXPORT_FILE:
		return on_file(o, &rd, d);
	case EXPORT_PACK:
		return on_pack(o, m, d);
	case EXPORT_MEMBER:
		return on_member(o, &rd, d);
	default:
		return protocol(d, "another message");
	}
}

int
outfiles_finish(struct outfiles *o, struct diag *d)
{
	return o->n == 0 ? protocol(d, "COMMIT of nothing") :
			   bundle_writer_finish(o->v[o->n - 1].w, d);
}

int
outfiles_put_done(const struct outfiles *o,
    const uint8_t (*sha256)[CS_SHA256_LEN], struct buf *b)
{
	char hex[CS_SHA256_HEX + 1];
	size_t i;
	int r;

	r = buf_put_u32(b, (uint32_t)o->n);
	for (i = 0; r == 0 && i < o->n; i++) {
		hex_encode(sha256[i], CS_SHA256_LEN, hex);
		r = buf_put_cstr(b, o->v[i].name);
		if (r == 0)
			r = buf_put_cstr(b, hex);
		if (r == 0)
			r = buf_put_u64(b, bundle_writer_size(o->v[i].w));
	}
	return r;
}
