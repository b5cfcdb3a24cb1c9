/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fat_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/file.h"
#include "lib/hex.h"
#include "lib/sha.h"
#include "usb-transfer/fatvol.h"
#include "usb-transfer/media_host.h"
#include "usb-transfer/media_names.h"
#include "usb-transfer/media_source.h"

/*
 * Bundles in parts: with parts of 8 KiB, in folders and in images alike; one
 * with the real size, over an image that is almost all holes.
 */
#define SMALL 8192u

/* --- this program's own system calls ------------------------------------ */

/*
 * Found before the C library's: what writes for us may be killed at the n-th
 * operation, and holes stay holes.
 */
static long ops_left; /* 0: for ever */
static bool keep_holes;

static void
operation(void)
{
	if (ops_left > 0 && --ops_left == 0)
		(void)raise(SIGKILL);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	const uint8_t *b = p;

	operation();
	if (keep_holes && n > 0 && b[0] == 0 && memcmp(b, b + 1, n - 1) == 0)
		return (ssize_t)n;
	return syscall(SYS_pwrite64, fd, p, n, at);
}

int
fsync(int fd)
{
	(void)fd; /* a killed process loses nothing that it wrote */
	operation();
	return 0;
}

int
renameat(int a, const char *from, int b, const char *to)
{
	operation();
	return (int)syscall(SYS_renameat, a, from, b, to);
}

int
unlinkat(int dir, const char *path, int flags)
{
	operation();
	return (int)syscall(SYS_unlinkat, dir, path, flags);
}

/* --- bundles ------------------------------------------------------------ */

/* A request with one artifact of n bytes, in a memory file. */
static int
request(size_t n, uint8_t seed)
{
	_cleanup_bundle_ struct bundle_writer *w = NULL;
	_cleanup_free_ uint8_t *p = malloc(n + 1);
	int fd = memfd_create("bundle", MFD_CLOEXEC);
	char name[101], hex[65];
	size_t i;

	assert_true(fd >= 0 && p != NULL);
	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(i / 512 * 7 + i + seed);
	assert_int_equal(bundle_writer_new(BUNDLE_REQUEST, &w), 0);
	assert_int_equal(bundle_writer_add(w, "request.dsse", "{}", 2, NULL),
	    0);
	assert_int_equal(sha256_hex(p, n, hex), 0);
	(void)snprintf(name, sizeof(name), "artifacts/%s", hex);
	assert_int_equal(bundle_writer_add(w, name, p, n, NULL), 0);
	assert_int_equal(bundle_writer_finish(w, NULL), 0);
	assert_int_equal(bundle_writer_to_fd(w, fd, NULL, NULL, NULL), 0);
	return fd;
}

static void
put(const char *target, const char *name, int fd)
{
	const struct media_job job = { .name = name,
		.bundle_fd = fd,
		.part_bytes = SMALL };
	struct diag d = { 0 };
	char path[512];

	fat_rig_path(target, path);
	if (media_put(path, &job, &d) != 0)
		fail_msg("%s: %s", err_id(d.code), d.found);
}

/* What the appliance's reader says of it; the manifest's SHA-256. */
static int
take(const char *source, uint32_t part_bytes, uint8_t manifest[32])
{
	_cleanup_media_source_ struct media_source *s = NULL;
	const struct bundle_sink none = { NULL, NULL, NULL, NULL };
	struct diag d = { 0 };
	enum bundle_type type;
	char path[512];
	int r;

	fat_rig_path(source, path);
	r = media_source_open(path, &s, &d);
	if (r == 0) {
		media_source_parts(s, part_bytes);
		r = media_find_in(media_source_find, s, &type, &d);
	}
	if (r == 0)
		r = bundle_read(media_source_read, s, type, &none, manifest,
		    &d);
	assert_int_equal(r, d.code);
	return r;
}

static void
manifest_of(int fd, uint8_t manifest[32])
{
	_cleanup_free_ uint8_t *p = NULL;
	size_t n, size;

	assert_int_equal(fd_read_file(fd, MIB, &p, &n, NULL), 0);
	size = strtoul((char *)p + 124, NULL, 8);
	assert_int_equal(sha256(p + 512, size, manifest), 0);
}

/* --- names and sizes ---------------------------------------------------- */

static void
test_names(void **state)
{
	static const struct {
		const char *name;
		size_t i;
		const char *is;
	} v[] = {
		{ "COLDSEAL.REQ", 0, "COLDSEAL.REQ" },
		{ "COLDSEAL.REQ", 1, "COLDSEAL.R01" },
		{ "COLDSEAL.REQ", 99, "COLDSEAL.R99" },
		{ "COLDSEAL.RSP", 0, "COLDSEAL.RSP" },
		{ "COLDSEAL.RSP", 12, "COLDSEAL.S12" },
		{ "COLDSEAL.AUD", 1, "COLDSEAL.A01" },
		{ "COLDSEAL.ATT", 0, "COLDSEAL.ATT" },
	};
	char is[PART_NAME];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(v); i++) {
		part_name(v[i].name, v[i].i, is);
		assert_string_equal(is, v[i].is);
	}
	assert_int_equal(parts_allowed("COLDSEAL.AUD"), PARTS_MAX);
	assert_int_equal(parts_allowed("COLDSEAL.APR"), 1);
	assert_int_equal(parts_allowed("COLDSEAL.RCP"), 1);
	assert_int_equal(parts_allowed("COLDSEAL.ATT"), 1);
}

static void
test_counts(void **state)
{
	static const struct {
		const char *name;
		uint64_t size;
		int code;
		size_t n;
	} v[] = {
		{ "COLDSEAL.REQ", 0, 0, 1 },
		{ "COLDSEAL.REQ", 1, 0, 1 },
		{ "COLDSEAL.REQ", PART_BYTES, 0, 1 },
		{ "COLDSEAL.REQ", PART_BYTES + UINT64_C(1), 0, 2 },
		{ "COLDSEAL.REQ", UINT64_C(2) * PART_BYTES, 0, 2 },
		{ "COLDSEAL.REQ", UINT64_C(100) * PART_BYTES, 0, 100 },
		{ "COLDSEAL.REQ", UINT64_C(100) * PART_BYTES + 1,
		    CS_E_MEDIA_SPACE, 0 },
		{ "COLDSEAL.ATT", PART_BYTES, 0, 1 },
		{ "COLDSEAL.ATT", PART_BYTES + UINT64_C(1), CS_E_MEDIA_SPACE,
		    0 },
	};
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(v); i++) {
		n = 0;
		assert_int_equal(parts_count(v[i].name, v[i].size, PART_BYTES,
				     &n, NULL),
		    v[i].code);
		assert_int_equal(n, v[i].n);
	}
}

/* --- reading ------------------------------------------------------------ */

/* The folder's files in a FAT image, by mtools. */
static void
folder_to_image(void)
{
	make_image("b.img", 34, "32", "1");
	run("sh", "-c",
	    "set -- stick/*; [ ! -e \"$1\" ] || "
	    "mcopy -i b.img \"$@\" ::");
}

/* The same of a folder and of a stick. */
static void
expect_taken(int code, int line)
{
	uint8_t m[32];
	int a, b;

	folder_to_image();
	a = take("stick", SMALL, m);
	b = take("b.img", SMALL, m);
	if (a != code || b != code)
		fail_msg("line %d: %s and %s, expected %s", line, err_id(a),
		    err_id(b), err_id(code));
}

/* A shell command on a folder with five good parts, and what then is said. */
/* clang-format off */
static const struct {
	const char *change;
	int code;
} changes[] = {
	{ ":", 0 },
	{ "rm COLDSEAL.REQ", CS_E_MEDIA_PART_MISSING },
	{ "rm COLDSEAL.R02", CS_E_MEDIA_PART_MISSING },
	{ "rm COLDSEAL.R01 COLDSEAL.R02 COLDSEAL.R03 COLDSEAL.R04",
	    CS_E_BUNDLE_TRUNCATED },
	{ "rm COLDSEAL.R04", CS_E_BUNDLE_TRUNCATED },
	{ "rm COLDSEAL.R03 COLDSEAL.R04", CS_E_BUNDLE_TRUNCATED },
	{ "rm *", CS_E_MEDIA_NO_FILE },
	{ "rm COLDSEAL.REQ; echo > COLDSEAL.R99", CS_E_MEDIA_PART_MISSING },
	{ "echo > COLDSEAL.R99", CS_E_MEDIA_PART_MISSING },
	{ "cp COLDSEAL.R03 COLDSEAL.R05", CS_E_MEDIA_PART_SIZE },
	{ "truncate -s 8192 COLDSEAL.R04; echo x > COLDSEAL.R05",
	    CS_E_BUNDLE_TRAILING },
	{ "truncate -s 0 COLDSEAL.R04", CS_E_MEDIA_PART_SIZE },
	{ "truncate -s 8193 COLDSEAL.R04", CS_E_MEDIA_PART_SIZE },
	{ "truncate -s 8191 COLDSEAL.R02", CS_E_MEDIA_PART_SIZE },
	{ "truncate -s 8193 COLDSEAL.R02", CS_E_MEDIA_PART_SIZE },
	{ "truncate -s 8191 COLDSEAL.REQ", CS_E_MEDIA_PART_SIZE },
	{ "truncate -s 0 COLDSEAL.REQ", CS_E_MEDIA_PART_SIZE },
	{ "mv COLDSEAL.R01 x; mv COLDSEAL.R02 COLDSEAL.R01; "
	    "mv x COLDSEAL.R02", CS_E_BUNDLE_HASH },
	{ "mv COLDSEAL.REQ x; mv COLDSEAL.R02 COLDSEAL.REQ; "
	    "mv x COLDSEAL.R02", CS_E_BUNDLE_HEADER },
	{ "cp COLDSEAL.R02 COLDSEAL.R01", CS_E_BUNDLE_HASH },
	{ "rm COLDSEAL.R02; mkdir COLDSEAL.R02", CS_E_MEDIA_ENTRY },
	/* the parts of another kind of bundle mean nothing */
	{ "cp COLDSEAL.R02 COLDSEAL.S01; cp COLDSEAL.R02 COLDSEAL.A07", 0 },
	{ "cp COLDSEAL.R04 COLDSEAL.R5; cp COLDSEAL.R04 COLDSEAL.R00", 0 },
};
/* clang-format on */

static void
test_wrong_parts(void **state)
{
	_cleanup_fd_ int fd = request(30000, 1);
	char script[512];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(changes); i++) {
		run("rm", "-rf", "stick");
		run("mkdir", "stick");
		put("stick", NAME, fd);
		(void)snprintf(script, sizeof(script), "cd stick && %s",
		    changes[i].change);
		run("sh", "-c", script);
		expect_taken(changes[i].code, (int)i);
	}
}

/* Two parts whose chains cross: the sizes are right, the content is not. */
static void
test_crossed_parts(void **state)
{
	_cleanup_fd_ int fd = request(30000, 1);
	struct image im;
	struct layout l;
	uint8_t m[32];
	uint32_t a, b;

	(void)state;
	run("rm", "-rf", "a.img");
	put("a.img", NAME, fd);
	assert_int_equal(take("a.img", SMALL, m), 0);
	load("a.img", &im);
	measure(&im, 0, &l);
	a = first_of(entry(&im, &l, "COLDSEALR01"));
	b = first_of(entry(&im, &l, "COLDSEALR02"));
	/* R01 goes on in R02 from its second cluster on */
	set_link(&im, &l, a, b + 1);
	store("a.img", &im);
	assert_int_equal(take("a.img", SMALL, m), CS_E_BUNDLE_HASH);
	/* and from its end on: longer than its size */
	set_link(&im, &l, a, a + 1);
	set_link(&im, &l, a + 15, b);
	store("a.img", &im);
	assert_int_equal(take("a.img", SMALL, m), CS_E_MEDIA_FAT_LOOP);
	free(im.p);
}

/* --- writing ------------------------------------------------------------ */

/* All parts in their order are the bundle, for any tool. */
static void
check_by_hand(const char *name, const char *parts, int fd)
{
	_cleanup_fd_ int got = -1;
	_cleanup_free_ uint8_t *a = NULL, *b = NULL;
	char script[512], path[512];
	size_t n, m;

	(void)snprintf(script, sizeof(script),
	    "for p in %s %s; do mcopy -n -i a.img ::COLDSEAL.$p - || exit 1; "
	    "done >all",
	    name + 9, parts);
	run("fsck.fat", "-n", "a.img");
	run("sh", "-c", script);
	fat_rig_path("all", path);
	got = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(got >= 0);
	assert_int_equal(fd_read_file(got, MIB, &a, &n, NULL), 0);
	assert_int_equal(fd_read_file(fd, MIB, &b, &m, NULL), 0);
	assert_int_equal(n, m);
	assert_memory_equal(a, b, n);
}

static void
test_write_image(void **state)
{
	_cleanup_fd_ int fd = request(14000, 1);
	uint8_t want[32], is[32];

	(void)state;
	run("rm", "-rf", "a.img");
	put("a.img", NAME, fd);
	check_by_hand(NAME, "R01 R02", fd);
	manifest_of(fd, want);
	assert_int_equal(take("a.img", SMALL, is), 0);
	assert_memory_equal(is, want, 32);
	/* what the appliance writes */
	put("a.img", "COLDSEAL.RSP", fd);
	check_by_hand("COLDSEAL.RSP", "S01 S02", fd);
	put("a.img", "COLDSEAL.AUD", fd);
	check_by_hand("COLDSEAL.AUD", "A01 A02", fd);
}

/* A root folder of one cluster of 512 bytes has room for fifteen. */
static void
test_small_root(void **state)
{
	_cleanup_fd_ int fd = request(15 * SMALL, 1);
	const struct media_job job = { .name = NAME,
		.bundle_fd = fd,
		.part_bytes = SMALL };
	char path[512];

	(void)state;
	run("rm", "-rf", "a.img");
	fat_rig_path("a.img", path);
	assert_int_equal(media_put(path, &job, NULL), CS_E_MEDIA_SPACE);
}

static void
check_list(const char *want)
{
	char script[512];

	(void)snprintf(script, sizeof(script),
	    "[ \"$(ls stick | tr '\\n' ' ')\" = '%s' ]", want);
	run("sh", "-c", script);
}

/* Over any former bundle, in parts or not: nothing of it is left. */
static void
test_write_folder(void **state)
{
	_cleanup_fd_ int one = request(100, 1), three = request(14000, 2);
	_cleanup_fd_ int five = request(30000, 3);
	const struct {
		int fd;
		const char *list;
	} v[] = {
		{ three, "COLDSEAL.R01 COLDSEAL.R02 COLDSEAL.REQ keep " },
		{ five,
		    "COLDSEAL.R01 COLDSEAL.R02 COLDSEAL.R03 COLDSEAL.R04 "
		    "COLDSEAL.REQ keep " },
		{ three, "COLDSEAL.R01 COLDSEAL.R02 COLDSEAL.REQ keep " },
		{ one, "COLDSEAL.REQ keep " },
		{ one, "COLDSEAL.REQ keep " },
		{ five,
		    "COLDSEAL.R01 COLDSEAL.R02 COLDSEAL.R03 COLDSEAL.R04 "
		    "COLDSEAL.REQ keep " },
	};
	uint8_t want[32], is[32];
	size_t i;

	(void)state;
	run("rm", "-rf", "stick");
	run("mkdir", "stick");
	run("touch", "stick/keep");
	for (i = 0; i < ARRAY_LEN(v); i++) {
		put("stick", NAME, v[i].fd);
		check_list(v[i].list);
		manifest_of(v[i].fd, want);
		assert_int_equal(take("stick", SMALL, is), 0);
		assert_memory_equal(is, want, 32);
	}
}

/* Killed before its n-th operation; false if it came to its end. */
static bool
put_and_die(int fd, long n)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		ops_left = n;
		put("stick", NAME, fd);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status);
}

/* Old, new, or a refusal; never anything else. */
static void
check_cuts(int old, int new, int refusal)
{
	uint8_t was[32], is[32], m[32];
	bool cut = true;
	size_t seen[3] = { 0 };
	long n;
	int r;

	manifest_of(old, was);
	manifest_of(new, is);
	for (n = 1; cut; n++) {
		run("rm", "-rf", "stick");
		run("mkdir", "stick");
		put("stick", NAME, old);
		cut = put_and_die(new, n);
		r = take("stick", SMALL, m);
		if (r == 0 && memcmp(m, was, 32) == 0)
			seen[0]++;
		else if (r == 0 && memcmp(m, is, 32) == 0)
			seen[1]++;
		else if (r == refusal || r == CS_E_MEDIA_NO_FILE)
			seen[2]++;
		else
			fail_msg("operation %ld: %s", n, err_id(r));
		assert_true(cut || memcmp(m, is, 32) == 0);
		/* and the next attempt is none the worse for it */
		put("stick", NAME, new);
		assert_int_equal(take("stick", SMALL, m), 0);
		assert_memory_equal(m, is, 32);
	}
	assert_true(seen[0] > 0 && seen[1] > 0);
	assert_int_equal(seen[2] > 0, refusal != 0);
}

static void
test_folder_cuts(void **state)
{
	_cleanup_fd_ int one = request(100, 1), two = request(200, 2);
	_cleanup_fd_ int three = request(14000, 3), five = request(30000, 4);

	(void)state;
	check_cuts(one, two, 0);
	check_cuts(one, three, CS_E_MEDIA_PART_MISSING);
	check_cuts(three, one, CS_E_MEDIA_PART_MISSING);
	check_cuts(five, three, CS_E_MEDIA_PART_MISSING);
	check_cuts(three, five, CS_E_MEDIA_PART_MISSING);
}

/* --- the real size ------------------------------------------------------ */

/* sha256 of 5 GiB of zeros */
#define ZEROS (UINT64_C(5) << 30)
#define ZEROS_SHA256 \
	"7f06c62352aebd8125b2a1841e2b9e1ffcbed602f381c3dcb3200200e383d1d5"

static int
read_bundle(void *arg, uint64_t off, void *buf, size_t n, struct diag *d)
{
	return bundle_writer_read(arg, off, buf, n, d);
}

/* Written is enough: it is compared when it is hashed. */
static int
until_written(void *arg, uint64_t done, uint64_t total)
{
	(void)arg;
	return done > total / 2 + 512 ? CS_E_INTERNAL : 0;
}

/* A bundle of 5 GiB on an image of 8 GiB in memory, almost all holes. */
static void
make_many_gib(int fd)
{
	_cleanup_bundle_ struct bundle_writer *w = NULL;
	struct fatvol_file f = { .name = NAME, .read = read_bundle };
	_cleanup_fd_ int zeros = memfd_create("zeros", MFD_CLOEXEC);
	uint8_t sha[32];

	assert_int_equal(ftruncate(zeros, (off_t)ZEROS), 0);
	assert_int_equal(hex_decode(ZEROS_SHA256, sha, 32), 0);
	assert_int_equal(bundle_writer_new(BUNDLE_REQUEST, &w), 0);
	assert_int_equal(bundle_writer_add(w, "request.dsse", "{}", 2, NULL),
	    0);
	assert_int_equal(bundle_writer_add_fd(w, "artifacts/" ZEROS_SHA256,
			     zeros, 0, ZEROS, sha, NULL),
	    0);
	assert_int_equal(bundle_writer_finish(w, NULL), 0);
	f.size = bundle_writer_size(w);
	f.arg = w;
	assert_int_equal(ftruncate(fd, (off_t)8 << 30), 0);
	keep_holes = true;
	assert_int_equal(fatvol_write(fd, UINT64_C(8) << 30, &f, 1,
			     &(struct fatvol_ops){ until_written, NULL }, NULL),
	    CS_E_INTERNAL);
	keep_holes = false;
}

static void
test_many_gib(void **state)
{
	_cleanup_fd_ int fd = memfd_create("medium", MFD_CLOEXEC);
	const char *bin = getenv("CS_BIN");
	char program[512], path[64];
	struct rusage u;
	struct stat st;

	(void)state;
	make_many_gib(fd);
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_blocks * 512 < 64 * (off_t)MIB);
	(void)snprintf(program, sizeof(program), "%s/coldseal",
	    bin != NULL ? bin : "build/bin");
	/* hashed in full, in little memory */
	run(program, "media", "check", path);
	assert_int_equal(getrusage(RUSAGE_CHILDREN, &u), 0);
	assert_true(u.ru_maxrss < 64 * 1024);
	run("fsck.fat", "-n", path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_wrong_parts),
		cmocka_unit_test(test_crossed_parts),
		cmocka_unit_test(test_write_image),
		cmocka_unit_test(test_small_root),
		cmocka_unit_test(test_write_folder),
		cmocka_unit_test(test_folder_cuts),
		cmocka_unit_test(test_many_gib),
	};

	return cmocka_run_group_tests(tests, fat_rig_setup, fat_rig_teardown);
}
