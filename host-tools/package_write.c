/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a bundle as a stream: every digest is known before, so that one
 * file is open at a time however many artifacts there are.  What was written
 * is read back by the reader that the appliance has, before it gets its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "host-tools/newfile.h"
#include "host-tools/package.h"
#include "host-tools/progress.h"
#include "lib/buf.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "usb-transfer/bundle.h"

#define BLOCK 512u
#define CHUNK (1u << 20)

struct writing {
	int fd;
	const char *out;
	uint8_t *chunk;
	struct hasher *h;
	struct progress bar;
};

static void
writing_done(struct writing *w)
{
	free(w->chunk);
	hasher_free(&w->h);
}

static void
buf_donep(struct buf *b)
{
	buf_done(b);
}

static int
put(struct writing *w, const void *data, size_t n, struct diag *d)
{
	if (fd_write_all(w->fd, data, n) != 0)
		return diag_errno(d, CS_E_IO, "%s", w->out);
	return 0;
}

static int
put_header(struct writing *w, const char *name, uint64_t size, struct diag *d)
{
	uint8_t header[BLOCK];
	int r = bundle_header(name, size, header, d);

	return r != 0 ? r : put(w, header, sizeof(header), d);
}

static int
put_padding(struct writing *w, uint64_t size, struct diag *d)
{
	static const uint8_t zero[BLOCK];

	return put(w, zero, (size_t)((BLOCK - size % BLOCK) % BLOCK), d);
}

static int
put_bytes(struct writing *w, const char *name, const void *data, size_t n,
    struct diag *d)
{
	int r;

	r = put_header(w, name, n, d);
	if (r == 0)
		r = put(w, data, n, d);
	return r != 0 ? r : put_padding(w, n, d);
}

/* Exactly size bytes of fd with that SHA-256. */
static int
copy_file(struct writing *w, int fd, const struct package_item *it,
    struct diag *d)
{
	uint64_t left = it->size;
	uint8_t digest[32];
	ssize_t n;
	int r;

	r = hasher_reset(w->h);
	while (r == 0 && left > 0) {
		n = read(fd, w->chunk, left < CHUNK ? (size_t)left : CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return diag_errno(d, CS_E_IO, "%s", it->path);
		if (n == 0)
			break;
		r = hasher_update(w->h, w->chunk, (size_t)n);
		if (r == 0 && (r = put(w, w->chunk, (size_t)n, d)) != 0)
			return r;
		left -= (uint64_t)n;
		progress_add(&w->bar, (uint64_t)n);
	}
	if (r == 0)
		r = hasher_final(w->h, digest, sizeof(digest));
	if (r != 0)
		return diag_fail(d, r, NULL, "hashing %s", it->path);
	if (left > 0 || memcmp(digest, it->sha256, sizeof(digest)) != 0)
		return diag_fail(d, CS_E_HOST_CHANGED, "a file at rest",
		    "%s is no longer what was hashed", it->path);
	return 0;
}

static int
put_file(struct writing *w, const struct package_item *it, struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	int r;

	fd = open(it->path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return diag_errno(d, CS_E_IO, "%s", it->path);
	r = put_header(w, it->name, it->size, d);
	if (r == 0)
		r = copy_file(w, fd, it, d);
	return r != 0 ? r : put_padding(w, it->size, d);
}

static int
add_line(struct buf *manifest, const uint8_t sha[32], const char *name)
{
	char hex[CS_SHA256_HEX + 1];

	hex_encode(sha, 32, hex);
	return buf_putf(manifest, "%s  %s\n", hex, name);
}

/* manifest and type, which every bundle begins with */
static int
put_front(struct writing *w, const char *type, const struct package_item *items,
    size_t n, struct diag *d)
{
	_cleanup_(buf_donep) struct buf manifest =
	    BUF_INIT(BUNDLE_MANIFEST_MAX);
	enum bundle_type t;
	uint8_t digest[32];
	char text[64];
	size_t i;
	int r;

	r = bundle_type_from_name(type, &t);
	if (r == 0)
		(void)bundle_type_text(t, text);
	if (r == 0)
		r = sha256(text, strlen(text), digest);
	if (r == 0)
		r = add_line(&manifest, digest, "type");
	for (i = 0; r == 0 && i < n; i++)
		r = add_line(&manifest, items[i].sha256, items[i].name);
	if (r != 0)
		return diag_fail(d, r, NULL, "the manifest of %s", w->out);
	r = put_bytes(w, "manifest", manifest.p, manifest.len, d);
	return r != 0 ? r : put_bytes(w, "type", text, strlen(text), d);
}

static int
put_all(struct writing *w, const char *type, const struct package_item *items,
    size_t n, struct diag *d)
{
	static const uint8_t end[2 * BLOCK];
	uint64_t total = 0;
	size_t i;
	int r;

	w->chunk = malloc(CHUNK);
	if (w->chunk == NULL)
		return diag_nomem(d);
	r = hasher_new(HASH_SHA256, &w->h);
	if (r != 0)
		return diag_fail(d, r, NULL, "hashing");
	for (i = 0; i < n; i++)
		total += items[i].path != NULL ? items[i].size : 0;
	progress_start(&w->bar, "writing", total);
	r = put_front(w, type, items, n, d);
	for (i = 0; r == 0 && i < n; i++)
		r = items[i].path != NULL ?
		    put_file(w, &items[i], d) :
		    put_bytes(w, items[i].name, items[i].data,
			(size_t)items[i].size, d);
	if (r == 0)
		r = put(w, end, sizeof(end), d);
	progress_end(&w->bar);
	return r;
}

int
package_write(const char *out, const char *type,
    const struct package_item *items, size_t n, struct diag *d)
{
	_cleanup_newfile_ struct newfile f = NEWFILE_INIT;
	_cleanup_(writing_done) struct writing w = { .out = out };
	_cleanup_package_ struct package *back = NULL;
	int r;

	r = newfile_open(out, &f, d);
	if (r != 0)
		return r;
	w.fd = f.fd;
	r = put_all(&w, type, items, n, d);
	if (r == 0)
		r = package_open(f.tmp, type, &back, d);
	return r != 0 ? r : newfile_commit(&f, d);
}
