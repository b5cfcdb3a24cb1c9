/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/authority_impl.h"

/*
 * A minimal set is as many people as the threshold says, each of another
 * organisation if these must differ.
 */
#define COUNT_MAX ((UINT64_C(1) << 53) - 1) /* what JSON takes */

static uint64_t
add_capped(uint64_t a, uint64_t b)
{
	return a > COUNT_MAX - b ? COUNT_MAX : a + b;
}

static uint64_t
mul_capped(uint64_t a, uint64_t b)
{
	return b != 0 && a > COUNT_MAX / b ? COUNT_MAX : a * b;
}

/*
 * How many people each organisation has that a set may take one of; a person
 * is alone in one if organisations do not matter.
 */
static size_t
choices(const struct authority_group *g, uint64_t *size)
{
	size_t i, k, n = 0;

	for (i = 0; i < g->npeople; i++) {
		size[n] = 1;
		if (!g->rule->distinct_organisations) {
			n++;
			continue;
		}
		for (k = 0; k < i; k++)
			if (strcmp(g->people[k]->organisation,
				g->people[i]->organisation) == 0)
				break;
		if (k < i)
			continue;
		for (k = i + 1; k < g->npeople; k++)
			size[n] += strcmp(g->people[k]->organisation,
				       g->people[i]->organisation) == 0;
		n++;
	}
	return n;
}

/* The elementary symmetric polynomial of the sizes: choose k, one of each. */
int
authority_count(const struct authority_group *g, uint64_t *ret)
{
	_cleanup_free_ uint64_t *size = NULL, *ways = NULL;
	size_t i, j, n, k = (size_t)g->rule->threshold;

	*ret = 0;
	if (k == 0 || k > g->npeople)
		return 0;
	size = calloc(g->npeople, sizeof(*size));
	ways = calloc(k + 1, sizeof(*ways));
	if (size == NULL || ways == NULL)
		return CS_E_NOMEM;
	n = choices(g, size);
	ways[0] = 1;
	for (i = 0; i < n; i++)
		for (j = k; j > 0; j--)
			ways[j] = add_capped(ways[j],
			    mul_capped(ways[j - 1], size[i]));
	*ret = ways[k];
	return 0;
}

/* May person i join the n who are in the set? */
static bool
fits(const struct authority_group *g, const size_t *set, size_t n, size_t i)
{
	size_t k;

	if (!g->rule->distinct_organisations)
		return true;
	for (k = 0; k < n; k++)
		if (strcmp(g->people[set[k]]->organisation,
			g->people[i]->organisation) == 0)
			return false;
	return true;
}

/* Whoever is next after the last one tried, or else the one before. */
int
authority_sets(const struct authority_group *g, size_t max,
    int (*fn)(void *arg, const size_t *set, size_t n), void *arg)
{
	size_t set[64], n = 0, i = 0, k = (size_t)g->rule->threshold;
	size_t done = 0;
	int r;

	if (k == 0 || k > ARRAY_LEN(set) || g->sets == 0)
		return 0;
	while (done < max) {
		while (i < g->npeople && !fits(g, set, n, i))
			i++;
		if (i < g->npeople) {
			set[n++] = i++;
			if (n < k)
				continue;
			r = fn(arg, set, n);
			if (r != 0)
				return r;
			done++;
		} else if (n == 0) {
			break;
		}
		i = set[--n] + 1;
	}
	return 0;
}
