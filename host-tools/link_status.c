/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "host-tools/cable.h"
#include "host-tools/cli.h"
#include "host-tools/show.h"

enum { O_DEVICE, O_JSON, O_WAIT };

static const struct cli_opt options[] = {
	[O_DEVICE] = { "device", "ADDRESS", 0, CABLE_DEVICE },
	[O_JSON] = { "json", NULL, 0, "machine output" },
	[O_WAIT] = { "wait", NULL, 0, "wait until the link is open" },
};

static const struct {
	const char *word, *text;
} intake[LINK_INTAKE_COUNT] = {
	[LINK_NOT_ASKED] = { "not-asked", "nobody waits for a bundle" },
	[LINK_ASKED] = { "asked", "somebody waits for a bundle" },
	[LINK_TAKING] = { "taking", "a bundle is half there" },
	[LINK_JUDGING] = { "judging", "a bundle is being judged" },
	[LINK_TAKEN] = { "taken", "the last bundle was taken in" },
	[LINK_REFUSED] = { "refused", "the last bundle was refused" },
};

static const char *const out[LINK_OUT_COUNT] = {
	[LINK_OUT_NONE] = "none",
	[LINK_OUT_PREPARING] = "preparing",
	[LINK_OUT_READY] = "ready",
};

static json_t *
files_json(const struct link_status *st)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; a != NULL && i < st->nfiles; i++)
		(void)json_array_append_new(a,
		    json_pack("{s:s, s:I, s:o}", "name", st->files[i].name,
			"size", (json_int_t)st->files[i].size, "sha256",
			json_hex(st->files[i].sha256, CS_SHA256_LEN)));
	return a;
}

static int
print_json(const struct link_status *st, struct diag *d)
{
	bool refused = st->intake == LINK_REFUSED;

	return cli_print_json(
	    json_pack("{s:s, s:{s:s, s:I, s:I, s:s*, s:s*, s:s*}, s:s, s:o}",
		"appliance", st->appliance, "intake", "state",
		intake[st->intake].word, "have", (json_int_t)st->have, "size",
		(json_int_t)st->bundle.size, "check",
		refused ? err_id(st->why.code) : NULL, "found",
		refused ? st->why.found : NULL, "result",
		st->intake == LINK_TAKEN ? st->text : NULL, "export",
		out[st->out], "files", files_json(st)),
	    d);
}

static void
print_text(const struct link_status *st)
{
	char line[128];
	size_t i;

	show_text("appliance", st->appliance);
	show_text("intake", intake[st->intake].text);
	if (st->intake == LINK_TAKING) {
		(void)snprintf(line, sizeof(line),
		    "%" PRIu64 " of %" PRIu64 " bytes", st->have,
		    st->bundle.size);
		show_text("  has", line);
	}
	if (st->intake == LINK_TAKEN)
		show_text("  result", st->text);
	if (st->intake == LINK_REFUSED)
		show_text("  check", err_id(st->why.code));
	show_text("export", out[st->out]);
	for (i = 0; i < st->nfiles; i++) {
		(void)snprintf(line, sizeof(line), "%s, %" PRIu64 " bytes",
		    st->files[i].name, st->files[i].size);
		show_text("  file", line);
	}
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_cable_ struct cable cable = { .stream.fd = -1 };
	struct link_status st;
	int r;

	r = cable_open(cli_get(c, O_DEVICE), cli_has(c, O_WAIT), &cable, d);
	if (r == 0)
		r = cable_status(&cable, &st, d);
	if (r != 0)
		return r;
	if (cli_has(c, O_JSON))
		return print_json(&st, d);
	print_text(&st);
	return 0;
}

const struct cli_verb verb_link_status = {
	.group = "link",
	.name = "status",
	.operands = "",
	.min_args = 0,
	.max_args = 0,
	.about = "Ask the appliance at the USB link how it is.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
