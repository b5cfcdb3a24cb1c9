/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "hsm/provision.h"
#include "hsm/seal_label.h"
#include "lib/file.h"

/*
 * An image update: the policy of the image that runs now takes the place of
 * the former one.  Nothing is sealed again; the same files open, which is
 * proved with the audit token's before anything is written.
 *
 * Shutting out raises the TPM's counter to this image's version: no older one
 * opens anything from then on.
 */
#define STEPS_MAX 4096u /* increments in one run: NV wears out */

struct update {
	int fd;
	struct prov_site site;
	struct tpm_image *old, *new;
	struct tpm *tpm;
	uint64_t floor;
};

static void
update_done(struct update *u)
{
	tpm_close(&u->tpm);
	tpm_image_free(&u->old);
	tpm_image_free(&u->new);
	json_decref(u->site.doc);
	close_fdp(&u->fd);
}

static int
load(struct update *u, const struct prov_opts *o, struct diag *d)
{
	int r;

	r = dir_open(AT_FDCWD, o->state, &u->fd, d);
	if (r == 0)
		r = prov_site_load(u->fd, &u->site, d);
	if (r == 0)
		r = prov_image(u->fd, PROV_IMAGE, &u->old, d);
	if (r == 0)
		r = prov_image(AT_FDCWD, o->image, &u->new, d);
	if (r != 0)
		return r;
	if (!pubkey_equal(u->old->key, u->new->key))
		return diag_fail(d, CS_E_PROV_IMAGE,
		    "the release key that everything is sealed to", "another");
	r = tpm_open(u->site.tcti, 0, &u->tpm, d);
	return r == 0 ? tpm_nv_counter(u->tpm, TPM_NV_IMAGE, &u->floor, d) : r;
}

static int
check(const struct update *u, bool shut_out, struct diag *d)
{
	if (u->new->version < u->floor)
		return diag_fail(d, CS_E_TPM_IMAGE_OLD, NULL,
		    "version %llu, and the TPM's counter is %llu",
		    (unsigned long long)u->new->version,
		    (unsigned long long)u->floor);
	if (shut_out && u->new->version - u->floor > STEPS_MAX)
		return diag_fail(d, CS_E_PROV_IMAGE,
		    "a version at most 4096 above the TPM's counter",
		    "version %llu, and the counter is %llu",
		    (unsigned long long)u->new->version,
		    (unsigned long long)u->floor);
	return prov_check_image(u->tpm, u->new, d);
}

/* The audit token's PIN comes out under the new policy. */
static int
prove(const struct update *u, struct diag *d)
{
	_cleanup_free_ uint8_t *blob = NULL;
	_cleanup_secret_ struct secret *pin = NULL;
	char label[TPM_LABEL_MAX + 1];
	size_t len;
	int r;

	seal_label_audit(u->site.origin, label);
	r = file_read(u->fd, "sealed/" PROV_AUDIT ".seal", TPM_BLOB_MAX, &blob,
	    &len, d);
	return r == 0 ?
	    tpm_unseal(u->tpm, u->new, blob, len, label, NULL, &pin, d) :
	    r;
}

int
provision_image(const struct prov_opts *o, struct diag *d)
{
	_cleanup_(update_done) struct update u = { .fd = -1 };
	uint64_t i;
	int r;

	r = load(&u, o, d);
	if (r == 0)
		r = check(&u, o->shut_out, d);
	if (r == 0)
		r = prove(&u, d);
	if (r == 0)
		r = prov_image_write(u.fd, u.new, d);
	for (i = u.floor; r == 0 && o->shut_out && i < u.new->version; i++)
		r = tpm_nv_increment(u.tpm, u.new, TPM_NV_IMAGE, d);
	if (r == 0)
		r = tpm_nv_counter(u.tpm, TPM_NV_IMAGE, &u.floor, d);
	if (r != 0)
		return r;
	tpm_release(u.tpm);
	return printf("image version %llu; versions below %llu are shut out\n",
		   (unsigned long long)u.new->version,
		   (unsigned long long)u.floor) < 0 ||
		fflush(stdout) != 0 ?
	    CS_E_IO :
	    0;
}
