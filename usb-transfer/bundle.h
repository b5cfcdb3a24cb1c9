/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_BUNDLE_H
#define CS_BUNDLE_H

#include "lib/buf.h"
#include "lib/sha.h"

/*
 * The bundle, PROTOCOL.bundle: a canonical POSIX ustar archive whose first
 * member lists the SHA-256 of all others.  Headers are constructed and
 * compared, never parsed.
 */
#define BUNDLE_NAME_MAX		100u
#define BUNDLE_MANIFEST_MAX	(8u << 20)
#define BUNDLE_DOC_MAX		(16u << 20)
#define BUNDLE_MEMBERS_MAX	40000u
#define BUNDLE_SIZE_MAX		((UINT64_C(1) << 33) - 1)	/* a member */

enum bundle_type {
	BUNDLE_REQUEST,
	BUNDLE_APPROVAL,
	BUNDLE_RESPONSE,
	BUNDLE_AUDIT,
	BUNDLE_RECEIPT,
	BUNDLE_ATTEST,
	BUNDLE_TYPE_COUNT
};
const char *bundle_type_name(enum bundle_type t);
int bundle_type_from_name(const char *s, enum bundle_type *ret) CS_WUR;
/* The content of the member "type"; returns its length. */
int bundle_type_text(enum bundle_type t, char out[64]);
/* 1 if it is a name that a member may have */
int bundle_name_ok(const char *name);

/* The 512 bytes of a member's header. */
int bundle_header(const char *name, uint64_t size, uint8_t out[512],
    struct diag *d) CS_WUR;

/* --- reading ----------------------------------------------------------- */

/* At most n bytes, *ret_n 0 only at the end. */
typedef int bundle_read_fn(void *arg, void *buf, size_t n, size_t *ret_n,
    struct diag *d);

struct bundle_member {
	const char *name;
	uint64_t size;
	const uint8_t *sha256;	/* from the manifest; checked at its end */
};

/*
 * Called in order: begin once per member after the manifest, data as it
 * comes, end when its hash was right.
 */
struct bundle_sink {
	int (*begin)(void *arg, const struct bundle_member *m, struct diag *d);
	int (*data)(void *arg, const void *p, size_t n, struct diag *d);
	int (*end)(void *arg, const struct bundle_member *m, struct diag *d);
	void *arg;
};

/*
 * Reads a whole bundle of the wanted type; nothing may follow it.  Every
 * member is hashed once, here.  ret_manifest: SHA-256 of the manifest, which
 * pins all contents; may be NULL.
 */
int bundle_read(bundle_read_fn *read, void *arg, enum bundle_type want,
    const struct bundle_sink *sink, uint8_t ret_manifest[32], struct diag *d)
    CS_WUR;

/* --- writing ----------------------------------------------------------- */

struct bundle_writer;
void bundle_writer_free(struct bundle_writer **w);
static inline void
bundle_writer_freep(struct bundle_writer **w)
{
	bundle_writer_free(w);
}
#define _cleanup_bundle_ _cleanup_(bundle_writer_freep)

int bundle_writer_new(enum bundle_type t, struct bundle_writer **ret) CS_WUR;
/* In the order of PROTOCOL.bundle; bytes are copied, fd is duplicated. */
int bundle_writer_add(struct bundle_writer *w, const char *name,
    const void *data, size_t len, struct diag *d) CS_WUR;
/* Hashes now, unless sha256 is given: then bundle_writer_check() will. */
int bundle_writer_add_fd(struct bundle_writer *w, const char *name, int fd,
    uint64_t off, uint64_t len, const uint8_t *sha256, struct diag *d) CS_WUR;
/* Makes the manifest; nothing may be added after it. */
int bundle_writer_finish(struct bundle_writer *w, struct diag *d) CS_WUR;
uint64_t bundle_writer_size(const struct bundle_writer *w);
/* n bytes of the archive at off (random access, after finish) */
int bundle_writer_read(struct bundle_writer *w, uint64_t off, void *buf,
    size_t n, struct diag *d) CS_WUR;
/* Hashes every member again: CS_E_BUNDLE_HASH if one changed meanwhile. */
int bundle_writer_check(struct bundle_writer *w, struct diag *d) CS_WUR;
/* the whole archive to a descriptor */
int bundle_writer_to_fd(struct bundle_writer *w, int fd,
    int (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
    struct diag *d) CS_WUR;

#endif
