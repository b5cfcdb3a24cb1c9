/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/ipc.h"
#include "usb-transfer/bundle.h"
#include "usb-transfer/crc32c.h"
#include "usb-transfer/link.h"
#include "usb-transfer/link_req.h"
#include "usb-transfer/link_stream.h"
#include "usb-transfer/link_usb.h"

/* Cells, bodies and descriptors of PROTOCOL.link, and sessions of two ends. */

static const struct link_cell good = { .session = "host....applian",
	.seq = 9,
	.side = LINK_HOST,
	.type = LINK_PUT,
	.len = 5 };

static int
check(const uint8_t *cell, struct diag *d)
{
	struct link_cell want = good;
	const uint8_t *data;
	uint8_t type;
	size_t len;

	want.type = 0;
	want.len = 0;
	return link_cell_check(cell, &want, &type, &data, &len, d);
}

/* RFC 3720, B.4 */
static void
test_crc32c(void **state)
{
	uint8_t p[32] = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(crc32c(p, sizeof(p)), 0x8a9136aa);
	memset(p, 0xff, sizeof(p));
	assert_int_equal(crc32c(p, sizeof(p)), 0x62a8ab43);
	for (i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)i;
	assert_int_equal(crc32c(p, sizeof(p)), 0x46dd794e);
	assert_int_equal(crc32c((const uint8_t *)"123456789", 9), 0xe3069283);
}

static void
test_cell(void **state)
{
	uint8_t cell[LINK_CELL];
	const uint8_t *data;
	uint8_t type;
	size_t len;

	(void)state;
	link_cell_make(&good, "hello", cell);
	assert_int_equal(link_cell_check(cell, &good, &type, &data, &len, NULL),
	    0);
	assert_int_equal(type, LINK_PUT);
	assert_int_equal(len, 5);
	assert_memory_equal(data, "hello", 5);
	assert_memory_equal(cell, "CSLK\0\1\1\5host....applian\0", 24);
	/* by another implementation */
	assert_memory_equal(cell + 4092, "\x50\xbf\x9a\xea", 4);
}

/* The bytes of a header, and what another value there is called */
static const struct {
	size_t from, to;
	int code;
} header[] = {
	{ 0, 6, CS_E_LINK_CELL },
	{ 6, 7, CS_E_LINK_DIRECTION },
	{ 8, 24, CS_E_LINK_SESSION },
	{ 24, 32, CS_E_LINK_SEQUENCE },
	{ 34, 40, CS_E_LINK_CELL },
};

static void
test_cell_header(void **state)
{
	uint8_t cell[LINK_CELL];
	struct diag d;
	size_t i, k, bit;

	(void)state;
	for (i = 0; i < ARRAY_LEN(header); i++)
		for (k = header[i].from; k < header[i].to; k++)
			for (bit = 0; bit < 8; bit++) {
				link_cell_make(&good, "hello", cell);
				cell[k] ^= (uint8_t)(1u << bit);
				link_cell_seal(cell);
				assert_int_equal(check(cell, &d),
				    header[i].code);
				assert_int_equal(d.code, header[i].code);
			}
}

static int
with(size_t at, uint8_t value)
{
	uint8_t cell[LINK_CELL];

	link_cell_make(&good, "hello", cell);
	cell[at] = value;
	link_cell_seal(cell);
	return check(cell, NULL);
}

static void
test_cell_rest(void **state)
{
	uint8_t cell[LINK_CELL];
	size_t i;

	(void)state;
	assert_int_equal(with(7, 0), CS_E_LINK_TYPE);
	assert_int_equal(with(7, LINK_TYPE_COUNT), CS_E_LINK_TYPE);
	assert_int_equal(with(7, 255), CS_E_LINK_TYPE);
	assert_int_equal(with(32, 0x10), CS_E_LINK_LENGTH);
	assert_int_equal(with(32, 0xff), CS_E_LINK_LENGTH);
	assert_int_equal(with(45, 1), CS_E_LINK_REST);
	assert_int_equal(with(4091, 1), CS_E_LINK_REST);
	assert_int_equal(with(33, 4), CS_E_LINK_REST); /* shorter */
	assert_int_equal(with(44, 'O'), 0);
	for (i = 0; i < LINK_CELL; i += i < 48 || i > 4080 ? 1 : 101) {
		link_cell_make(&good, "hello", cell);
		cell[i] ^= 0x20;
		assert_int_equal(check(cell, NULL), CS_E_LINK_CRC);
	}
}

static void
test_hello(void **state)
{
	struct link_cell c = { .session = "1234567",
		.side = LINK_HOST,
		.type = LINK_HELLO };
	uint8_t cell[LINK_CELL], nonce[LINK_NONCE];

	(void)state;
	link_cell_make(&c, NULL, cell);
	assert_true(link_cell_is_hello(cell, nonce));
	assert_memory_equal(nonce, "1234567", 8);
	c.session[8] = 1; /* not the first */
	link_cell_make(&c, NULL, cell);
	assert_false(link_cell_is_hello(cell, nonce));
	c.session[8] = 0;
	c.seq = 1;
	link_cell_make(&c, NULL, cell);
	assert_false(link_cell_is_hello(cell, nonce));
	c.seq = 0;
	c.side = LINK_APPLIANCE;
	link_cell_make(&c, NULL, cell);
	assert_false(link_cell_is_hello(cell, nonce));
	c.side = LINK_HOST;
	c.len = 1;
	link_cell_make(&c, "x", cell);
	assert_false(link_cell_is_hello(cell, nonce));
	c.len = 0;
	c.type = LINK_STATUS;
	link_cell_make(&c, NULL, cell);
	assert_false(link_cell_is_hello(cell, nonce));
	c.type = LINK_HELLO;
	memset(c.session, 0, sizeof(c.session)); /* not fresh */
	link_cell_make(&c, NULL, cell);
	assert_false(link_cell_is_hello(cell, nonce));
}

/* --- bodies -------------------------------------------------------------- */

static int
get_bundle(const uint8_t *p, size_t n)
{
	struct rd r = RD_INIT(p, n);
	struct link_bundle v;
	struct diag d;

	return link_bundle_get(&r, &v, &d);
}

static int
get_have(const uint8_t *p, size_t n)
{
	struct rd r = RD_INIT(p, n);
	struct link_have v;
	struct diag d;

	return link_have_get(&r, &v, &d);
}

static int
get_part(const uint8_t *p, size_t n)
{
	struct rd r = RD_INIT(p, n);
	struct link_part v;
	struct diag d;

	return link_part_get(&r, &v, false, &d);
}

static int
get_named(const uint8_t *p, size_t n)
{
	struct rd r = RD_INIT(p, n);
	struct link_part v;
	struct diag d;

	return link_part_get(&r, &v, true, &d);
}

static int
get_file(const uint8_t *p, size_t n)
{
	struct rd r = RD_INIT(p, n);
	struct link_file v;
	struct diag d;

	return link_file_get(&r, &v, &d);
}

static int
get_status(const uint8_t *p, size_t n)
{
	struct rd r = RD_INIT(p, n);
	struct link_status v;
	struct diag d;

	return link_status_get(&r, &v, &d);
}

typedef int get_fn(const uint8_t *p, size_t n);

/* It is read; nothing shorter or longer is.  Frees b. */
static void
one_form(get_fn *get, struct buf *b, int put)
{
	size_t n = b->len, i;

	assert_int_equal(put, 0);
	assert_int_equal(get(b->p, n), 0);
	assert_int_equal(buf_put_u8(b, 0), 0);
	assert_int_equal(get(b->p, n + 1), CS_E_LINK_REQUEST);
	for (i = 0; i < n; i++)
		assert_int_equal(get(b->p, i), CS_E_LINK_REQUEST);
	buf_done(b);
}

static void
refused(get_fn *get, struct buf *b, int put)
{
	assert_int_equal(put, 0);
	assert_int_equal(get(b->p, b->len), CS_E_LINK_REQUEST);
	buf_done(b);
}

static void
test_bundle_body(void **state)
{
	static const enum bundle_type in[] = { BUNDLE_REQUEST, BUNDLE_APPROVAL,
		BUNDLE_RECEIPT };
	static const enum bundle_type out[] = { BUNDLE_RESPONSE, BUNDLE_AUDIT,
		BUNDLE_ATTEST, BUNDLE_TYPE_COUNT };
	struct link_bundle v = { .size = 5 };
	struct buf b = BUF_INIT(256);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(in); i++) {
		v.type = (uint8_t)in[i];
		one_form(get_bundle, &b, link_bundle_put(&b, &v));
	}
	for (i = 0; i < ARRAY_LEN(out); i++) {
		v.type = (uint8_t)out[i];
		refused(get_bundle, &b, link_bundle_put(&b, &v));
	}
	v.type = BUNDLE_REQUEST;
	v.size = 0;
	refused(get_bundle, &b, link_bundle_put(&b, &v));
	v.size = (uint64_t)INT64_MAX + 1;
	refused(get_bundle, &b, link_bundle_put(&b, &v));
}

static void
test_have_body(void **state)
{
	struct link_have v = { .intake = LINK_TAKING, .have = 1, .room = 2 };
	struct buf b = BUF_INIT(256);

	(void)state;
	one_form(get_have, &b, link_have_put(&b, &v));
	v.room = LINK_PART_MAX + 1;
	refused(get_have, &b, link_have_put(&b, &v));
	v.room = 2;
	v.intake = LINK_JUDGING;
	refused(get_have, &b, link_have_put(&b, &v));
	v.room = 0;
	v.intake = LINK_INTAKE_COUNT;
	refused(get_have, &b, link_have_put(&b, &v));
}

static void
test_part_body(void **state)
{
	static const char *const names[] = { "", "A", "A.B", "coldseal.rsp",
		"COLDSEALX.RS", "../X.RSP", "ABC.RSPX", "A/B.RSP", ".RSP" };
	struct link_part v = { .name = "COLDSEAL.RSP", .offset = 9, .len = 1 };
	struct buf b = BUF_INIT(256);
	size_t i;

	(void)state;
	one_form(get_part, &b, link_part_put(&b, &v, false));
	one_form(get_named, &b, link_part_put(&b, &v, true));
	v.len = 0;
	refused(get_part, &b, link_part_put(&b, &v, false));
	v.len = LINK_PART_MAX + 1;
	refused(get_part, &b, link_part_put(&b, &v, false));
	v.len = LINK_PART_MAX;
	v.offset = (uint64_t)INT64_MAX + 1;
	refused(get_part, &b, link_part_put(&b, &v, false));
	v.offset = 0;
	for (i = 0; i < ARRAY_LEN(names); i++) {
		memset(v.name, 0, sizeof(v.name));
		memcpy(v.name, names[i], strlen(names[i]));
		refused(get_named, &b, link_part_put(&b, &v, true));
	}
}

static void
test_file_body(void **state)
{
	struct link_file v = { .name = "COLDSEAL.AUD", .size = 9 };
	struct buf b = BUF_INIT(256);

	(void)state;
	one_form(get_file, &b, link_file_put(&b, &v));
	v.size = UINT64_MAX;
	refused(get_file, &b, link_file_put(&b, &v));
	v.size = 9;
	v.name[0] = 'c';
	refused(get_file, &b, link_file_put(&b, &v));
}

static void
test_status_body(void **state)
{
	struct link_status v = { .appliance = "somebody",
		.bundle = { .size = 9 },
		.text = "taken",
		.why = { .code = CS_E_LINK_DIGEST } };
	struct buf b = BUF_INIT(1024);

	(void)state;
	for (v.intake = 0; v.intake < LINK_INTAKE_COUNT; v.intake++)
		one_form(get_status, &b, link_status_put(&b, &v));
	refused(get_status, &b, link_status_put(&b, &v));
	v.intake = LINK_TAKING;
	v.have = 10;
	refused(get_status, &b, link_status_put(&b, &v));
	v.have = 9;
	v.out = LINK_OUT_READY;
	refused(get_status, &b, link_status_put(&b, &v)); /* no files */
	v.nfiles = 2;
	memcpy(v.files[0].name, "COLDSEAL.RSP", 13);
	memcpy(v.files[1].name, "COLDSEAL.AUD", 13);
	one_form(get_status, &b, link_status_put(&b, &v));
	v.out = LINK_OUT_PREPARING;
	refused(get_status, &b, link_status_put(&b, &v));
	v.out = LINK_OUT_READY;
	memcpy(v.files[1].name, "COLDSEAL.RSP", 13);
	refused(get_status, &b, link_status_put(&b, &v)); /* twice */
	v.nfiles = 0;
	v.out = LINK_OUT_COUNT;
	refused(get_status, &b, link_status_put(&b, &v));
	v.out = LINK_OUT_NONE;
	v.appliance[0] = '\x1b';
	refused(get_status, &b, link_status_put(&b, &v));
	v.appliance[0] = 's';
	v.intake = LINK_TAKEN;
	v.text[0] = '\n';
	refused(get_status, &b, link_status_put(&b, &v));
}

/* --- descriptors --------------------------------------------------------- */

static const uint8_t high[] = { 9, 2, 32, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 2,
	0xff, 0x43, 1, 4, 7, 5, 0x81, 2, 0, 2, 0, 7, 5, 0x02, 2, 0, 2, 0 };
static const uint8_t super[] = { 9, 2, 44, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 2,
	0xff, 0x43, 1, 4, 7, 5, 0x81, 2, 0, 4, 0, 6, 0x30, 0, 0, 0, 0, 7, 5,
	0x02, 2, 0, 4, 0, 6, 0x30, 0, 0, 0, 0 };

static int
endpoints(const uint8_t *p, size_t n)
{
	uint8_t in, out;

	return link_usb_endpoints(p, n, &in, &out, NULL);
}

static void
test_descriptors(void **state)
{
	/* those that say nothing of what it is, or are another size */
	static const uint8_t must[] = { 0, 1, 2, 3, 4, 9, 10, 11, 12, 13, 14,
		15, 16, 18, 19, 21, 25, 26, 28 };
	uint8_t copy[sizeof(high)], in = 0, out = 0;
	size_t i;

	(void)state;
	assert_int_equal(link_usb_endpoints(high, sizeof(high), &in, &out,
			     NULL),
	    0);
	assert_int_equal(in, 0x81);
	assert_int_equal(out, 0x02);
	assert_int_equal(endpoints(super, sizeof(super)), 0);
	for (i = 0; i < ARRAY_LEN(must); i++) {
		memcpy(copy, high, sizeof(copy));
		copy[must[i]] ^= 1;
		assert_int_equal(endpoints(copy, sizeof(copy)), CS_E_LINK_CELL);
	}
	for (i = 0; i < sizeof(super); i++)
		if (i != sizeof(high))
			assert_int_equal(endpoints(super, i), CS_E_LINK_CELL);
	/* both to the host; both from it; endpoint 0 */
	memcpy(copy, high, sizeof(copy));
	copy[27] = 0x82;
	assert_int_equal(endpoints(copy, sizeof(copy)), CS_E_LINK_CELL);
	copy[27] = 0x02;
	copy[20] = 0x01;
	assert_int_equal(endpoints(copy, sizeof(copy)), CS_E_LINK_CELL);
	copy[20] = 0x80;
	assert_int_equal(endpoints(copy, sizeof(copy)), CS_E_LINK_CELL);
}

static void
test_companion(void **state)
{
	uint8_t copy[sizeof(super)];

	(void)state;
	memcpy(copy, super, sizeof(copy));
	copy[25] = 7;
	assert_int_equal(endpoints(copy, sizeof(copy)), CS_E_LINK_CELL);
	copy[25] = 6;
	copy[39] = 5;
	assert_int_equal(endpoints(copy, sizeof(copy)), CS_E_LINK_CELL);
}

/* --- sessions: the host in a thread -------------------------------------- */

struct pair {
	struct link_stream host_fd, appliance_fd;
	struct link host, appliance;
	int (*say)(struct link *l, struct diag *d);
	int r;
	struct diag d;
	pthread_t thread;
};

static void *
host_thread(void *arg)
{
	struct pair *p = arg;

	p->r = link_connect(&p->host, &p->d);
	if (p->r == 0 && p->say != NULL)
		p->r = p->say(&p->host, &p->d);
	return NULL;
}

static void
pair_start(struct pair *p, int (*say)(struct link *l, struct diag *d))
{
	int sv[2];

	memset(p, 0, sizeof(*p));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	p->host_fd.fd = sv[0];
	p->appliance_fd.fd = sv[1];
	p->say = say;
	assert_int_equal(link_init(&p->host, LINK_HOST, &link_stream_ops,
			     &p->host_fd, NULL),
	    0);
	assert_int_equal(link_init(&p->appliance, LINK_APPLIANCE,
			     &link_stream_ops, &p->appliance_fd, NULL),
	    0);
	assert_int_equal(pthread_create(&p->thread, NULL, host_thread, p), 0);
}

static int
pair_end(struct pair *p)
{
	assert_int_equal(pthread_join(p->thread, NULL), 0);
	link_done(&p->host);
	link_done(&p->appliance);
	return p->r;
}

/* One cell as it comes */
static void
raw(struct pair *p, uint8_t *cell)
{
	assert_int_equal(link_stream_ops.recv(&p->appliance_fd, cell, 1, 10000,
			     NULL),
	    0);
}

static void
accept_host(struct pair *p)
{
	uint8_t cell[LINK_CELL], nonce[LINK_NONCE];

	raw(p, cell);
	assert_true(link_cell_is_hello(cell, nonce));
	assert_int_equal(link_accept(&p->appliance, nonce, NULL), 0);
}

#define LOTS (200u * 1024 + 77)

static int
say_lots(struct link *l, struct diag *d)
{
	uint8_t *p = malloc(LOTS);
	size_t i;
	int r;

	assert_non_null(p);
	for (i = 0; i < LOTS; i++)
		p[i] = (uint8_t)(i * 7);
	r = link_send(l, LINK_PART, "head", 4, d);
	if (r == 0)
		r = link_send_bytes(l, p, LOTS, d);
	free(p);
	return r;
}

static void
test_session(void **state)
{
	uint8_t data[LINK_DATA], type, *p = malloc(LOTS);
	struct pair x;
	size_t n, i;

	(void)state;
	assert_non_null(p);
	pair_start(&x, say_lots);
	accept_host(&x);
	assert_int_equal(link_recv(&x.appliance, 10000, &type, data, &n, NULL),
	    0);
	assert_int_equal(type, LINK_PART);
	assert_int_equal(n, 4);
	assert_int_equal(link_recv_bytes(&x.appliance, p, LOTS, NULL), 0);
	for (i = 0; i < LOTS; i++)
		assert_int_equal(p[i], (uint8_t)(i * 7));
	assert_int_equal(pair_end(&x), 0);
	free(p);
}

/* A cell of before the hello is skipped, one that comes later is not. */
static int
read_two(struct link *l, struct diag *d)
{
	uint8_t data[LINK_DATA], type;
	size_t n;
	int r;

	r = link_recv(l, 10000, &type, data, &n, d);
	return r == 0 ? link_recv(l, 10000, &type, data, &n, d) : r;
}

static void
test_old_session(void **state)
{
	struct link_cell old = { .session = "an old session!",
		.side = LINK_APPLIANCE,
		.seq = 3,
		.type = LINK_STATUS };
	uint8_t cell[LINK_CELL];
	struct pair x;

	(void)state;
	link_cell_make(&old, NULL, cell);
	pair_start(&x, read_two);
	assert_int_equal(link_stream_ops.send(&x.appliance_fd, cell, 1, 1000,
			     NULL),
	    0);
	accept_host(&x);
	assert_int_equal(link_send(&x.appliance, LINK_STATUS, NULL, 0, NULL),
	    0);
	assert_int_equal(link_stream_ops.send(&x.appliance_fd, cell, 1, 1000,
			     NULL),
	    0);
	assert_int_equal(pair_end(&x), CS_E_LINK_SESSION);
}

static void
test_repeated(void **state)
{
	struct pair x;

	(void)state;
	pair_start(&x, read_two);
	accept_host(&x);
	assert_int_equal(link_send(&x.appliance, LINK_STATUS, NULL, 0, NULL),
	    0);
	/* the same again */
	assert_int_equal(link_stream_ops.send(&x.appliance_fd, x.appliance.run,
			     1, 1000, NULL),
	    0);
	assert_int_equal(pair_end(&x), CS_E_LINK_SEQUENCE);
}

static void
test_skipped(void **state)
{
	struct pair x;

	(void)state;
	pair_start(&x, read_two);
	accept_host(&x);
	x.appliance.sent++;
	assert_int_equal(link_send(&x.appliance, LINK_STATUS, NULL, 0, NULL),
	    0);
	assert_int_equal(pair_end(&x), CS_E_LINK_SEQUENCE);
}

/* A cable that returns what it is given */
static void
test_reflected(void **state)
{
	uint8_t cell[LINK_CELL], nonce[LINK_NONCE];
	struct pair x;

	(void)state;
	pair_start(&x, read_two);
	raw(&x, cell);
	assert_true(link_cell_is_hello(cell, nonce));
	assert_int_equal(link_accept(&x.appliance, nonce, NULL), 0);
	assert_int_equal(link_stream_ops.send(&x.appliance_fd, cell, 1, 1000,
			     NULL),
	    0);
	assert_int_equal(pair_end(&x), CS_E_LINK_DIRECTION);
}

static void
test_short(void **state)
{
	struct pair x;

	(void)state;
	pair_start(&x, read_two);
	accept_host(&x);
	assert_int_equal(send(x.appliance_fd.fd, "CSLK", 4, 0), 4);
	assert_int_equal(shutdown(x.appliance_fd.fd, SHUT_WR), 0);
	assert_int_equal(pair_end(&x), CS_E_LINK_SHORT);
}

static void
test_gone(void **state)
{
	struct pair x;

	(void)state;
	pair_start(&x, read_two);
	accept_host(&x);
	assert_int_equal(shutdown(x.appliance_fd.fd, SHUT_RDWR), 0);
	assert_int_equal(pair_end(&x), CS_E_LINK_GONE);
}

/* What was announced, and another cell in it */
static int
read_bytes(struct link *l, struct diag *d)
{
	uint8_t data[2 * LINK_DATA];

	return link_recv_bytes(l, data, LINK_DATA + 1, d);
}

static void
test_bytes(void **state)
{
	uint8_t data[LINK_DATA] = { 0 };
	struct pair x;

	(void)state;
	pair_start(&x, read_bytes);
	accept_host(&x);
	assert_int_equal(link_send(&x.appliance, LINK_BYTES, data, LINK_DATA,
			     NULL),
	    0);
	assert_int_equal(link_send(&x.appliance, LINK_BYTES, data, 2, NULL), 0);
	assert_int_equal(pair_end(&x), CS_E_LINK_LENGTH);
	pair_start(&x, read_bytes);
	accept_host(&x);
	assert_int_equal(link_send(&x.appliance, LINK_BYTES, data, LINK_DATA,
			     NULL),
	    0);
	assert_int_equal(link_send(&x.appliance, LINK_STATUS, data, 1, NULL),
	    0);
	assert_int_equal(pair_end(&x), CS_E_LINK_LENGTH);
}

/* After an error there is no session: nothing more is sent. */
static int
go_on(struct link *l, struct diag *d)
{
	assert_int_equal(read_two(l, d), CS_E_LINK_SEQUENCE);
	assert_int_equal(link_send_bytes(l, "x", 1, NULL), CS_E_LINK_OVER);
	assert_int_equal(read_bytes(l, NULL), CS_E_LINK_OVER);
	assert_int_equal(read_two(l, NULL), CS_E_LINK_OVER);
	return link_send(l, LINK_STATUS, NULL, 0, d);
}

static void
test_over(void **state)
{
	struct pair x;

	(void)state;
	pair_start(&x, go_on);
	accept_host(&x);
	x.appliance.sent++;
	assert_int_equal(link_send(&x.appliance, LINK_STATUS, NULL, 0, NULL),
	    0);
	assert_int_equal(pair_end(&x), CS_E_LINK_OVER);
}

static void
test_busy(void **state)
{
	struct pair x;
	uint8_t cell[LINK_CELL];

	(void)state;
	pair_start(&x, NULL);
	raw(&x, cell);
	assert_int_equal(link_say_busy(&x.appliance, NULL), 0);
	assert_int_equal(pair_end(&x), CS_E_LINK_BUSY);
}

/* A hello is said again, each time another one */
static void
test_hello_again(void **state)
{
	uint8_t first[LINK_CELL], nonce[LINK_NONCE], again[LINK_NONCE];
	struct pair x;

	(void)state;
	pair_start(&x, NULL);
	raw(&x, first);
	assert_true(link_cell_is_hello(first, nonce));
	raw(&x, first);
	assert_true(link_cell_is_hello(first, again));
	assert_memory_not_equal(nonce, again, LINK_NONCE);
	/* an answer to the first one is old */
	assert_int_equal(link_accept(&x.appliance, nonce, NULL), 0);
	assert_int_equal(link_accept(&x.appliance, again, NULL), 0);
	assert_int_equal(pair_end(&x), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc32c),
		cmocka_unit_test(test_cell),
		cmocka_unit_test(test_cell_header),
		cmocka_unit_test(test_cell_rest),
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_bundle_body),
		cmocka_unit_test(test_have_body),
		cmocka_unit_test(test_part_body),
		cmocka_unit_test(test_file_body),
		cmocka_unit_test(test_status_body),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_companion),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_old_session),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_skipped),
		cmocka_unit_test(test_reflected),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_over),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_hello_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
