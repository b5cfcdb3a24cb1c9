/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Cluster chains.  A chain is walked at most as far as the volume has
 * clusters, and the table is read at most a bounded number of times, so that
 * no table keeps the reader busy for ever.
 */

#include <string.h>

#include "usb-transfer/fat_private.h"

/* A whole table many times over, and as much again for a scattered file. */
#define LOADS_MIN  4096u
#define LOADS_EACH 8u

int
fat_in_range(const struct fat *f, uint32_t cluster, struct diag *d)
{
	if (cluster >= 2 && cluster <= f->clusters + 1)
		return 0;
	return diag_fail(d, CS_E_MEDIA_FAT_RANGE, "a cluster of the volume",
	    "cluster %#x of %u", cluster, f->clusters);
}

/* The part of the table that holds off. */
static int
load_window(struct fat *f, uint64_t off, const struct fat_window **ret,
    struct diag *d)
{
	const uint64_t n = off / FAT_WINDOW, at = n * FAT_WINDOW;
	struct fat_window *w = &f->window[n % FAT_WINDOWS];
	uint64_t len = f->fat_bytes - at;
	int r;

	*ret = w;
	if (w->loaded && w->at == at)
		return 0;
	if (f->loads++ >
	    LOADS_MIN + LOADS_EACH * (f->fat_bytes / FAT_WINDOW + 1))
		return diag_fail(d, CS_E_MEDIA_FAT_SCATTERED,
		    "a table that is read a few times",
		    "%llu reads of its parts", (unsigned long long)f->loads);
	if (len > FAT_WINDOW)
		len = FAT_WINDOW;
	w->loaded = false;
	r = fat_bytes_at(f, f->fat_off + at, (uint32_t)len, w->bytes, d);
	if (r != 0)
		return r;
	w->at = at;
	w->loaded = true;
	return 0;
}

/* Microsoft FAT specification 1.03, "FAT Data Structure" */
static int
classify(const struct fat *f, uint32_t v, uint32_t from, bool *ret_end,
    struct diag *d)
{
	const uint32_t bad = f->is32 ? 0x0ffffff7u : 0xfff7u;

	*ret_end = v > bad;
	if (*ret_end)
		return 0;
	if (v == 0)
		return diag_fail(d, CS_E_MEDIA_FAT_FREE, "a used cluster",
		    "a free one: %#x", from);
	if (v == bad)
		return diag_fail(d, CS_E_MEDIA_FAT_BAD, "a good cluster",
		    "a bad one: %#x", from);
	return fat_in_range(f, v, d);
}

int
fat_next(struct fat *f, uint32_t cluster, uint32_t *ret, bool *ret_end,
    struct diag *d)
{
	const uint64_t off = (uint64_t)cluster * (f->is32 ? 4 : 2);
	const struct fat_window *w = NULL;
	uint32_t v;
	int r;

	r = load_window(f, off, &w, d);
	if (r != 0)
		return r;
	/* the four high bits of a FAT32 entry are reserved */
	v = f->is32 ? le32(w->bytes + (off - w->at)) & 0x0fffffffu :
		      le16(w->bytes + (off - w->at));
	r = classify(f, v, cluster, ret_end, d);
	if (r == 0 && !*ret_end)
		*ret = v;
	return r;
}

static int
compare_clusters(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void
fat_root_sort(struct fat *f)
{
	if (f->nroot > 1)
		qsort(f->root, f->nroot, sizeof(*f->root), compare_clusters);
}

int
fat_root_add(struct fat *f, uint32_t cluster, struct diag *d)
{
	const size_t max = FAT_MAX_ROOT / f->cluster_bytes;

	if (f->root == NULL)
		f->root = calloc(max, sizeof(*f->root));
	if (f->root == NULL)
		return diag_nomem(d);
	if (f->nroot == max)
		return diag_fail(d, CS_E_MEDIA_FAT_LOOP,
		    "a root folder of at most 2 MiB", "more");
	f->root[f->nroot++] = cluster;
	return 0;
}

static int
not_of_root(const struct fat *f, uint32_t c, struct diag *d)
{
	if (f->nroot == 0 || c < f->root[0] || c > f->root[f->nroot - 1] ||
	    bsearch(&c, f->root, f->nroot, sizeof(c), compare_clusters) == NULL)
		return 0;
	return diag_fail(d, CS_E_MEDIA_FAT_CROSS, "clusters of the file",
	    "cluster %#x of the root folder", c);
}

/* More clusters than the size needs: does it end, or does it loop? */
static int
too_long(struct fat *f, uint32_t c, uint64_t n, const struct fat_file *file,
    struct diag *d)
{
	bool end = false;
	int r;

	for (; !end && n <= f->clusters; n++) {
		r = fat_next(f, c, &c, &end, d);
		if (r != 0)
			return r;
	}
	if (!end)
		return diag_fail(d, CS_E_MEDIA_FAT_LOOP, "a chain that ends",
		    "more links than the volume has clusters");
	return diag_fail(d, CS_E_MEDIA_FAT_LONG, "an end after the last part",
	    "%llu clusters for %u bytes", (unsigned long long)n, file->size);
}

int
fat_check_chain(struct fat *f, const struct fat_file *file, struct diag *d)
{
	const uint64_t n =
	    ((uint64_t)file->size + f->cluster_bytes - 1) / f->cluster_bytes;
	uint32_t c = file->first;
	bool end = false;
	uint64_t i;
	int r;

	if (n == 0)
		return c == 0 ? 0 :
				diag_fail(d, CS_E_MEDIA_FAT_LONG,
				    "no cluster for an empty file", "%#x", c);
	r = fat_in_range(f, c, d);
	if (r != 0)
		return r;
	if (n > f->clusters)
		return diag_fail(d, CS_E_MEDIA_FAT_SHORT,
		    "a size that fits the volume", "%u bytes", file->size);
	for (i = 0; i < n && !end; i++) {
		r = not_of_root(f, c, d);
		if (r == 0)
			r = fat_next(f, c, &c, &end, d);
		if (r != 0)
			return r;
	}
	if (!end)
		return too_long(f, c, n, file, d);
	if (i < n)
		return diag_fail(d, CS_E_MEDIA_FAT_SHORT,
		    "a cluster for each part", "%llu clusters for %u bytes",
		    (unsigned long long)i, file->size);
	return 0;
}
