/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_X509_H
#define CS_X509_H

#include <openssl/x509.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/key.h"

/*
 * X.509 certificates and CRLs (RFC 5280) from a wish: a canonical JSON text
 * that says profile, validity and request, or which serials are revoked.  It
 * is the artifact that approvers read; lib/PROTOCOL.formats, "x509".  The
 * wish and the issuer's certificate decide every byte that is signed.
 */
#define X509_SERIAL_LEN	20u	/* RFC 5280 4.1.2.2 */
#define X509_NONCE_LEN	16u

enum x509_issuer {
	X509_BY_ITSELF,		/* the request is of the signing key */
	X509_BY_CA,
};

struct x509_profile {
	const char *name;
	const char *about;	/* for people, one line */
	enum x509_issuer issuer;
	bool ca;
	bool path_length;	/* must be given */
	const char *usage;	/* as OpenSSL's configuration has it */
	const char *ext_usage;	/* NULL: none */
	uint32_t max_days;
};

/* Row i of the table, NULL after the last */
const struct x509_profile *x509_profile_at(size_t i);
const struct x509_profile *x509_profile_by_name(const char *name);

struct x509_wish {
	bool crl;
	int64_t from, until;	/* notBefore, notAfter; thisUpdate, nextUpdate */
	/* a certificate's */
	const struct x509_profile *profile;
	bool has_path_length;
	uint64_t path_length;
	X509_REQ *csr;		/* its own signature verified */
	struct pubkey *key;	/* the request's */
	/* a CRL's: RFC 5280 5.2.3, 5.3 */
	uint64_t number;
	json_t *revoked;	/* borrowed: [{reason, serial, time}] */
	json_t *root;
};
void x509_wish_done(struct x509_wish *w);

/* One entry of revoked; reason is a CRLReason's number. */
struct x509_revoked {
	const char *serial;	/* hex, even digits, positive */
	int64_t time;
	int reason;
	const char *reason_name;
};

/* CS_E_X509_*; x509_wish_done() after success only */
int x509_wish_read(const void *text, size_t len, struct x509_wish *ret,
    struct diag *d) CS_WUR;
int x509_revoked_read(const struct x509_wish *w, size_t i,
    struct x509_revoked *ret, struct diag *d) CS_WUR;
/* "keyCompromise" to its number and back; -1, NULL: none such */
int x509_reason_from_name(const char *name);
const char *x509_reason_name(int reason);
/* A certificate's wish as text; path_length < 0: none.  free(*ret) */
struct x509_wish_new {
	const char *profile;
	int64_t from, until;
	int path_length;
	const uint8_t *csr;	/* DER */
	size_t csr_len;
	uint8_t nonce[X509_NONCE_LEN];
};
int x509_wish_format(const struct x509_wish_new *n, char **ret,
    size_t *ret_len) CS_WUR;
/* The wish's text for a CRL, as x509_wish_read() takes it; free(*ret) */
int x509_crl_wish_format(const X509_CRL *crl, char **ret, size_t *ret_len)
    CS_WUR;

/* Who signs: its algorithm, key and certificate (borrowed). */
struct x509_signer {
	enum key_alg alg;
	const struct pubkey *key;
	X509 *cert;
};

/*
 * All but the signature.  serial: from the wish's digest, so that one wish
 * has one certificate.  CS_E_X509_*
 */
void x509_serial(const uint8_t sha256[32], uint8_t ret[X509_SERIAL_LEN]);
int x509_make(const struct x509_wish *w, const uint8_t sha256[32],
    const struct x509_signer *by, X509 **ret, struct diag *d) CS_WUR;
/* The to-be-signed bytes of a list */
int x509_make_crl(const struct x509_wish *w, const struct x509_signer *by,
    struct buf *out, struct diag *d) CS_WUR;
/* The AlgorithmIdentifier of a's signatures; X509_ALGOR_free(*ret) */
int x509_algorithm(enum key_alg a, X509_ALGOR **ret) CS_WUR;
/*
 * The certificate as a throw-away key and issuer would have signed it, read
 * by OpenSSL's strict path validation (X509_V_FLAG_X509_STRICT).  What it
 * checked must be, but for the algorithm, what is to be signed.
 * CS_E_X509_LINT
 */
int x509_lint(const struct x509_wish *w, const uint8_t sha256[32],
    const struct x509_signer *by, struct diag *d) CS_WUR;

/*
 * SEQUENCE { tbs, algorithm, BIT STRING sig }: what every signed structure
 * of X.509 is.  free(*ret)
 */
int x509_outer(const unsigned char *tbs, int tbs_len, const X509_ALGOR *alg,
    const uint8_t *sig, size_t sig_len, uint8_t **ret, size_t *ret_len) CS_WUR;

#endif
