/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sigfmt_impl.h"

/*
 * "raw": the signature as the algorithm itself defines it, over the
 * artifact's digest.  Ed25519 signs the digest as its message.
 */
static int
build(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	size_t len;
	const uint8_t *digest = sigfmt_digest(j, &len);

	(void)done;
	(void)d;
	return buf_put(out, digest, len);
}

static int
assemble(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	(void)j;
	(void)d;
	return buf_put(out, done->v[0].p, done->v[0].len);
}

static int
verify(const struct sigfmt_job *j, const uint8_t *sig, size_t len,
    struct diag *d)
{
	size_t digest_len;
	const uint8_t *digest = sigfmt_digest(j, &digest_len);
	int r;

	r = pubkey_verify_digest(j->key->key, j->key->alg, digest, digest_len,
	    sig, len);
	return r == 0 ? 0 :
			diag_fail(d, r, "a signature by the policy's key",
			    "it does not verify");
}

const struct sigfmt sigfmt_raw = {
	.name = "raw",
	.suffix = "sig",
	.about = "signature over the artifact's digest",
	.verifier = "openssl dgst, openssl pkeyutl",
	.algs = SIGFMT_RSA | SIGFMT_EC | SIGFMT_ED,
	.flags = SIGFMT_F_DIGEST | SIGFMT_F_OPAQUE,
	.rounds = 1,
	.build = build,
	.assemble = assemble,
	.verify = verify,
	.public_key = sigfmt_pem_key,
};
