/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_IPC_H
#define CS_IPC_H

#include "lib/buf.h"

/*
 * Messages between coldseal processes: one SOCK_SEQPACKET datagram each,
 * type (u16), then the body; at most IPC_MAX bytes; at most one descriptor.
 * Larger data travels as a sealed memfd.  Which message may come when is a
 * const table in each program; see appliance/README.privsep.
 */
#define IPC_MAX		65536u
#define IPC_NO_TIMEOUT	(-1)

struct ipc_msg {
	uint16_t type;
	struct buf body;	/* max is IPC_MAX - 2 */
	int fd;			/* -1, or owned by the message */
};

#define IPC_MSG_INIT	{ .body = { .max = IPC_MAX - 2 }, .fd = -1 }

void ipc_msg_done(struct ipc_msg *m);
#define _cleanup_msg_ _cleanup_(ipc_msg_done)

/* A connected pair, both ends close-on-exec. */
int ipc_pair(int ret_fd[2]) CS_WUR;

/* fd is not taken; -1 for none. */
int ipc_send(int sock, uint16_t type, const void *body, size_t len, int fd)
    CS_WUR;
int ipc_send_buf(int sock, uint16_t type, const struct buf *body, int fd)
    CS_WUR;
/*
 * Waits up to timeout_ms.  0, CS_E_IPC (peer gone: *ret untouched, timeout,
 * malformed, more than one descriptor).
 */
int ipc_recv(int sock, struct ipc_msg *ret, int timeout_ms) CS_WUR;

/*
 * A struct diag on the wire: check ID, found, expected.  It always stands for
 * a failure: code 0 is neither sent (CS_E_INTERNAL) nor taken (CS_E_IPC), nor
 * is an unknown check ID or a text that is not printable ASCII.
 */
int ipc_put_diag(struct buf *b, const struct diag *d) CS_WUR;
int ipc_get_diag(struct rd *r, struct diag *ret) CS_WUR;

/*
 * A table row: message type, direction is by table, and whether the message
 * may come again.  ipc_permit() answers 0 and marks it used, or CS_E_IPC.
 */
struct ipc_rule {
	uint16_t type;
	bool once;
};
struct ipc_state {
	const struct ipc_rule *rules;
	size_t count;
	uint64_t used;		/* bit i: rule i was used */
};
int ipc_permit(struct ipc_state *s, uint16_t type) CS_WUR;

#endif
