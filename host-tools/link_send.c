/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bundle over the link.  How much of it the appliance has is asked first,
 * and after each part: what was sent before a cable was pulled is not sent
 * again, by the next run of the same command.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "host-tools/cable.h"
#include "host-tools/cli.h"
#include "host-tools/package.h"
#include "host-tools/progress.h"
#include "host-tools/show.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "usb-transfer/bundle.h"

#define NOT_ASKED "type intake link at the appliance"
#define JUDGING	  "the appliance reads and judges the bundle"

enum { O_DEVICE, O_JSON, O_WAIT };

static const struct cli_opt options[] = {
	[O_DEVICE] = { "device", "ADDRESS", 0, CABLE_DEVICE },
	[O_JSON] = { "json", NULL, 0, "machine output" },
	[O_WAIT] = { "wait", NULL, 0,
	    "wait for the link, and for somebody who types intake link" },
};

struct sending {
	struct cable *cable;
	struct package *p;
	struct link_bundle b;
	bool wait, told_wait, told_judging, begun;
	uint64_t resumed; /* what the appliance had before this run */
	struct progress bar;
	uint8_t *buf; /* LINK_PART_MAX */
};

static int
open_bundle(const char *path, struct package **ret, uint8_t *ret_type,
    struct diag *d)
{
	static const enum bundle_type types[] = { BUNDLE_APPROVAL,
		BUNDLE_RECEIPT, BUNDLE_REQUEST };
	size_t i;
	int r = CS_E_BUNDLE_TYPE;

	for (i = 0; r == CS_E_BUNDLE_TYPE && i < ARRAY_LEN(types); i++) {
		r = package_open(path, bundle_type_name(types[i]), ret, d);
		*ret_type = (uint8_t)types[i];
	}
	return r;
}

static int
hash_file(struct sending *s, struct diag *d)
{
	struct hasher *h = NULL;
	uint64_t off = 0;
	struct stat st;
	size_t n;
	int r;

	if (fstat(s->p->fd, &st) != 0)
		return diag_errno(d, CS_E_IO, "%s", s->p->path);
	s->b.size = (uint64_t)st.st_size;
	r = hasher_new(HASH_SHA256, &h);
	for (; r == 0 && off < s->b.size; off += n) {
		n = s->b.size - off > LINK_PART_MAX ? LINK_PART_MAX :
						      (size_t)(s->b.size - off);
		if (fd_pread_all(s->p->fd, s->buf, n, (off_t)off) != 0)
			r = diag_errno(d, CS_E_IO, "%s", s->p->path);
		if (r == 0)
			r = hasher_update(h, s->buf, n);
	}
	if (r == 0)
		r = hasher_final(h, s->b.sha256, sizeof(s->b.sha256));
	hasher_free(&h);
	return r;
}

static int
read_have(const struct buf *answer, struct link_have *ret, struct diag *d)
{
	struct rd rd = RD_INIT(answer->p, answer->len);

	return link_have_get(&rd, ret, d);
}

static int
put(struct sending *s, struct link_have *ret, struct diag *d)
{
	struct buf b = BUF_INIT(LINK_DATA), answer = BUF_INIT(LINK_DATA);
	int r = link_bundle_put(&b, &s->b);

	if (r == 0)
		r = cable_ask(s->cable, LINK_PUT, &b, &answer, d);
	if (r == 0)
		r = read_have(&answer, ret, d);
	buf_done(&b);
	buf_done(&answer);
	return r;
}

static int
part(struct sending *s, struct link_have *h, struct diag *d)
{
	struct buf b = BUF_INIT(LINK_DATA), answer = BUF_INIT(LINK_DATA);
	struct link_part p = { .offset = h->have, .len = h->room };
	int r;

	if (p.len > s->b.size - h->have)
		p.len = (uint32_t)(s->b.size - h->have);
	if (fd_pread_all(s->p->fd, s->buf, p.len, (off_t)p.offset) != 0)
		return diag_errno(d, CS_E_IO, "%s", s->p->path);
	r = link_part_put(&b, &p, false);
	if (r == 0)
		r = link_send(&s->cable->l, LINK_PART, b.p, b.len, d);
	if (r == 0)
		r = link_send_bytes(&s->cable->l, s->buf, p.len, d);
	if (r == 0)
		r = cable_answer(s->cable, LINK_PART, &answer, d);
	if (r == 0)
		r = read_have(&answer, h, d);
	if (r == 0)
		progress_add(&s->bar, p.len);
	buf_done(&b);
	buf_done(&answer);
	return r;
}

static void
begin(struct sending *s, const struct link_have *h)
{
	if (s->begun)
		return;
	s->begun = true;
	s->resumed = h->have;
	progress_start(&s->bar, "sending", s->b.size);
	progress_add(&s->bar, h->have);
}

static bool
is_ours(const struct sending *s, const struct link_status *st)
{
	return st->bundle.size == s->b.size &&
	    memcmp(st->bundle.sha256, s->b.sha256, CS_SHA256_LEN) == 0;
}

/*
 * All is there, or enough: only a look from here on, since a PUT might begin
 * again what somebody asks for next.
 */
static int
look(struct sending *s, bool *ret_over, struct diag *d)
{
	struct link_status st;
	int r;

	cable_wait(JUDGING, &s->told_judging);
	r = cable_status(s->cable, &st, d);
	*ret_over = r == 0 &&
	    (!is_ours(s, &st) ||
		(st.intake != LINK_TAKING && st.intake != LINK_JUDGING));
	return r;
}

/* *ret_over: the appliance has decided, or nobody there waits any more. */
static int
step(struct sending *s, struct link_have *h, bool *ret_over, struct diag *d)
{
	*ret_over = false;
	switch (h->intake) {
	case LINK_TAKING:
		begin(s, h);
		if (h->have >= s->b.size)
			return look(s, ret_over, d);
		return h->room > 0 ? part(s, h, d) : put(s, h, d);
	case LINK_JUDGING:
		return look(s, ret_over, d);
	case LINK_NOT_ASKED:
		if (s->begun)
			break;
		if (!s->wait)
			return diag_fail(d, CS_E_LINK_NOT_ASKED,
			    "somebody who typed intake link", "nobody");
		cable_wait(NOT_ASKED, &s->told_wait);
		return put(s, h, d);
	default:
		break;
	}
	*ret_over = true;
	return 0;
}

static int
print(const struct cli *c, const struct sending *s,
    const struct link_status *st, struct diag *d)
{
	if (cli_has(c, O_JSON))
		return cli_print_json(json_pack("{s:s, s:s, s:I, s:o, s:I}",
					  "appliance", st->appliance, "result",
					  st->text, "size",
					  (json_int_t)s->b.size, "sha256",
					  json_hex(s->b.sha256, CS_SHA256_LEN),
					  "resumed_at", (json_int_t)s->resumed),
		    d);
	show_text("sent to", st->appliance);
	show_text("taken in", st->text);
	return 0;
}

static int
send_bundle(const struct cli *c, struct sending *s, struct diag *d)
{
	struct link_status st;
	struct link_have h;
	bool over = false;
	int r;

	r = put(s, &h, d);
	while (r == 0 && !over)
		r = step(s, &h, &over, d);
	progress_end(&s->bar);
	if (r == 0)
		r = cable_status(s->cable, &st, d);
	if (r != 0)
		return r;
	if (st.intake == LINK_TAKEN && is_ours(s, &st))
		return print(c, s, &st, d);
	if (st.intake != LINK_REFUSED || !is_ours(s, &st))
		return diag_fail(d, CS_E_LINK_STOPPED, "a result", "none");
	*d = st.why;
	return st.why.code;
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_package_ struct package *p = NULL;
	_cleanup_cable_ struct cable cable = { .stream.fd = -1 };
	_cleanup_free_ uint8_t *buf = malloc(LINK_PART_MAX);
	struct sending s = { .cable = &cable,
		.wait = cli_has(c, O_WAIT),
		.buf = buf };
	int r;

	if (buf == NULL)
		return diag_nomem(d);
	r = open_bundle(c->args[0], &p, &s.b.type, d);
	s.p = p;
	if (r == 0)
		r = hash_file(&s, d);
	if (r == 0)
		r = cable_open(cli_get(c, O_DEVICE), s.wait, &cable, d);
	return r == 0 ? send_bundle(c, &s, d) : r;
}

const struct cli_verb verb_link_send = {
	.group = "link",
	.name = "send",
	.operands = "BUNDLE",
	.min_args = 1,
	.max_args = 1,
	.about = "Send what the appliance takes in over the USB link.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
