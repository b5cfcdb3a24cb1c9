/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TPM_IMAGE_H
#define CS_TPM_IMAGE_H

#include "tpm/policy.h"

/*
 * The image policy: one document per released image, signed by the image
 * release key.  It says which PCR values that image has and its version.
 * Whatever is sealed is sealed to the release key, not to the values, so that
 * an update opens the same blobs; the version is compared with a counter in
 * the TPM that shuts old images out.
 *
 * Canonical JSON: key (base64 SPKI), pcrs {"7": hex ..}, signature (base64),
 * type, version.  The signature is over TPM2_PolicyAuthorize's aHash
 * (Part 3, 23.16): approved policy, then TPM_IMAGE_REF.
 */
#define TPM_IMAGE_TYPE	"coldseal-image-v1"
#define TPM_IMAGE_REF	"coldseal image"
#define TPM_IMAGE_MAX	8192u
/* 1 changes with settings, 9 and 10 with what is loaded: never sealed to */
#define TPM_PCR_NEVER	((1u << 1) | (1u << 9) | (1u << 10))

struct tpm_image {
	uint64_t version;
	struct tpm_pcr_values pcrs;
	struct pubkey *key;
	uint8_t sig[512];
	size_t sig_len;
	uint8_t approved[CS_SHA256_LEN];	/* PolicyPCR, PolicyNV */
};

/* Strict; the signature is verified.  CS_E_TPM_IMAGE, CS_E_TPM_SELECT */
int tpm_image_parse(const void *json, size_t len, struct tpm_image **ret,
    struct diag *d) CS_WUR;
void tpm_image_free(struct tpm_image **i);
#define _cleanup_tpm_image_ _cleanup_(tpm_image_free)
/* What the release key signs, with SHA-256; approved || ref */
int tpm_image_tbs(uint64_t version, const struct tpm_pcr_values *v,
    const struct pubkey *key, struct buf *out, struct diag *d) CS_WUR;
/* The document from its parts; free(*ret) */
int tpm_image_format(uint64_t version, const struct tpm_pcr_values *v,
    const struct pubkey *key, const uint8_t *sig, size_t sig_len, char **ret,
    size_t *ret_len) CS_WUR;
int tpm_mask_ok(uint32_t mask);

/* authPolicy that every image of this key fulfils */
int tpm_image_policy(const struct pubkey *key, uint8_t ret[CS_SHA256_LEN],
    struct diag *d) CS_WUR;

/*
 * --- the four NV indices ---
 * Written only under the image policy, readable by everybody.  Their Names
 * follow from the release key, so that a policy over them is made offline.
 */
enum tpm_nv {
	TPM_NV_IMAGE,		/* counter: lowest image version allowed */
	TPM_NV_GENERATION,	/* counter: of the sealed blobs */
	TPM_NV_BOOT,		/* counter: boots and exports */
	TPM_NV_ANCHOR,		/* extended with each checkpoint's SHA-256 */
	TPM_NV_COUNT
};
uint32_t tpm_nv_handle(enum tpm_nv n);
uint32_t tpm_nv_attributes(enum tpm_nv n);	/* TPMA_NV, not yet written */
/*
 * TPM2B_NV_PUBLIC and Name with TPMA_NV_WRITTEN, as they are ever after the
 * first write; ret is reset, and of at least TPM_NV_PUBLIC_MAX
 */
#define TPM_NV_PUBLIC_MAX 128u
int tpm_nv_public(enum tpm_nv n, const struct pubkey *image_key,
    struct buf *ret, struct diag *d) CS_WUR;
int tpm_nv_name(enum tpm_nv n, const struct pubkey *image_key,
    uint8_t ret[TPM_NAME_LEN], struct diag *d) CS_WUR;

#endif
