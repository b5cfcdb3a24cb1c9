/* SPDX-License-Identifier: Apache-2.0 */
/* No text becomes markup, whatever its bytes (host-tools/html.h). */
#include <stdlib.h>
#include <string.h>

#include "host-tools/html.h"
#include "lib/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag d = { 0 };
	struct html h = { 0 };
	char *out = NULL;
	size_t len = 0, i, n;

	h.f = open_memstream(&out, &len);
	if (h.f == NULL)
		return 0;
	html_textn(&h, (const char *)data, size);
	if (html_end(&h, &d) != 0 || fclose(h.f) != 0)
		abort();
	for (i = 0; i < len; i += n) {
		n = utf8_char(out + i, len - i, NULL);
		if (n == 0 || strchr("<>\"'", out[i]) != NULL)
			abort();
	}
	free(out);
	return 0;
}
