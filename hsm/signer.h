/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SIGNER_H
#define CS_SIGNER_H

#include "hsm/p11.h"
#include "lib/evaluate.h"
#include "lib/ipc.h"
#include "lib/proto_signer.h"
#include "tpm/tpm.h"

/*
 * The signer's parts share this.  Handlers answer one message each: 0 if
 * they sent their answer, CS_E_IPC if the core broke the protocol (the
 * process ends), any other code with *d filled (SIGNER_FAIL is sent).
 */
struct signer_job;
#define SIGNER_APPROVALS_MAX 256u
#define SIGNER_EVIDENCE_MAX 10000u

struct signer_audit {
	bool tried, ready;		/* the PIN is spent once */
	struct p11_session *session;
	struct p11_key *checkpoint, *record;
	struct pubkey *checkpoint_pub, *record_pub;
	uint8_t *log_key;		/* sealed/log.key: the TPM's part */
	size_t log_key_len;
	bool signed_one;		/* a checkpoint, of this size and root */
	uint64_t size;
	uint8_t root[32];
};

struct signer {
	int sock, sealed_fd;
	const char *origin;
	struct tpm *tpm;
	struct tpm_image *img;		/* of sealed/image.json */
	struct p11 *p11;
	struct signer_audit audit;
	struct signer_job *job;		/* passed the preflight */
};

/* What was asked for and verified, and where its key is. */
struct signer_job {
	struct policy *policy;
	struct request *req;
	const struct policy_key *key;
	const struct policy_domain *domain;
	struct p11_uri uri;
	char label[TPM_LABEL_MAX + 1];	/* that the PIN must be sealed under */
	int64_t now;
	/* what the TPM is told: this ceremony's session, and who approved */
	struct tpm_saved session;
	struct tpm_vote votes[SIGNER_APPROVALS_MAX];
	struct tpm_ballot ballot;
	uint8_t *bytes;			/* that votes and documents lie in */
};

/* signer_audit.c */
int signer_checkpoint(struct signer *s, struct ipc_msg *m, struct diag *d)
    CS_WUR;
int signer_record(struct signer *s, struct ipc_msg *m, struct diag *d) CS_WUR;
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

/* signer_seal.c */
/* sealed/<domain>.seal, which says that it is for label; free(*ret) */
int signer_read_seal(const struct signer *s, const char *domain,
    const char *label, uint8_t **ret, size_t *ret_len, struct diag *d) CS_WUR;
/* One unseal, one login.  ballot: NULL for the audit token */
int signer_login(struct signer *s, const char *domain, const char *label,
    const char *token, const struct tpm_ballot *ballot,
    struct p11_session **ret, struct diag *d) CS_WUR;
int signer_image(struct signer *s, struct diag *d) CS_WUR;

/* signer_tpm.c */
int signer_clock(struct signer *s, struct ipc_msg *m, struct diag *d) CS_WUR;
int signer_session(struct signer *s, struct ipc_msg *m, struct diag *d) CS_WUR;
int signer_state(struct signer *s, struct ipc_msg *m, struct diag *d) CS_WUR;
int signer_count(struct signer *s, struct ipc_msg *m, struct diag *d) CS_WUR;
int signer_anchor(struct signer *s, struct ipc_msg *m, struct diag *d) CS_WUR;
int signer_no_body(const struct ipc_msg *m) CS_WUR;

#endif
