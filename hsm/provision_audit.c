/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "hsm/provision.h"
#include "hsm/sign.h"
#include "lib/dsse.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/json.h"

/* The audit token, in the acts that have its PIN in hand. */
#define AUDIT_MAX 4096u

void
prov_audit_done(struct prov_audit *a)
{
	p11_key_free(&a->key);
	p11_session_close(&a->session);
	pubkey_free(&a->checkpoint);
	pubkey_free(&a->record);
}

static int
read_audit(int fd, struct prov_audit *a, struct diag *d)
{
	_cleanup_free_ uint8_t *data = NULL;
	_cleanup_json_ json_t *root = NULL;
	const char *token, *checkpoint, *record;
	size_t len;
	int r;

	r = file_read(fd, "sealed/audit.json", AUDIT_MAX, &data, &len, d);
	if (r == 0)
		r = json_load_strict(data, len, AUDIT_MAX, &root, d);
	if (r != 0)
		return r;
	token = json_string_value(json_object_get(root, "token"));
	checkpoint = json_string_value(json_object_get(root, "checkpoint_id"));
	record = json_string_value(json_object_get(root, "record_id"));
	if (token == NULL || checkpoint == NULL || record == NULL ||
	    strlen(token) >= sizeof(a->token) ||
	    hex_decode(checkpoint, a->checkpoint_id, PROV_ID_LEN) != 0 ||
	    hex_decode(record, a->record_id, PROV_ID_LEN) != 0)
		return diag_fail(d, CS_E_SIGNER_SEALED,
		    "a token label and two key IDs of 16 digits",
		    "another sealed/audit.json");
	(void)snprintf(a->token, sizeof(a->token), "%s", token);
	return 0;
}

int
prov_audit_login(int fd, struct p11 *p11, struct secret *pin,
    struct prov_audit *ret, struct diag *d)
{
	struct p11_token t;
	int r;

	r = read_audit(fd, ret, d);
	if (r == 0)
		r = p11_find_token_label(p11, ret->token, &t, d);
	if (r == 0)
		r = p11_session_open(p11, &t, false, &ret->session, d);
	if (r == 0)
		r = p11_public_spki(ret->session, ret->checkpoint_id,
		    PROV_ID_LEN, NULL, &ret->checkpoint, d);
	if (r == 0)
		r = p11_public_spki(ret->session, ret->record_id, PROV_ID_LEN,
		    NULL, &ret->record, d);
	if (r == 0)
		r = p11_login(ret->session, pin, 0, d);
	return r == 0 ?
	    p11_find_key(ret->session, ret->record_id, PROV_ID_LEN, NULL,
		ret->record->spki, ret->record->spki_len, &ret->key, d) :
	    r;
}

static int
sign_pae(struct prov_audit *a, const struct buf *pae, struct buf *sig,
    struct diag *d)
{
	int r;

	r = hsm_sign_message(a->session, a->key, pae->p, pae->len, sig, d);
	if (r == 0 &&
	    pubkey_verify_message(a->record, pae->p, pae->len, sig->p,
		sig->len) != 0)
		r = diag_fail(d, CS_E_SELF_VERIFY,
		    "a signature that the record key verifies", "another");
	return r;
}

int
prov_audit_sign(struct prov_audit *a, const char *payload, size_t len,
    char **ret, size_t *ret_len, struct diag *d)
{
	struct buf pae = BUF_INIT(DSSE_MAX + 128);
	struct buf sig = BUF_INIT(HSM_SIG_MAX);
	struct dsse_new_sig s = { .keyid = a->record->id };
	int r;

	r = dsse_pae(payload, len, &pae);
	if (r == 0)
		r = sign_pae(a, &pae, &sig, d);
	s.sig = sig.p;
	s.sig_len = sig.len;
	if (r == 0)
		r = dsse_format(payload, len, &s, 1, ret, ret_len);
	buf_done(&pae);
	buf_done(&sig);
	return r;
}
