/* SPDX-License-Identifier: Apache-2.0 */
#include "usb-transfer/medium.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "usb-transfer/fat_private.h"
#include "usb-transfer/fatvol.h"

#define LOOK_BYTES (68u << 10) /* reaches btrfs, the last of them */
#define USB_MAJOR  189	       /* Linux, admin-guide/devices.txt */
#define BACKUP	   6u /* sector of a FAT32 volume's second boot sector */

static const int source = MEDIUM_FD;

int
medium_init(struct medium *m, int argc, char **argv, struct diag *d)
{
	int r;

	memset(m, 0, sizeof(*m));
	if (argc == 1)
		return 0;
	r = usb_pipes_parse(argv[1], &m->pipes, d);
	return r == 0 ? bot_usb_new(&m->usb, d) : r;
}

int
medium_open(struct medium *m, struct diag *d)
{
	struct stat st;
	int r;

	if (m->usb == NULL)
		return blk_open_fd(&source, &m->dev, d);
	if (fstat(MEDIUM_FD, &st) != 0 || !S_ISCHR(st.st_mode) ||
	    major(st.st_rdev) != USB_MAJOR)
		return diag_fail(d, CS_E_STICK_ARGUMENT, "a USB device",
		    "another descriptor");
	r = bot_usb_claim(m->usb, MEDIUM_FD, &m->pipes, d);
	if (r == 0)
		r = bot_open(&m->bot, &bot_usb_ops, m->usb, m->pipes.iface, d);
	if (r == 0)
		bot_blkdev(&m->bot, &m->dev);
	return r;
}

int
medium_open_out(struct medium *m, struct diag *d)
{
	return m->usb == NULL ? blkout_open_fd(&source, &m->out, d) :
				bot_blkout(&m->bot, &m->out, d);
}

void
medium_done(struct medium *m)
{
	bot_usb_free(&m->usb);
}

static bool
is_zero(const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n && p[i] == 0; i++)
		;
	return i == n;
}

/* What fat_probe() would refuse, in a few words; NULL: it could not read. */
static const char *
refused_word(const struct diag *why)
{
	switch (why->code) {
	case CS_E_MEDIA_EXFAT:
	case CS_E_MEDIA_NTFS:
	case CS_E_MEDIA_ENCRYPTED:
	case CS_E_MEDIA_FOREIGN:
		return why->found;
	case CS_E_MEDIA_GPT:
		return "a GPT partition table";
	case CS_E_MEDIA_PARTITIONS:
		return "an MBR partition table";
	case CS_E_MEDIA_GEOMETRY:
		return "a partition that is not FAT";
	case CS_E_MEDIA_EMPTY:
		return "bytes of no known kind";
	default:
		return NULL;
	}
}

static int
look_other(const struct blkdev *dev, struct medium_look *l, struct diag *d)
{
	struct diag why = { 0 };
	uint64_t start = 0, bytes;
	const char *word;
	int r;

	r = fat_probe(dev, &start, &bytes, &why);
	word = r != 0  ? refused_word(&why) :
	    start == 0 ? "a FAT volume" :
			 "one FAT partition";
	if (word == NULL) {
		*d = why;
		return r;
	}
	if (why.code == CS_E_MEDIA_PARTITIONS)
		(void)snprintf(l->seems, sizeof(l->seems), "%s (%.50s)", word,
		    why.found);
	else
		(void)snprintf(l->seems, sizeof(l->seems), "%.79s", word);
	l->holds = MEDIUM_OTHER;
	return 0;
}

static int
look_at(const struct blkdev *dev, struct medium_look *l, struct diag *d)
{
	_cleanup_free_ uint8_t *p = calloc(1, LOOK_BYTES);
	uint64_t n = LOOK_BYTES / dev->block_size;
	const uint8_t *second;
	const char *what;
	int r = 0;

	if (p == NULL)
		return diag_nomem(d);
	if (n > dev->blocks)
		n = dev->blocks;
	if (n > 0)
		r = dev->read_block(dev->arg, 0, (uint32_t)n, p, d);
	if (r != 0)
		return r;
	second = p + BACKUP * BLK_SIZE;
	if (is_zero(p, LOOK_BYTES))
		what = "nothing";
	else if (fatvol_is_ours(p))
		what = "an earlier export";
	else if (is_zero(p, BLK_SIZE) && fatvol_is_ours(second))
		what = "an export that was cut short";
	else
		return look_other(dev, l, d);
	l->holds = is_zero(p, LOOK_BYTES) ? MEDIUM_BLANK : MEDIUM_OURS;
	(void)snprintf(l->seems, sizeof(l->seems), "%s", what);
	return 0;
}

int
medium_look(const struct medium *m, struct medium_look *ret, struct diag *d)
{
	struct medium_look l = { .device = true };
	struct stat st;
	int r;

	if (fstat(MEDIUM_FD, &st) != 0)
		return diag_errno(d, CS_E_MEDIA_IO, "medium");
	if (m->usb == NULL && S_ISREG(st.st_mode))
		l.device = false;
	(void)snprintf(l.model, sizeof(l.model), "%s",
	    m->usb != NULL ? m->bot.model :
		l.device   ? "a block device" :
			     "an image file");
	l.bytes = m->dev.blocks * m->dev.block_size;
	r = look_at(&m->dev, &l, d);
	if (r == 0)
		*ret = l;
	return r;
}
