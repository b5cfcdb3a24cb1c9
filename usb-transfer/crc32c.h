/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_CRC32C_H
#define CS_CRC32C_H

#include "lib/defs.h"

/*
 * RFC 3720, 12.1 and B.4 (Castagnoli).  By tables, eight bytes at a time: a
 * library's carry-less multiplication is faster than any cable on a real
 * processor, and slower than USB on an emulated one.
 */
uint32_t crc32c(const uint8_t *p, size_t n);

#endif
