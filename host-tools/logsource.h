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
/* A file with the verifier keys of one log, as enrolment exports it. */
int vkeys_file_load(const char *path, struct note_vkeys *ret, struct diag *d)
    CS_WUR;
/* For people, a line for each; for machines, their types. */
void vkeys_show(const struct note_vkeys *keys);
json_t *json_vkeys(const struct note_vkeys *keys);

#endif
