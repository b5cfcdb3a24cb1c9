/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_DIRLIST_H
#define CS_DIRLIST_H

#include "lib/err.h"

/*
 * The files of a folder whose names are lower-case hexadecimal of 64 digits,
 * sorted; every other name is passed over (a temporary file of a crash).
 * free(*ret)
 */
int dir_list_blobs(int dirfd, char (**ret)[CS_SHA256_HEX + 1], size_t *ret_n,
    struct diag *d) CS_WUR;

#endif
