/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DSSE envelopes of others (secure-systems-lab/dsse v1.0.2, envelope.md).
 * dsse_parse() is for our own and refuses what it does not know; here fields
 * that we do not know are theirs and are passed over, and any payload type
 * is read, because what was signed is PAE(payloadType, payload) and a good
 * signature over another type is to be told from a bad one.
 */
#include <string.h>

#include "lib/b64.h"
#include "lib/evidence_impl.h"

#define ENVELOPE_VALUES 1000u
#define TYPE_MAX	200u
#define PAE_OVERHEAD	(TYPE_MAX + 64u)

void
evidence_envelope_done(struct evidence_envelope *e)
{
	free(e->type);
	e->type = NULL;
	dsse_free(&e->dsse);
}

/* envelope.md: either alphabet of RFC 4648 is read, and never both in one */
static int
decode(json_t *v, const char *what, uint8_t **ret, size_t *ret_len,
    struct diag *d)
{
	_cleanup_free_ uint8_t *out = NULL;
	const char *s = json_string_value(v);
	size_t n = json_string_length(v), max = b64_dec_max(n);

	if (s == NULL || n == 0)
		return diag_fail(d, CS_E_EVIDENCE_ENVELOPE, "base64 text",
		    "%s is not there", what);
	out = malloc(max + 1);
	if (out == NULL)
		return diag_nomem(d);
	if (b64_decode_any(s, n, out, max, ret_len) != 0 || *ret_len == 0)
		return diag_fail(d, CS_E_EVIDENCE_ENVELOPE,
		    "base64 with padding", "another text in %s", what);
	*ret = take_ptr(out);
	return 0;
}

static int
read_sigs(json_t *list, struct dsse *e, struct diag *d)
{
	size_t i, n = json_array_size(list);
	int r;

	if (n == 0 || n > EVIDENCE_SIGS)
		return diag_fail(d, CS_E_EVIDENCE_ENVELOPE, "1 to 8 signatures",
		    "%zu", n);
	e->sigs = calloc(n, sizeof(*e->sigs));
	if (e->sigs == NULL)
		return diag_nomem(d);
	e->nsigs = n;
	for (i = 0; i < n; i++) {
		r = decode(json_object_get(json_array_get(list, i), "sig"),
		    "signatures/sig", &e->sigs[i].sig, &e->sigs[i].sig_len, d);
		if (r != 0)
			return r;
	}
	return 0;
}

int
evidence_envelope(const void *data, size_t len, struct evidence_envelope *ret,
    struct diag *d)
{
	_cleanup_evidence_envelope_ struct evidence_envelope e = { 0 };
	_cleanup_json_ json_t *root = NULL;
	const char *type;
	int r;

	r = evidence_json(data, len, ENVELOPE_VALUES, CS_E_EVIDENCE_ENVELOPE,
	    &root, d);
	if (r != 0)
		return r;
	type = evidence_text(root, "payloadType");
	if (type == NULL || strlen(type) > TYPE_MAX)
		return diag_fail(d, CS_E_EVIDENCE_ENVELOPE, "a payloadType",
		    "none, or one of more than 200 bytes");
	e.type = strdup(type);
	e.dsse = calloc(1, sizeof(*e.dsse));
	if (e.type == NULL || e.dsse == NULL)
		return diag_nomem(d);
	r = decode(json_object_get(root, "payload"), "payload",
	    &e.dsse->payload, &e.dsse->payload_len, d);
	if (r == 0)
		r = read_sigs(json_object_get(root, "signatures"), e.dsse, d);
	if (r != 0)
		return r;
	*ret = e;
	memset(&e, 0, sizeof(e));
	return 0;
}

static bool
is_holder(const struct policy_principal *w, const struct policy_rule *rule)
{
	size_t i;

	for (i = 0; i < rule->nevidence; i++)
		if (policy_lists_meet(&w->roles, &rule->evidence[i].signers))
			return true;
	return false;
}

int
evidence_keys(const struct policy *p, const struct policy_rule *rule,
    struct evidence_keys *ret)
{
	const struct policy_principal *w;
	size_t i, k, n = 0;
	int pass;

	for (i = 0; i < p->nprincipals; i++)
		n += p->principals[i].nkeys;
	ret->v = calloc(n + 1, sizeof(*ret->v));
	if (ret->v == NULL)
		return CS_E_NOMEM;
	ret->n = 0;
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < p->nprincipals; i++) {
			w = &p->principals[i];
			if (is_holder(w, rule) != (pass == 0))
				continue;
			for (k = 0; k < w->nkeys; k++)
				ret->v[ret->n++] =
				    (struct evidence_key){ w, w->keys[k] };
		}
		if (pass == 0)
			ret->nholders = ret->n;
	}
	return 0;
}

/* Signatures by keys v[from..to) are added; the others are counted. */
static int
search(const struct dsse *e, const struct buf *pae,
    const struct evidence_key *v, size_t n, struct evidence_signers *s,
    struct diag *d)
{
	size_t i, k, j;

	s->strangers = 0;
	for (i = 0; i < e->nsigs; i++) {
		for (k = 0; k < n; k++)
			if (pubkey_verify_message(v[k].key, pae->p, pae->len,
				e->sigs[i].sig, e->sigs[i].sig_len) == 0)
				break;
		if (k == n) {
			s->strangers++;
			continue;
		}
		/* Q1: keys are normalised, however they were encoded */
		for (j = 0; j < s->n; j++)
			if (pubkey_equal(s->key[j], v[k].key))
				return diag_fail(d, CS_E_EVIDENCE_SAME_KEY,
				    "each key once", "two signatures by %.40s",
				    v[k].who->id);
		s->who[s->n] = v[k].who;
		s->key[s->n++] = v[k].key;
	}
	return 0;
}

int
evidence_signers(const struct evidence_envelope *e,
    const struct evidence_keys *k, struct evidence_signers *ret, struct diag *d)
{
	struct buf pae __attribute__((cleanup(buf_done))) =
	    BUF_INIT(EVIDENCE_MAX + PAE_OVERHEAD);
	struct evidence_signers s = { 0 };
	int r;

	r = dsse_pae_type(e->type, e->dsse->payload, e->dsse->payload_len,
	    &pae);
	if (r != 0)
		return r == CS_E_NOMEM ? diag_nomem(d) : r;
	r = search(e->dsse, &pae, k->v, k->nholders, &s, d);
	/* the rest only to say who it was: it is nobody who may sign it */
	if (r == 0 && s.n == 0)
		r = search(e->dsse, &pae, k->v + k->nholders,
		    k->n - k->nholders, &s, d);
	if (r != 0)
		return r;
	if (s.n == 0)
		return diag_fail(d, CS_E_EVIDENCE_SIGNATURE,
		    "a good signature by a key that the policy lists",
		    "%zu signature%s, none by such a key", s.strangers,
		    s.strangers == 1 ? "" : "s");
	*ret = s;
	if (strcmp(e->type, DSSE_PAYLOAD_TYPE) != 0)
		return diag_fail(d, CS_E_EVIDENCE_PAYLOAD_TYPE,
		    DSSE_PAYLOAD_TYPE, "%.100s, signed by %.40s", e->type,
		    s.who[0]->id);
	return 0;
}
