/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/signer.h"

#include <string.h>

#include "lib/file.h"
#include "lib/note.h"
#include "lib/sessions.h"

/*
 * What the core asks of the TPM: time, a ceremony's session, the counters and
 * the anchor.
 */
#define TPM_JSON_MAX 4096u
#define KEEP_MAX     256u

int
signer_no_body(const struct ipc_msg *m)
{
	return m->body.len == 0 && m->fd < 0 ? 0 : CS_E_IPC;
}

static int
answer(struct signer *s, uint16_t type, struct buf *b, int r)
{
	if (r == 0)
		r = ipc_send_buf(s->sock, type, b, -1);
	buf_done(b);
	return r;
}

int
signer_clock(struct signer *s, struct ipc_msg *m, struct diag *d)
{
	struct buf b = BUF_INIT(64);
	struct tpm_clock c;
	int r;

	if (signer_no_body(m) != 0)
		return CS_E_IPC;
	r = tpm_clock(s->tpm, &c, d);
	if (r == 0)
		r = buf_put_u64(&b, c.clock_ms);
	if (r == 0)
		r = buf_put_u32(&b, c.reset);
	if (r == 0)
		r = buf_put_u32(&b, c.restart);
	if (r == 0)
		r = buf_put_u8(&b, c.safe ? 1 : 0);
	return answer(s, SIGNER_CLOCK_R, &b, r);
}

static int
read_session(const struct ipc_msg *m, struct sessions *ret, uint32_t *keep,
    uint32_t *ret_n)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	uint32_t n = 0, i;

	if (m->fd >= 0 || rd_u32(&rd, &n) != 0 || n > SESSIONS_MAX)
		return CS_E_IPC;
	for (i = 0; i < n; i++)
		if (rd_cstr_into(&rd, ret->v[i].domain,
			sizeof(ret->v[i].domain)) != 0)
			return CS_E_IPC;
	ret->n = n == 0 ? 1 : n;
	if (rd_u32(&rd, ret_n) != 0 || *ret_n > KEEP_MAX)
		return CS_E_IPC;
	for (i = 0; i < *ret_n; i++)
		if (rd_u32(&rd, &keep[i]) != 0)
			return CS_E_IPC;
	return rd_end(&rd) == 0 ? 0 : CS_E_IPC;
}

int
signer_session(struct signer *s, struct ipc_msg *m, struct diag *d)
{
	struct buf b = BUF_INIT(IPC_MAX - 2), all = BUF_INIT(IPC_MAX - 64);
	struct tpm_saved saved[SESSIONS_MAX] = { 0 };
	struct sessions v = { .n = 0 };
	uint32_t keep[KEEP_MAX], n = 0;
	size_t i;
	int r;

	if (read_session(m, &v, keep, &n) != 0)
		return CS_E_IPC;
	r = tpm_session_prune(s->tpm, keep, n, d);
	for (i = 0; r == 0 && i < v.n; i++) {
		r = tpm_session_save(s->tpm, &saved[i], d);
		memcpy(v.v[i].nonce, saved[i].nonce, QUORUM_NONCE_LEN);
		v.v[i].handle = saved[i].handle;
		v.v[i].context = saved[i].context.p;
		v.v[i].context_len = saved[i].context.len;
	}
	if (r == 0)
		r = sessions_put(&all, &v);
	if (r == 0)
		r = buf_put_str(&b, all.p, all.len);
	if (r == 0)
		r = buf_put_u32(&b, QUORUM_VOTE_S);
	for (i = 0; i < v.n; i++)
		buf_done(&saved[i].context);
	buf_done(&all);
	return answer(s, SIGNER_SESSION_R, &b, r);
}

/*
 * Whose TPM is this?  The chip's own key tells another TPM, the storage key a
 * cleared one.
 */
static int
check_tpm(struct signer *s, struct diag *d)
{
	uint8_t chip[32], storage[32], name[TPM_NAME_LEN];
	const struct json_field f[] = {
		{ "chip", JK_HEX32, true, chip, NULL },
		{ "storage", JK_HEX32, true, storage, NULL },
	};
	_cleanup_free_ uint8_t *data = NULL;
	_cleanup_json_ json_t *root = NULL;
	size_t len;
	int r;

	r = file_read(s->sealed_fd, "tpm.json", TPM_JSON_MAX, &data, &len, d);
	if (r == 0)
		r = json_load_strict(data, len, TPM_JSON_MAX, &root, d);
	if (r == 0)
		r = json_fields(root, "", f, ARRAY_LEN(f), d);
	if (r == 0)
		r = tpm_chip_name(s->tpm, name, d);
	if (r == 0 && memcmp(name + 2, chip, sizeof(chip)) != 0)
		return diag_fail(d, CS_E_TPM_FOREIGN,
		    "the TPM that this appliance was provisioned with",
		    "another chip");
	if (r != 0)
		return r;
	r = tpm_storage_name(s->tpm, name, d);
	if (r == CS_E_TPM_OTHER ||
	    (r == 0 && memcmp(name + 2, storage, sizeof(storage)) != 0))
		return diag_fail(d, CS_E_TPM_CLEARED,
		    "the storage key that was made at provisioning",
		    "the same chip without it");
	return r;
}

int
signer_state(struct signer *s, struct ipc_msg *m, struct diag *d)
{
	static const enum tpm_nv counters[] = { TPM_NV_BOOT, TPM_NV_GENERATION,
		TPM_NV_IMAGE };
	struct buf b = BUF_INIT(256);
	uint8_t anchor[32];
	uint64_t v = 0;
	size_t i;
	int r;

	if (signer_no_body(m) != 0)
		return CS_E_IPC;
	r = check_tpm(s, d);
	if (r == 0)
		r = signer_promote(s, d);
	if (r == 0)
		r = signer_image(s, d);
	if (r == 0)
		r = tpm_nv_anchor(s->tpm, anchor, d);
	if (r == 0)
		r = buf_put_str(&b, anchor, sizeof(anchor));
	for (i = 0; r == 0 && i < ARRAY_LEN(counters); i++) {
		r = tpm_nv_counter(s->tpm, counters[i], &v, d);
		if (r == 0)
			r = buf_put_u64(&b, v);
	}
	if (r == 0)
		r = buf_put_u64(&b, s->img->version);
	return answer(s, SIGNER_STATE_R, &b, r);
}

int
signer_count(struct signer *s, struct ipc_msg *m, struct diag *d)
{
	struct buf b = BUF_INIT(16);
	uint64_t v = 0;
	int r;

	if (signer_no_body(m) != 0)
		return CS_E_IPC;
	r = signer_image(s, d);
	if (r == 0)
		r = tpm_nv_increment(s->tpm, s->img, TPM_NV_BOOT, d);
	if (r == 0)
		r = tpm_nv_counter(s->tpm, TPM_NV_BOOT, &v, d);
	if (r == 0)
		r = buf_put_u64(&b, v);
	return answer(s, SIGNER_COUNT_R, &b, r);
}

int
signer_anchor(struct signer *s, struct ipc_msg *m, struct diag *d)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	struct buf none = BUF_INIT(1);
	uint8_t digest[CS_SHA256_LEN];
	const uint8_t *note;
	size_t len;
	int r;

	if (m->fd >= 0 || rd_str(&rd, NOTE_MAX, &note, &len) != 0 ||
	    rd_end(&rd) != 0)
		return CS_E_IPC;
	r = signer_check_note(s, note, len, d);
	if (r == 0)
		r = signer_image(s, d);
	if (r == 0)
		r = sha256(note, len, digest);
	if (r == 0)
		r = tpm_nv_extend(s->tpm, s->img, digest, d);
	return answer(s, SIGNER_ANCHOR_R, &none, r);
}
