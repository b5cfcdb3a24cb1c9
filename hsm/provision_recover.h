/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_PROVISION_RECOVER_H
#define CS_PROVISION_RECOVER_H

#include "hsm/provision.h"
#include "lib/note.h"

/* The old log's last checkpoint, as the new log's first leaf has it. */
#define RECOVERED_NOTE "recovered.note"

struct old_log {
	struct note_vkeys keys;
	struct checkpoint last;
	char *note;			/* of it */
	size_t note_len;
	char policy[CS_SHA256_HEX + 1];	/* the last one in force */
};

void old_log_done(struct old_log *l);
/* *ret starts as zeros. */
int old_log_read(int state_fd, const char *origin, struct old_log *ret,
    struct diag *d) CS_WUR;

#endif
