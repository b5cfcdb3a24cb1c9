/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints, forks and counts; audit_leaf.c has the rows of a leaf. */
#include <string.h>

#include "host-tools/audit_db_private.h"
#include "lib/hex.h"

#define EDGE_TEXT_MAX ((MERKLE_MAX_LEVEL + 1) * CS_SHA256_HEX + 1)

/* The nodes of a compact range as text, the largest subtree first. */
static void
edge_format(const struct merkle_range *m, char out[EDGE_TEXT_MAX])
{
	unsigned l = MERKLE_MAX_LEVEL + 1;

	*out = '\0';
	while (l-- > 0)
		if ((m->size >> l & 1) != 0) {
			hex_encode(m->node[l], 32, out);
			out += CS_SHA256_HEX;
		}
}

/* Which must hash to the root: a damaged database is no appliance's lie. */
static int
edge_parse(const char *text, const struct checkpoint *c,
    struct merkle_range *ret, struct diag *d)
{
	char digits[CS_SHA256_HEX + 1] = "";
	unsigned l = MERKLE_MAX_LEVEL + 1;
	size_t at = 0, len = strlen(text);
	uint8_t root[32];
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	ret->size = c->size;
	while (r == 0 && l-- > 0) {
		if ((c->size >> l & 1) == 0)
			continue;
		if (len - at < CS_SHA256_HEX) {
			r = CS_E_AUDIT_DB_FORMAT;
			break;
		}
		memcpy(digits, text + at, CS_SHA256_HEX);
		at += CS_SHA256_HEX;
		r = hex_decode(digits, ret->node[l], 32);
	}
	if (r == 0)
		r = merkle_range_root(ret, root);
	if (r != 0 || at != len || memcmp(root, c->root, 32) != 0)
		return diag_fail(d, CS_E_AUDIT_DB_FORMAT,
		    "leaves that add up to the accepted root",
		    "%llu leaves that do not", (unsigned long long)c->size);
	return 0;
}

int
audit_db_add_checkpoint(struct audit_db *db, const struct audit_accepted *a,
    struct diag *d)
{
	char root[CS_SHA256_HEX + 1] = "", edge[EDGE_TEXT_MAX] = "";
	struct audit_cell row[6] = {
		cell_int((int64_t)a->c.size),
		cell_text(root, CS_SHA256_HEX),
		cell_text(a->note, a->note_len),
		cell_int(a->imported),
	};
	int r;

	hex_encode(a->c.root, 32, root);
	edge_format(a->edge, edge);
	if (a->bundle != NULL)
		row[4] = cell_text(a->bundle, strlen(a->bundle));
	row[5] = cell_text(edge, strlen(edge));
	r = audit_db_insert(db, AUDIT_CHECKPOINT, row, d);
	return r == 0 ? db->engine->indexes(db, d) : r;
}

int
audit_db_add_fork(struct audit_db *db, const struct audit_fork *f,
    struct diag *d)
{
	const struct audit_cell row[4] = {
		cell_text(f->sha256, CS_SHA256_HEX),
		cell_text(f->stored, strlen(f->stored)),
		cell_text(f->other, strlen(f->other)),
		cell_int(f->found),
	};
	int64_t one;
	bool found;
	int r = audit_db_find(db, FIND_FORK, row, &found, &one, d);

	if (r != 0 || found)
		return r;
	return audit_db_insert(db, AUDIT_FORK, row, d);
}

/* The checkpoint that q stands at, under the database's own keys. */
static int
read_head(struct audit_rows *q, struct audit_head *ret, struct diag *d)
{
	const char *note = audit_rows_text(q, 0), *vkey = audit_rows_text(q, 1);
	struct note_vkeys keys;
	int r;

	r = note_vkeys_parse(vkey, strlen(vkey), &keys, d);
	if (r == 0)
		r = note_verify(note, strlen(note), keys.v, keys.n, &ret->c, d);
	if (r != 0)
		return r;
	ret->note = strdup(note);
	if (ret->note == NULL)
		return diag_nomem(d);
	ret->any = true;
	return edge_parse(audit_rows_text(q, 2), &ret->c, &ret->edge, d);
}

int
audit_db_head(struct audit_db *db, struct audit_head *ret, struct diag *d)
{
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	bool any = false;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = audit_rows_first(db,
	    "SELECT note, vkey, edge FROM checkpoint, log"
	    " ORDER BY size DESC LIMIT 1",
	    NULL, 0, &q, &any, d);
	return r != 0 || !any ? r : read_head(q, ret, d);
}

int
audit_db_counts(struct audit_db *db, struct audit_counts *ret, struct diag *d)
{
	int r;

	r = audit_ask_number(db, "SELECT count(*) FROM event", NULL, 0,
	    &ret->leaves, d);
	if (r == 0)
		r = audit_ask_number(db, "SELECT count(*) FROM checkpoint",
		    NULL, 0, &ret->checkpoints, d);
	if (r == 0)
		r = audit_ask_number(db, "SELECT count(*) FROM fork", NULL, 0,
		    &ret->forks, d);
	return r;
}

int
audit_db_each_event(struct audit_db *db,
    int (*fn)(void *arg, const char *event, uint64_t count), void *arg,
    struct diag *d)
{
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	bool any = true;
	int r;

	r = audit_rows_open(db,
	    "SELECT w.word, n FROM (SELECT type, count(*) AS n FROM event"
	    " GROUP BY type) AS t JOIN word w ON w.id = type ORDER BY w.word",
	    NULL, 0, &q, d);
	while (r == 0) {
		r = audit_rows_next(q, &any, d);
		if (r != 0 || !any)
			return r;
		r = fn(arg, audit_rows_text(q, 0), audit_rows_number(q, 1));
		if (r != 0)
			r = diag_fail(d, r, NULL, "events");
	}
	return r;
}
