/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_MEDIA_H
#define CS_MEDIA_H

#include "host-tools/blockdev.h"
#include "host-tools/progress.h"
#include "usb-transfer/bundle.h"
#include "usb-transfer/media_host.h"
#include "usb-transfer/media_seen.h"

/* What the commands of media share. */

/* A media_progress function whose argument is a struct progress. */
int media_show_progress(void *arg, uint64_t done, uint64_t total);
/* 1 if path is a block device; *ret_dev is then which */
int media_is_device(const char *path, dev_t *ret_dev);
/* Character devices, pipes, sockets: nothing that media can be. */
int media_refuse_other(const char *path, struct diag *d) CS_WUR;
/* The kind that --file names, in the order of the help text.  CS_E_USAGE */
int media_file_option(const char *name, enum bundle_type *ret,
    struct diag *d) CS_WUR;
#define MEDIA_FILES \
	"COLDSEAL.RSP, COLDSEAL.AUD, COLDSEAL.ATT, COLDSEAL.REQ, " \
	"COLDSEAL.APR or COLDSEAL.RCP"

/* How a person says that a device may be erased. */
struct media_consent {
	const char *confirm;	/* --confirm, or NULL */
	bool quiet;		/* nothing on stdout, nobody is asked */
	const char *sys, *proc;	/* "/sys", "/proc" */
};
/*
 * Shows what the device is and holds, has it confirmed, and writes over it.
 * CS_E_HOST_BLOCK, CS_E_HOST_BUSY, CS_E_HOST_CONFIRM, CS_E_MEDIA_*
 */
int media_write_device(const char *path, const struct media_job *job,
    const struct media_consent *how, struct blockdev *ret, struct diag *d)
    CS_WUR;
/* A whole disk, to be written to, large enough. */
int media_check_device(const struct blockdev *b, const struct media_job *job,
    struct diag *d) CS_WUR;
/* --confirm, or the name typed on a terminal: CS_E_HOST_CONFIRM */
int media_confirm(const struct blockdev *b, const struct media_consent *how,
    struct diag *d) CS_WUR;
void media_show_device(const struct blockdev *b, const struct media_seen *s);

#endif
