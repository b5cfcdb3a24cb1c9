/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sha.h"

#include <openssl/evp.h>
#include <string.h>

#include "lib/hex.h"

static const struct {
	const char *name;
	size_t len;
	const EVP_MD *(*md)(void);
} algs[HASH_COUNT] = {
	[HASH_SHA256] = { "sha256", 32, EVP_sha256 },
	[HASH_SHA384] = { "sha384", 48, EVP_sha384 },
	[HASH_SHA512] = { "sha512", 64, EVP_sha512 },
	/* as in-toto names it (attestation spec/v1/digest_set.md) */
	[HASH_BLAKE2B] = { "blake2b", 64, EVP_blake2b512 },
};

struct hasher {
	EVP_MD_CTX *ctx;
	enum hash_alg alg;
	bool done; /* final was called; reset first */
};

static inline void
hasher_freep(struct hasher **h)
{
	hasher_free(h);
}

int
sha256(const void *data, size_t len, uint8_t ret[32])
{
	uint8_t md[CS_SHA256_LEN];

	if (EVP_Digest(data, len, md, NULL, EVP_sha256(), NULL) != 1)
		return CS_E_CRYPTO;
	memcpy(ret, md, sizeof(md));
	return 0;
}

int
sha256_hex(const void *data, size_t len, char ret[65])
{
	uint8_t md[CS_SHA256_LEN];
	int r;

	if ((r = sha256(data, len, md)) != 0)
		return r;
	hex_encode(md, sizeof(md), ret);
	return 0;
}

size_t
hash_len(enum hash_alg a)
{
	return (size_t)a < HASH_COUNT ? algs[a].len : 0;
}

const char *
hash_name(enum hash_alg a)
{
	return (size_t)a < HASH_COUNT ? algs[a].name : "unknown";
}

int
hash_from_name(const char *s, enum hash_alg *ret)
{
	size_t i;

	for (i = 0; i < HASH_COUNT; i++) {
		if (strcmp(algs[i].name, s) == 0) {
			*ret = (enum hash_alg)i;
			return 0;
		}
	}
	return CS_E_HASH;
}

int
hash_of(enum hash_alg a, const void *data, size_t len, uint8_t *ret)
{
	uint8_t md[EVP_MAX_MD_SIZE];

	if ((size_t)a >= HASH_COUNT)
		return CS_E_HASH;
	if (EVP_Digest(data, len, md, NULL, algs[a].md(), NULL) != 1)
		return CS_E_CRYPTO;
	memcpy(ret, md, algs[a].len);
	return 0;
}

int
hasher_new(enum hash_alg a, struct hasher **ret)
{
	_cleanup_(hasher_freep) struct hasher *h = NULL;
	int r;

	if ((size_t)a >= HASH_COUNT)
		return CS_E_HASH;
	if ((h = calloc(1, sizeof(*h))) == NULL)
		return CS_E_NOMEM;
	h->alg = a;
	if ((h->ctx = EVP_MD_CTX_new()) == NULL)
		return CS_E_NOMEM;
	if ((r = hasher_reset(h)) != 0)
		return r;
	*ret = take_ptr(h);
	return 0;
}

void
hasher_free(struct hasher **h)
{
	if (*h == NULL)
		return;
	EVP_MD_CTX_free((*h)->ctx);
	free(*h);
	*h = NULL;
}

int
hasher_update(struct hasher *h, const void *data, size_t len)
{
	if (h->done)
		return CS_E_INTERNAL;
	return EVP_DigestUpdate(h->ctx, data, len) == 1 ? 0 : CS_E_CRYPTO;
}

int
hasher_final(struct hasher *h, uint8_t *ret, size_t len)
{
	uint8_t md[EVP_MAX_MD_SIZE];

	if (h->done || len != algs[h->alg].len)
		return CS_E_INTERNAL;
	if (EVP_DigestFinal_ex(h->ctx, md, NULL) != 1)
		return CS_E_CRYPTO;
	h->done = true;
	memcpy(ret, md, len);
	return 0;
}

int
hasher_reset(struct hasher *h)
{
	if (EVP_DigestInit_ex(h->ctx, algs[h->alg].md(), NULL) != 1)
		return CS_E_CRYPTO;
	h->done = false;
	return 0;
}
