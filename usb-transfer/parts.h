/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_PARTS_H
#define CS_PARTS_H

#include "lib/err.h"

/*
 * A bundle that no FAT file can hold lies in parts, each a file of the root
 * folder: the first has the bundle's own name, the others the names of
 * PROTOCOL.media, section 4.  All but the last have exactly PART_BYTES.
 */
#define PART_BYTES	4294901760u	/* 4 GiB less 64 KiB: whole clusters */
#define PARTS_MAX	100u		/* ".REQ", ".R01" to ".R99" */
#define PART_NAME	13u		/* "COLDSEAL.R01" and NUL */

struct part {
	bool there;
	uint64_t size;	/* bytes */
};

/* How many parts a bundle of that name may have: 1 or PARTS_MAX. */
size_t parts_allowed(const char *name);
/* Part i of the bundle of that name; i below parts_allowed(name). */
void part_name(const char *name, size_t i, char ret[PART_NAME]);
/* How many a bundle of size bytes takes: at least one.  MEDIA-SPACE */
int parts_count(const char *name, uint64_t size, uint32_t part_bytes,
    size_t *ret, struct diag *d) CS_WUR;
/*
 * v[0] is the file of that name, v[i] its part i, as a folder has them.
 * *ret_n is 0 if there is none at all.  MEDIA-PART-MISSING, MEDIA-PART-SIZE
 */
int parts_check(const char *name, const struct part v[PARTS_MAX],
    uint32_t part_bytes, size_t *ret_n, struct diag *d) CS_WUR;

#endif
