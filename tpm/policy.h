/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TPM_POLICY_H
#define CS_TPM_POLICY_H

#include "lib/buf.h"
#include "lib/quorum.h"

/*
 * Policy digests computed in software, no TPM needed: TPM 2.0 Library Part 3,
 * 23 (TPM2_PolicyXxx), SHA-256.  A digest starts as 32 zero bytes and is
 * changed in place by each step.
 */
#define TPM_NAME_LEN	34u	/* TPM2B_NAME content: algorithm ID, SHA-256 */
#define TPM_PCR_COUNT	24u
#define TPM_OR_MAX	8u	/* branches of one PolicyOR, Part 3, 23.6 */

struct tpm_pcr_values {
	uint32_t mask;				/* bit n selects PCR n */
	uint8_t value[TPM_PCR_COUNT][CS_SHA256_LEN];
};

enum tpm_compare { TPM_EQUAL, TPM_AT_MOST };	/* counter against operand */

int tpm_policy_pcr(uint8_t d[CS_SHA256_LEN],
    const struct tpm_pcr_values *v) CS_WUR;
int tpm_policy_nv(uint8_t d[CS_SHA256_LEN], const uint8_t name[TPM_NAME_LEN],
    enum tpm_compare how, uint64_t operand) CS_WUR;
int tpm_policy_authorize(uint8_t d[CS_SHA256_LEN],
    const uint8_t key[TPM_NAME_LEN], const char *ref) CS_WUR;
int tpm_policy_signed(uint8_t d[CS_SHA256_LEN],
    const uint8_t key[TPM_NAME_LEN], const char *ref) CS_WUR;
/* 2..8 branches */
int tpm_policy_or(uint8_t d[CS_SHA256_LEN],
    const uint8_t (*branches)[CS_SHA256_LEN], size_t n) CS_WUR;

/* Name of a public key as TPM2_LoadExternal gives it; CS_E_QUORUM_KEY */
int tpm_key_name(const struct pubkey *k, uint8_t ret[TPM_NAME_LEN],
    struct diag *d) CS_WUR;

/*
 * --- the tree over all subsets ---
 * Level 0 has one leaf per set of threshold keys of distinct people, in
 * lexicographic order of their places; a level up has one PolicyOR per eight
 * of the level below, a lone last one twice.  With one leaf the leaf itself
 * is the top.
 */
struct tpm_tree;
int tpm_tree_make(const struct quorum *q, const uint8_t start[CS_SHA256_LEN],
    const char *ref, struct tpm_tree **ret, struct diag *d) CS_WUR;
void tpm_tree_free(struct tpm_tree **t);
#define _cleanup_tpm_tree_ _cleanup_(tpm_tree_free)
void tpm_tree_top(const struct tpm_tree *t, uint8_t ret[CS_SHA256_LEN]);
size_t tpm_tree_leaves(const struct tpm_tree *t);
size_t tpm_tree_levels(const struct tpm_tree *t);	/* PolicyORs on a path */
/* the leaf of these places (threshold many, rising), or CS_E_TPM_QUORUM */
int tpm_tree_leaf(const struct tpm_tree *t, const size_t *places,
    size_t *ret) CS_WUR;
/*
 * The branches of the PolicyOR on the path of a leaf at a level (0 is the
 * first executed); 2..8 of them.
 */
size_t tpm_tree_branches(const struct tpm_tree *t, size_t leaf, size_t level,
    uint8_t ret[TPM_OR_MAX][CS_SHA256_LEN]);

#endif
