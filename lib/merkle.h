/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_MERKLE_H
#define CS_MERKLE_H

#include "lib/err.h"

/*
 * Merkle tree hashing over SHA-256, RFC 6962 section 2.1 (the same trees as
 * RFC 9162 section 2.1).  Hashes are 32 bytes, a proof is an array of them.
 * Functions return 0 or CS_E_CRYPTO unless they say more.
 */
#define MERKLE_MAX_SIZE		(UINT64_C(1) << 53)	/* leaves */
#define MERKLE_MAX_LEVEL	53u
#define MERKLE_MAX_PROOF	54u	/* hashes, of either kind of proof */

/* MTH({}) = SHA-256() */
extern const uint8_t merkle_empty[32];

/* SHA-256(0x00 || data) */
int merkle_leaf_hash(const void *data, size_t len, uint8_t ret[32]) CS_WUR;
/* SHA-256(0x01 || left || right); ret may be either of them */
int merkle_node_hash(const uint8_t left[32], const uint8_t right[32],
    uint8_t ret[32]) CS_WUR;

/*
 * A compact range [0, size): the roots of the perfect subtrees that size is
 * made of; node[l] is that of 2^l leaves and is set where bit l of size is.
 * All zeros is the empty tree.
 */
struct merkle_range {
	uint64_t size;
	uint8_t node[MERKLE_MAX_LEVEL + 1][32];
};

/* CS_E_LOG_SIZE beyond MERKLE_MAX_SIZE; m is unchanged on error */
int merkle_range_append(struct merkle_range *m, const uint8_t leaf_hash[32])
    CS_WUR;
/*
 * Appends 2^level leaves by their subtree's root.  CS_E_LOG_SIZE also if
 * size is not a multiple of 2^level.
 */
int merkle_range_append_node(struct merkle_range *m, unsigned level,
    const uint8_t hash[32]) CS_WUR;
int merkle_range_root(const struct merkle_range *m, uint8_t ret[32]) CS_WUR;

/* The root over n leaves of leaf_len bytes each, one after the other. */
int merkle_root_of(const void *leaves, size_t leaf_len, size_t n,
    uint8_t ret[32]) CS_WUR;

/*
 * RFC 9162 section 2.1.3.2: the leaf with this hash is number index in the
 * tree of size leaves that has this root.  CS_E_LOG_INCLUSION if not shown.
 */
int merkle_verify_inclusion(uint64_t index, uint64_t size,
    const uint8_t leaf_hash[32], const uint8_t (*proof)[32], size_t n,
    const uint8_t root[32]) CS_WUR;
/*
 * RFC 9162 section 2.1.4.2: the first old_size leaves are the same in both
 * trees.  Equal sizes, and the empty old tree (whose root is merkle_empty),
 * take an empty proof.  CS_E_LOG_CONSISTENCY if not shown.
 */
int merkle_verify_consistency(uint64_t old_size, uint64_t new_size,
    const uint8_t old_root[32], const uint8_t new_root[32],
    const uint8_t (*proof)[32], size_t n) CS_WUR;

#endif
