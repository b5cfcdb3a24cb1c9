/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a leaf to rows.  What one event changes:
 *
 *	intake.accepted	a request, pending
 *	intake.refused	a request, refused (if it was readable)
 *	session		a TPM session; approvals given before have lapsed
 *	session.end	no session, and no approvals
 *	approval	an approval; decision "reject": request rejected
 *	sign.intent	pending -> signing
 *	signature	a signature
 *	sign.outcome	signing -> signed, or back to pending: the session
 *			is used up, and its approvals with it
 *	change.intent	pending -> signing
 *	change.outcome	signing -> signed ("made"), or back to pending; a
 *			new policy, under which pending requests lapse; the
 *			clock, and with it the last logged time
 *	hsm.log		the last entry of an HSM's own log that ours has
 *	log.start	the policy that the log pins
 *	all others	nothing but their own row
 *
 * The leaf is read by the strict scanner, without a tree.
 */

#include <string.h>

#include "appliance/index_private.h"
#include "lib/canon.h"

struct applied {
	struct index *ix;
	uint64_t i; /* leaf index */
	int64_t time;
	const char *data; /* the object, with its brackets */
	size_t data_len;
	const char *leaf; /* all of it */
	size_t len;
	char policy[CS_SHA256_HEX + 1]; /* that this leaf pins, or "" */
	char envelope[CS_SHA256_HEX + 1];
	bool clock_set;
};

/* A string member of data that is a name, a digest or an ID; "" if absent. */
#define TEXT_MAX 12288u /* the votes of one person */

static void
text(const struct applied *a, const char *name, char out[TEXT_MAX])
{
	if (canon_get_str(a->data, a->data_len, name, out, TEXT_MAX, NULL) != 0)
		out[0] = '\0';
}

static sqlite3_int64
number(const struct applied *a, const char *name)
{
	uint64_t v = 0;

	if (canon_get_u64(a->data, a->data_len, name, &v, NULL) != 0)
		return 0;
	return (sqlite3_int64)v;
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

/* Binds the member of data. */
static void
bind_text(const struct applied *a, enum index_stmt which, int n,
    const char *name)
{
	char value[TEXT_MAX];

	text(a, name, value);
	bind(a, which, n, value);
}

static int
new_request(struct applied *a, const char *state, const char *response,
    struct diag *d)
{
	static const char *const fields[] = { "request", "request_sha256",
		"envelope", NULL, "person", "rule" };
	size_t k;

	for (k = 0; k < ARRAY_LEN(fields); k++)
		if (fields[k] != NULL)
			bind_text(a, STMT_REQUEST_NEW, (int)k + 1, fields[k]);
	bind(a, STMT_REQUEST_NEW, 4, state);
	bind_int(a, STMT_REQUEST_NEW, 7, a->time);
	bind(a, STMT_REQUEST_NEW, 8, response);
	bind_int(a, STMT_REQUEST_NEW, 9, (sqlite3_int64)a->i);
	bind_text(a, STMT_REQUEST_NEW, 10, "key");
	return index_run(a->ix, STMT_REQUEST_NEW, d);
}

static int
set_state(struct applied *a, const char *state, struct diag *d)
{
	bind_text(a, STMT_REQUEST_STATE, 1, "request");
	bind(a, STMT_REQUEST_STATE, 2, state);
	return index_run(a->ix, STMT_REQUEST_STATE, d);
}

static int
on_start(struct applied *a, struct diag *d)
{
	char policy[TEXT_MAX], envelope[TEXT_MAX];

	text(a, "policy", policy);
	text(a, "policy_envelope", envelope);
	if (strlen(policy) != CS_SHA256_HEX ||
	    strlen(envelope) != CS_SHA256_HEX)
		return diag_fail(d, CS_E_LEDGER_LEAF, "a policy digest",
		    "leaf %llu", (unsigned long long)a->i);
	memcpy(a->policy, policy, sizeof(a->policy));
	memcpy(a->envelope, envelope, sizeof(a->envelope));
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
	char refusal[TEXT_MAX];

	text(a, "refusal", refusal);
	return refusal[0] == '\0' ? 0 : new_request(a, "refused", refusal, d);
}

static int
lapse(struct applied *a, struct diag *d)
{
	bind_text(a, STMT_LAPSE, 1, "request");
	return index_run(a->ix, STMT_LAPSE, d);
}

static int
on_session(struct applied *a, struct diag *d)
{
	static const char *const clock[] = { "tpm.clock", "tpm.reset",
		"tpm.restart" };
	uint64_t v = 0;
	size_t i;
	int r = 0;

	bind_text(a, STMT_SESSION, 1, "request");
	bind_text(a, STMT_SESSION, 2, "nonce");
	bind_text(a, STMT_SESSION, 3, "context");
	bind_int(a, STMT_SESSION, 4, number(a, "seconds"));
	for (i = 0; r == 0 && i < ARRAY_LEN(clock); i++) {
		r = canon_get_u64(a->leaf, a->len, clock[i], &v, d);
		bind_int(a, STMT_SESSION, (int)i + 5, (sqlite3_int64)v);
	}
	if (r != 0)
		return r;
	bind_int(a, STMT_SESSION, 8, a->time);
	r = index_run(a->ix, STMT_SESSION, d);
	return r == 0 ? lapse(a, d) : r;
}

static int
on_session_end(struct applied *a, struct diag *d)
{
	int r;

	bind_text(a, STMT_SESSION_END, 1, "request");
	r = index_run(a->ix, STMT_SESSION_END, d);
	return r == 0 ? lapse(a, d) : r;
}

static int
on_approval(struct applied *a, struct diag *d)
{
	char decision[TEXT_MAX];
	int r;

	text(a, "decision", decision);
	bind_int(a, STMT_APPROVAL, 1, (sqlite3_int64)a->i);
	bind_text(a, STMT_APPROVAL, 2, "request");
	bind_text(a, STMT_APPROVAL, 3, "person");
	bind(a, STMT_APPROVAL, 4, decision);
	bind_text(a, STMT_APPROVAL, 5, "envelope");
	bind_text(a, STMT_APPROVAL, 6, "statement");
	bind_int(a, STMT_APPROVAL, 7, a->time);
	bind_text(a, STMT_APPROVAL, 8, "vote");
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
	bind_text(a, STMT_SIGNATURE, 2, "request");
	bind_text(a, STMT_SIGNATURE, 3, "artifact");
	bind_text(a, STMT_SIGNATURE, 4, "signature_sha256");
	return index_run(a->ix, STMT_SIGNATURE, d);
}

static int
on_outcome(struct applied *a, struct diag *d)
{
	char result[TEXT_MAX];
	int r;

	text(a, "result", result);
	if (strcmp(result, "signed") != 0) {
		r = set_state(a, "pending", d);
		return r == 0 ? on_session_end(a, d) : r;
	}
	bind_text(a, STMT_REQUEST_SIGNED, 1, "request");
	bind_text(a, STMT_REQUEST_SIGNED, 2, "record");
	bind_int(a, STMT_REQUEST_SIGNED, 3, number(a, "first"));
	bind_int(a, STMT_REQUEST_SIGNED, 4, number(a, "count"));
	bind_int(a, STMT_REQUEST_SIGNED, 5, (sqlite3_int64)a->i);
	bind_int(a, STMT_REQUEST_SIGNED, 6, a->time);
	return index_run(a->ix, STMT_REQUEST_SIGNED, d);
}

/* A leaf has no negative numbers. */
static int
set_clock(struct applied *a, struct diag *d)
{
	char direction[TEXT_MAX];
	sqlite3_int64 v = number(a, "seconds");

	text(a, "direction", direction);
	if (v == 0 ||
	    (strcmp(direction, "forward") != 0 &&
		strcmp(direction, "back") != 0))
		return diag_fail(d, CS_E_LEDGER_LEAF,
		    "seconds, forward or back", "leaf %llu",
		    (unsigned long long)a->i);
	a->ix->head.clock += direction[0] == 'b' ? -v : v;
	a->clock_set = true;
	return 0;
}

static int
on_change(struct applied *a, struct diag *d)
{
	char result[TEXT_MAX], action[TEXT_MAX];
	int r;

	text(a, "result", result);
	text(a, "action", action);
	if (strcmp(result, "made") != 0) {
		r = set_state(a, "pending", d);
		return r == 0 ? on_session_end(a, d) : r;
	}
	bind_text(a, STMT_REQUEST_SIGNED, 1, "request");
	bind_text(a, STMT_REQUEST_SIGNED, 2, "record");
	bind_int(a, STMT_REQUEST_SIGNED, 3, 0);
	bind_int(a, STMT_REQUEST_SIGNED, 4, 0);
	bind_int(a, STMT_REQUEST_SIGNED, 5, (sqlite3_int64)a->i);
	bind_int(a, STMT_REQUEST_SIGNED, 6, a->time);
	r = index_run(a->ix, STMT_REQUEST_SIGNED, d);
	if (r == 0 && strcmp(action, "clock.set") == 0)
		r = set_clock(a, d);
	if (r != 0 || strcmp(action, "policy.update") != 0)
		return r;
	r = on_start(a, d);
	return r == 0 ? index_run(a->ix, STMT_LAPSE_ALL, d) : r;
}

/* A drain without entries, or that failed, leaves the one before. */
static int
on_token_log(struct applied *a, struct diag *d)
{
	char digest[TEXT_MAX];

	text(a, "digest", digest);
	if (digest[0] == '\0')
		return 0;
	bind_text(a, STMT_TOKEN_LOG_SET, 1, "domain");
	bind_int(a, STMT_TOKEN_LOG_SET, 2, number(a, "last"));
	bind(a, STMT_TOKEN_LOG_SET, 3, digest);
	return index_run(a->ix, STMT_TOKEN_LOG_SET, d);
}

static const struct {
	const char *event;
	int (*apply)(struct applied *a, struct diag *d);
} events[] = {
	{ "log.start", on_start },
	{ "intake.accepted", on_accepted },
	{ "intake.refused", on_refused },
	{ "session", on_session },
	{ "session.end", on_session_end },
	{ "approval", on_approval },
	{ "sign.intent", on_intent },
	{ "signature", on_signature },
	{ "sign.outcome", on_outcome },
	{ "change.intent", on_intent },
	{ "change.outcome", on_change },
	{ "hsm.log", on_token_log },
};

static int
write_leaf(struct applied *a, const char *event, uint64_t boot, struct diag *d)
{
	bind_int(a, STMT_LEAF, 1, (sqlite3_int64)a->i);
	bind(a, STMT_LEAF, 2, event);
	bind_int(a, STMT_LEAF, 3, (sqlite3_int64)boot);
	bind_int(a, STMT_LEAF, 4, a->time);
	bind_text(a, STMT_LEAF, 5, "request");
	return index_run(a->ix, STMT_LEAF, d);
}

/* The frame of a leaf: version, event, boot, time, data. */
static int
read_frame(struct applied *a, const char *leaf, size_t len, char event[40],
    uint64_t *boot, struct diag *d)
{
	enum canon_kind kind;
	uint64_t v = 0, claimed = 0;
	struct diag why = { 0 };
	int r;

	r = canon_check(leaf, len, &why);
	if (r == 0)
		r = canon_get_u64(leaf, len, "v", &v, &why);
	if (r == 0)
		r = canon_get_u64(leaf, len, "boot", boot, &why);
	if (r == 0)
		r = canon_get_u64(leaf, len, "time.claimed", &claimed, &why);
	if (r == 0)
		r = canon_get_str(leaf, len, "event", event, 40, &why);
	if (r == 0)
		r = canon_get(leaf, len, "data", &kind, &a->data, &a->data_len);
	if (r != 0 || v != 1 || kind != CANON_OBJ)
		return diag_fail(d, CS_E_LEDGER_LEAF, "a leaf of version 1",
		    "leaf %llu: %s", (unsigned long long)a->i, why.found);
	a->time = (int64_t)claimed;
	return 0;
}

int
index_apply(struct index *ix, uint64_t i, const char *leaf, size_t len,
    struct diag *d)
{
	struct applied a = { .ix = ix, .i = i, .leaf = leaf, .len = len };
	uint64_t boot = 0;
	char event[40];
	size_t k;
	int r;

	r = read_frame(&a, leaf, len, event, &boot, d);
	if (r == 0)
		r = write_leaf(&a, event, boot, d);
	for (k = 0; r == 0 && k < ARRAY_LEN(events); k++)
		if (strcmp(event, events[k].event) == 0)
			r = events[k].apply(&a, d);
	if (r != 0)
		return r;
	ix->head.size = i + 1;
	if (boot > ix->head.boot)
		ix->head.boot = boot;
	if (a.clock_set || a.time > ix->head.floor)
		ix->head.floor = a.time;
	if (a.policy[0] != '\0') {
		memcpy(ix->head.policy, a.policy, sizeof(a.policy));
		memcpy(ix->head.envelope, a.envelope, sizeof(a.envelope));
		ix->head.policy_leaf = i;
	}
	return 0;
}

/* One row for the whole batch, inside its transaction. */
int
index_commit(struct index *ix, struct diag *d)
{
	sqlite3_stmt *st = ix->stmt[STMT_HEAD_SET];
	int r;

	(void)sqlite3_bind_int64(st, 1, (sqlite3_int64)ix->head.size);
	(void)sqlite3_bind_int64(st, 2, (sqlite3_int64)ix->head.boot);
	(void)sqlite3_bind_int64(st, 3, ix->head.floor);
	(void)sqlite3_bind_text(st, 4, ix->head.policy, -1, SQLITE_TRANSIENT);
	(void)sqlite3_bind_text(st, 5, ix->head.envelope, -1, SQLITE_TRANSIENT);
	(void)sqlite3_bind_int64(st, 6, (sqlite3_int64)ix->head.policy_leaf);
	(void)sqlite3_bind_int64(st, 7, ix->head.clock);
	r = index_run(ix, STMT_HEAD_SET, d);
	return r == 0 ? index_run(ix, STMT_COMMIT, d) : r;
}
