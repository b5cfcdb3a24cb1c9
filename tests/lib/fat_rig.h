/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_FAT_RIG_H
#define CS_FAT_RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "usb-transfer/fat.h"

/*
 * Images by mkfs.fat and mtools in a folder of their own; copies of them in
 * memory, broken in one place; what the reader says of them.  Failures end
 * the test.
 */
#define NAME	 "COLDSEAL.REQ"
#define SHORT	 "COLDSEALREQ"
#define CHUNK	 65536u
#define MIB	 (1u << 20)
#define PART_LBA 2048u		/* where with_mbr() puts the partition */

int fat_rig_setup(void **state);
int fat_rig_teardown(void **state);
/* A tool in that folder; in: what it reads, or NULL. */
void fat_rig_run(const char *in, const char *const argv[]);
#define run(...) fat_rig_run(NULL, (const char *const[]){ __VA_ARGS__, NULL })
void fat_rig_path(const char *name, char out[512]);
/* Bytes that differ from sector to sector. */
void make_file(const char *name, size_t n);
void make_blank(const char *name, off_t size);
/* A whole superfloppy: type "16" or "32", sectors per cluster. */
void make_image(const char *name, unsigned mib, const char *type,
    const char *spc);

struct image {
	uint8_t *p;	/* free() */
	size_t n;
};
void load(const char *name, struct image *ret);
/* A file of that name is then this image. */
void store(const char *name, const struct image *im);

/* The reader: 0 or the refusal. */
int find_file(const struct blkdev *dev, const char *name,
    struct fat **ret_fat, struct fat_file *ret, struct diag *d);
/* The file's SHA-256 and size, or the refusal. */
int read_name(const struct blkdev *dev, const char *name, size_t chunk,
    uint8_t sha[32], uint64_t *ret_size, struct diag *d);
int verdict(const struct image *im);
#define expect(im, code) expect_at(im, code, __LINE__)
void expect_at(const struct image *im, int code, int line);
/* What is read from the image is what was put in. */
void check_same(const char *image, const char *file);

struct layout {
	bool is32;
	size_t start, fat, fat_bytes, root, data, cluster;
	uint32_t clusters;
};
void measure(const struct image *im, size_t start, struct layout *l);
uint32_t get(const uint8_t *p, size_t n);
void set(uint8_t *p, size_t n, uint32_t v);
/* In the first cluster of the root folder. */
uint8_t *entry(const struct image *im, const struct layout *l,
    const char *name11);
uint32_t first_of(const uint8_t *e);
void set_link(const struct image *im, const struct layout *l, uint32_t c,
    uint32_t to);
/* The volume of an image moved behind an MBR with one partition. */
void with_mbr(struct image *im, uint8_t type);

#endif
