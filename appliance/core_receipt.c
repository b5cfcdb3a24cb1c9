/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An auditor's receipt (lib/PROTOCOL.receipt): the auditor has seen so many
 * leaves of this log.  Auditors are principals with the role "auditor" and an
 * Ed25519 key.
 *
 *	note -> the log's own keys, one auditor's cosignature -> leaf "receipt"
 *	     -> kept in the state folder, if it has more leaves than that
 *
 * The TPM tells an old copy of the log at the start; a receipt tells it too
 * where TPM and log were set back together, or replaced.
 */

#include <string.h>

#include "appliance/core.h"
#include "lib/cosign.h"
#include "lib/file.h"
#include "lib/hex.h"

#define RECEIPT	     "receipt"
#define ROLE	     "auditor"
#define ED25519_SPKI 44u /* 12 bytes before the key, RFC 8410 4 */

struct receipt {
	struct checkpoint cp;
	uint64_t time;
	const struct policy_principal *who;
};

/* The name on the last line: whose the cosignature claims to be. */
static int
last_name(const char *note, size_t len, char name[NOTE_NAME_MAX + 1],
    struct diag *d)
{
	static const char dash[] = "\xe2\x80\x94 ";
	const char *line, *end;
	size_t n = 0;

	if (len > 1 && note[len - 1] == '\n') {
		line = memrchr(note, '\n', len - 1);
		line = line == NULL ? note : line + 1;
		if (strncmp(line, dash, sizeof(dash) - 1) == 0) {
			line += sizeof(dash) - 1;
			end = memchr(line, ' ', (size_t)(note + len - line));
			n = end == NULL ? 0 : (size_t)(end - line);
		}
	}
	if (n == 0 || n > NOTE_NAME_MAX)
		return diag_fail(d, CS_E_COSIGN_MISSING,
		    "an auditor's line at the end", "another line");
	memcpy(name, line, n);
	name[n] = '\0';
	return 0;
}

/* By this key of this person, now? */
static int
by_key(struct core *c, const char *note, size_t len, const char *name,
    const struct pubkey *k, struct receipt *ret, struct diag *d)
{
	struct cosign_key ck;
	int r;

	if (!pubkey_fits(k, KEY_ED25519) || k->spki_len != ED25519_SPKI)
		return CS_E_COSIGN_MISSING;
	r = cosign_key_make(name, k->spki + ED25519_SPKI - 32, &ck, d);
	return r == 0 ? receipt_verify(note, len, ledger_log_keys(c->ledger),
			    &ck, &ret->cp, &ret->time, d) :
			r;
}

static int
verify(struct core *c, const char *note, size_t len, int64_t now,
    struct receipt *ret, struct diag *d)
{
	const struct policy *p = c->policy;
	char name[NOTE_NAME_MAX + 1];
	size_t i, k;
	int r;

	r = last_name(note, len, name, d);
	if (r != 0)
		return r;
	for (i = 0; i < p->nprincipals; i++) {
		const struct policy_principal *w = &p->principals[i];

		if (!policy_list_has(&w->roles, ROLE) || now < w->valid_from ||
		    now > w->valid_until)
			continue;
		ret->who = w;
		for (k = 0; k < w->nkeys; k++) {
			r = by_key(c, note, len, name, w->keys[k], ret, d);
			/* signed by another one: go on looking */
			if (r != CS_E_COSIGN_MISSING)
				return r;
		}
	}
	return diag_fail(d, CS_E_COSIGN_MISSING,
	    "a cosignature by a principal with the role auditor, valid now",
	    "one by %.100s", name);
}

/* Against the log as it is */
static int
check(struct core *c, const struct checkpoint *cp, struct diag *d)
{
	const uint64_t size = ledger_size(c->ledger);
	uint8_t root[CS_SHA256_LEN];
	int r;

	if (cp->size > size)
		return receipt_check(cp, size, NULL, d);
	r = ledger_root_at(c->ledger, cp->size, root, d);
	return r == 0 ? receipt_check(cp, size, root, d) : r;
}

/* The one that is kept: 0, or 1 if there is none. */
static int
kept(struct core *c, struct checkpoint *ret, struct diag *d)
{
	const struct note_vkeys *log = ledger_log_keys(c->ledger);
	_cleanup_free_ uint8_t *note = NULL;
	size_t len;
	int r;

	if (!file_exists(CORE_STATE, RECEIPT))
		return 1;
	r = file_read(CORE_STATE, RECEIPT, NOTE_MAX, &note, &len, d);
	return r == 0 ?
	    note_verify((const char *)note, len, log->v, log->n, ret, d) :
	    r;
}

int
receipt_acknowledged(struct core *c, uint64_t *ret, struct diag *d)
{
	struct checkpoint cp = { .size = 0 };
	int r = kept(c, &cp, d);

	*ret = r == 0 && check(c, &cp, NULL) == 0 ? cp.size : 0;
	return r < 0 ? r : 0;
}

int
receipt_gate(struct core *c, struct diag *d)
{
	struct checkpoint cp = { .size = 0 };
	int r = kept(c, &cp, d);

	return r == 0 ? check(c, &cp, d) : r < 0 ? r : 0;
}

int
receipt_status(struct core *c)
{
	struct checkpoint cp = { .size = 0 };
	struct diag why = { 0 };
	int r = kept(c, &cp, &why);

	if (r == 1)
		return 0;
	if (r == 0)
		r = check(c, &cp, &why);
	return say(c, "  receipt    an auditor has %llu leaves%s%s\n",
	    (unsigned long long)cp.size,
	    r == 0 ? "" : "  NOTHING IS SIGNED: ", r == 0 ? "" : err_id(r));
}

static int
log_receipt(struct core *c, const uint8_t *note, size_t len,
    const struct receipt *v, const struct diag *why, struct diag *d)
{
	char blob[CS_SHA256_HEX + 1];
	int r = ledger_blob_put(c->ledger, note, len, blob, d);

	if (r != 0)
		return r;
	return core_log_one(c, "receipt",
	    json_pack("{s:s, s:o, s:I, s:I, s:s, s:s*, s:s*}", "person",
		v->who->id, "root", json_hex32(v->cp.root), "size",
		(json_int_t)v->cp.size, "signed", (json_int_t)v->time,
		"receipt", blob, "check",
		why->code == 0 ? NULL : err_id(why->code), "found",
		why->code == 0 ? NULL : why->found),
	    d);
}

int
intake_receipt(struct core *c, const uint8_t *note, size_t len, int64_t now,
    struct diag *d)
{
	struct receipt v = { .who = NULL };
	struct diag why = { 0 }, later = { 0 };
	struct checkpoint have = { .size = 0 };
	int r, bad;

	r = verify(c, (const char *)note, len, now, &v, d);
	if (r != 0) {
		if (d->code != r)
			(void)diag_fail(d, r, NULL, "a receipt");
		return intake_log_unreadable(c, d, &later) != 0 ? CS_E_IPC : r;
	}
	bad = check(c, &v.cp, &why);
	r = kept(c, &have, d);
	/* kept first: what it says of a log that was set back must stay */
	if (r >= 0 && (v.cp.size > have.size || bad != 0))
		r = file_write_atomic(CORE_STATE, RECEIPT, note, len, 0600, d);
	if (r >= 0)
		r = log_receipt(c, note, len, &v, &why, d);
	if (r == 0 && bad != 0) {
		*d = why;
		return bad;
	}
	return r == 0 ? say(c,
			    "a receipt by %s: the auditor has %llu leaves of "
			    "this log\n",
			    v.who->id, (unsigned long long)v.cp.size) :
			r;
}
