/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "lib/tlog_impl.h"

int
tlog_fold(const uint8_t (*hash)[32], unsigned level, uint8_t ret[32])
{
	uint8_t h[TILE_WIDTH][32];
	size_t i, n = (size_t)1 << level;
	int r;

	if (n > TILE_WIDTH)
		return CS_E_INTERNAL;
	memcpy(h, hash, n * 32);
	for (n /= 2; n > 0; n /= 2)
		for (i = 0; i < n; i++)
			if ((r = merkle_node_hash(h[2 * i], h[2 * i + 1],
				 h[i])) != 0)
				return r;
	memcpy(ret, h[0], 32);
	return 0;
}

/* A full tile at this level: shown, then one hash of the level above. */
static int
carry(struct tlog_tree *t, int level, uint8_t root[32], struct diag *d)
{
	struct tlog_edge *e = &t->edge[level];
	struct tile_id id = {
		.level = level,
		.index = (t->size >> (8 * ((unsigned)level + 1))) - 1,
		.width = TILE_WIDTH,
	};
	int r;

	if (t->tile != NULL &&
	    (r = t->tile(t->arg, &id, (const uint8_t(*)[32])e->hash, d)) != 0)
		return r;
	r = tlog_fold((const uint8_t(*)[32])e->hash, 8, root);
	if (r == 0 && level == 0)
		r = merkle_range_append_node(&t->full, 8, root);
	if (r != 0)
		return diag_fail(d, r, NULL, "hashing a tile");
	e->width = 0;
	return 0;
}

/* One hash at a level, and what becomes full by it. */
static int
push(struct tlog_tree *t, int level, const uint8_t hash[32], struct diag *d)
{
	uint8_t h[32];
	int r;

	memcpy(h, hash, 32);
	for (; level < (int)TILE_LEVELS; level++) {
		struct tlog_edge *e = &t->edge[level];

		memcpy(e->hash[e->width++], h, 32);
		if (e->width < TILE_WIDTH)
			break;
		if ((r = carry(t, level, h, d)) != 0)
			return r;
	}
	return 0;
}

int
tlog_tree_add(struct tlog_tree *t, const uint8_t leaf_hash[32], struct diag *d)
{
	if (t->size >= MERKLE_MAX_SIZE)
		return diag_fail(d, CS_E_LOG_SIZE, "at most 2^53 leaves",
		    "more");
	t->size++;
	return push(t, 0, leaf_hash, d);
}

int
tlog_tree_add_tile(struct tlog_tree *t, const uint8_t (*hash)[32],
    const uint8_t root[32], struct diag *d)
{
	struct tile_id id = {
		.index = t->size / TILE_WIDTH,
		.width = TILE_WIDTH,
	};
	int r;

	if (t->edge[0].width != 0 || t->size > MERKLE_MAX_SIZE - TILE_WIDTH)
		return diag_fail(d, CS_E_INTERNAL, "whole tiles", "a rest");
	if (t->tile != NULL && (r = t->tile(t->arg, &id, hash, d)) != 0)
		return r;
	if ((r = merkle_range_append_node(&t->full, 8, root)) != 0)
		return diag_fail(d, r, NULL, "hashing a tile");
	t->size += TILE_WIDTH;
	return push(t, 1, root, d);
}

/* The perfect subtrees that a level's edge is made of. */
static int
append_edge(struct merkle_range *m, const struct tlog_edge *e, unsigned level)
{
	unsigned at = 0, bit = 8;
	uint8_t h[32];
	int r;

	while (bit-- > 0) {
		if ((e->width >> bit & 1) == 0)
			continue;
		r = tlog_fold((const uint8_t(*)[32])e->hash + at, bit, h);
		if (r == 0)
			r = merkle_range_append_node(m, 8 * level + bit, h);
		if (r != 0)
			return r;
		at += 1u << bit;
	}
	return 0;
}

int
tlog_tree_seed(struct tlog_tree *t, const struct tile_source *src,
    uint64_t first, uint64_t size, struct diag *d)
{
	unsigned level;
	int r;

	if (first % TILE_WIDTH != 0 || first > size)
		return diag_fail(d, CS_E_INTERNAL, "whole tiles", "a rest");
	for (level = TILE_LEVELS - 1; level > 0; level--) {
		struct tlog_edge *e = &t->edge[level];
		struct tile_id id = {
			.level = (int)level,
			.index = first >> (8 * level) >> 8,
		};
		_cleanup_free_ uint8_t *p = NULL;
		size_t len;

		e->width = (unsigned)(first >> (8 * level)) % TILE_WIDTH;
		if (e->width == 0)
			continue;
		id.width = tile_width_at(id.level, id.index, size);
		if ((r = tlog_tile_read(src, &id, &p, &len, d)) != 0)
			return r;
		memcpy(e->hash, p, (size_t)e->width * 32);
		if ((r = append_edge(&t->full, e, level)) != 0)
			return diag_fail(d, r, NULL, "hashing a tile");
	}
	t->size = first;
	return 0;
}

int
tlog_tree_partials(struct tlog_tree *t, struct diag *d)
{
	struct tile_id id;
	int level, r;

	for (level = 0; level < (int)TILE_LEVELS; level++) {
		id.level = level;
		id.index = t->size >> (8 * ((unsigned)level + 1));
		id.width = t->edge[level].width;
		if (id.width == 0)
			continue;
		if ((r = t->tile(t->arg, &id,
			 (const uint8_t(*)[32])t->edge[level].hash, d)) != 0)
			return r;
	}
	return 0;
}

int
tlog_tree_range(const struct tlog_tree *t, struct merkle_range *ret)
{
	unsigned i;
	int r;

	*ret = t->full;
	for (i = 0; i < t->edge[0].width; i++)
		if ((r = merkle_range_append(ret, t->edge[0].hash[i])) != 0)
			return r;
	return 0;
}

int
tlog_tree_root(const struct tlog_tree *t, uint8_t ret[32])
{
	struct merkle_range m;
	int r = tlog_tree_range(t, &m);

	return r == 0 ? merkle_range_root(&m, ret) : r;
}

int
tlog_bundle_next(struct rd *r, const uint8_t **leaf, size_t *len)
{
	uint16_t n;
	int e;

	if ((e = rd_u16(r, &n)) != 0)
		return e;
	*len = n;
	return rd_bytes(r, n, leaf);
}

/* Bytes of the first n entries; CS_E_LOG_FORMAT if there are fewer. */
static int
bundle_prefix(const uint8_t *p, size_t len, const struct tile_id *id,
    size_t *ret, struct diag *d)
{
	struct rd r = RD_INIT(p, len);
	const uint8_t *leaf;
	unsigned i;
	size_t n;

	for (i = 0; i < id->width; i++)
		if (tlog_bundle_next(&r, &leaf, &n) != 0)
			return diag_fail(d, CS_E_LOG_FORMAT,
			    "an entry bundle that holds every entry",
			    "leaf %" PRIu64 " is cut off",
			    id->index * TILE_WIDTH + i);
	*ret = len - r.left;
	return 0;
}

int
tlog_bundle_check(const uint8_t *p, size_t len, const struct tile_id *id,
    struct diag *d)
{
	size_t n = 0;
	int r;

	if ((r = bundle_prefix(p, len, id, &n, d)) != 0)
		return r;
	if (n != len)
		return diag_fail(d, CS_E_LOG_FORMAT,
		    "nothing after the last entry of a bundle",
		    "%zu bytes after leaf %" PRIu64, len - n,
		    id->index * TILE_WIDTH + id->width - 1);
	return 0;
}

static int
tile_check(const uint8_t *p, size_t len, const struct tile_id *id,
    struct diag *d)
{
	char path[TILE_PATH_MAX];

	if (id->level == TILE_ENTRIES)
		return tlog_bundle_check(p, len, id, d);
	tile_path(id, path);
	if (len != (size_t)id->width * 32)
		return diag_fail(d, CS_E_LOG_FORMAT, "32 bytes for each hash",
		    "%s has %zu bytes", path, len);
	return 0;
}

int
tlog_tile_read(const struct tile_source *src, const struct tile_id *id,
    uint8_t **ret, size_t *ret_len, struct diag *d)
{
	_cleanup_free_ uint8_t *p = NULL;
	struct tile_id have = *id;
	char path[TILE_PATH_MAX];
	struct diag full = { .code = 0 };
	size_t len = 0;
	int r;

	tile_path(id, path);
	r = src->read(src->arg, path, &p, &len, d);
	if (r == CS_E_LOG_MISSING && id->width < TILE_WIDTH) {
		have.width = TILE_WIDTH;
		tile_path(&have, path);
		if ((r = src->read(src->arg, path, &p, &len, &full)) != 0 &&
		    r != CS_E_LOG_MISSING && d != NULL)
			*d = full;
	}
	if (r != 0)
		return r;
	if ((r = tile_check(p, len, &have, d)) != 0)
		return r;
	if (have.level != TILE_ENTRIES)
		len = (size_t)id->width * 32;
	else if ((r = bundle_prefix(p, len, id, &len, d)) != 0)
		return r;
	*ret = take_ptr(p);
	*ret_len = len;
	return 0;
}

uint64_t
tlog_tile_first_leaf(const struct tile_id *id, uint64_t hash)
{
	unsigned level = id->level <= 0 ? 0 : (unsigned)id->level;

	return (id->index * TILE_WIDTH + hash) << (8 * level);
}

int
tlog_tamper(struct diag *d, const struct tile_id *id, uint64_t hash)
{
	char path[TILE_PATH_MAX];
	uint64_t leaf = tlog_tile_first_leaf(id, hash);

	tile_path(id, path);
	if (id->level <= 0)
		return diag_fail(d, CS_E_LOG_TAMPER, path,
		    "leaf %" PRIu64 " does not hash to what its tile says",
		    leaf);
	return diag_fail(d, CS_E_LOG_TAMPER, path,
	    "leaf %" PRIu64 " or one of the %" PRIu64 " that follow it: "
	    "hash %" PRIu64 " of the tile is another",
	    leaf, (UINT64_C(1) << (8 * (unsigned)id->level)) - 1, hash);
}
