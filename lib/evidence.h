/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_EVIDENCE_H
#define CS_EVIDENCE_H

#include "lib/request.h"

/*
 * Evidence: other people's in-toto attestations in DSSE envelopes, as they
 * are (not canonical JSON, unknown fields are theirs).  Pure functions, used
 * alike by the core, the signer and the host tool.
 *
 *	SLSA provenance v1	https://slsa.dev/provenance/v1
 *	vulnerability scan	https://in-toto.io/attestation/vulns/v0.1, v0.2
 *	test result		https://in-toto.io/attestation/test-result/v0.1
 *	SBOM			https://spdx.dev/Document, /Document/v2.3;
 *				https://cyclonedx.org/bom, /bom/v1.x
 */
struct evidence_doc {
	const char *name;	/* for people; of the request */
	const uint8_t *data;	/* borrowed */
	size_t len;
};

/*
 * Every requirement of the rule against the documents that came: for each
 * requirement, every subject of the request must be named, by its SHA-256, in
 * an attestation of that type that is signed by a holder of one of its roles
 * (valid now), not older than max_age, and says what is wanted.  Every
 * requirement and every document that was looked at is a check, passed or
 * not; a document that no requirement uses is reported as unused and passes
 * only if it is well-formed DSSE.  0 when the evaluation ran.
 */
int evaluate_evidence(const struct policy *p, const struct request *r,
    const struct policy_rule *rule, const struct evidence_doc *docs, size_t n,
    int64_t now, struct checks *c) CS_WUR;

#endif
