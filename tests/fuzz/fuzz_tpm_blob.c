/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "tpm/tpm_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The first byte says how the rest is meant: 'r', a sealed file; else triples
 * (place / 128, place % 128, value) that change bytes of a good one.
 */
static void
good(struct buf *out)
{
	static const uint8_t policy[CS_SHA256_LEN] = { 7 };
	struct tpm_blob b = { .label = "domain x", .mask = 0x80 };

	b.primary[1] = 0x0b;
	tpm_sealed_template(policy, &b.pub);
	b.pub.publicArea.unique.keyedHash.size = CS_SHA256_LEN;
	b.priv.size = 200;
	if (tpm_blob_encode(&b, out) != 0)
		abort();
}

static void
decode(const uint8_t *p, size_t n)
{
	struct buf again = BUF_INIT(TPM_BLOB_MAX);
	struct tpm_blob b;

	if (tpm_blob_decode(p, n, &b, NULL) == 0) {
		/* there is one form only, and its label and PCRs are fit */
		if (tpm_blob_encode(&b, &again) != 0 || again.len != n ||
		    memcmp(again.p, p, n) != 0 || !tpm_label_ok(b.label) ||
		    !tpm_mask_ok(b.mask))
			abort();
	}
	buf_done(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b = BUF_INIT(TPM_BLOB_MAX);
	size_t i, at;

	if (size == 0)
		return 0;
	if (data[0] == 'r') {
		decode(data + 1, size - 1);
		return 0;
	}
	good(&b);
	for (i = 1; i + 2 < size; i += 3) {
		at = (size_t)data[i] * 128 + data[i + 1] % 128;
		b.p[at % b.len] = data[i + 2];
	}
	decode(b.p, b.len);
	buf_done(&b);
	return 0;
}
