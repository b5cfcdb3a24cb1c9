/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_REQUEST_H
#define CS_REQUEST_H

#include "lib/policy.h"
#include "lib/sigfmt.h"

/* A signing request (PRED_REQUEST); lib/PROTOCOL.documents has the fields. */
struct request_evidence {
	const char *name;
	uint8_t sha256[32];
	uint64_t size;
};

/* What a request is for: signatures, or a change of the appliance. */
enum request_action {
	REQUEST_SIGN,
	CHANGE_POLICY,		/* "policy.update" */
	CHANGE_KEY_GENERATE,	/* "key.generate" */
	CHANGE_KEY_DESTROY,	/* "key.destroy" */
	CHANGE_CLOCK,		/* "clock.set" */
	CHANGE_NOTE,		/* "exception.note" */
	REQUEST_ACTIONS,
};

/* What a change says (lib/change.h); what an action does not use is zero. */
struct change {
	char text[128];		/* of request.version: what of */
	const char *reason;	/* never empty */
	uint8_t policy[32];	/* policy.update: SHA-256 of its payload */
	uint64_t policy_version;
	const char *key;	/* key.*: its ID */
	const char *domain;	/* key.generate */
	enum key_alg alg;
	int64_t seconds;	/* clock.set: to add to the clock */
};

struct request {
	enum request_action action;
	struct change change;	/* zeros if action is REQUEST_SIGN */
	struct statement *st;	/* subjects are the artifacts */
	const char *id;		/* 32 lower-case hex digits, random */
	/*
	 * Of a change: "administration", what of, the key's ID or "none", and
	 * the action's name.
	 */
	const char *product, *version;
	const char *key, *format;
	const char *user, *system, *pipeline, *run, *commit; /* origin */
	const char *branch;	/* of origin; "" if it is not given */
	const char *break_glass;	/* the reason; NULL: an ordinary one */
	int64_t created;
	struct request_evidence *evidence;
	size_t nevidence;
	uint8_t digest[32];	/* SHA-256 of the payload */
	uint8_t subject_root[32];
};

void request_free(struct request **r);
static inline void
request_freep(struct request **r)
{
	request_free(r);
}
#define _cleanup_request_ _cleanup_(request_freep)

/* Names and digests of subjects are distinct; each has sha256. */
int request_parse(const void *payload, size_t len, struct request **ret,
    struct diag *d) CS_WUR;

/* A request or a change, whichever it is */
int request_parse_any(const void *payload, size_t len, struct request **ret,
    struct diag *d) CS_WUR;

struct request_new {		/* all strings required, but of two */
	const char *id, *product, *version, *key, *format;
	const char *user, *system, *pipeline, *run, *commit;
	int64_t created;
	const struct subject *subjects;
	size_t nsubjects;
	const struct request_evidence *evidence;
	size_t nevidence;
	const char *branch, *break_glass;	/* NULL: absent */
};
/* payload bytes; free(*ret) */
int request_format(const struct request_new *n, char **ret, size_t *ret_len)
    CS_WUR;

/*
 * An approval or rejection (PRED_APPROVAL).  Its one subject is the request
 * payload's digest.  nonce is the ceremony's: in step 2 it is the TPM policy
 * session's nonceTPM, so a statement serves one session.  One made ahead,
 * away from the appliance, knows no session: its nonce is zeros, it counts
 * where the rule says so, and never for the TPM.
 */
#define APPROVAL_AHEAD_S	(INT64_C(30) * 86400)	/* how long it counts */
struct approval {
	struct statement *st;
	bool approve;		/* predicate.decision "approve"/"reject" */
	const char *reason;	/* may be empty */
	const char *request_id;
	uint8_t request_digest[32];
	uint8_t policy_digest[32];
	const char *rule, *key, *format, *product, *version;
	uint8_t key_spki[32];	/* SHA-256 of the signing key's SPKI */
	uint64_t artifact_count;
	uint8_t subject_root[32];
	const char *approver;	/* principal id */
	const char *appliance;
	uint8_t nonce[32];
	bool ahead;
	int64_t time;
	uint8_t digest[32];
};

void approval_free(struct approval **a);
static inline void
approval_freep(struct approval **a)
{
	approval_free(a);
}
#define _cleanup_approval_ _cleanup_(approval_freep)

int approval_parse(const void *payload, size_t len, struct approval **ret,
    struct diag *d) CS_WUR;
struct approval_new {
	bool approve;
	const char *reason;
	const struct request *req;
	const struct policy *policy;
	const struct policy_rule *rule;
	const char *approver;
	const uint8_t *nonce;	/* 32 bytes; NULL: made ahead */
	int64_t time;
};
int approval_format(const struct approval_new *n, char **ret, size_t *ret_len)
    CS_WUR;

/*
 * What key_sha256 of an approval must be, 32 bytes: the SPKI hash of the key
 * that the request is about, zeros for a change that is about no key of the
 * policy; NULL if the policy should have the key and has not.
 */
const uint8_t *approval_key_sha256(const struct policy *p,
    const struct request *r);

/* The signing record (PRED_RECORD) that the response carries. */
struct record_signature {
	uint8_t artifact[32];	/* SHA-256 */
	uint8_t signature[32];	/* SHA-256 of the exported signature bytes */
	uint64_t leaf;		/* its leaf's index */
};
struct record_new {
	const struct request *req;
	const struct policy *policy;
	const struct policy_rule *rule;
	const uint8_t (*approvals)[32];	/* digests of approval payloads */
	size_t napprovals;
	const struct record_signature *sigs;
	size_t nsigs;
	const char *origin;
	int64_t time;
};
int record_format(const struct record_new *n, char **ret, size_t *ret_len)
    CS_WUR;

struct record {
	struct statement *st;	/* subjects are the artifacts */
	const char *request_id;
	uint8_t request_digest[32], policy_digest[32];
	uint64_t policy_version;
	const char *rule, *key, *format, *product, *version, *origin;
	int64_t time;
	uint8_t (*approvals)[32];
	size_t napprovals;
	struct record_signature *sigs;	/* one per subject, in order */
	size_t nsigs;
};
void record_free(struct record **r);
static inline void
record_freep(struct record **r)
{
	record_free(r);
}
#define _cleanup_record_ _cleanup_(record_freep)
int record_parse(const void *payload, size_t len, struct record **ret,
    struct diag *d) CS_WUR;

/* One line of a verdict: every check, passed or not. */
struct check {
	int code;		/* the CS_E_* that it is or would be */
	bool pass;
	char found[200];
	char expected[160];
};
struct checks {
	struct check *v;
	size_t n;
};
void checks_done(struct checks *c);
#define _cleanup_checks_ _cleanup_(checks_done)
int checks_add(struct checks *c, int code, bool pass, const char *expected,
    const char *found_fmt, ...) CS_WUR CS_PRINTF(5, 6);
int checks_add_diag(struct checks *c, const struct diag *d) CS_WUR;
size_t checks_failed(const struct checks *c);
/* 0, or the code of the first that failed, and *d */
int checks_verdict(const struct checks *c, struct diag *d);

/*
 * A refusal (PRED_REFUSAL): subject is the request payload's digest; lists
 * the failed checks with ID, found, expected, advice.
 */
int refusal_format(const char *request_id, const uint8_t request_digest[32],
    const struct checks *c, const char *origin, int64_t time, char **ret,
    size_t *ret_len) CS_WUR;
struct refusal {
	struct statement *st;
	const char *request_id;
	uint8_t request_digest[32];
	const char *origin;
	int64_t time;
	json_t *checks;		/* borrowed: [{id,text,found,expected,advice}] */
};
void refusal_free(struct refusal **r);
static inline void
refusal_freep(struct refusal **r)
{
	refusal_free(r);
}
#define _cleanup_refusal_ _cleanup_(refusal_freep)
int refusal_parse(const void *payload, size_t len, struct refusal **ret,
    struct diag *d) CS_WUR;

#endif
