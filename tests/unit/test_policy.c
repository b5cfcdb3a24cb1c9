/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/file.h"
#include "tests/lib/documents.h"

#define X32  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X128 X32 X32 X32 X32
#define PR   "/principals/"

/* One change to a good policy, and the one check that must fail for it. */
static const struct {
	const char *pointer, *value;
	int code;
} refusals[] = {
	/* R1: misspelt, missing, mistyped */
	{ "/rules/0/approvals/treshold", "2", CS_E_JSON_FIELD },
	{ "/rules/0/approvals/threshold", NULL, CS_E_JSON_FIELD },
	{ "/rules/0/approvals/threshold", "'2'", CS_E_JSON_FIELD },
	{ "/rules/0/aprovals", "{}", CS_E_JSON_FIELD },
	{ "/extra", "1", CS_E_JSON_FIELD },
	{ "/rehearsal", NULL, CS_E_JSON_FIELD },
	{ "/rehearsal", "0", CS_E_JSON_FIELD },
	{ "/appliance", "''", CS_E_JSON_VALUE },
	{ PR "0/valid_from", "'2026-01-01'", CS_E_JSON_VALUE },
	{ PR "0/keys/0/id", "'x'", CS_E_JSON_FIELD },
	{ PR "0/keys/0/public_key", "'AAA'", CS_E_JSON_VALUE },
	{ PR "0/keys/0/public_key", "'AAAA'", CS_E_KEY_TYPE },
	{ "/domains/0/pin", "'1234'", CS_E_JSON_FIELD },
	{ "/keys/0/slot", "1", CS_E_JSON_FIELD },
	{ "/previous", "'00'", CS_E_JSON_VALUE },
	/* Q4: an empty list never means "any" */
	{ "/roles", "[]", CS_E_POLICY_EMPTY },
	{ "/principals", "[]", CS_E_POLICY_EMPTY },
	{ "/domains", "[]", CS_E_POLICY_EMPTY },
	{ "/keys", "[]", CS_E_POLICY_EMPTY },
	{ "/rules", "[]", CS_E_POLICY_EMPTY },
	{ PR "0/roles", "[]", CS_E_POLICY_EMPTY },
	{ PR "0/keys", "[]", CS_E_POLICY_EMPTY },
	{ "/keys/0/products", "[]", CS_E_POLICY_EMPTY },
	{ "/keys/0/formats", "[]", CS_E_POLICY_EMPTY },
	{ "/rules/0/requesters", "[]", CS_E_POLICY_EMPTY },
	{ "/rules/0/keys", "[]", CS_E_POLICY_EMPTY },
	{ "/rules/0/formats", "[]", CS_E_POLICY_EMPTY },
	{ "/rules/0/approvals/roles", "[]", CS_E_POLICY_EMPTY },
	{ "/administration/roles", "[]", CS_E_POLICY_EMPTY },
	/* Q4: thresholds */
	{ "/rules/0/approvals/threshold", "0", CS_E_POLICY_THRESHOLD },
	{ "/rules/0/approvals/threshold", "5", CS_E_POLICY_THRESHOLD },
	{ "/rules/0/approvals/threshold", "13", CS_E_POLICY_THRESHOLD },
	{ "/rules/1/approvals/threshold", "3", CS_E_POLICY_THRESHOLD },
	{ "/administration/threshold", "0", CS_E_POLICY_THRESHOLD },
	{ "/administration/threshold", "3", CS_E_POLICY_THRESHOLD },
	/* names */
	{ PR "0/roles/-", "'king'", CS_E_POLICY_UNDEFINED },
	{ "/rules/0/approvals/roles/-", "'king'", CS_E_POLICY_UNDEFINED },
	{ "/administration/roles/-", "'king'", CS_E_POLICY_UNDEFINED },
	{ "/rules/0/requesters/-", "'nobody'", CS_E_POLICY_UNDEFINED },
	{ "/rules/0/keys/-", "'none'", CS_E_POLICY_UNDEFINED },
	{ "/rules/0/keys/-", "'relcms'", CS_E_POLICY_UNDEFINED },
	{ "/keys/0/domain", "'other'", CS_E_POLICY_UNDEFINED },
	{ PR "0/id", "'CI'", CS_E_POLICY_NAME },
	{ "/keys/0/id", "'a b'", CS_E_POLICY_NAME },
	{ "/rules/0/id", "'a_b'", CS_E_POLICY_NAME },
	{ "/domains/0/id", "'a/b'", CS_E_POLICY_NAME },
	{ "/roles/-", "'King'", CS_E_POLICY_NAME },
	{ "/rules/0/id", "'a1234567890123456789012345678901234567890'",
	    CS_E_POLICY_NAME },
	{ "/domains/-", "{'id':'audit','token':'x'}", CS_E_POLICY_NAME },
	{ PR "0/id", "'dev'", CS_E_POLICY_TWICE },
	{ "/keys/0/id", "'rel384'", CS_E_POLICY_TWICE },
	{ "/rules/0/id", "'boot'", CS_E_POLICY_TWICE },
	{ "/domains/-", "{'id':'release','token':'x'}", CS_E_POLICY_TWICE },
	{ "/domains/-", "{'id':'x','token':'coldseal-release'}",
	    CS_E_POLICY_TWICE },
	{ "/roles/-", "'officer'", CS_E_POLICY_TWICE },
	{ PR "1/roles/-", "'officer'", CS_E_POLICY_TWICE },
	{ "/rules/0/requesters/-", "'ci'", CS_E_POLICY_TWICE },
	{ "/rules/0/keys/-", "'rel'", CS_E_POLICY_TWICE },
	{ "/rules/0/approvals/roles/-", "'officer'", CS_E_POLICY_TWICE },
	/* Q1: one key, one entry, whatever its encoding */
	{ PR "3/keys/-", "{'public_key':'@K4'}", CS_E_POLICY_KEY_TWICE },
	{ PR "3/keys/0/public_key", "'@K2'", CS_E_POLICY_KEY_TWICE },
	{ PR "3/keys/0/public_key", "'@Z2'", CS_E_POLICY_KEY_TWICE },
	{ PR "3/keys/0/public_key", "'@K7'", CS_E_POLICY_KEY_TWICE },
	{ "/keys/0/public_key", "'@Z0'", CS_E_POLICY_KEY_TWICE },
	/* people and systems */
	{ PR "0/kind", "'robot'", CS_E_POLICY_KIND },
	{ PR "0/roles/-", "'officer'", CS_E_POLICY_KIND },
	{ PR "0/roles/-", "'administrator'", CS_E_POLICY_KIND },
	{ "/rules/0/requesters/-", "'bob'", CS_E_POLICY_KIND },
	{ PR "0/valid_until", "'2026-01-01T00:00:00Z'", CS_E_POLICY_VALIDITY },
	{ "/keys/0/valid_until", "'2025-01-01T00:00:00Z'",
	    CS_E_POLICY_VALIDITY },
	/* keys */
	{ "/keys/0/state", "'Active'", CS_E_POLICY_STATE },
	{ "/keys/0/algorithm", "'ecdsa'", CS_E_POLICY_ALGORITHM },
	{ "/keys/0/algorithm", "'ecdsa-p384-sha384'", CS_E_POLICY_ALGORITHM },
	{ "/keys/0/formats", "['pgp']", CS_E_POLICY_FORMAT },
	{ "/keys/0/algorithm", "'ml-dsa-65'", CS_E_KEY_ML_DSA },
	{ "/keys/0/formats", "['raw','cms']", CS_E_POLICY_FORMAT },
	{ "/rules/0/formats", "['raw','cms']", CS_E_POLICY_FORMAT },
	{ "/rules/0/formats", "['cms']", CS_E_POLICY_FORMAT },
	{ "/keys/2/certificate", NULL, CS_E_POLICY_CERT },
	{ "/keys/2/certificate", "'AAAA'", CS_E_POLICY_CERT },
	{ "/keys/2/certificate", "'@C11'", CS_E_POLICY_CERT },
	{ "/keys/0/certificate", "'@C9'", CS_E_POLICY_CERT },
	{ "/keys/0/uri", "'pkcs11:token=coldseal-release;id=%01?pin-value=1'",
	    CS_E_POLICY_URI_PIN },
	{ "/keys/0/uri", "'pkcs11:token=coldseal-release;id=%01;PIN-source=x'",
	    CS_E_POLICY_URI_PIN },
	{ "/keys/0/uri", "'pkcs11:token=other;id=%01'", CS_E_POLICY_URI },
	{ "/keys/0/uri", "'pkcs11:token=coldseal-release'", CS_E_POLICY_URI },
	{ "/keys/0/uri", "'pkcs11:id=%01'", CS_E_POLICY_URI },
	{ "/keys/0/uri", "'pkcs11:token=coldseal-release;id=%0'",
	    CS_E_POLICY_URI },
	{ "/keys/0/uri", "'pkcs11:token=coldseal-release;id=%01;id=%02'",
	    CS_E_POLICY_URI },
	{ "/keys/0/uri", "'pkcs11:token=coldseal-release;id=%01;slot-id=1'",
	    CS_E_POLICY_URI },
	{ "/keys/0/uri", "'pkcs11:token=coldseal-release;id=%01?module-path=x'",
	    CS_E_POLICY_URI },
	{ "/keys/0/uri", "'pkcs11:token=coldseal-release;id=%01;type=cert'",
	    CS_E_POLICY_URI },
	{ "/keys/0/uri", "'pkcs11:token=coldseal-release;id='",
	    CS_E_POLICY_URI },
	{ "/keys/0/uri", "'pkcs11:token=coldseal-release;id=%01;'",
	    CS_E_POLICY_URI },
	{ "/keys/0/uri", "'file:/x'", CS_E_POLICY_URI },
	{ "/keys/2/certificate", "'@T9'", CS_E_POLICY_CERT },
	{ "/keys/0/uri", "'pkcs12:token=coldseal-release;id=%01'",
	    CS_E_POLICY_URI },
	{ "/keys/0/uri", "'pkcs11:token=coldseal-release;id=/01'",
	    CS_E_POLICY_URI },
	{ "/keys/0/uri", "'pkcs11:token=coldseal-release;id=%zz'",
	    CS_E_POLICY_URI },
	{ "/keys/0/uri",
	    "'pkcs11:token=coldseal-release;id=%01;object=" X128 "'",
	    CS_E_POLICY_URI },
	/* rules */
	{ "/rules/0/approvals/requester_excluded", "false",
	    CS_E_POLICY_SEPARATION },
	{ "/rules/-",
	    "{'id':'fw2','product':'firmware','requesters':['dev'],"
	    "'keys':['rel384'],'formats':['raw'],'approvals':{'threshold':1,"
	    "'roles':['officer'],'distinct_organisations':false,"
	    "'requester_excluded':true}}",
	    CS_E_POLICY_OVERLAP },
	/* versions */
	{ "/version", "0", CS_E_POLICY_VERSION },
	{ "/version", "2", CS_E_POLICY_VERSION },
	{ "/previous",
	    "'0123456789abcdef0123456789abcdef0123456789abcdef"
	    "0123456789abcdef'",
	    CS_E_POLICY_VERSION },
};

/* Good policies that a check too many would refuse. */
static const struct {
	const char *pointer, *value;
} accepted[] = {
	{ "/rules/0/approvals/threshold", "4" },
	{ PR "3/keys/-", "{'public_key':'@K12'}" },
	{ "/keys/0/state", "'retired'" },
	{ "/keys/0/uri",
	    "'pkcs11:id=%0A;object=r;type=private;"
	    "token=coldseal%2Drelease'" },
	{ "/rules/-",
	    "{'id':'fw2','product':'spare','requesters':['dev'],"
	    "'keys':['rel384'],'formats':['raw'],'approvals':{'threshold':1,"
	    "'roles':['officer'],'distinct_organisations':false,"
	    "'requester_excluded':true}}" },
};

static int
parse(const struct doc_change *c, size_t n, struct policy **ret, struct diag *d)
{
	json_t *j = doc_policy_predicate();
	size_t i, len = 0;
	char *text;
	int r;

	for (i = 0; i < n; i++)
		doc_change(j, &c[i]);
	text = doc_policy_payload(j, &len);
	r = policy_parse(text, len, ret, d);
	free(text);
	return r;
}

static void
test_refusals(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(refusals); i++) {
		struct doc_change c = { refusals[i].pointer,
			refusals[i].value };
		_cleanup_policy_ struct policy *p = NULL;
		struct diag d = { 0 };
		int r = parse(&c, 1, &p, &d);

		if (r != refusals[i].code || d.code != r || p != NULL ||
		    d.found[0] == '\0')
			fail_msg("%s = %s: %s, found %s", c.pointer,
			    c.value == NULL ? "absent" : c.value, err_id(r),
			    d.found);
	}
	print_message("%zu refusals\n", i);
}

#define PREVIOUS                                                               \
	{                                                                      \
		"/previous",                                                   \
		    "'0000000000000000000000000000000000000000000000000000000" \
		    "000000001'"                                               \
	}

/* What takes more than one change to be wrong. */
static const struct {
	struct doc_change c[6];
	size_t n;
	int code;
	const char *found;
} combined[] = {
	{ { { "/version", "0" }, PREVIOUS }, 2, CS_E_POLICY_VERSION, "0" },
	{ { { "/keys/0/formats", "['pgp']" },
	      { "/rules/0/formats", "['raw','pgp']" } },
	    2, CS_E_POLICY_FORMAT, "pgp at the key rel" },
	{ { { "/keys/2/public_key", "'@K10'" },
	      { "/keys/2/certificate", "'@C10'" },
	      { "/keys/2/algorithm", "'ed25519-sha512'" } },
	    3, CS_E_POLICY_FORMAT, "ed25519-sha512 for cms at the key relcms" },
	{ { { "/keys/2/products/-", "'firmware'" },
	      { "/keys/2/shared", "'for a test'" },
	      { "/rules/0/keys/-", "'relcms'" } },
	    3, CS_E_POLICY_FORMAT, "the rule fw without cms" },
	{ { { "/domains/-",
		"{'id':'x','token':'123456789012345678901234567890123'}" },
	      { "/keys/0/domain", "'x'" },
	      { "/keys/0/uri",
		  "'pkcs11:token=123456789012345678901234567890123;id=%01'" } },
	    3, CS_E_POLICY_URI, "1234" },
	{ { { "/keys/2/certificate", NULL } }, 1, CS_E_POLICY_CERT,
	    "none at the key relcms" },
	{ { { "/keys/2/namespace", "'file'" } }, 1, CS_E_POLICY_NAMESPACE,
	    "one at the key relcms for cms" },
	{ { { "/keys/2/formats", "['sshsig']" } }, 1, CS_E_POLICY_NAMESPACE,
	    "none at the key relcms for sshsig" },
	{ { { "/keys/2/formats", "['sshsig']" },
	      { "/keys/2/namespace", "'a b'" } },
	    2, CS_E_POLICY_NAMESPACE, "a b at the key relcms" },
	{ { { "/keys/2/formats", "['sshsig']" },
	      { "/keys/2/namespace", "'a,b'" } },
	    2, CS_E_POLICY_NAMESPACE, "at the key relcms" },
	{ { { "/keys/2/formats", "['sshsig']" },
	      { "/keys/2/namespace",
		  "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		  "aaaaaaaaa'" } },
	    2, CS_E_POLICY_NAMESPACE, "aaaa" },
	{ { { "/keys/1/formats", "['sshsig']" },
	      { "/keys/1/namespace", "'file'" } },
	    2, CS_E_POLICY_FORMAT, "ecdsa-p384-sha384 for sshsig" },
	{ { { "/keys/2/formats", "['minisign']" } }, 1, CS_E_POLICY_FORMAT,
	    "for minisign at the key relcms" },
	{ { { "/keys/2/formats", "['signify']" } }, 1, CS_E_POLICY_FORMAT,
	    "for signify at the key relcms" },
};

static void
test_combined(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(combined); i++) {
		_cleanup_policy_ struct policy *p = NULL;
		struct diag d = { 0 };
		int r = parse(combined[i].c, combined[i].n, &p, &d);

		if (r != combined[i].code ||
		    strstr(d.found, combined[i].found) == NULL)
			fail_msg("case %zu: %s %s", i, err_id(r), d.found);
	}
}

static void
test_long_list(void **state)
{
	_cleanup_policy_ struct policy *p = NULL;
	struct doc_change c[257];
	char names[257][16];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(c); i++) {
		(void)snprintf(names[i], sizeof(names[i]), "'r%zu'", i);
		c[i] = (struct doc_change){ "/roles/-", names[i] };
	}
	assert_int_equal(parse(c, 252, &p, NULL), 0);
	policy_free(&p);
	assert_int_equal(parse(c, 253, &p, NULL), CS_E_TOO_LARGE);
}

static void
test_accepted(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(accepted); i++) {
		struct doc_change c = { accepted[i].pointer,
			accepted[i].value };
		_cleanup_policy_ struct policy *p = NULL;
		struct diag d = { 0 };

		if (parse(&c, 1, &p, &d) != 0)
			fail_msg("%s: %s %s", c.pointer, err_id(d.code),
			    d.found);
	}
}

static void
test_content(void **state)
{
	static const struct doc_change later[] = { { "/version", "2" },
		{ "/previous",
		    "'00000000000000000000000000000000000000000000"
		    "00000000000000000001'" } };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_policy_ struct policy *q = doc_policy(later, 2);
	const struct policy_principal *w;

	(void)state;
	assert_int_equal(p->version, 1);
	assert_false(p->has_previous);
	assert_true(p->rehearsal);
	assert_string_equal(p->appliance, DOC_APPLIANCE);
	assert_int_equal(p->nprincipals, 6);
	assert_int_equal(p->nkeys, 3);
	assert_int_equal(p->nrules, 2);
	assert_memory_equal(p->digest, p->st->digest, 32);
	w = policy_principal_by_key(p, doc_pubkey(DK_ALICE2));
	assert_non_null(w);
	assert_string_equal(w->id, "alice");
	assert_int_equal(w->nkeys, 2);
	assert_null(policy_principal_by_key(p, NULL));
	assert_null(policy_principal_by_key(p, doc_pubkey(DK_STRANGER)));
	assert_null(policy_principal_by_key(p, doc_pubkey(DK_REL)));
	assert_null(policy_principal_by_id(p, "Alice"));
	assert_null(policy_key_by_id(p, ""));
	assert_int_equal(policy_key_by_id(p, "relcms")->alg, KEY_RSA3072_PKCS1);
	assert_non_null(policy_key_by_id(p, "relcms")->cert);
	assert_true(policy_list_has(&w->roles, "officer"));
	assert_false(policy_list_has(&w->roles, "office"));
	assert_int_equal(q->version, 2);
	assert_true(q->has_previous);
	assert_int_equal(q->previous[31], 1);
}

/* The statement around the predicate: its subject is what it carries. */
static void
test_subject(void **state)
{
	static const struct doc_change c[] = {
		{ "/subject/0/name", "'other'" },
		{ "/subject/0/digest/sha256",
		    "'00000000000000000000000000000"
		    "00000000000000000000000000000000000'" },
		{ "/subject/0/annotations", "{'size':1}" },
		{ "/predicate/name", "'changed'" },
	};
	size_t i, n = 0, len = 0;
	_cleanup_free_ char *text =
	    doc_policy_payload(doc_policy_predicate(), &len);
	_cleanup_policy_ struct policy *p = NULL;

	(void)state;
	assert_int_equal(policy_parse(text, len, &p, NULL), 0);
	for (i = 0; i < ARRAY_LEN(c); i++) {
		_cleanup_free_ char *bad = doc_changed(text, len, &c[i], 1, &n);
		_cleanup_policy_ struct policy *q = NULL;

		assert_int_equal(policy_parse(bad, n, &q, NULL),
		    CS_E_POLICY_DIGEST);
	}
}

/* Shorter than any policy: there is no predicate between two texts. */
static void
test_short(void **state)
{
	static const uint8_t digest[32];
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(statement_format_about("p", digest, PRED_POLICY,
			     json_object(), &text, &len),
	    0);
	assert_int_equal(policy_parse(text, len, &p, NULL), CS_E_POLICY_DIGEST);
}

static void
test_large_blob(void **state)
{
	_cleanup_policy_ struct policy *p = NULL;
	json_t *j = doc_policy_predicate();
	_cleanup_free_ char *text = NULL;
	char cert[12001];
	size_t len = 0;

	(void)state;
	memset(cert, 'A', sizeof(cert) - 1);
	cert[sizeof(cert) - 1] = '\0';
	(void)json_object_set_new(json_array_get(json_object_get(j, "keys"), 2),
	    "certificate", json_string(cert));
	text = doc_policy_payload(j, &len);
	assert_int_equal(policy_parse(text, len, &p, NULL), CS_E_TOO_LARGE);
}

static int
genesis(const struct doc_change *c, size_t nc, const enum doc_key *k, size_t n)
{
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_free_ char *text = NULL, *env = NULL;
	json_t *j = doc_policy_predicate();
	size_t i, len = 0, env_len = 0;
	int r;

	for (i = 0; i < nc; i++)
		doc_change(j, &c[i]);
	text = doc_policy_payload(j, &len);
	env = doc_envelope(text, len, k, n, &env_len);
	r = policy_load_genesis(env, env_len, &p, NULL);
	assert_int_equal(r == 0, p != NULL);
	return r;
}

static void
test_genesis(void **state)
{
	static const enum doc_key good[] = { DK_BOB, DK_ALICE2 };
	static const enum doc_key both_of_alice[] = { DK_ALICE, DK_ALICE2,
		DK_BOB };
	static const enum doc_key alice_only[] = { DK_ALICE, DK_ALICE2 };
	static const enum doc_key twice[] = { DK_BOB, DK_BOB };
	static const enum doc_key stranger[] = { DK_ALICE, DK_BOB,
		DK_STRANGER };
	static const enum doc_key officer[] = { DK_ALICE, DK_BOB, DK_CAROL };
	static const struct doc_change later[] = { { "/version", "2" },
		{ "/previous",
		    "'00000000000000000000000000000000000000000000"
		    "00000000000000000001'" } };
	static const struct doc_change one[] = { { "/administration/threshold",
	    "1" } };

	(void)state;
	assert_int_equal(genesis(NULL, 0, good, 2), 0);
	assert_int_equal(genesis(NULL, 0, both_of_alice, 3), 0);
	/* every one of them, also above the threshold */
	assert_int_equal(genesis(NULL, 0, good, 1), CS_E_POLICY_SIGNATURE);
	assert_int_equal(genesis(one, 1, good, 1), CS_E_POLICY_SIGNATURE);
	assert_int_equal(genesis(one, 1, good, 2), 0);
	/* Q1: two keys of one person are one person */
	assert_int_equal(genesis(NULL, 0, alice_only, 2),
	    CS_E_POLICY_SIGNATURE);
	assert_int_equal(genesis(NULL, 0, twice, 2), CS_E_POLICY_SIGNATURE);
	/* Q2: nobody else */
	assert_int_equal(genesis(NULL, 0, stranger, 3), CS_E_POLICY_SIGNATURE);
	assert_int_equal(genesis(NULL, 0, officer, 3), CS_E_POLICY_SIGNATURE);
	assert_int_equal(genesis(later, 2, good, 2), CS_E_POLICY_VERSION);
}

static void
test_truncated(void **state)
{
	size_t len = 0, i;
	_cleanup_free_ char *text =
	    doc_policy_payload(doc_policy_predicate(), &len);

	(void)state;
	for (i = 0; i < len; i += 97) {
		_cleanup_policy_ struct policy *p = NULL;

		assert_true(policy_parse(text, i, &p, NULL) != 0);
	}
}

/* The example in the documentation is a policy that loads. */
static void
test_documented(void **state)
{
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_free_ uint8_t *text = NULL;
	_cleanup_free_ char *payload = NULL;
	json_t *j = NULL;
	size_t n = 0, len = 0;
	char *at;

	(void)state;
	assert_int_equal(file_read(AT_FDCWD, "lib/PROTOCOL.policy", 1 << 20,
			     &text, &n, NULL),
	    0);
	at = strstr((char *)text, "\n{\n");
	assert_non_null(at);
	assert_int_equal(json_load_strict(at, strlen(at), 1 << 20, &j, NULL),
	    0);
	payload = doc_policy_payload(j, &len);
	assert_int_equal(policy_parse(payload, len, &p, NULL), 0);
	assert_int_equal(p->rules[0].threshold, 2);
}

static void
test_log_names(void **state)
{
	static const struct {
		const char *origin;
		uint64_t number;
		bool same;
	} t[] = {
		{ "a.example/log", 1, true },
		{ "a.example/log/r2", 2, true },
		{ "a.example/log/r13", 13, true },
		{ "a.example/log/r1", 1, false },
		{ "a.example/log/r02", 1, false },
		{ "a.example/log/r", 1, false },
		{ "a.example/log/r2x", 1, false },
		{ "a.example/log/r99999999", 1, false },
		{ "a.example/log/r2/r2", 2, false },
		{ "a.example/log/x2", 1, false },
		{ "a.example/lo/r2", 2, false },
		{ "a.example/log2/r2", 2, false },
		{ "/r2", 1, false },
		{ "", 1, false },
	};
	struct policy p = { .appliance = "a.example/log" };
	size_t i, len;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		assert_int_equal(policy_log_number(t[i].origin, &len),
		    t[i].number);
		assert_int_equal(policy_names_log(&p, t[i].origin), t[i].same);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_combined),
		cmocka_unit_test(test_long_list),
		cmocka_unit_test(test_subject),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_large_blob),
		cmocka_unit_test(test_genesis),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_documented),
		cmocka_unit_test(test_log_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
