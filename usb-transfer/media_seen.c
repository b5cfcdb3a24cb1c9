/* SPDX-License-Identifier: Apache-2.0 */
#include "usb-transfer/media_seen.h"

#include <stdio.h>
#include <string.h>

#include "usb-transfer/fat_private.h"

#define MBR_TABLE 446

/* Labels are padded with spaces, and may hold any byte. */
static void
label_text(const char label[12], char out[12])
{
	size_t n = strlen(label), i;

	while (n > 0 && label[n - 1] == ' ')
		n--;
	for (i = 0; i < n; i++)
		out[i] = label[i] >= 0x20 && label[i] < 0x7f ? label[i] : '?';
	out[n] = '\0';
}

static void
see_volume(const struct blkdev *dev, struct media_seen *seen)
{
	_cleanup_fat_ struct fat *fat = NULL;
	struct diag d = { 0 };
	struct fat_info info;
	char label[12];
	int r;

	r = fat_open(dev, &fat, &d);
	if (r == 0)
		r = fat_describe(fat, &info, &d);
	if (r != 0) {
		(void)snprintf(seen->holds, sizeof(seen->holds), "%s", d.found);
		return;
	}
	label_text(info.label, label);
	(void)snprintf(seen->holds, sizeof(seen->holds),
	    "%s volume%s%s of %llu bytes, entries in its root folder: %zu%s",
	    info.is32 ? "FAT32" : "FAT16", *label != '\0' ? " " : "", label,
	    (unsigned long long)info.bytes, info.entries,
	    info.dirty ? ", not unmounted cleanly" : "");
}

static void
see_table(const struct blkdev *dev, struct media_seen *seen)
{
	uint8_t b[4096];
	size_t used = 0, i;
	bool fat;
	int n = 0;

	(void)snprintf(seen->table, sizeof(seen->table), "none");
	if (dev->blocks == 0 || dev->block_size > sizeof(b) ||
	    dev->read_block(dev->arg, 0, 1, b, NULL) != 0 || b[510] != 0x55 ||
	    b[511] != 0xaa || fat_boot_sector(b))
		return;
	for (i = 0; i < 4; i++) {
		const uint8_t *e = b + MBR_TABLE + 16 * i;

		if (e[4] == 0)
			continue;
		n = snprintf(seen->table + used, sizeof(seen->table) - used,
		    "%s%s, %llu bytes", used == 0 ? "MBR: " : "; ",
		    fat_type_name(e[4], &fat),
		    (unsigned long long)le32(e + 12) * dev->block_size);
		if (n < 0 || (size_t)n >= sizeof(seen->table) - used)
			return;
		used += (size_t)n;
	}
}

void
media_look(const struct blkdev *dev, struct media_seen *ret)
{
	memset(ret, 0, sizeof(*ret));
	see_table(dev, ret);
	see_volume(dev, ret);
}
