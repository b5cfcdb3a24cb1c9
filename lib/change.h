/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_CHANGE_H
#define CS_CHANGE_H

#include "lib/evaluate.h"
#include "lib/evidence.h"

/*
 * Changes by ceremony (PRED_CHANGE): the same struct request, the same intake,
 * approvals and log as a signing request, under the policy's administration
 * rule.  lib/PROTOCOL.documents has the fields.
 */
int change_parse(const void *payload, size_t len, struct request **ret,
    struct diag *d) CS_WUR;
/* "policy.update" and so on; NULL for REQUEST_SIGN */
const char *change_action_name(enum request_action a);
/* -1: none such */
int change_action_from_name(const char *s);

/* How far clock.set may set the clock, either way: ten years */
#define CHANGE_CLOCK_MAX_S	(INT64_C(3653) * 86400)

struct change_new {
	enum request_action action;
	const char *id, *reason;
	const char *user, *system;
	int64_t created;
	const struct request_evidence *evidence;
	size_t nevidence;
	/* what the action needs; all else NULL or 0 */
	const uint8_t *policy;		/* 32 bytes */
	uint64_t policy_version;
	const char *key, *domain;
	enum key_alg alg;
	int64_t seconds;
};
/* free(*ret) */
int change_format(const struct change_new *n, char **ret, size_t *ret_len)
    CS_WUR;

/* 0 < |seconds| <= CHANGE_CLOCK_MAX_S */
bool change_clock_ok(int64_t seconds);

/*
 * The time that a change is judged at: that of the clock, or, of a change that
 * sets it, the one it would then show.
 */
int64_t change_time(const struct request *r, int64_t clock);

/*
 * What stands in the way of a change, all of it listed (evaluate_requester()
 * is the caller's).  docs: the documents of the request.  *ret_new: the policy
 * of a policy update that passed, else NULL; policy_free().
 */
#define CHANGE_POLICY_DOC	"policy.dsse"
int evaluate_change(const struct policy *p, const struct request *r,
    int64_t now, const struct evidence_doc *docs, size_t n, struct checks *c,
    struct policy **ret_new) CS_WUR;

/*
 * The next version of a policy (lib/policy_next.c): chained to old by digest,
 * of the next version, for the same appliance and domains, signed by the
 * administration quorum of old, valid now.  Administrators whom only the new
 * one names may sign too, but do not count.
 */
int policy_load_next(const struct policy *old, const void *envelope, size_t len,
    int64_t now, struct policy **ret, struct diag *d) CS_WUR;
/*
 * The same without a look at signatures: version, previous, appliance,
 * rehearsal, domains.
 */
int policy_follows(const struct policy *old, const struct policy *new,
    struct diag *d) CS_WUR;
/*
 * One that the log pins: a version 1 as policy_load_genesis(), a later one
 * parsed; the caller compares its digest.
 */
int policy_load_pinned(const void *envelope, size_t len, struct policy **ret,
    struct diag *d) CS_WUR;

/*
 * The key domains whose PINs a request needs: the key's, or all of them for a
 * policy update; none for a change that needs no PIN.  Borrowed from p.
 */
#define POLICY_DOMAINS_MAX	16u
struct domain_list {
	const struct policy_domain *v[POLICY_DOMAINS_MAX];
	size_t n;
};
int request_domains(const struct policy *p, const struct request *r,
    struct domain_list *ret, struct diag *d) CS_WUR;

/*
 * The record of a change that was made (PRED_CHANGE_RECORD), which the
 * response carries; what an action did not make is NULL.
 */
struct change_made {
	const char *uri;		/* key.generate: RFC 7512 */
	const uint8_t *spki;		/* DER */
	size_t spki_len;
	const uint8_t *csr;		/* PKCS#10, DER */
	size_t csr_len;
	const uint8_t *attestation;	/* X.509 by the token itself, DER */
	size_t attestation_len;
	bool restricted;	/* the token limits it to one mechanism */
};
struct change_record_new {
	const struct request *req;
	const struct policy *policy;	/* the one that allowed it */
	const uint8_t (*approvals)[32];	/* digests of approval payloads */
	size_t napprovals;
	struct change_made made;
	const char *origin;
	int64_t time;
};
int change_record_format(const struct change_record_new *n, char **ret,
    size_t *ret_len) CS_WUR;
struct change_record {
	struct statement *st;
	enum request_action action;
	const char *request_id, *reason, *origin;
	uint8_t request_digest[32], policy_digest[32];
	uint64_t policy_version;
	const char *key, *domain;	/* NULL if the action has none */
	enum key_alg alg;
	struct change change;	/* what of, as the change said it; no reason */
	int64_t time;
	uint8_t (*approvals)[32];
	size_t napprovals;
	struct change_made made;	/* its bytes are owned */
};
void change_record_free(struct change_record **r);
static inline void
change_record_freep(struct change_record **r)
{
	change_record_free(r);
}
#define _cleanup_change_record_ _cleanup_(change_record_freep)
/* policy_key_entry() of a generated key; NULL if the record made none */
json_t *change_record_entry(const struct change_record *r);
int change_record_parse(const void *payload, size_t len,
    struct change_record **ret, struct diag *d) CS_WUR;

#endif
