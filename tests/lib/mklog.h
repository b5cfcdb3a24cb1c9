/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_MKLOG_H
#define CS_MKLOG_H

#include "lib/buf.h"
#include "lib/note.h"
#include "lib/tiles.h"

/*
 * A log that tests make without an appliance: real tiles, real notes, keys
 * that follow from the origin.  Every function ends the process with a
 * message if it fails.
 */
struct mklog {
	char dir[64];		/* temporary folder, removed by mklog_done() */
	int dirfd;
	struct tlog *log;
	struct note_vkeys keys;
	bool two;		/* sign with the second key, ECDSA, too */
	uint8_t seed[32];	/* RFC 8032 private key; also the other's */
	char *note;		/* of the newest mklog_sign() */
	size_t note_len;
	uint64_t from;		/* an incremental bundle begins there */
};

void mklog_init(struct mklog *l, const char *origin);
void mklog_done(struct mklog *l);
/* One durable batch. */
void mklog_append(struct mklog *l, const struct tlog_leaf *leaves, size_t n);
/* Checkpoint over all leaves so far; wrong_root: with another root. */
void mklog_sign(struct mklog *l, bool wrong_root);
/* Any checkpoint of this origin. */
void mklog_sign_as(struct mklog *l, const struct checkpoint *c);
/* Whether a bundle that begins at leaf from has this tile. */
bool mklog_has(const struct tile_id *t, uint64_t from);
/* An audit bundle of the newest checkpoint; policy: a file, or NULL. */
void mklog_bundle(struct mklog *l, const char *policy, const char *out);
void mklog_die(const char *what, int r, const struct diag *d)
    __attribute__((noreturn));

#endif
