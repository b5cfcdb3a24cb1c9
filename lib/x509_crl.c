/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/bn.h>
#include <openssl/err.h>
#include <string.h>

#include "lib/hex.h"
#include "lib/ossl.h"
#include "lib/x509.h"
#include "lib/x509_impl.h"

static int
set_serial(X509_REVOKED *e, const char *hex)
{
	_cleanup_(integer_freep) ASN1_INTEGER *n = NULL;
	BIGNUM *bn = NULL;

	if (BN_hex2bn(&bn, hex) > 0)
		n = BN_to_ASN1_INTEGER(bn, NULL);
	BN_free(bn);
	return n != NULL && X509_REVOKED_set_serialNumber(e, n) == 1 ?
	    0 :
	    CS_E_CRYPTO;
}

static int
set_reason(X509_REVOKED *e, int reason)
{
	ASN1_ENUMERATED *n;
	int ok;

	if (reason == 0)
		return 0; /* RFC 5280 5.3.1: not written */
	n = ASN1_ENUMERATED_new();
	ok = n != NULL && ASN1_ENUMERATED_set(n, reason) == 1 &&
	    X509_REVOKED_add1_ext_i2d(e, NID_crl_reason, n, 0, 0) == 1;
	ASN1_ENUMERATED_free(n);
	return ok ? 0 : CS_E_CRYPTO;
}

static int
add_revoked(X509_CRL *crl, const struct x509_revoked *v)
{
	_cleanup_(revoked_freep) X509_REVOKED *e = X509_REVOKED_new();
	_cleanup_(time_freep) ASN1_TIME *t =
	    ASN1_TIME_set(NULL, (time_t)v->time);

	if (e == NULL || t == NULL || set_serial(e, v->serial) != 0 ||
	    X509_REVOKED_set_revocationDate(e, t) != 1 ||
	    set_reason(e, v->reason) != 0 || X509_CRL_add0_revoked(crl, e) != 1)
		return CS_E_CRYPTO;
	(void)take_ptr(e);
	return 0;
}

static int
add_extensions(X509_CRL *crl, const struct x509_wish *w, const X509 *issuer)
{
	AUTHORITY_KEYID *a = x509_authority(issuer);
	_cleanup_(integer_freep) ASN1_INTEGER *n = ASN1_INTEGER_new();
	int ok = a != NULL && n != NULL &&
	    X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, a, 0, 0) ==
		1 &&
	    ASN1_INTEGER_set_uint64(n, w->number) == 1 &&
	    X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0, 0) == 1;

	AUTHORITY_KEYID_free(a);
	return ok ? 0 : CS_E_CRYPTO;
}

static int
fill(X509_CRL *crl, const struct x509_wish *w, const X509 *issuer)
{
	_cleanup_(time_freep) ASN1_TIME *from =
	    ASN1_TIME_set(NULL, (time_t)w->from);
	_cleanup_(time_freep) ASN1_TIME *until =
	    ASN1_TIME_set(NULL, (time_t)w->until);
	struct x509_revoked v;
	size_t i;
	int r;

	if (from == NULL || until == NULL ||
	    X509_CRL_set_version(crl, X509_CRL_VERSION_2) != 1 ||
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) != 1 ||
	    X509_CRL_set1_lastUpdate(crl, from) != 1 ||
	    X509_CRL_set1_nextUpdate(crl, until) != 1)
		return CS_E_CRYPTO;
	for (i = 0; i < json_array_size(w->revoked); i++) {
		r = x509_revoked_read(w, i, &v, NULL);
		if (r == 0)
			r = add_revoked(crl, &v);
		if (r != 0)
			return r;
	}
	return add_extensions(crl, w, issuer);
}

/*
 * tbs with the signer's algorithm in place of the throw-away key's: OpenSSL
 * before 3.5 has no way to set it.  SEQUENCE { version, algorithm, rest }
 */
static int
put_algorithm(const unsigned char *tbs, long len, const X509_ALGOR *alg,
    struct buf *out)
{
	_cleanup_(openssl_freep) unsigned char *der = NULL;
	const unsigned char *p = tbs, *version, *rest;
	unsigned char header[8], *h = header;
	const int n = i2d_X509_ALGOR(alg, &der);
	int tag, class, body, r;
	long part;

	if (n <= 0 || ASN1_get_object(&p, &part, &tag, &class, len) < 0)
		return CS_E_CRYPTO;
	version = p;
	if ((ASN1_get_object(&p, &part, &tag, &class, tbs + len - p) & 0x80) !=
	    0)
		return CS_E_CRYPTO;
	p += part;
	rest = p;
	if ((ASN1_get_object(&rest, &part, &tag, &class, tbs + len - rest) &
		0x80) != 0)
		return CS_E_CRYPTO;
	rest += part;
	body = (int)(p - version) + n + (int)(tbs + len - rest);
	ASN1_put_object(&h, 1, body, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	r = buf_put(out, header, (size_t)(h - header));
	if (r == 0)
		r = buf_put(out, version, (size_t)(p - version));
	if (r == 0)
		r = buf_put(out, der, (size_t)n);
	return r != 0 ? r : buf_put(out, rest, (size_t)(tbs + len - rest));
}

static int
make(const struct x509_wish *w, const struct x509_signer *by, struct buf *out)
{
	_cleanup_(pkey_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
	_cleanup_(crl_freep) X509_CRL *crl = X509_CRL_new();
	_cleanup_(algor_freep) X509_ALGOR *alg = NULL;
	_cleanup_(openssl_freep) unsigned char *tbs = NULL;
	int n;

	if (key == NULL || crl == NULL || x509_algorithm(by->alg, &alg) != 0 ||
	    fill(crl, w, by->cert) != 0 ||
	    X509_CRL_sign(crl, key, EVP_sha256()) <= 0)
		return CS_E_CRYPTO;
	n = i2d_re_X509_CRL_tbs(crl, &tbs);
	return n <= 0 ? CS_E_CRYPTO : put_algorithm(tbs, n, alg, out);
}

int
x509_make_crl(const struct x509_wish *w, const struct x509_signer *by,
    struct buf *out, struct diag *d)
{
	int r;

	r = x509_check_crl_issuer(by->cert, d);
	if (r == 0)
		r = x509_within(w, by->cert, d);
	if (r != 0)
		return r;
	r = make(w, by, out);
	ERR_clear_error();
	return r == 0 ? 0 : diag_fail(d, r, NULL, "revocation list");
}

/* --- and back: the list has all that the wish had ---------------------- */

static int
time_of(const ASN1_TIME *t, int64_t *ret)
{
	struct tm tm = { 0 };

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return CS_E_FORMAT;
	*ret = timegm(&tm);
	return 0;
}

static int
hex_of(const ASN1_INTEGER *n, char out[2 * X509_SERIAL_LEN + 1])
{
	const int len = ASN1_STRING_length(n);

	if (len < 1 || (unsigned)len > X509_SERIAL_LEN ||
	    ASN1_STRING_type(n) != V_ASN1_INTEGER)
		return CS_E_FORMAT;
	hex_encode(ASN1_STRING_get0_data(n), (size_t)len, out);
	return 0;
}

static int
put_revoked(const X509_REVOKED *e, json_t *list)
{
	char serial[2 * X509_SERIAL_LEN + 1];
	ASN1_ENUMERATED *n;
	const char *reason;
	int64_t when;
	int at = -1, r;

	r = hex_of(X509_REVOKED_get0_serialNumber(e), serial);
	if (r == 0)
		r = time_of(X509_REVOKED_get0_revocationDate(e), &when);
	if (r != 0)
		return r;
	n = X509_REVOKED_get_ext_d2i(e, NID_crl_reason, &at, NULL);
	reason = x509_reason_name(n == NULL ? 0 : (int)ASN1_ENUMERATED_get(n));
	ASN1_ENUMERATED_free(n);
	if (reason == NULL)
		return CS_E_FORMAT;
	return json_array_append_new(list,
		   json_pack("{s:s, s:s, s:o*}", "reason", reason, "serial",
		       serial, "time", json_time(when))) == 0 ?
	    0 :
	    CS_E_NOMEM;
}

static int
put_number(const X509_CRL *crl, json_t *root)
{
	ASN1_INTEGER *n = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	uint64_t v = 0;
	int r = n != NULL && ASN1_INTEGER_get_uint64(&v, n) == 1 &&
		v < UINT64_C(1) << 53 ?
	    0 :
	    CS_E_FORMAT;

	ASN1_INTEGER_free(n);
	if (r == 0 &&
	    json_object_set_new(root, "number", json_integer((json_int_t)v)) !=
		0)
		r = CS_E_NOMEM;
	return r;
}

int
x509_crl_wish_format(const X509_CRL *crl, char **ret, size_t *ret_len)
{
	STACK_OF(X509_REVOKED) *all =
	    X509_CRL_get_REVOKED((X509_CRL *)(uintptr_t)crl);
	_cleanup_json_ json_t *root = NULL;
	json_t *list = json_array();
	int64_t from, until;
	int i, r;

	r = list == NULL ? CS_E_NOMEM :
			   time_of(X509_CRL_get0_lastUpdate(crl), &from);
	if (r == 0)
		r = time_of(X509_CRL_get0_nextUpdate(crl), &until);
	for (i = 0; r == 0 && i < sk_X509_REVOKED_num(all); i++)
		r = put_revoked(sk_X509_REVOKED_value(all, i), list);
	if (r != 0) {
		json_decref(list);
		return r;
	}
	root =
	    json_pack("{s:o*, s:o*, s:o*, s:s}", "nextUpdate", json_time(until),
		"revoked", list, "thisUpdate", json_time(from), "type", "crl");
	if (root == NULL)
		return CS_E_NOMEM;
	r = put_number(crl, root);
	ERR_clear_error();
	return r != 0 ? r : json_canonical(root, ret, ret_len);
}
