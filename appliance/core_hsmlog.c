/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "appliance/core.h"
#include "lib/hex.h"

/*
 * The log that an HSM keeps of itself.  The signer reads it at the end of a
 * ceremony; here it is judged, against the last entry that our log has and
 * against what the ceremony asked for, becomes a leaf of the outcome's batch,
 * and only then may the HSM forget it.  A kill before that leaves the entries
 * in the HSM: the next ceremony finds them again.
 *
 * What does not add up is a finding, in the leaf and on the console: it takes
 * nothing back that was signed.
 */

static int
read_told(const struct ipc_msg *m, struct hsmlog *ret)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	const uint8_t *p = NULL;
	uint8_t failed = 0;
	size_t len = 0;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = rd_cstr_into(&rd, ret->domain, sizeof(ret->domain));
	if (r == 0)
		r = rd_u32(&rd, &ret->key);
	if (r == 0)
		r = rd_u32(&rd, &ret->asked);
	if (r == 0)
		r = rd_u8(&rd, &failed);
	if (r == 0 && failed == 1)
		r = ipc_get_diag(&rd, &ret->why);
	if (r == 0 && failed == 0)
		r = rd_u16(&rd, &ret->log.unlogged_boots);
	if (r == 0 && failed == 0)
		r = rd_u16(&rd, &ret->log.unlogged_logins);
	if (r == 0 && failed == 0)
		r = rd_str(&rd, TOKEN_LOG_MAX * TOKEN_LOG_ENTRY_LEN, &p, &len);
	if (r != 0 || failed > 1 || rd_end(&rd) != 0 || m->fd >= 0 ||
	    (ret->key != SIGNER_NO_KEY && ret->key > UINT16_MAX))
		return CS_E_IPC;
	if (failed == 0 &&
	    token_log_decode(p, len, ret->log.v, &ret->log.n, &ret->why) != 0)
		ret->log.n = 0;
	return 0;
}

int
hsmlog_take(struct core *c, const struct ipc_msg *m)
{
	int r;

	if (c->nhsmlogs == ARRAY_LEN(c->hsmlogs))
		return CS_E_IPC;
	r = read_told(m, &c->hsmlogs[c->nhsmlogs]);
	if (r == 0)
		c->nhsmlogs++;
	return r;
}

/* What cannot be read cannot be judged: that is the only check then. */
static int
judge(struct core *c, struct hsmlog *h, struct token_log_verdict *v,
    struct diag *d)
{
	const struct token_log_asked asked = { h->key != SIGNER_NO_KEY,
		(uint16_t)h->key, h->asked };
	struct token_log_pin pin = { .known = false };
	int r;

	memset(v, 0, sizeof(*v));
	if (h->why.code != 0) {
		v->checks[v->nchecks++] = h->why;
		return 0;
	}
	r = ledger_token_log(c->ledger, h->domain, &pin, d);
	if (r < 0)
		return r;
	return token_log_judge(&h->log, &pin, &asked, v);
}

static json_t *
entries(const struct hsmlog *h, size_t first)
{
	char hex[2 * TOKEN_LOG_ENTRY_LEN + 1];
	uint8_t raw[TOKEN_LOG_ENTRY_LEN];
	json_t *a = json_array();
	size_t i;

	for (i = first; a != NULL && i < h->log.n; i++) {
		token_log_encode(&h->log.v[i], raw);
		hex_encode(raw, sizeof(raw), hex);
		(void)json_array_append_new(a, json_string(hex));
	}
	return a;
}

/* The newest entry is what the next drain goes on from. */
static int
put_last(json_t *j, const struct hsmlog *h, size_t first)
{
	const struct token_log_entry *last = &h->log.v[h->log.n - 1];
	char hex[2 * TOKEN_LOG_DIGEST_LEN + 1];

	hex_encode(last->digest, sizeof(last->digest), hex);
	return json_object_set_new(j, "first",
		   json_integer(h->log.v[first].number)) |
	    json_object_set_new(j, "last", json_integer(last->number)) |
	    json_object_set_new(j, "digest", json_string(hex));
}

static int
put_checks(json_t *j, const struct token_log_verdict *v)
{
	json_t *ids = json_array();
	size_t i;

	for (i = 0; ids != NULL && i < v->nchecks; i++)
		(void)json_array_append_new(ids,
		    json_string(err_id(v->checks[i].code)));
	return json_object_set_new(j, "checks", ids) |
	    json_object_set_new(j, "check",
		json_string(err_id(v->checks[0].code))) |
	    json_object_set_new(j, "found", json_string(v->checks[0].found));
}

static json_t *
leaf_data(const struct hsmlog *h, const struct ledger_request *q,
    const struct token_log_verdict *v)
{
	char key[5];
	json_t *j;
	int r;

	j = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o}", "request",
	    q->id, "request_sha256", q->digest, "domain", h->domain, "asked",
	    (json_int_t)h->asked, "used", (json_int_t)v->used, "unlogged_boots",
	    (json_int_t)h->log.unlogged_boots, "unlogged_logins",
	    (json_int_t)h->log.unlogged_logins, "entries",
	    entries(h, v->first));
	r = j == NULL ? -1 : 0;
	if (r == 0 && h->key != SIGNER_NO_KEY) {
		(void)snprintf(key, sizeof(key), "%04x", h->key & 0xffffu);
		r = json_object_set_new(j, "key", json_string(key));
	}
	if (r == 0 && v->first < h->log.n)
		r = put_last(j, h, v->first);
	if (r == 0 && v->nchecks != 0)
		r = put_checks(j, v);
	if (r == 0)
		return j;
	json_decref(j);
	return NULL;
}

int
hsmlog_events(struct core *c, const struct ledger_request *q,
    struct event ev[CORE_HSMLOGS_MAX], size_t *ret_n, struct diag *d)
{
	struct token_log_verdict v;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < c->nhsmlogs; i++) {
		struct hsmlog *h = &c->hsmlogs[i];

		ev[i] = (struct event){ .type = "hsm.log" };
		r = judge(c, h, &v, d);
		if (r != 0)
			break;
		if (v.nchecks != 0)
			h->why = v.checks[0];
		ev[i].data = leaf_data(h, q, &v);
		if (ev[i].data == NULL)
			r = diag_nomem(d);
	}
	if (r == 0)
		*ret_n = c->nhsmlogs;
	while (r != 0 && i-- > 0)
		event_done(&ev[i]);
	return r;
}

/* CS_E_CONSOLE_GONE, or 0: what the HSM says here changes nothing */
static int
forget(struct core *c, const struct hsmlog *h)
{
	struct diag d = { 0 };
	int r;

	if (h->log.n == 0)
		return 0;
	r = signer_log_taken(c, h->domain, h->log.v[h->log.n - 1].number, &d);
	if (r == 0)
		return 0;
	r = say(c, "the HSM's log could not be released; it comes again:\n");
	return r == 0 ? say_diag(c, &d) : r;
}

int
hsmlog_logged(struct core *c)
{
	size_t i, n = c->nhsmlogs;
	int r = 0;

	c->nhsmlogs = 0;
	for (i = 0; r == 0 && i < n; i++) {
		const struct hsmlog *h = &c->hsmlogs[i];

		if (h->why.code != 0)
			r = say(c,
			    "THE HSM'S LOG DOES NOT ADD UP (domain %s); this "
			    "is in the log now:\n",
			    h->domain);
		if (r == 0 && h->why.code != 0)
			r = say_diag(c, &h->why);
		if (r == 0)
			r = forget(c, h);
	}
	return r;
}

int
hsmlog_status(struct core *c)
{
	struct hsmlog_room room[CORE_HSMLOGS_MAX];
	struct diag d = { 0 };
	size_t i, n = 0;
	int r;

	if (!c->has_hsmlogs)
		return 0;
	r = signer_log_room(c, room, &n, &d);
	if (r != 0) {
		r = say(c, "  HSM log    unknown:\n");
		return r == 0 ? say_diag(c, &d) : r;
	}
	for (i = 0; r == 0 && i < n; i++)
		r = say(c, "  HSM log    %s: %u of %u entries free\n",
		    room[i].domain, room[i].total - room[i].used,
		    room[i].total);
	return r;
}
