/* SPDX-License-Identifier: Apache-2.0 */
#include "usb-transfer/bot_usb.h"

#include <libusb.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#define CONTROL_MS 5000
#define CLASS_OUT  0x21 /* host to device, class, interface */
/* libusb 1.0.26 parses descriptors with a loop that need not end */
#define CLAIM_S 20

struct bot_usb {
	libusb_context *ctx;
	libusb_device_handle *h;
	struct usb_pipes pipes;
	bool claimed;
};

/* One or two lower-case hexadecimal digits, and the character after them. */
static int
read_hex(const char **s, char after, uint8_t *ret)
{
	static const char digits[] = "0123456789abcdef";
	unsigned int v = 0, n = 0;
	const char *at;

	while (**s != '\0' && (at = strchr(digits, **s)) != NULL) {
		if (n++ == 2)
			return CS_E_STICK_ARGUMENT;
		v = v << 4 | (unsigned int)(at - digits);
		(*s)++;
	}
	if (n == 0 || **s != after)
		return CS_E_STICK_ARGUMENT;
	if (after != '\0')
		(*s)++;
	*ret = (uint8_t)v;
	return 0;
}

int
usb_pipes_parse(const char *arg, struct usb_pipes *ret, struct diag *d)
{
	struct usb_pipes p = { 0 };
	const bool starts = strncmp(arg, "usb=", 4) == 0;
	const char *s = starts ? arg + 4 : "";

	if (read_hex(&s, ',', &p.iface) != 0 || read_hex(&s, ',', &p.in) != 0 ||
	    read_hex(&s, '\0', &p.out) != 0 || (p.in & 0xf0) != 0x80 ||
	    (p.in & 0x0f) == 0 || (p.out & 0xf0) != 0x00 || p.out == 0)
		return diag_fail(d, CS_E_STICK_ARGUMENT, "usb=0,81,02", "%s",
		    arg);
	*ret = p;
	return 0;
}

int
bot_usb_new(struct bot_usb **ret, struct diag *d)
{
	struct bot_usb *u = calloc(1, sizeof(*u));
	int r;

	if (u == NULL)
		return diag_nomem(d);
	/* no /sys, no /dev, no netlink, no thread */
	r = libusb_set_option(NULL, LIBUSB_OPTION_NO_DEVICE_DISCOVERY);
	if (r == 0)
		r = libusb_init(&u->ctx);
	if (r != 0) {
		free(u);
		return diag_fail(d, CS_E_STICK_CLAIM, "libusb", "%s",
		    libusb_error_name(r));
	}
	*ret = u;
	return 0;
}

int
bot_usb_claim(struct bot_usb *u, int fd, const struct usb_pipes *p,
    struct diag *d)
{
	int r;

	(void)alarm(CLAIM_S);
	r = libusb_wrap_sys_device(u->ctx, (intptr_t)fd, &u->h);
	if (r == 0)
		r = libusb_claim_interface(u->h, p->iface);
	(void)alarm(0);
	if (r != 0)
		return diag_fail(d,
		    r == LIBUSB_ERROR_NO_DEVICE ? CS_E_STICK_GONE :
						  CS_E_STICK_CLAIM,
		    "the stick's interface", "%s", libusb_error_name(r));
	u->claimed = true;
	u->pipes = *p;
	return 0;
}

void
bot_usb_free(struct bot_usb **u)
{
	if (*u == NULL)
		return;
	if ((*u)->claimed)
		(void)libusb_release_interface((*u)->h, (*u)->pipes.iface);
	if ((*u)->h != NULL)
		libusb_close((*u)->h);
	libusb_exit((*u)->ctx);
	free(*u);
	*u = NULL;
}

static enum bot_moved
moved_of(int r)
{
	switch (r) {
	case LIBUSB_SUCCESS:
		return BOT_MOVED;
	case LIBUSB_ERROR_PIPE:
		return BOT_STALLED;
	case LIBUSB_ERROR_TIMEOUT:
		return BOT_TIMED_OUT;
	case LIBUSB_ERROR_NO_DEVICE:
		return BOT_GONE;
	case LIBUSB_ERROR_OVERFLOW:
		return BOT_OVERRUN;
	default:
		return BOT_BROKEN;
	}
}

static enum bot_moved
control(void *arg, uint8_t request, uint16_t iface)
{
	const struct bot_usb *u = arg;

	return moved_of(libusb_control_transfer(u->h, CLASS_OUT, request, 0,
	    iface, NULL, 0, CONTROL_MS));
}

static enum bot_moved
bulk(const struct bot_usb *u, uint8_t endpoint, void *buf, uint32_t n, int ms,
    uint32_t *ret_n)
{
	int moved = 0, r;

	r = libusb_bulk_transfer(u->h, endpoint, buf, (int)n, &moved,
	    (unsigned int)ms);
	*ret_n = moved < 0 ? 0 : (uint32_t)moved;
	return moved_of(r);
}

static enum bot_moved
bulk_in(void *arg, void *buf, uint32_t n, int ms, uint32_t *ret_n)
{
	const struct bot_usb *u = arg;

	return bulk(u, u->pipes.in, buf, n, ms, ret_n);
}

static enum bot_moved
bulk_out(void *arg, const void *buf, uint32_t n, int ms, uint32_t *ret_n)
{
	const struct bot_usb *u = arg;

	return bulk(u, u->pipes.out, (void *)(uintptr_t)buf, n, ms, ret_n);
}

static enum bot_moved
clear_halt(void *arg, bool in)
{
	const struct bot_usb *u = arg;

	return moved_of(
	    libusb_clear_halt(u->h, in ? u->pipes.in : u->pipes.out));
}

static int64_t
now_ms(void *arg)
{
	struct timespec ts;

	(void)arg;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
wait_ms(void *arg, int ms)
{
	(void)arg;
	(void)poll(NULL, 0, ms);
}

const struct bot_ops bot_usb_ops = { control, bulk_in, bulk_out, clear_halt,
	now_ms, wait_ms };
