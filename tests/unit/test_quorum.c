/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/tpm_rig.h"
#include "tpm/tpm_private.h"

/* The chip counts: all of this is asked of a real swtpm. */
#define MASK   ((1u << 7) | (1u << 16))
#define DOMAIN "release"
#define LABEL  "domain release policy 0"
#define PIN    "correct-horse-battery-77"

static struct tpm_rig rig;

static int
setup(void **state)
{
	static const char *const types[TPM_RIG_PEOPLE] = { "p256", "rsa2048",
		"p384", "rsa3072", "p256", "p256", "p256", "p256", "p256",
		"p256", "p256", "p256" };

	(void)state;
	tpm_rig_init(&rig, MASK, true);
	tpm_rig_people(&rig, types, TPM_RIG_PEOPLE);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tpm_rig_done(&rig);
	return 0;
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
seal(size_t n, uint32_t m, struct buf *blob)
{
	_cleanup_secret_ struct secret *pin = pin_new();
	_cleanup_quorum_ struct quorum q = { 0 };
	struct tpm_guard g = { rig.img->key, 0, DOMAIN, &q };
	struct diag d = { 0 };

	tpm_rig_quorum(&rig, n, m, &q);
	assert_int_equal(tpm_nv_counter(rig.t, TPM_NV_GENERATION, &g.generation,
			     NULL),
	    0);
	buf_reset(blob);
	if (tpm_seal(rig.t, &g, LABEL, pin, blob, &d) != 0)
		fail_msg("%s: %s", err_id(d.code), d.found);
}

/* A ceremony of these people, by place in rig.people; -1 ends the list. */
struct ceremony {
	struct tpm_saved saved;
	struct tpm_vote votes[TPM_RIG_PEOPLE + 1];
	uint8_t *sigs[TPM_RIG_PEOPLE + 1];
	size_t n;
};

static void
begin(struct ceremony *c)
{
	struct diag d = { 0 };

	memset(c, 0, sizeof(*c));
	if (tpm_session_save(rig.t, &c->saved, &d) != 0)
		fail_msg("%s: %s", err_id(d.code), d.found);
}

static void
vote(struct ceremony *c, size_t who, const char *domain)
{
	struct tpm_vote *v = &c->votes[c->n];

	c->sigs[c->n] =
	    tpm_rig_vote(&rig.people[who], c->saved.nonce, domain, &v->len);
	v->sig = c->sigs[c->n++];
	v->key = rig.people[who].pub;
}

static void
end(struct ceremony *c)
{
	while (c->n > 0)
		free(c->sigs[--c->n]);
	buf_done(&c->saved.context);
}

static int
unseal(const struct ceremony *c, const struct buf *blob, struct diag *d)
{
	_cleanup_secret_ struct secret *pin = pin_new(), *out = NULL;
	const struct tpm_ballot b = { &c->saved, c->votes, c->n };
	int r;

	memset(d, 0, sizeof(*d));
	r = tpm_unseal(rig.t, rig.img, blob->p, blob->len, LABEL, &b, &out, d);
	if (r == 0)
		assert_int_equal(secret_equal(out, pin), 1);
	else
		assert_null(out);
	return r;
}

static void
opens(const struct buf *blob, const size_t *who, size_t n)
{
	struct ceremony c;
	struct diag d;
	size_t i;

	begin(&c);
	for (i = 0; i < n; i++)
		vote(&c, who[i], DOMAIN);
	if (unseal(&c, blob, &d) != 0)
		fail_msg("%zu people: %s: %s", n, err_id(d.code), d.found);
	end(&c);
}

static void
every_pair_of_three(void **state)
{
	static const size_t pairs[][2] = { { 0, 1 }, { 1, 0 }, { 0, 2 },
		{ 2, 1 } };
	static const size_t all[] = { 2, 0, 1 };
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	size_t i;

	(void)state;
	seal(3, 2, &blob);
	assert_null(memmem(blob.p, blob.len, PIN, strlen(PIN)));
	for (i = 0; i < ARRAY_LEN(pairs); i++)
		opens(&blob, pairs[i], 2);
	/* one more than needed does no harm */
	opens(&blob, all, 3);
	buf_done(&blob);
}

static void
many_shapes(void **state)
{
	static const size_t who[] = { 11, 1, 3, 5, 8, 10, 9, 7, 6, 4, 2, 0 };
	static const struct {
		size_t n;
		uint32_t m;
		size_t leaves, levels;
	} shape[] = { { 1, 1, 1, 0 }, { 4, 1, 4, 1 }, { 5, 3, 10, 2 },
		{ 9, 1, 9, 2 }, { 10, 5, 252, 3 }, { 12, 6, 924, 4 },
		{ 12, 12, 1, 0 } };
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	size_t i, j, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(shape); i++) {
		_cleanup_tpm_tree_ struct tpm_tree *tree = NULL;
		struct tpm_blob b;
		size_t chosen[TPM_RIG_PEOPLE];

		seal(shape[i].n, shape[i].m, &blob);
		assert_int_equal(tpm_blob_decode(blob.p, blob.len, &b, NULL),
		    0);
		assert_int_equal(tpm_blob_tree(&b, &tree, NULL), 0);
		assert_int_equal(tpm_tree_leaves(tree), shape[i].leaves);
		assert_int_equal(tpm_tree_levels(tree), shape[i].levels);
		tpm_blob_done(&b);
		for (j = 0, k = 0; k < shape[i].m; j++)
			if (who[j] < shape[i].n)
				chosen[k++] = who[j];
		opens(&blob, chosen, k);
	}
	buf_done(&blob);
}

/* The digest computed in software is what a trial session makes. */
static void
trial_session(void **state)
{
	_cleanup_tpm_handle_ struct tpm_handle s = TPM_HANDLE_INIT(rig.t);
	_cleanup_tpm_tree_ struct tpm_tree *tree = NULL;
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	uint8_t got[32], branch[TPM_OR_MAX][32];
	TPML_DIGEST list = { 0 };
	struct tpm_blob b;
	char ref[QUORUM_REF_MAX];
	struct ceremony c;
	size_t i, leaf;
	static const size_t places[] = { 0, 1 };

	(void)state;
	seal(3, 2, &blob);
	assert_int_equal(tpm_blob_decode(blob.p, blob.len, &b, NULL), 0);
	assert_int_equal(tpm_blob_tree(&b, &tree, NULL), 0);
	assert_int_equal(tpm_start_session(rig.t, ESYS_TR_NONE, TPM2_SE_TRIAL,
			     0, &s, NULL),
	    0);
	assert_int_equal(tpm_step_image(rig.t, rig.img, s.h, NULL), 0);
	assert_int_equal(tpm_step_counter(rig.t, s.h, TPM_NV_GENERATION,
			     TPM_EQUAL, b.generation, CS_E_TPM_GENERATION,
			     NULL),
	    0);
	quorum_ref(DOMAIN, ref);
	begin(&c);
	for (i = 0; i < 2; i++) {
		_cleanup_tpm_handle_ struct tpm_handle k =
		    TPM_HANDLE_INIT(rig.t);
		TPM2B_NONCE pref = { .size = (UINT16)strlen(ref) };
		TPM2B_NONCE none = { 0 };
		TPM2B_DIGEST cp = { 0 };
		TPM2B_TIMEOUT *timeout = NULL;
		TPMT_TK_AUTH *ticket = NULL;
		TPMT_SIGNATURE sig;
		size_t len;
		_cleanup_free_ uint8_t *raw = NULL;
		size_t p;

		for (p = 0; p < rig.npeople; p++)
			if (pubkey_equal(rig.people[p].pub,
				b.quorum.keys[i].key))
				break;
		raw = tpm_rig_vote(&rig.people[p], c.saved.nonce, DOMAIN, &len);
		memcpy(pref.buffer, ref, pref.size);
		assert_int_equal(tpm_signature_of(rig.people[p].pub, raw, len,
				     &sig),
		    0);
		assert_int_equal(tpm_load_public(rig.t, rig.people[p].pub, &k,
				     NULL),
		    0);
		assert_int_equal(Esys_PolicySigned(rig.t->esys, k.h, s.h,
				     ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				     &none, &cp, &pref, 0, &sig, &timeout,
				     &ticket),
		    0);
		Esys_Free(timeout);
		Esys_Free(ticket);
	}
	end(&c);
	assert_int_equal(tpm_tree_leaf(tree, places, &leaf), 0);
	list.count = (UINT32)tpm_tree_branches(tree, leaf, 0, branch);
	for (i = 0; i < list.count; i++) {
		list.digests[i].size = 32;
		memcpy(list.digests[i].buffer, branch[i], 32);
	}
	assert_int_equal(Esys_PolicyOR(rig.t->esys, s.h, ESYS_TR_NONE,
			     ESYS_TR_NONE, ESYS_TR_NONE, &list),
	    0);
	assert_int_equal(tpm_policy_digest(rig.t, s.h, got, NULL), 0);
	assert_memory_equal(got, b.pub.publicArea.authPolicy.buffer, 32);
	tpm_blob_done(&b);
	buf_done(&blob);
}

/* Software names each bad ballot before the session is spent. */
static void
bad_ballots(void **state)
{
	static const size_t two[] = { 0, 1 };
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	struct ceremony c;
	struct diag d;

	(void)state;
	seal(3, 2, &blob);
	begin(&c);
	assert_int_equal(unseal(&c, &blob, &d), CS_E_TPM_QUORUM);
	vote(&c, 0, DOMAIN);
	assert_int_equal(unseal(&c, &blob, &d), CS_E_TPM_QUORUM);
	assert_string_equal(d.found, "1 of 2");
	vote(&c, 0, DOMAIN); /* the same person again */
	assert_int_equal(unseal(&c, &blob, &d), CS_E_TPM_QUORUM);
	assert_string_equal(d.found, "person-0 twice");
	free(c.sigs[--c.n]);
	vote(&c, 4, DOMAIN); /* a key outside of the set */
	assert_int_equal(unseal(&c, &blob, &d), CS_E_TPM_QUORUM);
	free(c.sigs[--c.n]);
	vote(&c, 1, "boot"); /* for another domain */
	assert_int_equal(unseal(&c, &blob, &d), CS_E_TPM_QUORUM);
	free(c.sigs[--c.n]);
	c.saved.nonce[0] ^= 1; /* for another nonce */
	vote(&c, 1, DOMAIN);
	c.saved.nonce[0] ^= 1;
	assert_int_equal(unseal(&c, &blob, &d), CS_E_TPM_QUORUM);
	free(c.sigs[--c.n]);
	/* nothing of that spent the session */
	vote(&c, 1, DOMAIN);
	assert_int_equal(unseal(&c, &blob, &d), 0);
	/* but this did: one unseal per ceremony */
	assert_int_equal(unseal(&c, &blob, &d), CS_E_TPM_SESSION);
	end(&c);
	opens(&blob, two, 2);
	buf_done(&blob);
}

/* --- the chip itself: our own count is left out --- */
static int
chip(const struct buf *blob, const struct ceremony *c, const size_t *places,
    struct diag *d)
{
	_cleanup_tpm_handle_ struct tpm_handle s = TPM_HANDLE_INIT(rig.t);
	_cleanup_tpm_tree_ struct tpm_tree *tree = NULL;
	ESYS_TR storage = ESYS_TR_NONE;
	_cleanup_tpm_handle_ struct tpm_handle object = TPM_HANDLE_INIT(rig.t);
	_cleanup_tpm_blob_ struct tpm_blob b = { 0 };
	uint8_t branch[TPM_OR_MAX][32];
	TPM2B_SENSITIVE_DATA *out = NULL;
	TPML_DIGEST list = { 0 };
	char ref[QUORUM_REF_MAX];
	size_t i, leaf = 0;
	TSS2_RC rc;

	memset(d, 0, sizeof(*d));
	quorum_ref(DOMAIN, ref);
	assert_int_equal(tpm_blob_decode(blob->p, blob->len, &b, NULL), 0);
	assert_int_equal(tpm_blob_tree(&b, &tree, NULL), 0);
	assert_int_equal(tpm_storage(rig.t, &storage, NULL, NULL), 0);
	assert_int_equal(Esys_Load(rig.t->esys, storage, ESYS_TR_PASSWORD,
			     ESYS_TR_NONE, ESYS_TR_NONE, &b.priv, &b.pub,
			     &object.h),
	    0);
	assert_int_equal(tpm_session_load(rig.t, &c->saved, &s, NULL), 0);
	assert_int_equal(tpm_step_image(rig.t, rig.img, s.h, NULL), 0);
	assert_int_equal(tpm_step_counter(rig.t, s.h, TPM_NV_GENERATION,
			     TPM_EQUAL, b.generation, CS_E_TPM_GENERATION,
			     NULL),
	    0);
	for (i = 0; i < c->n; i++) {
		_cleanup_tpm_handle_ struct tpm_handle k =
		    TPM_HANDLE_INIT(rig.t);
		TPM2B_NONCE nonce = { .size = 32 };
		TPM2B_NONCE pref = { .size = (UINT16)strlen(ref) };
		TPM2B_DIGEST cp = { 0 };
		TPM2B_TIMEOUT *timeout = NULL;
		TPMT_TK_AUTH *ticket = NULL;
		TPMT_SIGNATURE sig;

		memcpy(nonce.buffer, c->saved.nonce, 32);
		memcpy(pref.buffer, ref, pref.size);
		assert_int_equal(tpm_signature_of(c->votes[i].key,
				     c->votes[i].sig, c->votes[i].len, &sig),
		    0);
		assert_int_equal(tpm_load_public(rig.t, c->votes[i].key, &k,
				     NULL),
		    0);
		rc = Esys_PolicySigned(rig.t->esys, k.h, s.h, ESYS_TR_NONE,
		    ESYS_TR_NONE, ESYS_TR_NONE, &nonce, &cp, &pref,
		    QUORUM_VOTE_S, &sig, &timeout, &ticket);
		Esys_Free(timeout);
		Esys_Free(ticket);
		if (rc != 0)
			return tpm_fail(rig.t, CS_E_TPM_QUORUM, rc,
			    "PolicySigned", d);
	}
	assert_int_equal(tpm_tree_leaf(tree, places, &leaf), 0);
	list.count = (UINT32)tpm_tree_branches(tree, leaf, 0, branch);
	for (i = 0; i < list.count; i++) {
		list.digests[i].size = 32;
		memcpy(list.digests[i].buffer, branch[i], 32);
	}
	rc = Esys_PolicyOR(rig.t->esys, s.h, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, &list);
	assert_int_not_equal(rc, 0);
	assert_int_equal(tpm_fail(rig.t, CS_E_TPM_QUORUM, rc, "PolicyOR", d),
	    CS_E_TPM_QUORUM);
	/* whoever goes on all the same gets nothing */
	rc = Esys_Unseal(rig.t->esys, object.h, s.h, ESYS_TR_NONE, ESYS_TR_NONE,
	    &out);
	assert_int_equal(tpm_rc_base(rc), TPM2_RC_POLICY_FAIL);
	assert_null(out);
	return CS_E_TPM_QUORUM;
}

static void
the_chip_says_no(void **state)
{
	static const size_t places[] = { 0, 1 };
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	struct ceremony c;
	struct diag d;

	(void)state;
	seal(3, 2, &blob);
	begin(&c); /* nobody */
	assert_int_equal(chip(&blob, &c, places, &d), CS_E_TPM_QUORUM);
	end(&c);
	begin(&c); /* one */
	vote(&c, 0, DOMAIN);
	assert_int_equal(chip(&blob, &c, places, &d), CS_E_TPM_QUORUM);
	end(&c);
	begin(&c); /* one, twice */
	vote(&c, 0, DOMAIN);
	vote(&c, 0, DOMAIN);
	assert_int_equal(chip(&blob, &c, places, &d), CS_E_TPM_QUORUM);
	end(&c);
	begin(&c); /* a stranger */
	vote(&c, 0, DOMAIN);
	vote(&c, 5, DOMAIN);
	assert_int_equal(chip(&blob, &c, places, &d), CS_E_TPM_QUORUM);
	end(&c);
	begin(&c); /* a signature for another nonce */
	c.saved.nonce[5] ^= 4;
	vote(&c, 0, DOMAIN);
	c.saved.nonce[5] ^= 4;
	assert_int_equal(chip(&blob, &c, places, &d), CS_E_TPM_QUORUM);
	assert_non_null(strstr(d.found, "PolicySigned"));
	end(&c);
	begin(&c); /* for another domain */
	vote(&c, 0, "boot");
	assert_int_equal(chip(&blob, &c, places, &d), CS_E_TPM_QUORUM);
	assert_non_null(strstr(d.found, "PolicySigned"));
	end(&c);
	buf_done(&blob);
}

static void
older_generation(void **state)
{
	static const size_t two[] = { 0, 1 };
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	struct ceremony c;
	struct diag d;

	(void)state;
	seal(3, 2, &blob);
	assert_int_equal(tpm_nv_increment(rig.t, rig.img, TPM_NV_GENERATION,
			     NULL),
	    0);
	begin(&c);
	vote(&c, 0, DOMAIN);
	vote(&c, 1, DOMAIN);
	assert_int_equal(unseal(&c, &blob, &d), CS_E_TPM_GENERATION);
	end(&c);
	seal(3, 2, &blob);
	opens(&blob, two, 2);
	buf_done(&blob);
}

/* A new image opens the same blob; once the counter is raised the old cannot */
static void
image_update(void **state)
{
	static const uint8_t measured[32] = { 7 };
	_cleanup_tpm_image_ struct tpm_image *v1 = NULL, *v2 = NULL;
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	static const size_t two[] = { 2, 1 };
	struct ceremony c;
	struct diag d;

	(void)state;
	seal(3, 2, &blob);
	v1 = rig.img;
	assert_int_equal(tpm_pcr_extend(rig.t, 16, measured, NULL), 0);
	begin(&c);
	vote(&c, 0, DOMAIN);
	vote(&c, 1, DOMAIN);
	assert_int_equal(unseal(&c, &blob, &d), CS_E_TPM_PCR);
	end(&c);
	v2 = tpm_rig_image(&rig, &rig.release, MASK, 2);
	rig.img = v2;
	opens(&blob, two, 2);
	if (tpm_nv_increment(rig.t, v2, TPM_NV_IMAGE, &d) != 0)
		fail_msg("%s: %s", err_id(d.code), d.found);
	opens(&blob, two, 2);
	/* the old image's PCRs, signed as version 1 */
	tpm_image_free(&v1);
	v1 = tpm_rig_image(&rig, &rig.release, MASK, 1);
	rig.img = v1;
	begin(&c);
	vote(&c, 0, DOMAIN);
	vote(&c, 1, DOMAIN);
	assert_int_equal(unseal(&c, &blob, &d), CS_E_TPM_IMAGE_OLD);
	end(&c);
	assert_int_equal(tpm_nv_increment(rig.t, v1, TPM_NV_BOOT, &d),
	    CS_E_TPM_IMAGE_OLD);
	rig.img = NULL;
	buf_done(&blob);
}

/* Another release key signs well, but it is not the one it was sealed under */
static void
other_release_key(void **state)
{
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	struct rig_person other;
	struct tpm_image *own = rig.img;
	struct ceremony c;
	struct diag d;

	(void)state;
	seal(3, 2, &blob);
	rig_person(&other, "other", "system", "evil", "image", "rsa2048");
	rig.img = tpm_rig_image(&rig, &other, MASK, 1);
	begin(&c);
	vote(&c, 0, DOMAIN);
	vote(&c, 1, DOMAIN);
	assert_int_not_equal(unseal(&c, &blob, &d), 0);
	end(&c);
	assert_int_not_equal(tpm_nv_increment(rig.t, rig.img, TPM_NV_BOOT, &d),
	    0);
	tpm_image_free(&rig.img);
	rig_person_done(&other);
	rig.img = own;
	buf_done(&blob);
}

/* One document, one change each. */
static void
image_documents(void **state)
{
	static const struct {
		const char *from, *to;
		int code;
	} edits[] = {
		{ "\"version\":1", "\"version\":2", CS_E_TPM_IMAGE },
		{ "\"version\":1", "\"version\":1,\"x\":1", CS_E_JSON_FIELD },
		{ "\"7\":", "\"07\":", CS_E_TPM_IMAGE },
		{ "\"7\":", "\"24\":", CS_E_TPM_IMAGE },
		{ "\"7\":", "\"9\":", CS_E_TPM_SELECT },
		{ "\"7\":", "\"8\":", CS_E_TPM_IMAGE },
		{ "-image-v1", "-image-v2", CS_E_TPM_IMAGE },
		{ "\"signature\":\"", "\"signature\":\"=", CS_E_TPM_IMAGE },
		{ "\"pcrs\":{", "\"pcrs\":{\"7\":1,", CS_E_JSON_DUPLICATE },
	};
	_cleanup_free_ char *good = NULL;
	struct tpm_image *img = NULL;
	struct diag d = { 0 };
	char text[2048];
	size_t i, len;

	(void)state;
	assert_int_equal(tpm_image_format(rig.img->version, &rig.img->pcrs,
			     rig.img->key, rig.img->sig, rig.img->sig_len,
			     &good, &len),
	    0);
	assert_int_equal(tpm_image_parse(good, len, &img, &d), 0);
	tpm_image_free(&img);
	for (i = 0; i < ARRAY_LEN(edits); i++) {
		const char *at =
		    memmem(good, len, edits[i].from, strlen(edits[i].from));
		int r;

		assert_non_null(at);
		(void)snprintf(text, sizeof(text), "%.*s%s%.*s",
		    (int)(at - good), good, edits[i].to,
		    (int)(len - (size_t)(at - good) - strlen(edits[i].from)),
		    at + strlen(edits[i].from));
		r = tpm_image_parse(text, strlen(text), &img, &d);
		if (r != edits[i].code)
			fail_msg("%s: %s, not %s", edits[i].to, err_id(r),
			    err_id(edits[i].code));
		assert_null(img);
	}
	assert_int_equal(tpm_image_parse(good, len - 1, &img, &d),
	    CS_E_JSON_SYNTAX);
}

static void
session_ends_with_the_power(void **state)
{
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	struct ceremony c;
	struct diag d;

	(void)state;
	seal(3, 2, &blob);
	begin(&c);
	vote(&c, 0, DOMAIN);
	vote(&c, 1, DOMAIN);
	/* our process may come and go */
	tpm_close(&rig.t);
	assert_int_equal(tpm_open(rig.sw.tcti, 0, &rig.t, NULL), 0);
	assert_int_equal(unseal(&c, &blob, &d), 0);
	end(&c);
	begin(&c);
	vote(&c, 0, DOMAIN);
	vote(&c, 1, DOMAIN);
	swtpm_kill(&rig.sw);
	tpm_close(&rig.t);
	swtpm_start(&rig.sw);
	assert_int_equal(tpm_open(rig.sw.tcti, 0, &rig.t, NULL), 0);
	assert_int_equal(unseal(&c, &blob, &d), CS_E_TPM_SESSION);
	/* nor bytes that are no session */
	c.saved.context.p[c.saved.context.len / 2] ^= 1;
	assert_int_equal(unseal(&c, &blob, &d), CS_E_TPM_SESSION);
	c.saved.context.len = 5;
	assert_int_equal(unseal(&c, &blob, &d), CS_E_TPM_SESSION);
	end(&c);
	buf_done(&blob);
}

/* 64 sessions fit; those of ended ceremonies are flushed. */
static void
sessions_are_pruned(void **state)
{
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	struct ceremony kept, c;
	struct diag d;
	int i;

	(void)state;
	seal(3, 2, &blob);
	begin(&kept);
	for (i = 0; i < 200; i++) {
		begin(&c);
		end(&c);
		assert_int_equal(tpm_session_prune(rig.t, &kept.saved.handle, 1,
				     &d),
		    0);
	}
	vote(&kept, 0, DOMAIN);
	vote(&kept, 2, DOMAIN);
	assert_int_equal(unseal(&kept, &blob, &d), 0);
	end(&kept);
	buf_done(&blob);
}

/* One person with two keys is one person. */
static void
two_keys_one_person(void **state)
{
	_cleanup_secret_ struct secret *pin = pin_new();
	_cleanup_quorum_ struct quorum q = { .threshold = 2 };
	struct tpm_guard g = { rig.img->key, 0, DOMAIN, &q };
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	static const char *const who[] = { "ann", "ann", "ben" };
	struct ceremony c;
	struct diag d = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		if (i == 2)
			assert_int_equal(quorum_check(&q, &d),
			    CS_E_QUORUM_SIZE);
		assert_int_equal(quorum_add(&q, who[i], rig.people[i].pub->spki,
				     rig.people[i].pub->spki_len, &d),
		    0);
	}
	assert_int_equal(tpm_nv_counter(rig.t, TPM_NV_GENERATION, &g.generation,
			     NULL),
	    0);
	assert_int_equal(tpm_seal(rig.t, &g, LABEL, pin, &blob, &d), 0);
	begin(&c);
	vote(&c, 0, DOMAIN);
	vote(&c, 1, DOMAIN);
	assert_int_equal(unseal(&c, &blob, &d), CS_E_TPM_QUORUM);
	vote(&c, 2, DOMAIN);
	assert_int_equal(unseal(&c, &blob, &d), 0);
	end(&c);
	buf_done(&blob);
}

static void
what_a_quorum_refuses(void **state)
{
	_cleanup_quorum_ struct quorum q = { .threshold = 1 };
	struct rig_person ed;
	struct diag d = { 0 };
	size_t i;

	(void)state;
	rig_person(&ed, "ed", "person", "acme", "approver", "ed25519");
	assert_int_equal(quorum_add(&q, "ed", ed.pub->spki, ed.pub->spki_len,
			     &d),
	    CS_E_QUORUM_KEY);
	assert_int_equal(quorum_check(&q, &d), CS_E_QUORUM_SIZE);
	for (i = 0; i < TPM_RIG_PEOPLE; i++)
		assert_int_equal(quorum_add(&q, rig.names[i],
				     rig.people[i].pub->spki,
				     rig.people[i].pub->spki_len, &d),
		    0);
	assert_int_equal(quorum_check(&q, &d), 0);
	assert_int_equal(quorum_add(&q, "x", rig.release.pub->spki,
			     rig.release.pub->spki_len, &d),
	    CS_E_QUORUM_SIZE);
	q.threshold = 13;
	assert_int_equal(quorum_check(&q, &d), CS_E_QUORUM_SIZE);
	q.threshold = 0;
	assert_int_equal(quorum_check(&q, &d), CS_E_QUORUM_SIZE);
	pubkey_free(&q.keys[--q.n].key);
	assert_int_equal(quorum_add(&q, "x", q.keys[0].key->spki,
			     q.keys[0].key->spki_len, &d),
	    CS_E_QUORUM_KEY);
	rig_person_done(&ed);
}

static void
the_anchor(void **state)
{
	uint8_t want[64] = { 0 }, got[32];
	static const uint8_t one[32] = { 1 };
	uint64_t v = 0;

	(void)state;
	assert_int_equal(tpm_nv_anchor(rig.t, got, NULL), 0);
	assert_memory_equal(got, want, 32);
	assert_int_equal(tpm_nv_extend(rig.t, rig.img, one, NULL), 0);
	memcpy(want + 32, one, 32);
	assert_int_equal(sha256(want, 64, want), 0);
	assert_int_equal(tpm_nv_anchor(rig.t, got, NULL), 0);
	assert_memory_equal(got, want, 32);
	assert_int_equal(tpm_nv_counter(rig.t, TPM_NV_BOOT, &v, NULL), 0);
	assert_int_equal(v, 1);
	assert_int_equal(tpm_nv_increment(rig.t, rig.img, TPM_NV_BOOT, NULL),
	    0);
	assert_int_equal(tpm_nv_counter(rig.t, TPM_NV_BOOT, &v, NULL), 0);
	assert_int_equal(v, 2);
}

/* Nobody writes an index without the image: not with the empty password. */
static void
the_anchor_is_not_for_all(void **state)
{
	ESYS_TR nv = ESYS_TR_NONE;
	TPM2B_MAX_NV_BUFFER b = { .size = 32 };
	TSS2_RC rc;

	(void)state;
	assert_int_equal(tpm_nv_open(rig.t, TPM_NV_ANCHOR, &nv, NULL), 0);
	rc = Esys_NV_Extend(rig.t->esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE,
	    ESYS_TR_NONE, &b);
	assert_int_not_equal(rc, 0);
	rc = Esys_NV_Extend(rig.t->esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD,
	    ESYS_TR_NONE, ESYS_TR_NONE, &b);
	assert_int_not_equal(rc, 0);
}

/* The log's second key signs for this image, and nobody without it. */
static void
log_key(void **state)
{
	static const uint8_t measured[32] = { 7 };
	_cleanup_pubkey_ struct pubkey *pub = NULL;
	struct buf blob = BUF_INIT(TPM_LOGKEY_MAX), sig = BUF_INIT(128);
	struct diag d = { 0 };
	int i;

	(void)state;
	assert_int_equal(tpm_logkey_create(rig.t, rig.img, &blob, &pub, &d), 0);
	assert_true(pubkey_fits(pub, KEY_P256));
	for (i = 0; i < 20; i++) { /* r and s with leading zeros too */
		assert_int_equal(tpm_logkey_sign(rig.t, rig.img, blob.p,
				     blob.len, "a checkpoint\n", 13, &sig, &d),
		    0);
		assert_int_equal(pubkey_verify_message(pub, "a checkpoint\n",
				     13, sig.p, sig.len),
		    0);
	}
	blob.p[blob.len - 1] ^= 1;
	assert_int_equal(tpm_logkey_sign(rig.t, rig.img, blob.p, blob.len, "x",
			     1, &sig, &d),
	    CS_E_TPM_OTHER);
	blob.p[blob.len - 1] ^= 1;
	assert_int_equal(tpm_logkey_sign(rig.t, rig.img, blob.p, blob.len - 1,
			     "x", 1, &sig, &d),
	    CS_E_TPM_BLOB);
	assert_int_equal(tpm_pcr_extend(rig.t, 16, measured, NULL), 0);
	assert_int_equal(tpm_logkey_sign(rig.t, rig.img, blob.p, blob.len, "x",
			     1, &sig, &d),
	    CS_E_TPM_PCR);
	buf_done(&blob);
	buf_done(&sig);
}

static void
ownership(void **state)
{
	_cleanup_secret_ struct secret *owner = NULL, *lockout = NULL;
	static const size_t two[] = { 0, 1 };
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);

	(void)state;
	assert_int_equal(secret_random_pin(32, &owner), 0);
	assert_int_equal(secret_random_pin(32, &lockout), 0);
	seal(3, 2, &blob);
	assert_int_equal(tpm_take_ownership(rig.t, owner, lockout, NULL), 0);
	/* what a ceremony does needs neither */
	opens(&blob, two, 2);
	assert_int_equal(tpm_nv_increment(rig.t, rig.img, TPM_NV_BOOT, NULL),
	    0);
	/* but nobody undoes the setup without them */
	tpm_close(&rig.t);
	assert_int_equal(tpm_open(rig.sw.tcti, 0, &rig.t, NULL), 0);
	assert_int_not_equal(tpm_setup(rig.t, rig.img, NULL), 0);
	assert_int_not_equal(Esys_Clear(rig.t->esys, ESYS_TR_RH_LOCKOUT,
				 ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE),
	    0);
	opens(&blob, two, 2);
	buf_done(&blob);
}

static void
handles_left(TPM2_HANDLE first, size_t want)
{
	TPMS_CAPABILITY_DATA *cap = NULL;
	TPMI_YES_NO more;

	assert_int_equal(Esys_GetCapability(rig.t->esys, ESYS_TR_NONE,
			     ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES,
			     first, 8, &more, &cap),
	    0);
	assert_int_equal(cap->data.handles.count, want);
	Esys_Free(cap);
}

/* A thousand seals and unseals: nothing is left in the TPM. */
static void
many_rounds(void **state)
{
	static const size_t two[] = { 0, 4 };
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		seal(5, 2, &blob);
		opens(&blob, two, 2);
	}
	tpm_release(rig.t);
	/* transient objects, loaded sessions, saved ones */
	handles_left(0x80000000u, 0);
	handles_left(0x02000000u, 0);
	handles_left(0x03000000u, 0);
	buf_done(&blob);
}

/* T3: the whole wire log of a ceremony, and of its re-sealing */
static void
wire(void **state)
{
	static const size_t two[] = { 2, 1 };
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	char hex[2 * sizeof(PIN) + 1];
	char line[1024];
	const char *argv[] = { "sh", "-c", line, NULL };
	struct rig r = { .dir = "/" };
	_cleanup_output_ struct rig_output o = { 0 };
	size_t i;

	(void)state;
	seal(3, 2, &blob);
	opens(&blob, two, 2);
	for (i = 0; i < strlen(PIN); i++)
		(void)snprintf(hex + 2 * i, 3, "%02X", (unsigned)PIN[i]);
	(void)snprintf(line, sizeof(line),
	    "tr -d ' \\n' <%s | grep -ciE '%s|%s'; wc -c <%s", rig.sw.log, hex,
	    PIN, rig.sw.log);
	rig_run(&r, argv, NULL, &o);
	if (strncmp(o.out, "0\n", 2) != 0 ||
	    strtoul(o.out + 2, NULL, 10) < 1000)
		fail_msg("%s", o.out);
	buf_done(&blob);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_pair_of_three),
		T(many_shapes),
		T(trial_session),
		T(bad_ballots),
		T(the_chip_says_no),
		T(older_generation),
		T(image_update),
		T(other_release_key),
		T(image_documents),
		T(session_ends_with_the_power),
		T(sessions_are_pruned),
		T(two_keys_one_person),
		T(what_a_quorum_refuses),
		T(the_anchor),
		T(the_anchor_is_not_for_all),
		T(log_key),
		T(ownership),
		T(many_rounds),
		T(wire),
	};

	(void)setenv("TSS2_LOG", "all+NONE", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
