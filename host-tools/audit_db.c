/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/audit_db.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/audit_db_private.h"
#include "lib/file.h"

#define BUSY_MS 2000

void
audit_db_close(struct audit_db **dbp)
{
	struct audit_db *db = *dbp;
	size_t i;

	if (db == NULL)
		return;
	for (i = 0; i < AUDIT_TABLE_COUNT; i++)
		(void)sqlite3_finalize(db->insert[i]);
	for (i = 0; i < AUDIT_FIND_COUNT; i++)
		(void)sqlite3_finalize(db->find[i]);
	audit_db_rollback(db);
	audit_words_free(&db->words);
	audit_row_free(&db->leaf);
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
	audit_words_forget(db);
	audit_row_free(&db->leaf);
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
		    "a database that coldseal audit import made, version 3",
		    "%s is another one", path);
	return 0;
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

/* Tables and the log's name, before the first import. */
static int
begin_new(struct audit_db *db, const struct note_vkeys *keys, struct diag *d)
{
	char text[NOTE_VKEYS_TEXT_MAX], pragma[96];
	struct audit_cell row[3] = { cell_int(1) };
	int r;

	(void)snprintf(pragma, sizeof(pragma),
	    "PRAGMA application_id=%d;"
	    "PRAGMA user_version=%d;",
	    AUDIT_APPLICATION_ID, AUDIT_USER_VERSION);
	note_vkeys_format(keys, text);
	row[1] = cell_text(keys->v[0].name, strlen(keys->v[0].name));
	row[2] = cell_text(text, strlen(text));
	r = audit_db_begin(db, d);
	if (r == 0)
		r = audit_db_exec(db, pragma, d);
	if (r == 0)
		r = audit_db_exec(db, audit_sqlite.tables, d);
	if (r == 0)
		r = audit_db_exec(db, audit_sqlite.views, d);
	if (r == 0)
		r = audit_db_insert(db, AUDIT_LOG, row, d);
	return r == 0 ? audit_db_commit(db, d) : r;
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
		    "PRAGMA synchronous=EXTRA;"
		    "PRAGMA foreign_keys=ON;"
		    "PRAGMA cache_size=-16384;",
		    d);
	if (r == 0 && fresh)
		r = begin_new(db, keys, d);
	if (r == 0 && fresh)
		r = put_datasette(path, d);
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
