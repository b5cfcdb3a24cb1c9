/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TILES_H
#define CS_TILES_H

#include "lib/merkle.h"

/*
 * A log as C2SP tlog-tiles (c2sp.org/tlog-tiles): hash tiles "tile/<L>/<N>",
 * entry bundles "tile/entries/<N>", partial ones with ".p/<W>".
 * lib/PROTOCOL.log has the layout and the order of writes.
 */
#define TILE_WIDTH	256u
#define TILE_HASH_LEN	(TILE_WIDTH * 32u)
#define TILE_LEVELS	7u		/* 256^7 > MERKLE_MAX_SIZE */
#define TILE_ENTRIES	(-1)		/* the "level" of entry bundles */
#define TILE_PATH_MAX	64u
#define TLOG_LEAF_MAX	65535u		/* bytes: a uint16 length prefix */
/* the largest entry bundle */
#define TILE_ENTRIES_MAX ((size_t)TILE_WIDTH * (2 + TLOG_LEAF_MAX))

struct tile_id {
	int level;		/* 0 .. TILE_LEVELS-1, or TILE_ENTRIES */
	uint64_t index;
	unsigned width;		/* 1 .. TILE_WIDTH, which is a full tile */
};

void tile_path(const struct tile_id *t, char out[TILE_PATH_MAX]);
/* The leaves of the tree up to the last that it says something of */
uint64_t tile_end(const struct tile_id *t);
/* The only text that tile_path() makes for it, else CS_E_LOG_FORMAT. */
int tile_path_parse(const char *path, struct tile_id *ret) CS_WUR;
/* Width of a tile in the tree of size leaves; 0 if it has no such tile. */
unsigned tile_width_at(int level, uint64_t index, uint64_t size);
/*
 * Calls fn for every tile of the tree of size leaves: level 0, 1, ..., then
 * entries, by index (bytewise by path up to 256 million leaves).  Ends early
 * with what fn returns if that is not 0.
 */
int tile_each(uint64_t size, int (*fn)(void *arg, const struct tile_id *t),
    void *arg) CS_WUR;

/*
 * Where tiles are read from.  read() allocates *ret; CS_E_LOG_MISSING, and
 * only that, says that there is no such file.
 */
struct tile_source {
	int (*read)(void *arg, const char *path, uint8_t **ret,
	    size_t *ret_len, struct diag *d);
	void *arg;
};
/* The folder that holds "tile".  *dirfd is used, not taken. */
struct tile_source tile_source_dir(const int *dirfd);

struct tlog;

struct tlog_leaf {
	const void *bytes;
	size_t len;
};

void tlog_free(struct tlog **t);
static inline void
tlog_freep(struct tlog **t)
{
	tlog_free(t);
}
#define _cleanup_tlog_ _cleanup_(tlog_freep)

/*
 * Opens the log in dirfd (duplicated) for writing, an empty folder being the
 * empty log.  Every leaf is hashed again.  Hash tiles that are missing or
 * short are written anew from the entries; a batch that a crash cut short is
 * taken back whole.  CS_E_LOG_TAMPER names the first leaf whose hash tile
 * disagrees, CS_E_LOG_MISSING the first leaf that is lost.  What no file
 * shows is a tail that was removed in whole: compare with the checkpoint.
 */
int tlog_open(int dirfd, struct tlog **ret, struct diag *d) CS_WUR;
/* What tlog_open() had to do. */
struct tlog_recovery {
	uint64_t hash_tiles;	/* written anew */
	uint64_t leaves;	/* of a cut batch, taken back */
};
struct tlog_recovery tlog_recovered(const struct tlog *t);

/*
 * For reading only, as the tree of a checkpoint's size.  Nothing is checked
 * now: tlog_walk() does, or the proofs do, against the checkpoint's root.
 */
int tlog_open_at(int dirfd, uint64_t size, struct tlog **ret, struct diag *d)
    CS_WUR;
/* src is copied; src->arg must outlive *ret */
int tlog_open_source(const struct tile_source *src, uint64_t size,
    struct tlog **ret, struct diag *d) CS_WUR;

/*
 * Appends n > 0 leaves durably, all or none also if the machine stops.
 * After an error the state on disk is known only to the next tlog_open():
 * this handle refuses further appends (CS_E_LOG_STATE).
 */
int tlog_append(struct tlog *t, const struct tlog_leaf *leaves, size_t n,
    struct diag *d) CS_WUR;

uint64_t tlog_size(const struct tlog *t);
int tlog_root(struct tlog *t, uint8_t ret[32], struct diag *d) CS_WUR;
int tlog_root_at(struct tlog *t, uint64_t size, uint8_t ret[32],
    struct diag *d) CS_WUR;
/* Compared with its hash in tile/0: CS_E_LOG_TAMPER.  free(*ret) */
int tlog_read_leaf(struct tlog *t, uint64_t index, uint8_t **ret,
    size_t *ret_len, struct diag *d) CS_WUR;
int tlog_leaf_hash(struct tlog *t, uint64_t index, uint8_t ret[32],
    struct diag *d) CS_WUR;

/* Proofs hold up to MERKLE_MAX_PROOF hashes, in RFC 9162's order. */
int tlog_inclusion(struct tlog *t, uint64_t index, uint64_t size,
    uint8_t ret[MERKLE_MAX_PROOF][32], size_t *ret_n, struct diag *d) CS_WUR;
/* old_size 0 or equal to new_size: no hashes */
int tlog_consistency(struct tlog *t, uint64_t old_size, uint64_t new_size,
    uint8_t ret[MERKLE_MAX_PROOF][32], size_t *ret_n, struct diag *d) CS_WUR;

/*
 * Reads the whole log of size leaves in constant memory: hashes every leaf
 * from the entries, compares with every hash tile, calls cb (if not NULL)
 * for each leaf whose bundle agreed, and computes the root, which the caller
 * compares with the checkpoint's.  CS_E_LOG_TAMPER and CS_E_LOG_MISSING name
 * the first leaf.  Ends early with what cb returns if that is not 0.
 */
typedef int tlog_leaf_cb(void *arg, uint64_t index, const uint8_t *leaf,
    size_t len, struct diag *d);
int tlog_walk(int dirfd, uint64_t size, tlog_leaf_cb *cb, void *arg,
    uint8_t ret_root[32], struct diag *d) CS_WUR;
int tlog_walk_source(const struct tile_source *src, uint64_t size,
    tlog_leaf_cb *cb, void *arg, uint8_t ret_root[32], struct diag *d) CS_WUR;

/*
 * The same, as the caller wants it.  first is a multiple of TILE_WIDTH: the
 * leaves before it are not read, and their share of the root is taken from
 * the hash tiles of the right edge, which the root then covers.
 */
#define TLOG_WALK_THREADS	16u
struct tlog_walk {
	uint64_t first;
	unsigned threads;	/* 0: none but the caller's */
	/* of each leaf, in any order, by any thread */
	tlog_leaf_cb *check;
	/* in order, by the caller's: each leaf; each tile that was right */
	tlog_leaf_cb *leaf;
	int (*file)(void *arg, const struct tile_id *t, const uint8_t *p,
	    size_t len, struct diag *d);
	void *arg;
};
/* before: the tree of the leaves before first, set before any callback */
struct tlog_walked {
	struct merkle_range before, after;
	uint8_t root[32];
};
int tlog_walk_with(const struct tile_source *src, uint64_t size,
    const struct tlog_walk *w, struct tlog_walked *ret, struct diag *d) CS_WUR;

#endif
