/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUTHORITY_H
#define CS_AUTHORITY_H

#include <jansson.h>

#include "lib/buf.h"
#include "lib/policy.h"

/*
 * Who can make which key sign, derived from the policy for one moment: one
 * row per rule and key, one per product that a key has no rule for, and one
 * each for the two rules that stand beside them (administration, break-glass;
 * key NULL).  Rows are by product, key, rule.  The times are the last second
 * at which something holds; people and requesters who become valid later are
 * not foreseen.  Caps on signatures are the log's and not looked at.
 */
enum authority_why {		/* bits: why nobody can */
	AUTHORITY_KEY_STATE = 1u << 0,
	AUTHORITY_KEY_EARLY = 1u << 1,
	AUTHORITY_KEY_LATE = 1u << 2,
	AUTHORITY_WINDOW_LATER = 1u << 3,
	AUTHORITY_WINDOW_PAST = 1u << 4,
	AUTHORITY_REVIEW = 1u << 5,
	AUTHORITY_PEOPLE = 1u << 6,
	AUTHORITY_ORGANISATIONS = 1u << 7,
	AUTHORITY_REQUESTER = 1u << 8,
	AUTHORITY_NO_RULE = 1u << 9,
};

enum authority_end {		/* what ends first */
	AUTHORITY_END_KEY,
	AUTHORITY_END_WINDOW,
	AUTHORITY_END_REVIEW,
	AUTHORITY_END_PEOPLE,
	AUTHORITY_END_REQUESTER,
	AUTHORITY_END_COUNT
};

/* Of a rule, whatever its key. */
struct authority_group {
	const struct policy_rule *rule;
	const struct policy_principal **people;	/* eligible now, by ID */
	size_t npeople;
	size_t norganisations;			/* of these */
	const struct policy_principal **requesters;	/* valid now, by ID */
	size_t nrequesters;
	unsigned why;
	int64_t until;		/* if why is 0 */
	enum authority_end end;
	int64_t opens;		/* of AUTHORITY_WINDOW_* */
	uint64_t sets;		/* minimal sets of people; at most 2^53 - 1 */
	bool granted;
	uint64_t leaf;		/* where the log granted it, if granted */
};

struct authority_row {
	const struct authority_group *group;	/* NULL: no rule */
	const char *product;
	const struct policy_key *key;		/* NULL: of no one key */
	unsigned why;				/* 0: it can be signed now */
	int64_t until;
	enum authority_end end;
};

struct authority {
	const struct policy *p;			/* borrowed */
	int64_t at;
	struct authority_group *groups;
	size_t ngroups;
	struct authority_row *rows;
	size_t nrows;
	size_t sets_max;	/* of each row that JSON and CSV list */
};

struct authority_opts {
	int64_t at;
	const char *person;	/* NULL, or only where this one takes part */
	const char *key;	/* NULL, or only this key */
	/* the leaf that granted a rule: true and *ret_leaf; may be NULL */
	bool (*granted)(void *arg, const char *rule, uint64_t *ret_leaf);
	void *arg;
};

void authority_free(struct authority **a);
static inline void
authority_freep(struct authority **a)
{
	authority_free(a);
}
#define _cleanup_authority_ _cleanup_(authority_freep)

/*
 * p must outlive *ret.  CS_E_AUTHORITY_NAME: a person or key that the policy
 * does not have.
 */
int authority_of(const struct policy *p, const struct authority_opts *o,
    struct authority **ret, struct diag *d) CS_WUR;

/*
 * The first max minimal sets of people, in the order of their IDs: each set is
 * n people of group->people, by index.  A result that is not 0 ends it.
 */
#define AUTHORITY_SETS_MAX	1000u	/* of one row that are listed */
#define AUTHORITY_SETS_ALL	200000u	/* of all rows, each its part */
int authority_sets(const struct authority_group *g, size_t max,
    int (*fn)(void *arg, const size_t *set, size_t n), void *arg) CS_WUR;

/* For people; printable ASCII and newlines. */
int authority_text(const struct authority *a, struct buf *out) CS_WUR;
/* An array of objects, one per row. */
int authority_json(const struct authority *a, json_t **ret) CS_WUR;
/*
 * RFC 4180 with a header; a field that a spreadsheet would run as a formula
 * gets an apostrophe before it.
 */
int authority_csv(const struct authority *a, struct buf *out) CS_WUR;

#endif
