/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fat_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "lib/file.h"
#include "lib/sha.h"
#include "usb-transfer/bundle.h"
#include "usb-transfer/fatvol.h"

/*
 * A power cut after every sector of an export.  What is written over an older
 * export is recorded in its order, with the synchronisations; then replayed
 * over the old medium: every prefix; within what lies between two of them, in
 * other orders and with losses; and on a medium that synchronises nothing.
 * Each time the appliance's own reader says what is there.
 */
#define SECTOR	512u
#define BYTES	(34 * (size_t)MIB)
#define SECTORS 8192u /* that an export may write here, at most */
#define SUBSETS 200u
#define FILES	2u

static const char *const names[FILES] = { "COLDSEAL.RSP", "COLDSEAL.AUD" };

/* One sector that was written, and how many synchronisations were before. */
struct step {
	uint64_t at; /* sector */
	uint32_t group;
	uint8_t bytes[SECTOR];
};

static struct step *steps;
static size_t nsteps;
static uint32_t group;
static int recorded = -1; /* descriptor */

/* Found before the C library's. */
ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	size_t i;

	if (fd == recorded) {
		assert_true(n % SECTOR == 0 && at % SECTOR == 0);
		assert_true(nsteps + n / SECTOR <= SECTORS);
		for (i = 0; i < n; i += SECTOR, nsteps++) {
			steps[nsteps].at = ((uint64_t)at + i) / SECTOR;
			steps[nsteps].group = group;
			memcpy(steps[nsteps].bytes, (const uint8_t *)p + i,
			    SECTOR);
		}
	}
	return syscall(SYS_pwrite64, fd, p, n, at);
}

int
fsync(int fd)
{
	if (fd == recorded)
		group++;
	return (int)syscall(SYS_fsync, fd);
}

/* --- two generations of an export --------------------------------------- */

struct generation {
	struct bundle_writer *w[FILES];
	uint8_t manifest[FILES][32];
};

static int
read_bundle(void *arg, uint64_t off, void *buf, size_t n, struct diag *d)
{
	return bundle_writer_read(arg, off, buf, n, d);
}

static int
read_mem_file(void *arg, void *buf, size_t n, size_t *ret_n, struct diag *d)
{
	struct {
		struct bundle_writer *w;
		uint64_t at;
	} *s = arg;
	const uint64_t left = bundle_writer_size(s->w) - s->at;

	*ret_n = n < left ? n : (size_t)left;
	if (*ret_n == 0)
		return 0;
	s->at += *ret_n;
	return bundle_writer_read(s->w, s->at - *ret_n, buf, *ret_n, d);
}

static void
add(struct bundle_writer *w, const char *name, size_t n, uint8_t seed)
{
	_cleanup_free_ uint8_t *p = malloc(n + 1);
	size_t i;

	assert_non_null(p);
	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(i / 512 * 5 + i + seed);
	assert_int_equal(bundle_writer_add(w, name, p, n, NULL), 0);
}

static void
make_generation(struct generation *g, uint8_t seed, size_t len)
{
	static const enum bundle_type types[FILES] = { BUNDLE_RESPONSE,
		BUNDLE_AUDIT };
	const struct bundle_sink none = { NULL, NULL, NULL, NULL };
	size_t i;

	for (i = 0; i < FILES; i++) {
		struct {
			struct bundle_writer *w;
			uint64_t at;
		} s = { NULL, 0 };

		assert_int_equal(bundle_writer_new(types[i], &g->w[i]), 0);
		if (i == 0) {
			add(g->w[i], "record.dsse", len, seed);
		} else {
			add(g->w[i], "checkpoint", 200, seed);
			add(g->w[i], "policy.dsse", 2 * len, seed);
		}
		assert_int_equal(bundle_writer_finish(g->w[i], NULL), 0);
		s.w = g->w[i];
		assert_int_equal(bundle_read(read_mem_file, &s, types[i], &none,
				     g->manifest[i], NULL),
		    0);
	}
}

static void
export_it(int fd, const struct generation *g)
{
	struct fatvol_file v[FILES];
	size_t i;

	memset(v, 0, sizeof(v));
	for (i = 0; i < FILES; i++) {
		(void)snprintf(v[i].name, sizeof(v[i].name), "%s", names[i]);
		v[i].size = bundle_writer_size(g->w[i]);
		v[i].read = read_bundle;
		v[i].arg = g->w[i];
	}
	assert_int_equal(fatvol_write(fd, BYTES, v, FILES, NULL, NULL), 0);
}

/* --- what is there ------------------------------------------------------ */

static struct generation old, new;
static uint8_t *base;	/* the medium before */
static uint8_t *medium; /* what is tried */

enum seen { REFUSED, OLD, NEW };

struct stream {
	struct fat *fat;
	struct fat_file file;
};

static int
read_stream(void *arg, void *buf, size_t n, size_t *ret_n, struct diag *d)
{
	struct stream *s = arg;

	return fat_read(s->fat, &s->file, buf, n, ret_n, d);
}

/* One file, whole and of one generation; or a refusal that has an ID. */
static enum seen
look_at(const struct blkdev *dev, size_t i)
{
	const struct bundle_sink none = { NULL, NULL, NULL, NULL };
	_cleanup_fat_ struct fat *fat = NULL;
	struct stream s;
	struct diag d = { 0 };
	uint8_t manifest[32];
	int r;

	r = find_file(dev, names[i], &fat, &s.file, &d);
	s.fat = fat;
	if (r == 0)
		r = bundle_read(read_stream, &s,
		    i == 0 ? BUNDLE_RESPONSE : BUNDLE_AUDIT, &none, manifest,
		    &d);
	if (r != 0) {
		assert_int_equal(d.code, r);
		assert_true(strlen(err_id(r)) > 1);
		return REFUSED;
	}
	if (memcmp(manifest, old.manifest[i], 32) == 0)
		return OLD;
	assert_memory_equal(manifest, new.manifest[i], 32);
	return NEW;
}

static void
look(enum seen ret[FILES])
{
	const struct blk_mem m = { medium, BYTES };
	struct blkdev dev;
	size_t i;

	blk_open_mem(&m, &dev);
	for (i = 0; i < FILES; i++)
		ret[i] = look_at(&dev, i);
}

/* Both files the same: the medium is one thing. */
static enum seen
look_whole(void)
{
	enum seen s[FILES];

	look(s);
	assert_int_equal(s[0], s[1]);
	return s[0];
}

static void
apply(const struct step *s)
{
	memcpy(medium + s->at * SECTOR, s->bytes, SECTOR);
}

static void
start_again(void)
{
	size_t i;

	for (i = 0; i < nsteps; i++)
		memcpy(medium + steps[i].at * SECTOR,
		    base + steps[i].at * SECTOR, SECTOR);
}

static void
apply_groups(uint32_t before)
{
	size_t i;

	for (i = 0; i < nsteps && steps[i].group < before; i++)
		apply(&steps[i]);
}

static uint32_t
chance(void)
{
	static uint32_t x = 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

/* --- tests -------------------------------------------------------------- */

static int
setup(void **state)
{
	char path[512];
	int fd;

	if (fat_rig_setup(state) != 0)
		return 1;
	make_generation(&old, 1, 30000);
	make_generation(&new, 2, 50001);
	make_blank("v.img", BYTES);
	fat_rig_path("v.img", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	base = malloc(BYTES);
	medium = malloc(BYTES);
	steps = calloc(SECTORS, sizeof(*steps));
	assert_true(fd >= 0 && base && medium && steps);
	export_it(fd, &old);
	run("fsck.fat", "-n", "v.img");
	assert_int_equal(fd_pread_all(fd, base, BYTES, 0), 0);
	memcpy(medium, base, BYTES);
	recorded = fd;
	export_it(fd, &new);
	recorded = -1;
	run("fsck.fat", "-n", "v.img");
	(void)close(fd);
	return 0;
}

static int
teardown(void **state)
{
	size_t i;

	for (i = 0; i < FILES; i++) {
		bundle_writer_free(&old.w[i]);
		bundle_writer_free(&new.w[i]);
	}
	free(base);
	free(medium);
	free(steps);
	return fat_rig_teardown(state);
}

/* Sector 0 first, alone; sector 0 last, alone; a synchronisation after each */
static void
test_order(void **state)
{
	size_t i;

	(void)state;
	assert_int_equal(group, 3);
	assert_true(nsteps > 1000);
	for (i = 0; i < nsteps; i++) {
		const bool first = i == 0, last = i + 1 == nsteps;

		assert_int_equal(steps[i].group, first ? 0 : last ? 2 : 1);
		assert_int_equal(steps[i].at == 0, first || last);
	}
	assert_int_equal(get(steps[0].bytes + 510, 2), 0);
	assert_int_equal(get(steps[nsteps - 1].bytes + 510, 2), 0xaa55);
}

/* Every prefix: the old one, then nothing at all, then the new one. */
static void
test_prefixes(void **state)
{
	struct image im = { medium, BYTES };
	size_t i;

	(void)state;
	start_again();
	assert_int_equal(look_whole(), OLD);
	for (i = 0; i < nsteps; i++) {
		apply(&steps[i]);
		assert_int_equal(look_whole(), i + 1 == nsteps ? NEW : REFUSED);
		if (i + 1 < nsteps)
			assert_int_equal(verdict(&im), CS_E_MEDIA_EMPTY);
	}
}

/* Between two synchronisations anything may be there, and anything not. */
static void
test_any_order(void **state)
{
	uint32_t g, k;
	size_t i;

	(void)state;
	for (g = 0; g < 3; g++)
		for (k = 0; k < SUBSETS; k++) {
			enum seen s;
			size_t applied = 0;

			start_again();
			apply_groups(g);
			for (i = 0; i < nsteps; i++)
				if (steps[i].group == g &&
				    chance() % SUBSETS >= k) {
					apply(&steps[i]);
					applied++;
				}
			s = look_whole();
			if (g == 0)
				assert_int_equal(s,
				    applied == 0 ? OLD : REFUSED);
			else if (g == 1 || applied == 0)
				assert_int_equal(s, REFUSED);
			else
				assert_int_equal(s, NEW);
		}
}

/*
 * A medium that lies about synchronising: one sector of all is lost.  Each
 * file that is accepted is wholly the old or the new one.
 */
static void
test_lost_sector(void **state)
{
	size_t count[3] = { 0 }, i, k;
	enum seen s[FILES];

	(void)state;
	for (i = 0; i < nsteps; i++) {
		start_again();
		for (k = 0; k < nsteps; k++)
			if (k != i)
				apply(&steps[k]);
		look(s);
		for (k = 0; k < FILES; k++)
			count[s[k]]++;
	}
	/* of the files' own sectors every one counts */
	assert_true(count[REFUSED] > 200);
	assert_true(count[NEW] > 500);
}

/* The same with any part of all sectors, in no order. */
static void
test_lying_medium(void **state)
{
	size_t count[3] = { 0 }, i, k;
	enum seen s[FILES];
	uint32_t n;

	(void)state;
	for (n = 0; n < SUBSETS; n++) {
		start_again();
		for (i = 0; i < nsteps; i++)
			if (chance() % SUBSETS >= n)
				apply(&steps[i]);
		/* with a boot sector, so that there is something to read */
		if (n % 2 == 0)
			apply(&steps[nsteps - 1]);
		look(s);
		for (k = 0; k < FILES; k++)
			count[s[k]]++;
	}
	assert_true(count[REFUSED] > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_lost_sector),
		cmocka_unit_test(test_lying_medium),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
