/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/request.h"

void
approval_free(struct approval **a)
{
	if (*a == NULL)
		return;
	statement_free(&(*a)->st);
	free(*a);
	*a = NULL;
}

static int
parse_parts(json_t *request, json_t *artifacts, struct approval *a,
    struct diag *d)
{
	const struct json_field in_request[] = {
		{ "id", JK_LABEL, true, &a->request_id, NULL },
		{ "sha256", JK_HEX32, true, a->request_digest, NULL },
	};
	const struct json_field in_artifacts[] = {
		{ "count", JK_U64, true, &a->artifact_count, NULL },
		{ "root", JK_HEX32, true, a->subject_root, NULL },
	};
	int r;

	r = json_fields(request, "/request", in_request, ARRAY_LEN(in_request),
	    d);
	if (r != 0)
		return r;
	return json_fields(artifacts, "/artifacts", in_artifacts,
	    ARRAY_LEN(in_artifacts), d);
}

static int
parse_decision(const char *s, bool *ret, struct diag *d)
{
	if (strcmp(s, "approve") == 0)
		*ret = true;
	else if (strcmp(s, "reject") == 0)
		*ret = false;
	else
		return diag_fail(d, CS_E_APPROVAL_DECISION, "approve or reject",
		    "%.60s", s);
	return 0;
}

/* One meaning has one text: "ahead" is true or not there. */
static int
check_ahead(const struct approval *a, bool there, struct diag *d)
{
	static const uint8_t zeros[32];

	if (there != a->ahead)
		return diag_fail(d, CS_E_APPROVAL_AHEAD_FORM,
		    "true, or no such field", "ahead: false");
	if (a->ahead && memcmp(a->nonce, zeros, sizeof(zeros)) != 0)
		return diag_fail(d, CS_E_APPROVAL_AHEAD_FORM,
		    "a nonce of zeros in what is made ahead", "another nonce");
	return 0;
}

static int
parse_predicate(struct approval *a, struct diag *d)
{
	const char *decision = NULL;
	json_t *artifacts = NULL, *request = NULL;
	const bool there = json_object_get(a->st->predicate, "ahead") != NULL;
	const struct json_field f[] = {
		{ "ahead", JK_BOOL, false, &a->ahead, NULL },
		{ "appliance", JK_LABEL, true, &a->appliance, NULL },
		{ "approver", JK_LABEL, true, &a->approver, NULL },
		{ "artifacts", JK_OBJ, true, &artifacts, NULL },
		{ "decision", JK_LABEL, true, &decision, NULL },
		{ "format", JK_LABEL, true, &a->format, NULL },
		{ "key", JK_LABEL, true, &a->key, NULL },
		{ "key_sha256", JK_HEX32, true, a->key_spki, NULL },
		{ "nonce", JK_HEX32, true, a->nonce, NULL },
		{ "policy", JK_HEX32, true, a->policy_digest, NULL },
		{ "product", JK_LABEL, true, &a->product, NULL },
		{ "reason", JK_NOTE, true, &a->reason, NULL },
		{ "request", JK_OBJ, true, &request, NULL },
		{ "rule", JK_LABEL, true, &a->rule, NULL },
		{ "time", JK_TIME, true, &a->time, NULL },
		{ "version", JK_LABEL, true, &a->version, NULL },
	};
	int r = json_fields(a->st->predicate, "", f, ARRAY_LEN(f), d);

	if (r == 0)
		r = check_ahead(a, there, d);
	if (r == 0)
		r = parse_decision(decision, &a->approve, d);
	if (r == 0)
		r = parse_parts(request, artifacts, a, d);
	if (r != 0)
		return r;
	if (!statement_is_about(a->st, "request", a->request_digest))
		return diag_fail(d, CS_E_STATEMENT_SUBJECT,
		    "one subject \"request\" with the request's SHA-256",
		    "another subject");
	return 0;
}

int
approval_parse(const void *payload, size_t len, struct approval **ret,
    struct diag *d)
{
	_cleanup_approval_ struct approval *a = calloc(1, sizeof(*a));
	int r;

	if (a == NULL)
		return diag_nomem(d);
	r = statement_parse(payload, len, PRED_APPROVAL, &a->st, d);
	if (r == 0)
		r = parse_predicate(a, d);
	if (r != 0)
		return r;
	memcpy(a->digest, a->st->digest, sizeof(a->digest));
	*ret = take_ptr(a);
	return 0;
}

const uint8_t *
approval_key_sha256(const struct policy *p, const struct request *r)
{
	static const uint8_t none[32];
	const struct policy_key *k;

	switch (r->action) {
	case CHANGE_POLICY:
	case CHANGE_KEY_GENERATE:
	case CHANGE_CLOCK:
	case CHANGE_NOTE:
		return none;
	default:
		k = policy_key_by_id(p, r->key);
		return k == NULL ? NULL : k->key->id;
	}
}

int
approval_format(const struct approval_new *n, char **ret, size_t *ret_len)
{
	_cleanup_approval_ struct approval *check = NULL;
	_cleanup_free_ char *text = NULL;
	static const uint8_t zeros[32];
	const struct request *q = n->req;
	const uint8_t *key = approval_key_sha256(n->policy, q);
	json_t *p;
	size_t len = 0;
	int r;

	if (key == NULL)
		return CS_E_POLICY_KEY;
	p = json_pack("{s:s, s:s, s:{s:I, s:o}, s:s, s:s, s:s, s:o, s:o, s:o, "
		      "s:s, s:s, s:{s:s, s:o}, s:s, s:o, s:s}",
	    "appliance", n->policy->appliance, "approver", n->approver,
	    "artifacts", "count", (json_int_t)q->st->nsubjects, "root",
	    json_hex32(q->subject_root), "decision",
	    n->approve ? "approve" : "reject", "format", q->format, "key",
	    q->key, "key_sha256", json_hex32(key), "nonce",
	    json_hex32(n->nonce != NULL ? n->nonce : zeros), "policy",
	    json_hex32(n->policy->digest), "product", q->product, "reason",
	    n->reason, "request", "id", q->id, "sha256", json_hex32(q->digest),
	    "rule", n->rule->id, "time", json_time(n->time), "version",
	    q->version);
	if (p == NULL)
		return CS_E_JSON_VALUE; /* a reason that is not UTF-8 */
	if (n->nonce == NULL &&
	    json_object_set_new(p, "ahead", json_true()) != 0) {
		json_decref(p);
		return CS_E_NOMEM;
	}
	r = statement_format_about("request", q->digest, PRED_APPROVAL, p,
	    &text, &len);
	if (r == 0)
		r = approval_parse(text, len, &check, NULL);
	if (r != 0)
		return r;
	*ret = take_ptr(text);
	*ret_len = len;
	return 0;
}
