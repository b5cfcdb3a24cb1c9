/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUDIT_DB_H
#define CS_AUDIT_DB_H

#include "lib/note.h"

/*
 * What an auditor has accepted so far: one SQLite file per log.  It is an
 * index for questions; the evidence is the bundles.  journal_mode is DELETE
 * (the file can be read from read-only media), synchronous EXTRA, and every
 * import is one transaction: a kill at any time leaves the old state or the
 * new one.
 */
struct audit_db;

struct audit_head {
	bool any;		/* a checkpoint has been accepted */
	struct checkpoint c;
	char *note;		/* free() it; terminated */
};

void audit_db_close(struct audit_db **db);
#define _cleanup_audit_db_ _cleanup_(audit_db_close)

/*
 * Of this log and these keys only: CS_E_AUDIT_OTHER_LOG, _OTHER_KEYS.  A new
 * file is begun empty.
 */
int audit_db_open(const char *path, const struct note_vkeys *keys,
    struct audit_db **ret, struct diag *d) CS_WUR;
/* An existing one, unchanged; *ret_keys are those of its log. */
int audit_db_open_read(const char *path, struct note_vkeys *ret_keys,
    struct audit_db **ret, struct diag *d) CS_WUR;

/* IMMEDIATE; what was not committed is rolled back by audit_db_close(). */
int audit_db_begin(struct audit_db *db, struct diag *d) CS_WUR;
int audit_db_commit(struct audit_db *db, struct diag *d) CS_WUR;
void audit_db_rollback(struct audit_db *db);

int audit_db_head(struct audit_db *db, struct audit_head *ret,
    struct diag *d) CS_WUR;
/* The root over the stored leaf hashes 0 .. size-1. */
int audit_db_root(struct audit_db *db, uint64_t size, uint8_t ret[32],
    struct diag *d) CS_WUR;
/* leaf: canonical, checked.  hash: its RFC 6962 leaf hash */
int audit_db_add_leaf(struct audit_db *db, uint64_t idx, const char *leaf,
    size_t len, const uint8_t hash[32], struct diag *d) CS_WUR;
/* Also makes the indexes, if this is the first one. */
int audit_db_add_checkpoint(struct audit_db *db, const struct checkpoint *c,
    const char *note, size_t len, struct diag *d) CS_WUR;
/* Both notes; known ones are not added again. */
int audit_db_add_fork(struct audit_db *db, const char *stored, size_t slen,
    const char *other, size_t olen, struct diag *d) CS_WUR;

/* For status: how many rows, and per event. */
struct audit_counts {
	uint64_t leaves, checkpoints, forks;
};
int audit_db_counts(struct audit_db *db, struct audit_counts *ret,
    struct diag *d) CS_WUR;
int audit_db_each_event(struct audit_db *db,
    int (*fn)(void *arg, const char *event, uint64_t count), void *arg,
    struct diag *d) CS_WUR;

#endif
