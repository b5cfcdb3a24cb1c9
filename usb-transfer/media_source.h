/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_MEDIA_SOURCE_H
#define CS_MEDIA_SOURCE_H

#include "usb-transfer/fat.h"

/*
 * A medium as the connected side reads it: an image file or block device, by
 * the appliance's own reader; or the folder where the kernel mounted it.
 */
struct media_source;

void media_source_free(struct media_source **s);
static inline void
media_source_freep(struct media_source **s)
{
	media_source_free(s);
}
#define _cleanup_media_source_ _cleanup_(media_source_freep)

/* CS_E_MEDIA_DEVICE if it is none of the three; what fat_open() refuses */
int media_source_open(const char *path, struct media_source **ret,
    struct diag *d) CS_WUR;
/* NULL if it is a folder */
struct fat *media_source_fat(struct media_source *s);
/* likewise; what media_look() looks at */
const struct blkdev *media_source_dev(const struct media_source *s);
/* Every later part must have part_bytes: less than PART_BYTES in tests. */
void media_source_parts(struct media_source *s, uint32_t part_bytes);

/* A media_find_fn over struct media_source: what is read from now on. */
int media_source_find(void *source, const char *name, struct diag *d) CS_WUR;
uint64_t media_source_size(const struct media_source *s);	/* bytes */
size_t media_source_part_count(const struct media_source *s);
/* A bundle_read_fn; n at least 64 KiB. */
int media_source_read(void *source, void *buf, size_t n, size_t *ret_n,
    struct diag *d) CS_WUR;

#endif
