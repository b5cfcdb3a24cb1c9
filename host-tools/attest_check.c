/* SPDX-License-Identifier: Apache-2.0 */
/* "coldseal attest verify" */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "host-tools/attest_inputs.h"
#include "host-tools/cli.h"
#include "host-tools/logsource.h"
#include "host-tools/show.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/json.h"

enum {
	O_AK,
	O_GOLDEN,
	O_CHALLENGE,
	O_EVENTLOG,
	O_CHECKPOINTS,
	O_LOG_KEY,
	O_JSON
};

static const struct cli_opt options[] = {
	[O_AK] = { "ak", "FILE", CLI_REQUIRED,
	    "pinned attestation key, from attest enroll" },
	[O_GOLDEN] = { "golden", "FILE", CLI_REQUIRED,
	    "manifest of the image, or its signed image policy" },
	[O_CHALLENGE] = { "challenge", "HEX|FILE", 0,
	    "the challenge that was to be answered" },
	[O_EVENTLOG] = { "eventlog", "FILE", 0,
	    "the firmware's event log, to be replayed" },
	[O_CHECKPOINTS] = { "checkpoints", "FOLDER", 0,
	    "all checkpoints, to be compared with the anchor" },
	[O_LOG_KEY] = { "log-key", "FILE", 0,
	    "verifier key of the log, log.vkey" },
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

struct run {
	struct attest_pinned pinned;
	struct attest_golden golden;
	struct attest_answer answer;
	uint8_t challenge[CS_SHA256_LEN], chain[CS_SHA256_LEN];
	uint8_t *log;
	char *last;
	size_t nchain;
	struct attest_expected x;
	struct checks checks;
};

static void
run_done(struct run *x)
{
	attest_pinned_done(&x->pinned);
	attest_answer_done(&x->answer);
	free(x->log);
	free(x->last);
	checks_done(&x->checks);
}

static int
load_chain(const char *path, struct run *x, struct diag *d)
{
	/* else a stranger's index would do */
	if (!x->pinned.has_anchor)
		return diag_fail(d, CS_E_ATTEST_NV_FORM,
		    "an anchor in the file of the pinned key",
		    "--checkpoints, but no anchor was enrolled");
	return attest_chain_read(path, x->chain, &x->last, &x->nchain, d);
}

static int
load_all(const struct cli *c, struct run *x, struct diag *d)
{
	int r;

	r = attest_pinned_load(cli_get(c, O_AK), &x->pinned, d);
	if (r == 0)
		r = attest_golden_load(cli_get(c, O_GOLDEN), &x->golden, d);
	if (r == 0 && cli_has(c, O_CHALLENGE))
		r = attest_hex_arg(cli_get(c, O_CHALLENGE), x->challenge, d);
	if (r == 0 && cli_has(c, O_EVENTLOG))
		r = file_read(AT_FDCWD, cli_get(c, O_EVENTLOG), ATTEST_LOG_MAX,
		    &x->log, &x->x.log_len, d);
	if (r == 0 && cli_has(c, O_CHECKPOINTS))
		r = load_chain(cli_get(c, O_CHECKPOINTS), x, d);
	if (r == 0)
		r = attest_answer_load(c->args[0], &x->answer, d);
	x->x.pinned = &x->pinned;
	x->x.golden = &x->golden;
	x->x.challenge = cli_has(c, O_CHALLENGE) ? x->challenge : NULL;
	x->x.log = x->log;
	x->x.chain = x->last != NULL ? x->chain : NULL;
	x->x.last = x->last;
	return r;
}

static int
check_note(const char *path, struct run *x, struct diag *d)
{
	const char *note = x->answer.checkpoint;
	struct note_vkeys keys;
	struct checkpoint cp;
	struct diag why = { 0 };
	int r;

	r = vkeys_file_load(path, &keys, d);
	if (r != 0)
		return r;
	r = note_verify(note, strlen(note), keys.v, keys.n, &cp, &why);
	r = r != 0 ? checks_add_diag(&x->checks, &why) :
		     checks_add(&x->checks, CS_E_NOTE_SIGNATURE, true, "",
			 "%s, size %" PRIu64, cp.origin, cp.size);
	return r != 0 ? diag_nomem(d) : 0;
}

static int
report_json(const struct run *x, const char *verdict, struct diag *d)
{
	const struct attest_answer *a = &x->answer;

	return cli_print_json(json_pack("{s:s, s:I, s:I, s:o, s:o, s:b, s:b, "
					"s:b, s:o}",
				  "verdict", verdict, "image_version",
				  (json_int_t)a->image_version,
				  "policy_version",
				  (json_int_t)a->policy_version,
				  "policy_sha256", json_hex(a->policy, 32),
				  "ak_name",
				  json_hex(x->pinned.ak->name, ATTEST_NAME_LEN),
				  "challenged", x->x.challenge != NULL,
				  "event_log", x->log != NULL, "anchor_chain",
				  x->last != NULL, "checks",
				  json_checks(&x->checks)),
	    d);
}

static int
report(const struct cli *c, const struct run *x, struct diag *d)
{
	const struct attest_answer *a = &x->answer;
	const char *verdict =
	    checks_failed(&x->checks) == 0 ? "attested" : "NOT ATTESTED";

	if (cli_has(c, O_JSON))
		return report_json(x,
		    checks_failed(&x->checks) == 0 ? "attested" :
						     "not attested",
		    d);
	show_text("verdict", verdict);
	(void)printf("%-13s%" PRIu64 "\n", "image", a->image_version);
	(void)printf("%-13s%" PRIu64 " (as the appliance claims)\n", "policy",
	    a->policy_version);
	show_digest("policy", a->policy);
	show_text("challenge",
	    x->x.challenge != NULL ?
		"answered" :
		"none: the answer may be of any time since that checkpoint");
	show_text("event log", x->log != NULL ? "replayed" : "not given");
	if (x->last != NULL)
		(void)printf("%-13s%zu checkpoints replayed\n", "anchor",
		    x->nchain);
	else
		show_text("anchor", "not compared, no --checkpoints");
	show_checks(&x->checks);
	return 0;
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_(run_done) struct run x = { 0 };
	size_t failed;
	int r;

	attest_quiet();
	r = load_all(c, &x, d);
	if (r != 0)
		return r;
	r = attest_answer_check(&x.answer, &x.x, &x.checks);
	if (r != 0)
		return diag_fail(d, r, NULL, "checking the answer");
	if (cli_has(c, O_LOG_KEY))
		r = check_note(cli_get(c, O_LOG_KEY), &x, d);
	if (r == 0)
		r = report(c, &x, d);
	failed = checks_failed(&x.checks);
	if (r != 0 || failed == 0)
		return r;
	return diag_fail(d, CS_E_ATTEST_CHECKS, "every check passes",
	    "%zu of %zu checks failed", failed, x.checks.n);
}

const struct cli_verb verb_attest_verify = {
	.group = "attest",
	.name = "verify",
	.operands = "ANSWER",
	.min_args = 1,
	.max_args = 1,
	.about = "Verify what an appliance's TPM says about it.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
