/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_INSTALL_H
#define CS_INSTALL_H

#include "lib/sigfmt.h"

/*
 * Puts a signature and its artifact together in a new file, without changing
 * any other byte.  The artifact is read once, from front to back; what was
 * read must be what was signed (HOST-CHANGED).
 */
struct install {
	const struct subject *subject;	/* what was signed */
	int in, out;			/* out: empty, written and read */
	uint64_t size;			/* bytes of in */
	const uint8_t *sig;		/* as exported, verified */
	size_t len;
};

int install_write(enum sigfmt_install how, const struct install *x,
    struct diag *d) CS_WUR;
/* For people: what was done, or that there is nothing to do. */
const char *install_about(enum sigfmt_install how);

#endif
