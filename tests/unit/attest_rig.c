/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/attest_rig.h"

#include "tests/lib/eventlog.h"

const uint8_t attest_challenge[32] = { 0xc0, 1, 2, 3 };

void
attest_must(int r, const struct diag *d)
{
	if (r != 0)
		fail_msg("%s: %s: found %s, expected %s", err_id(r),
		    err_text(r), d->found, d->expected);
}

void
attest_define_index(struct tpm *t, uint32_t index, uint16_t size, uint32_t type)
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
void
attest_write_index(struct tpm *t, uint32_t index, const uint8_t *p, size_t len)
{
	TPM2B_MAX_NV_BUFFER data = { .size = (UINT16)len };
	ESYS_TR h;

	attest_define_index(t, index, (uint16_t)len, TPM2_NT_ORDINARY);
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
measure(struct attest_rig *f, unsigned pcr, const char *text)
{
	struct diag d = { 0 };
	uint8_t digest[32];

	eventlog_action(&f->log, pcr, text);
	assert_int_equal(sha256(text, strlen(text), digest), 0);
	attest_must(tpm_pcr_extend(f->t, pcr, digest, &d), &d);
}

static void
make_golden(struct attest_rig *f)
{
	struct diag d = { 0 };
	unsigned i;

	f->golden.version = VERSION;
	f->golden.pcrs.mask = MASK;
	for (i = 0; i < ATTEST_PCRS; i++)
		if ((MASK & 1u << i) != 0)
			attest_must(tpm_pcr_read(f->t, i,
					f->golden.pcrs.value[i], &d),
			    &d);
}

static void
make_pinned(struct attest_rig *f)
{
	struct buf pub = BUF_INIT(ATTEST_MAX);
	struct diag d = { 0 };

	attest_must(tpm_ak_read(f->t, &pub, &d), &d);
	attest_must(attest_ak_parse(pub.p, pub.len, &f->pinned.ak, &d), &d);
	attest_must(tpm_nv_public_read(f->t, INDEX, &pub, &d), &d);
	attest_must(attest_nv_parse(pub.p, pub.len, &f->pinned.index,
			f->pinned.anchor, &d),
	    &d);
	f->pinned.has_anchor = true;
	buf_done(&pub);
}

static void
make_answer(struct attest_rig *f)
{
	const struct attest_facts facts = {
		.image_version = VERSION,
		.policy_version = 2,
		.policy = { 0xee },
		.checkpoint = NOTE2,
		.challenge = attest_challenge,
		.pcrs = MASK,
		.anchor = INDEX,
	};
	_cleanup_free_ char *text = NULL;
	struct diag d = { 0 };
	size_t len;

	attest_must(attest_answer(f->t, &facts, &text, &len, &d), &d);
	attest_must(attest_answer_parse(text, len, &f->answer, &d), &d);
}

int
attest_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct attest_rig *f = calloc(1, sizeof(*f));
	struct diag d = { 0 };
	char *dir;

	assert_non_null(f);
	assert_true(asprintf(&dir, "%s/cs-attest-XXXXXX",
			tmp != NULL ? tmp : "/tmp") > 0);
	assert_non_null(mkdtemp(dir));
	swtpm_make(&f->sw, dir);
	free(dir);
	attest_must(tpm_open(f->sw.tcti, 0, &f->t, &d), &d);
	f->log = (struct buf)BUF_INIT(4096);
	eventlog_begin(&f->log);
	measure(f, 7, "secure boot");
	measure(f, 11, "kernel");
	measure(f, 11, "initrd");
	attest_define_index(f->t, INDEX, 32, TPM2_NT_EXTEND);
	extend_index(f->t, NOTE1);
	extend_index(f->t, NOTE2);
	assert_int_equal(attest_chain_step(f->chain, NOTE1, strlen(NOTE1)), 0);
	assert_int_equal(attest_chain_step(f->chain, NOTE2, strlen(NOTE2)), 0);
	make_golden(f);
	make_pinned(f);
	make_answer(f);
	f->x = (struct attest_expected){ &f->pinned, &f->golden,
		attest_challenge, f->log.p, f->log.len, f->chain, NOTE2 };
	*state = f;
	return 0;
}

int
attest_teardown(void **state)
{
	struct attest_rig *f = *state;

	attest_answer_done(&f->answer);
	attest_pinned_done(&f->pinned);
	buf_done(&f->log);
	tpm_close(&f->t);
	swtpm_done(&f->sw);
	free(f);
	return 0;
}

/* code is among the failed checks; 0: none failed */
void
attest_fails(struct attest_rig *f, int code)
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
void
attest_fails_only(struct attest_rig *f, int code)
{
	_cleanup_checks_ struct checks c = { 0 };

	attest_fails(f, code);
	assert_int_equal(attest_answer_check(&f->answer, &f->x, &c), 0);
	assert_int_equal(checks_failed(&c), 1);
}
