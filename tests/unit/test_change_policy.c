/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/change.h"
#include "tests/lib/documents.h"

/*
 * The next version of a policy: what the one in force takes.  alice and bob
 * administer it, two of them are needed.
 */
#define MAX_CHANGES 6u
#define H	    "0101010101010101010101010101010101010101010101010101010101010101"

#define DAVE                                                                \
	"{'id':'dave','kind':'person','name':'Dave','organisation':'acme'," \
	"'roles':['administrator'],'keys':[{'public_key':'@K12'}],"         \
	"'valid_from':'2026-01-01T00:00:00Z',"                              \
	"'valid_until':'2027-01-01T00:00:00Z'}"
#define DOMAIN2 "{'id':'second','token':'coldseal-second'}"

static const enum doc_key both[] = { DK_ALICE, DK_BOB };

static const struct {
	const char *what;
	struct doc_change c[MAX_CHANGES];
	enum doc_key by[4];
	size_t nby;
	int code;
	const char *found;
} cases[] = {
	{ "as it should be", { { NULL, NULL } }, { DK_ALICE, DK_BOB }, 2, 0,
	    NULL },
	{ "by another key of alice's", { { NULL, NULL } },
	    { DK_ALICE2, DK_BOB }, 2, 0, NULL },
	{ "another name", { { "/name", "'renamed'" } }, { DK_ALICE, DK_BOB }, 2,
	    0, NULL },
	{ "a new administrator who signs too", { { "/principals/-", DAVE } },
	    { DK_ALICE, DK_BOB, DK_STRANGER }, 3, 0, NULL },
	{ "without bob, who signed his own removal",
	    { { "/principals/3/roles", "['officer']" },
		{ "/principals/-", DAVE } },
	    { DK_ALICE, DK_BOB }, 2, 0, NULL },
	/* the chain */
	{ "backwards", { { "/version", "1" }, { "/previous", NULL } },
	    { DK_ALICE, DK_BOB }, 2, CS_E_CHANGE_VERSION, "backwards" },
	{ "a jump", { { "/version", "3" } }, { DK_ALICE, DK_BOB }, 2,
	    CS_E_CHANGE_VERSION, "a jump: version 3, version 1" },
	{ "version 0", { { "/version", "0" } }, { DK_ALICE, DK_BOB }, 2,
	    CS_E_POLICY_VERSION, NULL },
	{ "no previous", { { "/previous", NULL } }, { DK_ALICE, DK_BOB }, 2,
	    CS_E_POLICY_VERSION, NULL },
	{ "another previous", { { "/previous", "'" H "'" } },
	    { DK_ALICE, DK_BOB }, 2, CS_E_CHANGE_FORK,
	    "a fork: version 2 of another version 1" },
	{ "another appliance", { { "/appliance", "'coldseal.example/other'" } },
	    { DK_ALICE, DK_BOB }, 2, CS_E_CHANGE_APPLIANCE,
	    "coldseal.example/other" },
	{ "no rehearsal any more", { { "/rehearsal", "false" } },
	    { DK_ALICE, DK_BOB }, 2, CS_E_CHANGE_REHEARSAL, "false" },
	{ "one domain more", { { "/domains/-", DOMAIN2 } },
	    { DK_ALICE, DK_BOB }, 2, CS_E_CHANGE_TOKENS, "1 more" },
	{ "another domain",
	    { { "/domains/0", DOMAIN2 }, { "/keys/0/domain", "'second'" },
		{ "/keys/1/domain", "'second'" },
		{ "/keys/2/domain", "'second'" } },
	    { DK_ALICE, DK_BOB }, 2, CS_E_POLICY_URI, NULL },
	{ "another token",
	    { { "/domains/0/token", "'coldseal-other'" },
		{ "/keys/0/uri", "'pkcs11:token=coldseal-other;id=%01'" },
		{ "/keys/1/uri", "'pkcs11:token=coldseal-other;id=%02'" },
		{ "/keys/2/uri", "'pkcs11:token=coldseal-other;id=%03'" } },
	    { DK_ALICE, DK_BOB }, 2, CS_E_CHANGE_TOKENS, "coldseal-other" },
	{ "a renamed domain",
	    { { "/domains/0/id", "'second'" }, { "/keys/0/domain", "'second'" },
		{ "/keys/1/domain", "'second'" },
		{ "/keys/2/domain", "'second'" } },
	    { DK_ALICE, DK_BOB }, 2, CS_E_CHANGE_TOKENS, "no domain release" },
	/* the quorum of the one in force */
	{ "one of two", { { NULL, NULL } }, { DK_ALICE }, 1, CS_E_CHANGE_QUORUM,
	    "1 of 2 people: alice" },
	{ "alice twice", { { NULL, NULL } }, { DK_ALICE, DK_ALICE2 }, 2,
	    CS_E_CHANGE_QUORUM, "1 of 2" },
	{ "one signature twice", { { NULL, NULL } }, { DK_BOB, DK_BOB }, 2,
	    CS_E_CHANGE_QUORUM, "1 of 2" },
	{ "an administrator who appointed himself",
	    { { "/principals/-", DAVE } }, { DK_ALICE, DK_STRANGER }, 2,
	    CS_E_CHANGE_QUORUM,
	    "1 of 2 people: alice, dave (only the new one's)" },
	{ "a lower threshold of its own",
	    { { "/administration/threshold", "1" } }, { DK_BOB }, 1,
	    CS_E_CHANGE_QUORUM, "1 of 2" },
	{ "an officer made administrator by it",
	    { { "/principals/4/roles", "['officer','administrator']" } },
	    { DK_ALICE, DK_CAROL }, 2, CS_E_CHANGE_QUORUM,
	    "carol (only the new one's)" },
	{ "a key that it gives bob",
	    { { "/principals/3/keys/-", "{'public_key':'@K12'}" } },
	    { DK_ALICE, DK_STRANGER }, 2, CS_E_CHANGE_QUORUM, "1 of 2" },
	{ "a stranger too", { { NULL, NULL } },
	    { DK_ALICE, DK_BOB, DK_STRANGER }, 3, CS_E_CHANGE_SIGNER,
	    "1 by nobody" },
	{ "an officer too", { { NULL, NULL } }, { DK_ALICE, DK_BOB, DK_CAROL },
	    3, CS_E_CHANGE_SIGNER, NULL },
	{ "nobody who may", { { NULL, NULL } }, { DK_STRANGER }, 1,
	    CS_E_CHANGE_SIGNER, NULL },
	/* it is a policy */
	{ "an unknown field", { { "/more", "1" } }, { DK_ALICE, DK_BOB }, 2,
	    CS_E_JSON_FIELD, NULL },
};

static void
test_next(void **state)
{
	_cleanup_policy_ struct policy *old = doc_policy(NULL, 0);
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_policy_ struct policy *p = NULL;
		_cleanup_free_ char *env = NULL;
		struct diag d = { 0 };
		size_t len = 0;
		int r;

		for (n = 0; n < MAX_CHANGES && cases[i].c[n].pointer != NULL;)
			n++;
		env = doc_next_policy(old, cases[i].c, n, cases[i].by,
		    cases[i].nby, &len);
		r = policy_load_next(old, env, len, DOC_NOW, &p, &d);
		if (r != cases[i].code || (r == 0) != (p != NULL) ||
		    (cases[i].found != NULL &&
			strstr(d.found, cases[i].found) == NULL))
			fail_msg("%s: %s, found %s", cases[i].what, err_id(r),
			    d.found);
	}
}

/* Version 2 of the same version 1 as the one in force, and version 3. */
static void
test_chain(void **state)
{
	static const struct doc_change other = { "/name", "'other'" };
	_cleanup_policy_ struct policy *one = doc_policy(NULL, 0), *two = NULL,
				       *three = NULL, *x = NULL;
	_cleanup_free_ char *a = NULL, *fork = NULL, *c = NULL;
	struct diag d = { 0 };
	size_t la = 0, lf = 0, lc = 0;

	(void)state;
	a = doc_next_policy(one, NULL, 0, both, 2, &la);
	fork = doc_next_policy(one, &other, 1, both, 2, &lf);
	assert_int_equal(policy_load_next(one, a, la, DOC_NOW, &two, NULL), 0);
	assert_int_equal(policy_load_next(two, fork, lf, DOC_NOW, &x, &d),
	    CS_E_CHANGE_FORK);
	assert_string_equal(d.found,
	    "a fork: another version 2 of the same previous");
	/* itself again is no fork */
	assert_int_equal(policy_load_next(two, a, la, DOC_NOW, &x, &d),
	    CS_E_CHANGE_VERSION);
	c = doc_next_policy(two, NULL, 0, both, 2, &lc);
	assert_int_equal(policy_load_next(two, c, lc, DOC_NOW, &three, NULL),
	    0);
	assert_int_equal(three->version, 3);
	assert_int_equal(policy_load_next(three, a, la, DOC_NOW, &x, &d),
	    CS_E_CHANGE_VERSION);
	assert_non_null(strstr(d.found, "backwards: version 2, version 3"));
	assert_null(x);
}

/* Validity and organisations are asked of the policy in force. */
static void
test_signers_of_old(void **state)
{
	static const struct doc_change longer[] = {
		{ "/principals/3/valid_until", "'2029-01-01T00:00:00Z'" },
		{ "/administration/threshold", "1" },
	};
	_cleanup_policy_ struct policy *old = doc_policy(NULL, 0), *p = NULL;
	_cleanup_free_ char *env = NULL;
	struct diag d = { 0 };
	size_t len = 0;

	(void)state;
	env = doc_next_policy(old, longer, 2, both, 2, &len);
	old->principals[3].valid_until = DOC_NOW - 1;
	assert_int_equal(policy_load_next(old, env, len, DOC_NOW, &p, &d),
	    CS_E_CHANGE_QUORUM);
	assert_non_null(strstr(d.found, "bob (not valid now)"));
	old->principals[3].valid_until = DOC_NOW;
	assert_int_equal(policy_load_next(old, env, len, DOC_NOW, &p, NULL), 0);
	policy_free(&p);
	old->principals[3].valid_from = DOC_NOW + 1;
	old->principals[3].valid_until = DOC_NOW + 2;
	assert_int_equal(policy_load_next(old, env, len, DOC_NOW, &p, &d),
	    CS_E_CHANGE_QUORUM);
	old->principals[3].valid_from = DOC_NOW;
	/* alice and bob are of one organisation */
	old->admin.distinct_organisations = true;
	assert_int_equal(policy_load_next(old, env, len, DOC_NOW, &p, &d),
	    CS_E_CHANGE_QUORUM);
	assert_non_null(strstr(d.found, "1 of 2 organisations"));
	old->principals[3].organisation = "zeta";
	assert_int_equal(policy_load_next(old, env, len, DOC_NOW, &p, NULL), 0);
}

static void
test_malformed(void **state)
{
	_cleanup_policy_ struct policy *old = doc_policy(NULL, 0), *p = NULL;
	_cleanup_free_ char *env = NULL;
	size_t len = 0, i;

	(void)state;
	env = doc_next_policy(old, NULL, 0, both, 2, &len);
	for (i = 0; i < len - 1; i += 61)
		assert_true(
		    policy_load_next(old, env, i, DOC_NOW, &p, NULL) != 0);
	assert_int_equal(policy_load_next(old, "", 0, DOC_NOW, &p, NULL),
	    CS_E_JSON_SYNTAX);
	assert_null(p);
}

static int
pinned(const struct doc_change *c, size_t n, const enum doc_key *by, size_t nby)
{
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_free_ char *text = NULL, *env = NULL;
	json_t *j = doc_policy_predicate();
	size_t i, len = 0, env_len = 0;
	int r;

	for (i = 0; i < n; i++)
		doc_change(j, &c[i]);
	text = doc_policy_payload(j, &len);
	env = doc_envelope(text, len, by, nby, &env_len);
	r = policy_load_pinned(env, env_len, &p, NULL);
	assert_int_equal(r == 0, p != NULL);
	return r;
}

static void
test_pinned(void **state)
{
	static const struct doc_change later[] = { { "/version", "2" },
		{ "/previous", "'" H "'" }, { "/rules", "[]" } };
	static const enum doc_key one[] = { DK_ALICE };

	(void)state;
	assert_int_equal(pinned(NULL, 0, both, 2), 0);
	assert_int_equal(pinned(NULL, 0, one, 1), CS_E_POLICY_SIGNATURE);
	assert_int_equal(pinned(later, 2, one, 1), 0);
	assert_int_equal(pinned(later, 1, one, 1), CS_E_POLICY_VERSION);
	assert_int_equal(pinned(later, 3, one, 1), CS_E_POLICY_EMPTY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_signers_of_old),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_pinned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
