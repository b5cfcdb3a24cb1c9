/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An auditor's database on a PostgreSQL server: the connection, whose schema
 * it is, transactions.
 */
#include <stdio.h>
#include <string.h>

#include "host-tools/audit_pg_private.h"

#define DEFAULT_SCHEMA "coldseal"
#define MARK	       "coldseal audit database "
#define MARK_LEN       (sizeof(MARK) - 1)

/* The first line of what the server or the library says. */
static void
first_line(const char *text, char *out, size_t size)
{
	size_t n = strcspn(text, "\n");

	(void)snprintf(out, size, "%.*s", (int)(n < size ? n : size - 1), text);
}

int
pg_fail(struct pg *p, const PGresult *res, const char *what, struct diag *d)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	char text[200];

	first_line(res != NULL ? PQresultErrorMessage(res) :
				 PQerrorMessage(p->conn),
	    text, sizeof(text));
	/* class 57P: the server is stopped, or ends this connection */
	if (PQstatus(p->conn) == CONNECTION_BAD ||
	    (state != NULL && strncmp(state, "57P", 3) == 0))
		return diag_fail(d, CS_E_AUDIT_DB_SERVER, NULL, "%s: %s", what,
		    text);
	return diag_fail(d, CS_E_AUDIT_DB, NULL, "%s: %s", what, text);
}

int
pg_query(struct pg *p, const char *sql, int n, const char *const *args,
    PGresult **ret, struct diag *d)
{
	_cleanup_pg_result_ PGresult *res =
	    PQexecParams(p->conn, sql, n, NULL, args, NULL, NULL, 0);
	ExecStatusType s = PQresultStatus(res);

	if (s != PGRES_TUPLES_OK && s != PGRES_COMMAND_OK)
		return pg_fail(p, res, "query", d);
	*ret = take_ptr(res);
	return 0;
}

int
pg_exec(struct pg *p, const char *sql, struct diag *d)
{
	_cleanup_pg_result_ PGresult *res = PQexec(p->conn, sql);
	ExecStatusType s = PQresultStatus(res);

	if (s != PGRES_TUPLES_OK && s != PGRES_COMMAND_OK)
		return pg_fail(p, res, "exec", d);
	return 0;
}

static void
pg_close(struct audit_db *db)
{
	struct pg *p = db->conn;
	size_t i;

	if (p == NULL)
		return;
	pg_forget(p);
	for (i = 0; i < AUDIT_TABLE_COUNT; i++)
		buf_done(&p->rows[i]);
	PQfinish(p->conn);
	free(p);
}

/* A library does not print. */
static void
say_nothing(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

/* "#name" at the end of the URI: lower case, so that nobody has to quote it */
static int
parse_schema(const char *name, char ret[PG_SCHEMA_MAX + 1], struct diag *d)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
	const char *s = name != NULL ? name : DEFAULT_SCHEMA;
	size_t n = strlen(s);

	if (n == 0 || n > PG_SCHEMA_MAX || strspn(s, letters) == 0 ||
	    s[strspn(s, "abcdefghijklmnopqrstuvwxyz_0123456789")] != '\0' ||
	    strncmp(s, "pg_", 3) == 0)
		return diag_fail(d, CS_E_USAGE,
		    "a log's schema: a-z, 0-9 and _, 63 at most", "#%.70s", s);
	memcpy(ret, s, n + 1);
	return 0;
}

/* What is in argv is no secret: a password there is refused. */
static int
check_uri(const char *uri, struct diag *d)
{
	PQconninfoOption *all = PQconninfoParse(uri, NULL), *o;
	bool secret = false;

	if (all == NULL)
		return diag_fail(d, CS_E_USAGE,
		    "a URI as PostgreSQL has it: postgresql://HOST/DATABASE",
		    "--db of another form");
	for (o = all; o->keyword != NULL; o++)
		if (o->val != NULL &&
		    (strcmp(o->keyword, "password") == 0 ||
			strcmp(o->keyword, "sslpassword") == 0))
			secret = true;
	PQconninfoFree(all);
	return secret ? diag_fail(d, CS_E_AUDIT_DB_PASSWORD,
			    "a URI without a password", "one with it") :
			0;
}

/* Settings of the session: what a role or a server has set is not ours. */
static int
set_session(struct pg *p, bool write, struct diag *d)
{
	const char *const args[] = { p->schema, write ? "off" : "on" };
	_cleanup_pg_result_ PGresult *res = NULL;
	const char *encoding = PQparameterStatus(p->conn, "server_encoding");

	if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
		return diag_fail(d, CS_E_AUDIT_DB_FORMAT,
		    "a database whose encoding is UTF8", "%.40s",
		    encoding != NULL ? encoding : "none");
	return pg_query(p,
	    "SELECT set_config('search_path', $1, false),"
	    " set_config('client_min_messages', 'warning', false),"
	    " set_config('jit', 'off', false),"
	    " set_config('default_transaction_read_only', $2, false)",
	    2, args, &res, d);
}

static int
pg_open(struct audit_db *db, const char *name, bool write, struct diag *d)
{
	static const char *const keys[] = { "dbname", "client_encoding",
		"fallback_application_name", NULL };
	const char *hash = strchr(name, '#');
	_cleanup_free_ char *uri =
	    strndup(name, hash != NULL ? (size_t)(hash - name) : strlen(name));
	const char *values[] = { uri, "UTF8", "coldseal", NULL };
	struct pg *p = calloc(1, sizeof(*p));
	size_t i;
	int r;

	db->conn = p;
	if (p == NULL || uri == NULL)
		return diag_nomem(d);
	for (i = 0; i < AUDIT_TABLE_COUNT; i++)
		p->rows[i] = (struct buf)BUF_INIT(4 * PG_WAITING);
	r = parse_schema(hash != NULL ? hash + 1 : NULL, p->schema, d);
	if (r == 0)
		r = check_uri(uri, d);
	if (r != 0)
		return r;
	p->conn = PQconnectdbParams(keys, values, 1);
	if (PQstatus(p->conn) != CONNECTION_OK)
		return pg_fail(p, NULL, "connect", d);
	(void)PQsetNoticeProcessor(p->conn, say_nothing, NULL);
	return set_session(p, write, d);
}

/* The logs of this database, for whoever named none of them. */
static int
pg_missing(struct audit_db *db, struct diag *d)
{
	struct pg *p = db->conn;
	_cleanup_pg_result_ PGresult *res = NULL;
	const char *const args[] = { MARK "%" };
	int r = pg_query(p,
	    "SELECT string_agg('#' || nspname, ', ' ORDER BY nspname)"
	    " FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid"
	    " AND c.relname = 'log' JOIN pg_description t ON t.objoid = c.oid"
	    " AND t.classoid = 'pg_class'::regclass AND t.objsubid = 0"
	    " WHERE t.description LIKE $1",
	    1, args, &res, d);

	if (r != 0)
		return r;
	if (PQgetisnull(res, 0, 0))
		return diag_fail(d, CS_E_AUDIT_EMPTY, "a log in it",
		    "no schema %s", p->schema);
	return diag_fail(d, CS_E_AUDIT_EMPTY, PQgetvalue(res, 0, 0),
	    "no schema %s", p->schema);
}

/*
 * The table "log" has the mark as its comment, which everybody may read.  A
 * schema without tables is new: an administrator may have made it.
 */
static int
pg_kind(struct audit_db *db, bool *ret_new, struct diag *d)
{
	struct pg *p = db->conn;
	const char *const args[] = { p->schema };
	_cleanup_pg_result_ PGresult *res = NULL;
	char mine[MARK_LEN + 16];
	const char *mark;
	int r = pg_query(p,
	    "SELECT count(*), max(t.description) FROM pg_namespace n"
	    " JOIN pg_class c ON c.relnamespace = n.oid"
	    " LEFT JOIN pg_description t ON t.objoid = c.oid AND t.objsubid = 0"
	    " AND t.classoid = 'pg_class'::regclass AND c.relname = 'log'"
	    " WHERE n.nspname = $1",
	    1, args, &res, d);

	if (r != 0)
		return r;
	*ret_new = strcmp(PQgetvalue(res, 0, 0), "0") == 0;
	if (*ret_new)
		return 0;
	(void)snprintf(mine, sizeof(mine), MARK "%d", AUDIT_USER_VERSION);
	mark = PQgetvalue(res, 0, 1);
	if (strcmp(mark, mine) == 0)
		return 0;
	return diag_fail(d, CS_E_AUDIT_DB_FORMAT,
	    "a schema that coldseal audit import made, version 2", "%s has %s",
	    p->schema,
	    strncmp(mark, MARK, MARK_LEN) == 0 ? mark : "other tables");
}

static int
pg_create(struct audit_db *db, struct diag *d)
{
	struct pg *p = db->conn;
	const char *const args[] = { p->schema };
	_cleanup_pg_result_ PGresult *res = NULL;
	char sql[128];
	int r = pg_query(p, "SELECT 1 FROM pg_namespace WHERE nspname = $1", 1,
	    args, &res, d);

	(void)snprintf(sql, sizeof(sql), "CREATE SCHEMA \"%s\"", p->schema);
	if (r == 0 && PQntuples(res) == 0)
		r = pg_exec(p, sql, d);
	if (r == 0)
		r = pg_exec(p, audit_postgresql.tables, d);
	if (r == 0)
		r = pg_exec(p, audit_postgresql.views, d);
	(void)snprintf(sql, sizeof(sql), "COMMENT ON TABLE log IS '" MARK "%d'",
	    AUDIT_USER_VERSION);
	return r == 0 ? pg_exec(p, sql, d) : r;
}

/* The indexes come with the commit, see pg_settle(). */
static int
pg_indexes(struct audit_db *db, struct diag *d)
{
	(void)db;
	(void)d;
	return 0;
}

/* Importers of a log wait for each other; those who ask do not. */
static int
pg_begin(struct audit_db *db, struct diag *d)
{
	struct pg *p = db->conn;
	char lock[160];
	int r = p->asking ? pg_exec(p, "ROLLBACK", d) : 0;

	(void)snprintf(lock, sizeof(lock),
	    "SELECT pg_advisory_xact_lock(%d, hashtext('%s'))",
	    AUDIT_APPLICATION_ID, p->schema);
	p->asking = false;
	p->transaction++;
	pg_forget(p);
	if (r == 0)
		r = pg_exec(p, "BEGIN", d);
	return r == 0 ? pg_exec(p, lock, d) : r;
}

static int
pg_commit(struct audit_db *db, struct diag *d)
{
	struct pg *p = db->conn;
	int r = pg_settle(p, d);

	if (r == 0)
		r = pg_exec(p, "COMMIT", d);
	if (r == 0)
		pg_forget(p);
	return r;
}

static void
pg_rollback(struct audit_db *db)
{
	struct pg *p = db->conn;

	pg_forget(p);
	if (PQstatus(p->conn) == CONNECTION_OK)
		PQclear(PQexec(p->conn, "ROLLBACK"));
}

/* --- a rebuild: the rows' place is where they were ------------------------ */

static int
pg_anew(const char *name, char **ret, struct diag *d)
{
	*ret = strdup(name);
	return *ret != NULL ? 0 : diag_nomem(d);
}

static int
pg_replace(const char *filled, const char *name, struct diag *d)
{
	(void)filled;
	(void)name;
	(void)d;
	return 0;
}

static void
pg_discard(const char *filled)
{
	(void)filled;
}

const struct audit_engine audit_pg_engine = {
	.open = pg_open,
	.close = pg_close,
	.kind = pg_kind,
	.missing = pg_missing,
	.create = pg_create,
	.indexes = pg_indexes,
	.begin = pg_begin,
	.commit = pg_commit,
	.rollback = pg_rollback,
	.insert = pg_insert,
	.find = pg_find,
	.anew = pg_anew,
	.empty = pg_empty,
	.replace = pg_replace,
	.discard = pg_discard,
	.ask = pg_ask,
	.next = pg_next,
	.done = pg_done,
	.text = pg_text,
	.number = pg_number,
	.null = pg_null,
	.is_number = pg_is_number,
	.name = pg_name,
	.columns = pg_columns,
};
