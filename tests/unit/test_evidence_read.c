/* SPDX-License-Identifier: Apache-2.0 */
/* Envelopes, signatures, statements and times of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/evidence_impl.h"
#include "tests/lib/attestation.h"

/* payload "{}" is e30=, "???" is Pz8/ or Pz8_ */
static const struct {
	const char *what, *text;
	int code;
} envelopes[] = {
	{ "plain",
	    "{'payload':'e30=','payloadType':'t','signatures':[{'sig':'AA=='}]"
	    "}",
	    0 },
	{ "fields of their own",
	    "{'payload':'e30=','payloadType':'t','x':[1.5],'signatures':"
	    "[{'sig':'AA==','keyid':'k','cert':{}}]}",
	    0 },
	{ "standard alphabet",
	    "{'payload':'Pz8/"
	    "','payloadType':'t','signatures':[{'sig':'AA=='}]}",
	    0 },
	{ "URL-safe alphabet",
	    "{'payload':'Pz8_','payloadType':'t','signatures':[{'sig':'AA=='}]"
	    "}",
	    0 },
	{ "both in one",
	    "{'payload':'Pz8_Pz8/','payloadType':'t','signatures':"
	    "[{'sig':'AA=='}]}",
	    CS_E_EVIDENCE_ENVELOPE },
	{ "no padding",
	    "{'payload':'e30','payloadType':'t','signatures':[{'sig':'AA=='}]}",
	    CS_E_EVIDENCE_ENVELOPE },
	{ "no payload", "{'payloadType':'t','signatures':[{'sig':'AA=='}]}",
	    CS_E_EVIDENCE_ENVELOPE },
	{ "an empty payload",
	    "{'payload':'','payloadType':'t','signatures':[{'sig':'AA=='}]}",
	    CS_E_EVIDENCE_ENVELOPE },
	{ "no type", "{'payload':'e30=','signatures':[{'sig':'AA=='}]}",
	    CS_E_EVIDENCE_ENVELOPE },
	{ "an empty type",
	    "{'payload':'e30=','payloadType':'','signatures':[{'sig':'AA=='}]}",
	    CS_E_EVIDENCE_ENVELOPE },
	{ "no signature",
	    "{'payload':'e30=','payloadType':'t','signatures':[]}",
	    CS_E_EVIDENCE_ENVELOPE },
	{ "no list of signatures", "{'payload':'e30=','payloadType':'t'}",
	    CS_E_EVIDENCE_ENVELOPE },
	{ "a signature without",
	    "{'payload':'e30=','payloadType':'t','signatures':[{}]}",
	    CS_E_EVIDENCE_ENVELOPE },
	{ "an empty signature",
	    "{'payload':'e30=','payloadType':'t','signatures':[{'sig':''}]}",
	    CS_E_EVIDENCE_ENVELOPE },
	{ "nine signatures",
	    "{'payload':'e30=','payloadType':'t','signatures':["
	    "{'sig':'AA=='},{'sig':'AA=='},{'sig':'AA=='},{'sig':'AA=='},"
	    "{'sig':'AA=='},{'sig':'AA=='},{'sig':'AA=='},{'sig':'AA=='},"
	    "{'sig':'AA=='}]}",
	    CS_E_EVIDENCE_ENVELOPE },
	{ "a Sigstore bundle",
	    "{'mediaType':'application/vnd.dev.sigstore.bundle.v0.3+json',"
	    "'dsseEnvelope':{'payload':'e30=','payloadType':'t',"
	    "'signatures':[{'sig':'AA=='}]}}",
	    CS_E_EVIDENCE_ENVELOPE },
	{ "a duplicate",
	    "{'payload':'e30=','payload':'e30=','payloadType':'t',"
	    "'signatures':[{'sig':'AA=='}]}",
	    CS_E_EVIDENCE_ENVELOPE },
	{ "something after it",
	    "{'payload':'e30=','payloadType':'t','signatures':"
	    "[{'sig':'AA=='}]} {}",
	    CS_E_EVIDENCE_ENVELOPE },
	{ "a list", "[]", CS_E_EVIDENCE_ENVELOPE },
	{ "no JSON", "%PDF-1.7", CS_E_EVIDENCE_ENVELOPE },
	{ "nothing", "", CS_E_EVIDENCE_ENVELOPE },
};

static void
test_envelopes(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(envelopes); i++) {
		_cleanup_evidence_envelope_ struct evidence_envelope e = { 0 };
		_cleanup_free_ char *text = att_text(envelopes[i].text);
		struct diag d = { 0 };

		if (evidence_envelope(text, strlen(text), &e, &d) !=
		    envelopes[i].code)
			fail_msg("%s: %s", envelopes[i].what, d.found);
		if (envelopes[i].code == 0)
			assert_string_equal(e.type, "t");
		else
			assert_null(e.dsse);
	}
}

static void
test_limits(void **state)
{
	static const char with_nul[] = "{\"a\":1\0}";
	_cleanup_free_ char *big = malloc(EVIDENCE_MAX + 1);
	json_t *j = NULL;
	size_t i;

	(void)state;
	assert_int_equal(evidence_json("[]", 2, 10, -1, &j, NULL), -1);
	assert_int_equal(evidence_json("1", 1, 10, -1, &j, NULL), -1);
	assert_int_equal(evidence_json(with_nul, sizeof(with_nul) - 1, 10, -1,
			     &j, NULL),
	    -1);
	assert_int_equal(evidence_json("{\"a\":\"\\u0000\"}", 14, 10, -1, &j,
			     NULL),
	    -1);
	assert_int_equal(evidence_json("{\"a\":\"\xff\"}", 9, 10, -1, &j, NULL),
	    -1);
	assert_int_equal(evidence_json("{\"a\":[1,2,3]}", 13, 5, -1, &j, NULL),
	    0);
	json_decref(j);
	assert_int_equal(evidence_json("{\"a\":[1,2,3]}", 13, 4, -1, &j, NULL),
	    -1);
	/* brackets in strings are none */
	assert_int_equal(evidence_json("{\"[,{\\\"[\":\"[[[,,,\"}", 19, 2, -1,
			     &j, NULL),
	    0);
	json_decref(j);
	assert_non_null(big);
	memset(big, ' ', EVIDENCE_MAX + 1);
	memcpy(big, "{}", 2);
	assert_int_equal(evidence_json(big, EVIDENCE_MAX + 1, 10, -1, &j, NULL),
	    -1);
	assert_int_equal(evidence_json(big, EVIDENCE_MAX, 10, -1, &j, NULL), 0);
	json_decref(j);
	memcpy(big, "{\"a\":", 5);
	for (i = 0; i < EVIDENCE_DEPTH; i++) {
		big[5 + i] = '[';
		big[5 + EVIDENCE_DEPTH + i] = ']';
	}
	big[5 + 2 * EVIDENCE_DEPTH] = '}';
	assert_int_equal(evidence_json(big, 6 + 2 * EVIDENCE_DEPTH, 1000, -1,
			     &j, NULL),
	    -1);
	big[5] = ' ';
	big[4 + 2 * EVIDENCE_DEPTH] = ' ';
	assert_int_equal(evidence_json(big, 6 + 2 * EVIDENCE_DEPTH, 1000, -1,
			     &j, NULL),
	    0);
	json_decref(j);
}

#define STATEMENT(type, subject, predicate)                          \
	"{'_type':'" type "','predicateType':'p','subject':" subject \
	",'predicate':" predicate "}"
#define V1  "https://in-toto.io/Statement/v1"
#define SHA "[{'digest':{'sha256':'@1'}}]"
static const struct {
	const char *what, *text;
	int code;
} statements[] = {
	{ "good", STATEMENT(V1, SHA, "{'score':7.5}"), 0 },
	{ "other algorithms",
	    STATEMENT(V1, "[{'digest':{'gitCommit':'x','sha512':'y'}}]", "{}"),
	    0 },
	{ "v0.1", STATEMENT("https://in-toto.io/Statement/v0.1", SHA, "{}"),
	    CS_E_EVIDENCE_STATEMENT },
	{ "no type", "{'predicateType':'p','subject':" SHA ",'predicate':{}}",
	    CS_E_EVIDENCE_STATEMENT },
	{ "no predicate type",
	    "{'_type':'" V1 "','subject':" SHA ",'predicate':{}}",
	    CS_E_EVIDENCE_STATEMENT },
	{ "no predicate",
	    "{'_type':'" V1 "','predicateType':'p','subject':" SHA "}",
	    CS_E_EVIDENCE_STATEMENT },
	{ "a list for it", STATEMENT(V1, SHA, "[]"), CS_E_EVIDENCE_STATEMENT },
	{ "no subject", STATEMENT(V1, "[]", "{}"), CS_E_EVIDENCE_STATEMENT },
	{ "a subject without a digest", STATEMENT(V1, "[{'name':'one'}]", "{}"),
	    CS_E_EVIDENCE_STATEMENT },
	{ "with an empty one", STATEMENT(V1, "[{'digest':{}}]", "{}"),
	    CS_E_EVIDENCE_STATEMENT },
	{ "short", STATEMENT(V1, "[{'digest':{'sha256':'00'}}]", "{}"),
	    CS_E_EVIDENCE_STATEMENT },
	{ "upper case",
	    STATEMENT(V1,
		"[{'digest':{'sha256':'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'}}]",
		"{}"),
	    CS_E_EVIDENCE_STATEMENT },
	{ "a number", STATEMENT(V1, "[{'digest':{'sha256':1}}]", "{}"),
	    CS_E_EVIDENCE_STATEMENT },
	{ "a duplicate", STATEMENT(V1, SHA, "{'a':1,'a':2}"),
	    CS_E_EVIDENCE_STATEMENT },
	{ "something after it", STATEMENT(V1, SHA, "{}") "x",
	    CS_E_EVIDENCE_STATEMENT },
};

static void
test_statements(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(statements); i++) {
		_cleanup_evidence_statement_ struct evidence_statement s = {
			0
		};
		_cleanup_free_ char *text = att_text(statements[i].text);
		struct diag d = { 0 };

		if (evidence_statement(text, strlen(text), &s, &d) !=
		    statements[i].code)
			fail_msg("%s: %s", statements[i].what, d.found);
	}
}

/* whose keys */
static int
signed_by(const char *type, const enum doc_key *by, size_t n, bool spoil,
    struct evidence_signers *s)
{
	static const char *roles[] = { "auditor" };
	struct policy_evidence want = { .type = EVIDENCE_SBOM,
		.signers = { roles, 1 } };
	_cleanup_evidence_envelope_ struct evidence_envelope e = { 0 };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	struct policy_rule rule = p->rules[0];
	struct evidence_keys k = { 0 };
	struct diag d = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r;

	rule.evidence = &want;
	rule.nevidence = 1;
	text = att_envelope("{}", 2, type, by, n, &len);
	assert_int_equal(evidence_envelope(text, len, &e, NULL), 0);
	if (spoil)
		e.dsse->payload[1] = ']';
	assert_int_equal(evidence_keys(p, &rule, &k), 0);
	assert_int_equal(k.nholders, 1);
	assert_string_equal(k.v[0].who->id, "olga");
	r = evidence_signers(&e, &k, s, &d);
	assert_int_equal(r, d.code);
	free(k.v);
	return r;
}

static void
test_signatures(void **state)
{
	static const struct {
		const char *what, *type;
		enum doc_key by[3];
		size_t n;
		bool spoil;
		int code;
		size_t known, strangers;
	} cases[] = {
		{ "olga", DSSE_PAYLOAD_TYPE, { DK_OLGA }, 1, false, 0, 1, 0 },
		{ "olga and a stranger", DSSE_PAYLOAD_TYPE,
		    { DK_STRANGER, DK_OLGA }, 2, false, 0, 1, 1 },
		{ "somebody without the role", DSSE_PAYLOAD_TYPE, { DK_BOB }, 1,
		    false, 0, 1, 0 },
		{ "two without it", DSSE_PAYLOAD_TYPE, { DK_ALICE2, DK_CI }, 2,
		    false, 0, 2, 0 },
		{ "one key twice", DSSE_PAYLOAD_TYPE, { DK_OLGA, DK_OLGA }, 2,
		    false, CS_E_EVIDENCE_SAME_KEY, 0, 0 },
		{ "one key twice, without the role", DSSE_PAYLOAD_TYPE,
		    { DK_BOB, DK_CI, DK_BOB }, 3, false, CS_E_EVIDENCE_SAME_KEY,
		    0, 0 },
		{ "a stranger", DSSE_PAYLOAD_TYPE, { DK_STRANGER }, 1, false,
		    CS_E_EVIDENCE_SIGNATURE, 0, 0 },
		{ "another payload", DSSE_PAYLOAD_TYPE, { DK_OLGA }, 1, true,
		    CS_E_EVIDENCE_SIGNATURE, 0, 0 },
		{ "another type", "application/json", { DK_OLGA }, 1, false,
		    CS_E_EVIDENCE_PAYLOAD_TYPE, 1, 0 },
		{ "another type by a stranger", "application/json",
		    { DK_STRANGER }, 1, false, CS_E_EVIDENCE_SIGNATURE, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct evidence_signers s = { 0 };
		int r = signed_by(cases[i].type, cases[i].by, cases[i].n,
		    cases[i].spoil, &s);

		if (r != cases[i].code)
			fail_msg("%s: %s", cases[i].what, err_id(r));
		assert_int_equal(s.n, cases[i].known);
		assert_int_equal(s.strangers, cases[i].strangers);
	}
}

/* signed for application/json, and the envelope says in-toto */
static void
test_type_is_signed(void **state)
{
	static const enum doc_key by = DK_OLGA;
	_cleanup_evidence_envelope_ struct evidence_envelope e = { 0 };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	struct evidence_signers s = { 0 };
	struct evidence_keys k = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t len = 0;

	(void)state;
	text = att_envelope("{}", 2, "application/json", &by, 1, &len);
	assert_int_equal(evidence_envelope(text, len, &e, NULL), 0);
	free(e.type);
	e.type = strdup(DSSE_PAYLOAD_TYPE);
	assert_int_equal(evidence_keys(p, &p->rules[0], &k), 0);
	assert_int_equal(k.nholders, 0);
	assert_int_equal(evidence_signers(&e, &k, &s, NULL),
	    CS_E_EVIDENCE_SIGNATURE);
	free(k.v);
}

static void
test_times(void **state)
{
	static const struct {
		const char *text;
		int64_t is;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-18T11:06:40Z", DOC_NOW },
		{ "2026-11-18t11:06:40z", DOC_NOW },
		{ "2026-11-18T11:06:40.999999999Z", DOC_NOW },
		{ "2026-11-18T11:06:40+00:00", DOC_NOW },
		{ "2026-11-18T12:36:40.5+01:30", DOC_NOW },
		{ "2026-11-17T21:06:40-14:00", DOC_NOW },
	};
	static const char *const bad[] = { "", "2026", "2026-11-18",
		"2026-11-18T11:06:40", "2026-11-18 11:06:40Z",
		"2026-11-18T11:06:40Zx", "2026-11-18T11:06:40.Z",
		"2026-11-18T11:06:40.5", "2026-11-18T11:06:40,5Z",
		"2026-13-18T11:06:40Z", "2026-11-31T11:06:40Z",
		"2026-11-18T24:06:40Z", "2026-11-18T11:06:40+0100",
		"2026-11-18T11:06:40+24:00", "2026-11-18T11:06:40+01:60",
		"2026-11-18T11:06:40+01:00Z", "2026-11-18T11:06:40+1:000",
		"2026-11-18T11:06:40+0/:00", "2026-11-18T11:06:40+0a:00",
		"2026-11-18T11:06:40+-1:00", "2026-11-18T11:06:40+:1:00",
		"1969-11-18T11:06:40Z" };
	int64_t t;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(good); i++) {
		t = -1;
		if (evidence_time_parse(good[i].text, &t) != 0 ||
		    t != good[i].is)
			fail_msg("%s: %lld", good[i].text, (long long)t);
	}
	for (i = 0; i < ARRAY_LEN(bad); i++)
		if (evidence_time_parse(bad[i], &t) == 0)
			fail_msg("%s", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelopes),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_statements),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_type_is_signed),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
