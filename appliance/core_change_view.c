/* SPDX-License-Identifier: Apache-2.0 */

/* What people see of a change before they decide. */

#include "appliance/core.h"
#include "lib/policy_diff.h"

static int
view_clock(const struct request *q, struct buf *out)
{
	char now[21], then[21];
	int r;

	time_format(core_now(), now);
	time_format(change_time(q, core_now()), then);
	r = case_field(out, "clock", now);
	return r == 0 ? case_field(out, "would be", then) : r;
}

/* In words, and nothing that differs is left out. */
static int
view_policy(struct core *c, const struct case_file *f, struct buf *out)
{
	_cleanup_(evidence_set_done) struct evidence_set docs = { 0 };
	_cleanup_policy_ struct policy *next = NULL;
	struct diag why = { 0 };
	int r;

	r = case_digest(out, f->req->change.policy);
	if (r != 0 || f->q.state != REQ_PENDING)
		return r;
	r = evidence_load(c, f->req, &docs, &why);
	if (r == 0 && docs.n == 1)
		r = policy_load_next(c->policy, docs.v[0].data, docs.v[0].len,
		    core_now(), &next, &why);
	if (r != 0 || next == NULL)
		return buf_putf(out, "  it would be refused: %s\n", why.found);
	r = buf_putf(out, "  what changes, and all that changes:\n");
	return r == 0 ? policy_diff(c->policy, next, out) : r;
}

int
change_view(struct core *c, const struct case_file *f, struct buf *out)
{
	const struct request *q = f->req;
	const struct {
		const char *label, *value;
	} rows[] = {
		{ "CHANGE", q->format },
		{ "of", q->change.text },
		{ "because", q->change.reason },
		{ "requester", f->q.requester },
		{ "user", q->user },
		{ "system", q->system },
	};
	char created[21];
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < ARRAY_LEN(rows); i++)
		r = case_field(out, rows[i].label, rows[i].value);
	time_format(q->created, created);
	if (r == 0)
		r = case_field(out, "created", created);
	if (r == 0 && q->action == CHANGE_CLOCK)
		r = view_clock(q, out);
	if (r == 0 && q->action == CHANGE_POLICY)
		r = view_policy(c, f, out);
	return r;
}
