/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_REQUEST_IMPL_H
#define CS_REQUEST_IMPL_H

#include "lib/request.h"

/*
 * Shared by lib/request.c, lib/record.c and lib/change*.c only: what a request
 * and a change, and their records, have in common.
 */
#define REQUEST_ID_DIGITS	32u

int request_check_id(const char *id, struct diag *d) CS_WUR;
/* into r->evidence, which request_free() frees */
int request_parse_evidence(const json_t *list, struct request *r,
    struct diag *d) CS_WUR;
json_t *request_evidence_json(const struct request_evidence *v, size_t n);

/* The request and the policy that a record is about: where they go */
struct record_refs {
	const char **request_id;
	uint8_t *request_digest, *policy_digest;	/* 32 bytes */
	uint64_t *policy_version;
};
int record_parse_refs(json_t *request, json_t *policy,
    const struct record_refs *to, struct diag *d) CS_WUR;
/* 1 to 64 distinct digests; *ret is the caller's to free, on error too */
int record_parse_approvals(const json_t *list, uint8_t (**ret)[32],
    size_t *ret_n, struct diag *d) CS_WUR;
json_t *record_approvals_json(const uint8_t (*v)[32], size_t n);

/*
 * What of (lib/change_params.c): the one object that an action needs, under
 * its own name; exception.note has none.
 */
struct change_params {
	json_t *clock, *key, *policy;	/* NULL: absent */
};
/* Exactly the one that the action needs is there; fills c, but for reason. */
int change_parse_params(enum request_action a, const struct change_params *v,
    struct change *c, struct diag *d) CS_WUR;
/* {"key":{...}} and so on; NULL: out of memory, or a text is not UTF-8 */
json_t *change_params_json(enum request_action a, const struct change *c);

#endif
