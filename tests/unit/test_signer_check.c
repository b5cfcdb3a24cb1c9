/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <signal.h>
#include <string.h>

#include "hsm/signer_check.h"
#include "lib/ipc.h"
#include "lib/proto_signer.h"

/*
 * What a token that makes bad signatures would cause (HSM-SELF-VERIFY); the
 * signatures here are made with OpenSSL, good and bad at will.
 */
#define SUBJECTS 300u /* several times the ring */

static EVP_PKEY *pkey;
static struct policy_key key;
static struct request req;
static struct statement st;
static struct subject subjects[SUBJECTS];

static void
sign(size_t subject, struct sigfmt_sigs *ret)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(pkey, NULL);

	ret->n = 1;
	ret->v[0].len = sizeof(ret->v[0].p);
	assert_non_null(c);
	assert_int_equal(EVP_PKEY_sign_init(c), 1);
	assert_int_equal(EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()), 1);
	assert_int_equal(EVP_PKEY_sign(c, ret->v[0].p, &ret->v[0].len,
			     subjects[subject].digest[HASH_SHA256], 32),
	    1);
	EVP_PKEY_CTX_free(c);
}

/* Reads SIGNER_SIG until the socket is empty. */
static uint32_t
drain(int sock)
{
	const uint8_t *sig;
	uint32_t n = 0, i;
	size_t len;

	for (;;) {
		_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
		struct rd rd;

		if (ipc_recv(sock, &m, 0) != 0)
			return n;
		assert_int_equal(m.type, SIGNER_SIG);
		rd = (struct rd)RD_INIT(m.body.p, m.body.len);
		do {
			assert_int_equal(rd_u32(&rd, &i), 0);
			assert_int_equal(i, n);
			assert_int_equal(rd_str(&rd, IPC_MAX, &sig, &len), 0);
			n++;
		} while (rd_end(&rd) != 0);
	}
}

/* Pushes n, subject bad with another subject's signature; what push said. */
static int
push_all(struct signer_check *c, size_t n, size_t bad)
{
	struct sigfmt_sigs parts;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < n; i++) {
		sign(i == bad ? i + 1 : i, &parts);
		r = signer_check_push(c, (uint32_t)i, &parts);
	}
	return r;
}

static void
all_good(void **state)
{
	const size_t n = 40; /* fit into the socket unread */
	struct signer_check_job job = { .req = &req, .key = &key };
	struct signer_check *c;
	struct diag d = { 0 };
	uint32_t sent = 0;
	int pair[2];

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	job.sock = pair[0];
	assert_int_equal(signer_check_open(&job, &c, &d), 0);
	assert_int_equal(push_all(c, n, SUBJECTS), 0);
	assert_int_equal(signer_check_close(&c, false, &sent, &d), 0);
	assert_null(c);
	assert_int_equal(sent, n);
	assert_int_equal(drain(pair[1]), n);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
one_bad(void **state)
{
	struct signer_check_job job = { .req = &req, .key = &key };
	struct signer_check *c;
	struct diag d = { 0 };
	uint32_t sent = 0;
	int pair[2];

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	job.sock = pair[0];
	assert_int_equal(signer_check_open(&job, &c, &d), 0);
	/* the ring is smaller than what is left: push must notice */
	assert_int_equal(push_all(c, SUBJECTS - 1, 5), CS_E_SELF_VERIFY);
	assert_int_equal(signer_check_close(&c, true, &sent, &d),
	    CS_E_SELF_VERIFY);
	assert_int_equal(d.code, CS_E_SELF_VERIFY);
	assert_non_null(strstr(d.found, "subject 5"));
	/* the good ones before it, and never it */
	assert_int_equal(drain(pair[1]), 5);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

/* The last one is bad: close alone must say so. */
static void
last_bad(void **state)
{
	struct signer_check_job job = { .req = &req, .key = &key };
	struct signer_check *c;
	struct diag d = { 0 };
	uint32_t sent = 0;
	int pair[2];

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	job.sock = pair[0];
	assert_int_equal(signer_check_open(&job, &c, &d), 0);
	assert_int_equal(push_all(c, 3, 2), 0);
	assert_int_equal(signer_check_close(&c, false, &sent, &d),
	    CS_E_SELF_VERIFY);
	assert_int_equal(drain(pair[1]), 2);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
core_gone(void **state)
{
	struct signer_check_job job = { .req = &req, .key = &key };
	struct signer_check *c;
	struct diag d = { 0 };
	uint32_t sent = 0;
	int pair[2];

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	job.sock = pair[0];
	(void)close(pair[1]);
	assert_int_equal(signer_check_open(&job, &c, &d), 0);
	assert_int_not_equal(push_all(c, SUBJECTS - 1, SUBJECTS), 0);
	assert_int_equal(signer_check_close(&c, true, &sent, &d), CS_E_IPC);
	(void)close(pair[0]);
}

static int
setup(void **state)
{
	unsigned char *der = NULL;
	size_t i;
	int n;

	(void)state;
	pkey = EVP_EC_gen("P-256");
	n = i2d_PUBKEY(pkey, &der);
	if (n <= 0 || pubkey_from_spki(der, (size_t)n, &key.key, NULL) != 0)
		return -1;
	OPENSSL_free(der);
	key.id = "k";
	key.alg = KEY_P256;
	for (i = 0; i < SUBJECTS; i++) {
		subjects[i].has[HASH_SHA256] = true;
		memset(subjects[i].digest[HASH_SHA256], (int)(i & 0xff), 32);
		subjects[i].digest[HASH_SHA256][0] = (uint8_t)(i >> 8);
	}
	st.subjects = subjects;
	st.nsubjects = SUBJECTS;
	req.st = &st;
	req.format = "raw";
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	pubkey_free(&key.key);
	EVP_PKEY_free(pkey);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_good),
		cmocka_unit_test(one_bad),
		cmocka_unit_test(last_bad),
		cmocka_unit_test(core_gone),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, setup, teardown);
}
