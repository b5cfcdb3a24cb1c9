/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/provision.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/file.h"
#include "lib/hex.h"
#include "lib/policy.h"

/*
 * Second act: the genesis policy.  Everything is checked, each PIN is sealed
 * again under the policy's digest, and policy.dsse is written last.  Stopped
 * at any point before, the same command with the same policy goes on.
 */
#define SITE_MAX 65536u

struct accept {
	int fd; /* state */
	json_t *site;
	const char *origin, *module, *hsm_conf, *tcti;
	bool rehearsal;
	uint8_t *envelope;
	size_t envelope_len;
	struct policy *policy;
	struct tpm *tpm;
	struct p11 *p11;
};

static void
accept_done(struct accept *a)
{
	p11_close(&a->p11);
	tpm_close(&a->tpm);
	policy_free(&a->policy);
	free(a->envelope);
	json_decref(a->site);
	close_fdp(&a->fd);
}

static int
load_site(struct accept *a, struct diag *d)
{
	_cleanup_free_ uint8_t *data = NULL;
	json_t *ports = NULL;
	const struct json_field f[] = {
		{ "origin", JK_STR, true, &a->origin, NULL },
		{ "module", JK_STR, true, &a->module, NULL },
		{ "hsm_conf", JK_TEXT, true, &a->hsm_conf, NULL },
		{ "tcti", JK_STR, true, &a->tcti, NULL },
		{ "rehearsal", JK_BOOL, true, &a->rehearsal, NULL },
		{ "tokens", JK_ARR, true, &ports, NULL },
	};
	size_t len;
	int r;

	r = file_read(a->fd, "site.json", SITE_MAX, &data, &len, d);
	if (r == 0)
		r = json_load_strict(data, len, SITE_MAX, &a->site, d);
	return r == 0 ? json_fields(a->site, "", f, ARRAY_LEN(f), d) : r;
}

static int
load_policy(struct accept *a, const char *path, struct diag *d)
{
	int r;

	r = file_read(AT_FDCWD, path, DSSE_MAX, &a->envelope, &a->envelope_len,
	    d);
	if (r == 0)
		r = policy_load_genesis(a->envelope, a->envelope_len,
		    &a->policy, d);
	if (r != 0)
		return r;
	if (strcmp(a->policy->appliance, a->origin) != 0)
		return diag_fail(d, CS_E_PROV_ORIGIN, a->origin, "%s",
		    a->policy->appliance);
	return 0;
}

static int
open_parts(struct accept *a, struct diag *d)
{
	int r;

	if (a->hsm_conf[0] != '\0' &&
	    setenv("SOFTHSM2_CONF", a->hsm_conf, 1) != 0)
		return diag_errno(d, CS_E_IO, "SOFTHSM2_CONF");
	r = tpm_open(a->tcti, 0, &a->tpm, d);
	return r == 0 ? p11_open(a->module, &a->p11, d) : r;
}

/* Who may rehearse, and who must. */
static int
check_rehearsal(struct accept *a, struct diag *d)
{
	_cleanup_free_ struct p11_token *list = NULL;
	size_t n, i;
	int r;

	r = p11_tokens(a->p11, &list, &n, d);
	if (r != 0)
		return r;
	for (i = 0; i < n; i++)
		if (prov_is_software(&list[i]) && !a->policy->rehearsal)
			return diag_fail(d, CS_E_PROV_SOFTHSM,
			    "a policy with rehearsal true, or hardware", "%s",
			    list[i].manufacturer);
	if (a->policy->rehearsal != a->rehearsal)
		return diag_fail(d, CS_E_PROV_REHEARSAL,
		    a->rehearsal ? "rehearsal true" : "rehearsal false",
		    "the other in the policy");
	return 0;
}

/* Sealed for no policy yet, or for this one by a run that was stopped. */
static int
unseal(struct accept *a, const char *domain, const char *label,
    struct secret **ret, struct diag *d)
{
	_cleanup_free_ uint8_t *blob = NULL;
	char path[64], none[TPM_LABEL_MAX + 1];
	size_t len;
	int r;

	(void)snprintf(path, sizeof(path), "sealed/%.40s.seal", domain);
	if (!file_exists(a->fd, path))
		return diag_fail(d, CS_E_PROV_DOMAIN,
		    "a domain that has a token", "%s", domain);
	r = file_read(a->fd, path, TPM_BLOB_MAX, &blob, &len, d);
	if (r != 0)
		return r;
	(void)snprintf(none, sizeof(none), PROV_LABEL_NONE, domain);
	r = tpm_unseal(a->tpm, blob, len, none, ret, d);
	if (r == CS_E_TPM_LABEL)
		r = tpm_unseal(a->tpm, blob, len, label, ret, d);
	return r;
}

static int
check_keys(struct accept *a, const struct policy_domain *m,
    struct p11_session *s, struct diag *d)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < a->policy->nkeys; i++) {
		const struct policy_key *k = &a->policy->keys[i];
		_cleanup_p11_key_ struct p11_key *key = NULL;
		struct p11_uri u;

		if (strcmp(k->domain, m->id) != 0)
			continue;
		r = p11_uri_parse(k->uri, &u, d);
		if (r == 0)
			r = p11_find_key(s, u.id, u.id_len,
			    u.object[0] == '\0' ? NULL : u.object, k->key->spki,
			    k->key->spki_len, &key, d);
	}
	return r;
}

static int
do_domain(struct accept *a, const struct policy_domain *m, struct diag *d)
{
	_cleanup_p11_session_ struct p11_session *s = NULL;
	_cleanup_secret_ struct secret *pin = NULL;
	char label[TPM_LABEL_MAX + 1], name[64], hex[65], want[33];
	struct p11_token t;
	int r;

	prov_token_label(m->id, want);
	if (strcmp(m->token, want) != 0)
		return diag_fail(d, CS_E_PROV_DOMAIN, want, "%s", m->token);
	hex_encode(a->policy->digest, 32, hex);
	(void)snprintf(label, sizeof(label), "domain %.40s policy %s", m->id,
	    hex);
	(void)snprintf(name, sizeof(name), "%.40s.seal.new", m->id);
	r = p11_find_token_label(a->p11, m->token, &t, d);
	if (r == 0)
		r = p11_session_open(a->p11, &t, false, &s, d);
	if (r == 0)
		r = unseal(a, m->id, label, &pin, d);
	if (r == 0)
		r = p11_login(s, pin, 0, d);
	if (r == 0)
		r = check_keys(a, m, s, d);
	return r == 0 ? prov_seal(a->tpm, a->fd, name, label, pin, d) : r;
}

static int
publish(struct accept *a, struct diag *d)
{
	_cleanup_fd_ int sealed = -1;
	char from[64], to[64];
	size_t i;
	int r;

	r = file_write_atomic(a->fd, "enrol/policy.dsse", a->envelope,
	    a->envelope_len, 0644, d);
	if (r == 0)
		r = dir_open(a->fd, "sealed", &sealed, d);
	for (i = 0; r == 0 && i < a->policy->ndomains; i++) {
		(void)snprintf(to, sizeof(to), "%.40s.seal",
		    a->policy->domains[i].id);
		(void)snprintf(from, sizeof(from), "%.50s.new", to);
		if (renameat(sealed, from, sealed, to) != 0)
			r = diag_errno(d, CS_E_IO, "rename sealed/%s", from);
	}
	if (r == 0 && fsync(sealed) != 0)
		r = diag_errno(d, CS_E_IO, "fsync sealed");
	return r == 0 ? file_write_atomic(a->fd, "policy.dsse", a->envelope,
			    a->envelope_len, 0600, d) :
			r;
}

int
provision_policy(const struct prov_opts *o, struct diag *d)
{
	_cleanup_(accept_done) struct accept a = { .fd = -1 };
	char hex[65];
	size_t i;
	int r;

	r = dir_open(AT_FDCWD, o->state, &a.fd, d);
	if (r == 0 && file_exists(a.fd, "policy.dsse"))
		r = diag_fail(d, CS_E_PROV_STATE, "a state without a policy",
		    "%s/policy.dsse exists", o->state);
	if (r == 0)
		r = load_site(&a, d);
	if (r == 0)
		r = load_policy(&a, o->policy, d);
	if (r == 0)
		r = open_parts(&a, d);
	if (r == 0)
		r = check_rehearsal(&a, d);
	for (i = 0; r == 0 && i < a.policy->ndomains; i++)
		r = do_domain(&a, &a.policy->domains[i], d);
	if (r == 0)
		r = publish(&a, d);
	if (r != 0)
		return r;
	hex_encode(a.policy->digest, 32, hex);
	return printf("policy %s version %llu accepted\nsha256 %s\n",
		   a.policy->name, (unsigned long long)a.policy->version,
		   hex) < 0 ||
		fflush(stdout) != 0 ?
	    CS_E_IO :
	    0;
}
