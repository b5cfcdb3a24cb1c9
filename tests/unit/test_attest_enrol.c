/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "tests/unit/attest_rig.h"

#define NV_RSA	  0x01c00002u
#define NV_ECC	  0x01c0000au
#define TRANSIENT 0x80000000u
#define SESSIONS  0x02000000u
#define DIGITS \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* --- credentials --- */
static void
activate(struct attest_rig *f, bool rsa)
{
	struct buf ek = BUF_INIT(ATTEST_MAX), cert = BUF_INIT(ATTEST_MAX);
	struct buf cred = BUF_INIT(ATTEST_MAX);
	uint8_t secret[32], name[ATTEST_NAME_LEN];
	struct secret *out = NULL;
	struct pubkey *key = NULL;
	struct diag d = { 0 };
	size_t i;

	attest_must(tpm_ek_read(f->t, &ek, &cert, &d), &d);
	attest_must(attest_ek_parse(ek.p, ek.len, &key, &d), &d);
	assert_int_equal(EVP_PKEY_get_base_id(key->pkey) == EVP_PKEY_RSA, rsa);
	assert_int_equal(RAND_bytes(secret, 32), 1);
	attest_must(attest_make_credential(ek.p, ek.len, f->pinned.ak->name,
			secret, &cred, &d),
	    &d);
	attest_must(tpm_activate(f->t, cred.p, cred.len, &out, &d), &d);
	assert_int_equal(secret_len(out), 32);
	assert_memory_equal(secret_data(out), secret, 32);
	secret_free(&out);
	for (i = 8; i < cred.len; i += 5) { /* an altered one */
		cred.p[i] ^= 0x40;
		assert_int_not_equal(tpm_activate(f->t, cred.p, cred.len, &out,
					 &d),
		    0);
		assert_null(out);
		cred.p[i] ^= 0x40;
	}
	/* for another key of the same TPM */
	memcpy(name, f->pinned.ak->name, sizeof(name));
	name[33] ^= 1;
	attest_must(attest_make_credential(ek.p, ek.len, name, secret, &cred,
			&d),
	    &d);
	assert_int_equal(tpm_activate(f->t, cred.p, cred.len, &out, &d),
	    CS_E_ATTEST_CRED_OTHER);
	assert_null(out);
	pubkey_free(&key);
	buf_done(&ek);
	buf_done(&cert);
	buf_done(&cred);
}

static void
test_credential(void **state)
{
	struct attest_rig *f = *state;
	const uint8_t cert[] = { 0x30, 0x03, 0x02, 0x01, 0x00 };
	struct buf got = BUF_INIT(ATTEST_MAX), ek = BUF_INIT(ATTEST_MAX);
	struct pubkey *key = NULL;
	struct diag d = { 0 };
	TPM2B_PUBLIC pub;

	activate(f, false);
	attest_write_index(f->t, NV_RSA, cert, sizeof(cert));
	activate(f, true);
	attest_must(tpm_ek_read(f->t, &ek, &got, &d), &d);
	/* only RSA 2048 */
	assert_int_equal(attest_unmarshal_public(ek.p, ek.len, &pub), 0);
	memset(pub.publicArea.unique.rsa.buffer, 0xc5, 512);
	pub.publicArea.unique.rsa.size = 512;
	buf_reset(&ek);
	assert_int_equal(attest_marshal_public(&pub, &ek), 0);
	assert_int_equal(attest_ek_parse(ek.p, ek.len, &key, &d),
	    CS_E_ATTEST_EK_FORM);
	assert_null(key);
	assert_int_equal(got.len, sizeof(cert));
	assert_memory_equal(got.p, cert, sizeof(cert));
	/* with both, ECC */
	attest_write_index(f->t, NV_ECC, cert, sizeof(cert));
	activate(f, false);
	buf_done(&got);
	buf_done(&ek);
}

static void
test_credential_form(void **state)
{
	struct attest_rig *f = *state;
	struct buf ek = BUF_INIT(ATTEST_MAX), cert = BUF_INIT(ATTEST_MAX);
	struct buf cred = BUF_INIT(ATTEST_MAX);
	const uint8_t secret[32] = { 1 };
	struct secret *out = NULL;
	struct diag d = { 0 };
	size_t i;

	attest_must(tpm_ek_read(f->t, &ek, &cert, &d), &d);
	attest_must(attest_make_credential(ek.p, ek.len, f->pinned.ak->name,
			secret, &cred, &d),
	    &d);
	for (i = 0; i < cred.len; i++)
		assert_int_equal(tpm_activate(f->t, cred.p, i, &out, &d),
		    CS_E_ATTEST_CRED_FORM);
	for (i = 0; i < 8; i++) {
		cred.p[i] ^= 1;
		assert_int_equal(tpm_activate(f->t, cred.p, cred.len, &out, &d),
		    CS_E_ATTEST_CRED_FORM);
		cred.p[i] ^= 1;
	}
	assert_int_equal(buf_put_u8(&cred, 0), 0);
	assert_int_equal(tpm_activate(f->t, cred.p, cred.len, &out, &d),
	    CS_E_ATTEST_CRED_FORM);
	/* neither an EK that is no point, nor one of another template */
	ek.p[ek.len - 1] ^= 1;
	assert_int_equal(attest_make_credential(ek.p, ek.len,
			     f->pinned.ak->name, secret, &cred, &d),
	    CS_E_ATTEST_EK_FORM);
	ek.p[ek.len - 1] ^= 1;
	ek.p[9] ^= 1; /* attributes */
	assert_int_equal(attest_make_credential(ek.p, ek.len,
			     f->pinned.ak->name, secret, &cred, &d),
	    CS_E_ATTEST_EK_FORM);
	buf_done(&ek);
	buf_done(&cert);
	buf_done(&cred);
}

/* sized fields that are empty, or more than their structure holds */
static void
test_credential_sizes(void **state)
{
	static const uint16_t sizes[][2] = { { 0, 32 }, { 32, 0 }, { 900, 32 },
		{ 32, 900 } };
	struct attest_rig *f = *state;
	const uint8_t zero[900] = { 0 };
	struct secret *out = NULL;
	struct diag d;
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(sizes); i++) {
		struct buf b = BUF_INIT(ATTEST_MAX);

		assert_int_equal(buf_put_u32(&b, ATTEST_CRED_MAGIC), 0);
		assert_int_equal(buf_put_u32(&b, 1), 0);
		for (k = 0; k < 2; k++) {
			assert_int_equal(buf_put_u16(&b, sizes[i][k]), 0);
			assert_int_equal(buf_put(&b, zero, sizes[i][k]), 0);
		}
		assert_int_equal(tpm_activate(f->t, b.p, b.len, &out, &d),
		    CS_E_ATTEST_CRED_FORM);
		buf_done(&b);
	}
}

/* --- EK certificates --- */
static EVP_PKEY *
new_key(void)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");

	assert_non_null(k);
	return k;
}

static void
add_ext(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* eku NULL: a CA */
static X509 *
new_cert(EVP_PKEY *key, const char *cn, EVP_PKEY *ca, const char *issuer,
    const char *eku)
{
	X509 *x = X509_new();

	assert_non_null(x);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
	    (const unsigned char *)cn, -1, -1, 0);
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_ASC,
	    (const unsigned char *)issuer, -1, -1, 0);
	if (eku == NULL)
		add_ext(x, NID_basic_constraints, "critical,CA:TRUE");
	else if (*eku != '\0')
		add_ext(x, NID_ext_key_usage, eku);
	assert_true(X509_sign(x, ca, EVP_sha256()) > 0);
	return x;
}

static int
check_cert(const struct pubkey *ek, X509 *cert, X509 *ca)
{
	uint8_t *der = NULL, padded[2048];
	int len = i2d_X509(cert, &der), r;
	BIO *bio = BIO_new(BIO_s_mem());
	struct diag d;
	char *pem;

	assert_true(len > 0 && len < 2000);
	assert_int_equal(PEM_write_bio_X509(bio, ca), 1);
	memset(padded, 0xff, sizeof(padded));
	memcpy(padded, der, (size_t)len);
	r = attest_ek_check_cert(ek, padded, (size_t)len + 20,
	    (BIO_get_mem_data(bio, &pem), pem), (size_t)BIO_pending(bio), &d);
	padded[len + 3] = 'x';
	assert_int_equal(attest_ek_check_cert(ek, padded, (size_t)len + 20, pem,
			     (size_t)BIO_pending(bio), &d),
	    CS_E_ATTEST_EK_CERT);
	assert_int_equal(attest_ek_check_cert(ek, der, (size_t)len, "", 0, &d),
	    r == 0 ? CS_E_ATTEST_EK_CERT : r);
	OPENSSL_free(der);
	BIO_free(bio);
	return r;
}

static void
test_ek_cert(void **state)
{
	static const char use[] = "2.23.133.8.1";
	struct attest_rig *f = *state;
	struct buf ek = BUF_INIT(ATTEST_MAX), nv = BUF_INIT(ATTEST_MAX);
	EVP_PKEY *root = new_key(), *rogue = new_key();
	X509 *ca = new_cert(root, "CA", root, "CA", NULL);
	X509 *rogue_ca = new_cert(rogue, "CA", rogue, "CA", NULL);
	struct pubkey *key = NULL;
	struct diag d = { 0 };
	X509 *x;

	attest_must(tpm_ek_read(f->t, &ek, &nv, &d), &d);
	assert_int_equal(nv.len, 0);
	attest_must(attest_ek_parse(ek.p, ek.len, &key, &d), &d);
	x = new_cert(key->pkey, "EK", root, "CA", use);
	assert_int_equal(check_cert(key, x, ca), 0);
	assert_int_equal(check_cert(key, x, rogue_ca), CS_E_ATTEST_EK_CERT);
	/* itself as CA */
	assert_int_equal(check_cert(key, x, x), CS_E_ATTEST_EK_CERT);
	X509_free(x);
	x = new_cert(key->pkey, "EK", root, "CA", "serverAuth");
	assert_int_equal(check_cert(key, x, ca), CS_E_ATTEST_EK_USE);
	X509_free(x);
	x = new_cert(key->pkey, "EK", root, "CA", "");
	assert_int_equal(check_cert(key, x, ca), CS_E_ATTEST_EK_USE);
	X509_free(x);
	x = new_cert(rogue, "EK", root, "CA", use);
	assert_int_equal(check_cert(key, x, ca), CS_E_ATTEST_EK_KEY);
	X509_free(x);
	x = new_cert(key->pkey, "EK", root, "CA", use);
	X509_gmtime_adj(X509_getm_notAfter(x), -10);
	assert_true(X509_sign(x, root, EVP_sha256()) > 0);
	assert_int_equal(check_cert(key, x, ca), CS_E_ATTEST_EK_CERT);
	X509_free(x);
	X509_free(ca);
	X509_free(rogue_ca);
	EVP_PKEY_free(root);
	EVP_PKEY_free(rogue);
	pubkey_free(&key);
	buf_done(&ek);
	buf_done(&nv);
}

/* --- the TPM's side --- */
static void
assert_nothing_loaded(struct tpm *t)
{
	static const uint32_t ranges[] = { TRANSIENT, SESSIONS };
	size_t i;

	for (i = 0; i < ARRAY_LEN(ranges); i++) {
		TPMS_CAPABILITY_DATA *cap = NULL;
		TPMI_YES_NO more;

		assert_int_equal(Esys_GetCapability(t->esys, ESYS_TR_NONE,
				     ESYS_TR_NONE, ESYS_TR_NONE,
				     TPM2_CAP_HANDLES, ranges[i], 8, &more,
				     &cap),
		    0);
		assert_int_equal(cap->data.handles.count, 0);
		Esys_Free(cap);
	}
}

static void
test_no_leak(void **state)
{
	struct attest_rig *f = *state;
	struct attest_evidence e;
	struct secret *out = NULL;
	struct diag d;
	int i;

	for (i = 0; i < 10; i++) {
		assert_int_equal(tpm_quote(f->t, MASK, attest_challenge, &e,
				     &d),
		    0);
		assert_int_equal(tpm_quote(f->t, 0, attest_challenge, &e, &d),
		    CS_E_TPM_SELECT);
		assert_int_equal(tpm_quote(f->t, 1u << 24, attest_challenge, &e,
				     &d),
		    CS_E_TPM_SELECT);
		assert_int_equal(tpm_nv_certify(f->t, INDEX, attest_challenge,
				     &e, &d),
		    0);
		assert_int_equal(tpm_nv_certify(f->t, 0x01500055,
				     attest_challenge, &e, &d),
		    CS_E_TPM_FAIL);
		assert_int_equal(tpm_activate(f->t, (const uint8_t *)"x", 1,
				     &out, &d),
		    CS_E_ATTEST_CRED_FORM);
	}
	activate(f, false);
	assert_nothing_loaded(f->t);
	/* an index that nobody has written cannot be certified */
	attest_define_index(f->t, 0x01500056, 32, TPM2_NT_EXTEND);
	assert_int_equal(tpm_nv_certify(f->t, 0x01500056, attest_challenge, &e,
			     &d),
	    CS_E_TPM_FAIL);
	assert_nothing_loaded(f->t);
}

/* --- files --- */
static void
test_answer_form(void **state)
{
	static const struct {
		const char *from, *to;
	} bad[] = {
		{ "coldseal-attest-v1", "coldseal-attest-v2" },
		{ "\"image_version\":7", "\"image_version\":-7" },
		{ "\"image_version\":7", "\"image_version\": 7" },
		{ "\"challenge\":\"c0", "\"challenge\":\"C0" },
		{ "\"challenge\":\"c0", "\"challenge\":\"c" },
		{ "\"index\":\"0x01500013\"", "\"index\":\"0x1500013\"" },
		{ "\"index\":\"0x01500013\"", "\"index\":\"0x0150001G\"" },
		{ "\"attest\":\"", "\"attest\":\"*" },
		{ "\"checkpoint\"", "\"checkpoints\"" },
		{ "\"checkpoint\":\"", "\"checkpoint\":\"AAAA" },
		{ "\"type\"", "\"more\":1,\"type\"" },
		{ "{\"anchor\"", " {\"anchor\"" },
	};
	struct attest_rig *f = *state;
	_cleanup_free_ char *text = NULL;
	struct attest_answer a;
	struct diag d = { 0 };
	size_t len, i, at;
	char changed[8192], *p;

	attest_must(attest_answer_format(&f->answer, &text, &len, &d), &d);
	attest_must(attest_answer_parse(text, len, &a, &d), &d);
	attest_answer_done(&a);
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		p = strstr(text, bad[i].from);
		assert_non_null(p);
		at = (size_t)(p - text);
		assert_true(
		    snprintf(changed, sizeof(changed), "%.*s%s%s", (int)at,
			text, bad[i].to,
			p + strlen(bad[i].from)) < (int)sizeof(changed));
		if (attest_answer_parse(changed, strlen(changed), &a, &d) !=
		    CS_E_ATTEST_ANSWER)
			fail_msg("case %zu is accepted", i);
	}
	for (i = 0; i < len; i += 7)
		assert_int_equal(attest_answer_parse(text, i, &a, &d),
		    CS_E_ATTEST_ANSWER);
	/* a note of more than 16 KiB */
	free(take_ptr(text));
	free(f->answer.checkpoint);
	f->answer.checkpoint = calloc(1, 17000);
	assert_non_null(f->answer.checkpoint);
	memset(f->answer.checkpoint, 'x', 16999);
	attest_must(attest_answer_format(&f->answer, &text, &len, &d), &d);
	assert_int_equal(attest_answer_parse(text, len, &a, &d),
	    CS_E_ATTEST_ANSWER);
}

static void
test_golden_form(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"pcrs\":{},\"version\":1}",
		"{\"pcrs\":{\"24\":\"" DIGITS "\"},\"version\":1}",
		"{\"pcrs\":{\"07\":\"" DIGITS "\"},\"version\":1}",
		"{\"pcrs\":{\"7\":\"0\"},\"version\":1}",
		"{\"pcrs\":{\"7\":\"" DIGITS "\"},\"version\":\"1\"}",
		"{\"pcrs\":{\"7\":\"" DIGITS "\"},\"version\":1,\"x\":1}",
		"{\"pcrs\":{\"7\":\"" DIGITS "\"}}",
	};
	static const char good[] = "{\"pcrs\":{\"7\":\"" DIGITS
				   "\",\"23\":\"" DIGITS "\"},\"version\":9}";
	struct attest_golden g;
	struct diag d = { 0 };
	size_t i;

	(void)state;
	attest_must(attest_golden_parse(good, strlen(good), &g, &d), &d);
	assert_int_equal(g.version, 9);
	assert_int_equal(g.pcrs.mask, 1u << 7 | 1u << 23);
	for (i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(attest_golden_parse(bad[i], strlen(bad[i]), &g,
				     &d),
		    CS_E_ATTEST_GOLDEN);
}

static void
test_pinned_form(void **state)
{
	static const struct {
		const char *from, *to;
	} bad[] = {
		{ "\"ak_name\":\"000b", "\"ak_name\":\"000c" },
		{ "\"index\":\"0x0", "\"index\":\"0X0" },
		{ "\"index\":\"0x0", "\"index\":\"0x" },
		{ "\"index\":\"0x0150001", "\"index\":\"0x150001A" },
		{ "-ak-v1", "-ak-v2" },
		{ "\"name\":\"000b", "\"name\":\"0b" },
		{ "\"ek_trust\":\"pinned\"", "\"ek_trust\":\"me\"" },
		{ "\"type\"", "\"expect\":\"" DIGITS "\",\"type\"" },
		{ "\"ak_public\":\"A", "\"ak_public\":\"B" },
	};
	struct attest_rig *f = *state;
	_cleanup_free_ char *text = NULL;
	struct attest_pinned p;
	struct diag d = { 0 };
	char changed[4096], *at;
	size_t len, i;

	attest_must(attest_pinned_format(&f->pinned, &text, &len, &d), &d);
	attest_must(attest_pinned_parse(text, len, false, &p, &d), &d);
	assert_memory_equal(p.ak->name, f->pinned.ak->name, ATTEST_NAME_LEN);
	assert_memory_equal(p.anchor, f->pinned.anchor, ATTEST_NAME_LEN);
	assert_int_equal(p.index, INDEX);
	attest_pinned_done(&p);
	/* an enrolment that is not finished is no pinned key */
	assert_int_equal(attest_pinned_parse(text, len, true, &p, &d),
	    CS_E_ATTEST_ENROLMENT);
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		at = strstr(text, bad[i].from);
		assert_non_null(at);
		assert_true(
		    snprintf(changed, sizeof(changed), "%.*s%s%s",
			(int)(at - text), text, bad[i].to,
			at + strlen(bad[i].from)) < (int)sizeof(changed));
		if (attest_pinned_parse(changed, strlen(changed), false, &p,
			&d) != CS_E_ATTEST_PINNED)
			fail_msg("case %zu is accepted", i);
	}
	f->pinned.pending = true;
	free(text);
	attest_must(attest_pinned_format(&f->pinned, &text, &len, &d), &d);
	assert_int_equal(attest_pinned_parse(text, len, false, &p, &d),
	    CS_E_ATTEST_PINNED);
	attest_must(attest_pinned_parse(text, len, true, &p, &d), &d);
	attest_pinned_done(&p);
}

static void
test_activation_answer(void **state)
{
	const uint8_t secret[32] = { 5 };
	struct attest_pinned p = { .pending = true };
	struct diag d = { 0 };
	uint8_t answer[32];

	(void)state;
	assert_int_equal(attest_activation_answer(secret, answer), 0);
	assert_int_equal(sha256(answer, 32, p.expect), 0);
	attest_must(attest_check_activation(&p, answer, &d), &d);
	p.pending = false; /* enrolled already */
	assert_int_equal(attest_check_activation(&p, answer, &d),
	    CS_E_ATTEST_ACTIVATE);
	p.pending = true;
	answer[0] ^= 1;
	assert_int_equal(attest_check_activation(&p, answer, &d),
	    CS_E_ATTEST_ACTIVATE);
	/* what the enrolment file holds is no answer */
	assert_int_equal(attest_check_activation(&p, p.expect, &d),
	    CS_E_ATTEST_ACTIVATE);
}

#define T(name)                                                    \
	cmocka_unit_test_setup_teardown(test_##name, attest_setup, \
	    attest_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(credential),
		T(credential_form),
		T(credential_sizes),
		T(ek_cert),
		T(no_leak),
		T(answer_form),
		T(pinned_form),
		cmocka_unit_test(test_golden_form),
		cmocka_unit_test(test_activation_answer),
	};

	(void)setenv("TSS2_LOG", "all+NONE", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
