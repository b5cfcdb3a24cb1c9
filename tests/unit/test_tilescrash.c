/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/tiles_rig.h"

/*
 * After the machine stopped: the log is the old or the new one, whole, and
 * goes on growing.  A second stop, during recovery, changes nothing of that.
 */
static uint64_t
survived(struct rig *r, uint64_t from, uint64_t to, unsigned second,
    enum disk_loss how)
{
	struct tlog *t = NULL;
	struct diag d = { 0 };
	uint64_t size;

	if (second > 0) {
		disk_stop_at = second;
		if (tlog_open(r->fd, &t, NULL) == 0)
			tlog_free(&t);
		disk_lose(how);
	}
	if (tlog_open(r->fd, &t, &d) != 0)
		fail_msg("%ju+%ju: %s (%s)", (uintmax_t)from,
		    (uintmax_t)(to - from), d.found, d.expected);
	size = tlog_size(t);
	if (size != from && size != to)
		fail_msg("%ju+%ju: %ju leaves", (uintmax_t)from,
		    (uintmax_t)(to - from), (uintmax_t)size);
	assert_int_equal(tlog_recovered(t).leaves % (to - from), 0);
	assert_int_equal(rig_append(t, 270), 0);
	tlog_free(&t);
	rig_check(r, size + 270);
	return size;
}

/* Stops an append before its op-th operation; false if it has fewer. */
static bool
stop_append(uint64_t from, size_t n, unsigned op, unsigned second,
    enum disk_loss how)
{
	struct rig r;
	struct tlog *t = NULL;
	uint8_t root[32];
	uint64_t size;
	int e;

	rig_make(&r, from);
	assert_int_equal(tlog_open(r.fd, &t, NULL), 0);
	disk_start();
	disk_stop_at = op;
	e = rig_append(t, n);
	if (e != 0) {
		assert_int_equal(e, CS_E_IO);
		/* this handle does not know what is on disk */
		assert_int_equal(rig_append(t, 1), CS_E_LOG_STATE);
		assert_int_equal(tlog_root(t, root, NULL), CS_E_LOG_STATE);
	}
	tlog_free(&t);
	disk_lose(how);
	size = survived(&r, from, from + n, second, how);
	if (e == 0)
		assert_int_equal(size, from + n);
	rig_done(&r);
	return e != 0;
}

static void
stop_everywhere(uint64_t from, size_t n)
{
	unsigned op, how;

	for (how = 0; how < DISK_LOSS_COUNT; how++) {
		for (op = 1; stop_append(from, n, op, 0, how); op++)
			;
		assert_true(op > 4);
	}
}

static void
test_one_bundle(void **state)
{
	(void)state;
	stop_everywhere(0, 1);
	stop_everywhere(5, 3);
	stop_everywhere(255, 1);
	stop_everywhere(256, 256);
}

static void
test_many_bundles(void **state)
{
	(void)state;
	stop_everywhere(0, 600);
	stop_everywhere(250, 7);
	stop_everywhere(250, 300);
	stop_everywhere(256, 513);
}

static void
test_stop_twice(void **state)
{
	unsigned op, second, how;

	(void)state;
	for (how = 0; how < DISK_LOSS_COUNT; how++)
		for (second = 1; second < 12; second++)
			for (op = 1; stop_append(250, 300, op, second, how);
			     op++)
				;
}

static int
open_log(const struct rig *r, struct diag *d)
{
	_cleanup_tlog_ struct tlog *t = NULL;

	return tlog_open(r->fd, &t, d);
}

/* Hash tiles are derived: what is missing or short is written again. */
static void
test_repair(void **state)
{
	static const struct {
		const char *path;
		long len; /* -1: removed */
	} t[] = {
		{ "tile/0/000", -1 },
		{ "tile/0/000", 0 },
		{ "tile/0/001", 8191 },
		{ "tile/0/002.p/188", -1 },
		{ "tile/0/002.p/188", 32 },
		{ "tile/1/000.p/2", -1 },
		{ "tile/1/000.p/2", 63 },
	};
	struct tlog *log = NULL;
	struct rig r;
	size_t i;

	(void)state;
	rig_make(&r, 700);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		if (t[i].len < 0)
			rig_remove(&r, t[i].path);
		else
			rig_truncate(&r, t[i].path, t[i].len);
		assert_int_equal(tlog_open(r.fd, &log, NULL), 0);
		assert_int_equal(tlog_recovered(log).hash_tiles, 1);
		tlog_free(&log);
		rig_check(&r, 700);
	}
	rig_done(&r);
}

/* What no crash makes is refused, and nothing is removed. */
static void
test_refused(void **state)
{
	static const struct {
		const char *what, *path;
		long at;
		int code;
		const char *found;
	} t[] = {
		{ "flip", "tile/entries/000", 9 * 7 + 5, CS_E_LOG_TAMPER,
		    "leaf 7 " },
		{ "flip", "tile/entries/002.p/188", 10, CS_E_LOG_TAMPER,
		    "leaf 512 " },
		{ "flip", "tile/0/001", 32, CS_E_LOG_TAMPER, "leaf 257 " },
		{ "flip", "tile/0/002.p/188", 0, CS_E_LOG_TAMPER, "leaf 512 " },
		{ "flip", "tile/1/000.p/2", 32, CS_E_LOG_TAMPER, "leaf 256 " },
		{ "cut", "tile/0/001", 8193, CS_E_LOG_FORMAT, "8193" },
		{ "cut", "tile/1/000.p/2", 65, CS_E_LOG_FORMAT, "65" },
		{ "cut", "tile/entries/001", 100, CS_E_LOG_FORMAT, "leaf " },
		{ "cut", "tile/entries/002.p/188", 0, CS_E_LOG_FORMAT,
		    "leaf 512 " },
		{ "remove", "tile/entries/000", 0, CS_E_LOG_MISSING, "leaf 0" },
		{ "remove", "tile/entries/001", 0, CS_E_LOG_MISSING,
		    "leaf 256" },
		{ "remove", "tile/entries/002.p/188", 0, CS_E_LOG_MISSING,
		    "leaf 512" },
	};
	struct rig r;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct diag d = { 0 };
		int e;

		rig_make(&r, 700);
		if (strcmp(t[i].what, "flip") == 0)
			rig_flip(&r, t[i].path, (size_t)t[i].at);
		else if (strcmp(t[i].what, "cut") == 0)
			rig_truncate(&r, t[i].path, t[i].at);
		else
			rig_remove(&r, t[i].path);
		e = open_log(&r, &d);
		if (e != t[i].code || strstr(d.found, t[i].found) == NULL)
			fail_msg("%s %s: %s, \"%s\"", t[i].what, t[i].path,
			    err_id(e), d.found);
		if (strcmp(t[i].path, "tile/entries/002.p/188") != 0)
			assert_true(rig_has(&r, "tile/entries/002.p/188"));
		rig_done(&r);
	}
}

/* A middle bundle and all its hashes gone: the later ones give it away. */
static void
test_gap(void **state)
{
	struct diag d = { 0 };
	struct rig r;

	(void)state;
	rig_make(&r, 700);
	rig_remove(&r, "tile/entries/001");
	rig_remove(&r, "tile/0/001");
	rig_remove(&r, "tile/0/002.p/188");
	assert_int_equal(open_log(&r, &d), CS_E_LOG_MISSING);
	assert_non_null(strstr(d.found, "leaf 256"));
	assert_true(rig_has(&r, "tile/entries/002.p/188"));
	rig_done(&r);
}

/* The last entries fell back to an older partial bundle. */
static void
test_tail_lost(void **state)
{
	struct tlog *t = NULL;
	struct diag d = { 0 };
	struct rig r;

	(void)state;
	rig_make(&r, 5);
	assert_int_equal(tlog_open(r.fd, &t, NULL), 0);
	assert_int_equal(rig_append(t, 3), 0);
	tlog_free(&t);
	rig_remove(&r, "tile/entries/000.p/8");
	assert_int_equal(open_log(&r, &d), CS_E_LOG_MISSING);
	assert_non_null(strstr(d.found, "leaf 5"));
	rig_remove(&r, "tile/0/000.p/8");
	rig_check(&r, 5);
	rig_done(&r);
}

static void
test_pending(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"700",
		"700 \n",
		" 701\n",
		"700 701",
		"700 700\n",
		"701 700\n",
		"700  701\n",
		"0700 701\n",
		"700 701 \n",
		"x y\n",
		"700 701\n\n",
		"-1 700\n",
	};
	struct rig r;
	size_t i;

	(void)state;
	rig_make(&r, 700);
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		rig_write(&r, "pending", bad[i], strlen(bad[i]));
		assert_int_equal(open_log(&r, NULL), CS_E_LOG_FORMAT);
	}
	/* neither the old nor the new size is there */
	rig_write(&r, "pending", "600 1200\n", 9);
	assert_int_equal(open_log(&r, NULL), CS_E_LOG_MISSING);
	assert_true(rig_has(&r, "pending"));
	rig_write(&r, "pending", "700 1200\n", 9);
	assert_int_equal(open_log(&r, NULL), 0);
	assert_false(rig_has(&r, "pending"));
	rig_check(&r, 700);
	rig_done(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_bundle),
		cmocka_unit_test(test_many_bundles),
		cmocka_unit_test(test_stop_twice),
		cmocka_unit_test(test_repair),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_tail_lost),
		cmocka_unit_test(test_pending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
