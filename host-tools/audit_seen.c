/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an import has added, by its text: a server need not be asked for it.
 * It lies in a temporary database without a name, which SQLite keeps in memory
 * while it is small, then in a file that nobody else sees.
 */
#include <sqlite3.h>

#include "host-tools/audit_pg_private.h"

enum { SEEN_ADD, SEEN_FIND, SEEN_FIND_ANY, SEEN_COUNT };

static const char *const statements[SEEN_COUNT] = {
	[SEEN_ADD] = "INSERT OR REPLACE INTO seen VALUES (?1, ?2, ?3, ?4)",
	[SEEN_FIND] = "SELECT id FROM seen WHERE t = ?1 AND a = ?2 AND b = ?3",
	[SEEN_FIND_ANY] = "SELECT max(id) FROM seen WHERE t = ?1 AND a = ?2",
};

struct audit_seen {
	sqlite3 *sql;
	sqlite3_stmt *s[SEEN_COUNT];
};

void
audit_seen_free(struct audit_seen **sp)
{
	struct audit_seen *s = *sp;
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < SEEN_COUNT; i++)
		(void)sqlite3_finalize(s->s[i]);
	(void)sqlite3_close(s->sql);
	free(s);
	*sp = NULL;
}

static int
fail(struct audit_seen *s, struct diag *d)
{
	return diag_fail(d, CS_E_AUDIT_DB, NULL, "a temporary file: %s",
	    sqlite3_errmsg(s->sql));
}

int
audit_seen_new(struct audit_seen **ret, struct diag *d)
{
	_cleanup_(audit_seen_free) struct audit_seen *s = calloc(1, sizeof(*s));
	size_t i;

	if (s == NULL)
		return diag_nomem(d);
	if (sqlite3_open("", &s->sql) != SQLITE_OK ||
	    sqlite3_exec(s->sql,
		"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
		"PRAGMA cache_size=-16384;"
		"CREATE TABLE seen(t INTEGER, a TEXT, b TEXT, id INTEGER,"
		" PRIMARY KEY (a, b, t)) WITHOUT ROWID, STRICT; BEGIN",
		NULL, NULL, NULL) != SQLITE_OK)
		return fail(s, d);
	for (i = 0; i < SEEN_COUNT; i++)
		if (sqlite3_prepare_v3(s->sql, statements[i], -1,
			SQLITE_PREPARE_PERSISTENT, &s->s[i], NULL) != SQLITE_OK)
			return fail(s, d);
	*ret = take_ptr(s);
	return 0;
}

static int
bind(sqlite3_stmt *st, enum audit_table t, const struct audit_cell *a,
    const struct audit_cell *b)
{
	int rc = sqlite3_bind_int(st, 1, (int)t);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(st, 2, a->p, (int)a->n, SQLITE_STATIC);
	if (rc == SQLITE_OK && sqlite3_bind_parameter_count(st) > 2)
		rc = sqlite3_bind_text(st, 3, b != NULL ? b->p : "",
		    b != NULL ? (int)b->n : 0, SQLITE_STATIC);
	return rc;
}

int
audit_seen_add(struct audit_seen *s, enum audit_table t,
    const struct audit_cell *a, const struct audit_cell *b, int64_t id,
    struct diag *d)
{
	sqlite3_stmt *st = s->s[SEEN_ADD];
	int r = 0;

	if (bind(st, t, a, b) != SQLITE_OK ||
	    sqlite3_bind_int64(st, 4, id) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_DONE)
		r = fail(s, d);
	(void)sqlite3_reset(st);
	return r;
}

int
audit_seen_find(struct audit_seen *s, enum audit_table t,
    const struct audit_cell *a, const struct audit_cell *b, bool any,
    bool *ret_found, int64_t *ret, struct diag *d)
{
	sqlite3_stmt *st = s->s[any ? SEEN_FIND_ANY : SEEN_FIND];
	int rc, r = 0;

	rc = bind(st, t, a, b);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	*ret_found =
	    rc == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL;
	if (*ret_found)
		*ret = sqlite3_column_int64(st, 0);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		r = fail(s, d);
	(void)sqlite3_reset(st);
	return r;
}
