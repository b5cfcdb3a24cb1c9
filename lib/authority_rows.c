/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/authority_impl.h"

/* One row per rule and key, and those that have not both. */
struct rows {
	struct authority *a;
	const struct authority_opts *o;
	size_t cap;
};

static bool
takes_part(const struct authority_group *g, const char *id)
{
	size_t i;

	for (i = 0; i < g->npeople; i++)
		if (strcmp(g->people[i]->id, id) == 0)
			return true;
	for (i = 0; i < g->nrequesters; i++)
		if (strcmp(g->requesters[i]->id, id) == 0)
			return true;
	return false;
}

static bool
wanted(const struct authority_opts *o, const struct authority_row *row)
{
	if (o->person != NULL &&
	    (row->group == NULL || !takes_part(row->group, o->person)))
		return false;
	if (o->key == NULL)
		return true;
	/* break-glass is for every key */
	return row->key != NULL ?
	    strcmp(row->key->id, o->key) == 0 :
	    strcmp(row->group->rule->id, POLICY_RULE_BREAK_GLASS) == 0;
}

static int
add(struct rows *x, const struct authority_row *row)
{
	struct authority_row *more;

	if (!wanted(x->o, row))
		return 0;
	if (x->a->nrows == x->cap) {
		more = reallocarray(x->a->rows, 2 * x->cap + 64, sizeof(*more));
		if (more == NULL)
			return CS_E_NOMEM;
		x->a->rows = more;
		x->cap = 2 * x->cap + 64;
	}
	x->a->rows[x->a->nrows++] = *row;
	return 0;
}

static void
check_key(struct authority_row *row, int64_t at)
{
	const struct policy_key *k = row->key;

	if (strcmp(k->state, "active") != 0)
		row->why |= AUTHORITY_KEY_STATE;
	if (at < k->valid_from)
		row->why |= AUTHORITY_KEY_EARLY;
	if (at > k->valid_until)
		row->why |= AUTHORITY_KEY_LATE;
	if (k->valid_until < row->until) {
		row->until = k->valid_until;
		row->end = AUTHORITY_END_KEY;
	}
}

static int
rows_of_group(struct rows *x, const struct authority_group *g)
{
	struct authority_row row = { .group = g,
		.product = g->rule->product,
		.why = g->why,
		.until = g->until,
		.end = g->end };
	size_t i;
	int r = 0;

	if (g->rule->keys.n == 0)
		return add(x, &row);
	for (i = 0; r == 0 && i < g->rule->keys.n; i++) {
		struct authority_row one = row;

		one.key = policy_key_by_id(x->a->p, g->rule->keys.v[i]);
		if (one.key == NULL)
			continue;
		check_key(&one, x->a->at);
		r = add(x, &one);
	}
	return r;
}

/* What a key may sign, but no rule lets anybody ask for. */
static int
rows_of_key(struct rows *x, const struct policy_key *k)
{
	const struct policy *p = x->a->p;
	struct authority_row row = { .key = k, .why = AUTHORITY_NO_RULE };
	size_t i, u;
	int r = 0;

	for (i = 0; r == 0 && i < k->products.n; i++) {
		row.product = k->products.v[i];
		for (u = 0; u < p->nrules; u++)
			if (strcmp(p->rules[u].product, row.product) == 0 &&
			    policy_list_has(&p->rules[u].keys, k->id))
				break;
		if (u == p->nrules)
			r = add(x, &row);
	}
	return r;
}

static int
row_cmp(const void *va, const void *vb)
{
	const struct authority_row *a = va, *b = vb;
	int c;

	/* the special rules last, as they stand */
	if ((a->key == NULL) != (b->key == NULL))
		return a->key == NULL ? 1 : -1;
	c = strcmp(a->product, b->product);
	if (c == 0 && a->key != NULL)
		c = strcmp(a->key->id, b->key->id);
	if (c != 0)
		return c;
	return strcmp(a->group == NULL ? "" : a->group->rule->id,
	    b->group == NULL ? "" : b->group->rule->id);
}

int
authority_rows(struct authority *a, const struct authority_opts *o)
{
	struct rows x = { .a = a, .o = o };
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < a->ngroups; i++)
		r = rows_of_group(&x, &a->groups[i]);
	for (i = 0; r == 0 && i < a->p->nkeys; i++)
		r = rows_of_key(&x, &a->p->keys[i]);
	if (r == 0 && a->nrows > 1)
		qsort(a->rows, a->nrows, sizeof(*a->rows), row_cmp);
	return r;
}
