/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_NOTE_IMPL_H
#define CS_NOTE_IMPL_H

#include "lib/note.h"
#include "lib/utf8.h"

/* bytes of note_vkey.pub that each type uses */
#define NOTE_ED25519_LEN	32u
#define NOTE_ECDSA_LEN		NOTE_PUB_MAX

/*
 * A key name: 1 to NOTE_NAME_MAX bytes of UTF-8, no Unicode space, no '+',
 * and for people's sake no control character.
 */
bool note_name_ok(const char *s, size_t len);

/* U+2014 and a space open a signature line */
#define NOTE_DASH	"\xe2\x80\x94 "

/* A signature line, of whatever key; all point into its caller's memory. */
struct note_line {
	const char *name;
	size_t name_len;
	uint8_t id[4];
	const uint8_t *sig;
	size_t sig_len;
};
/* Bytes of the signed text.  CS_E_NOTE_SYNTAX */
int note_text(const char *note, size_t len, size_t *ret, struct diag *d)
    CS_WUR;
/* Calls fn for each signature line; CS_E_NOTE_SYNTAX */
int note_lines(const char *note, size_t len, size_t text_len,
    int (*fn)(void *arg, const struct note_line *l, struct diag *d),
    void *arg, struct diag *d) CS_WUR;

#endif
