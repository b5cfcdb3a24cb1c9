/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <stdio.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "lib/hex.h"
#include "lib/sha.h"
#include "tpm/attest_verify_private.h"

/* TPM 2.0 Library Part 2, 10.12.8: "\xffTCG" */
#define GENERATED 0xff544347u

#define SIG_DER_MAX 80

static void
ecdsa_sig_freep(ECDSA_SIG **s)
{
	ECDSA_SIG_free(*s);
}

static int
copy(uint8_t *out, size_t size, size_t *ret_len, const BYTE *p, size_t len)
{
	if (len > size)
		return -1;
	memcpy(out, p, len);
	*ret_len = len;
	return 0;
}

static int
fill_quote(const TPMS_QUOTE_INFO *q, struct attest *a)
{
	const TPMS_PCR_SELECTION *s = &q->pcrSelect.pcrSelections[0];

	a->type = ATTEST_QUOTE;
	if (q->pcrSelect.count == 1 && s->hash == TPM2_ALG_SHA256 &&
	    s->sizeofSelect == 3) {
		a->sha256_bank = true;
		a->mask = (uint32_t)s->pcrSelect[0] |
		    (uint32_t)s->pcrSelect[1] << 8 |
		    (uint32_t)s->pcrSelect[2] << 16;
	}
	return copy(a->pcr_digest, sizeof(a->pcr_digest), &a->pcr_digest_len,
	    q->pcrDigest.buffer, q->pcrDigest.size);
}

static int
fill_nv(const TPMS_NV_CERTIFY_INFO *nv, struct attest *a)
{
	size_t n = nv->nvContents.size;

	a->type = ATTEST_NV;
	a->offset = nv->offset;
	a->contents_len = n;
	if (n > sizeof(a->contents))
		n = sizeof(a->contents);
	memcpy(a->contents, nv->nvContents.buffer, n);
	return copy(a->index_name, sizeof(a->index_name), &a->index_name_len,
	    nv->indexName.name, nv->indexName.size);
}

static int
fill(const TPMS_ATTEST *t, struct attest *a)
{
	*a = (struct attest){
		.magic = t->magic,
		.type = ATTEST_OTHER,
		.clock_ms = t->clockInfo.clock,
		.reset = t->clockInfo.resetCount,
		.restart = t->clockInfo.restartCount,
		.safe = t->clockInfo.safe == TPM2_YES,
		.firmware = t->firmwareVersion,
	};
	if (copy(a->signer, sizeof(a->signer), &a->signer_len,
		t->qualifiedSigner.name, t->qualifiedSigner.size) != 0 ||
	    copy(a->extra, sizeof(a->extra), &a->extra_len, t->extraData.buffer,
		t->extraData.size) != 0)
		return -1;
	if (t->type == TPM2_ST_ATTEST_QUOTE)
		return fill_quote(&t->attested.quote, a);
	if (t->type == TPM2_ST_ATTEST_NV)
		return fill_nv(&t->attested.nv, a);
	return 0;
}

int
attest_parse(const uint8_t *p, size_t len, struct attest *ret, struct diag *d)
{
	uint8_t again[sizeof(TPMS_ATTEST)], copy[ATTEST_MAX];
	struct rd magic = RD_INIT(p, len);
	TPMS_ATTEST t = { 0 };
	struct attest a;
	size_t n = 0, m = 0;
	uint32_t found = 0;

	if (len > ATTEST_MAX || rd_u32(&magic, &found) != 0)
		return diag_fail(d, CS_E_ATTEST_FORM, "a TPMS_ATTEST",
		    "%zu other bytes", len);
	/* tpm2-tss 4 refuses another magic itself; it has a check of its own */
	memcpy(copy, p, len);
	for (n = 0; n < sizeof(found); n++)
		copy[n] = (uint8_t)(TPM2_GENERATED_VALUE >> (24 - 8 * n));
	n = 0;
	if (Tss2_MU_TPMS_ATTEST_Unmarshal(copy, len, &n, &t) != TSS2_RC_SUCCESS)
		return diag_fail(d, CS_E_ATTEST_FORM, "a TPMS_ATTEST",
		    "%zu other bytes", len);
	if (n != len)
		return diag_fail(d, CS_E_ATTEST_FORM, "nothing after it",
		    "%zu more bytes", len - n);
	if (Tss2_MU_TPMS_ATTEST_Marshal(&t, again, sizeof(again), &m) !=
		TSS2_RC_SUCCESS ||
	    m != len || memcmp(again, copy, len) != 0)
		return diag_fail(d, CS_E_ATTEST_FORM, "its only encoding",
		    "another one");
	t.magic = found;
	if (fill(&t, &a) != 0)
		return diag_fail(d, CS_E_ATTEST_FORM, "digests and names",
		    "longer fields");
	*ret = a;
	return 0;
}

int
attest_check_magic(const struct attest *a, struct diag *d)
{
	if (a->magic != GENERATED)
		return diag_fail(d, CS_E_ATTEST_MAGIC, "ff544347", "%08x",
		    a->magic);
	return 0;
}

static const char *
type_name(enum attest_type t)
{
	static const char *const names[] = {
		[ATTEST_QUOTE] = "a quote",
		[ATTEST_NV] = "a certified NV index",
		[ATTEST_OTHER] = "something else",
	};

	return names[t];
}

int
attest_check_type(const struct attest *a, enum attest_type want, struct diag *d)
{
	if (a->type != want)
		return diag_fail(d, CS_E_ATTEST_TYPE, type_name(want), "%s",
		    type_name(a->type));
	return 0;
}

/* 0, or code with both in hex */
static int
compare(int code, const uint8_t *got, size_t got_len, const uint8_t *want,
    size_t want_len, struct diag *d)
{
	char g[69], w[69];

	if (got_len == want_len && memcmp(got, want, want_len) == 0)
		return 0;
	attest_name_hex(got, got_len, g);
	attest_name_hex(want, want_len, w);
	return diag_fail(d, code, w, "%s", got_len == 0 ? "nothing" : g);
}

int
attest_check_nonce(const struct attest *a,
    const uint8_t qualifying[CS_SHA256_LEN], struct diag *d)
{
	return compare(CS_E_ATTEST_NONCE, a->extra, a->extra_len, qualifying,
	    CS_SHA256_LEN, d);
}

int
attest_check_signer(const struct attest *a, const struct attest_ak *ak,
    struct diag *d)
{
	return compare(CS_E_ATTEST_AK_NAME, a->signer, a->signer_len,
	    ak->qualified, sizeof(ak->qualified), d);
}

/* r and s as DER Ecdsa-Sig-Value; -1 if that cannot be */
static int
signature_der(const TPMS_SIGNATURE_ECDSA *s, uint8_t out[SIG_DER_MAX],
    size_t *ret_len)
{
	_cleanup_(ecdsa_sig_freep) ECDSA_SIG *e = ECDSA_SIG_new();
	BIGNUM *r, *v;
	uint8_t *p = out;
	int n;

	if (e == NULL || s->signatureR.size > CS_SHA256_LEN ||
	    s->signatureS.size > CS_SHA256_LEN)
		return -1;
	r = BN_bin2bn(s->signatureR.buffer, s->signatureR.size, NULL);
	v = BN_bin2bn(s->signatureS.buffer, s->signatureS.size, NULL);
	if (ECDSA_SIG_set0(e, r, v) != 1) {
		BN_free(r);
		BN_free(v);
		return -1;
	}
	n = i2d_ECDSA_SIG(e, NULL);
	if (n <= 0 || n > SIG_DER_MAX || i2d_ECDSA_SIG(e, &p) != n)
		return -1;
	*ret_len = (size_t)n;
	return 0;
}

static int
unmarshal_signature(const uint8_t *p, size_t len, TPMT_SIGNATURE *ret)
{
	uint8_t again[sizeof(TPMT_SIGNATURE)];
	TPMT_SIGNATURE s = { 0 };
	size_t n = 0, m = 0;

	if (len > ATTEST_SIG_MAX ||
	    Tss2_MU_TPMT_SIGNATURE_Unmarshal(p, len, &n, &s) !=
		TSS2_RC_SUCCESS ||
	    n != len ||
	    Tss2_MU_TPMT_SIGNATURE_Marshal(&s, again, sizeof(again), &m) !=
		TSS2_RC_SUCCESS ||
	    m != len || memcmp(again, p, len) != 0)
		return -1;
	*ret = s;
	return 0;
}

int
attest_check_signature(const struct attest_ak *ak, const uint8_t *p, size_t len,
    const uint8_t *sig, size_t sig_len, struct diag *d)
{
	uint8_t der[SIG_DER_MAX];
	TPMT_SIGNATURE s;
	size_t n;

	if (unmarshal_signature(sig, sig_len, &s) != 0)
		return diag_fail(d, CS_E_ATTEST_SIG_FORM, "a TPMT_SIGNATURE",
		    "%zu other bytes", sig_len);
	if (s.sigAlg != TPM2_ALG_ECDSA ||
	    s.signature.ecdsa.hash != TPM2_ALG_SHA256)
		return diag_fail(d, CS_E_ATTEST_SIG_FORM, "ECDSA with SHA-256",
		    "algorithm 0x%x", s.sigAlg);
	if (signature_der(&s.signature.ecdsa, der, &n) != 0)
		return diag_fail(d, CS_E_ATTEST_SIG_FORM, "32 bytes each",
		    "r of %u, s of %u bytes", s.signature.ecdsa.signatureR.size,
		    s.signature.ecdsa.signatureS.size);
	if (pubkey_verify_message(ak->key, p, len, der, n) != 0)
		return diag_fail(d, CS_E_ATTEST_SIGNATURE,
		    "a signature by the pinned key", "another one");
	return 0;
}

int
attest_check_select(const struct attest *a, const struct attest_pcrs *golden,
    struct diag *d)
{
	char want[48];

	(void)snprintf(want, sizeof(want), "SHA-256, mask 0x%06x",
	    golden->mask);
	if (!a->sha256_bank)
		return diag_fail(d, CS_E_ATTEST_SELECT, want,
		    "other banks, or none");
	if (a->mask != golden->mask)
		return diag_fail(d, CS_E_ATTEST_SELECT, want,
		    "SHA-256, mask 0x%06x", a->mask);
	return 0;
}

/* TPM 2.0 Library Part 1, 17.4: the values in the order of the selection */
static int
digest_pcrs(const struct attest_pcrs *v, uint8_t ret[CS_SHA256_LEN])
{
	uint8_t all[ATTEST_PCRS * CS_SHA256_LEN];
	size_t n = 0, i;

	for (i = 0; i < ATTEST_PCRS; i++) {
		if ((v->mask & 1u << i) == 0)
			continue;
		memcpy(all + n, v->value[i], CS_SHA256_LEN);
		n += CS_SHA256_LEN;
	}
	return sha256(all, n, ret);
}

int
attest_check_pcrs(const struct attest *a, const struct attest_pcrs *golden,
    struct diag *d)
{
	uint8_t want[CS_SHA256_LEN];

	if (digest_pcrs(golden, want) != 0)
		return diag_fail(d, CS_E_CRYPTO, NULL, "digest of PCRs");
	return compare(CS_E_ATTEST_PCR, a->pcr_digest, a->pcr_digest_len, want,
	    sizeof(want), d);
}

int
attest_check_nv_name(const struct attest *a,
    const uint8_t name[ATTEST_NAME_LEN], struct diag *d)
{
	return compare(CS_E_ATTEST_NV_NAME, a->index_name, a->index_name_len,
	    name, ATTEST_NAME_LEN, d);
}

int
attest_check_nv_offset(const struct attest *a, struct diag *d)
{
	if (a->offset != 0)
		return diag_fail(d, CS_E_ATTEST_NV_OFFSET, "0", "%u",
		    a->offset);
	return 0;
}

int
attest_check_nv_size(const struct attest *a, struct diag *d)
{
	if (a->contents_len != CS_SHA256_LEN)
		return diag_fail(d, CS_E_ATTEST_NV_SIZE, "32 bytes",
		    "%zu bytes", a->contents_len);
	return 0;
}

int
attest_check_chain(const struct attest *a, const uint8_t value[CS_SHA256_LEN],
    struct diag *d)
{
	return compare(CS_E_ATTEST_CHAIN, a->contents, a->contents_len, value,
	    CS_SHA256_LEN, d);
}

int
attest_qualifying(const void *checkpoint, size_t len, const uint8_t *challenge,
    uint8_t ret[CS_SHA256_LEN])
{
	struct hasher *h = NULL;
	int r = hasher_new(HASH_SHA256, &h);

	if (r == 0)
		r = hasher_update(h, checkpoint, len);
	if (r == 0 && challenge != NULL)
		r = hasher_update(h, challenge, CS_SHA256_LEN);
	if (r == 0)
		r = hasher_final(h, ret, CS_SHA256_LEN);
	hasher_free(&h);
	return r;
}

int
attest_chain_step(uint8_t value[CS_SHA256_LEN], const void *checkpoint,
    size_t len)
{
	uint8_t both[2 * CS_SHA256_LEN];
	int r = sha256(checkpoint, len, both + CS_SHA256_LEN);

	memcpy(both, value, CS_SHA256_LEN);
	return r != 0 ? r : sha256(both, sizeof(both), value);
}
