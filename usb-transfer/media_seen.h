/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_MEDIA_SEEN_H
#define CS_MEDIA_SEEN_H

#include "usb-transfer/blk.h"

/*
 * What is on a medium before it is written over, for people who must say
 * that it may be.  Nothing follows from it.
 */
struct media_seen {
	char holds[200];	/* "FAT32 volume DATA, 12 entries" */
	char table[200];	/* "MBR: FAT32 31914983424 bytes", "none" */
};
void media_look(const struct blkdev *dev, struct media_seen *ret);

#endif
