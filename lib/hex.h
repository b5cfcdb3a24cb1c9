/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_HEX_H
#define CS_HEX_H

#include "lib/err.h"

/* out holds 2 * len + 1 bytes; lower case */
void hex_encode(const uint8_t *in, size_t len, char *out);
/* exactly 2 * len lower-case digits and the terminator, or CS_E_HEX */
int hex_decode(const char *in, uint8_t *out, size_t len) CS_WUR;
/* 1 if s is exactly n lower-case hex digits */
int hex_is(const char *s, size_t n);

/*
 * PGP word list (Juola and Zimmermann, 1995): two syllables for bytes at an
 * even index, three at an odd one, so that a swap or a loss is heard.
 */
const char *pgp_word(uint8_t byte, size_t index);
/* "words words ..." of len bytes into out (CS_E_TOO_LARGE if too small) */
int pgp_words(const uint8_t *in, size_t len, char *out, size_t size) CS_WUR;
/* "0123 4567 89ab ..." groups of four digits */
int hex_groups(const uint8_t *in, size_t len, char *out, size_t size) CS_WUR;

/*
 * Copies for a terminal: printable ASCII stays, \t and \n become a space,
 * every other byte becomes \xNN.  Always terminated, cut with "..." at the end.
 */
void text_sanitise(const char *in, size_t len, char *out, size_t size);

#endif
