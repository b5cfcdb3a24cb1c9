/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "hsm/signer.h"

/*
 * Every time that the TPM is asked for a PIN, the core is told before the PIN
 * is used: whose, for how many approvers, what came of it, and whether the
 * chip counted it against its lockout.
 */

/* Not known is no reason to refuse: both are then left out. */
static void
look_at_lockout(struct signer *s, struct signer_attempt *a, uint32_t *counter)
{
	struct tpm_lockout l;

	if (tpm_lockout_info(s->tpm, &l, NULL) != 0) {
		a->lockout = false;
		return;
	}
	*counter = l.counter;
	a->lockout_max = l.max;
}

static void
attempt_init(struct signer_attempt *a, const char *domain,
    const struct tpm_ballot *ballot)
{
	*a = (struct signer_attempt){ .lockout = true };
	(void)snprintf(a->domain, sizeof(a->domain), "%s", domain);
	if (ballot == NULL)
		return;
	a->approvers = (uint32_t)ballot->n;
	a->ceremony = true;
	memcpy(a->nonce, ballot->session->nonce, sizeof(a->nonce));
}

int
signer_attempt_put(struct buf *b, const struct signer_attempt *a)
{
	int r;

	r = buf_put_cstr(b, a->domain);
	if (r == 0)
		r = buf_put_u32(b, a->approvers);
	if (r == 0)
		r = buf_put_str(b, a->nonce,
		    a->ceremony ? sizeof(a->nonce) : 0);
	if (r == 0)
		r = buf_put_u8(b, a->lockout ? 1 : 0);
	if (r == 0)
		r = buf_put_u32(b, a->lockout_before);
	if (r == 0)
		r = buf_put_u32(b, a->lockout_after);
	if (r == 0)
		r = buf_put_u32(b, a->lockout_max);
	if (r == 0)
		r = buf_put_u8(b, a->why.code == 0 ? 0 : 1);
	return r == 0 && a->why.code != 0 ? ipc_put_diag(b, &a->why) : r;
}

static int
tell(struct signer *s, const struct signer_attempt *a)
{
	struct buf b = BUF_INIT(4096);
	int r = signer_attempt_put(&b, a);

	if (r == 0)
		r = ipc_send_buf(s->sock, SIGNER_UNSEALED, &b, -1);
	buf_done(&b);
	return r == 0 ? 0 : CS_E_IPC;
}

int
signer_unseal(struct signer *s, const struct signer_door *door,
    const uint8_t *blob, size_t len, struct secret **ret, struct diag *d)
{
	_cleanup_secret_ struct secret *pin = NULL;
	struct signer_attempt a;
	int r;

	attempt_init(&a, door->domain, door->ballot);
	look_at_lockout(s, &a, &a.lockout_before);
	r = tpm_unseal(s->tpm, s->img, blob, len, door->label, door->ballot,
	    &pin, &a.why);
	if (r != 0 && a.why.code != r)
		(void)diag_fail(&a.why, r, NULL, "the unseal");
	if (r != 0)
		*d = a.why;
	look_at_lockout(s, &a, &a.lockout_after);
	if (door->attempt != NULL)
		*door->attempt = a;
	else if (tell(s, &a) != 0)
		return CS_E_IPC;
	if (r == 0)
		*ret = take_ptr(pin);
	return r;
}

/* What is known to fail is an attempt that the TPM was spared. */
int
signer_unseal_check(struct signer *s, const struct signer_part *x,
    const uint8_t *blob, size_t len, struct diag *d)
{
	struct signer_attempt a;
	int r;

	r = tpm_unseal_check(s->tpm, blob, len, x->label, &x->ballot, d);
	if (r == 0)
		return 0;
	attempt_init(&a, x->domain->id, &x->ballot);
	if (d->code != r)
		(void)diag_fail(d, r, NULL, "the sealed PIN");
	a.why = *d;
	look_at_lockout(s, &a, &a.lockout_before);
	look_at_lockout(s, &a, &a.lockout_after);
	return tell(s, &a) == 0 ? r : CS_E_IPC;
}
