/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

#include "host-tools/cli.h"
#include "host-tools/docs.h"
#include "host-tools/hostkey.h"
#include "host-tools/show.h"
#include "lib/change.h"
#include "lib/file.h"

enum { O_POLICY, O_PREVIOUS, O_KEY, O_MODULE, O_PIN, O_OUT };

static const struct cli_opt options[] = {
	[O_POLICY] = { "policy", "FILE", CLI_REQUIRED,
	    "the policy as JSON, or an envelope to add a signature to" },
	[O_PREVIOUS] = { "previous", "FILE", 0,
	    "the policy in force, for every version but the first" },
	[O_KEY] = { "key", "KEY", CLI_REQUIRED,
	    "administrator's key: a PEM file or a pkcs11: URI" },
	[O_MODULE] = { "module", "FILE", 0, "PKCS#11 module of the token" },
	[O_PIN] = { "pin-file", "FILE", 0,
	    "the token's PIN, or the PEM file's pass phrase" },
	[O_OUT] = { "out", "FILE", CLI_REQUIRED, "the envelope to write" },
};

struct draft {
	struct dsse *env; /* NULL if nobody has signed yet */
	struct policy *policy;
	struct policy *previous; /* NULL: a first version */
	uint8_t *payload;
	size_t len;
};

static void
draft_done(struct draft *x)
{
	dsse_free(&x->env);
	policy_free(&x->policy);
	policy_free(&x->previous);
	free(x->payload);
}

/* The statement's one subject is its predicate's canonical form. */
static int
make_statement(json_t *predicate, char **ret, size_t *ret_len, struct diag *d)
{
	char name[] = "policy";
	struct subject s = { .name = name, .has = { true } };
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	r = json_canonical(predicate, &text, &len);
	if (r != 0)
		return diag_fail(d, r,
		    "JSON without control characters and "
		    "fractions",
		    "another policy");
	r = sha256(text, len, s.digest[HASH_SHA256]);
	if (r == 0)
		r = statement_format(&s, 1, PRED_POLICY, json_incref(predicate),
		    ret, ret_len);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "the policy's statement");
}

static int
load_draft(const char *path, struct draft *x, struct diag *d)
{
	_cleanup_json_ json_t *root = NULL;
	_cleanup_free_ uint8_t *text = NULL;
	char *payload = NULL;
	size_t len;
	int r;

	r = file_read(AT_FDCWD, path, DSSE_MAX, &text, &len, d);
	if (r == 0)
		r = json_load_strict(text, len, DSSE_MAX, &root, d);
	if (r != 0)
		return r;
	if (json_object_get(root, "payload") != NULL) {
		r = dsse_parse(text, len, &x->env, d);
		if (r != 0)
			return r;
		x->payload = x->env->payload;
		x->len = x->env->payload_len;
		x->env->payload = NULL;
	} else {
		r = make_statement(root, &payload, &x->len, d);
		if (r != 0)
			return r;
		x->payload = (uint8_t *)payload;
	}
	return policy_parse(x->payload, x->len, &x->policy, d);
}

/* A later version is signed beside the one that it follows. */
static int
load_previous(const char *path, struct draft *x, struct diag *d)
{
	bool genesis = false;
	int r;

	if ((path != NULL) != x->policy->has_previous)
		return diag_fail(d, CS_E_HOST_PREVIOUS,
		    path == NULL ? "--previous FILE" : "no --previous",
		    "version %llu %s the one before it",
		    (unsigned long long)x->policy->version,
		    path == NULL ? "without" : "with");
	if (path == NULL)
		return 0;
	r = policy_file_load(path, &x->previous, &genesis, d);
	return r != 0 ? r : policy_follows(x->previous, x->policy, d);
}

/* An administrator with this key of p, which may be NULL; or NULL */
static const struct policy_principal *
admin_of(const struct policy *p, const struct pubkey *k)
{
	const struct policy_principal *w;

	w = p == NULL ? NULL : policy_principal_by_key(p, k);
	return w != NULL && policy_is_admin(p, w) ? w : NULL;
}

/* The key is an administrator's, in this policy or in the previous one. */
static int
check_signer(const struct draft *x, const struct pubkey *k,
    const struct policy_principal **ret, struct diag *d)
{
	const struct policy_principal *who = admin_of(x->previous, k);

	if (who == NULL)
		who = admin_of(x->policy, k);
	if (who == NULL) {
		who = policy_principal_by_key(x->policy, k);
		return diag_fail(d, CS_E_HOST_NOT_ADMIN,
		    x->previous == NULL ?
			"a key of an administrator whom this policy names" :
			"a key of an administrator of this policy or of the "
			"previous one",
		    "%s", who == NULL ? "a key of nobody in it" : who->id);
	}
	*ret = who;
	return 0;
}

/* Whose signature i of those so far is; key_old[i] is of the previous one. */
static int
check_old(const struct draft *x, size_t i, const struct pubkey *key_old,
    const struct pubkey *key, const struct pubkey *mine,
    const struct pubkey **ret, struct diag *d)
{
	const struct policy_principal *who = admin_of(x->previous, key_old);

	*ret = key_old;
	if (who == NULL) {
		who = admin_of(x->policy, key);
		*ret = key;
	}
	if (who == NULL)
		return diag_fail(d, CS_E_HOST_NOT_ADMIN,
		    "signatures by its administrators only",
		    "signature %zu is by another key", i);
	if (pubkey_equal(*ret, mine))
		return diag_fail(d, CS_E_HOST_SIGNED_TWICE,
		    "each administrator once", "%s signed before", who->id);
	return 0;
}

/* The signatures so far, each with the ID of the key that made it. */
static int
old_signatures(struct draft *x, const struct pubkey *mine,
    struct dsse_new_sig **ret, struct diag *d)
{
	_cleanup_free_ const struct policy_principal **who = NULL;
	_cleanup_free_ const struct pubkey **key = NULL, **key_old = NULL;
	_cleanup_free_ struct dsse_new_sig *old = NULL;
	const struct pubkey *k = NULL;
	size_t i, n = x->env->nsigs;
	int r;

	who = calloc(n, sizeof(*who));
	key = calloc(n, sizeof(*key));
	key_old = calloc(n, sizeof(*key_old));
	old = calloc(n, sizeof(*old));
	if (who == NULL || key == NULL || key_old == NULL || old == NULL)
		return diag_nomem(d);
	x->env->payload = x->payload;
	x->env->payload_len = x->len;
	r = policy_signers(x->env, x->policy, who, key, d);
	if (r == 0 && x->previous != NULL)
		r = policy_signers(x->env, x->previous, who, key_old, d);
	x->env->payload = NULL;
	for (i = 0; r == 0 && i < n; i++) {
		r = check_old(x, i, key_old[i], key[i], mine, &k, d);
		if (r == 0)
			old[i] = (struct dsse_new_sig){ k->id,
				x->env->sigs[i].sig, x->env->sigs[i].sig_len };
	}
	if (r != 0)
		return r;
	*ret = take_ptr(old);
	return 0;
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_(draft_done) struct draft x = { 0 };
	_cleanup_hostkey_ struct hostkey *key = NULL;
	_cleanup_free_ struct dsse_new_sig *old = NULL;
	_cleanup_free_ char *out = NULL;
	const struct policy_principal *who = NULL;
	size_t len, nold = 0;
	int r;

	r = load_draft(cli_get(c, O_POLICY), &x, d);
	if (r == 0)
		r = load_previous(cli_get(c, O_PREVIOUS), &x, d);
	if (r == 0)
		r = hostkey_open(cli_get(c, O_KEY), cli_get(c, O_MODULE),
		    cli_get(c, O_PIN), &key, d);
	if (r == 0)
		r = check_signer(&x, hostkey_public(key), &who, d);
	if (r == 0 && x.env != NULL) {
		r = old_signatures(&x, hostkey_public(key), &old, d);
		nold = x.env->nsigs;
	}
	if (r == 0)
		r = hostkey_dsse(key, x.payload, x.len, old, nold, &out, &len,
		    d);
	if (r == 0)
		r = file_write_atomic(AT_FDCWD, cli_get(c, O_OUT), out, len,
		    0644, d);
	if (r != 0)
		return r;
	show_text("signed by", who->id);
	if (x.previous != NULL &&
	    admin_of(x.previous, hostkey_public(key)) != who)
		show_text("note",
		    "does not count: only the new version makes them an "
		    "administrator");
	(void)printf("%-13s%zu\n", "signatures", nold + 1);
	show_digest("policy", x.policy->digest);
	return 0;
}

const struct cli_verb verb_policy_sign = {
	.group = "policy",
	.name = "sign",
	.operands = "",
	.about = "Add one administrator's signature to a policy.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
