/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUDIT_QUERY_H
#define CS_AUDIT_QUERY_H

#include "host-tools/audit_db.h"

/*
 * Questions to an auditor's database, over the views of README.audit-db.
 * Parameters are $1, $2, ... in the order of their first use.  Several
 * questions may be open at a time.
 */
struct audit_arg {
	const char *text;	/* or NULL and number */
	uint64_t number;
};
#define AUDIT_TEXT(t)	{ .text = (t) }
#define AUDIT_NUMBER(n)	{ .number = (n) }

struct audit_rows;
void audit_rows_free(struct audit_rows **q);
static inline void
audit_rows_freep(struct audit_rows **q)
{
	audit_rows_free(q);
}
#define _cleanup_audit_rows_ _cleanup_(audit_rows_freep)

/* args must live until audit_rows_free() */
int audit_rows_open(struct audit_db *db, const char *sql,
    const struct audit_arg *args, size_t n, struct audit_rows **ret,
    struct diag *d) CS_WUR;
/* *ret_any: there is one; its values hold until the next call */
int audit_rows_next(struct audit_rows *q, bool *ret_any, struct diag *d)
    CS_WUR;
/* "" and 0 for NULL; 0 for what is negative */
const char *audit_rows_text(struct audit_rows *q, int column);
uint64_t audit_rows_number(struct audit_rows *q, int column);
bool audit_rows_null(struct audit_rows *q, int column);
bool audit_rows_is_number(struct audit_rows *q, int column);
const char *audit_rows_name(struct audit_rows *q, int column);
int audit_rows_columns(struct audit_rows *q);

/* The first row of a question, if there is any. */
int audit_rows_first(struct audit_db *db, const char *sql,
    const struct audit_arg *args, size_t n, struct audit_rows **ret,
    bool *ret_any, struct diag *d) CS_WUR;
/* The number in the one row of a question. */
int audit_ask_number(struct audit_db *db, const char *sql,
    const struct audit_arg *args, size_t n, uint64_t *ret, struct diag *d)
    CS_WUR;

#endif
