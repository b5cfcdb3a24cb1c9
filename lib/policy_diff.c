/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/policy_diff_impl.h"

/*
 * Every object is compared through the table of its fields, value by value as
 * they read.  Whatever differs in the JSON without a sentence is named by its
 * pointer, so a field that is missing in a table is not missing in the text.
 */

/* Names of the predicate that other functions, or the version, are for. */
static bool
elsewhere(const char *name)
{
	static const char *const names[] = { "version", "previous",
		"administration", "break_glass" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	for (i = 0; i < diff_nsections; i++)
		if (strcmp(diff_sections[i].json, name) == 0)
			return true;
	return false;
}

/* Is a name in the JSON one that a field is for? */
static bool
known(const struct diff_pair *x, const char *parent, const char *name)
{
	size_t i, n = strlen(parent);

	if (*x->path == '\0' && elsewhere(name))
		return true;
	for (i = 0; i < x->nfields; i++) {
		const char *f = x->fields[i].json, *slash = strchr(f, '/');

		if (strcmp(slash == NULL ? f : slash + 1, name) == 0 &&
		    (n == 0 || strncmp(f, parent, n) == 0))
			return true;
	}
	return false;
}

static bool
is_parent(const struct diff_pair *x, const char *name)
{
	size_t i, n = strlen(name);

	for (i = 0; i < x->nfields; i++)
		if (strncmp(x->fields[i].json, name, n) == 0 &&
		    x->fields[i].json[n] == '/')
			return true;
	return false;
}

/* What the JSON has and the table has not; both is what is in a and b. */
static void
unknown_in(const struct diff_pair *x, const char *parent, json_t *a, json_t *b,
    bool both)
{
	const char *name;
	char path[200];
	json_t *v, *w;

	json_object_foreach (a, name, v) {
		w = json_object_get(b, name);
		if (diff_json_same(v, w) || (w != NULL && !both))
			continue;
		(void)snprintf(path, sizeof(path), "%s%s%.100s", parent,
		    *parent == '\0' ? "" : "/", name);
		if (*parent == '\0' && is_parent(x, name)) {
			unknown_in(x, name, v, w, true);
			if (w != NULL)
				unknown_in(x, name, w, v, false);
		} else if (strcmp(name, "id") != 0 && !known(x, parent, name))
			diff_other(x, path);
	}
}

static const char *
id_of(const void *entry)
{
	/* the first member of all that have one */
	return *(const char *const *)entry;
}

static void
compare(struct diff_pair *x)
{
	diff_pair(x);
	if (x->new.base == NULL)
		return;
	unknown_in(x, "", x->new.json, x->old.json, true);
	if (x->old.base != NULL)
		unknown_in(x, "", x->old.json, x->new.json, false);
}

/* --- entries that have an ID --------------------------------------------- */
struct array {
	const struct policy *p;
	const uint8_t *v;
	size_t n, size;
	json_t *json;
};

static struct array
array_of(const struct policy *p, const struct diff_section *s)
{
	const uint8_t *at = (const uint8_t *)p;

	return (struct array){ p, *(const uint8_t *const *)(at + s->array),
		*(const size_t *)(at + s->count), s->size,
		json_object_get(p->st == NULL ? NULL : p->st->predicate,
		    s->json) };
}

static struct diff_side
side_at(const struct array *a, size_t i)
{
	return (struct diff_side){ a->p, a->v + i * a->size,
		json_array_get(a->json, i) };
}

static struct diff_side
side_by_id(const struct array *a, const char *id)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (strcmp(id_of(a->v + i * a->size), id) == 0)
			return side_at(a, i);
	return (struct diff_side){ .p = a->p };
}

static void
compare_entry(const struct diff_section *s, struct diff_lines *l,
    const struct diff_side *old, const struct diff_side *new)
{
	char path[200];
	struct diff_pair x = { .l = l,
		.path = path,
		.fields = s->fields,
		.nfields = s->nfields,
		.subject = s->subject,
		.old = *old,
		.new = *new };

	(void)snprintf(path, sizeof(path), "/%s/%.100s", s->json,
	    id_of(new->base != NULL ? new->base : old->base));
	compare(&x);
}

static void
compare_section(const struct diff_section *s, struct diff_lines *l,
    const struct policy *old, const struct policy *new)
{
	const struct array a = array_of(old, s), b = array_of(new, s);
	const struct diff_pair x = { .l = l, .path = "" };
	struct diff_side there, here;
	size_t i, before = l->n;

	for (i = 0; i < b.n; i++) {
		here = side_at(&b, i);
		there = side_by_id(&a, id_of(here.base));
		compare_entry(s, l, &there, &here);
	}
	for (i = 0; i < a.n; i++) {
		there = side_at(&a, i);
		here = side_by_id(&b, id_of(there.base));
		if (here.base == NULL)
			compare_entry(s, l, &there, &here);
	}
	/* the order of entries */
	if (l->n == before && !diff_json_same(a.json, b.json))
		diff_other(&x, s->json);
}

/* --- who may approve ----------------------------------------------------- */
static bool
may(const struct policy *p, const struct policy_rule *u, const char *id)
{
	const struct policy_principal *w = policy_principal_by_id(p, id);

	return u != NULL && w != NULL && policy_may_approve(w, u);
}

static void
compare_people(struct diff_lines *l, const struct policy *these,
    const struct policy_rule *a, const struct policy *others,
    const struct policy_rule *b, bool come)
{
	bool loud = strcmp(a->id, POLICY_RULE_BREAK_GLASS) == 0;
	size_t i;

	for (i = 0; i < these->nprincipals; i++) {
		_cleanup_words_ struct words w = WORDS_INIT;
		const struct policy_principal *v = &these->principals[i];

		if (!policy_may_approve(v, a) || may(others, b, v->id))
			continue;
		words_putf(&w, "%s can %s approve ", v->id,
		    come ? "newly" : "no longer");
		words_rule(&w, a);
		diff_add(l,
		    !come    ? DIFF_LESS :
			loud ? DIFF_LOUD :
			       DIFF_GRANT,
		    &w);
	}
}

static void
compare_authority(struct diff_lines *l, const struct policy *these,
    const struct policy *others, bool come)
{
	size_t i;

	compare_people(l, these, &these->admin, others, &others->admin, come);
	if (these->has_break_glass)
		compare_people(l, these, &these->break_glass, others,
		    policy_rule_by_id(others, POLICY_RULE_BREAK_GLASS), come);
	for (i = 0; i < these->nrules; i++)
		compare_people(l, these, &these->rules[i], others,
		    policy_rule_by_id(others, these->rules[i].id), come);
}

/* --- the rest ------------------------------------------------------------- */
static void
top_subject(struct words *w, const void *entry)
{
	(void)entry;
	words_putf(w, "the policy");
}

static void
rule_subject(struct words *w, const void *entry)
{
	words_rule(w, entry);
}

static json_t *
predicate(const struct policy *p, const char *name)
{
	json_t *j = p->st == NULL ? NULL : p->st->predicate;

	return name == NULL ? j : json_object_get(j, name);
}

static void
compare_special(struct diff_lines *l, const struct policy *old,
    const struct policy *new)
{
	struct diff_pair x = { .l = l,
		.fields = diff_rule,
		.nfields = diff_nrule,
		.subject = rule_subject };

	x.path = "/administration";
	x.old = (struct diff_side){ old, &old->admin,
		predicate(old, "administration") };
	x.new = (struct diff_side){ new, &new->admin,
		predicate(new, "administration") };
	compare(&x);
	if (!old->has_break_glass && !new->has_break_glass)
		return;
	x.path = "/break_glass";
	x.loud = true;
	x.old = (struct diff_side){ old,
		old->has_break_glass ? &old->break_glass : NULL,
		predicate(old, "break_glass") };
	x.new = (struct diff_side){ new,
		new->has_break_glass ? &new->break_glass : NULL,
		predicate(new, "break_glass") };
	compare(&x);
}

static int
line_cmp(const void *va, const void *vb)
{
	const struct diff_line *a = va, *b = vb;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static int
compare_policies(const struct policy *old, const struct policy *new,
    struct diff_lines *l)
{
	struct diff_pair x = { .l = l,
		.path = "",
		.fields = diff_top,
		.nfields = diff_ntop,
		.subject = top_subject,
		.old = { old, old, predicate(old, NULL) },
		.new = { new, new, predicate(new, NULL) } };
	_cleanup_words_ struct words none = WORDS_INIT;
	size_t i;

	compare(&x);
	compare_authority(l, new, old, true);
	compare_special(l, old, new);
	for (i = 0; i < diff_nsections; i++)
		compare_section(&diff_sections[i], l, old, new);
	compare_authority(l, old, new, false);
	if (l->n == 0) {
		words_putf(&none, "nothing changes but the version");
		diff_add(l, DIFF_FACT, &none);
	}
	if (l->n > 0)
		qsort(l->v, l->n, sizeof(*l->v), line_cmp);
	return l->r;
}

int
policy_diff(const struct policy *old, const struct policy *new, struct buf *out)
{
	_cleanup_(diff_lines_done) struct diff_lines l = { 0 };
	size_t i;
	int r;

	r = compare_policies(old, new, &l);
	for (i = 0; r == 0 && i < l.n; i++)
		r = buf_putf(out, "%s\n", l.v[i].text);
	return r;
}

int
policy_diff_count(const struct policy *old, const struct policy *new,
    size_t *ret)
{
	_cleanup_(diff_lines_done) struct diff_lines l = { 0 };
	int r;

	r = compare_policies(old, new, &l);
	if (r == 0)
		*ret = l.n;
	return r;
}
