/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "hsm/recover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The first byte says how the rest is meant: 'r', a record; 'm', the payload
 * of a list; 'c', a CMS file; else triples (place / 128, place % 128, value)
 * that change bytes of a good record ('0') or of a good CMS around it.
 */
static struct recover_session *session;

static struct secret *
to_secret(const uint8_t *p, size_t n)
{
	struct secret *s = NULL;

	if (n == 0 || n > 2 * SHARE_RECORD_MAX)
		return NULL;
	if (secret_new(n, &s) != 0)
		abort();
	memcpy(secret_data(s), p, n);
	return s;
}

static struct secret *
good_record(void)
{
	struct share s = { .index = 2 };
	struct secret *out = NULL;

	if (share_head_set(&s.head, "release", "example/log", 2, 3, NULL) !=
		0 ||
	    secret_new(24 + SHARE_SALT_LEN, &s.value) != 0 ||
	    share_encode(&s, &out, NULL) != 0)
		abort();
	share_done(&s);
	return out;
}

/* There is one form of each share, and it is one that a set can have. */
static void
record(const uint8_t *p, size_t n)
{
	_cleanup_secret_ struct secret *in = to_secret(p, n);
	_cleanup_secret_ struct secret *again = NULL;
	_cleanup_share_ struct share s = { 0 };
	struct diag d = { 0 };

	if (in == NULL)
		return;
	if (share_decode(in, &s, &d) != 0) {
		if (d.code == 0 || s.value != NULL)
			abort();
		return;
	}
	if (share_encode(&s, &again, NULL) != 0 || !secret_equal(in, again) ||
	    s.head.threshold < SHARE_MIN || s.head.threshold > s.head.count ||
	    s.head.count > SHARE_MAX)
		abort();
}

static void
manifest(const uint8_t *p, size_t n)
{
	_cleanup_free_ char *again = NULL;
	struct share_manifest m;
	struct diag d = { 0 };
	size_t len;

	if (share_manifest_parse(p, n, &m, &d) != 0) {
		if (d.code == 0)
			abort();
		return;
	}
	if (share_manifest_format(&m, &again, &len, NULL) != 0 || len != n ||
	    memcmp(again, p, n) != 0 || m.head.threshold < SHARE_MIN ||
	    m.head.threshold > m.head.count)
		abort();
}

/* Nothing opens but what was sealed. */
static void
cms(const uint8_t *p, size_t n, struct secret *sealed)
{
	_cleanup_secret_ struct secret *s = NULL;
	struct diag d = { 0 };

	if (recover_session_open(session, p, n, &s, &d) != 0) {
		if (d.code == 0 || s != NULL)
			abort();
		return;
	}
	if (sealed == NULL || !secret_equal(s, sealed))
		abort();
}

static void
change(struct buf *b, const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i + 2 < n; i += 3)
		b->p[((size_t)p[i] * 128 + p[i + 1] % 128) % b->len] = p[i + 2];
}

static void
changed(uint8_t kind, const uint8_t *p, size_t n)
{
	_cleanup_secret_ struct secret *good = good_record();
	struct buf b = BUF_INIT(SHARE_CMS_MAX);
	const uint8_t *cert;
	size_t len;
	int r;

	cert = recover_session_cert(session, &len);
	if (kind == '0')
		r = buf_put(&b, secret_data(good), secret_len(good));
	else
		r = share_seal(cert, len, good, &b, NULL);
	if (r != 0)
		abort();
	change(&b, p, n);
	if (kind == '0')
		record(b.p, b.len);
	else
		cms(b.p, b.len, good);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (session == NULL && recover_session_new(0, &session, NULL) != 0)
		abort();
	if (size == 0)
		return 0;
	switch (data[0]) {
	case 'r':
		record(data + 1, size - 1);
		break;
	case 'm':
		manifest(data + 1, size - 1);
		break;
	case 'c':
		cms(data + 1, size - 1, NULL);
		break;
	default:
		changed(data[0], data + 1, size - 1);
		break;
	}
	return 0;
}
