/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tpm/tpm_private.h"

/*
 * Which votes go into the chip: one per person, in the order of the places of
 * their keys, as many as the threshold.  Each is verified in software first,
 * so that a bad one is named and costs no session.
 */
static int
place_votes(const struct quorum *q, const struct tpm_ballot *ballot,
    const struct buf *tbs, const struct tpm_vote *by_place[QUORUM_MAX_KEYS],
    struct diag *d)
{
	size_t i;
	int at;

	for (i = 0; i < ballot->n; i++) {
		const struct tpm_vote *v = &ballot->votes[i];

		at = quorum_find(q, v->key);
		if (at < 0)
			return diag_fail(d, CS_E_TPM_QUORUM,
			    "approvers of this key domain",
			    "vote %zu by a key outside of it", i + 1);
		if (by_place[at] != NULL)
			return diag_fail(d, CS_E_TPM_QUORUM, "each key once",
			    "%s twice", q->keys[at].person);
		if (pubkey_verify_message(v->key, tbs->p, tbs->len, v->sig,
			v->len) != 0)
			return diag_fail(d, CS_E_TPM_QUORUM,
			    "a signature over this session's challenge",
			    "another by %s", q->keys[at].person);
		by_place[at] = v;
	}
	return 0;
}

static bool
has_person(const struct quorum *q, const struct tpm_count *c, size_t n,
    const char *person)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(q->keys[c->place[i]].person, person) == 0)
			return true;
	return false;
}

int
tpm_count_votes(const struct quorum *q, const struct tpm_ballot *ballot,
    const char *ref, struct tpm_count *ret, struct diag *d)
{
	const struct tpm_vote *by_place[QUORUM_MAX_KEYS] = { NULL };
	struct buf tbs = BUF_INIT(256);
	size_t i, n = 0;
	int r;

	r = quorum_challenge(ballot->session->nonce, ref, &tbs);
	if (r == 0)
		r = place_votes(q, ballot, &tbs, by_place, d);
	buf_done(&tbs);
	if (r != 0)
		return r;
	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < q->n && n < q->threshold; i++) {
		if (by_place[i] == NULL ||
		    has_person(q, ret, n, q->keys[i].person))
			continue;
		ret->place[n] = i;
		ret->vote[n++] = by_place[i];
	}
	if (n < q->threshold)
		return diag_fail(d, CS_E_TPM_QUORUM,
		    "as many people as were sealed", "%zu of %u", n,
		    q->threshold);
	return 0;
}

static int
policy_signed(struct tpm *t, ESYS_TR session, const struct tpm_saved *saved,
    const struct tpm_vote *v, const char *ref, struct diag *d)
{
	static const TPM2B_DIGEST no_cp_hash = { 0 };
	_cleanup_tpm_handle_ struct tpm_handle key = TPM_HANDLE_INIT(t);
	_cleanup_tpm_free_ TPM2B_TIMEOUT *timeout = NULL;
	_cleanup_tpm_free_ TPMT_TK_AUTH *ticket = NULL;
	TPM2B_NONCE nonce = { .size = QUORUM_NONCE_LEN };
	TPM2B_NONCE policy_ref = { .size = (UINT16)strlen(ref) };
	TPMT_SIGNATURE sig;
	TSS2_RC rc;
	int r;

	memcpy(nonce.buffer, saved->nonce, QUORUM_NONCE_LEN);
	memcpy(policy_ref.buffer, ref, policy_ref.size);
	if (tpm_signature_of(v->key, v->sig, v->len, &sig) != 0)
		return diag_fail(d, CS_E_TPM_QUORUM, "a signature",
		    "something else");
	r = tpm_load_public(t, v->key, &key, d);
	if (r != 0)
		return r;
	rc = Esys_PolicySigned(t->esys, key.h, session, ESYS_TR_NONE,
	    ESYS_TR_NONE, ESYS_TR_NONE, &nonce, &no_cp_hash, &policy_ref,
	    QUORUM_VOTE_S, &sig, &timeout, &ticket);
	switch (tpm_rc_base(rc)) {
	case TSS2_RC_SUCCESS:
		return 0;
	case TPM2_RC_EXPIRED:
		return tpm_fail(t, CS_E_TPM_EXPIRED, rc, "TPM2_PolicySigned",
		    d);
	case TPM2_RC_SIGNATURE:
	case TPM2_RC_NONCE:
	case TPM2_RC_CPHASH:
		return tpm_fail(t, CS_E_TPM_QUORUM, rc, "TPM2_PolicySigned", d);
	default:
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_PolicySigned", d);
	}
}

/* Up the tree: at each level the branch of the one below is among eight. */
static int
policy_ors(struct tpm *t, ESYS_TR session, const struct tpm_tree *tree,
    size_t leaf, struct diag *d)
{
	uint8_t branch[TPM_OR_MAX][CS_SHA256_LEN];
	size_t level, i;
	TSS2_RC rc;

	for (level = 0; level < tpm_tree_levels(tree); level++) {
		TPML_DIGEST list = { .count = (UINT32)tpm_tree_branches(tree,
					 leaf, level, branch) };

		for (i = 0; i < list.count; i++) {
			list.digests[i].size = CS_SHA256_LEN;
			memcpy(list.digests[i].buffer, branch[i],
			    CS_SHA256_LEN);
		}
		rc = Esys_PolicyOR(t->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
		    ESYS_TR_NONE, &list);
		if (tpm_rc_base(rc) == TPM2_RC_VALUE)
			return tpm_fail(t, CS_E_TPM_QUORUM, rc, "TPM2_PolicyOR",
			    d);
		if (rc != TSS2_RC_SUCCESS)
			return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_PolicyOR",
			    d);
	}
	return 0;
}

int
tpm_step_quorum(struct tpm *t, ESYS_TR session, const struct tpm_blob *b,
    const struct tpm_ballot *ballot, struct diag *d)
{
	_cleanup_tpm_tree_ struct tpm_tree *tree = NULL;
	char ref[QUORUM_REF_MAX];
	struct tpm_count c;
	size_t leaf = 0, i;
	int r;

	quorum_ref(b->domain, ref);
	r = tpm_count_votes(&b->quorum, ballot, ref, &c, d);
	if (r == 0)
		r = tpm_blob_tree(b, &tree, d);
	if (r == 0)
		r = tpm_tree_leaf(tree, c.place, &leaf);
	for (i = 0; r == 0 && i < b->quorum.threshold; i++)
		r = policy_signed(t, session, ballot->session, c.vote[i], ref,
		    d);
	return r == 0 ? policy_ors(t, session, tree, leaf, d) : r;
}
