/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/logsource.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "host-tools/show.h"
#include "lib/file.h"
#include "lib/hex.h"

#define VKEYS_FILE_MAX 16384u

void
logsource_done(struct logsource *s)
{
	package_free(&s->bundle);
	close_fdp(&s->dirfd);
	free(s->note);
	s->note = NULL;
}

int
vkeys_file_load(const char *path, struct note_vkeys *ret, struct diag *d)
{
	_cleanup_free_ uint8_t *text = NULL;
	size_t len;
	int r;

	r = file_read(AT_FDCWD, path, VKEYS_FILE_MAX, &text, &len, d);
	return r != 0 ? r : note_vkeys_parse((const char *)text, len, ret, d);
}

void
vkeys_show(const struct note_vkeys *keys)
{
	char id[9], text[64];
	size_t i;

	for (i = 0; i < keys->n; i++) {
		hex_encode(keys->v[i].id, 4, id);
		(void)snprintf(text, sizeof(text), "%s, ID %s",
		    note_type_name(keys->v[i].type), id);
		show_text("log key", text);
	}
}

json_t *
json_vkeys(const struct note_vkeys *keys)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < keys->n; i++)
		if (json_array_append_new(a,
			json_string(note_type_name(keys->v[i].type))) != 0) {
			json_decref(a);
			return NULL;
		}
	return a;
}

/*
 * tile_source_dir() points at the descriptor, so dirfd must already be where
 * it stays: this works on the caller's struct.
 */
int
logsource_open(const char *path, const struct note_vkeys *keys,
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
		r = note_verify(ret->note, ret->note_len, keys->v, keys->n,
		    &ret->c, d);
	if (r != 0)
		logsource_done(ret);
	return r;
}
