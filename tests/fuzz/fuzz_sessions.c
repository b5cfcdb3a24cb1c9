/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/sessions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Votes as text, for the number of sessions in the first byte. */
static void
read_votes(const uint8_t *data, size_t size)
{
	struct sessions s = { .n = data[0] % (SESSIONS_MAX + 1) };
	char *text = malloc(size);
	uint8_t sig[SESSION_VOTE_MAX];
	size_t i, len;

	if (text == NULL)
		abort();
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	for (i = 0; i < s.n; i++)
		if (sessions_vote(&s, text, i, sig, &len) == 0 &&
		    len > SESSION_VOTE_MAX)
			abort();
	free(text);
}

/* What is read is written as the same bytes. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b = BUF_INIT(1u << 20);
	struct sessions s;

	if (size > 0)
		read_votes(data, size);
	if (sessions_get(data, size, &s, NULL) == 0 &&
	    (sessions_put(&b, &s) != 0 || b.len != size ||
		memcmp(b.p, data, size) != 0))
		abort();
	buf_done(&b);
	return 0;
}
