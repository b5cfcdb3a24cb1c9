/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An approver's decision on a machine of their own, before the ceremony: the
 * view, the policy's verdict, a typed word, a signature.  It counts as a
 * statement where the rule takes such; the TPM gets no vote with it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host-tools/change_show.h"
#include "host-tools/cli.h"
#include "host-tools/docs.h"
#include "host-tools/hostkey.h"
#include "host-tools/show.h"
#include "host-tools/verdict.h"

enum { O_POLICY, O_KEY, O_MODULE, O_PIN, O_REJECT, O_OUT };

static const struct cli_opt options[] = {
	[O_POLICY] = { "policy", "FILE", CLI_REQUIRED,
	    "the appliance's policy, policy.dsse" },
	[O_KEY] = { "key", "KEY", CLI_REQUIRED,
	    "approver's key: a PEM file or a pkcs11: URI" },
	[O_MODULE] = { "module", "FILE", 0, "PKCS#11 module of the token" },
	[O_PIN] = { "pin-file", "FILE", 0,
	    "the token's PIN, or the PEM file's pass phrase" },
	[O_REJECT] = { "reject", "REASON", 0, "reject it, and why" },
	[O_OUT] = { "out", "BUNDLE", CLI_REQUIRED, "the bundle to write" },
};

struct decision {
	struct reqfile f;
	struct policy *policy;
	struct evfiles evidence;
	struct verdict v;
	struct hostkey *key;
	const struct policy_principal *me;
	const char *reason; /* of a rejection, or NULL */
	bool genesis;	    /* the policy's signatures could be checked here */
	char *payload, *envelope;
	size_t payload_len, envelope_len;
};

static void
decision_done(struct decision *x)
{
	reqfile_done(&x->f);
	policy_free(&x->policy);
	evfiles_done(&x->evidence);
	verdict_done(&x->v);
	hostkey_free(&x->key);
	free(x->payload);
	free(x->envelope);
}

/* What the appliance would refuse is not worth a signature. */
static int
check_request(const struct decision *x, struct diag *d)
{
	const size_t failed = checks_failed(&x->v.checks);

	if (x->v.rule == NULL || (failed != 0 && x->reason == NULL))
		return diag_fail(d, CS_E_HOST_REFUSED,
		    "a request that the policy accepts",
		    "%zu of %zu checks failed", failed, x->v.checks.n);
	if (!x->v.rule->ahead)
		return diag_fail(d, CS_E_APPROVAL_AHEAD,
		    "a rule with approvals.ahead", "rule %s", x->v.rule->id);
	return 0;
}

static int
check_person(struct decision *x, struct diag *d)
{
	x->me = policy_principal_by_key(x->policy, hostkey_public(x->key));
	if (x->me == NULL)
		return diag_fail(d, CS_E_APPROVAL_SIGNATURE,
		    "a key of a person whom this policy names",
		    "a key of nobody in it");
	return evaluate_may_decide(x->policy, x->f.req, x->v.rule, x->v.who,
	    x->me, (int64_t)time(NULL), d);
}

static int
show(const struct decision *x, struct diag *d)
{
	const struct policy_rule *u = x->v.rule;

	reqfile_show(&x->f);
	(void)putchar('\n');
	show_checks(&x->v.checks);
	(void)putchar('\n');
	show_text("requester", x->v.who != NULL ? x->v.who->id : "unknown");
	show_text("rule", u->id);
	(void)printf("%-13s%" PRIu64 "\n", "approvals", u->threshold);
	show_text("appliance", x->policy->appliance);
	show_digest("policy", x->policy->digest);
	if (!x->genesis)
		show_text("note",
		    "the signatures of a changed policy are checked by the "
		    "appliance");
	show_text("you are", x->me->id);
	show_text("decision",
	    x->reason == NULL ? "APPROVE, for 30 days" : "REJECT");
	if (x->reason != NULL)
		show_text("reason", x->reason);
	return x->v.next == NULL ? 0 :
				   change_show_diff(x->policy, x->v.next, d);
}

/* The word, alone on its line */
static int
confirm(const struct decision *x, struct diag *d)
{
	const char *word = x->reason == NULL ? "APPROVE" : "REJECT";
	char line[64];

	(void)printf("type %s to sign this: ", word);
	(void)fflush(stdout);
	if (fgets(line, sizeof(line), stdin) == NULL)
		line[0] = '\0';
	(void)putchar('\n');
	line[strcspn(line, "\r\n")] = '\0';
	if (strcmp(line, word) != 0)
		return diag_fail(d, CS_E_CANCELLED, word, "another word");
	return 0;
}

/* The very code that the appliance counts with takes it. */
static int
check_counts(const struct decision *x, int64_t now, struct diag *d)
{
	static const uint8_t no_session[32];
	const struct approval_doc doc = { (const uint8_t *)x->envelope,
		x->envelope_len };
	_cleanup_checks_ struct checks c = { 0 };
	uint64_t count = 0;
	int r;

	r = evaluate_approvals(x->policy, x->f.req, x->v.rule, x->v.who,
	    no_session, now, &doc, 1, &c, &count);
	if (r != 0)
		return diag_fail(d, r, NULL, "counting");
	/* a voter's is valid, and not counted */
	if (c.v[0].pass ||
	    (x->reason != NULL && c.v[0].code == CS_E_APPROVAL_REJECTED))
		return 0;
	return diag_fail(d, c.v[0].code, c.v[0].expected, "%s", c.v[0].found);
}

static int
sign(struct decision *x, struct diag *d)
{
	const struct approval_new n = {
		.approve = x->reason == NULL,
		.reason = x->reason == NULL ? "" : x->reason,
		.req = x->f.req,
		.policy = x->policy,
		.rule = x->v.rule,
		.approver = x->me->id,
		.nonce = NULL,
		.time = (int64_t)time(NULL),
	};
	int r;

	r = approval_format(&n, &x->payload, &x->payload_len);
	if (r != 0)
		return diag_fail(d, r,
		    "a reason of at most 200 bytes without control characters",
		    "an approval that cannot be written");
	r = hostkey_dsse(x->key, x->payload, x->payload_len, NULL, 0,
	    &x->envelope, &x->envelope_len, d);
	return r == 0 ? check_counts(x, n.time, d) : r;
}

static int
write_bundle(const char *out, const struct decision *x, struct diag *d)
{
	struct package_item item = { .name = "approval.dsse",
		.data = x->envelope,
		.size = x->envelope_len };

	if (sha256(x->envelope, x->envelope_len, item.sha256) != 0)
		return diag_fail(d, CS_E_CRYPTO, NULL, "hashing");
	return package_write(out, "approval", &item, 1, d);
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_(decision_done) struct decision x = { .reason = cli_get(c,
							   O_REJECT) };
	int r;

	r = policy_file_load(cli_get(c, O_POLICY), &x.policy, &x.genesis, d);
	if (r == 0)
		r = reqfile_open(c->args[0], &x.f, d);
	if (r == 0)
		r = evfiles_read(&x.f, &x.evidence, d);
	if (r == 0)
		r = verdict_decide(&x.f, &x.evidence, x.policy,
		    (int64_t)time(NULL), &x.v, d);
	if (r == 0)
		r = check_request(&x, d);
	if (r == 0)
		r = hostkey_open(cli_get(c, O_KEY), cli_get(c, O_MODULE),
		    cli_get(c, O_PIN), &x.key, d);
	if (r == 0)
		r = check_person(&x, d);
	if (r != 0)
		return r;
	r = show(&x, d);
	if (r == 0)
		r = confirm(&x, d);
	if (r == 0)
		r = sign(&x, d);
	if (r == 0)
		r = write_bundle(cli_get(c, O_OUT), &x, d);
	if (r != 0)
		return r;
	show_text("signed by", x.me->id);
	return 0;
}

const struct cli_verb verb_request_approve = {
	.group = "request",
	.name = "approve",
	.operands = "BUNDLE",
	.min_args = 1,
	.max_args = 1,
	.about = "Approve or reject a request away from the appliance.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
