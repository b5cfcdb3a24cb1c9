/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_ATTEST_INPUTS_H
#define CS_ATTEST_INPUTS_H

#include <jansson.h>

#include "host-tools/logsource.h"
#include "tpm/attest_verify.h"

/* What the verbs of "coldseal attest" read, and "coldseal audit" with --ak. */

/* tss2-mu logs to standard error by itself, what we say there better */
void attest_quiet(void);

/*
 * 32 bytes as 64 lower-case digits: arg itself, or else the one line of the
 * file of that name.  CS_E_HEX
 */
int attest_hex_arg(const char *arg, uint8_t ret[CS_SHA256_LEN],
    struct diag *d) CS_WUR;

/*
 * A folder with every checkpoint of a log, each in a file named by its size
 * in decimal: checkpoints/ of the log's folder.  Replays the anchor over all
 * of them in order; *ret_last is the newest one, free() it.
 * CS_E_ATTEST_CHAIN_FILES
 */
int attest_chain_read(const char *dir, uint8_t ret[CS_SHA256_LEN],
    char **ret_last, size_t *ret_n, struct diag *d) CS_WUR;

int attest_pinned_load(const char *path, struct attest_pinned *ret,
    struct diag *d) CS_WUR;
/*
 * A manifest, or the image policy that the image release key signed: the one
 * with a type.  The key in it is not compared with anything.
 */
int attest_golden_load(const char *path, struct attest_golden *ret,
    struct diag *d) CS_WUR;
/*
 * The answer itself, a bundle of type "attest" with it, or a text with the
 * codes that were scanned from the appliance's screen (lib/qrframe.h)
 */
int attest_answer_load(const char *path, struct attest_answer *ret,
    struct diag *d) CS_WUR;

/*
 * What the TPM said in an audit bundle, over its own checkpoint
 * (audit_attest.c).  ak and golden are files; both NULL: nothing is done.
 */
struct audit_attest {
	bool done;
	struct attest_pinned pinned;
	struct attest_answer answer;
	struct checks checks;
};
void audit_attest_done(struct audit_attest *x);
#define _cleanup_audit_attest_ _cleanup_(audit_attest_done)
int audit_attest_load(const char *ak, const char *golden,
    const struct logsource *s, struct audit_attest *ret, struct diag *d)
    CS_WUR;
/* For people, the checks; for machines, null if nothing was done */
void audit_attest_show(const struct audit_attest *x);
json_t *audit_attest_json(const struct audit_attest *x);
/* CS_E_ATTEST_CHECKS */
int audit_attest_verdict(const struct audit_attest *x, struct diag *d) CS_WUR;

#endif
