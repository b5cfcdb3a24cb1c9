/* SPDX-License-Identifier: Apache-2.0 */

/* What is common to writing and reading: names, headers, order. */

#include "usb-transfer/bundle.h"

#include <stdio.h>
#include <string.h>

#include "lib/hex.h"
#include "usb-transfer/bundle_private.h"

static const char *const type_names[BUNDLE_TYPE_COUNT] = {
	[BUNDLE_REQUEST] = "request",
	[BUNDLE_APPROVAL] = "approval",
	[BUNDLE_RESPONSE] = "response",
	[BUNDLE_AUDIT] = "audit",
	[BUNDLE_RECEIPT] = "receipt",
	[BUNDLE_ATTEST] = "attest",
};

const char *
bundle_type_name(enum bundle_type t)
{
	return t < BUNDLE_TYPE_COUNT ? type_names[t] : "?";
}

int
bundle_type_from_name(const char *s, enum bundle_type *ret)
{
	size_t i;

	for (i = 0; i < BUNDLE_TYPE_COUNT; i++)
		if (strcmp(s, type_names[i]) == 0) {
			*ret = (enum bundle_type)i;
			return 0;
		}
	return CS_E_BUNDLE_TYPE;
}

int
bundle_type_text(enum bundle_type t, char out[64])
{
	return snprintf(out, 64, "coldseal-bundle v1 %s\n",
	    bundle_type_name(t));
}

/* [a-z0-9.-] components, none of them empty, "." or ".." */
int
bundle_name_ok(const char *name)
{
	size_t len = strlen(name), i, start = 0;

	if (len == 0 || len > BUNDLE_NAME_MAX)
		return 0;
	for (i = 0; i <= len; i++) {
		const char c = name[i];
		const size_t n = i - start;

		if (c == '/' || c == '\0') {
			if (n == 0 || (n == 1 && name[start] == '.') ||
			    (n == 2 && memcmp(name + start, "..", 2) == 0))
				return 0;
			start = i + 1;
		} else if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			       c == '.' || c == '-')) {
			return 0;
		}
	}
	return 1;
}

/* POSIX.1-1988 ustar, every field fixed but name and size. */
int
bundle_header(const char *name, uint64_t size, uint8_t out[512], struct diag *d)
{
	char field[24];
	unsigned int sum = 0;
	size_t i;

	if (bundle_name_ok(name) == 0)
		return diag_fail(d, CS_E_BUNDLE_NAME,
		    "1 to 100 of a-z 0-9 . - /", "%.120s", name);
	if (size > BUNDLE_SIZE_MAX)
		return diag_fail(d, CS_E_BUNDLE_LARGE, "below 8 GiB",
		    "%s: %llu bytes", name, (unsigned long long)size);
	memset(out, 0, TAR_BLOCK);
	memcpy(out, name, strlen(name));
	memcpy(out + 100, "0000644", 8);
	memcpy(out + 108, "0000000", 8);
	memcpy(out + 116, "0000000", 8);
	(void)snprintf(field, sizeof(field), "%011llo",
	    (unsigned long long)size);
	memcpy(out + 124, field, 12);
	memcpy(out + 136, "00000000000", 12);
	memset(out + 148, ' ', 8);
	out[156] = '0';
	memcpy(out + 257,
	    "ustar\0"
	    "00",
	    8);
	memcpy(out + 329, "0000000", 8);
	memcpy(out + 337, "0000000", 8);
	for (i = 0; i < TAR_BLOCK; i++)
		sum += out[i];
	(void)snprintf(field, sizeof(field), "%06o", sum);
	memcpy(out + 148, field, 7);
	return 0;
}

/* --- what each type may hold, in order ---------------------------------- */

enum kind {
	EXACT,	 /* this very name */
	CONTENT, /* prefix and the member's own SHA-256 */
	SORTED,	 /* prefix, names ascending */
	PAIRS,	 /* signatures/H.suffix, proofs/H.tlog-proof */
};

static const struct rule {
	enum bundle_type type;
	enum kind kind;
	const char *name;
	bool required;
} rules[] = {
	{ BUNDLE_REQUEST, EXACT, "type", true },
	{ BUNDLE_REQUEST, EXACT, "request.dsse", true },
	{ BUNDLE_REQUEST, CONTENT, "evidence/", false },
	{ BUNDLE_REQUEST, CONTENT, "artifacts/", false },
	{ BUNDLE_APPROVAL, EXACT, "type", true },
	{ BUNDLE_APPROVAL, EXACT, "approval.dsse", true },
	{ BUNDLE_RESPONSE, EXACT, "type", true },
	{ BUNDLE_RESPONSE, EXACT, "record.dsse", true },
	{ BUNDLE_RESPONSE, PAIRS, "signatures/", false },
	{ BUNDLE_RESPONSE, EXACT, "checkpoint", false },
	{ BUNDLE_AUDIT, EXACT, "type", true },
	{ BUNDLE_AUDIT, EXACT, "checkpoint", true },
	{ BUNDLE_AUDIT, EXACT, "consistency", false },
	{ BUNDLE_AUDIT, EXACT, "policy.dsse", true },
	{ BUNDLE_AUDIT, EXACT, "attest/answer.json", false },
	{ BUNDLE_AUDIT, SORTED, "tile/", false },
	{ BUNDLE_AUDIT, CONTENT, "blobs/", false },
	{ BUNDLE_RECEIPT, EXACT, "type", true },
	{ BUNDLE_RECEIPT, EXACT, "receipt", true },
	{ BUNDLE_ATTEST, EXACT, "type", true },
	{ BUNDLE_ATTEST, EXACT, "answer.json", true },
};

struct walk {
	const struct bundle_entry *e;
	size_t n, i;
	struct diag *d;
};

static bool
has_prefix(const struct walk *w, const char *prefix)
{
	return w->i < w->n &&
	    strncmp(w->e[w->i].name, prefix, strlen(prefix)) == 0;
}

static int
bad_name(const struct walk *w, const char *expected)
{
	return diag_fail(w->d, CS_E_BUNDLE_NAME, expected, "%.120s",
	    w->e[w->i].name);
}

static const char *
here(const struct walk *w)
{
	return w->i < w->n ? w->e[w->i].name : "the end";
}

static int
walk_exact(struct walk *w, const struct rule *r)
{
	if (w->i < w->n && strcmp(w->e[w->i].name, r->name) == 0) {
		w->i++;
		return 0;
	}
	if (!r->required)
		return 0;
	return diag_fail(w->d, CS_E_BUNDLE_MISSING, r->name, "%.120s", here(w));
}

static int
walk_prefix(struct walk *w, const struct rule *r)
{
	const char *last = NULL;
	char hex[65];

	for (; has_prefix(w, r->name); w->i++) {
		const char *name = w->e[w->i].name;

		if (last != NULL && strcmp(last, name) >= 0)
			return bad_name(w, "names in ascending order");
		last = name;
		hex_encode(w->e[w->i].sha256, 32, hex);
		if (r->kind == CONTENT &&
		    strcmp(name + strlen(r->name), hex) != 0)
			return bad_name(w, "the member's own SHA-256 as name");
	}
	return 0;
}

#define SUFFIX_MAX 8u

/* .sig, .p7s and so on: which it must be only the record's format says */
static bool
suffix_good(const char *s)
{
	size_t n =
	    strspn(s + (*s == '.'), "abcdefghijklmnopqrstuvwxyz0123456789");

	return *s == '.' && n > 0 && n <= SUFFIX_MAX && s[1 + n] == '\0';
}

/* signatures/<H>.<suffix>, then proofs/<H>.tlog-proof */
static int
walk_pairs(struct walk *w)
{
	char proof[BUNDLE_NAME_MAX + 1], h[CS_SHA256_HEX + 1];
	const char *hex;

	while (has_prefix(w, "signatures/")) {
		hex = w->e[w->i].name + strlen("signatures/");
		(void)snprintf(h, sizeof(h), "%.64s", hex);
		if (hex_is(h, CS_SHA256_HEX) == 0 ||
		    !suffix_good(hex + CS_SHA256_HEX))
			return bad_name(w, "signatures/<sha256>.<suffix>");
		(void)snprintf(proof, sizeof(proof), "proofs/%s.tlog-proof", h);
		w->i++;
		if (strcmp(here(w), proof) != 0)
			return diag_fail(w->d, CS_E_BUNDLE_MISSING, proof,
			    "%.120s", here(w));
		w->i++;
	}
	return 0;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
check_distinct(const struct bundle_entry *e, size_t n, struct diag *d)
{
	_cleanup_free_ const char **v = calloc(n + 1, sizeof(*v));
	size_t i;

	if (v == NULL)
		return diag_nomem(d);
	for (i = 0; i < n; i++)
		v[i] = e[i].name;
	qsort(v, n, sizeof(*v), compare_names);
	for (i = 1; i < n; i++)
		if (strcmp(v[i - 1], v[i]) == 0)
			return diag_fail(d, CS_E_BUNDLE_DUPLICATE,
			    "distinct names", "%.120s", v[i]);
	return 0;
}

static int
walk_rule(struct walk *w, const struct rule *r)
{
	switch (r->kind) {
	case EXACT:
		return walk_exact(w, r);
	case CONTENT:
	case SORTED:
		return walk_prefix(w, r);
	case PAIRS:
		return walk_pairs(w);
	}
	return CS_E_INTERNAL;
}

int
bundle_check_order(enum bundle_type t, const struct bundle_entry *e, size_t n,
    struct diag *d)
{
	struct walk w = { .e = e, .n = n, .d = d };
	size_t k;
	int r;

	r = check_distinct(e, n, d);
	for (k = 0; r == 0 && k < ARRAY_LEN(rules); k++)
		if (rules[k].type == t)
			r = walk_rule(&w, &rules[k]);
	if (r == 0 && w.i != n)
		r = bad_name(&w, "a member of this kind of bundle");
	return r;
}

uint64_t
bundle_limit(const char *name)
{
	if (strncmp(name, "artifacts/", 10) == 0)
		return BUNDLE_SIZE_MAX;
	/* 256 leaves of 65,535 bytes, each with its length */
	if (strncmp(name, "tile/entries/", 13) == 0)
		return 256u * (65535u + 2u);
	return BUNDLE_DOC_MAX;
}
