/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/cosign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* the log of fuzz_note.c; the auditor whose receipts are in the corpus */
static const char log_vkey[] = "fuzz.example/log+8dd82f4f+"
			       "Aa5OvN6p3oPGjhvn89745UZJKiIjiAAcnOk90xUmiwOs\n";
static const char auditor[] = "audit.example/coldseal+fe44620e+"
			      "BJN6vkDRbopVnzDnl9RKrq7lnq11K7zX1BidcpY4uSqr";

/* A key that is read has no second form. */
static void
fuzz_key(const char *p, size_t len)
{
	char text[NOTE_VKEY_TEXT_MAX];
	struct cosign_key k;

	if (cosign_key_parse(p, len, &k, NULL) != 0)
		return;
	cosign_key_format(&k, text);
	len -= p[len - 1] == '\n';
	if (strlen(text) != len || memcmp(text, p, len) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	struct checkpoint c, same;
	struct note_vkeys log;
	struct cosign_key k;
	uint64_t at;

	if (note_vkeys_parse(log_vkey, strlen(log_vkey), &log, NULL) != 0 ||
	    cosign_key_parse(auditor, strlen(auditor), &k, NULL) != 0)
		abort();
	if (size > 0)
		fuzz_key(p, size);
	if (receipt_verify(p, size, &log, &k, &c, &at, NULL) != 0)
		return 0;
	/* a receipt is also the checkpoint that it is of */
	if (at == 0 || note_verify(p, size, log.v, log.n, &same, NULL) != 0 ||
	    memcmp(c.root, same.root, 32) != 0)
		abort();
	return 0;
}
