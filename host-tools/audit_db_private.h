/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUDIT_DB_PRIVATE_H
#define CS_AUDIT_DB_PRIVATE_H

#include "host-tools/audit_query.h"
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
#define AUDIT_ARGS	2	/* of the widest */

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

/*
 * A database's engine.  name is what --db says.  Each function fails with the
 * engine's own words; rows are those of audit_query.h.
 */
struct audit_engine {
	/* one that is there, or with write one that may come to be */
	int (*open)(struct audit_db *db, const char *name, bool write,
	    struct diag *d);
	void (*close)(struct audit_db *db);
	/* *ret_new: nothing is in it yet.  CS_E_AUDIT_DB_FORMAT: not ours */
	int (*kind)(struct audit_db *db, bool *ret_new, struct diag *d);
	/* why there is nothing to be asked; fails */
	int (*missing)(struct audit_db *db, struct diag *d);
	/* the tables and views, in a transaction */
	int (*create)(struct audit_db *db, struct diag *d);
	/* the indexes, unless they are there */
	int (*indexes)(struct audit_db *db, struct diag *d);

	/* one writer at a time; others wait */
	int (*begin)(struct audit_db *db, struct diag *d);
	int (*commit)(struct audit_db *db, struct diag *d);
	void (*rollback)(struct audit_db *db);
	int (*insert)(struct audit_db *db, enum audit_table t,
	    const struct audit_cell *row, struct diag *d);
	int (*find)(struct audit_db *db, enum audit_find f,
	    const struct audit_cell *args, bool *ret_found, int64_t *ret,
	    struct diag *d);

	/* a rebuild: what is filled in name's place, how it takes that */
	int (*anew)(const char *name, char **ret, struct diag *d);
	int (*empty)(struct audit_db *db, struct diag *d);
	int (*replace)(const char *filled, const char *name, struct diag *d);
	void (*discard)(const char *filled);

	int (*ask)(struct audit_db *db, const char *sql,
	    const struct audit_arg *args, size_t n, struct audit_rows **ret,
	    struct diag *d);
	int (*next)(struct audit_rows *q, bool *ret_any, struct diag *d);
	void (*done)(struct audit_rows *q);
	const char *(*text)(struct audit_rows *q, int column);
	int64_t (*number)(struct audit_rows *q, int column);
	bool (*null)(struct audit_rows *q, int column);
	bool (*is_number)(struct audit_rows *q, int column);
	const char *(*name)(struct audit_rows *q, int column);
	int (*columns)(struct audit_rows *q);
};

extern const struct audit_engine audit_sqlite_engine, audit_pg_engine;

/* The engine's own begins with it. */
struct audit_rows {
	struct audit_db *db;
};

struct audit_db {
	const struct audit_engine *engine;
	void *conn;		/* the engine's */
	struct audit_words *words;
	struct audit_row *leaf;
	bool open;		/* in a transaction */
};

/* The name of a table, and how many columns it has. */
struct audit_table_info {
	const char *name;
	int columns;
};
extern const struct audit_table_info audit_tables[AUDIT_TABLE_COUNT];
/* What is asked, with $1, $2, and how many of them. */
struct audit_find_info {
	const char *sql;
	int args;
};
extern const struct audit_find_info audit_finds[AUDIT_FIND_COUNT];

/* One row, a cell for each column. */
static inline int
audit_db_insert(struct audit_db *db, enum audit_table t,
    const struct audit_cell *row, struct diag *d)
{
	return db->engine->insert(db, t, row, d);
}

static inline int
audit_db_find(struct audit_db *db, enum audit_find f,
    const struct audit_cell *args, bool *ret_found, int64_t *ret,
    struct diag *d)
{
	return db->engine->find(db, f, args, ret_found, ret, d);
}

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

#endif
