/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/audit_where.h"

#include <string.h>

#define SUFFIX ".tiles"

bool
audit_where_server(const char *db)
{
	static const char *const schemes[] = { "postgresql://", "postgres://" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(schemes); i++)
		if (strncmp(db, schemes[i], strlen(schemes[i])) == 0)
			return true;
	return false;
}

int
audit_where_tiles(const struct audit_where *w, char **ret, struct diag *d)
{
	int n;

	if (w->tiles == NULL && audit_where_server(w->db))
		return diag_fail(d, CS_E_USAGE,
		    "--tiles FOLDER with a postgresql:// database", "none");
	n = w->tiles != NULL ? asprintf(ret, "%s", w->tiles) :
			       asprintf(ret, "%s" SUFFIX, w->db);
	return n < 0 ? diag_nomem(d) : 0;
}
