/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/hex.h"
#include "lib/request_impl.h"

#define RECORD_MAX_APPROVALS 64u

void
record_free(struct record **r)
{
	if (*r == NULL)
		return;
	statement_free(&(*r)->st);
	free((*r)->approvals);
	free((*r)->sigs);
	free(*r);
	*r = NULL;
}

int
record_parse_approvals(const json_t *list, uint8_t (**ret)[32], size_t *ret_n,
    struct diag *d)
{
	size_t i, j, n = json_array_size(list);
	uint8_t(*v)[32];
	const char *s = NULL;
	int e;

	if (n == 0 || n > RECORD_MAX_APPROVALS)
		return diag_fail(d, CS_E_RECORD, "1 to 64 approvals", "%zu", n);
	v = *ret = calloc(n, sizeof(*v));
	if (v == NULL)
		return diag_nomem(d);
	*ret_n = n;
	for (i = 0; i < n; i++) {
		e = json_label(json_array_get(list, i), "/approvals", i, &s, d);
		if (e != 0)
			return e;
		if (hex_decode(s, v[i], 32) != 0)
			return diag_fail(d, CS_E_JSON_VALUE,
			    "64 lower-case hex digits",
			    "another value at /approvals/%zu", i);
		for (j = 0; j < i; j++)
			if (memcmp(v[i], v[j], 32) == 0)
				return diag_fail(d, CS_E_RECORD,
				    "each approval once", "%.64s twice", s);
	}
	return 0;
}

/* One per subject, in the subjects' order. */
static int
parse_sigs(const json_t *list, struct record *r, struct diag *d)
{
	size_t i, n = json_array_size(list);
	char path[48];
	int e;

	if (n != r->st->nsubjects)
		return diag_fail(d, CS_E_RECORD, "one signature per artifact",
		    "%zu for %zu artifacts", n, r->st->nsubjects);
	r->sigs = calloc(n, sizeof(*r->sigs));
	if (r->sigs == NULL)
		return diag_nomem(d);
	r->nsigs = n;
	for (i = 0; i < n; i++) {
		struct record_signature *s = &r->sigs[i];
		const struct subject *u = &r->st->subjects[i];
		const struct json_field f[] = {
			{ "artifact", JK_HEX32, true, s->artifact, NULL },
			{ "leaf", JK_U64, true, &s->leaf, NULL },
			{ "signature", JK_HEX32, true, s->signature, NULL },
		};

		(void)snprintf(path, sizeof(path), "/signatures/%zu", i);
		e = json_fields(json_array_get(list, i), path, f, ARRAY_LEN(f),
		    d);
		if (e != 0)
			return e;
		if (!u->has[HASH_SHA256] ||
		    memcmp(u->digest[HASH_SHA256], s->artifact, 32) != 0)
			return diag_fail(d, CS_E_RECORD,
			    "the artifacts in the subjects' order",
			    "another artifact at %s", path);
	}
	return 0;
}

int
record_parse_refs(json_t *request, json_t *policy, const struct record_refs *to,
    struct diag *d)
{
	const struct json_field in_request[] = {
		{ "id", JK_LABEL, true, to->request_id, NULL },
		{ "sha256", JK_HEX32, true, to->request_digest, NULL },
	};
	const struct json_field in_policy[] = {
		{ "sha256", JK_HEX32, true, to->policy_digest, NULL },
		{ "version", JK_U64, true, to->policy_version, NULL },
	};
	int e;

	e = json_fields(request, "/request", in_request, ARRAY_LEN(in_request),
	    d);
	return e != 0 ?
	    e :
	    json_fields(policy, "/policy", in_policy, ARRAY_LEN(in_policy), d);
}

static int
parse_predicate(struct record *r, struct diag *d)
{
	json_t *approvals = NULL, *policy = NULL, *request = NULL, *sigs = NULL;
	const struct json_field f[] = {
		{ "approvals", JK_ARR, true, &approvals, NULL },
		{ "format", JK_LABEL, true, &r->format, NULL },
		{ "key", JK_LABEL, true, &r->key, NULL },
		{ "origin", JK_LABEL, true, &r->origin, NULL },
		{ "policy", JK_OBJ, true, &policy, NULL },
		{ "product", JK_LABEL, true, &r->product, NULL },
		{ "request", JK_OBJ, true, &request, NULL },
		{ "rule", JK_LABEL, true, &r->rule, NULL },
		{ "signatures", JK_ARR, true, &sigs, NULL },
		{ "time", JK_TIME, true, &r->time, NULL },
		{ "version", JK_LABEL, true, &r->version, NULL },
	};
	int e = json_fields(r->st->predicate, "", f, ARRAY_LEN(f), d);

	if (e == 0)
		e = record_parse_refs(request, policy,
		    &(struct record_refs){ &r->request_id, r->request_digest,
			r->policy_digest, &r->policy_version },
		    d);
	if (e == 0)
		e = record_parse_approvals(approvals, &r->approvals,
		    &r->napprovals, d);
	return e != 0 ? e : parse_sigs(sigs, r, d);
}

int
record_parse(const void *payload, size_t len, struct record **ret,
    struct diag *d)
{
	_cleanup_record_ struct record *r = calloc(1, sizeof(*r));
	int e;

	if (r == NULL)
		return diag_nomem(d);
	e = statement_parse(payload, len, PRED_RECORD, &r->st, d);
	if (e == 0)
		e = parse_predicate(r, d);
	if (e != 0)
		return e;
	*ret = take_ptr(r);
	return 0;
}

json_t *
record_approvals_json(const uint8_t (*v)[32], size_t n)
{
	_cleanup_json_ json_t *list = json_array();
	size_t i;

	if (list == NULL)
		return NULL;
	for (i = 0; i < n; i++)
		if (json_array_append_new(list, json_hex32(v[i])) != 0)
			return NULL;
	return take_ptr(list);
}

static json_t *
sigs_json(const struct record_new *n)
{
	_cleanup_json_ json_t *list = json_array();
	size_t i;

	if (list == NULL)
		return NULL;
	for (i = 0; i < n->nsigs; i++)
		if (json_array_append_new(list,
			json_pack("{s:o, s:I, s:o}", "artifact",
			    json_hex32(n->sigs[i].artifact), "leaf",
			    (json_int_t)n->sigs[i].leaf, "signature",
			    json_hex32(n->sigs[i].signature))) != 0)
			return NULL;
	return take_ptr(list);
}

/*
 * The subjects with the digests that the appliance computed itself: sha256
 * and the one of the key's algorithm.  What else a request claims is not
 * repeated under our signature.  free()
 */
static struct subject *
own_subjects(const struct record_new *n)
{
	const struct statement *st = n->req->st;
	const struct policy_key *k = policy_key_by_id(n->policy, n->req->key);
	struct subject *v = calloc(st->nsubjects, sizeof(*v));
	size_t i;
	int h;

	for (i = 0; v != NULL && i < st->nsubjects; i++) {
		v[i] = st->subjects[i];
		v[i].text = NULL;
		for (h = HASH_SHA256 + 1; h < HASH_COUNT; h++)
			if (k == NULL ||
			    key_alg_hash(k->alg) != (enum hash_alg)h)
				v[i].has[h] = false;
	}
	return v;
}

/* One signature for each subject, in order; by somebody's approval. */
static int
check_new(const struct record_new *n)
{
	const struct statement *st = n->req->st;
	size_t i;

	if (n->napprovals == 0 || n->nsigs != st->nsubjects)
		return CS_E_RECORD;
	for (i = 0; i < n->nsigs; i++)
		if (memcmp(n->sigs[i].artifact,
			st->subjects[i].digest[HASH_SHA256], 32) != 0)
			return CS_E_RECORD;
	return 0;
}

int
record_format(const struct record_new *n, char **ret, size_t *ret_len)
{
	_cleanup_free_ struct subject *subjects = own_subjects(n);
	_cleanup_free_ char *text = NULL;
	const struct request *q = n->req;
	json_t *p;
	size_t len = 0;
	int r;

	r = check_new(n);
	if (r != 0)
		return r;
	p = json_pack("{s:o, s:s, s:s, s:s, s:{s:o, s:I}, s:s, s:{s:s, s:o}, "
		      "s:s, s:o, s:o, s:s}",
	    "approvals", record_approvals_json(n->approvals, n->napprovals),
	    "format", q->format, "key", q->key, "origin", n->origin, "policy",
	    "sha256", json_hex32(n->policy->digest), "version",
	    (json_int_t)n->policy->version, "product", q->product, "request",
	    "id", q->id, "sha256", json_hex32(q->digest), "rule", n->rule->id,
	    "signatures", sigs_json(n), "time", json_time(n->time), "version",
	    q->version);
	if (p == NULL)
		return CS_E_NOMEM;
	r = subjects == NULL ? CS_E_NOMEM : 0;
	if (r != 0)
		json_decref(p);
	else
		r = statement_format(subjects, q->st->nsubjects, PRED_RECORD, p,
		    &text, &len);
	if (r != 0)
		return r;
	*ret = take_ptr(text);
	*ret_len = len;
	return 0;
}
