/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <libgfshare.h>
#include <openssl/rand.h>
#include <string.h>

#include "tests/lib/share_rig.h"

/*
 * Splitting when what it stands on fails: this program's own functions come
 * before those of the two libraries, and call them.
 */

static struct {
	int countdown; /* draws until one fails; 0: none does */
	int sizes[8];  /* what was asked for, in order */
	size_t n;
} draws;

static int victim = -1; /* the share that comes out wrong */

int
RAND_priv_bytes(unsigned char *p, int n)
{
	if (draws.n < ARRAY_LEN(draws.sizes))
		draws.sizes[draws.n++] = n;
	if (draws.countdown > 0 && --draws.countdown == 0)
		return 0;
	return RAND_priv_bytes_ex(NULL, p, (size_t)n, 0);
}

void
gfshare_ctx_enc_getshare(gfshare_ctx *c, unsigned char nr, unsigned char *out)
{
	void (*real)(gfshare_ctx *, unsigned char, unsigned char *);

	*(void **)&real = dlsym(RTLD_NEXT, "gfshare_ctx_enc_getshare");
	assert_non_null(real);
	real(c, nr, out);
	if (nr == victim)
		out[0] ^= 1;
}

static int
split(size_t m, size_t n, struct diag *d)
{
	struct secret *secret = shares_secret(24);
	struct recover_shares *s = NULL;
	int r = shares_split(m, n, secret, &s, d);

	assert_true((s == NULL) == (r != 0));
	recover_shares_free(&s);
	secret_free(&secret);
	return r;
}

/* One share that does not fit the others is seen, whichever it is. */
static void
test_proof(void **state)
{
	struct diag d;
	size_t m, n;

	(void)state;
	for (n = 2; n <= 7; n++)
		for (m = 2; m <= n; m++)
			for (victim = 0; victim < (int)n; victim++) {
				memset(&d, 0, sizeof(d));
				assert_code(split(m, n, &d),
				    CS_E_RECOVER_PROOF);
				assert_code(d.code, CS_E_RECOVER_PROOF);
				assert_non_null(
				    strstr(d.found, "RECOVER-CHECK"));
			}
	victim = -1;
	assert_code(split(2, 3, &d), 0);
}

/* The salt, then M - 1 coefficients for each byte, all from OpenSSL */
static void
test_draws(void **state)
{
	struct diag d = { 0 };

	(void)state;
	memset(&draws, 0, sizeof(draws));
	assert_code(split(4, 5, &d), 0);
	assert_true(draws.n >= 2);
	assert_int_equal(draws.sizes[0], SHARE_SALT_LEN);
	assert_int_equal(draws.sizes[1], 3 * (24 + SHARE_SALT_LEN));
	memset(&draws, 0, sizeof(draws));
	draws.countdown = 1;
	assert_code(split(4, 5, &d), CS_E_CRYPTO);
	memset(&draws, 0, sizeof(draws));
	draws.countdown = 2;
	assert_code(split(4, 5, &d), CS_E_CRYPTO);
	assert_int_equal(draws.countdown, 0);
	/* it is not remembered for ever */
	assert_code(split(4, 5, &d), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proof),
		cmocka_unit_test(test_draws),
	};

	return cmocka_run_group_tests(tests, shares_setup, shares_teardown);
}
