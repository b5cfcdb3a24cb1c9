/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "tpm/tpm_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The first byte says how the rest is meant: 'r', a sealed file; else triples
 * (place / 128, place % 128, value) that change bytes of a good one.
 */
static const uint8_t spki[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86,
	0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
	0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
	/* the generator of P-256 (SEC 2, 2.4.2), as good a key as any */
	0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5,
	0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0,
	0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2,
	0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
	0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68,
	0x37, 0xbf, 0x51, 0xf5 };

static void
good(struct buf *out)
{
	_cleanup_tpm_blob_ struct tpm_blob b = { .label = "domain x",
		.domain = "x",
		.generation = 3 };
	uint8_t policy[CS_SHA256_LEN];

	b.primary[1] = 0x0b;
	if (pubkey_from_spki(spki, sizeof(spki), &b.image_key, NULL) != 0 ||
	    quorum_add(&b.quorum, "alice", spki, sizeof(spki), NULL) != 0)
		abort();
	b.quorum.threshold = 1;
	if (tpm_blob_policy(&b, policy, NULL) != 0)
		abort();
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
	_cleanup_tpm_blob_ struct tpm_blob b = { 0 };

	if (tpm_blob_decode(p, n, &b, NULL) == 0) {
		/* there is one form only, and its label is fit */
		if (tpm_blob_encode(&b, &again) != 0 || again.len != n ||
		    memcmp(again.p, p, n) != 0 || !tpm_label_ok(b.label))
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
