/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_COSIGN_H
#define CS_COSIGN_H

#include "lib/note.h"

/*
 * Timestamped Ed25519 cosignatures of a checkpoint (c2sp.org/tlog-cosignature,
 * signed-note type 0x04), and receipts: the checkpoint that an auditor
 * accepted, with the auditor's cosignature (lib/PROTOCOL.receipt).
 */
#define NOTE_TYPE_COSIGNATURE	0x04
#define COSIGN_LEN		72u	/* u64 big-endian time, 64 bytes */
/* "cosignature/v1", the time's line, the note's text, terminator */
#define COSIGN_MESSAGE_MAX	(15 + 26 + CHECKPOINT_TEXT_MAX)

/*
 * A cosigner's verifier key: "name+xxxxxxxx+base64(0x04 || key)", whose ID is
 * SHA-256(name || 0x0A || 0x04 || key)[:4].
 */
struct cosign_key {
	char name[NOTE_NAME_MAX + 1];
	uint8_t id[4];
	uint8_t pub[32];
};

/* CS_E_COSIGN_KEY: a bad name */
int cosign_key_make(const char *name, const uint8_t pub[32],
    struct cosign_key *ret, struct diag *d) CS_WUR;
/* One newline may follow, as in a file.  CS_E_COSIGN_KEY */
int cosign_key_parse(const char *s, size_t len, struct cosign_key *ret,
    struct diag *d) CS_WUR;
void cosign_key_format(const struct cosign_key *k,
    char out[NOTE_VKEY_TEXT_MAX]);

/*
 * What a cosigner signs for a note's text: "cosignature/v1", "time N", the
 * text.  *ret_len without the terminator.  CS_E_COSIGN_TIME: not 1 .. 2^53-1
 */
int cosign_message(const char *text, size_t len, uint64_t time,
    char out[COSIGN_MESSAGE_MAX], size_t *ret_len, struct diag *d) CS_WUR;

/*
 * The note and one more line: k's cosignature, whose 64 signature bytes are
 * verified first.  free(*ret); *ret is also terminated.
 */
int cosign_add(const char *note, size_t len, const struct cosign_key *k,
    uint64_t time, const uint8_t sig[64], char **ret, size_t *ret_len,
    struct diag *d) CS_WUR;

/*
 * A receipt: the checkpoint, which every log key must have signed, and k's
 * one cosignature, which must verify (CS_E_COSIGN_SIGNATURE) and be there
 * once (CS_E_COSIGN_MISSING, CS_E_COSIGN_TWICE).  *ret_time: seconds since
 * 1970 UTC, by the auditor's clock.  Lines by other keys are passed over.
 */
int receipt_verify(const char *note, size_t len,
    const struct note_vkeys *log, const struct cosign_key *k,
    struct checkpoint *ret, uint64_t *ret_time, struct diag *d) CS_WUR;

/*
 * Whether a log of size leaves may go on signing: CS_E_RECEIPT_BEHIND if the
 * receipt has more leaves, CS_E_RECEIPT_FORK if its root is not root_at, the
 * log's own root at the receipt's size (which the caller computes when
 * receipt->size <= size; else NULL).
 */
int receipt_check(const struct checkpoint *receipt, uint64_t size,
    const uint8_t *root_at, struct diag *d) CS_WUR;

#endif
