/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_USB_TREE_H
#define CS_USB_TREE_H

#include <sys/types.h>

#include "lib/ipc.h"

/*
 * A folder that looks like /sys/bus/usb/devices (sys/) and /dev/bus/usb
 * (dev/), and coldseal-usb over it.  All of it ends the test if it fails.
 */
struct usb_tree {
	char dir[256];
	pid_t pid;		/* of coldseal-usb */
	int sock;		/* its socket */
	int tell;		/* see tests/lib/fake_usbfs.c */
	char said[256];		/* the letters so far */
	void (*at)(struct usb_tree *t, char letter); /* or NULL */
};

struct usb_device {
	const char *port;
	unsigned int bus, device;
	const char *speed, *hex;
	const char *maker, *product, *serial; /* NULL: no such file */
};

void usb_tree_make(struct usb_tree *t);		/* with two root hubs */
void usb_tree_remove(struct usb_tree *t);
/* in one step, as if the kernel had found it */
void usb_tree_plug(struct usb_tree *t, const struct usb_device *v);
/* the folder stays elsewhere below dev/, for who has it open */
void usb_tree_pull(struct usb_tree *t, const char *port);
/* path is below the folder: "sys/1-1/authorized" */
void usb_tree_put(struct usb_tree *t, const char *path, const void *p,
    size_t n);
void usb_tree_puts(struct usb_tree *t, const char *path, const char *text);
/* its first line; of a static buffer */
const char *usb_tree_get(struct usb_tree *t, const char *path);

void usb_broker_start(struct usb_tree *t);
/* Closes the socket; the exit status, 128 + a signal's number. */
int usb_broker_end(struct usb_tree *t);
/* One question, one answer; what it tells on the way goes to said and at. */
void usb_broker_ask(struct usb_tree *t, uint16_t type, const struct buf *body,
    struct ipc_msg *ret);
void usb_broker_send(struct usb_tree *t, uint16_t type,
    const struct buf *body);
/* 0, or -1 if it ended instead */
int usb_broker_recv(struct usb_tree *t, struct ipc_msg *ret);

#endif
