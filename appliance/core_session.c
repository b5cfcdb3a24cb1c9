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
	struct core *c;
	const char *not_id;
	uint32_t handle[KEEP_MAX];
	uint32_t n;
	struct diag *d;
};

static int
load(struct core *c, const struct ledger_request *q, uint8_t **ret,
    struct sessions *s, struct diag *d)
{
	size_t len;
	int r;

	r = ledger_blob_get(c->ledger, q->context, IPC_MAX, ret, &len, d);
	return r == 0 ? sessions_get(*ret, len, s, d) : r;
}

static int
collect(void *arg, const struct ledger_request *q)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	struct keep *k = arg;
	struct sessions s;
	size_t i;
	int r;

	if (q->state != REQ_PENDING || q->nonce[0] == '\0' ||
	    strcmp(q->id, k->not_id) == 0)
		return 0;
	r = load(k->c, q, &bytes, &s, k->d);
	if (r == 0 && k->n + s.n > KEEP_MAX)
		r = diag_fail(k->d, CS_E_TPM_SESSION,
		    "at most 60 sessions of requests that wait for approvers",
		    "one more; sign or reject some");
	for (i = 0; r == 0 && i < s.n; i++)
		k->handle[k->n++] = s.v[i].handle;
	return r;
}

static int
log_session(struct core *c, const struct case_file *f, const uint8_t *bytes,
    size_t len, uint32_t seconds, struct diag *d)
{
	struct sessions s;
	uint8_t nonce[QUORUM_NONCE_LEN];
	char hex[65], blob[65];
	json_t *domains;
	size_t i;
	int r;

	r = sessions_get(bytes, len, &s, d);
	if (r == 0)
		r = sessions_nonce(&s, nonce);
	if (r == 0)
		r = ledger_blob_put(c->ledger, bytes, len, blob, d);
	if (r != 0)
		return r;
	hex_encode(nonce, sizeof(nonce), hex);
	domains = json_array();
	for (i = 0; i < s.n && s.v[i].domain[0] != '\0'; i++)
		(void)json_array_append_new(domains,
		    json_string(s.v[i].domain));
	return core_log_one(c, "session",
	    json_pack("{s:s, s:s, s:o, s:s, s:s, s:I}", "request", f->q.id,
		"request_sha256", f->q.digest, "domains", domains, "nonce", hex,
		"context", blob, "seconds", (json_int_t)seconds),
	    d);
}

static int
begin(struct core *c, struct case_file *f, struct diag *d)
{
	struct keep k = { .c = c, .not_id = f->q.id, .d = d };
	_cleanup_free_ uint8_t *bytes = NULL;
	struct domain_list domains;
	uint32_t seconds = 0;
	size_t len = 0;
	int r;

	r = request_domains(c->policy, f->req, &domains, d);
	if (r == 0)
		r = ledger_requests(c->ledger, collect, &k, d);
	if (r == 0)
		r = signer_session(c, &domains, k.handle, k.n, &bytes, &len,
		    &seconds, d);
	return r == 0 ? log_session(c, f, bytes, len, seconds, d) : r;
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
session_load(struct core *c, const struct case_file *f, uint8_t **ret_bytes,
    struct sessions *ret, struct diag *d)
{
	if (f->q.nonce[0] == '\0')
		return diag_fail(d, CS_E_TPM_SESSION, "approvals",
		    "nobody has approved yet");
	return load(c, &f->q, ret_bytes, ret, d);
}
