/* SPDX-License-Identifier: Apache-2.0 */
/* Documents against requirements: every refusal, and what passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/evidence_impl.h"
#include "tests/lib/attestation.h"
#include "tests/lib/expect.h"

#define DAY 86400

#define SOURCE(repository, ref)                                      \
	"'workflow':{'repository':'" repository "','ref':'" ref "'," \
	"'path':'ci.yml'}"
#define OURS SOURCE("https://git.example/acme/router", "refs/heads/main")
#define MADE "'metadata':{'finishedOn':'2026-11-17T10:00:00.123Z'}"
#define BUILD(parameters, builder, metadata)                         \
	"{'buildDefinition':{'buildType':'https://ci.example/t/v1'," \
	"'externalParameters':{" parameters "}},"                    \
	"'runDetails':{'builder':{'id':'" builder "'}," metadata "}}"
#define BUILDER	   "https://ci.example/builders/linux"
#define GOOD_BUILD BUILD(OURS, BUILDER, MADE)

#define SCAN_BY(uri, findings, finished)                                \
	"{'scanner':{'uri':'" uri "','version':'1','result':[" findings \
	"]},'metadata':{" finished "}}"
#define AT(t)	       "'scanFinishedOn':'" t "'"
#define SCANNER	       "pkg:github/acme/scanner@v1"
#define SCAN(f, t)     SCAN_BY(SCANNER, f, AT(t))
#define EARLY	       "2026-11-17T10:00:00Z"
#define LATE	       "2026-11-17T11:00:00+00:00"
#define FOUND(id, sev) "{'id':'" id "','severity':" sev "}"
#define WORD(w)	       "[{'method':'nvd','score':'" w "'}]"
#define BAD	       FOUND("CVE-1", WORD("critical"))
#define MILD	       FOUND("CVE-2", WORD("Low"))

#define PASSED "{'result':'PASSED','configuration':[]}"
#define FAILED "{'result':'FAILED','configuration':[]}"
#define SPDX                                                   \
	"{'spdxVersion':'SPDX-2.3','packages':[{'name':'x'}]," \
	"'creationInfo':{'created':'2026-11-17T10:00:00Z'}}"
#define CDX                                             \
	"{'bomFormat':'CycloneDX','specVersion':'1.6'," \
	"'components':[{'type':'library','name':'x'}]}"

static const char *roles[] = { "auditor" };
static const char *builders[] = { "https://other.example/*",
	"https://ci.example/builders/*" };
static const char *sources[] = { "https://git.example/acme/*" };
static const char *refs[] = { "refs/heads/main", "refs/tags/v*" };
static const char *scanners[] = { "pkg:github/acme/scanner@*" };
static const char *denied[] = { "high", "critical" };

#define LIST(v)                 \
	{                       \
		v, ARRAY_LEN(v) \
	}
static const struct policy_evidence want[EVIDENCE_COUNT] = {
	[EVIDENCE_PROVENANCE] = { .type = EVIDENCE_PROVENANCE,
	    .signers = LIST(roles),
	    .max_age = 7 * DAY,
	    .builders = LIST(builders),
	    .sources = LIST(sources),
	    .refs = LIST(refs) },
	[EVIDENCE_VULNS] = { .type = EVIDENCE_VULNS,
	    .signers = LIST(roles),
	    .max_age = 7 * DAY,
	    .scanners = LIST(scanners),
	    .denied = LIST(denied) },
	[EVIDENCE_TEST] = { .type = EVIDENCE_TEST, .signers = LIST(roles) },
	[EVIDENCE_SBOM] = { .type = EVIDENCE_SBOM, .signers = LIST(roles) },
};

static const struct check *
line(const struct checks *c, int code)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->v[i].code == code)
			return &c->v[i];
	fail_msg("no %s", err_id(code));
	return NULL;
}

/* A rule of one or two requirements, in a policy that stays its owner's. */
static void
ask(const struct policy *p, const struct policy_evidence *w, size_t n,
    struct att_set *s, int64_t now, struct checks *c)
{
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");
	struct policy_evidence e[2];
	struct policy_rule rule = p->rules[0];

	memcpy(e, w, n * sizeof(*w));
	rule.evidence = e;
	rule.nevidence = n;
	att_list(s, r);
	assert_int_equal(evaluate_evidence(p, r, &rule, s->doc, s->n, now, c),
	    0);
}

struct given {
	const char *type, *subject, *predicate;
	enum doc_key by;
};

struct one_case {
	const char *what;
	enum evidence_type want;
	struct given doc[3];
	int64_t now; /* from DOC_NOW */
	int codes[5];
};

static void
run_case(const struct one_case *k)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_att_ struct att_set s = { .n = 0 };
	_cleanup_checks_ struct checks c = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(k->doc) && k->doc[i].type != NULL; i++)
		att_add(&s, k->doc[i].type, k->doc[i].subject,
		    k->doc[i].predicate, k->doc[i].by);
	ask(p, &want[k->want], 1, &s, DOC_NOW + k->now, &c);
	expect_failed(&c, k->what, k->codes);
	assert_true(c.n > 0);
}

#define RUN_CASES(cases)                                  \
	do {                                              \
		size_t n_;                                \
		for (n_ = 0; n_ < ARRAY_LEN(cases); n_++) \
			run_case(&(cases)[n_]);           \
	} while (0)

/* whoever the document is by, and whatever it is about */

#define P(subject, by)                                  \
	{                                               \
		ATT_PROVENANCE, subject, GOOD_BUILD, by \
	}
static const struct one_case common_cases[] = {
	{ "good", EVIDENCE_PROVENANCE, { P(ATT_BOTH, DK_OLGA) }, 0, { 0 } },
	{ "one document for each", EVIDENCE_PROVENANCE,
	    { P(ATT_ONE, DK_OLGA), P(ATT_TWO, DK_OLGA) }, 0, { 0 } },
	{ "nothing", EVIDENCE_PROVENANCE, { { 0 } }, 0,
	    { CS_E_EVIDENCE_MISSING } },
	{ "only another type", EVIDENCE_PROVENANCE,
	    { { ATT_SPDX, ATT_BOTH, SPDX, DK_OLGA } }, 0,
	    { CS_E_EVIDENCE_MISSING } },
	{ "another type besides", EVIDENCE_PROVENANCE,
	    { P(ATT_BOTH, DK_OLGA), { ATT_SPDX, ATT_BOTH, "{}", DK_OLGA } }, 0,
	    { 0 } },
	{ "a stranger", EVIDENCE_PROVENANCE, { P(ATT_BOTH, DK_STRANGER) }, 0,
	    { CS_E_EVIDENCE_MISSING, CS_E_EVIDENCE_SIGNATURE } },
	{ "one of our own signing keys", EVIDENCE_PROVENANCE,
	    { P(ATT_BOTH, DK_REL) }, 0,
	    { CS_E_EVIDENCE_MISSING, CS_E_EVIDENCE_SIGNATURE } },
	{ "a stranger's besides", EVIDENCE_PROVENANCE,
	    { P(ATT_BOTH, DK_STRANGER), P(ATT_BOTH, DK_OLGA) }, 0, { 0 } },
	{ "another role", EVIDENCE_PROVENANCE, { P(ATT_BOTH, DK_CAROL) }, 0,
	    { CS_E_EVIDENCE_REQUIRED, CS_E_EVIDENCE_ROLE } },
	{ "another role besides", EVIDENCE_PROVENANCE,
	    { P(ATT_BOTH, DK_CAROL), P(ATT_BOTH, DK_OLGA) }, 0, { 0 } },
	{ "another digest", EVIDENCE_PROVENANCE, { P(ATT_OTHER, DK_OLGA) }, 0,
	    { CS_E_EVIDENCE_SUBJECT, CS_E_EVIDENCE_SUBJECT } },
	{ "another digest besides", EVIDENCE_PROVENANCE,
	    { P(ATT_OTHER, DK_OLGA), P(ATT_BOTH, DK_OLGA) }, 0, { 0 } },
	{ "one artifact is not named", EVIDENCE_PROVENANCE,
	    { P(ATT_ONE, DK_OLGA) }, 0, { CS_E_EVIDENCE_SUBJECT } },
	{ "no sha256", EVIDENCE_PROVENANCE,
	    { P("[{'name':'one','digest':{'sha512':'@1'}}]", DK_OLGA) }, 0,
	    { CS_E_EVIDENCE_SUBJECT, CS_E_EVIDENCE_SUBJECT } },
	{ "an older version", EVIDENCE_PROVENANCE,
	    { { "https://slsa.dev/provenance/v0.2", ATT_BOTH, GOOD_BUILD,
		DK_OLGA } },
	    0, { CS_E_EVIDENCE_REQUIRED, CS_E_EVIDENCE_PREDICATE } },
	{ "an unknown predicate", EVIDENCE_PROVENANCE,
	    { { "https://example.com/x", ATT_BOTH, GOOD_BUILD, DK_OLGA } }, 0,
	    { CS_E_EVIDENCE_MISSING, CS_E_EVIDENCE_PREDICATE } },
	{ "an unknown predicate besides", EVIDENCE_PROVENANCE,
	    { { "https://example.com/x", ATT_BOTH, "{}", DK_OLGA },
		P(ATT_BOTH, DK_OLGA) },
	    0, { 0 } },
	{ "the last second of its age", EVIDENCE_PROVENANCE,
	    { P(ATT_BOTH, DK_OLGA) }, 7 * DAY - 90400, { 0 } },
	{ "too old", EVIDENCE_PROVENANCE, { P(ATT_BOTH, DK_OLGA) },
	    7 * DAY - 90399, { CS_E_EVIDENCE_REQUIRED, CS_E_EVIDENCE_AGE } },
	{ "a day ahead", EVIDENCE_PROVENANCE, { P(ATT_BOTH, DK_OLGA) },
	    -90400 - DAY, { 0 } },
	{ "from the future", EVIDENCE_PROVENANCE, { P(ATT_BOTH, DK_OLGA) },
	    -90401 - DAY, { CS_E_EVIDENCE_REQUIRED, CS_E_EVIDENCE_FUTURE } },
	{ "the signer is over", EVIDENCE_PROVENANCE, { P(ATT_BOTH, DK_OLGA) },
	    60 * DAY,
	    { CS_E_EVIDENCE_REQUIRED, CS_E_EVIDENCE_SIGNER_EXPIRED } },
	{ "the signer has not begun", EVIDENCE_PROVENANCE,
	    { P(ATT_BOTH, DK_OLGA) }, -400 * DAY,
	    { CS_E_EVIDENCE_REQUIRED, CS_E_EVIDENCE_SIGNER_NOT_YET } },
	{ "malformed", EVIDENCE_PROVENANCE,
	    { P("[{'digest':{'sha256':'1234'}}]", DK_OLGA) }, 0,
	    { CS_E_EVIDENCE_MISSING, CS_E_EVIDENCE_STATEMENT } },
	/* who signs for us does not sign what cannot be read */
	{ "malformed besides", EVIDENCE_PROVENANCE,
	    { P("[]", DK_OLGA), P(ATT_BOTH, DK_OLGA) }, 0,
	    { CS_E_EVIDENCE_STATEMENT } },
};

static void
test_common(void **state)
{
	(void)state;
	RUN_CASES(common_cases);
}

#define B(predicate)                                                 \
	{                                                            \
		{                                                    \
			ATT_PROVENANCE, ATT_BOTH, predicate, DK_OLGA \
		}                                                    \
	}
#define REQ CS_E_EVIDENCE_REQUIRED
static const struct one_case provenance_cases[] = {
	{ "builder", EVIDENCE_PROVENANCE,
	    B(BUILD(OURS, "https://ci.example/x", MADE)), 0,
	    { REQ, CS_E_EVIDENCE_BUILDER } },
	{ "no builder", EVIDENCE_PROVENANCE, B(BUILD(OURS, "", MADE)), 0,
	    { REQ, CS_E_EVIDENCE_STATEMENT } },
	{ "source", EVIDENCE_PROVENANCE,
	    B(BUILD(SOURCE("https://git.example/evil/router",
			"refs/heads/main"),
		BUILDER, MADE)),
	    0, { REQ, CS_E_EVIDENCE_SOURCE } },
	{ "no source", EVIDENCE_PROVENANCE, B(BUILD("", BUILDER, MADE)), 0,
	    { REQ, CS_E_EVIDENCE_SOURCE } },
	{ "ref", EVIDENCE_PROVENANCE,
	    B(BUILD(SOURCE("https://git.example/acme/router", "refs/heads/fix"),
		BUILDER, MADE)),
	    0, { REQ, CS_E_EVIDENCE_REF } },
	{ "another ref", EVIDENCE_PROVENANCE,
	    B(BUILD(SOURCE("https://git.example/acme/router", "refs/tags/v1.2"),
		BUILDER, MADE)),
	    0, { 0 } },
	{ "no ref", EVIDENCE_PROVENANCE,
	    B(BUILD("'source':'https://git.example/acme/router'", BUILDER,
		MADE)),
	    0, { REQ, CS_E_EVIDENCE_REF } },
	{ "source as a text", EVIDENCE_PROVENANCE,
	    B(BUILD("'source':'git+https://git.example/acme/router@"
		    "refs/heads/main'",
		BUILDER, MADE)),
	    0, { 0 } },
	{ "source as a descriptor", EVIDENCE_PROVENANCE,
	    B(BUILD("'source':{'uri':'git+https://git.example/acme/router@"
		    "refs/tags/v1','digest':{}}",
		BUILDER, MADE)),
	    0, { 0 } },
	{ "a descriptor without a URI", EVIDENCE_PROVENANCE,
	    B(BUILD("'source':{'name':'x'}},'resolvedDependencies':"
		    "[{'uri':'git+https://git.example/acme/a@"
		    "refs/heads/main'}],'x':{",
		BUILDER, MADE)),
	    0, { REQ, CS_E_EVIDENCE_SOURCE } },
	/* a branch that is called x@refs/heads/main is not main */
	{ "a branch with a ref in its name", EVIDENCE_PROVENANCE,
	    B(BUILD("'source':'git+https://git.example/acme/router@"
		    "refs/heads/x@refs/heads/main'",
		BUILDER, MADE)),
	    0, { REQ, CS_E_EVIDENCE_REF } },
	{ "dependency", EVIDENCE_PROVENANCE,
	    B(BUILD("'x':1},'resolvedDependencies':[{'uri':"
		    "'git+https://git.example/acme/a@refs/heads/main'}],"
		    "'internalParameters':{",
		BUILDER, MADE)),
	    0, { 0 } },
	{ "a workflow goes before a dependency", EVIDENCE_PROVENANCE,
	    B(BUILD("'workflow':{}},'resolvedDependencies':[{'uri':"
		    "'git+https://git.example/acme/a@refs/heads/main'}],"
		    "'internalParameters':{",
		BUILDER, MADE)),
	    0, { REQ, CS_E_EVIDENCE_SOURCE } },
	{ "no time", EVIDENCE_PROVENANCE,
	    B(BUILD(OURS, BUILDER, "'metadata':{}")), 0,
	    { REQ, CS_E_EVIDENCE_NO_TIME } },
	{ "only a start", EVIDENCE_PROVENANCE,
	    B(BUILD(OURS, BUILDER,
		"'metadata':{'startedOn':'2026-11-17T12:00:00+02:00'}")),
	    0, { 0 } },
	{ "a malformed time", EVIDENCE_PROVENANCE,
	    B(BUILD(OURS, BUILDER, "'metadata':{'finishedOn':'yesterday'}")), 0,
	    { REQ, CS_E_EVIDENCE_STATEMENT } },
	{ "a time that is a number", EVIDENCE_PROVENANCE,
	    B(BUILD(OURS, BUILDER, "'metadata':{'finishedOn':1794000000}")), 0,
	    { REQ, CS_E_EVIDENCE_STATEMENT } },
	{ "no parameters", EVIDENCE_PROVENANCE,
	    B("{'buildDefinition':{},'runDetails':{'builder':{'id':'x'}}}"), 0,
	    { REQ, CS_E_EVIDENCE_STATEMENT } },
};

static void
test_provenance(void **state)
{
	(void)state;
	RUN_CASES(provenance_cases);
}

#define V(predicate)                                    \
	{                                               \
		ATT_VULNS, ATT_BOTH, predicate, DK_OLGA \
	}
static const struct one_case scan_cases[] = {
	{ "clean", EVIDENCE_VULNS, { V(SCAN("", EARLY)) }, 0, { 0 } },
	{ "mild", EVIDENCE_VULNS, { V(SCAN(MILD, EARLY)) }, 0, { 0 } },
	{ "critical", EVIDENCE_VULNS, { V(SCAN(MILD "," BAD, EARLY)) }, 0,
	    { REQ, CS_E_EVIDENCE_SEVERITY } },
	{ "no severity", EVIDENCE_VULNS, { V(SCAN("{'id':'CVE-3'}", EARLY)) },
	    0, { REQ, CS_E_EVIDENCE_SEVERITY } },
	{ "v0.1", EVIDENCE_VULNS,
	    { { ATT_VULNS_01, ATT_BOTH, SCAN(MILD, EARLY), DK_OLGA } }, 0,
	    { 0 } },
	{ "v0.1, critical", EVIDENCE_VULNS,
	    { { ATT_VULNS_01, ATT_BOTH, SCAN(BAD, EARLY), DK_OLGA } }, 0,
	    { REQ, CS_E_EVIDENCE_SEVERITY } },
	{ "v0.1, as its text has it", EVIDENCE_VULNS,
	    { { ATT_VULNS_01, ATT_BOTH,
		SCAN("{'vulnerability':" BAD "}", EARLY), DK_OLGA } },
	    0, { REQ, CS_E_EVIDENCE_SEVERITY } },
	{ "v0.1, both ways at once", EVIDENCE_VULNS,
	    { V(SCAN("{'id':'CVE-2','vulnerability':" MILD "}", EARLY)) }, 0,
	    { REQ, CS_E_EVIDENCE_STATEMENT } },
	{ "v0.3", EVIDENCE_VULNS,
	    { { "https://in-toto.io/attestation/vulns/v0.3", ATT_BOTH,
		SCAN("", EARLY), DK_OLGA } },
	    0, { REQ, CS_E_EVIDENCE_PREDICATE } },
	{ "findings beside the scanner", EVIDENCE_VULNS,
	    { V("{'result':[" BAD "],'scanner':{'uri':'" SCANNER
		"','result':[]},'metadata':{" AT(EARLY) "}}") },
	    0, { REQ, CS_E_EVIDENCE_SEVERITY } },
	{ "only there", EVIDENCE_VULNS,
	    { V("{'result':[],'scanner':{'uri':'" SCANNER
		"'},'metadata':{" AT(EARLY) "}}") },
	    0, { 0 } },
	{ "no findings at all", EVIDENCE_VULNS,
	    { V("{'scanner':{'uri':'" SCANNER
		"'},'metadata':{" AT(EARLY) "}}") },
	    0, { REQ, CS_E_EVIDENCE_STATEMENT } },
	{ "findings that are no list", EVIDENCE_VULNS,
	    { V("{'scanner':{'uri':'" SCANNER
		"','result':{}},'metadata':{" AT(EARLY) "}}") },
	    0, { REQ, CS_E_EVIDENCE_STATEMENT } },
	{ "a finding without an ID", EVIDENCE_VULNS,
	    { V(SCAN("{'severity':[]}", EARLY)) }, 0,
	    { REQ, CS_E_EVIDENCE_STATEMENT } },
	{ "another scanner", EVIDENCE_VULNS,
	    { V(SCAN_BY("pkg:github/evil/scanner@v1", "", AT(EARLY))) }, 0,
	    { REQ, CS_E_EVIDENCE_SCANNER } },
	{ "no scanner", EVIDENCE_VULNS, { V(SCAN_BY("", "", AT(EARLY))) }, 0,
	    { REQ, CS_E_EVIDENCE_STATEMENT } },
	{ "no time", EVIDENCE_VULNS, { V(SCAN_BY(SCANNER, "", "")) }, 0,
	    { REQ, CS_E_EVIDENCE_NO_TIME } },
	/* the newest scan counts */
	{ "clean, then critical", EVIDENCE_VULNS,
	    { V(SCAN("", EARLY)), V(SCAN(BAD, LATE)) }, 0,
	    { REQ, CS_E_EVIDENCE_SEVERITY } },
	{ "critical, then clean", EVIDENCE_VULNS,
	    { V(SCAN(BAD, EARLY)), V(SCAN("", LATE)) }, 0, { 0 } },
	{ "the same the other way round", EVIDENCE_VULNS,
	    { V(SCAN("", LATE)), V(SCAN(BAD, EARLY)) }, 0, { 0 } },
	{ "both in one second", EVIDENCE_VULNS,
	    { V(SCAN(BAD, EARLY)), V(SCAN("", EARLY)) }, 0,
	    { REQ, CS_E_EVIDENCE_SEVERITY } },
	{ "critical without a time", EVIDENCE_VULNS,
	    { V(SCAN_BY(SCANNER, BAD, "")), V(SCAN("", LATE)) }, 0,
	    { REQ, CS_E_EVIDENCE_SEVERITY } },
	{ "critical by a scanner that does not count", EVIDENCE_VULNS,
	    { V(SCAN("", EARLY)), V(SCAN_BY("pkg:other", BAD, AT(LATE))) }, 0,
	    { REQ, CS_E_EVIDENCE_SEVERITY } },
	{ "unreadable, with a later time", EVIDENCE_VULNS,
	    { V(SCAN("", EARLY)), V(SCAN("{}", LATE)) }, 0,
	    { REQ, CS_E_EVIDENCE_STATEMENT } },
	{ "critical of another artifact", EVIDENCE_VULNS,
	    { V(SCAN("", EARLY)),
		{ ATT_VULNS, ATT_OTHER, SCAN(BAD, LATE), DK_OLGA } },
	    0, { 0 } },
	{ "critical by a stranger", EVIDENCE_VULNS,
	    { V(SCAN("", EARLY)),
		{ ATT_VULNS, ATT_BOTH, SCAN(BAD, LATE), DK_STRANGER } },
	    0, { 0 } },
	{ "critical of one artifact", EVIDENCE_VULNS,
	    { V(SCAN("", EARLY)),
		{ ATT_VULNS, ATT_TWO, SCAN(BAD, LATE), DK_OLGA } },
	    0, { REQ, CS_E_EVIDENCE_SEVERITY } },
};

static void
test_scans(void **state)
{
	(void)state;
	RUN_CASES(scan_cases);
}

#define T(predicate)                                   \
	{                                              \
		ATT_TEST, ATT_BOTH, predicate, DK_OLGA \
	}
#define S(type, predicate)                                 \
	{                                                  \
		{                                          \
			type, ATT_BOTH, predicate, DK_OLGA \
		}                                          \
	}
static const struct one_case other_cases[] = {
	{ "passed", EVIDENCE_TEST, { T(PASSED) }, 0, { 0 } },
	{ "failed", EVIDENCE_TEST, { T(FAILED) }, 0,
	    { REQ, CS_E_EVIDENCE_RESULT } },
	{ "warned", EVIDENCE_TEST, { T("{'result':'WARNED'}") }, 0,
	    { REQ, CS_E_EVIDENCE_RESULT } },
	{ "another case", EVIDENCE_TEST, { T("{'result':'passed'}") }, 0,
	    { REQ, CS_E_EVIDENCE_RESULT } },
	{ "passed, with failures", EVIDENCE_TEST,
	    { T("{'result':'PASSED','failedTests':['a']}") }, 0,
	    { REQ, CS_E_EVIDENCE_RESULT } },
	{ "passed, with no failure", EVIDENCE_TEST,
	    { T("{'result':'PASSED','failedTests':[]}") }, 0, { 0 } },
	{ "no result", EVIDENCE_TEST, { T("{}") }, 0,
	    { REQ, CS_E_EVIDENCE_STATEMENT } },
	{ "failed and passed", EVIDENCE_TEST, { T(FAILED), T(PASSED) }, 0,
	    { REQ, CS_E_EVIDENCE_RESULT } },
	{ "another version", EVIDENCE_TEST,
	    S("https://in-toto.io/attestation/test-result/v1", PASSED), 0,
	    { REQ, CS_E_EVIDENCE_PREDICATE } },
	{ "SPDX", EVIDENCE_SBOM, S(ATT_SPDX, SPDX), 0, { 0 } },
	{ "SPDX without a version", EVIDENCE_SBOM,
	    S("https://spdx.dev/Document", SPDX), 0, { 0 } },
	{ "SPDX 3", EVIDENCE_SBOM, S("https://spdx.dev/Document/v3", SPDX), 0,
	    { REQ, CS_E_EVIDENCE_PREDICATE } },
	{ "empty", EVIDENCE_SBOM, S(ATT_SPDX, "{}"), 0,
	    { REQ, CS_E_EVIDENCE_SBOM } },
	{ "SPDX of nothing", EVIDENCE_SBOM,
	    S(ATT_SPDX, "{'spdxVersion':'SPDX-2.3','packages':[]}"), 0,
	    { REQ, CS_E_EVIDENCE_SBOM } },
	{ "SPDX of another version", EVIDENCE_SBOM,
	    S(ATT_SPDX, "{'spdxVersion':'SPDX-3.0','packages':[{}]}"), 0,
	    { REQ, CS_E_EVIDENCE_SBOM } },
	{ "no CycloneDX, with components", EVIDENCE_SBOM,
	    S(ATT_CYCLONEDX, "{'bomFormat':'x','components':[{}]}"), 0,
	    { REQ, CS_E_EVIDENCE_SBOM } },
	{ "SPDX of files", EVIDENCE_SBOM,
	    S(ATT_SPDX, "{'spdxVersion':'SPDX-2.3','files':[{}]}"), 0, { 0 } },
	{ "SPDX, a malformed time", EVIDENCE_SBOM,
	    S(ATT_SPDX,
		"{'spdxVersion':'SPDX-2.3','files':[{}],"
		"'creationInfo':{'created':'2026'}}"),
	    0, { REQ, CS_E_EVIDENCE_STATEMENT } },
	{ "CycloneDX", EVIDENCE_SBOM, S(ATT_CYCLONEDX, CDX), 0, { 0 } },
	{ "CycloneDX without a version", EVIDENCE_SBOM,
	    S("https://cyclonedx.org/bom", CDX), 0, { 0 } },
	{ "CycloneDX 2", EVIDENCE_SBOM, S("https://cyclonedx.org/bom/v2", CDX),
	    0, { REQ, CS_E_EVIDENCE_PREDICATE } },
	{ "CycloneDX 1.", EVIDENCE_SBOM,
	    S("https://cyclonedx.org/bom/v1.", CDX), 0,
	    { REQ, CS_E_EVIDENCE_PREDICATE } },
	{ "CycloneDX 1.6x", EVIDENCE_SBOM,
	    S("https://cyclonedx.org/bom/v1.6x", CDX), 0,
	    { REQ, CS_E_EVIDENCE_PREDICATE } },
	{ "CycloneDX, empty", EVIDENCE_SBOM,
	    S(ATT_CYCLONEDX, "{'bomFormat':'CycloneDX','components':[]}"), 0,
	    { REQ, CS_E_EVIDENCE_SBOM } },
	{ "CycloneDX of one thing", EVIDENCE_SBOM,
	    S(ATT_CYCLONEDX,
		"{'bomFormat':'CycloneDX','metadata':{'component':"
		"{'name':'x'}}}"),
	    0, { 0 } },
	{ "no CycloneDX", EVIDENCE_SBOM, S(ATT_CYCLONEDX, SPDX), 0,
	    { REQ, CS_E_EVIDENCE_SBOM } },
};

static void
test_others(void **state)
{
	(void)state;
	RUN_CASES(other_cases);
}

/* what the two SBOM formats say of their age, and test results do not */
static void
test_ages(void **state)
{
	static const struct {
		const char *type, *predicate;
		int codes[3];
	} cases[] = {
		{ ATT_SPDX, SPDX, { REQ, CS_E_EVIDENCE_AGE } },
		{ ATT_CYCLONEDX,
		    "{'bomFormat':'CycloneDX','components':[1],'metadata':"
		    "{'timestamp':'2026-11-18T10:30:00Z'}}",
		    { 0 } },
		{ ATT_CYCLONEDX, CDX, { REQ, CS_E_EVIDENCE_NO_TIME } },
		{ ATT_TEST, PASSED, { REQ, CS_E_EVIDENCE_NO_TIME } },
	};
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_att_ struct att_set s = { .n = 0 };
		_cleanup_checks_ struct checks c = { 0 };
		struct policy_evidence w =
		    want[cases[i].predicate[2] == 'r' ? EVIDENCE_TEST :
							EVIDENCE_SBOM];

		w.max_age = 3600;
		att_add(&s, cases[i].type, ATT_BOTH, cases[i].predicate,
		    DK_OLGA);
		ask(p, &w, 1, &s, DOC_NOW, &c);
		expect_failed(&c, cases[i].predicate, cases[i].codes);
	}
}

/* two requirements, of which one is met; what else came is said */
static void
test_two_requirements(void **state)
{
	static const int missing[] = { CS_E_EVIDENCE_MISSING, 0 };
	static const int none[] = { 0 };
	const struct policy_evidence w[2] = { want[EVIDENCE_VULNS],
		want[EVIDENCE_SBOM] };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_att_ struct att_set s = { .n = 0 };
	_cleanup_checks_ struct checks c = { 0 }, c2 = { 0 }, c3 = { 0 };

	(void)state;
	att_add(&s, ATT_VULNS, ATT_BOTH, SCAN(MILD, EARLY), DK_OLGA);
	ask(p, w, 2, &s, DOC_NOW, &c);
	expect_failed(&c, "no SBOM", missing);
	assert_string_equal(line(&c, CS_E_EVIDENCE_MISSING)->found,
	    "sbom: none");
	att_add(&s, ATT_SPDX, ATT_BOTH, SPDX, DK_OLGA);
	att_add(&s, ATT_TEST, ATT_BOTH, FAILED, DK_OLGA);
	ask(p, w, 2, &s, DOC_NOW, &c2);
	expect_failed(&c2, "both", none);
	assert_non_null(
	    strstr(line(&c2, CS_E_EVIDENCE_SIGNATURE)->found, "doc0 by olga"));
	assert_non_null(strstr(line(&c2, CS_E_EVIDENCE_UNUSED)->found,
	    "doc2 is not used: the rule demands no test-result"));
	ask(p, w, 0, &s, DOC_NOW, &c3);
	expect_failed(&c3, "no requirement", none);
	assert_int_equal(c3.n, 1);
}

/* what the provenance does not say matches no pattern */
static void
test_any_pattern(void **state)
{
	static const int source[] = { REQ, CS_E_EVIDENCE_SOURCE, 0 };
	static const int ref[] = { REQ, CS_E_EVIDENCE_REF, 0 };
	static const int none[] = { 0 };
	static const char *any[] = { "*" };
	const struct policy_str_list absent = { NULL, 0 }, star = LIST(any);
	struct policy_evidence w = want[EVIDENCE_PROVENANCE];
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_att_ struct att_set s = { .n = 0 };
	_cleanup_checks_ struct checks c = { 0 }, c2 = { 0 }, c3 = { 0 };

	(void)state;
	att_add(&s, ATT_PROVENANCE, ATT_BOTH, BUILD("", BUILDER, MADE),
	    DK_OLGA);
	w.sources = star;
	w.refs = absent;
	ask(p, &w, 1, &s, DOC_NOW, &c);
	expect_failed(&c, "any source", source);
	w.sources = absent;
	w.refs = star;
	ask(p, &w, 1, &s, DOC_NOW, &c2);
	expect_failed(&c2, "any ref", ref);
	w.refs = absent;
	ask(p, &w, 1, &s, DOC_NOW, &c3);
	expect_failed(&c3, "no pattern", none);
}

/* a requirement of another role than the one its other document needs */
static void
test_roles_differ(void **state)
{
	static const int codes[] = { REQ, CS_E_EVIDENCE_ROLE, 0 };
	static const char *officer[] = { "officer" };
	struct policy_evidence w[2] = { want[EVIDENCE_VULNS],
		want[EVIDENCE_SBOM] };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_att_ struct att_set s = { .n = 0 };
	_cleanup_checks_ struct checks c = { 0 };

	(void)state;
	w[1].signers = (struct policy_str_list)LIST(officer);
	att_add(&s, ATT_VULNS, ATT_BOTH, SCAN("", EARLY), DK_CAROL);
	att_add(&s, ATT_SPDX, ATT_BOTH, SPDX, DK_CAROL);
	ask(p, w, 2, &s, DOC_NOW, &c);
	expect_failed(&c, "the SBOM's signer scanned", codes);
}

/* the documents are those of the signed request */
static void
test_listed(void **state)
{
	static const int codes[] = { CS_E_EVIDENCE_UNLISTED,
		CS_E_EVIDENCE_ABSENT, 0 };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_request_ struct request *r =
	    doc_request("firmware", "rel", "raw");
	_cleanup_att_ struct att_set s = { .n = 0 };
	_cleanup_checks_ struct checks c = { 0 };
	struct policy_evidence w = want[EVIDENCE_SBOM];
	struct policy_rule rule = p->rules[0];

	(void)state;
	rule.evidence = &w;
	rule.nevidence = 1;
	att_add(&s, ATT_SPDX, ATT_BOTH, SPDX, DK_OLGA);
	assert_int_equal(evaluate_evidence(p, r, &rule, s.doc, s.n, DOC_NOW,
			     &c),
	    0);
	expect_failed(&c, "another document than the request's", codes);
	assert_string_equal(line(&c, CS_E_EVIDENCE_ABSENT)->found, "no sbom");
}

static void
test_names(void **state)
{
	static const char *const names[] = { "slsa-provenance", "vulns",
		"test-result", "sbom" };
	int i;

	(void)state;
	for (i = 0; i < EVIDENCE_COUNT; i++) {
		assert_int_equal(evidence_type_from_name(names[i]), i);
		assert_string_equal(evidence_type_name((enum evidence_type)i),
		    names[i]);
	}
	assert_non_null(evidence_predicate("https://cyclonedx.org/bom/v1.6"));
	assert_null(evidence_predicate("https://cyclonedx.org/bam/v1.6"));
	assert_null(evidence_predicate(""));
	assert_int_equal(evidence_family("https://cyclonedx.org/bom/v2"),
	    EVIDENCE_SBOM);
	assert_int_equal(evidence_family("https://cyclonedx.org/x"), -1);
	assert_int_equal(evidence_type_from_name(""), -1);
	assert_int_equal(evidence_type_from_name("SBOM"), -1);
	assert_string_equal(evidence_type_name(EVIDENCE_COUNT), "unknown");
}

/* without a maximum age a scan has to have a time all the same */
static void
test_scan_without_time(void **state)
{
	static const int codes[] = { REQ, CS_E_EVIDENCE_NO_TIME, 0 };
	struct policy_evidence w = want[EVIDENCE_VULNS];
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_att_ struct att_set s = { .n = 0 };
	_cleanup_checks_ struct checks c = { 0 };

	(void)state;
	w.max_age = 0;
	att_add(&s, ATT_VULNS, ATT_BOTH, SCAN_BY(SCANNER, "", ""), DK_OLGA);
	ask(p, &w, 1, &s, DOC_NOW, &c);
	expect_failed(&c, "no time, any age", codes);
}

/* a document that passes, one that is not used, one that was overtaken */
static void
test_words_of_what_passes(void **state)
{
	static const int none[] = { 0 };
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_att_ struct att_set s = { .n = 0 };
	_cleanup_checks_ struct checks c = { 0 };

	(void)state;
	att_add(&s, ATT_VULNS, ATT_BOTH, SCAN("", LATE), DK_OLGA);
	att_add(&s, ATT_VULNS, ATT_BOTH, SCAN("", LATE), DK_CAROL);
	att_add(&s, ATT_VULNS, ATT_BOTH, SCAN(BAD, EARLY), DK_OLGA);
	ask(p, &want[EVIDENCE_VULNS], 1, &s, DOC_NOW, &c);
	expect_failed(&c, "all pass", none);
	assert_string_equal(line(&c, CS_E_EVIDENCE_REQUIRED)->found,
	    "vulns: 2 of 2 artifacts");
	assert_string_equal(line(&c, CS_E_EVIDENCE_SIGNATURE)->found,
	    "vulns: doc0 by olga, 2026-11-17T11:00:00Z");
	assert_string_equal(line(&c, CS_E_EVIDENCE_UNUSED)->found,
	    "vulns: doc1 is not used: EVIDENCE-ROLE: carol, who has no such "
	    "role");
	assert_string_equal(line(&c, CS_E_EVIDENCE_SEVERITY)->found,
	    "vulns: doc2, before a newer one: 1 finding: CVE-1");
}

/* what a person reads */
static void
test_words(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_att_ struct att_set s = { .n = 0 }, s2 = { .n = 0 };
	_cleanup_checks_ struct checks c = { 0 }, c2 = { 0 };

	(void)state;
	att_add(&s, ATT_VULNS, ATT_ONE, SCAN("", EARLY), DK_OLGA);
	ask(p, &want[EVIDENCE_VULNS], 1, &s, DOC_NOW, &c);
	assert_string_equal(line(&c, CS_E_EVIDENCE_SUBJECT)->found,
	    "vulns: 1 of 2 artifacts are not named, the first is two");
	att_add(&s2, ATT_VULNS, ATT_BOTH, SCAN("", EARLY), DK_OLGA);
	ask(p, &want[EVIDENCE_VULNS], 1, &s2, DOC_NOW - 10 * DAY, &c2);
	assert_string_equal(line(&c2, CS_E_EVIDENCE_REQUIRED)->found,
	    "vulns: 0 of 2 artifacts; the first without is one");
	assert_string_equal(line(&c2, CS_E_EVIDENCE_FUTURE)->found,
	    "vulns: doc0: made at 2026-11-17T10:00:00Z, the clock says "
	    "2026-11-08T11:06:40Z");
	assert_non_null(
	    strstr(err_advice(CS_E_EVIDENCE_FUTURE), "the appliance's clock"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_common),
		cmocka_unit_test(test_provenance),
		cmocka_unit_test(test_scans),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_ages),
		cmocka_unit_test(test_two_requirements),
		cmocka_unit_test(test_any_pattern),
		cmocka_unit_test(test_roles_differ),
		cmocka_unit_test(test_listed),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_scan_without_time),
		cmocka_unit_test(test_words_of_what_passes),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
