/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <time.h>
#include <tss2/tss2_tctildr.h>

#include "tests/lib/tpm_rig.h"
#include "tpm/tpm_private.h"

/*
 * A TPM that is busy, and PCRs that change between two commands.  The TPM is a
 * real swtpm and its PCRs change really; only "busy" is a fake's word, since
 * no software TPM says it when it is asked to.
 */
#define MASK   ((1u << 7) | (1u << 16))
#define DOMAIN "release"
#define LABEL  "domain release policy 0"
#define PIN    "correct-horse-battery-77"
#define ALWAYS 1000000u

struct fake_busy {
	TSS2_TCTI_CONTEXT_COMMON_V1 v1; /* first: it is what ESAPI sees */
	TSS2_TCTI_CONTEXT *real;
	uint32_t cc;	  /* of this command; 0: of every one */
	uint32_t rc;	  /* it says this instead of doing it */
	unsigned left;	  /* so many times */
	unsigned changes; /* before so many commands cc a PCR changes */
	uint8_t pcr;
	bool lying;	 /* the next answer is the fake's */
	unsigned asked;	 /* commands cc that came */
	unsigned passed; /* that the TPM got */
};

static struct tpm_rig rig;
static struct fake_busy fake;

/* TPM2_PCR_Extend with an empty password session; the PCR is byte 13 */
static void
change_pcr(struct fake_busy *f)
{
	uint8_t cmd[65] = { 0x80, 0x02, 0, 0, 0, 65, 0, 0, 0x01, 0x82, 0, 0, 0,
		f->pcr, 0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0,
		0x0b };
	uint8_t answer[4096];
	size_t n = sizeof(answer);

	assert_int_equal(Tss2_Tcti_Transmit(f->real, sizeof(cmd), cmd), 0);
	assert_int_equal(Tss2_Tcti_Receive(f->real, &n, answer,
			     TSS2_TCTI_TIMEOUT_BLOCK),
	    0);
	assert_memory_equal(answer + 6, "\0\0\0\0", 4);
}

static TSS2_RC
transmit(TSS2_TCTI_CONTEXT *c, size_t len, const uint8_t *cmd)
{
	struct fake_busy *f = (struct fake_busy *)(void *)c;
	uint32_t cc = (uint32_t)cmd[6] << 24 | (uint32_t)cmd[7] << 16 |
	    (uint32_t)cmd[8] << 8 | cmd[9];

	if (f->cc == 0 || cc == f->cc) {
		f->asked++;
		f->lying = f->left > 0;
		if (f->lying) {
			f->left--;
			return TSS2_RC_SUCCESS;
		}
		f->passed++;
		if (f->changes > 0) {
			f->changes--;
			change_pcr(f);
		}
	}
	return Tss2_Tcti_Transmit(f->real, len, cmd);
}

static TSS2_RC
receive(TSS2_TCTI_CONTEXT *c, size_t *len, uint8_t *buf, int32_t timeout)
{
	struct fake_busy *f = (struct fake_busy *)(void *)c;
	const uint8_t busy[10] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0,
		(uint8_t)(f->rc >> 8), (uint8_t)f->rc };

	if (!f->lying)
		return Tss2_Tcti_Receive(f->real, len, buf, timeout);
	*len = sizeof(busy);
	if (buf != NULL) {
		memcpy(buf, busy, sizeof(busy));
		f->lying = false;
	}
	return TSS2_RC_SUCCESS;
}

static void
fake_free(TSS2_TCTI_CONTEXT **c)
{
	Tss2_TctiLdr_Finalize(&fake.real);
	*c = NULL;
}

static int
open_fake(unsigned left, uint32_t rc, struct diag *d)
{
	fake = (struct fake_busy){ .left = left, .rc = rc };
	fake.v1.magic = 0x636f6c6473656132u;
	fake.v1.version = 1;
	fake.v1.transmit = transmit;
	fake.v1.receive = receive;
	assert_int_equal(Tss2_TctiLdr_Initialize(rig.sw.tcti, &fake.real), 0);
	return tpm_open_tcti((TSS2_TCTI_CONTEXT *)(void *)&fake, fake_free, 0,
	    &rig.t, d);
}

/* Short waits: what is tested is that they end. */
static void
reopen(void)
{
	struct diag d = { 0 };

	tpm_close(&rig.t);
	if (open_fake(0, 0, &d) != 0)
		fail_msg("%s", d.found);
	rig.t->busy.limit_ms = 100;
}

static int
setup(void **state)
{
	static const char *const types[] = { "p256", "p256", "p256" };

	(void)state;
	tpm_rig_init(&rig, MASK, true);
	tpm_rig_people(&rig, types, ARRAY_LEN(types));
	reopen();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tpm_rig_done(&rig);
	return 0;
}

static void
when(uint32_t cc, unsigned left, uint32_t rc, unsigned changes, uint8_t pcr)
{
	fake.cc = cc;
	fake.left = left;
	fake.rc = rc;
	fake.changes = changes;
	fake.pcr = pcr;
	fake.asked = fake.passed = 0;
}

static void
no_handles(void)
{
	static const uint32_t first[] = { TPM2_TRANSIENT_FIRST,
		TPM2_LOADED_SESSION_FIRST };
	size_t i;

	when(0, 0, 0, 0, 0);
	tpm_release(rig.t);
	for (i = 0; i < ARRAY_LEN(first); i++) {
		_cleanup_tpm_free_ TPMS_CAPABILITY_DATA *cap = NULL;
		TPMI_YES_NO more;

		assert_int_equal(Esys_GetCapability(rig.t->esys, ESYS_TR_NONE,
				     ESYS_TR_NONE, ESYS_TR_NONE,
				     TPM2_CAP_HANDLES, first[i], 16, &more,
				     &cap),
		    0);
		assert_int_equal(cap->data.handles.count, 0);
	}
}

static struct secret *
pin_new(void)
{
	struct secret *s = NULL;

	assert_int_equal(secret_new(strlen(PIN), &s), 0);
	memcpy(secret_data(s), PIN, strlen(PIN));
	return s;
}

/* people: 2 of 3, or nobody */
static void
seal(bool people, struct buf *blob)
{
	_cleanup_secret_ struct secret *pin = pin_new();
	_cleanup_quorum_ struct quorum q = { 0 };
	struct tpm_guard g = { rig.img->key, 0, people ? DOMAIN : "audit",
		people ? &q : NULL };

	tpm_rig_quorum(&rig, 3, 2, &q);
	assert_int_equal(tpm_nv_counter(rig.t, TPM_NV_GENERATION, &g.generation,
			     NULL),
	    0);
	assert_int_equal(tpm_seal(rig.t, &g, LABEL, pin, blob, NULL), 0);
}

static int
unseal(const struct buf *blob, const struct tpm_ballot *b, struct diag *d)
{
	_cleanup_secret_ struct secret *out = NULL, *pin = pin_new();
	int r =
	    tpm_unseal(rig.t, rig.img, blob->p, blob->len, LABEL, b, &out, d);

	if (r == 0)
		assert_int_equal(secret_equal(out, pin), 1);
	else
		assert_null(out);
	return r;
}

/* Every command of an unseal is put off a few times: it comes out, once. */
static void
test_survived(void **state)
{
	static const uint32_t codes[] = { TPM2_RC_RETRY, TPM2_RC_YIELDED,
		TPM2_RC_TESTING, TPM2_RC_NV_RATE, TPM2_RC_NV_UNAVAILABLE };
	static const uint32_t cc[] = { TPM2_CC_NV_Read, TPM2_CC_Load,
		TPM2_CC_StartAuthSession, TPM2_CC_PolicyPCR, TPM2_CC_PolicyNV,
		TPM2_CC_PolicyAuthorize, TPM2_CC_Unseal, TPM2_CC_FlushContext };
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	struct diag d = { 0 };
	size_t i;

	(void)state;
	seal(false, &blob);
	for (i = 0; i < ARRAY_LEN(cc); i++) {
		when(cc[i], 4, TPM2_RC_RETRY, 0, 0);
		if (unseal(&blob, NULL, &d) != 0)
			fail_msg("%s: %s", err_id(d.code), d.found);
		assert_int_equal(fake.left, 0);
		assert_int_equal(fake.asked, fake.passed + 4);
		if (cc[i] == TPM2_CC_Unseal)
			assert_int_equal(fake.passed, 1);
	}
	/* longer than ESAPI alone would go on: it gives up after five */
	rig.t->busy.limit_ms = 60000;
	for (i = 0; i < ARRAY_LEN(codes); i++) {
		when(TPM2_CC_Unseal, 6, codes[i], 0, 0);
		assert_int_equal(unseal(&blob, NULL, &d), 0);
		assert_int_equal(fake.passed, 1);
	}
	no_handles();
	/* another warning is none of these */
	when(TPM2_CC_Unseal, 1, TPM2_RC_OBJECT_MEMORY, 0, 0);
	assert_int_equal(unseal(&blob, NULL, &d), CS_E_TPM_FAIL);
	assert_int_equal(fake.asked, 1);
	no_handles();
	buf_done(&blob);
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
test_endless(void **state)
{
	static const uint32_t cc[] = { TPM2_CC_NV_Read, TPM2_CC_Load,
		TPM2_CC_StartAuthSession, TPM2_CC_PolicyRestart,
		TPM2_CC_PolicyNV, TPM2_CC_Unseal };
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	struct diag d = { 0 };
	int64_t began;
	size_t i;

	(void)state;
	seal(false, &blob);
	for (i = 0; i < ARRAY_LEN(cc); i++) {
		began = now_ms();
		when(cc[i], ALWAYS, TPM2_RC_RETRY, 0, 0);
		assert_int_equal(unseal(&blob, NULL, &d), CS_E_TPM_BUSY);
		assert_true(now_ms() - began >= 100);
		assert_true(now_ms() - began < 5000);
		/* pauses grow; five more at once are ESAPI's */
		assert_in_range(fake.asked, 6, 30);
		assert_int_equal(fake.passed, 0);
		assert_non_null(strstr(d.found, "0x922"));
		no_handles();
		assert_int_equal(unseal(&blob, NULL, &d), 0);
	}
	buf_done(&blob);
}

/* Nothing can be flushed either: that is waited for once, not each time. */
static void
test_endless_all(void **state)
{
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	struct tpm_saved saved = { 0 };
	struct diag d = { 0 };
	int64_t began;

	(void)state;
	seal(false, &blob);
	rig.t->busy.limit_ms = 500;
	began = now_ms();
	when(0, ALWAYS, TPM2_RC_TESTING, 0, 0);
	assert_int_equal(unseal(&blob, NULL, &d), CS_E_TPM_BUSY);
	assert_int_equal(tpm_session_save(rig.t, &saved, &d), CS_E_TPM_BUSY);
	assert_int_equal(tpm_nv_increment(rig.t, rig.img, TPM_NV_BOOT, &d),
	    CS_E_TPM_BUSY);
	assert_true(now_ms() - began < 1000);
	/* the power comes back as if nothing had been */
	reopen();
	no_handles();
	assert_int_equal(unseal(&blob, NULL, &d), 0);
	buf_done(&blob);
}

static void
test_open(void **state)
{
	struct diag d = { 0 };

	(void)state;
	tpm_close(&rig.t);
	assert_int_equal(open_fake(3, TPM2_RC_TESTING, &d), 0);
	assert_int_equal(fake.left, 0);
	/* and the time that it has, not spent by a test */
	assert_int_equal(rig.t->busy.limit_ms, 10000);
	no_handles();
}

/* --- a PCR changes in between --- */

struct ceremony {
	struct tpm_saved saved;
	struct tpm_vote votes[2];
	uint8_t *sigs[2];
	struct tpm_ballot b;
};

static void
begin(struct ceremony *c)
{
	size_t i;

	memset(c, 0, sizeof(*c));
	assert_int_equal(tpm_session_save(rig.t, &c->saved, NULL), 0);
	for (i = 0; i < 2; i++) {
		c->sigs[i] = tpm_rig_vote(&rig.people[i], c->saved.nonce,
		    DOMAIN, &c->votes[i].len);
		c->votes[i].sig = c->sigs[i];
		c->votes[i].key = rig.people[i].pub;
	}
	c->b = (struct tpm_ballot){ &c->saved, c->votes, 2 };
}

static void
end(struct ceremony *c)
{
	free(c->sigs[0]);
	free(c->sigs[1]);
	buf_done(&c->saved.context);
}

/* The people's session is restarted: their signatures are for its nonce. */
static void
test_ceremony(void **state)
{
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	struct ceremony c;
	struct diag d = { 0 };

	(void)state;
	seal(true, &blob);
	begin(&c);
	when(TPM2_CC_Unseal, 0, 0, 2, 5);
	if (unseal(&blob, &c.b, &d) != 0)
		fail_msg("%s: %s", err_id(d.code), d.found);
	assert_int_equal(fake.passed, 3);
	end(&c);
	/* again and again; and its session is used up with that */
	begin(&c);
	when(TPM2_CC_Unseal, 0, 0, ALWAYS, 5);
	assert_int_equal(unseal(&blob, &c.b, &d), CS_E_TPM_PCR_CHANGED);
	assert_non_null(strstr(d.found, "TPM2_Unseal"));
	assert_int_equal(fake.passed, 3);
	no_handles();
	assert_int_equal(unseal(&blob, &c.b, &d), CS_E_TPM_SESSION);
	end(&c);
	/* while it is busy, a session that waits is not lost */
	begin(&c);
	when(TPM2_CC_ContextLoad, ALWAYS, TPM2_RC_RETRY, 0, 0);
	assert_int_equal(unseal(&blob, &c.b, &d), CS_E_TPM_BUSY);
	no_handles();
	assert_int_equal(unseal(&blob, &c.b, &d), 0);
	end(&c);
	/* a PCR of the image policy: the second try finds that, and stops */
	begin(&c);
	when(TPM2_CC_Unseal, 0, 0, 1, 7);
	assert_int_equal(unseal(&blob, &c.b, &d), CS_E_TPM_PCR);
	assert_non_null(strstr(d.found, "PCR 7"));
	assert_int_equal(fake.passed, 1);
	no_handles();
	end(&c);
	buf_done(&blob);
}

/* What the audit domain does with each checkpoint */
static void
test_image_session(void **state)
{
	static const uint8_t digest[32] = { 1 };
	struct buf key = BUF_INIT(TPM_LOGKEY_MAX), sig = BUF_INIT(256);
	_cleanup_pubkey_ struct pubkey *pub = NULL;
	uint8_t before[32], after[32];
	uint64_t n = 0, m = 0;
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(tpm_logkey_create(rig.t, rig.img, &key, &pub, &d), 0);
	when(TPM2_CC_Sign, 0, 0, 2, 5);
	assert_int_equal(tpm_logkey_sign(rig.t, rig.img, key.p, key.len, "x", 1,
			     &sig, &d),
	    0);
	assert_int_equal(fake.passed, 3);
	when(TPM2_CC_Sign, 0, 0, ALWAYS, 5);
	assert_int_equal(tpm_logkey_sign(rig.t, rig.img, key.p, key.len, "x", 1,
			     &sig, &d),
	    CS_E_TPM_PCR_CHANGED);
	assert_int_equal(fake.passed, 3);
	no_handles();

	/* one more, however often it had to be asked */
	assert_int_equal(tpm_nv_counter(rig.t, TPM_NV_BOOT, &n, &d), 0);
	when(TPM2_CC_NV_Increment, 3, TPM2_RC_NV_RATE, 2, 5);
	assert_int_equal(tpm_nv_increment(rig.t, rig.img, TPM_NV_BOOT, &d), 0);
	assert_int_equal(fake.passed, 3);
	assert_int_equal(tpm_nv_counter(rig.t, TPM_NV_BOOT, &m, &d), 0);
	assert_int_equal(m, n + 1);

	assert_int_equal(tpm_nv_anchor(rig.t, before, &d), 0);
	when(TPM2_CC_NV_Extend, 0, 0, ALWAYS, 5);
	assert_int_equal(tpm_nv_extend(rig.t, rig.img, digest, &d),
	    CS_E_TPM_PCR_CHANGED);
	assert_int_equal(fake.passed, 3);
	no_handles();
	assert_int_equal(tpm_nv_anchor(rig.t, after, &d), 0);
	assert_memory_equal(before, after, 32);
	when(TPM2_CC_NV_Extend, 0, 0, 1, 7);
	assert_int_equal(tpm_nv_extend(rig.t, rig.img, digest, &d),
	    CS_E_TPM_PCR);
	no_handles();
	buf_done(&key);
	buf_done(&sig);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(survived),
		T(endless),
		T(endless_all),
		T(open),
		T(ceremony),
		T(image_session),
	};

	(void)setenv("TSS2_LOG", "all+NONE", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
