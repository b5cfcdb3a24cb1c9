/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Loading a large policy and deciding on one request, in milliseconds, as
 * JSON, one line for each size: a tenth of it, and the whole.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/lib/big_policy.h"
#include "tests/lib/rig_die.h"

#define ROUNDS 5

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
must(int r, const struct diag *d)
{
	if (r != 0)
		rig_die("%s: %s", err_id(r), d->found);
}

static void
once(const char *policy, size_t len, const char *request, size_t request_len)
{
	_cleanup_checks_ struct checks c = { 0 };
	_cleanup_dsse_ struct dsse *env = NULL;
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_request_ struct request *r = NULL;
	const struct policy_principal *who = NULL;
	const struct policy_rule *rule = NULL;
	struct diag d = { 0 };

	must(policy_load_genesis(policy, len, &p, &d), &d);
	must(dsse_parse(request, request_len, &env, &d), &d);
	must(request_parse(env->payload, env->payload_len, &r, &d), &d);
	must(evaluate_requester(p, env, r, DOC_NOW, &c, &who), &d);
	must(evaluate_request(p, r, who, DOC_NOW, &c, &rule), &d);
	must(evaluate_limits(p, r, rule, DOC_NOW, NULL, &c), &d);
	if (checks_failed(&c) != 0)
		rig_die("the request is refused");
}

static void
bench(const char *size, const struct big_policy *b)
{
	static const enum doc_key ci[] = { DK_CI };
	size_t len = 0, payload_len = 0, request_len = 0;
	_cleanup_free_ char *policy = big_policy_envelope(b, &len);
	_cleanup_free_ char *payload =
	    doc_request_payload("product-0", "key-0", "raw", &payload_len);
	_cleanup_free_ char *request =
	    doc_envelope(payload, payload_len, ci, 1, &request_len);
	double best = 1e9, t;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		t = now();
		once(policy, len, request, request_len);
		t = now() - t;
		best = t < best ? t : best;
	}
	(void)printf("{\"size\":\"%s\",\"bytes\":%zu,\"ms\":%.1f}\n", size, len,
	    best);
}

int
main(void)
{
	bench("1/10", &(struct big_policy){ 100, 50, 200 });
	bench("1/1", &(struct big_policy){ 1000, 500, 2000 });
	return 0;
}
