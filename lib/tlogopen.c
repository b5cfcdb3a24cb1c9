/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "lib/file.h"
#include "lib/note.h"
#include "lib/tlog_impl.h"

/*
 * Recovery.  tlog_append() leaves one of these on disk when it is cut short:
 *
 *	entries of later tiles, "pending" says old and new size, the first
 *	touched bundle is the old one	-> the batch never was: removed
 *	all entries, some hash tiles	-> the batch is: hash tiles written
 *
 * Anything else was not made by a crash and is refused, with nothing removed.
 */
struct recovery {
	struct tlog *t;
	struct tlog_writer w;
	bool pending;
	uint64_t from, to; /* of the pending batch */
};

/* "old new\n" */
static int
read_pending(struct recovery *rc, struct diag *d)
{
	_cleanup_free_ uint8_t *p = NULL;
	size_t len = 0;
	char *text, *sp;
	int r;

	r = rc->t->src.read(rc->t->src.arg, TLOG_PENDING, &p, &len, NULL);
	if (r == CS_E_LOG_MISSING)
		return 0;
	if (r != 0)
		return diag_fail(d, r, NULL, "reading %s", TLOG_PENDING);
	text = (char *)p;
	sp = memchr(text, ' ', len);
	if (sp == NULL || text[len - 1] != '\n' ||
	    note_size_parse(text, (size_t)(sp - text), &rc->from) != 0 ||
	    note_size_parse(sp + 1, len - (size_t)(sp - text) - 2, &rc->to) !=
		0 ||
	    rc->from >= rc->to)
		return diag_fail(d, CS_E_LOG_FORMAT, "two sizes, old and new",
		    "the file \"%s\" is malformed", TLOG_PENDING);
	rc->pending = true;
	return 0;
}

/* The number that a partial tile's name is, or 0. */
static unsigned
name_width(const char *s)
{
	uint64_t v;

	if (note_size_parse(s, strlen(s), &v) != 0 || v >= TILE_WIDTH)
		return 0;
	return (unsigned)v;
}

/* The widest partial tile that is there, 0 if none. */
static int
widest_partial(int dirfd, int level, uint64_t index, unsigned *ret,
    struct diag *d)
{
	struct tile_id id = { .level = level, .index = index, .width = 1 };
	char path[TILE_PATH_MAX];
	struct dirent *e;
	unsigned best = 0, n;
	DIR *dir;
	int fd;

	*ret = 0;
	tile_path(&id, path);
	*strrchr(path, '/') = '\0';
	fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return diag_errno(d, CS_E_IO, "open %s", path);
	if ((dir = fdopendir(fd)) == NULL) {
		(void)close(fd);
		return diag_errno(d, CS_E_IO, "read %s", path);
	}
	while ((errno = 0, e = readdir(dir)) != NULL)
		if ((n = name_width(e->d_name)) > best)
			best = n;
	n = (unsigned)errno;
	(void)closedir(dir);
	if (n != 0) {
		errno = (int)n;
		return diag_errno(d, CS_E_IO, "read %s", path);
	}
	*ret = best;
	return 0;
}

/* Width on disk: TILE_WIDTH, or that of the widest partial one, or 0. */
static int
width_on_disk(int dirfd, int level, uint64_t index, unsigned *ret,
    struct diag *d)
{
	struct tile_id id = {
		.level = level,
		.index = index,
		.width = TILE_WIDTH,
	};
	char path[TILE_PATH_MAX];

	tile_path(&id, path);
	if (file_exists(dirfd, path)) {
		*ret = TILE_WIDTH;
		return 0;
	}
	return widest_partial(dirfd, level, index, ret, d);
}

/* A hash tile must be there and agree; if missing or short, it is written. */
static int
check_tile(void *arg, const struct tile_id *id, const uint8_t (*hash)[32],
    struct diag *d)
{
	struct recovery *rc = arg;
	_cleanup_free_ uint8_t *p = NULL;
	char path[TILE_PATH_MAX];
	size_t len = 0, want = (size_t)id->width * 32;
	unsigned i;
	int r;

	tile_path(id, path);
	r = rc->t->src.read(rc->t->src.arg, path, &p, &len, d);
	if (r == CS_E_LOG_MISSING || (r == 0 && len < want)) {
		rc->t->recovered.hash_tiles++;
		return tlog_put_tile(&rc->w, id, hash, want, d);
	}
	if (r != 0)
		return r;
	for (i = 0; i < id->width; i++)
		if (memcmp(p + (size_t)i * 32, hash[i], 32) != 0)
			return tlog_tamper(d, id, i);
	if (len != want)
		return diag_fail(d, CS_E_LOG_FORMAT, "32 bytes for each hash",
		    "%s has %zu bytes", path, len);
	return 0;
}

static int
add_bundle(struct recovery *rc, const struct tile_id *id, struct diag *d)
{
	_cleanup_free_ uint8_t *p = NULL;
	const uint8_t *leaf;
	uint8_t h[32];
	size_t len = 0, n;
	int r;

	if ((r = tlog_tile_read(&rc->t->src, id, &p, &len, d)) != 0)
		return r;
	struct rd rd = RD_INIT(p, len);
	while (rd.left > 0) {
		if ((r = tlog_bundle_next(&rd, &leaf, &n)) != 0 ||
		    (r = merkle_leaf_hash(leaf, n, h)) != 0)
			return diag_fail(d, r, NULL, "hashing a leaf");
		if ((r = tlog_tree_add(rc->t->tree, h, d)) != 0)
			return r;
	}
	if (id->width == TILE_WIDTH)
		return 0;
	r = buf_put(&rc->t->tail, p, len);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "the last entries");
}

/* Entry bundles from the first on, up to one that is not full. */
static int
load_entries(struct recovery *rc, struct diag *d)
{
	struct tile_id id = { .level = TILE_ENTRIES };
	int r;

	do {
		r = width_on_disk(rc->t->dirfd, TILE_ENTRIES, id.index,
		    &id.width, d);
		if (r != 0)
			return r;
		if (id.width != 0 && (r = add_bundle(rc, &id, d)) != 0)
			return r;
		id.index++;
	} while (id.width == TILE_WIDTH);
	rc->t->size = rc->t->tree->size;
	return 0;
}

static int
lost(struct recovery *rc, const char *expected, struct diag *d)
{
	return diag_fail(d, CS_E_LOG_MISSING, expected,
	    "no entry for leaf %" PRIu64, rc->t->size);
}

/*
 * Entries are durable before their hashes are written: a hash without its
 * entry means that the entry was there and is gone.
 */
static int
check_hashes_beyond(struct recovery *rc, struct diag *d)
{
	uint64_t size = rc->t->size, index = size / TILE_WIDTH;
	unsigned width = 0;
	int r;

	r = width_on_disk(rc->t->dirfd, 0, index, &width, d);
	if (r != 0)
		return r;
	if (width > size % TILE_WIDTH)
		return lost(rc, "an entry for each hash in tile/0", d);
	if ((r = width_on_disk(rc->t->dirfd, 0, index + 1, &width, d)) != 0)
		return r;
	return width == 0 ? 0 : lost(rc, "an entry for each hash in tile/0", d);
}

static int
check_entries_beyond(struct recovery *rc, struct diag *d)
{
	unsigned width = 0;
	int r;

	r = width_on_disk(rc->t->dirfd, TILE_ENTRIES,
	    rc->t->size / TILE_WIDTH + 1, &width, d);
	if (r != 0)
		return r;
	return width == 0 ? 0 : lost(rc, "entry bundles without a gap", d);
}

/* The first touched bundle was never replaced: the later ones go. */
static int
take_back(struct recovery *rc, struct diag *d)
{
	struct tile_id id = { .level = TILE_ENTRIES };
	uint64_t last = (rc->to - 1) / TILE_WIDTH;
	char path[TILE_PATH_MAX];
	int r;

	for (id.index = last; id.index > rc->from / TILE_WIDTH; id.index--) {
		id.width = tile_width_at(TILE_ENTRIES, id.index, rc->to);
		tile_path(&id, path);
		if ((r = tlog_unlink(&rc->w, path, d)) != 0)
			return r;
	}
	rc->t->recovered.leaves = rc->to - rc->from;
	return tlog_flush(&rc->w, d);
}

static int
recover(struct recovery *rc, struct diag *d)
{
	struct tlog *t = rc->t;
	int r;

	if ((r = read_pending(rc, d)) != 0)
		return r;
	if ((r = load_entries(rc, d)) != 0)
		return r;
	if ((r = check_hashes_beyond(rc, d)) != 0)
		return r;
	if (rc->pending && t->size != rc->from && t->size != rc->to)
		return lost(rc, "all or none of the batch that was cut", d);
	if (rc->pending && t->size == rc->from && (r = take_back(rc, d)) != 0)
		return r;
	if ((r = check_entries_beyond(rc, d)) != 0)
		return r;
	if ((r = tlog_tree_partials(t->tree, d)) != 0)
		return r;
	if ((r = tlog_flush(&rc->w, d)) != 0)
		return r;
	if ((r = tlog_unlink(&rc->w, TLOG_PENDING, d)) != 0)
		return r;
	return tlog_flush(&rc->w, d);
}

int
tlog_open(int dirfd, struct tlog **ret, struct diag *d)
{
	_cleanup_tlog_ struct tlog *t = NULL;
	struct recovery rc = { .pending = false };
	int r;

	if ((r = tlog_open_at(dirfd, 0, &t, d)) != 0)
		return r;
	if ((t->tree = calloc(1, sizeof(*t->tree))) == NULL)
		return diag_nomem(d);
	rc.t = t;
	rc.w.dirfd = t->dirfd;
	t->tree->tile = check_tile;
	t->tree->arg = &rc;
	if ((r = recover(&rc, d)) != 0)
		return r;
	t->tree->tile = NULL;
	t->tree->arg = NULL;
	t->writable = true;
	*ret = take_ptr(t);
	return 0;
}
