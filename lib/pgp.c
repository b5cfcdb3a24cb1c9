/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pgp.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

#include "lib/b64.h"

#define VERSION	      4u
#define ARMOR_LINE    64u
#define MPI_MAX	      512u
#define CRC_INIT      0xb704ceu
#define CRC_POLY      0x1864cfbu
#define SUB_CREATED   2u
#define SUB_ISSUER_ID 16u /* GnuPG 2.2 wants it beside the fingerprint */
#define SUB_KEY_FLAGS 27u
#define KEY_ID_LEN    8u
#define SUB_ISSUER    33u /* fingerprint, after its version */

/* RFC 4880 9.1, 9.4; RFC 6637 5, 11; GnuPG's EdDSA */
static const struct {
	enum key_alg alg;
	uint8_t pk, hash;
	const char *hash_name;
	enum hash_alg md;
	uint8_t oid_len;
	uint8_t oid[9];
	size_t point; /* bytes at the end of the SPKI */
} algs[] = {
	{ KEY_RSA3072_PKCS1, 1, 8, "SHA256", HASH_SHA256, 0, { 0 }, 0 },
	{ KEY_P256, 19, 8, "SHA256", HASH_SHA256, 8,
	    { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 }, 65 },
	{ KEY_P384, 19, 9, "SHA384", HASH_SHA384, 5,
	    { 0x2b, 0x81, 0x04, 0x00, 0x22 }, 97 },
	{ KEY_ED25519, 22, 10, "SHA512", HASH_SHA512, 9,
	    { 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01 }, 32 },
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

static size_t
row(enum key_alg a)
{
	size_t i = 0;

	while (i < ARRAY_LEN(algs) - 1 && algs[i].alg != a)
		i++;
	return i;
}

const char *
pgp_hash_name(enum key_alg a)
{
	return algs[row(a)].hash_name;
}

/* RFC 4880 3.2: bits, then bytes without leading zeros */
static int
put_mpi(struct buf *b, const uint8_t *p, size_t len)
{
	unsigned bits;
	int r;

	for (; len > 0 && *p == 0; p++)
		len--;
	if (len == 0 || len > MPI_MAX)
		return CS_E_CRYPTO;
	for (bits = 8; (p[0] & 1u << (bits - 1)) == 0;)
		bits--;
	r = buf_put_u16(b, (uint16_t)(8 * (len - 1) + bits));
	return r != 0 ? r : buf_put(b, p, len);
}

static int
put_bn(struct buf *b, const BIGNUM *n)
{
	uint8_t raw[MPI_MAX];
	int len = BN_num_bytes(n);

	if (len <= 0 || len > (int)sizeof(raw) || BN_bn2bin(n, raw) != len)
		return CS_E_CRYPTO;
	return put_mpi(b, raw, (size_t)len);
}

static int
get_mpi(struct rd *rd, const uint8_t **ret, size_t *ret_len)
{
	uint16_t bits = 0;
	int r = rd_u16(rd, &bits);

	*ret_len = (bits + 7u) / 8;
	if (r != 0 || bits == 0 || *ret_len > MPI_MAX)
		return CS_E_FORMAT;
	return rd_bytes(rd, *ret_len, ret);
}

static int
put_rsa(struct buf *b, const EVP_PKEY *k)
{
	_cleanup_(bn_freep) BIGNUM *n = NULL, *e = NULL;
	int r;

	if (EVP_PKEY_get_bn_param(k, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
	    EVP_PKEY_get_bn_param(k, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
		return CS_E_CRYPTO;
	r = put_bn(b, n);
	return r != 0 ? r : put_bn(b, e);
}

static int
put_point(struct buf *b, size_t i, const struct pubkey *k)
{
	uint8_t point[1 + 97] = { 0x40 }; /* of a native point */
	const uint8_t *p = k->spki + k->spki_len - algs[i].point;
	size_t n = algs[i].point;
	int r;

	if (algs[i].alg == KEY_ED25519) {
		memcpy(point + 1, p, n++);
		p = point;
	}
	r = buf_put_u8(b, algs[i].oid_len);
	if (r == 0)
		r = buf_put(b, algs[i].oid, algs[i].oid_len);
	return r != 0 ? r : put_mpi(b, p, n);
}

int
pgp_put_key(struct buf *out, const struct pgp_key *k)
{
	size_t i = row(k->alg);
	int r = buf_put_u8(out, VERSION);

	if (r == 0)
		r = buf_put_u32(out, k->created);
	if (r == 0)
		r = buf_put_u8(out, algs[i].pk);
	if (r != 0)
		return r;
	return algs[i].point == 0 ? put_rsa(out, k->key->pkey) :
				    put_point(out, i, k->key);
}

int
pgp_put_packet(struct buf *out, unsigned tag, const void *body, size_t len)
{
	int r;

	/* the old form with two bytes of length, which fingerprints know */
	if (len > UINT16_MAX)
		return CS_E_TOO_LARGE;
	r = buf_put_u8(out, (uint8_t)(0x80 | tag << 2 | 1));
	if (r == 0)
		r = buf_put_u16(out, (uint16_t)len);
	return r != 0 ? r : buf_put(out, body, len);
}

int
pgp_get_packet(struct rd *in, unsigned tag, struct rd *ret)
{
	const uint8_t *p;
	uint16_t len = 0;
	uint8_t head = 0;

	if (rd_u8(in, &head) != 0 || head != (0x80 | tag << 2 | 1) ||
	    rd_u16(in, &len) != 0 || rd_bytes(in, len, &p) != 0)
		return CS_E_FORMAT;
	*ret = (struct rd)RD_INIT(p, len);
	return 0;
}

int
pgp_fingerprint(const struct pgp_key *k, uint8_t ret[PGP_FPR_LEN])
{
	struct buf body = BUF_INIT(PGP_PACKET_MAX);
	struct buf packet = BUF_INIT(PGP_PACKET_MAX);
	int r;

	r = pgp_put_key(&body, k);
	if (r == 0)
		r = pgp_put_packet(&packet, PGP_TAG_KEY, body.p, body.len);
	if (r == 0 &&
	    EVP_Digest(packet.p, packet.len, ret, NULL, EVP_sha1(), NULL) != 1)
		r = CS_E_CRYPTO;
	buf_done(&body);
	buf_done(&packet);
	return r;
}

static int
put_subpackets(struct buf *b, const struct pgp_key *k, uint32_t time,
    uint8_t flags)
{
	uint8_t fpr[PGP_FPR_LEN];
	int r;

	r = pgp_fingerprint(k, fpr);
	if (r == 0)
		r = buf_put_u16(b, SUB_CREATED | 5 << 8);
	if (r == 0)
		r = buf_put_u32(b, time);
	if (r == 0 && flags != 0)
		r = buf_put_u16(b, SUB_KEY_FLAGS | 2 << 8);
	if (r == 0 && flags != 0)
		r = buf_put_u8(b, flags);
	if (r == 0)
		r = buf_put_u16(b, SUB_ISSUER_ID | (KEY_ID_LEN + 1) << 8);
	if (r == 0)
		r = buf_put(b, fpr + PGP_FPR_LEN - KEY_ID_LEN, KEY_ID_LEN);
	if (r == 0)
		r = buf_put_u16(b, SUB_ISSUER | (PGP_FPR_LEN + 2) << 8);
	if (r == 0)
		r = buf_put_u8(b, VERSION);
	return r != 0 ? r : buf_put(b, fpr, sizeof(fpr));
}

int
pgp_put_hashed(struct buf *out, const struct pgp_key *k, uint8_t type,
    uint32_t time, uint8_t flags)
{
	struct buf sub = BUF_INIT(PGP_PACKET_MAX);
	const size_t i = row(k->alg);
	const uint8_t head[] = { VERSION, type, algs[i].pk, algs[i].hash };
	int r;

	r = put_subpackets(&sub, k, time, flags);
	if (r == 0)
		r = buf_put(out, head, sizeof(head));
	if (r == 0)
		r = buf_put_u16(out, (uint16_t)sub.len);
	if (r == 0)
		r = buf_put(out, sub.p, sub.len);
	buf_done(&sub);
	return r;
}

int
pgp_put_trailer(struct buf *out, const struct buf *hashed)
{
	int r = buf_put(out, hashed->p, hashed->len);

	if (r == 0)
		r = buf_put_u16(out, VERSION << 8 | 0xff);
	return r != 0 ? r : buf_put_u32(out, (uint32_t)hashed->len);
}

int
pgp_digest(enum key_alg a, const struct buf *tbs, uint8_t ret[HASH_MAX_LEN])
{
	return hash_of(algs[row(a)].md, tbs->p, tbs->len, ret);
}

static int
put_numbers(struct buf *b, enum key_alg a, const struct pgp_sig *sig)
{
	_cleanup_(ecdsa_freep) ECDSA_SIG *s = NULL;
	const unsigned char *p = sig->p;
	int r;

	if (a == KEY_RSA3072_PKCS1)
		return put_mpi(b, sig->p, sig->len);
	if (a == KEY_ED25519) {
		r = sig->len == 64 ? put_mpi(b, sig->p, 32) : CS_E_CRYPTO;
		return r != 0 ? r : put_mpi(b, sig->p + 32, 32);
	}
	s = d2i_ECDSA_SIG(NULL, &p, (long)sig->len);
	ERR_clear_error();
	if (s == NULL || p != sig->p + sig->len)
		return CS_E_CRYPTO;
	r = put_bn(b, ECDSA_SIG_get0_r(s));
	return r != 0 ? r : put_bn(b, ECDSA_SIG_get0_s(s));
}

int
pgp_put_sig(struct buf *out, const struct pgp_key *k, const struct buf *hashed,
    const uint8_t md[HASH_MAX_LEN], const struct pgp_sig *sig)
{
	struct buf body = BUF_INIT(PGP_PACKET_MAX);
	int r;

	r = buf_put(&body, hashed->p, hashed->len);
	if (r == 0)
		r = buf_put_u16(&body, 0); /* nothing is not hashed */
	if (r == 0)
		r = buf_put(&body, md, 2);
	if (r == 0)
		r = put_numbers(&body, k->alg, sig);
	if (r == 0)
		r = pgp_put_packet(out, PGP_TAG_SIG, body.p, body.len);
	buf_done(&body);
	return r;
}

/* One or two numbers back to what the token made. */
static int
join(enum key_alg a, const uint8_t *const *p, const size_t *len, uint8_t *ret,
    size_t size, size_t *ret_len)
{
	_cleanup_(ecdsa_freep) ECDSA_SIG *s = NULL;
	BIGNUM *x = NULL, *y = NULL;
	unsigned char *der = ret;
	int n;

	if (a == KEY_RSA3072_PKCS1 || a == KEY_ED25519) {
		const size_t want = a == KEY_ED25519 ? 32 : 384;

		*ret_len = a == KEY_ED25519 ? 64 : 384;
		if (*ret_len > size || len[0] > want || len[1] > want)
			return CS_E_FORMAT;
		memset(ret, 0, *ret_len);
		memcpy(ret + want - len[0], p[0], len[0]);
		if (a == KEY_ED25519)
			memcpy(ret + 64 - len[1], p[1], len[1]);
		return 0;
	}
	s = ECDSA_SIG_new();
	x = BN_bin2bn(p[0], (int)len[0], NULL);
	y = BN_bin2bn(p[1], (int)len[1], NULL);
	if (len[0] > 48 || len[1] > 48 || s == NULL ||
	    ECDSA_SIG_set0(s, x, y) != 1) {
		BN_free(x);
		BN_free(y);
		return CS_E_FORMAT;
	}
	n = i2d_ECDSA_SIG(s, NULL);
	if (n <= 0 || (size_t)n > size || i2d_ECDSA_SIG(s, &der) != n)
		return CS_E_FORMAT;
	*ret_len = (size_t)n;
	return 0;
}

int
pgp_get_sig(struct rd *packet, enum key_alg a, uint32_t *ret_time, uint8_t *ret,
    size_t size, size_t *ret_len)
{
	static const uint8_t none[1];
	const uint8_t *skip, *p[2] = { none, none };
	uint16_t hashed = 0, sub = 0;
	size_t len[2] = { 0 };
	struct rd rd;
	int r;

	/* version to hash, hashed subpackets of which the first is the time */
	r = rd_bytes(packet, 4, &skip);
	if (r == 0)
		r = rd_u16(packet, &hashed);
	if (r == 0)
		r = rd_bytes(packet, hashed, &skip);
	if (r == 0)
		r = rd_bytes(packet, 4, &p[0]); /* unhashed, left 16 bits */
	if (r != 0)
		return CS_E_FORMAT;
	rd = (struct rd)RD_INIT(skip, hashed);
	if (rd_u16(&rd, &sub) != 0 || rd_u32(&rd, ret_time) != 0 ||
	    get_mpi(packet, &p[0], &len[0]) != 0)
		return CS_E_FORMAT;
	if (a != KEY_RSA3072_PKCS1 && get_mpi(packet, &p[1], &len[1]) != 0)
		return CS_E_FORMAT;
	if (rd_end(packet) != 0)
		return CS_E_FORMAT;
	return join(a, p, len, ret, size, ret_len);
}

static uint32_t
crc24(const uint8_t *p, size_t len)
{
	uint32_t crc = CRC_INIT;
	unsigned bit;

	for (; len > 0; len--) {
		crc ^= (uint32_t)*p++ << 16;
		for (bit = 0; bit < 8; bit++) {
			crc <<= 1;
			if ((crc & 0x1000000) != 0)
				crc ^= CRC_POLY;
		}
	}
	return crc & 0xffffff;
}

int
pgp_armor(struct buf *out, const char *what, const struct buf *data)
{
	const uint32_t crc = crc24(data->p, data->len);
	const uint8_t sum[] = { (uint8_t)(crc >> 16), (uint8_t)(crc >> 8),
		(uint8_t)crc };
	_cleanup_free_ char *text = b64_dup(data->p, data->len);
	size_t i, n = b64_enc_len(data->len);
	char check[5];
	int r;

	if (text == NULL)
		return CS_E_NOMEM;
	b64_encode(sum, sizeof(sum), check);
	r = buf_putf(out, "-----BEGIN PGP %s-----\n\n", what);
	for (i = 0; r == 0 && i < n; i += ARMOR_LINE)
		r = buf_putf(out, "%.*s\n", (int)ARMOR_LINE, text + i);
	return r != 0 ?
	    r :
	    buf_putf(out, "=%s\n-----END PGP %s-----\n", check, what);
}
