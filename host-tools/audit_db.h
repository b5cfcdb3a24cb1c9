/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUDIT_DB_H
#define CS_AUDIT_DB_H

#include "lib/merkle.h"
#include "lib/note.h"

/*
 * What an auditor has accepted so far, as a database for questions; the
 * evidence is the tiles beside it (audit_store.h).  host-tools/README.audit-db
 * has the tables.  Every import is one transaction: a kill at any time leaves
 * the old state or the new one.  audit_sqlite.c and audit_pg*.c are the two
 * engines (audit_db_private.h); all others know neither.
 */
struct audit_db;

struct audit_head {
	bool any;		/* a checkpoint has been accepted */
	struct checkpoint c;
	struct merkle_range edge; /* of c.size, hashes to c.root */
	char *note;		/* free() it; terminated */
};

void audit_db_close(struct audit_db **db);
#define _cleanup_audit_db_ _cleanup_(audit_db_close)

/*
 * Of this log and these keys only: CS_E_AUDIT_OTHER_LOG, _OTHER_KEYS.  A new
 * one is begun empty.  name: a file or a URI, as --db says.
 * CS_E_AUDIT_DB_SERVER: the server was not reached, or is gone; whether what
 * it was asked last was done is not known.
 */
int audit_db_open(const char *name, const struct note_vkeys *keys,
    struct audit_db **ret, struct diag *d) CS_WUR;
/* An existing one, unchanged; *ret_keys are those of its log. */
int audit_db_open_read(const char *name, struct note_vkeys *ret_keys,
    struct audit_db **ret, struct diag *d) CS_WUR;

/*
 * A database that takes the place of the one of that name, if there is one,
 * by audit_anew_commit().  It is empty, and in a transaction.
 */
struct audit_anew {
	const struct audit_engine *engine;
	const char *name;
	char *filled;
	struct audit_db *db;
};
int audit_db_open_anew(const char *name, const struct note_vkeys *keys,
    struct audit_anew *ret, struct diag *d) CS_WUR;
int audit_anew_commit(struct audit_anew *a, struct diag *d) CS_WUR;
void audit_anew_done(struct audit_anew *a);

/* One at a time; what was not committed is rolled back by audit_db_close(). */
int audit_db_begin(struct audit_db *db, struct diag *d) CS_WUR;
int audit_db_commit(struct audit_db *db, struct diag *d) CS_WUR;
void audit_db_rollback(struct audit_db *db);

/* The newest checkpoint, verified under the database's own keys. */
int audit_db_head(struct audit_db *db, struct audit_head *ret,
    struct diag *d) CS_WUR;
/* leaf: canonical, checked */
int audit_db_add_leaf(struct audit_db *db, uint64_t idx, const char *leaf,
    size_t len, struct diag *d) CS_WUR;

struct audit_accepted {
	struct checkpoint c;
	const char *note;
	size_t note_len;
	const struct merkle_range *edge;
	int64_t imported;	/* seconds since 1970 UTC, the auditor's */
	const char *bundle;	/* SHA-256 of its manifest; NULL for a folder */
};
/* Also makes the indexes, if this is the first one. */
int audit_db_add_checkpoint(struct audit_db *db,
    const struct audit_accepted *a, struct diag *d) CS_WUR;

struct audit_fork {
	char sha256[CS_SHA256_HEX + 1];
	const char *stored, *other;	/* notes, terminated */
	int64_t found;
};
/* Both notes; known ones are not added again. */
int audit_db_add_fork(struct audit_db *db, const struct audit_fork *f,
    struct diag *d) CS_WUR;

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
