/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_JSON_H
#define CS_JSON_H

#include <jansson.h>

#include "lib/err.h"

/*
 * Strict JSON (RFC 8259) for documents: duplicates refused, no NUL, no real
 * numbers, depth at most JSON_DEPTH, nothing may follow, valid UTF-8.
 * Unknown fields are errors: every object is read through a table.
 */
#define JSON_DEPTH	16

int json_load_strict(const void *data, size_t len, size_t max, json_t **ret,
    struct diag *d) CS_WUR;

static inline void
json_decref_p(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}
#define _cleanup_json_ _cleanup_(json_decref_p)

enum json_kind {
	JK_STR,			/* const char **, not empty, no control chars */
	JK_TEXT,		/* const char **, may be empty, no control chars */
	JK_U64,			/* uint64_t *, 0 .. 2^53-1 */
	JK_I64,			/* int64_t *, -(2^53-1) .. 2^53-1 */
	JK_BOOL,		/* bool * */
	JK_OBJ,			/* json_t **, borrowed */
	JK_ARR,			/* json_t **, borrowed; may be empty */
	JK_ARR1,		/* json_t **, borrowed; at least one entry */
	JK_HEX32,		/* uint8_t[32] from 64 lower-case digits */
	JK_TIME,		/* int64_t *, "2026-11-25T02:00:00Z" */
	JK_LABEL,		/* JK_STR of at most JSON_LABEL_MAX bytes */
	JK_NOTE,		/* JK_TEXT of at most JSON_LABEL_MAX bytes */
};
#define JSON_LABEL_MAX	200u

struct json_field {
	const char *name;
	enum json_kind kind;
	bool required;
	void *out;		/* untouched if absent */
	bool *present;		/* may be NULL */
};

/*
 * Reads obj through the table.  path is a JSON pointer for messages
 * ("/rules/0").  Missing, mistyped and unknown fields are CS_E_JSON_FIELD,
 * with the pointer and, for an unknown one, the nearest known name.
 */
int json_fields(json_t *obj, const char *path, const struct json_field *f,
    size_t n, struct diag *d) CS_WUR;

/*
 * A string value by itself, as an entry of an array: 1..JSON_LABEL_MAX bytes,
 * no control characters.  Borrowed.
 */
int json_label(const json_t *v, const char *path, size_t index,
    const char **ret, struct diag *d) CS_WUR;

/* Canonical: sorted keys, no spaces, ASCII keys. free(*ret) */
int json_canonical(const json_t *j, char **ret, size_t *ret_len) CS_WUR;

/*
 * Whether text, which j was read from, is what json_canonical() makes of it.
 * Compares in place: nothing is sorted, allocated or written.
 */
bool json_is_canonical(const json_t *j, const void *text, size_t len);

/* New values; NULL when out of memory, as jansson's own. */
json_t *json_hex32(const uint8_t d[32]);
json_t *json_time(int64_t t);

/* seconds since 1970 UTC <-> RFC 3339 "Z" form, exactly 20 characters */
int time_parse(const char *s, int64_t *ret) CS_WUR;
void time_format(int64_t t, char out[21]);

#endif
