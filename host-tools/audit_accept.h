/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUDIT_ACCEPT_H
#define CS_AUDIT_ACCEPT_H

#include "host-tools/attest_inputs.h"
#include "host-tools/audit_db.h"
#include "host-tools/audit_store.h"

#define AUDIT_THREADS	2u	/* beside the one that writes rows */

/* A checkpoint that says how much of the log there once was. */
struct audit_anchor {
	struct checkpoint c;
	char *note;
};
#define AUDIT_ANCHORS_MAX	16u

/* One bundle on its way into the database; all is borrowed. */
struct audit_accept {
	struct audit_db *db;
	struct audit_store *store;
	const struct logsource *src;
	const struct audit_attest *tpm;	/* NULL: of a bundle that was kept */
	const char *file;	/* to be kept if a medium is missing; or NULL */
	const struct audit_anchor *anchor;
	size_t nanchors;
	/* results */
	const char *verdict;	/* NULL: none was reached */
	uint64_t had, has;	/* leaves accepted before and after */
	uint64_t first;		/* that the bundle carries */
	bool kept;
};

/*
 * 0 for OK, DUPLICATE and STALE; CS_E_AUDIT_GAP, _FORK, _ROLLBACK, and what a
 * TAMPER is.  Whatever it is, what was accepted before is untouched.
 */
int audit_accept(struct audit_accept *a, struct diag *d) CS_WUR;

/* Keeps a's file for audit_kept_next(). */
int audit_keep(struct audit_accept *a, struct diag *d) CS_WUR;
/*
 * The kept bundle that continues a log of size leaves, *ret NULL: none.
 * Those that a larger log has overtaken are removed.  free(*ret)
 */
int audit_kept_next(struct audit_store *s, uint64_t size, char **ret,
    struct diag *d) CS_WUR;
/* One that is refused now is not tried again: pending/bad-... is evidence. */
int audit_kept_bad(const char *path, struct diag *d) CS_WUR;
/* For status: calls fn for each. */
int audit_kept_each(int dirfd,
    int (*fn)(void *arg, uint64_t first, uint64_t size), void *arg,
    struct diag *d) CS_WUR;
/* Both notes, in the folder and in the database. */
int audit_keep_fork(struct audit_accept *a, const char *stored,
    const char *other, struct diag *d) CS_WUR;

/* Once, before a log is walked by threads. */
void audit_memory(void);
/* canon_check() as tlog_walk.check: CS_E_AUDIT_LEAF names leaf and file. */
int audit_check_leaf(void *arg, uint64_t index, const uint8_t *leaf,
    size_t len, struct diag *d) CS_WUR;

/* Verified under keys; a note, or a bundle of type "receipt". */
int audit_anchor_load(const char *path, const struct note_vkeys *keys,
    struct audit_anchor *ret, struct diag *d) CS_WUR;

#endif
