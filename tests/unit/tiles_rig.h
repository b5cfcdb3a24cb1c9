/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TILES_RIG_H
#define CS_TILES_RIG_H

#include "lib/tiles.h"

/*
 * What the tests of the tiles share: a temporary log folder, leaves whose
 * bytes follow from their index, and a disk that stops.
 *
 * The disk: this program has its own fsync(), renameat(), mkdirat() and
 * unlinkat(), which count.  From disk_stop_at on they all fail, as if the
 * machine had stopped there; disk_lose() then takes back what no fsync() of
 * the folder had made durable.  A rename of a file that was not fsynced ends
 * the test.
 */
extern unsigned disk_ops, disk_renames, disk_syncs;
extern unsigned disk_stop_at;		/* 0: never */

enum disk_loss {
	DISK_KEEPS,		/* everything reached the disk */
	DISK_LOSES,		/* only what was fsynced did */
	DISK_REORDERS,		/* the newest also did */
	DISK_LOSS_COUNT
};
void disk_start(void);			/* all is durable; never stops */
void disk_lose(enum disk_loss how);

struct rig {
	char dir[64];
	int fd;
};
void rig_init(struct rig *r);
void rig_done(struct rig *r);
/* the file's bytes; free() */
uint8_t *rig_read(const struct rig *r, const char *path, size_t *ret_len);
void rig_write(const struct rig *r, const char *path, const void *p,
    size_t len);
void rig_flip(const struct rig *r, const char *path, size_t at);
void rig_truncate(const struct rig *r, const char *path, off_t len);
void rig_remove(const struct rig *r, const char *path);
bool rig_has(const struct rig *r, const char *path);

/* "leaf <index>\n"; returns the length */
size_t rig_leaf(uint64_t index, char out[32]);
/* the root over the first size leaves, computed apart from the tiles */
void rig_root(uint64_t size, uint8_t ret[32]);
int rig_append(struct tlog *t, size_t n);
/* a new log of size leaves, in one batch if size > 0 */
void rig_make(struct rig *r, uint64_t size);
/* open, size and root as they should be, walk, close */
void rig_check(const struct rig *r, uint64_t size);

#endif
