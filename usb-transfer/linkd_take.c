/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The way in: a bundle in parts, through a pipe into coldseal-intake.  It is
 * never kept; what a host that died has sent is in the intake, which waits.
 *
 *	not asked -> (core: TAKE) -> asked -> (PUT) -> taking
 *	taking -> all there, digest right, or the intake is gone -> judging
 *	judging -> (core: RESULT) -> taken or refused
 *	asked, taking -> (core: STOP; deadline; digest wrong) -> refused, and
 *		the bundle may be sent again
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "lib/ipc.h"
#include "lib/proto_link.h"
#include "usb-transfer/linkd.h"

#define RUN_BYTES (LINK_RUN * LINK_DATA)
#define ROOM_MS	  500 /* an answer waits this long for the intake */

static void
end_pipe(struct take *t)
{
	close_fdp(&t->pipe);
	hasher_free(&t->hash);
	t->at = t->len = 0;
	t->deadline = 0;
}

int
take_begin(struct linkd *x, int *fd, struct diag *d)
{
	struct take *t = &x->take;
	int flags;

	if (t->state == LINK_ASKED || t->state == LINK_TAKING ||
	    t->state == LINK_JUDGING || *fd < 0)
		return diag_fail(d, CS_E_IPC, "one bundle at a time", "TAKE");
	flags = fcntl(*fd, F_GETFL);
	if (flags < 0 || fcntl(*fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return diag_errno(d, CS_E_IPC, "pipe");
	end_pipe(t);
	t->pipe = take_fd(fd);
	t->state = LINK_ASKED;
	t->bundle = (struct link_bundle){ 0 };
	t->have = 0;
	t->why = (struct diag){ 0 };
	t->deadline = linkd_now() + x->wait_ms;
	return 0;
}

static int
tell(uint16_t type, const struct diag *why)
{
	struct buf b = BUF_INIT(1024);
	int r = why == NULL ? 0 : ipc_put_diag(&b, why);

	if (r == 0)
		r = ipc_send_buf(LINKD_SOCK, type, &b, -1);
	buf_done(&b);
	return r;
}

int
take_fail(struct linkd *x, const struct diag *why)
{
	/* before the intake can see the end of the pipe */
	int r = tell(LINK_FAIL, why);

	end_pipe(&x->take);
	x->take.state = LINK_REFUSED;
	x->take.why = *why;
	x->take.told = false;
	return r;
}

void
take_stop(struct linkd *x)
{
	struct take *t = &x->take;

	if (t->state == LINK_ASKED || t->state == LINK_TAKING ||
	    t->state == LINK_JUDGING) {
		t->state = LINK_REFUSED;
		(void)diag_fail(&t->why, CS_E_LINK_STOPPED, "the whole bundle",
		    "%" PRIu64 " of %" PRIu64 " bytes", t->have,
		    t->bundle.size);
		t->told = false;
	}
	end_pipe(t);
}

/* told: the core has decided on this very bundle */
int
take_result(struct linkd *x, struct rd *r, struct diag *d)
{
	struct take *t = &x->take;
	uint8_t ok = 0;
	int e;

	e = rd_u8(r, &ok);
	if (e == 0 && ok == 1)
		e = rd_cstr_into(r, t->text, sizeof(t->text));
	else if (e == 0)
		e = ipc_get_diag(r, &t->why);
	if (e != 0 || rd_end(r) != 0 || ok > 1)
		return diag_fail(d, CS_E_IPC, "a result", "another form");
	end_pipe(t);
	t->state = ok == 1 ? LINK_TAKEN : LINK_REFUSED;
	t->told = true;
	return 0;
}

static int
all_there(struct linkd *x)
{
	int r = tell(LINK_TAKEN_ALL, NULL);

	end_pipe(&x->take);
	x->take.state = LINK_JUDGING;
	return r;
}

int
take_move(struct linkd *x, struct diag *d)
{
	struct take *t = &x->take;
	ssize_t n;

	while (t->len > 0) {
		n = write(t->pipe, t->buf + t->at, t->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0) {
			/* it knows enough; the core will say what */
			end_pipe(t);
			t->state = LINK_JUDGING;
			return 0;
		}
		t->at += (size_t)n;
		t->len -= (size_t)n;
		t->deadline = linkd_now() + x->wait_ms;
	}
	if (t->state != LINK_TAKING || t->have < t->bundle.size)
		return 0;
	return all_there(x) == 0 ?
	    0 :
	    diag_fail(d, CS_E_IPC, "the core", "it is gone");
}

static bool
same(const struct link_bundle *a, const struct link_bundle *b)
{
	return a->type == b->type && a->size == b->size &&
	    memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

/* Long enough for the intake to take some, short enough for the link. */
static int
wait_for_room(struct linkd *x, struct diag *d)
{
	struct take *t = &x->take;
	int64_t end = linkd_now() + ROOM_MS, left;
	int r = take_move(x, d);

	while (r == 0 && t->len > LINK_PART_MAX / 2) {
		struct pollfd p = { .fd = t->pipe, .events = POLLOUT };

		left = end - linkd_now();
		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			break;
		r = take_move(x, d);
	}
	return r;
}

static int
answer_have(struct linkd *x, uint8_t intake, struct buf *answer, struct diag *d)
{
	struct link_have h = { .intake = intake };
	int r;

	if (intake == LINK_TAKING) {
		r = wait_for_room(x, d);
		if (r != 0)
			return r;
		h.intake = (uint8_t)x->take.state;
		h.have = x->take.have;
		if (x->take.state == LINK_TAKING)
			h.room = (uint32_t)(LINK_PART_MAX - x->take.len);
	}
	return link_have_put(answer, &h);
}

/* The intake hears first what was announced. */
static int
start(struct take *t, const struct link_bundle *b)
{
	struct buf head = BUF_INIT(16);
	int r = hasher_new(HASH_SHA256, &t->hash);

	if (r == 0)
		r = buf_put_u8(&head, b->type);
	if (r == 0)
		r = buf_put_u64(&head, b->size);
	if (r == 0) {
		memcpy(t->buf, head.p, head.len);
		t->len = head.len;
		t->bundle = *b;
		t->state = LINK_TAKING;
	}
	buf_done(&head);
	return r;
}

int
take_put(struct linkd *x, struct rd *r, struct buf *answer, struct diag *d)
{
	struct take *t = &x->take;
	struct link_bundle b;
	int e;

	e = link_bundle_get(r, &b, d);
	if (e != 0)
		return e;
	switch (t->state) {
	case LINK_ASKED:
		e = start(t, &b);
		return e == 0 ? answer_have(x, LINK_TAKING, answer, d) : e;
	case LINK_TAKING:
	case LINK_JUDGING:
		if (!same(&b, &t->bundle))
			return diag_fail(d, CS_E_LINK_OTHER,
			    "the bundle that was begun", "another one");
		break;
	case LINK_TAKEN:
	case LINK_REFUSED:
		if (!t->told || !same(&b, &t->bundle))
			return answer_have(x, LINK_NOT_ASKED, answer, d);
		break;
	default:
		return answer_have(x, LINK_NOT_ASKED, answer, d);
	}
	return answer_have(x, (uint8_t)t->state, answer, d);
}

static int
digest_wrong(struct linkd *x, bool *ret_wrong)
{
	struct take *t = &x->take;
	uint8_t sha[CS_SHA256_LEN];
	struct diag why = { 0 };
	int r;

	r = hasher_final(t->hash, sha, sizeof(sha));
	*ret_wrong = r == 0 && memcmp(sha, t->bundle.sha256, sizeof(sha)) != 0;
	if (!*ret_wrong)
		return r;
	(void)diag_fail(&why, CS_E_LINK_DIGEST, "the SHA-256 of the bundle",
	    "another one over %" PRIu64 " bytes", t->have);
	return take_fail(x, &why);
}

/* The bytes are at the end of the buffer. */
static int
accept_part(struct linkd *x, uint32_t len)
{
	struct take *t = &x->take;
	bool wrong = false;
	int r;

	r = hasher_update(t->hash, t->buf + t->at + t->len, len);
	t->len += len;
	t->have += len;
	t->deadline = linkd_now() + x->wait_ms;
	if (r == 0 && t->have == t->bundle.size)
		r = digest_wrong(x, &wrong);
	return r;
}

int
take_part(struct linkd *x, struct link *l, struct rd *r, struct buf *answer,
    struct diag *d)
{
	struct take *t = &x->take;
	struct link_part p;
	uint32_t n;
	int e;

	e = link_part_get(r, &p, false, d);
	if (e != 0)
		return e;
	if (t->state != LINK_TAKING) {
		/* they come anyway; nobody wants them */
		e = link_recv_bytes(l, x->give.buf, p.len, d);
		return e == 0 ? answer_have(x, (uint8_t)t->state, answer, d) :
				e;
	}
	if (p.offset != t->have || p.len > LINK_PART_MAX - t->len ||
	    p.len > t->bundle.size - t->have) {
		e = link_recv_bytes(l, x->give.buf, p.len, d);
		return e != 0 ?
		    e :
		    diag_fail(d, CS_E_LINK_OFFSET, "the part that comes next",
			"%" PRIu32 " bytes at %" PRIu64 ", not at %" PRIu64,
			p.len, p.offset, t->have);
	}
	memmove(t->buf, t->buf + t->at, t->len);
	t->at = 0;
	/* run by run: what came before a cable is pulled is there */
	for (; e == 0 && p.len > 0; p.len -= n) {
		n = p.len > RUN_BYTES ? RUN_BYTES : p.len;
		e = link_recv_bytes(l, t->buf + t->len, n, d);
		if (e == 0)
			e = accept_part(x, n);
	}
	return e == 0 ? answer_have(x, (uint8_t)t->state, answer, d) : e;
}
