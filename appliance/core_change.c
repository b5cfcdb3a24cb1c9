/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Making one approved change.
 *
 *	count -> preflight in the signer, as for signatures
 *	      -> intent leaf, checkpoint
 *	      -> the signer makes it, if it needs a PIN; the core itself else
 *	      -> record signed, outcome leaf, checkpoint
 *	      -> a new policy, or another clock, is in force
 *
 * The outcome leaf is what counts.  A policy update that was cut short after
 * the TPM's generation moved is finished by the next start; every other one
 * is closed as "not-made", and may be tried again.
 */

#include <string.h>

#include "appliance/core_sign.h"
#include "lib/canon.h"
#include "lib/hex.h"

#define INTENT	"change.intent"
#define OUTCOME "change.outcome"

/* The chip must be able to count the people of the next policy. */
static int
check_quorums(const struct policy *next, struct checks *ck)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < next->ndomains; i++) {
		_cleanup_quorum_ struct quorum q = { 0 };
		struct diag why = { 0 };

		if (quorum_of_domain(next, next->domains[i].id, &q, &why) != 0)
			r = checks_add_diag(ck, &why);
	}
	return r;
}

int
change_check(struct core *c, const struct request *q,
    const struct evidence_doc *docs, size_t n, int64_t now, struct checks *ck,
    struct policy **ret_new, struct diag *d)
{
	_cleanup_policy_ struct policy *next = NULL;
	int r;

	r = evaluate_change(c->policy, q, now, docs, n, ck, &next);
	if (r == 0 && next != NULL)
		r = check_quorums(next, ck);
	if (r != 0)
		return diag_fail(d, r, NULL, "the change");
	if (ret_new != NULL)
		*ret_new = take_ptr(next);
	return 0;
}

static json_t *
with_policy(json_t *j, const struct request *q, uint64_t generation,
    const char *digest_name)
{
	char envelope[CS_SHA256_HEX + 1];
	json_t *more;

	if (j == NULL || q->action != CHANGE_POLICY)
		return j;
	hex_encode(q->evidence[0].sha256, CS_SHA256_LEN, envelope);
	more = json_pack("{s:o, s:s, s:I, s:I}", digest_name,
	    json_hex32(q->change.policy), "policy_envelope", envelope,
	    "policy_version", (json_int_t)q->change.policy_version,
	    "generation", (json_int_t)generation);
	if (more == NULL || json_object_update(j, more) != 0) {
		json_decref(j);
		j = NULL;
	}
	json_decref(more);
	return j;
}

static int
log_intent(struct signing *s, struct diag *d)
{
	const struct request *q = s->f.req;

	return core_log_one(s->c, INTENT,
	    with_policy(json_pack("{s:s, s:s, s:s, s:s, s:o}", "request", q->id,
			    "request_sha256", s->f.q.digest, "action",
			    q->format, "key", q->key, "approvals",
			    signing_approvals(s)),
		q, s->c->tpm.generation + 1, "next_policy"),
	    d);
}

/* A record that the audit token signs, as a blob. */
static int
make_record(struct core *c, const struct case_file *f,
    const struct change_made *made, char record[65], struct diag *d)
{
	struct change_record_new rec = {
		.req = f->req,
		.policy = c->policy,
		.napprovals = f->ndecisions,
		.made = *made,
		.origin = c->origin,
		.time = change_time(f->req, core_now()),
	};
	_cleanup_free_ char *payload = NULL, *env = NULL;
	_cleanup_free_ uint8_t(*approvals)[32] = NULL;
	size_t len, env_len;
	int r;

	r = case_approvals(f, &approvals);
	rec.approvals = (const uint8_t(*)[32])approvals;
	if (r == 0)
		r = change_record_format(&rec, &payload, &len);
	if (r != 0)
		return diag_fail(d, r, NULL, "the record");
	r = signer_record(c, payload, len, &env, &env_len, d);
	return r == 0 ? ledger_blob_put(c->ledger, env, env_len, record, d) : r;
}

static json_t *
outcome(const struct request *q, const char *digest, const char *record,
    uint64_t generation, const struct change_made *made)
{
	const int64_t s = q->change.seconds;
	json_t *j;

	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "request", q->id,
	    "request_sha256", digest, "action", q->format, "result", "made",
	    "record", record, "reason", q->change.reason);
	if (j == NULL)
		return NULL;
	if (q->change.key != NULL)
		(void)json_object_set_new(j, "key", json_string(q->change.key));
	if (made->spki != NULL) {
		uint8_t id[CS_SHA256_LEN];

		if (sha256(made->spki, made->spki_len, id) == 0)
			(void)json_object_set_new(j, "key_id", json_hex32(id));
		(void)json_object_set_new(j, "domain",
		    json_string(q->change.domain));
		(void)json_object_set_new(j, "algorithm",
		    json_string(key_alg_name(q->change.alg)));
	}
	if (q->action == CHANGE_CLOCK) {
		(void)json_object_set_new(j, "seconds",
		    json_integer(s < 0 ? -s : s));
		(void)json_object_set_new(j, "direction",
		    json_string(s < 0 ? "back" : "forward"));
	}
	return with_policy(j, q, generation, "policy");
}

/* Leaf and checkpoint, at the time that is in force from now on. */
static int
log_outcome(struct core *c, const struct case_file *f, json_t *data,
    struct diag *d)
{
	const struct request *q = f->req;
	struct event ev = { .type = OUTCOME, .data = data };
	struct ledger_clock clock = { 0 };
	int r;

	if (data == NULL)
		return diag_nomem(d);
	r = signer_clock(c, &clock, d);
	if (r != 0) {
		event_done(&ev);
		return r;
	}
	r = unseal_log(c, &f->q, &ev, &clock, change_time(q, core_now()), d);
	core_clock_offset(ledger_clock_offset(c->ledger));
	return r;
}

/* The log has it: from here on it is in force. */
static int
take_policy(struct core *c, struct policy **next, struct diag *d)
{
	_cleanup_free_ uint8_t *env = NULL;
	size_t len;
	int r;

	policy_free(&c->policy);
	c->policy = take_ptr(*next);
	r = ledger_blob_get(c->ledger, ledger_policy_envelope(c->ledger),
	    DSSE_MAX, &env, &len, d);
	return r == 0 ? core_policy_write(env, len, d) : r;
}

static int
put_in_force(struct core *c, const struct case_file *f, struct policy **next,
    uint64_t generation, const struct change_made *made, struct diag *d)
{
	const struct request *q = f->req;
	char record[65];
	int r;

	r = make_record(c, f, made, record, d);
	if (r == 0)
		r = log_outcome(c, f,
		    outcome(q, f->q.digest, record, generation, made), d);
	if (r != 0 || q->action != CHANGE_POLICY)
		return r;
	c->tpm.generation = generation;
	return take_policy(c, next, d);
}

/* The TPM has moved on: only a start, which finishes it, goes on from here. */
static int
half_made(int r, struct diag *d)
{
	const struct diag why = *d;

	return diag_fail(d, CS_E_LEDGER, "a policy update that is logged",
	    "%s: %.120s", err_id(r), why.found);
}

/* After the intent: what the signer makes, or nothing but the leaf. */
static int
ceremony(struct signing *s, struct diag *d)
{
	const struct request *q = s->f.req;
	struct signer_changed x = { .uri = NULL };
	struct diag later = { 0 };
	int r;

	r = log_intent(s, d);
	if (r != 0)
		return r;
	if (q->action != CHANGE_CLOCK && q->action != CHANGE_NOTE)
		r = signer_change(s->c, &x, d);
	if (r == 0)
		r = put_in_force(s->c, &s->f, &s->next, x.generation, &x.made,
		    d);
	if (r != 0 && d->code != r)
		(void)diag_fail(d, r, NULL, "the change");
	if (r != 0 && x.generation != 0)
		r = half_made(r, d);
	else if (r != 0 && signing_failed(s, OUTCOME, d, &later) != 0)
		r = CS_E_LEDGER;
	signer_changed_done(&x);
	return r;
}

static int
report(struct core *c, const struct request *q)
{
	switch (q->action) {
	case CHANGE_POLICY:
		return say(c,
		    "policy version %llu is in force; requests that waited "
		    "have lapsed, take them in again\n",
		    (unsigned long long)c->policy->version);
	case CHANGE_KEY_GENERATE:
		return say(c,
		    "the key %s is made; export its public key, and name it "
		    "in the next policy\n",
		    q->key);
	case CHANGE_KEY_DESTROY:
		return say(c, "the key %s is destroyed\n", q->key);
	case CHANGE_CLOCK:
		return say(c, "the clock is set by %s\n", q->change.text);
	default:
		return say(c, "the exception is logged\n");
	}
}

int
verb_apply(struct core *c, char **argv, size_t argc, struct diag *d)
{
	_cleanup_(signing_free) struct signing *s = NULL;
	uint64_t n = 0;
	int r;

	(void)argc;
	r = parse_number(argv[0], &n, d);
	if (r == 0)
		r = signing_take(c, n, &s, d);
	if (r == 0 && s->f.req->action == REQUEST_SIGN)
		r = diag_fail(d, CS_E_STATE, "sign, for signatures",
		    "request %llu asks for signatures", (unsigned long long)n);
	if (r == 0)
		r = ceremony(s, d);
	if (r == 0)
		r = report(c, s->f.req);
	if (r != 0)
		return r;
	return say(c, "request %llu is made and logged; export %llu\n",
	    (unsigned long long)n, (unsigned long long)n);
}

/* The generation that its intent was going to. */
static int
intended(struct core *c, const struct ledger_request *q, uint64_t *ret,
    struct diag *d)
{
	_cleanup_free_ char *leaf = NULL;
	uint64_t i = 0;
	size_t len;
	int r;

	r = ledger_last_leaf(c->ledger, INTENT, q->id, &i, d);
	if (r == 0)
		r = ledger_leaf(c->ledger, i, &leaf, &len, d);
	if (r != 0)
		return r < 0 ? r : CS_E_LEDGER;
	return canon_get_u64(leaf, len, "data.generation", ret, d);
}

static int
finish_policy(struct core *c, const struct case_file *f, uint64_t generation,
    struct diag *d)
{
	_cleanup_(evidence_set_done) struct evidence_set docs = { 0 };
	_cleanup_policy_ struct policy *next = NULL;
	const struct change_made none = { .uri = NULL };
	int r;

	r = evidence_load(c, f->req, &docs, d);
	if (r == 0 && docs.n != 1)
		r = CS_E_LEDGER;
	if (r == 0)
		r = policy_load_pinned(docs.v[0].data, docs.v[0].len, &next, d);
	if (r == 0 && memcmp(next->digest, f->req->change.policy, 32) != 0)
		r = CS_E_LEDGER;
	return r == 0 ? put_in_force(c, f, &next, generation, &none, d) : r;
}

int
change_recover(struct core *c, const struct ledger_request *q, struct diag *d)
{
	_cleanup_case_ struct case_file f = { 0 };
	uint64_t generation = 0;
	int r;

	r = case_load(c, q->n, &f, d);
	if (r == 0 && f.req->action == CHANGE_POLICY)
		r = intended(c, q, &generation, d);
	if (r != 0)
		return r;
	if (generation != 0 && c->tpm.generation >= generation) {
		r = finish_policy(c, &f, generation, d);
		return r == 0 ? say(c,
				    "request %llu: the policy update was cut "
				    "short and is finished now\n",
				    (unsigned long long)q->n) :
				r;
	}
	r = core_log_one(c, OUTCOME,
	    json_pack("{s:s, s:s, s:s, s:s}", "request", q->id,
		"request_sha256", q->digest, "action", f.req->format, "result",
		"not-made"),
	    d);
	return r == 0 ? say(c,
			    "request %llu: the last ceremony was cut short; "
			    "nothing was changed, it may be made again\n",
			    (unsigned long long)q->n) :
			r;
}
