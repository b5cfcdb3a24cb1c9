/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "lib/authority_impl.h"

#define TEXT_SETS 20u /* that people read by themselves */

static void
put_state(struct words *w, const struct authority *a,
    const struct authority_row *row)
{
	(void)a;
	words_putf(w, "the key is %s", row->key->state);
}

static void
put_early(struct words *w, const struct authority *a,
    const struct authority_row *row)
{
	(void)a;
	words_putf(w, "the key is valid only from ");
	words_time(w, row->key->valid_from);
}

static void
put_late(struct words *w, const struct authority *a,
    const struct authority_row *row)
{
	(void)a;
	words_putf(w, "the key was valid until ");
	words_time(w, row->key->valid_until);
}

static void
put_later(struct words *w, const struct authority *a,
    const struct authority_row *row)
{
	(void)a;
	words_putf(w, "the rule's next window opens at ");
	words_time(w, row->group->opens);
}

static void
put_past(struct words *w, const struct authority *a,
    const struct authority_row *row)
{
	(void)a;
	words_putf(w, "the rule's last window closed at ");
	words_time(w, row->group->opens);
}

static void
put_review(struct words *w, const struct authority *a,
    const struct authority_row *row)
{
	(void)row;
	words_putf(w, "the policy's review is overdue, signing stopped at ");
	words_time(w, a->p->review_by + (int64_t)a->p->review_warning);
}

static void
put_people(struct words *w, const struct authority *a,
    const struct authority_row *row)
{
	(void)a;
	words_putf(w, "%" PRIu64 " people must approve and %zu can",
	    row->group->rule->threshold, row->group->npeople);
}

static void
put_organisations(struct words *w, const struct authority *a,
    const struct authority_row *row)
{
	(void)a;
	words_putf(w,
	    "people of %" PRIu64 " organisations must approve and those "
	    "who can are of %zu",
	    row->group->rule->threshold, row->group->norganisations);
}

static void
put_requester(struct words *w, const struct authority *a,
    const struct authority_row *row)
{
	(void)a;
	(void)row;
	words_putf(w, "nobody who may ask for it is valid now");
}

static void
put_no_rule(struct words *w, const struct authority *a,
    const struct authority_row *row)
{
	(void)a;
	(void)row;
	words_putf(w, "no rule is for it");
}

static const struct {
	unsigned bit;
	void (*put)(struct words *w, const struct authority *a,
	    const struct authority_row *row);
} reasons[] = {
	{ AUTHORITY_NO_RULE, put_no_rule },
	{ AUTHORITY_REVIEW, put_review },
	{ AUTHORITY_KEY_STATE, put_state },
	{ AUTHORITY_KEY_EARLY, put_early },
	{ AUTHORITY_KEY_LATE, put_late },
	{ AUTHORITY_WINDOW_LATER, put_later },
	{ AUTHORITY_WINDOW_PAST, put_past },
	{ AUTHORITY_PEOPLE, put_people },
	{ AUTHORITY_ORGANISATIONS, put_organisations },
	{ AUTHORITY_REQUESTER, put_requester },
};

void
authority_put_why(struct words *w, const struct authority *a,
    const struct authority_row *row)
{
	const char *sep = "";
	size_t i;

	for (i = 0; i < ARRAY_LEN(reasons); i++) {
		if ((row->why & reasons[i].bit) == 0)
			continue;
		words_putf(w, "%s", sep);
		reasons[i].put(w, a, row);
		sep = "; ";
	}
}

const char *
authority_end_words(enum authority_end e)
{
	static const char *const names[AUTHORITY_END_COUNT] = {
		[AUTHORITY_END_KEY] = "then the key ends",
		[AUTHORITY_END_WINDOW] = "then the window closes",
		[AUTHORITY_END_REVIEW] = "then the policy must be reviewed",
		[AUTHORITY_END_PEOPLE] = "then too few people are left",
		[AUTHORITY_END_REQUESTER] = "then nobody is left to ask",
	};

	return names[e];
}

/* --- the rows for people -------------------------------------------------- */
static int
put_line(struct buf *out, struct words *w)
{
	_cleanup_free_ char *text = NULL;
	int r = words_take(w, &text);

	buf_reset(&w->b);
	return r != 0 ? r : buf_putf(out, "%s\n", text);
}

static void
put_title(struct words *w, const struct authority_row *row)
{
	if (row->group == NULL || row->key == NULL) {
		words_putf(w, "%s", row->product);
		if (row->key != NULL)
			words_putf(w, ", key %s", row->key->id);
		return;
	}
	words_putf(w, "%s, key %s (", row->product, row->key->id);
	words_list(w, &row->key->formats, "and", "no format");
	words_putf(w, "), rule %s", row->group->rule->id);
}

static void
put_names(struct words *w, const struct policy_principal *const *v, size_t n,
    bool organisations)
{
	size_t i;

	for (i = 0; i < n; i++) {
		words_putf(w, "%s%s", i == 0 ? "" : ", ", v[i]->id);
		if (organisations)
			words_putf(w, " (%s)", v[i]->organisation);
	}
}

struct set_list {
	const struct authority_group *g;
	struct words *w;
	size_t n;
};

static int
put_set(void *arg, const size_t *set, size_t n)
{
	struct set_list *x = arg;
	size_t i;

	words_putf(x->w, "%s", x->n++ == 0 ? "" : "; ");
	for (i = 0; i < n; i++)
		words_putf(x->w, "%s%s",
		    i == 0	   ? "" :
			i + 1 == n ? " and " :
				     ", ",
		    x->g->people[set[i]]->id);
	return x->w->r;
}

/* Whom it takes; with organisations, each way by itself. */
static int
put_people_of(struct words *w, const struct authority_group *g, struct buf *out)
{
	bool distinct = g->rule->distinct_organisations;
	struct set_list x = { .g = g, .w = w };
	int r;

	words_putf(w, "    any %" PRIu64 " of ", g->rule->threshold);
	put_names(w, g->people, g->npeople, distinct);
	if (distinct)
		words_putf(w, ", each of another organisation");
	r = put_line(out, w);
	if (r != 0 || !distinct)
		return r;
	words_putf(w, "    that is: ");
	r = authority_sets(g, TEXT_SETS, put_set, &x);
	if (g->sets > TEXT_SETS)
		words_putf(w, " and %" PRIu64 " more", g->sets - TEXT_SETS);
	return r != 0 ? r : put_line(out, w);
}

static int
put_requesters(struct words *w, const struct authority_group *g,
    struct buf *out)
{
	const struct policy_principal *q;
	size_t i, k;
	int r = 0;

	if (g->rule->requesters.n > 0) {
		words_putf(w, "    asked for by ");
		put_names(w, g->requesters, g->nrequesters, false);
		r = put_line(out, w);
	}
	for (i = 0; r == 0 && i < g->nrequesters; i++) {
		q = g->requesters[i];
		for (k = 0; k < g->npeople && g->people[k] != q; k++)
			continue;
		if (k == g->npeople || !g->rule->requester_excluded)
			continue;
		words_putf(w, "    %s cannot approve what %s asked for", q->id,
		    q->id);
		r = put_line(out, w);
	}
	return r;
}

static int
put_row(const struct authority *a, const struct authority_row *row,
    struct buf *out)
{
	_cleanup_words_ struct words w = WORDS_INIT;
	int r;

	put_title(&w, row);
	r = put_line(out, &w);
	if (r == 0 && row->why != 0) {
		words_putf(&w, "    NOBODY: ");
		authority_put_why(&w, a, row);
		return put_line(out, &w);
	}
	if (r == 0)
		r = put_people_of(&w, row->group, out);
	if (r == 0)
		r = put_requesters(&w, row->group, out);
	if (r != 0)
		return r;
	words_putf(&w, "    until ");
	words_time(&w, row->until);
	words_putf(&w, " (%s)", authority_end_words(row->end));
	r = put_line(out, &w);
	if (r != 0 || !row->group->granted)
		return r;
	words_putf(&w, "    granted at leaf %" PRIu64, row->group->leaf);
	return put_line(out, &w);
}

int
authority_text(const struct authority *a, struct buf *out)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < a->nrows; i++)
		r = put_row(a, &a->rows[i], out);
	return r;
}
