/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SIGFMT_IMPL_H
#define CS_SIGFMT_IMPL_H

#include "lib/sigfmt.h"

/* Shared by lib/sigfmt*.c only. */
extern const struct sigfmt sigfmt_raw, sigfmt_cms, sigfmt_sshsig,
    sigfmt_minisign, sigfmt_signify, sigfmt_dsse, sigfmt_note, sigfmt_pgp,
    sigfmt_pgp_cert, sigfmt_kmod, sigfmt_openpgp, sigfmt_pe, sigfmt_rpm,
    sigfmt_x509, sigfmt_efivar;

#define SIGFMT_RSA	(SIGFMT_ALG(KEY_RSA3072_PKCS1) | \
			    SIGFMT_ALG(KEY_RSA3072_PSS))
#define SIGFMT_EC	(SIGFMT_ALG(KEY_P256) | SIGFMT_ALG(KEY_P384))
#define SIGFMT_ED	SIGFMT_ALG(KEY_ED25519)

/* CS_E_FORMAT; what an OpenSSL call left behind is forgotten. */
int sigfmt_bad(struct diag *d, const char *expected, const char *found);
int sigfmt_crypto(struct diag *d, const char *what);
/* The artifact's digest that the key's algorithm needs; sigfmt_check saw it */
const uint8_t *sigfmt_digest(const struct sigfmt_job *j, size_t *ret_len);
/* build of formats that sign a file's digest of their own: that */
int sigfmt_build_own(const struct sigfmt_job *j,
    const struct sigfmt_sigs *done, struct buf *out, struct diag *d) CS_WUR;
/* The token's signature over it.  CS_E_SIG, CS_E_FORMAT */
int sigfmt_verify_own(const struct sigfmt_job *j, const struct sigfmt_sigs *s,
    struct diag *d) CS_WUR;
/* "  label     value", sanitised */
int sigfmt_line(struct buf *out, const char *label, const char *value);
/*
 * One signature of the token over tbs as SIGFMT_F_DIGEST says it was made.
 * CS_E_SIG
 */
int sigfmt_verify_tbs(const struct sigfmt_job *j, const uint8_t *tbs,
    size_t tbs_len, const uint8_t *sig, size_t sig_len, struct diag *d)
    CS_WUR;
/* PEM of type, into out */
int sigfmt_pem(const char *type, const uint8_t *der, size_t len,
    struct buf *out, struct diag *d) CS_WUR;
/* public_key of formats whose verifiers read PEM */
int sigfmt_pem_key(const struct policy_key *k, struct buf *out,
    struct diag *d) CS_WUR;
/* A reference of the job's certificate, or NULL; X509_free() */
struct x509_st *sigfmt_get_cert(const struct sigfmt_job *j) CS_WUR;
/* The one signer's signature in a CMS; CS_E_FORMAT */
int sigfmt_cms_signature(const uint8_t *der, size_t len,
    struct sigfmt_sigs *ret) CS_WUR;
/* describe and public_key of formats with an X.509 certificate */
int sigfmt_describe_cert(const struct sigfmt_job *j, struct buf *out) CS_WUR;
int sigfmt_pem_cert(const struct policy_key *k, struct buf *out,
    struct diag *d) CS_WUR;
/* The 32 bytes of an Ed25519 key */
const uint8_t *sigfmt_ed25519(const struct policy_key *k);

/*
 * signify's key and signature files, which minisign took over: a comment and
 * a line of base64 of algorithm (2), key number (8) and bytes.  The key
 * number is the first 8 bytes of the SPKI's SHA-256.
 */
#define SIGFMT_KEYNUM_LEN	8u
#define SIGFMT_BLOB_MAX		74u
int sigfmt_put_blob(struct buf *out, const char *comment, const char *alg,
    const struct policy_key *k, const uint8_t *p, size_t len) CS_WUR;
/* 1..200 bytes of A-Z a-z 0-9 . _ + ~ - and not a dash or dot first */
int sigfmt_plain_name(const struct sigfmt_job *j, struct diag *d) CS_WUR;
/* Of such a file's line of base64: the bytes behind the key number. */
int sigfmt_get_blob(const char *line, size_t line_len, uint8_t *ret,
    size_t want) CS_WUR;
struct sigfmt_span {
	const char *p;
	size_t len;
};
/* Exactly n lines, each ended by a newline; CS_E_FORMAT */
int sigfmt_lines(const uint8_t *text, size_t len, struct sigfmt_span *ret,
    size_t n) CS_WUR;
/* 0 if what assemble() makes of done is sig */
int sigfmt_compare(const struct sigfmt *f, const struct sigfmt_job *j,
    const struct sigfmt_sigs *done, const uint8_t *sig, size_t len) CS_WUR;

#endif
