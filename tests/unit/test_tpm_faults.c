/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <tss2/tss2_tctildr.h>

#include "tests/lib/tpm_rig.h"
#include "tpm/tpm_private.h"

/*
 * What a TPM does on bad days.  The TPM is a real swtpm; between it and us
 * sits a TCTI that can run a command of its own just before one of ours.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#define LABEL	"domain release policy 0"
#define PIN_LEN 24u

#define MASK ((1u << 7) | (1u << 16))

struct between {
	TSS2_TCTI_CONTEXT_COMMON_V1 v1; /* first: it is what ESAPI sees */
	TSS2_TCTI_CONTEXT *real;
	unsigned extend_left; /* before so many more Unseal commands */
	unsigned unseals;     /* seen so far */
	int flip;	      /* a bit of the answer to Unseal, or -1 */
	bool answer;	      /* the next answer is that to Unseal */
	unsigned nth, garble; /* the answer to spoil, 0: none; and how */
};

static struct tpm_rig rig;
static struct between mid;
static struct tpm *tpm;

/* TPM2_PCR_Extend of PCR 5 with an empty password session */
static const uint8_t extend[] = { 0x80, 0x02, 0, 0, 0, 65, 0, 0, 0x01, 0x82, 0,
	0, 0, 5, 0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0x0b,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };

static void
extend_between(struct between *m)
{
	uint8_t answer[4096];
	size_t n = sizeof(answer);

	assert_int_equal(Tss2_Tcti_Transmit(m->real, sizeof(extend), extend),
	    0);
	assert_int_equal(Tss2_Tcti_Receive(m->real, &n, answer,
			     TSS2_TCTI_TIMEOUT_BLOCK),
	    0);
	assert_memory_equal(answer + 6, "\0\0\0\0", 4);
}

static TSS2_RC
transmit(TSS2_TCTI_CONTEXT *c, size_t len, const uint8_t *cmd)
{
	struct between *m = (struct between *)(void *)c;

	m->answer = len >= 10 && memcmp(cmd + 6, "\0\0\x01\x5e", 4) == 0;
	if (m->answer) {
		m->unseals++;
		if (m->extend_left > 0) {
			m->extend_left--;
			extend_between(m);
		}
	}
	return Tss2_Tcti_Transmit(m->real, len, cmd);
}

static uint32_t
next(uint32_t *x)
{
	*x = *x * 1664525u + 1013904223u;
	return *x >> 8;
}

/* Bytes changed, an end cut off, or noise altogether. */
static void
spoil(struct between *m, uint8_t *buf, size_t *len)
{
	uint32_t x = m->garble, i;

	switch (next(&x) % 4) {
	case 0:
		buf[next(&x) % *len] ^= (uint8_t)(1u + next(&x) % 255);
		break;
	case 1:
		for (i = 0; i < 8; i++)
			buf[next(&x) % *len] = (uint8_t)next(&x);
		break;
	case 2:
		*len = next(&x) % *len;
		break;
	default: /* a header of that length, so that the rest is read */
		for (i = 10; i < *len; i++)
			buf[i] = (uint8_t)next(&x);
		break;
	}
}

static TSS2_RC
receive(TSS2_TCTI_CONTEXT *c, size_t *len, uint8_t *buf, int32_t timeout)
{
	struct between *m = (struct between *)(void *)c;
	TSS2_RC rc = Tss2_Tcti_Receive(m->real, len, buf, timeout);

	if (rc == 0 && buf != NULL && m->answer && m->flip >= 0 &&
	    (size_t)m->flip / 8 < *len)
		buf[m->flip / 8] ^= (uint8_t)(1u << (m->flip % 8));
	if (rc == 0 && buf != NULL && *len > 0 && m->nth > 0 && --m->nth == 0)
		spoil(m, buf, len);
	return rc;
}

static void
mid_free(TSS2_TCTI_CONTEXT **c)
{
	Tss2_TctiLdr_Finalize(&mid.real);
	*c = NULL;
}

static void
mid_open(void)
{
	struct diag d = { 0 };

	mid = (struct between){ .flip = -1 };
	mid.v1.magic = 0x636f6c6473656131u;
	mid.v1.version = 1;
	mid.v1.transmit = transmit;
	mid.v1.receive = receive;
	assert_int_equal(Tss2_TctiLdr_Initialize(rig.sw.tcti, &mid.real), 0);
	if (tpm_open_tcti((TSS2_TCTI_CONTEXT *)(void *)&mid, mid_free, 0, &tpm,
		&d) != 0)
		fail_msg("%s", d.found);
}

static int
setup(void **state)
{
	(void)state;
	tpm_rig_init(&rig, MASK, true);
	tpm_close(&rig.t);
	mid_open();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tpm_close(&tpm);
	tpm_rig_done(&rig);
	return 0;
}

static struct secret *
seal_one(struct buf *blob)
{
	struct tpm_guard g = { rig.img->key, 0, "audit", NULL };
	struct secret *pin = NULL;

	assert_int_equal(tpm_nv_counter(tpm, TPM_NV_GENERATION, &g.generation,
			     NULL),
	    0);
	assert_int_equal(secret_random_pin(PIN_LEN, &pin), 0);
	assert_int_equal(tpm_seal(tpm, &g, LABEL, pin, blob, NULL), 0);
	return pin;
}

static int
unseal(const struct buf *blob, const struct secret *want)
{
	_cleanup_secret_ struct secret *out = NULL;
	int r = tpm_unseal(tpm, rig.img, blob->p, blob->len, LABEL, NULL, &out,
	    NULL);

	if (r == 0)
		assert_int_equal(secret_equal(out, want), 1);
	else
		assert_null(out);
	return r;
}

/* 0x128: any PCR was extended between PolicyPCR and Unseal */
static void
test_pcr_changed(void **state)
{
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	_cleanup_secret_ struct secret *pin = seal_one(&blob);

	(void)state;
	mid.extend_left = 1;
	assert_int_equal(unseal(&blob, pin), 0);
	assert_int_equal(mid.unseals, 2);
	mid.unseals = 0;
	mid.extend_left = 2;
	assert_int_equal(unseal(&blob, pin), 0);
	assert_int_equal(mid.unseals, 3);
	/* bounded */
	mid.unseals = 0;
	mid.extend_left = 100;
	assert_int_equal(unseal(&blob, pin), CS_E_TPM_PCR_CHANGED);
	assert_int_equal(mid.unseals, 3);
	mid.extend_left = 0;
	assert_int_equal(unseal(&blob, pin), 0);
	buf_done(&blob);
}

/* One attempt: nothing is asked of the TPM that it would refuse. */
static void
test_one_attempt(void **state)
{
	static const uint8_t digest[32] = { 9 };
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	_cleanup_secret_ struct secret *pin = seal_one(&blob);

	(void)state;
	assert_int_equal(unseal(&blob, pin), 0);
	assert_int_equal(mid.unseals, 1);
	assert_int_equal(tpm_pcr_extend(tpm, 16, digest, NULL), 0);
	assert_int_equal(unseal(&blob, pin), CS_E_TPM_PCR);
	assert_int_equal(mid.unseals, 1);
	buf_done(&blob);
}

/* Someone on the bus who changes the answer is found out. */
static void
test_bus(void **state)
{
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	_cleanup_secret_ struct secret *pin = seal_one(&blob);
	int byte;

	(void)state;
	/* header 10, parameter size 4, TPM2B size 2, then the secret */
	for (byte = 16; byte < 16 + 32 + (int)PIN_LEN; byte += 11) {
		mid.flip = byte * 8;
		assert_int_equal(unseal(&blob, pin), CS_E_TPM_FAIL);
		/* ESAPI does not go on after that, nor does it flush */
		mid.flip = -1;
		assert_int_equal(unseal(&blob, pin), CS_E_TPM_FAIL);
		tpm_close(&tpm);
		swtpm_kill(&rig.sw);
		swtpm_start(&rig.sw);
		mid_open();
		assert_int_equal(unseal(&blob, pin), 0);
	}
	buf_done(&blob);
}

/*
 * A TPM, or someone on its bus, who answers garbage: never a crash, never
 * another secret; and the next start is as if nothing had been.
 */
static void
test_garbage(void **state)
{
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	_cleanup_secret_ struct secret *pin = seal_one(&blob);
	unsigned i, refused = 0;

	(void)state;
	for (i = 0; i < 400; i++) {
		mid.garble = i * 2654435761u;
		mid.nth = 1 + i % 25;
		refused += unseal(&blob, pin) != 0;
		tpm_close(&tpm);
		mid_open();
		assert_int_equal(unseal(&blob, pin), 0);
	}
	/* the rest hit answers that nothing hangs on */
	assert_true(refused > 50);
	buf_done(&blob);
}

/* An object that counts against the lockout, and a wrong password for it */
static TSS2_RC
fail_once(void)
{
	const TPM2B_PUBLIC pub = { .publicArea = {
		.type = TPM2_ALG_ECC,
		.nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = TPMA_OBJECT_FIXEDTPM |
		    TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
		    TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_SIGN_ENCRYPT,
		.parameters.eccDetail = {
			.symmetric.algorithm = TPM2_ALG_NULL,
			.scheme.scheme = TPM2_ALG_NULL,
			.curveID = TPM2_ECC_NIST_P256,
			.kdf.scheme = TPM2_ALG_NULL,
		},
	} };
	const TPM2B_SENSITIVE_CREATE sens = { .sensitive.userAuth = { .size = 3,
						  .buffer = "abc" } };
	const TPM2B_DATA outside = { 0 };
	const TPML_PCR_SELECTION none = { 0 };
	const TPM2B_AUTH wrong = { .size = 3, .buffer = "xyz" };
	const TPM2B_DIGEST digest = { .size = 32 };
	const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_ECDSA,
		.details.ecdsa.hashAlg = TPM2_ALG_SHA256 };
	const TPMT_TK_HASHCHECK check = { .tag = TPM2_ST_HASHCHECK,
		.hierarchy = TPM2_RH_NULL };
	_cleanup_tpm_handle_ struct tpm_handle h = TPM_HANDLE_INIT(tpm);
	TPMT_SIGNATURE *sig = NULL;
	TSS2_RC rc;

	rc = Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
	    ESYS_TR_NONE, ESYS_TR_NONE, &sens, &pub, &outside, &none, &h.h,
	    NULL, NULL, NULL, NULL);
	assert_int_equal(rc, 0);
	assert_int_equal(Esys_TR_SetAuth(tpm->esys, h.h, &wrong), 0);
	rc = Esys_Sign(tpm->esys, h.h, ESYS_TR_PASSWORD, ESYS_TR_NONE,
	    ESYS_TR_NONE, &digest, &scheme, &check, &sig);
	Esys_Free(sig);
	return rc;
}

/*
 * T2: lockout is an error of its own with the time to wait; T1: and it does
 * not reach what is sealed here, since all of it is noDA.
 */
static void
test_lockout(void **state)
{
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	_cleanup_secret_ struct secret *pin = seal_one(&blob);
	struct tpm_lockout l;
	struct diag d = { 0 };
	TSS2_RC rc;

	(void)state;
	assert_int_equal(Esys_DictionaryAttackParameters(tpm->esys,
			     ESYS_TR_RH_LOCKOUT, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			     ESYS_TR_NONE, 2, 777, 888),
	    0);
	assert_int_equal(tpm_lockout_info(tpm, &l, NULL), 0);
	assert_false(l.locked);
	assert_int_equal(l.counter, 0);
	assert_int_equal(l.max, 2);
	assert_int_equal(l.interval_s, 777);
	assert_int_equal(l.recovery_s, 888);

	rc = fail_once();
	assert_int_equal(tpm_rc_base(rc), TPM2_RC_AUTH_FAIL);
	assert_int_equal(tpm_fail(tpm, CS_E_TPM_FAIL, rc, "TPM2_Sign", &d),
	    CS_E_TPM_FAIL);
	assert_non_null(strstr(d.found, "0x"));
	assert_int_not_equal(fail_once(), 0);
	rc = fail_once();
	assert_int_equal(tpm_rc_base(rc), TPM2_RC_LOCKOUT);
	assert_int_equal(tpm_fail(tpm, CS_E_TPM_FAIL, rc, "TPM2_Sign", &d),
	    CS_E_TPM_LOCKOUT);
	assert_non_null(strstr(d.found, "2 of 2"));
	assert_non_null(strstr(d.found, "777 seconds"));
	assert_int_equal(tpm_lockout_info(tpm, &l, NULL), 0);
	assert_true(l.locked);
	assert_int_equal(unseal(&blob, pin), 0);
	secret_free(&pin);
	pin = seal_one(&blob);
	assert_int_equal(unseal(&blob, pin), 0);
	buf_done(&blob);
}

/* The codes of a resource manager are the TPM's own. */
static void
test_codes(void **state)
{
	static const struct {
		TSS2_RC rc, base;
	} t[] = {
		{ 0x99d, TPM2_RC_POLICY_FAIL },
		{ 0x1df, TPM2_RC_INTEGRITY },
		{ 0x128, TPM2_RC_PCR_CHANGED },
		{ 0x921, TPM2_RC_LOCKOUT },
		{ 0xc0921, TPM2_RC_LOCKOUT },
		{ 0x100, TPM2_RC_INITIALIZE },
		{ 0x70001, 0x70001 },
		{ 0xb0921, 0xb0921 },
		{ 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(tpm_rc_base(t[i].rc), t[i].base);
}

/*
 * Places in our writable memory that hold the secret, its own page aside;
 * the secret is not copied for that.
 */
static size_t
copies(struct secret *pin)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char line[512];
	size_t found = 0;

	assert_non_null(maps);
	assert_true(mem >= 0);
	while (fgets(line, sizeof(line), maps) != NULL) {
		unsigned long from, to;
		uintptr_t own = (uintptr_t)secret_data(pin);
		const uint8_t *q;
		char perms[5];

		if (sscanf(line, "%lx-%lx %4s", &from, &to, perms) != 3 ||
		    strncmp(perms, "rw", 2) != 0 ||
		    strstr(line, "[v") != NULL || (own >= from && own < to))
			continue;
		for (q = (const uint8_t *)from;
		     q != NULL && q < (const uint8_t *)to; q++) {
			q = memmem(q, (size_t)((const uint8_t *)to - q),
			    secret_data(pin), secret_len(pin));
			if (q == NULL)
				break;
			found++;
		}
	}
	(void)fclose(maps);
	(void)close(mem);
	return found;
}

/* With what tpm.h asks of a program: freed memory is overwritten */
static void
test_memory(void **state)
{
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	_cleanup_secret_ struct secret *pin = NULL, *out = NULL;
	char *seen;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip(); /* another allocator, and terabytes of shadow */
#endif
	assert_int_equal(mallopt(M_PERTURB, 0x5a), 1);
	pin = seal_one(&blob);
	assert_int_equal(copies(pin), 0);
	assert_int_equal(tpm_unseal(tpm, rig.img, blob.p, blob.len, LABEL, NULL,
			     &out, NULL),
	    0);
	/* out may lie in one mapping with pin: by then it is gone */
	secret_free(&out);
	assert_int_equal(copies(pin), 0);
	tpm_close(&tpm);
	assert_int_equal(copies(pin), 0);
	/* and a copy would have been seen */
	seen = malloc(secret_len(pin));
	assert_non_null(seen);
	memcpy(seen, secret_data(pin), secret_len(pin));
	assert_int_equal(copies(pin), 1);
	free(seen);
	assert_int_equal(mallopt(M_PERTURB, 0), 1);
	buf_done(&blob);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(pcr_changed),
		T(one_attempt),
		T(bus),
		T(garbage),
		T(lockout),
		T(memory),
		cmocka_unit_test(test_codes),
	};

	(void)setenv("TSS2_LOG", "all+NONE", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
