/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUDIT_VIEW_H
#define CS_AUDIT_VIEW_H

#include <jansson.h>

#include "host-tools/audit_query.h"
#include "host-tools/audit_where.h"
#include "lib/tiles.h"

/*
 * An auditor's database and the evidence beside it (README.audit-db).  The
 * database finds; what is shown is read from leaves, each proven to be below
 * the newest checkpoint's root.
 */
struct audit_view {
	struct audit_db *db;
	int dirfd;		/* of the tiles */
	struct note_vkeys keys;
	struct audit_head head;
	struct tlog *log;
};

#define AUDIT_VIEW_INIT	{ .dirfd = -1 }

void audit_view_done(struct audit_view *a);
#define _cleanup_audit_view_ _cleanup_(audit_view_done)

/* CS_E_AUDIT_EMPTY: nothing was imported yet */
int audit_view_open(const struct audit_where *w, struct audit_view *ret,
    struct diag *d) CS_WUR;
/* Terminated, with its newline.  CS_E_LOG_TAMPER, CS_E_LOG_MISSING; free() */
int audit_view_line(struct audit_view *a, uint64_t idx, char **ret,
    size_t *ret_len, struct diag *d) CS_WUR;
/* The same as an object. */
int audit_view_leaf(struct audit_view *a, uint64_t idx, json_t **ret,
    struct diag *d) CS_WUR;
/* Members of an object by path ("data.person"); "" and 0 if there is none. */
const char *leaf_text(const json_t *leaf, const char *path);
uint64_t leaf_number(const json_t *leaf, const char *path);
json_t *leaf_get(const json_t *leaf, const char *path);	/* borrowed or NULL */

#endif
