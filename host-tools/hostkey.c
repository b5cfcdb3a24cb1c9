/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/hostkey.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "host-tools/hostkey_private.h"
#include "lib/dsse.h"

#define SECRET_FILE_MAX 4096u /* an RSA-4096 key in PEM is 3.3 KiB */
#define PIN_MAX		64u
#define URI_PREFIX	"pkcs11:"

static void
buf_donep(struct buf *b)
{
	buf_done(b);
}

void
hostkey_free(struct hostkey **kp)
{
	struct hostkey *k = *kp;

	if (k == NULL)
		return;
	if (k->ops != NULL)
		k->ops->close(k->arg);
	pubkey_free(&k->pub);
	free(k);
	*kp = NULL;
}

/* Reads fd to its end into s; CS_E_TOO_LARGE if it does not fit. */
static int
fill(int fd, struct secret *s)
{
	size_t at = 0, size = secret_size(s);
	ssize_t n;

	while (at < size) {
		n = read(fd, secret_data(s) + at, size - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return CS_E_IO;
		if (n == 0)
			break;
		at += (size_t)n;
	}
	if (at == size)
		return CS_E_TOO_LARGE;
	return at == 0 ? CS_E_HOST_KEY : secret_set_len(s, at);
}

int
secret_read_file(const char *path, struct secret **ret, struct diag *d)
{
	_cleanup_secret_ struct secret *s = NULL;
	_cleanup_fd_ int fd = -1;
	struct stat st;
	int r;

	fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return diag_errno(d, CS_E_IO, "%s", path);
	if (S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return diag_fail(d, CS_E_HOST_SECRET_MODE, "mode 0600 or 0400",
		    "%s has mode %04o", path, (unsigned)st.st_mode & 07777);
	r = secret_new(SECRET_FILE_MAX, &s);
	if (r == 0)
		r = fill(fd, s);
	if (r == CS_E_IO)
		return diag_errno(d, r, "%s", path);
	if (r != 0)
		return diag_fail(d, r, "1 to 4095 bytes", "%s", path);
	*ret = take_ptr(s);
	return 0;
}

/* A PIN: one line, its newline not part of it. */
static int
read_pin(const char *path, struct secret **ret, struct diag *d)
{
	_cleanup_secret_ struct secret *s = NULL;
	size_t n;
	int r;

	r = secret_read_file(path, &s, d);
	if (r != 0)
		return r;
	n = secret_len(s);
	if (secret_data(s)[n - 1] == '\n')
		n--;
	if (n == 0 || n > PIN_MAX || memchr(secret_data(s), '\n', n) != NULL ||
	    memchr(secret_data(s), '\0', n) != NULL)
		return diag_fail(d, CS_E_HOST_PIN, "one line of 1 to 64 bytes",
		    "another content in %s", path);
	r = secret_set_len(s, n);
	if (r != 0)
		return diag_fail(d, r, NULL, "%s", path);
	*ret = take_ptr(s);
	return 0;
}

int
hostkey_open(const char *spec, const char *module, const char *pin_file,
    struct hostkey **ret, struct diag *d)
{
	_cleanup_hostkey_ struct hostkey *k = NULL;
	_cleanup_secret_ struct secret *pin = NULL;
	bool token = strncmp(spec, URI_PREFIX, strlen(URI_PREFIX)) == 0;
	int r = 0;

	if (token && (module == NULL || pin_file == NULL))
		return diag_fail(d, CS_E_USAGE, "--module and --pin-file",
		    "a PKCS#11 URI without them");
	if (!token && module != NULL)
		return diag_fail(d, CS_E_USAGE, "a pkcs11: URI as the key",
		    "--module with a file");
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return diag_nomem(d);
	if (pin_file != NULL)
		r = read_pin(pin_file, &pin, d);
	if (r == 0)
		r = token ? hostkey_p11_open(spec, module, &pin, k, d) :
			    hostkey_pem_open(spec, pin, k, d);
	if (r != 0)
		return r;
	*ret = take_ptr(k);
	return 0;
}

const struct pubkey *
hostkey_public(const struct hostkey *k)
{
	return k->pub;
}

int
hostkey_sign(struct hostkey *k, const void *msg, size_t len, uint8_t **ret,
    size_t *ret_len, struct diag *d)
{
	_cleanup_free_ uint8_t *sig = NULL;
	size_t n = 0;
	int r;

	r = k->ops->sign(k->arg, k->pub, msg, len, &sig, &n, d);
	if (r != 0)
		return r;
	r = pubkey_verify_message(k->pub, msg, len, sig, n);
	if (r != 0)
		return diag_fail(d, CS_E_HOST_KEY,
		    "a signature by the key itself",
		    "one that its public key does not verify");
	*ret = take_ptr(sig);
	*ret_len = n;
	return 0;
}

int
hostkey_dsse(struct hostkey *k, const void *payload, size_t len,
    const struct dsse_new_sig *old, size_t nold, char **ret, size_t *ret_len,
    struct diag *d)
{
	_cleanup_(buf_donep) struct buf pae = BUF_INIT(DSSE_MAX);
	_cleanup_free_ struct dsse_new_sig *all = NULL;
	_cleanup_free_ uint8_t *sig = NULL;
	size_t n = 0;
	int r;

	all = calloc(nold + 1, sizeof(*all));
	if (all == NULL)
		return diag_nomem(d);
	r = dsse_pae(payload, len, &pae);
	if (r != 0)
		return diag_fail(d, r, "at most 8 MiB", "%zu bytes", len);
	r = hostkey_sign(k, pae.p, pae.len, &sig, &n, d);
	if (r != 0)
		return r;
	if (nold > 0)
		memcpy(all, old, nold * sizeof(*all));
	all[nold] = (struct dsse_new_sig){ .keyid = k->pub->id,
		.sig = sig,
		.sig_len = n };
	r = dsse_format(payload, len, all, nold + 1, ret, ret_len);
	if (r != 0)
		return diag_fail(d, r, "at most 8 MiB and 32 signatures",
		    "%zu bytes, %zu signatures", len, nold + 1);
	return 0;
}
