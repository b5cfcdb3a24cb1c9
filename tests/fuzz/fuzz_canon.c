/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/canon.h"
#include "lib/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
walk(enum canon_kind kind, const char *val, size_t len, unsigned depth)
{
	struct canon_iter it = CANON_ITER(val, len);
	_cleanup_free_ char *s = NULL;
	enum canon_kind k;
	const char *v;
	size_t n;

	if ((kind == CANON_ARR || kind == CANON_OBJ) && depth > CANON_DEPTH)
		abort();
	if (kind == CANON_STR) {
		/* an unescaped string is never longer */
		s = malloc(len);
		if (s == NULL || canon_unescape(val, len, s, len) != 0)
			abort();
	}
	while (kind == CANON_ARR && canon_next(&it, &k, &v, &n)) {
		if (v < val || v + n > val + len)
			abort();
		walk(k, v, n, depth + 1);
	}
}

/*
 * Every leaf that the scanner takes is the one text that jansson's tree of it
 * is written as, and each of its members is found.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *val, *key;
	_cleanup_json_ json_t *root = NULL;
	_cleanup_free_ char *text = NULL;
	enum canon_kind kind;
	json_t *member;
	size_t n, len;

	if (canon_check(p, size, NULL) != 0)
		return 0;
	root = json_loadb(p, size, JSON_REJECT_DUPLICATES, NULL);
	if (root == NULL || json_canonical(root, &text, &n) != 0 ||
	    n + 1 != size || memcmp(text, p, n) != 0 || p[n] != '\n')
		abort();
	json_object_foreach (root, key, member) {
		if (strchr(key, '.') != NULL)
			continue;
		if (canon_get(p, size, key, &kind, &val, &len) != 0 ||
		    val < p || val + len > p + size ||
		    json_is_string(member) != (kind == CANON_STR) ||
		    json_is_array(member) != (kind == CANON_ARR))
			abort();
		walk(kind, val, len, 2);
	}
	return 0;
}
