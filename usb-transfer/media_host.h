/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_MEDIA_HOST_H
#define CS_MEDIA_HOST_H

#include "lib/err.h"

/*
 * The connected side's media: a FAT image file or a mounted folder.  Both are
 * written new, fsynced, read back and compared.
 */
typedef int media_progress(void *arg, uint64_t done, uint64_t total);

/*
 * target: an image file (made, or written over as a whole volume) or a
 * folder.  name: "COLDSEAL.REQ".  bytes: size of a new image, 0 for what is
 * needed or what the file has.  A block device is refused.
 */
int media_write(const char *target, const char *name, int bundle_fd,
    uint64_t bytes, media_progress *progress, void *arg, struct diag *d)
    CS_WUR;
/* Copies the named file of an image or folder to out_fd. */
int media_read(const char *source, const char *name, int out_fd,
    media_progress *progress, void *arg, struct diag *d) CS_WUR;

#endif
