/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TEST_EVENTLOG_H
#define CS_TEST_EVENTLOG_H

#include "lib/buf.h"

/* A firmware event log with a SHA-1 and a SHA-256 bank.  Aborts on failure. */
void eventlog_begin(struct buf *b);
/* EV_EFI_ACTION whose SHA-256 digest is that of text */
void eventlog_action(struct buf *b, uint32_t pcr, const char *text);
/* EV_NO_ACTION on PCR 0 */
void eventlog_locality(struct buf *b, uint8_t locality);

void eventlog_u16(struct buf *b, uint16_t v);	/* little-endian */
void eventlog_u32(struct buf *b, uint32_t v);
void eventlog_bytes(struct buf *b, const void *p, size_t len);

#endif
