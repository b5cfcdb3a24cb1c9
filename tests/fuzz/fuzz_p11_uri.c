/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "hsm/p11.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct p11_uri u;
	char *s = malloc(size + 1);

	if (s == NULL)
		return 0;
	memcpy(s, data, size);
	s[size] = '\0';
	/* what is accepted fits and is terminated */
	if (p11_uri_parse(s, &u, NULL) == 0 &&
	    (u.id_len > sizeof(u.id) || strlen(u.token) >= sizeof(u.token) ||
		strlen(u.object) >= sizeof(u.object)))
		abort();
	free(s);
	return 0;
}
