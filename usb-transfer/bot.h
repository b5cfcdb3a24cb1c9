/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_BOT_H
#define CS_BOT_H

#include "usb-transfer/blk.h"

/*
 * A USB stick in user space: Mass Storage Class, Bulk-Only Transport 1.0
 * ("BOT" below) and the few SCSI commands (SPC-3, SBC-3) that a disk needs.
 * LUN 0 only.  Nothing of what a stick sends is used before its status was
 * found good, and after the first refusal nothing is sent to it any more.
 * PROTOCOL.media, section 6, has the rules.
 */
enum bot_moved {
	BOT_MOVED,	/* and *ret_n bytes */
	BOT_STALLED,	/* the endpoint is halted; *ret_n bytes came before */
	BOT_TIMED_OUT,
	BOT_GONE,	/* no such device any more */
	BOT_OVERRUN,	/* more came than was asked for */
	BOT_BROKEN,	/* any other failure */
};

struct bot_ops {
	/* a class request without data, to the interface (0x21) */
	enum bot_moved (*control)(void *arg, uint8_t request, uint16_t iface);
	/* *ret_n is always set; ms is how long it may take */
	enum bot_moved (*bulk_in)(void *arg, void *buf, uint32_t n, int ms,
	    uint32_t *ret_n);
	enum bot_moved (*bulk_out)(void *arg, const void *buf, uint32_t n,
	    int ms, uint32_t *ret_n);
	enum bot_moved (*clear_halt)(void *arg, bool in);
	int64_t (*now_ms)(void *arg);	/* a monotonic clock */
	void (*wait)(void *arg, int ms);	/* for one that is not ready */
};

#define BOT_MAX_TRANSFER	65536u		/* bytes a command */
#define BOT_MIN_BYTES		(UINT64_C(1) << 20)
#define BOT_MAX_BYTES		(UINT64_C(1) << 44)
#define BOT_SENSE_LEN		18u

struct bot_sense {		/* SPC-3, 4.5.3; zeros: none */
	uint8_t key, asc, ascq;
};

struct bot {
	const struct bot_ops *ops;
	void *arg;
	uint16_t iface;
	uint32_t tag;
	uint64_t moved;		/* bytes of data so far */
	int64_t spent_ms;	/* in commands; waiting for people is not */
	struct diag dead;	/* code: why nothing is sent any more */
	struct bot_sense sense;	/* of the last command that failed */
	uint64_t blocks;
	uint32_t block_size;	/* bytes: 512 or 4096 */
	char model[40];		/* what INQUIRY says, printable ASCII */
};

/*
 * Waits until the stick is ready; who it is, how large it is.  ops, arg
 * outlive *b.  CS_E_STICK_*
 */
int bot_open(struct bot *b, const struct bot_ops *ops, void *arg,
    uint16_t iface, struct diag *d) CS_WUR;

/* For reading; *b must outlive *ret. */
void bot_blkdev(struct bot *b, struct blkdev *ret);
/*
 * For writing; *b must outlive *ret.  CS_E_STICK_PROTECTED, and
 * CS_E_STICK_BLOCK_SIZE unless it has 512-byte blocks.
 */
int bot_blkout(struct bot *b, struct blkout *ret, struct diag *d) CS_WUR;

/* --- one command; the above is made of it (bot.c) ----------------------- */
struct bot_cmd {
	uint8_t cdb[16];
	uint8_t cdb_len;
	bool out;		/* data goes to the stick */
	void *buf;		/* zeroed if an IN command fails */
	uint32_t len;		/* bytes of data, at most BOT_MAX_TRANSFER */
	bool exact;		/* fewer bytes are an error */
	int ms;			/* 0: the usual */
};

/*
 * *ret_len (may be NULL): bytes that count.  CS_E_STICK_FAILED leaves
 * b->sense, and the stick may be asked again; every other refusal is final.
 */
int bot_run(struct bot *b, struct bot_cmd *c, uint32_t *ret_len,
    struct diag *d) CS_WUR;

#endif
