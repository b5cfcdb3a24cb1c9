/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>

#include "lib/b64.h"
#include "lib/file.h"
#include "tests/lib/documents.h"

#define TYPE "application/vnd.in-toto+json"

/* protocol.md, "Test Vectors"; the key is there as two decimal numbers */
static const char hello_x[] = "469508208688991566629300476878185856328485914"
			      "99744589407958293238635476079160";
static const char hello_y[] = "564007835656437916309907587700956512988251488"
			      "6557779369047442380624545832820";
static const char hello_sig[] = "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR"
				"6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==";

static struct pubkey *
hello_key(void)
{
	static const uint8_t prefix[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07,
		0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
		0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
		0x04 };
	struct pubkey *k = NULL;
	BIGNUM *x = NULL, *y = NULL;
	uint8_t der[91];

	memcpy(der, prefix, sizeof(prefix));
	assert_true(BN_dec2bn(&x, hello_x) > 0 && BN_dec2bn(&y, hello_y) > 0);
	assert_int_equal(BN_bn2binpad(x, der + 27, 32), 32);
	assert_int_equal(BN_bn2binpad(y, der + 59, 32), 32);
	BN_free(x);
	BN_free(y);
	assert_int_equal(pubkey_from_spki(der, sizeof(der), &k, NULL), 0);
	return k;
}

static void
test_hello_world(void **state)
{
	static const char want[] =
	    "DSSEv1 29 http://example.com/HelloWorld 11 hello world";
	_cleanup_pubkey_ struct pubkey *k = hello_key();
	struct buf b = BUF_INIT(200);
	ECDSA_SIG *s = ECDSA_SIG_new();
	_cleanup_dsse_ struct dsse *e = NULL;
	unsigned char *der = NULL;
	char text[400];
	uint8_t raw[64];
	int n;

	(void)state;
	assert_int_equal(dsse_pae_type("http://example.com/HelloWorld",
			     "hello world", 11, &b),
	    0);
	assert_int_equal(b.len, strlen(want));
	assert_memory_equal(b.p, want, b.len);
	/* the vector's signature is r || s; ours are DER */
	assert_int_equal(b64_decode_exact(hello_sig, strlen(hello_sig), raw,
			     64),
	    0);
	assert_int_equal(ECDSA_SIG_set0(s, BN_bin2bn(raw, 32, NULL),
			     BN_bin2bn(raw + 32, 32, NULL)),
	    1);
	n = i2d_ECDSA_SIG(s, &der);
	assert_true(n > 0);
	assert_int_equal(pubkey_verify_message(k, b.p, b.len, der, (size_t)n),
	    0);
	/* R4: over the payload alone it must not verify */
	assert_int_equal(pubkey_verify_message(k, "hello world", 11, der,
			     (size_t)n),
	    CS_E_SIG);
	OPENSSL_free(der);
	ECDSA_SIG_free(s);
	buf_done(&b);
	n = snprintf(text, sizeof(text),
	    "{\"payload\": \"aGVsbG8gd29ybGQ=\",\n"
	    " \"payloadType\": \"http://example.com/HelloWorld\",\n"
	    " \"signatures\": [{\"sig\": \"%s\"}]}",
	    hello_sig);
	assert_int_equal(dsse_parse(text, (size_t)n, &e, NULL), CS_E_DSSE_TYPE);
}

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		int code;
	} t[] = {
		{ "{'payload':'e30=','payloadType':'" TYPE "',"
		  "'signatures':[{'keyid':'','sig':'AA=='}]}",
		    0 },
		/* either alphabet: protocol.md; no mixture */
		{ "{'payload':'-_-_','payloadType':'" TYPE "',"
		  "'signatures':[{'sig':'+/+/'}]}",
		    0 },
		{ "{'payload':'-_+/','payloadType':'" TYPE "',"
		  "'signatures':[{'sig':'AA=='}]}",
		    CS_E_DSSE_BASE64 },
		{ "{'payload':'e30','payloadType':'" TYPE "',"
		  "'signatures':[{'sig':'AA=='}]}",
		    CS_E_DSSE_BASE64 },
		{ "{'payload':'e30=','payloadType':'" TYPE "',"
		  "'signatures':[{'sig':'AA= ='}]}",
		    CS_E_DSSE_BASE64 },
		{ "{'payload':'e31=','payloadType':'" TYPE "',"
		  "'signatures':[{'sig':'AA=='}]}",
		    CS_E_DSSE_BASE64 },
		{ "{'payload':'','payloadType':'" TYPE "',"
		  "'signatures':[{'sig':'AA=='}]}",
		    CS_E_DSSE_PAYLOAD },
		{ "{'payload':'e30=','payloadType':'application/json',"
		  "'signatures':[{'sig':'AA=='}]}",
		    CS_E_DSSE_TYPE },
		{ "{'payload':'e30=','payloadType':'Application/vnd.in-toto+"
		  "json','signatures':[{'sig':'AA=='}]}",
		    CS_E_DSSE_TYPE },
		{ "{'payload':'e30=','payloadType':'" TYPE " ',"
		  "'signatures':[{'sig':'AA=='}]}",
		    CS_E_DSSE_TYPE },
		{ "{'payload':'e30=','payloadType':'" TYPE "',"
		  "'signatures':[]}",
		    CS_E_DSSE_SIGS },
		{ "{'payload':'e30=','payloadType':'" TYPE "',"
		  "'signatures':[{'sig':''}]}",
		    CS_E_JSON_VALUE },
		{ "{'payload':'e30=','payloadType':'" TYPE "',"
		  "'signatures':['AA==']}",
		    CS_E_JSON_FIELD },
		{ "{'payload':'e30=','payloadType':'" TYPE "'}",
		    CS_E_JSON_FIELD },
		{ "{'payload':'e30=','payloadType':'" TYPE "',"
		  "'signatures':[{'sig':'AA==','x':1}]}",
		    CS_E_JSON_FIELD },
		{ "{'payload':'e30=','payloadType':'" TYPE "','extra':1,"
		  "'signatures':[{'sig':'AA=='}]}",
		    CS_E_JSON_FIELD },
		{ "{'payload':'e30=','payload':'e30=','payloadType':'" TYPE
		  "','signatures':[{'sig':'AA=='}]}",
		    CS_E_JSON_DUPLICATE },
		/* found in the text as it is, or read as JSON */
		{ "{'payload':'-\\u005f-_','payloadType':'" TYPE "',"
		  "'signatures':[{'sig':'AA=='}]}",
		    0 },
		{ "{ 'payload':'e30=','payloadType':'" TYPE "',"
		  "'signatures':[{'sig':'AA=='}]}",
		    0 },
		{ "{'payloadType':'" TYPE "','payload':'e30=',"
		  "'signatures':[{'sig':'AA=='}]}",
		    0 },
		{ "{'payload':'e3\\'0=','payloadType':'" TYPE "',"
		  "'signatures':[{'sig':'AA=='}]}",
		    CS_E_DSSE_BASE64 },
		{ "{'payload':'e3\n0','payloadType':'" TYPE "',"
		  "'signatures':[{'sig':'AA=='}]}",
		    CS_E_DSSE_BASE64 },
		{ "{'payload':'e30=','payloadType':'" TYPE "',"
		  "'signatures':[{'sig':'AA=='}],'payload':'e30='}",
		    CS_E_JSON_DUPLICATE },
		{ "{'payload':'e30=", CS_E_JSON_SYNTAX },
		{ "{'payload':'e30='", CS_E_JSON_SYNTAX },
		{ "{'payload':'e30=','payloadType':'" TYPE "',"
		  "'signatures':[{'sig':'AA=='}]}}",
		    CS_E_JSON_SYNTAX },
		{ "[]", CS_E_JSON_TYPE },
		{ "{", CS_E_JSON_SYNTAX },
	};
	char text[500];
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		_cleanup_dsse_ struct dsse *e = NULL;
		struct diag d = { 0 };
		int r;

		(void)snprintf(text, sizeof(text), "%s", t[i].text);
		for (k = 0; text[k] != '\0'; k++)
			if (text[k] == '\'')
				text[k] = '"';
		r = dsse_parse(text, strlen(text), &e, &d);
		if (r != t[i].code)
			fail_msg("%s: %s %s", text, err_id(r), d.found);
	}
}

static void
test_many_sigs(void **state)
{
	struct buf b = BUF_INIT(10000);
	_cleanup_dsse_ struct dsse *e = NULL;
	size_t i;

	(void)state;
	assert_int_equal(buf_putf(&b,
			     "{\"payload\":\"e30=\",\"payloadType\":\"" TYPE
			     "\",\"signatures\":[{\"sig\":\"AA==\"}"),
	    0);
	for (i = 0; i < DSSE_MAX_SIGS; i++)
		assert_int_equal(buf_putf(&b, ",{\"sig\":\"AA==\"}"), 0);
	assert_int_equal(buf_putf(&b, "]}"), 0);
	assert_int_equal(dsse_parse(b.p, b.len, &e, NULL), CS_E_DSSE_SIGS);
	buf_done(&b);
}

static struct dsse *
signed_by(const enum doc_key *k, size_t n)
{
	struct dsse *e = NULL;
	size_t len = 0;
	char *text = doc_envelope("{\"a\":1}", 7, k, n, &len);

	assert_int_equal(dsse_parse(text, len, &e, NULL), 0);
	assert_int_equal(text[len - 1], '\n');
	free(text);
	return e;
}

static void
test_verify(void **state)
{
	static const enum doc_key by[] = { DK_CI, DK_ALICE2, DK_BOB, DK_CMS,
		DK_CI, DK_STRANGER };
	const struct pubkey *keys[] = { doc_pubkey(DK_OLGA), doc_pubkey(DK_CI),
		doc_pubkey(DK_ALICE2), doc_pubkey(DK_BOB), doc_pubkey(DK_CMS),
		doc_pubkey(DK_CI) };
	static const bool want[] = { false, true, true, true, true, false };
	_cleanup_dsse_ struct dsse *e = signed_by(by, ARRAY_LEN(by));
	bool hit[6];
	size_t bad = 9, i;

	(void)state;
	assert_int_equal(e->payload_len, 7);
	assert_int_equal(strlen(e->sigs[0].keyid), 64);
	/* Q1: CI twice, and listed twice, is one; Q2: the stranger counted */
	assert_int_equal(dsse_verify(e, keys, 6, hit, &bad, NULL), 0);
	for (i = 0; i < 6; i++)
		assert_int_equal(hit[i], want[i]);
	assert_int_equal(bad, 1);

	/* the key ID is a hint: a wrong one changes nothing */
	for (i = 0; i < e->nsigs; i++)
		e->sigs[i].keyid[0] ^= 1;
	assert_int_equal(dsse_verify(e, keys, 6, hit, &bad, NULL), 0);
	assert_true(hit[1] && hit[2] && hit[3] && hit[4]);
	assert_int_equal(bad, 1);

	e->payload[0] ^= 1;
	assert_int_equal(dsse_verify(e, keys, 6, hit, &bad, NULL), 0);
	for (i = 0; i < 6; i++)
		assert_false(hit[i]);
	assert_int_equal(bad, 6);
	assert_int_equal(dsse_verify(e, keys, 0, hit, &bad, NULL), 0);
	assert_int_equal(bad, 6);
}

/* R4: a signature over the payload, and not over the PAE, is none */
static void
test_not_pae(void **state)
{
	size_t n, len = 0, bad = 0;
	_cleanup_free_ uint8_t *sig = doc_sign(DK_CI, "{\"a\":1}", 7, &n);
	struct dsse_new_sig s = { doc_pubkey(DK_CI)->id, sig, n };
	const struct pubkey *keys[] = { doc_pubkey(DK_CI) };
	_cleanup_dsse_ struct dsse *e = NULL;
	_cleanup_free_ char *text = NULL;
	bool hit[1];

	(void)state;
	assert_int_equal(dsse_format("{\"a\":1}", 7, &s, 1, &text, &len), 0);
	assert_int_equal(dsse_parse(text, len, &e, NULL), 0);
	assert_int_equal(dsse_verify(e, keys, 1, hit, &bad, NULL), 0);
	assert_false(hit[0]);
	assert_int_equal(bad, 1);
}

static void
test_format_refuses(void **state)
{
	struct dsse_new_sig s = { doc_pubkey(DK_CI)->id, (const uint8_t *)"x",
		1 };
	char *text = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(dsse_format("x", 1, &s, 0, &text, &n), CS_E_DSSE_SIGS);
	assert_int_equal(dsse_format("x", 1, &s, DSSE_MAX_SIGS + 1, &text, &n),
	    CS_E_DSSE_SIGS);
	assert_int_equal(dsse_format("", 0, &s, 1, &text, &n),
	    CS_E_DSSE_PAYLOAD);
	assert_null(text);
}

/* Envelopes that others made, with real provenance inside. */
static void
test_evidence(void **state)
{
	static const struct {
		const char *name;
		int code;
	} t[] = {
		{ "happy-path-intoto-in-dsse-v3.dsse.json", 0 },
		{ "intoto-with-custom-trust-root.dsse.json", 0 },
		{ "dsse-invalid-sig_fail.dsse.json", 0 },
		{ "dsse-mismatch-envelope_fail.dsse.json", 0 },
		{ "test-result-example-1.json", CS_E_JSON_FIELD },
	};
	const char *root = getenv("CS_SHARED");
	size_t i, len;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		_cleanup_dsse_ struct dsse *e = NULL;
		_cleanup_json_ json_t *j = NULL;
		_cleanup_free_ uint8_t *text = NULL;
		struct diag d = { 0 };
		char path[400];
		int r;

		(void)snprintf(path, sizeof(path), "%s/vectors/evidence/%s",
		    root == NULL ? "../shared" : root, t[i].name);
		assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, &text, &len,
				     NULL),
		    0);
		r = dsse_parse(text, len, &e, &d);
		if (r != t[i].code)
			fail_msg("%s: %s %s", t[i].name, err_id(r), d.found);
		if (r == 0)
			assert_int_equal(json_load_strict(e->payload,
					     e->payload_len, 1 << 20, &j, NULL),
			    0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello_world),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_many_sigs),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_not_pae),
		cmocka_unit_test(test_format_refuses),
		cmocka_unit_test(test_evidence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
