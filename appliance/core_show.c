/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "appliance/core.h"
#include "lib/canon.h"
#include "lib/hex.h"

#define LOG_LINES 20u

struct counts {
	unsigned int n[REQ_LAPSED + 1];
};

static int
count_states(void *arg, const struct ledger_request *q)
{
	struct counts *k = arg;

	if ((size_t)q->state < ARRAY_LEN(k->n))
		k->n[q->state]++;
	return 0;
}

static int
status_log(struct core *c)
{
	char words[200];
	uint8_t root[32];
	int r;

	r = ledger_root(c->ledger, root);
	if (r == 0)
		r = pgp_words(root, 8, words, sizeof(words));
	if (r != 0)
		return r;
	return say(c,
	    "  log        %llu leaves, %s, boot %llu\n"
	    "             root words: %s\n",
	    (unsigned long long)ledger_size(c->ledger),
	    ledger_checkpointed(c->ledger) != 0 ? "checkpoint signed" :
						  "CHECKPOINT DUE",
	    (unsigned long long)ledger_boot(c->ledger), words);
}

int
verb_status(struct core *c, char **argv, size_t argc, struct diag *d)
{
	struct counts k = { { 0 } };
	char now[21], floor[21], words[200];
	int r;

	(void)argv;
	(void)argc;
	time_format(core_now(), now);
	time_format(ledger_floor(c->ledger), floor);
	r = pgp_words(c->policy->digest, 8, words, sizeof(words));
	if (r == 0)
		r = ledger_requests(c->ledger, count_states, &k, d);
	if (r == 0)
		r = say(c, "  appliance  %s%s\n", c->origin,
		    c->policy->rehearsal ? " (rehearsal)" : "");
	if (r == 0)
		r = status_log(c);
	if (r == 0)
		r = say(c,
		    "  policy     version %llu, \"%s\"\n"
		    "             words: %s\n",
		    (unsigned long long)c->policy->version, c->policy->name,
		    words);
	if (r == 0)
		r = say(c, "  clock      %s, last logged time %s%s\n", now,
		    floor,
		    core_clock_check(core_now(), ledger_floor(c->ledger),
			NULL) != 0 ?
			"  THE CLOCK IS WRONG" :
			"");
	if (r == 0)
		r = hsmlog_status(c);
	if (r == 0)
		r = receipt_status(c);
	if (r == 0)
		r = say(c,
		    "  requests   %u pending, %u signed, %u refused, "
		    "%u rejected\n",
		    k.n[REQ_PENDING], k.n[REQ_SIGNED], k.n[REQ_REFUSED],
		    k.n[REQ_REJECTED]);
	return r;
}

static int
list_row(void *arg, const struct ledger_request *q)
{
	struct buf *out = arg;
	char when[21];

	time_format((int64_t)q->time, when);
	return buf_putf(out, "  %4llu  %-10s %s  by %-12s %s\n",
	    (unsigned long long)q->n, case_state(q), when, q->requester, q->id);
}

int
verb_list(struct core *c, char **argv, size_t argc, struct diag *d)
{
	struct buf out = BUF_INIT(16u << 20);
	int r;

	(void)argv;
	(void)argc;
	r = ledger_requests(c->ledger, list_row, &out, d);
	if (r == 0 && out.len == 0)
		r = say(c,
		    "no requests yet; put the IN medium in and type "
		    "intake\n");
	else if (r == 0)
		r = page_show(c, &out);
	buf_done(&out);
	return r;
}

int
verb_show(struct core *c, char **argv, size_t argc, struct diag *d)
{
	_cleanup_case_ struct case_file f = { 0 };
	struct buf out = BUF_INIT(16u << 20);
	uint64_t n = 0;
	int r;

	(void)argc;
	r = parse_number(argv[0], &n, d);
	if (r == 0)
		r = case_load(c, n, &f, d);
	if (r == 0)
		r = case_view(c, &f, &out);
	if (r == 0)
		r = page_show(c, &out);
	buf_done(&out);
	return r;
}

static int
put_list(struct buf *out, const struct policy_str_list *l)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < l->n; i++)
		r = buf_putf(out, "%s%s", i == 0 ? "" : ", ", l->v[i]);
	return r;
}

/* May this person approve what at least one of the requesters asks for? */
static bool
may_approve(const struct policy *p, const struct policy_rule *rule,
    const struct policy_principal *who)
{
	size_t i;

	for (i = 0; i < rule->requesters.n; i++)
		if (evaluate_may_approve(p, rule,
			policy_principal_by_id(p, rule->requesters.v[i]), who,
			core_now(), NULL) == 0)
			return true;
	return false;
}

/* The people who could approve under a rule at this moment. */
static int
put_approvers(struct buf *out, const struct policy *p,
    const struct policy_rule *rule)
{
	size_t i, n = 0;
	int r = 0;

	for (i = 0; r == 0 && i < p->nprincipals; i++)
		if (may_approve(p, rule, &p->principals[i]))
			r = buf_putf(out, "%s%s", n++ == 0 ? "" : ", ",
			    p->principals[i].id);
	return r == 0 && n == 0 ? buf_putf(out, "NOBODY") : r;
}

static int
put_rule(struct buf *out, const struct policy *p,
    const struct policy_rule *rule)
{
	int r;

	r = buf_putf(out, "  %s: product %s, keys ", rule->id, rule->product);
	if (r == 0)
		r = put_list(out, &rule->keys);
	if (r == 0)
		r = buf_putf(out, "\n    asked for by ");
	if (r == 0)
		r = put_list(out, &rule->requesters);
	if (r == 0)
		r = buf_putf(out, "; any %llu of ",
		    (unsigned long long)rule->threshold);
	if (r == 0)
		r = put_approvers(out, p, rule);
	return r == 0 ?
	    buf_putf(out, "%s\n",
		rule->distinct_organisations ? ", of distinct organisations" :
					       "") :
	    r;
}

int
verb_policy(struct core *c, char **argv, size_t argc, struct diag *d)
{
	struct buf out = BUF_INIT(1u << 20);
	char hex[120];
	size_t i;
	int r;

	(void)argv;
	(void)argc;
	(void)d;
	r = hex_groups(c->policy->digest, 32, hex, sizeof(hex));
	if (r == 0)
		r = buf_putf(&out,
		    "policy version %llu, \"%s\"\n  sha256 %s\n"
		    "rules:\n",
		    (unsigned long long)c->policy->version, c->policy->name,
		    hex);
	for (i = 0; r == 0 && i < c->policy->nrules; i++)
		r = put_rule(&out, c->policy, &c->policy->rules[i]);
	if (r == 0)
		r = page_show(c, &out);
	buf_done(&out);
	return r;
}

int
verb_keys(struct core *c, char **argv, size_t argc, struct diag *d)
{
	struct buf out = BUF_INIT(1u << 20);
	char until[21], hex[65];
	size_t i;
	int r = 0;

	(void)argv;
	(void)argc;
	(void)d;
	for (i = 0; r == 0 && i < c->policy->nkeys; i++) {
		const struct policy_key *k = &c->policy->keys[i];

		time_format(k->valid_until, until);
		hex_encode(k->key->id, 32, hex);
		r = buf_putf(&out,
		    "  %-16s %s, %s, domain %s, until %s\n"
		    "    public key sha256 %s\n    products ",
		    k->id, key_alg_name(k->alg), k->state, k->domain, until,
		    hex);
		if (r == 0)
			r = put_list(&out, &k->products);
		if (r == 0)
			r = buf_putf(&out, "; format ");
		if (r == 0)
			r = put_list(&out, &k->formats);
		if (r == 0)
			r = buf_putf(&out, "\n");
	}
	if (r == 0)
		r = page_show(c, &out);
	buf_done(&out);
	return r;
}

/* "  12 2026-11-25T02:00:00Z approval        alice ..." */
static int
put_leaf(struct core *c, struct buf *out, uint64_t i, struct diag *d)
{
	static const char *const extra[] = { "data.person", "data.decision",
		"data.check", "data.result", "data.request", "data.artifact" };
	_cleanup_free_ char *line = NULL;
	char event[40] = "", value[80], safe[81], when[21];
	uint64_t claimed = 0;
	size_t len, k;
	int r;

	r = ledger_leaf(c->ledger, i, &line, &len, d);
	if (r != 0)
		return r;
	if (canon_get_str(line, len, "event", event, sizeof(event), NULL) !=
		0 ||
	    canon_get_u64(line, len, "time.claimed", &claimed, NULL) != 0)
		return diag_fail(d, CS_E_LEDGER_LEAF, "an event", "leaf %llu",
		    (unsigned long long)i);
	time_format((int64_t)claimed, when);
	r = buf_putf(out, "  %6llu %s %-16s", (unsigned long long)i, when,
	    event);
	for (k = 0; r == 0 && k < ARRAY_LEN(extra); k++) {
		if (canon_get_str(line, len, extra[k], value, sizeof(value),
			NULL) != 0)
			continue;
		text_sanitise(value, strnlen(value, 20), safe, sizeof(safe));
		r = buf_putf(out, " %s", safe);
	}
	return r == 0 ? buf_putf(out, "\n") : r;
}

int
verb_log(struct core *c, char **argv, size_t argc, struct diag *d)
{
	struct buf out = BUF_INIT(16u << 20);
	uint64_t n = LOG_LINES, size = ledger_size(c->ledger), i;
	int r = 0;

	if (argc > 0)
		r = parse_number(argv[0], &n, d);
	for (i = size > n ? size - n : 0; r == 0 && i < size; i++)
		r = put_leaf(c, &out, i, d);
	if (r == 0)
		r = page_show(c, &out);
	buf_done(&out);
	return r;
}
