/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The TPM's session of a ceremony:
 *
 *	none -> (first approval) -> waiting: approvers come one by one
 *	waiting -> (signing) -> used up
 *	        -> (power lost, eight hours over) -> none, approvals lapse
 *
 * What people sign holds for one session only, so a request whose session is
 * gone has no approvals.
 */

#include <string.h>

#include "appliance/core.h"
#include "lib/hex.h"
#include "lib/quorum.h"

#define KEEP_MAX 60u /* a TPM has 64 at least */
#define MARGIN_S 60u

static bool
same_power(const struct ledger_request *q, const struct ledger_clock *now)
{
	return q->started.reset == now->reset &&
	    q->started.restart == now->restart &&
	    now->clock >= q->started.clock;
}

int
session_check(struct core *c, const struct ledger_request *q, struct diag *d)
{
	struct ledger_clock now = { 0 };
	int r;

	if (q->nonce[0] == '\0')
		return diag_fail(d, CS_E_TPM_SESSION, "approvals",
		    "nobody has approved yet");
	r = signer_clock(c, &now, d);
	if (r != 0)
		return r;
	if (!same_power(q, &now))
		return diag_fail(d, CS_E_TPM_SESSION, "the same power-on",
		    "the TPM was restarted since the first approval");
	if ((now.clock - q->started.clock) / 1000 + MARGIN_S >= q->seconds)
		return diag_fail(d, CS_E_TPM_EXPIRED, "at most eight hours",
		    "%llu minutes since the first approval",
		    (unsigned long long)(now.clock - q->started.clock) / 60000);
	return 0;
}

struct keep {
	const char *not_id;
	uint32_t handle[KEEP_MAX];
	uint32_t n;
	bool full;
};

static int
collect(void *arg, const struct ledger_request *q)
{
	struct keep *k = arg;

	if (q->state != REQ_PENDING || q->nonce[0] == '\0' ||
	    strcmp(q->id, k->not_id) == 0)
		return 0;
	if (k->n == KEEP_MAX)
		k->full = true;
	else
		k->handle[k->n++] = q->handle;
	return 0;
}

static const char *
domain_of(const struct core *c, const struct case_file *f)
{
	const struct policy_key *k = policy_key_by_id(c->policy, f->req->key);

	return k == NULL ? NULL : k->domain;
}

static int
begin(struct core *c, struct case_file *f, struct diag *d)
{
	struct keep k = { .not_id = f->q.id };
	const char *domain = domain_of(c, f);
	struct signer_session s = { .context = NULL };
	char nonce[65], blob[65];
	int r;

	if (domain == NULL)
		return diag_fail(d, CS_E_LEDGER, "a key of the policy", "%s",
		    f->req->key);
	r = ledger_requests(c->ledger, collect, &k, d);
	if (r == 0 && k.full)
		r = diag_fail(d, CS_E_TPM_SESSION,
		    "at most 60 requests that wait for approvers",
		    "one more; sign or reject some");
	if (r == 0)
		r = signer_session(c, domain, k.handle, k.n, &s, d);
	if (r == 0)
		r = ledger_blob_put(c->ledger, s.context, s.context_len, blob,
		    d);
	free(s.context);
	if (r != 0)
		return r;
	hex_encode(s.nonce, 32, nonce);
	return core_log_one(c, "session",
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "request", f->q.id,
		"request_sha256", f->q.digest, "domain", domain, "nonce", nonce,
		"context", blob, "handle", (json_int_t)s.handle, "seconds",
		(json_int_t)s.seconds),
	    d);
}

int
session_ensure(struct core *c, struct case_file *f, struct diag *d)
{
	const uint64_t n = f->q.n;
	struct diag why = { 0 };
	int r;

	r = session_check(c, &f->q, &why);
	if (r == 0)
		return 0;
	if (r != CS_E_TPM_SESSION && r != CS_E_TPM_EXPIRED) {
		*d = why;
		return r;
	}
	if (f->ndecisions > 0) {
		r = say(c,
		    "%zu approvals have lapsed (%s) and must be given "
		    "again\n",
		    f->ndecisions, why.found);
		if (r != 0)
			return r;
	}
	r = begin(c, f, d);
	if (r != 0)
		return r;
	case_done(f);
	return case_load(c, n, f, d);
}

struct lapsed {
	struct ledger_clock now;
	struct ledger_request q[KEEP_MAX];
	size_t n;
};

static int
collect_lapsed(void *arg, const struct ledger_request *q)
{
	struct lapsed *l = arg;

	if (q->state == REQ_PENDING && q->nonce[0] != '\0' &&
	    !same_power(q, &l->now) && l->n < KEEP_MAX)
		l->q[l->n++] = *q;
	return 0;
}

int
session_lapse(struct core *c, struct diag *d)
{
	struct lapsed *l = calloc(1, sizeof(*l));
	size_t i;
	int r;

	if (l == NULL)
		return diag_nomem(d);
	r = signer_clock(c, &l->now, d);
	if (r == 0)
		r = ledger_requests(c->ledger, collect_lapsed, l, d);
	for (i = 0; r == 0 && i < l->n; i++) {
		r = core_log_one(c, "session.end",
		    json_pack("{s:s, s:s, s:s}", "request", l->q[i].id,
			"request_sha256", l->q[i].digest, "reason", "power"),
		    d);
		if (r == 0)
			r = say(c,
			    "request %llu: the TPM was restarted; its "
			    "approvals must be given again\n",
			    (unsigned long long)l->q[i].n);
	}
	free(l);
	return r;
}

int
session_challenge(const struct core *c, const struct case_file *f,
    struct buf *out)
{
	const char *domain = domain_of(c, f);
	char ref[QUORUM_REF_MAX];

	if (domain == NULL)
		return CS_E_LEDGER;
	quorum_ref(domain, ref);
	return quorum_challenge(f->nonce, ref, out);
}
