/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema.  What only SQLite knows is a parameter: INT is the 64-bit
 * integer; END closes a table, PAIR one whose key is a leaf and a number;
 * TIME() writes seconds since 1970 as RFC 3339 text.  Words that databases reserve (user, commit, key, check)
 * are avoided, so that nobody has to quote a name.
 */
#include "host-tools/audit_schema.h"

/* clang-format off */

/* A word that many rows share: an event, a person, a product, a key, ... */
#define WORD(INT) INT " REFERENCES word(id)"
#define EVENT(INT) INT " PRIMARY KEY REFERENCES event(idx)"
#define REQUEST(INT) INT " REFERENCES request(id)"

#define LOG_TABLES(INT, END)                                               \
	"CREATE TABLE log(id " INT " PRIMARY KEY CHECK (id = 1),"          \
	" origin TEXT NOT NULL, vkey TEXT NOT NULL)" END                   \
	"CREATE TABLE checkpoint(size " INT " PRIMARY KEY,"                \
	" root TEXT NOT NULL CHECK (length(root) = 64),"                   \
	" note TEXT NOT NULL, imported " INT " NOT NULL,"                  \
	" bundle TEXT, edge TEXT NOT NULL)" END                            \
	"CREATE TABLE fork(sha256 TEXT PRIMARY KEY, stored TEXT NOT NULL," \
	" other TEXT NOT NULL, found " INT " NOT NULL)" END                \
	"CREATE TABLE word(id " INT " PRIMARY KEY,"                        \
	" word TEXT NOT NULL UNIQUE)" END                                  \
	"CREATE TABLE request(id " INT " PRIMARY KEY,"                     \
	" request TEXT NOT NULL, sha256 TEXT NOT NULL,"                    \
	" product " WORD(INT) ", version " WORD(INT) ","                   \
	" signing_key " WORD(INT) ", UNIQUE (request, sha256))" END        \
	"CREATE TABLE event(idx " INT " PRIMARY KEY,"                      \
	" type " WORD(INT) " NOT NULL, boot " INT " NOT NULL,"             \
	" claimed " INT " NOT NULL, request " REQUEST(INT) ","             \
	" person " WORD(INT) ")" END

#define LIFE_TABLES(INT, END)                                              \
	"CREATE TABLE start(idx " EVENT(INT) ", appliance TEXT,"           \
	" policy TEXT, policy_envelope TEXT, policy_version " INT ","      \
	" rehearsal " INT ", from_origin TEXT, from_size " INT ","         \
	" from_root TEXT, from_checkpoint TEXT)" END                       \
	"CREATE TABLE boot(idx " EVENT(INT) ", boot " INT " NOT NULL,"     \
	" policy TEXT, policy_version " INT ", counter " INT ","           \
	" image_version " INT ", tpm_clock " INT ", tpm_reset " INT ","    \
	" tpm_restart " INT ")" END                                        \
	"CREATE TABLE policy(id " INT " PRIMARY KEY,"                      \
	" sha256 TEXT NOT NULL UNIQUE, version " INT ","                   \
	" envelope TEXT, first_idx " INT " NOT NULL"                       \
	" REFERENCES event(idx))" END                                      \
	"CREATE TABLE attest(idx " EVENT(INT) ", answer TEXT,"             \
	" challenge TEXT)" END                                             \
	"CREATE TABLE export(idx " EVENT(INT) ","                          \
	" request " REQUEST(INT) ", counter " INT ")" END

#define REQUEST_TABLES(INT, END)                                           \
	"CREATE TABLE intake(idx " EVENT(INT) ","                          \
	" request " REQUEST(INT) ", format " WORD(INT) ","        \
	" requester " WORD(INT) ", user_name TEXT, system TEXT,"           \
	" pipeline TEXT, run TEXT, commit_id TEXT, branch TEXT,"           \
	" artifacts " INT ", root TEXT, rule " WORD(INT) ","               \
	" threshold " INT ", policy TEXT, envelope TEXT,"                  \
	" break_glass TEXT, reason TEXT)" END                                           \
	"CREATE TABLE refusal(idx " EVENT(INT) ","                         \
	" request " REQUEST(INT) ", person " WORD(INT) ","                 \
	" check_id " WORD(INT) ", found TEXT, product " WORD(INT) ","      \
	" version " WORD(INT) ", envelope TEXT, refusal TEXT)" END         \
	"CREATE TABLE session(idx " EVENT(INT) ","                         \
	" request " REQUEST(INT) ", domain " WORD(INT) ","                 \
	" ceremony TEXT, seconds " INT ")" END                             \
	"CREATE TABLE approval(idx " EVENT(INT) ","                        \
	" request " REQUEST(INT) ", person " WORD(INT) ","        \
	" decision " WORD(INT) ", reason TEXT, statement TEXT,"            \
	" envelope TEXT, key_id TEXT)" END                                 \
	"CREATE TABLE intent(idx " EVENT(INT) ","                          \
	" request " REQUEST(INT) ", signing_key " WORD(INT) ","   \
	" format " WORD(INT) ", rule " WORD(INT) ", artifacts " INT ","      \
	" action " WORD(INT) ")" END                                       \
	"CREATE TABLE outcome(idx " EVENT(INT) ","                         \
	" request " REQUEST(INT) ", result " WORD(INT) ","        \
	" check_id " WORD(INT) ", found TEXT, first_idx " INT ","          \
	" signatures " INT ", record TEXT, action " WORD(INT) ")" END

#define SIGNATURE_TABLES(INT, END)                                         \
	"CREATE TABLE trace(id " INT " PRIMARY KEY,"                       \
	" sha256 TEXT NOT NULL UNIQUE, requester " WORD(INT) ","           \
	" user_name TEXT, system TEXT, pipeline TEXT, run TEXT,"           \
	" commit_id TEXT, branch TEXT, policy TEXT,"                       \
	" policy_version " INT ", rule " WORD(INT) ","                     \
	" domain " WORD(INT) ", ceremony TEXT, evidence_root TEXT,"        \
	" break_glass TEXT)" END                                           \
	"CREATE TABLE signature(idx " EVENT(INT) ","                       \
	" request " REQUEST(INT) ", artifact TEXT, name TEXT,"             \
	" signing_key " WORD(INT) ", format " WORD(INT) ","                \
	" product " WORD(INT) ", version " WORD(INT) ","                   \
	" signature_sha256 TEXT, trace " INT " REFERENCES trace(id))" END

#define PAIR_TABLES(INT, PAIR)                                             \
	"CREATE TABLE refusal_check(idx " INT " NOT NULL"                  \
	" REFERENCES refusal(idx), n " INT " NOT NULL,"                    \
	" check_id " WORD(INT) " NOT NULL, PRIMARY KEY (idx, n))" PAIR     \
	"CREATE TABLE intake_evidence(idx " INT " NOT NULL"                \
	" REFERENCES intake(idx), n " INT " NOT NULL, name TEXT NOT NULL," \
	" sha256 TEXT NOT NULL, PRIMARY KEY (idx, n))" PAIR                \
	"CREATE TABLE intent_approval(idx " INT " NOT NULL"                \
	" REFERENCES intent(idx), n " INT " NOT NULL,"                     \
	" statement TEXT NOT NULL, PRIMARY KEY (idx, n))" PAIR             \
	"CREATE TABLE export_file(idx " INT " NOT NULL"                    \
	" REFERENCES export(idx), n " INT " NOT NULL, name TEXT NOT NULL," \
	" sha256 TEXT NOT NULL, size " INT " NOT NULL,"                    \
	" PRIMARY KEY (idx, n))" PAIR                                      \
	"CREATE TABLE trace_evidence(trace " INT " NOT NULL"               \
	" REFERENCES trace(id), n " INT " NOT NULL, sha256 TEXT NOT NULL," \
	" PRIMARY KEY (trace, n))" PAIR                                    \
	"CREATE TABLE trace_approver(trace " INT " NOT NULL"               \
	" REFERENCES trace(id), n " INT " NOT NULL,"                       \
	" person " WORD(INT) " NOT NULL, approved " INT " NOT NULL,"       \
	" PRIMARY KEY (trace, n))" PAIR

#define TABLES(INT, END, PAIR)                                             \
	LOG_TABLES(INT, END)                                               \
	LIFE_TABLES(INT, END)                                              \
	REQUEST_TABLES(INT, END)                                           \
	SIGNATURE_TABLES(INT, END)                                         \
	PAIR_TABLES(INT, PAIR)

#define INDEX(name, on) "CREATE INDEX IF NOT EXISTS " name " ON " on ";"

static const char indexes[] =
    INDEX("event_type", "event(type)")
    INDEX("event_person", "event(person) WHERE person IS NOT NULL")
    INDEX("event_request", "event(request) WHERE request IS NOT NULL")
    INDEX("event_claimed", "event(claimed)")
    INDEX("request_product", "request(product)")
    INDEX("boot_boot", "boot(boot)")
    INDEX("intake_request", "intake(request)")
    INDEX("refusal_check_id", "refusal(check_id)")
    INDEX("refusal_check_check", "refusal_check(check_id)")
    INDEX("approval_request", "approval(request)")
    INDEX("approval_statement", "approval(statement)")
    INDEX("intent_request", "intent(request)")
    INDEX("intent_approval_statement", "intent_approval(statement)")
    INDEX("outcome_request", "outcome(request)")
    INDEX("export_request", "export(request)")
    INDEX("intake_evidence_sha256", "intake_evidence(sha256)")
    INDEX("trace_evidence_sha256", "trace_evidence(sha256)")
    INDEX("signature_artifact", "signature(artifact)")
    INDEX("signature_sha256", "signature(signature_sha256)")
    INDEX("signature_request", "signature(request)")
    INDEX("signature_product", "signature(product)")
    INDEX("signature_signing_key", "signature(signing_key)")
    INDEX("signature_trace", "signature(trace)");

#define LEFT_WORD(as, id) " LEFT JOIN word " as " ON " as ".id = " id
#define LEFT_REQUEST(id) " LEFT JOIN request r ON r.id = " id
#define AT(TIME)                                                           \
	"e.idx AS idx, " TIME("e.claimed") " AS time, e.claimed AS claimed"
#define OF_REQUEST "r.request AS request, r.sha256 AS request_sha256"
#define PRODUCT_WORDS                                                      \
	LEFT_WORD("wp", "r.product") LEFT_WORD("wv", "r.version")
#define PRODUCT "wp.word AS product, wv.word AS version"

#define LOG_VIEWS(TIME)                                                    \
	"CREATE VIEW v_events AS SELECT " AT(TIME) ", wt.word AS event,"   \
	" e.boot AS boot, wn.word AS person, " OF_REQUEST ", " PRODUCT ","  \
	" wk.word AS signing_key FROM event e"                             \
	" JOIN word wt ON wt.id = e.type" LEFT_WORD("wn", "e.person")      \
	LEFT_REQUEST("e.request") PRODUCT_WORDS                            \
	LEFT_WORD("wk", "r.signing_key") ";"                               \
	"CREATE VIEW v_boots AS SELECT " AT(TIME) ", b.boot AS boot,"      \
	" b.policy AS policy, b.policy_version AS policy_version,"         \
	" b.counter AS counter, b.image_version AS image_version,"         \
	" b.tpm_clock AS tpm_clock, b.tpm_reset AS tpm_reset,"             \
	" b.tpm_restart AS tpm_restart"                                    \
	" FROM boot b JOIN event e ON e.idx = b.idx;"                      \
	"CREATE VIEW v_policies AS SELECT " AT(TIME) ","                   \
	" p.sha256 AS policy, p.version AS policy_version,"                \
	" p.envelope AS envelope"                                          \
	" FROM policy p JOIN event e ON e.idx = p.first_idx;"              \
	"CREATE VIEW v_checkpoints AS SELECT size, root,"                  \
	" " TIME("imported") " AS time, imported, bundle, note"            \
	" FROM checkpoint;"                                                \
	"CREATE VIEW v_exports AS SELECT " AT(TIME) ", " OF_REQUEST ","    \
	" x.counter AS counter, f.name AS file, f.sha256 AS sha256,"       \
	" f.size AS size FROM export x JOIN event e ON e.idx = x.idx"      \
	LEFT_REQUEST("x.request")                                          \
	" LEFT JOIN export_file f ON f.idx = x.idx;"

#define REQUEST_VIEWS(TIME)                                                \
	"CREATE VIEW v_requests AS SELECT " AT(TIME) ", " OF_REQUEST ","   \
	" " PRODUCT ", wk.word AS signing_key, wf.word AS format,"         \
	" wn.word AS requester, i.user_name AS user_name,"                 \
	" i.system AS system, i.pipeline AS pipeline, i.run AS run,"       \
	" i.commit_id AS commit_id, i.branch AS branch,"                   \
	" i.artifacts AS artifacts, i.root AS root, wr.word AS rule,"      \
	" i.threshold AS threshold, i.policy AS policy,"                   \
	" i.envelope AS envelope, i.break_glass AS break_glass,"           \
	" i.reason AS reason,"                                             \
	" (SELECT w.word FROM outcome o JOIN word w ON w.id = o.result"    \
	" WHERE o.request = i.request ORDER BY o.idx DESC LIMIT 1)"        \
	" AS result FROM intake i JOIN event e ON e.idx = i.idx"           \
	LEFT_REQUEST("i.request") PRODUCT_WORDS                            \
	LEFT_WORD("wk", "r.signing_key") LEFT_WORD("wf", "i.format")       \
	LEFT_WORD("wn", "i.requester") LEFT_WORD("wr", "i.rule") ";"       \
	"CREATE VIEW v_approvals AS SELECT " AT(TIME) ", " OF_REQUEST ","  \
	" " PRODUCT ", wn.word AS person, wd.word AS decision,"            \
	" a.reason AS reason, a.statement AS statement,"                   \
	" a.envelope AS envelope, a.key_id AS key_id, e.boot AS boot"      \
	" FROM approval a JOIN event e ON e.idx = a.idx"                   \
	LEFT_REQUEST("a.request") PRODUCT_WORDS                            \
	LEFT_WORD("wn", "a.person") LEFT_WORD("wd", "a.decision") ";"      \
	"CREATE VIEW v_refusals AS SELECT " AT(TIME) ", wt.word AS event," \
	" wc.word AS check_id, f.found AS found, wn.word AS person,"       \
	" " OF_REQUEST ", wp.word AS product, wv.word AS version,"         \
	" f.envelope AS envelope, f.refusal AS refusal, e.boot AS boot"    \
	" FROM refusal f JOIN event e ON e.idx = f.idx"                    \
	" JOIN word wt ON wt.id = e.type" LEFT_WORD("wc", "f.check_id")    \
	LEFT_WORD("wn", "f.person") LEFT_WORD("wp", "f.product")           \
	LEFT_WORD("wv", "f.version") LEFT_REQUEST("f.request") ";"         \
	"CREATE VIEW v_outcomes AS SELECT " AT(TIME) ", " OF_REQUEST ","   \
	" ws.word AS result, wc.word AS check_id, o.found AS found,"       \
	" o.first_idx AS first_idx, o.signatures AS signatures,"           \
	" o.record AS record, wa.word AS action, e.boot AS boot"           \
	" FROM outcome o JOIN event e ON e.idx = o.idx"                    \
	LEFT_REQUEST("o.request") LEFT_WORD("ws", "o.result")              \
	LEFT_WORD("wc", "o.check_id") LEFT_WORD("wa", "o.action") ";"

#define TRACE_COLUMNS                                                      \
	" wn.word AS requester, t.user_name AS user_name,"                 \
	" t.system AS system, t.pipeline AS pipeline, t.run AS run,"       \
	" t.commit_id AS commit_id, t.branch AS branch,"                   \
	" t.policy AS policy, t.policy_version AS policy_version,"         \
	" wr.word AS rule, wd.word AS domain, t.ceremony AS ceremony,"     \
	" t.evidence_root AS evidence_root, t.break_glass AS break_glass"

#define SIGNATURE_VIEWS(TIME)                                              \
	"CREATE VIEW v_signatures AS SELECT " AT(TIME) ","                 \
	" s.artifact AS artifact, s.name AS name,"                         \
	" s.signature_sha256 AS signature_sha256, " OF_REQUEST ","         \
	" wp.word AS product, wv.word AS version,"                         \
	" wk.word AS signing_key, wf.word AS format, s.trace AS trace,"    \
	TRACE_COLUMNS ", e.boot AS boot"                                   \
	" FROM signature s JOIN event e ON e.idx = s.idx"                  \
	LEFT_REQUEST("s.request") LEFT_WORD("wp", "s.product")             \
	LEFT_WORD("wv", "s.version") LEFT_WORD("wk", "s.signing_key")      \
	LEFT_WORD("wf", "s.format")                                        \
	" LEFT JOIN trace t ON t.id = s.trace"                             \
	LEFT_WORD("wn", "t.requester") LEFT_WORD("wr", "t.rule")           \
	LEFT_WORD("wd", "t.domain") ";"                                    \
	"CREATE VIEW v_signature_approvals AS SELECT s.idx AS idx,"        \
	" s.artifact AS artifact, ta.n AS n, wn.word AS person,"           \
	" " TIME("ta.approved") " AS time, ta.approved AS approved"        \
	" FROM signature s JOIN trace_approver ta ON ta.trace = s.trace"   \
	" JOIN word wn ON wn.id = ta.person;"                              \
	"CREATE VIEW v_evidence AS SELECT i.idx AS idx, " OF_REQUEST ","   \
	" v.n AS n, v.name AS name, v.sha256 AS sha256"                    \
	" FROM intake_evidence v JOIN intake i ON i.idx = v.idx"           \
	LEFT_REQUEST("i.request") ";"

#define VIEWS(TIME)                                                        \
	LOG_VIEWS(TIME) REQUEST_VIEWS(TIME) SIGNATURE_VIEWS(TIME)

#define SQLITE_TIME(x) "strftime('%Y-%m-%dT%H:%M:%SZ', " x ", 'unixepoch')"
static const char sqlite_tables[] =
    TABLES("INTEGER", " STRICT;", " STRICT, WITHOUT ROWID;");
static const char sqlite_views[] = VIEWS(SQLITE_TIME);

const struct audit_dialect audit_sqlite = {
	sqlite_tables,
	indexes,
	sqlite_views,
};

/*
 * Times that RFC 3339 cannot write are NULL, as SQLite has them.  Text is
 * compared byte by byte, whatever the server's language is.
 */
#define POSTGRESQL_TIME(x)                                                 \
	"CASE WHEN " x " BETWEEN 0 AND 253402300799 THEN"                  \
	" to_char(to_timestamp(" x ") AT TIME ZONE 'UTC',"                 \
	" 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') END"
static const char postgresql_tables[] =
    TABLES("bigint", ";", ";")
    "DO $$DECLARE c record; BEGIN"
    " FOR c IN SELECT table_name AS t, column_name AS n"
    " FROM information_schema.columns"
    " WHERE table_schema = current_schema() AND data_type = 'text' LOOP"
    " EXECUTE format('ALTER TABLE %I ALTER %I TYPE text COLLATE \"C\"',"
    " c.t, c.n); END LOOP; END$$;";
static const char postgresql_views[] = VIEWS(POSTGRESQL_TIME);

const struct audit_dialect audit_postgresql = {
	postgresql_tables,
	indexes,
	postgresql_views,
};

const char *const audit_datasette[2] = {
    "title: The log of a coldseal appliance\n"
    "description: >-\n"
    "  An index over verified leaves; the evidence is the tiles beside it.\n"
    "  Every row names its leaf, idx.\n"
    "databases:\n"
    "  \"",
    "\":\n"
    "    tables:\n"
    "      word:\n"
    "        label_column: word\n"
    "      request:\n"
    "        label_column: request\n"
    "    queries:\n"
    "      artifact:\n"
    "        title: Signatures of an artifact, by its SHA-256\n"
    "        sql: select * from v_signatures where artifact = :sha256\n"
    "      signature:\n"
    "        title: A signature, by the SHA-256 of its file\n"
    "        sql: select * from v_signatures"
    " where signature_sha256 = :sha256\n"
    "      person:\n"
    "        title: What a person did\n"
    "        sql: select * from v_events where person = :person"
    " order by idx\n"
    "      refusals:\n"
    "        title: Refusals by check\n"
    "        sql: select check_id, count(*) as refusals from v_refusals"
    " group by check_id order by refusals desc\n",
};
