/* SPDX-License-Identifier: Apache-2.0 */

/* What is in the ports, for the one who writes the site file. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "usb-transfer/broker.h"

#define NAMES_MAX 64u

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
print_one(int sysfs, const char *port)
{
	_cleanup_seen_ struct usb_seen s = USB_SEEN_INIT;
	struct diag d = { 0 };
	struct usbdesc desc;
	struct usb_bulk bulk;
	uint8_t interface;
	char text[1024];
	int r;

	if (usbport_look(sysfs, port, &s, &d) != 0) {
		(void)printf("%s: %s: %s\n", port, err_id(d.code), d.found);
		return;
	}
	usbport_text(&s, text, sizeof(text));
	(void)printf("%s\n", text);
	r = usbdesc_parse(s.bytes, s.len, &desc, &d);
	if (r == 0 && usbdesc_storage(&desc, s.speed, &bulk, &d) == 0)
		(void)printf("  a plain stick\n");
	else if (r == 0 && usbdesc_reader(&desc, &interface, NULL) == 0)
		(void)printf("  a smart card reader or token\n");
	else
		(void)printf("  %s: %s: %s\n", err_id(d.code), err_text(d.code),
		    d.found);
}

int
broker_list(int sysfs, struct diag *d)
{
	char names[NAMES_MAX][USBPORT_NAME_MAX];
	struct dirent *e;
	size_t n = 0, i;
	DIR *list;
	int fd;

	fd = openat(sysfs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	list = fd < 0 ? NULL : fdopendir(fd);
	if (list == NULL) {
		close_fdp(&fd);
		return diag_errno(d, CS_E_USB_LOCK, "the list of USB devices");
	}
	while (n < NAMES_MAX && (e = readdir(list)) != NULL)
		if (usbport_check(e->d_name, NULL) == 0)
			memcpy(names[n++], e->d_name, strlen(e->d_name) + 1);
	(void)closedir(list);
	qsort(names, n, sizeof(names[0]), compare);
	for (i = 0; i < n; i++)
		print_one(sysfs, names[i]);
	if (n == 0)
		(void)printf("nothing is in a USB port\n");
	return 0;
}
