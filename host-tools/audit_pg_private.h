/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUDIT_PG_PRIVATE_H
#define CS_AUDIT_PG_PRIVATE_H

#include <libpq-fe.h>

#include "host-tools/audit_db_private.h"
#include "lib/buf.h"

/*
 * An auditor's database on a PostgreSQL server: a log is a schema of it.
 *
 * Rows wait here, as COPY has them, until there are enough of them or
 * something else is asked; then they go table by table, first those that
 * others refer to (the order of AUDIT_TABLES).  What an import looks up is
 * first looked for in audit_seen, which has what it added itself; the server
 * is only asked if it had rows before.
 */
#define PG_SCHEMA_MAX	63u		/* PostgreSQL's NAMEDATALEN - 1 */
#define PG_WAITING	(4u << 20)	/* bytes of rows that wait */

struct audit_seen;

struct pg {
	PGconn *conn;
	char schema[PG_SCHEMA_MAX + 1];
	bool asking;		/* in a transaction of questions */
	bool writing;		/* rows were added since it began */
	bool was_empty;		/* writing: there were no leaves then */
	char *keys;		/* foreign keys that come back at the end */
	unsigned transaction;	/* its number */
	unsigned cursors;	/* that were ever opened: names */
	struct buf rows[AUDIT_TABLE_COUNT];
	size_t waiting;		/* bytes in them */
	struct audit_seen *seen;
	bool prepared[AUDIT_FIND_COUNT];
};

/* res NULL: what the connection says.  CS_E_AUDIT_DB, or _SERVER if it is
 * gone */
int pg_fail(struct pg *p, const PGresult *res, const char *what,
    struct diag *d);
/* Statements without values, or one with; rows that wait are not sent. */
int pg_exec(struct pg *p, const char *sql, struct diag *d) CS_WUR;
int pg_query(struct pg *p, const char *sql, int n, const char *const *args,
    PGresult **ret, struct diag *d) CS_WUR;
static inline void
pg_clearp(PGresult **res)
{
	PQclear(*res);
}
#define _cleanup_pg_result_ _cleanup_(pg_clearp)

/* audit_pg_copy.c: rows that go to the server */
int pg_insert(struct audit_db *db, enum audit_table t,
    const struct audit_cell *row, struct diag *d) CS_WUR;
int pg_find(struct audit_db *db, enum audit_find f,
    const struct audit_cell *args, bool *ret_found, int64_t *ret,
    struct diag *d) CS_WUR;
/* All rows are there, and what helps questions; before the commit. */
int pg_settle(struct pg *p, struct diag *d) CS_WUR;
int pg_flush(struct pg *p, struct diag *d) CS_WUR;
/* What waits, and what is known of the transaction. */
void pg_forget(struct pg *p);
/* Every row but the log's, in a transaction, and the indexes. */
int pg_empty(struct audit_db *db, struct diag *d) CS_WUR;

/* audit_pg_rows.c: questions */
int pg_ask(struct audit_db *db, const char *sql, const struct audit_arg *args,
    size_t n, struct audit_rows **ret, struct diag *d) CS_WUR;
int pg_next(struct audit_rows *rows, bool *ret_any, struct diag *d) CS_WUR;
void pg_done(struct audit_rows *rows);
const char *pg_text(struct audit_rows *rows, int column);
int64_t pg_number(struct audit_rows *rows, int column);
bool pg_null(struct audit_rows *rows, int column);
bool pg_is_number(struct audit_rows *rows, int column);
const char *pg_name(struct audit_rows *rows, int column);
int pg_columns(struct audit_rows *rows);

/* audit_seen.c: ids by their text, in a temporary file of SQLite's */
int audit_seen_new(struct audit_seen **ret, struct diag *d) CS_WUR;
void audit_seen_free(struct audit_seen **s);
/* b may be NULL; a later one of the same text replaces it */
int audit_seen_add(struct audit_seen *s, enum audit_table t,
    const struct audit_cell *a, const struct audit_cell *b, int64_t id,
    struct diag *d) CS_WUR;
/* any: the largest id of a, whatever b is */
int audit_seen_find(struct audit_seen *s, enum audit_table t,
    const struct audit_cell *a, const struct audit_cell *b, bool any,
    bool *ret_found, int64_t *ret, struct diag *d) CS_WUR;

#endif
