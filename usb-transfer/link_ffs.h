/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_LINK_FFS_H
#define CS_LINK_FFS_H

#include <linux/aio_abi.h>

#include "usb-transfer/link.h"
#include "usb-transfer/link_port.h"

/*
 * The appliance's end of a USB cable: the endpoint files of FunctionFS, which
 * others opened (not blocking), their descriptors written.  One transfer at a
 * time, by asynchronous I/O, since endpoint files can be neither polled nor
 * read with a deadline.
 */
struct link_ffs {
	int ep0, in, out;	/* to the host, from the host */
	int done;		/* eventfd: a transfer ended */
	aio_context_t aio;
	struct iocb op;		/* the one that is under way */
	bool enabled;		/* a host has configured us */
	bool reading;		/* op waits for a host's next cell */
	bool have;		/* which is here: */
	uint8_t cell[LINK_CELL];
};

/* The descriptors are taken.  Needs SANDBOX_LINK's io_* calls. */
int link_ffs_port(struct link_ffs *f, int ep0, int in, int out,
    struct link_port *ret, struct diag *d) CS_WUR;

#endif
