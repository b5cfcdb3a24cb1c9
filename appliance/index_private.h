/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_INDEX_PRIVATE_H
#define CS_INDEX_PRIVATE_H

#include "appliance/index.h"

enum index_stmt {
	STMT_BEGIN,
	STMT_COMMIT,
	STMT_HEAD,
	STMT_HEAD_SET,
	STMT_LEAF,
	STMT_REQUEST_NEW,
	STMT_REQUEST_STATE,
	STMT_REQUEST_SIGNED,
	STMT_SESSION,
	STMT_SESSION_END,
	STMT_LAPSE,
	STMT_LAPSE_ALL,
	STMT_LAST_LEAF,
	STMT_APPROVAL,
	STMT_SIGNATURE,
	STMT_BY_N,
	STMT_BY_ID,
	STMT_ALL,
	STMT_APPROVALS,
	STMT_SIGNATURES,
	STMT_SIGNED_BEFORE,
	STMT_COUNT
};

struct index {
	sqlite3 *db;
	sqlite3_stmt *stmt[STMT_COUNT];
	struct index_head head;	/* of this transaction */
};

int index_fail(struct index *ix, const char *what, struct diag *d);
int index_run(struct index *ix, enum index_stmt which, struct diag *d) CS_WUR;

#endif
