/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_DSSE_H
#define CS_DSSE_H

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/key.h"

/*
 * DSSE v1 (secure-systems-lab/dsse protocol.md).  The envelope is parsed
 * once; signatures are verified over those bytes; the payload that is read
 * afterwards is those same bytes.
 */
#define DSSE_PAYLOAD_TYPE	"application/vnd.in-toto+json"
#define DSSE_MAX		(8u << 20)
#define DSSE_MAX_SIGS		32u

struct dsse_sig {
	char *keyid;		/* a hint, never trusted; "" if absent */
	uint8_t *sig;
	size_t sig_len;
};

struct dsse {
	uint8_t *payload;
	size_t payload_len;
	uint8_t digest[32];	/* SHA-256 of payload */
	struct dsse_sig *sigs;
	size_t nsigs;
};

void dsse_free(struct dsse **e);
static inline void
dsse_freep(struct dsse **e)
{
	dsse_free(e);
}
#define _cleanup_dsse_ _cleanup_(dsse_freep)

int dsse_parse(const void *json, size_t len, struct dsse **ret,
    struct diag *d) CS_WUR;
/* PAE(type, payload) into b, appended; any type, and ours */
int dsse_pae_type(const char *type, const void *payload, size_t len,
    struct buf *b) CS_WUR;
int dsse_pae(const void *payload, size_t len, struct buf *b) CS_WUR;
/*
 * Which of keys[] signed: hit[i] = true for each distinct key with at least
 * one good signature.  *ret_bad: signatures that no key made (Q2: reported).
 * Two entries by one key count once.
 */
int dsse_verify(const struct dsse *e, const struct pubkey *const *keys,
    size_t nkeys, bool *hit, size_t *ret_bad, struct diag *d) CS_WUR;
/*
 * The envelope as JSON text from parts.  keyid is the hex SHA-256 of the
 * signer's SPKI.  free(*ret)
 */
struct dsse_new_sig {
	const uint8_t *keyid;	/* 32 bytes */
	const uint8_t *sig;
	size_t sig_len;
};
int dsse_format(const void *payload, size_t len, const struct dsse_new_sig *s,
    size_t n, char **ret, size_t *ret_len) CS_WUR;

#endif
