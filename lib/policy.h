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
	int64_t valid_from, valid_until;
	uint8_t *cert;		/* DER, for cms; NULL if none */
	size_t cert_len;
};

struct policy_rule {
	const char *id;
	const char *product;
	struct policy_str_list requesters, keys, formats;
	uint64_t threshold;
	struct policy_str_list roles;	/* who may approve */
	bool distinct_organisations;
	bool requester_excluded;
};

struct policy {
	struct statement *st;
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
	uint64_t admin_threshold;
	struct policy_str_list admin_roles;
};

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
const struct policy_key *policy_key_by_id(const struct policy *p,
    const char *id);
int policy_list_has(const struct policy_str_list *l, const char *s);
/* 1 if the two lists share a name */
int policy_lists_meet(const struct policy_str_list *a,
    const struct policy_str_list *b);

#endif
