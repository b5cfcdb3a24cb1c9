/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_LINK_STREAM_H
#define CS_LINK_STREAM_H

#include "usb-transfer/link.h"
#include "usb-transfer/link_port.h"

/*
 * A stream socket as the cable: rehearsals and tests.  A new connection is a
 * new cable, with nothing in it.
 */
struct link_stream {
	int fd;		/* taken by close */
};
extern const struct link_ops link_stream_ops;

/* The host: CS_E_LINK_CLOSED if nobody listens at path */
int link_stream_connect(const char *path, struct link_stream *ret,
    struct diag *d) CS_WUR;

/* The appliance: a listening socket; one connection at a time. */
struct link_listener {
	int listen_fd;
	struct link_stream conn;
};
/* Arguments of *ret point to l. */
void link_listener_port(struct link_listener *l, int listen_fd,
    struct link_port *ret);

#endif
