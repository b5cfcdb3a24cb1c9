/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_LINK_H
#define CS_LINK_H

#include "lib/err.h"

/*
 * Cells and sessions of the USB link, PROTOCOL.link.  What carries cells is
 * a struct link_ops: libusb (link_usb.h), FunctionFS (link_ffs.h), a stream
 * socket (link_stream.h).
 */
#define LINK_CELL	4096u
#define LINK_HEAD	40u
#define LINK_DATA	(LINK_CELL - LINK_HEAD - 4u)	/* bytes in one cell */
#define LINK_RUN	16u	/* cells that may go in one transfer */
#define LINK_NONCE	8u

/* for the next cell of a message, and for an answer: ms */
#define LINK_CELL_MS	2000
#define LINK_ANSWER_MS	10000

/*
 * Whole cells only, n of 1 to LINK_RUN.  0, or CS_E_LINK_* with d filled.
 * recv takes all of them before the deadline (ms from now, -1: none) or
 * fails: CS_E_LINK_TIME if nothing at all came, CS_E_LINK_SHORT if less.
 */
struct link_ops {
	int (*send)(void *arg, const void *cells, size_t n, int timeout_ms,
	    struct diag *d);
	int (*recv)(void *arg, void *cells, size_t n, int timeout_ms,
	    struct diag *d);
	/* throws away what still lies in the cable */
	int (*drain)(void *arg, struct diag *d);
	void (*close)(void *arg);
};

enum link_side {
	LINK_HOST = 1,		/* also the direction of its cells */
	LINK_APPLIANCE = 2,
};

enum link_type {
	LINK_HELLO = 1,		/* the first of a session, both ways */
	LINK_BUSY,		/* another host is here: no session */
	LINK_BYTES,		/* a part of what the cell before it announced */
	LINK_STATUS,
	LINK_PUT,
	LINK_PART,
	LINK_GET,
	LINK_END,
	LINK_NO,		/* instead of an answer: why */
	LINK_TYPE_COUNT
};

struct link {
	const struct link_ops *ops;
	void *arg;
	enum link_side side;
	bool open;		/* a session is; any error ends it */
	uint8_t session[2 * LINK_NONCE];	/* the host's, the appliance's */
	uint64_t sent, received;	/* cells of this session */
	uint8_t *run;		/* LINK_RUN cells */
};

int link_init(struct link *l, enum link_side side, const struct link_ops *ops,
    void *arg, struct diag *d) CS_WUR;
/* closes the cable, too */
void link_done(struct link *l);

/* --- cells: pure, for the tests and the fuzzer ------------------------- */
struct link_cell {
	uint8_t session[2 * LINK_NONCE];
	uint64_t seq;
	uint8_t side, type;
	uint16_t len;
};
/* cell: LINK_CELL bytes; data may be in it already at its place */
void link_cell_make(const struct link_cell *c, const void *data,
    uint8_t *cell);
/* Its CRC32C, of whatever is in it */
void link_cell_seal(uint8_t *cell);
/*
 * Constructs what must have come and compares: only type and length are
 * read.  *ret_data points into cell.
 */
int link_cell_check(const uint8_t *cell, const struct link_cell *want,
    uint8_t *ret_type, const uint8_t **ret_data, size_t *ret_len,
    struct diag *d) CS_WUR;
/* A host's first cell of any session? Then its nonce. */
bool link_cell_is_hello(const uint8_t *cell, uint8_t ret_nonce[LINK_NONCE]);

/* --- sessions ----------------------------------------------------------- */
/* The host: drain, hello, answer.  Cells of old sessions are thrown away. */
int link_connect(struct link *l, struct diag *d) CS_WUR;
/* The appliance, when such a cell came */
int link_accept(struct link *l, const uint8_t nonce[LINK_NONCE],
    struct diag *d) CS_WUR;
/* The appliance, instead of a session */
int link_say_busy(struct link *l, struct diag *d) CS_WUR;

/* One cell; every error ends the session. */
int link_send(struct link *l, enum link_type type, const void *data,
    size_t len, struct diag *d) CS_WUR;
/* data: LINK_DATA bytes */
int link_recv(struct link *l, int timeout_ms, uint8_t *ret_type,
    uint8_t *data, size_t *ret_len, struct diag *d) CS_WUR;
/* a cell that has come already; data as above */
int link_take(struct link *l, const uint8_t *cell, uint8_t *ret_type,
    uint8_t *data, size_t *ret_len, struct diag *d) CS_WUR;
/* n bytes in as many LINK_BYTES cells as they need */
int link_send_bytes(struct link *l, const void *p, size_t n, struct diag *d)
    CS_WUR;
int link_recv_bytes(struct link *l, void *p, size_t n, struct diag *d) CS_WUR;

#endif
