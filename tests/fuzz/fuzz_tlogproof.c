/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/tlogproof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read is written without its "extra", and read again, the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t leaf[32];
	const char *p = (const char *)data;
	_cleanup_free_ char *text = NULL;
	struct tlogproof t, u;
	size_t n = 0;

	if (tlogproof_parse(p, size, &t, NULL) != 0)
		return 0;
	if (t.checkpoint + t.checkpoint_len != p + size ||
	    t.n > MERKLE_MAX_PROOF)
		abort();
	/* nobody is trusted */
	if (tlogproof_verify(p, size, leaf, NULL, 0, NULL, NULL, NULL) == 0)
		abort();
	if (tlogproof_format(t.index, (const uint8_t(*)[32])t.hash, t.n,
		t.checkpoint, t.checkpoint_len, &text, &n, NULL) != 0 ||
	    n > size)
		abort();
	if (tlogproof_parse(text, n, &u, NULL) != 0 || u.index != t.index ||
	    u.n != t.n || memcmp(u.hash, t.hash, t.n * 32) != 0 ||
	    u.checkpoint_len != t.checkpoint_len ||
	    memcmp(u.checkpoint, t.checkpoint, t.checkpoint_len) != 0)
		abort();
	return 0;
}
