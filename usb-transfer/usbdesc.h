/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_USBDESC_H
#define CS_USBDESC_H

#include "lib/err.h"

/*
 * What a USB device says of itself: the bytes of its device descriptor and of
 * its one configuration, as the kernel has them in sysfs before anything is
 * switched on (USB 2.0, chapter 9; USB 3.2, chapter 9).  A function on memory;
 * every length and count is checked, and nothing may follow.
 */
#define USBDESC_MAX	   2048u	/* bytes; a plain stick has 50 */
#define USBDESC_MAX_IFACES 16u		/* alternate settings counted too */
#define USBDESC_MAX_EPS	   8u

struct usb_endpoint {
	uint8_t address;	/* 0x80 is IN */
	uint8_t attributes;	/* 2 is bulk */
	uint16_t packet;	/* wMaxPacketSize */
	bool companion;		/* SuperSpeed */
};

struct usb_interface {
	uint8_t number, alternate;
	uint8_t class, subclass, protocol;
	uint8_t want;		/* bNumEndpoints; nep is the same in the end */
	uint8_t nep;
	struct usb_endpoint ep[USBDESC_MAX_EPS];
	uint8_t others;		/* descriptors of another type */
	uint8_t other_type, other_len; /* the last of them */
};

struct usbdesc {
	uint16_t vendor, product;
	uint8_t class;		/* of the device; 0: by interface */
	uint8_t config;		/* bConfigurationValue */
	uint8_t numbers;	/* bNumInterfaces */
	bool association;	/* interfaces that belong together (IAD) */
	uint8_t loose;		/* type of one before the first interface, or 0 */
	size_t n;
	struct usb_interface v[USBDESC_MAX_IFACES];
};

/* the speed in Mbit/s, as sysfs has it; 1 for 1.5 */
#define USB_SPEED_FULL	12u
#define USB_SPEED_HIGH	480u
#define USB_SPEED_SUPER 5000u	/* or more */

/* what a worker must know of a stick */
struct usb_bulk {
	uint8_t interface, in, out;
	uint16_t packet;
};

/* CS_E_USB_DESC_* (not _UNKNOWN), CS_E_USB_CONFIGS, CS_E_TOO_LARGE */
int usbdesc_parse(const uint8_t *p, size_t n, struct usbdesc *ret,
    struct diag *d) CS_WUR;

/*
 * A plain stick: one mass-storage interface (08/06/50: SCSI over bulk-only
 * transport), no alternate setting, two bulk endpoints that fit the speed,
 * and not a descriptor besides.
 */
int usbdesc_storage(const struct usbdesc *u, unsigned int speed,
    struct usb_bulk *ret, struct diag *d) CS_WUR;

/*
 * A smart card reader or token: its one CCID interface (0B).  Whatever else
 * the device is, is not looked at, and must stay off.
 */
int usbdesc_reader(const struct usbdesc *u, uint8_t *ret_interface,
    struct diag *d) CS_WUR;

/* "mass storage", "keyboard or mouse" ... */
const char *usbdesc_class_name(uint8_t class);

#endif
