/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/documents.h"

#define X50   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X201  "'" X50 X50 X50 X50 "x'"
#define R0    "/rules/0/"
#define EV    "/rules/0/evidence"
#define WIN   "/rules/0/windows"
#define GLASS "/break_glass"

#define PROVENANCE   "'type':'slsa-provenance','signers':['auditor']"
#define VULNS	     "'type':'vulns','signers':['auditor'],'denied':['high']"
#define JAN(n)	     "'2026-01-0" #n "T00:00:00Z'"
#define WINDOW(a, b) "{'from':" JAN(a) ",'until':" JAN(b) "}"
#define QUORUM(n)                                                          \
	"{'threshold':" n ",'roles':['officer'],'distinct_organisations':" \
	"false}"
#define WAIVER(id, product)                               \
	"{'vulnerability':'" id "','products':['" product \
	"'],'reason':'not reachable','until':" JAN(9) "}"

/* Changes to a good policy, and the check that must fail; 0: it loads. */
static const struct {
	struct doc_change c[3];
	int code;
} cases[] = {
	/* patterns */
	{ { { R0 "versions", "['1.*','2.[0-9]']" } }, 0 },
	{ { { R0 "versions", "['[]a]','[!a]','[^]]','[a\\\\]]','a]'] " } }, 0 },
	{ { { R0 "versions", "[]" } }, CS_E_POLICY_EMPTY },
	{ { { R0 "pipelines", "[]" } }, CS_E_POLICY_EMPTY },
	{ { { R0 "branches", "[]" } }, CS_E_POLICY_EMPTY },
	{ { { R0 "commits", "[]" } }, CS_E_POLICY_EMPTY },
	{ { { R0 "versions", "'1.*'" } }, CS_E_JSON_FIELD },
	{ { { R0 "versions", "['']" } }, CS_E_JSON_VALUE },
	{ { { R0 "versions", "[" X201 "]" } }, CS_E_JSON_VALUE },
	{ { { R0 "versions", "['a','a']" } }, CS_E_POLICY_TWICE },
	{ { { R0 "versions", "['1.[']" } }, CS_E_POLICY_PATTERN },
	{ { { R0 "versions", "['[]']" } }, CS_E_POLICY_PATTERN },
	{ { { R0 "versions", "['[!]']" } }, CS_E_POLICY_PATTERN },
	{ { { R0 "versions", "['a[b','x']" } }, CS_E_POLICY_PATTERN },
	{ { { R0 "versions", "['[a\\\\]']" } }, CS_E_POLICY_PATTERN },
	{ { { R0 "versions", "['[a\\\\']" } }, CS_E_POLICY_PATTERN },
	{ { { R0 "versions", "['[[:alpha:]]']" } }, CS_E_POLICY_PATTERN },
	{ { { R0 "versions", "['a\\\\']" } }, CS_E_POLICY_PATTERN },
	{ { { R0 "versions", "['a\\\\\\\\','\\\\[']" } }, 0 },
	{ { { R0 "pipelines", "['[']" } }, CS_E_POLICY_PATTERN },
	{ { { R0 "branches", "['[']" } }, CS_E_POLICY_PATTERN },
	{ { { R0 "commits", "['[']" } }, CS_E_POLICY_PATTERN },
	/* evidence */
	{ { { EV, "[]" } }, CS_E_POLICY_EMPTY },
	{ { { EV, "[{" PROVENANCE "}]" } }, 0 },
	{ { { EV,
	      "[{" PROVENANCE ",'max_age_days':3650,'builders':['*'],"
	      "'sources':['https://*'],'refs':['refs/tags/*']}]" } },
	    0 },
	{ { { EV,
	      "[{" VULNS ",'scanners':['trivy*']},{" PROVENANCE "},"
	      "{'type':'test-result','signers':['auditor']},"
	      "{'type':'sbom','signers':['auditor','requester']}]" } },
	    0 },
	{ { { EV, "[{" PROVENANCE "},{" PROVENANCE "}]" } },
	    CS_E_POLICY_TWICE },
	{ { { EV, "[{'type':'provenance','signers':['auditor']}]" } },
	    CS_E_POLICY_EVIDENCE },
	{ { { EV, "[{'type':'sbom'}]" } }, CS_E_JSON_FIELD },
	{ { { EV, "[{'type':'sbom','signers':[]}]" } }, CS_E_POLICY_EMPTY },
	{ { { EV, "[{'type':'sbom','signers':['king']}]" } },
	    CS_E_POLICY_UNDEFINED },
	{ { { "/roles/-", "'lonely'" },
	      { EV, "[{'type':'sbom','signers':['lonely']}]" } },
	    CS_E_POLICY_EVIDENCE },
	{ { { EV, "[{" PROVENANCE ",'max_age_days':0}]" } },
	    CS_E_POLICY_EVIDENCE },
	{ { { EV, "[{" PROVENANCE ",'max_age_days':3651}]" } },
	    CS_E_POLICY_EVIDENCE },
	{ { { EV, "[{" PROVENANCE ",'builders':[]}]" } }, CS_E_POLICY_EMPTY },
	{ { { EV, "[{" PROVENANCE ",'sources':[]}]" } }, CS_E_POLICY_EMPTY },
	{ { { EV, "[{" PROVENANCE ",'refs':[]}]" } }, CS_E_POLICY_EMPTY },
	{ { { EV, "[{" PROVENANCE ",'builders':['[']}]" } },
	    CS_E_POLICY_PATTERN },
	{ { { EV, "[{" PROVENANCE ",'scanners':['x']}]" } },
	    CS_E_POLICY_EVIDENCE },
	{ { { EV, "[{" PROVENANCE ",'denied':['high']}]" } },
	    CS_E_POLICY_EVIDENCE },
	{ { { EV, "[{" VULNS ",'builders':['x']}]" } }, CS_E_POLICY_EVIDENCE },
	{ { { EV, "[{" VULNS ",'sources':['x']}]" } }, CS_E_POLICY_EVIDENCE },
	{ { { EV, "[{" VULNS ",'refs':['x']}]" } }, CS_E_POLICY_EVIDENCE },
	{ { { EV, "[{" VULNS ",'scanners':[]}]" } }, CS_E_POLICY_EMPTY },
	{ { { EV, "[{'type':'vulns','signers':['auditor']}]" } },
	    CS_E_POLICY_EVIDENCE },
	{ { { EV, "[{'type':'vulns','signers':['auditor'],'denied':[]}]" } },
	    CS_E_POLICY_EMPTY },
	{ { { EV,
	      "[{'type':'vulns','signers':['auditor'],'denied':['High']}]" } },
	    CS_E_POLICY_EVIDENCE },
	{ { { EV,
	      "[{'type':'vulns','signers':['auditor'],'denied':['low',"
	      "'medium','high','critical','unknown']}]" } },
	    0 },
	/* a system may sign evidence, and still not approve */
	{ { { "/principals/0/roles/-", "'auditor'" },
	      { EV, "[{" PROVENANCE "}]" } },
	    0 },
	/* windows */
	{ { { WIN, "[]" } }, CS_E_POLICY_EMPTY },
	{ { { WIN, "[" WINDOW(1, 2) "," WINDOW(3, 4) "]" } }, 0 },
	{ { { WIN, "[" WINDOW(3, 4) "," WINDOW(1, 2) "]" } },
	    CS_E_POLICY_WINDOW },
	{ { { WIN, "[" WINDOW(1, 3) "," WINDOW(2, 4) "]" } },
	    CS_E_POLICY_WINDOW },
	{ { { WIN, "[" WINDOW(1, 2) "," WINDOW(2, 3) "]" } },
	    CS_E_POLICY_WINDOW },
	{ { { WIN, "[" WINDOW(2, 2) "]" } }, CS_E_POLICY_WINDOW },
	{ { { WIN, "[" WINDOW(2, 1) "]" } }, CS_E_POLICY_WINDOW },
	{ { { WIN,
	      "[{'from':" JAN(1) ",'until':" JAN(2) ",'max_signatures':1}]" } },
	    0 },
	{ { { WIN,
	      "[{'from':" JAN(1) ",'until':" JAN(2) ",'max_signatures':0}]" } },
	    CS_E_POLICY_CAP },
	/* artifact mode, ahead */
	{ { { R0 "artifact", "'present'" } }, 0 },
	{ { { R0 "artifact", "'digest-only'" } }, 0 },
	{ { { R0 "artifact", "'none'" } }, CS_E_POLICY_ARTIFACT },
	{ { { "/rules/1/artifact", "'digest-only'" } }, CS_E_POLICY_ARTIFACT },
	{ { { R0 "approvals/ahead", "true" } }, 0 },
	{ { { R0 "approvals/ahead", "1" } }, CS_E_JSON_FIELD },
	{ { { R0 "id", "'administration'" } }, CS_E_POLICY_NAME },
	{ { { R0 "id", "'break-glass'" } }, CS_E_POLICY_NAME },
	{ { { R0 "id", "'break-glass'" }, { GLASS, QUORUM("3") } },
	    CS_E_POLICY_NAME },
	/* keys */
	{ { { "/keys/0/max_signatures", "1" } }, 0 },
	{ { { "/keys/0/max_signatures", "0" } }, CS_E_POLICY_CAP },
	{ { { "/keys/0/shared", "'why'" } }, CS_E_POLICY_SHARED },
	{ { { "/keys/1/shared", NULL } }, CS_E_POLICY_SHARED },
	{ { { "/keys/1/shared", "''" } }, CS_E_JSON_VALUE },
	{ { { "/keys/0/state", "'revoked'" } }, CS_E_POLICY_REASON },
	{ { { "/keys/0/state", "'revoked'" }, { "/keys/0/reason", "'lost'" } },
	    0 },
	{ { { "/keys/0/reason", "'lost'" } }, CS_E_POLICY_REASON },
	{ { { "/keys/0/state", "'retired'" }, { "/keys/0/reason", "'old'" } },
	    CS_E_POLICY_REASON },
	/* review */
	{ { { "/review_by", NULL } }, CS_E_JSON_FIELD },
	{ { { "/review_by", "'soon'" } }, CS_E_JSON_VALUE },
	{ { { "/review_warning_days", NULL } }, CS_E_JSON_FIELD },
	{ { { "/review_warning_days", "0" } }, 0 },
	{ { { "/review_warning_days", "365" } }, 0 },
	{ { { "/review_warning_days", "366" } }, CS_E_POLICY_WARNING },
	/* waivers */
	{ { { "/waivers", "[]" } }, CS_E_POLICY_EMPTY },
	{ { { "/waivers", "[" WAIVER("CVE-1", "firmware") "]" } }, 0 },
	{ { { "/waivers",
	      "[" WAIVER("CVE-1", "firmware") "," WAIVER("CVE-1",
		  "boot") "]" } },
	    0 },
	{ { { "/waivers",
	      "[" WAIVER("CVE-1", "firmware") "," WAIVER("CVE-1",
		  "firmware") "]" } },
	    CS_E_POLICY_TWICE },
	{ { { "/waivers", "[" WAIVER("CVE-1", "game") "]" } },
	    CS_E_POLICY_UNDEFINED },
	/* a key lists it, but no rule is for it */
	{ { { "/waivers", "[" WAIVER("CVE-1", "spare") "]" } },
	    CS_E_POLICY_UNDEFINED },
	{ { { "/waivers", "[" WAIVER("", "boot") "]" } }, CS_E_JSON_VALUE },
	{ { { "/waivers",
	      "[{'vulnerability':'CVE-1','products':['boot'],"
	      "'until':" JAN(9) "}]" } },
	    CS_E_JSON_FIELD },
	/* break-glass */
	{ { { GLASS, QUORUM("3") } }, 0 },
	{ { { GLASS, QUORUM("4") } }, 0 },
	{ { { GLASS, QUORUM("2") } }, CS_E_POLICY_QUORUM },
	{ { { GLASS, QUORUM("5") } }, CS_E_POLICY_THRESHOLD },
	{ { { GLASS, QUORUM("13") } }, CS_E_POLICY_THRESHOLD },
	{ { { R0 "approvals/threshold", "1" },
	      { "/rules/1/approvals/threshold", "1" }, { GLASS, QUORUM("1") } },
	    CS_E_POLICY_QUORUM },
	{ { { R0 "approvals/threshold", "1" },
	      { "/rules/1/approvals/threshold", "1" }, { GLASS, QUORUM("2") } },
	    0 },
	{ { { GLASS,
	      "{'threshold':3,'roles':[],"
	      "'distinct_organisations':false}" } },
	    CS_E_POLICY_EMPTY },
	{ { { GLASS,
	      "{'threshold':3,'roles':['king'],"
	      "'distinct_organisations':false}" } },
	    CS_E_POLICY_UNDEFINED },
	{ { { GLASS,
	      "{'threshold':3,'roles':['officer'],"
	      "'distinct_organisations':true}" } },
	    CS_E_POLICY_THRESHOLD },
	{ { { GLASS, "{'threshold':3,'roles':['officer']}" } },
	    CS_E_JSON_FIELD },
	/* only people, here too */
	{ { { GLASS,
		"{'threshold':3,'roles':['officer','auditor'],"
		"'distinct_organisations':false}" },
	      { "/principals/0/roles/-", "'auditor'" } },
	    CS_E_POLICY_KIND },
	/* somebody who holds two of the roles is one person */
	{ { { GLASS,
	      "{'threshold':5,'roles':['officer','administrator'],"
	      "'distinct_organisations':false}" } },
	    CS_E_POLICY_THRESHOLD },
};

static int
parse(const struct doc_change *c, size_t n, struct policy **ret, struct diag *d)
{
	json_t *j = doc_policy_predicate();
	_cleanup_free_ char *text = NULL;
	size_t i, len = 0;

	for (i = 0; i < n && c[i].pointer != NULL; i++)
		doc_change(j, &c[i]);
	text = doc_policy_payload(j, &len);
	return policy_parse(text, len, ret, d);
}

static void
test_cases(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_policy_ struct policy *p = NULL;
		struct diag d = { 0 };
		int r = parse(cases[i].c, 3, &p, &d);

		if (r != cases[i].code || (r != 0 && d.code != r) ||
		    (r == 0) != (p != NULL))
			fail_msg("case %zu: %s = %s: %s, found %s", i,
			    cases[i].c[0].pointer,
			    cases[i].c[0].value == NULL ? "absent" :
							  cases[i].c[0].value,
			    err_id(r), d.found);
	}
	print_message("%zu cases\n", i);
}

static void
test_rule_content(void **state)
{
	static const struct doc_change c[] = {
		{ R0 "versions", "['1.*']" },
		{ R0 "pipelines", "['release','nightly']" },
		{ R0 "branches", "['main']" },
		{ R0 "commits", "['a*']" },
		{ EV,
		    "[{" VULNS ",'scanners':['trivy*'],'max_age_days':2},{"
		    "'type':'slsa-provenance','signers':['auditor'],"
		    "'builders':['b'],'sources':['s'],'refs':['r']}]" },
		{ WIN,
		    "[{'from':" JAN(1) ",'until':" JAN(
			2) ",'max_signatures':7}," WINDOW(3, 4) "]" },
		{ R0 "artifact", "'digest-only'" },
		{ R0 "approvals/ahead", "true" },
	};
	_cleanup_policy_ struct policy *p = doc_policy(c, ARRAY_LEN(c));
	const struct policy_rule *u = policy_rule_by_id(p, "fw");
	const struct policy_evidence *e;

	(void)state;
	assert_ptr_equal(u, &p->rules[0]);
	assert_string_equal(u->versions.v[0], "1.*");
	assert_int_equal(u->pipelines.n, 2);
	assert_string_equal(u->branches.v[0], "main");
	assert_string_equal(u->commits.v[0], "a*");
	assert_int_equal(u->nevidence, 2);
	e = &u->evidence[0];
	assert_int_equal(e->type, EVIDENCE_VULNS);
	assert_string_equal(e->signers.v[0], "auditor");
	assert_int_equal(e->max_age, 2 * 86400);
	assert_string_equal(e->scanners.v[0], "trivy*");
	assert_string_equal(e->denied.v[0], "high");
	assert_int_equal(e->builders.n, 0);
	e = &u->evidence[1];
	assert_int_equal(e->type, EVIDENCE_PROVENANCE);
	assert_int_equal(e->max_age, 0);
	assert_string_equal(e->builders.v[0], "b");
	assert_string_equal(e->sources.v[0], "s");
	assert_string_equal(e->refs.v[0], "r");
	assert_int_equal(u->nwindows, 2);
	assert_int_equal(u->windows[0].max_signatures, 7);
	assert_int_equal(u->windows[1].max_signatures, 0);
	assert_int_equal(u->windows[0].until - u->windows[0].from, 86400);
	assert_true(u->digest_only);
	assert_true(u->ahead);
	u = policy_rule_by_id(p, "boot");
	assert_false(u->digest_only);
	assert_false(u->ahead);
	assert_int_equal(u->versions.n + u->nevidence + u->nwindows, 0);
}

static void
test_beside_rules(void **state)
{
	static const struct doc_change c[] = {
		{ "/keys/0/max_signatures", "9" },
		{ "/keys/0/state", "'revoked'" },
		{ "/keys/0/reason", "'lost'" },
		{ "/waivers", "[" WAIVER("CVE-1", "firmware") "]" },
		{ GLASS, QUORUM("3") },
	};
	_cleanup_policy_ struct policy *p = doc_policy(c, ARRAY_LEN(c));
	_cleanup_policy_ struct policy *plain = doc_policy(NULL, 0);
	const struct policy_rule *u;

	(void)state;
	assert_int_equal(p->keys[0].max_signatures, 9);
	assert_string_equal(p->keys[0].reason, "lost");
	assert_null(p->keys[0].shared);
	assert_string_equal(p->keys[1].shared, "spare parts");
	assert_int_equal(p->keys[1].max_signatures, 0);
	assert_int_equal(p->nwaivers, 1);
	assert_string_equal(p->waivers[0].vulnerability, "CVE-1");
	assert_string_equal(p->waivers[0].products.v[0], "firmware");
	assert_string_equal(p->waivers[0].reason, "not reachable");
	assert_true(p->waivers[0].until > 0);
	assert_true(p->review_by > DOC_NOW);
	assert_int_equal(p->review_warning, 30 * 86400);
	assert_true(p->has_break_glass);
	u = policy_rule_by_id(p, "break-glass");
	assert_ptr_equal(u, &p->break_glass);
	assert_string_equal(u->id, "break-glass");
	assert_int_equal(u->threshold, 3);
	assert_string_equal(u->roles.v[0], "officer");
	assert_true(u->requester_excluded);
	assert_false(u->digest_only || u->ahead);
	assert_ptr_equal(policy_rule_by_id(p, "administration"), &p->admin);
	assert_true(p->admin.requester_excluded);
	assert_false(plain->has_break_glass);
	assert_null(policy_rule_by_id(plain, "break-glass"));
	assert_null(policy_rule_by_id(plain, "none"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_rule_content),
		cmocka_unit_test(test_beside_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
