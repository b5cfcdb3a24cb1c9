/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SIGNER_JOB_H
#define CS_SIGNER_JOB_H

#include "hsm/signer.h"
#include "lib/evidence.h"

/* The pieces of struct job (lib/proto_signer.h); they point into bytes. */
struct parcel {
	uint8_t *bytes;
	const uint8_t *policy, *request;
	size_t policy_len, request_len;
	uint64_t now;
	struct sessions sessions;
	uint8_t nonce[QUORUM_NONCE_LEN]; /* of them, what statements name */
	struct approval_doc *docs;
	char **votes; /* one text per document */
	size_t ndocs;
	struct evidence_doc *evidence;
	size_t nevidence;
};

/*
 * signer_parts.c: each PIN that the job needs, with its session and votes; it
 * would come out, and its token takes it.
 */
int signer_parts(struct signer *s, const struct parcel *p,
    struct signer_job *j, struct diag *d) CS_WUR;

#endif
