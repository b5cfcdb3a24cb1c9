/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/sigfmt_pgp.h"

/* Detached OpenPGP signatures of files, armored: Release.gpg, F.tar.asc. */
#define BEGIN "-----BEGIN PGP SIGNATURE-----\n\n"

static int
assemble(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	struct buf packet = BUF_INIT(PGP_PACKET_MAX);
	int r;

	r = pgp_file_packet(j, done, &packet, d);
	if (r == 0)
		r = pgp_armor(out, "SIGNATURE", &packet);
	buf_done(&packet);
	return r;
}

static int
open_sig(const struct policy_key *k, const uint8_t *sig, size_t len,
    int64_t *ret_time, struct sigfmt_sigs *ret)
{
	const size_t begin = strlen(BEGIN);
	uint8_t raw[PGP_ARMOR_MAX];
	size_t n = 0;

	if (len <= begin || memcmp(sig, BEGIN, begin) != 0 ||
	    pgp_dearmor((const char *)sig + begin, len - begin, raw,
		sizeof(raw), &n) != 0)
		return CS_E_FORMAT;
	return pgp_file_read(k, raw, n, ret_time, ret);
}

static int
verify(const struct sigfmt_job *j, const uint8_t *sig, size_t len,
    struct diag *d)
{
	return pgp_file_verify(&sigfmt_openpgp, open_sig, j, sig, len, d);
}

static int
time_of(const struct policy_key *k, const uint8_t *sig, size_t len,
    int64_t *ret)
{
	struct sigfmt_sigs s = { 0 };

	return open_sig(k, sig, len, ret, &s);
}

const struct sigfmt sigfmt_openpgp = {
	.name = "openpgp",
	.suffix = "asc",
	.about = "detached OpenPGP signature; signs the request's time too",
	.verifier = "gpg --verify, gpgv, sqv, apt",
	.algs = SIGFMT_ALG(KEY_RSA3072_PKCS1) | SIGFMT_EC | SIGFMT_ED,
	.flags = SIGFMT_F_CERT | SIGFMT_F_DIGEST,
	.rounds = 1,
	.filehash = FILEHASH_ALL,
	.file_suffix = pgp_file_suffix,
	.file_time = time_of,
	.cert = &sigfmt_pgp_cert,
	.cert_from = sigfmt_pgp_cert_from,
	.describe = pgp_file_describe,
	.build = sigfmt_build_own,
	.assemble = assemble,
	.verify = verify,
	.public_key = sigfmt_pgp_public_key,
};
