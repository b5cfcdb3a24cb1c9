/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A decision by one person: the view, a typed word, the token that holds an
 * enrolled key, its PIN, a signed statement, a leaf.  Who it is follows from
 * the key on the token, never from a name that was typed.
 *
 * The token signs a list of items in one PIN entry: the statement, and for an
 * approval the TPM's challenge for the ceremony's session.
 */

#include <stdio.h>
#include <string.h>

#include "appliance/core.h"
#include "lib/hex.h"

#define WHO "the token helper"

struct decision {
	struct core *c;
	struct case_file f;
	bool approve;
	int64_t now; /* that the request is judged at */
	char reason[401];
	int sock, pin_fd;
	/* keys of all people who could approve, and whose each is */
	const struct pubkey *keys[128];
	const struct policy_principal *owner[128];
	size_t nkeys;
	size_t found; /* index into keys */
	char *payload, *envelope;
	size_t payload_len, envelope_len;
	uint8_t *bytes; /* of the sessions */
	struct sessions sessions;
	bool asked[SESSIONS_MAX]; /* the domain's quorum has this key */
	char votes[SESSION_VOTES_MAX + 1]; /* "" for a rejection */
};

static void
decision_done(struct decision *x)
{
	case_done(&x->f);
	close_fdp(&x->sock);
	close_fdp(&x->pin_fd);
	free(x->payload);
	free(x->envelope);
	free(x->bytes);
}

/* All people: a token of somebody who may not is named, not "unknown". */
static void
collect_keys(struct decision *x)
{
	const struct policy *p = x->c->policy;
	size_t i, k;

	for (i = 0; i < p->nprincipals; i++) {
		if (strcmp(p->principals[i].kind, "person") != 0)
			continue;
		for (k = 0; k < p->principals[i].nkeys &&
		     x->nkeys < ARRAY_LEN(x->keys);
		     k++) {
			x->owner[x->nkeys] = &p->principals[i];
			x->keys[x->nkeys++] = p->principals[i].keys[k];
		}
	}
}

/* The only port, the one that was named, or the one that is asked for. */
static int
choose_port(struct core *c, const char *given, char port[401])
{
	size_t i;
	int r;

	if (given != NULL) {
		(void)snprintf(port, 401, "%s", given);
		return 0;
	}
	if (c->nports == 1) {
		(void)snprintf(port, 401, "%s", c->ports[0]);
		return 0;
	}
	r = say(c, "token ports:");
	for (i = 0; r == 0 && i < c->nports; i++)
		r = say(c, " %s", c->ports[i]);
	return r == 0 ? ask(c, "\nport that holds your token: ", port) : r;
}

static int
find_token(struct decision *x, uint8_t *ret_flags, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(IPC_MAX - 2);
	char label[80], safe[81];
	uint32_t index = 0;
	struct rd rd;
	size_t i;
	int r;

	r = buf_put_u32(&b, (uint32_t)x->nkeys);
	for (i = 0; r == 0 && i < x->nkeys; i++)
		r = buf_put_str(&b, x->keys[i]->spki, x->keys[i]->spki_len);
	if (r == 0)
		r = ipc_send_buf(x->sock, TOKEN_FIND, &b, -1);
	buf_done(&b);
	if (r == 0)
		r = helper_recv(x->sock, TOKEN_FAIL, WHO, &m, d);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	if (m.type != TOKEN_FOUND || rd_u32(&rd, &index) != 0 ||
	    rd_u8(&rd, ret_flags) != 0 ||
	    rd_cstr_into(&rd, label, sizeof(label)) != 0 || rd_end(&rd) != 0 ||
	    index >= x->nkeys)
		return diag_fail(d, CS_E_IPC, "a well-formed answer", WHO);
	x->found = index;
	text_sanitise(label, strlen(label), safe, sizeof(safe));
	return say(x->c, "token \"%s\" holds the key of %s (%s)\n", safe,
	    x->owner[index]->id, x->owner[index]->name);
}

/* Everything that can be known before a PIN is spent. */
static int
check_person(struct decision *x, struct diag *d)
{
	const struct policy_principal *who = x->owner[x->found];
	size_t i;

	for (i = 0; i < x->f.ndecisions; i++)
		if (strcmp(x->f.decisions[i].approver, who->id) == 0)
			return diag_fail(d, CS_E_APPROVED_BEFORE,
			    "another person", "%s", who->id);
	return evaluate_may_decide(x->c->policy, x->f.req, x->f.rule,
	    x->f.requester, who, x->now, d);
}

static int
agree_to_last_try(struct decision *x, uint8_t flags, bool *ret)
{
	char line[401];
	int r;

	*ret = false;
	if ((flags & TOKEN_F_COUNT_LOW) != 0 &&
	    say(x->c,
		"warning: a wrong PIN was entered on this token before; "
		"few tries are left\n") != 0)
		return CS_E_CONSOLE_GONE;
	if ((flags & TOKEN_F_FINAL_TRY) == 0)
		return 0;
	r = ask(x->c,
	    "this is the token's LAST PIN try; a wrong PIN locks "
	    "it.\ntype LAST TRY to go on: ",
	    line);
	if (r == 0)
		*ret = strcmp(line, "LAST TRY") == 0;
	return r == 0 && !*ret ? CS_E_CANCELLED : r;
}

/* Which domains' chips count this person? */
static int
find_votes(struct decision *x, uint32_t *ret, struct diag *d)
{
	size_t i;
	int r;

	*ret = 0;
	if (!x->approve)
		return 0;
	r = session_load(x->c, &x->f, &x->bytes, &x->sessions, d);
	for (i = 0; r == 0 && i < x->sessions.n; i++) {
		const char *domain = x->sessions.v[i].domain;
		_cleanup_quorum_ struct quorum q = { 0 };

		if (domain[0] == '\0')
			continue;
		r = quorum_of_domain(x->c->policy, domain, &q, d);
		x->asked[i] = r == 0 && quorum_find(&q, x->keys[x->found]) >= 0;
		*ret += x->asked[i];
	}
	return r;
}

static int
put_challenge(const struct session *s, struct buf *b)
{
	struct buf challenge = BUF_INIT(256);
	char ref[QUORUM_REF_MAX];
	int r;

	quorum_ref(s->domain, ref);
	r = quorum_challenge(s->nonce, ref, &challenge);
	if (r == 0)
		r = buf_put_u8(b, TOKEN_ITEM_TPM);
	if (r == 0)
		r = buf_put_str(b, challenge.p, challenge.len);
	buf_done(&challenge);
	return r;
}

static int
send_items(struct decision *x, bool last_try, uint32_t votes)
{
	struct buf pae = BUF_INIT(DSSE_MAX), b = BUF_INIT(IPC_MAX - 2);
	size_t i;
	int r;

	r = dsse_pae(x->payload, x->payload_len, &pae);
	if (r == 0)
		r = buf_put_u8(&b, last_try ? 1 : 0);
	if (r == 0)
		r = buf_put_u32(&b, 1 + votes);
	if (r == 0)
		r = buf_put_u8(&b, TOKEN_ITEM_MESSAGE);
	if (r == 0)
		r = buf_put_str(&b, pae.p, pae.len);
	for (i = 0; r == 0 && i < x->sessions.n; i++)
		if (x->asked[i])
			r = put_challenge(&x->sessions.v[i], &b);
	if (r == 0)
		r = ipc_send_buf(x->sock, TOKEN_SIGN, &b, -1);
	buf_done(&pae);
	buf_done(&b);
	return r;
}

static int
take_votes(struct decision *x, struct rd *rd)
{
	const uint8_t *sig[SESSIONS_MAX] = { NULL };
	size_t len[SESSIONS_MAX] = { 0 }, i;

	for (i = 0; i < x->sessions.n; i++)
		if (x->asked[i] &&
		    (rd_str(rd, SESSION_VOTE_MAX, &sig[i], &len[i]) != 0 ||
			len[i] == 0))
			return CS_E_IPC;
	sessions_votes_format(&x->sessions, sig, len, x->votes);
	return 0;
}

static int
take_signature(struct decision *x, uint32_t votes, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct dsse_new_sig s = { .keyid = x->keys[x->found]->id };
	struct rd rd;
	uint32_t n = 0;
	int r;

	r = helper_recv(x->sock, TOKEN_FAIL, WHO, &m, d);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	if (m.type != TOKEN_SIGNED || rd_u32(&rd, &n) != 0 || n != 1 + votes ||
	    rd_str(&rd, 4096, &s.sig, &s.sig_len) != 0 ||
	    (x->approve && take_votes(x, &rd) != 0) || rd_end(&rd) != 0)
		return diag_fail(d, CS_E_IPC, "a signature per item", WHO);
	return dsse_format(x->payload, x->payload_len, &s, 1, &x->envelope,
	    &x->envelope_len);
}

static int
sign_statement(struct decision *x, uint8_t flags, struct diag *d)
{
	const struct approval_new n = {
		.approve = x->approve,
		.reason = x->reason,
		.req = x->f.req,
		.policy = x->c->policy,
		.rule = x->f.rule,
		.approver = x->owner[x->found]->id,
		.nonce = x->f.nonce,
		.time = x->now,
	};
	uint32_t votes = 0;
	char prompt[200];
	bool last_try;
	int r;

	r = approval_format(&n, &x->payload, &x->payload_len);
	if (r == 0)
		r = find_votes(x, &votes, d);
	if (r == 0)
		r = agree_to_last_try(x, flags, &last_try);
	if (r == 0)
		r = send_items(x, last_try, votes);
	if (r != 0)
		return r;
	(void)snprintf(prompt, sizeof(prompt),
	    "PIN of %s's token to %s "
	    "request %llu: ",
	    x->owner[x->found]->id, x->approve ? "APPROVE" : "REJECT",
	    (unsigned long long)x->f.q.n);
	r = ask_pin(x->c, prompt, &x->pin_fd);
	if (r != 0)
		return r;
	return take_signature(x, votes, d);
}

/* The policy's own count must agree that the new statement is good. */
static int
check_counts(struct decision *x, struct diag *d)
{
	const struct approval_doc doc = {
		.envelope = (const uint8_t *)x->envelope,
		.len = x->envelope_len,
	};

	return case_check_decision(x->c, &x->f, &doc, x->approve, x->now, d);
}

static int
log_decision(struct decision *x, struct diag *d)
{
	char blob[65], statement[65], key[65], reason[401];
	uint8_t digest[32];
	int r;

	r = ledger_blob_put(x->c->ledger, x->envelope, x->envelope_len, blob,
	    d);
	if (r == 0)
		r = sha256(x->payload, x->payload_len, digest);
	if (r != 0)
		return r;
	hex_encode(digest, 32, statement);
	hex_encode(x->keys[x->found]->id, 32, key);
	text_sanitise(x->reason, strlen(x->reason), reason, sizeof(reason));
	return core_log_one(x->c, "approval",
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
		"request", x->f.q.id, "request_sha256", x->f.q.digest, "person",
		x->owner[x->found]->id, "decision",
		x->approve ? "approve" : "reject", "reason", reason, "envelope",
		blob, "statement", statement, "key_id", key, "vote", x->votes),
	    d);
}

/* A refused try is an event too: who, which check. */
static int
log_refused(struct decision *x, const struct diag *why, struct diag *d)
{
	const char *who = x->nkeys > x->found && x->found != SIZE_MAX ?
	    x->owner[x->found]->id :
	    "unknown";

	return core_log_one(x->c, "approval.refused",
	    json_pack("{s:s, s:s, s:s, s:s, s:s}", "request", x->f.q.id,
		"request_sha256", x->f.q.digest, "person", who, "check",
		err_id(why->code), "found", why->found),
	    d);
}

static int
confirm(struct decision *x)
{
	struct buf view = BUF_INIT(16u << 20);
	const char *word = x->approve ? "APPROVE" : "REJECT";
	char line[401], prompt[120];
	int r;

	r = case_view(x->c, &x->f, &view);
	if (r == 0)
		r = page_show(x->c, &view);
	buf_done(&view);
	if (r == 0 && !x->approve)
		r = ask(x->c, "reason for the rejection: ", x->reason);
	if (r != 0)
		return r;
	(void)snprintf(prompt, sizeof(prompt),
	    "type %s to %s request %llu: ", word,
	    x->approve ? "approve" : "reject", (unsigned long long)x->f.q.n);
	r = ask(x->c, prompt, line);
	if (r == 0 && strcmp(line, word) != 0)
		r = CS_E_CANCELLED;
	return r;
}

static int
with_token(struct decision *x, const char *given, struct diag *d)
{
	char port[401];
	uint8_t flags = 0;
	int r;

	r = choose_port(x->c, given, port);
	if (r == 0)
		r = helper_spawn(x->c, SUP_TOKEN, port, &x->sock, &x->pin_fd,
		    d);
	if (r == 0)
		r = find_token(x, &flags, d);
	if (r == 0)
		r = check_person(x, d);
	if (r == 0)
		r = sign_statement(x, flags, d);
	if (r == 0)
		r = check_counts(x, d);
	return r;
}

/*
 * The quorum is there: the signer says now whether it would sign, while the
 * people are still in the room.
 */
static int
announce(struct decision *x, struct diag *d)
{
	const bool sign = x->f.req->action == REQUEST_SIGN;
	struct diag why = { 0 };
	int r;

	r = signing_prepare(x->c, x->f.q.n, &why);
	if (r == 0)
		return say(x->c,
		    "the signer agrees; it can be %s now: "
		    "%s %llu\n",
		    sign ? "signed" : "made", sign ? "sign" : "apply",
		    (unsigned long long)x->f.q.n);
	if (why.code != r)
		return diag_fail(d, r, NULL, "preflight");
	r = say(x->c, "but it could not be %s as things are:\n",
	    sign ? "signed" : "made");
	return r == 0 ? say_diag(x->c, &why) : r;
}

static int
report(struct decision *x, struct diag *d)
{
	_cleanup_case_ struct case_file f = { 0 };
	uint64_t count = 0;
	int r;

	if (!x->approve)
		return say(x->c, "rejected by %s; request %llu cannot be %s\n",
		    x->owner[x->found]->id, (unsigned long long)x->f.q.n,
		    x->f.req->action == REQUEST_SIGN ? "signed" : "made");
	r = case_load(x->c, x->f.q.n, &f, d);
	if (r == 0)
		r = case_count(x->c, &f, x->now, NULL, &count, d);
	if (r == 0)
		r = say(x->c, "approved by %s: %llu of %llu\n",
		    x->owner[x->found]->id, (unsigned long long)count,
		    (unsigned long long)f.rule->threshold);
	if (r == 0 && count >= f.rule->threshold)
		r = announce(x, d);
	return r;
}

static int
decide(struct core *c, char **argv, size_t argc, bool approve, struct diag *d)
{
	_cleanup_(decision_done) struct decision x = { .c = c,
		.approve = approve,
		.sock = -1,
		.pin_fd = -1,
		.found = SIZE_MAX };
	struct diag ignored = { 0 };
	uint64_t n = 0;
	int r;

	r = parse_number(argv[0], &n, d);
	if (r == 0)
		r = case_load(c, n, &x.f, d);
	if (r == 0)
		r = core_time_of(c, x.f.req, &x.now, d);
	if (r != 0)
		return r;
	if (x.f.q.state != REQ_PENDING)
		return diag_fail(d, CS_E_STATE, "a pending request",
		    "request %llu is %s", (unsigned long long)n,
		    case_state(&x.f.q));
	r = confirm(&x);
	if (r == 0 && approve)
		r = session_ensure(c, &x.f, d);
	if (r != 0)
		return r;
	collect_keys(&x);
	r = with_token(&x, argc > 1 ? argv[1] : NULL, d);
	if (r == 0)
		r = log_decision(&x, d);
	else if (r != CS_E_CONSOLE_GONE && r != CS_E_CANCELLED &&
	    d->code == r && log_refused(&x, d, &ignored) != 0)
		return CS_E_IPC;
	return r == 0 ? report(&x, d) : r;
}

int
verb_approve(struct core *c, char **argv, size_t argc, struct diag *d)
{
	return decide(c, argv, argc, true, d);
}

int
verb_reject(struct core *c, char **argv, size_t argc, struct diag *d)
{
	return decide(c, argv, argc, false, d);
}
