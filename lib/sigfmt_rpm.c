/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sigfmt_pgp.h"

/*
 * The signature of an RPM package's header: an OpenPGP packet, without armor,
 * for the tag RPMSIGTAG_RSA or, of Ed25519, RPMSIGTAG_DSA.
 */
static int
verify(const struct sigfmt_job *j, const uint8_t *sig, size_t len,
    struct diag *d)
{
	return pgp_file_verify(&sigfmt_rpm, pgp_file_read, j, sig, len, d);
}

static int
time_of(const struct policy_key *k, const uint8_t *sig, size_t len,
    int64_t *ret)
{
	struct sigfmt_sigs s = { 0 };

	return pgp_file_read(k, sig, len, ret, &s);
}

const struct sigfmt sigfmt_rpm = {
	.name = "rpm",
	.suffix = "rpmsig",
	.about = "signature of an RPM package's header; signs the time too",
	.verifier = "rpm -K, rpmkeys --checksig, dnf",
	.algs = SIGFMT_ALG(KEY_RSA3072_PKCS1) | SIGFMT_ED,
	.flags = SIGFMT_F_CERT | SIGFMT_F_DIGEST,
	.rounds = 1,
	.install = SIGFMT_RPM,
	.filehash = FILEHASH_RPM,
	.file_suffix = pgp_file_suffix,
	.file_time = time_of,
	.cert = &sigfmt_pgp_cert,
	.cert_from = sigfmt_pgp_cert_from,
	.describe = pgp_file_describe,
	.build = sigfmt_build_own,
	.assemble = pgp_file_packet,
	.verify = verify,
	.public_key = sigfmt_pgp_public_key,
};
