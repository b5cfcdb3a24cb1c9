/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the folder:
 *
 *	settled -> begin: "writing" is on disk -> put ... -> sync: all is on
 *	disk -> (the database is committed) -> settle: the checkpoint, then the
 *	partial tiles that grew, then "writing" goes
 *
 * Without the commit, settle takes away every tile that only the larger tree
 * has.
 */
#include "host-tools/audit_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "host-tools/tilefiles.h"
#include "lib/file.h"

#define WRITING "writing"

void
audit_store_close(struct audit_store *s)
{
	close_fdp(&s->dirfd);
	close_fdp(&s->lock);
}

static int
check_keys(int dirfd, const struct note_vkeys *keys, struct diag *d)
{
	_cleanup_free_ uint8_t *have = NULL;
	char text[NOTE_VKEYS_TEXT_MAX];
	size_t len = 0;
	int r;

	note_vkeys_format(keys, text);
	if (!file_exists(dirfd, "log.vkey"))
		return file_write_atomic(dirfd, "log.vkey", text, strlen(text),
		    0644, d);
	r = file_read(dirfd, "log.vkey", NOTE_VKEYS_TEXT_MAX, &have, &len, d);
	if (r == 0 && (len != strlen(text) || memcmp(have, text, len) != 0))
		r = diag_fail(d, CS_E_AUDIT_STORE, keys->v[0].name,
		    "the tiles of a log with other keys");
	return r;
}

int
audit_store_lock(int dirfd, bool write, int *ret, struct diag *d)
{
	const int flags = (write ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC;
	struct stat is, now;

	for (;;) {
		_cleanup_fd_ int fd = openat(dirfd, "log.vkey", flags);

		if (fd < 0)
			return diag_errno(d, CS_E_IO, "open log.vkey");
		if (flock(fd, write ? LOCK_EX : LOCK_SH) != 0 ||
		    fstat(fd, &is) != 0 ||
		    fstatat(dirfd, "log.vkey", &now, AT_SYMLINK_NOFOLLOW) != 0)
			return diag_errno(d, CS_E_IO, "lock log.vkey");
		/* two may have made it at once: the one that stays */
		if (is.st_ino != now.st_ino)
			continue;
		*ret = take_fd(&fd);
		return 0;
	}
}

int
audit_store_open(const char *path, const struct note_vkeys *keys,
    struct audit_store *ret, struct diag *d)
{
	_cleanup_fd_ int fd = -1, lock = -1;
	int r;

	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return diag_errno(d, CS_E_IO, "make %s", path);
	r = dir_open(AT_FDCWD, path, &fd, d);
	if (r == 0)
		r = check_keys(fd, keys, d);
	if (r == 0)
		r = audit_store_lock(fd, true, &lock, d);
	if (r != 0)
		return r;
	memset(ret, 0, sizeof(*ret));
	ret->dirfd = take_fd(&fd);
	ret->lock = take_fd(&lock);
	return 0;
}

int
audit_store_put(struct audit_store *s, const char *path, const void *p,
    size_t len, struct diag *d)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = NULL;
	_cleanup_fd_ int fd = -1;
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
	int r;

	fd = openat(s->dirfd, path, flags, 0644);
	if (fd < 0 && errno == ENOENT && slash != NULL) {
		dir = strndup(path, (size_t)(slash - path));
		if (dir == NULL)
			return diag_nomem(d);
		r = dir_make(s->dirfd, dir, d);
		if (r != 0)
			return r;
		fd = openat(s->dirfd, path, flags, 0644);
	}
	if (fd < 0)
		return diag_errno(d, CS_E_IO, "create %s", path);
	if (fd_write_all(fd, p, len) != 0)
		return diag_errno(d, CS_E_IO, "write %s", path);
	if (close(take_fd(&fd)) != 0)
		return diag_errno(d, CS_E_IO, "close %s", path);
	return 0;
}

int
audit_store_put_tile(struct audit_store *s, const struct tile_id *t,
    const uint8_t *p, size_t len, struct diag *d)
{
	char path[TILE_PATH_MAX];

	if (tile_width_at(t->level, t->index, s->old) == t->width)
		return 0;
	tile_path(t, path);
	return audit_store_put(s, path, p, len, d);
}

int
audit_store_begin(struct audit_store *s, uint64_t old, uint64_t size,
    struct diag *d)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64 "\n", old,
	    size);

	s->old = old;
	s->size = size;
	return file_write_atomic(s->dirfd, WRITING, text, (size_t)n, 0644, d);
}

int
audit_store_sync(struct audit_store *s, struct diag *d)
{
	return syncfs(s->dirfd) == 0 ?
	    0 :
	    diag_errno(d, CS_E_IO, "writing the tiles to disk");
}

static int
unlink_quietly(int dirfd, const char *path, struct diag *d)
{
	if (unlinkat(dirfd, path, 0) == 0 || errno == ENOENT ||
	    errno == ENOTDIR)
		return 0;
	return diag_errno(d, CS_E_IO, "remove %s", path);
}

/* The partial tiles of old leaves that a larger tree has in full. */
static int
drop_partial(struct audit_store *s, struct diag *d)
{
	struct tile_id t;
	char path[TILE_PATH_MAX];
	int level, r = 0;

	for (level = TILE_ENTRIES; r == 0 && level < (int)TILE_LEVELS;
	     level++) {
		t.level = level;
		t.index =
		    (level <= 0 ? s->old : s->old >> (8 * (unsigned)level)) >>
		    8;
		t.width = tile_width_at(level, t.index, s->old);
		if (t.width == 0 ||
		    t.width == tile_width_at(level, t.index, s->size))
			continue;
		tile_path(&t, path);
		r = unlink_quietly(s->dirfd, path, d);
		/* its folder, if that was the only width */
		if (r == 0 && t.width < TILE_WIDTH) {
			*strrchr(path, '/') = '\0';
			(void)unlinkat(s->dirfd, path, AT_REMOVEDIR);
		}
	}
	return r;
}

struct undo {
	int dirfd;
	uint64_t keep;
};

/* A tile that the tree of the accepted leaves has not. */
static int
undo_tile(void *arg, const char *path, const struct tile_id *t, struct diag *d)
{
	const struct undo *u = arg;

	if (t->width == tile_width_at(t->level, t->index, u->keep))
		return 0;
	return unlink_quietly(u->dirfd, path, d);
}

/* What belongs to a checkpoint that was not accepted. */
static int
drop_import(struct audit_store *s, uint64_t size, struct diag *d)
{
	static const struct {
		const char *folder, *end;
	} names[] = { { "imports", ".json" }, { "checkpoints", "" },
		{ "attest", ".json" } };
	char path[64];
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%" PRIu64 "%s",
		    names[i].folder, size, names[i].end);
		r = unlink_quietly(s->dirfd, path, d);
	}
	return r;
}

/* *ret_any: there was one, with these sizes */
static int
read_writing(struct audit_store *s, bool *ret_any, struct diag *d)
{
	_cleanup_free_ uint8_t *text = NULL;
	const char *sp, *nl;
	size_t len = 0;
	int r;

	*ret_any = false;
	if (!file_exists(s->dirfd, WRITING))
		return 0;
	r = file_read(s->dirfd, WRITING, 64, &text, &len, d);
	if (r != 0)
		return r;
	sp = strchr((const char *)text, ' ');
	nl = strchr((const char *)text, '\n');
	if (sp == NULL || nl == NULL ||
	    note_size_parse((const char *)text,
		(size_t)(sp - (const char *)text), &s->old) != 0 ||
	    note_size_parse(sp + 1, (size_t)(nl - sp - 1), &s->size) != 0)
		return diag_fail(d, CS_E_AUDIT_STORE, "two sizes in " WRITING,
		    "something else");
	*ret_any = true;
	return 0;
}

/* The size in a checkpoint's second line; 0 if it is none. */
static uint64_t
noted_size(const char *note)
{
	const char *nl = strchr(note, '\n');
	uint64_t size = 0;

	if (nl == NULL ||
	    note_size_parse(nl + 1, strcspn(nl + 1, "\n"), &size) != 0)
		return 0;
	return size;
}

/*
 * The newest checkpoint stands where strangers look for it.  It follows the
 * database, so a newer one means that the database is not the one it was.
 */
static int
put_checkpoint(struct audit_store *s, const char *note, uint64_t size,
    struct diag *d)
{
	_cleanup_free_ uint8_t *have = NULL;
	size_t len = 0;
	int r;

	if (file_exists(s->dirfd, "checkpoint")) {
		r = file_read(s->dirfd, "checkpoint", NOTE_MAX, &have, &len, d);
		if (r != 0)
			return r;
		if (noted_size((const char *)have) > size)
			return diag_fail(d, CS_E_AUDIT_STORE,
			    "a database as new as its tiles (coldseal audit "
			    "rebuild makes it)",
			    "%" PRIu64 " leaves, the tiles have %" PRIu64, size,
			    noted_size((const char *)have));
	}
	if (note == NULL ||
	    (have != NULL && len == strlen(note) &&
		memcmp(have, note, len) == 0))
		return 0;
	return file_write_atomic(s->dirfd, "checkpoint", note, strlen(note),
	    0644, d);
}

int
audit_store_settle(struct audit_store *s, const char *note, uint64_t size,
    struct diag *d)
{
	struct undo u = { s->dirfd, size };
	bool any;
	int r = read_writing(s, &any, d);

	if (r == 0)
		r = put_checkpoint(s, note, size, d);
	if (r != 0 || !any)
		return r;
	if (size == s->size) {
		r = drop_partial(s, d);
	} else {
		r = tilefiles_each(s->dirfd, undo_tile, &u, d);
		if (r == 0)
			r = drop_import(s, s->size, d);
	}
	if (r == 0)
		r = unlink_quietly(s->dirfd, WRITING, d);
	s->old = s->size = 0;
	return r;
}
