/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Start-up: the ledger is opened (which finishes what a crash left), the
 * policy on disk must be the one that the log pins, a checkpoint that is due
 * is signed, a ceremony that was cut short is closed as "not released", and
 * the boot is logged.
 */

#include <string.h>

#include "appliance/core.h"
#include "lib/file.h"
#include "lib/hex.h"

#define MAX_UNFINISHED 8

int
core_policy_envelope(uint8_t **ret, size_t *ret_len, struct diag *d)
{
	return file_read(CORE_STATE, "policy.dsse", DSSE_MAX, ret, ret_len, d);
}

/* For this appliance, and no software keys in production. */
static int
fits(const struct core *c, struct diag *d)
{
	if (!policy_names_log(c->policy, c->origin))
		return diag_fail(d, CS_E_POLICY_PIN, c->origin,
		    "a policy for %s", c->policy->appliance);
	if (c->rehearsal && !c->policy->rehearsal)
		return diag_fail(d, CS_E_POLICY_PIN, "a rehearsal policy",
		    "a production policy on a rehearsal appliance");
	return 0;
}

/* The first one of a log: the one that was provisioned, or recovered. */
static int
first_policy(struct core *c, char envelope_blob[65], struct diag *d)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t len, name_len;
	int r;

	r = core_policy_envelope(&data, &len, d);
	if (r == 0)
		r = policy_log_number(c->origin, &name_len) == 1 ?
		    policy_load_genesis(data, len, &c->policy, d) :
		    policy_load_pinned(data, len, &c->policy, d);
	if (r == 0)
		r = fits(c, d);
	return r == 0 ?
	    ledger_blob_put(c->ledger, data, len, envelope_blob, d) :
	    r;
}

/*
 * policy.dsse is a copy for other programs.  The one before, where a policy
 * update was cut short at its very end, is replaced; any other is refused.
 */
static int
check_copy(const struct core *c, const uint8_t *env, size_t len, struct diag *d)
{
	_cleanup_dsse_ struct dsse *e = NULL;
	_cleanup_free_ uint8_t *data = NULL;
	char is[65], want[65];
	size_t n;
	int r;

	r = core_policy_envelope(&data, &n, d);
	if (r == 0 && n == len && memcmp(data, env, n) == 0)
		return 0;
	if (r == 0)
		r = dsse_parse(data, n, &e, d);
	if (r != 0)
		return r;
	if (c->policy->has_previous &&
	    memcmp(e->digest, c->policy->previous, sizeof(e->digest)) == 0)
		return core_policy_write(env, len, d);
	hex_encode(e->digest, 32, is);
	hex_encode(c->policy->digest, 32, want);
	return diag_fail(d, CS_E_POLICY_PIN, want, "%s in policy.dsse", is);
}

static int
pinned_policy(struct core *c, struct diag *d)
{
	_cleanup_free_ uint8_t *env = NULL;
	char digest[65];
	size_t len;
	int r;

	r = ledger_blob_get(c->ledger, ledger_policy_envelope(c->ledger),
	    DSSE_MAX, &env, &len, d);
	if (r == 0)
		r = policy_load_pinned(env, len, &c->policy, d);
	if (r != 0)
		return r;
	hex_encode(c->policy->digest, 32, digest);
	if (strcmp(ledger_policy(c->ledger), digest) != 0)
		return diag_fail(d, CS_E_POLICY_PIN, ledger_policy(c->ledger),
		    "%s", digest);
	r = fits(c, d);
	return r == 0 ? check_copy(c, env, len, d) : r;
}

int
core_policy_write(const uint8_t *env, size_t len, struct diag *d)
{
	int r = file_write_atomic(CORE_STATE, "enrol/policy.dsse", env, len,
	    0644, d);

	return r == 0 ?
	    file_write_atomic(CORE_STATE, "policy.dsse", env, len, 0600, d) :
	    r;
}

static int
start_log(struct core *c, const char *digest, const char *blob, struct diag *d)
{
	_cleanup_json_ json_t *former = NULL;
	json_t *data;
	int r;

	r = core_former_log(c, &former, d);
	if (r != 0)
		return r;
	data = json_pack("{s:s, s:s, s:s, s:I, s:b}", "appliance",
	    c->policy->appliance, "policy", digest, "policy_envelope", blob,
	    "policy_version", (json_int_t)c->policy->version, "rehearsal",
	    c->policy->rehearsal);
	if (former != NULL &&
	    json_object_set(data, "recovered_from", former) != 0) {
		json_decref(data);
		return diag_nomem(d);
	}
	return core_log_one(c, "log.start", data, d);
}

struct unfinished {
	struct ledger_request q[MAX_UNFINISHED];
	size_t n;
};

static int
collect_unfinished(void *arg, const struct ledger_request *q)
{
	struct unfinished *u = arg;

	if (q->state == REQ_SIGNING && u->n < MAX_UNFINISHED)
		u->q[u->n++] = *q;
	return 0;
}

/* An intent without an outcome: whatever was signed was never released. */
static int
close_unfinished(struct core *c, struct diag *d)
{
	struct unfinished u = { .n = 0 };
	size_t i;
	int r;

	r = ledger_requests(c->ledger, collect_unfinished, &u, d);
	for (i = 0; r == 0 && i < u.n; i++) {
		if (strcmp(u.q[i].rule, POLICY_RULE_ADMIN) == 0) {
			r = change_recover(c, &u.q[i], d);
			continue;
		}
		r = core_log_one(c, "sign.outcome",
		    json_pack("{s:s, s:s, s:s}", "request", u.q[i].id,
			"request_sha256", u.q[i].digest, "result",
			"not-released"),
		    d);
		if (r == 0)
			r = say(c,
			    "request %llu: the last ceremony was cut "
			    "short; nothing was released, it may be signed "
			    "again\n",
			    (unsigned long long)u.q[i].n);
	}
	return r;
}

static int
check_clock(struct core *c, struct diag *d)
{
	struct diag late = { 0 };
	int64_t now = core_now(), floor = ledger_floor(c->ledger);
	int r;

	if (core_clock_check(now, floor, &late) == 0)
		return 0;
	r = say_diag(c, &late);
	if (r != 0)
		return r;
	return core_log_one(c, "clock.fault",
	    json_pack("{s:I, s:I}", "clock", (json_int_t)now, "floor",
		(json_int_t)floor),
	    d);
}

static int
pin_policy(struct core *c, struct diag *d)
{
	char digest[65], blob[65];
	int r;

	if (ledger_size(c->ledger) != 0)
		return pinned_policy(c, d);
	r = first_policy(c, blob, d);
	if (r != 0)
		return r;
	hex_encode(c->policy->digest, 32, digest);
	return start_log(c, digest, blob, d);
}

/* The boot, the audit token that it opened, and who may type from here on. */
static int
log_boot(struct core *c, uint64_t count, struct diag *d)
{
	struct unseal audit;
	struct event ev[3] = { { .type = "boot" }, { .type = "tpm.unseal" },
		{ .type = "console.open" } };
	char digest[65];
	size_t i;
	int r;

	r = signer_open(c, &audit, d);
	if (r != 0)
		return r;
	hex_encode(c->policy->digest, 32, digest);
	ev[0].data = json_pack("{s:s, s:I, s:I, s:I}", "policy", digest,
	    "policy_version", (json_int_t)c->policy->version, "counter",
	    (json_int_t)count, "image_version",
	    (json_int_t)c->tpm.image_version);
	ev[1].data = unseal_data(&audit, "audit", NULL);
	ev[2].data = json_pack("{s:s}", "console", c->console);
	for (i = 0; i < ARRAY_LEN(ev); i++)
		if (ev[i].data == NULL)
			r = CS_E_NOMEM;
	if (r == 0)
		return core_log(c, ev, ARRAY_LEN(ev), d);
	for (i = 0; i < ARRAY_LEN(ev); i++)
		event_done(&ev[i]);
	return diag_nomem(d);
}

static int
banner(struct core *c)
{
	int r;

	r = say(c, "\ncoldseal appliance %s%s\n", c->origin,
	    c->policy->rehearsal ? "   *** REHEARSAL, software HSM ***" : "");
	if (r == 0)
		r = verb_status(c, NULL, 0, NULL);
	return r == 0 ? say(c, "type help for the commands\n") : r;
}

int
core_boot(struct core *c, struct diag *d)
{
	uint64_t count = 0;
	int r;

	r = ledger_open(CORE_STATE, c->origin, &c->ledger, d);
	if (r != 0)
		return r;
	ledger_next_boot(c->ledger);
	core_clock_offset(ledger_clock_offset(c->ledger));
	/* before the first signature of any kind */
	r = anchor_start(c, d);
	if (r == 0)
		r = pin_policy(c, d);
	if (r == 0 && ledger_checkpointed(c->ledger) == 0)
		r = core_checkpoint(c, d);
	if (r == 0)
		r = close_unfinished(c, d);
	if (r == 0)
		r = session_lapse(c, d);
	if (r == 0)
		r = check_clock(c, d);
	if (r == 0)
		r = signer_count(c, &count, d);
	if (r != 0)
		return r;
	r = log_boot(c, count, d);
	return r == 0 ? banner(c) : r;
}
