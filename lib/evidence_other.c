/* SPDX-License-Identifier: Apache-2.0 */
/* The predicates of which little is asked: test results and SBOMs. */
#include <stdio.h>
#include <string.h>

#include "lib/evidence_impl.h"

/* in-toto test-result v0.1: PASSED, WARNED or FAILED; it has no time */
int
evidence_test_result(const struct evidence_ask *a, json_t *predicate,
    struct evidence_facts *f, struct diag *d)
{
	const char *result = evidence_text(predicate, "result");
	json_t *failed = json_object_get(predicate, "failedTests");

	(void)a;
	(void)f;
	if (result == NULL)
		return diag_fail(d, CS_E_EVIDENCE_STATEMENT, "a result",
		    "a test result without");
	if (strcmp(result, "PASSED") != 0)
		return diag_fail(d, CS_E_EVIDENCE_RESULT, "PASSED", "%.60s",
		    result);
	/* a document that says both is not believed */
	if (failed != NULL &&
	    (!json_is_array(failed) || json_array_size(failed) != 0))
		return diag_fail(d, CS_E_EVIDENCE_RESULT, "no failed test",
		    "PASSED, with failed tests");
	return 0;
}

static bool
has_entries(json_t *predicate, const char *name)
{
	return json_array_size(json_object_get(predicate, name)) > 0;
}

/* SPDX 2.x, clauses 6 to 8: packages or files are what it is about */
int
evidence_spdx(const struct evidence_ask *a, json_t *predicate,
    struct evidence_facts *f, struct diag *d)
{
	const char *version = evidence_text(predicate, "spdxVersion");

	(void)a;
	if (version == NULL || strncmp(version, "SPDX-2.", 7) != 0)
		return diag_fail(d, CS_E_EVIDENCE_SBOM, "spdxVersion SPDX-2.x",
		    "%.40s", version == NULL ? "none" : version);
	if (!has_entries(predicate, "packages") &&
	    !has_entries(predicate, "files"))
		return diag_fail(d, CS_E_EVIDENCE_SBOM, "packages or files",
		    "neither");
	(void)snprintf(f->note, sizeof(f->note), "%.40s", version);
	return evidence_time(predicate, "creationInfo/created", f, d);
}

/* CycloneDX 1.x: components, or the one that it describes */
int
evidence_cyclonedx(const struct evidence_ask *a, json_t *predicate,
    struct evidence_facts *f, struct diag *d)
{
	const char *format = evidence_text(predicate, "bomFormat");
	const char *version = evidence_text(predicate, "specVersion");

	(void)a;
	if (format == NULL || strcmp(format, "CycloneDX") != 0)
		return diag_fail(d, CS_E_EVIDENCE_SBOM, "bomFormat CycloneDX",
		    "%.40s", format == NULL ? "none" : format);
	if (!has_entries(predicate, "components") &&
	    json_object_size(evidence_get(predicate, "metadata/component")) ==
		0)
		return diag_fail(d, CS_E_EVIDENCE_SBOM, "components", "none");
	(void)snprintf(f->note, sizeof(f->note), "CycloneDX %.40s",
	    version == NULL ? "" : version);
	return evidence_time(predicate, "metadata/timestamp", f, d);
}
