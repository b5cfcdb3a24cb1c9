/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TEST_REHEARSAL_VOTE_H
#define CS_TEST_REHEARSAL_VOTE_H

#include "appliance/site.h"
#include "lib/policy.h"
#include "tpm/tpm.h"

/*
 * A vote for the TPM by the one key on an approver's token of a rehearsal,
 * as coldseal-token makes it; the PIN lies in REHEARSAL/approvers/PORT/pin.
 * ret->key is the policy's, ret->sig is malloc'ed.  Ends the process on
 * failure.
 */
void rehearsal_vote(const struct policy *policy, const struct site_port *port,
    const char *rehearsal, const struct buf *challenge, struct tpm_vote *ret);

#endif
