/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_RIG_SIGNER_H
#define CS_RIG_SIGNER_H

#include "lib/evaluate.h"
#include "lib/ipc.h"
#include "lib/proto_signer.h"
#include "lib/sessions.h"
#include "tests/lib/rig.h"
#include "tests/lib/tpm_rig.h"

/* An appliance with keys of every kind and people, and a signer to drive. */
#define RS_ORIGIN	"coldseal.example/unit"
#define RS_PRODUCT	"router"
#define RS_KEYS		6u
#define RS_TIMEOUT	30000

enum rs_who { RS_CI, RS_ALICE, RS_BOB, RS_CAROL, RS_ADMIN, RS_STRANGER,
	RS_PEOPLE };

struct rs {
	struct rig rig;
	char state[RIG_PATH];
	struct rig_person people[RS_PEOPLE];
	struct rig_key keys[RS_KEYS];
	const char *token_prefix;	/* of rs_policy(), see rig.h */
	const char *rule_more, *more;	/* likewise */
	const char *const *signer_more;	/* words after MODULE, to NULL */
	char *envelope;			/* the policy in force */
	size_t envelope_len;
	struct policy *policy;
};
/* Provisions; policy: the genesis policy too. */
void rs_init(struct rs *s, bool policy);
void rs_done(struct rs *s);
/* A policy over the provisioned keys; name tells them apart. */
char *rs_policy(struct rs *s, const char *name, uint64_t threshold,
    bool rehearsal, const char *appliance, size_t *ret_len);
struct policy *rs_parse_policy(const char *envelope, size_t len);

/* Artifacts are files of the rig's folder, "artifact-0" .. */
struct rs_request {
	char *envelope;
	size_t len;
	struct request *req;
};
/* hashes: bits of HASH_BIT() that subjects get */
void rs_request(struct rs *s, const struct rig_key *k, size_t n,
    unsigned hashes, enum rs_who signer, struct rs_request *ret);
void rs_request_done(struct rs_request *r);
/* An envelope by one person for this policy and nonce; free() it. */
char *rs_approval(struct rs *s, const struct policy *p,
    const struct rs_request *q, enum rs_who who, bool approve,
    const uint8_t nonce[32], size_t *ret_len);

struct rs_job {
	const char *policy;
	size_t policy_len;
	const struct rs_request *request;
	uint8_t nonce[32];
	const char *domain;
	uint8_t *sessions;		/* the TPM's; rs_job_done() */
	size_t sessions_len;
	char *approvals[8];		/* freed by rs_job_done() */
	uint8_t *votes[8];		/* for the TPM; NULL: none */
	size_t lens[8], vote_lens[8], n;
};
/* a new TPM session and its nonce */
void rs_session(struct rs *s, struct rs_job *j);
void rs_job_drop(struct rs_job *j);	/* the last approval */
/* who votes too, for the approval that was added last */
void rs_job_vote(struct rs *s, struct rs_job *j, enum rs_who who);
void rs_job_done(struct rs_job *j);
/* The usual one: the policy in force, approvals by alice and bob. */
void rs_job(struct rs *s, const struct rs_request *q, struct rs_job *ret);
void rs_job_add(struct rs_job *j, char *approval, size_t len);

struct rs_unseal {
	char domain[48];
	uint32_t approvers, before, after, max;
	bool ceremony, lockout;
	struct diag why;
};
/* of SIGNER_UNSEALED and SIGNER_OPEN_R; dies if it is malformed */
void rs_unseal_read(const struct ipc_msg *m, struct rs_unseal *ret);

struct rs_signer {
	pid_t pid;
	int sock;
	uint8_t tpm_sig[128];		/* of the last checkpoint */
	size_t tpm_sig_len;
	/* of the last SIGNER_UNSEALED */
	struct rs_unseal last;
	unsigned unseals;		/* how many came */
	struct ipc_msg token_log;	/* the last SIGNER_TOKEN_LOG */
	unsigned token_logs;
};
/* sealed: folder, NULL for the state's own */
void rs_start(struct rs *s, const char *sealed, const char *hsm_conf,
    struct rs_signer *ret);
/* closes the socket; the exit status */
int rs_end(struct rs_signer *g);
/* 0 and the answer, or the code of SIGNER_FAIL; CS_E_IPC: it is gone */
int rs_ask(struct rs_signer *g, uint16_t type, const struct buf *body, int fd,
    uint16_t want, struct ipc_msg *ret, struct diag *d);
int rs_preflight(struct rs_signer *g, const struct rs_job *j,
    uint32_t *ret_n, struct diag *d);
/* signatures go to the rig's folder as "sig-0" ..; the code as above */
int rs_sign(struct rs *s, struct rs_signer *g, uint32_t *ret_n,
    struct diag *d);
int rs_checkpoint(struct rs_signer *g, const char *text, uint8_t sig[64],
    struct diag *d);

#endif
