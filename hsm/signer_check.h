/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SIGNER_CHECK_H
#define CS_SIGNER_CHECK_H

#include "lib/policy.h"
#include "lib/request.h"
#include "lib/sigfmt.h"

/*
 * The second pair of eyes: a thread that takes what the token makes, puts the
 * exported signature together, verifies it with the public key of the policy,
 * and only then sends it to the core, several in a message.  A bounded ring
 * lies between, so that signing and checking overlap and memory stays small
 * whatever the batch.
 *
 *	open -> (push)* -> close -> joined
 *	  |        |
 *	  +--------+--> failed: push and close answer the first error
 */
struct signer_check;

struct signer_check_job {
	int sock;			/* SIGNER_SIG goes here; not taken */
	const struct request *req;	/* borrowed until close */
	const struct policy_key *key;
	int64_t now;			/* that the token signed for */
	struct x509_st *cert;		/* the key's, parsed, or NULL; borrowed */
};

int signer_check_open(const struct signer_check_job *job,
    struct signer_check **ret, struct diag *d) CS_WUR;
/* Copies parts.  Waits while the ring is full. */
int signer_check_push(struct signer_check *c, uint32_t subject,
    const struct sigfmt_sigs *parts) CS_WUR;
/*
 * Waits for what is in the ring and ends the thread.  0 only if every
 * signature that was pushed has been verified and sent; *ret_sent of them.
 * failed: the caller has an error of its own, what waits is thrown away.
 */
int signer_check_close(struct signer_check **c, bool failed,
    uint32_t *ret_sent, struct diag *d) CS_WUR;

#endif
