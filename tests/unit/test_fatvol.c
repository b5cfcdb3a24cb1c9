/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/file.h"
#include "lib/sha.h"
#include "usb-transfer/fat.h"
#include "usb-transfer/fatvol.h"

extern char **environ;

#define MIB   (UINT64_C(1) << 20)
#define CHUNK 65536u
#define CUT   77 /* what the hook answers: the power is gone */

static char dir[256];

static int
run(const char *const argv[])
{
	posix_spawn_file_actions_t fa;
	int status = -1;
	pid_t pid;

	assert_int_equal(posix_spawn_file_actions_init(&fa), 0);
	assert_int_equal(posix_spawn_file_actions_addchdir_np(&fa, dir), 0);
	assert_int_equal(posix_spawn_file_actions_addopen(&fa, 1, "log",
			     O_WRONLY | O_CREAT | O_TRUNC, 0600),
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

static int
setup(void **state)
{
	const char *tmp = getenv("TMPDIR"), *path = getenv("PATH");
	char more[4096];

	(void)state;
	(void)snprintf(more, sizeof(more), "%s:/usr/sbin:/sbin",
	    path != NULL ? path : "/usr/bin:/bin");
	(void)snprintf(dir, sizeof(dir), "%s/cs-fatvol.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	return setenv("PATH", more, 1) != 0 || mkdtemp(dir) == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	return RUN("rm", "-rf", dir);
}

/* A sparse image, or one full of what an old stick might hold. */
static int
open_image(const char *name, uint64_t size, bool dirty)
{
	char path[512];
	uint8_t junk[4096];
	uint64_t off;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	memset(junk, 0xa5, sizeof(junk));
	for (off = 0; dirty && off < size; off += sizeof(junk))
		assert_int_equal(fd_pwrite_all(fd, junk, sizeof(junk),
				     (off_t)off),
		    0);
	return fd;
}

/* A file made of a rule, so that its size costs no memory. */
struct content {
	uint8_t seed;
	uint64_t size;
	uint64_t fail_at; /* 0: never */
	uint64_t reads;	  /* calls */
	bool fickle;	  /* other bytes each time */
};

static int
content_read(void *arg, uint64_t off, void *buf, size_t n, struct diag *d)
{
	struct content *c = arg;
	uint8_t *p = buf;
	size_t i;

	c->reads++;
	assert_true(off <= c->size && n <= c->size - off);
	if (c->fail_at != 0 && off + n > c->fail_at)
		return diag_fail(d, CS_E_IO, NULL, "the test's error");
	for (i = 0; i < n; i++)
		p[i] = (uint8_t)((off + i) / 512 * 11 + off + i + c->seed +
		    (c->fickle ? c->reads : 0));
	return 0;
}

static void
set_file(struct fatvol_file *f, const char *name, struct content *c)
{
	memset(f, 0, sizeof(*f));
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	f->size = c->size;
	f->read = content_read;
	f->arg = c;
}

/* The named file as our own reader sees it; 0 if it is the content. */
static int
read_back(int fd, const char *name, struct content *want)
{
	_cleanup_fat_ struct fat *fat = NULL;
	_cleanup_free_ uint8_t *a = malloc(CHUNK), *b = malloc(CHUNK);
	struct fat_file f;
	struct blkdev dev;
	uint64_t off = 0;
	size_t n = 1;
	int r;

	assert_true(a != NULL && b != NULL);
	assert_int_equal(blk_open_fd(&fd, &dev, NULL), 0);
	r = fat_open(&dev, &fat, NULL);
	if (r == 0)
		r = fat_find(fat, name, &f, NULL);
	while (r == 0 && n > 0) {
		r = fat_read(fat, &f, a, CHUNK, &n, NULL);
		if (r != 0 || off + n > want->size)
			return r != 0 ? r : CS_E_MEDIA_COMPARE;
		assert_int_equal(content_read(want, off, b, n, NULL), 0);
		if (memcmp(a, b, n) != 0)
			return CS_E_MEDIA_COMPARE;
		off += n;
	}
	return r == 0 && off != want->size ? CS_E_MEDIA_COMPARE : r;
}

/* --- what it writes ----------------------------------------------------- */

struct shape {
	uint64_t bytes;
	uint64_t a, b; /* sizes of the two files */
};

/* fsck.fat, mtools and our reader agree about it. */
static void
check_shape(const struct shape *s, bool dirty)
{
	struct content a = { .seed = 1, .size = s->a };
	struct content b = { .seed = 2, .size = s->b };
	struct fatvol_file v[2];
	struct diag d = { 0 };
	_cleanup_fd_ int fd = open_image("v.img", s->bytes, dirty);
	uint8_t *p;
	char path[512], want[32], is[32];
	size_t n;
	int r;

	set_file(&v[0], "COLDSEAL.RSP", &a);
	set_file(&v[1], "COLDSEAL.AUD", &b);
	r = fatvol_write(fd, s->bytes, v, 2, NULL, &d);
	if (r != 0)
		fail_msg("%s: %s", err_id(r), d.found);
	assert_int_equal(read_back(fd, "COLDSEAL.RSP", &a), 0);
	assert_int_equal(read_back(fd, "COLDSEAL.AUD", &b), 0);
	assert_int_equal(RUN("fsck.fat", "-n", "-V", "v.img"), 0);
	if (s->a > 64 * MIB)
		return;
	assert_int_equal(RUN("mcopy", "-n", "-o", "-i", "v.img",
			     "::COLDSEAL.RSP", "out"),
	    0);
	(void)snprintf(path, sizeof(path), "%s/out", dir);
	assert_int_equal(file_read(AT_FDCWD, path, 64 * MIB, &p, &n, NULL), 0);
	assert_true(n == s->a);
	assert_int_equal(sha256(p, n, (uint8_t *)is), 0);
	assert_int_equal(content_read(&a, 0, p, n, NULL), 0);
	assert_int_equal(sha256(p, n, (uint8_t *)want), 0);
	assert_memory_equal(is, want, 32);
	free(p);
	assert_int_equal(RUN("rm", "out"), 0);
}

static void
test_shapes(void **state)
{
	static const struct shape v[] = {
		{ 34 * MIB, 1, 512 },
		{ 34 * MIB, 0, 0 },
		{ 34 * MIB, 3000001, 513 },
		{ 35 * MIB + 4096, 65536, 65537 },
		{ 259 * MIB, 5000000, 1 },
		{ 260 * MIB, 4096, 4097 },
		{ 300 * MIB + 512, 5000000, 70000 },
		{ 8192 * MIB - 512, 100000, 100000 },
		{ 8192 * MIB, 8192, 8193 },
		{ 16384 * MIB, 16384, 16385 },
		{ 32768 * MIB, 100000, 32769 },
		{ 65536 * MIB, 100000, 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(v); i++)
		check_shape(&v[i], false);
}

/* What was on the stick shows nowhere. */
static void
test_over_junk(void **state)
{
	static const struct shape v[] = { { 34 * MIB, 100001, 700 },
		{ 40 * MIB, 0, 1 } };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(v); i++)
		check_shape(&v[i], true);
}

/* Almost nothing of a large image is written. */
static void
test_sparse(void **state)
{
	struct content a = { .size = 100000 };
	struct fatvol_file f;
	_cleanup_fd_ int fd = open_image("v.img", 4096 * MIB, false);
	struct stat st;

	(void)state;
	set_file(&f, "COLDSEAL.RSP", &a);
	assert_int_equal(fatvol_write(fd, 4096 * MIB, &f, 1, NULL, NULL), 0);
	assert_int_equal(fstat(fd, &st), 0);
	/* two tables of 4 MiB, the file, the front */
	assert_true((uint64_t)st.st_blocks * 512 < 10 * MIB);
}

static void
hash_image(int fd, uint8_t sha[32])
{
	uint8_t *p;
	size_t n;

	assert_int_equal(fd_read_file(fd, 64 * MIB, &p, &n, NULL), 0);
	assert_int_equal(sha256(p, n, sha), 0);
	free(p);
}

/* The same files give the same bytes, whatever the clock says. */
static void
test_same_bytes(void **state)
{
	struct content a = { .seed = 5, .size = 70001 };
	struct fatvol_file f;
	_cleanup_fd_ int one = open_image("one.img", 34 * MIB, false);
	_cleanup_fd_ int two = open_image("two.img", 34 * MIB, false);
	uint8_t x[32], y[32];

	(void)state;
	set_file(&f, "COLDSEAL.RSP", &a);
	assert_int_equal(fatvol_write(one, 34 * MIB, &f, 1, NULL, NULL), 0);
	(void)sleep(2);
	assert_int_equal(fatvol_write(two, 34 * MIB, &f, 1, NULL, NULL), 0);
	hash_image(one, x);
	hash_image(two, y);
	assert_memory_equal(x, y, 32);
	/* and once more over itself */
	assert_int_equal(fatvol_write(two, 34 * MIB, &f, 1, NULL, NULL), 0);
	hash_image(two, y);
	assert_memory_equal(x, y, 32);
}

static void
test_label(void **state)
{
	struct content a = { .size = 10 };
	struct fatvol_file f;
	_cleanup_fd_ int fd = open_image("v.img", 34 * MIB, false);
	uint8_t *log;
	char path[512];
	size_t n;

	(void)state;
	set_file(&f, "COLDSEAL.RSP", &a);
	assert_int_equal(fatvol_write(fd, 34 * MIB, &f, 1, NULL, NULL), 0);
	assert_int_equal(RUN("mdir", "-i", "v.img", "::"), 0);
	(void)snprintf(path, sizeof(path), "%s/log", dir);
	assert_int_equal(file_read(AT_FDCWD, path, 65536, &log, &n, NULL), 0);
	assert_non_null(strstr((char *)log, "is COLDSEAL"));
	assert_non_null(strstr((char *)log, "1980-01-01"));
	assert_non_null(strstr((char *)log, "1 file"));
	free(log);
}

/* fatvol_need() is enough, for any size. */
static void
test_need(void **state)
{
	static const uint64_t sizes[] = { 0, 1, 1000000, 33 * MIB, 200 * MIB,
		1000 * MIB };
	struct fatvol_file f;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(sizes); i++) {
		struct content c = { .size = sizes[i] };
		_cleanup_fd_ int fd = -1;
		uint64_t need;

		set_file(&f, "COLDSEAL.REQ", &c);
		need = fatvol_need(&f, 1);
		assert_true(need >= FATVOL_MIN_BYTES && need % MIB == 0);
		assert_true(need <=
		    FATVOL_MIN_BYTES + sizes[i] + sizes[i] / 16 + 2 * MIB);
		fd = open_image("v.img", need, false);
		assert_int_equal(fatvol_write(fd, need, &f, 1, NULL, NULL), 0);
		assert_int_equal(read_back(fd, "COLDSEAL.REQ", &c), 0);
	}
}

/* --- what it refuses ---------------------------------------------------- */

static void
test_space(void **state)
{
	struct content a = { .size = 40 * MIB }, b = { .size = 17 * MIB };
	struct fatvol_file v[2];
	struct diag d = { 0 };
	_cleanup_fd_ int fd = open_image("v.img", 34 * MIB, false);
	uint8_t first[512];

	(void)state;
	set_file(&v[0], "COLDSEAL.RSP", &a);
	assert_int_equal(fatvol_write(fd, 34 * MIB, v, 1, NULL, &d),
	    CS_E_MEDIA_SPACE);
	assert_int_equal(d.code, CS_E_MEDIA_SPACE);
	/* each fits, both do not */
	set_file(&v[0], "COLDSEAL.RSP", &b);
	set_file(&v[1], "COLDSEAL.AUD", &b);
	assert_int_equal(fatvol_write(fd, 34 * MIB, v, 2, NULL, &d),
	    CS_E_MEDIA_SPACE);
	b.size = 1;
	set_file(&v[0], "COLDSEAL.RSP", &b);
	assert_int_equal(fatvol_write(fd, FATVOL_MIN_BYTES - 1, v, 1, NULL, &d),
	    CS_E_MEDIA_SPACE);
	assert_int_equal(fatvol_write(fd, 0, v, 1, NULL, &d), CS_E_MEDIA_SPACE);
	/* FAT's own limit, for what has no parts */
	b.size = (uint64_t)PART_BYTES + 1;
	set_file(&v[0], "COLDSEAL.ATT", &b);
	assert_int_equal(fatvol_write(fd, 65536 * MIB, v, 1, NULL, &d),
	    CS_E_MEDIA_SPACE);
	/* nothing was written for any of them */
	assert_int_equal(fd_pread_all(fd, first, 512, 0), 0);
	assert_int_equal(first[510], 0);
}

static void
test_too_many_files(void **state)
{
	struct content c = { .size = 1 };
	struct fatvol_file v[FATVOL_MAX_FILES + 1];
	_cleanup_fd_ int fd = open_image("v.img", 34 * MIB, false);
	char name[13];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(v); i++) {
		(void)snprintf(name, sizeof(name), "FILE%zu.X", i);
		set_file(&v[i], name, &c);
	}
	assert_int_not_equal(fatvol_write(fd, 34 * MIB, v, ARRAY_LEN(v), NULL,
				 NULL),
	    0);
	assert_int_equal(fatvol_write(fd, 34 * MIB, v, FATVOL_MAX_FILES, NULL,
			     NULL),
	    0);
	assert_int_equal(read_back(fd, "FILE7.X", &c), 0);
}

/* A source that fails, or that gives other bytes the second time. */
static void
test_bad_source(void **state)
{
	struct content a = { .size = 3 * MIB, .fail_at = 2 * MIB };
	struct content b = { .size = 1000, .fickle = true };
	struct fatvol_file f;
	struct diag d = { 0 };
	_cleanup_fd_ int fd = open_image("v.img", 34 * MIB, false);

	(void)state;
	set_file(&f, "COLDSEAL.RSP", &a);
	assert_int_equal(fatvol_write(fd, 34 * MIB, &f, 1, NULL, &d), CS_E_IO);
	assert_int_equal(read_back(fd, "COLDSEAL.RSP", &a), CS_E_MEDIA_EMPTY);
	set_file(&f, "COLDSEAL.RSP", &b);
	assert_int_equal(fatvol_write(fd, 34 * MIB, &f, 1, NULL, &d),
	    CS_E_MEDIA_COMPARE);
}

static void
test_bad_medium(void **state)
{
	struct content a = { .size = 1000 };
	struct fatvol_file f;
	struct diag d = { 0 };
	_cleanup_fd_ int fd = open("/dev/full", O_RDWR | O_CLOEXEC);
	_cleanup_fd_ int ro = open_image("v.img", 34 * MIB, false);
	char path[512];
	uint64_t size = 1;

	(void)state;
	set_file(&f, "COLDSEAL.RSP", &a);
	assert_int_equal(fatvol_write(fd, 34 * MIB, &f, 1, NULL, &d),
	    CS_E_MEDIA_IO);
	assert_int_equal(medium_size(fd, &size, &d), CS_E_MEDIA_IO);
	close_fdp(&ro);
	(void)snprintf(path, sizeof(path), "%s/v.img", dir);
	ro = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fatvol_write(ro, 34 * MIB, &f, 1, NULL, &d),
	    CS_E_MEDIA_IO);
	assert_int_equal(medium_size(ro, &size, &d), 0);
	assert_true(size == 34 * MIB);
}

/* --- a power cut -------------------------------------------------------- */

struct cut {
	int fd;
	uint64_t calls, at; /* 0: never */
	uint64_t done, total;
	/* after each write: did a volume show?  the first call that had one */
	uint64_t first_valid;
	/* flip a byte here after this call */
	uint64_t damage_after;
	off_t damage_at;
};

static int
after_write(void *arg, uint64_t done, uint64_t total)
{
	struct cut *c = arg;
	uint8_t b;

	c->calls++;
	assert_true(done > c->done && done <= total);
	c->done = done;
	c->total = total;
	if (c->damage_after == c->calls) {
		assert_int_equal(fd_pread_all(c->fd, &b, 1, c->damage_at), 0);
		b ^= 1;
		assert_int_equal(fd_pwrite_all(c->fd, &b, 1, c->damage_at), 0);
	}
	if (c->first_valid == 0) {
		assert_int_equal(fd_pread_all(c->fd, &b, 1, 510), 0);
		if (b == 0x55)
			c->first_valid = c->calls;
	}
	return c->at == c->calls ? CUT : 0;
}

/* An older, complete volume with another response on it. */
static int
old_volume(struct content *old)
{
	struct fatvol_file f;
	int fd = open_image("v.img", 34 * MIB, false);

	set_file(&f, "COLDSEAL.RSP", old);
	assert_int_equal(fatvol_write(fd, 34 * MIB, &f, 1, NULL, NULL), 0);
	return fd;
}

/*
 * After each single write: no volume at all, until the last write makes it a
 * complete one.  Never the old response, never a part of the new one.
 */
static void
test_power_cut(void **state)
{
	struct content old = { .seed = 1, .size = 500000 };
	struct content new = { .seed = 2, .size = 3 * MIB + 5 };
	struct fatvol_file f;
	struct cut all = { 0 };
	uint64_t at;
	int r;

	(void)state;
	set_file(&f, "COLDSEAL.RSP", &new);
	all.fd = old_volume(&old);
	assert_int_equal(fatvol_write(all.fd, 34 * MIB, &f, 1,
			     &(struct fatvol_ops){ after_write, &all }, NULL),
	    0);
	assert_true(all.done == all.total);
	assert_true(all.first_valid > 5 && all.calls > all.first_valid);
	(void)close(all.fd);
	for (at = 1; at <= all.calls; at++) {
		struct cut c = { .at = at };

		c.fd = old_volume(&old);
		r = fatvol_write(c.fd, 34 * MIB, &f, 1,
		    &(struct fatvol_ops){ after_write, &c }, NULL);
		assert_int_equal(r, CUT);
		r = read_back(c.fd, "COLDSEAL.RSP", &new);
		assert_int_equal(r,
		    at < all.first_valid ? CS_E_MEDIA_EMPTY : 0);
		(void)close(c.fd);
	}
}

/* A medium that loses a byte: each region is compared. */
static void
test_compare(void **state)
{
	static const off_t places[] = {
		3,		   /* boot sector */
		512 + 488,	   /* FSInfo */
		6 * 512 + 3,	   /* backup boot sector */
		20 * 512,	   /* nothing there: zeros */
		32 * 512 + 8,	   /* first table */
		32 * 512 + 300000, /* its end, or the second */
	};
	struct content c = { .seed = 3, .size = 100000 };
	struct fatvol_file f;
	struct cut clean = { 0 };
	struct diag d = { 0 };
	size_t i;

	(void)state;
	set_file(&f, "COLDSEAL.RSP", &c);
	clean.fd = open_image("v.img", 34 * MIB, false);
	assert_int_equal(fatvol_write(clean.fd, 34 * MIB, &f, 1,
			     &(struct fatvol_ops){ after_write, &clean }, NULL),
	    0);
	(void)close(clean.fd);
	for (i = 0; i < ARRAY_LEN(places); i++) {
		struct cut k = { .damage_after = clean.first_valid,
			.damage_at = places[i] };

		k.fd = open_image("v.img", 34 * MIB, false);
		assert_int_equal(fatvol_write(k.fd, 34 * MIB, &f, 1,
				     &(struct fatvol_ops){ after_write, &k },
				     &d),
		    CS_E_MEDIA_COMPARE);
		(void)close(k.fd);
	}
}

/* The same for the root folder and a file's last padding. */
static void
test_compare_data(void **state)
{
	struct content c = { .seed = 3, .size = 100000 };
	struct fatvol_file f;
	struct cut clean = { 0 };
	uint8_t b[512];
	off_t data;
	size_t i;

	(void)state;
	set_file(&f, "COLDSEAL.RSP", &c);
	clean.fd = open_image("v.img", 34 * MIB, false);
	assert_int_equal(fatvol_write(clean.fd, 34 * MIB, &f, 1,
			     &(struct fatvol_ops){ after_write, &clean }, NULL),
	    0);
	assert_int_equal(fd_pread_all(clean.fd, b, sizeof(b), 0), 0);
	(void)close(clean.fd);
	data = (32 + 2 * (off_t)(b[36] | b[37] << 8)) * 512;
	for (i = 0; i < 3; i++) {
		const off_t at[] = { data + 40, data + 512,
			data + 512 + 100000 };
		struct cut k = { .damage_after = clean.first_valid,
			.damage_at = at[i] };

		k.fd = open_image("v.img", 34 * MIB, false);
		assert_int_equal(fatvol_write(k.fd, 34 * MIB, &f, 1,
				     &(struct fatvol_ops){ after_write, &k },
				     NULL),
		    CS_E_MEDIA_COMPARE);
		(void)close(k.fd);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_over_junk),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_label),
		cmocka_unit_test(test_need),
		cmocka_unit_test(test_space),
		cmocka_unit_test(test_too_many_files),
		cmocka_unit_test(test_bad_source),
		cmocka_unit_test(test_bad_medium),
		cmocka_unit_test(test_power_cut),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_compare_data),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
