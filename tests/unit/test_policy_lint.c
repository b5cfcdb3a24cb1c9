/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/policy_lint.h"
#include "tests/lib/documents.h"

#define PR  "/principals/"
#define DAY INT64_C(86400)

static const char *one[] = { "main" };
static const char *auditor[] = { "auditor" };
static const char *officer[] = { "officer" };
static struct policy_window windows[1];
static struct policy_evidence evidence[1];
static struct policy_waiver waivers[1];

/* The plain policy made good: what is left are no errors. */
static void
good(struct policy *p)
{
	size_t i;

	evidence[0] = (struct policy_evidence){ .type = EVIDENCE_SBOM,
		.signers = { auditor, 1 } };
	for (i = 0; i < 2; i++) {
		p->rules[i].branches = (struct policy_str_list){ one, 1 };
		p->rules[i].evidence = evidence;
		p->rules[i].nevidence = 1;
	}
	p->review_by = DOC_NOW + 31 * DAY;
	p->review_warning = 7 * DAY;
}

static void
take_back(struct policy *p)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		p->rules[i].branches = (struct policy_str_list){ 0 };
		p->rules[i].pipelines = (struct policy_str_list){ 0 };
		p->rules[i].evidence = NULL;
		p->rules[i].nevidence = 0;
		p->rules[i].windows = NULL;
		p->rules[i].nwindows = 0;
	}
	p->waivers = NULL;
	p->nwaivers = 0;
	p->break_glass = (struct policy_rule){ 0 };
}

/* --- what is set by hand --------------------------------------------------- */
static void
set_threshold(struct policy *p)
{
	p->principals[2].valid_until = DOC_NOW - 1;
	p->principals[3].valid_until = DOC_NOW - 1;
	p->principals[4].valid_until = DOC_NOW - 1;
}

static void
set_organisations(struct policy *p)
{
	p->principals[4].valid_until = DOC_NOW - 1;
}

/* too few now; enough when bob's time begins, but then the key is over */
static void
set_too_late(struct policy *p)
{
	set_threshold(p);
	p->principals[3].valid_from = DOC_NOW + 10;
	p->principals[3].valid_until = DOC_NOW + 20;
	p->keys[0].valid_until = p->keys[1].valid_until = DOC_NOW + 9;
}

static void
set_just_in_time(struct policy *p)
{
	set_too_late(p);
	p->keys[1].valid_until = DOC_NOW + 10;
}

static void
set_key_later(struct policy *p)
{
	p->keys[0].valid_from = DOC_NOW + 10;
	p->keys[1].state = "retired";
}

static void
set_keys_retired(struct policy *p)
{
	p->keys[0].state = "pending";
	p->keys[1].state = "retired";
}

static void
set_requester_later(struct policy *p)
{
	p->principals[0].valid_from = DOC_NOW + 10;
	p->principals[1].valid_from = DOC_NOW + 10;
}

static void
set_only_requester_later(struct policy *p)
{
	p->rules[0].requesters.n = 1;
	p->principals[0].valid_from = DOC_NOW + 10;
}

/* without alice, dev still stands for her organisation */
static void
set_separation_stands_in(struct policy *p)
{
	p->rules[0].distinct_organisations = true;
	p->rules[0].requesters.v[1] = "alice";
	p->principals[3].valid_until = DOC_NOW - 1;
}

static void
set_requester_gone(struct policy *p)
{
	p->principals[0].valid_until = DOC_NOW - 10;
	p->principals[1].valid_until = DOC_NOW - 10;
}

static void
set_window(struct policy *p, int64_t from, int64_t until)
{
	windows[0] = (struct policy_window){ from, until, 0 };
	p->rules[0].windows = windows;
	p->rules[0].nwindows = 1;
}

static void
set_window_past(struct policy *p)
{
	set_window(p, DOC_NOW - 9, DOC_NOW - 1);
}

static void
set_window_later(struct policy *p)
{
	set_window(p, DOC_NOW + 9, DOC_NOW + 10);
}

static void
set_window_key(struct policy *p)
{
	set_window(p, DOC_NOW, DOC_NOW + 10);
	p->keys[0].valid_until = DOC_NOW + 9;
}

static void
set_separation(struct policy *p)
{
	p->rules[0].threshold = 4;
	p->principals[0].valid_until = DOC_NOW - 1;
}

static void
set_separation_some(struct policy *p)
{
	p->rules[0].threshold = 4;
}

static void
set_separation_organisations(struct policy *p)
{
	p->rules[0].distinct_organisations = true;
	p->principals[1].organisation = "third";
	p->rules[0].threshold = 3;
}

static void
set_no_signer(struct policy *p)
{
	p->principals[5].valid_until = DOC_NOW - 1;
}

static void
set_review_past(struct policy *p)
{
	p->review_by = DOC_NOW - 1;
}

static void
set_review_due(struct policy *p)
{
	p->review_by = DOC_NOW + 30 * DAY;
}

static void
set_no_review(struct policy *p)
{
	p->review_by = 0;
}

static void
set_one_person(struct policy *p)
{
	p->rules[1].threshold = 1;
}

static void
set_no_evidence(struct policy *p)
{
	p->rules[1].evidence = NULL;
	p->rules[1].nevidence = 0;
}

static void
set_no_scope(struct policy *p)
{
	p->rules[1].branches = (struct policy_str_list){ 0 };
}

static void
set_pipeline_scope(struct policy *p)
{
	p->rules[1].pipelines = p->rules[1].branches;
	p->rules[1].branches = (struct policy_str_list){ 0 };
}

static void
set_break_glass_of(struct policy *p, uint64_t threshold)
{
	p->has_break_glass = true;
	p->break_glass = (struct policy_rule){ .id = POLICY_RULE_BREAK_GLASS,
		.product = POLICY_RULE_BREAK_GLASS,
		.threshold = threshold,
		.roles = { officer, 1 } };
}

static void
set_break_glass(struct policy *p)
{
	set_break_glass_of(p, 4);
}

static void
set_break_glass_less(struct policy *p)
{
	set_break_glass_of(p, 3);
}

static void
set_break_glass_more(struct policy *p)
{
	set_break_glass_of(p, 5);
}

static void
set_waiver(struct policy *p, int64_t until)
{
	waivers[0] = (struct policy_waiver){ "CVE-1", { one, 1 }, "x", until };
	p->waivers = waivers;
	p->nwaivers = 1;
}

static void
set_waiver_past(struct policy *p)
{
	set_waiver(p, DOC_NOW - 1);
}

static void
set_waiver_good(struct policy *p)
{
	set_waiver(p, DOC_NOW);
}

static void
set_admin_lost(struct policy *p)
{
	p->principals[3].valid_until = DOC_NOW - 1;
}

static void
set_admin_more(struct policy *p)
{
	p->admin.threshold = 1;
}

typedef void (*set_fn)(struct policy *);

/* What is set, and what is found then; found NULL: nothing of that code. */
static const struct {
	set_fn set;
	int code;
	bool error;
	const char *found;
} cases[] = {
	{ set_threshold, CS_E_LINT_THRESHOLD, true,
	    "firmware (rule fw): 2 people must approve and 1 can" },
	{ set_threshold, CS_E_LINT_NEVER, true,
	    "firmware (rule fw): from 2026-11-18T11:06:40Z on there is no time "
	    "when enough people, a requester, an active key and a window are "
	    "valid together" },
	{ set_organisations, CS_E_LINT_THRESHOLD, true,
	    "boot (rule boot): people of 2 organisations must approve and "
	    "those who can are of 1" },
	{ set_organisations, CS_E_LINT_NEVER, true, "boot (rule boot): from " },
	{ set_too_late, CS_E_LINT_NEVER, true, "firmware (rule fw): from" },
	{ set_just_in_time, CS_E_LINT_NEVER, true, "boot (rule boot): from" },
	{ set_key_later, CS_E_LINT_NEVER, true, NULL },
	{ set_keys_retired, CS_E_LINT_NEVER, true, "firmware (rule fw): from" },
	{ set_requester_later, CS_E_LINT_NEVER, true, NULL },
	{ set_only_requester_later, CS_E_LINT_NEVER, true, NULL },
	{ set_separation_stands_in, CS_E_LINT_SEPARATION_SOME, false, NULL },
	{ set_requester_gone, CS_E_LINT_NEVER, true,
	    "firmware (rule fw): from" },
	{ set_window_later, CS_E_LINT_NEVER, true, NULL },
	{ set_window_past, CS_E_LINT_NEVER, true, "firmware (rule fw): from" },
	{ set_window_past, CS_E_LINT_WINDOW_PAST, false,
	    "firmware (rule fw): from 2026-11-18T11:06:31Z until "
	    "2026-11-18T11:06:39Z" },
	{ set_window_later, CS_E_LINT_WINDOW_PAST, false, NULL },
	{ set_window_key, CS_E_LINT_WINDOW_KEY, false,
	    "firmware (rule fw): the key rel ends 2026-11-18T11:06:49Z, the "
	    "window is from 2026-11-18T11:06:40Z until 2026-11-18T11:06:50Z" },
	{ set_window_later, CS_E_LINT_WINDOW_KEY, false, NULL },
	{ set_separation, CS_E_LINT_SEPARATION, true,
	    "firmware (rule fw): asked for by dev" },
	{ set_separation, CS_E_LINT_SEPARATION_SOME, false, NULL },
	{ set_separation_some, CS_E_LINT_SEPARATION_SOME, false,
	    "firmware (rule fw): asked for by dev" },
	{ set_separation_some, CS_E_LINT_SEPARATION, true, NULL },
	{ set_separation_organisations, CS_E_LINT_SEPARATION_SOME, false,
	    "firmware (rule fw): asked for by dev" },
	{ set_no_signer, CS_E_LINT_EVIDENCE_SIGNER, true,
	    "firmware (rule fw): an SBOM signed by a holder of the role "
	    "auditor" },
	{ set_review_past, CS_E_LINT_REVIEW_PAST, true,
	    "to be reviewed by 2026-11-18T11:06:39Z, signing stops "
	    "2026-11-25T11:06:39Z" },
	{ set_review_past, CS_E_LINT_REVIEW_DUE, false, NULL },
	{ set_review_due, CS_E_LINT_REVIEW_DUE, false, "to be reviewed by " },
	{ set_no_review, CS_E_LINT_REVIEW_PAST, true, NULL },
	{ set_one_person, CS_E_LINT_ONE_PERSON, false, "boot (rule boot)" },
	{ set_no_evidence, CS_E_LINT_NO_EVIDENCE, false, "boot (rule boot)" },
	{ set_no_scope, CS_E_LINT_NO_SCOPE, false, "boot (rule boot)" },
	{ set_pipeline_scope, CS_E_LINT_NO_SCOPE, false, NULL },
	{ set_break_glass, CS_E_LINT_BREAK_GLASS_ALL, false,
	    "break-glass needs 4 of 4" },
	{ set_break_glass_less, CS_E_LINT_BREAK_GLASS_ALL, false, NULL },
	{ set_break_glass_more, CS_E_LINT_THRESHOLD, true,
	    "break-glass: 5 people must approve and 4 can" },
	{ set_waiver_past, CS_E_LINT_WAIVER_PAST, false,
	    "CVE-1 is accepted in main until 2026-11-18T11:06:39Z" },
	{ set_waiver_good, CS_E_LINT_WAIVER_PAST, false, NULL },
	{ set_admin_lost, CS_E_LINT_THRESHOLD, true,
	    "a change of the policy: 2 people must approve and 1 can" },
	{ set_admin_lost, CS_E_LINT_ENDED, false,
	    "bob was valid until 2026-11-18T11:06:39Z and is still listed "
	    "with the role officer and administrator" },
	{ set_admin_more, CS_E_LINT_ADMIN_ALL, false, NULL },
	{ set_admin_more, CS_E_LINT_ONE_PERSON, false,
	    "a change of the policy" },
};

static const struct lint_finding *
find(const struct lint *l, int code, const char *found)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->v[i].code == code &&
		    (found == NULL || strstr(l->v[i].found, found) != NULL))
			return &l->v[i];
	return NULL;
}

static void
print_all(const struct lint *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		print_message("%s %s: %s\n", l->v[i].error ? "error" : "warn",
		    err_id(l->v[i].code), l->v[i].found);
}

static void
test_cases(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
		_cleanup_lint_ struct lint l = { 0 };
		const struct lint_finding *f;

		good(p);
		cases[i].set(p);
		assert_int_equal(policy_lint(p, DOC_NOW, &l), 0);
		take_back(p);
		f = find(&l, cases[i].code, cases[i].found);
		if ((f == NULL) != (cases[i].found == NULL) ||
		    (f != NULL && f->error != cases[i].error)) {
			print_all(&l);
			fail_msg("case %zu: %s %s", i, err_id(cases[i].code),
			    cases[i].found == NULL ? "-" : cases[i].found);
		}
	}
}

/* The rule fw is possible once bob's time begins. */
static void
test_just_in_time(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_lint_ struct lint l = { 0 };

	(void)state;
	set_just_in_time(p);
	assert_int_equal(policy_lint(p, DOC_NOW, &l), 0);
	assert_null(find(&l, CS_E_LINT_NEVER, "rule fw"));
}

/* One change to the document, and what is found. */
static const struct {
	struct doc_change c;
	int code;
	const char *found;
} changed[] = {
	{ { "/roles/-", "'king'" }, CS_E_LINT_ROLE_EMPTY, "the role king" },
	{ { "/roles/-", "'king'" }, CS_E_LINT_ROLE_UNUSED, "the role king" },
	{ { "/domains/-", "{'id':'b','token':'t'}" }, CS_E_LINT_DOMAIN_UNUSED,
	    "the domain b" },
	{ { "/rules/0/keys", "['rel']" }, CS_E_LINT_KEY_UNUSED,
	    "the key rel384" },
	{ { PR "5/roles", "['requester']" }, CS_E_LINT_PRINCIPAL_UNUSED,
	    "olga" },
};

static void
test_changed(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(changed); i++) {
		_cleanup_policy_ struct policy *p =
		    doc_policy(&changed[i].c, 1);
		_cleanup_lint_ struct lint l = { 0 };
		const struct lint_finding *f;

		assert_int_equal(policy_lint(p, DOC_NOW, &l), 0);
		f = find(&l, changed[i].code, changed[i].found);
		if (f == NULL || f->error) {
			print_all(&l);
			fail_msg("case %zu: %s", i, changed[i].found);
		}
	}
}

/* A good policy: two warnings, and what they say. */
static void
test_good(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_lint_ struct lint l = { 0 };

	(void)state;
	good(p);
	assert_int_equal(policy_lint(p, DOC_NOW, &l), 0);
	take_back(p);
	print_all(&l);
	assert_int_equal(l.errors, 0);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.v[0].code, CS_E_LINT_ADMIN_ALL);
	assert_string_equal(l.v[0].found, "administration needs 2 of 2");
	assert_int_equal(l.v[1].code, CS_E_LINT_KEY_SHARED);
	assert_string_equal(l.v[1].found,
	    "the key rel384 serves firmware and spare, because: spare "
	    "parts");
}

static void
set_all(struct policy *p)
{
	set_threshold(p);
	set_review_past(p);
	p->keys[0].products.n = 1;
	p->keys[1].shared = "h\x1bi";
}

/* Errors come first; the texts are for a terminal; twice is the same. */
static void
test_order(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_lint_ struct lint l = { 0 }, again = { 0 };
	size_t i;

	(void)state;
	good(p);
	set_all(p);
	assert_int_equal(policy_lint(p, DOC_NOW, &l), 0);
	assert_int_equal(policy_lint(p, DOC_NOW, &again), 0);
	take_back(p);
	assert_true(l.errors >= 4);
	assert_true(l.n > l.errors);
	assert_int_equal(l.n, again.n);
	for (i = 0; i < l.n; i++) {
		assert_int_equal(l.v[i].error, i < l.errors);
		assert_int_equal(l.v[i].code, again.v[i].code);
		assert_string_equal(l.v[i].found, again.v[i].found);
	}
	assert_int_equal(l.v[0].code, CS_E_LINT_REVIEW_PAST);
	assert_non_null(find(&l, CS_E_LINT_KEY_SHARED, "because: h\\x1bi"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_just_in_time),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
