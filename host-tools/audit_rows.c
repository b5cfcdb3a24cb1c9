/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of an auditor's database; audit_db.c opens it. */
#include <string.h>

#include "host-tools/audit_db_private.h"
#include "lib/canon.h"
#include "lib/merkle.h"

#define FIELD_MAX 1024u

/* Optional strings of a leaf; their columns follow ?5 in this order. */
static const char *const fields[] = {
	"data.person",
	"data.request",
	"data.product",
	"data.version",
	"data.key",
	"data.artifact",
	"data.signature_sha256",
	"data.check",
	"data.medium",
};

#define FIRST_FIELD 6

static const char insert_leaf[] =
    "INSERT INTO leaf(idx, hash, event, boot, claimed, person, request,"
    " product, version, \"key\", artifact, signature_sha256, \"check\","
    " medium) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
    " ?13, ?14)";

static const char indexes[] =
    "CREATE INDEX IF NOT EXISTS leaf_event ON leaf(event);"
    "CREATE INDEX IF NOT EXISTS leaf_request ON leaf(request)"
    " WHERE request IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS leaf_person ON leaf(person)"
    " WHERE person IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS leaf_artifact ON leaf(artifact)"
    " WHERE artifact IS NOT NULL;";

/* The fields that every leaf has (lib/PROTOCOL.log, section 3). */
static int
bind_required(sqlite3_stmt *s, const char *leaf, size_t len, struct diag *d)
{
	char event[FIELD_MAX];
	uint64_t boot, claimed;
	int r;

	r = canon_get_str(leaf, len, "event", event, sizeof(event), d);
	if (r == 0)
		r = canon_get_u64(leaf, len, "boot", &boot, d);
	if (r == 0)
		r = canon_get_u64(leaf, len, "time.claimed", &claimed, d);
	if (r != 0)
		return r;
	if (sqlite3_bind_text(s, 3, event, -1, SQLITE_TRANSIENT) != SQLITE_OK ||
	    sqlite3_bind_int64(s, 4, (sqlite3_int64)boot) != SQLITE_OK ||
	    sqlite3_bind_int64(s, 5, (sqlite3_int64)claimed) != SQLITE_OK)
		return diag_nomem(d);
	return 0;
}

static int
bind_optional(sqlite3_stmt *s, const char *leaf, size_t len, struct diag *d)
{
	char text[FIELD_MAX];
	enum canon_kind kind;
	const char *v;
	size_t i, n;
	int rc;

	for (i = 0; i < ARRAY_LEN(fields); i++) {
		if (canon_get(leaf, len, fields[i], &kind, &v, &n) != 0 ||
		    kind != CANON_STR ||
		    canon_unescape(v, n, text, sizeof(text)) != 0)
			rc = sqlite3_bind_null(s, FIRST_FIELD + (int)i);
		else
			rc = sqlite3_bind_text(s, FIRST_FIELD + (int)i, text,
			    -1, SQLITE_TRANSIENT);
		if (rc != SQLITE_OK)
			return diag_nomem(d);
	}
	return 0;
}

int
audit_db_add_leaf(struct audit_db *db, uint64_t idx, const char *leaf,
    size_t len, const uint8_t hash[32], struct diag *d)
{
	sqlite3_stmt *s;
	int r;

	if (db->add_leaf == NULL) {
		r = audit_db_prepare(db, insert_leaf, &db->add_leaf, d);
		if (r != 0)
			return r;
	}
	s = db->add_leaf;
	(void)sqlite3_reset(s);
	if (sqlite3_bind_int64(s, 1, (sqlite3_int64)idx) != SQLITE_OK ||
	    sqlite3_bind_blob(s, 2, hash, 32, SQLITE_TRANSIENT) != SQLITE_OK)
		return audit_db_fail(db, "leaf", d);
	r = bind_required(s, leaf, len, d);
	if (r == 0)
		r = bind_optional(s, leaf, len, d);
	if (r != 0)
		return r;
	if (sqlite3_step(s) != SQLITE_DONE)
		return audit_db_fail(db, "leaf", d);
	(void)sqlite3_reset(s);
	return 0;
}

int
audit_db_add_checkpoint(struct audit_db *db, const struct checkpoint *c,
    const char *note, size_t len, struct diag *d)
{
	_cleanup_stmt_ sqlite3_stmt *s = NULL;
	int r;

	r = audit_db_prepare(db,
	    "INSERT INTO checkpoint(size, root, note)"
	    " VALUES (?1, ?2, ?3)",
	    &s, d);
	if (r != 0)
		return r;
	if (sqlite3_bind_int64(s, 1, (sqlite3_int64)c->size) != SQLITE_OK ||
	    sqlite3_bind_blob(s, 2, c->root, 32, SQLITE_STATIC) != SQLITE_OK ||
	    sqlite3_bind_text(s, 3, note, (int)len, SQLITE_STATIC) !=
		SQLITE_OK ||
	    sqlite3_step(s) != SQLITE_DONE)
		return audit_db_fail(db, "checkpoint", d);
	return audit_db_exec(db, indexes, d);
}

int
audit_db_add_fork(struct audit_db *db, const char *stored, size_t slen,
    const char *other, size_t olen, struct diag *d)
{
	_cleanup_stmt_ sqlite3_stmt *s = NULL;
	int r;

	r = audit_db_prepare(db,
	    "INSERT OR IGNORE INTO fork(stored, other)"
	    " VALUES (?1, ?2)",
	    &s, d);
	if (r != 0)
		return r;
	if (sqlite3_bind_text(s, 1, stored, (int)slen, SQLITE_STATIC) !=
		SQLITE_OK ||
	    sqlite3_bind_text(s, 2, other, (int)olen, SQLITE_STATIC) !=
		SQLITE_OK ||
	    sqlite3_step(s) != SQLITE_DONE)
		return audit_db_fail(db, "fork", d);
	return 0;
}

int
audit_db_head(struct audit_db *db, struct audit_head *ret, struct diag *d)
{
	_cleanup_stmt_ sqlite3_stmt *s = NULL;
	struct note_vkeys keys;
	const char *text;
	int r, rc;

	memset(ret, 0, sizeof(*ret));
	r = audit_db_prepare(db,
	    "SELECT note, vkey FROM checkpoint, log"
	    " ORDER BY size DESC LIMIT 1",
	    &s, d);
	if (r != 0)
		return r;
	rc = sqlite3_step(s);
	if (rc == SQLITE_DONE)
		return 0;
	if (rc != SQLITE_ROW)
		return audit_db_fail(db, "checkpoint", d);
	text = (const char *)sqlite3_column_text(s, 1);
	if (text == NULL)
		return diag_nomem(d);
	r = note_vkeys_parse(text, strlen(text), &keys, d);
	text = (const char *)sqlite3_column_text(s, 0);
	if (r == 0 && text != NULL)
		r = note_verify(text, strlen(text), keys.v, keys.n, &ret->c, d);
	if (r != 0)
		return r;
	ret->note = text != NULL ? strdup(text) : NULL;
	if (ret->note == NULL)
		return diag_nomem(d);
	ret->any = true;
	return 0;
}

int
audit_db_root(struct audit_db *db, uint64_t size, uint8_t ret[32],
    struct diag *d)
{
	_cleanup_stmt_ sqlite3_stmt *s = NULL;
	struct merkle_range m = { 0 };
	int r, rc;

	r = audit_db_prepare(db,
	    "SELECT idx, hash FROM leaf WHERE idx < ?1"
	    " ORDER BY idx",
	    &s, d);
	if (r != 0)
		return r;
	if (sqlite3_bind_int64(s, 1, (sqlite3_int64)size) != SQLITE_OK)
		return audit_db_fail(db, "leaves", d);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		if ((uint64_t)sqlite3_column_int64(s, 0) != m.size ||
		    sqlite3_column_bytes(s, 1) != 32)
			break;
		r = merkle_range_append(&m, sqlite3_column_blob(s, 1));
		if (r != 0)
			return diag_fail(d, r, NULL, "the stored leaves");
	}
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		return audit_db_fail(db, "leaves", d);
	if (rc == SQLITE_ROW || m.size != size)
		return diag_fail(d, CS_E_AUDIT_DB_FORMAT,
		    "every leaf up to its checkpoint",
		    "leaf %llu is missing or malformed",
		    (unsigned long long)m.size);
	r = merkle_range_root(&m, ret);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "the stored leaves");
}

int
audit_db_counts(struct audit_db *db, struct audit_counts *ret, struct diag *d)
{
	int r;

	r = audit_db_number(db, "SELECT count(*) FROM leaf", &ret->leaves, d);
	if (r == 0)
		r = audit_db_number(db, "SELECT count(*) FROM checkpoint",
		    &ret->checkpoints, d);
	if (r == 0)
		r = audit_db_number(db, "SELECT count(*) FROM fork",
		    &ret->forks, d);
	return r;
}

int
audit_db_each_event(struct audit_db *db,
    int (*fn)(void *arg, const char *event, uint64_t count), void *arg,
    struct diag *d)
{
	_cleanup_stmt_ sqlite3_stmt *s = NULL;
	const char *event;
	int r, rc;

	r = audit_db_prepare(db,
	    "SELECT event, count(*) FROM leaf"
	    " GROUP BY event ORDER BY event",
	    &s, d);
	if (r != 0)
		return r;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		event = (const char *)sqlite3_column_text(s, 0);
		if (event == NULL)
			return diag_nomem(d);
		r = fn(arg, event, (uint64_t)sqlite3_column_int64(s, 1));
		if (r != 0)
			return diag_fail(d, r, NULL, "events");
	}
	return rc == SQLITE_DONE ? 0 : audit_db_fail(db, "events", d);
}
