/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "hsm/sign_format.h"
#include "hsm/selfsign.h"
#include "lib/file.h"
#include "tests/lib/softhsm.h"

/* Certificates and CMS by keys on a real SoftHSM, read by stock openssl. */

#define assert_code(r, want) assert_string_equal(err_id(r), err_id(want))

enum { N = KEY_ED25519 + 1 };

static const char content[] = "the artifact\r\nof two lines\n";

static struct p11 *p;
static struct p11_session *s;
static struct pubkey *pub[N];
static struct p11_key *key[N];
static struct hsm_token_signer tokens[N];
static struct hsm_signer signers[N];
static uint8_t *cert[N];
static size_t cert_len[N];
static int64_t now;

static int
make_cert(enum key_alg a, const char *cn, int64_t from, int64_t to,
    const struct pubkey *k, uint8_t **ret, size_t *ret_len)
{
	const struct selfsign c = { cn, from, to, k, false };

	return selfsign_make(&c, &signers[a], ret, ret_len, NULL);
}

static int
group_setup(void **state)
{
	struct diag d = { 0 };
	int a;

	(void)state;
	now = time(NULL);
	softhsm_make();
	if (p11_open(softhsm_module(), &p, &d) != 0)
		fail_msg("%s", d.found);
	softhsm_token(p, "keys");
	s = softhsm_session(p, "keys", true);
	for (a = 0; a < N; a++) {
		pub[a] = softhsm_generate(s, (enum key_alg)a, (uint8_t)(a + 1),
		    key_alg_name((enum key_alg)a));
		key[a] = softhsm_key(s, (uint8_t)(a + 1), pub[a]);
		tokens[a] =
		    (struct hsm_token_signer){ s, key[a], (enum key_alg)a };
		signers[a] = (struct hsm_signer){ (enum key_alg)a,
			hsm_signer_token, &tokens[a] };
		if (a != KEY_ED25519)
			assert_code(make_cert((enum key_alg)a, "coldseal test",
					now - 86400, now + 86400, pub[a],
					&cert[a], &cert_len[a]),
			    0);
	}
	return 0;
}

static int
group_teardown(void **state)
{
	int a;

	(void)state;
	for (a = 0; a < N; a++) {
		free(cert[a]);
		p11_key_free(&key[a]);
		pubkey_free(&pub[a]);
	}
	p11_session_close(&s);
	p11_close(&p);
	softhsm_remove();
	return 0;
}

static void
digest_of(enum key_alg a, const char *text, uint8_t ret[HASH_MAX_LEN])
{
	const enum hash_alg h = key_alg_hash(a);
	struct hasher *ctx = NULL;

	assert_int_equal(hasher_new(h, &ctx), 0);
	assert_int_equal(hasher_update(ctx, text, strlen(text)), 0);
	assert_int_equal(hasher_final(ctx, ret, hash_len(h)), 0);
	hasher_free(&ctx);
}

/* What one job is: a key of a policy that has no more, and an artifact. */
struct one {
	const char *format;
	struct policy_key key;
	struct subject subject;
	struct sigfmt_job job;
};

static void
make_one(enum key_alg a, const uint8_t *der, size_t der_len,
    const uint8_t *digest, int64_t when, struct one *ret)
{
	const enum hash_alg h = key_alg_hash(a);

	*ret = (struct one){ .format = "cms",
		.key = { .id = "k",
		    .key = pub[a],
		    .alg = a,
		    .formats = { &ret->format, 1 },
		    .cert = (uint8_t *)(uintptr_t)der,
		    .cert_len = der_len },
		.subject = { .name = (char *)(uintptr_t) "a",
		    .has = { [HASH_SHA256] = true } },
		.job = { &ret->key, &ret->subject, when } };
	ret->subject.has[h] = true;
	memcpy(ret->subject.digest[h], digest, hash_len(h));
}

static int
sign_cms(enum key_alg a, const uint8_t *der, size_t der_len,
    const uint8_t *digest, int64_t when, struct buf *out)
{
	struct one x;

	make_one(a, der, der_len, digest, when, &x);
	return hsm_sign_format("cms", &x.job, &tokens[a], out, NULL);
}

static int
verify_cms(enum key_alg a, const uint8_t *digest, const struct buf *sig)
{
	struct one x;

	make_one(a, cert[a], cert_len[a], digest, 0, &x);
	return sigfmt_verify("cms", &x.job, sig->p, sig->len, NULL);
}

static const char *
in_dir(const char *name)
{
	static char path[4][300];
	static unsigned next;
	char *r = path[next++ % 4];

	(void)snprintf(r, 300, "%s/%s", softhsm_dir(), name);
	return r;
}

static void
write_file(const char *name, const void *data, size_t len)
{
	assert_int_equal(file_write_atomic(AT_FDCWD, in_dir(name), data, len,
			     0600, NULL),
	    0);
}

static void
write_pem(const uint8_t *der, size_t len)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *text;
	long n;

	assert_int_equal(PEM_write_bio(b, "CERTIFICATE", "", der, (long)len) >
		0,
	    1);
	n = BIO_get_mem_data(b, &text);
	write_file("cert.pem", text, (size_t)n);
	BIO_free(b);
}

/* exit status of stock openssl, silent */
static int
openssl(const char *const argv[])
{
	posix_spawn_file_actions_t fa;
	extern char **environ;
	pid_t pid;
	int st = -1;

	assert_int_equal(posix_spawn_file_actions_init(&fa), 0);
	assert_int_equal(posix_spawn_file_actions_addopen(&fa, 1, "/dev/null",
			     O_WRONLY, 0),
	    0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&fa, 1, 2), 0);
	assert_int_equal(posix_spawnp(&pid, "openssl", &fa, NULL,
			     (char *const *)(uintptr_t)argv, environ),
	    0);
	assert_int_equal(posix_spawn_file_actions_destroy(&fa), 0);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_true(WIFEXITED(st));
	return WEXITSTATUS(st);
}

static int
openssl_verify(const char *file)
{
	const char *argv[] = { "openssl", "cms", "-verify", "-binary",
		"-inform", "DER", "-in", in_dir("sig.p7s"), "-content",
		in_dir(file), "-CAfile", in_dir("cert.pem"), "-purpose", "any",
		NULL };

	return openssl(argv);
}

static void
test_verify(void **state)
{
	struct buf out = BUF_INIT(SIGFMT_MAX);
	uint8_t digest[HASH_MAX_LEN];
	int a;

	(void)state;
	write_file("content", content, strlen(content));
	write_file("other", content, strlen(content) - 1);
	for (a = 0; a < KEY_ED25519; a++) {
		const enum key_alg alg = (enum key_alg)a;

		digest_of(alg, content, digest);
		assert_code(sign_cms(alg, cert[a], cert_len[a], digest, now,
				&out),
		    0);
		assert_code(verify_cms(alg, digest, &out), 0);
		write_file("sig.p7s", out.p, out.len);
		write_pem(cert[a], cert_len[a]);
		if (openssl_verify("content") != 0)
			fail_msg("openssl refuses %s", key_alg_name(alg));
		assert_int_not_equal(openssl_verify("other"), 0);
		digest[0] ^= 1;
		assert_code(verify_cms(alg, digest, &out), CS_E_SIG);
	}
	buf_done(&out);
}

/* The attributes and nothing else; the time that was given */
static void
test_attributes(void **state)
{
	struct buf out = BUF_INIT(SIGFMT_MAX);
	uint8_t digest[HASH_MAX_LEN];
	const unsigned char *q;
	CMS_ContentInfo *c;
	CMS_SignerInfo *si;
	X509_ATTRIBUTE *at;
	ASN1_TYPE *v;
	/* RFC 5652 11.3: UTCTime to 2049, GeneralizedTime from 2050 */
	const struct {
		int64_t t;
		int type;
		const char *text;
	} times[] = {
		{ 1795564800, V_ASN1_UTCTIME, "261125000000Z" },
		{ 2524608000, V_ASN1_GENERALIZEDTIME, "20500101000000Z" },
	};
	size_t i;

	(void)state;
	digest_of(KEY_P256, content, digest);
	for (i = 0; i < ARRAY_LEN(times); i++) {
		assert_code(sign_cms(KEY_P256, cert[KEY_P256],
				cert_len[KEY_P256], digest, times[i].t, &out),
		    0);
		q = out.p;
		c = d2i_CMS_ContentInfo(NULL, &q, (long)out.len);
		assert_non_null(c);
		si = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(c), 0);
		assert_int_equal(CMS_signed_get_attr_count(si), 3);
		at = CMS_signed_get_attr(si,
		    CMS_signed_get_attr_by_NID(si, NID_pkcs9_signingTime, -1));
		v = X509_ATTRIBUTE_get0_type(at, 0);
		assert_int_equal(v->type, times[i].type);
		assert_int_equal(v->value.asn1_string->length,
		    strlen(times[i].text));
		assert_memory_equal(v->value.asn1_string->data, times[i].text,
		    strlen(times[i].text));
		CMS_ContentInfo_free(c);
	}
	buf_done(&out);
}

/* What the policy should have refused is refused here before the token. */
static void
test_refusals(void **state)
{
	struct buf out = BUF_INIT(SIGFMT_MAX);
	uint8_t digest[HASH_MAX_LEN] = { 1 };
	struct one x;

	(void)state;
	assert_code(sign_cms(KEY_ED25519, cert[KEY_P256], cert_len[KEY_P256],
			digest, now, &out),
	    CS_E_POLICY_FORMAT);
	assert_code(sign_cms(KEY_P256, NULL, 0, digest, now, &out),
	    CS_E_POLICY_CERT);
	make_one(KEY_P384, cert[KEY_P384], cert_len[KEY_P384], digest, now, &x);
	x.subject.has[HASH_SHA384] = false;
	assert_code(hsm_sign_format("cms", &x.job, &tokens[KEY_P384], &out,
			NULL),
	    CS_E_REQ_DIGEST);
	x.subject.has[HASH_SHA384] = true;
	assert_code(hsm_sign_format("cms", &x.job, &tokens[KEY_P256], &out,
			NULL),
	    CS_E_HSM_MECH);
	assert_code(hsm_sign_format("raw", &x.job, &tokens[KEY_P384], &out,
			NULL),
	    CS_E_FORMAT);
	assert_code(hsm_sign_format("pgp", &x.job, &tokens[KEY_P384], &out,
			NULL),
	    CS_E_FORMAT);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

static void
test_certificate(void **state)
{
	uint64_t serials[KEY_ED25519];
	int a;

	(void)state;
	for (a = 0; a < KEY_ED25519; a++) {
		const unsigned char *q = cert[a];
		X509 *x = d2i_X509(NULL, &q, (long)cert_len[a]);
		const ASN1_INTEGER *serial;
		char cn[65];

		assert_non_null(x);
		assert_int_equal(X509_get_version(x), X509_VERSION_3);
		assert_int_equal(X509_verify(x, pub[a]->pkey), 1);
		assert_int_equal(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE);
		assert_int_equal(X509_get_extended_key_usage(x), XKU_CODE_SIGN);
		assert_int_equal(X509_check_ca(x), 0);
		assert_int_equal(
		    X509_NAME_get_text_by_NID(X509_get_subject_name(x),
			NID_commonName, cn, sizeof(cn)),
		    strlen("coldseal test"));
		assert_string_equal(cn, "coldseal test");
		serial = X509_get0_serialNumber(x);
		assert_int_equal(serial->length, 20);
		assert_true(serial->data[0] >= 0x40 && serial->data[0] < 0x80);
		memcpy(&serials[a], serial->data, sizeof(serials[a]));
		assert_true(a == 0 || serials[a] != serials[a - 1]);
		X509_free(x);
	}
}

static void
test_certificate_refusals(void **state)
{
	char longest[SELFSIGN_CN_MAX + 2];
	uint8_t *der = NULL;
	size_t n;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_code(make_cert(KEY_P256, longest, 0, 1, pub[KEY_P256], &der, &n),
	    CS_E_HSM_CERT);
	assert_code(make_cert(KEY_P256, "", 0, 1, pub[KEY_P256], &der, &n),
	    CS_E_HSM_CERT);
	assert_code(make_cert(KEY_P256, "a\nb", 0, 1, pub[KEY_P256], &der, &n),
	    CS_E_HSM_CERT);
	assert_code(make_cert(KEY_P256, "a", 1, 1, pub[KEY_P256], &der, &n),
	    CS_E_HSM_CERT);
	assert_code(make_cert(KEY_P256, "a", 0, 1, pub[KEY_P384], &der, &n),
	    CS_E_HSM_CERT);
	assert_code(make_cert(KEY_ED25519, "a", 0, 1, pub[KEY_ED25519], &der,
			&n),
	    CS_E_HSM_MECH);
	/* signed by another key of its type: never handed out */
	tokens[KEY_RSA3072_PKCS1].alg = KEY_RSA3072_PSS;
	tokens[KEY_RSA3072_PKCS1].key = key[KEY_RSA3072_PSS];
	assert_code(make_cert(KEY_RSA3072_PKCS1, "a", 0, 1,
			pub[KEY_RSA3072_PKCS1], &der, &n),
	    CS_E_CRYPTO);
	tokens[KEY_RSA3072_PKCS1].alg = KEY_RSA3072_PKCS1;
	tokens[KEY_RSA3072_PKCS1].key = key[KEY_RSA3072_PKCS1];
	assert_null(der);
	longest[SELFSIGN_CN_MAX] = '\0';
	assert_code(make_cert(KEY_P256, longest, 0, 1, pub[KEY_P256], &der, &n),
	    0);
	free(der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_certificate_refusals),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
