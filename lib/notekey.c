/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/hex.h"
#include "lib/key.h"
#include "lib/note_impl.h"
#include "lib/sha.h"

/* White_Space of Unicode 15.0, above U+0020; controls are refused anyway */
static bool
is_space(uint32_t cp)
{
	static const struct {
		uint32_t lo, hi;
	} spaces[] = {
		{ 0x00a0, 0x00a0 },
		{ 0x1680, 0x1680 },
		{ 0x2000, 0x200a },
		{ 0x2028, 0x2029 },
		{ 0x202f, 0x202f },
		{ 0x205f, 0x205f },
		{ 0x3000, 0x3000 },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(spaces); i++)
		if (cp >= spaces[i].lo && cp <= spaces[i].hi)
			return true;
	return false;
}

bool
note_name_ok(const char *s, size_t len)
{
	size_t i, n;
	uint32_t cp;

	if (len == 0 || len > NOTE_NAME_MAX)
		return false;
	for (i = 0; i < len; i += n) {
		if ((n = utf8_char(s + i, len - i, &cp)) == 0)
			return false;
		if (cp <= 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == '+' ||
		    cp == 0xfeff || is_space(cp))
			return false;
	}
	return true;
}

const char *
note_type_name(uint8_t type)
{
	return type == NOTE_TYPE_ECDSA ? "ECDSA P-256" : "Ed25519";
}

static size_t
pub_len(uint8_t type)
{
	return type == NOTE_TYPE_ECDSA ? NOTE_ECDSA_LEN : NOTE_ED25519_LEN;
}

/* c2sp.org/signed-note, "Signature types": two rules for the two types */
static int
key_id(const struct note_vkey *k, uint8_t ret[4])
{
	uint8_t in[NOTE_NAME_MAX + 2 + NOTE_ED25519_LEN], h[32];
	size_t n = strlen(k->name);
	int r;

	if (k->type == NOTE_TYPE_ECDSA) {
		r = sha256(k->pub, NOTE_ECDSA_LEN, h);
	} else {
		memcpy(in, k->name, n);
		in[n] = '\n';
		in[n + 1] = k->type;
		memcpy(in + n + 2, k->pub, NOTE_ED25519_LEN);
		r = sha256(in, n + 2 + NOTE_ED25519_LEN, h);
	}
	if (r != 0)
		return r;
	memcpy(ret, h, 4);
	return 0;
}

static int
make(const char *name, uint8_t type, const uint8_t *pub, struct note_vkey *ret,
    struct diag *d)
{
	struct note_vkey k = { .type = type };
	size_t n = strlen(name);
	int r;

	if (!note_name_ok(name, n))
		return diag_fail(d, CS_E_NOTE_VKEY,
		    "a name without spaces and '+', up to 255 bytes",
		    "\"%.100s\"", name);
	memcpy(k.name, name, n);
	memcpy(k.pub, pub, pub_len(type));
	if ((r = key_id(&k, k.id)) != 0)
		return diag_fail(d, r, NULL, "SHA-256");
	*ret = k;
	return 0;
}

int
note_vkey_make(const char *name, const uint8_t pub[32], struct note_vkey *ret,
    struct diag *d)
{
	return make(name, NOTE_TYPE_ED25519, pub, ret, d);
}

int
note_vkey_make_ecdsa(const char *name, const uint8_t *spki, size_t len,
    struct note_vkey *ret, struct diag *d)
{
	_cleanup_pubkey_ struct pubkey *key = NULL;

	/* normalised, so that one key has one ID and one text */
	if (pubkey_from_spki(spki, len, &key, NULL) != 0 ||
	    !pubkey_fits(key, KEY_P256) || key->spki_len != NOTE_ECDSA_LEN ||
	    len != NOTE_ECDSA_LEN || memcmp(key->spki, spki, len) != 0)
		return diag_fail(d, CS_E_NOTE_VKEY,
		    "a P-256 key, DER SubjectPublicKeyInfo, uncompressed",
		    "%zu other bytes", len);
	return make(name, NOTE_TYPE_ECDSA, spki, ret, d);
}

void
note_vkey_format(const struct note_vkey *k, char out[NOTE_VKEY_TEXT_MAX])
{
	uint8_t raw[1 + NOTE_PUB_MAX];
	char id[9], b64[124 + 1];

	raw[0] = k->type;
	memcpy(raw + 1, k->pub, pub_len(k->type));
	hex_encode(k->id, 4, id);
	b64_encode(raw, 1 + pub_len(k->type), b64);
	(void)snprintf(out, NOTE_VKEY_TEXT_MAX, "%s+%s+%s", k->name, id, b64);
}

/* The base64 part, whose first byte is the type. */
static int
parse_pub(const char *b64, size_t len, uint8_t raw[1 + NOTE_PUB_MAX],
    struct diag *d)
{
	static const char form[] = "base64 of the type and the key";
	uint8_t first[3];

	/* the key of a type that we do not know may have any length */
	if (len < 8 || b64_decode_exact(b64, 4, first, sizeof(first)) != 0)
		return diag_fail(d, CS_E_NOTE_VKEY, form, "a malformed key");
	if (first[0] != NOTE_TYPE_ED25519 && first[0] != NOTE_TYPE_ECDSA)
		return diag_fail(d, CS_E_NOTE_VKEY_TYPE,
		    "0x01 (Ed25519) or 0x02 (ECDSA)", "type 0x%02x",
		    (unsigned)first[0]);
	if (b64_decode_exact(b64, len, raw, 1 + pub_len(first[0])) != 0)
		return diag_fail(d, CS_E_NOTE_VKEY, form, "a malformed key");
	return 0;
}

int
note_vkey_parse(const char *s, size_t len, struct note_vkey *ret,
    struct diag *d)
{
	static const char form[] = "name+8 hex digits+base64";
	char name[NOTE_NAME_MAX + 1], text[NOTE_VKEY_TEXT_MAX];
	const char *plus;
	uint8_t raw[1 + NOTE_PUB_MAX];
	struct note_vkey k;
	size_t n;
	int r;

	if (len > 0 && s[len - 1] == '\n')
		len--;
	plus = memchr(s, '+', len);
	if (plus == NULL || (n = (size_t)(plus - s)) > NOTE_NAME_MAX ||
	    len - n < 1 + 8 + 1 || plus[9] != '+')
		return diag_fail(d, CS_E_NOTE_VKEY, form, "%zu bytes", len);
	if ((r = parse_pub(plus + 10, len - n - 10, raw, d)) != 0)
		return r;
	memcpy(name, s, n);
	name[n] = '\0';
	if (strlen(name) != n)
		return diag_fail(d, CS_E_NOTE_VKEY, form, "a NUL in the name");
	r = raw[0] == NOTE_TYPE_ECDSA ?
	    note_vkey_make_ecdsa(name, raw + 1, NOTE_ECDSA_LEN, &k, d) :
	    note_vkey_make(name, raw + 1, &k, d);
	if (r != 0)
		return r;
	/* the ID and the separators are what we would write */
	note_vkey_format(&k, text);
	if (strlen(text) != len || memcmp(text, s, len) != 0)
		return diag_fail(d, CS_E_NOTE_VKEY, text,
		    "another key ID: the key is damaged");
	*ret = k;
	return 0;
}

/* Whether k may stand beside the key that is there already. */
static int
check_pair(const struct note_vkey *have, const struct note_vkey *k,
    struct diag *d)
{
	if (memcmp(have, k, sizeof(*k)) == 0)
		return diag_fail(d, CS_E_NOTE_VKEYS_DUPLICATE, "each key once",
		    "%s, %s, again", k->name, note_type_name(k->type));
	if (strcmp(have->name, k->name) != 0)
		return diag_fail(d, CS_E_NOTE_VKEYS_NAME, have->name, "%s",
		    k->name);
	if (have->type == k->type)
		return diag_fail(d, CS_E_NOTE_VKEYS_TYPE,
		    "one key of each type", "two of %s",
		    note_type_name(k->type));
	return 0;
}

int
note_vkeys_parse(const char *text, size_t len, struct note_vkeys *ret,
    struct diag *d)
{
	struct note_vkeys ks = { .n = 0 };
	const char *p = text, *end = text + len, *nl;
	struct note_vkey k;
	size_t i;
	int r;

	do {
		nl = memchr(p, '\n', (size_t)(end - p));
		if ((r = note_vkey_parse(p,
			 (size_t)((nl != NULL ? nl : end) - p), &k, d)) != 0)
			return r;
		for (i = 0; i < ks.n; i++)
			if ((r = check_pair(&ks.v[i], &k, d)) != 0)
				return r;
		/* of another type than each before it, so there is room */
		ks.v[ks.n++] = k;
		p = nl != NULL ? nl + 1 : end;
	} while (p < end);
	if (ks.n == 2 && ks.v[1].type < ks.v[0].type) {
		k = ks.v[0];
		ks.v[0] = ks.v[1];
		ks.v[1] = k;
	}
	*ret = ks;
	return 0;
}

void
note_vkeys_format(const struct note_vkeys *ks, char out[NOTE_VKEYS_TEXT_MAX])
{
	size_t i, n = 0;

	for (i = 0; i < ks->n; i++) {
		note_vkey_format(&ks->v[i], out + n);
		n += strlen(out + n);
		out[n++] = '\n';
	}
	out[n] = '\0';
}
