/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/eventlog.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define must(x)                                    \
	do {                                       \
		if (!(x)) {                        \
			perror("eventlog.c: " #x); \
			abort();                   \
		}                                  \
	} while (0)

#define EV_NO_ACTION  3u
#define EV_EFI_ACTION 0x80000007u
#define ALG_SHA1      0x0004u
#define ALG_SHA256    0x000bu

void
eventlog_bytes(struct buf *b, const void *p, size_t len)
{
	must(buf_put(b, p, len) == 0);
}

void
eventlog_u16(struct buf *b, uint16_t v)
{
	const uint8_t le[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

	eventlog_bytes(b, le, sizeof(le));
}

void
eventlog_u32(struct buf *b, uint32_t v)
{
	eventlog_u16(b, (uint16_t)v);
	eventlog_u16(b, (uint16_t)(v >> 16));
}

void
eventlog_begin(struct buf *b)
{
	static const uint8_t zero[20];
	static const uint8_t version[4] = { 0, 2, 0, 2 };

	eventlog_u32(b, 0);
	eventlog_u32(b, EV_NO_ACTION);
	eventlog_bytes(b, zero, sizeof(zero));
	eventlog_u32(b, 16 + 4 + 4 + 4 + 2 * 4 + 1);
	eventlog_bytes(b, "Spec ID Event03", 16);
	eventlog_u32(b, 0);
	eventlog_bytes(b, version, sizeof(version));
	eventlog_u32(b, 2);
	eventlog_u16(b, ALG_SHA1);
	eventlog_u16(b, 20);
	eventlog_u16(b, ALG_SHA256);
	eventlog_u16(b, 32);
	eventlog_bytes(b, "", 1);
}

static void
add(struct buf *b, uint32_t pcr, uint32_t type, const void *data, size_t len,
    const uint8_t sha1[20], const uint8_t sha256[32])
{
	eventlog_u32(b, pcr);
	eventlog_u32(b, type);
	eventlog_u32(b, 2);
	eventlog_u16(b, ALG_SHA1);
	eventlog_bytes(b, sha1, 20);
	eventlog_u16(b, ALG_SHA256);
	eventlog_bytes(b, sha256, 32);
	eventlog_u32(b, (uint32_t)len);
	eventlog_bytes(b, data, len);
}

void
eventlog_action(struct buf *b, uint32_t pcr, const char *text)
{
	const size_t len = strlen(text);
	uint8_t sha1[20], sha256[32];

	must(EVP_Digest(text, len, sha1, NULL, EVP_sha1(), NULL) == 1);
	must(EVP_Digest(text, len, sha256, NULL, EVP_sha256(), NULL) == 1);
	add(b, pcr, EV_EFI_ACTION, text, len, sha1, sha256);
}

void
eventlog_locality(struct buf *b, uint8_t locality)
{
	static const uint8_t zero[32];
	uint8_t data[17] = "StartupLocality";

	data[16] = locality;
	add(b, 0, EV_NO_ACTION, data, sizeof(data), zero, zero);
}
