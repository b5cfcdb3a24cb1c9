/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Preloaded into coldseal-usb: sys/ and dev/ of the folder CS_USB_TREE stand
 * for /sys/bus/usb/devices and /dev/bus/usb.  A file NNN/NNN is seen as that
 * device's node.  With CS_USB_TELL, a descriptor, at each step the process says a letter on it and waits for one, so that a
 * test can change what the next step finds: 'a' the device was switched on,
 * 'i' an interface, 'n' a node was opened, '0' the device was switched off.
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MAX_FD 64

static int (*next_open)(const char *, int, ...);
static int (*next_openat)(int, const char *, int, ...);
static int (*next_fstat)(int, struct stat *);
static ssize_t (*next_write)(int, const void *, size_t);
static ssize_t (*next_read)(int, void *, size_t);
static int tell = -1;
static char kind[MAX_FD]; /* 'd' and 'i': a switch of; 'n': a node */
static unsigned int minor_of[MAX_FD];

__attribute__((constructor)) static void
start(void)
{
	const char *fd = getenv("CS_USB_TELL");

	*(void **)&next_open = dlsym(RTLD_NEXT, "open");
	*(void **)&next_openat = dlsym(RTLD_NEXT, "openat");
	*(void **)&next_fstat = dlsym(RTLD_NEXT, "fstat");
	*(void **)&next_write = dlsym(RTLD_NEXT, "write");
	*(void **)&next_read = dlsym(RTLD_NEXT, "read");
	if (fd != NULL)
		tell = atoi(fd);
}

static void
say(char c)
{
	if (tell < 0)
		return;
	if (next_write(tell, &c, 1) != 1 || next_read(tell, &c, 1) != 1)
		_exit(98);
}

int open(const char *path, int flags, ...);
int
open(const char *path, int flags, ...)
{
	const char *tree = getenv("CS_USB_TREE");
	char other[512];
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (tree == NULL || (flags & O_PATH) == 0)
		return next_open(path, flags, mode);
	(void)snprintf(other, sizeof(other), "%s/%s", tree,
	    strcmp(path, "/dev/bus/usb") == 0 ? "dev" : "sys");
	return next_open(other, flags);
}

int openat(int dir, const char *path, int flags, ...);
int
openat(int dir, const char *path, int flags, ...)
{
	unsigned int bus, device;
	const char *slash;
	int fd = next_openat(dir, path, flags);

	if (fd < 0 || fd >= MAX_FD)
		return fd;
	kind[fd] = 0;
	slash = strchr(path, '/');
	if ((flags & O_ACCMODE) == O_WRONLY &&
	    strcmp(slash == NULL ? path : slash + 1, "authorized") == 0)
		kind[fd] = slash == NULL ? 'd' : 'i';
	if (strlen(path) == 7 && sscanf(path, "%3u/%3u", &bus, &device) == 2) {
		kind[fd] = 'n';
		minor_of[fd] = (bus - 1) * 128 + device - 1;
		say('n');
	}
	return fd;
}

int fstat(int fd, struct stat *st);
int
fstat(int fd, struct stat *st)
{
	int r = next_fstat(fd, st);

	if (r == 0 && fd >= 0 && fd < MAX_FD && kind[fd] == 'n') {
		st->st_rdev = makedev(189, minor_of[fd]);
		/* a test wants one that is no device */
		if ((st->st_mode & S_IXUSR) == 0)
			st->st_mode = (st->st_mode & ~(mode_t)S_IFMT) | S_IFCHR;
	}
	return r;
}

ssize_t write(int fd, const void *p, size_t n);
ssize_t
write(int fd, const void *p, size_t n)
{
	ssize_t r = next_write(fd, p, n);

	if (r == 1 && fd >= 0 && fd < MAX_FD && kind[fd] == 'd')
		say(*(const char *)p == '1' ? 'a' : '0');
	if (r == 1 && fd >= 0 && fd < MAX_FD && kind[fd] == 'i')
		say('i');
	return r;
}
