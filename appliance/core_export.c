/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Export: one response and the whole log, written by the export helper as a
 * volume of its own.  The response is put together from what is stored (the
 * record, the signature leaves, the checkpoint that first covered them), so
 * exporting again gives the same bytes and signs nothing.  With the log goes
 * what the TPM says over its checkpoint.
 */

#include <stdio.h>
#include <string.h>

#include "appliance/core_out.h"
#include "lib/b64.h"
#include "lib/canon.h"
#include "lib/dirlist.h"
#include "lib/hex.h"
#include "lib/tiles.h"
#include "lib/tlogproof.h"

struct exporting {
	struct core *c;
	struct out out;
	struct case_file f;
	char *note; /* the checkpoint of the response */
	size_t note_len;
	uint64_t note_size;
	char *answer; /* what the TPM says, with the audit bundle */
	size_t answer_len;
	uint64_t counter;
};

static void
exporting_done(struct exporting *x)
{
	out_done(&x->out);
	case_done(&x->f);
	free(x->note);
	free(x->answer);
}

/* The signature bytes of a signature leaf, and whose they are. */
static int
read_signature(struct exporting *x, uint64_t leaf, char artifact[65],
    uint8_t **ret, size_t *ret_len, struct diag *d)
{
	_cleanup_free_ char *line = NULL, *b64 = NULL;
	_cleanup_free_ uint8_t *sig = NULL;
	size_t len;
	int r;

	r = ledger_leaf(x->c->ledger, leaf, &line, &len, d);
	if (r != 0)
		return r;
	b64 = malloc(len + 1);
	sig = malloc(len + 1);
	if (b64 == NULL || sig == NULL)
		return diag_nomem(d);
	r = canon_get_str(line, len, "data.artifact", artifact, 65, NULL);
	if (r == 0)
		r = canon_get_str(line, len, "data.signature", b64, len + 1,
		    NULL);
	if (r == 0)
		r = b64_decode(b64, strlen(b64), sig, len, ret_len);
	if (r != 0)
		return diag_fail(d, CS_E_LEDGER_LEAF, "a signature leaf",
		    "leaf %llu", (unsigned long long)leaf);
	*ret = take_ptr(sig);
	return 0;
}

static int
add_signature(struct exporting *x, uint64_t leaf, struct diag *d)
{
	_cleanup_free_ uint8_t *sig = NULL;
	_cleanup_free_ char *proof = NULL;
	uint8_t path[MERKLE_MAX_PROOF][32];
	char artifact[65], name[OUT_NAME_LEN];
	size_t sig_len, npath, proof_len;
	int r;

	r = read_signature(x, leaf, artifact, &sig, &sig_len, d);
	if (r == 0)
		r = ledger_inclusion(x->c->ledger, leaf, x->note_size, path,
		    &npath, d);
	if (r == 0)
		r = tlogproof_format(leaf, (const uint8_t(*)[32])path, npath,
		    x->note, x->note_len, &proof, &proof_len, d);
	if (r != 0)
		return r;
	(void)snprintf(name, sizeof(name), "signatures/%s.%s", artifact,
	    sigfmt_suffix(x->f.req->format));
	r = out_add(&x->out, name, sig, sig_len);
	if (r != 0)
		return r;
	(void)snprintf(name, sizeof(name), "proofs/%s.tlog-proof", artifact);
	return out_add(&x->out, name, proof, proof_len);
}

/* record.dsse, and for a signed request its signatures and proofs. */
static int
pack_response(struct exporting *x, struct diag *d)
{
	_cleanup_free_ uint8_t *record = NULL;
	const struct ledger_request *q = &x->f.q;
	size_t len;
	uint64_t i;
	int r;

	r = ledger_blob_get(x->c->ledger, q->response, DSSE_MAX, &record, &len,
	    d);
	if (r == 0)
		r = out_add(&x->out, "record.dsse", record, len);
	if (r != 0 || q->state == REQ_REFUSED)
		return r;
	r = ledger_checkpoint_at(x->c->ledger, q->outcome_leaf + 1, &x->note,
	    &x->note_len, &x->note_size, d);
	for (i = 0; r == 0 && i < q->nleaves; i++)
		r = add_signature(x, q->first_leaf + i, d);
	if (r == 0)
		r = out_add(&x->out, "checkpoint", x->note, x->note_len);
	return r;
}

struct tile_list {
	char (*path)[TILE_PATH_MAX];
	size_t n, cap;
};

static int
collect_tile(void *arg, const struct tile_id *t)
{
	struct tile_list *l = arg;

	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 64 : l->cap * 2;
		void *v = reallocarray(l->path, cap, TILE_PATH_MAX);

		if (v == NULL)
			return CS_E_NOMEM;
		l->path = v;
		l->cap = cap;
	}
	tile_path(t, l->path[l->n++]);
	return 0;
}

static int
compare_paths(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int
send_tiles(struct exporting *x, struct diag *d)
{
	struct tile_list l = { 0 };
	size_t i;
	int r;

	r = tile_each(ledger_size(x->c->ledger), collect_tile, &l);
	if (r == 0 && l.n > 0)
		qsort(l.path, l.n, TILE_PATH_MAX, compare_paths);
	for (i = 0; r == 0 && i < l.n; i++)
		r = out_state_file(&x->out, ledger_log_fd(x->c->ledger),
		    l.path[i], l.path[i], d);
	free(l.path);
	return r;
}

static int
send_blobs(struct exporting *x, struct diag *d)
{
	char(*names)[CS_SHA256_HEX + 1] = NULL;
	char member[OUT_NAME_LEN];
	size_t n = 0, i;
	int r;

	r = dir_list_blobs(ledger_blobs_fd(x->c->ledger), &names, &n, d);
	for (i = 0; r == 0 && i < n; i++) {
		(void)snprintf(member, sizeof(member), "blobs/%s", names[i]);
		r = out_state_file(&x->out, ledger_blobs_fd(x->c->ledger),
		    names[i], member, d);
	}
	free(names);
	return r;
}

static int
send_audit(struct exporting *x, struct diag *d)
{
	int r;

	r = out_file(&x->out, "COLDSEAL.AUD", "audit");
	if (r == 0)
		r = out_state_file(&x->out, ledger_log_fd(x->c->ledger),
		    "checkpoint", "checkpoint", d);
	if (r == 0)
		r = out_state_file(&x->out, CORE_STATE, "policy.dsse",
		    "policy.dsse", d);
	if (r == 0)
		r = out_add(&x->out, "attest/answer.json", x->answer,
		    x->answer_len);
	if (r == 0)
		r = out_flush(&x->out, d);
	if (r == 0)
		r = send_tiles(x, d);
	return r == 0 ? send_blobs(x, d) : r;
}

static int
feed(struct exporting *x, struct diag *d)
{
	int r;

	r = out_file(&x->out, "COLDSEAL.RSP", "response");
	if (r == 0)
		r = out_flush(&x->out, d);
	if (r == 0)
		r = send_audit(x, d);
	return out_reason(&x->out, r, d);
}

static int
commit(struct exporting *x, struct diag *d)
{
	json_t *files = NULL;
	int r = out_commit(&x->out, &files, d);

	if (r != 0)
		return r;
	return core_log_one(x->c, "export",
	    json_pack("{s:s, s:s, s:I, s:o}", "request", x->f.q.id,
		"request_sha256", x->f.q.digest, "counter",
		(json_int_t)x->counter, "files", files),
	    d);
}

struct last {
	uint64_t n;
};

static int
find_last(void *arg, const struct ledger_request *q)
{
	struct last *l = arg;

	if (q->response[0] != '\0')
		l->n = q->n;
	return 0;
}

/* The request that was named, or the newest that has a response. */
static int
choose(struct exporting *x, char **argv, size_t argc, struct diag *d)
{
	struct last l = { 0 };
	int r;

	if (argc > 0)
		r = parse_number(argv[0], &l.n, d);
	else
		r = ledger_requests(x->c->ledger, find_last, &l, d);
	if (r == 0 && l.n == 0)
		return diag_fail(d, CS_E_NOTHING, "a signed or refused request",
		    "none");
	if (r == 0)
		r = case_load(x->c, l.n, &x->f, d);
	if (r == 0 && x->f.q.response[0] == '\0')
		r = diag_fail(d, CS_E_NOTHING, "a signed or refused request",
		    "request %llu is %s", (unsigned long long)l.n,
		    request_state_name(x->f.q.state));
	return r;
}

int
verb_export(struct core *c, char **argv, size_t argc, struct diag *d)
{
	_cleanup_(exporting_done) struct exporting x = { .c = c };
	int r;

	out_init(c, &x.out);
	r = choose(&x, argv, argc, d);
	if (r == 0)
		r = pack_response(&x, d);
	/* counted before anything leaves */
	if (r == 0)
		r = signer_count(c, &x.counter, d);
	if (r == 0)
		r = core_attest(c, NULL, &x.answer, &x.answer_len, d);
	if (r == 0)
		r = out_open(&x.out, d);
	if (r == 0)
		r = feed(&x, d);
	if (r == 0)
		r = commit(&x, d);
	if (r != 0)
		return r;
	return say(c,
	    "request %llu exported; it is safe to remove the OUT "
	    "medium\n",
	    (unsigned long long)x.f.q.n);
}
