/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/audit_trace.h"
#include "host-tools/show.h"
#include "lib/json.h"

#define LINE_MAX_LEN 1024u

static void line(const char *label, const char *fmt, ...) CS_PRINTF(2, 3);
static void
line(const char *label, const char *fmt, ...)
{
	char text[LINE_MAX_LEN];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	show_text(label, text);
}

static const json_t *
part(const json_t *trace, const char *name)
{
	return json_object_get(trace, name);
}

/* "label value", nothing if there is no value */
static void
given(const char *label, const char *value)
{
	if (*value != '\0')
		show_text(label, value);
}

static void
show_what(const json_t *s)
{
	given("artifact", leaf_text(s, "data.name"));
	show_text("sha256", leaf_text(s, "data.artifact"));
	line("product", "%s %s", leaf_text(s, "data.product"),
	    leaf_text(s, "data.version"));
	line("signed", "%s  leaf %" PRIu64, leaf_text(s, "time"),
	    leaf_number(s, "leaf"));
	line("key", "%s, format %s, domain %s", leaf_text(s, "data.key"),
	    leaf_text(s, "data.format"), leaf_text(s, "data.trace.domain"));
	show_text("signature", leaf_text(s, "data.signature_sha256"));
}

static void
show_who(const json_t *s, const json_t *intake)
{
	line("requested", "%s  leaf %" PRIu64, leaf_text(intake, "time"),
	    leaf_number(intake, "leaf"));
	show_text("  by", leaf_text(s, "data.trace.requester"));
	given("  user", leaf_text(s, "data.trace.user"));
	given("  system", leaf_text(s, "data.trace.system"));
	given("  pipeline", leaf_text(s, "data.trace.pipeline"));
	given("  run", leaf_text(s, "data.trace.run"));
	given("  commit", leaf_text(s, "data.trace.commit"));
	given("  branch", leaf_text(s, "data.trace.branch"));
	show_text("  request", leaf_text(s, "data.request"));
	given("  digest", leaf_text(intake, "data.request_sha256"));
}

/* By name from the intake; the trace itself has the digests only. */
static void
show_evidence(const json_t *s, const json_t *intake)
{
	const json_t *list = leaf_get(intake, "data.evidence"), *e;
	size_t i;

	json_array_foreach (list, i, e) {
		line("evidence", "%s  %s", leaf_text(e, "sha256"),
		    leaf_text(e, "name"));
	}
	given("  root", leaf_text(s, "data.trace.evidence_root"));
	if (json_array_size(list) == 0)
		show_text("evidence", "none");
}

static void
show_approvals(const json_t *trace)
{
	const json_t *list = part(trace, "approvals"), *a;
	size_t i;

	json_array_foreach (list, i, a) {
		line("approved", "%s  leaf %" PRIu64 "  %s",
		    leaf_text(a, "time"), leaf_number(a, "leaf"),
		    leaf_text(a, "data.person"));
		given("  reason", leaf_text(a, "data.reason"));
		given("  key", leaf_text(a, "data.key_id"));
	}
	/* what the signature's own leaf says, if the approvals are not found */
	if (json_array_size(list) != 0)
		return;
	list = leaf_get(part(trace, "signature"), "data.trace.approvers");
	json_array_foreach (list, i, a) {
		show_text("approved", leaf_text(a, "person"));
	}
	if (json_array_size(list) == 0)
		show_text("approved", "by nobody, as far as this log says");
}

static void
show_policy(const json_t *s, const json_t *policy)
{
	line("policy", "version %" PRIu64 ", rule %s",
	    leaf_number(s, "data.trace.policy_version"),
	    leaf_text(s, "data.trace.rule"));
	given("  sha256", leaf_text(s, "data.trace.policy"));
	given("  envelope", leaf_text(policy, "envelope"));
	if (policy != NULL)
		line("  in force", "since leaf %" PRIu64,
		    leaf_number(policy, "leaf"));
	given("  BROKE GLASS", leaf_text(s, "data.trace.break_glass"));
}

static void
show_boot(const json_t *s, const json_t *boot)
{
	line("boot", "%" PRIu64 "%s", leaf_number(s, "boot"),
	    boot == NULL ? ", of which the log has no leaf" : "");
	if (boot == NULL)
		return;
	line("  started", "%s  leaf %" PRIu64, leaf_text(boot, "time"),
	    leaf_number(boot, "leaf"));
	line("  TPM",
	    "counter %" PRIu64 ", image version %" PRIu64 ", %" PRIu64
	    " resets, %" PRIu64 " restarts",
	    leaf_number(boot, "data.counter"),
	    leaf_number(boot, "data.image_version"),
	    leaf_number(boot, "tpm.reset"), leaf_number(boot, "tpm.restart"));
}

/* Older logs have no such leaves. */
static void
show_devices(const json_t *unseal, const json_t *log)
{
	if (unseal != NULL)
		line("PIN",
		    "%s by the TPM for %" PRIu64 " approvers, leaf %" PRIu64
		    "; lockout counter %" PRIu64 " before, %" PRIu64
		    " after, of %" PRIu64,
		    leaf_text(unseal, "data.result"),
		    leaf_number(unseal, "data.approvers"),
		    leaf_number(unseal, "leaf"),
		    leaf_number(unseal, "data.lockout_before"),
		    leaf_number(unseal, "data.lockout_after"),
		    leaf_number(unseal, "data.lockout_max"));
	if (log == NULL)
		return;
	line("HSM's log",
	    "%" PRIu64 " uses of keys, %" PRIu64 " asked for, entries %" PRIu64
	    " to %" PRIu64 ", leaf %" PRIu64,
	    leaf_number(log, "data.used"), leaf_number(log, "data.asked"),
	    leaf_number(log, "data.first"), leaf_number(log, "data.last"),
	    leaf_number(log, "leaf"));
	given("  REFUSED", leaf_text(log, "data.check"));
	given("  found", leaf_text(log, "data.found"));
}

static void
show_exports(const json_t *list)
{
	const json_t *x, *files, *f;
	size_t i, k;

	json_array_foreach (list, i, x) {
		line("exported", "%s  leaf %" PRIu64 ", counter %" PRIu64,
		    leaf_text(x, "time"), leaf_number(x, "leaf"),
		    leaf_number(x, "data.counter"));
		files = leaf_get(x, "data.files");
		json_array_foreach (files, k, f) {
			line("  medium", "%s  %s", leaf_text(f, "sha256"),
			    leaf_text(f, "name"));
		}
	}
	if (json_array_size(list) == 0)
		show_text("exported", "not yet, as far as this log goes");
}

void
audit_trace_show(const json_t *trace)
{
	const json_t *s = part(trace, "signature");
	const json_t *intake = part(trace, "intake");
	const json_t *outcome = part(trace, "outcome");
	const json_t *c = part(trace, "checkpoint");

	show_what(s);
	show_who(s, intake);
	show_evidence(s, intake);
	show_approvals(trace);
	show_policy(s, part(trace, "policy"));
	line("ceremony", "%s", leaf_text(s, "data.trace.ceremony"));
	show_devices(part(trace, "unseal"), part(trace, "token_log"));
	show_boot(s, part(trace, "boot"));
	line("outcome", "%s  leaf %" PRIu64,
	    outcome != NULL ? leaf_text(outcome, "data.result") :
			      "none in this log",
	    leaf_number(outcome, "leaf"));
	given("  record", leaf_text(outcome, "data.record"));
	show_exports(part(trace, "exports"));
	line("checkpoint", "%" PRIu64 " leaves, imported %s",
	    leaf_number(c, "size"), leaf_text(c, "imported"));
	given("  root", leaf_text(c, "root"));
}
