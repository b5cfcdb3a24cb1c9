/* SPDX-License-Identifier: Apache-2.0 */

/* Which devices may be switched on, by what they say of themselves. */

#include <stdio.h>

#include "usb-transfer/usbdesc.h"

#define CLASS_HID     0x03u
#define CLASS_STORAGE 0x08u
#define CLASS_HUB     0x09u
#define CLASS_CCID    0x0bu
#define SCSI	      0x06u
#define BULK_ONLY     0x50u
#define UAS	      0x62u
#define BULK	      0x02u
#define INTERRUPT     0x03u
#define IN	      0x80u
/* the class descriptor of a CCID interface (CCID 1.1, 5.1) */
#define T_CCID 0x21u
#define L_CCID 54u

const char *
usbdesc_class_name(uint8_t class)
{
	static const struct {
		uint8_t class;
		const char *name;
	} names[] = {
		{ 0x01, "sound" },
		{ 0x02, "network or modem" },
		{ CLASS_HID, "keyboard or mouse" },
		{ 0x05, "physical" },
		{ 0x06, "camera or phone" },
		{ 0x07, "printer" },
		{ CLASS_STORAGE, "mass storage" },
		{ CLASS_HUB, "hub" },
		{ 0x0a, "network or modem" },
		{ CLASS_CCID, "smart card reader" },
		{ 0x0e, "video" },
		{ 0xe0, "wireless" },
		{ 0xfe, "firmware update" },
		{ 0xff, "vendor's own" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].class == class)
			return names[i].name;
	return "unknown";
}

static int
no_hub(const struct usbdesc *u, struct diag *d)
{
	size_t i;

	for (i = 0; i < u->n; i++)
		if (u->v[i].class == CLASS_HUB)
			break;
	if (u->class == CLASS_HUB || i < u->n)
		return diag_fail(d, CS_E_USB_HUB, "the stick itself", "a hub");
	return 0;
}

/* "mass storage, keyboard or mouse" */
static void
list_classes(const struct usbdesc *u, char *out, size_t size)
{
	size_t i, len = 0;

	out[0] = '\0';
	for (i = 0; i < u->n && len < size; i++)
		if (u->v[i].alternate == 0)
			len += (size_t)snprintf(out + len, size - len, "%s%s",
			    len == 0 ? "" : ", ",
			    usbdesc_class_name(u->v[i].class));
}

static int
one_storage_interface(const struct usbdesc *u, struct diag *d)
{
	const struct usb_interface *f = &u->v[0];
	char names[160];
	size_t i;

	list_classes(u, names, sizeof(names));
	if (u->numbers != 1 || u->association)
		return diag_fail(d, CS_E_USB_COMPOSITE,
		    "one mass-storage interface", "%u: %s%s", u->numbers, names,
		    u->association ? ", declared as belonging together" : "");
	for (i = 0; i < u->n; i++)
		if (u->v[i].class == CLASS_STORAGE && u->v[i].protocol == UAS)
			return diag_fail(d, CS_E_USB_UAS,
			    "mass storage, 08/06/50 alone",
			    "08/%02x/62 in setting %u", u->v[i].subclass,
			    u->v[i].alternate);
	if (u->class != 0 || f->class != CLASS_STORAGE || f->subclass != SCSI ||
	    f->protocol != BULK_ONLY)
		return diag_fail(d, CS_E_USB_CLASS, "mass storage, 08/06/50",
		    "%s, %02x/%02x/%02x, device class %02x", names, f->class,
		    f->subclass, f->protocol, u->class);
	if (u->n != 1)
		return diag_fail(d, CS_E_USB_ALTERNATE, "one setting",
		    "%zu settings", u->n);
	if (u->loose != 0 || f->others != 0)
		return diag_fail(d, CS_E_USB_DESC_UNKNOWN,
		    "an interface, its endpoints, and no more",
		    "a descriptor of type 0x%02x",
		    u->loose != 0 ? u->loose : f->other_type);
	return 0;
}

/* USB 2.0, 5.8.3; USB 3.2, 9.6.6.  Low speed has no bulk. */
static uint16_t
bulk_packet(unsigned int speed, uint16_t packet)
{
	if (speed >= USB_SPEED_SUPER)
		return 1024;
	if (speed == USB_SPEED_HIGH)
		return 512;
	if (speed == USB_SPEED_FULL &&
	    (packet == 8 || packet == 16 || packet == 32 || packet == 64))
		return packet;
	return 0;
}

int
usbdesc_storage(const struct usbdesc *u, unsigned int speed,
    struct usb_bulk *ret, struct diag *d)
{
	const struct usb_interface *f = &u->v[0];
	struct usb_bulk b = { .interface = f->number };
	size_t i;
	int r;

	r = no_hub(u, d);
	if (r == 0)
		r = one_storage_interface(u, d);
	if (r != 0)
		return r;
	for (i = 0; i < f->nep; i++) {
		const struct usb_endpoint *e = &f->ep[i];

		if (e->attributes != BULK || e->packet == 0 ||
		    e->packet != bulk_packet(speed, e->packet) ||
		    e->companion != (speed >= USB_SPEED_SUPER))
			return diag_fail(d, CS_E_USB_ENDPOINTS,
			    "bulk endpoints of the device's speed",
			    "0x%02x: attributes 0x%02x, packets of %u, at %u "
			    "Mbit/s%s",
			    e->address, e->attributes, e->packet, speed,
			    e->companion ? ", with a companion" : "");
		*((e->address & IN) != 0 ? &b.in : &b.out) = e->address;
		b.packet = e->packet;
	}
	if (f->nep != 2 || b.in == 0 || b.out == 0)
		return diag_fail(d, CS_E_USB_ENDPOINTS,
		    "one bulk endpoint in and one out", "%u endpoints", f->nep);
	*ret = b;
	return 0;
}

/* Bulk in, bulk out, and for cards that come and go an interrupt. */
static bool
is_reader(const struct usb_interface *f)
{
	unsigned int in = 0, out = 0, interrupt = 0;
	size_t i;

	for (i = 0; i < f->nep; i++) {
		const struct usb_endpoint *e = &f->ep[i];

		if (e->attributes == BULK && (e->address & IN) != 0)
			in++;
		else if (e->attributes == BULK)
			out++;
		else if (e->attributes == INTERRUPT && (e->address & IN) != 0)
			interrupt++;
		else
			return false;
	}
	return in == 1 && out == 1 && interrupt <= 1 && f->others == 1 &&
	    f->other_type == T_CCID && f->other_len == L_CCID &&
	    f->subclass == 0 && f->protocol == 0;
}

int
usbdesc_reader(const struct usbdesc *u, uint8_t *ret_interface, struct diag *d)
{
	const struct usb_interface *f = NULL;
	unsigned int n = 0;
	size_t i;
	int r;

	r = no_hub(u, d);
	if (r != 0)
		return r;
	for (i = 0; i < u->n; i++)
		if (u->v[i].class == CLASS_CCID) {
			f = &u->v[i];
			n++;
		}
	if (n != 1)
		return diag_fail(d, CS_E_USB_READER,
		    "one smart card interface, 0B", "%u", n);
	if (!is_reader(f))
		return diag_fail(d, CS_E_USB_READER,
		    "0B/00/00 with its descriptor and bulk endpoints",
		    "0B/%02x/%02x, %u endpoints, %u other descriptors",
		    f->subclass, f->protocol, f->nep, f->others);
	*ret_interface = f->number;
	return 0;
}
