/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/change.h"

#include <string.h>

#include "lib/request_impl.h"

#define SUBJECT "change"

/* The SHA-256 of a predicate's canonical form, which the subject carries. */
static int
predicate_digest(const json_t *predicate, uint8_t ret[32])
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r;

	r = json_canonical(predicate, &text, &len);
	return r != 0 ? r : sha256(text, len, ret);
}

static int
check_subject(const struct statement *st, struct diag *d)
{
	uint8_t digest[32];
	int r;

	r = predicate_digest(st->predicate, digest);
	if (r != 0)
		return diag_fail(d, r, NULL, "the change's digest");
	if (!statement_is_about(st, SUBJECT, digest))
		return diag_fail(d, CS_E_CHANGE_DIGEST,
		    "one subject \"change\" with the predicate's SHA-256",
		    "another subject");
	return 0;
}

static int
parse_action(const char *name, enum request_action *ret, struct diag *d)
{
	int a = change_action_from_name(name);

	if (a < 0)
		return diag_fail(d, CS_E_CHANGE_ACTION,
		    "an action that lib/PROTOCOL.documents lists", "%.80s",
		    name);
	*ret = (enum request_action)a;
	return 0;
}

static int
parse_origin(json_t *j, struct request *r, struct diag *d)
{
	const struct json_field f[] = {
		{ "system", JK_LABEL, true, &r->system, NULL },
		{ "user", JK_LABEL, true, &r->user, NULL },
	};

	return json_fields(j, "/origin", f, ARRAY_LEN(f), d);
}

static int
parse_predicate(struct request *r, struct diag *d)
{
	json_t *evidence = NULL, *origin = NULL;
	struct change_params v = { 0 };
	const char *action = NULL;
	const struct json_field f[] = {
		{ "action", JK_LABEL, true, &action, NULL },
		{ "clock", JK_OBJ, false, &v.clock, NULL },
		{ "created", JK_TIME, true, &r->created, NULL },
		{ "evidence", JK_ARR, true, &evidence, NULL },
		{ "id", JK_LABEL, true, &r->id, NULL },
		{ "key", JK_OBJ, false, &v.key, NULL },
		{ "origin", JK_OBJ, true, &origin, NULL },
		{ "policy", JK_OBJ, false, &v.policy, NULL },
		{ "reason", JK_LABEL, true, &r->change.reason, NULL },
	};
	int e = json_fields(r->st->predicate, "", f, ARRAY_LEN(f), d);

	if (e == 0)
		e = request_check_id(r->id, d);
	if (e == 0)
		e = parse_action(action, &r->action, d);
	if (e == 0)
		e = change_parse_params(r->action, &v, &r->change, d);
	if (e == 0)
		e = parse_origin(origin, r, d);
	return e != 0 ? e : request_parse_evidence(evidence, r, d);
}

/* A change as a request: what approvals, log and screen name it by. */
static void
fill(struct request *r)
{
	r->product = POLICY_RULE_ADMIN;
	r->version = r->change.text;
	r->key = r->change.key != NULL ? r->change.key : "none";
	r->format = change_action_name(r->action);
	r->pipeline = r->run = r->commit = r->branch = "";
	memcpy(r->digest, r->st->digest, sizeof(r->digest));
}

int
change_parse(const void *payload, size_t len, struct request **ret,
    struct diag *d)
{
	_cleanup_request_ struct request *r = calloc(1, sizeof(*r));
	int e;

	if (r == NULL)
		return diag_nomem(d);
	e = statement_parse(payload, len, PRED_CHANGE, &r->st, d);
	if (e == 0)
		e = check_subject(r->st, d);
	if (e == 0)
		e = parse_predicate(r, d);
	if (e == 0)
		e = statement_subject_root(r->st->subjects, r->st->nsubjects,
		    r->subject_root);
	if (e != 0)
		return e;
	fill(r);
	*ret = take_ptr(r);
	return 0;
}

static json_t *
predicate_json(const struct change_new *n)
{
	_cleanup_json_ json_t *p = NULL, *params = NULL;
	struct change c = { .policy_version = n->policy_version,
		.key = n->key,
		.domain = n->domain,
		.alg = n->alg,
		.seconds = n->seconds };

	if (n->policy != NULL)
		memcpy(c.policy, n->policy, sizeof(c.policy));
	params = change_params_json(n->action, &c);
	p = json_pack("{s:s, s:o, s:o, s:s, s:{s:s, s:s}, s:s}", "action",
	    change_action_name(n->action), "created", json_time(n->created),
	    "evidence", request_evidence_json(n->evidence, n->nevidence), "id",
	    n->id, "origin", "system", n->system, "user", n->user, "reason",
	    n->reason);
	if (p == NULL || params == NULL || json_object_update(p, params) != 0)
		return NULL;
	return take_ptr(p);
}

int
change_format(const struct change_new *n, char **ret, size_t *ret_len)
{
	_cleanup_request_ struct request *check = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *p = NULL;
	uint8_t digest[32];
	size_t len = 0;
	int r;

	if (change_action_name(n->action) == NULL)
		return CS_E_CHANGE_ACTION;
	if (n->action == CHANGE_POLICY && n->policy == NULL)
		return CS_E_CHANGE_PARAMS;
	p = predicate_json(n);
	if (p == NULL)
		return CS_E_JSON_VALUE; /* a text that is not UTF-8 */
	r = predicate_digest(p, digest);
	if (r == 0)
		r = statement_format_about(SUBJECT, digest, PRED_CHANGE,
		    json_incref(p), &text, &len);
	/* nothing leaves that would be refused on the other side */
	if (r == 0)
		r = change_parse(text, len, &check, NULL);
	if (r != 0)
		return r;
	*ret = take_ptr(text);
	*ret_len = len;
	return 0;
}
