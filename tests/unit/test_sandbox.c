/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <linux/usbdevice_fs.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include "lib/file.h"
#include "lib/ipc.h"
#include "lib/sandbox.h"
#include "lib/secret.h"
#include "lib/sha.h"

/*
 * Each trial runs in a child of its own that enters one profile.  A trial
 * answers 0, or the errno of the call that was refused; the parent tells a
 * refusal from being killed.
 */
#define KILLED (-1)
#define ENTER  200 /* could not enter */

static int given[2] = { -1, -1 }; /* a socket pair opened before */
static char folder[256];

static int
status_of(pid_t pid)
{
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return KILLED;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
run(enum sandbox_profile p, int (*trial)(void))
{
	struct diag d = { 0 };
	pid_t pid = fork();

	if (pid == 0) {
		alarm(60);
		if (sandbox_enter(p, &d) != 0)
			_exit(ENTER);
		_exit(trial());
	}
	return status_of(pid);
}

/* As the appliance starts its programs: below the supervisor's filter. */
static int
run_nested(enum sandbox_profile p, int (*trial)(void))
{
	struct diag d = { 0 };
	pid_t pid = fork();

	if (pid == 0) {
		if (sandbox_enter(SANDBOX_SUPERVISOR, &d) != 0)
			_exit(ENTER);
		_exit(run(p, trial) & 0xff);
	}
	return status_of(pid);
}

static int
as_errno(long r)
{
	return r >= 0 ? 0 : errno;
}

/* What every program does: memory, digests, randomness, time, messages. */
static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, 8);
}

static int
try_libraries(void)
{
	_cleanup_secret_ struct secret *s = NULL;
	_cleanup_free_ uint8_t *big = NULL;
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	uint8_t md[32];
	char hex[65], text[64];
	time_t now = time(NULL);
	struct tm tm;
	struct stat st;

	if ((big = calloc(1, 4 << 20)) == NULL)
		return 1;
	if (RAND_bytes(big, 1 << 20) != 1)
		return 2;
	qsort(big, 131072, 8, compare); /* too much for the stack */
	if (sha256(big, 1 << 20, md) != 0 || sha256_hex(md, 32, hex) != 0)
		return 3;
	if (gmtime_r(&now, &tm) == NULL || timegm(&tm) != now ||
	    localtime_r(&now, &tm) == NULL || mktime(&tm) != now ||
	    strftime(text, sizeof(text), "%F %T", &tm) == 0)
		return 4;
	if (secret_random_pin(8, &s) != 0)
		return 5;
	if (ipc_send(given[0], 1, hex, 64, given[0]) != 0 ||
	    ipc_recv(given[1], &m, 1000) != 0 || m.body.len != 64)
		return 6;
	if (fstat(given[0], &st) != 0 || isatty(given[0]))
		return 7;
	(void)fprintf(stderr, "%s", strerror(EPERM) == NULL ? "x" : "");
	return 0;
}

static int
try_memory_file(void)
{
	_cleanup_free_ uint8_t *p = NULL;
	_cleanup_fd_ int fd = -1;
	size_t len;

	if (memfd_sealed("doc", "abc", 3, &fd, NULL) != 0)
		return 1;
	return memfd_read_sealed(fd, 3, &p, &len, NULL) != 0;
}

static int
try_open(void)
{
	return as_errno(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

/* given[0] is no folder; the filter sees the descriptor alone */
static int
try_open_below(void)
{
	return as_errno(openat(given[0], "x", O_RDONLY | O_CLOEXEC));
}

static int
try_exec(void)
{
	(void)execl("/bin/true", "true", (char *)NULL);
	return errno;
}

static int
try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return as_errno(pid);
}

static int
try_clone3(void)
{
	uint64_t args[11] = { [4] = SIGCHLD };
	long pid = syscall(SYS_clone3, args, sizeof(args));

	if (pid == 0)
		_exit(0);
	return as_errno(pid);
}

static int
try_ptrace(void)
{
	return as_errno(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int
try_unix(void)
{
	return as_errno(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int
try_inet(void)
{
	return as_errno(socket(AF_INET, SOCK_STREAM, 0));
}

static int
try_inet6(void)
{
	return as_errno(socket(AF_INET6, SOCK_STREAM, 0));
}

static int
try_netlink(void)
{
	return as_errno(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int
try_socketpair(void)
{
	int sv[2];

	return as_errno(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
}

static int
try_bind(void)
{
	return as_errno(bind(given[0], NULL, 0));
}

static void *
in_thread(void *arg)
{
	*(int *)arg = 7;
	return arg;
}

static int
try_thread(void)
{
	pthread_t t;
	int x = 0;

	if (pthread_create(&t, NULL, in_thread, &x) != 0 ||
	    pthread_join(t, NULL) != 0)
		return 1;
	return x == 7 ? 0 : 2;
}

static int
try_code_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

#ifndef CS_SANITIZE
static int
try_mprotect_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return as_errno(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}
#endif

static int
try_kill(void)
{
	return as_errno(kill(getppid(), 0));
}

static int
try_stat_path(void)
{
	struct stat st;

	return as_errno(fstatat(AT_FDCWD, "/", &st, 0));
}

static int
try_unlink(void)
{
	return unlink("/no-such-file") == -1 && errno == ENOENT ? 0 : errno;
}

static int
try_device_size(void)
{
	uint64_t n;

	return as_errno(ioctl(given[0], BLKGETSIZE64, &n));
}

/* With a descriptor that is no USB device, and no memory to write to. */
static unsigned long usb_request;

static int
try_usb(void)
{
	return as_errno(ioctl(given[0], usb_request, NULL));
}

static int
try_readlink(void)
{
	char name[64];

	return readlink("/proc/self/fd/0", name, sizeof(name)) >= 0 ? 0 : errno;
}

static int
try_terminal(void)
{
	struct winsize w;
	struct termios t = { 0 };

	if (ioctl(given[0], TIOCGWINSZ, &w) == 0 || errno != ENOTTY)
		return errno;
	(void)tcsetattr(given[0], TCSAFLUSH, &t);
	return errno;
}

static int
try_type(void)
{
	return as_errno(ioctl(given[0], TIOCSTI, "x"));
}

#ifndef CS_SANITIZE
static int
try_prctl(void)
{
	return as_errno(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int
try_raise_limit(void)
{
	const struct rlimit rl = { 10, 10 };

	return as_errno(setrlimit(RLIMIT_NOFILE, &rl));
}
#endif

static int
try_mount(void)
{
	return as_errno(mount("none", "/", "tmpfs", 0, NULL));
}

static int
try_umount(void)
{
	return as_errno(umount2("/", MNT_DETACH));
}

static int
try_unshare(void)
{
	return as_errno(unshare(CLONE_NEWUSER));
}

static int
try_keyctl(void)
{
	return as_errno(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

static int
try_io_uring(void)
{
	return as_errno(syscall(SYS_io_uring_setup, 1, NULL));
}

static int
try_bpf(void)
{
	return as_errno(syscall(SYS_bpf, 0, NULL, 0));
}

static int
try_process_vm(void)
{
	return as_errno(
	    syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0));
}

struct expectation {
	enum sandbox_profile p;
	int (*trial)(void);
	int want;
};

static void
check(const struct expectation *e, size_t n)
{
	size_t i;
	int got;

	for (i = 0; i < n; i++) {
		got = run(e[i].p, e[i].trial);
		if (got != e[i].want)
			fail_msg("row %zu, profile %d: got %d, want %d", i,
			    (int)e[i].p, got, e[i].want);
	}
}

#define CHECK(t) check((t), ARRAY_LEN(t))

static void
test_libraries_work(void **state)
{
	int p;

	(void)state;
	for (p = SANDBOX_SUPERVISOR; p <= SANDBOX_EXPORT_USB; p++) {
		assert_int_equal(run((enum sandbox_profile)p, try_libraries),
		    0);
		assert_int_equal(run_nested((enum sandbox_profile)p,
				     try_libraries),
		    0);
	}
}

/* Calls that no child may make, whatever it is. */
static void
test_never(void **state)
{
	static int (*const trials[])(void) = {
		try_exec,
		try_fork,
		try_ptrace,
		try_socketpair,
		try_bind,
		try_kill,
		try_mount,
		try_umount,
		try_unshare,
		try_keyctl,
		try_io_uring,
		try_bpf,
		try_process_vm,
		try_type,
#ifndef CS_SANITIZE
		try_prctl,
		try_raise_limit,
#endif
	};
	size_t i;
	int p, got;

	(void)state;
	for (p = SANDBOX_CORE; p <= SANDBOX_EXPORT_USB; p++) {
		for (i = 0; i < ARRAY_LEN(trials); i++) {
			got = run((enum sandbox_profile)p, trials[i]);
			if (got != KILLED)
				fail_msg("profile %d, trial %zu: %d", p, i,
				    got);
		}
	}
}

static void
test_supervisor(void **state)
{
	static const struct expectation table[] = {
		{ SANDBOX_SUPERVISOR, try_exec, 0 },
		{ SANDBOX_SUPERVISOR, try_fork, 0 },
		{ SANDBOX_SUPERVISOR, try_clone3, 0 },
		{ SANDBOX_SUPERVISOR, try_open, 0 },
		{ SANDBOX_SUPERVISOR, try_thread, 0 },
		{ SANDBOX_SUPERVISOR, try_socketpair, 0 },
		{ SANDBOX_SUPERVISOR, try_unix, 0 },
		{ SANDBOX_SUPERVISOR, try_inet, 0 },
		{ SANDBOX_SUPERVISOR, try_inet6, EPERM },
		{ SANDBOX_SUPERVISOR, try_netlink, EPERM },
		{ SANDBOX_SUPERVISOR, try_ptrace, EPERM },
		{ SANDBOX_SUPERVISOR, try_mount, EPERM },
		{ SANDBOX_SUPERVISOR, try_umount, EPERM },
		{ SANDBOX_SUPERVISOR, try_unshare, EPERM },
		{ SANDBOX_SUPERVISOR, try_keyctl, EPERM },
		{ SANDBOX_SUPERVISOR, try_io_uring, EPERM },
		{ SANDBOX_SUPERVISOR, try_bpf, EPERM },
		{ SANDBOX_SUPERVISOR, try_process_vm, EPERM },
		{ SANDBOX_SUPERVISOR, try_type, EPERM },
	};

	(void)state;
	CHECK(table);
}

static void
test_media_programs(void **state)
{
	static const struct expectation table[] = {
		{ SANDBOX_INTAKE, try_memory_file, 0 },
		{ SANDBOX_INTAKE, try_device_size, ENOTTY },
		{ SANDBOX_INTAKE, try_stat_path, KILLED },
		{ SANDBOX_INTAKE, try_unlink, KILLED },
		{ SANDBOX_INTAKE, try_unix, KILLED },
		{ SANDBOX_INTAKE, try_inet, KILLED },
		{ SANDBOX_INTAKE, try_thread, KILLED },
		{ SANDBOX_INTAKE, try_terminal, KILLED },
		{ SANDBOX_EXPORT, try_memory_file, 0 },
		{ SANDBOX_EXPORT, try_device_size, ENOTTY },
		{ SANDBOX_EXPORT, try_stat_path, KILLED },
		{ SANDBOX_EXPORT, try_unlink, KILLED },
		{ SANDBOX_EXPORT, try_unix, KILLED },
		{ SANDBOX_EXPORT, try_thread, KILLED },
		{ SANDBOX_EXPORT, try_terminal, KILLED },
#ifndef CS_SANITIZE
		{ SANDBOX_INTAKE, try_open, KILLED },
		{ SANDBOX_INTAKE, try_code_memory, KILLED },
		{ SANDBOX_INTAKE, try_mprotect_code, KILLED },
		{ SANDBOX_EXPORT, try_open, KILLED },
		{ SANDBOX_EXPORT, try_code_memory, KILLED },
		{ SANDBOX_EXPORT, try_mprotect_code, KILLED },
#endif
	};

	(void)state;
	CHECK(table);
}

/* coldseal-usb: below a descriptor, and only up to its limit of 32. */
static void
test_usb_broker(void **state)
{
	static const struct expectation table[] = {
		{ SANDBOX_USB, try_open_below, ENOTDIR },
		{ SANDBOX_USB, try_memory_file, KILLED },
		{ SANDBOX_USB, try_device_size, KILLED },
		{ SANDBOX_USB, try_stat_path, KILLED },
		{ SANDBOX_USB, try_unlink, KILLED },
		{ SANDBOX_USB, try_unix, KILLED },
		{ SANDBOX_USB, try_netlink, KILLED },
		{ SANDBOX_USB, try_thread, KILLED },
		{ SANDBOX_USB, try_terminal, KILLED },
#ifndef CS_SANITIZE
		{ SANDBOX_USB, try_open, KILLED },
		{ SANDBOX_USB, try_code_memory, KILLED },
		{ SANDBOX_USB, try_mprotect_code, KILLED },
		{ SANDBOX_INTAKE, try_open_below, KILLED },
#endif
	};

	(void)state;
	CHECK(table);
}

/* Only below the folder, where this kernel can tell. */
static int
below_folder(void)
{
	_cleanup_fd_ int dir = -1, fd = -1;

	dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || sandbox_below(&dir, 1, NULL) != 0)
		return ENTER;
	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	return as_errno(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static void
test_below(void **state)
{
	int bad = -1;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(below_folder());
	assert_int_equal(status_of(pid),
	    syscall(SYS_landlock_create_ruleset, NULL, 0,
		LANDLOCK_CREATE_RULESET_VERSION) > 0 ?
		EACCES :
		0);
	if (syscall(SYS_landlock_create_ruleset, NULL, 0,
		LANDLOCK_CREATE_RULESET_VERSION) > 0)
		assert_int_equal(sandbox_below(&bad, 1, NULL), CS_E_SANDBOX);
}

/* What libusb needs of usbfs, and nothing that changes more than transfers. */
static void
test_usb(void **state)
{
	static const struct {
		unsigned long request;
		int want;
	} rows[] = {
		{ USBDEVFS_CLAIMINTERFACE, ENOTTY },
		{ USBDEVFS_CLEAR_HALT, ENOTTY },
		{ USBDEVFS_CONNECTINFO, ENOTTY },
		{ USBDEVFS_CONTROL, ENOTTY },
		{ USBDEVFS_DISCARDURB, ENOTTY },
		{ USBDEVFS_GET_CAPABILITIES, ENOTTY },
		{ USBDEVFS_GET_SPEED, ENOTTY },
		{ USBDEVFS_REAPURBNDELAY, ENOTTY },
		{ USBDEVFS_RELEASEINTERFACE, ENOTTY },
		{ USBDEVFS_SUBMITURB, ENOTTY },
		{ USBDEVFS_BULK, KILLED },
		{ USBDEVFS_CLAIM_PORT, KILLED },
		{ USBDEVFS_DISCONNECT_CLAIM, KILLED },
		{ USBDEVFS_DISCSIGNAL, KILLED },
		{ USBDEVFS_IOCTL, KILLED },
		{ USBDEVFS_REAPURB, KILLED },
		{ USBDEVFS_RESET, KILLED },
		{ USBDEVFS_SETCONFIGURATION, KILLED },
		{ USBDEVFS_SETINTERFACE, KILLED },
		{ BLKGETSIZE64, KILLED },
		{ BLKFLSBUF, KILLED },
	};
	static const enum sandbox_profile usb[] = { SANDBOX_INTAKE_USB,
		SANDBOX_EXPORT_USB };
	static const struct expectation without[] = {
		{ SANDBOX_INTAKE, try_usb, KILLED },
		{ SANDBOX_EXPORT, try_usb, KILLED },
		{ SANDBOX_CORE, try_usb, KILLED },
	};
	size_t i, k;
	int got;

	(void)state;
	for (k = 0; k < ARRAY_LEN(usb); k++) {
		for (i = 0; i < ARRAY_LEN(rows); i++) {
			usb_request = rows[i].request;
			got = run(usb[k], try_usb);
			if (got != rows[i].want)
				fail_msg("profile %d, row %zu: %d", (int)usb[k],
				    i, got);
		}
		assert_int_equal(run(usb[k], try_memory_file), 0);
		assert_int_equal(run(usb[k], try_stat_path), KILLED);
		assert_int_equal(run(usb[k], try_thread), KILLED);
		assert_int_equal(run(usb[k], try_unix), KILLED);
#ifndef CS_SANITIZE
		assert_int_equal(run(usb[k], try_readlink), ENOENT);
		assert_int_equal(run(usb[k], try_open), KILLED);
#endif
	}
	usb_request = USBDEVFS_SUBMITURB;
	CHECK(without);
}

static void
test_console(void **state)
{
	static const struct expectation table[] = {
		{ SANDBOX_CONSOLE, try_terminal, ENOTTY },
		{ SANDBOX_CONSOLE, try_memory_file, KILLED },
		{ SANDBOX_CONSOLE, try_device_size, KILLED },
		{ SANDBOX_CONSOLE, try_stat_path, KILLED },
		{ SANDBOX_CONSOLE, try_unix, KILLED },
		{ SANDBOX_CONSOLE, try_thread, KILLED },
#ifndef CS_SANITIZE
		{ SANDBOX_CONSOLE, try_open, KILLED },
		{ SANDBOX_CONSOLE, try_code_memory, KILLED },
#endif
	};

	(void)state;
	CHECK(table);
}

static void
test_token_and_signer(void **state)
{
	static const struct expectation table[] = {
		{ SANDBOX_TOKEN, try_open, 0 },
		{ SANDBOX_TOKEN, try_unlink, 0 },
		{ SANDBOX_TOKEN, try_thread, 0 },
		{ SANDBOX_TOKEN, try_code_memory, 0 },
		{ SANDBOX_TOKEN, try_memory_file, 0 },
		{ SANDBOX_TOKEN, try_unix, 0 },
		{ SANDBOX_TOKEN, try_inet, EAFNOSUPPORT },
		{ SANDBOX_TOKEN, try_netlink, EAFNOSUPPORT },
		{ SANDBOX_TOKEN, try_clone3, ENOSYS },
		{ SANDBOX_TOKEN, try_terminal, KILLED },
		{ SANDBOX_TOKEN, try_device_size, KILLED },
		{ SANDBOX_SIGNER, try_open, 0 },
		{ SANDBOX_SIGNER, try_thread, 0 },
		{ SANDBOX_SIGNER, try_code_memory, 0 },
		{ SANDBOX_SIGNER, try_unix, 0 },
		{ SANDBOX_SIGNER, try_inet, 0 },
		{ SANDBOX_SIGNER, try_inet6, EAFNOSUPPORT },
		{ SANDBOX_SIGNER, try_netlink, EAFNOSUPPORT },
		{ SANDBOX_SIGNER, try_clone3, ENOSYS },
		{ SANDBOX_SIGNER, try_terminal, KILLED },
		{ SANDBOX_SIGNER, try_device_size, KILLED },
	};

	(void)state;
	CHECK(table);
}

/* The core's database: WAL, locks, checkpoint, vacuum, its temporary files. */
static int
try_sqlite(void)
{
	sqlite3 *db = NULL;
	char path[300];
	int r;

	(void)snprintf(path, sizeof(path), "%s/db", folder);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		return 1;
	r = sqlite3_exec(db,
	    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
	    "CREATE TABLE t(a TEXT, b BLOB) STRICT;"
	    "BEGIN IMMEDIATE;"
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n"
	    " WHERE i < 20000) INSERT INTO t SELECT hex(randomblob(40)), "
	    "randomblob(40) FROM n; COMMIT;"
	    "CREATE INDEX t_a ON t(a);"
	    "PRAGMA wal_checkpoint(TRUNCATE);"
	    "SELECT * FROM t ORDER BY b; VACUUM; PRAGMA integrity_check;"
	    "PRAGMA journal_mode=DELETE; DELETE FROM t;",
	    NULL, NULL, NULL);
	if (sqlite3_close(db) != SQLITE_OK)
		return 2;
	return r == SQLITE_OK ? 0 : 3;
}

static int
try_files(void)
{
	_cleanup_free_ uint8_t *p = NULL;
	_cleanup_fd_ int fd = -1;
	size_t len;

	if (dir_open(AT_FDCWD, folder, &fd, NULL) != 0 ||
	    dir_make(fd, "a/b", NULL) != 0)
		return 1;
	if (file_write_atomic(fd, "a/b/f", "x", 1, 0600, NULL) != 0 ||
	    file_exists(fd, "a/b/f") != 1)
		return 2;
	return file_read(fd, "a/b/f", 1, &p, &len, NULL) == 0 ? 0 : 3;
}

static void
test_core(void **state)
{
	static const struct expectation table[] = {
		{ SANDBOX_CORE, try_open, 0 },
		{ SANDBOX_CORE, try_files, 0 },
		{ SANDBOX_CORE, try_sqlite, 0 },
		{ SANDBOX_CORE, try_memory_file, 0 },
		{ SANDBOX_CORE, try_unix, KILLED },
		{ SANDBOX_CORE, try_inet, KILLED },
		{ SANDBOX_CORE, try_thread, KILLED },
		{ SANDBOX_CORE, try_terminal, KILLED },
		{ SANDBOX_CORE, try_device_size, KILLED },
#ifndef CS_SANITIZE
		{ SANDBOX_CORE, try_code_memory, KILLED },
#endif
	};

	(void)state;
	CHECK(table);
}

/* Another ABI's numbers are not a way around: x32 getpid() is no call. */
#if defined(__x86_64__)
static int
try_x32(void)
{
	return as_errno(syscall(0x40000000 + SYS_getpid));
}

static void
test_other_abi(void **state)
{
	int p;

	(void)state;
	for (p = SANDBOX_SUPERVISOR; p <= SANDBOX_EXPORT_USB; p++)
		assert_int_equal(run((enum sandbox_profile)p, try_x32), KILLED);
}
#endif

static int
try_flags(void)
{
	struct rlimit rl;

	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 1;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 2;
	if (getrlimit(RLIMIT_CORE, &rl) != 0 || rl.rlim_max != 0)
		return 3;
	return 0;
}

/* dup() until it fails: how many descriptors this process may have. */
static int
count_files(void)
{
	int n = 0, fd;

	while ((fd = dup(0)) >= 0 && n < 100)
		n = fd + 1;
	return n;
}

static int
try_token_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return 1;
	return rl.rlim_cur == 1024 && rl.rlim_max == 1024 ? 0 : 2;
}

static int
try_big_file(void)
{
	int fd = memfd_create("big", MFD_CLOEXEC);

	if (ftruncate(fd, 64 << 20) != 0)
		return 1;
	(void)signal(SIGXFSZ, SIG_IGN);
	return as_errno(ftruncate(fd, (64 << 20) + 1));
}

#ifndef CS_SANITIZE
static int
try_big_memory(void)
{
	void *p = mmap(NULL, (size_t)1 << 30, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}
#endif

static void
test_limits(void **state)
{
	static const struct expectation table[] = {
		{ SANDBOX_SUPERVISOR, try_flags, 0 },
		{ SANDBOX_INTAKE, count_files, 64 },
		{ SANDBOX_EXPORT, count_files, 100 },
		{ SANDBOX_TOKEN, try_token_limit, 0 },
		{ SANDBOX_SIGNER, try_token_limit, 0 },
		{ SANDBOX_INTAKE, try_big_file, EFBIG },
		{ SANDBOX_EXPORT, try_big_file, 0 },
#ifndef CS_SANITIZE
		{ SANDBOX_INTAKE, try_big_memory, ENOMEM },
		{ SANDBOX_EXPORT, try_big_memory, ENOMEM },
		{ SANDBOX_CONSOLE, try_big_memory, ENOMEM },
		{ SANDBOX_CORE, try_big_memory, 0 },
#endif
	};

	(void)state;
	CHECK(table);
}

static void
test_harden(void **state)
{
	pid_t pid = fork();
	struct rlimit rl;

	(void)state;
	if (pid == 0) {
		sandbox_harden();
		if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
			_exit(1);
		_exit(getrlimit(RLIMIT_CORE, &rl) != 0 || rl.rlim_max != 0);
	}
	assert_int_equal(status_of(pid), 0);
}

/* A kernel that refuses filters: said so, and not taken for a sandbox. */
static void
no_filters(void)
{
	const uint32_t no = SCMP_ACT_ERRNO(EINVAL);
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (ctx == NULL)
		_exit(ENTER);
	r = seccomp_rule_add(ctx, no, SCMP_SYS(seccomp), 0);
	if (r == 0)
		r = seccomp_rule_add(ctx, no, SCMP_SYS(prctl), 1,
		    SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP, 0));
	if (r != 0 || seccomp_load(ctx) != 0)
		_exit(ENTER);
}

static void
test_failure_is_told(void **state)
{
	struct diag d = { 0 };
	pid_t pid;
	int p, r;

	(void)state;
	for (p = SANDBOX_SUPERVISOR; p <= SANDBOX_EXPORT_USB; p++) {
		pid = fork();
		if (pid == 0) {
			no_filters();
			r = sandbox_enter((enum sandbox_profile)p, &d);
			_exit(r != CS_E_SANDBOX || d.code != r);
		}
		assert_int_equal(status_of(pid), 0);
	}
	assert_int_equal(sandbox_enter((enum sandbox_profile)99, &d),
	    CS_E_SANDBOX);
}

static int
setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	(void)snprintf(folder, sizeof(folder), "%s/coldseal.XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(folder) == NULL)
		return -1;
	return ipc_pair(given);
}

static int
teardown(void **state)
{
	static const char *const left[] = { "db", "db-wal", "db-shm", "a/b/f",
		"a/b", "a", "" };
	char path[300];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(left); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, left[i]);
		(void)remove(path);
	}
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libraries_work),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_supervisor),
		cmocka_unit_test(test_media_programs),
		cmocka_unit_test(test_usb_broker),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_usb),
		cmocka_unit_test(test_console),
		cmocka_unit_test(test_token_and_signer),
		cmocka_unit_test(test_core),
#if defined(__x86_64__)
		cmocka_unit_test(test_other_abi),
#endif
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_harden),
		cmocka_unit_test(test_failure_is_told),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
