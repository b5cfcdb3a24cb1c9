/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/documents.h"
#include "tests/lib/expect.h"

#define ZERO64 \
	"0000000000000000000000000000000000000000000000000000000000000000"

static const uint8_t nonce[32] = { 1, 2, 3 };

static const struct check *
first_failed(const struct checks *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (!c->v[i].pass)
			return &c->v[i];
	fail();
	return NULL;
}

/* the requester's signature */

static const struct {
	const char *what;
	enum doc_key by[2];
	size_t n;
	struct doc_change change; /* of the policy */
	int64_t now;
	int codes[4];
	const char *who;
} requester_cases[] = {
	{ "ci", { DK_CI }, 1, { NULL, NULL }, DOC_NOW, { 0 }, "ci" },
	{ "dev", { DK_DEV }, 1, { NULL, NULL }, DOC_NOW, { 0 }, "dev" },
	{ "stranger", { DK_STRANGER }, 1, { NULL, NULL }, DOC_NOW,
	    { CS_E_REQ_SIGNATURE }, NULL },
	{ "a signing key", { DK_REL }, 1, { NULL, NULL }, DOC_NOW,
	    { CS_E_REQ_SIGNATURE }, NULL },
	{ "two", { DK_CI, DK_DEV }, 2, { NULL, NULL }, DOC_NOW,
	    { CS_E_REQ_SIGNATURE }, "ci" },
	{ "one and a stranger", { DK_CI, DK_STRANGER }, 2, { NULL, NULL },
	    DOC_NOW, { CS_E_REQ_SIGNATURE }, "ci" },
	{ "twice", { DK_CI, DK_CI }, 2, { NULL, NULL }, DOC_NOW,
	    { CS_E_REQ_SIGNATURE }, "ci" },
	{ "no requester", { DK_BOB }, 1, { NULL, NULL }, DOC_NOW,
	    { CS_E_REQ_REQUESTER }, "bob" },
	{ "too late", { DK_CI }, 1,
	    { "/principals/0/valid_until", "'2026-06-01T00:00:00Z'" }, DOC_NOW,
	    { CS_E_REQ_EXPIRED }, "ci" },
	{ "too early", { DK_CI }, 1,
	    { "/principals/0/valid_from", "'2026-12-01T00:00:00Z'" }, DOC_NOW,
	    { CS_E_REQ_NOT_YET }, "ci" },
};

static void
test_requester(void **state)
{
	size_t i, len = 0;
	_cleanup_free_ char *text =
	    doc_request_payload("firmware", "rel", "raw", &len);
	_cleanup_request_ struct request *r = NULL;

	(void)state;
	assert_int_equal(request_parse(text, len, &r, NULL), 0);
	for (i = 0; i < ARRAY_LEN(requester_cases); i++) {
		struct doc_change c = requester_cases[i].change;
		_cleanup_policy_ struct policy *p =
		    doc_policy(&c, c.pointer != NULL);
		_cleanup_checks_ struct checks k = { 0 };
		_cleanup_dsse_ struct dsse *e = NULL;
		_cleanup_free_ char *env = NULL;
		const struct policy_principal *who = NULL;
		size_t n = 0;

		env = doc_envelope(text, len, requester_cases[i].by,
		    requester_cases[i].n, &n);
		assert_int_equal(dsse_parse(env, n, &e, NULL), 0);
		assert_int_equal(evaluate_requester(p, e, r,
				     requester_cases[i].now, &k, &who),
		    0);
		expect_failed(&k, requester_cases[i].what,
		    requester_cases[i].codes);
		if (requester_cases[i].who == NULL)
			assert_null(who);
		else
			assert_string_equal(who->id, requester_cases[i].who);
	}
}

/* the signature is good, but over another request than the one decided on */
static void
test_requester_other_document(void **state)
{
	static const enum doc_key by[] = { DK_CI };
	static const int codes[] = { CS_E_REQ_SIGNATURE, 0 };
	size_t len = 0, n = 0;
	_cleanup_free_ char *text =
	    doc_request_payload("boot", "relcms", "cms", &len);
	_cleanup_free_ char *env = doc_envelope(text, len, by, 1, &n);
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_checks_ struct checks k = { 0 };
	_cleanup_dsse_ struct dsse *e = NULL;
	const struct policy_principal *who = NULL;

	(void)state;
	assert_int_equal(dsse_parse(env, n, &e, NULL), 0);
	assert_int_equal(evaluate_requester(p, e, r, DOC_NOW, &k, &who), 0);
	expect_failed(&k, "another document", codes);
}

/* the request itself */

static const struct {
	const char *what;
	const char *product, *key, *format, *who;
	struct doc_change policy, request;
	int64_t now;
	int codes[6];
} request_cases[] = {
	{ "good", "firmware", "rel", "raw", "ci", { NULL, NULL },
	    { NULL, NULL }, DOC_NOW, { 0 } },
	{ "good p384", "firmware", "rel384", "raw", "dev", { NULL, NULL },
	    { NULL, NULL }, DOC_NOW, { 0 } },
	{ "good cms", "boot", "relcms", "cms", "ci", { NULL, NULL },
	    { NULL, NULL }, DOC_NOW, { 0 } },
	{ "product", "game", "rel", "raw", "ci", { NULL, NULL }, { NULL, NULL },
	    DOC_NOW,
	    { CS_E_POLICY_PRODUCT, CS_E_REQ_REQUESTER, CS_E_POLICY_RULE,
		CS_E_POLICY_KEY } },
	{ "product without a rule", "spare", "rel384", "raw", "ci",
	    { NULL, NULL }, { NULL, NULL }, DOC_NOW,
	    { CS_E_POLICY_PRODUCT, CS_E_REQ_REQUESTER, CS_E_POLICY_RULE } },
	{ "key", "firmware", "none", "raw", "ci", { NULL, NULL },
	    { NULL, NULL }, DOC_NOW, { CS_E_POLICY_RULE, CS_E_POLICY_KEY } },
	{ "another product's key", "firmware", "relcms", "raw", "ci",
	    { NULL, NULL }, { NULL, NULL }, DOC_NOW,
	    { CS_E_POLICY_RULE, CS_E_POLICY_KEY, CS_E_POLICY_FORMAT } },
	{ "format", "firmware", "rel", "cms", "ci", { NULL, NULL },
	    { NULL, NULL }, DOC_NOW, { CS_E_POLICY_RULE, CS_E_POLICY_FORMAT } },
	{ "requester", "boot", "relcms", "cms", "dev", { NULL, NULL },
	    { NULL, NULL }, DOC_NOW, { CS_E_REQ_REQUESTER, CS_E_POLICY_RULE } },
	{ "nobody", "firmware", "rel", "raw", NULL, { NULL, NULL },
	    { NULL, NULL }, DOC_NOW, { CS_E_REQ_REQUESTER, CS_E_POLICY_RULE } },
	{ "retired", "firmware", "rel", "raw", "ci",
	    { "/keys/0/state", "'retired'" }, { NULL, NULL }, DOC_NOW,
	    { CS_E_KEY_STATE } },
	{ "pending", "firmware", "rel", "raw", "ci",
	    { "/keys/0/state", "'pending'" }, { NULL, NULL }, DOC_NOW,
	    { CS_E_KEY_STATE } },
	{ "key expired", "firmware", "rel", "raw", "ci",
	    { "/keys/0/valid_until", "'2026-06-01T00:00:00Z'" }, { NULL, NULL },
	    DOC_NOW, { CS_E_KEY_EXPIRED } },
	/* R3: the clock is behind: it is named, and not the key blamed */
	{ "clock behind", "firmware", "rel", "raw", "ci", { NULL, NULL },
	    { NULL, NULL }, 0, { CS_E_REQ_FUTURE, CS_E_KEY_NOT_YET } },
	/* R7 */
	{ "made before the key", "firmware", "rel", "raw", "ci", { NULL, NULL },
	    { "/predicate/created", "'2025-12-31T23:59:59Z'" }, DOC_NOW,
	    { CS_E_REQ_NOT_BEFORE } },
	{ "made before the certificate", "boot", "relcms", "cms", "ci",
	    { "/keys/2/valid_from", "'2020-01-01T00:00:00Z'" },
	    { "/predicate/created", "'2025-06-01T00:00:00Z'" }, DOC_NOW,
	    { CS_E_REQ_NOT_BEFORE } },
	{ "certificate not yet", "boot", "relcms", "cms", "ci",
	    { "/keys/2/valid_from", "'2020-01-01T00:00:00Z'" },
	    { "/predicate/created", "'2025-06-01T00:00:00Z'" },
	    DOC_NOW - 40000000, { CS_E_KEY_NOT_YET, CS_E_REQ_NOT_BEFORE } },
	{ "certificate expired", "boot", "relcms", "cms", "ci",
	    { "/keys/2/valid_until", "'2040-01-01T00:00:00Z'" }, { NULL, NULL },
	    DOC_NOW + 40000000, { CS_E_KEY_EXPIRED } },
	{ "from the future", "firmware", "rel", "raw", "ci", { NULL, NULL },
	    { "/predicate/created", "'2026-11-30T00:00:00Z'" }, DOC_NOW,
	    { CS_E_REQ_FUTURE } },
	/* R6 */
	{ "digest too weak", "firmware", "rel384", "raw", "ci", { NULL, NULL },
	    { "/subject/1/digest/sha384", NULL }, DOC_NOW,
	    { CS_E_REQ_DIGEST } },
	{ "digest not needed", "firmware", "rel", "raw", "ci", { NULL, NULL },
	    { "/subject/1/digest/sha384", NULL }, DOC_NOW, { 0 } },
};

static void
test_request(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(request_cases); i++) {
		struct doc_change pc = request_cases[i].policy;
		struct doc_change rc = request_cases[i].request;
		_cleanup_policy_ struct policy *p =
		    doc_policy(&pc, pc.pointer != NULL);
		_cleanup_request_ struct request *r = NULL;
		_cleanup_checks_ struct checks k = { 0 };
		_cleanup_free_ char *text = NULL, *changed = NULL;
		const struct policy_rule *rule = NULL;
		const struct policy_principal *who;
		size_t len = 0, n = 0;

		text = doc_request_payload(request_cases[i].product,
		    request_cases[i].key, request_cases[i].format, &len);
		changed = doc_changed(text, len, &rc, rc.pointer != NULL, &n);
		assert_int_equal(request_parse(changed, n, &r, NULL), 0);
		who = request_cases[i].who == NULL ?
		    NULL :
		    policy_principal_by_id(p, request_cases[i].who);
		assert_int_equal(evaluate_request(p, r, who,
				     request_cases[i].now, &k, &rule),
		    0);
		expect_failed(&k, request_cases[i].what,
		    request_cases[i].codes);
		assert_true(k.n >= 5); /* those that passed are there too */
		if (checks_failed(&k) == 0)
			assert_non_null(rule);
	}
}

static void
test_times_named(void **state)
{
	static const struct doc_change change = { "/keys/0/valid_until",
		"'2026-06-01T00:00:00Z'" };
	_cleanup_policy_ struct policy *p = doc_policy(&change, 1);
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");
	_cleanup_checks_ struct checks k = { 0 };
	const struct policy_rule *rule;
	const char *found;

	(void)state;
	assert_int_equal(evaluate_request(p, r, policy_principal_by_id(p, "ci"),
			     DOC_NOW, &k, &rule),
	    0);
	found = first_failed(&k)->found;
	assert_non_null(strstr(found, "the clock says 2026-11-18T"));
	assert_non_null(strstr(found, "rel was valid until 2026-06-01T"));
	/* R3: "not yet valid" names the clock first */
	assert_non_null(strstr(err_advice(CS_E_KEY_NOT_YET), "clock"));
	assert_non_null(strstr(err_advice(CS_E_REQ_NOT_YET), "clock"));
	assert_non_null(strstr(err_advice(CS_E_APPROVAL_NOT_YET), "clock"));
	assert_non_null(strstr(err_advice(CS_E_REQ_FUTURE), "clock"));
}

/* artifacts */

static void
check_artifacts(const char *key, const struct artifact *a, size_t n,
    const char *what, const int *codes)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_request_ struct request *r =
	    doc_request("firmware", key, "raw");
	_cleanup_checks_ struct checks k = { 0 };

	assert_int_equal(evaluate_artifacts(p, r, NULL, a, n, &k), 0);
	expect_failed(&k, what, codes);
	assert_true(k.n > 0);
}

static void
test_artifacts(void **state)
{
	static const int none[] = { 0 },
			 missing[] = { CS_E_ARTIFACT_MISSING, 0 },
			 extra[] = { CS_E_ARTIFACT_EXTRA, 0 },
			 size[] = { CS_E_ARTIFACT_SIZE, 0 },
			 digest[] = { CS_E_ARTIFACT_DIGEST, 0 },
			 twice[] = { CS_E_ARTIFACT_TWICE, 0 },
			 key[] = { CS_E_POLICY_KEY, 0 },
			 swapped[] = { CS_E_ARTIFACT_MISSING,
				 CS_E_ARTIFACT_EXTRA, 0 },
			 all[] = { CS_E_ARTIFACT_MISSING, CS_E_ARTIFACT_MISSING,
				 0 };
	struct artifact a[3], t;

	(void)state;
	doc_artifacts(a);
	check_artifacts("rel", a, 2, "good", none);
	t = a[0];
	a[0] = a[1];
	a[1] = t;
	check_artifacts("rel384", a, 2, "in any order", none);
	check_artifacts("rel", a, 1, "missing", missing);
	check_artifacts("rel", NULL, 0, "none at all", all);
	a[2] = a[0];
	check_artifacts("rel", a, 3, "twice", twice);
	a[2].sha256[0] ^= 1;
	check_artifacts("rel", a, 3, "extra", extra);
	t = a[1];
	a[1].sha256[5] ^= 1;
	check_artifacts("rel", a, 2, "another one", swapped);
	a[1] = t;
	a[1].size++;
	check_artifacts("rel", a, 2, "size", size);
	a[1] = t;
	a[1].digest[HASH_SHA384][0] ^= 1;
	check_artifacts("rel384", a, 2, "sha384", digest);
	a[1] = t;
	a[1].has[HASH_SHA384] = false;
	check_artifacts("rel384", a, 2, "not computed", digest);
	check_artifacts("rel", a, 2, "not needed", none);
	check_artifacts("unknown", a, 2, "no such key", key);
}

/* A digest of the format's own: as intake computed it, or its refusal. */
static void
test_own_digests(void **state)
{
	static const char *const why[] = { "good", "none", "another",
		"refused" };
	static const int want[] = { 0, CS_E_ARTIFACT_DIGEST,
		CS_E_ARTIFACT_DIGEST, CS_E_FORMAT_FILE };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "openpgp");
	struct artifact a[3];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(want); i++) {
		_cleanup_checks_ struct checks k = { 0 };
		struct diag d = { 0 };

		doc_artifacts(a);
		a[0].tbs_len = a[1].tbs_len = 32;
		r->st->subjects[0].tbs_len = r->st->subjects[1].tbs_len = 32;
		if (i == 1)
			a[1].tbs_len = 0;
		if (i == 2)
			a[1].tbs[31] = 1;
		if (i == 3)
			cs_ignore(diag_fail(&a[1].refused, CS_E_FORMAT_FILE,
			    "a file", "none"));
		assert_int_equal(evaluate_artifacts(p, r, NULL, a, 2, &k), 0);
		if (checks_verdict(&k, &d) != want[i])
			fail_msg("%s: %s", why[i], err_id(d.code));
	}
}

static void
test_many_artifacts(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");
	_cleanup_checks_ struct checks k = { 0 };
	_cleanup_free_ struct artifact *a = calloc(200, sizeof(*a));
	size_t i;

	(void)state;
	doc_artifacts(a);
	for (i = 2; i < 200; i++)
		a[i].sha256[1] = (uint8_t)i;
	assert_int_equal(evaluate_artifacts(p, r, NULL, a, 200, &k), 0);
	assert_int_equal(k.n, 51); /* 50, and how many more */
	assert_non_null(strstr(k.v[50].found, "148 more"));
	assert_false(k.v[50].pass);
}

/* approvals */

struct one {
	const char *approver;
	enum doc_key by;
	bool reject;
	struct doc_change change; /* of the approval */
};

static const struct approval_case {
	const char *what;
	const char *product, *key, *format;
	const char *requester;
	struct doc_change policy;
	struct one a[4];
	uint64_t count;
	int codes[5];
} approval_cases[] = {
	{ "two people", "firmware", "rel", "raw", "ci", { NULL, NULL },
	    { { .approver = "alice", .by = DK_ALICE },
		{ .approver = "bob", .by = DK_BOB } },
	    2, { 0 } },
	{ "nobody", "firmware", "rel", "raw", "ci", { NULL, NULL }, { { 0 } },
	    0, { 0 } },
	/* Q1 */
	{ "one key twice", "firmware", "rel", "raw", "ci", { NULL, NULL },
	    { { .approver = "alice", .by = DK_ALICE },
		{ .approver = "alice",
		    .by = DK_ALICE,
		    .change = { "/predicate/reason", "'again'" } } },
	    1, { CS_E_APPROVAL_SAME_KEY } },
	{ "one person, two keys", "firmware", "rel", "raw", "ci",
	    { NULL, NULL },
	    { { .approver = "alice", .by = DK_ALICE },
		{ .approver = "alice", .by = DK_ALICE2 } },
	    1, { CS_E_APPROVAL_SAME_PERSON } },
	{ "one key, two names", "firmware", "rel", "raw", "ci", { NULL, NULL },
	    { { .approver = "alice", .by = DK_ALICE },
		{ .approver = "bob", .by = DK_ALICE } },
	    1, { CS_E_APPROVAL_APPROVER } },
	/* Q2: the count goes on, and the bad one is there */
	{ "enough, and a stranger", "firmware", "rel", "raw", "ci",
	    { NULL, NULL },
	    { { .approver = "alice", .by = DK_ALICE },
		{ .approver = "bob", .by = DK_BOB },
		{ .approver = "carol", .by = DK_STRANGER } },
	    2, { CS_E_APPROVAL_SIGNATURE } },
	{ "bad first", "firmware", "rel", "raw", "ci", { NULL, NULL },
	    { { .approver = "carol", .by = DK_STRANGER },
		{ .approver = "alice", .by = DK_ALICE },
		{ .approver = "bob", .by = DK_BOB } },
	    2, { CS_E_APPROVAL_SIGNATURE } },
	{ "a bad one does not use up the person", "firmware", "rel", "raw",
	    "ci", { NULL, NULL },
	    { { .approver = "alice",
		  .by = DK_ALICE,
		  .change = { "/predicate/nonce", "'" ZERO64 "'" } },
		{ .approver = "alice", .by = DK_ALICE } },
	    1, { CS_E_APPROVAL_NONCE } },
	{ "rejection", "firmware", "rel", "raw", "ci", { NULL, NULL },
	    { { .approver = "alice", .by = DK_ALICE },
		{ .approver = "bob", .by = DK_BOB, .reject = true },
		{ .approver = "carol", .by = DK_CAROL } },
	    2, { CS_E_APPROVAL_REJECTED } },
	{ "role", "firmware", "rel", "raw", "ci", { NULL, NULL },
	    { { .approver = "olga", .by = DK_OLGA } }, 0,
	    { CS_E_APPROVAL_ROLE } },
	{ "a system", "firmware", "rel", "raw", "dev", { NULL, NULL },
	    { { .approver = "ci", .by = DK_CI } }, 0,
	    { CS_E_APPROVAL_PERSON } },
	{ "the requester", "firmware", "rel", "raw", "dev", { NULL, NULL },
	    { { .approver = "dev", .by = DK_DEV },
		{ .approver = "bob", .by = DK_BOB } },
	    1, { CS_E_APPROVAL_REQUESTER } },
	{ "the requester of another", "firmware", "rel", "raw", "ci",
	    { NULL, NULL }, { { .approver = "dev", .by = DK_DEV } }, 1, { 0 } },
	{ "no requester", "firmware", "rel", "raw", NULL, { NULL, NULL },
	    { { .approver = "bob", .by = DK_BOB } }, 0,
	    { CS_E_APPROVAL_REQUESTER } },
	{ "expired", "firmware", "rel", "raw", "ci",
	    { "/principals/3/valid_until", "'2026-06-01T00:00:00Z'" },
	    { { .approver = "bob", .by = DK_BOB } }, 0,
	    { CS_E_APPROVAL_EXPIRED } },
	{ "not yet", "firmware", "rel", "raw", "ci",
	    { "/principals/3/valid_from", "'2026-12-01T00:00:00Z'" },
	    { { .approver = "bob", .by = DK_BOB } }, 0,
	    { CS_E_APPROVAL_NOT_YET } },
	{ "organisations", "boot", "relcms", "cms", "ci", { NULL, NULL },
	    { { .approver = "alice", .by = DK_ALICE },
		{ .approver = "bob", .by = DK_BOB },
		{ .approver = "carol", .by = DK_CAROL } },
	    2, { CS_E_APPROVAL_ORGANISATION } },
/* what it binds */
#define BOUND(what, pointer, value, code)                             \
	{                                                             \
		what, "firmware", "rel", "raw", "ci", { NULL, NULL }, \
		    { { .approver = "bob",                            \
			.by = DK_BOB,                                 \
			.change = { pointer, value } } },             \
		    0,                                                \
		{                                                     \
			code                                          \
		}                                                     \
	}
	BOUND("request id", "/predicate/request/id",
	    "'ffffffffffffffffffffffffffffffff'", CS_E_APPROVAL_BINDING),
	BOUND("policy", "/predicate/policy", "'" ZERO64 "'",
	    CS_E_APPROVAL_BINDING),
	BOUND("rule", "/predicate/rule", "'boot'", CS_E_APPROVAL_BINDING),
	BOUND("key", "/predicate/key", "'rel384'", CS_E_APPROVAL_BINDING),
	BOUND("public key", "/predicate/key_sha256", "'" ZERO64 "'",
	    CS_E_APPROVAL_BINDING),
	BOUND("format", "/predicate/format", "'cms'", CS_E_APPROVAL_BINDING),
	BOUND("product", "/predicate/product", "'boot'", CS_E_APPROVAL_BINDING),
	BOUND("version", "/predicate/version", "'1.2.4'",
	    CS_E_APPROVAL_BINDING),
	BOUND("count", "/predicate/artifacts/count", "3",
	    CS_E_APPROVAL_BINDING),
	BOUND("root", "/predicate/artifacts/root", "'" ZERO64 "'",
	    CS_E_APPROVAL_BINDING),
	BOUND("appliance", "/predicate/appliance", "'other.example'",
	    CS_E_APPROVAL_BINDING),
	BOUND("nonce", "/predicate/nonce", "'" ZERO64 "'", CS_E_APPROVAL_NONCE),
	BOUND("subject", "/subject/0/digest/sha256", "'" ZERO64 "'",
	    CS_E_STATEMENT_SUBJECT),
	BOUND("another kind", "/predicateType", "'" PRED_REQUEST "'",
	    CS_E_STATEMENT_PREDICATE),
	BOUND("decision", "/predicate/decision", "'yes'",
	    CS_E_APPROVAL_DECISION),
#undef BOUND
};

static char *
make_approval(const struct policy *p, const struct request *r,
    const struct policy_rule *rule, const struct one *o, size_t *ret_len)
{
	struct approval_new n = { !o->reject, o->reject ? "not tested" : "", r,
		p, rule, o->approver, nonce, DOC_NOW };
	_cleanup_free_ char *text = NULL, *changed = NULL;
	size_t len = 0, changed_len = 0;

	assert_int_equal(approval_format(&n, &text, &len), 0);
	changed = doc_changed(text, len, &o->change, o->change.pointer != NULL,
	    &changed_len);
	return doc_envelope(changed, changed_len, &o->by, 1, ret_len);
}

static const struct policy_rule *
rule_for(const struct policy *p, const char *product)
{
	size_t i;

	for (i = 0; i < p->nrules; i++)
		if (strcmp(p->rules[i].product, product) == 0)
			return &p->rules[i];
	fail();
	return NULL;
}

static void
run_approvals(const struct approval_case *t)
{
	struct doc_change c = t->policy;
	_cleanup_policy_ struct policy *p = doc_policy(&c, c.pointer != NULL);
	_cleanup_request_ struct request *r =
	    doc_request(t->product, t->key, t->format);
	const struct policy_rule *rule = rule_for(p, t->product);
	_cleanup_checks_ struct checks k = { 0 };
	struct approval_doc docs[4];
	char *env[4] = { NULL };
	uint64_t count = 99;
	size_t i, n;

	for (n = 0; n < 4 && t->a[n].approver != NULL; n++) {
		env[n] = make_approval(p, r, rule, &t->a[n], &docs[n].len);
		docs[n].envelope = (const uint8_t *)env[n];
	}
	assert_int_equal(evaluate_approvals(p, r, rule,
			     t->requester == NULL ?
				 NULL :
				 policy_principal_by_id(p, t->requester),
			     nonce, DOC_NOW, docs, n, &k, &count),
	    0);
	expect_failed(&k, t->what, t->codes);
	if (count != t->count)
		fail_msg("%s: %llu counted", t->what,
		    (unsigned long long)count);
	assert_int_equal(k.n, n); /* one line for each */
	for (i = 0; i < n; i++)
		free(env[i]);
}

static void
test_approvals(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(approval_cases); i++)
		run_approvals(&approval_cases[i]);
}

/* Q1: the message names the duplicate */
static void
test_duplicate_named(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");
	static const struct one o = { .approver = "alice", .by = DK_ALICE };
	_cleanup_checks_ struct checks k = { 0 };
	_cleanup_free_ char *env = NULL;
	struct approval_doc d[2];
	uint64_t count = 0;

	(void)state;
	env = make_approval(p, r, &p->rules[0], &o, &d[0].len);
	d[0].envelope = (const uint8_t *)env;
	d[1] = d[0];
	assert_int_equal(evaluate_approvals(p, r, &p->rules[0],
			     policy_principal_by_id(p, "ci"), nonce, DOC_NOW, d,
			     2, &k, &count),
	    0);
	assert_int_equal(count, 1);
	assert_non_null(strstr(first_failed(&k)->found, "approval 2"));
	assert_non_null(strstr(first_failed(&k)->found, "alice"));
}

/* Envelopes that are not one person's one signature, or nothing at all. */
static void
test_approval_envelopes(void **state)
{
	static const enum doc_key two[] = { DK_ALICE, DK_BOB };
	static const enum doc_key same[] = { DK_ALICE, DK_ALICE };
	static const enum doc_key with[] = { DK_ALICE, DK_STRANGER };
	static const int codes[] = { CS_E_APPROVAL_SIGNATURE,
		CS_E_APPROVAL_SIGNATURE, CS_E_APPROVAL_SIGNATURE,
		CS_E_JSON_SYNTAX, 0 };
	const enum doc_key *const sets[] = { two, same, with };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");
	struct approval_new a = { true, "", r, p, &p->rules[0], "alice", nonce,
		DOC_NOW };
	_cleanup_checks_ struct checks k = { 0 };
	_cleanup_free_ char *text = NULL;
	struct approval_doc d[4];
	char *env[3];
	uint64_t count = 9;
	size_t i, len = 0;

	(void)state;
	assert_int_equal(approval_format(&a, &text, &len), 0);
	for (i = 0; i < 3; i++) {
		env[i] = doc_envelope(text, len, sets[i], 2, &d[i].len);
		d[i].envelope = (const uint8_t *)env[i];
	}
	d[3] = (struct approval_doc){ (const uint8_t *)"x", 1 };
	assert_int_equal(evaluate_approvals(p, r, &p->rules[0],
			     policy_principal_by_id(p, "ci"), nonce, DOC_NOW, d,
			     4, &k, &count),
	    0);
	expect_failed(&k, "envelopes", codes);
	assert_int_equal(count, 0);
	for (i = 0; i < 3; i++)
		free(env[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requester),
		cmocka_unit_test(test_requester_other_document),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_times_named),
		cmocka_unit_test(test_artifacts),
		cmocka_unit_test(test_own_digests),
		cmocka_unit_test(test_many_artifacts),
		cmocka_unit_test(test_approvals),
		cmocka_unit_test(test_duplicate_named),
		cmocka_unit_test(test_approval_envelopes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
