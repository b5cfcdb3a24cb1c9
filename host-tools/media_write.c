/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/stat.h>

#include "host-tools/cli.h"
#include "host-tools/media.h"
#include "host-tools/package.h"
#include "host-tools/show.h"
#include "lib/json.h"
#include "lib/note.h"
#include "usb-transfer/media_names.h"
#include "usb-transfer/parts.h"

#define MIB	     (UINT64_C(1) << 20)
#define SIZE_MAX_MIB (UINT64_C(1) << 21) /* FAT32 ends at 2 TiB */

enum { O_SIZE, O_CONFIRM, O_JSON };

static const struct cli_opt options[] = {
	[O_SIZE] = { "size", "MIB", 0,
	    "size of a new image, in MiB (default: what is needed)" },
	[O_CONFIRM] = { "confirm", "IDENTITY", 0,
	    "erase the device of this serial number, or of this "
	    "model if it has none, without asking" },
	[O_JSON] = { "json", NULL, 0, "machine output" },
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

static const enum bundle_type taken_in[] = { BUNDLE_APPROVAL, BUNDLE_RECEIPT,
	BUNDLE_REQUEST };

/* What the appliance takes in, by its type; anything else is refused. */
static int
open_bundle(const char *path, struct package **ret, const char **ret_name,
    struct diag *d)
{
	size_t i;
	int r = CS_E_BUNDLE_TYPE;

	for (i = 0; r == CS_E_BUNDLE_TYPE && i < ARRAY_LEN(taken_in); i++) {
		r = package_open(path, bundle_type_name(taken_in[i]), ret, d);
		*ret_name = media_name(taken_in[i]);
	}
	return r;
}

static int
check_options(const struct cli *c, struct diag *d)
{
	dev_t dev;
	const int device = media_is_device(c->args[0], &dev);

	if (device == 0 && cli_has(c, O_CONFIRM))
		return diag_fail(d, CS_E_USAGE, "a device",
		    "--confirm for another target");
	if (device != 0 && cli_has(c, O_SIZE))
		return diag_fail(d, CS_E_USAGE, "a new image",
		    "--size for a device");
	return media_refuse_other(c->args[0], d);
}

static int
put(const struct cli *c, const struct media_job *what, struct blockdev *ret,
    struct diag *d)
{
	const struct media_consent how = { .confirm = cli_get(c, O_CONFIRM),
		.quiet = cli_has(c, O_JSON),
		.sys = "/sys",
		.proc = "/proc" };
	struct media_job job = *what;
	struct progress bar;
	dev_t dev;
	int r;

	job.progress = media_show_progress;
	job.arg = &bar;
	progress_start(&bar, "writing", 0);
	r = media_is_device(c->args[0], &dev) != 0 ?
	    media_write_device(c->args[0], &job, &how, ret, d) :
	    media_put(c->args[0], &job, d);
	progress_end(&bar);
	return r;
}

static int
show(const struct cli *c, const char *name, size_t parts,
    const struct blockdev *b, struct diag *d)
{
	char text[32];

	if (cli_has(c, O_JSON))
		return cli_print_json(json_pack("{s:s,s:s,s:I,s:s,s:s,s:s}",
					  "file", name, "to", c->args[0],
					  "parts", (json_int_t)parts, "device",
					  b->name, "model", b->model, "serial",
					  b->serial),
		    d);
	show_text("written", name);
	if (parts > 1) {
		(void)snprintf(text, sizeof(text), "%zu files", parts);
		show_text("in parts", text);
	}
	show_text("to", c->args[0]);
	return 0;
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_package_ struct package *p = NULL;
	struct media_job job = { .name = NULL };
	struct blockdev b = { .name = "" };
	struct stat st;
	size_t parts = 1;
	int r;

	r = parse_size(cli_get(c, O_SIZE), &job.bytes, d);
	if (r == 0)
		r = check_options(c, d);
	if (r == 0)
		r = open_bundle(c->args[1], &p, &job.name, d);
	if (r != 0)
		return r;
	if (lseek(p->fd, 0, SEEK_SET) != 0 || fstat(p->fd, &st) != 0)
		return diag_errno(d, CS_E_IO, "%s", c->args[1]);
	job.bundle_fd = p->fd;
	r = parts_count(job.name, (uint64_t)st.st_size, PART_BYTES, &parts, d);
	if (r == 0)
		r = put(c, &job, &b, d);
	return r == 0 ? show(c, job.name, parts, &b, d) : r;
}

const struct cli_verb verb_media_write = {
	.group = "media",
	.name = "write",
	.operands = "DEVICE|IMAGE|FOLDER BUNDLE",
	.min_args = 2,
	.max_args = 2,
	.about = "Put what the appliance takes in on a medium.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
