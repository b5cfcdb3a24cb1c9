/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_OSSL_H
#define CS_OSSL_H

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/defs.h"

/* Owning locals of OpenSSL's types: _cleanup_(x509_freep) X509 *x = NULL; */
#define OSSL_FREEP(name, type, free_fn)				\
	static inline void					\
	name(type **p)						\
	{							\
		free_fn(*p);					\
	}

OSSL_FREEP(algor_freep, X509_ALGOR, X509_ALGOR_free)
OSSL_FREEP(bio_freep, BIO, BIO_free_all)
OSSL_FREEP(crl_freep, X509_CRL, X509_CRL_free)
OSSL_FREEP(ext_freep, X509_EXTENSION, X509_EXTENSION_free)
OSSL_FREEP(integer_freep, ASN1_INTEGER, ASN1_INTEGER_free)
OSSL_FREEP(octets_freep, ASN1_OCTET_STRING, ASN1_OCTET_STRING_free)
OSSL_FREEP(openssl_freep, unsigned char, OPENSSL_free)
OSSL_FREEP(pkey_freep, EVP_PKEY, EVP_PKEY_free)
OSSL_FREEP(req_freep, X509_REQ, X509_REQ_free)
OSSL_FREEP(revoked_freep, X509_REVOKED, X509_REVOKED_free)
OSSL_FREEP(time_freep, ASN1_TIME, ASN1_TIME_free)
OSSL_FREEP(x509_freep, X509, X509_free)

#endif
