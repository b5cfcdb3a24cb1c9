/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/signer.h"

#include <stdio.h>
#include <string.h>

#include "lib/evaluate_impl.h"
#include "lib/evidence.h"
#include "lib/file.h"
#include "lib/hex.h"

/*
 * The preflight: everything that can be known before a PIN is spent.  Nothing
 * of the core's own decision is used; policy, request and approvals are
 * verified over the bytes that are then read, and counted here.
 */
#define JOB_MAX	 (64u << 20)
#define VOTE_MAX 1024u

/* The pieces of struct job (lib/proto_signer.h); they point into bytes. */
struct parcel {
	uint8_t *bytes;
	const uint8_t *policy, *request, *nonce, *context;
	size_t policy_len, request_len, context_len;
	uint64_t now;
	struct approval_doc *docs;
	struct vote {
		const uint8_t *sig;
		size_t len;
	} * votes; /* one per document; empty if it has none */
	size_t ndocs;
	struct evidence_doc *evidence;
	size_t nevidence;
};

static void
parcel_done(struct parcel *p)
{
	free(p->bytes);
	free(p->docs);
	free(p->votes);
	free(p->evidence);
}
#define _cleanup_parcel_ _cleanup_(parcel_done)

void
signer_job_free(struct signer_job **j)
{
	if (*j == NULL)
		return;
	request_free(&(*j)->req);
	policy_free(&(*j)->policy);
	buf_done(&(*j)->session.context);
	free((*j)->bytes);
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
			r = rd_str(rd, VOTE_MAX, &p->votes[i].sig,
			    &p->votes[i].len);
	}
	p->ndocs = n;
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
	struct rd rd;
	size_t len, nonce_len = 0;
	int r;

	r = memfd_read_sealed(fd, JOB_MAX, &p->bytes, &len, d);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(p->bytes, len);
	r = rd_str(&rd, DSSE_MAX, &p->policy, &p->policy_len);
	if (r == 0)
		r = rd_str(&rd, DSSE_MAX, &p->request, &p->request_len);
	if (r == 0)
		r = rd_str(&rd, 32, &p->nonce, &nonce_len);
	if (r == 0)
		r = rd_u64(&rd, &p->now);
	if (r == 0)
		r = rd_str(&rd, TPM_CONTEXT_MAX, &p->context, &p->context_len);
	if (r == 0)
		r = read_docs(&rd, p);
	if (r == 0)
		r = read_evidence(&rd, p);
	if (r == 0)
		r = rd_end(&rd);
	if (r == 0 && (nonce_len != 32 || p->now > INT64_MAX))
		r = CS_E_SIGNER_JOB;
	if (r != 0)
		return diag_fail(d, CS_E_SIGNER_JOB,
		    "policy, request, nonce, time, session, approvals, "
		    "evidence",
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
gates(struct parcel *p, const struct signer_job *j,
    const struct policy_rule *rule, struct checks *c)
{
	size_t i;
	int r;

	for (i = 0; i < p->nevidence; i++)
		p->evidence[i].name = i < j->req->nevidence ?
		    j->req->evidence[i].name :
		    "one more";
	r = evaluate_limits(j->policy, j->req, rule, j->now, NULL, c);
	return r == 0 ? evaluate_evidence(j->policy, j->req, rule, p->evidence,
			    p->nevidence, j->now, c) :
			r;
}

static int
evaluate(struct parcel *p, struct signer_job *j, struct diag *d)
{
	_cleanup_dsse_ struct dsse *env = NULL;
	_cleanup_checks_ struct checks c = { 0 };
	const struct policy_principal *requester = NULL;
	const struct policy_rule *rule = NULL;
	int r;

	j->now = (int64_t)p->now;
	r = dsse_parse(p->request, p->request_len, &env, d);
	if (r == 0)
		r = request_parse(env->payload, env->payload_len, &j->req, d);
	if (r == 0)
		r = evaluate_requester(j->policy, env, j->req, j->now, &c,
		    &requester);
	if (r == 0)
		r = evaluate_request(j->policy, j->req, requester, j->now, &c,
		    &rule);
	if (r == 0)
		r = checks_verdict(&c, d);
	if (r != 0)
		return r;
	if (rule == NULL || requester == NULL)
		return diag_fail(d, CS_E_INTERNAL, "a rule and a requester",
		    "none, and no failed check");
	r = gates(p, j, rule, &c);
	if (r == 0)
		r = checks_verdict(&c, d);
	if (r != 0)
		return r;
	return count_approvals(p, j, rule, requester, d);
}

/* Whose key made the approval; NULL if nobody's in the policy. */
static const struct pubkey *
approver_key(const struct signer_job *j, const struct approval_doc *doc)
{
	_cleanup_dsse_ struct dsse *env = NULL;
	const struct policy_principal *who = NULL;
	const struct pubkey *key = NULL;
	bool alone = false;

	if (dsse_parse(doc->envelope, doc->len, &env, NULL) != 0 ||
	    evaluate_signer(j->policy, env, &who, &key, &alone) != 0)
		return NULL;
	return key;
}

/* The ballot for the TPM: its session, and a vote of each approver. */
static int
make_ballot(struct parcel *p, struct signer_job *j, struct diag *d)
{
	size_t i, n = 0;
	int r;

	memcpy(j->session.nonce, p->nonce, QUORUM_NONCE_LEN);
	j->session.context = (struct buf)BUF_INIT(TPM_CONTEXT_MAX);
	r = buf_put(&j->session.context, p->context, p->context_len);
	if (r != 0)
		return diag_fail(d, r, NULL, "the session");
	for (i = 0; i < p->ndocs; i++) {
		const struct pubkey *k = approver_key(j, &p->docs[i]);

		/* a document by nobody was named when approvals were counted */
		if (k == NULL || p->votes[i].len == 0)
			continue;
		j->votes[n++] =
		    (struct tpm_vote){ k, p->votes[i].sig, p->votes[i].len };
	}
	j->ballot = (struct tpm_ballot){ &j->session, j->votes, n };
	j->bytes = take_ptr(p->bytes);
	return 0;
}

/* R6: the digest that the key needs is there for every subject. */
static int
check_digests(const struct signer_job *j, struct diag *d)
{
	enum hash_alg h = key_alg_hash(j->key->alg);
	size_t i;

	for (i = 0; i < j->req->st->nsubjects; i++)
		if (!j->req->st->subjects[i].has[h])
			return diag_fail(d, CS_E_REQ_DIGEST, hash_name(h),
			    "artifact %zu has none", i + 1);
	return 0;
}

static int
choose_key(struct signer_job *j, struct diag *d)
{
	char hex[65];
	size_t i;

	j->key = policy_key_by_id(j->policy, j->req->key);
	if (j->key == NULL)
		return diag_fail(d, CS_E_POLICY_KEY, "a key of the policy",
		    "%.60s", j->req->key);
	for (i = 0; i < j->policy->ndomains; i++)
		if (strcmp(j->policy->domains[i].id, j->key->domain) == 0)
			j->domain = &j->policy->domains[i];
	if (j->domain == NULL)
		return diag_fail(d, CS_E_INTERNAL, "the key's domain", "none");
	if (strcmp(j->req->format, "cms") == 0 && j->key->cert == NULL)
		return diag_fail(d, CS_E_POLICY_CERT, "a certificate for cms",
		    "none at the key %s", j->key->id);
	hex_encode(j->policy->digest, 32, hex);
	(void)snprintf(j->label, sizeof(j->label), "domain %.40s policy %s",
	    j->domain->id, hex);
	return check_digests(j, d);
}

/* Token by label, key by CKA_ID and public key; no login. */
static int
find_key(struct signer *s, struct signer_job *j, struct diag *d)
{
	_cleanup_p11_session_ struct p11_session *session = NULL;
	struct p11_token t;
	int r;

	r = p11_uri_parse(j->key->uri, &j->uri, d);
	if (r != 0)
		return r;
	if (strcmp(j->uri.token, j->domain->token) != 0 || j->uri.id_len == 0)
		return diag_fail(d, CS_E_POLICY_URI,
		    "the domain's token and "
		    "an id",
		    "%.100s", j->key->uri);
	r = p11_find_token_label(s->p11, j->domain->token, &t, d);
	if (r != 0)
		return r;
	if ((t.flags & P11_F_LOCKED) != 0)
		return diag_fail(d, CS_E_HSM_PIN_LOCKED, NULL, "%s", t.label);
	if ((t.flags & P11_F_FINAL_TRY) != 0)
		return diag_fail(d, CS_E_HSM_PIN_FINAL, NULL, "%s", t.label);
	r = p11_session_open(s->p11, &t, false, &session, d);
	if (r == 0)
		r = p11_check_public(session, j->uri.id, j->uri.id_len,
		    j->uri.object[0] == '\0' ? NULL : j->uri.object,
		    j->key->key->spki, j->key->key->spki_len, d);
	return r;
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
	_cleanup_free_ uint8_t *blob = NULL;
	_cleanup_parcel_ struct parcel p = { 0 };
	struct buf b = BUF_INIT(16);
	size_t len;
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
	if (r == 0)
		r = choose_key(j, d);
	if (r == 0)
		r = signer_read_seal(s, j->domain->id, j->label, &blob, &len,
		    d);
	if (r == 0)
		r = make_ballot(&p, j, d);
	if (r == 0)
		r = tpm_unseal_check(s->tpm, blob, len, j->label, &j->ballot,
		    d);
	if (r == 0)
		r = find_key(s, j, d);
	if (r != 0)
		return r;
	r = buf_put_u32(&b, (uint32_t)j->req->st->nsubjects);
	if (r == 0)
		r = ipc_send_buf(s->sock, SIGNER_PREFLIGHT_R, &b, -1);
	buf_done(&b);
	if (r == 0)
		s->job = take_ptr(j);
	return r;
}
