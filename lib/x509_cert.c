/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "lib/ossl.h"
#include "lib/x509.h"
#include "lib/x509_impl.h"

void
x509_serial(const uint8_t sha256[32], uint8_t ret[X509_SERIAL_LEN])
{
	memcpy(ret, sha256, X509_SERIAL_LEN);
	ret[0] =
	    (uint8_t)((ret[0] & 0x7f) | 0x40); /* positive, no zero first */
}

static int
add_extension(X509V3_CTX *ctx, X509 *x, int nid, const char *value)
{
	_cleanup_(ext_freep) X509_EXTENSION *e =
	    X509V3_EXT_conf_nid(NULL, ctx, nid, value);

	return e != NULL && X509_add_ext(x, e, -1) == 1 ? 0 : CS_E_CRYPTO;
}

static int
set_serial(X509 *x, const uint8_t sha256[32])
{
	uint8_t serial[X509_SERIAL_LEN];
	ASN1_INTEGER *n = X509_get_serialNumber(x);

	x509_serial(sha256, serial);
	return ASN1_STRING_set(n, serial, sizeof(serial)) == 1 ? 0 :
								 CS_E_CRYPTO;
}

AUTHORITY_KEYID *
x509_authority(const X509 *issuer)
{
	/* OpenSSL keeps what it found in the certificate */
	const ASN1_OCTET_STRING *id =
	    X509_get0_subject_key_id((X509 *)(uintptr_t)issuer);
	AUTHORITY_KEYID *a = id == NULL ? NULL : AUTHORITY_KEYID_new();

	if (a != NULL && (a->keyid = ASN1_OCTET_STRING_dup(id)) == NULL) {
		AUTHORITY_KEYID_free(a);
		a = NULL;
	}
	return a;
}

static int
add_authority(X509 *x, const X509 *issuer)
{
	AUTHORITY_KEYID *a = x509_authority(issuer);
	int ok = a != NULL &&
	    X509_add1_ext_i2d(x, NID_authority_key_identifier, a, 0, 0) == 1;

	AUTHORITY_KEYID_free(a);
	return ok ? 0 : CS_E_CRYPTO;
}

static int
add_extensions(X509 *x, const struct x509_wish *w, const X509 *issuer)
{
	const struct x509_profile *p = w->profile;
	char basic[64] = "critical,CA:FALSE";
	X509V3_CTX ctx;
	int r;

	if (p->ca && w->has_path_length)
		(void)snprintf(basic, sizeof(basic),
		    "critical,CA:TRUE,pathlen:%u", (unsigned)w->path_length);
	else if (p->ca)
		(void)snprintf(basic, sizeof(basic), "critical,CA:TRUE");
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	r = add_extension(&ctx, x, NID_basic_constraints, basic);
	if (r == 0)
		r = add_extension(&ctx, x, NID_key_usage, p->usage);
	if (r == 0 && p->ext_usage != NULL)
		r = add_extension(&ctx, x, NID_ext_key_usage, p->ext_usage);
	/* RFC 5280 4.2.1.2 (1): as a CA that is cross-certified has it */
	if (r == 0)
		r = add_extension(&ctx, x, NID_subject_key_identifier, "hash");
	return r != 0 || issuer == NULL ? r : add_authority(x, issuer);
}

static int
fill(X509 *x, const struct x509_wish *w, const uint8_t sha256[32],
    const X509 *issuer)
{
	X509_NAME *subject = X509_REQ_get_subject_name(w->csr);
	const X509_NAME *by =
	    issuer == NULL ? subject : X509_get_subject_name(issuer);

	if (X509_set_version(x, X509_VERSION_3) != 1 ||
	    set_serial(x, sha256) != 0 ||
	    X509_set_subject_name(x, subject) != 1 ||
	    X509_set_issuer_name(x, by) != 1 ||
	    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)w->from) == NULL ||
	    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)w->until) == NULL ||
	    X509_set_pubkey(x, w->key->pkey) != 1)
		return CS_E_CRYPTO;
	return add_extensions(x, w, issuer);
}

/* Each extension that the request asks for is one that it gets. */
static int
check_asked(const X509 *x, const struct x509_wish *w, struct diag *d)
{
	STACK_OF(X509_EXTENSION) *asked = X509_REQ_get_extensions(w->csr);
	const ASN1_OCTET_STRING *have;
	X509_EXTENSION *e, *mine;
	int i, at, r = 0;

	for (i = 0; r == 0 && i < sk_X509_EXTENSION_num(asked); i++) {
		e = sk_X509_EXTENSION_value(asked, i);
		at = X509_get_ext_by_OBJ(x, X509_EXTENSION_get_object(e), -1);
		mine = at < 0 ? NULL : X509_get_ext(x, at);
		have = mine == NULL ? NULL : X509_EXTENSION_get_data(mine);
		if (have == NULL ||
		    X509_EXTENSION_get_critical(mine) !=
			X509_EXTENSION_get_critical(e) ||
		    ASN1_OCTET_STRING_cmp(have, X509_EXTENSION_get_data(e)) !=
			0)
			r = diag_fail(d, CS_E_X509_EXTENSION,
			    "no extension but the profile's", "%s",
			    OBJ_nid2sn(
				OBJ_obj2nid(X509_EXTENSION_get_object(e))));
	}
	sk_X509_EXTENSION_pop_free(asked, X509_EXTENSION_free);
	return r;
}

static int
check_ca(const X509 *issuer, uint32_t usage, struct diag *d)
{
	X509 *x = (X509 *)(uintptr_t)issuer; /* OpenSSL keeps what it found */

	if (issuer == NULL)
		return diag_fail(d, CS_E_X509_ISSUER, "a CA's certificate",
		    "none in the policy");
	if ((X509_get_extension_flags(x) & EXFLAG_INVALID) != 0 ||
	    X509_check_ca(x) != 1)
		return diag_fail(d, CS_E_X509_ISSUER, "a CA's certificate",
		    "one that is none");
	if ((X509_get_key_usage(x) & usage) != usage)
		return diag_fail(d, CS_E_X509_ISSUER,
		    usage == KU_CRL_SIGN ? "the key usage cRLSign" :
					   "the key usage keyCertSign",
		    "another");
	if (X509_get0_subject_key_id(x) == NULL)
		return diag_fail(d, CS_E_X509_ISSUER,
		    "a subject key identifier", "none");
	return 0;
}

int
x509_within(const struct x509_wish *w, const X509 *issuer, struct diag *d)
{
	time_t from = (time_t)w->from, until = (time_t)w->until;

	if (X509_cmp_time(X509_get0_notBefore(issuer), &from) <= 0 &&
	    X509_cmp_time(X509_get0_notAfter(issuer), &until) > 0)
		return 0;
	return diag_fail(d, CS_E_X509_VALIDITY,
	    "times within the issuer's certificate's", "others");
}

static int
check_path(const struct x509_wish *w, const X509 *issuer, struct diag *d)
{
	const long have = X509_get_pathlen((X509 *)(uintptr_t)issuer);

	if (!w->profile->ca || have < 0 || w->path_length < (uint64_t)have)
		return 0;
	return diag_fail(d, CS_E_X509_PATH, "less than the issuer's",
	    "%u under %ld", (unsigned)w->path_length, have);
}

int
x509_check_crl_issuer(const X509 *issuer, struct diag *d)
{
	return check_ca(issuer, KU_CRL_SIGN, d);
}

static int
check_issuer(const struct x509_wish *w, const struct x509_signer *by,
    struct diag *d)
{
	int r;

	if (w->profile->issuer == X509_BY_ITSELF)
		return pubkey_equal(w->key, by->key) ?
		    0 :
		    diag_fail(d, CS_E_X509_ISSUER,
			"a request of the key that signs",
			"one of another key");
	r = check_ca(by->cert, KU_KEY_CERT_SIGN, d);
	if (r == 0)
		r = x509_within(w, by->cert, d);
	if (r == 0)
		r = check_path(w, by->cert, d);
	if (r == 0 &&
	    X509_NAME_cmp(X509_get_subject_name(by->cert),
		X509_REQ_get_subject_name(w->csr)) == 0)
		r = diag_fail(d, CS_E_X509_NAME,
		    "another subject than the issuer's", "the same");
	if (r == 0 && pubkey_equal(w->key, by->key))
		r = diag_fail(d, CS_E_X509_KEY, "another key than the issuer's",
		    "the same");
	return r;
}

/* Inside and outside, as X509_sign() would write it. */
static int
set_algorithm(X509 *x, enum key_alg a)
{
	_cleanup_(algor_freep) X509_ALGOR *alg = NULL;
	const X509_ALGOR *outer;

	X509_get0_signature(NULL, &outer, x);
	return x509_algorithm(a, &alg) == 0 &&
		X509_ALGOR_copy((X509_ALGOR *)(uintptr_t)X509_get0_tbs_sigalg(
				    x),
		    alg) == 1 &&
		X509_ALGOR_copy((X509_ALGOR *)(uintptr_t)outer, alg) == 1 ?
	    0 :
	    CS_E_CRYPTO;
}

int
x509_make(const struct x509_wish *w, const uint8_t sha256[32],
    const struct x509_signer *by, X509 **ret, struct diag *d)
{
	_cleanup_(x509_freep) X509 *x = X509_new();
	const bool self = w->profile->issuer == X509_BY_ITSELF;
	int r;

	r = check_issuer(w, by, d);
	if (r != 0)
		return r;
	if (x == NULL || fill(x, w, sha256, self ? NULL : by->cert) != 0 ||
	    set_algorithm(x, by->alg) != 0) {
		ERR_clear_error();
		return diag_fail(d, CS_E_CRYPTO, NULL, "certificate");
	}
	r = check_asked(x, w, d);
	if (r == 0)
		*ret = take_ptr(x);
	return r;
}
