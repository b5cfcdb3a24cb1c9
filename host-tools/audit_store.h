/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUDIT_STORE_H
#define CS_AUDIT_STORE_H

#include "host-tools/audit_where.h"
#include "host-tools/logsource.h"
#include "lib/tiles.h"

/*
 * What an auditor keeps of a log beside the database FILE, in the folder
 * FILE.tiles (host-tools/README.audit-db): the accepted tiles, every accepted
 * checkpoint, the blobs that leaves name, bundles that wait for a medium
 * that is missing, and the notes of forks.  The database is made from it.
 *
 * What is below the accepted size is never written again.  What is above it
 * is of an import that did not end: "writing" says from which size to which,
 * and audit_store_settle() takes it away, or, if the database was committed,
 * ends it.
 */
#define AUDIT_BLOB_MAX		(16u << 20)	/* bytes of a blob */

struct audit_store {
	int dirfd;
	int lock;		/* log.vkey */
	uint64_t old, size;	/* of the import that runs, or 0, 0 */
};

void audit_store_close(struct audit_store *s);
#define _cleanup_audit_store_ _cleanup_(audit_store_close)

/* For reading; CS_E_AUDIT_STORE if there is none. */
int audit_store_open_read(const struct audit_where *w, int *ret_dirfd,
    struct diag *d) CS_WUR;
/* Waits for those who write it, write: or read it; until *ret is closed. */
int audit_store_lock(int dirfd, bool write, int *ret, struct diag *d) CS_WUR;
/*
 * For writing, made if it is not there; of these keys only.  Waits for others
 * who write it, on this computer: log.vkey is locked until it is closed.
 */
int audit_store_open(const char *path, const struct note_vkeys *keys,
    struct audit_store *ret, struct diag *d) CS_WUR;

/* Undoes or ends what was cut short; head: what the database has. */
int audit_store_settle(struct audit_store *s, const char *note, uint64_t size,
    struct diag *d) CS_WUR;
/* Before the first write of an import. */
int audit_store_begin(struct audit_store *s, uint64_t old, uint64_t size,
    struct diag *d) CS_WUR;
int audit_store_put_tile(struct audit_store *s, const struct tile_id *t,
    const uint8_t *p, size_t len, struct diag *d) CS_WUR;
/* path: one of the folder's names */
int audit_store_put(struct audit_store *s, const char *path, const void *p,
    size_t len, struct diag *d) CS_WUR;
/* All of it is on disk: now the database may be committed. */
int audit_store_sync(struct audit_store *s, struct diag *d) CS_WUR;

/* Calls fn for each name in a folder of it, if there is that folder. */
int audit_each_name(int dirfd, const char *folder,
    int (*fn)(void *arg, const char *name, struct diag *d), void *arg,
    struct diag *d) CS_WUR;
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
/*
 * The root over the first size leaves, shown by a consistency proof to be in
 * the accepted tree.  CS_E_AUDIT_STORE: the tiles are damaged.
 */
int audit_store_root(int dirfd, const struct checkpoint *head, uint64_t size,
    uint8_t ret[32], struct diag *d) CS_WUR;

#endif
