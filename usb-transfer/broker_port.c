/* SPDX-License-Identifier: Apache-2.0 */

/* Which device in which port may be what, and switching it on and off. */

#include <poll.h>
#include <string.h>
#include <time.h>

#include "usb-transfer/broker.h"

/*
 * sysfs tells nobody of a device that comes, and a socket for the kernel's
 * own events would open netlink to this process for a tenth of a second.
 */
#define LOOK_MS 100

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int
broker_lock(struct broker *b, struct diag *d)
{
	const struct usb_seen *keep[USB_MAX_RULES + 1];
	size_t n = 0, i;

	if (b->on)
		keep[n++] = &b->seen;
	for (i = 0; i < b->n; i++)
		if (b->rules[i].on.dir >= 0)
			keep[n++] = &b->rules[i].on;
	return usbport_lock(b->sysfs, keep, n, d);
}

static int
read_rule(struct broker *b, struct rd *rd, struct diag *d)
{
	struct broker_rule *u = &b->rules[b->n];
	uint8_t use;
	size_t i;
	bool reader;

	if (rd_u8(rd, &use) != 0 ||
	    rd_cstr_into(rd, u->port, sizeof(u->port)) != 0 ||
	    rd_u16(rd, &u->vendor) != 0 || rd_u16(rd, &u->product) != 0 ||
	    use > USB_USE_READER)
		return diag_fail(d, CS_E_IPC, "a port's rule", "another form");
	u->use = (enum usb_use)use;
	u->on.dir = -1;
	reader = u->use == USB_USE_READER;
	if (reader != (u->vendor != 0) || (!reader && u->product != 0))
		return diag_fail(d, CS_E_IPC, "a reader's product, or none",
		    "%04x:%04x", u->vendor, u->product);
	for (i = 0; i < b->n; i++)
		if (strcmp(b->rules[i].port, u->port) == 0)
			return diag_fail(d, CS_E_USB_PORT, "each port once",
			    "%s twice", u->port);
	return usbport_check(u->port, d);
}

int
broker_rules(struct broker *b, struct rd *rd, struct diag *d)
{
	uint32_t n, i;
	int r = 0;

	if (rd_u32(rd, &n) != 0 || n == 0 || n > USB_MAX_RULES)
		return diag_fail(d, CS_E_IPC, "1 to 32 ports",
		    "another number");
	for (i = 0; r == 0 && i < n; i++) {
		r = read_rule(b, rd, d);
		if (r == 0)
			b->n++;
	}
	if (r == 0 && rd_end(rd) != 0)
		r = diag_fail(d, CS_E_IPC, "ports, and no more", "more");
	return r == 0 ? broker_lock(b, d) : r;
}

/* CS_E_NO_MEDIUM also if the kernel has not all of it there yet */
static int
find(struct broker *b, enum usb_use use, struct diag *d)
{
	struct usb_seen s = USB_SEEN_INIT;
	size_t i, found = 0;
	int r;

	usb_seen_done(&b->seen);
	for (i = 0; i < b->n; i++) {
		if (b->rules[i].use != use)
			continue;
		r = usbport_look(b->sysfs, b->rules[i].port, &s, d);
		if (r != 0 && r != CS_E_NO_MEDIUM)
			return r;
		if (r != 0)
			continue;
		if (found++ > 0) {
			usb_seen_done(&s);
			return diag_fail(d, CS_E_USB_TWO, "one stick",
			    "one in %s and one in %s", b->seen.port, s.port);
		}
		b->seen = s;
		s.dir = -1;
	}
	if (found == 0)
		return diag_fail(d, CS_E_NO_MEDIUM, "a stick in the port",
		    "none");
	return 0;
}

static int
judge(struct broker *b, struct diag *d)
{
	int r = usbdesc_parse(b->seen.bytes, b->seen.len, &b->desc, d);

	return r != 0 ? r :
			usbdesc_storage(&b->desc, b->seen.speed, &b->bulk, d);
}

int
broker_look(struct broker *b, enum usb_use use, unsigned int wait_ms, int quit,
    struct diag *why, struct diag *d)
{
	const int64_t end = now_ms() + wait_ms;
	struct pollfd p = { .fd = quit, .events = POLLIN };
	int r;

	broker_close(b);
	for (;;) {
		*d = (struct diag){ 0 };
		r = broker_lock(b, d);
		if (r != 0)
			return r;
		r = find(b, use, d);
		if (r == CS_E_USB_TWO || (r == 0 && usbport_complete(&b->seen)))
			break;
		if (now_ms() >= end || poll(&p, 1, LOOK_MS) != 0)
			break;
	}
	if (r != 0) {
		usb_seen_done(&b->seen);
		return r;
	}
	b->good = judge(b, why) == 0;
	return 0;
}

/* It is the same before, once it is on, and once its node is open. */
static int
switch_on(struct broker *b, int *ret_fd, struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	int r;

	r = usbport_same(b->sysfs, &b->seen, d);
	if (r == 0)
		r = usbport_on(&b->seen, b->desc.config, b->bulk.interface, d);
	if (r == 0)
		r = usbport_same(b->sysfs, &b->seen, d);
	if (r == 0)
		r = usbport_open(b->dev, &b->seen, &fd, d);
	if (r == 0)
		r = usbport_same(b->sysfs, &b->seen, d);
	if (r == 0)
		*ret_fd = take_fd(&fd);
	return r;
}

int
broker_open(struct broker *b, int *ret_fd, struct diag *d)
{
	int r;

	if (!b->good || b->on)
		return diag_fail(d, CS_E_IPC, "a plain stick that was seen",
		    "none");
	b->on = true;
	r = switch_on(b, ret_fd, d);
	if (r != 0)
		broker_close(b);
	return r;
}

void
broker_close(struct broker *b)
{
	if (b->on)
		usbport_off(&b->seen);
	b->on = b->good = false;
	usb_seen_done(&b->seen);
}

static int
reader_on(const struct broker *b, struct broker_rule *u, struct usb_seen *s,
    struct diag *d)
{
	struct usbdesc desc;
	uint8_t interface = 0;
	int r;

	r = usbdesc_parse(s->bytes, s->len, &desc, d);
	if (r == 0 && (desc.vendor != u->vendor || desc.product != u->product))
		r = diag_fail(d, CS_E_USB_READER, "the site file's product",
		    "%04x:%04x, not %04x:%04x, in port %s", desc.vendor,
		    desc.product, u->vendor, u->product, u->port);
	if (r == 0)
		r = usbdesc_reader(&desc, &interface, d);
	if (r != 0)
		return r;
	r = usbport_on(s, desc.config, interface, d);
	if (r == 0)
		r = usbport_same(b->sysfs, s, d);
	if (r != 0)
		usbport_off(s);
	return r;
}

/* One that is not there is no mistake: people carry their tokens. */
static int
reader_check(const struct broker *b, struct broker_rule *u, struct diag *d)
{
	_cleanup_seen_ struct usb_seen s = USB_SEEN_INIT;
	int r;

	if (u->on.dir >= 0 && usbport_same(b->sysfs, &u->on, NULL) == 0)
		return 0;
	usb_seen_done(&u->on);
	r = usbport_look(b->sysfs, u->port, &s, d);
	if (r != 0)
		return r == CS_E_NO_MEDIUM ? 0 : r;
	r = reader_on(b, u, &s, d);
	if (r != 0)
		return r;
	u->on = s;
	s.dir = -1;
	return 0;
}

int
broker_readers(struct broker *b, struct diag *d)
{
	int r, first = broker_lock(b, d);
	size_t i;

	if (first != 0)
		return first;
	for (i = 0; i < b->n; i++) {
		struct diag why = { 0 };

		if (b->rules[i].use != USB_USE_READER)
			continue;
		r = reader_check(b, &b->rules[i], &why);
		if (r != 0 && first == 0) {
			first = r;
			*d = why;
		}
	}
	return first;
}

void
broker_off(struct broker *b)
{
	size_t i;

	broker_close(b);
	for (i = 0; i < b->n; i++) {
		usbport_off(&b->rules[i].on);
		usb_seen_done(&b->rules[i].on);
	}
}
