/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/audit_db.h"

#include <string.h>

#include "host-tools/audit_db_private.h"
#include "host-tools/audit_where.h"

const struct audit_table_info audit_tables[AUDIT_TABLE_COUNT] = {
#define X(id, name, columns) [AUDIT_##id] = { name, columns },
	AUDIT_TABLES(X)
#undef X
};

const struct audit_find_info audit_finds[AUDIT_FIND_COUNT] = {
	[FIND_WORD] = { "SELECT id FROM word WHERE word = $1", 1 },
	[FIND_REQUEST] = { "SELECT id FROM request"
			   " WHERE request = $1 AND sha256 = $2",
	    2 },
	[FIND_REQUEST_ANY] = { "SELECT max(id) FROM request"
			       " WHERE request = $1",
	    1 },
	[FIND_TRACE] = { "SELECT id FROM trace WHERE sha256 = $1", 1 },
	[FIND_POLICY] = { "SELECT id FROM policy WHERE sha256 = $1", 1 },
	[FIND_FORK] = { "SELECT 1 FROM fork WHERE sha256 = $1", 1 },
};

void
audit_db_close(struct audit_db **dbp)
{
	struct audit_db *db = *dbp;

	if (db == NULL)
		return;
	audit_db_rollback(db);
	db->engine->close(db);
	free(db);
	*dbp = NULL;
}

int
audit_db_begin(struct audit_db *db, struct diag *d)
{
	int r = db->engine->begin(db, d);

	db->open = r == 0;
	return r;
}

int
audit_db_commit(struct audit_db *db, struct diag *d)
{
	int r = db->engine->commit(db, d);

	if (r == 0)
		db->open = false;
	return r;
}

void
audit_db_rollback(struct audit_db *db)
{
	if (db->open)
		db->engine->rollback(db);
	db->open = false;
	audit_words_forget(db);
	audit_row_free(&db->leaf);
}

static int
open_any(const char *name, bool write, struct audit_db **ret, bool *ret_new,
    struct diag *d)
{
	_cleanup_audit_db_ struct audit_db *db = calloc(1, sizeof(*db));
	int r;

	if (db == NULL)
		return diag_nomem(d);
	db->engine =
	    audit_where_server(name) ? &audit_pg_engine : &audit_sqlite_engine;
	r = db->engine->open(db, name, write, d);
	if (r == 0)
		r = db->engine->kind(db, ret_new, d);
	if (r == 0)
		*ret = take_ptr(db);
	return r;
}

/* Tables and the log's name, unless another import was faster. */
static int
begin_new(struct audit_db *db, const struct note_vkeys *keys, struct diag *d)
{
	char text[NOTE_VKEYS_TEXT_MAX];
	struct audit_cell row[3] = { cell_int(1) };
	bool fresh = true;
	int r;

	note_vkeys_format(keys, text);
	row[1] = cell_text(keys->v[0].name, strlen(keys->v[0].name));
	row[2] = cell_text(text, strlen(text));
	r = audit_db_begin(db, d);
	if (r == 0)
		r = db->engine->kind(db, &fresh, d);
	if (r == 0 && fresh)
		r = db->engine->create(db, d);
	if (r == 0 && fresh)
		r = audit_db_insert(db, AUDIT_LOG, row, d);
	return r == 0 ? audit_db_commit(db, d) : r;
}

static int
read_keys(struct audit_db *db, struct note_vkeys *ret, struct diag *d)
{
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	const char *text;
	bool any = false;
	int r;

	r = audit_rows_first(db, "SELECT vkey FROM log WHERE id = 1", NULL, 0,
	    &q, &any, d);
	if (r != 0)
		return r;
	if (!any)
		return diag_fail(d, CS_E_AUDIT_DB_FORMAT,
		    "the verifier keys of a log", "none");
	text = audit_rows_text(q, 0);
	return note_vkeys_parse(text, strlen(text), ret, d);
}

int
audit_db_open(const char *name, const struct note_vkeys *keys,
    struct audit_db **ret, struct diag *d)
{
	_cleanup_audit_db_ struct audit_db *db = NULL;
	char was[NOTE_VKEYS_TEXT_MAX], is[NOTE_VKEYS_TEXT_MAX];
	struct note_vkeys stored;
	bool fresh = false;
	int r;

	r = open_any(name, true, &db, &fresh, d);
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
audit_db_open_read(const char *name, struct note_vkeys *ret_keys,
    struct audit_db **ret, struct diag *d)
{
	_cleanup_audit_db_ struct audit_db *db = NULL;
	bool fresh = false;
	int r;

	r = open_any(name, false, &db, &fresh, d);
	if (r == 0 && fresh)
		r = db->engine->missing(db, d);
	if (r == 0)
		r = read_keys(db, ret_keys, d);
	if (r != 0)
		return r;
	*ret = take_ptr(db);
	return 0;
}

int
audit_db_open_anew(const char *name, const struct note_vkeys *keys,
    struct audit_anew *ret, struct diag *d)
{
	_cleanup_(audit_anew_done) struct audit_anew a = { .name = name };
	int r;

	a.engine =
	    audit_where_server(name) ? &audit_pg_engine : &audit_sqlite_engine;
	r = a.engine->anew(name, &a.filled, d);
	if (r == 0)
		r = audit_db_open(a.filled, keys, &a.db, d);
	if (r == 0)
		r = audit_db_begin(a.db, d);
	if (r == 0)
		r = a.engine->empty(a.db, d);
	if (r != 0)
		return r;
	*ret = a;
	a = (struct audit_anew){ .name = NULL };
	return 0;
}

int
audit_anew_commit(struct audit_anew *a, struct diag *d)
{
	int r = audit_db_commit(a->db, d);

	audit_db_close(&a->db);
	if (r == 0)
		r = a->engine->replace(a->filled, a->name, d);
	if (r != 0)
		return r;
	free(take_ptr(a->filled));
	return 0;
}

void
audit_anew_done(struct audit_anew *a)
{
	audit_db_close(&a->db);
	if (a->filled != NULL)
		a->engine->discard(a->filled);
	free(take_ptr(a->filled));
}
