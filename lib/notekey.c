/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/hex.h"
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

/* SHA-256(name || 0x0A || type || key)[:4] */
static int
key_id(const char *name, const uint8_t pub[32], uint8_t ret[4])
{
	uint8_t in[NOTE_NAME_MAX + 2 + 32], h[32];
	size_t n = strlen(name);
	int r;

	memcpy(in, name, n);
	in[n] = '\n';
	in[n + 1] = NOTE_TYPE_ED25519;
	memcpy(in + n + 2, pub, 32);
	if ((r = sha256(in, n + 2 + 32, h)) != 0)
		return r;
	memcpy(ret, h, 4);
	return 0;
}

int
note_vkey_make(const char *name, const uint8_t pub[32], struct note_vkey *ret,
    struct diag *d)
{
	struct note_vkey k = { .name = "" };
	size_t n = strlen(name);
	int r;

	if (!note_name_ok(name, n))
		return diag_fail(d, CS_E_NOTE_VKEY,
		    "a name without spaces and '+', up to 255 bytes",
		    "\"%.100s\"", name);
	memcpy(k.name, name, n);
	memcpy(k.pub, pub, 32);
	if ((r = key_id(name, pub, k.id)) != 0)
		return diag_fail(d, r, NULL, "SHA-256");
	*ret = k;
	return 0;
}

void
note_vkey_format(const struct note_vkey *k, char out[NOTE_VKEY_TEXT_MAX])
{
	uint8_t raw[33];
	char id[9], b64[45];

	raw[0] = NOTE_TYPE_ED25519;
	memcpy(raw + 1, k->pub, 32);
	hex_encode(k->id, 4, id);
	b64_encode(raw, sizeof(raw), b64);
	(void)snprintf(out, NOTE_VKEY_TEXT_MAX, "%s+%s+%s", k->name, id, b64);
}

int
note_vkey_parse(const char *s, size_t len, struct note_vkey *ret,
    struct diag *d)
{
	static const char form[] = "name+8 hex digits+base64 (Ed25519)";
	char name[NOTE_NAME_MAX + 1], text[NOTE_VKEY_TEXT_MAX];
	const char *plus;
	uint8_t raw[33];
	struct note_vkey k;
	size_t n;
	int r;

	if (len > 0 && s[len - 1] == '\n')
		len--;
	plus = memchr(s, '+', len);
	if (plus == NULL || (n = (size_t)(plus - s)) > NOTE_NAME_MAX ||
	    len - n != 1 + 8 + 1 + 44)
		return diag_fail(d, CS_E_NOTE_VKEY, form, "%zu bytes", len);
	if (b64_decode_exact(plus + 10, 44, raw, sizeof(raw)) != 0)
		return diag_fail(d, CS_E_NOTE_VKEY, form, "a malformed key");
	if (raw[0] != NOTE_TYPE_ED25519)
		return diag_fail(d, CS_E_NOTE_VKEY, "key type 0x01 (Ed25519)",
		    "type 0x%02x", (unsigned)raw[0]);
	memcpy(name, s, n);
	name[n] = '\0';
	if (strlen(name) != n)
		return diag_fail(d, CS_E_NOTE_VKEY, form, "a NUL in the name");
	if ((r = note_vkey_make(name, raw + 1, &k, d)) != 0)
		return r;
	/* the ID and the separators are what we would write */
	note_vkey_format(&k, text);
	if (memcmp(text, s, len) != 0)
		return diag_fail(d, CS_E_NOTE_VKEY, text,
		    "another key ID: the key is damaged");
	*ret = k;
	return 0;
}
