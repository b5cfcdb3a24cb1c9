/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/key_uri.h"

#include <stdio.h>

#include "lib/buf.h"

int
key_uri(const char *token, const char *label, const uint8_t *id, size_t id_len,
    char *ret, size_t size, struct diag *d)
{
	struct buf b = BUF_INIT(size - 1);
	size_t i;
	int r;

	r = buf_putf(&b, "pkcs11:token=%s;object=%s;id=", token, label);
	for (i = 0; r == 0 && i < id_len; i++)
		r = buf_putf(&b, "%%%02x", id[i]);
	if (r == 0)
		r = buf_putf(&b, ";type=private");
	if (r == 0)
		(void)snprintf(ret, size, "%.*s", (int)b.len,
		    (const char *)b.p);
	buf_done(&b);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "the URI of %s", label);
}
