/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy_review.h"

#include <string.h>

#include "lib/authority_impl.h"
#include "lib/json.h"

/*
 * What a role lets its holders do, one text each, is told to a function: a
 * line of the sheet or an entry of the JSON.
 */
struct teller {
	const struct policy *p;
	const char *role;
	void (*tell)(struct teller *t, const char *text);
	struct buf *out;
	json_t *array;
	size_t n;
	int r; /* 0 or the first error */
};

static void
tell(struct teller *t, struct words *w)
{
	_cleanup_free_ char *text = NULL;

	if (t->r == 0)
		t->r = words_take(w, &text);
	if (t->r == 0)
		t->tell(t, text);
	t->n++;
}

static void
lets_rule(struct teller *t, const struct policy_rule *u)
{
	size_t i;

	if (policy_list_has(&u->roles, t->role)) {
		_cleanup_words_ struct words w = WORDS_INIT;

		words_putf(&w, "approve ");
		words_rule(&w, u);
		tell(t, &w);
	}
	for (i = 0; i < u->nevidence; i++) {
		_cleanup_words_ struct words w = WORDS_INIT;

		if (!policy_list_has(&u->evidence[i].signers, t->role))
			continue;
		words_putf(&w, "sign evidence for ");
		words_rule(&w, u);
		words_putf(&w, ": ");
		words_evidence(&w, &u->evidence[i]);
		tell(t, &w);
	}
}

static void
lets_ask(struct teller *t, const struct policy_rule *u)
{
	_cleanup_words_ struct words w = WORDS_INIT;

	if (strcmp(t->role, "requester") != 0 || u->requesters.n == 0)
		return;
	words_putf(&w, "ask for ");
	words_rule(&w, u);
	words_putf(&w, ", only ");
	words_list(&w, &u->requesters, "and", "");
	tell(t, &w);
}

static void
lets(struct teller *t)
{
	size_t i;

	lets_rule(t, &t->p->admin);
	if (t->p->has_break_glass)
		lets_rule(t, &t->p->break_glass);
	for (i = 0; i < t->p->nrules; i++) {
		lets_rule(t, &t->p->rules[i]);
		lets_ask(t, &t->p->rules[i]);
	}
}

static int
check_role(const struct policy *p, const char *role, struct diag *d)
{
	if (role != NULL && !policy_list_has(&p->role_names, role))
		return diag_fail(d, CS_E_AUTHORITY_NAME, "a role of the policy",
		    "%.60s", role);
	return 0;
}

/* --- for people ------------------------------------------------------------ */
static void
tell_line(struct teller *t, const char *text)
{
	t->r = buf_putf(t->out, "    may %s\n", text);
}

static int
put_holder(const struct policy_principal *v, int64_t at, struct buf *out)
{
	_cleanup_words_ struct words w = WORDS_INIT;
	_cleanup_free_ char *text = NULL;
	int r;

	words_putf(&w, "%s%s (%s, of %s) since ",
	    strcmp(v->kind, "person") == 0 ? "" : "the system ", v->id, v->name,
	    v->organisation);
	words_time(&w, v->valid_from);
	words_putf(&w, " until ");
	words_time(&w, v->valid_until);
	if (!authority_valid(v->valid_from, v->valid_until, at))
		words_putf(&w, ", NOT VALID NOW");
	r = words_take(&w, &text);
	return r != 0 ? r : buf_putf(out, "[ ] keep  [ ] remove  %s\n", text);
}

static int
put_role(const struct policy *p, const char *role, int64_t at, struct buf *out)
{
	struct teller t = { .p = p,
		.role = role,
		.tell = tell_line,
		.out = out };
	size_t i, n = 0;
	int r;

	r = buf_putf(out, "role %s\n", role);
	if (r != 0)
		return r;
	lets(&t);
	if (t.r == 0 && t.n == 0)
		t.r = buf_putf(out, "    lets nobody do anything\n");
	for (i = 0; t.r == 0 && i < p->nprincipals; i++)
		if (policy_list_has(&p->principals[i].roles, role)) {
			t.r = put_holder(&p->principals[i], at, out);
			n++;
		}
	if (t.r == 0 && n == 0)
		t.r = buf_putf(out, "    nobody has it\n");
	return t.r != 0 ? t.r : buf_putf(out, "\n");
}

int
policy_review_text(const struct policy *p, const char *role, int64_t at,
    struct buf *out, struct diag *d)
{
	size_t i;
	int r = check_role(p, role, d);

	for (i = 0; r == 0 && i < p->role_names.n; i++)
		if (role == NULL || strcmp(p->role_names.v[i], role) == 0)
			r = put_role(p, p->role_names.v[i], at, out);
	if (r == 0)
		r = buf_putf(out,
		    "Reviewed by: ____________________  on: __________\n"
		    "When done, take out of the policy whom you remove, and "
		    "move review_by by a policy change.\n");
	return r;
}

/* --- for machines ---------------------------------------------------------- */
static void
tell_json(struct teller *t, const char *text)
{
	if (json_array_append_new(t->array, json_string(text)) != 0)
		t->r = CS_E_NOMEM;
}

static json_t *
json_holders(const struct policy *p, const char *role, int64_t at)
{
	_cleanup_json_ json_t *a = json_array();
	const struct policy_principal *v;
	size_t i;

	for (i = 0; i < p->nprincipals; i++) {
		v = &p->principals[i];
		if (!policy_list_has(&v->roles, role))
			continue;
		if (json_array_append_new(a,
			json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:b, s:s}",
			    "id", v->id, "kind", v->kind, "name", v->name,
			    "organisation", v->organisation, "valid_from",
			    json_time(v->valid_from), "valid_until",
			    json_time(v->valid_until), "valid",
			    authority_valid(v->valid_from, v->valid_until, at),
			    "decision", "")) != 0)
			return NULL;
	}
	return take_ptr(a);
}

int
policy_review_json(const struct policy *p, const char *role, int64_t at,
    json_t **ret, struct diag *d)
{
	_cleanup_json_ json_t *all = json_array();
	size_t i;
	int r = check_role(p, role, d);

	for (i = 0; r == 0 && i < p->role_names.n; i++) {
		struct teller t = { .p = p,
			.role = p->role_names.v[i],
			.tell = tell_json };

		if (role != NULL && strcmp(t.role, role) != 0)
			continue;
		t.array = json_array();
		lets(&t);
		r = t.r;
		if (json_array_append_new(all,
			json_pack("{s:s, s:o, s:o}", "role", t.role, "lets",
			    t.array, "holders", json_holders(p, t.role, at))) !=
		    0)
			r = CS_E_NOMEM;
	}
	if (r == 0)
		*ret = take_ptr(all);
	return r;
}
