/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints of the ledger under one key and under two. */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "appliance/ledger.h"
#include "lib/file.h"
#include "lib/note.h"

#define ORIGIN "ledger.example/log"
#define NOW    INT64_C(1795000000)

static EVP_PKEY *ed, *ec;
static struct note_vkeys keys;
static char dir[64], home[512];
static int state_fd = -1;

static size_t
sign(EVP_PKEY *p, const char *text, uint8_t sig[NOTE_ECDSA_MAX])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t n = NOTE_ECDSA_MAX;

	assert_int_equal(EVP_DigestSignInit(c, NULL,
			     p == ed ? NULL : EVP_sha256(), NULL, p),
	    1);
	assert_int_equal(EVP_DigestSign(c, sig, &n, (const uint8_t *)text,
			     strlen(text)),
	    1);
	EVP_MD_CTX_free(c);
	return n;
}

static void
write_vkeys(size_t first, size_t n)
{
	struct note_vkeys some = { .n = n };
	char text[NOTE_VKEYS_TEXT_MAX];

	memcpy(some.v, keys.v + first, n * sizeof(some.v[0]));
	note_vkeys_format(&some, text);
	assert_int_equal(file_write_atomic(state_fd, "enrol/log.vkey", text,
			     strlen(text), 0600, NULL),
	    0);
}

static int
setup(void **state)
{
	uint8_t seed[32] = { 1 }, pub[32], *der = NULL;
	size_t n = 32;
	int len;

	(void)state;
	ed = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
	ec = EVP_EC_gen("P-256");
	assert_true(ed != NULL && ec != NULL);
	assert_int_equal(EVP_PKEY_get_raw_public_key(ed, pub, &n), 1);
	assert_int_equal(note_vkey_make(ORIGIN, pub, &keys.v[0], NULL), 0);
	assert_true((len = i2d_PUBKEY(ec, &der)) > 0);
	assert_int_equal(note_vkey_make_ecdsa(ORIGIN, der, (size_t)len,
			     &keys.v[1], NULL),
	    0);
	OPENSSL_free(der);
	assert_non_null(getcwd(home, sizeof(home)));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(ed);
	EVP_PKEY_free(ec);
	return 0;
}

/* An empty state folder with these keys, which the test stands in. */
static int
begin(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/test_ledger.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(dir_open(AT_FDCWD, ".", &state_fd, NULL), 0);
	assert_int_equal(dir_make(state_fd, "enrol", NULL), 0);
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
end(void **state)
{
	(void)state;
	close_fdp(&state_fd);
	assert_int_equal(chdir(home), 0);
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int
try_open(void)
{
	struct ledger *l = NULL;
	int r = ledger_open(state_fd, ORIGIN, &l, NULL);

	ledger_close(&l);
	return r;
}

/* An open ledger with one leaf more, and the text to sign. */
static struct ledger *
open_and_append(char **ret_text)
{
	struct ledger_clock clock = { .safe = true };
	struct event ev = { .type = "shutdown", .data = json_object() };
	struct ledger *l = NULL;

	assert_int_equal(ledger_open(state_fd, ORIGIN, &l, NULL), 0);
	assert_int_equal(ledger_append(l, &ev, 1, &clock, NOW, NULL), 0);
	assert_int_equal(ledger_checkpoint_text(l, ret_text, NULL), 0);
	assert_int_equal(ledger_checkpointed(l), 0);
	return l;
}

static void
stored(struct ledger *l, const char *text, size_t lines)
{
	_cleanup_free_ uint8_t *note = NULL, *other = NULL;
	size_t len, n, i, count = 0;
	struct checkpoint c;

	assert_int_equal(ledger_checkpointed(l), 1);
	assert_int_equal(file_read(state_fd, "log/checkpoint", 65536, &note,
			     &len, NULL),
	    0);
	assert_int_equal(file_read(state_fd, "log/checkpoints/1", 65536, &other,
			     &n, NULL),
	    0);
	assert_string_equal((char *)note, (char *)other);
	assert_memory_equal(note, text, strlen(text));
	for (i = strlen(text) + 1; i < len; i++)
		count += note[i] == '\n';
	assert_int_equal(count, lines);
	assert_int_equal(note_verify((char *)note, len, keys.v, lines, &c,
			     NULL),
	    0);
}

static void
one_key(void **state)
{
	uint8_t sig[NOTE_ECDSA_MAX], two[NOTE_ECDSA_MAX];
	_cleanup_free_ char *text = NULL;
	struct ledger *l;
	size_t n;

	(void)state;
	write_vkeys(0, 1);
	l = open_and_append(&text);
	(void)sign(ed, text, sig);
	n = sign(ec, text, two);
	assert_int_equal(ledger_checkpoint_store(l, text, sig, two, n, NULL),
	    CS_E_NOTE_KEY);
	sig[0] ^= 1;
	assert_int_equal(ledger_checkpoint_store(l, text, sig, NULL, 0, NULL),
	    CS_E_NOTE_SIGNATURE);
	assert_int_equal(ledger_checkpointed(l), 0);
	sig[0] ^= 1;
	assert_int_equal(ledger_checkpoint_store(l, text, sig, NULL, 0, NULL),
	    0);
	stored(l, text, 1);
	ledger_close(&l);
	assert_int_equal(try_open(), 0);
	/* a second key is not taken on after the fact */
	write_vkeys(0, 2);
	assert_int_equal(try_open(), CS_E_NOTE_ECDSA_MISSING);
}

static void
two_keys(void **state)
{
	uint8_t sig[NOTE_ECDSA_MAX], two[NOTE_ECDSA_MAX];
	_cleanup_free_ char *text = NULL;
	struct ledger *l;
	size_t n;

	(void)state;
	write_vkeys(0, 2);
	l = open_and_append(&text);
	(void)sign(ed, text, sig);
	n = sign(ec, text, two);
	assert_int_equal(ledger_checkpoint_store(l, text, sig, NULL, 0, NULL),
	    CS_E_NOTE_ECDSA_MISSING);
	two[n - 1] ^= 1;
	assert_int_equal(ledger_checkpoint_store(l, text, sig, two, n, NULL),
	    CS_E_NOTE_ECDSA_SIGNATURE);
	two[n - 1] ^= 1;
	assert_int_equal(file_exists(state_fd, "log/checkpoint"), 0);
	assert_int_equal(ledger_checkpoint_store(l, text, sig, two, n, NULL),
	    0);
	stored(l, text, 2);
	ledger_close(&l);
	assert_int_equal(try_open(), 0);
}

/* What stands on the disk is verified under both keys. */
static void
two_keys_one_line(void **state)
{
	uint8_t sig[NOTE_ECDSA_MAX], two[NOTE_ECDSA_MAX];
	_cleanup_free_ uint8_t *note = NULL;
	_cleanup_free_ char *text = NULL;
	struct ledger *l;
	char *second;
	size_t n, len;

	(void)state;
	write_vkeys(0, 2);
	l = open_and_append(&text);
	(void)sign(ed, text, sig);
	n = sign(ec, text, two);
	assert_int_equal(ledger_checkpoint_store(l, text, sig, two, n, NULL),
	    0);
	ledger_close(&l);
	assert_int_equal(file_read(state_fd, "log/checkpoint", 65536, &note,
			     &len, NULL),
	    0);
	second = strstr((char *)note + strlen(text) + 2, "\xe2\x80\x94");
	assert_non_null(second);
	assert_int_equal(file_write_atomic(state_fd, "log/checkpoint", note,
			     (size_t)(second - (char *)note), 0600, NULL),
	    0);
	assert_int_equal(try_open(), CS_E_NOTE_ECDSA_MISSING);
	memmove((char *)note + strlen(text) + 1, second, strlen(second) + 1);
	assert_int_equal(file_write_atomic(state_fd, "log/checkpoint", note,
			     strlen((char *)note), 0600, NULL),
	    0);
	assert_int_equal(try_open(), CS_E_NOTE_ED25519_MISSING);
}

static void
other_keys(void **state)
{
	struct ledger *l = NULL;

	(void)state;
	write_vkeys(1, 1);
	assert_int_equal(try_open(), CS_E_NOTE_VKEY_TYPE);
	write_vkeys(0, 2);
	assert_int_equal(ledger_open(state_fd, "another.example", &l, NULL),
	    CS_E_LEDGER_BEHIND);
	assert_null(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_key, begin, end),
		cmocka_unit_test_setup_teardown(two_keys, begin, end),
		cmocka_unit_test_setup_teardown(two_keys_one_line, begin, end),
		cmocka_unit_test_setup_teardown(other_keys, begin, end),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
