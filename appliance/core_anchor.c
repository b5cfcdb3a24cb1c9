/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The TPM's anchor: an index that is extended with every checkpoint, so that
 * the chip knows which sequence of them it saw.
 *
 *	checkpoint stored -> anchor extended -> anything released
 *
 * A crash in between leaves the log one checkpoint ahead, which the next
 * start finishes.  A log that the anchor does not fit is an old copy or was
 * altered; another TPM and a cleared one are told apart by the signer.
 */

#include <string.h>

#include "appliance/core.h"

static int
behind(struct core *c, uint64_t n, const struct signer_state *s, struct diag *d)
{
	return diag_fail(d, CS_E_ANCHOR_BEHIND,
	    "the checkpoints that the TPM has seen",
	    "another sequence: %llu checkpoints, %llu leaves; the TPM counts "
	    "%llu boots and exports",
	    (unsigned long long)n, (unsigned long long)ledger_size(c->ledger),
	    (unsigned long long)s->count);
}

static int
extend_last(struct core *c, struct diag *d)
{
	_cleanup_free_ char *note = NULL;
	uint64_t size = 0;
	size_t len;
	int r;

	r = ledger_checkpoint_last(c->ledger, &note, &len, &size, d);
	return r == 0 ? signer_anchor(c, note, len, d) : r;
}

int
anchor_start(struct core *c, struct diag *d)
{
	uint8_t before[32];
	uint64_t n = 0;
	int r;

	r = signer_state(c, &c->tpm, d);
	if (r == 0)
		r = ledger_anchor(c->ledger, before, c->anchor, &n, d);
	if (r != 0)
		return r;
	c->nanchored = n;
	if (memcmp(c->tpm.anchor, c->anchor, 32) == 0)
		return 0;
	if (n == 0 || memcmp(c->tpm.anchor, before, 32) != 0)
		return behind(c, n, &c->tpm, d);
	r = extend_last(c, d);
	if (r != 0)
		return r;
	return say(c,
	    "the last checkpoint had not reached the TPM; that is finished "
	    "now\n");
}

/* After a failure: did the TPM take it or not? */
static int
settle(struct core *c, const uint8_t before[32], struct diag *d)
{
	struct signer_state s;
	int r;

	signer_end(c);
	r = signer_state(c, &s, d);
	if (r != 0 || memcmp(s.anchor, c->anchor, 32) == 0)
		return r;
	if (memcmp(s.anchor, before, 32) != 0)
		return behind(c, c->nanchored, &s, d);
	return extend_last(c, d);
}

int
anchor_add(struct core *c, struct diag *d)
{
	_cleanup_free_ char *note = NULL;
	struct diag first = { 0 };
	uint8_t before[32];
	uint64_t size = 0;
	size_t len;
	int r;

	r = ledger_checkpoint_last(c->ledger, &note, &len, &size, d);
	if (r != 0)
		return r;
	memcpy(before, c->anchor, sizeof(before));
	r = ledger_anchor_next(c->anchor, note, len);
	if (r != 0)
		return r;
	c->nanchored++;
	if (signer_anchor(c, note, len, &first) == 0)
		return 0;
	r = settle(c, before, d);
	if (r == 0)
		return 0;
	return diag_fail(d, CS_E_ANCHOR, "a TPM that takes the checkpoint",
	    "%s: %.120s", err_id(first.code), first.found);
}
