/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writing a bundle in two passes: members are added and hashed; then the
 * archive is a function from offset to bytes, asked for as often as a medium
 * needs.  Content that changed in between is found when it is read from front
 * to back again.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "lib/hex.h"
#include "usb-transfer/bundle_private.h"

#define CHUNK (1u << 20)
/* files of at most this size are kept as bytes: descriptors are scarce */
#define SMALL (16u << 10)

struct item {
	char *name;
	uint8_t sha256[32];
	uint8_t *data; /* or NULL and fd */
	int fd;	       /* one of the writer's */
	uint64_t off;  /* of the content in fd */
	uint64_t size;
	uint64_t at; /* of the header in the archive */
};

/* A descriptor that several members come from. */
struct source {
	int fd;
	dev_t dev;
	ino_t ino;
};

struct bundle_writer {
	enum bundle_type type;
	bool finished;
	/* the first two places are manifest and type */
	struct item *v;
	size_t n, cap;
	struct source *sources;
	size_t nsources, sources_cap;
	uint64_t total;
	/* the second pass's hash: item, and what was hashed of it */
	struct hasher *h;
	size_t hashing;
	uint64_t hashed;
	size_t last; /* item that was read last */
};

#define FIRST 2u

void
bundle_writer_free(struct bundle_writer **pw)
{
	struct bundle_writer *w = *pw;
	size_t i;

	if (w == NULL)
		return;
	for (i = 0; i < w->n; i++) {
		free(w->v[i].name);
		free(w->v[i].data);
	}
	for (i = 0; i < w->nsources; i++)
		close_fdp(&w->sources[i].fd);
	free(w->v);
	free(w->sources);
	hasher_free(&w->h);
	free(w);
	*pw = NULL;
}

int
bundle_writer_new(enum bundle_type t, struct bundle_writer **ret)
{
	_cleanup_bundle_ struct bundle_writer *w = calloc(1, sizeof(*w));
	int r;

	if (w == NULL)
		return CS_E_NOMEM;
	w->type = t;
	w->hashing = SIZE_MAX;
	w->v = calloc(64, sizeof(*w->v));
	if (w->v == NULL)
		return CS_E_NOMEM;
	w->cap = 64;
	w->n = FIRST;
	r = hasher_new(HASH_SHA256, &w->h);
	if (r != 0)
		return r;
	*ret = take_ptr(w);
	return 0;
}

/* A new item at the end, its name set; nothing else is. */
static int
new_item(struct bundle_writer *w, const char *name, struct item **ret,
    struct diag *d)
{
	struct item *it;
	size_t cap;

	if (w->finished)
		return diag_fail(d, CS_E_INTERNAL, "no member after the last",
		    "%s", name);
	if (w->n - FIRST == BUNDLE_MEMBERS_MAX - 1)
		return diag_fail(d, CS_E_BUNDLE_LARGE, "at most 40000 members",
		    "more");
	if (w->n == w->cap) {
		cap = w->cap * 2;
		it = reallocarray(w->v, cap, sizeof(*it));
		if (it == NULL)
			return diag_nomem(d);
		w->v = it;
		w->cap = cap;
	}
	it = &w->v[w->n];
	memset(it, 0, sizeof(*it));
	it->fd = -1;
	it->name = strdup(name);
	if (it->name == NULL)
		return diag_nomem(d);
	w->n++;
	*ret = it;
	return 0;
}

static int
set_bytes(struct item *it, const void *data, size_t len, struct diag *d)
{
	it->data = malloc(len + 1);
	if (it->data == NULL)
		return diag_nomem(d);
	if (len > 0)
		memcpy(it->data, data, len);
	it->size = len;
	return sha256(data, len, it->sha256);
}

int
bundle_writer_add(struct bundle_writer *w, const char *name, const void *data,
    size_t len, struct diag *d)
{
	struct item *it = NULL;
	int r;

	r = new_item(w, name, &it, d);
	return r == 0 ? set_bytes(it, data, len, d) : r;
}

/* Our own descriptor of the file behind fd; one for all members of it. */
static int
share_fd(struct bundle_writer *w, int fd, int *ret, struct diag *d)
{
	struct source *s;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return diag_errno(d, CS_E_IO, "a member's file");
	s = w->nsources > 0 ? &w->sources[w->nsources - 1] : NULL;
	if (s != NULL && s->dev == st.st_dev && s->ino == st.st_ino) {
		*ret = s->fd;
		return 0;
	}
	if (w->nsources == w->sources_cap) {
		size_t cap = w->sources_cap == 0 ? 16 : w->sources_cap * 2;

		s = reallocarray(w->sources, cap, sizeof(*s));
		if (s == NULL)
			return diag_nomem(d);
		w->sources = s;
		w->sources_cap = cap;
	}
	s = &w->sources[w->nsources];
	*s = (struct source){ fcntl(fd, F_DUPFD_CLOEXEC, 3), st.st_dev,
		st.st_ino };
	if (s->fd < 0)
		return diag_errno(d, CS_E_IO, "a member's file");
	w->nsources++;
	*ret = s->fd;
	return 0;
}

static int
read_content(const struct item *it, uint64_t off, void *buf, size_t n,
    struct diag *d)
{
	int r;

	if (it->data != NULL) {
		memcpy(buf, it->data + off, n);
		return 0;
	}
	errno = 0;
	r = fd_pread_all(it->fd, buf, n, (off_t)(it->off + off));
	if (r == CS_E_TRUNCATED)
		return diag_fail(d, CS_E_BUNDLE_HASH,
		    "the content that was hashed", "%s is shorter now",
		    it->name);
	return r == 0 ? 0 : diag_errno(d, CS_E_IO, "%s", it->name);
}

static int
hash_item(struct bundle_writer *w, struct item *it, struct diag *d)
{
	_cleanup_free_ uint8_t *buf = malloc(CHUNK);
	uint64_t off;
	size_t n;
	int r;

	if (buf == NULL)
		return diag_nomem(d);
	r = hasher_reset(w->h);
	for (off = 0; r == 0 && off < it->size; off += n) {
		n = it->size - off < CHUNK ? (size_t)(it->size - off) : CHUNK;
		r = read_content(it, off, buf, n, d);
		if (r == 0)
			r = hasher_update(w->h, buf, n);
	}
	return r == 0 ? hasher_final(w->h, it->sha256, 32) : r;
}

static int
copy_small(struct item *it, int fd, uint64_t off, size_t len, struct diag *d)
{
	uint8_t buf[SMALL];

	errno = 0;
	if (fd_pread_all(fd, buf, len, (off_t)off) != 0)
		return diag_errno(d, CS_E_IO, "%s: no %zu bytes", it->name,
		    len);
	return set_bytes(it, buf, len, d);
}

int
bundle_writer_add_fd(struct bundle_writer *w, const char *name, int fd,
    uint64_t off, uint64_t len, const uint8_t *sha, struct diag *d)
{
	struct item *it = NULL;
	int r;

	if (len > BUNDLE_SIZE_MAX || off > INT64_MAX - len)
		return diag_fail(d, CS_E_BUNDLE_LARGE, "less than 8 GiB",
		    "%s has %llu bytes", name, (unsigned long long)len);
	r = new_item(w, name, &it, d);
	if (r != 0)
		return r;
	if (len <= SMALL) {
		r = copy_small(it, fd, off, (size_t)len, d);
		if (r == 0 && sha != NULL && memcmp(it->sha256, sha, 32) != 0)
			return diag_fail(d, CS_E_BUNDLE_HASH,
			    "the content that was hashed", "another of %s",
			    name);
		return r;
	}
	it->off = off;
	it->size = len;
	r = share_fd(w, fd, &it->fd, d);
	if (r == 0 && sha == NULL)
		return hash_item(w, it, d);
	if (r == 0)
		memcpy(it->sha256, sha, 32);
	return r;
}

static int
put_line(struct buf *b, const struct item *it)
{
	char hex[CS_SHA256_HEX + 1];

	hex_encode(it->sha256, 32, hex);
	return buf_putf(b, "%s  %s\n", hex, it->name);
}

/* manifest and type, in the two places that were kept for them */
static int
make_front(struct bundle_writer *w, struct diag *d)
{
	struct buf b = BUF_INIT(BUNDLE_MANIFEST_MAX);
	char text[BUNDLE_TEXT_MAX];
	size_t i;
	int len, r;

	w->v[0].name = strdup("manifest");
	w->v[1].name = strdup("type");
	if (w->v[0].name == NULL || w->v[1].name == NULL)
		return diag_nomem(d);
	len = bundle_type_text(w->type, text);
	r = set_bytes(&w->v[1], text, (size_t)len, d);
	for (i = 1; r == 0 && i < w->n; i++)
		r = put_line(&b, &w->v[i]);
	if (r == 0)
		r = set_bytes(&w->v[0], b.p, b.len, d);
	buf_done(&b);
	return r;
}

/* We write only what our own reader takes. */
static int
check_rules(const struct bundle_writer *w, struct diag *d)
{
	_cleanup_free_ struct bundle_line *lines = calloc(w->n, sizeof(*lines));
	size_t i;
	int r;

	if (lines == NULL)
		return diag_nomem(d);
	for (i = 1; i < w->n; i++) {
		lines[i - 1].name = w->v[i].name;
		memcpy(lines[i - 1].sha256, w->v[i].sha256, 32);
	}
	r = bundle_rules_check(w->type, lines, w->n - 1, d);
	for (i = 1; r == 0 && i < w->n; i++)
		if (w->v[i].size > lines[i - 1].max)
			return diag_fail(d, CS_E_BUNDLE_LARGE, w->v[i].name,
			    "%llu bytes, the limit is %llu",
			    (unsigned long long)w->v[i].size,
			    (unsigned long long)lines[i - 1].max);
	return r;
}

int
bundle_writer_finish(struct bundle_writer *w, struct diag *d)
{
	uint8_t header[BUNDLE_BLOCK];
	uint64_t at = 0;
	size_t i;
	int r;

	if (w->finished)
		return CS_E_INTERNAL;
	w->finished = true;
	r = make_front(w, d);
	if (r == 0)
		r = check_rules(w, d);
	for (i = 0; r == 0 && i < w->n; i++) {
		struct item *it = &w->v[i];

		r = bundle_header(it->name, it->size, header, d);
		it->at = at;
		at += BUNDLE_BLOCK + it->size + bundle_padding(it->size);
	}
	if (r == 0)
		w->total = at + 2 * BUNDLE_BLOCK;
	return r;
}

uint64_t
bundle_writer_size(const struct bundle_writer *w)
{
	return w->total;
}

/* The item that off is in; off is below the end blocks. */
static size_t
find_item(const struct bundle_writer *w, uint64_t off)
{
	size_t lo = 0, hi = w->n;

	if (w->last + 1 < w->n && w->v[w->last].at <= off &&
	    off < w->v[w->last + 1].at)
		return w->last;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->v[mid].at <= off)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/*
 * Content on its way out is hashed again as long as it is asked for from
 * front to back, and compared at its end.
 */
static int
rehash(struct bundle_writer *w, size_t i, uint64_t off, const void *p, size_t n,
    struct diag *d)
{
	const struct item *it = &w->v[i];
	uint8_t sha[32];
	int r = 0;

	if (off == 0) {
		r = hasher_reset(w->h);
		w->hashing = i;
		w->hashed = 0;
	}
	if (w->hashing != i || w->hashed != off)
		return r;
	if (r == 0)
		r = hasher_update(w->h, p, n);
	w->hashed += n;
	if (r != 0 || w->hashed < it->size)
		return r;
	w->hashing = SIZE_MAX;
	r = hasher_final(w->h, sha, sizeof(sha));
	if (r == 0 && memcmp(sha, it->sha256, sizeof(sha)) != 0)
		return diag_fail(d, CS_E_BUNDLE_HASH,
		    "the content that was hashed", "another of %s", it->name);
	return r;
}

/* Some bytes at off of item i: of its header, content or padding. */
static int
read_piece(struct bundle_writer *w, size_t i, uint64_t off, void *buf, size_t n,
    size_t *ret_n, struct diag *d)
{
	const struct item *it = &w->v[i];
	uint8_t header[BUNDLE_BLOCK];
	uint64_t left;
	int r;

	if (off < BUNDLE_BLOCK) {
		left = BUNDLE_BLOCK - off;
		*ret_n = n < left ? n : (size_t)left;
		r = bundle_header(it->name, it->size, header, d);
		if (r == 0)
			memcpy(buf, header + off, *ret_n);
		return r;
	}
	off -= BUNDLE_BLOCK;
	if (off >= it->size) {
		left = it->size + bundle_padding(it->size) - off;
		*ret_n = n < left ? n : (size_t)left;
		memset(buf, 0, *ret_n);
		return 0;
	}
	left = it->size - off;
	*ret_n = n < left ? n : (size_t)left;
	r = read_content(it, off, buf, *ret_n, d);
	/* what lies in our own memory needs no second look */
	return r != 0 || it->data != NULL ?
	    r :
	    rehash(w, i, off, buf, *ret_n, d);
}

int
bundle_writer_read(struct bundle_writer *w, uint64_t off, void *buf, size_t n,
    struct diag *d)
{
	const uint64_t end = w->total - 2 * BUNDLE_BLOCK;
	uint8_t *p = buf;
	size_t i, got;
	int r;

	if (w->total == 0 || off > w->total || n > w->total - off)
		return diag_fail(d, CS_E_INTERNAL, "an offset in the bundle",
		    "%llu", (unsigned long long)off);
	while (n > 0 && off < end) {
		i = find_item(w, off);
		w->last = i;
		got = 0;
		r = read_piece(w, i, off - w->v[i].at, p, n, &got, d);
		if (r != 0)
			return r;
		p += got;
		off += got;
		n -= got;
	}
	memset(p, 0, n);
	return 0;
}

int
bundle_writer_to_fd(struct bundle_writer *w, int fd,
    int (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
    struct diag *d)
{
	_cleanup_free_ uint8_t *buf = malloc(CHUNK);
	uint64_t off;
	size_t n;
	int r = 0;

	if (buf == NULL)
		return diag_nomem(d);
	for (off = 0; r == 0 && off < w->total; off += n) {
		n = w->total - off < CHUNK ? (size_t)(w->total - off) : CHUNK;
		r = bundle_writer_read(w, off, buf, n, d);
		if (r != 0)
			return r;
		if (fd_write_all(fd, buf, n) != 0)
			return diag_errno(d, CS_E_IO, "write the bundle");
		if (progress != NULL)
			r = progress(arg, off + n, w->total);
	}
	return r;
}
