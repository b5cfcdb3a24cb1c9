/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "lib/sha.h"
#include "tpm/tpm_private.h"

/*
 * Sealed file, integers big-endian, str = u32 length and bytes:
 *	magic "CSSEAL1\n", str label, u32 PCR mask, str Name of the primary,
 *	str TPM2B_PUBLIC, str TPM2B_PRIVATE, str tag; nothing follows.
 * One blob has one encoding: what is decoded is encoded again and compared.
 */
static const uint8_t magic[] = { 'C', 'S', 'S', 'E', 'A', 'L', '1', '\n' };

#define PUB_MAX	 256u
#define PRIV_MAX 512u

static void
mac_freep(EVP_MAC **m)
{
	EVP_MAC_free(*m);
}

static void
mac_ctx_freep(EVP_MAC_CTX **c)
{
	EVP_MAC_CTX_free(*c);
}

int
tpm_mask_ok(uint32_t mask)
{
	return mask != 0 && mask >> TPM_PCR_COUNT == 0 &&
	    (mask & TPM_PCR_NEVER) == 0;
}

int
tpm_label_ok(const char *label)
{
	const char *p;

	for (p = label; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			return 0;
	return p != label && (size_t)(p - label) <= TPM_LABEL_MAX;
}

/*
 * TPM 2.0 Library Part 2, 8.3: userWithAuth clear, so that only the policy
 * releases it; noDA, so that a refusal counts against nothing; adminWithPolicy,
 * so that the empty authValue cannot be used to change it.
 */
void
tpm_sealed_template(const uint8_t policy[CS_SHA256_LEN], TPM2B_PUBLIC *ret)
{
	*ret = (TPM2B_PUBLIC){ .publicArea = {
				   .type = TPM2_ALG_KEYEDHASH,
				   .nameAlg = TPM2_ALG_SHA256,
				   .objectAttributes = TPMA_OBJECT_FIXEDTPM |
				       TPMA_OBJECT_FIXEDPARENT |
				       TPMA_OBJECT_ADMINWITHPOLICY |
				       TPMA_OBJECT_NODA,
				   .authPolicy = { .size = CS_SHA256_LEN },
				   .parameters.keyedHashDetail.scheme.scheme =
				       TPM2_ALG_NULL,
			       } };
	memcpy(ret->publicArea.authPolicy.buffer, policy, CS_SHA256_LEN);
}

int
tpm_public_name(const TPM2B_PUBLIC *pub, uint8_t ret[TPM_NAME_LEN])
{
	uint8_t area[sizeof(TPMT_PUBLIC)];
	size_t n = 0;

	if (pub->publicArea.nameAlg != TPM2_ALG_SHA256 ||
	    Tss2_MU_TPMT_PUBLIC_Marshal(&pub->publicArea, area, sizeof(area),
		&n) != TSS2_RC_SUCCESS)
		return CS_E_TPM_BLOB;
	ret[0] = TPM2_ALG_SHA256 >> 8;
	ret[1] = TPM2_ALG_SHA256 & 0xff;
	return sha256(area, n, ret + 2);
}

static int
put_public(struct buf *out, const TPM2B_PUBLIC *pub)
{
	uint8_t tmp[sizeof(TPM2B_PUBLIC)];
	TPM2B_PUBLIC sized = *pub;
	size_t n = 0;

	sized.size = 0; /* filled in by the marshaller */
	if (Tss2_MU_TPM2B_PUBLIC_Marshal(&sized, tmp, sizeof(tmp), &n) !=
	    TSS2_RC_SUCCESS)
		return CS_E_TPM_BLOB;
	return buf_put_str(out, tmp, n);
}

static int
put_private(struct buf *out, const TPM2B_PRIVATE *priv)
{
	uint8_t tmp[sizeof(TPM2B_PRIVATE)];
	size_t n = 0;

	if (Tss2_MU_TPM2B_PRIVATE_Marshal(priv, tmp, sizeof(tmp), &n) !=
	    TSS2_RC_SUCCESS)
		return CS_E_TPM_BLOB;
	return buf_put_str(out, tmp, n);
}

int
tpm_blob_encode_body(const struct tpm_blob *b, struct buf *out)
{
	int r = buf_put(out, magic, sizeof(magic));

	if (r == 0)
		r = buf_put_cstr(out, b->label);
	if (r == 0)
		r = buf_put_u32(out, b->mask);
	if (r == 0)
		r = buf_put_str(out, b->primary, sizeof(b->primary));
	if (r == 0)
		r = put_public(out, &b->pub);
	if (r == 0)
		r = put_private(out, &b->priv);
	return r;
}

int
tpm_blob_encode(const struct tpm_blob *b, struct buf *out)
{
	int r = tpm_blob_encode_body(b, out);

	return r != 0 ? r : buf_put_str(out, b->tag, sizeof(b->tag));
}

static int
get_public(struct rd *r, TPM2B_PUBLIC *ret)
{
	const uint8_t *p;
	size_t len, n = 0;

	if (rd_str(r, PUB_MAX, &p, &len) != 0 ||
	    Tss2_MU_TPM2B_PUBLIC_Unmarshal(p, len, &n, ret) !=
		TSS2_RC_SUCCESS ||
	    n != len)
		return CS_E_TPM_BLOB;
	return 0;
}

static int
get_private(struct rd *r, TPM2B_PRIVATE *ret)
{
	const uint8_t *p;
	size_t len, n = 0;

	if (rd_str(r, PRIV_MAX, &p, &len) != 0 ||
	    Tss2_MU_TPM2B_PRIVATE_Unmarshal(p, len, &n, ret) !=
		TSS2_RC_SUCCESS ||
	    n != len)
		return CS_E_TPM_BLOB;
	return 0;
}

static int
get_exact(struct rd *r, uint8_t *out, size_t want)
{
	const uint8_t *p;
	size_t len;

	if (rd_str(r, want, &p, &len) != 0 || len != want)
		return CS_E_TPM_BLOB;
	memcpy(out, p, want);
	return 0;
}

/* The public area is the template with a policy and a unique, nothing else. */
static int
public_ok(const TPM2B_PUBLIC *pub)
{
	const TPMT_PUBLIC *a = &pub->publicArea;
	TPM2B_PUBLIC want;

	if (a->type != TPM2_ALG_KEYEDHASH ||
	    a->authPolicy.size != CS_SHA256_LEN ||
	    a->unique.keyedHash.size != CS_SHA256_LEN)
		return 0;
	tpm_sealed_template(a->authPolicy.buffer, &want);
	return a->nameAlg == want.publicArea.nameAlg &&
	    a->objectAttributes == want.publicArea.objectAttributes &&
	    a->parameters.keyedHashDetail.scheme.scheme == TPM2_ALG_NULL;
}

static int
decode(const uint8_t *p, size_t len, struct tpm_blob *b, const char **why)
{
	struct rd r = RD_INIT(p, len);
	const uint8_t *m;

	*why = "another magic";
	if (rd_bytes(&r, sizeof(magic), &m) != 0 ||
	    memcmp(m, magic, sizeof(magic)) != 0)
		return CS_E_TPM_BLOB;
	*why = "label";
	if (rd_cstr_into(&r, b->label, sizeof(b->label)) != 0 ||
	    !tpm_label_ok(b->label))
		return CS_E_TPM_BLOB;
	*why = "PCR mask";
	if (rd_u32(&r, &b->mask) != 0 || !tpm_mask_ok(b->mask))
		return CS_E_TPM_BLOB;
	*why = "Name of the primary";
	if (get_exact(&r, b->primary, sizeof(b->primary)) != 0 ||
	    b->primary[0] != TPM2_ALG_SHA256 >> 8 ||
	    b->primary[1] != (TPM2_ALG_SHA256 & 0xff))
		return CS_E_TPM_BLOB;
	*why = "public area";
	if (get_public(&r, &b->pub) != 0 || !public_ok(&b->pub))
		return CS_E_TPM_BLOB;
	*why = "private area";
	if (get_private(&r, &b->priv) != 0)
		return CS_E_TPM_BLOB;
	*why = "tag, or bytes after it";
	if (get_exact(&r, b->tag, sizeof(b->tag)) != 0 || rd_end(&r) != 0)
		return CS_E_TPM_BLOB;
	return 0;
}

int
tpm_blob_decode(const uint8_t *p, size_t len, struct tpm_blob *ret,
    struct diag *d)
{
	struct buf again __attribute__((cleanup(buf_done))) =
	    BUF_INIT(TPM_BLOB_MAX);
	struct tpm_blob b = { 0 };
	const char *why = NULL;

	if (len > TPM_BLOB_MAX)
		return diag_fail(d, CS_E_TPM_BLOB, "at most 1024 bytes",
		    "%zu bytes", len);
	if (decode(p, len, &b, &why) != 0)
		return diag_fail(d, CS_E_TPM_BLOB, "a sealed file", "%s", why);
	if (tpm_blob_encode(&b, &again) != 0 || again.len != len ||
	    memcmp(again.p, p, len) != 0)
		return diag_fail(d, CS_E_TPM_BLOB, "its only encoding",
		    "another one");
	*ret = b;
	return 0;
}

static int
hmac(const uint8_t key[CS_SHA256_LEN], const struct buf *body,
    const uint8_t *secret, size_t len, uint8_t ret[CS_SHA256_LEN])
{
	_cleanup_(mac_freep) EVP_MAC *mac = NULL;
	_cleanup_(mac_ctx_freep) EVP_MAC_CTX *ctx = NULL;
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
		    0),
		OSSL_PARAM_construct_end(),
	};
	size_t n = 0;

	mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (mac == NULL || (ctx = EVP_MAC_CTX_new(mac)) == NULL ||
	    EVP_MAC_init(ctx, key, CS_SHA256_LEN, params) != 1 ||
	    EVP_MAC_update(ctx, body->p, body->len) != 1 ||
	    EVP_MAC_update(ctx, secret, len) != 1 ||
	    EVP_MAC_final(ctx, ret, &n, CS_SHA256_LEN) != 1 ||
	    n != CS_SHA256_LEN)
		return CS_E_CRYPTO;
	return 0;
}

int
tpm_blob_tag(const struct tpm_blob *b, const uint8_t key[CS_SHA256_LEN],
    const uint8_t *secret, size_t len, uint8_t ret[CS_SHA256_LEN])
{
	struct buf body __attribute__((cleanup(buf_done))) =
	    BUF_INIT(TPM_BLOB_MAX);
	int r = tpm_blob_encode_body(b, &body);

	return r != 0 ? r : hmac(key, &body, secret, len, ret);
}
