/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/authority_impl.h"
#include "lib/json.h"

/* The rows for machines. */
struct json_sets {
	const struct authority_group *g;
	json_t *array;
};

static int
json_set(void *arg, const size_t *set, size_t n)
{
	const struct json_sets *x = arg;
	json_t *one = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		if (json_array_append_new(one,
			json_string(x->g->people[set[i]]->id)) != 0) {
			json_decref(one);
			return CS_E_NOMEM;
		}
	return json_array_append_new(x->array, one) != 0 ? CS_E_NOMEM : 0;
}

static json_t *
json_people(const struct policy_principal *const *v, size_t n)
{
	_cleanup_json_ json_t *a = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		if (json_array_append_new(a,
			json_pack("{s:s, s:s, s:o}", "id", v[i]->id,
			    "organisation", v[i]->organisation, "valid_until",
			    json_time(v[i]->valid_until))) != 0)
			return NULL;
	return take_ptr(a);
}

static json_t *
json_list(const struct policy_str_list *l)
{
	_cleanup_json_ json_t *a = json_array();
	size_t i;

	for (i = 0; i < l->n; i++)
		if (json_array_append_new(a, json_string(l->v[i])) != 0)
			return NULL;
	return take_ptr(a);
}

/* A new value of obj; NULL (no memory) is an error. */
static int
set(json_t *obj, const char *name, json_t *v)
{
	return json_object_set_new(obj, name, v) != 0 ? CS_E_NOMEM : 0;
}

static int
json_group(const struct authority *a, const struct authority_group *g,
    json_t *j)
{
	json_t *sets = json_array();
	const struct json_sets x = { g, sets };
	uint64_t more = g->sets > a->sets_max ? g->sets - a->sets_max : 0;
	int r;

	r = set(j, "sets", sets);
	if (r == 0)
		r = authority_sets(g, a->sets_max, json_set, (void *)&x);
	if (r == 0)
		r = set(j, "more_sets", json_integer((json_int_t)more));
	if (r == 0)
		r = set(j, "rule", json_string(g->rule->id));
	if (r == 0)
		r = set(j, "threshold",
		    json_integer((json_int_t)g->rule->threshold));
	if (r == 0)
		r = set(j, "distinct_organisations",
		    json_boolean(g->rule->distinct_organisations));
	if (r == 0)
		r = set(j, "requester_excluded",
		    json_boolean(g->rule->requester_excluded));
	if (r == 0)
		r = set(j, "people", json_people(g->people, g->npeople));
	if (r == 0)
		r = set(j, "requesters",
		    json_people(g->requesters, g->nrequesters));
	if (r == 0 && g->granted)
		r = set(j, "granted_at_leaf",
		    json_integer((json_int_t)g->leaf));
	return r;
}

static int
why_text(const struct authority *a, const struct authority_row *row, char **ret)
{
	_cleanup_words_ struct words w = WORDS_INIT;

	authority_put_why(&w, a, row);
	return words_take(&w, ret);
}

static int
json_row(const struct authority *a, const struct authority_row *row, json_t *j)
{
	_cleanup_free_ char *why = NULL;
	int r;

	r = set(j, "product", json_string(row->product));
	if (r == 0)
		r = set(j, "possible", json_boolean(row->why == 0));
	if (r == 0 && row->key != NULL)
		r = set(j, "key", json_string(row->key->id));
	if (r == 0 && row->key != NULL)
		r = set(j, "formats", json_list(&row->key->formats));
	if (r == 0 && row->group != NULL)
		r = json_group(a, row->group, j);
	if (r != 0)
		return r;
	if (row->why == 0) {
		r = set(j, "until", json_time(row->until));
		return r != 0 ? r :
				set(j, "until_because",
				    json_string(authority_end_words(row->end)));
	}
	r = why_text(a, row, &why);
	return r != 0 ? r : set(j, "why_not", json_string(why));
}

int
authority_json(const struct authority *a, json_t **ret)
{
	_cleanup_json_ json_t *all = json_array();
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < a->nrows; i++) {
		json_t *j = json_object();

		if (json_array_append_new(all, j) != 0)
			return CS_E_NOMEM;
		r = json_row(a, &a->rows[i], j);
	}
	if (r == 0)
		*ret = take_ptr(all);
	return r;
}
