/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_ERR_H
#define CS_ERR_H

#include "lib/defs.h"

/*
 * One list of errors.  Each has a stable check ID (never renamed, never
 * reused), the exit status of a command that ends with it, one sentence that
 * says what is wrong, and one that says what to do.  The list is spread over
 * lib/errors/<area>.def so that each area is read on one page.
 *
 * Functions return 0 or one of these negative codes; compare with != 0.
 */
enum cs_exit {
	CS_EXIT_OK = 0,		/* done */
	CS_EXIT_REFUSED = 1,	/* understood, and refused or not verified */
	CS_EXIT_USAGE = 2,	/* the command line is wrong */
	CS_EXIT_INPUT = 3,	/* the input is malformed */
	CS_EXIT_SYSTEM = 4,	/* file, device, token or TPM trouble */
	CS_EXIT_INTERNAL = 5,	/* a bug, or out of memory */
	CS_EXIT_NOT_FOUND = 6,	/* looked for, and not there */
};

enum cs_err {
	CS_ERR_MIN = -4096,
#define CS_X(code, id, exit, text, advice) code,
#include "lib/errors/all.def"
#undef CS_X
	CS_ERR_MAX
};

/*
 * What a failed check found and expected, for people and for the log.  Both
 * texts are printable ASCII and short: they are sanitised when set.  A struct
 * diag of zeros is empty; functions that take one accept NULL.
 */
struct diag {
	int code;		/* 0 or enum cs_err */
	char found[200];
	char expected[160];
};

const char *err_id(int code);		/* "MEDIA-FAT-LOOP" */
const char *err_text(int code);		/* "the file's cluster chain loops" */
const char *err_advice(int code);	/* "make the stick again with ..." */
int err_exit(int code);			/* enum cs_exit; 0 for 0 */
int err_from_id(const char *id);	/* code, or 0 if there is none such */

/*
 * Fills d (if not NULL) and returns code, so that a check reads
 *	return diag_fail(d, CS_E_X, "at most 4", "%u members", n);
 * expected may be NULL.
 */
int diag_fail(struct diag *d, int code, const char *expected,
    const char *found_fmt, ...) CS_PRINTF(4, 5);

/* The same, with ": strerror(errno)" added to what was found. */
int diag_errno(struct diag *d, int code, const char *found_fmt, ...)
    CS_PRINTF(3, 4);

/* out of memory: CS_E_NOMEM */
int diag_nomem(struct diag *d);

/*
 * One to four lines for people, each ending in \n:
 *	refused: POLICY-KEY: no such key
 *	  found: ...
 *	  expected: ...
 *	  what to do: ...
 * Truncated to size; always terminated.
 */
void diag_format(const struct diag *d, char *out, size_t size);

#endif
