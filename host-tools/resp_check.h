/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_RESP_CHECK_H
#define CS_RESP_CHECK_H

#include "host-tools/inputs.h"
#include "host-tools/logsource.h"
#include "host-tools/respfile.h"

/* What response verify compares with, and what came of it. */
struct resp_check {
	struct respfile f;
	struct policy *policy;
	struct pubkey *record_key;
	struct note_vkeys log_keys;
	struct inputs artifacts;	/* local files, hashed; may be none */
	struct logsource audit;		/* audit.note NULL if not given */
	struct tlog *log;		/* of audit, or NULL */
	const struct policy_key *key;	/* the one that signed, or NULL */
	struct checks checks;
};

/* The envelope's one signature is by record_key. */
int resp_check_envelope(struct resp_check *x, struct diag *d) CS_WUR;
/* Policy, origin, key and approvals.  Sets x->key. */
int resp_check_record(struct resp_check *x) CS_WUR;
/* of it: the policy and the log that a record names */
int resp_check_policy(struct resp_check *x, uint64_t version,
    const uint8_t digest[32], const char *origin) CS_WUR;
/* The log's checkpoint in the bundle */
int resp_check_checkpoint(struct resp_check *x, struct diag *d) CS_WUR;
/* All of the record of a change (resp_change.c) */
int resp_check_change(struct resp_check *x, struct diag *d) CS_WUR;
/* What was done, in words or as JSON; good: every check passed */
void resp_change_show(const struct resp_check *x, bool good);
json_t *resp_change_json(const struct resp_check *x, bool good);
/* ID.pem and ID.csr of a key that was generated, else nothing */
int resp_change_extract(const struct change_record *r, int dirfd,
    struct diag *d) CS_WUR;
/* Every local file is one of the artifacts. */
int resp_check_artifacts(struct resp_check *x) CS_WUR;
/* Every signature and proof; after resp_check_record(). */
int resp_check_signatures(struct resp_check *x, struct diag *d) CS_WUR;

#endif
