/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TLOG_IMPL_H
#define CS_TLOG_IMPL_H

#include "lib/buf.h"
#include "lib/tiles.h"

/* What the tlog*.c files share. */

/*
 * The right edge of a growing tree: the tile being filled at each level.
 * Each time one is full, tile() sees it and its root goes one level up.
 */
struct tlog_edge {
	unsigned width;			/* 0 .. TILE_WIDTH-1 between calls */
	uint8_t hash[TILE_WIDTH][32];
};

typedef int tlog_tile_cb(void *arg, const struct tile_id *id,
    const uint8_t (*hash)[32], struct diag *d);

struct tlog_tree {
	uint64_t size;
	struct merkle_range full;	/* the full tiles of level 0 */
	struct tlog_edge edge[TILE_LEVELS];
	tlog_tile_cb *tile;
	void *arg;
};

int tlog_tree_add(struct tlog_tree *t, const uint8_t leaf_hash[32],
    struct diag *d) CS_WUR;
/* A full tile of level 0 and its root; the last one was full, too. */
int tlog_tree_add_tile(struct tlog_tree *t, const uint8_t (*hash)[32],
    const uint8_t root[32], struct diag *d) CS_WUR;
/*
 * An empty tree becomes that of the first leaves, a multiple of TILE_WIDTH,
 * by the hash tiles of the tree of size leaves.
 */
int tlog_tree_seed(struct tlog_tree *t, const struct tile_source *src,
    uint64_t first, uint64_t size, struct diag *d) CS_WUR;
/* tile() for each tile that is not full, level 0 first */
int tlog_tree_partials(struct tlog_tree *t, struct diag *d) CS_WUR;
int tlog_tree_root(const struct tlog_tree *t, uint8_t ret[32]) CS_WUR;
/* the perfect subtrees that the tree is made of */
int tlog_tree_range(const struct tlog_tree *t, struct merkle_range *ret)
    CS_WUR;
/* the root of 2^level hashes, level <= 8 */
int tlog_fold(const uint8_t (*hash)[32], unsigned level, uint8_t ret[32])
    CS_WUR;

/* The next entry of a bundle.  CS_E_TRUNCATED */
int tlog_bundle_next(struct rd *r, const uint8_t **leaf, size_t *len) CS_WUR;
/* 0 if the bundle has exactly n entries; CS_E_LOG_FORMAT names the leaf */
int tlog_bundle_check(const uint8_t *p, size_t len, const struct tile_id *id,
    struct diag *d) CS_WUR;

/*
 * A tile in full, or the full one that replaced a partial one (tlog-tiles,
 * "Partial Tiles"), cut to id->width.  The form is checked.  free(*ret)
 */
int tlog_tile_read(const struct tile_source *src, const struct tile_id *id,
    uint8_t **ret, size_t *ret_len, struct diag *d) CS_WUR;
/* the first leaf below a tile */
uint64_t tlog_tile_first_leaf(const struct tile_id *id, uint64_t hash);
int tlog_tamper(struct diag *d, const struct tile_id *id, uint64_t hash);

/* One tile of level 0 and its entries, read and compared. */
struct tlog_part {
	struct tile_id id;	/* of the hash tile */
	uint8_t *entries, *hashes;
	size_t entries_len;
	uint8_t leaf[TILE_WIDTH][32];
	uint8_t root[32];	/* if the tile is full */
};
void tlog_part_done(struct tlog_part *p);
int tlog_part_load(const struct tile_source *src, const struct tile_id *id,
    tlog_leaf_cb *check, void *arg, struct tlog_part *ret, struct diag *d)
    CS_WUR;
/* Every part of the tree of size leaves from w->first on, in order. */
int tlog_parts(const struct tile_source *src, uint64_t size,
    const struct tlog_walk *w,
    int (*fn)(void *arg, const struct tlog_part *p, struct diag *d), void *arg,
    struct diag *d) CS_WUR;

/* The name of a batch that is being written: "old new\n" in decimal. */
#define TLOG_PENDING	"pending"
#define TLOG_NEW	"tile.new"	/* every file before its rename */

struct tlog {
	struct tile_source src;
	int dirfd;
	bool writable;
	bool failed;			/* an append did not end */
	uint64_t size;
	struct tlog_tree *tree;		/* NULL if for reading only */
	struct buf tail;		/* the bundle that is not full */
	struct {
		struct tile_id id;
		uint8_t *p;
		size_t len;
	} cache[TILE_LEVELS + 1];	/* by level; the last is entries */
	struct tlog_recovery recovered;
};

int tlog_new(uint64_t size, struct tlog **ret, struct diag *d) CS_WUR;

/* Writing: rename, with the folder's fsync put off until the next folder. */
struct tlog_writer {
	int dirfd;
	char dir[TILE_PATH_MAX];	/* "" if none needs an fsync */
};

int tlog_put(struct tlog_writer *w, const char *path, const void *data,
    size_t len, struct diag *d) CS_WUR;
int tlog_put_tile(struct tlog_writer *w, const struct tile_id *id,
    const void *data, size_t len, struct diag *d) CS_WUR;
/* 0 also if it is not there */
int tlog_unlink(struct tlog_writer *w, const char *path, struct diag *d) CS_WUR;
int tlog_flush(struct tlog_writer *w, struct diag *d) CS_WUR;

#endif
