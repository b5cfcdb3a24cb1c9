/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_LINKD_H
#define CS_LINKD_H

#include "usb-transfer/link.h"
#include "usb-transfer/link_req.h"
#include "usb-transfer/outfiles.h"

/*
 * coldseal-link: the appliance's end of the link, between a cable, the core
 * and the pipe to an intake.  linkd.c waits, linkd_take.c is the way in,
 * linkd_give.c the way out.
 */
#define LINKD_SOCK	3	/* the core */
#define LINKD_CABLE	4	/* listening socket, or ep0, and then ep1, ep2 */

struct take {
	enum link_intake state;
	struct link_bundle bundle;
	uint64_t have;		/* accepted; at most LINK_PART_MAX of it not
				 * yet in the pipe */
	int pipe;		/* to the intake, not blocking; -1: none */
	struct hasher *hash;
	uint8_t *buf;		/* LINK_PART_MAX */
	size_t at, len;		/* what is to go into the pipe */
	bool told;		/* the core heard that it is all */
	int64_t deadline;	/* of the next byte; 0: none */
	struct diag why;
	char text[LINK_TEXT_MAX + 1];
};

struct give {
	struct outfiles out;
	enum link_out state;
	size_t i;		/* that is being hashed */
	uint64_t off;
	struct hasher *hash;
	uint8_t sha256[OUTFILES_MAX][CS_SHA256_LEN];
	uint64_t sent[OUTFILES_MAX];	/* up to where, for the progress */
	bool ended[OUTFILES_MAX];	/* the host has it */
	bool done;		/* and the core knows */
	int64_t deadline;	/* of the next request for a part; 0: none */
	uint8_t *buf;		/* LINK_PART_MAX */
	int64_t told_ms;
};

struct linkd {
	const char *appliance;
	int64_t wait_ms;	/* for a host's next byte */
	struct take take;
	struct give give;
};

int64_t linkd_now(void);
/* A request's answer: type and body */
int linkd_answer(struct linkd *x, struct link *l, uint8_t type,
    const uint8_t *body, size_t len, struct diag *d) CS_WUR;

/* --- the way in --- */
/* fd is taken */
int take_begin(struct linkd *x, int *fd, struct diag *d) CS_WUR;
/* Moves bytes into the pipe as far as it takes them. */
int take_move(struct linkd *x, struct diag *d) CS_WUR;
/* The core is told why; CS_E_IPC if it cannot be. */
int take_fail(struct linkd *x, const struct diag *why) CS_WUR;
void take_stop(struct linkd *x);
int take_result(struct linkd *x, struct rd *r, struct diag *d) CS_WUR;
int take_put(struct linkd *x, struct rd *r, struct buf *answer,
    struct diag *d) CS_WUR;
int take_part(struct linkd *x, struct link *l, struct rd *r,
    struct buf *answer, struct diag *d) CS_WUR;

/* --- the way out --- */
int give_message(struct linkd *x, struct ipc_msg *m, struct diag *d) CS_WUR;
/* One step of preparing; then the state is another */
int give_step(struct linkd *x, struct diag *d) CS_WUR;
int give_fail(struct linkd *x, const struct diag *why) CS_WUR;
void give_stop(struct linkd *x);
/* Sends the answer, too; 1 if l's session is over */
int give_get(struct linkd *x, struct link *l, struct rd *r, struct diag *d)
    CS_WUR;
int give_end(struct linkd *x, struct rd *r, struct diag *d) CS_WUR;
void give_status(const struct linkd *x, struct link_status *st);

#endif
