/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/filehash_impl.h"

/*
 * An RPM package's header (rpm's docs/manual/format_v4.md, format_header.md):
 * lead, signature header filled up to whole 8 bytes, header, payload.  What is
 * signed is the header, which has the payload's digest.  Both headers must be
 * one region each: a tag that stands outside is not covered by a signature in
 * all versions of rpm.
 */
#define LEAD_LEN     96u
#define LEAD_MAJOR   4u
#define LEAD_SIGTYPE 78u
#define INTRO_LEN    16u /* magic, reserved, entries, bytes of data */
#define ENTRY_LEN    16u /* tag, type, offset, count */
#define TYPE_BIN     7u
#define REGION_SIG   62u
#define REGION	     63u
#define ENTRIES_MAX  0xffffu
#define DATA_MAX     (256u << 20)

/* signatures of the header, and of header and payload */
static const uint32_t signatures[] = { 267, 268, 278, 1002, 1005, 1006 };

struct header {
	size_t at; /* in the file; of the intro */
	uint32_t entries, data;
};

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static int
not_rpm(struct diag *d, const char *found)
{
	return diag_fail(d, CS_E_FORMAT_FILE, "an RPM package", "%s", found);
}

static uint64_t
header_len(const struct header *h)
{
	return INTRO_LEN + (uint64_t)h->entries * ENTRY_LEN + h->data;
}

static bool
entry_is(const uint8_t *p, uint32_t tag, uint32_t offset)
{
	return be32(p) == tag && be32(p + 4) == TYPE_BIN &&
	    be32(p + 8) == offset && be32(p + 12) == ENTRY_LEN;
}

static int
outside(struct diag *d, const char *found)
{
	return diag_fail(d, CS_E_FORMAT_RPM_REGION,
	    "one region with all tags and all data", "%s", found);
}

/* Magic and sizes; the first entry is a region whose trailer ends the data. */
static int
read_header(const uint8_t *file, size_t at, uint32_t region, struct header *ret,
    struct diag *d)
{
	static const uint8_t magic[] = { 0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0 };
	const uint8_t *p = file + at;

	*ret = (struct header){ at, be32(p + 8), be32(p + 12) };
	if (memcmp(p, magic, sizeof(magic)) != 0 || ret->entries == 0 ||
	    ret->entries > ENTRIES_MAX || ret->data > DATA_MAX)
		return not_rpm(d, "another header");
	if (ret->data < ENTRY_LEN ||
	    !entry_is(p + INTRO_LEN, region, ret->data - ENTRY_LEN))
		return outside(d, "no region, or data behind it");
	return 0;
}

/* The trailer says how many entries are in it, as a negative offset. */
static int
check_trailer(const uint8_t *trailer, const struct header *h, uint32_t region,
    struct diag *d)
{
	return entry_is(trailer, region, 0u - h->entries * ENTRY_LEN) ?
	    0 :
	    outside(d, "tags behind it");
}

/* All of it is in the head. */
static int
check_signatures(const struct filehash_head *f, const struct header *h,
    struct diag *d)
{
	const uint8_t *p = f->p + h->at + INTRO_LEN;
	uint32_t i;
	size_t k;
	int r;

	r = check_trailer(f->p + h->at + header_len(h) - ENTRY_LEN, h,
	    REGION_SIG, d);
	for (i = 0; r == 0 && i < h->entries; i++, p += ENTRY_LEN)
		for (k = 0; k < ARRAY_LEN(signatures); k++)
			if (be32(p) == signatures[k])
				return diag_fail(d, CS_E_FORMAT_RPM_SIGNED,
				    "no signature yet", "the tag %u", be32(p));
	return r;
}

/* Where the header begins; 0: the signature header is too large to look at */
static size_t
main_at(const struct header *sig)
{
	const uint64_t end = sig->at + header_len(sig);

	return end > FILEHASH_HEAD_MAX - 64 ? 0 : (size_t)((end + 7) / 8 * 8);
}

static int
rpm_plan(const struct filehash_head *f, struct filehash_plan *plan,
    size_t *ret_want, struct diag *d)
{
	static const uint8_t lead[] = { 0xed, 0xab, 0xee, 0xdb, 3 };
	struct header sig, h;
	size_t at;
	int r;

	if (memcmp(f->p, lead, sizeof(lead)) != 0 || f->p[LEAD_SIGTYPE] != 0 ||
	    f->p[LEAD_SIGTYPE + 1] != 5)
		return not_rpm(d, "something else");
	r = read_header(f->p, LEAD_LEN, REGION_SIG, &sig, d);
	if (r != 0)
		return r;
	at = main_at(&sig);
	if (at == 0)
		return not_rpm(d, "a signature header of more than 64 KiB");
	if (f->len < at + INTRO_LEN + ENTRY_LEN) {
		*ret_want = at + INTRO_LEN + ENTRY_LEN;
		return 0;
	}
	r = check_signatures(f, &sig, d);
	if (r == 0)
		r = read_header(f->p, at, REGION, &h, d);
	if (r != 0)
		return r;
	plan->from = at;
	plan->to = at + header_len(&h);
	plan->keep = plan->to - ENTRY_LEN;
	return plan->to < f->size ? 0 : not_rpm(d, "it ends too early");
}

/* The header's trailer, which may be far behind the head */
static int
rpm_end(const struct filehash_head *f, const uint8_t keep[FILEHASH_KEEP],
    struct diag *d)
{
	const struct header h = { 0, be32(f->p + f->len - ENTRY_LEN - 8), 0 };

	return check_trailer(keep, &h, REGION, d);
}

const struct filehash_type filehash_rpm = { LEAD_LEN + INTRO_LEN + ENTRY_LEN,
	rpm_plan, rpm_end };
