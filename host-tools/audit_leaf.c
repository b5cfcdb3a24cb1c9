/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows that a leaf becomes (lib/PROTOCOL.events).  Both the members of a
 * leaf and the fields below stand in ascending order, so one pass over each
 * is enough.  A member that is not there, or is of another kind, is NULL.
 */
#include <string.h>

#include "host-tools/audit_leaf_private.h"

#define F(key, col, how)                       \
	{                                      \
		key, sizeof(key) - 1, col, how \
	}

static const struct audit_field f_start[] = {
	F("appliance", 1, HOW_TEXT),
	F("policy", 2, HOW_TEXT),
	F("policy_envelope", 3, HOW_TEXT),
	F("policy_version", 4, HOW_INT),
	F("rehearsal", 5, HOW_BOOL),
};
static const struct audit_field f_from[] = {
	F("checkpoint", 9, HOW_TEXT),
	F("origin", 6, HOW_TEXT),
	F("root", 8, HOW_TEXT),
	F("size", 7, HOW_INT),
};
static const struct audit_field f_boot[] = {
	F("counter", 4, HOW_INT),
	F("image_version", 5, HOW_INT),
	F("policy", 2, HOW_TEXT),
	F("policy_version", 3, HOW_INT),
};
static const struct audit_field f_tpm[] = {
	F("clock", 6, HOW_INT),
	F("reset", 7, HOW_INT),
	F("restart", 8, HOW_INT),
};
static const struct audit_field f_attest[] = {
	F("answer", 1, HOW_TEXT),
	F("challenge", 2, HOW_TEXT),
};
static const struct audit_field f_export[] = {
	F("counter", 2, HOW_INT),
	F("files", 0, HOW_FILES),
};
static const struct audit_field f_intake[] = {
	F("artifacts", 10, HOW_INT),
	F("branch", 9, HOW_TEXT),
	F("break_glass", 16, HOW_TEXT),
	F("commit", 8, HOW_TEXT),
	F("envelope", 15, HOW_TEXT),
	F("evidence", 0, HOW_EVIDENCE),
	F("format", 2, HOW_WORD),
	F("person", 3, HOW_WORD),
	F("pipeline", 6, HOW_TEXT),
	F("policy", 14, HOW_TEXT),
	F("reason", 17, HOW_TEXT),
	F("root", 11, HOW_TEXT),
	F("rule", 12, HOW_WORD),
	F("run", 7, HOW_TEXT),
	F("system", 5, HOW_TEXT),
	F("threshold", 13, HOW_INT),
	F("user", 4, HOW_TEXT),
};
static const struct audit_field f_refusal[] = {
	F("check", 3, HOW_WORD),
	F("checks", 0, HOW_CHECKS),
	F("envelope", 7, HOW_TEXT),
	F("found", 4, HOW_TEXT),
	F("person", 2, HOW_WORD),
	F("product", 5, HOW_WORD),
	F("refusal", 8, HOW_TEXT),
	F("version", 6, HOW_WORD),
};
static const struct audit_field f_session[] = {
	F("domains", 2, HOW_LIST),
	F("nonce", 3, HOW_TEXT),
	F("seconds", 4, HOW_INT),
};
static const struct audit_field f_approval[] = {
	F("decision", 3, HOW_WORD),
	F("envelope", 6, HOW_TEXT),
	F("key_id", 7, HOW_TEXT),
	F("person", 2, HOW_WORD),
	F("reason", 4, HOW_TEXT),
	F("statement", 5, HOW_TEXT),
};
static const struct audit_field f_intent[] = {
	F("action", 6, HOW_WORD),
	F("approvals", 0, HOW_STATEMENTS),
	F("artifacts", 5, HOW_INT),
	F("format", 3, HOW_WORD),
	F("key", 2, HOW_WORD),
	F("rule", 4, HOW_WORD),
};
static const struct audit_field f_outcome[] = {
	F("action", 8, HOW_WORD),
	F("check", 3, HOW_WORD),
	F("count", 6, HOW_INT),
	F("first", 5, HOW_INT),
	F("found", 4, HOW_TEXT),
	F("record", 7, HOW_TEXT),
	F("result", 2, HOW_WORD),
};
static const struct audit_field f_unseal[] = {
	F("approvers", 4, HOW_INT),
	F("ceremony", 5, HOW_TEXT),
	F("check", 7, HOW_WORD),
	F("domain", 2, HOW_WORD),
	F("found", 8, HOW_TEXT),
	F("lockout_after", 10, HOW_INT),
	F("lockout_before", 9, HOW_INT),
	F("lockout_max", 11, HOW_INT),
	F("purpose", 3, HOW_WORD),
	F("result", 6, HOW_WORD),
};
static const struct audit_field f_console[] = {
	F("console", 1, HOW_WORD),
	F("reason", 2, HOW_WORD),
};
static const struct audit_field f_token_log[] = {
	F("asked", 4, HOW_INT),
	F("check", 11, HOW_WORD),
	F("checks", 13, HOW_LIST),
	F("digest", 8, HOW_TEXT),
	F("domain", 2, HOW_WORD),
	F("first", 6, HOW_INT),
	F("found", 12, HOW_TEXT),
	F("key", 3, HOW_TEXT),
	F("last", 7, HOW_INT),
	F("unlogged_boots", 9, HOW_INT),
	F("unlogged_logins", 10, HOW_INT),
	F("used", 5, HOW_INT),
};
static const struct audit_field f_signature[] = {
	F("artifact", 2, HOW_TEXT),
	F("format", 5, HOW_WORD),
	F("key", 4, HOW_WORD),
	F("name", 3, HOW_TEXT),
	F("product", 6, HOW_WORD),
	F("signature_sha256", 8, HOW_TEXT),
	F("trace", 9, HOW_TRACE),
	F("version", 7, HOW_WORD),
};

#define EVENT(name, table, request, fields)                             \
	{                                                               \
		name, sizeof(name) - 1, AUDIT_##table, request, fields, \
		    ARRAY_LEN(fields)                                   \
	}

/* request: whether column 1 is the request */
static const struct kind {
	const char *name;
	size_t len;
	enum audit_table table;
	bool request;
	const struct audit_field *f;
	size_t nf;
} kinds[] = {
	EVENT("signature", SIGNATURE, true, f_signature),
	EVENT("approval", APPROVAL, true, f_approval),
	EVENT("intake.accepted", INTAKE, true, f_intake),
	EVENT("intake.refused", REFUSAL, true, f_refusal),
	EVENT("approval.refused", REFUSAL, true, f_refusal),
	EVENT("session", SESSION, true, f_session),
	EVENT("sign.intent", INTENT, true, f_intent),
	EVENT("sign.outcome", OUTCOME, true, f_outcome),
	EVENT("change.intent", INTENT, true, f_intent),
	EVENT("change.outcome", OUTCOME, true, f_outcome),
	EVENT("tpm.unseal", UNSEAL, true, f_unseal),
	EVENT("hsm.log", TOKEN_LOG, true, f_token_log),
	EVENT("console.open", CONSOLE, false, f_console),
	EVENT("console.close", CONSOLE, false, f_console),
	EVENT("export", EXPORT, true, f_export),
	EVENT("log.start", START, false, f_start),
	EVENT("boot", BOOT, false, f_boot),
	EVENT("attest", ATTEST, false, f_attest),
};

/* The members that every leaf has, and those of data that all share. */
struct top {
	struct canon_member event, data, tpm, time;
	struct audit_cell boot;
	struct canon_member person, request, sha256, product, version, key;
};

/* Members by name, as far as they are there. */
struct want {
	const char *key;
	size_t len;
	enum canon_kind kind;
	struct canon_member *out;
};
#define WANT(key, kind, out)                    \
	{                                       \
		key, sizeof(key) - 1, kind, out \
	}

static void
pick(const struct canon_member *obj, const struct want *w, size_t n)
{
	struct canon_iter it = CANON_ITER(obj->val, obj->val_len);
	struct canon_member m;
	size_t i = 0;
	int c;

	while (i < n && canon_next_member(&it, &m)) {
		do
			c = audit_key_compare(w[i].key, w[i].len, &m);
		while (c < 0 && ++i < n);
		if (i < n && c == 0) {
			if (m.kind == w[i].kind)
				*w[i].out = m;
			i++;
		}
	}
}

static int
read_top(const char *leaf, size_t len, struct top *t, struct diag *d)
{
	const struct canon_member all = { .val = leaf, .val_len = len - 1 };
	struct canon_member boot = { 0 }, claimed = { 0 };
	const struct want outer[] = {
		WANT("boot", CANON_NUM, &boot),
		WANT("data", CANON_OBJ, &t->data),
		WANT("event", CANON_STR, &t->event),
		WANT("time", CANON_OBJ, &t->time),
		WANT("tpm", CANON_OBJ, &t->tpm),
	};
	const struct want when[] = { WANT("claimed", CANON_NUM, &claimed) };
	const struct want inner[] = {
		WANT("key", CANON_STR, &t->key),
		WANT("person", CANON_STR, &t->person),
		WANT("product", CANON_STR, &t->product),
		WANT("request", CANON_STR, &t->request),
		WANT("request_sha256", CANON_STR, &t->sha256),
		WANT("version", CANON_STR, &t->version),
	};

	pick(&all, outer, ARRAY_LEN(outer));
	if (t->time.val != NULL)
		pick(&t->time, when, ARRAY_LEN(when));
	if (boot.val == NULL || t->data.val == NULL || t->event.val == NULL ||
	    t->event.val_len <= 2 || claimed.val == NULL)
		return diag_fail(d, CS_E_CANON_FIELD,
		    "boot, data, an event and time.claimed", "not all of them");
	t->boot = cell_int(audit_number(&boot));
	t->time = claimed;
	pick(&t->data, inner, ARRAY_LEN(inner));
	return 0;
}

/* The id of the request that the leaf names; NULL if it names none. */
static int
find_request(struct audit_row *x, const struct top *t, struct audit_cell *ret,
    struct diag *d)
{
	struct audit_cell row[6] = { { .kind = CELL_NULL } };
	bool found = false, whole;
	int64_t id;
	int r;

	audit_text(x, &t->request, &row[1]);
	if (row[1].kind == CELL_NULL)
		return 0;
	audit_text(x, &t->sha256, &row[2]);
	whole = row[2].kind == CELL_TEXT;
	if (!whole)
		row[2] = cell_text("", 0);
	if (audit_leaf_same_request(x, &row[1], whole ? &row[2] : NULL, &id)) {
		*ret = cell_int(id);
		return 0;
	}
	r = audit_db_find(x->db, whole ? FIND_REQUEST : FIND_REQUEST_ANY,
	    &row[1], &found, &id, d);
	if (r == 0 && !found) {
		r = audit_next_id(x->db, AUDIT_REQUEST, &id, d);
		row[0] = cell_int(id);
		if (r == 0)
			r = audit_put(x, &t->product, HOW_WORD, &row[3], d);
		if (r == 0)
			r = audit_put(x, &t->version, HOW_WORD, &row[4], d);
		if (r == 0)
			r = audit_put(x, &t->key, HOW_WORD, &row[5], d);
		if (r == 0)
			r = audit_db_insert(x->db, AUDIT_REQUEST, row, d);
	}
	if (r != 0)
		return r;
	audit_leaf_last_request(x, &row[1], whole ? &row[2] : NULL, id,
	    !whole || !found);
	*ret = cell_int(id);
	return 0;
}

/* The policy that the leaf says is in force. */
static int
add_policy(struct audit_row *x, const struct top *t, struct diag *d)
{
	struct canon_member policy = { 0 }, version = { 0 }, envelope = { 0 };
	const struct want w[] = {
		WANT("policy", CANON_STR, &policy),
		WANT("policy_envelope", CANON_STR, &envelope),
		WANT("policy_version", CANON_NUM, &version),
	};
	struct audit_cell p, e, v = { .kind = CELL_NULL };

	pick(&t->data, w, ARRAY_LEN(w));
	audit_text(x, &policy, &p);
	audit_text(x, &envelope, &e);
	if (version.val != NULL)
		v = cell_int(audit_number(&version));
	return audit_policy(x, &p, &v, &e, d);
}

/* The row of its own that some events have. */
static int
add_kind(struct audit_row *x, const struct kind *k, const struct top *t,
    struct diag *d)
{
	struct canon_member from = { 0 };
	const struct want w[] = { WANT("recovered_from", CANON_OBJ, &from) };
	int r;

	memset(x->row, 0, sizeof(x->row));
	x->row[0] = cell_int(x->idx);
	x->npairs = 0;
	if (k->request)
		x->row[1] = x->request;
	if (k->table == AUDIT_BOOT)
		x->row[1] = t->boot;
	r = audit_fields(x, &t->data, k->f, k->nf, d);
	if (r == 0 && k->table == AUDIT_BOOT && t->tpm.val != NULL)
		r = audit_fields(x, &t->tpm, f_tpm, ARRAY_LEN(f_tpm), d);
	if (r == 0 && k->table == AUDIT_START) {
		pick(&t->data, w, 1);
		if (from.val != NULL)
			r = audit_fields(x, &from, f_from, ARRAY_LEN(f_from),
			    d);
	}
	if (r == 0)
		r = audit_db_insert(x->db, k->table, x->row, d);
	if (r == 0 &&
	    (k->table == AUDIT_START || k->table == AUDIT_BOOT ||
		k->table == AUDIT_OUTCOME))
		r = add_policy(x, t, d);
	return r == 0 ? audit_pairs(x, d) : r;
}

int
audit_db_add_leaf(struct audit_db *db, uint64_t idx, const char *leaf,
    size_t len, struct diag *d)
{
	struct audit_cell row[6] = { cell_int((int64_t)idx) };
	struct audit_row *x = NULL;
	struct top t = { 0 };
	size_t i;
	int r;

	r = audit_leaf_begin(db, idx, &x, d);
	if (r == 0)
		r = read_top(leaf, len, &t, d);
	if (r != 0)
		return r;
	row[2] = t.boot;
	row[3] = cell_int(audit_number(&t.time));
	r = audit_put(x, &t.event, HOW_WORD, &row[1], d);
	if (r == 0)
		r = find_request(x, &t, &row[4], d);
	if (r == 0)
		r = audit_put(x, &t.person, HOW_WORD, &row[5], d);
	if (r == 0)
		r = audit_db_insert(db, AUDIT_EVENT, row, d);
	x->request = row[4];
	for (i = 0; r == 0 && i < ARRAY_LEN(kinds); i++)
		if (kinds[i].len == t.event.val_len - 2 &&
		    memcmp(kinds[i].name, t.event.val + 1, kinds[i].len) == 0)
			return add_kind(x, &kinds[i], &t, d);
	return r;
}
