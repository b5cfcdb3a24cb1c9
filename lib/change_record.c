/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/b64.h"
#include "lib/change.h"
#include "lib/request_impl.h"

#define BLOB_MAX 8192u /* a public key or a CSR */

void
change_record_free(struct change_record **r)
{
	if (*r == NULL)
		return;
	statement_free(&(*r)->st);
	free((*r)->approvals);
	free((uint8_t *)(*r)->made.spki);
	free((uint8_t *)(*r)->made.csr);
	free((uint8_t *)(*r)->made.attestation);
	free(*r);
	*r = NULL;
}

static int
decode(const char *text, const char *what, const uint8_t **ret, size_t *ret_len,
    struct diag *d)
{
	_cleanup_free_ uint8_t *out = NULL;
	const size_t len = strlen(text), max = b64_dec_max(len);

	if (max > BLOB_MAX)
		return diag_fail(d, CS_E_TOO_LARGE, "at most 8192 bytes",
		    "more at /made/%s", what);
	out = malloc(max + 1);
	if (out == NULL)
		return diag_nomem(d);
	if (b64_decode(text, len, out, max, ret_len) != 0)
		return diag_fail(d, CS_E_JSON_VALUE,
		    "base64 of DER, with padding", "another text at /made/%s",
		    what);
	*ret = take_ptr(out);
	return 0;
}

/* A key of the algorithm that was asked for, in its one encoding */
static int
check_spki(const struct change_record *r, struct diag *d)
{
	_cleanup_pubkey_ struct pubkey *k = NULL;
	int e;

	e = pubkey_from_spki(r->made.spki, r->made.spki_len, &k, d);
	if (e != 0)
		return e;
	if (!pubkey_fits(k, r->alg) || k->spki_len != r->made.spki_len ||
	    memcmp(k->spki, r->made.spki, k->spki_len) != 0)
		return diag_fail(d, CS_E_CHANGE_RECORD, key_alg_name(r->alg),
		    "another public key");
	return 0;
}

/* Exactly key.generate makes something: a key, and what is said of it. */
static int
parse_made(json_t *j, struct change_record *r, struct diag *d)
{
	const bool makes = r->action == CHANGE_KEY_GENERATE;
	const char *attestation = NULL, *csr = NULL, *spki = NULL;
	const struct json_field f[] = {
		{ "attestation", JK_STR, false, &attestation, NULL },
		{ "csr", JK_STR, false, &csr, NULL },
		{ "public_key", JK_STR, true, &spki, NULL },
		{ "restricted", JK_BOOL, true, &r->made.restricted, NULL },
		{ "uri", JK_LABEL, true, &r->made.uri, NULL },
	};
	int e;

	if (makes != (j != NULL))
		return diag_fail(d, CS_E_CHANGE_RECORD,
		    "what was made, exactly for key.generate", "%s for %s",
		    makes ? "nothing" : "something",
		    change_action_name(r->action));
	if (!makes)
		return 0;
	e = json_fields(j, "/made", f, ARRAY_LEN(f), d);
	if (e == 0)
		e = decode(spki, "public_key", &r->made.spki, &r->made.spki_len,
		    d);
	if (e == 0 && csr != NULL)
		e = decode(csr, "csr", &r->made.csr, &r->made.csr_len, d);
	if (e == 0 && attestation != NULL)
		e = decode(attestation, "attestation", &r->made.attestation,
		    &r->made.attestation_len, d);
	return e != 0 ? e : check_spki(r, d);
}

static int
parse_change(json_t *j, const char *action, struct change_record *r,
    struct diag *d)
{
	struct change_params v = { 0 };
	const struct json_field f[] = {
		{ "clock", JK_OBJ, false, &v.clock, NULL },
		{ "key", JK_OBJ, false, &v.key, NULL },
		{ "policy", JK_OBJ, false, &v.policy, NULL },
	};
	const int a = change_action_from_name(action);
	int e;

	if (a < 0)
		return diag_fail(d, CS_E_CHANGE_ACTION,
		    "an action that lib/PROTOCOL.documents lists", "%.80s",
		    action);
	r->action = (enum request_action)a;
	e = json_fields(j, "/change", f, ARRAY_LEN(f), d);
	if (e == 0)
		e = change_parse_params(r->action, &v, &r->change, d);
	if (e != 0)
		return e;
	r->key = r->change.key;
	r->domain = r->change.domain;
	r->alg = r->change.alg;
	return 0;
}

static int
parse_predicate(struct change_record *r, struct diag *d)
{
	json_t *approvals = NULL, *change = NULL, *made = NULL, *policy = NULL,
	       *request = NULL;
	const char *action = NULL;
	const struct json_field f[] = {
		{ "action", JK_LABEL, true, &action, NULL },
		{ "approvals", JK_ARR, true, &approvals, NULL },
		{ "change", JK_OBJ, true, &change, NULL },
		{ "made", JK_OBJ, false, &made, NULL },
		{ "origin", JK_LABEL, true, &r->origin, NULL },
		{ "policy", JK_OBJ, true, &policy, NULL },
		{ "reason", JK_LABEL, true, &r->reason, NULL },
		{ "request", JK_OBJ, true, &request, NULL },
		{ "time", JK_TIME, true, &r->time, NULL },
	};
	int e = json_fields(r->st->predicate, "", f, ARRAY_LEN(f), d);

	if (e == 0)
		e = record_parse_refs(request, policy,
		    &(struct record_refs){ &r->request_id, r->request_digest,
			r->policy_digest, &r->policy_version },
		    d);
	if (e == 0)
		e = request_check_id(r->request_id, d);
	if (e == 0)
		e = parse_change(change, action, r, d);
	if (e == 0)
		e = parse_made(made, r, d);
	if (e == 0)
		e = record_parse_approvals(approvals, &r->approvals,
		    &r->napprovals, d);
	if (e != 0)
		return e;
	if (!statement_is_about(r->st, "change", r->request_digest))
		return diag_fail(d, CS_E_STATEMENT_SUBJECT,
		    "one subject \"change\" with the request's SHA-256",
		    "another subject");
	return 0;
}

int
change_record_parse(const void *payload, size_t len, struct change_record **ret,
    struct diag *d)
{
	_cleanup_change_record_ struct change_record *r = calloc(1, sizeof(*r));
	int e;

	if (r == NULL)
		return diag_nomem(d);
	e = statement_parse(payload, len, PRED_CHANGE_RECORD, &r->st, d);
	if (e == 0)
		e = parse_predicate(r, d);
	if (e != 0)
		return e;
	*ret = take_ptr(r);
	return 0;
}

static json_t *
base64_json(const uint8_t *data, size_t len)
{
	_cleanup_free_ char *text = b64_dup(data, len);

	return text == NULL ? NULL : json_string(text);
}

json_t *
change_record_entry(const struct change_record *r)
{
	if (r->made.spki == NULL)
		return NULL;
	return policy_key_entry(r->key, r->domain, r->made.uri, r->alg,
	    r->made.spki, r->made.spki_len);
}

/* *ret NULL: nothing was made */
static int
made_json(const struct change_made *m, json_t **ret)
{
	_cleanup_json_ json_t *j = NULL;

	*ret = NULL;
	if (m->spki == NULL)
		return m->uri == NULL && m->csr == NULL &&
			m->attestation == NULL ?
		    0 :
		    CS_E_CHANGE_RECORD;
	j = json_pack("{s:o, s:b, s:s}", "public_key",
	    base64_json(m->spki, m->spki_len), "restricted", m->restricted,
	    "uri", m->uri);
	if (j == NULL ||
	    (m->csr != NULL &&
		json_object_set_new(j, "csr",
		    base64_json(m->csr, m->csr_len)) != 0) ||
	    (m->attestation != NULL &&
		json_object_set_new(j, "attestation",
		    base64_json(m->attestation, m->attestation_len)) != 0))
		return CS_E_NOMEM;
	*ret = take_ptr(j);
	return 0;
}

int
change_record_format(const struct change_record_new *n, char **ret,
    size_t *ret_len)
{
	_cleanup_change_record_ struct change_record *check = NULL;
	_cleanup_json_ json_t *made = NULL;
	_cleanup_free_ char *text = NULL;
	const struct request *q = n->req;
	json_t *p;
	size_t len = 0;
	int r;

	if (change_action_name(q->action) == NULL)
		return CS_E_CHANGE_ACTION;
	r = made_json(&n->made, &made);
	if (r != 0)
		return r;
	p = json_pack("{s:s, s:o, s:o, s:O*, s:s, s:{s:o, s:I}, s:s, "
		      "s:{s:s, s:o}, s:o}",
	    "action", change_action_name(q->action), "approvals",
	    record_approvals_json(n->approvals, n->napprovals), "change",
	    change_params_json(q->action, &q->change), "made", made, "origin",
	    n->origin, "policy", "sha256", json_hex32(n->policy->digest),
	    "version", (json_int_t)n->policy->version, "reason",
	    q->change.reason, "request", "id", q->id, "sha256",
	    json_hex32(q->digest), "time", json_time(n->time));
	if (p == NULL)
		return CS_E_JSON_VALUE; /* a text that is not UTF-8 */
	r = statement_format_about("change", q->digest, PRED_CHANGE_RECORD, p,
	    &text, &len);
	if (r == 0)
		r = change_record_parse(text, len, &check, NULL);
	if (r != 0)
		return r;
	*ret = take_ptr(text);
	*ret_len = len;
	return 0;
}
