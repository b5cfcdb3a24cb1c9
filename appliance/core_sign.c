/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Signing one approved request.
 *
 *	count -> preflight in the signer (no PIN spent), when the quorum is
 *	         reached, and again if the signing does not follow soon
 *	      -> intent leaf, checkpoint: durable before the PIN comes out
 *	      -> sign: the signer counts again, unseals, signs, verifies
 *	      -> record signed, signature and outcome leaves in one batch,
 *	         checkpoint: only now is anything released
 *
 * A failure after the intent leaves an outcome "failed"; a crash is closed
 * as "not-released" by the next start.
 */

#include <string.h>

#include "appliance/core_sign.h"
#include "lib/b64.h"
#include "lib/hex.h"

#define SIG_MAX 8192u /* bytes of one exported signature */
#define UNSEALS 1u    /* a signing needs one PIN */
#define BESIDE	(UNSEALS + 1u + CORE_HSMLOGS_MAX)

static void
signing_done(struct signing *s)
{
	size_t i;

	for (i = 0; s->events != NULL && i < s->n + BESIDE; i++)
		event_done(&s->events[i]);
	free(s->events);
	free(s->sigs);
	free(s->approvals);
	json_decref(s->trace);
	evidence_set_done(&s->evidence);
	policy_free(&s->next);
	case_done(&s->f);
}

/* In the request's order. */
static int
put_evidence(const struct evidence_set *e, struct buf *job)
{
	size_t i;
	int r = buf_put_u32(job, (uint32_t)e->n);

	for (i = 0; r == 0 && i < e->n; i++)
		r = buf_put_str(job, e->v[i].data, e->v[i].len);
	return r;
}

static int
make_job(struct signing *s, struct buf *job, struct diag *d)
{
	_cleanup_free_ uint8_t *policy = NULL, *request = NULL, *context = NULL;
	struct case_file *f = &s->f;
	size_t len, policy_len, context_len, i;
	int r;

	r = ledger_blob_get(s->c->ledger, f->q.envelope, DSSE_MAX, &request,
	    &len, d);
	if (r == 0)
		r = core_policy_envelope(&policy, &policy_len, d);
	if (r == 0)
		r = ledger_blob_get(s->c->ledger, f->q.context, IPC_MAX,
		    &context, &context_len, d);
	if (r == 0)
		r = buf_put_str(job, policy, policy_len);
	if (r == 0)
		r = buf_put_str(job, request, len);
	if (r == 0)
		r = buf_put_u64(job, (uint64_t)s->now);
	if (r == 0)
		r = buf_put_str(job, context, context_len);
	if (r == 0)
		r = buf_put_u32(job, (uint32_t)f->ndecisions);
	for (i = 0; r == 0 && i < f->ndecisions; i++) {
		r = buf_put_str(job, f->docs[i].envelope, f->docs[i].len);
		if (r == 0)
			r = buf_put_cstr(job, f->decisions[i].vote);
	}
	return r == 0 ? put_evidence(&s->evidence, job) : r;
}

/* What was so at intake may not be so today. */
static int
check_gates(struct signing *s, struct diag *d)
{
	_cleanup_checks_ struct checks ck = { 0 };
	int r = 0;

	if (s->f.rule->nevidence != 0 || s->f.req->action != REQUEST_SIGN)
		r = evidence_load(s->c, s->f.req, &s->evidence, d);
	if (r == 0 && s->f.req->action != REQUEST_SIGN)
		r = change_check(s->c, s->f.req, s->evidence.v, s->evidence.n,
		    s->now, &ck, &s->next, d);
	else if (r == 0)
		r = core_gates(s->c, s->f.req, s->f.rule, s->evidence.v,
		    s->evidence.n, s->now, &ck, d);
	return r == 0 ? checks_verdict(&ck, d) : r;
}

static int
check_quorum(struct signing *s, struct diag *d)
{
	_cleanup_checks_ struct checks ck = { 0 };
	uint64_t count = 0;
	int r;

	r = case_count(s->c, &s->f, s->now, &ck, &count, d);
	if (r != 0)
		return r;
	if (checks_failed(&ck) != 0) {
		r = say_checks(s->c, &ck, true);
		if (r != 0)
			return r;
	}
	if (count >= s->f.rule->threshold)
		return 0;
	return diag_fail(d, CS_E_QUORUM, "distinct people as the rule says",
	    "%llu of %llu", (unsigned long long)count,
	    (unsigned long long)s->f.rule->threshold);
}

json_t *
signing_approvals(const struct signing *s)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; a != NULL && i < s->f.ndecisions; i++)
		(void)json_array_append_new(a,
		    json_string(s->f.decisions[i].digest));
	return a;
}

static int
log_intent(struct signing *s, struct diag *d)
{
	const struct request *q = s->f.req;

	return core_log_one(s->c, "sign.intent",
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:o}", "request", q->id,
		"request_sha256", s->f.q.digest, "key", q->key, "format",
		q->format, "rule", s->f.q.rule, "artifacts",
		(json_int_t)q->st->nsubjects, "approvals",
		signing_approvals(s)),
	    d);
}

/* A signature that the signer made and verified becomes a leaf-to-be. */
static int
on_signature(void *arg, uint32_t i, const uint8_t *sig, size_t len)
{
	struct signing *s = arg;
	const struct request *q = s->f.req;
	const struct subject *sub = &q->st->subjects[i];
	struct event *e = &s->events[UNSEALS + i];
	_cleanup_free_ char *b64 = NULL;
	char artifact[65], sig_hex[65];
	int r;

	if (len == 0 || len > SIG_MAX)
		return CS_E_IPC;
	b64 = b64_dup(sig, len);
	if (b64 == NULL)
		return CS_E_NOMEM;
	r = sha256(sig, len, s->sigs[i].signature);
	if (r != 0)
		return r;
	memcpy(s->sigs[i].artifact, sub->digest[HASH_SHA256], 32);
	hex_encode(s->sigs[i].artifact, 32, artifact);
	hex_encode(s->sigs[i].signature, 32, sig_hex);
	e->type = "signature";
	e->data = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, "
			    "s:s, s:s, s:O}",
	    "request", q->id, "artifact", artifact, "name", sub->name, "key",
	    q->key, "format", q->format, "product", q->product, "version",
	    q->version, "signature", b64, "signature_sha256", sig_hex, "trace",
	    s->trace);
	if (e->data == NULL)
		return CS_E_NOMEM;
	if (s->n >= 100 && i % 64 == 0)
		return show_progress(s->c, "signing", i, s->n);
	return 0;
}

static int
make_record(struct signing *s, char **ret, size_t *ret_len)
{
	const struct record_new n = {
		.req = s->f.req,
		.policy = s->c->policy,
		.rule = s->f.rule,
		.approvals = (const uint8_t(*)[32])s->approvals,
		.napprovals = s->f.ndecisions,
		.sigs = s->sigs,
		.nsigs = s->n,
		.origin = s->c->origin,
		.time = s->now,
	};
	uint64_t first = ledger_size(s->c->ledger) + UNSEALS;
	size_t i;

	for (i = 0; i < s->n; i++)
		s->sigs[i].leaf = first + i;
	return record_format(&n, ret, ret_len);
}

/* The signer signs the record while the signatures' leaves are written. */
static int
sign_record(struct signing *s, const struct ledger_clock *clock, int64_t now,
    char record[65], struct diag *d)
{
	_cleanup_free_ char *payload = NULL, *env = NULL;
	struct diag why = { 0 };
	size_t len, env_len;
	uint32_t i;
	int r, e = 0;

	r = make_record(s, &payload, &len);
	if (r == 0)
		r = signer_record_begin(s->c, payload, len, d);
	if (r != 0)
		return r;
	for (i = 0; e == 0 && i < s->n; i++)
		e = ledger_render(s->c->ledger, &s->events[UNSEALS + i], clock,
		    now, &why);
	r = signer_record_end(s->c, payload, len, &env, &env_len, d);
	if (r == 0 && e != 0) {
		*d = why;
		r = e;
	}
	return r == 0 ? ledger_blob_put(s->c->ledger, env, env_len, record, d) :
			r;
}

/* The leaf before the signatures: no PIN came out that it does not tell of. */
static int
take_unseal(struct signing *s, struct diag *d)
{
	struct event ev[CORE_UNSEALS_MAX];
	size_t n = 0;

	if (s->c->nunseals != UNSEALS || s->c->unseals[0].why.code != 0)
		return diag_fail(d, CS_E_IPC, "one PIN that came out", "%zu",
		    s->c->nunseals);
	if (unseal_events(s->c, &s->f.q, ev, &n) != 0)
		return diag_nomem(d);
	s->events[0] = ev[0];
	return 0;
}

static int
finish(struct signing *s, struct diag *d)
{
	const int64_t now = core_now();
	struct event *o = &s->events[UNSEALS + s->n];
	struct ledger_clock clock = { 0 };
	size_t nlogs = 0;
	char record[65];
	int r;

	r = take_unseal(s, d);
	if (r == 0)
		r = signer_clock(s->c, &clock, d);
	if (r == 0)
		r = sign_record(s, &clock, now, record, d);
	if (r == 0)
		r = hsmlog_events(s->c, &s->f.q, o, &nlogs, d);
	if (r != 0)
		return r;
	o += nlogs;
	o->type = "sign.outcome";
	o->data = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "request",
	    s->f.q.id, "request_sha256", s->f.q.digest, "result", "signed",
	    "record", record, "first",
	    (json_int_t)(ledger_size(s->c->ledger) + UNSEALS), "count",
	    (json_int_t)s->n);
	if (o->data == NULL)
		return diag_nomem(d);
	r = core_log_at(s->c, s->events, UNSEALS + s->n + nlogs + 1, &clock,
	    now, d);
	return r == 0 ? hsmlog_logged(s->c) : r;
}

int
signing_failed(struct signing *s, const char *event, const struct diag *why,
    struct diag *d)
{
	struct event ev = { .type = event,
		.data =
		    json_pack("{s:s, s:s, s:s, s:s, s:s}", "request", s->f.q.id,
			"request_sha256", s->f.q.digest, "result", "failed",
			"check", err_id(why->code), "found", why->found) };
	struct ledger_clock clock = { 0 };
	int r;

	if (ev.data == NULL)
		return diag_nomem(d);
	/* one that waits may have an HSM's log to release */
	if (s->c->nhsmlogs == 0 || !signer_is_idle(s->c))
		signer_end(s->c);
	r = signer_clock(s->c, &clock, d);
	if (r != 0) {
		event_done(&ev);
		return r;
	}
	return unseal_log(s->c, &s->f.q, &ev, &clock, core_now(), d);
}

static int
ceremony(struct signing *s, struct diag *d)
{
	struct diag later = { 0 };
	int r;

	r = log_intent(s, d);
	if (r != 0)
		return r;
	r = signer_sign(s->c, s->n, on_signature, s, d);
	if (r == 0)
		return finish(s, d);
	if (d->code != r)
		(void)diag_fail(d, r, NULL, "signing");
	return signing_failed(s, "sign.outcome", d, &later) != 0 ? CS_E_LEDGER :
								   r;
}

static int
prepare(struct signing *s, struct diag *d)
{
	struct buf job = BUF_INIT(64u << 20);
	int r;

	if (s->f.q.state != REQ_PENDING)
		return diag_fail(d, CS_E_STATE, "a pending request",
		    "request %llu is %s", (unsigned long long)s->f.q.n,
		    case_state(&s->f.q));
	r = check_gates(s, d);
	if (r == 0)
		r = check_quorum(s, d);
	if (r == 0)
		r = session_check(s->c, &s->f.q, d);
	if (r == 0)
		r = make_job(s, &job, d);
	if (r == 0)
		r = signer_preflight(s->c, &job, &s->n, d);
	buf_done(&job);
	if (r == 0 &&
	    s->n !=
		(s->f.req->action == REQUEST_SIGN ? s->f.req->st->nsubjects :
						    0))
		r = diag_fail(d, CS_E_IPC, "one signature per artifact", "%u",
		    s->n);
	if (r != 0 || s->f.req->action != REQUEST_SIGN)
		return r;
	s->events = calloc((size_t)s->n + BESIDE, sizeof(*s->events));
	s->sigs = calloc(s->n, sizeof(*s->sigs));
	if (s->events == NULL || s->sigs == NULL)
		return diag_nomem(d);
	r = case_approvals(&s->f, &s->approvals);
	if (r == 0)
		r = core_trace(s->c, &s->f, &s->trace);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "where it comes from");
}

void
signing_free(struct signing **s)
{
	if (*s == NULL)
		return;
	signing_done(*s);
	free(*s);
	*s = NULL;
}

void
signing_drop(struct core *c)
{
	signing_free(&c->ready);
	signer_end(c);
}

/* A PIN that the TPM would not give is an attempt, also without a ceremony. */
static int
log_refused(struct signing *s, struct diag *d)
{
	struct ledger_clock clock = { 0 };
	int r;

	if (s->c->nunseals == 0)
		return 0;
	r = signer_clock(s->c, &clock, d);
	return r == 0 ? unseal_log(s->c, &s->f.q, NULL, &clock, core_now(), d) :
			r;
}

int
signing_prepare(struct core *c, uint64_t n, struct diag *d)
{
	_cleanup_(signing_free) struct signing *s = calloc(1, sizeof(*s));
	struct diag log = { 0 };
	int r;

	if (s == NULL)
		return diag_nomem(d);
	s->c = c;
	r = case_load(c, n, &s->f, d);
	if (r == 0)
		r = core_time_of(c, s->f.req, &s->now, d);
	if (r == 0)
		r = receipt_gate(c, d);
	if (r == 0)
		r = prepare(s, d);
	if (r != 0)
		return log_refused(s, &log) == 0 ? r : CS_E_LEDGER;
	signing_free(&c->ready);
	c->ready = take_ptr(s);
	return 0;
}

int
signing_take(struct core *c, uint64_t n, struct signing **ret, struct diag *d)
{
	int64_t now = core_now();
	int r = 0;

	if (c->ready != NULL)
		now = change_time(c->ready->f.req, now);
	if (c->ready == NULL || c->ready->f.q.n != n || c->signer < 0 ||
	    now < c->ready->now || now - c->ready->now > CORE_READY_S) {
		signing_drop(c);
		r = signing_prepare(c, n, d);
	}
	if (r == 0)
		*ret = take_ptr(c->ready);
	return r;
}

int
verb_sign(struct core *c, char **argv, size_t argc, struct diag *d)
{
	_cleanup_(signing_free) struct signing *s = NULL;
	uint64_t n = 0;
	int r;

	(void)argc;
	r = parse_number(argv[0], &n, d);
	if (r == 0)
		r = signing_take(c, n, &s, d);
	if (r == 0 && s->f.req->action != REQUEST_SIGN)
		r = diag_fail(d, CS_E_STATE, "apply, for a change",
		    "request %llu asks for %s", (unsigned long long)n,
		    s->f.req->format);
	if (r == 0)
		r = ceremony(s, d);
	if (r != 0)
		return r;
	return say(c,
	    "request %llu: %u signatures made, verified and logged; "
	    "export %llu\n",
	    (unsigned long long)n, s->n, (unsigned long long)n);
}
