/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/policy_impl.h"

/* Reads what a rule asks of evidence, and the patterns of rules. */
static const char *const types[EVIDENCE_COUNT] = {
	[EVIDENCE_PROVENANCE] = "slsa-provenance",
	[EVIDENCE_VULNS] = "vulns",
	[EVIDENCE_TEST] = "test-result",
	[EVIDENCE_SBOM] = "sbom",
};

int
evidence_type_from_name(const char *s)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(types[i], s) == 0)
			return (int)i;
	return -1;
}

const char *
evidence_type_name(enum evidence_type t)
{
	return (size_t)t < ARRAY_LEN(types) ? types[t] : "unknown";
}

static int
parse_type(const char *name, const char *path, enum evidence_type *ret,
    struct diag *d)
{
	int t = evidence_type_from_name(name);

	if (t < 0)
		return diag_fail(d, CS_E_POLICY_EVIDENCE,
		    "slsa-provenance, vulns, test-result or sbom",
		    "%.60s at %s", name, path);
	*ret = (enum evidence_type)t;
	return 0;
}

/*
 * The ']' that closes what s begins behind, or NULL.  Characters, ranges and
 * escapes only: a class such as [:alpha:] would need a '[' of its own.
 */
static const char *
bracket_end(const char *s)
{
	if (*s == '!' || *s == '^')
		s++;
	do {
		if (*s == '[' || (*s == '\\' && *++s == '\0') || *s == '\0')
			return NULL;
		s++;
	} while (*s != ']');
	return s;
}

/* fnmatch() takes what is malformed as ordinary characters: not we. */
static bool
glob_ok(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\\') {
			if (*++s == '\0')
				return false;
		} else if (*s == '[') {
			s = bracket_end(s + 1);
			if (s == NULL)
				return false;
		}
	}
	return true;
}

int
policy_parse_globs(const json_t *list, const char *parent, const char *name,
    struct policy_str_list *l, struct diag *d)
{
	size_t i;
	int r;

	r = policy_parse_list(list, parent, name, l, d);
	for (i = 0; r == 0 && i < l->n; i++)
		if (!glob_ok(l->v[i]))
			r = diag_fail(d, CS_E_POLICY_PATTERN,
			    "every [ closed, no \\ at the end",
			    "%.100s at %.60s/%s", l->v[i], parent, name);
	return r;
}

static int
parse_denied(const json_t *list, const char *path, struct policy_evidence *e,
    struct diag *d)
{
	static const char *const severities[] = { "low", "medium", "high",
		"critical", "unknown" };
	const struct policy_str_list known = { (const char **)severities,
		ARRAY_LEN(severities) };
	size_t i;
	int r;

	r = policy_parse_list(list, path, "denied", &e->denied, d);
	for (i = 0; r == 0 && i < e->denied.n; i++)
		if (!policy_list_has(&known, e->denied.v[i]))
			r = diag_fail(d, CS_E_POLICY_EVIDENCE,
			    "low, medium, high, critical or unknown",
			    "%.60s at %s/denied", e->denied.v[i], path);
	return r;
}

static int
check_age(bool present, uint64_t days, const char *path, struct diag *d)
{
	if (present && (days == 0 || days > POLICY_AGE_DAYS_MAX))
		return diag_fail(d, CS_E_POLICY_EVIDENCE, "1 to 3650",
		    "%llu at %s/max_age_days", (unsigned long long)days, path);
	return 0;
}

/* The lists of an entry and the one type that may have them. */
struct evidence_list {
	const char *name;
	enum evidence_type type;
	json_t *list; /* NULL: absent */
	struct policy_str_list *to;
};

static int
parse_lists(const struct evidence_list *v, size_t n, const char *path,
    struct policy_evidence *e, struct diag *d)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < n; i++) {
		if (v[i].list == NULL)
			continue;
		if (v[i].type != e->type)
			return diag_fail(d, CS_E_POLICY_EVIDENCE,
			    types[v[i].type], "%s with %s at %s", v[i].name,
			    types[e->type], path);
		r = v[i].to == &e->denied ?
		    parse_denied(v[i].list, path, e, d) :
		    policy_parse_globs(v[i].list, path, v[i].name, v[i].to, d);
	}
	if (r == 0 && e->type == EVIDENCE_VULNS && e->denied.n == 0)
		return diag_fail(d, CS_E_POLICY_EVIDENCE,
		    "the severities that are denied, with vulns",
		    "none at %s/denied", path);
	return r;
}

int
policy_parse_evidence(json_t *j, const char *path, void *out, struct diag *d)
{
	struct policy_evidence *e = out;
	struct evidence_list v[] = {
		{ "builders", EVIDENCE_PROVENANCE, NULL, &e->builders },
		{ "sources", EVIDENCE_PROVENANCE, NULL, &e->sources },
		{ "refs", EVIDENCE_PROVENANCE, NULL, &e->refs },
		{ "scanners", EVIDENCE_VULNS, NULL, &e->scanners },
		{ "denied", EVIDENCE_VULNS, NULL, &e->denied },
	};
	json_t *signers = NULL;
	const char *type = NULL;
	uint64_t days = 0;
	bool aged = false;
	const struct json_field f[] = {
		{ "builders", JK_ARR, false, &v[0].list, NULL },
		{ "denied", JK_ARR, false, &v[4].list, NULL },
		{ "max_age_days", JK_U64, false, &days, &aged },
		{ "refs", JK_ARR, false, &v[2].list, NULL },
		{ "scanners", JK_ARR, false, &v[3].list, NULL },
		{ "signers", JK_ARR, true, &signers, NULL },
		{ "sources", JK_ARR, false, &v[1].list, NULL },
		{ "type", JK_LABEL, true, &type, NULL },
	};
	int r;

	r = json_fields(j, path, f, ARRAY_LEN(f), d);
	if (r == 0)
		r = parse_type(type, path, &e->type, d);
	if (r == 0)
		r = check_age(aged, days, path, d);
	if (r == 0)
		r = policy_parse_list(signers, path, "signers", &e->signers, d);
	e->max_age = days * POLICY_DAY;
	return r != 0 ? r : parse_lists(v, ARRAY_LEN(v), path, e, d);
}
