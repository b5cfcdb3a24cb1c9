/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tiles.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/file.h"

#define GROUP	   1000u /* three digits for each path element */
#define GROUPS_MAX 7u

void
tile_path(const struct tile_id *t, char out[TILE_PATH_MAX])
{
	uint64_t group[GROUPS_MAX], v = t->index;
	size_t n = 0, o;

	do {
		group[n++] = v % GROUP;
		v /= GROUP;
	} while (v != 0);
	if (t->level == TILE_ENTRIES)
		o = (size_t)snprintf(out, TILE_PATH_MAX, "tile/entries");
	else
		o = (size_t)snprintf(out, TILE_PATH_MAX, "tile/%d", t->level);
	while (n-- > 0)
		o += (size_t)snprintf(out + o, TILE_PATH_MAX - o,
		    n == 0 ? "/%03" PRIu64 : "/x%03" PRIu64, group[n]);
	if (t->width < TILE_WIDTH)
		(void)snprintf(out + o, TILE_PATH_MAX - o, ".p/%u", t->width);
}

/* digits at *p as a number below 2^45; at least one */
static bool
take_number(const char **p, size_t max_digits, uint64_t *ret)
{
	uint64_t v = 0;
	size_t n;

	for (n = 0; n < max_digits && **p >= '0' && **p <= '9'; n++, (*p)++)
		v = v * 10 + (uint64_t)(**p - '0');
	*ret = v;
	return n != 0;
}

/* Reads loosely: the caller writes it again and compares. */
static bool
read_path(const char *p, struct tile_id *t)
{
	uint64_t v;
	unsigned groups = 0;

	if (strncmp(p, "tile/entries/", 13) == 0) {
		t->level = TILE_ENTRIES;
		p += 13;
	} else if (strncmp(p, "tile/", 5) == 0 && p[5] >= '0' &&
	    p[5] < (char)('0' + TILE_LEVELS) && p[6] == '/') {
		t->level = p[5] - '0';
		p += 7;
	} else {
		return false;
	}
	t->index = 0;
	for (; *p == 'x'; p++) {
		p++;
		if (++groups == 5 || !take_number(&p, 3, &v) || *p != '/')
			return false;
		t->index = (t->index + v) * GROUP;
	}
	if (!take_number(&p, 3, &v))
		return false;
	t->index += v;
	t->width = TILE_WIDTH;
	if (*p == '\0')
		return true;
	if (strncmp(p, ".p/", 3) != 0)
		return false;
	p += 3;
	if (!take_number(&p, 3, &v) || v == 0 || v >= TILE_WIDTH)
		return false;
	t->width = (unsigned)v;
	return *p == '\0';
}

uint64_t
tile_end(const struct tile_id *t)
{
	uint64_t end = t->index * TILE_WIDTH + t->width;
	int i;

	for (i = 0; t->level != TILE_ENTRIES && i < t->level; i++)
		end *= TILE_WIDTH;
	return end;
}

int
tile_path_parse(const char *path, struct tile_id *ret)
{
	char again[TILE_PATH_MAX];
	struct tile_id t;

	if (strlen(path) >= TILE_PATH_MAX || !read_path(path, &t))
		return CS_E_LOG_FORMAT;
	tile_path(&t, again);
	if (strcmp(again, path) != 0)
		return CS_E_LOG_FORMAT;
	*ret = t;
	return 0;
}

/* hashes in a level of the tree of size leaves */
static uint64_t
level_hashes(int level, uint64_t size)
{
	return level <= 0 ? size : size >> (8 * (unsigned)level);
}

unsigned
tile_width_at(int level, uint64_t index, uint64_t size)
{
	uint64_t n = level_hashes(level, size);

	if (index > MERKLE_MAX_SIZE / TILE_WIDTH || index * TILE_WIDTH >= n)
		return 0;
	n -= index * TILE_WIDTH;
	return n >= TILE_WIDTH ? TILE_WIDTH : (unsigned)n;
}

static int
each_of_level(int level, uint64_t size,
    int (*fn)(void *arg, const struct tile_id *t), void *arg)
{
	struct tile_id t = { .level = level };
	int r;

	while ((t.width = tile_width_at(level, t.index, size)) != 0) {
		if ((r = fn(arg, &t)) != 0)
			return r;
		t.index++;
	}
	return 0;
}

int
tile_each(uint64_t size, int (*fn)(void *arg, const struct tile_id *t),
    void *arg)
{
	int level, r;

	for (level = 0; level < (int)TILE_LEVELS; level++)
		if ((r = each_of_level(level, size, fn, arg)) != 0)
			return r;
	return each_of_level(TILE_ENTRIES, size, fn, arg);
}

static int
dir_read(void *arg, const char *path, uint8_t **ret, size_t *ret_len,
    struct diag *d)
{
	const int *dirfd = arg;
	_cleanup_fd_ int fd = -1;

	fd = openat(*dirfd, path,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return diag_fail(d, CS_E_LOG_MISSING, path, "no such file");
	if (fd < 0)
		return diag_errno(d, CS_E_IO, "open %s", path);
	return fd_read_file(fd, TILE_ENTRIES_MAX, ret, ret_len, d);
}

struct tile_source
tile_source_dir(const int *dirfd)
{
	struct tile_source s = { .read = dir_read };

	/* dir_read() only looks at it */
	memcpy(&s.arg, &dirfd, sizeof(s.arg));
	return s;
}
