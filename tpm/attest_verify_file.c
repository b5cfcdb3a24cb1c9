/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/hex.h"
#include "lib/json.h"
#include "lib/sha.h"
#include "tpm/attest_verify_private.h"

#define TYPE_PINNED    "coldseal-ak-v1"
#define TYPE_ENROLMENT "coldseal-enrolment-v1"

int
attest_golden_parse(const void *p, size_t len, struct attest_golden *ret,
    struct diag *d)
{
	_cleanup_json_ json_t *root = NULL;
	struct attest_golden g = { 0 };
	struct json_field f[ATTEST_PCRS];
	char names[ATTEST_PCRS][3];
	bool present[ATTEST_PCRS] = { false };
	struct diag why = { 0 };
	json_t *pcrs = NULL;
	const struct json_field top[] = {
		{ "pcrs", JK_OBJ, true, &pcrs, NULL },
		{ "version", JK_U64, true, &g.version, NULL },
	};
	size_t i;
	int r;

	for (i = 0; i < ATTEST_PCRS; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%zu", i);
		f[i] = (struct json_field){ names[i], JK_HEX32, false,
			g.pcrs.value[i], &present[i] };
	}
	r = json_load_strict(p, len, ATTEST_FILE_MAX, &root, &why);
	if (r == 0)
		r = json_fields(root, "", top, ARRAY_LEN(top), &why);
	if (r == 0)
		r = json_fields(pcrs, "/pcrs", f, ATTEST_PCRS, &why);
	if (r != 0)
		return diag_fail(d, CS_E_ATTEST_GOLDEN, why.expected, "%s",
		    why.found);
	for (i = 0; i < ATTEST_PCRS; i++)
		if (present[i])
			g.pcrs.mask |= 1u << i;
	if (g.pcrs.mask == 0)
		return diag_fail(d, CS_E_ATTEST_GOLDEN, "at least one PCR",
		    "/pcrs: none");
	*ret = g;
	return 0;
}

void
attest_pinned_done(struct attest_pinned *p)
{
	attest_ak_free(&p->ak);
}

struct texts {
	const char *type, *public, *name, *trust;
	const char *index, *anchor; /* NULL: no anchor */
	char hex[2 * ATTEST_NAME_LEN + 1];
};

static int
parse_anchor(json_t *obj, struct texts *t, struct attest_pinned *p,
    struct diag *d)
{
	const struct json_field f[] = {
		{ "index", JK_LABEL, true, &t->index, NULL },
		{ "name", JK_LABEL, true, &t->anchor, NULL },
	};
	unsigned index;
	char again[11];

	if (json_fields(obj, "/anchor", f, ARRAY_LEN(f), d) != 0)
		return -1;
	if (sscanf(t->index, "0x%8x", &index) != 1 ||
	    snprintf(again, sizeof(again), "0x%08x", index) != 10 ||
	    strcmp(again, t->index) != 0 ||
	    hex_decode(t->anchor, p->anchor, ATTEST_NAME_LEN) != 0)
		return diag_fail(d, -1, "0x and 8 digits; 68 digits",
		    "/anchor: other texts");
	p->has_anchor = true;
	p->index = index;
	return 0;
}

static int
parse_ak(const struct texts *t, struct attest_pinned *p, struct diag *d)
{
	uint8_t pub[ATTEST_AK_MAX], name[ATTEST_NAME_LEN];
	size_t n;

	if (b64_decode(t->public, strlen(t->public), pub, sizeof(pub), &n) != 0)
		return diag_fail(d, -1, "base64", "/ak_public: something else");
	if (attest_ak_parse(pub, n, &p->ak, d) != 0)
		return -1;
	if (hex_decode(t->name, name, sizeof(name)) != 0 ||
	    memcmp(name, p->ak->name, sizeof(name)) != 0)
		return diag_fail(d, -1, "the name of ak_public",
		    "/ak_name: another name");
	if (strcmp(t->trust, "certificate") != 0 &&
	    strcmp(t->trust, "pinned") != 0)
		return diag_fail(d, -1, "certificate or pinned",
		    "/ek_trust: %s", t->trust);
	p->by_certificate = t->trust[0] == 'c';
	return 0;
}

static int
parse_pinned(const void *data, size_t len, bool pending,
    struct attest_pinned *p, struct diag *d)
{
	_cleanup_json_ json_t *root = NULL;
	struct texts t = { 0 };
	json_t *anchor = NULL;
	const struct json_field f[] = {
		{ "ak_name", JK_LABEL, true, &t.name, NULL },
		{ "ak_public", JK_STR, true, &t.public, NULL },
		{ "anchor", JK_OBJ, false, &anchor, NULL },
		{ "ek_sha256", JK_HEX32, true, p->ek, NULL },
		{ "ek_trust", JK_LABEL, true, &t.trust, NULL },
		{ "type", JK_LABEL, true, &t.type, NULL },
		{ "expect", JK_HEX32, true, p->expect, NULL },
	};
	const char *want = pending ? TYPE_ENROLMENT : TYPE_PINNED;
	const char *type;

	if (json_load_strict(data, len, ATTEST_FILE_MAX, &root, d) != 0)
		return -1;
	/* the one file given for the other says so, not what it lacks */
	type = json_string_value(json_object_get(root, "type"));
	if (type != NULL && strcmp(type, want) != 0)
		return diag_fail(d, -1, want, "/type: %s", type);
	if (json_fields(root, "", f, ARRAY_LEN(f) - (pending ? 0 : 1), d) != 0)
		return -1;
	if (anchor != NULL && parse_anchor(anchor, &t, p, d) != 0)
		return -1;
	p->pending = pending;
	return parse_ak(&t, p, d);
}

int
attest_pinned_parse(const void *data, size_t len, bool pending,
    struct attest_pinned *ret, struct diag *d)
{
	_cleanup_attest_pinned_ struct attest_pinned p = { 0 };
	struct diag why = { 0 };

	if (parse_pinned(data, len, pending, &p, &why) != 0)
		return diag_fail(d,
		    pending ? CS_E_ATTEST_ENROLMENT : CS_E_ATTEST_PINNED,
		    why.expected, "%s", why.found);
	*ret = p;
	p.ak = NULL;
	return 0;
}

static json_t *
format_anchor(const struct attest_pinned *p)
{
	char index[11], name[2 * ATTEST_NAME_LEN + 1];

	(void)snprintf(index, sizeof(index), "0x%08x", p->index);
	hex_encode(p->anchor, ATTEST_NAME_LEN, name);
	return json_pack("{s:s, s:s}", "index", index, "name", name);
}

static json_t *
build_pinned(const struct attest_pinned *p)
{
	char name[2 * ATTEST_NAME_LEN + 1];
	char pub[ATTEST_AK_MAX / 3 * 4 + 5];
	json_t *j;

	hex_encode(p->ak->name, ATTEST_NAME_LEN, name);
	b64_encode(p->ak->pub, p->ak->pub_len, pub);
	j = json_pack("{s:s, s:s, s:o, s:s, s:s}", "ak_name", name, "ak_public",
	    pub, "ek_sha256", json_hex32(p->ek), "ek_trust",
	    p->by_certificate ? "certificate" : "pinned", "type",
	    p->pending ? TYPE_ENROLMENT : TYPE_PINNED);
	if (j == NULL)
		return NULL;
	if ((p->has_anchor &&
		json_object_set_new(j, "anchor", format_anchor(p)) != 0) ||
	    (p->pending &&
		json_object_set_new(j, "expect", json_hex32(p->expect)) != 0)) {
		json_decref(j);
		return NULL;
	}
	return j;
}

int
attest_pinned_format(const struct attest_pinned *p, char **ret, size_t *ret_len,
    struct diag *d)
{
	_cleanup_json_ json_t *j = build_pinned(p);

	if (j == NULL || json_canonical(j, ret, ret_len) != 0)
		return diag_nomem(d);
	return 0;
}

int
attest_activation_answer(const uint8_t secret[ATTEST_SECRET_LEN],
    uint8_t ret[CS_SHA256_LEN])
{
	return sha256(secret, ATTEST_SECRET_LEN, ret);
}

int
attest_check_activation(const struct attest_pinned *p,
    const uint8_t answer[CS_SHA256_LEN], struct diag *d)
{
	uint8_t digest[CS_SHA256_LEN];

	if (sha256(answer, CS_SHA256_LEN, digest) != 0)
		return diag_fail(d, CS_E_CRYPTO, NULL, "digest of the answer");
	if (!p->pending ||
	    CRYPTO_memcmp(digest, p->expect, sizeof(digest)) != 0)
		return diag_fail(d, CS_E_ATTEST_ACTIVATE,
		    "the digest of the secret in the credential",
		    "another value");
	return 0;
}
