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

#endif
