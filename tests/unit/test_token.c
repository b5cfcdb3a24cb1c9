/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "hsm/p11_private.h"
#include "lib/ipc.h"
#include "lib/proto_signer.h"
#include "tests/lib/rig.h"

#define PIN	"123456"
#define MESSAGE "what alice approves"

enum { ALICE, BOB, CAROL, DAVE, PEOPLE };

static struct rig rig;
static struct rig_person people[PEOPLE];
static const char *const types[PEOPLE] = { "p256", "ed25519", "p384",
	"rsa3072" };

struct helper {
	pid_t pid;
	int sock, pin;
};

static void
start(const char *conf, struct helper *h)
{
	const char *argv[] = { "coldseal-token", rig.module, NULL };
	char env[RIG_PATH + 32];
	int pair[2], pin[2], fds[2];

	(void)snprintf(env, sizeof(env), "SOFTHSM2_CONF=%s", conf);
	assert_int_equal(ipc_pair(pair), 0);
	assert_int_equal(pipe2(pin, O_CLOEXEC), 0);
	fds[0] = pair[1];
	fds[1] = pin[0];
	h->pid = rig_spawn(&rig, argv, env, fds, 2);
	h->sock = pair[0];
	h->pin = pin[1];
	(void)close(pair[1]);
	(void)close(pin[0]);
}

static int
finish(struct helper *h)
{
	close_fdp(&h->sock);
	close_fdp(&h->pin);
	return rig_wait(h->pid);
}

/* 0, the code of TOKEN_FAIL, or CS_E_IPC if it is gone */
static int
answer(struct helper *h, uint16_t want, struct ipc_msg *m, struct diag *d)
{
	struct rd rd;

	if (ipc_recv(h->sock, m, 30000) != 0)
		return CS_E_IPC;
	if (m->type == TOKEN_FAIL) {
		rd = (struct rd)RD_INIT(m->body.p, m->body.len);
		assert_int_equal(ipc_get_diag(&rd, d), 0);
		return d->code;
	}
	assert_int_equal(m->type, want);
	return 0;
}

/* Asks for the keys of people from..to-1. */
static int
find(struct helper *h, size_t from, size_t to, uint32_t *ret_index,
    uint8_t *ret_flags, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(IPC_MAX - 2);
	char label[64];
	struct rd rd;
	size_t i;
	int r;

	assert_int_equal(buf_put_u32(&b, (uint32_t)(to - from)), 0);
	for (i = from; i < to; i++)
		assert_int_equal(buf_put_str(&b, people[i].pub->spki,
				     people[i].pub->spki_len),
		    0);
	assert_int_equal(ipc_send_buf(h->sock, TOKEN_FIND, &b, -1), 0);
	buf_done(&b);
	r = answer(h, TOKEN_FOUND, &m, d);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	assert_int_equal(rd_u32(&rd, ret_index), 0);
	assert_int_equal(rd_u8(&rd, ret_flags), 0);
	assert_int_equal(rd_cstr_into(&rd, label, sizeof(label)), 0);
	assert_int_equal(rd_end(&rd), 0);
	assert_string_equal(label, people[from + *ret_index].id);
	return 0;
}

static int
sign(struct helper *h, uint8_t kind, const char *pin, struct ipc_msg *m,
    struct diag *d)
{
	struct buf b = BUF_INIT(IPC_MAX - 2);
	ssize_t n;

	assert_int_equal(buf_put_u8(&b, 0), 0);
	assert_int_equal(buf_put_u32(&b, 1), 0);
	assert_int_equal(buf_put_u8(&b, kind), 0);
	assert_int_equal(buf_put_cstr(&b, MESSAGE), 0);
	assert_int_equal(ipc_send_buf(h->sock, TOKEN_SIGN, &b, -1), 0);
	buf_done(&b);
	n = write(h->pin, pin, strlen(pin));
	(void)n;
	close_fdp(&h->pin);
	return answer(h, TOKEN_SIGNED, m, d);
}

static void
check_signature(const struct ipc_msg *m, size_t who)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	const uint8_t *sig;
	uint32_t n;
	size_t len;

	assert_int_equal(rd_u32(&rd, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(rd_str(&rd, 4096, &sig, &len), 0);
	assert_int_equal(rd_end(&rd), 0);
	assert_int_equal(pubkey_verify_message(people[who].pub, MESSAGE,
			     strlen(MESSAGE), sig, len),
	    0);
}

static void
every_key_type(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < PEOPLE; i++) {
		_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
		struct helper h;
		struct diag d = { 0 };
		uint32_t index = 99;
		uint8_t flags = 0xff;

		start(people[i].conf, &h);
		assert_int_equal(find(&h, 0, PEOPLE, &index, &flags, &d), 0);
		assert_int_equal(index, i);
		assert_int_equal(flags, 0);
		if (sign(&h, TOKEN_ITEM_MESSAGE, PIN, &m, &d) != 0)
			fail_msg("%s: %s: %s", people[i].id, err_id(d.code),
			    d.found);
		check_signature(&m, i);
		assert_int_equal(finish(&h), 0);
	}
}

static void
refused_pin(const char *pin, int code)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct helper h;
	struct diag d = { 0 };
	uint32_t index;
	uint8_t flags;

	start(people[ALICE].conf, &h);
	assert_int_equal(find(&h, 0, PEOPLE, &index, &flags, &d), 0);
	assert_int_equal(sign(&h, TOKEN_ITEM_MESSAGE, pin, &m, &d), code);
	/* it does not wait for another try */
	assert_int_not_equal(rig_wait(h.pid), 0);
	close_fdp(&h.sock);
}

static void
wrong_pin(void **state)
{
	char longer[66];

	(void)state;
	refused_pin("654321", CS_E_HSM_PIN);
	refused_pin("", CS_E_TOKEN_PIN);
	memset(longer, '1', 65);
	longer[65] = '\0';
	refused_pin(longer, CS_E_TOKEN_PIN);
}

/* Q5: in one token, and in two. */
static void
two_enrolled_keys(void **state)
{
	char conf[RIG_PATH], env[RIG_PATH + 32], pem[RIG_PATH];
	_cleanup_output_ struct rig_output o = { 0 };
	const char *import[] = { "softhsm2-util", "--import", pem, "--token",
		"alice", "--label", "bob", "--id", "02", "--pin", PIN, NULL };
	struct helper h;
	struct diag d = { 0 };
	uint32_t index;
	uint8_t flags;
	BIO *b = BIO_new(BIO_s_mem());
	char *p;
	long n;

	(void)state;
	rig_softhsm(&rig, "two", conf);
	rig_token_add(&rig, conf, "alice", people[ALICE].key, PIN);
	rig_token_add(&rig, conf, "bob", people[BOB].key, PIN);
	start(conf, &h);
	assert_int_equal(find(&h, 0, PEOPLE, &index, &flags, &d),
	    CS_E_HSM_KEY_AMBIGUOUS);
	assert_int_not_equal(finish(&h), 0);
	/* only one of them is enrolled: no doubt */
	start(conf, &h);
	assert_int_equal(find(&h, BOB, CAROL, &index, &flags, &d), 0);
	assert_int_equal(index, 0);
	(void)finish(&h);

	rig_softhsm(&rig, "both", conf);
	rig_token_add(&rig, conf, "alice", people[ALICE].key, PIN);
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(b, people[BOB].key, NULL,
			     NULL, 0, NULL, NULL),
	    1);
	n = BIO_get_mem_data(b, &p);
	rig_write(&rig, "bob.pem", p, (size_t)n, pem);
	BIO_free(b);
	(void)snprintf(env, sizeof(env), "SOFTHSM2_CONF=%s", conf);
	rig_run(&rig, import, env, &o);
	assert_int_equal(o.status, 0);
	start(conf, &h);
	assert_int_equal(find(&h, 0, PEOPLE, &index, &flags, &d),
	    CS_E_HSM_KEY_AMBIGUOUS);
	assert_int_not_equal(finish(&h), 0);
}

static void
unknown_token(void **state)
{
	struct helper h;
	struct diag d = { 0 };
	uint32_t index;
	uint8_t flags;
	char conf[RIG_PATH];

	(void)state;
	start(people[ALICE].conf, &h);
	assert_int_equal(find(&h, BOB, PEOPLE, &index, &flags, &d),
	    CS_E_HSM_TOKEN_ABSENT);
	assert_non_null(strstr(d.found, "no enrolled key"));
	(void)finish(&h);
	/* nobody is enrolled: never "any" */
	start(people[ALICE].conf, &h);
	assert_int_equal(find(&h, 0, 0, &index, &flags, &d),
	    CS_E_HSM_TOKEN_ABSENT);
	(void)finish(&h);
	rig_softhsm(&rig, "none", conf);
	start(conf, &h);
	assert_int_equal(find(&h, 0, PEOPLE, &index, &flags, &d),
	    CS_E_HSM_TOKEN_ABSENT);
	(void)finish(&h);
}

/* An item for the TPM: it takes P-256, P-384 and RSA, and no Ed25519. */
static void
tpm_item(void **state)
{
	static const size_t good[] = { ALICE, CAROL, DAVE };
	_cleanup_msg_ struct ipc_msg x = IPC_MSG_INIT;
	struct helper h;
	struct diag d = { 0 };
	uint32_t index;
	uint8_t flags;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(good); i++) {
		_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;

		start(people[good[i]].conf, &h);
		assert_int_equal(find(&h, 0, PEOPLE, &index, &flags, &d), 0);
		assert_int_equal(sign(&h, TOKEN_ITEM_TPM, PIN, &m, &d), 0);
		check_signature(&m, good[i]);
		assert_int_equal(finish(&h), 0);
	}
	start(people[BOB].conf, &h);
	assert_int_equal(find(&h, 0, PEOPLE, &index, &flags, &d), 0);
	assert_int_equal(sign(&h, TOKEN_ITEM_TPM, PIN, &x, &d),
	    CS_E_TOKEN_ITEM);
	(void)finish(&h);
}

static void
out_of_turn(void **state)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT, x = IPC_MSG_INIT;
	struct helper h;
	struct diag d = { 0 };
	uint32_t index;
	uint8_t flags;

	(void)state;
	start(people[ALICE].conf, &h);
	assert_int_equal(sign(&h, TOKEN_ITEM_MESSAGE, PIN, &m, &d), CS_E_IPC);
	assert_int_not_equal(finish(&h), 0);
	start(people[ALICE].conf, &h);
	assert_int_equal(find(&h, 0, PEOPLE, &index, &flags, &d), 0);
	assert_int_equal(find(&h, 0, PEOPLE, &index, &flags, &d), CS_E_IPC);
	assert_int_not_equal(finish(&h), 0);
	/* an item of an unknown kind */
	start(people[ALICE].conf, &h);
	assert_int_equal(find(&h, 0, PEOPLE, &index, &flags, &d), 0);
	assert_int_equal(sign(&h, 7, PIN, &x, &d), CS_E_IPC);
	assert_int_not_equal(finish(&h), 0);
}

static void
no_module(void **state)
{
	const char *argv[] = { "coldseal-token", "/nonexistent.so", NULL };
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct helper h = { .pin = -1 };
	struct diag d = { 0 };
	int pair[2], fds[2];

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	fds[0] = fds[1] = pair[1];
	h.pid = rig_spawn(&rig, argv, NULL, fds, 2);
	h.sock = pair[0];
	(void)close(pair[1]);
	assert_int_equal(ipc_send(h.sock, TOKEN_FIND, "\0\0\0\0", 4, -1), 0);
	assert_int_equal(answer(&h, TOKEN_FOUND, &m, &d), CS_E_HSM_MODULE);
	assert_int_not_equal(finish(&h), 0);
}

static int
setup(void **state)
{
	static const char *const ids[PEOPLE] = { "alice", "bob", "carol",
		"dave" };
	size_t i;

	(void)state;
	rig_init(&rig);
	for (i = 0; i < PEOPLE; i++) {
		rig_person(&people[i], ids[i], "person", "acme", "approver",
		    types[i]);
		rig_person_token(&rig, &people[i], PIN);
	}
	return 0;
}

static int
teardown(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < PEOPLE; i++)
		rig_person_done(&people[i]);
	rig_done(&rig);
	return 0;
}

/* A pair whose private key wants the PIN at each signature */
static struct pubkey *
careful_key(const char *conf, const char *label)
{
	static const uint8_t p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
		0x3d, 0x03, 0x01, 0x07 };
	CK_BBOOL yes = CK_TRUE;
	CK_BYTE id = 1;
	CK_ATTRIBUTE pub[] = { { CKA_TOKEN, &yes, 1 }, { CKA_VERIFY, &yes, 1 },
		{ CKA_EC_PARAMS, (void *)(uintptr_t)p256, sizeof(p256) },
		{ CKA_ID, &id, 1 } };
	CK_ATTRIBUTE priv[] = { { CKA_TOKEN, &yes, 1 },
		{ CKA_PRIVATE, &yes, 1 }, { CKA_SENSITIVE, &yes, 1 },
		{ CKA_SIGN, &yes, 1 }, { CKA_ALWAYS_AUTHENTICATE, &yes, 1 },
		{ CKA_ID, &id, 1 } };
	CK_MECHANISM m = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_OBJECT_HANDLE a = 0, b = 0;
	struct p11_session *session = NULL;
	struct pubkey *k = NULL;
	struct secret *pin = NULL;
	struct p11_token t;
	struct p11 *p = NULL;
	bool on = false;

	assert_int_equal(setenv("SOFTHSM2_CONF", conf, 1), 0);
	assert_int_equal(secret_new(strlen(PIN), &pin), 0);
	memcpy(secret_data(pin), PIN, strlen(PIN));
	assert_int_equal(p11_open(rig.module, &p, NULL), 0);
	assert_int_equal(p11_find_token_blank(p, &t, NULL), 0);
	assert_int_equal(p11_init_token(p, &t, label, pin, pin, &t, NULL), 0);
	assert_int_equal(p11_session_open(p, &t, true, &session, NULL), 0);
	assert_int_equal(p11_login(session, pin, 0, NULL), 0);
	assert_int_equal(session->f->C_GenerateKeyPair(session->h, &m, pub,
			     ARRAY_LEN(pub), priv, ARRAY_LEN(priv), &a, &b),
	    CKR_OK);
	assert_int_equal(p11_attr_bool(session, b, CKA_ALWAYS_AUTHENTICATE,
			     &on),
	    0);
	assert_true(on);
	assert_int_equal(p11_public_spki(session, &id, 1, NULL, &k, NULL), 0);
	p11_session_close(&session);
	p11_close(&p);
	secret_free(&pin);
	return k;
}

/* Two items, one PIN entry: the token gets the PIN for each of them. */
static void
pin_at_each_signature(void **state)
{
	struct pubkey *const before = people[ALICE].pub;
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(IPC_MAX - 2);
	struct helper h;
	struct diag d = { 0 };
	const uint8_t *sig;
	uint32_t index, n = 0, i;
	char conf[RIG_PATH];
	uint8_t flags;
	struct rd rd;
	size_t len;

	(void)state;
	rig_softhsm(&rig, "careful", conf);
	people[ALICE].pub = careful_key(conf, people[ALICE].id);
	start(conf, &h);
	assert_int_equal(find(&h, ALICE, ALICE + 1, &index, &flags, &d), 0);
	assert_int_equal(buf_put_u8(&b, 0), 0);
	assert_int_equal(buf_put_u32(&b, 2), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(buf_put_u8(&b,
				     i == 0 ? TOKEN_ITEM_MESSAGE :
					      TOKEN_ITEM_TPM),
		    0);
		assert_int_equal(buf_put_cstr(&b, MESSAGE), 0);
	}
	assert_int_equal(ipc_send_buf(h.sock, TOKEN_SIGN, &b, -1), 0);
	buf_done(&b);
	assert_int_equal(write(h.pin, PIN, strlen(PIN)), strlen(PIN));
	close_fdp(&h.pin);
	if (answer(&h, TOKEN_SIGNED, &m, &d) != 0)
		fail_msg("%s: %s", err_id(d.code), d.found);
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	assert_int_equal(rd_u32(&rd, &n), 0);
	assert_int_equal(n, 2);
	for (i = 0; i < n; i++) {
		assert_int_equal(rd_str(&rd, 512, &sig, &len), 0);
		assert_int_equal(pubkey_verify_message(people[ALICE].pub,
				     MESSAGE, strlen(MESSAGE), sig, len),
		    0);
	}
	assert_int_equal(finish(&h), 0);
	pubkey_free(&people[ALICE].pub);
	people[ALICE].pub = before;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_type),
		cmocka_unit_test(wrong_pin),
		cmocka_unit_test(two_enrolled_keys),
		cmocka_unit_test(unknown_token),
		cmocka_unit_test(tpm_item),
		cmocka_unit_test(out_of_turn),
		cmocka_unit_test(pin_at_each_signature),
		cmocka_unit_test(no_module),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
