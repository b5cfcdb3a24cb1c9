/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/b64.h"
#include "lib/change.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "tests/lib/rig_die.h"
#include "tests/lib/rig_signer.h"

/*
 * Changes in the signer: it counts administrators by itself, the chip counts
 * the approvers of every domain, and after a policy update nothing that was
 * sealed before opens.  Two domains: "release" and "boot".
 */
static struct rs rs;

struct change_job {
	struct request *req;
	char *envelope;
	size_t len;
	uint8_t *sessions;
	size_t sessions_len;
	struct sessions v;
	uint8_t nonce[32];
	char *approvals[8], *votes[8];
	size_t lens[8], n;
	const char *doc; /* the document that comes with it, or NULL */
	size_t doc_len;
};

static void
job_done(struct change_job *j)
{
	size_t i;

	for (i = 0; i < j->n; i++) {
		free(j->approvals[i]);
		free(j->votes[i]);
	}
	free(j->envelope);
	free(j->sessions);
	request_free(&j->req);
	*j = (struct change_job){ .n = 0 };
}

/* A new signer gives the sessions of these domains. */
static void
open_sessions(struct change_job *j, const struct domain_list *l)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(4096);
	const uint8_t *p = NULL;
	struct rs_signer g;
	struct diag d = { 0 };
	uint32_t seconds = 0;
	struct rd rd;
	size_t i;

	assert_int_equal(buf_put_u32(&b, (uint32_t)l->n), 0);
	for (i = 0; i < l->n; i++)
		assert_int_equal(buf_put_cstr(&b, l->v[i]->id), 0);
	assert_int_equal(buf_put_u32(&b, 0), 0);
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_ask(&g, SIGNER_SESSION, &b, -1, SIGNER_SESSION_R,
			     &m, &d),
	    0);
	(void)rs_end(&g);
	buf_done(&b);
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	assert_int_equal(rd_str(&rd, IPC_MAX, &p, &j->sessions_len), 0);
	assert_int_equal(rd_u32(&rd, &seconds), 0);
	assert_int_equal(rd_end(&rd), 0);
	free(j->sessions);
	j->sessions = malloc(j->sessions_len);
	assert_non_null(j->sessions);
	memcpy(j->sessions, p, j->sessions_len);
	assert_int_equal(sessions_get(j->sessions, j->sessions_len, &j->v,
			     NULL),
	    0);
	assert_int_equal(sessions_nonce(&j->v, j->nonce), 0);
}

static void
file_change(struct change_new *n, const char *doc, size_t doc_len,
    struct change_job *j)
{
	const struct rig_person *who = &rs.people[RS_CI];
	struct request_evidence ev = { .name = CHANGE_POLICY_DOC,
		.size = doc_len };
	_cleanup_free_ char *payload = NULL;
	struct domain_list l;
	struct diag d = { 0 };
	size_t len;

	*j = (struct change_job){ .doc = doc, .doc_len = doc_len };
	n->id = "0123456789abcdef0123456789abcdef";
	n->reason = "a test";
	n->user = "ci";
	n->system = "builder";
	n->created = time(NULL);
	if (doc != NULL) {
		assert_int_equal(sha256(doc, doc_len, ev.sha256), 0);
		n->evidence = &ev;
		n->nevidence = 1;
	}
	assert_int_equal(change_format(n, &payload, &len), 0);
	assert_int_equal(change_parse(payload, len, &j->req, &d), 0);
	j->envelope = rig_dsse(payload, len, &who, 1, &j->len);
	assert_int_equal(request_domains(rs.policy, j->req, &l, &d), 0);
	open_sessions(j, &l);
}

/* One person's statement, and a vote in every session if vote is set. */
static void
approve(struct change_job *j, enum rs_who who, bool vote)
{
	const struct rig_person *w = &rs.people[who];
	const struct approval_new n = {
		.approve = true,
		.reason = "",
		.req = j->req,
		.policy = rs.policy,
		.rule = &rs.policy->admin,
		.approver = w->id,
		.nonce = j->nonce,
		.time = time(NULL),
	};
	uint8_t *sig[SESSIONS_MAX] = { NULL };
	size_t len[SESSIONS_MAX] = { 0 }, i, payload_len;
	_cleanup_free_ char *payload = NULL;

	assert_int_equal(approval_format(&n, &payload, &payload_len), 0);
	j->approvals[j->n] =
	    rig_dsse(payload, payload_len, &w, 1, &j->lens[j->n]);
	for (i = 0; vote && i < j->v.n; i++)
		sig[i] = tpm_rig_vote(&rs.people[who], j->v.v[i].nonce,
		    j->v.v[i].domain, &len[i]);
	j->votes[j->n] = malloc(SESSION_VOTES_MAX + 1);
	assert_non_null(j->votes[j->n]);
	sessions_votes_format(&j->v, (const uint8_t *const *)sig, len,
	    j->votes[j->n]);
	for (i = 0; i < j->v.n; i++)
		free(sig[i]);
	j->n++;
}

static int
preflight(struct rs_signer *g, const struct change_job *j, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(16u << 20);
	_cleanup_fd_ int fd = -1;
	size_t i;
	int r;

	r = buf_put_str(&b, rs.envelope, rs.envelope_len);
	r |= buf_put_str(&b, j->envelope, j->len);
	r |= buf_put_u64(&b, (uint64_t)time(NULL));
	r |= buf_put_str(&b, j->sessions, j->sessions_len);
	r |= buf_put_u32(&b, (uint32_t)j->n);
	for (i = 0; i < j->n; i++) {
		r |= buf_put_str(&b, j->approvals[i], j->lens[i]);
		r |= buf_put_cstr(&b, j->votes[i]);
	}
	r |= buf_put_u32(&b, j->doc == NULL ? 0 : 1);
	if (j->doc != NULL)
		r |= buf_put_str(&b, j->doc, j->doc_len);
	r |= memfd_sealed("job", b.p, b.len, &fd, NULL);
	buf_done(&b);
	assert_int_equal(r, 0);
	r = rs_ask(g, SIGNER_PREFLIGHT, NULL, fd, SIGNER_PREFLIGHT_R, &m, d);
	if (r == 0)
		assert_memory_equal(m.body.p, "\0\0\0\0", 4);
	return r;
}

static void
refused(const struct change_job *j, int code, const char *found)
{
	struct rs_signer g;
	struct diag d = { 0 };
	int r;

	rs_start(&rs, NULL, NULL, &g);
	r = preflight(&g, j, &d);
	if (r != code || strstr(d.found, found) == NULL)
		fail_msg("%s: %s, not %s: %s", err_id(r), d.found, err_id(code),
		    found);
	/* and there is nothing to make */
	assert_int_equal(ipc_send(g.sock, SIGNER_CHANGE, NULL, 0, -1), 0);
	assert_int_not_equal(rig_wait(g.pid), 0);
	close_fdp(&g.sock);
}

struct made {
	uint64_t generation;
	char uri[200];
	uint8_t spki[1024], csr[4096];
	size_t spki_len, csr_len;
};

static void
take(struct rd *rd, uint8_t *out, size_t max, size_t *ret_len)
{
	const uint8_t *p = NULL;

	assert_int_equal(rd_str(rd, max, &p, ret_len), 0);
	memcpy(out, p, *ret_len);
}

static int
make(const struct change_job *j, struct made *ret, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct rs_signer g;
	uint8_t restricted = 0, none[1];
	size_t none_len = 0;
	struct rd rd;
	int r;

	rs_start(&rs, NULL, NULL, &g);
	r = preflight(&g, j, d);
	if (r == 0)
		r = rs_ask(&g, SIGNER_CHANGE, NULL, -1, SIGNER_CHANGE_R, &m, d);
	(void)rs_end(&g);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	assert_int_equal(rd_u64(&rd, &ret->generation), 0);
	assert_int_equal(rd_cstr_into(&rd, ret->uri, sizeof(ret->uri)), 0);
	take(&rd, ret->spki, sizeof(ret->spki), &ret->spki_len);
	take(&rd, ret->csr, sizeof(ret->csr), &ret->csr_len);
	/* SoftHSM attests to nothing */
	take(&rd, none, sizeof(none), &none_len);
	assert_int_equal(none_len, 0);
	assert_int_equal(rd_u8(&rd, &restricted), 0);
	assert_int_equal(rd_end(&rd), 0);
	return 0;
}

/* --- the next policy: three must approve ------------------------------- */

static char *
next_policy(uint64_t version, const uint8_t previous[32], uint64_t threshold,
    size_t *ret_len)
{
	char more[200], hex[65], *env;

	hex_encode(previous, 32, hex);
	(void)snprintf(more, sizeof(more),
	    "{\"version\":%llu,\"previous\":\"%s\"}",
	    (unsigned long long)version, hex);
	rs.more = more;
	env = rs_policy(&rs, "next", threshold, true, RS_ORIGIN, ret_len);
	rs.more = NULL;
	return env;
}

static void
file_update(const char *env, size_t len, struct change_job *j)
{
	_cleanup_policy_ struct policy *p = rs_parse_policy(env, len);
	struct change_new n = { .action = CHANGE_POLICY,
		.policy = p->digest,
		.policy_version = p->version };

	file_change(&n, env, len, j);
}

/* The same policy, in which alice has one more key, of Ed25519. */
static char *
with_ed25519(const char *env, size_t len, size_t *ret_len)
{
	const struct rig_person *admin = &rs.people[RS_ADMIN];
	_cleanup_free_ char *canonical = NULL, *payload = NULL;
	_cleanup_free_ unsigned char *spki = NULL;
	_cleanup_dsse_ struct dsse *e = NULL;
	_cleanup_json_ json_t *root = NULL;
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	json_t *predicate, *alice = NULL, *who;
	uint8_t digest[32];
	size_t i, n;
	char b64[128];
	int k;

	assert_int_equal(dsse_parse(env, len, &e, NULL), 0);
	assert_int_equal(json_load_strict(e->payload, e->payload_len,
			     e->payload_len, &root, NULL),
	    0);
	predicate = json_object_get(root, "predicate");
	json_array_foreach (json_object_get(predicate, "principals"), i, who)
		if (strcmp(json_string_value(json_object_get(who, "id")),
			rs.people[RS_ALICE].id) == 0)
			alice = who;
	k = i2d_PUBKEY(key, &spki);
	EVP_PKEY_free(key);
	assert_true(alice != NULL && k > 0);
	b64_encode(spki, (size_t)k, b64);
	assert_int_equal(json_array_append_new(json_object_get(alice, "keys"),
			     json_pack("{s:s}", "public_key", b64)),
	    0);
	assert_int_equal(json_canonical(predicate, &canonical, &n), 0);
	assert_int_equal(sha256(canonical, n, digest), 0);
	assert_int_equal(statement_format_about("policy", digest, PRED_POLICY,
			     json_incref(predicate), &payload, &n),
	    0);
	return rig_dsse(payload, n, &admin, 1, ret_len);
}

/* What was sealed for people whom no chip can count would never come out. */
static void
update_uncountable(void **state)
{
	_cleanup_free_ char *env = NULL, *ed = NULL;
	struct change_job j;
	size_t len, ed_len;

	(void)state;
	env = next_policy(2, rs.policy->digest, 2, &len);
	ed = with_ed25519(env, len, &ed_len);
	file_update(ed, ed_len, &j);
	approve(&j, RS_ADMIN, false);
	approve(&j, RS_ALICE, true);
	approve(&j, RS_BOB, true);
	refused(&j, CS_E_QUORUM_KEY, "alice");
	job_done(&j);
}

static void
update_refused(void **state)
{
	_cleanup_free_ char *env = NULL, *fork = NULL;
	const uint8_t other[32] = { 1 };
	struct change_job j;
	struct sessions one;
	struct buf b = BUF_INIT(65536);
	size_t len, fork_len;

	(void)state;
	env = next_policy(2, rs.policy->digest, 3, &len);
	file_update(env, len, &j);
	refused(&j, CS_E_QUORUM, "0 of 1");
	/* approvers of the domains are no administrators */
	approve(&j, RS_ALICE, true);
	approve(&j, RS_BOB, true);
	refused(&j, CS_E_QUORUM, "0 of 1");
	job_done(&j);
	/* an administrator alone has no PIN */
	file_update(env, len, &j);
	approve(&j, RS_ADMIN, false);
	refused(&j, CS_E_TPM_QUORUM, "0 of 2");
	approve(&j, RS_ALICE, true);
	refused(&j, CS_E_TPM_QUORUM, "1 of 2");
	/* a statement without a vote is none for the chip */
	approve(&j, RS_BOB, false);
	refused(&j, CS_E_TPM_QUORUM, "1 of 2");
	job_done(&j);
	/* sessions of other domains than those it needs */
	file_update(env, len, &j);
	approve(&j, RS_ADMIN, false);
	one = (struct sessions){ .v = { j.v.v[0] }, .n = 1 };
	assert_int_equal(sessions_put(&b, &one), 0);
	free(j.sessions);
	j.sessions_len = b.len;
	j.sessions = take_ptr(b.p);
	memcpy(j.nonce, one.v[0].nonce, 32);
	j.v = one;
	j.n = 0;
	approve(&j, RS_ADMIN, false);
	refused(&j, CS_E_SIGNER_JOB, "1");
	job_done(&j);
	/* both sessions, each for the other domain */
	file_update(env, len, &j);
	one = j.v;
	memcpy(one.v[0].domain, j.v.v[1].domain, sizeof(one.v[0].domain));
	memcpy(one.v[1].domain, j.v.v[0].domain, sizeof(one.v[1].domain));
	b = (struct buf)BUF_INIT(65536);
	assert_int_equal(sessions_put(&b, &one), 0);
	memcpy(j.sessions, b.p, b.len);
	buf_done(&b);
	approve(&j, RS_ADMIN, false);
	refused(&j, CS_E_SIGNER_JOB, "a session for");
	job_done(&j);
	/* a policy that does not follow the one in force */
	fork = next_policy(2, other, 3, &fork_len);
	file_update(fork, fork_len, &j);
	approve(&j, RS_ADMIN, false);
	approve(&j, RS_ALICE, true);
	approve(&j, RS_BOB, true);
	refused(&j, CS_E_CHANGE_FORK, "");
	job_done(&j);
	/* the document is another one, or none */
	file_update(env, len, &j);
	approve(&j, RS_ADMIN, false);
	j.doc = fork;
	j.doc_len = fork_len;
	refused(&j, CS_E_CHANGE_DOCUMENT, "");
	j.doc = NULL;
	refused(&j, CS_E_CHANGE_EVIDENCE, "0 there");
	job_done(&j);
}

/* Signatures are not changes, and the other way about. */
static void
out_of_turn(void **state)
{
	struct change_new note = { .action = CHANGE_NOTE };
	struct rs_request q = { .req = NULL };
	struct change_job j;
	struct rs_signer g;
	struct rs_job s;
	struct diag d = { 0 };
	uint32_t n;

	(void)state;
	file_change(&note, NULL, 0, &j);
	approve(&j, RS_ADMIN, false);
	/* it may be made, but not here; nor is it signed */
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(preflight(&g, &j, &d), 0);
	assert_int_equal(ipc_send(g.sock, SIGNER_CHANGE, NULL, 0, -1), 0);
	assert_int_not_equal(rig_wait(g.pid), 0);
	close_fdp(&g.sock);
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(preflight(&g, &j, &d), 0);
	assert_int_equal(rs_sign(NULL, &g, &n, &d), CS_E_IPC);
	assert_int_not_equal(rs_end(&g), 0);
	job_done(&j);

	rs_request(&rs, &rs.keys[2], 1, HASH_BIT(HASH_SHA256), RS_CI, &q);
	rs_job(&rs, &q, &s);
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_preflight(&g, &s, &n, &d), 0);
	assert_int_equal(ipc_send(g.sock, SIGNER_CHANGE, NULL, 0, -1), 0);
	assert_int_not_equal(rig_wait(g.pid), 0);
	close_fdp(&g.sock);
	rs_job_done(&s);
	rs_request_done(&q);
}

/* --- keys --------------------------------------------------------------- */

static int
generate(enum key_alg alg, const char *id, struct made *ret, struct diag *d)
{
	struct change_new n = { .action = CHANGE_KEY_GENERATE,
		.key = id,
		.domain = "boot",
		.alg = alg };
	struct change_job j;
	int r;

	file_change(&n, NULL, 0, &j);
	assert_int_equal(j.v.n, 1);
	approve(&j, RS_ADMIN, false);
	approve(&j, RS_ALICE, true);
	approve(&j, RS_CAROL, true);
	r = make(&j, ret, d);
	job_done(&j);
	return r;
}

static void
key_generate(void **state)
{
	static struct made a, b;
	_cleanup_pubkey_ struct pubkey *k = NULL;
	const unsigned char *p = a.csr;
	struct diag d = { 0 };
	X509_REQ *x;

	(void)state;
	if (generate(KEY_P384, "fw-next", &a, &d) != 0)
		fail_msg("%s: %s", err_id(d.code), d.found);
	assert_int_equal(a.generation, 0);
	assert_non_null(strstr(a.uri, "token=coldseal-boot;object=fw-next;"));
	assert_int_equal(pubkey_from_spki(a.spki, a.spki_len, &k, NULL), 0);
	assert_true(pubkey_fits(k, KEY_P384));
	x = d2i_X509_REQ(NULL, &p, (long)a.csr_len);
	assert_non_null(x);
	assert_int_equal(X509_REQ_verify(x, k->pkey), 1);
	X509_REQ_free(x);
	/* what a ceremony that was cut short made is taken again */
	assert_int_equal(generate(KEY_P384, "fw-next", &b, &d), 0);
	assert_string_equal(a.uri, b.uri);
	assert_int_equal(a.spki_len, b.spki_len);
	assert_memory_equal(a.spki, b.spki, a.spki_len);
	/* but not as a key of another kind */
	assert_int_equal(generate(KEY_P256, "fw-next", &b, &d),
	    CS_E_HSM_KEY_MISMATCH);
	/* Ed25519 is not for X.509 */
	assert_int_equal(generate(KEY_ED25519, "fw-ed", &b, &d), 0);
	assert_int_equal(b.csr_len, 0);
}

static void
key_destroy_active(void **state)
{
	struct change_new n = { .action = CHANGE_KEY_DESTROY,
		.key = "fw-p256" };
	struct change_job j;

	(void)state;
	file_change(&n, NULL, 0, &j);
	approve(&j, RS_ADMIN, false);
	approve(&j, RS_ALICE, true);
	approve(&j, RS_BOB, true);
	refused(&j, CS_E_CHANGE_KEY_STATE, "active");
	job_done(&j);
}

/* --- the update itself, last: it changes the appliance -------------------- */

static void
move(const char *from, const char *to)
{
	char a[RIG_PATH], b[RIG_PATH];

	rig_path(&rs.rig, from, a);
	rig_path(&rs.rig, to, b);
	assert_int_equal(rename(a, b), 0);
}

static bool
there(const char *name)
{
	char path[RIG_PATH];

	rig_path(&rs.rig, name, path);
	return access(path, F_OK) == 0;
}

static void
copy(const char *from, const char *to)
{
	_cleanup_free_ uint8_t *data = NULL;
	char path[RIG_PATH];
	size_t len;

	rig_path(&rs.rig, from, path);
	assert_int_equal(file_read(AT_FDCWD, path, 65536, &data, &len, NULL),
	    0);
	rig_write(&rs.rig, to, data, len, path);
}

static uint64_t
state_of_generation(void)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct rs_signer g;
	struct diag d = { 0 };
	struct rd rd;
	uint64_t v = 0;

	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_ask(&g, SIGNER_STATE, NULL, -1, SIGNER_STATE_R, &m,
			     &d),
	    0);
	(void)rs_end(&g);
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	rd.p += 36 + 8;
	rd.left -= 36 + 8;
	assert_int_equal(rd_u64(&rd, &v), 0);
	return v;
}

/* Signing under the policy in force, by alice, bob and, if asked, carol. */
static int
sign(bool carol, struct diag *d)
{
	struct rs_request q = { .req = NULL };
	struct rs_signer g;
	struct rs_job j;
	uint32_t n = 0;
	size_t len;
	int r;

	rs_request(&rs, &rs.keys[2], 1, HASH_BIT(HASH_SHA256), RS_CI, &q);
	rs_job(&rs, &q, &j);
	if (carol) {
		char *a = rs_approval(&rs, rs.policy, &q, RS_CAROL, true,
		    j.nonce, &len);

		rs_job_add(&j, a, len);
		rs_job_vote(&rs, &j, RS_CAROL);
	}
	rs_start(&rs, NULL, NULL, &g);
	r = rs_preflight(&g, &j, &n, d);
	if (r == 0)
		r = rs_sign(NULL, &g, &n, d);
	(void)rs_end(&g);
	rs_job_done(&j);
	rs_request_done(&q);
	return r;
}

static void
update(void **state)
{
	const uint64_t before = state_of_generation();
	struct policy *old = rs.policy;
	char *old_envelope = rs.envelope;
	size_t old_len = rs.envelope_len, len;
	static struct made m;
	struct change_job j;
	struct diag d = { 0 };
	char *env;

	(void)state;
	copy("state/sealed/release.seal", "old.seal");
	env = next_policy(2, rs.policy->digest, 3, &len);
	file_update(env, len, &j);
	assert_int_equal(j.v.n, 2);
	approve(&j, RS_ADMIN, false);
	approve(&j, RS_ALICE, true);
	approve(&j, RS_BOB, true);
	/* a file that an earlier try left behind is of no account */
	copy("state/sealed/release.seal", "state/sealed/release.seal.new");
	if (make(&j, &m, &d) != 0)
		fail_msg("%s: %s", err_id(d.code), d.found);
	job_done(&j);
	assert_int_equal(m.generation, before + 1);
	assert_int_equal(m.spki_len, 0);
	assert_false(there("state/sealed/release.seal.new"));
	assert_false(there("state/sealed/boot.seal.new"));
	assert_false(there("state/sealed/audit.seal.new"));

	/* the old policy opens nothing, with its own seal neither */
	assert_int_equal(sign(false, &d), CS_E_SIGNER_POLICY);
	copy("state/sealed/release.seal", "new.seal");
	copy("old.seal", "state/sealed/release.seal");
	assert_int_equal(sign(false, &d), CS_E_TPM_GENERATION);
	copy("new.seal", "state/sealed/release.seal");

	/* the new one wants three, and gets them */
	rs.envelope = env;
	rs.envelope_len = len;
	rs.policy = rs_parse_policy(env, len);
	assert_int_equal(sign(false, &d), CS_E_QUORUM);
	if (sign(true, &d) != 0)
		fail_msg("%s: %s", err_id(d.code), d.found);
	policy_free(&old);
	free(old_envelope);
	(void)old_len;
}

/* What a kill left: renamed at the start if it is of the TPM's generation. */
static void
promote(void **state)
{
	struct diag d = { 0 };

	(void)state;
	move("state/sealed/release.seal", "state/sealed/release.seal.new");
	copy("old.seal", "state/sealed/boot.seal.new");
	(void)state_of_generation();
	assert_true(there("state/sealed/release.seal"));
	assert_false(there("state/sealed/release.seal.new"));
	assert_true(there("state/sealed/boot.seal.new"));
	assert_int_equal(sign(true, &d), 0);
}

static int
group_setup(void **state)
{
	(void)state;
	rs_init(&rs, true);
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	rs_done(&rs);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(update_refused),
		cmocka_unit_test(update_uncountable),
		cmocka_unit_test(out_of_turn),
		cmocka_unit_test(key_generate),
		cmocka_unit_test(key_destroy_active),
		cmocka_unit_test(update),
		cmocka_unit_test(promote),
	};

	return cmocka_run_group_tests_name("signer_change", tests, group_setup,
	    group_teardown);
}
