/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The session, as both ends see it:
 *
 *	no session -> (HELLO, HELLO) -> open -> (request, answer)* -> open
 *	open -> (any error, or another HELLO) -> no session
 *
 * Nothing is sent twice: an end that is not sure of a cell ends the session,
 * and who wants to go on opens another and asks how far it got.
 */

#include "usb-transfer/link.h"

#include <string.h>
#include <sys/random.h>

#include "usb-transfer/crc32c.h"

#define VERSION	  1
#define HELLO_MS  1000
#define HELLO_TRY 6
#define STALE_MAX 64 /* cells of an old session that may still come */

enum {
	AT_VERSION = 4,
	AT_SIDE = 6,
	AT_TYPE,
	AT_SESSION,
	AT_SEQ = 24,
	AT_LEN = 32,
	AT_CRC = LINK_CELL - 4
};

static const uint8_t magic[4] = { 'C', 'S', 'L', 'K' };

static void
put_be(uint8_t *p, uint64_t v, size_t n)
{
	while (n-- > 0) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

static void
make_head(const struct link_cell *c, uint8_t head[LINK_HEAD])
{
	memset(head, 0, LINK_HEAD);
	memcpy(head, magic, sizeof(magic));
	put_be(head + AT_VERSION, VERSION, 2);
	head[AT_SIDE] = c->side;
	head[AT_TYPE] = c->type;
	memcpy(head + AT_SESSION, c->session, sizeof(c->session));
	put_be(head + AT_SEQ, c->seq, 8);
	put_be(head + AT_LEN, c->len, 2);
}

void
link_cell_seal(uint8_t *cell)
{
	put_be(cell + AT_CRC, crc32c(cell, AT_CRC), 4);
}

void
link_cell_make(const struct link_cell *c, const void *data, uint8_t *cell)
{
	make_head(c, cell);
	if (c->len > 0)
		memmove(cell + LINK_HEAD, data, c->len);
	memset(cell + LINK_HEAD + c->len, 0, LINK_DATA - c->len);
	link_cell_seal(cell);
}

/* In the order in which a reader wants to know it. */
static const struct {
	size_t from, len;
	int code;
	const char *what;
} fields[] = {
	{ 0, AT_SIDE, CS_E_LINK_CELL, "magic and version" },
	{ AT_SIDE, 1, CS_E_LINK_DIRECTION, "the other end's cells" },
	{ AT_SESSION, AT_SEQ - AT_SESSION, CS_E_LINK_SESSION, "this session" },
	{ AT_SEQ, AT_LEN - AT_SEQ, CS_E_LINK_SEQUENCE, "the next cell" },
	{ 0, LINK_HEAD, CS_E_LINK_CELL, "zeros after the length" },
};

static bool
all_zero(const uint8_t *p, size_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

int
link_cell_check(const uint8_t *cell, const struct link_cell *want,
    uint8_t *ret_type, const uint8_t **ret_data, size_t *ret_len,
    struct diag *d)
{
	struct link_cell c = *want;
	uint8_t head[LINK_HEAD], crc[4];
	size_t i;

	c.type = cell[AT_TYPE];
	c.len = (uint16_t)(cell[AT_LEN] << 8 | cell[AT_LEN + 1]);
	put_be(crc, crc32c(cell, AT_CRC), 4);
	if (memcmp(crc, cell + AT_CRC, 4) != 0)
		return diag_fail(d, CS_E_LINK_CRC, "the CRC32C of the cell",
		    "%02x%02x%02x%02x", cell[AT_CRC], cell[AT_CRC + 1],
		    cell[AT_CRC + 2], cell[AT_CRC + 3]);
	make_head(&c, head);
	for (i = 0; i < ARRAY_LEN(fields); i++)
		if (memcmp(head + fields[i].from, cell + fields[i].from,
			fields[i].len) != 0)
			return diag_fail(d, fields[i].code, fields[i].what,
			    "another");
	if (c.type == 0 || c.type >= LINK_TYPE_COUNT)
		return diag_fail(d, CS_E_LINK_TYPE, "a known type", "%u",
		    c.type);
	if (c.len > LINK_DATA)
		return diag_fail(d, CS_E_LINK_LENGTH, "at most 4052 bytes",
		    "%u", c.len);
	if (!all_zero(cell + LINK_HEAD + c.len, LINK_DATA - c.len))
		return diag_fail(d, CS_E_LINK_REST, "zeros after the data",
		    "other bytes");
	*ret_type = c.type;
	*ret_data = cell + LINK_HEAD;
	*ret_len = c.len;
	return 0;
}

bool
link_cell_is_hello(const uint8_t *cell, uint8_t ret_nonce[LINK_NONCE])
{
	struct link_cell want = { .side = LINK_HOST };
	const uint8_t *data;
	uint8_t type;
	size_t len;

	memcpy(want.session, cell + AT_SESSION, LINK_NONCE);
	if (link_cell_check(cell, &want, &type, &data, &len, NULL) != 0 ||
	    type != LINK_HELLO || len != 0 ||
	    all_zero(want.session, LINK_NONCE))
		return false;
	memcpy(ret_nonce, want.session, LINK_NONCE);
	return true;
}

int
link_init(struct link *l, enum link_side side, const struct link_ops *ops,
    void *arg, struct diag *d)
{
	*l = (struct link){ .ops = ops, .arg = arg, .side = side };
	l->run = malloc((size_t)LINK_RUN * LINK_CELL);
	return l->run == NULL ? diag_nomem(d) : 0;
}

void
link_done(struct link *l)
{
	l->open = false;
	free(l->run);
	l->run = NULL;
	if (l->ops != NULL)
		l->ops->close(l->arg);
	l->ops = NULL;
}

/* Every error ends the session. */
static int
over(struct link *l, int r)
{
	if (r != 0)
		l->open = false;
	return r;
}

static int
need_open(const struct link *l, struct diag *d)
{
	return l->open ?
	    0 :
	    diag_fail(d, CS_E_LINK_OVER, "an open session", "none");
}

static void
next_cell(struct link *l, uint8_t type, const void *data, size_t len,
    uint8_t *cell)
{
	struct link_cell c = { .seq = l->sent++,
		.side = (uint8_t)l->side,
		.type = type,
		.len = (uint16_t)len };

	memcpy(c.session, l->session, sizeof(c.session));
	link_cell_make(&c, data, cell);
}

int
link_send(struct link *l, enum link_type type, const void *data, size_t len,
    struct diag *d)
{
	int r = need_open(l, d);

	if (r != 0)
		return r;
	if (len > LINK_DATA)
		return diag_fail(d, CS_E_INTERNAL, "at most 4052 bytes", "%zu",
		    len);
	next_cell(l, (uint8_t)type, data, len, l->run);
	return over(l, l->ops->send(l->arg, l->run, 1, LINK_CELL_MS, d));
}

static int
check_next(struct link *l, const uint8_t *cell, uint8_t *ret_type,
    const uint8_t **ret_data, size_t *ret_len, struct diag *d)
{
	struct link_cell want = { .seq = l->received++,
		.side = l->side == LINK_HOST ? LINK_APPLIANCE : LINK_HOST };

	memcpy(want.session, l->session, sizeof(want.session));
	return link_cell_check(cell, &want, ret_type, ret_data, ret_len, d);
}

int
link_take(struct link *l, const uint8_t *cell, uint8_t *ret_type, uint8_t *data,
    size_t *ret_len, struct diag *d)
{
	const uint8_t *p = NULL;
	int r = need_open(l, d);

	if (r == 0)
		r = check_next(l, cell, ret_type, &p, ret_len, d);
	if (r == 0 && *ret_len > 0)
		memcpy(data, p, *ret_len);
	return over(l, r);
}

int
link_recv(struct link *l, int timeout_ms, uint8_t *ret_type, uint8_t *data,
    size_t *ret_len, struct diag *d)
{
	int r = need_open(l, d);

	if (r == 0)
		r = l->ops->recv(l->arg, l->run, 1, timeout_ms, d);
	if (r == 0)
		r = link_take(l, l->run, ret_type, data, ret_len, d);
	return over(l, r);
}

int
link_send_bytes(struct link *l, const void *p, size_t n, struct diag *d)
{
	const uint8_t *from = p;
	size_t k, part;
	int r = need_open(l, d);

	while (r == 0 && n > 0) {
		for (k = 0; k < LINK_RUN && n > 0; k++) {
			part = n > LINK_DATA ? LINK_DATA : n;
			next_cell(l, LINK_BYTES, from, part,
			    l->run + k * LINK_CELL);
			from += part;
			n -= part;
		}
		r = l->ops->send(l->arg, l->run, k, LINK_CELL_MS, d);
	}
	return over(l, r);
}

/* The cells of one transfer; all but the last byte count are known. */
static int
take_run(struct link *l, size_t cells, uint8_t **to, size_t *left,
    struct diag *d)
{
	const uint8_t *data = NULL;
	size_t k, len = 0, want;
	uint8_t type = 0;
	int r = 0;

	for (k = 0; r == 0 && k < cells; k++) {
		want = *left > LINK_DATA ? LINK_DATA : *left;
		r = check_next(l, l->run + k * LINK_CELL, &type, &data, &len,
		    d);
		if (r == 0 && (type != LINK_BYTES || len != want))
			r = diag_fail(d, CS_E_LINK_LENGTH,
			    "the bytes that were announced",
			    "a cell of type %u with %zu, not %zu", type, len,
			    want);
		if (r != 0)
			break;
		memcpy(*to, data, len);
		*to += len;
		*left -= len;
	}
	return r;
}

int
link_recv_bytes(struct link *l, void *p, size_t n, struct diag *d)
{
	uint8_t *to = p;
	size_t cells;
	int r = need_open(l, d);

	while (r == 0 && n > 0) {
		cells = (n + LINK_DATA - 1) / LINK_DATA;
		if (cells > LINK_RUN)
			cells = LINK_RUN;
		r = l->ops->recv(l->arg, l->run, cells, LINK_CELL_MS, d);
		if (r == 0)
			r = take_run(l, cells, &to, &n, d);
	}
	return over(l, r);
}

static int
fresh(uint8_t nonce[LINK_NONCE], struct diag *d)
{
	do
		if (getrandom(nonce, LINK_NONCE, 0) != (ssize_t)LINK_NONCE)
			return diag_errno(d, CS_E_IO, "getrandom");
	while (all_zero(nonce, LINK_NONCE));
	return 0;
}

/* Numbers from 0, with both ends' nonces. */
static void
begin(struct link *l, const uint8_t host[LINK_NONCE],
    const uint8_t appliance[LINK_NONCE])
{
	memmove(l->session, host, LINK_NONCE); /* it may lie there already */
	memcpy(l->session + LINK_NONCE, appliance, LINK_NONCE);
	l->open = true;
}

int
link_accept(struct link *l, const uint8_t nonce[LINK_NONCE], struct diag *d)
{
	uint8_t mine[LINK_NONCE];
	int r;

	l->open = false;
	r = fresh(mine, d);
	if (r != 0)
		return r;
	begin(l, nonce, mine);
	l->sent = 0;
	l->received = 1; /* its hello was cell 0 */
	return link_send(l, LINK_HELLO, NULL, 0, d);
}

int
link_say_busy(struct link *l, struct diag *d)
{
	struct link_cell c = { .side = LINK_APPLIANCE, .type = LINK_BUSY };

	l->open = false;
	link_cell_make(&c, NULL, l->run);
	return l->ops->send(l->arg, l->run, 1, LINK_CELL_MS, d);
}

/* 0: the answer to this hello; 1: something older */
static int
read_hello(struct link *l, struct diag *d)
{
	static const struct link_cell busy = { .side = LINK_APPLIANCE };
	struct link_cell want = { .side = LINK_APPLIANCE };
	const uint8_t *data;
	uint8_t type;
	size_t len;

	if (link_cell_check(l->run, &busy, &type, &data, &len, NULL) == 0 &&
	    type == LINK_BUSY)
		return diag_fail(d, CS_E_LINK_BUSY, "one host at a time",
		    "another one is connected");
	memcpy(want.session, l->session, LINK_NONCE);
	memcpy(want.session + LINK_NONCE, l->run + AT_SESSION + LINK_NONCE,
	    LINK_NONCE);
	if (link_cell_check(l->run, &want, &type, &data, &len, NULL) != 0 ||
	    type != LINK_HELLO || len != 0 ||
	    all_zero(want.session + LINK_NONCE, LINK_NONCE))
		return 1;
	begin(l, l->session, want.session + LINK_NONCE);
	l->received = 1;
	return 0;
}

/* 1: no answer in time */
static int
hello(struct link *l, struct diag *d)
{
	uint8_t nonce[LINK_NONCE];
	unsigned stale = 0;
	int r;

	l->open = false;
	l->sent = 0;
	memset(l->session, 0, sizeof(l->session));
	r = fresh(nonce, d);
	if (r != 0)
		return r;
	memcpy(l->session, nonce, LINK_NONCE);
	next_cell(l, LINK_HELLO, NULL, 0, l->run);
	r = l->ops->send(l->arg, l->run, 1, LINK_CELL_MS, d);
	/* who was shown out has the reason to read */
	if (r == CS_E_LINK_GONE)
		r = 0;
	while (r == 0) {
		r = l->ops->recv(l->arg, l->run, 1, HELLO_MS, d);
		if (r == CS_E_LINK_TIME || r == CS_E_LINK_SHORT)
			return 1;
		if (r != 0)
			break;
		r = read_hello(l, d);
		if (r <= 0)
			return r;
		if (++stale > STALE_MAX)
			return 1;
		r = 0;
	}
	return r;
}

/*
 * Before a session nothing is at stake, so the hello, each time a fresh one,
 * may be said again: the appliance may be throwing away what a former host
 * left half said.
 */
int
link_connect(struct link *l, struct diag *d)
{
	unsigned i;
	int r = 1;

	for (i = 0; r == 1 && i < HELLO_TRY; i++) {
		r = l->ops->drain(l->arg, d);
		if (r == 0)
			r = hello(l, d);
	}
	if (r == 1)
		return diag_fail(d, CS_E_LINK_SILENT, "an answer to a hello",
		    "none to %u of them", HELLO_TRY);
	return r;
}
