/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TEST_ATTEST_RIG_H
#define CS_TEST_ATTEST_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/swtpm.h"
#include "tpm/attest_private.h"

/*
 * A swtpm that has measured three events and seen two checkpoints, what the
 * connected side knows of it, and its answer to a challenge, which passes
 * every check.
 */
#define INDEX	0x01500013u
#define MASK	(1u << 7 | 1u << 11 | 1u << 12)
#define VERSION	7u
#define NOTE1	"test.example/log\n1\nAAAA\n\n- sig one\n"
#define NOTE2	"test.example/log\n2\nBBBB\n\n- sig two\n"

extern const uint8_t attest_challenge[32];

struct attest_rig {
	struct swtpm sw;
	struct tpm *t;
	struct buf log;
	struct attest_pinned pinned;
	struct attest_golden golden;
	uint8_t chain[32];
	struct attest_answer answer;
	struct attest_expected x;
};

int attest_setup(void **state);
int attest_teardown(void **state);
/* fails the test with what was found */
void attest_must(int r, const struct diag *d);

void attest_define_index(struct tpm *t, uint32_t index, uint16_t size,
    uint32_t type);
/* An index with these bytes, as a manufacturer leaves a certificate */
void attest_write_index(struct tpm *t, uint32_t index, const uint8_t *p,
    size_t len);

/* code is among the failed checks of the answer; 0: none failed */
void attest_fails(struct attest_rig *f, int code);
/* the only failed check */
void attest_fails_only(struct attest_rig *f, int code);

#endif
