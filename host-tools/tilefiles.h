/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TILEFILES_H
#define CS_TILEFILES_H

#include "lib/tiles.h"

/*
 * The tiles that are in a folder, in no order: as many calls as files, not as
 * a size would have them.  Names that are no tile's are passed over, links
 * are not followed.  Ends early with what fn returns if that is not 0.
 */
int tilefiles_each(int dirfd, int (*fn)(void *arg, const char *path,
    const struct tile_id *t, struct diag *d), void *arg, struct diag *d)
    CS_WUR;

#endif
