/* SPDX-License-Identifier: Apache-2.0 */
#include <tss2/tss2_mu.h>

#include "tests/lib/eventlog.h"
#include "tests/unit/attest_rig.h"

static void
test_round_trip(void **state)
{
	_cleanup_checks_ struct checks c = { 0 };
	struct attest_rig *f = *state;
	struct attest_answer without = f->answer;

	attest_fails(f, 0);
	assert_int_equal(attest_answer_check(&f->answer, &f->x, &c), 0);
	assert_int_equal(c.n, 25);
	/* nothing is compared with what was not given */
	f->x.log = NULL;
	f->x.chain = NULL;
	attest_fails(f, 0);
	f->pinned.has_anchor = false;
	f->answer.has_anchor = false;
	attest_fails(f, 0);
	f->answer = without;
}

/* --- what the answer claims, and what it is compared with --- */
static void
test_claims(void **state)
{
	struct attest_rig *f = *state;
	uint8_t other[32] = { 1 };

	f->x.challenge = other;
	attest_fails(f, CS_E_ATTEST_CHALLENGE);
	attest_fails(f, CS_E_ATTEST_NONCE);
	f->x.challenge = NULL;
	attest_fails(f, CS_E_ATTEST_CHALLENGE);
	attest_fails(f, CS_E_ATTEST_NONCE);
	f->x.challenge = attest_challenge;
	/* the challenge claimed is right, the one attested was another */
	f->answer.checkpoint[0] ^= 1;
	attest_fails(f, CS_E_ATTEST_NONCE);
	attest_fails(f, CS_E_ATTEST_CHAIN_LAST);
	f->answer.checkpoint[0] ^= 1;
	f->answer.image_version++;
	attest_fails_only(f, CS_E_ATTEST_IMAGE);
	f->answer.image_version--;
	f->answer.index++;
	attest_fails_only(f, CS_E_ATTEST_INDEX);
	f->answer.index--;
	f->answer.has_anchor = false;
	attest_fails_only(f, CS_E_ATTEST_INDEX);
	f->answer.has_anchor = true;
	attest_fails(f, 0);
}

static void
test_golden(void **state)
{
	struct attest_rig *f = *state;

	f->golden.pcrs.mask |= 1u << 4;
	attest_fails(f, CS_E_ATTEST_SELECT);
	f->golden.pcrs.mask = MASK & ~(1u << 12);
	attest_fails(f, CS_E_ATTEST_SELECT);
	f->golden.pcrs.mask = MASK;
	f->golden.pcrs.value[11][31] ^= 1;
	attest_fails(f, CS_E_ATTEST_PCR);
	attest_fails(f, CS_E_ATTEST_LOG_PCR);
	f->golden.pcrs.value[11][31] ^= 1;
	/* an event that the TPM never saw */
	eventlog_action(&f->log, 12, "more");
	f->x.log = f->log.p;
	f->x.log_len = f->log.len;
	attest_fails_only(f, CS_E_ATTEST_LOG_PCR);
	f->x.log_len--;
	attest_fails_only(f, CS_E_ATTEST_LOG_FORM);
}

static void
test_chain(void **state)
{
	struct attest_rig *f = *state;

	f->chain[0] ^= 1;
	attest_fails_only(f, CS_E_ATTEST_CHAIN);
	f->chain[0] ^= 1;
	f->x.last = NOTE1;
	attest_fails_only(f, CS_E_ATTEST_CHAIN_LAST);
	f->x.last = NOTE2;
	/* one checkpoint less, and the two in another order */
	memset(f->chain, 0, sizeof(f->chain));
	assert_int_equal(attest_chain_step(f->chain, NOTE2, strlen(NOTE2)), 0);
	attest_fails_only(f, CS_E_ATTEST_CHAIN);
	assert_int_equal(attest_chain_step(f->chain, NOTE1, strlen(NOTE1)), 0);
	attest_fails_only(f, CS_E_ATTEST_CHAIN);
	/* the index was defined anew under the same number */
	f->pinned.anchor[5] ^= 1;
	attest_fails(f, CS_E_ATTEST_NV_NAME);
}

/* --- one field of the attestation at a time --- */
static void
load_attest(const struct attest_evidence *e, TPMS_ATTEST *t)
{
	size_t n = 0;

	memset(t, 0, sizeof(*t));
	assert_int_equal(Tss2_MU_TPMS_ATTEST_Unmarshal(e->attest, e->attest_len,
			     &n, t),
	    0);
}

static void
store_attest(struct attest_evidence *e, const TPMS_ATTEST *t)
{
	size_t n = 0;

	assert_int_equal(Tss2_MU_TPMS_ATTEST_Marshal(t, e->attest,
			     sizeof(e->attest), &n),
	    0);
	e->attest_len = n;
}

static void
test_quote_fields(void **state)
{
	struct attest_rig *f = *state;
	const struct attest_evidence good = f->answer.quote;
	TPMS_ATTEST was, t;
	int i;

	load_attest(&good, &was);
	for (i = 0; i < 9; i++) {
		static const int want[] = { CS_E_ATTEST_MAGIC,
			CS_E_ATTEST_NONCE, CS_E_ATTEST_NONCE,
			CS_E_ATTEST_AK_NAME, CS_E_ATTEST_SELECT,
			CS_E_ATTEST_SELECT, CS_E_ATTEST_PCR, CS_E_ATTEST_PCR,
			CS_E_ATTEST_SIGNATURE };

		t = was;
		switch (i) {
		case 0:
			t.magic ^= 1;
			break;
		case 1:
			t.extraData.buffer[31] ^= 1;
			break;
		case 2:
			t.extraData.size = 31;
			break;
		case 3:
			t.qualifiedSigner.name[33] ^= 1;
			break;
		case 4:
			t.attested.quote.pcrSelect.pcrSelections[0].hash =
			    TPM2_ALG_SHA384;
			break;
		case 5:
			t.attested.quote.pcrSelect.count = 2;
			t.attested.quote.pcrSelect.pcrSelections[1] =
			    t.attested.quote.pcrSelect.pcrSelections[0];
			break;
		case 6:
			t.attested.quote.pcrDigest.buffer[0] ^= 1;
			break;
		case 7:
			t.attested.quote.pcrDigest.size = 31;
			break;
		default:
			t.clockInfo.resetCount++;
			break;
		}
		store_attest(&f->answer.quote, &t);
		attest_fails(f, want[i]);
		attest_fails(f, CS_E_ATTEST_SIGNATURE);
	}
	/* a quote is no certified index, and the other way round */
	f->answer.quote = f->answer.anchor;
	attest_fails_only(f, CS_E_ATTEST_TYPE);
	f->answer.anchor = good;
	attest_fails(f, CS_E_ATTEST_TYPE);
	f->answer.quote = good;
	attest_fails_only(f, CS_E_ATTEST_TYPE);
}

static void
test_anchor_fields(void **state)
{
	struct attest_rig *f = *state;
	TPMS_ATTEST was, t;

	load_attest(&f->answer.anchor, &was);
	t = was;
	t.attested.nv.offset = 1;
	store_attest(&f->answer.anchor, &t);
	attest_fails(f, CS_E_ATTEST_NV_OFFSET);
	t = was;
	t.attested.nv.nvContents.size = 31;
	store_attest(&f->answer.anchor, &t);
	attest_fails(f, CS_E_ATTEST_NV_SIZE);
	attest_fails(f, CS_E_ATTEST_CHAIN);
	t.attested.nv.nvContents.size = 200;
	store_attest(&f->answer.anchor, &t);
	attest_fails(f, CS_E_ATTEST_NV_SIZE);
	t = was;
	t.attested.nv.indexName.name[2] ^= 1;
	store_attest(&f->answer.anchor, &t);
	attest_fails(f, CS_E_ATTEST_NV_NAME);
	t = was;
	t.extraData.buffer[0] ^= 1;
	store_attest(&f->answer.anchor, &t);
	attest_fails(f, CS_E_ATTEST_NONCE);
}

/* every byte counts, and nothing may follow or be missing */
static void
test_bytes(void **state)
{
	struct attest_rig *f = *state;
	struct attest_evidence *q = &f->answer.quote;
	const struct attest_evidence good = *q;
	const struct attest_ak *ak = f->pinned.ak;
	struct attest a;
	size_t i;

	for (i = 0; i < good.attest_len; i++) {
		q->attest[i] ^= 1;
		if (attest_parse(q->attest, q->attest_len, &a, NULL) == 0 &&
		    attest_check_signature(ak, q->attest, q->attest_len,
			q->signature, q->signature_len, NULL) == 0)
			fail_msg("byte %zu does not matter", i);
		q->attest[i] ^= 1;
		assert_int_equal(attest_parse(q->attest, i, &a, NULL),
		    CS_E_ATTEST_FORM);
	}
	q->attest_len++;
	attest_fails_only(f, CS_E_ATTEST_FORM);
	*q = good;
	for (i = 0; i < good.signature_len; i++) {
		q->signature[i] ^= 1;
		assert_int_not_equal(attest_check_signature(ak, q->attest,
					 q->attest_len, q->signature,
					 q->signature_len, NULL),
		    0);
		q->signature[i] ^= 1;
		assert_int_equal(attest_check_signature(ak, q->attest,
				     q->attest_len, q->signature, i, NULL),
		    CS_E_ATTEST_SIG_FORM);
	}
	q->signature_len++;
	attest_fails_only(f, CS_E_ATTEST_SIG_FORM);
}

/* fields that are legal, but longer than any of ours */
static void
test_long_fields(void **state)
{
	struct attest_rig *f = *state;
	struct attest_evidence e = f->answer.anchor;
	uint8_t big[sizeof(TPMS_ATTEST)];
	struct attest a;
	TPMS_ATTEST t;
	struct diag d;
	size_t n = 0;

	load_attest(&e, &t);
	t.qualifiedSigner.size = 66;
	store_attest(&e, &t);
	assert_int_equal(attest_parse(e.attest, e.attest_len, &a, &d),
	    CS_E_ATTEST_FORM);
	load_attest(&f->answer.anchor, &t);
	t.attested.nv.nvContents.size = 2048;
	assert_int_equal(Tss2_MU_TPMS_ATTEST_Marshal(&t, big, sizeof(big), &n),
	    0);
	assert_true(n > ATTEST_MAX);
	assert_int_equal(attest_parse(big, n, &a, &d), CS_E_ATTEST_FORM);
}

/* r and s in another form than a P-256 key of a TPM makes */
static void
test_signature_form(void **state)
{
	struct attest_rig *f = *state;
	struct attest_evidence *q = &f->answer.quote;
	const struct attest_evidence good = *q;
	TPMT_SIGNATURE was = { 0 }, s;
	TPM2B_ECC_PARAMETER *p;
	size_t n = 0;
	int i;

	assert_int_equal(Tss2_MU_TPMT_SIGNATURE_Unmarshal(good.signature,
			     good.signature_len, &n, &was),
	    0);
	for (i = 0; i < 4; i++) {
		s = was;
		p = i == 0 ? &s.signature.ecdsa.signatureR :
			     &s.signature.ecdsa.signatureS;
		if (i < 2) { /* a zero in front: the same number */
			memmove(p->buffer + 1, p->buffer, p->size);
			p->buffer[0] = 0;
			p->size++;
		} else if (i == 2) { /* of the same layout */
			s.sigAlg = TPM2_ALG_ECSCHNORR;
		} else {
			s.signature.ecdsa.hash = TPM2_ALG_SHA384;
		}
		if (i < 2 && p->size <= CS_SHA256_LEN)
			continue; /* it was short, one time in 256 */
		n = 0;
		assert_int_equal(Tss2_MU_TPMT_SIGNATURE_Marshal(&s,
				     q->signature, sizeof(q->signature), &n),
		    0);
		q->signature_len = n;
		attest_fails_only(f, CS_E_ATTEST_SIG_FORM);
	}
	*q = good;
	attest_fails(f, 0);
}

/* --- keys --- */
static int
parse_changed(const TPM2B_PUBLIC *p, struct attest_ak **ret, struct diag *d)
{
	struct buf b = BUF_INIT(ATTEST_MAX);
	int r;

	assert_int_equal(attest_marshal_public(p, &b), 0);
	r = attest_ak_parse(b.p, b.len, ret, d);
	buf_done(&b);
	return r;
}

static void
test_ak(void **state)
{
	static const uint32_t needed[] = { TPMA_OBJECT_RESTRICTED,
		TPMA_OBJECT_SIGN_ENCRYPT, TPMA_OBJECT_FIXEDTPM,
		TPMA_OBJECT_FIXEDPARENT, TPMA_OBJECT_SENSITIVEDATAORIGIN };
	struct attest_rig *f = *state;
	const struct attest_ak *ak = f->pinned.ak;
	uint8_t longer[ATTEST_AK_MAX];
	struct attest_ak *other = NULL;
	TPM2B_PUBLIC was, p;
	struct diag d;
	size_t i;

	assert_int_equal(attest_unmarshal_public(ak->pub, ak->pub_len, &was),
	    0);
	assert_true((ak->attributes & TPMA_OBJECT_NODA) != 0);
	for (i = 0; i < ARRAY_LEN(needed); i++) {
		p = was;
		p.publicArea.objectAttributes &= ~needed[i];
		attest_must(parse_changed(&p, &other, &d), &d);
		assert_int_equal(attest_ak_check(other, &d),
		    CS_E_ATTEST_AK_ATTR);
		attest_ak_free(&other);
	}
	p = was;
	p.publicArea.objectAttributes |= TPMA_OBJECT_DECRYPT;
	attest_must(parse_changed(&p, &other, &d), &d);
	assert_int_equal(attest_ak_check(other, &d), CS_E_ATTEST_AK_ATTR);
	/* in an answer, too */
	attest_ak_free(&f->pinned.ak);
	f->pinned.ak = take_ptr(other);
	attest_fails(f, CS_E_ATTEST_AK_ATTR);
	attest_fails(f, CS_E_ATTEST_AK_NAME);
	ak = f->pinned.ak; /* the other one by now */
	p = was;
	p.publicArea.parameters.eccDetail.scheme.details.ecdsa.hashAlg =
	    TPM2_ALG_SHA384;
	assert_int_equal(parse_changed(&p, &other, &d), CS_E_ATTEST_AK_FORM);
	p = was;
	p.publicArea.parameters.eccDetail.curveID = TPM2_ECC_NIST_P384;
	assert_int_equal(parse_changed(&p, &other, &d), CS_E_ATTEST_AK_FORM);
	p = was;
	p.publicArea.unique.ecc.y.buffer[9] ^= 1; /* not on the curve */
	assert_int_equal(parse_changed(&p, &other, &d), CS_E_ATTEST_AK_FORM);
	p = was; /* a zero in front */
	memmove(p.publicArea.unique.ecc.x.buffer + 1,
	    was.publicArea.unique.ecc.x.buffer, 32);
	p.publicArea.unique.ecc.x.buffer[0] = 0;
	p.publicArea.unique.ecc.x.size = 33;
	assert_int_equal(parse_changed(&p, &other, &d), CS_E_ATTEST_AK_FORM);
	p.publicArea.unique.ecc.x.size = 0;
	assert_int_equal(parse_changed(&p, &other, &d), CS_E_ATTEST_AK_FORM);
	memcpy(longer, ak->pub, ak->pub_len);
	longer[ak->pub_len] = 0;
	assert_int_equal(attest_ak_parse(longer, ak->pub_len + 1, &other, &d),
	    CS_E_ATTEST_AK_FORM);
	for (i = 0; i < ak->pub_len; i++)
		assert_int_equal(attest_ak_parse(ak->pub, i, &other, &d),
		    CS_E_ATTEST_AK_FORM);
	assert_null(other);
}

static void
test_anchor_public(void **state)
{
	static const struct {
		uint32_t set, clear;
		uint16_t size;
		uint16_t alg;
	} bad[] = {
		{ 0, TPMA_NV_WRITTEN, 32, TPM2_ALG_SHA256 },
		{ 0, TPMA_NV_AUTHREAD, 32, TPM2_ALG_SHA256 },
		{ TPMA_NV_ORDERLY, 0, 32, TPM2_ALG_SHA256 },
		{ TPMA_NV_CLEAR_STCLEAR, 0, 32, TPM2_ALG_SHA256 },
		{ 0, TPMA_NV_TPM2_NT_MASK, 32, TPM2_ALG_SHA256 },
		{ 0, 0, 20, TPM2_ALG_SHA256 },
		{ 0, 0, 32, TPM2_ALG_SHA384 },
	};
	struct attest_rig *f = *state;
	struct buf pub = BUF_INIT(ATTEST_MAX);
	uint8_t name[ATTEST_NAME_LEN], out[256];
	struct diag d = { 0 };
	uint32_t index;
	size_t i, n = 0;

	attest_must(tpm_nv_public_read(f->t, INDEX, &pub, &d), &d);
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		TPM2B_NV_PUBLIC nv = { 0 };
		size_t m = 0;

		n = 0;
		assert_int_equal(Tss2_MU_TPM2B_NV_PUBLIC_Unmarshal(pub.p,
				     pub.len, &m, &nv),
		    0);
		nv.size = 0;
		nv.nvPublic.attributes |= bad[i].set;
		nv.nvPublic.attributes &= ~bad[i].clear;
		nv.nvPublic.dataSize = bad[i].size;
		nv.nvPublic.nameAlg = bad[i].alg;
		assert_int_equal(Tss2_MU_TPM2B_NV_PUBLIC_Marshal(&nv, out,
				     sizeof(out), &n),
		    0);
		assert_int_equal(attest_nv_parse(out, n, &index, name, &d),
		    CS_E_ATTEST_NV_FORM);
	}
	for (i = 0; i < pub.len; i++)
		assert_int_equal(attest_nv_parse(pub.p, i, &index, name, &d),
		    CS_E_ATTEST_NV_FORM);
	assert_int_equal(buf_put_u8(&pub, 0), 0);
	assert_int_equal(attest_nv_parse(pub.p, pub.len, &index, name, &d),
	    CS_E_ATTEST_NV_FORM);
	assert_int_equal(tpm_nv_public_read(f->t, 0x01500099, &pub, &d),
	    CS_E_TPM_FAIL);
	buf_done(&pub);
}

/* the same key after a power cut; another one in another TPM */
static void
test_same_ak(void **state)
{
	struct attest_rig *f = *state;
	struct buf pub = BUF_INIT(ATTEST_MAX);
	struct attest_rig *other;
	struct diag d = { 0 };
	void *s = NULL;

	tpm_close(&f->t);
	swtpm_kill(&f->sw);
	swtpm_start(&f->sw);
	attest_must(tpm_open(f->sw.tcti, 0, &f->t, &d), &d);
	attest_must(tpm_ak_read(f->t, &pub, &d), &d);
	assert_int_equal(pub.len, f->pinned.ak->pub_len);
	assert_memory_equal(pub.p, f->pinned.ak->pub, pub.len);
	buf_done(&pub);
	assert_int_equal(attest_setup(&s), 0);
	other = s;
	f->x.pinned = &other->pinned;
	attest_fails(f, CS_E_ATTEST_AK_NAME);
	attest_fails(f, CS_E_ATTEST_SIGNATURE);
	assert_int_equal(attest_teardown(&s), 0);
}

#define T(name)                                                    \
	cmocka_unit_test_setup_teardown(test_##name, attest_setup, \
	    attest_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(round_trip),
		T(claims),
		T(golden),
		T(chain),
		T(quote_fields),
		T(anchor_fields),
		T(bytes),
		T(long_fields),
		T(signature_form),
		T(ak),
		T(anchor_public),
		T(same_ak),
	};

	(void)setenv("TSS2_LOG", "all+NONE", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
