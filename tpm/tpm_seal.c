/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#include "tpm/tpm_private.h"

/*
 * What is sealed is a random key and the secret; the key makes the tag in the
 * sealed file, so that the tag tells nothing about the secret.
 *
 *	seal:	primary -> trial session: PolicyPCR -> digest
 *		        -> salted session, decrypt: Create
 *	unseal:	primary, Name compared -> Load
 *		        -> salted policy session, encrypt: PolicyPCR, digest
 *		           compared, Unseal -> tag compared
 *
 * Someone between us and the TPM sees only the encrypted parameter, since the
 * salt goes to the primary whose Name is in the sealed file.
 */
#define KEY_LEN CS_SHA256_LEN
#define TRIES	3 /* only after TPM_RC_PCR_CHANGED */

static void
esys_freep(void *p)
{
	void **pp = p;

	Esys_Free(*pp);
	*pp = NULL;
}
#define _cleanup_esys_ _cleanup_(esys_freep)

static void
sensitive_freep(TPM2B_SENSITIVE_DATA **p)
{
	if (*p != NULL)
		OPENSSL_cleanse(*p, sizeof(**p));
	Esys_Free(*p);
	*p = NULL;
}

/* The usual ECC storage key, with noDA: else lockout would stop its children */
static const TPM2B_PUBLIC primary_template = { .publicArea = {
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
make_primary(struct tpm *t, struct tpm_handle *ret, uint8_t name[TPM_NAME_LEN],
    struct diag *d)
{
	static const TPM2B_SENSITIVE_CREATE none = { 0 };
	static const TPM2B_DATA outside = { 0 };
	static const TPML_PCR_SELECTION no_pcr = { 0 };
	_cleanup_esys_ TPM2B_PUBLIC *pub = NULL;
	TSS2_RC rc;

	rc = Esys_CreatePrimary(t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
	    ESYS_TR_NONE, ESYS_TR_NONE, &none, &primary_template, &outside,
	    &no_pcr, &ret->h, &pub, NULL, NULL, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_CreatePrimary", d);
	if (tpm_public_name(pub, name) != 0)
		return diag_fail(d, CS_E_TPM_FAIL, "a P-256 storage key",
		    "TPM2_CreatePrimary: another public area");
	return 0;
}

static int
start_session(struct tpm *t, ESYS_TR salt_key, TPM2_SE type,
    TPMA_SESSION attributes, struct tpm_handle *ret, struct diag *d)
{
	static const TPMT_SYM_DEF aes = {
		.algorithm = TPM2_ALG_AES,
		.keyBits.aes = 128,
		.mode.aes = TPM2_ALG_CFB,
	};
	TSS2_RC rc;

	rc = Esys_StartAuthSession(t->esys, salt_key, ESYS_TR_NONE,
	    ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, type, &aes,
	    TPM2_ALG_SHA256, &ret->h);
	if (rc == TSS2_RC_SUCCESS)
		/* without continueSession its flush would fail */
		rc = Esys_TRSess_SetAttributes(t->esys, ret->h,
		    attributes | TPMA_SESSION_CONTINUESESSION, 0xff);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_StartAuthSession",
		    d);
	return 0;
}

/* PolicyPCR over the current values, and the digest that makes */
static int
policy_pcr(struct tpm *t, ESYS_TR session, uint32_t mask,
    uint8_t ret[CS_SHA256_LEN], struct diag *d)
{
	static const TPM2B_DIGEST current = { 0 };
	const TPML_PCR_SELECTION sel = { .count = 1,
		.pcrSelections = { {
		    .hash = TPM2_ALG_SHA256,
		    .sizeofSelect = 3,
		    .pcrSelect = { (BYTE)mask, (BYTE)(mask >> 8),
			(BYTE)(mask >> 16) },
		} } };
	_cleanup_esys_ TPM2B_DIGEST *digest = NULL;
	TSS2_RC rc;

	rc = Esys_PolicyPCR(t->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, &current, &sel);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_PolicyPCR", d);
	rc = Esys_PolicyGetDigest(t->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, &digest);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_PolicyGetDigest",
		    d);
	if (digest->size != CS_SHA256_LEN)
		return diag_fail(d, CS_E_TPM_FAIL, "a SHA-256 policy",
		    "TPM2_PolicyGetDigest: %u bytes", digest->size);
	memcpy(ret, digest->buffer, CS_SHA256_LEN);
	return 0;
}

/*
 * The library keeps the last command and answer in one buffer, in clear once
 * it has decrypted them.  A long public answer takes their place.
 */
static void
overwrite_buffer(struct tpm *t)
{
	_cleanup_esys_ TPMS_CAPABILITY_DATA *cap = NULL;
	TPMI_YES_NO more;

	(void)Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, TPM2_CAP_COMMANDS, TPM2_CC_FIRST, TPM2_MAX_CAP_CC,
	    &more, &cap);
}

static int
seal_policy(struct tpm *t, ESYS_TR primary, uint32_t mask,
    uint8_t ret[CS_SHA256_LEN], struct diag *d)
{
	_cleanup_tpm_handle_ struct tpm_handle trial = TPM_HANDLE_INIT(t);
	int r;

	r = start_session(t, primary, TPM2_SE_TRIAL, 0, &trial, d);
	return r != 0 ? r : policy_pcr(t, trial.h, mask, ret, d);
}

/* One TPM2_Create under the session; *pub and *priv may be NULL. */
static TSS2_RC
create(struct tpm *t, ESYS_TR primary, ESYS_TR session,
    const TPM2B_SENSITIVE_CREATE *s, const uint8_t policy[CS_SHA256_LEN],
    TPM2B_PRIVATE **priv, TPM2B_PUBLIC **pub)
{
	static const TPM2B_DATA outside = { 0 };
	static const TPML_PCR_SELECTION no_pcr = { 0 };
	TPM2B_PUBLIC template;

	tpm_sealed_template(policy, &template);
	return Esys_Create(t->esys, primary, session, ESYS_TR_NONE,
	    ESYS_TR_NONE, s, &template, &outside, &no_pcr, priv, pub, NULL,
	    NULL, NULL);
}

/* fills pub and priv of b */
static int
create_sealed(struct tpm *t, ESYS_TR primary, const TPM2B_SENSITIVE_CREATE *s,
    const uint8_t policy[CS_SHA256_LEN], struct tpm_blob *b, struct diag *d)
{
	static const TPM2B_SENSITIVE_CREATE nothing = { .sensitive.data.size =
							    1 };
	_cleanup_tpm_handle_ struct tpm_handle session = TPM_HANDLE_INIT(t);
	_cleanup_esys_ TPM2B_PRIVATE *priv = NULL;
	_cleanup_esys_ TPM2B_PUBLIC *pub = NULL;
	TSS2_RC rc;
	int r;

	r = start_session(t, primary, TPM2_SE_HMAC, TPMA_SESSION_DECRYPT,
	    &session, d);
	if (r != 0)
		return r;
	rc = create(t, primary, session.h, s, policy, &priv, &pub);
	/* ESAPI keeps the input for a retry: something else takes its place */
	(void)create(t, primary, session.h, &nothing, policy, NULL, NULL);
	overwrite_buffer(t);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_Create", d);
	b->pub = *pub;
	b->priv = *priv;
	return 0;
}

static int
seal(struct tpm *t, TPM2B_SENSITIVE_CREATE *s, struct secret *plain,
    struct tpm_blob *b, struct diag *d)
{
	_cleanup_tpm_handle_ struct tpm_handle primary = TPM_HANDLE_INIT(t);
	TPM2B_SENSITIVE_DATA *data = &s->sensitive.data;
	uint8_t policy[CS_SHA256_LEN];
	int r;

	if (RAND_priv_bytes(data->buffer, KEY_LEN) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "RAND_priv_bytes");
	memcpy(data->buffer + KEY_LEN, secret_data(plain), secret_len(plain));
	data->size = (UINT16)(KEY_LEN + secret_len(plain));

	r = make_primary(t, &primary, b->primary, d);
	if (r == 0)
		r = seal_policy(t, primary.h, b->mask, policy, d);
	if (r == 0)
		r = create_sealed(t, primary.h, s, policy, b, d);
	if (r != 0)
		return r;
	r = tpm_blob_tag(b, data->buffer, secret_data(plain), secret_len(plain),
	    b->tag);
	if (r != 0)
		return diag_fail(d, r, NULL, "the tag cannot be made");
	return 0;
}

int
tpm_seal(struct tpm *t, const struct tpm_pcrs *pcrs, const char *label,
    struct secret *plain, struct buf *ret_blob, struct diag *d)
{
	_cleanup_secret_ struct secret *sensitive = NULL;
	struct tpm_blob b = { .mask = pcrs->mask };
	int r;

	if (!tpm_mask_ok(pcrs->mask))
		return diag_fail(d, CS_E_TPM_SELECT,
		    "some of PCR 0 to 23 without 1, 9 and 10", "mask 0x%x",
		    pcrs->mask);
	if (!tpm_label_ok(label))
		return diag_fail(d, CS_E_TPM_LABEL,
		    "1 to 200 printable characters", "another label");
	if (secret_len(plain) == 0 || secret_len(plain) > TPM_SEAL_MAX)
		return diag_fail(d, CS_E_TOO_LARGE, "1 to 96 bytes",
		    "%zu bytes", secret_len(plain));
	memcpy(b.label, label, strlen(label) + 1);
	/* a mapping of its own: aligned, locked, zeroed */
	r = secret_new(sizeof(TPM2B_SENSITIVE_CREATE), &sensitive);
	if (r != 0)
		return diag_fail(d, r, NULL, "no locked memory");
	r = seal(t, (void *)secret_data(sensitive), plain, &b, d);
	if (r != 0)
		return r;
	buf_reset(ret_blob);
	r = tpm_blob_encode(&b, ret_blob);
	if (r != 0)
		return diag_fail(d, r, NULL, "the sealed file cannot be made");
	return 0;
}

/* Splits what came out, and returns the secret only if the tag is right. */
static int
accept(const struct tpm_blob *b, const TPM2B_SENSITIVE_DATA *out,
    struct secret **ret, struct diag *d)
{
	_cleanup_secret_ struct secret *s = NULL;
	uint8_t tag[CS_SHA256_LEN];
	size_t len;
	int r;

	if (out->size <= KEY_LEN || out->size > KEY_LEN + TPM_SEAL_MAX)
		return diag_fail(d, CS_E_TPM_TAG, "33 to 128 bytes", "%u bytes",
		    out->size);
	len = out->size - KEY_LEN;
	r = tpm_blob_tag(b, out->buffer, out->buffer + KEY_LEN, len, tag);
	if (r != 0)
		return diag_fail(d, r, NULL, "the tag cannot be made");
	if (CRYPTO_memcmp(tag, b->tag, sizeof(tag)) != 0)
		return diag_fail(d, CS_E_TPM_TAG, "the tag in the sealed file",
		    "another tag");
	r = secret_new(len, &s);
	if (r != 0)
		return diag_fail(d, r, NULL, "no locked memory");
	memcpy(secret_data(s), out->buffer + KEY_LEN, len);
	*ret = take_ptr(s);
	return 0;
}

/* 0, or CS_E_*; *ret_again if a PCR changed under the session */
static int
unseal_once(struct tpm *t, ESYS_TR primary, ESYS_TR object,
    const struct tpm_blob *b, struct secret **ret, bool *ret_again,
    struct diag *d)
{
	_cleanup_tpm_handle_ struct tpm_handle session = TPM_HANDLE_INIT(t);
	_cleanup_(sensitive_freep) TPM2B_SENSITIVE_DATA *out = NULL;
	uint8_t policy[CS_SHA256_LEN];
	TSS2_RC rc;
	int r;

	r = start_session(t, primary, TPM2_SE_POLICY, TPMA_SESSION_ENCRYPT,
	    &session, d);
	if (r == 0)
		r = policy_pcr(t, session.h, b->mask, policy, d);
	if (r != 0)
		return r;
	if (memcmp(policy, b->pub.publicArea.authPolicy.buffer,
		sizeof(policy)) != 0)
		return diag_fail(d, CS_E_TPM_PCR,
		    "the boot state it was "
		    "sealed under",
		    "other values in PCR mask 0x%x", b->mask);
	rc = Esys_Unseal(t->esys, object, session.h, ESYS_TR_NONE, ESYS_TR_NONE,
	    &out);
	overwrite_buffer(t);
	if (rc == TSS2_RC_SUCCESS)
		return accept(b, out, ret, d);
	*ret_again = tpm_rc_base(rc) == TPM2_RC_PCR_CHANGED;
	if (*ret_again || tpm_rc_base(rc) == TPM2_RC_POLICY_FAIL)
		return tpm_fail(t, CS_E_TPM_PCR, rc, "TPM2_Unseal", d);
	return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_Unseal", d);
}

static int
load(struct tpm *t, ESYS_TR primary, const struct tpm_blob *b,
    struct tpm_handle *ret, struct diag *d)
{
	TSS2_RC rc;

	rc = Esys_Load(t->esys, primary, ESYS_TR_PASSWORD, ESYS_TR_NONE,
	    ESYS_TR_NONE, &b->priv, &b->pub, &ret->h);
	switch (tpm_rc_base(rc)) {
	case TSS2_RC_SUCCESS:
		return 0;
	case TPM2_RC_INTEGRITY: /* not wrapped by this primary, or altered */
	case TPM2_RC_SIZE:	/* altered so that it cannot be unwrapped */
	case TPM2_RC_BINDING:
		return tpm_fail(t, CS_E_TPM_OTHER, rc, "TPM2_Load", d);
	default:
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_Load", d);
	}
}

int
tpm_unseal(struct tpm *t, const uint8_t *blob, size_t len, const char *label,
    struct secret **ret, struct diag *d)
{
	_cleanup_tpm_handle_ struct tpm_handle primary = TPM_HANDLE_INIT(t);
	_cleanup_tpm_handle_ struct tpm_handle object = TPM_HANDLE_INIT(t);
	uint8_t name[TPM_NAME_LEN];
	struct tpm_blob b;
	bool again = true;
	int r, i;

	r = tpm_blob_decode(blob, len, &b, d);
	if (r != 0)
		return r;
	if (strcmp(b.label, label) != 0)
		return diag_fail(d, CS_E_TPM_LABEL, label, "%s", b.label);
	r = make_primary(t, &primary, name, d);
	if (r != 0)
		return r;
	if (memcmp(name, b.primary, sizeof(name)) != 0)
		return diag_fail(d, CS_E_TPM_OTHER,
		    "the storage key it was sealed under", "another one");
	r = load(t, primary.h, &b, &object, d);
	if (r != 0)
		return r;
	for (i = 0; again && i < TRIES; i++) {
		again = false;
		r = unseal_once(t, primary.h, object.h, &b, ret, &again, d);
	}
	return r;
}
