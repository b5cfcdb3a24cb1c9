/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/logsource.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "host-tools/show.h"
#include "host-tools/tilefiles.h"
#include "lib/dirlist.h"
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

static int
see_tile(void *arg, const char *path, const struct tile_id *t, struct diag *d)
{
	uint64_t *first = arg;

	(void)path;
	(void)d;
	if (t->level == TILE_ENTRIES && t->index * TILE_WIDTH < *first)
		*first = t->index * TILE_WIDTH;
	return 0;
}

int
logsource_first(const struct logsource *s, uint64_t *ret, struct diag *d)
{
	uint64_t first = s->c.size;
	struct tile_id t;
	size_t i;
	int r = 0;

	if (s->bundle == NULL)
		r = tilefiles_each(s->dirfd, see_tile, &first, d);
	else
		for (i = 0; i < s->bundle->n; i++)
			if (tile_path_parse(s->bundle->v[i].name, &t) == 0)
				(void)see_tile(&first, NULL, &t, d);
	if (r == 0)
		*ret = first;
	return r;
}

int
logsource_read(const struct logsource *s, const char *name, size_t max,
    uint8_t **ret, size_t *ret_len, struct diag *d)
{
	if (s->bundle != NULL ? package_find(s->bundle, name) == NULL :
				!file_exists(s->dirfd, name))
		return diag_fail(d, CS_E_LOG_MISSING, name, "no such file");
	return s->bundle != NULL ?
	    package_read(s->bundle, name, max, ret, ret_len, d) :
	    file_read(s->dirfd, name, max, ret, ret_len, d);
}

int
logsource_blobs(const struct logsource *s,
    int (*fn)(void *arg, const char *sha256, struct diag *d), void *arg,
    struct diag *d)
{
	_cleanup_free_ char(*names)[CS_SHA256_HEX + 1] = NULL;
	_cleanup_fd_ int fd = -1;
	size_t n = 0, i;
	int r = 0;

	if (s->bundle != NULL) {
		for (i = 0; r == 0 && i < s->bundle->n; i++)
			if (strncmp(s->bundle->v[i].name, "blobs/", 6) == 0)
				r = fn(arg, s->bundle->v[i].name + 6, d);
		return r;
	}
	if (!file_exists(s->dirfd, "blobs"))
		return 0;
	r = dir_open(s->dirfd, "blobs", &fd, d);
	if (r == 0)
		r = dir_list_blobs(fd, &names, &n, d);
	for (i = 0; r == 0 && i < n; i++)
		r = fn(arg, names[i], d);
	return r;
}
