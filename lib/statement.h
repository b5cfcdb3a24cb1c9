/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_STATEMENT_H
#define CS_STATEMENT_H

#include "lib/json.h"
#include "lib/sha.h"

/*
 * in-toto Statement v1 (in-toto/attestation spec/v1/statement.md), the form
 * of every document.  Ours must be canonical JSON (json_canonical of what was
 * parsed equals the bytes), so that one document has one digest.
 */
#define STATEMENT_TYPE		"https://in-toto.io/Statement/v1"
#define PRED_REQUEST		"urn:coldseal:request:v1"
#define PRED_CHANGE		"urn:coldseal:change:v1"
#define PRED_CHANGE_RECORD	"urn:coldseal:change-record:v1"
#define PRED_APPROVAL		"urn:coldseal:approval:v1"
#define PRED_POLICY		"urn:coldseal:policy:v1"
#define PRED_RECORD		"urn:coldseal:record:v1"
#define PRED_REFUSAL		"urn:coldseal:refusal:v1"
#define STATEMENT_MAX_SUBJECTS	10000u

struct subject {
	char *name;		/* for people: sanitised before display */
	uint64_t size;		/* annotations.size, bytes; 0 if absent */
	bool has[HASH_COUNT];
	uint8_t digest[HASH_COUNT][HASH_MAX_LEN];
	/*
	 * annotations.text, base64: the artifact itself, in requests only
	 * (request_parse); NULL if absent
	 */
	uint8_t *text;
	size_t text_len;
	/*
	 * annotations.tbs, hex: the digest that a format signs of it, where
	 * that is none of the above; in requests and records only; 0: absent
	 */
	size_t tbs_len;
	uint8_t tbs[HASH_MAX_LEN];
};
#define STATEMENT_TEXT_MAX	4096u

struct statement {
	json_t *root;		/* owns all */
	const char *predicate_type;
	json_t *predicate;	/* borrowed from root */
	struct subject *subjects;
	size_t nsubjects;
	uint8_t digest[32];	/* SHA-256 of the payload bytes */
};

void statement_free(struct statement **s);
static inline void
statement_freep(struct statement **s)
{
	statement_free(s);
}
#define _cleanup_statement_ _cleanup_(statement_freep)

/* want: the predicate type that must be there */
int statement_parse(const void *payload, size_t len, const char *want,
    struct statement **ret, struct diag *d) CS_WUR;
/*
 * The payload bytes of a new statement; takes (steals) predicate.
 * free(*ret)
 */
int statement_format(const struct subject *subjects, size_t n,
    const char *predicate_type, json_t *predicate, char **ret,
    size_t *ret_len) CS_WUR;
/* 1 if the statement has one subject of this name, with this SHA-256 alone */
int statement_is_about(const struct statement *s, const char *name,
    const uint8_t sha256[32]);
/* The payload of a statement about one such subject; steals predicate. */
int statement_format_about(const char *name, const uint8_t sha256[32],
    const char *predicate_type, json_t *predicate, char **ret,
    size_t *ret_len) CS_WUR;
/* HASH_BIT() of every digest that one of the subjects has */
uint32_t statement_hashes(const struct statement *s);
/* RFC 6962 root over the subjects' SHA-256 digests, in order */
int statement_subject_root(const struct subject *s, size_t n, uint8_t ret[32])
    CS_WUR;

#endif
