/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_BLK_H
#define CS_BLK_H

#include "lib/err.h"

/*
 * A source of blocks: an image file, a device, bytes in memory (fuzzing), or
 * a stick behind bulk-only transport (bot.h).  Every reader of a medium goes
 * through this and nothing else.
 */
struct blkdev {
	/* n blocks at lba into buf; the caller keeps lba + n <= blocks */
	int (*read_block)(void *arg, uint64_t lba, uint32_t n, void *buf,
	    struct diag *d);
	void *arg;
	uint64_t blocks;
	uint32_t block_size;	/* bytes: 512 to 4096, a power of two */
};

#define BLK_SIZE	512u

/* A regular file or block device; *fd is used, not taken. */
int blk_open_fd(const int *fd, struct blkdev *ret, struct diag *d) CS_WUR;

/*
 * Where a volume is written as a whole: an image file, a device, a stick.
 * Offsets and lengths are bytes, multiples of BLK_SIZE; the caller keeps
 * off + n <= bytes.
 */
struct blkout {
	int (*write)(void *arg, uint64_t off, const void *p, size_t n,
	    struct diag *d);
	int (*read_back)(void *arg, uint64_t off, void *buf, size_t n,
	    struct diag *d);
	/* durable on return */
	int (*flush)(void *arg, struct diag *d);
	/* written and compared: the last call.  May be NULL */
	int (*eject)(void *arg, struct diag *d);
	void *arg;
	uint64_t bytes;
};

/* A regular file or block device; *fd is used, not taken. */
int blkout_open_fd(const int *fd, struct blkout *ret, struct diag *d) CS_WUR;

struct blk_mem {
	const uint8_t *p;
	size_t len;
};
void blk_open_mem(const struct blk_mem *m, struct blkdev *ret);

#endif
