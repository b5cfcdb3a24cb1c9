/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/sigfmt_impl.h"

/*
 * SSHSIG (OpenSSH's PROTOCOL.sshsig, draft-josefsson-sshsig-format): the
 * digest of the artifact within a namespace that the policy names for the
 * key.  The digest's algorithm is the key's: SSHSIG knows sha256 and sha512,
 * so P-384 with its sha384 is not here.
 */
#define MAGIC	   "SSHSIG"
#define MAGIC_LEN  6u
#define VERSION	   1u
#define BLOB_MAX   2048u
#define ARMOR_LINE 70u
#define BEGIN	   "-----BEGIN SSH SIGNATURE-----\n"
#define END	   "-----END SSH SIGNATURE-----\n"
#define EC_LEN	   32u /* P-256 */
#define EC_POINT   65u

static const struct {
	enum key_alg alg;
	const char *key, *curve, *sig;
} types[] = {
	{ KEY_ED25519, "ssh-ed25519", NULL, "ssh-ed25519" },
	{ KEY_P256, "ecdsa-sha2-nistp256", "nistp256", "ecdsa-sha2-nistp256" },
	/* RFC 8332: PKCS#1 v1.5 */
	{ KEY_RSA3072_PKCS1, "ssh-rsa", NULL, "rsa-sha2-256" },
};

static void
bn_freep(BIGNUM **p)
{
	BN_free(*p);
}

static void
ecdsa_freep(ECDSA_SIG **p)
{
	ECDSA_SIG_free(*p);
}

/* Row of types[]; the table's algs has no other */
static size_t
type_of(enum key_alg a)
{
	size_t i = 0;

	while (i < ARRAY_LEN(types) - 1 && types[i].alg != a)
		i++;
	return i;
}

/* RFC 4251 5: big-endian, no leading zero but before a set top bit */
static int
put_mpint(struct buf *b, const BIGNUM *n)
{
	uint8_t raw[SIGFMT_TOKEN_MAX + 1] = { 0 };
	int len = BN_num_bytes(n);
	size_t lead = BN_num_bits(n) % 8 == 0 ? 1 : 0;

	if (len <= 0 || len > (int)SIGFMT_TOKEN_MAX ||
	    BN_bn2bin(n, raw + 1) != len)
		return CS_E_CRYPTO;
	return buf_put_str(b, raw + 1 - lead, (size_t)len + lead);
}

static int
put_rsa(struct buf *b, const EVP_PKEY *k)
{
	_cleanup_(bn_freep) BIGNUM *n = NULL, *e = NULL;
	int r;

	if (EVP_PKEY_get_bn_param(k, OSSL_PKEY_PARAM_RSA_E, &e) != 1 ||
	    EVP_PKEY_get_bn_param(k, OSSL_PKEY_PARAM_RSA_N, &n) != 1)
		return CS_E_CRYPTO;
	r = put_mpint(b, e);
	return r != 0 ? r : put_mpint(b, n);
}

/* RFC 4253 6.6, RFC 5656 3.1, RFC 8709 4 */
static int
public_blob(const struct policy_key *k, struct buf *b)
{
	size_t t = type_of(k->alg);
	int r = buf_put_cstr(b, types[t].key);

	if (r != 0)
		return r;
	if (k->alg == KEY_RSA3072_PKCS1)
		return put_rsa(b, k->key->pkey);
	if (k->alg == KEY_ED25519)
		return buf_put_str(b, sigfmt_ed25519(k), 32);
	r = buf_put_cstr(b, types[t].curve);
	return r != 0 ?
	    r :
	    buf_put_str(b, k->key->spki + k->key->spki_len - EC_POINT,
		EC_POINT);
}

static int
put_context(const struct sigfmt_job *j, struct buf *b)
{
	int r = buf_put_cstr(b, j->key->namespace);

	if (r == 0)
		r = buf_put_cstr(b, ""); /* reserved */
	return r != 0 ? r :
			buf_put_cstr(b, hash_name(key_alg_hash(j->key->alg)));
}

static int
build(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	size_t len;
	const uint8_t *digest = sigfmt_digest(j, &len);
	int r = buf_put(out, MAGIC, MAGIC_LEN);

	(void)done;
	(void)d;
	if (r == 0)
		r = put_context(j, out);
	return r != 0 ? r : buf_put_str(out, digest, len);
}

/* All of the blob before the signature, which is what is known of it. */
static int
put_head(const struct sigfmt_job *j, struct buf *b)
{
	struct buf key = BUF_INIT(BLOB_MAX);
	int r;

	r = public_blob(j->key, &key);
	if (r == 0)
		r = buf_put(b, MAGIC, MAGIC_LEN);
	if (r == 0)
		r = buf_put_u32(b, VERSION);
	if (r == 0)
		r = buf_put_str(b, key.p, key.len);
	if (r == 0)
		r = put_context(j, b);
	buf_done(&key);
	return r;
}

/* DER to the two mpints of RFC 5656 3.1.2 */
static int
put_ecdsa(struct buf *b, const uint8_t *der, size_t len)
{
	_cleanup_(ecdsa_freep) ECDSA_SIG *s = NULL;
	const unsigned char *p = der;
	struct buf pair = BUF_INIT(SIGFMT_TOKEN_MAX);
	int r;

	s = d2i_ECDSA_SIG(NULL, &p, (long)len);
	if (s == NULL || p != der + len)
		return CS_E_CRYPTO;
	r = put_mpint(&pair, ECDSA_SIG_get0_r(s));
	if (r == 0)
		r = put_mpint(&pair, ECDSA_SIG_get0_s(s));
	if (r == 0)
		r = buf_put_str(b, pair.p, pair.len);
	buf_done(&pair);
	return r;
}

static int
put_signature(const struct sigfmt_job *j, const uint8_t *sig, size_t len,
    struct buf *b)
{
	struct buf s = BUF_INIT(BLOB_MAX);
	int r;

	r = buf_put_cstr(&s, types[type_of(j->key->alg)].sig);
	if (r == 0)
		r = j->key->alg == KEY_P256 ? put_ecdsa(&s, sig, len) :
					      buf_put_str(&s, sig, len);
	if (r == 0)
		r = buf_put_str(b, s.p, s.len);
	buf_done(&s);
	return r;
}

static int
armor(const struct buf *blob, struct buf *out)
{
	char text[BLOB_MAX * 4 / 3 + 8] = "";
	size_t i, n = b64_enc_len(blob->len);
	int r;

	b64_encode(blob->p, blob->len, text);
	r = buf_putf(out, "%s", BEGIN);
	for (i = 0; r == 0 && i < n; i += ARMOR_LINE)
		r = buf_putf(out, "%.*s\n", (int)ARMOR_LINE, text + i);
	return r != 0 ? r : buf_putf(out, "%s", END);
}

static int
assemble(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	struct buf blob = BUF_INIT(BLOB_MAX);
	int r;

	r = put_head(j, &blob);
	if (r == 0)
		r = put_signature(j, done->v[0].p, done->v[0].len, &blob);
	if (r == 0)
		r = armor(&blob, out);
	buf_done(&blob);
	ERR_clear_error();
	return r == 0 ? 0 : diag_fail(d, r, NULL, "SSH signature");
}

/* The lines between begin and end, without newlines; CS_E_FORMAT */
static int
dearmor(const uint8_t *sig, size_t len, struct buf *blob)
{
	const size_t begin = sizeof(BEGIN) - 1, end = sizeof(END) - 1;
	char text[BLOB_MAX * 4 / 3 + 8] = "";
	uint8_t raw[BLOB_MAX];
	size_t i, n = 0;

	if (len < begin + end || memcmp(sig, BEGIN, begin) != 0 ||
	    memcmp(sig + len - end, END, end) != 0)
		return CS_E_FORMAT;
	for (i = begin; i < len - end; i++) {
		if (sig[i] == '\n')
			continue;
		if (n == sizeof(text))
			return CS_E_FORMAT;
		text[n++] = (char)sig[i];
	}
	if (b64_dec_max(n) > sizeof(raw) ||
	    b64_decode(text, n, raw, sizeof(raw), &n) != 0)
		return CS_E_FORMAT;
	return buf_put(blob, raw, n);
}

/* One positive mpint in its only encoding: it is encoded again. */
static int
rd_mpint(struct rd *rd, BIGNUM **ret)
{
	const uint8_t *p;
	size_t len;
	int r = rd_str(rd, EC_LEN + 1, &p, &len);

	if (r != 0 || len == 0 || (p[0] & 0x80) != 0)
		return CS_E_FORMAT;
	*ret = BN_bin2bn(p, (int)len, NULL);
	return *ret == NULL ? CS_E_NOMEM : 0;
}

static int
ecdsa_der(const uint8_t *p, size_t len, struct sigfmt_sigs *ret)
{
	_cleanup_(ecdsa_freep) ECDSA_SIG *s = ECDSA_SIG_new();
	struct rd rd = RD_INIT(p, len);
	BIGNUM *a = NULL, *b = NULL;
	uint8_t *der = ret->v[0].p;
	int n = -1, r;

	r = s == NULL ? CS_E_NOMEM : rd_mpint(&rd, &a);
	if (r == 0)
		r = rd_mpint(&rd, &b);
	if (r == 0)
		r = rd_end(&rd);
	if (r != 0 || ECDSA_SIG_set0(s, a, b) != 1) {
		BN_free(a);
		BN_free(b);
		return CS_E_FORMAT;
	}
	n = i2d_ECDSA_SIG(s, &der);
	ret->v[0].len = n <= 0 ? 0 : (size_t)n;
	return n <= 0 ? CS_E_FORMAT : 0;
}

/* The token's signature, out of what follows the head. */
static int
read_signature(const struct sigfmt_job *j, const uint8_t *p, size_t len,
    struct sigfmt_sigs *ret)
{
	const char *want = types[type_of(j->key->alg)].sig;
	struct rd rd = RD_INIT(p, len);
	const uint8_t *inner, *type, *sig;
	size_t inner_len, type_len, sig_len = 0;
	int r;

	r = rd_str(&rd, BLOB_MAX, &inner, &inner_len);
	if (r != 0 || rd_end(&rd) != 0)
		return CS_E_FORMAT;
	rd = (struct rd)RD_INIT(inner, inner_len);
	r = rd_str(&rd, 64, &type, &type_len);
	if (r == 0)
		r = rd_str(&rd, SIGFMT_TOKEN_MAX, &sig, &sig_len);
	if (r != 0 || rd_end(&rd) != 0 || type_len != strlen(want) ||
	    memcmp(type, want, type_len) != 0)
		return CS_E_FORMAT;
	ret->n = 1;
	if (j->key->alg == KEY_P256)
		return ecdsa_der(sig, sig_len, ret);
	memcpy(ret->v[0].p, sig, sig_len);
	ret->v[0].len = sig_len;
	return 0;
}

/* Reads the token's signature; everything else is constructed and compared. */
static int
open_blob(const struct sigfmt_job *j, const uint8_t *sig, size_t len,
    struct sigfmt_sigs *ret, struct diag *d)
{
	struct buf blob = BUF_INIT(BLOB_MAX), head = BUF_INIT(BLOB_MAX);
	int r;

	r = dearmor(sig, len, &blob);
	if (r == 0)
		r = put_head(j, &head);
	if (r == 0 &&
	    (blob.len < head.len || memcmp(blob.p, head.p, head.len) != 0))
		r = CS_E_FORMAT;
	if (r == 0)
		r = read_signature(j, blob.p + head.len, blob.len - head.len,
		    ret);
	if (r == 0)
		r = sigfmt_compare(&sigfmt_sshsig, j, ret, sig, len);
	buf_done(&blob);
	buf_done(&head);
	return r == 0 ? 0 :
			sigfmt_bad(d,
			    "an SSH signature by the policy's key in its "
			    "namespace",
			    "something else");
}

static int
verify(const struct sigfmt_job *j, const uint8_t *sig, size_t len,
    struct diag *d)
{
	struct buf tbs = BUF_INIT(BLOB_MAX);
	struct sigfmt_sigs s = { 0 };
	int r;

	if (j->key->namespace == NULL)
		return diag_fail(d, CS_E_FORMAT, "the key's namespace", "none");
	r = open_blob(j, sig, len, &s, d);
	if (r == 0)
		r = build(j, NULL, &tbs, d);
	if (r == 0)
		r = sigfmt_verify_tbs(j, tbs.p, tbs.len, s.v[0].p, s.v[0].len,
		    d);
	buf_done(&tbs);
	return r;
}

/* "SHA256:..." as ssh-keygen -l shows it */
static int
describe(const struct sigfmt_job *j, struct buf *out)
{
	struct buf key = BUF_INIT(BLOB_MAX);
	char print[8 + 44 + 1] = "SHA256:";
	uint8_t md[32];
	int r;

	r = public_blob(j->key, &key);
	if (r == 0)
		r = sha256(key.p, key.len, md);
	buf_done(&key);
	if (r != 0)
		return r;
	b64_encode(md, sizeof(md), print + strlen(print));
	print[strcspn(print, "=")] = '\0';
	r = sigfmt_line(out, "namespace", j->key->namespace);
	return r != 0 ? r : sigfmt_line(out, "SSH key", print);
}

/* A line of allowed_signers (ssh-keygen(1)) */
static int
public_key(const struct policy_key *k, struct buf *out, struct diag *d)
{
	struct buf key = BUF_INIT(BLOB_MAX);
	char text[BLOB_MAX * 4 / 3 + 8] = "";
	int r = public_blob(k, &key);

	if (r == 0) {
		b64_encode(key.p, key.len, text);
		r = buf_putf(out, "%s namespaces=\"%s\" %s %s\n", k->id,
		    k->namespace, types[type_of(k->alg)].key, text);
	}
	buf_done(&key);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "SSH public key");
}

const struct sigfmt sigfmt_sshsig = {
	.name = "sshsig",
	.suffix = "sig",
	.about = "SSH signature, bound to a namespace",
	.verifier = "ssh-keygen -Y verify",
	.algs =
	    SIGFMT_ALG(KEY_RSA3072_PKCS1) | SIGFMT_ALG(KEY_P256) | SIGFMT_ED,
	.flags = SIGFMT_F_NAMESPACE,
	.rounds = 1,
	.describe = describe,
	.build = build,
	.assemble = assemble,
	.verify = verify,
	.public_key = public_key,
};
