/* SPDX-License-Identifier: Apache-2.0 */
#include "usb-transfer/usbdesc.h"

/* bDescriptorType and bLength; USB 3.2, table 9-6 and following */
enum { T_DEVICE = 1, T_CONFIG = 2, T_INTERFACE = 4, T_ENDPOINT = 5 };
enum { T_ASSOCIATION = 0x0b, T_COMPANION = 0x30 };
enum { L_DEVICE = 18, L_CONFIG = 9, L_INTERFACE = 9, L_ENDPOINT = 7 };
enum { L_ASSOCIATION = 8, L_COMPANION = 6 };

struct walk {
	struct usbdesc *u;
	struct usb_interface *cur; /* or NULL: none is open */
	bool after_endpoint;	   /* a companion may follow */
};

static uint16_t
le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static int
read_device(const uint8_t *p, size_t n, struct usbdesc *u, struct diag *d)
{
	if (n < L_DEVICE)
		return diag_fail(d, CS_E_USB_DESC_SHORT,
		    "a device descriptor of 18 bytes", "%zu bytes", n);
	if (p[0] != L_DEVICE)
		return diag_fail(d, CS_E_USB_DESC_LENGTH,
		    "a device descriptor of 18 bytes", "length %u", p[0]);
	if (p[1] != T_DEVICE)
		return diag_fail(d, CS_E_USB_DESC_ORDER,
		    "the device descriptor", "type 0x%02x", p[1]);
	if (p[7] != 8 && p[7] != 9 && p[7] != 16 && p[7] != 32 && p[7] != 64)
		return diag_fail(d, CS_E_USB_DESC_VALUE,
		    "a packet size of endpoint 0", "%u", p[7]);
	if (p[17] != 1)
		return diag_fail(d, CS_E_USB_CONFIGS, "one configuration", "%u",
		    p[17]);
	u->class = p[4];
	u->vendor = le16(p + 8);
	u->product = le16(p + 10);
	return 0;
}

static int
read_config(const uint8_t *p, size_t n, struct usbdesc *u, struct diag *d)
{
	size_t total;

	if (n < L_CONFIG)
		return diag_fail(d, CS_E_USB_DESC_SHORT,
		    "a configuration of 9 bytes and more", "%zu bytes", n);
	if (p[0] != L_CONFIG)
		return diag_fail(d, CS_E_USB_DESC_LENGTH,
		    "a configuration descriptor of 9 bytes", "length %u", p[0]);
	if (p[1] != T_CONFIG)
		return diag_fail(d, CS_E_USB_DESC_ORDER,
		    "the configuration descriptor", "type 0x%02x", p[1]);
	total = le16(p + 2);
	if (total > n)
		return diag_fail(d, CS_E_USB_DESC_SHORT,
		    "all of the configuration", "%zu bytes of %zu", n, total);
	if (total < n)
		return diag_fail(d, CS_E_USB_DESC_TRAILING,
		    "nothing behind the configuration", "%zu bytes more",
		    n - total);
	if (p[5] == 0)
		return diag_fail(d, CS_E_USB_DESC_VALUE,
		    "a configuration's number from 1", "0");
	u->numbers = p[4];
	u->config = p[5];
	return 0;
}

/* The interface that was open has all of the endpoints that it counted. */
static int
close_interface(struct walk *w, struct diag *d)
{
	const struct usb_interface *f = w->cur;

	w->cur = NULL;
	w->after_endpoint = false;
	if (f != NULL && f->nep != f->want)
		return diag_fail(d, CS_E_USB_DESC_COUNT,
		    "as many endpoints as are counted",
		    "interface %u has %u of %u", f->number, f->nep, f->want);
	return 0;
}

static int
on_interface(struct walk *w, const uint8_t *p, struct diag *d)
{
	struct usbdesc *u = w->u;
	struct usb_interface *f;
	size_t i;
	int r = close_interface(w, d);

	if (r != 0)
		return r;
	if (p[2] >= u->numbers)
		return diag_fail(d, CS_E_USB_DESC_COUNT,
		    "interfaces from 0, as many as are counted",
		    "interface %u of %u", p[2], u->numbers);
	for (i = 0; i < u->n; i++)
		if (u->v[i].number == p[2] && u->v[i].alternate == p[3])
			return diag_fail(d, CS_E_USB_DESC_DUPLICATE,
			    "each interface once",
			    "interface %u, setting %u twice", p[2], p[3]);
	if (u->n == USBDESC_MAX_IFACES)
		return diag_fail(d, CS_E_TOO_LARGE, "at most 16 interfaces",
		    "more");
	if (p[4] > USBDESC_MAX_EPS)
		return diag_fail(d, CS_E_TOO_LARGE,
		    "at most 8 endpoints of an interface", "%u", p[4]);
	f = &u->v[u->n++];
	f->number = p[2];
	f->alternate = p[3];
	f->want = p[4];
	f->class = p[5];
	f->subclass = p[6];
	f->protocol = p[7];
	w->cur = f;
	return 0;
}

/* Settings of one interface may share an endpoint, two interfaces may not. */
static bool
endpoint_taken(const struct walk *w, uint8_t address)
{
	const struct usbdesc *u = w->u;
	size_t i, j;

	for (i = 0; i < u->n; i++) {
		const struct usb_interface *f = &u->v[i];

		if (f != w->cur && f->number == w->cur->number)
			continue;
		for (j = 0; j < f->nep; j++)
			if (f->ep[j].address == address)
				return true;
	}
	return false;
}

static int
on_endpoint(struct walk *w, const uint8_t *p, struct diag *d)
{
	struct usb_interface *f = w->cur;

	if (f == NULL)
		return diag_fail(d, CS_E_USB_DESC_ORDER,
		    "an endpoint in its interface", "one outside");
	if ((p[2] & 0x70) != 0 || (p[2] & 0x0f) == 0)
		return diag_fail(d, CS_E_USB_DESC_VALUE,
		    "an endpoint from 1 to 15", "address 0x%02x", p[2]);
	if (endpoint_taken(w, p[2]))
		return diag_fail(d, CS_E_USB_DESC_DUPLICATE,
		    "each endpoint once", "endpoint 0x%02x twice", p[2]);
	if (f->nep == f->want)
		return diag_fail(d, CS_E_USB_DESC_COUNT,
		    "as many endpoints as are counted",
		    "interface %u has more than %u", f->number, f->want);
	f->ep[f->nep++] = (struct usb_endpoint){ .address = p[2],
		.attributes = p[3],
		.packet = le16(p + 4) };
	w->after_endpoint = true;
	return 0;
}

static int
on_companion(struct walk *w, const uint8_t *p, struct diag *d)
{
	(void)p;
	if (!w->after_endpoint)
		return diag_fail(d, CS_E_USB_DESC_ORDER,
		    "a companion right behind its endpoint", "one elsewhere");
	w->after_endpoint = false;
	w->cur->ep[w->cur->nep - 1].companion = true;
	return 0;
}

static int
on_association(struct walk *w, const uint8_t *p, struct diag *d)
{
	(void)p;
	w->u->association = true;
	return close_interface(w, d);
}

static int
on_misplaced(struct walk *w, const uint8_t *p, struct diag *d)
{
	(void)w;
	return diag_fail(d, CS_E_USB_DESC_ORDER,
	    "one device and one configuration", "type 0x%02x again", p[1]);
}

/* Types that are known, of one length each; 0: any */
static const struct kind {
	uint8_t type, len;
	int (*on)(struct walk *w, const uint8_t *p, struct diag *d);
} kinds[] = {
	{ T_DEVICE, 0, on_misplaced },
	{ T_CONFIG, 0, on_misplaced },
	{ T_INTERFACE, L_INTERFACE, on_interface },
	{ T_ENDPOINT, L_ENDPOINT, on_endpoint },
	{ T_ASSOCIATION, L_ASSOCIATION, on_association },
	{ T_COMPANION, L_COMPANION, on_companion },
};

/* Class and vendor descriptors: counted; the rules decide. */
static int
on_other(struct walk *w, const uint8_t *p)
{
	struct usb_interface *f = w->cur;

	w->after_endpoint = false;
	if (f == NULL) {
		w->u->loose = p[1] == 0 ? 0xff : p[1];
		return 0;
	}
	if (f->others < UINT8_MAX)
		f->others++;
	f->other_type = p[1];
	f->other_len = p[0];
	return 0;
}

static int
on_descriptor(struct walk *w, const uint8_t *p, size_t left, struct diag *d)
{
	size_t i;

	if (left < 2)
		return diag_fail(d, CS_E_USB_DESC_SHORT, "a length and a type",
		    "one byte");
	if (p[0] < 2)
		return diag_fail(d, CS_E_USB_DESC_LENGTH,
		    "a descriptor of 2 bytes or more", "length %u, type 0x%02x",
		    p[0], p[1]);
	if (p[0] > left)
		return diag_fail(d, CS_E_USB_DESC_LENGTH,
		    "a descriptor within its configuration",
		    "length %u, type 0x%02x, where %zu bytes are left", p[0],
		    p[1], left);
	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].type != p[1])
			continue;
		if (kinds[i].len != 0 && kinds[i].len != p[0])
			return diag_fail(d, CS_E_USB_DESC_LENGTH,
			    "a descriptor of its own length",
			    "length %u of type 0x%02x, which has %u", p[0],
			    p[1], kinds[i].len);
		return kinds[i].on(w, p, d);
	}
	return on_other(w, p);
}

/* Each number from 0 has a setting 0. */
static int
check_numbers(const struct usbdesc *u, struct diag *d)
{
	unsigned int number, found = 0;
	size_t i;

	for (number = 0; number < u->numbers; number++)
		for (i = 0; i < u->n; i++)
			if (u->v[i].number == number && u->v[i].alternate == 0)
				found++;
	if (found != u->numbers || found == 0)
		return diag_fail(d, CS_E_USB_DESC_COUNT,
		    "as many interfaces as are counted, and one at least",
		    "%u of %u", found, u->numbers);
	return 0;
}

int
usbdesc_parse(const uint8_t *p, size_t n, struct usbdesc *ret, struct diag *d)
{
	struct usbdesc u = { 0 };
	struct walk w = { .u = &u };
	size_t at;
	int r;

	if (n > USBDESC_MAX)
		return diag_fail(d, CS_E_TOO_LARGE, "at most 2048 bytes", "%zu",
		    n);
	r = read_device(p, n, &u, d);
	if (r == 0)
		r = read_config(p + L_DEVICE, n - L_DEVICE, &u, d);
	for (at = L_DEVICE + L_CONFIG; r == 0 && at < n; at += p[at])
		r = on_descriptor(&w, p + at, n - at, d);
	if (r == 0)
		r = close_interface(&w, d);
	if (r == 0)
		r = check_numbers(&u, d);
	if (r != 0)
		return r;
	*ret = u;
	return 0;
}
