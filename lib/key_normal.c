/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <stdatomic.h>
#include <string.h>

#include "lib/key_impl.h"

/* RFC 5480 and RFC 8410 SubjectPublicKeyInfo up to the point. */
static const uint8_t p256_prefix[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a,
	0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };
static const uint8_t p384_prefix[] = { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a,
	0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00,
	0x22, 0x03, 0x62, 0x00, 0x04 };
const uint8_t key_ed25519_prefix[KEY_ED25519_PREFIX] = { 0x30, 0x2a, 0x30, 0x05,
	0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };

const struct key_curve key_curves[KEY_CURVES] = {
	{ "prime256v1", TYPE_P256, 32, p256_prefix, sizeof(p256_prefix) },
	{ "secp384r1", TYPE_P384, 48, p384_prefix, sizeof(p384_prefix) },
};

static bool
is_ed25519(const uint8_t *der, size_t len)
{
	return len == KEY_ED25519_PREFIX + 32 &&
	    memcmp(der, key_ed25519_prefix, KEY_ED25519_PREFIX) == 0;
}

/* Index into key_curves[], or KEY_CURVES. */
static size_t
curve_at(const uint8_t *der, size_t len)
{
	const struct key_curve *c = key_curves;
	size_t i;

	for (i = 0; i < KEY_CURVES; i++)
		if (len == c[i].prefix_len + 2 * c[i].coordinate &&
		    memcmp(der, c[i].prefix, c[i].prefix_len) == 0)
			break;
	return i;
}

bool
key_is_normal(const uint8_t *der, size_t len)
{
	return is_ed25519(der, len) || curve_at(der, len) < KEY_CURVES;
}

static EVP_PKEY *
new_parameters(const char *group)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *k = NULL;

	if (ctx != NULL && EVP_PKEY_paramgen_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_group_name(ctx, group) == 1)
		(void)EVP_PKEY_paramgen(ctx, &k);
	EVP_PKEY_CTX_free(ctx);
	return k;
}

/* The curve's parameters without a key, made once and kept. */
static EVP_PKEY *
parameters(size_t curve)
{
	static EVP_PKEY *_Atomic made[KEY_CURVES];
	EVP_PKEY *none = NULL, *k = made[curve];

	if (k != NULL)
		return k;
	k = new_parameters(key_curves[curve].group);
	if (k == NULL || atomic_compare_exchange_strong(&made[curve], &none, k))
		return k;
	EVP_PKEY_free(k); /* another thread was faster */
	return none;
}

static EVP_PKEY *
ec_key(size_t curve, const uint8_t *der, size_t len)
{
	EVP_PKEY *group = parameters(curve);
	size_t at = key_curves[curve].prefix_len - 1; /* the 04 */
	EVP_PKEY *k;

	k = group == NULL ? NULL : EVP_PKEY_dup(group);
	if (k != NULL &&
	    EVP_PKEY_set1_encoded_public_key(k, der + at, len - at) == 1)
		return k;
	EVP_PKEY_free(k);
	return NULL;
}

int
key_from_normal(const uint8_t *der, size_t len, EVP_PKEY **ret)
{
	EVP_PKEY *k;

	if (is_ed25519(der, len))
		k = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
		    der + KEY_ED25519_PREFIX, 32);
	else
		k = ec_key(curve_at(der, len), der, len);
	ERR_clear_error();
	if (k == NULL)
		return CS_E_KEY_TYPE;
	*ret = k;
	return 0;
}
