/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A TPM that is busy says so and has done nothing (TPM 2.0 Library Part 2,
 * 6.6.3: TPM_RC_RETRY, YIELDED, TESTING, NV_RATE, NV_UNAVAILABLE).  ESAPI asks
 * again five times at once, which is over before any TPM has tested itself.
 * So between ESAPI and the real TCTI the very same bytes are sent again, with
 * growing pauses, for a limited time:
 *
 *	idle -> transmit: kept and sent -> asked
 *	asked -> receive: busy, time left: pause, sent again -> asked
 *	                  any other answer, or no time left -> answered
 *	answered -> receive: given to ESAPI -> idle
 *
 * A TPM that was busy to the end is not waited for again before it has done
 * something, so that what flushes after an error does not wait as long.
 */

#include <openssl/crypto.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "tpm/tpm_private.h"

#define MAGIC	    UINT64_C(0x636f6c6462757379)
#define LIMIT_MS    10000
#define PAUSE_MS    5
#define PAUSE_MAX   200
#define HEADER_LEN  10u
#define CODE_OFFSET 6u

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool
tpm_rc_busy(TSS2_RC rc)
{
	switch (tpm_rc_base(rc)) {
	case TPM2_RC_RETRY:
	case TPM2_RC_YIELDED:
	case TPM2_RC_TESTING:
	case TPM2_RC_NV_RATE:
	case TPM2_RC_NV_UNAVAILABLE:
		return true;
	default:
		return false;
	}
}

/* ESAPI gets a struct whose first member is what it looks at. */
static struct tpm_busy *
busy_of(TSS2_TCTI_CONTEXT *c)
{
	return (struct tpm_busy *)(void *)c;
}

static TSS2_RC
transmit(TSS2_TCTI_CONTEXT *c, size_t len, const uint8_t *cmd)
{
	struct tpm_busy *b = busy_of(c);

	if (len > sizeof(b->cmd))
		return TSS2_TCTI_RC_BAD_VALUE;
	memcpy(b->cmd, cmd, len);
	b->cmd_len = len;
	b->answer_len = 0;
	b->pause_ms = PAUSE_MS;
	b->until_ms = b->tired ? 0 : now_ms() + b->limit_ms;
	return Tss2_Tcti_Transmit(b->real, len, cmd);
}

/* The answer says busy, and only that. */
static bool
says_busy(const struct tpm_busy *b)
{
	const uint8_t *p = b->answer + CODE_OFFSET;

	return b->answer_len == HEADER_LEN &&
	    tpm_rc_busy((TSS2_RC)p[0] << 24 | (TSS2_RC)p[1] << 16 |
		(TSS2_RC)p[2] << 8 | p[3]);
}

static TSS2_RC
ask(struct tpm_busy *b, int32_t timeout)
{
	TSS2_RC rc;
	size_t len;

	for (;;) {
		len = sizeof(b->answer);
		rc = Tss2_Tcti_Receive(b->real, &len, b->answer, timeout);
		if (rc != TSS2_RC_SUCCESS)
			return rc;
		b->answer_len = len;
		if (!says_busy(b) || now_ms() >= b->until_ms)
			break;
		(void)poll(NULL, 0, b->pause_ms);
		if (b->pause_ms < PAUSE_MAX)
			b->pause_ms *= 2;
		b->answer_len = 0;
		rc = Tss2_Tcti_Transmit(b->real, b->cmd_len, b->cmd);
		if (rc != TSS2_RC_SUCCESS)
			return rc;
	}
	b->tired = says_busy(b);
	/* an owner's authorisation may have been in it */
	OPENSSL_cleanse(b->cmd, sizeof(b->cmd));
	return TSS2_RC_SUCCESS;
}

static TSS2_RC
receive(TSS2_TCTI_CONTEXT *c, size_t *len, uint8_t *buf, int32_t timeout)
{
	struct tpm_busy *b = busy_of(c);
	size_t room = *len;
	TSS2_RC rc;

	if (b->answer_len == 0) {
		rc = ask(b, timeout);
		if (rc != TSS2_RC_SUCCESS)
			return rc;
	}
	*len = b->answer_len;
	if (buf == NULL)
		return TSS2_RC_SUCCESS;
	if (room < b->answer_len)
		return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
	memcpy(buf, b->answer, b->answer_len);
	b->answer_len = 0;
	return TSS2_RC_SUCCESS;
}

TSS2_TCTI_CONTEXT *
tpm_busy_init(struct tpm_busy *b, TSS2_TCTI_CONTEXT *real)
{
	*b = (struct tpm_busy){ .real = real, .limit_ms = LIMIT_MS };
	b->v1.magic = MAGIC;
	b->v1.version = 1;
	b->v1.transmit = transmit;
	b->v1.receive = receive;
	return (TSS2_TCTI_CONTEXT *)(void *)b;
}
