/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_USBPORT_H
#define CS_USBPORT_H

#include "usb-transfer/usbdesc.h"

/*
 * A device on a port, by way of /sys/bus/usb/devices and /dev/bus/usb, which
 * the caller has open.  A port's name is the kernel's for a socket of the
 * machine itself: "2-1" is bus 2, socket 1; behind a hub it would be "2-1.4".
 *
 * The device's folder stays open from the first look to the end.  The kernel
 * empties it when the device goes, and a new device in the port gets a new
 * one: what is written to it reaches the device that was looked at, or none.
 */
#define USBPORT_NAME_MAX 8u	/* "255-127" and NUL */
#define USBPORT_TEXT_MAX 256u	/* of a string, made safe, with NUL */

struct usb_seen {
	char port[USBPORT_NAME_MAX];
	int dir;			/* its folder in sysfs, or -1 */
	unsigned int bus, device, speed; /* speed: Mbit/s */
	unsigned int major, minor;	/* of its node */
	char devpath[16];
	uint8_t bytes[USBDESC_MAX + 1];	/* descriptors; a full one is too much */
	size_t len;
	char maker[USBPORT_TEXT_MAX];	/* printable ASCII, or "" */
	char product[USBPORT_TEXT_MAX];
	char serial[USBPORT_TEXT_MAX];
};

#define USB_SEEN_INIT	{ .dir = -1 }

void usb_seen_done(struct usb_seen *s);
#define _cleanup_seen_ _cleanup_(usb_seen_done)

/* 0, or CS_E_USB_PORT */
int usbport_check(const char *port, struct diag *d) CS_WUR;

/*
 * Nothing that comes to any root hub from now on is switched on, nor its
 * interfaces when it is; and whatever is on now goes off, but what stands in
 * keep.  CS_E_USB_LOCK
 */
int usbport_lock(int sysfs, const struct usb_seen *const *keep, size_t n,
    struct diag *d) CS_WUR;

/* CS_E_NO_MEDIUM: nothing is in the port; CS_E_USB_GONE; usb_seen_done() */
int usbport_look(int sysfs, const char *port, struct usb_seen *ret,
    struct diag *d) CS_WUR;

/* The strings that it promises are there; the kernel adds them last. */
bool usbport_complete(const struct usb_seen *s);

/* Looks again: CS_E_USB_GONE, CS_E_USB_SWAPPED */
int usbport_same(int sysfs, const struct usb_seen *s, struct diag *d) CS_WUR;

/* Switches on the device and that interface alone.  CS_E_USB_AUTHORIZE */
int usbport_on(const struct usb_seen *s, uint8_t config, uint8_t interface,
    struct diag *d) CS_WUR;
void usbport_off(const struct usb_seen *s);

/* Its node, which must say the same of itself.  CS_E_USB_NODE */
int usbport_open(int dev, const struct usb_seen *s, int *ret_fd,
    struct diag *d) CS_WUR;

/* '0781:5567 "Maker" "Product" serial "1" in port 1-1 at 480 Mbit/s' */
void usbport_text(const struct usb_seen *s, char *out, size_t size);

#endif
