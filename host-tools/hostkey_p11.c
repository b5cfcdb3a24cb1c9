/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/hostkey_private.h"
#include "hsm/sign.h"

struct token {
	struct p11 *module;
	struct p11_session *session;
	struct p11_key *key;
	struct secret *pin; /* a key may want it at each signature */
};

static void
token_close(void *arg)
{
	struct token *t = arg;

	p11_key_free(&t->key);
	p11_session_close(&t->session);
	secret_free(&t->pin);
	p11_close(&t->module);
	free(t);
}

static void
token_closep(struct token **t)
{
	if (*t != NULL)
		token_close(*t);
}

static int
token_sign(void *arg, const struct pubkey *pub, const void *msg, size_t len,
    uint8_t **ret, size_t *ret_len, struct diag *d)
{
	struct buf sig = BUF_INIT(HSM_SIG_MAX);
	struct token *t = arg;
	int r;

	(void)pub;
	r = hsm_sign_message(t->session, t->key, msg, len, &sig, d);
	if (r == 0) {
		*ret_len = sig.len;
		*ret = take_ptr(sig.p);
	}
	buf_done(&sig);
	return r;
}

static const struct hostkey_ops token_ops = { token_sign, token_close };

/*
 * The public key first: a wrong URI spends no PIN.  A last PIN try is never
 * spent by a program that nobody watches.
 */
int
hostkey_p11_open(const char *uri, const char *module, struct secret **pin,
    struct hostkey *ret, struct diag *d)
{
	_cleanup_(token_closep) struct token *t = calloc(1, sizeof(*t));
	_cleanup_pubkey_ struct pubkey *pub = NULL;
	struct p11_token info;
	const char *label;
	struct p11_uri u;
	int r;

	if (t == NULL)
		return diag_nomem(d);
	r = p11_uri_parse(uri, &u, d);
	if (r == 0 && u.id_len == 0)
		return diag_fail(d, CS_E_HOST_KEY, "pkcs11:token=...;id=...",
		    "a URI without an id");
	label = u.object[0] != '\0' ? u.object : NULL;
	if (r == 0)
		r = p11_open(module, &t->module, d);
	if (r == 0)
		r = p11_find_token(t->module, &u, &info, d);
	if (r == 0)
		r = p11_session_open(t->module, &info, false, &t->session, d);
	if (r == 0)
		r = p11_public_spki(t->session, u.id, u.id_len, label, &pub, d);
	if (r == 0)
		r = p11_login(t->session, *pin, 0, d);
	if (r == 0) {
		t->pin = take_ptr(*pin);
		p11_pin_each(t->session, t->pin);
		r = p11_find_key(t->session, u.id, u.id_len, label, pub->spki,
		    pub->spki_len, &t->key, d);
	}
	if (r != 0)
		return r;
	ret->ops = &token_ops;
	ret->arg = take_ptr(t);
	ret->pub = take_ptr(pub);
	return 0;
}
