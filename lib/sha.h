/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SHA_H
#define CS_SHA_H

#include "lib/err.h"

/* EVP one-shot digests and the streaming form, errors flattened. */
int sha256(const void *data, size_t len, uint8_t ret[32]) CS_WUR;
int sha256_hex(const void *data, size_t len, char ret[65]) CS_WUR;

enum hash_alg {
	HASH_SHA256,
	HASH_SHA384,
	HASH_SHA512,
	HASH_BLAKE2B,		/* BLAKE2b-512, RFC 7693: minisign's */
	HASH_COUNT
};
#define HASH_BIT(a)	(1u << (a))
#define HASH_MAX_LEN	64

size_t hash_len(enum hash_alg a);		/* 32, 48, 64, 64 */
const char *hash_name(enum hash_alg a);		/* "sha256" ... */
int hash_from_name(const char *s, enum hash_alg *ret) CS_WUR; /* CS_E_HASH */

/* hash_len(a) bytes of it, in one go */
int hash_of(enum hash_alg a, const void *data, size_t len,
    uint8_t *ret) CS_WUR;

struct hasher;
int hasher_new(enum hash_alg a, struct hasher **ret) CS_WUR;
void hasher_free(struct hasher **h);
int hasher_update(struct hasher *h, const void *data, size_t len) CS_WUR;
int hasher_final(struct hasher *h, uint8_t *ret, size_t len) CS_WUR;
int hasher_reset(struct hasher *h) CS_WUR;

#endif
