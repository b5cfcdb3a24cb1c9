/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/change.h"
#include "lib/hex.h"
#include "tests/lib/documents.h"

/* Changes as documents: what is read, what is written, what is refused. */
#define ID "00112233445566778899aabbccddeeff"
#define H  "0101010101010101010101010101010101010101010101010101010101010101"

static const uint8_t ones[32] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
static const struct request_evidence document = { CHANGE_POLICY_DOC, { 7 },
	99 };

static struct change_new
base(enum request_action a)
{
	struct change_new n = { .action = a,
		.id = ID,
		.reason = "the yearly review",
		.user = "anna",
		.system = "desk.example",
		.created = DOC_NOW - 3600 };

	switch (a) {
	case CHANGE_POLICY:
		n.policy = ones;
		n.policy_version = 2;
		n.evidence = &document;
		n.nevidence = 1;
		break;
	case CHANGE_KEY_GENERATE:
		n.key = "fw-2027";
		n.domain = "router";
		n.alg = KEY_P256;
		break;
	case CHANGE_KEY_DESTROY:
		n.key = "fw-2025";
		break;
	case CHANGE_CLOCK:
		n.seconds = 3600;
		break;
	default:
		break;
	}
	return n;
}

static char *
format(enum request_action a, size_t *ret_len)
{
	const struct change_new n = base(a);
	char *text = NULL;

	assert_int_equal(change_format(&n, &text, ret_len), 0);
	return text;
}

static const struct {
	enum request_action action;
	const char *name, *version, *key;
} actions[] = {
	{ CHANGE_POLICY, "policy.update", "policy 2", "none" },
	{ CHANGE_KEY_GENERATE, "key.generate",
	    "key fw-2027 in router (ecdsa-p256-sha256)", "fw-2027" },
	{ CHANGE_KEY_DESTROY, "key.destroy", "key fw-2025", "fw-2025" },
	{ CHANGE_CLOCK, "clock.set", "+3600 s", "none" },
	{ CHANGE_NOTE, "exception.note", "note", "none" },
};

static void
test_actions(void **state)
{
	size_t i;

	(void)state;
	assert_int_equal(ARRAY_LEN(actions), REQUEST_ACTIONS - 1);
	for (i = 0; i < ARRAY_LEN(actions); i++) {
		_cleanup_request_ struct request *r = NULL;
		_cleanup_free_ char *text = NULL;
		size_t len = 0;
		uint8_t root[32];

		text = format(actions[i].action, &len);
		assert_int_equal(change_parse(text, len, &r, NULL), 0);
		assert_int_equal(r->action, actions[i].action);
		assert_string_equal(r->product, "administration");
		assert_string_equal(r->version, actions[i].version);
		assert_string_equal(r->key, actions[i].key);
		assert_string_equal(r->format, actions[i].name);
		assert_string_equal(r->id, ID);
		assert_string_equal(r->user, "anna");
		assert_string_equal(r->system, "desk.example");
		assert_string_equal(r->pipeline, "");
		assert_string_equal(r->run, "");
		assert_string_equal(r->commit, "");
		assert_string_equal(r->branch, "");
		assert_null(r->break_glass);
		assert_string_equal(r->change.reason, "the yearly review");
		assert_int_equal(r->created, DOC_NOW - 3600);
		assert_int_equal(r->nevidence,
		    actions[i].action == CHANGE_POLICY);
		assert_int_equal(sha256(text, len, root), 0);
		assert_memory_equal(r->digest, root, 32);
		assert_int_equal(statement_subject_root(r->st->subjects, 1,
				     root),
		    0);
		assert_memory_equal(r->subject_root, root, 32);
		assert_string_equal(change_action_name(r->action),
		    actions[i].name);
		assert_int_equal(change_action_from_name(actions[i].name),
		    actions[i].action);
	}
	assert_null(change_action_name(REQUEST_SIGN));
	assert_null(change_action_name(REQUEST_ACTIONS));
	assert_int_equal(change_action_from_name("sign"), -1);
	assert_int_equal(change_action_from_name(""), -1);
}

static void
test_content(void **state)
{
	_cleanup_request_ struct request *p = NULL, *g = NULL, *c = NULL;
	_cleanup_free_ char *a = NULL, *b = NULL, *m = NULL;
	struct change_new n = base(CHANGE_CLOCK);
	size_t len = 0;

	(void)state;
	a = format(CHANGE_POLICY, &len);
	assert_int_equal(change_parse(a, len, &p, NULL), 0);
	assert_memory_equal(p->change.policy, ones, 32);
	assert_int_equal(p->change.policy_version, 2);
	assert_string_equal(p->evidence[0].name, CHANGE_POLICY_DOC);
	assert_int_equal(p->evidence[0].size, 99);
	b = format(CHANGE_KEY_GENERATE, &len);
	assert_int_equal(change_parse(b, len, &g, NULL), 0);
	assert_string_equal(g->change.domain, "router");
	assert_int_equal(g->change.alg, KEY_P256);
	n.seconds = -CHANGE_CLOCK_MAX_S;
	assert_int_equal(change_format(&n, &m, &len), 0);
	assert_int_equal(change_parse(m, len, &c, NULL), 0);
	assert_int_equal(c->change.seconds, -CHANGE_CLOCK_MAX_S);
	assert_string_equal(c->version, "-315619200 s");
	assert_int_equal(change_time(c, DOC_NOW), DOC_NOW - CHANGE_CLOCK_MAX_S);
	assert_int_equal(change_time(g, DOC_NOW), DOC_NOW);
	/* never beyond what can be written */
	assert_int_equal(change_time(c, INT64_MIN + 1), INT64_MIN + 1);
}

/* One change to the document, its subject made right again. */
static const struct {
	enum request_action action;
	struct doc_change change;
	int code;
} bad[] = {
	{ CHANGE_NOTE, { "/action", "'exception.Note'" }, CS_E_CHANGE_ACTION },
	{ CHANGE_NOTE, { "/action", "''" }, CS_E_JSON_VALUE },
	{ CHANGE_NOTE, { "/action", NULL }, CS_E_JSON_FIELD },
	{ CHANGE_NOTE, { "/created", NULL }, CS_E_JSON_FIELD },
	{ CHANGE_NOTE, { "/created", "'yesterday'" }, CS_E_JSON_VALUE },
	{ CHANGE_NOTE, { "/id", "''" }, CS_E_JSON_VALUE },
	{ CHANGE_NOTE, { "/id", "'00112233445566778899AABBCCDDEEFF'" },
	    CS_E_REQ_ID },
	{ CHANGE_NOTE, { "/id", "'0011'" }, CS_E_REQ_ID },
	{ CHANGE_NOTE, { "/reason", "''" }, CS_E_JSON_VALUE },
	{ CHANGE_NOTE, { "/reason", NULL }, CS_E_JSON_FIELD },
	{ CHANGE_NOTE, { "/origin/user", "''" }, CS_E_JSON_VALUE },
	{ CHANGE_NOTE, { "/origin/system", NULL }, CS_E_JSON_FIELD },
	{ CHANGE_NOTE, { "/origin/pipeline", "'x'" }, CS_E_JSON_FIELD },
	{ CHANGE_NOTE, { "/break_glass", "'x'" }, CS_E_JSON_FIELD },
	{ CHANGE_NOTE, { "/product", "'x'" }, CS_E_JSON_FIELD },
	{ CHANGE_NOTE, { "/evidence", NULL }, CS_E_JSON_FIELD },
	{ CHANGE_NOTE, { "/clock", "{'seconds':1}" }, CS_E_CHANGE_PARAMS },
	{ CHANGE_NOTE, { "/key", "{'id':'x'}" }, CS_E_CHANGE_PARAMS },
	{ CHANGE_NOTE, { "/policy", "{'sha256':'" H "','version':2}" },
	    CS_E_CHANGE_PARAMS },
	{ CHANGE_NOTE, { "/action", "'clock.set'" }, CS_E_CHANGE_PARAMS },
	{ CHANGE_POLICY, { "/policy", NULL }, CS_E_CHANGE_PARAMS },
	{ CHANGE_POLICY, { "/policy", "{}" }, CS_E_JSON_FIELD },
	{ CHANGE_POLICY, { "/policy/sha256", "'00'" }, CS_E_JSON_VALUE },
	{ CHANGE_POLICY, { "/policy/version", "-1" }, CS_E_JSON_VALUE },
	{ CHANGE_POLICY, { "/policy/name", "'x'" }, CS_E_JSON_FIELD },
	{ CHANGE_POLICY, { "/key", "{'id':'x'}" }, CS_E_CHANGE_PARAMS },
	{ CHANGE_POLICY, { "/evidence/0/name", "''" }, CS_E_JSON_VALUE },
	{ CHANGE_POLICY, { "/evidence/0/size", NULL }, CS_E_JSON_FIELD },
	{ CHANGE_POLICY,
	    { "/evidence",
		"[{'name':'a','sha256':'" H "','size':1},"
		"{'name':'b','sha256':'" H "','size':1}]" },
	    CS_E_REQ_EVIDENCE_DUP },
	{ CHANGE_KEY_GENERATE, { "/key", NULL }, CS_E_CHANGE_PARAMS },
	{ CHANGE_KEY_GENERATE, { "/key/id", "'FW'" }, CS_E_CHANGE_NAME },
	{ CHANGE_KEY_GENERATE, { "/key/id", "''" }, CS_E_JSON_VALUE },
	{ CHANGE_KEY_GENERATE,
	    { "/key/id", "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'" },
	    CS_E_CHANGE_NAME },
	{ CHANGE_KEY_GENERATE, { "/key/domain", "'a/b'" }, CS_E_CHANGE_NAME },
	{ CHANGE_KEY_GENERATE, { "/key/domain", NULL }, CS_E_JSON_FIELD },
	{ CHANGE_KEY_GENERATE, { "/key/algorithm", "'rsa'" },
	    CS_E_CHANGE_ALGORITHM },
	{ CHANGE_KEY_GENERATE, { "/key/algorithm", NULL }, CS_E_JSON_FIELD },
	{ CHANGE_KEY_GENERATE, { "/clock", "{'seconds':1}" },
	    CS_E_CHANGE_PARAMS },
	{ CHANGE_KEY_GENERATE, { "/action", "'key.destroy'" },
	    CS_E_JSON_FIELD },
	{ CHANGE_KEY_DESTROY, { "/key/id", "'a b'" }, CS_E_CHANGE_NAME },
	{ CHANGE_KEY_DESTROY, { "/key/id", NULL }, CS_E_JSON_FIELD },
	{ CHANGE_KEY_DESTROY, { "/key/domain", "'release'" }, CS_E_JSON_FIELD },
	{ CHANGE_KEY_DESTROY, { "/key", "'fw-2025'" }, CS_E_JSON_FIELD },
	{ CHANGE_CLOCK, { "/clock/seconds", "0" }, CS_E_CHANGE_CLOCK },
	{ CHANGE_CLOCK, { "/clock/seconds", "315619201" }, CS_E_CHANGE_CLOCK },
	{ CHANGE_CLOCK, { "/clock/seconds", "-315619201" }, CS_E_CHANGE_CLOCK },
	{ CHANGE_CLOCK, { "/clock/seconds", "'1'" }, CS_E_JSON_FIELD },
	{ CHANGE_CLOCK, { "/clock", "{}" }, CS_E_JSON_FIELD },
	{ CHANGE_CLOCK, { "/clock/seconds", "315619200" }, 0 },
	{ CHANGE_CLOCK, { "/reason", "'x'" }, 0 },
};

static void
test_refusals(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_request_ struct request *r = NULL;
		_cleanup_free_ char *good = NULL, *text = NULL;
		struct diag d = { 0 };
		size_t len = 0, n = 0;
		int e;

		good = format(bad[i].action, &len);
		text = doc_predicate_changed(good, len, "change",
		    &bad[i].change, 1, &n);
		e = change_parse(text, n, &r, &d);
		if (e != bad[i].code || (e == 0) != (r != NULL))
			fail_msg("%zu %s: %s, found %s", i,
			    bad[i].change.pointer, err_id(e), d.found);
	}
}

/* The statement around it, and bytes that say the same in another form. */
static void
test_statement(void **state)
{
	static const struct {
		struct doc_change change;
		int code;
	} t[] = {
		{ { "/predicate/reason", "'another'" }, CS_E_CHANGE_DIGEST },
		{ { "/subject/0/name", "'policy'" }, CS_E_CHANGE_DIGEST },
		{ { "/subject/0/digest/sha256", "'" H "'" },
		    CS_E_CHANGE_DIGEST },
		{ { "/subject/0/annotations", "{'size':3}" },
		    CS_E_CHANGE_DIGEST },
		{ { "/subject/-", "{'digest':{'sha256':'" H "'},'name':'x'}" },
		    CS_E_CHANGE_DIGEST },
		{ { "/subject", "[]" }, CS_E_STATEMENT_SUBJECT },
		{ { "/predicateType", "'" PRED_REQUEST "'" },
		    CS_E_STATEMENT_PREDICATE },
		{ { "/_type", "'x'" }, CS_E_STATEMENT_TYPE },
		{ { "/more", "1" }, CS_E_JSON_FIELD },
	};
	_cleanup_free_ char *good = NULL, *spaced = NULL;
	_cleanup_request_ struct request *r = NULL;
	size_t i, len = 0, n = 0;

	(void)state;
	good = format(CHANGE_NOTE, &len);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		_cleanup_free_ char *text =
		    doc_changed(good, len, &t[i].change, 1, &n);
		int e = change_parse(text, n, &r, NULL);

		if (e != t[i].code)
			fail_msg("%s: %s", t[i].change.pointer, err_id(e));
		assert_null(r);
	}
	spaced = malloc(len + 2);
	assert_non_null(spaced);
	(void)snprintf(spaced, len + 2, "%s ", good);
	assert_int_equal(change_parse(spaced, len + 1, &r, NULL),
	    CS_E_STATEMENT_CANONICAL);
	for (i = 0; i < len; i++)
		assert_true(change_parse(good, i, &r, NULL) != 0);
}

static void
test_format(void **state)
{
	struct change_new n = base(CHANGE_NOTE);
	char *text = NULL;
	size_t len = 0;

	(void)state;
	n.reason = "";
	assert_int_equal(change_format(&n, &text, &len), CS_E_JSON_VALUE);
	n.reason = NULL;
	assert_int_equal(change_format(&n, &text, &len), CS_E_JSON_VALUE);
	n.reason = "\xff";
	assert_int_equal(change_format(&n, &text, &len), CS_E_JSON_VALUE);
	n = base(CHANGE_NOTE);
	n.action = REQUEST_SIGN;
	assert_int_equal(change_format(&n, &text, &len), CS_E_CHANGE_ACTION);
	n.action = REQUEST_ACTIONS;
	assert_int_equal(change_format(&n, &text, &len), CS_E_CHANGE_ACTION);
	n = base(CHANGE_POLICY);
	n.policy = NULL;
	assert_int_equal(change_format(&n, &text, &len), CS_E_CHANGE_PARAMS);
	n = base(CHANGE_KEY_GENERATE);
	n.domain = NULL;
	assert_int_equal(change_format(&n, &text, &len), CS_E_JSON_VALUE);
	n.domain = "Router";
	assert_int_equal(change_format(&n, &text, &len), CS_E_CHANGE_NAME);
	n = base(CHANGE_CLOCK);
	n.seconds = 0;
	assert_int_equal(change_format(&n, &text, &len), CS_E_CHANGE_CLOCK);
	assert_null(text);
}

static void
test_any(void **state)
{
	_cleanup_request_ struct request *a = NULL, *b = NULL, *x = NULL;
	_cleanup_free_ char *change = NULL, *request = NULL, *other = NULL,
			    *broken = NULL;
	struct diag d = { 0 };
	size_t len = 0, n = 0;

	(void)state;
	change = format(CHANGE_NOTE, &len);
	assert_int_equal(request_parse_any(change, len, &a, &d), 0);
	assert_int_equal(a->action, CHANGE_NOTE);
	assert_int_equal(d.code, 0);
	assert_int_equal(request_parse(change, len, &x, NULL),
	    CS_E_STATEMENT_PREDICATE);
	broken = doc_predicate_changed(change, len, "change",
	    &(struct doc_change){ "/reason", "''" }, 1, &n);
	assert_int_equal(request_parse_any(broken, n, &x, &d), CS_E_JSON_VALUE);
	assert_int_equal(d.code, CS_E_JSON_VALUE);
	request = doc_request_payload("firmware", "rel", "raw", &len);
	assert_int_equal(request_parse_any(request, len, &b, NULL), 0);
	assert_int_equal(b->action, REQUEST_SIGN);
	assert_int_equal(change_parse(request, len, &x, NULL),
	    CS_E_STATEMENT_PREDICATE);
	other = doc_policy_payload(doc_policy_predicate(), &len);
	assert_int_equal(request_parse_any(other, len, &x, &d),
	    CS_E_STATEMENT_PREDICATE);
	assert_non_null(strstr(d.expected, PRED_REQUEST " or " PRED_CHANGE));
	assert_non_null(strstr(d.found, PRED_POLICY));
	assert_null(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_statement),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
