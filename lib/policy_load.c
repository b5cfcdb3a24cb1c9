/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/change.h"
#include "lib/policy_impl.h"

size_t
policy_admin_keys(const struct policy *p, const struct pubkey **keys,
    const struct policy_principal **owner)
{
	size_t i, j, n = 0;

	for (i = 0; i < p->nprincipals; i++) {
		const struct policy_principal *w = &p->principals[i];

		if (!policy_is_admin(p, w))
			continue;
		for (j = 0; j < w->nkeys; j++, n++) {
			if (keys == NULL)
				continue;
			keys[n] = w->keys[j];
			owner[n] = w;
		}
	}
	return n;
}

/*
 * All of them; that these are at least the threshold, policy_check() has seen.
 */
static int
check_signers(const struct policy *p,
    const struct policy_principal *const *owner, const bool *hit, size_t n,
    struct diag *d)
{
	size_t i, j;

	for (i = 0; i < p->nprincipals; i++) {
		if (!policy_is_admin(p, &p->principals[i]))
			continue;
		for (j = 0; j < n; j++)
			if (owner[j] == &p->principals[i] && hit[j])
				break;
		if (j == n)
			return diag_fail(d, CS_E_POLICY_SIGNATURE,
			    "a signature by every administrator", "none by %s",
			    p->principals[i].id);
	}
	return 0;
}

static int
check_genesis(const struct dsse *e, const struct policy *p, struct diag *d)
{
	_cleanup_free_ const struct policy_principal **owner = NULL;
	_cleanup_free_ const struct pubkey **keys = NULL;
	_cleanup_free_ bool *hit = NULL;
	size_t n = policy_admin_keys(p, NULL, NULL), bad = 0;
	int r;

	if (p->version != 1)
		return diag_fail(d, CS_E_POLICY_VERSION,
		    "version 1 for a genesis policy", "version %llu",
		    (unsigned long long)p->version);
	keys = calloc(n + 1, sizeof(struct pubkey *));
	owner = calloc(n + 1, sizeof(struct policy_principal *));
	hit = calloc(n + 1, sizeof(*hit));
	if (keys == NULL || owner == NULL || hit == NULL)
		return diag_nomem(d);
	(void)policy_admin_keys(p, keys, owner);
	r = dsse_verify(e, keys, n, hit, &bad, d);
	if (r != 0)
		return r;
	if (bad != 0)
		return diag_fail(d, CS_E_POLICY_SIGNATURE,
		    "signatures by administrators only",
		    "%zu that no administrator made", bad);
	return check_signers(p, owner, hit, n, d);
}

static int
load(const void *envelope, size_t len, bool genesis, struct policy **ret,
    struct diag *d)
{
	_cleanup_dsse_ struct dsse *e = NULL;
	_cleanup_policy_ struct policy *p = NULL;
	int r;

	r = dsse_parse(envelope, len, &e, d);
	if (r == 0)
		r = policy_parse(e->payload, e->payload_len, &p, d);
	if (r == 0 && (genesis || p->version == 1))
		r = check_genesis(e, p, d);
	if (r != 0)
		return r;
	*ret = take_ptr(p);
	return 0;
}

int
policy_load_genesis(const void *envelope, size_t len, struct policy **ret,
    struct diag *d)
{
	return load(envelope, len, true, ret, d);
}

int
policy_load_pinned(const void *envelope, size_t len, struct policy **ret,
    struct diag *d)
{
	return load(envelope, len, false, ret, d);
}
