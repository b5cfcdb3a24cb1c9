/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "appliance/core.h"
#include "lib/hex.h"

/*
 * What the signer tells of each time that the TPM was asked for a PIN, until
 * it becomes a leaf: with the ceremony's outcome, in one batch.  A signer that
 * dies before leaves the intent, and what it told is logged with the failure.
 */

/* u32 before, after, maximum; 0 if the TPM did not say */
static int
read_lockout(struct rd *rd, struct unseal *u)
{
	uint8_t known = 0;
	int r = rd_u8(rd, &known);

	if (r == 0)
		r = rd_u32(rd, &u->before);
	if (r == 0)
		r = rd_u32(rd, &u->after);
	if (r == 0)
		r = rd_u32(rd, &u->max);
	u->lockout = known == 1;
	return r == 0 && known > 1 ? CS_E_IPC : r;
}

int
unseal_read(const struct ipc_msg *m, struct unseal *ret)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	const uint8_t *nonce = NULL;
	uint8_t refused = 0;
	size_t len = 0;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = rd_cstr_into(&rd, ret->domain, sizeof(ret->domain));
	if (r == 0)
		r = rd_u32(&rd, &ret->approvers);
	if (r == 0)
		r = rd_str(&rd, CS_SHA256_LEN, &nonce, &len);
	if (r == 0)
		r = read_lockout(&rd, ret);
	if (r == 0)
		r = rd_u8(&rd, &refused);
	if (r == 0 && refused == 1)
		r = ipc_get_diag(&rd, &ret->why);
	if (r != 0 || refused > 1 || rd_end(&rd) != 0 || m->fd >= 0 ||
	    (len != 0 && len != CS_SHA256_LEN))
		return CS_E_IPC;
	if (len != 0)
		hex_encode(nonce, len, ret->nonce);
	return 0;
}

int
unseal_take(struct core *c, const struct ipc_msg *m)
{
	int r;

	if (c->nunseals == ARRAY_LEN(c->unseals))
		return CS_E_IPC;
	r = unseal_read(m, &c->unseals[c->nunseals]);
	if (r == 0)
		c->nunseals++;
	return r;
}

json_t *
unseal_data(const struct unseal *u, const char *purpose,
    const struct ledger_request *q)
{
	json_t *j = json_pack("{s:s, s:s, s:I, s:s}", "domain", u->domain,
	    "purpose", purpose, "approvers", (json_int_t)u->approvers, "result",
	    u->why.code == 0 ? "released" : "refused");
	int r = j == NULL ? -1 : 0;

	if (q != NULL)
		r |= json_object_set_new(j, "request", json_string(q->id)) |
		    json_object_set_new(j, "request_sha256",
			json_string(q->digest));
	if (u->nonce[0] != '\0')
		r |= json_object_set_new(j, "ceremony", json_string(u->nonce));
	if (u->lockout)
		r |= json_object_set_new(j, "lockout_before",
			 json_integer(u->before)) |
		    json_object_set_new(j, "lockout_after",
			json_integer(u->after)) |
		    json_object_set_new(j, "lockout_max", json_integer(u->max));
	if (u->why.code != 0)
		r |= json_object_set_new(j, "check",
			 json_string(err_id(u->why.code))) |
		    json_object_set_new(j, "found", json_string(u->why.found));
	if (r == 0)
		return j;
	json_decref(j);
	return NULL;
}

int
unseal_events(struct core *c, const struct ledger_request *q,
    struct event ev[CORE_UNSEALS_MAX], size_t *ret_n)
{
	const char *purpose =
	    strcmp(q->rule, POLICY_RULE_ADMIN) == 0 ? "change" : "sign";
	size_t i, n = c->nunseals;

	c->nunseals = 0;
	for (i = 0; i < n; i++) {
		ev[i] = (struct event){ .type = "tpm.unseal",
			.data = unseal_data(&c->unseals[i], purpose, q) };
		if (ev[i].data == NULL)
			break;
	}
	if (i == n) {
		*ret_n = n;
		return 0;
	}
	while (i-- > 0)
		event_done(&ev[i]);
	return CS_E_NOMEM;
}

int
unseal_log(struct core *c, const struct ledger_request *q, struct event *last,
    const struct ledger_clock *clock, int64_t now, struct diag *d)
{
	struct event ev[CORE_UNSEALS_MAX + CORE_HSMLOGS_MAX + 1] = {
		{ .type = NULL }
	};
	size_t n = 0, more = 0;
	int r;

	r = unseal_events(c, q, ev, &n);
	if (r != 0)
		cs_ignore(diag_nomem(d));
	else
		r = hsmlog_events(c, q, ev + n, &more, d);
	if (r != 0) {
		while (n-- > 0)
			event_done(&ev[n]);
		if (last != NULL)
			event_done(last);
		return r;
	}
	n += more;
	if (last != NULL)
		ev[n++] = *last;
	r = n == 0 ? 0 : core_log_at(c, ev, n, clock, now, d);
	return r == 0 ? hsmlog_logged(c) : r;
}
