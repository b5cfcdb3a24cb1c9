/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_KEY_IMPL_H
#define CS_KEY_IMPL_H

#include "lib/key.h"

/* Shared by lib/key.c and lib/key_normal.c only. */
enum key_type { TYPE_RSA, TYPE_P256, TYPE_P384, TYPE_ED25519 };

struct key_curve {
	const char *group;
	enum key_type type;
	size_t coordinate;	/* bytes */
	const uint8_t *prefix;	/* of the SubjectPublicKeyInfo, with the 04 */
	size_t prefix_len;
};
#define KEY_CURVES		2u
#define KEY_ED25519_PREFIX	12u
extern const struct key_curve key_curves[KEY_CURVES];
extern const uint8_t key_ed25519_prefix[KEY_ED25519_PREFIX];

/*
 * Whether der is the one encoding that a P-256, P-384 or Ed25519 key has after
 * normalisation: a constant and the key.  Of RSA that cannot be seen so.
 */
bool key_is_normal(const uint8_t *der, size_t len);
/*
 * The key of such an encoding, some 20 times faster than by OpenSSL's
 * decoders.  The point is on the curve, and so of full order: the cofactor of
 * both curves is 1 (SP 800-186 3.2.1).
 */
int key_from_normal(const uint8_t *der, size_t len, EVP_PKEY **ret) CS_WUR;

#endif
