/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents made by others: ../shared/vectors/evidence (the DSSE envelopes
 * of Sigstore's conformance tests, an example of in-toto's).
 *
 * The envelopes come without their certificates.  A public key that fits an
 * ECDSA signature can be computed from the signature and the message (SEC 1
 * 4.1.6); key_of_good is one of the two of the good envelope.  So it proves
 * nothing about who signed that one, but lets its real bytes go all the way,
 * and tells the envelope whose signature was changed from it.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/evidence_impl.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "tests/lib/attestation.h"

static const char key_of_good[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYH0amVHPMFhmTgPHQ0/1Yfb/romy\n"
    "o3kt3fuf7xSMh2YloYdMvbtVQ5ST0hdyran+Ibs+tmywaJh5nrXOERpSsg==\n"
    "-----END PUBLIC KEY-----\n";

static const char a_txt[] =
    "a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf";
static const char d_txt[] =
    "330a043220fa13e01d68a7db39c89e12b0c4c3b6a0346fe624b0903f1303b5b2";

static uint8_t *
load(const char *name, size_t *len)
{
	const char *shared = getenv("CS_SHARED");
	struct diag d = { 0 };
	uint8_t *text = NULL;
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/vectors/evidence/%s",
	    shared == NULL ? "../shared" : shared, name);
	if (file_read(AT_FDCWD, path, EVIDENCE_MAX, &text, len, &d) != 0)
		fail_msg("%s: %s", path, d.found);
	return text;
}

static const char *roles[] = { "auditor" };
static const char *builders[] = {
	"https://github.com/loosebazooka/aa-test/.github/workflows/*"
};
static const char *sources[] = { "https://github.com/loosebazooka/aa-test" };
static const char *refs[] = { "refs/heads/main" };
#define LIST(v)                 \
	{                       \
		v, ARRAY_LEN(v) \
	}

/* the failed checks, in order; olga has the key of the good envelope */
static void
ask(const char *name, const char *artifact, uint64_t max_age, int codes[4])
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");
	_cleanup_checks_ struct checks c = { 0 };
	_cleanup_att_ struct att_set s = { .n = 0 };
	struct policy_evidence want = { .type = EVIDENCE_PROVENANCE,
		.signers = LIST(roles),
		.max_age = max_age,
		.builders = LIST(builders),
		.sources = LIST(sources),
		.refs = LIST(refs) };
	struct policy_rule rule = p->rules[0];
	struct policy_principal *olga = &p->principals[5];
	size_t i, k = 0, len = 0;
	uint8_t *text = load(name, &len);

	assert_string_equal(olga->id, "olga");
	pubkey_free(&olga->keys[0]);
	assert_int_equal(pubkey_from_pem(key_of_good, strlen(key_of_good),
			     &olga->keys[0], NULL),
	    0);
	rule.evidence = &want;
	rule.nevidence = 1;
	r->st->nsubjects = 1;
	assert_int_equal(hex_decode(artifact,
			     r->st->subjects[0].digest[HASH_SHA256], 32),
	    0);
	att_add_text(&s, (char *)text, len);
	att_list(&s, r);
	assert_int_equal(evaluate_evidence(p, r, &rule, s.doc, 1, DOC_NOW, &c),
	    0);
	r->st->nsubjects = 2;
	memset(codes, 0, 4 * sizeof(*codes));
	for (i = 0; i < c.n; i++)
		if (!c.v[i].pass && k < 4)
			codes[k++] = c.v[i].code;
}

#define HAPPY "happy-path-intoto-in-dsse-v3.dsse.json"
static void
test_envelopes(void **state)
{
	static const struct {
		const char *name, *artifact;
		uint64_t max_age;
		int codes[4];
	} cases[] = {
		{ HAPPY, a_txt, 0, { 0 } },
		{ HAPPY, d_txt, 0,
		    { CS_E_EVIDENCE_SUBJECT, CS_E_EVIDENCE_SUBJECT } },
		/* GitHub's provenance has no times */
		{ HAPPY, a_txt, 86400,
		    { CS_E_EVIDENCE_REQUIRED, CS_E_EVIDENCE_NO_TIME } },
		/* the signature was changed */
		{ "dsse-invalid-sig_fail.dsse.json", a_txt, 0,
		    { CS_E_EVIDENCE_MISSING, CS_E_EVIDENCE_SIGNATURE } },
		/* another envelope than the one that was logged: other key */
		{ "dsse-mismatch-envelope_fail.dsse.json", a_txt, 0,
		    { CS_E_EVIDENCE_MISSING, CS_E_EVIDENCE_SIGNATURE } },
		/* a good envelope of somebody whom the policy does not list */
		{ "intoto-with-custom-trust-root.dsse.json", d_txt, 0,
		    { CS_E_EVIDENCE_MISSING, CS_E_EVIDENCE_SIGNATURE } },
		/* a statement without an envelope */
		{ "test-result-example-1.json", a_txt, 0,
		    { CS_E_EVIDENCE_MISSING, CS_E_EVIDENCE_ENVELOPE } },
	};
	size_t i, k;
	int codes[4];

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		ask(cases[i].name, cases[i].artifact, cases[i].max_age, codes);
		for (k = 0; k < 4; k++)
			if (codes[k] != cases[i].codes[k])
				fail_msg("%s: %s, not %s", cases[i].name,
				    err_id(codes[k]),
				    err_id(cases[i].codes[k]));
	}
}

/* Each of them is read, whoever signed it, and says what it is about. */
static void
test_statements(void **state)
{
	static const struct {
		const char *name, *artifact;
	} cases[] = {
		{ HAPPY, a_txt },
		{ "dsse-invalid-sig_fail.dsse.json", a_txt },
		{ "dsse-mismatch-envelope_fail.dsse.json", a_txt },
		{ "intoto-with-custom-trust-root.dsse.json", d_txt },
	};
	const struct policy_evidence want = { .type = EVIDENCE_PROVENANCE };
	const struct evidence_ask a = { .want = &want };
	size_t i, len = 0;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_evidence_envelope_ struct evidence_envelope e = { 0 };
		_cleanup_evidence_statement_ struct evidence_statement s = {
			0
		};
		_cleanup_free_ uint8_t *text = load(cases[i].name, &len);
		struct evidence_facts f = { 0 };
		char hex[65];

		assert_int_equal(evidence_envelope(text, len, &e, NULL), 0);
		assert_string_equal(e.type, DSSE_PAYLOAD_TYPE);
		assert_int_equal(evidence_statement(e.dsse->payload,
				     e.dsse->payload_len, &s, NULL),
		    0);
		assert_int_equal(s.nsha256, 1);
		hex_encode(s.sha256[0], 32, hex);
		assert_string_equal(hex, cases[i].artifact);
		assert_ptr_equal(evidence_predicate(s.predicate_type)->check,
		    evidence_provenance);
		assert_int_equal(evidence_provenance(&a, s.predicate, &f, NULL),
		    0);
		assert_false(f.dated);
		assert_non_null(strstr(f.note, "refs/heads/main"));
	}
}

/* in-toto's example is about a commit, so it names no artifact */
static void
test_test_result(void **state)
{
	_cleanup_evidence_statement_ struct evidence_statement s = { 0 };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");
	_cleanup_checks_ struct checks c = { 0 };
	_cleanup_att_ struct att_set set = { .n = 0 };
	struct policy_evidence want = { .type = EVIDENCE_TEST,
		.signers = LIST(roles) };
	static const enum doc_key by = DK_OLGA;
	struct evidence_facts f = { 0 };
	const struct evidence_ask a = { .want = &want };
	struct policy_rule rule = p->rules[0];
	size_t len = 0, n = 0;
	_cleanup_free_ uint8_t *text = load("test-result-example-1.json", &len);

	(void)state;
	assert_int_equal(evidence_statement(text, len, &s, NULL), 0);
	assert_int_equal(s.nsubjects, 1);
	assert_int_equal(s.nsha256, 0);
	assert_int_equal(evidence_test_result(&a, s.predicate, &f, NULL), 0);

	rule.evidence = &want;
	rule.nevidence = 1;
	att_add_text(&set,
	    att_envelope((const char *)text, len, DSSE_PAYLOAD_TYPE, &by, 1,
		&n),
	    0);
	set.doc[0].len = n;
	att_list(&set, r);
	assert_int_equal(evaluate_evidence(p, r, &rule, set.doc, 1, DOC_NOW,
			     &c),
	    0);
	assert_int_equal(c.v[0].code, CS_E_EVIDENCE_SUBJECT);
	assert_int_equal(c.v[1].code, CS_E_EVIDENCE_SUBJECT);
	assert_int_equal(checks_failed(&c), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelopes),
		cmocka_unit_test(test_statements),
		cmocka_unit_test(test_test_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
