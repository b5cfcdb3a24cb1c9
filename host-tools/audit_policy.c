/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/audit_policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/audit_store.h"
#include "lib/dsse.h"
#include "lib/hex.h"
#include "lib/json.h"
#include "lib/sha.h"

/* The document is the policy that the leaf names, by digest. */
static int
load(struct audit_view *a, uint64_t leaf_idx, const char *envelope,
    struct policy **ret, struct diag *d)
{
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_free_ uint8_t *text = NULL;
	_cleanup_dsse_ struct dsse *env = NULL;
	_cleanup_json_ json_t *leaf = NULL;
	char hex[CS_SHA256_HEX + 1];
	const char *named;
	size_t len;
	int r;

	r = audit_view_leaf(a, leaf_idx, &leaf, d);
	if (r == 0)
		r = audit_store_blob(a->dirfd, envelope, &text, &len, d);
	if (r == 0)
		r = dsse_parse(text, len, &env, d);
	if (r == 0)
		r = policy_parse(env->payload, env->payload_len, &p, d);
	if (r != 0)
		return r;
	hex_encode(p->digest, sizeof(p->digest), hex);
	named = leaf_text(leaf, "data.policy");
	if (*named == '\0')
		named = leaf_text(leaf, "data.trace.policy");
	if (strcmp(named, hex) != 0)
		return diag_fail(d, CS_E_AUDIT_INDEX, hex,
		    "leaf %" PRIu64 " names %.64s", leaf_idx, named);
	*ret = take_ptr(p);
	return 0;
}

/*
 * Which document it is, if the leaf that names it first does not say so: the
 * outcome of the change that put it in force does.
 */
static int
find_envelope(struct audit_view *a, const char *policy,
    char ret[CS_SHA256_HEX + 1], struct diag *d)
{
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	bool any = true;
	int r;

	ret[0] = '\0';
	r = audit_rows_open(a->db,
	    "SELECT idx FROM v_events WHERE event = 'change.outcome'"
	    " ORDER BY idx DESC",
	    NULL, 0, &q, d);
	while (r == 0 && ret[0] == '\0') {
		_cleanup_json_ json_t *leaf = NULL;

		r = audit_rows_next(q, &any, d);
		if (r != 0 || !any)
			break;
		r = audit_view_leaf(a, audit_rows_number(q, 0), &leaf, d);
		if (r == 0 &&
		    strcmp(leaf_text(leaf, "data.policy"), policy) == 0)
			(void)snprintf(ret, CS_SHA256_HEX + 1, "%s",
			    leaf_text(leaf, "data.policy_envelope"));
	}
	return r;
}

int
audit_policy_after(struct audit_view *a, uint64_t idx, struct audit_policy *ret,
    struct diag *d)
{
	const struct audit_arg args[] = { AUDIT_NUMBER(idx) };
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	char envelope[CS_SHA256_HEX + 1];
	struct audit_policy v = { 0 };
	bool any = false;
	int r;

	r = audit_rows_first(a->db,
	    "SELECT idx, envelope, policy FROM v_policies WHERE idx <= $1"
	    " ORDER BY idx DESC LIMIT 1",
	    args, 1, &q, &any, d);
	if (r == 0 && !any)
		r = diag_fail(d, CS_E_AUDIT_POLICY, NULL,
		    "none up to leaf %" PRIu64, idx);
	if (r != 0)
		return r;
	v.leaf = audit_rows_number(q, 0);
	(void)snprintf(envelope, sizeof(envelope), "%s", audit_rows_text(q, 1));
	if (envelope[0] == '\0')
		r = find_envelope(a, audit_rows_text(q, 2), envelope, d);
	if (r == 0)
		r = load(a, v.leaf, envelope, &v.p, d);
	if (r == 0)
		*ret = v;
	return r;
}

int
audit_policy_at(struct audit_view *a, int64_t at, struct audit_policy *ret,
    struct diag *d)
{
	const struct audit_arg args[] = { AUDIT_NUMBER((uint64_t)at) };
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	bool any = false;
	int r;

	r = audit_rows_first(a->db,
	    "SELECT idx FROM v_events WHERE claimed <= $1"
	    " ORDER BY idx DESC LIMIT 1",
	    args, 1, &q, &any, d);
	if (r == 0 && !any)
		r = diag_fail(d, CS_E_AUDIT_POLICY, NULL,
		    "the log begins later");
	return r != 0 ? r :
			audit_policy_after(a, audit_rows_number(q, 0), ret, d);
}

static bool
granted(void *arg, const char *rule, uint64_t *ret_leaf)
{
	const struct audit_policy *v = arg;

	(void)rule;
	*ret_leaf = v->leaf;
	return true;
}

int
audit_authority(const struct audit_policy *v, struct authority_opts *o,
    struct authority **ret, struct diag *d)
{
	o->granted = granted;
	o->arg = (void *)(uintptr_t)v;
	return authority_of(v->p, o, ret, d);
}
