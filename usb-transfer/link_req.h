/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_LINK_REQ_H
#define CS_LINK_REQ_H

#include "lib/buf.h"

/*
 * What stands in the cells of a request and of its answer, PROTOCOL.link.
 * Readers refuse what is not in its one form: CS_E_LINK_REQUEST.
 */
#define LINK_PART_MAX	(4u << 20)	/* bytes of a bundle in one request */
#define LINK_FILES_MAX	4u
#define LINK_NAME_MAX	12u		/* 8.3 */
#define LINK_TEXT_MAX	200u
#define LINK_BODY_MAX	4000u

enum link_intake {
	LINK_NOT_ASKED,		/* nobody at the appliance waits for a bundle */
	LINK_ASKED,		/* somebody does */
	LINK_TAKING,		/* a part of one is there */
	LINK_JUDGING,		/* no more of it is wanted; the core decides */
	LINK_TAKEN,		/* the last one was taken in: text */
	LINK_REFUSED,		/* the last one was refused: check */
	LINK_INTAKE_COUNT
};

enum link_out {
	LINK_OUT_NONE,
	LINK_OUT_PREPARING,	/* they are being hashed */
	LINK_OUT_READY,
	LINK_OUT_COUNT
};

struct link_bundle {	/* that a host wants to send */
	uint8_t type;		/* enum bundle_type */
	uint64_t size;
	uint8_t sha256[CS_SHA256_LEN];
};

struct link_have {	/* answer to PUT and PART */
	uint8_t intake;		/* enum link_intake */
	uint64_t have;		/* bytes of the bundle */
	uint32_t room;		/* for bytes of the next PART; 0: ask again */
};

struct link_part {	/* PART and GET */
	char name[LINK_NAME_MAX + 1];	/* GET */
	uint64_t offset;
	uint32_t len;		/* 1 to LINK_PART_MAX */
};

struct link_file {	/* in STATUS; and END: I have all of it, durably */
	char name[LINK_NAME_MAX + 1];
	uint64_t size;
	uint8_t sha256[CS_SHA256_LEN];
};

struct link_status {
	char appliance[LINK_TEXT_MAX + 1];
	uint8_t intake;
	struct link_bundle bundle;	/* of TAKING and later; size 0: none */
	uint64_t have;
	struct diag why;		/* of REFUSED; code 0: none */
	char text[LINK_TEXT_MAX + 1];	/* of TAKEN */
	uint8_t out;			/* enum link_out */
	size_t nfiles;
	struct link_file files[LINK_FILES_MAX];
};

int link_bundle_put(struct buf *b, const struct link_bundle *v) CS_WUR;
int link_bundle_get(struct rd *r, struct link_bundle *ret, struct diag *d)
    CS_WUR;
int link_have_put(struct buf *b, const struct link_have *v) CS_WUR;
int link_have_get(struct rd *r, struct link_have *ret, struct diag *d) CS_WUR;
/* PART: without the name; GET: with it */
int link_part_put(struct buf *b, const struct link_part *v, bool named) CS_WUR;
int link_part_get(struct rd *r, struct link_part *ret, bool named,
    struct diag *d) CS_WUR;
int link_file_put(struct buf *b, const struct link_file *v) CS_WUR;
int link_file_get(struct rd *r, struct link_file *ret, struct diag *d) CS_WUR;
int link_status_put(struct buf *b, const struct link_status *v) CS_WUR;
int link_status_get(struct rd *r, struct link_status *ret, struct diag *d)
    CS_WUR;

#endif
