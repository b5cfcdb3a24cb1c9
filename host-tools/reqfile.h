/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_REQFILE_H
#define CS_REQFILE_H

#include "host-tools/package.h"
#include "lib/evaluate.h"

/* A request bundle, as show, check and approve read it. */
struct reqfile {
	struct package *bundle;	/* NULL: the envelope alone */
	struct dsse *env;
	struct request *req;
};

void reqfile_done(struct reqfile *f);
#define _cleanup_reqfile_ _cleanup_(reqfile_done)

int reqfile_open(const char *path, struct reqfile *ret, struct diag *d)
    CS_WUR;

/* A bundle, or the request's envelope by itself. */
int reqfile_open_any(const char *path, struct reqfile *ret, struct diag *d)
    CS_WUR;
/* For people: all that the request says (request_show.c) */
void reqfile_show(const struct reqfile *f);

#endif
