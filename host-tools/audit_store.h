/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUDIT_STORE_H
#define CS_AUDIT_STORE_H

#include "host-tools/logsource.h"

/*
 * What an auditor keeps of a log beside the database FILE, in the folder
 * FILE.tiles (host-tools/README.audit-db): the accepted tiles, every accepted
 * checkpoint, the blobs that leaves name, bundles that wait for a medium
 * that is missing, and the notes of forks.  The database is made from it.
 */
#define AUDIT_STORE_SUFFIX	".tiles"
#define AUDIT_BLOB_MAX		(16u << 20)	/* bytes of a blob */

/* For reading; CS_E_AUDIT_STORE if there is none. */
int audit_store_open_read(const char *db, int *ret_dirfd, struct diag *d)
    CS_WUR;
/*
 * A document that a leaf names by its lower-case hexadecimal SHA-256, which
 * is compared.  CS_E_AUDIT_BLOB: it was not in any bundle.  free(*ret)
 */
int audit_store_blob(int dirfd, const char *sha256, uint8_t **ret,
    size_t *ret_len, struct diag *d) CS_WUR;
/*
 * Leaf number idx out of the accepted tiles, compared with its hash, and the
 * hash with the accepted root.  *ret is terminated; free() it.
 */
int audit_store_leaf(int dirfd, const struct checkpoint *head, uint64_t idx,
    char **ret, size_t *ret_len, struct diag *d) CS_WUR;

#endif
