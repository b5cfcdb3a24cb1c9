/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/file.h"
#include "lib/note.h"
#include "tests/lib/rig_signer.h"
#include "tpm/attest_verify.h"

/* What the signer lets the TPM say, verified as the connected side does. */
static struct rs rs;
static char *note;
static struct attest_pinned pinned;
static struct attest_golden golden;

static uint8_t *
enrolled(const char *name, size_t *ret_len)
{
	char path[RIG_PATH], file[64];
	struct diag d = { 0 };
	uint8_t *p = NULL;

	(void)snprintf(file, sizeof(file), "state/enrol/%s", name);
	rig_path(&rs.rig, file, path);
	assert_int_equal(file_read(AT_FDCWD, path, 8192, &p, ret_len, &d), 0);
	return p;
}

/*
 * A checkpoint, signed by the audit token and in the anchor; the signer asks
 * for no more, the TPM's line is for verifiers.
 */
static void
make_note(struct rs_signer *g)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_free_ uint8_t *vkey = NULL;
	struct buf body = BUF_INIT(8192);
	struct checkpoint c = { .origin = RS_ORIGIN, .size = 5 };
	char text[CHECKPOINT_TEXT_MAX];
	struct note_vkeys k;
	uint8_t sig[64];
	struct diag d = { 0 };
	size_t len;

	assert_int_equal(checkpoint_format(&c, text, NULL), 0);
	assert_int_equal(rs_checkpoint(g, text, sig, &d), 0);
	vkey = enrolled("log.vkey", &len);
	assert_int_equal(note_vkeys_parse((const char *)vkey, len, &k, &d), 0);
	assert_int_equal(note_assemble(text, strlen(text), &k.v[0], sig, &note,
			     &len, &d),
	    0);
	assert_int_equal(buf_put_str(&body, note, len), 0);
	assert_int_equal(rs_ask(g, SIGNER_ANCHOR, &body, -1, SIGNER_ANCHOR_R,
			     &m, &d),
	    0);
	buf_done(&body);
}

static int
ask_attest(struct rs_signer *g, const uint8_t *challenge, size_t len,
    struct ipc_msg *m, struct diag *d)
{
	struct buf b = BUF_INIT(8192);
	int r;

	assert_int_equal(buf_put_cstr(&b, note), 0);
	assert_int_equal(buf_put_str(&b, challenge, len), 0);
	assert_int_equal(buf_put_u64(&b, 3), 0);
	assert_int_equal(buf_put_str(&b, rs.policy->digest, 32), 0);
	r = rs_ask(g, SIGNER_ATTEST, &b, -1, SIGNER_ATTEST_R, m, d);
	buf_done(&b);
	return r;
}

static void
verify(const struct ipc_msg *m, const uint8_t *challenge)
{
	_cleanup_attest_answer_ struct attest_answer a = { 0 };
	_cleanup_checks_ struct checks c = { 0 };
	struct attest_expected x = { .pinned = &pinned,
		.golden = &golden,
		.challenge = challenge,
		.last = note };
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	uint8_t chain[CS_SHA256_LEN] = { 0 };
	const uint8_t *text;
	struct diag d = { 0 };
	size_t len;

	assert_int_equal(rd_str(&rd, ATTEST_ANSWER_MAX, &text, &len), 0);
	assert_int_equal(rd_end(&rd), 0);
	assert_int_equal(attest_answer_parse(text, len, &a, &d), 0);
	assert_string_equal(a.checkpoint, note);
	assert_int_equal(a.policy_version, 3);
	assert_memory_equal(a.policy, rs.policy->digest, 32);
	assert_int_equal(attest_chain_step(chain, note, strlen(note)), 0);
	x.chain = chain;
	assert_int_equal(attest_answer_check(&a, &x, &c), 0);
	assert_int_equal(checks_failed(&c), 0);
}

static void
answers(void **state)
{
	_cleanup_msg_ struct ipc_msg a = IPC_MSG_INIT, b = IPC_MSG_INIT;
	_cleanup_msg_ struct ipc_msg x = IPC_MSG_INIT, y = IPC_MSG_INIT;
	const uint8_t challenge[32] = "thirty-two bytes of a challenge";
	struct rs_signer g;
	struct diag d = { 0 };

	(void)state;
	rs_start(&rs, NULL, NULL, &g);
	make_note(&g);
	assert_int_equal(ask_attest(&g, NULL, 0, &a, &d), 0);
	verify(&a, NULL);
	assert_int_equal(ask_attest(&g, challenge, 32, &b, &d), 0);
	verify(&b, challenge);
	/* what the audit token did not sign is not attested */
	note[strlen(note) - 2] ^= 1;
	assert_int_not_equal(ask_attest(&g, NULL, 0, &x, &d), 0);
	assert_int_not_equal(d.code, CS_E_IPC);
	note[strlen(note) - 2] ^= 1;
	/* a challenge of another length is no message of ours */
	assert_int_equal(ask_attest(&g, challenge, 31, &y, &d), CS_E_IPC);
	(void)rs_end(&g);
}

static int
setup(void **state)
{
	_cleanup_tpm_image_ struct tpm_image *img = NULL;
	_cleanup_free_ uint8_t *image = NULL;
	struct diag d = { 0 };
	uint8_t *p;
	size_t len;

	(void)state;
	rs_init(&rs, true);
	p = enrolled("ak.pub", &len);
	assert_int_equal(attest_ak_parse(p, len, &pinned.ak, &d), 0);
	free(p);
	p = enrolled("anchor.pub", &len);
	assert_int_equal(attest_nv_parse(p, len, &pinned.index, pinned.anchor,
			     &d),
	    0);
	free(p);
	pinned.has_anchor = true;
	assert_int_equal(file_read(AT_FDCWD, rs.rig.image, TPM_IMAGE_MAX,
			     &image, &len, &d),
	    0);
	assert_int_equal(tpm_image_parse(image, len, &img, &d), 0);
	golden.version = img->version;
	golden.pcrs.mask = img->pcrs.mask;
	memcpy(golden.pcrs.value, img->pcrs.value, sizeof(golden.pcrs.value));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	attest_pinned_done(&pinned);
	free(note);
	rs_done(&rs);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
