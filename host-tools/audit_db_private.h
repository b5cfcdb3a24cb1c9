/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUDIT_DB_PRIVATE_H
#define CS_AUDIT_DB_PRIVATE_H

#include <sqlite3.h>

#include "host-tools/audit_db.h"

#define AUDIT_APPLICATION_ID	0x43534155	/* "CSAU" */
#define AUDIT_USER_VERSION	1

struct audit_db {
	sqlite3 *sql;
	sqlite3_stmt *add_leaf;	/* prepared at its first use */
	bool open;		/* in a transaction */
};

/* Every SQLite error becomes CS_E_AUDIT_DB here. */
int audit_db_fail(struct audit_db *db, const char *what, struct diag *d);
int audit_db_exec(struct audit_db *db, const char *sql, struct diag *d)
    CS_WUR;
int audit_db_prepare(struct audit_db *db, const char *sql,
    sqlite3_stmt **ret, struct diag *d) CS_WUR;
/* One row's first column, which must be there. */
int audit_db_number(struct audit_db *db, const char *sql, uint64_t *ret,
    struct diag *d) CS_WUR;

static inline void
stmt_freep(sqlite3_stmt **s)
{
	(void)sqlite3_finalize(*s);
}
#define _cleanup_stmt_ _cleanup_(stmt_freep)

#endif
