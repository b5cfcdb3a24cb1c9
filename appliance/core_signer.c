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
#include "lib/note.h"

#define WHO "the signer"

static int
tell_signer(struct core *c, uint16_t type, const struct buf *body, int fd,
    struct diag *d)
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
	return 0;
}

static int
bad_answer(struct diag *d)
{
	return diag_fail(d, CS_E_IPC, "a well-formed answer", WHO);
}

/* The next message; what is told before it is kept for the log. */
static int
recv_signer(struct core *c, struct ipc_msg *ret, struct diag *d)
{
	int r;

	for (;;) {
		r = helper_recv(c->signer, SIGNER_FAIL, WHO, ret, d);
		if (r != 0)
			return r;
		if (ret->type == SIGNER_UNSEALED)
			r = unseal_take(c, ret);
		else if (ret->type == SIGNER_TOKEN_LOG)
			r = hsmlog_take(c, ret);
		else
			return 0;
		if (r != 0)
			return bad_answer(d);
	}
}

static int
hear_signer(struct core *c, uint16_t want, struct ipc_msg *ret, struct diag *d)
{
	int r = recv_signer(c, ret, d);

	if (r == 0 && ret->type != want)
		r = diag_fail(d, CS_E_IPC, "its answer", WHO " said %#x",
		    ret->type);
	return r;
}

static int
ask_signer(struct core *c, uint16_t type, const struct buf *body, int fd,
    uint16_t want, struct ipc_msg *ret, struct diag *d)
{
	int r = tell_signer(c, type, body, fd, d);

	return r == 0 ? hear_signer(c, want, ret, d) : r;
}

void
signer_end(struct core *c)
{
	if (c->signer >= 0)
		cs_ignore(ipc_send(c->signer, SIGNER_BYE, NULL, 0, -1));
	close_fdp(&c->signer);
}

/* Nothing to say, and not gone. */
bool
signer_is_idle(const struct core *c)
{
	struct pollfd p = { .fd = c->signer, .events = POLLIN };

	return c->signer >= 0 && poll(&p, 1, 0) == 0;
}

void
signer_check(struct core *c)
{
	if (c->signer >= 0 && !signer_is_idle(c))
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

static int
put_session(const struct domain_list *domains, const uint32_t *keep, uint32_t n,
    struct buf *b)
{
	size_t i;
	int r = buf_put_u32(b, (uint32_t)domains->n);

	for (i = 0; r == 0 && i < domains->n; i++)
		r = buf_put_cstr(b, domains->v[i]->id);
	if (r == 0)
		r = buf_put_u32(b, n);
	for (i = 0; r == 0 && i < n; i++)
		r = buf_put_u32(b, keep[i]);
	return r;
}

int
signer_session(struct core *c, const struct domain_list *domains,
    const uint32_t *keep, uint32_t n, uint8_t **ret, size_t *ret_len,
    uint32_t *ret_seconds, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(4096);
	const uint8_t *p;
	struct rd rd;
	int r;

	r = put_session(domains, keep, n, &b);
	if (r == 0)
		r = ask_signer(c, SIGNER_SESSION, &b, -1, SIGNER_SESSION_R, &m,
		    d);
	buf_done(&b);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	if (rd_str(&rd, IPC_MAX, &p, ret_len) != 0 ||
	    rd_u32(&rd, ret_seconds) != 0 || rd_end(&rd) != 0)
		return bad_answer(d);
	*ret = malloc(*ret_len + 1);
	if (*ret == NULL)
		return diag_nomem(d);
	memcpy(*ret, p, *ret_len);
	return 0;
}

int
signer_state(struct core *c, struct signer_state *ret, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	const uint8_t *anchor;
	struct rd rd;
	size_t len;
	int r;

	r = ask_signer(c, SIGNER_STATE, NULL, -1, SIGNER_STATE_R, &m, d);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	if (rd_str(&rd, 32, &anchor, &len) != 0 || len != 32 ||
	    rd_u64(&rd, &ret->count) != 0 ||
	    rd_u64(&rd, &ret->generation) != 0 ||
	    rd_u64(&rd, &ret->image_floor) != 0 ||
	    rd_u64(&rd, &ret->image_version) != 0 || rd_end(&rd) != 0)
		return bad_answer(d);
	memcpy(ret->anchor, anchor, 32);
	return 0;
}

int
signer_open(struct core *c, struct unseal *ret, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	int r;

	r = ask_signer(c, SIGNER_OPEN, NULL, -1, SIGNER_OPEN_R, &m, d);
	if (r != 0)
		return r;
	return unseal_read(&m, ret) == 0 ? 0 : bad_answer(d);
}

int
signer_log_taken(struct core *c, const char *domain, uint16_t number,
    struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(128);
	int r;

	/* the session that read them is that of this process, or none */
	if (c->signer < 0)
		return diag_fail(d, CS_E_IPC, "its session", WHO " ended");
	r = buf_put_cstr(&b, domain);
	if (r == 0)
		r = buf_put_u16(&b, number);
	if (r == 0)
		r = ask_signer(c, SIGNER_LOG_TAKEN, &b, -1, SIGNER_LOG_TAKEN_R,
		    &m, d);
	buf_done(&b);
	return r;
}

int
signer_log_room(struct core *c, struct hsmlog_room ret[CORE_HSMLOGS_MAX],
    size_t *ret_n, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct rd rd;
	uint32_t n = 0, i;
	int r;

	r = ask_signer(c, SIGNER_LOG_ROOM, NULL, -1, SIGNER_LOG_ROOM_R, &m, d);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	if (rd_u32(&rd, &n) != 0 || n > CORE_HSMLOGS_MAX)
		return bad_answer(d);
	for (i = 0; i < n; i++)
		if (rd_cstr_into(&rd, ret[i].domain, sizeof(ret[i].domain)) !=
			0 ||
		    rd_u32(&rd, &ret[i].total) != 0 ||
		    rd_u32(&rd, &ret[i].used) != 0 ||
		    ret[i].used > ret[i].total)
			return bad_answer(d);
	if (rd_end(&rd) != 0)
		return bad_answer(d);
	*ret_n = n;
	return 0;
}

int
signer_count(struct core *c, uint64_t *ret, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct rd rd;
	int r;

	r = ask_signer(c, SIGNER_COUNT, NULL, -1, SIGNER_COUNT_R, &m, d);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	return rd_u64(&rd, ret) == 0 && rd_end(&rd) == 0 ? 0 : bad_answer(d);
}

int
signer_anchor(struct core *c, const void *note, size_t len, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(IPC_MAX - 2);
	int r;

	r = buf_put_str(&b, note, len);
	if (r == 0)
		r = ask_signer(c, SIGNER_ANCHOR, &b, -1, SIGNER_ANCHOR_R, &m,
		    d);
	buf_done(&b);
	return r;
}

int
signer_attest(struct core *c, const void *note, size_t len,
    const uint8_t *challenge, char **ret, size_t *ret_len, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(IPC_MAX - 2);
	_cleanup_free_ char *text = NULL;
	struct rd rd;
	int r;

	r = buf_put_str(&b, note, len);
	if (r == 0)
		r = buf_put_str(&b, challenge, challenge == NULL ? 0 : 32);
	if (r == 0)
		r = buf_put_u64(&b, c->policy->version);
	if (r == 0)
		r = buf_put_str(&b, c->policy->digest, 32);
	if (r == 0)
		r = ask_signer(c, SIGNER_ATTEST, &b, -1, SIGNER_ATTEST_R, &m,
		    d);
	buf_done(&b);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	if (rd_cstr(&rd, IPC_MAX, &text) != 0 || rd_end(&rd) != 0)
		return bad_answer(d);
	*ret_len = strlen(text);
	*ret = take_ptr(text);
	return 0;
}

int
signer_checkpoint_begin(struct core *c, const char *text, struct diag *d)
{
	struct buf b = BUF_INIT(IPC_MAX - 2);
	int r;

	r = buf_put_cstr(&b, text);
	if (r == 0)
		r = tell_signer(c, SIGNER_CHECKPOINT, &b, -1, d);
	buf_done(&b);
	return r;
}

int
signer_checkpoint_end(struct core *c, uint8_t sig[64], struct buf *tpm_sig,
    struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	const uint8_t *p, *q;
	size_t len, qlen;
	struct rd rd;
	int r;

	r = hear_signer(c, SIGNER_CHECKPOINT_R, &m, d);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	if (rd_str(&rd, 64, &p, &len) != 0 || len != 64 ||
	    rd_str(&rd, NOTE_ECDSA_MAX, &q, &qlen) != 0 || rd_end(&rd) != 0)
		return bad_answer(d);
	memcpy(sig, p, 64);
	return buf_put(tpm_sig, q, qlen);
}

int
signer_record_begin(struct core *c, const char *payload, size_t len,
    struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	int r = memfd_sealed("record", payload, len, &fd, d);

	return r == 0 ? tell_signer(c, SIGNER_RECORD, NULL, fd, d) : r;
}

int
signer_record_end(struct core *c, const char *payload, size_t len, char **ret,
    size_t *ret_len, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct dsse_new_sig s = { 0 };
	const uint8_t *id;
	size_t id_len;
	struct rd rd;
	int r;

	r = hear_signer(c, SIGNER_RECORD_R, &m, d);
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
signer_record(struct core *c, const char *payload, size_t len, char **ret,
    size_t *ret_len, struct diag *d)
{
	int r = signer_record_begin(c, payload, len, d);

	return r == 0 ? signer_record_end(c, payload, len, ret, ret_len, d) : r;
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

/* The signatures of one message, each the next subject's. */
static int
take_signatures(const struct ipc_msg *m, uint32_t n, uint32_t *got,
    int (*cb)(void *arg, uint32_t i, const uint8_t *sig, size_t len), void *arg,
    struct diag *d)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	const uint8_t *sig = NULL;
	size_t len = 0;
	uint32_t i = 0;
	int r;

	do {
		if (rd_u32(&rd, &i) != 0 || i != *got || i >= n ||
		    rd_str(&rd, IPC_MAX, &sig, &len) != 0)
			return bad_answer(d);
		r = cb(arg, i, sig, len);
		if (r != 0)
			return r;
		(*got)++;
	} while (rd_end(&rd) != 0);
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
		struct rd rd;

		r = recv_signer(c, &m, d);
		if (r != 0)
			return r;
		if (m.type == SIGNER_SIG) {
			r = take_signatures(&m, n, &got, cb, arg, d);
			if (r != 0)
				return r;
			continue;
		}
		rd = (struct rd)RD_INIT(m.body.p, m.body.len);
		return m.type == SIGNER_SIGN_R && rd_u32(&rd, &i) == 0 &&
			i == n && got == n && rd_end(&rd) == 0 ?
		    0 :
		    bad_answer(d);
	}
}

static int
copy(struct rd *rd, size_t max, uint8_t **ret, size_t *ret_len)
{
	const uint8_t *p = NULL;
	int r = rd_str(rd, max, &p, ret_len);

	if (r != 0 || *ret_len == 0)
		return r;
	*ret = malloc(*ret_len);
	if (*ret == NULL)
		return CS_E_NOMEM;
	memcpy(*ret, p, *ret_len);
	return 0;
}

void
signer_changed_done(struct signer_changed *x)
{
	free(x->uri);
	free((void *)(uintptr_t)x->made.spki);
	free((void *)(uintptr_t)x->made.csr);
	free((void *)(uintptr_t)x->made.attestation);
	*x = (struct signer_changed){ .uri = NULL };
}

int
signer_change(struct core *c, struct signer_changed *ret, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	uint8_t *spki = NULL, *csr = NULL, *attestation = NULL, restricted = 0;
	struct rd rd;
	int r;

	if (c->signer < 0 ||
	    ipc_send(c->signer, SIGNER_CHANGE, NULL, 0, -1) != 0)
		return diag_fail(d, CS_E_IPC, "a preflighted job", WHO);
	r = hear_signer(c, SIGNER_CHANGE_R, &m, d);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	r = rd_u64(&rd, &ret->generation);
	if (r == 0)
		r = rd_cstr(&rd, 200, &ret->uri);
	if (r == 0)
		r = copy(&rd, 4096, &spki, &ret->made.spki_len);
	if (r == 0)
		r = copy(&rd, 16384, &csr, &ret->made.csr_len);
	if (r == 0)
		r = copy(&rd, 16384, &attestation, &ret->made.attestation_len);
	if (r == 0)
		r = rd_u8(&rd, &restricted);
	if (r == 0)
		r = rd_end(&rd);
	ret->made.spki = spki;
	ret->made.csr = csr;
	ret->made.attestation = attestation;
	ret->made.restricted = restricted != 0;
	if (spki != NULL)
		ret->made.uri = ret->uri;
	return r == 0 ? 0 : bad_answer(d);
}
