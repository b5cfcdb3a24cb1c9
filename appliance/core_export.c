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
#include "lib/hex.h"
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
	uint64_t from; /* leaves that an auditor has, and need not go again */
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

static int
feed(struct exporting *x, struct diag *d)
{
	int r;

	r = out_file(&x->out, "COLDSEAL.RSP", "response");
	if (r == 0)
		r = out_flush(&x->out, d);
	if (r == 0)
		r = audit_pack(&x->out, x->from, x->answer, x->answer_len, d);
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
	    json_pack("{s:s, s:s, s:I, s:o, s:s*}", "request", x->f.q.id,
		"request_sha256", x->f.q.digest, "counter",
		(json_int_t)x->counter, "files", files, "medium", x->c->medium),
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
	const bool full = argc > 0 && strcmp(argv[argc - 1], "full") == 0;
	struct last l = { 0 };
	/* what an auditor has acknowledged stays here, unless all is asked for */
	int r = full ? 0 : receipt_acknowledged(x->c, &x->from, d);

	if (r != 0)
		return r;
	if (argc > (full ? 2 : 1))
		return diag_fail(d, CS_E_USAGE, "a number, full, or both",
		    "\"%s\"", argv[1]);
	if (argc > (full ? 1 : 0))
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
	if (x.from != 0)
		r = say(c,
		    "the audit bundle begins at leaf %llu, which an auditor "
		    "has; \"export full\" writes all\n",
		    (unsigned long long)x.from);
	return r == 0 ? say(c,
			    "request %llu exported; it is safe to remove the "
			    "OUT medium\n",
			    (unsigned long long)x.f.q.n) :
			r;
}
