/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/cable.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/ipc.h"

void
cable_done(struct cable *c)
{
	link_done(&c->l);
}

void
cable_wait(const char *for_what, bool *told)
{
	const struct timespec t = { 0, CABLE_POLL_MS * 1000000L };

	if (!*told)
		(void)fprintf(stderr, "waiting: %s\n", for_what);
	*told = true;
	(void)nanosleep(&t, NULL);
}

/* The cable, without a word over it. */
static int
plug(struct cable *c, const char *device, struct diag *d)
{
	int r;

	if (device == NULL || strcmp(device, "usb") == 0 ||
	    strncmp(device, "usb:", 4) == 0) {
		r = link_usb_open(device == NULL || device[3] == '\0' ?
			NULL :
			device + 4,
		    &c->usb, d);
		return r == 0 ?
		    link_init(&c->l, LINK_HOST, &link_usb_ops, &c->usb, d) :
		    r;
	}
	if (strncmp(device, "unix:/", 6) != 0)
		return diag_fail(d, CS_E_LINK_ADDRESS, CABLE_DEVICE, "%s",
		    device);
	r = link_stream_connect(device + 5, &c->stream, d);
	return r == 0 ?
	    link_init(&c->l, LINK_HOST, &link_stream_ops, &c->stream, d) :
	    r;
}

int
cable_open(const char *device, bool wait, struct cable *ret, struct diag *d)
{
	bool told = false;
	int r;

	for (;;) {
		*ret = (struct cable){ .stream.fd = -1 };
		r = plug(ret, device, d);
		if (r == 0)
			r = link_connect(&ret->l, d);
		if (r == 0)
			return 0;
		cable_done(ret);
		if (!wait || (r != CS_E_LINK_CLOSED && r != CS_E_LINK_BUSY))
			return r;
		cable_wait(r == CS_E_LINK_BUSY ?
			"another program uses the link" :
			"type link open at the appliance",
		    &told);
	}
}

/* The appliance's own words. */
static int
refused(const uint8_t *p, size_t n, struct diag *d)
{
	struct rd r = RD_INIT(p, n);
	struct diag theirs = { 0 };

	if (ipc_get_diag(&r, &theirs) != 0 || rd_end(&r) != 0)
		return diag_fail(d, CS_E_LINK_REQUEST, "a reason", "none");
	if (d != NULL)
		*d = theirs;
	return theirs.code;
}

int
cable_answer(struct cable *c, enum link_type type, struct buf *answer,
    struct diag *d)
{
	uint8_t data[LINK_DATA], got = 0;
	size_t n = 0;
	int r;

	r = link_recv(&c->l, LINK_ANSWER_MS, &got, data, &n, d);
	if (r != 0)
		return r;
	if (got == LINK_NO)
		return refused(data, n, d);
	if (got != (uint8_t)type)
		return diag_fail(d, CS_E_LINK_TYPE, "an answer of type", "%u",
		    got);
	buf_reset(answer);
	return buf_put(answer, data, n);
}

int
cable_ask(struct cable *c, enum link_type type, const struct buf *body,
    struct buf *answer, struct diag *d)
{
	int r = link_send(&c->l, type, body == NULL ? NULL : body->p,
	    body == NULL ? 0 : body->len, d);

	return r == 0 ? cable_answer(c, type, answer, d) : r;
}

int
cable_status(struct cable *c, struct link_status *ret, struct diag *d)
{
	struct buf answer = BUF_INIT(LINK_DATA);
	struct rd rd;
	int r;

	r = cable_ask(c, LINK_STATUS, NULL, &answer, d);
	rd = (struct rd)RD_INIT(answer.p, answer.len);
	if (r == 0)
		r = link_status_get(&rd, ret, d);
	buf_done(&answer);
	return r;
}
