/* SPDX-License-Identifier: Apache-2.0 */
/* Rows beside a leaf's own: its arrays, its trace, the policy it names. */
#include <string.h>

#include "host-tools/audit_leaf_private.h"
#include "lib/sha.h"

#define F(key, col, how)                       \
	{                                      \
		key, sizeof(key) - 1, col, how \
	}

static const struct audit_field f_evidence[] = {
	F("name", 2, HOW_TEXT),
	F("sha256", 3, HOW_TEXT),
};
static const struct audit_field f_file[] = {
	F("name", 2, HOW_TEXT),
	F("sha256", 3, HOW_TEXT),
	F("size", 4, HOW_INT),
};
static const struct audit_field f_approver[] = {
	F("person", 2, HOW_WORD),
	F("time", 3, HOW_INT),
};
static const struct audit_field f_trace[] = {
	F("branch", 8, HOW_TEXT),
	F("break_glass", 15, HOW_TEXT),
	F("ceremony", 13, HOW_TEXT),
	F("commit", 7, HOW_TEXT),
	F("domain", 12, HOW_WORD),
	F("evidence_root", 14, HOW_TEXT),
	F("pipeline", 5, HOW_TEXT),
	F("policy", 9, HOW_TEXT),
	F("policy_version", 10, HOW_INT),
	F("requester", 2, HOW_WORD),
	F("rule", 11, HOW_WORD),
	F("run", 6, HOW_TEXT),
	F("system", 4, HOW_TEXT),
	F("user", 3, HOW_TEXT),
};

/* An array's rows: the owner, a number, and of each entry its members. */
static const struct pair {
	enum audit_table table;
	size_t columns;		     /* all of them are there */
	const struct audit_field *f; /* NULL: entries are strings */
	size_t nf;
	enum audit_how how; /* of a string */
} pairs[] = {
	[HOW_EVIDENCE - HOW_EVIDENCE] = { AUDIT_INTAKE_EVIDENCE, 4, f_evidence,
	    ARRAY_LEN(f_evidence), HOW_TEXT },
	[HOW_CHECKS -
	    HOW_EVIDENCE] = { AUDIT_REFUSAL_CHECK, 3, NULL, 0, HOW_WORD },
	[HOW_STATEMENTS -
	    HOW_EVIDENCE] = { AUDIT_INTENT_APPROVAL, 3, NULL, 0, HOW_TEXT },
	[HOW_FILES - HOW_EVIDENCE] = { AUDIT_EXPORT_FILE, 5, f_file,
	    ARRAY_LEN(f_file), HOW_TEXT },
};
static const struct pair trace_evidence = { AUDIT_TRACE_EVIDENCE, 3, NULL, 0,
	HOW_TEXT };
static const struct pair trace_approvers = { AUDIT_TRACE_APPROVER, 4,
	f_approver, ARRAY_LEN(f_approver), HOW_TEXT };

static int
add_array(struct audit_row *x, const struct canon_member *arr, int64_t owner,
    const struct pair *p, struct diag *d)
{
	struct canon_iter it = CANON_ITER(arr->val, arr->val_len);
	struct canon_member m = { 0 };
	int64_t n = 0;
	size_t i;
	int r = 0;

	for (; r == 0 && canon_next(&it, &m.kind, &m.val, &m.val_len); n++) {
		memset(x->row, 0, sizeof(x->row));
		x->row[0] = cell_int(owner);
		x->row[1] = cell_int(n);
		if (p->f == NULL)
			r = audit_put(x, &m, p->how, &x->row[2], d);
		else if (m.kind == CANON_OBJ)
			r = audit_fields(x, &m, p->f, p->nf, d);
		/* an entry of another form is not in the index */
		for (i = 2; r == 0 && i < p->columns; i++)
			if (x->row[i].kind == CELL_NULL)
				break;
		if (r == 0 && i == p->columns)
			r = audit_db_insert(x->db, p->table, x->row, d);
	}
	return r;
}

int
audit_pairs(struct audit_row *x, struct diag *d)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < x->npairs; i++)
		r = add_array(x, &x->pair[i].m, x->idx,
		    &pairs[x->pair[i].how - HOW_EVIDENCE], d);
	return r;
}

int
audit_policy(struct audit_row *x, const struct audit_cell *sha256,
    const struct audit_cell *version, const struct audit_cell *envelope,
    struct diag *d)
{
	struct audit_cell row[5] = { { .kind = CELL_NULL }, *sha256, *version };
	bool found;
	int64_t id;
	int r;

	if (sha256->kind != CELL_TEXT)
		return 0;
	r = audit_db_find(x->db, FIND_POLICY, sha256, &found, &id, d);
	if (r != 0 || found)
		return r;
	r = audit_next_id(x->db, AUDIT_POLICY, &id, d);
	if (r != 0)
		return r;
	row[0] = cell_int(id);
	if (envelope != NULL)
		row[3] = *envelope;
	row[4] = cell_int(x->idx);
	return audit_db_insert(x->db, AUDIT_POLICY, row, d);
}

static int
add_trace(struct audit_row *x, const struct canon_member *m, int64_t id,
    const char *sha256, struct diag *d)
{
	struct audit_cell saved[AUDIT_COLUMNS];
	struct canon_iter it = CANON_ITER(m->val, m->val_len);
	struct canon_member v;
	int r;

	memcpy(saved, x->row, sizeof(saved));
	memset(x->row, 0, sizeof(x->row));
	x->row[0] = cell_int(id);
	x->row[1] = cell_text(sha256, CS_SHA256_HEX);
	r = audit_fields(x, m, f_trace, ARRAY_LEN(f_trace), d);
	if (r == 0)
		r = audit_db_insert(x->db, AUDIT_TRACE, x->row, d);
	if (r == 0)
		r = audit_policy(x, &x->row[9], &x->row[10], NULL, d);
	while (r == 0 && canon_next_member(&it, &v)) {
		if (v.kind != CANON_ARR)
			continue;
		if (audit_key_compare("approvers", 9, &v) == 0)
			r = add_array(x, &v, id, &trace_approvers, d);
		else if (audit_key_compare("evidence", 8, &v) == 0)
			r = add_array(x, &v, id, &trace_evidence, d);
	}
	memcpy(x->row, saved, sizeof(saved));
	return r;
}

int
audit_trace_id(struct audit_row *x, const struct canon_member *m, int64_t *ret,
    struct diag *d)
{
	char sha256[CS_SHA256_HEX + 1] = "";
	struct audit_cell arg = cell_text(sha256, CS_SHA256_HEX);
	bool found;
	int r;

	if (x->trace_id != 0 && x->trace_len == m->val_len &&
	    memcmp(x->trace, m->val, m->val_len) == 0) {
		*ret = x->trace_id;
		return 0;
	}
	if (sha256_hex(m->val, m->val_len, sha256) != 0)
		return diag_fail(d, CS_E_CRYPTO, NULL, "SHA-256");
	r = audit_db_find(x->db, FIND_TRACE, &arg, &found, ret, d);
	if (r == 0 && !found) {
		r = audit_next_id(x->db, AUDIT_TRACE, ret, d);
		if (r == 0)
			r = add_trace(x, m, *ret, sha256, d);
	}
	if (r != 0)
		return r;
	memcpy(x->trace, m->val, m->val_len);
	x->trace_len = m->val_len;
	x->trace_id = *ret;
	return 0;
}
