/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_DEFS_H
#define CS_DEFS_H

/*
 * Small things every file needs: attributes, cleanup by scope, hand-over.
 * Owning locals carry _cleanup_(foo_freep) and are handed over with
 * take_ptr()/take_fd(), so that every early return releases what it must.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define CS_WUR		__attribute__((warn_unused_result))
#define CS_PRINTF(f, a)	__attribute__((format(printf, f, a)))
#define _cleanup_(fn)	__attribute__((cleanup(fn)))

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

#define take_ptr(p)					\
	({						\
		__typeof__(p) take_ptr_tmp = (p);	\
		(p) = NULL;				\
		take_ptr_tmp;				\
	})

static inline int
take_fd(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

static inline void
close_fdp(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static inline void
free_ptrp(void *p)
{
	free(*(void **)p);
	*(void **)p = NULL;
}


#define _cleanup_fd_	_cleanup_(close_fdp)
#define _cleanup_free_	_cleanup_(free_ptrp)

/* For a result that is ignored on purpose: (void) does not silence gcc. */
static inline void
cs_ignore(int r)
{
	(void)r;
}

/* SHA-256 sizes, used in every format. */
#define CS_SHA256_LEN	32
#define CS_SHA256_HEX	64

#endif
