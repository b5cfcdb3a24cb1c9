/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_MULTIHASH_H
#define CS_MULTIHASH_H

#include "lib/sha.h"

/* Several digests in one pass; those that were not asked for are NULL. */
struct multihash {
	struct hasher *h[HASH_COUNT];
};

void multihash_done(struct multihash *m);
/* which: HASH_BIT() of each */
int multihash_init(struct multihash *m, uint32_t which) CS_WUR;
int multihash_reset(struct multihash *m) CS_WUR;
int multihash_update(struct multihash *m, const void *data, size_t len)
    CS_WUR;
/* Leaves the digests that were not asked for as they are. */
int multihash_final(struct multihash *m,
    uint8_t digest[HASH_COUNT][HASH_MAX_LEN]) CS_WUR;

#endif
