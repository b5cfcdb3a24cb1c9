/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Talking to the signer.  One is started when a console command first needs
 * it, and told goodbye when the command ends, unless the next command is
 * expected to be the signing.
 */

#include <poll.h>
#include <string.h>

#include "appliance/core.h"
#include "lib/file.h"

#define WHO "the signer"

static int
ask_signer(struct core *c, uint16_t type, const struct buf *body, int fd,
    uint16_t want, struct ipc_msg *ret, struct diag *d)
{
	static const struct buf empty;
	int r;

	if (c->signer < 0) {
		r = helper_spawn(c, SUP_SIGNER, "", &c->signer, NULL, d);
		if (r != 0)
			return r;
	}
	r = ipc_send_buf(c->signer, type, body == NULL ? &empty : body, fd);
	if (r != 0)
		return diag_fail(d, CS_E_IPC, "an answer", WHO " ended");
	r = helper_recv(c->signer, SIGNER_FAIL, WHO, ret, d);
	if (r == 0 && ret->type != want)
		r = diag_fail(d, CS_E_IPC, "its answer", WHO " said %#x",
		    ret->type);
	return r;
}

static int
bad_answer(struct diag *d)
{
	return diag_fail(d, CS_E_IPC, "a well-formed answer", WHO);
}

void
signer_end(struct core *c)
{
	if (c->signer >= 0)
		cs_ignore(ipc_send(c->signer, SIGNER_BYE, NULL, 0, -1));
	close_fdp(&c->signer);
}

void
signer_check(struct core *c)
{
	struct pollfd p = { .fd = c->signer, .events = POLLIN };

	if (c->signer >= 0 && poll(&p, 1, 0) != 0)
		signing_drop(c);
}

int
signer_clock(struct core *c, struct ledger_clock *ret, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct rd rd;
	uint8_t safe = 0;
	int r;

	r = ask_signer(c, SIGNER_CLOCK, NULL, -1, SIGNER_CLOCK_R, &m, d);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	if (rd_u64(&rd, &ret->clock) != 0 || rd_u32(&rd, &ret->reset) != 0 ||
	    rd_u32(&rd, &ret->restart) != 0 || rd_u8(&rd, &safe) != 0 ||
	    rd_end(&rd) != 0)
		return bad_answer(d);
	ret->safe = safe != 0;
	return 0;
}

/* An answer that is one string of exactly n bytes. */
static int
fixed_answer(const struct ipc_msg *m, uint8_t *out, size_t n, struct diag *d)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	const uint8_t *p;
	size_t len;

	if (rd_str(&rd, n, &p, &len) != 0 || len != n || rd_end(&rd) != 0)
		return bad_answer(d);
	memcpy(out, p, n);
	return 0;
}

int
signer_nonce(struct core *c, uint8_t ret[32], struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	int r;

	r = ask_signer(c, SIGNER_NONCE, NULL, -1, SIGNER_NONCE_R, &m, d);
	return r != 0 ? r : fixed_answer(&m, ret, 32, d);
}

int
signer_checkpoint(struct core *c, const char *text, uint8_t sig[64],
    struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(IPC_MAX - 2);
	int r;

	r = buf_put_cstr(&b, text);
	if (r == 0)
		r = ask_signer(c, SIGNER_CHECKPOINT, &b, -1,
		    SIGNER_CHECKPOINT_R, &m, d);
	buf_done(&b);
	return r != 0 ? r : fixed_answer(&m, sig, 64, d);
}

int
signer_record(struct core *c, const char *payload, size_t len, char **ret,
    size_t *ret_len, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_fd_ int fd = -1;
	struct dsse_new_sig s = { 0 };
	const uint8_t *id;
	size_t id_len;
	struct rd rd;
	int r;

	r = memfd_sealed("record", payload, len, &fd, d);
	if (r == 0)
		r = ask_signer(c, SIGNER_RECORD, NULL, fd, SIGNER_RECORD_R, &m,
		    d);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	if (rd_str(&rd, 4096, &s.sig, &s.sig_len) != 0 ||
	    rd_str(&rd, 32, &id, &id_len) != 0 || id_len != 32 ||
	    rd_end(&rd) != 0)
		return bad_answer(d);
	s.keyid = id;
	return dsse_format(payload, len, &s, 1, ret, ret_len);
}

int
signer_preflight(struct core *c, const struct buf *job, uint32_t *ret_n,
    struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_fd_ int fd = -1;
	struct rd rd;
	int r;

	r = memfd_sealed("job", job->p, job->len, &fd, d);
	if (r == 0)
		r = ask_signer(c, SIGNER_PREFLIGHT, NULL, fd,
		    SIGNER_PREFLIGHT_R, &m, d);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	if (rd_u32(&rd, ret_n) != 0 || rd_end(&rd) != 0)
		return bad_answer(d);
	return 0;
}

int
signer_sign(struct core *c, uint32_t n,
    int (*cb)(void *arg, uint32_t i, const uint8_t *sig, size_t len), void *arg,
    struct diag *d)
{
	uint32_t got = 0, i = 0;
	int r;

	if (c->signer < 0 || ipc_send(c->signer, SIGNER_SIGN, NULL, 0, -1) != 0)
		return diag_fail(d, CS_E_IPC, "a preflighted job", WHO);
	for (;;) {
		_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
		const uint8_t *sig = NULL;
		size_t len = 0;
		struct rd rd;

		r = helper_recv(c->signer, SIGNER_FAIL, WHO, &m, d);
		if (r != 0)
			return r;
		rd = (struct rd)RD_INIT(m.body.p, m.body.len);
		if (rd_u32(&rd, &i) != 0)
			return bad_answer(d);
		if (m.type == SIGNER_SIGN_R)
			return i == n && got == n && rd_end(&rd) == 0 ?
			    0 :
			    bad_answer(d);
		if (m.type != SIGNER_SIG || i != got || i >= n ||
		    rd_str(&rd, IPC_MAX, &sig, &len) != 0 || rd_end(&rd) != 0)
			return bad_answer(d);
		r = cb(arg, i, sig, len);
		if (r != 0)
			return r;
		got++;
	}
}
