/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_CORE_LINK_H
#define CS_CORE_LINK_H

#include "appliance/core.h"

/*
 * The USB link: closed until somebody types "link open", and again at each
 * start.  It carries what a stick would: a bundle that somebody at the
 * console waits for, and the files of an export while somebody waits for
 * them to be fetched.  c->link is the socket of coldseal-link, or -1.
 */

/* CS_E_LINK_NOT_OPEN; one that has died meanwhile is closed, and logged. */
int link_need(struct core *c, struct diag *d) CS_WUR;

/* An intake that reads from the link; *ret_sock is its socket. */
int link_take(struct core *c, int *ret_sock, struct diag *d) CS_WUR;
/*
 * helper_recv() for one whose work waits for a host; sock -1: the link's own
 * answer.  An Enter at the console ends it: CS_E_LINK_STOPPED.
 */
int link_wait(struct core *c, int sock, uint16_t fail_type, const char *who,
    struct ipc_msg *ret, struct diag *d) CS_WUR;
/* The intake has read all: is that what was announced? */
int link_all_taken(struct core *c, struct diag *d) CS_WUR;
/*
 * For the host: taken in (why NULL), or refused; what has only to do with the
 * link is a link_stop(), and the bundle may come again.
 */
int link_result(struct core *c, const struct diag *why, const char *text)
    CS_WUR;
/*
 * Nothing was taken or left; but true if it is too late, and *ret is the
 * message of type late.  ret may be NULL.
 */
bool link_stop(struct core *c, uint16_t late, struct ipc_msg *ret);

/* With a leaf; reason is for the log */
int link_close(struct core *c, const char *reason, struct diag *d) CS_WUR;

#endif
