/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "host-tools/cli.h"
#include "host-tools/docs.h"
#include "host-tools/resp_check.h"
#include "host-tools/show.h"
#include "lib/file.h"

#define PEM_FILE_MAX 16384u

enum { O_POLICY, O_RECORD_KEY, O_LOG_KEY, O_ARTIFACT, O_AUDIT, O_JSON };

static const struct cli_opt options[] = {
	[O_POLICY] = { "policy", "FILE", CLI_REQUIRED,
	    "the appliance's policy, policy.dsse" },
	[O_RECORD_KEY] = { "record-key", "FILE", CLI_REQUIRED,
	    "public key of the appliance's records, record.pem" },
	[O_LOG_KEY] = { "log-key", "FILE", CLI_REQUIRED,
	    "verifier keys of the log, log.vkey" },
	[O_ARTIFACT] = { "artifact", "FILE", CLI_MANY,
	    "a local file that must be one of the artifacts" },
	[O_AUDIT] = { "audit", "BUNDLE", 0,
	    "audit bundle or log folder, to check the log's entries too" },
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

static void
resp_check_done(struct resp_check *x)
{
	respfile_done(&x->f);
	policy_free(&x->policy);
	pubkey_free(&x->record_key);
	inputs_done(&x->artifacts);
	tlog_free(&x->log);
	logsource_done(&x->audit);
	checks_done(&x->checks);
}

static int
load_record_key(const char *path, struct pubkey **ret, struct diag *d)
{
	_cleanup_free_ uint8_t *pem = NULL;
	size_t len;
	int r;

	r = file_read(AT_FDCWD, path, PEM_FILE_MAX, &pem, &len, d);
	return r != 0 ? r : pubkey_from_pem((const char *)pem, len, ret, d);
}

static int
load_all(const struct cli *c, struct resp_check *x, struct diag *d)
{
	bool genesis;
	size_t i;
	int r;

	r = policy_file_load(cli_get(c, O_POLICY), &x->policy, &genesis, d);
	if (r == 0)
		r = load_record_key(cli_get(c, O_RECORD_KEY), &x->record_key,
		    d);
	if (r == 0)
		r = vkeys_file_load(cli_get(c, O_LOG_KEY), &x->log_keys, d);
	if (r == 0)
		r = respfile_open(c->args[0], &x->f, d);
	if (r == 0 && cli_has(c, O_AUDIT))
		r = logsource_open(cli_get(c, O_AUDIT), &x->log_keys, &x->audit,
		    d);
	if (r == 0 && cli_has(c, O_AUDIT))
		r = tlog_open_source(&x->audit.tiles, x->audit.c.size, &x->log,
		    d);
	if (r == 0 && x->f.record != NULL)
		x->artifacts.hashes = statement_hashes(x->f.record->st);
	for (i = 0; r == 0 && i < c->val[O_ARTIFACT].n; i++)
		r = inputs_add(&x->artifacts, c->val[O_ARTIFACT].v[i], NULL, d);
	return r != 0 ? r : inputs_hash(&x->artifacts, "hashing artifacts", d);
}

static void
show_refusal(const struct refusal *f)
{
	static const struct {
		const char *field, *label;
	} lines[] = {
		{ "text", "" },
		{ "found", "found: " },
		{ "expected", "expected: " },
		{ "advice", "what to do: " },
	};
	const char *s;
	json_t *v;
	size_t i, k;

	show_text("REFUSED", f->request_id);
	show_text("by", f->origin);
	show_time("at", f->time);
	show_digest("request", f->request_digest);
	json_array_foreach (f->checks, i, v) {
		s = json_string_value(json_object_get(v, "id"));
		show_text("FAIL", s != NULL ? s : "");
		for (k = 0; k < ARRAY_LEN(lines); k++) {
			s = json_string_value(
			    json_object_get(v, lines[k].field));
			if (s == NULL || *s == '\0')
				continue;
			(void)printf("    %s", lines[k].label);
			show_text("", s);
		}
	}
}

static int
verify_refusal(const struct cli *c, struct resp_check *x, struct diag *d)
{
	const struct refusal *f = x->f.refusal;
	int r;

	if (checks_failed(&x->checks) > 0)
		return diag_fail(d, CS_E_RESPONSE_RECORD,
		    "one good signature "
		    "by the record key",
		    "a refusal signed by another key");
	if (strcmp(f->origin, x->log_keys.v[0].name) != 0)
		return diag_fail(d, CS_E_RESPONSE_ORIGIN, x->log_keys.v[0].name,
		    "%s", f->origin);
	if (cli_has(c, O_JSON)) {
		r = cli_print_json(json_pack("{s:s, s:s, s:s, s:o, s:o, s:O}",
				       "verdict", "refusal", "request",
				       f->request_id, "origin", f->origin,
				       "time", json_time(f->time),
				       "request_digest",
				       json_hex(f->request_digest, 32),
				       "checks", f->checks),
		    d);
		if (r != 0)
			return r;
	} else {
		show_refusal(f);
	}
	return diag_fail(d, CS_E_RESPONSE_REFUSAL, NULL, "%zu failed checks",
	    json_array_size(f->checks));
}

static int
verify_record(struct resp_check *x, struct diag *d)
{
	int r;

	r = resp_check_record(x);
	if (r == 0)
		r = resp_check_artifacts(x);
	if (r != 0)
		return diag_fail(d, r, NULL, "checking the record");
	return resp_check_signatures(x, d);
}

static int
report(const struct cli *c, const struct resp_check *x, struct diag *d)
{
	const struct record *rec = x->f.record;
	bool good = checks_failed(&x->checks) == 0;

	if (cli_has(c, O_JSON))
		return cli_print_json(json_pack("{s:s, s:s, s:s, s:s, s:s, "
						"s:s, s:I, s:o, s:o}",
					  "verdict",
					  good ? "verified" : "not verified",
					  "request", rec->request_id, "product",
					  rec->product, "version", rec->version,
					  "key", rec->key, "format",
					  rec->format, "signatures",
					  (json_int_t)rec->nsigs, "time",
					  json_time(rec->time), "checks",
					  json_checks(&x->checks)),
		    d);
	show_text("verdict", good ? "verified" : "NOT VERIFIED");
	show_text("request", rec->request_id);
	show_text("product", rec->product);
	show_text("version", rec->version);
	show_text("key", rec->key);
	show_text("format", rec->format);
	show_time("signed at", rec->time);
	show_text("by", rec->origin);
	(void)printf("%-13s%zu\n", "signatures", rec->nsigs);
	if (x->policy->rehearsal)
		show_text("REHEARSAL", "made with a software HSM");
	show_checks(&x->checks);
	return 0;
}

static int
report_change(const struct cli *c, const struct resp_check *x, struct diag *d)
{
	bool good = checks_failed(&x->checks) == 0;

	if (cli_has(c, O_JSON))
		return cli_print_json(resp_change_json(x, good), d);
	resp_change_show(x, good);
	/* for the next policy: nobody is given what does not verify */
	if (!good || x->f.change->action != CHANGE_KEY_GENERATE)
		return 0;
	return cli_print_json(change_record_entry(x->f.change), d);
}

static int
verify_change(const struct cli *c, struct resp_check *x, struct diag *d)
{
	int r;

	if (x->artifacts.n > 0)
		return diag_fail(d, CS_E_USAGE, "no --artifact",
		    "--artifact with the record of a change");
	r = resp_check_change(x, d);
	return r == 0 ? report_change(c, x, d) : r;
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_(resp_check_done) struct resp_check x = { .audit.dirfd = -1 };
	int r;

	r = load_all(c, &x, d);
	if (r == 0)
		r = resp_check_envelope(&x, d);
	if (r == 0 && x.f.refusal != NULL)
		return verify_refusal(c, &x, d);
	if (r == 0 && x.f.change != NULL) {
		r = verify_change(c, &x, d);
	} else if (r == 0) {
		r = verify_record(&x, d);
		if (r == 0)
			r = report(c, &x, d);
	}
	if (r != 0 || checks_failed(&x.checks) == 0)
		return r;
	return diag_fail(d, CS_E_RESPONSE_CHECKS, "every check passes",
	    "%zu of %zu checks failed", checks_failed(&x.checks), x.checks.n);
}

const struct cli_verb verb_response_verify = {
	.group = "response",
	.name = "verify",
	.operands = "BUNDLE",
	.min_args = 1,
	.max_args = 1,
	.about = "Verify signatures that came back, and what stands behind.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
