/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>

#include "host-tools/cli.h"
#include "host-tools/docs.h"
#include "host-tools/hostkey.h"
#include "host-tools/inputs.h"
#include "host-tools/reqnew.h"
#include "host-tools/show.h"
#include "lib/request.h"

#define EVIDENCE_MAX (16u << 20) /* bytes each, PROTOCOL.bundle */

enum {
	O_PRODUCT,
	O_VERSION,
	O_KEY,
	O_FORMAT,
	O_REQUESTER,
	O_MODULE,
	O_PIN,
	O_USER,
	O_SYSTEM,
	O_PIPELINE,
	O_RUN,
	O_COMMIT,
	O_BRANCH,
	O_BREAK_GLASS,
	O_EVIDENCE,
	O_LIST,
	O_DIGEST_ONLY,
	O_POLICY,
	O_OUT
};

static const struct cli_opt options[] = {
	[O_PRODUCT] = { "product", "NAME", CLI_REQUIRED,
	    "product, as the policy names it" },
	[O_VERSION] = { "version", "TEXT", CLI_REQUIRED,
	    "version of the product" },
	[O_KEY] = { "key", "ID", CLI_REQUIRED,
	    "signing key, as the policy names it" },
	[O_FORMAT] = { "format", "FORMAT", CLI_REQUIRED,
	    "format of the signatures (coldseal formats)" },
	[O_REQUESTER] = { "requester-key", "KEY", CLI_REQUIRED,
	    "key that signs the request: a PEM file or a pkcs11: URI" },
	[O_MODULE] = { "module", "FILE", 0, "PKCS#11 module of that key" },
	[O_PIN] = { "pin-file", "FILE", 0,
	    "the token's PIN, or the PEM file's pass phrase" },
	[O_USER] = { "user", "NAME", 0, "who asks (default: you)" },
	[O_SYSTEM] = { "system", "NAME", 0,
	    "where (default: this machine's name)" },
	[O_PIPELINE] = { "pipeline", "URL", 0,
	    "pipeline that built it (default: none)" },
	[O_RUN] = { "run", "ID", 0, "run of the pipeline (default: none)" },
	[O_COMMIT] = { "commit", "ID", 0,
	    "source it was built from (default: none)" },
	[O_BRANCH] = { "branch", "NAME", 0,
	    "branch it was built from (default: not said)" },
	[O_BREAK_GLASS] = { "break-glass", "REASON", 0,
	    "ask for the policy's break-glass quorum" },
	[O_EVIDENCE] = { "evidence", "FILE", CLI_MANY,
	    "a document that goes along" },
	[O_LIST] = { "list", "FILE", CLI_MANY,
	    "more artifacts: lines PATH or PATH<TAB>NAME" },
	[O_DIGEST_ONLY] = { "digest-only", NULL, 0,
	    "leave the artifacts out of the bundle" },
	[O_POLICY] = { "policy", "FILE", 0,
	    "the appliance's policy, for formats with a digest of their own" },
	[O_OUT] = { "out", "BUNDLE", CLI_REQUIRED, "the bundle to write" },
};

/* Everything of one request that is being made. */
struct draft {
	struct inputs artifacts, evidence;
	struct subject *subjects; /* names are borrowed */
	struct request_evidence *docs;
	char *envelope;
	size_t envelope_len;
	struct package_item *items;
	int64_t created;
	struct filehash *own; /* the format's, or NULL */
};

static void
draft_done(struct draft *x)
{
	inputs_done(&x->artifacts);
	inputs_done(&x->evidence);
	free(x->subjects);
	free(x->docs);
	free(x->envelope);
	free(x->items);
	filehash_free(&x->own);
}

/* Formats that sign a digest of their own make it with the policy's key. */
static int
open_own(const struct cli *c, const struct sigfmt *f, struct draft *x,
    struct diag *d)
{
	_cleanup_policy_ struct policy *p = NULL;
	const struct policy_key *k;
	bool genesis;
	int r;

	if (f->filehash == FILEHASH_NONE)
		return 0;
	if (!cli_has(c, O_POLICY) || cli_has(c, O_DIGEST_ONLY))
		return diag_fail(d, CS_E_USAGE,
		    "--policy for this format, and no --digest-only", "%s",
		    f->name);
	r = policy_file_load(cli_get(c, O_POLICY), &p, &genesis, d);
	if (r != 0)
		return r;
	k = policy_key_by_id(p, cli_get(c, O_KEY));
	if (k == NULL || !policy_list_has(&k->formats, f->name))
		return diag_fail(d, CS_E_POLICY_KEY,
		    "a key of the policy, for this format", "%s, %s",
		    cli_get(c, O_KEY), f->name);
	r = inputs_own(f, k, x->created, &x->own, d);
	x->artifacts.own = x->own;
	return r;
}

static int
collect(const struct cli *c, struct draft *x, struct diag *d)
{
	const struct sigfmt *f = sigfmt_by_name(cli_get(c, O_FORMAT));
	size_t i;
	int r = 0;

	if (f == NULL)
		return diag_fail(d, CS_E_FORMAT, sigfmt_names(), "%s",
		    cli_get(c, O_FORMAT));
	x->artifacts.hashes = sigfmt_hashes(f);
	x->artifacts.texts = (f->flags & SIGFMT_F_TEXT) != 0;
	r = open_own(c, f, x, d);
	for (i = 0; r == 0 && i < c->nargs; i++)
		r = inputs_add(&x->artifacts, c->args[i], NULL, d);
	for (i = 0; r == 0 && i < c->val[O_LIST].n; i++)
		r = inputs_add_list(&x->artifacts, c->val[O_LIST].v[i], d);
	for (i = 0; r == 0 && i < c->val[O_EVIDENCE].n; i++)
		r = inputs_add(&x->evidence, c->val[O_EVIDENCE].v[i], NULL, d);
	if (r != 0)
		return r;
	if (x->artifacts.n == 0)
		return diag_fail(d, CS_E_USAGE, "at least one", "no artifact");
	r = inputs_hash(&x->evidence, "hashing evidence", d);
	if (r == 0)
		r = inputs_hash(&x->artifacts, "hashing artifacts", d);
	if (r == 0)
		r = inputs_check_distinct(&x->artifacts, d);
	if (r == 0)
		r = inputs_check_files(&x->artifacts, f, d);
	return r != 0 ? r : inputs_check_distinct(&x->evidence, d);
}

static int
fill_lists(struct draft *x, struct diag *d)
{
	const struct subject *s;
	size_t i;

	x->subjects = calloc(x->artifacts.n, sizeof(*x->subjects));
	x->docs = calloc(x->evidence.n + 1, sizeof(*x->docs));
	if (x->subjects == NULL || x->docs == NULL)
		return diag_nomem(d);
	for (i = 0; i < x->artifacts.n; i++)
		x->subjects[i] = x->artifacts.v[i].s;
	for (i = 0; i < x->evidence.n; i++) {
		s = &x->evidence.v[i].s;
		if (s->size > EVIDENCE_MAX)
			return diag_fail(d, CS_E_TOO_LARGE,
			    "evidence of at most 16 MiB", "%s",
			    x->evidence.v[i].path);
		x->docs[i].name = s->name;
		x->docs[i].size = s->size;
		memcpy(x->docs[i].sha256, s->digest[HASH_SHA256], 32);
	}
	return 0;
}

static int
make_payload(const struct cli *c, const struct draft *x, char id[REQNEW_ID_LEN],
    char **ret, size_t *ret_len, struct diag *d)
{
	char host[REQNEW_HOST_MAX];
	struct request_new n = {
		.id = id,
		.product = cli_get(c, O_PRODUCT),
		.version = cli_get(c, O_VERSION),
		.key = cli_get(c, O_KEY),
		.format = cli_get(c, O_FORMAT),
		.user = reqnew_user(c, O_USER),
		.system = reqnew_system(c, O_SYSTEM, host),
		.pipeline = cli_get_or(c, O_PIPELINE, "none"),
		.run = cli_get_or(c, O_RUN, "none"),
		.commit = cli_get_or(c, O_COMMIT, "none"),
		.created = x->created,
		.subjects = x->subjects,
		.nsubjects = x->artifacts.n,
		.evidence = x->docs,
		.nevidence = x->evidence.n,
		.branch = cli_get(c, O_BRANCH),
		.break_glass = cli_get(c, O_BREAK_GLASS),
	};
	int r;

	r = reqnew_id(id, d);
	if (r != 0)
		return r;
	r = request_format(&n, ret, ret_len);
	return r == 0 ? 0 :
			diag_fail(d, r,
			    "UTF-8 without control "
			    "characters in every option",
			    "a request that cannot be written");
}

/* What the appliance will parse, parsed here first. */
static int
check_payload(const char *payload, size_t len, struct diag *d)
{
	_cleanup_request_ struct request *r = NULL;

	return request_parse(payload, len, &r, d);
}

static int
by_name(const void *a, const void *b)
{
	const struct package_item *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void
add_files(struct package_item *to, const char *folder, const struct inputs *in)
{
	const struct subject *s;
	size_t i;

	for (i = 0; i < in->n; i++) {
		s = &in->v[i].s;
		reqnew_name(folder, s->digest[HASH_SHA256], s->size, &to[i]);
		to[i].path = in->v[i].path;
	}
	if (in->n > 0)
		qsort(to, in->n, sizeof(*to), by_name);
}

static int
write_bundle(const char *out, struct draft *x, bool digest_only, struct diag *d)
{
	struct package_item *v;
	size_t n = 1 + x->evidence.n + (digest_only ? 0 : x->artifacts.n);
	int r;

	v = x->items = calloc(n, sizeof(*v));
	if (v == NULL)
		return diag_nomem(d);
	r = reqnew_envelope(x->envelope, x->envelope_len, v, d);
	if (r != 0)
		return r;
	add_files(v + 1, "evidence", &x->evidence);
	if (!digest_only)
		add_files(v + 1 + x->evidence.n, "artifacts", &x->artifacts);
	return package_write(out, "request", v, n, d);
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_(
	    draft_done) struct draft x = { .created = (int64_t)time(NULL) };
	_cleanup_hostkey_ struct hostkey *key = NULL;
	_cleanup_free_ char *payload = NULL;
	uint8_t digest[32];
	char id[REQNEW_ID_LEN];
	size_t len;
	int r;

	/* the key first: a wrong PIN must not wait for a long hashing */
	r = hostkey_open(cli_get(c, O_REQUESTER), cli_get(c, O_MODULE),
	    cli_get(c, O_PIN), &key, d);
	if (r == 0)
		r = collect(c, &x, d);
	if (r == 0)
		r = fill_lists(&x, d);
	if (r == 0)
		r = make_payload(c, &x, id, &payload, &len, d);
	if (r == 0)
		r = check_payload(payload, len, d);
	if (r == 0)
		r = hostkey_dsse(key, payload, len, NULL, 0, &x.envelope,
		    &x.envelope_len, d);
	if (r == 0)
		r = write_bundle(cli_get(c, O_OUT), &x,
		    cli_has(c, O_DIGEST_ONLY), d);
	if (r == 0)
		r = sha256(payload, len, digest);
	if (r != 0)
		return r;
	show_text("request", id);
	(void)printf("%-13s%zu\n", "artifacts", x.artifacts.n);
	show_digest("digest", digest);
	return 0;
}

const struct cli_verb verb_request_create = {
	.group = "request",
	.name = "create",
	.operands = "[ARTIFACT ...]",
	.max_args = 10000,
	.about = "Make a signing request from build outputs.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
