/* SPDX-License-Identifier: Apache-2.0 */
#include "appliance/core.h"

/* The signer works on it while we do something else. */
static int
checkpoint_begin(struct core *c, char **ret_text, struct diag *d)
{
	int r = ledger_checkpoint_text(c->ledger, ret_text, d);

	return r == 0 ? signer_checkpoint_begin(c, *ret_text, d) : r;
}

static int
checkpoint_end(struct core *c, const char *text, struct diag *d)
{
	struct buf tpm_sig = BUF_INIT(128);
	uint8_t sig[64];
	int r;

	r = signer_checkpoint_end(c, sig, &tpm_sig, d);
	if (r == 0)
		r = ledger_checkpoint_store(c->ledger, text, sig, tpm_sig.p,
		    tpm_sig.len, d);
	buf_done(&tpm_sig);
	return r == 0 ? anchor_add(c, d) : r;
}

int
core_checkpoint(struct core *c, struct diag *d)
{
	_cleanup_free_ char *text = NULL;
	int r = checkpoint_begin(c, &text, d);

	return r == 0 ? checkpoint_end(c, text, d) : r;
}

/* Leaves durable; then the index, while the signer signs the checkpoint. */
int
core_log_at(struct core *c, struct event *ev, size_t n,
    const struct ledger_clock *clock, int64_t now, struct diag *d)
{
	_cleanup_free_ char *text = NULL;
	struct diag why = { 0 };
	int r, e;

	r = ledger_store(c->ledger, ev, n, clock, now, d);
	if (r != 0)
		return r;
	r = checkpoint_begin(c, &text, d);
	e = ledger_index(c->ledger, &why);
	if (e != 0) {
		if (d != NULL)
			*d = why;
		return e;
	}
	return r == 0 ? checkpoint_end(c, text, d) : r;
}

int
core_log(struct core *c, struct event *ev, size_t n, struct diag *d)
{
	struct ledger_clock clock = { 0 };
	size_t i;
	int r;

	r = signer_clock(c, &clock, d);
	if (r == 0)
		return core_log_at(c, ev, n, &clock, core_now(), d);
	for (i = 0; i < n; i++)
		event_done(&ev[i]);
	return r;
}

int
core_log_one(struct core *c, const char *type, json_t *data, struct diag *d)
{
	struct event ev = { .type = type, .data = data };

	if (data == NULL)
		return diag_nomem(d);
	return core_log(c, &ev, 1, d);
}
