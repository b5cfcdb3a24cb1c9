/* SPDX-License-Identifier: Apache-2.0 */

/*
 * coldseal-link: the appliance's end of the cable.  It has the core's socket,
 * the cable's descriptors and no key; it opens nothing.  lib/proto_link.h has
 * the core's messages, PROTOCOL.link what a host may say.
 *
 *	wait for core, cable or pipe
 *	  core: a bundle is wanted, files, stop, result
 *	  cable: hello -> a session; a request -> its answer
 *	  a session that errs, or is silent, ends; the next hello begins anew
 *
 * argv: the appliance's name, and how many seconds it waits for a host.
 */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "lib/ipc.h"
#include "lib/proto.h"
#include "lib/proto_link.h"
#include "lib/sandbox.h"
#include "usb-transfer/link_ffs.h"
#include "usb-transfer/link_port.h"
#include "usb-transfer/link_stream.h"
#include "usb-transfer/linkd.h"

#define IDLE_MS	   30000 /* of a session without a request */
#define WAIT_MAX_S 86400

int64_t
linkd_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
fill_status(const struct linkd *x, struct link_status *st)
{
	const struct take *t = &x->take;

	(void)snprintf(st->appliance, sizeof(st->appliance), "%s",
	    x->appliance);
	st->intake = (uint8_t)t->state;
	st->bundle = t->bundle;
	st->have = t->have;
	st->why = t->why;
	memcpy(st->text, t->text, sizeof(st->text));
	give_status(x, st);
}

static int
answer_status(struct linkd *x, const struct rd *r, struct buf *answer,
    struct diag *d)
{
	struct link_status st = { 0 };

	if (rd_end(r) != 0)
		return diag_fail(d, CS_E_LINK_REQUEST, "no body", "%zu bytes",
		    r->left);
	fill_status(x, &st);
	return link_status_put(answer, &st);
}

/* What a host did wrong is said to it; all else ends the session. */
static bool
may_be_said(int r)
{
	switch (r) {
	case CS_E_LINK_OTHER:
	case CS_E_LINK_OFFSET:
	case CS_E_LINK_DIGEST:
	case CS_E_LINK_NO_FILE:
		return true;
	default:
		return false;
	}
}

static int
say_no(struct link *l, const struct diag *why, struct diag *d)
{
	struct buf b = BUF_INIT(LINK_BODY_MAX);
	int r = ipc_put_diag(&b, why);

	if (r == 0)
		r = link_send(l, LINK_NO, b.p, b.len, d);
	buf_done(&b);
	return r;
}

int
linkd_answer(struct linkd *x, struct link *l, uint8_t type, const uint8_t *body,
    size_t len, struct diag *d)
{
	struct buf answer = BUF_INIT(LINK_BODY_MAX);
	struct rd r = RD_INIT(body, len);
	struct diag why = { 0 };
	int e;

	switch (type) {
	case LINK_STATUS:
		e = answer_status(x, &r, &answer, &why);
		break;
	case LINK_PUT:
		e = take_put(x, &r, &answer, &why);
		break;
	case LINK_PART:
		e = take_part(x, l, &r, &answer, &why);
		break;
	case LINK_GET:
		e = give_get(x, l, &r, &why);
		break;
	case LINK_END:
		e = give_end(x, &r, &why);
		break;
	default:
		e = diag_fail(&why, CS_E_LINK_TYPE, "a request", "type %u",
		    type);
	}
	if (e == 0 && type != LINK_GET)
		e = link_send(l, (enum link_type)type, answer.p, answer.len,
		    &why);
	else if (may_be_said(e))
		e = say_no(l, &why, &why);
	buf_done(&answer);
	if (e != 0 && d != NULL)
		*d = why;
	return e;
}

struct cable {
	struct link_port port;
	struct link_listener listener;
	struct link_ffs ffs;
	struct link l;
	int64_t idle; /* the session ends then */
};

static void
drop(struct cable *c)
{
	c->l.open = false;
	c->port.drop(c->port.arg);
}

/* One cell, and what it asks for. */
static int
serve(struct linkd *x, struct cable *c)
{
	uint8_t cell[LINK_CELL], body[LINK_DATA], nonce[LINK_NONCE], type = 0;
	struct diag d = { 0 };
	size_t len = 0;
	int r;

	r = c->port.ops->recv(c->port.cable, cell, 1, LINK_CELL_MS, &d);
	if (r == 0 && link_cell_is_hello(cell, nonce)) {
		r = link_accept(&c->l, nonce, &d);
	} else if (r == 0) {
		r = link_take(&c->l, cell, &type, body, &len, &d);
		if (r == 0)
			r = linkd_answer(x, &c->l, type, body, len, &d);
	}
	c->idle = linkd_now() + IDLE_MS;
	if (r != 0)
		drop(c);
	/* without the core, there is nothing to be here for */
	return r == CS_E_IPC ? r : 0;
}

static int
on_core(struct linkd *x, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct rd r;

	if (ipc_recv(LINKD_SOCK, &m, IPC_NO_TIMEOUT) != 0)
		return 1;
	r = (struct rd)RD_INIT(m.body.p, m.body.len);
	switch (m.type) {
	case LINK_TAKE:
		return take_begin(x, &m.fd, d);
	case LINK_RESULT:
		return take_result(x, &r, d);
	case LINK_STOP:
		take_stop(x);
		if (!x->give.done)
			give_stop(x);
		return ipc_send(LINKD_SOCK, LINK_STOP, NULL, 0, -1);
	case LINK_BYE:
		return 1;
	case EXPORT_FILE:
	case EXPORT_PACK:
	case EXPORT_MEMBER:
	case EXPORT_COMMIT:
		return give_message(x, &m, d);
	default:
		return diag_fail(d, CS_E_IPC, "a known message", "%#x", m.type);
	}
}

static bool
is_over(int64_t deadline)
{
	return deadline != 0 && linkd_now() >= deadline;
}

static int
deadlines(struct linkd *x, struct cable *c)
{
	struct diag why = { 0 };
	int r = 0;

	(void)diag_fail(&why, CS_E_LINK_DEADLINE, "a host that goes on",
	    "nothing for %" PRId64 " s", x->wait_ms / 1000);
	if (is_over(x->take.deadline))
		r = take_fail(x, &why);
	if (r == 0 && is_over(x->give.deadline))
		r = give_fail(x, &why);
	if (c->l.open && is_over(c->idle))
		drop(c);
	return r;
}

static int
timeout_of(const struct linkd *x, const struct cable *c)
{
	const int64_t v[] = { x->take.deadline, x->give.deadline,
		c->l.open ? c->idle : 0 };
	int64_t now = linkd_now(), first = 0;
	size_t i;

	if (x->give.state == LINK_OUT_PREPARING)
		return 0;
	for (i = 0; i < ARRAY_LEN(v); i++)
		if (v[i] != 0 && (first == 0 || v[i] < first))
			first = v[i];
	if (first == 0)
		return -1;
	return first <= now ? 0 : (int)(first - now);
}

static int
on_cable(struct linkd *x, struct cable *c, const struct pollfd *p,
    struct diag *d)
{
	bool cell, lost;
	int r;

	r = c->port.event(c->port.arg, p, &cell, &lost, d);
	if (r == 0 && lost)
		c->l.open = false;
	return r == 0 && cell ? serve(x, c) : r;
}

/* 1: the core wants no more */
static int
turn(struct linkd *x, struct cable *c, struct diag *d)
{
	struct pollfd p[2 + LINK_PORT_FDS] = {
		{ .fd = LINKD_SOCK, .events = POLLIN },
		{ .fd = x->take.pipe, .events = x->take.len > 0 ? POLLOUT : 0 },
	};
	int r = 0;

	c->port.fds(c->port.arg, p + 2);
	if (poll(p, ARRAY_LEN(p), timeout_of(x, c)) < 0 && errno != EINTR)
		return diag_errno(d, CS_E_IO, "poll");
	if (p[0].revents != 0)
		r = on_core(x, d);
	if (r == 0 && x->take.pipe >= 0 && (p[1].revents & POLLERR) != 0 &&
	    x->take.state == LINK_TAKING && x->take.len == 0) {
		/* the intake needs no more */
		close_fdp(&x->take.pipe);
		x->take.state = LINK_JUDGING;
		x->take.deadline = 0;
	} else if (r == 0 && (p[1].revents & (POLLOUT | POLLERR)) != 0) {
		r = take_move(x, d);
	}
	if (r == 0)
		r = on_cable(x, c, p + 2, d);
	if (r == 0 && x->give.state == LINK_OUT_PREPARING)
		r = give_step(x, d);
	return r == 0 ? deadlines(x, c) : r;
}

static int
open_cable(struct cable *c, struct diag *d)
{
	int accepts = 0;
	socklen_t n = sizeof(accepts);
	int r = 0;

	if (getsockopt(LINKD_CABLE, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &n) ==
		0 &&
	    accepts == 1)
		link_listener_port(&c->listener, LINKD_CABLE, &c->port);
	else
		r = link_ffs_port(&c->ffs, LINKD_CABLE, LINKD_CABLE + 1,
		    LINKD_CABLE + 2, &c->port, d);
	return r == 0 ?
	    link_init(&c->l, LINK_APPLIANCE, c->port.ops, c->port.cable, d) :
	    r;
}

static int
run(struct linkd *x, struct diag *d)
{
	struct cable c = { 0 };
	int r;

	x->take.buf = malloc(LINK_PART_MAX);
	x->give.buf = malloc(LINK_PART_MAX);
	if (x->take.buf == NULL || x->give.buf == NULL)
		return diag_nomem(d);
	r = open_cable(&c, d);
	while (r == 0)
		r = turn(x, &c, d);
	link_done(&c.l);
	return r == 1 ? 0 : r;
}

/* 1 to WAIT_MAX_S */
static int64_t
seconds(const char *s)
{
	int64_t v = 0;

	for (; *s >= '0' && *s <= '9' && v <= WAIT_MAX_S; s++)
		v = v * 10 + (*s - '0');
	return *s == '\0' && v <= WAIT_MAX_S ? v : 0;
}

int
main(int argc, char **argv)
{
	static struct linkd x = { .take.pipe = -1, .give.out = OUTFILES_INIT };
	struct diag d = { 0 };
	int r;

	if (argc != 3 || (x.wait_ms = seconds(argv[2]) * 1000) == 0)
		return CS_EXIT_USAGE;
	x.appliance = argv[1];
	(void)signal(SIGPIPE, SIG_IGN);
	r = sandbox_enter(SANDBOX_LINK, &d);
	if (r == 0)
		r = run(&x, &d);
	if (r != 0 && d.code == 0)
		(void)diag_fail(&d, r, NULL, "link");
	/* whatever the core waits for will not come */
	if (r != 0)
		cs_ignore(take_fail(&x, &d));
	take_stop(&x);
	give_stop(&x);
	free(x.take.buf);
	free(x.give.buf);
	return r == 0 ? CS_EXIT_OK : CS_EXIT_REFUSED;
}
