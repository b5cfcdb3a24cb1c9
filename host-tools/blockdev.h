/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_BLOCKDEV_H
#define CS_BLOCKDEV_H

#include <sys/types.h>

#include "lib/err.h"

/*
 * A block device as people know it, and whether the machine uses it.  What
 * the kernel says is read below sys ("/sys") and proc ("/proc"): tests have
 * folders of their own.
 */
struct blockdev {
	char name[64];		/* "sdb" */
	char model[96];		/* maker and product; "" if unknown */
	char serial[96];	/* "" if unknown */
	char disk[64];		/* of a partition: its disk; else "" */
	uint64_t bytes;
	bool removable, readonly;
};

/* CS_E_HOST_BLOCK if the kernel does not know it. */
int blockdev_look(const char *sys, dev_t dev, struct blockdev *ret,
    struct diag *d) CS_WUR;
/*
 * CS_E_HOST_BUSY if it or a part of it is mounted, is swap, or belongs to
 * something else: an opened LUKS container, LVM, RAID.  So the disk that
 * holds / is busy, whatever lies between.
 */
int blockdev_check_free(const char *sys, const char *proc, dev_t dev,
    struct diag *d) CS_WUR;
/* What --confirm must be: the serial number, or the model if it has none. */
const char *blockdev_identity(const struct blockdev *b);

#endif
