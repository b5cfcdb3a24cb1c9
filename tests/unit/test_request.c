/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/b64.h"
#include "lib/hex.h"
#include "tests/lib/documents.h"

#define ZERO64 \
	"0000000000000000000000000000000000000000000000000000000000000000"
#define X50  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X201 "'" X50 X50 X50 X50 "x'"

struct refusal_case {
	const char *pointer, *value;
	int code;
};

#define ANN "/subject/0/annotations/"

static const struct refusal_case in_request[] = {
	{ "/predicate/id", "'00112233445566778899AABBCCDDEEFF'", CS_E_REQ_ID },
	{ "/predicate/id", "'0011'", CS_E_REQ_ID },
	{ "/predicate/id", NULL, CS_E_JSON_FIELD },
	{ "/predicate/idd", "'x'", CS_E_JSON_FIELD },
	{ "/predicate/product", "''", CS_E_JSON_VALUE },
	{ "/predicate/product", X201, CS_E_JSON_VALUE },
	{ "/predicate/version", "1", CS_E_JSON_FIELD },
	{ "/predicate/created", "'yesterday'", CS_E_JSON_VALUE },
	{ "/predicate/created", "1795000000", CS_E_JSON_FIELD },
	{ "/predicate/key", NULL, CS_E_JSON_FIELD },
	{ "/predicate/format", NULL, CS_E_JSON_FIELD },
	{ "/predicate/origin/branch", "'main'", 0 },
	{ "/predicate/origin/branch", "''", CS_E_JSON_VALUE },
	{ "/predicate/origin/branch", X201, CS_E_JSON_VALUE },
	{ "/predicate/origin/branch", "true", CS_E_JSON_FIELD },
	{ "/predicate/branch", "'main'", CS_E_JSON_FIELD },
	{ "/predicate/break_glass", "'the building burns'", 0 },
	{ "/predicate/break_glass", "''", CS_E_JSON_VALUE },
	{ "/predicate/break_glass", X201, CS_E_JSON_VALUE },
	{ "/predicate/break_glass", "true", CS_E_JSON_FIELD },
	{ "/predicate/origin/user", NULL, CS_E_JSON_FIELD },
	{ "/predicate/origin/system", "''", CS_E_JSON_VALUE },
	{ "/predicate/origin/pipeline", NULL, CS_E_JSON_FIELD },
	{ "/predicate/origin/run", "42", CS_E_JSON_FIELD },
	{ "/predicate/origin/commit", NULL, CS_E_JSON_FIELD },
	{ "/predicate/evidence", NULL, CS_E_JSON_FIELD },
	{ "/predicate/evidence/0/size", "-1", CS_E_JSON_VALUE },
	{ "/predicate/evidence/0/sha256", "'00'", CS_E_JSON_VALUE },
	{ "/predicate/evidence/0/kind", "'x'", CS_E_JSON_FIELD },
	{ "/predicate/evidence/-",
	    "{'name':'again','sha256':'01020300000000000"
	    "00000000000000000000000000000000000000000000000','size':77}",
	    CS_E_REQ_EVIDENCE_DUP },
	{ "/subject/1/name", "'one'", CS_E_REQ_SUBJECT_DUP },
	{ "/subject/1/digest/sha256", NULL, CS_E_REQ_DIGEST },
	{ "/subject/1/digest/md5", "'00'", CS_E_STATEMENT_SUBJECT },
	{ "/subject/-", "{'digest':{'sha256':'" ZERO64 "'},'name':'three'}",
	    0 },
	{ "/predicate/evidence", "[]", 0 },
	/* "content one", and what is not */
	{ ANN "text", "'Y29udGVudCBvbmU='", 0 },
	{ ANN "text", "'Y29udGVudCB0d28='", CS_E_REQ_TEXT },
	{ ANN "text", "'Y29udGVudCBvbmUh'", CS_E_REQ_TEXT },
	{ ANN "text", "''", CS_E_JSON_VALUE },
	{ ANN "text", "'='", CS_E_JSON_VALUE },
	{ ANN "text", "'Y29udGVudCBvbmU'", CS_E_JSON_VALUE },
	{ ANN "text", "7", CS_E_JSON_FIELD },
	{ ANN "tbs", "'" ZERO64 "'", 0 },
	{ ANN "tbs", "'" ZERO64 ZERO64 "'", 0 },
	{ ANN "tbs", "'" ZERO64 ZERO64 "00'", CS_E_JSON_VALUE },
	{ ANN "tbs", "'" ZERO64 "0'", CS_E_JSON_VALUE },
	{ ANN "tbs", "'" ZERO64 "0g'", CS_E_JSON_VALUE },
	{ ANN "tbs", "'00'", CS_E_JSON_VALUE },
	{ ANN "tbs", "''", CS_E_JSON_VALUE },
	{ "/subject/0/annotations", "{'text':'Y29udGVudCBvbmU='}",
	    CS_E_JSON_FIELD },
	{ "/subject/0/digest/blake2b", "'00'", CS_E_STATEMENT_SUBJECT },
	{ "/subject/0/digest/blake2b", "'" ZERO64 ZERO64 "'", 0 },
	{ "/predicateType", "'" PRED_APPROVAL "'", CS_E_STATEMENT_PREDICATE },
};

static void
test_request_refusals(void **state)
{
	size_t i, len = 0;
	_cleanup_free_ char *good =
	    doc_request_payload("firmware", "rel", "raw", &len);

	(void)state;
	for (i = 0; i < ARRAY_LEN(in_request); i++) {
		struct doc_change c = { in_request[i].pointer,
			in_request[i].value };
		_cleanup_request_ struct request *r = NULL;
		struct diag d = { 0 };
		size_t n = 0;
		_cleanup_free_ char *bad = doc_changed(good, len, &c, 1, &n);
		int e = request_parse(bad, n, &r, &d);

		if (e != in_request[i].code || (e == 0) != (r != NULL))
			fail_msg("%s: %s, found %s", c.pointer, err_id(e),
			    d.found);
	}
}

/* As large as it may be, and a byte more. */
static void
test_text_limit(void **state)
{
	size_t len = 0, n = 0, size;
	_cleanup_free_ char *good =
	    doc_request_payload("firmware", "rel", "raw", &len);
	char value[2 * STATEMENT_TEXT_MAX] = "'";

	(void)state;
	for (size = STATEMENT_TEXT_MAX; size <= STATEMENT_TEXT_MAX + 1;
	     size++) {
		_cleanup_request_ struct request *r = NULL;
		_cleanup_free_ char *text = NULL;
		const struct doc_change c = { ANN "text", value };
		uint8_t zeros[STATEMENT_TEXT_MAX + 1] = { 0 };

		b64_encode(zeros, size, value + 1);
		memcpy(value + 1 + b64_enc_len(size), "'", 2);
		text = doc_changed(good, len, &c, 1, &n);
		assert_int_equal(request_parse(text, n, &r, NULL),
		    size > STATEMENT_TEXT_MAX ? CS_E_TOO_LARGE : CS_E_REQ_TEXT);
	}
}

/* Size and digests agree, and one of the digests does not. */
static void
test_text_digests(void **state)
{
	size_t len = 0, n = 0;
	_cleanup_free_ char *good =
	    doc_request_payload("firmware", "rel", "raw", &len);
	const struct doc_change c[] = { { ANN "text", "'Y29udGVudCBvbmU='" },
		{ "/subject/0/digest/blake2b", "'" ZERO64 ZERO64 "'" } };
	_cleanup_request_ struct request *r = NULL, *bad = NULL;
	_cleanup_free_ char *text = NULL, *two = NULL;

	(void)state;
	text = doc_changed(good, len, c, 1, &n);
	assert_int_equal(request_parse(text, n, &r, NULL), 0);
	assert_int_equal(r->st->subjects[0].text_len, 11);
	assert_memory_equal(r->st->subjects[0].text, "content one", 11);
	assert_null(r->st->subjects[1].text);
	two = doc_changed(good, len, c, 2, &n);
	assert_int_equal(request_parse(two, n, &bad, NULL), CS_E_REQ_TEXT);
}

static void
test_same_content(void **state)
{
	size_t len = 0, n = 0;
	_cleanup_free_ char *good =
	    doc_request_payload("firmware", "rel", "raw", &len);
	_cleanup_request_ struct request *r = NULL, *bad_r = NULL;
	_cleanup_free_ char *bad = NULL;
	char value[100], hex[65];
	struct doc_change c = { "/subject/1/digest/sha256", value };
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(request_parse(good, len, &r, NULL), 0);
	hex_encode(r->st->subjects[0].digest[HASH_SHA256], 32, hex);
	(void)snprintf(value, sizeof(value), "'%s'", hex);
	bad = doc_changed(good, len, &c, 1, &n);
	assert_int_equal(request_parse(bad, n, &bad_r, &d),
	    CS_E_REQ_SUBJECT_DUP);
	assert_non_null(strstr(d.found, "one"));
	assert_non_null(strstr(d.found, "two"));
}

static void
test_request_content(void **state)
{
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");
	struct artifact a[2];
	uint8_t root[32];

	(void)state;
	doc_artifacts(a);
	assert_string_equal(r->id, "00112233445566778899aabbccddeeff");
	assert_string_equal(r->product, "firmware");
	assert_string_equal(r->version, "1.2.3");
	assert_string_equal(r->key, "rel");
	assert_string_equal(r->format, "raw");
	assert_string_equal(r->user, "dev");
	assert_string_equal(r->system, "ci.example");
	assert_string_equal(r->pipeline, "release");
	assert_string_equal(r->run, "42");
	assert_string_equal(r->commit, "abc123");
	assert_string_equal(r->branch, ""); /* not given */
	assert_null(r->break_glass);
	assert_int_equal(r->created, DOC_NOW - 3600);
	assert_int_equal(r->nevidence, 1);
	assert_string_equal(r->evidence[0].name, "sbom");
	assert_int_equal(r->evidence[0].size, 77);
	assert_int_equal(r->st->nsubjects, 2);
	assert_int_equal(r->st->subjects[1].size, a[1].size);
	assert_memory_equal(r->digest, r->st->digest, 32);
	assert_int_equal(statement_subject_root(r->st->subjects, 2, root), 0);
	assert_memory_equal(r->subject_root, root, 32);
}

/* What could not be read is not written either. */
static void
test_request_format_refuses(void **state)
{
	static char name[] = "n";
	struct subject s = { .name = name, .has = { true } };
	struct request_new n = { "00112233445566778899aabbccddeeff", "p", "v",
		"k", "raw", "u", "s", "p", "r", "c", 0, &s, 1, NULL, 0, NULL,
		NULL };
	_cleanup_free_ char *good = NULL;
	char *text = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(request_format(&n, &good, &len), 0);
	n.user = "";
	assert_int_equal(request_format(&n, &text, &len), CS_E_JSON_VALUE);
	n.user = "\xff";
	assert_int_equal(request_format(&n, &text, &len), CS_E_JSON_VALUE);
	n.user = "a\nb";
	assert_int_equal(request_format(&n, &text, &len), CS_E_JSON_VALUE);
	n.user = "u";
	n.id = "x";
	assert_int_equal(request_format(&n, &text, &len), CS_E_REQ_ID);
	n.id = "00112233445566778899aabbccddeeff";
	s.has[HASH_SHA256] = false;
	s.has[HASH_SHA384] = true;
	assert_int_equal(request_format(&n, &text, &len), CS_E_REQ_DIGEST);
	assert_null(text);
}

/* What may be absent is written when it is there. */
static void
test_request_optional(void **state)
{
	static char name[] = "n";
	struct subject s = { .name = name, .has = { true } };
	struct request_new n = { "00112233445566778899aabbccddeeff", "p", "v",
		"k", "raw", "u", "s", "p", "r", "c", 0, &s, 1, NULL, 0, "main",
		"the building burns" };
	_cleanup_request_ struct request *r = NULL;
	_cleanup_free_ char *good = NULL;
	char *text = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(request_format(&n, &good, &len), 0);
	assert_int_equal(request_parse(good, len, &r, NULL), 0);
	assert_string_equal(r->branch, "main");
	assert_string_equal(r->break_glass, "the building burns");
	n.branch = "";
	assert_int_equal(request_format(&n, &text, &len), CS_E_JSON_VALUE);
	n.branch = NULL;
	n.break_glass = "\xff";
	assert_int_equal(request_format(&n, &text, &len), CS_E_JSON_VALUE);
	n.break_glass = NULL;
	n.commit = NULL;
	assert_int_equal(request_format(&n, &text, &len), CS_E_JSON_VALUE);
	assert_null(text);
}

static const struct refusal_case in_approval[] = {
	{ "/predicate/decision", "'maybe'", CS_E_APPROVAL_DECISION },
	{ "/predicate/decision", "'APPROVE'", CS_E_APPROVAL_DECISION },
	{ "/predicate/decision", NULL, CS_E_JSON_FIELD },
	{ "/predicate/reason", NULL, CS_E_JSON_FIELD },
	{ "/predicate/reason", X201, CS_E_JSON_VALUE },
	{ "/predicate/nonce", "'00'", CS_E_JSON_VALUE },
	{ "/predicate/nonce", NULL, CS_E_JSON_FIELD },
	{ "/predicate/approver", NULL, CS_E_JSON_FIELD },
	{ "/predicate/appliance", NULL, CS_E_JSON_FIELD },
	{ "/predicate/policy", NULL, CS_E_JSON_FIELD },
	{ "/predicate/rule", NULL, CS_E_JSON_FIELD },
	{ "/predicate/key_sha256", NULL, CS_E_JSON_FIELD },
	{ "/predicate/artifacts/count", "-1", CS_E_JSON_VALUE },
	{ "/predicate/artifacts/root", NULL, CS_E_JSON_FIELD },
	{ "/predicate/time", "'now'", CS_E_JSON_VALUE },
	{ "/predicate/request/sha256", "'" ZERO64 "'", CS_E_STATEMENT_SUBJECT },
	{ "/predicate/request/name", "'x'", CS_E_JSON_FIELD },
	{ "/predicate/approved", "true", CS_E_JSON_FIELD },
	{ "/subject/0/digest/sha256", "'" ZERO64 "'", CS_E_STATEMENT_SUBJECT },
	{ "/subject/0/name", "'other'", CS_E_STATEMENT_SUBJECT },
	{ "/subject/-", "{'digest':{'sha256':'" ZERO64 "'},'name':'b'}",
	    CS_E_STATEMENT_SUBJECT },
};

static char *
approval_payload(const char *reason, size_t *ret_len)
{
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	static const uint8_t nonce[32] = { 7 };
	struct approval_new n = { true, reason, r, p, &p->rules[0], "alice",
		nonce, DOC_NOW };
	char *out = NULL;

	assert_int_equal(approval_format(&n, &out, ret_len), 0);
	return out;
}

static void
test_approval(void **state)
{
	size_t i, len = 0;
	_cleanup_free_ char *good = approval_payload("", &len);
	_cleanup_approval_ struct approval *a = NULL;

	(void)state;
	assert_int_equal(approval_parse(good, len, &a, NULL), 0);
	assert_true(a->approve);
	assert_string_equal(a->approver, "alice");
	assert_int_equal(a->nonce[0], 7);
	assert_int_equal(a->artifact_count, 2);
	assert_int_equal(a->time, DOC_NOW);
	assert_memory_equal(a->key_spki, doc_pubkey(DK_REL)->id, 32);
	assert_memory_equal(a->digest, a->st->digest, 32);
	for (i = 0; i < ARRAY_LEN(in_approval); i++) {
		struct doc_change c = { in_approval[i].pointer,
			in_approval[i].value };
		_cleanup_approval_ struct approval *b = NULL;
		struct diag d = { 0 };
		size_t n = 0;
		_cleanup_free_ char *bad = doc_changed(good, len, &c, 1, &n);
		int e = approval_parse(bad, n, &b, &d);

		if (e != in_approval[i].code || b != NULL)
			fail_msg("%s: %s, found %s", c.pointer, err_id(e),
			    d.found);
	}
}

static void
test_approval_format_refuses(void **state)
{
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "none", "raw");
	_cleanup_request_ struct request *ok =
	    doc_request("firmware", "rel", "raw");
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	static const uint8_t nonce[32] = { 7 };
	struct approval_new n = { true, "", r, p, &p->rules[0], "alice", nonce,
		DOC_NOW };
	char *out = NULL;
	size_t len;

	(void)state;
	assert_int_equal(approval_format(&n, &out, &len), CS_E_POLICY_KEY);
	n.req = ok;
	n.reason = "\xff";
	assert_int_equal(approval_format(&n, &out, &len), CS_E_JSON_VALUE);
	n.reason = "\x1b[2J";
	assert_int_equal(approval_format(&n, &out, &len), CS_E_JSON_VALUE);
	assert_null(out);
}

static const struct refusal_case in_record[] = {
	{ "/predicate/approvals", "[]", CS_E_RECORD },
	{ "/predicate/approvals/-",
	    "'0100000000000000000000000000000000000000"
	    "000000000000000000000000'",
	    CS_E_RECORD },
	{ "/predicate/approvals/-", "'zz'", CS_E_JSON_VALUE },
	{ "/predicate/approvals/-", "7", CS_E_JSON_FIELD },
	{ "/predicate/signatures", "[]", CS_E_RECORD },
	{ "/predicate/signatures/1", NULL, CS_E_RECORD },
	{ "/predicate/signatures/0/artifact", "'" ZERO64 "'", CS_E_RECORD },
	{ "/predicate/signatures/0/leaf", "'1'", CS_E_JSON_FIELD },
	{ "/predicate/signatures/0/extra", "1", CS_E_JSON_FIELD },
	{ "/predicate/policy/version", NULL, CS_E_JSON_FIELD },
	{ "/predicate/origin", NULL, CS_E_JSON_FIELD },
	{ "/predicate/rule", NULL, CS_E_JSON_FIELD },
	{ "/predicate/request/id", NULL, CS_E_JSON_FIELD },
	{ "/predicate/time", "0", CS_E_JSON_FIELD },
	{ "/subject/1", NULL, CS_E_RECORD },
	{ ANN "text", "'Y29udGVudCBvbmU='", CS_E_JSON_FIELD },
	{ "/subject/0/digest/sha256", NULL, CS_E_STATEMENT_SUBJECT },
};

static void
test_record(void **state)
{
	_cleanup_request_ struct request *q =
	    doc_request("firmware", "rel", "raw");
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	static const uint8_t approvals[2][32] = { { 1 }, { 2 } };
	struct record_signature sigs[2] = { { .leaf = 5 }, { .leaf = 6 } };
	struct record_new n = { q, p, &p->rules[0], approvals, 2, sigs, 2,
		DOC_APPLIANCE, DOC_NOW };
	_cleanup_record_ struct record *r = NULL;
	_cleanup_free_ char *good = NULL;
	char *none = NULL;
	size_t i, len = 0;

	(void)state;
	/* in the subjects' order, and no other */
	assert_int_equal(record_format(&n, &none, &len), CS_E_RECORD);
	for (i = 0; i < 2; i++)
		memcpy(sigs[i].artifact, q->st->subjects[i].digest[HASH_SHA256],
		    32);
	n.nsigs = 1;
	assert_int_equal(record_format(&n, &none, &len), CS_E_RECORD);
	n.nsigs = 2;
	n.napprovals = 0;
	assert_int_equal(record_format(&n, &none, &len), CS_E_RECORD);
	n.napprovals = 2;
	assert_int_equal(record_format(&n, &good, &len), 0);
	assert_int_equal(record_parse(good, len, &r, NULL), 0);
	assert_int_equal(r->nsigs, 2);
	assert_int_equal(r->sigs[1].leaf, 6);
	assert_int_equal(r->napprovals, 2);
	assert_int_equal(r->approvals[1][0], 2);
	assert_string_equal(r->origin, DOC_APPLIANCE);
	assert_string_equal(r->request_id, q->id);
	assert_memory_equal(r->policy_digest, p->digest, 32);
	assert_int_equal(r->policy_version, 1);
	assert_int_equal(r->time, DOC_NOW);
	for (i = 0; i < ARRAY_LEN(in_record); i++) {
		struct doc_change c = { in_record[i].pointer,
			in_record[i].value };
		_cleanup_record_ struct record *b = NULL;
		struct diag d = { 0 };
		size_t m = 0;
		_cleanup_free_ char *bad = doc_changed(good, len, &c, 1, &m);
		int e = record_parse(bad, m, &b, &d);

		if (e != in_record[i].code || b != NULL)
			fail_msg("%s: %s, found %s", c.pointer, err_id(e),
			    d.found);
	}
}

static const struct refusal_case in_refusal[] = {
	{ "/predicate/checks", "[]", CS_E_RECORD },
	{ "/predicate/checks/0/id", NULL, CS_E_JSON_FIELD },
	{ "/predicate/checks/0/severity", "1", CS_E_JSON_FIELD },
	{ "/predicate/checks/0/text", "''", CS_E_JSON_VALUE },
	{ "/predicate/request/sha256", "'" ZERO64 "'", CS_E_STATEMENT_SUBJECT },
	{ "/predicate/origin", "''", CS_E_JSON_VALUE },
	{ "/predicate/time", NULL, CS_E_JSON_FIELD },
	{ "/predicate/request/id", "''", 0 },
};

static void
test_refusal(void **state)
{
	_cleanup_checks_ struct checks c = { 0 };
	_cleanup_refusal_ struct refusal *r = NULL;
	_cleanup_free_ char *good = NULL;
	struct diag d = { 0 };
	uint8_t digest[32] = { 9 };
	char *none = NULL;
	size_t i, len = 0;
	json_t *k;

	(void)state;
	assert_int_equal(checks_add(&c, CS_E_POLICY_KEY, true, "a", "b"), 0);
	/* nothing failed: nothing to refuse */
	assert_int_equal(refusal_format("x", digest, &c, "o", 0, &none, &len),
	    CS_E_RECORD);
	(void)diag_fail(&d, CS_E_REQ_SIGNATURE, "one", "two\x1b");
	assert_int_equal(checks_add_diag(&c, &d), 0);
	assert_int_equal(checks_add(&c, CS_E_POLICY_RULE, false, "\xc3\xa9",
			     "%d\n", 7),
	    0);
	assert_int_equal(checks_failed(&c), 2);
	assert_string_equal(c.v[1].found, "two?");
	assert_string_equal(c.v[2].found, "7?");
	assert_string_equal(c.v[2].expected, "\?\?");
	assert_int_equal(refusal_format("abc", digest, &c, "o", DOC_NOW, &good,
			     &len),
	    0);
	assert_int_equal(refusal_parse(good, len, &r, NULL), 0);
	assert_int_equal(json_array_size(r->checks), 2);
	k = json_array_get(r->checks, 0);
	assert_string_equal(json_string_value(json_object_get(k, "id")),
	    "REQ-SIGNATURE");
	assert_string_equal(json_string_value(json_object_get(k, "advice")),
	    err_advice(CS_E_REQ_SIGNATURE));
	assert_string_equal(json_string_value(json_object_get(k, "expected")),
	    "one");
	assert_string_equal(r->request_id, "abc");
	assert_memory_equal(r->request_digest, digest, 32);
	for (i = 0; i < ARRAY_LEN(in_refusal); i++) {
		struct doc_change ch = { in_refusal[i].pointer,
			in_refusal[i].value };
		_cleanup_refusal_ struct refusal *b = NULL;
		size_t m = 0;
		_cleanup_free_ char *bad = doc_changed(good, len, &ch, 1, &m);
		int e = refusal_parse(bad, m, &b, NULL);

		if (e != in_refusal[i].code)
			fail_msg("%s: %s", ch.pointer, err_id(e));
	}
}

static void
test_much_evidence(void **state)
{
	size_t len = 0, n = 0, i;
	_cleanup_free_ char *good =
	    doc_request_payload("firmware", "rel", "raw", &len);
	_cleanup_json_ json_t *j = json_loadb(good, len, 0, NULL);
	_cleanup_request_ struct request *r = NULL;
	_cleanup_free_ char *text = NULL;
	json_t *list =
	    json_object_get(json_object_get(j, "predicate"), "evidence");
	uint8_t digest[32];

	(void)state;
	for (i = 0; i < 10000; i++) {
		assert_int_equal(sha256(&i, sizeof(i), digest), 0);
		assert_int_equal(json_array_append_new(list,
				     json_pack("{s:s, s:o, s:i}", "name", "x",
					 "sha256", json_hex32(digest), "size",
					 1)),
		    0);
	}
	assert_int_equal(json_canonical(j, &text, &n), 0);
	assert_int_equal(request_parse(text, n, &r, NULL), CS_E_TOO_LARGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_content),
		cmocka_unit_test(test_request_refusals),
		cmocka_unit_test(test_text_limit),
		cmocka_unit_test(test_text_digests),
		cmocka_unit_test(test_same_content),
		cmocka_unit_test(test_much_evidence),
		cmocka_unit_test(test_request_format_refuses),
		cmocka_unit_test(test_request_optional),
		cmocka_unit_test(test_approval),
		cmocka_unit_test(test_approval_format_refuses),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
