/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_BROKER_H
#define CS_BROKER_H

#include "lib/buf.h"
#include "lib/proto.h"
#include "usb-transfer/usbport.h"

struct broker_rule {
	enum usb_use use;
	char port[USBPORT_NAME_MAX];
	uint16_t vendor, product;	/* of a reader */
	struct usb_seen on;		/* the reader that is switched on */
};

/*
 *	off -> (look) -> seen, good or not -> (open) -> on -> (close) -> off
 *	looking again switches off what is on
 */
struct broker {
	int sysfs, dev;		/* /sys/bus/usb/devices, /dev/bus/usb */
	struct broker_rule rules[USB_MAX_RULES];
	size_t n;
	struct usb_seen seen;	/* on the last look, or dir is -1 */
	struct usbdesc desc;
	struct usb_bulk bulk;
	bool good;		/* a plain stick */
	bool on;
};

/* Everything is off, but the stick and the readers that are on by a rule. */
int broker_lock(struct broker *b, struct diag *d) CS_WUR;
int broker_rules(struct broker *b, struct rd *rd, struct diag *d) CS_WUR;
/*
 * What is in the ports of one use: CS_E_NO_MEDIUM, CS_E_USB_TWO.  Waits as
 * long as nothing is; ends early if quit, a socket, has something to say.
 * b->good says whether it may be used, *why why not.
 */
int broker_look(struct broker *b, enum usb_use use, unsigned int wait_ms,
    int quit, struct diag *why, struct diag *d) CS_WUR;
int broker_open(struct broker *b, int *ret_fd, struct diag *d) CS_WUR;
void broker_close(struct broker *b);
/* Each port, whatever the others hold; the first reason of those refused */
int broker_readers(struct broker *b, struct diag *d) CS_WUR;
/* All of it, for the end */
void broker_off(struct broker *b);

/* coldseal-usb list: what is in each port, and changes nothing */
int broker_list(int sysfs, struct diag *d) CS_WUR;

#endif
