/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TOKEN_LOG_H
#define CS_TOKEN_LOG_H

#include "lib/err.h"

/*
 * The log that an HSM keeps of itself, in the form of the YubiHSM 2 (vendor's
 * documentation, commands GET LOG ENTRIES and SET LOG INDEX): up to 64 entries
 * of 32 bytes, big-endian.  The digest of an entry is the first 16 bytes of
 * SHA-256 over the entry's other 16 and the digest of the entry before; the
 * first one after a factory reset follows from bytes that nobody knows.
 *
 * Pure: no token, no log of ours.
 */
#define TOKEN_LOG_ENTRY_LEN	32u
#define TOKEN_LOG_BODY_LEN	16u	/* of it, before the digest */
#define TOKEN_LOG_DIGEST_LEN	16u
#define TOKEN_LOG_MAX		64u	/* entries that a token keeps */

struct token_log_entry {
	uint16_t number;	/* one more than the entry before, mod 2^16 */
	uint8_t command;	/* 0xff: reset, 0x00: power on */
	uint16_t length;	/* of the command's data */
	uint16_t session_key;	/* authentication key of the session */
	uint16_t target_key, second_key;
	uint8_t result;		/* command | 0x80 if it was done */
	uint32_t tick;
	uint8_t digest[TOKEN_LOG_DIGEST_LEN];
};

void token_log_encode(const struct token_log_entry *e,
    uint8_t ret[TOKEN_LOG_ENTRY_LEN]);
/* Whole entries, at most 64: CS_E_HSM_LOG_FORMAT */
int token_log_decode(const uint8_t *p, size_t len,
    struct token_log_entry ret[TOKEN_LOG_MAX], size_t *ret_n, struct diag *d)
    CS_WUR;
/* the digest that e must have after an entry of this digest */
int token_log_digest(const struct token_log_entry *e,
    const uint8_t before[TOKEN_LOG_DIGEST_LEN],
    uint8_t ret[TOKEN_LOG_DIGEST_LEN]) CS_WUR;
/* Was a private key used, and did the token do it? */
bool token_log_is_use(const struct token_log_entry *e);

/* The last entry that was drained before; known false: none was. */
struct token_log_pin {
	bool known;
	uint16_t number;
	uint8_t digest[TOKEN_LOG_DIGEST_LEN];
};

/* What the ceremony asked the token for. */
struct token_log_asked {
	bool has_key;		/* key is its ID on the token */
	uint16_t key;
	uint32_t uses;
};

/* What was read. */
struct token_log {
	struct token_log_entry v[TOKEN_LOG_MAX];
	size_t n;
	uint16_t unlogged_boots, unlogged_logins;
};

#define TOKEN_LOG_CHECKS	5u
struct token_log_verdict {
	size_t first;		/* entries before it were drained before */
	uint32_t used;		/* uses of keys in the new ones */
	struct diag checks[TOKEN_LOG_CHECKS];	/* what does not add up */
	size_t nchecks;		/* 0: all does */
};

/*
 * Entries follow from each other and from the pin, none is missing, the token
 * left none out, and its keys were used as often as was asked: otherwise
 * CS_E_HSM_LOG_CHAIN, _GAP, _UNLOGGED, _FOREIGN, _MISSING are in the verdict,
 * each once.  The return value is 0, or CS_E_CRYPTO.
 */
int token_log_judge(const struct token_log *log,
    const struct token_log_pin *pin, const struct token_log_asked *asked,
    struct token_log_verdict *ret) CS_WUR;

#endif
