/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One command of the bulk-only transport, as figure 1 and 2 of BOT have it.
 *
 *	command (31 bytes out) --stall--> reset recovery, once more
 *	   |                                \-- again: STICK-STALL
 *	data, if there are any --stall--> the halt is cleared, go on
 *	   |
 *	status (13 bytes in) --stall, nothing--> the halt is cleared, once more
 *	   |                                \-- again: reset recovery, STICK-STALL
 *	good: the data count   failed: REQUEST SENSE   all else: refused, dead
 */

#include "usb-transfer/bot.h"

#include <string.h>

#define CBW_LEN	   31u
#define CSW_LEN	   13u
#define RESET	   0xffu /* BOT 3.1, Bulk-Only Mass Storage Reset */
#define COMMAND_MS 30000 /* a whole command */
/* all commands together: a time to begin with, and then a rate */
#define GRACE_MS     120000
#define BYTES_PER_MS 256u
#define WHOLE_MS     (INT64_C(24) * 3600 * 1000)

struct csw {
	uint32_t residue;
	uint8_t status;
};

static void
put_le32(uint8_t *p, uint32_t v)
{
	int i;

	for (i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t
get_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

/* BOT 5.3.4: the stick forgets what it was doing, both ends run again. */
static void
reset_recovery(struct bot *b)
{
	(void)b->ops->control(b->arg, RESET, b->iface);
	(void)b->ops->clear_halt(b->arg, true);
	(void)b->ops->clear_halt(b->arg, false);
}

static int
not_moved(enum bot_moved m, const char *phase, struct diag *d)
{
	switch (m) {
	case BOT_STALLED:
		return diag_fail(d, CS_E_STICK_STALL, "an answer",
		    "two stalls in the %s phase", phase);
	case BOT_TIMED_OUT:
		return diag_fail(d, CS_E_STICK_TIMEOUT, "an answer in time",
		    "none in the %s phase", phase);
	case BOT_GONE:
		return diag_fail(d, CS_E_STICK_GONE, "the stick",
		    "no device in the %s phase", phase);
	case BOT_OVERRUN:
		return diag_fail(d, CS_E_STICK_LONG, "as much as was asked for",
		    "more in the %s phase", phase);
	default:
		return diag_fail(d, CS_E_STICK_BROKEN, "a transfer",
		    "an error in the %s phase", phase);
	}
}

/* What is left of the command's time: 0, or the refusal. */
static int
time_left(struct bot *b, int64_t deadline, int *ret, struct diag *d)
{
	int64_t left = deadline - b->ops->now_ms(b->arg);

	if (left <= 0)
		return diag_fail(d, CS_E_STICK_TIMEOUT,
		    "a command done in time", "one that goes on");
	*ret = (int)left;
	return 0;
}

static int
send_command(struct bot *b, const struct bot_cmd *c, int64_t deadline,
    struct diag *d)
{
	uint8_t cbw[CBW_LEN] = { 'U', 'S', 'B', 'C' };
	enum bot_moved m;
	uint32_t n = 0;
	int ms = 0, try, r;

	put_le32(cbw + 4, ++b->tag);
	put_le32(cbw + 8, c->len);
	cbw[12] = c->out ? 0x00 : 0x80;
	cbw[14] = c->cdb_len; /* byte 13 is LUN 0 */
	memcpy(cbw + 15, c->cdb, sizeof(c->cdb));
	for (try = 0; try < 2; try++) {
		r = time_left(b, deadline, &ms, d);
		if (r != 0)
			return r;
		m = b->ops->bulk_out(b->arg, cbw, sizeof(cbw), ms, &n);
		if (m == BOT_MOVED && n != sizeof(cbw))
			return diag_fail(d, CS_E_STICK_SHORT,
			    "31 bytes of command", "%u", n);
		if (m != BOT_STALLED)
			return m == BOT_MOVED ? 0 : not_moved(m, "command", d);
		reset_recovery(b);
	}
	return not_moved(BOT_STALLED, "command", d);
}

/* *ret: bytes that went over the wire; a stall ends them and is no error. */
static int
move_data(struct bot *b, const struct bot_cmd *c, int64_t deadline,
    uint32_t *ret, struct diag *d)
{
	enum bot_moved m;
	int ms = 0, r;

	*ret = 0;
	if (c->len == 0)
		return 0;
	r = time_left(b, deadline, &ms, d);
	if (r != 0)
		return r;
	m = c->out ? b->ops->bulk_out(b->arg, c->buf, c->len, ms, ret) :
		     b->ops->bulk_in(b->arg, c->buf, c->len, ms, ret);
	if (*ret > c->len)
		m = BOT_OVERRUN;
	if (m == BOT_STALLED)
		m = b->ops->clear_halt(b->arg, !c->out);
	return m == BOT_MOVED ? 0 : not_moved(m, "data", d);
}

/* BOT 6.3: valid (length, signature, tag) and meaningful (status, residue). */
static int
check_status(const struct bot *b, const struct bot_cmd *c, const uint8_t *p,
    uint32_t n, struct csw *ret, struct diag *d)
{
	if (n != CSW_LEN)
		return diag_fail(d, CS_E_STICK_STATUS, "a status of 13 bytes",
		    "%u", n);
	if (memcmp(p, "USBS", 4) != 0)
		return diag_fail(d, CS_E_STICK_STATUS, "the signature USBS",
		    "%02x%02x%02x%02x", p[0], p[1], p[2], p[3]);
	if (get_le32(p + 4) != b->tag)
		return diag_fail(d, CS_E_STICK_TAG, "the command's tag",
		    "%#x for %#x", get_le32(p + 4), b->tag);
	ret->residue = get_le32(p + 8);
	ret->status = p[12];
	if (ret->status == 2)
		return diag_fail(d, CS_E_STICK_PHASE, "good or failed",
		    "a phase error for command %02xh", c->cdb[0]);
	if (ret->status > 2)
		return diag_fail(d, CS_E_STICK_STATUS, "status 0, 1 or 2", "%u",
		    ret->status);
	if (ret->residue > c->len)
		return diag_fail(d, CS_E_STICK_RESIDUE,
		    "a residue within the data", "%u of %u bytes", ret->residue,
		    c->len);
	return 0;
}

static int
get_status(struct bot *b, const struct bot_cmd *c, int64_t deadline,
    struct csw *ret, struct diag *d)
{
	uint8_t p[CSW_LEN] = { 0 };
	enum bot_moved m = BOT_STALLED;
	uint32_t n = 0;
	int ms = 0, try, r;

	for (try = 0; try < 2; try++) {
		r = time_left(b, deadline, &ms, d);
		if (r != 0)
			return r;
		m = b->ops->bulk_in(b->arg, p, sizeof(p), ms, &n);
		if (m == BOT_STALLED)
			(void)b->ops->clear_halt(b->arg, true);
		else if (m != BOT_MOVED || n != 0)
			break;
	}
	if (m != BOT_STALLED && m != BOT_MOVED)
		return not_moved(m, "status", d);
	r = m == BOT_STALLED ? not_moved(m, "status", d) :
			       check_status(b, c, p, n, ret, d);
	if (r != 0)
		reset_recovery(b);
	return r;
}

/* How many bytes count, of those that moved. */
static int
check_count(const struct bot_cmd *c, uint32_t moved, const struct csw *s,
    uint32_t *ret, struct diag *d)
{
	uint32_t count = c->len - s->residue;

	if (count > moved)
		return diag_fail(d, CS_E_STICK_RESIDUE,
		    "a residue of what did not move",
		    "%u bytes moved, %u by the status", moved, count);
	if (c->exact && count < c->len)
		return diag_fail(d, CS_E_STICK_SHORT, "all of the data",
		    "%u of %u bytes", count, c->len);
	*ret = count;
	return 0;
}

/* *ret_failed: the stick says so; then there is no data. */
static int
transact(struct bot *b, struct bot_cmd *c, uint32_t *ret_len, bool *ret_failed,
    struct diag *d)
{
	const int64_t start = b->ops->now_ms(b->arg);
	const int64_t deadline = start + (c->ms != 0 ? c->ms : COMMAND_MS);
	struct csw s = { 0 };
	uint32_t moved = 0;
	int r;

	r = send_command(b, c, deadline, d);
	if (r == 0)
		r = move_data(b, c, deadline, &moved, d);
	if (r == 0)
		r = get_status(b, c, deadline, &s, d);
	/* its status came as data */
	if (r == CS_E_STICK_TIMEOUT && c->exact && moved > 0 && moved < c->len)
		r = diag_fail(d, CS_E_STICK_SHORT, "all of the data",
		    "%u of %u bytes, and no status", moved, c->len);
	b->spent_ms += b->ops->now_ms(b->arg) - start;
	b->moved += moved;
	if (r != 0)
		return r;
	*ret_failed = s.status != 0;
	*ret_len = 0;
	return s.status != 0 ? 0 : check_count(c, moved, &s, ret_len, d);
}

static int
check_pace(const struct bot *b, struct diag *d)
{
	int64_t allowed = GRACE_MS + (int64_t)(b->moved / BYTES_PER_MS);

	if (allowed > WHOLE_MS)
		allowed = WHOLE_MS;
	if (b->spent_ms <= allowed)
		return 0;
	return diag_fail(d, CS_E_STICK_SLOW, "256 kB/s, and a day at most",
	    "%llu bytes in %lld s", (unsigned long long)b->moved,
	    (long long)(b->spent_ms / 1000));
}

/* SPC-3, 6.27 and 4.5.3: fixed format, of the current command. */
static int
get_sense(struct bot *b, struct diag *d)
{
	uint8_t p[BOT_SENSE_LEN] = { 0 };
	struct bot_cmd c = { .cdb = { 0x03, 0, 0, 0, sizeof(p) },
		.cdb_len = 6,
		.buf = p,
		.len = sizeof(p) };
	bool failed = false;
	uint32_t n = 0;
	int r;

	b->sense = (struct bot_sense){ 0 };
	r = transact(b, &c, &n, &failed, d);
	if (r != 0 || failed || n < 3 || (p[0] & 0x7f) != 0x70)
		return r;
	b->sense.key = p[2] & 0x0f;
	b->sense.asc = n > 12 ? p[12] : 0;
	b->sense.ascq = n > 13 ? p[13] : 0;
	return 0;
}

static const char *
key_word(uint8_t key)
{
	static const char *const words[] = { "no reason", "recovered error",
		"not ready", "medium error", "hardware error",
		"illegal request", "unit attention", "write protected" };

	return key < ARRAY_LEN(words) ? words[key] : "another reason";
}

static int
run_live(struct bot *b, struct bot_cmd *c, uint32_t *ret_len, struct diag *d)
{
	bool failed = false;
	int r;

	if (c->len > BOT_MAX_TRANSFER || c->cdb_len > sizeof(c->cdb))
		return diag_fail(d, CS_E_INTERNAL, "a command of 64 KiB", "%u",
		    c->len);
	r = transact(b, c, ret_len, &failed, d);
	if (r == 0)
		r = check_pace(b, d);
	if (r == 0 && failed)
		r = get_sense(b, d);
	if (r == 0 && failed)
		r = diag_fail(d, CS_E_STICK_FAILED, "a good status",
		    "command %02xh: %s (%u/%02x/%02x)", c->cdb[0],
		    key_word(b->sense.key), b->sense.key, b->sense.asc,
		    b->sense.ascq);
	return r;
}

int
bot_run(struct bot *b, struct bot_cmd *c, uint32_t *ret_len, struct diag *d)
{
	struct diag why = b->dead;
	uint32_t n = 0;
	int r = why.code;

	if (r == 0)
		r = run_live(b, c, &n, &why);
	if (r == 0) {
		if (ret_len != NULL)
			*ret_len = n;
		return 0;
	}
	if (!c->out && c->len > 0)
		memset(c->buf, 0, c->len);
	if (r != CS_E_STICK_FAILED)
		b->dead = why;
	if (d != NULL)
		*d = why;
	return r;
}
