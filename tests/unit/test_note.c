/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "lib/b64.h"
#include "lib/buf.h"
#include "lib/merkle.h"
#include "lib/note.h"

/* golang.org/x/mod sumdb/note, note_test.go */
#define PETER                    \
	"PeterNeumann+c74f20a3+" \
	"ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define PETER_TEXT                                                   \
	"If you think cryptography is the answer to your problem,\n" \
	"then you don't know what your problem is.\n"
#define PETER_SIG                                                    \
	"\xe2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFup" \
	"LLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
#define PETER_NOTE PETER_TEXT "\n" PETER_SIG

#define ORIGIN "example.com/coldseal"

static EVP_PKEY *pkey;
static struct note_vkey key;
static struct checkpoint cp;

static void
make_key(uint8_t first, const char *name, EVP_PKEY **ret_pkey,
    struct note_vkey *ret)
{
	uint8_t seed[32] = { first }, pub[32];
	size_t n = 32;

	*ret_pkey =
	    EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
	assert_non_null(*ret_pkey);
	assert_int_equal(EVP_PKEY_get_raw_public_key(*ret_pkey, pub, &n), 1);
	assert_int_equal(note_vkey_make(name, pub, ret, NULL), 0);
}

static void
sign(EVP_PKEY *p, const char *text, size_t len, uint8_t sig[64])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t n = 64;

	assert_int_equal(EVP_DigestSignInit(c, NULL, NULL, NULL, p), 1);
	assert_int_equal(EVP_DigestSign(c, sig, &n, (const uint8_t *)text, len),
	    1);
	EVP_MD_CTX_free(c);
}

/* text and its signature by the test key */
static char *
signed_note(const char *text, size_t *ret_len)
{
	uint8_t sig[64];
	char *note;

	sign(pkey, text, strlen(text), sig);
	assert_int_equal(note_assemble(text, strlen(text), &key, sig, &note,
			     ret_len, NULL),
	    0);
	return note;
}

static int
verify(const char *note, size_t len)
{
	struct checkpoint got;

	return note_verify(note, len, &key, 1, &got, NULL);
}

static int
setup(void **state)
{
	(void)state;
	make_key(1, ORIGIN, &pkey, &key);
	(void)snprintf(cp.origin, sizeof(cp.origin), "%s", ORIGIN);
	cp.size = 7;
	memset(cp.root, 0xa5, 32);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(pkey);
	return 0;
}

static void
test_golang(void **state)
{
	static const char note[] = PETER_NOTE;
	struct note_vkey k;
	char text[NOTE_VKEY_TEXT_MAX];
	size_t n;
	bool hit[2];
	struct note_vkey two[2];

	(void)state;
	assert_int_equal(note_vkey_parse(PETER, strlen(PETER), &k, NULL), 0);
	assert_string_equal(k.name, "PeterNeumann");
	assert_memory_equal(k.id, "\xc7\x4f\x20\xa3", 4);
	note_vkey_format(&k, text);
	assert_string_equal(text, PETER);
	assert_int_equal(note_vkey_parse(PETER "\n", strlen(PETER) + 1, &k,
			     NULL),
	    0);
	assert_int_equal(note_open(note, strlen(note), &k, 1, NULL, &n, NULL),
	    0);
	assert_int_equal(n, strlen(PETER_TEXT));
	two[0] = key;
	two[1] = k;
	assert_int_equal(note_open(note, strlen(note), two, 2, hit, &n, NULL),
	    0);
	assert_false(hit[0]);
	assert_true(hit[1]);
	/* it is not a checkpoint, though */
	assert_int_equal(note_verify(note, strlen(note), &k, 1, &cp, NULL),
	    CS_E_NOTE_CHECKPOINT);
	assert_int_equal(note_open(note, strlen(note), &key, 1, NULL, &n, NULL),
	    CS_E_NOTE_KEY);
	assert_int_equal(note_open(note, strlen(note), NULL, 0, NULL, &n, NULL),
	    CS_E_NOTE_KEY);
}

/* Every truncation and every bumped character of a verifier key. */
static void
test_vkey_damage(void **state)
{
	char s[] = PETER;
	struct note_vkey k;
	size_t i, len = strlen(s);

	(void)state;
	for (i = 0; i < len; i++)
		assert_int_equal(note_vkey_parse(s, i, &k, NULL),
		    CS_E_NOTE_VKEY);
	for (i = 0; i < len; i++) {
		s[i] ^= 1;
		assert_int_equal(note_vkey_parse(s, len, &k, NULL),
		    CS_E_NOTE_VKEY);
		s[i] ^= 1;
	}
	assert_int_equal(note_vkey_parse(PETER "\n\n", len + 2, &k, NULL),
	    CS_E_NOTE_VKEY);
	assert_int_equal(note_vkey_parse(PETER " ", len + 1, &k, NULL),
	    CS_E_NOTE_VKEY);
}

static void
test_vkey_refused(void **state)
{
	static const char *const names[] = {
		"",
		"a b",
		"a+b",
		"a\tb",
		"a\nb",
		"a\x7f",
		"\xff",
		"a\xc2\xa0",
		"a\xe2\x80\xa8",
		"a\xe3\x80\x80",
		"\xef\xbb\xbfname",
		"a\xc2\x85",
	};
	/* the right ID, in capitals; type 0x02, but too short */
	static const char *const bad[] = {
		"PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/"
		"LDE4izWy10TW",
		"PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/"
		"LDE4izWy10TW",
	};
	char longest[NOTE_NAME_MAX + 2];
	struct note_vkey k, again;
	char text[NOTE_VKEY_TEXT_MAX];
	uint8_t pub[32] = { 1 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(note_vkey_make(names[i], pub, &k, NULL),
		    CS_E_NOTE_VKEY);
	for (i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(note_vkey_parse(bad[i], strlen(bad[i]), &k,
				     NULL),
		    CS_E_NOTE_VKEY);
	memset(longest, 'n', sizeof(longest));
	longest[NOTE_NAME_MAX + 1] = '\0';
	assert_int_equal(note_vkey_make(longest, pub, &k, NULL),
	    CS_E_NOTE_VKEY);
	longest[NOTE_NAME_MAX] = '\0';
	assert_int_equal(note_vkey_make(longest, pub, &k, NULL), 0);
	note_vkey_format(&k, text);
	assert_int_equal(note_vkey_parse(text, strlen(text), &again, NULL), 0);
	assert_memory_equal(&k, &again, sizeof(k));
}

/* ML-DSA-44 cosignatures, RFC 6962 tree heads and no type at all */
static void
test_vkey_type(void **state)
{
	static const char *const other[] = {
		"PeterNeumann+c74f20a3+BhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/"
		"LDE4izWy10TW",
		"PeterNeumann+c74f20a3+BRpC2QcUPDhMQegwxbzhKqiB",
		"PeterNeumann+c74f20a3+AAAAAAAA",
		"PeterNeumann+c74f20a3+/////w==",
	};
	struct note_vkey k;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(other); i++)
		assert_int_equal(note_vkey_parse(other[i], strlen(other[i]), &k,
				     NULL),
		    CS_E_NOTE_VKEY_TYPE);
}

static void
test_checkpoint(void **state)
{
	char text[CHECKPOINT_TEXT_MAX];
	struct checkpoint got;
	char *note;
	size_t len;

	(void)state;
	assert_int_equal(checkpoint_format(&cp, text, NULL), 0);
	assert_string_equal(text,
	    ORIGIN "\n7\n"
		   "paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaU=\n");
	note = signed_note(text, &len);
	assert_int_equal(note_verify(note, len, &key, 1, &got, NULL), 0);
	assert_string_equal(got.origin, ORIGIN);
	assert_int_equal(got.size, 7);
	assert_memory_equal(got.root, cp.root, 32);
	free(note);
}

#define ROOT "paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaU=\n"

/* Properly signed, and still not a checkpoint of ours. */
static void
test_checkpoint_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
	} t[] = {
		{ ORIGIN "\n7\n" ROOT, 0 },
		{ ORIGIN "\n9007199254740992\n" ROOT, 0 },
		{ ORIGIN "\n07\n" ROOT, CS_E_NOTE_CHECKPOINT },
		{ ORIGIN "\n00\n" ROOT, CS_E_NOTE_CHECKPOINT },
		{ ORIGIN "\n0\n" ROOT, CS_E_NOTE_CHECKPOINT },
		{ ORIGIN "\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
		    0 },
		{ ORIGIN "\n-34\n" ROOT, CS_E_NOTE_CHECKPOINT },
		{ ORIGIN "\n+7\n" ROOT, CS_E_NOTE_CHECKPOINT },
		{ ORIGIN "\n7 \n" ROOT, CS_E_NOTE_CHECKPOINT },
		{ ORIGIN "\n\n" ROOT, CS_E_NOTE_CHECKPOINT },
		{ ORIGIN "\n0x7\n" ROOT, CS_E_NOTE_CHECKPOINT },
		{ ORIGIN "\n9007199254740993\n" ROOT, CS_E_NOTE_CHECKPOINT },
		{ ORIGIN "\n3438945738945739845734895735\n" ROOT,
		    CS_E_NOTE_CHECKPOINT },
		{ ORIGIN "\n7\n", CS_E_NOTE_CHECKPOINT },
		{ ORIGIN "\n", CS_E_NOTE_CHECKPOINT },
		{ "\n7\n" ROOT, CS_E_NOTE_CHECKPOINT },
		{ "a b\n7\n" ROOT, CS_E_NOTE_CHECKPOINT },
		{ ORIGIN "\n7\n" ROOT "time 1\n", CS_E_NOTE_CHECKPOINT },
		{ ORIGIN "\n7\n" ROOT "\n", CS_E_NOTE_CHECKPOINT },
		{ ORIGIN "\n7\npaWl\n", CS_E_NOTE_CHECKPOINT },
		{ ORIGIN "\n7\npaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaV="
			 "\n",
		    CS_E_NOTE_CHECKPOINT },
		{ "example.com/other\n7\n" ROOT, CS_E_NOTE_ORIGIN },
		{ ORIGIN "x\n7\n" ROOT, CS_E_NOTE_ORIGIN },
	};
	size_t i, len;
	char *note;
	int r;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		note = signed_note(t[i].text, &len);
		r = verify(note, len);
		if (r != t[i].code)
			fail_msg("\"%s\": %s, expected %s", t[i].text,
			    err_id(r), err_id(t[i].code));
		free(note);
	}
	cp.size = MERKLE_MAX_SIZE + 1;
	char text[CHECKPOINT_TEXT_MAX];
	assert_int_equal(checkpoint_format(&cp, text, NULL),
	    CS_E_NOTE_CHECKPOINT);
	cp.size = 7;
	cp.origin[0] = ' ';
	assert_int_equal(checkpoint_format(&cp, text, NULL),
	    CS_E_NOTE_CHECKPOINT);
	cp.origin[0] = 'e';
}

#define TEXT ORIGIN "\n7\n" ROOT
#define DASH "\xe2\x80\x94 "
/* a well-formed line by somebody else */
#define OTHER DASH "other AAAAAQI=\n"

/* form, in which each @ stands for the good signature line */
static void
check_form(const char *form, int want)
{
	struct buf b = BUF_INIT(NOTE_MAX);
	const char *c, *line;
	char *good;
	size_t len;
	int r = 0;

	good = signed_note(TEXT, &len);
	line = good + strlen(TEXT) + 1;
	for (c = form; *c != '\0' && r == 0; c++)
		r = *c == '@' ? buf_put(&b, line, strlen(line)) :
				buf_put(&b, c, 1);
	assert_int_equal(r, 0);
	r = verify((char *)b.p, b.len);
	if (r != want)
		fail_msg("\"%s\": %s, expected %s", form, err_id(r),
		    err_id(want));
	buf_done(&b);
	free(good);
}

static void
test_form(void **state)
{
	static const struct {
		const char *form;
		int code;
	} t[] = {
		{ TEXT "\n@", 0 },
		{ TEXT "\n@" OTHER, 0 },
		{ TEXT "\n" OTHER "@", 0 },
		{ TEXT "\n" OTHER, CS_E_NOTE_KEY },
		{ TEXT "\n" DASH ORIGIN " AAAAAQI=\n", CS_E_NOTE_KEY },
		{ TEXT "\n", CS_E_NOTE_SYNTAX },
		{ TEXT, CS_E_NOTE_SYNTAX },
		{ TEXT "@", CS_E_NOTE_SYNTAX },
		{ "\n@", CS_E_NOTE_SYNTAX },
		{ "\n\n@", CS_E_NOTE_SIGNATURE },
		{ TEXT "\n\n@", CS_E_NOTE_SIGNATURE },
		{ TEXT "\n@\n", CS_E_NOTE_SYNTAX },
		{ TEXT "\n@x", CS_E_NOTE_SYNTAX },
		{ TEXT "\n@x\n", CS_E_NOTE_SYNTAX },
		{ TEXT "\nx\n@", CS_E_NOTE_SYNTAX },
		{ TEXT "\n@\n@", CS_E_NOTE_SIGNATURE },
		{ TEXT "\n" OTHER "\n@", CS_E_NOTE_SIGNATURE },
		{ TEXT "\r\n@", CS_E_NOTE_SYNTAX },
		{ ORIGIN "\r\n7\n" ROOT "\n@", CS_E_NOTE_SYNTAX },
		{ "\xef\xbb\xbf" TEXT "\n@", CS_E_NOTE_SYNTAX },
		{ "\xff" TEXT "\n@", CS_E_NOTE_SYNTAX },
		{ "x" TEXT "\n@", CS_E_NOTE_SIGNATURE },
		{ TEXT "\n@- other AAAAAQI=\n", CS_E_NOTE_SYNTAX },
		{ TEXT "\n@\xe2\x80\x94other AAAAAQI=\n", CS_E_NOTE_SYNTAX },
		{ TEXT "\n@" DASH "other\n", CS_E_NOTE_SYNTAX },
		{ TEXT "\n@" DASH " AAAAAQI=\n", CS_E_NOTE_SYNTAX },
		{ TEXT "\n@" DASH "o+r AAAAAQI=\n", CS_E_NOTE_SYNTAX },
		{ TEXT "\n@" DASH "other  AAAAAQI=\n", CS_E_NOTE_SYNTAX },
		{ TEXT "\n@" DASH "other AAAAAQI= \n", CS_E_NOTE_SYNTAX },
		{ TEXT "\n@" DASH "other AAAAAQI\n", CS_E_NOTE_SYNTAX },
		{ TEXT "\n@" DASH "other AAAAAQJ=\n", CS_E_NOTE_SYNTAX },
		{ TEXT "\n@" DASH "other AAAAAQ==\n", CS_E_NOTE_SYNTAX },
		{ TEXT "\n@" DASH "ot\x01r AAAAAQI=\n", CS_E_NOTE_SYNTAX },
		{ TEXT "\n@" DASH "o\x7fr AAAAAQI=\n", CS_E_NOTE_SYNTAX },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++)
		check_form(t[i].form, t[i].code);
}

/* Every truncation, and a flipped bit in every byte. */
static void
test_damage(void **state)
{
	size_t len, i;
	char *note, *copy;

	(void)state;
	note = signed_note(TEXT, &len);
	copy = malloc(len);
	assert_non_null(copy);
	for (i = 0; i < len; i++)
		assert_int_not_equal(verify(note, i), 0);
	for (i = 0; i < len * 8; i++) {
		memcpy(copy, note, len);
		copy[i / 8] = (char)(copy[i / 8] ^ 1 << i % 8);
		assert_int_not_equal(verify(copy, len), 0);
	}
	/* the signature itself, and the name that makes it unknown */
	memcpy(copy, note, len);
	copy[strlen(TEXT) + 1 + strlen(DASH)] = 'f';
	assert_int_equal(verify(copy, len), CS_E_NOTE_KEY);
	memcpy(copy, note, len);
	copy[0] = 'f';
	assert_int_equal(verify(copy, len), CS_E_NOTE_SIGNATURE);
	free(copy);
	free(note);
}

/* A bad line by a known key refuses the note, however many are good. */
static void
test_known_bad(void **state)
{
	EVP_PKEY *p2;
	struct note_vkey keys[2];
	struct checkpoint got;
	uint8_t sig[64], raw[68];
	char line[512], b64[93], *note;
	struct buf b = BUF_INIT(NOTE_MAX);
	size_t len, i;

	(void)state;
	keys[0] = key;
	make_key(2, "witness.example", &p2, &keys[1]);
	note = signed_note(TEXT, &len);
	sign(p2, TEXT, strlen(TEXT), sig);
	for (i = 0; i < 2; i++) {
		memcpy(raw, keys[1].id, 4);
		memcpy(raw + 4, sig, 64);
		raw[67] ^= (uint8_t)i;
		b64_encode(raw, sizeof(raw), b64);
		(void)snprintf(line, sizeof(line), DASH "%s %s\n", keys[1].name,
		    b64);
		buf_reset(&b);
		assert_int_equal(buf_put(&b, note, len), 0);
		assert_int_equal(buf_put(&b, line, strlen(line)), 0);
		assert_int_equal(note_verify((char *)b.p, b.len, keys, 2, &got,
				     NULL),
		    i == 0 ? 0 : CS_E_NOTE_SIGNATURE);
		/* who does not know the witness does not care */
		assert_int_equal(note_verify((char *)b.p, b.len, keys, 1, &got,
				     NULL),
		    0);
		/* the witness alone does not speak for the log */
		assert_int_equal(note_verify((char *)b.p, b.len, keys + 1, 1,
				     &got, NULL),
		    i == 0 ? CS_E_NOTE_ORIGIN : CS_E_NOTE_SIGNATURE);
	}
	buf_done(&b);
	free(note);
	EVP_PKEY_free(p2);
}

static void
test_limits(void **state)
{
	struct buf b = BUF_INIT(2 * NOTE_MAX);
	unsigned i;
	size_t len;
	char *note;

	(void)state;
	note = signed_note(TEXT, &len);
	assert_int_equal(buf_put(&b, note, len), 0);
	for (i = 1; i < NOTE_MAX_SIGS; i++)
		assert_int_equal(buf_put(&b, OTHER, strlen(OTHER)), 0);
	assert_int_equal(verify((char *)b.p, b.len), 0);
	assert_int_equal(buf_put(&b, OTHER, strlen(OTHER)), 0);
	assert_int_equal(verify((char *)b.p, b.len), CS_E_NOTE_SYNTAX);
	buf_reset(&b);
	while (b.len <= NOTE_MAX - len)
		assert_int_equal(buf_put_u8(&b, 'x'), 0);
	assert_int_equal(buf_put_u8(&b, '\n'), 0);
	assert_int_equal(buf_put(&b, note, len), 0);
	assert_int_equal(verify((char *)b.p, b.len), CS_E_NOTE_SYNTAX);
	buf_done(&b);
	free(note);
}

static void
test_assemble_refused(void **state)
{
	uint8_t sig[64];
	size_t len;
	char *note = NULL;

	(void)state;
	sign(pkey, TEXT, strlen(TEXT), sig);
	assert_int_equal(note_assemble(TEXT, strlen(TEXT) - 1, &key, sig, &note,
			     &len, NULL),
	    CS_E_NOTE_SYNTAX);
	sig[3] ^= 1;
	assert_int_equal(note_assemble(TEXT, strlen(TEXT), &key, sig, &note,
			     &len, NULL),
	    CS_E_NOTE_SIGNATURE);
	assert_null(note);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golang),
		cmocka_unit_test(test_vkey_damage),
		cmocka_unit_test(test_vkey_refused),
		cmocka_unit_test(test_vkey_type),
		cmocka_unit_test(test_checkpoint),
		cmocka_unit_test(test_checkpoint_refused),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_known_bad),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_assemble_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
