/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_EVIDENCE_IMPL_H
#define CS_EVIDENCE_IMPL_H

#include "lib/evidence.h"

/*
 * Shared by lib/evidence*.c and its tests only.
 *
 * A document goes through these in order; nothing of a payload is read
 * before a key that the policy lists has signed it:
 *
 *	evidence_envelope()	DSSE, its base64, its number of signatures
 *	evidence_signers()	whose keys signed PAE(payloadType, payload)
 *	evidence_statement()	strict JSON, Statement v1, subjects
 *	evidence_predicate()	type and version
 *	(*check)()		what the requirement demands of it
 */
#define EVIDENCE_MAX	(16u << 20)	/* bytes, PROTOCOL.bundle */
#define EVIDENCE_SIGS	8u
#define EVIDENCE_TEXT	1000u		/* bytes of a text that is compared */
#define EVIDENCE_DEPTH	64u		/* nested SBOM components */
#define EVIDENCE_VALUES	500000u		/* of a payload; bounds memory */
#define EVIDENCE_SKEW	86400		/* seconds a clock may be ahead */
#define EVIDENCE_NOTE	100u

struct evidence_envelope {
	char *type;		/* payloadType, exactly as it is signed */
	struct dsse *dsse;	/* key IDs are not read: NULL */
};
void evidence_envelope_done(struct evidence_envelope *e);
#define _cleanup_evidence_envelope_ _cleanup_(evidence_envelope_done)
int evidence_envelope(const void *data, size_t len,
    struct evidence_envelope *ret, struct diag *d) CS_WUR;

/* Every key of the policy's principals; those of role holders come first. */
struct evidence_key {
	const struct policy_principal *who;
	const struct pubkey *key;
};
struct evidence_keys {
	struct evidence_key *v;
	size_t n;
	size_t nholders;
};
int evidence_keys(const struct policy *p, const struct policy_rule *rule,
    struct evidence_keys *ret) CS_WUR;

/* Who signed: principals, in the order of the signatures. */
struct evidence_signers {
	const struct policy_principal *who[EVIDENCE_SIGS];
	const struct pubkey *key[EVIDENCE_SIGS];
	size_t n;
	size_t strangers;	/* signatures by no key that the policy lists */
};
/* CS_E_EVIDENCE_SIGNATURE, _SAME_KEY, _PAYLOAD_TYPE */
int evidence_signers(const struct evidence_envelope *e,
    const struct evidence_keys *k, struct evidence_signers *ret,
    struct diag *d) CS_WUR;

/*
 * Strict JSON of somebody else: no duplicates, no NUL, valid UTF-8, one
 * object and nothing after it; real numbers and unknown fields are theirs.
 */
int evidence_json(const void *data, size_t len, size_t max_values, int code,
    json_t **ret, struct diag *d) CS_WUR;
/* "a/b/c" below objects; NULL if it is not there */
json_t *evidence_get(json_t *j, const char *path);
/* the same for a text of 1 to EVIDENCE_TEXT bytes; NULL if it is not one */
const char *evidence_text(json_t *j, const char *path);

struct evidence_statement {
	json_t *root;
	json_t *predicate;	/* borrowed; an object */
	const char *predicate_type;
	uint8_t (*sha256)[32];	/* of the subjects that have one */
	size_t nsha256;
	size_t nsubjects;
};
void evidence_statement_done(struct evidence_statement *s);
#define _cleanup_evidence_statement_ _cleanup_(evidence_statement_done)
int evidence_statement(const void *payload, size_t len,
    struct evidence_statement *ret, struct diag *d) CS_WUR;

/* RFC 3339 with fraction and offset, as other tools write it */
int evidence_time_parse(const char *s, int64_t *ret) CS_WUR;
/* absent: 0 and nothing set; malformed: CS_E_EVIDENCE_STATEMENT */
struct evidence_facts {
	bool dated;
	int64_t time;
	char note[EVIDENCE_NOTE];	/* for people, of one that passes */
};
int evidence_time(json_t *predicate, const char *path,
    struct evidence_facts *f, struct diag *d) CS_WUR;

/* What a requirement asks of one predicate. */
struct evidence_ask {
	const struct policy *p;
	const struct request *r;
	const struct policy_evidence *want;
	int64_t now;
};
/*
 * 0 or why not.  The facts are filled as far as they are known also when it
 * fails: a scan that is denied has a time.
 */
typedef int evidence_check(const struct evidence_ask *a, json_t *predicate,
    struct evidence_facts *f, struct diag *d);
evidence_check evidence_provenance, evidence_vulns, evidence_test_result,
    evidence_spdx, evidence_cyclonedx;

struct evidence_predicate {
	const char *uri;
	bool minor;		/* one or two digits follow */
	enum evidence_type type;
	evidence_check *check;
};
/* NULL if there is none such */
const struct evidence_predicate *evidence_predicate(const char *uri);
/* a URI of this family, whatever its version; -1 if it is of none */
int evidence_family(const char *uri);

/* fnmatch() with one of the globs; an absent list is no restriction */
bool evidence_glob(const struct policy_str_list *globs, const char *s);

/*
 * Severities by the CVSS v3.1 specification, section 5, and the words that
 * scanners use for them.
 */
enum evidence_severity {
	SEVERITY_UNKNOWN = -1,
	SEVERITY_NONE,
	SEVERITY_LOW,
	SEVERITY_MEDIUM,
	SEVERITY_HIGH,
	SEVERITY_CRITICAL,
};
enum evidence_severity evidence_severity_word(const char *s);
/* "7.5"; a score has at most two digits before and after the point */
enum evidence_severity evidence_severity_score(const char *s);
/* of a finding: denied by the list, fail closed */
bool evidence_severity_denied(json_t *severity,
    const struct policy_str_list *denied);

/* One document against one requirement. */
struct evidence_verdict {
	struct diag d;		/* code 0: it satisfies it */
	const struct policy_principal *by;
	struct evidence_facts facts;
};
struct evidence_file {
	const struct evidence_doc *doc;
	struct diag d;		/* code 0: signed by somebody, readable */
	struct evidence_signers by;
	int type;		/* enum evidence_type, -1: unknown */
	size_t *subjects;	/* that it names: indices of the request's */
	size_t nsubjects;
	struct evidence_verdict *verdicts;	/* one per requirement */
};
/* The lines of a verdict, and what they add up to. */
int evidence_report(const struct request *r, const struct policy_rule *rule,
    const struct evidence_file *f, size_t n, struct checks *c) CS_WUR;
/* out of memory and the like: not the document's fault */
static inline bool
evidence_fatal(int code)
{
	return code == CS_E_NOMEM || code == CS_E_CRYPTO ||
	    code == CS_E_INTERNAL;
}

#endif
