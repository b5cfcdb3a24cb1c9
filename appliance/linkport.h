/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_LINKPORT_H
#define CS_LINKPORT_H

#include "lib/err.h"

/*
 * The appliance's end of the link, opened for coldseal-link:
 *
 *	unix:/PATH			a socket as the cable, for rehearsals
 *	ffs:/DIR[,/GADGET,UDC]		a mounted FunctionFS; with GADGET, a
 *					folder of configfs, it is bound to UDC
 *
 * The kernel unbinds the gadget when the last descriptor of it is closed.
 */
#define LINKPORT_FDS	3u

/* One descriptor, or ep0 and its two endpoints, to and from the host. */
int linkport_open(const char *address, int ret_fds[LINKPORT_FDS],
    size_t *ret_n, struct diag *d) CS_WUR;

#endif
