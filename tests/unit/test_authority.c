/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/authority_impl.h"
#include "lib/json.h"
#include "lib/policy_impl.h"
#include "tests/lib/documents.h"

#define PR "/principals/"

static char *
take(struct buf *b)
{
	char *text;

	assert_int_equal(buf_put(b, "", 1), 0);
	text = strdup((char *)b->p);
	buf_done(b);
	return text;
}

static char *
text_of(const struct policy *p, const struct authority_opts *o)
{
	_cleanup_authority_ struct authority *a = NULL;
	struct buf out = BUF_INIT(1 << 24);

	assert_int_equal(authority_of(p, o, &a, NULL), 0);
	assert_int_equal(authority_text(a, &out), 0);
	return take(&out);
}

static void
need(const char *what, const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("%s: no\n%s\nin\n%s", what, part, text);
}

/* Who can sign under the plain policy, in full. */
static void
test_text(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	const struct authority_opts o = { .at = DOC_NOW };
	_cleanup_free_ char *text = text_of(p, &o);

	(void)state;
	assert_string_equal(text,
	    "boot, key relcms (cms), rule boot\n"
	    "    any 2 of alice (acme), bob (acme), carol (zeta), dev (acme), "
	    "each of another organisation\n"
	    "    that is: alice and carol; bob and carol; carol and dev\n"
	    "    asked for by ci\n"
	    "    until 2027-01-01T00:00:00Z (then too few people are left)\n"
	    "firmware, key rel (raw), rule fw\n"
	    "    any 2 of alice, bob, carol, dev\n"
	    "    asked for by ci, dev\n"
	    "    dev cannot approve what dev asked for\n"
	    "    until 2027-01-01T00:00:00Z (then too few people are left)\n"
	    "firmware, key rel384 (raw), rule fw\n"
	    "    any 2 of alice, bob, carol, dev\n"
	    "    asked for by ci, dev\n"
	    "    dev cannot approve what dev asked for\n"
	    "    until 2027-01-01T00:00:00Z (then too few people are left)\n"
	    "spare, key rel384\n"
	    "    NOBODY: no rule is for it\n"
	    "administration\n"
	    "    any 2 of alice, bob\n"
	    "    until 2027-01-01T00:00:00Z (then too few people are left)\n");
}

/* One change, and what the row of the key rel says of it. */
static const struct {
	struct doc_change c;
	const char *part;
} changed[] = {
	{ { "/keys/0/state", "'retired'" }, "NOBODY: the key is retired\n" },
	{ { "/keys/0/valid_from", "'2026-12-01T00:00:00Z'" },
	    "NOBODY: the key is valid only from 2026-12-01T00:00:00Z\n" },
	{ { "/keys/0/valid_until", "'2026-02-01T00:00:00Z'" },
	    "NOBODY: the key was valid until 2026-02-01T00:00:00Z\n" },
	{ { "/keys/0/valid_until", "'2026-12-01T00:00:00Z'" },
	    "until 2026-12-01T00:00:00Z (then the key ends)\n" },
	{ { PR "2/valid_until", "'2026-12-01T00:00:00Z'" },
	    "any 2 of alice, bob, carol, dev\n" },
	{ { PR "2/valid_until", "'2026-11-01T00:00:00Z'" },
	    "any 2 of bob, carol, dev\n" },
	{ { PR "2/valid_from", "'2026-12-01T00:00:00Z'" },
	    "any 2 of bob, carol, dev\n" },
	{ { "/rules/0/approvals/threshold", "4" }, "any 4 of alice, bob" },
	{ { "/rules/0/approvals/distinct_organisations", "true" },
	    "each of another organisation\n" },
	{ { "/rules/0/requesters", "['dev']" }, "asked for by dev\n" },
	{ { "/keys/0/valid_until", "'2026-11-18T11:06:40Z'" },
	    "until 2026-11-18T11:06:40Z (then the key ends)\n" },
	{ { "/keys/0/valid_until", "'2026-11-18T11:06:39Z'" }, "NOBODY" },
	{ { "/keys/0/valid_from", "'2026-11-18T11:06:40Z'" }, "any 2 of" },
};

static void
test_changed(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(changed); i++) {
		const struct authority_opts o = { .at = DOC_NOW, .key = "rel" };
		_cleanup_policy_ struct policy *p =
		    doc_policy(&changed[i].c, 1);
		_cleanup_free_ char *text = text_of(p, &o);

		need(changed[i].c.pointer, text, changed[i].part);
		assert_null(strstr(text, "rel384"));
		assert_null(strstr(text, "administration"));
	}
}

/* --- what is set by hand --------------------------------------------------- */
static struct policy_window windows[2];
static const char *roles[] = { "officer" };

static void
set_window(struct policy *p, int64_t from, int64_t until)
{
	windows[0] = (struct policy_window){ from, until, 0 };
	p->rules[0].windows = windows;
	p->rules[0].nwindows = 1;
}

static void
set_open(struct policy *p)
{
	set_window(p, DOC_NOW, DOC_NOW + 1);
}

static void
set_later(struct policy *p)
{
	set_window(p, DOC_NOW + 1, DOC_NOW + 2);
}

static void
set_past(struct policy *p)
{
	set_window(p, DOC_NOW - 2, DOC_NOW - 1);
}

static void
set_past_and_later(struct policy *p)
{
	set_later(p);
	windows[1] = (struct policy_window){ DOC_NOW - 9, DOC_NOW - 8, 0 };
	p->rules[0].nwindows = 2;
}

static void
set_review(struct policy *p)
{
	p->review_by = DOC_NOW - 10;
	p->review_warning = 10;
}

static void
set_overdue(struct policy *p)
{
	p->review_by = DOC_NOW - 10;
	p->review_warning = 9;
}

/* alice and bob stay; of acme only */
static void
set_people(struct policy *p)
{
	p->principals[1].valid_until = DOC_NOW + 5;
	p->principals[4].valid_until = DOC_NOW + 6;
	p->principals[3].valid_until = DOC_NOW + 7;
}

static void
set_gone(struct policy *p)
{
	p->principals[1].valid_until = DOC_NOW - 1;
	p->principals[2].valid_until = DOC_NOW - 1;
	p->principals[4].valid_until = DOC_NOW - 1;
}

static void
set_one_organisation(struct policy *p)
{
	p->rules[0].distinct_organisations = true;
	p->principals[4].valid_until = DOC_NOW - 1;
}

static void
set_organisation_ends(struct policy *p)
{
	p->rules[0].distinct_organisations = true;
	p->principals[4].valid_until = DOC_NOW + 9;
	p->principals[3].valid_until = DOC_NOW + 3;
}

static void
set_no_requester(struct policy *p)
{
	p->principals[0].valid_until = DOC_NOW - 1;
	p->principals[1].valid_until = DOC_NOW - 1;
}

static void
set_requester_ends(struct policy *p)
{
	p->principals[0].valid_until = DOC_NOW + 4;
	p->principals[1].valid_until = DOC_NOW + 3;
}

static void
set_system(struct policy *p)
{
	p->principals[2].kind = "system";
}

static void
set_break_glass(struct policy *p)
{
	set_overdue(p);
	p->review_warning = 20;
	p->has_break_glass = true;
	p->break_glass = (struct policy_rule){ .id = POLICY_RULE_BREAK_GLASS,
		.product = POLICY_RULE_BREAK_GLASS,
		.threshold = 3,
		.roles = { roles, 1 },
		.requester_excluded = true };
}

static const struct {
	void (*set)(struct policy *);
	const char *part;
} by_hand[] = {
	{ set_open, "until 2026-11-18T11:06:41Z (then the window closes)\n" },
	{ set_later,
	    "NOBODY: the rule's next window opens at "
	    "2026-11-18T11:06:41Z\n" },
	{ set_past_and_later,
	    "NOBODY: the rule's next window opens at "
	    "2026-11-18T11:06:41Z\n" },
	{ set_past,
	    "NOBODY: the rule's last window closed at "
	    "2026-11-18T11:06:39Z\n" },
	{ set_review,
	    "until 2026-11-18T11:06:40Z (then the policy must be "
	    "reviewed)\n" },
	{ set_overdue,
	    "NOBODY: the policy's review is overdue, signing "
	    "stopped at 2026-11-18T11:06:39Z\n" },
	{ set_people,
	    "until 2026-11-18T11:06:47Z (then too few people are "
	    "left)\n" },
	{ set_gone, "NOBODY: 2 people must approve and 1 can\n" },
	{ set_one_organisation,
	    "NOBODY: people of 2 organisations must approve and those who can "
	    "are of 1\n" },
	{ set_organisation_ends,
	    "until 2026-11-18T11:06:49Z (then too few people are left)\n" },
	{ set_no_requester,
	    "NOBODY: nobody who may ask for it is valid now\n" },
	{ set_requester_ends,
	    "until 2026-11-18T11:06:44Z (then nobody is left to ask)\n" },
	{ set_system, "any 2 of bob, carol, dev\n" },
	{ set_break_glass,
	    "break-glass\n    any 3 of alice, bob, carol, dev\n    until "
	    "2026-11-18T11:06:50Z (then the policy must be reviewed)\n" },
};

static void
test_by_hand(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(by_hand); i++) {
		const struct authority_opts o = { .at = DOC_NOW, .key = "rel" };
		const struct authority_opts all = { .at = DOC_NOW };
		_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
		_cleanup_free_ char *text = NULL, *whole = NULL;

		by_hand[i].set(p);
		text = text_of(p, &o);
		whole = text_of(p, &all);
		p->rules[0].windows = NULL;
		p->break_glass = (struct policy_rule){ 0 };
		need("by hand", text, by_hand[i].part);
		/* a review never stops the change that repairs it */
		if (by_hand[i].set == set_overdue)
			need("administration", whole,
			    "administration\n    any 2 of alice, bob\n");
	}
}

static bool
granted(void *arg, const char *rule, uint64_t *ret)
{
	(void)arg;
	*ret = 42;
	return strcmp(rule, "fw") == 0;
}

static void
test_filters(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	struct authority_opts o = { .at = DOC_NOW, .person = "bob" };
	_cleanup_free_ char *bob = text_of(p, &o), *olga = NULL, *ci = NULL;
	_cleanup_free_ char *leaf = NULL;
	struct authority *a = NULL;
	struct diag d = { 0 };

	(void)state;
	assert_non_null(strstr(bob, "administration"));
	assert_null(strstr(bob, "spare"));
	o.person = "olga";
	olga = text_of(p, &o);
	assert_string_equal(olga, "");
	o.person = "ci";
	ci = text_of(p, &o);
	assert_non_null(strstr(ci, "rule fw"));
	assert_null(strstr(ci, "administration"));
	o.person = NULL;
	o.granted = granted;
	leaf = text_of(p, &o);
	need("leaf", leaf, "    granted at leaf 42\nspare");
	assert_null(strstr(strstr(leaf, "spare"), "leaf"));
	o.person = "nobody";
	assert_int_equal(authority_of(p, &o, &a, &d), CS_E_AUTHORITY_NAME);
	assert_null(a);
	o.person = NULL;
	o.key = "none";
	assert_int_equal(authority_of(p, &o, &a, &d), CS_E_AUTHORITY_NAME);
}

static void
test_json(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	const struct authority_opts o = { .at = DOC_NOW,
		.key = "relcms",
		.granted = granted };
	_cleanup_authority_ struct authority *a = NULL;
	_cleanup_json_ json_t *j = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(authority_of(p, &o, &a, NULL), 0);
	assert_int_equal(authority_json(a, &j), 0);
	assert_int_equal(json_canonical(j, &text, &len), 0);
	assert_string_equal(text,
	    "[{\"distinct_organisations\":true,\"formats\":[\"cms\"],"
	    "\"key\":\"relcms\",\"more_sets\":0,\"people\":["
	    "{\"id\":\"alice\",\"organisation\":\"acme\",\"valid_until\":"
	    "\"2027-01-01T00:00:00Z\"},{\"id\":\"bob\",\"organisation\":"
	    "\"acme\",\"valid_until\":\"2027-01-01T00:00:00Z\"},{\"id\":"
	    "\"carol\",\"organisation\":\"zeta\",\"valid_until\":"
	    "\"2027-01-01T00:00:00Z\"},{\"id\":\"dev\",\"organisation\":"
	    "\"acme\",\"valid_until\":\"2027-01-01T00:00:00Z\"}],"
	    "\"possible\":true,\"product\":\"boot\",\"requester_excluded\":"
	    "true,\"requesters\":[{\"id\":\"ci\",\"organisation\":\"acme\","
	    "\"valid_until\":\"2027-01-01T00:00:00Z\"}],\"rule\":\"boot\","
	    "\"sets\":[[\"alice\",\"carol\"],[\"bob\",\"carol\"],[\"carol\","
	    "\"dev\"]],\"threshold\":2,\"until\":\"2027-01-01T00:00:00Z\","
	    "\"until_because\":\"then too few people are left\"}]");
}

static char *
json_of(const struct policy *p)
{
	const struct authority_opts o = { .at = DOC_NOW,
		.key = "rel",
		.granted = granted };
	_cleanup_authority_ struct authority *a = NULL;
	_cleanup_json_ json_t *j = NULL;
	char *text = NULL;
	size_t len = 0;

	assert_int_equal(authority_of(p, &o, &a, NULL), 0);
	assert_int_equal(authority_json(a, &j), 0);
	assert_int_equal(json_canonical(j, &text, &len), 0);
	return text;
}

static void
test_json_more(void **state)
{
	static const struct doc_change c[] = {
		{ "/keys/0/state", "'revoked'" },
		{ "/keys/0/reason", "'lost'" },
	};
	_cleanup_policy_ struct policy *p = doc_policy(c, 2);
	_cleanup_free_ char *text = json_of(p);

	(void)state;
	need("revoked", text, "\"why_not\":\"the key is revoked\"");
	need("revoked", text, "\"possible\":false");
	need("leaf", text, "\"granted_at_leaf\":42");
	assert_null(strstr(text, "until_because"));
}

static void
test_csv(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	const struct authority_opts o = { .at = DOC_NOW, .granted = granted };
	_cleanup_authority_ struct authority *a = NULL;
	struct buf out = BUF_INIT(1 << 20);
	_cleanup_free_ char *text = NULL;

	(void)state;
	p->rules[0].product = "=cmd|\"x\",1\xc3\xa9\n";
	assert_int_equal(authority_of(p, &o, &a, NULL), 0);
	assert_int_equal(authority_csv(a, &out), 0);
	text = take(&out);
	need("header", text,
	    "\"product\",\"key\",\"formats\",\"rule\",\"possible\","
	    "\"threshold\",\"distinct_organisations\",\"people\","
	    "\"requesters\",\"sets\",\"until\",\"because\","
	    "\"granted_at_leaf\"\r\n");
	need("boot", text,
	    "\r\n\"boot\",\"relcms\",\"cms\",\"boot\",\"yes\",\"2\",\"yes\","
	    "\"alice bob carol dev\",\"ci\",\"alice carol; bob carol; carol "
	    "dev\",\"2027-01-01T00:00:00Z\",\"then too few people are left\","
	    "\"\"\r\n");
	need("formula", text,
	    "\r\n\"'=cmd|\"\"x\"\",1\\xc3\\xa9 \",\"rel\",\"raw\",\"fw\"");
	need("leaf", text, "\"42\"\r\n");
	need("no rule", text,
	    "\"spare\",\"rel384\",\"raw\",\"\",\"no\",\"\",\"\",\"\",\"\",\"\","
	    "\"\",\"no rule is for it\",\"\"\r\n");
}

static void
test_formulas(void **state)
{
	static const char *const bad[] = { "=1", "+1", "-1", "@x" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
		const struct authority_opts o = { .at = DOC_NOW };
		_cleanup_authority_ struct authority *a = NULL;
		struct buf out = BUF_INIT(1 << 20);
		_cleanup_free_ char *text = NULL;
		char want[16];

		p->rules[0].product = bad[i];
		assert_int_equal(authority_of(p, &o, &a, NULL), 0);
		assert_int_equal(authority_csv(a, &out), 0);
		text = take(&out);
		(void)snprintf(want, sizeof(want), "\n\"'%s\",", bad[i]);
		need(bad[i], text, want);
	}
}

/* --- sets ------------------------------------------------------------------ */
#define MANY 40

struct seen {
	const struct authority_group *g;
	size_t n, stop;
	size_t last[16];
};

static int
see(void *arg, const size_t *set, size_t n)
{
	struct seen *s = arg;
	size_t i, k;

	assert_int_equal(n, s->g->rule->threshold);
	/* rising, each set after the one before, organisations different */
	for (i = 1; i < n; i++)
		assert_true(set[i] > set[i - 1]);
	for (i = 0; s->n > 0 && i < n && set[i] == s->last[i]; i++)
		continue;
	assert_true(s->n == 0 || (i < n && set[i] > s->last[i]));
	for (i = 0; s->g->rule->distinct_organisations && i < n; i++)
		for (k = 0; k < i; k++)
			assert_string_not_equal(s->g->people[set[i]]
						    ->organisation,
			    s->g->people[set[k]]->organisation);
	memcpy(s->last, set, n * sizeof(*set));
	return ++s->n == s->stop ? 7 : 0;
}

static void
sets(uint64_t threshold, size_t people, size_t organisations, uint64_t want)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f",
		"g" };
	struct policy_principal who[MANY] = { 0 };
	const struct policy_principal *v[MANY];
	struct policy_rule u = { .threshold = threshold,
		.distinct_organisations = organisations > 0 };
	struct authority_group g = { .rule = &u,
		.people = v,
		.npeople = people };
	struct seen s = { .g = &g };
	size_t i;

	for (i = 0; i < people; i++) {
		who[i].id = "x";
		who[i].organisation =
		    names[organisations == 0 ? 0 : i % organisations];
		v[i] = &who[i];
	}
	assert_int_equal(authority_count(&g, &g.sets), 0);
	assert_int_equal(g.sets, want);
	assert_int_equal(authority_sets(&g, 5000, see, &s), 0);
	assert_int_equal(s.n, want > 5000 ? 5000 : want);
	if (want < 2)
		return;
	s = (struct seen){ .g = &g, .stop = 2 };
	assert_int_equal(authority_sets(&g, 5000, see, &s), 7);
	assert_int_equal(s.n, 2);
}

static void
test_sets(void **state)
{
	(void)state;
	sets(0, 3, 0, 0);
	sets(1, 0, 0, 0);
	sets(1, 1, 0, 1);
	sets(2, 4, 0, 6);
	sets(4, 4, 0, 1);
	sets(5, 4, 0, 0);
	sets(6, 12, 0, 924);
	sets(12, 40, 0, UINT64_C(5586853480));
	/* 2 + 2 people of two organisations: one of each */
	sets(2, 4, 2, 4);
	sets(2, 5, 2, 6);
	sets(3, 6, 2, 0);
	sets(3, 7, 3, 12);
	sets(2, 6, 3, 12);
	sets(7, 40, 7, 6 * 6 * 6 * 6 * 6 * 5 * 5);
}

/* --- a large policy -------------------------------------------------------- */
#define PEOPLE 1000u
#define KEYS   500u
#define RULES  2000u
#define TEAM   25u /* people of one role; 2,300 sets of 3 */
#define NAME   24u

struct large {
	struct policy p;
	char (*text)[NAME];
	size_t n;
	const char *person_role[PEOPLE], *rule_role[RULES];
	const char *rule_key[RULES], *rule_asks[RULES];
	const char *key_product[KEYS];
	const char *formats[1], *requester[1];
};

static const char *
name(struct large *x, const char *what, size_t i)
{
	(void)snprintf(x->text[x->n], NAME, "%s-%zu", what, i);
	return x->text[x->n++];
}

static void
fill(struct large *x)
{
	struct policy *p = &x->p;
	size_t i;

	x->formats[0] = "raw";
	x->requester[0] = "requester";
	for (i = 0; i < PEOPLE; i++) {
		x->person_role[i] = name(x, "team", i / TEAM);
		p->principals[i] =
		    (struct policy_principal){ .id = name(x, "p", i),
			    .kind = "person",
			    .organisation = "o",
			    .roles = { &x->person_role[i], 1 },
			    .valid_until = DOC_NOW + 1 };
	}
	for (i = 0; i < KEYS; i++) {
		x->key_product[i] = name(x, "product", i);
		p->keys[i] = (struct policy_key){ .id = name(x, "k", i),
			.state = "active",
			.valid_until = DOC_NOW + 1,
			.products = { &x->key_product[i], 1 },
			.formats = { x->formats, 1 } };
	}
	for (i = 0; i < RULES; i++) {
		x->rule_role[i] = name(x, "team", i % (PEOPLE / TEAM));
		x->rule_key[i] = p->keys[i % KEYS].id;
		x->rule_asks[i] = p->principals[i % PEOPLE].id;
		p->rules[i] = (struct policy_rule){ .id = name(x, "r", i),
			.product = x->key_product[i % KEYS],
			.threshold = 3,
			.roles = { &x->rule_role[i], 1 },
			.keys = { &x->rule_key[i], 1 },
			.requesters = { &x->rule_asks[i], 1 } };
	}
}

static struct large *
large_new(void)
{
	struct large *x = calloc(1, sizeof(*x));
	struct policy *p = &x->p;

	x->text = calloc(4 * (PEOPLE + KEYS + RULES), NAME);
	p->nprincipals = PEOPLE;
	p->nkeys = KEYS;
	p->nrules = RULES;
	p->principals = calloc(PEOPLE, sizeof(*p->principals));
	p->keys = calloc(KEYS, sizeof(*p->keys));
	p->rules = calloc(RULES, sizeof(*p->rules));
	fill(x);
	p->admin = p->rules[0];
	p->admin.id = p->admin.product = POLICY_RULE_ADMIN;
	p->admin.keys.n = p->admin.requesters.n = 0;
	assert_int_equal(policy_index_make(p), 0);
	return x;
}

static void
large_free(struct large *x)
{
	policy_index_free(&x->p.index);
	free(x->p.principals);
	free(x->p.keys);
	free(x->p.rules);
	free(x->text);
	free(x);
}

static double
seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
json_whole(const struct authority *a)
{
	_cleanup_json_ json_t *j = NULL;
	_cleanup_free_ char *text = NULL;
	double t = seconds();
	size_t len = 0;

	assert_int_equal(authority_json(a, &j), 0);
	assert_int_equal(json_canonical(j, &text, &len), 0);
	t = seconds() - t;
	assert_int_equal(json_array_size(j), RULES + 1);
	/* 200,000 over 2,001 */
	need("JSON", text, "\"more_sets\":2201,");
	assert_int_equal(json_array_size(
			     json_object_get(json_array_get(j, 0), "sets")),
	    99);
	return t;
}

static double
csv_whole(const struct authority *a)
{
	struct buf out = BUF_INIT(1 << 28);
	double t = seconds();

	assert_int_equal(authority_csv(a, &out), 0);
	t = seconds() - t;
	free(take(&out));
	return t;
}

/* 1,000 people, 500 keys, 2,000 rules, in each form; make bench measures. */
static void
test_whole(void **state)
{
	struct large *x = large_new();
	const struct authority_opts o = { .at = DOC_NOW };
	_cleanup_authority_ struct authority *a = NULL;
	struct buf out = BUF_INIT(1 << 28);
	double t = seconds(), made, text, json, csv;

	(void)state;
	assert_int_equal(authority_of(&x->p, &o, &a, NULL), 0);
	made = seconds() - t;
	assert_int_equal(authority_text(a, &out), 0);
	text = seconds() - t;
	json = made + json_whole(a);
	csv = made + csv_whole(a);
	print_message("made %.3f s; with text %.3f s, JSON %.3f s, CSV "
		      "%.3f s\n",
	    made, text, json, csv);
	buf_done(&out);
	authority_free(&a);
	large_free(x);
}

/* One row has its full thousand, and the rest is counted. */
static void
test_cap(void **state)
{
	struct large *x = large_new();
	const struct authority_opts o = { .at = DOC_NOW, .key = "k-7" };
	_cleanup_authority_ struct authority *a = NULL;
	struct buf out = BUF_INIT(1 << 20);
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *j = NULL;

	(void)state;
	assert_int_equal(authority_of(&x->p, &o, &a, NULL), 0);
	assert_int_equal(a->nrows, RULES / KEYS);
	assert_int_equal(a->sets_max, 1000);
	assert_int_equal(authority_csv(a, &out), 0);
	assert_int_equal(authority_json(a, &j), 0);
	assert_int_equal(json_integer_value(
			     json_object_get(json_array_get(j, 0),
				 "more_sets")),
	    1300);
	text = take(&out);
	need("CSV", text, "; and 1300 more\",");
	authority_free(&a);
	large_free(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_more),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_formulas),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
