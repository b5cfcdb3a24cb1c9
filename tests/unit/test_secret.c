/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "lib/secret.h"

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static void
test_sizes(void **state)
{
	struct secret *s = NULL;
	size_t i;

	(void)state;
	assert_int_equal(secret_new(0, &s), CS_E_TOO_LARGE);
	assert_int_equal(secret_new(page_size() + 1, &s), CS_E_TOO_LARGE);
	assert_null(s);
	assert_int_equal(secret_new(page_size(), &s), 0);
	assert_int_equal(secret_size(s), page_size());
	assert_int_equal(secret_len(s), page_size());
	for (i = 0; i < page_size(); i++)
		assert_int_equal(secret_data(s)[i], 0);
	assert_int_equal(secret_set_len(s, 0), CS_E_TOO_LARGE);
	assert_int_equal(secret_set_len(s, page_size() + 1), CS_E_TOO_LARGE);
	secret_free(&s);
	assert_null(s);
	secret_free(&s);
}

static void
test_cut_is_wiped(void **state)
{
	struct secret *s;

	(void)state;
	assert_int_equal(secret_new(6, &s), 0);
	memcpy(secret_data(s), "123456", 6);
	assert_int_equal(secret_set_len(s, 4), 0);
	assert_int_equal(secret_len(s), 4);
	assert_int_equal(secret_size(s), 6);
	assert_memory_equal(secret_data(s), "1234\0\0", 6);
	assert_int_equal(secret_set_len(s, 6), 0);
	assert_int_equal(secret_set_len(s, 7), CS_E_TOO_LARGE);
	secret_free(&s);
}

/* The flags of the mapping that holds p, as the kernel tells them. */
static void
mapping_flags(const void *p, char out[512])
{
	unsigned long from, to;
	bool here = false;
	char line[512];
	FILE *f;

	out[0] = '\0';
	f = fopen("/proc/self/smaps", "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (uintptr_t)p >= from && (uintptr_t)p < to;
		if (here && strncmp(line, "VmFlags:", 8) == 0)
			memcpy(out, line, sizeof(line));
	}
	(void)fclose(f);
}

static void
test_mapping(void **state)
{
	struct secret *s;
	char flags[512];

	(void)state;
	assert_int_equal(secret_new(10, &s), 0);
	mapping_flags(secret_data(s), flags);
	assert_non_null(strstr(flags, " dd")); /* MADV_DONTDUMP */
	assert_non_null(strstr(flags, " wf")); /* MADV_WIPEONFORK */
#ifndef CS_SANITIZE			       /* which makes mlock() a no-op */
	assert_non_null(strstr(flags, " lo"));
#endif
	secret_free(&s);
}

static void
test_freed_is_unmapped(void **state)
{
	struct secret *s;
	uint8_t *p;
	unsigned char in;

	(void)state;
	assert_int_equal(secret_new(10, &s), 0);
	p = secret_data(s);
	assert_int_equal(mincore(p, page_size(), &in), 0);
	secret_free(&s);
	assert_int_equal(mincore(p, page_size(), &in), -1);
}

static void
test_gone_in_child(void **state)
{
	struct secret *s;
	pid_t pid;
	int status;

	(void)state;
	assert_int_equal(secret_new(4, &s), 0);
	memcpy(secret_data(s), "1234", 4);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(memcmp(secret_data(s), "\0\0\0\0", 4) == 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_memory_equal(secret_data(s), "1234", 4);
	secret_free(&s);
}

#ifndef CS_SANITIZE
/* Without locked memory there is no secret. */
static void
test_no_lock_no_secret(void **state)
{
	const struct rlimit none = { 0, 0 };
	struct secret *s = NULL;
	pid_t pid;
	int status;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setrlimit(RLIMIT_MEMLOCK, &none) != 0)
			_exit(10);
		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(11);
		_exit(secret_new(4, &s) == CS_E_IO && s == NULL ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}
#endif

static void
set(struct secret **ret, const char *text)
{
	assert_int_equal(secret_new(strlen(text), ret), 0);
	memcpy(secret_data(*ret), text, strlen(text));
}

static void
test_equal(void **state)
{
	struct secret *a, *b, *c, *e;

	(void)state;
	set(&a, "123456");
	set(&b, "123456");
	set(&c, "123457");
	set(&e, "12345");
	assert_int_equal(secret_equal(a, b), 1);
	assert_int_equal(secret_equal(a, c), 0);
	assert_int_equal(secret_equal(a, e), 0);
	assert_int_equal(secret_equal(e, a), 0);
	secret_free(&a);
	secret_free(&b);
	secret_free(&c);
	secret_free(&e);
}

/*
 * 36 characters from 256 byte values: with a plain remainder the first four
 * would come 8 times in 256 instead of 7.1 times; that is outside the bounds,
 * which are six standard deviations wide.
 */
static void
test_random_pin(void **state)
{
	unsigned count[256] = { 0 }, used = 0;
	struct secret *a, *b;
	size_t i, round;

	(void)state;
	assert_int_equal(secret_random_pin(0, &a), CS_E_TOO_LARGE);
	assert_int_equal(secret_random_pin(16, &a), 0);
	assert_int_equal(secret_random_pin(16, &b), 0);
	assert_int_equal(secret_len(a), 16);
	assert_int_equal(secret_equal(a, b), 0);
	for (i = 0; i < 4; i++)
		assert_non_null(strchr("0123456789abcdef", secret_data(a)[i]));
	secret_free(&a);
	secret_free(&b);
	for (round = 0; round < 45; round++) {
		assert_int_equal(secret_random_pin(4096, &a), 0);
		for (i = 0; i < 4096; i++)
			count[secret_data(a)[i]]++;
		secret_free(&a);
	}
	for (i = 0; i < 256; i++) {
		if (count[i] == 0)
			continue;
		used++;
		assert_true((i >= '0' && i <= '9') || (i >= 'a' && i <= 'z'));
		assert_in_range(count[i], 5120 - 6 * 71, 5120 + 6 * 71);
	}
	assert_int_equal(used, 36);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_cut_is_wiped),
		cmocka_unit_test(test_mapping),
		cmocka_unit_test(test_freed_is_unmapped),
		cmocka_unit_test(test_gone_in_child),
#ifndef CS_SANITIZE
		cmocka_unit_test(test_no_lock_no_secret),
#endif
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_random_pin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
