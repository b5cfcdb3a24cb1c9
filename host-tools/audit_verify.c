/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "host-tools/attest_inputs.h"
#include "host-tools/cli.h"
#include "host-tools/show.h"
#include "lib/canon.h"

enum { O_LOG_KEY, O_AK, O_GOLDEN, O_JSON };

static const struct cli_opt options[] = {
	[O_LOG_KEY] = { "log-key", "FILE", CLI_REQUIRED,
	    "verifier keys of the log, log.vkey" },
	[O_AK] = { "ak", "FILE", 0,
	    "pinned attestation key: verify what the TPM says" },
	[O_GOLDEN] = { "golden", "FILE", 0,
	    "with --ak: manifest of the image, or its policy" },
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

static int
check_leaf(void *arg, uint64_t index, const uint8_t *leaf, size_t len,
    struct diag *d)
{
	struct diag why = { 0 };
	int r = canon_check((const char *)leaf, len, &why);

	(void)arg;
	if (r != 0)
		return diag_fail(d, CS_E_AUDIT_LEAF, why.expected,
		    "leaf %" PRIu64 ": %s, %s", index, err_id(r), why.found);
	return 0;
}

static int
report(const struct cli *c, const struct logsource *s,
    const struct note_vkeys *keys, const struct audit_attest *a, struct diag *d)
{
	const char *verdict =
	    checks_failed(&a->checks) == 0 ? "OK" : "NOT ATTESTED";

	if (cli_has(c, O_JSON))
		return cli_print_json(json_pack("{s:s, s:s, s:I, s:o, s:o, "
						"s:o}",
					  "verdict", verdict, "origin",
					  s->c.origin, "size",
					  (json_int_t)s->c.size, "root",
					  json_hex(s->c.root, 32), "keys",
					  json_vkeys(keys), "tpm",
					  audit_attest_json(a)),
		    d);
	show_text("verdict", verdict);
	show_text("log", s->c.origin);
	(void)printf("%-13s%" PRIu64 "\n", "leaves", s->c.size);
	show_digest("root", s->c.root);
	vkeys_show(keys);
	audit_attest_show(a);
	return 0;
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_audit_attest_ struct audit_attest a = { 0 };
	_cleanup_logsource_ struct logsource s = { .dirfd = -1 };
	struct note_vkeys keys;
	uint8_t root[32];
	int r;

	r = vkeys_file_load(cli_get(c, O_LOG_KEY), &keys, d);
	if (r == 0)
		r = logsource_open(c->args[0], &keys, &s, d);
	if (r == 0)
		r = audit_attest_load(cli_get(c, O_AK), cli_get(c, O_GOLDEN),
		    &s, &a, d);
	if (r == 0)
		r = tlog_walk_source(&s.tiles, s.c.size, check_leaf, NULL, root,
		    d);
	if (r != 0)
		return r;
	if (memcmp(root, s.c.root, sizeof(root)) != 0)
		return diag_fail(d, CS_E_AUDIT_ROOT, "the signed root",
		    "another one over %" PRIu64 " leaves", s.c.size);
	r = report(c, &s, &keys, &a, d);
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
