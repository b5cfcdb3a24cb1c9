/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlog_walk_with(): with threads and from a later tile on, the same root, the
 * same leaves in order, the same first error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/tiles_rig.h"

struct seen {
	uint64_t next;
	unsigned files;
	atomic_uint checked;
	bool wrong;
	uint64_t bad; /* this leaf is refused by check */
};

static int
see_leaf(void *arg, uint64_t index, const uint8_t *leaf, size_t len,
    struct diag *d)
{
	struct seen *s = arg;
	char want[32];

	(void)d;
	s->wrong = s->wrong || index != s->next++ ||
	    len != rig_leaf(index, want) || memcmp(leaf, want, len) != 0;
	return 0;
}

static int
see_check(void *arg, uint64_t index, const uint8_t *leaf, size_t len,
    struct diag *d)
{
	struct seen *s = arg;

	(void)leaf;
	(void)len;
	(void)atomic_fetch_add(&s->checked, 1);
	return index == s->bad ?
	    diag_fail(d, CS_E_AUDIT_LEAF, NULL, "leaf %u", (unsigned)index) :
	    0;
}

static int
see_file(void *arg, const struct tile_id *t, const uint8_t *p, size_t len,
    struct diag *d)
{
	struct seen *s = arg;

	(void)p;
	(void)d;
	s->files++;
	s->wrong = s->wrong ||
	    (t->level != TILE_ENTRIES && len != (size_t)t->width * 32);
	return 0;
}

static int
walk(const struct rig *r, uint64_t size, uint64_t first, unsigned threads,
    struct seen *s, struct tlog_walked *got, struct diag *d)
{
	const struct tile_source src = tile_source_dir(&r->fd);
	const struct tlog_walk w = { first, threads, see_check, see_leaf,
		see_file, s };

	s->next = first;
	return tlog_walk_with(&src, size, &w, got, d);
}

static unsigned
count_tiles(uint64_t size, uint64_t first)
{
	struct tile_id t;
	unsigned n = 0;

	for (t.level = TILE_ENTRIES; t.level < (int)TILE_LEVELS; t.level++) {
		t.index = t.level <= 0 ? first >> 8 :
					 first >> (8 * (unsigned)t.level) >> 8;
		for (; tile_width_at(t.level, t.index, size) != 0; t.index++)
			n++;
	}
	return n;
}

/* Past 256 tiles, so that there are three levels. */
#define SIZE 66000u

static void
test_same(void **state)
{
	static const uint64_t firsts[] = { 0, 256, 32768, 65280, 65536, 65792 };
	struct tlog_walked got;
	uint8_t root[32], before[32];
	unsigned threads;
	struct rig r;
	size_t i;

	(void)state;
	rig_make(&r, SIZE);
	rig_root(SIZE, root);
	for (threads = 0; threads <= 3; threads++)
		for (i = 0; i < ARRAY_LEN(firsts); i++) {
			struct seen s = { .bad = UINT64_MAX };

			assert_int_equal(walk(&r, SIZE, firsts[i], threads, &s,
					     &got, NULL),
			    0);
			assert_memory_equal(got.root, root, 32);
			assert_int_equal(s.next, SIZE);
			assert_int_equal(s.checked, SIZE - firsts[i]);
			assert_false(s.wrong);
			assert_int_equal(s.files, count_tiles(SIZE, firsts[i]));
			assert_int_equal(got.before.size, firsts[i]);
			assert_int_equal(got.after.size, SIZE);
			assert_int_equal(merkle_range_root(&got.before, before),
			    0);
			rig_root(firsts[i], root);
			assert_memory_equal(before, root, 32);
			rig_root(SIZE, root);
		}
	rig_done(&r);
}

/* The first one in order, whichever thread is first to see one. */
static void
test_first_error(void **state)
{
	struct tlog_walked got;
	struct diag d = { 0 };
	unsigned threads;
	struct rig r;

	(void)state;
	rig_make(&r, 3000);
	rig_flip(&r, "tile/entries/007", 40);
	rig_flip(&r, "tile/entries/004", 40);
	for (threads = 0; threads <= 3; threads++) {
		struct seen s = { .bad = 2500 };

		assert_int_equal(walk(&r, 3000, 0, threads, &s, &got, &d),
		    CS_E_LOG_TAMPER);
		assert_non_null(strstr(d.found, "leaf 102"));
		assert_int_equal(s.next, 1024);
		s.bad = 700;
		assert_int_equal(walk(&r, 3000, 0, threads, &s, &got, &d),
		    CS_E_AUDIT_LEAF);
		assert_string_equal(d.found, "leaf 700");
		assert_int_equal(s.next, 512);
	}
	rig_remove(&r, "tile/entries/002");
	assert_int_equal(walk(&r, 3000, 0, 2,
			     &(struct seen){ .bad = UINT64_MAX }, &got, &d),
	    CS_E_LOG_MISSING);
	assert_non_null(strstr(d.found, "leaf 512"));
	rig_done(&r);
}

/* What lies before is taken from the right edge, which the root covers. */
static void
test_edge(void **state)
{
	struct seen s = { .bad = UINT64_MAX };
	struct tlog_walked got;
	uint8_t root[32];
	struct rig r;

	(void)state;
	rig_make(&r, 3000);
	rig_root(3000, root);
	rig_flip(&r, "tile/1/000.p/11", 5);
	assert_int_equal(walk(&r, 3000, 1024, 2, &s, &got, NULL), 0);
	assert_memory_not_equal(got.root, root, 32);
	rig_remove(&r, "tile/1/000.p/11");
	assert_int_equal(walk(&r, 3000, 1024, 2, &s, &got, NULL),
	    CS_E_LOG_MISSING);
	assert_int_equal(walk(&r, 3000, 1000, 2, &s, &got, NULL),
	    CS_E_INTERNAL);
	rig_done(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_first_error),
		cmocka_unit_test(test_edge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
