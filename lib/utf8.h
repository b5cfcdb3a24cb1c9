/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_UTF8_H
#define CS_UTF8_H

#include "lib/defs.h"

/*
 * Bytes of the well-formed UTF-8 character at p (1..4; Unicode 15.0 table
 * 3-7: no overlong form, no surrogate, nothing above U+10FFFF), or 0.
 * len > 0 is what is left.  *ret_cp is set only on success and may be NULL.
 */
size_t utf8_char(const void *p, size_t len, uint32_t *ret_cp);

#endif
