/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUDIT_TRACE_H
#define CS_AUDIT_TRACE_H

#include "host-tools/audit_view.h"

/*
 * Everything that the log says of one signature, as proven leaves:
 *	{"signature": L, "intake": L, "session": L, "intent": L,
 *	 "unseal": L, "token_log": L, "approvals": [L], "outcome": L,
 *	 "boot": L, "exports": [L],
 *	 "policy": {"leaf", "sha256", "version", "envelope"},
 *	 "checkpoint": {"size", "root", "imported", "bundle"}}
 * L is {"leaf": its number, "time": RFC 3339, and the leaf's own members};
 * what the log does not have is absent.
 */
int audit_trace_of(struct audit_view *a, uint64_t idx, json_t **ret,
    struct diag *d) CS_WUR;
/* The same for people, on stdout. */
void audit_trace_show(const json_t *trace);

#endif
