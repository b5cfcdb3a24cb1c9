/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tpm/policy.h"

/*
 * All levels lie in one array, level 0 first.  924 leaves (6 of 12) make
 * 924 + 116 + 15 + 2 + 1 digests.
 */
#define LEVELS_MAX 5u

struct tpm_tree {
	size_t threshold, nkeys;
	size_t nlevels; /* of PolicyOR */
	size_t at[LEVELS_MAX + 1], count[LEVELS_MAX + 1];
	uint8_t (*digest)[CS_SHA256_LEN];
	char people[QUORUM_MAX_KEYS][QUORUM_PERSON_MAX + 1];
};

void
tpm_tree_free(struct tpm_tree **t)
{
	if (*t == NULL)
		return;
	free((*t)->digest);
	free(*t);
	*t = NULL;
}

/* The next set of places in lexicographic order; false after the last. */
static bool
next_set(size_t *set, size_t m, size_t n)
{
	size_t i = m, j;

	while (i > 0 && set[i - 1] == n - m + i - 1)
		i--;
	if (i == 0)
		return false;
	set[i - 1]++;
	for (j = i; j < m; j++)
		set[j] = set[j - 1] + 1;
	return true;
}

/* A person with two keys is one person. */
static bool
distinct(const struct tpm_tree *t, const size_t *set)
{
	size_t i, j;

	for (i = 0; i < t->threshold; i++)
		for (j = 0; j < i; j++)
			if (strcmp(t->people[set[i]], t->people[set[j]]) == 0)
				return false;
	return true;
}

static void
first_set(size_t *set, size_t m)
{
	size_t i;

	for (i = 0; i < m; i++)
		set[i] = i;
}

static size_t
count_leaves(const struct tpm_tree *t)
{
	size_t set[QUORUM_MAX_KEYS], n = 0;

	first_set(set, t->threshold);
	do
		n += distinct(t, set);
	while (next_set(set, t->threshold, t->nkeys));
	return n;
}

static int
make_leaves(struct tpm_tree *t, const uint8_t start[CS_SHA256_LEN],
    uint8_t (*names)[TPM_NAME_LEN], const char *ref)
{
	size_t set[QUORUM_MAX_KEYS], n = 0, i;
	int r = 0;

	first_set(set, t->threshold);
	do {
		if (!distinct(t, set))
			continue;
		memcpy(t->digest[n], start, CS_SHA256_LEN);
		for (i = 0; r == 0 && i < t->threshold; i++)
			r = tpm_policy_signed(t->digest[n], names[set[i]], ref);
		n++;
	} while (r == 0 && next_set(set, t->threshold, t->nkeys));
	return r;
}

size_t
tpm_tree_branches(const struct tpm_tree *t, size_t leaf, size_t level,
    uint8_t ret[TPM_OR_MAX][CS_SHA256_LEN])
{
	size_t i = leaf, k, first, n;

	for (k = 0; k < level; k++)
		i /= TPM_OR_MAX;
	first = i - i % TPM_OR_MAX;
	n = t->count[level] - first;
	if (n > TPM_OR_MAX)
		n = TPM_OR_MAX;
	memcpy(ret, t->digest[t->at[level] + first], n * CS_SHA256_LEN);
	if (n == 1) {
		memcpy(ret[1], ret[0], CS_SHA256_LEN);
		n = 2;
	}
	return n;
}

static int
make_levels(struct tpm_tree *t)
{
	uint8_t branch[TPM_OR_MAX][CS_SHA256_LEN];
	size_t level, i, n, first = 1;
	int r = 0;

	for (level = 0; level < t->nlevels; level++, first *= TPM_OR_MAX)
		for (i = 0; r == 0 && i < t->count[level + 1]; i++) {
			n = tpm_tree_branches(t, i * first * TPM_OR_MAX, level,
			    branch);
			r = tpm_policy_or(t->digest[t->at[level + 1] + i],
			    (const uint8_t(*)[CS_SHA256_LEN])branch, n);
		}
	return r;
}

static int
allocate(struct tpm_tree *t)
{
	size_t total, n = count_leaves(t);

	t->count[0] = total = n;
	while (n > 1) {
		if (t->nlevels == LEVELS_MAX)
			return CS_E_QUORUM_SIZE;
		n = (n + TPM_OR_MAX - 1) / TPM_OR_MAX;
		t->nlevels++;
		t->at[t->nlevels] = total;
		t->count[t->nlevels] = n;
		total += n;
	}
	t->digest = calloc(total, CS_SHA256_LEN);
	return t->digest == NULL ? CS_E_NOMEM : 0;
}

int
tpm_tree_make(const struct quorum *q, const uint8_t start[CS_SHA256_LEN],
    const char *ref, struct tpm_tree **ret, struct diag *d)
{
	_cleanup_tpm_tree_ struct tpm_tree *t = calloc(1, sizeof(*t));
	uint8_t names[QUORUM_MAX_KEYS][TPM_NAME_LEN];
	size_t i;
	int r;

	if (t == NULL)
		return diag_nomem(d);
	r = quorum_check(q, d);
	t->threshold = q->threshold;
	t->nkeys = q->n;
	for (i = 0; r == 0 && i < q->n; i++) {
		memcpy(t->people[i], q->keys[i].person, sizeof(t->people[i]));
		r = tpm_key_name(q->keys[i].key, names[i], d);
	}
	if (r != 0)
		return r;
	r = allocate(t);
	if (r == 0)
		r = make_leaves(t, start, names, ref);
	if (r == 0)
		r = make_levels(t);
	if (r != 0)
		return diag_fail(d, r, NULL, "the tree of approvals");
	*ret = take_ptr(t);
	return 0;
}

void
tpm_tree_top(const struct tpm_tree *t, uint8_t ret[CS_SHA256_LEN])
{
	memcpy(ret, t->digest[t->at[t->nlevels]], CS_SHA256_LEN);
}

size_t
tpm_tree_leaves(const struct tpm_tree *t)
{
	return t->count[0];
}

size_t
tpm_tree_levels(const struct tpm_tree *t)
{
	return t->nlevels;
}

int
tpm_tree_leaf(const struct tpm_tree *t, const size_t *places, size_t *ret)
{
	size_t set[QUORUM_MAX_KEYS], n = 0;

	first_set(set, t->threshold);
	do {
		if (!distinct(t, set))
			continue;
		if (memcmp(set, places, t->threshold * sizeof(*set)) == 0) {
			*ret = n;
			return 0;
		}
		n++;
	} while (next_set(set, t->threshold, t->nkeys));
	return CS_E_TPM_QUORUM;
}
