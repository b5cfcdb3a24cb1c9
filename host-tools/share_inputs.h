/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SHARE_INPUTS_H
#define CS_SHARE_INPUTS_H

#include "lib/share.h"

/* What a custodian's commands read from files. */

struct certfile {
	uint8_t *der;
	size_t len;
	uint8_t digest[CS_SHA256_LEN];	/* SHA-256 of der */
};

void certfile_done(struct certfile *c);
#define _cleanup_certfile_ _cleanup_(certfile_done)

/* One certificate, PEM or DER.  CS_E_SHARE_CERT */
int certfile_load(const char *path, struct certfile *ret, struct diag *d)
    CS_WUR;
/*
 * A private key in PEM that only its owner can read; pass_file, or NULL, holds
 * its pass phrase on one line.  EVP_PKEY_free(*ret)
 */
int share_key_load(const char *path, const char *pass_file, EVP_PKEY **ret,
    struct diag *d) CS_WUR;
/*
 * The appliance's list of shares, a DSSE envelope.  record_key: PEM file of
 * the one key that must have signed it, or NULL: it is not checked.
 */
int share_list_load(const char *path, const char *record_key,
    struct share_manifest *ret, struct diag *d) CS_WUR;
/* The encrypted file; free(*ret) */
int share_file_load(const char *path, uint8_t **ret, size_t *ret_len,
    struct diag *d) CS_WUR;

#endif
