/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUTHORITY_IMPL_H
#define CS_AUTHORITY_IMPL_H

#include "lib/authority.h"
#include "lib/policy_words.h"

/* Shared by lib/authority*.c only. */
static inline bool
authority_valid(int64_t from, int64_t until, int64_t at)
{
	return from <= at && at <= until;
}

/* "the key is retired; 2 people are needed, 1 is eligible" */
void authority_put_why(struct words *w, const struct authority *a,
    const struct authority_row *row);
const char *authority_end_words(enum authority_end e);
/* the rows of all groups, filtered and sorted */
int authority_rows(struct authority *a, const struct authority_opts *o) CS_WUR;
/* how many minimal sets there are */
int authority_count(const struct authority_group *g, uint64_t *ret) CS_WUR;

#endif
