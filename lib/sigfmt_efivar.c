/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "lib/efivar.h"
#include "lib/hex.h"
#include "lib/ossl.h"
#include "lib/sigfmt_impl.h"

/*
 * "efivar": an authenticated variable of UEFI Secure Boot, as firmware and
 * efi-updatevar -f take it.  SignedData without attributes and without the
 * ContentInfo around it, with the signer's certificate (UEFI 2.10, 8.2.2).
 */
static void
cms_freep(CMS_ContentInfo **p)
{
	CMS_ContentInfo_free(*p);
}

static int
wish_of(const struct sigfmt_job *j, struct efivar_wish *ret, struct diag *d)
{
	return efivar_wish_read(j->subject->text, j->subject->text_len, ret, d);
}

static int
check(const struct sigfmt_job *j, struct diag *d)
{
	struct efivar_wish w;
	int r = wish_of(j, &w, d);

	if (r == 0)
		efivar_wish_done(&w);
	return r;
}

static int
build(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	struct efivar_wish w;
	int r = wish_of(j, &w, d);

	(void)done;
	if (r != 0)
		return r;
	r = efivar_tbs(&w, out);
	efivar_wish_done(&w);
	return r;
}

/* Of ContentInfo { OID, [0] SignedData } the SignedData. */
static int
strip(const unsigned char *der, long len, const unsigned char **ret,
    size_t *ret_len)
{
	const unsigned char *p = der, *end = der + len;
	int tag, class;
	long n;

	if ((ASN1_get_object(&p, &n, &tag, &class, len) & 0x80) != 0 ||
	    (ASN1_get_object(&p, &n, &tag, &class, end - p) & 0x80) != 0)
		return CS_E_CRYPTO;
	p += n;
	if (p >= end ||
	    (ASN1_get_object(&p, &n, &tag, &class, end - p) & 0x80) != 0 ||
	    p + n != end)
		return CS_E_CRYPTO;
	*ret = p;
	*ret_len = (size_t)n;
	return 0;
}

static int
make_cms(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    unsigned char **ret)
{
	const unsigned flags = CMS_PARTIAL | CMS_BINARY | CMS_DETACHED;
	_cleanup_(x509_freep) X509 *x = sigfmt_get_cert(j);
	_cleanup_(cms_freep) CMS_ContentInfo *c =
	    CMS_sign(NULL, NULL, NULL, NULL, flags);
	CMS_SignerInfo *si = NULL;

	if (x != NULL && c != NULL)
		si = CMS_add1_signer(c, x, X509_get0_pubkey(x), EVP_sha256(),
		    flags | CMS_NOATTR | CMS_NOSMIMECAP);
	if (si == NULL ||
	    ASN1_STRING_set(CMS_SignerInfo_get0_signature(si), done->v[0].p,
		(int)done->v[0].len) != 1)
		return -1;
	return i2d_CMS_ContentInfo(c, ret);
}

static int
put_auth(const struct sigfmt_job *j, const struct efivar_wish *w,
    const struct sigfmt_sigs *done, struct buf *out)
{
	_cleanup_(openssl_freep) unsigned char *der = NULL;
	const unsigned char *sd = NULL;
	size_t len = 0;
	int n = make_cms(j, done, &der), r;

	ERR_clear_error();
	r = n <= 0 ? CS_E_CRYPTO : strip(der, n, &sd, &len);
	return r != 0 ? r : efivar_auth(w, sd, len, out);
}

static int
assemble(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	struct efivar_wish w;
	int r = wish_of(j, &w, d);

	if (r != 0)
		return r;
	r = put_auth(j, &w, done, out);
	efivar_wish_done(&w);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "variable");
}

/* --- verifying --------------------------------------------------------- */

/*
 * The file does not name the variable; the artifact's digest tells which
 * wish it was.
 */
static int
find_wish(const struct sigfmt_job *j, struct efivar_wish *w)
{
	uint8_t md[CS_SHA256_LEN];
	const char *name;
	size_t i, len;
	int append, r;

	for (i = 0; (name = efivar_variable_at(i)) != NULL; i++)
		for (append = 0; append < 2; append++) {
			_cleanup_free_ char *text = NULL;

			w->variable = name;
			w->append = append != 0;
			r = efivar_wish_format(w, &text, &len);
			if (r == 0)
				r = sha256(text, len, md);
			if (r != 0)
				return r;
			if (memcmp(md, j->subject->digest[HASH_SHA256],
				sizeof(md)) == 0)
				return 0;
		}
	return CS_E_SIG;
}

/* The signer's part of the SignedData; all else is made again. */
static int
read_signature(const uint8_t *sd, size_t len, struct sigfmt_sigs *ret)
{
	/* SEQUENCE { signedData, [0] { sd } } */
	static const uint8_t oid[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
		0x0d, 0x01, 0x07, 0x02 };
	struct buf der = BUF_INIT(SIGFMT_MAX);
	uint8_t head[24], *h = head;
	const int inner = ASN1_object_size(1, (int)len, 0);
	int r;

	ASN1_put_object(&h, 1, (int)sizeof(oid) + inner, V_ASN1_SEQUENCE,
	    V_ASN1_UNIVERSAL);
	memcpy(h, oid, sizeof(oid));
	h += sizeof(oid);
	ASN1_put_object(&h, 1, (int)len, 0, V_ASN1_CONTEXT_SPECIFIC);
	r = buf_put(&der, head, (size_t)(h - head));
	if (r == 0)
		r = buf_put(&der, sd, len);
	if (r == 0)
		r = sigfmt_cms_signature(der.p, der.len, ret);
	buf_done(&der);
	return r;
}

static int
verify_wish(const struct sigfmt_job *j, const struct efivar_wish *w,
    const struct sigfmt_sigs *s, const uint8_t *sig, size_t len, struct diag *d)
{
	struct buf again = BUF_INIT(SIGFMT_MAX), tbs = BUF_INIT(SIGFMT_MAX);
	int r;

	r = put_auth(j, w, s, &again);
	if (r == 0 && (again.len != len || memcmp(again.p, sig, len) != 0))
		r = sigfmt_bad(d, "a variable as it is made here",
		    "another structure");
	if (r == 0)
		r = efivar_tbs(w, &tbs);
	if (r == 0)
		r = sigfmt_verify_tbs(j, tbs.p, tbs.len, s->v[0].p, s->v[0].len,
		    d);
	buf_done(&again);
	buf_done(&tbs);
	return r;
}

static int
verify(const struct sigfmt_job *j, const uint8_t *sig, size_t len,
    struct diag *d)
{
	struct efivar_wish w = { 0 };
	struct sigfmt_sigs s = { 0 };
	const uint8_t *sd, *list;
	size_t n;

	if (j->key->cert == NULL)
		return diag_fail(d, CS_E_FORMAT, "the key's certificate",
		    "none");
	if (efivar_auth_read(sig, len, &w.time, &sd, &n, &list, &w.list_len) !=
		0 ||
	    read_signature(sd, n, &s) != 0)
		return sigfmt_bad(d, "an authenticated variable",
		    "something else");
	w.list = (uint8_t *)(uintptr_t)list; /* only read */
	if (find_wish(j, &w) != 0)
		return diag_fail(d, CS_E_SIG, "what the artifact asked for",
		    "another variable, time or list");
	return verify_wish(j, &w, &s, sig, len, d);
}

/* --- for people -------------------------------------------------------- */

static int
put_entry(void *arg, const struct efivar_entry *e)
{
	struct buf *out = arg;
	char text[320], owner[37], hex[CS_SHA256_HEX + 1], name[200] = "";
	uint8_t md[CS_SHA256_LEN];
	const unsigned char *p = e->data;
	_cleanup_(x509_freep) X509 *x = NULL;
	int r = 0;

	efivar_guid(e->owner, owner);
	if (strcmp(e->type, "sha256") == 0) {
		memcpy(md, e->data, sizeof(md));
	} else {
		x = d2i_X509(NULL, &p, (long)e->len);
		if (x != NULL)
			cs_ignore(X509_NAME_oneline(X509_get_subject_name(x),
				      name, sizeof(name)) == NULL);
		r = sha256(e->data, e->len, md);
	}
	hex_encode(md, sizeof(md), hex);
	(void)snprintf(text, sizeof(text), "%s sha256 %s%s%s, owner %s",
	    x == NULL ? "image" : "certificate", hex, x == NULL ? "" : " ",
	    name, owner);
	return r != 0 ? r : sigfmt_line(out, "holds", text);
}

static int
describe_one(const struct sigfmt_job *j, struct buf *out)
{
	struct efivar_wish w;
	char when[21], text[80];
	int r = wish_of(j, &w, NULL);

	if (r != 0)
		return r;
	time_format(w.time, when);
	(void)snprintf(text, sizeof(text), "%s, %s", w.variable,
	    w.append		? "added to what is there" :
		w.list_len == 0 ? "TAKEN AWAY" :
				  "in place of what is there");
	r = sigfmt_line(out, "variable", text);
	if (r == 0)
		r = sigfmt_line(out, "time", when);
	if (r == 0)
		r = efivar_list_read(w.list, w.list_len, put_entry, out, NULL);
	efivar_wish_done(&w);
	return r;
}

const struct sigfmt sigfmt_efivar = {
	.name = "efivar",
	.suffix = "auth",
	.about = "UEFI Secure Boot variable, from the wish in the artifact",
	.verifier = "UEFI firmware, efi-updatevar",
	.algs = SIGFMT_ALG(KEY_RSA3072_PKCS1),
	.flags = SIGFMT_F_TEXT | SIGFMT_F_CERT,
	.rounds = 1,
	.check = check,
	.describe = sigfmt_describe_cert,
	.describe_one = describe_one,
	.build = build,
	.assemble = assemble,
	.verify = verify,
	.public_key = sigfmt_pem_cert,
};
