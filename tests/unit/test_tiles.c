/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/tiles_rig.h"

static void
test_path(void **state)
{
	static const struct {
		struct tile_id id;
		const char *path;
	} t[] = {
		{ { 0, 0, 256 }, "tile/0/000" },
		{ { 0, 1234067, 256 }, "tile/0/x001/x234/067" },
		{ { 1, 999, 1 }, "tile/1/999.p/1" },
		{ { 6, 1000, 255 }, "tile/6/x001/000.p/255" },
		{ { TILE_ENTRIES, 7, 256 }, "tile/entries/007" },
		{ { TILE_ENTRIES, 1234067, 30 },
		    "tile/entries/x001/x234/067.p/30" },
		{ { 0, UINT64_C(1) << 45, 9 },
		    "tile/0/x035/x184/x372/x088/832.p/9" },
	};
	char path[TILE_PATH_MAX];
	struct tile_id id;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		tile_path(&t[i].id, path);
		assert_string_equal(path, t[i].path);
		assert_int_equal(tile_path_parse(path, &id), 0);
		assert_int_equal(id.level, t[i].id.level);
		assert_int_equal(id.index, t[i].id.index);
		assert_int_equal(id.width, t[i].id.width);
	}
}

/* How far a tile reaches: a bundle may leave out what ends before. */
static void
test_end(void **state)
{
	static const struct {
		struct tile_id id;
		uint64_t end;
	} t[] = {
		{ { 0, 0, 256 }, 256 },
		{ { 0, 3, 7 }, 775 },
		{ { 1, 0, 2 }, 512 },
		{ { 1, 2, 256 }, 196608 },
		{ { 2, 0, 1 }, 65536 },
		{ { TILE_ENTRIES, 0, 9 }, 9 },
		{ { TILE_ENTRIES, 2, 256 }, 768 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(tile_end(&t[i].id), t[i].end);
}

static void
test_path_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"tile",
		"tile/",
		"tile/0",
		"tile/0/",
		"tile/0/00",
		"tile/0/0000",
		"tile/00/000",
		"tile/7/000",
		"tile/10/000",
		"tile/-1/000",
		"tile/x/000",
		"tile/0/x000/000",
		"tile/0/x00/000",
		"tile/0/x0000/000",
		"tile/0/001/000",
		"tile/0/x001",
		"tile/0/x001/",
		"tile/0/x001/x002",
		"tile/0/000.p",
		"tile/0/000.p/",
		"tile/0/000.p/0",
		"tile/0/000.p/256",
		"tile/0/000.p/01",
		"tile/0/000.p/1/",
		"tile/0/000.p/1x",
		"tile/0/000.q/1",
		"tile/0/000/",
		"/tile/0/000",
		"tile/entries",
		"tile/entries/",
		"tile/entries/0",
		"tile//000",
		"tile/0/../000",
		"Tile/0/000",
		"tile/0/ 00",
		"tile/0/x001/x001/x001/x001/x001/000",
	};
	struct tile_id id;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++)
		if (tile_path_parse(bad[i], &id) != CS_E_LOG_FORMAT)
			fail_msg("%s", bad[i]);
}

struct count {
	unsigned full[TILE_LEVELS + 1], partial[TILE_LEVELS + 1];
	char last[TILE_PATH_MAX];
};

static int
count_tile(void *arg, const struct tile_id *t)
{
	struct count *c = arg;
	size_t i = t->level == TILE_ENTRIES ? TILE_LEVELS : (size_t)t->level;
	char path[TILE_PATH_MAX];

	tile_path(t, path);
	assert_true(strcmp(c->last, path) < 0);
	(void)snprintf(c->last, sizeof(c->last), "%s", path);
	if (t->width == TILE_WIDTH) {
		c->full[i]++;
		return 0;
	}
	assert_int_equal(c->partial[i], 0);
	c->partial[i] = t->width;
	return 0;
}

/* the two examples in tlog-tiles, "Partial Tiles" */
static void
test_widths(void **state)
{
	struct count c = { .last = "" };

	(void)state;
	assert_int_equal(tile_each(70000, count_tile, &c), 0);
	assert_int_equal(c.full[0], 273);
	assert_int_equal(c.partial[0], 112);
	assert_int_equal(c.full[1], 1);
	assert_int_equal(c.partial[1], 17);
	assert_int_equal(c.full[2], 0);
	assert_int_equal(c.partial[2], 1);
	assert_int_equal(c.full[3] + c.partial[3], 0);
	assert_int_equal(c.full[TILE_LEVELS], 273);
	assert_int_equal(c.partial[TILE_LEVELS], 112);
	memset(&c, 0, sizeof(c));
	assert_int_equal(tile_each(256, count_tile, &c), 0);
	assert_int_equal(c.full[0], 1);
	assert_int_equal(c.partial[0], 0);
	assert_int_equal(c.partial[1], 1);
	assert_int_equal(c.full[1] + c.full[2] + c.partial[2], 0);
	memset(&c, 0, sizeof(c));
	assert_int_equal(tile_each(0, count_tile, &c), 0);
	assert_string_equal(c.last, "");
	assert_int_equal(tile_width_at(6, 0, MERKLE_MAX_SIZE), 32);
	assert_int_equal(tile_width_at(0, (UINT64_C(1) << 45) - 1,
			     MERKLE_MAX_SIZE),
	    256);
	assert_int_equal(tile_width_at(0, UINT64_MAX / 256, 5), 0);
}

static int
exists(void *arg, const struct tile_id *t)
{
	char path[TILE_PATH_MAX];

	tile_path(t, path);
	if (!rig_has(arg, path))
		fail_msg("%s is not there", path);
	return 0;
}

/* Batches of many sizes; the log is right after each, opened anew or not. */
static void
test_growth(void **state)
{
	static const uint16_t batches[] = {
		1,
		1,
		3,
		250,
		1,
		1,
		255,
		257,
		100,
		156,
		512,
		1,
		700,
	};
	struct rig r;
	struct tlog *t = NULL;
	uint8_t want[32], got[32];
	uint64_t size = 0;
	size_t i;

	(void)state;
	rig_make(&r, 0);
	rig_check(&r, 0);
	assert_int_equal(tlog_open(r.fd, &t, NULL), 0);
	for (i = 0; i < ARRAY_LEN(batches); i++) {
		assert_int_equal(rig_append(t, batches[i]), 0);
		size += batches[i];
		assert_int_equal(tlog_size(t), size);
		rig_root(size, want);
		assert_int_equal(tlog_root(t, got, NULL), 0);
		assert_memory_equal(got, want, 32);
		assert_int_equal(tile_each(size, exists, &r), 0);
		rig_check(&r, size);
		assert_int_equal(tlog_recovered(t).hash_tiles, 0);
		if (i % 3 == 2) {
			tlog_free(&t);
			assert_int_equal(tlog_open(r.fd, &t, NULL), 0);
		}
	}
	tlog_free(&t);
	rig_done(&r);
}

/* A partial tile stays until the full one is there, then it goes. */
static void
test_partials(void **state)
{
	struct rig r;
	struct tlog *t = NULL;
	uint8_t want[32], got[32];

	(void)state;
	rig_make(&r, 5);
	assert_int_equal(tlog_open(r.fd, &t, NULL), 0);
	assert_int_equal(rig_append(t, 5), 0);
	assert_true(rig_has(&r, "tile/entries/000.p/5"));
	assert_true(rig_has(&r, "tile/0/000.p/5"));
	assert_true(rig_has(&r, "tile/0/000.p/10"));
	assert_int_equal(tlog_walk(r.fd, 5, NULL, NULL, got, NULL), 0);
	rig_root(5, want);
	assert_memory_equal(got, want, 32);
	assert_int_equal(rig_append(t, 250), 0);
	assert_false(rig_has(&r, "tile/entries/000.p"));
	assert_false(rig_has(&r, "tile/0/000.p"));
	assert_true(rig_has(&r, "tile/0/000"));
	assert_true(rig_has(&r, "tile/1/000.p/1"));
	/* the old size is still read, from the full tiles */
	assert_int_equal(tlog_walk(r.fd, 5, NULL, NULL, got, NULL), 0);
	assert_memory_equal(got, want, 32);
	tlog_free(&t);
	rig_done(&r);
}

/* One rename for each touched tile, and few fsyncs. */
static void
test_writes(void **state)
{
	struct rig r;
	struct tlog *t = NULL;

	(void)state;
	rig_make(&r, 0);
	assert_int_equal(tlog_open(r.fd, &t, NULL), 0);
	disk_start();
	assert_int_equal(rig_append(t, 1000), 0);
	/* 4 bundles, 4 tiles, 1 of level 1, "pending" */
	assert_int_equal(disk_renames, 10);
	disk_start();
	assert_int_equal(rig_append(t, 1), 0);
	assert_int_equal(disk_renames, 2);
	disk_start();
	assert_int_equal(rig_append(t, 10000), 0);
	assert_int_equal(disk_renames, 40 + 40 + 1 + 1);
	/* open, write, fsync, rename, folder, close: a bound for each file */
	assert_true(disk_ops < 8 * disk_renames + 80);
	tlog_free(&t);
	rig_done(&r);
}

static void
check_proofs(struct tlog *t, uint64_t size, uint64_t i)
{
	uint8_t p[MERKLE_MAX_PROOF][32], h[32], root[32], old[32];
	size_t n;

	assert_int_equal(tlog_root_at(t, size, root, NULL), 0);
	if (i < size) {
		assert_int_equal(tlog_inclusion(t, i, size, p, &n, NULL), 0);
		assert_int_equal(tlog_leaf_hash(t, i, h, NULL), 0);
		assert_int_equal(merkle_verify_inclusion(i, size, h,
				     (const uint8_t(*)[32])p, n, root),
		    0);
	}
	assert_int_equal(tlog_root_at(t, i, old, NULL), 0);
	assert_int_equal(tlog_consistency(t, i, size, p, &n, NULL), 0);
	assert_int_equal(merkle_verify_consistency(i, size, old, root,
			     (const uint8_t(*)[32])p, n),
	    0);
}

static void
test_proofs(void **state)
{
	struct rig r;
	struct tlog *t = NULL;
	uint8_t want[32], got[32], p[MERKLE_MAX_PROOF][32];
	uint64_t size, i;
	size_t n;

	(void)state;
	rig_make(&r, 70000);
	assert_int_equal(tlog_open_at(r.fd, 70000, &t, NULL), 0);
	for (size = 0; size < 40; size++)
		for (i = 0; i <= size; i++)
			check_proofs(t, size, i);
	for (size = 250; size < 520; size += 3)
		for (i = 0; i <= size; i += 17)
			check_proofs(t, size, i);
	for (size = 65530; size <= 70000; size += 373)
		for (i = 0; i <= size; i += 4999)
			check_proofs(t, size, i);
	for (size = 0; size <= 70000; size += 9999) {
		rig_root(size, want);
		assert_int_equal(tlog_root_at(t, size, got, NULL), 0);
		assert_memory_equal(got, want, 32);
	}
	assert_int_equal(tlog_inclusion(t, 5, 5, p, &n, NULL), CS_E_LOG_SIZE);
	assert_int_equal(tlog_inclusion(t, 5, 70001, p, &n, NULL),
	    CS_E_LOG_SIZE);
	assert_int_equal(tlog_consistency(t, 6, 5, p, &n, NULL), CS_E_LOG_SIZE);
	assert_int_equal(tlog_consistency(t, 6, 70001, p, &n, NULL),
	    CS_E_LOG_SIZE);
	assert_int_equal(tlog_root_at(t, 70001, got, NULL), CS_E_LOG_SIZE);
	assert_int_equal(tlog_leaf_hash(t, 70000, got, NULL), CS_E_LOG_SIZE);
	tlog_free(&t);
	rig_done(&r);
}

static void
test_leaves(void **state)
{
	_cleanup_free_ uint8_t *big = calloc(1, TLOG_LEAF_MAX + 1);
	struct tlog_leaf v[3] = { { "", 0 }, { big, TLOG_LEAF_MAX },
		{ "x", 1 } };
	struct tlog_leaf over = { big, TLOG_LEAF_MAX + 1 };
	struct rig r;
	struct tlog *t = NULL, *ro = NULL;
	uint8_t *p = NULL;
	size_t len;
	unsigned i;

	(void)state;
	assert_non_null(big);
	rig_make(&r, 0);
	assert_int_equal(tlog_open(r.fd, &t, NULL), 0);
	assert_int_equal(tlog_append(t, &over, 1, NULL), CS_E_LOG_LEAF);
	assert_int_equal(tlog_append(t, v, 0, NULL), CS_E_LOG_SIZE);
	assert_int_equal(tlog_size(t), 0);
	assert_int_equal(tlog_append(t, v, 3, NULL), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(tlog_read_leaf(t, i, &p, &len, NULL), 0);
		assert_int_equal(len, v[i].len);
		assert_memory_equal(p, v[i].bytes, len);
		free(p);
	}
	p = NULL;
	assert_int_equal(tlog_read_leaf(t, 3, &p, &len, NULL), CS_E_LOG_SIZE);
	assert_int_equal(tlog_open_at(r.fd, 3, &ro, NULL), 0);
	assert_int_equal(tlog_append(ro, v, 1, NULL), CS_E_LOG_STATE);
	tlog_free(&ro);
	/* a leaf whose hash is another */
	rig_flip(&r, "tile/entries/000.p/3", 2 + 2 + 100);
	assert_int_equal(tlog_open_at(r.fd, 3, &ro, NULL), 0);
	assert_int_equal(tlog_read_leaf(ro, 1, &p, &len, NULL),
	    CS_E_LOG_TAMPER);
	assert_int_equal(tlog_read_leaf(ro, 2, &p, &len, NULL), 0);
	free(p);
	tlog_free(&ro);
	assert_int_equal(tlog_open_at(r.fd, MERKLE_MAX_SIZE + 1, &ro, NULL),
	    CS_E_LOG_SIZE);
	tlog_free(&t);
	rig_done(&r);
}

struct seen {
	uint64_t next, stop;
};

static int
see_leaf(void *arg, uint64_t index, const uint8_t *leaf, size_t len,
    struct diag *d)
{
	struct seen *s = arg;
	char want[32];

	(void)d;
	assert_int_equal(index, s->next++);
	assert_int_equal(len, rig_leaf(index, want));
	assert_memory_equal(leaf, want, len);
	return index == s->stop ? CS_E_USAGE : 0;
}

static void
test_walk(void **state)
{
	struct seen s = { .stop = UINT64_MAX };
	uint8_t got[32], want[32];
	struct rig r;

	(void)state;
	rig_make(&r, 700);
	assert_int_equal(tlog_walk(r.fd, 700, see_leaf, &s, got, NULL), 0);
	assert_int_equal(s.next, 700);
	rig_root(700, want);
	assert_memory_equal(got, want, 32);
	s.next = 0;
	s.stop = 300;
	assert_int_equal(tlog_walk(r.fd, 700, see_leaf, &s, got, NULL),
	    CS_E_USAGE);
	assert_int_equal(s.next, 301);
	assert_int_equal(tlog_walk(r.fd, 0, NULL, NULL, got, NULL), 0);
	assert_memory_equal(got, merkle_empty, 32);
	assert_int_equal(tlog_walk(r.fd, 701, NULL, NULL, got, NULL),
	    CS_E_LOG_MISSING);
	assert_int_equal(tlog_walk(r.fd, MERKLE_MAX_SIZE + 1, NULL, NULL, got,
			     NULL),
	    CS_E_LOG_SIZE);
	rig_done(&r);
}

/* What a walk of 700 leaves says after one change. */
static void
walk_after(const char *what, const char *path, long at, int code,
    const char *found)
{
	struct diag d = { 0 };
	uint8_t root[32];
	struct rig r;
	int e;

	rig_make(&r, 700);
	if (strcmp(what, "flip") == 0)
		rig_flip(&r, path, (size_t)at);
	else if (strcmp(what, "cut") == 0)
		rig_truncate(&r, path, at);
	else
		rig_remove(&r, path);
	e = tlog_walk(r.fd, 700, NULL, NULL, root, &d);
	if (e != code || strstr(d.found, found) == NULL)
		fail_msg("%s %s: %s, \"%s\"", what, path, err_id(e), d.found);
	rig_done(&r);
}

static void
test_walk_tamper(void **state)
{
	(void)state;
	/* "leaf 0\n" .. "leaf 9\n" take 9 bytes each with their length */
	walk_after("flip", "tile/entries/000", 9 * 7 + 5, CS_E_LOG_TAMPER,
	    "leaf 7 ");
	walk_after("flip", "tile/0/000", 7 * 32, CS_E_LOG_TAMPER, "leaf 7 ");
	walk_after("flip", "tile/0/002.p/188", 187 * 32 + 31, CS_E_LOG_TAMPER,
	    "leaf 699 ");
	walk_after("flip", "tile/1/000.p/2", 32, CS_E_LOG_TAMPER,
	    "leaf 256 or one of the 255");
	walk_after("flip", "tile/entries/000", 0, CS_E_LOG_FORMAT, "leaf ");
	walk_after("cut", "tile/entries/001", 100, CS_E_LOG_FORMAT, "leaf ");
	walk_after("cut", "tile/entries/001", 0, CS_E_LOG_FORMAT, "leaf 256 ");
	walk_after("cut", "tile/entries/001", 2 << 20, CS_E_LOG_FORMAT,
	    "after leaf 511");
	walk_after("cut", "tile/0/001", 8191, CS_E_LOG_FORMAT, "8191 bytes");
	walk_after("cut", "tile/0/001", 8193, CS_E_LOG_FORMAT, "8193 bytes");
	walk_after("cut", "tile/1/000.p/2", 32, CS_E_LOG_FORMAT, "32 bytes");
	walk_after("remove", "tile/entries/001", 0, CS_E_LOG_MISSING,
	    "leaf 256");
	walk_after("remove", "tile/0/002.p/188", 0, CS_E_LOG_MISSING,
	    "leaf 512");
	walk_after("remove", "tile/1/000.p/2", 0, CS_E_LOG_MISSING, "");
}

/* A source that is not tile_source_dir() */
static int
own_read(void *arg, const char *path, uint8_t **ret, size_t *ret_len,
    struct diag *d)
{
	const struct rig *r = arg;

	if (!rig_has(r, path))
		return diag_fail(d, CS_E_LOG_MISSING, NULL, "%s", path);
	*ret = rig_read(r, path, ret_len);
	return 0;
}

static void
test_source(void **state)
{
	uint8_t got[32], want[32], p[MERKLE_MAX_PROOF][32];
	struct tlog *t = NULL;
	struct rig r;
	size_t n;

	(void)state;
	rig_make(&r, 300);
	struct tile_source src = { .read = own_read, .arg = &r };
	rig_root(300, want);
	assert_int_equal(tlog_walk_source(&src, 300, NULL, NULL, got, NULL), 0);
	assert_memory_equal(got, want, 32);
	assert_int_equal(tlog_open_source(&src, 300, &t, NULL), 0);
	assert_int_equal(tlog_root(t, got, NULL), 0);
	assert_memory_equal(got, want, 32);
	assert_int_equal(tlog_inclusion(t, 299, 300, p, &n, NULL), 0);
	tlog_free(&t);
	rig_done(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_path_refused),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_partials),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_proofs),
		cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_walk_tamper),
		cmocka_unit_test(test_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
