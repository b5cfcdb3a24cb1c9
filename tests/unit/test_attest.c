/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <openssl/pem.h>
#include <tss2/tss2_mu.h>

#include "lib/hex.h"
#include "tests/lib/eventlog.h"
#include "tests/lib/swtpm.h"
#include "tpm/attest_private.h"

#define INDEX	  0x01500013u
#define NV_RSA	  0x01c00002u
#define NV_ECC	  0x01c0000au
#define MASK	  (1u << 7 | 1u << 11 | 1u << 12)
#define NOTE1	  "test.example/log\n1\nAAAA\n\n- sig one\n"
#define NOTE2	  "test.example/log\n2\nBBBB\n\n- sig two\n"
#define VERSION	  7u
#define TRANSIENT 0x80000000u
#define SESSIONS  0x02000000u
#define DIGITS \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const uint8_t challenge[32] = { 0xc0, 1, 2, 3 };

struct fixture {
	struct swtpm sw;
	struct tpm *t;
	struct buf log;
	struct attest_pinned pinned;
	struct attest_golden golden;
	uint8_t chain[32];
	struct attest_answer answer;
	struct attest_expected x;
};

static void
must(int r, const struct diag *d)
{
	if (r != 0)
		fail_msg("%s: %s: found %s, expected %s", err_id(r),
		    err_text(r), d->found, d->expected);
}

static void
define_index(struct tpm *t, uint32_t index, uint16_t size, uint32_t type)
{
	const TPM2B_AUTH none = { 0 };
	const TPM2B_NV_PUBLIC pub = { .nvPublic = {
					  .nvIndex = index,
					  .nameAlg = TPM2_ALG_SHA256,
					  .attributes = TPMA_NV_AUTHREAD |
					      TPMA_NV_AUTHWRITE |
					      TPMA_NV_OWNERREAD |
					      TPMA_NV_NO_DA |
					      type << TPMA_NV_TPM2_NT_SHIFT,
					  .dataSize = size,
				      } };
	ESYS_TR h = ESYS_TR_NONE;

	assert_int_equal(Esys_NV_DefineSpace(t->esys, ESYS_TR_RH_OWNER,
			     ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			     &none, &pub, &h),
	    0);
	assert_int_equal(Esys_TR_Close(t->esys, &h), 0);
}

static void
extend_index(struct tpm *t, const char *note)
{
	TPM2B_MAX_NV_BUFFER data = { .size = 32 };
	ESYS_TR h;

	assert_int_equal(sha256(note, strlen(note), data.buffer), 0);
	assert_int_equal(Esys_TR_FromTPMPublic(t->esys, INDEX, ESYS_TR_NONE,
			     ESYS_TR_NONE, ESYS_TR_NONE, &h),
	    0);
	assert_int_equal(Esys_NV_Extend(t->esys, h, h, ESYS_TR_PASSWORD,
			     ESYS_TR_NONE, ESYS_TR_NONE, &data),
	    0);
	assert_int_equal(Esys_TR_Close(t->esys, &h), 0);
}

/* An index with these bytes, as a manufacturer leaves a certificate */
static void
write_index(struct tpm *t, uint32_t index, const uint8_t *p, size_t len)
{
	TPM2B_MAX_NV_BUFFER data = { .size = (UINT16)len };
	ESYS_TR h;

	define_index(t, index, (uint16_t)len, TPM2_NT_ORDINARY);
	memcpy(data.buffer, p, len);
	assert_int_equal(Esys_TR_FromTPMPublic(t->esys, index, ESYS_TR_NONE,
			     ESYS_TR_NONE, ESYS_TR_NONE, &h),
	    0);
	assert_int_equal(Esys_NV_Write(t->esys, h, h, ESYS_TR_PASSWORD,
			     ESYS_TR_NONE, ESYS_TR_NONE, &data, 0),
	    0);
	assert_int_equal(Esys_TR_Close(t->esys, &h), 0);
}

static void
measure(struct fixture *f, unsigned pcr, const char *text)
{
	struct diag d = { 0 };
	uint8_t digest[32];

	eventlog_action(&f->log, pcr, text);
	assert_int_equal(sha256(text, strlen(text), digest), 0);
	must(tpm_pcr_extend(f->t, pcr, digest, &d), &d);
}

static void
make_golden(struct fixture *f)
{
	struct diag d = { 0 };
	unsigned i;

	f->golden.version = VERSION;
	f->golden.pcrs.mask = MASK;
	for (i = 0; i < ATTEST_PCRS; i++)
		if ((MASK & 1u << i) != 0)
			must(tpm_pcr_read(f->t, i, f->golden.pcrs.value[i], &d),
			    &d);
}

static void
make_pinned(struct fixture *f)
{
	struct buf pub = BUF_INIT(ATTEST_MAX);
	struct diag d = { 0 };

	must(tpm_ak_read(f->t, &pub, &d), &d);
	must(attest_ak_parse(pub.p, pub.len, &f->pinned.ak, &d), &d);
	must(tpm_nv_public_read(f->t, INDEX, &pub, &d), &d);
	must(attest_nv_parse(pub.p, pub.len, &f->pinned.index, f->pinned.anchor,
		 &d),
	    &d);
	f->pinned.has_anchor = true;
	buf_done(&pub);
}

static void
make_answer(struct fixture *f)
{
	const struct attest_facts facts = {
		.image_version = VERSION,
		.policy_version = 2,
		.policy = { 0xee },
		.checkpoint = NOTE2,
		.challenge = challenge,
		.pcrs = MASK,
		.anchor = INDEX,
	};
	_cleanup_free_ char *text = NULL;
	struct diag d = { 0 };
	size_t len;

	must(attest_answer(f->t, &facts, &text, &len, &d), &d);
	must(attest_answer_parse(text, len, &f->answer, &d), &d);
}

static int
setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *f = calloc(1, sizeof(*f));
	struct diag d = { 0 };
	char *dir;

	assert_non_null(f);
	assert_true(asprintf(&dir, "%s/cs-attest-XXXXXX",
			tmp != NULL ? tmp : "/tmp") > 0);
	assert_non_null(mkdtemp(dir));
	swtpm_make(&f->sw, dir);
	free(dir);
	must(tpm_open(f->sw.tcti, 0, &f->t, &d), &d);
	f->log = (struct buf)BUF_INIT(4096);
	eventlog_begin(&f->log);
	measure(f, 7, "secure boot");
	measure(f, 11, "kernel");
	measure(f, 11, "initrd");
	define_index(f->t, INDEX, 32, TPM2_NT_EXTEND);
	extend_index(f->t, NOTE1);
	extend_index(f->t, NOTE2);
	assert_int_equal(attest_chain_step(f->chain, NOTE1, strlen(NOTE1)), 0);
	assert_int_equal(attest_chain_step(f->chain, NOTE2, strlen(NOTE2)), 0);
	make_golden(f);
	make_pinned(f);
	make_answer(f);
	f->x = (struct attest_expected){ &f->pinned, &f->golden, challenge,
		f->log.p, f->log.len, f->chain, NOTE2 };
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	attest_answer_done(&f->answer);
	attest_pinned_done(&f->pinned);
	buf_done(&f->log);
	tpm_close(&f->t);
	swtpm_done(&f->sw);
	free(f);
	return 0;
}

/* code is among the failed checks; 0: none failed */
static void
assert_fails(struct fixture *f, int code)
{
	_cleanup_checks_ struct checks c = { 0 };
	bool seen = false;
	size_t i;

	assert_int_equal(attest_answer_check(&f->answer, &f->x, &c), 0);
	for (i = 0; i < c.n; i++) {
		if (!c.v[i].pass && code == 0)
			fail_msg("%s: %s, expected %s", err_id(c.v[i].code),
			    c.v[i].found, c.v[i].expected);
		if (!c.v[i].pass && c.v[i].code == code)
			seen = true;
	}
	if (code != 0 && !seen)
		fail_msg("no failed check %s", err_id(code));
}

/* the only failed check */
static void
assert_fails_only(struct fixture *f, int code)
{
	_cleanup_checks_ struct checks c = { 0 };

	assert_fails(f, code);
	assert_int_equal(attest_answer_check(&f->answer, &f->x, &c), 0);
	assert_int_equal(checks_failed(&c), 1);
}

static void
test_round_trip(void **state)
{
	_cleanup_checks_ struct checks c = { 0 };
	struct fixture *f = *state;
	struct attest_answer without = f->answer;

	assert_fails(f, 0);
	assert_int_equal(attest_answer_check(&f->answer, &f->x, &c), 0);
	assert_int_equal(c.n, 25);
	/* nothing is compared with what was not given */
	f->x.log = NULL;
	f->x.chain = NULL;
	assert_fails(f, 0);
	f->pinned.has_anchor = false;
	f->answer.has_anchor = false;
	assert_fails(f, 0);
	f->answer = without;
}

/* --- what the answer claims, and what it is compared with --- */
static void
test_claims(void **state)
{
	struct fixture *f = *state;
	uint8_t other[32] = { 1 };

	f->x.challenge = other;
	assert_fails(f, CS_E_ATTEST_CHALLENGE);
	assert_fails(f, CS_E_ATTEST_NONCE);
	f->x.challenge = NULL;
	assert_fails(f, CS_E_ATTEST_CHALLENGE);
	assert_fails(f, CS_E_ATTEST_NONCE);
	f->x.challenge = challenge;
	/* the challenge claimed is right, the one attested was another */
	f->answer.checkpoint[0] ^= 1;
	assert_fails(f, CS_E_ATTEST_NONCE);
	assert_fails(f, CS_E_ATTEST_CHAIN_LAST);
	f->answer.checkpoint[0] ^= 1;
	f->answer.image_version++;
	assert_fails_only(f, CS_E_ATTEST_IMAGE);
	f->answer.image_version--;
	f->answer.index++;
	assert_fails_only(f, CS_E_ATTEST_INDEX);
	f->answer.index--;
	f->answer.has_anchor = false;
	assert_fails_only(f, CS_E_ATTEST_INDEX);
	f->answer.has_anchor = true;
	assert_fails(f, 0);
}

static void
test_golden(void **state)
{
	struct fixture *f = *state;

	f->golden.pcrs.mask |= 1u << 4;
	assert_fails(f, CS_E_ATTEST_SELECT);
	f->golden.pcrs.mask = MASK & ~(1u << 12);
	assert_fails(f, CS_E_ATTEST_SELECT);
	f->golden.pcrs.mask = MASK;
	f->golden.pcrs.value[11][31] ^= 1;
	assert_fails(f, CS_E_ATTEST_PCR);
	assert_fails(f, CS_E_ATTEST_LOG_PCR);
	f->golden.pcrs.value[11][31] ^= 1;
	/* an event that the TPM never saw */
	eventlog_action(&f->log, 12, "more");
	f->x.log = f->log.p;
	f->x.log_len = f->log.len;
	assert_fails_only(f, CS_E_ATTEST_LOG_PCR);
	f->x.log_len--;
	assert_fails_only(f, CS_E_ATTEST_LOG_FORM);
}

static void
test_chain(void **state)
{
	struct fixture *f = *state;

	f->chain[0] ^= 1;
	assert_fails_only(f, CS_E_ATTEST_CHAIN);
	f->chain[0] ^= 1;
	f->x.last = NOTE1;
	assert_fails_only(f, CS_E_ATTEST_CHAIN_LAST);
	f->x.last = NOTE2;
	/* one checkpoint less, and the two in another order */
	memset(f->chain, 0, sizeof(f->chain));
	assert_int_equal(attest_chain_step(f->chain, NOTE2, strlen(NOTE2)), 0);
	assert_fails_only(f, CS_E_ATTEST_CHAIN);
	assert_int_equal(attest_chain_step(f->chain, NOTE1, strlen(NOTE1)), 0);
	assert_fails_only(f, CS_E_ATTEST_CHAIN);
	/* the index was defined anew under the same number */
	f->pinned.anchor[5] ^= 1;
	assert_fails(f, CS_E_ATTEST_NV_NAME);
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
	struct fixture *f = *state;
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
		assert_fails(f, want[i]);
		assert_fails(f, CS_E_ATTEST_SIGNATURE);
	}
	/* a quote is no certified index, and the other way round */
	f->answer.quote = f->answer.anchor;
	assert_fails_only(f, CS_E_ATTEST_TYPE);
	f->answer.anchor = good;
	assert_fails(f, CS_E_ATTEST_TYPE);
	f->answer.quote = good;
	assert_fails_only(f, CS_E_ATTEST_TYPE);
}

static void
test_anchor_fields(void **state)
{
	struct fixture *f = *state;
	TPMS_ATTEST was, t;

	load_attest(&f->answer.anchor, &was);
	t = was;
	t.attested.nv.offset = 1;
	store_attest(&f->answer.anchor, &t);
	assert_fails(f, CS_E_ATTEST_NV_OFFSET);
	t = was;
	t.attested.nv.nvContents.size = 31;
	store_attest(&f->answer.anchor, &t);
	assert_fails(f, CS_E_ATTEST_NV_SIZE);
	assert_fails(f, CS_E_ATTEST_CHAIN);
	t.attested.nv.nvContents.size = 200;
	store_attest(&f->answer.anchor, &t);
	assert_fails(f, CS_E_ATTEST_NV_SIZE);
	t = was;
	t.attested.nv.indexName.name[2] ^= 1;
	store_attest(&f->answer.anchor, &t);
	assert_fails(f, CS_E_ATTEST_NV_NAME);
	t = was;
	t.extraData.buffer[0] ^= 1;
	store_attest(&f->answer.anchor, &t);
	assert_fails(f, CS_E_ATTEST_NONCE);
}

/* every byte counts, and nothing may follow or be missing */
static void
test_bytes(void **state)
{
	struct fixture *f = *state;
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
	assert_fails_only(f, CS_E_ATTEST_FORM);
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
	assert_fails_only(f, CS_E_ATTEST_SIG_FORM);
}

/* fields that are legal, but longer than any of ours */
static void
test_long_fields(void **state)
{
	struct fixture *f = *state;
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
	struct fixture *f = *state;
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
		assert_fails_only(f, CS_E_ATTEST_SIG_FORM);
	}
	*q = good;
	assert_fails(f, 0);
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
	struct fixture *f = *state;
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
		must(parse_changed(&p, &other, &d), &d);
		assert_int_equal(attest_ak_check(other, &d),
		    CS_E_ATTEST_AK_ATTR);
		attest_ak_free(&other);
	}
	p = was;
	p.publicArea.objectAttributes |= TPMA_OBJECT_DECRYPT;
	must(parse_changed(&p, &other, &d), &d);
	assert_int_equal(attest_ak_check(other, &d), CS_E_ATTEST_AK_ATTR);
	/* in an answer, too */
	attest_ak_free(&f->pinned.ak);
	f->pinned.ak = take_ptr(other);
	assert_fails(f, CS_E_ATTEST_AK_ATTR);
	assert_fails(f, CS_E_ATTEST_AK_NAME);
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
	} bad[] = {
		{ 0, TPMA_NV_WRITTEN, 32 },
		{ 0, TPMA_NV_AUTHREAD, 32 },
		{ TPMA_NV_ORDERLY, 0, 32 },
		{ TPMA_NV_CLEAR_STCLEAR, 0, 32 },
		{ 0, TPMA_NV_TPM2_NT_MASK, 32 },
		{ 0, 0, 20 },
	};
	struct fixture *f = *state;
	struct buf pub = BUF_INIT(ATTEST_MAX);
	uint8_t name[ATTEST_NAME_LEN], out[256];
	struct diag d = { 0 };
	uint32_t index;
	size_t i, n = 0;

	must(tpm_nv_public_read(f->t, INDEX, &pub, &d), &d);
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
		assert_int_equal(Tss2_MU_TPM2B_NV_PUBLIC_Marshal(&nv, out,
				     sizeof(out), &n),
		    0);
		assert_int_equal(attest_nv_parse(out, n, &index, name, &d),
		    CS_E_ATTEST_NV_FORM);
	}
	for (i = 0; i < pub.len; i++)
		assert_int_equal(attest_nv_parse(pub.p, i, &index, name, &d),
		    CS_E_ATTEST_NV_FORM);
	assert_int_equal(tpm_nv_public_read(f->t, 0x01500099, &pub, &d),
	    CS_E_TPM_FAIL);
	buf_done(&pub);
}

/* --- credentials --- */
static void
activate(struct fixture *f, bool rsa)
{
	struct buf ek = BUF_INIT(ATTEST_MAX), cert = BUF_INIT(ATTEST_MAX);
	struct buf cred = BUF_INIT(ATTEST_MAX);
	uint8_t secret[32], name[ATTEST_NAME_LEN];
	struct secret *out = NULL;
	struct pubkey *key = NULL;
	struct diag d = { 0 };
	size_t i;

	must(tpm_ek_read(f->t, &ek, &cert, &d), &d);
	must(attest_ek_parse(ek.p, ek.len, &key, &d), &d);
	assert_int_equal(EVP_PKEY_get_base_id(key->pkey) == EVP_PKEY_RSA, rsa);
	assert_int_equal(RAND_bytes(secret, 32), 1);
	must(attest_make_credential(ek.p, ek.len, f->pinned.ak->name, secret,
		 &cred, &d),
	    &d);
	must(tpm_activate(f->t, cred.p, cred.len, &out, &d), &d);
	assert_int_equal(secret_len(out), 32);
	assert_memory_equal(secret_data(out), secret, 32);
	secret_free(&out);
	for (i = 8; i < cred.len; i += 5) { /* an altered one */
		cred.p[i] ^= 0x40;
		assert_int_not_equal(tpm_activate(f->t, cred.p, cred.len, &out,
					 &d),
		    0);
		assert_null(out);
		cred.p[i] ^= 0x40;
	}
	/* for another key of the same TPM */
	memcpy(name, f->pinned.ak->name, sizeof(name));
	name[33] ^= 1;
	must(attest_make_credential(ek.p, ek.len, name, secret, &cred, &d), &d);
	assert_int_equal(tpm_activate(f->t, cred.p, cred.len, &out, &d),
	    CS_E_ATTEST_CRED_OTHER);
	assert_null(out);
	pubkey_free(&key);
	buf_done(&ek);
	buf_done(&cert);
	buf_done(&cred);
}

static void
test_credential(void **state)
{
	struct fixture *f = *state;
	const uint8_t cert[] = { 0x30, 0x03, 0x02, 0x01, 0x00 };
	struct buf got = BUF_INIT(ATTEST_MAX), ek = BUF_INIT(ATTEST_MAX);
	struct pubkey *key = NULL;
	struct diag d = { 0 };
	TPM2B_PUBLIC pub;

	activate(f, false);
	write_index(f->t, NV_RSA, cert, sizeof(cert));
	activate(f, true);
	must(tpm_ek_read(f->t, &ek, &got, &d), &d);
	/* only RSA 2048 */
	assert_int_equal(attest_unmarshal_public(ek.p, ek.len, &pub), 0);
	memset(pub.publicArea.unique.rsa.buffer, 0xc5, 512);
	pub.publicArea.unique.rsa.size = 512;
	buf_reset(&ek);
	assert_int_equal(attest_marshal_public(&pub, &ek), 0);
	assert_int_equal(attest_ek_parse(ek.p, ek.len, &key, &d),
	    CS_E_ATTEST_EK_FORM);
	assert_null(key);
	assert_int_equal(got.len, sizeof(cert));
	assert_memory_equal(got.p, cert, sizeof(cert));
	/* with both, ECC */
	write_index(f->t, NV_ECC, cert, sizeof(cert));
	activate(f, false);
	buf_done(&got);
	buf_done(&ek);
}

static void
test_credential_form(void **state)
{
	struct fixture *f = *state;
	struct buf ek = BUF_INIT(ATTEST_MAX), cert = BUF_INIT(ATTEST_MAX);
	struct buf cred = BUF_INIT(ATTEST_MAX);
	const uint8_t secret[32] = { 1 };
	struct secret *out = NULL;
	struct diag d = { 0 };
	size_t i;

	must(tpm_ek_read(f->t, &ek, &cert, &d), &d);
	must(attest_make_credential(ek.p, ek.len, f->pinned.ak->name, secret,
		 &cred, &d),
	    &d);
	for (i = 0; i < cred.len; i++)
		assert_int_equal(tpm_activate(f->t, cred.p, i, &out, &d),
		    CS_E_ATTEST_CRED_FORM);
	for (i = 0; i < 8; i++) {
		cred.p[i] ^= 1;
		assert_int_equal(tpm_activate(f->t, cred.p, cred.len, &out, &d),
		    CS_E_ATTEST_CRED_FORM);
		cred.p[i] ^= 1;
	}
	assert_int_equal(buf_put_u8(&cred, 0), 0);
	assert_int_equal(tpm_activate(f->t, cred.p, cred.len, &out, &d),
	    CS_E_ATTEST_CRED_FORM);
	/* an EK of another template gets none */
	ek.p[9] ^= 1; /* attributes */
	assert_int_equal(attest_make_credential(ek.p, ek.len,
			     f->pinned.ak->name, secret, &cred, &d),
	    CS_E_ATTEST_EK_FORM);
	buf_done(&ek);
	buf_done(&cert);
	buf_done(&cred);
}

/* sized fields that are empty, or more than their structure holds */
static void
test_credential_sizes(void **state)
{
	static const uint16_t sizes[][2] = { { 0, 32 }, { 32, 0 }, { 900, 32 },
		{ 32, 900 } };
	struct fixture *f = *state;
	const uint8_t zero[900] = { 0 };
	struct secret *out = NULL;
	struct diag d;
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(sizes); i++) {
		struct buf b = BUF_INIT(ATTEST_MAX);

		assert_int_equal(buf_put_u32(&b, ATTEST_CRED_MAGIC), 0);
		assert_int_equal(buf_put_u32(&b, 1), 0);
		for (k = 0; k < 2; k++) {
			assert_int_equal(buf_put_u16(&b, sizes[i][k]), 0);
			assert_int_equal(buf_put(&b, zero, sizes[i][k]), 0);
		}
		assert_int_equal(tpm_activate(f->t, b.p, b.len, &out, &d),
		    CS_E_ATTEST_CRED_FORM);
		buf_done(&b);
	}
}

/* --- EK certificates --- */
static EVP_PKEY *
new_key(void)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");

	assert_non_null(k);
	return k;
}

static void
add_ext(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* eku NULL: a CA */
static X509 *
new_cert(EVP_PKEY *key, const char *cn, EVP_PKEY *ca, const char *issuer,
    const char *eku)
{
	X509 *x = X509_new();

	assert_non_null(x);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
	    (const unsigned char *)cn, -1, -1, 0);
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_ASC,
	    (const unsigned char *)issuer, -1, -1, 0);
	if (eku == NULL)
		add_ext(x, NID_basic_constraints, "critical,CA:TRUE");
	else if (*eku != '\0')
		add_ext(x, NID_ext_key_usage, eku);
	assert_true(X509_sign(x, ca, EVP_sha256()) > 0);
	return x;
}

static int
check_cert(const struct pubkey *ek, X509 *cert, X509 *ca)
{
	uint8_t *der = NULL, padded[2048];
	int len = i2d_X509(cert, &der), r;
	BIO *bio = BIO_new(BIO_s_mem());
	struct diag d;
	char *pem;

	assert_true(len > 0 && len < 2000);
	assert_int_equal(PEM_write_bio_X509(bio, ca), 1);
	memset(padded, 0xff, sizeof(padded));
	memcpy(padded, der, (size_t)len);
	r = attest_ek_check_cert(ek, padded, (size_t)len + 20,
	    (BIO_get_mem_data(bio, &pem), pem), (size_t)BIO_pending(bio), &d);
	padded[len + 3] = 'x';
	assert_int_equal(attest_ek_check_cert(ek, padded, (size_t)len + 20, pem,
			     (size_t)BIO_pending(bio), &d),
	    CS_E_ATTEST_EK_CERT);
	assert_int_equal(attest_ek_check_cert(ek, der, (size_t)len, "", 0, &d),
	    r == 0 ? CS_E_ATTEST_EK_CERT : r);
	OPENSSL_free(der);
	BIO_free(bio);
	return r;
}

static void
test_ek_cert(void **state)
{
	static const char use[] = "2.23.133.8.1";
	struct fixture *f = *state;
	struct buf ek = BUF_INIT(ATTEST_MAX), nv = BUF_INIT(ATTEST_MAX);
	EVP_PKEY *root = new_key(), *rogue = new_key();
	X509 *ca = new_cert(root, "CA", root, "CA", NULL);
	X509 *rogue_ca = new_cert(rogue, "CA", rogue, "CA", NULL);
	struct pubkey *key = NULL;
	struct diag d = { 0 };
	X509 *x;

	must(tpm_ek_read(f->t, &ek, &nv, &d), &d);
	assert_int_equal(nv.len, 0);
	must(attest_ek_parse(ek.p, ek.len, &key, &d), &d);
	x = new_cert(key->pkey, "EK", root, "CA", use);
	assert_int_equal(check_cert(key, x, ca), 0);
	assert_int_equal(check_cert(key, x, rogue_ca), CS_E_ATTEST_EK_CERT);
	/* itself as CA */
	assert_int_equal(check_cert(key, x, x), CS_E_ATTEST_EK_CERT);
	X509_free(x);
	x = new_cert(key->pkey, "EK", root, "CA", "serverAuth");
	assert_int_equal(check_cert(key, x, ca), CS_E_ATTEST_EK_USE);
	X509_free(x);
	x = new_cert(key->pkey, "EK", root, "CA", "");
	assert_int_equal(check_cert(key, x, ca), CS_E_ATTEST_EK_USE);
	X509_free(x);
	x = new_cert(rogue, "EK", root, "CA", use);
	assert_int_equal(check_cert(key, x, ca), CS_E_ATTEST_EK_KEY);
	X509_free(x);
	x = new_cert(key->pkey, "EK", root, "CA", use);
	X509_gmtime_adj(X509_getm_notAfter(x), -10);
	assert_true(X509_sign(x, root, EVP_sha256()) > 0);
	assert_int_equal(check_cert(key, x, ca), CS_E_ATTEST_EK_CERT);
	X509_free(x);
	X509_free(ca);
	X509_free(rogue_ca);
	EVP_PKEY_free(root);
	EVP_PKEY_free(rogue);
	pubkey_free(&key);
	buf_done(&ek);
	buf_done(&nv);
}

/* --- the TPM's side --- */
static void
assert_nothing_loaded(struct tpm *t)
{
	static const uint32_t ranges[] = { TRANSIENT, SESSIONS };
	size_t i;

	for (i = 0; i < ARRAY_LEN(ranges); i++) {
		TPMS_CAPABILITY_DATA *cap = NULL;
		TPMI_YES_NO more;

		assert_int_equal(Esys_GetCapability(t->esys, ESYS_TR_NONE,
				     ESYS_TR_NONE, ESYS_TR_NONE,
				     TPM2_CAP_HANDLES, ranges[i], 8, &more,
				     &cap),
		    0);
		assert_int_equal(cap->data.handles.count, 0);
		Esys_Free(cap);
	}
}

static void
test_no_leak(void **state)
{
	struct fixture *f = *state;
	struct attest_evidence e;
	struct secret *out = NULL;
	struct diag d;
	int i;

	for (i = 0; i < 10; i++) {
		assert_int_equal(tpm_quote(f->t, MASK, challenge, &e, &d), 0);
		assert_int_equal(tpm_quote(f->t, 0, challenge, &e, &d),
		    CS_E_TPM_SELECT);
		assert_int_equal(tpm_quote(f->t, 1u << 24, challenge, &e, &d),
		    CS_E_TPM_SELECT);
		assert_int_equal(tpm_nv_certify(f->t, INDEX, challenge, &e, &d),
		    0);
		assert_int_equal(tpm_nv_certify(f->t, 0x01500055, challenge, &e,
				     &d),
		    CS_E_TPM_FAIL);
		assert_int_equal(tpm_activate(f->t, (const uint8_t *)"x", 1,
				     &out, &d),
		    CS_E_ATTEST_CRED_FORM);
	}
	activate(f, false);
	assert_nothing_loaded(f->t);
	/* an index that nobody has written cannot be certified */
	define_index(f->t, 0x01500056, 32, TPM2_NT_EXTEND);
	assert_int_equal(tpm_nv_certify(f->t, 0x01500056, challenge, &e, &d),
	    CS_E_TPM_FAIL);
	assert_nothing_loaded(f->t);
}

/* the same key after a power cut; another one in another TPM */
static void
test_same_ak(void **state)
{
	struct fixture *f = *state;
	struct buf pub = BUF_INIT(ATTEST_MAX);
	struct fixture *other;
	struct diag d = { 0 };
	void *s = NULL;

	tpm_close(&f->t);
	swtpm_kill(&f->sw);
	swtpm_start(&f->sw);
	must(tpm_open(f->sw.tcti, 0, &f->t, &d), &d);
	must(tpm_ak_read(f->t, &pub, &d), &d);
	assert_int_equal(pub.len, f->pinned.ak->pub_len);
	assert_memory_equal(pub.p, f->pinned.ak->pub, pub.len);
	buf_done(&pub);
	assert_int_equal(setup(&s), 0);
	other = s;
	f->x.pinned = &other->pinned;
	assert_fails(f, CS_E_ATTEST_AK_NAME);
	assert_fails(f, CS_E_ATTEST_SIGNATURE);
	assert_int_equal(teardown(&s), 0);
}

/* --- files --- */
static void
test_answer_form(void **state)
{
	static const struct {
		const char *from, *to;
	} bad[] = {
		{ "coldseal-attest-v1", "coldseal-attest-v2" },
		{ "\"image_version\":7", "\"image_version\":-7" },
		{ "\"image_version\":7", "\"image_version\": 7" },
		{ "\"challenge\":\"c0", "\"challenge\":\"C0" },
		{ "\"challenge\":\"c0", "\"challenge\":\"c" },
		{ "\"index\":\"0x01500013\"", "\"index\":\"0x1500013\"" },
		{ "\"index\":\"0x01500013\"", "\"index\":\"0x0150001G\"" },
		{ "\"attest\":\"", "\"attest\":\"*" },
		{ "\"checkpoint\"", "\"checkpoints\"" },
		{ "\"checkpoint\":\"", "\"checkpoint\":\"AAAA" },
		{ "\"type\"", "\"more\":1,\"type\"" },
		{ "{\"anchor\"", " {\"anchor\"" },
	};
	struct fixture *f = *state;
	_cleanup_free_ char *text = NULL;
	struct attest_answer a;
	struct diag d = { 0 };
	size_t len, i, at;
	char changed[8192], *p;

	must(attest_answer_format(&f->answer, &text, &len, &d), &d);
	must(attest_answer_parse(text, len, &a, &d), &d);
	attest_answer_done(&a);
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		p = strstr(text, bad[i].from);
		assert_non_null(p);
		at = (size_t)(p - text);
		assert_true(
		    snprintf(changed, sizeof(changed), "%.*s%s%s", (int)at,
			text, bad[i].to,
			p + strlen(bad[i].from)) < (int)sizeof(changed));
		if (attest_answer_parse(changed, strlen(changed), &a, &d) !=
		    CS_E_ATTEST_ANSWER)
			fail_msg("case %zu is accepted", i);
	}
	for (i = 0; i < len; i += 7)
		assert_int_equal(attest_answer_parse(text, i, &a, &d),
		    CS_E_ATTEST_ANSWER);
	/* a note of more than 16 KiB */
	free(take_ptr(text));
	free(f->answer.checkpoint);
	f->answer.checkpoint = calloc(1, 17000);
	assert_non_null(f->answer.checkpoint);
	memset(f->answer.checkpoint, 'x', 16999);
	must(attest_answer_format(&f->answer, &text, &len, &d), &d);
	assert_int_equal(attest_answer_parse(text, len, &a, &d),
	    CS_E_ATTEST_ANSWER);
}

static void
test_golden_form(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"pcrs\":{},\"version\":1}",
		"{\"pcrs\":{\"24\":\"" DIGITS "\"},\"version\":1}",
		"{\"pcrs\":{\"07\":\"" DIGITS "\"},\"version\":1}",
		"{\"pcrs\":{\"7\":\"0\"},\"version\":1}",
		"{\"pcrs\":{\"7\":\"" DIGITS "\"},\"version\":\"1\"}",
		"{\"pcrs\":{\"7\":\"" DIGITS "\"},\"version\":1,\"x\":1}",
		"{\"pcrs\":{\"7\":\"" DIGITS "\"}}",
	};
	static const char good[] = "{\"pcrs\":{\"7\":\"" DIGITS
				   "\",\"23\":\"" DIGITS "\"},\"version\":9}";
	struct attest_golden g;
	struct diag d = { 0 };
	size_t i;

	(void)state;
	must(attest_golden_parse(good, strlen(good), &g, &d), &d);
	assert_int_equal(g.version, 9);
	assert_int_equal(g.pcrs.mask, 1u << 7 | 1u << 23);
	for (i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(attest_golden_parse(bad[i], strlen(bad[i]), &g,
				     &d),
		    CS_E_ATTEST_GOLDEN);
}

static void
test_pinned_form(void **state)
{
	static const struct {
		const char *from, *to;
	} bad[] = {
		{ "\"ak_name\":\"000b", "\"ak_name\":\"000c" },
		{ "\"index\":\"0x0", "\"index\":\"0X0" },
		{ "\"name\":\"000b", "\"name\":\"0b" },
		{ "\"ek_trust\":\"pinned\"", "\"ek_trust\":\"me\"" },
		{ "\"type\"", "\"expect\":\"" DIGITS "\",\"type\"" },
		{ "\"ak_public\":\"A", "\"ak_public\":\"B" },
	};
	struct fixture *f = *state;
	_cleanup_free_ char *text = NULL;
	struct attest_pinned p;
	struct diag d = { 0 };
	char changed[4096], *at;
	size_t len, i;

	must(attest_pinned_format(&f->pinned, &text, &len, &d), &d);
	must(attest_pinned_parse(text, len, false, &p, &d), &d);
	assert_memory_equal(p.ak->name, f->pinned.ak->name, ATTEST_NAME_LEN);
	assert_memory_equal(p.anchor, f->pinned.anchor, ATTEST_NAME_LEN);
	assert_int_equal(p.index, INDEX);
	attest_pinned_done(&p);
	/* an enrolment that is not finished is no pinned key */
	assert_int_equal(attest_pinned_parse(text, len, true, &p, &d),
	    CS_E_ATTEST_ENROLMENT);
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		at = strstr(text, bad[i].from);
		assert_non_null(at);
		assert_true(
		    snprintf(changed, sizeof(changed), "%.*s%s%s",
			(int)(at - text), text, bad[i].to,
			at + strlen(bad[i].from)) < (int)sizeof(changed));
		if (attest_pinned_parse(changed, strlen(changed), false, &p,
			&d) != CS_E_ATTEST_PINNED)
			fail_msg("case %zu is accepted", i);
	}
	f->pinned.pending = true;
	free(text);
	must(attest_pinned_format(&f->pinned, &text, &len, &d), &d);
	assert_int_equal(attest_pinned_parse(text, len, false, &p, &d),
	    CS_E_ATTEST_PINNED);
	must(attest_pinned_parse(text, len, true, &p, &d), &d);
	attest_pinned_done(&p);
}

static void
test_activation_answer(void **state)
{
	const uint8_t secret[32] = { 5 };
	struct attest_pinned p = { .pending = true };
	struct diag d = { 0 };
	uint8_t answer[32];

	(void)state;
	assert_int_equal(attest_activation_answer(secret, answer), 0);
	assert_int_equal(sha256(answer, 32, p.expect), 0);
	must(attest_check_activation(&p, answer, &d), &d);
	answer[0] ^= 1;
	assert_int_equal(attest_check_activation(&p, answer, &d),
	    CS_E_ATTEST_ACTIVATE);
	/* what the enrolment file holds is no answer */
	assert_int_equal(attest_check_activation(&p, p.expect, &d),
	    CS_E_ATTEST_ACTIVATE);
}

/* --- event logs --- */
static int
replay(const struct buf *b, struct attest_pcrs *ret)
{
	struct diag d;
	size_t n;

	return attest_log_replay(b->p, b->len, ret, &n, &d);
}

static void
test_log(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct attest_pcrs a, c;
	const uint8_t ones[32] = { [0 ... 31] = 0xff };
	const uint8_t three[32] = { [31] = 3 };
	size_t i, len;

	(void)state;
	eventlog_begin(&b);
	assert_int_equal(replay(&b, &a), 0);
	assert_memory_equal(a.value[17], ones, 32);
	eventlog_locality(&b, 3);
	assert_int_equal(replay(&b, &a), 0);
	assert_memory_equal(a.value[0], three, 32);
	eventlog_action(&b, 0, "crtm");
	eventlog_action(&b, 4, "boot");
	assert_int_equal(replay(&b, &a), 0);
	len = b.len;
	for (i = 0; i < len; i++) { /* no prefix but at an event's end */
		b.len = i;
		(void)replay(&b, &c);
	}
	b.len = len;
	eventlog_locality(&b, 3); /* too late */
	assert_int_equal(replay(&b, &c), CS_E_ATTEST_LOG_FORM);
	b.len = len;
	eventlog_action(&b, 24, "no such PCR");
	assert_int_equal(replay(&b, &c), CS_E_ATTEST_LOG_FORM);
	b.len = len - 1;
	assert_int_equal(replay(&b, &c), CS_E_ATTEST_LOG_FORM);
	buf_done(&b);
}

/* a bank in the header, a digest of an event: each is counted and known */
static void
test_log_fields(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		int want;
	} bad[] = {
		{ 0, 1, CS_E_ATTEST_LOG_FORM },	     /* PCR of the header */
		{ 4, 1, CS_E_ATTEST_LOG_FORM },	     /* type of the header */
		{ 8, 1, CS_E_ATTEST_LOG_FORM },	     /* digest of the header */
		{ 28, 1, CS_E_ATTEST_LOG_FORM },     /* length */
		{ 32, 'X', CS_E_ATTEST_LOG_FORM },   /* signature */
		{ 46, '2', CS_E_ATTEST_LOG_FORM },   /* its version */
		{ 56, 0, CS_E_ATTEST_LOG_FORM },     /* no bank */
		{ 56, 9, CS_E_ATTEST_LOG_FORM },     /* more than a TPM has */
		{ 60, 0x0b, CS_E_ATTEST_LOG_FORM },  /* SHA-256 of 20 bytes */
		{ 62, 0, CS_E_ATTEST_LOG_FORM },     /* digests of 0 bytes */
		{ 64, 0x0c, CS_E_ATTEST_LOG_BANK },  /* no SHA-256 */
		{ 66, 31, CS_E_ATTEST_LOG_FORM },    /* SHA-256 of 31 bytes */
		{ 68, 1, CS_E_ATTEST_LOG_FORM },     /* vendor bytes */
		{ 77, 1, CS_E_ATTEST_LOG_FORM },     /* one digest */
		{ 77, 0xff, CS_E_ATTEST_LOG_FORM },  /* 255 digests */
		{ 81, 0x0b, CS_E_ATTEST_LOG_FORM },  /* SHA-256 twice */
		{ 81, 0x77, CS_E_ATTEST_LOG_FORM },  /* an unknown bank */
		{ 138, 0xff, CS_E_ATTEST_LOG_FORM }, /* longer than the log */
	};
	struct buf b = BUF_INIT(4096);
	struct attest_pcrs p;
	uint8_t was;
	size_t i;

	(void)state;
	eventlog_begin(&b);
	assert_int_equal(b.len, 69);
	eventlog_action(&b, 7, "event");
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		was = b.p[bad[i].at];
		b.p[bad[i].at] = bad[i].value;
		if (replay(&b, &p) != bad[i].want)
			fail_msg("byte %zu = 0x%02x", bad[i].at, bad[i].value);
		b.p[bad[i].at] = was;
	}
	assert_int_equal(replay(&b, &p), 0);
	buf_done(&b);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

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
		T(credential),
		T(credential_form),
		T(credential_sizes),
		T(ek_cert),
		T(no_leak),
		T(same_ak),
		T(answer_form),
		T(pinned_form),
		cmocka_unit_test(test_golden_form),
		cmocka_unit_test(test_activation_answer),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_log_fields),
	};

	(void)setenv("TSS2_LOG", "all+NONE", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
