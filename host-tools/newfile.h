/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_NEWFILE_H
#define CS_NEWFILE_H

#include "lib/err.h"

/*
 * A large file that is written piece by piece and takes its name only when
 * it is complete and on disk.  file_write_atomic() is for small ones.
 */
struct newfile {
	char *path, *tmp;	/* tmp NULL: none, or committed */
	int fd;
};

#define NEWFILE_INIT	{ .fd = -1 }

/* Removes what was not committed. */
void newfile_done(struct newfile *f);
#define _cleanup_newfile_ _cleanup_(newfile_done)

/* Beside path, mode 0644 less the umask, open for reading and writing. */
int newfile_open(const char *path, struct newfile *ret, struct diag *d)
    CS_WUR;
/* fsync, rename over path, fsync of the folder */
int newfile_commit(struct newfile *f, struct diag *d) CS_WUR;

#endif
