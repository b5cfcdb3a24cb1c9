/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/audit_db.h"

#include <stdio.h>
#include <string.h>

#include "host-tools/audit_db_private.h"

#define BUSY_MS 2000

static const char schema[] =
    "CREATE TABLE log(id INTEGER PRIMARY KEY CHECK (id = 1),"
    " vkey TEXT NOT NULL) STRICT;"
    "CREATE TABLE checkpoint(size INTEGER PRIMARY KEY,"
    " root BLOB NOT NULL CHECK (length(root) = 32), note TEXT NOT NULL,"
    " imported INTEGER NOT NULL DEFAULT (unixepoch())) STRICT;"
    "CREATE TABLE leaf(idx INTEGER PRIMARY KEY,"
    " hash BLOB NOT NULL CHECK (length(hash) = 32), event TEXT NOT NULL,"
    " boot INTEGER NOT NULL, claimed INTEGER NOT NULL, person TEXT,"
    " request TEXT, product TEXT, version TEXT, \"key\" TEXT,"
    " artifact TEXT, signature_sha256 TEXT, \"check\" TEXT, medium TEXT)"
    " STRICT;"
    "CREATE TABLE fork(id INTEGER PRIMARY KEY, stored TEXT NOT NULL,"
    " other TEXT NOT NULL, found INTEGER NOT NULL DEFAULT (unixepoch()),"
    " UNIQUE (stored, other)) STRICT;";

int
audit_db_fail(struct audit_db *db, const char *what, struct diag *d)
{
	return diag_fail(d, CS_E_AUDIT_DB, NULL, "%s: %s", what,
	    sqlite3_errmsg(db->sql));
}

int
audit_db_exec(struct audit_db *db, const char *sql, struct diag *d)
{
	if (sqlite3_exec(db->sql, sql, NULL, NULL, NULL) != SQLITE_OK)
		return audit_db_fail(db, "exec", d);
	return 0;
}

int
audit_db_prepare(struct audit_db *db, const char *sql, sqlite3_stmt **ret,
    struct diag *d)
{
	if (sqlite3_prepare_v2(db->sql, sql, -1, ret, NULL) != SQLITE_OK)
		return audit_db_fail(db, "prepare", d);
	return 0;
}

int
audit_db_number(struct audit_db *db, const char *sql, uint64_t *ret,
    struct diag *d)
{
	_cleanup_stmt_ sqlite3_stmt *s = NULL;
	int r = audit_db_prepare(db, sql, &s, d);

	if (r != 0)
		return r;
	if (sqlite3_step(s) != SQLITE_ROW || sqlite3_column_int64(s, 0) < 0)
		return audit_db_fail(db, "count", d);
	*ret = (uint64_t)sqlite3_column_int64(s, 0);
	return 0;
}

void
audit_db_close(struct audit_db **dbp)
{
	struct audit_db *db = *dbp;

	if (db == NULL)
		return;
	(void)sqlite3_finalize(db->add_leaf);
	audit_db_rollback(db);
	(void)sqlite3_close(db->sql);
	free(db);
	*dbp = NULL;
}

int
audit_db_begin(struct audit_db *db, struct diag *d)
{
	int r = audit_db_exec(db, "BEGIN IMMEDIATE", d);

	db->open = r == 0;
	return r;
}

int
audit_db_commit(struct audit_db *db, struct diag *d)
{
	int r = audit_db_exec(db, "COMMIT", d);

	if (r == 0)
		db->open = false;
	return r;
}

void
audit_db_rollback(struct audit_db *db)
{
	if (db->open)
		(void)sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
	db->open = false;
}

/* Ours, or not yet anything: CS_E_AUDIT_DB_FORMAT.  *ret_new: the latter */
static int
check_kind(struct audit_db *db, const char *path, bool *ret_new, struct diag *d)
{
	uint64_t id, version, tables;
	int r;

	r = audit_db_number(db, "PRAGMA application_id", &id, d);
	if (r == 0)
		r = audit_db_number(db, "PRAGMA user_version", &version, d);
	if (r == 0)
		r = audit_db_number(db, "SELECT count(*) FROM sqlite_schema",
		    &tables, d);
	if (r != 0)
		return r;
	*ret_new = id == 0 && version == 0 && tables == 0;
	if (!*ret_new &&
	    (id != AUDIT_APPLICATION_ID || version != AUDIT_USER_VERSION))
		return diag_fail(d, CS_E_AUDIT_DB_FORMAT,
		    "a database that coldseal audit import made, version 1",
		    "%s is another one", path);
	return 0;
}

/* BEGIN, tables and the log's name: committed with the first import. */
static int
begin_new(struct audit_db *db, const struct note_vkeys *keys, struct diag *d)
{
	_cleanup_stmt_ sqlite3_stmt *s = NULL;
	char text[NOTE_VKEYS_TEXT_MAX], pragma[96];
	int r;

	(void)snprintf(pragma, sizeof(pragma),
	    "PRAGMA application_id=%d;"
	    "PRAGMA user_version=%d;",
	    AUDIT_APPLICATION_ID, AUDIT_USER_VERSION);
	r = audit_db_begin(db, d);
	if (r == 0)
		r = audit_db_exec(db, pragma, d);
	if (r == 0)
		r = audit_db_exec(db, schema, d);
	if (r == 0)
		r = audit_db_prepare(db,
		    "INSERT INTO log(id, vkey) VALUES (1, ?1)", &s, d);
	if (r != 0)
		return r;
	note_vkeys_format(keys, text);
	if (sqlite3_bind_text(s, 1, text, -1, SQLITE_STATIC) != SQLITE_OK ||
	    sqlite3_step(s) != SQLITE_DONE)
		return audit_db_fail(db, "log", d);
	(void)sqlite3_finalize(take_ptr(s));
	return audit_db_commit(db, d);
}

static int
read_keys(struct audit_db *db, struct note_vkeys *ret, struct diag *d)
{
	_cleanup_stmt_ sqlite3_stmt *s = NULL;
	const char *text;
	int r;

	r = audit_db_prepare(db, "SELECT vkey FROM log WHERE id = 1", &s, d);
	if (r != 0)
		return r;
	if (sqlite3_step(s) != SQLITE_ROW ||
	    (text = (const char *)sqlite3_column_text(s, 0)) == NULL)
		return diag_fail(d, CS_E_AUDIT_DB_FORMAT,
		    "the verifier keys of a log", "none");
	return note_vkeys_parse(text, strlen(text), ret, d);
}

static int
open_any(const char *path, int flags, struct audit_db **ret, bool *ret_new,
    struct diag *d)
{
	_cleanup_audit_db_ struct audit_db *db = calloc(1, sizeof(*db));
	int r;

	if (db == NULL)
		return diag_nomem(d);
	if (sqlite3_open_v2(path, &db->sql, flags | SQLITE_OPEN_EXRESCODE,
		NULL) != SQLITE_OK)
		return diag_fail(d, CS_E_AUDIT_DB, NULL, "%s: %s", path,
		    db->sql != NULL ? sqlite3_errmsg(db->sql) : "no memory");
	(void)sqlite3_busy_timeout(db->sql, BUSY_MS);
	/* a file from elsewhere must not run its own triggers and views */
	(void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0,
	    NULL);
	(void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0,
	    NULL);
	r = check_kind(db, path, ret_new, d);
	if (r != 0)
		return r;
	*ret = take_ptr(db);
	return 0;
}

int
audit_db_open(const char *path, const struct note_vkeys *keys,
    struct audit_db **ret, struct diag *d)
{
	_cleanup_audit_db_ struct audit_db *db = NULL;
	char was[NOTE_VKEYS_TEXT_MAX], is[NOTE_VKEYS_TEXT_MAX];
	struct note_vkeys stored;
	bool fresh = false;
	int r;

	r = open_any(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db,
	    &fresh, d);
	if (r == 0)
		r = audit_db_exec(db,
		    "PRAGMA journal_mode=DELETE;"
		    "PRAGMA synchronous=EXTRA;",
		    d);
	if (r == 0 && fresh)
		r = begin_new(db, keys, d);
	if (r == 0)
		r = read_keys(db, &stored, d);
	if (r != 0)
		return r;
	if (strcmp(stored.v[0].name, keys->v[0].name) != 0)
		return diag_fail(d, CS_E_AUDIT_OTHER_LOG, stored.v[0].name,
		    "the key of %s", keys->v[0].name);
	note_vkeys_format(&stored, was);
	note_vkeys_format(keys, is);
	if (strcmp(was, is) != 0)
		return diag_fail(d, CS_E_AUDIT_OTHER_KEYS,
		    "the keys that it was begun with",
		    "%zu keys that are not the %zu stored ones", keys->n,
		    stored.n);
	*ret = take_ptr(db);
	return 0;
}

int
audit_db_open_read(const char *path, struct note_vkeys *ret_keys,
    struct audit_db **ret, struct diag *d)
{
	_cleanup_audit_db_ struct audit_db *db = NULL;
	bool fresh = false;
	int r;

	/* SQLite falls back to reading; writing undoes an import cut short */
	r = open_any(path, SQLITE_OPEN_READWRITE, &db, &fresh, d);
	if (r == 0)
		r = read_keys(db, ret_keys, d);
	if (r != 0)
		return r;
	*ret = take_ptr(db);
	return 0;
}
