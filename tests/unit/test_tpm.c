/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/file.h"
#include "lib/hex.h"
#include "tests/lib/tpm_rig.h"
#include "tpm/tpm_private.h"

#define LABEL	"domain release policy 0"
#define PIN	"correct-horse-battery-77"
#define LOG_MAX (256u << 20)

/* PCR 16 can be extended from any locality and is not used by the image */
#define MASK ((1u << 7) | (1u << 16))
static const uint8_t digest[32] = { 1, 2, 3 };

static int
setup(void **state)
{
	struct tpm_rig *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	tpm_rig_init(f, MASK, true);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	tpm_rig_done(*state);
	free(*state);
	return 0;
}

static uint64_t
generation(struct tpm *t)
{
	uint64_t v = 0;

	assert_int_equal(tpm_nv_counter(t, TPM_NV_GENERATION, &v, NULL), 0);
	return v;
}

/* a secret without people: what the audit token's PIN is sealed as */
static struct tpm_guard
guard(const struct tpm_rig *f)
{
	return (
	    struct tpm_guard){ f->img->key, generation(f->t), "audit", NULL };
}

static struct secret *
pin_new(void)
{
	struct secret *s = NULL;

	assert_int_equal(secret_new(strlen(PIN), &s), 0);
	memcpy(secret_data(s), PIN, strlen(PIN));
	return s;
}

static void
seal(struct tpm_rig *f, struct buf *blob)
{
	_cleanup_secret_ struct secret *pin = pin_new();
	const struct tpm_guard g = guard(f);
	struct diag d = { 0 };

	if (tpm_seal(f->t, &g, LABEL, pin, blob, &d) != 0)
		fail_msg("%s: %s", err_id(d.code), d.found);
	assert_true(blob->len <= TPM_BLOB_MAX);
}

static int
unseal(struct tpm_rig *f, const struct buf *blob, struct diag *d)
{
	_cleanup_secret_ struct secret *pin = pin_new(), *out = NULL;
	int r;

	memset(d, 0, sizeof(*d));
	r = tpm_unseal(f->t, f->img, blob->p, blob->len, LABEL, NULL, &out, d);
	if (r == 0)
		assert_int_equal(secret_equal(out, pin), 1);
	else
		assert_null(out);
	return r;
}

static void
assert_unseals(struct tpm_rig *f, const struct buf *blob)
{
	struct diag d;

	if (unseal(f, blob, &d) != 0)
		fail_msg("%s: %s", err_id(d.code), d.found);
}

static void
assert_refused(struct tpm_rig *f, const struct buf *blob, int code)
{
	struct diag d;

	assert_string_equal(err_id(unseal(f, blob, &d)), err_id(code));
	assert_int_equal(d.code, code);
}

static void
test_round_trip(void **state)
{
	struct tpm_rig *f = *state;
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);

	seal(f, &blob);
	assert_memory_equal(blob.p, "CSSEAL2\n", 8);
	assert_null(memmem(blob.p, blob.len, PIN, strlen(PIN)));
	assert_unseals(f, &blob);
	assert_unseals(f, &blob);
	buf_done(&blob);
}

static void
test_sizes(void **state)
{
	static const size_t sizes[] = { 1, TPM_SEAL_MAX, TPM_SEAL_MAX + 1 };
	struct tpm_rig *f = *state;
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	const struct tpm_guard g = guard(f);
	size_t i;

	for (i = 0; i < ARRAY_LEN(sizes); i++) {
		_cleanup_secret_ struct secret *in = NULL, *out = NULL;
		struct diag d = { 0 };
		int r;

		assert_int_equal(secret_new(sizes[i], &in), 0);
		r = tpm_seal(f->t, &g, LABEL, in, &blob, &d);
		if (sizes[i] > TPM_SEAL_MAX) {
			assert_int_equal(r, CS_E_TOO_LARGE);
			continue;
		}
		assert_int_equal(r, 0);
		assert_int_equal(tpm_unseal(f->t, f->img, blob.p, blob.len,
				     LABEL, NULL, &out, &d),
		    0);
		assert_int_equal(secret_equal(in, out), 1);
	}
	buf_done(&blob);
}

static void
test_pcr(void **state)
{
	struct tpm_rig *f = *state;
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	uint8_t before[32], after[32];

	assert_int_equal(tpm_pcr_read(f->t, 16, before, NULL), 0);
	seal(f, &blob);
	/* another PCR does not matter */
	assert_int_equal(tpm_pcr_extend(f->t, 5, digest, NULL), 0);
	assert_unseals(f, &blob);
	assert_int_equal(tpm_pcr_extend(f->t, 16, digest, NULL), 0);
	assert_int_equal(tpm_pcr_read(f->t, 16, after, NULL), 0);
	assert_memory_not_equal(before, after, 32);
	assert_refused(f, &blob, CS_E_TPM_PCR);
	assert_int_equal(tpm_pcr_read(f->t, 24, after, NULL), CS_E_TPM_SELECT);
	assert_int_equal(tpm_pcr_extend(f->t, 24, digest, NULL),
	    CS_E_TPM_SELECT);
	buf_done(&blob);
}

static void
test_select(void **state)
{
	static const uint32_t masks[] = { 0, 1u << 1, 1u << 9, 1u << 10,
		1u << 24, (1u << 7) | (1u << 9) };
	struct tpm_rig *f = *state;
	struct buf b = BUF_INIT(256);
	size_t i;

	for (i = 0; i < ARRAY_LEN(masks); i++) {
		const struct tpm_pcr_values v = { .mask = masks[i] };

		assert_int_equal(tpm_image_tbs(1, &v, f->img->key, &b, NULL),
		    CS_E_TPM_SELECT);
	}
	assert_int_equal(b.len, 0);
}

static void
test_label(void **state)
{
	struct tpm_rig *f = *state;
	_cleanup_secret_ struct secret *pin = pin_new(), *out = NULL;
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	const struct tpm_guard g = guard(f);
	char longest[TPM_LABEL_MAX + 2];

	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(tpm_seal(f->t, &g, longest, pin, &blob, NULL),
	    CS_E_TPM_LABEL);
	assert_int_equal(tpm_seal(f->t, &g, "", pin, &blob, NULL),
	    CS_E_TPM_LABEL);
	assert_int_equal(tpm_seal(f->t, &g, "a\nb", pin, &blob, NULL),
	    CS_E_TPM_LABEL);
	longest[TPM_LABEL_MAX] = '\0';
	assert_int_equal(tpm_seal(f->t, &g, longest, pin, &blob, NULL), 0);
	assert_int_equal(tpm_unseal(f->t, f->img, blob.p, blob.len, longest,
			     NULL, &out, NULL),
	    0);
	secret_free(&out);
	longest[0] = 'y';
	assert_int_equal(tpm_unseal(f->t, f->img, blob.p, blob.len, longest,
			     NULL, &out, NULL),
	    CS_E_TPM_LABEL);
	assert_null(out);
	buf_done(&blob);
}

static void
test_other_tpm(void **state)
{
	struct tpm_rig *f = *state, other;
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	uint8_t chip[TPM_NAME_LEN], chip2[TPM_NAME_LEN];
	struct tpm_blob b;

	seal(f, &blob);
	assert_int_equal(tpm_chip_name(f->t, chip, NULL), 0);
	tpm_rig_init(&other, MASK, false);
	/* no storage key; then one of another seed */
	assert_refused(&other, &blob, CS_E_TPM_OTHER);
	assert_int_equal(tpm_setup(other.t, other.img, NULL), 0);
	assert_refused(&other, &blob, CS_E_TPM_OTHER);
	assert_int_equal(tpm_chip_name(other.t, chip2, NULL), 0);
	assert_memory_not_equal(chip, chip2, sizeof(chip));
	tpm_rig_done(&other);
	/* the Name alone is not what keeps it: private areas are wrapped */
	assert_int_equal(tpm_blob_decode(blob.p, blob.len, &b, NULL), 0);
	b.priv.buffer[b.priv.size - 1] ^= 1;
	buf_reset(&blob);
	assert_int_equal(tpm_blob_encode(&b, &blob), 0);
	assert_refused(f, &blob, CS_E_TPM_OTHER);
	tpm_blob_done(&b);
	buf_done(&blob);
}

/* A cleared TPM is the same chip with another storage key. */
static void
test_cleared(void **state)
{
	struct tpm_rig *f = *state;
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	uint8_t before[TPM_NAME_LEN], after[TPM_NAME_LEN];
	uint64_t v;

	seal(f, &blob);
	assert_int_equal(tpm_chip_name(f->t, before, NULL), 0);
	assert_int_equal(Esys_Clear(f->t->esys, ESYS_TR_RH_LOCKOUT,
			     ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE),
	    0);
	tpm_close(&f->t);
	assert_int_equal(tpm_open(f->sw.tcti, 0, &f->t, NULL), 0);
	assert_int_equal(tpm_storage_name(f->t, after, NULL), CS_E_TPM_OTHER);
	assert_int_equal(tpm_nv_counter(f->t, TPM_NV_BOOT, &v, NULL),
	    CS_E_TPM_NV);
	assert_int_equal(tpm_chip_name(f->t, after, NULL), 0);
	assert_memory_equal(before, after, sizeof(before));
	assert_refused(f, &blob, CS_E_TPM_OTHER);
	/* new counters begin above all that there ever were in this chip */
	assert_int_equal(tpm_setup(f->t, f->img, NULL), CS_E_TPM_IMAGE_OLD);
	tpm_image_free(&f->img);
	f->img = tpm_rig_image(f, &f->release, MASK, 100);
	assert_int_equal(tpm_setup(f->t, f->img, NULL), 0);
	assert_refused(f, &blob, CS_E_TPM_OTHER);
	buf_done(&blob);
}

/* Decodes, changes one field, encodes: only the later checks can see it. */
static void
test_fields(void **state)
{
	struct tpm_rig *f = *state;
	struct buf good = BUF_INIT(TPM_BLOB_MAX), bad = BUF_INIT(TPM_BLOB_MAX);
	struct tpm_blob b;
	int i;

	seal(f, &good);
	for (i = 0; i < 8; i++) {
		int want = CS_E_TPM_BLOB;

		assert_int_equal(tpm_blob_decode(good.p, good.len, &b, NULL),
		    0);
		switch (i) {
		case 0:
			b.label[0] ^= 1;
			want = CS_E_TPM_LABEL;
			break;
		case 1: /* the policy says another one */
			b.generation++;
			break;
		case 2:
			b.primary[33] ^= 1;
			want = CS_E_TPM_OTHER;
			break;
		case 3:
			b.pub.publicArea.authPolicy.buffer[0] ^= 1;
			break;
		case 4:
			b.pub.publicArea.unique.keyedHash.buffer[0] ^= 1;
			want = CS_E_TPM_OTHER;
			break;
		case 5: /* the password would open it */
			b.pub.publicArea.objectAttributes |=
			    TPMA_OBJECT_USERWITHAUTH;
			break;
		case 6: /* the domain is in no policy without people */
			b.domain[0] = 'b';
			want = CS_E_TPM_TAG;
			break;
		default:
			b.tag[0] ^= 1;
			want = CS_E_TPM_TAG;
			break;
		}
		buf_reset(&bad);
		assert_int_equal(tpm_blob_encode(&b, &bad), 0);
		assert_refused(f, &bad, want);
		tpm_blob_done(&b);
	}
	assert_unseals(f, &good);
	buf_done(&good);
	buf_done(&bad);
}

/* T4: the tag depends on the key, the secret and all that is in the file */
static void
test_tag(void **state)
{
	const uint8_t key[32] = { 1 }, key2[32] = { 2 };
	struct tpm_rig *f = *state;
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	uint8_t want[32], tag[32];
	struct tpm_blob b;

	seal(f, &blob);
	assert_int_equal(tpm_blob_decode(blob.p, blob.len, &b, NULL), 0);
	assert_int_equal(tpm_blob_tag(&b, key, (const uint8_t *)"abc", 3, want),
	    0);
	assert_int_equal(tpm_blob_tag(&b, key, (const uint8_t *)"abd", 3, tag),
	    0);
	assert_memory_not_equal(tag, want, 32);
	assert_int_equal(tpm_blob_tag(&b, key, (const uint8_t *)"abc", 2, tag),
	    0);
	assert_memory_not_equal(tag, want, 32);
	assert_int_equal(tpm_blob_tag(&b, key2, (const uint8_t *)"abc", 3, tag),
	    0);
	assert_memory_not_equal(tag, want, 32);
	b.generation ^= 1;
	assert_int_equal(tpm_blob_tag(&b, key, (const uint8_t *)"abc", 3, tag),
	    0);
	assert_memory_not_equal(tag, want, 32);
	tpm_blob_done(&b);
	buf_done(&blob);
}

/* Every byte changed, every length cut, one byte more. */
static void
test_bytes(void **state)
{
	struct tpm_rig *f = *state;
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	struct tpm_blob b;
	struct diag d;
	size_t i;

	seal(f, &blob);
	for (i = 0; i < blob.len; i++) {
		blob.p[i] ^= 0x01;
		if (unseal(f, &blob, &d) == 0)
			fail_msg("byte %zu does not matter", i);
		assert_string_not_equal(err_id(d.code), "TPM-FAIL");
		blob.p[i] ^= 0x01;
		if (tpm_blob_decode(blob.p, i, &b, NULL) == 0)
			fail_msg("cut at %zu is accepted", i);
		tpm_blob_done(&b);
	}
	assert_int_equal(buf_put_u8(&blob, 0), 0);
	assert_refused(f, &blob, CS_E_TPM_BLOB);
	buf_done(&blob);
}

static void
restart(struct tpm_rig *f, unsigned flags)
{
	swtpm_kill(&f->sw);
	tpm_close(&f->t);
	swtpm_start(&f->sw);
	assert_int_equal(tpm_open(f->sw.tcti, flags, &f->t, NULL), 0);
}

/*
 * T1: neither power cuts nor refusals drain the lockout.  A TPM2_Startup of
 * swtpm without a Shutdown before is what counts as an unclean cut.
 */
static void
test_power_cuts(void **state)
{
	struct tpm_rig *f = *state;
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	struct tpm_lockout l;
	int i;

	seal(f, &blob);
	for (i = 0; i < 5; i++) {
		assert_unseals(f, &blob);
		restart(f, 0);
	}
	assert_unseals(f, &blob);
	assert_int_equal(tpm_lockout_info(f->t, &l, NULL), 0);
	assert_int_equal(l.counter, 0);
	assert_false(l.locked);
	buf_done(&blob);
}

static void
test_clock(void **state)
{
	struct tpm_rig *f = *state;
	struct tpm_clock a, b, c;

	assert_int_equal(tpm_clock(f->t, &a, NULL), 0);
	assert_true(a.safe);
	/* an orderly end leaves it safe */
	tpm_close(&f->t);
	assert_int_equal(tpm_open(f->sw.tcti, TPM_SHUTDOWN, &f->t, NULL), 0);
	tpm_close(&f->t);
	restart(f, 0);
	assert_int_equal(tpm_clock(f->t, &b, NULL), 0);
	assert_true(b.safe);
	assert_true(b.clock_ms >= a.clock_ms);
	assert_int_equal(b.reset, a.reset + 1);
	/* a session without the flag does not send Shutdown */
	restart(f, TPM_SHUTDOWN);
	assert_int_equal(tpm_clock(f->t, &c, NULL), 0);
	assert_false(c.safe);
	assert_int_equal(c.reset, b.reset + 1);
}

static void
test_no_leak(void **state)
{
	struct tpm_rig *f = *state;
	/* transient objects, loaded sessions */
	static const uint32_t ranges[] = { 0x80000000u, 0x02000000u };
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	uint8_t old[32];
	int i;

	for (i = 0; i < 20; i++) {
		seal(f, &blob);
		assert_unseals(f, &blob);
		blob.p[blob.len - 1] ^= 1;
		assert_refused(f, &blob, CS_E_TPM_TAG);
	}
	/* no transient object and no session is left */
	for (i = 0; i < 2; i++) {
		const uint32_t first = ranges[i];
		TPMS_CAPABILITY_DATA *cap = NULL;
		TPMI_YES_NO more;

		assert_int_equal(Esys_GetCapability(f->t->esys, ESYS_TR_NONE,
				     ESYS_TR_NONE, ESYS_TR_NONE,
				     TPM2_CAP_HANDLES, first, 8, &more, &cap),
		    0);
		assert_int_equal(cap->data.handles.count, 0);
		Esys_Free(cap);
	}
	assert_int_equal(tpm_random(f->t, old, sizeof(old), NULL), 0);
	buf_done(&blob);
}

static size_t
count(const uint8_t *hay, size_t len, const char *needle)
{
	const uint8_t *p = hay;
	size_t n = 0, nl = strlen(needle);

	while ((p = memmem(p, len - (size_t)(p - hay), needle, nl)) != NULL) {
		p += nl;
		n++;
	}
	return n;
}

/* The log with blanks and line ends taken out, so that hex runs on. */
static uint8_t *
read_log(const struct swtpm *sw, size_t *ret_len)
{
	uint8_t *log;
	size_t len, i, n = 0;

	assert_int_equal(file_read(AT_FDCWD, sw->log, LOG_MAX, &log, &len,
			     NULL),
	    0);
	for (i = 0; i < len; i++)
		if (log[i] != ' ' && log[i] != '\n')
			log[n++] = log[i];
	*ret_len = n;
	return log;
}

/* T3; and that the log would show it: a value sent in clear is found. */
static void
test_wire(void **state)
{
	struct tpm_rig *f = *state;
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	char hex[2 * sizeof(PIN)], upper[2 * sizeof(PIN)];
	_cleanup_free_ uint8_t *log = NULL;
	uint8_t shown[32];
	char seen[65];
	size_t len, i;

	seal(f, &blob);
	assert_unseals(f, &blob);
	memset(shown, 'Q', sizeof(shown));
	memcpy(shown, &PIN[1], 8); /* not the first letter */
	assert_int_equal(tpm_pcr_extend(f->t, 16, shown, NULL), 0);
	log = read_log(&f->sw, &len);

	for (i = 0; i < sizeof(shown); i++)
		(void)snprintf(seen + 2 * i, 3, "%02X", shown[i]);
	assert_true(count(log, len, seen) > 0);
	hex_encode((const uint8_t *)PIN, strlen(PIN), hex);
	for (i = 0; i <= strlen(hex); i++)
		upper[i] = hex[i] >= 'a' ? (char)(hex[i] - 32) : hex[i];
	assert_int_equal(count(log, len, hex), 0);
	assert_int_equal(count(log, len, upper), 0);
	assert_int_equal(count(log, len, PIN), 0);
	buf_done(&blob);
}

static void
test_connect(void **state)
{
	static const char *const bad[] = { NULL, "", "no-such-tcti:x",
		"swtpm:path=/nonexistent/socket", "device:/nonexistent" };
	struct tpm *t = NULL;
	struct diag d;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		memset(&d, 0, sizeof(d));
		assert_int_equal(tpm_open(bad[i], 0, &t, &d), CS_E_TPM_CONNECT);
		assert_int_equal(d.code, CS_E_TPM_CONNECT);
		assert_null(t);
	}
	tpm_close(&t);
}

static void
test_random(void **state)
{
	struct tpm_rig *f = *state;
	uint8_t a[1024], b[1024], zero[16] = { 0 };

	assert_int_equal(tpm_random(f->t, a, sizeof(a), NULL), 0);
	assert_int_equal(tpm_random(f->t, b, sizeof(b), NULL), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a + sizeof(a) - 16, zero, 16);
	assert_int_equal(tpm_random(f->t, a, 0, NULL), CS_E_INTERNAL);
	assert_int_equal(tpm_random(f->t, a, 1025, NULL), CS_E_INTERNAL);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(round_trip),
		T(sizes),
		T(pcr),
		T(select),
		T(label),
		T(other_tpm),
		T(cleared),
		T(fields),
		T(tag),
		T(bytes),
		T(power_cuts),
		T(clock),
		T(no_leak),
		T(wire),
		T(random),
		cmocka_unit_test(test_connect),
	};

	(void)setenv("TSS2_LOG", "all+NONE", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
