/* SPDX-License-Identifier: Apache-2.0 */

/* Switching all ports off, by the files of sysfs. */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "usb-transfer/usbport_private.h"

ssize_t
usbport_read(int dir, const char *name, void *out, size_t size)
{
	_cleanup_fd_ int fd = -1;
	size_t len = 0;
	ssize_t n;

	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	do {
		n = read(fd, (char *)out + len, size - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 && len < size);
	return n < 0 ? -1 : (ssize_t)len;
}

int
usbport_read_line(int dir, const char *name, char *out, size_t size)
{
	ssize_t n = usbport_read(dir, name, out, size);

	if (n <= 0 || (size_t)n == size)
		return -1;
	if (out[n - 1] == '\n')
		n--;
	out[n] = '\0';
	return strlen(out) == (size_t)n ? 0 : -1;
}

int
usbport_write(int dir, const char *name, const char *value)
{
	_cleanup_fd_ int fd = -1;

	fd = openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		return -1;
	return 0;
}

enum entry { ENTRY_OTHER, ENTRY_ROOT, ENTRY_DEVICE };

/* "usb1" is a root hub, "1-1.2" a device, "1-1.2:1.0" an interface. */
static enum entry
entry_kind(const char *name)
{
	if (strncmp(name, "usb", 3) == 0 && isdigit((unsigned char)name[3]))
		return ENTRY_ROOT;
	if (isdigit((unsigned char)name[0]) && strchr(name, ':') == NULL)
		return ENTRY_DEVICE;
	return ENTRY_OTHER;
}

bool
usbport_kept(int dir, const struct usb_seen *const *keep, size_t n)
{
	struct stat a, b;
	size_t i;

	for (i = 0; i < n; i++)
		if (keep[i]->dir >= 0 && fstat(keep[i]->dir, &a) == 0 &&
		    fstat(dir, &b) == 0 && a.st_dev == b.st_dev &&
		    a.st_ino == b.st_ino)
			return true;
	return false;
}

/* A device that is gone needs no switch. */
static int
lock_device(int dir, const struct usb_seen *const *keep, size_t n)
{
	char line[8];

	if (usbport_kept(dir, keep, n) ||
	    usbport_read_line(dir, "authorized", line, sizeof(line)) != 0 ||
	    strcmp(line, "0") == 0)
		return 0;
	if (usbport_write(dir, "authorized", "0") != 0 &&
	    usbport_read_line(dir, "authorized", line, sizeof(line)) == 0)
		return -1;
	return 0;
}

static int
lock_entry(int sysfs, const char *name, const struct usb_seen *const *keep,
    size_t n, bool *ret_root)
{
	const enum entry kind = entry_kind(name);
	_cleanup_fd_ int dir = -1;

	if (kind == ENTRY_OTHER)
		return 0;
	dir = openat(sysfs, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT ? 0 : -1;
	if (kind == ENTRY_DEVICE)
		return lock_device(dir, keep, n);
	*ret_root = true;
	if (usbport_write(dir, "authorized_default", "0") != 0)
		return -1;
	return usbport_write(dir, "interface_authorized_default", "0");
}

static void
close_dirp(DIR **dir)
{
	if (*dir != NULL)
		(void)closedir(*dir);
}

static int
lock_pass(int sysfs, enum entry kind, const struct usb_seen *const *keep,
    size_t n, struct diag *d)
{
	_cleanup_(close_dirp) DIR *list = NULL;
	_cleanup_fd_ int fd = -1;
	struct dirent *e;
	bool root = false;

	fd = openat(sysfs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && (list = fdopendir(fd)) != NULL)
		(void)take_fd(&fd);
	if (list == NULL)
		return diag_errno(d, CS_E_USB_LOCK, "the list of USB devices");
	while ((e = readdir(list)) != NULL)
		if (entry_kind(e->d_name) == kind &&
		    lock_entry(sysfs, e->d_name, keep, n, &root) != 0)
			return diag_errno(d, CS_E_USB_LOCK, "%s", e->d_name);
	if (kind == ENTRY_ROOT && !root)
		return diag_fail(d, CS_E_USB_LOCK, "a USB bus", "none");
	return 0;
}

/* Root hubs first: what comes while the devices are switched off stays off. */
int
usbport_lock(int sysfs, const struct usb_seen *const *keep, size_t n,
    struct diag *d)
{
	int r = lock_pass(sysfs, ENTRY_ROOT, NULL, 0, d);

	return r != 0 ? r : lock_pass(sysfs, ENTRY_DEVICE, keep, n, d);
}
