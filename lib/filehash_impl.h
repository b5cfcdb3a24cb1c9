/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_FILEHASH_IMPL_H
#define CS_FILEHASH_IMPL_H

#include "lib/filehash.h"

/* Shared by lib/filehash*.c only. */
#define FILEHASH_HEAD_MAX   (64u << 10)	/* of a file, looked at */
#define FILEHASH_SKIPS	    2u
#define FILEHASH_KEEP	    16u

struct filehash_span {
	uint64_t at, len;
};

/* What is hashed: from..to without the skips, which are in order. */
struct filehash_plan {
	uint64_t from, to;
	struct filehash_span skip[FILEHASH_SKIPS];
	uint64_t keep;		/* where keep[] is in the file; 0: unused */
};

struct filehash_head {
	const uint8_t *p;	/* the file's first len bytes */
	size_t len;
	uint64_t size;		/* of the file */
};

struct filehash_type {
	size_t first;		/* bytes that plan() wants at least */
	/*
	 * 0 with *ret_want left at 0: *plan is complete.  With *ret_want: call
	 * again with so many bytes of the head, which are more than now.
	 */
	int (*plan)(const struct filehash_head *h, struct filehash_plan *plan,
	    size_t *ret_want, struct diag *d);
	/* at the end, what was at plan->keep; NULL: nothing to look at */
	int (*end)(const struct filehash_head *h,
	    const uint8_t keep[FILEHASH_KEEP], struct diag *d);
};

extern const struct filehash_type filehash_pe, filehash_rpm;

#endif
