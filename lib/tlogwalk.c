/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "lib/tlog_impl.h"

struct walker {
	const struct tile_source *src;
	tlog_leaf_cb *cb;
	void *arg;
	struct tlog_tree *tree;
};

/* Level 0 was compared leaf by leaf; here the levels above. */
static int
compare_upper(void *arg, const struct tile_id *id, const uint8_t (*hash)[32],
    struct diag *d)
{
	struct walker *w = arg;
	_cleanup_free_ uint8_t *p = NULL;
	unsigned i;
	size_t len = 0;
	int r;

	if (id->level == 0)
		return 0;
	if ((r = tlog_tile_read(w->src, id, &p, &len, d)) != 0)
		return r;
	for (i = 0; i < id->width; i++)
		if (memcmp(p + (size_t)i * 32, hash[i], 32) != 0)
			return tlog_tamper(d, id, i);
	return 0;
}

/* Every leaf of a bundle against its hash. */
static int
compare_leaves(const uint8_t *bundle, size_t len, const uint8_t *hashes,
    const struct tile_id *id, uint8_t (*ret)[32], struct diag *d)
{
	struct rd rd = RD_INIT(bundle, len);
	const uint8_t *leaf;
	unsigned i;
	size_t n;
	int r;

	for (i = 0; i < id->width; i++) {
		if ((r = tlog_bundle_next(&rd, &leaf, &n)) != 0)
			return diag_fail(d, r, NULL, "an entry bundle");
		if ((r = merkle_leaf_hash(leaf, n, ret[i])) != 0)
			return diag_fail(d, r, NULL, "hashing a leaf");
		if (memcmp(ret[i], hashes + (size_t)i * 32, 32) != 0)
			return tlog_tamper(d, id, i);
	}
	return 0;
}

static int
show_leaves(const struct walker *w, const uint8_t *bundle, size_t len,
    const struct tile_id *id, struct diag *d)
{
	struct rd rd = RD_INIT(bundle, len);
	const uint8_t *leaf;
	unsigned i;
	size_t n;
	int r;

	if (w->cb == NULL)
		return 0;
	for (i = 0; i < id->width; i++) {
		if ((r = tlog_bundle_next(&rd, &leaf, &n)) != 0)
			return r;
		if ((r = w->cb(w->arg, id->index * TILE_WIDTH + i, leaf, n,
			 d)) != 0)
			return r;
	}
	return 0;
}

/* Which leaf is the first to be lost, whichever file is missing. */
static int
read_pair(const struct walker *w, const struct tile_id *id, uint8_t **entries,
    size_t *entries_len, uint8_t **hashes, struct diag *d)
{
	struct tile_id e = *id;
	char path[TILE_PATH_MAX];
	size_t len;
	int r;

	e.level = TILE_ENTRIES;
	r = tlog_tile_read(w->src, &e, entries, entries_len, d);
	if (r != 0)
		tile_path(&e, path);
	else if ((r = tlog_tile_read(w->src, id, hashes, &len, d)) != 0)
		tile_path(id, path);
	if (r == CS_E_LOG_MISSING)
		return diag_fail(d, r, path, "no such file, from leaf %" PRIu64,
		    tlog_tile_first_leaf(id, 0));
	return r;
}

static int
walk_tile(struct walker *w, const struct tile_id *id, struct diag *d)
{
	_cleanup_free_ uint8_t *entries = NULL, *hashes = NULL;
	uint8_t leaf[TILE_WIDTH][32];
	size_t len = 0;
	unsigned i;
	int r;

	if ((r = read_pair(w, id, &entries, &len, &hashes, d)) != 0)
		return r;
	if ((r = compare_leaves(entries, len, hashes, id, leaf, d)) != 0)
		return r;
	for (i = 0; i < id->width; i++)
		if ((r = tlog_tree_add(w->tree, leaf[i], d)) != 0)
			return r;
	return show_leaves(w, entries, len, id, d);
}

int
tlog_walk_source(const struct tile_source *src, uint64_t size, tlog_leaf_cb *cb,
    void *arg, uint8_t ret_root[32], struct diag *d)
{
	_cleanup_free_ struct tlog_tree *tree = calloc(1, sizeof(*tree));
	struct walker w = {
		.src = src,
		.cb = cb,
		.arg = arg,
		.tree = tree,
	};
	struct tile_id id = { .level = 0 };
	uint8_t root[32];
	int r;

	if (tree == NULL)
		return diag_nomem(d);
	if (size > MERKLE_MAX_SIZE)
		return diag_fail(d, CS_E_LOG_SIZE, "at most 2^53 leaves",
		    "%" PRIu64, size);
	tree->tile = compare_upper;
	tree->arg = &w;
	for (; (id.width = tile_width_at(0, id.index, size)) != 0; id.index++)
		if ((r = walk_tile(&w, &id, d)) != 0)
			return r;
	if ((r = tlog_tree_partials(tree, d)) != 0)
		return r;
	if ((r = tlog_tree_root(tree, root)) != 0)
		return diag_fail(d, r, NULL, "hashing the root");
	memcpy(ret_root, root, 32);
	return 0;
}

int
tlog_walk(int dirfd, uint64_t size, tlog_leaf_cb *cb, void *arg,
    uint8_t ret_root[32], struct diag *d)
{
	struct tile_source src = tile_source_dir(&dirfd);

	return tlog_walk_source(&src, size, cb, arg, ret_root, d);
}
