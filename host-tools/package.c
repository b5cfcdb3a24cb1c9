/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/package.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "host-tools/multihash.h"
#include "host-tools/progress.h"
#include "lib/file.h"
#include "usb-transfer/bundle.h"

#define BLOCK	   512u
#define SIZE_FIELD 124 /* of a ustar header */
#define CHUNK	   (1u << 20)

/* While a bundle is being read for the first time. */
struct opening {
	struct package *p;
	size_t cap;
	uint64_t next; /* offset of the next member's header */
	uint64_t at;   /* read so far */
	struct progress bar;
};

void
package_free(struct package **pp)
{
	struct package *p = *pp;
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->n; i++)
		free(p->v[i].name);
	free(p->v);
	free(p->by_name);
	free(p->path);
	close_fdp(&p->fd);
	free(p);
	*pp = NULL;
}

static int
read_file(void *arg, void *buf, size_t n, size_t *ret_n, struct diag *d)
{
	struct opening *o = arg;
	ssize_t got;

	do
		got = pread(o->p->fd, buf, n, (off_t)o->at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return diag_errno(d, CS_E_IO, "%s", o->p->path);
	o->at += (uint64_t)got;
	progress_add(&o->bar, (uint64_t)got);
	*ret_n = (size_t)got;
	return 0;
}

/*
 * The manifest is no member that anybody asks for.  Its header has been
 * compared byte for byte when the first member begins: eleven octal digits.
 */
static int
skip_manifest(struct opening *o, struct diag *d)
{
	char field[12] = "";
	uint64_t size;

	if (o->next != 0)
		return 0;
	if (fd_pread_all(o->p->fd, field, 11, SIZE_FIELD) != 0)
		return diag_errno(d, CS_E_IO, "%s", o->p->path);
	size = strtoull(field, NULL, 8);
	o->next = BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
	return 0;
}

/* Members follow each other in whole blocks (PROTOCOL.bundle). */
static int
member_begin(void *arg, const struct bundle_member *m, struct diag *d)
{
	struct opening *o = arg;
	struct package *p = o->p;
	struct package_member *v;
	size_t cap;
	int r;

	if (strcmp(m->name, "manifest") == 0)
		return 0;
	r = skip_manifest(o, d);
	if (r != 0)
		return r;
	if (p->n == o->cap) {
		cap = o->cap == 0 ? 64 : o->cap * 2;
		v = reallocarray(p->v, cap, sizeof(*v));
		if (v == NULL)
			return diag_nomem(d);
		p->v = v;
		o->cap = cap;
	}
	v = &p->v[p->n];
	memset(v, 0, sizeof(*v));
	v->name = strdup(m->name);
	if (v->name == NULL)
		return diag_nomem(d);
	p->n++;
	memcpy(v->sha256, m->sha256, sizeof(v->sha256));
	v->size = m->size;
	v->offset = o->next + BLOCK;
	o->next = v->offset + (m->size + BLOCK - 1) / BLOCK * BLOCK;
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct package_member *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static int
sort_names(struct package *p, struct diag *d)
{
	size_t i;

	p->by_name = calloc(p->n + 1, sizeof(*p->by_name));
	if (p->by_name == NULL)
		return diag_nomem(d);
	for (i = 0; i < p->n; i++)
		p->by_name[i] = &p->v[i];
	qsort(p->by_name, p->n, sizeof(*p->by_name), compare);
	return 0;
}

int
package_open(const char *path, const char *want, struct package **ret,
    struct diag *d)
{
	_cleanup_package_ struct package *p = calloc(1, sizeof(*p));
	struct opening o = { .p = p };
	const struct bundle_sink sink = { .begin = member_begin, .arg = &o };
	enum bundle_type type;
	struct stat st;
	int r;

	if (p == NULL)
		return diag_nomem(d);
	p->path = strdup(path);
	p->fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (p->fd < 0 || p->path == NULL || fstat(p->fd, &st) != 0)
		return diag_errno(d, CS_E_IO, "%s", path);
	if (!S_ISREG(st.st_mode))
		return diag_fail(d, CS_E_HOST_NOT_FILE, "a bundle file", "%s",
		    path);
	r = bundle_type_from_name(want, &type);
	if (r != 0)
		return diag_fail(d, r, NULL, "the type %s", want);
	p->type = want;
	progress_start(&o.bar, "reading", (uint64_t)st.st_size);
	r = bundle_read(read_file, &o, type, &sink, p->manifest, d);
	progress_end(&o.bar);
	if (r == 0)
		r = sort_names(p, d);
	if (r != 0)
		return r;
	*ret = take_ptr(p);
	return 0;
}

static int
compare_key(const void *name, const void *b)
{
	const struct package_member *const *m = b;

	return strcmp(name, (*m)->name);
}

const struct package_member *
package_find(const struct package *p, const char *name)
{
	const struct package_member **m;

	m = bsearch(name, p->by_name, p->n, sizeof(*p->by_name), compare_key);
	return m != NULL ? *m : NULL;
}

static int
changed(const struct package *p, const char *name, struct diag *d)
{
	return diag_fail(d, CS_E_HOST_CHANGED, "what was read a moment ago",
	    "other bytes in %s of %s", name, p->path);
}

int
package_read(const struct package *p, const char *name, size_t max,
    uint8_t **ret, size_t *ret_len, struct diag *d)
{
	const struct package_member *m = package_find(p, name);
	_cleanup_free_ uint8_t *data = NULL;
	uint8_t digest[32];
	int r;

	if (m == NULL)
		return diag_fail(d, CS_E_HOST_MEMBER, name, "no %s in %s", name,
		    p->path);
	if (m->size > max)
		return diag_fail(d, CS_E_TOO_LARGE, NULL, "%s in %s", name,
		    p->path);
	data = malloc((size_t)m->size + 1);
	if (data == NULL)
		return diag_nomem(d);
	if (fd_pread_all(p->fd, data, (size_t)m->size, (off_t)m->offset) != 0)
		return diag_errno(d, CS_E_IO, "%s", p->path);
	data[m->size] = 0;
	r = sha256(data, (size_t)m->size, digest);
	if (r != 0)
		return diag_fail(d, r, NULL, "hashing");
	if (memcmp(digest, m->sha256, sizeof(digest)) != 0)
		return changed(p, name, d);
	*ret = take_ptr(data);
	*ret_len = (size_t)m->size;
	return 0;
}

int
package_digests(const struct package *p, const struct package_member *m,
    uint32_t which, uint8_t digest[HASH_COUNT][HASH_MAX_LEN], struct diag *d)
{
	_cleanup_(multihash_done) struct multihash h = { 0 };
	_cleanup_free_ uint8_t *chunk = malloc(CHUNK);
	uint64_t at = 0;
	size_t n;
	int r;

	if (chunk == NULL)
		return diag_nomem(d);
	r = multihash_init(&h, which | HASH_BIT(HASH_SHA256));
	for (; r == 0 && at < m->size; at += n) {
		n = m->size - at < CHUNK ? (size_t)(m->size - at) : CHUNK;
		if (fd_pread_all(p->fd, chunk, n, (off_t)(m->offset + at)) != 0)
			return diag_errno(d, CS_E_IO, "%s", p->path);
		r = multihash_update(&h, chunk, n);
	}
	if (r == 0)
		r = multihash_final(&h, digest);
	if (r != 0)
		return diag_fail(d, r, NULL, "hashing");
	if (memcmp(digest[HASH_SHA256], m->sha256, 32) != 0)
		return changed(p, m->name, d);
	return 0;
}

static int
read_tile(void *arg, const char *path, uint8_t **ret, size_t *ret_len,
    struct diag *d)
{
	const struct package *p = arg;

	if (package_find(p, path) == NULL)
		return diag_fail(d, CS_E_LOG_MISSING, path, "no such file");
	return package_read(p, path, TILE_ENTRIES_MAX, ret, ret_len, d);
}

struct tile_source
package_tiles(struct package *p)
{
	return (struct tile_source){ .read = read_tile, .arg = p };
}
