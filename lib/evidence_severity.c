/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "lib/evidence_impl.h"

/*
 * How bad a finding is.  The vulns predicate leaves methods and scores open,
 * so what is not understood counts as "unknown", and unknown is denied where
 * any severity is: nothing passes because a scanner wrote it another way.
 */
static const struct {
	const char *word;
	enum evidence_severity is;
} words[] = {
	{ "none", SEVERITY_NONE },
	{ "negligible", SEVERITY_LOW },
	{ "low", SEVERITY_LOW },
	{ "medium", SEVERITY_MEDIUM },
	{ "moderate", SEVERITY_MEDIUM },
	{ "high", SEVERITY_HIGH },
	{ "important", SEVERITY_HIGH },
	{ "critical", SEVERITY_CRITICAL },
};

/* CVSS v3.1 section 5, table 14, in hundredths: below which score */
static const struct {
	unsigned below;
	enum evidence_severity is;
} scale[] = {
	{ 1, SEVERITY_NONE },
	{ 400, SEVERITY_LOW },
	{ 700, SEVERITY_MEDIUM },
	{ 900, SEVERITY_HIGH },
	{ 1001, SEVERITY_CRITICAL },
};

enum evidence_severity
evidence_severity_word(const char *s)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(words[i].word, s) == 0)
			return words[i].is;
	return SEVERITY_UNKNOWN;
}

static enum evidence_severity
on_scale(unsigned hundredths)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(scale); i++)
		if (hundredths < scale[i].below)
			return scale[i].is;
	return SEVERITY_UNKNOWN;
}

enum evidence_severity
evidence_severity_score(const char *s)
{
	static const char digits[] = "0123456789";
	size_t whole = strspn(s, digits), part = 0, i;
	unsigned v = 0, frac = 0;

	if (whole == 0 || whole > 2)
		return SEVERITY_UNKNOWN;
	for (i = 0; i < whole; i++)
		v = v * 10 + (unsigned)(s[i] - '0');
	s += whole;
	if (*s == '.') {
		part = strspn(s + 1, digits);
		if (part == 0 || part > 2)
			return SEVERITY_UNKNOWN;
		frac = (unsigned)(s[1] - '0') * 10;
		if (part == 2)
			frac += (unsigned)(s[2] - '0');
		s += 1 + part;
	}
	return *s == '\0' ? on_scale(v * 100 + frac) : SEVERITY_UNKNOWN;
}

/* A number is only a CVSS score if its method says so: EPSS is not. */
static bool
is_cvss(json_t *method)
{
	const char *s = json_string_value(method);

	return method == NULL ||
	    (s != NULL &&
		(strncasecmp(s, "cvss", 4) == 0 ||
		    strncasecmp(s, "nvd", 3) == 0));
}

static enum evidence_severity
entry_severity(json_t *entry)
{
	json_t *score =
	    json_is_object(entry) ? json_object_get(entry, "score") : entry;
	const char *s = json_string_value(score);
	enum evidence_severity is;
	double v;

	if (s != NULL) {
		is = evidence_severity_word(s);
		if (is != SEVERITY_UNKNOWN)
			return is;
	}
	if (!is_cvss(json_object_get(entry, "method")))
		return SEVERITY_UNKNOWN;
	if (s != NULL)
		return evidence_severity_score(s);
	v = json_number_value(score);
	if (!json_is_number(score) || v < 0 || v > 10)
		return SEVERITY_UNKNOWN;
	/* upwards, so that a tiny score is not none */
	return on_scale((unsigned)(v * 100 + 0.999999));
}

/* The least of the denied severities; above all if none is on the scale. */
static int
denied_from(const struct policy_str_list *denied)
{
	int least = SEVERITY_CRITICAL + 1, is;
	size_t i;

	for (i = 0; i < denied->n; i++) {
		is = evidence_severity_word(denied->v[i]);
		if (is != SEVERITY_UNKNOWN && is < least)
			least = is;
	}
	return least;
}

/*
 * Denied if its worst entry is as bad as the least denied severity, or worse;
 * if it has no entry that is understood; or if one is not and the policy
 * denies "unknown".
 */
bool
evidence_severity_denied(json_t *severity, const struct policy_str_list *denied)
{
	size_t i, n = json_is_array(severity) ? json_array_size(severity) : 1;
	bool unknown = policy_list_has(denied, "unknown");
	int from = denied_from(denied), worst = SEVERITY_UNKNOWN, is;
	json_t *entry;

	if (denied->n == 0)
		return false;
	for (i = 0; i < n; i++) {
		entry = json_is_array(severity) ? json_array_get(severity, i) :
						  severity;
		is = entry_severity(entry);
		if (is == SEVERITY_UNKNOWN && unknown)
			return true;
		if (is > worst)
			worst = is;
	}
	return worst == SEVERITY_UNKNOWN || worst >= from;
}
