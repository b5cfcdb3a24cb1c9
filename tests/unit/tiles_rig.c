/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tiles_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "lib/file.h"

unsigned disk_ops, disk_renames, disk_syncs, disk_stop_at;

/* Changes of one folder that its fsync() has not yet made durable. */
struct change {
	char path[512]; /* absolute */
	uint8_t *old;	/* what an unlinked file held */
	size_t old_len;
	bool unlinked;
};
static struct change changes[1024];
static size_t nchanges;
static char synced[512]; /* the newest file that was fsynced */

static bool
stopped(void)
{
	disk_ops++;
	if (disk_stop_at == 0 || disk_ops < disk_stop_at)
		return false;
	errno = EIO;
	return true;
}

static void
fd_path(int fd, char out[512])
{
	char proc[64];
	ssize_t n;

	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = readlink(proc, out, 511);
	assert_true(n > 0);
	out[n] = '\0';
}

static void
join(int dirfd, const char *name, char out[512])
{
	size_t n;

	fd_path(dirfd, out);
	n = strlen(out);
	(void)snprintf(out + n, 512 - n, "/%s", name);
}

static void
forget(size_t i)
{
	free(changes[i].old);
	changes[i] = changes[--nchanges];
	memset(&changes[nchanges], 0, sizeof(changes[0]));
}

int
fsync(int fd)
{
	char path[512], *slash;
	size_t i = nchanges;
	struct stat st;

	if (stopped())
		return -1;
	disk_syncs++;
	fd_path(fd, path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		memcpy(synced, path, sizeof(synced));
		return 0;
	}
	while (i-- > 0) {
		slash = strrchr(changes[i].path, '/');
		if (strlen(path) == (size_t)(slash - changes[i].path) &&
		    strncmp(path, changes[i].path, strlen(path)) == 0)
			forget(i);
	}
	return 0;
}

int
renameat(int olddir, const char *old, int newdir, const char *new)
{
	char from[512];

	if (stopped())
		return -1;
	join(olddir, old, from);
	if (strcmp(from, synced) != 0)
		fail_msg("%s is renamed but was not fsynced", from);
	if (syscall(SYS_renameat2, olddir, old, newdir, new, 0) != 0)
		return -1;
	disk_renames++;
	assert_true(nchanges < ARRAY_LEN(changes));
	join(newdir, new, changes[nchanges++].path);
	return 0;
}

int
mkdirat(int dir, const char *path, mode_t mode)
{
	return stopped() ? -1 : (int)syscall(SYS_mkdirat, dir, path, mode);
}

int
unlinkat(int dir, const char *path, int flags)
{
	struct change *c = &changes[nchanges];

	if (stopped())
		return -1;
	if (flags == 0 && file_exists(dir, path)) {
		assert_true(nchanges < ARRAY_LEN(changes));
		assert_int_equal(file_read(dir, path, TILE_ENTRIES_MAX, &c->old,
				     &c->old_len, NULL),
		    0);
		join(dir, path, c->path);
		c->unlinked = true;
		nchanges++;
	}
	return (int)syscall(SYS_unlinkat, dir, path, flags);
}

void
disk_start(void)
{
	while (nchanges > 0)
		forget(nchanges - 1);
	disk_ops = disk_renames = disk_syncs = disk_stop_at = 0;
	synced[0] = '\0';
}

static void
put_back(const struct change *c)
{
	int fd;

	if (!c->unlinked) {
		(void)syscall(SYS_unlinkat, AT_FDCWD, c->path, 0);
		return;
	}
	fd = open(c->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) /* its folder is gone too, and stays so */
		return;
	assert_int_equal(fd_write_all(fd, c->old, c->old_len), 0);
	(void)close(fd);
}

void
disk_lose(enum disk_loss how)
{
	if (how == DISK_REORDERS && nchanges > 0)
		forget(nchanges - 1);
	if (how != DISK_KEEPS)
		for (size_t i = nchanges; i-- > 0;)
			put_back(&changes[i]);
	disk_start();
}

void
rig_init(struct rig *r)
{
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(r->dir, sizeof(r->dir), "%s/cs-tiles-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	assert_non_null(mkdtemp(r->dir));
	r->fd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(r->fd >= 0);
	disk_start();
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
rig_done(struct rig *r)
{
	disk_start();
	(void)close(r->fd);
	assert_int_equal(nftw(r->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

uint8_t *
rig_read(const struct rig *r, const char *path, size_t *ret_len)
{
	uint8_t *p;

	assert_int_equal(file_read(r->fd, path, TILE_ENTRIES_MAX, &p, ret_len,
			     NULL),
	    0);
	return p;
}

void
rig_write(const struct rig *r, const char *path, const void *p, size_t len)
{
	int fd = openat(r->fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, p, len), 0);
	(void)close(fd);
}

void
rig_flip(const struct rig *r, const char *path, size_t at)
{
	_cleanup_free_ uint8_t *p = NULL;
	size_t len;

	p = rig_read(r, path, &len);
	assert_true(at < len);
	p[at] ^= 1;
	rig_write(r, path, p, len);
}

void
rig_truncate(const struct rig *r, const char *path, off_t len)
{
	int fd = openat(r->fd, path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, len), 0);
	(void)close(fd);
}

void
rig_remove(const struct rig *r, const char *path)
{
	assert_int_equal(syscall(SYS_unlinkat, r->fd, path, 0), 0);
}

bool
rig_has(const struct rig *r, const char *path)
{
	return file_exists(r->fd, path) == 1;
}

size_t
rig_leaf(uint64_t index, char out[32])
{
	return (size_t)snprintf(out, 32, "leaf %ju\n", (uintmax_t)index);
}

void
rig_root(uint64_t size, uint8_t ret[32])
{
	struct merkle_range m = { .size = 0 };
	uint8_t h[32];
	char text[32];
	uint64_t i;

	for (i = 0; i < size; i++) {
		size_t n = rig_leaf(i, text);

		assert_int_equal(merkle_leaf_hash(text, n, h), 0);
		assert_int_equal(merkle_range_append(&m, h), 0);
	}
	assert_int_equal(merkle_range_root(&m, ret), 0);
}

int
rig_append(struct tlog *t, size_t n)
{
	_cleanup_free_ struct tlog_leaf *v = calloc(n + 1, sizeof(*v));
	_cleanup_free_ char *text = calloc(n + 1, 32);
	uint64_t from = tlog_size(t);
	size_t i;

	assert_non_null(v);
	assert_non_null(text);
	for (i = 0; i < n; i++) {
		v[i].bytes = text + i * 32;
		v[i].len = rig_leaf(from + i, text + i * 32);
	}
	return tlog_append(t, v, n, NULL);
}

void
rig_make(struct rig *r, uint64_t size)
{
	_cleanup_tlog_ struct tlog *t = NULL;

	rig_init(r);
	assert_int_equal(tlog_open(r->fd, &t, NULL), 0);
	if (size > 0)
		assert_int_equal(rig_append(t, size), 0);
	disk_start();
}

void
rig_check(const struct rig *r, uint64_t size)
{
	_cleanup_tlog_ struct tlog *t = NULL;
	uint8_t want[32], got[32];
	struct diag d = { 0 };

	rig_root(size, want);
	if (tlog_open(r->fd, &t, &d) != 0)
		fail_msg("%s: %s (%s)", err_id(d.code), d.found, d.expected);
	assert_int_equal(tlog_size(t), size);
	assert_int_equal(tlog_root(t, got, NULL), 0);
	assert_memory_equal(got, want, 32);
	assert_int_equal(tlog_root_at(t, size, got, NULL), 0);
	assert_memory_equal(got, want, 32);
	if (tlog_walk(r->fd, size, NULL, NULL, got, &d) != 0)
		fail_msg("%s: %s (%s)", err_id(d.code), d.found, d.expected);
	assert_memory_equal(got, want, 32);
}
