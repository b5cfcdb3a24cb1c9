/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/policy_diff_impl.h"

/* Two versions of one object, compared through the table of its fields. */
void
diff_lines_done(struct diff_lines *l)
{
	while (l->n > 0)
		free(l->v[--l->n].text);
	free(l->v);
}

void
diff_add(struct diff_lines *l, enum diff_rank rank, const struct words *w)
{
	struct diff_line *more;
	char *text = NULL;

	if (l->r == 0 && l->n == l->cap) {
		more = reallocarray(l->v, 2 * l->cap + 64, sizeof(*more));
		if (more == NULL) {
			l->r = CS_E_NOMEM;
			return;
		}
		l->v = more;
		l->cap = 2 * l->cap + 64;
	}
	if (l->r == 0)
		l->r = words_take(w, &text);
	if (l->r == 0) {
		l->v[l->n] = (struct diff_line){ rank, l->n, text };
		l->n++;
	}
}

/* --- values of one field ------------------------------------------------- */
struct texts {
	struct words *v;
	size_t n;
};

static void
texts_done(struct texts *t)
{
	while (t->n > 0)
		words_done(&t->v[--t->n]);
	free(t->v);
}

static int
texts_make(const struct diff_field *f, const struct diff_side *s,
    struct texts *t)
{
	size_t i, n = diff_values(f, s);

	if (n == 0)
		return 0;
	t->v = calloc(n, sizeof(*t->v));
	if (t->v == NULL)
		return CS_E_NOMEM;
	for (i = 0; i < n; i++) {
		t->v[t->n++] = (struct words)WORDS_INIT;
		diff_value(&t->v[i], f, s, i);
		if (t->v[i].r != 0)
			return t->v[i].r;
	}
	return 0;
}

static bool
same(const struct words *a, const struct words *b)
{
	return a->b.len == b->b.len &&
	    (a->b.len == 0 || memcmp(a->b.p, b->b.p, a->b.len) == 0);
}

static bool
has(const struct texts *t, const struct words *w)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (same(&t->v[i], w))
			return true;
	return false;
}

static void
put_text(struct words *w, const struct words *text)
{
	words_putf(w, " %.*s", (int)text->b.len,
	    text->b.len == 0 ? "" : (const char *)text->b.p);
}

static void
put_value(struct words *w, const struct texts *t)
{
	if (t->n > 0)
		put_text(w, &t->v[0]);
	else
		words_putf(w, " none");
}

static void
put_subject(struct words *w, const struct diff_pair *x)
{
	x->subject(w, x->new.base != NULL ? x->new.base : x->old.base);
}

void
diff_other(const struct diff_pair *x, const char *name)
{
	_cleanup_words_ struct words w = WORDS_INIT;

	words_putf(&w, "other text changed: %s%s%s", x->path,
	    *name == '\0' ? "" : "/", name);
	diff_add(x->l, DIFF_OTHER, &w);
}

static void
say(const struct diff_pair *x, enum diff_rank rank, const struct words *w)
{
	diff_add(x->l, x->loud && rank == DIFF_GRANT ? DIFF_LOUD : rank, w);
}

/* Of a change of one value, or of all values to none and the reverse. */
static enum diff_rank
rank_of(const struct diff_field *f, const struct diff_pair *x, size_t old,
    size_t new)
{
	int64_t a = diff_power(f, &x->old), b = diff_power(f, &x->new);

	switch (f->sense) {
	case SENSE_FACT:
		return DIFF_FACT;
	case SENSE_DANGER:
		return DIFF_GRANT;
	case SENSE_LIMIT:
		if ((old == 0) != (new == 0))
			return new == 0 ? DIFF_GRANT : DIFF_LESS;
		return b > a ? DIFF_GRANT : DIFF_LESS;
	case SENSE_LESS:
		return b == a ? DIFF_FACT : b < a ? DIFF_GRANT : DIFF_LESS;
	default:
		return b == a ? DIFF_FACT : b > a ? DIFF_GRANT : DIFF_LESS;
	}
}

static void
one_value(const struct diff_field *f, const struct diff_pair *x,
    const struct texts *old, const struct texts *new)
{
	_cleanup_words_ struct words w = WORDS_INIT;

	if (old->n == new->n && (old->n == 0 || same(&old->v[0], &new->v[0])))
		return;
	put_subject(&w, x);
	words_putf(&w, " %s",
	    f->kind == KIND_BOOL && new->n == 0 ? f->less : f->more);
	if (f->kind != KIND_BOOL) {
		put_value(&w, new);
		words_putf(&w, " instead of");
		put_value(&w, old);
	}
	say(x, rank_of(f, x, old->n, new->n), &w);
}

/* Rank of an entry that comes (or, if not, goes) in a list. */
static enum diff_rank
entry_rank(const struct diff_field *f, bool comes, bool limited)
{
	if (f->kind == KIND_WAIVERS && comes)
		return DIFF_LOUD;
	if (f->sense == SENSE_FACT)
		return DIFF_FACT;
	/* of a limit that is new or gone, what counts is that it is */
	if (f->sense == SENSE_LESS || (f->sense == SENSE_LIMIT && limited))
		comes = !comes;
	return comes ? DIFF_GRANT : DIFF_LESS;
}

static void
entries(const struct diff_field *f, const struct diff_pair *x,
    const struct texts *these, const struct texts *others, bool come)
{
	size_t i;

	for (i = 0; i < these->n; i++) {
		_cleanup_words_ struct words w = WORDS_INIT;

		if (has(others, &these->v[i]))
			continue;
		put_subject(&w, x);
		words_putf(&w, " %s%s", come ? "newly " : "",
		    come ? f->more : f->less);
		put_text(&w, &these->v[i]);
		if (f->sense == SENSE_LIMIT && others->n == 0)
			words_putf(&w, "%s",
			    come ? "; before, nothing limited that" :
				   "; now nothing limits that");
		say(x, entry_rank(f, come, others->n == 0), &w);
	}
}

/* A member of an object: "approvals/threshold", or "threshold" alone. */
static const json_t *
member(const json_t *obj, const char *path)
{
	const char *slash = strchr(path, '/');
	const json_t *v = NULL;
	char parent[40];

	if (slash == NULL)
		return json_object_get(obj, path);
	(void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path),
	    path);
	v = json_object_get(obj, parent);
	return json_object_get(v != NULL ? v : obj, slash + 1);
}

bool
diff_json_same(const json_t *a, const json_t *b)
{
	return a == b || (a != NULL && b != NULL && json_equal(a, b) == 1);
}

static void
compare_field(const struct diff_field *f, const struct diff_pair *x)
{
	_cleanup_(texts_done) struct texts old = { 0 };
	_cleanup_(texts_done) struct texts new = { 0 };
	size_t before = x->l->n;
	int r;

	r = texts_make(f, &x->old, &old);
	if (r == 0)
		r = texts_make(f, &x->new, &new);
	if (r != 0) {
		x->l->r = r;
	} else if (f->kind < KIND_LIST) {
		one_value(f, x, &old, &new);
	} else {
		entries(f, x, &new, &old, true);
		entries(f, x, &old, &new, false);
	}
	if (x->l->n == before &&
	    !diff_json_same(member(x->old.json, f->json),
		member(x->new.json, f->json)))
		diff_other(x, f->json);
}

/* All that a new object says, in one line. */
static void
new_object(const struct diff_pair *x)
{
	_cleanup_words_ struct words w = WORDS_INIT;
	const struct diff_field *f;
	size_t i, k, n;

	put_subject(&w, x);
	words_putf(&w, " is new");
	for (i = 0; i < x->nfields; i++) {
		f = &x->fields[i];
		n = diff_values(f, &x->new);
		if (n == 0)
			continue;
		words_putf(&w, "; %s", f->more);
		for (k = 0; k < n && f->kind != KIND_BOOL; k++) {
			words_putf(&w, "%s", k == 0 ? " " : ", ");
			diff_value(&w, f, &x->new, k);
		}
	}
	say(x, DIFF_GRANT, &w);
}

void
diff_pair(const struct diff_pair *x)
{
	_cleanup_words_ struct words w = WORDS_INIT;
	size_t i;

	if (x->old.base == NULL) {
		new_object(x);
	} else if (x->new.base == NULL) {
		put_subject(&w, x);
		words_putf(&w, " is gone");
		say(x, DIFF_LESS, &w);
	} else {
		for (i = 0; i < x->nfields; i++)
			compare_field(&x->fields[i], x);
	}
}
