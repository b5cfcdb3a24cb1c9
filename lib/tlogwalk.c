/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "lib/tlog_impl.h"

struct walker {
	const struct tile_source *src;
	const struct tlog_walk *w;
	struct tlog_tree *tree;
};

static int
show_file(const struct walker *w, const struct tile_id *id, const uint8_t *p,
    size_t len, struct diag *d)
{
	return w->w->file != NULL ? w->w->file(w->w->arg, id, p, len, d) : 0;
}

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
	return show_file(w, id, p, len, d);
}

static int
show_leaves(const struct walker *w, const struct tlog_part *p, struct diag *d)
{
	struct rd rd = RD_INIT(p->entries, p->entries_len);
	const uint8_t *leaf;
	unsigned i;
	size_t n;
	int r;

	if (w->w->leaf == NULL)
		return 0;
	for (i = 0; i < p->id.width; i++) {
		if ((r = tlog_bundle_next(&rd, &leaf, &n)) != 0)
			return r;
		if ((r = w->w->leaf(w->w->arg, p->id.index * TILE_WIDTH + i,
			 leaf, n, d)) != 0)
			return r;
	}
	return 0;
}

static int
take_part(void *arg, const struct tlog_part *p, struct diag *d)
{
	struct walker *w = arg;
	struct tile_id e = p->id;
	unsigned i;
	int r = 0;

	if (p->id.width == TILE_WIDTH)
		r = tlog_tree_add_tile(w->tree, (const uint8_t(*)[32])p->leaf,
		    p->root, d);
	else
		for (i = 0; r == 0 && i < p->id.width; i++)
			r = tlog_tree_add(w->tree, p->leaf[i], d);
	if (r == 0)
		r = show_leaves(w, p, d);
	e.level = TILE_ENTRIES;
	if (r == 0)
		r = show_file(w, &e, p->entries, p->entries_len, d);
	if (r == 0)
		r = show_file(w, &p->id, p->hashes, (size_t)p->id.width * 32,
		    d);
	return r;
}

int
tlog_walk_with(const struct tile_source *src, uint64_t size,
    const struct tlog_walk *w, struct tlog_walked *ret, struct diag *d)
{
	_cleanup_free_ struct tlog_tree *tree = calloc(1, sizeof(*tree));
	struct walker k = { .src = src, .w = w, .tree = tree };
	int r;

	if (tree == NULL)
		return diag_nomem(d);
	if (size > MERKLE_MAX_SIZE)
		return diag_fail(d, CS_E_LOG_SIZE, "at most 2^53 leaves",
		    "%" PRIu64, size);
	if ((r = tlog_tree_seed(tree, src, w->first, size, d)) != 0)
		return r;
	ret->before = tree->full;
	tree->tile = compare_upper;
	tree->arg = &k;
	if ((r = tlog_parts(src, size, w, take_part, &k, d)) != 0)
		return r;
	if ((r = tlog_tree_partials(tree, d)) != 0)
		return r;
	r = tlog_tree_range(tree, &ret->after);
	if (r == 0)
		r = merkle_range_root(&ret->after, ret->root);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "hashing the root");
}

int
tlog_walk_source(const struct tile_source *src, uint64_t size, tlog_leaf_cb *cb,
    void *arg, uint8_t ret_root[32], struct diag *d)
{
	const struct tlog_walk w = { .leaf = cb, .arg = arg };
	struct tlog_walked got;
	int r = tlog_walk_with(src, size, &w, &got, d);

	if (r == 0)
		memcpy(ret_root, got.root, 32);
	return r;
}

int
tlog_walk(int dirfd, uint64_t size, tlog_leaf_cb *cb, void *arg,
    uint8_t ret_root[32], struct diag *d)
{
	struct tile_source src = tile_source_dir(&dirfd);

	return tlog_walk_source(&src, size, cb, arg, ret_root, d);
}
