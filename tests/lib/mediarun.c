/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A medium by hand, as the supervisor and the core would have it: for guests
 * with a real stick, and for figures.  DEVICE is /dev/bus/usb/..., with what
 * the broker would say of it (usb=IFACE,IN,OUT), or an image or block device.
 *
 *	mediarun blocks DEVICE [usb=0,81,02] [MIB]	in this process
 *	mediarun intake DEVICE [usb=0,81,02]		$CS_BIN/coldseal-intake
 *	mediarun export DEVICE [usb=0,81,02]		$CS_BIN/coldseal-export
 *
 * One line of key=value; exit status 0, 1 refused, 2 usage, 3 trouble.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/hex.h"
#include "lib/sha.h"
#include "tests/lib/media_core.h"
#include "usb-transfer/medium.h"

#define CHUNK (1u << 20)
#define MIB   (UINT64_C(1) << 20)

extern char **environ;

static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
say_pace(uint64_t bytes, double start)
{
	const double s = now() - start;

	(void)printf("bytes=%llu seconds=%.3f MB/s=%.2f\n",
	    (unsigned long long)bytes, s, (double)bytes / s / 1e6);
}

static int
refused(int r, const struct diag *d)
{
	(void)printf("refused=%s found=\"%s\" expected=\"%s\"\n", err_id(r),
	    d->found, d->expected);
	return 1;
}

static int
hash_blocks(const struct blkdev *dev, uint64_t bytes, char hex[65],
    struct diag *d)
{
	_cleanup_free_ uint8_t *buf = malloc(CHUNK);
	const uint64_t blocks = bytes / dev->block_size;
	uint32_t most = CHUNK / dev->block_size, n;
	struct hasher *h = NULL;
	uint8_t digest[32];
	uint64_t lba;
	int r;

	if (buf == NULL)
		return diag_nomem(d);
	r = hasher_new(HASH_SHA256, &h);
	for (lba = 0; r == 0 && lba < blocks; lba += n) {
		n = blocks - lba > most ? most : (uint32_t)(blocks - lba);
		r = dev->read_block(dev->arg, lba, n, buf, d);
		if (r == 0)
			r = hasher_update(h, buf, (size_t)n * dev->block_size);
	}
	if (r == 0)
		r = hasher_final(h, digest, 32);
	hasher_free(&h);
	if (r == 0)
		hex_encode(digest, 32, hex);
	return r;
}

/* The device is descriptor 4, as in the programs. */
static int
blocks(const char *pipes, uint64_t most)
{
	static struct medium m;
	char *argv[] = { NULL, (char *)(uintptr_t)pipes, NULL };
	const double start = now();
	struct diag d = { 0 };
	char hex[65];
	uint64_t bytes = 0;
	int r;

	r = medium_init(&m, pipes == NULL ? 1 : 2, argv, &d);
	if (r == 0)
		r = medium_open(&m, &d);
	if (r == 0) {
		bytes = m.dev.blocks * m.dev.block_size;
		if (most != 0 && bytes > most)
			bytes = most;
		r = hash_blocks(&m.dev, bytes, hex, &d);
	}
	if (r == 0) {
		(void)printf("model=\"%s\" blocks=%llu block_size=%u "
			     "sha256=%s ",
		    m.bot.model, (unsigned long long)m.dev.blocks,
		    m.dev.block_size, hex);
		say_pace(bytes, start);
	}
	medium_done(&m);
	return r == 0 ? 0 : refused(r, &d);
}

static int
run_intake(struct media_child *c)
{
	const double start = now();
	struct media_taken t;
	struct diag d = { 0 };
	int r = media_take(c, &t, &d), status = media_end(c);

	if (r != 0)
		return d.code == 0 ? 3 : refused(r, &d);
	(void)printf("type=%s docs=%u artifacts=%u sha256=%s progress=%u "
		     "status=%d ",
	    t.type, t.docs, t.artifacts, t.sha256, t.progress, status);
	say_pace(t.bytes, start);
	return status == 0 ? 0 : 3;
}

static int
run_export(struct media_child *c)
{
	static uint8_t record[8 * MIB];
	const double start = now();
	struct media_target g;
	struct diag d = { 0 };
	struct media_put p = { 0 };
	int r, status;

	r = media_offer(c, record, sizeof(record), &g, &d);
	if (r == 0) {
		(void)printf("model=\"%s\" seems=\"%s\" ask=%d bytes=%llu\n",
		    g.model, g.seems, g.must_ask, (unsigned long long)g.bytes);
		r = media_go(c, &p, &d);
	}
	status = media_end(c);
	if (r != 0)
		return d.code == 0 ? 3 : refused(r, &d);
	(void)printf("sha256=%s writing=%u comparing=%u status=%d ", p.sha256,
	    p.written, p.compared, status);
	say_pace(2 * p.size, start);
	return status == 0 ? 0 : 3;
}

static int
run_program(const char *what, int fd, const char *pipes)
{
	const char *bin = getenv("CS_BIN");
	struct media_child c;
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/coldseal-%s",
	    bin != NULL ? bin : "/usr/local/libexec/coldseal", what);
	if (media_start(&c, path, fd, pipes, environ) != 0) {
		perror(path);
		return 3;
	}
	return strcmp(what, "intake") == 0 ? run_intake(&c) : run_export(&c);
}

int
main(int argc, char **argv)
{
	const bool usb = argc > 3 && strncmp(argv[3], "usb=", 4) == 0;
	const char *pipes = usb ? argv[3] : NULL;
	const char *what = argc > 2 ? argv[1] : "";
	const int next = usb ? 4 : 3;
	_cleanup_fd_ int fd = -1;
	int flags = O_RDWR | O_CLOEXEC;

	if (strcmp(what, "blocks") != 0 && strcmp(what, "intake") != 0 &&
	    strcmp(what, "export") != 0) {
		(void)fprintf(stderr,
		    "usage: mediarun blocks|intake|export DEVICE "
		    "[usb=IFACE,IN,OUT] [MIB]\n");
		return 2;
	}
	/* an image need not be writable to be read */
	if (!usb && strcmp(what, "export") != 0)
		flags = O_RDONLY | O_CLOEXEC;
	fd = open(argv[2], flags);
	if (fd < 0) {
		perror(argv[2]);
		return 3;
	}
	if (strcmp(what, "blocks") != 0)
		return run_program(what, fd, pipes);
	if (fd != MEDIUM_FD && dup2(fd, MEDIUM_FD) != MEDIUM_FD)
		return 3;
	return blocks(pipes,
	    argc > next ? strtoull(argv[next], NULL, 10) * MIB : 0);
}
