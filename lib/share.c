/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/share.h"

#include <stdio.h>
#include <string.h>

#include "lib/note_impl.h"

#define MAGIC "coldseal recovery share 1"

/* PROTOCOL.policy: 1 to 40 of a-z, 0-9 and "-" */
static int
domain_ok(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n <= SHARE_DOMAIN_MAX && s[n] == '\0';
}

int
share_head_set(struct share_head *h, const char *domain, const char *origin,
    size_t threshold, size_t count, struct diag *d)
{
	if (threshold < SHARE_MIN || threshold > count || count > SHARE_MAX)
		return diag_fail(d, CS_E_RECOVER_THRESHOLD, "2 <= M <= N <= 16",
		    "%zu of %zu", threshold, count);
	if (!domain_ok(domain))
		return diag_fail(d, CS_E_RECOVER_NAME,
		    "a domain of 1 to 40 of a-z, 0-9 and -", "\"%.60s\"",
		    domain);
	if (!note_name_ok(origin, strlen(origin)))
		return diag_fail(d, CS_E_RECOVER_NAME,
		    "an origin without spaces and '+'", "\"%.100s\"", origin);
	(void)snprintf(h->domain, sizeof(h->domain), "%s", domain);
	(void)snprintf(h->origin, sizeof(h->origin), "%s", origin);
	h->threshold = (uint8_t)threshold;
	h->count = (uint8_t)count;
	return 0;
}

void
share_done(struct share *s)
{
	secret_free(&s->value);
	memset(s, 0, sizeof(*s));
}

static int
put_record(struct buf *b, const struct share *s)
{
	const struct share_head *h = &s->head;
	int r;

	if ((r = buf_put_cstr(b, MAGIC)) != 0 ||
	    (r = buf_put(b, h->set, sizeof(h->set))) != 0 ||
	    (r = buf_put_cstr(b, h->domain)) != 0 ||
	    (r = buf_put_cstr(b, h->origin)) != 0 ||
	    (r = buf_put_u8(b, h->threshold)) != 0 ||
	    (r = buf_put_u8(b, h->count)) != 0 ||
	    (r = buf_put_u8(b, s->index)) != 0 ||
	    (r = buf_put(b, h->check, sizeof(h->check))) != 0)
		return r;
	return buf_put_str(b, secret_data(s->value), secret_len(s->value));
}

int
share_encode(const struct share *s, struct secret **ret, struct diag *d)
{
	_cleanup_secret_ struct secret *out = NULL;
	struct buf b = BUF_INIT(SHARE_RECORD_MAX);
	int r;

	r = secret_new(SHARE_RECORD_MAX, &out);
	if (r != 0)
		return diag_fail(d, r, NULL, "memory for a share");
	/* it is as large as it may get, so nothing is copied elsewhere */
	b.p = secret_data(out);
	b.cap = SHARE_RECORD_MAX;
	r = put_record(&b, s);
	if (r == 0)
		r = secret_set_len(out, b.len);
	if (r != 0)
		return diag_fail(d, r, NULL, "the record of a share");
	*ret = take_ptr(out);
	return 0;
}

/* A text of fixed size; longer ones and those with a NUL are malformed. */
static int
get_text(struct rd *r, char *out, size_t size, struct diag *d)
{
	int e = rd_cstr_into(r, out, size);

	if (e == CS_E_TRUNCATED)
		return diag_fail(d, e, NULL, "a share that ends in a text");
	if (e != 0)
		return diag_fail(d, CS_E_SHARE_FORMAT, NULL,
		    "a text that cannot be in a share");
	return 0;
}

static int
get_type(struct rd *r, struct diag *d)
{
	const uint8_t *p;
	size_t n;

	if (rd_str(r, strlen(MAGIC), &p, &n) != 0 || n != strlen(MAGIC) ||
	    memcmp(p, MAGIC, n) != 0)
		return diag_fail(d, CS_E_SHARE_TYPE, MAGIC, "another thing");
	return 0;
}

static int
get_head(struct rd *r, struct share *s, struct diag *d)
{
	char domain[SHARE_DOMAIN_MAX + 1], origin[NOTE_NAME_MAX + 1];
	struct share_head *h = &s->head;
	const uint8_t *set, *check;
	uint8_t m, n;
	int e;

	if (rd_bytes(r, sizeof(h->set), &set) != 0)
		return diag_fail(d, CS_E_TRUNCATED, NULL,
		    "a share that ends in its set ID");
	if ((e = get_text(r, domain, sizeof(domain), d)) != 0 ||
	    (e = get_text(r, origin, sizeof(origin), d)) != 0)
		return e;
	if (rd_u8(r, &m) != 0 || rd_u8(r, &n) != 0 ||
	    rd_u8(r, &s->index) != 0 ||
	    rd_bytes(r, sizeof(h->check), &check) != 0)
		return diag_fail(d, CS_E_TRUNCATED, NULL,
		    "a share that ends before its value");
	memcpy(h->set, set, sizeof(h->set));
	memcpy(h->check, check, sizeof(h->check));
	e = share_head_set(h, domain, origin, m, n, d);
	return e == 0 ? 0 :
			diag_fail(d, CS_E_SHARE_FORMAT, "2 <= M <= N <= 16",
			    "%u of %u, or names that cannot be", m, n);
}

static int
get_value(struct rd *r, struct secret **ret, struct diag *d)
{
	_cleanup_secret_ struct secret *s = NULL;
	const uint8_t *p;
	size_t n;
	int e;

	e = rd_str(r, SHARE_VALUE_MAX, &p, &n);
	if (e == CS_E_TRUNCATED)
		return diag_fail(d, e, NULL, "a share that ends in its value");
	if (e != 0 || n <= SHARE_SALT_LEN)
		return diag_fail(d, CS_E_SHARE_FORMAT, "33 to 128 bytes",
		    "a value of another length");
	if ((e = rd_end(r)) != 0)
		return diag_fail(d, e, NULL, "%zu bytes after the share",
		    r->left);
	if ((e = secret_new(n, &s)) != 0)
		return diag_fail(d, e, NULL, "memory for a share");
	memcpy(secret_data(s), p, n);
	*ret = take_ptr(s);
	return 0;
}

int
share_decode(struct secret *record, struct share *ret, struct diag *d)
{
	struct rd r = RD_INIT(secret_data(record), secret_len(record));
	_cleanup_share_ struct share s = { 0 };
	int e;

	if ((e = get_type(&r, d)) != 0 || (e = get_head(&r, &s, d)) != 0)
		return e;
	if ((e = get_value(&r, &s.value, d)) != 0)
		return e;
	*ret = s;
	s.value = NULL;
	return 0;
}
