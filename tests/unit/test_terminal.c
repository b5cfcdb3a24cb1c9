/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "appliance/terminal.h"
#include "lib/file.h"
#include "lib/ipc.h"

static void
kinds(void **state)
{
	_cleanup_fd_ int pty = -1, null = -1, file = -1;
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_string_equal(terminal_kind(p[0]), "pipe");
	(void)close(p[0]);
	(void)close(p[1]);
	assert_int_equal(ipc_pair(p), 0);
	assert_string_equal(terminal_kind(p[0]), "pipe");
	(void)close(p[0]);
	(void)close(p[1]);
	file = memfd_create("file", MFD_CLOEXEC);
	assert_string_equal(terminal_kind(file), "file");
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_string_equal(terminal_kind(null), "other");
	assert_string_equal(terminal_kind(-1), "other");
	/* the other end of a terminal is what a console is given */
	p[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(p[0] >= 0 && grantpt(p[0]) == 0 && unlockpt(p[0]) == 0);
	pty = open(ptsname(p[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(pty >= 0);
	assert_string_equal(terminal_kind(pty), "terminal");
	(void)close(p[0]);
}

/* Devices that need no terminal to be asked about. */
static void
devices(void **state)
{
	static const struct {
		unsigned major, minor;
		const char *kind;
	} t[] = {
		{ 4, 0, "screen" },
		{ 4, 63, "screen" },
		{ 4, 64, "serial" },
		{ 4, 67, "serial" },
		{ 5, 1, "screen" },
		{ 5, 0, "other" },
		{ 136, 7, "terminal" },
		{ 143, 0, "terminal" },
		{ 144, 0, "other" },
		{ 166, 0, "serial" },
		{ 188, 2, "serial" },
		{ 204, 64, "serial" },
		{ 229, 0, "serial" },
		{ 1, 3, "other" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++)
		assert_string_equal(terminal_kind_of(t[i].major, t[i].minor),
		    t[i].kind);
}

static void
words(void **state)
{
	(void)state;
	assert_true(terminal_is_kind("screen"));
	assert_true(terminal_is_kind("pipe"));
	assert_false(terminal_is_kind(""));
	assert_false(terminal_is_kind("screens"));
	assert_false(terminal_is_kind("SCREEN"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(devices),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
