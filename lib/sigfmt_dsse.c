/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/dsse.h"
#include "lib/hex.h"
#include "lib/sigfmt_impl.h"

/*
 * DSSE v1 around an in-toto Statement v1, which is the artifact: approvers
 * read it.  Strict JSON, no field that in-toto does not know, and never a
 * document of coldseal's own.
 */
#define OURS "urn:coldseal:"

struct parts {
	json_t *root, *subjects;
	const char *type; /* of the predicate */
};

static int
read_subject(json_t *s, size_t i, struct diag *d)
{
	json_t *digest = NULL, *notes = NULL;
	const char *name = NULL, *uri = NULL, *media = NULL, *where = NULL;
	const struct json_field f[] = {
		{ "annotations", JK_OBJ, false, &notes, NULL },
		{ "digest", JK_OBJ, true, &digest, NULL },
		{ "downloadLocation", JK_STR, false, &where, NULL },
		{ "mediaType", JK_LABEL, false, &media, NULL },
		{ "name", JK_LABEL, false, &name, NULL },
		{ "uri", JK_STR, false, &uri, NULL },
	};
	int r = json_fields(s, "/subject", f, ARRAY_LEN(f), d);

	if (r != 0)
		return r;
	if (json_object_size(digest) == 0)
		return diag_fail(d, CS_E_FORMAT_STATEMENT, "a digest",
		    "none in subject %zu", i);
	return 0;
}

static int
read_statement(const void *text, size_t len, struct parts *ret, struct diag *d)
{
	const char *type = NULL;
	json_t *predicate = NULL;
	const struct json_field f[] = {
		{ "_type", JK_STR, true, &type, NULL },
		{ "predicate", JK_OBJ, false, &predicate, NULL },
		{ "predicateType", JK_LABEL, true, &ret->type, NULL },
		{ "subject", JK_ARR1, true, &ret->subjects, NULL },
	};
	size_t i;
	json_t *s;
	int r;

	r = json_load_strict(text, len, SIGFMT_TEXT_MAX, &ret->root, d);
	if (r == 0)
		r = json_fields(ret->root, "", f, ARRAY_LEN(f), d);
	if (r == 0 && strcmp(type, STATEMENT_TYPE) != 0)
		r = diag_fail(d, CS_E_FORMAT_STATEMENT, STATEMENT_TYPE,
		    "%.100s", type);
	if (r == 0 && strncmp(ret->type, OURS, strlen(OURS)) == 0)
		r = diag_fail(d, CS_E_FORMAT_STATEMENT,
		    "a predicate type that is not coldseal's", "%.100s",
		    ret->type);
	if (r != 0)
		return r;
	json_array_foreach (ret->subjects, i, s) {
		r = read_subject(s, i, d);
		if (r != 0)
			return r;
	}
	return 0;
}

static int
check(const struct sigfmt_job *j, struct diag *d)
{
	struct parts p = { 0 };
	struct diag why = { 0 };
	int r;

	r = read_statement(j->subject->text, j->subject->text_len, &p, &why);
	json_decref(p.root);
	return r == 0 ? 0 :
			diag_fail(d, CS_E_FORMAT_STATEMENT, why.expected,
			    "%.100s: %.90s", j->subject->name, why.found);
}

/* "type" and the subjects; the text itself follows */
static int
describe_one(const struct sigfmt_job *j, struct buf *out)
{
	struct parts p = { 0 };
	const char *alg, *name;
	json_t *s, *hex;
	size_t i;
	int r;

	r = read_statement(j->subject->text, j->subject->text_len, &p, NULL);
	if (r == 0)
		r = sigfmt_line(out, "type", p.type);
	if (r == 0)
		json_array_foreach (p.subjects, i, s) {
			name = json_string_value(json_object_get(s, "name"));
			r = r != 0 ? r :
				     sigfmt_line(out, "about",
					 name == NULL ? "no name" : name);
			json_object_foreach (json_object_get(s, "digest"), alg,
			    hex) {
				if (r != 0 || !json_is_string(hex))
					continue;
				r = sigfmt_line(out, alg,
				    json_string_value(hex));
			}
		}
	json_decref(p.root);
	return r;
}

static int
describe(const struct sigfmt_job *j, struct buf *out)
{
	char hex[CS_SHA256_HEX + 1];

	hex_encode(j->key->key->id, CS_SHA256_LEN, hex);
	return sigfmt_line(out, "keyid", hex);
}

static int
build(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	(void)done;
	(void)d;
	return dsse_pae(j->subject->text, j->subject->text_len, out);
}

static int
assemble(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	const struct dsse_new_sig s = { j->key->key->id, done->v[0].p,
		done->v[0].len };
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	r = dsse_format(j->subject->text, j->subject->text_len, &s, 1, &text,
	    &len);
	return r != 0 ? diag_fail(d, r, NULL, "DSSE envelope") :
			buf_put(out, text, len);
}

/* The statement is in the envelope: it must be the artifact. */
static int
verify_payload(const struct sigfmt_job *job, const struct dsse *env,
    const uint8_t *sig, size_t len, struct diag *d)
{
	struct subject subject = *job->subject;
	const struct sigfmt_job j = { .key = job->key,
		.subject = &subject,
		.time = job->time };
	struct sigfmt_sigs s = { .n = 1 };
	struct buf pae = BUF_INIT(SIGFMT_MAX);
	int r;

	subject.text = env->payload;
	subject.text_len = env->payload_len;
	s.v[0].len = env->sigs[0].sig_len;
	memcpy(s.v[0].p, env->sigs[0].sig, s.v[0].len);
	if (sigfmt_compare(&sigfmt_dsse, &j, &s, sig, len) != 0)
		return sigfmt_bad(d, "the envelope as it is written here",
		    "another encoding or key ID");
	r = build(&j, NULL, &pae, d);
	if (r == 0)
		r = sigfmt_verify_tbs(&j, pae.p, pae.len, s.v[0].p, s.v[0].len,
		    d);
	buf_done(&pae);
	return r;
}

static int
verify(const struct sigfmt_job *j, const uint8_t *sig, size_t len,
    struct diag *d)
{
	_cleanup_dsse_ struct dsse *env = NULL;
	int r;

	r = dsse_parse(sig, len, &env, NULL);
	if (r != 0 || env->nsigs != 1 || env->sigs[0].sig_len == 0 ||
	    env->sigs[0].sig_len > SIGFMT_TOKEN_MAX)
		return sigfmt_bad(d, "a DSSE envelope with one signature",
		    "something else");
	if (memcmp(env->digest, j->subject->digest[HASH_SHA256],
		CS_SHA256_LEN) != 0)
		return diag_fail(d, CS_E_SIG, "the artifact as payload",
		    "another payload");
	return verify_payload(j, env, sig, len, d);
}

const struct sigfmt sigfmt_dsse = {
	.name = "dsse",
	.suffix = "dsse",
	.about = "DSSE envelope around an in-toto statement",
	.verifier = "cosign, slsa-verifier, any DSSE v1 verifier",
	.algs = SIGFMT_ALG(KEY_RSA3072_PKCS1) | SIGFMT_EC | SIGFMT_ED,
	.flags = SIGFMT_F_TEXT,
	.rounds = 1,
	.check = check,
	.describe = describe,
	.describe_one = describe_one,
	.build = build,
	.assemble = assemble,
	.verify = verify,
	.public_key = sigfmt_pem_key,
};
