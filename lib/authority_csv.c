/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "lib/authority_impl.h"

/* The rows for spreadsheets, which take some texts for formulas. */

/* One field; the words are used up. */
static int
csv_field(struct buf *out, struct words *w, bool last)
{
	_cleanup_free_ char *text = NULL;
	const char *p;
	int r = words_take(w, &text);

	buf_reset(&w->b);
	if (r == 0)
		r = buf_putf(out, "\"%s",
		    text[0] != '\0' && strchr("=+-@", text[0]) != NULL ? "'" :
									 "");
	for (p = text; r == 0 && *p != '\0'; p++) {
		r = buf_put(out, p, 1);
		if (r == 0 && *p == '"')
			r = buf_put(out, p, 1);
	}
	return r != 0 ? r : buf_putf(out, "\"%s", last ? "\r\n" : ",");
}

static void
csv_names(struct words *w, const struct policy_principal *const *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		words_putf(w, "%s%s", i == 0 ? "" : " ", v[i]->id);
}

struct csv_sets {
	const struct authority_group *g;
	struct words *w;
	size_t n;
};

static int
csv_set(void *arg, const size_t *v, size_t n)
{
	struct csv_sets *x = arg;
	size_t i;

	words_putf(x->w, "%s", x->n++ == 0 ? "" : "; ");
	for (i = 0; i < n; i++)
		words_putf(x->w, "%s%s", i == 0 ? "" : " ",
		    x->g->people[v[i]]->id);
	return x->w->r;
}

/* One column of a row; g is NULL where there is no rule. */
typedef void (*column_fn)(struct words *w, const struct authority *a,
    const struct authority_row *row, const struct authority_group *g);

static void
col_product(struct words *w, const struct authority *a,
    const struct authority_row *row, const struct authority_group *g)
{
	(void)a;
	(void)g;
	words_putf(w, "%s", row->product);
}

static void
col_key(struct words *w, const struct authority *a,
    const struct authority_row *row, const struct authority_group *g)
{
	(void)a;
	(void)g;
	if (row->key != NULL)
		words_putf(w, "%s", row->key->id);
}

static void
col_formats(struct words *w, const struct authority *a,
    const struct authority_row *row, const struct authority_group *g)
{
	(void)a;
	(void)g;
	if (row->key != NULL)
		words_list(w, &row->key->formats, "and", "");
}

static void
col_rule(struct words *w, const struct authority *a,
    const struct authority_row *row, const struct authority_group *g)
{
	(void)a;
	(void)row;
	if (g != NULL)
		words_putf(w, "%s", g->rule->id);
}

static void
col_possible(struct words *w, const struct authority *a,
    const struct authority_row *row, const struct authority_group *g)
{
	(void)a;
	(void)g;
	words_putf(w, "%s", row->why == 0 ? "yes" : "no");
}

static void
col_threshold(struct words *w, const struct authority *a,
    const struct authority_row *row, const struct authority_group *g)
{
	(void)a;
	(void)row;
	if (g != NULL)
		words_putf(w, "%" PRIu64, g->rule->threshold);
}

static void
col_distinct(struct words *w, const struct authority *a,
    const struct authority_row *row, const struct authority_group *g)
{
	(void)a;
	(void)row;
	if (g != NULL)
		words_putf(w, "%s",
		    g->rule->distinct_organisations ? "yes" : "no");
}

static void
col_people(struct words *w, const struct authority *a,
    const struct authority_row *row, const struct authority_group *g)
{
	(void)a;
	(void)row;
	if (g != NULL)
		csv_names(w, g->people, g->npeople);
}

static void
col_requesters(struct words *w, const struct authority *a,
    const struct authority_row *row, const struct authority_group *g)
{
	(void)a;
	(void)row;
	if (g != NULL)
		csv_names(w, g->requesters, g->nrequesters);
}

static void
col_sets(struct words *w, const struct authority *a,
    const struct authority_row *row, const struct authority_group *g)
{
	struct csv_sets x = { g, w, 0 };

	(void)row;
	if (g == NULL)
		return;
	if (w->r == 0)
		w->r = authority_sets(g, a->sets_max, csv_set, &x);
	if (g->sets > a->sets_max)
		words_putf(w, "; and %" PRIu64 " more", g->sets - a->sets_max);
}

static void
col_until(struct words *w, const struct authority *a,
    const struct authority_row *row, const struct authority_group *g)
{
	(void)a;
	(void)g;
	if (row->why == 0)
		words_time(w, row->until);
}

static void
col_because(struct words *w, const struct authority *a,
    const struct authority_row *row, const struct authority_group *g)
{
	(void)g;
	if (row->why == 0)
		words_putf(w, "%s", authority_end_words(row->end));
	else
		authority_put_why(w, a, row);
}

static void
col_leaf(struct words *w, const struct authority *a,
    const struct authority_row *row, const struct authority_group *g)
{
	(void)a;
	(void)row;
	if (g != NULL && g->granted)
		words_putf(w, "%" PRIu64, g->leaf);
}

static const struct {
	const char *name;
	column_fn put;
} columns[] = {
	{ "product", col_product },
	{ "key", col_key },
	{ "formats", col_formats },
	{ "rule", col_rule },
	{ "possible", col_possible },
	{ "threshold", col_threshold },
	{ "distinct_organisations", col_distinct },
	{ "people", col_people },
	{ "requesters", col_requesters },
	{ "sets", col_sets },
	{ "until", col_until },
	{ "because", col_because },
	{ "granted_at_leaf", col_leaf },
};

int
authority_csv(const struct authority *a, struct buf *out)
{
	_cleanup_words_ struct words w = WORDS_INIT;
	size_t i, c;
	int r = 0;

	for (c = 0; r == 0 && c < ARRAY_LEN(columns); c++) {
		words_putf(&w, "%s", columns[c].name);
		r = csv_field(out, &w, c + 1 == ARRAY_LEN(columns));
	}
	for (i = 0; r == 0 && i < a->nrows; i++)
		for (c = 0; r == 0 && c < ARRAY_LEN(columns); c++) {
			columns[c].put(&w, a, &a->rows[i], a->rows[i].group);
			r = csv_field(out, &w, c + 1 == ARRAY_LEN(columns));
		}
	return r;
}
