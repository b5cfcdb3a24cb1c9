/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a leaf as cells of a row. */
#include <string.h>

#include "host-tools/audit_leaf_private.h"

void
audit_row_free(struct audit_row **x)
{
	if (*x == NULL)
		return;
	free((*x)->text);
	free((*x)->trace);
	free(*x);
	*x = NULL;
}

int
audit_leaf_begin(struct audit_db *db, uint64_t idx, struct audit_row **ret,
    struct diag *d)
{
	struct audit_row *x = db->leaf;

	if (x == NULL) {
		x = calloc(1, sizeof(*x));
		if (x == NULL)
			return diag_nomem(d);
		x->text = malloc(CANON_MAX);
		x->trace = malloc(CANON_MAX);
		db->leaf = x;
		if (x->text == NULL || x->trace == NULL)
			return diag_nomem(d);
	}
	x->db = db;
	x->idx = (int64_t)idx;
	x->text_len = 0;
	*ret = x;
	return 0;
}

static bool
is_text(const char *have, const struct audit_cell *c)
{
	return strlen(have) == c->n && memcmp(have, c->p, c->n) == 0;
}

bool
audit_leaf_same_request(const struct audit_row *x, const struct audit_cell *id,
    const struct audit_cell *sha256, int64_t *ret)
{
	if (x->last_request_id == 0 || !is_text(x->last_request, id) ||
	    (sha256 != NULL ? !is_text(x->last_sha256, sha256) :
			      !x->last_newest))
		return false;
	*ret = x->last_request_id;
	return true;
}

void
audit_leaf_last_request(struct audit_row *x, const struct audit_cell *id,
    const struct audit_cell *sha256, int64_t n, bool newest)
{
	x->last_request_id = 0;
	if (id->n >= sizeof(x->last_request) ||
	    (sha256 != NULL && sha256->n != CS_SHA256_HEX))
		return;
	memcpy(x->last_request, id->p, id->n);
	x->last_request[id->n] = '\0';
	x->last_sha256[0] = '\0';
	if (sha256 != NULL) {
		memcpy(x->last_sha256, sha256->p, sha256->n);
		x->last_sha256[sha256->n] = '\0';
	}
	x->last_newest = newest;
	x->last_request_id = n;
}

int
audit_key_compare(const char *key, size_t len, const struct canon_member *m)
{
	size_t n = len < m->key_len ? len : m->key_len;
	int c = memcmp(key, m->key, n);

	if (c == 0 && len != m->key_len)
		c = len < m->key_len ? -1 : 1;
	return c;
}

/* canon_check() has seen that it is at most 2^53-1 */
int64_t
audit_number(const struct canon_member *m)
{
	int64_t v = 0;
	size_t i;

	for (i = 0; i < m->val_len && m->val[i] >= '0' && m->val[i] <= '9'; i++)
		v = v * 10 + (m->val[i] - '0');
	return v;
}

void
audit_text(struct audit_row *x, const struct canon_member *m,
    struct audit_cell *ret)
{
	char *to = x->text + x->text_len;
	size_t i, n = 0;

	ret->kind = CELL_NULL;
	if (m->val == NULL || m->kind != CANON_STR || m->val_len <= 2)
		return;
	if (memchr(m->val, '\\', m->val_len) == NULL) {
		*ret = cell_text(m->val + 1, m->val_len - 2);
		return;
	}
	/* all strings of a leaf are shorter than the leaf, CANON_MAX */
	for (i = 1; i < m->val_len - 1 && x->text_len + n < CANON_MAX; i++) {
		if (m->val[i] == '\\')
			i++;
		to[n++] = m->val[i];
	}
	x->text_len += n;
	*ret = cell_text(to, n);
}

static int
put_word(struct audit_row *x, const struct canon_member *m,
    struct audit_cell *ret, struct diag *d)
{
	struct audit_cell text;
	int64_t id;
	int r;

	audit_text(x, m, &text);
	ret->kind = CELL_NULL;
	if (text.kind == CELL_NULL)
		return 0;
	r = audit_word(x->db, text.p, text.n, &id, d);
	if (r == 0)
		*ret = cell_int(id);
	return r;
}

/* Strings of an array, joined by commas. */
static void
join(struct audit_row *x, const struct canon_member *m, struct audit_cell *ret)
{
	struct canon_iter it = CANON_ITER(m->val, m->val_len);
	struct canon_member e = { 0 };
	size_t start = x->text_len, n = 0;

	ret->kind = CELL_NULL;
	while (canon_next(&it, &e.kind, &e.val, &e.val_len)) {
		if (e.kind != CANON_STR || x->text_len + e.val_len > CANON_MAX)
			return;
		/* IDs have no escapes; each is shorter than with its quotes */
		if (n > 0)
			x->text[start + n++] = ',';
		memcpy(x->text + start + n, e.val + 1, e.val_len - 2);
		n += e.val_len - 2;
		x->text_len = start + n;
	}
	if (n > 0)
		*ret = cell_text(x->text + start, n);
}

static int
put_list(struct audit_row *x, const struct canon_member *m,
    struct audit_cell *ret, struct diag *d)
{
	struct audit_cell text;
	int64_t id;
	int r;

	ret->kind = CELL_NULL;
	if (m->kind != CANON_ARR)
		return 0;
	join(x, m, &text);
	if (text.kind == CELL_NULL)
		return 0;
	r = audit_word(x->db, text.p, text.n, &id, d);
	if (r == 0)
		*ret = cell_int(id);
	return r;
}

int
audit_put(struct audit_row *x, const struct canon_member *m, enum audit_how how,
    struct audit_cell *ret, struct diag *d)
{
	int64_t id;
	int r;

	ret->kind = CELL_NULL;
	switch (how) {
	case HOW_TEXT:
		audit_text(x, m, ret);
		return 0;
	case HOW_INT:
		if (m->kind == CANON_NUM)
			*ret = cell_int(audit_number(m));
		return 0;
	case HOW_BOOL:
		if (m->kind == CANON_TRUE || m->kind == CANON_FALSE)
			*ret = cell_int(m->kind == CANON_TRUE);
		return 0;
	case HOW_WORD:
		return put_word(x, m, ret, d);
	case HOW_LIST:
		return put_list(x, m, ret, d);
	case HOW_TRACE:
		if (m->kind != CANON_OBJ)
			return 0;
		r = audit_trace_id(x, m, &id, d);
		if (r == 0)
			*ret = cell_int(id);
		return r;
	case HOW_EVIDENCE:
	case HOW_CHECKS:
	case HOW_STATEMENTS:
	case HOW_FILES:
		if (m->kind != CANON_ARR || x->npairs == AUDIT_PAIRS)
			return 0;
		x->pair[x->npairs].m = *m;
		x->pair[x->npairs++].how = how;
		return 0;
	default:
		return diag_fail(d, CS_E_INTERNAL, NULL, "a field");
	}
}

int
audit_fields(struct audit_row *x, const struct canon_member *obj,
    const struct audit_field *f, size_t n, struct diag *d)
{
	struct canon_iter it = CANON_ITER(obj->val, obj->val_len);
	struct audit_cell unused;
	struct canon_member m;
	size_t i = 0;
	int c, r;

	while (i < n && canon_next_member(&it, &m)) {
		do
			c = audit_key_compare(f[i].key, f[i].len, &m);
		while (c < 0 && ++i < n);
		if (i == n || c != 0)
			continue;
		r = audit_put(x, &m, f[i].how,
		    f[i].how >= HOW_EVIDENCE ? &unused : &x->row[f[i].col], d);
		if (r != 0)
			return r;
		i++;
	}
	return 0;
}
