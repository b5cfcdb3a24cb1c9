/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The root folder: read once, up to its end mark, into a sorted list of the
 * 8.3 names.  A name that is there twice is refused, whichever it is: the
 * folder is broken, and what a desktop shows of it is anybody's guess.
 */

#include <string.h>

#include "usb-transfer/fat_private.h"

#define MAX_ROOT (2u << 20) /* bytes of a root folder */
#define ENTRY	 32u
#define LABEL	 0x08u /* and of long names, with others */
#define LONG	 0x0fu
#define ATTRS	 0x3fu

struct loading {
	struct fat *f;
	size_t cap;
	bool over; /* the end mark was seen */
	uint8_t buf[FAT_MAX_CLUSTER];
};

static int
add_entry(struct loading *l, const uint8_t *e, struct diag *d)
{
	struct fat *f = l->f;
	struct fat_entry *to;

	if (f->entries == l->cap) {
		l->cap = l->cap == 0 ? 256 : l->cap * 2;
		to = reallocarray(f->entry, l->cap, sizeof(*to));
		if (to == NULL)
			return diag_nomem(d);
		f->entry = to;
	}
	to = &f->entry[f->entries++];
	memcpy(to->name, e, sizeof(to->name));
	to->attr = e[11];
	/* FAT16 has no high word of the cluster: what is there means nothing */
	to->first = (f->is32 ? (uint32_t)le16(e + 20) << 16 : 0) | le16(e + 26);
	to->size = le32(e + 28);
	return 0;
}

static int
look_at(struct loading *l, const uint8_t *e, struct diag *d)
{
	if (e[0] == 0x00) {
		l->over = true;
		return 0;
	}
	if (e[0] == 0xe5)
		return 0;
	if ((e[11] & LABEL) == 0)
		return add_entry(l, e, d);
	if ((e[11] & ATTRS) != LONG)
		memcpy(l->f->label, e, sizeof(l->f->label) - 1);
	return 0;
}

static int
look_through(struct loading *l, uint32_t len, struct diag *d)
{
	uint32_t i;
	int r = 0;

	for (i = 0; r == 0 && !l->over && i + ENTRY <= len; i += ENTRY)
		r = look_at(l, l->buf + i, d);
	return r;
}

static int
load_root16(struct loading *l, struct diag *d)
{
	const struct fat *f = l->f;
	uint32_t off, n;
	int r = 0;

	for (off = 0; r == 0 && !l->over && off < f->root_bytes; off += n) {
		n = f->root_bytes - off;
		if (n > sizeof(l->buf))
			n = sizeof(l->buf);
		r = fat_bytes_at(f, f->root_off + off, n, l->buf, d);
		if (r == 0)
			r = look_through(l, n, d);
	}
	return r;
}

static int
load_root32(struct loading *l, struct diag *d)
{
	struct fat *f = l->f;
	uint32_t c = f->root_cluster, seen;
	bool end = false;
	int r = 0;

	for (seen = 0; r == 0 && !l->over && !end; seen++) {
		if (seen >= MAX_ROOT / f->cluster_bytes + 1)
			return diag_fail(d, CS_E_MEDIA_FAT_LOOP,
			    "a root folder of at most 2 MiB", "more");
		r = fat_bytes_at(f,
		    f->data_off + (uint64_t)(c - 2) * f->cluster_bytes,
		    f->cluster_bytes, l->buf, d);
		if (r == 0)
			r = look_through(l, f->cluster_bytes, d);
		if (r == 0 && !l->over)
			r = fat_next(f, c, &c, &end, d);
	}
	return r;
}

static int
by_name(const void *a, const void *b)
{
	const struct fat_entry *x = a, *y = b;

	return memcmp(x->name, y->name, sizeof(x->name));
}

int
fat_load_root(struct fat *f, struct diag *d)
{
	_cleanup_free_ struct loading *l = calloc(1, sizeof(*l));
	size_t i;
	int r;

	if (f->root_read)
		return 0;
	if (l == NULL)
		return diag_nomem(d);
	l->f = f;
	free_ptrp(&f->entry);
	f->entries = 0;
	r = f->is32 ? load_root32(l, d) : load_root16(l, d);
	if (r != 0)
		return r;
	if (f->entries > 0)
		qsort(f->entry, f->entries, sizeof(*f->entry), by_name);
	for (i = 1; i < f->entries; i++)
		if (by_name(&f->entry[i - 1], &f->entry[i]) == 0)
			return diag_fail(d, CS_E_MEDIA_TWO_FILES,
			    "one entry of a name", "two of %.8s.%.3s",
			    (const char *)f->entry[i].name,
			    (const char *)f->entry[i].name + 8);
	f->root_read = true;
	return 0;
}
