/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/audit_db_private.h"

void
audit_rows_free(struct audit_rows **q)
{
	if (*q == NULL)
		return;
	(*q)->db->engine->done(*q);
	*q = NULL;
}

int
audit_rows_open(struct audit_db *db, const char *sql,
    const struct audit_arg *args, size_t n, struct audit_rows **ret,
    struct diag *d)
{
	return db->engine->ask(db, sql, args, n, ret, d);
}

int
audit_rows_next(struct audit_rows *q, bool *ret_any, struct diag *d)
{
	return q->db->engine->next(q, ret_any, d);
}

const char *
audit_rows_text(struct audit_rows *q, int column)
{
	return q->db->engine->text(q, column);
}

uint64_t
audit_rows_number(struct audit_rows *q, int column)
{
	int64_t v = q->db->engine->number(q, column);

	return v < 0 ? 0 : (uint64_t)v;
}

bool
audit_rows_null(struct audit_rows *q, int column)
{
	return q->db->engine->null(q, column);
}

bool
audit_rows_is_number(struct audit_rows *q, int column)
{
	return q->db->engine->is_number(q, column);
}

const char *
audit_rows_name(struct audit_rows *q, int column)
{
	return q->db->engine->name(q, column);
}

int
audit_rows_columns(struct audit_rows *q)
{
	return q->db->engine->columns(q);
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
