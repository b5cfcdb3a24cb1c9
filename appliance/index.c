/* SPDX-License-Identifier: Apache-2.0 */
#include "appliance/index.h"

#include <stdio.h>
#include <string.h>

#include "appliance/index_private.h"

/* "CSLG": tells file(1) and ourselves what this database is. */
#define APPLICATION_ID 0x43534c47
#define SCHEMA_VERSION 5

static const char schema[] =
    "CREATE TABLE head("
    " one INTEGER PRIMARY KEY CHECK(one = 1),"
    " size INTEGER NOT NULL, boot INTEGER NOT NULL,"
    " floor INTEGER NOT NULL, policy TEXT NOT NULL,"
    " envelope TEXT NOT NULL, policy_leaf INTEGER NOT NULL,"
    " clock INTEGER NOT NULL) STRICT;"
    "INSERT INTO head VALUES(1, 0, 0, 0, '', '', 0, 0);"
    "CREATE TABLE leaf("
    " i INTEGER PRIMARY KEY, event TEXT NOT NULL, boot INTEGER NOT NULL,"
    " time INTEGER NOT NULL, request TEXT) STRICT;"
    "CREATE TABLE request("
    " n INTEGER PRIMARY KEY, id TEXT NOT NULL, digest TEXT NOT NULL,"
    " envelope TEXT NOT NULL, state TEXT NOT NULL, requester TEXT NOT NULL,"
    " rule TEXT NOT NULL, key TEXT NOT NULL, time INTEGER NOT NULL,"
    " nonce TEXT NOT NULL DEFAULT '', context TEXT NOT NULL DEFAULT '',"
    " clock INTEGER NOT NULL DEFAULT 0,"
    " reset INTEGER NOT NULL DEFAULT 0, restart INTEGER NOT NULL DEFAULT 0,"
    " seconds INTEGER NOT NULL DEFAULT 0,"
    " begun INTEGER NOT NULL DEFAULT 0,"
    " response TEXT NOT NULL, first_leaf INTEGER NOT NULL,"
    " nleaves INTEGER NOT NULL, outcome_leaf INTEGER NOT NULL,"
    " signed INTEGER NOT NULL DEFAULT 0,"
    " leaf INTEGER NOT NULL REFERENCES leaf(i)) STRICT;"
    "CREATE UNIQUE INDEX request_id ON request(id)"
    " WHERE state NOT IN ('refused', 'lapsed');"
    "CREATE TABLE approval("
    " leaf INTEGER PRIMARY KEY REFERENCES leaf(i),"
    " request INTEGER NOT NULL REFERENCES request(n),"
    " approver TEXT NOT NULL, decision TEXT NOT NULL,"
    " envelope TEXT NOT NULL, digest TEXT NOT NULL,"
    " time INTEGER NOT NULL, vote TEXT NOT NULL,"
    " UNIQUE(request, approver)) STRICT;"
    "CREATE TABLE signature("
    " leaf INTEGER PRIMARY KEY REFERENCES leaf(i),"
    " request TEXT NOT NULL, artifact TEXT NOT NULL,"
    " signature TEXT NOT NULL) STRICT;";

static const char *const statements[STMT_COUNT] = {
	[STMT_BEGIN] = "BEGIN IMMEDIATE",
	[STMT_COMMIT] = "COMMIT",
	[STMT_HEAD] = "SELECT size, boot, floor, policy, envelope,"
		      " policy_leaf, clock FROM head",
	[STMT_HEAD_SET] = "UPDATE head SET size = ?1, boot = ?2, floor = ?3,"
			  " policy = ?4, envelope = ?5, policy_leaf = ?6,"
			  " clock = ?7",
	[STMT_LEAF] = "INSERT INTO leaf VALUES(?1, ?2, ?3, ?4, ?5)",
	[STMT_REQUEST_NEW] = "INSERT INTO request(id, digest, envelope, state,"
			     " requester, rule, time, response, first_leaf,"
			     " nleaves, outcome_leaf, leaf, key)"
			     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 0, 0,"
			     " ?9, ?10)",
	[STMT_REQUEST_STATE] =
	    "UPDATE request SET state = ?2"
	    " WHERE id = ?1 AND state NOT IN ('refused', 'lapsed')",
	[STMT_REQUEST_SIGNED] =
	    "UPDATE request SET state = 'signed',"
	    " response = ?2, first_leaf = ?3, nleaves = ?4, outcome_leaf = ?5,"
	    " signed = ?6"
	    " WHERE id = ?1 AND state NOT IN ('refused', 'lapsed')",
	[STMT_SESSION] =
	    "UPDATE request SET nonce = ?2, context = ?3,"
	    " seconds = ?4, clock = ?5, reset = ?6, restart = ?7,"
	    " begun = ?8 WHERE id = ?1 AND state NOT IN ('refused', 'lapsed')",
	[STMT_SESSION_END] =
	    "UPDATE request SET nonce = '', context = ''"
	    " WHERE id = ?1 AND state NOT IN ('refused', 'lapsed')",
	/* what was made ahead belongs to no session */
	[STMT_LAPSE] = "DELETE FROM approval WHERE vote != '' AND request IN"
		       " (SELECT n FROM request WHERE id = ?1"
		       " AND state NOT IN ('refused', 'lapsed'))",
	[STMT_APPROVAL] = "INSERT INTO approval SELECT ?1, n, ?3, ?4, ?5, ?6,"
			  " ?7, ?8 FROM request WHERE id = ?2 AND state NOT IN "
			  "('refused', 'lapsed')",
	/* what was asked under a policy that is no more */
	[STMT_LAPSE_ALL] = "UPDATE request SET state = 'lapsed', nonce = '',"
			   " context = '' WHERE state = 'pending'",
	[STMT_LAST_LEAF] = "SELECT max(i) FROM leaf WHERE event = ?1"
			   " AND request = ?2",
	[STMT_SIGNATURE] = "INSERT INTO signature VALUES(?1, ?2, ?3, ?4)",
#define REQUEST_COLUMNS                                    \
	"n, id, digest, envelope, state, requester, rule," \
	" nonce, context, clock, reset, restart,"          \
	" seconds, begun, time, response, first_leaf, nleaves, outcome_leaf"
	[STMT_BY_N] = "SELECT " REQUEST_COLUMNS " FROM request WHERE n = ?1",
	[STMT_BY_ID] = "SELECT " REQUEST_COLUMNS " FROM request WHERE id = ?1"
		       " AND state NOT IN ('refused', 'lapsed')",
	[STMT_ALL] = "SELECT " REQUEST_COLUMNS " FROM request ORDER BY n",
	[STMT_APPROVALS] = "SELECT approver, decision, envelope, digest, time,"
			   " vote"
			   " FROM approval WHERE request = ?1 ORDER BY leaf",
	[STMT_SIGNATURES] = "SELECT coalesce(sum(nleaves), 0) FROM request"
			    " WHERE state = 'signed'"
			    " AND (?1 IS NULL OR rule = ?1)"
			    " AND (?2 IS NULL OR key = ?2)"
			    " AND signed BETWEEN ?3 AND ?4",
	[STMT_SIGNED_BEFORE] = "SELECT count(*) FROM signature"
			       " JOIN request ON id = signature.request"
			       " WHERE artifact = ?1 AND key = ?2",
};

static const char *const state_names[] = { "pending", "refused", "rejected",
	"signing", "signed", "lapsed" };

const char *
request_state_name(enum request_state s)
{
	return (size_t)s < ARRAY_LEN(state_names) ? state_names[s] : "?";
}

int
index_fail(struct index *ix, const char *what, struct diag *d)
{
	return diag_fail(d, CS_E_LEDGER, NULL, "%s: %s", what,
	    sqlite3_errmsg(ix->db));
}

void
index_close(struct index **ix)
{
	size_t i;

	if (*ix == NULL)
		return;
	for (i = 0; i < STMT_COUNT; i++)
		(void)sqlite3_finalize((*ix)->stmt[i]);
	(void)sqlite3_close((*ix)->db);
	free(*ix);
	*ix = NULL;
}

static int
pragma_int(struct index *ix, const char *sql, int *ret, struct diag *d)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ERROR;

	if (sqlite3_prepare_v2(ix->db, sql, -1, &st, NULL) == SQLITE_OK &&
	    (rc = sqlite3_step(st)) == SQLITE_ROW)
		*ret = sqlite3_column_int(st, 0);
	(void)sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 0 : index_fail(ix, sql, d);
}

static int
exec(struct index *ix, const char *sql, struct diag *d)
{
	if (sqlite3_exec(ix->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return index_fail(ix, "schema", d);
	return 0;
}

/* A new file gets the schema in one transaction; another one must be ours. */
static int
prepare_schema(struct index *ix, struct diag *d)
{
	int version = 0, app = 0, r;
	char sql[120];

	r = pragma_int(ix, "PRAGMA user_version", &version, d);
	if (r == 0)
		r = pragma_int(ix, "PRAGMA application_id", &app, d);
	if (r != 0)
		return r;
	if (version == SCHEMA_VERSION && app == APPLICATION_ID)
		return 0;
	if (version != 0 || app != 0)
		return diag_fail(d, CS_E_LEDGER,
		    "schema version 5; \"coldseal-core --rebuild\" makes it",
		    "application %#x version %d", (unsigned int)app, version);
	(void)snprintf(sql, sizeof(sql),
	    "PRAGMA application_id = %d;"
	    "PRAGMA user_version = %d;COMMIT",
	    APPLICATION_ID, SCHEMA_VERSION);
	r = exec(ix, "BEGIN IMMEDIATE", d);
	if (r == 0)
		r = exec(ix, schema, d);
	if (r == 0)
		r = exec(ix, sql, d);
	return r;
}

int
index_open(struct index **ret, struct diag *d)
{
	_cleanup_(index_closep) struct index *ix = NULL;
	size_t i;
	int r;

	ix = calloc(1, sizeof(*ix));
	if (ix == NULL)
		return diag_nomem(d);
	if (sqlite3_open_v2("index.db", &ix->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
		    SQLITE_OPEN_NOFOLLOW,
		NULL) != SQLITE_OK)
		return index_fail(ix, "index.db", d);
	(void)sqlite3_db_config(ix->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(ix->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0,
	    NULL);
	r = exec(ix,
	    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
	    "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY",
	    d);
	if (r == 0)
		r = prepare_schema(ix, d);
	if (r != 0)
		return r;
	for (i = 0; i < STMT_COUNT; i++)
		if (sqlite3_prepare_v3(ix->db, statements[i], -1,
			SQLITE_PREPARE_PERSISTENT, &ix->stmt[i],
			NULL) != SQLITE_OK)
			return index_fail(ix, "prepare", d);
	*ret = take_ptr(ix);
	return 0;
}

/* Runs a statement that gives no rows. */
int
index_run(struct index *ix, enum index_stmt which, struct diag *d)
{
	sqlite3_stmt *st = ix->stmt[which];
	int rc;

	rc = sqlite3_step(st);
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
	return rc == SQLITE_DONE ? 0 : index_fail(ix, "write", d);
}

static void
column_into(sqlite3_stmt *st, int col, char *out, size_t size)
{
	const unsigned char *t = sqlite3_column_text(st, col);

	(void)snprintf(out, size, "%s", t == NULL ? "" : (const char *)t);
}

int
index_head(struct index *ix, struct index_head *ret, struct diag *d)
{
	sqlite3_stmt *st = ix->stmt[STMT_HEAD];
	int r = 0;

	if (sqlite3_step(st) == SQLITE_ROW) {
		ret->size = (uint64_t)sqlite3_column_int64(st, 0);
		ret->boot = (uint64_t)sqlite3_column_int64(st, 1);
		ret->floor = sqlite3_column_int64(st, 2);
		column_into(st, 3, ret->policy, sizeof(ret->policy));
		column_into(st, 4, ret->envelope, sizeof(ret->envelope));
		ret->policy_leaf = (uint64_t)sqlite3_column_int64(st, 5);
		ret->clock = sqlite3_column_int64(st, 6);
	} else {
		r = index_fail(ix, "head", d);
	}
	(void)sqlite3_reset(st);
	return r;
}

int
index_begin(struct index *ix, struct diag *d)
{
	int r = index_head(ix, &ix->head, d);

	return r == 0 ? index_run(ix, STMT_BEGIN, d) : r;
}

void
index_rollback(struct index *ix)
{
	if (sqlite3_get_autocommit(ix->db) == 0)
		(void)sqlite3_exec(ix->db, "ROLLBACK", NULL, NULL, NULL);
}

static int
read_request(sqlite3_stmt *st, struct ledger_request *q)
{
	char state[16];
	size_t i;

	memset(q, 0, sizeof(*q));
	q->n = (uint64_t)sqlite3_column_int64(st, 0);
	column_into(st, 1, q->id, sizeof(q->id));
	column_into(st, 2, q->digest, sizeof(q->digest));
	column_into(st, 3, q->envelope, sizeof(q->envelope));
	column_into(st, 4, state, sizeof(state));
	column_into(st, 5, q->requester, sizeof(q->requester));
	column_into(st, 6, q->rule, sizeof(q->rule));
	column_into(st, 7, q->nonce, sizeof(q->nonce));
	column_into(st, 8, q->context, sizeof(q->context));
	q->started.clock = (uint64_t)sqlite3_column_int64(st, 9);
	q->started.reset = (uint32_t)sqlite3_column_int64(st, 10);
	q->started.restart = (uint32_t)sqlite3_column_int64(st, 11);
	q->seconds = (uint64_t)sqlite3_column_int64(st, 12);
	q->begun = sqlite3_column_int64(st, 13);
	q->time = (uint64_t)sqlite3_column_int64(st, 14);
	column_into(st, 15, q->response, sizeof(q->response));
	q->first_leaf = (uint64_t)sqlite3_column_int64(st, 16);
	q->nleaves = (uint64_t)sqlite3_column_int64(st, 17);
	q->outcome_leaf = (uint64_t)sqlite3_column_int64(st, 18);
	for (i = 0; i < ARRAY_LEN(state_names); i++)
		if (strcmp(state, state_names[i]) == 0) {
			q->state = (enum request_state)i;
			return 0;
		}
	return CS_E_LEDGER;
}

int
index_request(struct index *ix, uint64_t n, const char *id,
    struct ledger_request *ret, struct diag *d)
{
	sqlite3_stmt *st = ix->stmt[id != NULL ? STMT_BY_ID : STMT_BY_N];
	int rc, r = 1;

	if (id != NULL)
		(void)sqlite3_bind_text(st, 1, id, -1, SQLITE_STATIC);
	else
		(void)sqlite3_bind_int64(st, 1, (sqlite3_int64)n);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		r = read_request(st, ret);
	else if (rc != SQLITE_DONE)
		r = index_fail(ix, "request", d);
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
	return r;
}

int
index_requests(struct index *ix,
    int (*cb)(void *arg, const struct ledger_request *r), void *arg,
    struct diag *d)
{
	sqlite3_stmt *st = ix->stmt[STMT_ALL];
	struct ledger_request q;
	int rc, r = 0;

	while (r == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
		if (rc != SQLITE_ROW || read_request(st, &q) != 0)
			r = index_fail(ix, "requests", d);
		else
			r = cb(arg, &q);
	}
	(void)sqlite3_reset(st);
	return r;
}

void
ledger_approvals_free(struct ledger_approval **v, size_t n)
{
	size_t i;

	for (i = 0; *v != NULL && i < n; i++)
		free((*v)[i].vote);
	free(*v);
	*v = NULL;
}

int
index_approvals(struct index *ix, uint64_t n, struct ledger_approval **ret,
    size_t *ret_n, struct diag *d)
{
	struct ledger_approval *v = NULL;
	sqlite3_stmt *st = ix->stmt[STMT_APPROVALS];
	size_t count = 0;
	int rc, r = 0;

	(void)sqlite3_bind_int64(st, 1, (sqlite3_int64)n);
	while (r == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
		struct ledger_approval *a;
		char decision[16];

		a = rc == SQLITE_ROW ? reallocarray(v, count + 1, sizeof(*v)) :
				       NULL;
		if (a == NULL) {
			r = rc == SQLITE_ROW ? diag_nomem(d) :
					       index_fail(ix, "approvals", d);
			break;
		}
		v = a;
		a = &v[count++];
		memset(a, 0, sizeof(*a));
		column_into(st, 0, a->approver, sizeof(a->approver));
		column_into(st, 1, decision, sizeof(decision));
		a->approve = strcmp(decision, "approve") == 0;
		column_into(st, 2, a->envelope, sizeof(a->envelope));
		column_into(st, 3, a->digest, sizeof(a->digest));
		a->time = (uint64_t)sqlite3_column_int64(st, 4);
		a->vote = strdup((const char *)sqlite3_column_text(st, 5));
		if (a->vote == NULL)
			r = diag_nomem(d);
	}
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
	if (r != 0) {
		ledger_approvals_free(&v, count);
		return r;
	}
	*ret = v;
	*ret_n = count;
	return 0;
}

int
index_last_leaf(struct index *ix, const char *event, const char *request,
    uint64_t *ret, struct diag *d)
{
	sqlite3_stmt *st = ix->stmt[STMT_LAST_LEAF];
	int r = 1;

	(void)sqlite3_bind_text(st, 1, event, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(st, 2, request, -1, SQLITE_STATIC);
	if (sqlite3_step(st) != SQLITE_ROW) {
		r = index_fail(ix, "leaves", d);
	} else if (sqlite3_column_type(st, 0) == SQLITE_INTEGER) {
		*ret = (uint64_t)sqlite3_column_int64(st, 0);
		r = 0;
	}
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
	return r;
}

int
index_signatures(struct index *ix, const char *rule, const char *key,
    int64_t from, int64_t until, uint64_t *ret, struct diag *d)
{
	sqlite3_stmt *st = ix->stmt[STMT_SIGNATURES];
	int r = 0;

	/* a NULL is bound as NULL */
	(void)sqlite3_bind_text(st, 1, rule, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(st, 2, key, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(st, 3, from);
	(void)sqlite3_bind_int64(st, 4, until);
	if (sqlite3_step(st) == SQLITE_ROW)
		*ret = (uint64_t)sqlite3_column_int64(st, 0);
	else
		r = index_fail(ix, "signatures", d);
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
	return r;
}

int
index_signed_before(struct index *ix, const char *artifact, const char *key,
    bool *ret, struct diag *d)
{
	sqlite3_stmt *st = ix->stmt[STMT_SIGNED_BEFORE];
	int r = 0;

	(void)sqlite3_bind_text(st, 1, artifact, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(st, 2, key, -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW)
		*ret = sqlite3_column_int64(st, 0) != 0;
	else
		r = index_fail(ix, "signatures", d);
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
	return r;
}
