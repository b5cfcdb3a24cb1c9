/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_POLICY_IMPL_H
#define CS_POLICY_IMPL_H

#include "lib/policy.h"

/* Shared by lib/policy*.c only. */
#define POLICY_LIST_MAX		256u	/* entries of any list, but of these: */
#define POLICY_ENTRIES_MAX	4096u	/* principals, keys, rules */
#define POLICY_NAME_MAX		40u
#define POLICY_THRESHOLD_MAX	12u	/* what the TPM's policy tree takes */
#define POLICY_WARNING_DAYS_MAX 365u
#define POLICY_AGE_DAYS_MAX	3650u	/* of evidence */
#define POLICY_DAY		86400u	/* seconds */
#define POLICY_PATH_LEN		96u	/* of a JSON pointer in a message */

/* Reading: the parts of the predicate that are read by their own functions. */
struct policy_lists {
	json_t *administration, *break_glass, *domains, *keys, *principals;
	json_t *roles, *rules, *waivers;	/* NULL: absent */
};
struct policy_entry {
	int (*parse)(json_t *j, const char *path, void *out, struct diag *d);
	size_t size, max;	/* bytes of one; how many at most */
};
int policy_parse_list(const json_t *list, const char *parent, const char *name,
    struct policy_str_list *l, struct diag *d) CS_WUR;
int policy_parse_entries(const json_t *list, const char *parent,
    const char *name, const struct policy_entry *e, void *slot, size_t *ret_n,
    struct diag *d) CS_WUR;
int policy_parse_name(const char *s, const char *path, struct diag *d) CS_WUR;
/* A cap on signatures that is there must be 1 or more. */
int policy_parse_cap(bool present, uint64_t cap, const char *path,
    struct diag *d) CS_WUR;
/* rules, waivers, administration, break-glass */
int policy_parse_rules(const struct policy_lists *l, struct policy *p,
    struct diag *d) CS_WUR;
int policy_parse_evidence(json_t *j, const char *path, void *out,
    struct diag *d) CS_WUR;
/* globs: a list of patterns that fnmatch() takes */
int policy_parse_globs(const json_t *list, const char *parent,
    const char *name, struct policy_str_list *l, struct diag *d) CS_WUR;

/*
 * The entries by name, so that a policy with thousands of them is read and
 * asked in no time.  Made when all of them are read.
 */
enum policy_kind { POLICY_PRINCIPALS, POLICY_KEYS, POLICY_RULES, POLICY_ROLES };
struct policy_named {
	const char *name;
	const void *entry;
};
int policy_index_make(struct policy *p) CS_WUR;
void policy_index_free(struct policy_index **i);
/* NULL if there is none; a role is its own entry */
const void *policy_index_find(const struct policy *p, enum policy_kind k,
    const char *name);
/* where a role stands among the others; POLICY_LIST_MAX: it is not defined */
size_t policy_index_role(const struct policy *p, const char *role);
/* a name that two entries have, or NULL */
const char *policy_index_twice(const struct policy *p, enum policy_kind k);
/* The principals who hold a role are (*ret_v)[].entry.  Returns how many. */
size_t policy_index_holders(const struct policy *p, const char *role,
    const struct policy_named **ret_v);

/*
 * Every key an administrator has, and whose it is; returns how many.  With
 * NULL and NULL they are only counted.
 */
size_t policy_admin_keys(const struct policy *p, const struct pubkey **keys,
    const struct policy_principal **owner);
/* Everything that one entry alone cannot show. */
int policy_check(const struct policy *p, struct diag *d) CS_WUR;
/* of it: the rules, and what stands beside them */
int policy_check_rules(const struct policy *p, struct diag *d) CS_WUR;
/* every role of the list is defined */
int policy_check_roles(const struct policy *p, const struct policy_str_list *l,
    const char *by, struct diag *d) CS_WUR;
int policy_undefined(struct diag *d, const char *what, const char *name,
    const char *by);
/* RFC 7512: a token, an id, nothing that is a site's fact, no PIN. */
int policy_uri_check(const char *uri, const char *token, struct diag *d) CS_WUR;

#endif
