/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "lib/hex.h"
#include "lib/ossl.h"
#include "lib/sigfmt_impl.h"
#include "lib/x509.h"

/*
 * X.509 certificates and revocation lists.  The artifact is the wish, which
 * approvers read; the signer makes every byte from it and the key's own
 * certificate.  lib/x509.h
 */
#define LINE_MAX_LEN 300

/* X509_free(.cert), which may be NULL: for its own root a key needs none */
static struct x509_signer
signer_of(const struct sigfmt_job *j)
{
	return (
	    struct x509_signer){ j->key->alg, j->key->key, sigfmt_get_cert(j) };
}

static int
wish_of(const struct sigfmt_job *j, struct x509_wish *ret, struct diag *d)
{
	return x509_wish_read(j->subject->text, j->subject->text_len, ret, d);
}

/* All that a signature could be refused for, with a throw-away key. */
static int
check_wish(const struct sigfmt_job *j, const struct x509_wish *w,
    struct diag *d)
{
	struct buf tbs = BUF_INIT(SIGFMT_MAX);
	struct x509_signer by = signer_of(j);
	int r;

	r = w->crl ? x509_make_crl(w, &by, &tbs, d) :
		     x509_lint(w, j->subject->digest[HASH_SHA256], &by, d);
	X509_free(by.cert);
	buf_done(&tbs);
	return r;
}

static int
check(const struct sigfmt_job *j, struct diag *d)
{
	struct x509_wish w;
	int r = wish_of(j, &w, d);

	if (r != 0)
		return r;
	r = check_wish(j, &w, d);
	x509_wish_done(&w);
	return r;
}

static int
put_cert(const struct sigfmt_job *j, const struct x509_wish *w,
    const struct x509_signer *by, struct buf *out, struct diag *d)
{
	_cleanup_(openssl_freep) unsigned char *tbs = NULL;
	_cleanup_(x509_freep) X509 *x = NULL;
	int n, r;

	r = x509_make(w, j->subject->digest[HASH_SHA256], by, &x, d);
	if (r != 0)
		return r;
	n = i2d_re_X509_tbs(x, &tbs);
	return n <= 0 ? sigfmt_crypto(d, "certificate") :
			buf_put(out, tbs, (size_t)n);
}

static int
put_tbs(const struct sigfmt_job *j, struct buf *out, bool *ret_crl,
    struct diag *d)
{
	struct x509_signer by;
	struct x509_wish w;
	int r;

	r = wish_of(j, &w, d);
	if (r != 0)
		return r;
	by = signer_of(j);
	r = w.crl ? x509_make_crl(&w, &by, out, d) :
		    put_cert(j, &w, &by, out, d);
	*ret_crl = w.crl;
	X509_free(by.cert);
	x509_wish_done(&w);
	return r;
}

static int
build(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	bool crl;

	(void)done;
	return put_tbs(j, out, &crl, d);
}

/* The PEM of a structure that was signed. */
static int
put_pem(bool crl, enum key_alg a, const unsigned char *tbs, int n,
    const struct sigfmt_sigs *done, struct buf *out, struct diag *d)
{
	_cleanup_(algor_freep) X509_ALGOR *alg = NULL;
	_cleanup_free_ uint8_t *der = NULL;
	size_t len = 0;
	int r;

	r = x509_algorithm(a, &alg);
	if (r == 0)
		r = x509_outer(tbs, n, alg, done->v[0].p, done->v[0].len, &der,
		    &len);
	return r != 0 ?
	    diag_fail(d, r, NULL, "X.509") :
	    sigfmt_pem(crl ? "X509 CRL" : "CERTIFICATE", der, len, out, d);
}

static int
assemble(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	struct buf tbs = BUF_INIT(SIGFMT_MAX);
	bool crl = false;
	int r = put_tbs(j, &tbs, &crl, d);

	if (r == 0)
		r = put_pem(crl, j->key->alg, tbs.p, (int)tbs.len, done, out,
		    d);
	buf_done(&tbs);
	return r;
}

/* --- verifying --------------------------------------------------------- */

struct parsed {
	unsigned char *tbs;
	int tbs_len;
	const ASN1_BIT_STRING *sig;
	X509 *cert;
	X509_CRL *crl;
};

static void
parsed_done(struct parsed *p)
{
	OPENSSL_free(p->tbs);
	X509_free(p->cert);
	X509_CRL_free(p->crl);
}

static int
parse(const uint8_t *sig, size_t len, struct parsed *ret)
{
	_cleanup_(bio_freep) BIO *bio = BIO_new_mem_buf(sig, (int)len);
	unsigned char *der = NULL;
	const unsigned char *p;
	char *name = NULL, *header = NULL;
	long n = 0;

	if (bio == NULL || PEM_read_bio(bio, &name, &header, &der, &n) != 1)
		return CS_E_FORMAT;
	p = der;
	if (strcmp(name, "CERTIFICATE") == 0 &&
	    (ret->cert = d2i_X509(NULL, &p, n)) != NULL) {
		X509_get0_signature(&ret->sig, NULL, ret->cert);
		ret->tbs_len = i2d_re_X509_tbs(ret->cert, &ret->tbs);
	} else if (strcmp(name, "X509 CRL") == 0 &&
	    (ret->crl = d2i_X509_CRL(NULL, &p, n)) != NULL) {
		X509_CRL_get0_signature(ret->crl, &ret->sig, NULL);
		ret->tbs_len = i2d_re_X509_CRL_tbs(ret->crl, &ret->tbs);
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	return ret->sig != NULL && ret->tbs_len > 0 ? 0 : CS_E_FORMAT;
}

/* A certificate has its wish's digest as serial, a list is its wish. */
static int
bind_artifact(const struct sigfmt_job *j, const struct parsed *p,
    struct diag *d)
{
	const uint8_t *want = j->subject->digest[HASH_SHA256];
	uint8_t serial[X509_SERIAL_LEN], md[CS_SHA256_LEN];
	_cleanup_free_ char *text = NULL;
	const ASN1_INTEGER *have;
	size_t len = 0;
	int r = 0;

	if (p->crl != NULL) {
		r = x509_crl_wish_format(p->crl, &text, &len);
		if (r == 0)
			r = sha256(text, len, md);
		if (r == 0 && memcmp(md, want, sizeof(md)) != 0)
			r = CS_E_SIG;
	} else {
		have = X509_get0_serialNumber(p->cert);
		x509_serial(want, serial);
		if (ASN1_STRING_length(have) != (int)sizeof(serial) ||
		    memcmp(ASN1_STRING_get0_data(have), serial,
			sizeof(serial)) != 0)
			r = CS_E_SIG;
	}
	return r == 0 ? 0 :
			diag_fail(d, CS_E_SIG, "what the artifact asked for",
			    "another certificate or list");
}

/* Every byte, where the artifact is at hand. */
static int
compare_wish(const struct sigfmt_job *j, const struct parsed *p, struct diag *d)
{
	struct buf tbs = BUF_INIT(SIGFMT_MAX);
	bool crl = false;
	int r;

	if (j->subject->text == NULL)
		return 0;
	r = put_tbs(j, &tbs, &crl, d);
	if (r == 0 &&
	    (tbs.len != (size_t)p->tbs_len ||
		memcmp(tbs.p, p->tbs, tbs.len) != 0))
		r = sigfmt_bad(d, "what the artifact asked for",
		    "another certificate or list");
	buf_done(&tbs);
	return r;
}

static int
verify_parsed(const struct sigfmt_job *j, const struct parsed *p,
    const uint8_t *sig, size_t len, struct diag *d)
{
	struct sigfmt_sigs s = { .n = 1 };
	struct buf again = BUF_INIT(SIGFMT_MAX);
	int r;

	s.v[0].len = (size_t)ASN1_STRING_length(p->sig);
	if (s.v[0].len > sizeof(s.v[0].p))
		return sigfmt_bad(d, "a signature", "a longer one");
	memcpy(s.v[0].p, ASN1_STRING_get0_data(p->sig), s.v[0].len);
	r = put_pem(p->crl != NULL, j->key->alg, p->tbs, p->tbs_len, &s, &again,
	    d);
	if (r == 0 && (again.len != len || memcmp(again.p, sig, len) != 0))
		r = sigfmt_bad(d, "X.509 as it is made here",
		    "another encoding");
	buf_done(&again);
	if (r == 0)
		r = sigfmt_verify_tbs(j, p->tbs, (size_t)p->tbs_len, s.v[0].p,
		    s.v[0].len, d);
	if (r == 0)
		r = bind_artifact(j, p, d);
	return r != 0 ? r : compare_wish(j, p, d);
}

static int
verify(const struct sigfmt_job *j, const uint8_t *sig, size_t len,
    struct diag *d)
{
	struct parsed p = { 0 };
	int r;

	r = parse(sig, len, &p);
	r = r != 0 ?
	    sigfmt_bad(d, "PEM of one certificate or list", "something else") :
	    verify_parsed(j, &p, sig, len, d);
	ERR_clear_error();
	parsed_done(&p);
	return r;
}

/* --- for people -------------------------------------------------------- */

static int
put_name(struct buf *out, const char *label, const X509_NAME *name)
{
	_cleanup_(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
	char text[LINE_MAX_LEN], *p = NULL;
	long n;

	if (bio == NULL ||
	    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) < 0 ||
	    (n = BIO_get_mem_data(bio, &p)) < 0)
		return CS_E_NOMEM;
	(void)snprintf(text, sizeof(text), "%.*s", (int)n, p);
	return sigfmt_line(out, label, text);
}

static int
put_times(struct buf *out, const char *label, const struct x509_wish *w)
{
	char text[64], from[21], until[21];

	time_format(w->from, from);
	time_format(w->until, until);
	(void)snprintf(text, sizeof(text), "%s to %s", from, until);
	return sigfmt_line(out, label, text);
}

static int
describe_crl(const struct x509_wish *w, struct buf *out)
{
	char text[LINE_MAX_LEN], when[21];
	struct x509_revoked v;
	size_t i;
	int r;

	(void)snprintf(text, sizeof(text), "number %llu, %zu revoked",
	    (unsigned long long)w->number, json_array_size(w->revoked));
	r = sigfmt_line(out, "list", text);
	if (r == 0)
		r = put_times(out, "good from", w);
	for (i = 0; r == 0 && i < json_array_size(w->revoked); i++) {
		r = x509_revoked_read(w, i, &v, NULL);
		if (r != 0)
			return r;
		time_format(v.time, when);
		(void)snprintf(text, sizeof(text), "%s %s %s", v.serial, when,
		    v.reason_name);
		r = sigfmt_line(out, "revokes", text);
	}
	return r;
}

static int
describe_cert(const struct sigfmt_job *j, const struct x509_wish *w,
    struct buf *out)
{
	const struct x509_profile *p = w->profile;
	uint8_t serial[X509_SERIAL_LEN];
	char text[LINE_MAX_LEN];
	int r;

	(void)snprintf(text, sizeof(text), "%s: %s", p->name, p->about);
	r = sigfmt_line(out, "profile", text);
	if (r == 0)
		r = put_name(out, "subject", X509_REQ_get_subject_name(w->csr));
	if (r == 0)
		r = put_times(out, "valid", w);
	if (r == 0 && w->has_path_length) {
		(void)snprintf(text, sizeof(text), "at most %u CAs below it",
		    (unsigned)w->path_length);
		r = sigfmt_line(out, "path", text);
	}
	if (r == 0)
		r = sigfmt_line(out, "usage", p->usage);
	if (r == 0 && p->ext_usage != NULL)
		r = sigfmt_line(out, "", p->ext_usage);
	x509_serial(j->subject->digest[HASH_SHA256], serial);
	hex_encode(serial, sizeof(serial), text);
	if (r == 0)
		r = sigfmt_line(out, "serial", text);
	hex_encode(w->key->id, CS_SHA256_LEN, text);
	return r != 0 ? r : sigfmt_line(out, "key", text);
}

static int
describe_one(const struct sigfmt_job *j, struct buf *out)
{
	struct x509_wish w;
	int r = wish_of(j, &w, NULL);

	if (r != 0)
		return r;
	r = w.crl ? describe_crl(&w, out) : describe_cert(j, &w, out);
	x509_wish_done(&w);
	return r;
}

static int
describe(const struct sigfmt_job *j, struct buf *out)
{
	_cleanup_(x509_freep) X509 *x = sigfmt_get_cert(j);

	return x == NULL ? 0 :
			   put_name(out, "issuer", X509_get_subject_name(x));
}

static int
public_key(const struct policy_key *k, struct buf *out, struct diag *d)
{
	return k->cert == NULL ? sigfmt_pem_key(k, out, d) :
				 sigfmt_pem_cert(k, out, d);
}

const struct sigfmt sigfmt_x509 = {
	.name = "x509",
	.suffix = "pem",
	.about =
	    "certificate or revocation list, from the wish in the artifact",
	.verifier = "openssl verify",
	.algs = SIGFMT_RSA | SIGFMT_EC,
	.flags =
	    SIGFMT_F_TEXT | SIGFMT_F_CERT | SIGFMT_F_CERT_LATER | SIGFMT_F_ONCE,
	.rounds = 1,
	.check = check,
	.describe = describe,
	.describe_one = describe_one,
	.build = build,
	.assemble = assemble,
	.verify = verify,
	.public_key = public_key,
};
