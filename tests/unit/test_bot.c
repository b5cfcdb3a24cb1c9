/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "tests/lib/stick.h"
#include "usb-transfer/bot_usb.h"

/*
 * The host's side of bulk-only transport against a stick in memory that
 * follows the specification, or breaks it in one place.
 */
#define MIB    (UINT64_C(1) << 20)
#define BLOCKS ((uint32_t)(2 * MIB / 512))
#define READ   0x28
#define WRITE  0x2a

static uint8_t disk[2 * MIB], buf[4 * BOT_MAX_TRANSFER];
static struct stick stick;

static int
setup(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(disk); i++)
		disk[i] = (uint8_t)(i / 512 * 13 + i * 7 + 1);
	stick_init(&stick, disk, sizeof(disk));
	memset(buf, 0x5a, sizeof(buf));
	return 0;
}

static int
open_stick(struct bot *b)
{
	struct diag d = { 0 };
	int r = bot_open(b, &stick_ops, &stick, 0, &d);

	assert_int_equal(r, d.code);
	return r;
}

static int
read_some(struct bot *b, uint64_t lba, uint32_t n, struct diag *d)
{
	struct blkdev dev;

	bot_blkdev(b, &dev);
	return dev.read_block(dev.arg, lba, n, buf, d);
}

static void
expect(int r, int want, const struct diag *d)
{
	if (r != want)
		fail_msg("%s (%s), expected %s", err_id(r), d->found,
		    want == 0 ? "nothing" : err_id(want));
	if (r != 0)
		assert_int_equal(d->code, r);
}

/* --- what works --------------------------------------------------------- */

static void
test_read(void **state)
{
	static const struct {
		uint64_t lba;
		uint32_t n, commands;
	} rows[] = {
		{ 0, 1, 1 },
		{ 7, 128, 1 },
		{ 7, 129, 2 },
		{ 0, 512, 4 },
		{ BLOCKS - 1, 1, 1 },
		{ BLOCKS - 300, 300, 3 },
		{ BLOCKS, 0, 0 },
	};
	struct diag d = { 0 };
	struct blkdev dev;
	struct bot b;
	size_t i;

	(void)state;
	assert_int_equal(open_stick(&b), 0);
	assert_string_equal(b.model, "ACME Memory Stick 1.00");
	bot_blkdev(&b, &dev);
	assert_int_equal(dev.blocks, BLOCKS);
	assert_int_equal(dev.block_size, 512);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned before = stick.count[READ];

		assert_int_equal(read_some(&b, rows[i].lba, rows[i].n, &d), 0);
		assert_memory_equal(buf, disk + rows[i].lba * 512,
		    (size_t)rows[i].n * 512);
		assert_int_equal(stick.count[READ] - before, rows[i].commands);
	}
	/* never outside, whatever a caller asks for */
	assert_int_equal(read_some(&b, BLOCKS, 1, &d), CS_E_INTERNAL);
	assert_int_equal(read_some(&b, BLOCKS - 1, 2, &d), CS_E_INTERNAL);
	assert_int_equal(read_some(&b, UINT64_MAX, 1, &d), CS_E_INTERNAL);
	assert_int_equal(stick.resets, 0);
}

static void
test_model(void **state)
{
	static const struct {
		const char name[29], *model;
	} rows[] = {
		{ "ACME    Memory Stick    1.00", "ACME Memory Stick 1.00" },
		{ "ABCDEFGHIJKLMNOPQRSTUVWXYZab",
		    "ABCDEFGH IJKLMNOPQRSTUVWX YZab" },
		{ "\x1b[2J\r\n\x7f\xff Stick", "?[2J???? Stick" },
		{ "                            ", "" },
	};
	struct bot b;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		stick.name = rows[i].name;
		assert_int_equal(open_stick(&b), 0);
		assert_string_equal(b.model, rows[i].model);
	}
}

static void
test_getting_ready(void **state)
{
	struct bot b;

	(void)state;
	stick.attentions = 8;
	stick.not_ready = 20;
	assert_int_equal(open_stick(&b), 0);
	stick.attentions = 100000;
	stick.clock_ms = 0;
	assert_int_equal(open_stick(&b), CS_E_STICK_NO_MEDIUM);
	assert_in_range(stick.clock_ms, 15000, 16000);
	stick.attentions = 0;
	stick.not_ready = 1000;
	stick.clock_ms = 0;
	assert_int_equal(open_stick(&b), CS_E_STICK_NO_MEDIUM);
	assert_in_range(stick.clock_ms, 15000, 16000);
	stick.not_ready = 0;
	stick.ejected = true;
	stick.clock_ms = 0;
	assert_int_equal(open_stick(&b), CS_E_STICK_NO_MEDIUM);
	assert_in_range(stick.clock_ms, 0, 1000);
	stick.ejected = false;
	stick.device_type = 0x05;
	assert_int_equal(open_stick(&b), CS_E_STICK_KIND);
	stick.device_type = 0x20; /* not connected */
	assert_int_equal(open_stick(&b), CS_E_STICK_KIND);
}

static void
test_capacity(void **state)
{
	static const uint64_t big = UINT64_C(1) << 32;
	const struct {
		uint64_t blocks;
		uint32_t size;
		int code;
	} rows[] = {
		{ 2048, 512, 0 },
		{ 2047, 512, CS_E_STICK_CAPACITY },
		{ 1, 512, CS_E_STICK_CAPACITY }, /* last block 0 */
		{ 256, 4096, 0 },
		{ 255, 4096, CS_E_STICK_CAPACITY },
		{ BLOCKS, 0, CS_E_STICK_BLOCK_SIZE },
		{ BLOCKS, 513, CS_E_STICK_BLOCK_SIZE },
		{ BLOCKS, 1024, CS_E_STICK_BLOCK_SIZE },
		{ BLOCKS, 65536, CS_E_STICK_BLOCK_SIZE },
		{ BLOCKS, UINT32_MAX, CS_E_STICK_BLOCK_SIZE },
		{ big - 1, 512, 0 },
		/* READ CAPACITY(10) says FFFFFFFF from here on */
		{ big, 512, 0 },
		{ big + 1, 512, 0 },
		{ BOT_MAX_BYTES / 512, 512, 0 },
		{ BOT_MAX_BYTES / 512 + 1, 512, CS_E_STICK_CAPACITY },
		{ BOT_MAX_BYTES / 4096, 4096, 0 },
		{ BOT_MAX_BYTES / 4096 + 1, 4096, CS_E_STICK_CAPACITY },
		{ UINT64_MAX, 512, CS_E_STICK_CAPACITY },
		{ 0, 512, CS_E_STICK_CAPACITY }, /* last: all ones */
		{ big, 0, CS_E_STICK_BLOCK_SIZE },
	};
	struct bot b;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		stick.blocks = rows[i].blocks;
		stick.block_size = rows[i].size;
		memset(stick.count, 0, sizeof(stick.count));
		if (open_stick(&b) != rows[i].code)
			fail_msg("row %zu", i);
		assert_int_equal(stick.count[0x9e],
		    rows[i].blocks - 1 >= UINT32_MAX);
		if (rows[i].code == 0)
			assert_int_equal(b.blocks, rows[i].blocks);
	}
}

/* The 16-byte commands only where the 10-byte ones do not reach. */
static void
test_beyond_32_bits(void **state)
{
	static const uint64_t big = UINT64_C(1) << 32;
	const struct {
		uint64_t lba;
		uint32_t n;
		uint8_t op;
	} rows[] = {
		{ big - 1, 1, 0x28 },
		{ big - 1, 2, 0x88 },
		{ big, 1, 0x88 },
		{ 3 * big, 128, 0x88 },
	};
	struct diag d = { 0 };
	struct blkout out;
	struct bot b;
	size_t i;

	(void)state;
	stick.blocks = 4 * big;
	assert_int_equal(open_stick(&b), 0);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(read_some(&b, rows[i].lba, rows[i].n, &d), 0);
		assert_int_equal(stick.last_cdb[0], rows[i].op);
		assert_int_equal(stick.last_cdb[rows[i].op == 0x28 ? 5 : 9],
		    rows[i].lba & 0xff);
	}
	assert_int_equal(bot_blkout(&b, &out, &d), 0);
	assert_int_equal(out.bytes, 4 * big * 512);
	assert_int_equal(out.write(out.arg, big * 512, buf, 512, &d), 0);
	assert_int_equal(stick.last_cdb[0], 0x8a);
	assert_int_equal(stick.last_cdb[5], 1);
}

static void
test_blocks_of_4096(void **state)
{
	struct diag d = { 0 };
	struct blkout out;
	struct bot b;

	(void)state;
	stick.block_size = 4096;
	stick.blocks = sizeof(disk) / 4096;
	assert_int_equal(open_stick(&b), 0);
	assert_int_equal(read_some(&b, 3, 20, &d), 0);
	assert_memory_equal(buf, disk + 3 * 4096, 20 * 4096);
	assert_int_equal(stick.count[READ], 2);
	expect(bot_blkout(&b, &out, &d), CS_E_STICK_BLOCK_SIZE, &d);
}

/* --- the thirteen cases of BOT 6.7 -------------------------------------- */

static void
test_thirteen_cases(void **state)
{
	enum { HN, HI, HO };
	static const struct {
		int host;
		enum intent stick;
		uint32_t len;
		int code;
		int loose; /* when fewer bytes are welcome */
	} rows[] = {
		{ HN, INTENT_NONE, 0, 0, 0 },			/* 1 */
		{ HN, INTENT_IN, 512, CS_E_STICK_PHASE, -1 },	/* 2 */
		{ HN, INTENT_OUT, 512, CS_E_STICK_PHASE, -1 },	/* 3 */
		{ HI, INTENT_NONE, 0, CS_E_STICK_SHORT, 0 },	/* 4 */
		{ HI, INTENT_IN, 512, CS_E_STICK_SHORT, 512 },	/* 5 */
		{ HI, INTENT_IN, 1024, 0, 1024 },		/* 6 */
		{ HI, INTENT_IN, 1536, CS_E_STICK_PHASE, -1 },	/* 7 */
		{ HI, INTENT_OUT, 1024, CS_E_STICK_PHASE, -1 }, /* 8 */
		{ HO, INTENT_NONE, 0, CS_E_STICK_SHORT, 0 },	/* 9 */
		{ HO, INTENT_IN, 1024, CS_E_STICK_PHASE, -1 },	/* 10 */
		{ HO, INTENT_OUT, 512, CS_E_STICK_SHORT, 512 }, /* 11 */
		{ HO, INTENT_OUT, 1024, 0, 1024 },		/* 12 */
		{ HO, INTENT_OUT, 1536, CS_E_STICK_PHASE, -1 }, /* 13 */
	};
	size_t i;
	int exact;

	(void)state;
	for (i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		const size_t k = i / 2;
		struct bot_cmd c = { .cdb = { 0xee },
			.cdb_len = 6,
			.buf = buf,
			.out = rows[k].host == HO,
			.len = rows[k].host == HN ? 0 : 1024 };
		uint32_t n = 0xffff;
		struct diag d = { 0 };
		struct bot b;
		int want;

		exact = i % 2;
		c.exact = exact == 1;
		setup(NULL);
		assert_int_equal(open_stick(&b), 0);
		stick.intent = rows[k].stick;
		stick.intent_len = rows[k].len;
		want = exact || rows[k].loose < 0 ? rows[k].code : 0;
		if (bot_run(&b, &c, &n, &d) != want)
			fail_msg("case %zu, exact %d: %s %s", k + 1, exact,
			    err_id(d.code), d.found);
		if (want == 0)
			assert_int_equal(n,
			    exact ? c.len : (uint32_t)rows[k].loose);
		/* a phase error is answered with a reset recovery */
		assert_int_equal(stick.resets, want == CS_E_STICK_PHASE);
	}
}

/* --- one thing wrong ---------------------------------------------------- */

struct trouble {
	enum evil evil;
	int read, write;
};

static const struct trouble troubles[] = {
	{ EVIL_CBW_STALL_ONCE, 0, 0 },
	{ EVIL_CBW_STALL, CS_E_STICK_STALL, CS_E_STICK_STALL },
	{ EVIL_CBW_HANG, CS_E_STICK_TIMEOUT, CS_E_STICK_TIMEOUT },
	{ EVIL_CBW_GONE, CS_E_STICK_GONE, CS_E_STICK_GONE },
	{ EVIL_CBW_BROKEN, CS_E_STICK_BROKEN, CS_E_STICK_BROKEN },
	{ EVIL_CBW_PART, CS_E_STICK_SHORT, CS_E_STICK_SHORT },
	{ EVIL_DATA_STALL, CS_E_STICK_FAILED, CS_E_STICK_FAILED },
	{ EVIL_DATA_STALL_GOOD, CS_E_STICK_RESIDUE, CS_E_STICK_RESIDUE },
	{ EVIL_DATA_HANG, CS_E_STICK_TIMEOUT, CS_E_STICK_TIMEOUT },
	{ EVIL_DATA_GONE, CS_E_STICK_GONE, CS_E_STICK_GONE },
	{ EVIL_DATA_BROKEN, CS_E_STICK_BROKEN, CS_E_STICK_BROKEN },
	{ EVIL_DATA_LONG, CS_E_STICK_LONG, 0 },
	{ EVIL_DATA_MORE, CS_E_STICK_LONG, 0 },
	{ EVIL_DATA_SHORT, CS_E_STICK_SHORT, CS_E_STICK_SHORT },
	{ EVIL_DATA_SHORT_LIES, CS_E_STICK_RESIDUE, 0 },
	{ EVIL_DATA_SHORT_MERGED, CS_E_STICK_SHORT, 0 },
	{ EVIL_DATA_PADDED, CS_E_STICK_SHORT, CS_E_STICK_SHORT },
	{ EVIL_SLOW, 0, 0 },
	{ EVIL_CSW_STALL_ONCE, 0, 0 },
	{ EVIL_CSW_STALL, CS_E_STICK_STALL, CS_E_STICK_STALL },
	{ EVIL_CSW_NOTHING_ONCE, 0, 0 },
	{ EVIL_CSW_NOTHING, CS_E_STICK_STATUS, CS_E_STICK_STATUS },
	{ EVIL_CSW_HANG, CS_E_STICK_TIMEOUT, CS_E_STICK_TIMEOUT },
	{ EVIL_CSW_GONE, CS_E_STICK_GONE, CS_E_STICK_GONE },
	{ EVIL_CSW_BROKEN, CS_E_STICK_BROKEN, CS_E_STICK_BROKEN },
	{ EVIL_CSW_LONG, CS_E_STICK_LONG, CS_E_STICK_LONG },
	{ EVIL_CSW_SHORT, CS_E_STICK_STATUS, CS_E_STICK_STATUS },
	{ EVIL_CSW_SIGNATURE, CS_E_STICK_STATUS, CS_E_STICK_STATUS },
	{ EVIL_CSW_TAG, CS_E_STICK_TAG, CS_E_STICK_TAG },
	{ EVIL_CSW_STATUS, CS_E_STICK_STATUS, CS_E_STICK_STATUS },
	{ EVIL_CSW_PHASE, CS_E_STICK_PHASE, CS_E_STICK_PHASE },
	{ EVIL_CSW_FAILED, CS_E_STICK_FAILED, CS_E_STICK_FAILED },
	{ EVIL_CSW_RESIDUE, CS_E_STICK_RESIDUE, CS_E_STICK_RESIDUE },
};

static bool
all_zero(const uint8_t *p, size_t n)
{
	while (n > 0 && p[n - 1] == 0)
		n--;
	return n == 0;
}

/* Nothing of what came is there, and nothing more is asked. */
static void
test_trouble_read(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(troubles); i++) {
		const int want = troubles[i].read;
		struct diag d = { 0 };
		unsigned commands;
		struct bot b;
		int r;

		setup(NULL);
		stick.sense = (struct bot_sense){ 3, 0x11, 0 };
		assert_int_equal(open_stick(&b), 0);
		stick.evil = troubles[i].evil;
		stick.evil_op = READ;
		r = read_some(&b, 5, 64, &d);
		if (r != want)
			fail_msg("evil %d: %s %s", (int)troubles[i].evil,
			    err_id(r), d.found);
		assert_in_range(stick.clock_ms, 0, 1300000);
		if (want == 0) {
			assert_memory_equal(buf, disk + 5 * 512, 64 * 512);
			continue;
		}
		assert_int_equal(d.code, want);
		assert_true(all_zero(buf, 64 * 512));
		stick.evil = EVIL_NONE;
		commands = stick.commands;
		r = read_some(&b, 5, 64, &d);
		if (want == CS_E_STICK_FAILED) {
			assert_int_equal(r, 0);
		} else {
			assert_int_equal(r, want);
			assert_int_equal(stick.commands, commands);
		}
	}
}

static void
test_trouble_write(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(troubles); i++) {
		struct diag d = { 0 };
		struct blkout out;
		struct bot b;
		int r;

		setup(NULL);
		assert_int_equal(open_stick(&b), 0);
		assert_int_equal(bot_blkout(&b, &out, &d), 0);
		stick.evil = troubles[i].evil;
		stick.evil_op = WRITE;
		memset(buf, 0xc3, 32768);
		r = out.write(out.arg, 4096, buf, 32768, &d);
		if (r != troubles[i].write)
			fail_msg("evil %d: %s %s", (int)troubles[i].evil,
			    err_id(r), d.found);
		if (r == 0)
			assert_memory_equal(buf, disk + 4096, 32768);
	}
}

/* Everything that export does, up to the first refusal. */
static int
session(struct bot *b, struct diag *d)
{
	struct blkout out;
	int r;

	r = bot_open(b, &stick_ops, &stick, 0, d);
	if (r == 0)
		r = read_some(b, 0, 72, d);
	if (r == 0)
		r = bot_blkout(b, &out, d);
	if (r == 0)
		r = out.write(out.arg, 0, disk, 512, d);
	if (r == 0)
		r = out.write(out.arg, 512 * (UINT64_C(1) << 32), disk, 512, d);
	if (r == 0)
		r = out.flush(out.arg, d);
	if (r == 0)
		r = out.read_back(out.arg, 0, buf, 512, d);
	if (r == 0)
		r = out.read_back(out.arg, 512 * (UINT64_C(1) << 32), buf, 512,
		    d);
	return r == 0 ? out.eject(out.arg, d) : r;
}

/* Each trouble at each command: no loop, one refusal, and only its own. */
static void
test_trouble_anywhere(void **state)
{
	static const uint8_t ops[] = { 0x12, 0x00, 0x25, 0x9e, 0x28, 0x88, 0x1a,
		0x2a, 0x8a, 0x35, 0x1b, 0x03 };
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(troubles); i++) {
		for (k = 0; k < ARRAY_LEN(ops); k++) {
			const struct trouble *t = &troubles[i];
			struct diag d = { 0 };
			struct bot b;
			int r;

			setup(NULL);
			stick.blocks = UINT64_C(1) << 33;
			stick.sense = (struct bot_sense){ 4, 0x44, 0 };
			stick.attentions = 1; /* so that sense is asked for */
			stick.evil = t->evil;
			stick.evil_op = ops[k];
			r = session(&b, &d);
			if (r != 0 && r != t->read && r != t->write &&
			    r != CS_E_STICK_NO_MEDIUM &&
			    r != CS_E_STICK_FAILED &&
			    ((r != CS_E_STICK_LONG &&
				 r != CS_E_STICK_TIMEOUT) ||
				t->evil != EVIL_DATA_SHORT_MERGED))
				fail_msg("evil %d at %02x: %s %s", (int)t->evil,
				    ops[k], err_id(r), d.found);
			/* gone is gone, tags and phases are never passed over */
			if ((t->read == CS_E_STICK_GONE &&
				t->evil != EVIL_DATA_GONE) ||
			    t->read == CS_E_STICK_TAG ||
			    t->read == CS_E_STICK_PHASE)
				assert_int_equal(r, t->read);
			assert_int_equal(r, d.code);
			assert_in_range(stick.commands, 1, 400);
			assert_in_range(stick.clock_ms, 0, 3000000);
		}
	}
}

/* --- pulled out, or hanging, at every single transfer ------------------- */

static struct {
	unsigned left, after; /* transfers until it ends; transfers since */
	enum bot_moved how;
} end_at;

static bool
ended(void)
{
	if (end_at.left > 0) {
		end_at.left--;
		return false;
	}
	end_at.after++;
	if (end_at.how == BOT_TIMED_OUT)
		stick.clock_ms += 600000;
	return true;
}

static enum bot_moved
end_in(void *arg, void *p, uint32_t n, int ms, uint32_t *ret)
{
	*ret = 0;
	return ended() ? end_at.how : stick_ops.bulk_in(arg, p, n, ms, ret);
}

static enum bot_moved
end_out(void *arg, const void *p, uint32_t n, int ms, uint32_t *ret)
{
	*ret = 0;
	return ended() ? end_at.how : stick_ops.bulk_out(arg, p, n, ms, ret);
}

static enum bot_moved
end_control(void *arg, uint8_t request, uint16_t iface)
{
	return end_at.after > 0 ? end_at.how :
				  stick_ops.control(arg, request, iface);
}

static enum bot_moved
end_clear(void *arg, bool in)
{
	return end_at.after > 0 ? end_at.how : stick_ops.clear_halt(arg, in);
}

static int64_t
end_now(void *arg)
{
	return stick_ops.now_ms(arg);
}

static void
end_wait(void *arg, int ms)
{
	stick_ops.wait(arg, ms);
}

static const struct bot_ops end_ops = { end_control, end_in, end_out, end_clear,
	end_now, end_wait };

static int
ending_session(struct diag *d)
{
	struct bot_cmd ready = { .cdb_len = 6 };
	struct blkout out;
	struct bot b;
	int r;

	r = bot_open(&b, &end_ops, &stick, 0, d);
	if (r == 0)
		r = read_some(&b, 0, 200, d);
	if (r == 0)
		r = bot_blkout(&b, &out, d);
	if (r == 0)
		r = out.write(out.arg, 0, disk, 100000 / 512 * 512, d);
	if (r == 0)
		r = out.flush(out.arg, d);
	if (r == 0)
		r = out.eject(out.arg, d);
	/* whoever goes on none the less gets the same answer */
	if (r != 0)
		assert_int_equal(bot_run(&b, &ready, NULL, NULL), r);
	return r;
}

static void
test_ends_at_every_transfer(void **state)
{
	static const struct {
		enum bot_moved how;
		int code;
	} rows[] = { { BOT_GONE, CS_E_STICK_GONE },
		{ BOT_TIMED_OUT, CS_E_STICK_TIMEOUT },
		{ BOT_BROKEN, CS_E_STICK_BROKEN } };
	unsigned n, total;
	size_t i;

	(void)state;
	end_at.left = 100000;
	stick.attentions = 1;
	assert_int_equal(ending_session(NULL), 0);
	total = 100000 - end_at.left;
	assert_in_range(total, 30, 60);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		for (n = 0; n < total; n++) {
			struct diag d = { 0 };

			setup(NULL);
			stick.attentions = 1;
			end_at.left = n;
			end_at.after = 0;
			end_at.how = rows[i].how;
			expect(ending_session(&d), rows[i].code, &d);
			assert_int_equal(end_at.after, 1);
		}
	}
}

/* --- time --------------------------------------------------------------- */

/* Each command in time, all of them too slow. */
static void
test_pace(void **state)
{
	struct diag d = { 0 };
	struct bot b;
	unsigned i;
	int r = 0;

	(void)state;
	assert_int_equal(open_stick(&b), 0);
	stick.evil = EVIL_SLOW;
	stick.evil_op = READ;
	for (i = 0; r == 0 && i < 100; i++)
		r = read_some(&b, 0, 128, &d);
	expect(r, CS_E_STICK_SLOW, &d);
	assert_int_equal(i, 5); /* five times 29 s of 120 s */
	/* waiting for people between commands is nobody's slowness */
	setup(NULL);
	assert_int_equal(open_stick(&b), 0);
	for (i = 0; i < 100; i++) {
		stick.clock_ms += 3600000;
		assert_int_equal(read_some(&b, 0, 1, &d), 0);
	}
	assert_int_equal(b.spent_ms, 0);
}

/* Each step in time, all of them together not. */
static void
test_late(void **state)
{
	struct diag d = { 0 };
	struct bot b;

	(void)state;
	assert_int_equal(open_stick(&b), 0);
	stick.evil = EVIL_SLOW;
	stick.evil_op = READ;
	stick.slow_ms = 30000;
	expect(read_some(&b, 0, 128, &d), CS_E_STICK_TIMEOUT, &d);
	assert_true(all_zero(buf, 65536));
}

static void
test_pace_of_much(void **state)
{
	struct diag d = { 0 };
	struct bot b;
	unsigned i;

	(void)state;
	assert_int_equal(open_stick(&b), 0);
	stick.evil = EVIL_SLOW;
	stick.evil_op = READ;
	stick.slow_ms = 200; /* 328 kB/s */
	for (i = 0; i < 3000; i++)
		assert_int_equal(read_some(&b, 0, 128, &d), 0);
	/* however much it is, not for more than a day */
	b.moved = UINT64_C(1) << 50;
	b.spent_ms = INT64_C(24) * 3600 * 1000 - 100;
	expect(read_some(&b, 0, 128, &d), CS_E_STICK_SLOW, &d);
}

/* --- why a command failed ----------------------------------------------- */

static void
test_sense(void **state)
{
	struct diag d = { 0 };
	struct bot b;

	(void)state;
	assert_int_equal(open_stick(&b), 0);
	stick.evil = EVIL_CSW_FAILED;
	stick.evil_op = READ;
	stick.sense = (struct bot_sense){ 3, 0x11, 4 };
	expect(read_some(&b, 0, 1, &d), CS_E_STICK_FAILED, &d);
	assert_int_equal(b.sense.key, 3);
	assert_int_equal(b.sense.asc, 0x11);
	assert_int_equal(b.sense.ascq, 4);
	assert_non_null(strstr(d.found, "medium error"));
	/* of another format: no reason, and not an old one */
	stick.sense_format = 0x72;
	expect(read_some(&b, 0, 1, &d), CS_E_STICK_FAILED, &d);
	assert_int_equal(b.sense.key, 0);
	assert_non_null(strstr(d.found, "no reason"));
	/* a unit attention that does not count */
	stick.sense_format = 0x70;
	stick.sense = (struct bot_sense){ 6, 0x28, 0 };
	stick.evil_times = 1;
	assert_int_equal(read_some(&b, 0, 1, &d), CS_E_STICK_CHANGED);
	setup(NULL);
	assert_int_equal(open_stick(&b), 0);
	stick.attentions = 1;
	stick.evil = EVIL_DATA_PADDED;
	stick.evil_op = 0x03;
	expect(read_some(&b, 0, 1, &d), CS_E_STICK_FAILED, &d);
	assert_int_equal(b.sense.key, 0);
	/* the residue is looked at when the command failed, too */
	setup(NULL);
	assert_int_equal(open_stick(&b), 0);
	stick.ejected = true;
	stick.evil = EVIL_CSW_RESIDUE;
	stick.evil_op = READ;
	expect(read_some(&b, 0, 1, &d), CS_E_STICK_RESIDUE, &d);
}

/* What is done to a stick that stalls, for it to go on. */
static void
test_recovery(void **state)
{
	static const struct {
		enum evil evil;
		unsigned resets, clears;
	} rows[] = {
		{ EVIL_NONE, 0, 0 },
		{ EVIL_CBW_STALL_ONCE, 1, 2 },
		{ EVIL_CBW_STALL, 2, 4 },
		{ EVIL_DATA_STALL, 0, 1 },
		{ EVIL_CSW_STALL_ONCE, 0, 1 },
		{ EVIL_CSW_STALL, 1, 4 },
		{ EVIL_CSW_TAG, 1, 2 },
		{ EVIL_CSW_PHASE, 1, 2 },
		{ EVIL_CSW_FAILED, 0, 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct bot b;

		setup(NULL);
		assert_int_equal(open_stick(&b), 0);
		stick.evil = rows[i].evil;
		stick.evil_op = READ;
		(void)!read_some(&b, 0, 8, NULL);
		if (stick.resets != rows[i].resets ||
		    stick.clears != rows[i].clears)
			fail_msg("evil %d: %u resets, %u clears",
			    (int)rows[i].evil, stick.resets, stick.clears);
	}
}

/* --- writing ------------------------------------------------------------ */

static void
test_write_protect(void **state)
{
	struct diag d = { 0 };
	struct blkout out;
	struct bot b;

	(void)state;
	stick.write_protected = true;
	assert_int_equal(open_stick(&b), 0);
	expect(bot_blkout(&b, &out, &d), CS_E_STICK_PROTECTED, &d);
	/* one that does not say so before */
	setup(NULL);
	assert_int_equal(open_stick(&b), 0);
	assert_int_equal(bot_blkout(&b, &out, &d), 0);
	stick.write_protected = true;
	expect(out.write(out.arg, 0, buf, 512, &d), CS_E_STICK_PROTECTED, &d);
	expect(out.flush(out.arg, &d), CS_E_STICK_PROTECTED, &d);
	/* one that does not know MODE SENSE */
	setup(NULL);
	assert_int_equal(open_stick(&b), 0);
	stick.evil = EVIL_CSW_FAILED;
	stick.evil_op = 0x1a;
	assert_int_equal(bot_blkout(&b, &out, &d), 0);
}

static void
test_sync_and_eject(void **state)
{
	struct diag d = { 0 };
	struct blkout out;
	struct bot b;

	(void)state;
	assert_int_equal(open_stick(&b), 0);
	assert_int_equal(bot_blkout(&b, &out, &d), 0);
	assert_int_equal(out.flush(out.arg, &d), 0);
	assert_int_equal(stick.count[0x35], 1);
	assert_int_equal(out.eject(out.arg, &d), 0);
	assert_true(stick.ejected);
	/* the data come, and then a bad status: they must not be used */
	expect(read_some(&b, 0, 128, &d), CS_E_STICK_FAILED, &d);
	assert_true(all_zero(buf, 65536));
	/* many sticks have no cache and do not know these commands */
	setup(NULL);
	stick.knows_no_cache = true;
	assert_int_equal(open_stick(&b), 0);
	assert_int_equal(bot_blkout(&b, &out, &d), 0);
	assert_int_equal(out.flush(out.arg, &d), 0);
	assert_int_equal(out.eject(out.arg, &d), 0);
	/* but one that cannot write its cache has lost what was written */
	stick.knows_no_cache = false;
	stick.evil = EVIL_CSW_FAILED;
	stick.evil_op = 0x35;
	stick.sense = (struct bot_sense){ 3, 0x0c, 0 };
	expect(out.flush(out.arg, &d), CS_E_STICK_FAILED, &d);
}

/* A card that is changed, or a stick that restarts, while it is read. */
static void
test_changed(void **state)
{
	struct diag d = { 0 };
	struct bot b;

	(void)state;
	assert_int_equal(open_stick(&b), 0);
	assert_int_equal(read_some(&b, 0, 1, &d), 0);
	stick.attentions = 1;
	expect(read_some(&b, 0, 1, &d), CS_E_STICK_CHANGED, &d);
	expect(read_some(&b, 0, 1, &d), CS_E_STICK_CHANGED, &d);
}

static void
test_too_large_command(void **state)
{
	static uint8_t big[BOT_MAX_TRANSFER + 1];
	struct bot_cmd c = { .cdb_len = 6, .buf = big, .len = sizeof(big) };
	struct diag d = { 0 };
	struct bot b;

	(void)state;
	assert_int_equal(open_stick(&b), 0);
	expect(bot_run(&b, &c, NULL, &d), CS_E_INTERNAL, &d);
}

/* --- what the broker says ----------------------------------------------- */

static void
test_pipes(void **state)
{
	static const struct {
		const char *arg;
		bool good;
	} rows[] = {
		{ "usb=0,81,02", true },
		{ "usb=1f,8f,f", true },
		{ "usb=00,81,1", true },
		{ "", false },
		{ "usb", false },
		{ "usb=", false },
		{ "usb=0", false },
		{ "usb=0,81", false },
		{ "usb=0,81,", false },
		{ "usb=0,81,02,", false },
		{ "usb=0,81,02 ", false },
		{ " usb=0,81,02", false },
		{ "USB=0,81,02", false },
		{ "usb=0,8A,02", false },
		{ "usb=0,0x81,2", false },
		{ "usb=0,081,02", false },
		{ "usb=000,81,02", false },
		{ "usb=-1,81,02", false },
		{ "usb=0,02,81", false },
		{ "usb=0,80,02", false },
		{ "usb=0,91,02", false },
		{ "usb=0,81,00", false },
		{ "usb=0,81,12", false },
		{ "usb=0,81,82", false },
		{ "usb=,81,02", false },
	};
	struct usb_pipes p;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct diag d = { 0 };

		if ((usb_pipes_parse(rows[i].arg, &p, &d) == 0) != rows[i].good)
			fail_msg("%s", rows[i].arg);
		assert_int_equal(d.code,
		    rows[i].good ? 0 : CS_E_STICK_ARGUMENT);
	}
	assert_int_equal(usb_pipes_parse("usb=1f,8c,0b", &p, NULL), 0);
	assert_int_equal(p.iface, 0x1f);
	assert_int_equal(p.in, 0x8c);
	assert_int_equal(p.out, 0x0b);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		TEST(test_read),
		TEST(test_model),
		TEST(test_getting_ready),
		TEST(test_capacity),
		TEST(test_beyond_32_bits),
		TEST(test_blocks_of_4096),
		TEST(test_thirteen_cases),
		TEST(test_trouble_read),
		TEST(test_trouble_write),
		TEST(test_trouble_anywhere),
		TEST(test_ends_at_every_transfer),
		TEST(test_pace),
		TEST(test_late),
		TEST(test_pace_of_much),
		TEST(test_sense),
		TEST(test_recovery),
		TEST(test_write_protect),
		TEST(test_sync_and_eject),
		TEST(test_changed),
		TEST(test_too_large_command),
		TEST(test_pipes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
