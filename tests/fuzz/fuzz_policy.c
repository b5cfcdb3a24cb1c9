/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A loaded policy holds what the rest of the program relies on. */
static void
check(const struct policy *p)
{
	size_t i;

	if (p->nrules == 0 || p->admin.threshold == 0)
		abort();
	for (i = 0; i < p->nrules; i++)
		if (p->rules[i].threshold == 0 || p->rules[i].roles.n == 0 ||
		    p->rules[i].requesters.n == 0 ||
		    !p->rules[i].requester_excluded)
			abort();
	for (i = 0; i < p->nrules; i++)
		if (policy_rule_by_id(p, p->rules[i].id) != &p->rules[i] ||
		    (p->has_break_glass &&
			p->break_glass.threshold <= p->rules[i].threshold))
			abort();
	for (i = 0; i < p->nkeys; i++)
		if (p->keys[i].formats.n != 1 ||
		    !pubkey_fits(p->keys[i].key, p->keys[i].alg))
			abort();
	for (i = 0; i < p->nprincipals; i++)
		if (policy_principal_by_key(p, p->principals[i].keys[0]) !=
		    &p->principals[i])
			abort();
}

/* The input is a predicate; the statement with its digest is made here. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_policy_ struct policy *p = NULL, *q = NULL;
	_cleanup_json_ json_t *j = NULL;
	_cleanup_free_ char *text = NULL, *payload = NULL;
	struct diag d = { 0 };
	uint8_t digest[32];
	size_t n = 0;

	if (policy_parse(data, size, &q, &d) == 0)
		check(q);
	if (json_load_strict(data, size, 1u << 20, &j, NULL) != 0 ||
	    json_canonical(j, &text, &n) != 0)
		return 0;
	if (sha256(text, n, digest) != 0 ||
	    statement_format_about("policy", digest, PRED_POLICY,
		json_incref(j), &payload, &n) != 0)
		abort();
	memset(&d, 0, sizeof(d));
	if (policy_parse(payload, n, &p, &d) == 0)
		check(p);
	else if (d.code == 0 || d.code == CS_E_POLICY_DIGEST)
		abort();
	return 0;
}
