/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TEST_STICK_H
#define CS_TEST_STICK_H

#include "usb-transfer/bot.h"

/*
 * A stick in memory, as its controller would be: commands in, data, status
 * out, endpoints that halt.  It follows BOT and the SCSI commands that
 * bot_scsi.c sends, unless it is told to misbehave.  The unit test has it
 * behind struct bot_ops, the USB test behind a usbfs that umockdev plays.
 * Its clock is its own: nobody sleeps.
 */
enum evil {
	EVIL_NONE,
	/* command phase */
	EVIL_CBW_STALL_ONCE,
	EVIL_CBW_STALL,
	EVIL_CBW_HANG,
	EVIL_CBW_GONE,
	EVIL_CBW_BROKEN,
	EVIL_CBW_PART,		/* takes 30 of the 31 bytes */
	/* data phase */
	EVIL_DATA_STALL,	/* nothing, then the status: failed */
	EVIL_DATA_STALL_GOOD,	/* half, a stall, a good status, residue 0 */
	EVIL_DATA_HANG,
	EVIL_DATA_GONE,
	EVIL_DATA_BROKEN,
	EVIL_DATA_LONG,		/* more than asked for */
	EVIL_DATA_MORE,		/* as if more had fitted */
	EVIL_DATA_SHORT,	/* a block less, said in the residue */
	EVIL_DATA_SHORT_LIES,	/* a block less, residue 0 */
	EVIL_DATA_SHORT_MERGED,	/* a block less, the status as data */
	EVIL_DATA_PADDED,	/* all of it, a block of which does not count */
	EVIL_DATA_OTHER,	/* other bytes: a second read differs */
	EVIL_SLOW,		/* takes slow_ms for the data */
	/* status phase */
	EVIL_CSW_STALL_ONCE,
	EVIL_CSW_STALL,
	EVIL_CSW_NOTHING_ONCE,	/* a packet of no bytes */
	EVIL_CSW_NOTHING,
	EVIL_CSW_HANG,
	EVIL_CSW_GONE,
	EVIL_CSW_BROKEN,
	EVIL_CSW_LONG,
	EVIL_CSW_SHORT,		/* 12 bytes */
	EVIL_CSW_SIGNATURE,
	EVIL_CSW_TAG,
	EVIL_CSW_STATUS,	/* 3 */
	EVIL_CSW_PHASE,		/* 2 */
	EVIL_CSW_FAILED,	/* 1, with s->sense */
	EVIL_CSW_RESIDUE,	/* more than there were data */
};

enum intent { INTENT_OWN, INTENT_NONE, INTENT_IN, INTENT_OUT };

struct stick {
	uint8_t *disk;		/* the test's */
	size_t disk_len;	/* what is beyond reads as zeros */
	uint64_t blocks;	/* what it says */
	uint32_t block_size;
	uint8_t device_type;
	const char *name;	/* 28 bytes of INQUIRY */
	bool write_protected, ejected;
	bool knows_no_cache;	/* SYNCHRONIZE CACHE, eject: illegal request */
	unsigned attentions;	/* unit attentions to tell first */
	unsigned not_ready;	/* polls until it is ready */
	struct bot_sense sense;	/* of EVIL_CSW_FAILED */
	uint8_t sense_format;	/* 70 */
	int64_t slow_ms;
	/* what it does to which command, after how many, how often (0: ever) */
	enum evil evil;
	uint8_t evil_op;
	unsigned evil_after, evil_times;
	/* the thirteen cases: what it takes any command for */
	enum intent intent;
	uint32_t intent_len;
	/* what was seen */
	int64_t clock_ms;
	unsigned resets, clears, commands, count[256];
	uint8_t last_cdb[16];
	void (*on_write)(struct stick *s);	/* after each WRITE, may be NULL */
	/* private */
	enum { ST_COMMAND, ST_DATA, ST_STATUS } state;
	enum evil now;
	uint8_t cdb[16], resp[BOT_MAX_TRANSFER];
	uint32_t tag, want, len, off, residue;
	bool out, fails, halted[2], once;
	struct bot_sense pending;
};

void stick_init(struct stick *s, uint8_t *disk, size_t len);
enum bot_moved stick_in(struct stick *s, void *buf, uint32_t n, uint32_t *ret);
enum bot_moved stick_out(struct stick *s, const void *buf, uint32_t n,
    uint32_t *ret);
void stick_clear(struct stick *s, bool in);
void stick_reset(struct stick *s);

extern const struct bot_ops stick_ops;	/* arg: struct stick */

#endif
