/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_MEDIUM_H
#define CS_MEDIUM_H

#include "usb-transfer/bot.h"
#include "usb-transfer/bot_usb.h"

/*
 * The one medium that coldseal-intake and coldseal-export have: descriptor
 * MEDIUM_FD.  With the argument usb=IFACE,IN,OUT it is a usbfs device,
 * without one an image file or a block device.
 */
#define MEDIUM_FD 4

struct medium {
	struct usb_pipes pipes;
	struct bot_usb *usb;	/* NULL: a file or block device */
	struct bot bot;
	struct blkdev dev;
	struct blkout out;
};

/* Before the sandbox.  argv as main() has it.  CS_E_STICK_ARGUMENT */
int medium_init(struct medium *m, int argc, char **argv, struct diag *d)
    CS_WUR;
/* After it: m->dev may be read. */
int medium_open(struct medium *m, struct diag *d) CS_WUR;
/* And m->out may be written. */
int medium_open_out(struct medium *m, struct diag *d) CS_WUR;
void medium_done(struct medium *m);

/*
 * What people are shown before it is erased.  "Seems": fixed signatures in
 * the first 68 KiB and at the start of the one partition; nothing is followed,
 * nothing is read out.
 */
enum medium_holds {
	MEDIUM_BLANK,		/* zeros where signatures would be */
	MEDIUM_OURS,		/* a volume of fatvol.c, or one cut short */
	MEDIUM_OTHER,
};
struct medium_look {
	bool device;		/* not an image file */
	enum medium_holds holds;
	char model[48];		/* printable ASCII */
	char seems[80];		/* "a FAT volume", "exFAT", "nothing" */
	uint64_t bytes;
};
int medium_look(const struct medium *m, struct medium_look *ret,
    struct diag *d) CS_WUR;

#endif
