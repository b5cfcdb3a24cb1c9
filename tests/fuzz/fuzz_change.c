/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/change.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
record(const uint8_t *data, size_t size)
{
	_cleanup_change_record_ struct change_record *r = NULL;
	struct diag d = { 0 };

	if (change_record_parse(data, size, &r, &d) != 0)
		return;
	if (change_action_name(r->action) == NULL || r->napprovals == 0 ||
	    (r->action == CHANGE_KEY_GENERATE) != (r->made.spki != NULL))
		abort();
}

/* A change that is read is written again byte for byte. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_request_ struct request *r = NULL;
	_cleanup_free_ char *text = NULL;
	struct change_new n = { 0 };
	struct diag d = { 0 };
	size_t len = 0;

	record(data, size);
	if (request_parse_any(data, size, &r, &d) != 0 ||
	    r->action == REQUEST_SIGN)
		return 0;
	n = (struct change_new){ r->action, r->id, r->change.reason, r->user,
		r->system, r->created, r->evidence, r->nevidence,
		r->change.policy, r->change.policy_version, r->change.key,
		r->change.domain, r->change.alg, r->change.seconds };
	if (change_format(&n, &text, &len) != 0 || len != size ||
	    memcmp(text, data, size) != 0)
		abort();
	return 0;
}
