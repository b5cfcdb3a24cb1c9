/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/tlog_impl.h"

/*
 * The order of writes; each step is durable before the next one starts.
 *
 *	1. "pending", if the batch touches more than one entry bundle
 *	2. the entry bundles after the first touched one
 *	3. the first touched entry bundle	<- here the batch is appended
 *	4. hash tiles
 *	5. "pending" is removed
 *	6. partial tiles whose full tile is there are removed
 *
 * tlogopen.c is the other half.
 */
struct append {
	struct tlog *t;
	struct tlog_writer w;
	const struct tlog_leaf *leaves;
	uint64_t from, to;
};

static int
write_pending(struct append *a, struct diag *d)
{
	char text[48];
	int n, r;

	n = snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64 "\n", a->from,
	    a->to);
	if ((r = tlog_put(&a->w, TLOG_PENDING, text, (size_t)n, d)) != 0)
		return r;
	return tlog_flush(&a->w, d);
}

static int
put_entry(struct buf *b, const struct tlog_leaf *l)
{
	int r;

	if ((r = buf_put_u16(b, (uint16_t)l->len)) != 0)
		return r;
	return buf_put(b, l->bytes, l->len);
}

/* What bundle index is after the batch, appended to b. */
static int
make_bundle(const struct append *a, uint64_t index, struct buf *b)
{
	uint64_t i = index * TILE_WIDTH, end = i + TILE_WIDTH;
	int r;

	if (i < a->from) {
		i = a->from;
		if ((r = buf_put(b, a->t->tail.p, a->t->tail.len)) != 0)
			return r;
	}
	if (end > a->to)
		end = a->to;
	for (; i < end; i++)
		if ((r = put_entry(b, &a->leaves[i - a->from])) != 0)
			return r;
	return 0;
}

static int
write_bundle(struct append *a, uint64_t index, struct buf *b, struct diag *d)
{
	struct tile_id id = {
		.level = TILE_ENTRIES,
		.index = index,
		.width = tile_width_at(TILE_ENTRIES, index, a->to),
	};
	int r;

	buf_reset(b);
	if ((r = make_bundle(a, index, b)) != 0)
		return diag_fail(d, r, NULL, "an entry bundle");
	return tlog_put_tile(&a->w, &id, b->p, b->len, d);
}

static int
write_entries(struct append *a, struct diag *d)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(TILE_ENTRIES_MAX);
	uint64_t first = a->from / TILE_WIDTH, i;
	int r;

	for (i = (a->to - 1) / TILE_WIDTH; i > first; i--)
		if ((r = write_bundle(a, i, &b, d)) != 0)
			return r;
	if ((r = tlog_flush(&a->w, d)) != 0)
		return r;
	if ((r = write_bundle(a, first, &b, d)) != 0)
		return r;
	return tlog_flush(&a->w, d);
}

/* Tiles that the batch did not touch are as they were. */
static int
write_tile(void *arg, const struct tile_id *id, const uint8_t (*hash)[32],
    struct diag *d)
{
	struct append *a = arg;

	if (tile_width_at(id->level, id->index, a->from) == id->width)
		return 0;
	return tlog_put_tile(&a->w, id, hash, (size_t)id->width * 32, d);
}

static int
write_hashes(struct append *a, struct diag *d)
{
	struct tlog_tree *tree = a->t->tree;
	uint8_t h[32];
	uint64_t i;
	int r;

	tree->tile = write_tile;
	tree->arg = a;
	for (i = 0; i < a->to - a->from; i++) {
		r = merkle_leaf_hash(a->leaves[i].bytes, a->leaves[i].len, h);
		if (r != 0)
			return diag_fail(d, r, NULL, "hashing a leaf");
		if ((r = tlog_tree_add(tree, h, d)) != 0)
			return r;
	}
	if ((r = tlog_tree_partials(tree, d)) != 0)
		return r;
	return tlog_flush(&a->w, d);
}

/* The bytes of the bundle that is not full, for the next batch. */
static int
keep_tail(struct append *a, struct diag *d)
{
	struct buf *tail = &a->t->tail;
	uint64_t i = a->to / TILE_WIDTH * TILE_WIDTH;
	int r;

	if (i >= a->from)
		buf_reset(tail);
	else
		i = a->from;
	for (; i < a->to; i++)
		if ((r = put_entry(tail, &a->leaves[i - a->from])) != 0)
			return diag_fail(d, r, NULL, "the last entries");
	return 0;
}

static void
remove_folder(int dirfd, const char *path)
{
	struct dirent *e;
	DIR *dir;
	int fd;

	fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	if ((dir = fdopendir(fd)) == NULL) {
		(void)close(fd);
		return;
	}
	while ((e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			(void)unlinkat(fd, e->d_name, 0);
	(void)closedir(dir);
	(void)unlinkat(dirfd, path, AT_REMOVEDIR);
}

/*
 * tlog-tiles, "Partial Tiles": a partial tile may go once the full one is
 * there, not before.  What remains after a failure does no harm.
 */
static void
remove_partials(const struct append *a)
{
	struct tile_id id;
	char path[TILE_PATH_MAX];
	int level;

	for (level = TILE_ENTRIES; level < (int)TILE_LEVELS; level++) {
		id.level = level;
		id.index =
		    (level <= 0 ? a->from : a->from >> (8 * (unsigned)level)) /
		    TILE_WIDTH;
		id.width = tile_width_at(level, id.index, a->from);
		if (id.width == 0 || id.width == TILE_WIDTH ||
		    tile_width_at(level, id.index, a->to) != TILE_WIDTH)
			continue;
		tile_path(&id, path);
		*strrchr(path, '/') = '\0';
		remove_folder(a->w.dirfd, path);
	}
}

static int
append_batch(struct append *a, struct diag *d)
{
	bool many = (a->to - 1) / TILE_WIDTH > a->from / TILE_WIDTH;
	int r;

	if (many && (r = write_pending(a, d)) != 0)
		return r;
	if ((r = write_entries(a, d)) != 0)
		return r;
	if ((r = write_hashes(a, d)) != 0)
		return r;
	if (many) {
		if ((r = tlog_unlink(&a->w, TLOG_PENDING, d)) != 0 ||
		    (r = tlog_flush(&a->w, d)) != 0)
			return r;
	}
	remove_partials(a);
	return keep_tail(a, d);
}

static int
check_batch(const struct tlog *t, const struct tlog_leaf *leaves, size_t n,
    struct diag *d)
{
	size_t i;

	if (!t->writable || t->failed)
		return diag_fail(d, CS_E_LOG_STATE, NULL, "%s",
		    t->failed ? "an append before this one failed" :
				"opened for reading only");
	if (n == 0 || n > MERKLE_MAX_SIZE - t->size)
		return diag_fail(d, CS_E_LOG_SIZE, "1 to 2^53 leaves in all",
		    "%zu more", n);
	for (i = 0; i < n; i++)
		if (leaves[i].len > TLOG_LEAF_MAX)
			return diag_fail(d, CS_E_LOG_LEAF,
			    "at most 65,535 bytes", "%zu", leaves[i].len);
	return 0;
}

int
tlog_append(struct tlog *t, const struct tlog_leaf *leaves, size_t n,
    struct diag *d)
{
	struct append a = { .t = t, .leaves = leaves };
	int r;

	if ((r = check_batch(t, leaves, n, d)) != 0)
		return r;
	a.w.dirfd = t->dirfd;
	a.from = t->size;
	a.to = t->size + n;
	r = append_batch(&a, d);
	t->tree->tile = NULL;
	t->tree->arg = NULL;
	if (r != 0) {
		t->failed = true;
		return r;
	}
	t->size = a.to;
	return 0;
}
