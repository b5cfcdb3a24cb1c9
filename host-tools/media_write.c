/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "host-tools/cli.h"
#include "host-tools/media.h"
#include "host-tools/package.h"
#include "host-tools/show.h"
#include "lib/note.h"
#include "usb-transfer/media_host.h"

#define MIB	     (UINT64_C(1) << 20)
#define SIZE_MAX_MIB (UINT64_C(1) << 21) /* FAT32 ends at 2 TiB */

enum { O_SIZE };

static const struct cli_opt options[] = {
	[O_SIZE] = { "size", "MIB", 0,
	    "size of a new image, in MiB (default: what is needed)" },
};

static int
parse_size(const char *s, uint64_t *ret, struct diag *d)
{
	uint64_t n = 0;

	*ret = 0;
	if (s == NULL)
		return 0;
	if (note_size_parse(s, strlen(s), &n) != 0 || n == 0 ||
	    n > SIZE_MAX_MIB)
		return diag_fail(d, CS_E_USAGE, "1 to 2097152 MiB", "--size %s",
		    s);
	*ret = n * MIB;
	return 0;
}

static const struct {
	const char *type, *name;
} files[] = {
	{ "approval", "COLDSEAL.APR" },
	{ "receipt", "COLDSEAL.RCP" },
	{ "request", "COLDSEAL.REQ" },
};

/* What the appliance takes in, by its type; anything else is refused. */
static int
open_bundle(const char *path, struct package **ret, const char **ret_name,
    struct diag *d)
{
	size_t i;
	int r = CS_E_BUNDLE_TYPE;

	for (i = 0; r == CS_E_BUNDLE_TYPE && i < ARRAY_LEN(files); i++) {
		r = package_open(path, files[i].type, ret, d);
		*ret_name = files[i].name;
	}
	return r;
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_package_ struct package *p = NULL;
	const char *name = NULL;
	struct progress bar;
	uint64_t bytes;
	int r;

	r = parse_size(cli_get(c, O_SIZE), &bytes, d);
	if (r == 0)
		r = media_refuse_device(c->args[0], d);
	if (r == 0)
		r = open_bundle(c->args[1], &p, &name, d);
	if (r != 0)
		return r;
	if (lseek(p->fd, 0, SEEK_SET) != 0)
		return diag_errno(d, CS_E_IO, "%s", c->args[1]);
	progress_start(&bar, "writing", 0);
	r = media_write(c->args[0], name, p->fd, bytes, media_show_progress,
	    &bar, d);
	progress_end(&bar);
	if (r != 0)
		return r;
	show_text("written", name);
	show_text("to", c->args[0]);
	return 0;
}

const struct cli_verb verb_media_write = {
	.group = "media",
	.name = "write",
	.operands = "IMAGE|FOLDER BUNDLE",
	.min_args = 2,
	.max_args = 2,
	.about = "Put what the appliance takes in on a medium.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
