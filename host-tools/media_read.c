/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "host-tools/cli.h"
#include "host-tools/media.h"
#include "host-tools/newfile.h"
#include "host-tools/package.h"
#include "host-tools/show.h"
#include "usb-transfer/media_names.h"

enum { O_FILE, O_OUT };

static const struct cli_opt options[] = {
	[O_FILE] = { "file", "NAME", 0, MEDIA_FILES " (default: the first)" },
	[O_OUT] = { "out", "FILE", CLI_REQUIRED, "the file to write" },
};

static int
run(const struct cli *c, struct diag *d)
{
	const char *name = cli_get_or(c, O_FILE, media_name(BUNDLE_RESPONSE));
	_cleanup_newfile_ struct newfile f = NEWFILE_INIT;
	_cleanup_package_ struct package *p = NULL;
	enum bundle_type type;
	struct progress bar;
	int r;

	r = media_file_option(name, &type, d);
	if (r == 0)
		r = media_refuse_other(c->args[0], d);
	if (r == 0)
		r = newfile_open(cli_get(c, O_OUT), &f, d);
	if (r != 0)
		return r;
	progress_start(&bar, "reading", 0);
	r = media_read(c->args[0], name, f.fd, media_show_progress, &bar, d);
	progress_end(&bar);
	if (r == 0)
		r = package_open(f.tmp, bundle_type_name(type), &p, d);
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
	.operands = "DEVICE|IMAGE|FOLDER",
	.min_args = 1,
	.max_args = 1,
	.about = "Take a bundle off a medium and check it.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
