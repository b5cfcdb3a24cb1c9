/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_FILEHASH_H
#define CS_FILEHASH_H

#include "lib/sha.h"

/*
 * The digest that a format signs of a file where that is not the file's own:
 * some bytes are left out, or others follow.  In one pass over the file, in
 * constant memory.  Where the request is made it goes into the request, and
 * intake computes it again; lib/PROTOCOL.formats.
 */
enum filehash_how {
	FILEHASH_NONE,
	FILEHASH_ALL,		/* all bytes */
	FILEHASH_PE,		/* Authenticode of a PE image */
	FILEHASH_RPM,		/* the header of an RPM package */
	FILEHASH_HOWS
};
#define FILEHASH_SUFFIX_MAX 256u

struct filehash;

/* suffix: what is hashed behind the file's bytes; copied */
int filehash_new(enum filehash_how how, enum hash_alg alg, const void *suffix,
    size_t len, struct filehash **ret) CS_WUR;
void filehash_free(struct filehash **h);
static inline void
filehash_freep(struct filehash **h)
{
	filehash_free(h);
}
#define _cleanup_filehash_ _cleanup_(filehash_freep)

/* A file of size bytes begins. */
int filehash_start(struct filehash *h, uint64_t size) CS_WUR;
/* What is wrong with the file is said at its end. */
int filehash_update(struct filehash *h, const void *data, size_t len) CS_WUR;
/* Bytes of the digest into ret, or what the file is refused for. */
int filehash_final(struct filehash *h, uint8_t ret[HASH_MAX_LEN],
    size_t *ret_len, struct diag *d) CS_WUR;

#endif
