/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_FILE_H
#define CS_FILE_H

#include <sys/types.h>

#include "lib/err.h"

/*
 * Files.  dirfd may be AT_FDCWD.  Everything is O_CLOEXEC.  Writes go to a
 * new file beside the target, fsync, rename, fsync of the folder.
 */

/* Whole regular file, at most max bytes, NUL added after it (not counted). */
int file_read(int dirfd, const char *path, size_t max, uint8_t **ret,
    size_t *ret_len, struct diag *d) CS_WUR;
/* From the start of a seekable descriptor; the same rules. */
int fd_read_file(int fd, size_t max, uint8_t **ret, size_t *ret_len,
    struct diag *d) CS_WUR;
int file_write_atomic(int dirfd, const char *path, const void *data,
    size_t len, mode_t mode, struct diag *d) CS_WUR;
/* 1 if it exists, 0 if not */
int file_exists(int dirfd, const char *path);
/* mkdir -p, mode 0700 for new folders, each parent fsynced */
int dir_make(int dirfd, const char *path, struct diag *d) CS_WUR;
int dir_open(int dirfd, const char *path, int *ret_fd, struct diag *d) CS_WUR;

int fd_write_all(int fd, const void *data, size_t len) CS_WUR; /* 0, CS_E_IO */
int fd_pread_all(int fd, void *data, size_t len, off_t off) CS_WUR;
int fd_pwrite_all(int fd, const void *data, size_t len, off_t off) CS_WUR;

/* A memfd with these bytes, sealed against every change. */
int memfd_sealed(const char *name, const void *data, size_t len, int *ret_fd,
    struct diag *d) CS_WUR;
/* Reads such a memfd, and refuses one that is not sealed. */
int memfd_read_sealed(int fd, size_t max, uint8_t **ret, size_t *ret_len,
    struct diag *d) CS_WUR;

#endif
