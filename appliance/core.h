/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_CORE_H
#define CS_CORE_H

#include "appliance/ledger.h"
#include "lib/evidence.h"
#include "lib/evaluate.h"
#include "lib/ipc.h"
#include "lib/proto_console.h"
#include "lib/proto_signer.h"
#include "lib/sessions.h"

/*
 * The core: policy, quorum, ledger.  It has no PKCS#11, TPM, media or
 * terminal; it asks the supervisor for a helper and talks to that.
 */
#define CORE_SUP	3	/* supervisor */
#define CORE_CON	4	/* console */
#define CORE_STATE	5	/* state folder */
#define CORE_MAX_PORTS	16u
#define CORE_READY_S	60	/* how long a preflight stands */
#define CORE_HELPER_MS	120000	/* a helper that is silent longer is dead */

struct case_file;

struct signer_state {		/* what the TPM says of itself */
	uint8_t anchor[32];
	uint64_t count, generation, image_floor, image_version;
};

struct core {
	char *origin;
	bool rehearsal;
	char *ports[CORE_MAX_PORTS];
	size_t nports;
	struct ledger *ledger;
	struct policy *policy;
	int signer;		/* socket of this command's signer, or -1 */
	bool over;		/* shut down after this command */
	char *medium;		/* what the stick of this command is, or NULL */
	struct signing *ready;	/* preflighted when the quorum was reached */
	uint8_t log_key[32];	/* Ed25519 public key of the checkpoint */
	uint8_t anchor[32];	/* the TPM's, over all checkpoints so far */
	uint64_t nanchored;
	struct signer_state tpm;	/* as it was at the start */
};

/* --- console (core_io.c) --- */
int say(struct core *c, const char *fmt, ...) CS_WUR CS_PRINTF(2, 3);
/* the console draws it */
int say_qr(struct core *c, const char *text) CS_WUR;
int say_diag(struct core *c, const struct diag *d) CS_WUR;
int say_checks(struct core *c, const struct checks *ck, bool failed_only)
    CS_WUR;
/* CS_E_CONSOLE_GONE at the end of input; line holds 401 bytes */
int ask(struct core *c, const char *prompt, char line[401]) CS_WUR;
/* fd leads to the token helper; taken.  CS_E_CANCELLED if none was given */
int ask_pin(struct core *c, const char *prompt, int *fd) CS_WUR;
int show_progress(struct core *c, const char *what, uint64_t done,
    uint64_t total) CS_WUR;
/*
 * Text page by page: buffer lines, then page_show() prints 18 at a time and
 * asks for Enter between.  On a script's input the question takes a line.
 */
int page_show(struct core *c, const struct buf *text) CS_WUR;
/* The question alone */
int page_wait(struct core *c, bool *ret_stop) CS_WUR;

/*
 * The last checkpoint of the log before a recovery, for the first leaf
 * (core_former.c); *ret is NULL if this log is the appliance's first.
 */
int core_former_log(struct core *c, json_t **ret, struct diag *d) CS_WUR;

/*
 * --- the medium of a command (core_medium.c) ---
 * Shows what stick is in the port, before a helper gets it, and remembers it
 * for the log; the reason if it is refused.  Nothing for an image file, and
 * for a helper that needs no medium.
 */
int core_medium(struct core *c, enum sup_child which, const char *port,
    struct diag *d) CS_WUR;
/* at the start of a command */
void core_medium_forget(struct core *c);

/* --- helpers (core_io.c) --- */
int helper_spawn(struct core *c, enum sup_child which, const char *port,
    int *ret_sock, int *ret_pin_fd, struct diag *d) CS_WUR;
/*
 * Waits for one message; a FAIL of type fail_type becomes its diag, a dead
 * peer CS_E_IPC with who in the text.
 */
int helper_recv(int sock, uint16_t fail_type, const char *who,
    struct ipc_msg *ret, struct diag *d) CS_WUR;

/*
 * --- signer (core_signer.c): one process per console command; the one that
 * preflighted a complete quorum stays for the next command ---
 */
int signer_clock(struct core *c, struct ledger_clock *ret, struct diag *d)
    CS_WUR;
/*
 * One for each domain, or one for its nonce; keep: handles of other requests'
 * sessions.  *ret is read by sessions_get(); free(*ret)
 */
int signer_session(struct core *c, const struct domain_list *domains,
    const uint32_t *keep, uint32_t n, uint8_t **ret, size_t *ret_len,
    uint32_t *ret_seconds, struct diag *d) CS_WUR;
int signer_state(struct core *c, struct signer_state *ret, struct diag *d)
    CS_WUR;
/* one more boot or export */
int signer_count(struct core *c, uint64_t *ret, struct diag *d) CS_WUR;
int signer_anchor(struct core *c, const void *note, size_t len,
    struct diag *d) CS_WUR;
/* what the TPM says over a signed note; challenge: 32 bytes, or NULL */
int signer_attest(struct core *c, const void *note, size_t len,
    const uint8_t *challenge, char **ret, size_t *ret_len, struct diag *d)
    CS_WUR;
/* by the audit token's key, and by the TPM's: DER in *tpm_sig */
int signer_checkpoint_begin(struct core *c, const char *text,
    struct diag *d) CS_WUR;
int signer_checkpoint_end(struct core *c, uint8_t sig[64], struct buf *tpm_sig,
    struct diag *d) CS_WUR;
/*
 * The DSSE envelope of a record or refusal; free(*ret).  Something else may
 * be done between its two steps.
 */
int signer_record_begin(struct core *c, const char *payload, size_t len,
    struct diag *d) CS_WUR;
int signer_record_end(struct core *c, const char *payload, size_t len,
    char **ret, size_t *ret_len, struct diag *d) CS_WUR;
int signer_record(struct core *c, const char *payload, size_t len, char **ret,
    size_t *ret_len, struct diag *d) CS_WUR;
int signer_preflight(struct core *c, const struct buf *job, uint32_t *ret_n,
    struct diag *d) CS_WUR;
int signer_sign(struct core *c, uint32_t n,
    int (*cb)(void *arg, uint32_t i, const uint8_t *sig, size_t len), void *arg,
    struct diag *d) CS_WUR;
/* the preflighted change; signer_changed_done() */
struct signer_changed {
	uint64_t generation;	/* of a policy update, else 0 */
	char *uri;
	struct change_made made;	/* its bytes are owned */
};
int signer_change(struct core *c, struct signer_changed *ret, struct diag *d)
    CS_WUR;
void signer_changed_done(struct signer_changed *x);
void signer_end(struct core *c);
/* one that died at the prompt is forgotten */
void signer_check(struct core *c);

/* --- log (core_log.c) --- */
/* Appends with the TPM's clock and signs a checkpoint.  Takes ev[].data. */
int core_log(struct core *c, struct event *ev, size_t n, struct diag *d)
    CS_WUR;
int core_log_at(struct core *c, struct event *ev, size_t n,
    const struct ledger_clock *clock, int64_t now, struct diag *d) CS_WUR;
int core_checkpoint(struct core *c, struct diag *d) CS_WUR;
/* an event's data from a json_pack() result; NULL is out of memory */
int core_log_one(struct core *c, const char *type, json_t *data,
    struct diag *d) CS_WUR;
int64_t core_now(void);
/* seconds to add to the machine's clock from now on */
void core_clock_offset(int64_t seconds);
/*
 * The time that a request is judged at; CS_E_CLOCK_FLOOR, but not for one
 * that sets the clock.
 */
int core_time_of(struct core *c, const struct request *q, int64_t *ret,
    struct diag *d) CS_WUR;
/* CS_E_CLOCK_FLOOR if the clock is behind the last logged time */
int core_clock_check(int64_t now, int64_t floor, struct diag *d) CS_WUR;

/*
 * --- anchor (core_anchor.c) ---
 * At the start: the log and the TPM have seen the same checkpoints, or the
 * last one is given to the TPM now (a crash between the two).  All else is an
 * error, and nothing is signed.
 */
int anchor_start(struct core *c, struct diag *d) CS_WUR;
/* The checkpoint that was just stored; CS_E_ANCHOR ends the core */
int anchor_add(struct core *c, struct diag *d) CS_WUR;

/*
 * --- a ceremony's TPM session (core_session.c) ---
 * 0 if the request has a session whose approvals hold now; CS_E_TPM_SESSION
 * or CS_E_TPM_EXPIRED if not.
 */
int session_check(struct core *c, const struct ledger_request *q,
    struct diag *d) CS_WUR;
/* Makes sure there is one; says so if earlier approvals have lapsed. */
int session_ensure(struct core *c, struct case_file *f, struct diag *d) CS_WUR;
/* At the start: sessions that ended with the power, with a leaf each */
int session_lapse(struct core *c, struct diag *d) CS_WUR;
/* the TPM's sessions of the request; they borrow from *ret_bytes, free() */
int session_load(struct core *c, const struct case_file *f,
    uint8_t **ret_bytes, struct sessions *ret, struct diag *d) CS_WUR;

/* --- start (core_boot.c) --- */
int core_boot(struct core *c, struct diag *d) CS_WUR;
/* The copies for other programs; that in enrol/ is for the connected side */
int core_policy_write(const uint8_t *env, size_t len, struct diag *d) CS_WUR;
/* policy.dsse as it is on disk; free(*ret) */
int core_policy_envelope(uint8_t **ret, size_t *ret_len, struct diag *d)
    CS_WUR;

/* --- documents of a request, loaded again from its blobs --- */
struct case_file {
	struct ledger_request q;
	struct dsse *env;
	struct request *req;
	const struct policy_principal *requester;
	const struct policy_rule *rule;
	uint8_t nonce[32];
	struct ledger_approval *decisions;
	size_t ndecisions;
	struct approval_doc *docs;	/* owned envelopes */
};
void case_done(struct case_file *f);
#define _cleanup_case_ _cleanup_(case_done)
int case_load(struct core *c, uint64_t n, struct case_file *ret,
    struct diag *d) CS_WUR;
/* valid approvals, counted by the policy; *ck may be NULL */
int case_count(struct core *c, const struct case_file *f, int64_t now,
    struct checks *ck, uint64_t *ret, struct diag *d) CS_WUR;
/*
 * One decision by itself, as the policy counts it: 0 if it is good.  A
 * rejection is one that is refused.
 */
int case_check_decision(struct core *c, const struct case_file *f,
    const struct approval_doc *doc, bool approve, int64_t now,
    struct diag *d) CS_WUR;
/* the state in the words for signatures, or for changes */
const char *case_state(const struct ledger_request *q);
/* "  label  value", the value made safe for a terminal */
int case_field(struct buf *out, const char *label, const char *value) CS_WUR;
/* digests of the decisions' payloads, in order; free(*ret) */
int case_approvals(const struct case_file *f, uint8_t (**ret)[32]) CS_WUR;
/* what people must see before they decide */
int case_view(struct core *c, const struct case_file *f, struct buf *out)
    CS_WUR;

/*
 * --- gates (core_gates.c) ---
 * Windows, caps, review and evidence; docs are those that came with q.
 */
#define CORE_EVIDENCE_MAX (16u << 20)	/* bytes of one document */
int core_gates(struct core *c, const struct request *q,
    const struct policy_rule *rule, const struct evidence_doc *docs, size_t n,
    int64_t now, struct checks *ck, struct diag *d) CS_WUR;
/* the documents of a stored request, in its order */
struct evidence_set {
	struct evidence_doc *v;
	uint8_t **owned;
	size_t n;
};
void evidence_set_done(struct evidence_set *s);
int evidence_load(struct core *c, const struct request *q,
    struct evidence_set *ret, struct diag *d) CS_WUR;

/* a digest as grouped hexadecimal and as PGP words, six lines */
int case_digest(struct buf *out, const uint8_t digest[32]) CS_WUR;

/*
 * --- changes by ceremony (core_change.c, core_change_view.c) ---
 * Everything that stands in the way of one, and the policy that it would put
 * in force; policy_free(*ret_new)
 */
int change_check(struct core *c, const struct request *q,
    const struct evidence_doc *docs, size_t n, int64_t now, struct checks *ck,
    struct policy **ret_new, struct diag *d) CS_WUR;
int change_view(struct core *c, const struct case_file *f, struct buf *out)
    CS_WUR;
/* One that was cut short: was the TPM's part done? Then it is finished. */
int change_recover(struct core *c, const struct ledger_request *q,
    struct diag *d) CS_WUR;

/* --- where a signature comes from (core_trace.c); json_decref(*ret) --- */
int core_trace(struct core *c, const struct case_file *f, json_t **ret) CS_WUR;

/*
 * --- attestation (core_attest.c) ---
 * The TPM's answer over the newest checkpoint; challenge is 32 bytes or NULL;
 * free(*ret)
 */
int core_attest(struct core *c, const uint8_t *challenge, char **ret,
    size_t *ret_len, struct diag *d) CS_WUR;

/* --- intake (core_intake.c): what is no request of ours, one check --- */
int intake_log_unreadable(struct core *c, const struct diag *why,
    struct diag *d) CS_WUR;

/*
 * --- approvals made ahead (core_ahead.c) ---
 * The member approval.dsse of an approval bundle, now.  Logged in every case.
 */
int intake_ahead(struct core *c, const uint8_t *envelope, size_t len,
    int64_t now, struct diag *d) CS_WUR;

/*
 * --- an auditor's receipt (core_receipt.c) ---
 * What an auditor has seen of the log.  Logged; remembered in the state folder
 * from then on, where it also says that this log was set back.
 */
int intake_receipt(struct core *c, const uint8_t *note, size_t len,
    int64_t now, struct diag *d) CS_WUR;
/* CS_E_RECEIPT_BEHIND, CS_E_RECEIPT_FORK: nothing is signed */
int receipt_gate(struct core *c, struct diag *d) CS_WUR;
/* one line for status, or nothing */
int receipt_status(struct core *c) CS_WUR;
/* leaves of this log that an auditor has; 0 if none are known */
int receipt_acknowledged(struct core *c, uint64_t *ret, struct diag *d) CS_WUR;

/*
 * --- signing (core_sign.c) ---
 * Preflights request n in the signer, which stays; sign takes it from there
 * if it comes next and soon.  c->ready is set on success.
 */
int signing_prepare(struct core *c, uint64_t n, struct diag *d) CS_WUR;
/* forgets c->ready */
void signing_drop(struct core *c);

/* --- verbs --- */
int verb_status(struct core *c, char **argv, size_t argc, struct diag *d);
int verb_intake(struct core *c, char **argv, size_t argc, struct diag *d);
int verb_list(struct core *c, char **argv, size_t argc, struct diag *d);
int verb_show(struct core *c, char **argv, size_t argc, struct diag *d);
int verb_approve(struct core *c, char **argv, size_t argc, struct diag *d);
int verb_reject(struct core *c, char **argv, size_t argc, struct diag *d);
int verb_sign(struct core *c, char **argv, size_t argc, struct diag *d);
int verb_apply(struct core *c, char **argv, size_t argc, struct diag *d);
int verb_export(struct core *c, char **argv, size_t argc, struct diag *d);
int verb_attest(struct core *c, char **argv, size_t argc, struct diag *d);
int verb_who(struct core *c, char **argv, size_t argc, struct diag *d);
int verb_policy(struct core *c, char **argv, size_t argc, struct diag *d);
int verb_keys(struct core *c, char **argv, size_t argc, struct diag *d);
int verb_log(struct core *c, char **argv, size_t argc, struct diag *d);
int verb_shutdown(struct core *c, char **argv, size_t argc, struct diag *d);
int verb_help(struct core *c, char **argv, size_t argc, struct diag *d);

/* N from a word, or CS_E_NUMBER */
int parse_number(const char *s, uint64_t *ret, struct diag *d) CS_WUR;

#endif
