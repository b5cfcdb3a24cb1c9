/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/hex.h"
#include "lib/share.h"
#include "lib/statement.h"

#define NAME_SIZE 32u

static void
file_name(size_t i, char out[NAME_SIZE])
{
	(void)snprintf(out, NAME_SIZE, "share-%zu.p7m", i + 1);
}

static json_t *
shares_json(const struct share_manifest *m)
{
	_cleanup_json_ json_t *list = json_array();
	size_t i;

	for (i = 0; i < m->head.count; i++)
		if (json_array_append_new(list,
			json_pack("{s:o, s:I, s:o}", "certificate",
			    json_hex32(m->entry[i].cert), "index",
			    (json_int_t)(i + 1), "record",
			    json_hex32(m->entry[i].record))) != 0)
			return NULL;
	return take_ptr(list);
}

int
share_manifest_format(const struct share_manifest *m, char **ret,
    size_t *ret_len, struct diag *d)
{
	char names[SHARE_MAX][NAME_SIZE], set[2 * SHARE_SET_LEN + 1];
	struct subject files[SHARE_MAX] = { 0 };
	json_t *predicate;
	size_t i;
	int r;

	for (i = 0; i < m->head.count; i++) {
		file_name(i, names[i]);
		files[i].name = names[i];
		files[i].size = m->entry[i].size;
		files[i].has[HASH_SHA256] = true;
		memcpy(files[i].digest[HASH_SHA256], m->entry[i].file,
		    CS_SHA256_LEN);
	}
	hex_encode(m->head.set, SHARE_SET_LEN, set);
	predicate = json_pack("{s:o, s:s, s:s, s:s, s:o, s:I}", "check",
	    json_hex32(m->head.check), "domain", m->head.domain, "origin",
	    m->head.origin, "set", set, "shares", shares_json(m), "threshold",
	    (json_int_t)m->head.threshold);
	/* takes the predicate, NULL too */
	r = statement_format(files, m->head.count, PRED_SHARES, predicate, ret,
	    ret_len);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "the list of shares");
}

static int
malformed(struct diag *d, const char *what)
{
	return diag_fail(d, CS_E_SHARE_MANIFEST, "what share creation writes",
	    "%s", what);
}

static int
parse_entry(json_t *j, size_t i, const struct subject *file,
    struct share_entry *e, struct diag *d)
{
	uint64_t index = 0;
	const struct json_field f[] = {
		{ "certificate", JK_HEX32, true, e->cert, NULL },
		{ "index", JK_U64, true, &index, NULL },
		{ "record", JK_HEX32, true, e->record, NULL },
	};
	char path[40];
	int r;

	(void)snprintf(path, sizeof(path), "/predicate/shares/%zu", i);
	r = json_fields(j, path, f, ARRAY_LEN(f), d);
	if (r != 0)
		return r;
	memcpy(e->file, file->digest[HASH_SHA256], CS_SHA256_LEN);
	e->size = file->size;
	return 0;
}

static int
parse_predicate(const struct statement *st, struct share_manifest *m,
    struct diag *d)
{
	const char *domain = NULL, *origin = NULL, *set = NULL;
	json_t *shares = NULL;
	uint64_t threshold = 0;
	const struct json_field f[] = {
		{ "check", JK_HEX32, true, m->head.check, NULL },
		{ "domain", JK_LABEL, true, &domain, NULL },
		{ "origin", JK_STR, true, &origin, NULL },
		{ "set", JK_STR, true, &set, NULL },
		{ "shares", JK_ARR1, true, &shares, NULL },
		{ "threshold", JK_U64, true, &threshold, NULL },
	};
	size_t i, n;
	int r;

	r = json_fields(st->predicate, "/predicate", f, ARRAY_LEN(f), d);
	if (r != 0)
		return r;
	n = json_array_size(shares);
	if (n != st->nsubjects)
		return malformed(d, "other numbers of shares and files");
	if (hex_decode(set, m->head.set, SHARE_SET_LEN) != 0)
		return malformed(d, "another set ID");
	if (share_head_set(&m->head, domain, origin, (size_t)threshold, n,
		NULL) != 0)
		return malformed(d, "names or numbers that cannot be");
	for (i = 0; i < n; i++) {
		r = parse_entry(json_array_get(shares, i), i, &st->subjects[i],
		    &m->entry[i], d);
		if (r != 0)
			return r;
	}
	return 0;
}

/* No digest may stand for two shares. */
static int
check_distinct(const struct share_manifest *m, struct diag *d)
{
	const struct share_entry *a, *b;
	size_t i, k;

	for (i = 0; i < m->head.count; i++)
		for (k = 0; k < i; k++) {
			a = &m->entry[i];
			b = &m->entry[k];
			if (memcmp(a->cert, b->cert, CS_SHA256_LEN) == 0 ||
			    memcmp(a->record, b->record, CS_SHA256_LEN) == 0 ||
			    memcmp(a->file, b->file, CS_SHA256_LEN) == 0)
				return malformed(d, "the same digest twice");
		}
	return 0;
}

int
share_manifest_parse(const void *payload, size_t len,
    struct share_manifest *ret, struct diag *d)
{
	_cleanup_statement_ struct statement *st = NULL;
	struct share_manifest m = { 0 };
	_cleanup_free_ char *again = NULL;
	size_t n = 0;
	int r;

	if (len > SHARE_MANIFEST_MAX)
		return malformed(d, "more than 16 KiB");
	r = statement_parse(payload, len, PRED_SHARES, &st, d);
	if (r == 0)
		r = parse_predicate(st, &m, d);
	if (r == 0)
		r = check_distinct(&m, d);
	/* names, sizes, digests, indexes: all is as it would be written */
	if (r == 0)
		r = share_manifest_format(&m, &again, &n, d);
	if (r != 0)
		return r;
	if (n != len || memcmp(again, payload, n) != 0)
		return malformed(d, "another form of such a list");
	*ret = m;
	return 0;
}

size_t
share_manifest_find(const struct share_manifest *m,
    const uint8_t file[CS_SHA256_LEN])
{
	size_t i;

	for (i = 0; i < m->head.count; i++)
		if (memcmp(m->entry[i].file, file, CS_SHA256_LEN) == 0)
			return i + 1;
	return 0;
}
