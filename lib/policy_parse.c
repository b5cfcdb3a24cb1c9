/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/hex.h"
#include "lib/policy_impl.h"

/* Reads the predicate, entry by entry; policy_check.c looks at the whole. */
#define PATH_LEN POLICY_PATH_LEN
#define BLOB_MAX 8192u /* a key or a certificate */

static int
decode_blob(const char *text, const char *path, uint8_t **ret, size_t *ret_len,
    struct diag *d)
{
	_cleanup_free_ uint8_t *out = NULL;
	size_t len = strlen(text), max = b64_dec_max(len);

	if (max > BLOB_MAX)
		return diag_fail(d, CS_E_TOO_LARGE, "at most 8192 bytes",
		    "more at %s", path);
	out = malloc(max + 1);
	if (out == NULL)
		return diag_nomem(d);
	if (b64_decode(text, len, out, max, ret_len) != 0)
		return diag_fail(d, CS_E_JSON_VALUE,
		    "base64 of DER, with padding", "another text at %s", path);
	*ret = take_ptr(out);
	return 0;
}

static int
parse_pubkey(const char *text, const char *path, struct pubkey **ret,
    struct diag *d)
{
	_cleanup_free_ uint8_t *der = NULL;
	struct diag why = { 0 };
	size_t len = 0;
	int r;

	r = decode_blob(text, path, &der, &len, d);
	if (r != 0)
		return r;
	r = pubkey_from_spki(der, len, ret, &why);
	if (r != 0)
		return diag_fail(d, r, why.expected, "%.100s at %s", why.found,
		    path);
	return 0;
}

static int
check_period(int64_t from, int64_t until, const char *path, struct diag *d)
{
	char a[21], b[21];

	if (from < until)
		return 0;
	time_format(from, a);
	time_format(until, b);
	return diag_fail(d, CS_E_POLICY_VALIDITY,
	    "valid_from before valid_until", "from %s until %s at %s", a, b,
	    path);
}

static int
parse_principal_key(json_t *j, const char *path, void *out, struct diag *d)
{
	const char *text = NULL;
	const struct json_field f[] = {
		{ "public_key", JK_STR, true, &text, NULL },
	};
	int r = json_fields(j, path, f, ARRAY_LEN(f), d);

	return r != 0 ? r : parse_pubkey(text, path, out, d);
}

static int
parse_principal(json_t *j, const char *path, void *out, struct diag *d)
{
	static const struct policy_entry one_key = { parse_principal_key,
		sizeof(struct pubkey *), POLICY_LIST_MAX };
	struct policy_principal *w = out;
	json_t *keys = NULL, *roles = NULL;
	const struct json_field f[] = {
		{ "id", JK_LABEL, true, &w->id, NULL },
		{ "keys", JK_ARR, true, &keys, NULL },
		{ "kind", JK_LABEL, true, &w->kind, NULL },
		{ "name", JK_LABEL, true, &w->name, NULL },
		{ "organisation", JK_LABEL, true, &w->organisation, NULL },
		{ "roles", JK_ARR, true, &roles, NULL },
		{ "valid_from", JK_TIME, true, &w->valid_from, NULL },
		{ "valid_until", JK_TIME, true, &w->valid_until, NULL },
	};
	int r;

	r = json_fields(j, path, f, ARRAY_LEN(f), d);
	if (r == 0)
		r = policy_parse_name(w->id, path, d);
	if (r != 0)
		return r;
	if (strcmp(w->kind, "person") != 0 && strcmp(w->kind, "system") != 0)
		return diag_fail(d, CS_E_POLICY_KIND, "person or system",
		    "%.60s at %s", w->kind, path);
	r = check_period(w->valid_from, w->valid_until, path, d);
	if (r == 0)
		r = policy_parse_list(roles, path, "roles", &w->roles, d);
	return r != 0 ? r :
			policy_parse_entries(keys, path, "keys", &one_key,
			    &w->keys, &w->nkeys, d);
}

static int
parse_domain(json_t *j, const char *path, void *out, struct diag *d)
{
	struct policy_domain *m = out;
	const struct json_field f[] = {
		{ "id", JK_LABEL, true, &m->id, NULL },
		{ "token", JK_LABEL, true, &m->token, NULL },
	};
	int r = json_fields(j, path, f, ARRAY_LEN(f), d);

	return r != 0 ? r : policy_parse_name(m->id, path, d);
}

/* What an auditor must be told in words is told, and nothing else is. */
static int
check_words(const struct policy_key *k, const char *path, struct diag *d)
{
	bool revoked = strcmp(k->state, "revoked") == 0;
	bool several = k->products.n > 1;

	if (revoked != (k->reason != NULL))
		return diag_fail(d, CS_E_POLICY_REASON,
		    "a reason exactly for a revoked key", "%s at %s",
		    revoked ? "none" : "one for a key that is not revoked",
		    path);
	if (several != (k->shared != NULL))
		return diag_fail(d, CS_E_POLICY_SHARED,
		    "the field shared exactly with several products",
		    "%zu product%s %s it at %s", k->products.n,
		    several ? "s" : "", several ? "without" : "with", path);
	return 0;
}

static int
check_key(struct policy_key *k, const char *alg, const char *path,
    struct diag *d)
{
	static const char *const states[] = { "active", "retired", "revoked",
		"pending" };
	size_t i;
	int r;

	for (i = 0; i < ARRAY_LEN(states); i++)
		if (strcmp(k->state, states[i]) == 0)
			break;
	if (i == ARRAY_LEN(states))
		return diag_fail(d, CS_E_POLICY_STATE,
		    "active, retired, revoked or pending", "%.60s at %s",
		    k->state, path);
	r = key_alg_from_name(alg, &k->alg);
	if (r != 0)
		return diag_fail(d,
		    r == CS_E_KEY_ML_DSA ? r : CS_E_POLICY_ALGORITHM,
		    "an algorithm that lib/PROTOCOL.policy lists",
		    "%.60s at %s", alg, path);
	if (!pubkey_fits(k->key, k->alg))
		return diag_fail(d, CS_E_POLICY_ALGORITHM,
		    "a public key for that algorithm", "another key for %s",
		    alg);
	r = check_words(k, path, d);
	return r != 0 ? r :
			check_period(k->valid_from, k->valid_until, path, d);
}

static int
parse_key(json_t *j, const char *path, void *out, struct diag *d)
{
	struct policy_key *k = out;
	const char *alg = NULL, *cert = NULL, *key = NULL;
	json_t *formats = NULL, *products = NULL;
	bool capped = false;
	const struct json_field f[] = {
		{ "algorithm", JK_LABEL, true, &alg, NULL },
		{ "certificate", JK_STR, false, &cert, NULL },
		{ "domain", JK_LABEL, true, &k->domain, NULL },
		{ "formats", JK_ARR, true, &formats, NULL },
		{ "id", JK_LABEL, true, &k->id, NULL },
		{ "max_signatures", JK_U64, false, &k->max_signatures,
		    &capped },
		{ "namespace", JK_LABEL, false, &k->namespace, NULL },
		{ "products", JK_ARR, true, &products, NULL },
		{ "public_key", JK_STR, true, &key, NULL },
		{ "reason", JK_LABEL, false, &k->reason, NULL },
		{ "shared", JK_LABEL, false, &k->shared, NULL },
		{ "state", JK_LABEL, true, &k->state, NULL },
		{ "uri", JK_LABEL, true, &k->uri, NULL },
		{ "valid_from", JK_TIME, true, &k->valid_from, NULL },
		{ "valid_until", JK_TIME, true, &k->valid_until, NULL },
	};
	int r;

	r = json_fields(j, path, f, ARRAY_LEN(f), d);
	if (r == 0)
		r = policy_parse_name(k->id, path, d);
	if (r == 0)
		r = policy_parse_list(products, path, "products", &k->products,
		    d);
	if (r == 0)
		r = policy_parse_list(formats, path, "formats", &k->formats, d);
	if (r == 0)
		r = policy_parse_cap(capped, k->max_signatures, path, d);
	if (r == 0)
		r = parse_pubkey(key, path, &k->key, d);
	if (r == 0 && cert != NULL)
		r = decode_blob(cert, path, &k->cert, &k->cert_len, d);
	return r != 0 ? r : check_key(k, alg, path, d);
}

#define BEFORE "{\"_type\":\"" STATEMENT_TYPE "\",\"predicate\":"
#define AFTER                                                       \
	",\"predicateType\":\"" PRED_POLICY                         \
	"\",\"subject\":[{\"digest\":{\"sha256\":\"%s\"},\"name\":" \
	"\"policy\"}]}"
#define AFTER_LEN (sizeof(AFTER) - sizeof("%s") + CS_SHA256_HEX)

/*
 * The payload is canonical, so the predicate's bytes stand between two texts
 * that are known when its digest is: the digest of what stands there is made,
 * and the second text with it, and compared.
 */
static int
check_subject(const char *payload, size_t len, struct diag *d)
{
	const size_t before = sizeof(BEFORE) - 1;
	char after[AFTER_LEN + 1], hex[CS_SHA256_HEX + 1];
	uint8_t digest[32];
	int r;

	if (len <= before + AFTER_LEN)
		return diag_fail(d, CS_E_POLICY_DIGEST, "a policy", "nothing");
	r = sha256(payload + before, len - before - AFTER_LEN, digest);
	if (r != 0)
		return r;
	hex_encode(digest, sizeof(digest), hex);
	(void)snprintf(after, sizeof(after), AFTER, hex);
	if (memcmp(payload, BEFORE, before) != 0 ||
	    memcmp(payload + len - AFTER_LEN, after, AFTER_LEN) != 0)
		return diag_fail(d, CS_E_POLICY_DIGEST,
		    "one subject \"policy\" with the predicate's SHA-256",
		    "another subject");
	return 0;
}

/* The lists of entries, in the document's order of names. */
static int
parse_lists(struct policy *p, const struct policy_lists *l, struct diag *d)
{
	static const struct policy_entry principal = { parse_principal,
		sizeof(*p->principals), POLICY_ENTRIES_MAX },
					 domain = { parse_domain,
						 sizeof(*p->domains),
						 POLICY_LIST_MAX },
					 key = { parse_key, sizeof(*p->keys),
						 POLICY_ENTRIES_MAX };
	int r;

	r = policy_parse_list(l->roles, "", "roles", &p->role_names, d);
	if (r == 0)
		r = policy_parse_entries(l->principals, "", "principals",
		    &principal, &p->principals, &p->nprincipals, d);
	if (r == 0)
		r = policy_parse_entries(l->domains, "", "domains", &domain,
		    &p->domains, &p->ndomains, d);
	if (r == 0)
		r = policy_parse_entries(l->keys, "", "keys", &key, &p->keys,
		    &p->nkeys, d);
	return r != 0 ? r : policy_parse_rules(l, p, d);
}

static int
parse_predicate(struct policy *p, struct diag *d)
{
	struct policy_lists l = { 0 };
	uint64_t warning = 0;
	const struct json_field f[] = {
		{ "administration", JK_OBJ, true, &l.administration, NULL },
		{ "appliance", JK_LABEL, true, &p->appliance, NULL },
		{ "break_glass", JK_OBJ, false, &l.break_glass,
		    &p->has_break_glass },
		{ "domains", JK_ARR, true, &l.domains, NULL },
		{ "keys", JK_ARR, true, &l.keys, NULL },
		{ "name", JK_LABEL, true, &p->name, NULL },
		{ "previous", JK_HEX32, false, p->previous, &p->has_previous },
		{ "principals", JK_ARR, true, &l.principals, NULL },
		{ "rehearsal", JK_BOOL, true, &p->rehearsal, NULL },
		{ "review_by", JK_TIME, true, &p->review_by, NULL },
		{ "review_warning_days", JK_U64, true, &warning, NULL },
		{ "roles", JK_ARR, true, &l.roles, NULL },
		{ "rules", JK_ARR, true, &l.rules, NULL },
		{ "version", JK_U64, true, &p->version, NULL },
		{ "waivers", JK_ARR, false, &l.waivers, NULL },
	};
	int r = json_fields(p->st->predicate, "", f, ARRAY_LEN(f), d);

	if (r != 0)
		return r;
	if (warning > POLICY_WARNING_DAYS_MAX)
		return diag_fail(d, CS_E_POLICY_WARNING, "0 to 365",
		    "%llu at /review_warning_days",
		    (unsigned long long)warning);
	p->review_warning = warning * POLICY_DAY;
	return parse_lists(p, &l, d);
}

int
policy_parse(const void *payload, size_t len, struct policy **ret,
    struct diag *d)
{
	_cleanup_policy_ struct policy *p = calloc(1, sizeof(*p));
	int r;

	if (p == NULL)
		return diag_nomem(d);
	r = statement_parse(payload, len, PRED_POLICY, &p->st, d);
	if (r != 0)
		return r;
	memcpy(p->digest, p->st->digest, sizeof(p->digest));
	r = check_subject(payload, len, d);
	if (r == 0)
		r = parse_predicate(p, d);
	if (r == 0)
		r = policy_index_make(p);
	if (r == 0)
		r = policy_check(p, d);
	if (r != 0)
		return r;
	*ret = take_ptr(p);
	return 0;
}
