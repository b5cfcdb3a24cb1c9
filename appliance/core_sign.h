/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_CORE_SIGN_H
#define CS_CORE_SIGN_H

#include "appliance/core.h"

/*
 * One approved request on its way: preflighted in the signer, then signed
 * (core_sign.c) or made (core_change.c).
 */
struct signing {
	struct core *c;
	struct case_file f;
	int64_t now;
	uint32_t n;
	struct evidence_set evidence; /* none where the rule asks for none */
	struct policy *next;	      /* of a policy update */
	json_t *trace;		      /* of all of them */
	/* the unseal, n signatures, the outcome */
	struct event *events;
	struct record_signature *sigs;
	uint8_t (*approvals)[32];
};
void signing_free(struct signing **s);
/* The one that the quorum left ready, if it is the request's and still fresh. */
int signing_take(struct core *c, uint64_t n, struct signing **ret,
    struct diag *d) CS_WUR;
/* digests of the approvals' payloads, for a leaf */
json_t *signing_approvals(const struct signing *s);
/* The signer said no after the intent: nothing was released. */
int signing_failed(struct signing *s, const char *event,
    const struct diag *why, struct diag *d) CS_WUR;

#endif
