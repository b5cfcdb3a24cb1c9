/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Approvals, and the two documents that go back: records and refusals. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_approval_ struct approval *a = NULL;
	_cleanup_refusal_ struct refusal *f = NULL;
	_cleanup_record_ struct record *r = NULL;
	struct diag d = { 0 };
	int kinds = 0;

	if (approval_parse(data, size, &a, &d) == 0) {
		kinds++;
		if (a->st->nsubjects != 1 ||
		    memcmp(a->request_digest,
			a->st->subjects[0].digest[HASH_SHA256], 32) != 0)
			abort();
	}
	if (record_parse(data, size, &r, &d) == 0) {
		kinds++;
		if (r->nsigs != r->st->nsubjects || r->napprovals == 0)
			abort();
	}
	if (refusal_parse(data, size, &f, &d) == 0) {
		kinds++;
		if (json_array_size(f->checks) == 0)
			abort();
	}
	if (kinds > 1) /* one document is of one kind */
		abort();
	return 0;
}
