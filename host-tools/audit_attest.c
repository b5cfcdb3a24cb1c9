/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/attest_inputs.h"
#include "host-tools/show.h"

#define MEMBER "attest/answer.json"

void
audit_attest_done(struct audit_attest *x)
{
	attest_pinned_done(&x->pinned);
	attest_answer_done(&x->answer);
	checks_done(&x->checks);
}

static int
read_answer(const struct logsource *s, struct attest_answer *ret,
    struct diag *d)
{
	_cleanup_free_ uint8_t *text = NULL;
	size_t len;
	int r;

	r = logsource_read(s, MEMBER, ATTEST_ANSWER_MAX, &text, &len, d);
	if (r == CS_E_LOG_MISSING)
		return diag_fail(d, CS_E_ATTEST_NONE, MEMBER, "none");
	return r == 0 ? attest_answer_parse(text, len, ret, d) : r;
}

/* An answer of another time says nothing of this log. */
static int
check_checkpoint(const struct logsource *s, struct audit_attest *x)
{
	bool same = strcmp(x->answer.checkpoint, s->note) == 0;

	return checks_add(&x->checks, CS_E_ATTEST_CHAIN_LAST, same,
	    same ? "" : "the checkpoint of the log", "%s",
	    same ? "checkpoint" : "the answer has another one");
}

int
audit_attest_load(const char *ak, const char *golden, const struct logsource *s,
    struct audit_attest *ret, struct diag *d)
{
	struct attest_golden g = { 0 };
	const struct attest_expected x = { .pinned = &ret->pinned,
		.golden = &g };
	int r;

	if (ak == NULL && golden == NULL)
		return 0;
	if (ak == NULL || golden == NULL)
		return diag_fail(d, CS_E_USAGE, "--ak and --golden together",
		    "one of them");
	attest_quiet();
	r = attest_pinned_load(ak, &ret->pinned, d);
	if (r == 0)
		r = attest_golden_load(golden, &g, d);
	if (r == 0)
		r = read_answer(s, &ret->answer, d);
	if (r != 0)
		return r;
	r = check_checkpoint(s, ret);
	if (r == 0)
		r = attest_answer_check(&ret->answer, &x, &ret->checks);
	if (r != 0)
		return diag_fail(d, r, NULL, "checking the answer");
	ret->done = true;
	return 0;
}

void
audit_attest_show(const struct audit_attest *x)
{
	char text[80];

	if (!x->done)
		return;
	(void)snprintf(text, sizeof(text),
	    "%s: image version %" PRIu64 ", policy version %" PRIu64,
	    checks_failed(&x->checks) == 0 ? "attested" : "NOT ATTESTED",
	    x->answer.image_version, x->answer.policy_version);
	show_text("TPM", text);
	show_checks(&x->checks);
}

json_t *
audit_attest_json(const struct audit_attest *x)
{
	if (!x->done)
		return json_null();
	return json_pack("{s:b, s:I, s:I, s:o}", "attested",
	    checks_failed(&x->checks) == 0, "image_version",
	    (json_int_t)x->answer.image_version, "policy_version",
	    (json_int_t)x->answer.policy_version, "checks",
	    json_checks(&x->checks));
}

int
audit_attest_verdict(const struct audit_attest *x, struct diag *d)
{
	size_t failed = checks_failed(&x->checks);

	if (failed == 0)
		return 0;
	return diag_fail(d, CS_E_ATTEST_CHECKS, "every check passes",
	    "%zu of %zu checks failed", failed, x->checks.n);
}
