/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/audit_view.h"

#include <inttypes.h>
#include <string.h>

#include "host-tools/audit_store.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/merkle.h"

#define PATH_PART_MAX 64u

void
audit_view_done(struct audit_view *a)
{
	tlog_free(&a->log);
	close_fdp(&a->dirfd);
	audit_db_close(&a->db);
	free(a->head.note);
	a->head.note = NULL;
}

/* The folder beside the database, which must be of the same state. */
static int
open_tiles(const struct audit_where *w, struct audit_view *a, struct diag *d)
{
	_cleanup_free_ uint8_t *note = NULL;
	size_t len;
	int r;

	r = audit_store_open_read(w, &a->dirfd, d);
	if (r == 0)
		r = file_read(a->dirfd, "checkpoint", NOTE_MAX, &note, &len, d);
	if (r != 0)
		return r;
	if (len != strlen(a->head.note) || memcmp(note, a->head.note, len) != 0)
		return diag_fail(d, CS_E_AUDIT_STORE,
		    "the checkpoint that the database accepted last",
		    "another one beside %.80s", w->db);
	return tlog_open_at(a->dirfd, a->head.c.size, &a->log, d);
}

int
audit_view_open(const struct audit_where *w, struct audit_view *ret,
    struct diag *d)
{
	_cleanup_audit_view_ struct audit_view a = AUDIT_VIEW_INIT;
	int r;

	r = audit_db_open_read(w->db, &a.keys, &a.db, d);
	if (r == 0)
		r = audit_db_head(a.db, &a.head, d);
	if (r == 0 && !a.head.any)
		r = diag_fail(d, CS_E_AUDIT_EMPTY, "an accepted checkpoint",
		    "none in %.80s", w->db);
	if (r == 0)
		r = open_tiles(w, &a, d);
	if (r != 0)
		return r;
	*ret = a;
	a = (struct audit_view)AUDIT_VIEW_INIT;
	return 0;
}

/* Its hash tile agrees; and the proof says that this one is in the tree. */
int
audit_view_line(struct audit_view *a, uint64_t idx, char **ret, size_t *ret_len,
    struct diag *d)
{
	_cleanup_free_ uint8_t *leaf = NULL;
	uint8_t proof[MERKLE_MAX_PROOF][32], hash[32];
	char *line;
	size_t n;
	int r;

	r = tlog_read_leaf(a->log, idx, &leaf, ret_len, d);
	if (r == 0)
		r = tlog_inclusion(a->log, idx, a->head.c.size, proof, &n, d);
	if (r != 0)
		return r;
	if (merkle_leaf_hash(leaf, *ret_len, hash) != 0 ||
	    merkle_verify_inclusion(idx, a->head.c.size, hash,
		(const uint8_t(*)[32])proof, n, a->head.c.root) != 0)
		return diag_fail(d, CS_E_LOG_TAMPER,
		    "a leaf below the checkpoint's root",
		    "leaf %" PRIu64 " is not", idx);
	line = realloc(leaf, *ret_len + 1);
	if (line == NULL)
		return diag_nomem(d);
	line[*ret_len] = '\0';
	leaf = NULL;
	*ret = line;
	return 0;
}

int
audit_view_leaf(struct audit_view *a, uint64_t idx, json_t **ret,
    struct diag *d)
{
	_cleanup_free_ char *line = NULL;
	size_t len;
	int r;

	r = audit_view_line(a, idx, &line, &len, d);
	return r != 0 ? r : json_load_strict(line, len - 1, len, ret, d);
}

json_t *
leaf_get(const json_t *leaf, const char *path)
{
	char part[PATH_PART_MAX];
	const char *dot;
	size_t n;

	for (; leaf != NULL; path = dot + 1) {
		dot = strchrnul(path, '.');
		n = (size_t)(dot - path);
		if (n >= sizeof(part))
			return NULL;
		memcpy(part, path, n);
		part[n] = '\0';
		leaf = json_object_get(leaf, part);
		if (*dot == '\0')
			break;
	}
	return (json_t *)(uintptr_t)leaf;
}

const char *
leaf_text(const json_t *leaf, const char *path)
{
	const char *s = json_string_value(leaf_get(leaf, path));

	return s != NULL ? s : "";
}

uint64_t
leaf_number(const json_t *leaf, const char *path)
{
	json_int_t v = json_integer_value(leaf_get(leaf, path));

	return v < 0 ? 0 : (uint64_t)v;
}
