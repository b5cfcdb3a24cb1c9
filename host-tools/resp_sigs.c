/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures and proofs of a response.  A batch may have 10,000: what fails
 * is listed one by one, what passes is counted.
 */
#include <inttypes.h>
#include <string.h>

#include "host-tools/resp_check.h"
#include "lib/canon.h"
#include "lib/hex.h"
#include "lib/tlogproof.h"

#define SIG_MAX	      (1u << 20)
#define LEAF_TEXT_MAX 128u

enum kind { BYTES, SIGNATURE, PROOF, LEAF, KINDS };

static const int codes[KINDS] = {
	[BYTES] = CS_E_RESPONSE_BYTES,
	[SIGNATURE] = CS_E_RESPONSE_SIGNATURE,
	[PROOF] = CS_E_RESPONSE_PROOF,
	[LEAF] = CS_E_RESPONSE_LEAF,
};

struct tally {
	size_t good[KINDS];
};

/* One outcome; d says what is wrong with it. */
static int
note_result(struct resp_check *x, struct tally *t, enum kind k, size_t i,
    int result, const struct diag *why)
{
	if (result == 0) {
		t->good[k]++;
		return 0;
	}
	return checks_add(&x->checks, codes[k], false, why->expected, "%s: %s",
	    x->f.record->st->subjects[i].name,
	    why->found[0] != '\0' ? why->found : err_text(result));
}

static int
check_bytes(const struct record_signature *s, const uint8_t *sig, size_t len,
    struct diag *d)
{
	uint8_t digest[32];
	int r = sha256(sig, len, digest);

	if (r != 0)
		return diag_fail(d, r, NULL, "hashing");
	if (memcmp(digest, s->signature, 32) != 0)
		return diag_fail(d, CS_E_RESPONSE_BYTES,
		    "the SHA-256 that the record names", "other bytes");
	return 0;
}

static int
check_signature(const struct resp_check *x, size_t i, const uint8_t *sig,
    size_t len, struct diag *d)
{
	const struct sigfmt_job j = { .key = x->key,
		.subject = &x->f.record->st->subjects[i] };

	if (x->key == NULL)
		return diag_fail(d, CS_E_RESPONSE_SIGNATURE,
		    "a key of the policy", "no key to verify with");
	return sigfmt_verify(x->f.record->format, &j, sig, len, d);
}

/* The checkpoint is the log's, and has the leaf that the record names. */
static int
check_proof(const struct resp_check *x, size_t i, const uint8_t *text,
    size_t len, struct diag *d)
{
	struct tlogproof proof;
	struct checkpoint c;
	int r;

	r = tlogproof_parse((const char *)text, len, &proof, d);
	if (r == 0)
		r = note_verify(proof.checkpoint, proof.checkpoint_len,
		    x->log_keys.v, x->log_keys.n, &c, d);
	if (r != 0)
		return r;
	if (proof.index != x->f.record->sigs[i].leaf || proof.index >= c.size)
		return diag_fail(d, CS_E_RESPONSE_PROOF, "the record's leaf",
		    "leaf %" PRIu64 " of %" PRIu64, proof.index, c.size);
	return 0;
}

static int
leaf_has(const uint8_t *leaf, size_t len, const char *field, const char *want,
    struct diag *d)
{
	char text[LEAF_TEXT_MAX];
	int r;

	r = canon_get_str((const char *)leaf, len, field, text, sizeof(text),
	    d);
	if (r == 0 && strcmp(text, want) != 0)
		r = diag_fail(d, CS_E_RESPONSE_LEAF, want, "%s: %s", field,
		    text);
	return r;
}

/* The leaf says the same, and the proof shows that it is in the log. */
static int
check_leaf(struct resp_check *x, size_t i, const uint8_t *proof,
    size_t proof_len, struct diag *d)
{
	const struct record_signature *s = &x->f.record->sigs[i];
	char artifact[CS_SHA256_HEX + 1], signature[CS_SHA256_HEX + 1];
	_cleanup_free_ uint8_t *leaf = NULL;
	uint8_t hash[32];
	size_t len;
	int r;

	hex_encode(s->artifact, 32, artifact);
	hex_encode(s->signature, 32, signature);
	if (s->leaf >= tlog_size(x->log))
		return diag_fail(d, CS_E_RESPONSE_LEAF,
		    "an audit bundle that is as new", "no leaf %" PRIu64,
		    s->leaf);
	r = tlog_read_leaf(x->log, s->leaf, &leaf, &len, d);
	if (r == 0)
		r = merkle_leaf_hash(leaf, len, hash);
	if (r == 0)
		r = tlogproof_verify((const char *)proof, proof_len, hash,
		    x->log_keys.v, x->log_keys.n, NULL, NULL, d);
	if (r == 0)
		r = canon_check((const char *)leaf, len, d);
	if (r == 0)
		r = leaf_has(leaf, len, "event", "signature", d);
	if (r == 0)
		r = leaf_has(leaf, len, "data.artifact", artifact, d);
	if (r == 0)
		r = leaf_has(leaf, len, "data.signature_sha256", signature, d);
	return r;
}

static int
check_one(struct resp_check *x, size_t i, struct tally *t, struct diag *d)
{
	_cleanup_free_ uint8_t *sig = NULL, *proof = NULL;
	struct diag why[KINDS] = { 0 };
	char name[RESP_NAME_MAX];
	size_t len, plen;
	int r;

	respfile_sig_name(&x->f, i, name);
	r = package_read(x->f.bundle, name, SIG_MAX, &sig, &len, d);
	respfile_proof_name(&x->f, i, name);
	if (r == 0)
		r = package_read(x->f.bundle, name, TLOGPROOF_MAX, &proof,
		    &plen, d);
	if (r != 0)
		return r;
	r = note_result(x, t, BYTES, i,
	    check_bytes(&x->f.record->sigs[i], sig, len, &why[BYTES]),
	    &why[BYTES]);
	if (r == 0)
		r = note_result(x, t, SIGNATURE, i,
		    check_signature(x, i, sig, len, &why[SIGNATURE]),
		    &why[SIGNATURE]);
	if (r == 0)
		r = note_result(x, t, PROOF, i,
		    check_proof(x, i, proof, plen, &why[PROOF]), &why[PROOF]);
	if (r == 0 && x->log != NULL)
		r = note_result(x, t, LEAF, i,
		    check_leaf(x, i, proof, plen, &why[LEAF]), &why[LEAF]);
	return r == 0 ? 0 : diag_nomem(d);
}

int
resp_check_checkpoint(struct resp_check *x, struct diag *d)
{
	_cleanup_free_ uint8_t *note = NULL;
	struct diag why = { 0 };
	struct checkpoint c;
	size_t len = 0;
	int r;

	r = package_read(x->f.bundle, "checkpoint", NOTE_MAX, &note, &len, d);
	if (r != 0)
		return r;
	r = note_verify((const char *)note, len, x->log_keys.v, x->log_keys.n,
	    &c, &why);
	r = r != 0 ? checks_add_diag(&x->checks, &why) :
		     checks_add(&x->checks, CS_E_NOTE_SIGNATURE, true, NULL,
			 "checkpoint of %" PRIu64 " leaves", c.size);
	return r == 0 ? 0 : diag_nomem(d);
}

int
resp_check_signatures(struct resp_check *x, struct diag *d)
{
	struct tally t = { 0 };
	size_t i, n = x->f.record->nsigs;
	int r = 0, k;

	for (i = 0; r == 0 && i < n; i++)
		r = check_one(x, i, &t, d);
	for (k = 0; r == 0 && k < KINDS; k++)
		if (t.good[k] == n)
			r = checks_add(&x->checks, codes[k], true, NULL,
			    "%zu of %zu", n, n);
	return r == 0 ? resp_check_checkpoint(x, d) : r;
}
