/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "hsm/seal_label.h"
#include "hsm/signer_job.h"
#include "lib/evaluate_impl.h"
#include "lib/hex.h"

/*
 * The PINs that a job needs: one of the key's domain, all of them for a policy
 * update, none for a change that touches no token.
 */

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

/* Who voted in the session of one part. */
static int
take_votes(const struct parcel *p, struct signer_job *j, size_t part,
    struct diag *d)
{
	struct signer_part *x = &j->parts[part];
	size_t i, n = 0, len = 0;

	x->sigs = calloc(p->ndocs + 1, sizeof(*x->sigs));
	if (x->sigs == NULL)
		return diag_nomem(d);
	for (i = 0; i < p->ndocs; i++) {
		const struct pubkey *k = approver_key(j, &p->docs[i]);

		if (sessions_vote(&p->sessions, p->votes[i], part, x->sigs[n],
			&len) != 0)
			return diag_fail(d, CS_E_SIGNER_JOB,
			    "a vote for each session", "approval %zu", i + 1);
		/* a document by nobody was named when approvals were counted */
		if (k == NULL || len == 0)
			continue;
		x->votes[n] = (struct tpm_vote){ k, x->sigs[n], len };
		n++;
	}
	x->ballot = (struct tpm_ballot){ &x->session, x->votes, n };
	return 0;
}

/* What the TPM is told for one PIN: its session, and a vote of each approver */
static int
make_part(const struct parcel *p, struct signer_job *j, size_t i,
    const struct policy_domain *domain, struct diag *d)
{
	const struct session *s = &p->sessions.v[i];
	struct signer_part *x = &j->parts[i];
	int r;

	if (strcmp(s->domain, domain->id) != 0)
		return diag_fail(d, CS_E_SIGNER_JOB, domain->id,
		    "a session for \"%s\"", s->domain);
	x->domain = domain;
	seal_label_domain(domain->id, j->policy->digest, x->label);
	memcpy(x->session.nonce, s->nonce, QUORUM_NONCE_LEN);
	x->session.context = (struct buf)BUF_INIT(TPM_CONTEXT_MAX);
	r = buf_put(&x->session.context, s->context, s->context_len);
	if (r != 0)
		return diag_fail(d, r, NULL, "the session");
	return take_votes(p, j, i, d);
}

static int
make_parts(const struct parcel *p, struct signer_job *j, struct diag *d)
{
	struct domain_list l;
	size_t i;
	int r = request_domains(j->policy, j->req, &l, d);

	if (r != 0)
		return r;
	/* without a PIN there is one session, for its nonce */
	if (p->sessions.n != (l.n == 0 ? 1 : l.n))
		return diag_fail(d, CS_E_SIGNER_JOB,
		    "a session for each key domain", "%zu", p->sessions.n);
	j->parts = calloc(l.n + 1, sizeof(*j->parts));
	if (j->parts == NULL)
		return diag_nomem(d);
	for (i = 0; r == 0 && i < l.n; i++) {
		j->nparts = i + 1;
		r = make_part(p, j, i, l.v[i], d);
	}
	return r;
}

/* The token by its label, with tries left; no login. */
static int
find_token(struct signer *s, const struct signer_part *x,
    struct p11_session **ret, struct diag *d)
{
	struct p11_token t;
	int r = p11_find_token_label(s->p11, x->domain->token, &t, d);

	if (r != 0)
		return r;
	if ((t.flags & P11_F_LOCKED) != 0)
		return diag_fail(d, CS_E_HSM_PIN_LOCKED, NULL, "%s", t.label);
	if ((t.flags & P11_F_FINAL_TRY) != 0)
		return diag_fail(d, CS_E_HSM_PIN_FINAL, NULL, "%s", t.label);
	return p11_session_open(s->p11, &t, false, ret, d);
}

/* Key by CKA_ID and public key, on the token of its domain. */
static int
find_key(struct signer_job *j, struct p11_session *session, struct diag *d)
{
	int r = p11_uri_parse(j->key->uri, &j->uri, d);

	if (r != 0)
		return r;
	if (strcmp(j->uri.token, j->parts[0].domain->token) != 0 ||
	    j->uri.id_len == 0)
		return diag_fail(d, CS_E_POLICY_URI,
		    "the domain's token and "
		    "an id",
		    "%.100s", j->key->uri);
	return p11_check_public(session, j->uri.id, j->uri.id_len,
	    j->uri.object[0] == '\0' ? NULL : j->uri.object, j->key->key->spki,
	    j->key->key->spki_len, d);
}

/* After a policy update it must come out again. */
static int
check_next(const struct signer_job *j, const struct signer_part *x,
    struct diag *d)
{
	_cleanup_quorum_ struct quorum q = { 0 };

	return j->next == NULL ?
	    0 :
	    quorum_of_domain(j->next, x->domain->id, &q, d);
}

/* of a key, at least */
static size_t
uses(const struct signer_job *j)
{
	return j->req->action == REQUEST_SIGN ? j->req->st->nsubjects : 0;
}

/* Each PIN would come out, and its token takes it. */
static int
check_parts(struct signer *s, struct signer_job *j, struct diag *d)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < j->nparts; i++) {
		_cleanup_p11_session_ struct p11_session *session = NULL;
		_cleanup_free_ uint8_t *blob = NULL;
		struct signer_part *x = &j->parts[i];
		size_t len;

		r = signer_read_seal(s, x->domain->id, x->label, &blob, &len,
		    d);
		if (r == 0)
			r = signer_unseal_check(s, x, blob, len, d);
		if (r == 0)
			r = check_next(j, x, d);
		if (r == 0)
			r = signer_log_check(s, x->domain->id, uses(j), d);
		if (r == 0)
			r = find_token(s, x, &session, d);
		if (r == 0 && j->key != NULL)
			r = find_key(j, session, d);
	}
	return r;
}

int
signer_parts(struct signer *s, const struct parcel *p, struct signer_job *j,
    struct diag *d)
{
	int r = make_parts(p, j, d);

	return r == 0 ? check_parts(s, j, d) : r;
}
