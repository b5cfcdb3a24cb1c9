/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_HOSTKEY_PRIVATE_H
#define CS_HOSTKEY_PRIVATE_H

#include "host-tools/hostkey.h"
#include "lib/secret.h"

/* Where a hostkey's signatures come from. */
struct hostkey_ops {
	int (*sign)(void *arg, const struct pubkey *pub, const void *msg,
	    size_t len, uint8_t **ret, size_t *ret_len, struct diag *d);
	void (*close)(void *arg);
};

struct hostkey {
	const struct hostkey_ops *ops;
	void *arg;
	struct pubkey *pub;
};

/*
 * Both fill *ret on success only.  pin is borrowed and may be NULL; the token
 * keeps it, if it opens.
 */
int hostkey_pem_open(const char *path, struct secret *pin,
    struct hostkey *ret, struct diag *d) CS_WUR;
int hostkey_p11_open(const char *uri, const char *module, struct secret **pin,
    struct hostkey *ret, struct diag *d) CS_WUR;

/* A file of at most one page into a secret. */
int secret_read_file(const char *path, struct secret **ret, struct diag *d)
    CS_WUR;

#endif
