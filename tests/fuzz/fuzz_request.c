/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A request that is read is written again byte for byte. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_request_ struct request *r = NULL;
	_cleanup_free_ char *text = NULL;
	struct request_new n = { 0 };
	struct diag d = { 0 };
	size_t len = 0, i;

	if (request_parse(data, size, &r, &d) != 0)
		return 0;
	n = (struct request_new){ r->id, r->product, r->version, r->key,
		r->format, r->user, r->system, r->pipeline, r->run, r->commit,
		r->created, r->st->subjects, r->st->nsubjects, r->evidence,
		r->nevidence, r->branch[0] == '\0' ? NULL : r->branch,
		r->break_glass };
	if (request_format(&n, &text, &len) != 0)
		abort();
	for (i = 0; i < r->st->nsubjects; i++)
		if (r->st->subjects[i].size == 0)
			return 0; /* "size":0 is written as absent */
	if (len != size || memcmp(text, data, size) != 0)
		abort();
	return 0;
}
