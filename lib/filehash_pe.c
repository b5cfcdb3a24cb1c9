/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/filehash_impl.h"

/*
 * Authenticode's digest of a PE file ("Windows Authenticode Portable
 * Executable Signature Format", "Calculating the PE Image Hash"; offsets: "PE
 * Format"): all bytes but the checksum, the directory's entry of the
 * certificate table, and that table.  Tools differ on everything else that a
 * file can have, so that is refused: sections with gaps or in another order,
 * bytes behind the last one, a length that is none of whole 8 bytes.
 */
#define DOS_LEN	     64u
#define DOS_LFANEW   60u
#define COFF_LEN     24u /* with "PE\0\0" */
#define SECTION_LEN  40u
#define SECTIONS_MAX 96u
#define DIRS_MAX     16u
#define DIR_CERT     4u
#define ALIGN	     8u
#define OPT_HEADERS  60u /* SizeOfHeaders, in the optional header */
#define OPT_CHECKSUM 64u

struct pe {
	const struct filehash_head *h;
	size_t opt, opt_len; /* optional header */
	size_t table;	     /* of sections */
	unsigned sections;
	size_t dirs; /* data directories */
};

static unsigned
le16(const uint8_t *p)
{
	return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static uint32_t
le32(const uint8_t *p)
{
	return le16(p) | (uint32_t)le16(p + 2) << 16;
}

static int
not_pe(struct diag *d, const char *found)
{
	return diag_fail(d, CS_E_FORMAT_FILE, "a PE image", "%s", found);
}

static int
want(size_t *ret_want, uint64_t n, struct diag *d)
{
	if (n > FILEHASH_HEAD_MAX)
		return not_pe(d, "headers of more than 64 KiB");
	*ret_want = (size_t)n;
	return 0;
}

/* SizeOfHeaders, then the sections, one behind the other to the end */
static int
check_sections(const struct pe *pe, struct diag *d)
{
	const uint8_t *p = pe->h->p + pe->table;
	uint64_t at = le32(pe->h->p + pe->opt + OPT_HEADERS);
	unsigned i;

	if (at < pe->h->len || at > pe->h->size)
		return not_pe(d, "headers of another size");
	for (i = 0; i < pe->sections; i++, p += SECTION_LEN) {
		const uint32_t len = le32(p + 16), start = le32(p + 20);

		if (len == 0)
			continue;
		if (start != at)
			return diag_fail(d, CS_E_FORMAT_PE_GAP,
			    "sections one behind the other",
			    "section %u at %u, not %llu", i + 1, start,
			    (unsigned long long)at);
		at += len;
	}
	if (at > pe->h->size)
		return not_pe(d, "a section that ends behind the file");
	if (at < pe->h->size)
		return diag_fail(d, CS_E_FORMAT_PE_OVERLAY,
		    "nothing behind the last section", "%llu bytes",
		    (unsigned long long)(pe->h->size - at));
	if (at % ALIGN != 0)
		return diag_fail(d, CS_E_FORMAT_PE_TAIL,
		    "a length of whole 8 bytes", "%llu bytes",
		    (unsigned long long)at);
	return 0;
}

static int
check_dirs(const struct pe *pe, struct diag *d)
{
	const uint8_t *p = pe->h->p + pe->dirs;
	const uint32_t n = le32(p - 4);

	if (n <= DIR_CERT || n > DIRS_MAX ||
	    pe->opt_len != pe->dirs - pe->opt + 8 * (size_t)n)
		return not_pe(d, "another number of data directories");
	p += 8 * (size_t)DIR_CERT;
	if (le32(p) != 0 || le32(p + 4) != 0)
		return diag_fail(d, CS_E_FORMAT_PE_SIGNED, "no signature yet",
		    "a certificate table");
	return 0;
}

static int
check_headers(struct pe *pe, struct diag *d)
{
	const unsigned magic = le16(pe->h->p + pe->opt);
	int r;

	/* PE32, PE32+ */
	if (magic != 0x10b && magic != 0x20b)
		return not_pe(d, "another optional header");
	pe->dirs = pe->opt + (magic == 0x10b ? 96 : 112);
	if (pe->table < pe->dirs)
		return not_pe(d, "an optional header that is too short");
	r = check_dirs(pe, d);
	return r != 0 ? r : check_sections(pe, d);
}

static int
pe_plan(const struct filehash_head *h, struct filehash_plan *plan,
    size_t *ret_want, struct diag *d)
{
	struct pe pe = { .h = h };
	const size_t at = le32(h->p + DOS_LFANEW);
	uint64_t end;
	int r;

	if (memcmp(h->p, "MZ", 2) != 0 || at < DOS_LEN || h->size > UINT32_MAX)
		return not_pe(d, "something else");
	if (h->len < at + COFF_LEN + 2)
		return want(ret_want, (uint64_t)at + COFF_LEN + 2, d);
	pe.sections = le16(h->p + at + 6);
	pe.opt = at + COFF_LEN;
	pe.opt_len = le16(h->p + at + 20);
	pe.table = pe.opt + pe.opt_len;
	if (memcmp(h->p + at, "PE\0\0", 4) != 0 || pe.sections == 0 ||
	    pe.sections > SECTIONS_MAX || pe.opt_len < 2)
		return not_pe(d, "another header");
	end = (uint64_t)pe.table + pe.sections * SECTION_LEN;
	if (h->len < end)
		return want(ret_want, end, d);
	r = check_headers(&pe, d);
	plan->to = h->size;
	plan->skip[0] =
	    (struct filehash_span){ pe.opt + OPT_CHECKSUM, sizeof(uint32_t) };
	plan->skip[1] = (struct filehash_span){ pe.dirs + 8 * DIR_CERT, 8 };
	return r;
}

const struct filehash_type filehash_pe = { DOS_LEN, pe_plan, NULL };
