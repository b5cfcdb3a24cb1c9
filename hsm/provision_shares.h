/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_PROVISION_SHARES_H
#define CS_PROVISION_SHARES_H

#include "hsm/provision.h"
#include "hsm/recover.h"

/* A domain's shares as custodians bring them to a recovery. */
struct share_domain {
	const char *id;			/* borrowed */
	const char *token;		/* its label; NULL: the audit token */
	struct recover_set *set;
	size_t count;			/* N */
	bool in[SHARE_MAX + 1];		/* by the number in the file's name */
	struct secret *pin;		/* once there are enough */
};

void prov_shares_done(struct share_domain *v, size_t n);
/*
 * enrol/recovery/<id>/shares.dsse, signed by the record key alone, and of this
 * origin.  What share_manifest_parse() and recover_set_new() say.
 */
int prov_shares_open(int state_fd, const struct pubkey *record,
    const char *origin, struct share_domain *ret, struct diag *d) CS_WUR;
/*
 * Takes in what lies in the folder at each line "go" on standard input, says
 * of each file what became of it, and ends when every domain has enough.  At
 * the end of the input, CS_E_RECOVER_FEW.  Then the PINs are put together.
 */
int prov_shares_collect(const struct recover_session *s, const char *folder,
    struct share_domain *v, size_t n, struct diag *d) CS_WUR;

#endif
