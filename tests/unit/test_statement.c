/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <time.h>

#include "lib/hex.h"
#include "tests/lib/documents.h"

#define H32 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PT  "urn:coldseal:request:v1"
#define HEAD                                                         \
	"{'_type':'https://in-toto.io/Statement/v1','predicate':{}," \
	"'predicateType':'" PT "','subject':"
#define ONE "{'digest':{'sha256':'" H32 "'},'name':'a'}"

static int
parse(const char *quoted, const char *want, struct statement **ret)
{
	struct diag d = { 0 };
	char text[2000];
	size_t i;

	(void)snprintf(text, sizeof(text), "%s", quoted);
	for (i = 0; text[i] != '\0'; i++)
		if (text[i] == '\'')
			text[i] = '"';
	return statement_parse(text, strlen(text), want, ret, &d);
}

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		int code;
	} t[] = {
		{ HEAD "[" ONE "]}", 0 },
		{ HEAD "[{'annotations':{'size':7},'digest':{'sha256':'" H32
		       "'},'name':'a'}]}",
		    0 },
		{ HEAD "[]}", CS_E_STATEMENT_SUBJECT },
		{ HEAD "[{'digest':{},'name':'a'}]}", CS_E_STATEMENT_SUBJECT },
		{ HEAD "[{'digest':{'sha1':'00'},'name':'a'}]}",
		    CS_E_STATEMENT_SUBJECT },
		{ HEAD "[{'digest':{'sha224':'" H32 "'},'name':'a'}]}",
		    CS_E_STATEMENT_SUBJECT },
		{ HEAD "[{'digest':{'sha256':'00'},'name':'a'}]}",
		    CS_E_STATEMENT_SUBJECT },
		{ HEAD "[{'digest':{'sha384':'" H32 "'},'name':'a'}]}",
		    CS_E_STATEMENT_SUBJECT },
		{ HEAD "[{'digest':{'sha256':7},'name':'a'}]}",
		    CS_E_STATEMENT_SUBJECT },
		{ HEAD "[{'digest':{'sha256':'" H32 "'},'name':''}]}",
		    CS_E_JSON_VALUE },
		{ HEAD "[{'digest':{'sha256':'" H32 "'}}]}", CS_E_JSON_FIELD },
		{ HEAD "[{'digest':{'sha256':'" H32 "'},'name':'a','uri':'x'}]"
		       "}",
		    CS_E_JSON_FIELD },
		{ HEAD "[{'annotations':{'mode':7},'digest':{'sha256':'" H32
		       "'},'name':'a'}]}",
		    CS_E_JSON_FIELD },
		{ HEAD "[" ONE "],'z':1}", CS_E_JSON_FIELD },
		{ HEAD " [" ONE "]}", CS_E_STATEMENT_CANONICAL },
		{ HEAD "[" ONE "]}\n", CS_E_STATEMENT_CANONICAL },
		{ HEAD "[{'name':'a','digest':{'sha256':'" H32 "'}}]}",
		    CS_E_STATEMENT_CANONICAL },
		{ HEAD "[{'digest':{'sha256':'" H32 "'},'name':'\\u0061'}]}",
		    CS_E_STATEMENT_CANONICAL },
		{ "{'_type':'https://in-toto.io/Statement/v0.1','predicate':{}"
		  ",'predicateType':'" PT "','subject':[" ONE "]}",
		    CS_E_STATEMENT_TYPE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		_cleanup_statement_ struct statement *s = NULL;
		int r = parse(t[i].text, PT, &s);

		if (r != t[i].code)
			fail_msg("%zu %s: %s", i, t[i].text, err_id(r));
	}
}

static void
test_predicate_type(void **state)
{
	_cleanup_statement_ struct statement *s = NULL;

	(void)state;
	assert_int_equal(parse(HEAD "[" ONE "]}", PRED_APPROVAL, &s),
	    CS_E_STATEMENT_PREDICATE);
	assert_null(s);
}

static void
test_round_trip(void **state)
{
	static char name[] = "caf\xc3\xa9 \"x\\y\"";
	struct subject in = { .name = name,
		.size = 12,
		.has = { true, false, true } };
	_cleanup_statement_ struct statement *s = NULL;
	_cleanup_free_ char *text = NULL;
	uint8_t digest[32];
	size_t n = 0;

	(void)state;
	memset(in.digest, 0xab, sizeof(in.digest));
	assert_int_equal(statement_format(&in, 1, PT,
			     json_pack("{s:i}", "z", 1), &text, &n),
	    0);
	assert_int_equal(statement_parse(text, n, PT, &s, NULL), 0);
	assert_int_equal(s->nsubjects, 1);
	assert_string_equal(s->subjects[0].name, name);
	assert_int_equal(s->subjects[0].size, 12);
	assert_true(s->subjects[0].has[0] && !s->subjects[0].has[1] &&
	    s->subjects[0].has[2]);
	assert_memory_equal(s->subjects[0].digest[2], in.digest[2], 64);
	assert_int_equal(sha256(text, n, digest), 0);
	assert_memory_equal(s->digest, digest, 32);
	assert_int_equal(json_integer_value(json_object_get(s->predicate, "z")),
	    1);
	assert_int_equal(statement_format(&in, 0, PT, json_object(), &text, &n),
	    CS_E_STATEMENT_SUBJECT);
}

/* RFC 6962 2.1 by hand: three leaves */
static void
test_root(void **state)
{
	struct subject s[3] = { { .has = { true } }, { .has = { true } },
		{ .has = { true } } };
	uint8_t leaf[33] = { 0 }, node[65] = { 1 }, h[3][32], root[32];
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		memset(s[i].digest[HASH_SHA256], (int)i + 1, 32);
		memcpy(leaf + 1, s[i].digest[HASH_SHA256], 32);
		assert_int_equal(sha256(leaf, 33, h[i]), 0);
	}
	assert_int_equal(statement_subject_root(s, 1, root), 0);
	assert_memory_equal(root, h[0], 32);
	memcpy(node + 1, h[0], 32);
	memcpy(node + 33, h[1], 32);
	assert_int_equal(sha256(node, 65, node + 1), 0);
	memcpy(node + 33, h[2], 32);
	assert_int_equal(sha256(node, 65, h[0]), 0);
	assert_int_equal(statement_subject_root(s, 3, root), 0);
	assert_memory_equal(root, h[0], 32);
	s[2].has[HASH_SHA256] = false;
	assert_int_equal(statement_subject_root(s, 3, root),
	    CS_E_STATEMENT_SUBJECT);
}

static struct subject *
many(size_t n)
{
	struct subject *s = calloc(n, sizeof(*s));
	size_t i;

	assert_non_null(s);
	for (i = 0; i < n; i++) {
		s[i].name = malloc(32);
		(void)snprintf(s[i].name, 32, "artifact-%zu", i);
		assert_int_equal(sha256(&i, sizeof(i),
				     s[i].digest[HASH_SHA256]),
		    0);
		s[i].has[HASH_SHA256] = true;
		s[i].size = i + 1;
	}
	return s;
}

static void
test_ten_thousand(void **state)
{
	size_t i, n = STATEMENT_MAX_SUBJECTS, len = 0;
	struct subject *s = many(n + 1);
	struct request_new q = { "00112233445566778899aabbccddeeff", "p", "v",
		"k", "raw", "u", "s", "p", "r", "c", 0, s, n, NULL, 0, NULL,
		NULL };
	_cleanup_request_ struct request *r = NULL;
	_cleanup_free_ char *text = NULL;
	struct timespec a, b;
	double took;

	(void)state;
	assert_int_equal(statement_format(s, n + 1, PT, json_object(), &text,
			     &len),
	    CS_E_STATEMENT_SUBJECT);
	assert_int_equal(request_format(&q, &text, &len), 0);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	assert_int_equal(request_parse(text, len, &r, NULL), 0);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	took = (double)(b.tv_sec - a.tv_sec) +
	    (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	print_message("10000 subjects, %zu bytes: %.3f s\n", len, took);
	assert_int_equal(r->st->nsubjects, n);
	assert_true(took < 5); /* generous: sanitisers, shared cores */
	for (i = 0; i <= n; i++)
		free(s[i].name);
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_predicate_type),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_ten_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
