/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_POLICY_DIFF_IMPL_H
#define CS_POLICY_DIFF_IMPL_H

#include "lib/policy_diff.h"
#include "lib/policy_words.h"

/* Shared by lib/policy_diff*.c only.  The most dangerous first. */
enum diff_rank {
	DIFF_LOUD,
	DIFF_GRANT,		/* authority added, a check weaker or gone */
	DIFF_FACT,
	DIFF_LESS,		/* authority taken away, a check stricter */
	DIFF_OTHER,		/* what no sentence is for */
};

/* What more of a field means. */
enum diff_sense {
	SENSE_MORE,		/* more is authority: a requester */
	SENSE_LESS,		/* more is a demand: a threshold */
	SENSE_LIMIT,		/* none is without limit; more of one is
				   authority: patterns, windows, caps */
	SENSE_DANGER,		/* any change is worth a look first */
	SENSE_FACT,
};

enum diff_kind {
	KIND_STR,
	KIND_U64,
	KIND_SECONDS,
	KIND_BOOL,
	KIND_TIME,
	KIND_ALG,
	KIND_CERT,
	KIND_STATE,
	KIND_PUBKEY,
	KIND_THRESHOLD,
	/* several values, each by itself */
	KIND_LIST,
	KIND_PUBKEYS,
	KIND_EVIDENCE,
	KIND_WINDOWS,
	KIND_WAIVERS,
	KIND_COUNT
};

/*
 * One field of a document's object.  A value that changes reads "SUBJECT more
 * NEW instead of OLD"; an entry that comes "SUBJECT newly more ENTRY", one
 * that goes "SUBJECT less ENTRY"; a bool "SUBJECT more" or "SUBJECT less".
 */
struct diff_field {
	const char *json;	/* its name, "approvals/threshold" */
	enum diff_kind kind;
	enum diff_sense sense;
	size_t off;		/* in the struct */
	const char *more, *less;
};

/* Entries that are known by an id. */
struct diff_section {
	const char *json;	/* "rules" */
	size_t size, array, count;	/* of struct policy */
	void (*subject)(struct words *w, const void *entry);
	const struct diff_field *fields;
	size_t nfields;
};

extern const struct diff_field diff_top[], diff_rule[];
extern const size_t diff_ntop, diff_nrule;
extern const struct diff_section diff_sections[];
extern const size_t diff_nsections;

/* One object of a policy; base NULL: it is not there */
struct diff_side {
	const struct policy *p;
	const void *base;
	json_t *json;		/* may be NULL */
};

struct diff_line {
	enum diff_rank rank;
	size_t order;
	char *text;
};

struct diff_lines {
	struct diff_line *v;
	size_t n, cap;
	int r;			/* 0 or the first error */
};
void diff_lines_done(struct diff_lines *l);
void diff_add(struct diff_lines *l, enum diff_rank rank,
    const struct words *w);

/* One object in both policies; one of the two may be absent. */
struct diff_pair {
	struct diff_lines *l;
	const char *path;	/* JSON pointer, with IDs for indices */
	const struct diff_field *fields;
	size_t nfields;
	bool loud;		/* what it grants is */
	void (*subject)(struct words *w, const void *entry);
	struct diff_side old, new;
};
void diff_pair(const struct diff_pair *x);
/* "other text changed: PATH/name" */
void diff_other(const struct diff_pair *x, const char *name);
bool diff_json_same(const json_t *a, const json_t *b);

/* how many values: 0 or 1 unless the field has several */
size_t diff_values(const struct diff_field *f, const struct diff_side *s);
void diff_value(struct words *w, const struct diff_field *f,
    const struct diff_side *s, size_t i);
/* more of it is more authority by the field's sense; of one value */
int64_t diff_power(const struct diff_field *f, const struct diff_side *s);

#endif
