/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "lib/sha.h"
#include "tests/lib/share_rig.h"

EVP_PKEY *shares_key[PEOPLE];
struct recover_cert shares_crt[PEOPLE];

static void
extend(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

struct recover_cert
shares_cert(EVP_PKEY *key, const char *usage)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	struct recover_cert c;
	unsigned char *der = NULL;
	uint64_t serial;
	int n;

	assert_int_equal(RAND_bytes((void *)&serial, sizeof(serial)), 1);
	assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (void *)"x", -1,
	    -1, 0);
	X509_set_issuer_name(x, name);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	if (usage != NULL)
		extend(x, NID_key_usage, usage);
	assert_true(X509_sign(x, key,
			EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ?
			    NULL :
			    EVP_sha256()) > 0);
	n = i2d_X509(x, &der);
	assert_true(n > 0);
	c = (struct recover_cert){ der, (size_t)n };
	X509_free(x);
	return c;
}

int
shares_setup(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < SHARE_MAX; i++)
		shares_key[i] = EVP_EC_gen("P-256");
	shares_key[P384] = EVP_EC_gen("P-384");
	shares_key[RSA3072] = EVP_RSA_gen(3072);
	for (i = 0; i < PEOPLE; i++)
		shares_crt[i] = shares_cert(shares_key[i],
		    i == RSA3072   ? "keyEncipherment" :
			i % 2 == 0 ? "keyAgreement" :
				     NULL);
	return 0;
}

int
shares_teardown(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < PEOPLE; i++) {
		EVP_PKEY_free(shares_key[i]);
		OPENSSL_free((void *)(uintptr_t)shares_crt[i].der);
	}
	return 0;
}

struct secret *
shares_secret(size_t n)
{
	struct secret *s = NULL;

	assert_code(secret_new(n, &s), 0);
	assert_int_equal(RAND_bytes(secret_data(s), (int)n), 1);
	return s;
}

struct secret *
shares_copy(struct secret *from, size_t n)
{
	struct secret *s = NULL;
	size_t have = secret_len(from);

	assert_code(secret_new(n, &s), 0);
	memcpy(secret_data(s), secret_data(from), have < n ? have : n);
	return s;
}

int
shares_split(size_t m, size_t n, struct secret *secret,
    struct recover_shares **ret, struct diag *d)
{
	const struct recover_wish w = { DOMAIN, ORIGIN, m, shares_crt, n };

	return recover_split(&w, secret, ret, d);
}

void
shares_open(struct made *x, const struct recover_cert *c, EVP_PKEY **k)
{
	struct diag d = { 0 };
	size_t i;

	assert_code(share_manifest_parse(x->s->manifest, x->s->manifest_len,
			&x->m, &d),
	    0);
	for (i = 0; i < x->s->count; i++)
		assert_code(share_open(x->s->file[i].p, x->s->file[i].len, k[i],
				c[i].der, c[i].len, &x->record[i], &d),
		    0);
}

void
shares_make(struct made *x, size_t m, size_t n, size_t len)
{
	struct diag d = { 0 };

	memset(x, 0, sizeof(*x));
	x->secret = shares_secret(len);
	if (shares_split(m, n, x->secret, &x->s, &d) != 0)
		fail_msg("%s: %s", err_id(d.code), d.found);
	shares_open(x, shares_crt, shares_key);
}

void
shares_done(struct made *x)
{
	size_t i;

	recover_shares_free(&x->s);
	secret_free(&x->secret);
	for (i = 0; i < SHARE_MAX; i++)
		secret_free(&x->record[i]);
}

struct recover_set *
shares_set(const struct share_manifest *m)
{
	struct recover_set *s = NULL;

	assert_code(recover_set_new(m, DOMAIN, ORIGIN, &s, NULL), 0);
	return s;
}

size_t
shares_draw(size_t below)
{
	uint32_t v;

	assert_int_equal(RAND_bytes((void *)&v, sizeof(v)), 1);
	return v % below;
}

/* Joins the shares in mask. */
int
shares_join(const struct made *x, unsigned mask, struct secret **ret,
    struct diag *d)
{
	struct recover_set *s = shares_set(&x->m);
	size_t i, index = 0;
	int r = 0;

	for (i = 0; r == 0 && i < x->s->count; i++)
		if ((mask & 1u << i) != 0) {
			r = recover_add(s, x->record[i], &index, d);
			assert_true(r != 0 || index == i + 1);
		}
	assert_int_equal(recover_need(s), x->m.head.threshold);
	if (r == 0)
		assert_int_equal(recover_have(s), __builtin_popcount(mask));
	if (r == 0)
		r = recover_combine(s, ret, d);
	recover_set_free(&s);
	return r;
}

/* What recover_add() says of a record; the set stays as it was. */
int
shares_add(struct recover_set *s, struct secret *record)
{
	const size_t n = recover_have(s);
	struct diag d = { 0 };
	size_t index = 77;
	int r = recover_add(s, record, &index, &d);

	assert_code(d.code, r);
	assert_int_equal(recover_have(s), r == 0 ? n + 1 : n);
	assert_true((index == 77) == (r != 0));
	return r;
}
