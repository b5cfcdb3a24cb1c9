/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_LINK_USB_H
#define CS_LINK_USB_H

#include <libusb-1.0/libusb.h>

#include "usb-transfer/link.h"

/*
 * The host's end of a USB cable.  An appliance is found by vendor, product
 * and the one interface that it has, PROTOCOL.link; 0x1209:0x0001 are
 * pid.codes' numbers for tests: a product needs a product ID of its own.
 */
#define LINK_USB_VENDOR	  0x1209u
#define LINK_USB_PRODUCT  0x0001u
#define LINK_USB_CLASS	  0xffu
#define LINK_USB_SUBCLASS 0x43u		/* 'C' */
#define LINK_USB_PROTOCOL 0x01u

struct link_usb {
	libusb_context *ctx;
	libusb_device_handle *dev;
	uint8_t in, out;	/* endpoints, from the appliance and to it */
};
extern const struct link_ops link_usb_ops;

/*
 * port: NULL, or "1-2.3": bus and ports, as in /sys/bus/usb/devices.
 * CS_E_LINK_CLOSED if none is there, CS_E_LINK_SEVERAL, CS_E_LINK_BUSY
 */
int link_usb_open(const char *port, struct link_usb *ret, struct diag *d)
    CS_WUR;

/*
 * The two bulk endpoints out of a configuration descriptor (USB 2.0, 9.6.3
 * and after; USB 3.2, 9.6.7), which has to be exactly ours.
 */
int link_usb_endpoints(const uint8_t *p, size_t n, uint8_t *ret_in,
    uint8_t *ret_out, struct diag *d) CS_WUR;

#endif
