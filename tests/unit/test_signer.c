/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/file.h"
#include "lib/hex.h"
#include "lib/note.h"
#include "tests/lib/rig_signer.h"

#define ALL_HASHES \
	(HASH_BIT(HASH_SHA256) | HASH_BIT(HASH_SHA384) | HASH_BIT(HASH_SHA512))

static struct rs rs;

static struct rig_key *
key(const char *id)
{
	size_t i;

	for (i = 0; i < RS_KEYS; i++)
		if (strcmp(rs.keys[i].id, id) == 0)
			return &rs.keys[i];
	fail_msg("no key %s", id);
	return NULL;
}

/* Runs a shell line in the rig's folder, as an auditor would type it. */
static void
shell(const char *line)
{
	_cleanup_output_ struct rig_output o = { 0 };
	char text[2048];
	const char *argv[] = { "sh", "-c", text, NULL };

	(void)snprintf(text, sizeof(text), "cd '%s' && %s", rs.rig.dir, line);
	rig_run(&rs.rig, argv, NULL, &o);
	if (o.status != 0)
		fail_msg("%s: %d\n%s%s", line, o.status, o.out, o.err);
}

static const struct {
	const char *key, *verify;
} stock[] = {
	{ "fw-rsa",
	    "openssl dgst -sha256 -verify state/enrol/keys/fw-rsa.pem"
	    " -signature sig-$i artifact-$i" },
	{ "fw-pss",
	    "openssl dgst -sha256 -verify state/enrol/keys/fw-pss.pem"
	    " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32"
	    " -signature sig-$i artifact-$i" },
	{ "fw-p256",
	    "openssl dgst -sha256"
	    " -verify state/enrol/keys/fw-p256.pem"
	    " -signature sig-$i artifact-$i" },
	{ "fw-p384",
	    "openssl dgst -sha384"
	    " -verify state/enrol/keys/fw-p384.pem"
	    " -signature sig-$i artifact-$i" },
	{ "fw-ed25519",
	    "openssl dgst -sha512 -binary -out d artifact-$i &&"
	    " openssl pkeyutl -verify -pubin"
	    " -inkey state/enrol/keys/fw-ed25519.pem -rawin -in d"
	    " -sigfile sig-$i" },
	{ "fw-cms",
	    "openssl cms -verify -binary -inform DER -in sig-$i"
	    " -content artifact-$i -purpose any -out /dev/null"
	    " -CAfile state/enrol/certs/fw-cms.pem" },
};

static void
sign_with_each_key(void **state)
{
	char line[1024];
	size_t k;

	(void)state;
	for (k = 0; k < ARRAY_LEN(stock); k++) {
		struct rs_request q = { 0 };
		struct rs_signer g;
		struct rs_job j;
		struct diag d = { 0 };
		uint32_t n = 0;

		rs_request(&rs, key(stock[k].key), 3, ALL_HASHES, RS_CI, &q);
		rs_job(&rs, &q, &j);
		rs_start(&rs, NULL, NULL, &g);
		if (rs_preflight(&g, &j, &n, &d) != 0)
			fail_msg("%s: %s: %s", stock[k].key, err_id(d.code),
			    d.found);
		assert_int_equal(n, 3);
		if (rs_sign(&rs, &g, &n, &d) != 0)
			fail_msg("%s: %s: %s", stock[k].key, err_id(d.code),
			    d.found);
		assert_int_equal(n, 3);
		assert_int_equal(ipc_send(g.sock, SIGNER_BYE, NULL, 0, -1), 0);
		assert_int_equal(rs_end(&g), 0);
		(void)snprintf(line, sizeof(line),
		    "for i in 0 1 2; do %s || exit 1; done", stock[k].verify);
		shell(line);
		rs_job_done(&j);
		rs_request_done(&q);
	}
}

/* A job for fw-p256 that the signer must refuse in its preflight. */
static void
refused(struct rs_job *j, int code, const char *found)
{
	struct rs_signer g;
	struct diag d = { 0 };
	uint32_t n;

	rs_start(&rs, NULL, NULL, &g);
	assert_string_equal(err_id(rs_preflight(&g, j, &n, &d)), err_id(code));
	if (strstr(d.found, found) == NULL)
		fail_msg("found \"%s\", not \"%s\"", d.found, found);
	/* and there is nothing to sign: out of turn, it leaves */
	assert_int_equal(rs_sign(NULL, &g, &n, &d), CS_E_IPC);
	assert_int_not_equal(rs_end(&g), 0);
}

static void
start_job(struct rs_request *q, struct rs_job *j)
{
	*q = (struct rs_request){ .req = NULL };
	rs_request(&rs, key("fw-p256"), 2, ALL_HASHES, RS_CI, q);
	rs_job(&rs, q, j);
}

static void
end_job(struct rs_request *q, struct rs_job *j)
{
	rs_job_done(j);
	rs_request_done(q);
}

static void
drop_last(struct rs_job *j)
{
	rs_job_drop(j);
}

static void
add(struct rs_job *j, const struct rs_request *q, enum rs_who who, bool approve)
{
	size_t len;
	char *a = rs_approval(&rs, rs.policy, q, who, approve, j->nonce, &len);

	rs_job_add(j, a, len);
	if (approve)
		rs_job_vote(&rs, j, who);
}

/* The core's word is worth nothing: the chip has not been asked by people. */
static void
votes_missing(void **state)
{
	struct rs_request q;
	struct rs_job j;

	(void)state;
	start_job(&q, &j);
	j.vote_lens[1] = 0;
	refused(&j, CS_E_TPM_QUORUM, "1 of 2");
	j.vote_lens[0] = 0;
	refused(&j, CS_E_TPM_QUORUM, "0 of 2");
	end_job(&q, &j);
	/* alice's vote once more as bob's */
	start_job(&q, &j);
	free(j.votes[1]);
	j.votes[1] = tpm_rig_vote(&rs.people[RS_ALICE], j.nonce, j.domain,
	    &j.vote_lens[1]);
	refused(&j, CS_E_TPM_QUORUM, "another by bob");
	end_job(&q, &j);
	/* a vote for another domain */
	start_job(&q, &j);
	free(j.votes[1]);
	j.votes[1] =
	    tpm_rig_vote(&rs.people[RS_BOB], j.nonce, "boot", &j.vote_lens[1]);
	refused(&j, CS_E_TPM_QUORUM, "another by bob");
	end_job(&q, &j);
}

static void
shorten_context(struct rs_job *j)
{
	struct buf b = BUF_INIT(IPC_MAX);
	struct sessions v;

	assert_int_equal(sessions_get(j->sessions, j->sessions_len, &v, NULL),
	    0);
	v.v[0].context_len = 7;
	assert_int_equal(sessions_put(&b, &v), 0);
	memcpy(j->sessions, b.p, b.len);
	j->sessions_len = b.len;
	buf_done(&b);
}

/* One session, one signing: approvals cannot be used again. */
static void
session_used_up(void **state)
{
	struct rs_request q;
	struct rs_signer g;
	struct rs_job j;
	struct diag d = { 0 };
	uint32_t n;

	(void)state;
	start_job(&q, &j);
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), 0);
	assert_int_equal(rs_sign(NULL, &g, &n, &d), 0);
	(void)rs_end(&g);
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), 0);
	assert_int_equal(rs_sign(NULL, &g, &n, &d), CS_E_TPM_SESSION);
	(void)rs_end(&g);
	end_job(&q, &j);
	/* nor is a session believed that is none */
	start_job(&q, &j);
	shorten_context(&j);
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), 0);
	assert_int_equal(rs_sign(NULL, &g, &n, &d), CS_E_TPM_SESSION);
	(void)rs_end(&g);
	end_job(&q, &j);
}

static void
quorum_short(void **state)
{
	struct rs_request q;
	struct rs_job j;

	(void)state;
	start_job(&q, &j);
	drop_last(&j);
	refused(&j, CS_E_QUORUM, "1 of 2");
	add(&j, &q, RS_ALICE, true); /* the same person again */
	refused(&j, CS_E_QUORUM, "APPROVAL-SAME-KEY");
	drop_last(&j);
	add(&j, &q, RS_STRANGER, true); /* not in the policy */
	refused(&j, CS_E_QUORUM, "APPROVAL-SIGNATURE");
	drop_last(&j);
	add(&j, &q, RS_ADMIN, true); /* not an approver */
	refused(&j, CS_E_QUORUM, "APPROVAL-ROLE");
	drop_last(&j);
	drop_last(&j);
	refused(&j, CS_E_QUORUM, "0 of 2");
	end_job(&q, &j);
}

/* Two are enough, but one who may approve said no. */
static void
rejection(void **state)
{
	struct rs_request q;
	struct rs_job j;

	(void)state;
	start_job(&q, &j);
	add(&j, &q, RS_CAROL, false);
	refused(&j, CS_E_APPROVAL_REJECTED, "carol");
	end_job(&q, &j);
}

static void
tampered_approval(void **state)
{
	struct rs_request q;
	struct rs_job j;
	char *p;

	(void)state;
	start_job(&q, &j);
	p = strstr(j.approvals[1], "\"payload\":\"");
	assert_non_null(p);
	p += 211;
	*p = *p == 'A' ? 'B' : 'A';
	refused(&j, CS_E_QUORUM, "1 of 2");
	end_job(&q, &j);
}

static void
wrong_nonce(void **state)
{
	struct rs_request q;
	struct rs_job j;

	(void)state;
	start_job(&q, &j);
	rs_session(&rs, &j); /* another one than people signed for */
	refused(&j, CS_E_QUORUM, "APPROVAL-NONCE");
	end_job(&q, &j);
}

static void
wrong_requester(void **state)
{
	struct rs_request q = { .req = NULL };
	struct rs_job j;

	(void)state;
	rs_request(&rs, key("fw-p256"), 2, ALL_HASHES, RS_STRANGER, &q);
	rs_job(&rs, &q, &j);
	refused(&j, CS_E_REQ_SIGNATURE, "");
	end_job(&q, &j);
	q = (struct rs_request){ .req = NULL };
	rs_request(&rs, key("fw-p256"), 2, ALL_HASHES, RS_ALICE, &q);
	rs_job(&rs, &q, &j);
	refused(&j, CS_E_REQ_REQUESTER, "");
	end_job(&q, &j);
}

/* R6 */
static void
digest_missing(void **state)
{
	struct rs_request q = { .req = NULL };
	struct rs_job j;

	(void)state;
	rs_request(&rs, key("fw-p384"), 1, HASH_BIT(HASH_SHA256), RS_CI, &q);
	rs_job(&rs, &q, &j);
	refused(&j, CS_E_REQ_DIGEST, "");
	end_job(&q, &j);
}

static void
policy_of_another_appliance(void **state)
{
	_cleanup_free_ char *env = NULL;
	struct rs_request q;
	struct rs_job j;

	(void)state;
	start_job(&q, &j);
	env = rs_policy(&rs, "unit", 2, true, "coldseal.example/other",
	    &j.policy_len);
	j.policy = env;
	refused(&j, CS_E_SIGNER_ORIGIN, "coldseal.example/other");
	end_job(&q, &j);
}

/* Another policy, all valid in itself, asks for one approval only. */
static void
other_policy(struct rs_request *q, struct rs_job *j, char **env,
    struct policy **p)
{
	static const enum rs_who who[] = { RS_ALICE, RS_BOB };
	size_t len, i;
	char *a;

	*q = (struct rs_request){ .req = NULL };
	*env = rs_policy(&rs, "other", 1, true, RS_ORIGIN, &len);
	*p = rs_parse_policy(*env, len);
	rs_request(&rs, key("fw-p256"), 1, ALL_HASHES, RS_CI, q);
	rs_job(&rs, q, j);
	drop_last(j);
	drop_last(j);
	j->policy = *env;
	j->policy_len = len;
	for (i = 0; i < ARRAY_LEN(who); i++) {
		a = rs_approval(&rs, *p, q, who[i], true, j->nonce, &len);
		rs_job_add(j, a, len);
		rs_job_vote(&rs, j, who[i]);
	}
}

/* What the core lets through: the signer looks at the gates by itself. */
static void
refused_by_gate(int code, const char *found)
{
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_free_ char *env = NULL;
	struct rs_request q;
	struct rs_job j;

	other_policy(&q, &j, &env, &p);
	rs.rule_more = rs.more = NULL;
	refused(&j, code, found);
	end_job(&q, &j);
}

static void
evidence_missing(void **state)
{
	(void)state;
	rs.rule_more = "{\"evidence\":[{\"type\":\"vulns\",\"signers\":"
		       "[\"requester\"],\"denied\":[\"critical\"]}]}";
	refused_by_gate(CS_E_EVIDENCE_MISSING, "");
}

static void
window_closed(void **state)
{
	(void)state;
	rs.rule_more = "{\"windows\":[{\"from\":\"2026-01-01T00:00:00Z\","
		       "\"until\":\"2026-01-02T00:00:00Z\"}]}";
	refused_by_gate(CS_E_RULE_WINDOW, "");
}

static void
review_overdue(void **state)
{
	(void)state;
	rs.more = "{\"review_by\":\"2026-01-02T00:00:00Z\"}";
	refused_by_gate(CS_E_POLICY_REVIEW, "");
}

static void
policy_not_sealed(void **state)
{
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_free_ char *env = NULL;
	struct rs_request q;
	struct rs_job j;

	(void)state;
	other_policy(&q, &j, &env, &p);
	refused(&j, CS_E_SIGNER_POLICY, "domain release policy ");
	end_job(&q, &j);
}

/* Who can write the disk renames the blob to the other policy's digest. */
static void
policy_label_forged(void **state)
{
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_free_ char *env = NULL;
	_cleanup_free_ uint8_t *blob = NULL;
	char dir[RIG_PATH], path[RIG_PATH], hex[65];
	struct rs_request q;
	struct rs_signer g;
	struct rs_job j;
	struct diag d = { 0 };
	uint32_t n = 0;
	uint8_t *at;
	size_t len;
	int r;

	(void)state;
	other_policy(&q, &j, &env, &p);
	shell("rm -rf forged && cp -r state/sealed forged");
	rig_path(&rs.rig, "forged", dir);
	rig_path(&rs.rig, "forged/release.seal", path);
	assert_int_equal(file_read(-100, path, 65536, &blob, &len, &d), 0);
	at = memmem(blob, len, "policy ", 7);
	assert_non_null(at);
	hex_encode(p->digest, 32, hex);
	memcpy(at + 7, hex, 64);
	rig_write(&rs.rig, "forged/release.seal", blob, len, path);
	/* the policy that asks for one: the chip still asks for two */
	j.vote_lens[1] = 0;
	rs_start(&rs, dir, NULL, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), CS_E_TPM_QUORUM);
	(void)rs_end(&g);
	rs_job_vote(&rs, &j, RS_BOB);
	rs_start(&rs, dir, NULL, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), 0);
	r = rs_sign(NULL, &g, &n, &d);
	assert_true(
	    r == CS_E_TPM_TAG || r == CS_E_TPM_LABEL || r == CS_E_TPM_OTHER);
	(void)rs_end(&g);
	end_job(&q, &j);
}

static void
token_absent(void **state)
{
	char conf[RIG_PATH];
	struct rs_request q;
	struct rs_signer g;
	struct rs_job j;
	struct diag d = { 0 };
	uint32_t n;

	(void)state;
	rig_softhsm(&rs.rig, "empty", conf);
	start_job(&q, &j);
	rs_start(&rs, NULL, conf, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), CS_E_HSM_TOKEN_ABSENT);
	(void)rs_end(&g);
	end_job(&q, &j);
}

/* A token of the right label is not enough. */
static void
key_absent(void **state)
{
	char conf[RIG_PATH];
	struct rs_request q;
	struct rs_signer g;
	struct rs_job j;
	struct diag d = { 0 };
	uint32_t n;

	(void)state;
	rig_softhsm(&rs.rig, "twin", conf);
	rig_token_add(&rs.rig, conf, "coldseal-release",
	    rs.people[RS_STRANGER].key, "1234");
	start_job(&q, &j);
	rs_start(&rs, NULL, conf, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), CS_E_HSM_KEY_ABSENT);
	(void)rs_end(&g);
	end_job(&q, &j);
}

static void
out_of_turn(void **state)
{
	struct rs_request q;
	struct rs_signer g;
	struct rs_job j;
	struct diag d = { 0 };
	uint32_t n;

	(void)state;
	start_job(&q, &j);
	/* signing twice */
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), 0);
	assert_int_equal(rs_sign(NULL, &g, &n, &d), 0);
	assert_int_equal(n, 2);
	assert_int_equal(rs_sign(NULL, &g, &n, &d), CS_E_IPC);
	assert_int_not_equal(rs_end(&g), 0);
	/* a second preflight */
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), 0);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), CS_E_IPC);
	assert_int_not_equal(rs_end(&g), 0);
	/* signing what was never shown */
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_sign(NULL, &g, &n, &d), CS_E_IPC);
	assert_int_not_equal(rs_end(&g), 0);
	/* an answer as a question; a body where none belongs */
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(ipc_send(g.sock, SIGNER_SIGN_R, NULL, 0, -1), 0);
	assert_int_not_equal(rig_wait(g.pid), 0);
	close_fdp(&g.sock);
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(ipc_send(g.sock, SIGNER_STATE, "x", 1, -1), 0);
	assert_int_not_equal(rig_wait(g.pid), 0);
	close_fdp(&g.sock);
	end_job(&q, &j);
}

static void
job_malformed(void **state)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_fd_ int fd = -1;
	struct rs_signer g;
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(memfd_sealed("job", "\0\0\0\1x", 5, &fd, &d), 0);
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_ask(&g, SIGNER_PREFLIGHT, NULL, fd,
			     SIGNER_PREFLIGHT_R, &m, &d),
	    CS_E_SIGNER_JOB);
	(void)rs_end(&g);
}

/* What the TPM says: clock, counters, anchor. */
static void
clock_and_state(void **state)
{
	_cleanup_msg_ struct ipc_msg c = IPC_MSG_INIT, a = IPC_MSG_INIT;
	_cleanup_msg_ struct ipc_msg n = IPC_MSG_INIT, b = IPC_MSG_INIT;
	struct rs_signer g;
	struct diag d = { 0 };

	(void)state;
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_ask(&g, SIGNER_CLOCK, NULL, -1, SIGNER_CLOCK_R, &c,
			     &d),
	    0);
	assert_int_equal(c.body.len, 17);
	assert_int_equal(rs_ask(&g, SIGNER_STATE, NULL, -1, SIGNER_STATE_R, &a,
			     &d),
	    0);
	assert_int_equal(a.body.len, 36 + 4 * 8);
	assert_int_equal(rs_ask(&g, SIGNER_COUNT, NULL, -1, SIGNER_COUNT_R, &n,
			     &d),
	    0);
	assert_int_equal(rs_ask(&g, SIGNER_STATE, NULL, -1, SIGNER_STATE_R, &b,
			     &d),
	    0);
	assert_memory_equal(a.body.p, b.body.p, 36);
	assert_int_equal(b.body.p[43], a.body.p[43] + 1);
	assert_memory_equal(n.body.p, b.body.p + 36, 8);
	(void)rs_end(&g);
}

static void
checkpoint_text(const char *origin, uint64_t size, uint8_t fill,
    char out[CHECKPOINT_TEXT_MAX])
{
	struct checkpoint c = { .size = size };

	(void)snprintf(c.origin, sizeof(c.origin), "%s", origin);
	memset(c.root, fill, sizeof(c.root));
	assert_int_equal(checkpoint_format(&c, out, NULL), 0);
}

/* The note with both lines, as the core assembles it; free() */
static char *
make_note(const struct rs_signer *g, const char *text, const uint8_t sig[64],
    struct note_vkeys *keys, size_t *ret_len)
{
	_cleanup_free_ uint8_t *vkeys = NULL;
	_cleanup_free_ char *one = NULL;
	char path[RIG_PATH], *note = NULL;
	struct diag d = { 0 };
	size_t len, one_len;

	rig_path(&rs.rig, "state/enrol/log.vkey", path);
	assert_int_equal(file_read(-100, path, 4096, &vkeys, &len, &d), 0);
	assert_int_equal(note_vkeys_parse((const char *)vkeys, len, keys, &d),
	    0);
	assert_int_equal(keys->n, 2);
	assert_int_equal(note_assemble(text, strlen(text), &keys->v[0], sig,
			     &one, &one_len, &d),
	    0);
	assert_int_equal(note_add(one, one_len, &keys->v[1], g->tpm_sig,
			     g->tpm_sig_len, &note, ret_len, &d),
	    0);
	return note;
}

/* As the connected side would: with both enrolled verifier keys. */
static void
check_note(const struct rs_signer *g, const char *text, const uint8_t sig[64])
{
	_cleanup_free_ char *note = NULL;
	struct note_vkeys keys;
	struct checkpoint c;
	struct diag d = { 0 };
	size_t len;

	note = make_note(g, text, sig, &keys, &len);
	assert_int_equal(note_verify(note, len, keys.v, keys.n, &c, &d), 0);
}

static void
checkpoints(void **state)
{
	char text[CHECKPOINT_TEXT_MAX], four[CHECKPOINT_TEXT_MAX + 8];
	struct rs_signer g;
	uint8_t sig[64];
	struct diag d = { 0 };

	(void)state;
	rs_start(&rs, NULL, NULL, &g);
	checkpoint_text("coldseal.example/other", 5, 1, text);
	assert_int_equal(rs_checkpoint(&g, text, sig, &d), CS_E_SIGNER_ORIGIN);
	checkpoint_text(RS_ORIGIN, 5, 1, text);
	if (rs_checkpoint(&g, text, sig, &d) != 0)
		fail_msg("%s: %s", err_id(d.code), d.found);
	check_note(&g, text, sig);
	(void)snprintf(four, sizeof(four), "%sext\n", text);
	assert_int_equal(rs_checkpoint(&g, four, sig, &d),
	    CS_E_NOTE_CHECKPOINT);
	checkpoint_text(RS_ORIGIN, 4, 1, text);
	assert_int_equal(rs_checkpoint(&g, text, sig, &d),
	    CS_E_SIGNER_CHECKPOINT);
	checkpoint_text(RS_ORIGIN, 5, 2, text);
	assert_int_equal(rs_checkpoint(&g, text, sig, &d),
	    CS_E_SIGNER_CHECKPOINT);
	checkpoint_text(RS_ORIGIN, 6, 2, text);
	assert_int_equal(rs_checkpoint(&g, text, sig, &d), 0);
	check_note(&g, text, sig);
	(void)rs_end(&g);
}

/* Only what the audit token signed goes into the anchor. */
static void
anchors(void **state)
{
	_cleanup_msg_ struct ipc_msg a = IPC_MSG_INIT, m = IPC_MSG_INIT;
	_cleanup_msg_ struct ipc_msg x = IPC_MSG_INIT, b = IPC_MSG_INIT;
	_cleanup_free_ char *note = NULL;
	struct buf body = BUF_INIT(8192);
	char text[CHECKPOINT_TEXT_MAX];
	struct note_vkeys k;
	struct rs_signer g;
	uint8_t sig[64], both[64];
	struct diag d = { 0 };
	size_t note_len;

	(void)state;
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_ask(&g, SIGNER_STATE, NULL, -1, SIGNER_STATE_R, &a,
			     &d),
	    0);
	checkpoint_text(RS_ORIGIN, 5, 1, text);
	assert_int_equal(rs_checkpoint(&g, text, sig, &d), 0);
	note = make_note(&g, text, sig, &k, &note_len);
	note[3] ^= 1;
	assert_int_equal(buf_put_str(&body, note, note_len), 0);
	assert_int_not_equal(rs_ask(&g, SIGNER_ANCHOR, &body, -1,
				 SIGNER_ANCHOR_R, &x, &d),
	    0);
	note[3] ^= 1;
	buf_reset(&body);
	assert_int_equal(buf_put_str(&body, note, note_len), 0);
	assert_int_equal(rs_ask(&g, SIGNER_ANCHOR, &body, -1, SIGNER_ANCHOR_R,
			     &m, &d),
	    0);
	assert_int_equal(rs_ask(&g, SIGNER_STATE, NULL, -1, SIGNER_STATE_R, &b,
			     &d),
	    0);
	memcpy(both, a.body.p + 4, 32);
	assert_int_equal(sha256(note, note_len, both + 32), 0);
	assert_int_equal(sha256(both, 64, both), 0);
	assert_memory_equal(b.body.p + 4, both, 32);
	buf_done(&body);
	(void)rs_end(&g);
}

static int
ask_record(struct rs_signer *g, const char *origin, char **ret_payload,
    size_t *ret_len, struct ipc_msg *m, struct diag *d)
{
	_cleanup_checks_ struct checks c = { 0 };
	_cleanup_fd_ int fd = -1;
	uint8_t digest[32] = { 1 };

	assert_int_equal(checks_add(&c, CS_E_POLICY_KEY, false, "a key",
			     "none"),
	    0);
	assert_int_equal(refusal_format("0123456789abcdef0123456789abcdef",
			     digest, &c, origin, time(NULL), ret_payload,
			     ret_len),
	    0);
	assert_int_equal(memfd_sealed("r", *ret_payload, *ret_len, &fd, d), 0);
	return rs_ask(g, SIGNER_RECORD, NULL, fd, SIGNER_RECORD_R, m, d);
}

static void
records(void **state)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT, bad = IPC_MSG_INIT;
	_cleanup_free_ char *payload = NULL, *other = NULL;
	_cleanup_free_ uint8_t *pem = NULL;
	_cleanup_pubkey_ struct pubkey *k = NULL;
	struct buf pae = BUF_INIT(1u << 20);
	char path[RIG_PATH];
	const uint8_t *sig, *id;
	size_t len, sig_len, id_len, pem_len;
	struct rs_signer g;
	struct diag d = { 0 };
	struct rd rd;

	(void)state;
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(ask_record(&g, "coldseal.example/other", &other, &len,
			     &bad, &d),
	    CS_E_SIGNER_ORIGIN);
	assert_int_equal(ask_record(&g, RS_ORIGIN, &payload, &len, &m, &d), 0);
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	assert_int_equal(rd_str(&rd, 512, &sig, &sig_len), 0);
	assert_int_equal(rd_str(&rd, 32, &id, &id_len), 0);
	assert_int_equal(rd_end(&rd), 0);
	rig_path(&rs.rig, "state/enrol/record.pem", path);
	assert_int_equal(file_read(-100, path, 4096, &pem, &pem_len, &d), 0);
	assert_int_equal(pubkey_from_pem((const char *)pem, pem_len, &k, &d),
	    0);
	assert_int_equal(id_len, 32);
	assert_memory_equal(id, k->id, 32);
	assert_int_equal(dsse_pae(payload, len, &pae), 0);
	assert_int_equal(pubkey_verify_message(k, pae.p, pae.len, sig, sig_len),
	    0);
	buf_done(&pae);
	(void)rs_end(&g);
}

/* A document of another kind is not signed by the audit key. */
static void
record_of_other_kind(void **state)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_dsse_ struct dsse *env = NULL;
	_cleanup_fd_ int fd = -1;
	struct rs_signer g;
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(dsse_parse(rs.envelope, rs.envelope_len, &env, &d), 0);
	assert_int_equal(memfd_sealed("r", env->payload, env->payload_len, &fd,
			     &d),
	    0);
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_ask(&g, SIGNER_RECORD, NULL, fd, SIGNER_RECORD_R,
			     &m, &d),
	    CS_E_STATEMENT_PREDICATE);
	(void)rs_end(&g);
}

/* The TPM counts nothing against its lockout: its objects have noDA. */
static void
told(const struct rs_signer *g, unsigned n, const char *domain,
    uint32_t approvers, int code)
{
	assert_int_equal(g->unseals, n);
	assert_string_equal(g->last.domain, domain);
	assert_int_equal(g->last.approvers, approvers);
	assert_int_equal(g->last.ceremony, approvers != 0);
	assert_int_equal(g->last.why.code, code);
	assert_true(g->last.lockout);
	assert_int_equal(g->last.after, g->last.before);
	assert_true(g->last.max > g->last.after);
}

/* What was asked of the TPM is told, with and without a quorum. */
static void
unseals_told(void **state)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct rs_unseal first, again;
	struct rs_request q;
	struct rs_signer g;
	struct rs_job j;
	struct diag d = { 0 };
	uint32_t n;

	(void)state;
	start_job(&q, &j);
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), 0);
	assert_int_equal(g.unseals, 0);
	assert_int_equal(rs_sign(&rs, &g, &n, &d), 0);
	told(&g, 1, "release", 2, 0);
	assert_int_equal(rs_ask(&g, SIGNER_OPEN, NULL, -1, SIGNER_OPEN_R, &m,
			     &d),
	    0);
	rs_unseal_read(&m, &first);
	assert_string_equal(first.domain, "audit");
	assert_false(first.ceremony);
	assert_int_equal(first.why.code, 0);
	/* opened once; the second answer is of the same attempt */
	assert_int_equal(rs_ask(&g, SIGNER_OPEN, NULL, -1, SIGNER_OPEN_R, &m,
			     &d),
	    0);
	rs_unseal_read(&m, &again);
	assert_memory_equal(&first, &again, sizeof(first));
	assert_int_equal(g.unseals, 1);
	(void)rs_end(&g);
	end_job(&q, &j);
}

/* Approvals without votes: the preflight finds it, the TPM is spared. */
static void
unseal_refused_early(void **state)
{
	struct rs_request q;
	struct rs_signer g;
	struct rs_job j;
	struct diag d = { 0 };
	uint32_t n;
	size_t i;

	(void)state;
	start_job(&q, &j);
	for (i = 1; i < j.n; i++) {
		free(j.votes[i]);
		j.votes[i] = NULL;
	}
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), CS_E_TPM_QUORUM);
	told(&g, 1, "release", 1, CS_E_TPM_QUORUM);
	(void)rs_end(&g);
	end_job(&q, &j);
}

/* As the core does: intent checkpoint, signing, record, checkpoint. */
static void
whole_ceremony(void **state)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_free_ char *payload = NULL;
	char text[CHECKPOINT_TEXT_MAX];
	struct rs_request q;
	struct rs_signer g;
	struct rs_job j;
	struct diag d = { 0 };
	uint8_t sig[64];
	uint32_t n;
	size_t len;

	(void)state;
	start_job(&q, &j);
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), 0);
	checkpoint_text(RS_ORIGIN, 7, 1, text);
	assert_int_equal(rs_checkpoint(&g, text, sig, &d), 0);
	assert_int_equal(rs_sign(&rs, &g, &n, &d), 0);
	assert_int_equal(ask_record(&g, RS_ORIGIN, &payload, &len, &m, &d), 0);
	checkpoint_text(RS_ORIGIN, 11, 3, text);
	assert_int_equal(rs_checkpoint(&g, text, sig, &d), 0);
	check_note(&g, text, sig);
	assert_int_equal(ipc_send(g.sock, SIGNER_BYE, NULL, 0, -1), 0);
	assert_int_equal(rs_end(&g), 0);
	end_job(&q, &j);
}

/* Another boot state: no PIN, neither for signing nor for the log. */
static void
pcr_changed(void **state)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	char text[CHECKPOINT_TEXT_MAX];
	struct rs_request q;
	struct rs_signer g;
	struct rs_job j;
	struct diag d = { 0 };
	uint8_t sig[64];
	uint32_t n;

	(void)state;
	shell(
	    "TPM2TOOLS_TCTI=swtpm:path=$PWD/tpm.sock tpm2_pcrextend 11:sha256="
	    "0000000000000000000000000000000000000000000000000000000000000001");
	start_job(&q, &j);
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), 0);
	assert_int_equal(g.unseals, 0);
	assert_int_equal(rs_sign(NULL, &g, &n, &d), CS_E_TPM_PCR);
	told(&g, 1, "release", 2, CS_E_TPM_PCR);
	assert_int_equal(rs_ask(&g, SIGNER_OPEN, NULL, -1, SIGNER_OPEN_R, &m,
			     &d),
	    CS_E_TPM_PCR);
	(void)rs_end(&g);
	rs_start(&rs, NULL, NULL, &g);
	checkpoint_text(RS_ORIGIN, 7, 1, text);
	assert_int_equal(rs_checkpoint(&g, text, sig, &d), CS_E_TPM_PCR);
	assert_int_equal(rs_checkpoint(&g, text, sig, &d), CS_E_SIGNER_AUDIT);
	(void)rs_end(&g);
	rig_swtpm_stop(&rs.rig);
	rig_swtpm_start(&rs.rig);
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_checkpoint(&g, text, sig, &d), 0);
	(void)rs_end(&g);
	end_job(&q, &j);
}

/* No TPM: the first question is answered with why. */
static void
no_tpm(void **state)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct rs_signer g;
	struct diag d = { 0 };

	(void)state;
	rig_swtpm_stop(&rs.rig);
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_ask(&g, SIGNER_CLOCK, NULL, -1, SIGNER_CLOCK_R, &m,
			     &d),
	    CS_E_TPM_CONNECT);
	assert_int_not_equal(rs_end(&g), 0);
	rig_swtpm_start(&rs.rig);
}

static int
setup(void **state)
{
	(void)state;
	rs_init(&rs, true);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rs_done(&rs);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sign_with_each_key),
		cmocka_unit_test(votes_missing),
		cmocka_unit_test(session_used_up),
		cmocka_unit_test(quorum_short),
		cmocka_unit_test(rejection),
		cmocka_unit_test(tampered_approval),
		cmocka_unit_test(wrong_nonce),
		cmocka_unit_test(wrong_requester),
		cmocka_unit_test(digest_missing),
		cmocka_unit_test(policy_of_another_appliance),
		cmocka_unit_test(evidence_missing),
		cmocka_unit_test(window_closed),
		cmocka_unit_test(review_overdue),
		cmocka_unit_test(policy_not_sealed),
		cmocka_unit_test(policy_label_forged),
		cmocka_unit_test(token_absent),
		cmocka_unit_test(key_absent),
		cmocka_unit_test(out_of_turn),
		cmocka_unit_test(job_malformed),
		cmocka_unit_test(clock_and_state),
		cmocka_unit_test(checkpoints),
		cmocka_unit_test(anchors),
		cmocka_unit_test(records),
		cmocka_unit_test(record_of_other_kind),
		cmocka_unit_test(unseals_told),
		cmocka_unit_test(unseal_refused_early),
		cmocka_unit_test(whole_ceremony),
		cmocka_unit_test(pcr_changed),
		cmocka_unit_test(no_tpm),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
