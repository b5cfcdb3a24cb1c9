/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "host-tools/audit_db_private.h"
#include "lib/canon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char vkey[] = "fuzz.example/log+8dd82f4f+"
			   "Aa5OvN6p3oPGjhvn89745UZJKiIjiAAcnOk90xUmiwOs\n";

/*
 * Lines of leaves, as an import takes them: whatever is canonical and has
 * what every leaf has becomes rows that the tables take, and the foreign keys
 * hold.  A leaf without those members is refused, and nothing else is.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *nl;
	_cleanup_audit_db_ struct audit_db *db = NULL;
	struct note_vkeys keys;
	uint64_t idx = 0, bad = 0;
	int r;

	if (note_vkeys_parse(vkey, strlen(vkey), &keys, NULL) != 0 ||
	    audit_db_open(":memory:", &keys, &db, NULL) != 0 ||
	    audit_db_begin(db, NULL) != 0)
		abort();
	for (; (nl = memchr(p, '\n', (size_t)(end - p))) != NULL; p = nl + 1) {
		if (canon_check(p, (size_t)(nl - p) + 1, NULL) != 0)
			continue;
		r = audit_db_add_leaf(db, idx, p, (size_t)(nl - p) + 1, NULL);
		if (r == 0)
			idx++;
		else if (r != CS_E_CANON_FIELD)
			abort();
	}
	if (audit_db_commit(db, NULL) != 0 ||
	    audit_ask_number(db,
		"SELECT count(*) FROM pragma_foreign_key_check", NULL, 0, &bad,
		NULL) != 0 ||
	    bad != 0 ||
	    audit_ask_number(db, "SELECT count(*) FROM v_events", NULL, 0, &bad,
		NULL) != 0 ||
	    bad != idx)
		abort();
	return 0;
}
