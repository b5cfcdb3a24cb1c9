/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An approval or rejection that was made away from the appliance and comes on
 * the IN medium.  It is a leaf like any other decision, with no vote for the
 * TPM: the chip still wants its own quorum of people who are here.
 *
 *	envelope -> whose request? -> pending, person not counted before
 *	-> the policy's own count takes it -> leaf "approval", vote ""
 *	any refusal -> leaf "approval.refused", or "intake.refused" if it names
 *	no request of ours
 */

#include <string.h>

#include "appliance/core.h"
#include "lib/hex.h"

#define KEYS_MAX 16u

struct ahead {
	struct core *c;
	struct case_file f;
	bool loaded; /* f is the request that it names */
	struct dsse *env;
	struct approval *a;
	uint8_t key[32]; /* that signed it */
	bool counted;	 /* so that who it is from is known */
};

static void
ahead_done(struct ahead *x)
{
	case_done(&x->f);
	dsse_free(&x->env);
	approval_free(&x->a);
}

static int
find_request(struct ahead *x, struct diag *d)
{
	struct ledger_request q;
	int r;

	if (!x->a->ahead)
		return diag_fail(d, CS_E_APPROVAL_AHEAD_FORM,
		    "an approval that was made ahead", "one of a ceremony");
	r = ledger_request_by_id(x->c->ledger, x->a->request_id, &q, d);
	if (r == 1)
		return diag_fail(d, CS_E_APPROVAL_AHEAD_REQUEST,
		    "the ID of a request that was taken in", "%.60s",
		    x->a->request_id);
	if (r == 0)
		r = case_load(x->c, q.n, &x->f, d);
	x->loaded = r == 0;
	if (r == 0 && q.state != REQ_PENDING)
		r = diag_fail(d, CS_E_STATE, "a pending request",
		    "request %llu is %s", (unsigned long long)q.n,
		    request_state_name(q.state));
	return r;
}

/* By itself, as the policy counts it; a rejection is one that is refused. */
static int
check_counts(struct ahead *x, const struct approval_doc *doc, int64_t now,
    struct diag *d)
{
	size_t i;
	int r;

	r = case_check_decision(x->c, &x->f, doc, x->a->approve, now, d);
	if (r != 0)
		return d->code == r ? r : diag_fail(d, r, NULL, "counting");
	x->counted = true;
	for (i = 0; i < x->f.ndecisions; i++)
		if (strcmp(x->f.decisions[i].approver, x->a->approver) == 0)
			return diag_fail(d, CS_E_APPROVED_BEFORE,
			    "another person", "%s", x->a->approver);
	return 0;
}

/* Its one signature is good; which of the person's keys made it? */
static int
find_key(struct ahead *x, struct diag *d)
{
	const struct policy_principal *who =
	    policy_principal_by_id(x->c->policy, x->a->approver);
	const struct pubkey *keys[KEYS_MAX];
	bool hit[KEYS_MAX] = { false };
	size_t i, n, bad = 0;
	int r;

	if (who == NULL || who->nkeys > KEYS_MAX)
		return diag_fail(d, CS_E_APPROVAL_SIGNATURE,
		    "a person of the policy", "%s", x->a->approver);
	n = who->nkeys;
	for (i = 0; i < n; i++)
		keys[i] = who->keys[i];
	r = dsse_verify(x->env, keys, n, hit, &bad, d);
	for (i = 0; r == 0 && i < n; i++) {
		if (!hit[i])
			continue;
		memcpy(x->key, keys[i]->id, sizeof(x->key));
		return 0;
	}
	return r != 0 ? r :
			diag_fail(d, CS_E_APPROVAL_SIGNATURE,
			    "a key of the approver", "none");
}

static int
judge(struct ahead *x, const struct approval_doc *doc, int64_t now,
    struct diag *d)
{
	int r;

	r = dsse_parse(doc->envelope, doc->len, &x->env, d);
	if (r == 0)
		r = approval_parse(x->env->payload, x->env->payload_len, &x->a,
		    d);
	if (r == 0)
		r = find_request(x, d);
	if (r == 0)
		r = check_counts(x, doc, now, d);
	return r == 0 ? find_key(x, d) : r;
}

static int
log_decision(struct ahead *x, const struct approval_doc *doc, struct diag *d)
{
	char blob[65], statement[65], key[65], reason[401];
	int r;

	r = ledger_blob_put(x->c->ledger, doc->envelope, doc->len, blob, d);
	if (r != 0)
		return r;
	hex_encode(x->a->digest, 32, statement);
	hex_encode(x->key, 32, key);
	text_sanitise(x->a->reason, strlen(x->a->reason), reason,
	    sizeof(reason));
	return core_log_one(x->c, "approval",
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
		"request", x->f.q.id, "request_sha256", x->f.q.digest, "person",
		x->a->approver, "decision",
		x->a->approve ? "approve" : "reject", "reason", reason,
		"envelope", blob, "statement", statement, "key_id", key, "vote",
		""),
	    d);
}

static int
log_refused(struct ahead *x, const struct diag *why, struct diag *d)
{
	if (!x->loaded)
		return intake_log_unreadable(x->c, why, d);
	return core_log_one(x->c, "approval.refused",
	    json_pack("{s:s, s:s, s:s, s:s, s:s}", "request", x->f.q.id,
		"request_sha256", x->f.q.digest, "person",
		x->counted ? x->a->approver : "unknown", "check",
		err_id(why->code), "found", why->found),
	    d);
}

static int
report(struct ahead *x, int64_t now, struct diag *d)
{
	_cleanup_case_ struct case_file f = { 0 };
	const unsigned long long n = x->f.q.n;
	uint64_t count = 0;
	int r;

	if (!x->a->approve)
		return say(x->c,
		    "rejected ahead by %s; request %llu cannot be signed\n",
		    x->a->approver, n);
	r = case_load(x->c, x->f.q.n, &f, d);
	if (r == 0)
		r = case_count(x->c, &f, now, NULL, &count, d);
	if (r == 0)
		r = say(x->c,
		    "approved ahead by %s: %llu of %llu for request %llu; the "
		    "TPM wants people who are here\n",
		    x->a->approver, (unsigned long long)count,
		    (unsigned long long)f.rule->threshold, n);
	return r;
}

int
intake_ahead(struct core *c, const uint8_t *envelope, size_t len, int64_t now,
    struct diag *d)
{
	_cleanup_(ahead_done) struct ahead x = { .c = c };
	const struct approval_doc doc = { envelope, len };
	struct diag ignored = { 0 };
	int r;

	r = judge(&x, &doc, now, d);
	if (r != 0) {
		if (d->code != r)
			(void)diag_fail(d, r, NULL, "an approval");
		return log_refused(&x, d, &ignored) != 0 ? CS_E_IPC : r;
	}
	r = log_decision(&x, &doc, d);
	return r == 0 ? report(&x, now, d) : r;
}
