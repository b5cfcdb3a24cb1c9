/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_USB_SHAPES_H
#define CS_USB_SHAPES_H

#include "lib/defs.h"

/*
 * Descriptors as devices of that kind have them, in hexadecimal; spaces and
 * comments are for people.  Read by usb_bytes().
 */
struct usb_shape {
	const char *name;
	unsigned int speed;	/* Mbit/s */
	const char *hex;
};

/* sticks that are taken */
extern const struct usb_shape usb_sticks[];
extern const size_t usb_nsticks;

extern const char usb_stick_high[];	/* a plain one at 480 Mbit/s */
extern const char usb_composite[];	/* storage, keyboard and network */
extern const char usb_hub[];
extern const char usb_keyboard[];
extern const char usb_uas[];		/* alternate setting 1 is 08/06/62 */
extern const char usb_reader[];		/* CCID alone, 076b:3031 */
extern const char usb_token[];		/* keyboard, FIDO and CCID, 1050:0407 */

/* The bytes of it; ends the test if it is not hexadecimal or too long. */
size_t usb_bytes(const char *hex, uint8_t *out, size_t size);

#endif
