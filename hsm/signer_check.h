/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SIGNER_CHECK_H
#define CS_SIGNER_CHECK_H

#include "lib/policy.h"
#include "lib/request.h"

/*
 * The second pair of eyes: a thread that takes signatures as the token makes
 * them, verifies each with the public key of the policy, and only then sends
 * it to the core, several in a message.  A bounded ring lies between, so that signing and checking
 * overlap and memory stays small whatever the batch.
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
};

int signer_check_open(const struct signer_check_job *job,
    struct signer_check **ret, struct diag *d) CS_WUR;
/* Takes sig (free()).  Waits while the ring is full. */
int signer_check_push(struct signer_check *c, uint32_t subject, uint8_t *sig,
    size_t len) CS_WUR;
/*
 * Waits for what is in the ring and ends the thread.  0 only if every
 * signature that was pushed has been verified and sent; *ret_sent of them.
 * failed: the caller has an error of its own, what waits is thrown away.
 */
int signer_check_close(struct signer_check **c, bool failed,
    uint32_t *ret_sent, struct diag *d) CS_WUR;

#endif
