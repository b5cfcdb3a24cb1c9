/* SPDX-License-Identifier: Apache-2.0 */
#include "appliance/core.h"

int
core_checkpoint(struct core *c, struct diag *d)
{
	_cleanup_free_ char *text = NULL;
	struct buf tpm_sig = BUF_INIT(128);
	uint8_t sig[64];
	int r;

	r = ledger_checkpoint_text(c->ledger, &text, d);
	if (r == 0)
		r = signer_checkpoint(c, text, sig, &tpm_sig, d);
	if (r == 0)
		r = ledger_checkpoint_store(c->ledger, text, sig, tpm_sig.p,
		    tpm_sig.len, d);
	buf_done(&tpm_sig);
	return r == 0 ? anchor_add(c, d) : r;
}

int
core_log(struct core *c, struct event *ev, size_t n, struct diag *d)
{
	struct ledger_clock clock = { 0 };
	size_t i;
	int r;

	r = signer_clock(c, &clock, d);
	if (r != 0) {
		for (i = 0; i < n; i++) {
			json_decref(ev[i].data);
			ev[i].data = NULL;
		}
		return r;
	}
	r = ledger_append(c->ledger, ev, n, &clock, core_now(), d);
	return r != 0 ? r : core_checkpoint(c, d);
}

int
core_log_one(struct core *c, const char *type, json_t *data, struct diag *d)
{
	struct event ev = { .type = type, .data = data };

	if (data == NULL)
		return diag_nomem(d);
	return core_log(c, &ev, 1, d);
}
