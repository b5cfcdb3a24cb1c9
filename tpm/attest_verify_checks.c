/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tpm/attest_verify_private.h"

/* A failed check is listed; only what keeps us from checking is an error. */
static int
add(struct checks *c, int code, const char *what, int r, const struct diag *d)
{
	if (r == 0)
		return checks_add(c, code, true, "", "%s", what);
	if (r == CS_E_CRYPTO || r == CS_E_NOMEM)
		return r;
	return checks_add(c, r, false, d->expected, "%s: %s", what, d->found);
}

static int
check_claims(const struct attest_answer *a, const struct attest_expected *x,
    struct checks *c)
{
	bool same = x->challenge == NULL ? !a->has_challenge :
					   a->has_challenge &&
		memcmp(a->challenge, x->challenge, CS_SHA256_LEN) == 0;
	int r;

	r = checks_add(c, CS_E_ATTEST_CHALLENGE, same,
	    same		     ? "" :
		x->challenge == NULL ? "no challenge" :
				       "the challenge given",
	    "%s",
	    same		 ? "answer" :
		a->has_challenge ? "another challenge" :
				   "none");
	if (r != 0)
		return r;
	same = a->image_version == x->golden->version;
	return checks_add(c, CS_E_ATTEST_IMAGE, same,
	    same ? "" : "that of the manifest", "image version %llu",
	    (unsigned long long)a->image_version);
}

/* What both attestations have in common; *ret_ok: ret was filled */
static int
check_evidence(const struct attest_evidence *e, const char *what,
    enum attest_type type, const struct attest_ak *ak,
    const uint8_t qualifying[CS_SHA256_LEN], struct checks *c,
    struct attest *ret, bool *ret_ok)
{
	struct diag d = { 0 };
	int r, form;

	*ret_ok = false;
	form = attest_parse(e->attest, e->attest_len, ret, &d);
	r = add(c, CS_E_ATTEST_FORM, what, form, &d);
	if (r != 0 || form != 0)
		return r;
	r = add(c, CS_E_ATTEST_MAGIC, what, attest_check_magic(ret, &d), &d);
	if (r == 0)
		r = add(c, CS_E_ATTEST_TYPE, what,
		    attest_check_type(ret, type, &d), &d);
	if (r == 0)
		r = add(c, CS_E_ATTEST_AK_NAME, what,
		    attest_check_signer(ret, ak, &d), &d);
	if (r == 0)
		r = add(c, CS_E_ATTEST_SIGNATURE, what,
		    attest_check_signature(ak, e->attest, e->attest_len,
			e->signature, e->signature_len, &d),
		    &d);
	if (r == 0)
		r = add(c, CS_E_ATTEST_NONCE, what,
		    attest_check_nonce(ret, qualifying, &d), &d);
	*ret_ok = ret->type == type;
	return r;
}

static int
check_quote(const struct attest_answer *a, const struct attest_expected *x,
    const uint8_t qualifying[CS_SHA256_LEN], struct checks *c)
{
	const struct attest_pcrs *golden = &x->golden->pcrs;
	struct diag d = { 0 };
	struct attest q;
	bool ok;
	int r;

	r = check_evidence(&a->quote, "quote", ATTEST_QUOTE, x->pinned->ak,
	    qualifying, c, &q, &ok);
	if (r != 0 || !ok)
		return r;
	r = add(c, CS_E_ATTEST_SELECT, "quote",
	    attest_check_select(&q, golden, &d), &d);
	return r != 0 ? r :
			add(c, CS_E_ATTEST_PCR, "quote",
			    attest_check_pcrs(&q, golden, &d), &d);
}

static int
check_log(const struct attest_expected *x, struct checks *c)
{
	struct attest_pcrs pcrs;
	struct diag d = { 0 };
	size_t events;
	int r, form;

	form = attest_log_replay(x->log, x->log_len, &pcrs, &events, &d);
	r = add(c, CS_E_ATTEST_LOG_FORM, "event log", form, &d);
	if (r != 0 || form != 0)
		return r;
	return add(c, CS_E_ATTEST_LOG_PCR, "event log",
	    attest_log_check(&pcrs, &x->golden->pcrs, &d), &d);
}

static int
check_index(const struct attest_answer *a, const struct attest_expected *x,
    const struct attest *nv, struct checks *c)
{
	bool same = a->index == x->pinned->index;
	struct diag d = { 0 };
	int r;

	r = checks_add(c, CS_E_ATTEST_INDEX, same,
	    same ? "" : "the enrolled index", "index 0x%08x", a->index);
	if (r == 0)
		r = add(c, CS_E_ATTEST_NV_NAME, "anchor",
		    attest_check_nv_name(nv, x->pinned->anchor, &d), &d);
	if (r == 0)
		r = add(c, CS_E_ATTEST_NV_OFFSET, "anchor",
		    attest_check_nv_offset(nv, &d), &d);
	if (r == 0)
		r = add(c, CS_E_ATTEST_NV_SIZE, "anchor",
		    attest_check_nv_size(nv, &d), &d);
	return r;
}

static int
check_anchor(const struct attest_answer *a, const struct attest_expected *x,
    const uint8_t qualifying[CS_SHA256_LEN], struct checks *c)
{
	struct diag d = { 0 };
	struct attest nv;
	bool ok;
	int r;

	if (!a->has_anchor)
		return checks_add(c, CS_E_ATTEST_INDEX, false,
		    "the enrolled anchor", "no anchor in the answer");
	r = check_evidence(&a->anchor, "anchor", ATTEST_NV, x->pinned->ak,
	    qualifying, c, &nv, &ok);
	if (r != 0 || !ok)
		return r;
	r = check_index(a, x, &nv, c);
	if (r != 0 || x->chain == NULL)
		return r;
	r = add(c, CS_E_ATTEST_CHAIN, "anchor",
	    attest_check_chain(&nv, x->chain, &d), &d);
	if (r != 0 || x->last == NULL)
		return r;
	ok = strcmp(x->last, a->checkpoint) == 0;
	return checks_add(c, CS_E_ATTEST_CHAIN_LAST, ok, "", "%s",
	    ok ? "checkpoint" : "the answer has another one");
}

int
attest_answer_check(const struct attest_answer *a,
    const struct attest_expected *x, struct checks *c)
{
	uint8_t qualifying[CS_SHA256_LEN];
	struct diag d = { 0 };
	int r;

	r = attest_qualifying(a->checkpoint, strlen(a->checkpoint),
	    x->challenge, qualifying);
	if (r == 0)
		r = add(c, CS_E_ATTEST_AK_ATTR, "pinned key",
		    attest_ak_check(x->pinned->ak, &d), &d);
	if (r == 0)
		r = check_claims(a, x, c);
	if (r == 0)
		r = check_quote(a, x, qualifying, c);
	if (r == 0 && x->log != NULL)
		r = check_log(x, c);
	if (r == 0 && x->pinned->has_anchor)
		r = check_anchor(a, x, qualifying, c);
	return r;
}
