/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/policy_diff_impl.h"

/* Every field of the policy document, in words. */
#define TOP(json, kind, sense, member, more, less)                             \
	{                                                                      \
		json, kind, sense, offsetof(struct policy, member), more, less \
	}
#define PRINCIPAL(json, kind, sense, member, more, less)                      \
	{                                                                     \
		json, kind, sense, offsetof(struct policy_principal, member), \
		    more, less                                                \
	}
#define DOMAIN(json, kind, sense, member, more, less)                      \
	{                                                                  \
		json, kind, sense, offsetof(struct policy_domain, member), \
		    more, less                                             \
	}
#define KEY(json, kind, sense, member, more, less)                            \
	{                                                                     \
		json, kind, sense, offsetof(struct policy_key, member), more, \
		    less                                                      \
	}
#define RULE(json, kind, sense, member, more, less)                            \
	{                                                                      \
		json, kind, sense, offsetof(struct policy_rule, member), more, \
		    less                                                       \
	}

/* clang-format off */
const struct diff_field diff_top[] = {
	TOP("waivers", KIND_WAIVERS, SENSE_MORE, waivers,
	    "has a WAIVER:", "waives no longer:"),
	TOP("rehearsal", KIND_BOOL, SENSE_DANGER, rehearsal,
	    "is for a rehearsal: a software HSM is allowed",
	    "is no longer for a rehearsal"),
	TOP("appliance", KIND_STR, SENSE_DANGER, appliance,
	    "is for the appliance", NULL),
	TOP("review_by", KIND_TIME, SENSE_MORE, review_by,
	    "must be reviewed by", NULL),
	TOP("review_warning_days", KIND_SECONDS, SENSE_MORE, review_warning,
	    "goes on after its review date for", NULL),
	TOP("name", KIND_STR, SENSE_FACT, name, "has the name", NULL),
	TOP("roles", KIND_LIST, SENSE_FACT, role_names,
	    "knows the role", "no longer knows the role"),
};
const size_t diff_ntop = ARRAY_LEN(diff_top);

static const struct diff_field diff_principal[] = {
	PRINCIPAL("kind", KIND_STR, SENSE_DANGER, kind, "is a", NULL),
	PRINCIPAL("name", KIND_STR, SENSE_FACT, name, "has the name", NULL),
	PRINCIPAL("organisation", KIND_STR, SENSE_DANGER, organisation,
	    "is of the organisation", NULL),
	PRINCIPAL("roles", KIND_LIST, SENSE_MORE, roles,
	    "has the role", "no longer has the role"),
	PRINCIPAL("keys", KIND_PUBKEYS, SENSE_MORE, keys,
	    "signs with the key", "no longer signs with the key"),
	PRINCIPAL("valid_from", KIND_TIME, SENSE_LESS, valid_from,
	    "is valid from", NULL),
	PRINCIPAL("valid_until", KIND_TIME, SENSE_MORE, valid_until,
	    "is valid until", NULL),
};

static const struct diff_field diff_domain[] = {
	DOMAIN("token", KIND_STR, SENSE_DANGER, token,
	    "is on the token", NULL),
};

static const struct diff_field diff_key[] = {
	KEY("state", KIND_STATE, SENSE_MORE, state, "is", NULL),
	KEY("reason", KIND_STR, SENSE_FACT, reason,
	    "is revoked for the reason", NULL),
	KEY("products", KIND_LIST, SENSE_MORE, products,
	    "serves the product", "no longer serves the product"),
	KEY("shared", KIND_STR, SENSE_DANGER, shared,
	    "serves several products because of", NULL),
	KEY("formats", KIND_LIST, SENSE_MORE, formats,
	    "signs the format", "no longer signs the format"),
	KEY("namespace", KIND_STR, SENSE_DANGER, namespace,
	    "signs in the namespace", NULL),
	KEY("algorithm", KIND_ALG, SENSE_DANGER, alg, "signs with", NULL),
	KEY("max_signatures", KIND_U64, SENSE_LIMIT, max_signatures,
	    "has a cap of signatures of", NULL),
	KEY("valid_from", KIND_TIME, SENSE_LESS, valid_from,
	    "is valid from", NULL),
	KEY("valid_until", KIND_TIME, SENSE_MORE, valid_until,
	    "is valid until", NULL),
	KEY("domain", KIND_STR, SENSE_DANGER, domain, "is of the domain", NULL),
	KEY("uri", KIND_STR, SENSE_DANGER, uri, "is the object", NULL),
	KEY("public_key", KIND_PUBKEY, SENSE_DANGER, key,
	    "has the public key", NULL),
	KEY("certificate", KIND_CERT, SENSE_DANGER, cert,
	    "has the certificate", NULL),
};

const struct diff_field diff_rule[] = {
	RULE("product", KIND_STR, SENSE_DANGER, product,
	    "is for the product", NULL),
	RULE("approvals/threshold", KIND_THRESHOLD, SENSE_LESS, threshold,
	    "needs", NULL),
	RULE("approvals/roles", KIND_LIST, SENSE_MORE, roles,
	    "can be approved by the role", "can no longer be approved by the "
	    "role"),
	RULE("approvals/distinct_organisations", KIND_BOOL, SENSE_LESS,
	    distinct_organisations,
	    "needs people of different organisations",
	    "no longer needs people of different organisations"),
	RULE("approvals/requester_excluded", KIND_BOOL, SENSE_LESS,
	    requester_excluded, "cannot be approved by its requester",
	    "can be approved by its own requester"),
	RULE("approvals/ahead", KIND_BOOL, SENSE_MORE, ahead,
	    "can be approved ahead, away from the appliance",
	    "can no longer be approved ahead"),
	RULE("requesters", KIND_LIST, SENSE_MORE, requesters,
	    "can be requested by", "can no longer be requested by"),
	RULE("keys", KIND_LIST, SENSE_MORE, keys,
	    "is signed with the key", "is no longer signed with the key"),
	RULE("formats", KIND_LIST, SENSE_MORE, formats,
	    "is signed in the format", "is no longer signed in the format"),
	RULE("artifact", KIND_BOOL, SENSE_MORE, digest_only,
	    "is signed by its digest alone, without the artifact",
	    "needs the artifact itself"),
	RULE("evidence", KIND_EVIDENCE, SENSE_LESS, evidence,
	    "demands", "no longer demands"),
	RULE("versions", KIND_LIST, SENSE_LIMIT, versions,
	    "takes versions like", "no longer takes versions like"),
	RULE("pipelines", KIND_LIST, SENSE_LIMIT, pipelines,
	    "takes pipelines like", "no longer takes pipelines like"),
	RULE("branches", KIND_LIST, SENSE_LIMIT, branches,
	    "takes branches like", "no longer takes branches like"),
	RULE("commits", KIND_LIST, SENSE_LIMIT, commits,
	    "takes commits like", "no longer takes commits like"),
	RULE("windows", KIND_WINDOWS, SENSE_LIMIT, windows,
	    "has a window", "no longer has a window"),
};
const size_t diff_nrule = ARRAY_LEN(diff_rule);
/* clang-format on */

static void
principal_subject(struct words *w, const void *entry)
{
	const struct policy_principal *v = entry;

	words_putf(w, "%s%s",
	    strcmp(v->kind, "person") == 0 ? "" : "the system ", v->id);
}

static void
domain_subject(struct words *w, const void *entry)
{
	words_putf(w, "the domain %s",
	    ((const struct policy_domain *)entry)->id);
}

static void
key_subject(struct words *w, const void *entry)
{
	words_putf(w, "the key %s", ((const struct policy_key *)entry)->id);
}

static void
rule_subject(struct words *w, const void *entry)
{
	words_rule(w, entry);
}

#define SECTION(list, type, subject, fields)                               \
	{                                                                  \
#list, sizeof(struct type), offsetof(struct policy, list), \
		    offsetof(struct policy, n##list), subject, fields,     \
		    ARRAY_LEN(fields)                                      \
	}

const struct diff_section diff_sections[] = {
	SECTION(rules, policy_rule, rule_subject, diff_rule),
	SECTION(keys, policy_key, key_subject, diff_key),
	SECTION(principals, policy_principal, principal_subject,
	    diff_principal),
	SECTION(domains, policy_domain, domain_subject, diff_domain),
};
const size_t diff_nsections = ARRAY_LEN(diff_sections);
