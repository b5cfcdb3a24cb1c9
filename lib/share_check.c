/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/sha.h"
#include "lib/share.h"

int
share_check_head(const struct share_manifest *m, const struct share *s,
    struct diag *d)
{
	const struct share_head *want = &m->head, *h = &s->head;

	if (memcmp(h->set, want->set, SHARE_SET_LEN) != 0)
		return diag_fail(d, CS_E_RECOVER_SET, "the set of the list",
		    "another one");
	if (strcmp(h->domain, want->domain) != 0)
		return diag_fail(d, CS_E_RECOVER_DOMAIN, want->domain, "%s",
		    h->domain);
	if (strcmp(h->origin, want->origin) != 0)
		return diag_fail(d, CS_E_RECOVER_ORIGIN, want->origin, "%s",
		    h->origin);
	if (h->threshold != want->threshold || h->count != want->count ||
	    memcmp(h->check, want->check, CS_SHA256_LEN) != 0)
		return diag_fail(d, CS_E_RECOVER_TERMS,
		    "numbers and check value of the list", "%u of %u",
		    h->threshold, h->count);
	if (s->index < 1 || s->index > want->count)
		return diag_fail(d, CS_E_RECOVER_INDEX,
		    "1 to the number of shares", "%u of %u", s->index,
		    want->count);
	return 0;
}

int
share_check_digest(const struct share_manifest *m, const struct share *s,
    struct secret *record, struct diag *d)
{
	const struct share_entry *e = &m->entry[s->index - 1];
	uint8_t digest[CS_SHA256_LEN];
	int r;

	r = sha256(secret_data(record), secret_len(record), digest);
	if (r != 0)
		return diag_fail(d, r, NULL, "digest of a share");
	if (memcmp(digest, e->record, sizeof(digest)) != 0)
		return diag_fail(d, CS_E_RECOVER_DIGEST,
		    "the digest in the list", "another share number %u",
		    s->index);
	return 0;
}
