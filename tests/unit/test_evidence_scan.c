/* SPDX-License-Identifier: Apache-2.0 */
/* Severities as scanners write them, and waivers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/evidence_impl.h"
#include "tests/lib/attestation.h"

static const char *high_up[] = { "high", "critical" };
static const char *only_unknown[] = { "unknown" };
static const char *only_high[] = { "high" };
static const char *all[] = { "none", "low", "medium", "high", "critical",
	"unknown" };
static const char *critical_unknown[] = { "critical", "unknown" };

#define LIST(v)                 \
	{                       \
		v, ARRAY_LEN(v) \
	}
#define ONE(m, s) "[{'method':" m ",'score':" s "}]"
static const struct {
	const char *severity;
	struct policy_str_list denied;
	bool is;
} denied_cases[] = {
	{ ONE("'nvd'", "'high'"), LIST(high_up), true },
	{ ONE("'nvd'", "'HIGH'"), LIST(high_up), true },
	{ ONE("'ghsa'", "'Important'"), LIST(high_up), true },
	{ ONE("'nvd'", "'medium'"), LIST(high_up), false },
	{ ONE("'ghsa'", "'moderate'"), LIST(high_up), false },
	{ ONE("'x'", "'negligible'"), LIST(high_up), false },
	{ ONE("'nvd'", "'none'"), LIST(high_up), false },
	{ ONE("'nvd'", "'none'"), LIST(all), true },
	/* worse than what is denied is denied */
	{ ONE("'nvd'", "'critical'"), LIST(only_high), true },
	/* scores */
	{ ONE("'cvss_score'", "'7.0'"), LIST(high_up), true },
	{ ONE("'cvss_score'", "'6.9'"), LIST(high_up), false },
	{ ONE("'CVSS_V3'", "9.8"), LIST(high_up), true },
	{ ONE("'nvd'", "6.9"), LIST(high_up), false },
	{ ONE("'nvd'", "7"), LIST(high_up), true },
	{ ONE("'nvd'", "10.0"), LIST(high_up), true },
	{ ONE("'nvd'", "0"), LIST(high_up), false },
	{ "[{'score':'4.0'}]", LIST(high_up), false },
	/* what is not understood */
	{ ONE("'nvd'", "10.1"), LIST(high_up), true },
	{ ONE("'nvd'", "-1"), LIST(high_up), true },
	{ ONE("'nvd'", "'11'"), LIST(high_up), true },
	{ ONE("'epss'", "'0.01'"), LIST(high_up), true },
	{ ONE("'epss'", "0.01"), LIST(high_up), true },
	{ ONE("1", "'1.0'"), LIST(high_up), true },
	{ ONE("'cvss'", "'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N'"),
	    LIST(high_up), true },
	{ ONE("'nvd'", "'unknown'"), LIST(high_up), true },
	{ ONE("'nvd'", "null"), LIST(high_up), true },
	{ ONE("'nvd'", "true"), LIST(high_up), true },
	{ "[]", LIST(high_up), true },
	{ "[[]]", LIST(high_up), true },
	{ "{}", LIST(high_up), true },
	{ "5", LIST(high_up), false },
	{ "null", LIST(high_up), true },
	{ "null", LIST(only_unknown), true },
	/* one that is understood beside one that is not */
	{ "[{'score':'low'},{'method':'epss','score':0.9}]", LIST(high_up),
	    false },
	{ "[{'score':'low'},{'method':'epss','score':0.9}]",
	    LIST(critical_unknown), true },
	{ ONE("'nvd'", "'critical'"), LIST(only_unknown), false },
	/* the worst of them */
	{ "[{'score':'low'},{'score':'critical'},{'score':'none'}]",
	    LIST(high_up), true },
	{ "[{'score':'critical'},{'score':'low'}]", LIST(high_up), true },
	/* other forms */
	{ "{'method':'nvd','score':'low'}", LIST(high_up), false },
	{ "{'method':'nvd','score':'high'}", LIST(high_up), true },
	{ "'low'", LIST(high_up), false },
	{ "'Critical'", LIST(high_up), true },
	{ "['low']", LIST(high_up), false },
	/* nothing is denied */
	{ "null", { NULL, 0 }, false },
	{ "'critical'", { NULL, 0 }, false },
};

static void
test_denied(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(denied_cases); i++) {
		_cleanup_free_ char *text = att_text(denied_cases[i].severity);
		_cleanup_json_ json_t *j =
		    json_loads(text, JSON_DECODE_ANY, NULL);

		assert_non_null(j);
		if (evidence_severity_denied(j, &denied_cases[i].denied) !=
		    denied_cases[i].is)
			fail_msg("%zu: %s", i, denied_cases[i].severity);
	}
	assert_true(evidence_severity_denied(NULL, &denied_cases[0].denied));
}

static void
test_scale(void **state)
{
	static const struct {
		const char *score;
		enum evidence_severity is;
	} cases[] = {
		{ "0", SEVERITY_NONE },
		{ "0.0", SEVERITY_NONE },
		{ "0.1", SEVERITY_LOW },
		{ "0.05", SEVERITY_LOW },
		{ "3.9", SEVERITY_LOW },
		{ "4.0", SEVERITY_MEDIUM },
		{ "6.9", SEVERITY_MEDIUM },
		{ "7.0", SEVERITY_HIGH },
		{ "8.9", SEVERITY_HIGH },
		{ "9.0", SEVERITY_CRITICAL },
		{ "10.0", SEVERITY_CRITICAL },
		{ "10", SEVERITY_CRITICAL },
		{ "10.1", SEVERITY_UNKNOWN },
		{ "100", SEVERITY_UNKNOWN },
		{ "-1", SEVERITY_UNKNOWN },
		{ "", SEVERITY_UNKNOWN },
		{ ".5", SEVERITY_UNKNOWN },
		{ "5.", SEVERITY_UNKNOWN },
		{ "5.123", SEVERITY_UNKNOWN },
		{ "5,1", SEVERITY_UNKNOWN },
		{ "5.1 ", SEVERITY_UNKNOWN },
		{ " 5.1", SEVERITY_UNKNOWN },
		{ "1e1", SEVERITY_UNKNOWN },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		if (evidence_severity_score(cases[i].score) != cases[i].is)
			fail_msg("%s", cases[i].score);
}

/* waivers */

#define SCANNED	    "'metadata':{'scanFinishedOn':'2026-11-17T10:00:00Z'}"
#define FINDING(id) "{'id':'" id "','severity':[{'score':'critical'}]}"
#define SCAN(f)	    "{'scanner':{'uri':'s','result':[" f "]}," SCANNED "}"

static const char *firmware[] = { "boot", "firmware" };
static const char *boot[] = { "boot" };
static const struct policy_waiver waivers[] = {
	{ "CVE-1", LIST(firmware), "not reachable", DOC_NOW },
	{ "CVE-2", LIST(firmware), "was not reachable", DOC_NOW - 1 },
	{ "CVE-3", LIST(boot), "not in boot", DOC_NOW + 1000 },
	{ "CVE-4", LIST(firmware), "renewed", DOC_NOW - 5000 },
	{ "CVE-4", LIST(firmware), "renewed", DOC_NOW + 5000 },
	{ "CVE-4", LIST(firmware), "renewed", DOC_NOW - 6000 },
};

static const struct {
	const char *findings;
	int code;
	const char *says;
} waiver_cases[] = {
	{ FINDING("CVE-1"), 0, "1 waived, CVE-1 until 2026-11-18T11:06:40Z" },
	{ FINDING("CVE-2"), CS_E_EVIDENCE_WAIVER,
	    "the waiver for CVE-2 ran out at 2026-11-18T11:06:39Z (1 such)" },
	{ FINDING("CVE-3"), CS_E_EVIDENCE_SEVERITY, "1 finding: CVE-3" },
	{ FINDING("CVE-4"), 0, "1 waived, CVE-4 until 2026-11-18T12:30:00Z" },
	{ FINDING("cve-1"), CS_E_EVIDENCE_SEVERITY, "1 finding: cve-1" },
	{ FINDING("CVE-11"), CS_E_EVIDENCE_SEVERITY, "1 finding: CVE-11" },
	{ FINDING("CVE-1") "," FINDING("CVE-2") "," FINDING("CVE-9"),
	    CS_E_EVIDENCE_SEVERITY, "1 finding: CVE-9" },
	{ FINDING("CVE-1") "," FINDING("CVE-4"), 0,
	    "2 waived, CVE-4 until 2026-11-18T12:30:00Z" },
	{ FINDING("A") "," FINDING("B") "," FINDING("C"),
	    CS_E_EVIDENCE_SEVERITY, "3 findings: A, B, C" },
	{ FINDING("A") "," FINDING("B") "," FINDING("C") "," FINDING(
	      "D") "," FINDING("E"),
	    CS_E_EVIDENCE_SEVERITY, "5 findings: A, B, C and 2 more" },
};

static void
test_waivers(void **state)
{
	const struct policy_evidence want = { .type = EVIDENCE_VULNS,
		.denied = LIST(high_up) };
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");
	struct policy_waiver copy[ARRAY_LEN(waivers)];
	struct policy p = { .waivers = copy, .nwaivers = ARRAY_LEN(waivers) };
	const struct evidence_ask a = { &p, r, &want, DOC_NOW };
	size_t i;

	(void)state;
	memcpy(copy, waivers, sizeof(copy));
	for (i = 0; i < ARRAY_LEN(waiver_cases); i++) {
		_cleanup_json_ json_t *j = NULL;
		_cleanup_free_ char *text = NULL;
		struct evidence_facts f = { 0 };
		struct diag d = { 0 };
		char scan[2000];
		int code;

		(void)snprintf(scan, sizeof(scan), SCAN("%s"),
		    waiver_cases[i].findings);
		text = att_text(scan);
		j = json_loads(text, 0, NULL);
		assert_non_null(j);
		code = evidence_vulns(&a, j, &f, &d);
		if (code != waiver_cases[i].code)
			fail_msg("%zu: %s %s", i, err_id(code), d.found);
		assert_string_equal(code == 0 ? f.note : d.found,
		    waiver_cases[i].says);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_scale),
		cmocka_unit_test(test_waivers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
