/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/provision_escrow.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "lib/file.h"

#define CERT_MAX    65536u
#define AUTH_LEN    32u /* of the owner, and of the lockout */
#define NEW_FOLDER  "enrol/recovery.new"
#define OWNER_LABEL "owner %.180s"

void
escrow_done(struct escrow *e)
{
	size_t i;

	for (i = 0; i < e->n; i++)
		free((void *)(uintptr_t)e->cert[i].der);
	for (i = 0; i < e->nlists; i++)
		free(e->list[i].text);
	memset(e, 0, sizeof(*e));
}

/* The first certificate in the file, DER in memory of our own. */
static int
pem_to_der(const uint8_t *pem, size_t len, struct recover_cert *ret)
{
	BIO *b = BIO_new_mem_buf(pem, (int)len);
	X509 *x = b == NULL ? NULL : PEM_read_bio_X509(b, NULL, NULL, NULL);
	unsigned char *der = NULL;
	uint8_t *copy = NULL;
	int n = x == NULL ? 0 : i2d_X509(x, &der);

	if (n > 0)
		copy = malloc((size_t)n);
	if (copy != NULL) {
		memcpy(copy, der, (size_t)n);
		*ret = (struct recover_cert){ copy, (size_t)n };
	}
	ERR_clear_error();
	OPENSSL_free(der);
	X509_free(x);
	BIO_free(b);
	return copy == NULL ? CS_E_SHARE_CERT : 0;
}

static int
load_cert(struct escrow *e, const char *path, struct diag *d)
{
	_cleanup_free_ uint8_t *pem = NULL;
	uint8_t id[CS_SHA256_LEN];
	size_t len;
	int r;

	r = file_read(AT_FDCWD, path, CERT_MAX, &pem, &len, d);
	if (r != 0)
		return r;
	if (pem_to_der(pem, len, &e->cert[e->n]) != 0)
		return diag_fail(d, CS_E_SHARE_CERT, "a certificate in PEM",
		    "%s", path);
	e->n++;
	return share_cert_check(e->cert[e->n - 1].der, e->cert[e->n - 1].len,
	    id, d);
}

/* Of somebody else, it could neither be set nor escrowed. */
static int
check_owner(const struct escrow *e, struct tpm *tpm, struct diag *d)
{
	bool owner = false, lockout = false;
	int r;

	if (file_exists(e->fd, "sealed/" ESCROW_KEEP))
		return 0;
	r = tpm_owned(tpm, &owner, &lockout, d);
	if (r == 0 && (owner || lockout))
		r = diag_fail(d, CS_E_PROV_OWNER,
		    "empty owner and lockout authorisations", "%s is set",
		    owner ? "the owner's" : "the lockout's");
	return r;
}

int
escrow_open(struct escrow *e, const struct prov_opts *o, bool rehearsal,
    struct tpm *tpm, int fd, const char *path, const char *origin,
    struct diag *d)
{
	struct share_head h;
	size_t i;
	int r;

	e->fd = fd;
	e->path = path;
	e->origin = origin;
	e->threshold = o->threshold;
	if (o->ncustodians == 0) {
		if (!rehearsal)
			return diag_fail(d, CS_E_PROV_CUSTODIANS,
			    "a certificate for each custodian", "none");
		(void)fputs("note: without custodians nothing can be recovered "
			    "when this TPM is lost\n",
		    stderr);
		return 0;
	}
	r = share_head_set(&h, PROV_OWNER, origin, e->threshold, o->ncustodians,
	    d);
	for (i = 0; r == 0 && i < o->ncustodians; i++)
		r = load_cert(e, o->custodians[i], d);
	return r == 0 ? check_owner(e, tpm, d) : r;
}

static int
begin(struct escrow *e, struct diag *d)
{
	char path[600];

	if (e->begun)
		return 0;
	e->begun = true;
	(void)snprintf(path, sizeof(path), "%s/" NEW_FOLDER, e->path);
	if (file_exists(e->fd, NEW_FOLDER) && prov_remove(path) != 0)
		return diag_errno(d, CS_E_IO, "%s", path);
	if (unlinkat(e->fd, "sealed/" ESCROW_KEEP, 0) != 0 && errno != ENOENT)
		return diag_errno(d, CS_E_IO, "sealed/" ESCROW_KEEP);
	return 0;
}

static int
write_shares(struct escrow *e, const char *domain,
    const struct recover_shares *s, struct diag *d)
{
	char path[120];
	size_t i;
	int r;

	(void)snprintf(path, sizeof(path), NEW_FOLDER "/%s", domain);
	r = dir_make(e->fd, path, d);
	for (i = 0; r == 0 && i < s->count; i++) {
		(void)snprintf(path, sizeof(path),
		    NEW_FOLDER "/%s/share-%zu.p7m", domain, i + 1);
		r = file_write_atomic(e->fd, path, s->file[i].p, s->file[i].len,
		    0644, d);
	}
	return r;
}

int
escrow_split(struct escrow *e, const char *domain, struct secret *secret,
    struct diag *d)
{
	const struct recover_wish w = { domain, e->origin, e->threshold,
		e->cert, e->n };
	_cleanup_recover_shares_ struct recover_shares *s = NULL;
	struct escrow_list *l = &e->list[e->nlists];
	int r = begin(e, d);

	if (r != 0 || e->n == 0)
		return r;
	if (e->nlists == ARRAY_LEN(e->list))
		return diag_fail(d, CS_E_TOO_LARGE, "fewer domains", "%s",
		    domain);
	r = recover_split(&w, secret, &s, d);
	if (r == 0)
		r = write_shares(e, domain, s, d);
	if (r != 0)
		return r;
	(void)snprintf(l->domain, sizeof(l->domain), "%s", domain);
	l->text = take_ptr(s->manifest);
	l->len = s->manifest_len;
	e->nlists++;
	return 0;
}

/*
 * Letters and digits, 165 bits each: people can hand them to other tools.
 */
int
escrow_owner(struct escrow *e, struct tpm *tpm, const struct tpm_image *img,
    uint64_t generation, struct diag *d)
{
	const struct tpm_guard guard = { img->key, generation, PROV_OWNER,
		NULL };
	_cleanup_secret_ struct secret *both = NULL;
	char label[TPM_LABEL_MAX + 1];
	int r;

	if (e->n == 0)
		return 0;
	(void)snprintf(label, sizeof(label), OWNER_LABEL, e->origin);
	r = secret_random_pin((size_t)2 * AUTH_LEN, &both);
	if (r == 0)
		r = escrow_split(e, PROV_OWNER, both, d);
	return r == 0 ?
	    prov_seal(tpm, img, e->fd, ESCROW_KEEP, label, &guard, both, d) :
	    r;
}

int
escrow_sign(struct escrow *e, struct prov_audit *a, struct diag *d)
{
	size_t i, len;
	char path[120];
	int r = 0;

	for (i = 0; r == 0 && i < e->nlists; i++) {
		_cleanup_free_ char *env = NULL;

		(void)snprintf(path, sizeof(path), NEW_FOLDER "/%s/shares.dsse",
		    e->list[i].domain);
		r = prov_audit_sign(a, e->list[i].text, e->list[i].len, &env,
		    &len, d);
		if (r == 0)
			r = file_write_atomic(e->fd, path, env, len, 0644, d);
	}
	return r;
}

int
escrow_publish(int state_fd, struct diag *d)
{
	_cleanup_fd_ int enrol = -1;
	int r;

	if (!file_exists(state_fd, NEW_FOLDER))
		return 0;
	if (renameat(state_fd, NEW_FOLDER, state_fd, "enrol/recovery") != 0)
		return diag_errno(d, CS_E_IO, "rename " NEW_FOLDER);
	r = dir_open(state_fd, "enrol", &enrol, d);
	if (r == 0 && fsync(enrol) != 0)
		r = diag_errno(d, CS_E_IO, "fsync enrol");
	return r;
}

static int
half(struct secret *both, size_t from, struct secret **ret)
{
	int r = secret_new(AUTH_LEN, ret);

	if (r == 0)
		memcpy(secret_data(*ret), secret_data(both) + from, AUTH_LEN);
	return r;
}

/* What a run that was stopped has set already stays. */
static int
set_both(struct tpm *tpm, struct secret *both, struct diag *d)
{
	_cleanup_secret_ struct secret *owner = NULL, *lockout = NULL;
	bool has_owner = false, has_lockout = false;
	int r;

	if (secret_len(both) != (size_t)2 * AUTH_LEN)
		return diag_fail(d, CS_E_TPM_TAG, "64 bytes", "%zu",
		    secret_len(both));
	r = tpm_owned(tpm, &has_owner, &has_lockout, d);
	if (r == 0 && !has_owner)
		r = half(both, 0, &owner);
	if (r == 0 && !has_lockout)
		r = half(both, AUTH_LEN, &lockout);
	return r == 0 ? tpm_take_ownership(tpm, owner, lockout, d) : r;
}

int
escrow_own(int state_fd, struct tpm *tpm, const struct tpm_image *img,
    const char *origin, struct diag *d)
{
	_cleanup_secret_ struct secret *both = NULL;
	_cleanup_free_ uint8_t *blob = NULL;
	char label[TPM_LABEL_MAX + 1];
	size_t len;
	int r;

	if (!file_exists(state_fd, "sealed/" ESCROW_KEEP))
		return 0;
	(void)snprintf(label, sizeof(label), OWNER_LABEL, origin);
	r = file_read(state_fd, "sealed/" ESCROW_KEEP, TPM_BLOB_MAX, &blob,
	    &len, d);
	if (r == 0)
		r = tpm_unseal(tpm, img, blob, len, label, NULL, &both, d);
	if (r == 0)
		r = set_both(tpm, both, d);
	if (r == 0 && unlinkat(state_fd, "sealed/" ESCROW_KEEP, 0) != 0)
		r = diag_errno(d, CS_E_IO, "sealed/" ESCROW_KEEP);
	return r;
}
