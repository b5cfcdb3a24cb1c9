/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/policy_diff.h"
#include "tests/lib/documents.h"

#define PR "/principals/"

static char *
diff_text(const struct policy *a, const struct policy *b)
{
	struct buf out = BUF_INIT(1 << 24);
	size_t i, n = 0, lines = 0;
	char *text;

	assert_int_equal(policy_diff(a, b, &out), 0);
	assert_int_equal(policy_diff_count(a, b, &n), 0);
	for (i = 0; i < out.len; i++) {
		lines += out.p[i] == '\n';
		assert_true(
		    out.p[i] == '\n' || (out.p[i] >= 0x20 && out.p[i] < 0x7f));
	}
	assert_int_equal(lines, n);
	assert_true(n > 0);
	assert_int_equal(buf_put(&out, "", 1), 0);
	text = strdup((char *)out.p);
	buf_done(&out);
	return text;
}

/* text has line, whole */
static bool
has_line(const char *text, const char *line)
{
	size_t n = strlen(line);
	const char *p;

	for (p = text; (p = strstr(p, line)) != NULL; p++)
		if ((p == text || p[-1] == '\n') && p[n] == '\n')
			return true;
	return false;
}

static void
need(const char *what, const char *text, const char *line)
{
	if (!has_line(text, line))
		fail_msg("%s: no line\n%s\nin\n%s", what, line, text);
}

static void
need_start(const char *what, const char *text, const char *start)
{
	const char *p = strstr(text, start);

	if (p == NULL || (p != text && p[-1] != '\n'))
		fail_msg("%s: no line that starts\n%s\nin\n%s", what, start,
		    text);
}

/* Every field that a plain policy has, changed once, and its line. */
static const struct {
	const char *pointer, *value, *line;
} fields[] = {
	{ "/name", "'other'", "the policy has the name other instead of test" },
	{ "/appliance", "'coldseal.example/b'",
	    "the policy is for the appliance coldseal.example/b instead of "
	    "coldseal.example/test" },
	{ "/rehearsal", "false", "the policy is no longer for a rehearsal" },
	{ "/roles/-", "'king'", "the policy newly knows the role king" },
	{ PR "5/kind", "'system'",
	    "the system olga is a system instead of person" },
	{ PR "2/name", "'Eve\xc3\xa9'",
	    "alice has the name Eve\\xc3\\xa9 instead of Alice" },
	{ PR "2/organisation", "'zeta'",
	    "alice is of the organisation zeta instead of acme" },
	{ PR "4/roles/-", "'administrator'",
	    "carol newly has the role administrator" },
	{ PR "4/roles/-", "'administrator'",
	    "carol can newly approve a change of the policy" },
	{ PR "2/roles", "['administrator']",
	    "alice no longer has the role officer" },
	{ PR "1/roles", "['requester']",
	    "dev can no longer approve firmware (rule fw)" },
	{ PR "2/valid_from", "'2026-02-01T00:00:00Z'",
	    "alice is valid from 2026-02-01T00:00:00Z instead of "
	    "2026-01-01T00:00:00Z" },
	{ PR "2/valid_until", "'2028-01-01T00:00:00Z'",
	    "alice is valid until 2028-01-01T00:00:00Z instead of "
	    "2027-01-01T00:00:00Z" },
	{ "/review_by", "'2030-01-01T00:00:00Z'",
	    "the policy must be reviewed by 2030-01-01T00:00:00Z instead of "
	    "2029-01-01T00:00:00Z" },
	{ "/review_warning_days", "14",
	    "the policy goes on after its review date for 14 days instead of "
	    "30 days" },
	{ "/waivers",
	    "[{'vulnerability':'CVE-1','products':['firmware'],'reason':'r',"
	    "'until':'2026-12-01T00:00:00Z'}]",
	    "the policy newly has a WAIVER: CVE-1 is accepted in firmware "
	    "until 2026-12-01T00:00:00Z, because: r" },
	{ "/break_glass",
	    "{'threshold':4,'roles':['officer'],"
	    "'distinct_organisations':false}",
	    "alice can newly approve break-glass" },
	{ "/keys/0/max_signatures", "7",
	    "the key rel has a cap of signatures of 7 instead of none" },
	{ "/keys/1/shared", "'other words'",
	    "the key rel384 serves several products because of other words "
	    "instead of spare parts" },
	{ "/rules/0/artifact", "'digest-only'",
	    "firmware (rule fw) is signed by its digest alone, without the "
	    "artifact" },
	{ "/rules/0/approvals/ahead", "true",
	    "firmware (rule fw) can be approved ahead, away from the "
	    "appliance" },
	{ "/rules/0/versions", "['1.*']",
	    "firmware (rule fw) newly takes versions like 1.*; before, "
	    "nothing limited that" },
	{ "/rules/0/pipelines", "['p']",
	    "firmware (rule fw) newly takes pipelines like p; before, "
	    "nothing limited that" },
	{ "/rules/0/branches", "['main']",
	    "firmware (rule fw) newly takes branches like main; before, "
	    "nothing limited that" },
	{ "/rules/0/commits", "['a*']",
	    "firmware (rule fw) newly takes commits like a*; before, nothing "
	    "limited that" },
	{ "/rules/0/windows",
	    "[{'from':'2026-12-01T00:00:00Z','until':'2026-12-02T00:00:00Z',"
	    "'max_signatures':3}]",
	    "firmware (rule fw) newly has a window from 2026-12-01T00:00:00Z "
	    "until 2026-12-02T00:00:00Z for at most 3 signatures; before, "
	    "nothing limited that" },
	{ "/rules/0/evidence",
	    "[{'type':'vulns','signers':['auditor'],'max_age_days':2,"
	    "'scanners':['s'],'denied':['high']}]",
	    "firmware (rule fw) newly demands a vulnerability scan signed by "
	    "a holder of the role auditor, at most 2 days old, by the scanner "
	    "s, without findings of severity high" },
	{ "/domains/-", "{'id':'spare','token':'s'}",
	    "the domain spare is new; is on the token s" },
	{ "/keys/0/state", "'retired'",
	    "the key rel is retired instead of active" },
	{ "/keys/0/valid_from", "'2026-02-01T00:00:00Z'",
	    "the key rel is valid from 2026-02-01T00:00:00Z instead of "
	    "2026-01-01T00:00:00Z" },
	{ "/keys/0/valid_until", "'2028-01-01T00:00:00Z'",
	    "the key rel is valid until 2028-01-01T00:00:00Z instead of "
	    "2027-01-01T00:00:00Z" },
	{ "/keys/0/uri", "'pkcs11:token=coldseal-release;id=%09'",
	    "the key rel is the object pkcs11:token=coldseal-release;id=%09 "
	    "instead of pkcs11:token=coldseal-release;id=%01" },
	{ "/rules/0/id", "'new'", "firmware (rule fw) is gone" },
	{ "/rules/0/id", "'new'",
	    "alice can newly approve firmware (rule new)" },
	{ "/rules/0/id", "'new'",
	    "alice can no longer approve firmware (rule fw)" },
	{ "/rules/0/requesters", "['ci']",
	    "firmware (rule fw) can no longer be requested by dev" },
	{ "/rules/0/keys", "['rel']",
	    "firmware (rule fw) is no longer signed with the key rel384" },
	{ "/rules/0/approvals/threshold", "1",
	    "firmware (rule fw) needs 1 of 4 people instead of 2 of 4 "
	    "people" },
	{ "/rules/0/approvals/roles/-", "'auditor'",
	    "firmware (rule fw) newly can be approved by the role auditor" },
	{ "/rules/0/approvals/roles/-", "'auditor'",
	    "olga can newly approve firmware (rule fw)" },
	{ "/rules/0/approvals/distinct_organisations", "true",
	    "firmware (rule fw) needs people of different organisations" },
	{ "/administration/threshold", "1",
	    "a change of the policy needs 1 of 2 people instead of 2 of 2 "
	    "people" },
	{ "/administration/roles/-", "'auditor'",
	    "a change of the policy newly can be approved by the role "
	    "auditor" },
	/* what no sentence is for: only the order changes */
	{ "/rules/0/requesters", "['dev','ci']",
	    "other text changed: /rules/fw/requesters" },
	{ "/roles", "['officer','requester','administrator','auditor']",
	    "other text changed: /roles" },
};

static void
test_fields(void **state)
{
	_cleanup_policy_ struct policy *a = doc_policy(NULL, 0);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(fields); i++) {
		const struct doc_change c = { fields[i].pointer,
			fields[i].value };
		_cleanup_policy_ struct policy *b = NULL;
		_cleanup_free_ char *text = NULL;

		b = doc_policy(&c, 1);
		text = diff_text(a, b);
		need(c.pointer, text, fields[i].line);
		if (strncmp(fields[i].line, "other", 5) != 0)
			assert_null(strstr(text, "other text"));
	}
}

/* What takes more than one change to load. */
static const struct {
	struct doc_change c[4];
	size_t n;
	const char *starts[2];
} combined[] = {
	{ { { "/domains/0/token", "'t2'" },
	      { "/keys/0/uri", "'pkcs11:token=t2;id=%01'" },
	      { "/keys/1/uri", "'pkcs11:token=t2;id=%02'" },
	      { "/keys/2/uri", "'pkcs11:token=t2;id=%03'" } },
	    4,
	    { "the domain release is on the token t2 instead of coldseal",
		"the key rel is the object pkcs11:token=t2;id=%01 ins" } },
	{ { { PR "3/keys/0/public_key", "'@K12'" } }, 1,
	    { "bob newly signs with the key SHA-256 ",
		"bob no longer signs with the key SHA-256 " } },
	{ { { "/keys/0/public_key", "'@K12'" } }, 1,
	    { "the key rel has the public key SHA-256 " } },
	{ { { "/keys/2/public_key", "'@K11'" },
	      { "/keys/2/certificate", "'@C11'" } },
	    2,
	    { "the key relcms has the public key SHA-256 ",
		"the key relcms has the certificate SHA-256 " } },
	{ { { "/keys/2/algorithm", "'rsa3072-pss-sha256'" },
	      { "/keys/2/formats", "['raw']" },
	      { "/rules/1/formats", "['raw']" } },
	    3,
	    { "the key relcms signs with rsa3072-pss-sha256 instead of rsa",
		"boot (rule boot) newly is signed in the format raw" } },
	{ { { "/keys/2/formats", "['raw']" },
	      { "/rules/1/formats", "['raw']" } },
	    2,
	    { "the key relcms newly signs the format raw",
		"boot (rule boot) is no longer signed in the format cms" } },
	{ { { "/keys/2/formats", "['sshsig']" },
	      { "/rules/1/formats", "['sshsig']" },
	      { "/keys/2/namespace", "'file'" } },
	    3,
	    { "the key relcms newly signs the format sshsig",
		"the key relcms signs in the namespace file instead of "
		"none" } },
	{ { { "/domains/-", "{'id':'b','token':'t2'}" },
	      { "/keys/0/domain", "'b'" },
	      { "/keys/0/uri", "'pkcs11:token=t2;id=%01'" } },
	    3, { "the key rel is of the domain b instead of release" } },
	{ { { "/keys/0/products/-", "'x'" }, { "/keys/1/products/-", "'x'" },
	      { "/rules/0/product", "'x'" }, { "/keys/0/shared", "'s'" } },
	    4, { "x (rule fw) is for the product x instead of firmware" } },
	{ { { "/keys/0/state", "'revoked'" }, { "/keys/0/reason", "'lost'" } },
	    2,
	    { "the key rel is revoked instead of active",
		"the key rel is revoked for the reason lost instead" } },
	{ { { "/keys/0/products/-", "'boot'" }, { "/keys/0/shared", "'x'" } },
	    2,
	    { "the key rel newly serves the product boot",
		"the key rel serves several products because of x" } },
	{ { { "/keys/1/products", "['firmware']" },
	      { "/keys/1/shared", NULL } },
	    2, { "the key rel384 no longer serves the product spare" } },
	{ { { "/version", "2" },
	      { "/previous",
		  "'0000000000000000000000000000000000000000000000000000000"
		  "000000001'" } },
	    2, { "nothing changes but the version" } },
	{ { { PR "-",
	      "{'id':'eve','kind':'person','name':'Eve','organisation':'x',"
	      "'roles':['officer'],'keys':[{'public_key':'@K12'}],"
	      "'valid_from':'2026-01-01T00:00:00Z',"
	      "'valid_until':'2027-01-01T00:00:00Z'}" } },
	    1,
	    { "eve is new; is a person; has the name Eve; is of the "
	      "organisation x; has the role officer; signs with the key SHA",
		"eve can newly approve boot (rule boot)" } },
	{ { { PR "5", NULL } }, 1, { "olga is gone" } },
	{ { { "/domains/-", "{'id':'b','token':'t2'}" } }, 1,
	    { "the domain b is new; is on the token t2" } },
	{ { { "/keys/0", NULL }, { "/rules/0/keys", "['rel384']" } }, 2,
	    { "the key rel is gone" } },
	{ { { "/rules/-",
	      "{'id':'fw2','product':'spare','requesters':['dev'],"
	      "'keys':['rel384'],'formats':['raw'],'approvals':{'threshold':1,"
	      "'roles':['officer'],'distinct_organisations':false,"
	      "'requester_excluded':true}}" } },
	    1,
	    { "spare (rule fw2) is new; is for the product spare; needs 1 "
	      "of 4 people; can be approved by the role officer; cannot be "
	      "approved by its requester; can be requested by dev; is "
	      "signed with the key rel384; is signed in the format raw\n",
		"carol can newly approve spare (rule fw2)" } },
};

static void
test_combined(void **state)
{
	_cleanup_policy_ struct policy *a = doc_policy(NULL, 0);
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(combined); i++) {
		_cleanup_policy_ struct policy *b =
		    doc_policy(combined[i].c, combined[i].n);
		_cleanup_free_ char *text = diff_text(a, b);

		for (k = 0; k < 2 && combined[i].starts[k] != NULL; k++)
			need_start(combined[i].c[0].pointer, text,
			    combined[i].starts[k]);
		assert_null(strstr(text, "other text"));
	}
}

/* --- fields that are set by hand ------------------------------------------ */
static const char *one[] = { "one" }, *two[] = { "one", "two*" };
static const char *roles[] = { "officer" };
static struct policy_window window = { DOC_NOW, DOC_NOW + 86400, 5 };
static struct policy_evidence vulns = {
	.type = EVIDENCE_VULNS,
	.signers = { roles, 1 },
	.max_age = 86400,
	.scanners = { two, 2 },
	.denied = { one, 1 },
};
static struct policy_evidence provenance = {
	.type = EVIDENCE_PROVENANCE,
	.signers = { roles, 1 },
	.builders = { one, 1 },
	.sources = { one, 1 },
	.refs = { two, 2 },
};
static struct policy_waiver waiver = { "CVE-2026-1", { one, 1 }, "no\x1bway",
	DOC_NOW };

static void
set_versions(struct policy *p)
{
	p->rules[0].versions = (struct policy_str_list){ two, 2 };
}

static void
set_fewer_versions(struct policy *p)
{
	p->rules[0].versions = (struct policy_str_list){ one, 1 };
}

static void
set_pipelines(struct policy *p)
{
	p->rules[0].pipelines = (struct policy_str_list){ one, 1 };
}

static void
set_branches(struct policy *p)
{
	p->rules[0].branches = (struct policy_str_list){ one, 1 };
}

static void
set_commits(struct policy *p)
{
	p->rules[0].commits = (struct policy_str_list){ one, 1 };
}

static void
set_vulns(struct policy *p)
{
	p->rules[0].evidence = &vulns;
	p->rules[0].nevidence = 1;
}

static void
set_provenance(struct policy *p)
{
	p->rules[0].evidence = &provenance;
	p->rules[0].nevidence = 1;
}

static void
set_window(struct policy *p)
{
	p->rules[0].windows = &window;
	p->rules[0].nwindows = 1;
}

static void
set_digest_only(struct policy *p)
{
	p->rules[0].digest_only = true;
}

static void
set_ahead(struct policy *p)
{
	p->rules[0].ahead = true;
}

static void
set_own(struct policy *p)
{
	p->rules[0].requester_excluded = false;
}

static void
set_waiver(struct policy *p)
{
	p->waivers = &waiver;
	p->nwaivers = 1;
}

static void
set_review(struct policy *p)
{
	p->review_by = DOC_NOW;
}

static void
set_warning(struct policy *p)
{
	p->review_warning = 14 * 86400;
}

static void
set_reason(struct policy *p)
{
	p->keys[0].reason = "stolen";
}

static void
set_shared(struct policy *p)
{
	p->keys[0].shared = "one board";
}

static void
set_cap(struct policy *p)
{
	p->keys[0].max_signatures = 100;
}

static void
set_break_glass(struct policy *p)
{
	p->has_break_glass = true;
	p->break_glass = (struct policy_rule){ .id = POLICY_RULE_BREAK_GLASS,
		.product = POLICY_RULE_BREAK_GLASS,
		.threshold = 3,
		.roles = { roles, 1 } };
}

static void
set_break_glass_1(struct policy *p)
{
	set_break_glass(p);
	p->break_glass.threshold = 1;
}

typedef void (*set_fn)(struct policy *);

static const struct {
	set_fn old, new;
	const char *line;
} by_hand[] = {
	{ NULL, set_versions,
	    "firmware (rule fw) newly takes versions like two*; before, "
	    "nothing limited that" },
	{ set_versions, NULL,
	    "firmware (rule fw) no longer takes versions like one; now "
	    "nothing limits that" },
	{ set_fewer_versions, set_versions,
	    "firmware (rule fw) newly takes versions like two*" },
	{ NULL, set_pipelines,
	    "firmware (rule fw) newly takes pipelines like one; before, "
	    "nothing limited that" },
	{ NULL, set_branches,
	    "firmware (rule fw) newly takes branches like one; before, "
	    "nothing limited that" },
	{ NULL, set_commits,
	    "firmware (rule fw) newly takes commits like one; before, "
	    "nothing limited that" },
	{ NULL, set_vulns,
	    "firmware (rule fw) newly demands a vulnerability scan signed by "
	    "a holder of the role officer, at most 1 day old, by the scanner "
	    "one or two*, without findings of severity one" },
	{ set_provenance, set_vulns,
	    "firmware (rule fw) no longer demands build provenance signed by "
	    "a holder of the role officer, by the builder one, from the "
	    "source one, at the ref one or two*" },
	{ NULL, set_window,
	    "firmware (rule fw) newly has a window from 2026-11-18T11:06:40Z "
	    "until 2026-11-19T11:06:40Z for at most 5 signatures; before, "
	    "nothing limited that" },
	{ NULL, set_digest_only,
	    "firmware (rule fw) is signed by its digest alone, without the "
	    "artifact" },
	{ set_digest_only, NULL,
	    "firmware (rule fw) needs the artifact itself" },
	{ NULL, set_ahead,
	    "firmware (rule fw) can be approved ahead, away from the "
	    "appliance" },
	{ NULL, set_own,
	    "firmware (rule fw) can be approved by its own requester" },
	{ NULL, set_waiver,
	    "the policy newly has a WAIVER: CVE-2026-1 is accepted in one "
	    "until 2026-11-18T11:06:40Z, because: no\\x1bway" },
	{ set_waiver, NULL,
	    "the policy waives no longer: CVE-2026-1 is accepted in one "
	    "until 2026-11-18T11:06:40Z, because: no\\x1bway" },
	{ NULL, set_review,
	    "the policy must be reviewed by 2026-11-18T11:06:40Z instead of "
	    "2029-01-01T00:00:00Z" },
	{ NULL, set_warning,
	    "the policy goes on after its review date for 14 days instead of "
	    "30 days" },
	{ NULL, set_reason,
	    "the key rel is revoked for the reason stolen instead of none" },
	{ NULL, set_shared,
	    "the key rel serves several products because of one board "
	    "instead of none" },
	{ NULL, set_cap,
	    "the key rel has a cap of signatures of 100 instead of none" },
	{ NULL, set_break_glass,
	    "break-glass is new; is for the product break-glass; needs 3 of "
	    "4 people; can be approved by the role officer" },
	{ NULL, set_break_glass, "alice can newly approve break-glass" },
	{ set_break_glass, NULL, "break-glass is gone" },
	{ set_break_glass, NULL, "alice can no longer approve break-glass" },
	{ set_break_glass, set_break_glass_1,
	    "break-glass needs 1 of 4 people instead of 3 of 4 people" },
};

static void
take_back(struct policy *p)
{
	struct policy_rule *u = &p->rules[0];

	u->versions = u->pipelines = u->branches = u->commits =
	    (struct policy_str_list){ 0 };
	u->evidence = NULL;
	u->nevidence = 0;
	u->windows = NULL;
	u->nwindows = 0;
	p->waivers = NULL;
	p->nwaivers = 0;
	p->break_glass = (struct policy_rule){ 0 };
}

static char *
diff_by_hand(set_fn old, set_fn new)
{
	_cleanup_policy_ struct policy *a = doc_policy(NULL, 0);
	_cleanup_policy_ struct policy *b = doc_policy(NULL, 0);
	char *text;

	if (old != NULL)
		old(a);
	if (new != NULL)
		new (b);
	text = diff_text(a, b);
	take_back(a);
	take_back(b);
	return text;
}

static void
test_by_hand(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(by_hand); i++) {
		_cleanup_free_ char *text =
		    diff_by_hand(by_hand[i].old, by_hand[i].new);

		need("by hand", text, by_hand[i].line);
	}
}

/* Each of these lines stands before the next. */
static void
in_order(const char *text, const char *const *lines, size_t n)
{
	const char *p, *last = text;
	size_t i;

	for (i = 0; i < n; i++) {
		p = strstr(text, lines[i]);
		if (p == NULL || p < last)
			fail_msg("%s is not where it should be in\n%s",
			    lines[i], text);
		last = p;
	}
}

static void
set_many_a(struct policy *p)
{
	set_fewer_versions(p);
	set_vulns(p);
	p->rules[1].threshold = 1;
}

static void
set_many_b(struct policy *p)
{
	set_versions(p);
	set_waiver(p);
	set_break_glass(p);
	set_reason(p);
	p->keys[1].state = "retired";
	p->keys[0].valid_until += 1;
	p->keys[0].valid_from += 1;
	p->principals[2].valid_until -= 1;
	p->name = "x";
}

/* Loud, then granted, then facts, then taken away. */
static void
test_order(void **state)
{
	static const char *const ranks[][4] = {
		{ "has a WAIVER", "break-glass is new", NULL },
		{ "newly takes versions", "no longer demands",
		    "rel is valid until", NULL },
		{ "has the name x", "the reason stolen", NULL },
		{ "boot (rule boot) needs 2", "rel384 is retired",
		    "rel is valid from", "alice is valid until" },
	};
	_cleanup_free_ char *text = diff_by_hand(set_many_a, set_many_b);
	_cleanup_free_ char *again = diff_by_hand(set_many_a, set_many_b);
	const char *pair[2];
	size_t i, k, m;

	(void)state;
	assert_string_equal(text, again);
	for (i = 0; i + 1 < ARRAY_LEN(ranks); i++)
		for (k = 0; k < 4 && ranks[i][k] != NULL; k++)
			for (m = 0; m < 4 && ranks[i + 1][m] != NULL; m++) {
				pair[0] = ranks[i][k];
				pair[1] = ranks[i + 1][m];
				in_order(text, pair, 2);
			}
}

static void
set_lower_break_glass(struct policy *p)
{
	set_break_glass_1(p);
	p->rules[0].threshold = 1;
	p->principals[2].valid_until += 1;
	p->review_by += 1;
}

/* What break-glass grants is louder than what else is granted. */
static void
test_loud(void **state)
{
	static const char *const lines[] = { "break-glass needs 1 of 4",
		"firmware (rule fw) needs 1 of 4" };
	static const char *const other[] = { "break-glass needs 1 of 4",
		"alice is valid until" };
	_cleanup_free_ char *text =
	    diff_by_hand(set_break_glass, set_lower_break_glass);

	(void)state;
	in_order(text, lines, 2);
	in_order(text, other, 2);
	/* also before what the tables compare first */
	assert_ptr_equal(strstr(text, "break-glass needs"), text);
}

/* What the JSON says and no struct knows is not silent. */
static void
test_other(void **state)
{
	static const struct {
		const char *pointer, *line;
	} c[] = {
		{ "/new", "other text changed: /new" },
		{ "/rules/0/new", "other text changed: /rules/fw/new" },
		{ "/rules/0/approvals/new",
		    "other text changed: /rules/fw/approvals/new" },
		{ "/keys/1/new", "other text changed: /keys/rel384/new" },
		{ "/keys/1/reason", "other text changed: /keys/rel384/reason" },
		{ "/principals/2/new",
		    "other text changed: /principals/alice/new" },
		{ "/domains/0/new",
		    "other text changed: /domains/release/new" },
		{ "/administration/new",
		    "other text changed: /administration/new" },
		{ "/rules/0/approvals/ahead",
		    "other text changed: /rules/fw/approvals/ahead" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(c); i++) {
		const struct doc_change more = { c[i].pointer, "'x'" };
		_cleanup_policy_ struct policy *a = doc_policy(NULL, 0);
		_cleanup_policy_ struct policy *b = doc_policy(NULL, 0);
		_cleanup_free_ char *come = NULL, *go = NULL;

		doc_change(b->st->predicate, &more);
		come = diff_text(a, b);
		go = diff_text(b, a);
		need(c[i].pointer, come, c[i].line);
		need(c[i].pointer, go, c[i].line);
	}
}

#define APPROVALS(n)                                          \
	"'approvals':{'threshold':" n ",'roles':['officer']," \
	"'distinct_organisations':false,'requester_excluded':true}}"

/* An entry that is new, and entries in another order. */
static void
test_other_entry(void **state)
{
	static const struct doc_change rule = { "/rules/-",
		"{'id':'fw2','product':'spare','requesters':['dev'],"
		"'keys':['rel384'],'formats':['raw']," APPROVALS("1") };
	static const struct doc_change more = { "/rules/2/new", "1" };
	static const struct doc_change last[] = { { "/rules/0", NULL },
		{ "/rules/-",
		    "{'id':'fw','product':'firmware','requesters':['ci',"
		    "'dev'],'keys':['rel','rel384'],"
		    "'formats':['raw']," APPROVALS("2") } };
	_cleanup_policy_ struct policy *a = doc_policy(NULL, 0);
	_cleanup_policy_ struct policy *b = doc_policy(&rule, 1);
	_cleanup_policy_ struct policy *c = doc_policy(last, 2);
	_cleanup_free_ char *text = NULL, *order = NULL;

	(void)state;
	doc_change(b->st->predicate, &more);
	text = diff_text(a, b);
	need("new rule", text, "other text changed: /rules/fw2/new");
	order = diff_text(a, c);
	assert_string_equal(order, "other text changed: /rules\n");
}

static void
test_too_large(void **state)
{
	_cleanup_policy_ struct policy *a = doc_policy(NULL, 0);
	struct buf out = BUF_INIT(10);

	(void)state;
	assert_int_equal(policy_diff(a, a, &out), CS_E_TOO_LARGE);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_combined),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_loud),
		cmocka_unit_test(test_other),
		cmocka_unit_test(test_other_entry),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
