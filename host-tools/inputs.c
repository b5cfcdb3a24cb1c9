/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "host-tools/multihash.h"
#include "host-tools/progress.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/utf8.h"

#define CHUNK	 (1u << 20)
#define LIST_MAX (16u << 20)

void
inputs_done(struct inputs *in)
{
	size_t i;

	for (i = 0; i < in->n; i++) {
		free(in->v[i].path);
		free(in->v[i].s.name);
		free(in->v[i].s.text);
	}
	free(in->v);
	memset(in, 0, sizeof(*in));
}

/* What JK_LABEL takes: 1..200 bytes of UTF-8 without control characters. */
static bool
name_good(const char *s)
{
	size_t n = strlen(s), step;

	if (n == 0 || n > JSON_LABEL_MAX)
		return false;
	for (; n > 0; s += step, n -= step) {
		step = utf8_char(s, n, NULL);
		if (step == 0 || (uint8_t)*s < 0x20 || *s == 0x7f)
			return false;
	}
	return true;
}

int
inputs_add(struct inputs *in, const char *path, const char *name,
    struct diag *d)
{
	const char *slash = strrchr(path, '/');
	struct input *v;
	size_t cap;

	if (name == NULL)
		name = slash != NULL ? slash + 1 : path;
	if (!name_good(name))
		return diag_fail(d, CS_E_HOST_NAME,
		    "1 to 200 bytes of UTF-8 "
		    "without control characters",
		    "%s", path);
	if (in->n == STATEMENT_MAX_SUBJECTS)
		return diag_fail(d, CS_E_HOST_LIMIT, "at most 10000",
		    "more, from %s on", path);
	if (in->n == in->cap) {
		cap = in->cap == 0 ? 64 : in->cap * 2;
		v = reallocarray(in->v, cap, sizeof(*v));
		if (v == NULL)
			return diag_nomem(d);
		in->v = v;
		in->cap = cap;
	}
	v = &in->v[in->n];
	memset(v, 0, sizeof(*v));
	v->path = strdup(path);
	v->s.name = strdup(name);
	if (v->path == NULL || v->s.name == NULL) {
		free(v->path);
		free(v->s.name);
		return diag_nomem(d);
	}
	in->n++;
	return 0;
}

int
inputs_add_list(struct inputs *in, const char *list, struct diag *d)
{
	_cleanup_free_ uint8_t *text = NULL;
	char *line, *end, *tab;
	size_t len;
	int r;

	r = file_read(AT_FDCWD, list, LIST_MAX, &text, &len, d);
	if (r != 0)
		return r;
	if (memchr(text, '\0', len) != NULL)
		return diag_fail(d, CS_E_HOST_LIST, "lines of text",
		    "a zero byte in %s", list);
	for (line = (char *)text; line != NULL && *line != '\0'; line = end) {
		end = strchr(line, '\n');
		if (end != NULL)
			*end++ = '\0';
		if (*line == '\0')
			continue;
		tab = strchr(line, '\t');
		if (tab != NULL)
			*tab++ = '\0';
		if (*line == '\0')
			return diag_fail(d, CS_E_HOST_LIST,
			    "PATH or PATH<TAB>NAME", "a line without a path");
		r = inputs_add(in, line, tab, d);
		if (r != 0)
			return r;
	}
	return 0;
}

int
inputs_own(const struct sigfmt *f, const struct policy_key *k, int64_t time,
    struct filehash **ret, struct diag *d)
{
	const struct sigfmt_job j = { .key = k, .time = time };
	struct buf suffix = BUF_INIT(FILEHASH_SUFFIX_MAX);
	int r = 0;

	*ret = NULL;
	if (f->filehash == FILEHASH_NONE)
		return 0;
	if (f->file_suffix != NULL)
		r = f->file_suffix(&j, &suffix);
	if (r == 0)
		r = filehash_new(f->filehash, key_alg_hash(k->alg), suffix.p,
		    suffix.len, ret);
	buf_done(&suffix);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "the digest of %s", f->name);
}

static int
open_regular(const char *path, int *ret_fd, uint64_t *ret_size, struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;

	/* O_NONBLOCK: a FIFO must not hold us before fstat() shows it */
	fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return diag_errno(d, CS_E_IO, "%s", path);
	if (!S_ISREG(st.st_mode))
		return diag_fail(d, CS_E_HOST_NOT_FILE, "a regular file", "%s",
		    path);
	*ret_size = (uint64_t)st.st_size;
	*ret_fd = take_fd(&fd);
	return 0;
}

struct pass {
	struct multihash m;
	uint8_t *chunk;
	struct progress bar;
	struct filehash *own; /* or NULL */
};

static void
pass_done(struct pass *p)
{
	multihash_done(&p->m);
	free(p->chunk);
}

/* room: start_text() made it of the file's size */
static int
keep(struct subject *s, const uint8_t *p, size_t n)
{
	if (n > STATEMENT_TEXT_MAX - s->text_len)
		return CS_E_HOST_CHANGED;
	memcpy(s->text + s->text_len, p, n);
	s->text_len += n;
	return 0;
}

static int
start_text(struct input *in, uint64_t size, struct diag *d)
{
	if (size == 0 || size > STATEMENT_TEXT_MAX)
		return diag_fail(d, CS_E_FORMAT_TEXT, "1 to 4096 bytes",
		    "%" PRIu64 " in %s", size, in->path);
	in->s.text_len = 0;
	in->s.text = malloc(STATEMENT_TEXT_MAX);
	return in->s.text == NULL ? diag_nomem(d) : 0;
}

/* All digests of fd from here to its end; *ret_size: bytes that were read. */
static int
hash_fd(struct pass *p, int fd, struct subject *s, uint64_t *ret_size)
{
	uint64_t size = 0;
	unsigned a;
	ssize_t n;
	int r;

	r = multihash_reset(&p->m);
	while (r == 0 && (n = read(fd, p->chunk, CHUNK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return CS_E_IO;
		r = multihash_update(&p->m, p->chunk, (size_t)n);
		if (r == 0 && s->text != NULL)
			r = keep(s, p->chunk, (size_t)n);
		if (r == 0 && p->own != NULL)
			r = filehash_update(p->own, p->chunk, (size_t)n);
		size += (uint64_t)n;
		progress_add(&p->bar, (uint64_t)n);
	}
	if (r == 0)
		r = multihash_final(&p->m, s->digest);
	for (a = 0; a < HASH_COUNT; a++)
		s->has[a] = r == 0 && p->m.h[a] != NULL;
	*ret_size = size;
	return r;
}

static int
own_digest(struct pass *p, struct input *in, struct diag *d)
{
	struct diag why = { 0 };
	int r = filehash_final(p->own, in->s.tbs, &in->s.tbs_len, &why);

	return r == 0 ?
	    0 :
	    diag_fail(d, r, why.expected, "%.90s: %.90s", in->path, why.found);
}

static int
hash_one(struct pass *p, struct input *in, bool text, struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	uint64_t size = 0, seen = 0;
	int r;

	r = open_regular(in->path, &fd, &size, d);
	if (r == 0 && text)
		r = start_text(in, size, d);
	if (r == 0 && p->own != NULL && filehash_start(p->own, size) != 0)
		r = diag_fail(d, CS_E_CRYPTO, NULL, "hashing %s", in->path);
	if (r != 0)
		return r;
	r = hash_fd(p, fd, &in->s, &seen);
	if (r == CS_E_IO)
		return diag_errno(d, r, "%s", in->path);
	if (r != 0)
		return diag_fail(d, r, NULL, "hashing %s", in->path);
	if (seen != size)
		return diag_fail(d, CS_E_HOST_CHANGED, "a file at rest",
		    "%s grew or shrank while it was read", in->path);
	in->s.size = size;
	return p->own == NULL ? 0 : own_digest(p, in, d);
}

int
inputs_hash(struct inputs *in, const char *what, struct diag *d)
{
	_cleanup_(pass_done) struct pass p = { 0 };
	uint64_t total = 0;
	struct stat st;
	size_t i;
	int r;

	for (i = 0; i < in->n; i++)
		if (stat(in->v[i].path, &st) == 0 && st.st_size > 0)
			total += (uint64_t)st.st_size;
	p.own = in->own;
	p.chunk = malloc(CHUNK);
	if (p.chunk == NULL)
		return diag_nomem(d);
	r = multihash_init(&p.m, in->hashes | HASH_BIT(HASH_SHA256));
	if (r != 0)
		return diag_fail(d, r, NULL, "hashing");
	progress_start(&p.bar, what, total);
	for (i = 0; r == 0 && i < in->n; i++)
		r = hash_one(&p, &in->v[i], in->texts, d);
	progress_end(&p.bar);
	return r;
}

static int
check_file(const struct input *in, const struct sigfmt *f, struct diag *d)
{
	uint8_t head[SIGFMT_ENDS], tail[SIGFMT_ENDS];
	_cleanup_fd_ int fd = -1;
	struct diag why = { 0 };
	uint64_t size = 0;
	size_t n;
	int r;

	r = open_regular(in->path, &fd, &size, d);
	if (r != 0)
		return r;
	n = size < SIGFMT_ENDS ? (size_t)size : SIGFMT_ENDS;
	if (fd_pread_all(fd, head, n, 0) != 0 ||
	    fd_pread_all(fd, tail, n, (off_t)(size - n)) != 0)
		return diag_errno(d, CS_E_IO, "%s", in->path);
	r = f->check_file(head, tail, n, &why);
	return r == 0 ?
	    0 :
	    diag_fail(d, r, why.expected, "%.90s: %.90s", in->path, why.found);
}

int
inputs_check_files(const struct inputs *in, const struct sigfmt *f,
    struct diag *d)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && f->check_file != NULL && i < in->n; i++)
		r = check_file(&in->v[i], f, d);
	return r;
}

static int
by_name(const void *a, const void *b)
{
	const struct input *const *x = a, *const *y = b;

	return strcmp((*x)->s.name, (*y)->s.name);
}

static int
by_digest(const void *a, const void *b)
{
	const struct input *const *x = a, *const *y = b;

	return memcmp((*x)->s.digest[HASH_SHA256], (*y)->s.digest[HASH_SHA256],
	    CS_SHA256_LEN);
}

int
inputs_check_distinct(const struct inputs *in, struct diag *d)
{
	_cleanup_free_ const struct input **v = NULL;
	size_t i;

	if (in->n == 0)
		return 0;
	v = calloc(in->n, sizeof(*v));
	if (v == NULL)
		return diag_nomem(d);
	for (i = 0; i < in->n; i++)
		v[i] = &in->v[i];
	qsort(v, in->n, sizeof(*v), by_name);
	for (i = 1; i < in->n; i++)
		if (by_name(&v[i - 1], &v[i]) == 0)
			return diag_fail(d, CS_E_HOST_NAME_TWICE,
			    "a name of its own for each (--list PATH<TAB>NAME)",
			    "\"%.60s\": %.60s and %.60s", v[i]->s.name,
			    v[i - 1]->path, v[i]->path);
	qsort(v, in->n, sizeof(*v), by_digest);
	for (i = 1; i < in->n; i++)
		if (by_digest(&v[i - 1], &v[i]) == 0)
			return diag_fail(d, CS_E_HOST_CONTENT_TWICE,
			    "each content once", "%.80s and %.80s are the same",
			    v[i - 1]->path, v[i]->path);
	return 0;
}
