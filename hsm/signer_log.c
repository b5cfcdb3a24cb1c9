/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "hsm/signer.h"
#include "hsm/token_log_ops.h"

/*
 * The HSM's own log.  Before the first use of a key its session is open, or
 * the ceremony ends; before the answer its entries go to the core, which
 * judges them; only when the core says that its own log has them may the HSM
 * forget them.
 *
 *	preflight: room? -> login -> keys are used -> read, SIGNER_TOKEN_LOG
 *	    -> SIGNER_LOG_TAKEN -> forgotten
 */
static const struct token_log_ops *const ops = &token_log_yubihsm;

/* Logins, power on and the like, beside the uses of a key. */
#define LOG_BESIDE 8u

int
signer_logs_open(struct signer *s, char **argv, size_t argc, struct diag *d)
{
	struct signer_log *l;
	size_t i;
	int r = 0;

	if (argc % SIGNER_LOG_ARGS != 0 ||
	    argc / SIGNER_LOG_ARGS > SIGNER_LOGS_MAX)
		return diag_fail(d, CS_E_USAGE,
		    "domain, library, connector of each log", "%zu words",
		    argc);
	for (i = 0; r == 0 && i < argc; i += SIGNER_LOG_ARGS) {
		l = &s->logs[s->nlogs];
		l->domain = argv[i];
		r = ops->open(argv[i + 1], argv[i + 2], &l->dev, d);
		if (r == 0)
			s->nlogs++;
	}
	return r;
}

void
signer_logs_close(struct signer *s)
{
	while (s->nlogs > 0)
		ops->close(&s->logs[--s->nlogs].dev);
}

static struct signer_log *
log_of(struct signer *s, const char *domain)
{
	size_t i;

	for (i = 0; i < s->nlogs; i++)
		if (strcmp(s->logs[i].domain, domain) == 0)
			return &s->logs[i];
	return NULL;
}

int
signer_log_login(struct signer *s, const char *domain, struct secret *pin,
    struct diag *d)
{
	struct signer_log *l = log_of(s, domain);

	return l == NULL ? 0 : ops->login(l->dev, pin, d);
}

int
signer_log_check(struct signer *s, const char *domain, size_t uses,
    struct diag *d)
{
	struct signer_log *l = log_of(s, domain);
	uint32_t total = 0, used = 0;
	int r;

	if (l == NULL)
		return 0;
	r = ops->room(l->dev, &total, &used, d);
	if (r != 0 || uses == 0 || total - used >= uses + LOG_BESIDE)
		return r;
	return diag_fail(d, CS_E_HSM_LOG_FULL,
	    "room for each signature, and 8 entries more",
	    "%u of %u entries free for %zu signatures", total - used, total,
	    uses);
}

static int
put_entries(struct buf *b, const struct token_log *log)
{
	uint8_t raw[TOKEN_LOG_MAX * TOKEN_LOG_ENTRY_LEN] = { 0 };
	size_t i;
	int r;

	for (i = 0; i < log->n; i++)
		token_log_encode(&log->v[i], raw + i * TOKEN_LOG_ENTRY_LEN);
	r = buf_put_u8(b, 0);
	if (r == 0)
		r = buf_put_u16(b, log->unlogged_boots);
	if (r == 0)
		r = buf_put_u16(b, log->unlogged_logins);
	return r == 0 ? buf_put_str(b, raw, log->n * TOKEN_LOG_ENTRY_LEN) : r;
}

/* YubiHSM: a key's CKA_ID is its object ID, two bytes */
static uint32_t
key_of(const struct p11_uri *key)
{
	return key != NULL && key->id_len == 2 ?
	    (uint32_t)key->id[0] << 8 | key->id[1] :
	    SIGNER_NO_KEY;
}

int
signer_log_drain(struct signer *s, const char *domain,
    const struct p11_uri *key, const struct p11_session *session)
{
	struct signer_log *l = log_of(s, domain);
	struct buf b = BUF_INIT(8192);
	struct token_log log;
	struct diag why = { 0 };
	int r;

	if (l == NULL || session == NULL)
		return 0;
	r = buf_put_cstr(&b, domain);
	if (r == 0)
		r = buf_put_u32(&b, key_of(key));
	if (r == 0)
		r = buf_put_u32(&b, p11_signs(session));
	if (r == 0 && ops->read(l->dev, &log, &why) != 0) {
		r = buf_put_u8(&b, 1);
		if (r == 0)
			r = ipc_put_diag(&b, &why);
	} else if (r == 0) {
		r = put_entries(&b, &log);
	}
	if (r == 0)
		r = ipc_send_buf(s->sock, SIGNER_TOKEN_LOG, &b, -1);
	buf_done(&b);
	return r == 0 ? 0 : CS_E_IPC;
}

int
signer_log_taken(struct signer *s, struct ipc_msg *m, struct diag *d)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	char domain[48];
	struct signer_log *l;
	uint16_t number = 0;
	int r;

	if (m->fd >= 0 || rd_cstr_into(&rd, domain, sizeof(domain)) != 0 ||
	    rd_u16(&rd, &number) != 0 || rd_end(&rd) != 0 ||
	    (l = log_of(s, domain)) == NULL)
		return CS_E_IPC;
	r = ops->taken(l->dev, number, d);
	ops->logout(l->dev);
	return r == 0 ? ipc_send(s->sock, SIGNER_LOG_TAKEN_R, NULL, 0, -1) : r;
}

int
signer_log_room(struct signer *s, struct ipc_msg *m, struct diag *d)
{
	struct buf b = BUF_INIT(4096);
	uint32_t total = 0, used = 0;
	size_t i;
	int r;

	if (signer_no_body(m) != 0)
		return CS_E_IPC;
	r = buf_put_u32(&b, (uint32_t)s->nlogs);
	for (i = 0; r == 0 && i < s->nlogs; i++) {
		r = ops->room(s->logs[i].dev, &total, &used, d);
		if (r == 0)
			r = buf_put_cstr(&b, s->logs[i].domain);
		if (r == 0)
			r = buf_put_u32(&b, total);
		if (r == 0)
			r = buf_put_u32(&b, used);
	}
	if (r == 0)
		r = ipc_send_buf(s->sock, SIGNER_LOG_ROOM_R, &b, -1);
	buf_done(&b);
	return r;
}
