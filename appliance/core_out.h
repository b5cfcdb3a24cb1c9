/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_CORE_OUT_H
#define CS_CORE_OUT_H

#include "appliance/core.h"
#include "lib/json.h"

/*
 * Files for the OUT medium, handed to the export helper in the order of
 * PROTOCOL.bundle:
 *
 *	init, open -> (file -> (add* flush | state_file)*)* -> commit -> done
 */
#define OUT_NAME_LEN 101

struct out_member {
	char name[OUT_NAME_LEN];
	uint64_t off, len;
};
struct out {
	struct core *c;
	bool link; /* not to the OUT medium */
	int sock;
	/* small members travel together in one sealed memfd */
	struct buf bytes;
	struct out_member *v;
	size_t n, cap;
};
void out_init(struct core *c, struct out *o);
int out_open(struct out *o, struct diag *d) CS_WUR;
void out_done(struct out *o);
#define _cleanup_out_ _cleanup_(out_done)

/* 8.3 name, type of bundle */
int out_file(struct out *o, const char *name, const char *type) CS_WUR;
/* Keeps a member for out_flush(); needs no helper yet */
int out_add(struct out *o, const char *name, const void *data, size_t len)
    CS_WUR;
int out_flush(struct out *o, struct diag *d) CS_WUR;
/* A file of the state folder as one member */
int out_state_file(struct out *o, int dirfd, const char *path,
    const char *name, struct diag *d) CS_WUR;
/* r, or the helper's own reason if it died while it was being fed */
int out_reason(struct out *o, int r, struct diag *d) CS_WUR;
/*
 * Writes, reads back, and says each file with its digest; *ret_files is a
 * list for the log, json_decref() it.
 */
int out_commit(struct out *o, json_t **ret_files, struct diag *d) CS_WUR;

/*
 * The audit bundle (core_audit.c), of the leaves from a number on; 0: of all.
 * answer is what the TPM says.
 */
int audit_pack(struct out *o, uint64_t from, const char *answer, size_t len,
    struct diag *d) CS_WUR;

#endif
