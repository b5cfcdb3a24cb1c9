/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/stick.h"

#include <string.h>

#define HANG_MS 600000 /* longer than anyone waits */

static const struct bot_sense illegal = { 5, 0x20, 0 };

void
stick_init(struct stick *s, uint8_t *disk, size_t len)
{
	*s = (struct stick){ .disk = disk,
		.disk_len = len,
		.blocks = len / 512,
		.block_size = 512,
		.name = "ACME    Memory Stick    1.00",
		.sense_format = 0x70,
		.slow_ms = 29000 };
}

static uint64_t
be(const uint8_t *p, int n)
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

static void
put_le(uint8_t *p, uint32_t v)
{
	int i;

	for (i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t
le(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static bool
is_write(uint8_t op)
{
	return op == 0x2a || op == 0x8a;
}

static void
fail(struct stick *s, struct bot_sense why)
{
	s->fails = true;
	s->pending = why;
	s->len = 0;
}

static uint64_t
lba_of(const uint8_t *cdb)
{
	return (cdb[0] & 0x80) != 0 ? be(cdb + 2, 8) : be(cdb + 2, 4);
}

static void
do_read(struct stick *s)
{
	const uint64_t off = lba_of(s->cdb) * s->block_size;
	const uint64_t n =
	    (s->cdb[0] & 0x80) != 0 ? be(s->cdb + 10, 4) : be(s->cdb + 7, 2);
	uint64_t i;

	s->len = (uint32_t)(n * s->block_size);
	if (s->len > sizeof(s->resp)) {
		fail(s, illegal);
		return;
	}
	for (i = 0; i < s->len; i++)
		s->resp[i] = off + i < s->disk_len ? s->disk[off + i] : 0;
	if (s->now == EVIL_DATA_OTHER)
		for (i = 0; i < s->len; i++)
			s->resp[i] = (uint8_t)(s->resp[i] * 7 + s->commands);
	/* as one was seen to do: the data, and then that there is none */
	if (s->ejected) {
		s->fails = true;
		s->pending = (struct bot_sense){ 2, 0x3a, 0 };
	}
}

static void
do_capacity(struct stick *s)
{
	const bool ten = s->cdb[0] == 0x25;
	const uint64_t last = s->blocks - 1;

	memset(s->resp, 0, 32);
	s->len = ten ? 8 : 32;
	put_be(s->resp, ten ? 4 : 8,
	    ten && last > UINT32_MAX ? UINT32_MAX : last);
	put_be(s->resp + (ten ? 4 : 8), 4, s->block_size);
}

/* The command is here: what it will say. */
static void
execute(struct stick *s)
{
	s->len = 0;
	s->fails = false;
	if (s->attentions > 0 && s->cdb[0] != 0x12 && s->cdb[0] != 0x03) {
		s->attentions--;
		fail(s, (struct bot_sense){ 6, 0x29, 0 });
		return;
	}
	switch (s->cdb[0]) {
	case 0x00:
		if (s->ejected || s->not_ready > 0)
			fail(s,
			    (struct bot_sense){ 2, s->ejected ? 0x3a : 0x04,
				1 });
		s->not_ready -= s->not_ready > 0;
		return;
	case 0x03:
		memset(s->resp, 0, 18);
		s->resp[0] = s->sense_format;
		s->resp[2] = s->pending.key;
		s->resp[12] = s->pending.asc;
		s->resp[13] = s->pending.ascq;
		s->pending = (struct bot_sense){ 0 };
		s->len = 18;
		return;
	case 0x12:
		memset(s->resp, 0, 36);
		s->resp[0] = s->device_type;
		memcpy(s->resp + 8, s->name, 28);
		s->len = 36;
		return;
	case 0x1a:
		memset(s->resp, 0, 4);
		s->resp[2] = s->write_protected ? 0x80 : 0;
		s->len = 4;
		return;
	case 0x1b:
	case 0x35:
		if (s->knows_no_cache)
			fail(s, illegal);
		else
			s->ejected = s->ejected || s->cdb[0] == 0x1b;
		return;
	case 0x25:
	case 0x9e:
		do_capacity(s);
		return;
	case 0x28:
	case 0x88:
		do_read(s);
		return;
	case 0x2a:
	case 0x8a:
		s->len = s->want;
		if (s->write_protected)
			fail(s, (struct bot_sense){ 7, 0x27, 0 });
		return;
	default:
		fail(s, illegal);
	}
}

static void
choose_evil(struct stick *s)
{
	s->now = EVIL_NONE;
	if (s->evil == EVIL_NONE || s->evil_op != s->cdb[0])
		return;
	if (s->evil_after > 0) {
		s->evil_after--;
		return;
	}
	s->now = s->evil;
	if (s->evil_times > 0 && --s->evil_times == 0)
		s->evil = EVIL_NONE;
}

/* BOT 6.7: the host's and the stick's own idea of the data phase. */
static void
thirteen_cases(struct stick *s)
{
	const bool host_in = s->want > 0 && !s->out, host_out = s->out;
	const bool in = s->intent == INTENT_IN && s->intent_len > 0;
	const bool out = s->intent == INTENT_OUT && s->intent_len > 0;

	s->fails = false;
	s->len = in || out ? s->intent_len : 0;
	memset(s->resp, 0xa5, sizeof(s->resp));
	if ((s->want == 0 && (in || out)) || (host_in && out) ||
	    (host_out && in) || s->len > s->want)
		s->now = EVIL_CSW_PHASE;
	if ((host_in && out) || (host_out && in))
		s->len = 0;
	if (s->len > s->want)
		s->len = s->want;
	s->residue = s->want - s->len;
}

static enum bot_moved
take_command(struct stick *s, const uint8_t *p, uint32_t n, uint32_t *ret)
{
	static const enum bot_moved answers[] = { [EVIL_CBW_STALL_ONCE] =
						      BOT_STALLED,
		[EVIL_CBW_STALL] = BOT_STALLED,
		[EVIL_CBW_HANG] = BOT_TIMED_OUT,
		[EVIL_CBW_GONE] = BOT_GONE,
		[EVIL_CBW_BROKEN] = BOT_BROKEN };

	/* SPC-3, 4.3.4.1: the length by the group; 7 is the vendor's */
	static const uint8_t lengths[] = { 6, 10, 10, 0, 16, 12, 0, 6 };

	if (n != 31 || memcmp(p, "USBC", 4) != 0 || p[13] != 0 ||
	    p[14] != lengths[p[15] >> 5]) {
		s->halted[0] = s->halted[1] = true;
		return BOT_STALLED;
	}
	memcpy(s->cdb, p + 15, 16);
	memcpy(s->last_cdb, s->cdb, 16);
	choose_evil(s);
	s->commands++;
	s->count[s->cdb[0]]++;
	if (s->now >= EVIL_CBW_STALL_ONCE && s->now <= EVIL_CBW_BROKEN) {
		if (s->now == EVIL_CBW_STALL_ONCE)
			s->evil = EVIL_NONE;
		if (s->now == EVIL_CBW_HANG)
			s->clock_ms += HANG_MS;
		return answers[s->now];
	}
	s->tag = le(p + 4);
	s->want = le(p + 8);
	s->out = s->want > 0 && (p[12] & 0x80) == 0;
	s->off = 0;
	s->once = true;
	execute(s);
	s->residue = s->want > s->len ? s->want - s->len : 0;
	if (s->intent != INTENT_OWN)
		thirteen_cases(s);
	if (s->len > s->want)
		s->len = s->want;
	if (s->now == EVIL_CSW_FAILED)
		fail(s, s->sense);
	if (s->now == EVIL_DATA_STALL) {
		fail(s, (struct bot_sense){ 3, 0x11, 0 });
		s->residue = s->want;
	}
	s->state = s->want > 0 ? ST_DATA : ST_STATUS;
	*ret = s->now == EVIL_CBW_PART ? n - 1 : n;
	return BOT_MOVED;
}

/* What ends a data phase before it began. */
static bool
data_ends(struct stick *s, enum bot_moved *ret)
{
	switch (s->now) {
	case EVIL_DATA_HANG:
		s->clock_ms += HANG_MS;
		*ret = BOT_TIMED_OUT;
		return true;
	case EVIL_DATA_GONE:
		*ret = BOT_GONE;
		return true;
	case EVIL_DATA_BROKEN:
		*ret = BOT_BROKEN;
		return true;
	case EVIL_SLOW:
		s->clock_ms += s->slow_ms;
		return false;
	default:
		return false;
	}
}

static enum bot_moved
halt(struct stick *s, bool in)
{
	s->halted[in] = true;
	return BOT_STALLED;
}

/* All the data that it has; less than a host wants ends in a stall. */
static enum bot_moved
give_data(struct stick *s, uint8_t *p, uint32_t n, uint32_t *ret)
{
	enum bot_moved m;
	uint32_t len = s->len < n ? s->len : n;

	if (data_ends(s, &m))
		return m;
	s->state = ST_STATUS;
	if (s->now == EVIL_DATA_STALL_GOOD)
		len /= 2;
	if (s->now == EVIL_DATA_SHORT || s->now == EVIL_DATA_SHORT_LIES ||
	    s->now == EVIL_DATA_SHORT_MERGED)
		len -= len < 512 ? len : 512;
	if (s->now == EVIL_DATA_SHORT || s->now == EVIL_DATA_PADDED)
		s->residue = s->want < 512 ? s->want : 512;
	memcpy(p, s->resp, len);
	*ret = len;
	*ret += s->now == EVIL_DATA_MORE;
	if (s->now == EVIL_DATA_LONG ||
	    (s->now == EVIL_DATA_SHORT_MERGED && n - len < 13))
		return BOT_OVERRUN;
	if (s->now == EVIL_DATA_SHORT_MERGED) {
		memset(p + len, 'S', 13);
		*ret = len + 13;
		s->now = EVIL_CSW_HANG;
		return BOT_MOVED;
	}
	return len < n ? halt(s, true) : BOT_MOVED;
}

static enum bot_moved
take_data(struct stick *s, const uint8_t *p, uint32_t n, uint32_t *ret)
{
	const uint64_t off = lba_of(s->cdb) * s->block_size;
	uint32_t len = s->len < n ? s->len : n, i;
	enum bot_moved m;

	if (data_ends(s, &m))
		return m;
	s->state = ST_STATUS;
	if (s->now == EVIL_DATA_STALL_GOOD)
		len /= 2;
	if (s->now == EVIL_DATA_SHORT || s->now == EVIL_DATA_PADDED)
		s->residue = 512;
	for (i = 0; is_write(s->cdb[0]) && !s->fails && i < len; i++)
		if (off + i < s->disk_len)
			s->disk[off + i] = p[i];
	*ret = len;
	if (s->on_write != NULL && is_write(s->cdb[0]))
		s->on_write(s);
	return len < n ? halt(s, false) : BOT_MOVED;
}

static enum bot_moved
status_ends(struct stick *s)
{
	switch (s->now) {
	case EVIL_CSW_STALL_ONCE:
	case EVIL_CSW_STALL:
		if (s->now == EVIL_CSW_STALL_ONCE && !s->once)
			return BOT_MOVED;
		s->once = false;
		return halt(s, true);
	case EVIL_CSW_HANG:
		s->clock_ms += HANG_MS;
		return BOT_TIMED_OUT;
	case EVIL_CSW_GONE:
		return BOT_GONE;
	case EVIL_CSW_BROKEN:
		return BOT_BROKEN;
	case EVIL_CSW_LONG:
		return BOT_OVERRUN;
	default:
		return BOT_MOVED;
	}
}

static enum bot_moved
give_status(struct stick *s, uint8_t *p, uint32_t n, uint32_t *ret)
{
	enum bot_moved m = status_ends(s);
	uint8_t w[13] = { 'U', 'S', 'B', 'S' };

	if (m != BOT_MOVED)
		return m;
	if (s->now == EVIL_CSW_NOTHING ||
	    (s->now == EVIL_CSW_NOTHING_ONCE && s->once)) {
		s->once = false;
		return BOT_MOVED;
	}
	put_le(w + 4, s->now == EVIL_CSW_TAG ? s->tag ^ 1 : s->tag);
	put_le(w + 8,
	    s->now == EVIL_CSW_RESIDUE ? s->want + 1 :
		s->now == EVIL_DATA_SHORT_LIES ||
		    s->now == EVIL_DATA_STALL_GOOD ?
					 0 :
					 s->residue);
	w[12] = s->fails ? 1 : 0;
	if (s->now == EVIL_CSW_PHASE)
		w[12] = 2;
	if (s->now == EVIL_CSW_STATUS)
		w[12] = 3;
	if (s->now == EVIL_CSW_SIGNATURE)
		w[3] = 'C';
	*ret = s->now == EVIL_CSW_SHORT ? 12 : 13;
	memcpy(p, w, *ret < n ? *ret : n);
	s->state = ST_COMMAND;
	return BOT_MOVED;
}

enum bot_moved
stick_in(struct stick *s, void *buf, uint32_t n, uint32_t *ret)
{
	*ret = 0;
	if (s->halted[1])
		return BOT_STALLED;
	if (s->state == ST_DATA && !s->out)
		return give_data(s, buf, n, ret);
	if (s->state == ST_STATUS || s->state == ST_DATA)
		return give_status(s, buf, n, ret);
	s->clock_ms += HANG_MS; /* it has nothing to say */
	return BOT_TIMED_OUT;
}

enum bot_moved
stick_out(struct stick *s, const void *buf, uint32_t n, uint32_t *ret)
{
	*ret = 0;
	if (s->halted[0])
		return BOT_STALLED;
	if (s->state == ST_DATA && s->out)
		return take_data(s, buf, n, ret);
	return take_command(s, buf, n, ret);
}

void
stick_clear(struct stick *s, bool in)
{
	s->halted[in] = false;
	s->clears++;
}

void
stick_reset(struct stick *s)
{
	s->state = ST_COMMAND;
	s->resets++;
}

static enum bot_moved
control(void *arg, uint8_t request, uint16_t iface)
{
	if (request != 0xff || iface != 0)
		return BOT_STALLED;
	stick_reset(arg);
	return BOT_MOVED;
}

static enum bot_moved
bulk_in(void *arg, void *buf, uint32_t n, int ms, uint32_t *ret)
{
	*ret = 0;
	return ms <= 0 ? BOT_BROKEN : stick_in(arg, buf, n, ret);
}

static enum bot_moved
bulk_out(void *arg, const void *buf, uint32_t n, int ms, uint32_t *ret)
{
	*ret = 0;
	return ms <= 0 ? BOT_BROKEN : stick_out(arg, buf, n, ret);
}

static enum bot_moved
clear_halt(void *arg, bool in)
{
	stick_clear(arg, in);
	return BOT_MOVED;
}

static int64_t
now_ms(void *arg)
{
	const struct stick *s = arg;

	return s->clock_ms;
}

static void
wait_ms(void *arg, int ms)
{
	struct stick *s = arg;

	s->clock_ms += ms;
}

const struct bot_ops stick_ops = { control, bulk_in, bulk_out, clear_halt,
	now_ms, wait_ms };
