/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_HOSTKEY_H
#define CS_HOSTKEY_H

#include "lib/key.h"

/*
 * A private key that signs documents: a PEM file, or an object on a PKCS#11
 * token.  What it signs is verified with the public key before it is handed
 * out.
 */
struct hostkey;

void hostkey_free(struct hostkey **k);
static inline void
hostkey_freep(struct hostkey **k)
{
	hostkey_free(k);
}
#define _cleanup_hostkey_ _cleanup_(hostkey_freep)

/*
 * spec: a path, or "pkcs11:..." (RFC 7512), for which module and pin_file
 * must be there.  For an encrypted PEM file pin_file holds the pass phrase.
 */
int hostkey_open(const char *spec, const char *module, const char *pin_file,
    struct hostkey **ret, struct diag *d) CS_WUR;
const struct pubkey *hostkey_public(const struct hostkey *k);
/* As pubkey_verify_message() verifies it.  free(*ret) */
int hostkey_sign(struct hostkey *k, const void *msg, size_t len,
    uint8_t **ret, size_t *ret_len, struct diag *d) CS_WUR;
/*
 * Adds this key's signature to the nold that there are, as a DSSE envelope.
 * free(*ret)
 */
struct dsse_new_sig;
int hostkey_dsse(struct hostkey *k, const void *payload, size_t len,
    const struct dsse_new_sig *old, size_t nold, char **ret, size_t *ret_len,
    struct diag *d) CS_WUR;

#endif
