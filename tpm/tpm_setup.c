/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tpm/tpm_private.h"

/*
 * The usual ECC storage key, with noDA: else lockout would stop its children.
 * The same template in the endorsement hierarchy names the chip.
 */
static const TPM2B_PUBLIC storage_template = { .publicArea = {
	.type = TPM2_ALG_ECC,
	.nameAlg = TPM2_ALG_SHA256,
	.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
	    TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
	    TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
	.parameters.eccDetail = {
		.symmetric = {
			.algorithm = TPM2_ALG_AES,
			.keyBits.aes = 128,
			.mode.aes = TPM2_ALG_CFB,
		},
		.scheme.scheme = TPM2_ALG_NULL,
		.curveID = TPM2_ECC_NIST_P256,
		.kdf.scheme = TPM2_ALG_NULL,
	},
} };

/* The same seed and template give the same key each time it is asked for. */
static int
make_primary(struct tpm *t, ESYS_TR hierarchy, struct tpm_handle *ret,
    uint8_t name[TPM_NAME_LEN], struct diag *d)
{
	static const TPM2B_SENSITIVE_CREATE none = { 0 };
	static const TPM2B_DATA outside = { 0 };
	static const TPML_PCR_SELECTION no_pcr = { 0 };
	_cleanup_tpm_free_ TPM2B_PUBLIC *pub = NULL;
	TSS2_RC rc;

	rc = Esys_CreatePrimary(t->esys, hierarchy, ESYS_TR_PASSWORD,
	    ESYS_TR_NONE, ESYS_TR_NONE, &none, &storage_template, &outside,
	    &no_pcr, &ret->h, &pub, NULL, NULL, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_CreatePrimary", d);
	if (tpm_public_name(pub, name) != 0)
		return diag_fail(d, CS_E_TPM_FAIL, "a P-256 storage key",
		    "TPM2_CreatePrimary: another public area");
	return 0;
}

int
tpm_chip_name(struct tpm *t, uint8_t ret[TPM_NAME_LEN], struct diag *d)
{
	_cleanup_tpm_handle_ struct tpm_handle h = TPM_HANDLE_INIT(t);

	return make_primary(t, ESYS_TR_RH_ENDORSEMENT, &h, ret, d);
}

int
tpm_storage_name(struct tpm *t, uint8_t ret[TPM_NAME_LEN], struct diag *d)
{
	ESYS_TR h;

	return tpm_storage(t, &h, ret, d);
}

/* Persistent, so that its use needs no authorisation of the owner. */
static int
make_storage(struct tpm *t, struct diag *d)
{
	_cleanup_tpm_handle_ struct tpm_handle h = TPM_HANDLE_INIT(t);
	uint8_t name[TPM_NAME_LEN], found[TPM_NAME_LEN];
	ESYS_TR old, kept = ESYS_TR_NONE;
	TSS2_RC rc;
	int r;

	r = make_primary(t, ESYS_TR_RH_OWNER, &h, name, d);
	if (r != 0)
		return r;
	if (tpm_storage(t, &old, found, NULL) == 0) {
		if (memcmp(found, name, sizeof(name)) == 0)
			return 0;
		return diag_fail(d, CS_E_TPM_NV, "coldseal's storage key",
		    "another key at 0x%x", TPM_STORAGE_HANDLE);
	}
	rc = Esys_EvictControl(t->esys, ESYS_TR_RH_OWNER, h.h, ESYS_TR_PASSWORD,
	    ESYS_TR_NONE, ESYS_TR_NONE, TPM_STORAGE_HANDLE, &kept);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_EvictControl", d);
	(void)Esys_TR_Close(t->esys, &kept);
	return 0;
}

/* Of a former setup: its counters go on above what they were. */
static int
undefine(struct tpm *t, enum tpm_nv n, struct diag *d)
{
	ESYS_TR nv;
	TSS2_RC rc;
	int r = tpm_nv_open(t, n, &nv, d);

	if (r == CS_E_TPM_NV)
		return 0;
	if (r != 0)
		return r;
	/* it closes what it undefines */
	t->nv[n] = ESYS_TR_NONE;
	rc = Esys_NV_UndefineSpace(t->esys, ESYS_TR_RH_OWNER, nv,
	    ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_NV, rc, "TPM2_NV_UndefineSpace", d);
	return 0;
}

static int
define(struct tpm *t, enum tpm_nv n, const struct pubkey *key, struct diag *d)
{
	static const TPM2B_AUTH none = { 0 };
	TPM2B_NV_PUBLIC pub = { .nvPublic = {
				    .nvIndex = tpm_nv_handle(n),
				    .nameAlg = TPM2_ALG_SHA256,
				    .attributes = tpm_nv_attributes(n),
				    .authPolicy.size = CS_SHA256_LEN,
				    .dataSize =
					n == TPM_NV_ANCHOR ? CS_SHA256_LEN : 8,
				} };
	ESYS_TR h = ESYS_TR_NONE;
	TSS2_RC rc;
	int r;

	r = tpm_image_policy(key, pub.nvPublic.authPolicy.buffer, d);
	if (r == 0)
		r = undefine(t, n, d);
	if (r != 0)
		return r;
	rc = Esys_NV_DefineSpace(t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
	    ESYS_TR_NONE, ESYS_TR_NONE, &none, &pub, &h);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_NV, rc, "TPM2_NV_DefineSpace", d);
	(void)Esys_TR_Close(t->esys, &h);
	return 0;
}

/* The image policy compares this counter: the owner gives it its first value */
static int
first_version(struct tpm *t, struct diag *d)
{
	ESYS_TR nv;
	TSS2_RC rc;
	int r = tpm_nv_open(t, TPM_NV_IMAGE, &nv, d);

	if (r != 0)
		return r;
	rc = Esys_NV_Increment(t->esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD,
	    ESYS_TR_NONE, ESYS_TR_NONE);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_NV, rc, "TPM2_NV_Increment", d);
	return 0;
}

int
tpm_setup(struct tpm *t, const struct tpm_image *img, struct diag *d)
{
	static const enum tpm_nv counters[] = { TPM_NV_GENERATION,
		TPM_NV_BOOT };
	size_t i;
	int r;

	r = make_storage(t, d);
	for (i = 0; r == 0 && i < TPM_NV_COUNT; i++)
		r = define(t, (enum tpm_nv)i, img->key, d);
	if (r == 0)
		r = first_version(t, d);
	for (i = 0; r == 0 && i < ARRAY_LEN(counters); i++)
		r = tpm_nv_increment(t, img, counters[i], d);
	if (r == 0)
		tpm_image_forget(t);
	return r;
}

/* In a salted session that encrypts it: it is a secret. */
static int
change_auth(struct tpm *t, ESYS_TR hierarchy, struct secret *auth,
    const char *which, struct diag *d)
{
	_cleanup_tpm_handle_ struct tpm_handle s = TPM_HANDLE_INIT(t);
	ESYS_TR storage = ESYS_TR_NONE;
	TPM2B_AUTH a = { .size = (UINT16)secret_len(auth) };
	TSS2_RC rc;
	int r;

	if (secret_len(auth) == 0 || secret_len(auth) > CS_SHA256_LEN)
		return diag_fail(d, CS_E_TOO_LARGE, "1 to 32 bytes",
		    "%zu bytes", secret_len(auth));
	r = tpm_storage(t, &storage, NULL, d);
	if (r == 0)
		r = tpm_start_session(t, storage, TPM2_SE_HMAC,
		    TPMA_SESSION_DECRYPT, &s, d);
	if (r != 0)
		return r;
	memcpy(a.buffer, secret_data(auth), a.size);
	rc = Esys_HierarchyChangeAuth(t->esys, hierarchy, ESYS_TR_PASSWORD, s.h,
	    ESYS_TR_NONE, &a);
	explicit_bzero(&a, sizeof(a));
	/* ESAPI would remember it, and use it from now on */
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TR_SetAuth(t->esys, hierarchy, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, which, d);
	return 0;
}

int
tpm_take_ownership(struct tpm *t, struct secret *owner, struct secret *lockout,
    struct diag *d)
{
	int r = 0;

	if (lockout != NULL)
		r = change_auth(t, ESYS_TR_RH_LOCKOUT, lockout,
		    "lockout authorisation", d);
	if (r == 0 && owner != NULL)
		r = change_auth(t, ESYS_TR_RH_OWNER, owner,
		    "owner authorisation", d);
	return r;
}

int
tpm_owned(struct tpm *t, bool *ret_owner, bool *ret_lockout, struct diag *d)
{
	uint32_t permanent = 0;
	TSS2_RC rc = tpm_property(t, TPM2_PT_PERMANENT, &permanent);

	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_GetCapability", d);
	*ret_owner = (permanent & TPMA_PERMANENT_OWNERAUTHSET) != 0;
	*ret_lockout = (permanent & TPMA_PERMANENT_LOCKOUTAUTHSET) != 0;
	return 0;
}
