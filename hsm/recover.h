/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_HSM_RECOVER_H
#define CS_HSM_RECOVER_H

#include "lib/share.h"

/*
 * A domain's secret, split M-of-N over GF(2^8) (libgfshare), and joined on
 * another machine when the TPM that held it is gone.
 *
 * What is split is the secret and 32 random bytes behind it, the salt.  The
 * check value, HMAC-SHA-256 under the salt over the names, the numbers and
 * the secret, is public: whoever has fewer than M shares knows nothing of the
 * salt, so neither the check value nor a share's digest lets him try PINs.
 *
 * libgfshare keeps the polynomials on the heap while it works, and wipes them
 * with random bytes.  Call from one thread only: its source of random numbers
 * is a global variable.
 */
struct recover_cert {
	const uint8_t *der;
	size_t len;
};

struct recover_wish {
	const char *domain;
	const char *origin;		/* of the appliance's log */
	size_t threshold;		/* M, 2 .. count */
	const struct recover_cert *custodians;
	size_t count;			/* N, .. SHARE_MAX */
};

struct recover_shares {
	size_t count;
	struct buf file[SHARE_MAX];	/* share-<i+1>.p7m */
	char *manifest;			/* the payload for the appliance's DSSE */
	size_t manifest_len;
};

void recover_shares_free(struct recover_shares **s);
static inline void
recover_shares_freep(struct recover_shares **s)
{
	recover_shares_free(s);
}
#define _cleanup_recover_shares_ _cleanup_(recover_shares_freep)

/*
 * One share for each certificate; no key twice.  Nothing is returned before
 * the records were joined again, M at a time so that each takes part and, if
 * M < N, by two subsets at least; that is done with recover_add() and
 * recover_combine() and the manifest as it will be read.
 */
int recover_split(const struct recover_wish *w, struct secret *secret,
    struct recover_shares **ret, struct diag *d) CS_WUR;

/* The shares of one set as they come in. */
struct recover_set;

void recover_set_free(struct recover_set **s);
static inline void
recover_set_freep(struct recover_set **s)
{
	recover_set_free(s);
}
#define _cleanup_recover_set_ _cleanup_(recover_set_freep)

/*
 * m: parsed from a payload whose signature was checked; copied.  domain and
 * origin: what this ceremony is to recover.  CS_E_RECOVER_DOMAIN, _ORIGIN.
 */
int recover_set_new(const struct share_manifest *m, const char *domain,
    const char *origin, struct recover_set **ret, struct diag *d) CS_WUR;
/*
 * One share in clear, as share_open() gives it.  Checked in this order, each
 * with its own error: what share_decode() says, CS_E_RECOVER_SET, _DOMAIN,
 * _ORIGIN, _TERMS, _INDEX, _TWICE, _DIGEST.  A refused share changes nothing.
 */
int recover_add(struct recover_set *s, struct secret *record,
    size_t *ret_index, struct diag *d) CS_WUR;
size_t recover_have(const struct recover_set *s);
size_t recover_need(const struct recover_set *s);	/* M */
/*
 * CS_E_RECOVER_FEW before the threshold; CS_E_RECOVER_CHECK if what comes out
 * is not what was split.  secret_free(*ret)
 */
int recover_combine(struct recover_set *s, struct secret **ret,
    struct diag *d) CS_WUR;

/*
 * The appliance's end of one ceremony: an ephemeral P-384 key with a
 * self-signed certificate (keyAgreement alone) that custodians encrypt their
 * shares to.  The key is in this process only and dies with the session.
 */
#define RECOVER_SESSION_SECONDS	(7 * 86400)

struct recover_session;

void recover_session_free(struct recover_session **s);
static inline void
recover_session_freep(struct recover_session **s)
{
	recover_session_free(s);
}
#define _cleanup_recover_session_ _cleanup_(recover_session_freep)

/* now: seconds since 1970 UTC, for the certificate's times */
int recover_session_new(int64_t now, struct recover_session **ret,
    struct diag *d) CS_WUR;
/* DER, borrowed; its SHA-256 is what the console shows as words */
const uint8_t *recover_session_cert(const struct recover_session *s,
    size_t *ret_len);
/* A share that was encrypted to the session; see share_open(). */
int recover_session_open(const struct recover_session *s, const uint8_t *cms,
    size_t len, struct secret **ret, struct diag *d) CS_WUR;

#endif
