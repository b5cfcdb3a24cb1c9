/* SPDX-License-Identifier: Apache-2.0 */

/*
 * coldseal-usb: decides which USB device is switched on, before the kernel
 * has a driver or a configuration for it.  It has a socket to the supervisor
 * and the two folders that USB devices are in, reads what they say of
 * themselves, and hands out the descriptor of one stick at a time.  It reads
 * no block of a stick.  When it ends, everything is off.
 *
 *	RULES -> (LOOK -> OPEN -> CLOSE | READERS)* -> end of the socket
 */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/ipc.h"
#include "lib/sandbox.h"
#include "usb-transfer/broker.h"

#define SOCK	 3
#define DEVICES	 "/sys/bus/usb/devices"
#define TARGETS	 "/sys/devices"
#define NODES	 "/dev/bus/usb"
#define TEXT_MAX 1024u
#define WAIT_MAX 60000u
#define START_MS 10000

static int
answer(uint16_t type, const struct buf *body, int fd)
{
	return body == NULL ? ipc_send(SOCK, type, NULL, 0, fd) :
			      ipc_send_buf(SOCK, type, body, fd);
}

static int
on_rules(struct broker *b, struct rd *rd, struct diag *d)
{
	int r = broker_rules(b, rd, d);

	return r == 0 ? answer(USB_READY, NULL, -1) : r;
}

static int
on_look(struct broker *b, struct rd *rd, struct diag *d)
{
	struct buf out = BUF_INIT(IPC_MAX - 2);
	struct diag why = { 0 };
	char text[TEXT_MAX];
	uint32_t wait;
	uint8_t use;
	int r;

	if (rd_u8(rd, &use) != 0 || rd_u32(rd, &wait) != 0 || rd_end(rd) != 0 ||
	    use >= USB_USE_READER || wait > WAIT_MAX)
		return diag_fail(d, CS_E_IPC, "LOOK", "another form");
	r = broker_look(b, (enum usb_use)use, wait, SOCK, &why, d);
	if (r != 0)
		return r;
	usbport_text(&b->seen, text, sizeof(text));
	r = buf_put_cstr(&out, text);
	if (r == 0)
		r = buf_put_u8(&out, b->good ? 1 : 0);
	if (r == 0 && !b->good)
		r = ipc_put_diag(&out, &why);
	if (r == 0)
		r = answer(USB_SEEN, &out, -1);
	buf_done(&out);
	return r;
}

static int
on_open(struct broker *b, struct rd *rd, struct diag *d)
{
	struct buf out = BUF_INIT(64);
	_cleanup_fd_ int fd = -1;
	int r = rd_end(rd);

	if (r == 0)
		r = broker_open(b, &fd, d);
	if (r != 0)
		return r;
	r = buf_put_u8(&out, b->bulk.interface);
	if (r == 0)
		r = buf_put_u8(&out, b->bulk.in);
	if (r == 0)
		r = buf_put_u8(&out, b->bulk.out);
	if (r == 0)
		r = buf_put_u16(&out, b->bulk.packet);
	if (r == 0)
		r = buf_put_u32(&out, b->seen.speed);
	if (r == 0)
		r = answer(USB_OPENED, &out, fd);
	buf_done(&out);
	return r;
}

static int
on_close(struct broker *b, struct rd *rd, struct diag *d)
{
	int r = rd_end(rd);

	(void)d;
	if (r != 0)
		return r;
	broker_close(b);
	return answer(USB_READY, NULL, -1);
}

static int
on_readers(struct broker *b, struct rd *rd, struct diag *d)
{
	int r = rd_end(rd);

	if (r == 0)
		r = broker_readers(b, d);
	return r == 0 ? answer(USB_READY, NULL, -1) : r;
}

static const struct ipc_rule rules[] = {
	{ USB_RULES, true },
	{ USB_LOOK, false },
	{ USB_OPEN, false },
	{ USB_CLOSE, false },
	{ USB_READERS, false },
};
/* in the same order */
static int (*const handlers[])(struct broker *, struct rd *, struct diag *) = {
	on_rules,
	on_look,
	on_open,
	on_close,
	on_readers,
};

static int
fail(int code, struct diag *d)
{
	struct buf b = BUF_INIT(1024);
	int r;

	if (d->code == 0)
		(void)diag_fail(d, code, NULL, "coldseal-usb");
	r = ipc_put_diag(&b, d);
	if (r == 0)
		r = answer(USB_FAIL, &b, -1);
	buf_done(&b);
	return r;
}

/* The first question is taken first: unread, it would take the answer away. */
static void
fail_start(int code, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;

	if (ipc_recv(SOCK, &m, START_MS) == 0)
		cs_ignore(fail(code, d));
}

/* 0: go on; a negative code: end.  A refusal is an answer, not an end. */
static int
handle(struct broker *b, struct ipc_state *state)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct diag d = { 0 };
	struct rd rd;
	size_t i;
	int r;

	if (ipc_recv(SOCK, &m, IPC_NO_TIMEOUT) != 0)
		return CS_E_IPC;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	if (m.fd >= 0 || (b->n == 0) != (m.type == USB_RULES) ||
	    ipc_permit(state, m.type) != 0)
		return CS_E_IPC;
	for (i = 0; rules[i].type != m.type; i++)
		;
	r = handlers[i](b, &rd, &d);
	if (r == 0)
		return 0;
	if (fail(r, &d) != 0 || r == CS_E_IPC || m.type == USB_RULES)
		return r;
	return 0;
}

static int
open_folder(const char *path, int *ret_fd, struct diag *d)
{
	*ret_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd >= 0 ? 0 : diag_errno(d, CS_E_USB_LOCK, "%s", path);
}

/* The entries of DEVICES are links to below TARGETS. */
static int
enter(int *ret_sysfs, int *ret_dev, struct diag *d)
{
	_cleanup_fd_ int targets = -1;
	int below[3], r;

	r = open_folder(DEVICES, ret_sysfs, d);
	if (r == 0)
		r = open_folder(TARGETS, &targets, d);
	if (r == 0)
		r = open_folder(NODES, ret_dev, d);
	if (r != 0)
		return r;
	below[0] = *ret_sysfs;
	below[1] = targets;
	below[2] = *ret_dev;
	r = sandbox_below(below, ARRAY_LEN(below), d);
	return r == 0 ? sandbox_enter(SANDBOX_USB, d) : r;
}

static int
serve(void)
{
	static struct broker b = { .seen = USB_SEEN_INIT };
	struct ipc_state state = { .rules = rules, .count = ARRAY_LEN(rules) };
	struct diag d = { 0 };
	int r;

	(void)signal(SIGPIPE, SIG_IGN);
	r = enter(&b.sysfs, &b.dev, &d);
	if (r != 0) {
		fail_start(r, &d);
		return CS_EXIT_SYSTEM;
	}
	while (r == 0)
		r = handle(&b, &state);
	broker_off(&b);
	return CS_EXIT_OK;
}

static void
usage(FILE *f)
{
	(void)
	    fputs("usage: coldseal-usb list\n"
		  "  list     what is in each USB port, and whether it may be "
		  "used as a stick\n"
		  "  --help   this text\n"
		  "coldseald starts it without arguments.\n",
		f);
}

static int
list(void)
{
	_cleanup_fd_ int fd = -1, dev = -1;
	struct diag d = { 0 };
	char text[800];
	int r;

	r = enter(&fd, &dev, &d);
	if (r == 0)
		r = broker_list(fd, &d);
	if (r == 0)
		return CS_EXIT_OK;
	diag_format(&d, text, sizeof(text));
	(void)fprintf(stderr, "coldseal-usb: %s", text);
	return err_exit(r);
}

int
main(int argc, char **argv)
{
	if (argc == 1)
		return serve();
	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return list();
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		usage(stdout);
		return CS_EXIT_OK;
	}
	usage(stderr);
	return CS_EXIT_USAGE;
}
