/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "host-tools/audit_accept.h"
#include "host-tools/cli.h"
#include "host-tools/show.h"

enum { O_LOG_KEY, O_INCREMENTAL, O_AK, O_GOLDEN, O_JSON };

static const struct cli_opt options[] = {
	[O_LOG_KEY] = { "log-key", "FILE", CLI_REQUIRED,
	    "verifier keys of the log, log.vkey" },
	[O_INCREMENTAL] = { "incremental", NULL, 0,
	    "it may begin after leaf 0; those before it are not read" },
	[O_AK] = { "ak", "FILE", 0,
	    "pinned attestation key: verify what the TPM says" },
	[O_GOLDEN] = { "golden", "FILE", 0,
	    "with --ak: manifest of the image, or its policy" },
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

static int
report(const struct cli *c, const struct logsource *s, uint64_t first,
    const struct note_vkeys *keys, const struct audit_attest *a, struct diag *d)
{
	const char *verdict =
	    checks_failed(&a->checks) == 0 ? "OK" : "NOT ATTESTED";

	if (cli_has(c, O_JSON))
		return cli_print_json(json_pack("{s:s, s:s, s:I, s:I, s:o, "
						"s:o, s:o}",
					  "verdict", verdict, "origin",
					  s->c.origin, "first",
					  (json_int_t)first, "size",
					  (json_int_t)s->c.size, "root",
					  json_hex(s->c.root, 32), "keys",
					  json_vkeys(keys), "tpm",
					  audit_attest_json(a)),
		    d);
	show_text("verdict", verdict);
	show_text("log", s->c.origin);
	(void)printf("%-13s%" PRIu64 "\n", "leaves", s->c.size);
	if (first > 0)
		(void)printf("%-13sfrom leaf %" PRIu64
			     " on; those before it are not here\n",
		    "verified", first);
	show_digest("root", s->c.root);
	vkeys_show(keys);
	audit_attest_show(a);
	return 0;
}

/* Without the option, a first tile that is missing is missing. */
static int
find_first(const struct cli *c, const struct logsource *s, uint64_t *ret,
    struct diag *d)
{
	int r;

	*ret = 0;
	if (!cli_has(c, O_INCREMENTAL))
		return 0;
	r = logsource_first(s, ret, d);
	if (r == 0 && *ret == s->c.size)
		*ret = 0;
	return r;
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_audit_attest_ struct audit_attest a = { 0 };
	_cleanup_logsource_ struct logsource s = { .dirfd = -1 };
	struct note_vkeys keys;
	struct tlog_walk w = {
		.threads = AUDIT_THREADS,
		.check = audit_check_leaf,
	};
	struct tlog_walked got;
	int r;

	audit_memory();
	r = vkeys_file_load(cli_get(c, O_LOG_KEY), &keys, d);
	if (r == 0)
		r = logsource_open(c->args[0], &keys, &s, d);
	if (r == 0)
		r = audit_attest_load(cli_get(c, O_AK), cli_get(c, O_GOLDEN),
		    &s, &a, d);
	if (r == 0)
		r = find_first(c, &s, &w.first, d);
	if (r == 0)
		r = tlog_walk_with(&s.tiles, s.c.size, &w, &got, d);
	if (r != 0)
		return r;
	if (memcmp(got.root, s.c.root, 32) != 0)
		return diag_fail(d, CS_E_AUDIT_ROOT, "the signed root",
		    "another one over %" PRIu64 " leaves", s.c.size);
	r = report(c, &s, w.first, &keys, &a, d);
	return r == 0 ? audit_attest_verdict(&a, d) : r;
}

const struct cli_verb verb_audit_verify = {
	.group = "audit",
	.name = "verify",
	.operands = "BUNDLE|FOLDER",
	.min_args = 1,
	.max_args = 1,
	.about = "Verify every leaf of a log against its signed checkpoint.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
