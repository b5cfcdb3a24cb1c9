/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/b64.h"
#include "lib/dsse.h"
#include "lib/hex.h"

#define PAE_OVERHEAD 128u

void
dsse_free(struct dsse **e)
{
	size_t i;

	if (*e == NULL)
		return;
	for (i = 0; i < (*e)->nsigs; i++) {
		free((*e)->sigs[i].keyid);
		free((*e)->sigs[i].sig);
	}
	free((*e)->sigs);
	free((*e)->payload);
	free(*e);
	*e = NULL;
}

/* protocol.md: "Either standard or URL-safe encoding is allowed." */
static int
decode(const char *text, size_t n, const char *what, uint8_t **ret,
    size_t *ret_len, struct diag *d)
{
	_cleanup_free_ uint8_t *out = NULL;
	size_t max = b64_dec_max(n);

	out = malloc(max + 1);
	if (out == NULL)
		return diag_nomem(d);
	if (b64_decode_any(text, n, out, max, ret_len) != 0)
		return diag_fail(d, CS_E_DSSE_BASE64, "base64 with padding",
		    "another text in %s", what);
	*ret = take_ptr(out);
	return 0;
}

static int
parse_sig(json_t *j, size_t index, struct dsse_sig *s, struct diag *d)
{
	const char *keyid = "", *sig = NULL;
	const struct json_field f[] = {
		{ "keyid", JK_TEXT, false, &keyid, NULL },
		{ "sig", JK_STR, true, &sig, NULL },
	};
	char path[32];
	struct buf b = BUF_INIT(sizeof(path));
	int r;

	r = buf_putf(&b, "/signatures/%zu", index);
	if (r == 0)
		r = buf_put_u8(&b, 0);
	if (r == 0)
		memcpy(path, b.p, b.len);
	buf_done(&b);
	if (r != 0)
		return r;
	r = json_fields(j, path, f, ARRAY_LEN(f), d);
	if (r != 0)
		return r;
	s->keyid = strdup(keyid);
	if (s->keyid == NULL)
		return diag_nomem(d);
	return decode(sig, strlen(sig), path, &s->sig, &s->sig_len, d);
}

static int
parse_sigs(json_t *list, struct dsse *e, struct diag *d)
{
	size_t i, n = json_array_size(list);
	int r;

	if (n == 0 || n > DSSE_MAX_SIGS)
		return diag_fail(d, CS_E_DSSE_SIGS, "1 to 32 signatures", "%zu",
		    n);
	e->sigs = calloc(n, sizeof(*e->sigs));
	if (e->sigs == NULL)
		return diag_nomem(d);
	e->nsigs = n;
	for (i = 0; i < n; i++) {
		r = parse_sig(json_array_get(list, i), i, &e->sigs[i], d);
		if (r != 0)
			return r;
	}
	return 0;
}

#define FRONT "{\"payload\":\""

/*
 * An envelope that begins with its payload, as most writers' do, is mostly
 * payload: that is found in the text as it is, and the rest is read as JSON
 * with an empty one in its place.  NULL if it cannot be found so, which an
 * escape in it is enough for.
 */
static const char *
find_payload(const char *json, size_t len, size_t *ret_len)
{
	const size_t front = sizeof(FRONT) - 1;
	const char *p = json + front, *end;

	if (len <= front || memcmp(json, FRONT, front) != 0)
		return NULL;
	end = memchr(p, '"', len - front);
	if (end == NULL || memchr(p, '\\', (size_t)(end - p)) != NULL)
		return NULL;
	*ret_len = (size_t)(end - p);
	return p;
}

static int
load(const char *json, size_t len, const char *payload, size_t payload_len,
    json_t **ret, struct diag *d)
{
	struct buf b __attribute__((cleanup(buf_done))) = BUF_INIT(DSSE_MAX);
	int r;

	if (payload == NULL || len > DSSE_MAX)
		return json_load_strict(json, len, DSSE_MAX, ret, d);
	r = buf_put(&b, FRONT, sizeof(FRONT) - 1);
	if (r == 0)
		r = buf_put(&b, payload + payload_len,
		    (size_t)(json + len - (payload + payload_len)));
	return r != 0 ? diag_nomem(d) :
			json_load_strict(b.p, b.len, DSSE_MAX, ret, d);
}

int
dsse_parse(const void *json, size_t len, struct dsse **ret, struct diag *d)
{
	_cleanup_json_ json_t *root = NULL;
	_cleanup_dsse_ struct dsse *e = NULL;
	size_t n = 0;
	const char *found = find_payload(json, len, &n);
	const char *payload = NULL, *type = NULL;
	json_t *sigs = NULL;
	const struct json_field f[] = {
		{ "payload", JK_TEXT, true, &payload, NULL },
		{ "payloadType", JK_STR, true, &type, NULL },
		{ "signatures", JK_ARR, true, &sigs, NULL },
	};
	int r;

	r = load(json, len, found, n, &root, d);
	if (r == 0)
		r = json_fields(root, "", f, ARRAY_LEN(f), d);
	if (r != 0)
		return r;
	if (strcmp(type, DSSE_PAYLOAD_TYPE) != 0)
		return diag_fail(d, CS_E_DSSE_TYPE, DSSE_PAYLOAD_TYPE, "%.100s",
		    type);
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return diag_nomem(d);
	if (found == NULL) {
		found = payload;
		n = strlen(payload);
	}
	r = decode(found, n, "/payload", &e->payload, &e->payload_len, d);
	if (r != 0)
		return r;
	if (e->payload_len == 0)
		return diag_fail(d, CS_E_DSSE_PAYLOAD, "a statement",
		    "nothing");
	r = parse_sigs(sigs, e, d);
	if (r == 0)
		r = sha256(e->payload, e->payload_len, e->digest);
	if (r != 0)
		return r;
	*ret = take_ptr(e);
	return 0;
}

/* "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body */
int
dsse_pae_type(const char *type, const void *payload, size_t len, struct buf *b)
{
	int r = buf_putf(b, "DSSEv1 %zu %s %zu ", strlen(type), type, len);

	return r != 0 ? r : buf_put(b, payload, len);
}

int
dsse_pae(const void *payload, size_t len, struct buf *b)
{
	return dsse_pae_type(DSSE_PAYLOAD_TYPE, payload, len, b);
}

static bool
hinted(const struct dsse_sig *s, const struct pubkey *k)
{
	char hex[65];

	hex_encode(k->id, sizeof(k->id), hex);
	return strcmp(s->keyid, hex) == 0;
}

/* The key that made s, or nkeys.  The hint only orders the search. */
static size_t
signer_of(const struct dsse_sig *s, const struct buf *pae,
    const struct pubkey *const *keys, size_t nkeys)
{
	size_t i;
	int pass;

	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < nkeys; i++) {
			if (hinted(s, keys[i]) != (pass == 0))
				continue;
			if (pubkey_verify_message(keys[i], pae->p, pae->len,
				s->sig, s->sig_len) == 0)
				return i;
		}
	}
	return nkeys;
}

int
dsse_verify(const struct dsse *e, const struct pubkey *const *keys,
    size_t nkeys, bool *hit, size_t *ret_bad, struct diag *d)
{
	struct buf pae __attribute__((cleanup(buf_done))) =
	    BUF_INIT(DSSE_MAX + PAE_OVERHEAD);
	size_t i, j, k, bad = 0;
	int r;

	memset(hit, 0, nkeys * sizeof(*hit));
	r = dsse_pae(e->payload, e->payload_len, &pae);
	if (r != 0)
		return diag_fail(d, r, NULL, "the payload is too large");
	for (i = 0; i < e->nsigs; i++) {
		k = signer_of(&e->sigs[i], &pae, keys, nkeys);
		if (k == nkeys) {
			bad++;
			continue;
		}
		/* Q1: a key listed twice is its first entry */
		for (j = 0; !pubkey_equal(keys[j], keys[k]); j++)
			continue;
		hit[j] = true;
	}
	*ret_bad = bad;
	return 0;
}

static int
put_b64(struct buf *b, const uint8_t *data, size_t len)
{
	_cleanup_free_ char *text = b64_dup(data, len);

	if (text == NULL)
		return CS_E_NOMEM;
	return buf_put(b, text, b64_enc_len(len));
}

static int
put_sig(struct buf *b, const struct dsse_new_sig *s, bool first)
{
	char hex[65];
	int r;

	hex_encode(s->keyid, 32, hex);
	r = buf_putf(b, "%s{\"keyid\":\"%s\",\"sig\":\"", first ? "" : ",",
	    hex);
	if (r == 0)
		r = put_b64(b, s->sig, s->sig_len);
	return r != 0 ? r : buf_putf(b, "\"}");
}

int
dsse_format(const void *payload, size_t len, const struct dsse_new_sig *s,
    size_t n, char **ret, size_t *ret_len)
{
	struct buf b __attribute__((cleanup(buf_done))) = BUF_INIT(DSSE_MAX);
	size_t i;
	int r;

	if (n == 0 || n > DSSE_MAX_SIGS)
		return CS_E_DSSE_SIGS;
	if (len == 0)
		return CS_E_DSSE_PAYLOAD;
	r = buf_putf(&b, "{\"payload\":\"");
	if (r == 0)
		r = put_b64(&b, payload, len);
	if (r == 0)
		r = buf_putf(&b, "\",\"payloadType\":\"%s\",\"signatures\":[",
		    DSSE_PAYLOAD_TYPE);
	for (i = 0; r == 0 && i < n; i++)
		r = put_sig(&b, &s[i], i == 0);
	if (r == 0)
		r = buf_putf(&b, "]}\n");
	if (r == 0)
		r = buf_put_u8(&b, 0);
	if (r != 0)
		return r;
	*ret_len = b.len - 1;
	*ret = (char *)take_ptr(b.p);
	return 0;
}
