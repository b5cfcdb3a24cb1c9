/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_NOTE_H
#define CS_NOTE_H

#include "lib/err.h"

/*
 * C2SP signed notes (c2sp.org/signed-note) with Ed25519 and ECDSA P-256
 * signatures, and checkpoints (c2sp.org/tlog-checkpoint) without extension
 * lines.
 */
#define NOTE_MAX		(512u << 10)	/* bytes of a note */
#define NOTE_MAX_SIGS		64u
#define NOTE_NAME_MAX		255u		/* bytes of a key name */
#define NOTE_TYPE_ED25519	0x01
#define NOTE_TYPE_ECDSA		0x02
#define NOTE_PUB_MAX		91u		/* bytes of the longer key */
#define NOTE_ECDSA_MAX		72u		/* of a P-256 signature in DER */
/* name, '+', 8 digits, '+', base64 of 92 bytes, terminator */
#define NOTE_VKEY_TEXT_MAX	(NOTE_NAME_MAX + 1 + 8 + 1 + 124 + 1)
/* origin, 16 digits, base64 of 32 bytes, three newlines, terminator */
#define CHECKPOINT_TEXT_MAX	(NOTE_NAME_MAX + 16 + 44 + 3 + 1)

/*
 * A verifier key, "name+xxxxxxxx+base64(type || public key)".  The ID is
 * SHA-256(name || 0x0A || type || key)[:4] of an Ed25519 key, and of an ECDSA
 * key SHA-256(key)[:4].
 */
struct note_vkey {
	char name[NOTE_NAME_MAX + 1];
	uint8_t id[4];
	uint8_t type;
	/* 32 bytes (RFC 8032), or 91: DER SPKI of P-256, uncompressed */
	uint8_t pub[NOTE_PUB_MAX];
};

/*
 * The keys of one log, all of one name and each of another type, Ed25519
 * first.  A checkpoint needs a signature by each.
 */
#define NOTE_VKEYS_MAX		2u
#define NOTE_VKEYS_TEXT_MAX	(NOTE_VKEYS_MAX * NOTE_VKEY_TEXT_MAX + 1)
struct note_vkeys {
	struct note_vkey v[NOTE_VKEYS_MAX];
	size_t n;
};

struct checkpoint {
	char origin[NOTE_NAME_MAX + 1];
	uint64_t size;		/* leaves, at most MERKLE_MAX_SIZE */
	uint8_t root[32];
};

/* One newline may follow, as in a file.  CS_E_NOTE_VKEY, _VKEY_TYPE */
int note_vkey_parse(const char *s, size_t len, struct note_vkey *ret,
    struct diag *d) CS_WUR;
/* From the raw Ed25519 key; computes the ID.  CS_E_NOTE_VKEY: bad name */
int note_vkey_make(const char *name, const uint8_t pub[32],
    struct note_vkey *ret, struct diag *d) CS_WUR;
/* From DER SPKI, which must be the one form of a P-256 key. */
int note_vkey_make_ecdsa(const char *name, const uint8_t *spki, size_t len,
    struct note_vkey *ret, struct diag *d) CS_WUR;
void note_vkey_format(const struct note_vkey *k,
    char out[NOTE_VKEY_TEXT_MAX]);
const char *note_type_name(uint8_t type);	/* "Ed25519", "ECDSA P-256" */

/*
 * One key on each line; the last newline may be missing.  In either order.
 * CS_E_NOTE_VKEYS_DUPLICATE, _VKEYS_TYPE, _VKEYS_NAME
 */
int note_vkeys_parse(const char *text, size_t len, struct note_vkeys *ret,
    struct diag *d) CS_WUR;
/* Lines as in a file. */
void note_vkeys_format(const struct note_vkeys *ks,
    char out[NOTE_VKEYS_TEXT_MAX]);

/* The text to be signed, origin line to newline after the root. */
int checkpoint_format(const struct checkpoint *c,
    char out[CHECKPOINT_TEXT_MAX], struct diag *d) CS_WUR;
/* Exactly that text.  CS_E_NOTE_CHECKPOINT */
int checkpoint_parse(const char *text, size_t len, struct checkpoint *ret,
    struct diag *d) CS_WUR;

/*
 * text, blank line, and k's signature line, made of the 64 signature bytes
 * that the token returned.  The signature is verified first: what k did not
 * sign is never put together.  free(*ret); *ret is also terminated.
 */
int note_assemble(const char *text, size_t len, const struct note_vkey *k,
    const uint8_t sig[64], char **ret, size_t *ret_len, struct diag *d)
    CS_WUR;

/*
 * The note and one more line by another key, verified first in the same way.
 * free(*ret); *ret is also terminated.
 */
int note_add(const char *note, size_t len, const struct note_vkey *k,
    const uint8_t *sig, size_t sig_len, char **ret, size_t *ret_len,
    struct diag *d) CS_WUR;

/*
 * Checks the whole note.  Lines by keys that are not in keys[] are skipped;
 * a line by a known (name, ID) must verify, or the note is refused
 * (CS_E_NOTE_SIGNATURE, CS_E_NOTE_ECDSA_SIGNATURE); at least one must be
 * there (CS_E_NOTE_KEY).
 * *ret_text_len: the signed text is note[0 .. *ret_text_len).
 * hit, if not NULL, has nkeys entries: which keys signed.
 */
int note_open(const char *note, size_t len, const struct note_vkey *keys,
    size_t nkeys, bool *hit, size_t *ret_text_len, struct diag *d) CS_WUR;
/*
 * The same for a checkpoint, which every one of the keys must have signed
 * (CS_E_NOTE_ED25519_MISSING, CS_E_NOTE_ECDSA_MISSING), and whose origin must
 * be the name of one of them (CS_E_NOTE_ORIGIN).
 */
int note_verify(const char *note, size_t len, const struct note_vkey *keys,
    size_t nkeys, struct checkpoint *ret, struct diag *d) CS_WUR;

/* Decimal without leading zeros, at most 2^53, all of s.  CS_E_LOG_SIZE */
int note_size_parse(const char *s, size_t len, uint64_t *ret) CS_WUR;

#endif
