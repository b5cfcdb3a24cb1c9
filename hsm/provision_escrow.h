/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_PROVISION_ESCROW_H
#define CS_PROVISION_ESCROW_H

#include "hsm/provision.h"
#include "hsm/recover.h"

/*
 * What custodians hold: each PIN, and the TPM's owner and lockout
 * authorisations, split while a ceremony has them in hand.
 *
 *	escrow_open -> escrow_split (each PIN, before it is sealed)
 *	  -> escrow_owner -> escrow_sign: enrol/recovery.new is complete
 *	  -> the caller makes the new seals the ones in force
 *	  -> escrow_publish: enrol/recovery -> escrow_own: the TPM's
 *	     authorisations are set
 *
 * The two authorisations are sealed for the image until they are set, so that
 * a run that was stopped in between is finished with the ones that were split.
 */
#define ESCROW_KEEP "owner.keep"	/* in sealed/ */

struct escrow_list {
	char domain[SHARE_DOMAIN_MAX + 1];
	char *text;
	size_t len;
};

struct escrow {
	int fd;				/* the state folder; borrowed */
	const char *path;		/* its name */
	const char *origin;
	size_t threshold, n;		/* n is 0 without custodians */
	struct recover_cert cert[PROV_MAX_CUSTODIANS];
	bool begun;
	struct escrow_list list[PROV_MAX_KEYS + 2];
	size_t nlists;
};

void escrow_done(struct escrow *e);
#define _cleanup_escrow_ _cleanup_(escrow_done)

/*
 * Reads the custodians' certificates; changes nothing.  None is for
 * rehearsals: CS_E_PROV_CUSTODIANS.  With custodians the TPM must have no
 * owner yet: CS_E_PROV_OWNER.  *e starts as zeros.
 */
int escrow_open(struct escrow *e, const struct prov_opts *o, bool rehearsal,
    struct tpm *tpm, int fd, const char *path, const char *origin,
    struct diag *d) CS_WUR;
/* The first one removes what a stopped run left. */
int escrow_split(struct escrow *e, const char *domain, struct secret *secret,
    struct diag *d) CS_WUR;
int escrow_owner(struct escrow *e, struct tpm *tpm,
    const struct tpm_image *img, uint64_t generation, struct diag *d) CS_WUR;
int escrow_sign(struct escrow *e, struct prov_audit *a, struct diag *d) CS_WUR;

/* Of this run or of one that was stopped; nothing to do is success. */
int escrow_publish(int state_fd, struct diag *d) CS_WUR;
int escrow_own(int state_fd, struct tpm *tpm, const struct tpm_image *img,
    const char *origin, struct diag *d) CS_WUR;

#endif
