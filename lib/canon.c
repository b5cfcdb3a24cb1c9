/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/canon.h"

#include <string.h>

#include "lib/utf8.h"

/*
 * The scanner.  It never goes back, and it accepts a text only if writing
 * the value again would give the same bytes.
 */
struct scan {
	const char *start, *p, *end; /* end: the closing newline */
	unsigned depth;
	struct diag *d;
};

static int
fail(struct scan *s, int code, const char *expected)
{
	return diag_fail(s->d, code, expected, "offset %zu",
	    (size_t)(s->p - s->start));
}

static int scan_value(struct scan *s);

static bool
scan_char(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* Each byte of a word, in its highest bit: whether it is zero, or below n. */
#define ONES	    UINT64_C(0x0101010101010101)
#define HIGH	    (ONES << 7)
#define ZERO(w)	    (((w)-ONES) & ~(w)&HIGH)
#define BELOW(w, n) (((w)-ONES * (n)) & ~(w)&HIGH)

/*
 * Whether these eight bytes are plain ASCII: no control character, quote or
 * backslash.  Nearly all of every leaf is, and this is where verifying a log
 * spends its time besides hashing.
 */
static bool
plain8(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return ((w & HIGH) | BELOW(w, 0x20) | ZERO(w ^ ONES * 0x7f) |
		   ZERO(w ^ ONES * '"') | ZERO(w ^ ONES * '\\')) == 0;
}

/* after the opening quote, up to and with the closing one */
static int
scan_string(struct scan *s)
{
	size_t n;

	while (s->p != s->end) {
		if (s->end - s->p >= 8 && plain8(s->p)) {
			s->p += 8;
			continue;
		}
		if (*s->p == '"') {
			s->p++;
			return 0;
		}
		if (*s->p == '\\') {
			if (s->end - s->p < 2 ||
			    (s->p[1] != '"' && s->p[1] != '\\'))
				return fail(s, CS_E_CANON_STRING,
				    "no escape but \\\" and \\\\");
			s->p += 2;
			continue;
		}
		/* jq escapes DEL, RFC 8785 does not: neither form is ours */
		if ((uint8_t)*s->p < 0x20 || *s->p == 0x7f)
			return fail(s, CS_E_CANON_STRING,
			    "no control character");
		if ((uint8_t)*s->p < 0x80) {
			s->p++;
			continue;
		}
		n = utf8_char(s->p, (size_t)(s->end - s->p), NULL);
		if (n == 0)
			return fail(s, CS_E_CANON_STRING, "UTF-8");
		s->p += n;
	}
	return fail(s, CS_E_CANON_STRING, "a closing quote");
}

static bool
key_char(char c)
{
	static const bool ok[256] = {
		['a'] = 1,
		['b'] = 1,
		['c'] = 1,
		['d'] = 1,
		['e'] = 1,
		['f'] = 1,
		['g'] = 1,
		['h'] = 1,
		['i'] = 1,
		['j'] = 1,
		['k'] = 1,
		['l'] = 1,
		['m'] = 1,
		['n'] = 1,
		['o'] = 1,
		['p'] = 1,
		['q'] = 1,
		['r'] = 1,
		['s'] = 1,
		['t'] = 1,
		['u'] = 1,
		['v'] = 1,
		['w'] = 1,
		['x'] = 1,
		['y'] = 1,
		['z'] = 1,
		['0'] = 1,
		['1'] = 1,
		['2'] = 1,
		['3'] = 1,
		['4'] = 1,
		['5'] = 1,
		['6'] = 1,
		['7'] = 1,
		['8'] = 1,
		['9'] = 1,
		['_'] = 1,
		['.'] = 1,
		['-'] = 1,
	};

	return ok[(uint8_t)c];
}

/* a after b bytewise, where the shorter of two equal starts comes first */
static bool
key_after(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t i, n = alen < blen ? alen : blen;

	for (i = 0; i < n; i++)
		if (a[i] != b[i])
			return (uint8_t)a[i] > (uint8_t)b[i];
	return alen > blen;
}

/* "key": which must come after the last one; updates it */
static int
scan_key(struct scan *s, const char **last, size_t *last_len)
{
	const char *key;
	size_t n;

	if (!scan_char(s, '"'))
		return fail(s, CS_E_CANON_SYNTAX, "a key in quotes");
	key = s->p;
	while (s->p != s->end && key_char(*s->p))
		s->p++;
	n = (size_t)(s->p - key);
	if (n == 0 || !scan_char(s, '"'))
		return fail(s, CS_E_CANON_KEY, "a key of [a-z0-9_.-]+");
	if (*last != NULL && !key_after(key, n, *last, *last_len))
		return fail(s, CS_E_CANON_KEY, "sorted keys, each only once");
	if (!scan_char(s, ':'))
		return fail(s, CS_E_CANON_SYNTAX, "':' after the key");
	*last = key;
	*last_len = n;
	return 0;
}

static int
scan_object(struct scan *s)
{
	const char *last = NULL;
	size_t last_len = 0;
	int r;

	if (scan_char(s, '}'))
		return 0;
	do {
		if ((r = scan_key(s, &last, &last_len)) != 0)
			return r;
		if ((r = scan_value(s)) != 0)
			return r;
	} while (scan_char(s, ','));
	return scan_char(s, '}') ? 0 : fail(s, CS_E_CANON_SYNTAX, "',' or '}'");
}

static int
scan_array(struct scan *s)
{
	int r;

	if (scan_char(s, ']'))
		return 0;
	do {
		if ((r = scan_value(s)) != 0)
			return r;
	} while (scan_char(s, ','));
	return scan_char(s, ']') ? 0 : fail(s, CS_E_CANON_SYNTAX, "',' or ']'");
}

/* 0 .. 2^53-1: what every JSON reader keeps exactly (RFC 8259 section 6) */
static int
scan_number(struct scan *s)
{
	const char *first = s->p;
	uint64_t v = 0;

	while (s->p != s->end && *s->p >= '0' && *s->p <= '9') {
		v = v * 10 + (uint64_t)(*s->p - '0');
		if (v >= UINT64_C(1) << 53)
			return fail(s, CS_E_CANON_NUMBER, "at most 2^53-1");
		s->p++;
	}
	if (*first == '0' && s->p - first != 1)
		return fail(s, CS_E_CANON_NUMBER, "no leading zero");
	if (s->p != s->end && (*s->p == '.' || *s->p == 'e' || *s->p == 'E'))
		return fail(s, CS_E_CANON_NUMBER, "an integer");
	return 0;
}

static int
scan_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
		return fail(s, CS_E_CANON_SYNTAX, word);
	s->p += n;
	return 0;
}

static int
scan_nested(struct scan *s, int (*scan)(struct scan *))
{
	int r;

	if (s->depth == CANON_DEPTH)
		return fail(s, CS_E_CANON_DEPTH, "at most 16 levels");
	s->depth++;
	s->p++;
	r = scan(s);
	s->depth--;
	return r;
}

static int
scan_value(struct scan *s)
{
	switch (s->p == s->end ? '\n' : *s->p) {
	case '{':
		return scan_nested(s, scan_object);
	case '[':
		return scan_nested(s, scan_array);
	case '"':
		s->p++;
		return scan_string(s);
	case 't':
		return scan_word(s, "true");
	case 'f':
		return scan_word(s, "false");
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9':
		return scan_number(s);
	case '-':
		return fail(s, CS_E_CANON_NUMBER, "no negative number");
	default:
		return fail(s, CS_E_CANON_SYNTAX,
		    "a value: object, array, string, number, true, false");
	}
}

int
canon_check(const char *p, size_t len, struct diag *d)
{
	struct scan s = { .start = p, .p = p, .d = d };
	int r;

	if (len == 0 || len > CANON_MAX)
		return diag_fail(d, CS_E_CANON_SIZE, "1 to 65,535 bytes", "%zu",
		    len);
	s.end = p + len - 1;
	if (*s.end != '\n')
		return diag_fail(d, CS_E_CANON_SYNTAX, "a newline at the end",
		    "none");
	if (s.p == s.end || *s.p != '{')
		return fail(&s, CS_E_CANON_SYNTAX, "an object");
	if ((r = scan_value(&s)) != 0)
		return r;
	if (s.p != s.end)
		return fail(&s, CS_E_CANON_SYNTAX,
		    "nothing after the object but one newline");
	return 0;
}
