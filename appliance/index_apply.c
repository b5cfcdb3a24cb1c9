/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a leaf to rows.  What one event changes:
 *
 *	intake.accepted	a request, pending
 *	intake.refused	a request, refused (if it was readable)
 *	approval	an approval; decision "reject": request rejected
 *	sign.intent	pending -> signing
 *	signature	a signature
 *	sign.outcome	signing -> signed, or back to pending
 *	log.start	the policy that the log pins
 *	all others	nothing but their own row
 */

#include <string.h>

#include "appliance/index_private.h"

struct applied {
	struct index *ix;
	uint64_t i; /* leaf index */
	int64_t time;
	json_t *data;
	const char *policy; /* set by log.start */
};

/* A string member of data, or "". */
static const char *
text(const struct applied *a, const char *name)
{
	const char *s = json_string_value(json_object_get(a->data, name));

	return s == NULL ? "" : s;
}

static sqlite3_int64
number(const struct applied *a, const char *name)
{
	return json_integer_value(json_object_get(a->data, name));
}

static void
bind(const struct applied *a, enum index_stmt which, int n, const char *s)
{
	(void)sqlite3_bind_text(a->ix->stmt[which], n, s, -1, SQLITE_TRANSIENT);
}

static void
bind_int(const struct applied *a, enum index_stmt which, int n, sqlite3_int64 v)
{
	(void)sqlite3_bind_int64(a->ix->stmt[which], n, v);
}

static int
new_request(struct applied *a, const char *state, const char *response,
    struct diag *d)
{
	const char *fields[] = { text(a, "request"), text(a, "request_sha256"),
		text(a, "envelope"), state, text(a, "person"), text(a, "rule"),
		text(a, "nonce") };
	size_t k;

	for (k = 0; k < ARRAY_LEN(fields); k++)
		bind(a, STMT_REQUEST_NEW, (int)k + 1, fields[k]);
	bind_int(a, STMT_REQUEST_NEW, 8, a->time);
	bind(a, STMT_REQUEST_NEW, 9, response);
	bind_int(a, STMT_REQUEST_NEW, 10, (sqlite3_int64)a->i);
	return index_run(a->ix, STMT_REQUEST_NEW, d);
}

static int
set_state(struct applied *a, const char *state, struct diag *d)
{
	bind(a, STMT_REQUEST_STATE, 1, text(a, "request"));
	bind(a, STMT_REQUEST_STATE, 2, state);
	return index_run(a->ix, STMT_REQUEST_STATE, d);
}

static int
on_start(struct applied *a, struct diag *d)
{
	(void)d;
	a->policy = text(a, "policy");
	return 0;
}

static int
on_accepted(struct applied *a, struct diag *d)
{
	return new_request(a, "pending", "", d);
}

static int
on_refused(struct applied *a, struct diag *d)
{
	if (text(a, "refusal")[0] == '\0')
		return 0;
	return new_request(a, "refused", text(a, "refusal"), d);
}

static int
on_approval(struct applied *a, struct diag *d)
{
	const char *decision = text(a, "decision");
	int r;

	bind_int(a, STMT_APPROVAL, 1, (sqlite3_int64)a->i);
	bind(a, STMT_APPROVAL, 2, text(a, "request"));
	bind(a, STMT_APPROVAL, 3, text(a, "person"));
	bind(a, STMT_APPROVAL, 4, decision);
	bind(a, STMT_APPROVAL, 5, text(a, "envelope"));
	bind(a, STMT_APPROVAL, 6, text(a, "statement"));
	bind_int(a, STMT_APPROVAL, 7, a->time);
	r = index_run(a->ix, STMT_APPROVAL, d);
	if (r == 0 && strcmp(decision, "reject") == 0)
		r = set_state(a, "rejected", d);
	return r;
}

static int
on_intent(struct applied *a, struct diag *d)
{
	return set_state(a, "signing", d);
}

static int
on_signature(struct applied *a, struct diag *d)
{
	bind_int(a, STMT_SIGNATURE, 1, (sqlite3_int64)a->i);
	bind(a, STMT_SIGNATURE, 2, text(a, "request"));
	bind(a, STMT_SIGNATURE, 3, text(a, "artifact"));
	bind(a, STMT_SIGNATURE, 4, text(a, "signature_sha256"));
	return index_run(a->ix, STMT_SIGNATURE, d);
}

static int
on_outcome(struct applied *a, struct diag *d)
{
	if (strcmp(text(a, "result"), "signed") != 0)
		return set_state(a, "pending", d);
	bind(a, STMT_REQUEST_SIGNED, 1, text(a, "request"));
	bind(a, STMT_REQUEST_SIGNED, 2, text(a, "record"));
	bind_int(a, STMT_REQUEST_SIGNED, 3, number(a, "first"));
	bind_int(a, STMT_REQUEST_SIGNED, 4, number(a, "count"));
	bind_int(a, STMT_REQUEST_SIGNED, 5, (sqlite3_int64)a->i);
	return index_run(a->ix, STMT_REQUEST_SIGNED, d);
}

static const struct {
	const char *event;
	int (*apply)(struct applied *a, struct diag *d);
} events[] = {
	{ "log.start", on_start },
	{ "intake.accepted", on_accepted },
	{ "intake.refused", on_refused },
	{ "approval", on_approval },
	{ "sign.intent", on_intent },
	{ "signature", on_signature },
	{ "sign.outcome", on_outcome },
};

static int
write_leaf(struct applied *a, const char *event, uint64_t boot, struct diag *d)
{
	bind_int(a, STMT_LEAF, 1, (sqlite3_int64)a->i);
	bind(a, STMT_LEAF, 2, event);
	bind_int(a, STMT_LEAF, 3, (sqlite3_int64)boot);
	bind_int(a, STMT_LEAF, 4, a->time);
	bind(a, STMT_LEAF, 5, text(a, "request"));
	return index_run(a->ix, STMT_LEAF, d);
}

static int
write_head(struct applied *a, uint64_t boot, struct diag *d)
{
	bind_int(a, STMT_HEAD_SET, 1, (sqlite3_int64)a->i + 1);
	bind_int(a, STMT_HEAD_SET, 2, (sqlite3_int64)boot);
	bind_int(a, STMT_HEAD_SET, 3, a->time);
	bind(a, STMT_HEAD_SET, 4, a->policy == NULL ? "" : a->policy);
	return index_run(a->ix, STMT_HEAD_SET, d);
}

int
index_apply(struct index *ix, uint64_t i, const char *leaf, size_t len,
    struct diag *d)
{
	_cleanup_json_ json_t *root = NULL;
	struct applied a = { .ix = ix, .i = i };
	json_t *time = NULL, *tpm = NULL;
	uint64_t boot = 0, v = 0, claimed = 0;
	const char *event = NULL, *source = NULL;
	struct diag why = { 0 };
	size_t k;
	int r;

	r = json_load_strict(leaf, len, 65535, &root, &why);

	const struct json_field f[] = {
		{ "boot", JK_U64, true, &boot, NULL },
		{ "data", JK_OBJ, true, &a.data, NULL },
		{ "event", JK_STR, true, &event, NULL },
		{ "time", JK_OBJ, true, &time, NULL },
		{ "tpm", JK_OBJ, true, &tpm, NULL },
		{ "v", JK_U64, true, &v, NULL },
	};
	const struct json_field tf[] = {
		{ "claimed", JK_U64, true, &claimed, NULL },
		{ "source", JK_STR, true, &source, NULL },
	};

	if (r == 0)
		r = json_fields(root, "", f, ARRAY_LEN(f), &why);
	if (r == 0)
		r = json_fields(time, "/time", tf, ARRAY_LEN(tf), &why);
	if (r != 0 || v != 1)
		return diag_fail(d, CS_E_LEDGER_LEAF, "a leaf of version 1",
		    "leaf %llu: %s", (unsigned long long)i, why.found);
	a.time = (int64_t)claimed;
	r = write_leaf(&a, event, boot, d);
	for (k = 0; r == 0 && k < ARRAY_LEN(events); k++)
		if (strcmp(event, events[k].event) == 0)
			r = events[k].apply(&a, d);
	if (r == 0)
		r = write_head(&a, boot, d);
	return r;
}
