/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_QUORUM_H
#define CS_QUORUM_H

#include "lib/policy.h"

/*
 * The quorum that the TPM demands for one key domain: any threshold of the
 * people whose keys are listed, one key each.  Derived from the policy:
 * everybody who may approve under a rule for a key of the domain, or break the
 * glass, and the smallest threshold of those rules.  A rule that wants more, other roles,
 * or people of distinct organisations is counted by the core and the signer;
 * the chip's demand is the floor under all of them.
 */
#define QUORUM_MAX_KEYS		12u
#define QUORUM_PERSON_MAX	47u

struct quorum_key {
	char person[QUORUM_PERSON_MAX + 1];
	struct pubkey *key;		/* owned */
};

struct quorum {
	uint32_t threshold;		/* 1..n people */
	size_t n;
	struct quorum_key keys[QUORUM_MAX_KEYS];	/* by key ID, rising */
};

void quorum_done(struct quorum *q);
#define _cleanup_quorum_ _cleanup_(quorum_done)

/*
 * CS_E_QUORUM_SIZE: more than 12 keys, or fewer people than the threshold.
 * CS_E_QUORUM_KEY: a key that no TPM can count (Ed25519).
 * CS_E_QUORUM_NONE: no rule lets anybody use a key of this domain.
 */
int quorum_of_domain(const struct policy *p, const char *domain,
    struct quorum *ret, struct diag *d) CS_WUR;
/* adds a key in its place; a key twice is CS_E_QUORUM_KEY */
int quorum_add(struct quorum *q, const char *person, const uint8_t *spki,
    size_t len, struct diag *d) CS_WUR;
/* threshold and people fit together; CS_E_QUORUM_SIZE */
int quorum_check(const struct quorum *q, struct diag *d) CS_WUR;
/* the place of a key, or -1 */
int quorum_find(const struct quorum *q, const struct pubkey *k);

/*
 * What an approver's token signs for the chip (TPM 2.0 Part 3, 23.3, aHash
 * before it is hashed): the session's nonceTPM, the expiration in seconds, an
 * empty cpHashA, and policyRef, which names the key domain.
 */
#define QUORUM_NONCE_LEN	32u
#define QUORUM_VOTE_S		28800u	/* an approval holds for eight hours */
#define QUORUM_REF_MAX		64u
/* policyRef: "coldseal domain <id>" */
void quorum_ref(const char *domain, char out[QUORUM_REF_MAX]);
int quorum_challenge(const uint8_t nonce[QUORUM_NONCE_LEN], const char *ref,
    struct buf *out) CS_WUR;

#endif
