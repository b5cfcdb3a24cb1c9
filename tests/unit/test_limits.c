/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/documents.h"

/* The scope of a rule, its windows and caps, the review, break-glass. */
#define R0 "/rules/0/"
#define GLASS                                   \
	{                                       \
		"/break_glass",                 \
		    "{'threshold':3,'roles':["  \
		    "'officer'],"               \
		    "'distinct_organisations':" \
		    "false}"                    \
	}
#define WINDOWS                                                            \
	"[{'from':'2026-11-01T00:00:00Z','until':'2026-11-02T00:00:00Z'}," \
	"{'from':'2026-11-17T00:00:00Z','until':'2026-11-19T00:00:00Z',"   \
	"'max_signatures':10},"                                            \
	"{'from':'2026-12-01T00:00:00Z','until':'2026-12-02T00:00:00Z'}]"

static int64_t
at(const char *text)
{
	int64_t t = 0;

	assert_int_equal(time_parse(text, &t), 0);
	return t;
}

static const struct check *
find(const struct checks *c, int code)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->v[i].code == code)
			return &c->v[i];
	return NULL;
}

static struct request *
changed_request(const struct doc_change *c, size_t n)
{
	size_t len = 0, changed_len = 0;
	_cleanup_free_ char *text =
	    doc_request_payload("firmware", "rel", "raw", &len);
	_cleanup_free_ char *changed =
	    doc_changed(text, len, c, n, &changed_len);
	struct request *r = NULL;

	assert_int_equal(request_parse(changed, changed_len, &r, NULL), 0);
	return r;
}

/* Scope: the request is 1.2.3 of pipeline "release", commit "abc123". */
static const struct {
	const char *rule, *globs;
	struct doc_change request;
	int code;
	bool pass;
} scopes[] = {
	{ "versions", "['1.*']", { 0 }, CS_E_RULE_VERSION, true },
	{ "versions", "['2.*','1.2.[0-3]']", { 0 }, CS_E_RULE_VERSION, true },
	{ "versions", "['2.*','1.2']", { 0 }, CS_E_RULE_VERSION, false },
	{ "versions", "['1.?.3']", { 0 }, CS_E_RULE_VERSION, true },
	{ "versions", "['1\\\\.2\\\\.3']", { 0 }, CS_E_RULE_VERSION, true },
	{ "versions", "['1\\\\*']", { 0 }, CS_E_RULE_VERSION, false },
	{ "versions", "['.2.3']", { 0 }, CS_E_RULE_VERSION, false },
	{ "pipelines", "['release']", { 0 }, CS_E_RULE_PIPELINE, true },
	{ "pipelines", "['Release']", { 0 }, CS_E_RULE_PIPELINE, false },
	{ "pipelines", "['https://ci/*']",
	    { "/predicate/origin/pipeline", "'https://ci/a/b'" },
	    CS_E_RULE_PIPELINE, true },
	{ "branches", "['main']", { 0 }, CS_E_RULE_BRANCH, false },
	{ "branches", "['*']", { 0 }, CS_E_RULE_BRANCH, false },
	{ "branches", "['*']", { "/predicate/origin/branch", "'main'" },
	    CS_E_RULE_BRANCH, true },
	{ "branches", "['main']", { "/predicate/origin/branch", "'dev'" },
	    CS_E_RULE_BRANCH, false },
	{ "commits", "['abc*']", { 0 }, CS_E_RULE_COMMIT, true },
	{ "commits", "['abd*']", { 0 }, CS_E_RULE_COMMIT, false },
};

static void
test_scope(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(scopes); i++) {
		char pointer[40];
		const struct doc_change c = { pointer, scopes[i].globs };
		_cleanup_policy_ struct policy *p = NULL;
		_cleanup_request_ struct request *r =
		    changed_request(&scopes[i].request,
			scopes[i].request.pointer != NULL);
		_cleanup_checks_ struct checks k = { 0 };
		const struct policy_rule *rule = NULL;
		const struct check *hit;

		(void)snprintf(pointer, sizeof(pointer), R0 "%s",
		    scopes[i].rule);
		p = doc_policy(&c, 1);
		assert_int_equal(evaluate_request(p, r,
				     policy_principal_by_id(p, "ci"), DOC_NOW,
				     &k, &rule),
		    0);
		hit = find(&k, scopes[i].code);
		if (hit == NULL || hit->pass != scopes[i].pass ||
		    checks_failed(&k) != !scopes[i].pass)
			fail_msg("scope %zu %s: %s", i, scopes[i].globs,
			    hit == NULL ? "not listed" : hit->found);
		assert_ptr_equal(rule, &p->rules[0]);
	}
}

static void
test_no_scope(void **state)
{
	static const int codes[] = { CS_E_RULE_VERSION, CS_E_RULE_PIPELINE,
		CS_E_RULE_BRANCH, CS_E_RULE_COMMIT };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_request_ struct request *r = changed_request(NULL, 0);
	_cleanup_checks_ struct checks k = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(evaluate_scope(r, &p->rules[0], &k), 0);
	for (i = 0; i < ARRAY_LEN(codes); i++)
		assert_null(find(&k, codes[i]));
}

/* limits */

struct past {
	uint64_t made; /* what the log is said to have */
	int result;
	const char *rule, *key; /* what was asked for */
	int64_t from, until;
	unsigned calls;
};

static int
signatures(void *arg, const char *rule, const char *key, int64_t from,
    int64_t until, uint64_t *ret)
{
	struct past *x = arg;

	x->calls++;
	x->rule = rule;
	x->key = key;
	x->from = from;
	x->until = until;
	*ret = x->made;
	return x->result;
}

static void
limits(const struct policy *p, const struct policy_rule *u, int64_t now,
    struct past *x, struct checks *k)
{
	const struct evaluate_past past = { signatures, x };
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");

	checks_done(k);
	assert_int_equal(evaluate_limits(p, r, u, now, x == NULL ? NULL : &past,
			     k),
	    0);
}

static void
test_review(void **state)
{
	static const struct doc_change c[] = { { "/review_by",
						   "'2026-11-18T00:00:00Z'" },
		{ "/review_warning_days", "10" } };
	static const struct {
		const char *now;
		bool pass;
		const char *found;
	} t[] = {
		{ "2026-11-18T00:00:00Z", true, "is due 2026-11-18T" },
		{ "2026-11-18T00:00:01Z", true, "signing stops 2026-11-28T" },
		{ "2026-11-28T00:00:00Z", true, "was due 2026-11-18T" },
		{ "2026-11-28T00:00:01Z", false, "was due 2026-11-18T" },
		{ "2036-01-01T00:00:00Z", false, "clock says 2036-01-01T" },
	};
	_cleanup_policy_ struct policy *p = doc_policy(c, 2);
	_cleanup_checks_ struct checks k = { 0 };
	const struct check *hit;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		limits(p, &p->rules[0], at(t[i].now), NULL, &k);
		hit = find(&k, CS_E_POLICY_REVIEW);
		assert_non_null(hit);
		assert_int_equal(hit->pass, t[i].pass);
		assert_non_null(strstr(hit->found, t[i].found));
		assert_int_equal(k.n, 1); /* nothing else is limited */
	}
	assert_non_null(strstr(err_advice(CS_E_POLICY_REVIEW), "ceremony"));
}

static void
test_window(void **state)
{
	static const struct doc_change c = { R0 "windows", WINDOWS };
	static const struct {
		const char *now;
		bool pass;
		const char *found;
	} t[] = {
		{ "2026-10-31T23:59:59Z", false,
		    "next window of the rule fw: "
		    "2026-11-01T" },
		{ "2026-11-01T00:00:00Z", true, "2026-11-01T00:00:00Z to" },
		{ "2026-11-02T00:00:00Z", true, "2026-11-01T00:00:00Z to" },
		{ "2026-11-02T00:00:01Z", false,
		    "next window of the rule fw: "
		    "2026-11-17T" },
		{ "2026-11-18T00:00:00Z", true, "in the window" },
		{ "2026-11-20T00:00:00Z", false,
		    "2026-12-01T00:00:00Z to "
		    "2026-12-02T" },
		{ "2026-12-02T00:00:01Z", false, "no more window" },
	};
	_cleanup_policy_ struct policy *p = doc_policy(&c, 1);
	_cleanup_checks_ struct checks k = { 0 };
	const struct check *hit;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		limits(p, &p->rules[0], at(t[i].now), NULL, &k);
		hit = find(&k, CS_E_RULE_WINDOW);
		assert_non_null(hit);
		if (hit->pass != t[i].pass ||
		    strstr(hit->found, t[i].found) == NULL)
			fail_msg("%s: %s", t[i].now, hit->found);
		assert_int_equal(checks_failed(&k), !t[i].pass);
	}
	/* a rule that has none */
	limits(p, &p->rules[1], at(t[0].now), NULL, &k);
	assert_null(find(&k, CS_E_RULE_WINDOW));
}

/* The request is for two signatures; the window allows 10. */
static void
test_window_cap(void **state)
{
	static const struct doc_change c = { R0 "windows", WINDOWS };
	static const struct {
		uint64_t made;
		bool pass;
		const char *found;
	} t[] = {
		{ 0, true, "2 asked, 10 left of 10" },
		{ 8, true, "2 asked, 2 left of 10" },
		/* used up in the middle of the batch: all of it is refused */
		{ 9, false, "2 asked, 1 left of 10" },
		{ 10, false, "0 left" },
		{ 11, false, "0 left" },
		{ UINT64_MAX, false, "0 left" },
	};
	_cleanup_policy_ struct policy *p = doc_policy(&c, 1);
	_cleanup_checks_ struct checks k = { 0 };
	const struct check *hit;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct past x = { .made = t[i].made };

		limits(p, &p->rules[0], DOC_NOW, &x, &k);
		hit = find(&k, CS_E_RULE_CAP);
		assert_non_null(hit);
		assert_int_equal(hit->pass, t[i].pass);
		assert_non_null(strstr(hit->found, t[i].found));
		assert_int_equal(x.calls, 1);
		assert_string_equal(x.rule, "fw");
		assert_null(x.key);
		assert_int_equal(x.from, at("2026-11-17T00:00:00Z"));
		assert_int_equal(x.until, at("2026-11-19T00:00:00Z"));
	}
	limits(p, &p->rules[0], DOC_NOW, NULL, &k);
	hit = find(&k, CS_E_RULE_CAP);
	assert_true(hit->pass);
	assert_non_null(strstr(hit->found, "not counted here"));
	/* no cap, nothing to count */
	limits(p, &p->rules[0], at("2026-11-01T12:00:00Z"), NULL, &k);
	assert_null(find(&k, CS_E_RULE_CAP));
}

static void
test_key_cap(void **state)
{
	static const struct doc_change c[] = {
		{ "/keys/0/max_signatures", "100" }, GLASS
	};
	_cleanup_policy_ struct policy *p = doc_policy(c, 2);
	_cleanup_checks_ struct checks k = { 0 };
	struct past x = { .made = 98 };

	(void)state;
	limits(p, &p->rules[0], DOC_NOW, &x, &k);
	assert_true(find(&k, CS_E_KEY_CAP)->pass);
	assert_null(x.rule);
	assert_string_equal(x.key, "rel");
	assert_int_equal(x.from, 0);
	assert_int_equal(x.until, INT64_MAX);
	x.made = 99;
	limits(p, &p->rules[0], DOC_NOW, &x, &k);
	assert_false(find(&k, CS_E_KEY_CAP)->pass);
	assert_non_null(strstr(find(&k, CS_E_KEY_CAP)->found, "1 left of 100"));
	/* break-glass does not lift it */
	limits(p, &p->break_glass, DOC_NOW, &x, &k);
	assert_false(find(&k, CS_E_KEY_CAP)->pass);
	limits(p, &p->rules[0], DOC_NOW, NULL, &k);
	assert_true(find(&k, CS_E_KEY_CAP)->pass);
	assert_non_null(strstr(find(&k, CS_E_KEY_CAP)->found, "not counted"));
}

/* A log that cannot be counted is no log without signatures. */
static void
test_cannot_count(void **state)
{
	static const struct doc_change c[] = {
		{ "/keys/0/max_signatures", "100" }, { R0 "windows", WINDOWS }
	};
	_cleanup_policy_ struct policy *with_cap = doc_policy(c, 1);
	_cleanup_policy_ struct policy *with_window = doc_policy(c + 1, 1);
	_cleanup_request_ struct request *r = changed_request(NULL, 0);
	_cleanup_request_ struct request *none =
	    doc_request("firmware", "none", "raw");
	_cleanup_checks_ struct checks k = { 0 };
	struct past x = { .result = CS_E_IO };
	const struct evaluate_past past = { signatures, &x };

	(void)state;
	assert_int_equal(evaluate_limits(with_cap, r, &with_cap->rules[0],
			     DOC_NOW, &past, &k),
	    CS_E_IO);
	assert_int_equal(evaluate_limits(with_window, r, &with_window->rules[0],
			     DOC_NOW, &past, &k),
	    CS_E_IO);
	checks_done(&k);
	assert_int_equal(evaluate_limits(with_cap, none, &with_cap->rules[0],
			     DOC_NOW, &past, &k),
	    0);
	assert_false(find(&k, CS_E_POLICY_KEY)->pass);
}

/* break-glass */

static const struct doc_change asks = { "/predicate/break_glass",
	"'the building burns'" };

static void
break_glass(const struct doc_change *c, size_t n, const char *who,
    struct policy **ret, struct checks *k, const struct policy_rule **rule)
{
	_cleanup_request_ struct request *r = changed_request(&asks, 1);

	*ret = doc_policy(c, n);
	checks_done(k);
	assert_int_equal(evaluate_request(*ret, r,
			     policy_principal_by_id(*ret, who), DOC_NOW, k,
			     rule),
	    0);
}

static void
test_break_glass(void **state)
{
	static const struct doc_change c[] = { GLASS,
		{ R0 "versions", "['9.*']" },
		{ R0 "windows",
		    "[{'from':'2026-11-01T00:00:00Z',"
		    "'until':'2026-11-02T00:00:00Z'}]" } };
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_checks_ struct checks k = { 0 };
	const struct policy_rule *rule = NULL;

	(void)state;
	break_glass(c, ARRAY_LEN(c), "ci", &p, &k, &rule);
	assert_int_equal(checks_failed(&k), 0);
	assert_ptr_equal(rule, &p->break_glass);
	assert_true(find(&k, CS_E_POLICY_BREAK_GLASS)->pass);
	assert_non_null(strstr(find(&k, CS_E_POLICY_BREAK_GLASS)->found,
	    "the building burns"));
	assert_null(find(&k, CS_E_RULE_VERSION));
	limits(p, rule, DOC_NOW, NULL, &k);
	assert_int_equal(checks_failed(&k), 0);
	assert_null(find(&k, CS_E_RULE_WINDOW));
	/* the review is not waived */
	limits(p, rule, at("2036-01-01T00:00:00Z"), NULL, &k);
	assert_false(find(&k, CS_E_POLICY_REVIEW)->pass);
}

static void
test_break_glass_refused(void **state)
{
	static const struct doc_change c[] = { GLASS,
		{ "/keys/0/state", "'revoked'" },
		{ "/keys/0/reason", "'stolen'" } };
	_cleanup_policy_ struct policy *none = NULL, *other = NULL,
				       *revoked = NULL;
	_cleanup_checks_ struct checks k = { 0 };
	const struct policy_rule *rule = NULL;

	(void)state;
	break_glass(NULL, 0, "ci", &none, &k, &rule);
	assert_null(rule);
	assert_int_equal(checks_failed(&k), 1);
	assert_false(find(&k, CS_E_POLICY_BREAK_GLASS)->pass);
	/* still: product, requester, key and format of an ordinary rule */
	break_glass(c, 1, "olga", &other, &k, &rule);
	assert_null(rule);
	assert_false(find(&k, CS_E_POLICY_RULE)->pass);
	assert_null(find(&k, CS_E_POLICY_BREAK_GLASS));
	/* and the key's state */
	break_glass(c, 3, "ci", &revoked, &k, &rule);
	assert_int_equal(checks_failed(&k), 1);
	assert_false(find(&k, CS_E_KEY_STATE)->pass);
}

/* An ordinary request is not decided by the higher quorum. */
static void
test_ordinary(void **state)
{
	static const struct doc_change c = GLASS;
	_cleanup_policy_ struct policy *p = doc_policy(&c, 1);
	_cleanup_request_ struct request *r = changed_request(NULL, 0);
	_cleanup_checks_ struct checks k = { 0 };
	const struct policy_rule *rule = NULL;

	(void)state;
	assert_int_equal(evaluate_request(p, r, policy_principal_by_id(p, "ci"),
			     DOC_NOW, &k, &rule),
	    0);
	assert_ptr_equal(rule, &p->rules[0]);
	assert_null(find(&k, CS_E_POLICY_BREAK_GLASS));
}

static void
test_digest_only(void **state)
{
	static const struct doc_change c = { R0 "artifact", "'digest-only'" };
	_cleanup_policy_ struct policy *p = doc_policy(&c, 1);
	_cleanup_request_ struct request *r = changed_request(NULL, 0);
	_cleanup_checks_ struct checks k = { 0 };
	const struct policy_rule *u = &p->rules[0];
	struct artifact a[2];

	(void)state;
	doc_artifacts(a);
	assert_int_equal(evaluate_artifacts(p, r, u, NULL, 0, &k), 0);
	assert_int_equal(checks_failed(&k), 0);
	assert_non_null(strstr(find(&k, CS_E_ARTIFACT_MISSING)->expected,
	    "as the rule allows"));
	assert_non_null(strstr(find(&k, CS_E_ARTIFACT_MISSING)->found, "2 "));
	checks_done(&k);
	assert_int_equal(evaluate_artifacts(p, r, u, a, 1, &k), 0);
	assert_int_equal(checks_failed(&k), 0);
	checks_done(&k);
	assert_int_equal(evaluate_artifacts(p, r, u, a, 2, &k), 0);
	assert_null(find(&k, CS_E_ARTIFACT_MISSING));
	/* what is there must match */
	checks_done(&k);
	a[0].size++;
	assert_int_equal(evaluate_artifacts(p, r, u, a, 2, &k), 0);
	assert_false(find(&k, CS_E_ARTIFACT_SIZE)->pass);
	checks_done(&k);
	a[0].sha256[0] ^= 1;
	assert_int_equal(evaluate_artifacts(p, r, u, a, 2, &k), 0);
	assert_false(find(&k, CS_E_ARTIFACT_EXTRA)->pass);
	/* another rule, or none: they must be there */
	checks_done(&k);
	assert_int_equal(evaluate_artifacts(p, r, &p->rules[1], NULL, 0, &k),
	    0);
	assert_int_equal(checks_failed(&k), 2);
	checks_done(&k);
	assert_int_equal(evaluate_artifacts(p, r, NULL, NULL, 0, &k), 0);
	assert_int_equal(checks_failed(&k), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_no_scope),
		cmocka_unit_test(test_review),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_window_cap),
		cmocka_unit_test(test_key_cap),
		cmocka_unit_test(test_cannot_count),
		cmocka_unit_test(test_break_glass),
		cmocka_unit_test(test_break_glass_refused),
		cmocka_unit_test(test_ordinary),
		cmocka_unit_test(test_digest_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
