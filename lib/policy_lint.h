/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_POLICY_LINT_H
#define CS_POLICY_LINT_H

#include <jansson.h>

#include "lib/policy.h"

/*
 * What a policy that loads may still get wrong.  Errors are what cannot work
 * (a rule that nobody can ever satisfy); warnings are what somebody should
 * have meant.  The IDs are LINT-* in lib/errors/lint.def.
 */
struct lint_finding {
	int code;		/* CS_E_LINT_* */
	bool error;		/* else a warning */
	char *found;		/* printable ASCII */
};

struct lint {
	struct lint_finding *v;	/* errors first */
	size_t n, cap;
	size_t errors;
};

void lint_done(struct lint *l);
#define _cleanup_lint_ _cleanup_(lint_done)

/* at: the time that validity, windows and dates are compared with */
int policy_lint(const struct policy *p, int64_t at, struct lint *ret) CS_WUR;

#endif
