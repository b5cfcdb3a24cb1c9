/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/signer.h"

/* A change that needs a PIN; the others are the core's alone. */

static void
made_done(struct signer_made *x)
{
	pubkey_free(&x->pub);
	free(x->csr);
	free(x->attestation);
}

static int
answer(struct signer *s, uint64_t generation, const struct signer_made *x)
{
	struct buf b = BUF_INIT(IPC_MAX - 2);
	int r;

	r = buf_put_u64(&b, generation);
	if (r == 0)
		r = buf_put_cstr(&b, x->uri);
	if (r == 0)
		r = buf_put_str(&b, x->pub == NULL ? NULL : x->pub->spki,
		    x->pub == NULL ? 0 : x->pub->spki_len);
	if (r == 0)
		r = buf_put_str(&b, x->csr, x->csr_len);
	if (r == 0)
		r = buf_put_str(&b, x->attestation, x->attestation_len);
	if (r == 0)
		r = buf_put_u8(&b, x->restricted ? 1 : 0);
	if (r == 0)
		r = ipc_send_buf(s->sock, SIGNER_CHANGE_R, &b, -1);
	buf_done(&b);
	return r;
}

int
signer_change(struct signer *s, struct ipc_msg *m, struct diag *d)
{
	_cleanup_(made_done) struct signer_made x = { .pub = NULL };
	uint64_t generation = 0;
	int r;

	(void)m;
	switch (s->job->req->action) {
	case CHANGE_POLICY:
		r = signer_reseal(s, &generation, d);
		break;
	case CHANGE_KEY_GENERATE:
		r = signer_key_generate(s, &x, d);
		break;
	case CHANGE_KEY_DESTROY:
		r = signer_key_destroy(s, d);
		break;
	default:
		return CS_E_IPC;
	}
	return r == 0 ? answer(s, generation, &x) : r;
}
