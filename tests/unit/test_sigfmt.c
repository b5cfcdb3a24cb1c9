/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hsm/csr.h"
#include "hsm/selfsign.h"
#include "hsm/sign_format.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/x509.h"
#include "tests/lib/softhsm.h"

/*
 * Every format by every key it can be made with, on a real SoftHSM: it
 * verifies, no other does, no changed byte does, and what cannot be signed is
 * refused before.  Stock verifiers: tests/ceremony/formats.t.
 */
#define assert_code(r, want) assert_string_equal(err_id(r), err_id(want))

static const char statement[] =
    "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"name\":"
    "\"a.bin\",\"digest\":{\"sha256\":\"00\"}}],\"predicateType\":"
    "\"https://slsa.dev/verification_summary/v1\",\"predicate\":{}}\n";

static struct p11 *p;
static struct p11_session *s;
static struct pubkey *pub[KEY_ALG_COUNT];
static struct p11_key *key[KEY_ALG_COUNT];
static struct hsm_token_signer tokens[KEY_ALG_COUNT];
static struct hsm_signer signers[KEY_ALG_COUNT];
static uint8_t *cert[KEY_ALG_COUNT];
static size_t cert_len[KEY_ALG_COUNT];
static struct buf pgp[KEY_ALG_COUNT];
static char *wish[KEY_ALG_COUNT]; /* of a root */

static void
make_cert(enum key_alg a)
{
	const struct selfsign c = { "coldseal test", 1700000000, 2000000000,
		pub[a], false };

	if (!key_alg_is_ed25519(a))
		assert_code(selfsign_make(&c, &signers[a], &cert[a],
				&cert_len[a], NULL),
		    0);
}

static void
make_wish(enum key_alg a)
{
	struct x509_wish_new n = { .profile = "root",
		.from = 1700000000,
		.until = 2000000000,
		.path_length = -1 };
	uint8_t *csr = NULL;

	if (key_alg_is_ed25519(a))
		return;
	assert_code(csr_make("A test", pub[a], &signers[a], &csr, &n.csr_len,
			NULL),
	    0);
	n.csr = csr;
	assert_code(x509_wish_format(&n, &wish[a], &n.csr_len), 0);
	free(csr);
}

/* The OpenPGP certificate of those that can have one. */
static void
make_pgp(enum key_alg a)
{
	const struct sigfmt *f = sigfmt_by_name("openpgp-clear");
	const struct policy_key k = { .id = "k-1", .key = pub[a], .alg = a };
	const struct subject user = { .name = (char *)(uintptr_t) "A test" };
	const struct sigfmt_job j = { .key = &k,
		.subject = &user,
		.time = 1700000000 };

	pgp[a] = (struct buf)BUF_INIT(SIGFMT_MAX);
	if ((f->algs & SIGFMT_ALG(a)) == 0)
		return;
	softhsm_leaks(true);
	assert_code(hsm_sign_rounds(f->cert, &j, &tokens[a], &pgp[a], NULL), 0);
	softhsm_leaks(false);
	assert_code(f->cert->verify(&j, pgp[a].p, pgp[a].len, NULL), 0);
}

static int
group_setup(void **state)
{
	struct diag d = { 0 };
	int a;

	(void)state;
	softhsm_make();
	if (p11_open(softhsm_module(), &p, &d) != 0)
		fail_msg("%s", d.found);
	softhsm_token(p, "keys");
	s = softhsm_session(p, "keys", true);
	for (a = 0; a < KEY_ALG_COUNT; a++) {
		const enum key_alg alg = (enum key_alg)a;

		pub[a] = softhsm_generate(s, alg, (uint8_t)(a + 1),
		    key_alg_name(alg));
		key[a] = softhsm_key(s, (uint8_t)(a + 1), pub[a]);
		tokens[a] = (struct hsm_token_signer){ s, key[a], alg };
		signers[a] =
		    (struct hsm_signer){ alg, hsm_signer_token, &tokens[a] };
		make_cert(alg);
		make_wish(alg);
		make_pgp(alg);
	}
	return 0;
}

static int
group_teardown(void **state)
{
	int a;

	(void)state;
	for (a = 0; a < KEY_ALG_COUNT; a++) {
		free(cert[a]);
		free(wish[a]);
		buf_done(&pgp[a]);
		p11_key_free(&key[a]);
		pubkey_free(&pub[a]);
	}
	p11_session_close(&s);
	p11_close(&p);
	softhsm_remove();
	return 0;
}

/* A key with all that any format needs, and an artifact with its text. */
struct one {
	const char *format;
	struct policy_key key;
	struct subject subject;
	struct sigfmt_job job;
};

static void
set_text(struct one *x, const char *text)
{
	int h;

	x->subject.text = (uint8_t *)(uintptr_t)text;
	x->subject.text_len = strlen(text);
	x->subject.size = strlen(text);
	for (h = 0; h < HASH_COUNT; h++) {
		x->subject.has[h] = true;
		assert_int_equal(hash_of((enum hash_alg)h, text, strlen(text),
				     x->subject.digest[h]),
		    0);
	}
}

static void
set_cert(const struct sigfmt *f, struct one *x)
{
	const enum key_alg a = x->key.alg;

	x->key.cert = f->cert != NULL ? pgp[a].p : cert[a];
	x->key.cert_len = f->cert != NULL ? pgp[a].len : cert_len[a];
}

/* one SHA-256 of zeros, owned by nobody, for db */
static const char variable[] =
    "{\"append\":true,\"list\":\"JhbEwUxQkkCsqUH5NpND"
    "KEwAAAAAAAAAMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\","
    "\"time\":\"2026-11-25T02:00:00Z\",\"type\":\"efivar\","
    "\"variable\":\"db\"}";

static const char *
text_for(const struct sigfmt *f, enum key_alg a)
{
	if (strcmp(f->name, "efivar") == 0)
		return variable;
	return strcmp(f->name, "x509") == 0 && wish[a] != NULL ? wish[a] :
								 statement;
}

static void
make_one(const struct sigfmt *f, enum key_alg a, struct one *ret)
{
	*ret = (struct one){ .format = f->name,
		.key = { .id = "k-1",
		    .key = pub[a],
		    .alg = a,
		    .formats = { &ret->format, 1 } },
		.subject = { .name = (char *)(uintptr_t) "a.bin" },
		.job = { .key = &ret->key,
		    .subject = &ret->subject,
		    .time = 1795000000 } };
	set_text(ret, text_for(f, a));
	if ((f->flags & SIGFMT_F_TEXT) == 0)
		ret->subject.text = NULL;
	if ((f->flags & SIGFMT_F_CERT) != 0)
		set_cert(f, ret);
	if ((f->flags & SIGFMT_F_NAMESPACE) != 0)
		ret->key.namespace = "example.org/x";
}

/* With what another format needs too: only the bytes can tell. */
static void
complete(const struct sigfmt *f, struct one *x)
{
	set_cert(f, x);
	x->key.namespace = "example.org/x";
	set_text(x, text_for(f, x->key.alg));
}

static int
sign(const struct one *x, struct buf *out)
{
	int r;

	softhsm_leaks(true);
	r = hsm_sign_format(x->format, &x->job, &tokens[x->key.alg], out, NULL);
	softhsm_leaks(false);
	return r;
}

typedef void (*each_fn)(const struct sigfmt *, struct one *, struct buf *);

/* Every format with every algorithm, and a good signature of it. */
static void
for_each(each_fn fn)
{
	struct buf out = BUF_INIT(SIGFMT_MAX);
	const struct sigfmt *f;
	struct one x;
	size_t i, n = 0;
	unsigned a;

	for (i = 0; (f = sigfmt_at(i)) != NULL; i++) {
		for (a = 0; a < KEY_ALG_COUNT; a++) {
			if ((f->algs & SIGFMT_ALG(a)) == 0)
				continue;
			make_one(f, (enum key_alg)a, &x);
			assert_code(sign(&x, &out), 0);
			fn(f, &x, &out);
			n++;
		}
	}
	assert_true(n >= 15);
	buf_done(&out);
}

static void
good(const struct sigfmt *f, struct one *x, struct buf *out)
{
	struct diag d = { 0 };
	int h, r;

	if (sigfmt_verify(f->name, &x->job, out->p, out->len, &d) != 0)
		fail_msg("%s %s: %s", f->name, key_alg_name(x->key.alg),
		    d.found);
	/* the host has no text; it is inside */
	x->subject.text = NULL;
	assert_code(sigfmt_verify(f->name, &x->job, out->p, out->len, NULL), 0);
	for (h = 0; h < HASH_COUNT; h++)
		x->subject.digest[h][5] ^= 1;
	r = sigfmt_verify(f->name, &x->job, out->p, out->len, NULL);
	if (r != CS_E_SIG && r != CS_E_FORMAT)
		fail_msg("%s of another artifact: %s", f->name, err_id(r));
}

static void
test_good(void **state)
{
	(void)state;
	for_each(good);
}

/* Another key of the same type */
static void
other_key(const struct sigfmt *f, struct one *x, struct buf *out)
{
	_cleanup_pubkey_ struct pubkey *k = NULL;
	static uint8_t id = 0x40;
	char label[16];

	if (x->key.alg != KEY_P256 && !key_alg_is_ed25519(x->key.alg))
		return;
	(void)snprintf(label, sizeof(label), "other %u", id);
	k = softhsm_generate(s, x->key.alg, id++, label);
	x->key.key = k;
	assert_int_not_equal(sigfmt_verify(f->name, &x->job, out->p, out->len,
				 NULL),
	    0);
}

static void
test_other_key(void **state)
{
	(void)state;
	for_each(other_key);
}

/* As any other format, and the token's signature put into any other. */
static void
as_others(const struct sigfmt *f, struct one *x, struct buf *out)
{
	struct buf again = BUF_INIT(SIGFMT_MAX), tbs = BUF_INIT(SIGFMT_MAX);
	struct buf sig = BUF_INIT(SIGFMT_TOKEN_MAX);
	struct sigfmt_sigs none = { 0 }, done = { .n = 1 };
	const struct sigfmt *o;
	const bool ed = key_alg_is_ed25519(x->key.alg);
	uint8_t md[HASH_MAX_LEN];
	size_t i;

	complete(f, x);
	assert_code(f->build(&x->job, &none, &tbs, NULL), 0);
	memcpy(md, tbs.p, tbs.len < sizeof(md) ? tbs.len : sizeof(md));
	if ((f->flags & SIGFMT_F_DIGEST) == 0 && !ed) {
		assert_int_equal(hash_of(key_alg_hash(x->key.alg), tbs.p,
				     tbs.len, md),
		    0);
		tbs.len = hash_len(key_alg_hash(x->key.alg));
		memcpy(tbs.p, md, tbs.len);
	}
	softhsm_leaks(true);
	assert_code(ed ? hsm_sign_message(s, key[x->key.alg], tbs.p, tbs.len,
			     &sig, NULL) :
			 hsm_sign_digest(s, key[x->key.alg], x->key.alg, tbs.p,
			     tbs.len, &sig, NULL),
	    0);
	softhsm_leaks(false);
	done.v[0].len = done.v[1].len = sig.len;
	memcpy(done.v[0].p, sig.p, sig.len);
	memcpy(done.v[1].p, sig.p, sig.len);
	for (i = 0; (o = sigfmt_at(i)) != NULL; i++) {
		if (o == f || (o->algs & SIGFMT_ALG(x->key.alg)) == 0)
			continue;
		complete(o, x);
		if (sigfmt_verify(o->name, &x->job, out->p, out->len, NULL) ==
		    0)
			fail_msg("%s taken as %s", f->name, o->name);
		buf_reset(&again);
		/* some are verified while they are put together */
		/* a digest alone is the same in both: one key, one format */
		if ((f->flags & o->flags & SIGFMT_F_OPAQUE) != 0)
			continue;
		if (o->assemble(&x->job, &done, &again, NULL) == 0 &&
		    sigfmt_verify(o->name, &x->job, again.p, again.len, NULL) ==
			0)
			fail_msg("%s made into %s", f->name, o->name);
	}
	buf_done(&again);
	buf_done(&tbs);
	buf_done(&sig);
}

static void
test_as_others(void **state)
{
	(void)state;
	for_each(as_others);
}

/* No byte is without meaning: one more, one less, one bit. */
static void
changed(const struct sigfmt *f, struct one *x, struct buf *out)
{
	const size_t step = out->len > 1000 ? 7 : 1;
	uint8_t *copy = calloc(1, out->len + 1);
	size_t i;

	assert_non_null(copy);
	memcpy(copy, out->p, out->len);
	assert_int_not_equal(sigfmt_verify(f->name, &x->job, copy, out->len - 1,
				 NULL),
	    0);
	assert_int_not_equal(sigfmt_verify(f->name, &x->job, copy, out->len + 1,
				 NULL),
	    0);
	copy[out->len] = '\n';
	assert_int_not_equal(sigfmt_verify(f->name, &x->job, copy, out->len + 1,
				 NULL),
	    0);
	assert_int_not_equal(sigfmt_verify(f->name, &x->job, copy, 0, NULL), 0);
	for (i = 0; i < out->len; i += step) {
		copy[i] ^= 0x01;
		if (sigfmt_verify(f->name, &x->job, copy, out->len, NULL) == 0)
			fail_msg("%s %s: byte %zu is free", f->name,
			    key_alg_name(x->key.alg), i);
		copy[i] ^= 0x01;
	}
	free(copy);
}

static void
test_changed(void **state)
{
	(void)state;
	for_each(changed);
}

/* Same request and time, same bytes, where the algorithm allows it. */
static void
same(const struct sigfmt *f, struct one *x, struct buf *out)
{
	struct buf again = BUF_INIT(SIGFMT_MAX);

	if (x->key.alg == KEY_RSA3072_PKCS1 || key_alg_is_ed25519(x->key.alg)) {
		assert_code(sign(x, &again), 0);
		if (again.len != out->len ||
		    memcmp(again.p, out->p, out->len) != 0)
			fail_msg("%s is not the same again", f->name);
	}
	buf_done(&again);
}

static void
test_same(void **state)
{
	(void)state;
	for_each(same);
}

/* What binds name, namespace or time does so. */
static void
bound(const struct sigfmt *f, struct one *x, struct buf *out)
{
	const bool name =
	    strcmp(f->name, "minisign") == 0 || strcmp(f->name, "signify") == 0;

	x->subject.name = (char *)(uintptr_t) "b.bin";
	assert_int_equal(sigfmt_verify(f->name, &x->job, out->p, out->len,
			     NULL) != 0,
	    name);
	x->subject.name = (char *)(uintptr_t) "a.bin";
	if (x->key.namespace == NULL)
		return;
	x->key.namespace = "example.org/y";
	assert_int_not_equal(sigfmt_verify(f->name, &x->job, out->p, out->len,
				 NULL),
	    0);
	x->key.namespace = NULL;
	assert_code(sigfmt_verify(f->name, &x->job, out->p, out->len, NULL),
	    CS_E_FORMAT);
}

static void
test_bound(void **state)
{
	(void)state;
	for_each(bound);
}

#define ST(type, subject, predicate, more)             \
	"{\"_type\":\"" type "\",\"subject\":" subject \
	",\"predicateType\":\"" predicate "\",\"predicate\":{}" more "}"
#define V1   "https://in-toto.io/Statement/v1"
#define SUBJ "[{\"name\":\"a\",\"digest\":{\"sha256\":\"00\"}}]"
#define PT   "https://slsa.dev/provenance/v1"

/* Refused before a token is touched. */
static const struct {
	const char *format;
	enum key_alg alg;
	int want;
	const char *name, *text;
} refusals[] = {
	{ "minisign", KEY_ED25519_BLAKE2B, CS_E_FORMAT_NAME, "a b", NULL },
	{ "minisign", KEY_ED25519_BLAKE2B, CS_E_FORMAT_NAME, "a\tb", NULL },
	{ "minisign", KEY_ED25519_BLAKE2B, CS_E_FORMAT_NAME, "", NULL },
	{ "minisign", KEY_ED25519_BLAKE2B, CS_E_FORMAT_NAME, "x\xc3\xa9",
	    NULL },
	{ "signify", KEY_ED25519, CS_E_FORMAT_NAME, "a) = 0", NULL },
	{ "signify", KEY_ED25519, CS_E_FORMAT_NAME, "../a", NULL },
	{ "signify", KEY_ED25519, CS_E_FORMAT_NAME, "-a", NULL },
	{ "signify", KEY_ED25519, CS_E_FORMAT_NAME, "d/a", NULL },
	{ "dsse", KEY_ED25519, CS_E_FORMAT_TEXT, "a", NULL },
	{ "note", KEY_ED25519, CS_E_FORMAT_TEXT, "a", NULL },
	{ "raw", KEY_ED25519, CS_E_FORMAT_TEXT, "a", "text" },
	{ "sshsig", KEY_ED25519, CS_E_FORMAT_TEXT, "a", "text" },
	{ "dsse", KEY_ED25519, 0, "a", ST(V1, SUBJ, PT, "") },
	{ "dsse", KEY_ED25519, CS_E_FORMAT_STATEMENT, "a", "text" },
	{ "dsse", KEY_ED25519, CS_E_FORMAT_STATEMENT, "a", "[]" },
	{ "dsse", KEY_ED25519, CS_E_FORMAT_STATEMENT, "a",
	    ST("https://in-toto.io/Statement/v0.1", SUBJ, PT, "") },
	{ "dsse", KEY_ED25519, CS_E_FORMAT_STATEMENT, "a",
	    ST(V1, "[]", PT, "") },
	{ "dsse", KEY_ED25519, CS_E_FORMAT_STATEMENT, "a",
	    ST(V1, "[{\"name\":\"a\",\"digest\":{}}]", PT, "") },
	{ "dsse", KEY_ED25519, CS_E_FORMAT_STATEMENT, "a",
	    ST(V1, "[{\"name\":\"a\"}]", PT, "") },
	{ "dsse", KEY_ED25519, CS_E_FORMAT_STATEMENT, "a",
	    ST(V1, SUBJ, PT, ",\"x\":1") },
	{ "dsse", KEY_ED25519, CS_E_FORMAT_STATEMENT, "a",
	    ST(V1, SUBJ, PT, ",\"predicate\":{}") },
	{ "dsse", KEY_ED25519, CS_E_FORMAT_STATEMENT, "a",
	    ST(V1, SUBJ, "", "") },
	/* a document of our own is never signed for somebody */
	{ "dsse", KEY_ED25519, CS_E_FORMAT_STATEMENT, "a",
	    ST(V1, SUBJ, PRED_APPROVAL, "") },
	{ "dsse", KEY_ED25519, CS_E_FORMAT_STATEMENT, "a",
	    ST(V1, SUBJ, PT, "") " {}" },
	{ "note", KEY_ED25519, 0, "a", "a\n\nb\n" },
	{ "note", KEY_ED25519, CS_E_FORMAT_NOTE, "a", "a" },
	{ "note", KEY_ED25519, CS_E_FORMAT_NOTE, "a", "a\r\n" },
	{ "note", KEY_ED25519, CS_E_FORMAT_NOTE, "a", "a\033[2J\n" },
	{ "note", KEY_ED25519, CS_E_FORMAT_NOTE, "a", "a\x7f\n" },
	{ "note", KEY_ED25519, CS_E_FORMAT_NOTE, "a", "\xff\n" },
	{ "note", KEY_ED25519, CS_E_FORMAT_NOTE, "a",
	    "a\n\xe2\x80\x94 other.example/x AAAA\n" },
	{ "note", KEY_ED25519, CS_E_FORMAT_NOTE, "a", "\xe2\x80\x94 x\n" },
	{ "openpgp-clear", KEY_ED25519, 0, "a", "a: b\n\n c\n" },
	{ "openpgp-clear", KEY_ED25519, CS_E_FORMAT_TEXT, "a", NULL },
	{ "openpgp-clear", KEY_ED25519, CS_E_FORMAT_CLEAR, "a", "a" },
	{ "openpgp-clear", KEY_ED25519, CS_E_FORMAT_CLEAR, "a", "a\r\n" },
	{ "openpgp-clear", KEY_ED25519, CS_E_FORMAT_CLEAR, "a", "a \nb\n" },
	{ "openpgp-clear", KEY_ED25519, CS_E_FORMAT_CLEAR, "a", "a\t\n" },
	{ "openpgp-clear", KEY_ED25519, CS_E_FORMAT_CLEAR, "a", "-a\n" },
	{ "openpgp-clear", KEY_ED25519, CS_E_FORMAT_CLEAR, "a",
	    "a\n-----BEGIN PGP SIGNATURE-----\n" },
	{ "openpgp-clear", KEY_ED25519, CS_E_FORMAT_CLEAR, "a", "\x1b[m\n" },
	{ "openpgp-clear", KEY_ED25519, CS_E_FORMAT_CLEAR, "a", "\xff\n" },
};

static void
test_refusals(void **state)
{
	struct buf out = BUF_INIT(SIGFMT_MAX);
	struct one x;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < ARRAY_LEN(refusals); i++) {
		make_one(sigfmt_by_name(refusals[i].format), refusals[i].alg,
		    &x);
		x.subject.name = (char *)(uintptr_t)refusals[i].name;
		x.subject.text = NULL;
		if (refusals[i].text != NULL)
			set_text(&x, refusals[i].text);
		r = sigfmt_check(x.format, &x.job, NULL);
		if (r != refusals[i].want)
			fail_msg("case %zu: %s", i, err_id(r));
		assert_code(sign(&x, &out), refusals[i].want);
	}
	buf_done(&out);
}

/* A key that a policy would not load is not signed with either. */
static void
test_keys(void **state)
{
	const struct sigfmt *f;
	struct one x;
	size_t i;
	unsigned a;

	(void)state;
	for (i = 0; (f = sigfmt_at(i)) != NULL; i++) {
		for (a = 0; a < KEY_ALG_COUNT; a++) {
			make_one(f, (enum key_alg)a, &x);
			if ((f->algs & SIGFMT_ALG(a)) == 0) {
				assert_code(sigfmt_check(f->name, &x.job, NULL),
				    CS_E_POLICY_FORMAT);
				assert_code(sigfmt_verify(f->name, &x.job,
						(const uint8_t *)"x", 1, NULL),
				    CS_E_FORMAT);
				continue;
			}
			assert_code(sigfmt_check(f->name, &x.job, NULL), 0);
			x.subject.has[key_alg_hash((enum key_alg)a)] = false;
			assert_code(sigfmt_check(f->name, &x.job, NULL),
			    CS_E_REQ_DIGEST);
			assert_code(sigfmt_verify(f->name, &x.job,
					(const uint8_t *)"x", 1, NULL),
			    CS_E_REQ_DIGEST);
			make_one(f, (enum key_alg)a, &x);
			x.key.namespace = x.key.namespace == NULL ? "x" : NULL;
			assert_code(sigfmt_check(f->name, &x.job, NULL),
			    CS_E_POLICY_NAMESPACE);
		}
	}
}

static void
test_describe(void **state)
{
	static const struct {
		const char *format;
		enum key_alg alg;
		const char *want;
	} t[] = {
		{ "raw", KEY_P256, "nothing but the digest is bound" },
		{ "cms", KEY_P256, "CN=coldseal test" },
		{ "sshsig", KEY_ED25519, "namespace  example.org/x" },
		{ "sshsig", KEY_ED25519, "SSH key    SHA256:" },
		{ "minisign", KEY_ED25519_BLAKE2B, "key number " },
		{ "signify", KEY_ED25519, "name and sha256" },
		{ "dsse", KEY_ED25519, "keyid      " },
		{ "note", KEY_ED25519, "note key   example.org/x+" },
		{ "openpgp-clear", KEY_P256, "user ID    A test" },
		{ "openpgp-clear", KEY_P256, "PGP key    " },
		{ "kmod", KEY_P256, "CN=coldseal test" },
		{ "kmod", KEY_P256, "nothing but the digest is bound" },
	};
	struct buf out = BUF_INIT(SIGFMT_MAX);
	struct one x;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct sigfmt_job j;

		make_one(sigfmt_by_name(t[i].format), t[i].alg, &x);
		j = x.job;
		j.subject = NULL;
		buf_reset(&out);
		assert_int_equal(sigfmt_describe(t[i].format, &j, &out), 0);
		assert_int_equal(buf_put_u8(&out, 0), 0);
		if (strstr((char *)out.p, t[i].want) == NULL)
			fail_msg("%s: %s", t[i].want, (char *)out.p);
	}
	assert_int_equal(sigfmt_describe("pgp", &x.job, &out), CS_E_FORMAT);
	buf_done(&out);
}

/* Made for another key, or by another, or changed: no certificate. */
static void
test_pgp_cert(void **state)
{
	const struct sigfmt *f = sigfmt_by_name("openpgp-clear")->cert;
	struct policy_key k = { .id = "k-1" };
	const struct sigfmt_job j = { .key = &k };
	struct buf out = BUF_INIT(SIGFMT_MAX);
	struct subject user = { .name = (char *)(uintptr_t) "a\nb" };
	const struct sigfmt_job bad = { .key = &k,
		.subject = &user,
		.time = 1700000000 };
	size_t i;
	int a;

	(void)state;
	for (a = 0; a < KEY_ALG_COUNT; a++) {
		if (pgp[a].len == 0)
			continue;
		k.key = pub[a];
		k.alg = (enum key_alg)a;
		assert_code(f->verify(&j, pgp[a].p, pgp[a].len, NULL), 0);
		assert_code(f->verify(&j, pgp[a].p, pgp[a].len - 1, NULL),
		    CS_E_POLICY_CERT);
		for (i = 0; i < pgp[a].len; i++) {
			pgp[a].p[i] ^= 1;
			assert_code(f->verify(&j, pgp[a].p, pgp[a].len, NULL),
			    CS_E_POLICY_CERT);
			pgp[a].p[i] ^= 1;
		}
		k.key = pub[a == KEY_P256 ? KEY_P384 : KEY_P256];
		k.alg = a == KEY_P256 ? KEY_P384 : KEY_P256;
		assert_code(f->verify(&j, pgp[a].p, pgp[a].len, NULL),
		    CS_E_POLICY_CERT);
	}
	k.key = pub[KEY_P256];
	k.alg = KEY_P256;
	assert_code(hsm_sign_rounds(f, &bad, &tokens[KEY_P256], &out, NULL),
	    CS_E_POLICY_CERT);
	buf_done(&out);
}

/* The text as it is, but nothing that a terminal would obey. */
static void
test_describe_text(void **state)
{
	struct buf out = BUF_INIT(SIGFMT_MAX);
	struct one x;
	size_t i;

	(void)state;
	make_one(sigfmt_by_name("dsse"), KEY_ED25519, &x);
	assert_int_equal(sigfmt_describe("dsse", &x.job, &out), 0);
	assert_int_equal(buf_put_u8(&out, 0), 0);
	assert_non_null(strstr((char *)out.p,
	    "type       https://slsa.dev/verification_summary/v1\n"));
	assert_non_null(strstr((char *)out.p, "about      a.bin\n"));
	assert_non_null(strstr((char *)out.p, "text       | {"));
	make_one(sigfmt_by_name("note"), KEY_ED25519, &x);
	set_text(&x, "one\x1b[2J\n\nthree\x9b\xe2\x80\xae\n");
	buf_reset(&out);
	assert_int_equal(sigfmt_describe("note", &x.job, &out), 0);
	for (i = 0; i < out.len; i++)
		assert_true(
		    out.p[i] == '\n' || (out.p[i] >= 0x20 && out.p[i] < 0x7f));
	assert_int_equal(buf_put_u8(&out, 0), 0);
	assert_non_null(strstr((char *)out.p, "text       | one"));
	assert_non_null(strstr((char *)out.p, "             | three"));
	buf_done(&out);
}

/* Names, suffixes and the policy's schema agree with the table. */
static void
test_table(void **state)
{
	_cleanup_free_ uint8_t *text = NULL;
	_cleanup_json_ json_t *schema = NULL;
	const struct sigfmt *f;
	json_t *names;
	size_t i, len;

	(void)state;
	assert_int_equal(file_read(AT_FDCWD, "lib/policy.schema.json", 1 << 20,
			     &text, &len, NULL),
	    0);
	assert_int_equal(json_load_strict(text, len, 1 << 20, &schema, NULL),
	    0);
	names =
	    json_object_get(json_object_get(json_object_get(schema, "$defs"),
				"format"),
		"enum");
	for (i = 0; (f = sigfmt_at(i)) != NULL; i++) {
		assert_string_equal(json_string_value(json_array_get(names, i)),
		    f->name);
		assert_ptr_equal(sigfmt_by_name(f->name), f);
		assert_string_equal(sigfmt_suffix(f->name), f->suffix);
		assert_true(strlen(f->name) <= SIGFMT_NAME_MAX);
		assert_true(strlen(f->suffix) <= 8);
		assert_true(f->rounds >= 1 && f->rounds <= SIGFMT_ROUNDS);
		assert_non_null(strstr(sigfmt_names(), f->name));
	}
	assert_int_equal(json_array_size(names), i);
	assert_int_equal(sigfmt_hashes(sigfmt_by_name("raw")),
	    HASH_BIT(HASH_SHA256) | HASH_BIT(HASH_SHA384) |
		HASH_BIT(HASH_SHA512));
	assert_int_equal(sigfmt_hashes(sigfmt_by_name("minisign")),
	    HASH_BIT(HASH_SHA256) | HASH_BIT(HASH_BLAKE2B));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_other_key),
		cmocka_unit_test(test_as_others),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_pgp_cert),
		cmocka_unit_test(test_describe_text),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
