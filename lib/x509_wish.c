/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/hex.h"
#include "lib/ossl.h"
#include "lib/sigfmt.h"
#include "lib/utf8.h"
#include "lib/x509.h"

#define CSR_MAX	     3000u
#define RSA_BITS_MIN 3072 /* CA/Browser Forum, code signing, 6.1.5 */
#define NAMES_MAX    10
#define CRL_DAYS_MAX 400

static const struct x509_profile profiles[] = {
	{ "root", "a root, which signs itself", X509_BY_ITSELF, true, false,
	    "critical,keyCertSign,cRLSign", NULL, 9132 },
	{ "intermediate", "an intermediate CA", X509_BY_CA, true, true,
	    "critical,keyCertSign,cRLSign", NULL, 5479 },
	{ "cross", "a cross-certificate for another CA's key", X509_BY_CA, true,
	    true, "critical,keyCertSign,cRLSign", NULL, 3653 },
	{ "code-signing", "a key that signs code", X509_BY_CA, false, false,
	    "critical,digitalSignature", "codeSigning", 3653 },
};

static const struct {
	const char *name;
	int code; /* RFC 5280 5.3.1 */
} reasons[] = {
	{ "unspecified", 0 },
	{ "keyCompromise", 1 },
	{ "cACompromise", 2 },
	{ "affiliationChanged", 3 },
	{ "superseded", 4 },
	{ "cessationOfOperation", 5 },
	{ "privilegeWithdrawn", 9 },
};

const struct x509_profile *
x509_profile_at(size_t i)
{
	return i < ARRAY_LEN(profiles) ? &profiles[i] : NULL;
}

const struct x509_profile *
x509_profile_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(profiles); i++)
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	return NULL;
}

int
x509_reason_from_name(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(reasons); i++)
		if (strcmp(reasons[i].name, name) == 0)
			return reasons[i].code;
	return -1;
}

const char *
x509_reason_name(int reason)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].code == reason)
			return reasons[i].name;
	return NULL;
}

void
x509_wish_done(struct x509_wish *w)
{
	X509_REQ_free(w->csr);
	pubkey_free(&w->key);
	json_decref(w->root);
	*w = (struct x509_wish){ 0 };
}

/* Why the entry's value is none that people can read; NULL if it is one. */
static const char *
not_a_name(const X509_NAME_ENTRY *e)
{
	const ASN1_STRING *s = X509_NAME_ENTRY_get_data(e);
	const unsigned char *p = ASN1_STRING_get0_data(s);
	size_t n = (size_t)ASN1_STRING_length(s), i, step;
	const int type = ASN1_STRING_type(s);

	if (type != V_ASN1_UTF8STRING && type != V_ASN1_PRINTABLESTRING &&
	    type != V_ASN1_IA5STRING)
		return "another kind of string";
	if (n == 0 || n > 64)
		return "an empty part or one of more than 64 bytes";
	for (i = 0; i < n; i += step) {
		step = utf8_char(p + i, n - i, NULL);
		if (step == 0)
			return "a byte that is not UTF-8";
		if (p[i] < 0x20 || p[i] == 0x7f)
			return "a NUL or control character";
	}
	return NULL;
}

static int
check_name(const X509_NAME *name, struct diag *d)
{
	const int n = X509_NAME_entry_count(name);
	const char *why = NULL;
	int i;

	if (n < 1 || n > NAMES_MAX)
		return diag_fail(d, CS_E_X509_NAME,
		    "a subject of 1 to 10 parts", "%d", n);
	for (i = 0; why == NULL && i < n; i++)
		why = not_a_name(X509_NAME_get_entry(name, i));
	return why == NULL ? 0 :
			     diag_fail(d, CS_E_X509_NAME,
				 "a subject in readable UTF-8", "%s", why);
}

static int
check_key(struct x509_wish *w, struct diag *d)
{
	_cleanup_(openssl_freep) unsigned char *spki = NULL;
	const EVP_PKEY *pkey;
	int n, r;

	n = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(w->csr), &spki);
	r = n <= 0 ? CS_E_KEY_TYPE :
		     pubkey_from_spki(spki, (size_t)n, &w->key, NULL);
	if (r != 0)
		return diag_fail(d, CS_E_X509_KEY,
		    "RSA of 3072 or 4096 bits, P-256, P-384 or Ed25519",
		    "another key in the request");
	pkey = w->key->pkey;
	if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA &&
	    EVP_PKEY_get_bits(pkey) < RSA_BITS_MIN)
		return diag_fail(d, CS_E_X509_KEY, "RSA of 3072 bits or more",
		    "%d bits", EVP_PKEY_get_bits(pkey));
	return 0;
}

/* Extensions are the profile's; anything else in a request is a surprise. */
static int
check_attributes(const X509_REQ *csr, struct diag *d)
{
	const int n = X509_REQ_get_attr_count(csr);
	int i, nid;

	for (i = 0; i < n; i++) {
		nid = OBJ_obj2nid(
		    X509_ATTRIBUTE_get0_object(X509_REQ_get_attr(csr, i)));
		if (nid != NID_ext_req || n > 1)
			return diag_fail(d, CS_E_X509_CSR,
			    "a request without attributes of its own",
			    "%s among %d", OBJ_nid2sn(nid), n);
	}
	return 0;
}

static int
read_csr(const char *b64, struct x509_wish *w, struct diag *d)
{
	uint8_t der[CSR_MAX];
	const unsigned char *p = der;
	size_t len = 0;
	int r;

	if (b64_decode(b64, strlen(b64), der, sizeof(der), &len) != 0)
		return diag_fail(d, CS_E_X509_WISH,
		    "base64 of at most 3000 "
		    "bytes of DER",
		    "something else as csr");
	w->csr = d2i_X509_REQ(NULL, &p, (long)len);
	ERR_clear_error();
	if (w->csr == NULL || p != der + len)
		return diag_fail(d, CS_E_X509_CSR, "one PKCS#10 request",
		    "something else");
	r = check_key(w, d);
	if (r != 0)
		return r;
	r = X509_REQ_verify(w->csr, w->key->pkey);
	ERR_clear_error();
	if (r != 1)
		return diag_fail(d, CS_E_X509_CSR,
		    "a request signed by its own key",
		    "a signature that does not verify");
	r = check_name(X509_REQ_get_subject_name(w->csr), d);
	return r != 0 ? r : check_attributes(w->csr, d);
}

static int
check_period(const struct x509_wish *w, uint32_t max_days, struct diag *d)
{
	if (w->from >= 0 && w->until > w->from &&
	    w->until - w->from <= max_days * INT64_C(86400))
		return 0;
	return diag_fail(d, CS_E_X509_VALIDITY,
	    "an end after the beginning, and not too late",
	    "%lld seconds, at most %u days", (long long)(w->until - w->from),
	    max_days);
}

static int
read_certificate(struct x509_wish *w, struct diag *d)
{
	const char *csr = NULL, *nonce = NULL, *profile = NULL, *type = NULL;
	const struct json_field f[] = {
		{ "csr", JK_STR, true, &csr, NULL },
		{ "nonce", JK_STR, true, &nonce, NULL },
		{ "notAfter", JK_TIME, true, &w->until, NULL },
		{ "notBefore", JK_TIME, true, &w->from, NULL },
		{ "pathLength", JK_U64, false, &w->path_length,
		    &w->has_path_length },
		{ "profile", JK_LABEL, true, &profile, NULL },
		{ "type", JK_LABEL, true, &type, NULL },
	};
	int r = json_fields(w->root, "", f, ARRAY_LEN(f), d);

	if (r != 0)
		return r;
	if (!hex_is(nonce, (size_t)2 * X509_NONCE_LEN))
		return diag_fail(d, CS_E_X509_WISH, "a nonce of 16 bytes",
		    "another");
	w->profile = x509_profile_by_name(profile);
	if (w->profile == NULL)
		return diag_fail(d, CS_E_X509_WISH,
		    "root, intermediate, cross or code-signing", "%.60s",
		    profile);
	if ((w->profile->path_length && !w->has_path_length) ||
	    (!w->profile->ca && w->has_path_length) || w->path_length > 8)
		return diag_fail(d, CS_E_X509_PATH,
		    w->profile->ca ? "a path length of 0 to 8" :
				     "no path length",
		    w->has_path_length ? "another" : "none");
	r = check_period(w, w->profile->max_days, d);
	return r != 0 ? r : read_csr(csr, w, d);
}

int
x509_revoked_read(const struct x509_wish *w, size_t i, struct x509_revoked *ret,
    struct diag *d)
{
	struct x509_revoked v = { 0 };
	const struct json_field f[] = {
		{ "reason", JK_LABEL, true, &v.reason_name, NULL },
		{ "serial", JK_LABEL, true, &v.serial, NULL },
		{ "time", JK_TIME, true, &v.time, NULL },
	};
	size_t n;
	int r;

	r = json_fields(json_array_get(w->revoked, i), "/revoked", f,
	    ARRAY_LEN(f), d);
	if (r != 0)
		return r;
	n = strlen(v.serial);
	/* DER's shortest form of a positive number of at most 20 bytes */
	if (n == 0 || n % 2 != 0 || n > (size_t)2 * X509_SERIAL_LEN ||
	    !hex_is(v.serial, n) || strcmp(v.serial, "00") == 0 ||
	    (n > 2 && strncmp(v.serial, "00", 2) == 0))
		return diag_fail(d, CS_E_X509_CRL,
		    "a positive serial in hexadecimal, at most 20 bytes",
		    "%.60s", v.serial);
	v.reason = x509_reason_from_name(v.reason_name);
	if (v.reason < 0)
		return diag_fail(d, CS_E_X509_CRL, "a reason of RFC 5280",
		    "%.60s", v.reason_name);
	if (v.time < 0 || v.time > w->from)
		return diag_fail(d, CS_E_X509_CRL,
		    "a revocation before the list", "another time for %.60s",
		    v.serial);
	*ret = v;
	return 0;
}

/* In order and each once: so one list has one text. */
static int
check_revoked(const struct x509_wish *w, struct diag *d)
{
	struct x509_revoked v, last = { 0 };
	size_t i, n = json_array_size(w->revoked);
	int r, c;

	for (i = 0; i < n; i++) {
		r = x509_revoked_read(w, i, &v, d);
		if (r != 0)
			return r;
		c = i == 0 ? -1 :
			     (int)strlen(last.serial) - (int)strlen(v.serial);
		if (c == 0)
			c = strcmp(last.serial, v.serial);
		if (c >= 0)
			return diag_fail(d, CS_E_X509_CRL,
			    "serials in rising order, each once", "%s",
			    v.serial);
		last = v;
	}
	return 0;
}

static int
read_crl(struct x509_wish *w, struct diag *d)
{
	const char *type = NULL;
	const struct json_field f[] = {
		{ "nextUpdate", JK_TIME, true, &w->until, NULL },
		{ "number", JK_U64, true, &w->number, NULL },
		{ "revoked", JK_ARR, true, &w->revoked, NULL },
		{ "thisUpdate", JK_TIME, true, &w->from, NULL },
		{ "type", JK_LABEL, true, &type, NULL },
	};
	int r = json_fields(w->root, "", f, ARRAY_LEN(f), d);

	if (r == 0)
		r = check_period(w, CRL_DAYS_MAX, d);
	return r != 0 ? r : check_revoked(w, d);
}

int
x509_wish_read(const void *text, size_t len, struct x509_wish *ret,
    struct diag *d)
{
	struct x509_wish w = { 0 };
	const char *type;
	int r;

	r = json_load_strict(text, len, SIGFMT_TEXT_MAX, &w.root, d);
	if (r != 0)
		return r;
	type = json_string_value(json_object_get(w.root, "type"));
	if (!json_is_canonical(w.root, text, len))
		r = diag_fail(d, CS_E_X509_WISH,
		    "canonical JSON, as coldseal certificate makes it",
		    "another form");
	else if (type != NULL && strcmp(type, "certificate") == 0)
		r = read_certificate(&w, d);
	else if (type != NULL && strcmp(type, "crl") == 0)
		r = read_crl(&w, d);
	else
		r = diag_fail(d, CS_E_X509_WISH, "the type certificate or crl",
		    "%.60s", type == NULL ? "none" : type);
	w.crl = type != NULL && strcmp(type, "crl") == 0;
	if (r != 0)
		x509_wish_done(&w);
	else
		*ret = w;
	return r;
}

int
x509_wish_format(const struct x509_wish_new *n, char **ret, size_t *ret_len)
{
	_cleanup_free_ char *csr = b64_dup(n->csr, n->csr_len);
	char nonce[2 * X509_NONCE_LEN + 1];
	_cleanup_json_ json_t *root = NULL;

	hex_encode(n->nonce, sizeof(n->nonce), nonce);
	root = json_pack("{s:s*, s:s, s:o*, s:o*, s:s, s:s}", "csr", csr,
	    "nonce", nonce, "notAfter", json_time(n->until), "notBefore",
	    json_time(n->from), "profile", n->profile, "type", "certificate");
	if (root == NULL ||
	    (n->path_length >= 0 &&
		json_object_set_new(root, "pathLength",
		    json_integer(n->path_length)) != 0))
		return CS_E_NOMEM;
	return json_canonical(root, ret, ret_len);
}
