/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/policy_explain.h"
#include "tests/lib/documents.h"

static char *
take(struct buf *b)
{
	char *text;

	assert_int_equal(buf_put(b, "", 1), 0);
	text = strdup((char *)b->p);
	buf_done(b);
	return text;
}

static char *
explain(const struct policy *p, const char *rule)
{
	struct buf out = BUF_INIT(1 << 20);

	if (rule == NULL)
		assert_int_equal(policy_explain(p, &out), 0);
	else
		assert_int_equal(policy_explain_rule(p,
				     policy_rule_by_id(p, rule), &out),
		    0);
	return take(&out);
}

static void
test_plain(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_free_ char *text = explain(p, "fw");

	(void)state;
	assert_string_equal(text,
	    "Rule fw: requests for firmware by ci or dev are signed with rel "
	    "or rel384 (raw) when 2 of dev, alice, bob and carol approve, no "
	    "one of them the requester.\n"
	    "These are the people with the role officer.\n"
	    "Everybody approves at the appliance itself.\n"
	    "Any version will do.\n"
	    "Any pipeline will do.\n"
	    "Any branch will do.\n"
	    "Any commit will do.\n"
	    "No evidence is demanded.\n"
	    "It is signed at any time.\n"
	    "The artifact itself must be on the medium.\n"
	    "The key rel is active, valid from 2026-01-01T00:00:00Z until "
	    "2027-01-01T00:00:00Z; it signs with ecdsa-p256-sha256, in the "
	    "format raw, from the domain release.\n"
	    "The key rel384 is active, valid from 2026-01-01T00:00:00Z until "
	    "2027-01-01T00:00:00Z; it signs with ecdsa-p384-sha384, in the "
	    "format raw, from the domain release; it serves firmware and "
	    "spare because of spare parts.\n");
}

static const char *two[] = { "one", "two*" };
static const char *roles[] = { "officer", "auditor" };
static struct policy_window windows[] = { { DOC_NOW, DOC_NOW + 60, 1 },
	{ DOC_NOW + 90, DOC_NOW + 91, 0 } };
static struct policy_evidence evidence[] = {
	{ .type = EVIDENCE_PROVENANCE,
	    .signers = { roles, 1 },
	    .max_age = 3600,
	    .builders = { two, 1 },
	    .sources = { two, 2 },
	    .refs = { two, 1 } },
	{ .type = EVIDENCE_VULNS,
	    .signers = { roles, 2 },
	    .max_age = 90,
	    .scanners = { two, 1 },
	    .denied = { two, 2 } },
	{ .type = EVIDENCE_TEST, .signers = { roles, 1 }, .max_age = 120 },
	{ .type = EVIDENCE_SBOM, .signers = { roles, 1 } },
};
static struct policy_waiver waiver = { "CVE-1", { two, 2 }, "x\ny", DOC_NOW };

static void
fill(struct policy *p)
{
	struct policy_rule *u = &p->rules[0];

	u->versions = u->pipelines = u->branches = u->commits =
	    (struct policy_str_list){ two, 2 };
	u->windows = windows;
	u->nwindows = 2;
	u->evidence = evidence;
	u->nevidence = 4;
	u->ahead = u->digest_only = u->distinct_organisations = true;
	u->requester_excluded = false;
	p->keys[0].max_signatures = 9;
	p->keys[0].shared = "history";
	p->keys[0].state = "revoked";
	p->keys[0].reason = "loss";
	p->review_by = DOC_NOW;
	p->review_warning = 86400;
	p->waivers = &waiver;
	p->nwaivers = 1;
	p->has_break_glass = true;
	p->break_glass = (struct policy_rule){ .id = POLICY_RULE_BREAK_GLASS,
		.product = POLICY_RULE_BREAK_GLASS,
		.threshold = 3,
		.roles = { roles, 2 },
		.distinct_organisations = true,
		.requester_excluded = true };
}

static void
empty(struct policy *p)
{
	struct policy_rule *u = &p->rules[0];

	u->versions = u->pipelines = u->branches = u->commits =
	    (struct policy_str_list){ 0 };
	u->windows = NULL;
	u->evidence = NULL;
	u->nevidence = 0;
	p->waivers = NULL;
	p->nwaivers = 0;
	p->break_glass = (struct policy_rule){ 0 };
}

/* Every field is told. */
static const char *const told[] = {
	"approve, each of another organisation, the requester among them or "
	"not.\n",
	"Approvals made ahead, on an approver's own machine, count.\n",
	"The version must look like one or two*.\n",
	"The pipeline must look like one or two*.\n",
	"The branch must look like one or two*.\n",
	"The commit must look like one or two*.\n",
	"For each artifact there must be build provenance signed by a holder "
	"of the role officer, at most 1 hour old, by the builder one, from "
	"the source one or two*, at the ref one.\n",
	"For each artifact there must be a vulnerability scan signed by a "
	"holder of the role officer or auditor, at most 90 seconds old, by "
	"the scanner one, without findings of severity one or two*.\n",
	"For each artifact there must be a test result that is PASSED signed "
	"by a holder of the role officer, at most 2 minutes old.\n",
	"For each artifact there must be an SBOM signed by a holder of the "
	"role officer.\n",
	"It is signed only from 2026-11-18T11:06:40Z until "
	"2026-11-18T11:07:40Z for at most 1 signature or from "
	"2026-11-18T11:08:10Z until 2026-11-18T11:08:11Z.\n",
	"A digest alone is enough: the artifact need not be on the medium.\n",
	"The key rel is revoked because of loss, valid from ",
	"from the domain release, at most 9 times in all; it serves firmware "
	"because of history.\n",
	"Rule administration: the policy, its keys and its people are changed "
	"when 2 of alice and bob approve, no one of them the requester.\n"
	"These are the people with the role administrator.\n",
	"Rule break-glass: a request that says why is signed past evidence, "
	"windows and patterns when 3 of dev, alice, bob, carol and olga "
	"approve, each of another organisation, no one of them the "
	"requester.\nThese are the people with the role officer or auditor.\n"
	"The log and every report then say BREAK-GLASS.\n",
	"The policy must be reviewed by 2026-11-18T11:06:40Z; signing stops 1 "
	"day after that.\n",
	"This is a rehearsal's policy: keys may be in software, and "
	"everything says so.\n",
	"WAIVER: CVE-1 is accepted in one and two* until "
	"2026-11-18T11:06:40Z, because: x y.\n",
};

static void
test_full(void **state)
{
	_cleanup_policy_ struct policy *p = doc_policy(NULL, 0);
	_cleanup_free_ char *text = NULL;
	size_t i;

	(void)state;
	fill(p);
	text = explain(p, NULL);
	empty(p);
	for (i = 0; i < ARRAY_LEN(told); i++)
		if (strstr(text, told[i]) == NULL)
			fail_msg("no\n%s\nin\n%s", told[i], text);
}

static void
test_without(void **state)
{
	static const struct doc_change c = { "/rehearsal", "false" };
	_cleanup_policy_ struct policy *p = doc_policy(&c, 1);
	_cleanup_free_ char *text = explain(p, NULL);
	struct buf small = BUF_INIT(20);

	(void)state;
	assert_non_null(strstr(text,
	    "There is no break-glass: no check can be passed by.\n"));
	assert_null(strstr(text, "rehearsal"));
	assert_null(strstr(text, "BREAK-GLASS"));
	assert_int_equal(policy_explain(p, &small), CS_E_TOO_LARGE);
	buf_done(&small);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
