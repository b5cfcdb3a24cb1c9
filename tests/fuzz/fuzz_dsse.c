/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/dsse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 8032 7.1 test 1's public key: a fixed, public one */
static const char pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    "-----END PUBLIC KEY-----\n";

/* What is read is written and read again, the same; nobody signed it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pubkey *key;
	struct dsse_new_sig s[DSSE_MAX_SIGS];
	_cleanup_dsse_ struct dsse *e = NULL, *f = NULL;
	_cleanup_free_ char *text = NULL;
	size_t i, n = 0, bad = 0;
	bool hit = false;

	if (key == NULL && pubkey_from_pem(pem, strlen(pem), &key, NULL) != 0)
		abort();
	if (dsse_parse(data, size, &e, NULL) != 0)
		return 0;
	if (dsse_verify(e, (const struct pubkey *const *)&key, 1, &hit, &bad,
		NULL) != 0 ||
	    hit || bad != e->nsigs)
		abort();
	for (i = 0; i < e->nsigs; i++)
		s[i] = (struct dsse_new_sig){ key->id, e->sigs[i].sig,
			e->sigs[i].sig_len };
	if (dsse_format(e->payload, e->payload_len, s, e->nsigs, &text, &n) !=
	    0)
		return 0; /* larger with key IDs than the limit */
	if (dsse_parse(text, n, &f, NULL) != 0 || f->nsigs != e->nsigs ||
	    memcmp(e->digest, f->digest, 32) != 0)
		abort();
	return 0;
}
