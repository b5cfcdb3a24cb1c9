/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "usb-transfer/usbport_private.h"

#define SHOW_TEXT_MAX 60u /* bytes of a string that are shown */

void
usb_seen_done(struct usb_seen *s)
{
	close_fdp(&s->dir);
}

/* A decimal number from 1 to max, with no zero before it, at the end of s. */
static bool
number(const char *s, unsigned long max, unsigned int *ret)
{
	char *end;
	unsigned long v;

	if (!isdigit((unsigned char)*s) || *s == '0')
		return false;
	v = strtoul(s, &end, 10);
	if (*end != '\0' || v > max)
		return false;
	*ret = (unsigned int)v;
	return true;
}

int
usbport_check(const char *port, struct diag *d)
{
	const char *dash = strchr(port, '-');
	char bus[USBPORT_NAME_MAX];
	unsigned int ignored;
	size_t n;

	n = dash == NULL ? 0 : (size_t)(dash - port);
	if (n == 0 || n >= sizeof(bus) || strlen(port) >= USBPORT_NAME_MAX)
		n = 0;
	memcpy(bus, port, n);
	bus[n] = '\0';
	if (!number(bus, 255, &ignored) || !number(dash + 1, 127, &ignored))
		return diag_fail(d, CS_E_USB_PORT, "bus and socket, as in 1-1",
		    "\"%s\"", port);
	return 0;
}

static int
read_number(int dir, const char *name, unsigned int *ret)
{
	char line[16];

	if (usbport_read_line(dir, name, line, sizeof(line)) != 0)
		return -1;
	return number(line, 100000, ret) ? 0 : -1;
}

/* What is not printable ASCII becomes \xHH; a string that is cut ends in .. */
static void
safe_text(int dir, const char *name, char out[USBPORT_TEXT_MAX])
{
	char raw[SHOW_TEXT_MAX + 2];
	ssize_t n = usbport_read(dir, name, raw, sizeof(raw)), i;
	size_t len = 0;

	out[0] = '\0';
	if (n < 0)
		return;
	if (n > 0 && raw[n - 1] == '\n')
		n--;
	for (i = 0; i < n && i < (ssize_t)SHOW_TEXT_MAX; i++) {
		const unsigned char c = (unsigned char)raw[i];
		const bool plain =
		    c >= ' ' && c <= '~' && c != '"' && c != '\\';

		len += (size_t)snprintf(out + len, USBPORT_TEXT_MAX - len,
		    plain ? "%c" : "\\x%02x", c);
	}
	if (i < n)
		(void)snprintf(out + len, USBPORT_TEXT_MAX - len, "..");
}

/* "189:130" */
static int
read_node(int dir, unsigned int *ret_major, unsigned int *ret_minor)
{
	char line[24], *colon;

	if (usbport_read_line(dir, "dev", line, sizeof(line)) != 0 ||
	    (colon = strchr(line, ':')) == NULL)
		return -1;
	*colon = '\0';
	if (!number(line, 4095, ret_major))
		return -1;
	if (strcmp(colon + 1, "0") == 0) {
		*ret_minor = 0;
		return 0;
	}
	return number(colon + 1, 1048575, ret_minor) ? 0 : -1;
}

static int
read_speed(int dir, unsigned int *ret)
{
	char line[16];

	if (usbport_read_line(dir, "speed", line, sizeof(line)) != 0)
		return -1;
	if (strcmp(line, "1.5") == 0) {
		*ret = 1;
		return 0;
	}
	return number(line, 100000, ret) ? 0 : -1;
}

static int
fill(struct usb_seen *s, struct diag *d)
{
	ssize_t n =
	    usbport_read(s->dir, "descriptors", s->bytes, sizeof(s->bytes));

	if (n < 0 || read_number(s->dir, "busnum", &s->bus) != 0 ||
	    read_number(s->dir, "devnum", &s->device) != 0 ||
	    read_speed(s->dir, &s->speed) != 0 ||
	    read_node(s->dir, &s->major, &s->minor) != 0 ||
	    usbport_read_line(s->dir, "devpath", s->devpath,
		sizeof(s->devpath)) != 0)
		return diag_fail(d, CS_E_USB_GONE,
		    "a device with its descriptors", "port %s", s->port);
	s->len = (size_t)n;
	safe_text(s->dir, "manufacturer", s->maker);
	safe_text(s->dir, "product", s->product);
	safe_text(s->dir, "serial", s->serial);
	return 0;
}

int
usbport_look(int sysfs, const char *port, struct usb_seen *ret, struct diag *d)
{
	_cleanup_seen_ struct usb_seen s = USB_SEEN_INIT;
	int r = usbport_check(port, d);

	if (r != 0)
		return r;
	memcpy(s.port, port, strlen(port) + 1);
	s.dir = openat(sysfs, port, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s.dir < 0 && errno == ENOENT)
		return diag_fail(d, CS_E_NO_MEDIUM, "a device in the port",
		    "nothing in %s", port);
	if (s.dir < 0)
		return diag_errno(d, CS_E_USB_GONE, "port %s", port);
	r = fill(&s, d);
	if (r == 0 && strcmp(s.devpath, strchr(port, '-') + 1) != 0)
		r = diag_fail(d, CS_E_USB_GONE, port, "devpath %s", s.devpath);
	if (r != 0)
		return r;
	*ret = s;
	s.dir = -1;
	return 0;
}

bool
usbport_complete(const struct usb_seen *s)
{
	const char *const text[] = { s->maker, s->product, s->serial };
	size_t i;

	/* iManufacturer, iProduct, iSerialNumber: USB 2.0, table 9-8 */
	for (i = 0; i < ARRAY_LEN(text); i++)
		if (s->len > 16 && s->bytes[14 + i] != 0 && text[i][0] == '\0')
			return false;
	return true;
}

int
usbport_same(int sysfs, const struct usb_seen *s, struct diag *d)
{
	_cleanup_seen_ struct usb_seen now = USB_SEEN_INIT;
	const struct usb_seen *const was[] = { s };
	int r = usbport_look(sysfs, s->port, &now, d);

	if (r != 0)
		return diag_fail(d, CS_E_USB_GONE, "the device that was shown",
		    "port %s is empty", s->port);
	if (!usbport_kept(now.dir, was, 1) || now.bus != s->bus ||
	    now.device != s->device)
		return diag_fail(d, CS_E_USB_SWAPPED,
		    "the device that was shown",
		    "another one in port %s: %u:%u, was %u:%u", s->port,
		    now.bus, now.device, s->bus, s->device);
	if (now.len != s->len || memcmp(now.bytes, s->bytes, s->len) != 0 ||
	    now.speed != s->speed || now.major != s->major ||
	    now.minor != s->minor)
		return diag_fail(d, CS_E_USB_SWAPPED,
		    "the device that was shown",
		    "one in port %s that now says another thing", s->port);
	return 0;
}

int
usbport_on(const struct usb_seen *s, uint8_t config, uint8_t interface,
    struct diag *d)
{
	char name[USBPORT_NAME_MAX + 32], line[8];

	(void)snprintf(name, sizeof(name), "%s:%u.%u/authorized", s->port,
	    config, interface);
	if (usbport_write(s->dir, "authorized", "1") != 0)
		return diag_errno(d, CS_E_USB_AUTHORIZE, "port %s", s->port);
	if (usbport_read_line(s->dir, "authorized", line, sizeof(line)) != 0 ||
	    strcmp(line, "1") != 0)
		return diag_fail(d, CS_E_USB_AUTHORIZE, "switched on",
		    "port %s is off", s->port);
	if (usbport_write(s->dir, name, "1") != 0)
		return diag_errno(d, CS_E_USB_AUTHORIZE, "interface %s", name);
	return 0;
}

void
usbport_off(const struct usb_seen *s)
{
	if (s->dir >= 0)
		cs_ignore(usbport_write(s->dir, "authorized", "0"));
}

int
usbport_open(int dev, const struct usb_seen *s, int *ret_fd, struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	uint8_t bytes[sizeof(s->bytes)] = { 0 };
	char path[32];
	struct stat st;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%03u/%03u", s->bus, s->device);
	fd = openat(dev, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0)
		return diag_errno(d, CS_E_USB_NODE, "bus/usb/%s", path);
	if (!S_ISCHR(st.st_mode) || major(st.st_rdev) != s->major ||
	    minor(st.st_rdev) != s->minor)
		return diag_fail(d, CS_E_USB_NODE, "the device's own node",
		    "bus/usb/%s is %u:%u, not %u:%u", path, major(st.st_rdev),
		    minor(st.st_rdev), s->major, s->minor);
	n = read(fd, bytes, sizeof(bytes));
	if (n < 0 || lseek(fd, 0, SEEK_SET) != 0 || (size_t)n != s->len ||
	    memcmp(bytes, s->bytes, s->len) != 0)
		return diag_fail(d, CS_E_USB_SWAPPED,
		    "the device that was shown",
		    "bus/usb/%s says another thing", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

static size_t
add_name(char *out, size_t size, size_t len, const char *label,
    const char *value)
{
	if (value[0] == '\0' || len >= size)
		return len;
	return len +
	    (size_t)snprintf(out + len, size - len, " %s\"%s\"", label, value);
}

void
usbport_text(const struct usb_seen *s, char *out, size_t size)
{
	const uint8_t *p = s->bytes;
	size_t len = 0;

	out[0] = '\0';
	if (s->len >= 12)
		len = (size_t)snprintf(out, size, "%02x%02x:%02x%02x", p[9],
		    p[8], p[11], p[10]);
	len = add_name(out, size, len, "", s->maker);
	len = add_name(out, size, len, "", s->product);
	len = add_name(out, size, len, "serial ", s->serial);
	if (len < size)
		(void)snprintf(out + len, size - len,
		    " in port %s at %u Mbit/s", s->port, s->speed);
}
