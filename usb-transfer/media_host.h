/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_MEDIA_HOST_H
#define CS_MEDIA_HOST_H

#include "lib/err.h"

/*
 * The connected side's media: a stick, a FAT image file or a mounted folder.
 * What is written is fsynced, read back and compared.
 */
typedef int media_progress(void *arg, uint64_t done, uint64_t total);

struct media_job {
	const char *name;	/* "COLDSEAL.REQ" */
	int bundle_fd;		/* a regular file; its length is the size */
	uint64_t bytes;		/* of a new image; 0: what is needed */
	uint32_t part_bytes;	/* 0: PART_BYTES; less in tests */
	media_progress *progress;	/* may be NULL */
	void *arg;
};

/*
 * An image file (made, or written over as a whole volume) or a folder.  A
 * block device is refused: CS_E_MEDIA_DEVICE
 */
int media_put(const char *target, const struct media_job *job,
    struct diag *d) CS_WUR;
/* A whole volume over a block device or file that is open; not taken. */
int media_put_fd(int fd, const struct media_job *job, struct diag *d) CS_WUR;
/* Into a folder: usb-transfer/media_folder.c */
int media_put_folder(const char *path, const struct media_job *job,
    uint64_t size, struct diag *d) CS_WUR;
/* What a medium for it needs, in bytes. */
int media_need(const struct media_job *job, uint64_t *ret, struct diag *d)
    CS_WUR;

int media_write(const char *target, const char *name, int bundle_fd,
    uint64_t bytes, media_progress *progress, void *arg, struct diag *d)
    CS_WUR;
/* Copies the named bundle of a stick, image or folder to out_fd. */
int media_read(const char *source, const char *name, int out_fd,
    media_progress *progress, void *arg, struct diag *d) CS_WUR;

#endif
