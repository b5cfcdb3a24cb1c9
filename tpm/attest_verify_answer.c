/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/json.h"
#include "tpm/attest_verify_private.h"

#define INDEX_LEN 10 /* "0x01500013" */

void
attest_answer_done(struct attest_answer *a)
{
	free(a->checkpoint);
	a->checkpoint = NULL;
}

static int
read_b64(const char *s, uint8_t *out, size_t size, size_t *ret_len)
{
	return b64_decode(s, strlen(s), out, size, ret_len);
}

static int
read_evidence(const char *attest, const char *signature, const char *path,
    struct attest_evidence *e, struct diag *d)
{
	if (read_b64(attest, e->attest, sizeof(e->attest), &e->attest_len) !=
		0 ||
	    read_b64(signature, e->signature, sizeof(e->signature),
		&e->signature_len) != 0)
		return diag_fail(d, CS_E_ATTEST_ANSWER,
		    "base64 of at most 2048 and 512 bytes", "%s", path);
	return 0;
}

static int
read_quote(json_t *obj, struct attest_answer *a, struct diag *d)
{
	const char *attest, *signature;
	const struct json_field f[] = {
		{ "attest", JK_STR, true, &attest, NULL },
		{ "signature", JK_STR, true, &signature, NULL },
	};
	int r = json_fields(obj, "/quote", f, ARRAY_LEN(f), d);

	return r != 0 ?
	    r :
	    read_evidence(attest, signature, "/quote", &a->quote, d);
}

static int
read_anchor(json_t *obj, struct attest_answer *a, struct diag *d)
{
	const char *attest, *signature, *index;
	const struct json_field f[] = {
		{ "attest", JK_STR, true, &attest, NULL },
		{ "index", JK_LABEL, true, &index, NULL },
		{ "signature", JK_STR, true, &signature, NULL },
	};
	unsigned n;
	int r = json_fields(obj, "/anchor", f, ARRAY_LEN(f), d);

	if (r != 0)
		return r;
	/* its form is checked by writing it again */
	if (strlen(index) != INDEX_LEN || sscanf(index, "0x%8x", &n) != 1)
		return diag_fail(d, CS_E_ATTEST_ANSWER, "0x and 8 digits",
		    "/anchor/index");
	a->has_anchor = true;
	a->index = n;
	return read_evidence(attest, signature, "/anchor", &a->anchor, d);
}

/* base64, since a note has several lines and canonical JSON has none */
static int
read_checkpoint(const char *text, char **ret, struct diag *d)
{
	const size_t size = b64_dec_max(strlen(text));
	_cleanup_free_ char *note = calloc(1, size + 1);
	size_t n;

	if (note == NULL)
		return diag_nomem(d);
	if (size > ATTEST_CHECKPOINT_MAX ||
	    b64_decode(text, strlen(text), (uint8_t *)note, size, &n) != 0 ||
	    strlen(note) != n)
		return diag_fail(d, CS_E_ATTEST_ANSWER,
		    "base64 of a text of at most 16 KiB", "/checkpoint");
	*ret = take_ptr(note);
	return 0;
}

static int
read_fields(json_t *root, struct attest_answer *a, struct diag *d)
{
	json_t *quote = NULL, *anchor = NULL;
	const char *type = NULL, *checkpoint = NULL;
	const struct json_field f[] = {
		{ "anchor", JK_OBJ, false, &anchor, NULL },
		{ "challenge", JK_HEX32, false, a->challenge,
		    &a->has_challenge },
		{ "checkpoint", JK_STR, true, &checkpoint, NULL },
		{ "image_version", JK_U64, true, &a->image_version, NULL },
		{ "policy_sha256", JK_HEX32, true, a->policy, NULL },
		{ "policy_version", JK_U64, true, &a->policy_version, NULL },
		{ "quote", JK_OBJ, true, &quote, NULL },
		{ "type", JK_LABEL, true, &type, NULL },
	};
	int r = json_fields(root, "", f, ARRAY_LEN(f), d);

	if (r == 0 && strcmp(type, ATTEST_ANSWER_TYPE) != 0)
		r = diag_fail(d, CS_E_ATTEST_ANSWER, ATTEST_ANSWER_TYPE,
		    "/type: %s", type);
	if (r == 0)
		r = read_checkpoint(checkpoint, &a->checkpoint, d);
	if (r == 0)
		r = read_quote(quote, a, d);
	if (r == 0 && anchor != NULL)
		r = read_anchor(anchor, a, d);
	return r;
}

int
attest_answer_parse(const void *p, size_t len, struct attest_answer *ret,
    struct diag *d)
{
	_cleanup_attest_answer_ struct attest_answer a = { 0 };
	_cleanup_json_ json_t *root = NULL;
	_cleanup_free_ char *again = NULL;
	struct diag why = { 0 };
	size_t n;
	int r;

	if (len > 0 && ((const char *)p)[len - 1] == '\n')
		len--;
	r = json_load_strict(p, len, ATTEST_ANSWER_MAX, &root, &why);
	if (r == 0)
		r = read_fields(root, &a, &why);
	if (r != 0)
		return diag_fail(d, CS_E_ATTEST_ANSWER, why.expected, "%s",
		    why.found);
	r = attest_answer_format(&a, &again, &n, d);
	if (r != 0)
		return r;
	if (n != len || memcmp(again, p, n) != 0)
		return diag_fail(d, CS_E_ATTEST_ANSWER, "canonical JSON",
		    "another form");
	*ret = a;
	a.checkpoint = NULL;
	return 0;
}

static json_t *
write_b64(const uint8_t *p, size_t len)
{
	_cleanup_free_ char *s = b64_dup(p, len);

	return s == NULL ? NULL : json_string(s);
}

static json_t *
write_evidence(const struct attest_evidence *e)
{
	return json_pack("{s:o, s:o}", "attest",
	    write_b64(e->attest, e->attest_len), "signature",
	    write_b64(e->signature, e->signature_len));
}

static json_t *
write_anchor(const struct attest_answer *a)
{
	json_t *j = write_evidence(&a->anchor);
	char index[INDEX_LEN + 1];

	(void)snprintf(index, sizeof(index), "0x%08x", a->index);
	if (j != NULL &&
	    json_object_set_new(j, "index", json_string(index)) != 0) {
		json_decref(j);
		return NULL;
	}
	return j;
}

int
attest_answer_format(const struct attest_answer *a, char **ret, size_t *ret_len,
    struct diag *d)
{
	_cleanup_json_ json_t *j = NULL;

	j = json_pack("{s:s, s:I, s:I, s:o, s:o, s:o}", "type",
	    ATTEST_ANSWER_TYPE, "image_version", (json_int_t)a->image_version,
	    "policy_version", (json_int_t)a->policy_version, "policy_sha256",
	    json_hex32(a->policy), "checkpoint",
	    write_b64((const uint8_t *)a->checkpoint, strlen(a->checkpoint)),
	    "quote", write_evidence(&a->quote));
	if (j == NULL)
		return diag_nomem(d);
	if ((a->has_challenge &&
		json_object_set_new(j, "challenge", json_hex32(a->challenge)) !=
		    0) ||
	    (a->has_anchor &&
		json_object_set_new(j, "anchor", write_anchor(a)) != 0) ||
	    json_canonical(j, ret, ret_len) != 0)
		return diag_nomem(d);
	return 0;
}
