/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_BUF_H
#define CS_BUF_H

#include "lib/err.h"

/*
 * A growable buffer with a limit, and a cursor over bytes from outside.
 * Integers are big-endian.  Neither ever reads or writes past its end.
 */
struct buf {
	uint8_t *p;
	size_t len, cap;
	size_t max;		/* len never passes this */
};

#define BUF_INIT(limit)	{ .max = (limit) }

void buf_done(struct buf *b);		/* frees; b may be used again */
void buf_reset(struct buf *b);		/* keeps the memory, len = 0 */

/* All return 0, CS_E_NOMEM or CS_E_TOO_LARGE; on error b is unchanged. */
int buf_put(struct buf *b, const void *data, size_t len) CS_WUR;
int buf_put_u8(struct buf *b, uint8_t v) CS_WUR;
int buf_put_u16(struct buf *b, uint16_t v) CS_WUR;
int buf_put_u32(struct buf *b, uint32_t v) CS_WUR;
int buf_put_u64(struct buf *b, uint64_t v) CS_WUR;
/* u32 length, then the bytes */
int buf_put_str(struct buf *b, const void *data, size_t len) CS_WUR;
int buf_put_cstr(struct buf *b, const char *s) CS_WUR;	/* buf_put_str */
int buf_putf(struct buf *b, const char *fmt, ...) CS_WUR CS_PRINTF(2, 3);

struct rd {
	const uint8_t *p;
	size_t left;
};

#define RD_INIT(data, n)	{ .p = (const uint8_t *)(data), .left = (n) }

/* All return 0, CS_E_TRUNCATED, CS_E_TOO_LARGE or CS_E_TRAILING. */
int rd_u8(struct rd *r, uint8_t *ret) CS_WUR;
int rd_u16(struct rd *r, uint16_t *ret) CS_WUR;
int rd_u32(struct rd *r, uint32_t *ret) CS_WUR;
int rd_u64(struct rd *r, uint64_t *ret) CS_WUR;
int rd_bytes(struct rd *r, size_t n, const uint8_t **ret) CS_WUR;
/* u32 length, at most max, then bytes; *ret points into the input */
int rd_str(struct rd *r, size_t max, const uint8_t **ret, size_t *ret_len)
    CS_WUR;
/* the same, copied and terminated; a NUL inside is refused; free(*ret) */
int rd_cstr(struct rd *r, size_t max, char **ret) CS_WUR;
/* the same into a fixed array of size bytes, terminator included */
int rd_cstr_into(struct rd *r, char *out, size_t size) CS_WUR;
/* nothing may follow */
int rd_end(const struct rd *r) CS_WUR;

#endif
