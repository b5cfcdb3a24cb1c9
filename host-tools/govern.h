/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_GOVERN_H
#define CS_GOVERN_H

#include "host-tools/cli.h"
#include "lib/authority.h"
#include "lib/buf.h"
#include "lib/policy.h"

/* What the verbs about a policy's meaning share. */

/*
 * A policy in any state: the signed envelope, its statement, or the JSON that
 * is yet to be signed.  Signatures are not looked at.
 */
int govern_load(const char *path, struct policy **ret, struct diag *d) CS_WUR;
/* An option's time, or now if it was not given. */
int govern_time(const struct cli *c, size_t opt, int64_t *ret, struct diag *d)
    CS_WUR;
/* Text that is already fit for a terminal; r is returned if it is not 0. */
int govern_print(int r, struct buf *text, struct diag *d) CS_WUR;
/* its lines as a list; NULL if there is no memory */
json_t *govern_lines(const struct buf *text);

/* As text, JSON or CSV; both is CS_E_USAGE. */
int govern_print_authority(const struct authority *a, bool json, bool csv,
    struct diag *d) CS_WUR;

static inline void
govern_buf_done(struct buf *b)
{
	buf_done(b);
}
#define _cleanup_govern_ _cleanup_(govern_buf_done)
#define GOVERN_TEXT_MAX	(256u << 20)

#endif
