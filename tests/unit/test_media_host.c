/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/file.h"
#include "usb-transfer/media_host.h"

extern char **environ;

#define NAME "COLDSEAL.REQ"
#define MIB  (UINT64_C(1) << 20)
#define STOP 77

static char dir[256];

static int
run(const char *const argv[])
{
	posix_spawn_file_actions_t fa;
	int status = -1;
	pid_t pid;

	assert_int_equal(posix_spawn_file_actions_init(&fa), 0);
	assert_int_equal(posix_spawn_file_actions_addopen(&fa, 1, "/dev/null",
			     O_WRONLY, 0),
	    0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&fa, 1, 2), 0);
	assert_int_equal(posix_spawnp(&pid, argv[0], &fa, NULL,
			     (char *const *)(uintptr_t)argv, environ),
	    0);
	(void)posix_spawn_file_actions_destroy(&fa);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
#define RUN(...) run((const char *const[]){ __VA_ARGS__, NULL })

/* Every test has a folder of its own. */
static int
setup(void **state)
{
	const char *tmp = getenv("TMPDIR"), *path = getenv("PATH");
	char more[4096];

	(void)state;
	(void)snprintf(more, sizeof(more), "%s:/usr/sbin:/sbin",
	    path != NULL ? path : "/usr/bin:/bin");
	(void)snprintf(dir, sizeof(dir), "%s/cs-media.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	return setenv("PATH",
		   path != NULL && strstr(path, "sbin") != NULL ? path : more,
		   1) != 0 ||
	    mkdtemp(dir) == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	return RUN("rm", "-rf", dir);
}

static const char *
at(const char *name)
{
	static char path[4][512];
	static unsigned next;
	char *p = path[next++ % 4];

	(void)snprintf(p, 512, "%s/%s", dir, name);
	return p;
}

/* A bundle to be carried: any bytes do. */
static int
bundle(size_t n, uint8_t seed)
{
	_cleanup_free_ uint8_t *p = malloc(n + 1);
	int fd = memfd_create("bundle", MFD_CLOEXEC);
	size_t i;

	assert_true(fd >= 0 && p != NULL);
	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(i / 512 * 3 + i + seed);
	assert_int_equal(fd_write_all(fd, p, n), 0);
	return fd;
}

static void
assert_same(int a, int b)
{
	uint8_t *x, *y;
	size_t n, m;

	assert_int_equal(fd_read_file(a, 64 * MIB, &x, &n, NULL), 0);
	assert_int_equal(fd_read_file(b, 64 * MIB, &y, &m, NULL), 0);
	assert_int_equal(n, m);
	assert_memory_equal(x, y, n);
	free(x);
	free(y);
}

static int
put(const char *target, int fd, uint64_t bytes)
{
	struct diag d = { 0 };
	int r = media_write(target, NAME, fd, bytes, NULL, NULL, &d);

	assert_int_equal(r, d.code);
	return r;
}

static int
take(const char *source, int fd)
{
	struct diag d = { 0 };
	int r = media_read(source, NAME, fd, NULL, NULL, &d);

	assert_int_equal(r, d.code);
	return r;
}

static void
check_carried(const char *target, int want)
{
	_cleanup_fd_ int got = memfd_create("got", MFD_CLOEXEC);

	assert_int_equal(take(target, got), 0);
	assert_same(want, got);
}

static uint64_t
size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

static void
test_image(void **state)
{
	static const size_t sizes[] = { 0, 1, 1024, 5000001 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(sizes); i++) {
		_cleanup_fd_ int b = bundle(sizes[i], 1);

		(void)unlink(at("a.img"));
		assert_int_equal(put(at("a.img"), b, 0), 0);
		assert_true(size_of(at("a.img")) % MIB == 0);
		check_carried(at("a.img"), b);
		assert_int_equal(RUN("fsck.fat", "-n", at("a.img")), 0);
	}
}

/* An image that is there keeps its size, and none of its old files. */
static void
test_image_again(void **state)
{
	_cleanup_fd_ int one = bundle(900000, 1), two = bundle(1000, 2);

	(void)state;
	assert_int_equal(put(at("a.img"), one, 50 * MIB), 0);
	assert_true(size_of(at("a.img")) == 50 * MIB);
	assert_int_equal(put(at("a.img"), two, 0), 0);
	assert_true(size_of(at("a.img")) == 50 * MIB);
	check_carried(at("a.img"), two);
	assert_int_equal(put(at("a.img"), one, 60 * MIB), 0);
	assert_true(size_of(at("a.img")) == 60 * MIB);
	check_carried(at("a.img"), one);
}

static void
test_image_small(void **state)
{
	_cleanup_fd_ int b = bundle(3 * MIB, 1);

	(void)state;
	assert_int_equal(put(at("a.img"), b, 20 * MIB), CS_E_MEDIA_SPACE);
	assert_int_equal(put(at("b.img"), b, 36 * MIB), 0);
}

static size_t
entries(const char *path)
{
	DIR *h = opendir(path);
	size_t n = 0;

	assert_non_null(h);
	while (readdir(h) != NULL)
		n++;
	(void)closedir(h);
	return n - 2;
}

static void
test_folder(void **state)
{
	_cleanup_fd_ int one = bundle(2000001, 1), two = bundle(10, 2);
	_cleanup_fd_ int fd = -1;
	char path[600];

	(void)state;
	assert_int_equal(mkdir(at("stick"), 0700), 0);
	assert_int_equal(put(at("stick"), one, 0), 0);
	check_carried(at("stick"), one);
	(void)snprintf(path, sizeof(path), "%s/" NAME, at("stick"));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_same(fd, one);
	/* over the old one, which a reader that has it open keeps */
	assert_int_equal(put(at("stick"), two, 0), 0);
	check_carried(at("stick"), two);
	assert_same(fd, one);
	/* nothing else is left behind */
	assert_int_equal(entries(at("stick")), 1);
}

/* A crash left its new file; the next time goes on. */
static void
test_folder_after_crash(void **state)
{
	_cleanup_fd_ int b = bundle(1000, 1);
	char path[600];

	(void)state;
	assert_int_equal(mkdir(at("stick"), 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/COLDSEAL.NEW", at("stick"));
	assert_int_equal(file_write_atomic(AT_FDCWD, path, "rest", 4, 0600,
			     NULL),
	    0);
	assert_int_equal(put(at("stick"), b, 0), 0);
	check_carried(at("stick"), b);
}

static void
test_folder_refuses(void **state)
{
	_cleanup_fd_ int b = bundle(1000, 1);
	_cleanup_fd_ int got = memfd_create("got", MFD_CLOEXEC);
	char path[600];

	(void)state;
	assert_int_equal(mkdir(at("stick"), 0700), 0);
	assert_int_equal(take(at("stick"), got), CS_E_MEDIA_NO_FILE);
	/* a link out of the stick is not followed */
	(void)snprintf(path, sizeof(path), "%s/" NAME, at("stick"));
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(take(at("stick"), got), CS_E_MEDIA_IO);
	assert_int_equal(put(at("stick"), b, 0), 0);
	check_carried(at("stick"), b);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_not_equal(take(at("stick"), got), 0);
	assert_int_equal(put(at("stick"), b, 0), CS_E_MEDIA_IO);
	assert_int_equal(entries(at("stick")), 1);
}

static void
test_refuses(void **state)
{
	_cleanup_fd_ int b = bundle(1000, 1);
	_cleanup_fd_ int got = memfd_create("got", MFD_CLOEXEC);
	_cleanup_fd_ int folder = open(dir, O_RDONLY | O_CLOEXEC);

	(void)state;
	/* devices are for the appliance only */
	assert_int_equal(put("/dev/null", b, 0), CS_E_MEDIA_DEVICE);
	assert_int_equal(take("/dev/null", got), CS_E_MEDIA_DEVICE);
	assert_int_equal(put(at("no/such.img"), b, 0), CS_E_MEDIA_IO);
	assert_int_equal(take(at("no.img"), got), CS_E_MEDIA_IO);
	assert_int_equal(put(at("a.img"), folder, 0), CS_E_IO);
	/* an image without the file, and no image at all */
	assert_int_equal(RUN("truncate", "-s", "34M", at("b.img")), 0);
	assert_int_equal(take(at("b.img"), got), CS_E_MEDIA_EMPTY);
	assert_int_equal(RUN("mkfs.fat", "-F", "32", "-s", "1", at("b.img")),
	    0);
	assert_int_equal(take(at("b.img"), got), CS_E_MEDIA_NO_FILE);
	/* a link in the image's place is not followed */
	assert_int_equal(symlink("b.img", at("link.img")), 0);
	assert_int_equal(put(at("link.img"), b, 0), CS_E_MEDIA_IO);
}

struct calls {
	uint64_t n, done, stop_at;
};

static int
progress(void *arg, uint64_t done, uint64_t total)
{
	struct calls *c = arg;

	assert_true(done >= c->done && done <= total);
	c->done = done;
	return ++c->n == c->stop_at ? STOP : 0;
}

static void
test_progress(void **state)
{
	_cleanup_fd_ int b = bundle(3 * MIB, 1);
	_cleanup_fd_ int got = memfd_create("got", MFD_CLOEXEC);
	struct calls c = { 0 };

	(void)state;
	assert_int_equal(media_write(at("a.img"), NAME, b, 0, progress, &c,
			     NULL),
	    0);
	assert_true(c.n > 3);
	c = (struct calls){ 0 };
	assert_int_equal(media_read(at("a.img"), NAME, got, progress, &c, NULL),
	    0);
	assert_true(c.n >= 3 && c.done == 3 * MIB);
	/* stopped half way: no volume, or no file */
	c = (struct calls){ .stop_at = 2 };
	assert_int_equal(media_write(at("a.img"), NAME, b, 0, progress, &c,
			     NULL),
	    STOP);
	assert_int_equal(take(at("a.img"), got), CS_E_MEDIA_EMPTY);
	assert_int_equal(mkdir(at("stick"), 0700), 0);
	c = (struct calls){ .stop_at = 2 };
	assert_int_equal(media_write(at("stick"), NAME, b, 0, progress, &c,
			     NULL),
	    STOP);
	assert_int_equal(entries(at("stick")), 0);
}

/* A stick that loses a byte between writing and reading back. */
static int
damage(void *arg, uint64_t done, uint64_t total)
{
	_cleanup_fd_ int fd = -1;
	const char *path = arg;

	if (done * 2 != total)
		return 0;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd_pwrite_all(fd, "\xff\xff", 2, 1000);
}

static void
test_folder_compare(void **state)
{
	_cleanup_fd_ int b = bundle(2 * MIB, 1);
	char path[600];

	(void)state;
	assert_int_equal(mkdir(at("stick"), 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/COLDSEAL.NEW", at("stick"));
	assert_int_equal(media_write(at("stick"), NAME, b, 0, damage, path,
			     NULL),
	    CS_E_MEDIA_COMPARE);
	assert_int_equal(entries(at("stick")), 0);
}

/* A person copies the file with the tools at hand. */
static void
test_by_hand(void **state)
{
	_cleanup_fd_ int b = bundle(1500000, 4);
	_cleanup_fd_ int out = -1;

	(void)state;
	assert_int_equal(put(at("a.img"), b, 0), 0);
	assert_int_equal(RUN("mcopy", "-i", at("a.img"), "::" NAME, at("out")),
	    0);
	out = open(at("out"), O_RDONLY | O_CLOEXEC);
	assert_same(out, b);
	assert_int_equal(RUN("truncate", "-s", "64M", at("hand.img")), 0);
	assert_int_equal(RUN("mkfs.fat", at("hand.img")), 0);
	assert_int_equal(RUN("mcopy", "-i", at("hand.img"), at("out"),
			     "::coldseal.req"),
	    0);
	check_carried(at("hand.img"), b);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_image),
		TEST(test_image_again),
		TEST(test_image_small),
		TEST(test_folder),
		TEST(test_folder_after_crash),
		TEST(test_folder_refuses),
		TEST(test_refuses),
		TEST(test_progress),
		TEST(test_folder_compare),
		TEST(test_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
