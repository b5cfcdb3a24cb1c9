/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TLOGPROOF_H
#define CS_TLOGPROOF_H

#include "lib/merkle.h"
#include "lib/note.h"

/*
 * c2sp.org/tlog-proof@v1: the index of a leaf, its inclusion proof and the
 * checkpoint, as text.  An "extra" line is accepted and, since nothing
 * authenticates it, not handed out.
 */
#define TLOGPROOF_MAX	(NOTE_MAX + (80u << 10))

struct tlogproof {
	uint64_t index;
	size_t n;
	uint8_t hash[MERKLE_MAX_PROOF][32];
	const char *checkpoint;		/* the signed note, in the input */
	size_t checkpoint_len;
};

/* free(*ret); *ret is also terminated */
int tlogproof_format(uint64_t index, const uint8_t (*hash)[32], size_t n,
    const char *checkpoint, size_t checkpoint_len, char **ret,
    size_t *ret_len, struct diag *d) CS_WUR;
/* CS_E_TLOGPROOF.  The checkpoint is not looked into. */
int tlogproof_parse(const char *p, size_t len, struct tlogproof *ret,
    struct diag *d) CS_WUR;
/*
 * Parses, verifies the checkpoint under keys[] and that the leaf with this
 * hash is in its tree.  Both results may be NULL.
 */
int tlogproof_verify(const char *p, size_t len, const uint8_t leaf_hash[32],
    const struct note_vkey *keys, size_t nkeys, struct checkpoint *ret,
    uint64_t *ret_index, struct diag *d) CS_WUR;

#endif
