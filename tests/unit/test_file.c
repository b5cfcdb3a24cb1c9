/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/file.h"

struct dir {
	char path[256];
	int fd;
};

static int
setup(void **state)
{
	static struct dir d;
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(d.path, sizeof(d.path), "%s/coldseal.XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(d.path) == NULL)
		return -1;
	d.fd = open(d.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &d;
	return d.fd >= 0 ? 0 : -1;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	struct dir *d = *state;

	close_fdp(&d->fd);
	return nftw(d->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static size_t
entries(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n - 2;
}

static void
test_write_and_read(void **state)
{
	struct dir *t = *state;
	struct diag d = { 0 };
	struct stat st;
	uint8_t *p;
	size_t len;

	assert_int_equal(file_exists(t->fd, "f"), 0);
	assert_int_equal(file_write_atomic(t->fd, "f", "first", 5, 0600, &d),
	    0);
	assert_int_equal(file_exists(t->fd, "f"), 1);
	assert_int_equal(fstatat(t->fd, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(file_write_atomic(t->fd, "f", "2nd", 3, 0600, &d), 0);
	assert_int_equal(entries(t->path), 1);
	assert_int_equal(file_read(t->fd, "f", 3, &p, &len, &d), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(p, "2nd", 4); /* and the NUL */
	free(p);
	assert_int_equal(file_write_atomic(t->fd, "g", NULL, 0, 0600, NULL), 0);
	assert_int_equal(file_read(t->fd, "g", 0, &p, &len, &d), 0);
	assert_int_equal(len, 0);
	assert_int_equal(p[0], 0);
	free(p);
}

static void
test_read_refused(void **state)
{
	struct dir *t = *state;
	struct diag d = { 0 };
	uint8_t *p = NULL;
	size_t len = 99;
	int fd;

	assert_int_equal(file_write_atomic(t->fd, "f", "1234", 4, 0600, &d), 0);
	assert_int_equal(file_read(t->fd, "f", 3, &p, &len, &d),
	    CS_E_TOO_LARGE);
	assert_int_equal(file_read(t->fd, "none", 9, &p, &len, &d), CS_E_IO);
	assert_non_null(strstr(d.found, "No such file"));
	assert_int_equal(file_read(t->fd, ".", 9, &p, &len, &d), CS_E_IO);
	assert_int_equal(mkfifoat(t->fd, "fifo", 0600), 0);
	assert_int_equal(file_read(t->fd, "fifo", 9, &p, &len, &d), CS_E_IO);
	assert_non_null(strstr(d.expected, "regular"));
	assert_int_equal(file_read(t->fd, "/dev/zero", 9, &p, &len, &d),
	    CS_E_IO);
	fd = openat(t->fd, "f", O_WRONLY | O_CLOEXEC);
	assert_int_equal(fd_read_file(fd, 9, &p, &len, &d), CS_E_IO);
	(void)close(fd);
	assert_int_equal(fd_read_file(-1, 9, &p, &len, &d), CS_E_IO);
	assert_null(p);
	assert_int_equal(len, 99);
}

/* Where fstat() says 0 bytes and there are some. */
static void
test_read_proc(void **state)
{
	struct diag d = { 0 };
	uint8_t *p;
	size_t len, i;

	(void)state;
	assert_int_equal(file_read(AT_FDCWD, "/proc/self/status", 100000, &p,
			     &len, &d),
	    0);
	assert_true(len > 500);
	assert_memory_equal(p, "Name:", 5);
	assert_int_equal(p[len], 0);
	free(p);
	for (i = 0; i < 500; i += 7)
		assert_int_equal(file_read(AT_FDCWD, "/proc/self/status", i, &p,
				     &len, &d),
		    CS_E_TOO_LARGE);
	assert_int_equal(file_read(AT_FDCWD, "/proc/self/maps", SIZE_MAX, &p,
			     &len, &d),
	    0);
	assert_true(len > 500);
	free(p);
}

static void
test_read_from_start(void **state)
{
	struct dir *t = *state;
	uint8_t *p;
	size_t len;
	int fd;

	assert_int_equal(file_write_atomic(t->fd, "f", "1234", 4, 0600, NULL),
	    0);
	fd = openat(t->fd, "f", O_RDONLY | O_CLOEXEC);
	assert_int_equal(lseek(fd, 3, SEEK_SET), 3);
	assert_int_equal(fd_read_file(fd, 4, &p, &len, NULL), 0);
	assert_int_equal(len, 4);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 3);
	free(p);
	(void)close(fd);
}

/* A write that fails leaves neither a new file nor a changed one. */
static void
test_write_fails(void **state)
{
	struct dir *t = *state;
	struct diag d = { 0 };

	assert_int_equal(mkdirat(t->fd, "dir", 0700), 0);
	assert_int_equal(file_write_atomic(t->fd, "dir", "x", 1, 0600, &d),
	    CS_E_IO);
	assert_int_equal(entries(t->path), 1);
	assert_int_equal(file_write_atomic(t->fd, "no/f", "x", 1, 0600, &d),
	    CS_E_IO);
	assert_int_equal(entries(t->path), 1);
	assert_int_equal(file_write_atomic(t->fd, "dir/f", "x", 1, 0600, &d),
	    0);
	assert_int_equal(file_exists(t->fd, "dir/f"), 1);
}

static void
test_folders(void **state)
{
	struct dir *t = *state;
	struct diag d = { 0 };
	struct stat st;
	char path[300];
	int fd = -1;

	assert_int_equal(dir_make(t->fd, "a/b/c", &d), 0);
	assert_int_equal(dir_make(t->fd, "a/b/c/", &d), 0);
	assert_int_equal(dir_make(t->fd, "a/b", &d), 0);
	assert_int_equal(fstatat(t->fd, "a/b", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	(void)snprintf(path, sizeof(path), "%s/x/y", t->path);
	assert_int_equal(dir_make(AT_FDCWD, path, &d), 0);
	assert_int_equal(dir_open(t->fd, "x/y", &fd, &d), 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	close_fdp(&fd);
	assert_int_equal(file_write_atomic(t->fd, "a/f", "x", 1, 0600, &d), 0);
	assert_int_equal(dir_make(t->fd, "a/f", &d), CS_E_IO);
	assert_int_equal(dir_make(t->fd, "a/f/g", &d), CS_E_IO);
	assert_int_equal(dir_open(t->fd, "a/f", &fd, &d), CS_E_IO);
	assert_int_equal(dir_open(t->fd, "none", &fd, &d), CS_E_IO);
	assert_int_equal(fd, -1);
}

static void
test_whole_transfers(void **state)
{
	struct dir *t = *state;
	uint8_t got[6];
	int pipefd[2];
	int fd;

	fd = openat(t->fd, "f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(fd_write_all(fd, "123456", 6), 0);
	assert_int_equal(fd_pwrite_all(fd, "ab", 2, 1), 0);
	assert_int_equal(fd_pread_all(fd, got, 6, 0), 0);
	assert_memory_equal(got, "1ab456", 6);
	assert_int_equal(fd_pread_all(fd, got, 3, 3), 0);
	assert_int_equal(fd_pread_all(fd, got, 4, 3), CS_E_TRUNCATED);
	assert_int_equal(fd_pread_all(-1, got, 1, 0), CS_E_IO);
	assert_int_equal(fd_pwrite_all(-1, got, 1, 0), CS_E_IO);
	assert_int_equal(fd_write_all(-1, got, 1), CS_E_IO);
	assert_int_equal(fd_write_all(-1, got, 0), 0);
	(void)close(fd);
	assert_int_equal(pipe2(pipefd, O_CLOEXEC), 0);
	assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	(void)close(pipefd[0]);
	assert_int_equal(fd_write_all(pipefd[1], got, 1), CS_E_IO);
	(void)close(pipefd[1]);
}

static void
test_sealed_memory(void **state)
{
	uint8_t *p;
	size_t len;
	int fd;

	(void)state;
	assert_int_equal(memfd_sealed("doc", "content", 7, &fd, NULL), 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(pwrite(fd, "X", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 3), -1);
	assert_int_equal(ftruncate(fd, 30), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_equal(memfd_read_sealed(fd, 7, &p, &len, NULL), 0);
	assert_int_equal(len, 7);
	assert_memory_equal(p, "content", 8);
	free(p);
	assert_int_equal(memfd_read_sealed(fd, 6, &p, &len, NULL),
	    CS_E_TOO_LARGE);
	(void)close(fd);
}

static void
test_unsealed_refused(void **state)
{
	static const int all[] = { F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW,
		F_SEAL_WRITE };
	struct dir *t = *state;
	uint8_t *p = NULL;
	size_t len, i, j;
	int fd;

	/* each seal but one, then none */
	for (i = 0; i < ARRAY_LEN(all); i++) {
		fd = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		assert_true(fd >= 0);
		for (j = ARRAY_LEN(all); j-- > 0;)
			if (j != i)
				assert_int_equal(fcntl(fd, F_ADD_SEALS, all[j]),
				    0);
		assert_int_equal(memfd_read_sealed(fd, 9, &p, &len, NULL),
		    CS_E_IPC);
		(void)close(fd);
	}
	fd = memfd_create("t", MFD_CLOEXEC);
	assert_int_equal(memfd_read_sealed(fd, 9, &p, &len, NULL), CS_E_IPC);
	(void)close(fd);
	fd = openat(t->fd, "f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(memfd_read_sealed(fd, 9, &p, &len, NULL), CS_E_IPC);
	(void)close(fd);
	assert_int_equal(memfd_read_sealed(-1, 9, &p, &len, NULL), CS_E_IPC);
	assert_null(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_write_and_read, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_read_refused, setup,
		    teardown),
		cmocka_unit_test(test_read_proc),
		cmocka_unit_test_setup_teardown(test_read_from_start, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_write_fails, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_folders, setup, teardown),
		cmocka_unit_test_setup_teardown(test_whole_transfers, setup,
		    teardown),
		cmocka_unit_test(test_sealed_memory),
		cmocka_unit_test_setup_teardown(test_unsealed_refused, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
