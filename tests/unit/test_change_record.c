/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/change.h"
#include "tests/lib/documents.h"

/* The records of changes that were made. */
#define ORIGIN DOC_APPLIANCE
#define H      "0101010101010101010101010101010101010101010101010101010101010101"

static const uint8_t approvals[2][32] = { { 1 }, { 2 } };
static const uint8_t csr[] = { 0x30, 0x03, 0x02, 0x01, 0x00 };

static struct request *
make(enum request_action a)
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
		.key = "new",
		.domain = "release",
		.alg = KEY_P256,
		.seconds = -60 };
	struct request *r = NULL;
	char *text = NULL;
	size_t len = 0;

	assert_int_equal(change_format(&n, &text, &len), 0);
	assert_int_equal(change_parse(text, len, &r, NULL), 0);
	free(text);
	return r;
}

static struct change_record_new
base(const struct request *r, const struct policy *p)
{
	struct change_record_new n = { .req = r,
		.policy = p,
		.approvals = approvals,
		.napprovals = 2,
		.origin = ORIGIN,
		.time = DOC_NOW };

	if (r->action == CHANGE_KEY_GENERATE)
		n.made = (struct change_made){
			"pkcs11:token=coldseal-release;id=%04",
			doc_pubkey(DK_REL)->spki, doc_pubkey(DK_REL)->spki_len,
			csr, sizeof(csr), csr, sizeof(csr), true
		};
	return n;
}

static void
test_round_trip(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	int a;

	(void)state;
	for (a = REQUEST_SIGN + 1; a < REQUEST_ACTIONS; a++) {
		_cleanup_request_ struct request *r =
		    make((enum request_action)a);
		_cleanup_change_record_ struct change_record *v = NULL;
		const struct change_record_new n = base(r, p);
		_cleanup_free_ char *text = NULL;
		size_t len = 0;

		assert_int_equal(change_record_format(&n, &text, &len), 0);
		assert_int_equal(change_record_parse(text, len, &v, NULL), 0);
		assert_int_equal(v->action, a);
		assert_string_equal(v->request_id, r->id);
		assert_memory_equal(v->request_digest, r->digest, 32);
		assert_string_equal(v->reason, "the yearly review");
		assert_string_equal(v->origin, ORIGIN);
		assert_memory_equal(v->policy_digest, p->digest, 32);
		assert_int_equal(v->policy_version, 1);
		assert_int_equal(v->time, DOC_NOW);
		assert_int_equal(v->napprovals, 2);
		assert_memory_equal(v->approvals, approvals, 64);
		assert_string_equal(v->change.text, r->change.text);
		assert_memory_equal(v->change.policy, r->change.policy, 32);
		assert_int_equal(v->change.seconds, r->change.seconds);
		if (a != CHANGE_KEY_GENERATE) {
			assert_null(v->made.spki);
			assert_null(v->made.csr);
			assert_null(v->made.uri);
			assert_null(v->domain);
			continue;
		}
		assert_string_equal(v->key, "new");
		assert_string_equal(v->domain, "release");
		assert_int_equal(v->alg, KEY_P256);
		assert_string_equal(v->made.uri, n.made.uri);
		assert_int_equal(v->made.spki_len, n.made.spki_len);
		assert_memory_equal(v->made.spki, n.made.spki, n.made.spki_len);
		assert_int_equal(v->made.csr_len, sizeof(csr));
		assert_memory_equal(v->made.csr, csr, sizeof(csr));
		assert_int_equal(v->made.attestation_len, sizeof(csr));
		assert_memory_equal(v->made.attestation, csr, sizeof(csr));
		assert_true(v->made.restricted);
	}
}

static const struct {
	enum request_action action;
	struct doc_change c;
	int code;
} bad[] = {
	{ CHANGE_NOTE, { "/predicate/action", "'sign'" }, CS_E_CHANGE_ACTION },
	{ CHANGE_NOTE, { "/predicate/action", "'clock.set'" },
	    CS_E_CHANGE_PARAMS },
	{ CHANGE_NOTE, { "/predicate/action", NULL }, CS_E_JSON_FIELD },
	{ CHANGE_NOTE, { "/predicate/change", NULL }, CS_E_JSON_FIELD },
	{ CHANGE_NOTE, { "/predicate/change", "{'x':1}" }, CS_E_JSON_FIELD },
	{ CHANGE_NOTE, { "/predicate/change", "{'clock':{'seconds':1}}" },
	    CS_E_CHANGE_PARAMS },
	{ CHANGE_NOTE, { "/predicate/approvals", "[]" }, CS_E_RECORD },
	{ CHANGE_NOTE, { "/predicate/approvals", "['" H "','" H "']" },
	    CS_E_RECORD },
	{ CHANGE_NOTE, { "/predicate/approvals/0", "'01'" }, CS_E_JSON_VALUE },
	{ CHANGE_NOTE, { "/predicate/reason", "''" }, CS_E_JSON_VALUE },
	{ CHANGE_NOTE, { "/predicate/origin", "''" }, CS_E_JSON_VALUE },
	{ CHANGE_NOTE, { "/predicate/time", NULL }, CS_E_JSON_FIELD },
	{ CHANGE_NOTE, { "/predicate/request/id", "'0'" }, CS_E_REQ_ID },
	{ CHANGE_NOTE, { "/predicate/request/sha256", "'" H "'" },
	    CS_E_STATEMENT_SUBJECT },
	{ CHANGE_NOTE, { "/predicate/policy/version", "-1" }, CS_E_JSON_VALUE },
	{ CHANGE_NOTE, { "/predicate/policy/sha256", NULL }, CS_E_JSON_FIELD },
	{ CHANGE_NOTE, { "/predicate/more", "1" }, CS_E_JSON_FIELD },
	{ CHANGE_NOTE, { "/subject/0/name", "'request'" },
	    CS_E_STATEMENT_SUBJECT },
	{ CHANGE_NOTE, { "/predicateType", "'" PRED_RECORD "'" },
	    CS_E_STATEMENT_PREDICATE },
	{ CHANGE_NOTE, { "/predicate/made", "{}" }, CS_E_CHANGE_RECORD },
	{ CHANGE_CLOCK, { "/predicate/change/clock/seconds", "0" },
	    CS_E_CHANGE_CLOCK },
	{ CHANGE_KEY_GENERATE, { "/predicate/made", NULL },
	    CS_E_CHANGE_RECORD },
	{ CHANGE_KEY_GENERATE, { "/predicate/made/csr", NULL }, 0 },
	{ CHANGE_KEY_GENERATE, { "/predicate/made/attestation", NULL }, 0 },
	{ CHANGE_KEY_GENERATE, { "/predicate/made/csr", "'!'" },
	    CS_E_JSON_VALUE },
	{ CHANGE_KEY_GENERATE, { "/predicate/made/attestation", "'!'" },
	    CS_E_JSON_VALUE },
	{ CHANGE_KEY_GENERATE, { "/predicate/made/csr", "''" },
	    CS_E_JSON_VALUE },
	{ CHANGE_KEY_GENERATE, { "/predicate/made/uri", "''" },
	    CS_E_JSON_VALUE },
	{ CHANGE_KEY_GENERATE, { "/predicate/made/restricted", "1" },
	    CS_E_JSON_FIELD },
	{ CHANGE_KEY_GENERATE, { "/predicate/made/more", "1" },
	    CS_E_JSON_FIELD },
	{ CHANGE_KEY_GENERATE, { "/predicate/made/public_key", "'AAAA'" },
	    CS_E_KEY_TYPE },
	{ CHANGE_KEY_GENERATE,
	    { "/predicate/change/key/algorithm", "'ecdsa-p384-sha384'" },
	    CS_E_CHANGE_RECORD },
};

static void
test_refusals(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_request_ struct request *r = make(bad[i].action);
		_cleanup_change_record_ struct change_record *v = NULL;
		const struct change_record_new n = base(r, p);
		_cleanup_free_ char *good = NULL, *text = NULL;
		struct diag d = { 0 };
		size_t len = 0, m = 0;
		int e;

		assert_int_equal(change_record_format(&n, &good, &len), 0);
		text = doc_changed(good, len, &bad[i].c, 1, &m);
		e = change_record_parse(text, m, &v, &d);
		if (e != bad[i].code || (e == 0) != (v != NULL))
			fail_msg("%s: %s, found %s", bad[i].c.pointer,
			    err_id(e), d.found);
	}
}

/* The other encoding of the point is not the key's one form. */
static void
test_encodings(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_request_ struct request *r = make(CHANGE_KEY_GENERATE);
	_cleanup_change_record_ struct change_record *v = NULL;
	const struct change_record_new n = base(r, p);
	_cleanup_free_ char *good = NULL, *text = NULL, *z = NULL;
	struct doc_change c = { "/predicate/made/public_key", NULL };
	char value[200];
	size_t len = 0, m = 0, i;

	(void)state;
	assert_int_equal(change_record_format(&n, &good, &len), 0);
	z = doc_spki_b64(DK_REL, true);
	(void)snprintf(value, sizeof(value), "'%s'", z);
	c.value = value;
	text = doc_changed(good, len, &c, 1, &m);
	assert_int_equal(change_record_parse(text, m, &v, NULL),
	    CS_E_CHANGE_RECORD);
	for (i = 0; i < len; i += 7)
		assert_true(change_record_parse(good, i, &v, NULL) != 0);
	assert_null(v);
}

static void
test_format(void **state)
{
	static const uint8_t large[9000];
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_request_ struct request *g = make(CHANGE_KEY_GENERATE),
					 *o = make(CHANGE_NOTE),
					 *s = doc_request("firmware", "rel",
					     "raw");
	struct change_record_new n = base(g, p);
	char *text = NULL;
	size_t len = 0;

	(void)state;
	n.made = (struct change_made){ 0 };
	assert_int_equal(change_record_format(&n, &text, &len),
	    CS_E_CHANGE_RECORD);
	n.made.uri = "pkcs11:token=x";
	assert_int_equal(change_record_format(&n, &text, &len),
	    CS_E_CHANGE_RECORD);
	n = base(g, p);
	n.made.csr = large;
	n.made.csr_len = sizeof(large);
	assert_int_equal(change_record_format(&n, &text, &len), CS_E_TOO_LARGE);
	n = base(g, p);
	n.req = o;
	assert_int_equal(change_record_format(&n, &text, &len),
	    CS_E_CHANGE_RECORD);
	n = base(o, p);
	n.napprovals = 0;
	assert_int_equal(change_record_format(&n, &text, &len), CS_E_RECORD);
	n = base(s, p);
	assert_int_equal(change_record_format(&n, &text, &len),
	    CS_E_CHANGE_ACTION);
	assert_null(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
