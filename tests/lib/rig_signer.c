/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/rig_signer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/file.h"
#include "tests/lib/rig_die.h"

static const struct {
	const char *id, *domain, *algorithm, *format;
} key_table[RS_KEYS] = {
	{ "fw-rsa", "release", "rsa3072-pkcs1-sha256", "raw" },
	{ "fw-pss", "release", "rsa3072-pss-sha256", "raw" },
	{ "fw-p256", "release", "ecdsa-p256-sha256", "raw" },
	{ "fw-p384", "release", "ecdsa-p384-sha384", "raw" },
	{ "fw-ed25519", "release", "ed25519-sha512", "raw" },
	{ "fw-cms", "boot", "rsa3072-pkcs1-sha256", "cms" },
};

static const struct {
	const char *id, *kind, *organisation, *role, *type;
} people_table[RS_PEOPLE] = {
	[RS_CI] = { "ci", "system", "acme", "requester", "p256" },
	[RS_ALICE] = { "alice", "person", "acme", "approver", "p256" },
	[RS_BOB] = { "bob", "person", "acme", "approver", "rsa2048" },
	[RS_CAROL] = { "carol", "person", "zeta", "approver", "p384" },
	[RS_ADMIN] = { "root", "person", "acme", "admin", "p256" },
	[RS_STRANGER] = { "mallory", "person", "evil", "approver", "p256" },
};

char *
rs_policy(struct rs *s, const char *name, uint64_t threshold, bool rehearsal,
    const char *appliance, size_t *ret_len)
{
	struct rig_person *who[RS_STRANGER];
	const struct rig_policy p = {
		.name = name,
		.appliance = appliance,
		.version = 1,
		.threshold = threshold,
		.rehearsal = rehearsal,
		.people = who,
		.npeople = RS_STRANGER,
		.keys = s->keys,
		.nkeys = RS_KEYS,
		.product = RS_PRODUCT,
		.token_prefix = s->token_prefix,
		.rule_more = s->rule_more,
		.more = s->more,
	};
	size_t i;

	for (i = 0; i < RS_STRANGER; i++)
		who[i] = &s->people[i];
	return rig_policy_envelope(&p, ret_len);
}

struct policy *
rs_parse_policy(const char *envelope, size_t len)
{
	_cleanup_dsse_ struct dsse *env = NULL;
	struct policy *p = NULL;
	struct diag d = { 0 };

	if (dsse_parse(envelope, len, &env, &d) != 0 ||
	    policy_parse(env->payload, env->payload_len, &p, &d) != 0)
		rig_die("policy: %s: %s", err_id(d.code), d.found);
	return p;
}

void
rs_init(struct rs *s, bool policy)
{
	size_t i;

	memset(s, 0, sizeof(*s));
	rig_init(&s->rig);
	rig_path(&s->rig, "state", s->state);
	for (i = 0; i < RS_PEOPLE; i++)
		rig_person(&s->people[i], people_table[i].id,
		    people_table[i].kind, people_table[i].organisation,
		    people_table[i].role, people_table[i].type);
	for (i = 0; i < RS_KEYS; i++) {
		struct rig_key *k = &s->keys[i];

		(void)snprintf(k->id, sizeof(k->id), "%s", key_table[i].id);
		(void)snprintf(k->domain, sizeof(k->domain), "%s",
		    key_table[i].domain);
		(void)snprintf(k->algorithm, sizeof(k->algorithm), "%s",
		    key_table[i].algorithm);
		(void)snprintf(k->format, sizeof(k->format), "%s",
		    key_table[i].format);
	}
	rig_provision_keys(&s->rig, s->state, RS_ORIGIN, NULL, 0, s->keys,
	    RS_KEYS);
	if (!policy)
		return;
	s->envelope =
	    rs_policy(s, "unit", 2, true, RS_ORIGIN, &s->envelope_len);
	rig_provision_policy(&s->rig, s->state, s->envelope, s->envelope_len);
	s->policy = rs_parse_policy(s->envelope, s->envelope_len);
}

void
rs_done(struct rs *s)
{
	size_t i;

	for (i = 0; i < RS_PEOPLE; i++)
		rig_person_done(&s->people[i]);
	rig_keys_done(s->keys, RS_KEYS);
	free(s->envelope);
	policy_free(&s->policy);
	rig_done(&s->rig);
}

static void
hash_into(struct subject *sub, enum hash_alg a, const char *text)
{
	struct hasher *h = NULL;

	if (hasher_new(a, &h) != 0 ||
	    hasher_update(h, text, strlen(text)) != 0 ||
	    hasher_final(h, sub->digest[a], hash_len(a)) != 0)
		rig_die("hash");
	hasher_free(&h);
	sub->has[a] = true;
}

static void
make_subject(struct rs *s, size_t i, unsigned hashes, struct subject *sub)
{
	char name[32], text[64], path[RIG_PATH];
	size_t a;

	(void)snprintf(name, sizeof(name), "artifact-%zu", i);
	(void)snprintf(text, sizeof(text), "this is artifact %zu\n", i);
	rig_write(&s->rig, name, text, strlen(text), path);
	sub->name = strdup(name);
	sub->size = strlen(text);
	for (a = 0; a < HASH_COUNT; a++)
		if ((hashes & HASH_BIT(a)) != 0)
			hash_into(sub, (enum hash_alg)a, text);
}

void
rs_request(struct rs *s, const struct rig_key *k, size_t n, unsigned hashes,
    enum rs_who signer, struct rs_request *ret)
{
	const struct rig_person *who = &s->people[signer];
	struct subject *subs = calloc(n, sizeof(*subs));
	struct request_evidence ev = { .name = NULL };
	struct request_new q = {
		.id = "0123456789abcdef0123456789abcdef",
		.product = RS_PRODUCT,
		.version = "1.2.3",
		.key = k->id,
		.format = k->format,
		.user = "ci",
		.system = "builder",
		.pipeline = "https://ci.example/router",
		.run = "7",
		.commit = "0123456789abcdef0123456789abcdef01234567",
		.created = time(NULL),
		.subjects = subs,
		.nsubjects = n,
		.evidence = &ev,
	};
	_cleanup_free_ char *payload = NULL;
	struct diag d = { 0 };
	size_t len, i;

	if (subs == NULL)
		rig_die("out of memory");
	for (i = 0; i < n; i++)
		make_subject(s, i, hashes, &subs[i]);
	if (request_format(&q, &payload, &len) != 0 ||
	    request_parse(payload, len, &ret->req, &d) != 0)
		rig_die("request: %s: %s", err_id(d.code), d.found);
	ret->envelope = rig_dsse(payload, len, &who, 1, &ret->len);
	for (i = 0; i < n; i++)
		free(subs[i].name);
	free(subs);
}

void
rs_request_done(struct rs_request *r)
{
	free(r->envelope);
	request_free(&r->req);
}

char *
rs_approval(struct rs *s, const struct policy *p, const struct rs_request *q,
    enum rs_who who, bool approve, const uint8_t nonce[32], size_t *ret_len)
{
	const struct rig_person *w = &s->people[who];
	struct approval_new n = {
		.approve = approve,
		.reason = approve ? "" : "not today",
		.req = q->req,
		.policy = p,
		.approver = w->id,
		.nonce = nonce,
		.time = time(NULL),
	};
	_cleanup_free_ char *payload = NULL;
	size_t len, i;

	for (i = 0; i < p->nrules; i++)
		if (policy_list_has(&p->rules[i].keys, q->req->key))
			n.rule = &p->rules[i];
	if (n.rule == NULL || approval_format(&n, &payload, &len) != 0)
		rig_die("approval");
	return rig_dsse(payload, len, &w, 1, ret_len);
}

void
rs_job_add(struct rs_job *j, char *approval, size_t len)
{
	if (j->n == ARRAY_LEN(j->approvals))
		rig_die("too many approvals");
	j->approvals[j->n] = approval;
	j->votes[j->n] = NULL;
	j->vote_lens[j->n] = 0;
	j->lens[j->n++] = len;
}

void
rs_job_vote(struct rs *s, struct rs_job *j, enum rs_who who)
{
	free(j->votes[j->n - 1]);
	j->votes[j->n - 1] = tpm_rig_vote(&s->people[who], j->nonce, j->domain,
	    &j->vote_lens[j->n - 1]);
}

/* A TPM session, as the core asks for one. */
void
rs_session(struct rs *s, struct rs_job *j)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(256);
	const uint8_t *bytes;
	struct sessions v;
	struct rs_signer g;
	struct diag d = { 0 };
	uint32_t seconds;
	struct rd rd;

	if (buf_put_u32(&b, 1) != 0 || buf_put_cstr(&b, j->domain) != 0 ||
	    buf_put_u32(&b, 0) != 0)
		rig_die("out of memory");
	rs_start(s, NULL, NULL, &g);
	if (rs_ask(&g, SIGNER_SESSION, &b, -1, SIGNER_SESSION_R, &m, &d) != 0)
		rig_die("session: %s: %s", err_id(d.code), d.found);
	(void)rs_end(&g);
	buf_done(&b);
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	if (rd_str(&rd, 65536, &bytes, &j->sessions_len) != 0 ||
	    rd_u32(&rd, &seconds) != 0 || rd_end(&rd) != 0 ||
	    sessions_get(bytes, j->sessions_len, &v, NULL) != 0 ||
	    sessions_nonce(&v, j->nonce) != 0 || seconds != 28800)
		rig_die("session: malformed");
	free(j->sessions);
	j->sessions = malloc(j->sessions_len + 1);
	if (j->sessions == NULL)
		rig_die("out of memory");
	memcpy(j->sessions, bytes, j->sessions_len);
}

void
rs_job(struct rs *s, const struct rs_request *q, struct rs_job *ret)
{
	static const enum rs_who who[] = { RS_ALICE, RS_BOB };
	size_t i, len;
	char *a;

	memset(ret, 0, sizeof(*ret));
	ret->policy = s->envelope;
	ret->policy_len = s->envelope_len;
	ret->request = q;
	for (i = 0; i < RS_KEYS; i++)
		if (strcmp(s->keys[i].id, q->req->key) == 0)
			ret->domain = s->keys[i].domain;
	rs_session(s, ret);
	for (i = 0; i < ARRAY_LEN(who); i++) {
		a = rs_approval(s, s->policy, q, who[i], true, ret->nonce,
		    &len);
		rs_job_add(ret, a, len);
		rs_job_vote(s, ret, who[i]);
	}
}

void
rs_job_drop(struct rs_job *j)
{
	free(j->approvals[--j->n]);
	free(j->votes[j->n]);
}

void
rs_job_done(struct rs_job *j)
{
	while (j->n > 0)
		rs_job_drop(j);
	free(j->sessions);
	j->sessions = NULL;
}

void
rs_start(struct rs *s, const char *sealed, const char *hsm_conf,
    struct rs_signer *ret)
{
	const char *argv[16] = { "coldseal-signer", RS_ORIGIN, s->rig.tcti,
		s->rig.module };
	size_t i;
	char path[RIG_PATH], env[RIG_PATH + 32];
	int pair[2], fds[2];

	rig_path(&s->rig, "state/sealed", path);
	(void)snprintf(env, sizeof(env), "SOFTHSM2_CONF=%s",
	    hsm_conf == NULL ? s->rig.hsm_conf : hsm_conf);
	if (ipc_pair(pair) != 0)
		rig_die("socketpair");
	fds[0] = pair[1];
	fds[1] = open(sealed == NULL ? path : sealed,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fds[1] < 0)
		rig_die("no sealed folder");
	for (i = 0; s->signer_more != NULL && s->signer_more[i] != NULL; i++)
		argv[4 + i] = s->signer_more[i];
	ret->unseals = ret->token_logs = 0;
	ret->token_log = (struct ipc_msg)IPC_MSG_INIT;
	ret->pid = rig_spawn(&s->rig, argv, env, fds, 2);
	ret->sock = pair[0];
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int
rs_end(struct rs_signer *g)
{
	close_fdp(&g->sock);
	ipc_msg_done(&g->token_log);
	return rig_wait(g->pid);
}

void
rs_unseal_read(const struct ipc_msg *m, struct rs_unseal *ret)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	const uint8_t *nonce;
	uint8_t lockout = 0, refused = 0;
	size_t len = 0;

	memset(ret, 0, sizeof(*ret));
	if (rd_cstr_into(&rd, ret->domain, sizeof(ret->domain)) != 0 ||
	    rd_u32(&rd, &ret->approvers) != 0 ||
	    rd_str(&rd, 32, &nonce, &len) != 0 || rd_u8(&rd, &lockout) != 0 ||
	    rd_u32(&rd, &ret->before) != 0 || rd_u32(&rd, &ret->after) != 0 ||
	    rd_u32(&rd, &ret->max) != 0 || rd_u8(&rd, &refused) != 0 ||
	    (refused == 1 && ipc_get_diag(&rd, &ret->why) != 0) ||
	    rd_end(&rd) != 0)
		rig_die("malformed SIGNER_UNSEALED");
	ret->ceremony = len == 32;
	ret->lockout = lockout == 1;
}

/* One message from the signer: 0, its SIGNER_FAIL, or CS_E_IPC. */
static int
receive(struct rs_signer *g, struct ipc_msg *ret, struct diag *d)
{
	struct rd rd;
	int r;

	for (;;) {
		r = ipc_recv(g->sock, ret, RS_TIMEOUT);
		if (r != 0)
			break;
		if (ret->type == SIGNER_UNSEALED) {
			rs_unseal_read(ret, &g->last);
			g->unseals++;
		} else if (ret->type == SIGNER_TOKEN_LOG) {
			ipc_msg_done(&g->token_log);
			g->token_log = *ret;
			*ret = (struct ipc_msg)IPC_MSG_INIT;
			g->token_logs++;
		} else {
			break;
		}
	}
	if (r != 0 || ret->type != SIGNER_FAIL)
		return r;
	rd = (struct rd)RD_INIT(ret->body.p, ret->body.len);
	if (ipc_get_diag(&rd, d) != 0 || rd_end(&rd) != 0 || d->code == 0)
		rig_die("malformed SIGNER_FAIL");
	return d->code;
}

int
rs_ask(struct rs_signer *g, uint16_t type, const struct buf *body, int fd,
    uint16_t want, struct ipc_msg *ret, struct diag *d)
{
	static const struct buf empty;
	int r;

	r = ipc_send_buf(g->sock, type, body == NULL ? &empty : body, fd);
	if (r == 0)
		r = receive(g, ret, d);
	if (r == 0 && ret->type != want)
		rig_die("the signer answered %#x", ret->type);
	return r;
}

static void
put(int r)
{
	if (r != 0)
		rig_die("buffer: %s", err_id(r));
}

/* For the one session; "" if nobody voted */
static void
put_vote(struct buf *b, const uint8_t *sig, size_t len)
{
	const struct sessions one = { .n = 1 };
	char text[SESSION_VOTES_MAX + 1] = "";

	if (sig != NULL)
		sessions_votes_format(&one, &sig, &len, text);
	put(buf_put_cstr(b, text));
}

int
rs_preflight(struct rs_signer *g, const struct rs_job *j, uint32_t *ret_n,
    struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_fd_ int fd = -1;
	struct buf b = BUF_INIT(64u << 20);
	struct rd rd;
	size_t i;
	int r;

	put(buf_put_str(&b, j->policy, j->policy_len));
	put(buf_put_str(&b, j->request->envelope, j->request->len));
	put(buf_put_u64(&b, (uint64_t)time(NULL)));
	put(buf_put_str(&b, j->sessions, j->sessions_len));
	put(buf_put_u32(&b, (uint32_t)j->n));
	for (i = 0; i < j->n; i++) {
		put(buf_put_str(&b, j->approvals[i], j->lens[i]));
		put_vote(&b, j->votes[i], j->vote_lens[i]);
	}
	put(buf_put_u32(&b, 0)); /* the rule asks for no evidence */
	put(memfd_sealed("job", b.p, b.len, &fd, NULL));
	buf_done(&b);
	r = rs_ask(g, SIGNER_PREFLIGHT, NULL, fd, SIGNER_PREFLIGHT_R, &m, d);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	put(rd_u32(&rd, ret_n));
	put(rd_end(&rd));
	return 0;
}

/* The signatures of one message, into files if s is not NULL; how many. */
static uint32_t
keep(struct rs *s, const struct ipc_msg *m, uint32_t want)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	char name[32], path[RIG_PATH];
	const uint8_t *sig;
	uint32_t i, n = 0;
	size_t len;

	do {
		put(rd_u32(&rd, &i));
		put(rd_str(&rd, IPC_MAX, &sig, &len));
		if (i != want + n)
			rig_die("signature %u, not %u", i, want + n);
		n++;
		if (s == NULL)
			continue;
		(void)snprintf(name, sizeof(name), "sig-%u", i);
		rig_write(&s->rig, name, sig, len, path);
	} while (rd_end(&rd) != 0);
	return n;
}

int
rs_sign(struct rs *s, struct rs_signer *g, uint32_t *ret_n, struct diag *d)
{
	uint32_t n = 0;
	int r;

	r = ipc_send(g->sock, SIGNER_SIGN, NULL, 0, -1);
	while (r == 0) {
		_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
		struct rd rd;

		r = receive(g, &m, d);
		if (r != 0)
			break;
		if (m.type == SIGNER_SIG) {
			n += keep(s, &m, n);
			continue;
		}
		rd = (struct rd)RD_INIT(m.body.p, m.body.len);
		if (m.type != SIGNER_SIGN_R || rd_u32(&rd, ret_n) != 0 ||
		    *ret_n != n)
			rig_die("wrong end of signing");
		return 0;
	}
	return r;
}

int
rs_checkpoint(struct rs_signer *g, const char *text, uint8_t sig[64],
    struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(4096);
	const uint8_t *p, *tpm;
	struct rd rd;
	size_t len, tpm_len;
	int r;

	put(buf_put_cstr(&b, text));
	r = rs_ask(g, SIGNER_CHECKPOINT, &b, -1, SIGNER_CHECKPOINT_R, &m, d);
	buf_done(&b);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	put(rd_str(&rd, 64, &p, &len));
	put(rd_str(&rd, 128, &tpm, &tpm_len));
	put(rd_end(&rd));
	memcpy(g->tpm_sig, tpm, tpm_len);
	g->tpm_sig_len = tpm_len;
	if (len != 64)
		rig_die("a checkpoint signature of %zu bytes", len);
	memcpy(sig, p, 64);
	return 0;
}
