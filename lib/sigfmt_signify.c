/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/hex.h"
#include "lib/sigfmt_impl.h"

/*
 * signify's signature of a list of checksums, with the list inside (signify(1)
 * -S -e, checked by -C): one line, which binds name and SHA-256.
 */
#define SIG_LEN	 64u
#define LIST_MAX 320u

static int
build(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	char hex[CS_SHA256_HEX + 1];

	(void)done;
	(void)d;
	hex_encode(j->subject->digest[HASH_SHA256], CS_SHA256_LEN, hex);
	return buf_putf(out, "SHA256 (%s) = %s\n", j->subject->name, hex);
}

static int
assemble(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	struct buf list = BUF_INIT(LIST_MAX);
	char comment[80];
	int r;

	/* the name that signify expects the public key's file to have */
	(void)snprintf(comment, sizeof(comment), "verify with %s.pub",
	    j->key->id);
	r = sigfmt_put_blob(out, comment, "Ed", j->key, done->v[0].p, SIG_LEN);
	if (r == 0)
		r = build(j, done, &list, d);
	if (r == 0)
		r = buf_put(out, list.p, list.len);
	buf_done(&list);
	return r;
}

static int
verify(const struct sigfmt_job *j, const uint8_t *sig, size_t len,
    struct diag *d)
{
	struct sigfmt_sigs s = { .n = 1, .v = { { .len = SIG_LEN } } };
	struct buf list = BUF_INIT(LIST_MAX);
	struct sigfmt_span line[3];
	int r;

	r = sigfmt_lines(sig, len, line, ARRAY_LEN(line));
	if (r == 0)
		r = sigfmt_get_blob(line[1].p, line[1].len, s.v[0].p, SIG_LEN);
	if (r == 0)
		r = sigfmt_compare(&sigfmt_signify, j, &s, sig, len);
	if (r != 0)
		return sigfmt_bad(d,
		    "a signify list of this name and digest by the policy's "
		    "key",
		    "something else");
	r = build(j, NULL, &list, d);
	if (r == 0)
		r = sigfmt_verify_tbs(j, list.p, list.len, s.v[0].p, SIG_LEN,
		    d);
	buf_done(&list);
	return r;
}

static int
describe(const struct sigfmt_job *j, struct buf *out)
{
	char hex[2 * SIGFMT_KEYNUM_LEN + 1];
	int r;

	hex_encode(j->key->key->id, SIGFMT_KEYNUM_LEN, hex);
	r = sigfmt_line(out, "key number", hex);
	return r != 0 ?
	    r :
	    sigfmt_line(out, "list", "name and sha256 of the artifact");
}

static int
public_key(const struct policy_key *k, struct buf *out, struct diag *d)
{
	char comment[80];
	int r;

	(void)snprintf(comment, sizeof(comment), "%s public key", k->id);
	r = sigfmt_put_blob(out, comment, "Ed", k, sigfmt_ed25519(k), 32);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "public key");
}

const struct sigfmt sigfmt_signify = {
	.name = "signify",
	.suffix = "sig",
	.about = "signify list of one checksum, inside; signs the name too",
	.verifier = "signify -C",
	.algs = SIGFMT_ED,
	.rounds = 1,
	.check = sigfmt_plain_name,
	.describe = describe,
	.build = build,
	.assemble = assemble,
	.verify = verify,
	.public_key = public_key,
};
