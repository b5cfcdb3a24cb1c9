/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/hex.h"
#include "lib/pgp.h"
#include "lib/sigfmt_impl.h"
#include "lib/utf8.h"

/*
 * OpenPGP cleartext signatures (RFC 4880 7): InRelease, .dsc, .changes,
 * SHA256SUMS.  The artifact is the text.  The policy's certificate is the
 * transferable public key: key, user ID and the self-signature that
 * provisioning had the token make, which is a format of its own here (its
 * "artifact" is the user ID).
 */
#define USER_MAX  120u
#define KEY_FLAGS 0x03 /* certify, sign */
#define SIGNED	  "-----BEGIN PGP SIGNED MESSAGE-----\nHash: %s\n\n"
#define BEGIN	  "-----BEGIN PGP SIGNATURE-----\n\n"
#define HEAD_MAX  80u
#define TBS_MAX	  (3u * SIGFMT_TEXT_MAX)
#define ARMOR_MAX 4096u

struct cert {
	struct pgp_key key;
	char user[USER_MAX + 1];
	struct sigfmt_sigs sigs;
};

static int
not_cert(struct diag *d)
{
	return diag_fail(d, CS_E_POLICY_CERT,
	    "the key's OpenPGP certificate as provisioning made it",
	    "something else");
}

/* Printable ASCII: it is shown, and stands in commands. */
static bool
user_good(const char *s)
{
	size_t n = strlen(s);

	for (; *s >= 0x20 && *s < 0x7f; s++)
		continue;
	return n > 0 && n <= USER_MAX && *s == '\0';
}

/* Reads what is unknown of it; cert_verify() makes it again and compares. */
static int
cert_read(const struct policy_key *k, const uint8_t *der, size_t len,
    struct cert *ret)
{
	struct rd rd = RD_INIT(der, len), key, user, sig;
	uint32_t time;
	uint8_t version = 0;

	*ret = (struct cert){ .key = { k->key, k->alg, 0 } };
	if (len == 0 || pgp_get_packet(&rd, PGP_TAG_KEY, &key) != 0 ||
	    pgp_get_packet(&rd, PGP_TAG_USER, &user) != 0 ||
	    pgp_get_packet(&rd, PGP_TAG_SIG, &sig) != 0 || rd_end(&rd) != 0 ||
	    rd_u8(&key, &version) != 0 ||
	    rd_u32(&key, &ret->key.created) != 0 || user.left == 0 ||
	    user.left > USER_MAX)
		return CS_E_FORMAT;
	memcpy(ret->user, user.p, user.left);
	ret->sigs.n = 1;
	return pgp_get_sig(&sig, k->alg, &time, ret->sigs.v[0].p,
	    sizeof(ret->sigs.v[0].p), &ret->sigs.v[0].len);
}

/* RFC 4880 5.2.4: key and user ID with the framing of a signature */
static int
cert_tbs(const struct sigfmt_job *j, const struct pgp_key *k,
    struct buf *hashed, struct buf *out)
{
	struct buf body = BUF_INIT(PGP_PACKET_MAX);
	const char *user = j->subject->name;
	int r;

	r = pgp_put_key(&body, k);
	if (r == 0)
		r = pgp_put_packet(out, PGP_TAG_KEY, body.p, body.len);
	if (r == 0)
		r = buf_put_u8(out, 0xb4);
	if (r == 0)
		r = buf_put_u32(out, (uint32_t)strlen(user));
	if (r == 0)
		r = buf_put(out, user, strlen(user));
	if (r == 0)
		r = pgp_put_hashed(hashed, k, PGP_SIG_CERT, k->created,
		    KEY_FLAGS);
	if (r == 0)
		r = pgp_put_trailer(out, hashed);
	buf_done(&body);
	return r;
}

/* Ed25519 signs the digest of these bytes, as GnuPG has it. */
static int
as_message(enum key_alg a, const struct buf *tbs, struct buf *out)
{
	uint8_t md[HASH_MAX_LEN];
	int r;

	if (a != KEY_ED25519)
		return buf_put(out, tbs->p, tbs->len);
	r = pgp_digest(a, tbs, md);
	return r != 0 ? r : buf_put(out, md, hash_len(HASH_SHA512));
}

static int
cert_build(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	const struct pgp_key k = { j->key->key, j->key->alg,
		(uint32_t)j->time };
	struct buf hashed = BUF_INIT(PGP_PACKET_MAX), tbs = BUF_INIT(TBS_MAX);
	int r;

	(void)done;
	r = user_good(j->subject->name) && j->time >= 0 &&
		j->time <= UINT32_MAX ?
	    cert_tbs(j, &k, &hashed, &tbs) :
	    CS_E_POLICY_CERT;
	if (r == 0)
		r = as_message(k.alg, &tbs, out);
	buf_done(&hashed);
	buf_done(&tbs);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "OpenPGP certificate");
}

static int
cert_assemble(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	const struct pgp_key k = { j->key->key, j->key->alg,
		(uint32_t)j->time };
	const struct pgp_sig sig = { done->v[0].p, done->v[0].len };
	struct buf hashed = BUF_INIT(PGP_PACKET_MAX), tbs = BUF_INIT(TBS_MAX);
	struct buf body = BUF_INIT(PGP_PACKET_MAX);
	int r;

	r = pgp_put_key(&body, &k);
	if (r == 0)
		r = pgp_put_packet(out, PGP_TAG_KEY, body.p, body.len);
	if (r == 0)
		r = pgp_put_packet(out, PGP_TAG_USER, j->subject->name,
		    strlen(j->subject->name));
	if (r == 0)
		r = cert_tbs(j, &k, &hashed, &tbs);
	if (r == 0)
		r = pgp_put_sig(out, &k, &hashed, &tbs, &sig);
	buf_done(&body);
	buf_done(&hashed);
	buf_done(&tbs);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "OpenPGP certificate");
}

/* The certificate of j->key; its user ID and time are its own. */
static int
cert_verify(const struct sigfmt_job *job, const uint8_t *der, size_t len,
    struct diag *d)
{
	struct buf tbs = BUF_INIT(TBS_MAX);
	struct cert c;
	struct subject s = { .name = c.user };
	struct sigfmt_job j = { .key = job->key, .subject = &s, .time = 0 };
	int r;

	if (cert_read(job->key, der, len, &c) != 0)
		return not_cert(d);
	j.time = c.key.created;
	if (!user_good(c.user) ||
	    sigfmt_compare(&sigfmt_pgp_cert, &j, &c.sigs, der, len) != 0)
		return not_cert(d);
	r = cert_build(&j, NULL, &tbs, d);
	if (r == 0)
		r = sigfmt_verify_tbs(&j, tbs.p, tbs.len, c.sigs.v[0].p,
		    c.sigs.v[0].len, d);
	buf_done(&tbs);
	return r == 0 ? 0 : not_cert(d);
}

const struct sigfmt sigfmt_pgp_cert = {
	.name = "openpgp-key",
	.suffix = "asc",
	.rounds = 1,
	.build = cert_build,
	.assemble = cert_assemble,
	.verify = cert_verify,
};

/* Why the text is none; NULL if it is one. */
static const char *
not_a_text(const char *p, size_t len)
{
	size_t i, step;

	if (len == 0 || p[len - 1] != '\n')
		return "the last line does not end";
	for (i = 0; i < len; i += step) {
		step = utf8_char(p + i, len - i, NULL);
		if (step == 0)
			return "a byte that is not UTF-8";
		if (p[i] == '\r')
			return "a carriage return";
		if (((uint8_t)p[i] < 0x20 && p[i] != '\n' && p[i] != '\t') ||
		    p[i] == 0x7f)
			return "a control character";
		if (p[i] == '-' && (i == 0 || p[i - 1] == '\n'))
			return "a line that begins with a dash";
		if ((p[i] == ' ' || p[i] == '\t') && p[i + 1] == '\n')
			return "a line that ends in a space";
	}
	return NULL;
}

static int
check(const struct sigfmt_job *j, struct diag *d)
{
	const char *why =
	    not_a_text((const char *)j->subject->text, j->subject->text_len);

	return why == NULL ? 0 :
			     diag_fail(d, CS_E_FORMAT_CLEAR,
				 "lines that need no escape, all ended",
				 "%s in %.100s", why, j->subject->name);
}

/* RFC 4880 5.2.1, 7.1: CR LF between lines, and not after the last */
static int
put_canonical(struct buf *out, const struct subject *s)
{
	const uint8_t *p = s->text, *end = p + s->text_len - 1, *nl;
	int r = 0;

	for (; r == 0; p = nl + 1) {
		nl = p == end ? NULL : memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			return buf_put(out, p, (size_t)(end - p));
		r = buf_put(out, p, (size_t)(nl - p));
		if (r == 0)
			r = buf_put(out, "\r\n", 2);
	}
	return r;
}

static int
clear_tbs(const struct sigfmt_job *j, struct pgp_key *k, struct buf *hashed,
    struct buf *out)
{
	struct cert c;
	int r;

	if (j->time < 0 || j->time > UINT32_MAX)
		return CS_E_CRYPTO;
	r = cert_read(j->key, j->key->cert, j->key->cert_len, &c);
	if (r != 0)
		return r;
	*k = c.key;
	r = put_canonical(out, j->subject);
	if (r == 0)
		r = pgp_put_hashed(hashed, k, PGP_SIG_TEXT, (uint32_t)j->time,
		    0);
	return r != 0 ? r : pgp_put_trailer(out, hashed);
}

static int
build(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	struct buf hashed = BUF_INIT(PGP_PACKET_MAX), tbs = BUF_INIT(TBS_MAX);
	struct pgp_key k;
	int r;

	(void)done;
	r = clear_tbs(j, &k, &hashed, &tbs);
	if (r == 0)
		r = as_message(k.alg, &tbs, out);
	buf_done(&hashed);
	buf_done(&tbs);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "OpenPGP signature");
}

static int
assemble(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	const struct pgp_sig sig = { done->v[0].p, done->v[0].len };
	struct buf hashed = BUF_INIT(PGP_PACKET_MAX), tbs = BUF_INIT(TBS_MAX);
	struct buf packet = BUF_INIT(PGP_PACKET_MAX);
	struct pgp_key k;
	int r;

	r = clear_tbs(j, &k, &hashed, &tbs);
	if (r == 0)
		r = pgp_put_sig(&packet, &k, &hashed, &tbs, &sig);
	if (r == 0)
		r = buf_putf(out, SIGNED, pgp_hash_name(k.alg));
	if (r == 0)
		r = buf_put(out, j->subject->text, j->subject->text_len);
	if (r == 0)
		r = pgp_armor(out, "SIGNATURE", &packet);
	buf_done(&hashed);
	buf_done(&tbs);
	buf_done(&packet);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "OpenPGP signature");
}

/* Base64 lines up to the checksum, without newlines; CS_E_FORMAT */
static int
dearmor(const char *p, size_t len, uint8_t *ret, size_t size, size_t *ret_len)
{
	char text[ARMOR_MAX] = "";
	size_t i, n = 0;

	for (i = 0; i < len && p[i] != '='; i++) {
		while (i < len && p[i] != '\n' && n < sizeof(text))
			text[n++] = p[i++];
		if (i == len || n == sizeof(text))
			return CS_E_FORMAT;
	}
	return b64_dec_max(n) > size ? CS_E_FORMAT :
				       b64_decode(text, n, ret, size, ret_len);
}

/* The text, its time and the token's signature, all that is not known. */
static int
open_clear(const struct policy_key *k, const uint8_t *p, size_t len,
    struct subject *text, int64_t *ret_time, struct sigfmt_sigs *ret)
{
	uint8_t raw[ARMOR_MAX];
	struct rd rd, packet;
	const uint8_t *begin;
	char head[HEAD_MAX];
	uint32_t time = 0;
	size_t n, raw_len = 0;

	(void)snprintf(head, sizeof(head), SIGNED, pgp_hash_name(k->alg));
	n = strlen(head);
	if (len < n || memcmp(p, head, n) != 0 ||
	    (begin = memmem(p + n, len - n, BEGIN, strlen(BEGIN))) == NULL ||
	    begin == p + n)
		return CS_E_FORMAT;
	text->text = (uint8_t *)(uintptr_t)p + n;
	text->text_len = (size_t)(begin - p) - n;
	begin += strlen(BEGIN);
	if (text->text_len > SIGFMT_TEXT_MAX ||
	    dearmor((const char *)begin, len - (size_t)(begin - p), raw,
		sizeof(raw), &raw_len) != 0)
		return CS_E_FORMAT;
	rd = (struct rd)RD_INIT(raw, raw_len);
	if (pgp_get_packet(&rd, PGP_TAG_SIG, &packet) != 0)
		return CS_E_FORMAT;
	ret->n = 1;
	if (pgp_get_sig(&packet, k->alg, &time, ret->v[0].p,
		sizeof(ret->v[0].p), &ret->v[0].len) != 0)
		return CS_E_FORMAT;
	*ret_time = time;
	return 0;
}

static int
verify(const struct sigfmt_job *job, const uint8_t *sig, size_t len,
    struct diag *d)
{
	struct subject subject = *job->subject;
	struct sigfmt_job j = { .key = job->key,
		.subject = &subject,
		.time = 0 };
	struct buf tbs = BUF_INIT(TBS_MAX);
	struct sigfmt_sigs s = { 0 };
	uint8_t md[CS_SHA256_LEN];
	int r;

	if (open_clear(job->key, sig, len, &subject, &j.time, &s) != 0)
		return sigfmt_bad(d, "an OpenPGP cleartext signature",
		    "something else");
	r = sha256(subject.text, subject.text_len, md);
	if (r == 0 && memcmp(md, subject.digest[HASH_SHA256], sizeof(md)) != 0)
		return diag_fail(d, CS_E_SIG, "the artifact as text",
		    "another text");
	if (r == 0 && sigfmt_compare(&sigfmt_pgp, &j, &s, sig, len) != 0)
		return sigfmt_bad(d,
		    "an OpenPGP signature as this key's is written",
		    "another packet or armor");
	if (r == 0)
		r = build(&j, NULL, &tbs, d);
	if (r == 0)
		r = sigfmt_verify_tbs(&j, tbs.p, tbs.len, s.v[0].p, s.v[0].len,
		    d);
	buf_done(&tbs);
	return r;
}

static int
describe(const struct sigfmt_job *j, struct buf *out)
{
	uint8_t fpr[PGP_FPR_LEN];
	char hex[2 * PGP_FPR_LEN + 1];
	struct cert c;
	int r;

	r = cert_read(j->key, j->key->cert, j->key->cert_len, &c);
	if (r == 0)
		r = pgp_fingerprint(&c.key, fpr);
	if (r != 0)
		return r;
	hex_encode(fpr, sizeof(fpr), hex);
	r = sigfmt_line(out, "PGP key", hex);
	if (r == 0)
		r = sigfmt_line(out, "user ID", c.user);
	return r != 0 ? r :
			sigfmt_line(out, "attests", "the text, and the time");
}

static int
cert_from(const struct policy_key *k, int64_t *ret)
{
	struct cert c;
	int r = cert_read(k, k->cert, k->cert_len, &c);

	if (r == 0)
		*ret = c.key.created;
	return r;
}

static int
public_key(const struct policy_key *k, struct buf *out, struct diag *d)
{
	struct buf cert = BUF_INIT(PGP_PACKET_MAX);
	int r = buf_put(&cert, k->cert, k->cert_len);

	if (r == 0)
		r = pgp_armor(out, "PUBLIC KEY BLOCK", &cert);
	buf_done(&cert);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "OpenPGP certificate");
}

const struct sigfmt sigfmt_pgp = {
	.name = "openpgp-clear",
	.suffix = "asc",
	.about = "OpenPGP cleartext signature; signs text and time",
	.verifier = "gpg --verify, gpgv, sqv, apt",
	.algs = SIGFMT_ALG(KEY_RSA3072_PKCS1) | SIGFMT_EC | SIGFMT_ED,
	.flags = SIGFMT_F_TEXT | SIGFMT_F_CERT,
	.rounds = 1,
	.cert = &sigfmt_pgp_cert,
	.cert_from = cert_from,
	.check = check,
	.describe = describe,
	.build = build,
	.assemble = assemble,
	.verify = verify,
	.public_key = public_key,
};
