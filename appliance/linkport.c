/* SPDX-License-Identifier: Apache-2.0 */
#include "appliance/linkport.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/usb/functionfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "lib/file.h"

/* usb-transfer/PROTOCOL.link, 2: the numbers by which a host knows us */
#define SUBCLASS 0x43
#define PROTOCOL 0x01
#define LE16(x)	 ((__le16)(x))
#define LE32(x)	 ((__le32)(x))
_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "USB's byte order is ours");

struct endpoints {
	struct usb_interface_descriptor iface;
	struct usb_endpoint_descriptor_no_audio in, out;
} __attribute__((packed));

struct ss_endpoints {
	struct usb_interface_descriptor iface;
	struct usb_endpoint_descriptor_no_audio in;
	struct usb_ss_ep_comp_descriptor in_comp;
	struct usb_endpoint_descriptor_no_audio out;
	struct usb_ss_ep_comp_descriptor out_comp;
} __attribute__((packed));

#define IFACE                                                            \
	{                                                                \
		.bLength = USB_DT_INTERFACE_SIZE,                        \
		.bDescriptorType = USB_DT_INTERFACE, .bNumEndpoints = 2, \
		.bInterfaceClass = USB_CLASS_VENDOR_SPEC,                \
		.bInterfaceSubClass = SUBCLASS,                          \
		.bInterfaceProtocol = PROTOCOL, .iInterface = 1          \
	}
#define EP(address, size)                               \
	{                                               \
		.bLength = USB_DT_ENDPOINT_SIZE,        \
		.bDescriptorType = USB_DT_ENDPOINT,     \
		.bEndpointAddress = (address),          \
		.bmAttributes = USB_ENDPOINT_XFER_BULK, \
		.wMaxPacketSize = LE16(size)            \
	}
#define COMP                                               \
	{                                                  \
		.bLength = USB_DT_SS_EP_COMP_SIZE,         \
		.bDescriptorType = USB_DT_SS_ENDPOINT_COMP \
	}

/* Full, high and super speed: a cell is a multiple of each packet size. */
static const struct {
	struct usb_functionfs_descs_head_v2 head;
	__le32 fs, hs, ss; /* how many descriptors */
	struct endpoints full, high;
	struct ss_endpoints super;
} __attribute__((packed)) descriptors = {
	.head = { .magic = LE32(FUNCTIONFS_DESCRIPTORS_MAGIC_V2),
	    .length = LE32(sizeof(descriptors)),
	    .flags = LE32(FUNCTIONFS_HAS_FS_DESC | FUNCTIONFS_HAS_HS_DESC |
		FUNCTIONFS_HAS_SS_DESC) },
	.fs = LE32(3),
	.hs = LE32(3),
	.ss = LE32(5),
	.full = { IFACE, EP(1 | USB_DIR_IN, 64), EP(2, 64) },
	.high = { IFACE, EP(1 | USB_DIR_IN, 512), EP(2, 512) },
	.super = { IFACE, EP(1 | USB_DIR_IN, 1024), COMP, EP(2, 1024), COMP },
};

static const struct {
	struct usb_functionfs_strings_head head;
	__le16 language;
	char name[sizeof("coldseal link")];
} __attribute__((packed)) strings = {
	.head = { .magic = LE32(FUNCTIONFS_STRINGS_MAGIC),
	    .length = LE32(sizeof(strings)),
	    .str_count = LE32(1),
	    .lang_count = LE32(1) },
	.language = LE16(0x409),
	.name = "coldseal link",
};

static int
open_at(int dir, const char *name, int *ret_fd, struct diag *d)
{
	*ret_fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	return *ret_fd >= 0 ?
	    0 :
	    diag_errno(d, CS_E_LINK_IO, "FunctionFS's %s", name);
}

/* The kernel shows a gadget to the host from here on. */
static int
bind_gadget(const char *gadget, const char *udc, struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/UDC", gadget) >= (int)sizeof(path))
		return diag_fail(d, CS_E_LINK_ADDRESS, "a shorter path", "%s",
		    gadget);
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || write(fd, udc, strlen(udc)) != (ssize_t)strlen(udc))
		return diag_errno(d, CS_E_LINK_IO, "%s to %s", udc, path);
	return 0;
}

/* where: "DIR" or "DIR,GADGET,UDC", cut apart in place */
static int
open_ffs(char *where, int ret_fds[LINKPORT_FDS], struct diag *d)
{
	static const char *const files[] = { "ep0", "ep1", "ep2" };
	_cleanup_fd_ int dir = -1, ep0 = -1, in = -1, out = -1;
	int *fds[] = { &ep0, &in, &out };
	char *gadget = strchr(where, ','), *udc = NULL;
	size_t i;
	int r;

	if (gadget != NULL) {
		*gadget++ = '\0';
		udc = strchr(gadget, ',');
		if (udc == NULL || gadget[0] != '/' || udc[1] == '\0' ||
		    strchr(udc + 1, ',') != NULL)
			return diag_fail(d, CS_E_LINK_ADDRESS,
			    "ffs:/DIR,/GADGET,UDC", "%s,%s", where, gadget);
		*udc++ = '\0';
	}
	r = dir_open(AT_FDCWD, where, &dir, d);
	for (i = 0; r == 0 && i < ARRAY_LEN(files); i++) {
		r = open_at(dir, files[i], fds[i], d);
		/* the endpoints are there once these are known */
		if (r == 0 && i == 0 &&
		    (write(ep0, &descriptors, sizeof(descriptors)) !=
			    (ssize_t)sizeof(descriptors) ||
			write(ep0, &strings, sizeof(strings)) !=
			    (ssize_t)sizeof(strings)))
			r = diag_errno(d, CS_E_LINK_IO, "descriptors");
	}
	if (r == 0 && gadget != NULL)
		r = bind_gadget(gadget, udc, d);
	for (i = 0; r == 0 && i < ARRAY_LEN(files); i++)
		ret_fds[i] = take_fd(fds[i]);
	return r;
}

/* One that an earlier start left is nobody's; anything else stays. */
static int
open_unix(const char *path, int *ret_fd, struct diag *d)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	_cleanup_fd_ int fd = -1;
	struct stat st;

	if (strlen(path) >= sizeof(a.sun_path))
		return diag_fail(d, CS_E_LINK_ADDRESS, "a shorter path", "%s",
		    path);
	memcpy(a.sun_path, path, strlen(path) + 1);
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    chmod(path, 0600) != 0 || listen(fd, 4) != 0)
		return diag_errno(d, CS_E_LINK_IO, "%s", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

int
linkport_open(const char *address, int ret_fds[LINKPORT_FDS], size_t *ret_n,
    struct diag *d)
{
	_cleanup_free_ char *where = NULL;
	int r;

	if (address == NULL)
		return diag_fail(d, CS_E_LINK_NONE, "link in the site file",
		    "none");
	if (strncmp(address, "unix:/", 6) == 0) {
		r = open_unix(address + 5, &ret_fds[0], d);
		if (r == 0)
			*ret_n = 1;
		return r;
	}
	if (strncmp(address, "ffs:/", 5) != 0)
		return diag_fail(d, CS_E_LINK_ADDRESS,
		    "unix:/PATH or ffs:/DIR[,/GADGET,UDC]", "%s", address);
	where = strdup(address + 4);
	if (where == NULL)
		return diag_nomem(d);
	r = open_ffs(where, ret_fds, d);
	if (r == 0)
		*ret_n = LINKPORT_FDS;
	return r;
}
