/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_CABLE_H
#define CS_CABLE_H

#include "usb-transfer/link.h"
#include "usb-transfer/link_req.h"
#include "usb-transfer/link_stream.h"
#include "usb-transfer/link_usb.h"

/*
 * The host's end of a link to an appliance: one session, one request after
 * the other.
 */
struct cable {
	struct link l;
	struct link_usb usb;
	struct link_stream stream;
};

#define CABLE_DEVICE \
	"usb (default), usb:BUS-PORT, or unix:/PATH of a rehearsal"
#define CABLE_POLL_MS	100

void cable_done(struct cable *c);
#define _cleanup_cable_ _cleanup_(cable_done)

/*
 * device: as above, NULL for usb.  wait: until the link is open and nobody
 * else's.
 */
int cable_open(const char *device, bool wait, struct cable *ret,
    struct diag *d) CS_WUR;

/*
 * A request without bytes after it; *answer is what the answer holds.  What
 * the appliance refuses is its own diag.
 */
int cable_ask(struct cable *c, enum link_type type, const struct buf *body,
    struct buf *answer, struct diag *d) CS_WUR;
/* After a request that was sent otherwise */
int cable_answer(struct cable *c, enum link_type type, struct buf *answer,
    struct diag *d) CS_WUR;
int cable_status(struct cable *c, struct link_status *ret, struct diag *d)
    CS_WUR;

/* Once in *told: on stderr, why nothing happens; then a short sleep. */
void cable_wait(const char *for_what, bool *told);

#endif
