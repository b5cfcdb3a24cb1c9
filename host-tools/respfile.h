/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_RESPFILE_H
#define CS_RESPFILE_H

#include "host-tools/package.h"
#include "lib/change.h"

/*
 * A response bundle: a record with signatures and proofs, the record of a
 * change, or a refusal.
 * Structure only; nothing in it is trusted before response verify has
 * checked it.
 */
struct respfile {
	struct package *bundle;
	struct dsse *env;
	struct record *record;		/* one of these three */
	struct change_record *change;
	struct refusal *refusal;
};

void respfile_done(struct respfile *f);
#define _cleanup_respfile_ _cleanup_(respfile_done)

/* CS_E_RESPONSE_MEMBERS if its members are not those of its record. */
int respfile_open(const char *path, struct respfile *ret, struct diag *d)
    CS_WUR;

/* The policy's key that may have signed what the record says; NULL: none */
const struct policy_key *respfile_key(const struct respfile *f,
    const struct policy *p);

#define RESP_NAME_MAX	101u
/* "signatures/<sha256>.sig", "proofs/<sha256>.tlog-proof" of subject i */
void respfile_sig_name(const struct respfile *f, size_t i,
    char out[RESP_NAME_MAX]);
void respfile_proof_name(const struct respfile *f, size_t i,
    char out[RESP_NAME_MAX]);

#endif
