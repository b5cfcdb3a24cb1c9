/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SHARE_H
#define CS_SHARE_H

#include <openssl/evp.h>

#include "lib/buf.h"
#include "lib/note.h"
#include "lib/secret.h"

/*
 * Recovery shares as they lie in files (lib/PROTOCOL.recovery): the record of
 * one share, the CMS around it, and the list of a set ("manifest") that the
 * appliance signs.  Splitting and joining is the appliance's (hsm/recover.h).
 */
#define SHARE_MIN		2u	/* of 1 would be a copy for each */
#define SHARE_MAX		16u
#define SHARE_SECRET_MAX	96u
#define SHARE_SALT_LEN		32u	/* split with the secret */
#define SHARE_VALUE_MAX		(SHARE_SECRET_MAX + SHARE_SALT_LEN)
#define SHARE_SET_LEN		16u
#define SHARE_DOMAIN_MAX	40u	/* as a policy's names */
#define SHARE_RECORD_MAX	640u
#define SHARE_CMS_MAX		(16u << 10)
#define SHARE_MANIFEST_MAX	(16u << 10)
#define PRED_SHARES		"urn:coldseal:recovery-shares:v1"

/* What all shares of a set and their manifest say alike. */
struct share_head {
	uint8_t set[SHARE_SET_LEN];
	char domain[SHARE_DOMAIN_MAX + 1];
	char origin[NOTE_NAME_MAX + 1];	/* of the appliance's log */
	uint8_t threshold, count;	/* SHARE_MIN <= M <= N <= SHARE_MAX */
	uint8_t check[CS_SHA256_LEN];
};

/* Copies the names; CS_E_RECOVER_THRESHOLD, CS_E_RECOVER_NAME. */
int share_head_set(struct share_head *h, const char *domain,
    const char *origin, size_t threshold, size_t count, struct diag *d)
    CS_WUR;

struct share {
	struct share_head head;
	uint8_t index;			/* 1 .. count: the x coordinate */
	struct secret *value;		/* owned; salt and secret, shared */
};

void share_done(struct share *s);
#define _cleanup_share_ _cleanup_(share_done)

/* The record; secret_free(*ret) */
int share_encode(const struct share *s, struct secret **ret, struct diag *d)
    CS_WUR;
/*
 * There is one record for each share and one share for each record.  *ret is
 * filled on success only.  CS_E_SHARE_TYPE, _FORMAT, TRUNCATED, TRAILING.
 */
int share_decode(struct secret *record, struct share *ret, struct diag *d)
    CS_WUR;

/* [i] is of the share with the index i + 1. */
struct share_entry {
	uint8_t cert[CS_SHA256_LEN];	/* SHA-256 of the custodian's, DER */
	uint8_t record[CS_SHA256_LEN];	/* of the record in clear */
	uint8_t file[CS_SHA256_LEN];	/* of the encrypted file */
	uint64_t size;			/* of that file, bytes */
};

struct share_manifest {
	struct share_head head;
	struct share_entry entry[SHARE_MAX];
};

/* The payload to be signed, an in-toto statement.  free(*ret) */
int share_manifest_format(const struct share_manifest *m, char **ret,
    size_t *ret_len, struct diag *d) CS_WUR;
/* The payload after its signature was checked.  CS_E_SHARE_MANIFEST */
int share_manifest_parse(const void *payload, size_t len,
    struct share_manifest *ret, struct diag *d) CS_WUR;
/* 1 .. count for the encrypted file, 0 if it is none of the set's */
size_t share_manifest_find(const struct share_manifest *m,
    const uint8_t file[CS_SHA256_LEN]);
/*
 * A share against its list, the first check that fails: CS_E_RECOVER_SET,
 * _DOMAIN, _ORIGIN, _TERMS, _INDEX; after that, CS_E_RECOVER_DIGEST.
 */
int share_check_head(const struct share_manifest *m, const struct share *s,
    struct diag *d) CS_WUR;
int share_check_digest(const struct share_manifest *m, const struct share *s,
    struct secret *record, struct diag *d) CS_WUR;

/*
 * CMS AuthEnvelopedData (RFC 5083), DER: AES-256-GCM for one recipient, by
 * RSA-OAEP with SHA-256, or ephemeral-static ECDH with the X9.63 KDF over
 * SHA-256 and AES-256 key wrap.  `openssl cms -decrypt -inform DER` reads it.
 */

/* One certificate of RSA 2048..4096, P-256 or P-384, with the key usage for
 * it if it says any.  Its times are not looked at: an offline clock is a
 * claim.  CS_E_SHARE_CERT */
int share_cert_check(const uint8_t *cert_der, size_t cert_len,
    uint8_t ret_key_id[CS_SHA256_LEN], struct diag *d) CS_WUR;
/* out is reset */
int share_seal(const uint8_t *cert_der, size_t cert_len,
    struct secret *record, struct buf *out, struct diag *d) CS_WUR;
/*
 * key is that of the certificate.  CS_E_SHARE_CMS, _KEY, _CERT, TOO_LARGE;
 * what was in it is not looked at: share_decode().  secret_free(*ret)
 */
int share_open(const uint8_t *cms, size_t len, EVP_PKEY *key,
    const uint8_t *cert_der, size_t cert_len, struct secret **ret,
    struct diag *d) CS_WUR;

#endif
