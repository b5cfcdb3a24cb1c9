/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "host-tools/install_impl.h"
#include "lib/buf.h"
#include "lib/file.h"

/*
 * The signature becomes one more tag of the signature header; header and
 * payload move behind it, unchanged.  The package is one that
 * lib/filehash_rpm.c took: one region, its trailer at the end of the data.
 */
#define LEAD_LEN  96u
#define INTRO_LEN 16u
#define ENTRY_LEN 16u
#define MAX	  (128u << 10) /* of lead and signature header */
#define TYPE_BIN  7u
#define REGION	  62u
#define TAG_DSA	  267u /* and EdDSA */
#define TAG_RSA	  268u

struct old {
	uint8_t *p; /* lead and signature header, without what fills it up */
	uint32_t entries, data;
	size_t len; /* of both, with it */
};

static int
read_old(int fd, struct old *ret, struct diag *d)
{
	uint8_t intro[INTRO_LEN];
	struct rd rd = RD_INIT(intro + 8, 8);
	size_t n;

	if (fd_pread_all(fd, intro, sizeof(intro), LEAD_LEN) != 0)
		return diag_errno(d, CS_E_IO, "the package");
	if (rd_u32(&rd, &ret->entries) != 0 || rd_u32(&rd, &ret->data) != 0 ||
	    ret->entries == 0 || ret->entries > MAX / ENTRY_LEN ||
	    ret->data < ENTRY_LEN || ret->data > MAX)
		return diag_fail(d, CS_E_HOST_CHANGED, "what was signed",
		    "another header");
	n = LEAD_LEN + INTRO_LEN + ENTRY_LEN * (size_t)ret->entries + ret->data;
	ret->len = (n + 7) / 8 * 8;
	ret->p = malloc(n);
	if (ret->p == NULL)
		return diag_nomem(d);
	return fd_pread_all(fd, ret->p, n, 0) == 0 ?
	    0 :
	    diag_errno(d, CS_E_IO, "the package");
}

static int
put_entry(struct buf *b, uint32_t tag, uint32_t type, uint32_t offset,
    uint32_t count)
{
	int r = buf_put_u32(b, tag);

	if (r == 0)
		r = buf_put_u32(b, type);
	if (r == 0)
		r = buf_put_u32(b, offset);
	return r != 0 ? r : buf_put_u32(b, count);
}

struct entry {
	uint32_t tag, type, offset, count;
};

static int
read_entry(const struct old *o, uint32_t i, struct entry *ret)
{
	struct rd rd =
	    RD_INIT(o->p + LEAD_LEN + INTRO_LEN + ENTRY_LEN * i, ENTRY_LEN);

	return rd_u32(&rd, &ret->tag) == 0 && rd_u32(&rd, &ret->type) == 0 &&
		rd_u32(&rd, &ret->offset) == 0 &&
		rd_u32(&rd, &ret->count) == 0 && ret->offset < o->data ?
	    0 :
	    CS_E_FORMAT;
}

/* By type (format_header.md): bytes of one item, which are its alignment */
static const uint8_t item_len[] = { 0, 1, 1, 2, 4, 8, 0, 1 };
#define TYPE_STRING 6u
#define TYPE_I18N   9u

/* Bytes of the entry's data; 0: none that can be */
static size_t
data_len(const struct old *o, const struct entry *e)
{
	const uint8_t *data =
	    o->p + LEAD_LEN + INTRO_LEN + ENTRY_LEN * (size_t)o->entries;
	const size_t left = o->data - ENTRY_LEN - e->offset;
	size_t n = 0;
	uint32_t i;

	if (e->offset > o->data - ENTRY_LEN || e->count > MAX)
		return 0;
	if (e->type < TYPE_STRING || e->type == TYPE_BIN) {
		n = item_len[e->type] * (size_t)e->count;
		return n > left ? 0 : n;
	}
	for (i = 0; e->type <= TYPE_I18N && i < e->count; i++) {
		const uint8_t *p = data + e->offset + n;
		const uint8_t *end = memchr(p, '\0', left - n);

		if (end == NULL)
			return 0;
		n += (size_t)(end - p) + 1;
	}
	return n;
}

/* The new header: entries, and their data in the same order, aligned */
struct made {
	struct buf index, data;
	uint32_t entries;
};

static int
put_tag(struct made *m, const struct entry *e, const uint8_t *p, size_t len)
{
	static const uint8_t zero[8];
	const size_t align =
	    e->type < ARRAY_LEN(item_len) && item_len[e->type] != 0 ?
	    item_len[e->type] :
	    1;
	int r;

	r = buf_put(&m->data, zero, (align - m->data.len % align) % align);
	if (r == 0)
		r = put_entry(&m->index, e->tag, e->type, (uint32_t)m->data.len,
		    e->count);
	if (r == 0)
		r = buf_put(&m->data, p, len);
	m->entries++;
	return r;
}

/* All tags but the region, ours where its number is. */
static int
put_tags(struct made *m, const struct old *o, const struct install *x)
{
	const uint8_t *data =
	    o->p + LEAD_LEN + INTRO_LEN + ENTRY_LEN * (size_t)o->entries;
	/* the packet's public key algorithm: 1 is RSA (RFC 4880 9.1) */
	const struct entry ours = { x->len > 5 && x->sig[5] == 1 ? TAG_RSA :
								   TAG_DSA,
		TYPE_BIN, 0, (uint32_t)x->len };
	struct entry e = { 0 };
	bool put = false;
	uint32_t i;
	size_t len;
	int r = 0;

	for (i = 1; r == 0 && i < o->entries; i++) {
		r = read_entry(o, i, &e);
		if (r == 0 && !put && e.tag > ours.tag) {
			r = put_tag(m, &ours, x->sig, x->len);
			put = true;
		}
		if (r != 0)
			break;
		len = data_len(o, &e);
		r = len == 0 ? CS_E_FORMAT :
			       put_tag(m, &e, data + e.offset, len);
	}
	return r != 0 || put ? r : put_tag(m, &ours, x->sig, x->len);
}

static int
put_header(struct buf *b, const struct old *o, const struct made *m)
{
	static const uint8_t zero[8];
	const uint32_t end = (uint32_t)m->data.len;
	int r;

	r = buf_put(b, o->p, LEAD_LEN + 8);
	if (r == 0)
		r = buf_put_u32(b, m->entries);
	if (r == 0)
		r = buf_put_u32(b, end + ENTRY_LEN);
	if (r == 0)
		r = put_entry(b, REGION, TYPE_BIN, end, ENTRY_LEN);
	if (r == 0)
		r = buf_put(b, m->index.p, m->index.len);
	if (r == 0)
		r = buf_put(b, m->data.p, m->data.len);
	if (r == 0)
		r = put_entry(b, REGION, TYPE_BIN, 0u - m->entries * ENTRY_LEN,
		    ENTRY_LEN);
	return r != 0 ? r : buf_put(b, zero, (8 - b->len % 8) % 8);
}

static int
put_new(struct buf *b, const struct old *o, const struct install *x)
{
	struct made m = { BUF_INIT(2 * MAX), BUF_INIT(2 * MAX), 1 };
	int r = put_tags(&m, o, x);

	if (r == 0)
		r = put_header(b, o, &m);
	buf_done(&m.index);
	buf_done(&m.data);
	return r;
}

int
install_rpm(const struct install *x, struct diag *d)
{
	struct buf b = BUF_INIT(4 * MAX);
	struct old o = { 0 };
	int r;

	r = read_old(x->in, &o, d);
	if (r == 0 && (r = put_new(&b, &o, x)) != 0)
		r = diag_fail(d, r, NULL, "the signature header");
	if (r == 0)
		r = install_copy_behind(x, b.p, b.len, o.len, d);
	free(o.p);
	buf_done(&b);
	return r;
}
