/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/policy_impl.h"

struct table {
	struct policy_named *v; /* sorted by name */
	size_t n;
};

struct policy_index {
	struct table by_name[POLICY_ROLES + 1];
	struct table holders; /* role, principal: one for each role held */
	/* which of these hold a role, by policy_index_role() */
	struct {
		size_t first, n;
	} role[POLICY_LIST_MAX];
};

void
policy_index_free(struct policy_index **pp)
{
	struct policy_index *x = *pp;
	size_t i;

	if (x == NULL)
		return;
	for (i = 0; i < ARRAY_LEN(x->by_name); i++)
		free(x->by_name[i].v);
	free(x->holders.v);
	free(x);
	*pp = NULL;
}

static int
compare(const void *a, const void *b)
{
	const struct policy_named *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
table_new(struct table *t, size_t room)
{
	t->v = calloc(room + 1, sizeof(*t->v));
	return t->v == NULL ? CS_E_NOMEM : 0;
}

static void
table_add(struct table *t, const char *name, const void *entry)
{
	t->v[t->n++] = (struct policy_named){ name, entry };
}

static void
table_sort(struct table *t)
{
	qsort(t->v, t->n, sizeof(*t->v), compare);
}

static int
make_names(const struct policy *p, struct policy_index *x)
{
	const size_t n[] = { [POLICY_PRINCIPALS] = p->nprincipals,
		[POLICY_KEYS] = p->nkeys,
		[POLICY_RULES] = p->nrules,
		[POLICY_ROLES] = p->role_names.n };
	struct table *t = x->by_name;
	size_t i, k;

	for (k = 0; k < ARRAY_LEN(n); k++)
		if (table_new(&t[k], n[k]) != 0)
			return CS_E_NOMEM;
	for (i = 0; i < p->nprincipals; i++)
		table_add(&t[POLICY_PRINCIPALS], p->principals[i].id,
		    &p->principals[i]);
	for (i = 0; i < p->nkeys; i++)
		table_add(&t[POLICY_KEYS], p->keys[i].id, &p->keys[i]);
	for (i = 0; i < p->nrules; i++)
		table_add(&t[POLICY_RULES], p->rules[i].id, &p->rules[i]);
	for (i = 0; i < p->role_names.n; i++)
		table_add(&t[POLICY_ROLES], p->role_names.v[i],
		    p->role_names.v[i]);
	for (k = 0; k < ARRAY_LEN(n); k++)
		table_sort(&t[k]);
	return 0;
}

static int
make_holders(const struct policy *p, struct table *t)
{
	const struct policy_principal *w = p->principals;
	size_t i, j, n = 0;

	for (i = 0; i < p->nprincipals; i++)
		n += w[i].roles.n;
	if (table_new(t, n) != 0)
		return CS_E_NOMEM;
	for (i = 0; i < p->nprincipals; i++)
		for (j = 0; j < w[i].roles.n; j++)
			table_add(t, w[i].roles.v[j], &w[i]);
	table_sort(t);
	return 0;
}

/* Both tables are sorted by role; one that is not defined is nobody's. */
static void
make_ranges(struct policy_index *x)
{
	const struct table *roles = &x->by_name[POLICY_ROLES];
	const struct table *h = &x->holders;
	size_t i = 0, k;

	for (k = 0; k < roles->n; k++) {
		while (i < h->n && compare(&h->v[i], &roles->v[k]) < 0)
			i++;
		x->role[k].first = i;
		while (i < h->n && compare(&h->v[i], &roles->v[k]) == 0)
			i++;
		x->role[k].n = i - x->role[k].first;
	}
}

int
policy_index_make(struct policy *p)
{
	struct policy_index *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return CS_E_NOMEM;
	p->index = x;
	if (make_names(p, x) != 0 || make_holders(p, &x->holders) != 0)
		return CS_E_NOMEM;
	make_ranges(x);
	return 0;
}

static const struct policy_named *
find(const struct table *t, const char *name)
{
	const struct policy_named want = { name, NULL };

	return bsearch(&want, t->v, t->n, sizeof(*t->v), compare);
}

const void *
policy_index_find(const struct policy *p, enum policy_kind k, const char *name)
{
	const struct policy_named *hit = find(&p->index->by_name[k], name);

	return hit == NULL ? NULL : hit->entry;
}

size_t
policy_index_role(const struct policy *p, const char *role)
{
	const struct table *t = &p->index->by_name[POLICY_ROLES];
	const struct policy_named *hit = find(t, role);

	return hit == NULL ? POLICY_LIST_MAX : (size_t)(hit - t->v);
}

const char *
policy_index_twice(const struct policy *p, enum policy_kind k)
{
	const struct table *t = &p->index->by_name[k];
	size_t i;

	for (i = 1; i < t->n; i++)
		if (compare(&t->v[i - 1], &t->v[i]) == 0)
			return t->v[i].name;
	return NULL;
}

size_t
policy_index_holders(const struct policy *p, const char *role,
    const struct policy_named **ret_v)
{
	const struct policy_index *x = p->index;
	size_t k = policy_index_role(p, role);

	if (k == POLICY_LIST_MAX)
		return 0;
	*ret_v = x->holders.v + x->role[k].first;
	return x->role[k].n;
}
