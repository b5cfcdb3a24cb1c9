/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "host-tools/hostkey_private.h"

static void
bio_freep(BIO **b)
{
	BIO_free(*b);
}

static void
pkey_freep(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static void
md_ctx_freep(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

/* Never asks at the terminal: without a pass phrase it is wrong. */
static int
pass_phrase(char *out, int size, int writing, void *arg)
{
	struct secret *pin = arg;
	size_t n;

	(void)writing;
	if (pin == NULL)
		return -1;
	n = secret_len(pin);
	if (size < 0 || n > (size_t)size)
		return -1;
	memcpy(out, secret_data(pin), n);
	return (int)n;
}

/* P-256 and RSA: SHA-256, P-384: SHA-384, Ed25519: none (lib/key.h). */
static const EVP_MD *
digest_of(const EVP_PKEY *k)
{
	switch (EVP_PKEY_get_base_id(k)) {
	case EVP_PKEY_ED25519:
		return NULL;
	case EVP_PKEY_EC:
		return EVP_PKEY_get_bits(k) == 384 ? EVP_sha384() :
						     EVP_sha256();
	default:
		return EVP_sha256();
	}
}

static int
pem_sign(void *arg, const struct pubkey *pub, const void *msg, size_t len,
    uint8_t **ret, size_t *ret_len, struct diag *d)
{
	_cleanup_(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	_cleanup_free_ uint8_t *sig = NULL;
	EVP_PKEY *k = arg;
	size_t n = 0;

	(void)pub;
	if (ctx == NULL)
		return diag_nomem(d);
	if (EVP_DigestSignInit(ctx, NULL, digest_of(k), NULL, k) != 1 ||
	    EVP_DigestSign(ctx, NULL, &n, msg, len) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "signing");
	sig = malloc(n);
	if (sig == NULL)
		return diag_nomem(d);
	if (EVP_DigestSign(ctx, sig, &n, msg, len) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "signing");
	*ret = take_ptr(sig);
	*ret_len = n;
	return 0;
}

static void
pem_close(void *arg)
{
	EVP_PKEY_free(arg);
}

static const struct hostkey_ops pem_ops = { pem_sign, pem_close };

int
hostkey_pem_open(const char *path, struct secret *pin, struct hostkey *ret,
    struct diag *d)
{
	_cleanup_secret_ struct secret *text = NULL;
	_cleanup_(bio_freep) BIO *bio = NULL;
	_cleanup_(pkey_freep) EVP_PKEY *key = NULL;
	unsigned char *der = NULL;
	int n, r;

	r = secret_read_file(path, &text, d);
	if (r != 0)
		return r;
	bio = BIO_new_mem_buf(secret_data(text), (int)secret_len(text));
	if (bio == NULL)
		return diag_nomem(d);
	key = PEM_read_bio_PrivateKey(bio, NULL, pass_phrase, pin);
	ERR_clear_error();
	if (key == NULL)
		return diag_fail(d, CS_E_HOST_KEY,
		    "a private key in PEM, and "
		    "--pin-file if it has a pass phrase",
		    "%s", path);
	n = i2d_PUBKEY(key, &der);
	if (n <= 0)
		return diag_fail(d, CS_E_HOST_KEY, "a public key in it", "%s",
		    path);
	r = pubkey_from_spki(der, (size_t)n, &ret->pub, d);
	OPENSSL_free(der);
	if (r != 0)
		return r;
	ret->ops = &pem_ops;
	ret->arg = take_ptr(key);
	return 0;
}
