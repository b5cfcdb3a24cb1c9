/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A stick as a block device, written over as a whole:
 *
 *	a whole disk, that nothing uses -> shown -> confirmed
 *	  -> opened exclusively, still the same one -> written, compared
 */

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host-tools/media.h"
#include "host-tools/show.h"
#include "usb-transfer/blk.h"

#define NAME_MAX_TYPED 80

void
media_show_device(const struct blockdev *b, const struct media_seen *s)
{
	char text[96];

	show_text("device", b->name);
	show_text("model", b->model[0] != '\0' ? b->model : "unknown");
	show_text("serial", b->serial[0] != '\0' ? b->serial : "none");
	(void)snprintf(text, sizeof(text), "%llu bytes (%.1f GB)",
	    (unsigned long long)b->bytes, (double)b->bytes / 1e9);
	show_text("size", text);
	show_text("removable", b->removable ? "yes" : "NO: a fixed disk?");
	show_text("partitions", s->table);
	show_text("holds", s->holds);
	show_text("identity", blockdev_identity(b));
}

/* On the terminal: the device's name, typed. */
static int
ask(const struct blockdev *b, struct diag *d)
{
	char line[NAME_MAX_TYPED] = "";

	(void)fflush(stdout);
	(void)fprintf(stderr,
	    "Everything on it will be lost.  Type %s to go on: ", b->name);
	if (fgets(line, sizeof(line), stdin) == NULL)
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (strcmp(line, b->name) != 0)
		return diag_fail(d, CS_E_HOST_CONFIRM, b->name, "%s",
		    line[0] != '\0' ? line : "nothing");
	return 0;
}

int
media_confirm(const struct blockdev *b, const struct media_consent *how,
    struct diag *d)
{
	const char *want = blockdev_identity(b);

	if (how->confirm != NULL) {
		if (want[0] != '\0' && strcmp(how->confirm, want) == 0)
			return 0;
		return diag_fail(d, CS_E_HOST_CONFIRM,
		    want[0] != '\0' ? want : "a terminal: it has no identity",
		    "--confirm %s", how->confirm);
	}
	if (how->quiet || isatty(STDIN_FILENO) != 1 ||
	    isatty(STDERR_FILENO) != 1)
		return diag_fail(d, CS_E_HOST_CONFIRM,
		    "--confirm, or a terminal to ask on", "neither");
	return ask(b, d);
}

int
media_check_device(const struct blockdev *b, const struct media_job *job,
    struct diag *d)
{
	uint64_t need = 0;
	int r;

	if (b->disk[0] != '\0')
		return diag_fail(d, CS_E_HOST_BLOCK, b->disk,
		    "%s, a partition of it", b->name);
	if (b->readonly)
		return diag_fail(d, CS_E_HOST_BLOCK, "a device to write to",
		    "%s is read-only", b->name);
	r = media_need(job, &need, d);
	if (r == 0 && need > b->bytes)
		return diag_fail(d, CS_E_MEDIA_SPACE, "room for the bundle",
		    "%llu bytes, where %llu are needed",
		    (unsigned long long)b->bytes, (unsigned long long)need);
	return r;
}

/* It was there a moment ago; it must be that one that is opened. */
static int
open_same(const char *path, const struct media_consent *how, dev_t dev,
    const struct blockdev *b, int *ret, struct diag *d)
{
	/* O_EXCL: the kernel refuses what is mounted or held */
	_cleanup_fd_ int fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC);
	struct blockdev now;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) != 0)
		return diag_errno(d, CS_E_HOST_BUSY, "%s", path);
	r = blockdev_look(how->sys, dev, &now, d);
	if (r != 0)
		return r;
	if (!S_ISBLK(st.st_mode) || st.st_rdev != dev ||
	    now.bytes != b->bytes || strcmp(now.serial, b->serial) != 0 ||
	    strcmp(now.model, b->model) != 0)
		return diag_fail(d, CS_E_HOST_BUSY, "the device that was shown",
		    "another one is %s now", path);
	*ret = take_fd(&fd);
	return 0;
}

static void
look_at(const char *path, struct media_seen *ret)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct blkdev dev;

	memset(ret, 0, sizeof(*ret));
	if (fd < 0 || blk_open_fd(&fd, &dev, NULL) != 0)
		(void)snprintf(ret->holds, sizeof(ret->holds),
		    "it cannot be read");
	else
		media_look(&dev, ret);
}

int
media_write_device(const char *path, const struct media_job *job,
    const struct media_consent *how, struct blockdev *ret, struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	struct media_seen seen;
	struct blockdev b;
	dev_t dev = 0;
	int r;

	if (media_is_device(path, &dev) == 0)
		return diag_fail(d, CS_E_HOST_BLOCK, "a block device", "%s",
		    path);
	r = blockdev_look(how->sys, dev, &b, d);
	if (r == 0)
		r = media_check_device(&b, job, d);
	if (r == 0)
		r = blockdev_check_free(how->sys, how->proc, dev, d);
	if (r != 0)
		return r;
	look_at(path, &seen);
	if (!how->quiet)
		media_show_device(&b, &seen);
	r = media_confirm(&b, how, d);
	if (r == 0)
		r = open_same(path, how, dev, &b, &fd, d);
	if (r == 0)
		r = media_put_fd(fd, job, d);
	if (r != 0)
		return r;
	/* the old partitions are gone for the kernel, too */
	cs_ignore(ioctl(fd, BLKRRPART));
	*ret = b;
	return 0;
}
