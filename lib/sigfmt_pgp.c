/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/sigfmt_pgp.h"
#include "lib/utf8.h"

/*
 * OpenPGP cleartext signatures (RFC 4880 7): InRelease, .dsc, .changes,
 * SHA256SUMS.  The artifact is the text.
 */
#define SIGNED	 "-----BEGIN PGP SIGNED MESSAGE-----\nHash: %s\n\n"
#define BEGIN	 "-----BEGIN PGP SIGNATURE-----\n\n"
#define HEAD_MAX 80u
#define TBS_MAX	 (3u * SIGFMT_TEXT_MAX)

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
	struct pgp_cert c;
	int r;

	if (j->time < 0 || j->time > UINT32_MAX)
		return CS_E_CRYPTO;
	r = pgp_cert_read(j->key, j->key->cert, j->key->cert_len, &c);
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
		r = pgp_as_message(k.alg, &tbs, out);
	buf_done(&hashed);
	buf_done(&tbs);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "OpenPGP signature");
}

static int
assemble(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	const struct pgp_sig sig = { done->v[0].p, done->v[0].len };
	uint8_t md[HASH_MAX_LEN];
	struct buf hashed = BUF_INIT(PGP_PACKET_MAX), tbs = BUF_INIT(TBS_MAX);
	struct buf packet = BUF_INIT(PGP_PACKET_MAX);
	struct pgp_key k;
	int r;

	r = clear_tbs(j, &k, &hashed, &tbs);
	if (r == 0)
		r = pgp_digest(k.alg, &tbs, md);
	if (r == 0)
		r = pgp_put_sig(&packet, &k, &hashed, md, &sig);
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

/* The text, its time and the token's signature, all that is not known. */
static int
open_clear(const struct policy_key *k, const uint8_t *p, size_t len,
    struct subject *text, int64_t *ret_time, struct sigfmt_sigs *ret)
{
	uint8_t raw[PGP_ARMOR_MAX];
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
	    pgp_dearmor((const char *)begin, len - (size_t)(begin - p), raw,
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
	int r = sigfmt_pgp_describe(j, out);

	return r != 0 ? r :
			sigfmt_line(out, "attests", "the text, and the time");
}

const struct sigfmt sigfmt_pgp = {
	.name = "openpgp-clear",
	.suffix = "asc",
	.about = "OpenPGP cleartext signature; signs text and time",
	.verifier = "gpg --verify, gpgv, sqv, apt",
	.algs = SIGFMT_ALG(KEY_RSA3072_PKCS1) | SIGFMT_EC | SIGFMT_ED,
	.flags = SIGFMT_F_TEXT | SIGFMT_F_CERT,
	.rounds = 1,
	.install = SIGFMT_WHOLE,
	.cert = &sigfmt_pgp_cert,
	.cert_from = sigfmt_pgp_cert_from,
	.check = check,
	.describe = describe,
	.build = build,
	.assemble = assemble,
	.verify = verify,
	.public_key = sigfmt_pgp_public_key,
};
