/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to a PostgreSQL server: each is a cursor, so that several can be
 * open and a large answer takes no more memory than a small one.  They all see
 * the database as it was when the first was asked, whoever imports meanwhile;
 * those of an importer see its transaction.
 */
#include <stdio.h>
#include <string.h>

#include "host-tools/audit_pg_private.h"

#define BATCH	 1000 /* rows at a time */
#define ARGS_MAX 16u
#define OID_INT8 20
#define OID_INT4 23
#define OID_TEXT 25

struct pg_rows {
	struct audit_rows rows;
	unsigned cursor, transaction;
	PGresult *res; /* the batch; never NULL */
	int at;	       /* in it; -1 before the first row */
	bool open;     /* the cursor */
};

static inline struct pg_rows *
mine(struct audit_rows *rows)
{
	return (struct pg_rows *)rows;
}

void
pg_done(struct audit_rows *rows)
{
	struct pg_rows *q = mine(rows);
	struct pg *p = rows->db->conn;
	char sql[32];

	if (q->open && q->transaction == p->transaction &&
	    PQtransactionStatus(p->conn) == PQTRANS_INTRANS) {
		(void)snprintf(sql, sizeof(sql), "CLOSE q%u", q->cursor);
		PQclear(PQexec(p->conn, sql));
	}
	PQclear(q->res);
	free(q);
}

static int
fetch(struct pg_rows *q, struct diag *d)
{
	struct pg *p = q->rows.db->conn;
	PGresult *res;
	char sql[48];

	(void)snprintf(sql, sizeof(sql), "FETCH %d FROM q%u", BATCH, q->cursor);
	res = PQexec(p->conn, sql);
	PQclear(q->res);
	q->res = res;
	q->at = -1;
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		return pg_fail(p, res, "a question", d);
	return 0;
}

/* A transaction, whoever's it is, with all rows that were added to it. */
static int
begin_asking(struct audit_db *db, struct diag *d)
{
	struct pg *p = db->conn;
	int r;

	if (db->open)
		return pg_flush(p, d);
	if (p->asking)
		return 0;
	r = pg_exec(p, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", d);
	p->asking = r == 0;
	p->transaction++;
	return r;
}

static int
declare(struct pg_rows *q, const char *sql, const struct audit_arg *args,
    size_t n, struct diag *d)
{
	_cleanup_pg_result_ PGresult *res = NULL;
	_cleanup_free_ char *text = NULL;
	struct pg *p = q->rows.db->conn;
	const char *values[ARGS_MAX];
	char numbers[ARGS_MAX][24];
	Oid types[ARGS_MAX];
	size_t i;

	if (n > ARGS_MAX)
		return diag_fail(d, CS_E_INTERNAL, NULL, "%zu arguments", n);
	for (i = 0; i < n; i++) {
		(void)snprintf(numbers[i], sizeof(numbers[i]), "%llu",
		    (unsigned long long)args[i].number);
		values[i] = args[i].text != NULL ? args[i].text : numbers[i];
		types[i] = args[i].text != NULL ? OID_TEXT : OID_INT8;
	}
	if (asprintf(&text, "DECLARE q%u NO SCROLL CURSOR FOR %s", q->cursor,
		sql) < 0) {
		text = NULL;
		return diag_nomem(d);
	}
	res = PQexecParams(p->conn, text, (int)n, types, values, NULL, NULL, 0);
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		return pg_fail(p, res, "a question", d);
	q->open = true;
	q->transaction = p->transaction;
	return 0;
}

int
pg_ask(struct audit_db *db, const char *sql, const struct audit_arg *args,
    size_t n, struct audit_rows **ret, struct diag *d)
{
	_cleanup_audit_rows_ struct audit_rows *rows = NULL;
	struct pg_rows *q = calloc(1, sizeof(*q));
	struct pg *p = db->conn;
	int r;

	if (q == NULL)
		return diag_nomem(d);
	rows = &q->rows;
	rows->db = db;
	q->cursor = p->cursors++;
	r = begin_asking(db, d);
	if (r == 0)
		r = declare(q, sql, args, n, d);
	if (r == 0)
		r = fetch(q, d);
	if (r == 0)
		*ret = take_ptr(rows);
	return r;
}

int
pg_next(struct audit_rows *rows, bool *ret_any, struct diag *d)
{
	struct pg_rows *q = mine(rows);
	int r = 0;

	if (++q->at == BATCH) {
		r = fetch(q, d);
		q->at = 0;
	}
	*ret_any = r == 0 && q->at < PQntuples(q->res);
	return r;
}

const char *
pg_text(struct audit_rows *rows, int column)
{
	return PQgetvalue(mine(rows)->res, mine(rows)->at, column);
}

int64_t
pg_number(struct audit_rows *rows, int column)
{
	return strtoll(pg_text(rows, column), NULL, 10);
}

bool
pg_null(struct audit_rows *rows, int column)
{
	return PQgetisnull(mine(rows)->res, mine(rows)->at, column) != 0;
}

bool
pg_is_number(struct audit_rows *rows, int column)
{
	Oid type = PQftype(mine(rows)->res, column);

	return (type == OID_INT8 || type == OID_INT4) && !pg_null(rows, column);
}

const char *
pg_name(struct audit_rows *rows, int column)
{
	return PQfname(mine(rows)->res, column);
}

int
pg_columns(struct audit_rows *rows)
{
	return PQnfields(mine(rows)->res);
}
