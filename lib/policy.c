/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy.h"

#include <string.h>

#include "lib/b64.h"
#include "lib/policy_impl.h"

static void
principal_done(struct policy_principal *p)
{
	size_t i;

	for (i = 0; i < p->nkeys; i++)
		pubkey_free(&p->keys[i]);
	free(p->keys);
	free(p->roles.v);
}

static void
key_done(struct policy_key *k)
{
	pubkey_free(&k->key);
	free(k->products.v);
	free(k->formats.v);
	free(k->cert);
}

static void
evidence_done(struct policy_evidence *e)
{
	free(e->signers.v);
	free(e->builders.v);
	free(e->sources.v);
	free(e->refs.v);
	free(e->scanners.v);
	free(e->denied.v);
}

static void
rule_done(struct policy_rule *r)
{
	size_t i;

	for (i = 0; i < r->nevidence; i++)
		evidence_done(&r->evidence[i]);
	free(r->evidence);
	free(r->windows);
	free(r->versions.v);
	free(r->pipelines.v);
	free(r->branches.v);
	free(r->commits.v);
	free(r->requesters.v);
	free(r->keys.v);
	free(r->formats.v);
	free(r->roles.v);
}

uint64_t
policy_log_number(const char *origin, size_t *ret_len)
{
	const char *slash = strrchr(origin, '/');
	uint64_t n = 0;
	size_t i;

	*ret_len = strlen(origin);
	if (slash == NULL || slash == origin || slash[1] != 'r' ||
	    slash[2] < '1' || slash[2] > '9')
		return 1;
	for (i = 2; slash[i] >= '0' && slash[i] <= '9' && i < 8; i++)
		n = 10 * n + (uint64_t)(slash[i] - '0');
	if (slash[i] != '\0' || n < 2)
		return 1;
	*ret_len = (size_t)(slash - origin);
	return n;
}

bool
policy_names_log(const struct policy *p, const char *origin)
{
	size_t len;

	if (strcmp(p->appliance, origin) == 0)
		return true;
	(void)policy_log_number(origin, &len);
	return strlen(p->appliance) == len &&
	    memcmp(p->appliance, origin, len) == 0;
}

void
policy_free(struct policy **pp)
{
	struct policy *p = *pp;
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->nprincipals; i++)
		principal_done(&p->principals[i]);
	for (i = 0; i < p->nkeys; i++)
		key_done(&p->keys[i]);
	for (i = 0; i < p->nrules; i++)
		rule_done(&p->rules[i]);
	for (i = 0; i < p->nwaivers; i++)
		free(p->waivers[i].products.v);
	rule_done(&p->admin);
	rule_done(&p->break_glass);
	free(p->waivers);
	free(p->principals);
	free(p->domains);
	free(p->keys);
	free(p->rules);
	free(p->role_names.v);
	policy_index_free(&p->index);
	statement_free(&p->st);
	free(p);
	*pp = NULL;
}

const struct policy_principal *
policy_principal_by_id(const struct policy *p, const char *id)
{
	return policy_index_find(p, POLICY_PRINCIPALS, id);
}

const struct policy_principal *
policy_principal_by_key(const struct policy *p, const struct pubkey *k)
{
	size_t i, j;

	if (k == NULL)
		return NULL;
	for (i = 0; i < p->nprincipals; i++)
		for (j = 0; j < p->principals[i].nkeys; j++)
			if (pubkey_equal(p->principals[i].keys[j], k))
				return &p->principals[i];
	return NULL;
}

int
policy_is_admin(const struct policy *p, const struct policy_principal *who)
{
	return policy_lists_meet(&who->roles, &p->admin.roles);
}

const struct policy_domain *
policy_domain_by_id(const struct policy *p, const char *id)
{
	size_t i;

	for (i = 0; i < p->ndomains; i++)
		if (strcmp(p->domains[i].id, id) == 0)
			return &p->domains[i];
	return NULL;
}

const struct policy_key *
policy_key_by_id(const struct policy *p, const char *id)
{
	return policy_index_find(p, POLICY_KEYS, id);
}

const struct policy_rule *
policy_rule_by_id(const struct policy *p, const char *id)
{
	if (strcmp(id, POLICY_RULE_ADMIN) == 0)
		return &p->admin;
	if (strcmp(id, POLICY_RULE_BREAK_GLASS) == 0)
		return p->has_break_glass ? &p->break_glass : NULL;
	return policy_index_find(p, POLICY_RULES, id);
}

json_t *
policy_key_entry(const char *id, const char *domain, const char *uri,
    enum key_alg alg, const uint8_t *spki, size_t len)
{
	_cleanup_free_ char *text = b64_dup(spki, len);

	return text == NULL ?
	    NULL :
	    json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", id, "domain", domain,
		"uri", uri, "public_key", text, "algorithm", key_alg_name(alg));
}

int
policy_list_has(const struct policy_str_list *l, const char *s)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->v[i], s) == 0)
			return 1;
	return 0;
}

int
policy_lists_meet(const struct policy_str_list *a,
    const struct policy_str_list *b)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (policy_list_has(b, a->v[i]))
			return 1;
	return 0;
}

int
policy_name_ok(const char *s)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t n = strlen(s);

	return n >= 1 && n <= POLICY_NAME_MAX && strspn(s, set) == n;
}
