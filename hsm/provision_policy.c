/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/policy_keys.h"
#include "hsm/provision_escrow.h"
#include "hsm/seal_label.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/file.h"
#include "lib/hex.h"
#include "lib/policy.h"

/*
 * Second act: the genesis policy.
 *
 *	everything checked
 *	  -> each PIN split for the custodians, and
 *	     sealed again, for the next generation: <name>.seal.new;
 *	     a domain's now under the policy's digest and its quorum
 *	  -> the TPM's generation counter: what was sealed before is dead
 *	  -> <name>.seal.new renamed, shares published
 *	  -> the TPM's owner and lockout authorisations
 *	  -> policy.dsse written last
 *
 * Stopped at any point before, the same command with the same policy goes on:
 * a new file of the TPM's generation was made before the counter moved.
 */
struct accept {
	int fd; /* state */
	struct prov_site site;
	uint8_t *envelope;
	size_t envelope_len;
	struct policy *policy;
	struct tpm *tpm;
	struct tpm_image *img;
	uint64_t generation; /* the TPM's */
	bool sealed;	     /* some for the next one */
	struct p11 *p11;
	struct escrow escrow;
};

static void
accept_done(struct accept *a)
{
	p11_close(&a->p11);
	tpm_image_free(&a->img);
	tpm_close(&a->tpm);
	policy_free(&a->policy);
	free(a->envelope);
	escrow_done(&a->escrow);
	json_decref(a->site.doc);
	close_fdp(&a->fd);
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
	if (strcmp(a->policy->appliance, a->site.origin) != 0)
		return diag_fail(d, CS_E_PROV_ORIGIN, a->site.origin, "%s",
		    a->policy->appliance);
	return 0;
}

static int
open_parts(struct accept *a, struct diag *d)
{
	int r;

	if (a->site.hsm_conf[0] != '\0' &&
	    setenv("SOFTHSM2_CONF", a->site.hsm_conf, 1) != 0)
		return diag_errno(d, CS_E_IO, "SOFTHSM2_CONF");
	r = prov_image(a->fd, PROV_IMAGE, &a->img, d);
	if (r == 0)
		r = tpm_open(a->site.tcti, 0, &a->tpm, d);
	if (r == 0)
		r = tpm_nv_counter(a->tpm, TPM_NV_GENERATION, &a->generation,
		    d);
	return r == 0 ? p11_open(a->site.module, &a->p11, d) : r;
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
	if (a->policy->rehearsal != a->site.rehearsal)
		return diag_fail(d, CS_E_PROV_REHEARSAL,
		    a->site.rehearsal ? "rehearsal true" : "rehearsal false",
		    "the other in the policy");
	return 0;
}

static int
read_seal(struct accept *a, const char *name, uint8_t **ret, size_t *ret_len,
    struct diag *d)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "sealed/%.50s", name);
	return file_read(a->fd, path, TPM_BLOB_MAX, ret, ret_len, d);
}

/* 1: a run that was stopped sealed it, and the counter has moved since */
static int
sealed_before(struct accept *a, const char *domain, const char *label)
{
	char name[64];
	size_t i, len;

	for (i = 0; i < 2; i++) {
		_cleanup_free_ uint8_t *blob = NULL;
		uint64_t generation = 0;

		(void)snprintf(name, sizeof(name),
		    i == 0 ? "%.40s.seal.new" : "%.40s.seal", domain);
		if (read_seal(a, name, &blob, &len, NULL) == 0 &&
		    tpm_sealed_generation(blob, len, label, &generation,
			NULL) == 0 &&
		    generation == a->generation)
			return 1;
	}
	return 0;
}

static int
unseal(struct accept *a, const char *name, const char *label,
    struct secret **ret, struct diag *d)
{
	_cleanup_free_ uint8_t *blob = NULL;
	char path[64];
	size_t len;
	int r;

	(void)snprintf(path, sizeof(path), "%.40s.seal", name);
	r = read_seal(a, path, &blob, &len, d);
	return r == 0 ?
	    tpm_unseal(a->tpm, a->img, blob, len, label, NULL, ret, d) :
	    r;
}

static int
seal_next(struct accept *a, const char *domain, const char *label,
    const struct quorum *quorum, struct secret *pin, struct diag *d)
{
	const struct tpm_guard guard = { a->img->key, a->generation + 1, domain,
		quorum };
	char name[64];

	(void)snprintf(name, sizeof(name), "%.40s.seal.new", domain);
	a->sealed = true;
	return prov_seal(a->tpm, a->img, a->fd, name, label, &guard, pin, d);
}

static int
do_domain(struct accept *a, const struct policy_domain *m, struct diag *d)
{
	_cleanup_p11_session_ struct p11_session *s = NULL;
	_cleanup_secret_ struct secret *pin = NULL;
	_cleanup_quorum_ struct quorum quorum = { 0 };
	char label[TPM_LABEL_MAX + 1], none[TPM_LABEL_MAX + 1];
	struct p11_token t;
	int r;

	seal_label_domain(m->id, a->policy->digest, label);
	(void)snprintf(none, sizeof(none), PROV_LABEL_NONE, m->id);
	if (sealed_before(a, m->id, label))
		return 0;
	r = quorum_of_domain(a->policy, m->id, &quorum, d);
	if (r == 0)
		r = p11_find_token_label(a->p11, m->token, &t, d);
	if (r == 0)
		r = p11_session_open(a->p11, &t, false, &s, d);
	if (r == 0)
		r = unseal(a, m->id, none, &pin, d);
	if (r == 0)
		r = p11_login(s, pin, 0, d);
	if (r == 0)
		r = policy_keys_there(a->policy, m->id, s, d);
	if (r == 0)
		r = escrow_split(&a->escrow, m->id, pin, d);
	return r == 0 ? seal_next(a, m->id, label, &quorum, pin, d) : r;
}

/* The last set, and the lists: the audit token signs them. */
static int
finish_shares(struct accept *a, struct secret *pin, struct diag *d)
{
	_cleanup_(prov_audit_done) struct prov_audit audit = { .key = NULL };
	int r;

	if (a->escrow.n == 0)
		return 0;
	r = escrow_split(&a->escrow, PROV_AUDIT, pin, d);
	if (r == 0)
		r = escrow_owner(&a->escrow, a->tpm, a->img, a->generation + 1,
		    d);
	if (r == 0)
		r = prov_audit_login(a->fd, a->p11, pin, &audit, d);
	return r == 0 ? escrow_sign(&a->escrow, &audit, d) : r;
}

/* No people: boots, refusals and failures are logged without a quorum. */
static int
do_audit(struct accept *a, struct diag *d)
{
	_cleanup_secret_ struct secret *pin = NULL;
	char label[TPM_LABEL_MAX + 1];
	int r;

	seal_label_audit(a->site.origin, label);
	/* no domain was sealed by this run: then a former one did this too */
	if (!a->sealed)
		return 0;
	r = unseal(a, PROV_AUDIT, label, &pin, d);
	if (r == 0)
		r = finish_shares(a, pin, d);
	return r == 0 ? seal_next(a, PROV_AUDIT, label, NULL, pin, d) : r;
}

static int
check_named(const struct policy *p, const char *file, struct diag *d)
{
	char name[64];
	size_t i;

	if (strcmp(file, PROV_AUDIT ".seal") == 0)
		return 0;
	for (i = 0; i < p->ndomains; i++) {
		(void)snprintf(name, sizeof(name), "%.40s.seal",
		    p->domains[i].id);
		if (strcmp(file, name) == 0)
			return 0;
	}
	i = strlen(file);
	if (i < 5 || strcmp(file + i - 5, ".seal") != 0)
		return 0;
	return diag_fail(d, CS_E_PROV_DOMAIN,
	    "every domain that has a token, in the policy", "sealed/%.60s",
	    file);
}

/* Tokens as they were made; and a PIN that no domain names would be lost. */
static int
check_domains(struct accept *a, struct diag *d)
{
	_cleanup_fd_ int sealed = -1;
	char want[33], path[64];
	struct dirent *e;
	size_t i;
	DIR *dir;
	int r;

	for (i = 0; i < a->policy->ndomains; i++) {
		const struct policy_domain *m = &a->policy->domains[i];

		prov_token_label(m->id, want);
		if (strcmp(m->token, want) != 0)
			return diag_fail(d, CS_E_PROV_DOMAIN, want, "%s",
			    m->token);
		(void)snprintf(path, sizeof(path), "sealed/%.40s.seal", m->id);
		if (!file_exists(a->fd, path))
			return diag_fail(d, CS_E_PROV_DOMAIN,
			    "a domain that has a token", "%s", m->id);
	}
	r = dir_open(a->fd, "sealed", &sealed, d);
	if (r != 0)
		return r;
	dir = fdopendir(sealed);
	if (dir == NULL)
		return diag_errno(d, CS_E_IO, "sealed");
	(void)take_fd(&sealed);
	while (r == 0 && (e = readdir(dir)) != NULL)
		r = check_named(a->policy, e->d_name, d);
	(void)closedir(dir);
	return r;
}

/* The chip forgets what was sealed before; then the files change places. */
static int
move_on(struct accept *a, struct diag *d)
{
	int r = 0;

	if (a->sealed)
		r = tpm_nv_increment(a->tpm, a->img, TPM_NV_GENERATION, d);
	tpm_release(a->tpm);
	return r;
}

static int
rename_seal(int sealed, const char *name, struct diag *d)
{
	char from[64], to[64];

	(void)snprintf(to, sizeof(to), "%.40s.seal", name);
	(void)snprintf(from, sizeof(from), "%.50s.new", to);
	/* a run that was stopped may have done it */
	if (renameat(sealed, from, sealed, to) != 0 && errno != ENOENT)
		return diag_errno(d, CS_E_IO, "rename sealed/%s", from);
	return 0;
}

static int
publish(struct accept *a, struct diag *d)
{
	_cleanup_fd_ int sealed = -1;
	size_t i;
	int r;

	r = file_write_atomic(a->fd, "enrol/policy.dsse", a->envelope,
	    a->envelope_len, 0644, d);
	if (r == 0)
		r = dir_open(a->fd, "sealed", &sealed, d);
	if (r == 0)
		r = rename_seal(sealed, PROV_AUDIT, d);
	for (i = 0; r == 0 && i < a->policy->ndomains; i++)
		r = rename_seal(sealed, a->policy->domains[i].id, d);
	if (r == 0 && fsync(sealed) != 0)
		r = diag_errno(d, CS_E_IO, "fsync sealed");
	if (r == 0)
		r = escrow_publish(a->fd, d);
	if (r == 0)
		r = escrow_own(a->fd, a->tpm, a->img, a->site.origin, d);
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
		r = prov_site_load(a.fd, &a.site, d);
	if (r == 0)
		r = load_policy(&a, o->policy, d);
	if (r == 0)
		r = open_parts(&a, d);
	/* if the two disagree, the next check refuses */
	if (r == 0)
		r = escrow_open(&a.escrow, o,
		    a.site.rehearsal || a.policy->rehearsal, a.tpm, a.fd,
		    o->state, a.site.origin, d);
	if (r == 0)
		r = check_rehearsal(&a, d);
	if (r == 0)
		r = check_domains(&a, d);
	for (i = 0; r == 0 && i < a.policy->ndomains; i++)
		r = do_domain(&a, &a.policy->domains[i], d);
	/* last: after it every other seal can be made again without people */
	if (r == 0)
		r = do_audit(&a, d);
	if (r == 0)
		r = move_on(&a, d);
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
