/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The gates that a request passes at intake, and again before it is signed,
 * for time goes by between the two: its evidence, the rule's windows and
 * caps, the key's cap, the policy's review.
 */

#include <string.h>

#include "appliance/core.h"
#include "lib/hex.h"

void
evidence_set_done(struct evidence_set *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		free(s->owned[i]);
	free(s->owned);
	free(s->v);
	*s = (struct evidence_set){ 0 };
}

int
evidence_load(struct core *c, const struct request *q, struct evidence_set *ret,
    struct diag *d)
{
	char hex[CS_SHA256_HEX + 1];
	size_t i;
	int r;

	ret->v = calloc(q->nevidence + 1, sizeof(*ret->v));
	ret->owned = calloc(q->nevidence + 1, sizeof(*ret->owned));
	if (ret->v == NULL || ret->owned == NULL)
		return diag_nomem(d);
	for (i = 0; i < q->nevidence; i++) {
		struct evidence_doc *v = &ret->v[i];

		hex_encode(q->evidence[i].sha256, CS_SHA256_LEN, hex);
		r = ledger_blob_get(c->ledger, hex, CORE_EVIDENCE_MAX,
		    &ret->owned[i], &v->len, d);
		if (r != 0)
			return r;
		v->name = q->evidence[i].name;
		v->data = ret->owned[i];
		ret->n = i + 1;
	}
	return 0;
}

struct past {
	struct ledger *ledger;
	struct diag *d;
};

static int
count_signatures(void *arg, const char *rule, const char *key, int64_t from,
    int64_t until, uint64_t *ret)
{
	struct past *p = arg;

	return ledger_signatures(p->ledger, rule, key, from, until, ret, p->d);
}

/* Each artifact that may be signed but once. */
static int
check_once(struct core *c, const struct request *q, struct checks *ck,
    struct diag *d)
{
	const struct sigfmt *f = sigfmt_by_name(q->format);
	char hex[CS_SHA256_HEX + 1];
	bool before = false;
	size_t i;
	int r = 0;

	if (f == NULL || (f->flags & SIGFMT_F_ONCE) == 0)
		return 0;
	for (i = 0; r == 0 && !before && i < q->st->nsubjects; i++) {
		hex_encode(q->st->subjects[i].digest[HASH_SHA256],
		    CS_SHA256_LEN, hex);
		r = ledger_signed_before(c->ledger, hex, q->key, &before, d);
	}
	return r != 0 ?
	    r :
	    checks_add(ck, CS_E_X509_SERIAL, !before,
		"an artifact that the key has not signed", "%.80s, sha256 %s",
		q->st->subjects[i - 1].name, hex);
}

int
core_gates(struct core *c, const struct request *q,
    const struct policy_rule *rule, const struct evidence_doc *docs, size_t n,
    int64_t now, struct checks *ck, struct diag *d)
{
	struct past p = { c->ledger, d };
	const struct evaluate_past past = { count_signatures, &p };
	int r;

	r = evaluate_limits(c->policy, q, rule, now, &past, ck);
	if (r == 0)
		r = check_once(c, q, ck, d);
	if (r == 0)
		r = evaluate_evidence(c->policy, q, rule, docs, n, now, ck);
	return r;
}
