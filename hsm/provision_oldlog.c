/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/provision_recover.h"

#include <fcntl.h>
#include <string.h>

#include "lib/canon.h"
#include "lib/file.h"
#include "lib/tiles.h"

/*
 * The log that a recovery ends: it must be whole up to its last checkpoint,
 * signed by all its keys.  That it is the newest copy only the lost TPM knew;
 * people compare the checkpoint with what was exported last.
 */
void
old_log_done(struct old_log *l)
{
	free(l->note);
	l->note = NULL;
}

/* Every leaf that names a policy names the one that was in force then. */
static int
see_leaf(void *arg, uint64_t index, const uint8_t *leaf, size_t len,
    struct diag *d)
{
	struct old_log *l = arg;
	const char *text = (const char *)leaf;
	char policy[CS_SHA256_HEX + 1];
	int r = canon_check(text, len, d);

	(void)index;
	if (r == 0 &&
	    canon_get_str(text, len, "data.policy", policy, sizeof(policy),
		NULL) == 0)
		memcpy(l->policy, policy, sizeof(policy));
	return r;
}

static int
read_checkpoint(int fd, const char *origin, struct old_log *l, struct diag *d)
{
	_cleanup_free_ uint8_t *keys = NULL;
	uint8_t *note = NULL;
	size_t len;
	int r;

	r = file_read(fd, "enrol/log.vkey", NOTE_VKEYS_TEXT_MAX, &keys, &len,
	    d);
	if (r == 0)
		r = note_vkeys_parse((const char *)keys, len, &l->keys, d);
	if (r == 0)
		r = file_read(fd, "log/checkpoint", NOTE_MAX, &note,
		    &l->note_len, d);
	if (r != 0)
		return r;
	l->note = (char *)note;
	r = note_verify(l->note, l->note_len, l->keys.v, l->keys.n, &l->last,
	    d);
	if (r == 0 && strcmp(l->last.origin, origin) != 0)
		r = diag_fail(d, CS_E_NOTE_ORIGIN, origin, "%s",
		    l->last.origin);
	return r;
}

int
old_log_read(int state_fd, const char *origin, struct old_log *ret,
    struct diag *d)
{
	_cleanup_fd_ int log = -1;
	uint8_t root[CS_SHA256_LEN];
	int r;

	r = read_checkpoint(state_fd, origin, ret, d);
	if (r == 0)
		r = dir_open(state_fd, "log", &log, d);
	if (r == 0)
		r = tlog_walk(log, ret->last.size, see_leaf, ret, root, d);
	if (r == 0 && memcmp(root, ret->last.root, sizeof(root)) != 0)
		r = diag_fail(d, CS_E_LOG_TAMPER, "the checkpoint's root",
		    "another one at %llu leaves",
		    (unsigned long long)ret->last.size);
	return r;
}
