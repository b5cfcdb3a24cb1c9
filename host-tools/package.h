/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_PACKAGE_H
#define CS_PACKAGE_H

#include "lib/sha.h"
#include "lib/tiles.h"

/*
 * Bundle files (usb-transfer/PROTOCOL.bundle) as the connected side uses
 * them.  Opening reads the whole file once and checks every member against
 * the manifest; later reads go by position and are compared with the
 * manifest's SHA-256 again, so that a file that changes meanwhile is found.
 */
struct package_member {
	char *name;
	uint64_t offset, size;
	uint8_t sha256[32];
};

struct package {
	int fd;
	char *path;
	const char *type;	/* "request", ... */
	struct package_member *v;		/* as in the file */
	const struct package_member **by_name;	/* sorted */
	size_t n;
	uint8_t manifest[32];	/* SHA-256 of it: pins all members */
};

void package_free(struct package **p);
static inline void
package_freep(struct package **p)
{
	package_free(p);
}
#define _cleanup_package_ _cleanup_(package_freep)

/* want: the type that it must be.  Artifacts are hashed as they pass. */
int package_open(const char *path, const char *want, struct package **ret,
    struct diag *d) CS_WUR;
/* NULL if there is none */
const struct package_member *package_find(const struct package *p,
    const char *name);
/* CS_E_LOG_MISSING if there is none; terminated; free(*ret) */
int package_read(const struct package *p, const char *name, size_t max,
    uint8_t **ret, size_t *ret_len, struct diag *d) CS_WUR;
/*
 * Digests (HASH_BIT() of each) of a member, streamed; its SHA-256, which is
 * always made, is compared again.
 */
int package_digests(const struct package *p, const struct package_member *m,
    uint32_t which, uint8_t digest[HASH_COUNT][HASH_MAX_LEN], struct diag *d)
    CS_WUR;
/* Tiles out of an audit bundle; p must outlive it. */
struct tile_source package_tiles(struct package *p);

/* One member of a bundle to be written: bytes in memory, or a file. */
struct package_item {
	char name[101];
	const void *data;	/* or NULL and path */
	const char *path;
	uint64_t size;
	uint8_t sha256[32];
};

/*
 * A new file beside out, fsync, rename.  Items in their order in the
 * bundle, without "manifest" and "type".  A file whose content is no longer
 * what the item says is CS_E_HOST_CHANGED.
 */
int package_write(const char *out, const char *type,
    const struct package_item *items, size_t n, struct diag *d) CS_WUR;

#endif
