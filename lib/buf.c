/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BUF_FIRST 256u

void
buf_done(struct buf *b)
{
	free(b->p);
	b->p = NULL;
	b->len = b->cap = 0;
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
}

/* Room for n more bytes; len stays. */
static int
reserve(struct buf *b, size_t n)
{
	size_t need, cap;
	uint8_t *p;

	if (b->len > b->max || n > b->max - b->len)
		return CS_E_TOO_LARGE;
	need = b->len + n;
	if (need <= b->cap)
		return 0;
	cap = b->cap < BUF_FIRST ? BUF_FIRST : b->cap;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if (cap > b->max)
		cap = b->max;
	p = realloc(b->p, cap);
	if (p == NULL)
		return CS_E_NOMEM;
	b->p = p;
	b->cap = cap;
	return 0;
}

static void
append(struct buf *b, const void *data, size_t len)
{
	if (len == 0)
		return;
	memcpy(b->p + b->len, data, len);
	b->len += len;
}

int
buf_put(struct buf *b, const void *data, size_t len)
{
	int r;

	if ((r = reserve(b, len)) != 0)
		return r;
	append(b, data, len);
	return 0;
}

static void
encode_be(uint64_t v, uint8_t *out, size_t n)
{
	while (n-- > 0) {
		out[n] = (uint8_t)(v & 0xff);
		v >>= 8;
	}
}

static int
put_be(struct buf *b, uint64_t v, size_t n)
{
	uint8_t raw[8];

	encode_be(v, raw, n);
	return buf_put(b, raw, n);
}

int
buf_put_u8(struct buf *b, uint8_t v)
{
	return put_be(b, v, 1);
}

int
buf_put_u16(struct buf *b, uint16_t v)
{
	return put_be(b, v, 2);
}

int
buf_put_u32(struct buf *b, uint32_t v)
{
	return put_be(b, v, 4);
}

int
buf_put_u64(struct buf *b, uint64_t v)
{
	return put_be(b, v, 8);
}

int
buf_put_str(struct buf *b, const void *data, size_t len)
{
	uint8_t head[4];
	int r;

	if (len > UINT32_MAX || len > SIZE_MAX - sizeof(head))
		return CS_E_TOO_LARGE;
	if ((r = reserve(b, sizeof(head) + len)) != 0)
		return r;
	encode_be(len, head, sizeof(head));
	append(b, head, sizeof(head));
	append(b, data, len);
	return 0;
}

int
buf_put_cstr(struct buf *b, const char *s)
{
	return buf_put_str(b, s, strlen(s));
}

int
buf_putf(struct buf *b, const char *fmt, ...)
{
	_cleanup_free_ char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0) {
		s = NULL; /* undefined after a failure */
		return CS_E_NOMEM;
	}
	return buf_put(b, s, (size_t)n);
}

static int
read_be(struct rd *r, size_t n, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i;

	if (r->left < n)
		return CS_E_TRUNCATED;
	for (i = 0; i < n; i++)
		v = v << 8 | r->p[i];
	r->p += n;
	r->left -= n;
	*ret = v;
	return 0;
}

int
rd_u8(struct rd *r, uint8_t *ret)
{
	uint64_t v;
	int e;

	if ((e = read_be(r, 1, &v)) != 0)
		return e;
	*ret = (uint8_t)v;
	return 0;
}

int
rd_u16(struct rd *r, uint16_t *ret)
{
	uint64_t v;
	int e;

	if ((e = read_be(r, 2, &v)) != 0)
		return e;
	*ret = (uint16_t)v;
	return 0;
}

int
rd_u32(struct rd *r, uint32_t *ret)
{
	uint64_t v;
	int e;

	if ((e = read_be(r, 4, &v)) != 0)
		return e;
	*ret = (uint32_t)v;
	return 0;
}

int
rd_u64(struct rd *r, uint64_t *ret)
{
	return read_be(r, 8, ret);
}

int
rd_bytes(struct rd *r, size_t n, const uint8_t **ret)
{
	if (r->left < n)
		return CS_E_TRUNCATED;
	*ret = r->p;
	if (n > 0) /* r->p may be NULL when nothing is left */
		r->p += n;
	r->left -= n;
	return 0;
}

int
rd_str(struct rd *r, size_t max, const uint8_t **ret, size_t *ret_len)
{
	struct rd c = *r;
	const uint8_t *p;
	uint32_t len;
	int e;

	if ((e = rd_u32(&c, &len)) != 0)
		return e;
	if (len > max)
		return CS_E_TOO_LARGE;
	if ((e = rd_bytes(&c, len, &p)) != 0)
		return e;
	*r = c;
	*ret = p;
	*ret_len = len;
	return 0;
}

/* As rd_str; a NUL inside would be the end of the copy with bytes after it. */
static int
rd_text(struct rd *r, size_t max, const uint8_t **ret, size_t *ret_len)
{
	struct rd c = *r;
	const uint8_t *p;
	size_t len;
	int e;

	if ((e = rd_str(&c, max, &p, &len)) != 0)
		return e;
	if (len > 0 && memchr(p, '\0', len) != NULL)
		return CS_E_TRAILING;
	*r = c;
	*ret = p;
	*ret_len = len;
	return 0;
}

static void
copy_text(char *out, const uint8_t *p, size_t len)
{
	if (len > 0)
		memcpy(out, p, len);
	out[len] = '\0';
}

int
rd_cstr(struct rd *r, size_t max, char **ret)
{
	struct rd c = *r;
	const uint8_t *p;
	size_t len;
	char *s;
	int e;

	if ((e = rd_text(&c, max, &p, &len)) != 0)
		return e;
	if ((s = malloc(len + 1)) == NULL)
		return CS_E_NOMEM;
	copy_text(s, p, len);
	*r = c;
	*ret = s;
	return 0;
}

int
rd_cstr_into(struct rd *r, char *out, size_t size)
{
	const uint8_t *p;
	size_t len;
	int e;

	if (size == 0)
		return CS_E_TOO_LARGE;
	if ((e = rd_text(r, size - 1, &p, &len)) != 0)
		return e;
	copy_text(out, p, len);
	return 0;
}

int
rd_end(const struct rd *r)
{
	return r->left == 0 ? 0 : CS_E_TRAILING;
}
