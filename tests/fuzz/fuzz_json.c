/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read and has a canonical form is read from it again, the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_ json_t *j = NULL, *k = NULL;
	_cleanup_free_ char *text = NULL, *again = NULL;
	struct diag d = { 0 };
	size_t len = 0, len2 = 0;
	const char *s = NULL;
	uint64_t u = 0;
	const struct json_field f[] = {
		{ "name", JK_STR, true, &s, NULL },
		{ "threshold", JK_U64, false, &u, NULL },
	};

	if (json_load_strict(data, size, 1u << 20, &j, &d) != 0) {
		if (d.code == 0)
			abort();
		return 0;
	}
	if (json_fields(j, "", f, ARRAY_LEN(f), &d) == 0 && s == NULL)
		abort();
	if (json_canonical(j, &text, &len) != 0) {
		if (json_is_canonical(j, data, size))
			abort();
		return 0;
	}
	if (json_is_canonical(j, data, size) !=
	    (len == size && memcmp(text, data, size) == 0))
		abort();
	if (json_load_strict(text, len, SIZE_MAX, &k, NULL) != 0 ||
	    !json_is_canonical(k, text, len) ||
	    json_canonical(k, &again, &len2) != 0 || len != len2 ||
	    memcmp(text, again, len) != 0 || json_equal(j, k) != 1)
		abort();
	return 0;
}
