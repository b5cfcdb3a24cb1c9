/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_BOT_USB_H
#define CS_BOT_USB_H

#include "usb-transfer/bot.h"

/*
 * The stick behind one usbfs descriptor, by libusb-1.0.  What its descriptors
 * say was decided before (the broker); here they are neither asked for nor
 * walked.
 */
struct usb_pipes {
	uint8_t iface;		/* bInterfaceNumber */
	uint8_t in, out;	/* bEndpointAddress: 81 to 8f, 01 to 0f */
};
/* "usb=0,81,02": hexadecimal, at most two digits each.  CS_E_STICK_ARGUMENT */
int usb_pipes_parse(const char *arg, struct usb_pipes *ret, struct diag *d)
    CS_WUR;

struct bot_usb;
/* Before the sandbox: libusb makes its own descriptors, touches no device. */
int bot_usb_new(struct bot_usb **ret, struct diag *d) CS_WUR;
/* fd is used, not taken.  CS_E_STICK_CLAIM */
int bot_usb_claim(struct bot_usb *u, int fd, const struct usb_pipes *p,
    struct diag *d) CS_WUR;
void bot_usb_free(struct bot_usb **u);

extern const struct bot_ops bot_usb_ops;	/* arg: struct bot_usb */

#endif
