/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/policy.h"

#include <string.h>
#include <tss2/tss2_mu.h>

#include "tpm/public.h"

/* PolicyUpdate() of Part 3, 23.2.3: H(H(old || CC || name) || ref) */
static int
update(uint8_t d[CS_SHA256_LEN], TPM2_CC cc, const uint8_t *name,
    size_t name_len, const char *ref)
{
	struct buf b = BUF_INIT(512);
	int r;

	r = buf_put(&b, d, CS_SHA256_LEN);
	if (r == 0)
		r = buf_put_u32(&b, cc);
	if (r == 0)
		r = buf_put(&b, name, name_len);
	if (r == 0)
		r = sha256(b.p, b.len, d);
	buf_reset(&b);
	if (r == 0)
		r = buf_put(&b, d, CS_SHA256_LEN);
	if (r == 0)
		r = buf_put(&b, ref, strlen(ref));
	if (r == 0)
		r = sha256(b.p, b.len, d);
	buf_done(&b);
	return r;
}

/* H(old || CC || rest) */
static int
extend(uint8_t d[CS_SHA256_LEN], TPM2_CC cc, const void *rest, size_t len)
{
	struct buf b = BUF_INIT(1024);
	int r;

	r = buf_put(&b, d, CS_SHA256_LEN);
	if (r == 0)
		r = buf_put_u32(&b, cc);
	if (r == 0)
		r = buf_put(&b, rest, len);
	if (r == 0)
		r = sha256(b.p, b.len, d);
	buf_done(&b);
	return r;
}

int
tpm_policy_pcr(uint8_t d[CS_SHA256_LEN], const struct tpm_pcr_values *v)
{
	struct buf values = BUF_INIT(TPM_PCR_COUNT * CS_SHA256_LEN);
	/* TPML_PCR_SELECTION with one bank, then the digest of the values */
	struct buf b = BUF_INIT(64);
	uint8_t digest[CS_SHA256_LEN];
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < TPM_PCR_COUNT; i++)
		if ((v->mask >> i & 1) != 0)
			r = buf_put(&values, v->value[i], CS_SHA256_LEN);
	if (r == 0)
		r = sha256(values.p, values.len, digest);
	buf_done(&values);
	if (r == 0)
		r = buf_put_u32(&b, 1);
	if (r == 0)
		r = buf_put_u16(&b, TPM2_ALG_SHA256);
	if (r == 0)
		r = buf_put_u8(&b, 3);
	for (i = 0; r == 0 && i < 3; i++)
		r = buf_put_u8(&b, (uint8_t)(v->mask >> (8 * i)));
	if (r == 0)
		r = buf_put(&b, digest, sizeof(digest));
	if (r == 0)
		r = extend(d, TPM2_CC_PolicyPCR, b.p, b.len);
	buf_done(&b);
	return r;
}

int
tpm_policy_nv(uint8_t d[CS_SHA256_LEN], const uint8_t name[TPM_NAME_LEN],
    enum tpm_compare how, uint64_t operand)
{
	struct buf b = BUF_INIT(64);
	uint8_t args[CS_SHA256_LEN + TPM_NAME_LEN];
	int r;

	r = buf_put_u64(&b, operand);
	if (r == 0)
		r = buf_put_u16(&b, 0); /* offset */
	if (r == 0)
		r = buf_put_u16(&b,
		    how == TPM_EQUAL ? TPM2_EO_EQ : TPM2_EO_UNSIGNED_LE);
	if (r == 0)
		r = sha256(b.p, b.len, args);
	buf_done(&b);
	if (r != 0)
		return r;
	memcpy(args + CS_SHA256_LEN, name, TPM_NAME_LEN);
	return extend(d, TPM2_CC_PolicyNV, args, sizeof(args));
}

int
tpm_policy_authorize(uint8_t d[CS_SHA256_LEN], const uint8_t key[TPM_NAME_LEN],
    const char *ref)
{
	memset(d, 0, CS_SHA256_LEN);
	return update(d, TPM2_CC_PolicyAuthorize, key, TPM_NAME_LEN, ref);
}

int
tpm_policy_signed(uint8_t d[CS_SHA256_LEN], const uint8_t key[TPM_NAME_LEN],
    const char *ref)
{
	return update(d, TPM2_CC_PolicySigned, key, TPM_NAME_LEN, ref);
}

int
tpm_policy_or(uint8_t d[CS_SHA256_LEN],
    const uint8_t (*branches)[CS_SHA256_LEN], size_t n)
{
	if (n < 2 || n > TPM_OR_MAX)
		return CS_E_INTERNAL;
	memset(d, 0, CS_SHA256_LEN);
	return extend(d, TPM2_CC_PolicyOR, branches, n * CS_SHA256_LEN);
}

int
tpm_key_name(const struct pubkey *k, uint8_t ret[TPM_NAME_LEN], struct diag *d)
{
	TPM2B_PUBLIC pub;
	int r = tpm_public_of(k, &pub, d);

	if (r == 0 && tpm_public_name(&pub, ret) != 0)
		r = diag_fail(d, CS_E_INTERNAL, NULL, "Name of a public key");
	return r;
}
