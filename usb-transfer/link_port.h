/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_LINK_PORT_H
#define CS_LINK_PORT_H

#include <poll.h>

#include "usb-transfer/link.h"

/* The appliance's end: what to wait for until a host says something. */
#define LINK_PORT_FDS	2u

struct link_port {
	const struct link_ops *ops;
	void *cable;	/* the argument of ops */
	void *arg;	/* of what follows */
	/* what to poll for, LINK_PORT_FDS of them, fd -1 for none */
	void (*fds)(void *arg, struct pollfd *p);
	/*
	 * After the poll.  *ret_cell: recv() has one, soon; *ret_lost: the host
	 * is gone, and its session with it.  An error: the port is gone.
	 */
	int (*event)(void *arg, const struct pollfd *p, bool *ret_cell,
	    bool *ret_lost, struct diag *d);
	/* A session ended badly: cells that are on their way are old. */
	void (*drop)(void *arg);
};

#endif
