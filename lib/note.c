/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/note.h"

#include <openssl/evp.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/buf.h"
#include "lib/key.h"
#include "lib/note_impl.h"

#define DASH_LEN 4u /* bytes of NOTE_DASH */
/* the longest signature is ML-DSA-65's, with a timestamp and the key ID */
#define SIG_MAX 8192u

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
int
note_text(const char *p, size_t len, size_t *ret_text_len, struct diag *d)
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
    struct note_line *ret)
{
	const char *sp;
	size_t n, b64_len;

	if (len < DASH_LEN || memcmp(p, NOTE_DASH, DASH_LEN) != 0)
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
	    NOTE_ED25519_LEN);
	c = EVP_MD_CTX_new();
	if (pkey != NULL && c != NULL && sig_len == 64 &&
	    EVP_DigestVerifyInit_ex(c, NULL, NULL, NULL, NULL, pkey, NULL) == 1)
		ok = EVP_DigestVerify(c, sig, sig_len, (const uint8_t *)text,
			 len) == 1;
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(pkey);
	return ok ? 0 : CS_E_NOTE_SIGNATURE;
}

/* ASN.1 Ecdsa-Sig-Value, strictly DER, over SHA-256 of the text */
static int
verify_ecdsa(const struct note_vkey *k, const char *text, size_t len,
    const uint8_t *sig, size_t sig_len)
{
	_cleanup_pubkey_ struct pubkey *key = NULL;

	if (sig_len > NOTE_ECDSA_MAX ||
	    pubkey_from_spki(k->pub, NOTE_ECDSA_LEN, &key, NULL) != 0 ||
	    pubkey_verify_message(key, text, len, sig, sig_len) != 0)
		return CS_E_NOTE_ECDSA_SIGNATURE;
	return 0;
}

static int
verify_one(const struct note_vkey *k, const char *text, size_t len,
    const uint8_t *sig, size_t sig_len, struct diag *d)
{
	int r = k->type == NOTE_TYPE_ECDSA ?
	    verify_ecdsa(k, text, len, sig, sig_len) :
	    verify_ed25519(k, text, len, sig, sig_len);

	if (r != 0)
		return diag_fail(d, r, "a valid signature by each known key",
		    "a bad one by %s, %s", k->name, note_type_name(k->type));
	return 0;
}

/* What note_open() asks of each line. */
struct opening {
	const struct note_vkey *keys;
	size_t nkeys;
	const char *text;
	size_t text_len;
	bool *hit;
	size_t good;
};

static int
check_line(void *arg, const struct note_line *l, struct diag *d)
{
	struct opening *o = arg;
	size_t i;
	int r;

	for (i = 0; i < o->nkeys; i++) {
		if (strlen(o->keys[i].name) != l->name_len ||
		    memcmp(o->keys[i].name, l->name, l->name_len) != 0 ||
		    memcmp(o->keys[i].id, l->id, sizeof(l->id)) != 0)
			continue;
		if ((r = verify_one(&o->keys[i], o->text, o->text_len, l->sig,
			 l->sig_len, d)) != 0)
			return r;
		if (o->hit != NULL)
			o->hit[i] = true;
		o->good++;
	}
	return 0;
}

int
note_lines(const char *note, size_t len, size_t text_len,
    int (*fn)(void *arg, const struct note_line *l, struct diag *d), void *arg,
    struct diag *d)
{
	uint8_t raw[SIG_MAX];
	struct note_line l;
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
		if ((r = fn(arg, &l, d)) != 0)
			return r;
	}
	return 0;
}

int
note_open(const char *note, size_t len, const struct note_vkey *keys,
    size_t nkeys, bool *hit, size_t *ret_text_len, struct diag *d)
{
	struct opening o = { .keys = keys, .nkeys = nkeys, .hit = hit };
	size_t text_len = 0;
	int r;

	if (hit != NULL)
		memset(hit, 0, nkeys * sizeof(*hit));
	if ((r = note_text(note, len, &text_len, d)) != 0)
		return r;
	o.text = note;
	o.text_len = text_len;
	if ((r = note_lines(note, len, text_len, check_line, &o, d)) != 0)
		return r;
	if (o.good == 0)
		return diag_fail(d, CS_E_NOTE_KEY,
		    nkeys == 0 ? "a verifier key" : keys[0].name,
		    "no signature by a known key");
	*ret_text_len = text_len;
	return 0;
}

static int
check_all(const struct note_vkey *keys, size_t nkeys, const bool *hit,
    struct diag *d)
{
	size_t i;

	for (i = 0; i < nkeys; i++)
		if (!hit[i])
			return diag_fail(d,
			    keys[i].type == NOTE_TYPE_ECDSA ?
				CS_E_NOTE_ECDSA_MISSING :
				CS_E_NOTE_ED25519_MISSING,
			    keys[i].name, "no %s signature by it",
			    note_type_name(keys[i].type));
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
	if ((r = check_all(keys, nkeys, hit, d)) != 0)
		return r;
	if ((r = checkpoint_parse(note, text_len, &c, d)) != 0)
		return r;
	for (i = 0; i < nkeys; i++)
		if (strcmp(keys[i].name, c.origin) == 0) {
			*ret = c;
			return 0;
		}
	return diag_fail(d, CS_E_NOTE_ORIGIN,
	    "the origin's own key among the signers", "origin %s", c.origin);
}

/* before, sep and k's line; the whole is verified under k */
static int
join(const char *before, size_t len, const char *sep, const struct note_vkey *k,
    const uint8_t *sig, size_t sig_len, char **ret, size_t *ret_len,
    size_t *ret_text_len, struct diag *d)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(NOTE_MAX + 1);
	uint8_t raw[4 + NOTE_ECDSA_MAX];
	char b64[104 + 1];
	int r;

	if (sig_len > NOTE_ECDSA_MAX)
		return diag_fail(d, CS_E_NOTE_SYNTAX, "at most 72 bytes",
		    "a signature of %zu", sig_len);
	memcpy(raw, k->id, 4);
	memcpy(raw + 4, sig, sig_len);
	b64_encode(raw, 4 + sig_len, b64);
	if ((r = buf_put(&b, before, len)) != 0 ||
	    (r = buf_putf(&b, "%s" NOTE_DASH "%s %s\n", sep, k->name, b64)) !=
		0 ||
	    (r = buf_put_u8(&b, '\0')) != 0)
		return diag_fail(d, r == CS_E_TOO_LARGE ? CS_E_NOTE_SYNTAX : r,
		    "at most 512 KiB", "%zu bytes", len);
	if ((r = note_open((char *)b.p, b.len - 1, k, 1, NULL, ret_text_len,
		 d)) != 0)
		return r;
	*ret_len = b.len - 1;
	*ret = (char *)take_ptr(b.p);
	return 0;
}

int
note_assemble(const char *text, size_t len, const struct note_vkey *k,
    const uint8_t sig[64], char **ret, size_t *ret_len, struct diag *d)
{
	_cleanup_free_ char *note = NULL;
	size_t note_len, text_len;
	int r;

	if ((r = join(text, len, "\n", k, sig, 64, &note, &note_len, &text_len,
		 d)) != 0)
		return r;
	if (text_len != len)
		return diag_fail(d, CS_E_NOTE_SYNTAX,
		    "text that ends in a newline", "something else");
	*ret = take_ptr(note);
	*ret_len = note_len;
	return 0;
}

int
note_add(const char *note, size_t len, const struct note_vkey *k,
    const uint8_t *sig, size_t sig_len, char **ret, size_t *ret_len,
    struct diag *d)
{
	size_t text_len;

	return join(note, len, "", k, sig, sig_len, ret, ret_len, &text_len, d);
}
