/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences of lib/PROTOCOL.policy that no other test is about. */
#include <setjmp.h>
#include <stdarg.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/evaluate_impl.h"
#include "tests/lib/big_policy.h"
#include "tests/lib/expect.h"

/* Takes predicate. */
static int
load(json_t *predicate, const struct doc_change *c, size_t n)
{
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_free_ char *text = NULL;
	size_t i, len = 0;

	for (i = 0; i < n; i++)
		doc_change(predicate, &c[i]);
	text = doc_policy_payload(predicate, &len);
	return policy_parse(text, len, &p, NULL);
}

/* Both ends of a validity belong to it. */
static void
test_validity(void **state)
{
	static const struct {
		int64_t now;
		int code;
	} t[] = {
		{ 99, CS_E_REQ_NOT_YET },
		{ 100, 0 },
		{ 200, 0 },
		{ 201, CS_E_REQ_EXPIRED },
	};
	struct diag d = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(evaluate_period(t[i].now, 100, 200,
				     CS_E_REQ_EXPIRED, CS_E_REQ_NOT_YET, "x",
				     &d),
		    t[i].code);
}

/* A reason is in words. */
static void
test_reason(void **state)
{
	static const struct doc_change c[] = {
		{ "/keys/0/state", "'revoked'" },
		{ "/keys/0/reason", "''" },
	};

	(void)state;
	assert_int_equal(load(doc_policy_predicate(), c, 2), CS_E_JSON_VALUE);
}

/* The TPM takes no more than twelve, however many people there are. */
static void
test_threshold(void **state)
{
	static const struct big_policy b = { 60, 4, 4 };
	static const struct doc_change most = { "/rules/0/approvals/threshold",
		"12" };
	static const struct doc_change more = { "/rules/0/approvals/threshold",
		"13" };
	size_t len = 0;
	_cleanup_free_ char *text = big_policy_payload(&b, &len);
	_cleanup_json_ json_t *j = json_loadb(text, len, 0, NULL);
	json_t *predicate = json_object_get(j, "predicate");

	(void)state;
	assert_non_null(predicate);
	assert_int_equal(load(json_deep_copy(predicate), &most, 1), 0);
	assert_int_equal(load(json_deep_copy(predicate), &more, 1),
	    CS_E_POLICY_THRESHOLD);
}

/* At most 8 MiB, envelope and all; the signatures are looked at later. */
static void
test_too_large(void **state)
{
	static const char front[] = "{\"payload\":\"";
	static const char back[] =
	    "\",\"payloadType\":\"application/vnd.in-toto+json\","
	    "\"signatures\":[{\"sig\":\"AAAA\"}]}";
	_cleanup_free_ char *text = malloc(DSSE_MAX + 8);
	size_t ends = sizeof(front) - 1 + sizeof(back) - 1, digits, i;
	_cleanup_dsse_ struct dsse *e = NULL;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < 2; i++) {
		digits = (DSSE_MAX - ends) / 4 * 4 + 4 * i;
		memcpy(text, front, sizeof(front) - 1);
		memset(text + sizeof(front) - 1, 'A', digits);
		memcpy(text + sizeof(front) - 1 + digits, back,
		    sizeof(back) - 1);
		assert_int_equal(dsse_parse(text, ends + digits, &e, NULL),
		    i == 0 ? 0 : CS_E_TOO_LARGE);
	}
}

#define FW2(requester, key)                                                \
	"{'id':'fw2','product':'firmware','requesters':['" requester "']," \
	"'keys':['" key "'],'formats':['raw'],'approvals':{'threshold':1," \
	"'roles':['officer'],'distinct_organisations':false,"              \
	"'requester_excluded':true}}"

/* Two rules of one product need differ in one of the others only. */
static void
test_rules_differ(void **state)
{
	static const struct {
		struct doc_change c[3];
		int code;
	} t[] = {
		{ { { "/rules/0/keys", "['rel']" },
		      { "/rules/-", FW2("ci", "rel384") } },
		    0 },
		{ { { "/rules/0/requesters", "['ci']" },
		      { "/rules/-", FW2("dev", "rel") } },
		    0 },
		{ { { "/rules/0/keys", "['rel']" },
		      { "/rules/-", FW2("ci", "rel") } },
		    CS_E_POLICY_OVERLAP },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(load(doc_policy_predicate(), t[i].c, 2),
		    t[i].code);
}

#define GLASS                                             \
	{                                                 \
		"/break_glass",                           \
		    "{'threshold':3,'roles':['officer']," \
		    "'distinct_organisations':false}"     \
	}
#define OVER "'2026-06-01T00:00:00Z'"

static struct request *
emergency(char **ret_text, size_t *ret_len)
{
	static const struct doc_change asks = { "/predicate/break_glass",
		"'the building burns'" };
	_cleanup_free_ char *text = NULL;
	struct request *r = NULL;
	size_t len = 0;

	text = doc_request_payload("firmware", "rel", "raw", &len);
	*ret_text = doc_changed(text, len, &asks, 1, ret_len);
	assert_int_equal(request_parse(*ret_text, *ret_len, &r, NULL), 0);
	return r;
}

/* What has run out stays so in an emergency. */
static void
test_break_glass_validity(void **state)
{
	static const struct doc_change c[] = { GLASS,
		{ "/keys/0/valid_until", OVER },
		{ "/principals/0/valid_until", OVER },
		{ "/principals/3/valid_until", OVER } };
	static const enum doc_key ci = DK_CI;
	static const int key_over[] = { CS_E_KEY_EXPIRED, 0 };
	static const int ci_over[] = { CS_E_REQ_EXPIRED, 0 };
	_cleanup_policy_ struct policy *p = doc_policy(c, ARRAY_LEN(c));
	_cleanup_free_ char *text = NULL, *envelope = NULL;
	_cleanup_checks_ struct checks k = { 0 }, q = { 0 };
	_cleanup_request_ struct request *r = NULL;
	_cleanup_dsse_ struct dsse *e = NULL;
	const struct policy_principal *who = NULL;
	const struct policy_rule *rule = NULL;
	struct diag d = { 0 };
	size_t len = 0, n = 0;

	(void)state;
	r = emergency(&text, &len);
	envelope = doc_envelope(text, len, &ci, 1, &n);
	assert_int_equal(dsse_parse(envelope, n, &e, NULL), 0);
	assert_int_equal(evaluate_requester(p, e, r, DOC_NOW, &q, &who), 0);
	expect_failed(&q, "the requester", ci_over);
	assert_int_equal(evaluate_request(p, r, who, DOC_NOW, &k, &rule), 0);
	expect_failed(&k, "the key", key_over);
	assert_ptr_equal(rule, &p->break_glass);
	assert_int_equal(evaluate_may_approve(p, rule, who,
			     policy_principal_by_id(p, "bob"), DOC_NOW, &d),
	    CS_E_APPROVAL_EXPIRED);
	assert_int_equal(evaluate_may_approve(p, rule, who,
			     policy_principal_by_id(p, "carol"), DOC_NOW, &d),
	    0);
}

/* The token of the URI is the domain's, all of it. */
static void
test_token(void **state)
{
	static const struct doc_change c[] = {
		{ "/keys/0/uri", "'pkcs11:token=coldseal-releasf;id=%01'" },
		{ "/keys/0/uri", "'pkcs11:token=coldseal-release2;id=%01'" },
		{ "/keys/0/uri", "'pkcs11:token=coldseal-release%00;id=%01'" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(c); i++)
		assert_int_equal(load(doc_policy_predicate(), &c[i], 1),
		    CS_E_POLICY_URI);
}

/* A name that is not known is not taken for the one that the key fits. */
static void
test_algorithm(void **state)
{
	static const struct doc_change c = { "/keys/2/algorithm",
		"'rsa2048-pkcs1-sha256'" };

	(void)state;
	assert_int_equal(load(doc_policy_predicate(), &c, 1),
	    CS_E_POLICY_ALGORITHM);
}

/* The OpenPGP key is there, and an X.509 certificate is none. */
static void
test_openpgp_key(void **state)
{
	static const struct doc_change c[] = {
		{ "/keys/0/formats", "['openpgp-clear']" },
		{ "/rules/0/formats", "['raw','openpgp-clear']" },
		{ "/keys/0/certificate", "'@C7'" },
	};

	(void)state;
	assert_int_equal(load(doc_policy_predicate(), c, 2), CS_E_POLICY_CERT);
	assert_int_equal(load(doc_policy_predicate(), c, 3), CS_E_POLICY_CERT);
}

/* No key that one could use, but one of that size. */
static int
rsa_of(unsigned bits)
{
	_cleanup_pubkey_ struct pubkey *k = NULL;
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *n = BN_new(), *e = BN_new();
	unsigned char *der = NULL;
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM *param;
	int len, r;

	assert_true(BN_set_bit(n, (int)bits - 1) == 1 && BN_set_bit(n, 0) == 1);
	assert_true(BN_set_word(e, 65537) == 1);
	assert_true(OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e) == 1);
	param = OSSL_PARAM_BLD_to_param(b);
	assert_true(EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, param) == 1);
	len = i2d_PUBKEY(pkey, &der);
	assert_true(len > 0);
	r = pubkey_from_spki(der, (size_t)len, &k, NULL);
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(param);
	OSSL_PARAM_BLD_free(b);
	BN_free(n);
	BN_free(e);
	return r;
}

static void
test_rsa_sizes(void **state)
{
	(void)state;
	assert_int_equal(rsa_of(2047), CS_E_KEY_TYPE);
	assert_int_equal(rsa_of(2048), 0);
	assert_int_equal(rsa_of(4096), 0);
	assert_int_equal(rsa_of(4097), CS_E_KEY_TYPE);
}

/* "*" matches a leading dot, too. */
static void
test_leading_dot(void **state)
{
	static const struct doc_change c = { "/rules/0/versions", "['*']" };
	static const struct doc_change dot = { "/predicate/version", "'.1'" };
	static const int none[] = { 0 };
	_cleanup_policy_ struct policy *p = doc_policy(&c, 1);
	size_t len = 0, n = 0;
	_cleanup_free_ char *text =
	    doc_request_payload("firmware", "rel", "raw", &len);
	_cleanup_free_ char *dotted = doc_changed(text, len, &dot, 1, &n);
	_cleanup_request_ struct request *r = NULL;
	_cleanup_checks_ struct checks k = { 0 };

	(void)state;
	assert_int_equal(request_parse(dotted, n, &r, NULL), 0);
	assert_int_equal(evaluate_scope(r, &p->rules[0], &k), 0);
	expect_failed(&k, "a version with a dot first", none);
	assert_int_equal(k.n, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_validity),
		cmocka_unit_test(test_reason),
		cmocka_unit_test(test_threshold),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_algorithm),
		cmocka_unit_test(test_openpgp_key),
		cmocka_unit_test(test_rsa_sizes),
		cmocka_unit_test(test_leading_dot),
		cmocka_unit_test(test_rules_differ),
		cmocka_unit_test(test_break_glass_validity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
