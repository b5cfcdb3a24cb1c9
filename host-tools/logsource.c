/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/logsource.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file.h"

void
logsource_done(struct logsource *s)
{
	package_free(&s->bundle);
	close_fdp(&s->dirfd);
	free(s->note);
	s->note = NULL;
}

int
vkey_file_load(const char *path, struct note_vkey *ret, struct diag *d)
{
	_cleanup_free_ uint8_t *text = NULL;
	size_t len;
	int r;

	r = file_read(AT_FDCWD, path, NOTE_VKEY_TEXT_MAX + 1, &text, &len, d);
	return r != 0 ? r : note_vkey_parse((const char *)text, len, ret, d);
}

/*
 * tile_source_dir() points at the descriptor, so dirfd must already be where
 * it stays: this works on the caller's struct.
 */
int
logsource_open(const char *path, const struct note_vkey *key,
    struct logsource *ret, struct diag *d)
{
	uint8_t *note = NULL;
	struct stat st;
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->dirfd = -1;
	if (stat(path, &st) != 0)
		return diag_errno(d, CS_E_IO, "%s", path);
	if (S_ISDIR(st.st_mode)) {
		r = dir_open(AT_FDCWD, path, &ret->dirfd, d);
		if (r == 0)
			r = file_read(ret->dirfd, "checkpoint", NOTE_MAX, &note,
			    &ret->note_len, d);
		ret->tiles = tile_source_dir(&ret->dirfd);
	} else {
		r = package_open(path, "audit", &ret->bundle, d);
		if (r == 0)
			r = package_read(ret->bundle, "checkpoint", NOTE_MAX,
			    &note, &ret->note_len, d);
		if (r == 0)
			ret->tiles = package_tiles(ret->bundle);
	}
	ret->note = (char *)note;
	if (r == 0)
		r = note_verify(ret->note, ret->note_len, key, 1, &ret->c, d);
	if (r != 0)
		logsource_done(ret);
	return r;
}
