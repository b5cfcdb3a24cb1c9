/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_HSM_SELFSIGN_H
#define CS_HSM_SELFSIGN_H

#include "hsm/sign.h"

/*
 * A self-signed certificate (RFC 5280) for a key on a token: v3, random
 * serial of 159 bits, subject and issuer CN, subject key identifier; a leaf
 * (CA:FALSE, digitalSignature, codeSigning) or a root (CA:TRUE, keyCertSign,
 * cRLSign).
 */
#define SELFSIGN_CN_MAX	64u	/* ub-common-name */

struct selfsign {
	const char *cn;			/* 1..64 bytes of printable ASCII */
	int64_t not_before, not_after;	/* seconds since 1970 UTC */
	const struct pubkey *pub;
	bool ca;
};

/*
 * free(*ret).  Ed25519 is CS_E_HSM_MECH; a name or time that cannot be used,
 * CS_E_HSM_CERT.  The result was verified with its own key.
 */
int selfsign_make(const struct selfsign *c, const struct hsm_signer *signer,
    uint8_t **ret, size_t *ret_len, struct diag *d) CS_WUR;

#endif
