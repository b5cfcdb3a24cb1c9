/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/quorum.h"

#include <stdio.h>
#include <string.h>

void
quorum_done(struct quorum *q)
{
	while (q->n > 0)
		pubkey_free(&q->keys[--q->n].key);
}

int
quorum_find(const struct quorum *q, const struct pubkey *k)
{
	size_t i;

	for (i = 0; i < q->n; i++)
		if (pubkey_equal(q->keys[i].key, k))
			return (int)i;
	return -1;
}

/* TPM2_PolicySigned takes these; no TPM knows Ed25519 */
static int
key_ok(const struct pubkey *k)
{
	int bits = EVP_PKEY_get_bits(k->pkey);

	if (EVP_PKEY_is_a(k->pkey, "RSA"))
		return bits == 2048 || bits == 3072;
	return pubkey_fits(k, KEY_P256) || pubkey_fits(k, KEY_P384);
}

int
quorum_add(struct quorum *q, const char *person, const uint8_t *spki,
    size_t len, struct diag *d)
{
	_cleanup_pubkey_ struct pubkey *k = NULL;
	size_t i;
	int r;

	if (q->n == QUORUM_MAX_KEYS)
		return diag_fail(d, CS_E_QUORUM_SIZE, "at most 12 keys",
		    "one more, of %.47s", person);
	if (person[0] == '\0' || strlen(person) > QUORUM_PERSON_MAX)
		return diag_fail(d, CS_E_QUORUM_KEY, "a person's ID",
		    "\"%.60s\"", person);
	r = pubkey_from_spki(spki, len, &k, d);
	if (r != 0)
		return r;
	if (!key_ok(k))
		return diag_fail(d, CS_E_QUORUM_KEY,
		    "P-256, P-384, RSA-2048 or RSA-3072",
		    "another key of %.47s", person);
	if (quorum_find(q, k) >= 0)
		return diag_fail(d, CS_E_QUORUM_KEY, "each key once",
		    "a key twice, of %.47s", person);
	for (i = q->n; i > 0 && memcmp(q->keys[i - 1].key->id, k->id, 32) > 0;
	     i--)
		q->keys[i] = q->keys[i - 1];
	memset(&q->keys[i], 0, sizeof(q->keys[i]));
	(void)snprintf(q->keys[i].person, sizeof(q->keys[i].person), "%s",
	    person);
	q->keys[i].key = take_ptr(k);
	q->n++;
	return 0;
}

static size_t
people(const struct quorum *q)
{
	size_t i, j, n = 0;

	for (i = 0; i < q->n; i++) {
		for (j = 0; j < i; j++)
			if (strcmp(q->keys[i].person, q->keys[j].person) == 0)
				break;
		n += j == i;
	}
	return n;
}

int
quorum_check(const struct quorum *q, struct diag *d)
{
	size_t n = people(q);

	if (q->threshold == 0 || q->threshold > n)
		return diag_fail(d, CS_E_QUORUM_SIZE,
		    "a threshold of 1 up to the number of people",
		    "%u of %zu people", q->threshold, n);
	return 0;
}

static bool
rule_in_domain(const struct policy *p, const struct policy_rule *rule,
    const char *domain)
{
	size_t i;

	for (i = 0; i < p->nkeys; i++)
		if (strcmp(p->keys[i].domain, domain) == 0 &&
		    policy_list_has(&rule->keys, p->keys[i].id))
			return true;
	return false;
}

static int
add_approvers(const struct policy *p, const struct policy_rule *rule,
    struct quorum *q, struct diag *d)
{
	size_t i, k;
	int r = 0;

	for (i = 0; r == 0 && i < p->nprincipals; i++) {
		const struct policy_principal *w = &p->principals[i];

		if (strcmp(w->kind, "person") != 0 ||
		    !policy_lists_meet(&w->roles, &rule->roles))
			continue;
		for (k = 0; r == 0 && k < w->nkeys; k++)
			if (quorum_find(q, w->keys[k]) < 0)
				r = quorum_add(q, w->id, w->keys[k]->spki,
				    w->keys[k]->spki_len, d);
	}
	return r;
}

int
quorum_of_domain(const struct policy *p, const char *domain, struct quorum *ret,
    struct diag *d)
{
	_cleanup_quorum_ struct quorum q = { 0 };
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < p->nrules; i++) {
		const struct policy_rule *rule = &p->rules[i];

		if (!rule_in_domain(p, rule, domain))
			continue;
		if (q.threshold == 0 || rule->threshold < q.threshold)
			q.threshold = (uint32_t)rule->threshold;
		r = add_approvers(p, rule, &q, d);
	}
	/* they may sign too; that they must be more people is counted later */
	if (r == 0 && q.threshold != 0 && p->has_break_glass)
		r = add_approvers(p, &p->break_glass, &q, d);
	if (r == 0 && q.threshold == 0)
		r = diag_fail(d, CS_E_QUORUM_NONE,
		    "a rule for a key of each domain", "%.60s", domain);
	if (r == 0)
		r = quorum_check(&q, d);
	if (r != 0)
		return r;
	*ret = q;
	q = (struct quorum){ 0 };
	return 0;
}

void
quorum_ref(const char *domain, char out[QUORUM_REF_MAX])
{
	(void)snprintf(out, QUORUM_REF_MAX, "coldseal domain %.40s", domain);
}

int
quorum_challenge(const uint8_t nonce[QUORUM_NONCE_LEN], const char *ref,
    struct buf *out)
{
	int r = buf_put(out, nonce, QUORUM_NONCE_LEN);

	if (r == 0)
		r = buf_put_u32(out, QUORUM_VOTE_S);
	return r == 0 ? buf_put(out, ref, strlen(ref)) : r;
}
