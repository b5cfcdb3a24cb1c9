/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/share_inputs.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "host-tools/hostkey_private.h"
#include "lib/dsse.h"
#include "lib/file.h"

#define CERT_FILE_MAX (64u << 10)
#define PEM_FILE_MAX  16384u
#define DER_SEQUENCE  0x30 /* no PEM text begins with it: "0" */

static void
bio_freep(BIO **b)
{
	BIO_free(*b);
}

static void
x509_freep(X509 **x)
{
	X509_free(*x);
}

void
certfile_done(struct certfile *c)
{
	free(c->der);
	memset(c, 0, sizeof(*c));
}

/* Exactly one block; text around it, as openssl writes it, may be. */
static int
from_pem(const uint8_t *pem, size_t len, uint8_t **ret, size_t *ret_len)
{
	_cleanup_(bio_freep) BIO *bio = BIO_new_mem_buf(pem, (int)len);
	_cleanup_(x509_freep) X509 *x = NULL, *more = NULL;
	unsigned char *der = NULL;
	int n;

	if (bio == NULL)
		return CS_E_NOMEM;
	x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	more = x == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
	ERR_clear_error();
	if (x == NULL || more != NULL)
		return CS_E_SHARE_CERT;
	n = i2d_X509(x, &der);
	*ret = n > 0 ? malloc((size_t)n) : NULL;
	if (*ret != NULL)
		memcpy(*ret, der, (size_t)n);
	OPENSSL_free(der);
	*ret_len = n > 0 ? (size_t)n : 0;
	return *ret == NULL ? CS_E_NOMEM : 0;
}

int
certfile_load(const char *path, struct certfile *ret, struct diag *d)
{
	_cleanup_certfile_ struct certfile c = { 0 };
	_cleanup_free_ uint8_t *text = NULL;
	uint8_t key_id[CS_SHA256_LEN];
	size_t len = 0;
	int r;

	r = file_read(AT_FDCWD, path, CERT_FILE_MAX, &text, &len, d);
	if (r != 0)
		return r;
	if (len > 0 && text[0] == DER_SEQUENCE) {
		c.der = take_ptr(text);
		c.len = len;
	} else if ((r = from_pem(text, len, &c.der, &c.len)) != 0) {
		return diag_fail(d, r, "one certificate, PEM or DER", "%s",
		    path);
	}
	if ((r = share_cert_check(c.der, c.len, key_id, d)) != 0)
		return r;
	if ((r = sha256(c.der, c.len, c.digest)) != 0)
		return diag_fail(d, r, NULL, "%s", path);
	*ret = c;
	memset(&c, 0, sizeof(c));
	return 0;
}

/* Never asks at the terminal: without a pass phrase it is wrong. */
static int
pass_phrase(char *out, int size, int writing, void *arg)
{
	struct secret *pass = arg;
	size_t n;

	(void)writing;
	if (pass == NULL)
		return -1;
	n = secret_len(pass);
	if (n > 0 && secret_data(pass)[n - 1] == '\n')
		n--;
	if (size < 0 || n > (size_t)size)
		return -1;
	memcpy(out, secret_data(pass), n);
	return (int)n;
}

int
share_key_load(const char *path, const char *pass_file, EVP_PKEY **ret,
    struct diag *d)
{
	_cleanup_secret_ struct secret *text = NULL, *pass = NULL;
	_cleanup_(bio_freep) BIO *bio = NULL;
	int r;

	r = secret_read_file(path, &text, d);
	if (r == 0 && pass_file != NULL)
		r = secret_read_file(pass_file, &pass, d);
	if (r != 0)
		return r;
	bio = BIO_new_mem_buf(secret_data(text), (int)secret_len(text));
	if (bio == NULL)
		return diag_nomem(d);
	*ret = PEM_read_bio_PrivateKey(bio, NULL, pass_phrase, pass);
	ERR_clear_error();
	if (*ret == NULL)
		return diag_fail(d, CS_E_HOST_KEY,
		    "a private key in PEM, and --pin-file if it has a pass "
		    "phrase",
		    "%s", path);
	return 0;
}

/* One signature, by this key. */
static int
check_signature(const struct dsse *env, const char *path, struct diag *d)
{
	_cleanup_pubkey_ struct pubkey *k = NULL;
	_cleanup_free_ uint8_t *pem = NULL;
	const struct pubkey *keys[1];
	size_t len, bad = 0;
	bool hit = false;
	int r;

	r = file_read(AT_FDCWD, path, PEM_FILE_MAX, &pem, &len, d);
	if (r == 0)
		r = pubkey_from_pem((const char *)pem, len, &k, d);
	if (r != 0)
		return r;
	keys[0] = k;
	if ((r = dsse_verify(env, keys, 1, &hit, &bad, d)) != 0)
		return r;
	if (!hit || bad != 0 || env->nsigs != 1)
		return diag_fail(d, CS_E_SHARE_MANIFEST_SIGNATURE,
		    "one good signature by the key in --record-key",
		    "%zu signatures, %zu of others", env->nsigs, bad);
	return 0;
}

int
share_list_load(const char *path, const char *record_key,
    struct share_manifest *ret, struct diag *d)
{
	_cleanup_dsse_ struct dsse *env = NULL;
	_cleanup_free_ uint8_t *text = NULL;
	size_t len;
	int r;

	r = file_read(AT_FDCWD, path, 4 * SHARE_MANIFEST_MAX, &text, &len, d);
	if (r == 0)
		r = dsse_parse(text, len, &env, d);
	if (r == 0 && record_key != NULL)
		r = check_signature(env, record_key, d);
	return r != 0 ?
	    r :
	    share_manifest_parse(env->payload, env->payload_len, ret, d);
}

int
share_file_load(const char *path, uint8_t **ret, size_t *ret_len,
    struct diag *d)
{
	return file_read(AT_FDCWD, path, SHARE_CMS_MAX, ret, ret_len, d);
}
