/* SPDX-License-Identifier: Apache-2.0 */
#include "usb-transfer/link_usb.h"

#include <stdio.h>
#include <string.h>

#define CONFIG_LEN 9u
#define IFACE_LEN  9u
#define EP_LEN	   7u
#define COMP_LEN   6u /* SuperSpeed endpoint companion */
#define CONFIG_MAX (CONFIG_LEN + IFACE_LEN + 2 * (EP_LEN + COMP_LEN))
#define CTL_MS	   1000
#define DRAIN_MS   50
#define DRAIN_MAX  200

static int
usb_error(struct diag *d, int code)
{
	int r = CS_E_LINK_IO;

	if (code == LIBUSB_ERROR_NO_DEVICE || code == LIBUSB_ERROR_NOT_FOUND)
		r = CS_E_LINK_GONE;
	else if (code == LIBUSB_ERROR_BUSY)
		r = CS_E_LINK_BUSY;
	else if (code == LIBUSB_ERROR_TIMEOUT)
		r = CS_E_LINK_TIME;
	else if (code == LIBUSB_ERROR_OVERFLOW)
		r = CS_E_LINK_SHORT;
	else if (code == LIBUSB_ERROR_NO_MEM)
		r = CS_E_NOMEM;
	return diag_fail(d, r, "a transfer over USB", "%s",
	    libusb_error_name(code));
}

static int
not_ours(struct diag *d, const char *what)
{
	return diag_fail(d, CS_E_LINK_CELL, "the appliance's one interface",
	    "%s", what);
}

/* One endpoint at *p; companion: of SuperSpeed, which says nothing to us. */
static int
endpoint(const uint8_t **p, bool companion, uint8_t *ret, struct diag *d)
{
	const uint8_t *e = *p;

	if (e[0] != EP_LEN || e[1] != LIBUSB_DT_ENDPOINT || e[3] != 2 ||
	    (e[2] & 0x70) != 0 || (e[2] & 0x0f) == 0)
		return not_ours(d, "another endpoint");
	*p += EP_LEN;
	*ret = e[2];
	if (!companion)
		return 0;
	if (e[7] != COMP_LEN || e[8] != LIBUSB_DT_SS_ENDPOINT_COMPANION)
		return not_ours(d, "another companion");
	*p += COMP_LEN;
	return 0;
}

int
link_usb_endpoints(const uint8_t *p, size_t n, uint8_t *ret_in,
    uint8_t *ret_out, struct diag *d)
{
	static const uint8_t iface[IFACE_LEN] = { IFACE_LEN,
		LIBUSB_DT_INTERFACE, 0, 0, 2, LINK_USB_CLASS, LINK_USB_SUBCLASS,
		LINK_USB_PROTOCOL };
	const bool companion = n == CONFIG_MAX;
	const uint8_t *at = p + CONFIG_LEN + IFACE_LEN;
	uint8_t a = 0, b = 0;
	int r;

	if (n != CONFIG_MAX && n != CONFIG_MAX - 2 * COMP_LEN)
		return not_ours(d, "another length of descriptors");
	/* of the interface all but the index of its name */
	if (p[0] != CONFIG_LEN || p[1] != LIBUSB_DT_CONFIG || p[2] != n ||
	    p[3] != 0 || p[4] != 1 ||
	    memcmp(p + CONFIG_LEN, iface, IFACE_LEN - 1) != 0)
		return not_ours(d, "another interface");
	r = endpoint(&at, companion, &a, d);
	if (r == 0)
		r = endpoint(&at, companion, &b, d);
	if (r != 0)
		return r;
	if ((a & 0x80) == 0 || (b & 0x80) != 0)
		return not_ours(d, "endpoints of other directions");
	*ret_in = a;
	*ret_out = b;
	return 0;
}

/* TIME only if nothing at all was moved. */
static int
bulk(const struct link_usb *u, uint8_t ep, void *p, size_t n, int timeout_ms,
    struct diag *d)
{
	int done = 0, r;

	r = libusb_bulk_transfer(u->dev, ep, p, (int)n, &done,
	    timeout_ms < 0 ? 0 : (unsigned)(timeout_ms > 0 ? timeout_ms : 1));
	if (r == LIBUSB_SUCCESS && done == (int)n)
		return 0;
	if (r == LIBUSB_SUCCESS || (r == LIBUSB_ERROR_TIMEOUT && done > 0))
		return diag_fail(d, CS_E_LINK_SHORT, "whole cells",
		    "%d of %zu bytes", done, n);
	return usb_error(d, r);
}

static int
usb_send(void *arg, const void *cells, size_t n, int timeout_ms, struct diag *d)
{
	const struct link_usb *u = arg;

	return bulk(u, u->out, (void *)(uintptr_t)cells, n * LINK_CELL,
	    timeout_ms, d);
}

static int
usb_recv(void *arg, void *cells, size_t n, int timeout_ms, struct diag *d)
{
	const struct link_usb *u = arg;

	return bulk(u, u->in, cells, n * LINK_CELL, timeout_ms, d);
}

/* What an earlier session left, until there is none for a moment. */
static int
usb_drain(void *arg, struct diag *d)
{
	const struct link_usb *u = arg;
	_cleanup_free_ uint8_t *buf = malloc((size_t)LINK_RUN * LINK_CELL);
	struct diag why = { 0 };
	unsigned i;
	int r = 0;

	if (buf == NULL)
		return diag_nomem(d);
	for (i = 0; i < DRAIN_MAX && (r == 0 || r == CS_E_LINK_SHORT); i++)
		r = bulk(u, u->in, buf, (size_t)LINK_RUN * LINK_CELL, DRAIN_MS,
		    &why);
	if (r == CS_E_LINK_TIME)
		return 0;
	if (r == 0 || r == CS_E_LINK_SHORT)
		return diag_fail(d, CS_E_LINK_CELL, "an end",
		    "bytes without end");
	if (d != NULL)
		*d = why;
	return r;
}

static void
usb_close(void *arg)
{
	struct link_usb *u = arg;

	if (u->dev != NULL) {
		(void)libusb_release_interface(u->dev, 0);
		libusb_close(u->dev);
	}
	if (u->ctx != NULL)
		libusb_exit(u->ctx);
	*u = (struct link_usb){ 0 };
}

const struct link_ops link_usb_ops = { usb_send, usb_recv, usb_drain,
	usb_close };

/* "1-2.3" */
static void
port_name(libusb_device *dev, char out[64])
{
	uint8_t ports[8];
	int n = libusb_get_port_numbers(dev, ports, (int)sizeof(ports)), i;
	size_t len;

	(void)snprintf(out, 64, "%u", libusb_get_bus_number(dev));
	for (i = 0; i < n; i++) {
		len = strlen(out);
		(void)snprintf(out + len, 64 - len, "%c%u", i == 0 ? '-' : '.',
		    ports[i]);
	}
}

/* *ret is NULL if there is none. */
static int
pick(libusb_device **list, const char *port, libusb_device **ret,
    struct diag *d)
{
	struct libusb_device_descriptor dd;
	char name[64];

	for (*ret = NULL; *list != NULL; list++) {
		if (libusb_get_device_descriptor(*list, &dd) != 0 ||
		    dd.idVendor != LINK_USB_VENDOR ||
		    dd.idProduct != LINK_USB_PRODUCT)
			continue;
		port_name(*list, name);
		if (port != NULL && strcmp(port, name) != 0)
			continue;
		if (*ret != NULL)
			return diag_fail(d, CS_E_LINK_SEVERAL, "one appliance",
			    "another one at %s", name);
		*ret = *list;
	}
	return 0;
}

static int
find(struct link_usb *u, const char *port, struct diag *d)
{
	libusb_device **list = NULL, *dev = NULL;
	ssize_t n = libusb_get_device_list(u->ctx, &list);
	int r, e;

	if (n < 0)
		return usb_error(d, (int)n);
	r = pick(list, port, &dev, d);
	if (r == 0 && dev == NULL)
		r = diag_fail(d, CS_E_LINK_CLOSED, "an appliance at USB",
		    "none with 1209:0001%s%s", port == NULL ? "" : " at ",
		    port == NULL ? "" : port);
	if (r == 0 && (e = libusb_open(dev, &u->dev)) != 0)
		r = usb_error(d, e);
	libusb_free_device_list(list, 1);
	return r;
}

static int
claim(struct link_usb *u, struct diag *d)
{
	uint8_t config[CONFIG_MAX + 1];
	int n, r;

	n = libusb_control_transfer(u->dev, LIBUSB_ENDPOINT_IN,
	    LIBUSB_REQUEST_GET_DESCRIPTOR, LIBUSB_DT_CONFIG << 8, 0, config,
	    sizeof(config), CTL_MS);
	if (n < 0)
		return usb_error(d, n);
	r = link_usb_endpoints(config, (size_t)n, &u->in, &u->out, d);
	if (r != 0)
		return r;
	r = libusb_claim_interface(u->dev, 0);
	return r == 0 ? 0 : usb_error(d, r);
}

int
link_usb_open(const char *port, struct link_usb *ret, struct diag *d)
{
	struct link_usb u = { 0 };
	int r;

	r = libusb_init(&u.ctx);
	if (r != 0)
		return usb_error(d, r);
	r = find(&u, port, d);
	if (r == 0)
		r = claim(&u, d);
	if (r != 0) {
		usb_close(&u);
		return r;
	}
	*ret = u;
	return 0;
}
