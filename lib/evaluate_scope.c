/* SPDX-License-Identifier: Apache-2.0 */
#include <fnmatch.h>
#include <string.h>

#include "lib/evaluate.h"

/* Whether the rule is for what the request says of itself. */
static bool
matches(const struct policy_str_list *globs, const char *value)
{
	size_t i;

	/* what is not said matches no pattern, not even "*" */
	if (value[0] == '\0')
		return false;
	for (i = 0; i < globs->n; i++)
		if (fnmatch(globs->v[i], value, 0) == 0)
			return true;
	return false;
}

int
evaluate_scope(const struct request *r, const struct policy_rule *rule,
    struct checks *c)
{
	const struct {
		const char *what;
		const struct policy_str_list *globs;
		const char *value;
		int code;
	} all[] = {
		{ "version", &rule->versions, r->version, CS_E_RULE_VERSION },
		{ "pipeline", &rule->pipelines, r->pipeline,
		    CS_E_RULE_PIPELINE },
		{ "branch", &rule->branches, r->branch, CS_E_RULE_BRANCH },
		{ "commit", &rule->commits, r->commit, CS_E_RULE_COMMIT },
	};
	size_t i;
	int e = 0;

	for (i = 0; e == 0 && i < ARRAY_LEN(all); i++) {
		const struct policy_str_list *g = all[i].globs;

		if (g->n == 0)
			continue;
		e = checks_add(c, all[i].code, matches(g, all[i].value),
		    g->n == 1 ? g->v[0] : "one of the patterns of the rule",
		    "the %s %.100s, asked of the rule %s", all[i].what,
		    all[i].value[0] == '\0' ? "is not given" : all[i].value,
		    rule->id);
	}
	return e;
}
