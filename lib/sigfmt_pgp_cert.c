/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/b64.h"
#include "lib/hex.h"
#include "lib/sigfmt_pgp.h"

/*
 * The policy's certificate of OpenPGP formats: the transferable public key.
 * It is key, user ID and the self-signature that provisioning had the token
 * make, which is a format of its own here (its "artifact" is the user ID).
 */
#define KEY_FLAGS 0x03 /* certify, sign */
#define TBS_MAX	  4096u

int
pgp_as_message(enum key_alg a, const struct buf *tbs, struct buf *out)
{
	uint8_t md[HASH_MAX_LEN];
	int r;

	if (a != KEY_ED25519)
		return buf_put(out, tbs->p, tbs->len);
	r = pgp_digest(a, tbs, md);
	return r != 0 ? r : buf_put(out, md, hash_len(HASH_SHA512));
}

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
	return n > 0 && n <= PGP_USER_MAX && *s == '\0';
}

/* cert_verify() makes it again and compares. */
int
pgp_cert_read(const struct policy_key *k, const uint8_t *der, size_t len,
    struct pgp_cert *ret)
{
	struct rd rd = RD_INIT(der, len), key, user, sig;
	uint32_t time;
	uint8_t version = 0;

	*ret = (struct pgp_cert){ .key = { k->key, k->alg, 0 } };
	if (len == 0 || pgp_get_packet(&rd, PGP_TAG_KEY, &key) != 0 ||
	    pgp_get_packet(&rd, PGP_TAG_USER, &user) != 0 ||
	    pgp_get_packet(&rd, PGP_TAG_SIG, &sig) != 0 || rd_end(&rd) != 0 ||
	    rd_u8(&key, &version) != 0 ||
	    rd_u32(&key, &ret->key.created) != 0 || user.left == 0 ||
	    user.left > PGP_USER_MAX)
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
		r = pgp_as_message(k.alg, &tbs, out);
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
	uint8_t md[HASH_MAX_LEN];
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
		r = pgp_digest(k.alg, &tbs, md);
	if (r == 0)
		r = pgp_put_sig(out, &k, &hashed, md, &sig);
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
	struct pgp_cert c;
	struct subject s = { .name = c.user };
	struct sigfmt_job j = { .key = job->key, .subject = &s, .time = 0 };
	int r;

	if (pgp_cert_read(job->key, der, len, &c) != 0)
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

int
sigfmt_pgp_describe(const struct sigfmt_job *j, struct buf *out)
{
	uint8_t fpr[PGP_FPR_LEN];
	char hex[2 * PGP_FPR_LEN + 1];
	struct pgp_cert c;
	int r;

	r = pgp_cert_read(j->key, j->key->cert, j->key->cert_len, &c);
	if (r == 0)
		r = pgp_fingerprint(&c.key, fpr);
	if (r != 0)
		return r;
	hex_encode(fpr, sizeof(fpr), hex);
	r = sigfmt_line(out, "PGP key", hex);
	return r != 0 ? r : sigfmt_line(out, "user ID", c.user);
}

int
sigfmt_pgp_cert_from(const struct policy_key *k, int64_t *ret)
{
	struct pgp_cert c;
	int r = pgp_cert_read(k, k->cert, k->cert_len, &c);

	if (r == 0)
		*ret = c.key.created;
	return r;
}

int
sigfmt_pgp_public_key(const struct policy_key *k, struct buf *out,
    struct diag *d)
{
	struct buf cert = BUF_INIT(PGP_PACKET_MAX);
	int r = buf_put(&cert, k->cert, k->cert_len);

	if (r == 0)
		r = pgp_armor(out, "PUBLIC KEY BLOCK", &cert);
	buf_done(&cert);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "OpenPGP certificate");
}

int
pgp_dearmor(const char *p, size_t len, uint8_t *ret, size_t size,
    size_t *ret_len)
{
	char text[PGP_ARMOR_MAX] = "";
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
