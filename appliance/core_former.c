/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A log that a recovery began: its first leaf says where the one before it
 * ended.  The checkpoint of then lies in the state folder, signed by the same
 * audit token under the name of the log before.
 */

#include <string.h>

#include "appliance/core.h"
#include "lib/b64.h"
#include "lib/file.h"
#include "lib/note.h"

#define FORMER_NOTE "recovered.note"

/* The audit token's key, under the name that it had in that log. */
static int
former_key(struct core *c, const char *note, size_t len, struct note_vkey *ret,
    struct diag *d)
{
	const char *end = memchr(note, '\n', len);
	char name[NOTE_NAME_MAX + 1] = "";

	if (end != NULL && (size_t)(end - note) < sizeof(name))
		memcpy(name, note, (size_t)(end - note));
	return note_vkey_make(name, ledger_log_keys(c->ledger)->v[0].pub, ret,
	    d);
}

/* "x" before "x/r2" before "x/r3" */
static int
check_order(const struct core *c, const char *former, struct diag *d)
{
	size_t len;
	const uint64_t n = policy_log_number(c->origin, &len);

	if (policy_names_log(c->policy, former) &&
	    policy_log_number(former, &len) + 1 == n)
		return 0;
	return diag_fail(d, CS_E_NOTE_ORIGIN, "the log before this one",
	    "\"%s\" before \"%s\"", former, c->origin);
}

static int
pack(const char *note, size_t len, const struct checkpoint *cp, json_t **ret,
    struct diag *d)
{
	_cleanup_free_ char *b64 = b64_dup(note, len);

	if (b64 == NULL)
		return diag_nomem(d);
	*ret = json_pack("{s:s, s:s, s:o, s:I}", "checkpoint", b64, "origin",
	    cp->origin, "root", json_hex32(cp->root), "size",
	    (json_int_t)cp->size);
	return *ret == NULL ? diag_nomem(d) : 0;
}

int
core_former_log(struct core *c, json_t **ret, struct diag *d)
{
	_cleanup_free_ uint8_t *data = NULL;
	const char *note;
	struct checkpoint cp;
	struct note_vkey key;
	size_t len;
	int r;

	*ret = NULL;
	if (policy_log_number(c->origin, &len) == 1)
		return 0;
	r = file_read(CORE_STATE, FORMER_NOTE, 4096, &data, &len, d);
	if (r != 0)
		return r;
	note = (const char *)data;
	r = former_key(c, note, len, &key, d);
	if (r == 0)
		r = note_verify(note, len, &key, 1, &cp, d);
	if (r == 0)
		r = check_order(c, cp.origin, d);
	return r == 0 ? pack(note, len, &cp, ret, d) : r;
}
