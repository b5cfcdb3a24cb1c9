/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences of lib/PROTOCOL.evidence that no other test is about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/evidence_impl.h"
#include "tests/lib/attestation.h"
#include "tests/lib/expect.h"

#define DAY 86400

#define SCAN_BY(uri, findings, time)                            \
	"{'scanner':{'uri':'" uri "','result':[" findings "]}," \
	"'metadata':{'scanFinishedOn':'2026-11-17T" time ":00:00Z'}}"
#define SCAN(findings, time) SCAN_BY("ours", findings, time)
#define BAD(id)		     "{'id':'" id "','severity':[{'score':'high'}]}"
#define BUILD(definition, metadata)                                    \
	"{'buildDefinition':{" definition "},'runDetails':{'builder':" \
	"{'id':'b'},'metadata':{" metadata "}}}"
#define SPDX "{'spdxVersion':'SPDX-2.3','files':[{}]}"

#define NEEDS(rest) "[{'signers':['auditor']," rest "}]"
#define VULNS                                                      \
	NEEDS("'type':'vulns','denied':['high'],'max_age_days':7," \
	      "'scanners':['ours']")
#define DAILY_BUILD NEEDS("'type':'slsa-provenance','max_age_days':1")
#define ANY_BUILD   NEEDS("'type':'slsa-provenance'")
#define TESTS	    NEEDS("'type':'test-result'")
#define SBOM	    NEEDS("'type':'sbom'")

/* Documents by the rule's signer, or as said, and the checks that fail. */
struct scene {
	const char *what, *needs;
	struct {
		const char *type, *predicate;
		enum doc_key by; /* 0: olga, who has the role */
	} doc[3];
	int64_t later; /* than DOC_NOW, seconds */
	int codes[5];
};

static void
check(const char *needs, const struct att_set *s, int64_t now, const char *what,
    const int *codes)
{
	const struct doc_change c[] = {
		{ "/rules/0/evidence", needs },
		{ "/waivers",
		    "[{'vulnerability':'CVE-1','products':['firmware'],"
		    "'reason':'was none','until':'2026-11-01T00:00:00Z'}]" },
	};
	_cleanup_policy_ struct policy *p = doc_policy(c, ARRAY_LEN(c));
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");
	_cleanup_checks_ struct checks k = { 0 };

	att_list(s, r);
	assert_int_equal(evaluate_evidence(p, r, &p->rules[0], s->doc, s->n,
			     now, &k),
	    0);
	expect_failed(&k, what, codes);
}

static void
play(const struct scene *v, size_t n)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		_cleanup_att_ struct att_set s = { .n = 0 };

		for (k = 0; k < 3 && v[i].doc[k].type != NULL; k++)
			att_add(&s, v[i].doc[k].type, ATT_BOTH,
			    v[i].doc[k].predicate,
			    v[i].doc[k].by == 0 ? DK_OLGA : v[i].doc[k].by);
		check(v[i].needs, &s, DOC_NOW + v[i].later, v[i].what,
		    v[i].codes);
	}
}

#define REQ CS_E_EVIDENCE_REQUIRED

/* What denies is not hidden by what is clean, whatever else is wrong. */
static void
test_scans_that_deny(void **state)
{
	static const struct scene v[] = {
		{ "a waiver that has run out", VULNS,
		    { { ATT_VULNS, SCAN(BAD("CVE-1"), "11"), 0 },
			{ ATT_VULNS, SCAN("", "10"), 0 } },
		    0, { REQ, CS_E_EVIDENCE_WAIVER } },
		{ "a later one is clean", VULNS,
		    { { ATT_VULNS, SCAN(BAD("CVE-1"), "10"), 0 },
			{ ATT_VULNS, SCAN("", "11"), 0 } },
		    0, { 0 } },
		{ "by somebody without the role", VULNS,
		    { { ATT_VULNS, SCAN(BAD("CVE-2"), "11"), DK_CAROL },
			{ ATT_VULNS, SCAN("", "10"), 0 } },
		    0, { 0 } },
		{ "the later one is by another scanner", VULNS,
		    { { ATT_VULNS, SCAN(BAD("CVE-2"), "10"), 0 },
			{ ATT_VULNS, SCAN_BY("theirs", "", "11"), 0 } },
		    0, { REQ, CS_E_EVIDENCE_SEVERITY, CS_E_EVIDENCE_SCANNER } },
		{ "however old", VULNS,
		    { { ATT_VULNS, SCAN(BAD("CVE-2"), "10"), 0 } }, 20 * DAY,
		    { REQ, CS_E_EVIDENCE_SEVERITY } },
		{ "a test result that cannot be read", TESTS,
		    { { ATT_TEST, "{}", 0 },
			{ ATT_TEST, "{'result':'PASSED'}", 0 } },
		    0, { REQ, CS_E_EVIDENCE_STATEMENT } },
	};

	(void)state;
	play(v, ARRAY_LEN(v));
}

/* The end is the time of a build, and the start only if there is none. */
static void
test_finished_before_started(void **state)
{
	static const struct scene v[] = {
		{ "a build of three days", DAILY_BUILD,
		    { { ATT_PROVENANCE,
			BUILD("'externalParameters':{}",
			    "'startedOn':'2026-11-15T10:00:00Z',"
			    "'finishedOn':'2026-11-18T10:00:00Z'"),
			0 } },
		    0, { 0 } },
		{ "only its start", DAILY_BUILD,
		    { { ATT_PROVENANCE,
			BUILD("'externalParameters':{}",
			    "'startedOn':'2026-11-15T10:00:00Z'"),
			0 } },
		    0, { REQ, CS_E_EVIDENCE_AGE } },
	};

	(void)state;
	play(v, ARRAY_LEN(v));
}

/* Also where the rule has no patterns that they could miss. */
static void
test_no_parameters(void **state)
{
	static const struct scene v[] = {
		{ "with", ANY_BUILD,
		    { { ATT_PROVENANCE, BUILD("'externalParameters':{}", ""),
			0 } },
		    0, { 0 } },
		{ "without", ANY_BUILD,
		    { { ATT_PROVENANCE, BUILD("", ""), 0 } }, 0,
		    { REQ, CS_E_EVIDENCE_STATEMENT } },
	};

	(void)state;
	play(v, ARRAY_LEN(v));
}

static void
add_raw(struct att_set *s, const char *payload, const enum doc_key *by,
    size_t n)
{
	size_t len = 0;
	char *text = att_envelope(payload, strlen(payload), DSSE_PAYLOAD_TYPE,
	    by, n, &len);

	att_add_text(s, text, len);
}

/* Broken documents beside a good one, which is all that the rule needs. */
static void
test_always_refused(void **state)
{
	static const enum doc_key twice[] = { DK_OLGA, DK_OLGA };
	static const int codes[] = { CS_E_EVIDENCE_ENVELOPE,
		CS_E_EVIDENCE_SAME_KEY, CS_E_EVIDENCE_STATEMENT, 0 };
	_cleanup_att_ struct att_set s = { .n = 0 };

	(void)state;
	att_add(&s, ATT_SPDX, ATT_BOTH, SPDX, DK_OLGA);
	att_add_text(&s, strdup("{}"), 2);
	add_raw(&s, "{}", twice, 2);
	add_raw(&s, "{}", twice, 1);
	check(SBOM, &s, DOC_NOW, "broken besides", codes);
}

/* Who is not listed is not read: what is malformed is only not signed. */
static void
test_unsigned_is_not_read(void **state)
{
	static const enum doc_key stranger = DK_STRANGER;
	static const int codes[] = { CS_E_EVIDENCE_MISSING,
		CS_E_EVIDENCE_SIGNATURE, 0 };
	_cleanup_att_ struct att_set s = { .n = 0 };

	(void)state;
	add_raw(&s, "{", &stranger, 1);
	check(SBOM, &s, DOC_NOW, "malformed, by a stranger", codes);
}

static void
test_long_type(void **state)
{
	static const enum doc_key by = DK_OLGA;
	char type[202];
	size_t n;

	(void)state;
	for (n = 200; n <= 201; n++) {
		_cleanup_evidence_envelope_ struct evidence_envelope e = { 0 };
		_cleanup_free_ char *text = NULL;
		size_t len = 0;

		memset(type, 't', n);
		type[n] = '\0';
		text = att_envelope("{}", 2, type, &by, 1, &len);
		assert_int_equal(evidence_envelope(text, len, &e, NULL),
		    n == 200 ? 0 : CS_E_EVIDENCE_ENVELOPE);
	}
}

static void
test_words(void **state)
{
	static const struct {
		const char *word;
		enum evidence_severity is;
	} t[] = {
		{ "none", SEVERITY_NONE },
		{ "low", SEVERITY_LOW },
		{ "negligible", SEVERITY_LOW },
		{ "medium", SEVERITY_MEDIUM },
		{ "moderate", SEVERITY_MEDIUM },
		{ "high", SEVERITY_HIGH },
		{ "important", SEVERITY_HIGH },
		{ "critical", SEVERITY_CRITICAL },
		{ "CRITICAL", SEVERITY_CRITICAL },
		{ "severe", SEVERITY_UNKNOWN },
		{ "", SEVERITY_UNKNOWN },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(evidence_severity_word(t[i].word), t[i].is);
}

/* CycloneDX 1.N, N of one or two digits. */
static void
test_versions(void **state)
{
	static const char bom[] = "https://cyclonedx.org/bom/v1.";
	char uri[60];

	(void)state;
	(void)snprintf(uri, sizeof(uri), "%s12", bom);
	assert_non_null(evidence_predicate(uri));
	(void)snprintf(uri, sizeof(uri), "%s123", bom);
	assert_null(evidence_predicate(uri));
}

static void
test_slashes(void **state)
{
	static const char *globs[] = { "https://git.example/*" };
	const struct policy_str_list l = { globs, 1 };

	(void)state;
	assert_true(evidence_glob(&l, "https://git.example/acme/router"));
	assert_false(evidence_glob(&l, "https://git.example"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scans_that_deny),
		cmocka_unit_test(test_finished_before_started),
		cmocka_unit_test(test_no_parameters),
		cmocka_unit_test(test_always_refused),
		cmocka_unit_test(test_unsigned_is_not_read),
		cmocka_unit_test(test_long_type),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_slashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
