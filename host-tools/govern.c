/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/govern.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "lib/file.h"

/* The statement that coldseal policy sign would make of it. */
static int
parse_draft(json_t *predicate, struct policy **ret, struct diag *d)
{
	_cleanup_free_ char *text = NULL, *payload = NULL;
	uint8_t digest[CS_SHA256_LEN];
	size_t len;
	int r;

	r = json_canonical(predicate, &text, &len);
	if (r != 0)
		return diag_fail(d, r,
		    "JSON without control characters and fractions",
		    "another policy");
	r = sha256(text, len, digest);
	if (r == 0)
		r = statement_format_about("policy", digest, PRED_POLICY,
		    json_incref(predicate), &payload, &len);
	if (r != 0)
		return diag_fail(d, r, NULL, "the policy's statement");
	return policy_parse(payload, len, ret, d);
}

int
govern_load(const char *path, struct policy **ret, struct diag *d)
{
	_cleanup_json_ json_t *root = NULL;
	_cleanup_dsse_ struct dsse *env = NULL;
	_cleanup_free_ uint8_t *text = NULL;
	size_t len;
	int r;

	r = file_read(AT_FDCWD, path, DSSE_MAX, &text, &len, d);
	if (r == 0)
		r = json_load_strict(text, len, DSSE_MAX, &root, d);
	if (r != 0)
		return r;
	if (json_object_get(root, "payload") != NULL) {
		r = dsse_parse(text, len, &env, d);
		return r != 0 ?
		    r :
		    policy_parse(env->payload, env->payload_len, ret, d);
	}
	if (json_object_get(root, "_type") != NULL)
		return policy_parse(text, len, ret, d);
	return parse_draft(root, ret, d);
}

int
govern_time(const struct cli *c, size_t opt, int64_t *ret, struct diag *d)
{
	const char *text = cli_get(c, opt);

	if (text == NULL) {
		*ret = (int64_t)time(NULL);
		return 0;
	}
	if (time_parse(text, ret) != 0)
		return diag_fail(d, CS_E_USAGE, "as 2026-11-25T02:00:00Z",
		    "--%s %.40s", c->verb->opts[opt].name, text);
	return 0;
}

int
govern_print(int r, struct buf *text, struct diag *d)
{
	if (r != 0)
		return d->code == r ? r : diag_fail(d, r, NULL, "the text");
	(void)fwrite(text->p, 1, text->len, stdout);
	return 0;
}

int
govern_print_authority(const struct authority *a, bool json, bool csv,
    struct diag *d)
{
	_cleanup_govern_ struct buf out = BUF_INIT(GOVERN_TEXT_MAX);
	json_t *j = NULL;
	int r;

	if (json && csv)
		return diag_fail(d, CS_E_USAGE, "one of them",
		    "--json and --csv");
	if (csv)
		return govern_print(authority_csv(a, &out), &out, d);
	if (!json)
		return govern_print(authority_text(a, &out), &out, d);
	r = authority_json(a, &j);
	if (r != 0)
		return diag_fail(d, r, NULL, "who can sign");
	return cli_print_json(j, d);
}

json_t *
govern_lines(const struct buf *text)
{
	_cleanup_json_ json_t *a = json_array();
	const char *p = (const char *)text->p, *end = p + text->len, *nl;

	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL ||
		    json_array_append_new(a,
			json_stringn(p, (size_t)(nl - p))) != 0)
			return NULL;
	}
	return take_ptr(a);
}
