/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Intake: what the medium brought, as the sandboxed reader saw it, against
 * the policy.
 *
 *	documents -> request known before? -> say what became of it, stop
 *	          -> requester, request -> refused: stop reading, refuse
 *	          -> hash the artifacts -> compare -> refused or accepted
 *
 * Every end is a leaf; a readable request that is refused gets a signed
 * refusal to carry back.
 */

#include <stdio.h>
#include <string.h>

#include "appliance/core.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/proto.h"

#define WHO	 "the media reader"
#define MAX_DOCS 1024u

struct doc {
	char name[101];
	uint8_t *data;
	size_t len;
};

struct intake {
	struct core *c;
	int sock;
	struct doc *docs;
	size_t ndocs;
	struct artifact *artifacts;
	size_t nartifacts, cap;
	struct dsse *env;
	struct request *req;
	const struct policy_principal *who;
	const struct policy_rule *rule;
	struct checks checks;
	int64_t now;
	bool known;		   /* the same request came before */
	const struct doc *ahead;   /* an approval, not a request */
	const struct doc *receipt; /* an auditor's */
};

static void
intake_done(struct intake *in)
{
	size_t i;

	for (i = 0; i < in->ndocs; i++)
		free(in->docs[i].data);
	free(in->docs);
	free(in->artifacts);
	request_free(&in->req);
	dsse_free(&in->env);
	checks_done(&in->checks);
	close_fdp(&in->sock);
}

static const struct doc *
find_doc(const struct intake *in, const char *name)
{
	size_t i;

	for (i = 0; i < in->ndocs; i++)
		if (strcmp(in->docs[i].name, name) == 0)
			return &in->docs[i];
	return NULL;
}

static int
on_doc(struct intake *in, struct ipc_msg *m, struct diag *d)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	struct doc *v, *x;
	int r;

	if (in->ndocs == MAX_DOCS)
		return diag_fail(d, CS_E_TOO_LARGE, "at most 1024 documents",
		    "more");
	v = reallocarray(in->docs, in->ndocs + 1, sizeof(*v));
	if (v == NULL)
		return diag_nomem(d);
	in->docs = v;
	x = &v[in->ndocs];
	memset(x, 0, sizeof(*x));
	if (rd_cstr_into(&rd, x->name, sizeof(x->name)) != 0 ||
	    rd_end(&rd) != 0 || m->fd < 0)
		return diag_fail(d, CS_E_IPC, "a document", WHO);
	r = memfd_read_sealed(m->fd, CORE_EVIDENCE_MAX, &x->data, &x->len, d);
	if (r == 0)
		in->ndocs++;
	return r;
}

static int
on_artifact(struct intake *in, const struct ipc_msg *m, struct diag *d)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	struct artifact *a;
	const uint8_t *digest;
	uint32_t n = 0, i, alg;
	char hex[65];
	size_t len;

	if (in->nartifacts == in->cap) {
		size_t cap = in->cap == 0 ? 16 : in->cap * 2;

		a = reallocarray(in->artifacts, cap, sizeof(*a));
		if (a == NULL)
			return diag_nomem(d);
		in->artifacts = a;
		in->cap = cap;
	}
	a = &in->artifacts[in->nartifacts];
	memset(a, 0, sizeof(*a));
	if (rd_cstr_into(&rd, hex, sizeof(hex)) != 0 ||
	    hex_decode(hex, a->sha256, 32) != 0 || rd_u64(&rd, &a->size) != 0 ||
	    rd_u32(&rd, &n) != 0)
		return diag_fail(d, CS_E_IPC, "an artifact", WHO);
	for (i = 0; i < n; i++) {
		if (rd_u32(&rd, &alg) != 0 || alg >= HASH_COUNT ||
		    rd_str(&rd, HASH_MAX_LEN, &digest, &len) != 0 ||
		    len != hash_len((enum hash_alg)alg))
			return diag_fail(d, CS_E_IPC, "a digest", WHO);
		a->has[alg] = true;
		memcpy(a->digest[alg], digest, len);
	}
	if (rd_end(&rd) != 0 || in->nartifacts == STATEMENT_MAX_SUBJECTS)
		return diag_fail(d, CS_E_IPC, "at most 10000 artifacts", WHO);
	in->nartifacts++;
	return 0;
}

/* The same ID again: the same request is welcome, another one is not. */
static int
check_known(struct intake *in, struct diag *d)
{
	struct ledger_request q;
	char digest[65];
	int r;

	hex_encode(in->req->digest, 32, digest);
	r = ledger_request_by_id(in->c->ledger, in->req->id, &q, d);
	if (r != 0)
		return r == 1 ? 0 : r;
	if (strcmp(q.digest, digest) != 0)
		return checks_add(&in->checks, CS_E_ID_REUSED, false, q.digest,
		    "%s", digest);
	in->known = true;
	return say(in->c, "request %llu was taken in before and is %s%s\n",
	    (unsigned long long)q.n, case_state(&q),
	    q.state == REQ_SIGNED ? "; export gives its response again" : "");
}

/* Reads the request as soon as the documents are there. */
static int
judge_request(struct intake *in, struct diag *d)
{
	const struct doc *x = find_doc(in, "request.dsse");
	int r;

	if (x == NULL)
		return diag_fail(d, CS_E_IPC, "request.dsse", WHO);
	r = dsse_parse(x->data, x->len, &in->env, d);
	if (r == 0)
		r = request_parse_any(in->env->payload, in->env->payload_len,
		    &in->req, d);
	if (r == 0)
		r = core_time_of(in->c, in->req, &in->now, d);
	if (r != 0)
		return r;
	r = evaluate_requester(in->c->policy, in->env, in->req, in->now,
	    &in->checks, &in->who);
	if (r == 0 && checks_failed(&in->checks) == 0)
		r = check_known(in, d);
	if (r != 0 || in->known)
		return r;
	if (checks_failed(&in->checks) != 0)
		return 0;
	if (in->req->action != REQUEST_SIGN) {
		in->rule = &in->c->policy->admin;
		return 0;
	}
	return evaluate_request(in->c->policy, in->req, in->who, in->now,
	    &in->checks, &in->rule);
}

/* Evidence documents are those that the request names, no more, no less. */
static int
judge_evidence(struct intake *in)
{
	const struct request *q = in->req;
	size_t i, n = 0;
	char name[101] = "evidence/";
	int r = 0;

	for (i = 0; i < in->ndocs; i++)
		if (strncmp(in->docs[i].name, "evidence/", 9) == 0)
			n++;
	for (i = 0; r == 0 && i < q->nevidence; i++) {
		const struct doc *x;

		hex_encode(q->evidence[i].sha256, 32, name + 9);
		x = find_doc(in, name);
		if (x == NULL || x->len != q->evidence[i].size)
			r = checks_add(&in->checks, CS_E_EVIDENCE, false, name,
			    x == NULL ? "it is missing" : "another size");
	}
	if (r == 0 && n != q->nevidence)
		r = checks_add(&in->checks, CS_E_EVIDENCE, false,
		    "the documents that the request names",
		    "%zu documents, the request names %zu", n, q->nevidence);
	return r;
}

/* All of them are there, in the request's order: what do they say? */
static int
judge_gates(struct intake *in, struct diag *d)
{
	_cleanup_free_ struct evidence_doc *v = NULL;
	const struct request *q = in->req;
	char name[101] = "evidence/";
	size_t i;

	v = calloc(q->nevidence + 1, sizeof(*v));
	if (v == NULL)
		return diag_nomem(d);
	for (i = 0; i < q->nevidence; i++) {
		const struct doc *x;

		hex_encode(q->evidence[i].sha256, CS_SHA256_LEN, name + 9);
		x = find_doc(in, name);
		if (x == NULL)
			return diag_fail(d, CS_E_INTERNAL, name, "none");
		v[i] = (struct evidence_doc){ q->evidence[i].name, x->data,
			x->len };
	}
	if (q->action != REQUEST_SIGN)
		return change_check(in->c, q, v, q->nevidence, in->now,
		    &in->checks, NULL, d);
	return core_gates(in->c, q, in->rule, v, q->nevidence, in->now,
	    &in->checks, d);
}

/* sha256 and what the key needs; the reader waits for this. */
static int
answer_hash(struct intake *in, struct diag *d)
{
	const struct policy_key *k =
	    policy_key_by_id(in->c->policy, in->req->key);
	struct buf b = BUF_INIT(16);
	uint32_t mask = HASH_BIT(HASH_SHA256);
	int r;

	if (k != NULL)
		mask |= HASH_BIT(key_alg_hash(k->alg));
	r = buf_put_u32(&b, mask);
	if (r == 0)
		r = ipc_send_buf(in->sock, INTAKE_HASH, &b, -1);
	buf_done(&b);
	return r == 0 ? 0 : diag_fail(d, CS_E_IPC, NULL, WHO);
}

/* 1: the request is decided without its artifacts; the reader may stop. */
static int
on_ready(struct intake *in, struct diag *d)
{
	int r;

	in->ahead = find_doc(in, "approval.dsse");
	in->receipt = find_doc(in, "receipt");
	if (in->ahead != NULL || in->receipt != NULL) {
		r = core_clock_check(in->now, ledger_floor(in->c->ledger), d);
		if (r != 0)
			return r;
		cs_ignore(ipc_send(in->sock, INTAKE_STOP, NULL, 0, -1));
		return 1;
	}
	r = judge_request(in, d);
	if (r == 0 && !in->known && checks_failed(&in->checks) == 0)
		r = judge_evidence(in);
	if (r == 0 && !in->known && checks_failed(&in->checks) == 0)
		r = judge_gates(in, d);
	if (r != 0)
		return r;
	if (in->known || checks_failed(&in->checks) != 0) {
		cs_ignore(ipc_send(in->sock, INTAKE_STOP, NULL, 0, -1));
		return 1;
	}
	return answer_hash(in, d);
}

static int
on_progress(struct intake *in, const struct ipc_msg *m)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	uint64_t done, total;

	if (rd_u64(&rd, &done) != 0 || rd_u64(&rd, &total) != 0)
		return CS_E_IPC;
	return show_progress(in->c, "reading", done, total);
}

/* 0: everything was read; 1: decided early; negative: unreadable. */
static int
read_medium(struct intake *in, struct diag *d)
{
	int r = 0;

	while (r == 0) {
		_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;

		r = helper_recv(in->sock, INTAKE_FAIL, WHO, &m, d);
		if (r != 0)
			break;
		switch (m.type) {
		case INTAKE_DOC:
			r = on_doc(in, &m, d);
			break;
		case INTAKE_HASH:
			r = on_ready(in, d);
			break;
		case INTAKE_ARTIFACT:
			r = on_artifact(in, &m, d);
			break;
		case INTAKE_PROGRESS:
			r = on_progress(in, &m);
			break;
		case INTAKE_END:
			return in->req == NULL ?
			    diag_fail(d, CS_E_IPC, "a request", WHO) :
			    0;
		default:
			r = diag_fail(d, CS_E_IPC, "a known message",
			    WHO " said %#x", m.type);
		}
	}
	return r;
}

static json_t *
failed_ids(const struct checks *ck)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; a != NULL && i < ck->n; i++)
		if (!ck->v[i].pass)
			(void)json_array_append_new(a,
			    json_string(err_id(ck->v[i].code)));
	return a;
}

int
intake_log_unreadable(struct core *c, const struct diag *why, struct diag *d)
{
	return core_log_one(c, "intake.refused",
	    json_pack("{s:[s], s:s, s:s, s:s*}", "checks", err_id(why->code),
		"found", why->found, "check", err_id(why->code), "medium",
		c->medium),
	    d);
}

static int
refuse(struct intake *in, struct diag *d)
{
	_cleanup_free_ char *payload = NULL, *env = NULL;
	const struct doc *x = find_doc(in, "request.dsse");
	char refusal[65], blob[65], digest[65];
	const struct check *first = in->checks.v;
	size_t len, env_len;
	int r;

	while (first->pass)
		first++;
	hex_encode(in->req->digest, 32, digest);
	r = refusal_format(in->req->id, in->req->digest, &in->checks,
	    in->c->origin, in->now, &payload, &len);
	if (r == 0)
		r = signer_record(in->c, payload, len, &env, &env_len, d);
	if (r == 0)
		r = ledger_blob_put(in->c->ledger, env, env_len, refusal, d);
	if (r == 0)
		r = ledger_blob_put(in->c->ledger, x->data, x->len, blob, d);
	if (r == 0)
		r = core_log_one(in->c, "intake.refused",
		    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, "
			      "s:o, s:s*}",
			"request", in->req->id, "request_sha256", digest,
			"envelope", blob, "refusal", refusal, "product",
			in->req->product, "version", in->req->version, "person",
			in->who == NULL ? "unknown" : in->who->id, "check",
			err_id(first->code), "found", first->found, "checks",
			failed_ids(&in->checks), "medium", in->c->medium),
		    d);
	if (r == 0)
		r = say(in->c, "the request is refused:\n");
	if (r == 0)
		r = say_checks(in->c, &in->checks, true);
	if (r == 0)
		r = say(in->c, "a signed refusal is ready: export\n");
	return r;
}

static int
store_documents(struct intake *in, char envelope[65], struct diag *d)
{
	char ignored[65];
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < in->ndocs; i++) {
		const struct doc *x = &in->docs[i];

		if (strcmp(x->name, "request.dsse") == 0)
			r = ledger_blob_put(in->c->ledger, x->data, x->len,
			    envelope, d);
		else if (strncmp(x->name, "evidence/", 9) == 0)
			r = ledger_blob_put(in->c->ledger, x->data, x->len,
			    ignored, d);
	}
	return r;
}

static json_t *
evidence_list(const struct request *q)
{
	json_t *a = json_array();
	char hex[65];
	size_t i;

	for (i = 0; a != NULL && i < q->nevidence; i++) {
		hex_encode(q->evidence[i].sha256, 32, hex);
		(void)json_array_append_new(a,
		    json_pack("{s:s, s:s}", "name", q->evidence[i].name,
			"sha256", hex));
	}
	return a;
}

static int
accept(struct intake *in, struct diag *d)
{
	const struct request *q = in->req;
	char blob[65], digest[65], root[65], policy[65];
	struct ledger_request row;
	int r;

	hex_encode(q->digest, 32, digest);
	hex_encode(q->subject_root, 32, root);
	hex_encode(in->c->policy->digest, 32, policy);
	r = store_documents(in, blob, d);
	if (r != 0)
		return r;
	r = core_log_one(in->c, "intake.accepted",
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, "
		      "s:s, "
		      "s:s, s:I, s:s, s:s, s:I, s:s, s:o, s:s, s:s*, s:s*, "
		      "s:s*}",
		"request", q->id, "request_sha256", digest, "envelope", blob,
		"product", q->product, "version", q->version, "key", q->key,
		"format", q->format, "person", in->who->id, "user", q->user,
		"system", q->system, "pipeline", q->pipeline, "run", q->run,
		"commit", q->commit, "artifacts", (json_int_t)q->st->nsubjects,
		"root", root, "rule", in->rule->id, "threshold",
		(json_int_t)in->rule->threshold, "policy", policy, "evidence",
		evidence_list(q), "branch", q->branch, "break_glass",
		q->break_glass, "reason", q->change.reason, "medium",
		in->c->medium),
	    d);
	if (r == 0)
		r = ledger_request_by_id(in->c->ledger, q->id, &row, d);
	if (r != 0)
		return r < 0 ? r : CS_E_LEDGER;
	if (q->action != REQUEST_SIGN)
		return say(in->c,
		    "accepted as request %llu: %s, %llu administrators must "
		    "approve; show %llu, then approve %llu\n",
		    (unsigned long long)row.n, q->format,
		    (unsigned long long)in->rule->threshold,
		    (unsigned long long)row.n, (unsigned long long)row.n);
	return say(in->c,
	    "accepted as request %llu: %zu artifacts, rule %s "
	    "wants %llu approvals; show %llu, then approve %llu\n",
	    (unsigned long long)row.n, q->st->nsubjects, in->rule->id,
	    (unsigned long long)in->rule->threshold, (unsigned long long)row.n,
	    (unsigned long long)row.n);
}

/* A change has none. */
static int
judge_artifacts(struct intake *in)
{
	if (in->req->action == REQUEST_SIGN)
		return evaluate_artifacts(in->c->policy, in->req, in->rule,
		    in->artifacts, in->nartifacts, &in->checks);
	return in->nartifacts == 0 ?
	    0 :
	    checks_add(&in->checks, CS_E_ARTIFACT_EXTRA, false,
		"a change without artifacts", "%zu", in->nartifacts);
}

int
verb_intake(struct core *c, char **argv, size_t argc, struct diag *d)
{
	_cleanup_(intake_done) struct intake in = { .c = c,
		.sock = -1,
		.now = core_now() };
	struct diag later = { 0 };
	int r;

	(void)argv;
	(void)argc;
	r = helper_spawn(c, SUP_INTAKE, "", &in.sock, NULL, d);
	/* a stick that was refused is worth a leaf, an empty port is not */
	if (r != 0 && r != CS_E_CONSOLE_GONE && c->medium != NULL)
		return intake_log_unreadable(c, d, &later) != 0 ? CS_E_IPC : r;
	if (r != 0)
		return r;
	r = read_medium(&in, d);
	if (r < 0) {
		if (r == CS_E_CONSOLE_GONE)
			return r;
		if (d->code != r)
			(void)diag_fail(d, r, NULL, WHO);
		return intake_log_unreadable(c, d, &later) != 0 ? CS_E_IPC : r;
	}
	if (in.ahead != NULL)
		return intake_ahead(c, in.ahead->data, in.ahead->len, in.now,
		    d);
	if (in.receipt != NULL)
		return intake_receipt(c, in.receipt->data, in.receipt->len,
		    in.now, d);
	if (in.known)
		return 0;
	if (r == 0)
		r = judge_artifacts(&in);
	else
		r = 0;
	if (r != 0)
		return diag_fail(d, r, NULL, "artifacts");
	return checks_failed(&in.checks) != 0 ? refuse(&in, d) : accept(&in, d);
}
