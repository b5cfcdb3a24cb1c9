/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_USBPORT_PRIVATE_H
#define CS_USBPORT_PRIVATE_H

#include <sys/types.h>

#include "usb-transfer/usbport.h"

/* Files of a folder of sysfs; -1: not there, not readable, not of this form. */

/* At most size bytes of it. */
ssize_t usbport_read(int dir, const char *name, void *out, size_t size);
/* One line, without its newline. */
int usbport_read_line(int dir, const char *name, char *out, size_t size);
int usbport_write(int dir, const char *name, const char *value);

/* Whether it is the folder of one of these. */
bool usbport_kept(int dir, const struct usb_seen *const *keep, size_t n);

#endif
