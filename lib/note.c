/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/note.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/note_impl.h"

/* U+2014 and a space open a signature line */
#define DASH	 "\xe2\x80\x94 "
#define DASH_LEN 4u
/* the longest signature is ML-DSA-65's, with a timestamp and the key ID */
#define SIG_MAX 8192u

struct sig_line {
	const char *name;
	size_t name_len;
	uint8_t id[4];
	const uint8_t *sig; /* in the caller's buffer */
	size_t sig_len;
};

/* valid UTF-8; no control character but the newline; no byte order mark */
static int
check_text(const char *p, size_t len, struct diag *d)
{
	size_t i, n;
	uint32_t cp;

	for (i = 0; i < len; i += n) {
		n = utf8_char(p + i, len - i, &cp);
		if (n == 0 || (cp < 0x20 && cp != '\n') || cp == 0x7f ||
		    cp == 0xfeff)
			return diag_fail(d, CS_E_NOTE_SYNTAX,
			    "UTF-8 without control characters",
			    "byte 0x%02x at offset %zu",
			    (unsigned)(uint8_t)p[i], i);
	}
	return 0;
}

/* The signatures come after the last blank line, and there is one. */
static int
split(const char *p, size_t len, size_t *ret_text_len, struct diag *d)
{
	size_t i;

	if (len > NOTE_MAX)
		return diag_fail(d, CS_E_NOTE_SYNTAX, "at most 512 KiB",
		    "%zu bytes", len);
	if (len == 0 || p[len - 1] != '\n')
		return diag_fail(d, CS_E_NOTE_SYNTAX, "a newline at the end",
		    "%zu bytes without it", len);
	for (i = len - 1; i > 0; i--)
		if (p[i] == '\n' && p[i - 1] == '\n')
			break;
	if (i == 0)
		return diag_fail(d, CS_E_NOTE_SYNTAX,
		    "a blank line before the signatures", "none");
	if (i + 1 == len)
		return diag_fail(d, CS_E_NOTE_SYNTAX,
		    "signature lines after the blank line", "the end");
	*ret_text_len = i;
	return check_text(p, len, d);
}

/* One line without its newline: dash, space, name, space, base64. */
static int
parse_line(const char *p, size_t len, uint8_t raw[SIG_MAX],
    struct sig_line *ret)
{
	const char *sp;
	size_t n, b64_len;

	if (len < DASH_LEN || memcmp(p, DASH, DASH_LEN) != 0)
		return CS_E_NOTE_SYNTAX;
	p += DASH_LEN;
	len -= DASH_LEN;
	if ((sp = memchr(p, ' ', len)) == NULL)
		return CS_E_NOTE_SYNTAX;
	ret->name = p;
	ret->name_len = (size_t)(sp - p);
	b64_len = len - ret->name_len - 1;
	if (!note_name_ok(p, ret->name_len) ||
	    b64_decode(sp + 1, b64_len, raw, SIG_MAX, &n) != 0 || n < 5)
		return CS_E_NOTE_SYNTAX;
	memcpy(ret->id, raw, sizeof(ret->id));
	ret->sig = raw + sizeof(ret->id);
	ret->sig_len = n - sizeof(ret->id);
	return 0;
}

static int
verify_ed25519(const struct note_vkey *k, const char *text, size_t len,
    const uint8_t *sig, size_t sig_len)
{
	EVP_PKEY *pkey;
	EVP_MD_CTX *c;
	int ok = 0;

	pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, k->pub,
	    sizeof(k->pub));
	c = EVP_MD_CTX_new();
	if (pkey != NULL && c != NULL && sig_len == 64 &&
	    EVP_DigestVerifyInit_ex(c, NULL, NULL, NULL, NULL, pkey, NULL) == 1)
		ok = EVP_DigestVerify(c, sig, sig_len, (const uint8_t *)text,
			 len) == 1;
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(pkey);
	return ok ? 0 : CS_E_NOTE_SIGNATURE;
}

static int
check_line(const struct sig_line *l, const struct note_vkey *keys, size_t nkeys,
    const char *text, size_t text_len, bool *hit, size_t *good, struct diag *d)
{
	size_t i;

	for (i = 0; i < nkeys; i++) {
		if (strlen(keys[i].name) != l->name_len ||
		    memcmp(keys[i].name, l->name, l->name_len) != 0 ||
		    memcmp(keys[i].id, l->id, sizeof(l->id)) != 0)
			continue;
		if (verify_ed25519(&keys[i], text, text_len, l->sig,
			l->sig_len) != 0)
			return diag_fail(d, CS_E_NOTE_SIGNATURE,
			    "a valid signature by each known key",
			    "a bad one by %s", keys[i].name);
		if (hit != NULL)
			hit[i] = true;
		(*good)++;
	}
	return 0;
}

static int
check_lines(const char *note, size_t len, size_t text_len,
    const struct note_vkey *keys, size_t nkeys, bool *hit, size_t *good,
    struct diag *d)
{
	uint8_t raw[SIG_MAX];
	struct sig_line l;
	const char *p = note + text_len + 1, *end = note + len, *nl;
	unsigned count = 0;
	int r;

	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (++count > NOTE_MAX_SIGS)
			return diag_fail(d, CS_E_NOTE_SYNTAX,
			    "at most 64 signature lines", "more");
		if (nl == NULL || parse_line(p, (size_t)(nl - p), raw, &l) != 0)
			return diag_fail(d, CS_E_NOTE_SYNTAX,
			    "dash, name, base64 of key ID and signature",
			    "signature line %u is not that", count);
		if ((r = check_line(&l, keys, nkeys, note, text_len, hit, good,
			 d)) != 0)
			return r;
	}
	return 0;
}

int
note_open(const char *note, size_t len, const struct note_vkey *keys,
    size_t nkeys, bool *hit, size_t *ret_text_len, struct diag *d)
{
	size_t text_len = 0, good = 0;
	int r;

	if (hit != NULL)
		memset(hit, 0, nkeys * sizeof(*hit));
	if ((r = split(note, len, &text_len, d)) != 0)
		return r;
	if ((r = check_lines(note, len, text_len, keys, nkeys, hit, &good,
		 d)) != 0)
		return r;
	if (good == 0)
		return diag_fail(d, CS_E_NOTE_KEY,
		    nkeys == 0 ? "a verifier key" : keys[0].name,
		    "no signature by a known key");
	*ret_text_len = text_len;
	return 0;
}

int
note_verify(const char *note, size_t len, const struct note_vkey *keys,
    size_t nkeys, struct checkpoint *ret, struct diag *d)
{
	_cleanup_free_ bool *hit = NULL;
	struct checkpoint c;
	size_t text_len, i;
	int r;

	if ((hit = calloc(nkeys + 1, sizeof(*hit))) == NULL)
		return diag_nomem(d);
	if ((r = note_open(note, len, keys, nkeys, hit, &text_len, d)) != 0)
		return r;
	if ((r = checkpoint_parse(note, text_len, &c, d)) != 0)
		return r;
	for (i = 0; i < nkeys; i++)
		if (hit[i] && strcmp(keys[i].name, c.origin) == 0) {
			*ret = c;
			return 0;
		}
	return diag_fail(d, CS_E_NOTE_ORIGIN,
	    "the origin's own key among the signers", "origin %s", c.origin);
}

int
note_assemble(const char *text, size_t len, const struct note_vkey *k,
    const uint8_t sig[64], char **ret, size_t *ret_len, struct diag *d)
{
	_cleanup_free_ char *note = NULL;
	uint8_t raw[4 + 64];
	char b64[92 + 1];
	size_t text_len;
	int n, r;

	if (len > NOTE_MAX / 2)
		return diag_fail(d, CS_E_NOTE_SYNTAX, NULL, "%zu bytes", len);
	memcpy(raw, k->id, 4);
	memcpy(raw + 4, sig, 64);
	b64_encode(raw, sizeof(raw), b64);
	n = asprintf(&note, "%.*s\n" DASH "%s %s\n", (int)len, text, k->name,
	    b64);
	if (n < 0) {
		note = NULL;
		return diag_nomem(d);
	}
	if ((r = note_open(note, (size_t)n, k, 1, NULL, &text_len, d)) != 0)
		return r;
	if (text_len != len)
		return diag_fail(d, CS_E_NOTE_SYNTAX,
		    "text that ends in a newline", "something else");
	*ret = take_ptr(note);
	*ret_len = (size_t)n;
	return 0;
}
