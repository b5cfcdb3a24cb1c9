/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/image.h"

#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/hex.h"
#include "lib/json.h"

int
tpm_mask_ok(uint32_t mask)
{
	return mask != 0 && mask >> TPM_PCR_COUNT == 0 &&
	    (mask & TPM_PCR_NEVER) == 0;
}

void
tpm_image_free(struct tpm_image **i)
{
	if (*i == NULL)
		return;
	pubkey_free(&(*i)->key);
	free(*i);
	*i = NULL;
}

int
tpm_image_policy(const struct pubkey *key, uint8_t ret[CS_SHA256_LEN],
    struct diag *d)
{
	uint8_t name[TPM_NAME_LEN];
	int r = tpm_key_name(key, name, d);

	if (r == 0)
		r = tpm_policy_authorize(ret, name, TPM_IMAGE_REF);
	return r;
}

static int
approved(uint64_t version, const struct tpm_pcr_values *v,
    const struct pubkey *key, uint8_t ret[CS_SHA256_LEN], struct diag *d)
{
	uint8_t name[TPM_NAME_LEN];
	int r;

	memset(ret, 0, CS_SHA256_LEN);
	r = tpm_nv_name(TPM_NV_IMAGE, key, name, d);
	if (r == 0)
		r = tpm_policy_pcr(ret, v);
	if (r == 0)
		r = tpm_policy_nv(ret, name, TPM_AT_MOST, version);
	return r;
}

int
tpm_image_tbs(uint64_t version, const struct tpm_pcr_values *v,
    const struct pubkey *key, struct buf *out, struct diag *d)
{
	uint8_t policy[CS_SHA256_LEN];
	int r;

	if (!tpm_mask_ok(v->mask))
		return diag_fail(d, CS_E_TPM_SELECT,
		    "some of PCR 0 to 23 without 1, 9 and 10", "mask 0x%x",
		    v->mask);
	r = approved(version, v, key, policy, d);
	if (r == 0)
		r = buf_put(out, policy, sizeof(policy));
	if (r == 0)
		r = buf_put(out, TPM_IMAGE_REF, strlen(TPM_IMAGE_REF));
	return r;
}

static json_t *
pcrs_json(const struct tpm_pcr_values *v)
{
	json_t *o = json_object();
	char name[4];
	unsigned i;

	for (i = 0; o != NULL && i < TPM_PCR_COUNT; i++) {
		if ((v->mask >> i & 1) == 0)
			continue;
		(void)snprintf(name, sizeof(name), "%u", i);
		(void)json_object_set_new(o, name, json_hex32(v->value[i]));
	}
	return o;
}

int
tpm_image_format(uint64_t version, const struct tpm_pcr_values *v,
    const struct pubkey *key, const uint8_t *sig, size_t sig_len, char **ret,
    size_t *ret_len)
{
	_cleanup_free_ char *spki = b64_dup(key->spki, key->spki_len);
	_cleanup_free_ char *s = b64_dup(sig, sig_len);
	_cleanup_json_ json_t *j = NULL;

	if (spki == NULL || s == NULL)
		return CS_E_NOMEM;
	j = json_pack("{s:s, s:o, s:s, s:s, s:I}", "key", spki, "pcrs",
	    pcrs_json(v), "signature", s, "type", TPM_IMAGE_TYPE, "version",
	    (json_int_t)version);
	return j == NULL ? CS_E_NOMEM : json_canonical(j, ret, ret_len);
}

static int
parse_pcr(const char *name, const json_t *value, struct tpm_pcr_values *v,
    struct diag *d)
{
	const char *hex = json_string_value(value);
	char again[4];
	unsigned i = 0;

	if (name[0] >= '0' && name[0] <= '9')
		i = (unsigned)(name[0] - '0');
	if (name[0] != '\0' && name[1] >= '0' && name[1] <= '9')
		i = i * 10 + (unsigned)(name[1] - '0');
	(void)snprintf(again, sizeof(again), "%u", i % 100);
	if (strcmp(name, again) != 0 || i >= TPM_PCR_COUNT || hex == NULL ||
	    hex_decode(hex, v->value[i], CS_SHA256_LEN) != 0)
		return diag_fail(d, CS_E_TPM_IMAGE,
		    "PCR 0 to 23 and 64 lower-case digits", "pcrs/%.20s", name);
	v->mask |= 1u << i;
	return 0;
}

static int
parse_fields(struct tpm_image *i, json_t *root, struct diag *d)
{
	const char *type = NULL, *key = NULL, *sig = NULL, *name;
	json_t *pcrs = NULL, *value;
	const struct json_field f[] = {
		{ "key", JK_STR, true, &key, NULL },
		{ "pcrs", JK_OBJ, true, &pcrs, NULL },
		{ "signature", JK_STR, true, &sig, NULL },
		{ "type", JK_STR, true, &type, NULL },
		{ "version", JK_U64, true, &i->version, NULL },
	};
	uint8_t spki[1024];
	size_t len;
	int r;

	r = json_fields(root, "", f, ARRAY_LEN(f), d);
	if (r != 0)
		return r;
	if (strcmp(type, TPM_IMAGE_TYPE) != 0)
		return diag_fail(d, CS_E_TPM_IMAGE, TPM_IMAGE_TYPE, "%.60s",
		    type);
	json_object_foreach (pcrs, name, value) {
		r = parse_pcr(name, value, &i->pcrs, d);
		if (r != 0)
			return r;
	}
	if (!tpm_mask_ok(i->pcrs.mask))
		return diag_fail(d, CS_E_TPM_SELECT,
		    "some of PCR 0 to 23 without 1, 9 and 10", "mask 0x%x",
		    i->pcrs.mask);
	if (b64_decode(key, strlen(key), spki, sizeof(spki), &len) != 0 ||
	    b64_decode(sig, strlen(sig), i->sig, sizeof(i->sig), &i->sig_len) !=
		0)
		return diag_fail(d, CS_E_TPM_IMAGE, "base64",
		    "key or signature");
	return pubkey_from_spki(spki, len, &i->key, d);
}

int
tpm_image_parse(const void *json, size_t len, struct tpm_image **ret,
    struct diag *d)
{
	_cleanup_tpm_image_ struct tpm_image *i = calloc(1, sizeof(*i));
	_cleanup_json_ json_t *root = NULL;
	struct buf tbs = BUF_INIT(256);
	int r;

	if (i == NULL)
		return diag_nomem(d);
	r = json_load_strict(json, len, TPM_IMAGE_MAX, &root, d);
	if (r == 0)
		r = parse_fields(i, root, d);
	if (r == 0)
		r = tpm_image_tbs(i->version, &i->pcrs, i->key, &tbs, d);
	if (r == 0) {
		memcpy(i->approved, tbs.p, CS_SHA256_LEN);
		if (pubkey_verify_message(i->key, tbs.p, tbs.len, i->sig,
			i->sig_len) != 0)
			r = diag_fail(d, CS_E_TPM_IMAGE,
			    "a signature by the key in it", "another");
	}
	buf_done(&tbs);
	if (r == 0)
		*ret = take_ptr(i);
	return r;
}
