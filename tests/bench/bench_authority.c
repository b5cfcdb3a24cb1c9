/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who can sign, over 1,000 principals, 500 keys and 2,000 rules, in
 * milliseconds, as JSON, one line for each form; without loading the policy.
 */
#include <stdio.h>
#include <time.h>

#include "lib/authority.h"
#include "lib/json.h"
#include "tests/lib/big_policy.h"
#include "tests/lib/rig_die.h"

#define ROUNDS	 5
#define TEXT_MAX (256u << 20)

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int
as_json(const struct authority *a, struct buf *out)
{
	_cleanup_json_ json_t *j = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r = authority_json(a, &j);

	if (r == 0)
		r = json_canonical(j, &text, &len);
	return r != 0 ? r : buf_put(out, text, len);
}

static const struct {
	const char *name;
	int (*put)(const struct authority *a, struct buf *out);
} forms[] = {
	{ "text", authority_text },
	{ "json", as_json },
	{ "csv", authority_csv },
};

static double
once(const struct policy *p, size_t form, size_t *ret_len)
{
	const struct authority_opts o = { .at = DOC_NOW };
	_cleanup_authority_ struct authority *a = NULL;
	struct buf out = BUF_INIT(TEXT_MAX);
	double t = now();

	if (authority_of(p, &o, &a, NULL) != 0 || forms[form].put(a, &out) != 0)
		rig_die("who can sign");
	t = now() - t;
	*ret_len = out.len;
	buf_done(&out);
	return t;
}

int
main(void)
{
	const struct big_policy size = { 1000, 500, 2000 };
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_free_ char *payload = NULL;
	size_t len = 0, i, k;

	payload = big_policy_payload(&size, &len);
	if (policy_parse(payload, len, &p, NULL) != 0)
		rig_die("the large policy");
	for (i = 0; i < ARRAY_LEN(forms); i++) {
		double best = 1e9, t;

		for (k = 0; k < ROUNDS; k++) {
			t = once(p, i, &len);
			best = t < best ? t : best;
		}
		(void)printf("{\"form\":\"%s\",\"bytes\":%zu,\"ms\":%.1f}\n",
		    forms[i].name, len, best);
	}
	return 0;
}
