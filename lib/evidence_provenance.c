/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/evidence_impl.h"

/*
 * SLSA provenance v1 (slsa.dev/spec/v1.0/provenance).
 *
 * Where the source stands depends on the buildType.  externalParameters are
 * what a verifier is to check, so they count first; resolvedDependencies,
 * which need not be complete, only if these name no source at all:
 *
 *	externalParameters.workflow.{repository,ref}	GitHub workflow v1
 *	externalParameters.source, or source.uri	generic and container
 *						builders of SLSA, GitLab
 *	resolvedDependencies[0].uri
 *
 * A text that is there but malformed is not passed over for the next one.
 */
struct source {
	char repository[EVIDENCE_TEXT + 1];
	char ref[EVIDENCE_TEXT + 1];
};

/*
 * SPDX download location "git+https://host/path@refs/heads/main".  Split at
 * the first "@refs/": a branch may be named "x@refs/heads/main", and the last
 * one would let it pass for main.
 */
static void
split(const char *uri, struct source *s)
{
	static const char git[] = "git+";
	const char *at;

	if (strncmp(uri, git, strlen(git)) == 0)
		uri += strlen(git);
	at = strstr(uri, "@refs/");
	(void)snprintf(s->repository, sizeof(s->repository), "%.*s",
	    at == NULL ? (int)strlen(uri) : (int)(at - uri), uri);
	if (at != NULL)
		(void)snprintf(s->ref, sizeof(s->ref), "%s", at + 1);
}

static json_t *
source_uri(json_t *definition)
{
	json_t *v = evidence_get(definition, "externalParameters/source");

	if (json_is_object(v))
		return json_object_get(v, "uri");
	if (v != NULL)
		return v;
	v = json_object_get(definition, "resolvedDependencies");
	return json_object_get(json_array_get(v, 0), "uri");
}

static void
find_source(json_t *definition, struct source *s)
{
	const char *text, *ref;
	size_t n;
	json_t *v;

	v = evidence_get(definition, "externalParameters/workflow");
	if (v != NULL) {
		text = evidence_text(v, "repository");
		ref = evidence_text(v, "ref");
		split(text == NULL ? "" : text, s);
		(void)snprintf(s->ref, sizeof(s->ref), "%s",
		    ref == NULL ? "" : ref);
		return;
	}
	v = source_uri(definition);
	n = json_string_length(v);
	if (n > 0 && n <= EVIDENCE_TEXT)
		split(json_string_value(v), s);
}

static int
match(const struct policy_str_list *globs, const char *s, int code,
    const char *what, struct diag *d)
{
	/* what is not said matches no pattern, not even "*" */
	if (globs->n == 0 || (s[0] != '\0' && evidence_glob(globs, s)))
		return 0;
	return diag_fail(d, code, globs->v[0], "%s %.120s", what,
	    s[0] == '\0' ? "is not given" : s);
}

/* When it was finished, or else begun; both are optional. */
static int
read_time(json_t *predicate, struct evidence_facts *f, struct diag *d)
{
	int r;

	r = evidence_time(predicate, "runDetails/metadata/startedOn", f, d);
	return r != 0 ?
	    r :
	    evidence_time(predicate, "runDetails/metadata/finishedOn", f, d);
}

int
evidence_provenance(const struct evidence_ask *a, json_t *predicate,
    struct evidence_facts *f, struct diag *d)
{
	json_t *definition = json_object_get(predicate, "buildDefinition");
	const char *builder = evidence_text(predicate, "runDetails/builder/id");
	struct source s = { "", "" };
	int r;

	if (!json_is_object(definition) || builder == NULL ||
	    !json_is_object(evidence_get(definition, "externalParameters")))
		return diag_fail(d, CS_E_EVIDENCE_STATEMENT,
		    "buildDefinition.externalParameters and runDetails."
		    "builder.id",
		    "a provenance without");
	r = read_time(predicate, f, d);
	if (r != 0)
		return r;
	find_source(definition, &s);
	r = match(&a->want->builders, builder, CS_E_EVIDENCE_BUILDER, "builder",
	    d);
	if (r == 0)
		r = match(&a->want->sources, s.repository, CS_E_EVIDENCE_SOURCE,
		    "source", d);
	if (r == 0)
		r = match(&a->want->refs, s.ref, CS_E_EVIDENCE_REF, "ref", d);
	if (r != 0)
		return r;
	(void)snprintf(f->note, sizeof(f->note), "%.60s %.36s", s.repository,
	    s.ref);
	return 0;
}
