/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/sign_format.h"

#include <string.h>

/* What a format has to be signed: its digest, or a message. */
static int
sign_tbs(const struct sigfmt *f, const struct hsm_token_signer *s,
    const struct buf *tbs, struct buf *out, struct diag *d)
{
	const enum hash_alg h = key_alg_hash(s->alg);
	uint8_t digest[HASH_MAX_LEN];
	int r;

	if ((f->flags & SIGFMT_F_DIGEST) != 0)
		return hsm_sign_digest(s->session, s->key, s->alg, tbs->p,
		    tbs->len, out, d);
	if (key_alg_is_ed25519(s->alg))
		return hsm_sign_message(s->session, s->key, tbs->p, tbs->len,
		    out, d);
	r = hash_of(h, tbs->p, tbs->len, digest);
	if (r != 0)
		return diag_fail(d, r, NULL, "the digest of what is signed");
	return hsm_sign_digest(s->session, s->key, s->alg, digest, hash_len(h),
	    out, d);
}

static int
sign_rounds(const struct sigfmt *f, const struct sigfmt_job *j,
    const struct hsm_token_signer *s, struct sigfmt_sigs *done, struct diag *d)
{
	struct buf tbs = BUF_INIT(SIGFMT_MAX), sig = BUF_INIT(SIGFMT_TOKEN_MAX);
	int r = 0;

	while (r == 0 && done->n < f->rounds) {
		buf_reset(&tbs);
		r = f->build(j, done, &tbs, d);
		if (r == 0)
			r = sign_tbs(f, s, &tbs, &sig, d);
		if (r != 0)
			break;
		memcpy(done->v[done->n].p, sig.p, sig.len);
		done->v[done->n++].len = sig.len;
	}
	buf_done(&tbs);
	buf_done(&sig);
	return r;
}

int
hsm_sign_rounds(const struct sigfmt *f, const struct sigfmt_job *j,
    const struct hsm_token_signer *s, struct buf *out, struct diag *d)
{
	struct sigfmt_sigs done = { 0 };
	int r;

	buf_reset(out);
	r = sign_rounds(f, j, s, &done, d);
	return r != 0 ? r : f->assemble(j, &done, out, d);
}

int
hsm_sign_parts(const char *format, const struct sigfmt_job *j,
    const struct hsm_token_signer *s, struct sigfmt_sigs *ret, struct diag *d)
{
	const struct sigfmt *f = sigfmt_by_name(format);
	int r;

	r = sigfmt_check(format, j, d);
	if (r == 0 && (f == NULL || s->alg != j->key->alg))
		r = diag_fail(d, CS_E_HSM_MECH, key_alg_name(j->key->alg), "%s",
		    key_alg_name(s->alg));
	if (r != 0)
		return r;
	ret->n = 0;
	return sign_rounds(f, j, s, ret, d);
}

int
hsm_sign_format(const char *format, const struct sigfmt_job *j,
    const struct hsm_token_signer *s, struct buf *out, struct diag *d)
{
	struct sigfmt_sigs done = { 0 };
	int r;

	buf_reset(out);
	r = hsm_sign_parts(format, j, s, &done, d);
	return r != 0 ? r : sigfmt_by_name(format)->assemble(j, &done, out, d);
}
