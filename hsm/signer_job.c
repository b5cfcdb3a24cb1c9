/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "hsm/signer_job.h"
#include "lib/file.h"

/*
 * The preflight: everything that can be known before a PIN is spent.  Nothing
 * of the core's own decision is used; policy, request and approvals are
 * verified over the bytes that are then read, and counted here.
 */
#define JOB_MAX (64u << 20)

static void
parcel_done(struct parcel *p)
{
	size_t i;

	for (i = 0; p->votes != NULL && i < p->ndocs; i++)
		free(p->votes[i]);
	free(p->bytes);
	free(p->docs);
	free(p->votes);
	free(p->evidence);
}
#define _cleanup_parcel_ _cleanup_(parcel_done)

void
signer_job_free(struct signer_job **j)
{
	size_t i;

	if (*j == NULL)
		return;
	for (i = 0; i < (*j)->nparts; i++) {
		buf_done(&(*j)->parts[i].session.context);
		free((*j)->parts[i].sigs);
	}
	free((*j)->parts);
	request_free(&(*j)->req);
	policy_free(&(*j)->next);
	policy_free(&(*j)->policy);
	free(*j);
	*j = NULL;
}

static int
read_docs(struct rd *rd, struct parcel *p)
{
	uint32_t n, i;
	int r;

	r = rd_u32(rd, &n);
	if (r != 0)
		return r;
	if (n > SIGNER_APPROVALS_MAX)
		return CS_E_TOO_LARGE;
	p->docs = calloc((size_t)n + 1, sizeof(*p->docs));
	p->votes = calloc((size_t)n + 1, sizeof(*p->votes));
	if (p->docs == NULL || p->votes == NULL)
		return CS_E_NOMEM;
	for (i = 0; r == 0 && i < n; i++) {
		r = rd_str(rd, DSSE_MAX, &p->docs[i].envelope, &p->docs[i].len);
		if (r == 0)
			r = rd_cstr(rd, SESSION_VOTES_MAX, &p->votes[i]);
		if (r == 0)
			p->ndocs = i + 1;
	}
	return r;
}

static int
read_evidence(struct rd *rd, struct parcel *p)
{
	uint32_t n = 0, i;
	int r = rd_u32(rd, &n);

	if (r != 0)
		return r;
	if (n > SIGNER_EVIDENCE_MAX)
		return CS_E_TOO_LARGE;
	p->evidence = calloc((size_t)n + 1, sizeof(*p->evidence));
	if (p->evidence == NULL)
		return CS_E_NOMEM;
	for (i = 0; r == 0 && i < n; i++)
		r = rd_str(rd, JOB_MAX, &p->evidence[i].data,
		    &p->evidence[i].len);
	p->nevidence = n;
	return r;
}

static int
read_parcel(int fd, struct parcel *p, struct diag *d)
{
	const uint8_t *sessions = NULL;
	size_t len, sessions_len = 0;
	struct rd rd;
	int r;

	r = memfd_read_sealed(fd, JOB_MAX, &p->bytes, &len, d);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(p->bytes, len);
	r = rd_str(&rd, DSSE_MAX, &p->policy, &p->policy_len);
	if (r == 0)
		r = rd_str(&rd, DSSE_MAX, &p->request, &p->request_len);
	if (r == 0)
		r = rd_u64(&rd, &p->now);
	if (r == 0)
		r = rd_str(&rd, IPC_MAX, &sessions, &sessions_len);
	if (r == 0)
		r = read_docs(&rd, p);
	if (r == 0)
		r = read_evidence(&rd, p);
	if (r == 0)
		r = rd_end(&rd);
	if (r == 0 && p->now > INT64_MAX)
		r = CS_E_SIGNER_JOB;
	if (r == 0)
		r = sessions_get(sessions, sessions_len, &p->sessions, NULL);
	if (r == 0)
		r = sessions_nonce(&p->sessions, p->nonce);
	if (r != 0)
		return diag_fail(d, CS_E_SIGNER_JOB,
		    "policy, request, time, sessions, approvals, evidence",
		    "%s", err_id(r));
	return 0;
}

/*
 * Who signed the policy does not matter here: its digest is the one that the
 * PIN was sealed under, which the TPM proves when the PIN comes out.
 */
static int
load_policy(struct signer *s, const struct parcel *p, struct signer_job *j,
    struct diag *d)
{
	_cleanup_dsse_ struct dsse *env = NULL;
	int r;

	r = dsse_parse(p->policy, p->policy_len, &env, d);
	if (r == 0)
		r = policy_parse(env->payload, env->payload_len, &j->policy, d);
	if (r != 0)
		return r;
	if (!policy_names_log(j->policy, s->origin))
		return diag_fail(d, CS_E_SIGNER_ORIGIN, s->origin,
		    "a policy for %s", j->policy->appliance);
	return 0;
}

static int
count_approvals(const struct parcel *p, const struct signer_job *j,
    const struct policy_rule *rule, const struct policy_principal *requester,
    struct diag *d)
{
	_cleanup_checks_ struct checks c = { 0 };
	uint64_t count = 0;
	struct diag why = { 0 };
	size_t i;
	int r;

	r = evaluate_approvals(j->policy, j->req, rule, requester, p->nonce,
	    j->now, p->docs, p->ndocs, &c, &count);
	if (r != 0)
		return r;
	/* one eligible person's no is a no, whatever the count */
	for (i = 0; i < c.n; i++)
		if (!c.v[i].pass && c.v[i].code == CS_E_APPROVAL_REJECTED)
			return diag_fail(d, c.v[i].code, c.v[i].expected, "%s",
			    c.v[i].found);
	if (rule->threshold > 0 && count >= rule->threshold)
		return 0;
	if (checks_verdict(&c, &why) == 0)
		return diag_fail(d, CS_E_QUORUM,
		    "distinct people as the rule says", "%llu of %llu",
		    (unsigned long long)count,
		    (unsigned long long)rule->threshold);
	return diag_fail(d, CS_E_QUORUM, "distinct people as the rule says",
	    "%llu of %llu; %s: %.120s", (unsigned long long)count,
	    (unsigned long long)rule->threshold, err_id(why.code), why.found);
}

/*
 * What signatures were made before only the log knows, which is the core's:
 * caps are its word.  Review, windows and evidence are looked at here again.
 */
static int
gates(const struct parcel *p, const struct signer_job *j,
    const struct policy_rule *rule, struct checks *c)
{
	int r = evaluate_limits(j->policy, j->req, rule, j->now, NULL, c);

	return r == 0 ? evaluate_evidence(j->policy, j->req, rule, p->evidence,
			    p->nevidence, j->now, c) :
			r;
}

static void
name_evidence(struct parcel *p, const struct request *q)
{
	size_t i;

	for (i = 0; i < p->nevidence; i++)
		p->evidence[i].name =
		    i < q->nevidence ? q->evidence[i].name : "one more";
}

static int
evaluate_signing(const struct parcel *p, struct signer_job *j,
    const struct policy_principal *requester, const struct policy_rule **ret,
    struct checks *c, struct diag *d)
{
	int r;

	r = evaluate_request(j->policy, j->req, requester, j->now, c, ret);
	if (r == 0)
		r = checks_verdict(c, d);
	if (r == 0 && *ret == NULL)
		r = diag_fail(d, CS_E_INTERNAL, "a rule", "none");
	return r == 0 ? gates(p, j, *ret, c) : r;
}

static int
evaluate(struct parcel *p, struct signer_job *j, struct diag *d)
{
	_cleanup_dsse_ struct dsse *env = NULL;
	_cleanup_checks_ struct checks c = { 0 };
	const struct policy_principal *requester = NULL;
	const struct policy_rule *rule = NULL;
	int r;

	r = dsse_parse(p->request, p->request_len, &env, d);
	if (r == 0)
		r = request_parse_any(env->payload, env->payload_len, &j->req,
		    d);
	if (r != 0)
		return r;
	name_evidence(p, j->req);
	j->now = change_time(j->req, (int64_t)p->now);
	r = evaluate_requester(j->policy, env, j->req, j->now, &c, &requester);
	if (r == 0)
		r = checks_verdict(&c, d);
	if (r == 0 && requester == NULL)
		r = diag_fail(d, CS_E_INTERNAL, "a requester", "none");
	if (r != 0)
		return r;
	if (j->req->action == REQUEST_SIGN) {
		r = evaluate_signing(p, j, requester, &rule, &c, d);
	} else {
		rule = &j->policy->admin;
		r = evaluate_change(j->policy, j->req, j->now, p->evidence,
		    p->nevidence, &c, &j->next);
	}
	if (r == 0)
		r = checks_verdict(&c, d);
	return r == 0 ? count_approvals(p, j, rule, requester, d) : r;
}

/* evaluate() has found nothing wrong with it */
static int
choose_key(struct signer_job *j, struct diag *d)
{
	j->key = policy_key_by_id(j->policy, j->req->key);
	if (j->key == NULL)
		return diag_fail(d, CS_E_POLICY_KEY, "a key of the policy",
		    "%.60s", j->req->key);
	return 0;
}

static void
job_freep(struct signer_job **j)
{
	signer_job_free(j);
}

int
signer_preflight(struct signer *s, struct ipc_msg *m, struct diag *d)
{
	_cleanup_(job_freep) struct signer_job *j = NULL;
	_cleanup_parcel_ struct parcel p = { 0 };
	struct buf b = BUF_INIT(16);
	int r;

	if (m->fd < 0 || m->body.len != 0)
		return CS_E_IPC;
	j = calloc(1, sizeof(*j));
	if (j == NULL)
		return diag_nomem(d);
	r = read_parcel(m->fd, &p, d);
	if (r == 0)
		r = load_policy(s, &p, j, d);
	if (r == 0)
		r = evaluate(&p, j, d);
	if (r == 0 &&
	    (j->req->action == REQUEST_SIGN ||
		j->req->action == CHANGE_KEY_DESTROY))
		r = choose_key(j, d);
	if (r == 0)
		r = signer_parts(s, &p, j, d);
	if (r != 0)
		return r;
	r = buf_put_u32(&b,
	    j->req->action == REQUEST_SIGN ? (uint32_t)j->req->st->nsubjects :
					     0);
	if (r == 0)
		r = ipc_send_buf(s->sock, SIGNER_PREFLIGHT_R, &b, -1);
	buf_done(&b);
	if (r == 0)
		s->job = take_ptr(j);
	return r;
}
