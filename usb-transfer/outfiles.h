/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_OUTFILES_H
#define CS_OUTFILES_H

#include "lib/ipc.h"
#include "usb-transfer/bundle.h"

/*
 * The files that the core hands out (lib/proto.h: FILE, PACK, MEMBER), for
 * the program that carries them: to a medium, or over the link.
 */
#define OUTFILES_MAX	4u

struct outfile {
	char name[13];
	struct bundle_writer *w;
};

struct outfiles {
	struct outfile v[OUTFILES_MAX];
	size_t n;
	int pack;	/* -1: none */
};

#define OUTFILES_INIT	{ .pack = -1 }

void outfiles_done(struct outfiles *o);	/* may be used again */

/* An EXPORT_FILE, _PACK or _MEMBER; any other type is CS_E_IPC. */
int outfiles_message(struct outfiles *o, struct ipc_msg *m, struct diag *d)
    CS_WUR;
/* After the last one; CS_E_IPC if there is none */
int outfiles_finish(struct outfiles *o, struct diag *d) CS_WUR;

/* body of EXPORT_DONE; sha256: of each file */
int outfiles_put_done(const struct outfiles *o,
    const uint8_t (*sha256)[CS_SHA256_LEN], struct buf *b) CS_WUR;

#endif
