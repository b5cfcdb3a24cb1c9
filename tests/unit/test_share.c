/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/cms.h>
#include <string.h>

#include "lib/json.h"
#include "tests/lib/share_rig.h"

/* Records, lists and CMS of shares, and what may not be read as one. */

/* Every byte of a record counts; none may be missing, none may follow. */
static void
test_record_bytes(void **state)
{
	struct recover_set *s;
	struct secret *c;
	struct made x;
	size_t i, n;
	int r;

	(void)state;
	shares_make(&x, 2, 2, 24);
	s = shares_set(&x.m);
	n = secret_len(x.record[0]);
	for (i = 0; i < n; i++) {
		c = shares_copy(x.record[0], n);
		secret_data(c)[i] ^= (uint8_t)(1u << shares_draw(8));
		assert_int_not_equal(shares_add(s, c), 0);
		secret_free(&c);
	}
	for (i = 1; i < n; i++) {
		c = shares_copy(x.record[0], i);
		r = shares_add(s, c);
		if (r != CS_E_SHARE_TYPE)
			assert_code(r, CS_E_TRUNCATED);
		secret_free(&c);
	}
	c = shares_copy(x.record[0], n + 1);
	assert_code(shares_add(s, c), CS_E_TRAILING);
	secret_free(&c);
	/* a value that would be all salt */
	c = shares_copy(x.record[0], n - 24);
	secret_data(c)[n - 24 - SHARE_SALT_LEN - 1] = SHARE_SALT_LEN;
	assert_code(shares_add(s, c), CS_E_SHARE_FORMAT);
	secret_free(&c);
	c = shares_secret(n);
	assert_code(shares_add(s, c), CS_E_SHARE_TYPE);
	secret_free(&c);
	assert_int_equal(recover_have(s), 0);
	recover_set_free(&s);
	shares_done(&x);
}

/*
 * A changed list does not load, or does not fit the shares, or says something
 * else about files and certificates, which its signature is for.
 */
static void
test_manifest(void **state)
{
	struct share_manifest good;
	struct secret *back = NULL;
	struct diag d;
	struct made x;
	size_t i, n, loaded = 0;
	char *p;

	(void)state;
	shares_make(&x, 2, 3, 24);
	good = x.m;
	n = x.s->manifest_len;
	p = malloc(n + 1);
	assert_non_null(p);
	for (i = 0; i < n; i++) {
		memcpy(p, x.s->manifest, n);
		p[i] ^= (char)(1u << shares_draw(7));
		memset(&d, 0, sizeof(d));
		if (share_manifest_parse(p, n, &x.m, &d) != 0) {
			assert_int_not_equal(d.code, 0);
			continue;
		}
		loaded++;
		if (strcmp(x.m.head.domain, DOMAIN) != 0 ||
		    strcmp(x.m.head.origin, ORIGIN) != 0 ||
		    shares_join(&x, 7, &back, NULL) != 0)
			continue;
		assert_int_equal(secret_equal(back, x.secret), 1);
		assert_memory_equal(&x.m.head, &good.head, sizeof(good.head));
		secret_free(&back);
	}
	assert_true(loaded > 0);
	memcpy(p, x.s->manifest, n);
	p[n] = '\n';
	assert_int_not_equal(share_manifest_parse(p, n + 1, &x.m, NULL), 0);
	for (i = 0; i < n; i++)
		assert_int_not_equal(share_manifest_parse(p, i, &x.m, NULL), 0);
	free(p);
	/* one digest for two shares */
	x.m = good;
	memcpy(x.m.entry[2].cert, x.m.entry[0].cert, 32);
	assert_code(share_manifest_format(&x.m, &p, &n, NULL), 0);
	assert_code(share_manifest_parse(p, n, &good, NULL),
	    CS_E_SHARE_MANIFEST);
	free(p);
	shares_done(&x);
}

/* The list as JSON, changed by one step and written again */
static int
parse_changed(const struct made *x, void (*change)(json_t *))
{
	_cleanup_json_ json_t *j =
	    json_loadb(x->s->manifest, x->s->manifest_len, 0, NULL);
	_cleanup_free_ char *text = NULL;
	struct share_manifest m;
	struct diag d = { 0 };
	size_t n;
	int r;

	assert_non_null(j);
	change(j);
	assert_code(json_canonical(j, &text, &n), 0);
	r = share_manifest_parse(text, n, &m, &d);
	assert_code(d.code, r);
	return r;
}

static json_t *
list_of(json_t *j, bool files)
{
	return files ?
	    json_object_get(j, "subject") :
	    json_object_get(json_object_get(j, "predicate"), "shares");
}

static void
one_file_less(json_t *j)
{
	json_array_remove(list_of(j, true), 2);
}

static void
one_share_less(json_t *j)
{
	json_array_remove(list_of(j, false), 2);
}

static void
many_more(json_t *j)
{
	while (json_array_size(list_of(j, true)) <= SHARE_MAX) {
		json_array_append(list_of(j, true),
		    json_array_get(list_of(j, true), 0));
		json_array_append(list_of(j, false),
		    json_array_get(list_of(j, false), 0));
	}
}

static void
other_name(json_t *j)
{
	json_object_set_new(json_array_get(list_of(j, true), 0), "name",
	    json_string("share-9.p7m"));
}

static void
other_index(json_t *j)
{
	json_object_set_new(json_array_get(list_of(j, false), 0), "index",
	    json_integer(2));
}

static void
another_digest(json_t *j)
{
	char hex[129];

	memset(hex, 'a', sizeof(hex));
	hex[128] = '\0';
	json_object_set_new(json_object_get(json_array_get(list_of(j, true), 0),
				"digest"),
	    "sha512", json_string(hex));
}

static void
threshold_1(json_t *j)
{
	json_object_set_new(json_object_get(j, "predicate"), "threshold",
	    json_integer(1));
}

static void
nothing(json_t *j)
{
	(void)j;
}

static void
test_manifest_form(void **state)
{
	static void (*const t[])(json_t *) = { one_file_less, one_share_less,
		many_more, other_name, other_index, another_digest,
		threshold_1 };
	char longer[SHARE_MANIFEST_MAX + 1] = { 0 };
	struct share_manifest m;
	struct made x;
	size_t i;

	(void)state;
	shares_make(&x, 2, 3, 24);
	assert_code(parse_changed(&x, nothing), 0);
	for (i = 0; i < ARRAY_LEN(t); i++)
		assert_code(parse_changed(&x, t[i]), CS_E_SHARE_MANIFEST);
	assert_code(share_manifest_parse(longer, sizeof(longer), &m, NULL),
	    CS_E_SHARE_MANIFEST);
	shares_done(&x);
}

static int
open_as(const struct buf *f, size_t who, struct secret **ret, struct diag *d)
{
	return share_open(f->p, f->len, shares_key[who], shares_crt[who].der,
	    shares_crt[who].len, ret, d);
}

/* One file; the wrong people; every byte of it; BER */
static void
test_open_refusals(void **state)
{
	struct secret *back = NULL;
	struct buf f = BUF_INIT(SHARE_CMS_MAX + 16);
	struct diag d = { 0 };
	struct made x;
	size_t i;
	int r;

	(void)state;
	shares_make(&x, 2, 2, 24);
	assert_code(open_as(&x.s->file[0], 1, &back, &d), CS_E_SHARE_KEY);
	assert_code(open_as(&x.s->file[0], RSA3072, &back, &d), CS_E_SHARE_KEY);
	assert_code(share_open(x.s->file[0].p, x.s->file[0].len, shares_key[1],
			shares_crt[0].der, shares_crt[0].len, &back, &d),
	    CS_E_SHARE_KEY);
	assert_string_equal(d.expected, "the certificate's own key");
	assert_code(share_open(x.s->file[0].p, x.s->file[0].len, shares_key[0],
			shares_crt[0].der, shares_crt[0].len - 1, &back, &d),
	    CS_E_SHARE_CERT);
	assert_code(buf_put(&f, x.s->file[0].p, x.s->file[0].len), 0);
	for (i = 0; i < f.len; i++) {
		f.p[i] ^= (uint8_t)(1u << shares_draw(8));
		memset(&d, 0, sizeof(d));
		r = open_as(&f, 0, &back, &d);
		assert_code(d.code, r);
		if (r == 0) { /* a version number that says nothing */
			assert_int_equal(secret_equal(back, x.record[0]), 1);
			secret_free(&back);
		}
		assert_null(back);
		f.p[i] = x.s->file[0].p[i];
	}
	for (i = 0; i < x.s->file[0].len; i++) {
		f.len = i;
		assert_code(open_as(&f, 0, &back, &d), CS_E_SHARE_CMS);
	}
	f.len = x.s->file[0].len;
	assert_code(buf_put_u8(&f, 0), 0);
	assert_code(open_as(&f, 0, &back, &d), CS_E_TRAILING);
	/* X.690 8.1.3.6: the same, of indefinite length */
	assert_int_equal(f.p[1], 0x82);
	f.p[3] = 0x80;
	f.p[2] = 0x30;
	assert_code(buf_put_u8(&f, 0), 0);
	assert_code(share_open(f.p + 2, f.len - 2, shares_key[0],
			shares_crt[0].der, shares_crt[0].len, &back, &d),
	    CS_E_SHARE_CMS);
	assert_string_equal(d.found, "another encoding than DER");
	f.len = 0;
	assert_code(buf_put(&f, shares_crt[0].der, shares_crt[0].len), 0);
	assert_code(open_as(&f, 0, &back, &d), CS_E_SHARE_CMS);
	while (f.len <= SHARE_CMS_MAX)
		assert_code(buf_put_u8(&f, 0x30), 0);
	assert_code(open_as(&f, 0, &back, &d), CS_E_TOO_LARGE);
	buf_done(&f);
	shares_done(&x);
}

/* By OpenSSL's own means: types, recipients and sizes that we never write */
static void
seal_other(const EVP_CIPHER *cipher, size_t recipients, size_t len,
    struct buf *out)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	uint8_t content[2 * SHARE_RECORD_MAX] = { 1 };
	BIO *in = BIO_new_mem_buf(content, (int)len);
	CMS_ContentInfo *cms;
	unsigned char *der = NULL;
	const unsigned char *p;
	size_t i;
	int n;

	for (i = 0; i < recipients; i++) {
		p = shares_crt[i].der;
		sk_X509_push(list, d2i_X509(NULL, &p, (long)shares_crt[i].len));
	}
	cms = CMS_encrypt(list, in, cipher, CMS_BINARY);
	assert_non_null(cms);
	n = i2d_CMS_ContentInfo(cms, &der);
	assert_true(n > 0);
	buf_reset(out);
	assert_code(buf_put(out, der, (size_t)n), 0);
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	sk_X509_pop_free(list, X509_free);
}

static void
test_open_others(void **state)
{
	struct buf f = BUF_INIT(SHARE_CMS_MAX);
	struct secret *back = NULL;

	(void)state;
	seal_other(EVP_aes_256_gcm(), 1, SHARE_RECORD_MAX, &f);
	assert_code(open_as(&f, 0, &back, NULL), 0);
	assert_int_equal(secret_len(back), SHARE_RECORD_MAX);
	secret_free(&back);
	seal_other(EVP_aes_256_gcm(), 1, SHARE_RECORD_MAX + 1, &f);
	assert_code(open_as(&f, 0, &back, NULL), CS_E_TOO_LARGE);
	seal_other(EVP_aes_256_gcm(), 2, 24, &f);
	assert_code(open_as(&f, 0, &back, NULL), CS_E_SHARE_CMS);
	seal_other(EVP_aes_256_cbc(), 1, 24, &f);
	assert_code(open_as(&f, 0, &back, NULL), CS_E_SHARE_CMS);
	assert_null(back);
	buf_done(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_bytes),
		cmocka_unit_test(test_manifest),
		cmocka_unit_test(test_manifest_form),
		cmocka_unit_test(test_open_refusals),
		cmocka_unit_test(test_open_others),
	};

	return cmocka_run_group_tests(tests, shares_setup, shares_teardown);
}
