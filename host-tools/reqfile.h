/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_REQFILE_H
#define CS_REQFILE_H

#include "host-tools/package.h"
#include "lib/evaluate.h"

/* A request bundle, as show, check and approve read it. */
struct reqfile {
	struct package *bundle;
	struct dsse *env;
	struct request *req;
};

void reqfile_done(struct reqfile *f);
#define _cleanup_reqfile_ _cleanup_(reqfile_done)

int reqfile_open(const char *path, struct reqfile *ret, struct diag *d)
    CS_WUR;

/* For people: all that the request says (request_show.c) */
void reqfile_show(const struct reqfile *f);

/* What the policy says of it now (request_check.c); checks_done() */
struct verdict {
	struct checks checks;
	const struct policy_principal *who;
	const struct policy_rule *rule;
};
int reqfile_judge(const struct reqfile *f, const struct policy *p,
    struct verdict *v, struct diag *d) CS_WUR;

#endif
