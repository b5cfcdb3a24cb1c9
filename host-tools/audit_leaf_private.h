/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUDIT_LEAF_PRIVATE_H
#define CS_AUDIT_LEAF_PRIVATE_H

#include "host-tools/audit_db_private.h"
#include "lib/canon.h"

/* What a member of a leaf becomes. */
enum audit_how {
	HOW_TEXT,		/* "" is NULL */
	HOW_INT,
	HOW_BOOL,
	HOW_WORD,
	HOW_LIST,		/* strings of an array, one word */
	HOW_TRACE,		/* the id of a trace */
	/* rows of their own, after the leaf's */
	HOW_EVIDENCE, HOW_CHECKS, HOW_STATEMENTS, HOW_FILES,
};

struct audit_field {
	const char *key;
	size_t len;
	size_t col;
	enum audit_how how;
};

#define AUDIT_PAIRS	4u	/* members of a leaf that are arrays of rows */

/* A leaf on its way into rows; one for a database, so it also remembers. */
struct audit_row {
	struct audit_db *db;
	int64_t idx;
	struct audit_cell request;
	struct audit_cell row[AUDIT_COLUMNS];
	struct {
		struct canon_member m;
		enum audit_how how;
	} pair[AUDIT_PAIRS];
	size_t npairs;
	char *text;		/* of strings with escapes; CANON_MAX */
	size_t text_len;
	/* the last ones, which the next leaf often has again */
	char last_request[64], last_sha256[CS_SHA256_HEX + 1];
	int64_t last_request_id;
	bool last_newest;	/* of its ID: one without a digest means it */
	char *trace;
	size_t trace_len;
	int64_t trace_id;
};

int audit_leaf_begin(struct audit_db *db, uint64_t idx,
    struct audit_row **ret, struct diag *d) CS_WUR;
/* sha256 NULL: the newest of the ID */
bool audit_leaf_same_request(const struct audit_row *x,
    const struct audit_cell *id, const struct audit_cell *sha256,
    int64_t *ret);
void audit_leaf_last_request(struct audit_row *x, const struct audit_cell *id,
    const struct audit_cell *sha256, int64_t n, bool newest);

/* < 0: the key comes before the member's */
int audit_key_compare(const char *key, size_t len,
    const struct canon_member *m);
int64_t audit_number(const struct canon_member *m);
/* NULL also if there is no such member (m->val == NULL). */
void audit_text(struct audit_row *x, const struct canon_member *m,
    struct audit_cell *ret);
int audit_put(struct audit_row *x, const struct canon_member *m,
    enum audit_how how, struct audit_cell *ret, struct diag *d) CS_WUR;
/* Members of obj into x->row. */
int audit_fields(struct audit_row *x, const struct canon_member *obj,
    const struct audit_field *f, size_t n, struct diag *d) CS_WUR;
/* The rows of arrays, when the leaf's own row is there. */
int audit_pairs(struct audit_row *x, struct diag *d) CS_WUR;
/* A policy that the leaf names, if it is new. */
int audit_policy(struct audit_row *x, const struct audit_cell *sha256,
    const struct audit_cell *version, const struct audit_cell *envelope,
    struct diag *d) CS_WUR;
/* The id of a trace, which is added if it is new. */
int audit_trace_id(struct audit_row *x, const struct canon_member *m,
    int64_t *ret, struct diag *d) CS_WUR;

#endif
