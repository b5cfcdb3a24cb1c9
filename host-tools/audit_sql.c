/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of an auditor's database, prepared once and used many times. */
#include <stdio.h>
#include <string.h>

#include "host-tools/audit_db_private.h"

static const struct {
	const char *name;
	int columns;
} tables[AUDIT_TABLE_COUNT] = {
#define X(id, name, columns) [AUDIT_##id] = { name, columns },
	AUDIT_TABLES(X)
#undef X
};

static const char *const finds[AUDIT_FIND_COUNT] = {
	[FIND_WORD] = "SELECT id FROM word WHERE word = ?1",
	[FIND_REQUEST] =
	    "SELECT id FROM request WHERE request = ?1 AND sha256 = ?2",
	[FIND_REQUEST_ANY] = "SELECT max(id) FROM request WHERE request = ?1",
	[FIND_TRACE] = "SELECT id FROM trace WHERE sha256 = ?1",
	[FIND_POLICY] = "SELECT id FROM policy WHERE sha256 = ?1",
	[FIND_FORK] = "SELECT 1 FROM fork WHERE sha256 = ?1",
};

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
	if (sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, ret,
		NULL) != SQLITE_OK)
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
prepare_insert(struct audit_db *db, enum audit_table t, struct diag *d)
{
	char sql[64 + 2 * AUDIT_COLUMNS];
	int n, i;

	n = snprintf(sql, sizeof(sql), "INSERT INTO %s VALUES (?",
	    tables[t].name);
	for (i = 1; i < tables[t].columns; i++)
		n += snprintf(sql + n, sizeof(sql) - (size_t)n, ",?");
	(void)snprintf(sql + n, sizeof(sql) - (size_t)n, ")");
	return audit_db_prepare(db, sql, &db->insert[t], d);
}

int
audit_db_insert(struct audit_db *db, enum audit_table t,
    const struct audit_cell *row, struct diag *d)
{
	sqlite3_stmt *s;
	int i, r;

	if (db->insert[t] == NULL && (r = prepare_insert(db, t, d)) != 0)
		return r;
	s = db->insert[t];
	for (i = 0; i < tables[t].columns; i++)
		if (bind(s, i + 1, &row[i]) != SQLITE_OK)
			return audit_db_fail(db, tables[t].name, d);
	r = sqlite3_step(s);
	if (r != SQLITE_DONE)
		r = audit_db_fail(db, tables[t].name, d);
	else
		r = 0;
	(void)sqlite3_reset(s);
	return r;
}

int
audit_db_find(struct audit_db *db, enum audit_find f,
    const struct audit_cell *args, bool *ret_found, int64_t *ret,
    struct diag *d)
{
	sqlite3_stmt *s;
	int i, rc, r = 0;

	if (db->find[f] == NULL &&
	    (r = audit_db_prepare(db, finds[f], &db->find[f], d)) != 0)
		return r;
	s = db->find[f];
	for (i = 0; i < sqlite3_bind_parameter_count(s); i++)
		if (bind(s, i + 1, &args[i]) != SQLITE_OK)
			return audit_db_fail(db, "find", d);
	rc = sqlite3_step(s);
	*ret_found =
	    rc == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL;
	if (*ret_found)
		*ret = sqlite3_column_int64(s, 0);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		r = audit_db_fail(db, "find", d);
	(void)sqlite3_reset(s);
	return r;
}
