/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SESSIONS_H
#define CS_SESSIONS_H

#include "lib/change.h"
#include "lib/quorum.h"

/*
 * The TPM's sessions of one ceremony: one for each key domain whose PIN it
 * needs, or a single one without a domain, for its nonce.  What approvers
 * sign names one nonce: that of the only session, or the SHA-256 over those of
 * all of them, in order.
 *
 * Encoded: u32 n, n times {str domain, str nonceTPM (32), u32 handle, str
 * saved context}.
 */
#define SESSIONS_MAX	POLICY_DOMAINS_MAX
#define SESSION_CONTEXT_MAX 8192u
struct session {
	char domain[41];		/* "": none */
	uint8_t nonce[QUORUM_NONCE_LEN];
	uint32_t handle;		/* the TPM's */
	const uint8_t *context;		/* borrowed */
	size_t context_len;
};
struct sessions {
	struct session v[SESSIONS_MAX];
	size_t n;
};
int sessions_put(struct buf *b, const struct sessions *s) CS_WUR;
/* borrows from bytes; 1..SESSIONS_MAX, no domain twice; CS_E_SESSIONS */
int sessions_get(const uint8_t *bytes, size_t len, struct sessions *ret,
    struct diag *d) CS_WUR;
int sessions_nonce(const struct sessions *s, uint8_t ret[QUORUM_NONCE_LEN])
    CS_WUR;

/*
 * One person's votes, one per session in order: base64 of the signature over
 * the session's challenge, or "-" from somebody whom its domain does not ask;
 * joined by commas.  "-" too where no domain asks anybody.
 */
#define SESSION_VOTE_MAX	512u	/* bytes of one signature */
#define SESSION_VOTES_MAX	(SESSIONS_MAX * 700u)
/* sig[i] of len[i] bytes, 0: none; text holds SESSION_VOTES_MAX + 1 */
void sessions_votes_format(const struct sessions *s, const uint8_t *const *sig,
    const size_t *len, char *text);
/* The vote for session i; *ret_len 0 if there is none. CS_E_SESSIONS */
int sessions_vote(const struct sessions *s, const char *text, size_t i,
    uint8_t ret[SESSION_VOTE_MAX], size_t *ret_len) CS_WUR;

#endif
