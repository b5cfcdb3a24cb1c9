/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What every signature's leaf says of where it comes from: person, system,
 * pipeline, evidence, rule, approvers.  Made once for a request.
 */

#include <string.h>

#include "appliance/core.h"
#include "lib/hex.h"
#include "lib/merkle.h"

#define EVIDENCE_LISTED 64u /* beyond that, the Merkle root over them */

static json_t *
approvers(const struct case_file *f)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; a != NULL && i < f->ndecisions; i++)
		(void)json_array_append_new(a,
		    json_pack("{s:s, s:I}", "person", f->decisions[i].approver,
			"time", (json_int_t)f->decisions[i].time));
	return a;
}

static json_t *
evidence_list(const struct request *q)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; a != NULL && i < q->nevidence; i++)
		(void)json_array_append_new(a,
		    json_hex32(q->evidence[i].sha256));
	return a;
}

static json_t *
evidence_root(const struct request *q)
{
	struct merkle_range m = { 0 };
	uint8_t leaf[32], root[32];
	size_t i;

	for (i = 0; i < q->nevidence; i++)
		if (merkle_leaf_hash(q->evidence[i].sha256, 32, leaf) != 0 ||
		    merkle_range_append(&m, leaf) != 0)
			return NULL;
	return merkle_range_root(&m, root) == 0 ? json_hex32(root) : NULL;
}

int
core_trace(struct core *c, const struct case_file *f, json_t **ret)
{
	const struct request *q = f->req;
	const struct policy_key *k = policy_key_by_id(c->policy, q->key);
	const bool list = q->nevidence <= EVIDENCE_LISTED;
	json_t *j;

	if (k == NULL)
		return CS_E_LEDGER;
	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:o, s:s, "
		      "s:o, s:s, s:s, s:s*}",
	    "requester", f->q.requester, "user", q->user, "system", q->system,
	    "pipeline", q->pipeline, "run", q->run, "commit", q->commit,
	    "branch", q->branch, list ? "evidence" : "evidence_root",
	    list ? evidence_list(q) : evidence_root(q), "policy_version",
	    (json_int_t)c->policy->version, "policy",
	    json_hex32(c->policy->digest), "rule", f->q.rule, "approvers",
	    approvers(f), "domain", k->domain, "ceremony", f->q.nonce,
	    "break_glass", q->break_glass);
	if (j == NULL)
		return CS_E_NOMEM;
	*ret = j;
	return 0;
}
