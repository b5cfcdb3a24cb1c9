/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUDIT_DB_PRIVATE_H
#define CS_AUDIT_DB_PRIVATE_H

#include <sqlite3.h>

#include "host-tools/audit_db.h"
#include "host-tools/audit_schema.h"

/* Tables that rows are added to, and how many columns each has. */
#define AUDIT_TABLES(X)                                                     \
	X(LOG, "log", 3)                                                    \
	X(CHECKPOINT, "checkpoint", 6)                                      \
	X(FORK, "fork", 4)                                                  \
	X(WORD, "word", 2)                                                  \
	X(REQUEST, "request", 6)                                            \
	X(EVENT, "event", 6)                                                \
	X(START, "start", 10)                                               \
	X(BOOT, "boot", 9)                                                  \
	X(POLICY, "policy", 5)                                              \
	X(ATTEST, "attest", 3)                                              \
	X(EXPORT, "export", 3)                                              \
	X(INTAKE, "intake", 18)                                             \
	X(REFUSAL, "refusal", 9)                                            \
	X(SESSION, "session", 5)                                            \
	X(APPROVAL, "approval", 8)                                          \
	X(INTENT, "intent", 7)                                              \
	X(OUTCOME, "outcome", 9)                                            \
	X(UNSEAL, "unseal", 12)                                             \
	X(CONSOLE, "console", 3)                                            \
	X(TOKEN_LOG, "token_log", 14)                                       \
	X(TRACE, "trace", 16)                                               \
	X(SIGNATURE, "signature", 10)                                       \
	X(REFUSAL_CHECK, "refusal_check", 3)                                \
	X(INTAKE_EVIDENCE, "intake_evidence", 4)                            \
	X(INTENT_APPROVAL, "intent_approval", 3)                            \
	X(EXPORT_FILE, "export_file", 5)                                    \
	X(TRACE_EVIDENCE, "trace_evidence", 3)                              \
	X(TRACE_APPROVER, "trace_approver", 4)

enum audit_table {
#define X(id, name, columns) AUDIT_##id,
	AUDIT_TABLES(X)
#undef X
	AUDIT_TABLE_COUNT
};
#define AUDIT_COLUMNS	18u	/* of the widest */

/* Numbers that an import asks for while it runs. */
enum audit_find {
	FIND_WORD,		/* id; word */
	FIND_REQUEST,		/* id; request, sha256 */
	FIND_REQUEST_ANY,	/* id of the newest; request */
	FIND_TRACE,		/* id; sha256 */
	FIND_POLICY,		/* id; sha256 */
	FIND_FORK,		/* 1; sha256 */
	AUDIT_FIND_COUNT
};
#define AUDIT_ARGS	2u

/* One value; text is used until the call returns. */
struct audit_cell {
	enum { CELL_NULL, CELL_INT, CELL_TEXT } kind;
	int64_t i;
	const char *p;
	size_t n;
};

static inline struct audit_cell
cell_int(int64_t i)
{
	return (struct audit_cell){ .kind = CELL_INT, .i = i };
}

static inline struct audit_cell
cell_text(const char *p, size_t n)
{
	return (struct audit_cell){ .kind = CELL_TEXT, .p = p, .n = n };
}

/* Words and other rows that are looked up by their text; audit_words.c. */
struct audit_words;
/* The leaf that becomes rows; audit_field.c. */
struct audit_row;
void audit_row_free(struct audit_row **x);

struct audit_db {
	sqlite3 *sql;
	sqlite3_stmt *insert[AUDIT_TABLE_COUNT]; /* prepared at first use */
	sqlite3_stmt *find[AUDIT_FIND_COUNT];
	struct audit_words *words;
	struct audit_row *leaf;
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

/* One row, a cell for each column. */
int audit_db_insert(struct audit_db *db, enum audit_table t,
    const struct audit_cell *row, struct diag *d) CS_WUR;
int audit_db_find(struct audit_db *db, enum audit_find f,
    const struct audit_cell *args, bool *ret_found, int64_t *ret,
    struct diag *d) CS_WUR;

/* The id of a word, which is added if it is new. */
int audit_word(struct audit_db *db, const char *p, size_t n, int64_t *ret,
    struct diag *d) CS_WUR;
/*
 * The next id of a table whose rows are numbered as they come: WORD, REQUEST,
 * POLICY, TRACE.
 */
int audit_next_id(struct audit_db *db, enum audit_table t, int64_t *ret,
    struct diag *d) CS_WUR;
/* What the caches remember is forgotten: a transaction was rolled back. */
void audit_words_forget(struct audit_db *db);
void audit_words_free(struct audit_words **w);

static inline void
stmt_freep(sqlite3_stmt **s)
{
	(void)sqlite3_finalize(*s);
}
#define _cleanup_stmt_ _cleanup_(stmt_freep)

#endif
