/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/merkle.h"
#include "lib/note_impl.h"

int
note_size_parse(const char *s, size_t len, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i;

	/* 2^53 has 16 digits, so v cannot overflow */
	if (len == 0 || len > 16 || (s[0] == '0' && len != 1))
		return CS_E_LOG_SIZE;
	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return CS_E_LOG_SIZE;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	if (v > MERKLE_MAX_SIZE)
		return CS_E_LOG_SIZE;
	*ret = v;
	return 0;
}

int
checkpoint_format(const struct checkpoint *c, char out[CHECKPOINT_TEXT_MAX],
    struct diag *d)
{
	char root[45];

	if (!note_name_ok(c->origin, strlen(c->origin)))
		return diag_fail(d, CS_E_NOTE_CHECKPOINT,
		    "an origin without spaces and '+'", "\"%s\"", c->origin);
	if (c->size > MERKLE_MAX_SIZE)
		return diag_fail(d, CS_E_NOTE_CHECKPOINT, "at most 2^53 leaves",
		    "%" PRIu64, c->size);
	b64_encode(c->root, 32, root);
	(void)snprintf(out, CHECKPOINT_TEXT_MAX, "%s\n%" PRIu64 "\n%s\n",
	    c->origin, c->size, root);
	return 0;
}

/* The next line without its newline; false at the end. */
static bool
next_line(const char **p, size_t *left, const char **ret, size_t *ret_len)
{
	const char *nl = memchr(*p, '\n', *left);

	if (nl == NULL)
		return false;
	*ret = *p;
	*ret_len = (size_t)(nl - *p);
	*left -= *ret_len + 1;
	*p = nl + 1;
	return true;
}

int
checkpoint_parse(const char *text, size_t len, struct checkpoint *ret,
    struct diag *d)
{
	struct checkpoint c = { .origin = "" };
	const char *origin, *size, *root;
	size_t origin_len, size_len, root_len;

	if (!next_line(&text, &len, &origin, &origin_len) ||
	    !next_line(&text, &len, &size, &size_len) ||
	    !next_line(&text, &len, &root, &root_len))
		return diag_fail(d, CS_E_NOTE_CHECKPOINT, "three lines",
		    "fewer");
	if (len != 0)
		return diag_fail(d, CS_E_NOTE_CHECKPOINT, "no extension lines",
		    "more than three lines");
	if (!note_name_ok(origin, origin_len))
		return diag_fail(d, CS_E_NOTE_CHECKPOINT,
		    "an origin without spaces and '+'", "\"%.*s\"",
		    (int)(origin_len < 100 ? origin_len : 100), origin);
	if (note_size_parse(size, size_len, &c.size) != 0)
		return diag_fail(d, CS_E_NOTE_CHECKPOINT,
		    "a decimal size without leading zeros", "\"%.*s\"",
		    (int)(size_len < 40 ? size_len : 40), size);
	if (b64_decode_exact(root, root_len, c.root, 32) != 0)
		return diag_fail(d, CS_E_NOTE_CHECKPOINT,
		    "base64 of a 32-byte root hash", "\"%.*s\"",
		    (int)(root_len < 60 ? root_len : 60), root);
	/* RFC 6962 2.1: the empty tree has one root */
	if (c.size == 0 && memcmp(c.root, merkle_empty, 32) != 0)
		return diag_fail(d, CS_E_NOTE_CHECKPOINT,
		    "SHA-256 of nothing as the empty log's root", "another");
	memcpy(c.origin, origin, origin_len);
	*ret = c;
	return 0;
}
