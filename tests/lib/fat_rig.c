/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fat_rig.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/file.h"
#include "lib/sha.h"

extern char **environ;

static char dir[256];

/* --- the tools ---------------------------------------------------------- */

void
fat_rig_run(const char *in, const char *const argv[])
{
	posix_spawn_file_actions_t fa;
	int status = -1;
	pid_t pid;

	assert_int_equal(posix_spawn_file_actions_init(&fa), 0);
	assert_int_equal(posix_spawn_file_actions_addchdir_np(&fa, dir), 0);
	assert_int_equal(posix_spawn_file_actions_addopen(&fa, 0,
			     in != NULL ? in : "/dev/null", O_RDONLY, 0),
	    0);
	assert_int_equal(posix_spawn_file_actions_addopen(&fa, 1, "log",
			     O_WRONLY | O_CREAT | O_TRUNC, 0600),
	    0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&fa, 1, 2), 0);
	assert_int_equal(posix_spawnp(&pid, argv[0], &fa, NULL,
			     (char *const *)(uintptr_t)argv, environ),
	    0);
	(void)posix_spawn_file_actions_destroy(&fa);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("%s ended with status %#x", argv[0], (unsigned)status);
}

void
fat_rig_path(const char *name, char out[512])
{
	(void)snprintf(out, 512, "%s/%s", dir, name);
}

int
fat_rig_setup(void **state)
{
	const char *tmp = getenv("TMPDIR"), *path = getenv("PATH");
	char more[4096];

	(void)state;
	/* mkfs.fat and sfdisk live in sbin */
	(void)snprintf(more, sizeof(more), "%s:/usr/sbin:/sbin",
	    path != NULL ? path : "/usr/bin:/bin");
	(void)snprintf(dir, sizeof(dir), "%s/cs-fat.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	return setenv("PATH", more, 1) != 0 ||
	    setenv("MTOOLS_SKIP_CHECK", "1", 1) != 0 || mkdtemp(dir) == NULL;
}

int
fat_rig_teardown(void **state)
{
	(void)state;
	run("rm", "-rf", dir);
	return 0;
}

/* Bytes that differ from sector to sector. */
void
make_file(const char *name, size_t n)
{
	_cleanup_free_ uint8_t *p = malloc(n + 1);
	char path[512];
	size_t i;

	assert_non_null(p);
	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(i / 512 * 13 + i);
	fat_rig_path(name, path);
	assert_int_equal(file_write_atomic(AT_FDCWD, path, p, n, 0600, NULL),
	    0);
}

void
make_blank(const char *name, off_t size)
{
	char path[512];
	int fd;

	fat_rig_path(name, path);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	(void)close(fd);
}

void
load(const char *name, struct image *ret)
{
	char path[512];

	fat_rig_path(name, path);
	assert_int_equal(file_read(AT_FDCWD, path, 1u << 30, &ret->p, &ret->n,
			     NULL),
	    0);
}

void
store(const char *name, const struct image *im)
{
	char path[512];

	fat_rig_path(name, path);
	assert_int_equal(file_write_atomic(AT_FDCWD, path, im->p, im->n, 0600,
			     NULL),
	    0);
}

/* A whole superfloppy: type "16" or "32", sectors per cluster. */
void
make_image(const char *name, unsigned mib, const char *type, const char *spc)
{
	make_blank(name, (off_t)mib * MIB);
	run("mkfs.fat", "--invariant", "-F", type, "-s", spc, name);
}

/* --- reading ------------------------------------------------------------ */

int
find_file(const struct blkdev *dev, const char *name, struct fat **ret_fat,
    struct fat_file *ret, struct diag *d)
{
	int r;

	r = fat_open(dev, ret_fat, d);
	return r == 0 ? fat_find(*ret_fat, name, ret, d) : r;
}

/* The file's SHA-256 and size, or the refusal. */
int
read_name(const struct blkdev *dev, const char *name, size_t chunk,
    uint8_t sha[32], uint64_t *ret_size, struct diag *d)
{
	_cleanup_fat_ struct fat *fat = NULL;
	_cleanup_free_ uint8_t *buf = malloc(chunk);
	struct hasher *h = NULL;
	struct fat_file f;
	uint64_t total = 0;
	size_t n = 1;
	int r;

	assert_non_null(buf);
	assert_int_equal(hasher_new(HASH_SHA256, &h), 0);
	r = find_file(dev, name, &fat, &f, d);
	while (r == 0 && n > 0) {
		r = fat_read(fat, &f, buf, chunk, &n, d);
		assert_true(r != 0 || n <= chunk);
		total += n;
		assert_int_equal(hasher_update(h, buf, r == 0 ? n : 0), 0);
	}
	assert_int_equal(hasher_final(h, sha, 32), 0);
	hasher_free(&h);
	*ret_size = total;
	return r;
}

int
verdict(const struct image *im)
{
	const struct blk_mem m = { im->p, im->n };
	struct diag d = { 0 };
	struct blkdev dev;
	uint8_t sha[32];
	uint64_t size;
	int r;

	blk_open_mem(&m, &dev);
	r = read_name(&dev, NAME, CHUNK, sha, &size, &d);
	/* a refusal always says why */
	assert_int_equal(r, d.code);
	return r;
}

void
expect_at(const struct image *im, int code, int line)
{
	int r = verdict(im);

	if (r != code)
		fail_msg("line %d: %s, expected %s", line, err_id(r),
		    err_id(code));
}

/* What is read from the image is what was put in. */
void
check_same(const char *image, const char *file)
{
	static const size_t chunks[] = { CHUNK, MIB, CHUNK + 512 };
	struct image want;
	struct blkdev dev;
	uint8_t a[32], b[32];
	struct diag d = { 0 };
	char path[512];
	uint64_t size = 0;
	size_t i;
	int fd, r;

	load(file, &want);
	assert_int_equal(sha256(want.p, want.n, a), 0);
	free(want.p);
	fat_rig_path(image, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(blk_open_fd(&fd, &dev, NULL), 0);
	for (i = 0; i < ARRAY_LEN(chunks); i++) {
		r = read_name(&dev, NAME, chunks[i], b, &size, &d);
		if (r != 0)
			fail_msg("%s: %s: %s", image, err_id(r), d.found);
		assert_true(size == want.n);
		assert_memory_equal(a, b, 32);
	}
	(void)close(fd);
}

/* --- the volume, measured in the plainest way --- */

uint32_t
get(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

void
set(uint8_t *p, size_t n, uint32_t v)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

void
measure(const struct image *im, size_t start, struct layout *l)
{
	const uint8_t *b = im->p + start;
	const size_t bps = get(b + 11, 2);
	size_t fat_sectors = get(b + 22, 2), sectors = get(b + 19, 2);

	l->start = start;
	l->is32 = fat_sectors == 0;
	if (l->is32)
		fat_sectors = get(b + 36, 4);
	if (sectors == 0)
		sectors = get(b + 32, 4);
	l->cluster = bps * b[13];
	l->fat = start + get(b + 14, 2) * bps;
	l->fat_bytes = fat_sectors * bps;
	l->data = l->fat + b[16] * l->fat_bytes + get(b + 17, 2) * 32;
	l->root = l->is32 ? l->data + (get(b + 44, 4) - 2) * l->cluster :
			    l->fat + b[16] * l->fat_bytes;
	l->clusters =
	    (uint32_t)((start + sectors * bps - l->data) / l->cluster);
}

uint8_t *
entry(const struct image *im, const struct layout *l, const char *name11)
{
	size_t i;

	for (i = 0; i < l->cluster; i += 32)
		if (memcmp(im->p + l->root + i, name11, 11) == 0)
			return im->p + l->root + i;
	fail_msg("no %s", name11);
	return NULL;
}

void
set_link(const struct image *im, const struct layout *l, uint32_t c,
    uint32_t to)
{
	const size_t width = l->is32 ? 4 : 2;

	set(im->p + l->fat + c * width, width, to);
}

uint32_t
first_of(const uint8_t *e)
{
	return get(e + 20, 2) << 16 | get(e + 26, 2);
}

/* The volume of an image moved behind an MBR with one partition. */
void
with_mbr(struct image *im, uint8_t type)
{
	struct image out;
	const size_t off = (size_t)PART_LBA * 512;
	uint8_t *e;

	out.n = im->n + off;
	out.p = calloc(1, out.n);
	assert_non_null(out.p);
	memcpy(out.p + off, im->p, im->n);
	e = out.p + 446;
	e[4] = type;
	set(e + 8, 4, PART_LBA);
	set(e + 12, 4, (uint32_t)(im->n / 512));
	set(out.p + 510, 2, 0xaa55);
	free(im->p);
	*im = out;
}
