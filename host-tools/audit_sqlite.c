/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An auditor's database in an SQLite file.  journal_mode is DELETE (the file
 * can be read from read-only media), synchronous EXTRA.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host-tools/audit_db_private.h"
#include "lib/file.h"

#define BUSY_MS 2000

struct sqlite {
	sqlite3 *sql;
	char *path;
	sqlite3_stmt *insert[AUDIT_TABLE_COUNT]; /* prepared at first use */
	sqlite3_stmt *find[AUDIT_FIND_COUNT];
};

struct sqlite_rows {
	struct audit_rows rows;
	sqlite3_stmt *s;
};

/* Every SQLite error becomes CS_E_AUDIT_DB here. */
static int
fail(struct sqlite *c, const char *what, struct diag *d)
{
	return diag_fail(d, CS_E_AUDIT_DB, NULL, "%s: %s", what,
	    sqlite3_errmsg(c->sql));
}

static int
exec(struct sqlite *c, const char *sql, struct diag *d)
{
	if (sqlite3_exec(c->sql, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail(c, "exec", d);
	return 0;
}

static int
prepare(struct sqlite *c, const char *sql, sqlite3_stmt **ret, struct diag *d)
{
	if (sqlite3_prepare_v3(c->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, ret,
		NULL) != SQLITE_OK)
		return fail(c, "prepare", d);
	return 0;
}

static void
sqlite_close(struct audit_db *db)
{
	struct sqlite *c = db->conn;
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < AUDIT_TABLE_COUNT; i++)
		(void)sqlite3_finalize(c->insert[i]);
	for (i = 0; i < AUDIT_FIND_COUNT; i++)
		(void)sqlite3_finalize(c->find[i]);
	(void)sqlite3_close(c->sql);
	free(c->path);
	free(c);
}

static int
sqlite_open(struct audit_db *db, const char *name, bool write, struct diag *d)
{
	/* SQLite falls back to reading; writing undoes an import cut short */
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE |
	    (write ? SQLITE_OPEN_CREATE : 0);
	struct sqlite *c = calloc(1, sizeof(*c));

	db->conn = c;
	if (c == NULL || (c->path = strdup(name)) == NULL)
		return diag_nomem(d);
	if (sqlite3_open_v2(name, &c->sql, flags, NULL) != SQLITE_OK)
		return diag_fail(d, CS_E_AUDIT_DB, NULL, "%s: %s", name,
		    c->sql != NULL ? sqlite3_errmsg(c->sql) : "no memory");
	(void)sqlite3_busy_timeout(c->sql, BUSY_MS);
	/* a file from elsewhere must not run its own triggers and views */
	(void)sqlite3_db_config(c->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(c->sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0,
	    NULL);
	(void)sqlite3_db_config(c->sql, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0,
	    NULL);
	return 0;
}

static int
sqlite_kind(struct audit_db *db, bool *ret_new, struct diag *d)
{
	struct sqlite *c = db->conn;
	uint64_t id, version, tables;
	int r;

	r = audit_ask_number(db, "PRAGMA application_id", NULL, 0, &id, d);
	if (r == 0)
		r = audit_ask_number(db, "PRAGMA user_version", NULL, 0,
		    &version, d);
	if (r == 0)
		r = audit_ask_number(db, "SELECT count(*) FROM sqlite_schema",
		    NULL, 0, &tables, d);
	if (r != 0)
		return r;
	*ret_new = id == 0 && version == 0 && tables == 0;
	if (!*ret_new &&
	    (id != AUDIT_APPLICATION_ID || version != AUDIT_USER_VERSION))
		return diag_fail(d, CS_E_AUDIT_DB_FORMAT,
		    "a database that coldseal audit import made, version 2",
		    "%s is another one", c->path);
	return 0;
}

static int
sqlite_missing(struct audit_db *db, struct diag *d)
{
	const struct sqlite *c = db->conn;

	return diag_fail(d, CS_E_AUDIT_EMPTY, "a log in it", "%s is empty",
	    c->path);
}

/*
 * datasette.yaml in the database's folder, unless there is one.  Datasette
 * calls a database what its file is called before the last dot.
 */
static int
put_datasette(const char *path, struct diag *d)
{
	const char *slash = strrchr(path, '/'), *name, *dot;
	_cleanup_free_ char *yaml = NULL, *text = NULL, *stem = NULL;

	/* a database in memory has no folder */
	if (path[0] == ':')
		return 0;
	name = slash != NULL ? slash + 1 : path;
	dot = strrchr(name, '.');
	stem = strndup(name, dot != NULL ? (size_t)(dot - name) : strlen(name));
	if (asprintf(&yaml, "%.*sdatasette.yaml", (int)(name - path), path) < 0)
		yaml = NULL;
	if (yaml == NULL || stem == NULL)
		return diag_nomem(d);
	/* what would need more than quotes in YAML is left to its owner */
	if (file_exists(AT_FDCWD, yaml) || strpbrk(stem, "\"\\\n\t") != NULL)
		return 0;
	if (asprintf(&text, "%s%s%s", audit_datasette[0], stem,
		audit_datasette[1]) < 0) {
		text = NULL;
		return diag_nomem(d);
	}
	return file_write_atomic(AT_FDCWD, yaml, text, strlen(text), 0644, d);
}

static int
sqlite_create(struct audit_db *db, struct diag *d)
{
	struct sqlite *c = db->conn;
	char pragma[96];
	int r;

	(void)snprintf(pragma, sizeof(pragma),
	    "PRAGMA application_id=%d;"
	    "PRAGMA user_version=%d;",
	    AUDIT_APPLICATION_ID, AUDIT_USER_VERSION);
	r = exec(c, pragma, d);
	if (r == 0)
		r = exec(c, audit_sqlite.tables, d);
	if (r == 0)
		r = exec(c, audit_sqlite.views, d);
	return r == 0 ? put_datasette(c->path, d) : r;
}

static int
sqlite_indexes(struct audit_db *db, struct diag *d)
{
	return exec(db->conn, audit_sqlite.indexes, d);
}

static int
sqlite_begin(struct audit_db *db, struct diag *d)
{
	int r = exec(db->conn,
	    "PRAGMA journal_mode=DELETE;"
	    "PRAGMA synchronous=EXTRA;"
	    "PRAGMA foreign_keys=ON;"
	    "PRAGMA cache_size=-16384;",
	    d);

	return r == 0 ? exec(db->conn, "BEGIN IMMEDIATE", d) : r;
}

static int
sqlite_commit(struct audit_db *db, struct diag *d)
{
	return exec(db->conn, "COMMIT", d);
}

static void
sqlite_rollback(struct audit_db *db)
{
	struct sqlite *c = db->conn;

	(void)sqlite3_exec(c->sql, "ROLLBACK", NULL, NULL, NULL);
}

static int
bind(sqlite3_stmt *s, int at, const struct audit_cell *c)
{
	switch (c->kind) {
	case CELL_INT:
		return sqlite3_bind_int64(s, at, c->i);
	case CELL_TEXT:
		return sqlite3_bind_text(s, at, c->p, (int)c->n, SQLITE_STATIC);
	case CELL_NULL:
	default:
		return sqlite3_bind_null(s, at);
	}
}

/* "INSERT INTO t VALUES (?,?,...)" */
static int
prepare_insert(struct sqlite *c, enum audit_table t, struct diag *d)
{
	char sql[64 + 2 * AUDIT_COLUMNS];
	int n, i;

	n = snprintf(sql, sizeof(sql), "INSERT INTO %s VALUES (?",
	    audit_tables[t].name);
	for (i = 1; i < audit_tables[t].columns; i++)
		n += snprintf(sql + n, sizeof(sql) - (size_t)n, ",?");
	(void)snprintf(sql + n, sizeof(sql) - (size_t)n, ")");
	return prepare(c, sql, &c->insert[t], d);
}

static int
sqlite_insert(struct audit_db *db, enum audit_table t,
    const struct audit_cell *row, struct diag *d)
{
	struct sqlite *c = db->conn;
	sqlite3_stmt *s;
	int i, r;

	if (c->insert[t] == NULL && (r = prepare_insert(c, t, d)) != 0)
		return r;
	s = c->insert[t];
	for (i = 0; i < audit_tables[t].columns; i++)
		if (bind(s, i + 1, &row[i]) != SQLITE_OK)
			return fail(c, audit_tables[t].name, d);
	r = sqlite3_step(s);
	if (r != SQLITE_DONE)
		r = fail(c, audit_tables[t].name, d);
	else
		r = 0;
	(void)sqlite3_reset(s);
	return r;
}

static int
sqlite_find(struct audit_db *db, enum audit_find f,
    const struct audit_cell *args, bool *ret_found, int64_t *ret,
    struct diag *d)
{
	struct sqlite *c = db->conn;
	sqlite3_stmt *s;
	int i, rc, r = 0;

	if (c->find[f] == NULL &&
	    (r = prepare(c, audit_finds[f].sql, &c->find[f], d)) != 0)
		return r;
	s = c->find[f];
	for (i = 0; i < audit_finds[f].args; i++)
		if (bind(s, i + 1, &args[i]) != SQLITE_OK)
			return fail(c, "find", d);
	rc = sqlite3_step(s);
	*ret_found =
	    rc == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL;
	if (*ret_found)
		*ret = sqlite3_column_int64(s, 0);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		r = fail(c, "find", d);
	(void)sqlite3_reset(s);
	return r;
}

/* --- a rebuild: a new file, which takes the old one's place --------------- */

static int
sqlite_anew(const char *name, char **ret, struct diag *d)
{
	if (asprintf(ret, "%s.rebuild", name) < 0) {
		*ret = NULL;
		return diag_nomem(d);
	}
	(void)unlink(*ret);
	return 0;
}

static int
sqlite_empty(struct audit_db *db, struct diag *d)
{
	(void)db;
	(void)d;
	return 0;
}

static int
sqlite_replace(const char *filled, const char *name, struct diag *d)
{
	return rename(filled, name) == 0 ?
	    0 :
	    diag_errno(d, CS_E_IO, "rename to %s", name);
}

static void
sqlite_discard(const char *filled)
{
	(void)unlink(filled);
}

/* --- questions ------------------------------------------------------------ */

static void
sqlite_done(struct audit_rows *rows)
{
	struct sqlite_rows *q = (struct sqlite_rows *)rows;

	(void)sqlite3_finalize(q->s);
	free(q);
}

static int
sqlite_ask(struct audit_db *db, const char *sql, const struct audit_arg *args,
    size_t n, struct audit_rows **ret, struct diag *d)
{
	_cleanup_audit_rows_ struct audit_rows *rows = NULL;
	struct sqlite_rows *q = calloc(1, sizeof(*q));
	size_t i;
	int r, rc;

	if (q == NULL)
		return diag_nomem(d);
	rows = &q->rows;
	rows->db = db;
	r = prepare(db->conn, sql, &q->s, d);
	if (r != 0)
		return r;
	for (i = 0; i < n; i++) {
		rc = args[i].text != NULL ?
		    sqlite3_bind_text(q->s, (int)i + 1, args[i].text, -1,
			SQLITE_STATIC) :
		    sqlite3_bind_int64(q->s, (int)i + 1,
			(sqlite3_int64)args[i].number);
		if (rc != SQLITE_OK)
			return fail(db->conn, "a question", d);
	}
	*ret = take_ptr(rows);
	return 0;
}

static int
sqlite_next(struct audit_rows *rows, bool *ret_any, struct diag *d)
{
	struct sqlite_rows *q = (struct sqlite_rows *)rows;
	int rc = sqlite3_step(q->s);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return fail(rows->db->conn, "a question", d);
	*ret_any = rc == SQLITE_ROW;
	return 0;
}

static const char *
sqlite_text(struct audit_rows *rows, int column)
{
	struct sqlite_rows *q = (struct sqlite_rows *)rows;
	const void *t = sqlite3_column_text(q->s, column);

	return t != NULL ? t : "";
}

static int64_t
sqlite_number(struct audit_rows *rows, int column)
{
	return sqlite3_column_int64(((struct sqlite_rows *)rows)->s, column);
}

static bool
sqlite_null(struct audit_rows *rows, int column)
{
	return sqlite3_column_type(((struct sqlite_rows *)rows)->s, column) ==
	    SQLITE_NULL;
}

static bool
sqlite_is_number(struct audit_rows *rows, int column)
{
	return sqlite3_column_type(((struct sqlite_rows *)rows)->s, column) ==
	    SQLITE_INTEGER;
}

static const char *
sqlite_name(struct audit_rows *rows, int column)
{
	return sqlite3_column_name(((struct sqlite_rows *)rows)->s, column);
}

static int
sqlite_columns(struct audit_rows *rows)
{
	return sqlite3_column_count(((struct sqlite_rows *)rows)->s);
}

const struct audit_engine audit_sqlite_engine = {
	.open = sqlite_open,
	.close = sqlite_close,
	.kind = sqlite_kind,
	.missing = sqlite_missing,
	.create = sqlite_create,
	.indexes = sqlite_indexes,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.insert = sqlite_insert,
	.find = sqlite_find,
	.anew = sqlite_anew,
	.empty = sqlite_empty,
	.replace = sqlite_replace,
	.discard = sqlite_discard,
	.ask = sqlite_ask,
	.next = sqlite_next,
	.done = sqlite_done,
	.text = sqlite_text,
	.number = sqlite_number,
	.null = sqlite_null,
	.is_number = sqlite_is_number,
	.name = sqlite_name,
	.columns = sqlite_columns,
};
