/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/signer.h"

#include <stdio.h>
#include <string.h>

#include "hsm/seal_label.h"
#include "hsm/sign.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/note.h"

/*
 * The audit token: an Ed25519 key for checkpoints, which a key of the TPM
 * signs too, and a P-256 key for records and refusals.  No quorum opens it, so this process looks at what it signs:
 * a checkpoint of its own log that never shrinks, a document of its own.
 */
#define AUDIT_JSON_MAX 4096u
#define AUDIT_ID_LEN   8u

struct audit_facts {
	char token[P11_LABEL_MAX + 1];
	uint8_t checkpoint[AUDIT_ID_LEN], record[AUDIT_ID_LEN];
};

void
signer_audit_done(struct signer_audit *a)
{
	p11_key_free(&a->checkpoint);
	p11_key_free(&a->record);
	p11_session_close(&a->session);
	pubkey_free(&a->checkpoint_pub);
	pubkey_free(&a->record_pub);
	free(a->log_key);
	a->log_key = NULL;
}

static int
read_facts(struct signer *s, struct audit_facts *ret, struct diag *d)
{
	const char *token = NULL, *checkpoint = NULL, *record = NULL;
	const struct json_field f[] = {
		{ "token", JK_LABEL, true, &token, NULL },
		{ "checkpoint_id", JK_LABEL, true, &checkpoint, NULL },
		{ "record_id", JK_LABEL, true, &record, NULL },
	};
	_cleanup_free_ uint8_t *data = NULL;
	_cleanup_json_ json_t *root = NULL;
	size_t len;
	int r;

	r = file_read(s->sealed_fd, "audit.json", AUDIT_JSON_MAX, &data, &len,
	    d);
	if (r == 0)
		r = json_load_strict(data, len, AUDIT_JSON_MAX, &root, d);
	if (r == 0)
		r = json_fields(root, "", f, ARRAY_LEN(f), d);
	if (r != 0)
		return r;
	if (strlen(token) >= sizeof(ret->token) ||
	    hex_decode(checkpoint, ret->checkpoint, AUDIT_ID_LEN) != 0 ||
	    hex_decode(record, ret->record, AUDIT_ID_LEN) != 0)
		return diag_fail(d, CS_E_SIGNER_SEALED,
		    "a token label and two key IDs of 16 digits",
		    "another audit.json");
	(void)snprintf(ret->token, sizeof(ret->token), "%s", token);
	return 0;
}

static int
find_key(struct p11_session *s, const uint8_t *id, const char *type,
    enum key_alg alg, struct pubkey **ret_pub, struct p11_key **ret,
    struct diag *d)
{
	int r = p11_public_spki(s, id, AUDIT_ID_LEN, NULL, ret_pub, d);

	if (r != 0)
		return r;
	if (!pubkey_fits(*ret_pub, alg))
		return diag_fail(d, CS_E_SIGNER_SEALED, type,
		    "another key on the audit token");
	return p11_find_key(s, id, AUDIT_ID_LEN, NULL, (*ret_pub)->spki,
	    (*ret_pub)->spki_len, ret, d);
}

static int
open_audit(struct signer *s, struct diag *d)
{
	struct signer_audit *a = &s->audit;
	struct audit_facts f;
	char label[TPM_LABEL_MAX + 1];
	const struct signer_door door = { "audit", label, f.token, NULL, false,
		&a->attempt };
	int r;

	if (a->ready)
		return 0;
	if (a->tried)
		return diag_fail(d, CS_E_SIGNER_AUDIT, NULL,
		    "a second try in one process");
	a->tried = true;
	seal_label_audit(s->origin, label);
	r = read_facts(s, &f, d);
	if (r == 0)
		r = signer_login(s, &door, &a->session, NULL, d);
	if (r == 0)
		r = find_key(a->session, f.checkpoint, "an Ed25519 key",
		    KEY_ED25519, &a->checkpoint_pub, &a->checkpoint, d);
	if (r == 0)
		r = find_key(a->session, f.record, "a P-256 key", KEY_P256,
		    &a->record_pub, &a->record, d);
	if (r == 0)
		r = file_read(s->sealed_fd, "log.key", TPM_LOGKEY_MAX,
		    &a->log_key, &a->log_key_len, d);
	a->ready = r == 0;
	return r;
}

/* At the start, so that the log has this attempt too. */
int
signer_open(struct signer *s, struct ipc_msg *m, struct diag *d)
{
	struct buf b = BUF_INIT(4096);
	int r;

	if (signer_no_body(m) != 0)
		return CS_E_IPC;
	r = open_audit(s, d);
	if (r == 0)
		r = signer_attempt_put(&b, &s->audit.attempt);
	if (r == 0)
		r = ipc_send_buf(s->sock, SIGNER_OPEN_R, &b, -1);
	buf_done(&b);
	return r;
}

static int
sign_document(struct p11_session *s, struct p11_key *k,
    const struct pubkey *pub, const void *msg, size_t len, struct buf *sig,
    struct diag *d)
{
	int r = hsm_sign_message(s, k, msg, len, sig, d);

	if (r != 0)
		return r;
	if (pubkey_verify_message(pub, msg, len, sig->p, sig->len) != 0)
		return diag_fail(d, CS_E_SELF_VERIFY,
		    "a signature that the audit key verifies", "another");
	return 0;
}

static int
check_origin(const struct signer *s, const char *origin, struct diag *d)
{
	if (strcmp(origin, s->origin) != 0)
		return diag_fail(d, CS_E_SIGNER_ORIGIN, s->origin, "%s",
		    origin);
	return 0;
}

static int
check_history(const struct signer_audit *a, const struct checkpoint *c,
    struct diag *d)
{
	if (!a->signed_one || c->size > a->size)
		return 0;
	if (c->size < a->size)
		return diag_fail(d, CS_E_SIGNER_CHECKPOINT,
		    "a size not below one that was signed", "%llu after %llu",
		    (unsigned long long)c->size, (unsigned long long)a->size);
	if (memcmp(c->root, a->root, sizeof(a->root)) != 0)
		return diag_fail(d, CS_E_SIGNER_CHECKPOINT,
		    "one root for one size", "another root at size %llu",
		    (unsigned long long)c->size);
	return 0;
}

/* The audit token's line is enough here: only this process could make it. */
int
signer_check_note(struct signer *s, const uint8_t *note, size_t len,
    struct diag *d)
{
	struct signer_audit *a = &s->audit;
	struct checkpoint c;
	struct note_vkey v;
	uint8_t raw[32];
	size_t n = sizeof(raw);
	int r = open_audit(s, d);

	if (r != 0)
		return r;
	if (EVP_PKEY_get_raw_public_key(a->checkpoint_pub->pkey, raw, &n) != 1)
		return diag_fail(d, CS_E_CRYPTO, "an Ed25519 key", "another");
	r = note_vkey_make(s->origin, raw, &v, d);
	if (r == 0)
		r = note_verify((const char *)note, len, &v, 1, &c, d);
	return r == 0 ? check_origin(s, c.origin, d) : r;
}

static int
send_checkpoint(struct signer *s, const struct buf *sig, const struct buf *tpm)
{
	struct buf b = BUF_INIT(256);
	int r = buf_put_str(&b, sig->p, sig->len);

	if (r == 0)
		r = buf_put_str(&b, tpm->p, tpm->len);
	if (r == 0)
		r = ipc_send_buf(s->sock, SIGNER_CHECKPOINT_R, &b, -1);
	buf_done(&b);
	return r;
}

int
signer_checkpoint(struct signer *s, struct ipc_msg *m, struct diag *d)
{
	struct signer_audit *a = &s->audit;
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	struct buf sig = BUF_INIT(HSM_SIG_MAX), tpm = BUF_INIT(NOTE_ECDSA_MAX);
	struct checkpoint c;
	const uint8_t *text;
	size_t len;
	int r;

	if (m->fd >= 0 || rd_str(&rd, CHECKPOINT_TEXT_MAX, &text, &len) != 0 ||
	    rd_end(&rd) != 0)
		return CS_E_IPC;
	r = checkpoint_parse((const char *)text, len, &c, d);
	if (r == 0)
		r = check_origin(s, c.origin, d);
	if (r == 0)
		r = check_history(a, &c, d);
	if (r == 0)
		r = open_audit(s, d);
	if (r == 0)
		r = sign_document(a->session, a->checkpoint, a->checkpoint_pub,
		    text, len, &sig, d);
	if (r == 0)
		r = tpm_logkey_sign(s->tpm, s->img, a->log_key, a->log_key_len,
		    text, len, &tpm, d);
	if (r == 0) {
		a->signed_one = true;
		a->size = c.size;
		memcpy(a->root, c.root, sizeof(a->root));
		r = send_checkpoint(s, &sig, &tpm);
	}
	buf_done(&sig);
	buf_done(&tpm);
	return r;
}

/* A record of some kind or a refusal, whole, well formed, of this appliance */
static int
check_record(struct signer *s, const uint8_t *payload, size_t len,
    struct diag *d)
{
	_cleanup_record_ struct record *rec = NULL;
	_cleanup_change_record_ struct change_record *change = NULL;
	_cleanup_refusal_ struct refusal *ref = NULL;
	int r = record_parse(payload, len, &rec, d);

	if (r == 0)
		return check_origin(s, rec->origin, d);
	if (r == CS_E_STATEMENT_PREDICATE)
		r = change_record_parse(payload, len, &change, d);
	if (r == 0)
		return check_origin(s, change->origin, d);
	if (r != CS_E_STATEMENT_PREDICATE)
		return r;
	r = refusal_parse(payload, len, &ref, d);
	return r == 0 ? check_origin(s, ref->origin, d) : r;
}

static int
send_record(struct signer *s, const struct buf *sig)
{
	struct buf b = BUF_INIT(HSM_SIG_MAX + 64);
	int r = buf_put_str(&b, sig->p, sig->len);

	if (r == 0)
		r = buf_put_str(&b, s->audit.record_pub->id, 32);
	if (r == 0)
		r = ipc_send_buf(s->sock, SIGNER_RECORD_R, &b, -1);
	buf_done(&b);
	return r;
}

int
signer_record(struct signer *s, struct ipc_msg *m, struct diag *d)
{
	struct signer_audit *a = &s->audit;
	struct buf pae = BUF_INIT(DSSE_MAX + 128);
	struct buf sig = BUF_INIT(HSM_SIG_MAX);
	_cleanup_free_ uint8_t *payload = NULL;
	size_t len;
	int r;

	if (m->fd < 0 || m->body.len != 0)
		return CS_E_IPC;
	r = memfd_read_sealed(m->fd, DSSE_MAX, &payload, &len, d);
	if (r == 0)
		r = check_record(s, payload, len, d);
	if (r == 0)
		r = open_audit(s, d);
	if (r == 0)
		r = dsse_pae(payload, len, &pae);
	if (r == 0)
		r = sign_document(a->session, a->record, a->record_pub, pae.p,
		    pae.len, &sig, d);
	if (r == 0)
		r = send_record(s, &sig);
	buf_done(&pae);
	buf_done(&sig);
	return r;
}
