/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/media.h"

#include <sys/stat.h>

#include "usb-transfer/media_names.h"

int
media_show_progress(void *arg, uint64_t done, uint64_t total)
{
	struct progress *p = arg;

	p->total = total;
	if (done > p->done)
		progress_add(p, done - p->done);
	return 0;
}

int
media_is_device(const char *path, dev_t *ret_dev)
{
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISBLK(st.st_mode))
		return 0;
	*ret_dev = st.st_rdev;
	return 1;
}

int
media_refuse_other(const char *path, struct diag *d)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISBLK(st.st_mode) &&
	    !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return diag_fail(d, CS_E_HOST_BLOCK,
		    "a stick, an image file, or the folder of a mounted stick",
		    "%s", path);
	return 0;
}

int
media_file_option(const char *name, enum bundle_type *ret, struct diag *d)
{
	if (media_name_type(name, ret) != 0)
		return diag_fail(d, CS_E_USAGE, MEDIA_FILES, "--file %s", name);
	return 0;
}
