/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "appliance/core.h"
#include "lib/hex.h"
#include "lib/sigfmt.h"

const char *
case_state(const struct ledger_request *q)
{
	if (strcmp(q->rule, POLICY_RULE_ADMIN) != 0)
		return request_state_name(q->state);
	switch (q->state) {
	case REQ_SIGNING:
		return "being made";
	case REQ_SIGNED:
		return "made";
	default:
		return request_state_name(q->state);
	}
}

void
case_done(struct case_file *f)
{
	size_t i;

	for (i = 0; f->docs != NULL && i < f->ndecisions; i++)
		free((void *)(uintptr_t)f->docs[i].envelope);
	free(f->docs);
	ledger_approvals_free(&f->decisions, f->ndecisions);
	request_free(&f->req);
	dsse_free(&f->env);
	memset(f, 0, sizeof(*f));
}

static int
load_request(struct core *c, struct case_file *f, struct diag *d)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t len;
	int r;

	r = ledger_blob_get(c->ledger, f->q.envelope, DSSE_MAX, &data, &len, d);
	if (r == 0)
		r = dsse_parse(data, len, &f->env, d);
	if (r == 0)
		r = request_parse_any(f->env->payload, f->env->payload_len,
		    &f->req, d);
	if (r != 0)
		return r;
	f->requester = policy_principal_by_id(c->policy, f->q.requester);
	f->rule = policy_rule_by_id(c->policy, f->q.rule);
	/* the policy of its time may be no more */
	if (f->q.state != REQ_PENDING && f->q.state != REQ_SIGNING)
		return 0;
	/* no session yet: zeros, which nobody's approval names */
	if (f->requester == NULL || f->rule == NULL ||
	    (f->q.nonce[0] != '\0' &&
		hex_decode(f->q.nonce, f->nonce, 32) != 0))
		return diag_fail(d, CS_E_LEDGER, "a rule of the policy",
		    "\"%s\" by \"%s\"", f->q.rule, f->q.requester);
	return 0;
}

static int
load_decisions(struct core *c, struct case_file *f, struct diag *d)
{
	uint8_t *data = NULL;
	size_t i, len = 0;
	int r;

	r = ledger_approvals(c->ledger, f->q.n, &f->decisions, &f->ndecisions,
	    d);
	if (r != 0)
		return r;
	f->docs = calloc(f->ndecisions + 1, sizeof(*f->docs));
	if (f->docs == NULL)
		return diag_nomem(d);
	for (i = 0; i < f->ndecisions; i++) {
		r = ledger_blob_get(c->ledger, f->decisions[i].envelope,
		    DSSE_MAX, &data, &len, d);
		if (r != 0)
			return r;
		f->docs[i].envelope = data;
		f->docs[i].len = len;
	}
	return 0;
}

int
case_load(struct core *c, uint64_t n, struct case_file *ret, struct diag *d)
{
	int r;

	r = ledger_request_by_n(c->ledger, n, &ret->q, d);
	if (r == 1)
		return diag_fail(d, CS_E_NUMBER, "a number from list", "%llu",
		    (unsigned long long)n);
	if (r == 0)
		r = load_request(c, ret, d);
	if (r == 0)
		r = load_decisions(c, ret, d);
	return r;
}

int
case_approvals(const struct case_file *f, uint8_t (**ret)[32])
{
	_cleanup_free_ uint8_t(*v)[32] = calloc(f->ndecisions + 1, sizeof(*v));
	size_t i;

	if (v == NULL)
		return CS_E_NOMEM;
	for (i = 0; i < f->ndecisions; i++)
		if (hex_decode(f->decisions[i].digest, v[i], 32) != 0)
			return CS_E_LEDGER;
	*ret = take_ptr(v);
	return 0;
}

int
case_count(struct core *c, const struct case_file *f, int64_t now,
    struct checks *ck, uint64_t *ret, struct diag *d)
{
	_cleanup_checks_ struct checks mine = { 0 };
	int r;

	r = evaluate_approvals(c->policy, f->req, f->rule, f->requester,
	    f->nonce, now, f->docs, f->ndecisions, ck != NULL ? ck : &mine,
	    ret);
	return r != 0 ? diag_fail(d, r, NULL, "counting approvals") : 0;
}

int
case_check_decision(struct core *c, const struct case_file *f,
    const struct approval_doc *doc, bool approve, int64_t now, struct diag *d)
{
	_cleanup_checks_ struct checks ck = { 0 };
	uint64_t count = 0;
	size_t i;
	int r;

	r = evaluate_approvals(c->policy, f->req, f->rule, f->requester,
	    f->nonce, now, doc, 1, &ck, &count);
	if (r != 0)
		return r;
	for (i = 0; i < ck.n; i++)
		if (!ck.v[i].pass &&
		    (approve || ck.v[i].code != CS_E_APPROVAL_REJECTED))
			return diag_fail(d, ck.v[i].code, ck.v[i].expected,
			    "%s", ck.v[i].found);
	return 0;
}

int
case_field(struct buf *out, const char *label, const char *value)
{
	char safe[201];

	text_sanitise(value, strlen(value), safe, sizeof(safe));
	return buf_putf(out, "  %-10s %s\n", label, safe);
}

int
case_digest(struct buf *out, const uint8_t digest[32])
{
	char hex[120], words[480], *cut;
	size_t half = 16;
	int r;

	r = hex_groups(digest, 16, hex, sizeof(hex));
	if (r == 0)
		r = buf_putf(out, "      sha256 %s\n", hex);
	if (r == 0)
		r = hex_groups(digest + half, 16, hex, sizeof(hex));
	if (r == 0)
		r = buf_putf(out, "             %s\n", hex);
	for (half = 0; r == 0 && half < 32; half += 8) {
		r = pgp_words(digest + half, 8, words, sizeof(words));
		cut = words;
		if (r == 0)
			r = buf_putf(out, "      %s %s\n",
			    half == 0 ? "words " : "      ", cut);
	}
	return r;
}

/* What a signature over it would attest; a key that is gone tells nothing. */
static int
view_meaning(const struct policy *p, const struct request *q,
    const struct subject *s, struct buf *out)
{
	const struct sigfmt_job j = { .key = policy_key_by_id(p, q->key),
		.subject = s,
		.time = q->created };

	return j.key == NULL ? 0 : sigfmt_describe(q->format, &j, out);
}

static int
view_artifacts(const struct policy *p, const struct request *q, struct buf *out)
{
	const struct statement *st = q->st;
	char safe[121];
	size_t i;
	int r = view_meaning(p, q, NULL, out);

	for (i = 0; r == 0 && i < st->nsubjects; i++) {
		const struct subject *s = &st->subjects[i];

		text_sanitise(s->name, strlen(s->name), safe, sizeof(safe));
		r = buf_putf(out, "  artifact %zu of %zu: %s (%llu bytes)\n",
		    i + 1, st->nsubjects, safe, (unsigned long long)s->size);
		if (r == 0)
			r = case_digest(out, s->digest[HASH_SHA256]);
		if (r == 0)
			r = view_meaning(p, q, s, out);
	}
	return r;
}

static int
view_evidence(const struct request *q, struct buf *out)
{
	char safe[121], hex[65];
	size_t i;
	int r = 0;

	if (q->nevidence == 0)
		return buf_putf(out, "  %-10s none\n", "evidence");
	for (i = 0; r == 0 && i < q->nevidence; i++) {
		text_sanitise(q->evidence[i].name, strlen(q->evidence[i].name),
		    safe, sizeof(safe));
		hex_encode(q->evidence[i].sha256, 32, hex);
		r = buf_putf(out, "  %-10s %s\n             sha256 %s\n",
		    i == 0 ? "evidence" : "", safe, hex);
	}
	return r;
}

static int
view_decisions(const struct case_file *f, struct buf *out)
{
	size_t i;
	char when[21];
	int r = 0;

	for (i = 0; r == 0 && i < f->ndecisions; i++) {
		time_format((int64_t)f->decisions[i].time, when);
		r = buf_putf(out, "  %-10s %s by %s at %s\n",
		    i == 0 ? "decisions" : "",
		    f->decisions[i].approve ? "approved" : "rejected",
		    f->decisions[i].approver, when);
	}
	return r;
}

/* The TPM counts by its own clock; this is what that comes to. */
static int
view_session(const struct case_file *f, struct buf *out)
{
	char until[21];

	time_format(f->q.begun + (int64_t)f->q.seconds, until);
	return buf_putf(out, "  %-10s until %s, or until the power is off\n",
	    "they hold", until);
}

static int
view_rows(const struct request *q, const struct case_file *f, struct buf *out)
{
	const struct {
		const char *label, *value;
	} rows[] = {
		{ "product", q->product },
		{ "version", q->version },
		{ "key", q->key },
		{ "format", q->format },
		{ "requester", f->q.requester },
		{ "user", q->user },
		{ "system", q->system },
		{ "pipeline", q->pipeline },
		{ "run", q->run },
		{ "commit", q->commit },
		{ "branch", q->branch[0] == '\0' ? "not given" : q->branch },
		{ "rule", f->q.rule },
	};
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < ARRAY_LEN(rows); i++)
		r = case_field(out, rows[i].label, rows[i].value);
	return r;
}

static int
view_facts(const struct case_file *f, struct buf *out)
{
	const struct request *q = f->req;
	char hex[120], created[21];
	int r = view_rows(q, f, out);

	time_format(q->created, created);
	if (r == 0)
		r = case_field(out, "created", created);
	if (r == 0)
		r = hex_groups(q->subject_root, 32, hex, sizeof(hex));
	if (r == 0)
		r = buf_putf(out,
		    "  %-10s %zu, Merkle root over all of them\n"
		    "             %s\n",
		    "artifacts", q->st->nsubjects, hex);
	return r;
}

/* Nobody may overlook what is passed over. */
static int
view_break_glass(const struct request *q, struct buf *out)
{
	int r = buf_putf(out,
	    "  *** BREAK GLASS: evidence, scope and windows are not asked "
	    "for ***\n");

	return r == 0 ? case_field(out, "because", q->break_glass) : r;
}

/* Decisions count now, and mean something. */
static bool
is_open(const struct case_file *f)
{
	return f->rule != NULL &&
	    (f->q.state == REQ_PENDING || f->q.state == REQ_SIGNING);
}

int
case_view(struct core *c, const struct case_file *f, struct buf *out)
{
	uint64_t count = 0;
	int r;

	r = buf_putf(out, "request %llu (%s), %s\n", (unsigned long long)f->q.n,
	    f->q.id, case_state(&f->q));
	if (r == 0 && f->req->break_glass != NULL)
		r = view_break_glass(f->req, out);
	if (r == 0)
		r = f->req->action == REQUEST_SIGN ? view_facts(f, out) :
						     change_view(c, f, out);
	if (r == 0)
		r = view_evidence(f->req, out);
	if (r == 0 && is_open(f)) {
		r = case_count(c, f, change_time(f->req, core_now()), NULL,
		    &count, NULL);
		if (r == 0)
			r = buf_putf(out, "  %-10s %llu of %llu\n", "approvals",
			    (unsigned long long)count,
			    (unsigned long long)f->rule->threshold);
	}
	if (r == 0 && f->q.state == REQ_PENDING && f->q.nonce[0] != '\0')
		r = view_session(f, out);
	if (r == 0)
		r = view_decisions(f, out);
	if (r == 0)
		r = f->req->action == REQUEST_SIGN ?
		    view_artifacts(c->policy, f->req, out) :
		    0;
	return r;
}
