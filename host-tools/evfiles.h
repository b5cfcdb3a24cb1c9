/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_EVFILES_H
#define CS_EVFILES_H

#include "host-tools/reqfile.h"
#include "lib/evidence.h"

/* The evidence of a request, as the appliance would have it from a bundle. */
struct evfiles {
	struct evidence_doc *v;	/* data is owned, names are not */
	size_t n;
};

void evfiles_done(struct evfiles *e);
#define _cleanup_evfiles_ _cleanup_(evfiles_done)

/* What the request names and the bundle has; without a bundle nothing. */
int evfiles_read(const struct reqfile *f, struct evfiles *e, struct diag *d)
    CS_WUR;
/*
 * A file that would go along: the request in memory names it from then on.
 * path must outlive both.
 */
int evfiles_add(struct reqfile *f, const char *path, struct evfiles *e,
    struct diag *d) CS_WUR;

#endif
