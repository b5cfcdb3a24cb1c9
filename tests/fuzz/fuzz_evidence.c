/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/evidence_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 8032 7.1 test 1's public key: a fixed, public one */
static const char pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    "-----END PUBLIC KEY-----\n";

#define NOW INT64_C(1795000000)
#define LIST(v)                 \
	{                       \
		v, ARRAY_LEN(v) \
	}
static const char *role[] = { "scanner" };
static const char *globs[] = { "https://*", "pkg:*" };
static const char *denied[] = { "high", "critical" };
static const char *product[] = { "router" };

static struct policy_evidence wants[EVIDENCE_COUNT] = {
	{ .type = EVIDENCE_PROVENANCE,
	    .signers = LIST(role),
	    .max_age = 86400,
	    .builders = LIST(globs),
	    .sources = LIST(globs) },
	{ .type = EVIDENCE_VULNS,
	    .signers = LIST(role),
	    .scanners = LIST(globs),
	    .denied = LIST(denied) },
	{ .type = EVIDENCE_TEST, .signers = LIST(role) },
	{ .type = EVIDENCE_SBOM, .signers = LIST(role) },
};
static struct policy_waiver waiver = { "CVE-1", LIST(product), "r", NOW };

static struct pubkey *key;
static struct policy_principal person = { .id = "p",
	.kind = "system",
	.roles = LIST(role),
	.keys = &key,
	.nkeys = 1,
	.valid_until = NOW + 1 };
static struct policy policy = { .principals = &person,
	.nprincipals = 1,
	.waivers = &waiver,
	.nwaivers = 1 };
static char name[] = "one";
static struct subject subject = { .name = name,
	.has = { [HASH_SHA256] = true } };
static struct statement statement = { .subjects = &subject, .nsubjects = 1 };
static struct policy_rule rule = { .id = "r",
	.evidence = wants,
	.nevidence = EVIDENCE_COUNT };

/* As a payload, whoever signed it: what it says is read to the end. */
static void
read_payload(const uint8_t *data, size_t size, const struct request *r)
{
	_cleanup_evidence_statement_ struct evidence_statement s = { 0 };
	const struct evidence_predicate *kind;
	struct evidence_facts f = { 0 };
	struct evidence_ask a = { &policy, r, NULL, NOW };
	struct diag d = { 0 };

	if (evidence_statement(data, size, &s, &d) != 0) {
		if (d.code != CS_E_EVIDENCE_STATEMENT)
			abort();
		return;
	}
	kind = evidence_predicate(s.predicate_type);
	if (kind == NULL)
		return;
	if (evidence_family(s.predicate_type) != (int)kind->type)
		abort();
	a.want = &wants[kind->type];
	if (kind->check(&a, s.predicate, &f, &d) != 0 && d.code == 0)
		abort();
	if (strlen(f.note) >= EVIDENCE_NOTE)
		abort();
}

/* As a document: nobody signed it, so nothing passes. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evidence_doc doc = { "doc", data, size };
	struct request_evidence listed = { "doc", { 0 }, size };
	struct request r = { .st = &statement,
		.product = "router",
		.evidence = &listed,
		.nevidence = 1 };
	_cleanup_checks_ struct checks c = { 0 };
	size_t i, missing = 0;

	if (key == NULL && pubkey_from_pem(pem, strlen(pem), &key, NULL) != 0)
		abort();
	if (sha256(data, size, listed.sha256) != 0)
		abort();
	read_payload(data, size, &r);
	if (evaluate_evidence(&policy, &r, &rule, &doc, 1, NOW, &c) != 0)
		abort();
	for (i = 0; i < c.n; i++)
		missing += !c.v[i].pass && c.v[i].code == CS_E_EVIDENCE_MISSING;
	if (missing != EVIDENCE_COUNT || checks_failed(&c) != missing + 1)
		abort();
	return 0;
}
