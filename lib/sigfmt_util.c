/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/ossl.h"
#include "lib/sigfmt_impl.h"

/* What several formats have in common. */
int
sigfmt_bad(struct diag *d, const char *expected, const char *found)
{
	ERR_clear_error();
	return diag_fail(d, CS_E_FORMAT, expected, "%s", found);
}

int
sigfmt_crypto(struct diag *d, const char *what)
{
	ERR_clear_error();
	return diag_fail(d, CS_E_CRYPTO, NULL, "%s", what);
}

const uint8_t *
sigfmt_digest(const struct sigfmt_job *j, size_t *ret_len)
{
	enum hash_alg h = key_alg_hash(j->key->alg);

	*ret_len = hash_len(h);
	return j->subject->digest[h];
}

int
sigfmt_build_own(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	(void)done;
	(void)d;
	return buf_put(out, j->subject->tbs, j->subject->tbs_len);
}

int
sigfmt_verify_own(const struct sigfmt_job *j, const struct sigfmt_sigs *s,
    struct diag *d)
{
	const struct subject *u = j->subject;
	int r;

	if (u->tbs_len != hash_len(key_alg_hash(j->key->alg)))
		return sigfmt_bad(d, "the format's digest of the artifact",
		    "none of the key's length");
	r = pubkey_verify_digest(j->key->key, j->key->alg, u->tbs, u->tbs_len,
	    s->v[0].p, s->v[0].len);
	ERR_clear_error();
	return r == 0 ? 0 :
			diag_fail(d, r, "a signature by the policy's key",
			    "it does not verify");
}

/* Ed25519 signs the message; the others the digest of it. */
static int
verify_message(const struct policy_key *k, const uint8_t *msg, size_t len,
    const uint8_t *sig, size_t sig_len)
{
	uint8_t md[HASH_MAX_LEN];
	int r;

	if (key_alg_is_ed25519(k->alg))
		return pubkey_verify_message(k->key, msg, len, sig, sig_len);
	r = hash_of(key_alg_hash(k->alg), msg, len, md);
	return r != 0 ? r :
			pubkey_verify_digest(k->key, k->alg, md,
			    hash_len(key_alg_hash(k->alg)), sig, sig_len);
}

int
sigfmt_verify_tbs(const struct sigfmt_job *j, const uint8_t *tbs,
    size_t tbs_len, const uint8_t *sig, size_t sig_len, struct diag *d)
{
	int r = verify_message(j->key, tbs, tbs_len, sig, sig_len);

	ERR_clear_error();
	return r == 0 ? 0 :
			diag_fail(d, r, "a signature by the policy's key",
			    "it does not verify");
}

int
sigfmt_pem(const char *type, const uint8_t *der, size_t len, struct buf *out,
    struct diag *d)
{
	_cleanup_(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	long n;

	if (bio == NULL)
		return diag_nomem(d);
	if (PEM_write_bio(bio, type, "", der, (long)len) <= 0)
		return sigfmt_crypto(d, "PEM");
	n = BIO_get_mem_data(bio, &data);
	return n <= 0 ? sigfmt_crypto(d, "PEM") : buf_put(out, data, (size_t)n);
}

int
sigfmt_pem_key(const struct policy_key *k, struct buf *out, struct diag *d)
{
	return sigfmt_pem("PUBLIC KEY", k->key->spki, k->key->spki_len, out, d);
}

const uint8_t *
sigfmt_ed25519(const struct policy_key *k)
{
	return k->key->spki + k->key->spki_len - 32;
}

int
sigfmt_put_blob(struct buf *out, const char *comment, const char *alg,
    const struct policy_key *k, const uint8_t *p, size_t len)
{
	uint8_t raw[SIGFMT_BLOB_MAX];
	char text[4 * ((SIGFMT_BLOB_MAX + 2) / 3) + 1];

	if (len > sizeof(raw) - 2 - SIGFMT_KEYNUM_LEN)
		return CS_E_TOO_LARGE;
	memcpy(raw, alg, 2);
	memcpy(raw + 2, k->key->id, SIGFMT_KEYNUM_LEN);
	memcpy(raw + 2 + SIGFMT_KEYNUM_LEN, p, len);
	b64_encode(raw, 2 + SIGFMT_KEYNUM_LEN + len, text);
	return buf_putf(out, "untrusted comment: %s\n%s\n", comment, text);
}

int
sigfmt_get_blob(const char *line, size_t line_len, uint8_t *ret, size_t want)
{
	const size_t before = 2 + SIGFMT_KEYNUM_LEN;
	uint8_t raw[SIGFMT_BLOB_MAX];

	if (before + want > sizeof(raw) ||
	    b64_decode_exact(line, line_len, raw, before + want) != 0)
		return CS_E_FORMAT;
	memcpy(ret, raw + before, want);
	return 0;
}

int
sigfmt_lines(const uint8_t *text, size_t len, struct sigfmt_span *ret, size_t n)
{
	const char *p = (const char *)text, *end = p + len, *nl;
	size_t i;

	for (i = 0; i < n; i++) {
		nl = p == end ? NULL : memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			return CS_E_FORMAT;
		ret[i] = (struct sigfmt_span){ p, (size_t)(nl - p) };
		p = nl + 1;
	}
	return p == end ? 0 : CS_E_FORMAT;
}

int
sigfmt_compare(const struct sigfmt *f, const struct sigfmt_job *j,
    const struct sigfmt_sigs *done, const uint8_t *sig, size_t len)
{
	struct buf again = BUF_INIT(SIGFMT_MAX);
	int r;

	r = f->assemble(j, done, &again, NULL);
	if (r == 0 && (again.len != len || memcmp(again.p, sig, len) != 0))
		r = CS_E_FORMAT;
	buf_done(&again);
	return r;
}

int
sigfmt_plain_name(const struct sigfmt_job *j, struct diag *d)
{
	const char *s = j->subject->name;
	size_t n = strspn(s,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	    "._+~-");

	if (n > 0 && s[n] == '\0' && *s != '.' && *s != '-')
		return 0;
	return diag_fail(d, CS_E_FORMAT_NAME,
	    "letters, digits, '.', '_', '+', '~' and '-'", "%.100s", s);
}
