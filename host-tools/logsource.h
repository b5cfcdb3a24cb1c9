/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_LOGSOURCE_H
#define CS_LOGSOURCE_H

#include <jansson.h>

#include "host-tools/package.h"
#include "lib/note.h"

/*
 * A copy of a log: an audit bundle, or a folder with "checkpoint" and
 * "tile" (a bundle that tar unpacked, or the appliance's own folder).
 */
struct logsource {
	struct package *bundle;		/* or NULL and dirfd */
	int dirfd;
	struct tile_source tiles;
	char *note;			/* the checkpoint, terminated */
	size_t note_len;
	struct checkpoint c;		/* verified */
};

void logsource_done(struct logsource *s);
#define _cleanup_logsource_ _cleanup_(logsource_done)

/* The checkpoint is verified under every key; leaves are not yet read. */
int logsource_open(const char *path, const struct note_vkeys *keys,
    struct logsource *ret, struct diag *d) CS_WUR;
/*
 * The first leaf that it carries, a multiple of TILE_WIDTH: an incremental
 * bundle begins where the last one ended.  The log's size if it has none.
 */
int logsource_first(const struct logsource *s, uint64_t *ret, struct diag *d)
    CS_WUR;
/*
 * A member beside the tiles, or a file of that name; CS_E_LOG_MISSING if there
 * is none.  free(*ret)
 */
int logsource_read(const struct logsource *s, const char *name, size_t max,
    uint8_t **ret, size_t *ret_len, struct diag *d) CS_WUR;
/* Calls fn for each document of blobs/, by its SHA-256. */
int logsource_blobs(const struct logsource *s,
    int (*fn)(void *arg, const char *sha256, struct diag *d), void *arg,
    struct diag *d) CS_WUR;
/* A file with the verifier keys of one log, as enrolment exports it. */
int vkeys_file_load(const char *path, struct note_vkeys *ret, struct diag *d)
    CS_WUR;
/* For people, a line for each; for machines, their types. */
void vkeys_show(const struct note_vkeys *keys);
json_t *json_vkeys(const struct note_vkeys *keys);

#endif
