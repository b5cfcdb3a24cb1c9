/* SPDX-License-Identifier: Apache-2.0 */

/* A bundle's file, or its files: found, their chains checked, then read. */

#include <string.h>

#include "usb-transfer/fat_private.h"

#define FOLDER 0x10u

/* Exactly as many clusters as the size needs, and then the end. */
static int
check_chain(struct fat *f, const struct fat_entry *e, struct diag *d)
{
	uint64_t n = ((uint64_t)e->size + f->cluster_bytes - 1) /
	    f->cluster_bytes,
		 i;
	uint32_t c = e->first;
	bool end = false;
	int r;

	if (n == 0)
		return c == 0 ? 0 :
				diag_fail(d, CS_E_MEDIA_FAT_LOOP,
				    "no cluster for an empty file", "%#x", c);
	if (c < 2 || c > f->clusters + 1)
		return diag_fail(d, CS_E_MEDIA_FAT_CLUSTER,
		    "a first cluster of the volume", "%#x", c);
	if (n > f->clusters)
		return diag_fail(d, CS_E_MEDIA_FAT_SHORT,
		    "a size that fits the volume", "%u bytes", e->size);
	/* in a row it is read twice, here and by fat_read() */
	f->table_left += 2 * (n * (f->is32 ? 4 : 2) + 2 * FAT_WINDOW);
	for (i = 0; i < n; i++) {
		r = fat_next(f, c, &c, &end, d);
		if (r != 0)
			return r;
		if (end)
			break;
	}
	if (!end)
		return diag_fail(d, CS_E_MEDIA_FAT_LOOP,
		    "an end after the last cluster",
		    "more than %llu clusters for %u bytes",
		    (unsigned long long)n, e->size);
	if (i + 1 < n)
		return diag_fail(d, CS_E_MEDIA_FAT_SHORT,
		    "a cluster for each part", "%llu clusters for %u bytes",
		    (unsigned long long)i + 1, e->size);
	return 0;
}

/* "COLDSEAL.REQ" -> "COLDSEALREQ" */
static int
short_name(const char *name, uint8_t out[11])
{
	const char *dot = strchr(name, '.');
	size_t base = dot == NULL ? strlen(name) : (size_t)(dot - name);
	size_t ext = dot == NULL ? 0 : strlen(dot + 1);

	if (base == 0 || base > 8 || ext > 3)
		return CS_E_INTERNAL;
	memset(out, ' ', 11);
	memcpy(out, name, base);
	if (ext > 0)
		memcpy(out + 8, dot + 1, ext);
	return 0;
}

static int
compare_name(const void *name, const void *entry)
{
	const struct fat_entry *e = entry;

	return memcmp(name, e->name, sizeof(e->name));
}

/* NULL if it is not in the root folder. */
static int
find_entry(const struct fat *f, const char *name, const struct fat_entry **ret,
    struct diag *d)
{
	uint8_t want[11];
	int r;

	r = short_name(name, want);
	if (r != 0)
		return r;
	*ret = f->entries == 0 ? NULL :
				 bsearch(want, f->entry, f->entries,
				     sizeof(*f->entry), compare_name);
	if (*ret != NULL && ((*ret)->attr & FOLDER) != 0)
		return diag_fail(d, CS_E_MEDIA_ENTRY, "a file",
		    "a folder of the name %s", name);
	return 0;
}

static void
enter_part(struct fat_file *file, size_t i)
{
	file->at = i;
	file->cluster = file->part[i].first;
	file->part_done = 0;
}

int
fat_find(struct fat *f, const char *name, struct fat_file *ret, struct diag *d)
{
	const struct fat_entry *e[PARTS_MAX] = { NULL };
	struct part seen[PARTS_MAX] = { { false, 0 } };
	struct fat_file file = { .size = 0 };
	char is[PART_NAME];
	size_t i;
	int r;

	r = fat_load_root(f, d);
	for (i = 0; r == 0 && i < parts_allowed(name); i++) {
		part_name(name, i, is);
		r = find_entry(f, is, &e[i], d);
		if (r == 0 && e[i] != NULL)
			seen[i] = (struct part){ true, e[i]->size };
	}
	if (r == 0)
		r = parts_check(name, seen, f->part_bytes, &file.parts, d);
	if (r == 0 && file.parts == 0)
		return diag_fail(d, CS_E_MEDIA_NO_FILE, name,
		    "no file of that name");
	for (i = 0; r == 0 && i < file.parts; i++) {
		r = check_chain(f, e[i], d);
		file.part[i].first = e[i]->first;
		file.part[i].size = e[i]->size;
		file.size += e[i]->size;
	}
	if (r != 0)
		return r;
	enter_part(&file, 0);
	*ret = file;
	return 0;
}

/*
 * Bytes that lie in one piece from the reading position on, at most want;
 * moves the position to the cluster after them.
 */
static int
next_run(struct fat *f, struct fat_file *file, uint64_t want, uint64_t *ret,
    struct diag *d)
{
	uint32_t c = file->cluster, next = 0;
	uint64_t n = f->cluster_bytes;
	bool end = false;
	int r;

	for (;;) {
		r = fat_next(f, c, &next, &end, d);
		if (r != 0)
			return r;
		if (end || next != c + 1 || n + f->cluster_bytes > want)
			break;
		n += f->cluster_bytes;
		c = next;
	}
	file->cluster = end ? 0 : next;
	*ret = n;
	return 0;
}

int
fat_read(struct fat *f, struct fat_file *file, void *buf, size_t n,
    size_t *ret_n, struct diag *d)
{
	const uint32_t unit = f->dev->block_size;
	uint64_t left, run, off;
	uint32_t whole;
	int r;

	*ret_n = 0;
	if (file->done == file->size)
		return 0;
	if (n < FAT_MAX_CLUSTER)
		return diag_fail(d, CS_E_INTERNAL, "a buffer of 64 KiB", "%zu",
		    n);
	if (file->part_done == file->part[file->at].size)
		enter_part(file, file->at + 1);
	if (file->cluster < 2)
		return diag_fail(d, CS_E_MEDIA_FAT_SHORT, "another cluster",
		    "the end");
	left = (uint64_t)file->part[file->at].size - file->part_done;
	off = f->data_off + (uint64_t)(file->cluster - 2) * f->cluster_bytes;
	r = next_run(f, file, n, &run, d);
	if (r != 0)
		return r;
	if (run > left)
		run = left;
	whole = (uint32_t)((run + unit - 1) / unit * unit);
	r = fat_bytes_at(f, off, whole, buf, d);
	if (r != 0)
		return r;
	file->part_done += (uint32_t)run;
	file->done += run;
	*ret_n = (size_t)run;
	return 0;
}
