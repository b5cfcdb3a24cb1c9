/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/documents.h"

/*
 * Approvals that were made away from the appliance: bob's is, alice's is of
 * the ceremony.
 */
#define ZERO64 \
	"0000000000000000000000000000000000000000000000000000000000000000"
#define DAY 86400

static const uint8_t nonce[32] = { 1, 2, 3 };

static const struct ahead_case {
	const char *what;
	bool takes; /* the rule does */
	bool ahead; /* bob's was made so */
	bool reject;
	int64_t age; /* of bob's, seconds */
	struct doc_change change;
	uint64_t count;
	int code; /* of the one failed check, or 0 */
} cases[] = {
	{ "ahead", true, true, false, 60, { NULL, NULL }, 2, 0 },
	{ "the rule takes none", false, true, false, 60, { NULL, NULL }, 1,
	    CS_E_APPROVAL_AHEAD },
	{ "both in the ceremony", true, false, false, 60, { NULL, NULL }, 2,
	    0 },
	{ "on the last day", true, true, false, 30 * DAY, { NULL, NULL }, 2,
	    0 },
	{ "a second later", true, true, false, 30 * DAY + 1, { NULL, NULL }, 1,
	    CS_E_APPROVAL_AHEAD_OLD },
	{ "by a clock that is fast", true, true, false, -DAY, { NULL, NULL }, 2,
	    0 },
	{ "from the future", true, true, false, -DAY - 1, { NULL, NULL }, 1,
	    CS_E_APPROVAL_AHEAD_FUTURE },
	{ "a session's is not judged by its age", true, false, false, 40 * DAY,
	    { NULL, NULL }, 2, 0 },
	{ "false", true, false, false, 0, { "/predicate/ahead", "false" }, 1,
	    CS_E_APPROVAL_AHEAD_FORM },
	{ "for a session", true, false, false, 0,
	    { "/predicate/ahead", "true" }, 1, CS_E_APPROVAL_AHEAD_FORM },
	{ "zeros are no session", true, true, false, 60,
	    { "/predicate/ahead", NULL }, 1, CS_E_APPROVAL_NONCE },
	{ "a text", true, true, false, 60, { "/predicate/ahead", "'true'" }, 1,
	    CS_E_JSON_FIELD },
	{ "another request", true, true, false, 60,
	    { "/predicate/request/id", "'ffffffffffffffffffffffffffffffff'" },
	    1, CS_E_APPROVAL_BINDING },
	{ "another policy", true, true, false, 60,
	    { "/predicate/policy", "'" ZERO64 "'" }, 1, CS_E_APPROVAL_BINDING },
	{ "alice's name", true, true, false, 60,
	    { "/predicate/approver", "'alice'" }, 1, CS_E_APPROVAL_APPROVER },
	{ "a rejection", true, true, true, 60, { NULL, NULL }, 1,
	    CS_E_APPROVAL_REJECTED },
};

static char *
make(const struct policy *p, const struct request *r,
    const struct ahead_case *t, size_t *ret_len)
{
	static const enum doc_key by = DK_BOB;
	const struct approval_new n = { !t->reject, t->reject ? "no" : "", r, p,
		&p->rules[0], "bob", t->ahead ? NULL : nonce,
		DOC_NOW - t->age };
	_cleanup_free_ char *text = NULL, *changed = NULL;
	size_t len = 0, changed_len = 0;

	assert_int_equal(approval_format(&n, &text, &len), 0);
	changed = doc_changed(text, len, &t->change, t->change.pointer != NULL,
	    &changed_len);
	return doc_envelope(changed, changed_len, &by, 1, ret_len);
}

static char *
alice(const struct policy *p, const struct request *r, size_t *ret_len)
{
	static const enum doc_key by = DK_ALICE;
	const struct approval_new n = { true, "", r, p, &p->rules[0], "alice",
		nonce, DOC_NOW };
	_cleanup_free_ char *text = NULL;
	size_t len = 0;

	assert_int_equal(approval_format(&n, &text, &len), 0);
	return doc_envelope(text, len, &by, 1, ret_len);
}

static void
run(const struct ahead_case *t)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");
	_cleanup_checks_ struct checks k = { 0 };
	_cleanup_free_ char *a = NULL, *b = NULL;
	struct approval_doc docs[2];
	uint64_t count = 99;

	p->rules[0].ahead = t->takes;
	b = make(p, r, t, &docs[0].len);
	a = alice(p, r, &docs[1].len);
	docs[0].envelope = (const uint8_t *)b;
	docs[1].envelope = (const uint8_t *)a;
	assert_int_equal(evaluate_approvals(p, r, &p->rules[0],
			     policy_principal_by_id(p, "ci"), nonce, DOC_NOW,
			     docs, 2, &k, &count),
	    0);
	assert_int_equal(k.n, 2);
	if (count != t->count || k.v[0].pass != (t->code == 0) ||
	    (t->code != 0 && k.v[0].code != t->code))
		fail_msg("%s: %llu counted, %s: %s", t->what,
		    (unsigned long long)count, err_id(k.v[0].code),
		    k.v[0].found);
	assert_true(k.v[1].pass);
}

static void
test_cases(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		run(&cases[i]);
}

/* Who approved ahead and comes to the ceremony is one person. */
static void
test_one_person(void **state)
{
	static const struct ahead_case how[2] = { { .ahead = true }, { 0 } };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");
	_cleanup_checks_ struct checks k = { 0 };
	struct approval_doc docs[2];
	char *env[2];
	uint64_t count = 99;
	size_t i;

	(void)state;
	p->rules[0].ahead = true;
	for (i = 0; i < 2; i++) {
		env[i] = make(p, r, &how[i], &docs[i].len);
		docs[i].envelope = (const uint8_t *)env[i];
	}
	assert_int_equal(evaluate_approvals(p, r, &p->rules[0],
			     policy_principal_by_id(p, "ci"), nonce, DOC_NOW,
			     docs, 2, &k, &count),
	    0);
	assert_int_equal(count, 1);
	assert_int_equal(k.v[1].code, CS_E_APPROVAL_SAME_KEY);
	free(env[0]);
	free(env[1]);
}

/* Without it the statement is what it was: older readers take it. */
static void
test_text(void **state)
{
	static const struct ahead_case how[2] = { { .ahead = true }, { 0 } };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		_cleanup_dsse_ struct dsse *env = NULL;
		_cleanup_free_ char *text = NULL;
		size_t len = 0;

		text = make(p, r, &how[i], &len);
		assert_int_equal(dsse_parse(text, len, &env, NULL), 0);
		assert_int_equal(memmem(env->payload, env->payload_len,
				     "\"ahead\":true", 12) != NULL,
		    how[i].ahead);
		assert_int_equal(memmem(env->payload, env->payload_len,
				     "\"nonce\":\"" ZERO64 "\"", 74) != NULL,
		    how[i].ahead);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_one_person),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
