/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_POLICY_H
#define CS_POLICY_H

#include "lib/dsse.h"
#include "lib/statement.h"

/*
 * The policy document, as lib/PROTOCOL.policy describes it.  Loading is
 * strict: unknown fields, empty lists, thresholds of 0, names that are not
 * defined, the same key twice, a key in two entries: it does not load.
 * An empty list never means "any".
 */
struct policy_str_list {
	const char **v;		/* borrowed from the statement */
	size_t n;
};

struct policy_principal {
	const char *id;		/* [a-z0-9-]{1,40} */
	const char *kind;	/* "person" or "system" */
	const char *name;
	const char *organisation;
	struct policy_str_list roles;
	struct pubkey **keys;
	size_t nkeys;
	int64_t valid_from, valid_until;
};

struct policy_domain {
	const char *id;
	const char *token;	/* PKCS#11 token label */
};

struct policy_key {
	const char *id;
	const char *domain;
	const char *uri;	/* RFC 7512, token and id, no PIN */
	struct pubkey *key;
	enum key_alg alg;
	struct policy_str_list products, formats;
	const char *state;	/* "active", "retired", "revoked", "pending" */
	const char *reason;	/* of a revocation; NULL else */
	const char *namespace;	/* for sshsig and note; NULL else */
	const char *shared;	/* why it serves several products; NULL: one */
	uint64_t max_signatures;	/* 0: no cap */
	int64_t valid_from, valid_until;
	uint8_t *cert;		/* DER, for cms; NULL if none */
	size_t cert_len;
};

/*
 * Evidence that must come with a request: in-toto attestations about each of
 * its artifacts (lib/evidence.h).  What a type does not use is empty.
 */
enum evidence_type {
	EVIDENCE_PROVENANCE,	/* "slsa-provenance", SLSA v1 */
	EVIDENCE_VULNS,		/* "vulns", in-toto v0.1, v0.2 */
	EVIDENCE_TEST,		/* "test-result", in-toto v0.1 */
	EVIDENCE_SBOM,		/* "sbom", SPDX or CycloneDX */
	EVIDENCE_COUNT,
};

/* "slsa-provenance" and so on (lib/policy_evidence.c); -1: none such */
int evidence_type_from_name(const char *s);
const char *evidence_type_name(enum evidence_type t);

struct policy_evidence {
	enum evidence_type type;
	struct policy_str_list signers;	/* roles whose holders may sign it */
	uint64_t max_age;	/* seconds; 0: any */
	struct policy_str_list builders, sources, refs;	/* globs: provenance */
	struct policy_str_list scanners;		/* globs: vulns */
	struct policy_str_list denied;	/* severities, lower case: vulns */
	/* test-result: the result must be PASSED */
};

/* A finding that may stand, for some products and some time. */
struct policy_waiver {
	const char *vulnerability;	/* its ID */
	struct policy_str_list products;
	const char *reason;
	int64_t until;
};

struct policy_window {
	int64_t from, until;
	uint64_t max_signatures;	/* 0: no cap */
};

struct policy_rule {
	const char *id;
	const char *product;
	struct policy_str_list requesters, keys, formats;
	/* globs (fnmatch) of the request; a list that is absent restricts not */
	struct policy_str_list versions, pipelines, branches, commits;
	struct policy_evidence *evidence;	/* all of them */
	size_t nevidence;
	struct policy_window *windows;	/* one of them, if there are any */
	size_t nwindows;
	bool digest_only;	/* artifacts need not be on the medium */
	uint64_t threshold;
	struct policy_str_list roles;	/* who may approve */
	bool distinct_organisations;
	bool requester_excluded;
	bool ahead;		/* statements signed elsewhere count */
};

struct policy_index;	/* entries by name, lib/policy_index.c */

struct policy {
	struct statement *st;
	struct policy_index *index;
	uint8_t digest[32];	/* of the statement payload */
	const char *name;
	const char *appliance;	/* the log origin this policy is for */
	uint64_t version;
	bool has_previous;
	uint8_t previous[32];
	bool rehearsal;		/* a software HSM is allowed; shown everywhere */
	struct policy_str_list role_names;
	struct policy_principal *principals;
	size_t nprincipals;
	struct policy_domain *domains;
	size_t ndomains;
	struct policy_key *keys;
	size_t nkeys;
	struct policy_rule *rules;
	size_t nrules;
	struct policy_waiver *waivers;
	size_t nwaivers;
	int64_t review_by;
	uint64_t review_warning;	/* seconds after it until signing stops */
	/*
	 * Two rules that no request matches by itself: who may change things,
	 * and who may sign past evidence, windows and patterns, with a reason.
	 */
	struct policy_rule admin;	/* POLICY_RULE_ADMIN, requester excluded */
	bool has_break_glass;
	struct policy_rule break_glass;	/* POLICY_RULE_BREAK_GLASS */
};
#define POLICY_RULE_ADMIN	"administration"
#define POLICY_RULE_BREAK_GLASS	"break-glass"

void policy_free(struct policy **p);
static inline void
policy_freep(struct policy **p)
{
	policy_free(p);
}
#define _cleanup_policy_ _cleanup_(policy_freep)

/*
 * Whether the log of this origin is that of the policy's appliance: its own
 * name, or, after a recovery, the name and "/r2", "/r3", ...
 */
bool policy_names_log(const struct policy *p, const char *origin);
/*
 * N of an origin that ends in "/rN", N from 2 without leading zeros, else 1;
 * *ret_len: bytes of the appliance's name before it.
 */
uint64_t policy_log_number(const char *origin, size_t *ret_len);

/* The payload of a policy statement. */
int policy_parse(const void *payload, size_t len, struct policy **ret,
    struct diag *d) CS_WUR;
/*
 * A genesis policy's envelope: parsed, and signed by every administrator it
 * names (each proves possession); no signature by anyone else.
 */
int policy_load_genesis(const void *envelope, size_t len, struct policy **ret,
    struct diag *d) CS_WUR;

const struct policy_principal *policy_principal_by_id(const struct policy *p,
    const char *id);
/* by normalised key; NULL if nobody has it.  k may be NULL: NULL. */
const struct policy_principal *policy_principal_by_key(const struct policy *p,
    const struct pubkey *k);
/* 1 if the principal has one of the policy's administrator roles */
int policy_is_admin(const struct policy *p,
    const struct policy_principal *who);
/* NULL if there is none */
const struct policy_domain *policy_domain_by_id(const struct policy *p,
    const char *id);
const struct policy_key *policy_key_by_id(const struct policy *p,
    const char *id);
/* one of rules, or one of the two that stand beside them; NULL if none */
const struct policy_rule *policy_rule_by_id(const struct policy *p,
    const char *id);
/* 1 if s is [a-z0-9-]{1,40} */
int policy_name_ok(const char *s);
/*
 * What a policy's entry for a new key begins with, as people copy it: id,
 * domain, uri, public_key, algorithm.  NULL when out of memory.
 */
json_t *policy_key_entry(const char *id, const char *domain, const char *uri,
    enum key_alg alg, const uint8_t *spki, size_t len);
int policy_list_has(const struct policy_str_list *l, const char *s);
/* 1 if the two lists share a name */
int policy_lists_meet(const struct policy_str_list *a,
    const struct policy_str_list *b);

#endif
