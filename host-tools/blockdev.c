/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/blockdev.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "lib/file.h"

#define PATH  1024
#define TEXT  4096 /* of a file in sysfs */
#define UPPER 12   /* folders above the device that are looked at */

/* The device's folder in sysfs, without links. */
static int
dev_folder(const char *sys, dev_t dev, char ret[PATH], struct diag *d)
{
	_cleanup_free_ char *real = NULL;
	char path[PATH];

	(void)snprintf(path, sizeof(path), "%s/dev/block/%u:%u", sys,
	    major(dev), minor(dev));
	real = realpath(path, NULL);
	if (real == NULL || strlen(real) >= PATH)
		return diag_errno(d, CS_E_HOST_BLOCK, "%s", path);
	memcpy(ret, real, strlen(real) + 1);
	return 0;
}

/* The trimmed, printable content of one file; false if there is none. */
static bool
read_text(const char *folder, const char *name, char *ret, size_t size)
{
	_cleanup_free_ uint8_t *p = NULL;
	char path[PATH + 64];
	size_t n = 0, i, out = 0;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (file_read(AT_FDCWD, path, TEXT, &p, &n, NULL) != 0)
		return false;
	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == ' '))
		n--;
	for (i = 0; i < n && p[i] == ' '; i++)
		;
	for (; i < n && out + 1 < size; i++)
		ret[out++] = p[i] >= 0x20 && p[i] < 0x7f ? (char)p[i] : '?';
	ret[out] = '\0';
	return out > 0;
}

static bool
read_flag(const char *folder, const char *name)
{
	char text[8];

	return read_text(folder, name, text, sizeof(text)) &&
	    strcmp(text, "0") != 0;
}

/* The USB device above it: idVendor is what only those have. */
static bool
usb_folder(const char *folder, char ret[PATH])
{
	char text[8], *slash;
	int i;

	(void)snprintf(ret, PATH, "%s", folder);
	for (i = 0; i < UPPER; i++) {
		if (read_text(ret, "idVendor", text, sizeof(text)))
			return true;
		slash = strrchr(ret, '/');
		if (slash == NULL || slash == ret)
			return false;
		*slash = '\0';
	}
	return false;
}

/* SCSI and USB, NVMe, MMC; last what a loop device has. */
static const char *const models[] = { "device/model", "device/name",
	"loop/backing_file" };
static const char *const serials[] = { "device/serial", "serial" };

static void
name_it(const char *folder, struct blockdev *b)
{
	char vendor[64], model[64], usb[PATH];
	size_t i;

	model[0] = '\0';
	for (i = 0; i < ARRAY_LEN(models) && model[0] == '\0'; i++)
		cs_ignore(read_text(folder, models[i], model, sizeof(model)));
	if (read_text(folder, "device/vendor", vendor, sizeof(vendor)) &&
	    strncmp(vendor, "0x", 2) != 0)
		(void)snprintf(b->model, sizeof(b->model), "%s%s%.30s", vendor,
		    model[0] != '\0' ? " " : "", model);
	else
		(void)snprintf(b->model, sizeof(b->model), "%s", model);
	if (usb_folder(folder, usb))
		cs_ignore(
		    read_text(usb, "serial", b->serial, sizeof(b->serial)));
	for (i = 0; i < ARRAY_LEN(serials) && b->serial[0] == '\0'; i++)
		cs_ignore(read_text(folder, serials[i], b->serial,
		    sizeof(b->serial)));
}

int
blockdev_look(const char *sys, dev_t dev, struct blockdev *ret, struct diag *d)
{
	struct blockdev b = { .name = "" };
	char folder[PATH], text[32], *slash, *disk;
	int r;

	r = dev_folder(sys, dev, folder, d);
	if (r != 0)
		return r;
	slash = strrchr(folder, '/');
	if (slash == NULL)
		return diag_fail(d, CS_E_HOST_BLOCK, "a block device", "none");
	(void)snprintf(b.name, sizeof(b.name), "%.60s", slash + 1);
	if (!read_text(folder, "size", text, sizeof(text)))
		return diag_fail(d, CS_E_HOST_BLOCK, "a block device",
		    "%s has no size", folder);
	b.bytes = strtoull(text, NULL, 10) * 512;
	b.readonly = read_flag(folder, "ro");
	if (read_text(folder, "partition", text, sizeof(text))) {
		*slash = '\0';
		disk = strrchr(folder, '/');
		(void)snprintf(b.disk, sizeof(b.disk), "%.60s",
		    disk != NULL ? disk + 1 : "?");
	}
	b.removable = read_flag(folder, "removable");
	name_it(folder, &b);
	*ret = b;
	return 0;
}

const char *
blockdev_identity(const struct blockdev *b)
{
	return b->serial[0] != '\0' ? b->serial : b->model;
}
