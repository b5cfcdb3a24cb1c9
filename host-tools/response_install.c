/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "host-tools/cli.h"
#include "host-tools/docs.h"
#include "host-tools/inputs.h"
#include "host-tools/install.h"
#include "host-tools/newfile.h"
#include "host-tools/respfile.h"
#include "host-tools/show.h"
#include "lib/file.h"

enum { O_RESPONSE, O_POLICY, O_OUT, O_FORCE };

static const struct cli_opt options[] = {
	[O_RESPONSE] = { "response", "BUNDLE", CLI_REQUIRED,
	    "the response that has the artifact's signature" },
	[O_POLICY] = { "policy", "FILE", CLI_REQUIRED,
	    "the appliance's policy, policy.dsse" },
	[O_OUT] = { "out", "FILE", CLI_REQUIRED, "the file to write" },
	[O_FORCE] = { "force", NULL, 0,
	    "write over a file that is there, the artifact too" },
};

/* One artifact, and the signature that the response has for it. */
struct installing {
	struct respfile f;
	struct policy *policy;
	const struct policy_key *key; /* of the policy */
	const struct sigfmt *format;
	struct inputs in; /* the artifact */
	size_t i;	  /* which of the record's subjects it is */
	uint8_t *sig;
	size_t len;
	struct filehash *own; /* the format's, or NULL */
};

static void
installing_done(struct installing *x)
{
	respfile_done(&x->f);
	policy_free(&x->policy);
	inputs_done(&x->in);
	free(x->sig);
	filehash_free(&x->own);
}

static int
find_key(struct installing *x, struct diag *d)
{
	const struct record *rec = x->f.record;

	if (x->f.refusal != NULL)
		return diag_fail(d, CS_E_RESPONSE_REFUSAL, "signatures",
		    "a refusal; coldseal response verify shows it");
	if (rec == NULL)
		return diag_fail(d, CS_E_RESPONSE_MEMBERS, "signatures",
		    "the record of a change");
	x->format = sigfmt_by_name(rec->format);
	x->key = respfile_key(&x->f, x->policy);
	if (x->format == NULL || x->key == NULL)
		return diag_fail(d, CS_E_RESPONSE_KEY,
		    "a key of the policy, for this product and format",
		    "%s, %s, %s", rec->key, rec->product, rec->format);
	return 0;
}

/* Of this content; there is one in the record. */
static int
find_subject(struct installing *x, struct diag *d)
{
	const struct statement *st = x->f.record->st;
	const struct subject *file = &x->in.v[0].s;

	for (x->i = 0; x->i < st->nsubjects; x->i++)
		if (memcmp(st->subjects[x->i].digest[HASH_SHA256],
			file->digest[HASH_SHA256], CS_SHA256_LEN) == 0)
			return 0;
	return diag_fail(d, CS_E_RESPONSE_ARTIFACT, "an artifact of the record",
	    "%s", x->in.v[0].path);
}

static int
read_signature(struct installing *x, struct diag *d)
{
	char name[RESP_NAME_MAX];

	respfile_sig_name(&x->f, x->i, name);
	return package_read(x->f.bundle, name, SIGFMT_MAX, &x->sig, &x->len, d);
}

/* What the format hashes of the file can depend on the signature's time. */
static int
hash_own(struct installing *x, struct diag *d)
{
	const struct sigfmt *f = x->format;
	int64_t time = 0;
	int r;

	if (f->filehash == FILEHASH_NONE)
		return 0;
	if (f->file_time != NULL &&
	    f->file_time(x->key, x->sig, x->len, &time) != 0)
		return diag_fail(d, CS_E_FORMAT, "a signature with its time",
		    "something else");
	r = inputs_own(f, x->key, time, &x->own, d);
	x->in.own = x->own;
	return r == 0 ? inputs_hash(&x->in, "hashing the artifact", d) : r;
}

/*
 * By the policy's key over the digests of this very file, not over those that
 * the record claims.
 */
static int
check_signature(struct installing *x, struct diag *d)
{
	struct subject s = x->in.v[0].s;
	const struct sigfmt_job j = { .key = x->key, .subject = &s };
	int r;

	s.name = x->f.record->st->subjects[x->i].name;
	r = hash_own(x, d);
	s.tbs_len = x->in.v[0].s.tbs_len;
	memcpy(s.tbs, x->in.v[0].s.tbs, sizeof(s.tbs));
	return r != 0 ? r :
			sigfmt_verify(x->format->name, &j, x->sig, x->len, d);
}

static int
load(const struct cli *c, struct installing *x, struct diag *d)
{
	bool genesis;
	int r;

	r = policy_file_load(cli_get(c, O_POLICY), &x->policy, &genesis, d);
	if (r == 0)
		r = respfile_open(cli_get(c, O_RESPONSE), &x->f, d);
	if (r == 0)
		r = find_key(x, d);
	if (r != 0)
		return r;
	x->in.hashes = HASH_BIT(key_alg_hash(x->key->alg));
	r = inputs_add(&x->in, c->args[0], NULL, d);
	if (r == 0)
		r = inputs_hash(&x->in, "hashing the artifact", d);
	if (r == 0)
		r = find_subject(x, d);
	if (r == 0)
		r = inputs_check_files(&x->in, x->format, d);
	if (r == 0)
		r = read_signature(x, d);
	return r != 0 ? r : check_signature(x, d);
}

static int
write_file(const struct installing *x, const char *out, bool force,
    struct diag *d)
{
	_cleanup_newfile_ struct newfile f = NEWFILE_INIT;
	const struct input *in = &x->in.v[0];
	_cleanup_fd_ int fd = -1;
	struct stat st;
	int r;

	if (!force && file_exists(AT_FDCWD, out))
		return diag_fail(d, CS_E_HOST_EXISTS,
		    "no such file yet, or --force", "%s", out);
	fd = open(in->path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return diag_errno(d, CS_E_IO, "%s", in->path);
	r = newfile_open(out, &f, d);
	if (r == 0 && fchmod(f.fd, st.st_mode & 0777) != 0)
		r = diag_errno(d, CS_E_IO, "%s", out);
	if (r == 0)
		r = install_write(x->format->install,
		    &(struct install){ &x->f.record->st->subjects[x->i], fd,
			f.fd, in->s.size, x->sig, x->len },
		    d);
	return r != 0 ? r : newfile_commit(&f, d);
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_(installing_done) struct installing x = { 0 };
	const char *out = cli_get(c, O_OUT);
	int r;

	r = load(c, &x, d);
	if (r == 0)
		r = write_file(&x, out, cli_has(c, O_FORCE), d);
	if (r != 0)
		return r;
	show_text("key", x.key->id);
	show_text("format", x.format->name);
	show_text("signature", install_about(x.format->install));
	show_text("written", out);
	return 0;
}

const struct cli_verb verb_response_install = {
	.group = "response",
	.name = "install",
	.operands = "ARTIFACT",
	.min_args = 1,
	.max_args = 1,
	.about = "Put a signature and its artifact together.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
