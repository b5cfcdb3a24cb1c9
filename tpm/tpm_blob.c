/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "lib/sha.h"
#include "tpm/tpm_private.h"

/*
 * Sealed file, integers big-endian, str = u32 length and bytes:
 *	magic "CSSEAL2\n", str label, str domain, str Name of the storage key,
 *	str SPKI of the image release key, u64 generation, u32 threshold,
 *	u32 n, n times {str person, str SPKI} in the order of lib/quorum.h,
 *	str TPM2B_PUBLIC, str TPM2B_PRIVATE, str tag; nothing follows.
 * threshold and n are 0 for a secret without a quorum.  One blob has one
 * encoding: what is decoded is encoded again and compared.  Its authPolicy is
 * what its fields make: a blob cannot say one thing and demand another.
 */
static const uint8_t magic[] = { 'C', 'S', 'S', 'E', 'A', 'L', '2', '\n' };

#define PUB_MAX	 256u
#define PRIV_MAX 512u
#define SPKI_MAX 1024u

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

void
tpm_blob_done(struct tpm_blob *b)
{
	pubkey_free(&b->image_key);
	quorum_done(&b->quorum);
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

static int
domain_ok(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n <= 40 && s[n] == '\0';
}

/* Steps 1 and 2 of the policy: the image, the generation. */
static int
base_policy(const struct tpm_blob *b, uint8_t ret[CS_SHA256_LEN],
    struct diag *d)
{
	uint8_t name[TPM_NAME_LEN];
	int r;

	r = tpm_nv_name(TPM_NV_GENERATION, b->image_key, name, d);
	if (r == 0)
		r = tpm_image_policy(b->image_key, ret, d);
	return r == 0 ? tpm_policy_nv(ret, name, TPM_EQUAL, b->generation) : r;
}

int
tpm_blob_tree(const struct tpm_blob *b, struct tpm_tree **ret, struct diag *d)
{
	uint8_t start[CS_SHA256_LEN];
	char ref[QUORUM_REF_MAX];
	int r;

	*ret = NULL;
	if (b->quorum.n == 0)
		return 0;
	quorum_ref(b->domain, ref);
	r = base_policy(b, start, d);
	return r == 0 ? tpm_tree_make(&b->quorum, start, ref, ret, d) : r;
}

int
tpm_blob_policy(const struct tpm_blob *b, uint8_t ret[CS_SHA256_LEN],
    struct diag *d)
{
	_cleanup_tpm_tree_ struct tpm_tree *tree = NULL;
	int r = tpm_blob_tree(b, &tree, d);

	if (r != 0)
		return r;
	if (tree == NULL)
		return base_policy(b, ret, d);
	tpm_tree_top(tree, ret);
	return 0;
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

static int
put_quorum(const struct quorum *q, struct buf *out)
{
	size_t i;
	int r = buf_put_u32(out, q->threshold);

	if (r == 0)
		r = buf_put_u32(out, (uint32_t)q->n);
	for (i = 0; r == 0 && i < q->n; i++) {
		r = buf_put_cstr(out, q->keys[i].person);
		if (r == 0)
			r = buf_put_str(out, q->keys[i].key->spki,
			    q->keys[i].key->spki_len);
	}
	return r;
}

int
tpm_blob_encode_body(const struct tpm_blob *b, struct buf *out)
{
	int r = buf_put(out, magic, sizeof(magic));

	if (r == 0)
		r = buf_put_cstr(out, b->label);
	if (r == 0)
		r = buf_put_cstr(out, b->domain);
	if (r == 0)
		r = buf_put_str(out, b->primary, sizeof(b->primary));
	if (r == 0)
		r = buf_put_str(out, b->image_key->spki,
		    b->image_key->spki_len);
	if (r == 0)
		r = buf_put_u64(out, b->generation);
	if (r == 0)
		r = put_quorum(&b->quorum, out);
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

static int
get_key(struct rd *r, struct pubkey **ret)
{
	const uint8_t *p;
	size_t len;

	if (rd_str(r, SPKI_MAX, &p, &len) != 0 ||
	    pubkey_from_spki(p, len, ret, NULL) != 0)
		return CS_E_TPM_BLOB;
	return 0;
}

/* No people, or a quorum that can be met. */
static int
get_quorum(struct rd *r, struct quorum *q)
{
	char person[QUORUM_PERSON_MAX + 1];
	const uint8_t *p;
	uint32_t n, i;
	size_t len;

	if (rd_u32(r, &q->threshold) != 0 || rd_u32(r, &n) != 0 ||
	    n > QUORUM_MAX_KEYS)
		return CS_E_TPM_BLOB;
	for (i = 0; i < n; i++)
		if (rd_cstr_into(r, person, sizeof(person)) != 0 ||
		    rd_str(r, SPKI_MAX, &p, &len) != 0 ||
		    quorum_add(q, person, p, len, NULL) != 0)
			return CS_E_TPM_BLOB;
	if (n == 0)
		return q->threshold == 0 ? 0 : CS_E_TPM_BLOB;
	return quorum_check(q, NULL) == 0 ? 0 : CS_E_TPM_BLOB;
}

/*
 * The public area is the template with the policy that the other fields make
 * and a unique, nothing else.
 */
static int
public_ok(const struct tpm_blob *b)
{
	const TPMT_PUBLIC *a = &b->pub.publicArea;
	uint8_t policy[CS_SHA256_LEN];
	TPM2B_PUBLIC want;

	if (tpm_blob_policy(b, policy, NULL) != 0 ||
	    memcmp(policy, a->authPolicy.buffer, sizeof(policy)) != 0)
		return 0;
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
	*why = "domain";
	if (rd_cstr_into(&r, b->domain, sizeof(b->domain)) != 0 ||
	    !domain_ok(b->domain))
		return CS_E_TPM_BLOB;
	*why = "Name of the storage key";
	if (get_exact(&r, b->primary, sizeof(b->primary)) != 0 ||
	    b->primary[0] != TPM2_ALG_SHA256 >> 8 ||
	    b->primary[1] != (TPM2_ALG_SHA256 & 0xff))
		return CS_E_TPM_BLOB;
	*why = "image release key or generation";
	if (get_key(&r, &b->image_key) != 0 || rd_u64(&r, &b->generation) != 0)
		return CS_E_TPM_BLOB;
	*why = "quorum";
	if (get_quorum(&r, &b->quorum) != 0)
		return CS_E_TPM_BLOB;
	*why = "public area, or a policy that the fields do not make";
	if (get_public(&r, &b->pub) != 0 || !public_ok(b))
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
	const char *why = NULL;

	memset(ret, 0, sizeof(*ret));
	if (len > TPM_BLOB_MAX)
		return diag_fail(d, CS_E_TPM_BLOB, "at most 8192 bytes",
		    "%zu bytes", len);
	if (decode(p, len, ret, &why) != 0)
		return diag_fail(d, CS_E_TPM_BLOB, "a sealed file", "%s", why);
	if (tpm_blob_encode(ret, &again) != 0 || again.len != len ||
	    memcmp(again.p, p, len) != 0)
		return diag_fail(d, CS_E_TPM_BLOB, "its only encoding",
		    "another one");
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
