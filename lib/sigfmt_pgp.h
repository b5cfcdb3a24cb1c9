/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SIGFMT_PGP_H
#define CS_SIGFMT_PGP_H

#include "lib/pgp.h"
#include "lib/sigfmt_impl.h"

/* Shared by the formats of OpenPGP only: the key's certificate, armor. */
#define PGP_USER_MAX	120u
#define PGP_ARMOR_MAX	4096u	/* bytes of armored signatures */

struct pgp_cert {
	struct pgp_key key;
	char user[PGP_USER_MAX + 1];
	struct sigfmt_sigs sigs;
};

/* Reads what is unknown of it, verifies nothing.  CS_E_FORMAT */
int pgp_cert_read(const struct policy_key *k, const uint8_t *der, size_t len,
    struct pgp_cert *ret) CS_WUR;
/*
 * What a token is given for tbs: Ed25519 signs the digest of these bytes, as
 * GnuPG has it.
 */
int pgp_as_message(enum key_alg a, const struct buf *tbs, struct buf *out)
    CS_WUR;
/* Base64 lines up to the checksum, without newlines; CS_E_FORMAT */
int pgp_dearmor(const char *p, size_t len, uint8_t *ret, size_t size,
    size_t *ret_len) CS_WUR;

/* rows of the table that they have in common; describe: key and user ID */
int sigfmt_pgp_describe(const struct sigfmt_job *j, struct buf *out) CS_WUR;
int sigfmt_pgp_cert_from(const struct policy_key *k, int64_t *ret) CS_WUR;
int sigfmt_pgp_public_key(const struct policy_key *k, struct buf *out,
    struct diag *d) CS_WUR;

/*
 * Signatures of files (filehash.h): by the request's time, which the job has.
 * The packet alone; a reader makes it again and compares.
 */
int pgp_file_suffix(const struct sigfmt_job *j, struct buf *out) CS_WUR;
int pgp_file_packet(const struct sigfmt_job *j,
    const struct sigfmt_sigs *done, struct buf *out, struct diag *d) CS_WUR;
int pgp_file_describe(const struct sigfmt_job *j, struct buf *out) CS_WUR;
/* Reads an exported signature: of a packet, or of its armor */
typedef int pgp_file_reader(const struct policy_key *k, const uint8_t *sig,
    size_t len, int64_t *ret_time, struct sigfmt_sigs *ret);
int pgp_file_verify(const struct sigfmt *f, pgp_file_reader *read,
    const struct sigfmt_job *job, const uint8_t *sig, size_t len,
    struct diag *d) CS_WUR;
int pgp_file_read(const struct policy_key *k, const uint8_t *packet,
    size_t len, int64_t *ret_time, struct sigfmt_sigs *ret) CS_WUR;

#endif
