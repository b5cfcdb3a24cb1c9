/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/hex.h"
#include "lib/token_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAW_MAX (TOKEN_LOG_MAX * TOKEN_LOG_ENTRY_LEN + 1u)

/* Hexadecimal, whatever else stands between it; the first entry is the pin. */
static size_t
unhex(const uint8_t *data, size_t size, uint8_t raw[RAW_MAX])
{
	char pair[3] = "";
	size_t i, k = 0, n = 0;

	for (i = 0; i < size && n < RAW_MAX; i++) {
		if (strchr("0123456789abcdef", data[i]) == NULL || data[i] == 0)
			continue;
		pair[k++] = (char)data[i];
		if (k < 2)
			continue;
		k = 0;
		if (hex_decode(pair, &raw[n++], 1) != 0)
			abort();
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct token_log_asked asked = { true, 1, 1 };
	uint8_t raw[RAW_MAX], again[TOKEN_LOG_ENTRY_LEN];
	struct token_log_pin pin = { .known = false };
	struct token_log log = { .n = 0 };
	struct token_log_verdict v;
	size_t len = unhex(data, size, raw), i;

	if (token_log_decode(raw, len, log.v, &log.n, NULL) != 0)
		return 0;
	for (i = 0; i < log.n; i++) {
		token_log_encode(&log.v[i], again);
		if (memcmp(again, raw + i * sizeof(again), sizeof(again)) != 0)
			abort();
	}
	if (token_log_judge(&log, &pin, &asked, &v) != 0)
		abort();
	if (log.n == 0)
		return 0;
	/* entries that a pin covers are never judged again */
	pin.known = true;
	pin.number = log.v[log.n - 1].number;
	memcpy(pin.digest, log.v[log.n - 1].digest, sizeof(pin.digest));
	asked.uses = 0;
	if (token_log_judge(&log, &pin, &asked, &v) != 0 || v.first == 0 ||
	    (v.first == log.n && v.nchecks != 0))
		abort();
	return 0;
}
