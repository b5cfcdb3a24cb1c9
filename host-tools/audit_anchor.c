/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>

#include "host-tools/audit_accept.h"
#include "lib/file.h"

/* A note begins with an origin, a bundle with the name of its manifest. */
int
audit_anchor_load(const char *path, const struct note_vkeys *keys,
    struct audit_anchor *ret, struct diag *d)
{
	static const char first[] = "manifest";
	_cleanup_package_ struct package *p = NULL;
	_cleanup_free_ uint8_t *note = NULL;
	size_t len = 0;
	int r;

	r = file_read(AT_FDCWD, path, NOTE_MAX, &note, &len, d);
	if (r == 0 && len > sizeof(first) &&
	    memcmp(note, first, sizeof(first)) == 0) {
		free(take_ptr(note));
		r = package_open(path, "receipt", &p, d);
		if (r == 0)
			r = package_read(p, "receipt", NOTE_MAX, &note, &len,
			    d);
	}
	if (r == 0)
		r = note_verify((const char *)note, len, keys->v, keys->n,
		    &ret->c, d);
	if (r != 0)
		return r;
	ret->note = (char *)take_ptr(note);
	return 0;
}
