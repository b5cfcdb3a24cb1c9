/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SIGNER_H
#define CS_SIGNER_H

#include "hsm/p11.h"
#include "lib/evaluate.h"
#include "lib/ipc.h"
#include "lib/proto_signer.h"
#include "lib/sessions.h"
#include "tpm/tpm.h"

/*
 * The signer's parts share this.  Handlers answer one message each: 0 if
 * they sent their answer, CS_E_IPC if the core broke the protocol (the
 * process ends), any other code with *d filled (SIGNER_FAIL is sent).
 */
struct signer_job;
#define SIGNER_APPROVALS_MAX 256u
#define SIGNER_EVIDENCE_MAX 10000u

/* One question to the TPM for a PIN, and its answer (signer_unseal.c). */
struct signer_attempt {
	char domain[48];
	uint32_t approvers;		/* whose votes were counted */
	bool ceremony;			/* nonce is that of its session */
	uint8_t nonce[QUORUM_NONCE_LEN];
	bool lockout;			/* the TPM said what follows */
	uint32_t lockout_before, lockout_after, lockout_max;
	struct diag why;		/* code 0: the PIN came out */
};

struct signer_audit {
	bool tried, ready;		/* the PIN is spent once */
	struct signer_attempt attempt;
	struct p11_session *session;
	struct p11_key *checkpoint, *record;
	struct pubkey *checkpoint_pub, *record_pub;
	uint8_t *log_key;		/* sealed/log.key: the TPM's part */
	size_t log_key_len;
	bool signed_one;		/* a checkpoint, of this size and root */
	uint64_t size;
	uint8_t root[32];
};

/* An HSM's own log (signer_log.c); the command line's words, three each. */
#define SIGNER_LOGS_MAX 4u
#define SIGNER_LOG_ARGS 3u
struct token_log_dev;
struct signer_log {
	const char *domain;
	struct token_log_dev *dev;
};

struct signer {
	int sock, sealed_fd;
	const char *origin;
	struct tpm *tpm;
	struct tpm_image *img;		/* of sealed/image.json */
	struct p11 *p11;
	struct signer_audit audit;
	struct signer_job *job;		/* passed the preflight */
	struct signer_log logs[SIGNER_LOGS_MAX];
	size_t nlogs;
};

/* One PIN that a job needs: whose, and what the TPM is told for it. */
struct signer_part {
	const struct policy_domain *domain;
	char label[TPM_LABEL_MAX + 1];	/* that it must be sealed under */
	struct tpm_saved session;	/* this ceremony's */
	struct tpm_vote votes[SIGNER_APPROVALS_MAX];
	uint8_t (*sigs)[SESSION_VOTE_MAX];	/* that they lie in */
	struct tpm_ballot ballot;
};

/* What was asked for and verified, and where its key is. */
struct signer_job {
	struct policy *policy;
	struct policy *next;		/* of a policy update */
	struct request *req;
	const struct policy_key *key;	/* NULL if it makes no signature */
	struct p11_uri uri;
	int64_t now;
	struct signer_part *parts;	/* in the order of its sessions */
	size_t nparts;
};

/* signer_audit.c */
int signer_checkpoint(struct signer *s, struct ipc_msg *m, struct diag *d)
    CS_WUR;
int signer_record(struct signer *s, struct ipc_msg *m, struct diag *d) CS_WUR;
int signer_open(struct signer *s, struct ipc_msg *m, struct diag *d) CS_WUR;
/* signed by the audit token and the TPM, and of this log */
int signer_check_note(struct signer *s, const uint8_t *note, size_t len,
    struct diag *d) CS_WUR;
void signer_audit_done(struct signer_audit *a);

/* signer_attest.c */
int signer_attest(struct signer *s, struct ipc_msg *m, struct diag *d) CS_WUR;

/* signer_job.c */
int signer_preflight(struct signer *s, struct ipc_msg *m, struct diag *d)
    CS_WUR;
void signer_job_free(struct signer_job **j);

/* signer_sign.c */
int signer_sign(struct signer *s, struct ipc_msg *m, struct diag *d) CS_WUR;

/* signer_reseal.c: every PIN under the next policy and generation */
int signer_reseal(struct signer *s, uint64_t *ret_generation, struct diag *d)
    CS_WUR;
/* At the start: finishes what a reseal left behind */
int signer_promote(struct signer *s, struct diag *d) CS_WUR;

/* signer_keys.c */
struct signer_made {
	char uri[160];
	struct pubkey *pub;
	uint8_t *csr, *attestation;	/* NULL: none */
	size_t csr_len, attestation_len;
	bool restricted;
};
int signer_key_generate(struct signer *s, struct signer_made *ret,
    struct diag *d) CS_WUR;
int signer_key_destroy(struct signer *s, struct diag *d) CS_WUR;

/* signer_change.c */
int signer_change(struct signer *s, struct ipc_msg *m, struct diag *d) CS_WUR;

/* signer_seal.c */
/* sealed/<domain>.seal, which says that it is for label; free(*ret) */
int signer_read_seal(const struct signer *s, const char *domain,
    const char *label, uint8_t **ret, size_t *ret_len, struct diag *d) CS_WUR;
/* One unseal, one login.  ballot: NULL for the audit token */
struct signer_door {
	const char *domain, *label, *token;
	const struct tpm_ballot *ballot;
	bool writable;
	struct signer_attempt *attempt;	/* NULL: the core is told of it */
};
/* *ret_pin may be NULL: then it is wiped */
int signer_login(struct signer *s, const struct signer_door *door,
    struct p11_session **ret, struct secret **ret_pin, struct diag *d) CS_WUR;
int signer_login_part(struct signer *s, const struct signer_part *x,
    bool writable, struct p11_session **ret, struct secret **ret_pin,
    struct diag *d) CS_WUR;
int signer_image(struct signer *s, struct diag *d) CS_WUR;

/* signer_unseal.c: CS_E_IPC if the core cannot be told */
int signer_unseal(struct signer *s, const struct signer_door *door,
    const uint8_t *blob, size_t len, struct secret **ret, struct diag *d)
    CS_WUR;
/* Without asking for the PIN; the core is told of what would be refused. */
int signer_unseal_check(struct signer *s, const struct signer_part *x,
    const uint8_t *blob, size_t len, struct diag *d) CS_WUR;
int signer_attempt_put(struct buf *b, const struct signer_attempt *a) CS_WUR;

/* signer_log.c; a domain without a log is no error, and nothing is done */
int signer_logs_open(struct signer *s, char **argv, size_t argc,
    struct diag *d) CS_WUR;
void signer_logs_close(struct signer *s);
int signer_log_login(struct signer *s, const char *domain, struct secret *pin,
    struct diag *d) CS_WUR;
/* Is there room for so many uses of a key?  CS_E_HSM_LOG_FULL */
int signer_log_check(struct signer *s, const char *domain, size_t uses,
    struct diag *d) CS_WUR;
/*
 * To the core, with the uses that this session made; key NULL: not known.  A
 * log that cannot be read is told too.  0 or CS_E_IPC
 */
int signer_log_drain(struct signer *s, const char *domain,
    const struct p11_uri *key, const struct p11_session *session) CS_WUR;
int signer_log_taken(struct signer *s, struct ipc_msg *m, struct diag *d)
    CS_WUR;
int signer_log_room(struct signer *s, struct ipc_msg *m, struct diag *d)
    CS_WUR;

/* signer_tpm.c */
int signer_clock(struct signer *s, struct ipc_msg *m, struct diag *d) CS_WUR;
int signer_session(struct signer *s, struct ipc_msg *m, struct diag *d) CS_WUR;
int signer_state(struct signer *s, struct ipc_msg *m, struct diag *d) CS_WUR;
int signer_count(struct signer *s, struct ipc_msg *m, struct diag *d) CS_WUR;
int signer_anchor(struct signer *s, struct ipc_msg *m, struct diag *d) CS_WUR;
int signer_no_body(const struct ipc_msg *m) CS_WUR;

#endif
