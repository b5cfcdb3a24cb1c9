/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The SCSI commands of a disk (SPC-3, SBC-3), each with the one answer that
 * is taken, and the blocks that they make.
 */

#include <string.h>

#include "usb-transfer/bot.h"

#define READY_MS   15000 /* to get ready after it was put in */
#define READY_STEP 100
#define ATTENTIONS 8	  /* power on, reset, medium in: told one by one */
#define SYNC_MS	   120000 /* a full cache of a slow stick */
#define BY_10	   (UINT64_C(1) << 32) /* blocks that READ(10) reaches */

enum sense_key {
	NOT_READY = 0x02,
	ILLEGAL_REQUEST = 0x05,
	UNIT_ATTENTION = 0x06,
	DATA_PROTECT = 0x07
};
#define ASC_BECOMING_READY 0x04
#define ASC_NO_MEDIUM	   0x3a

static uint64_t
get_be(const uint8_t *p, int n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static void
put_be(uint8_t *p, int n, uint64_t v)
{
	while (n-- > 0) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

/*
 * A command that may fail with one reason; then *ret_failed, and no refusal.
 */
static int
run_unless(struct bot *b, struct bot_cmd *c, uint8_t key, uint32_t *ret_len,
    bool *ret_failed, struct diag *d)
{
	struct diag why = { 0 };
	int r = bot_run(b, c, ret_len, &why);

	*ret_failed = r == CS_E_STICK_FAILED && b->sense.key == key;
	if (*ret_failed)
		return 0;
	if (r != 0 && d != NULL)
		*d = why;
	return r;
}

/* While it settles, a stick tells what happened to it before it answers. */
static int
run_settled(struct bot *b, struct bot_cmd *c, uint32_t *ret_len, struct diag *d)
{
	bool attention = true;
	int i, r = 0;

	for (i = 0; r == 0 && attention && i < ATTENTIONS; i++)
		r = run_unless(b, c, UNIT_ATTENTION, ret_len, &attention, d);
	return r == 0 && attention ? bot_run(b, c, ret_len, d) : r;
}

static int
inquire(struct bot *b, struct diag *d)
{
	uint8_t p[36] = { 0 };
	struct bot_cmd c = { .cdb = { 0x12, 0, 0, 0, sizeof(p) },
		.cdb_len = 6,
		.buf = p,
		.len = sizeof(p),
		.exact = true };
	size_t i, n = 0;
	int r;

	r = run_settled(b, &c, NULL, d);
	if (r != 0)
		return r;
	if (p[0] != 0x00)
		return diag_fail(d, CS_E_STICK_KIND, "a disk", "type %02xh",
		    p[0]);
	/* vendor, product, revision: one space between words */
	for (i = 8; i < sizeof(p); i++) {
		char ch = p[i] > 0x20 && p[i] <= 0x7e ? (char)p[i] : ' ';

		if (i == 16 || i == 32)
			b->model[n++] = ' ';
		if (p[i] != 0x00 && (p[i] < 0x20 || p[i] > 0x7e))
			ch = '?';
		b->model[n++] = ch;
	}
	for (i = n = 0; i < sizeof(b->model) && b->model[i] != '\0'; i++)
		if (b->model[i] != ' ' || (n > 0 && b->model[n - 1] != ' '))
			b->model[n++] = b->model[i];
	while (n > 0 && b->model[n - 1] == ' ')
		n--;
	b->model[n] = '\0';
	return 0;
}

static int
wait_ready(struct bot *b, struct diag *d)
{
	const int64_t end = b->ops->now_ms(b->arg) + READY_MS;
	struct bot_cmd c = { .cdb = { 0x00 }, .cdb_len = 6 };
	struct diag why = { 0 };
	int r;

	for (;;) {
		r = run_settled(b, &c, NULL, &why);
		if (r != 0 && r != CS_E_STICK_FAILED && d != NULL)
			*d = why;
		if (r != CS_E_STICK_FAILED)
			return r;
		if (b->sense.key == NOT_READY && b->sense.asc == ASC_NO_MEDIUM)
			return diag_fail(d, CS_E_STICK_NO_MEDIUM, "a medium",
			    "none in it");
		if (b->ops->now_ms(b->arg) >= end)
			return diag_fail(d, CS_E_STICK_NO_MEDIUM,
			    "a stick that gets ready",
			    "%u/%02x/%02x after 15 s", b->sense.key,
			    b->sense.asc, b->sense.ascq);
		b->ops->wait(b->arg, READY_STEP);
	}
}

static int
read_capacity(struct bot *b, struct diag *d)
{
	uint8_t p[32] = { 0 };
	struct bot_cmd ten = { .cdb = { 0x25 },
		.cdb_len = 10,
		.buf = p,
		.len = 8,
		.exact = true };
	struct bot_cmd sixteen = { .cdb = { 0x9e, 0x10 },
		.cdb_len = 16,
		.buf = p,
		.len = sizeof(p),
		.exact = true };
	uint64_t last, size;
	int r;

	r = run_settled(b, &ten, NULL, d);
	if (r != 0)
		return r;
	last = get_be(p, 4);
	size = get_be(p + 4, 4);
	if (last == UINT32_MAX) {
		put_be(sixteen.cdb + 10, 4, sizeof(p));
		r = run_settled(b, &sixteen, NULL, d);
		if (r != 0)
			return r;
		last = get_be(p, 8);
		size = get_be(p + 8, 4);
	}
	if (size != 512 && size != 4096)
		return diag_fail(d, CS_E_STICK_BLOCK_SIZE,
		    "blocks of 512 or 4096 bytes", "%llu",
		    (unsigned long long)size);
	if (last >= BOT_MAX_BYTES / size || (last + 1) * size < BOT_MIN_BYTES)
		return diag_fail(d, CS_E_STICK_CAPACITY, "1 MiB to 16 TiB",
		    "the last block is %llu", (unsigned long long)last);
	b->blocks = last + 1;
	b->block_size = (uint32_t)size;
	return 0;
}

int
bot_open(struct bot *b, const struct bot_ops *ops, void *arg, uint16_t iface,
    struct diag *d)
{
	int r;

	*b = (struct bot){ .ops = ops, .arg = arg, .iface = iface };
	r = inquire(b, d);
	if (r == 0)
		r = wait_ready(b, d);
	return r == 0 ? read_capacity(b, d) : r;
}

/* READ and WRITE; the 16-byte form only where the 10-byte one ends. */
static struct bot_cmd
transfer(uint64_t lba, uint32_t n, bool out)
{
	struct bot_cmd c = { .out = out, .exact = true };

	if (lba + n <= BY_10) {
		c.cdb_len = 10;
		c.cdb[0] = out ? 0x2a : 0x28;
		put_be(c.cdb + 2, 4, lba);
		put_be(c.cdb + 7, 2, n);
	} else {
		c.cdb_len = 16;
		c.cdb[0] = out ? 0x8a : 0x88;
		put_be(c.cdb + 2, 8, lba);
		put_be(c.cdb + 10, 4, n);
	}
	return c;
}

static int
no_longer(struct bot *b, int code, const char *expected, struct diag *d)
{
	(void)diag_fail(&b->dead, code, expected, "%u/%02x/%02x", b->sense.key,
	    b->sense.asc, b->sense.ascq);
	if (d != NULL)
		*d = b->dead;
	return code;
}

static int
move_blocks(struct bot *b, uint64_t lba, uint64_t n, uint8_t *p, bool out,
    struct diag *d)
{
	const uint32_t most = BOT_MAX_TRANSFER / b->block_size;
	int r;

	if (lba > b->blocks || n > b->blocks - lba)
		return diag_fail(d, CS_E_INTERNAL, "a block of the stick",
		    "%llu", (unsigned long long)lba);
	while (n > 0) {
		uint32_t now = n > most ? most : (uint32_t)n;
		struct bot_cmd c = transfer(lba, now, out);

		c.buf = p;
		c.len = now * b->block_size;
		r = bot_run(b, &c, NULL, d);
		if (r == CS_E_STICK_FAILED && b->sense.key == UNIT_ATTENTION)
			return no_longer(b, CS_E_STICK_CHANGED,
			    "the same medium", d);
		if (r == CS_E_STICK_FAILED && b->sense.key == DATA_PROTECT)
			return no_longer(b, CS_E_STICK_PROTECTED,
			    "a stick that takes bytes", d);
		if (r != 0)
			return r;
		lba += now;
		n -= now;
		p += c.len;
	}
	return 0;
}

static int
read_block(void *arg, uint64_t lba, uint32_t n, void *buf, struct diag *d)
{
	return move_blocks(arg, lba, n, buf, false, d);
}

void
bot_blkdev(struct bot *b, struct blkdev *ret)
{
	*ret = (struct blkdev){ read_block, b, b->blocks, b->block_size };
}

static int
write_out(void *arg, uint64_t off, const void *p, size_t n, struct diag *d)
{
	return move_blocks(arg, off / BLK_SIZE, n / BLK_SIZE,
	    (uint8_t *)(uintptr_t)p, true, d);
}

static int
read_back(void *arg, uint64_t off, void *buf, size_t n, struct diag *d)
{
	return move_blocks(arg, off / BLK_SIZE, n / BLK_SIZE, buf, false, d);
}

/* A command that a stick need not know: then it has nothing to do for it. */
static int
run_optional(struct bot *b, struct bot_cmd *c, struct diag *d)
{
	bool unknown;

	return run_unless(b, c, ILLEGAL_REQUEST, NULL, &unknown, d);
}

static int
synchronize(void *arg, struct diag *d)
{
	struct bot_cmd c = { .cdb = { 0x35 }, .cdb_len = 10, .ms = SYNC_MS };

	return run_optional(arg, &c, d);
}

static int
eject(void *arg, struct diag *d)
{
	struct bot_cmd c = { .cdb = { 0x1b, 0, 0, 0, 0x02 },
		.cdb_len = 6,
		.ms = SYNC_MS };

	return run_optional(arg, &c, d);
}

/* SPC-3, 6.9: the write-protect bit of all pages' header. */
static int
check_writable(struct bot *b, struct diag *d)
{
	uint8_t p[192] = { 0 };
	struct bot_cmd c = { .cdb = { 0x1a, 0, 0x3f, 0, sizeof(p) },
		.cdb_len = 6,
		.buf = p,
		.len = sizeof(p) };
	struct diag why = { 0 };
	uint32_t n = 0;
	int r;

	r = bot_run(b, &c, &n, &why);
	if (r == CS_E_STICK_FAILED) /* then a write will tell */
		return 0;
	if (r != 0 && d != NULL)
		*d = why;
	if (r != 0)
		return r;
	if (n > 2 && (p[2] & 0x80) != 0)
		return diag_fail(d, CS_E_STICK_PROTECTED,
		    "a stick that takes bytes", "its write-protect bit");
	return 0;
}

int
bot_blkout(struct bot *b, struct blkout *ret, struct diag *d)
{
	int r;

	if (b->block_size != BLK_SIZE)
		return diag_fail(d, CS_E_STICK_BLOCK_SIZE,
		    "blocks of 512 bytes to write on", "%u", b->block_size);
	r = check_writable(b, d);
	if (r != 0)
		return r;
	*ret = (struct blkout){ .write = write_out,
		.read_back = read_back,
		.flush = synchronize,
		.eject = eject,
		.arg = b,
		.bytes = b->blocks * BLK_SIZE };
	return 0;
}
