/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_PGP_H
#define CS_PGP_H

#include "lib/buf.h"
#include "lib/key.h"

/*
 * OpenPGP v4 keys and signatures (RFC 4880, RFC 6637, EdDSA as GnuPG has it):
 * written in one way only.  Everything is appended to out.
 */
#define PGP_FPR_LEN	20u
#define PGP_PACKET_MAX	2048u
#define PGP_SIG_BINARY	0x00	/* of a document */
#define PGP_SIG_TEXT	0x01	/* of a text with CR LF */
#define PGP_SIG_CERT	0x13	/* of a key and its user ID */

/* Who signs: the key with the time of its making, which its name covers. */
struct pgp_key {
	const struct pubkey *key;
	enum key_alg alg;	/* not PSS, not ed25519-blake2b */
	uint32_t created;
};

/* The signature as a token makes it: RSA, DER, or 64 bytes */
struct pgp_sig {
	const uint8_t *p;
	size_t len;
};

/* body of the public key packet (RFC 4880 5.5.2) */
int pgp_put_key(struct buf *out, const struct pgp_key *k) CS_WUR;
/* RFC 4880 12.2 */
int pgp_fingerprint(const struct pgp_key *k, uint8_t ret[PGP_FPR_LEN]) CS_WUR;
/* "SHA256" and so on, of the key's algorithm */
const char *pgp_hash_name(enum key_alg a);
/*
 * The hashed part of a signature (RFC 4880 5.2.3): type, algorithms, time,
 * the key's fingerprint and, if flags is not 0, what the key is for.
 */
int pgp_put_hashed(struct buf *out, const struct pgp_key *k, uint8_t type,
    uint32_t time, uint8_t flags) CS_WUR;
/* hashed and the trailer: what ends the bytes that are hashed (5.2.4) */
int pgp_put_trailer(struct buf *out, const struct buf *hashed) CS_WUR;
/* the digest of tbs that the signature is over */
int pgp_digest(enum key_alg a, const struct buf *tbs,
    uint8_t ret[HASH_MAX_LEN]) CS_WUR;
/* a whole signature packet; md is the digest that it is over */
int pgp_put_sig(struct buf *out, const struct pgp_key *k,
    const struct buf *hashed, const uint8_t md[HASH_MAX_LEN],
    const struct pgp_sig *sig) CS_WUR;
#define PGP_TAG_SIG	2u
#define PGP_TAG_KEY	6u
#define PGP_TAG_USER	13u
int pgp_put_packet(struct buf *out, unsigned tag, const void *body,
    size_t len) CS_WUR;
/* The next packet, as pgp_put_packet() writes it.  CS_E_FORMAT */
int pgp_get_packet(struct rd *in, unsigned tag, struct rd *ret) CS_WUR;
/*
 * Time and token's signature out of a packet that pgp_put_sig() may have
 * made; whoever reads one makes it again and compares.
 */
int pgp_get_sig(struct rd *packet, enum key_alg a, uint32_t *ret_time,
    uint8_t *ret, size_t size, size_t *ret_len) CS_WUR;

/* -----BEGIN PGP what-----, with its checksum (RFC 4880 6) */
int pgp_armor(struct buf *out, const char *what, const struct buf *data)
    CS_WUR;

#endif
