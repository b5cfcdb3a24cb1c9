/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/change.h"
#include "tests/lib/documents.h"

/*
 * Who files a change, who counts and who only votes.  alice and bob
 * administer; dev and carol are officers of the one domain's rules; ci is the
 * requester, olga an auditor.
 */
#define ZERO64 \
	"0000000000000000000000000000000000000000000000000000000000000000"

static const uint8_t nonce[32] = { 1, 2, 3 };

static struct request *
make(enum request_action a, char **ret_text, size_t *ret_len)
{
	static const uint8_t digest[32] = { 9 };
	const struct change_new n = { .action = a,
		.id = "00112233445566778899aabbccddeeff",
		.reason = "the yearly review",
		.user = "anna",
		.system = "desk.example",
		.created = DOC_NOW - 3600,
		.policy = digest,
		.policy_version = 2,
		.key = a == CHANGE_KEY_DESTROY ? "rel" :
		    a == CHANGE_KEY_GENERATE   ? "new" :
						 NULL,
		.domain = a == CHANGE_KEY_GENERATE ? "release" : NULL,
		.alg = KEY_P256,
		.seconds = 60 };
	struct request *r = NULL;
	char *text = NULL;
	size_t len = 0;

	assert_int_equal(change_format(&n, &text, &len), 0);
	assert_int_equal(change_parse(text, len, &r, NULL), 0);
	if (ret_text == NULL) {
		free(text);
	} else {
		*ret_text = text;
		*ret_len = len;
	}
	return r;
}

/* The first check that failed, or 0 */
static int
file_by(const struct policy *p, enum doc_key k, const char *who)
{
	_cleanup_request_ struct request *r = NULL;
	_cleanup_free_ char *text = NULL, *env = NULL;
	_cleanup_dsse_ struct dsse *e = NULL;
	_cleanup_checks_ struct checks c = { 0 };
	const struct policy_principal *w = NULL;
	struct diag d = { 0 };
	size_t len = 0, n = 0;

	r = make(CHANGE_NOTE, &text, &len);
	env = doc_envelope(text, len, &k, 1, &n);
	assert_int_equal(dsse_parse(env, n, &e, NULL), 0);
	assert_int_equal(evaluate_requester(p, e, r, DOC_NOW, &c, &w), 0);
	assert_true((w != NULL) == (who != NULL));
	if (who != NULL)
		assert_string_equal(w->id, who);
	return checks_verdict(&c, &d);
}

static void
test_requester(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);

	(void)state;
	assert_int_equal(file_by(p, DK_CI, "ci"), 0);
	assert_int_equal(file_by(p, DK_DEV, "dev"), 0);
	/* administrators have no role requester, and file a change */
	assert_int_equal(file_by(p, DK_ALICE, "alice"), 0);
	assert_int_equal(file_by(p, DK_CAROL, "carol"), CS_E_REQ_REQUESTER);
	assert_int_equal(file_by(p, DK_OLGA, "olga"), CS_E_REQ_REQUESTER);
	assert_int_equal(file_by(p, DK_STRANGER, NULL), CS_E_REQ_SIGNATURE);
	p->principals[2].valid_until = DOC_NOW - 1;
	assert_int_equal(file_by(p, DK_ALICE, "alice"), CS_E_REQ_EXPIRED);
}

/* An administrator files no request for signatures. */
static void
test_requester_of_signatures(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");
	_cleanup_free_ char *text = NULL, *env = NULL;
	_cleanup_dsse_ struct dsse *e = NULL;
	_cleanup_checks_ struct checks c = { 0 };
	const struct policy_principal *w = NULL;
	const enum doc_key k = DK_ALICE;
	struct diag d = { 0 };
	size_t len = 0, n = 0;

	(void)state;
	text = doc_request_payload("firmware", "rel", "raw", &len);
	env = doc_envelope(text, len, &k, 1, &n);
	assert_int_equal(dsse_parse(env, n, &e, NULL), 0);
	assert_int_equal(evaluate_requester(p, e, r, DOC_NOW, &c, &w), 0);
	assert_int_equal(checks_verdict(&c, &d), CS_E_REQ_REQUESTER);
}

struct vote {
	enum doc_key key;
	const char *who;
	bool reject, ahead;
};

static const struct decision {
	const char *what;
	enum request_action action;
	struct vote v[3];
	struct doc_change change; /* of the first one */
	uint64_t count;
	int code; /* of the first check, 0: it passed */
	const char *found;
} decisions[] = {
	{ "alice and bob", CHANGE_POLICY,
	    { { DK_ALICE, "alice", false, false },
		{ DK_BOB, "bob", false, false } },
	    { NULL, NULL }, 2, 0, "approval 1: alice" },
	{ "a voter", CHANGE_POLICY,
	    { { DK_CAROL, "carol", false, false },
		{ DK_ALICE, "alice", false, false },
		{ DK_BOB, "bob", false, false } },
	    { NULL, NULL }, 2, 0,
	    "approval 1: a voter for the TPM, not counted: carol" },
	{ "a voter to a new key", CHANGE_KEY_GENERATE,
	    { { DK_DEV, "dev", false, false } }, { NULL, NULL }, 0, 0,
	    "approval 1: a voter for the TPM, not counted: dev" },
	{ "a voter to a key's end", CHANGE_KEY_DESTROY,
	    { { DK_CAROL, "carol", false, false },
		{ DK_BOB, "bob", false, false } },
	    { NULL, NULL }, 1, 0, "a voter for the TPM" },
	{ "a voter rejects", CHANGE_POLICY,
	    { { DK_CAROL, "carol", true, false } }, { NULL, NULL }, 0,
	    CS_E_APPROVAL_REJECTED, "carol rejected it" },
	{ "an administrator rejects", CHANGE_NOTE,
	    { { DK_BOB, "bob", true, false } }, { NULL, NULL }, 0,
	    CS_E_APPROVAL_REJECTED, NULL },
	{ "no voter for the clock", CHANGE_CLOCK,
	    { { DK_CAROL, "carol", false, false },
		{ DK_BOB, "bob", false, false } },
	    { NULL, NULL }, 1, CS_E_APPROVAL_ROLE, NULL },
	{ "no voter for a note", CHANGE_NOTE,
	    { { DK_CAROL, "carol", false, false } }, { NULL, NULL }, 0,
	    CS_E_APPROVAL_ROLE, NULL },
	{ "a voter has no say in a note", CHANGE_NOTE,
	    { { DK_CAROL, "carol", true, false } }, { NULL, NULL }, 0,
	    CS_E_APPROVAL_ROLE, NULL },
	{ "who votes on nothing", CHANGE_POLICY,
	    { { DK_OLGA, "olga", false, false } }, { NULL, NULL }, 0,
	    CS_E_APPROVAL_ROLE, NULL },
	{ "a system", CHANGE_POLICY, { { DK_CI, "ci", false, false } },
	    { NULL, NULL }, 0, CS_E_APPROVAL_PERSON, NULL },
	{ "the same administrator again", CHANGE_CLOCK,
	    { { DK_ALICE, "alice", false, false },
		{ DK_ALICE2, "alice", false, false } },
	    { NULL, NULL }, 1, 0, NULL },
	{ "another key", CHANGE_POLICY, { { DK_ALICE, "alice", false, false } },
	    { "/predicate/key_sha256",
		"'0101010101010101010101010101010101010101010101010101010101"
		"010101'" },
	    0, CS_E_APPROVAL_BINDING, "public key" },
	{ "no key, and there is one", CHANGE_KEY_DESTROY,
	    { { DK_ALICE, "alice", false, false } },
	    { "/predicate/key_sha256", "'" ZERO64 "'" }, 0,
	    CS_E_APPROVAL_BINDING, "public key" },
	{ "another action", CHANGE_NOTE,
	    { { DK_ALICE, "alice", false, false } },
	    { "/predicate/format", "'clock.set'" }, 0, CS_E_APPROVAL_BINDING,
	    "format" },
	{ "another rule", CHANGE_NOTE, { { DK_ALICE, "alice", false, false } },
	    { "/predicate/rule", "'fw'" }, 0, CS_E_APPROVAL_BINDING, "rule" },
	{ "another what", CHANGE_CLOCK, { { DK_ALICE, "alice", false, false } },
	    { "/predicate/version", "'+61 s'" }, 0, CS_E_APPROVAL_BINDING,
	    "version" },
	{ "made ahead", CHANGE_NOTE, { { DK_ALICE, "alice", false, true } },
	    { NULL, NULL }, 0, CS_E_APPROVAL_AHEAD, "administration" },
	{ "no session's", CHANGE_NOTE, { { DK_ALICE, "alice", false, false } },
	    { "/predicate/nonce", "'" ZERO64 "'" }, 0, CS_E_APPROVAL_NONCE,
	    NULL },
};

static char *
approve(const struct policy *p, const struct request *r, const struct vote *v,
    const struct doc_change *c, size_t *ret_len)
{
	const struct approval_new n = { !v->reject, v->reject ? "no" : "", r, p,
		&p->admin, v->who, v->ahead ? NULL : nonce, DOC_NOW };
	_cleanup_free_ char *text = NULL, *changed = NULL;
	size_t len = 0, changed_len = 0;

	assert_int_equal(approval_format(&n, &text, &len), 0);
	changed = doc_changed(text, len, c, c->pointer != NULL, &changed_len);
	return doc_envelope(changed, changed_len, &v->key, 1, ret_len);
}

static void
run(const struct decision *t, const struct policy *p, const char *requester)
{
	static const struct doc_change none = { NULL, NULL };
	_cleanup_request_ struct request *r = make(t->action, NULL, NULL);
	_cleanup_checks_ struct checks c = { 0 };
	struct approval_doc docs[3] = { { NULL, 0 } };
	char *env[3] = { NULL };
	uint64_t count = 99;
	size_t i, n;

	for (n = 0; n < 3 && t->v[n].who != NULL; n++) {
		env[n] = approve(p, r, &t->v[n], n == 0 ? &t->change : &none,
		    &docs[n].len);
		docs[n].envelope = (const uint8_t *)env[n];
	}
	assert_int_equal(evaluate_approvals(p, r, &p->admin,
			     policy_principal_by_id(p, requester), nonce,
			     DOC_NOW, docs, n, &c, &count),
	    0);
	assert_int_equal(c.n, n);
	if (count != t->count || c.v[0].pass != (t->code == 0) ||
	    (t->code != 0 && c.v[0].code != t->code) ||
	    (t->found != NULL && strstr(c.v[0].found, t->found) == NULL))
		fail_msg("%s: %llu counted, %s: %s", t->what,
		    (unsigned long long)count, err_id(c.v[0].code),
		    c.v[0].found);
	for (i = 0; i < n; i++)
		free(env[i]);
}

static void
test_approvals(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(decisions); i++)
		run(&decisions[i], p,
		    strcmp(decisions[i].v[0].who, "ci") == 0 ? "dev" : "ci");
}

static void
test_requester_excluded(void **state)
{
	static const struct decision admin = { "alice asked", CHANGE_POLICY,
		{ { DK_ALICE, "alice", false, false },
		    { DK_BOB, "bob", false, false } },
		{ NULL, NULL }, 1, CS_E_APPROVAL_REQUESTER, NULL };
	static const struct decision voter = { "dev asked", CHANGE_POLICY,
		{ { DK_DEV, "dev", false, false } }, { NULL, NULL }, 0,
		CS_E_APPROVAL_REQUESTER, NULL };
	static const struct decision expired = { "expired", CHANGE_POLICY,
		{ { DK_CAROL, "carol", false, false } }, { NULL, NULL }, 0,
		CS_E_APPROVAL_EXPIRED, NULL };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);

	(void)state;
	run(&admin, p, "alice");
	run(&voter, p, "dev");
	p->principals[4].valid_until = DOC_NOW - 1;
	run(&expired, p, "ci");
}

/* break-glass people vote where some rule opens the domain */
static void
test_voters(void **state)
{
	static const char *const auditor[] = { "auditor" };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_request_ struct request *r = make(CHANGE_POLICY, NULL, NULL),
					 *s = doc_request("firmware", "rel",
					     "raw");
	const struct policy_principal *olga, *carol, *bob;
	const size_t rules = p->nrules;

	(void)state;
	olga = policy_principal_by_id(p, "olga");
	carol = policy_principal_by_id(p, "carol");
	bob = policy_principal_by_id(p, "bob");
	assert_true(evaluate_is_voter(p, r, carol));
	assert_false(evaluate_is_voter(p, r, bob)); /* he counts */
	assert_false(evaluate_is_voter(p, r, olga));
	assert_false(evaluate_is_voter(p, s, carol));
	assert_int_equal(evaluate_may_approve(p, &p->admin, bob, carol, DOC_NOW,
			     NULL),
	    CS_E_APPROVAL_ROLE);
	assert_int_equal(evaluate_may_decide(p, r, &p->admin, bob, carol,
			     DOC_NOW, NULL),
	    0);
	assert_int_equal(evaluate_may_decide(p, s, &p->rules[0], bob, olga,
			     DOC_NOW, NULL),
	    CS_E_APPROVAL_ROLE);
	p->has_break_glass = true;
	p->break_glass.roles.v = (const char **)(uintptr_t)auditor;
	p->break_glass.roles.n = 1;
	assert_true(evaluate_is_voter(p, r, olga));
	p->nrules = 0;
	assert_false(evaluate_is_voter(p, r, olga));
	assert_false(evaluate_is_voter(p, r, carol));
	p->nrules = rules;
	p->break_glass.roles.v = NULL;
	p->break_glass.roles.n = 0;
}

/* Zeros stand for no key, and never for one. */
static void
test_key_sha256(void **state)
{
	static const uint8_t zeros[32];
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_request_ struct request *s =
	    doc_request("firmware", "rel", "raw");
	struct approval_new n = { true, "", s, p, &p->rules[0], "bob", nonce,
		DOC_NOW };
	char *text = NULL;
	size_t len = 0;
	int a;

	(void)state;
	for (a = REQUEST_SIGN + 1; a < REQUEST_ACTIONS; a++) {
		_cleanup_request_ struct request *r =
		    make((enum request_action)a, NULL, NULL);
		const uint8_t *k = approval_key_sha256(p, r);

		assert_memory_equal(k,
		    a == CHANGE_KEY_DESTROY ? p->keys[0].key->id : zeros, 32);
		r->key = "nothing";
		if (a == CHANGE_KEY_DESTROY)
			assert_null(approval_key_sha256(p, r));
	}
	assert_memory_equal(approval_key_sha256(p, s), p->keys[0].key->id, 32);
	s->key = "nothing";
	assert_null(approval_key_sha256(p, s));
	assert_int_equal(approval_format(&n, &text, &len), CS_E_POLICY_KEY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requester),
		cmocka_unit_test(test_requester_of_signatures),
		cmocka_unit_test(test_approvals),
		cmocka_unit_test(test_requester_excluded),
		cmocka_unit_test(test_voters),
		cmocka_unit_test(test_key_sha256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
