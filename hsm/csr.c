/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/csr.h"

#include <string.h>

#include "hsm/tbs.h"
#include "lib/ossl.h"

#define CN_MAX 64u

static int
sign_req(void *x, EVP_MD_CTX *ctx)
{
	return X509_REQ_sign_ctx(x, ctx);
}

static bool
fill(X509_REQ *x, const struct pubkey *k, const char *cn)
{
	const size_t n = strlen(cn);

	return X509_REQ_set_version(x, X509_REQ_VERSION_1) == 1 &&
	    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(x), "CN",
		MBSTRING_ASC, (const unsigned char *)cn,
		(int)(n > CN_MAX ? CN_MAX : n), -1, 0) == 1 &&
	    X509_REQ_set_pubkey(x, k->pkey) == 1;
}

static int
check(const uint8_t *der, size_t len, const struct pubkey *k, struct diag *d)
{
	const unsigned char *p = der;
	_cleanup_(req_freep) X509_REQ *x = d2i_X509_REQ(NULL, &p, (long)len);

	if (x == NULL || p != der + len || X509_REQ_verify(x, k->pkey) != 1)
		return diag_fail(d, CS_E_CRYPTO, "a request that verifies",
		    "one that does not");
	return 0;
}

int
csr_make(const char *cn, const struct pubkey *k,
    const struct hsm_signer *signer, uint8_t **ret, size_t *ret_len,
    struct diag *d)
{
	_cleanup_(req_freep) X509_REQ *x = X509_REQ_new();
	_cleanup_free_ uint8_t *der = NULL;
	struct buf sig __attribute__((cleanup(buf_done))) =
	    BUF_INIT(HSM_SIG_MAX);
	const X509_ALGOR *alg;
	unsigned char *tbs = NULL;
	size_t len = 0;
	int tbs_len, r;

	if (key_alg_is_ed25519(signer->alg))
		return diag_fail(d, CS_E_HSM_MECH, "RSA or ECDSA", "%s",
		    key_alg_name(signer->alg));
	if (x == NULL || !fill(x, k, cn) ||
	    tbs_sign_away(signer->alg, sign_req, x) != 0)
		return diag_fail(d, CS_E_CRYPTO, NULL, "certification request");
	tbs_len = i2d_re_X509_REQ_tbs(x, &tbs);
	X509_REQ_get0_signature(x, NULL, &alg);
	r = tbs_sign(tbs, tbs_len, signer, &sig, d);
	if (r == 0)
		r = x509_outer(tbs, tbs_len, alg, sig.p, sig.len, &der, &len);
	OPENSSL_free(tbs);
	if (r == 0)
		r = check(der, len, k, d);
	if (r != 0)
		return r;
	*ret = take_ptr(der);
	*ret_len = len;
	return 0;
}
