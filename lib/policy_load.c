/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/policy_impl.h"

static bool
is_admin(const struct policy *p, const struct policy_principal *w)
{
	return policy_lists_meet(&w->roles, &p->admin.roles);
}

/* Every key an administrator has, and whose it is. */
static int
admin_keys(const struct policy *p, const struct pubkey ***ret_keys,
    size_t **ret_owner, size_t *ret_n, struct diag *d)
{
	_cleanup_free_ const struct pubkey **keys = NULL;
	_cleanup_free_ size_t *owner = NULL;
	size_t i, j, n = 0;

	for (i = 0; i < p->nprincipals; i++)
		if (is_admin(p, &p->principals[i]))
			n += p->principals[i].nkeys;
	keys = calloc(n + 1, sizeof(struct pubkey *));
	owner = calloc(n + 1, sizeof(*owner));
	if (keys == NULL || owner == NULL)
		return diag_nomem(d);
	for (i = 0, n = 0; i < p->nprincipals; i++) {
		if (!is_admin(p, &p->principals[i]))
			continue;
		for (j = 0; j < p->principals[i].nkeys; j++) {
			owner[n] = i;
			keys[n++] = p->principals[i].keys[j];
		}
	}
	*ret_keys = take_ptr(keys);
	*ret_owner = take_ptr(owner);
	*ret_n = n;
	return 0;
}

/*
 * All of them; that these are at least the threshold, policy_check() has seen.
 */
static int
check_signers(const struct policy *p, const size_t *owner, const bool *hit,
    size_t n, struct diag *d)
{
	size_t i, j;

	for (i = 0; i < p->nprincipals; i++) {
		if (!is_admin(p, &p->principals[i]))
			continue;
		for (j = 0; j < n; j++)
			if (owner[j] == i && hit[j])
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
	_cleanup_free_ const struct pubkey **keys = NULL;
	_cleanup_free_ size_t *owner = NULL;
	_cleanup_free_ bool *hit = NULL;
	size_t n = 0, bad = 0;
	int r;

	if (p->version != 1)
		return diag_fail(d, CS_E_POLICY_VERSION,
		    "version 1 for a genesis policy", "version %llu",
		    (unsigned long long)p->version);
	r = admin_keys(p, &keys, &owner, &n, d);
	if (r != 0)
		return r;
	hit = calloc(n + 1, sizeof(*hit));
	if (hit == NULL)
		return diag_nomem(d);
	r = dsse_verify(e, keys, n, hit, &bad, d);
	if (r != 0)
		return r;
	if (bad != 0)
		return diag_fail(d, CS_E_POLICY_SIGNATURE,
		    "signatures by administrators only",
		    "%zu that no administrator made", bad);
	return check_signers(p, owner, hit, n, d);
}

int
policy_load_genesis(const void *envelope, size_t len, struct policy **ret,
    struct diag *d)
{
	_cleanup_dsse_ struct dsse *e = NULL;
	_cleanup_policy_ struct policy *p = NULL;
	int r;

	r = dsse_parse(envelope, len, &e, d);
	if (r == 0)
		r = policy_parse(e->payload, e->payload_len, &p, d);
	if (r == 0)
		r = check_genesis(e, p, d);
	if (r != 0)
		return r;
	*ret = take_ptr(p);
	return 0;
}
