/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/sigfmt_pgp.h"

/*
 * OpenPGP signatures of files (RFC 4880 5.2.4): the digest is of the file's
 * bytes, then of what is hashed of the signature.  That has the time, so it
 * is the request's, which is known before the file is read.
 */
static int
file_hashed(const struct sigfmt_job *j, struct pgp_key *k, struct buf *hashed)
{
	struct pgp_cert c;
	int r;

	if (j->time < 0 || j->time > UINT32_MAX)
		return CS_E_CRYPTO;
	r = pgp_cert_read(j->key, j->key->cert, j->key->cert_len, &c);
	if (r != 0)
		return r;
	*k = c.key;
	return pgp_put_hashed(hashed, k, PGP_SIG_BINARY, (uint32_t)j->time, 0);
}

int
pgp_file_suffix(const struct sigfmt_job *j, struct buf *out)
{
	struct buf hashed = BUF_INIT(PGP_PACKET_MAX);
	struct pgp_key k;
	int r;

	r = file_hashed(j, &k, &hashed);
	if (r == 0)
		r = pgp_put_trailer(out, &hashed);
	buf_done(&hashed);
	return r;
}

int
pgp_file_packet(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	const struct pgp_sig sig = { done->v[0].p, done->v[0].len };
	struct buf hashed = BUF_INIT(PGP_PACKET_MAX);
	struct pgp_key k;
	int r;

	r = file_hashed(j, &k, &hashed);
	if (r == 0)
		r = pgp_put_sig(out, &k, &hashed, j->subject->tbs, &sig);
	buf_done(&hashed);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "OpenPGP signature");
}

int
pgp_file_read(const struct policy_key *k, const uint8_t *packet, size_t len,
    int64_t *ret_time, struct sigfmt_sigs *ret)
{
	struct rd rd = RD_INIT(packet, len), sig;
	uint32_t time = 0;
	int r;

	if (pgp_get_packet(&rd, PGP_TAG_SIG, &sig) != 0 || rd_end(&rd) != 0)
		return CS_E_FORMAT;
	ret->n = 1;
	r = pgp_get_sig(&sig, k->alg, &time, ret->v[0].p, sizeof(ret->v[0].p),
	    &ret->v[0].len);
	if (r == 0)
		*ret_time = time;
	return r;
}

int
pgp_file_verify(const struct sigfmt *f, pgp_file_reader *read,
    const struct sigfmt_job *job, const uint8_t *sig, size_t len,
    struct diag *d)
{
	struct sigfmt_job j = *job;
	struct sigfmt_sigs s = { 0 };

	if (read(j.key, sig, len, &j.time, &s) != 0 ||
	    sigfmt_compare(f, &j, &s, sig, len) != 0)
		return sigfmt_bad(d,
		    "an OpenPGP signature as this key's is written",
		    "something else");
	/* the digest depends on it, and the file is not here to tell */
	if (job->time != 0 && j.time != job->time)
		return sigfmt_bad(d, "the time of the request", "another time");
	return sigfmt_verify_own(&j, &s, d);
}

int
pgp_file_describe(const struct sigfmt_job *j, struct buf *out)
{
	int r = sigfmt_pgp_describe(j, out);

	return r != 0 ? r :
			sigfmt_line(out, "attests",
			    "the file, and the time of the request");
}
