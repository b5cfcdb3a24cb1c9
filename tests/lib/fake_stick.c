/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Preloaded, after umockdev's library, into coldseal-intake and
 * coldseal-export: descriptor 4 is the device CS_STICK of a testbed.  umockdev
 * knows a device only by its own open(), so one that was passed is opened
 * anew; it says nothing of devices to fstat(); and it plays ioctl() over a
 * socket, for which the filter that is about to be loaded gets four more
 * rules.  All else of that filter is as it is in the product.
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define STICK 4

__attribute__((constructor)) static void
open_stick(void)
{
	const char *path = getenv("CS_STICK");

	(void)close(STICK);
	if (path == NULL || open(path, O_RDWR) != STICK)
		_exit(99);
}

int
fstat(int fd, struct stat *st)
{
	long r = syscall(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH);

	if (r == 0 && fd == STICK) {
		st->st_mode = S_IFCHR | 0600;
		st->st_rdev = makedev(189, 1);
	}
	return (int)r;
}

int
seccomp_load(const scmp_filter_ctx ctx)
{
	static const char *const more[] = { "sendto", "recvfrom", "access",
		"clock_nanosleep" };
	int (*load)(scmp_filter_ctx) = NULL;
	size_t i;

	for (i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
			seccomp_syscall_resolve_name(more[i]), 0) != 0)
			return -1;
	*(void **)&load = dlsym(RTLD_NEXT, "seccomp_load");
	return load(ctx);
}
