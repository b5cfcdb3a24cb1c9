/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TOKEN_LOG_OPS_H
#define CS_TOKEN_LOG_OPS_H

#include "lib/secret.h"
#include "lib/token_log.h"

/*
 * How the log of an HSM is read.  PKCS#11 has no call for it: each vendor has
 * a library of its own, which is loaded before the sandbox, as a PKCS#11
 * module is, and lives only in the signer.
 *
 *	open -> room ...
 *	     -> login -> read -> (durable in our log) -> taken -> logout
 */
struct token_log_dev;
struct token_log_ops {
	/* library: absolute path; connector: the vendor's way to the device */
	int (*open)(const char *library, const char *connector,
	    struct token_log_dev **ret, struct diag *d);
	/* entries that it can hold, and that it holds; needs no login */
	int (*room)(struct token_log_dev *v, uint32_t *ret_total,
	    uint32_t *ret_used, struct diag *d);
	/* with the PIN of its key domain */
	int (*login)(struct token_log_dev *v, struct secret *pin,
	    struct diag *d);
	int (*read)(struct token_log_dev *v, struct token_log *ret,
	    struct diag *d);
	/* the token may forget the entries up to this number */
	int (*taken)(struct token_log_dev *v, uint16_t number, struct diag *d);
	void (*logout)(struct token_log_dev *v);
	void (*close)(struct token_log_dev **v);
};

extern const struct token_log_ops token_log_yubihsm;

#endif
