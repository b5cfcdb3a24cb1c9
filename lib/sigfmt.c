/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/hex.h"
#include "lib/sigfmt_impl.h"

static const struct sigfmt *const formats[] = {
	&sigfmt_raw,
	&sigfmt_cms,
	&sigfmt_sshsig,
	&sigfmt_minisign,
	&sigfmt_signify,
	&sigfmt_dsse,
	&sigfmt_note,
	&sigfmt_pgp,
	&sigfmt_kmod,
	&sigfmt_x509,
	&sigfmt_efivar,
};

const struct sigfmt *
sigfmt_at(size_t i)
{
	return i < ARRAY_LEN(formats) ? formats[i] : NULL;
}

const struct sigfmt *
sigfmt_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	return NULL;
}

int
sigfmt_known(const char *format)
{
	return sigfmt_by_name(format) != NULL;
}

const char *
sigfmt_suffix(const char *format)
{
	const struct sigfmt *f = sigfmt_by_name(format);

	return f == NULL ? NULL : f->suffix;
}

uint32_t
sigfmt_hashes(const struct sigfmt *f)
{
	uint32_t which = HASH_BIT(HASH_SHA256);
	unsigned a;

	for (a = 0; a < KEY_ALG_COUNT; a++)
		if ((f->algs & SIGFMT_ALG(a)) != 0)
			which |= HASH_BIT(key_alg_hash((enum key_alg)a));
	return which;
}

const char *
sigfmt_names(void)
{
	static _Thread_local char
	    names[ARRAY_LEN(formats) * (SIGFMT_NAME_MAX + 2)];
	size_t i, n = 0;

	for (i = 0; i < ARRAY_LEN(formats); i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
		    i == 0 ? "" : ", ", formats[i]->name);
	return names;
}

static int
unknown(const char *format, struct diag *d)
{
	return diag_fail(d, CS_E_FORMAT, sigfmt_names(), "%.60s", format);
}

/*
 * Of a line in files that others parse by spaces, commas and quotes; for both
 * formats that have one.
 */
static bool
namespace_good(const char *s)
{
	size_t n = strspn(s,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	    "@._/-");

	return n > 0 && n <= SIGFMT_NAMESPACE_MAX && s[n] == '\0';
}

static int
check_namespace(const struct policy_key *k, const struct sigfmt *f,
    struct diag *d)
{
	bool wanted = (f->flags & SIGFMT_F_NAMESPACE) != 0;

	if (wanted != (k->namespace != NULL))
		return diag_fail(d, CS_E_POLICY_NAMESPACE,
		    wanted ? "a namespace" : "no namespace for this format",
		    "%s at the key %s for %s", wanted ? "none" : "one", k->id,
		    f->name);
	if (wanted && !namespace_good(k->namespace))
		return diag_fail(d, CS_E_POLICY_NAMESPACE,
		    "1 to 64 of letters, digits, @, '.', '_', '/' and '-'",
		    "%.60s at the key %s", k->namespace, k->id);
	return 0;
}

int
sigfmt_check_key(const struct policy_key *k, struct diag *d)
{
	const struct sigfmt *f;

	/* a digest signed as one format could be replayed as another */
	if (k->formats.n != 1)
		return diag_fail(d, CS_E_POLICY_FORMAT, "one format for a key",
		    "%zu at the key %s", k->formats.n, k->id);
	f = sigfmt_by_name(k->formats.v[0]);
	if (f == NULL)
		return diag_fail(d, CS_E_POLICY_FORMAT, sigfmt_names(),
		    "%.60s at the key %s", k->formats.v[0], k->id);
	if ((f->algs & SIGFMT_ALG(k->alg)) == 0)
		return diag_fail(d, CS_E_POLICY_FORMAT,
		    "an algorithm of the format (coldseal formats)",
		    "%s for %s at the key %s", key_alg_name(k->alg), f->name,
		    k->id);
	if ((f->flags & (SIGFMT_F_CERT | SIGFMT_F_CERT_LATER)) ==
		SIGFMT_F_CERT &&
	    k->cert == NULL)
		return diag_fail(d, CS_E_POLICY_CERT, "a certificate",
		    "none at the key %s for %s", k->id, f->name);
	return check_namespace(k, f, d);
}

/* What build and verify take for granted. */
static int
check_digests(const struct sigfmt_job *j, struct diag *d)
{
	const enum hash_alg h = key_alg_hash(j->key->alg);

	if (j->subject->has[HASH_SHA256] && j->subject->has[h])
		return 0;
	return diag_fail(d, CS_E_REQ_DIGEST, hash_name(h), "none for %.100s",
	    j->subject->name);
}

static int
check_text(const struct sigfmt *f, const struct sigfmt_job *j, struct diag *d)
{
	bool wanted = (f->flags & SIGFMT_F_TEXT) != 0;

	if (wanted == (j->subject->text != NULL))
		return 0;
	return diag_fail(d, CS_E_FORMAT_TEXT,
	    wanted ? "the artifact in the request" :
		     "no artifact in the request for this format",
	    "%s for %.100s", wanted ? "none" : "one", j->subject->name);
}

int
sigfmt_check(const char *format, const struct sigfmt_job *j, struct diag *d)
{
	const struct sigfmt *f = sigfmt_by_name(format);
	int r;

	if (f == NULL)
		return unknown(format, d);
	r = sigfmt_check_key(j->key, d);
	if (r == 0 && strcmp(j->key->formats.v[0], format) != 0)
		r = diag_fail(d, CS_E_FORMAT, j->key->formats.v[0],
		    "%s for the key %s", format, j->key->id);
	if (r == 0)
		r = check_digests(j, d);
	if (r == 0)
		r = check_text(f, j, d);
	return r != 0 || f->check == NULL ? r : f->check(j, d);
}

int
sigfmt_line(struct buf *out, const char *label, const char *value)
{
	char safe[301];

	text_sanitise(value, strlen(value), safe, sizeof(safe));
	return buf_putf(out, "  %-10s %s\n", label, safe);
}

/* The text itself, line by line: it is what is signed. */
static int
describe_text(const struct subject *s, struct buf *out)
{
	const char *p = (const char *)s->text, *end = p + s->text_len;
	const char *label = "text";
	char line[3 * 200 + 1];
	int r = 0;

	while (r == 0 && p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl == NULL ? end : nl) - p);
		size_t part = n > 200 ? 200 : n;

		text_sanitise(p, part, line, sizeof(line));
		r = buf_putf(out, "  %-10s | %s\n", label, line);
		label = "";
		p += part < n ? part : n + 1;
	}
	return r;
}

int
sigfmt_describe(const char *format, const struct sigfmt_job *j, struct buf *out)
{
	const struct sigfmt *f = sigfmt_by_name(format);
	int r;

	if (f == NULL)
		return CS_E_FORMAT;
	if (j->subject != NULL) {
		r = f->describe_one == NULL || j->subject->text == NULL ?
		    0 :
		    f->describe_one(j, out);
		return r != 0 || j->subject->text == NULL ?
		    r :
		    describe_text(j->subject, out);
	}
	r = buf_putf(out, "  %-10s %s: %s\n", "signs", f->name, f->about);
	if (r == 0 && (f->flags & SIGFMT_F_OPAQUE) != 0)
		r = buf_putf(out, "  %-10s %s\n", "",
		    "nothing but the digest is bound: not name, use or time");
	return r != 0 || f->describe == NULL ? r : f->describe(j, out);
}

int
sigfmt_verify(const char *format, const struct sigfmt_job *j,
    const uint8_t *sig, size_t len, struct diag *d)
{
	const struct sigfmt *f = sigfmt_by_name(format);
	int r;

	if (f == NULL)
		return unknown(format, d);
	if (len == 0 || len > SIGFMT_MAX)
		return sigfmt_bad(d, "a signature of at most 64 KiB",
		    "another size");
	if ((f->algs & SIGFMT_ALG(j->key->alg)) == 0)
		return diag_fail(d, CS_E_FORMAT, "an algorithm of the format",
		    "%s for %s", key_alg_name(j->key->alg), format);
	if (!pubkey_fits(j->key->key, j->key->alg))
		return diag_fail(d, CS_E_KEY_TYPE, key_alg_name(j->key->alg),
		    "a key of another type");
	r = check_digests(j, d);
	return r != 0 ? r : f->verify(j, sig, len, d);
}
