/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <openssl/x509.h>
#include <string.h>

#include "hsm/csr.h"
#include "hsm/p11_private.h"
#include "lib/file.h"
#include "tests/lib/softhsm.h"

/* Tokens, PINs, URIs and public keys; signatures are in test_sign.c. */

#define assert_code(r, want) assert_string_equal(err_id(r), err_id(want))

static struct p11 *
open_module(const char *path)
{
	struct p11 *p = NULL;
	struct diag d = { 0 };

	if (p11_open(path, &p, &d) != 0)
		fail_msg("%s: %s", err_id(d.code), d.found);
	return p;
}

static int
setup(void **state)
{
	softhsm_make();
	*state = open_module(softhsm_module());
	return 0;
}

static int
teardown(void **state)
{
	struct p11 *p = *state;

	p11_close(&p);
	softhsm_remove();
	return 0;
}

/* A token with a label that is taken, as p11_init_token() refuses it. */
static void
raw_token(struct p11 *p, const char *label)
{
	unsigned char padded[32];
	struct p11_token blank;

	memset(padded, ' ', sizeof(padded));
	memcpy(padded, label, strlen(label));
	assert_int_equal(p11_find_token_blank(p, &blank, NULL), 0);
	assert_int_equal(p->f->C_InitToken(blank.slot,
			     (unsigned char *)(uintptr_t)SOFTHSM_SO,
			     strlen(SOFTHSM_SO), padded),
	    CKR_OK);
}

static void
test_uri(void **state)
{
	static const char *const bad[] = { "", "pkcs11", "http://x",
		"pkcs11:token=a?pin-value=1234", "pkcs11:token=a?pin-source=/x",
		"pkcs11:token=a;x-new=1", "pkcs11:token=a;type=cert",
		"pkcs11:token=a;type=secret-key", "pkcs11:token=a;slot-id=1",
		"pkcs11:token=a;slot-description=x",
		"pkcs11:token=a;library-manufacturer=x",
		"pkcs11:token=a?module-path=/x.so",
		"pkcs11:token=a?module-name=x", "pkcs11:token=a%00b",
		"pkcs11:token=a;object=b%00c", "pkcs11:token=a;id=",
		"pkcs11:token=a;object=", "pkcs11:token=a%zz" };
	struct p11_uri u;
	struct diag d;
	size_t i;

	(void)state;
	assert_int_equal(p11_uri_parse("pkcs11:token=my%20token;serial=12;"
				       "manufacturer=m;model=o;id=%01%ff;"
				       "object=key;type=private",
			     &u, NULL),
	    0);
	assert_string_equal(u.token, "my token");
	assert_string_equal(u.serial, "12");
	assert_string_equal(u.manufacturer, "m");
	assert_string_equal(u.model, "o");
	assert_string_equal(u.object, "key");
	assert_int_equal(u.id_len, 2);
	assert_memory_equal(u.id, "\x01\xff", 2);
	assert_int_equal(p11_uri_parse("pkcs11:token=a", &u, NULL), 0);
	assert_int_equal(u.id_len, 0);
	assert_string_equal(u.serial, "");
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		memset(&d, 0, sizeof(d));
		if (p11_uri_parse(bad[i], &u, &d) != CS_E_HSM_URI)
			fail_msg("accepted: %s", bad[i]);
		/* the PIN is not repeated */
		assert_null(strstr(d.found, "1234"));
	}
}

static void
test_module(void **state)
{
	static const char *const bad[] = { NULL, "", "libsofthsm2.so",
		"../softhsm/libsofthsm2.so", "/nonexistent.so", "/etc/passwd" };
	struct p11 *p = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++)
		assert_code(p11_open(bad[i], &p, NULL), CS_E_HSM_MODULE);
	assert_null(p);
}

static void
test_tokens(void **state)
{
	struct p11 *p = *state;
	_cleanup_secret_ struct secret *pin = softhsm_secret(SOFTHSM_PIN);
	struct p11_uri u = { .id_len = 0 };
	struct p11_token t, blank, made;
	struct p11_token *list;
	size_t n;

	assert_code(p11_find_token_only(p, &t, NULL), CS_E_HSM_TOKEN_ABSENT);
	softhsm_token(p, "one");
	assert_int_equal(p11_find_token_only(p, &t, NULL), 0);
	assert_string_equal(t.label, "one");
	assert_string_equal(t.manufacturer, "SoftHSM project");
	assert_int_equal(t.flags, P11_F_INITIALISED | P11_F_PIN_SET);

	/* neither erased nor named twice */
	assert_code(p11_init_token(p, &t, "new", pin, pin, &made, NULL),
	    CS_E_HSM_TOKEN_USED);
	t.flags = 0; /* what was read before may be old */
	assert_code(p11_init_token(p, &t, "new", pin, pin, &made, NULL),
	    CS_E_HSM_TOKEN_USED);
	assert_int_equal(p11_find_token_blank(p, &blank, NULL), 0);
	assert_code(p11_init_token(p, &blank, "one", pin, pin, &made, NULL),
	    CS_E_HSM_TOKEN_USED);
	assert_code(p11_init_token(p, &blank, "", pin, pin, &made, NULL),
	    CS_E_HSM_URI);
	assert_code(p11_init_token(p, &blank,
			"123456789012345678901234567890123", pin, pin, &made,
			NULL),
	    CS_E_HSM_URI);
	blank.slot = 99;
	assert_code(p11_init_token(p, &blank, "new", pin, pin, &made, NULL),
	    CS_E_HSM_TOKEN_ABSENT);

	softhsm_token(p, "two");
	assert_int_equal(p11_tokens(p, &list, &n, NULL), 0);
	assert_true(n >= 2);
	free(list);
	assert_code(p11_find_token_only(p, &t, NULL), CS_E_HSM_TOKEN_AMBIGUOUS);
	assert_code(p11_find_token_label(p, "three", &t, NULL),
	    CS_E_HSM_TOKEN_ABSENT);
	assert_code(p11_find_token_label(p, "", &t, NULL), CS_E_HSM_URI);
	assert_code(p11_find_token(p, &u, &t, NULL), CS_E_HSM_URI);

	raw_token(p, "two");
	assert_code(p11_find_token_label(p, "two", &t, NULL),
	    CS_E_HSM_TOKEN_AMBIGUOUS);
	/* the serial tells them apart */
	assert_int_equal(p11_find_token_label(p, "one", &t, NULL), 0);
	memcpy(u.serial, t.serial, sizeof(t.serial));
	assert_int_equal(p11_find_token(p, &u, &made, NULL), 0);
	assert_string_equal(made.label, "one");
	memcpy(u.token, "two", 4);
	assert_code(p11_find_token(p, &u, &made, NULL), CS_E_HSM_TOKEN_ABSENT);
}

/* H5: one try, whatever the caller does */
static void
test_pin(void **state)
{
	struct p11 *p = *state;
	_cleanup_secret_ struct secret *bad = softhsm_secret("wrong");
	_cleanup_secret_ struct secret *good = softhsm_secret(SOFTHSM_PIN);
	struct p11_session *s;
	unsigned flags = 1;

	softhsm_token(p, "pins");
	softhsm_token(p, "other");
	s = softhsm_session(p, "pins", false);
	assert_int_equal(p11_pin_state(s, &flags, NULL), 0);
	assert_int_equal(flags, 0);
	assert_code(p11_login(s, bad, 0, NULL), CS_E_HSM_PIN);
	assert_code(p11_login(s, good, 0, NULL), CS_E_HSM_PIN_TWICE);
	p11_session_close(&s);
	s = softhsm_session(p, "pins", false);
	assert_code(p11_login(s, good, 0, NULL), CS_E_HSM_PIN_TWICE);
	p11_session_close(&s);
	/* of the other token nothing was tried */
	s = softhsm_session(p, "other", true);
	assert_code(p11_login(s, good, 0, NULL), CS_E_HSM_PIN_TWICE);
	p11_session_close(&s);
	p11_close(&p);
	p = open_module(softhsm_module());
	*state = p;
	s = softhsm_session(p, "pins", true);
	p11_session_close(&s);
}

static void
test_pin_unset(void **state)
{
	struct p11 *p = *state;
	_cleanup_secret_ struct secret *pin = softhsm_secret(SOFTHSM_PIN);
	struct p11_session *s;

	raw_token(p, "no pin");
	s = softhsm_session(p, "no pin", false);
	assert_code(p11_login(s, pin, 0, NULL), CS_E_HSM_PIN_UNSET);
	p11_session_close(&s);
}

static size_t
logins(const char *path)
{
	_cleanup_free_ uint8_t *text = NULL;
	size_t n = 0;

	if (file_read(AT_FDCWD, path, 4096, &text, &n, NULL) != 0)
		return 0;
	return n;
}

static void
set_flags(unsigned long set, const char *path)
{
	char text[20];

	(void)snprintf(text, sizeof(text), "%lx", set);
	assert_int_equal(setenv("CS_FAKE_SET", text, 1), 0);
	assert_int_equal(setenv("CS_FAKE_LOG", path, 1), 0);
}

/* H5 with the states of a real token, which a fake tells */
static void
test_final_try(void **state)
{
	_cleanup_secret_ struct secret *pin = softhsm_secret(SOFTHSM_PIN);
	struct p11_session *s;
	struct p11 *p = *state;
	unsigned flags = 0;
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/logins", softhsm_dir());
	softhsm_token(p, "fake");
	p11_close(&p);
	p = open_module(softhsm_fake());
	*state = p;

	set_flags(CKF_USER_PIN_LOCKED | CKF_USER_PIN_FINAL_TRY, path);
	s = softhsm_session(p, "fake", false);
	assert_int_equal(p11_pin_state(s, &flags, NULL), 0);
	assert_int_equal(flags, P11_F_LOCKED | P11_F_FINAL_TRY);
	assert_code(p11_login(s, pin, P11_LOGIN_FINAL_AGREED, NULL),
	    CS_E_HSM_PIN_LOCKED);
	set_flags(CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_COUNT_LOW, path);
	assert_int_equal(p11_pin_state(s, &flags, NULL), 0);
	assert_int_equal(flags, P11_F_FINAL_TRY | P11_F_COUNT_LOW);
	assert_code(p11_login(s, pin, 0, NULL), CS_E_HSM_PIN_FINAL);
	assert_int_equal(setenv("CS_FAKE_CLEAR", "8", 1), 0);
	assert_code(p11_login(s, pin, P11_LOGIN_FINAL_AGREED, NULL),
	    CS_E_HSM_PIN_UNSET);
	assert_int_equal(unsetenv("CS_FAKE_CLEAR"), 0);
	assert_int_equal(logins(path), 0);
	/* a refusal spends nothing, so that consent may follow */
	assert_int_equal(p11_login(s, pin, P11_LOGIN_FINAL_AGREED, NULL), 0);
	assert_int_equal(logins(path), 1);
	assert_code(p11_login(s, pin, P11_LOGIN_FINAL_AGREED, NULL),
	    CS_E_HSM_PIN_TWICE);
	assert_int_equal(logins(path), 1);
	p11_session_close(&s);
	assert_int_equal(unsetenv("CS_FAKE_SET"), 0);
	assert_int_equal(unsetenv("CS_FAKE_LOG"), 0);
}

static void
test_unsafe_key(void **state)
{
	struct p11 *p = *state;
	struct p11_session *s;
	_cleanup_pubkey_ struct pubkey *pub = NULL;
	struct p11_key *k = NULL;
	const uint8_t id = 7;
	bool restricted = true;

	softhsm_token(p, "unsafe");
	p11_close(&p);
	p = open_module(softhsm_fake());
	*state = p;
	s = softhsm_session(p, "unsafe", true);
	assert_int_equal(setenv("CS_FAKE_EXTRACTABLE", "1", 1), 0);
	assert_code(p11_generate(s, KEY_P256, &id, 1, "key", &pub, &restricted,
			NULL),
	    CS_E_HSM_KEY_UNSAFE);
	assert_int_equal(unsetenv("CS_FAKE_EXTRACTABLE"), 0);
	assert_null(pub);
	/* and it is not left behind: its ID is free again */
	assert_int_equal(setenv("CS_FAKE_OLD", "1", 1), 0);
	assert_int_equal(p11_generate(s, KEY_P256, &id, 1, "key", &pub,
			     &restricted, NULL),
	    0);
	assert_false(restricted);
	assert_int_equal(unsetenv("CS_FAKE_OLD"), 0);

	assert_int_equal(setenv("CS_FAKE_ALWAYS_AUTH", "1", 1), 0);
	assert_code(p11_find_key(s, &id, 1, NULL, pub->spki, pub->spki_len, &k,
			NULL),
	    CS_E_HSM_KEY_ALWAYS_AUTH);
	assert_int_equal(unsetenv("CS_FAKE_ALWAYS_AUTH"), 0);
	assert_null(k);
	p11_session_close(&s);
}

/* What was generated, and that its ID and label are its own */
static void
test_generate(void **state)
{
	struct p11 *p = *state;
	struct p11_session *s;
	_cleanup_pubkey_ struct pubkey *a = NULL, *b = NULL;
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_OBJECT_HANDLE h = 0;
	CK_ATTRIBUTE t[3];
	const uint8_t id = 1, other = 2;
	uint8_t *value = NULL;
	bool restricted, on = false;
	size_t len;

	softhsm_token(p, "make");
	s = softhsm_session(p, "make", true);
	a = softhsm_generate(s, KEY_P256, id, "first");
	assert_int_equal(pubkey_fits(a, KEY_P256), 1);
	assert_code(p11_generate(s, KEY_P256, &id, 1, "second", &b, &restricted,
			NULL),
	    CS_E_HSM_KEY_AMBIGUOUS);
	assert_code(p11_generate(s, KEY_P256, &other, 1, "first", &b,
			&restricted, NULL),
	    CS_E_HSM_KEY_AMBIGUOUS);
	assert_code(p11_generate(s, KEY_P256, &other, 0, "second", &b,
			&restricted, NULL),
	    CS_E_HSM_URI);
	assert_code(p11_generate(s, KEY_P256, &other, 1, "", &b, &restricted,
			NULL),
	    CS_E_HSM_URI);
	assert_null(b);
	len = p11_key_template(t, &class, &id, 1, "first");
	assert_int_equal(p11_find_one(s, t, len, "private key", &h, NULL), 0);
	assert_int_equal(p11_attr_bool(s, h, CKA_SENSITIVE, &on), 0);
	assert_true(on);
	assert_int_equal(p11_attr_bool(s, h, CKA_EXTRACTABLE, &on), 0);
	assert_false(on);
	assert_int_not_equal(p11_attr(s, h, CKA_VALUE, &value, &len), 0);
	p11_session_close(&s);
	/* without login it cannot be seen */
	s = softhsm_session(p, "make", false);
	len = p11_key_template(t, &class, &id, 1, "first");
	assert_code(p11_find_one(s, t, len, "private key", &h, NULL),
	    CS_E_HSM_KEY_ABSENT);
	p11_session_close(&s);
}

/* What a ceremony that was cut short left is found again, if it is that. */
static void
test_find_made(void **state)
{
	struct p11 *p = *state;
	struct p11_session *s;
	_cleanup_pubkey_ struct pubkey *a = NULL, *b = NULL;
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_OBJECT_HANDLE h = 0;
	CK_ATTRIBUTE t[3];
	uint8_t id[P11_ID_MAX];
	bool restricted = false;
	size_t len = 0, half;

	softhsm_token(p, "made");
	s = softhsm_session(p, "made", true);
	assert_code(p11_find_made(s, KEY_P256, "new", id, &len, &b, &restricted,
			NULL),
	    CS_E_HSM_KEY_ABSENT);
	a = softhsm_generate(s, KEY_P256, 7, "new");
	assert_int_equal(p11_find_made(s, KEY_P256, "new", id, &len, &b,
			     &restricted, NULL),
	    0);
	assert_int_equal(len, 1);
	assert_int_equal(id[0], 7);
	assert_true(restricted);
	assert_true(pubkey_equal(a, b));
	pubkey_free(&b);
	assert_code(p11_find_made(s, KEY_P384, "new", id, &len, &b, &restricted,
			NULL),
	    CS_E_HSM_KEY_MISMATCH);
	/* the same type of key, but another mechanism */
	pubkey_free(&a);
	a = softhsm_generate(s, KEY_RSA3072_PSS, 8, "rsa");
	assert_code(p11_find_made(s, KEY_RSA3072_PKCS1, "rsa", id, &len, &b,
			&restricted, NULL),
	    CS_E_HSM_KEY_MISMATCH);
	assert_null(b);
	/* half of a pair is swept away, a whole one is not */
	assert_code(p11_sweep(s, "new", NULL), CS_E_HSM_KEY_AMBIGUOUS);
	assert_int_equal(p11_find_made(s, KEY_P256, "new", id, &len, &b,
			     &restricted, NULL),
	    0);
	half = p11_key_template(t, &class, id, len, NULL);
	assert_int_equal(p11_find_one(s, t, half, "private key", &h, NULL), 0);
	assert_int_equal(s->f->C_DestroyObject(s->h, h), CKR_OK);
	assert_int_equal(p11_sweep(s, "new", NULL), 0);
	pubkey_free(&a);
	a = softhsm_generate(s, KEY_P256, 7, "new");
	assert_non_null(a);
	p11_session_close(&s);
}

/* All of it is gone, and going again is no error; another key is. */
static void
test_destroy(void **state)
{
	struct p11 *p = *state;
	struct p11_session *s;
	_cleanup_pubkey_ struct pubkey *a = NULL, *b = NULL;
	struct p11_key *k = NULL;
	const uint8_t one = 1, two = 2;

	softhsm_token(p, "gone");
	s = softhsm_session(p, "gone", true);
	a = softhsm_generate(s, KEY_P256, one, "first");
	b = softhsm_generate(s, KEY_P256, two, "second");
	assert_code(p11_destroy(s, &one, 1, b->spki, b->spki_len, NULL),
	    CS_E_HSM_KEY_MISMATCH);
	assert_code(p11_destroy(s, &one, 0, a->spki, a->spki_len, NULL),
	    CS_E_HSM_URI);
	assert_int_equal(p11_find_key(s, &one, 1, NULL, a->spki, a->spki_len,
			     &k, NULL),
	    0);
	p11_key_free(&k);
	assert_int_equal(p11_destroy(s, &one, 1, a->spki, a->spki_len, NULL),
	    0);
	assert_code(p11_find_key(s, &one, 1, NULL, a->spki, a->spki_len, &k,
			NULL),
	    CS_E_HSM_KEY_ABSENT);
	assert_int_equal(p11_destroy(s, &one, 1, a->spki, a->spki_len, NULL),
	    0);
	/* the other one is as it was */
	assert_int_equal(p11_find_key(s, &two, 1, NULL, b->spki, b->spki_len,
			     &k, NULL),
	    0);
	p11_key_free(&k);
	p11_session_close(&s);
}

/* A certification request for each kind of key that X.509 signs with */
static void
test_csr(void **state)
{
	static const enum key_alg alg[] = { KEY_P256, KEY_P384,
		KEY_RSA3072_PKCS1, KEY_RSA3072_PSS };
	struct p11 *p = *state;
	struct p11_session *s;
	uint8_t id = 1;
	size_t i, len;

	softhsm_token(p, "csr");
	s = softhsm_session(p, "csr", true);
	for (i = 0; i < ARRAY_LEN(alg); i++, id++) {
		char label[] = "key0";
		_cleanup_pubkey_ struct pubkey *k = NULL;
		_cleanup_p11_key_ struct p11_key *key = NULL;
		struct hsm_token_signer ts = { s, NULL, alg[i] };
		const struct hsm_signer signer = { alg[i], hsm_signer_token,
			&ts };
		const unsigned char *q;
		uint8_t *der = NULL;
		X509_REQ *x;

		label[3] = (char)('0' + i);
		k = softhsm_generate(s, alg[i], id, label);
		assert_int_equal(p11_find_key(s, &id, 1, NULL, k->spki,
				     k->spki_len, &key, NULL),
		    0);
		ts.key = key;
		assert_int_equal(csr_make("coldseal a key", k, &signer, &der,
				     &len, NULL),
		    0);
		q = der;
		x = d2i_X509_REQ(NULL, &q, (long)len);
		assert_non_null(x);
		assert_int_equal(X509_REQ_verify(x, k->pkey), 1);
		X509_REQ_free(x);
		free(der);
	}
	p11_session_close(&s);
}

static void
x509_freep(X509 **x)
{
	X509_free(*x);
}

/* A certificate for k, signed by another key, with these names */
static void
put_cert(struct p11_session *s, const struct pubkey *k, const char *subject,
    const char *issuer)
{
	_cleanup_(x509_freep) X509 *x = X509_new();
	EVP_PKEY *ca = EVP_EC_gen("P-256");
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_BBOOL yes = CK_TRUE;
	CK_OBJECT_HANDLE h = 0;
	unsigned char *der = NULL, *name = NULL;
	int len, name_len;

	assert_non_null(ca);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x),
			     "CN", MBSTRING_ASC, (const unsigned char *)subject,
			     -1, -1, 0),
	    1);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_issuer_name(x),
			     "CN", MBSTRING_ASC, (const unsigned char *)issuer,
			     -1, -1, 0),
	    1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 1000));
	assert_int_equal(X509_set_pubkey(x, k->pkey), 1);
	assert_true(X509_sign(x, ca, EVP_sha256()) > 0);
	len = i2d_X509(x, &der);
	name_len = i2d_X509_NAME(X509_get_subject_name(x), &name);
	assert_true(len > 0 && name_len > 0);
	{
		CK_ATTRIBUTE t[] = { { CKA_CLASS, &class, sizeof(class) },
			{ CKA_CERTIFICATE_TYPE, &type, sizeof(type) },
			{ CKA_TOKEN, &yes, sizeof(yes) },
			{ CKA_SUBJECT, name, (CK_ULONG)name_len },
			{ CKA_VALUE, der, (CK_ULONG)len } };

		assert_int_equal(s->f->C_CreateObject(s->h, t, ARRAY_LEN(t),
				     &h),
		    CKR_OK);
	}
	OPENSSL_free(der);
	OPENSSL_free(name);
	EVP_PKEY_free(ca);
}

/* What a token says of a key that it made: about this key, by another. */
static void
test_attestation(void **state)
{
	struct p11 *p = *state;
	struct p11_session *s;
	_cleanup_pubkey_ struct pubkey *a = NULL, *b = NULL;
	uint8_t *der = NULL;
	size_t len = 0;

	softhsm_token(p, "says");
	s = softhsm_session(p, "says", true);
	a = softhsm_generate(s, KEY_P256, 1, "first");
	b = softhsm_generate(s, KEY_P256, 2, "second");
	put_cert(s, b, "slot 2", "device");
	put_cert(s, a, "itself", "itself");
	assert_code(p11_attestation(s, a, &der, &len, NULL),
	    CS_E_HSM_KEY_ABSENT);
	assert_null(der);
	put_cert(s, a, "slot 1", "device");
	assert_int_equal(p11_attestation(s, a, &der, &len, NULL), 0);
	assert_true(len > 64);
	free(der);
	p11_session_close(&s);
}

static void
test_csr_ed25519(void **state)
{
	const struct hsm_signer signer = { KEY_ED25519, hsm_signer_token,
		NULL };
	uint8_t *der = NULL;
	size_t len;

	(void)state;
	assert_code(csr_make("x", NULL, &signer, &der, &len, NULL),
	    CS_E_HSM_MECH);
	assert_null(der);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uri),
		cmocka_unit_test(test_module),
		T(tokens),
		T(pin),
		T(pin_unset),
		T(final_try),
		T(unsafe_key),
		T(generate),
		T(find_made),
		T(destroy),
		T(csr),
		T(attestation),
		cmocka_unit_test(test_csr_ed25519),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
