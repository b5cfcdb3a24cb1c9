/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "host-tools/change_show.h"
#include "host-tools/cli.h"
#include "host-tools/docs.h"
#include "host-tools/reqfile.h"
#include "host-tools/show.h"
#include "lib/hex.h"

enum { O_POLICY, O_JSON };

static const struct cli_opt options[] = {
	[O_POLICY] = { "policy", "FILE", 0,
	    "the policy in force: say what a policy.update changes" },
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

static const struct {
	const char *label;
	size_t offset;
} texts[] = {
	{ "request", offsetof(struct request, id) },
	{ "product", offsetof(struct request, product) },
	{ "version", offsetof(struct request, version) },
	{ "key", offsetof(struct request, key) },
	{ "format", offsetof(struct request, format) },
	{ "user", offsetof(struct request, user) },
	{ "system", offsetof(struct request, system) },
	{ "pipeline", offsetof(struct request, pipeline) },
	{ "run", offsetof(struct request, run) },
	{ "commit", offsetof(struct request, commit) },
	{ "branch", offsetof(struct request, branch) },
	{ "break-glass", offsetof(struct request, break_glass) },
};

/* NULL if the request does not say it */
static const char *
text_of(const struct request *r, size_t i)
{
	const char *s;

	memcpy(&s, (const char *)r + texts[i].offset, sizeof(s));
	return s == NULL || *s == '\0' ? NULL : s;
}

/* The name a file of the bundle has: "artifacts/<sha256>" */
static bool
carried(const struct package *p, const char *folder, const uint8_t sha[32])
{
	char name[101], hex[CS_SHA256_HEX + 1];

	hex_encode(sha, 32, hex);
	(void)snprintf(name, sizeof(name), "%s/%s", folder, hex);
	return package_find(p, name) != NULL;
}

static void
show_artifacts(const struct reqfile *f)
{
	const struct request *r = f->req;
	const struct subject *s;
	size_t i;

	(void)printf("%-13s%zu\n", "artifacts", r->st->nsubjects);
	for (i = 0; i < r->st->nsubjects; i++) {
		s = &r->st->subjects[i];
		(void)putchar('\n');
		show_text("artifact", s->name);
		(void)printf("%-13s%" PRIu64 " bytes%s\n", "", s->size,
		    carried(f->bundle, "artifacts", s->digest[HASH_SHA256]) ?
			"" :
			", NOT in this bundle");
		show_digest("sha256", s->digest[HASH_SHA256]);
	}
}

static void
show_signing(const struct request *r)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(texts); i++)
		if (text_of(r, i) != NULL)
			show_text(texts[i].label, text_of(r, i));
	show_time("created", r->created);
	show_digest("digest", r->digest);
	show_digest("root", r->subject_root);
}

void
reqfile_show(const struct reqfile *f)
{
	const struct request *r = f->req;
	size_t i;

	if (r->action == REQUEST_SIGN)
		show_signing(r);
	else
		change_show(f);
	for (i = 0; i < f->env->nsigs; i++)
		show_text("signed by", f->env->sigs[i].keyid);
	if (r->action == REQUEST_SIGN)
		show_artifacts(f);
	for (i = 0; i < r->nevidence; i++) {
		(void)putchar('\n');
		show_text("evidence", r->evidence[i].name);
		(void)printf("%-13s%" PRIu64 " bytes%s\n", "",
		    r->evidence[i].size,
		    carried(f->bundle, "evidence", r->evidence[i].sha256) ?
			"" :
			", NOT in this bundle");
		show_digest("sha256", r->evidence[i].sha256);
	}
}

static json_t *
artifact_json(const struct subject *s, bool in_bundle)
{
	_cleanup_json_ json_t *digests = json_object();
	unsigned a;

	for (a = 0; a < HASH_COUNT; a++)
		if (s->has[a] &&
		    json_object_set_new(digests, hash_name((enum hash_alg)a),
			json_hex(s->digest[a], hash_len((enum hash_alg)a))) !=
			0)
			return NULL;
	return json_pack("{s:s, s:I, s:O, s:o, s:b}", "name", s->name, "size",
	    (json_int_t)s->size, "digest", digests, "words",
	    json_words(s->digest[HASH_SHA256]), "in_bundle", in_bundle);
}

static json_t *
artifacts_json(const struct reqfile *f)
{
	_cleanup_json_ json_t *list = json_array();
	const struct request *r = f->req;
	const struct subject *s;
	size_t i;

	for (i = 0; i < r->st->nsubjects; i++) {
		s = &r->st->subjects[i];
		if (json_array_append_new(list,
			artifact_json(s,
			    carried(f->bundle, "artifacts",
				s->digest[HASH_SHA256]))) != 0)
			return NULL;
	}
	return take_ptr(list);
}

static int
add_lists(const struct reqfile *f, json_t *root)
{
	_cleanup_json_ json_t *evidence = json_array();
	_cleanup_json_ json_t *signers = json_array();
	const struct request *r = f->req;
	size_t i;

	for (i = 0; i < r->nevidence; i++)
		if (json_array_append_new(evidence,
			json_pack("{s:s, s:I, s:o, s:b}", "name",
			    r->evidence[i].name, "size",
			    (json_int_t)r->evidence[i].size, "sha256",
			    json_hex(r->evidence[i].sha256, 32), "in_bundle",
			    carried(f->bundle, "evidence",
				r->evidence[i].sha256))) != 0)
			return CS_E_NOMEM;
	for (i = 0; i < f->env->nsigs; i++)
		if (json_array_append_new(signers,
			json_string(f->env->sigs[i].keyid)) != 0)
			return CS_E_NOMEM;
	if (json_object_set(root, "evidence", evidence) != 0 ||
	    json_object_set(root, "signed_by", signers) != 0)
		return CS_E_NOMEM;
	return 0;
}

static int
signing_json(const struct reqfile *f, json_t *root)
{
	const struct request *r = f->req;
	size_t i;

	for (i = 0; i < ARRAY_LEN(texts); i++)
		if (text_of(r, i) != NULL &&
		    json_object_set_new(root, texts[i].label,
			json_string(text_of(r, i))) != 0)
			return CS_E_NOMEM;
	if (json_object_set_new(root, "created", json_time(r->created)) != 0 ||
	    json_object_set_new(root, "digest", json_hex(r->digest, 32)) != 0 ||
	    json_object_set_new(root, "words", json_words(r->digest)) != 0 ||
	    json_object_set_new(root, "root", json_hex(r->subject_root, 32)) !=
		0 ||
	    json_object_set_new(root, "artifacts", artifacts_json(f)) != 0)
		return CS_E_NOMEM;
	return 0;
}

/* old and new NULL: no difference was asked for */
static json_t *
to_json(const struct reqfile *f, const struct policy *old,
    const struct policy *new)
{
	_cleanup_json_ json_t *root = json_object();
	int r;

	r = f->req->action == REQUEST_SIGN ? signing_json(f, root) :
					     change_json(f, root);
	if (r != 0 || add_lists(f, root) != 0)
		return NULL;
	if (new != NULL &&
	    json_object_set_new(root, "changes", change_diff_json(old, new)) !=
		0)
		return NULL;
	return take_ptr(root);
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_policy_ struct policy *old = NULL, *new = NULL;
	_cleanup_reqfile_ struct reqfile f = { 0 };
	bool genesis = false;
	int r;

	r = reqfile_open(c->args[0], &f, d);
	if (r == 0 && cli_has(c, O_POLICY))
		r = policy_file_load(cli_get(c, O_POLICY), &old, &genesis, d);
	if (r == 0 && cli_has(c, O_POLICY))
		r = change_new_policy(&f, &new, d);
	if (r != 0)
		return r;
	if (cli_has(c, O_JSON))
		return cli_print_json(to_json(&f, old, new), d);
	reqfile_show(&f);
	return new == NULL ? 0 : change_show_diff(old, new, d);
}

const struct cli_verb verb_request_show = {
	.group = "request",
	.name = "show",
	.operands = "BUNDLE",
	.min_args = 1,
	.max_args = 1,
	.about = "Show what a request bundle says.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
