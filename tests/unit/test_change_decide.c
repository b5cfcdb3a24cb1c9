/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/change.h"
#include "tests/lib/documents.h"

/*
 * What stands in the way of a change, who files it, who counts and who only
 * votes.  alice and bob administer, and are officers, as dev and carol are.
 */
#define ID "00112233445566778899aabbccddeeff"

static const enum doc_key both[] = { DK_ALICE, DK_BOB };

static struct change_new
base(enum request_action a)
{
	return (struct change_new){ .action = a,
		.id = ID,
		.reason = "the yearly review",
		.user = "anna",
		.system = "desk.example",
		.created = DOC_NOW - 3600,
		.key = a == CHANGE_KEY_GENERATE ? "new" : "rel",
		.domain = "release",
		.alg = KEY_P256,
		.seconds = 60 };
}

static struct request *
make(const struct change_new *n)
{
	struct request *r = NULL;
	struct diag d = { 0 };
	char *text = NULL;
	size_t len = 0;

	if (change_format(n, &text, &len) != 0 ||
	    change_parse(text, len, &r, &d) != 0)
		fail_msg("%s", d.found);
	free(text);
	return r;
}

/* The change to a policy's envelope, and the document that goes along */
static struct request *
make_update(const char *env, size_t len, uint64_t version)
{
	_cleanup_dsse_ struct dsse *e = NULL;
	struct change_new n = base(CHANGE_POLICY);
	struct request_evidence v = { .name = CHANGE_POLICY_DOC, .size = len };

	assert_int_equal(dsse_parse(env, len, &e, NULL), 0);
	assert_int_equal(sha256(env, len, v.sha256), 0);
	n.policy = e->digest;
	n.policy_version = version;
	n.evidence = &v;
	n.nevidence = 1;
	return make(&n);
}

/* The first check that failed, or 0; *ret_new as evaluate_change() has it */
static int
decide(const struct policy *p, const struct request *r, int64_t now,
    const struct evidence_doc *docs, size_t n, struct policy **ret_new)
{
	_cleanup_checks_ struct checks c = { 0 };
	struct diag d = { 0 };

	assert_int_equal(evaluate_change(p, r, now, docs, n, &c, ret_new), 0);
	assert_true(c.n >= 1);
	return checks_verdict(&c, &d);
}

static int
decide_plain(const struct policy *p, const struct request *r)
{
	struct policy *new = NULL;
	int e = decide(p, r, DOC_NOW, NULL, 0, &new);

	assert_null(new);
	return e;
}

static void
test_update(void **state)
{
	static const enum doc_key one[] = { DK_BOB };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0), *new = NULL;
	_cleanup_request_ struct request *r = NULL, *late = NULL, *poor = NULL;
	_cleanup_free_ char *env = NULL, *half = NULL;
	struct evidence_doc docs[2] = { { .name = CHANGE_POLICY_DOC } };
	size_t len = 0;

	(void)state;
	env = doc_next_policy(p, NULL, 0, both, 2, &len);
	docs[0].data = (const uint8_t *)env;
	docs[0].len = len;
	docs[1] = docs[0];
	r = make_update(env, len, 2);
	assert_int_equal(decide(p, r, DOC_NOW, docs, 1, &new), 0);
	assert_non_null(new);
	assert_int_equal(new->version, 2);
	policy_free(&new);
	/* none, two, another content, size or name */
	assert_int_equal(decide(p, r, DOC_NOW, NULL, 0, &new),
	    CS_E_CHANGE_EVIDENCE);
	assert_int_equal(decide(p, r, DOC_NOW, docs, 2, &new),
	    CS_E_CHANGE_EVIDENCE);
	docs[0].len--;
	assert_int_equal(decide(p, r, DOC_NOW, docs, 1, &new),
	    CS_E_CHANGE_DOCUMENT);
	docs[0].len++;
	r->evidence[0].size++;
	assert_int_equal(decide(p, r, DOC_NOW, docs, 1, &new),
	    CS_E_CHANGE_DOCUMENT);
	r->evidence[0].size--;
	r->evidence[0].sha256[0] ^= 1;
	assert_int_equal(decide(p, r, DOC_NOW, docs, 1, &new),
	    CS_E_CHANGE_DOCUMENT);
	r->evidence[0].sha256[0] ^= 1;
	r->evidence[0].name = "policy.json";
	assert_int_equal(decide(p, r, DOC_NOW, docs, 1, &new),
	    CS_E_CHANGE_DOCUMENT);
	r->evidence[0].name = CHANGE_POLICY_DOC;
	/* not the one that is named */
	r->change.policy[0] ^= 1;
	assert_int_equal(decide(p, r, DOC_NOW, docs, 1, &new),
	    CS_E_CHANGE_NAMED);
	assert_null(new);
	late = make_update(env, len, 3);
	assert_int_equal(decide(p, late, DOC_NOW, docs, 1, &new),
	    CS_E_CHANGE_NAMED);
	/* what policy_load_next() says is a check */
	half = doc_next_policy(p, NULL, 0, one, 1, &len);
	docs[0].data = (const uint8_t *)half;
	docs[0].len = len;
	poor = make_update(half, len, 2);
	assert_int_equal(decide(p, poor, DOC_NOW, docs, 1, &new),
	    CS_E_CHANGE_QUORUM);
	assert_null(new);
}

/* No new policy out of a change that anything else is wrong with. */
static void
test_update_from_the_future(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0), *new = NULL;
	_cleanup_request_ struct request *r = NULL;
	_cleanup_free_ char *env = NULL;
	struct evidence_doc doc = { .name = CHANGE_POLICY_DOC };
	size_t len = 0;

	(void)state;
	env = doc_next_policy(p, NULL, 0, both, 2, &len);
	doc.data = (const uint8_t *)env;
	doc.len = len;
	r = make_update(env, len, 2);
	assert_int_equal(decide(p, r, r->created - 86400, &doc, 1, &new), 0);
	policy_free(&new);
	assert_int_equal(decide(p, r, r->created - 86401, &doc, 1, &new),
	    CS_E_REQ_FUTURE);
	assert_null(new);
}

static void
test_generate(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	struct change_new n = base(CHANGE_KEY_GENERATE);
	_cleanup_request_ struct request *r = make(&n);

	(void)state;
	assert_int_equal(decide_plain(p, r), 0);
	r->change.domain = "nowhere";
	assert_int_equal(decide_plain(p, r), CS_E_CHANGE_DOMAIN);
	r->change.domain = "release";
	r->change.key = "rel";
	assert_int_equal(decide_plain(p, r), CS_E_CHANGE_KEY_EXISTS);
	r->change.key = "Rel";
	assert_int_equal(decide_plain(p, r), CS_E_CHANGE_NAME);
	r->change.key = "new";
	r->change.alg = KEY_ALG_COUNT;
	assert_int_equal(decide_plain(p, r), CS_E_CHANGE_ALGORITHM);
}

static void
test_destroy(void **state)
{
	static const struct {
		const char *state;
		int code;
	} t[] = { { "retired", 0 }, { "revoked", 0 },
		{ "active", CS_E_CHANGE_KEY_STATE },
		{ "pending", CS_E_CHANGE_KEY_STATE },
		{ "", CS_E_CHANGE_KEY_STATE } };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	struct change_new n = base(CHANGE_KEY_DESTROY);
	_cleanup_request_ struct request *r = make(&n), *none = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		p->keys[0].state = t[i].state;
		assert_int_equal(decide_plain(p, r), t[i].code);
	}
	n.key = "nothing";
	none = make(&n);
	assert_int_equal(decide_plain(p, none), CS_E_CHANGE_KEY);
}

static void
test_clock_and_note(void **state)
{
	static const struct evidence_doc doc = { "x", (const uint8_t *)"x", 1 };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0), *new = NULL;
	struct change_new n = base(CHANGE_CLOCK), m = base(CHANGE_NOTE);
	struct request_evidence v = { .name = "x", .size = 1 };
	_cleanup_request_ struct request *r = make(&n), *note = make(&m),
					 *more = NULL;

	(void)state;
	assert_int_equal(decide_plain(p, r), 0);
	r->change.seconds = 0;
	assert_int_equal(decide_plain(p, r), CS_E_CHANGE_CLOCK);
	r->change.seconds = -CHANGE_CLOCK_MAX_S - 1;
	assert_int_equal(decide_plain(p, r), CS_E_CHANGE_CLOCK);
	assert_int_equal(decide_plain(p, note), 0);
	/* no document that the action does not use */
	assert_int_equal(decide(p, note, DOC_NOW, &doc, 1, &new),
	    CS_E_CHANGE_EVIDENCE);
	m.evidence = &v;
	m.nevidence = 1;
	more = make(&m);
	assert_int_equal(decide_plain(p, more), CS_E_CHANGE_EVIDENCE);
	assert_int_equal(decide(p, more, DOC_NOW, &doc, 1, &new),
	    CS_E_CHANGE_EVIDENCE);
	/* an ordinary request is no change, nor is what nobody knows */
	note->action = REQUEST_SIGN;
	assert_int_equal(decide_plain(p, note), CS_E_CHANGE_ACTION);
	note->action = REQUEST_ACTIONS;
	assert_int_equal(decide_plain(p, note), CS_E_CHANGE_ACTION);
}

static void
test_domains(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	struct change_new n = base(CHANGE_CLOCK);
	_cleanup_request_ struct request *r = make(&n);
	struct policy_domain many[POLICY_DOMAINS_MAX + 1] = { 0 }, *was;
	struct domain_list l = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(request_domains(p, r, &l, NULL), 0);
	assert_int_equal(l.n, 0);
	r->action = CHANGE_NOTE;
	assert_int_equal(request_domains(p, r, &l, NULL), 0);
	assert_int_equal(l.n, 0);
	r->action = CHANGE_POLICY;
	assert_int_equal(request_domains(p, r, &l, NULL), 0);
	assert_int_equal(l.n, 1);
	assert_ptr_equal(l.v[0], &p->domains[0]);
	r->action = CHANGE_KEY_GENERATE;
	r->change.domain = "release";
	assert_int_equal(request_domains(p, r, &l, NULL), 0);
	assert_ptr_equal(l.v[0], &p->domains[0]);
	r->change.domain = "nowhere";
	assert_int_equal(request_domains(p, r, &l, NULL), CS_E_CHANGE_DOMAIN);
	for (i = 0; i < 2; i++) {
		r->action = i == 0 ? REQUEST_SIGN : CHANGE_KEY_DESTROY;
		r->key = "rel";
		assert_int_equal(request_domains(p, r, &l, NULL), 0);
		assert_int_equal(l.n, 1);
		r->key = "nothing";
		assert_int_equal(request_domains(p, r, &l, NULL),
		    CS_E_POLICY_KEY);
	}
	r->action = REQUEST_ACTIONS;
	assert_int_equal(request_domains(p, r, &l, NULL), CS_E_CHANGE_ACTION);
	/* sixteen, and one more */
	was = p->domains;
	p->domains = many;
	p->ndomains = POLICY_DOMAINS_MAX;
	r->action = CHANGE_POLICY;
	assert_int_equal(request_domains(p, r, &l, NULL), 0);
	assert_int_equal(l.n, POLICY_DOMAINS_MAX);
	p->ndomains++;
	assert_int_equal(request_domains(p, r, &l, NULL), CS_E_CHANGE_DOMAINS);
	p->domains = was;
	p->ndomains = 1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_update),
		cmocka_unit_test(test_update_from_the_future),
		cmocka_unit_test(test_generate),
		cmocka_unit_test(test_destroy),
		cmocka_unit_test(test_clock_and_note),
		cmocka_unit_test(test_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
