/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "lib/ossl.h"
#include "lib/sigfmt_impl.h"

/*
 * Linux kernel modules (Documentation/admin-guide/module-signing.rst,
 * include/linux/module_signature.h): what is appended to a module: CMS
 * SignedData without attributes or certificates, twelve bytes about it, and a
 * line.  The signature is over the module's digest alone.
 */
#define MAGIC	 "~Module signature appended~\n"
#define ID_PKCS7 2u
#define INFO_LEN 12u
#define TRAILER	 (INFO_LEN + sizeof(MAGIC) - 1)

static void
cms_freep(CMS_ContentInfo **p)
{
	CMS_ContentInfo_free(*p);
}

static int
build(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	size_t len;
	const uint8_t *digest = sigfmt_digest(j, &len);

	(void)done;
	(void)d;
	return buf_put(out, digest, len);
}

/* algo, hash, signer's and key ID's lengths are 0 for PKCS#7 */
static int
put_trailer(struct buf *out, size_t len)
{
	static const uint8_t zero[7];
	int r;

	r = buf_put(out, zero, 2);
	if (r == 0)
		r = buf_put_u8(out, ID_PKCS7);
	if (r == 0)
		r = buf_put(out, zero, 5);
	if (r == 0)
		r = buf_put_u32(out, (uint32_t)len);
	return r != 0 ? r : buf_put(out, MAGIC, sizeof(MAGIC) - 1);
}

static int
assemble(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	_cleanup_(openssl_freep) unsigned char *der = NULL;
	_cleanup_(cms_freep) CMS_ContentInfo *c = NULL;
	_cleanup_(x509_freep) X509 *x = sigfmt_get_cert(j);
	const unsigned flags = CMS_PARTIAL | CMS_BINARY | CMS_DETACHED;
	CMS_SignerInfo *si = NULL;
	int n, r;

	c = CMS_sign(NULL, NULL, NULL, NULL, flags);
	if (x != NULL && c != NULL)
		si = CMS_add1_signer(c, x, X509_get0_pubkey(x),
		    EVP_get_digestbyname(hash_name(key_alg_hash(j->key->alg))),
		    flags | CMS_NOATTR | CMS_NOCERTS | CMS_NOSMIMECAP);
	if (si == NULL ||
	    ASN1_STRING_set(CMS_SignerInfo_get0_signature(si), done->v[0].p,
		(int)done->v[0].len) != 1)
		return sigfmt_crypto(d, "module signature");
	n = i2d_CMS_ContentInfo(c, &der);
	if (n <= 0)
		return sigfmt_crypto(d, "module signature");
	r = buf_put(out, der, (size_t)n);
	return r != 0 ? r : put_trailer(out, (size_t)n);
}

static int
verify(const struct sigfmt_job *j, const uint8_t *sig, size_t len,
    struct diag *d)
{
	struct sigfmt_sigs s = { 0 };
	size_t digest_len;
	const uint8_t *digest = sigfmt_digest(j, &digest_len);
	int r;

	if (j->key->cert == NULL)
		return diag_fail(d, CS_E_FORMAT, "the key's certificate",
		    "none");
	if (len <= TRAILER ||
	    sigfmt_cms_signature(sig, len - TRAILER, &s) != 0 ||
	    sigfmt_compare(&sigfmt_kmod, j, &s, sig, len) != 0)
		return sigfmt_bad(d, "a module signature by the policy's key",
		    "something else");
	r = pubkey_verify_digest(j->key->key, j->key->alg, digest, digest_len,
	    s.v[0].p, s.v[0].len);
	return r == 0 ? 0 :
			diag_fail(d, r, "a signature by the policy's key",
			    "it does not verify");
}

static int
check_file(const uint8_t *head, const uint8_t *tail, size_t len, struct diag *d)
{
	const size_t magic = sizeof(MAGIC) - 1;

	if (len < magic || memcmp(head, "\177ELF", 4) != 0)
		return diag_fail(d, CS_E_FORMAT_MODULE, "an ELF file",
		    "something else");
	if (memcmp(tail + len - magic, MAGIC, magic) == 0)
		return diag_fail(d, CS_E_FORMAT_MODULE, "no signature yet",
		    "one is appended");
	return 0;
}

const struct sigfmt sigfmt_kmod = {
	.name = "kmod",
	.suffix = "modsig",
	.about = "signature to append to a Linux kernel module",
	.verifier = "the kernel, modinfo, openssl cms -verify",
	.algs = SIGFMT_ALG(KEY_RSA3072_PKCS1) | SIGFMT_EC,
	.flags = SIGFMT_F_CERT | SIGFMT_F_DIGEST | SIGFMT_F_OPAQUE,
	.rounds = 1,
	.install = SIGFMT_APPEND,
	.check_file = check_file,
	.describe = sigfmt_describe_cert,
	.build = build,
	.assemble = assemble,
	.verify = verify,
	.public_key = sigfmt_pem_cert,
};
