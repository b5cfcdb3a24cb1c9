/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/b64.h"
#include "lib/note.h"
#include "lib/sigfmt_impl.h"
#include "lib/utf8.h"

/*
 * C2SP signed note (c2sp.org/signed-note): the artifact is the text, the
 * key's name is the policy's namespace.
 */
#define SIG_LEN 64u
#define RAW_LEN (4u + SIG_LEN) /* behind the key's ID */
#define DASH	"\xe2\x80\x94 "

/* Why the text is none; NULL if it is one. */
static const char *
not_a_text(const char *p, size_t len)
{
	size_t i, step;

	if (len == 0 || p[len - 1] != '\n')
		return "the last line does not end";
	for (i = 0; i < len; i += step) {
		step = utf8_char(p + i, len - i, NULL);
		if (step == 0)
			return "a byte that is not UTF-8";
		if (((uint8_t)p[i] < 0x20 && p[i] != '\n') || p[i] == 0x7f)
			return "a control character";
		if ((i == 0 || p[i - 1] == '\n') && len - i >= strlen(DASH) &&
		    memcmp(p + i, DASH, strlen(DASH)) == 0)
			return "a line like a signature's";
	}
	return NULL;
}

static int
check(const struct sigfmt_job *j, struct diag *d)
{
	const char *why =
	    not_a_text((const char *)j->subject->text, j->subject->text_len);

	return why == NULL ? 0 :
			     diag_fail(d, CS_E_FORMAT_NOTE,
				 "UTF-8 lines, the last with its newline",
				 "%s in %.100s", why, j->subject->name);
}

static int
vkey_of(const struct policy_key *k, struct note_vkey *ret, struct diag *d)
{
	return note_vkey_make(k->namespace, sigfmt_ed25519(k), ret, d);
}

static int
build(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	(void)done;
	(void)d;
	return buf_put(out, j->subject->text, j->subject->text_len);
}

static int
assemble(const struct sigfmt_job *j, const struct sigfmt_sigs *done,
    struct buf *out, struct diag *d)
{
	_cleanup_free_ char *note = NULL;
	struct note_vkey k;
	size_t len;
	int r;

	r = vkey_of(j->key, &k, d);
	if (r == 0)
		r = note_assemble((const char *)j->subject->text,
		    j->subject->text_len, &k, done->v[0].p, &note, &len, d);
	return r != 0 ? r : buf_put(out, note, len);
}

/* The last line's signature, and where the text ends. */
static int
read_note(const uint8_t *note, size_t len, struct sigfmt_sigs *ret,
    size_t *ret_text)
{
	const char *p = (const char *)note, *blank, *space;
	uint8_t raw[RAW_LEN];

	if (len < 2 || p[len - 1] != '\n')
		return CS_E_FORMAT;
	space = memrchr(p, ' ', len);
	if (space == NULL ||
	    b64_decode_exact(space + 1, len - 1 - (size_t)(space + 1 - p), raw,
		sizeof(raw)) != 0)
		return CS_E_FORMAT;
	blank = memrchr(p, '\n', len - 1);
	if (blank == NULL || blank == p || blank[-1] != '\n')
		return CS_E_FORMAT;
	ret->n = 1;
	ret->v[0].len = SIG_LEN;
	memcpy(ret->v[0].p, raw + RAW_LEN - SIG_LEN, SIG_LEN);
	*ret_text = (size_t)(blank - p);
	return 0;
}

static int
verify(const struct sigfmt_job *job, const uint8_t *sig, size_t len,
    struct diag *d)
{
	struct subject subject = *job->subject;
	const struct sigfmt_job j = { .key = job->key,
		.subject = &subject,
		.time = job->time };
	struct sigfmt_sigs s = { 0 };
	uint8_t md[CS_SHA256_LEN];
	int r;

	if (job->key->namespace == NULL)
		return diag_fail(d, CS_E_FORMAT, "the key's namespace", "none");
	subject.text = (uint8_t *)(uintptr_t)sig;
	r = read_note(sig, len, &s, &subject.text_len);
	if (r != 0 || subject.text_len > SIGFMT_TEXT_MAX)
		return sigfmt_bad(d, "a note with one signature",
		    "something else");
	r = sha256(subject.text, subject.text_len, md);
	if (r == 0 && memcmp(md, subject.digest[HASH_SHA256], sizeof(md)) != 0)
		return diag_fail(d, CS_E_SIG, "the artifact as text",
		    "another text");
	if (r == 0)
		r = sigfmt_verify_tbs(&j, subject.text, subject.text_len,
		    s.v[0].p, s.v[0].len, d);
	if (r == 0 && sigfmt_compare(&sigfmt_note, &j, &s, sig, len) != 0)
		r = sigfmt_bad(d, "a line by the key's name and ID",
		    "another line");
	return r;
}

static int
put_vkey(const struct policy_key *k, char text[NOTE_VKEY_TEXT_MAX],
    struct diag *d)
{
	struct note_vkey v;
	int r = vkey_of(k, &v, d);

	if (r == 0)
		note_vkey_format(&v, text);
	return r;
}

static int
describe(const struct sigfmt_job *j, struct buf *out)
{
	char text[NOTE_VKEY_TEXT_MAX];
	int r = put_vkey(j->key, text, NULL);

	return r != 0 ? r : sigfmt_line(out, "note key", text);
}

static int
public_key(const struct policy_key *k, struct buf *out, struct diag *d)
{
	char text[NOTE_VKEY_TEXT_MAX];
	int r = put_vkey(k, text, d);

	return r != 0 ? r : buf_putf(out, "%s\n", text);
}

const struct sigfmt sigfmt_note = {
	.name = "note",
	.suffix = "note",
	.about = "C2SP signed note, with the text inside",
	.verifier = "golang.org/x/mod/sumdb/note",
	.algs = SIGFMT_ED,
	.flags = SIGFMT_F_TEXT | SIGFMT_F_NAMESPACE,
	.rounds = 1,
	.check = check,
	.describe = describe,
	.build = build,
	.assemble = assemble,
	.verify = verify,
	.public_key = public_key,
};
