/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_EVALUATE_H
#define CS_EVALUATE_H

#include "lib/request.h"

/*
 * The policy's decision: pure functions of their arguments, used alike by
 * the core, by the signer (which trusts nobody's count but its own) and by
 * the host tool.  Every check is listed, passed or not.
 */

/*
 * The rule's scope (version, pipeline, branch, commit), the policy's review
 * date, the rule's windows and their caps, the key's cap.  past counts what
 * the log has; NULL where there is no log: caps are then listed as passed,
 * "not counted here".  n: signatures that this request would add.
 */
struct evaluate_past {
	/* signatures made by a rule (or NULL: any) with a key (or NULL: any) */
	int (*signatures)(void *arg, const char *rule, const char *key,
	    int64_t from, int64_t until, uint64_t *ret);
	void *arg;
};
int evaluate_scope(const struct request *r, const struct policy_rule *rule,
    struct checks *c) CS_WUR;
int evaluate_limits(const struct policy *p, const struct request *r,
    const struct policy_rule *rule, int64_t now,
    const struct evaluate_past *past, struct checks *c) CS_WUR;

/* What the appliance itself computed from an artifact on the medium. */
struct artifact {
	uint8_t sha256[32];
	uint64_t size;
	bool has[HASH_COUNT];
	uint8_t digest[HASH_COUNT][HASH_MAX_LEN];
	/* what a format signs of it (lib/filehash.h), or why it has no such */
	size_t tbs_len;
	uint8_t tbs[HASH_MAX_LEN];
	struct diag refused;
};

/*
 * The requester's signature: exactly one signature, by a key of a principal
 * with the role "requester", or, of a change, with one of the administration,
 * that is valid at the time.
 * *ret_who is set if the signer is known, even if a check fails.
 */
int evaluate_requester(const struct policy *p, const struct dsse *env,
    const struct request *r, int64_t now, struct checks *c,
    const struct policy_principal **ret_who) CS_WUR;

/*
 * Product, key (state, validity, product, format), rule and its scope,
 * requester, digest strength.  *ret_rule: the one rule that matches, or, for a
 * request with a reason for it, the policy's break-glass; else NULL with a
 * failed check.  Returns 0 when the evaluation ran; see checks_failed().
 */
int evaluate_request(const struct policy *p, const struct request *r,
    const struct policy_principal *who, int64_t now, struct checks *c,
    const struct policy_rule **ret_rule) CS_WUR;

/*
 * Every subject has exactly one artifact and every artifact a subject; sizes
 * and digests (sha256 and the key's) are those that were computed.  A rule
 * (NULL: none is known) that is digest_only lets artifacts be absent.
 */
int evaluate_artifacts(const struct policy *p, const struct request *r,
    const struct policy_rule *rule, const struct artifact *a, size_t n,
    struct checks *c) CS_WUR;

/* One approval envelope as it was given. */
struct approval_doc {
	const uint8_t *envelope;
	size_t len;
};

/*
 * Counts: distinct people and distinct normalised keys, role, validity,
 * organisation, requester excluded; statement binds this request, policy,
 * key, nonce and appliance.  Each bad one is a failed check, but does not
 * stop the count (Q2); a rejection is a failed check.  *ret_count: valid
 * approvals.  The caller compares with rule->threshold.
 */
int evaluate_approvals(const struct policy *p, const struct request *r,
    const struct policy_rule *rule, const struct policy_principal *requester,
    const uint8_t nonce[32], int64_t now, const struct approval_doc *docs,
    size_t n, struct checks *c, uint64_t *ret_count) CS_WUR;

/* May this principal approve this request under this rule, now?  0 or why. */
int evaluate_may_approve(const struct policy *p, const struct policy_rule *rule,
    const struct policy_principal *requester,
    const struct policy_principal *who, int64_t now, struct diag *d) CS_WUR;

/*
 * The same for any request, a change too.  Whose token the TPM needs for a
 * domain that a change concerns, but who has no role of the administration,
 * may sign such a change as a voter: evaluate_approvals() lists and does not
 * count them, but for a rejection.
 */
int evaluate_may_decide(const struct policy *p, const struct request *r,
    const struct policy_rule *rule, const struct policy_principal *requester,
    const struct policy_principal *who, int64_t now, struct diag *d) CS_WUR;
/* true: who may decide as a voter only, and does not count */
bool evaluate_is_voter(const struct policy *p, const struct request *r,
    const struct policy_principal *who);
#endif
