/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "lib/ossl.h"
#include "lib/policy_impl.h"
#include "lib/sigfmt.h"

/*
 * What only the whole policy can show: names that are defined, and once; keys
 * that are there once; certificates.  Rules: lib/policy_check_rules.c.
 */
#define RESERVED_DOMAIN "audit" /* the appliance's own */

int
policy_undefined(struct diag *d, const char *what, const char *name,
    const char *by)
{
	return diag_fail(d, CS_E_POLICY_UNDEFINED, NULL,
	    "%s %.40s, used by %.40s", what, name, by);
}

static int
check_names(const struct policy *p, struct diag *d)
{
	size_t i;

	for (i = 0; i < p->role_names.n; i++)
		if (!policy_name_ok(p->role_names.v[i]))
			return diag_fail(d, CS_E_POLICY_NAME,
			    "1 to 40 of a-z, 0-9 and dashes", "the role %.60s",
			    p->role_names.v[i]);
	if (p->version == 0)
		return diag_fail(d, CS_E_POLICY_VERSION, "1 or more",
		    "version 0");
	if ((p->version == 1) == p->has_previous)
		return diag_fail(d, CS_E_POLICY_VERSION,
		    "previous exactly in versions above 1",
		    "version %llu %s previous", (unsigned long long)p->version,
		    p->has_previous ? "with" : "without");
	return 0;
}

static int
check_twice(const struct policy *p, struct diag *d)
{
	static const char *const what[] = { [POLICY_PRINCIPALS] = "principal",
		[POLICY_KEYS] = "key",
		[POLICY_RULES] = "rule" };
	const char *name;
	unsigned k;

	for (k = 0; k < ARRAY_LEN(what); k++) {
		name = policy_index_twice(p, (enum policy_kind)k);
		if (name != NULL)
			return diag_fail(d, CS_E_POLICY_TWICE, NULL,
			    "the %s %s twice", what[k], name);
	}
	return 0;
}

int
policy_check_roles(const struct policy *p, const struct policy_str_list *l,
    const char *by, struct diag *d)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (policy_index_find(p, POLICY_ROLES, l->v[i]) == NULL)
			return policy_undefined(d, "the role", l->v[i], by);
	return 0;
}

static int
check_principals(const struct policy *p, struct diag *d)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < p->nprincipals; i++)
		r = policy_check_roles(p, &p->principals[i].roles,
		    p->principals[i].id, d);
	return r;
}

static int
check_domains(const struct policy *p, struct diag *d)
{
	size_t i, j;

	for (i = 0; i < p->ndomains; i++) {
		if (strcmp(p->domains[i].id, RESERVED_DOMAIN) == 0)
			return diag_fail(d, CS_E_POLICY_NAME,
			    "another name than the appliance's own domain",
			    "the domain " RESERVED_DOMAIN);
		for (j = 0; j < i; j++)
			if (strcmp(p->domains[i].id, p->domains[j].id) == 0 ||
			    strcmp(p->domains[i].token, p->domains[j].token) ==
				0)
				return diag_fail(d, CS_E_POLICY_TWICE, NULL,
				    "the domain %s or its token twice",
				    p->domains[i].id);
	}
	return 0;
}

/* The certificate is DER, alone, and of this very key. */
static int
check_cert(const struct policy_key *k, struct diag *d)
{
	_cleanup_(x509_freep) X509 *x = NULL;
	_cleanup_(openssl_freep) unsigned char *spki = NULL;
	_cleanup_pubkey_ struct pubkey *in = NULL;
	const struct sigfmt_job j = { .key = k };
	const unsigned char *p = k->cert;
	const struct sigfmt *f;
	int n, r;

	if (k->cert == NULL)
		return 0;
	/* sigfmt_check_key() saw that there is such a format */
	f = sigfmt_by_name(k->formats.v[0]);
	if (f != NULL && f->cert != NULL)
		return f->cert->verify(&j, k->cert, k->cert_len, d);
	x = d2i_X509(NULL, &p, (long)k->cert_len);
	n = x == NULL ? -1 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
	ERR_clear_error();
	if (n <= 0 || p != k->cert + k->cert_len)
		return diag_fail(d, CS_E_POLICY_CERT, "one DER certificate",
		    "something else at the key %s", k->id);
	r = pubkey_from_spki(spki, (size_t)n, &in, NULL);
	if (r != 0 || !pubkey_equal(in, k->key))
		return diag_fail(d, CS_E_POLICY_CERT, "the key's certificate",
		    "one for another key at %s", k->id);
	return 0;
}

static int
check_keys(const struct policy *p, struct diag *d)
{
	const struct policy_domain *m;
	size_t i;
	int r;

	for (i = 0; i < p->nkeys; i++) {
		const struct policy_key *k = &p->keys[i];

		m = policy_domain_by_id(p, k->domain);
		if (m == NULL)
			return policy_undefined(d, "the domain", k->domain,
			    k->id);
		r = policy_uri_check(k->uri, m->token, d);
		if (r == 0)
			r = sigfmt_check_key(k, d);
		if (r == 0)
			r = check_cert(k, d);
		if (r != 0)
			return r;
	}
	return 0;
}

struct owner {
	const uint8_t *id;
	const char *who;
};

static int
owner_cmp(const void *a, const void *b)
{
	return memcmp(((const struct owner *)a)->id,
	    ((const struct owner *)b)->id, 32);
}

/* Q1: one normalised key is in the policy once, whoever has it. */
static int
check_keys_once(const struct policy *p, struct diag *d)
{
	_cleanup_free_ struct owner *all = NULL;
	size_t i, j, n = p->nkeys;

	for (i = 0; i < p->nprincipals; i++)
		n += p->principals[i].nkeys;
	all = calloc(n, sizeof(*all));
	if (all == NULL)
		return diag_nomem(d);
	for (i = 0, n = 0; i < p->nkeys; i++)
		all[n++] = (struct owner){ p->keys[i].key->id, p->keys[i].id };
	for (i = 0; i < p->nprincipals; i++)
		for (j = 0; j < p->principals[i].nkeys; j++)
			all[n++] = (struct owner){ p->principals[i].keys[j]->id,
				p->principals[i].id };
	qsort(all, n, sizeof(*all), owner_cmp);
	for (i = 1; i < n; i++)
		if (owner_cmp(&all[i - 1], &all[i]) == 0)
			return diag_fail(d, CS_E_POLICY_KEY_TWICE, NULL,
			    "the same public key at %.40s and %.40s",
			    all[i - 1].who, all[i].who);
	return 0;
}

int
policy_check(const struct policy *p, struct diag *d)
{
	int r;

	r = check_names(p, d);
	if (r == 0)
		r = check_twice(p, d);
	if (r == 0)
		r = check_principals(p, d);
	if (r == 0)
		r = check_domains(p, d);
	if (r == 0)
		r = check_keys(p, d);
	if (r == 0)
		r = check_keys_once(p, d);
	return r != 0 ? r : policy_check_rules(p, d);
}
