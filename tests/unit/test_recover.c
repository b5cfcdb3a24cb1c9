/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/x509v3.h>
#include <string.h>

#include "lib/sha.h"
#include "tests/lib/share_rig.h"

/* Splitting and joining; the files themselves are in test_share.c. */

static void
check_mask(const struct made *x, unsigned mask)
{
	struct secret *back = NULL;
	struct diag d = { 0 };
	const unsigned n = (unsigned)__builtin_popcount(mask);
	int r = shares_join(x, mask, &back, &d);

	if (n < x->m.head.threshold) {
		assert_code(r, CS_E_RECOVER_FEW);
		assert_code(d.code, CS_E_RECOVER_FEW);
		assert_null(back);
		return;
	}
	assert_code(r, 0);
	assert_int_equal(secret_equal(back, x->secret), 1);
	secret_free(&back);
}

/* Every M-of-N up to 6, every subset of its shares. */
static void
test_all(void **state)
{
	size_t m, n;
	unsigned mask;
	struct made x;

	(void)state;
	for (n = 2; n <= 6; n++)
		for (m = 2; m <= n; m++) {
			shares_make(&x, m, n, 24);
			for (mask = 0; mask < 1u << n; mask++)
				check_mask(&x, mask);
			shares_done(&x);
		}
}

static void
test_random(void **state)
{
	unsigned mask;
	size_t i, m, n, len;
	struct made x;

	(void)state;
	for (i = 0; i < 200; i++) {
		n = 2 + shares_draw(SHARE_MAX - 1);
		m = 2 + shares_draw(n - 1);
		len = i < 2 ? 1 + i * (SHARE_SECRET_MAX - 1) :
			      1 + shares_draw(SHARE_SECRET_MAX);
		shares_make(&x, m, n, len);
		for (mask = 0; (size_t)__builtin_popcount(mask) < m;)
			mask |= 1u << shares_draw(n);
		check_mask(&x, mask);
		check_mask(&x, mask & (mask - 1)); /* one is missing */
		shares_done(&x);
	}
}

/* All kinds of custodian in one set; what the list says of each */
static void
test_kinds(void **state)
{
	const struct recover_cert c[] = { shares_crt[0], shares_crt[P384],
		shares_crt[RSA3072] };
	EVP_PKEY *k[] = { shares_key[0], shares_key[P384],
		shares_key[RSA3072] };
	const struct recover_wish w = { DOMAIN, ORIGIN, 2, c, 3 };
	struct made x = { .secret = shares_secret(SHARE_SECRET_MAX) };
	struct diag d = { 0 };
	uint8_t digest[32];
	size_t i;

	(void)state;
	assert_code(recover_split(&w, x.secret, &x.s, &d), 0);
	shares_open(&x, c, k);
	check_mask(&x, 3);
	check_mask(&x, 6);
	for (i = 0; i < 3; i++) {
		assert_int_equal(x.m.entry[i].size, x.s->file[i].len);
		assert_code(sha256(x.s->file[i].p, x.s->file[i].len, digest),
		    0);
		assert_memory_equal(x.m.entry[i].file, digest, 32);
		assert_int_equal(share_manifest_find(&x.m, digest), i + 1);
		assert_code(sha256(c[i].der, c[i].len, digest), 0);
		assert_memory_equal(x.m.entry[i].cert, digest, 32);
		assert_int_equal(share_manifest_find(&x.m, digest), 0);
	}
	shares_done(&x);
}

static int
contains(const void *hay, size_t hay_len, struct secret *s)
{
	return memmem(hay, hay_len, secret_data(s), secret_len(s)) != NULL;
}

/* Nothing that leaves shows the secret, and nothing is made twice alike. */
static void
test_hidden(void **state)
{
	struct made x, y = { 0 };
	struct share a, b;
	struct diag d;
	size_t i, k, same;

	(void)state;
	shares_make(&x, 2, 5, 24);
	y.secret = shares_copy(x.secret, 24);
	assert_code(shares_split(2, 5, y.secret, &y.s, &d), 0);
	shares_open(&y, shares_crt, shares_key);
	assert_memory_not_equal(x.m.head.set, y.m.head.set, SHARE_SET_LEN);
	assert_memory_not_equal(x.m.head.check, y.m.head.check, 32);
	for (i = 0; i < 5; i++) {
		assert_false(
		    contains(x.s->file[i].p, x.s->file[i].len, x.secret));
		assert_false(contains(secret_data(x.record[i]),
		    secret_len(x.record[i]), x.secret));
		assert_code(share_decode(x.record[i], &a, &d), 0);
		assert_code(share_decode(y.record[i], &b, &d), 0);
		assert_int_equal(secret_len(a.value), 24 + SHARE_SALT_LEN);
		for (k = same = 0; k < 24 + SHARE_SALT_LEN; k++)
			same +=
			    secret_data(a.value)[k] == secret_data(b.value)[k];
		assert_true(same < 8); /* by chance: 1e-15 */
		share_done(&a);
		share_done(&b);
	}
	assert_false(contains(x.s->manifest, x.s->manifest_len, x.secret));
	shares_done(&x);
	shares_done(&y);
}

static void
check_split(const struct recover_wish *w, size_t len, int want)
{
	struct recover_shares *s = NULL;
	struct secret *secret = shares_secret(len);
	struct diag d = { 0 };

	assert_code(recover_split(w, secret, &s, &d), want);
	assert_code(d.code, want);
	assert_null(s);
	secret_free(&secret);
}

static void
test_split_refusals(void **state)
{
	EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	EVP_PKEY *small = EVP_RSA_gen(1024);
	struct recover_cert c[3] = { shares_crt[0], shares_crt[1],
		shares_crt[2] };
	struct recover_wish w = { DOMAIN, ORIGIN, 2, c, 3 };
	struct recover_cert odd[6];
	char longer[SHARE_DOMAIN_MAX + 2];
	size_t i;

	(void)state;
	w.threshold = 1;
	check_split(&w, 24, CS_E_RECOVER_THRESHOLD);
	w.threshold = 0;
	check_split(&w, 24, CS_E_RECOVER_THRESHOLD);
	w.threshold = 4;
	check_split(&w, 24, CS_E_RECOVER_THRESHOLD);
	w = (struct recover_wish){ DOMAIN, ORIGIN, 2, shares_crt,
		SHARE_MAX + 1 };
	check_split(&w, 24, CS_E_RECOVER_THRESHOLD);
	w = (struct recover_wish){ DOMAIN, ORIGIN, 2, c, 3 };
	check_split(&w, SHARE_SECRET_MAX + 1, CS_E_RECOVER_SECRET);
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	w.domain = longer;
	check_split(&w, 24, CS_E_RECOVER_NAME);
	w.domain = "";
	check_split(&w, 24, CS_E_RECOVER_NAME);
	w.domain = "Release";
	check_split(&w, 24, CS_E_RECOVER_NAME);
	w.domain = DOMAIN;
	w.origin = "two words";
	check_split(&w, 24, CS_E_RECOVER_NAME);
	w.origin = ORIGIN;
	/* one custodian twice, also under another certificate */
	c[2] = c[0];
	check_split(&w, 24, CS_E_RECOVER_CUSTODIAN);
	c[2] = odd[0] = shares_cert(shares_key[0], "keyAgreement");
	check_split(&w, 24, CS_E_RECOVER_CUSTODIAN);
	odd[1] = shares_cert(shares_key[3], "digitalSignature");
	odd[2] = shares_cert(shares_key[3], "keyEncipherment");
	odd[3] = shares_cert(shares_key[RSA3072], "keyAgreement");
	odd[4] = shares_cert(ed, NULL);
	odd[5] = shares_cert(small, NULL);
	for (i = 1; i < ARRAY_LEN(odd); i++) {
		c[2] = odd[i];
		check_split(&w, 24, CS_E_SHARE_CERT);
	}
	c[2] =
	    (struct recover_cert){ shares_crt[2].der, shares_crt[2].len - 1 };
	check_split(&w, 24, CS_E_SHARE_CERT);
	c[2] = (struct recover_cert){ shares_crt[2].der, 0 };
	check_split(&w, 24, CS_E_SHARE_CERT);
	for (i = 0; i < ARRAY_LEN(odd); i++)
		OPENSSL_free((void *)(uintptr_t)odd[i].der);
	EVP_PKEY_free(ed);
	EVP_PKEY_free(small);
}

static int
add_changed(struct recover_set *s, struct secret *record,
    void (*change)(struct share *))
{
	struct secret *again = NULL;
	struct share x;
	int r;

	assert_code(share_decode(record, &x, NULL), 0);
	change(&x);
	assert_code(share_encode(&x, &again, NULL), 0);
	r = shares_add(s, again);
	secret_free(&again);
	share_done(&x);
	return r;
}

static void
change_set(struct share *x)
{
	x->head.set[15] ^= 1;
}

static void
change_domain(struct share *x)
{
	x->head.domain[0]++;
}

static void
change_origin(struct share *x)
{
	x->head.origin[0]++;
}

static void
change_threshold(struct share *x)
{
	x->head.threshold++;
}

static void
change_count(struct share *x)
{
	x->head.count++;
}

static void
change_check(struct share *x)
{
	x->head.check[31] ^= 0x80;
}

static void
change_index_0(struct share *x)
{
	x->index = 0;
}

static void
change_index_over(struct share *x)
{
	x->index = (uint8_t)(x->head.count + 1);
}

static void
change_index_255(struct share *x)
{
	x->index = 255;
}

static void
change_index(struct share *x)
{
	x->index++;
}

static void
change_value(struct share *x)
{
	secret_data(x->value)[0] ^= 1;
}

static void
change_length(struct share *x)
{
	assert_code(secret_set_len(x->value, secret_len(x->value) - 1), 0);
}

static void
change_nothing(struct share *x)
{
	(void)x;
}

static void
test_add_refusals(void **state)
{
	static const struct {
		void (*change)(struct share *);
		int want;
	} t[] = {
		{ change_set, CS_E_RECOVER_SET },
		{ change_domain, CS_E_RECOVER_DOMAIN },
		{ change_origin, CS_E_RECOVER_ORIGIN },
		{ change_threshold, CS_E_RECOVER_TERMS },
		{ change_count, CS_E_RECOVER_TERMS },
		{ change_check, CS_E_RECOVER_TERMS },
		{ change_index_0, CS_E_RECOVER_INDEX },
		{ change_index_over, CS_E_RECOVER_INDEX },
		{ change_index_255, CS_E_RECOVER_INDEX },
		{ change_index, CS_E_RECOVER_DIGEST },
		{ change_value, CS_E_RECOVER_DIGEST },
		{ change_length, CS_E_RECOVER_DIGEST },
	};
	struct recover_set *s = NULL;
	struct secret *back = NULL;
	struct made x, y;
	size_t i;

	(void)state;
	shares_make(&x, 2, 4, 24);
	shares_make(&y, 2, 4, 24);
	/* the ceremony is about another thing */
	assert_code(recover_set_new(&x.m, "other", ORIGIN, &s, NULL),
	    CS_E_RECOVER_DOMAIN);
	assert_code(recover_set_new(&x.m, DOMAIN, "other.example", &s, NULL),
	    CS_E_RECOVER_ORIGIN);
	assert_null(s);
	s = shares_set(&x.m);
	for (i = 0; i < ARRAY_LEN(t); i++)
		assert_code(add_changed(s, x.record[1], t[i].change),
		    t[i].want);
	/* a good share of the very same domain, but of another set */
	assert_code(shares_add(s, y.record[0]), CS_E_RECOVER_SET);
	assert_code(recover_combine(s, &back, NULL), CS_E_RECOVER_FEW);
	assert_code(add_changed(s, x.record[1], change_nothing), 0);
	assert_code(shares_add(s, x.record[1]), CS_E_RECOVER_TWICE);
	assert_code(add_changed(s, x.record[1], change_value),
	    CS_E_RECOVER_TWICE);
	assert_code(recover_combine(s, &back, NULL), CS_E_RECOVER_FEW);
	assert_null(back);
	assert_code(shares_add(s, x.record[3]), 0);
	assert_code(recover_combine(s, &back, NULL), 0);
	assert_int_equal(secret_equal(back, x.secret), 1);
	secret_free(&back);
	/* once more, and with one more than needed */
	assert_code(shares_add(s, x.record[0]), 0);
	assert_code(recover_combine(s, &back, NULL), 0);
	assert_int_equal(secret_equal(back, x.secret), 1);
	secret_free(&back);
	recover_set_free(&s);
	shares_done(&x);
	shares_done(&y);
}

/* A list whose digests fit a changed share: the check value is left. */
static void
test_check_value(void **state)
{
	struct secret *changed = NULL, *back = NULL;
	struct recover_set *s;
	struct diag d = { 0 };
	struct share x2;
	struct made x;

	(void)state;
	shares_make(&x, 2, 3, 24);
	assert_code(share_decode(x.record[0], &x2, NULL), 0);
	change_value(&x2);
	assert_code(share_encode(&x2, &changed, NULL), 0);
	assert_code(sha256(secret_data(changed), secret_len(changed),
			x.m.entry[0].record),
	    0);
	s = shares_set(&x.m);
	assert_code(shares_add(s, changed), 0);
	assert_code(shares_add(s, x.record[1]), 0);
	assert_code(recover_combine(s, &back, &d), CS_E_RECOVER_CHECK);
	assert_code(d.code, CS_E_RECOVER_CHECK);
	assert_null(back);
	recover_set_free(&s);
	secret_free(&changed);
	/* the same for another length */
	change_length(&x2);
	assert_code(share_encode(&x2, &changed, NULL), 0);
	assert_code(sha256(secret_data(changed), secret_len(changed),
			x.m.entry[0].record),
	    0);
	s = shares_set(&x.m);
	assert_code(shares_add(s, x.record[1]), 0);
	assert_code(shares_add(s, changed), CS_E_RECOVER_TERMS);
	recover_set_free(&s);
	secret_free(&changed);
	share_done(&x2);
	shares_done(&x);
}

/* The whole way: custodians seal again for the new appliance. */
static void
test_session(void **state)
{
	struct recover_session *a = NULL, *b = NULL;
	struct buf again = BUF_INIT(SHARE_CMS_MAX);
	struct secret *record = NULL, *back = NULL;
	struct recover_set *s;
	const uint8_t *cert;
	struct made x;
	size_t i, n = 0;
	X509 *c;

	(void)state;
	shares_make(&x, 2, 3, 24);
	assert_code(recover_session_new(1795564800, &a, NULL), 0);
	assert_code(recover_session_new(1795564800, &b, NULL), 0);
	cert = recover_session_cert(a, &n);
	c = d2i_X509(NULL, &cert, (long)n);
	assert_non_null(c);
	assert_int_equal(X509_verify(c, X509_get0_pubkey(c)), 1);
	assert_int_equal(X509_get_key_usage(c), KU_KEY_AGREEMENT);
	assert_int_equal(X509_check_ca(c), 0);
	X509_free(c);
	s = shares_set(&x.m);
	cert = recover_session_cert(a, &n);
	for (i = 1; i < 3; i++) {
		assert_code(share_seal(cert, n, x.record[i], &again, NULL), 0);
		assert_code(recover_session_open(b, again.p, again.len, &record,
				NULL),
		    CS_E_SHARE_KEY);
		assert_code(recover_session_open(a, again.p, again.len, &record,
				NULL),
		    0);
		assert_code(shares_add(s, record), 0);
		secret_free(&record);
	}
	assert_code(recover_session_open(a, x.s->file[0].p, x.s->file[0].len,
			&record, NULL),
	    CS_E_SHARE_KEY);
	assert_code(recover_combine(s, &back, NULL), 0);
	assert_int_equal(secret_equal(back, x.secret), 1);
	secret_free(&back);
	recover_set_free(&s);
	recover_session_free(&a);
	recover_session_free(&b);
	buf_done(&again);
	shares_done(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_split_refusals),
		cmocka_unit_test(test_add_refusals),
		cmocka_unit_test(test_check_value),
		cmocka_unit_test(test_session),
	};

	return cmocka_run_group_tests(tests, shares_setup, shares_teardown);
}
