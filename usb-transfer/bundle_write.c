/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writing a bundle.  Members are hashed when they are added; the archive is
 * then a function from offset to bytes, so that a volume can be written from
 * it and compared with it without a copy.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "lib/hex.h"
#include "usb-transfer/bundle_private.h"

#define CHUNK (1u << 20)

struct member {
	uint8_t *data; /* or NULL: bytes of the shared descriptor */
	int *fd;       /* freed by the member that owns it */
	bool owner;
	uint64_t off, size; /* in the descriptor */
	uint64_t at;	    /* of the header, in the archive */
};

struct bundle_writer {
	enum bundle_type type;
	struct member *m; /* m[0]: the manifest, made at the end */
	struct bundle_entry *e;
	size_t n, cap;
	uint64_t size;
	bool finished;
	size_t last; /* member of the last read: they ascend */
};

void
bundle_writer_free(struct bundle_writer **wp)
{
	struct bundle_writer *w = *wp;
	size_t i;

	if (w == NULL)
		return;
	for (i = 0; i < w->n; i++) {
		free(w->m[i].data);
		free(w->e[i].name);
		if (w->m[i].owner) {
			close_fdp(w->m[i].fd);
			free(w->m[i].fd);
		}
	}
	free(w->m);
	free(w->e);
	free(w);
	*wp = NULL;
}

static int
grow(struct bundle_writer *w)
{
	size_t cap = w->cap == 0 ? 32 : w->cap * 2;
	void *m, *e;

	m = reallocarray(w->m, cap, sizeof(*w->m));
	if (m != NULL)
		w->m = m;
	e = reallocarray(w->e, cap, sizeof(*w->e));
	if (e != NULL)
		w->e = e;
	if (m == NULL || e == NULL)
		return CS_E_NOMEM;
	w->cap = cap;
	return 0;
}

static int
new_member(struct bundle_writer *w, const char *name, struct diag *d)
{
	if (w->finished || w->n > BUNDLE_MEMBERS_MAX)
		return diag_fail(d, CS_E_BUNDLE_LARGE, "at most 40000 members",
		    "%zu", w->n);
	if (w->n == w->cap && grow(w) != 0)
		return diag_nomem(d);
	memset(&w->m[w->n], 0, sizeof(w->m[0]));
	memset(&w->e[w->n], 0, sizeof(w->e[0]));
	w->e[w->n].name = strdup(name);
	if (w->e[w->n].name == NULL)
		return diag_nomem(d);
	w->n++;
	return 0;
}

int
bundle_writer_new(enum bundle_type t, struct bundle_writer **ret)
{
	_cleanup_bundle_ struct bundle_writer *w = calloc(1, sizeof(*w));
	char text[64];
	int n, r;

	if (w == NULL)
		return CS_E_NOMEM;
	w->type = t;
	r = new_member(w, "manifest", NULL);
	if (r != 0)
		return r;
	n = bundle_type_text(t, text);
	r = bundle_writer_add(w, "type", text, (size_t)n, NULL);
	if (r == 0)
		*ret = take_ptr(w);
	return r;
}

int
bundle_writer_add(struct bundle_writer *w, const char *name, const void *data,
    size_t len, struct diag *d)
{
	struct member *m;
	int r;

	r = new_member(w, name, d);
	if (r != 0)
		return r;
	m = &w->m[w->n - 1];
	m->data = malloc(len + 1);
	if (m->data == NULL)
		return diag_nomem(d);
	if (len > 0)
		memcpy(m->data, data, len);
	m->size = len;
	return sha256(data, len, w->e[w->n - 1].sha256);
}

static int
hash_fd(int fd, uint64_t off, uint64_t len, uint8_t ret[32], struct diag *d)
{
	_cleanup_free_ uint8_t *buf = malloc(CHUNK);
	struct hasher *h = NULL;
	uint64_t done = 0;
	int r;

	if (buf == NULL)
		return diag_nomem(d);
	r = hasher_new(HASH_SHA256, &h);
	while (r == 0 && done < len) {
		size_t n = len - done > CHUNK ? CHUNK : (size_t)(len - done);

		if (fd_pread_all(fd, buf, n, (off_t)(off + done)) != 0)
			r = diag_errno(d, CS_E_IO, "reading a member");
		else
			r = hasher_update(h, buf, n);
		done += n;
	}
	if (r == 0)
		r = hasher_final(h, ret, 32);
	hasher_free(&h);
	return r;
}

/* The same open file, by inode: descriptor numbers are used again. */
static bool
same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 &&
	    sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* Members of one file in a row share one duplicate. */
static int
share_fd(struct bundle_writer *w, struct member *m, int fd, struct diag *d)
{
	const struct member *before = w->n >= 2 ? &w->m[w->n - 2] : NULL;

	if (before != NULL && before->fd != NULL &&
	    same_file(*before->fd, fd)) {
		m->fd = before->fd;
		return 0;
	}
	m->fd = malloc(sizeof(*m->fd));
	if (m->fd == NULL)
		return diag_nomem(d);
	m->owner = true;
	*m->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return *m->fd >= 0 ? 0 : diag_errno(d, CS_E_IO, "descriptor");
}

int
bundle_writer_add_fd(struct bundle_writer *w, const char *name, int fd,
    uint64_t off, uint64_t len, const uint8_t *hash, struct diag *d)
{
	struct member *m;
	int r;

	r = new_member(w, name, d);
	if (r != 0)
		return r;
	m = &w->m[w->n - 1];
	m->off = off;
	m->size = len;
	r = share_fd(w, m, fd, d);
	if (r != 0)
		return r;
	if (hash == NULL)
		return hash_fd(fd, off, len, w->e[w->n - 1].sha256, d);
	memcpy(w->e[w->n - 1].sha256, hash, 32);
	return 0;
}

static int
make_manifest(struct bundle_writer *w, struct diag *d)
{
	struct buf b = BUF_INIT(BUNDLE_MANIFEST_MAX);
	char hex[65];
	size_t i;
	int r = 0;

	for (i = 1; r == 0 && i < w->n; i++) {
		hex_encode(w->e[i].sha256, 32, hex);
		r = buf_putf(&b, "%s  %s\n", hex, w->e[i].name);
	}
	if (r != 0) {
		buf_done(&b);
		return diag_fail(d, r, "a manifest of at most 8 MiB",
		    "%zu members", w->n);
	}
	w->m[0].data = b.p;
	w->m[0].size = b.len;
	return 0;
}

static uint64_t
padded(uint64_t n)
{
	return (n + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

int
bundle_writer_finish(struct bundle_writer *w, struct diag *d)
{
	uint64_t at = 0;
	size_t i;
	int r;

	r = bundle_check_order(w->type, w->e + 1, w->n - 1, d);
	if (r == 0)
		r = make_manifest(w, d);
	for (i = 0; r == 0 && i < w->n; i++) {
		if (i > 0 && w->m[i].size > bundle_limit(w->e[i].name))
			return diag_fail(d, CS_E_BUNDLE_LARGE,
			    "a smaller member", "%s: %llu bytes", w->e[i].name,
			    (unsigned long long)w->m[i].size);
		w->m[i].at = at;
		at += TAR_BLOCK + padded(w->m[i].size);
	}
	if (r != 0)
		return r;
	w->size = at + 2 * TAR_BLOCK;
	w->finished = true;
	return 0;
}

uint64_t
bundle_writer_size(const struct bundle_writer *w)
{
	return w->size;
}

/* The member whose header or data off is in; w->n for the end blocks. */
static size_t
member_at(struct bundle_writer *w, uint64_t off)
{
	size_t i = w->last;

	if (i >= w->n || w->m[i].at > off)
		i = 0;
	while (i < w->n && w->m[i].at + TAR_BLOCK + padded(w->m[i].size) <= off)
		i++;
	w->last = i;
	return i;
}

static int
header_piece(struct bundle_writer *w, size_t i, uint64_t in, uint8_t *buf,
    size_t n, size_t *ret_n, struct diag *d)
{
	uint8_t header[TAR_BLOCK];
	uint64_t left = TAR_BLOCK - in;
	int r;

	r = bundle_header(w->e[i].name, w->m[i].size, header, d);
	if (r != 0)
		return r;
	*ret_n = n < left ? n : (size_t)left;
	memcpy(buf, header + in, *ret_n);
	return 0;
}

/* Up to n bytes from off on, all of one kind; *ret_n is at least 1. */
static int
piece(struct bundle_writer *w, uint64_t off, uint8_t *buf, size_t n,
    size_t *ret_n, struct diag *d)
{
	size_t i = member_at(w, off);
	const struct member *m = &w->m[i];
	uint64_t in, left;

	if (i == w->n) {
		memset(buf, 0, n);
		*ret_n = n;
		return 0;
	}
	in = off - m->at;
	if (in < TAR_BLOCK)
		return header_piece(w, i, in, buf, n, ret_n, d);
	in -= TAR_BLOCK;
	left = in < m->size ? m->size - in : padded(m->size) - in;
	*ret_n = n < left ? n : (size_t)left;
	if (in >= m->size)
		memset(buf, 0, *ret_n);
	else if (m->data != NULL)
		memcpy(buf, m->data + in, *ret_n);
	else if (fd_pread_all(*m->fd, buf, *ret_n, (off_t)(m->off + in)) != 0)
		return diag_errno(d, CS_E_IO, "reading %s", w->e[i].name);
	return 0;
}

int
bundle_writer_read(struct bundle_writer *w, uint64_t off, void *buf, size_t n,
    struct diag *d)
{
	uint8_t *p = buf;
	size_t done = 0, k = 0;
	int r;

	if (!w->finished || off > w->size || n > w->size - off)
		return diag_fail(d, CS_E_INTERNAL, "an offset in the bundle",
		    "%llu", (unsigned long long)off);
	while (done < n) {
		r = piece(w, off + done, p + done, n - done, &k, d);
		if (r != 0)
			return r;
		done += k;
	}
	return 0;
}

int
bundle_writer_check(struct bundle_writer *w, struct diag *d)
{
	uint8_t hash[32];
	size_t i;
	int r;

	for (i = 1; i < w->n; i++) {
		if (w->m[i].data != NULL)
			continue;
		r = hash_fd(*w->m[i].fd, w->m[i].off, w->m[i].size, hash, d);
		if (r != 0)
			return r;
		if (memcmp(hash, w->e[i].sha256, 32) != 0)
			return diag_fail(d, CS_E_BUNDLE_HASH,
			    "what it was when the manifest was made",
			    "%.100s changed meanwhile", w->e[i].name);
	}
	return 0;
}

int
bundle_writer_to_fd(struct bundle_writer *w, int fd,
    int (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
    struct diag *d)
{
	_cleanup_free_ uint8_t *buf = malloc(CHUNK);
	uint64_t off = 0;
	int r = 0;

	if (buf == NULL)
		return diag_nomem(d);
	while (r == 0 && off < w->size) {
		size_t n =
		    w->size - off > CHUNK ? CHUNK : (size_t)(w->size - off);

		r = bundle_writer_read(w, off, buf, n, d);
		if (r == 0 && fd_write_all(fd, buf, n) != 0)
			r = diag_errno(d, CS_E_IO, "writing the bundle");
		off += n;
		if (r == 0 && progress != NULL)
			r = progress(arg, off, w->size);
	}
	return r;
}
