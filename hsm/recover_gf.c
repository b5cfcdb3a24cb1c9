/* SPDX-License-Identifier: Apache-2.0 */
#include <libgfshare.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>

#include "hsm/recover_impl.h"

#define CHECK_LABEL "coldseal recovery check 1"
#define CHECK_MAX   1024u

static bool draw_failed;

/*
 * libgfshare wants random bytes for coefficients, and overwrites with them
 * what it frees.  It cannot be told of a failure, so that is remembered.
 */
static void
fill_rand(unsigned char *p, unsigned int n)
{
	if (n <= INT32_MAX && RAND_priv_bytes(p, (int)n) == 1)
		return;
	OPENSSL_cleanse(p, n);
	draw_failed = true;
}

void
recover_gf_init(void)
{
	gfshare_fill_rand = fill_rand;
	draw_failed = false;
}

int
recover_gf_check(struct diag *d)
{
	return draw_failed ? diag_fail(d, CS_E_CRYPTO, NULL, "random numbers") :
			     0;
}

int
recover_check_value(const struct share_head *h, struct secret *value,
    uint8_t ret[CS_SHA256_LEN], struct diag *d)
{
	_cleanup_secret_ struct secret *msg = NULL;
	struct buf b = BUF_INIT(CHECK_MAX);
	const size_t n = secret_len(value) - SHARE_SALT_LEN;
	unsigned int mac_len = 0;
	int r;

	if ((r = secret_new(CHECK_MAX, &msg)) != 0)
		return diag_fail(d, r, NULL, "memory for the check");
	/* never moves: it is as large as it may get */
	b.p = secret_data(msg);
	b.cap = CHECK_MAX;
	if ((r = buf_put_cstr(&b, CHECK_LABEL)) != 0 ||
	    (r = buf_put(&b, h->set, sizeof(h->set))) != 0 ||
	    (r = buf_put_cstr(&b, h->domain)) != 0 ||
	    (r = buf_put_cstr(&b, h->origin)) != 0 ||
	    (r = buf_put_u8(&b, h->threshold)) != 0 ||
	    (r = buf_put_u8(&b, h->count)) != 0 ||
	    (r = buf_put_str(&b, secret_data(value), n)) != 0)
		return diag_fail(d, r, NULL, "the check value");
	if (HMAC(EVP_sha256(), secret_data(value) + n, SHARE_SALT_LEN, b.p,
		b.len, ret, &mac_len) == NULL ||
	    mac_len != CS_SHA256_LEN)
		return diag_fail(d, CS_E_CRYPTO, NULL, "the check value");
	return 0;
}
