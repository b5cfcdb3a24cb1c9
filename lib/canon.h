/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_CANON_H
#define CS_CANON_H

#include "lib/err.h"

/*
 * Log leaves: one line of canonical JSON (lib/PROTOCOL.log, section 3), a
 * subset of RFC 8785 in which every value has exactly one text.
 */
#define CANON_MAX	65535u	/* bytes, the newline included */
#define CANON_DEPTH	16u	/* objects and arrays, the outermost is 1 */

/* 0, or CS_E_CANON_* with the offset of the first fault */
int canon_check(const char *p, size_t len, struct diag *d) CS_WUR;

/*
 * Reading fields without a tree.  The leaf must have passed canon_check().
 * A path names object keys from the outermost object on, joined by '.'; a
 * key that itself holds a '.' cannot be named.
 */
enum canon_kind {
	CANON_STR,		/* with quotes and escapes */
	CANON_NUM,
	CANON_TRUE,
	CANON_FALSE,
	CANON_OBJ,		/* with its brackets */
	CANON_ARR,
};

/*
 * *ret_val points into p.  p may also be a CANON_OBJ that an earlier call
 * returned.  CS_E_CANON_FIELD if there is none.
 */
int canon_get(const char *p, size_t len, const char *path,
    enum canon_kind *ret_kind, const char **ret_val, size_t *ret_len) CS_WUR;
/* Unescaped and terminated; a string that does not fit is CS_E_TOO_LARGE. */
int canon_get_str(const char *p, size_t len, const char *path, char *out,
    size_t size, struct diag *d) CS_WUR;
int canon_get_u64(const char *p, size_t len, const char *path, uint64_t *ret,
    struct diag *d) CS_WUR;
int canon_get_bool(const char *p, size_t len, const char *path, bool *ret,
    struct diag *d) CS_WUR;
/* A CANON_STR value, quotes included, unescaped. */
int canon_unescape(const char *val, size_t len, char *out, size_t size)
    CS_WUR;

/*
 * The elements of a CANON_ARR:
 *	struct canon_iter it = CANON_ITER(val, vallen);
 *	while (canon_next(&it, &kind, &v, &vlen)) ...
 */
struct canon_iter {
	const char *p;
	size_t left;
};
#define CANON_ITER(val, len)	{ .p = (val) + 1, .left = (len) - 1 }
bool canon_next(struct canon_iter *it, enum canon_kind *ret_kind,
    const char **ret_val, size_t *ret_len);
/* The members of a CANON_OBJ in the same way; the key without its quotes. */
struct canon_member {
	const char *key, *val;
	size_t key_len, val_len;
	enum canon_kind kind;
};
bool canon_next_member(struct canon_iter *it, struct canon_member *ret);

#endif
