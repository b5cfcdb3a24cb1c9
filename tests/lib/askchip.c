/* SPDX-License-Identifier: Apache-2.0 */

/*
 * askchip STATE DOMAIN N: asks the TPM itself for a domain's PIN with the
 * votes of N approvers of a rehearsal, as somebody would who owns the core,
 * the signer and those people's tokens: nothing of ours counts here.  Prints
 * what the chip says.  Exit status 0 if the PIN came out, 1 if not.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/change.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "tests/lib/rehearsal_vote.h"
#include "tests/lib/rig_die.h"
#include "tpm/tpm_private.h"

#define VOTES_MAX 12u

struct ask {
	struct site *site;
	struct policy *policy;
	struct tpm *t;
	struct tpm_image *img;
	struct tpm_blob b;
	struct tpm_tree *tree;
	struct tpm_saved saved;
	struct tpm_handle object, session;
	char ref[QUORUM_REF_MAX];
};

static void
must(int r, const struct diag *d, const char *what)
{
	if (r != 0)
		rig_die("%s: %s %s", what, err_id(r), d->found);
}

static void
ask_done(struct ask *a)
{
	buf_done(&a->saved.context);
	tpm_tree_free(&a->tree);
	tpm_blob_done(&a->b);
	tpm_close(&a->t);
	tpm_image_free(&a->img);
	policy_free(&a->policy);
	site_free(&a->site);
}

static void
open_all(struct ask *a, const char *state_path, const char *domain)
{
	uint8_t *env = NULL, *json = NULL, *blob = NULL;
	struct diag d = { 0 };
	size_t len = 0;
	char path[80];
	int state = -1;

	must(dir_open(AT_FDCWD, state_path, &state, &d), &d, state_path);
	must(site_load(state, &a->site, &d), &d, "site.json");
	must(file_read(state, "policy.dsse", DSSE_MAX, &env, &len, &d), &d,
	    "policy.dsse");
	must(policy_load_pinned(env, len, &a->policy, &d), &d, "policy");
	must(file_read(state, "sealed/image.json", TPM_IMAGE_MAX, &json, &len,
		 &d),
	    &d, "image.json");
	must(tpm_image_parse(json, len, &a->img, &d), &d, "image");
	(void)snprintf(path, sizeof(path), "sealed/%.40s.seal", domain);
	must(file_read(state, path, TPM_BLOB_MAX, &blob, &len, &d), &d, path);
	must(tpm_blob_decode(blob, len, &a->b, &d), &d, path);
	must(tpm_blob_tree(&a->b, &a->tree, &d), &d, "tree");
	must(tpm_open(a->site->tcti, 0, &a->t, &d), &d, "TPM");
	quorum_ref(domain, a->ref);
	free(env);
	free(json);
	free(blob);
	(void)close(state);
}

/* The session, the sealed object, and all steps but people's. */
static void
begin(struct ask *a)
{
	struct diag d = { 0 };
	ESYS_TR storage = ESYS_TR_NONE;

	a->object = (struct tpm_handle)TPM_HANDLE_INIT(a->t);
	a->session = (struct tpm_handle)TPM_HANDLE_INIT(a->t);
	must(tpm_session_save(a->t, &a->saved, &d), &d, "session");
	must(tpm_session_load(a->t, &a->saved, &a->session, &d), &d, "session");
	must(tpm_storage(a->t, &storage, NULL, &d), &d, "storage key");
	if (Esys_Load(a->t->esys, storage, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		ESYS_TR_NONE, &a->b.priv, &a->b.pub, &a->object.h) != 0)
		rig_die("the sealed object does not load");
	must(tpm_step_image(a->t, a->img, a->session.h, &d), &d, "image");
	must(tpm_step_counter(a->t, a->session.h, TPM_NV_GENERATION, TPM_EQUAL,
		 a->b.generation, CS_E_TPM_GENERATION, &d),
	    &d, "generation");
}

static void
vote(struct ask *a, const struct tpm_vote *v)
{
	struct tpm_handle key = TPM_HANDLE_INIT(a->t);
	TPM2B_NONCE nonce = { .size = QUORUM_NONCE_LEN };
	TPM2B_NONCE ref = { .size = (UINT16)strlen(a->ref) };
	TPM2B_DIGEST none = { 0 };
	TPM2B_TIMEOUT *timeout = NULL;
	TPMT_TK_AUTH *ticket = NULL;
	TPMT_SIGNATURE sig;
	struct diag d = { 0 };
	TSS2_RC rc;

	memcpy(nonce.buffer, a->saved.nonce, QUORUM_NONCE_LEN);
	memcpy(ref.buffer, a->ref, ref.size);
	must(tpm_signature_of(v->key, v->sig, v->len, &sig), &d, "signature");
	must(tpm_load_public(a->t, v->key, &key, &d), &d, "key");
	rc = Esys_PolicySigned(a->t->esys, key.h, a->session.h, ESYS_TR_NONE,
	    ESYS_TR_NONE, ESYS_TR_NONE, &nonce, &none, &ref, QUORUM_VOTE_S,
	    &sig, &timeout, &ticket);
	(void)printf("TPM2_PolicySigned: 0x%x\n", rc);
	Esys_Free(timeout);
	Esys_Free(ticket);
	tpm_handle_done(&key);
}

/* The leaf of the first people in order: the one that the votes made. */
static void
climb(struct ask *a, const size_t *places)
{
	uint8_t branch[TPM_OR_MAX][CS_SHA256_LEN];
	size_t leaf = 0, level, i;
	TSS2_RC rc;

	if (tpm_tree_leaf(a->tree, places, &leaf) != 0)
		rig_die("no such set of people");
	for (level = 0; level < tpm_tree_levels(a->tree); level++) {
		TPML_DIGEST list = { .count = (UINT32)tpm_tree_branches(a->tree,
					 leaf, level, branch) };

		for (i = 0; i < list.count; i++) {
			list.digests[i].size = CS_SHA256_LEN;
			memcpy(list.digests[i].buffer, branch[i],
			    CS_SHA256_LEN);
		}
		rc = Esys_PolicyOR(a->t->esys, a->session.h, ESYS_TR_NONE,
		    ESYS_TR_NONE, ESYS_TR_NONE, &list);
		(void)printf("TPM2_PolicyOR: 0x%x\n", rc);
	}
}

static int
by_place(const void *x, const void *y)
{
	const size_t *a = x, *b = y;

	return *a < *b ? -1 : *a > *b;
}

/* the first place that nobody of the first n has */
static size_t
unused(const size_t *places, size_t n)
{
	size_t p, i;

	for (p = 0;; p++) {
		for (i = 0; i < n && places[i] != p; i++)
			;
		if (i == n)
			return p;
	}
}

int
main(int argc, char **argv)
{
	struct ask a = { .site = NULL };
	struct tpm_vote votes[VOTES_MAX];
	size_t places[VOTES_MAX] = { 0 }, i, j, n;
	struct buf challenge = BUF_INIT(256);
	TPM2B_SENSITIVE_DATA *out = NULL;
	char rehearsal[1024];
	TSS2_RC rc;

	if (argc != 4 || (n = strtoul(argv[3], NULL, 10)) > VOTES_MAX) {
		(void)fputs("usage: askchip STATE DOMAIN N\n", stderr);
		return 2;
	}
	(void)setenv("TSS2_LOG", "all+NONE", 1);
	(void)snprintf(rehearsal, sizeof(rehearsal), "%s/..", argv[1]);
	open_all(&a, argv[1], argv[2]);
	begin(&a);
	if (quorum_challenge(a.saved.nonce, a.ref, &challenge) != 0)
		rig_die("challenge");
	for (i = 0; i < n; i++)
		rehearsal_vote(a.policy, &a.site->ports[i], rehearsal,
		    &challenge, &votes[i]);
	for (i = 0; i < n; i++)
		places[i] = (size_t)quorum_find(&a.b.quorum, votes[i].key);
	qsort(places, n, sizeof(*places), by_place);
	/* PolicySigned in the order of the places */
	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++)
			if (quorum_find(&a.b.quorum, votes[j].key) ==
			    (int)places[i])
				vote(&a, &votes[j]);
	/* whoever is missing is claimed to have voted */
	for (i = n; i < a.b.quorum.threshold; i++)
		places[i] = unused(places, i);
	qsort(places, a.b.quorum.threshold, sizeof(*places), by_place);
	climb(&a, places);
	rc = Esys_Unseal(a.t->esys, a.object.h, a.session.h, ESYS_TR_NONE,
	    ESYS_TR_NONE, &out);
	(void)printf("TPM2_Unseal: 0x%x%s\n", rc,
	    rc == 0 ? ": the PIN came out" : ": no PIN");
	Esys_Free(out);
	tpm_handle_done(&a.object);
	tpm_handle_done(&a.session);
	for (i = 0; i < n; i++)
		free((void *)(uintptr_t)votes[i].sig);
	buf_done(&challenge);
	ask_done(&a);
	return rc == 0 ? 0 : 1;
}
