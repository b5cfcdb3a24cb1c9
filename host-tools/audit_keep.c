/* SPDX-License-Identifier: Apache-2.0 */
/* What an auditor keeps aside: bundles after a gap, and notes of a fork. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host-tools/audit_accept.h"
#include "host-tools/newfile.h"
#include "lib/b64.h"
#include "lib/file.h"
#include "lib/sha.h"

#define PENDING "pending"
#define CHUNK	(1u << 20)

static int
copy(int from, int to, struct diag *d)
{
	_cleanup_free_ uint8_t *p = malloc(CHUNK);
	off_t at = 0;
	ssize_t n;

	if (p == NULL)
		return diag_nomem(d);
	while ((n = pread(from, p, CHUNK, at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || fd_write_all(to, p, (size_t)n) != 0)
			return diag_errno(d, CS_E_IO, "keeping the bundle");
		at += n;
	}
	return 0;
}

int
audit_keep(struct audit_accept *a, struct diag *d)
{
	_cleanup_newfile_ struct newfile f = NEWFILE_INIT;
	char path[128];
	int r;

	if (a->file == NULL)
		return 0;
	r = dir_make(a->store->dirfd, PENDING, d);
	(void)snprintf(path, sizeof(path),
	    "/proc/self/fd/%d/" PENDING "/%" PRIu64 "-%" PRIu64,
	    a->store->dirfd, a->first, a->src->c.size);
	if (r == 0)
		r = newfile_open(path, &f, d);
	if (r == 0)
		r = copy(a->src->bundle->fd, f.fd, d);
	if (r == 0)
		r = newfile_commit(&f, d);
	a->kept = r == 0;
	return r;
}

/* "first-size" */
static bool
parse_name(const char *s, uint64_t *first, uint64_t *size)
{
	const char *dash = strchr(s, '-');

	return dash != NULL &&
	    note_size_parse(s, (size_t)(dash - s), first) == 0 &&
	    note_size_parse(dash + 1, strlen(dash + 1), size) == 0;
}

struct each {
	int (*fn)(void *arg, uint64_t first, uint64_t size);
	void *arg;
};

static int
see_name(void *arg, const char *name, struct diag *d)
{
	const struct each *e = arg;
	uint64_t first, size;
	int r;

	if (!parse_name(name, &first, &size))
		return 0;
	r = e->fn(e->arg, first, size);
	return r == 0 ? 0 : diag_fail(d, r, NULL, PENDING);
}

int
audit_kept_each(int dirfd, int (*fn)(void *arg, uint64_t first, uint64_t size),
    void *arg, struct diag *d)
{
	struct each e = { fn, arg };

	return audit_each_name(dirfd, PENDING, see_name, &e, d);
}

int
audit_kept_bad(const char *path, struct diag *d)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *to = NULL;

	if (slash == NULL ||
	    asprintf(&to, "%.*s/bad-%s", (int)(slash - path), path, slash + 1) <
		0) {
		to = NULL;
		return diag_nomem(d);
	}
	return rename(path, to) == 0 ? 0 : diag_errno(d, CS_E_IO, PENDING);
}

struct next {
	int dirfd;
	uint64_t size;	      /* of the log */
	uint64_t first, upto; /* the best so far */
	bool any;
};

static int
see_kept(void *arg, uint64_t first, uint64_t size)
{
	struct next *n = arg;
	char path[64];

	if (size <= n->size) {
		(void)snprintf(path, sizeof(path),
		    PENDING "/%" PRIu64 "-%" PRIu64, first, size);
		return unlinkat(n->dirfd, path, 0) == 0 ? 0 : CS_E_IO;
	}
	if (first <= n->size && (!n->any || size < n->upto)) {
		n->first = first;
		n->upto = size;
		n->any = true;
	}
	return 0;
}

int
audit_kept_next(struct audit_store *s, uint64_t size, char **ret,
    struct diag *d)
{
	struct next n = { .dirfd = s->dirfd, .size = size };
	int r = audit_kept_each(s->dirfd, see_kept, &n, d);

	*ret = NULL;
	if (r != 0 || !n.any)
		return r;
	if (asprintf(ret, "/proc/self/fd/%d/" PENDING "/%" PRIu64 "-%" PRIu64,
		s->dirfd, n.first, n.upto) < 0) {
		*ret = NULL;
		return diag_nomem(d);
	}
	return 0;
}

/* Canonical JSON; the notes are base64, for they have newlines. */
static int
write_fork(int dirfd, const struct audit_fork *f, struct diag *d)
{
	_cleanup_free_ char *stored = b64_dup(f->stored, strlen(f->stored));
	_cleanup_free_ char *other = b64_dup(f->other, strlen(f->other));
	_cleanup_free_ char *text = NULL;
	char path[96];
	int r;

	if (stored == NULL || other == NULL)
		return diag_nomem(d);
	if (asprintf(&text,
		"{\"found\":%" PRId64 ",\"other\":\"%s\",\"stored\":\"%s\"}\n",
		f->found, other, stored) < 0) {
		text = NULL;
		return diag_nomem(d);
	}
	(void)snprintf(path, sizeof(path), "forks/%s.json", f->sha256);
	if (file_exists(dirfd, path))
		return 0;
	r = dir_make(dirfd, "forks", d);
	return r == 0 ?
	    file_write_atomic(dirfd, path, text, strlen(text), 0644, d) :
	    r;
}

/* The two notes stay, nothing else changes. */
int
audit_keep_fork(struct audit_accept *a, const char *stored, const char *other,
    struct diag *d)
{
	struct audit_fork f = {
		.stored = stored,
		.other = other,
		.found = (int64_t)time(NULL),
	};
	_cleanup_free_ char *both = NULL;
	int r;

	if (asprintf(&both, "%s%s", stored, other) < 0) {
		both = NULL;
		return diag_nomem(d);
	}
	if (sha256_hex(both, strlen(both), f.sha256) != 0)
		return diag_fail(d, CS_E_CRYPTO, NULL, "SHA-256");
	audit_db_rollback(a->db);
	r = write_fork(a->store->dirfd, &f, d);
	if (r == 0)
		r = audit_db_begin(a->db, d);
	if (r == 0)
		r = audit_db_add_fork(a->db, &f, d);
	if (r == 0)
		r = audit_db_commit(a->db, d);
	return r != 0 ? r :
			diag_fail(d, CS_E_AUDIT_FORK, "one log that only grows",
			    "signed checkpoints that contradict each other");
}
