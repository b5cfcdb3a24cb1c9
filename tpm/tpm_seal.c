/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#include "tpm/tpm_private.h"

/*
 * What is sealed is a random key and the secret; the key makes the tag in the
 * sealed file, so that the tag tells nothing about the secret.
 *
 *	seal:	storage key -> policy digest in software
 *		            -> salted session, decrypt: Create
 *	unseal:	storage key, Name compared -> generation compared -> Load
 *		            -> policy session (fresh, or the ceremony's): image,
 *		               generation, quorum; digest compared
 *		            -> salted session, encrypt: Unseal -> tag compared
 *
 * Someone between us and the TPM sees only the encrypted parameter, since the
 * salt goes to the storage key whose Name is in the sealed file.
 */
#define KEY_LEN CS_SHA256_LEN

static void
sensitive_freep(TPM2B_SENSITIVE_DATA **p)
{
	if (*p != NULL)
		OPENSSL_cleanse(*p, sizeof(**p));
	Esys_Free(*p);
	*p = NULL;
}

/*
 * The library keeps the last command and answer in one buffer, in clear once
 * it has decrypted them.  A long public answer takes their place.
 */
static void
overwrite_buffer(struct tpm *t)
{
	_cleanup_tpm_free_ TPMS_CAPABILITY_DATA *cap = NULL;
	TPMI_YES_NO more;

	(void)Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, TPM2_CAP_COMMANDS, TPM2_CC_FIRST, TPM2_MAX_CAP_CC,
	    &more, &cap);
}

/* One TPM2_Create under the session; *pub and *priv may be NULL. */
static TSS2_RC
create(struct tpm *t, ESYS_TR storage, ESYS_TR session,
    const TPM2B_SENSITIVE_CREATE *s, const uint8_t policy[CS_SHA256_LEN],
    TPM2B_PRIVATE **priv, TPM2B_PUBLIC **pub)
{
	static const TPM2B_DATA outside = { 0 };
	static const TPML_PCR_SELECTION no_pcr = { 0 };
	TPM2B_PUBLIC template;

	tpm_sealed_template(policy, &template);
	return Esys_Create(t->esys, storage, session, ESYS_TR_NONE,
	    ESYS_TR_NONE, s, &template, &outside, &no_pcr, priv, pub, NULL,
	    NULL, NULL);
}

/* fills pub and priv of b */
static int
create_sealed(struct tpm *t, ESYS_TR storage, const TPM2B_SENSITIVE_CREATE *s,
    const uint8_t policy[CS_SHA256_LEN], struct tpm_blob *b, struct diag *d)
{
	static const TPM2B_SENSITIVE_CREATE nothing = { .sensitive.data.size =
							    1 };
	_cleanup_tpm_handle_ struct tpm_handle session = TPM_HANDLE_INIT(t);
	_cleanup_tpm_free_ TPM2B_PRIVATE *priv = NULL;
	_cleanup_tpm_free_ TPM2B_PUBLIC *pub = NULL;
	TSS2_RC rc;
	int r;

	r = tpm_start_session(t, storage, TPM2_SE_HMAC, TPMA_SESSION_DECRYPT,
	    &session, d);
	if (r != 0)
		return r;
	rc = create(t, storage, session.h, s, policy, &priv, &pub);
	/* ESAPI keeps the input for a retry: something else takes its place */
	(void)create(t, storage, session.h, &nothing, policy, NULL, NULL);
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
	ESYS_TR storage = ESYS_TR_NONE;
	TPM2B_SENSITIVE_DATA *data = &s->sensitive.data;
	uint8_t policy[CS_SHA256_LEN];
	int r;

	if (RAND_priv_bytes(data->buffer, KEY_LEN) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "RAND_priv_bytes");
	memcpy(data->buffer + KEY_LEN, secret_data(plain), secret_len(plain));
	data->size = (UINT16)(KEY_LEN + secret_len(plain));

	r = tpm_storage(t, &storage, b->primary, d);
	if (r == 0)
		r = tpm_blob_policy(b, policy, d);
	if (r == 0)
		r = create_sealed(t, storage, s, policy, b, d);
	if (r != 0)
		return r;
	r = tpm_blob_tag(b, data->buffer, secret_data(plain), secret_len(plain),
	    b->tag);
	if (r != 0)
		return diag_fail(d, r, NULL, "the tag cannot be made");
	return 0;
}

static int
copy_quorum(const struct quorum *q, struct quorum *ret, struct diag *d)
{
	size_t i;
	int r = 0;

	for (i = 0; q != NULL && r == 0 && i < q->n; i++)
		r = quorum_add(ret, q->keys[i].person, q->keys[i].key->spki,
		    q->keys[i].key->spki_len, d);
	if (q == NULL || r != 0)
		return r;
	ret->threshold = q->threshold;
	return quorum_check(ret, d);
}

int
tpm_seal(struct tpm *t, const struct tpm_guard *guard, const char *label,
    struct secret *plain, struct buf *ret_blob, struct diag *d)
{
	_cleanup_secret_ struct secret *sensitive = NULL;
	_cleanup_tpm_blob_ struct tpm_blob b = { .generation =
						     guard->generation };
	int r;

	if (!tpm_label_ok(label) || strlen(guard->domain) >= sizeof(b.domain))
		return diag_fail(d, CS_E_TPM_LABEL,
		    "1 to 200 printable characters", "another label");
	if (secret_len(plain) == 0 || secret_len(plain) > TPM_SEAL_MAX)
		return diag_fail(d, CS_E_TOO_LARGE, "1 to 96 bytes",
		    "%zu bytes", secret_len(plain));
	memcpy(b.label, label, strlen(label) + 1);
	memcpy(b.domain, guard->domain, strlen(guard->domain) + 1);
	r = pubkey_from_spki(guard->image_key->spki, guard->image_key->spki_len,
	    &b.image_key, d);
	if (r == 0)
		r = copy_quorum(guard->quorum, &b.quorum, d);
	if (r != 0)
		return r;
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

/* All steps, and that they made the digest that the secret was sealed under */
static int
fulfil(struct tpm *t, ESYS_TR session, const struct tpm_image *img,
    const struct tpm_blob *b, const struct tpm_ballot *ballot, struct diag *d)
{
	uint8_t policy[CS_SHA256_LEN];
	int r;

	r = tpm_step_image(t, img, session, d);
	if (r == 0)
		r = tpm_step_counter(t, session, TPM_NV_GENERATION, TPM_EQUAL,
		    b->generation, CS_E_TPM_GENERATION, d);
	if (r == 0 && b->quorum.n != 0)
		r = tpm_step_quorum(t, session, b, ballot, d);
	if (r == 0)
		r = tpm_policy_digest(t, session, policy, d);
	if (r == 0 &&
	    memcmp(policy, b->pub.publicArea.authPolicy.buffer,
		sizeof(policy)) != 0)
		r = diag_fail(d, CS_E_TPM_IMAGE,
		    "the image release key it was sealed under", "another");
	return r;
}

/* 0, or CS_E_*; *ret_again if a PCR changed under the session */
static int
unseal_once(struct tpm *t, ESYS_TR storage, ESYS_TR object, ESYS_TR session,
    const struct tpm_blob *b, struct secret **ret, bool *ret_again,
    struct diag *d)
{
	_cleanup_tpm_handle_ struct tpm_handle bus = TPM_HANDLE_INIT(t);
	_cleanup_(sensitive_freep) TPM2B_SENSITIVE_DATA *out = NULL;
	TSS2_RC rc;
	int r;

	r = tpm_start_session(t, storage, TPM2_SE_HMAC, TPMA_SESSION_ENCRYPT,
	    &bus, d);
	if (r != 0)
		return r;
	rc = Esys_Unseal(t->esys, object, session, bus.h, ESYS_TR_NONE, &out);
	overwrite_buffer(t);
	if (rc == TSS2_RC_SUCCESS)
		return accept(b, out, ret, d);
	*ret_again = tpm_rc_base(rc) == TPM2_RC_PCR_CHANGED;
	if (tpm_rc_base(rc) == TPM2_RC_EXPIRED)
		return tpm_fail(t, CS_E_TPM_EXPIRED, rc, "TPM2_Unseal", d);
	if (tpm_rc_base(rc) == TPM2_RC_POLICY_FAIL)
		return tpm_fail(t, CS_E_TPM_PCR, rc, "TPM2_Unseal", d);
	return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_Unseal", d);
}

static int
load(struct tpm *t, ESYS_TR storage, const struct tpm_blob *b,
    struct tpm_handle *ret, struct diag *d)
{
	TSS2_RC rc;

	rc = Esys_Load(t->esys, storage, ESYS_TR_PASSWORD, ESYS_TR_NONE,
	    ESYS_TR_NONE, &b->priv, &b->pub, &ret->h);
	switch (tpm_rc_base(rc)) {
	case TSS2_RC_SUCCESS:
		return 0;
	case TPM2_RC_INTEGRITY: /* not wrapped by this key, or altered */
	case TPM2_RC_SIZE:	/* altered so that it cannot be unwrapped */
	case TPM2_RC_BINDING:
		return tpm_fail(t, CS_E_TPM_OTHER, rc, "TPM2_Load", d);
	default:
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_Load", d);
	}
}

/* The blob is of this TPM, for this purpose, alive, and takes this ballot. */
static int
check(struct tpm *t, const char *label, const struct tpm_blob *b,
    const struct tpm_ballot *ballot, ESYS_TR *ret, struct diag *d)
{
	uint8_t name[TPM_NAME_LEN];
	char ref[QUORUM_REF_MAX];
	struct tpm_count c;
	uint64_t generation = 0;
	int r;

	if (strcmp(b->label, label) != 0)
		return diag_fail(d, CS_E_TPM_LABEL, label, "%s", b->label);
	r = tpm_storage(t, ret, name, d);
	if (r != 0)
		return r;
	if (memcmp(name, b->primary, sizeof(name)) != 0)
		return diag_fail(d, CS_E_TPM_OTHER,
		    "the storage key it was sealed under", "another one");
	r = tpm_nv_counter(t, TPM_NV_GENERATION, &generation, d);
	if (r != 0)
		return r;
	if (generation != b->generation)
		return diag_fail(d, CS_E_TPM_GENERATION, NULL,
		    "generation %llu, and the TPM's is %llu",
		    (unsigned long long)b->generation,
		    (unsigned long long)generation);
	if ((b->quorum.n != 0) != (ballot != NULL))
		return diag_fail(d, CS_E_TPM_QUORUM,
		    b->quorum.n != 0 ? "approvals" : "no approvals",
		    "the other");
	if (ballot == NULL)
		return 0;
	quorum_ref(b->domain, ref);
	return tpm_count_votes(&b->quorum, ballot, ref, &c, d);
}

int
tpm_sealed_generation(const uint8_t *blob, size_t len, const char *label,
    uint64_t *ret, struct diag *d)
{
	_cleanup_tpm_blob_ struct tpm_blob b = { 0 };
	int r = tpm_blob_decode(blob, len, &b, d);

	if (r == 0 && label != NULL && strcmp(b.label, label) != 0)
		r = diag_fail(d, CS_E_TPM_LABEL, label, "%s", b.label);
	if (r == 0)
		*ret = b.generation;
	return r;
}

int
tpm_unseal_check(struct tpm *t, const uint8_t *blob, size_t len,
    const char *label, const struct tpm_ballot *ballot, struct diag *d)
{
	ESYS_TR storage = ESYS_TR_NONE;
	_cleanup_tpm_blob_ struct tpm_blob b = { 0 };
	int r = tpm_blob_decode(blob, len, &b, d);

	return r == 0 ? check(t, label, &b, ballot, &storage, d) : r;
}

/* The session of the ceremony is loaded last: it can be loaded once. */
static int
open_session(struct tpm *t, const struct tpm_ballot *ballot,
    struct tpm_handle *ret, struct diag *d)
{
	if (ballot != NULL)
		return tpm_session_load(t, ballot->session, ret, d);
	return tpm_start_session(t, ESYS_TR_NONE, TPM2_SE_POLICY, 0, ret, d);
}

int
tpm_unseal(struct tpm *t, const struct tpm_image *img, const uint8_t *blob,
    size_t len, const char *label, const struct tpm_ballot *ballot,
    struct secret **ret, struct diag *d)
{
	ESYS_TR storage = ESYS_TR_NONE;
	_cleanup_tpm_handle_ struct tpm_handle object = TPM_HANDLE_INIT(t);
	_cleanup_tpm_handle_ struct tpm_handle session = TPM_HANDLE_INIT(t);
	_cleanup_tpm_blob_ struct tpm_blob b = { 0 };
	bool again = true;
	TSS2_RC rc;
	int r, i;

	r = tpm_blob_decode(blob, len, &b, d);
	if (r == 0)
		r = check(t, label, &b, ballot, &storage, d);
	if (r == 0)
		r = load(t, storage, &b, &object, d);
	if (r == 0)
		r = open_session(t, ballot, &session, d);
	if (r != 0)
		return r;
	for (i = 0; again && i < TPM_TRIES; i++) {
		again = false;
		/* the same session again: its nonce is what people signed */
		rc = Esys_PolicyRestart(t->esys, session.h, ESYS_TR_NONE,
		    ESYS_TR_NONE, ESYS_TR_NONE);
		if (rc != TSS2_RC_SUCCESS)
			return tpm_fail(t, CS_E_TPM_FAIL, rc,
			    "TPM2_PolicyRestart", d);
		r = fulfil(t, session.h, img, &b, ballot, d);
		if (r == 0)
			r = unseal_once(t, storage, object.h, session.h, &b,
			    ret, &again, d);
	}
	return r;
}
