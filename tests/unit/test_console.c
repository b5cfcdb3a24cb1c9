/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>

#include "lib/ipc.h"
#include "lib/proto_console.h"

/*
 * coldseal-console as it is, on a terminal of its own; the test plays the
 * core.  Programs: CS_BIN.
 */
extern char **environ;

static int sock, terminal;
static pid_t pid;

static int
setup(void **state)
{
	const char *bin = getenv("CS_BIN");
	posix_spawn_file_actions_t fa;
	char path[512], *argv[] = { path, NULL };
	int sv[2], s, slave;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/coldseal-console",
	    bin != NULL ? bin : "build/bin");
	terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(terminal >= 0);
	assert_int_equal(grantpt(terminal), 0);
	assert_int_equal(unlockpt(terminal), 0);
	slave = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	assert_int_equal(ipc_pair(sv), 0);
	s = fcntl(sv[1], F_DUPFD_CLOEXEC, 20);
	assert_int_equal(posix_spawn_file_actions_init(&fa), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&fa, slave, 0), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&fa, slave, 1), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&fa, s, 3), 0);
	assert_int_equal(posix_spawn(&pid, path, &fa, NULL, argv, environ), 0);
	(void)posix_spawn_file_actions_destroy(&fa);
	(void)close(s);
	(void)close(sv[1]);
	(void)close(slave);
	sock = sv[0];
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	close_fdp(&sock);
	close_fdp(&terminal);
	return 0;
}

static void
send_progress(const char *what, uint64_t done, uint64_t total)
{
	struct buf b = BUF_INIT(256);

	assert_int_equal(buf_put_cstr(&b, what), 0);
	assert_int_equal(buf_put_u64(&b, done), 0);
	assert_int_equal(buf_put_u64(&b, total), 0);
	assert_int_equal(ipc_send_buf(sock, CONSOLE_PROGRESS, &b, -1), 0);
	buf_done(&b);
}

/* All that it drew, after it has ended. */
static void
end(char *out, size_t size)
{
	ssize_t got;
	size_t n = 0;
	int status;

	assert_int_equal(ipc_send(sock, CONSOLE_BYE, NULL, 0, -1), 0);
	/* the terminal's other end is closed: EIO */
	while (
	    n < size - 1 && (got = read(terminal, out + n, size - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* One line for each thing that goes on, which rewrites itself. */
static void
test_progress(void **state)
{
	char out[4096];
	const char *p;

	(void)state;
	send_progress("writing", 1000, 20000);
	send_progress("writing", 10000, 20000);
	send_progress("comparing", 12000, 20000);
	send_progress("comparing", 20000, 20000);
	end(out, sizeof(out));
	p = strstr(out, "writing   5 %  1000 of 20000  about ");
	assert_non_null(p);
	p = strstr(p, "\rwriting  50 %  10000 of 20000  about ");
	assert_non_null(p);
	/* a line of its own, with an estimate that begins anew */
	p = strstr(p, "\n");
	assert_non_null(p);
	p = strstr(p, "comparing  60 %  12000 of 20000  about 0 s left");
	assert_non_null(p);
	assert_non_null(
	    strstr(p, "\rcomparing 100 %  20000 of 20000  about 0 s left"));
}

/* Figures that cannot be, and a name that is too long. */
static void
test_progress_odd(void **state)
{
	char out[4096];

	(void)state;
	send_progress("nothing", 0, 0);
	send_progress("too much", 3, 2);
	send_progress("a name that is much longer than there is room for", 1,
	    2);
	send_progress("all", UINT64_MAX, UINT64_MAX);
	end(out, sizeof(out));
	assert_null(strstr(out, "nothing"));
	assert_null(strstr(out, "too much"));
	assert_non_null(strstr(out, "a name that is much long  50 %"));
	assert_non_null(strstr(out, "all"));
}

static bool
echoes(void)
{
	struct termios t;

	assert_int_equal(tcgetattr(terminal, &t), 0);
	return (t.c_lflag & ECHO) != 0;
}

/* What is typed as soon as the prompt is seen is the PIN, and is not shown. */
static void
test_pin_at_once(void **state)
{
	static const char prompt[] = "PIN of alice: ", pin[] = "123456\n";
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(64);
	char out[256] = "", got[16];
	int slave, p[2], i;
	size_t n = 0;

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	/* a terminal that takes no output: it is quiet before the prompt */
	slave = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	assert_true(echoes());
	assert_int_equal(tcflow(slave, TCOOFF), 0);
	assert_int_equal(buf_put_cstr(&b, prompt), 0);
	assert_int_equal(ipc_send_buf(sock, CONSOLE_ASK_PIN, &b, p[1]), 0);
	buf_done(&b);
	for (i = 0; i < 3000 && echoes(); i++)
		(void)poll(NULL, 0, 10);
	assert_false(echoes());
	assert_int_equal(tcflow(slave, TCOON), 0);
	while (strstr(out, prompt) == NULL) {
		assert_int_equal(read(terminal, out + n, 1), 1);
		assert_true(++n < sizeof(out) - 1);
	}
	assert_int_equal(write(terminal, pin, strlen(pin)),
	    (ssize_t)strlen(pin));
	assert_int_equal(ipc_recv(sock, &m, 30000), 0);
	assert_int_equal(m.type, CONSOLE_PIN);
	assert_int_equal(read(p[0], got, sizeof(got)), 6);
	assert_memory_equal(got, pin, 6);
	(void)close(slave);
	(void)close(p[0]);
	(void)close(p[1]);
	end(out, sizeof(out));
	assert_null(strstr(out, "1"));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_progress),
		TEST(test_progress_odd),
		TEST(test_pin_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
