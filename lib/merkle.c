/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/merkle.h"

#include <openssl/evp.h>
#include <string.h>

/* RFC 6962 2.1: domain separation between leaves and nodes */
#define PREFIX_LEAF 0x00
#define PREFIX_NODE 0x01

const uint8_t merkle_empty[32] = {
	0xe3,
	0xb0,
	0xc4,
	0x42,
	0x98,
	0xfc,
	0x1c,
	0x14,
	0x9a,
	0xfb,
	0xf4,
	0xc8,
	0x99,
	0x6f,
	0xb9,
	0x24,
	0x27,
	0xae,
	0x41,
	0xe4,
	0x64,
	0x9b,
	0x93,
	0x4c,
	0xa4,
	0x95,
	0x99,
	0x1b,
	0x78,
	0x52,
	0xb8,
	0x55,
};

/*
 * Fetching SHA-256 costs more than hashing a leaf with it, so one context
 * per thread lives as long as the process does.
 */
static EVP_MD_CTX *
context(void)
{
	static _Thread_local EVP_MD_CTX *ctx;
	EVP_MD_CTX *c;
	EVP_MD *md;

	if (ctx != NULL)
		return ctx;
	if ((md = EVP_MD_fetch(NULL, "SHA256", NULL)) == NULL)
		return NULL;
	if ((c = EVP_MD_CTX_new()) != NULL &&
	    EVP_DigestInit_ex2(c, md, NULL) != 1) {
		EVP_MD_CTX_free(c);
		c = NULL;
	}
	EVP_MD_free(md); /* c holds it */
	ctx = c;
	return c;
}

int
merkle_leaf_hash(const void *data, size_t len, uint8_t ret[32])
{
	static const uint8_t prefix = PREFIX_LEAF;
	EVP_MD_CTX *c = context();

	if (c == NULL || EVP_DigestInit_ex2(c, NULL, NULL) != 1 ||
	    EVP_DigestUpdate(c, &prefix, 1) != 1 ||
	    EVP_DigestUpdate(c, data, len) != 1 ||
	    EVP_DigestFinal_ex(c, ret, NULL) != 1)
		return CS_E_CRYPTO;
	return 0;
}

int
merkle_node_hash(const uint8_t left[32], const uint8_t right[32],
    uint8_t ret[32])
{
	EVP_MD_CTX *c = context();
	uint8_t in[65];

	in[0] = PREFIX_NODE;
	memcpy(in + 1, left, 32);
	memcpy(in + 33, right, 32);
	if (c == NULL || EVP_DigestInit_ex2(c, NULL, NULL) != 1 ||
	    EVP_DigestUpdate(c, in, sizeof(in)) != 1 ||
	    EVP_DigestFinal_ex(c, ret, NULL) != 1)
		return CS_E_CRYPTO;
	return 0;
}

int
merkle_range_append_node(struct merkle_range *m, unsigned level,
    const uint8_t hash[32])
{
	uint8_t h[32];
	unsigned l = level;
	uint64_t n;
	int r;

	if (level > MERKLE_MAX_LEVEL)
		return CS_E_LOG_SIZE;
	n = UINT64_C(1) << level;
	if (m->size > MERKLE_MAX_SIZE - n || (m->size & (n - 1)) != 0)
		return CS_E_LOG_SIZE;
	memcpy(h, hash, 32);
	for (; (m->size >> l & 1) != 0; l++)
		if ((r = merkle_node_hash(m->node[l], h, h)) != 0)
			return r;
	memcpy(m->node[l], h, 32);
	m->size += n;
	return 0;
}

int
merkle_range_append(struct merkle_range *m, const uint8_t leaf_hash[32])
{
	return merkle_range_append_node(m, 0, leaf_hash);
}

int
merkle_range_root(const struct merkle_range *m, uint8_t ret[32])
{
	uint8_t h[32];
	bool have = false;
	unsigned l;
	int r;

	memcpy(h, merkle_empty, 32);
	for (l = 0; l <= MERKLE_MAX_LEVEL; l++) {
		if ((m->size >> l & 1) == 0)
			continue;
		if (!have)
			memcpy(h, m->node[l], 32);
		else if ((r = merkle_node_hash(m->node[l], h, h)) != 0)
			return r;
		have = true;
	}
	memcpy(ret, h, 32);
	return 0;
}

int
merkle_root_of(const void *leaves, size_t leaf_len, size_t n, uint8_t ret[32])
{
	const uint8_t *p = leaves;
	struct merkle_range m = { .size = 0 };
	uint8_t h[32];
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		if ((r = merkle_leaf_hash(p + i * leaf_len, leaf_len, h)) != 0)
			return r;
		if ((r = merkle_range_append(&m, h)) != 0)
			return r;
	}
	return merkle_range_root(&m, ret);
}

/*
 * Where a proof walks: fn is the node's number in its level, sn that of the
 * level's last node (both names as in RFC 9162 2.1.3.2 and 2.1.4.2).
 */
struct walk {
	uint64_t fn, sn;
};

static void
walk_up(struct walk *w)
{
	w->fn >>= 1;
	w->sn >>= 1;
}

/* 1 if the next hash of the proof stands to the left of the node */
static int
walk_sibling_is_left(const struct walk *w)
{
	return (w->fn & 1) != 0 || w->fn == w->sn;
}

/* Past the levels where the node has no sibling; then one up. */
static void
walk_next(struct walk *w, int was_left)
{
	if (was_left)
		while ((w->fn & 1) == 0 && w->fn != 0)
			walk_up(w);
	walk_up(w);
}

int
merkle_verify_inclusion(uint64_t index, uint64_t size,
    const uint8_t leaf_hash[32], const uint8_t (*proof)[32], size_t n,
    const uint8_t root[32])
{
	struct walk w = { index, size - 1 };
	uint8_t h[32];
	size_t i;
	int r, left;

	if (size > MERKLE_MAX_SIZE || index >= size)
		return CS_E_LOG_INCLUSION;
	memcpy(h, leaf_hash, 32);
	for (i = 0; i < n; i++) {
		if (w.sn == 0)
			return CS_E_LOG_INCLUSION;
		left = walk_sibling_is_left(&w);
		r = left ? merkle_node_hash(proof[i], h, h) :
			   merkle_node_hash(h, proof[i], h);
		if (r != 0)
			return r;
		walk_next(&w, left);
	}
	if (w.sn != 0 || memcmp(h, root, 32) != 0)
		return CS_E_LOG_INCLUSION;
	return 0;
}

/* Both roots from one path: the old tree takes only the hashes on its left. */
static int
fold_consistency(struct walk w, const uint8_t seed[32],
    const uint8_t (*proof)[32], size_t n, uint8_t ret_old[32],
    uint8_t ret_new[32])
{
	size_t i;
	int r = 0, left;

	memcpy(ret_old, seed, 32);
	memcpy(ret_new, seed, 32);
	for (i = 0; i < n; i++) {
		if (w.sn == 0)
			return CS_E_LOG_CONSISTENCY;
		left = walk_sibling_is_left(&w);
		if (left) {
			r = merkle_node_hash(proof[i], ret_old, ret_old);
			if (r == 0)
				r = merkle_node_hash(proof[i], ret_new,
				    ret_new);
		} else {
			r = merkle_node_hash(ret_new, proof[i], ret_new);
		}
		if (r != 0)
			return r;
		walk_next(&w, left);
	}
	return w.sn == 0 ? 0 : CS_E_LOG_CONSISTENCY;
}

int
merkle_verify_consistency(uint64_t old_size, uint64_t new_size,
    const uint8_t old_root[32], const uint8_t new_root[32],
    const uint8_t (*proof)[32], size_t n)
{
	struct walk w = { old_size - 1, new_size - 1 };
	uint8_t old_h[32], new_h[32];
	const uint8_t *seed = old_root;
	int r;

	if (new_size > MERKLE_MAX_SIZE || old_size > new_size)
		return CS_E_LOG_CONSISTENCY;
	if (new_size == 0 && memcmp(new_root, merkle_empty, 32) != 0)
		return CS_E_LOG_CONSISTENCY;
	if (old_size == 0)
		return n == 0 && memcmp(old_root, merkle_empty, 32) == 0 ?
		    0 :
		    CS_E_LOG_CONSISTENCY;
	if (old_size == new_size)
		return n == 0 && memcmp(old_root, new_root, 32) == 0 ?
		    0 :
		    CS_E_LOG_CONSISTENCY;
	if (n == 0)
		return CS_E_LOG_CONSISTENCY;
	/* a power of two is itself a node of the new tree */
	if ((old_size & (old_size - 1)) != 0) {
		seed = proof[0];
		proof++;
		n--;
	}
	while ((w.fn & 1) != 0)
		walk_up(&w);
	if ((r = fold_consistency(w, seed, proof, n, old_h, new_h)) != 0)
		return r;
	if (memcmp(old_h, old_root, 32) != 0 ||
	    memcmp(new_h, new_root, 32) != 0)
		return CS_E_LOG_CONSISTENCY;
	return 0;
}
