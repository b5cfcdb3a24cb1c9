/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TEST_DOCUMENTS_H
#define CS_TEST_DOCUMENTS_H

#include "lib/evaluate.h"

/*
 * A policy with real keys, and requests and approvals under it, for the
 * tests of documents.  Keys are made when first used and kept; any failure
 * ends the test program.
 */
enum doc_key {
	DK_CI,
	DK_DEV,
	DK_ALICE,
	DK_ALICE2,
	DK_BOB,
	DK_CAROL,
	DK_OLGA,
	DK_REL,
	DK_REL384,
	DK_CMS,
	DK_ED,
	DK_PSS,
	DK_STRANGER,
	DK_COUNT
};

#define DOC_NOW	      INT64_C(1795000000) /* 2026-11-18 */
#define DOC_APPLIANCE "coldseal.example/test"

EVP_PKEY *doc_pkey(enum doc_key k);
const struct pubkey *doc_pubkey(enum doc_key k);
/* SPKI in base64; compressed: the other encoding of an EC point */
char *doc_spki_b64(enum doc_key k, bool compressed);
/* A self-signed certificate of the key, DER; free(*ret) */
void doc_cert(enum doc_key k, int64_t from, int64_t until, uint8_t **ret,
    size_t *ret_len);

/* Over a message as documents are signed; free() what is returned. */
uint8_t *doc_sign(enum doc_key k, const void *msg, size_t len, size_t *ret_len);
/* Over a digest as artifacts are signed. */
uint8_t *doc_sign_digest(enum doc_key k, enum key_alg a, const uint8_t *digest,
    size_t len, size_t *ret_len);
/* A DSSE envelope signed by n keys. */
char *doc_envelope(const char *payload, size_t len, const enum doc_key *k,
    size_t n, size_t *ret_len);

/*
 * One change to a document: the value at a JSON pointer becomes the JSON text
 * value, or is removed if that is NULL.  "-" appends to a list.  A string
 * "@K<n>" stands for a key's SPKI, "@Z<n>" for its compressed form, "@C<n>"
 * for its certificate, "@T<n>" for that with a byte after it.
 */
struct doc_change {
	const char *pointer;
	const char *value;
};
void doc_change(json_t *root, const struct doc_change *c);

json_t *doc_policy_predicate(void);
/* the payload of a policy statement; steals predicate */
char *doc_policy_payload(json_t *predicate, size_t *ret_len);
/* the policy itself, with up to n changes to its predicate */
struct policy *doc_policy(const struct doc_change *c, size_t n);
/*
 * The envelope of the version that follows old, with more changes to it,
 * signed by nby keys; free().
 */
char *doc_next_policy(const struct policy *old, const struct doc_change *c,
    size_t n, const enum doc_key *by, size_t nby, size_t *ret_len);

/* A payload with one change, canonical again. */
char *doc_changed(const char *payload, size_t len, const struct doc_change *c,
    size_t n, size_t *ret_len);
/*
 * The same with changes to the predicate alone; the one subject, name, gets
 * the digest of what came of it.
 */
char *doc_predicate_changed(const char *payload, size_t len, const char *name,
    const struct doc_change *c, size_t n, size_t *ret_len);

/* A request for two artifacts "one" and "two" with all digests. */
char *doc_request_payload(const char *product, const char *key,
    const char *format, size_t *ret_len);
struct request *doc_request(const char *product, const char *key,
    const char *format);
void doc_artifacts(struct artifact a[2]);

#endif
