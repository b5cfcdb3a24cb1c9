/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "tests/lib/eventlog.h"
#include "tpm/attest_verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The first byte says how the rest is meant: 'r', an event log; else triples
 * (place / 256, place % 256, value) that change bytes of a good one, after
 * which the log is cut at the first byte times four.
 */
static void
good(struct buf *b)
{
	eventlog_begin(b);
	eventlog_locality(b, 3);
	eventlog_action(b, 0, "crtm");
	eventlog_action(b, 7, "secure boot");
	eventlog_action(b, 11, "kernel");
}

static void
check(const uint8_t *p, size_t n)
{
	struct attest_pcrs a, b;
	struct diag d = { 0 };
	size_t events, again;
	int r = attest_log_replay(p, n, &a, &events, &d);

	if (r != 0) {
		if (d.code != r)
			abort();
		return;
	}
	/* each event takes some bytes; it is the same the second time */
	if (events > n / 16 || a.mask != 0xffffff ||
	    attest_log_replay(p, n, &b, &again, NULL) != 0 || again != events ||
	    memcmp(&a, &b, sizeof(a)) != 0 ||
	    attest_log_check(&a, &b, NULL) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b = BUF_INIT(4096);
	struct attest_pcrs pcrs;
	size_t i;

	if (size == 0)
		return 0;
	if (data[0] == 'r') {
		check(data + 1, size - 1);
		return 0;
	}
	good(&b);
	for (i = 1; i + 2 < size; i += 3)
		b.p[(data[i] * 256u + data[i + 1]) % b.len] = data[i + 2];
	if (data[0] != 'c' && data[0] * 4u < b.len)
		b.len = data[0] * 4u;
	if (size == 1 && data[0] == 'c' &&
	    attest_log_replay(b.p, b.len, &pcrs, &i, NULL) != 0)
		abort(); /* the good one */
	check(b.p, b.len);
	buf_done(&b);
	return 0;
}
