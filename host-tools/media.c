/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/media.h"

#include <sys/stat.h>

#include "lib/err.h"

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
media_refuse_device(const char *path, struct diag *d)
{
	struct stat st;

	if (stat(path, &st) == 0 &&
	    (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode)))
		return diag_fail(d, CS_E_HOST_BLOCK,
		    "an image file, or the folder of a mounted stick", "%s",
		    path);
	return 0;
}
