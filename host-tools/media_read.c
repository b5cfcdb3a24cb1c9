/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "host-tools/cli.h"
#include "host-tools/media.h"
#include "host-tools/newfile.h"
#include "host-tools/package.h"
#include "host-tools/show.h"
#include "usb-transfer/media_host.h"

enum { O_FILE, O_OUT };

static const struct cli_opt options[] = {
	[O_FILE] = { "file", "NAME", 0,
	    "COLDSEAL.RSP (default), COLDSEAL.AUD, "
	    "COLDSEAL.ATT, COLDSEAL.REQ, COLDSEAL.APR or COLDSEAL.RCP" },
	[O_OUT] = { "out", "FILE", CLI_REQUIRED, "the file to write" },
};

static const struct {
	const char *name, *type;
} kinds[] = {
	{ "COLDSEAL.RSP", "response" },
	{ "COLDSEAL.AUD", "audit" },
	{ "COLDSEAL.ATT", "attest" },
	{ "COLDSEAL.REQ", "request" },
	{ "COLDSEAL.APR", "approval" },
	{ "COLDSEAL.RCP", "receipt" },
};

static const char *
type_of(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].type;
	return NULL;
}

static int
run(const struct cli *c, struct diag *d)
{
	const char *name = cli_get_or(c, O_FILE, kinds[0].name);
	_cleanup_newfile_ struct newfile f = NEWFILE_INIT;
	_cleanup_package_ struct package *p = NULL;
	const char *type = type_of(name);
	struct progress bar;
	int r;

	if (type == NULL)
		return diag_fail(d, CS_E_USAGE, options[O_FILE].help,
		    "--file %s", name);
	r = media_refuse_device(c->args[0], d);
	if (r == 0)
		r = newfile_open(cli_get(c, O_OUT), &f, d);
	if (r != 0)
		return r;
	progress_start(&bar, "reading", 0);
	r = media_read(c->args[0], name, f.fd, media_show_progress, &bar, d);
	progress_end(&bar);
	if (r == 0)
		r = package_open(f.tmp, type, &p, d);
	if (r == 0)
		r = newfile_commit(&f, d);
	if (r != 0)
		return r;
	show_text("read", name);
	show_text("to", cli_get(c, O_OUT));
	return 0;
}

const struct cli_verb verb_media_read = {
	.group = "media",
	.name = "read",
	.operands = "IMAGE|FOLDER",
	.min_args = 1,
	.max_args = 1,
	.about = "Take a bundle off a medium and check it.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
