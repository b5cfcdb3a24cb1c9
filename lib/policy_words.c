/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy_words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/hex.h"
#include "lib/json.h"

void
words_putf(struct words *w, const char *fmt, ...)
{
	_cleanup_free_ char *s = NULL;
	va_list ap;
	int n;

	if (w->r != 0)
		return;
	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0) {
		s = NULL; /* undefined after a failure */
		w->r = CS_E_NOMEM;
		return;
	}
	w->r = buf_put(&w->b, s, (size_t)n);
}

void
words_join(struct words *w, const char *const *v, size_t n, const char *last,
    const char *none)
{
	size_t i;

	if (n == 0)
		words_putf(w, "%s", none);
	for (i = 0; i < n; i++) {
		words_putf(w, "%s", v[i]);
		if (i + 2 < n)
			words_putf(w, ", ");
		else if (i + 2 == n)
			words_putf(w, " %s ", last);
	}
}

void
words_list(struct words *w, const struct policy_str_list *l, const char *last,
    const char *none)
{
	words_join(w, l->v, l->n, last, none);
}

void
words_time(struct words *w, int64_t t)
{
	char text[21];

	time_format(t, text);
	words_putf(w, "%s", text);
}

void
words_duration(struct words *w, uint64_t seconds)
{
	static const struct {
		uint64_t s;
		const char *name;
	} units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" },
		{ 1, "second" } };
	size_t i;

	for (i = 0; seconds < units[i].s || seconds % units[i].s != 0; i++)
		if (i + 1 == ARRAY_LEN(units))
			break;
	seconds /= units[i].s;
	words_putf(w, "%" PRIu64 " %s%s", seconds, units[i].name,
	    seconds == 1 ? "" : "s");
}

static const char *const evidence_words[EVIDENCE_COUNT] = {
	[EVIDENCE_PROVENANCE] = "build provenance",
	[EVIDENCE_VULNS] = "a vulnerability scan",
	[EVIDENCE_TEST] = "a test result that is PASSED",
	[EVIDENCE_SBOM] = "an SBOM",
};

static void
put_wanted(struct words *w, const char *what, const struct policy_str_list *l)
{
	if (l->n == 0)
		return;
	words_putf(w, ", %s ", what);
	words_list(w, l, "or", "");
}

void
words_evidence(struct words *w, const struct policy_evidence *e)
{
	words_putf(w, "%s signed by a holder of the role ",
	    evidence_words[e->type]);
	words_list(w, &e->signers, "or", "of nobody");
	if (e->max_age != 0) {
		words_putf(w, ", at most ");
		words_duration(w, e->max_age);
		words_putf(w, " old");
	}
	put_wanted(w, "by the builder", &e->builders);
	put_wanted(w, "from the source", &e->sources);
	put_wanted(w, "at the ref", &e->refs);
	put_wanted(w, "by the scanner", &e->scanners);
	put_wanted(w, "without findings of severity", &e->denied);
}

void
words_window(struct words *w, const struct policy_window *v)
{
	words_putf(w, "from ");
	words_time(w, v->from);
	words_putf(w, " until ");
	words_time(w, v->until);
	if (v->max_signatures != 0)
		words_putf(w, " for at most %" PRIu64 " signature%s",
		    v->max_signatures, v->max_signatures == 1 ? "" : "s");
}

void
words_waiver(struct words *w, const struct policy_waiver *v)
{
	words_putf(w, "%s is accepted in ", v->vulnerability);
	words_list(w, &v->products, "and", "nothing");
	words_putf(w, " until ");
	words_time(w, v->until);
	words_putf(w, ", because: %s", v->reason == NULL ? "" : v->reason);
}

void
words_rule(struct words *w, const struct policy_rule *u)
{
	if (strcmp(u->id, POLICY_RULE_ADMIN) == 0)
		words_putf(w, "a change of the policy");
	else if (strcmp(u->id, POLICY_RULE_BREAK_GLASS) == 0)
		words_putf(w, "%s", u->id);
	else
		words_putf(w, "%s (rule %s)", u->product, u->id);
}

int
words_take(const struct words *w, char **ret)
{
	/* a byte becomes at most \xNN */
	size_t size = 4 * w->b.len + 1;
	char *out;

	if (w->r != 0)
		return w->r;
	out = malloc(size);
	if (out == NULL)
		return CS_E_NOMEM;
	text_sanitise(w->b.len == 0 ? "" : (const char *)w->b.p, w->b.len, out,
	    size);
	*ret = out;
	return 0;
}
