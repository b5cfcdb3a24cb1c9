/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/signer.h"

#include <openssl/x509.h>
#include <string.h>

#include "hsm/sign_format.h"
#include "hsm/signer_check.h"

/*
 * The signing itself: one unseal, one login, all subjects, one logout.  What
 * is signed comes from the request's subject, never from the core.
 */
struct signing {
	const struct signer_job *job;
	struct hsm_token_signer token;
	X509 *cert;
};

static int
sign_all(struct signing *g, struct signer_check *c, struct diag *d)
{
	const struct request *q = g->job->req;
	struct sigfmt_job j = { .key = g->job->key,
		.time = g->job->now,
		.cert = g->cert };
	struct sigfmt_sigs parts;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < q->st->nsubjects; i++) {
		j.subject = &q->st->subjects[i];
		r = hsm_sign_parts(q->format, &j, &g->token, &parts, d);
		if (r == 0)
			r = signer_check_push(c, (uint32_t)i, &parts);
	}
	return r;
}

static int
overlap(struct signer *s, struct signing *g, uint32_t *ret_sent, struct diag *d)
{
	const struct signer_check_job cj = {
		.sock = s->sock,
		.req = g->job->req,
		.key = g->job->key,
		.now = g->job->now,
		.cert = g->cert,
	};
	struct diag check = { 0 };
	struct signer_check *c;
	int r, e;

	r = signer_check_open(&cj, &c, d);
	if (r != 0)
		return r;
	r = sign_all(g, c, d);
	e = signer_check_close(&c, r != 0, ret_sent, &check);
	/* what the checker found comes first: push only passed it on */
	if (e != 0) {
		*d = check;
		return e;
	}
	return r;
}

static int
sign_logged_in(struct signer *s, struct p11_session *session,
    uint32_t *ret_sent, struct diag *d)
{
	const struct signer_job *j = s->job;
	_cleanup_p11_key_ struct p11_key *key = NULL;
	struct signing g = { .job = j };
	int r;

	r = p11_find_key(session, j->uri.id, j->uri.id_len,
	    j->uri.object[0] == '\0' ? NULL : j->uri.object, j->key->key->spki,
	    j->key->key->spki_len, &key, d);
	if (r != 0)
		return r;
	g.token = (struct hsm_token_signer){ session, key, j->key->alg };
	g.cert = sigfmt_parse_cert(j->key);
	r = overlap(s, &g, ret_sent, d);
	X509_free(g.cert);
	return r;
}

int
signer_sign(struct signer *s, struct ipc_msg *m, struct diag *d)
{
	const struct signer_job *j = s->job;
	struct p11_session *session = NULL;
	struct buf b = BUF_INIT(16);
	uint32_t sent = 0;
	int r;

	(void)m;
	r = signer_login_part(s, &j->parts[0], false, &session, NULL, d);
	if (r == 0)
		r = sign_logged_in(s, session, &sent, d);
	p11_session_close(&session);
	if (r == 0 && sent != j->req->st->nsubjects)
		r = diag_fail(d, CS_E_INTERNAL, "a signature per artifact",
		    "%u", sent);
	if (r != 0)
		return r;
	r = buf_put_u32(&b, sent);
	if (r == 0)
		r = ipc_send_buf(s->sock, SIGNER_SIGN_R, &b, -1);
	buf_done(&b);
	return r;
}
