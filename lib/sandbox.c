/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <linux/usbdevice_fs.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>

#ifdef CS_SANITIZE
#define SANITIZED 1
/*
 * LeakSanitizer stops its own process with ptrace, which no profile allows.
 * (ASAN_OPTIONS=symbolize=0 lets a sandboxed process print its report.)
 */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}
#else
#define SANITIZED 0
#endif

/*
 * One row: the call, and a condition on one argument if it has one.  Several
 * rows for one call: any of them.  The action is the profile's own (allow or
 * deny), or with err the call fails with that errno and the process lives.
 */
enum cond { ALWAYS, IS, MASKED, ABOVE };
struct rule {
	const char *call;
	enum cond cond;
	unsigned arg;
	uint64_t a, b; /* IS: a; MASKED: (arg & a) == b; ABOVE: > a */
	uint16_t err;
};

/* clang-format off */
/* libc, OpenSSL and jansson: memory, time, signals, random numbers, exit. */
static const struct rule base[] = {
	{ .call = "brk" },
	{ .call = "clock_getres" },
	{ .call = "clock_gettime" },
	{ .call = "close" },
	{ .call = "exit" },
	{ .call = "exit_group" },
	{ .call = "futex" },
	{ .call = "getpid" },
	{ .call = "getrandom" },
	{ .call = "gettid" },
	{ .call = "gettimeofday" },
	{ .call = "madvise" },
	{ .call = "mlock" },
	{ .call = "mremap" },
	{ .call = "munlock" },
	{ .call = "munmap" },
	{ .call = "poll" },
	{ .call = "ppoll" },
	{ .call = "read" },
	{ .call = "readv" },
	{ .call = "recvmsg" },
	{ .call = "restart_syscall" },
	{ .call = "rt_sigaction" },
	{ .call = "rt_sigprocmask" },
	{ .call = "rt_sigreturn" },
	{ .call = "sched_getaffinity" },
	{ .call = "sched_yield" },
	{ .call = "sendmsg" },
	{ .call = "sysinfo" },		/* qsort() asks for the memory size */
	{ .call = "time" },
	{ .call = "write" },
	{ .call = "writev" },
	{ .call = "lseek" },
	/* fstat() of an open descriptor; stdio does it */
	{ .call = "fstat" },
	{ .call = "newfstatat", MASKED, 3, AT_EMPTY_PATH, AT_EMPTY_PATH },
	{ .call = "ioctl", IS, 1, TCGETS },	/* isatty() */
};

/* Memory that is never executable: nothing is loaded after the start. */
static const struct rule data_memory[] = {
	{ .call = "mmap", MASKED, 2, PROT_EXEC, 0 },
	{ .call = "mprotect", MASKED, 2, PROT_EXEC, 0 },
};

static const struct rule code_memory[] = {
	{ .call = "mmap" },
	{ .call = "mprotect" },
};

/* Reading and writing descriptors that are open, and memory files. */
static const struct rule open_files[] = {
	{ .call = "dup" },
	{ .call = "dup3" },
	{ .call = "fadvise64" },
	{ .call = "fallocate" },
	{ .call = "fcntl" },
	{ .call = "fdatasync" },
	{ .call = "fsync" },
	{ .call = "ftruncate" },
	{ .call = "memfd_create" },
	{ .call = "pread64" },
	{ .call = "preadv" },
	{ .call = "pwrite64" },
	{ .call = "pwritev" },
	{ .call = "sync_file_range" },
};

/* The medium: its size, and dropping what is cached before it is re-read. */
static const struct rule block_device[] = {
	{ .call = "ioctl", IS, 1, BLKGETSIZE64 },
	{ .call = "ioctl", IS, 1, BLKSSZGET },
	{ .call = "ioctl", IS, 1, BLKFLSBUF },
};

/*
 * libusb on one usbfs descriptor: its transfers, one interface, halts.  No
 * reset, no other configuration, no kernel driver put out; no thread.
 */
static const struct rule usbfs[] = {
	{ .call = "alarm" },
	{ .call = "ioctl", IS, 1, USBDEVFS_CLAIMINTERFACE },
	{ .call = "ioctl", IS, 1, USBDEVFS_CLEAR_HALT },
	{ .call = "ioctl", IS, 1, USBDEVFS_CONNECTINFO },
	{ .call = "ioctl", IS, 1, USBDEVFS_CONTROL },
	{ .call = "ioctl", IS, 1, USBDEVFS_DISCARDURB },
	{ .call = "ioctl", IS, 1, USBDEVFS_GET_CAPABILITIES },
	{ .call = "ioctl", IS, 1, USBDEVFS_GET_SPEED },
	{ .call = "ioctl", IS, 1, USBDEVFS_REAPURBNDELAY },
	{ .call = "ioctl", IS, 1, USBDEVFS_RELEASEINTERFACE },
	{ .call = "ioctl", IS, 1, USBDEVFS_SUBMITURB },
	/* the device's name, which it does without */
	{ .call = "readlink", .err = ENOENT },
	{ .call = "readlinkat", .err = ENOENT },
	{ .call = "timerfd_settime" },
};

static const struct rule paths[] = {
	{ .call = "access" },
	{ .call = "faccessat" },
	{ .call = "faccessat2" },
	{ .call = "fchmod" },
	{ .call = "fchmodat" },
	{ .call = "fchown" },
	{ .call = "flock" },
	{ .call = "fstatfs" },
	{ .call = "getcwd" },
	{ .call = "getdents64" },
	{ .call = "getegid" },
	{ .call = "geteuid" },
	{ .call = "getgid" },
	{ .call = "getuid" },
	{ .call = "lstat" },
	{ .call = "mkdir" },
	{ .call = "mkdirat" },
	{ .call = "newfstatat" },
	{ .call = "open" },
	{ .call = "openat" },
	{ .call = "readlink" },
	{ .call = "readlinkat" },
	{ .call = "rename" },
	{ .call = "renameat" },
	{ .call = "renameat2" },
	{ .call = "rmdir" },
	{ .call = "stat" },
	{ .call = "statfs" },
	{ .call = "statx" },
	{ .call = "umask" },
	{ .call = "unlink" },
	{ .call = "unlinkat" },
	{ .call = "utimensat" },
};

/*
 * Opening below a descriptor, not by the working folder: it has at most 32
 * (AT_FDCWD is a negative number), and the upper half of the argument is not
 * defined.
 */
static const struct rule below[] = {
	{ .call = "fcntl" },
	{ .call = "getdents64" },
	{ .call = "openat", MASKED, 0, 0xffffffe0, 0 },
};

/* Waiting: SQLite's busy handler, PKCS#11 modules between polls. */
static const struct rule waiting[] = {
	{ .call = "clock_nanosleep" },
	{ .call = "nanosleep" },
};

/*
 * Threads but no processes: clone3() keeps its flags in memory where a filter
 * cannot see them, so libc is told to fall back to clone().
 */
static const struct rule threads[] = {
	{ .call = "clone", MASKED, 0, CLONE_THREAD, CLONE_THREAD },
	{ .call = "clone3", .err = ENOSYS },
	{ .call = "eventfd2" },
	{ .call = "getrusage" },
	{ .call = "membarrier" },
	{ .call = "pipe2" },
	{ .call = "prctl", IS, 0, PR_SET_NAME },
	{ .call = "prlimit64", IS, 2, 0 },	/* ask, not set */
	{ .call = "rseq" },
	{ .call = "sched_getattr" },	/* GLib threads, in OpenSC */
	{ .call = "sched_getparam" },
	{ .call = "sched_getscheduler" },
	{ .call = "sched_setattr", .err = EPERM },
	{ .call = "set_robust_list" },
	{ .call = "uname" },
};

/* A connected stream to a daemon: pcscd, syslog, a software TPM. */
static const struct rule sockets[] = {
	{ .call = "connect" },
	{ .call = "getpeername" },
	{ .call = "getsockname" },
	{ .call = "getsockopt" },
	{ .call = "recvfrom" },
	{ .call = "select" },
	{ .call = "pselect6" },
	{ .call = "sendto" },
	{ .call = "setsockopt" },
	{ .call = "shutdown" },
	{ .call = "ioctl", IS, 1, FIONREAD },
};

/* The resolver also tries netlink and IPv6, and lives without. */
static const struct rule unix_only[] = {
	{ .call = "socket", IS, 0, AF_UNIX },
	{ .call = "socket", IS, 0, AF_UNSPEC, .err = EAFNOSUPPORT },
	{ .call = "socket", ABOVE, 0, AF_UNIX, .err = EAFNOSUPPORT },
};

static const struct rule unix_and_inet[] = {
	{ .call = "socket", IS, 0, AF_UNIX },
	{ .call = "socket", IS, 0, AF_INET },
	{ .call = "socket", IS, 0, AF_UNSPEC, .err = EAFNOSUPPORT },
	{ .call = "socket", ABOVE, 0, AF_INET, .err = EAFNOSUPPORT },
};

static const struct rule terminal[] = {
	{ .call = "ioctl", IS, 1, TCSETS },
	{ .call = "ioctl", IS, 1, TCSETSW },
	{ .call = "ioctl", IS, 1, TCSETSF },
	{ .call = "ioctl", IS, 1, TCFLSH },
	{ .call = "ioctl", IS, 1, TIOCGWINSZ },
};

/*
 * What the supervisor and so all its children never do.  Children inherit
 * this filter below their own, so it may forbid nothing that one of them
 * needs: the signer's TPM may be a software TPM on loopback (AF_INET).
 */
static const struct rule never[] = {
	{ .call = "add_key" },
	{ .call = "bpf" },
	{ .call = "delete_module" },
	{ .call = "finit_module" },
	{ .call = "fsconfig" },
	{ .call = "fsmount" },
	{ .call = "fsopen" },
	{ .call = "init_module" },
	{ .call = "io_uring_enter" },
	{ .call = "io_uring_register" },
	{ .call = "io_uring_setup" },
	{ .call = "kexec_file_load" },
	{ .call = "kexec_load" },
	{ .call = "keyctl" },
	{ .call = "mount" },
	{ .call = "move_mount" },
	{ .call = "open_by_handle_at" },
	{ .call = "open_tree" },
	{ .call = "perf_event_open" },
	{ .call = "pivot_root" },
	{ .call = "process_vm_readv" },
	{ .call = "process_vm_writev" },
	{ .call = "ptrace" },
	{ .call = "reboot" },
	{ .call = "request_key" },
	{ .call = "setns" },
	{ .call = "swapoff" },
	{ .call = "swapon" },
	{ .call = "umount2" },
	{ .call = "unshare" },
	{ .call = "userfaultfd" },
	{ .call = "ioctl", IS, 1, TIOCSTI },	/* types for the user */
	{ .call = "ioctl", IS, 1, TIOCLINUX },
	{ .call = "socket", IS, 0, AF_UNSPEC },
	{ .call = "socket", ABOVE, 0, AF_INET },
};

#if SANITIZED
static const struct rule sanitizer[] = {
	{ .call = "mmap" },
	{ .call = "mprotect" },
	{ .call = "openat" },		/* /proc/self/maps */
	{ .call = "prctl" },
	{ .call = "prlimit64" },
	{ .call = "readlink" },
	{ .call = "sigaltstack" },
	{ .call = "tgkill" },
};
#endif

/* clang-format on */

struct group {
	const struct rule *rules;
	size_t n;
};
#define G(t)                      \
	{                         \
		(t), ARRAY_LEN(t) \
	}
#define NO_LIMIT UINT64_MAX
#define MIB	 (UINT64_C(1) << 20)

struct profile {
	bool deny_list; /* groups are what is refused with EPERM */
	rlim_t files, file_size, memory;
	struct group groups[9];
};

/* clang-format off */
static const struct profile profiles[] = {
	[SANDBOX_SUPERVISOR] = { true, NO_LIMIT, NO_LIMIT, NO_LIMIT,
		{ G(never) } },
	[SANDBOX_CORE] = { false, 1024, NO_LIMIT, NO_LIMIT,
		{ G(base), G(data_memory), G(open_files), G(paths),
		    G(waiting) } },
	/* one document (16 MiB at most) to a memory file */
	[SANDBOX_INTAKE] = { false, 64, 64 * MIB, 1024 * MIB,
		{ G(base), G(data_memory), G(open_files), G(block_device) } },
	[SANDBOX_EXPORT] = { false, 16384, NO_LIMIT, 1024 * MIB,
		{ G(base), G(data_memory), G(open_files), G(block_device) } },
	[SANDBOX_USB] = { false, 32, 4096, 256 * MIB,
		{ G(base), G(data_memory), G(below) } },
	[SANDBOX_TOKEN] = { false, 1024, 64 * MIB, NO_LIMIT,
		{ G(base), G(code_memory), G(open_files), G(paths),
		    G(waiting), G(threads), G(sockets), G(unix_only) } },
	[SANDBOX_SIGNER] = { false, 1024, 64 * MIB, NO_LIMIT,
		{ G(base), G(code_memory), G(open_files), G(paths),
		    G(waiting), G(threads), G(sockets), G(unix_and_inet) } },
	[SANDBOX_CONSOLE] = { false, 64, NO_LIMIT, 256 * MIB,
		{ G(base), G(data_memory), G(terminal) } },
	[SANDBOX_INTAKE_USB] = { false, 64, 64 * MIB, 1024 * MIB,
		{ G(base), G(data_memory), G(open_files), G(usbfs) } },
	[SANDBOX_EXPORT_USB] = { false, 16384, NO_LIMIT, 1024 * MIB,
		{ G(base), G(data_memory), G(open_files), G(usbfs) } },
};
/* clang-format on */

/* Lowers soft and hard; a hard limit that is lower already stays. */
static int
limit(int resource, rlim_t max, struct diag *d)
{
	struct rlimit rl;

	if (max == NO_LIMIT)
		return 0;
	if (getrlimit((__rlimit_resource_t)resource, &rl) != 0)
		return diag_errno(d, CS_E_SANDBOX, "getrlimit %d", resource);
	if (rl.rlim_max == RLIM_INFINITY || rl.rlim_max > max)
		rl.rlim_max = max;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit((__rlimit_resource_t)resource, &rl) != 0)
		return diag_errno(d, CS_E_SANDBOX, "setrlimit %d", resource);
	return 0;
}

static int
set_limits(const struct profile *p, struct diag *d)
{
	int r;

	if ((r = limit(RLIMIT_CORE, 0, d)) != 0 ||
	    (r = limit(RLIMIT_NOFILE, p->files, d)) != 0 ||
	    (r = limit(RLIMIT_FSIZE, p->file_size, d)) != 0)
		return r;
	if (SANITIZED) /* its shadow memory is terabytes */
		return 0;
	return limit(RLIMIT_AS, p->memory, d);
}

static void
release_filter(scmp_filter_ctx *ctx)
{
	if (*ctx != NULL)
		seccomp_release(*ctx);
}

static int
add_rule(scmp_filter_ctx ctx, const struct rule *u, uint32_t act,
    struct diag *d)
{
	static const enum scmp_compare op[] = { [IS] = SCMP_CMP_EQ,
		[MASKED] = SCMP_CMP_MASKED_EQ,
		[ABOVE] = SCMP_CMP_GT };
	struct scmp_arg_cmp cmp = { .arg = u->arg,
		.op = op[u->cond],
		.datum_a = u->a,
		.datum_b = u->b };
	int nr = seccomp_syscall_resolve_name(u->call);
	int r;

	if (nr == __NR_SCMP_ERROR)
		return diag_fail(d, CS_E_SANDBOX, "a system call's name", "%s",
		    u->call);
	if (nr < 0) /* this machine has no such call */
		return 0;
	if (u->err != 0)
		act = SCMP_ACT_ERRNO(u->err);
	r = seccomp_rule_add_array(ctx, act, nr, u->cond == ALWAYS ? 0 : 1,
	    &cmp);
	if (r != 0)
		return diag_fail(d, CS_E_SANDBOX, NULL, "rule for %s: %d",
		    u->call, r);
	return 0;
}

static int
add_group(scmp_filter_ctx ctx, const struct group *g, uint32_t act,
    struct diag *d)
{
	size_t i;
	int r;

	for (i = 0; i < g->n; i++)
		if ((r = add_rule(ctx, &g->rules[i], act, d)) != 0)
			return r;
	return 0;
}

static int
load_filter(const struct profile *p, struct diag *d)
{
	_cleanup_(release_filter) scmp_filter_ctx ctx = NULL;
	uint32_t act = p->deny_list ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW;
	size_t i;
	int r;

	ctx =
	    seccomp_init(p->deny_list ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS);
	if (ctx == NULL)
		return diag_fail(d, CS_E_SANDBOX, NULL, "no filter context");
	/* also calls in another ABI (i386, x32) that the rules do not cover */
	if (seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
		SCMP_ACT_KILL_PROCESS) != 0)
		return diag_fail(d, CS_E_SANDBOX, NULL, "bad arch action");
	for (i = 0; i < ARRAY_LEN(p->groups); i++)
		if ((r = add_group(ctx, &p->groups[i], act, d)) != 0)
			return r;
#if SANITIZED
	if (!p->deny_list) {
		const struct group g = G(sanitizer);

		if ((r = add_group(ctx, &g, act, d)) != 0)
			return r;
	}
#endif
	if ((r = seccomp_load(ctx)) != 0)
		return diag_fail(d, CS_E_SANDBOX, NULL, "load filter: %d", r);
	return 0;
}

/*
 * What libraries read from disk on first use must be read now: OpenSSL's
 * configuration, the time zone (ours is UTC, whatever the machine says).
 */
static int
preload(struct diag *d)
{
	if (setenv("TZ", "UTC0", 1) != 0)
		return diag_errno(d, CS_E_SANDBOX, "setenv");
	tzset();
	if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG |
		    OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
		NULL) != 1)
		return diag_fail(d, CS_E_SANDBOX, NULL, "OpenSSL");
	return 0;
}

int
sandbox_enter(enum sandbox_profile p, struct diag *d)
{
	int r;

	if ((size_t)p >= ARRAY_LEN(profiles))
		return diag_fail(d, CS_E_SANDBOX, NULL, "profile %d", (int)p);
	if ((r = preload(d)) != 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return diag_errno(d, CS_E_SANDBOX, "prctl");
	if ((r = set_limits(&profiles[p], d)) != 0)
		return r;
	return load_filter(&profiles[p], d);
}

/* Every right that the first version of Landlock knows. */
#define ALL_RIGHTS ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define READ_WRITE                                                    \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | \
	    LANDLOCK_ACCESS_FS_WRITE_FILE)

int
sandbox_below(const int *folders, size_t n, struct diag *d)
{
	const struct landlock_ruleset_attr all = { .handled_access_fs =
						       ALL_RIGHTS };
	_cleanup_fd_ int set = -1;
	size_t i;

	set = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (set < 0 && (errno == ENOSYS || errno == EOPNOTSUPP))
		return 0;
	if (set < 0)
		return diag_errno(d, CS_E_SANDBOX, "landlock");
	for (i = 0; i < n; i++) {
		const struct landlock_path_beneath_attr rule = {
			.allowed_access = READ_WRITE,
			.parent_fd = folders[i]
		};

		if (syscall(SYS_landlock_add_rule, set,
			LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
			return diag_errno(d, CS_E_SANDBOX, "landlock rule");
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_landlock_restrict_self, set, 0) != 0)
		return diag_errno(d, CS_E_SANDBOX, "landlock");
	return 0;
}

void
sandbox_harden(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
