/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/audit_trace.h"

#include <inttypes.h>

#include "lib/json.h"

#define EXPORTS_MAX 100u /* of one request */

/*
 * Where the log says more of a signature.  $1 of the question is the member
 * "by" of a leaf that is in the trace already, $2 the signature's number; the
 * leaf that the index then names must have "there" what that one has as
 * "here".
 */
struct step {
	const char *name;
	const char *from; /* the leaf */
	const char *by, *here, *there;
	bool many;
	const char *sql;
};

#define BY_REQUEST "data.request", "data.request", "data.request"

static const struct step steps[] = {
	{ "intake", "signature", BY_REQUEST, false,
	    "SELECT i.idx FROM intake i JOIN request r ON r.id = i.request"
	    " WHERE r.request = $1 AND i.idx < $2"
	    " ORDER BY i.idx DESC LIMIT 1" },
	{ "session", "signature", "data.trace.ceremony", "data.trace.ceremony",
	    "data.nonce", false,
	    "SELECT idx FROM session WHERE ceremony = $1 AND idx < $2"
	    " ORDER BY idx DESC LIMIT 1" },
	{ "intent", "signature", BY_REQUEST, false,
	    "SELECT i.idx FROM intent i JOIN request r ON r.id = i.request"
	    " WHERE r.request = $1 AND i.idx < $2"
	    " ORDER BY i.idx DESC LIMIT 1" },
	{ "unseal", "signature", BY_REQUEST, false,
	    "SELECT u.idx FROM unseal u JOIN request r ON r.id = u.request"
	    " WHERE r.request = $1 AND u.idx < $2"
	    " ORDER BY u.idx DESC LIMIT 1" },
	{ "token_log", "signature", BY_REQUEST, false,
	    "SELECT l.idx FROM token_log l JOIN request r ON r.id = l.request"
	    " WHERE r.request = $1 AND l.idx > $2 ORDER BY l.idx LIMIT 1" },
	{ "approvals", "intent", "leaf", "data.request", "data.request", true,
	    "SELECT a.idx FROM intent_approval n"
	    " JOIN approval a ON a.statement = n.statement"
	    " WHERE n.idx = $1 AND a.idx < $2 ORDER BY a.idx" },
	{ "outcome", "signature", BY_REQUEST, false,
	    "SELECT o.idx FROM outcome o JOIN request r ON r.id = o.request"
	    " WHERE r.request = $1 AND o.idx > $2 ORDER BY o.idx LIMIT 1" },
	{ "boot", "signature", "boot", "boot", "boot", false,
	    "SELECT idx FROM boot WHERE boot = $1 AND idx < $2"
	    " ORDER BY idx DESC LIMIT 1" },
	{ "exports", "signature", BY_REQUEST, true,
	    "SELECT x.idx FROM export x JOIN request r ON r.id = x.request"
	    " WHERE r.request = $1 AND x.idx > $2 ORDER BY x.idx" },
};

static int
set(json_t *obj, const char *name, json_t *v, struct diag *d)
{
	return json_object_set_new(obj, name, v) == 0 ? 0 : diag_nomem(d);
}

/* L of audit_trace.h */
static int
read_leaf(struct audit_view *a, uint64_t idx, json_t **ret, struct diag *d)
{
	_cleanup_json_ json_t *leaf = NULL;
	int r;

	r = audit_view_leaf(a, idx, &leaf, d);
	if (r != 0)
		return r;
	r = set(leaf, "leaf", json_integer((json_int_t)idx), d);
	if (r != 0)
		return r;
	r = set(leaf, "time",
	    json_time((int64_t)leaf_number(leaf, "time.claimed")), d);
	if (r == 0)
		*ret = take_ptr(leaf);
	return r;
}

static int
check_leaf(const struct step *s, const json_t *from, const json_t *leaf,
    struct diag *d)
{
	if (json_equal(leaf_get(leaf, s->there), leaf_get(from, s->here)) != 0)
		return 0;
	return diag_fail(d, CS_E_AUDIT_INDEX, NULL, "leaf %" PRIu64 " as %s",
	    leaf_number(leaf, "leaf"), s->name);
}

static int
take(struct audit_view *a, const struct step *s, const json_t *from,
    uint64_t idx, json_t *trace, struct diag *d)
{
	json_t *leaf = NULL;
	int r;

	r = read_leaf(a, idx, &leaf, d);
	if (r == 0 && (r = check_leaf(s, from, leaf, d)) != 0)
		json_decref(leaf);
	if (r != 0)
		return r;
	if (!s->many)
		return set(trace, s->name, leaf, d);
	return json_array_append_new(json_object_get(trace, s->name), leaf) ==
		0 ?
	    0 :
	    diag_nomem(d);
}

static int
follow(struct audit_view *a, const struct step *s, uint64_t idx, json_t *trace,
    struct diag *d)
{
	const json_t *from = json_object_get(trace, s->from);
	const json_t *v = leaf_get(from, s->by);
	const struct audit_arg args[] = {
		{ json_string_value(v), (uint64_t)json_integer_value(v) },
		AUDIT_NUMBER(idx),
	};
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	bool any = true;
	size_t n = 0;
	int r = 0;

	if (s->many)
		r = set(trace, s->name, json_array(), d);
	if (r == 0 && v != NULL)
		r = audit_rows_open(a->db, s->sql, args, 2, &q, d);
	while (r == 0 && q != NULL && any && n++ < EXPORTS_MAX) {
		r = audit_rows_next(q, &any, d);
		if (r == 0 && any)
			r = take(a, s, from, audit_rows_number(q, 0), trace, d);
	}
	return r;
}

static int
add_policy(struct audit_view *a, json_t *trace, struct diag *d)
{
	const json_t *sig = json_object_get(trace, "signature");
	const char *digest = leaf_text(sig, "data.trace.policy");
	const struct audit_arg args[] = { AUDIT_TEXT(digest) };
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	bool any = false;
	int r;

	r = audit_rows_first(a->db,
	    "SELECT idx, policy_version, envelope FROM v_policies"
	    " WHERE policy = $1 ORDER BY idx LIMIT 1",
	    args, 1, &q, &any, d);
	if (r != 0 || !any)
		return r;
	return set(trace, "policy",
	    json_pack("{s:I, s:s, s:I, s:s}", "leaf",
		(json_int_t)audit_rows_number(q, 0), "sha256", digest,
		"version", (json_int_t)audit_rows_number(q, 1), "envelope",
		audit_rows_text(q, 2)),
	    d);
}

/* The first accepted one that covers the leaf. */
static int
add_checkpoint(struct audit_view *a, uint64_t idx, json_t *trace,
    struct diag *d)
{
	const struct audit_arg args[] = { AUDIT_NUMBER(idx) };
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	bool any = false;
	int r;

	r = audit_rows_first(a->db,
	    "SELECT size, root, time, bundle FROM v_checkpoints"
	    " WHERE size > $1 ORDER BY size LIMIT 1",
	    args, 1, &q, &any, d);
	if (r != 0 || !any)
		return r;
	return set(trace, "checkpoint",
	    json_pack("{s:I, s:s, s:s, s:s}", "size",
		(json_int_t)audit_rows_number(q, 0), "root",
		audit_rows_text(q, 1), "imported", audit_rows_text(q, 2),
		"bundle", audit_rows_text(q, 3)),
	    d);
}

int
audit_trace_of(struct audit_view *a, uint64_t idx, json_t **ret, struct diag *d)
{
	_cleanup_json_ json_t *trace = json_object();
	json_t *leaf = NULL;
	size_t i;
	int r;

	if (trace == NULL)
		return diag_nomem(d);
	r = read_leaf(a, idx, &leaf, d);
	if (r == 0)
		r = set(trace, "signature", leaf, d);
	for (i = 0; r == 0 && i < ARRAY_LEN(steps); i++)
		r = follow(a, &steps[i], idx, trace, d);
	if (r == 0)
		r = add_policy(a, trace, d);
	if (r == 0)
		r = add_checkpoint(a, idx, trace, d);
	if (r == 0)
		*ret = take_ptr(trace);
	return r;
}
