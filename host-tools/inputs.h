/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_INPUTS_H
#define CS_INPUTS_H

#include "lib/sigfmt.h"

/*
 * Local files that go into a request, or that a response is compared with:
 * each is read once and gets its digests in that pass.
 */
struct input {
	char *path;
	struct subject s;	/* name, size, digests, text */
};

struct inputs {
	struct input *v;
	size_t n, cap;
	uint32_t hashes;	/* HASH_BIT() of each, besides sha256 */
	bool texts;		/* keep what is read too: small files only */
	struct filehash *own;	/* the format's digest too; borrowed, or NULL */
};

void inputs_done(struct inputs *in);
#define _cleanup_inputs_ _cleanup_(inputs_done)

/* name NULL: the path without its folders.  At most 10,000. */
int inputs_add(struct inputs *in, const char *path, const char *name,
    struct diag *d) CS_WUR;
/* Lines PATH or PATH<TAB>NAME; empty lines are passed over. */
int inputs_add_list(struct inputs *in, const char *list, struct diag *d)
    CS_WUR;
/*
 * For inputs.own: what the format hashes of files for this key and time; NULL
 * if it has no digest of its own.
 */
int inputs_own(const struct sigfmt *f, const struct policy_key *k,
    int64_t time, struct filehash **ret, struct diag *d) CS_WUR;
/* what: for the terminal.  Regular files only. */
int inputs_hash(struct inputs *in, const char *what, struct diag *d) CS_WUR;
/* Of each file, what the format can see at its ends. */
int inputs_check_files(const struct inputs *in, const struct sigfmt *f,
    struct diag *d) CS_WUR;
/* No name and no content twice; in plain words which. */
int inputs_check_distinct(const struct inputs *in, struct diag *d) CS_WUR;

#endif
