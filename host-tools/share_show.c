/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "host-tools/cli.h"
#include "host-tools/share_inputs.h"
#include "host-tools/show.h"
#include "lib/hex.h"

enum { O_MANIFEST, O_RECORD_KEY, O_JSON };

static const struct cli_opt options[] = {
	[O_MANIFEST] = { "manifest", "FILE", CLI_REQUIRED,
	    "the appliance's list of shares, shares.dsse" },
	[O_RECORD_KEY] = { "record-key", "FILE", 0,
	    "public key that signed the list, record.pem" },
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

static json_t *
share_json(const struct share_manifest *m, size_t index, bool verified)
{
	return json_pack("{s:o, s:I, s:s, s:I, s:s, s:o, s:I, s:b}",
	    "certificate", json_hex(m->entry[index - 1].cert, CS_SHA256_LEN),
	    "count", (json_int_t)m->head.count, "domain", m->head.domain,
	    "index", (json_int_t)index, "origin", m->head.origin, "set",
	    json_hex(m->head.set, SHARE_SET_LEN), "threshold",
	    (json_int_t)m->head.threshold, "verified", verified ? 1 : 0);
}

static void
show_share(const struct share_manifest *m, size_t index, bool verified)
{
	char set[2 * SHARE_SET_LEN + 1];

	(void)printf("%-13s%zu of %u; any %u recover the domain\n", "share",
	    index, m->head.count, m->head.threshold);
	show_text("domain", m->head.domain);
	show_text("appliance", m->head.origin);
	hex_encode(m->head.set, SHARE_SET_LEN, set);
	show_text("set", set);
	show_id("certificate", m->entry[index - 1].cert);
	show_text("list",
	    verified ? "signed by the record key" :
		       "NOT VERIFIED: no --record-key was given");
}

static int
run(const struct cli *c, struct diag *d)
{
	const bool verified = cli_has(c, O_RECORD_KEY);
	_cleanup_free_ uint8_t *cms = NULL;
	uint8_t digest[CS_SHA256_LEN];
	struct share_manifest m;
	size_t len, index;
	int r;

	r = share_list_load(cli_get(c, O_MANIFEST), cli_get(c, O_RECORD_KEY),
	    &m, d);
	if (r == 0)
		r = share_file_load(c->args[0], &cms, &len, d);
	if (r != 0)
		return r;
	if ((r = sha256(cms, len, digest)) != 0)
		return diag_fail(d, r, NULL, "%s", c->args[0]);
	index = share_manifest_find(&m, digest);
	if (index == 0)
		return diag_fail(d, CS_E_SHARE_UNKNOWN,
		    "one of the files that the list names", "%s", c->args[0]);
	if (cli_has(c, O_JSON))
		return cli_print_json(share_json(&m, index, verified), d);
	show_share(&m, index, verified);
	return 0;
}

const struct cli_verb verb_share_show = {
	.group = "share",
	.name = "show",
	.operands = "SHARE",
	.min_args = 1,
	.max_args = 1,
	.about = "Show what a recovery share is, without opening it.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
