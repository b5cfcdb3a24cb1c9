/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/audit_query.h"

#include "host-tools/audit_db_private.h"

struct audit_rows {
	struct audit_db *db;
	sqlite3_stmt *s;
};

void
audit_rows_free(struct audit_rows **q)
{
	if (*q == NULL)
		return;
	(void)sqlite3_finalize((*q)->s);
	free(*q);
	*q = NULL;
}

int
audit_rows_open(struct audit_db *db, const char *sql,
    const struct audit_arg *args, size_t n, struct audit_rows **ret,
    struct diag *d)
{
	_cleanup_audit_rows_ struct audit_rows *q = calloc(1, sizeof(*q));
	size_t i;
	int r, rc;

	if (q == NULL)
		return diag_nomem(d);
	q->db = db;
	r = audit_db_prepare(db, sql, &q->s, d);
	if (r != 0)
		return r;
	for (i = 0; i < n; i++) {
		rc = args[i].text != NULL ?
		    sqlite3_bind_text(q->s, (int)i + 1, args[i].text, -1,
			SQLITE_STATIC) :
		    sqlite3_bind_int64(q->s, (int)i + 1,
			(sqlite3_int64)args[i].number);
		if (rc != SQLITE_OK)
			return audit_db_fail(db, "a question", d);
	}
	*ret = take_ptr(q);
	return 0;
}

int
audit_rows_next(struct audit_rows *q, bool *ret_any, struct diag *d)
{
	int rc = sqlite3_step(q->s);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return audit_db_fail(q->db, "a question", d);
	*ret_any = rc == SQLITE_ROW;
	return 0;
}

const char *
audit_rows_text(struct audit_rows *q, int column)
{
	const void *t = sqlite3_column_text(q->s, column);

	return t != NULL ? t : "";
}

uint64_t
audit_rows_number(struct audit_rows *q, int column)
{
	sqlite3_int64 v = sqlite3_column_int64(q->s, column);

	return v < 0 ? 0 : (uint64_t)v;
}

bool
audit_rows_null(struct audit_rows *q, int column)
{
	return sqlite3_column_type(q->s, column) == SQLITE_NULL;
}

bool
audit_rows_is_number(struct audit_rows *q, int column)
{
	return sqlite3_column_type(q->s, column) == SQLITE_INTEGER;
}

const char *
audit_rows_name(struct audit_rows *q, int column)
{
	return sqlite3_column_name(q->s, column);
}

int
audit_rows_columns(struct audit_rows *q)
{
	return sqlite3_column_count(q->s);
}

int
audit_rows_first(struct audit_db *db, const char *sql,
    const struct audit_arg *args, size_t n, struct audit_rows **ret,
    bool *ret_any, struct diag *d)
{
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	int r;

	r = audit_rows_open(db, sql, args, n, &q, d);
	if (r == 0)
		r = audit_rows_next(q, ret_any, d);
	if (r == 0)
		*ret = take_ptr(q);
	return r;
}

int
audit_ask_number(struct audit_db *db, const char *sql,
    const struct audit_arg *args, size_t n, uint64_t *ret, struct diag *d)
{
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	bool any = false;
	int r;

	r = audit_rows_first(db, sql, args, n, &q, &any, d);
	if (r == 0)
		*ret = any ? audit_rows_number(q, 0) : 0;
	return r;
}
