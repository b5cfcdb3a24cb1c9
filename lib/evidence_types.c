/* SPDX-License-Identifier: Apache-2.0 */
#include <fnmatch.h>
#include <string.h>

#include "lib/evidence_impl.h"

/*
 * What the URI of every version of a type begins with: it tells a document of
 * a version that we cannot read from one that is about something else.
 */
static const char *const families[] = {
	[EVIDENCE_PROVENANCE] = "https://slsa.dev/provenance/",
	[EVIDENCE_VULNS] = "https://in-toto.io/attestation/vulns",
	[EVIDENCE_TEST] = "https://in-toto.io/attestation/test-result",
	[EVIDENCE_SBOM] = "https://spdx.dev/Document",
};

static const struct evidence_predicate predicates[] = {
	{ "https://slsa.dev/provenance/v1", false, EVIDENCE_PROVENANCE,
	    evidence_provenance },
	{ "https://in-toto.io/attestation/vulns/v0.1", false, EVIDENCE_VULNS,
	    evidence_vulns },
	{ "https://in-toto.io/attestation/vulns/v0.2", false, EVIDENCE_VULNS,
	    evidence_vulns },
	{ "https://in-toto.io/attestation/test-result/v0.1", false,
	    EVIDENCE_TEST, evidence_test_result },
	{ "https://spdx.dev/Document", false, EVIDENCE_SBOM, evidence_spdx },
	{ "https://spdx.dev/Document/v2.3", false, EVIDENCE_SBOM,
	    evidence_spdx },
	{ "https://cyclonedx.org/bom", false, EVIDENCE_SBOM,
	    evidence_cyclonedx },
	{ "https://cyclonedx.org/bom/v1.", true, EVIDENCE_SBOM,
	    evidence_cyclonedx },
};

static bool
matches(const struct evidence_predicate *p, const char *uri)
{
	size_t n = strlen(p->uri), digits;

	if (!p->minor)
		return strcmp(p->uri, uri) == 0;
	if (strncmp(p->uri, uri, n) != 0)
		return false;
	digits = strspn(uri + n, "0123456789");
	return digits >= 1 && digits <= 2 && uri[n + digits] == '\0';
}

const struct evidence_predicate *
evidence_predicate(const char *uri)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(predicates); i++)
		if (matches(&predicates[i], uri))
			return &predicates[i];
	return NULL;
}

int
evidence_family(const char *uri)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(families); i++)
		if (strncmp(families[i], uri, strlen(families[i])) == 0)
			return (int)i;
	for (i = 0; i < ARRAY_LEN(predicates); i++)
		if (strncmp(predicates[i].uri, uri,
			strlen(predicates[i].uri)) == 0)
			return (int)predicates[i].type;
	return -1;
}

bool
evidence_glob(const struct policy_str_list *globs, const char *s)
{
	size_t i;

	for (i = 0; i < globs->n; i++)
		if (fnmatch(globs->v[i], s, 0) == 0)
			return true;
	return globs->n == 0; /* absent: the parser refuses an empty one */
}
