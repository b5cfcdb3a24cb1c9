/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TEST_ATTESTATION_H
#define CS_TEST_ATTESTATION_H

#include "lib/evidence.h"
#include "tests/lib/documents.h"

/*
 * Attestations as other tools write them, about the artifacts of
 * doc_request(): JSON texts in single quotes, where "@1" and "@2" stand for
 * the SHA-256 of the first and second artifact and "@0" for another.
 */
#define ATT_PROVENANCE "https://slsa.dev/provenance/v1"
#define ATT_VULNS      "https://in-toto.io/attestation/vulns/v0.2"
#define ATT_VULNS_01   "https://in-toto.io/attestation/vulns/v0.1"
#define ATT_TEST       "https://in-toto.io/attestation/test-result/v0.1"
#define ATT_SPDX       "https://spdx.dev/Document/v2.3"
#define ATT_CYCLONEDX  "https://cyclonedx.org/bom/v1.6"

/* subject of both artifacts, of one, of none of them */
#define ATT_BOTH                                   \
	"[{'name':'one','digest':{'sha256':'@1'}}," \
	"{'digest':{'sha256':'@2','blake2b':'00'}}]"
#define ATT_ONE	  "[{'name':'one','digest':{'sha256':'@1'}}]"
#define ATT_TWO	  "[{'name':'two','digest':{'sha256':'@2'}}]"
#define ATT_OTHER "[{'name':'one','digest':{'sha256':'@0'}}]"

/* What stands for quotes and digests, replaced; free() it. */
char *att_text(const char *template);
/* a statement from its parts, all of them templates; free() it */
char *att_statement(const char *predicate_type, const char *subject,
    const char *predicate);
/* An envelope with this payload type, signed by n keys; free() it. */
char *att_envelope(const char *payload, size_t len, const char *payload_type,
    const enum doc_key *k, size_t n, size_t *ret_len);

/* Documents, and a request that names exactly them. */
struct att_set {
	struct evidence_doc doc[8];
	char *text[8];
	size_t n;
};
void att_add(struct att_set *s, const char *predicate_type,
    const char *subject, const char *predicate, enum doc_key by);
/* takes text */
void att_add_text(struct att_set *s, char *text, size_t len);
void att_list(const struct att_set *s, struct request *r);
void att_done(struct att_set *s);
#define _cleanup_att_ _cleanup_(att_done)

#endif
