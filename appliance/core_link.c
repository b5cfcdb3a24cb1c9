/* SPDX-License-Identifier: Apache-2.0 */

/*
 *	closed -> link open (leaf) -> open -> link close, shutdown, or
 *	coldseal-link has died (leaf) -> closed
 *
 * While it is open, coldseal-link answers a host by itself; it says nothing
 * to the core but in answer to TAKE and COMMIT.
 */

#include "appliance/core_link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "lib/proto.h"
#include "lib/proto_link.h"

#define WHO    "coldseal-link"
#define BYE_MS 10000
#define PROMPT "waiting for a host at the link; Enter stops it: "

static int
log_close(struct core *c, const char *reason, struct diag *d)
{
	close_fdp(&c->link);
	return core_log_one(c, "link.close",
	    json_pack("{s:s}", "reason", reason), d);
}

int
link_close(struct core *c, const char *reason, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;

	if (c->link < 0)
		return 0;
	/* its end is seen here: nothing uses the cable any more */
	if (ipc_send(c->link, LINK_BYE, NULL, 0, -1) == 0)
		while (ipc_recv(c->link, &m, BYE_MS) == 0)
			;
	return log_close(c, reason, d);
}

/* It says nothing that was not asked for: readable means that it is gone. */
static bool
is_gone(int sock)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

int
link_need(struct core *c, struct diag *d)
{
	int r;

	if (c->link >= 0 && is_gone(c->link)) {
		r = log_close(c, "ended", d);
		if (r != 0)
			return r;
	}
	return c->link >= 0 ?
	    0 :
	    diag_fail(d, CS_E_LINK_NOT_OPEN, "link open", "it is closed");
}

bool
link_stop(struct core *c, uint16_t late, struct ipc_msg *ret)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	bool is_late = false;

	if (c->link < 0 || ipc_send(c->link, LINK_STOP, NULL, 0, -1) != 0)
		return false;
	/* what it said before it heard that */
	while (ipc_recv(c->link, &m, BYE_MS) == 0 && m.type != LINK_STOP) {
		if (ret == NULL || m.type != late)
			continue;
		is_late = true;
		ipc_msg_done(ret);
		*ret = m;
		m = (struct ipc_msg)IPC_MSG_INIT;
	}
	return is_late;
}

int
link_take(struct core *c, int *ret_sock, struct diag *d)
{
	_cleanup_fd_ int sock = -1, pipe = -1;
	int r;

	r = link_need(c, d);
	if (r == 0)
		r = helper_spawn(c, SUP_INTAKE, "link", &sock, &pipe, d);
	if (r != 0)
		return r;
	c->link_all = false;
	if (ipc_send(c->link, LINK_TAKE, NULL, 0, pipe) != 0)
		return diag_fail(d, CS_E_IPC, WHO, "it is gone");
	c->medium = strdup("link"); /* for the leaf */
	if (c->medium == NULL)
		return diag_nomem(d);
	*ret_sock = take_fd(&sock);
	return 0;
}

int
link_result(struct core *c, const struct diag *why, const char *text)
{
	static const int of_link[] = { CS_E_LINK_STOPPED, CS_E_LINK_DEADLINE,
		CS_E_LINK_DIGEST, CS_E_LINK_GONE, CS_E_IPC };
	struct buf b = BUF_INIT(1024);
	size_t i;
	int r;

	for (i = 0; why != NULL && i < ARRAY_LEN(of_link); i++)
		if (why->code == of_link[i]) {
			(void)link_stop(c, 0, NULL);
			return 0;
		}
	r = buf_put_u8(&b, why == NULL ? 1 : 0);
	if (r == 0)
		r = why == NULL ? buf_put_cstr(&b, text) :
				  ipc_put_diag(&b, why);
	if (r == 0)
		r = ipc_send_buf(c->link, LINK_RESULT, &b, -1);
	buf_done(&b);
	return r;
}

/* Enter, or anything else that is typed, ends the wait. */
static int
on_console(struct core *c, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;

	c->asked = false;
	if (ipc_recv(CORE_CON, &m, IPC_NO_TIMEOUT) != 0 ||
	    m.type != CONSOLE_LINE)
		return CS_E_CONSOLE_GONE;
	return diag_fail(d, CS_E_LINK_STOPPED, "a host that is done",
	    "stopped at the console");
}

/* What the link says while an intake reads from it; 0: go on */
static int
on_link(struct core *c, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	int r;

	r = helper_recv(c->link, LINK_FAIL, WHO, &m, d);
	if (r == CS_E_IPC)
		return diag_fail(d, CS_E_LINK_GONE, WHO, "it ended");
	if (r == 0 && m.type != LINK_TAKEN_ALL)
		return diag_fail(d, CS_E_IPC, "TAKEN_ALL", WHO " said %#x",
		    m.type);
	c->link_all = r == 0;
	return r;
}

/* A bundle that ended early: is the cause that coldseal-link died? */
static int
from_intake(struct core *c, int sock, uint16_t fail_type, const char *who,
    struct ipc_msg *ret, struct diag *d)
{
	int r = helper_recv(sock, fail_type, who, ret, d);

	if (r != CS_E_BUNDLE_TRUNCATED)
		return r;
	(void)link_stop(c, 0, NULL);
	return is_gone(c->link) ?
	    diag_fail(d, CS_E_LINK_GONE, WHO, "it ended") :
	    r;
}

int
link_wait(struct core *c, int sock, uint16_t fail_type, const char *who,
    struct ipc_msg *ret, struct diag *d)
{
	struct pollfd p[] = {
		{ .fd = c->link, .events = POLLIN },
		{ .fd = sock, .events = POLLIN },
		{ .fd = CORE_CON, .events = POLLIN },
	};
	int r;

	for (;;) {
		r = ask_later(c, PROMPT);
		if (r != 0)
			return r;
		if (poll(p, ARRAY_LEN(p), -1) < 0 && errno != EINTR)
			return diag_errno(d, CS_E_IPC, "poll");
		/* the link first: what it has to say is the cause */
		if (sock >= 0 && p[0].revents != 0) {
			r = on_link(c, d);
			if (r != 0)
				return r;
			continue;
		}
		if (p[1].revents != 0 && is_gone(c->link))
			continue; /* it has just said something */
		if (p[1].revents != 0)
			return from_intake(c, sock, fail_type, who, ret, d);
		if (sock < 0 && p[0].revents != 0)
			return helper_recv(c->link, fail_type, who, ret, d);
		if (p[2].revents == 0)
			continue;
		r = on_console(c, d);
		return r == CS_E_LINK_STOPPED && sock < 0 &&
			link_stop(c, EXPORT_DONE, ret) ?
		    0 :
		    r;
	}
}

int
link_all_taken(struct core *c, struct diag *d)
{
	/* it says so before the intake can see an end */
	if (!c->link_all && is_gone(c->link)) {
		int r = on_link(c, d);

		if (r != 0)
			return r;
	}
	return c->link_all ?
	    0 :
	    diag_fail(d, CS_E_LINK_DIGEST, "all of the bundle", "a part of it");
}

static int
say_state(struct core *c)
{
	return say(c, "  link       %s\n",
	    c->link >= 0 ? "OPEN to the host at the cable" : "closed");
}

/* Logged before anybody can use it. */
static int
open_link(struct core *c, struct diag *d)
{
	struct diag later = { 0 };
	int r;

	if (link_need(c, NULL) == 0)
		return diag_fail(d, CS_E_LINK_OPEN, "a closed link",
		    "an open one");
	r = core_log_one(c, "link.open", json_object(), d);
	if (r == 0) {
		r = helper_spawn(c, SUP_LINK, "", &c->link, NULL, d);
		if (r != 0 && log_close(c, "failed", &later) != 0)
			return CS_E_IPC;
	}
	return r == 0 ? say_state(c) : r;
}

int
verb_link(struct core *c, char **argv, size_t argc, struct diag *d)
{
	int r;

	if (argc == 0) {
		r = link_need(c, d);
		return r == 0 || r == CS_E_LINK_NOT_OPEN ? say_state(c) : r;
	}
	if (strcmp(argv[0], "open") == 0)
		return open_link(c, d);
	if (strcmp(argv[0], "close") != 0)
		return diag_fail(d, CS_E_USAGE, "open or close", "\"%.40s\"",
		    argv[0]);
	r = link_need(c, d);
	if (r == 0)
		r = link_close(c, "console", d);
	return r == 0 ? say_state(c) : r;
}
