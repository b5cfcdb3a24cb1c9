/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/note.h"
#include "lib/sigfmt_impl.h"

/*
 * minisign's prehashed signature (jedisct1.github.io/minisign): the token
 * signs the artifact's BLAKE2b-512, and then that signature and the trusted
 * comment, which names the artifact and the time.
 */
#define SIG_LEN	    64u
#define COMMENT_MAX 300u
#define TRUSTED	    "trusted comment: "
#define STAMP	    "timestamp:"

static void
trusted_comment(const struct sigfmt_job *j, char ret[COMMENT_MAX])
{
	(void)snprintf(ret, COMMENT_MAX, STAMP "%" PRId64 "\tfile:%s\thashed",
	    j->time, j->subject->name);
}

static int
build(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	char comment[COMMENT_MAX];
	size_t len;
	const uint8_t *digest = sigfmt_digest(j, &len);
	int r;

	(void)d;
	if (done->n == 0)
		return buf_put(out, digest, len);
	trusted_comment(j, comment);
	r = buf_put(out, done->v[0].p, SIG_LEN);
	return r != 0 ? r : buf_put(out, comment, strlen(comment));
}

static int
assemble(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	char comment[COMMENT_MAX], untrusted[COMMENT_MAX];
	char b64[4 * ((SIG_LEN + 2) / 3) + 1];
	int r;

	(void)d;
	trusted_comment(j, comment);
	(void)snprintf(untrusted, sizeof(untrusted), "signature by the key %s",
	    j->key->id);
	r = sigfmt_put_blob(out, untrusted, "ED", j->key, done->v[0].p,
	    SIG_LEN);
	b64_encode(done->v[1].p, SIG_LEN, b64);
	return r != 0 ? r : buf_putf(out, TRUSTED "%s\n%s\n", comment, b64);
}

static int
read_time(const struct sigfmt_span *s, int64_t *ret)
{
	const char *p = s->p + strlen(TRUSTED STAMP);
	const char *tab;
	uint64_t n;

	if (s->len < strlen(TRUSTED STAMP) ||
	    (tab = memchr(p, '\t', s->len - strlen(TRUSTED STAMP))) == NULL ||
	    note_size_parse(p, (size_t)(tab - p), &n) != 0)
		return CS_E_FORMAT;
	*ret = (int64_t)n;
	return 0;
}

static int
verify(const struct sigfmt_job *job, const uint8_t *sig, size_t len,
    struct diag *d)
{
	struct sigfmt_job j = *job;
	struct sigfmt_sigs s = { .n = 2,
		.v = { { .len = SIG_LEN }, { .len = SIG_LEN } } };
	struct sigfmt_span line[4];
	struct buf tbs = BUF_INIT(SIG_LEN + COMMENT_MAX);
	int r;

	r = sigfmt_lines(sig, len, line, ARRAY_LEN(line));
	if (r == 0)
		r = sigfmt_get_blob(line[1].p, line[1].len, s.v[0].p, SIG_LEN);
	if (r == 0)
		r = read_time(&line[2], &j.time);
	if (r == 0)
		r = b64_decode_exact(line[3].p, line[3].len, s.v[1].p, SIG_LEN);
	if (r == 0)
		r = sigfmt_compare(&sigfmt_minisign, &j, &s, sig, len);
	if (r != 0)
		return sigfmt_bad(d,
		    "a minisign signature by the policy's key for this name",
		    "something else");
	for (s.n = 0; r == 0 && s.n < ARRAY_LEN(s.v); s.n++) {
		buf_reset(&tbs);
		r = build(&j, &s, &tbs, d);
		if (r == 0)
			r = sigfmt_verify_tbs(&j, tbs.p, tbs.len, s.v[s.n].p,
			    SIG_LEN, d);
	}
	buf_done(&tbs);
	return r;
}

/* As minisign prints it: the number is little-endian */
static void
key_number(const struct policy_key *k, char ret[2 * SIGFMT_KEYNUM_LEN + 1])
{
	size_t i;

	for (i = 0; i < SIGFMT_KEYNUM_LEN; i++)
		(void)snprintf(ret + 2 * i, 3, "%02X",
		    k->key->id[SIGFMT_KEYNUM_LEN - 1 - i]);
}

static int
describe(const struct sigfmt_job *j, struct buf *out)
{
	char number[2 * SIGFMT_KEYNUM_LEN + 1];
	int r;

	key_number(j->key, number);
	r = sigfmt_line(out, "key number", number);
	return r != 0 ? r :
			sigfmt_line(out, "comment",
			    "time of signing and name of the artifact");
}

static int
public_key(const struct policy_key *k, struct buf *out, struct diag *d)
{
	char comment[64] = "minisign public key ";
	int r;

	key_number(k, comment + strlen(comment));
	r = sigfmt_put_blob(out, comment, "Ed", k, sigfmt_ed25519(k), 32);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "public key");
}

const struct sigfmt sigfmt_minisign = {
	.name = "minisign",
	.suffix = "minisig",
	.about = "minisign signature, prehashed; signs name and time too",
	.verifier = "minisign -V",
	.algs = SIGFMT_ALG(KEY_ED25519_BLAKE2B),
	.rounds = 2,
	.check = sigfmt_plain_name,
	.describe = describe,
	.build = build,
	.assemble = assemble,
	.verify = verify,
	.public_key = public_key,
};
