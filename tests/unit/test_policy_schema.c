/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/file.h"
#include "tests/lib/documents.h"

/*
 * The JSON Schema and the parser say the same: of a policy that has every
 * field of the schema, each is misspelt, removed and emptied, and the parser
 * must do with it what the schema says.
 */
#define SCHEMA	 "lib/policy.schema.json"
#define PATH_LEN 200

static json_t *schema;

static const struct doc_change everything[] = {
	{ "/version", "2" },
	{ "/previous",
	    "'0000000000000000000000000000000000000000000000000000000"
	    "000000001'" },
	{ "/keys/0/state", "'revoked'" },
	{ "/keys/0/reason", "'lost'" },
	{ "/keys/0/max_signatures", "9" },
	{ "/keys/2/formats", "['sshsig']" },
	{ "/keys/2/namespace", "'file'" },
	{ "/rules/1/formats", "['sshsig']" },
	{ "/waivers",
	    "[{'vulnerability':'CVE-1','products':['firmware'],"
	    "'reason':'not reachable','until':'2026-12-01T00:00:00Z'}]" },
	{ "/break_glass",
	    "{'threshold':3,'roles':['officer'],"
	    "'distinct_organisations':false}" },
	{ "/rules/0/versions", "['1.*']" },
	{ "/rules/0/pipelines", "['release']" },
	{ "/rules/0/branches", "['main']" },
	{ "/rules/0/commits", "['*']" },
	{ "/rules/0/artifact", "'digest-only'" },
	{ "/rules/0/approvals/ahead", "true" },
	{ "/rules/0/windows",
	    "[{'from':'2026-11-01T00:00:00Z','until':'2026-11-02T00:00:00Z',"
	    "'max_signatures':10}]" },
	{ "/rules/0/evidence",
	    "[{'type':'slsa-provenance','signers':['auditor'],"
	    "'max_age_days':30,'builders':['b'],'sources':['s'],'refs':['r']},"
	    "{'type':'vulns','signers':['auditor'],'denied':['high'],"
	    "'scanners':['t*']}]" },
};

static json_t *
full(void)
{
	json_t *j = doc_policy_predicate();
	size_t i;

	for (i = 0; i < ARRAY_LEN(everything); i++)
		doc_change(j, &everything[i]);
	return j;
}

/* Takes j. */
static int
parse(json_t *j, struct diag *d)
{
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;

	text = doc_policy_payload(j, &len);
	return policy_parse(text, len, &p, d);
}

static json_t *
at(json_t *j, const char *pointer)
{
	char path[PATH_LEN], *p, *save = NULL;

	(void)snprintf(path, sizeof(path), "%s", pointer);
	for (p = strtok_r(path, "/", &save); p != NULL;
	     p = strtok_r(NULL, "/", &save))
		j = json_is_array(j) ? json_array_get(j, strtoul(p, NULL, 10)) :
				       json_object_get(j, p);
	assert_non_null(j);
	return j;
}

static json_t *
resolve(json_t *s)
{
	const char *r = json_string_value(json_object_get(s, "$ref"));

	return r == NULL ? s : at(schema, r + 1); /* without the # */
}

static bool
is_required(json_t *s, const char *name)
{
	json_t *v;
	size_t i;

	json_array_foreach (json_object_get(s, "required"), i, v)
		if (strcmp(json_string_value(v), name) == 0)
			return true;
	return false;
}

static void
misspell(const char *pointer, const char *name)
{
	json_t *j = full(), *o = at(j, pointer);
	char wrong[60];
	struct diag d = { 0 };

	(void)snprintf(wrong, sizeof(wrong), "%sx", name);
	(void)json_object_set(o, wrong, json_object_get(o, name));
	(void)json_object_del(o, name);
	if (parse(j, &d) != CS_E_JSON_FIELD)
		fail_msg("%s/%s misspelt: %s", pointer, name, d.found);
}

/* The parser misses exactly what the schema requires. */
static void
leave_out(const char *pointer, const char *name, bool required)
{
	json_t *j = full();
	struct diag d = { 0 };
	char want[PATH_LEN + 60];
	bool missed;

	(void)json_object_del(at(j, pointer), name);
	(void)snprintf(want, sizeof(want), "no field %s/%s", pointer, name);
	missed = parse(j, &d) == CS_E_JSON_FIELD && strcmp(d.found, want) == 0;
	if (missed != required)
		fail_msg("%s/%s left out: %s", pointer, name, d.found);
}

/* A value that no enum, pattern or constant of the schema has. */
static void
spoil(const char *pointer, json_t *s)
{
	const bool text = json_object_get(s, "enum") != NULL ||
	    json_object_get(s, "pattern") != NULL;
	const struct doc_change empty = { pointer, "[]" },
				odd = { pointer, "''" },
				no = { pointer, "false" },
				zero = { pointer, "0" };
	const struct doc_change *c = NULL;
	struct diag d = { 0 };
	json_t *j = full();

	if (json_object_get(s, "minItems") != NULL)
		c = &empty;
	else if (text)
		c = &odd;
	else if (json_object_get(s, "const") != NULL)
		c = &no;
	else if (json_integer_value(json_object_get(s, "minimum")) > 0)
		c = &zero;
	if (c != NULL)
		doc_change(j, c);
	if ((parse(j, &d) != 0) != (c != NULL))
		fail_msg("%s = %s: %s", pointer, c == NULL ? "" : c->value,
		    d.found);
}

/* Every object of the schema is strict, every list has one entry or more. */
static void
walk(json_t *node, const char *pointer, json_t *covered)
{
	json_t *s = resolve(node), *o = full(), *v, *sub;
	json_t *here = at(o, pointer);
	char path[PATH_LEN], mark[PATH_LEN];
	const char *name;
	size_t i;

	if (json_is_array(here)) {
		assert_int_equal(json_integer_value(
				     json_object_get(s, "minItems")),
		    1);
		json_array_foreach (here, i, v) {
			(void)snprintf(path, sizeof(path), "%s/%zu", pointer,
			    i);
			walk(json_object_get(s, "items"), path, covered);
		}
	} else if (json_is_object(here)) {
		assert_true(
		    json_is_false(json_object_get(s, "additionalProperties")));
		json_object_foreach (here, name, v) {
			sub = json_object_get(json_object_get(s, "properties"),
			    name);
			if (sub == NULL)
				fail_msg("no %s/%s in the schema", pointer,
				    name);
			(void)snprintf(mark, sizeof(mark), "%p %s", (void *)s,
			    name);
			(void)json_object_set(covered, mark, json_true());
			(void)snprintf(path, sizeof(path), "%s/%s", pointer,
			    name);
			misspell(pointer, name);
			leave_out(pointer, name, is_required(s, name));
			spoil(path, resolve(sub));
			walk(sub, path, covered);
		}
	}
	json_decref(o);
}

/* Names of fields of all objects of the schema; how many were not met. */
static void
collect(json_t *s, json_t *names, json_t *covered, size_t *ret_missing)
{
	const char *name;
	char mark[PATH_LEN];
	json_t *v;
	size_t i;

	json_array_foreach (s, i, v)
		collect(v, names, covered, ret_missing);
	if (json_object_get(s, "additionalProperties") != NULL) {
		json_object_foreach (json_object_get(s, "properties"), name,
		    v) {
			(void)json_object_set(names, name, json_true());
			(void)snprintf(mark, sizeof(mark), "%p %s", (void *)s,
			    name);
			if (json_object_get(covered, mark) != NULL)
				continue;
			print_message("not in the full policy: %s\n", name);
			++*ret_missing;
		}
	}
	json_object_foreach (s, name, v)
		collect(v, names, covered, ret_missing);
}

/* The names in the parser's tables: { "name", JK_... */
static void
parser_names(json_t *names)
{
	static const char *const files[] = { "lib/policy_parse.c",
		"lib/policy_rules.c", "lib/policy_evidence.c" };
	size_t i, n = 0;

	for (i = 0; i < ARRAY_LEN(files); i++) {
		_cleanup_free_ uint8_t *text = NULL;
		char *p, *end;

		assert_int_equal(file_read(AT_FDCWD, files[i], 1 << 20, &text,
				     &n, NULL),
		    0);
		for (p = (char *)text; (p = strstr(p, "{ \"")) != NULL;) {
			p += 3;
			end = strchr(p, '"');
			assert_non_null(end);
			if (strncmp(end, "\", JK_", 6) == 0)
				(void)json_object_setn_new(names, p,
				    (size_t)(end - p), json_true());
		}
	}
}

static void
test_schema(void **state)
{
	_cleanup_json_ json_t *ours = json_object(), *theirs = json_object();
	_cleanup_json_ json_t *covered = json_object();
	struct diag d = { 0 };
	size_t missing = 0;
	const char *name;
	json_t *v;

	(void)state;
	if (parse(full(), &d) != 0)
		fail_msg("%s %s", err_id(d.code), d.found);
	walk(schema, "", covered);
	collect(schema, theirs, covered, &missing);
	assert_int_equal(missing, 0);
	parser_names(ours);
	assert_true(json_object_size(ours) > 40);
	json_object_foreach (ours, name, v)
		if (json_object_get(theirs, name) == NULL)
			fail_msg("the schema has no %s", name);
	json_object_foreach (theirs, name, v)
		if (json_object_get(ours, name) == NULL)
			fail_msg("the parser knows no %s", name);
}

static int
load_schema(void **state)
{
	_cleanup_free_ uint8_t *text = NULL;
	size_t n = 0;

	(void)state;
	if (file_read(AT_FDCWD, SCHEMA, 1 << 20, &text, &n, NULL) != 0)
		return -1;
	schema = json_loadb((char *)text, n, JSON_REJECT_DUPLICATES, NULL);
	return schema == NULL ? -1 : 0;
}

static int
free_schema(void **state)
{
	(void)state;
	json_decref(schema);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, load_schema, free_schema);
}
