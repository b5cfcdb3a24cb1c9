/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The firmware's event log, TCG PC Client Platform Firmware Profile, 10.  All
 * integers are little-endian.
 *	first event, TCG_PCR_EVENT: u32 PCR 0, u32 EV_NO_ACTION, 20 zero bytes,
 *	    u32 size, TCG_EfiSpecIdEvent, which lists the banks
 *	every other, TCG_PCR_EVENT2: u32 PCR, u32 type, u32 count,
 *	    count * (u16 algorithm, digest), u32 size, event
 * What an event says is not looked at: only the digests reach the TPM.
 */
#include <string.h>

#include "lib/hex.h"
#include "lib/sha.h"
#include "tpm/attest_verify_private.h"

#define EV_NO_ACTION 3u
#define SHA1_LEN     20u
#define BANKS_MAX    8u
#define EVENTS_MAX   65536u
#define DIGEST_MAX   64u
#define LOCALITY_MAX 4u
/* D-RTM PCRs are all ones until a D-RTM starts, PFP 3.3.4 */
#define DRTM_FIRST 17u
#define DRTM_LAST  22u

static const char spec_id[16] = "Spec ID Event03";
static const char startup[16] = "StartupLocality";

struct bank {
	uint16_t alg, len;
};

struct log {
	struct rd r;
	struct bank banks[BANKS_MAX];
	uint32_t nbanks;
	size_t n;	 /* events so far */
	const char *why; /* what was malformed */
	struct attest_pcrs *pcrs;
};

struct event {
	uint32_t pcr, type;
	const uint8_t *sha256;
	const uint8_t *data;
	uint32_t len;
};

static int
get_u16(struct rd *r, uint16_t *ret)
{
	const uint8_t *p;
	int e = rd_bytes(r, 2, &p);

	if (e == 0)
		*ret = (uint16_t)(p[0] | p[1] << 8);
	return e;
}

static int
get_u32(struct rd *r, uint32_t *ret)
{
	const uint8_t *p;
	int e = rd_bytes(r, 4, &p);

	if (e == 0)
		*ret = (uint32_t)p[0] | (uint32_t)p[1] << 8 |
		    (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	return e;
}

static int
read_banks(struct log *l, struct rd *r)
{
	bool has_sha256 = false;
	uint32_t i, k;

	l->why = "number of banks";
	if (get_u32(r, &l->nbanks) != 0 || l->nbanks == 0 ||
	    l->nbanks > BANKS_MAX)
		return CS_E_ATTEST_LOG_FORM;
	for (i = 0; i < l->nbanks; i++) {
		struct bank *b = &l->banks[i];

		l->why = "list of banks";
		if (get_u16(r, &b->alg) != 0 || get_u16(r, &b->len) != 0 ||
		    b->len == 0 || b->len > DIGEST_MAX ||
		    (b->alg == TPM2_ALG_SHA256 && b->len != CS_SHA256_LEN))
			return CS_E_ATTEST_LOG_FORM;
		for (k = 0; k < i; k++)
			if (l->banks[k].alg == b->alg)
				return CS_E_ATTEST_LOG_FORM;
		has_sha256 = has_sha256 || b->alg == TPM2_ALG_SHA256;
	}
	l->why = "banks";
	return has_sha256 ? 0 : CS_E_ATTEST_LOG_BANK;
}

/* TCG_EfiSpecIdEvent: signature, class, version and so on, banks, vendor */
static int
read_spec_id(struct log *l, const uint8_t *p, size_t len)
{
	struct rd r = RD_INIT(p, len);
	const uint8_t *sig, *skip;
	uint8_t vendor;
	int e;

	l->why = "no Spec ID Event03";
	if (rd_bytes(&r, sizeof(spec_id), &sig) != 0 ||
	    memcmp(sig, spec_id, sizeof(spec_id)) != 0 ||
	    rd_bytes(&r, 8, &skip) != 0)
		return CS_E_ATTEST_LOG_FORM;
	e = read_banks(l, &r);
	if (e != 0)
		return e;
	l->why = "end of Spec ID Event03";
	if (rd_u8(&r, &vendor) != 0 || rd_bytes(&r, vendor, &skip) != 0 ||
	    rd_end(&r) != 0)
		return CS_E_ATTEST_LOG_FORM;
	return 0;
}

static int
read_header(struct log *l)
{
	static const uint8_t zero[SHA1_LEN];
	const uint8_t *digest, *p;
	uint32_t pcr, type, len;

	l->why = "first event";
	if (get_u32(&l->r, &pcr) != 0 || get_u32(&l->r, &type) != 0 ||
	    rd_bytes(&l->r, SHA1_LEN, &digest) != 0 ||
	    get_u32(&l->r, &len) != 0 || rd_bytes(&l->r, len, &p) != 0 ||
	    pcr != 0 || type != EV_NO_ACTION ||
	    memcmp(digest, zero, sizeof(zero)) != 0)
		return CS_E_ATTEST_LOG_FORM;
	return read_spec_id(l, p, len);
}

/* One digest for each bank of the header, in any order, none twice */
static int
read_digests(struct log *l, struct event *e)
{
	bool seen[BANKS_MAX] = { false };
	uint32_t count, i, k;
	const uint8_t *p;
	uint16_t alg;

	l->why = "number of digests";
	if (get_u32(&l->r, &count) != 0 || count != l->nbanks)
		return CS_E_ATTEST_LOG_FORM;
	l->why = "digests";
	for (i = 0; i < count; i++) {
		if (get_u16(&l->r, &alg) != 0)
			return CS_E_ATTEST_LOG_FORM;
		for (k = 0; k < l->nbanks && l->banks[k].alg != alg; k++)
			;
		if (k == l->nbanks || seen[k] ||
		    rd_bytes(&l->r, l->banks[k].len, &p) != 0)
			return CS_E_ATTEST_LOG_FORM;
		seen[k] = true;
		if (alg == TPM2_ALG_SHA256)
			e->sha256 = p;
	}
	return 0;
}

static int
read_event(struct log *l, struct event *e)
{
	int r;

	l->why = "event";
	if (get_u32(&l->r, &e->pcr) != 0 || get_u32(&l->r, &e->type) != 0)
		return CS_E_ATTEST_LOG_FORM;
	r = read_digests(l, e);
	if (r != 0)
		return r;
	l->why = "data of an event";
	if (get_u32(&l->r, &e->len) != 0 ||
	    rd_bytes(&l->r, e->len, &e->data) != 0)
		return CS_E_ATTEST_LOG_FORM;
	return 0;
}

/* PFP 10.4.5.3: TPM2_Startup came from this locality; PCR 0 starts as that */
static int
no_action(struct log *l, const struct event *e)
{
	uint8_t *pcr0 = l->pcrs->value[0];
	size_t i;

	if (e->len < sizeof(startup) ||
	    memcmp(e->data, startup, sizeof(startup)) != 0)
		return 0;
	l->why = "startup locality";
	if (e->pcr != 0 || e->len != sizeof(startup) + 1 ||
	    e->data[sizeof(startup)] > LOCALITY_MAX)
		return CS_E_ATTEST_LOG_FORM;
	l->why = "startup locality after an event of PCR 0";
	for (i = 0; i < CS_SHA256_LEN; i++)
		if (pcr0[i] != 0)
			return CS_E_ATTEST_LOG_FORM;
	pcr0[CS_SHA256_LEN - 1] = e->data[sizeof(startup)];
	return 0;
}

static int
extend(struct log *l, const struct event *e)
{
	uint8_t both[2 * CS_SHA256_LEN];

	l->why = "PCR of an event";
	if (e->pcr >= ATTEST_PCRS)
		return CS_E_ATTEST_LOG_FORM;
	memcpy(both, l->pcrs->value[e->pcr], CS_SHA256_LEN);
	memcpy(both + CS_SHA256_LEN, e->sha256, CS_SHA256_LEN);
	return sha256(both, sizeof(both), l->pcrs->value[e->pcr]);
}

static int
replay(struct log *l)
{
	int r = read_header(l);

	while (r == 0 && l->r.left > 0) {
		struct event e = { 0 };

		l->why = "number of events";
		if (++l->n > EVENTS_MAX)
			return CS_E_ATTEST_LOG_FORM;
		r = read_event(l, &e);
		if (r == 0)
			r = e.type == EV_NO_ACTION ? no_action(l, &e) :
						     extend(l, &e);
	}
	return r;
}

int
attest_log_replay(const uint8_t *log, size_t len, struct attest_pcrs *ret,
    size_t *ret_events, struct diag *d)
{
	struct attest_pcrs pcrs = { .mask = (1u << ATTEST_PCRS) - 1 };
	struct log l = { .r = RD_INIT(log, len), .pcrs = &pcrs };
	int r;

	if (len > ATTEST_LOG_MAX)
		return diag_fail(d, CS_E_ATTEST_LOG_FORM, "at most 4 MiB",
		    "%zu bytes", len);
	memset(pcrs.value[DRTM_FIRST], 0xff,
	    (DRTM_LAST - DRTM_FIRST + 1) * sizeof(pcrs.value[0]));
	r = replay(&l);
	if (r == CS_E_ATTEST_LOG_BANK)
		return diag_fail(d, r, "a SHA-256 bank", "%u others", l.nbanks);
	if (r == CS_E_ATTEST_LOG_FORM)
		return diag_fail(d, r, "a crypto-agile event log",
		    "event %zu, byte %zu: %s", l.n, len - l.r.left, l.why);
	if (r != 0)
		return diag_fail(d, r, NULL, "replay of the event log");
	*ret = pcrs;
	*ret_events = l.n;
	return 0;
}

int
attest_log_check(const struct attest_pcrs *replayed,
    const struct attest_pcrs *golden, struct diag *d)
{
	char got[65], want[65];
	size_t i;

	for (i = 0; i < ATTEST_PCRS; i++) {
		if ((golden->mask & 1u << i) == 0 ||
		    memcmp(golden->value[i], replayed->value[i],
			CS_SHA256_LEN) == 0)
			continue;
		hex_encode(replayed->value[i], CS_SHA256_LEN, got);
		hex_encode(golden->value[i], CS_SHA256_LEN, want);
		return diag_fail(d, CS_E_ATTEST_LOG_PCR, want, "PCR %zu: %s", i,
		    got);
	}
	return 0;
}
