/* SPDX-License-Identifier: Apache-2.0 */

/* Large files as the files of a FAT volume that they lie in. */

#include <string.h>

#include "usb-transfer/fatvol.h"

static int
read_view(void *arg, uint64_t off, void *buf, size_t n, struct diag *d)
{
	const struct fatvol_view *view = arg;

	return view->whole->read(view->whole->arg, view->off + off, buf, n, d);
}

int
fatvol_split(const struct fatvol_file *files, size_t n,
    struct fatvol_parts *ret, struct diag *d)
{
	size_t i, k, count = 0;
	uint64_t part;
	int r;

	ret->n = 0;
	for (i = 0; i < n; i++) {
		part =
		    files[i].part_bytes != 0 ? files[i].part_bytes : PART_BYTES;
		r = parts_count(files[i].name, files[i].size, (uint32_t)part,
		    &count, d);
		if (r != 0)
			return r;
		if (count > FATVOL_MAX_PARTS - ret->n)
			return diag_fail(d, CS_E_MEDIA_SPACE,
			    "files in fewer parts", "%s in %zu", files[i].name,
			    count);
		for (k = 0; k < count; k++, ret->n++) {
			struct fatvol_file *f = &ret->v[ret->n];
			struct fatvol_view *view = &ret->view[ret->n];

			*view = (struct fatvol_view){ &files[i], k * part };
			memset(f, 0, sizeof(*f));
			part_name(files[i].name, k, f->name);
			f->size = files[i].size - view->off < part ?
			    files[i].size - view->off :
			    part;
			f->read = read_view;
			f->arg = view;
		}
	}
	return 0;
}
