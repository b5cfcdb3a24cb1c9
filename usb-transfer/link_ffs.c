/* SPDX-License-Identifier: Apache-2.0 */

/*
 * FunctionFS as the cable.
 *
 *	not enabled -> (ENABLE) -> reading one cell -> have it -> served:
 *	reads and writes with a deadline -> reading one cell ...
 *	any -> (DISABLE, UNBIND) -> not enabled
 *
 * A read that is cancelled loses what it has: that is how, after a session
 * that ended badly, both ends come to count cells from the same byte again
 * (quiet()).
 */

#include "usb-transfer/link_ffs.h"

#include <errno.h>
#include <linux/usb/functionfs.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>

#define CANCEL_MS 2000
#define QUIET_MS  100
#define QUIET_MAX 100 /* cells */

/* Starts the transfer; its end shows on f->done. */
static int
begin(struct link_ffs *f, int fd, uint16_t opcode, void *buf, size_t n)
{
	struct iocb *ops[1] = { &f->op };

	memset(&f->op, 0, sizeof(f->op));
	f->op.aio_fildes = (uint32_t)fd;
	f->op.aio_lio_opcode = opcode;
	f->op.aio_buf = (uint64_t)(uintptr_t)buf;
	f->op.aio_nbytes = n;
	f->op.aio_flags = IOCB_FLAG_RESFD;
	f->op.aio_resfd = (uint32_t)f->done;
	return syscall(SYS_io_submit, f->aio, 1L, ops) == 1 ? 0 : -errno;
}

/* 1: it ended with *ret_res, bytes or -errno; 0: not in time */
static int
wait_end(struct link_ffs *f, int timeout_ms, int64_t *ret_res)
{
	struct pollfd p = { .fd = f->done, .events = POLLIN };
	struct io_event e;
	uint64_t n;
	int k;

	do
		k = poll(&p, 1, timeout_ms);
	while (k < 0 && errno == EINTR);
	if (k <= 0 || read(f->done, &n, sizeof(n)) != (ssize_t)sizeof(n) ||
	    syscall(SYS_io_getevents, f->aio, 0L, 1L, &e, NULL) != 1)
		return 0;
	*ret_res = e.res;
	return 1;
}

/* What it had is lost. */
static void
cancel(struct link_ffs *f)
{
	struct io_event e;
	int64_t res;

	(void)syscall(SYS_io_cancel, f->aio, &f->op, &e);
	(void)wait_end(f, CANCEL_MS, &res);
}

static int
transfer(struct link_ffs *f, int fd, uint16_t opcode, void *buf, size_t n,
    int timeout_ms, struct diag *d)
{
	int64_t res = begin(f, fd, opcode, buf, n);

	if (res == 0 && wait_end(f, timeout_ms, &res) == 0) {
		cancel(f);
		return diag_fail(d, CS_E_LINK_TIME, "a host at the cable",
		    "none for %d ms", timeout_ms);
	}
	if (res == (int64_t)n)
		return 0;
	if (res >= 0)
		return diag_fail(d, CS_E_LINK_SHORT, "whole cells",
		    "%lld of %zu bytes", (long long)res, n);
	return diag_fail(d, CS_E_LINK_GONE, "a host at the cable", "error %lld",
	    (long long)-res);
}

static int
ffs_send(void *arg, const void *cells, size_t n, int timeout_ms, struct diag *d)
{
	struct link_ffs *f = arg;

	return transfer(f, f->in, IOCB_CMD_PWRITE, (void *)(uintptr_t)cells,
	    n * LINK_CELL, timeout_ms, d);
}

static int
ffs_recv(void *arg, void *cells, size_t n, int timeout_ms, struct diag *d)
{
	struct link_ffs *f = arg;

	if (!f->have)
		return transfer(f, f->out, IOCB_CMD_PREAD, cells, n * LINK_CELL,
		    timeout_ms, d);
	/* the one that event() told of */
	f->have = false;
	if (n != 1)
		return diag_fail(d, CS_E_INTERNAL, "one cell", "%zu", n);
	memcpy(cells, f->cell, LINK_CELL);
	return 0;
}

/* Until nothing has come for a while: the next byte begins a cell. */
static void
quiet(struct link_ffs *f)
{
	unsigned i;
	int r = 0;

	f->have = false;
	if (f->reading)
		cancel(f);
	f->reading = false;
	for (i = 0; i < QUIET_MAX && f->enabled && r != CS_E_LINK_TIME &&
	     r != CS_E_LINK_GONE;
	     i++)
		r = transfer(f, f->out, IOCB_CMD_PREAD, f->cell, LINK_CELL,
		    QUIET_MS, NULL);
}

static int
ffs_drain(void *arg, struct diag *d)
{
	(void)d;
	quiet(arg);
	return 0;
}

static void
ffs_close(void *arg)
{
	struct link_ffs *f = arg;

	(void)syscall(SYS_io_destroy, f->aio);
	close_fdp(&f->done);
	close_fdp(&f->in);
	close_fdp(&f->out);
	close_fdp(&f->ep0);
}

static const struct link_ops ffs_ops = { ffs_send, ffs_recv, ffs_drain,
	ffs_close };

static void
port_fds(void *arg, struct pollfd *p)
{
	struct link_ffs *f = arg;

	if (f->enabled && !f->reading && !f->have) {
		f->reading =
		    begin(f, f->out, IOCB_CMD_PREAD, f->cell, LINK_CELL) == 0;
		f->enabled = f->reading;
	}
	p[0] = (struct pollfd){ .fd = f->ep0, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = f->done, .events = POLLIN };
}

/* No request is ours: the wrong direction is how a stall is asked for. */
static void
stall(struct link_ffs *f, const struct usb_ctrlrequest *s)
{
	ssize_t n;

	if ((s->bRequestType & USB_DIR_IN) != 0)
		n = read(f->ep0, NULL, 0);
	else
		n = write(f->ep0, NULL, 0);
	(void)n;
}

/* true: whoever was there is gone */
static bool
on_event(struct link_ffs *f)
{
	struct usb_functionfs_event e;

	if (read(f->ep0, &e, sizeof(e)) != (ssize_t)sizeof(e))
		return false;
	switch (e.type) {
	case FUNCTIONFS_ENABLE:
		f->enabled = true;
		return false;
	case FUNCTIONFS_DISABLE:
	case FUNCTIONFS_UNBIND:
		f->enabled = false;
		return true;
	case FUNCTIONFS_SETUP:
		stall(f, &e.u.setup);
		return false;
	default:
		return false;
	}
}

static int
port_event(void *arg, const struct pollfd *p, bool *ret_cell, bool *ret_lost,
    struct diag *d)
{
	struct link_ffs *f = arg;
	int64_t res;

	(void)d;
	*ret_lost = (p[0].revents & POLLIN) != 0 && on_event(f);
	if ((p[1].revents & POLLIN) != 0 && wait_end(f, 0, &res) == 1) {
		f->reading = false;
		f->have = res == LINK_CELL;
		/* not configured yet, or no more: ENABLE will come */
		if (res < 0)
			f->enabled = false;
	}
	*ret_cell = f->have;
	return 0;
}

static void
port_drop(void *arg)
{
	quiet(arg);
}

int
link_ffs_port(struct link_ffs *f, int ep0, int in, int out,
    struct link_port *ret, struct diag *d)
{
	*f = (struct link_ffs){ .ep0 = ep0, .in = in, .out = out };
	f->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->done < 0 || syscall(SYS_io_setup, 2L, &f->aio) != 0)
		return diag_errno(d, CS_E_LINK_IO, "asynchronous I/O");
	*ret = (struct link_port){ &ffs_ops, f, f, port_fds, port_event,
		port_drop };
	return 0;
}
