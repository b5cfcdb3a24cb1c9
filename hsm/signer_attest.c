/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "hsm/signer.h"
#include "tpm/attest.h"

/* What the TPM says of itself, over a checkpoint of this appliance's log. */
struct question {
	char *note; /* free() */
	const uint8_t *challenge, *policy;
	size_t challenge_len, policy_len;
	uint64_t version;
};

static void
question_done(struct question *q)
{
	free(q->note);
}

static int
read_question(const struct ipc_msg *m, struct question *q)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);

	if (m->fd >= 0 || rd_cstr(&rd, ATTEST_CHECKPOINT_MAX, &q->note) != 0 ||
	    rd_str(&rd, CS_SHA256_LEN, &q->challenge, &q->challenge_len) != 0 ||
	    (q->challenge_len != 0 && q->challenge_len != CS_SHA256_LEN) ||
	    rd_u64(&rd, &q->version) != 0 ||
	    rd_str(&rd, CS_SHA256_LEN, &q->policy, &q->policy_len) != 0 ||
	    q->policy_len != CS_SHA256_LEN)
		return CS_E_IPC;
	return rd_end(&rd);
}

static int
ask_tpm(struct signer *s, const struct question *q, char **ret, size_t *ret_len,
    struct diag *d)
{
	struct attest_facts f = {
		.policy_version = q->version,
		.checkpoint = q->note,
		.challenge = q->challenge_len != 0 ? q->challenge : NULL,
		.anchor = tpm_nv_handle(TPM_NV_ANCHOR),
	};
	int r;

	r = signer_check_note(s, (const uint8_t *)q->note, strlen(q->note), d);
	if (r == 0)
		r = signer_image(s, d);
	if (r != 0)
		return r;
	memcpy(f.policy, q->policy, sizeof(f.policy));
	f.image_version = s->img->version;
	f.pcrs = s->img->pcrs.mask;
	return attest_answer(s->tpm, &f, ret, ret_len, d);
}

int
signer_attest(struct signer *s, struct ipc_msg *m, struct diag *d)
{
	struct buf b = BUF_INIT(IPC_MAX - 2);
	_cleanup_free_ char *text = NULL;
	_cleanup_(question_done) struct question q = { 0 };
	size_t len;
	int r;

	if (read_question(m, &q) != 0)
		return CS_E_IPC;
	r = ask_tpm(s, &q, &text, &len, d);
	if (r == 0)
		r = buf_put_str(&b, text, len);
	if (r == 0)
		r = ipc_send_buf(s->sock, SIGNER_ATTEST_R, &b, -1);
	buf_done(&b);
	return r;
}
