/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <tss2/tss2_mu.h>

#include "lib/hex.h"
#include "lib/sha.h"
#include "tpm/attest_verify_private.h"

#define NEEDED                                               \
	(TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT | \
	    TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | \
	    TPMA_OBJECT_SENSITIVEDATAORIGIN)

/* SubjectPublicKeyInfo of P-256 up to the point, RFC 5480 */
static const uint8_t p256_spki[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a,
	0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };

int
attest_marshal_public(const TPM2B_PUBLIC *pub, struct buf *out)
{
	uint8_t tmp[sizeof(TPM2B_PUBLIC)];
	TPM2B_PUBLIC sized = *pub;
	size_t n = 0;

	sized.size = 0; /* filled in by the marshaller */
	if (Tss2_MU_TPM2B_PUBLIC_Marshal(&sized, tmp, sizeof(tmp), &n) !=
	    TSS2_RC_SUCCESS)
		return CS_E_INTERNAL;
	return buf_put(out, tmp, n);
}

int
attest_unmarshal_public(const uint8_t *p, size_t len, TPM2B_PUBLIC *ret)
{
	struct buf again __attribute__((cleanup(buf_done))) =
	    BUF_INIT(ATTEST_MAX);
	TPM2B_PUBLIC pub = { 0 };
	size_t n = 0;

	if (len > ATTEST_MAX ||
	    Tss2_MU_TPM2B_PUBLIC_Unmarshal(p, len, &n, &pub) !=
		TSS2_RC_SUCCESS ||
	    n != len || attest_marshal_public(&pub, &again) != 0 ||
	    again.len != len || memcmp(again.p, p, len) != 0)
		return -1;
	*ret = pub;
	return 0;
}

int
attest_public_name(const TPMT_PUBLIC *pub, uint8_t ret[ATTEST_NAME_LEN])
{
	uint8_t area[sizeof(TPMT_PUBLIC)];
	size_t n = 0;

	if (pub->nameAlg != TPM2_ALG_SHA256 ||
	    Tss2_MU_TPMT_PUBLIC_Marshal(pub, area, sizeof(area), &n) !=
		TSS2_RC_SUCCESS)
		return CS_E_INTERNAL;
	ret[0] = TPM2_ALG_SHA256 >> 8;
	ret[1] = TPM2_ALG_SHA256 & 0xff;
	return sha256(area, n, ret + 2);
}

void
attest_name_hex(const uint8_t *name, size_t len, char out[69])
{
	hex_encode(name, len > ATTEST_NAME_LEN ? ATTEST_NAME_LEN : len, out);
}

int
attest_coordinate(const TPM2B_ECC_PARAMETER *p, uint8_t ret[CS_SHA256_LEN])
{
	if (p->size == 0 || p->size > CS_SHA256_LEN)
		return -1;
	memset(ret, 0, CS_SHA256_LEN);
	memcpy(ret + CS_SHA256_LEN - p->size, p->buffer, p->size);
	return 0;
}

int
attest_ecc_key(const TPMS_ECC_POINT *p, struct pubkey **ret, struct diag *d)
{
	uint8_t der[sizeof(p256_spki) + 2 * CS_SHA256_LEN];

	memcpy(der, p256_spki, sizeof(p256_spki));
	if (attest_coordinate(&p->x, der + sizeof(p256_spki)) != 0 ||
	    attest_coordinate(&p->y, der + sizeof(p256_spki) + CS_SHA256_LEN) !=
		0)
		return diag_fail(d, CS_E_KEY_TYPE, "coordinates of 32 bytes",
		    "%u and %u bytes", p->x.size, p->y.size);
	return pubkey_from_spki(der, sizeof(der), ret, d);
}

void
attest_ak_free(struct attest_ak **ap)
{
	struct attest_ak *a = take_ptr(*ap);

	if (a == NULL)
		return;
	pubkey_free(&a->key);
	free(a);
}

/* TPM 2.0 Library Part 1, 26.5: the hierarchy's name is its handle */
static int
qualified_name(struct attest_ak *a)
{
	uint8_t in[4 + ATTEST_NAME_LEN] = { TPM2_RH_ENDORSEMENT >> 24, 0, 0,
		TPM2_RH_ENDORSEMENT & 0xff };

	memcpy(in + 4, a->name, ATTEST_NAME_LEN);
	memcpy(a->qualified, a->name, 2);
	return sha256(in, sizeof(in), a->qualified + 2);
}

static bool
is_ecdsa_p256(const TPMT_PUBLIC *p)
{
	const TPMS_ECC_PARMS *e = &p->parameters.eccDetail;

	return p->type == TPM2_ALG_ECC && p->nameAlg == TPM2_ALG_SHA256 &&
	    e->symmetric.algorithm == TPM2_ALG_NULL &&
	    e->scheme.scheme == TPM2_ALG_ECDSA &&
	    e->scheme.details.ecdsa.hashAlg == TPM2_ALG_SHA256 &&
	    e->curveID == TPM2_ECC_NIST_P256 && e->kdf.scheme == TPM2_ALG_NULL;
}

int
attest_ak_parse(const uint8_t *pub, size_t len, struct attest_ak **ret,
    struct diag *d)
{
	_cleanup_attest_ak_ struct attest_ak *a = calloc(1, sizeof(*a));
	struct diag why = { 0 };
	TPM2B_PUBLIC p;

	if (a == NULL)
		return diag_nomem(d);
	if (len > sizeof(a->pub) || attest_unmarshal_public(pub, len, &p) != 0)
		return diag_fail(d, CS_E_ATTEST_AK_FORM, "a TPM2B_PUBLIC",
		    "%zu other bytes", len);
	if (!is_ecdsa_p256(&p.publicArea))
		return diag_fail(d, CS_E_ATTEST_AK_FORM,
		    "P-256, ECDSA, SHA-256", "another kind of key");
	if (attest_ecc_key(&p.publicArea.unique.ecc, &a->key, &why) != 0)
		return diag_fail(d, CS_E_ATTEST_AK_FORM, "a point of P-256",
		    "%s", why.found);
	memcpy(a->pub, pub, len);
	a->pub_len = len;
	a->attributes = p.publicArea.objectAttributes;
	if (attest_public_name(&p.publicArea, a->name) != 0 ||
	    qualified_name(a) != 0)
		return diag_fail(d, CS_E_CRYPTO, NULL, "name of the key");
	*ret = take_ptr(a);
	return 0;
}

int
attest_ak_check(const struct attest_ak *a, struct diag *d)
{
	if ((a->attributes & NEEDED) != NEEDED ||
	    (a->attributes & TPMA_OBJECT_DECRYPT) != 0)
		return diag_fail(d, CS_E_ATTEST_AK_ATTR,
		    "restricted, sign, fixedTPM, fixedParent, "
		    "sensitiveDataOrigin, not decrypt",
		    "attributes 0x%08x", a->attributes);
	return 0;
}
