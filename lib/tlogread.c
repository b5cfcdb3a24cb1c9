/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "lib/tlog_impl.h"

int
tlog_new(uint64_t size, struct tlog **ret, struct diag *d)
{
	struct tlog *t;

	if (size > MERKLE_MAX_SIZE)
		return diag_fail(d, CS_E_LOG_SIZE, "at most 2^53 leaves",
		    "%" PRIu64, size);
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return diag_nomem(d);
	t->dirfd = -1;
	t->size = size;
	t->tail.max = TILE_ENTRIES_MAX;
	*ret = t;
	return 0;
}

void
tlog_free(struct tlog **t)
{
	size_t i;

	if (*t == NULL)
		return;
	close_fdp(&(*t)->dirfd);
	free((*t)->tree);
	buf_done(&(*t)->tail);
	for (i = 0; i < ARRAY_LEN((*t)->cache); i++)
		free((*t)->cache[i].p);
	free(*t);
	*t = NULL;
}

int
tlog_open_source(const struct tile_source *src, uint64_t size,
    struct tlog **ret, struct diag *d)
{
	struct tlog *t = NULL;
	int r;

	if ((r = tlog_new(size, &t, d)) != 0)
		return r;
	t->src = *src;
	*ret = t;
	return 0;
}

int
tlog_open_at(int dirfd, uint64_t size, struct tlog **ret, struct diag *d)
{
	_cleanup_tlog_ struct tlog *t = NULL;
	int r;

	if ((r = tlog_new(size, &t, d)) != 0)
		return r;
	if ((t->dirfd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3)) < 0)
		return diag_errno(d, CS_E_IO, "log folder");
	t->src = tile_source_dir(&t->dirfd);
	*ret = take_ptr(t);
	return 0;
}

uint64_t
tlog_size(const struct tlog *t)
{
	return t->size;
}

struct tlog_recovery
tlog_recovered(const struct tlog *t)
{
	return t->recovered;
}

static int
out_of_range(struct diag *d, uint64_t v, uint64_t size)
{
	return diag_fail(d, CS_E_LOG_SIZE, NULL,
	    "%" PRIu64 " in a log of %" PRIu64 " leaves", v, size);
}

/*
 * The tile, at least want wide, through a cache of one tile for each level.
 * Tiles only grow, so what is cached stays right.
 */
static int
load(struct tlog *t, int level, uint64_t index, unsigned want,
    const uint8_t **ret, size_t *ret_len, struct diag *d)
{
	size_t slot = level == TILE_ENTRIES ? TILE_LEVELS : (size_t)level;
	struct tile_id id = {
		.level = level,
		.index = index,
		.width = tile_width_at(level, index, t->size),
	};
	uint8_t *p = NULL;
	size_t len = 0;
	int r;

	if (id.width < want)
		return out_of_range(d, index * TILE_WIDTH + want, t->size);
	if (t->cache[slot].p == NULL || t->cache[slot].id.index != index ||
	    t->cache[slot].id.width < want) {
		if ((r = tlog_tile_read(&t->src, &id, &p, &len, d)) != 0)
			return r;
		free(t->cache[slot].p);
		t->cache[slot].p = p;
		t->cache[slot].len = len;
		t->cache[slot].id = id;
	}
	*ret = t->cache[slot].p;
	*ret_len = t->cache[slot].len;
	return 0;
}

/* The root of leaves [index << level, (index + 1) << level). */
static int
node(struct tlog *t, unsigned level, uint64_t index, uint8_t ret[32],
    struct diag *d)
{
	uint64_t first = index << (level % 8);
	unsigned at = (unsigned)(first % TILE_WIDTH);
	const uint8_t *tile = NULL;
	size_t len;
	int r;

	r = load(t, (int)(level / 8), first / TILE_WIDTH,
	    at + (1u << (level % 8)), &tile, &len, d);
	if (r != 0)
		return r;
	r = tlog_fold((const uint8_t(*)[32])(tile + (size_t)at * 32), level % 8,
	    ret);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "hashing a node");
}

/*
 * The root over leaves [lo, hi), where lo is a multiple of a power of two
 * that is at least hi - lo, as in every range of RFC 9162's recursions.
 */
static int
range_root(struct tlog *t, uint64_t lo, uint64_t hi, uint8_t ret[32],
    struct diag *d)
{
	struct merkle_range m = { .size = 0 };
	uint8_t h[32];
	unsigned level;
	int r;

	for (level = MERKLE_MAX_LEVEL; lo < hi; level--) {
		if (((hi - lo) >> level) == 0)
			continue;
		if ((r = node(t, level, lo >> level, h, d)) != 0)
			return r;
		if ((r = merkle_range_append_node(&m, level, h)) != 0)
			return diag_fail(d, r, NULL, "hashing a range");
		lo += UINT64_C(1) << level;
	}
	r = merkle_range_root(&m, ret);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "hashing a range");
}

int
tlog_root_at(struct tlog *t, uint64_t size, uint8_t ret[32], struct diag *d)
{
	uint8_t h[32];
	int r;

	if (size > t->size)
		return out_of_range(d, size, t->size);
	if ((r = range_root(t, 0, size, h, d)) != 0)
		return r;
	memcpy(ret, h, 32);
	return 0;
}

int
tlog_root(struct tlog *t, uint8_t ret[32], struct diag *d)
{
	int r;

	if (t->tree == NULL)
		return tlog_root_at(t, t->size, ret, d);
	if (t->failed)
		return diag_fail(d, CS_E_LOG_STATE, NULL,
		    "an append before this one failed");
	r = tlog_tree_root(t->tree, ret);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "hashing the root");
}

int
tlog_leaf_hash(struct tlog *t, uint64_t index, uint8_t ret[32], struct diag *d)
{
	if (index >= t->size)
		return out_of_range(d, index, t->size);
	return node(t, 0, index, ret, d);
}

int
tlog_read_leaf(struct tlog *t, uint64_t index, uint8_t **ret, size_t *ret_len,
    struct diag *d)
{
	_cleanup_free_ uint8_t *copy = NULL;
	unsigned at = (unsigned)(index % TILE_WIDTH), i;
	const uint8_t *p = NULL, *leaf = NULL;
	uint8_t want[32], have[32];
	size_t len = 0, n = 0;
	int r;

	if ((r = tlog_leaf_hash(t, index, want, d)) != 0)
		return r;
	r = load(t, TILE_ENTRIES, index / TILE_WIDTH, at + 1, &p, &len, d);
	if (r != 0)
		return r;
	struct rd rd = RD_INIT(p, len);
	for (i = 0; i <= at; i++)
		if ((r = tlog_bundle_next(&rd, &leaf, &n)) != 0)
			return diag_fail(d, r, NULL, "leaf %" PRIu64, index);
	if ((r = merkle_leaf_hash(leaf, n, have)) != 0)
		return diag_fail(d, r, NULL, "hashing a leaf");
	if (memcmp(have, want, 32) != 0) {
		struct tile_id id = {
			.index = index / TILE_WIDTH,
			.width = tile_width_at(0, index / TILE_WIDTH, t->size),
		};
		return tlog_tamper(d, &id, at);
	}
	if ((copy = malloc(n + 1)) == NULL)
		return diag_nomem(d);
	memcpy(copy, leaf, n);
	copy[n] = '\0';
	*ret = take_ptr(copy);
	*ret_len = n;
	return 0;
}

/* the largest power of two below n, n > 1 */
static uint64_t
split_point(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/* The recursions go from the root down; proofs are read from the leaf up. */
static void
reverse(uint8_t (*p)[32], size_t n)
{
	uint8_t h[32];
	size_t i;

	for (i = 0; i < n / 2; i++) {
		memcpy(h, p[i], 32);
		memcpy(p[i], p[n - 1 - i], 32);
		memcpy(p[n - 1 - i], h, 32);
	}
}

/* PATH(m, D[n]) of RFC 9162 2.1.3.1 */
int
tlog_inclusion(struct tlog *t, uint64_t index, uint64_t size,
    uint8_t ret[MERKLE_MAX_PROOF][32], size_t *ret_n, struct diag *d)
{
	uint64_t lo = 0, hi = size, mid;
	size_t n = 0;
	int r;

	if (size > t->size || index >= size)
		return out_of_range(d, index >= size ? index : size, t->size);
	while (hi - lo > 1) {
		mid = lo + split_point(hi - lo);
		if (index < mid)
			r = range_root(t, mid, hi, ret[n++], d);
		else
			r = range_root(t, lo, mid, ret[n++], d);
		if (r != 0)
			return r;
		if (index < mid)
			hi = mid;
		else
			lo = mid;
	}
	reverse(ret, n);
	*ret_n = n;
	return 0;
}

/* SUBPROOF(m, D[n], true) of RFC 9162 2.1.4.1 */
int
tlog_consistency(struct tlog *t, uint64_t old_size, uint64_t new_size,
    uint8_t ret[MERKLE_MAX_PROOF][32], size_t *ret_n, struct diag *d)
{
	uint64_t lo = 0, hi = new_size, mid;
	size_t n = 0;
	int r;

	if (new_size > t->size || old_size > new_size)
		return out_of_range(d,
		    old_size > new_size ? old_size : new_size, t->size);
	if (old_size == 0)
		hi = 0;
	while (hi > old_size) {
		mid = lo + split_point(hi - lo);
		if (old_size <= mid)
			r = range_root(t, mid, hi, ret[n++], d);
		else
			r = range_root(t, lo, mid, ret[n++], d);
		if (r != 0)
			return r;
		if (old_size <= mid)
			hi = mid;
		else
			lo = mid;
	}
	/* b is false: the old tree's last part is not the old tree itself */
	if (lo != 0 && (r = range_root(t, lo, hi, ret[n++], d)) != 0)
		return r;
	reverse(ret, n);
	*ret_n = n;
	return 0;
}
