/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows on their way to a PostgreSQL server.  The first import of a log, and a
 * rebuild, fill tables without foreign keys and indexes, which are made and
 * checked at the end, in the same transaction.
 */
#include <stdio.h>
#include <string.h>

#include "host-tools/audit_pg_private.h"

void
pg_forget(struct pg *p)
{
	size_t i;

	for (i = 0; i < AUDIT_TABLE_COUNT; i++)
		buf_reset(&p->rows[i]);
	p->waiting = 0;
	p->writing = false;
	free(p->keys);
	p->keys = NULL;
	audit_seen_free(&p->seen);
}

/* COPY's text format: tabs, newlines and backslashes are escaped. */
static int
put_text(struct buf *b, const char *s, size_t n)
{
	static const char special[] = "\\\t\n\r", letter[] = "\\tnr";
	char esc[2] = "\\";
	size_t i, from = 0;
	const char *at;
	int r = 0;

	for (i = 0; r == 0 && i < n; i++) {
		if ((uint8_t)s[i] > '\r' && s[i] != '\\')
			continue;
		at = s[i] != '\0' ? strchr(special, s[i]) : NULL;
		if (at == NULL)
			continue;
		esc[1] = letter[at - special];
		r = buf_put(b, s + from, i - from);
		if (r == 0)
			r = buf_put(b, esc, sizeof(esc));
		from = i + 1;
	}
	return r == 0 ? buf_put(b, s + from, n - from) : r;
}

static int
put_int(struct buf *b, int64_t i)
{
	uint64_t v = i < 0 ? -(uint64_t)i : (uint64_t)i;
	char text[24];
	size_t at = sizeof(text);

	do
		text[--at] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	if (i < 0)
		text[--at] = '-';
	return buf_put(b, text + at, sizeof(text) - at);
}

static int
put_row(struct buf *b, const struct audit_cell *row, int columns)
{
	int i, r = 0;

	for (i = 0; r == 0 && i < columns; i++) {
		if (i > 0)
			r = buf_put(b, "\t", 1);
		if (r != 0)
			break;
		if (row[i].kind == CELL_INT)
			r = put_int(b, row[i].i);
		else if (row[i].kind == CELL_TEXT)
			r = put_text(b, row[i].p, row[i].n);
		else
			r = buf_put(b, "\\N", 2);
	}
	return r == 0 ? buf_put(b, "\n", 1) : r;
}

/* COPY ends with one result, then none. */
static int
end_copy(struct pg *p, const char *table, struct diag *d)
{
	PGresult *res;
	int r = 0;

	while ((res = PQgetResult(p->conn)) != NULL) {
		if (r == 0 && PQresultStatus(res) != PGRES_COMMAND_OK)
			r = pg_fail(p, res, table, d);
		PQclear(res);
	}
	return r;
}

static int
copy_table(struct pg *p, enum audit_table t, struct diag *d)
{
	const char *table = audit_tables[t].name;
	_cleanup_pg_result_ PGresult *res = NULL;
	struct buf *b = &p->rows[t];
	char sql[64];

	(void)snprintf(sql, sizeof(sql), "COPY %s FROM STDIN", table);
	res = PQexec(p->conn, sql);
	if (PQresultStatus(res) != PGRES_COPY_IN)
		return pg_fail(p, res, table, d);
	if (PQputCopyData(p->conn, (const char *)b->p, (int)b->len) != 1 ||
	    PQputCopyEnd(p->conn, NULL) != 1)
		return pg_fail(p, NULL, table, d);
	buf_reset(b);
	return end_copy(p, table, d);
}

int
pg_flush(struct pg *p, struct diag *d)
{
	size_t t;
	int r = 0;

	for (t = 0; r == 0 && t < AUDIT_TABLE_COUNT; t++)
		if (p->rows[t].len > 0)
			r = copy_table(p, (enum audit_table)t, d);
	p->waiting = 0;
	return r;
}

/* One text of one row, which free() takes. */
static int
query_text(struct pg *p, const char *sql, char **ret, struct diag *d)
{
	_cleanup_pg_result_ PGresult *res = NULL;
	int r = pg_query(p, sql, 0, NULL, &res, d);

	if (r != 0)
		return r;
	*ret = strdup(PQgetvalue(res, 0, 0));
	return *ret != NULL ? 0 : diag_nomem(d);
}

/* Foreign keys of our tables: each row would be looked up on its own. */
static int
drop_keys(struct pg *p, struct diag *d)
{
#define FROM_KEYS                                     \
	" FROM pg_constraint WHERE contype = 'f' AND" \
	" connamespace = current_schema()::regnamespace"
	_cleanup_free_ char *keys = NULL, *drop = NULL;
	int r;

	r = query_text(p,
	    "SELECT string_agg(format('ALTER TABLE %s ADD CONSTRAINT %I %s;',"
	    " conrelid::regclass, conname, pg_get_constraintdef(oid)), ''"
	    " ORDER BY conrelid, conname)" FROM_KEYS,
	    &keys, d);
	if (r == 0)
		r = query_text(p,
		    "SELECT string_agg(format('ALTER TABLE %s"
		    " DROP CONSTRAINT %I;', conrelid::regclass, conname), "
		    "'')" FROM_KEYS,
		    &drop, d);
	if (r == 0)
		r = pg_exec(p, drop, d);
	if (r == 0)
		p->keys = take_ptr(keys);
	return r;
#undef FROM_KEYS
}

/* Before the first row of a transaction. */
static int
start_writing(struct pg *p, struct diag *d)
{
	_cleanup_pg_result_ PGresult *res = NULL;
	int r;

	if (p->writing)
		return 0;
	r = pg_query(p, "SELECT 1 FROM event LIMIT 1", 0, NULL, &res, d);
	if (r == 0)
		r = audit_seen_new(&p->seen, d);
	if (r != 0)
		return r;
	p->was_empty = PQntuples(res) == 0;
	p->writing = true;
	return 0;
}

static int
remember(struct pg *p, enum audit_table t, const struct audit_cell *row,
    struct diag *d)
{
	switch (t) {
	case AUDIT_WORD:
	case AUDIT_TRACE:
	case AUDIT_POLICY:
		return audit_seen_add(p->seen, t, &row[1], NULL, row[0].i, d);
	case AUDIT_REQUEST:
		return audit_seen_add(p->seen, t, &row[1], &row[2], row[0].i,
		    d);
	default:
		return 0;
	}
}

int
pg_insert(struct audit_db *db, enum audit_table t, const struct audit_cell *row,
    struct diag *d)
{
	struct pg *p = db->conn;
	struct buf *b = &p->rows[t];
	size_t had = b->len;
	int r = start_writing(p, d);

	if (r == 0 && p->was_empty && p->keys == NULL && t == AUDIT_EVENT)
		r = drop_keys(p, d);
	if (r == 0)
		r = remember(p, t, row, d);
	if (r != 0)
		return r;
	r = put_row(b, row, audit_tables[t].columns);
	if (r != 0)
		return diag_fail(d, r, NULL, "a row of %s",
		    audit_tables[t].name);
	p->waiting += b->len - had;
	return p->waiting >= PG_WAITING ? pg_flush(p, d) : 0;
}

/* Of the rows that were there before this transaction. */
static int
ask_server(struct pg *p, enum audit_find f, const struct audit_cell *args,
    bool *ret_found, int64_t *ret, struct diag *d)
{
	static const Oid types[AUDIT_ARGS] = { 25, 25 }; /* text */
	static const int formats[AUDIT_ARGS] = { 1, 1 }; /* with a length */
	_cleanup_pg_result_ PGresult *res = NULL, *made = NULL;
	const char *values[AUDIT_ARGS];
	int i, lengths[AUDIT_ARGS];
	char name[16];

	(void)snprintf(name, sizeof(name), "find%d", (int)f);
	if (!p->prepared[f]) {
		made = PQprepare(p->conn, name, audit_finds[f].sql,
		    audit_finds[f].args, types);
		if (PQresultStatus(made) != PGRES_COMMAND_OK)
			return pg_fail(p, made, "find", d);
		p->prepared[f] = true;
	}
	for (i = 0; i < audit_finds[f].args; i++) {
		values[i] = args[i].p;
		lengths[i] = (int)args[i].n;
	}
	res = PQexecPrepared(p->conn, name, audit_finds[f].args, values,
	    lengths, formats, 0);
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		return pg_fail(p, res, "find", d);
	*ret_found = PQntuples(res) > 0 && !PQgetisnull(res, 0, 0);
	if (*ret_found)
		*ret = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
	return 0;
}

int
pg_find(struct audit_db *db, enum audit_find f, const struct audit_cell *args,
    bool *ret_found, int64_t *ret, struct diag *d)
{
	static const enum audit_table of[AUDIT_FIND_COUNT] = {
		[FIND_WORD] = AUDIT_WORD,
		[FIND_REQUEST] = AUDIT_REQUEST,
		[FIND_REQUEST_ANY] = AUDIT_REQUEST,
		[FIND_TRACE] = AUDIT_TRACE,
		[FIND_POLICY] = AUDIT_POLICY,
		[FIND_FORK] = AUDIT_FORK,
	};
	const struct audit_cell *b = audit_finds[f].args > 1 ? &args[1] : NULL;
	struct pg *p = db->conn;
	int r;

	*ret_found = false;
	r = start_writing(p, d);
	if (r == 0)
		r = audit_seen_find(p->seen, of[f], args, b,
		    f == FIND_REQUEST_ANY, ret_found, ret, d);
	/* forks may be there without a leaf */
	if (r != 0 || *ret_found || (p->was_empty && f != FIND_FORK))
		return r;
	return ask_server(p, f, args, ret_found, ret, d);
}

int
pg_settle(struct pg *p, struct diag *d)
{
	int r = pg_flush(p, d);

	if (r != 0 || p->keys == NULL)
		return r;
	r = pg_exec(p, audit_postgresql.indexes, d);
	if (r == 0)
		r = pg_exec(p, p->keys, d);
	return r == 0 ? pg_exec(p, "ANALYZE", d) : r;
}

int
pg_empty(struct audit_db *db, struct diag *d)
{
	struct pg *p = db->conn;
	_cleanup_free_ char *sql = NULL;
	int r;

	r = query_text(p,
	    "SELECT format('TRUNCATE %s;', string_agg(c.oid::regclass::text,"
	    " ',')) FROM pg_class c WHERE relkind = 'r' AND relname <> 'log'"
	    " AND relnamespace = current_schema()::regnamespace",
	    &sql, d);
	if (r == 0)
		r = pg_exec(p, sql, d);
	free(take_ptr(sql));
	if (r == 0)
		r = query_text(p,
		    "SELECT string_agg(format('DROP INDEX %s;',"
		    " indexrelid::regclass), '') FROM pg_index"
		    " JOIN pg_class c ON c.oid = indexrelid"
		    " WHERE NOT indisunique AND"
		    " relnamespace = current_schema()::regnamespace",
		    &sql, d);
	/* a new database has none */
	return r != 0 || *sql == '\0' ? r : pg_exec(p, sql, d);
}
