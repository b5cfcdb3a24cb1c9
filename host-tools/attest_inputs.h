/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_ATTEST_INPUTS_H
#define CS_ATTEST_INPUTS_H

#include "tpm/attest_verify.h"

/* What the verbs of "coldseal attest" read. */

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

#endif
