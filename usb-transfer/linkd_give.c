/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The way out: files that the core hands over as it does to coldseal-export,
 * given to a host part by part, from any offset.
 *
 *	none -> (core: FILE, PACK, MEMBER ... COMMIT) -> preparing (hashed)
 *	     -> ready -> (host: GET*, END of each) -> core: DONE, still ready
 *	     -> (core: STOP, another FILE; deadline) -> none
 */

#include <string.h>

#include "lib/proto.h"
#include "usb-transfer/linkd.h"

#define PROGRESS_MS 100

static uint64_t
size_of(const struct give *g, size_t i)
{
	return bundle_writer_size(g->out.v[i].w);
}

void
give_stop(struct linkd *x)
{
	struct give *g = &x->give;

	outfiles_done(&g->out);
	hasher_free(&g->hash);
	g->state = LINK_OUT_NONE;
	g->deadline = 0;
	g->done = false;
	memset(g->sent, 0, sizeof(g->sent));
	memset(g->ended, 0, sizeof(g->ended));
}

int
give_fail(struct linkd *x, const struct diag *why)
{
	struct buf b = BUF_INIT(1024);
	int r = ipc_put_diag(&b, why);

	if (r == 0)
		r = ipc_send_buf(LINKD_SOCK, EXPORT_FAIL, &b, -1);
	buf_done(&b);
	give_stop(x);
	return r;
}

static int
commit(struct linkd *x, struct diag *d)
{
	struct give *g = &x->give;
	int r = outfiles_finish(&g->out, d);

	if (r == 0)
		r = hasher_new(HASH_SHA256, &g->hash);
	if (r != 0)
		return r;
	g->i = 0;
	g->off = 0;
	g->state = LINK_OUT_PREPARING;
	return 0;
}

int
give_message(struct linkd *x, struct ipc_msg *m, struct diag *d)
{
	struct give *g = &x->give;

	/* the next files: those before are over */
	if (m->type == EXPORT_FILE && g->state != LINK_OUT_NONE)
		give_stop(x);
	if (g->state != LINK_OUT_NONE)
		return diag_fail(d, CS_E_IPC, "FILE", "%#x", m->type);
	return m->type == EXPORT_COMMIT ? commit(x, d) :
					  outfiles_message(&g->out, m, d);
}

static int
next_file(struct linkd *x)
{
	struct give *g = &x->give;
	int r;

	r = hasher_final(g->hash, g->sha256[g->i], CS_SHA256_LEN);
	if (r == 0)
		r = hasher_reset(g->hash);
	if (r != 0)
		return r;
	g->off = 0;
	if (++g->i < g->out.n)
		return 0;
	hasher_free(&g->hash);
	g->state = LINK_OUT_READY;
	g->deadline = linkd_now() + x->wait_ms;
	return 0;
}

int
give_step(struct linkd *x, struct diag *d)
{
	struct give *g = &x->give;
	uint64_t left = size_of(g, g->i) - g->off;
	size_t n = left > LINK_PART_MAX ? LINK_PART_MAX : (size_t)left;
	int r;

	if (n == 0)
		return next_file(x);
	r = bundle_writer_read(g->out.v[g->i].w, g->off, g->buf, n, d);
	if (r == 0)
		r = hasher_update(g->hash, g->buf, n);
	g->off += n;
	return r;
}

void
give_status(const struct linkd *x, struct link_status *st)
{
	const struct give *g = &x->give;
	size_t i;

	st->out = (uint8_t)g->state;
	if (g->state != LINK_OUT_READY)
		return;
	for (i = 0; i < g->out.n; i++) {
		struct link_file *f = &st->files[st->nfiles++];

		memcpy(f->name, g->out.v[i].name, sizeof(f->name));
		memcpy(f->sha256, g->sha256[i], sizeof(f->sha256));
		f->size = size_of(g, i);
	}
}

static int
find(const struct give *g, const char *name, size_t *ret, struct diag *d)
{
	size_t i;

	for (i = 0; g->state == LINK_OUT_READY && i < g->out.n; i++)
		if (strcmp(g->out.v[i].name, name) == 0) {
			*ret = i;
			return 0;
		}
	return diag_fail(d, CS_E_LINK_NO_FILE, "a file of the last export",
	    "%s", name);
}

static int
tell_progress(struct give *g)
{
	struct buf b = BUF_INIT(64);
	uint64_t done = 0, total = 0;
	int64_t now = linkd_now();
	size_t i;
	int r;

	if (g->done || now - g->told_ms < PROGRESS_MS)
		return 0;
	g->told_ms = now;
	for (i = 0; i < g->out.n; i++) {
		done += g->sent[i];
		total += size_of(g, i);
	}
	r = buf_put_u8(&b, 0);
	if (r == 0)
		r = buf_put_u64(&b, done);
	if (r == 0)
		r = buf_put_u64(&b, total);
	if (r == 0)
		r = ipc_send_buf(LINKD_SOCK, EXPORT_PROGRESS, &b, -1);
	buf_done(&b);
	return r;
}

int
give_get(struct linkd *x, struct link *l, struct rd *r, struct diag *d)
{
	struct give *g = &x->give;
	struct buf b = BUF_INIT(64);
	struct link_part p;
	size_t i = 0;
	int e;

	e = link_part_get(r, &p, true, d);
	if (e == 0)
		e = find(g, p.name, &i, d);
	if (e == 0 &&
	    (p.offset > size_of(g, i) || p.len > size_of(g, i) - p.offset))
		e = diag_fail(d, CS_E_LINK_REQUEST, "a part of the file",
		    "more than it has");
	if (e == 0)
		e = bundle_writer_read(g->out.v[i].w, p.offset, g->buf, p.len,
		    d);
	if (e == 0)
		e = buf_put_u32(&b, p.len);
	if (e == 0)
		e = link_send(l, LINK_GET, b.p, b.len, d);
	buf_done(&b);
	if (e == 0)
		e = link_send_bytes(l, g->buf, p.len, d);
	if (e != 0)
		return e;
	if (!g->done)
		g->deadline = linkd_now() + x->wait_ms;
	if (p.offset + p.len > g->sent[i])
		g->sent[i] = p.offset + p.len;
	return tell_progress(g);
}

static int
all_ended(struct give *g)
{
	struct buf b = BUF_INIT(1024);
	size_t i;
	int r;

	for (i = 0; i < g->out.n; i++)
		if (!g->ended[i])
			return 0;
	if (g->done)
		return 0;
	g->done = true;
	g->deadline = 0;
	r = outfiles_put_done(&g->out,
	    (const uint8_t(*)[CS_SHA256_LEN])g->sha256, &b);
	if (r == 0)
		r = ipc_send_buf(LINKD_SOCK, EXPORT_DONE, &b, -1);
	buf_done(&b);
	return r;
}

int
give_end(struct linkd *x, struct rd *r, struct diag *d)
{
	struct give *g = &x->give;
	struct link_file f;
	size_t i = 0;
	int e;

	e = link_file_get(r, &f, d);
	if (e == 0)
		e = find(g, f.name, &i, d);
	if (e != 0)
		return e;
	if (f.size != size_of(g, i) ||
	    memcmp(f.sha256, g->sha256[i], sizeof(f.sha256)) != 0)
		return diag_fail(d, CS_E_LINK_DIGEST, "the file as it is here",
		    "another size or SHA-256 of %s", f.name);
	g->ended[i] = true;
	return all_ended(g);
}
