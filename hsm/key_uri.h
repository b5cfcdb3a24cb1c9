/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_KEY_URI_H
#define CS_KEY_URI_H

#include "lib/err.h"

/*
 * RFC 7512 of a private key that we made: token and label need no escape, the
 * ID is escaped byte by byte.  CS_E_TOO_LARGE if it does not fit.
 */
int key_uri(const char *token, const char *label, const uint8_t *id,
    size_t id_len, char *ret, size_t size, struct diag *d) CS_WUR;

#endif
