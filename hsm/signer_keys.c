/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/signer.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "hsm/csr.h"
#include "hsm/key_uri.h"

/*
 * Keys are made and destroyed in the HSM.  A key that a ceremony made and that
 * was cut short before it was logged is taken again: it has the label that was
 * asked for, and no policy names it.
 */
#define ID_LEN 8u

static int
make(struct p11_session *s, const struct change *c, uint8_t id[P11_ID_MAX],
    size_t *ret_id_len, struct signer_made *ret, struct diag *d)
{
	struct diag why = { 0 };
	int r;

	r = p11_find_made(s, c->alg, c->key, id, ret_id_len, &ret->pub,
	    &ret->restricted, &why);
	if (r == 0)
		return 0;
	if (r != CS_E_HSM_KEY_ABSENT) {
		*d = why;
		return r;
	}
	r = p11_sweep(s, c->key, d);
	if (r != 0)
		return r;
	if (RAND_bytes(id, ID_LEN) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "random bytes");
	*ret_id_len = ID_LEN;
	return p11_generate(s, c->alg, id, ID_LEN, c->key, &ret->pub,
	    &ret->restricted, d);
}

/* Ed25519 goes out as a public key alone */
static int
make_csr(struct signer *s, struct p11_session *session, const struct change *c,
    const uint8_t *id, size_t id_len, struct signer_made *x, struct diag *d)
{
	_cleanup_p11_key_ struct p11_key *key = NULL;
	struct hsm_token_signer ts = { session, NULL, c->alg };
	const struct hsm_signer signer = { c->alg, hsm_signer_token, &ts };
	char cn[512];
	int r;

	if (key_alg_is_ed25519(c->alg))
		return 0;
	(void)snprintf(cn, sizeof(cn), "coldseal %s %s", s->origin, c->key);
	r = p11_find_key(session, id, id_len, c->key, x->pub->spki,
	    x->pub->spki_len, &key, d);
	ts.key = key;
	return r == 0 ? csr_make(cn, x->pub, &signer, &x->csr, &x->csr_len, d) :
			r;
}

/* What the token says of it, if it says anything */
static int
attest(struct p11_session *session, struct signer_made *x, struct diag *d)
{
	int r = p11_attestation(session, x->pub, &x->attestation,
	    &x->attestation_len, d);

	return r == CS_E_HSM_KEY_ABSENT ? 0 : r;
}

int
signer_key_generate(struct signer *s, struct signer_made *ret, struct diag *d)
{
	_cleanup_p11_session_ struct p11_session *session = NULL;
	const struct signer_part *x = &s->job->parts[0];
	const struct change *c = &s->job->req->change;
	uint8_t id[P11_ID_MAX];
	size_t id_len = 0;
	int r;

	r = signer_login_part(s, x, true, &session, NULL, d);
	if (r == 0)
		r = make(session, c, id, &id_len, ret, d);
	if (r == 0)
		r = make_csr(s, session, c, id, id_len, ret, d);
	if (r == 0)
		r = attest(session, ret, d);
	if (r == 0)
		r = key_uri(x->domain->token, c->key, id, id_len, ret->uri,
		    sizeof(ret->uri), d);
	return signer_log_drain(s, x->domain->id, NULL, session) == 0 ?
	    r :
	    CS_E_IPC;
}

int
signer_key_destroy(struct signer *s, struct diag *d)
{
	_cleanup_p11_session_ struct p11_session *session = NULL;
	const struct signer_job *j = s->job;
	int r;

	r = signer_login_part(s, &j->parts[0], true, &session, NULL, d);
	if (r == 0)
		r = p11_destroy(session, j->uri.id, j->uri.id_len,
		    j->key->key->spki, j->key->key->spki_len, d);
	return signer_log_drain(s, j->parts[0].domain->id, &j->uri, session) ==
		0 ?
	    r :
	    CS_E_IPC;
}
