/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TEST_SOFTHSM_H
#define CS_TEST_SOFTHSM_H

#include "hsm/p11.h"

/*
 * SoftHSM in a folder of its own, for tests of hsm/ within one process.
 * Sets SOFTHSM2_CONF.  All abort on failure.
 */
#define SOFTHSM_PIN	"correct-24"
#define SOFTHSM_SO	"security-officer"

const char *softhsm_module(void);	/* CS_SOFTHSM or a usual place */
/* tests/lib/fake_final_try_token.c, and SoftHSM told to it */
const char *softhsm_fake(void);
void softhsm_make(void);
void softhsm_remove(void);
const char *softhsm_dir(void);

struct secret *softhsm_secret(const char *s);
/* A new token with SOFTHSM_PIN, through p11_init_token() */
void softhsm_token(struct p11 *p, const char *label);
/* A session on it, logged in if asked for */
struct p11_session *softhsm_session(struct p11 *p, const char *label,
    bool login);
/*
 * SoftHSM 2.6.1 leaks a PrintableString at each use of an Ed25519 key; what
 * is allocated between true and false is not counted by LeakSanitizer.
 */
void softhsm_leaks(bool on);
/* A key pair; its public key */
struct pubkey *softhsm_generate(struct p11_session *s, enum key_alg alg,
    uint8_t id, const char *label);
struct p11_key *softhsm_key(struct p11_session *s, uint8_t id,
    const struct pubkey *pub);

#endif
