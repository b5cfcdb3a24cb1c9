/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "tests/lib/big_policy.h"

static int
parse(const struct big_policy *b, struct policy **ret, double *ret_seconds)
{
	struct timespec from, until;
	size_t len = 0;
	_cleanup_free_ char *text = big_policy_payload(b, &len);
	int r;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	r = policy_parse(text, len, ret, NULL);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &until);
	*ret_seconds = (double)(until.tv_sec - from.tv_sec) +
	    (double)(until.tv_nsec - from.tv_nsec) / 1e9;
	return r;
}

/* make bench says how fast it is; here, that nothing is quadratic. */
static void
test_big(void **state)
{
	static const struct big_policy b = { 1000, 500, 2000 };
	_cleanup_policy_ struct policy *p = NULL;
	double took;
	size_t i;

	(void)state;
	assert_int_equal(parse(&b, &p, &took), 0);
	assert_int_equal(p->nprincipals, b.principals);
	assert_int_equal(p->nkeys, b.keys);
	assert_int_equal(p->nrules, b.rules);
	for (i = 0; i < p->nprincipals; i++)
		assert_ptr_equal(policy_principal_by_id(p, p->principals[i].id),
		    &p->principals[i]);
	for (i = 0; i < p->nkeys; i++)
		assert_ptr_equal(policy_key_by_id(p, p->keys[i].id),
		    &p->keys[i]);
	for (i = 0; i < p->nrules; i++)
		assert_ptr_equal(policy_rule_by_id(p, p->rules[i].id),
		    &p->rules[i]);
	print_message("read in %.3f s\n", took);
	assert_true(took < 2); /* under the sanitizers, too */
}

static void
test_too_many(void **state)
{
	static const struct big_policy b[] = { { 4097, 4, 4 }, { 60, 4097, 4 },
		{ 60, 4, 4097 } };
	_cleanup_policy_ struct policy *p = NULL;
	double took;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(b); i++)
		assert_int_equal(parse(&b[i], &p, &took), CS_E_TOO_LARGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_big),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
