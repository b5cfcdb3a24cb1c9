/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/policy_keys.h"
#include "hsm/provision_recover.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hsm/provision_escrow.h"
#include "hsm/provision_shares.h"
#include "hsm/seal_label.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/change.h"

/*
 * Recovery on another TPM, or on one that was cleared; tokens and disk are
 * those of before.
 *
 *	everything checked: policy and old log, lists of shares, new TPM
 *	  -> certificate of the session out; shares in, one by one
 *	  -> PINs put together, each tried once on its token
 *	  -> the new TPM's storage key and indices
 *	  -> a new state folder beside the old one: seals, new origin, shares
 *	  -> the two change places at once; the old one is <state>.before-r<N>
 *	  -> the TPM's owner and lockout authorisations
 *
 * Stopped before the two change places, the old state is as it was, and the
 * command begins again with new shares for a new session.  Stopped after it,
 * the same command sets the authorisations.
 */
#define MAX_DOMAINS (PROV_MAX_KEYS + 1)
#define PEM_MAX	    16384u

struct recovery {
	const struct prov_opts *o;
	int fd; /* the old state */
	struct prov_site site;
	uint8_t *envelope;
	size_t envelope_len;
	struct policy *policy;
	struct pubkey *record;
	struct old_log log;
	uint64_t number; /* of the new log */
	char origin[NOTE_NAME_MAX + 1], before[480];
	struct tpm *tpm;
	struct tpm_image *img;
	uint64_t generation;
	struct pubkey *tpm_log;
	struct p11 *p11;
	struct prov_audit audit;
	struct recover_session *session;
	struct share_domain v[MAX_DOMAINS]; /* [0] is audit */
	size_t n;
	struct prov_state state; /* the new one */
	struct escrow escrow;
};

static void
recovery_done(struct recovery *x)
{
	escrow_done(&x->escrow);
	prov_state_done(&x->state);
	prov_shares_done(x->v, x->n);
	recover_session_free(&x->session);
	prov_audit_done(&x->audit);
	p11_close(&x->p11);
	pubkey_free(&x->tpm_log);
	tpm_image_free(&x->img);
	tpm_close(&x->tpm);
	old_log_done(&x->log);
	pubkey_free(&x->record);
	policy_free(&x->policy);
	free(x->envelope);
	json_decref(x->site.doc);
	close_fdp(&x->fd);
}

/* --- what is there --- */

static int
load_policy(struct recovery *x, struct diag *d)
{
	int r;

	r = file_read(x->fd, "policy.dsse", DSSE_MAX, &x->envelope,
	    &x->envelope_len, d);
	/* which one it must be, the log says: check_pin() */
	if (r == 0)
		r = policy_load_pinned(x->envelope, x->envelope_len, &x->policy,
		    d);
	if (r != 0)
		return r;
	if (!policy_names_log(x->policy, x->site.origin))
		return diag_fail(d, CS_E_PROV_ORIGIN, x->site.origin, "%s",
		    x->policy->appliance);
	if (x->policy->rehearsal != x->site.rehearsal)
		return diag_fail(d, CS_E_PROV_REHEARSAL,
		    x->site.rehearsal ? "rehearsal true" : "rehearsal false",
		    "the other in the policy");
	if (x->policy->ndomains >= MAX_DOMAINS)
		return diag_fail(d, CS_E_TOO_LARGE, "at most 64 domains", "%zu",
		    x->policy->ndomains);
	return 0;
}

/* The disk alone may not choose who approves: the log pins the policy. */
static int
check_pin(const struct recovery *x, struct diag *d)
{
	char hex[CS_SHA256_HEX + 1];

	hex_encode(x->policy->digest, CS_SHA256_LEN, hex);
	if (strcmp(hex, x->log.policy) != 0)
		return diag_fail(d, CS_E_POLICY_PIN, x->log.policy, "%s", hex);
	return 0;
}

static int
name_log(struct recovery *x, struct diag *d)
{
	static const uint8_t any[CS_SHA256_LEN];
	struct note_vkey v;
	char name[600];
	size_t len;
	int n;

	x->number = policy_log_number(x->site.origin, &len) + 1;
	(void)snprintf(name, sizeof(name), "%.*s/r%llu", (int)len,
	    x->site.origin, (unsigned long long)x->number);
	n = snprintf(x->before, sizeof(x->before), "%s.before-r%llu",
	    x->o->state, (unsigned long long)x->number);
	if (strlen(name) >= sizeof(x->origin) || n < 0 ||
	    (size_t)n >= sizeof(x->before))
		return diag_fail(d, CS_E_TOO_LARGE, "a shorter name", "%s",
		    name);
	memcpy(x->origin, name, strlen(name) + 1);
	return note_vkey_make(x->origin, any, &v, d);
}

static int
load_record(struct recovery *x, struct diag *d)
{
	_cleanup_free_ uint8_t *pem = NULL;
	size_t len;
	int r = file_read(x->fd, "enrol/record.pem", PEM_MAX, &pem, &len, d);

	return r == 0 ? pubkey_from_pem((const char *)pem, len, &x->record, d) :
			r;
}

static int
open_lists(struct recovery *x, struct diag *d)
{
	size_t i;
	int r;

	x->v[x->n++].id = PROV_AUDIT;
	for (i = 0; i < x->policy->ndomains; i++) {
		x->v[x->n].id = x->policy->domains[i].id;
		x->v[x->n++].token = x->policy->domains[i].token;
	}
	r = load_record(x, d);
	for (i = 0; r == 0 && i < x->n; i++)
		r = prov_shares_open(x->fd, x->record, x->site.origin, &x->v[i],
		    d);
	return r;
}

/* Whether this is the TPM that the state was made with, and not cleared. */
static int
same_tpm(struct recovery *x, bool *ret, struct diag *d)
{
	uint8_t is[TPM_NAME_LEN], was[CS_SHA256_LEN];
	_cleanup_free_ uint8_t *data = NULL;
	_cleanup_json_ json_t *root = NULL;
	const char *hex;
	size_t len;
	int r;

	r = file_read(x->fd, "sealed/tpm.json", PEM_MAX, &data, &len, d);
	if (r == 0)
		r = json_load_strict(data, len, PEM_MAX, &root, d);
	if (r != 0)
		return r;
	hex = json_string_value(json_object_get(root, "storage"));
	if (hex == NULL || hex_decode(hex, was, sizeof(was)) != 0)
		return diag_fail(d, CS_E_SIGNER_SEALED,
		    "the Name of a storage key", "another sealed/tpm.json");
	*ret = tpm_storage_name(x->tpm, is, NULL) == 0 &&
	    memcmp(is + 2, was, sizeof(was)) == 0;
	return 0;
}

static int
open_parts(struct recovery *x, struct diag *d)
{
	int r;

	if (x->site.hsm_conf[0] != '\0' &&
	    setenv("SOFTHSM2_CONF", x->site.hsm_conf, 1) != 0)
		return diag_errno(d, CS_E_IO, "SOFTHSM2_CONF");
	r = prov_image(AT_FDCWD, x->o->image, &x->img, d);
	if (r == 0)
		r = tpm_open(x->site.tcti, 0, &x->tpm, d);
	return r == 0 ? p11_open(x->site.module, &x->p11, d) : r;
}

/* A new version of the image perhaps, but of the key that was trusted. */
static int
check_release(const struct recovery *x, struct diag *d)
{
	_cleanup_tpm_image_ struct tpm_image *old = NULL;
	int r = prov_image(x->fd, PROV_IMAGE, &old, d);

	if (r == 0 && !pubkey_equal(old->key, x->img->key))
		r = diag_fail(d, CS_E_TPM_IMAGE,
		    "the release key of sealed/image.json", "another in %s",
		    x->o->image);
	return r == 0 ? prov_check_image(x->tpm, x->img, d) : r;
}

static int
check_all(struct recovery *x, struct diag *d)
{
	int r;

	r = load_policy(x, d);
	if (r == 0)
		r = name_log(x, d);
	if (r == 0)
		r = old_log_read(x->fd, x->site.origin, &x->log, d);
	if (r == 0)
		r = check_pin(x, d);
	if (r == 0)
		r = open_lists(x, d);
	if (r == 0)
		r = check_release(x, d);
	if (r == 0)
		r = prov_state_create(x->before, &x->state, d);
	return r == 0 ? escrow_open(&x->escrow, x->o, x->site.rehearsal, x->tpm,
			    x->state.fd, x->state.tmp, x->origin, d) :
			r;
}

/* --- custodians --- */

static void
say_digest(const char *what, const uint8_t digest[CS_SHA256_LEN])
{
	char hex[CS_SHA256_HEX + 1], words[400];

	hex_encode(digest, CS_SHA256_LEN, hex);
	if (pgp_words(digest, CS_SHA256_LEN, words, sizeof(words)) != 0)
		words[0] = '\0';
	(void)printf("%-12s sha256 %s\n%13s%s\n", what, hex, "", words);
}

static int
write_cert(const struct recovery *x, const uint8_t *der, size_t len,
    struct diag *d)
{
	const unsigned char *p = der;
	X509 *c = d2i_X509(NULL, &p, (long)len);
	BIO *b = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n = 0;
	int r;

	if (c != NULL && b != NULL && PEM_write_bio_X509(b, c) == 1)
		n = BIO_get_mem_data(b, &text);
	r = n > 0 ?
	    file_write_atomic(AT_FDCWD, x->o->out, text, (size_t)n, 0644, d) :
	    diag_fail(d, CS_E_CRYPTO, NULL, "PEM of %s", x->o->out);
	BIO_free(b);
	X509_free(c);
	return r;
}

static int
say_start(const struct recovery *x, struct diag *d)
{
	uint8_t digest[CS_SHA256_LEN];
	const uint8_t *der;
	size_t len;
	int r;

	der = recover_session_cert(x->session, &len);
	r = write_cert(x, der, len, d);
	if (r == 0)
		r = sha256(der, len, digest);
	if (r != 0)
		return r;
	(void)printf("recovery of  %s\nnew log      %s\n"
		     "old log      %llu leaves; compare its root with the last "
		     "audit bundle\n",
	    x->site.origin, x->origin, (unsigned long long)x->log.last.size);
	say_digest("root", x->log.last.root);
	say_digest("policy", x->policy->digest);
	say_digest("image key", x->img->key->id);
	say_digest("certificate", digest);
	(void)printf("Custodians encrypt their shares to %s.\n"
		     "Put them below %s as DOMAIN/share-N.p7m, then type go.\n",
	    x->o->out, x->o->in);
	return fflush(stdout) != 0 ? CS_E_IO : 0;
}

static int
meet_custodians(struct recovery *x, struct diag *d)
{
	int r = recover_session_new((int64_t)time(NULL), &x->session, d);

	if (r == 0)
		r = say_start(x, d);
	if (r == 0)
		r = prov_shares_collect(x->session, x->o->in, x->v, x->n, d);
	return r;
}

/* --- tokens: each PIN is tried once --- */

static int
try_audit(struct recovery *x, struct diag *d)
{
	uint8_t raw[CS_SHA256_LEN];
	size_t len = sizeof(raw);
	int r;

	r = prov_audit_login(x->fd, x->p11, x->v[0].pin, &x->audit, d);
	if (r != 0)
		return r;
	/* whoever changed the disk has not got the token */
	if (!pubkey_equal(x->audit.record, x->record) ||
	    EVP_PKEY_get_raw_public_key(x->audit.checkpoint->pkey, raw, &len) !=
		1 ||
	    memcmp(raw, x->log.keys.v[0].pub, sizeof(raw)) != 0)
		return diag_fail(d, CS_E_HSM_KEY_MISMATCH,
		    "the keys of enrol/record.pem and enrol/log.vkey",
		    "others on the token \"%s\"", x->audit.token);
	return 0;
}

static int
try_domain(struct recovery *x, struct share_domain *m, struct diag *d)
{
	_cleanup_p11_session_ struct p11_session *s = NULL;
	struct p11_token t;
	int r;

	r = p11_find_token_label(x->p11, m->token, &t, d);
	if (r == 0 && prov_is_software(&t) && !x->policy->rehearsal)
		r = diag_fail(d, CS_E_PROV_SOFTHSM,
		    "a policy with rehearsal true, or hardware", "%s",
		    t.manufacturer);
	if (r == 0)
		r = p11_session_open(x->p11, &t, false, &s, d);
	if (r == 0)
		r = p11_login(s, m->pin, 0, d);
	return r == 0 ? policy_keys_there(x->policy, m->id, s, d) : r;
}

static int
try_tokens(struct recovery *x, struct diag *d)
{
	size_t i;
	int r = try_audit(x, d);

	for (i = 1; r == 0 && i < x->n; i++)
		r = try_domain(x, &x->v[i], d);
	return r;
}

/* --- the new state --- */

static int
seal(struct recovery *x, struct share_domain *m, struct diag *d)
{
	_cleanup_quorum_ struct quorum quorum = { 0 };
	struct tpm_guard guard = { x->img->key, x->generation, m->id, NULL };
	char label[TPM_LABEL_MAX + 1], name[64];
	int r = 0;

	(void)snprintf(name, sizeof(name), "%.40s.seal", m->id);
	if (m->token == NULL) {
		seal_label_audit(x->origin, label);
	} else {
		seal_label_domain(m->id, x->policy->digest, label);
		r = quorum_of_domain(x->policy, m->id, &quorum, d);
		guard.quorum = &quorum;
	}
	if (r == 0)
		r = escrow_split(&x->escrow, m->id, m->pin, d);
	return r == 0 ? prov_seal(x->tpm, x->img, x->state.fd, name, label,
			    &guard, m->pin, d) :
			r;
}

static int
make_seals(struct recovery *x, struct diag *d)
{
	size_t i;
	int r;

	r = prov_make_tpm(x->tpm, x->img, &x->state, &x->generation,
	    &x->tpm_log, d);
	for (i = 0; r == 0 && i < x->n; i++)
		r = seal(x, &x->v[i], d);
	if (r == 0)
		r = escrow_owner(&x->escrow, x->tpm, x->img, x->generation, d);
	if (r == 0)
		r = escrow_sign(&x->escrow, &x->audit, d);
	return r == 0 ? escrow_publish(x->state.fd, d) : r;
}

static int
copy(struct recovery *x, const char *path, struct diag *d)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t len;
	int r;

	if (!file_exists(x->fd, path))
		return 0;
	r = file_read(x->fd, path, DSSE_MAX, &data, &len, d);
	return r == 0 ?
	    file_write_atomic(x->state.fd, path, data, len, 0644, d) :
	    r;
}

static int
copy_keys(struct recovery *x, struct diag *d)
{
	char path[100];
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < x->policy->nkeys; i++) {
		const char *id = x->policy->keys[i].id;

		(void)snprintf(path, sizeof(path), "enrol/keys/%.40s.pem", id);
		r = copy(x, path, d);
		(void)snprintf(path, sizeof(path), "enrol/certs/%.40s.pem", id);
		if (r == 0)
			r = copy(x, path, d);
	}
	return r;
}

static int
write_site(struct recovery *x, struct diag *d)
{
	_cleanup_json_ json_t *site = json_copy(x->site.doc);
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (site == NULL ||
	    json_object_set_new(site, "origin", json_string(x->origin)) != 0)
		return diag_nomem(d);
	if (json_canonical(site, &text, &len) != 0)
		return diag_fail(d, CS_E_INTERNAL, "JSON", "site.json");
	return file_write_atomic(x->state.fd, "site.json", text, len, 0600, d);
}

static int
make_state(struct recovery *x, struct diag *d)
{
	int r;

	r = make_seals(x, d);
	if (r == 0)
		r = prov_write_audit(&x->state, x->origin, x->audit.token,
		    x->audit.checkpoint_id, x->audit.checkpoint, x->tpm_log,
		    x->audit.record_id, x->record, d);
	if (r == 0)
		r = copy_keys(x, d);
	if (r == 0)
		r = copy(x, "enrol/policy.dsse", d);
	if (r == 0)
		r = file_write_atomic(x->state.fd, RECOVERED_NOTE, x->log.note,
		    x->log.note_len, 0600, d);
	if (r == 0)
		r = write_site(x, d);
	return r == 0 ? file_write_atomic(x->state.fd, "policy.dsse",
			    x->envelope, x->envelope_len, 0600, d) :
			r;
}

/* At once; from here on x->state is the old one and only gets its name. */
static int
change_places(struct recovery *x, struct diag *d)
{
	char was[sizeof(x->state.tmp)];
	int r;

	if (fsync(x->state.fd) != 0)
		return diag_errno(d, CS_E_IO, "fsync %s", x->state.tmp);
	if (renameat2(AT_FDCWD, x->state.tmp, AT_FDCWD, x->o->state,
		RENAME_EXCHANGE) != 0)
		return diag_errno(d, CS_E_PROV_STATE, "rename to %s",
		    x->o->state);
	memcpy(was, x->state.tmp, sizeof(was));
	r = prov_state_commit(&x->state, d);
	if (x->state.tmp[0] != '\0') {
		x->state.tmp[0] = '\0'; /* never to be removed */
		(void)fprintf(stderr, "the old state is in %s\n", was);
	}
	return r;
}

static int
recover(struct recovery *x, struct diag *d)
{
	int r;

	r = check_all(x, d);
	if (r == 0)
		r = meet_custodians(x, d);
	if (r == 0)
		r = try_tokens(x, d);
	if (r == 0)
		r = make_state(x, d);
	if (r == 0)
		r = change_places(x, d);
	if (r == 0)
		r = escrow_own(x->state.fd, x->tpm, x->img, x->origin, d);
	if (r == 0)
		(void)printf("recovered: the log goes on as %s; the old state "
			     "is in %s\n",
		    x->origin, x->before);
	return r;
}

/* A recovery that ended before the very last step; "policy" ends its own. */
static int
finish(struct recovery *x, struct diag *d)
{
	if (!file_exists(x->fd, "sealed/" ESCROW_KEEP) ||
	    !file_exists(x->fd, "policy.dsse"))
		return diag_fail(d, CS_E_PROV_SAME_TPM,
		    "another TPM, or a cleared one",
		    "the storage key that sealed/tpm.json names");
	(void)printf("finishing a run that was stopped\n");
	return escrow_own(x->fd, x->tpm, x->img, x->site.origin, d);
}

int
provision_recover(const struct prov_opts *o, struct diag *d)
{
	static struct recovery x;
	bool same = false;
	int r;

	x = (struct recovery){ .o = o, .fd = -1, .state = { .fd = -1 } };
	r = dir_open(AT_FDCWD, o->state, &x.fd, d);
	if (r == 0)
		r = prov_site_load(x.fd, &x.site, d);
	if (r == 0)
		r = open_parts(&x, d);
	if (r == 0)
		r = same_tpm(&x, &same, d);
	if (r == 0)
		r = same ? finish(&x, d) : recover(&x, d);
	recovery_done(&x);
	return r;
}
