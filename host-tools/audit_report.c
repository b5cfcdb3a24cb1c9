/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/cli.h"
static int run(const struct cli *c, struct diag *d){(void)c;(void)d;return 0;}
const struct cli_verb verb_audit_report = { .group = "audit", .name = "report", .operands="", .about="x", .run = run };
