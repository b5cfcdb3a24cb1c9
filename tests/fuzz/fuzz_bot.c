/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "usb-transfer/bot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * What a stick answers, in hexadecimal text (everything else is passed over;
 * # to the end of a line is a comment).  A transfer takes one byte: how it
 * ends, as enum bot_moved.  One that comes in and moved goes on with two
 * bytes, the length, low byte first, and the bytes; or, with 06 instead of
 * 00, with the length and one byte that all of them have.  After the text the
 * stick is gone.
 */
#define FILL  6
#define CHUNK 65536u

struct answers {
	const uint8_t *p;
	size_t n;
	unsigned transfers;
	int64_t ms;
};

static bool
next(struct answers *a, uint8_t *ret)
{
	static const char digits[] = "0123456789abcdef";
	unsigned v = 0, n = 0;
	const char *at;

	for (; n < 2 && a->n > 0; a->p++, a->n--) {
		if (*a->p == '#')
			while (a->n > 1 && *a->p != '\n') {
				a->p++;
				a->n--;
			}
		at = *a->p == '\0' ? NULL : strchr(digits, *a->p);
		if (at == NULL)
			continue;
		v = v << 4 | (unsigned)(at - digits);
		n++;
	}
	*ret = (uint8_t)v;
	return n == 2;
}

static enum bot_moved
how(struct answers *a, uint8_t *ret)
{
	if (++a->transfers > 10000)
		abort(); /* it goes on for ever */
	a->ms++;
	if (!next(a, ret) || *ret > FILL)
		return BOT_GONE;
	if (*ret == BOT_TIMED_OUT)
		a->ms += 60000;
	return *ret == FILL ? BOT_MOVED : (enum bot_moved) * ret;
}

static enum bot_moved
bulk_in(void *arg, void *buf, uint32_t n, int ms, uint32_t *ret)
{
	struct answers *a = arg;
	uint8_t end, lo, hi, b = 0, *p = buf;
	enum bot_moved m = how(a, &end);
	uint32_t len, i;

	*ret = 0;
	if (ms <= 0 || n == 0)
		abort();
	if (m != BOT_MOVED)
		return m;
	if (!next(a, &lo) || !next(a, &hi) || (end == FILL && !next(a, &b)))
		return BOT_GONE;
	len = lo | (uint32_t)hi << 8;
	for (i = 0; i < len; i++) {
		if (end != FILL && !next(a, &b))
			return BOT_GONE;
		if (i == n)
			return BOT_OVERRUN;
		p[i] = b;
		*ret = i + 1;
	}
	return BOT_MOVED;
}

static enum bot_moved
bulk_out(void *arg, const void *buf, uint32_t n, int ms, uint32_t *ret)
{
	uint8_t end;
	enum bot_moved m = how(arg, &end);

	(void)buf;
	if (ms <= 0 || n == 0)
		abort();
	*ret = m == BOT_MOVED ? n : 0;
	return m;
}

static enum bot_moved
control(void *arg, uint8_t request, uint16_t iface)
{
	uint8_t end;

	(void)request;
	(void)iface;
	return how(arg, &end);
}

static enum bot_moved
clear_halt(void *arg, bool in)
{
	uint8_t end;

	(void)in;
	return how(arg, &end);
}

static int64_t
now_ms(void *arg)
{
	const struct answers *a = arg;

	return a->ms;
}

static void
wait_ms(void *arg, int ms)
{
	struct answers *a = arg;

	a->ms += ms;
}

/* After a final refusal not one byte more is moved. */
static int
check(struct bot *b, int r, const struct diag *d)
{
	const struct answers *a = b->arg;
	const unsigned before = a->transfers;
	struct bot_cmd c = { .cdb_len = 6 };

	if (r == 0)
		return 0;
	if (d->code != r)
		abort();
	if (b->dead.code != 0 &&
	    (bot_run(b, &c, NULL, NULL) != b->dead.code ||
		a->transfers != before))
		abort();
	return r;
}

static int
read_some(struct bot *b, uint64_t lba, uint32_t n)
{
	static uint8_t buf[CHUNK];
	struct diag d = { 0 };
	struct blkdev dev;
	size_t i;
	int r;

	bot_blkdev(b, &dev);
	r = dev.read_block(dev.arg, lba, n, buf, &d);
	for (i = 0; r != 0 && i < (size_t)n * b->block_size; i++)
		if (buf[i] != 0)
			abort();
	return check(b, r, &d);
}

static int
write_some(struct bot *b)
{
	static uint8_t buf[1024];
	struct diag d = { 0 };
	struct blkout out;
	int r;

	r = bot_blkout(b, &out, &d);
	if (r == 0)
		r = out.write(out.arg, 512, buf, sizeof(buf), &d);
	if (r == 0)
		r = out.flush(out.arg, &d);
	if (r == 0)
		r = out.eject(out.arg, &d);
	return check(b, r, &d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct bot_ops ops = { control, bulk_in, bulk_out,
		clear_halt, now_ms, wait_ms };
	struct answers a = { data, size, 0, 0 };
	struct diag d = { 0 };
	struct bot b;
	size_t i;
	int r;

	r = check(&b, bot_open(&b, &ops, &a, 0, &d), &d);
	if (r != 0)
		return 0;
	if ((b.block_size != 512 && b.block_size != 4096) ||
	    b.blocks * b.block_size < BOT_MIN_BYTES ||
	    b.blocks > BOT_MAX_BYTES / b.block_size)
		abort();
	for (i = 0; i < sizeof(b.model) && b.model[i] != '\0'; i++)
		if (b.model[i] < 0x20 || b.model[i] > 0x7e)
			abort();
	if (i == sizeof(b.model))
		abort();
	r = read_some(&b, 0, 2);
	if (r == 0)
		r = read_some(&b, b.blocks - 1, 1);
	if (r == 0)
		(void)write_some(&b);
	return 0;
}
