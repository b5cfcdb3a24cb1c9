/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of an auditor's database and the numbers of its other rows.  A cache
 * of fixed size spares the look-up of what was seen a moment ago; what it
 * forgot is asked of the database again, so ids do not depend on it.
 */
#include <string.h>

#include "host-tools/audit_db_private.h"

#define SLOTS	 1024u
#define WORD_MAX 47u /* longer ones are not remembered */

struct audit_words {
	struct {
		int64_t id; /* 0: none */
		uint8_t len;
		char word[WORD_MAX];
	} slot[SLOTS];
	int64_t next[AUDIT_TABLE_COUNT]; /* 0: not asked yet */
};

/* FNV-1a, 32 bits */
static uint32_t
hash(const char *p, size_t n)
{
	uint32_t h = 2166136261u;

	while (n-- > 0)
		h = (h ^ (uint8_t)*p++) * 16777619u;
	return h ^ h >> 15;
}

static int
words(struct audit_db *db, struct audit_words **ret, struct diag *d)
{
	if (db->words == NULL)
		db->words = calloc(1, sizeof(*db->words));
	*ret = db->words;
	return *ret == NULL ? diag_nomem(d) : 0;
}

void
audit_words_free(struct audit_words **w)
{
	free(*w);
	*w = NULL;
}

void
audit_words_forget(struct audit_db *db)
{
	audit_words_free(&db->words);
}

int
audit_next_id(struct audit_db *db, enum audit_table t, int64_t *ret,
    struct diag *d)
{
	static const struct {
		enum audit_table t;
		const char *sql;
	} last[] = {
		{ AUDIT_WORD, "SELECT coalesce(max(id), 0) FROM word" },
		{ AUDIT_REQUEST, "SELECT coalesce(max(id), 0) FROM request" },
		{ AUDIT_POLICY, "SELECT coalesce(max(id), 0) FROM policy" },
		{ AUDIT_TRACE, "SELECT coalesce(max(id), 0) FROM trace" },
	};
	struct audit_words *w;
	uint64_t n = 0;
	size_t i;
	int r = words(db, &w, d);

	if (r != 0)
		return r;
	for (i = 0; i < ARRAY_LEN(last) && w->next[t] == 0; i++) {
		if (last[i].t != t)
			continue;
		r = audit_ask_number(db, last[i].sql, NULL, 0, &n, d);
		if (r != 0)
			return r;
		w->next[t] = (int64_t)n + 1;
	}
	*ret = w->next[t]++;
	return 0;
}

/* Out of the table, or new in it. */
static int
find_or_add(struct audit_db *db, const char *p, size_t n, int64_t *ret,
    struct diag *d)
{
	struct audit_cell row[2] = { { .kind = CELL_NULL }, cell_text(p, n) };
	bool found;
	int r = audit_db_find(db, FIND_WORD, &row[1], &found, ret, d);

	if (r != 0 || found)
		return r;
	r = audit_next_id(db, AUDIT_WORD, ret, d);
	if (r != 0)
		return r;
	row[0] = cell_int(*ret);
	return audit_db_insert(db, AUDIT_WORD, row, d);
}

int
audit_word(struct audit_db *db, const char *p, size_t n, int64_t *ret,
    struct diag *d)
{
	uint32_t at = hash(p, n) % SLOTS;
	struct audit_words *w;
	int r = words(db, &w, d);

	if (r != 0)
		return r;
	if (w->slot[at].id != 0 && w->slot[at].len == n &&
	    memcmp(w->slot[at].word, p, n) == 0) {
		*ret = w->slot[at].id;
		return 0;
	}
	r = find_or_add(db, p, n, ret, d);
	if (r == 0 && n <= WORD_MAX) {
		w->slot[at].id = *ret;
		w->slot[at].len = (uint8_t)n;
		memcpy(w->slot[at].word, p, n);
	}
	return r;
}
